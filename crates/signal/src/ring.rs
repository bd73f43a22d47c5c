//! The one kind of queue between the audio thread and a session: one writer, one reader, a fixed capacity. The tap knows
//! these two traits alone, so that its protocol can be checked on another ring than the one it ships with.

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// The writing half. What was pushed first is seen first, and what is seen is complete.
pub(crate) trait RingWriter<T: Copy> {
    /// Items that are sure to fit; the reader may free more at any time.
    fn free(&self) -> usize;
    /// Appends as many items as fit: all of them where there are no more than `free`. Wait-free.
    fn push(&mut self, items: &[T]) -> usize;
    /// Whether the reader is gone.
    fn is_closed(&self) -> bool;
}

/// The reading half.
pub(crate) trait RingReader<T: Copy> {
    /// Items that can be read; the writer may add more at any time. Everything that the writer did before it pushed them
    /// is seen after this call.
    fn ready(&self) -> usize;
    /// The oldest items in two slices; the second follows the first.
    fn oldest(&self) -> (&[T], &[T]);
    /// Drops the oldest `count` items.
    fn skip(&mut self, count: usize);
    /// Whether the writer is gone. What it pushed is then ready.
    fn is_closed(&self) -> bool;
}

/// The two halves of a ring of at least one item, allocated here and freed by the half that lives longer. All of its
/// memory has been written once: a page that the system has yet to find would cost the audio thread a fault.
pub(crate) fn ring<T: Copy + Default + Send>(capacity: usize) -> (HeapProd<T>, HeapCons<T>) {
    let capacity = capacity.max(1);
    let (mut writer, mut reader) = HeapRb::new(capacity).split();
    writer.push_iter(std::iter::repeat_n(T::default(), capacity));
    Consumer::skip(&mut reader, capacity);
    (writer, reader)
}

impl<T: Copy> RingWriter<T> for HeapProd<T> {
    fn free(&self) -> usize {
        self.vacant_len()
    }

    fn push(&mut self, items: &[T]) -> usize {
        self.push_slice(items)
    }

    fn is_closed(&self) -> bool {
        !self.read_is_held()
    }
}

impl<T: Copy> RingReader<T> for HeapCons<T> {
    fn ready(&self) -> usize {
        self.occupied_len()
    }

    fn oldest(&self) -> (&[T], &[T]) {
        self.as_slices()
    }

    fn skip(&mut self, count: usize) {
        Consumer::skip(self, count);
    }

    fn is_closed(&self) -> bool {
        !self.write_is_held()
    }
}
