//! A server as a real process: how it starts, ends, and keeps its standard streams apart.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Every fixture that serves its own standard input and output.
const FIXTURES: [(&str, &str); 4] = [
    ("blocking", env!("CARGO_BIN_EXE_fixture-blocking")),
    ("tokio", env!("CARGO_BIN_EXE_fixture-tokio")),
    ("smol", env!("CARGO_BIN_EXE_fixture-smol")),
    ("async-std", env!("CARGO_BIN_EXE_fixture-async-std")),
];

/// Long enough for a busy machine; a server that hangs takes for ever.
const PROMPTLY: Duration = Duration::from_secs(5);

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    fn start(program: &str) -> Self {
        let mut command = Command::new(program);
        command
            .arg("stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Self {
            child,
            input,
            output,
        }
    }

    fn send(&mut self, method: &str, id: Option<u32>, params: &str) {
        let id = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
        let input = self.input.as_mut().unwrap();
        // Fails where the process has ended, which is what some tests are about.
        let _ = writeln!(
            input,
            r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{params}}}"#
        );
    }

    fn call(&mut self, id: u32, tool: &str, arguments: &str) {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments},{meta}}}"#);
        self.send("tools/call", Some(id), &params);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    fn end(&mut self, name: &str) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < PROMPTLY, "{name} does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_end_of_input_is_the_end_of_the_process() {
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(1, "echo", r#"{"message":"hi"}"#);
        assert!(process.line().contains("\"hi\""), "{name}");
        process.input = None;
        let (status, _) = process.end(name);
        assert!(status.success(), "{name}: {status}");
    }
}

#[test]
fn what_was_asked_before_the_end_of_input_is_answered() {
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(7, "sleep", r#"{"ms":300}"#);
        process.input = None;
        let answer = process.line();
        assert!(
            answer.contains("\"id\":7") && answer.contains("slept 300 ms"),
            "{name}: {answer}"
        );
        assert!(process.end(name).0.success(), "{name}");
    }
}

#[test]
fn sigterm_ends_it_while_its_input_is_open() {
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(1, "echo", r#"{"message":"hi"}"#);
        process.line();
        process.call(2, "sleep", r#"{"ms":60000}"#);
        let pid = process.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let (status, took) = process.end(name);
        assert!(
            !status.success() && took < Duration::from_secs(1),
            "{name}: {status} after {took:?}"
        );
    }
}

#[test]
fn a_client_that_has_gone_is_no_panic() {
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(1, "echo", r#"{"message":"hi"}"#);
        process.line();
        process.output = None;
        for id in 2..20 {
            process.call(id, "echo", r#"{"message":"is anybody there?"}"#);
        }
        process.input = None;
        process.end(name);
        let errors = process.errors();
        assert!(!errors.contains("panicked"), "{name}: {errors}");
    }
}

#[test]
fn a_call_under_way_gets_its_time_when_the_client_goes_and_no_more() {
    let limit = mcp_proto::limits::Limits::default().drain_timeout;
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(1, "sleep", r#"{"ms":600000}"#);
        // Long enough for whoever watches over calls to have gone to sleep.
        std::thread::sleep(Duration::from_millis(300));
        drop((process.input.take(), process.output.take()));
        std::thread::sleep(limit);
        let (status, _) = process.end(name);
        assert!(status.success(), "{name}: {status}");
    }
}

#[test]
fn what_a_handler_prints_appears_on_standard_error() {
    for (name, program) in FIXTURES {
        let mut process = Process::start(program);
        process.call(1, "print", r#"{"text":"not a message"}"#);
        process.call(2, "echo", r#"{"message":"hi"}"#);
        let answers = [process.line(), process.line()];
        assert!(
            answers
                .iter()
                .all(|answer| answer.starts_with("{\"jsonrpc\"")),
            "{name}: {answers:?}"
        );
        process.input = None;
        process.end(name);
        let errors = process.errors();
        assert!(errors.contains("not a message"), "{name}: {errors}");
    }
}
