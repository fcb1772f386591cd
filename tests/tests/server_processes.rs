//! Servers as processes, on every binding: what they do when their client is gone, in a hurry or
//! slow, and that they do nothing while there is nothing to do.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

const STUCK: &str = env!("CARGO_BIN_EXE_stuck-server");
const FIXTURES: [(&str, &str); 4] = [
    ("blocking", env!("CARGO_BIN_EXE_fixture-blocking")),
    ("tokio", env!("CARGO_BIN_EXE_fixture-tokio")),
    ("smol", env!("CARGO_BIN_EXE_fixture-smol")),
    ("async-std", env!("CARGO_BIN_EXE_fixture-async-std")),
];
const BINDINGS: [&str; 5] = ["blocking", "tokio", "tokio-threads", "smol", "async-std"];

/// Much longer than anything here takes on a busy machine, much shorter than a minute, for which
/// handlers sleep.
const SOON: Duration = Duration::from_secs(20);

struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    fn fixture((name, program): (&str, &str)) -> Self {
        let mut command = Command::new(program);
        command.arg("stdio");
        Self::start(name, command)
    }

    fn stuck(binding: &str) -> Self {
        let mut command = Command::new(STUCK);
        command.arg(binding);
        Self::start(binding, command)
    }

    fn start(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped());
        Self::run(name, command)
    }

    fn run(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Self {
            name: name.to_owned(),
            child,
            input,
            output,
        }
    }

    fn call(&mut self, id: u32, tool: &str, arguments: &str) {
        let line = call(id, tool, arguments);
        let input = self.input.as_mut().expect("it was not closed");
        input.write_all(line.as_bytes()).expect("the server reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let output = self.output.as_mut().expect("it was not closed");
        output.read_line(&mut line).expect("the server writes text");
        line
    }

    /// How it ends, by itself.
    fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < until, "{} does not end", self.name);
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        let mut errors = self.child.stderr.take().expect("it is piped");
        errors.read_to_string(&mut text).expect("it is text");
        text
    }

    /// How often its threads have gone to sleep so far.
    fn naps(&self) -> u64 {
        naps(&self.child.id().to_string())
    }

    /// The most memory that it has had, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        number(&status.expect("it runs"), "VmHWM:")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(id: u32, tool: &str, arguments: &str) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments},{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#) + "\n"
}

fn naps(process: &str) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
        .map(|status| number(&status, "voluntary_ctxt_switches:"))
        .sum()
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok())
        .expect("it is there")
}

/// All at the same time: they spend it waiting.
fn each<T: Copy + Send>(of: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for one in of {
            let play = &play;
            scope.spawn(move || play(one));
        }
    });
}

// ── the end ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_client_that_vanishes_in_the_middle_of_a_call() {
    each(FIXTURES, |fixture| {
        let mut process = Process::fixture(fixture);
        process.call(1, "echo", r#"{"message":"hi"}"#);
        assert!(process.line().contains("\"hi\""));
        process.call(2, "sleep", r#"{"ms":60000}"#);
        thread::sleep(Duration::from_millis(50));
        (process.input, process.output) = (None, None);
        let status = process.end();
        assert!(status.success(), "{}: {status}", process.name);
        let errors = process.errors();
        assert!(!errors.contains("panicked"), "{}: {errors}", process.name);
    });
}

#[test]
fn a_handler_that_blocks_for_ever_does_not_keep_the_process_alive() {
    each(BINDINGS, |binding| {
        let mut process = Process::stuck(binding);
        process.call(1, "stuck", "{}");
        process.call(2, "echo", "{}");
        assert!(process.line().contains("\"id\":2"), "{binding}");
        process.input = None;
        let answer = process.line();
        assert!(
            answer.contains("\"id\":1") && answer.contains("error"),
            "{binding}: {answer}"
        );
        let status = process.end();
        assert!(status.success(), "{binding}: {status}");
    });
}

/// Where a server's standard input comes from; it stays open.
#[derive(Clone, Copy, Debug)]
enum From {
    Pipe,
    Socket,
    Terminal,
}

#[test]
fn a_read_under_way_does_not_keep_a_runtime_alive() {
    let all = [From::Pipe, From::Socket, From::Terminal];
    let ways = BINDINGS.iter().flat_map(|binding| {
        all.map(|from| (*binding, "asked", from))
            .into_iter()
            .chain(all.map(|from| (*binding, "dropped", from)))
    });
    // There is nothing to drop.
    let ways = ways.filter(|(binding, how, _)| (*binding, *how) != ("blocking", "dropped"));
    each(ways, |(binding, how, from)| {
        let mut command = Command::new(STUCK);
        command.args([binding, "200", how]);
        let mut ours: Option<OwnedFd> = None;
        match from {
            From::Pipe => drop(command.stdin(Stdio::piped())),
            From::Socket => {
                let (near, far) = UnixStream::pair().expect("a pair of sockets");
                ours = Some(near.into());
                command.stdin(OwnedFd::from(far));
            }
            From::Terminal => {
                let (near, far) = terminal();
                ours = Some(near);
                command.stdin(far);
            }
        }
        let mut process = Process::run(&format!("{binding}, {how}, from a {from:?}"), command);
        let status = process.end();
        assert!(
            status.success(),
            "{binding}, {how}, {from:?}: {status} {}",
            process.errors()
        );
        drop(ours);
    });
}

fn terminal() -> (OwnedFd, fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&near).expect("it is ours");
    unlockpt(&near).expect("it is ours");
    let name = ptsname(&near, Vec::new()).expect("it has a name");
    let name = name.to_str().expect("the name is text").to_owned();
    let far = fs::File::options().read(true).write(true).open(name);
    (near, far.expect("it can be opened"))
}

// ── floods ──────────────────────────────────────────────────────────────────────────────────────

/// Lines of this kind, faster than they can be answered, for somebody who reads no answers.
fn flood(process: &mut Process, line: impl Fn(u32) -> String + Send + 'static) {
    let mut input = process.input.take().expect("it was not closed");
    let writing = thread::spawn(move || {
        // 64 MiB, or until the server is gone.
        let mut sent = 0;
        for id in 0.. {
            let line = line(id);
            sent += line.len();
            if sent > 64 * 1024 * 1024 || input.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        // Still open.
        input
    });
    thread::sleep(Duration::from_secs(2));
    let peak = process.peak();
    assert!(peak < 100 * 1024, "{} has had {peak} KiB", process.name);
    process.child.kill().expect("it is our child");
    drop(writing.join().expect("writing does not panic"));
}

#[test]
fn a_flood_of_calls_whose_answers_nobody_reads() {
    each(FIXTURES, |fixture| {
        let mut process = Process::fixture(fixture);
        let long = "x".repeat(10_000);
        flood(&mut process, move |id| {
            call(id, "echo", &format!(r#"{{"message":"{long}"}}"#))
        });
    });
}

#[test]
fn a_flood_without_line_ends() {
    each(FIXTURES, |fixture| {
        flood(&mut Process::fixture(fixture), |_| "x".repeat(64 * 1024));
    });
}

#[test]
fn a_flood_of_calls_that_take_their_time() {
    each(FIXTURES, |fixture| {
        let mut process = Process::fixture(fixture);
        flood(&mut process, move |id| call(id, "sleep", r#"{"ms":60000}"#));
    });
}

// ── calm ────────────────────────────────────────────────────────────────────────────────────────

/// More than what happens to any process now and then; a loop that spins, or looks every few
/// milliseconds, is far beyond.
const NAPS: u64 = 30;

/// It comes to rest, soon: on a busy machine it may still be at what came before.
fn check_calm(process: &Process, why: &str) {
    let until = Instant::now() + SOON;
    loop {
        thread::sleep(Duration::from_millis(500));
        let (naps, ticks) = (process.naps(), used(process));
        thread::sleep(Duration::from_secs(1));
        let (naps, ticks) = (process.naps() - naps, used(process) - ticks);
        // In hundredths of a second: one that never sleeps does not nap either.
        if naps <= NAPS && ticks <= 20 {
            return;
        }
        assert!(
            Instant::now() < until,
            "{} wakes up {naps} times a second, and computes {ticks} % of it, while {why}",
            process.name
        );
    }
}

/// The processor time that it has used, in ticks.
fn used(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.child.id()));
    let stat = stat.expect("it runs");
    let (_, fields) = stat.rsplit_once(") ").expect("it has a name");
    let times = fields.split(' ').skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

#[test]
fn a_server_sleeps_while_there_is_nothing_to_do() {
    each(FIXTURES, |fixture| {
        let mut process = Process::fixture(fixture);
        process.call(1, "echo", r#"{"message":"hi"}"#);
        assert!(process.line().contains("\"hi\""));
        check_calm(&process, "nothing is asked");
        process.call(2, "sleep", r#"{"ms":60000}"#);
        check_calm(&process, "a handler sleeps");
        process.input = None;
        check_calm(&process, "the last handler sleeps");
    });
}

#[test]
fn a_server_sleeps_while_its_reader_does() {
    each(FIXTURES, |fixture| {
        let mut process = Process::fixture(fixture);
        let mut input = process.input.take().expect("it was not closed");
        let writing = thread::spawn(move || {
            let long = "x".repeat(10_000);
            for id in 0..10_000 {
                let line = call(id, "echo", &format!(r#"{{"message":"{long}"}}"#));
                if input.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
        check_calm(&process, "its reader sleeps");
        process.child.kill().expect("it is our child");
        writing.join().expect("writing does not panic");
    });
}
