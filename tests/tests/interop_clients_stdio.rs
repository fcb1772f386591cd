//! Our servers, other people's clients, over stdio: every client and era against every binding.
//!
//! The scripts in `tests/peers` drive the fixture program and check what they get. All that passes on
//! the pipe is recorded, and what our side says must be what its revision's schema allows.

use mcp_tests::peers::{self, Group};
use mcp_tests::schema::Schemas;
use mcp_tests::transcript::{self, Side};

/// The scripts run this many checks at least, in whatever era, those included in which the server
/// asks the client.
const CHECKS: usize = 38;

/// Runs one script in one mode against the fixture of one binding.
fn drive(binding: &str, fixture: &str, script: &str, mode: &str) {
    let needed: &[Group] = if script.ends_with(".py") {
        &[Group::Python]
    } else {
        &[Group::Python, Group::Npm] // the recorder is a Python script
    };
    if !peers::setup(needed) {
        return;
    }
    let log = peers::scratch(&format!("{binding}-{script}-{mode}.jsonl"));
    let mut arguments: Vec<String> = ["--asks", "--mode", mode, "--"].map(str::to_owned).into();
    arguments.extend(peers::recorded(&log, &[fixture, "stdio"]));
    let mut problems = peers::run_script(script, &arguments).problems(CHECKS);

    let schemas = Schemas::load();
    if schemas.is_none() {
        let _ = peers::skip("messages are not validated, the folder of official schemas is absent");
    }
    let verdict = transcript::judge(&log, schemas.as_ref(), Side::Server);
    println!("{} messages of ours on the wire", verdict.messages);
    for fault in verdict.peer_faults {
        println!("the client's fault: {fault}");
    }
    problems.extend(verdict.problems);
    assert!(
        problems.is_empty(),
        "{binding}, {script}, {mode}:\n{}",
        problems.join("\n")
    );
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        mod $binding {
            clients! { stringify!($binding), env!(concat!("CARGO_BIN_EXE_", $fixture)),
                python_handshake: "py_mcp_client.py" "legacy",
                python_discovered: "py_mcp_client.py" "auto",
                python_unasked: "py_mcp_client.py" "modern",
                fastmcp_handshake: "py_fastmcp_client.py" "legacy",
                fastmcp_discovered: "py_fastmcp_client.py" "auto",
                fastmcp_unasked: "py_fastmcp_client.py" "modern",
                typescript_2024_11_05: "ts_client.mjs" "2024-11-05",
                typescript_2025_03_26: "ts_client.mjs" "2025-03-26",
                typescript_2025_06_18: "ts_client.mjs" "2025-06-18",
                typescript_2025_11_25: "ts_client.mjs" "legacy",
                typescript_discovered: "ts_client.mjs" "auto",
                typescript_pinned: "ts_client.mjs" "modern",
                typescript_sdk_handshake: "ts_sdk_client.mjs" "legacy",
            }
        }
    )*};
}

macro_rules! clients {
    ($binding:expr, $fixture:expr, $($test:ident: $script:literal $mode:literal,)*) => {$(
        #[test]
        fn $test() {
            super::drive($binding, $fixture, $script, $mode);
        }
    )*};
}

bindings! {
    blocking: "fixture-blocking",
    tokio: "fixture-tokio",
    smol: "fixture-smol",
    async_std: "fixture-async-std",
}
