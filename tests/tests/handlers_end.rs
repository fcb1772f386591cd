//! How handlers end that are not wanted any more, and that a panic is nobody else's concern: on
//! every binding, for servers and for clients.
#![cfg(unix)]

use std::{
    future::pending,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, Once,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use mcp_client_core::{ClientBuilder, Options};
use mcp_proto::{
    limits::Limits,
    types::{ElicitResult, LoggingLevel},
};
use mcp_server_core::{Cx, Server, ServerBuilder, ToolEntry};
use mcp_tests::{
    bindings::{Binding, Peer, tokio_runtime},
    clients::Kind,
};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

type Ear = Arc<Mutex<Sender<&'static str>>>;

/// Tells when it is dropped.
struct Guard(Ear);

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody listens any more where a test has failed.
        let _ = self
            .0
            .lock()
            .expect("telling does not panic")
            .send("dropped");
    }
}

/// A server, and what its handlers tell.
fn server(drain: Duration) -> (Server, Receiver<&'static str>) {
    let (sender, told) = mpsc::channel();
    let ear: Ear = Arc::new(Mutex::new(sender));
    let mut limits = Limits::default();
    limits.drain_timeout = drain;
    let (waits, chats, blocks) = (Arc::clone(&ear), Arc::clone(&ear), ear);
    let server = ServerBuilder::new("ends", "1.0.0")
        .limits(limits)
        .tool(ToolEntry::new("wait").run_async(move |_, cx| {
            let guard = Guard(Arc::clone(&waits));
            async move {
                let _guard = guard;
                cx.progress(1, None);
                pending::<String>().await
            }
        }))
        .tool(ToolEntry::new("chat").run_async(move |_, cx| {
            let guard = Guard(Arc::clone(&chats));
            async move {
                let _guard = guard;
                for step in 0_u32.. {
                    cx.progress(step, None);
                    smol::Timer::after(Duration::from_millis(2)).await;
                }
                ""
            }
        }))
        .tool(ToolEntry::new("block").run(move |_, cx: &Cx| {
            cx.progress(1, None);
            let cancelled = cx.wait(SOON);
            let what = if cancelled { "cancelled" } else { "forgotten" };
            let _ = blocks.lock().expect("telling does not panic").send(what);
            ""
        }))
        .build()
        .expect("the server can be built");
    (server, told)
}

fn call(tool: &str) -> String {
    let meta = concat!(
        r#""_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientCapabilities":{}}"#,
    );
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}",{meta}}}}}"#
    )
}

#[test]
fn a_client_that_leaves_takes_its_calls_along() {
    for binding in Binding::ALL {
        for (tool, end) in [("wait", "dropped"), ("block", "cancelled")] {
            let (server, told) = server(Duration::from_millis(100));
            let mut peer = Peer::connect(binding, &server);
            peer.send_line(&call(tool));
            assert!(peer.line().is_some_and(|line| line.contains("progress")));
            let (rest, error) = peer.finish();
            assert_eq!(told.recv_timeout(SOON), Ok(end), "{binding:?}, {tool}");
            assert_eq!(
                (rest.len(), error),
                (1, None),
                "{binding:?}, {tool}: {rest:?}"
            );
        }
    }
}

#[test]
fn a_client_that_is_gone_is_noticed_when_it_is_told_something() {
    for binding in Binding::ALL {
        let (server, told) = server(Duration::from_secs(3600));
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let serving = binding.serve(&server, far);
        std::io::Write::write_all(&mut &near, (call("chat") + "\n").as_bytes())
            .expect("there is room");
        let mut byte = [0];
        std::io::Read::read_exact(&mut &near, &mut byte).expect("it reports progress");
        drop(near);
        assert_eq!(told.recv_timeout(SOON), Ok("dropped"), "{binding:?}");
        assert_eq!(
            serving.join().expect("serving does not panic"),
            None,
            "{binding:?}"
        );
    }
}

#[test]
fn whoever_drops_the_serving_future_ends_the_handlers() {
    macro_rules! serve_briefly {
        ($serve:path, $server:expr, $reader:expr, $writer:expr) => {{
            let serving = async { drop($serve($server, $reader, $writer).await) };
            let over = async {
                smol::Timer::after(Duration::from_millis(200)).await;
            };
            smol::future::or(serving, over).await;
        }};
    }
    for binding in &Binding::ALL[1..] {
        for (tool, end) in [("wait", "dropped"), ("block", "cancelled")] {
            let (server, told) = server(Duration::from_secs(3600));
            let (near, far) = UnixStream::pair().expect("a pair of sockets");
            std::io::Write::write_all(&mut &near, (call(tool) + "\n").as_bytes())
                .expect("there is room");
            far.set_nonblocking(true).expect("a socket can be");
            let serving = thread::spawn({
                let binding = *binding;
                move || match binding {
                    Binding::AsyncStd | Binding::Smol => {
                        let serving = async {
                            let stream = smol::Async::new(far).expect("a socket");
                            serve_briefly!(bind_async_std::serve, server, &stream, &stream);
                        };
                        if binding == Binding::Smol {
                            smol::block_on(serving);
                        } else {
                            async_std::task::block_on(serving);
                        }
                    }
                    _ => tokio_runtime(binding).block_on(async {
                        let stream = tokio::net::UnixStream::from_std(far).expect("a socket");
                        let (reader, writer) = stream.into_split();
                        serve_briefly!(bind_tokio::serve, server, reader, writer);
                    }),
                }
            });
            assert_eq!(told.recv_timeout(SOON), Ok(end), "{binding:?}, {tool}");
            serving.join().expect("serving does not panic");
        }
    }
}

// ── clients ─────────────────────────────────────────────────────────────────────────────────────

/// Panics that are asked for need not fill the test's output.
fn expect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref::<&str>() != Some(&"as asked") {
                report(panic);
            }
        }));
    });
}

/// A server of 2026-07-28 that makes a client's handlers run.
fn provoke(stream: UnixStream) {
    thread::spawn(move || {
        let reader = stream.try_clone().expect("a descriptor");
        for line in std::io::BufRead::lines(std::io::BufReader::new(reader)) {
            let Ok(line) = line else { return };
            let message: serde_json::Value =
                serde_json::from_str(&line).expect("clients write JSON");
            let (id, params) = (&message["id"], &message["params"]);
            let mut notes = Vec::new();
            let result = match message["method"].as_str() {
                Some("server/discover") => json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}, "logging": {}}, "ttlMs": 0, "cacheScope": "private",
                }),
                Some("tools/call")
                    if params["name"] == "ask" && params["inputResponses"].is_null() =>
                {
                    json!({
                        "resultType": "input_required", "requestState": "s", "inputRequests": {"who": {
                            "method": "elicitation/create", "params": {
                                "mode": "form", "message": "Who?",
                                "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
                            },
                        }},
                    })
                }
                Some("tools/call") => {
                    let token = &params["_meta"]["progressToken"];
                    notes.push(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}}));
                    notes.push(json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": "x"}}));
                    json!({"resultType": "complete", "content": [{"type": "text", "text": "here"}]})
                }
                _ => continue,
            };
            notes.push(json!({"jsonrpc": "2.0", "id": id, "result": result}));
            for note in notes {
                // The client may have gone.
                let _ = std::io::Write::write_all(&mut &stream, format!("{note}\n").as_bytes());
            }
        }
    });
}

#[test]
fn a_panic_in_a_clients_handler_fails_one_call_at_most() {
    expect_panics();
    for kind in Kind::ALL {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        provoke(far);
        let builder = ClientBuilder::new("panics", "1.0.0")
            .log_level(LoggingLevel::Debug)
            .on_log(|_| panic!("as asked"))
            .on_elicit(|_| -> ElicitResult { panic!("as asked") });
        let client = kind.connect(builder, near).expect("it greets");
        let options = Options::default()
            .timeout(SOON)
            .on_progress(|_| panic!("as asked"));
        for _ in 0..2 {
            let answer = client.call("any", &json!({}), options.clone());
            let answer = answer.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            assert_eq!(answer["content"][0]["text"], "here", "{kind:?}");
            let error = client
                .call("ask", &json!({}), Options::default().timeout(SOON))
                .expect_err("nobody has answered");
            assert!(
                error.contains("the question was not answered"),
                "{kind:?}: {error}"
            );
        }
        client.close();
    }
}
