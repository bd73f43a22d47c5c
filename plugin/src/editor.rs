//! The editor in its window: connects the face to a session, and keeps every panic to itself. `[gui-thread]`

mod face;
mod meters;
mod pane;
mod view;

use std::sync::Arc;
use std::time::Duration;

use engine::session::{BounceSettings, Command, Remote};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::{SizeConstraints, dpi::LogicalSize};
use nice_plug::prelude::*;
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, baseview::HandlerError,
    create_egui_editor,
};

use signal::audition::Switch;

use crate::guard::{Alarm, Guard};
use crate::params::BarlineParams;

use pane::Painter;

pub use face::{Face, Rows, Track, Wish};
pub use pane::Pane;
pub use view::{AnswerView, FindingView, FoundView, Listing, Row, Spot, View};

/// Between two pictures while something moves ...
const LIVELY: Duration = Duration::from_millis(50);
/// ... and while nothing does.
const IDLE: Duration = Duration::from_millis(250);

/// Points.
const SIZE: (f32, f32) = (900.0, 560.0);
const LEAST: (f32, f32) = (640.0, 400.0);

/// The window's contents. Lives as long as the instance; windows come and go.
struct Window {
    remote: Remote,
    params: Arc<BarlineParams>,
    switch: Switch,
    /// Whether the instance itself has stopped.
    alarm: Alarm,
    face: Face,
    track: Track,
    host: Host,
    painter: Painter,
    guard: Guard,
}

/// The line to the host's parameters, once there is a window.
#[derive(Default)]
struct Host(Option<GuiContext>);

impl Host {
    /// Sets a switch as if the user had turned it in the host.
    fn set(&self, switch: &BoolParam, on: bool) {
        if let Some(context) = &self.0 {
            let setter = context.param_setter();
            setter.begin_set_parameter(switch);
            setter.set_parameter(switch, on);
            setter.end_set_parameter(switch);
        }
    }
}

/// The editor of a session.
pub(crate) fn editor(
    remote: Remote,
    params: Arc<BarlineParams>,
    switch: Switch,
    alarm: Alarm,
) -> Option<Pane> {
    let size_constraints = SizeConstraints::min_logical_size(LogicalSize::new(LEAST.0, LEAST.1));
    let resize_hint = ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        size_constraints,
        ..ResizeHint::NON_RESIZABLE
    };
    let state = EguiEditorState::from_size(LogicalSize::new(SIZE.0, SIZE.1), 1.0);
    let settings = EguiNiceSettings {
        title: "Barline".to_owned(),
        resize_hint,
        ..EguiNiceSettings::default()
    };
    Pane::new(switch.clone(), |painter| {
        let window = Window::new(remote, params, switch, alarm, painter);
        create_egui_editor(state, RepaintNotifier::default(), settings, window)
    })
}

impl Window {
    /// A window on a session.
    fn new(
        remote: Remote,
        params: Arc<BarlineParams>,
        switch: Switch,
        alarm: Alarm,
        painter: Painter,
    ) -> Self {
        let (face, track) = (Face::default(), Track::default());
        let (host, guard) = (Host::default(), Guard::default());
        Self { remote, params, switch, alarm, face, track, host, painter, guard }
    }

    /// Draws the picture of now, and does what the user wants.
    fn draw(&mut self, ui: &mut egui::Ui) {
        let Self { remote, params, switch, alarm, face, track, host, guard, .. } = self;
        let drawn = guard.run(|| {
            remote.watch();
            let (reading, hub, choices) = (remote.reading(), remote.hub(), remote.choices());
            let mut view = remote.recall(|notes| {
                remote.look(|report| View::of(report, notes, &choices, &reading, hub.as_ref()))
            });
            if alarm.rings() {
                view.trouble =
                    Some("Barline has stopped here: a defect. The audio passes.".to_owned());
            }
            track.device = hub.map(|hub| hub.device).unwrap_or_default();
            track.deaf = params.deaf();
            track.armed = params.arm_captions.value();
            track.trial = switch.look();
            let rows = |listing: Listing, range| {
                remote.recall(|notes| remote.look(|report| listing.rows(range, report, notes)))
            };
            if let Some(wish) = face.show(ui, &view, track, &rows) {
                fulfil(wish, remote, params, switch, host, track);
            }
            // The switch wants to be looked at.
            view.lively || track.trial.is_some()
        });
        if drawn.is_none() {
            ui.label("The editor has stopped: a defect in Barline. The audio passes as ever.");
        }
        let pause = if drawn == Some(true) { LIVELY } else { IDLE };
        ui.ctx().request_repaint_after(pause);
    }
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        context: egui::Context,
        host: GuiContext,
        _: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.host = Host(Some(host));
        self.painter.start();
        let Self { track, guard, .. } = self;
        guard.run(|| {
            face::dress(&context);
            match BounceSettings::load() {
                Ok(settings) => (track.bounce, track.bounce_trouble) = (settings, None),
                Err(why) => track.bounce_trouble = Some(why),
            }
        });
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        self.draw(ui);
    }

    fn track_info_changed(&mut self, info: TrackInfo) {
        let Self { track, remote, guard, .. } = self;
        guard.run(|| {
            info.name().clone_into(&mut track.name);
            remote.entitle(info.name());
            track.rgb = info.color().map(|color| {
                let (r, g, b, _) = color.rgba();
                [r, g, b]
            });
        });
    }
}

/// Does what the user wants.
fn fulfil(
    wish: Wish,
    remote: &Remote,
    params: &BarlineParams,
    switch: &Switch,
    host: &Host,
    track: &mut Track,
) {
    remote.send(match wish {
        Wish::Advise => Command::Ask(None),
        Wish::Ask(question) => Command::Ask(Some(question)),
        Wish::Stop => Command::Stop,
        Wish::ResetMeters => Command::ResetMeters,
        Wish::HoldMeters(hold) => Command::HoldMeters(hold),
        Wish::Export(format) => Command::Export(format, track.name.clone()),
        Wish::Arm(on) => return host.set(&params.arm_captions, on),
        Wish::Bounce(settings) => {
            track.bounce_trouble = settings.save().err();
            track.bounce = settings;
            return;
        }
        Wish::TakeUp => Command::TakeUp,
        Wish::Dismiss(dismissed) => return remote.taste().dismiss(dismissed),
        Wish::BringBack(dismissed) => return remote.taste().bring_back(dismissed),
        Wish::Aim(target) => return remote.taste().aim(target),
        Wish::ComputeOn(device) => return remote.compute_on(device),
        Wish::Hear(trial) => return switch.set(trial),
        Wish::Restart => return remote.restart(),
    });
}
