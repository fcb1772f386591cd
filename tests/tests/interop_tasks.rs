//! Our tasks, other people's clients: the TypeScript SDK's of 2025-11-25, and FastMCP's of the
//! extension, which stands on the official Python SDK; over pipes and over HTTP, on every binding.
//!
//! The Python SDK's own client and the TypeScript client of 2026-07-28 bring no tasks of their own.

use mcp_tests::{
    peers::{self, Group},
    served::Served,
    transcript::{self, Side},
};

const PYTHON: &str = "py_fastmcp_tasks_client.py";
const TYPESCRIPT: &str = "ts_sdk_tasks_client.mjs";

fn ready(script: &str) -> bool {
    match script {
        PYTHON => peers::setup(&[Group::Python, Group::FastmcpTasks]),
        _ => peers::setup(&[Group::Python, Group::Npm]),
    }
}

/// How many checks a script runs at least, its own end included.
fn checks(script: &str) -> usize {
    if script == PYTHON { 12 } else { 11 }
}

fn over_a_pipe(binding: &str, fixture: &str, script: &str, mode: &str) {
    if !ready(script) {
        return;
    }
    let log = peers::scratch(&format!("tasks-{binding}-{mode}.jsonl"));
    let mut arguments: Vec<String> = ["--mode", mode, "--"].map(str::to_owned).into();
    arguments.extend(peers::recorded(&log, &[fixture, "stdio"]));
    let mut problems = peers::run_script(script, &arguments).problems(checks(script));
    if script == TYPESCRIPT {
        // By the laws of requests and answers alone: the check for members that no schema knows does
        // not see through the way in which that of 2025-11-25 puts its tasks together.
        let verdict = transcript::judge(&log, None, Side::Server);
        problems.extend(verdict.problems);
    }
    assert!(
        problems.is_empty(),
        "{binding}, {mode}:\n{}",
        problems.join("\n")
    );
}

fn over_http(binding: &str, fixture: &str, script: &str, mode: &str) {
    if !ready(script) {
        return;
    }
    let served = Served::fixture(fixture);
    let arguments = ["--mode", mode, "--url", served.url()];
    let problems = peers::run_script(script, &arguments).problems(checks(script));
    assert!(
        problems.is_empty(),
        "{binding}, {mode}:\n{}",
        problems.join("\n")
    );
}

macro_rules! bindings {
    ($($binding:ident: $fixture:literal,)*) => {$(
        mod $binding {
            use super::{PYTHON, TYPESCRIPT, over_a_pipe, over_http};

            const NAME: &str = stringify!($binding);
            const FIXTURE: &str = env!(concat!("CARGO_BIN_EXE_", $fixture));

            #[test]
            fn fastmcp_discovered() {
                over_a_pipe(NAME, FIXTURE, PYTHON, "auto");
            }

            #[test]
            fn fastmcp_over_http() {
                over_http(NAME, FIXTURE, PYTHON, "auto");
            }

            #[test]
            fn typescript_handshake() {
                over_a_pipe(NAME, FIXTURE, TYPESCRIPT, "legacy");
            }

            #[test]
            fn typescript_over_http() {
                over_http(NAME, FIXTURE, TYPESCRIPT, "legacy");
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
