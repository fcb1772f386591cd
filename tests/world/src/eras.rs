//! S11: what a handler that asks gets to see does not depend on the revision.

use std::collections::BTreeMap;

use crate::{
    asks::SCRIPTS,
    scenario::{Dice, Pick, Scenario, Setup, Step},
    shrink::find_fault,
    world::{Options, run},
};

/// The ways, among all there are, whose clients can show forms.
const FORMS: [u8; 10] = [0, 1, 2, 3, 6, 8, 9, 10, 11, 14];
/// Those whose clients can show pages as well.
const PAGES: [u8; 6] = [0, 1, 2, 8, 9, 10];
/// The script that wants to show one.
const PAGE: u8 = 9;

/// Calls that ask, made by clients of every revision over both kinds of links, whose users always
/// say the same.
///
/// # Errors
/// The scenario whose handlers are told something else than those of the first one, and both.
pub fn eras_agree(seed: u64) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let script = u8::try_from(dice.roll(usize::from(SCRIPTS))).unwrap_or_default();
    let mut steps = Vec::new();
    // Two, so that no client is asked more at once than it takes.
    for _ in 0..=dice.roll(2) {
        // The last four kinds of calls are those that ask.
        let kind = 12 + u8::try_from(dice.roll(4)).unwrap_or_default();
        let what = Pick(kind + 16 * script);
        let client = Pick(0);
        steps.push(Step::Call { client, what });
        for _ in 0..dice.roll(2) {
            let (held, how) = (Pick(dice.byte()), Pick(0));
            steps.push(Step::Finish { held, how });
        }
    }
    let ways: &[u8] = if script == PAGE { &PAGES } else { &FORMS };
    let mut first: Option<(String, BTreeMap<u32, Vec<String>>)> = None;
    for way in ways {
        let setup = Setup {
            first: Pick(*way),
            second: Pick(0),
            limits: Pick(0x0f),
        };
        let steps = steps.clone();
        let scenario = Scenario { setup, steps };
        if let Some(fault) = find_fault(&scenario, Options::default()) {
            return Err(format!("{scenario}: {fault}"));
        }
        let told = run(&scenario, Options::default()).told;
        let (like, expected) = first.get_or_insert_with(|| (scenario.to_string(), told.clone()));
        if *expected != told {
            return Err(format!(
                "S11: {scenario} tells {told:#?}\n{like} tells {expected:#?}"
            ));
        }
    }
    Ok(())
}
