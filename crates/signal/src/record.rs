//! Words that one side writes and any number of others read, without a lock: a sequence lock over atomics, so that it may
//! lie in memory that processes share.
//!
//! Boehm, "Can seqlocks get along with programming language memory models?" (MSPC 2012): the words themselves are atomics,
//! so that a torn copy is one that is thrown away and never a data race.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// A reader that meets writers this often gives up: whoever reads looks again later.
const TRIES: usize = 64;

/// A record in somebody's memory. The first of its words is the sequence number: odd while the others are written.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    sequence: &'a AtomicU64,
    words: &'a [AtomicU64],
}

impl<'a> Record<'a> {
    /// Words of memory that a record of `words` takes.
    pub const fn size(words: usize) -> usize {
        1 + words
    }

    /// The record that lies in this memory; `None` in none. Memory of zeros is a record of zeros.
    pub fn in_memory(memory: &'a [AtomicU64]) -> Option<Self> {
        let (sequence, words) = memory.split_first()?;
        Some(Self { sequence, words })
    }

    /// Replaces the words; those beyond the record's end are left out, those that are missing stay. Wait-free. There is one
    /// writer at a time: with two, readers may take a mixture for whole.
    pub fn write(self, words: &[u64]) {
        // A writer that died halfway has left an odd number.
        let begun = self.sequence.load(Ordering::Relaxed) | 1;
        self.sequence.store(begun, Ordering::Relaxed);
        fence(Ordering::Release);
        for (to, &word) in self.words.iter().zip(words) {
            to.store(word, Ordering::Relaxed);
        }
        self.sequence.store(begun.wrapping_add(1), Ordering::Release);
    }

    /// Copies the words out. Whether they are of one writing; where they aren't, `words` holds rubbish.
    #[must_use]
    pub fn read(self, words: &mut [u64]) -> bool {
        for _ in 0..TRIES {
            let before = self.sequence.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                for (word, from) in words.iter_mut().zip(self.words) {
                    *word = from.load(Ordering::Relaxed);
                }
                fence(Ordering::Acquire);
                if self.sequence.load(Ordering::Relaxed) == before {
                    return true;
                }
            }
            spin_loop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn memory(words: usize) -> Vec<AtomicU64> {
        (0..Record::size(words)).map(|_| AtomicU64::new(0)).collect()
    }

    #[test]
    fn what_was_written_last_is_read() {
        let memory = memory(3);
        let record = Record::in_memory(&memory).unwrap();
        let mut words = [9; 3];
        assert!(record.read(&mut words));
        assert_eq!(words, [0; 3]);
        record.write(&[1, 2, 3]);
        record.write(&[4]);
        assert!(record.read(&mut words));
        assert_eq!(words, [4, 2, 3]);
        assert!(Record::in_memory(&[]).is_none());
    }

    #[test]
    fn a_writer_that_died_halfway_is_not_believed_until_the_next_has_written() {
        let memory = memory(2);
        let record = Record::in_memory(&memory).unwrap();
        memory[0].store(7, Ordering::Relaxed);
        assert!(!record.read(&mut [0; 2]));
        record.write(&[1, 2]);
        assert!(record.read(&mut [0; 2]));
    }

    #[test]
    fn readers_see_one_writing_and_never_two() {
        const WORDS: usize = 64;
        let (memory, done) = (memory(WORDS), AtomicBool::new(false));
        let record = Record::in_memory(&memory).unwrap();
        thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut words, mut seen, mut last) = ([0; WORDS], 0, 0);
                        while !done.load(Ordering::Relaxed) || seen == 0 {
                            if record.read(&mut words) {
                                assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
                                assert!(words[0] >= last, "an older writing after a newer one");
                                (last, seen) = (words[0], seen + 1);
                            }
                        }
                    })
                })
                .collect();
            (1..=100_000).for_each(|number| record.write(&[number; WORDS]));
            done.store(true, Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
    }
}
