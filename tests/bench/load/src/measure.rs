//! The measurements: each starts a server, asks it something, and has one result.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::conn::{Conn, Script};
use crate::drive::{PATIENCE, Report, Until, drive};
use crate::roster::{Entry, folder};
use crate::server::{Server, watchdog};
use crate::wire::{Call, Era, Transport, listen, opening};

/// What is asked, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Setup {
    pub(crate) transport: Transport,
    pub(crate) era: Era,
    pub(crate) call: Call,
    pub(crate) connections: usize,
    pub(crate) window: usize,
}

impl Setup {
    pub(crate) fn one_at_a_time(transport: Transport, era: Era, call: Call) -> Self {
        Self {
            transport,
            era,
            call,
            connections: 1,
            window: 1,
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Stdio => "stdio",
            Transport::Http => "HTTP",
        };
        write!(
            f,
            "{transport}, {}, {}",
            self.era.revision(),
            self.call.tool()
        )?;
        if let Call::Echo(bytes) | Call::Quick(bytes) = self.call {
            write!(f, " of {bytes} bytes")?;
        }
        write!(f, ", {} × {}", self.connections, self.window)
    }
}

/// A number, or why there is none.
pub(crate) type Measured = Result<f64, String>;

/// Nothing that is measured here takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Connections with their hands shaken; over HTTP each is a client with a session of its own.
fn connect(server: &mut Server, setup: Setup) -> Result<Vec<(Conn, Script)>, String> {
    let mut conns = Vec::new();
    for _ in 0..setup.connections {
        let mut conn = server.connect()?;
        conn.set_patience(PATIENCE)
            .map_err(|error| error.to_string())?;
        let mut head = server.head(setup.era);
        conn.shake_hands(setup.era, head.as_mut())?;
        let script = Script::new(setup.era, setup.call, head.as_ref());
        conns.push((conn, script));
    }
    Ok(conns)
}

/// Calls for a time or a number of times.
pub(crate) fn timed(entry: &Entry, setup: Setup, until: Until) -> Result<Report, String> {
    let entry = entry.for_call(setup.call);
    let mut server = Server::start(&entry, setup.transport, &[], LIMIT)?;
    let mut conns = connect(&mut server, setup)?;
    drive(&mut conns, setup.window, until, server.watched())
}

/// Runs a server under another program and lets it end.
fn under(entry: &Entry, setup: Setup, program: &[String], calls: u64) -> Result<(), String> {
    let entry = entry.for_call(setup.call);
    let mut server = Server::start(&entry, setup.transport, program, LIMIT)?;
    let mut conns = connect(&mut server, setup)?;
    let watched = server.watched();
    let report = drive(&mut conns, setup.window, Until::Calls(calls), watched)?;
    if let Some(complaint) = report.complaint {
        return Err(complaint);
    }
    drop(conns);
    server.finish()
}

/// Counts of calls whose difference is free of what starting and ending cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) few: u64,
    pub(crate) many: u64,
}

impl Counts {
    fn per_call(self, total: impl Fn(u64) -> Result<u64, String>) -> Measured {
        let few = total(self.few)?;
        let many = total(self.many)?;
        Ok(many.saturating_sub(few) as f64 / (self.many - self.few) as f64)
    }
}

/// A file in which a tool leaves its findings.
fn scratch(name: &str) -> Result<String, String> {
    let folder = folder().join("target/scratch");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Two comparisons at the same time do not read each other's.
    let path = folder.join(format!("{name}-{}", std::process::id()));
    // Left over from before, or not there.
    let _ = std::fs::remove_file(&path);
    Ok(path.to_string_lossy().into_owned())
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

/// The number behind a word in what a tool has written, its separators left out.
fn number_after(text: &str, word: &str) -> Result<u64, String> {
    let at = text.rfind(word).ok_or_else(|| format!("no {word:?}"))?;
    let rest = text[at + word.len()..].trim_start();
    let digits = rest
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .filter(char::is_ascii_digit);
    let digits: String = digits.collect();
    digits
        .parse()
        .map_err(|_| format!("no number after {word:?}"))
}

const CALLGRIND: [&str; 2] = ["valgrind", "--tool=callgrind"];
const MEMCHECK: [&str; 3] = ["valgrind", "--tool=memcheck", "--leak-check=no"];

/// Instructions in user space for each call, by callgrind.
pub(crate) fn instructions(entry: &Entry, setup: Setup, counts: Counts) -> Measured {
    counts.per_call(|calls| {
        let file = scratch("callgrind")?;
        let mut program = words(CALLGRIND);
        program.push(format!("--callgrind-out-file={file}"));
        under(entry, setup, &program, calls)?;
        number_after(&read(&file)?, "totals:")
    })
}

/// Instructions for each call of a server with so many more tools.
pub(crate) fn beside_tools(entry: &Entry, tools: usize, counts: Counts) -> Measured {
    let setup = Setup::one_at_a_time(Transport::Stdio, Era::Legacy, Call::Echo(64));
    // To start with thousands of tools takes a billion, give or take as much as some hundred calls.
    let counts = Counts {
        few: counts.few,
        many: (counts.many * 40).min(10_000),
    };
    instructions(&entry.own(tools), setup, counts)
}

/// Instructions for each byte of the list of so many tools, on one page.
pub(crate) fn list_instructions(entry: &Entry, tools: usize, counts: Counts) -> Measured {
    // Two are there anyway.
    let entry = entry.own(tools.saturating_sub(2));
    let setup = Setup::one_at_a_time(Transport::Stdio, Era::Legacy, Call::List(tools));
    let mut server = Server::start(&entry, Transport::Stdio, &[], LIMIT)?;
    let mut conn = server.connect()?;
    conn.shake_hands(Era::Legacy, None)?;
    let (_, list) = conn.exchange(LIST.as_bytes())?;
    Ok(instructions(&entry, setup, counts)? / list.len().max(1) as f64)
}

const LIST: &str = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}\n";

/// Allocations for each call, by memcheck.
pub(crate) fn allocations(entry: &Entry, setup: Setup, counts: Counts) -> Measured {
    counts.per_call(|calls| {
        let file = scratch("memcheck")?;
        let mut program = words(MEMCHECK);
        program.push(format!("--log-file={file}"));
        under(entry, setup, &program, calls)?;
        number_after(&read(&file)?, "total heap usage:")
    })
}

/// System calls for each call, by strace.
pub(crate) fn system_calls(entry: &Entry, setup: Setup, counts: Counts) -> Measured {
    counts.per_call(|calls| {
        let file = scratch("strace")?;
        let mut program = words(["strace", "-f", "-c", "-U", "calls,name", "-o"]);
        program.push(file.clone());
        under(entry, setup, &program, calls)?;
        let text = read(&file)?;
        let total = text.lines().rev().find(|line| line.contains("total"));
        let count = total.and_then(|line| line.split_whitespace().next());
        let count = count.and_then(|count| count.parse().ok());
        count.ok_or_else(|| "strace has counted nothing".to_owned())
    })
}

/// From the start of the process to its first response, the median of so many.
pub(crate) fn first_response(entry: &Entry, era: Era, times: usize) -> Result<Duration, String> {
    let mut found = Vec::new();
    for _ in 0..times {
        let request = opening(era) + "\n";
        let started = Instant::now();
        let mut server = Server::start(entry, Transport::Stdio, &[], LIMIT)?;
        let mut conn = server.connect()?;
        conn.exchange(request.as_bytes())?;
        found.push(started.elapsed());
    }
    found.sort_unstable();
    Ok(found[found.len() / 2])
}

/// A server that has answered a few calls, so that what it does once is done.
fn warm(entry: &Entry, era: Era) -> Result<(Server, Vec<(Conn, Script)>), String> {
    let setup = Setup::one_at_a_time(Transport::Http, era, Call::Echo(64));
    let mut server = Server::start(entry, Transport::Http, &[], LIMIT)?;
    let mut conns = connect(&mut server, setup)?;
    drive(&mut conns, 1, Until::Calls(50), server.watched())?;
    Ok((server, conns))
}

/// Bytes of memory for each of so many idle sessions, opened over one connection.
pub(crate) fn session_bytes(entry: &Entry, count: usize) -> Measured {
    let (mut server, _conns) = warm(entry, Era::Legacy)?;
    let before = server.watched().memory().own;
    open_sessions(&mut server, count)?;
    let after = server.watched().memory().own;
    Ok(after.saturating_sub(before) as f64 * 1024.0 / count as f64)
}

/// Calls on one connection of a server that has so many idle sessions.
pub(crate) fn beside_sessions(entry: &Entry, count: usize, until: Until) -> Result<Report, String> {
    let (mut server, mut conns) = warm(entry, Era::Legacy)?;
    open_sessions(&mut server, count)?;
    drive(&mut conns, 1, until, server.watched())
}

fn open_sessions(server: &mut Server, count: usize) -> Result<(), String> {
    let head = server.head(Era::Legacy);
    let mut conn = server.connect()?;
    conn.set_patience(PATIENCE)
        .map_err(|error| error.to_string())?;
    for _ in 0..count {
        conn.shake_hands(Era::Legacy, head.clone().as_mut())?;
    }
    Ok(())
}

/// Bytes of memory for each of so many listen streams, each on a connection of its own.
pub(crate) fn listen_bytes(entry: &Entry, count: usize) -> Measured {
    let (mut server, _conns) = warm(entry, Era::Modern)?;
    let before = server.watched().memory().own;
    let open = listeners(&mut server, count)?;
    let after = server.watched().memory().own;
    drop(open);
    Ok(after.saturating_sub(before) as f64 * 1024.0 / count as f64)
}

/// Calls on one connection of a server that has so many listen streams.
pub(crate) fn beside_listeners(
    entry: &Entry,
    count: usize,
    until: Until,
) -> Result<Report, String> {
    let (mut server, mut conns) = warm(entry, Era::Modern)?;
    let open = listeners(&mut server, count)?;
    let report = drive(&mut conns, 1, until, server.watched())?;
    drop(open);
    Ok(report)
}

fn listeners(server: &mut Server, count: usize) -> Result<Vec<Conn>, String> {
    let head = server.head(Era::Modern).ok_or("it is not on HTTP")?;
    let request = head.request("subscriptions/listen", &listen());
    let mut open = Vec::new();
    for _ in 0..count {
        let mut conn = server.connect()?;
        conn.set_patience(PATIENCE)
            .map_err(|error| error.to_string())?;
        conn.send(&request)?;
        conn.wait_for("notifications/subscriptions/acknowledged")?;
        open.push(conn);
    }
    Ok(open)
}

/// What a client program has printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientReport {
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) cpu: Duration,
}

fn run_client(entry: &Entry, program: &[String], calls: u64) -> Result<String, String> {
    let client = entry.client.as_ref().ok_or("it has no client here")?;
    let server = folder().join("target/release/null-stdio");
    if !client.exists() || !server.exists() {
        return Err(format!("not built: {}", client.display()));
    }
    let mut all = program.to_vec();
    all.push(client.to_string_lossy().into_owned());
    let mut command = Command::new(&all[0]);
    command.args(&all[1..]).arg(calls.to_string()).arg(server);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| error.to_string())?;
    let watched = watchdog(child.id(), LIMIT);
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    drop(watched);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A client calls the null server, one call at a time.
pub(crate) fn client(entry: &Entry, calls: u64) -> Result<ClientReport, String> {
    let text = run_client(entry, &[], calls)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [rate, p50, p99, cpu] = numbers[..] else {
        return Err(format!("it has printed {text:?}"));
    };
    let nanos = |nanos: f64| Duration::from_nanos(nanos as u64);
    Ok(ClientReport {
        rate,
        p50: nanos(p50),
        p99: nanos(p99),
        cpu: nanos(cpu),
    })
}

/// Instructions in user space for each call of a client.
pub(crate) fn client_instructions(entry: &Entry, counts: Counts) -> Measured {
    counts.per_call(|calls| {
        let file = scratch("callgrind")?;
        let mut program = words(CALLGRIND);
        program.push(format!("--callgrind-out-file={file}"));
        run_client(entry, &program, calls)?;
        number_after(&read(&file)?, "totals:")
    })
}

/// Allocations for each call of a client.
pub(crate) fn client_allocations(entry: &Entry, counts: Counts) -> Measured {
    counts.per_call(|calls| {
        let file = scratch("memcheck")?;
        let mut program = words(MEMCHECK);
        program.push(format!("--log-file={file}"));
        run_client(entry, &program, calls)?;
        number_after(&read(&file)?, "total heap usage:")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_tools_are_found() {
        let text = "==1==   total heap usage: 1,234 allocs, 1,000 frees";
        assert_eq!(number_after(text, "total heap usage:"), Ok(1234));
        assert_eq!(number_after("x\ntotals: 987654\n", "totals:"), Ok(987_654));
        assert!(number_after("totals: none", "totals:").is_err());
    }
}
