//! Other instances of the plugin, in this process and in others of the user: who is there, and what they heard of a bar.
//!
//! A session holds [`Neighbours`], on its own thread: it shows its bars on a board (shared memory) and reads those of others.
//! Nothing waits, and nothing on the board is believed before it is checked. Whose heartbeat stands still is gone.

mod board;
mod sheet;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use board::{BARS, Board, PLACES};
use sheet::{BAR_WORDS, TITLE_WORDS};

pub(crate) use sheet::{BarSheet, Title};

/// A heartbeat; sessions poll at least every 250 ms.
const BEAT: Duration = Duration::from_millis(500);

/// Whose heart has not beaten for this long is not counted; a machine may be busy.
const SILENT: Duration = Duration::from_secs(3);

/// After this long the place is somebody else's to take.
const ABANDONED: Duration = Duration::from_secs(30);

/// A session's place on the board, and what it has seen of the others. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Neighbours {
    board: &'static Board,
    token: u64,
    place: Option<usize>,
    title: Title,
    /// The bar that is written next.
    next: usize,
    seen: Vec<Seen>,
    beaten_at: Option<Instant>,
}

/// A place as it was seen last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    owner: u64,
    beat: u64,
    /// Since when owner and heartbeat are these.
    since: Instant,
    /// Whether the heart has been seen to beat: what a dead process left behind never does.
    alive: bool,
}

/// A neighbour that has heard the same bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Neighbour {
    /// What it calls itself.
    pub(crate) title: Title,
    /// The bar.
    pub(crate) bar: BarSheet,
}

impl Neighbours {
    /// A session that is going to show itself to all of the user's others. Opens a file the first time.
    pub(crate) fn of_user() -> Self {
        Self::on(Board::of_user())
    }

    /// Two sessions that see each other and nobody else.
    #[cfg(test)]
    pub(crate) fn together() -> [Self; 2] {
        let board: &'static Board = Box::leak(Box::new(Board::own("a test".to_owned())));
        [Self::on(board), Self::on(board)]
    }

    fn on(board: &'static Board) -> Self {
        Self {
            board,
            token: board::token(),
            place: None,
            title: Title::default(),
            next: 0,
            seen: Vec::new(),
            beaten_at: None,
        }
    }

    /// Whether it is time to call [`Self::keep`].
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.beaten_at.is_none_or(|at| now.saturating_duration_since(at) >= BEAT)
    }

    /// Says that this session lives and looks who else does.
    pub(crate) fn keep(&mut self, title: &Title, now: Instant) {
        self.beaten_at = Some(now);
        self.look(now);
        if self.own_place().is_none() {
            self.claim(now);
        }
        let Some(place) = self.own_place() else { return };
        self.board.beat(place).fetch_add(1, Ordering::Relaxed);
        if self.title != *title {
            self.board.title(place).write(&title.words());
            self.title = title.clone();
        }
    }

    /// Other sessions that live.
    pub(crate) fn count(&self) -> usize {
        self.others().count()
    }

    /// Why sessions of other processes are not among them, where that is so.
    pub(crate) fn apart(&self) -> Option<&'static str> {
        self.board.apart()
    }

    /// Shows a bar to the others.
    pub(crate) fn show(&mut self, bar: &BarSheet) {
        if let Some(place) = self.own_place() {
            self.board.bar(place, self.next).write(&bar.words());
            self.next = (self.next + 1) % BARS;
        }
    }

    /// Who else has heard this bar, in the same pass.
    pub(crate) fn beside(&self, bar: &BarSheet) -> Vec<Neighbour> {
        let heard = |place: usize| -> Option<Neighbour> {
            let bars = (0..BARS).filter_map(|at| {
                let mut words = [0; BAR_WORDS];
                let read = self.board.bar(place, at).read(&mut words);
                BarSheet::of(&words).filter(|other| read && bar.sounds_with(other))
            });
            // Of a bar that was heard twice, the last.
            let bar = bars.max_by_key(|other| other.heard_at)?;
            let mut words = [0; TITLE_WORDS];
            let read = self.board.title(place).read(&mut words);
            let title = if read { Title::of(&words) } else { Title::default() };
            Some(Neighbour { title, bar })
        };
        self.others().filter_map(heard).collect()
    }

    fn others(&self) -> impl Iterator<Item = usize> {
        let own = self.place;
        let lives = move |(place, seen): (usize, &Seen)| {
            (seen.alive && Some(place) != own).then_some(place)
        };
        self.seen.iter().enumerate().filter_map(lives)
    }

    /// The place, unless somebody who thought this session dead has taken it.
    fn own_place(&self) -> Option<usize> {
        self.place.filter(|&place| self.board.owner(place).load(Ordering::Relaxed) == self.token)
    }

    fn look(&mut self, now: Instant) {
        let read = |place: usize| {
            let owner = self.board.owner(place).load(Ordering::Relaxed);
            Seen {
                owner,
                beat: self.board.beat(place).load(Ordering::Relaxed),
                since: now,
                alive: false,
            }
        };
        if self.seen.is_empty() {
            self.seen = (0..PLACES).map(read).collect();
            return;
        }
        for (place, seen) in self.seen.iter_mut().enumerate() {
            let new = read(place);
            *seen = if new.owner == 0 || new.owner != seen.owner {
                new
            } else if new.beat != seen.beat {
                Seen { alive: true, ..new }
            } else {
                let silent = now.saturating_duration_since(seen.since) > SILENT;
                Seen { alive: seen.alive && !silent, ..*seen }
            };
        }
    }

    /// Takes a place that is free, or one whose owner is long gone.
    fn claim(&mut self, now: Instant) {
        let abandoned = |seen: &Seen| now.saturating_duration_since(seen.since) > ABANDONED;
        let takes = |(place, seen): (usize, &Seen)| {
            let free = seen.owner == 0 || abandoned(seen);
            let (owner, order) = (self.board.owner(place), Ordering::Relaxed);
            let taken =
                free && owner.compare_exchange(seen.owner, self.token, order, order).is_ok();
            taken.then_some(place)
        };
        self.place = self.seen.iter().enumerate().find_map(takes);
        if let Some(place) = self.place {
            // What the last owner has left there is nobody's.
            self.board.title(place).write(&[0; TITLE_WORDS]);
            (0..BARS).for_each(|bar| self.board.bar(place, bar).write(&[0; BAR_WORDS]));
            (self.title, self.next) = (Title::default(), 0);
        }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        if let Some(place) = self.own_place() {
            let (owner, order) = (self.board.owner(place), Ordering::Relaxed);
            let _ = owner.compare_exchange(self.token, 0, order, order);
        }
    }
}

#[cfg(test)]
mod tests;
