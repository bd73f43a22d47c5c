//! The tests of whole things, one binary: each module is one subject.

mod cli;
mod hosts;
