//! The editor as a host opens and closes it: what is tried ends with the window, and so does the thread that draws it.
//!
//! On X11 baseview draws on a thread of its own. Dropping its window tells that thread to end and then asks it to show
//! the window once more; where the thread has already left its loop that fails, and nobody joins it (baseview 0.4.2,
//! `platform/x11/window_thread.rs`, `run_until_closed`). It unloads the graphics driver while the host goes on, perhaps
//! out of its own process, where the driver's exit handlers are then code that is no longer there. Nor does
//! nice-plug-egui 0.6.0 ever call `editor_closed`. So the pane does both.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{EditorHandle, HostMethods, SpawnedEditor};
use nice_plug::prelude::*;
use nice_plug_egui::{EguiEditor, EguiEditorHandle, baseview};
use signal::audition::Switch;

use super::Window;
use crate::guard;

/// A thread that takes longer to end hangs in the graphics driver, and the host should not.
const PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    /// Closes its channel as the last thing that a thread does.
    static ALIVE: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// A thread, and a channel that it closes as it ends.
type Drawing = (ThreadId, Receiver<()>);

/// The half that draws.
pub(super) struct Painter(Sender<Drawing>);

/// The half that closes what the other drew in.
#[derive(Clone)]
struct Closer {
    drawing: Arc<Mutex<Receiver<Drawing>>>,
    switch: Switch,
}

/// The editor that a host opens and closes at will.
pub struct Pane {
    editor: EguiEditor<Window>,
    closer: Closer,
}

/// An open editor.
pub struct OpenPane(EguiEditorHandle);

/// An open editor's window. Its fields are dropped in this order.
pub struct PaneWindow {
    window: baseview::Window,
    _closing: Closing,
}

struct Closing(Closer);

/// Both halves, of an editor whose trials `switch` holds.
fn halves(switch: Switch) -> (Painter, Closer) {
    let (drawing, drawn) = channel();
    (Painter(drawing), Closer { drawing: Arc::new(Mutex::new(drawn)), switch })
}

impl Painter {
    /// From now on this thread draws.
    pub(super) fn start(&self) {
        let (alive, ended) = channel();
        ALIVE.set(Some(alive));
        // Nobody to close it: then nobody waits for it either.
        let _ = self.0.send((thread::current().id(), ended));
    }
}

impl Closer {
    /// Ends what is tried, then waits until every thread that drew has ended, but for this one: only on X11 does a
    /// window have a thread of its own. `[gui-thread]`
    fn close(&self) {
        self.switch.set(None);
        let drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        for (thread, ended) in drawing.try_iter() {
            if thread != thread::current().id() {
                let _ = ended.recv_timeout(PATIENCE);
            }
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        guard::quietly(|| self.0.close());
    }
}

impl Pane {
    /// The editor that `build` makes around the half that draws; `None` where it makes none.
    pub(super) fn new(
        switch: Switch,
        build: impl FnOnce(Painter) -> Option<EguiEditor<Window>>,
    ) -> Option<Self> {
        let (painter, closer) = halves(switch);
        build(painter).map(|editor| Self { editor, closer })
    }
}

impl Editor for Pane {
    type Handle = OpenPane;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<OpenPane>, Box<dyn Error>> {
        let SpawnedEditor { handle, window } =
            self.editor.spawn(parent, wait_for_parent, fallback_scale_factor, context, host)?;
        let window = PaneWindow { window, _closing: Closing(self.closer.clone()) };
        Ok(SpawnedEditor { handle: OpenPane(handle), window })
    }

    fn size(&self) -> NativeSize<u32> {
        self.editor.size()
    }

    fn resize_hint(&self) -> ResizeHint {
        self.editor.resize_hint()
    }

    fn track_info_updated(&self, info: TrackInfo) {
        self.editor.track_info_updated(info);
    }
}

impl EditorHandle for OpenPane {
    type Window = PaneWindow;
    type Error = baseview::Error;

    fn run_until_closed(window: PaneWindow) -> Result<(), Self::Error> {
        window.window.run_until_closed()
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &PaneWindow,
    ) -> Result<(), Self::Error> {
        self.0.set_parent(parent, &window.window)
    }

    fn show(&self, window: &PaneWindow) -> Result<(), Self::Error> {
        self.0.show(&window.window)
    }

    fn hide(&self, window: &PaneWindow) -> Result<(), Self::Error> {
        self.0.hide(&window.window)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &PaneWindow) -> Result<(), Self::Error> {
        self.0.set_size(size, &window.window)
    }

    fn host_main_thread_callback(&self, window: &PaneWindow) {
        self.0.host_main_thread_callback(&window.window);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &PaneWindow) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, &window.window)
    }

    fn set_fallback_scale_factor(
        &self,
        factor: f64,
        window: &PaneWindow,
    ) -> Result<(), Self::Error> {
        self.0.set_fallback_scale_factor(factor, &window.window)
    }

    fn on_virtual_key_from_host(
        &self,
        key: VirtualKeyCode,
        is_down: bool,
        modifiers: Modifiers,
    ) -> bool {
        self.0.on_virtual_key_from_host(key, is_down, modifiers)
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized: f32) {
        self.0.param_value_changed(id, normalized);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.0.param_modulation_changed(id, offset);
    }
}

impl fmt::Debug for Pane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pane")
    }
}

impl fmt::Debug for OpenPane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenPane")
    }
}

impl fmt::Debug for PaneWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaneWindow")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal::audition::{Shape, Trial, audition};

    use super::*;

    /// What takes its time to be taken down.
    struct Driver(Arc<AtomicBool>);

    impl Drop for Driver {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(200));
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn closing_waits_for_the_thread_that_draws() {
        let (painter, closer) = halves(audition().0);
        let gone = Arc::new(AtomicBool::new(false));
        let (opened, open) = channel();
        let driver = Driver(Arc::clone(&gone));
        thread::spawn(move || {
            painter.start();
            opened.send(()).unwrap();
            drop(driver);
        });
        open.recv().unwrap();
        closer.close();
        assert!(gone.load(Ordering::SeqCst), "closed while the thread took its driver down");
    }

    #[test]
    fn closing_where_it_drew_waits_for_nothing_and_ends_what_is_tried() {
        let (switch, _player) = audition();
        let (painter, closer) = halves(switch.clone());
        switch.set(Some(Trial::new(Shape::Peak, 300.0, 1.0, -3.0)));
        painter.start();
        closer.close();
        assert_eq!(switch.look(), None);
    }
}
