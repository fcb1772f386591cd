//! Our service in an axum application, beside the application's own routes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use bind_tokio::{http::HttpOptions, http_service};
use mcp_proto::json::Json;
use mcp_server_core::{Server, ToolEntry};
use mcp_tests::fixture;
use serde_json::{Value, json};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("it is not zero");
    stream
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    let request = request.replacen("\r\n", "\r\nhost: localhost\r\nconnection: close\r\n", 1);
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    answer
}

fn post(method: &str, name: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    format!(
        "POST /api/mcp HTTP/1.1\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
         mcp-method: {method}\r\n{name}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn axum_serves_it_beside_its_own_routes_and_ends_with_it() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let mcp = http_service(fixture::server(), HttpOptions::mounted()).expect("it can be built");
    let app = Router::new()
        .route("/health", get(|| async { "well" }))
        .nest("/api", Router::new().route_service("/mcp", mcp.clone()));
    let socket = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let address = socket.local_addr().expect("it is bound");
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = thread::spawn(move || {
        let shutdown = async move {
            let _ = ended.await;
            mcp.shut_down();
        };
        let served = axum::serve(socket, app).with_graceful_shutdown(shutdown);
        runtime.block_on(async { served.await })
    });

    assert!(ask(address, "GET /health HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nwell"));
    let call = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    let answer = ask(address, &post("tools/call", "mcp-name: add\r\n", call));
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""text":"3""#),
        "{answer}"
    );

    let mut stream = connect(address);
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let listen = post("subscriptions/listen", "host: localhost\r\n", listen);
    stream.write_all(listen.as_bytes()).expect("it is read");
    let mut told = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&told).contains("notifications/subscriptions/acknowledged") {
        let read = stream.read(&mut buffer).expect("it is answered");
        assert!(read > 0, "the stream goes on");
        told.extend_from_slice(&buffer[..read]);
    }
    end.send(()).expect("it still runs");
    stream.read_to_end(&mut told).expect("it ends in order");
    let told = String::from_utf8(told).expect("events are text");
    assert!(told.contains(r#""id":1,"result":"#), "{told}");
    serving.join().expect("no panic").expect("it ends in order");
}

/// A server with a tool that tells without end, and counts how often it was told to stop.
fn talkative(stopped: &Arc<AtomicUsize>, told: &Arc<AtomicUsize>) -> Server {
    let (stopped, told) = (Arc::clone(stopped), Arc::clone(told));
    let schema = Json::new(&json!({"type": "object"})).expect("a schema");
    let talk = ToolEntry::new("talk").raw(schema, move |_, cx| {
        let text = "n".repeat(10_000);
        for step in 1.. {
            cx.progress_with(step, None::<f64>, &text);
            told.store(step, Ordering::SeqCst);
            if cx.wait(Duration::from_millis(1)) {
                break;
            }
        }
        stopped.fetch_add(1, Ordering::SeqCst);
        "stopped"
    });
    let server = Server::builder("talkative", "1");
    let echo = ToolEntry::new("echo").call(|| "here");
    server.tool(talk).tool(echo).build().expect("it is fine")
}

#[test]
fn in_axum_a_slow_reader_holds_nobody_up_and_may_leave() {
    let (stopped, told) = (Arc::default(), Arc::default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let mcp = http_service(talkative(&stopped, &told), HttpOptions::mounted());
    let app = Router::new().nest(
        "/api",
        Router::new().route_service("/mcp", mcp.expect("it can be built")),
    );
    let socket = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let address = socket.local_addr().expect("it is bound");
    runtime.spawn(async move { axum::serve(socket, app).await });

    let call = |name: &str| {
        let params = json!({"name": name, "arguments": {}});
        let request = post("tools/call", &format!("mcp-name: {name}\r\n"), params);
        // With a token, so that there is something to be told.
        let meta = "\"_meta\":{";
        let token = "\"progressToken\":1,";
        let length = |body: usize| format!("content-length: {body}\r\n");
        let body = request.len() - request.find("\r\n\r\n").expect("a body") - 4;
        request
            .replacen(meta, &format!("{meta}{token}"), 1)
            .replacen(&length(body), &length(body + token.len()), 1)
    };
    let mut slow = connect(address);
    let request = call("talk").replacen("\r\n", "\r\nhost: localhost\r\n", 1);
    slow.write_all(request.as_bytes()).expect("it is read");
    let mut buffer = [0; 64];
    let read = slow.read(&mut buffer).expect("it is answered");
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
    // It reads no more. Others are served meanwhile, and its handler is not held up either.
    let others_are_served = || {
        let answer = ask(address, &call("echo"));
        assert!(answer.contains(r#""text":"here""#), "{answer}");
    };
    others_are_served();
    // More is told than the buffers on the way hold.
    until("it talks on", || told.load(Ordering::SeqCst) > 1_000);
    others_are_served();
    // It reads again, and gets what comes in order.
    let mut lines = BufReader::new(&slow).lines();
    let mut steps = lines.by_ref().filter_map(|line| {
        let line = line.expect("it goes on");
        let (_, step) = line.split_once("\"progress\":")?;
        step.split([',', '}']).next()?.parse::<usize>().ok()
    });
    let mut last = 0;
    while last < 1_000 {
        let step = steps.next().expect("it goes on");
        assert!(step > last, "{step} after {last}");
        last = step;
    }
    assert_eq!(stopped.load(Ordering::SeqCst), 0);
    // What it did not wait for is told to stop.
    drop(slow);
    until("its call is cancelled", || {
        stopped.load(Ordering::SeqCst) == 1
    });
    others_are_served();
    runtime.shutdown_background();
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
