//! What a desk adds to a connection, in virtual time.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Waker,
};

use mcp_proto::{limits::Limits, types::LoggingLevel};

use super::*;
use crate::ToolEntry;

fn desk(limits: Limits) -> Desk {
    let server = Server::builder("desk", "1")
        .limits(limits)
        .tool(ToolEntry::new("tells").run(|_, cx| {
            for entry in ["a", "b", "c", "d"] {
                cx.log(LoggingLevel::Info, entry);
            }
            "told"
        }))
        .build();
    Desk::new(&server.unwrap(), Instant::ZERO)
}

/// A call that wants to hear of everything.
const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tells","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"debug"}}}
"#;

#[test]
fn the_newest_of_so_many_notes_wait_for_the_next_turn() {
    let mut limits = Limits::default();
    limits.notes_queued = 2;
    let mut desk = desk(limits);
    desk.handle_bytes(CALL, Instant::ZERO);
    let mut context = Context::from_waker(Waker::noop());
    let mut jobs = Vec::new();
    let _ = desk.poll_work(&mut context, Instant::ZERO, |job| jobs.push(job));
    jobs.into_iter().for_each(Job::run);
    let _ = desk.poll_work(&mut context, Instant::ZERO, |_| panic!("one job"));
    let mut out = Vec::new();
    while desk.poll_transmit(&mut out) {}
    let out = String::from_utf8(out).unwrap();
    let told = |entry: &str| out.contains(&alloc::format!(r#""data":"{entry}""#));
    assert_eq!(["a", "b", "c", "d"].map(told), [false, false, true, true]);
    assert!(out.contains("\"told\""), "{out}");
}

#[test]
fn a_peer_has_time_to_take_its_answers_unless_it_was_given_up() {
    let mut limits = Limits::default();
    limits.outbound_stall = Duration::from_nanos(7);
    let mut context = Context::from_waker(Waker::noop());
    let mut end = |how: fn(&mut Desk)| {
        let mut desk = desk(limits.clone());
        how(&mut desk);
        let _ = desk.poll_work(&mut context, Instant::ZERO, drop);
        desk.patience()
    };
    assert_eq!(end(|_| {}), Duration::from_nanos(7));
    assert_eq!(
        end(|desk| desk.handle_eof(Instant::ZERO)),
        Duration::from_nanos(7)
    );
    assert_eq!(end(|desk| desk.close(Instant::ZERO)), Duration::ZERO);
    assert_eq!(end(|desk| desk.hang_up(Instant::ZERO)), Duration::ZERO);
}

#[test]
fn a_job_is_answered_however_it_ends_and_begins_only_where_it_is_wanted() {
    const CANCEL: &[u8] = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n";
    let begun = Arc::new(AtomicUsize::new(0));
    for (case, runs, answer) in [
        ("it is run", 1, r#""text":"told""#),
        ("it is dropped", 0, r#""code":-32603"#),
        ("it is cancelled first", 0, ""),
        ("it panics", 1, r#""code":-32603"#),
    ] {
        let count = Arc::clone(&begun);
        count.store(0, Ordering::Relaxed);
        let panics = case == "it panics";
        let server = Server::builder("desk", "1").tool(ToolEntry::new("tells").run(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            assert!(!panics, "as it was told to");
            "told"
        }));
        let mut desk = Desk::new(&server.build().unwrap(), Instant::ZERO);
        let mut context = Context::from_waker(Waker::noop());
        let mut jobs = Vec::new();
        desk.handle_bytes(CALL, Instant::ZERO);
        let _ = desk.poll_work(&mut context, Instant::ZERO, |job| jobs.push(job));
        if case == "it is cancelled first" {
            desk.handle_bytes(CANCEL, Instant::ZERO);
        }
        let _ = desk.poll_work(&mut context, Instant::ZERO, |_| panic!("one job"));
        match case {
            "it is dropped" => drop(jobs),
            _ => jobs.into_iter().for_each(Job::run),
        }
        let _ = desk.poll_work(&mut context, Instant::ZERO, |_| panic!("one job"));
        let mut out = Vec::new();
        while desk.poll_transmit(&mut out) {}
        let out = String::from_utf8(out).unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), runs, "{case}");
        assert!(
            out.contains(answer) && out.is_empty() == answer.is_empty(),
            "{case}: {out}"
        );
    }
}
