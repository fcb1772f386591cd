//! What a call costs whole servers, counted by machines: instructions under callgrind, system calls
//! under strace. Both counts are differences of a long and a short run, so that starting is not in
//! them. The servers are the bindings' `echo` examples and the whole fixture, whose `echo` is async
//! and one of a few dozen components, in release builds. And what the smallest server costs whoever
//! builds it: the crates in its tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use mcp_tests::peers::has;

/// What one call may cost: ten per cent more than was measured on x86-64, and whole system calls
/// with some room for the supervisor's.
struct Budget {
    server: &'static str,
    tool: &'static str,
    handshake: u64,
    stateless: u64,
    system_calls: f64,
}

const BUDGETS: &[Budget] = &[
    Budget {
        server: "echo",
        tool: "echo",
        handshake: 9_000,
        stateless: 10_100,
        system_calls: 3.0,
    },
    Budget {
        server: "echo",
        tool: "echo_quick",
        handshake: 9_000,
        stateless: 10_000,
        system_calls: 2.1,
    },
    Budget {
        server: "fixture",
        tool: "echo",
        handshake: 9_700,
        stateless: 10_700,
        system_calls: 3.0,
    },
    Budget {
        server: "echo_tokio",
        tool: "echo",
        handshake: 11_800,
        stateless: 12_900,
        system_calls: 3.1,
    },
    Budget {
        server: "echo_smol",
        tool: "echo",
        handshake: 11_600,
        stateless: 12_700,
        system_calls: 8.1,
    },
];

/// How often something that costs too much is counted again. Beside other work a handler may look
/// slow, and then another worker is woken for each of the next calls: that is the machine's cost.
const TRIES: usize = 3;

/// Calls of the short run, and those that the long one makes besides.
const FEW: usize = 500;
const MORE: usize = 1000;

fn release(server: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&root)
            .args(["build", "--release", "--quiet"]);
        for package in ["bind-blocking", "bind-tokio", "bind-async-std"] {
            cargo.args(["-p", package]);
        }
        for example in ["echo", "fixture", "echo_tokio", "echo_smol"] {
            cargo.args(["--example", example]);
        }
        assert!(
            cargo.status().unwrap().success(),
            "the examples do not build"
        );
    });
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().nth(3).unwrap();
    target.join("release/examples").join(server)
}

/// Who calls, and how.
#[derive(Clone, Copy)]
struct Client {
    stateless: bool,
    // Each call has another progress token.
    tokens: bool,
    // So many calls are open at a time.
    window: usize,
}

impl Client {
    const fn of(stateless: bool) -> Self {
        Self {
            stateless,
            tokens: false,
            window: 1,
        }
    }

    fn meta(self, id: usize) -> String {
        let token = match self.tokens {
            true => format!(r#""progressToken":{id},"#),
            false => String::new(),
        };
        match self.stateless {
            true => format!(
                r#","_meta":{{{token}"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1.0.0"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}"#
            ),
            false => String::new(),
        }
    }
}

/// Calls in windows, one after the other; what is counted is told on standard error or in a file.
fn run(mut counter: Command, server: &Path, tool: &str, client: Client, calls: usize) -> String {
    let mut child = counter
        .arg(server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut ask = |requests: String| {
        input.write_all(requests.as_bytes()).unwrap();
        for _ in requests.lines() {
            line.clear();
            output.read_line(&mut line).unwrap();
            assert!(line.contains(r#""result""#), "{line}");
        }
    };
    if !client.stateless {
        ask(format!(
            "{}\n",
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1.0.0"}}}"#
        ));
    }
    let message = "x".repeat(64);
    let call = |id: usize| {
        let meta = client.meta(id);
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{{\"message\":\"{message}\"}}{meta}}}}}\n"
        )
    };
    let ids: Vec<usize> = (1..=calls).collect();
    for window in ids.chunks(client.window) {
        ask(window.iter().copied().map(call).collect());
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first of a few counts that is not more than `most`, or else the last of them.
fn counted<T: PartialOrd>(most: &T, mut count: impl FnMut() -> T) -> T {
    let mut found = count();
    for _ in 1..TRIES {
        if found <= *most {
            break;
        }
        found = count();
    }
    found
}

fn instructions(server: &Path, tool: &str, client: Client, calls: usize) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let told = run(valgrind, server, tool, client, calls);
    let (_, count) = told.split_once("Collected : ").unwrap();
    count.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_call_costs_few_instructions() {
    if !has("valgrind") {
        return;
    }
    let mut too_many = Vec::new();
    for budget in BUDGETS {
        let server = release(budget.server);
        for (stateless, most) in [(false, budget.handshake), (true, budget.stateless)] {
            let client = Client::of(stateless);
            let count = |calls| instructions(&server, budget.tool, client, calls);
            let each = counted(&most, || (count(FEW + MORE) - count(FEW)) / MORE as u64);
            let era = if stateless { "stateless" } else { "handshake" };
            println!("{} {} {era}: {each} of {most}", budget.server, budget.tool);
            too_many.extend((each > most).then_some((budget.server, budget.tool, era, each, most)));
        }
    }
    assert!(too_many.is_empty(), "{too_many:?}");
}

/// A progress token differs in each call. What is around it is compared, as the whole is otherwise.
#[test]
fn a_token_that_changes_costs_few_instructions() {
    const MOST: u64 = 11_700;
    if !has("valgrind") {
        return;
    }
    let client = Client {
        tokens: true,
        ..Client::of(true)
    };
    let server = release("fixture");
    let count = |calls| instructions(&server, "echo", client, calls);
    let each = counted(&MOST, || (count(FEW + MORE) - count(FEW)) / MORE as u64);
    println!("with a token: {each}");
    assert!(each <= MOST, "{each}");
}

fn system_calls(
    server: &Path,
    tool: &str,
    client: Client,
    calls: usize,
) -> BTreeMap<String, usize> {
    let window = client.window;
    let log = std::env::temp_dir().join(format!(
        "mcp-strace-{}-{tool}-{window}-{calls}",
        std::process::id()
    ));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&log);
    run(strace, server, tool, client, calls);
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(&log).unwrap().lines() {
        // `1234  read(0, …` or `1234  <... read resumed>…`, which was counted when it began.
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    fs::remove_file(&log).unwrap();
    counts
}

#[test]
fn a_call_costs_few_system_calls() {
    if !has("strace") {
        return;
    }
    let mut too_many = Vec::new();
    for budget in BUDGETS {
        let server = release(budget.server);
        for stateless in [false, true] {
            let client = Client::of(stateless);
            let all = counted(&budget.system_calls, || {
                let few = system_calls(&server, budget.tool, client, FEW);
                let mut each: BTreeMap<String, f64> = BTreeMap::new();
                for (name, count) in system_calls(&server, budget.tool, client, FEW + MORE) {
                    let more = count.saturating_sub(few.get(&name).copied().unwrap_or_default());
                    each.insert(name, more as f64 / MORE as f64);
                }
                let all: f64 = each.values().sum();
                each.retain(|_, each| *each >= 0.05);
                let era = if stateless { "stateless" } else { "handshake" };
                println!("{} {} {era}: {all} {each:?}", budget.server, budget.tool);
                all
            });
            let found = (budget.server, budget.tool, stateless, all);
            too_many.extend((all > budget.system_calls).then_some(found));
        }
    }
    assert!(too_many.is_empty(), "{too_many:?}");
}

/// Many that are open at once are read and answered by few of them, and no thread is woken for
/// another's sake, though under strace each takes its time.
#[test]
fn calls_in_flight_share_their_system_calls() {
    const MOST: f64 = 0.5;
    if !has("strace") {
        return;
    }
    for server in ["echo", "fixture", "echo_tokio", "echo_smol"] {
        let client = Client {
            window: 64,
            ..Client::of(false)
        };
        let each = counted(&MOST, || {
            let count = |calls| {
                let counts = system_calls(&release(server), "echo", client, calls);
                counts.values().sum::<usize>()
            };
            count(64 * 64).saturating_sub(count(0)) as f64 / (64.0 * 64.0)
        });
        println!("{server}: {each}");
        assert!(each <= MOST, "{server}: {each}");
    }
}

#[test]
fn the_smallest_server_takes_few_crates() {
    const MOST: usize = 20;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    // `bind-blocking` as the smallest program has it, which itself is one more.
    cargo.args([
        "tree",
        "--offline",
        "-p",
        "bind-blocking",
        "--edges",
        "normal",
    ]);
    cargo.args([
        "--prefix",
        "none",
        "--no-default-features",
        "--features",
        "macros,server",
    ]);
    let output = cargo.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let name = |line: &str| {
        line.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let crates: BTreeSet<_> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(name)
        .collect();
    assert!(crates.len() > 5, "{crates:?}");
    assert!(
        crates.len() < MOST,
        "{} with the program: {crates:?}",
        crates.len() + 1
    );
}
