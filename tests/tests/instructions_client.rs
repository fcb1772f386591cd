//! What a call costs whole clients, in instructions that callgrind counts: the difference of a long
//! and a short run, with the server a process that is not counted.

use std::process::{Command, Stdio};

use mcp_tests::counted;

/// What one call of `echo` with 64 bytes may cost, its arguments made by `json!`: ten per cent more
/// than was measured on x86-64. Without a handshake the fixture says in the `_meta` of every answer who
/// it is, which is read into a map that the result keeps; against the null server of `tests/bench`,
/// which does not, 12.0 k and 15.4 k were measured.
struct Budget {
    client: &'static str,
    handshake: u64,
    stateless: u64,
}

const BUDGETS: [Budget; 2] = [
    Budget {
        client: "caller-blocking",
        handshake: 12_400,
        stateless: 17_500,
    },
    Budget {
        client: "caller-tokio",
        handshake: 16_400,
        stateless: 21_100,
    },
];

/// Calls of the short run, and those that the long one makes besides.
const FEW: usize = 100;
const MORE: usize = 1000;

fn instructions(mut client: Command, server: &std::path::Path, era: &str, calls: usize) -> u64 {
    let output = client
        .args([era, &calls.to_string()])
        .arg(server)
        .arg("stdio")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    counted::collected(&told)
}

#[test]
fn a_call_costs_a_client_few_instructions() {
    if !counted::has_callgrind() {
        return;
    }
    let folder = counted::release(&["caller-blocking", "caller-tokio", "fixture-blocking"]);
    let server = folder.join("fixture-blocking");
    let mut too_many = Vec::new();
    for budget in BUDGETS {
        let client = folder.join(budget.client);
        for (era, most) in [
            ("handshake", budget.handshake),
            ("stateless", budget.stateless),
        ] {
            let count = |calls| instructions(counted::callgrind(&client), &server, era, calls);
            let each = (count(FEW + MORE) - count(FEW)) / MORE as u64;
            println!("{} {era}: {each} of {most}", budget.client);
            too_many.extend((each > most).then_some((budget.client, era, each, most)));
        }
    }
    assert!(too_many.is_empty(), "{too_many:?}");
}
