//! Peers that ask for more than they read, on every binding: they wait for themselves, lose
//! nothing, and cost bounded memory; one that reads nothing at all is given up, but not at once.
#![cfg(unix)]

use std::{
    alloc::System,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::Mutex,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mcp_server_core::{Server, ServerBuilder, ToolEntry, mcp_proto::limits::Limits};
use mcp_tests::bindings::Binding;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test at a time: they share the allocator's counters.
static ALONE: Mutex<()> = Mutex::new(());

/// What one answer carries.
const ANSWER_BYTES: usize = 64 * 1024;
/// As much as the calls that may be under way can bring, twice: their texts and the messages made
/// of them; and then some for buffers. Everything that the peer asks for is more than that.
const MOST_BYTES: usize = 2 * 64 * ANSWER_BYTES + 4 * 1024 * 1024;
/// What no socket holds.
const LONG_BYTES: usize = 4 * 1024 * 1024;
const SOON: Duration = Duration::from_secs(20);

fn server(limits: Limits) -> Server {
    ServerBuilder::new("slow", "1.0.0")
        .limits(limits)
        .tool(ToolEntry::new("at_once").run_async(|_, _| async { "x".repeat(ANSWER_BYTES) }))
        .tool(ToolEntry::new("on_thread").call(|| "x".repeat(ANSWER_BYTES)))
        .tool(ToolEntry::new("long").call(|| "x".repeat(LONG_BYTES)))
        .build()
        .expect("the server can be built")
}

fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

/// What is held once those before have let go of theirs.
fn settled() -> usize {
    let until = Instant::now() + SOON;
    let mut last = held();
    loop {
        thread::sleep(Duration::from_millis(100));
        let now = held();
        if now == last || Instant::now() > until {
            return now;
        }
        last = now;
    }
}

fn request(id: usize) -> String {
    request_to(["at_once", "on_thread"][id % 2], id)
}

fn request_to(tool: &str, id: usize) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}",{meta}}}}}"#
    ) + "\n"
}

struct Slow {
    stream: UnixStream,
    serving: JoinHandle<Option<String>>,
    // Of the request that was not taken whole.
    rest: Vec<u8>,
    sent: usize,
}

impl Slow {
    fn connect(binding: Binding, limits: Limits) -> Self {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        near.set_write_timeout(Some(Duration::from_millis(300)))
            .expect("it is not zero");
        near.set_read_timeout(Some(SOON)).expect("it is not zero");
        Self {
            stream: near,
            serving: binding.serve(&server(limits), far),
            rest: Vec::new(),
            sent: 0,
        }
    }

    /// Asks without reading until nothing more is taken; gives the most memory that was held.
    fn ask(&mut self, requests: usize) -> usize {
        let mut most = 0;
        for id in 0..requests {
            self.rest = request(id).into_bytes();
            self.sent += 1;
            while !self.rest.is_empty() {
                match self.stream.write(&self.rest) {
                    Ok(count) => drop(self.rest.drain(..count)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return most.max(held()),
                    Err(error) => panic!("{error}"),
                }
            }
            most = most.max(held());
        }
        panic!("all of {requests} requests were taken, though nothing was read")
    }

    fn end(self, binding: Binding) -> Option<String> {
        let until = Instant::now() + SOON;
        while !self.serving.is_finished() {
            assert!(Instant::now() < until, "{binding:?} does not end");
            thread::sleep(Duration::from_millis(5));
        }
        self.serving.join().expect("serving does not panic")
    }
}

#[test]
fn a_slow_reader_waits_for_itself() {
    let _alone = ALONE.lock();
    for binding in Binding::ALL {
        let before = settled();
        let mut slow = Slow::connect(binding, Limits::default());
        let most = slow.ask(100_000).saturating_sub(before);
        assert!(
            most < MOST_BYTES,
            "{binding:?} holds {most} bytes for {} requests",
            slow.sent
        );
        println!(
            "{binding:?}: {} requests taken, {most} bytes held",
            slow.sent
        );
        // Then it reads, and lacks nothing.
        let (mut stream, rest) = (
            slow.stream.try_clone().expect("a descriptor"),
            slow.rest.clone(),
        );
        let writing = thread::spawn(move || {
            stream.set_write_timeout(None).expect("none is fine");
            stream.write_all(&rest).expect("there is room");
            stream.shutdown(Shutdown::Write).expect("it is open");
        });
        let mut answered = vec![false; slow.sent];
        for line in BufReader::new(&slow.stream).lines() {
            let line = line.expect("the server writes text");
            assert!(line.len() > ANSWER_BYTES, "{binding:?}: {line:.200}");
            let id = line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#);
            let id = id.and_then(|rest| rest.split(',').next()?.parse::<usize>().ok());
            let id = id.expect("it answers a request");
            assert!(!answered[id], "{binding:?} answers {id} twice");
            answered[id] = true;
        }
        writing.join().expect("writing does not panic");
        assert!(answered.iter().all(|answered| *answered), "{binding:?}");
        assert_eq!(slow.end(binding), None, "{binding:?}");
    }
}

#[test]
fn a_reader_that_takes_nothing_is_given_up() {
    let _alone = ALONE.lock();
    for binding in Binding::ALL {
        let mut limits = Limits::default();
        limits.outbound_stall = Duration::from_millis(700);
        let mut slow = Slow::connect(binding, limits);
        slow.ask(100_000);
        let mut stream = slow.stream.try_clone().expect("a descriptor");
        assert_eq!(slow.end(binding), None, "{binding:?}");
        // What was in the socket may still be read; then comes the end. A thread of the blocking
        // binding that is stuck in writing is freed by that.
        let mut left = Vec::new();
        if let Err(error) = stream.read_to_end(&mut left) {
            // Since it has left requests unread.
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{binding:?}");
        }
    }
}

#[test]
fn a_reader_that_pauses_at_the_end_is_waited_for() {
    let _alone = ALONE.lock();
    for binding in Binding::ALL {
        let mut slow = Slow::connect(binding, Limits::default());
        let request = request_to("long", 0);
        slow.stream
            .write_all(request.as_bytes())
            .expect("there is room");
        let mut first = [0];
        slow.stream.read_exact(&mut first).expect("an answer");
        // All that is left to do is to write the rest.
        slow.stream.shutdown(Shutdown::Write).expect("it is open");
        thread::sleep(Duration::from_millis(300));
        // A process that serves its stdio would be gone, and the rest with it.
        assert!(!slow.serving.is_finished(), "{binding:?}");
        let mut rest = String::new();
        slow.stream.read_to_string(&mut rest).expect("it is text");
        assert!(rest.len() > LONG_BYTES && rest.ends_with("}\n"));
        assert_eq!(slow.end(binding), None, "{binding:?}");
    }
}
