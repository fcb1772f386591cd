//! Our servers, other people's clients, over HTTP: in both eras, with everything that the fixture
//! offers, and asked what it asks.

use mcp_tests::peers::{self, Group};
use mcp_tests::served::Served;

/// The scripts run this many checks at least, in whatever era.
const CHECKS: usize = 45;

fn drive(fixture: &str, script: &str, mode: &str) {
    let needed = match script.ends_with(".py") {
        true => Group::Python,
        false => Group::Npm,
    };
    if !peers::setup(&[needed]) {
        return;
    }
    let served = Served::fixture(fixture);
    let arguments = ["--asks", "--mode", mode, "--url", served.url()];
    let problems = peers::run_script(script, &arguments).problems(CHECKS);
    assert!(
        problems.is_empty(),
        "{fixture}, {script}, {mode}:\n{}",
        problems.join("\n")
    );
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        mod $binding {
            use super::drive;

            const FIXTURE: &str = env!(concat!("CARGO_BIN_EXE_", $fixture));

            #[test]
            fn python_handshake() {
                drive(FIXTURE, "py_mcp_client.py", "legacy");
            }

            #[test]
            fn python_discovered() {
                drive(FIXTURE, "py_mcp_client.py", "auto");
            }

            #[test]
            fn typescript_handshake() {
                drive(FIXTURE, "ts_client.mjs", "legacy");
            }

            #[test]
            fn typescript_discovered() {
                drive(FIXTURE, "ts_client.mjs", "auto");
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
