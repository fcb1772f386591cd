//! What the smallest server costs whoever runs it: its file, its memory, and how long its client
//! waits for the first answer, told by counters and not by a clock. What it costs whoever builds
//! it, its crates, is counted in `instructions.rs`.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use mcp_tests::peers::has;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1.0.0"}}}"#;

/// The comparison's own smallest server, in the profile that everybody is compared in.
fn hello() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let this = std::env::current_exe().unwrap();
        let target = this.ancestors().nth(3).unwrap().join("bench");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--release", "--quiet", "-p", "hello-ours"]);
        cargo
            .arg("--manifest-path")
            .arg(root.join("bench/Cargo.toml"));
        cargo.env("CARGO_TARGET_DIR", &target);
        assert!(
            cargo.status().unwrap().success(),
            "the smallest server does not build"
        );
        target.join("release/hello-ours")
    })
}

/// A server that has answered its first request.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            // Cargo's, in each of whose folders the loader would look first.
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self {
            child,
            input,
            output,
        };
        running.ask(INITIALIZE);
        running
    }

    fn ask(&mut self, request: &str) {
        self.input
            .write_all(format!("{request}\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(line.contains(r#""result""#), "{line}");
    }

    /// What it, or what counts it, has said on standard error.
    fn end(self) -> String {
        drop(self.input);
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

#[test]
fn the_smallest_server_is_a_small_file() {
    if !has("strip") {
        return;
    }
    let stripped = std::env::temp_dir().join(format!("mcp-stripped-{}", std::process::id()));
    let status = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(hello())
        .status();
    assert!(status.unwrap().success());
    let bytes = fs::metadata(&stripped).unwrap().len();
    fs::remove_file(&stripped).unwrap();
    println!("{bytes} of {FILE_BYTES} bytes");
    assert!(bytes <= FILE_BYTES, "{bytes} bytes of {FILE_BYTES}");
}

/// The kilobytes under that name.
fn kilobytes(of: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{of}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    line.trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn the_smallest_server_at_rest_takes_little_memory() {
    let mut server = Running::start(Command::new(hello()));
    server.ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{"name":"you"}}}"#);
    let of = server.child.id();
    let (all, own) = (
        kilobytes(of, "status", "VmRSS:"),
        kilobytes(of, "status", "RssAnon:"),
    );
    println!("{all} of {RESIDENT_KB} kB resident, {own} of {OWN_KB} its own");
    server.end();
    assert!(all <= RESIDENT_KB, "{all} kB resident");
    assert!(own <= OWN_KB, "{own} kB of its own");
}

#[test]
fn the_first_answer_takes_few_instructions() {
    if !has("valgrind") {
        return;
    }
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(hello());
    let told = Running::start(valgrind).end();
    let (_, count) = told.split_once("Collected : ").unwrap();
    let count: u64 = count.split_whitespace().next().unwrap().parse().unwrap();
    println!("{count} of {FIRST_INSTRUCTIONS} instructions");
    assert!(count <= FIRST_INSTRUCTIONS, "{count} instructions");
}

#[test]
fn the_first_answer_takes_few_system_calls() {
    if !has("strace") {
        return;
    }
    let log = std::env::temp_dir().join(format!("mcp-first-{}", std::process::id()));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&log).arg(hello());
    Running::start(strace).end();
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    // From the start on, those of the loader included, to the write of the answer.
    let calls: Vec<_> = text.lines().filter(|line| line.contains('(')).collect();
    let answers = |call: &&str| call.contains("write(") && call.contains("result");
    let answer = calls.iter().position(answers);
    let count = answer.expect("it has answered") + 1;
    println!("{count} of {FIRST_SYSTEM_CALLS} system calls");
    assert!(count <= FIRST_SYSTEM_CALLS, "{count}: {text}");
}

// Measured on x86-64 Linux with rustc 1.95, and some room for other compilers and loaders.
const FILE_BYTES: u64 = 1_240_000;
const RESIDENT_KB: u64 = 3_072;
const OWN_KB: u64 = 300;
const FIRST_INSTRUCTIONS: u64 = 520_000;
const FIRST_SYSTEM_CALLS: usize = 130;
