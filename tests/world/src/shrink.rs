//! From a scenario that breaks a law to the shortest one that breaks it too.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

use crate::{
    scenario::{Pick, Scenario, Setup, Step},
    trace::Text,
    world::{Options, run, run_telling},
};

/// Runs a scenario. Gives what it breaks, if anything.
#[must_use]
pub fn find_fault(scenario: &Scenario, options: Options) -> Option<String> {
    let caught = panic::catch_unwind(AssertUnwindSafe(|| run(scenario, options))).err()?;
    Some(words_of(&*caught))
}

/// Runs a scenario. Gives everything that happened, and then what it breaks.
#[must_use]
pub fn tell(scenario: &Scenario, options: Options) -> (String, Option<String>) {
    let text = Text::default();
    let kept = Some(Text::clone(&text));
    let attempt = || run_telling(scenario, options, kept);
    let fault = panic::catch_unwind(AssertUnwindSafe(attempt)).err();
    let told = text.take();
    (told, fault.map(|caught| words_of(&*caught)))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

/// Two faults are the same if they begin alike: with the law's name, or the panic's first words.
fn kind(fault: &str) -> &str {
    let end = fault.find([':', ',']).unwrap_or(fault.len());
    &fault[..end]
}

/// The shortest scenario with the same fault that leaving out and simplifying finds.
///
/// Every scenario that is tried panics and is caught: a panic hook of the caller's may want to be
/// silent meanwhile.
#[must_use]
pub fn shrink(scenario: &Scenario, options: Options) -> Scenario {
    let Some(fault) = find_fault(scenario, options) else {
        return scenario.clone();
    };
    let same = |tried: &Scenario| {
        find_fault(tried, options).is_some_and(|found| kind(&found) == kind(&fault))
    };
    let mut best = scenario.clone();
    loop {
        let before = best.clone();
        leave_out(&mut best, &same);
        simplify(&mut best, &same);
        if best == before {
            return best;
        }
    }
}

/// Leaves steps out, many at once at first.
fn leave_out(best: &mut Scenario, same: &impl Fn(&Scenario) -> bool) {
    let mut size = best.steps.len();
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut tried = best.clone();
            tried.steps.drain(at..(at + size).min(best.steps.len()));
            if same(&tried) {
                *best = tried;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
}

/// Makes every pick as small as it can be.
fn simplify(best: &mut Scenario, same: &impl Fn(&Scenario) -> bool) {
    let mut bytes = best.to_bytes();
    for at in 0..bytes.len() {
        // The first of three says which step it is.
        if at >= 3 && at % 3 == 0 {
            continue;
        }
        for smaller in 0..bytes[at] {
            let before = std::mem::replace(&mut bytes[at], smaller);
            let tried = Scenario::from_bytes(&bytes);
            if same(&tried) {
                *best = tried;
                break;
            }
            bytes[at] = before;
        }
    }
}

impl Scenario {
    /// The scenario as Rust text, for a test.
    #[must_use]
    pub fn as_rust(&self) -> String {
        let Setup {
            first: Pick(first),
            second: Pick(second),
            limits: Pick(limits),
        } = self.setup;
        let mut text = format!(
            "Scenario {{\n    setup: Setup {{ first: Pick({first}), second: Pick({second}), limits: Pick({limits}) }},\n    steps: vec![\n"
        );
        for step in &self.steps {
            text += &format!("        {},\n", rust_of(*step));
        }
        text + "    ],\n}"
    }
}

fn rust_of(step: Step) -> String {
    format!("Step::{step:?}")
}
