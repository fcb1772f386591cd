//! More calls at once than a server begins or lets wait, on every binding: they are left in the
//! pipe until there is room, all get their results, and what is behind them gets through.
#![cfg(unix)]

use std::{thread, time::Duration};

use mcp_server_core::{Server, ServerBuilder, ToolEntry, tool};
use mcp_tests::bindings::{Binding, Peer};

#[tool]
async fn at_once(message: String) -> String {
    message
}

#[tool]
fn on_thread(message: String) -> String {
    message
}

#[tool(quick)]
fn quickly(message: String) -> String {
    message
}

/// Long enough that all places are taken.
#[tool]
fn after_a_while(message: String) -> String {
    thread::sleep(Duration::from_millis(2));
    message
}

fn server() -> Server {
    ServerBuilder::new("bursts", "1.0.0")
        .tool(at_once)
        .tool(on_thread)
        .tool(quickly)
        .tool(after_a_while)
        .tool(ToolEntry::new("never").run_async(|_, _| std::future::pending::<String>()))
        .build()
        .expect("the server can be built")
}

fn call(id: usize, tool: &str) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let params = format!(r#"{{"name":"{tool}","arguments":{{"message":"number {id}"}},{meta}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#) + "\n"
}

/// So many calls are written at once, by a thread of its own, for the server leaves them unread.
const CALLS: usize = 1000;

fn each(play: impl Fn(Binding) + Sync) {
    thread::scope(|scope| {
        for binding in Binding::ALL {
            let play = &play;
            scope.spawn(move || play(binding));
        }
    });
}

#[test]
fn a_thousand_calls_at_once_all_get_their_results() {
    for tool in ["at_once", "on_thread", "quickly", "after_a_while"] {
        // One after the other: each may have 64 threads.
        for binding in Binding::ALL {
            let mut peer = Peer::connect(binding, &server());
            let calls: String = (0..CALLS).map(|id| call(id, tool)).collect();
            let mut writer = peer.writer();
            thread::scope(|scope| {
                scope.spawn(move || writer(calls.as_bytes()));
                let mut answered = vec![false; CALLS];
                for _ in 0..CALLS {
                    let line = peer.line().expect("the connection lives");
                    let id = line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#);
                    let id = id.and_then(|rest| rest.split(',').next()?.parse::<usize>().ok());
                    let id = id.unwrap_or_else(|| panic!("{binding:?}, {tool}: {line}"));
                    let text = format!(r#""text":"number {id}""#);
                    assert!(line.contains(&text), "{binding:?}, {tool}: {line}");
                    assert!(!std::mem::replace(&mut answered[id], true), "{line}");
                }
            });
            let (rest, error) = peer.finish();
            assert!(rest.is_empty() && error.is_none(), "{rest:?} {error:?}");
        }
    }
}

/// Where calls do not end, patience does: the cancellations behind are heard.
#[test]
fn cancellations_behind_calls_that_never_end_get_through() {
    each(|binding| {
        let mut peer = Peer::connect(binding, &server());
        let calls: String = (0..200).map(|id| call(id, "never")).collect();
        let cancel = |id: usize| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            ) + "\n"
        };
        let cancels: String = (0..128).map(cancel).collect();
        peer.send(calls + &cancels + &call(1000, "at_once"));
        let mut busy = 0;
        loop {
            let line = peer.line().expect("the connection lives");
            if line.contains("number 1000") {
                break;
            }
            assert!(line.contains("-32000"), "{binding:?}: {line}");
            busy += 1;
        }
        assert_eq!(busy, 72, "{binding:?}");
    });
}
