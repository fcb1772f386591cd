//! Our service in an axum application, beside the application's own routes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use axum::{Router, routing::get};
use bind_tokio::{http::HttpOptions, http_service};
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
