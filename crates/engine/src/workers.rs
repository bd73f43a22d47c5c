//! The engine's threads for offline work: a rayon pool of a stated size. What is computed never depends on that size.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::EngineError;

/// A pool of named worker threads.
#[derive(Debug)]
pub struct Workers {
    pool: ThreadPool,
}

impl Workers {
    /// A pool of `threads` threads, or one for each core.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn new(threads: Option<usize>) -> Result<Self, EngineError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(cores).max(1))
            .thread_name(|index| format!("barline-worker-{index}"))
            .build()
            .map_err(|error| EngineError::Threads(error.to_string()))?;
        Ok(Self { pool })
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `work` on the pool and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}
