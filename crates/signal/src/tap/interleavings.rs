//! The tap's protocol under every interleaving that loom finds, on a ring of loom's own atomics: a sample's mark is there
//! when the sample is, nothing is lost or told twice, and a generation that was closed is empty after one more drain.
//!
//! Runs with `RUSTFLAGS="--cfg barline_loom" cargo test -p signal --lib interleavings`, as `cargo xtask test` does.

use std::cell::UnsafeCell;

use loom::cell::UnsafeCell as Watched;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
// Not the system's threads: the model runs them one step at a time.
use loom::thread as stepped;

use super::*;
use crate::feed::{Chunk, Reader};
use crate::ring::RingReader;

/// A ring that orders its halves exactly as the shipped one promises to: acquire and release on the two indices.
struct Ring<T> {
    /// A slot's memory, which `oldest` lends as a slice, and beside it what loom watches in its place.
    slots: Box<[UnsafeCell<T>]>,
    watched: Box<[Watched<()>]>,
    written: AtomicUsize,
    read: AtomicUsize,
    closed: AtomicBool,
}

/// Each half keeps the index it alone moves: loom looks for a rival in the last access to an atomic only, and a half
/// that read back its own index would hide the other's.
struct Half<T> {
    ring: Arc<Ring<T>>,
    own: usize,
}

#[expect(unsafe_code, reason = "a ring's halves share its slots")]
// SAFETY: slots are touched between the two indices only, and loom watches every access.
unsafe impl<T: Send> Send for Half<T> {}

fn ring<T: Copy + Default>(capacity: usize) -> (Half<T>, Half<T>) {
    let zero = || AtomicUsize::new(0);
    let ring = Arc::new(Ring {
        slots: (0..capacity).map(|_| UnsafeCell::new(T::default())).collect(),
        watched: (0..capacity).map(|_| Watched::new(())).collect(),
        written: zero(),
        read: zero(),
        closed: AtomicBool::new(false),
    });
    (Half { ring: Arc::clone(&ring), own: 0 }, Half { ring, own: 0 })
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        self.ring.closed.store(true, Ordering::Release);
    }
}

impl<T: Copy> RingWriter<T> for Half<T> {
    fn free(&self) -> usize {
        self.ring.slots.len() - (self.own - self.ring.read.load(Ordering::Acquire))
    }

    fn push(&mut self, items: &[T]) -> usize {
        let count = items.len().min(RingWriter::free(self));
        for item in &items[..count] {
            let place = self.own % self.ring.slots.len();
            self.ring.watched[place].with_mut(|_| {
                #[expect(unsafe_code, reason = "the writer owns the free slots")]
                // SAFETY: the slot is free, so no reader has a slice over it; loom checks that.
                unsafe {
                    *self.ring.slots[place].get() = *item;
                }
            });
            self.own += 1;
        }
        self.ring.written.store(self.own, Ordering::Release);
        count
    }

    fn is_closed(&self) -> bool {
        self.ring.closed.load(Ordering::Acquire)
    }
}

impl<T: Copy> RingReader<T> for Half<T> {
    fn ready(&self) -> usize {
        self.ring.written.load(Ordering::Acquire) - self.own
    }

    fn oldest(&self) -> (&[T], &[T]) {
        let ready = RingReader::ready(self);
        let start = self.own % self.ring.slots.len();
        let first = ready.min(self.ring.slots.len() - start);
        let slice = |start: usize, count: usize| {
            self.ring.watched[start..start + count].iter().for_each(|slot| slot.with(|_| ()));
            #[expect(unsafe_code, reason = "the reader owns the written slots")]
            // SAFETY: an `UnsafeCell<T>` lies in memory as a `T`, and these were written and not yet given back.
            unsafe {
                std::slice::from_raw_parts(self.ring.slots[start..].as_ptr().cast::<T>(), count)
            }
        };
        (slice(start, first), slice(0, ready - first))
    }

    fn skip(&mut self, count: usize) {
        self.own += count;
        self.ring.read.store(self.own, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.ring.closed.load(Ordering::Acquire)
    }
}

type Halves = (Writer<Half<f32>, Half<Mark>>, Reader<Half<f32>, Half<Mark>>);

fn tap(samples: usize, marks: usize) -> Halves {
    let (samples_in, samples_out) = ring(samples);
    let (marks_in, marks_out) = ring(marks);
    let writer = Writer::new(samples_in, marks_in, 1, 48_000.0);
    (writer, Reader::new(samples_out, marks_out, 1))
}

/// A place that no block before foretells.
fn place(frame: u64) -> Transport {
    let position = i64::try_from(frame).map(|frame| frame * 100).ok();
    Transport { playing: true, position, ..Transport::default() }
}

/// What was heard: each sample is its own number in the stream, and its mark says the same place.
fn hear(chunk: &Chunk<'_>, heard: &mut Vec<u64>) {
    for (frame, &sample) in (chunk.frame()..).zip(chunk.samples) {
        assert_eq!(sample, frame as f32);
        let run = chunk.mark.frame;
        assert_eq!(chunk.mark.transport.position, place(run).position, "another run's mark");
        heard.push(frame);
    }
}

#[test]
fn every_sample_is_seen_once_and_under_its_own_mark() {
    loom::model(|| {
        let (mut writer, mut reader) = tap(2, 2);
        let audio = stepped::spawn(move || {
            // The second continues the first; the third jumps and may find the ring full.
            let mut taken = vec![writer.write(&[[0.0]], 1, place(0))];
            let on = Transport { position: Some(1), ..place(0) };
            taken.push(writer.write(&[[1.0]], 1, on));
            taken.push(writer.write(&[[2.0]], 1, place(2)));
            taken
        });
        let mut heard = Vec::new();
        reader.drain(&mut |chunk| hear(&chunk, &mut heard));
        let taken = audio.join().expect("the writer does not panic");
        reader.drain(&mut |chunk| hear(&chunk, &mut heard));
        let expected: Vec<u64> = (0..3).filter(|&frame| taken[frame as usize]).collect();
        assert_eq!(heard, expected);
    });
}

#[test]
fn a_generation_that_was_closed_is_empty_after_one_drain() {
    loom::model(|| {
        let (mut first_in, mut first_out) = tap(2, 2);
        let (mut second_in, mut second_out) = tap(2, 2);
        let audio = stepped::spawn(move || {
            assert!(first_in.write(&[[0.0]], 1, place(0)));
            drop(first_in);
            assert!(second_in.write(&[[0.0]], 1, place(0)));
        });
        // As a listener does: asked first, drained then, and the second only after the first has ended.
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut look = |first: &mut Vec<u64>, second: &mut Vec<u64>| {
            let closed = RingReader::is_closed(&first_out.samples);
            first_out.drain(&mut |chunk| hear(&chunk, first));
            if closed {
                assert_eq!(*first, [0]);
                second_out.drain(&mut |chunk| hear(&chunk, second));
            }
        };
        look(&mut first, &mut second);
        audio.join().expect("the writer does not panic");
        look(&mut first, &mut second);
        assert_eq!((first, second), (vec![0], vec![0]));
    });
}
