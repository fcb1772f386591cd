//! The official conformance suite against the fixture server of every binding.
//!
//! Every scenario must pass, strictly, but for those that are listed here as not there yet; and of
//! those none may pass.

use mcp_tests::{
    conformance::{self, Leg, NotYet, Set},
    peers::{self, Group},
    served::Served,
};

const fn later(scenario: &'static str, why: &'static str) -> NotYet {
    NotYet { scenario, why }
}

const NOT_YET_2025_11_25: &[NotYet] = &[];

const NOT_YET_2026_07_28: &[NotYet] = &[
    // The suite skips it in any case.
    later(
        "tasks-status-notifications",
        "the suite has no check for it",
    ),
];

const NOT_YET_0_1: &[NotYet] = &[];

fn check(fixture: &str, set: Set, label: &str, not_yet: &[NotYet]) {
    if !peers::setup(&[Group::Npm, Group::Conformance, Group::Conformance01]) {
        return;
    }
    // Its own: some scenarios change what the server offers.
    let served = Served::fixture(fixture);
    let verdicts = conformance::run(set, Leg::Server(served.url()), label);
    let wrong = conformance::compare(&verdicts, not_yet);
    assert!(wrong.is_empty(), "{label}:\n{}", wrong.join("\n"));
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        mod $binding {
            use super::{NOT_YET_0_1, NOT_YET_2025_11_25, NOT_YET_2026_07_28, Set, check};

            const FIXTURE: &str = env!(concat!("CARGO_BIN_EXE_", $fixture));

            #[test]
            fn requirements_of_2025_11_25() {
                let label = concat!($fixture, "-2025-11-25");
                check(FIXTURE, Set::Requirements("2025-11-25"), label, NOT_YET_2025_11_25);
            }

            #[test]
            fn requirements_of_2026_07_28() {
                let label = concat!($fixture, "-2026-07-28");
                check(FIXTURE, Set::Requirements("2026-07-28"), label, NOT_YET_2026_07_28);
            }

            #[test]
            fn everything_of_the_0_1_line() {
                check(FIXTURE, Set::AllOf01, concat!($fixture, "-0.1"), NOT_YET_0_1);
            }
        }
    )*};
}

bindings! {
    blocking: "fixture-blocking",
    tokio: "fixture-tokio",
    smol: "fixture-smol",
    async_std: "fixture-async-std",
}
