//! From measurements to findings: what an engineer would want to know about a slice, with the numbers.
//!
//! Called by the engine for bars, stems and files. The rules are conservative: ordinary material has no findings.

mod balance;
mod draft;
mod level;
mod limits;
mod remedy;
mod target;
mod tone;

use signal::{Finding, Label, Measurements};

pub use target::{Programme, Target};

/// The findings of one slice, sorted by priority, no move against another. `label` is what the slice is, where that is known: it decides
/// what is ordinary.
pub fn detect(measured: &Measurements, label: Option<Label>) -> Vec<Finding> {
    if let Some(finding) = level::nothing_to_say(measured) {
        return vec![finding];
    }
    let mut findings = Vec::new();
    level::rules(measured, label, &mut findings);
    tone::rules(measured, label, &mut findings);
    Finding::settle(&mut findings);
    findings
}

#[cfg(test)]
mod tests;
