//! Servers that do not read what a client says, on sockets, with the client of every binding: a
//! call fails when its time is up, and answers to what such a server asks do not pile up.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::{ClientBuilder, Options};
use mcp_tests::clients::{AnyClient, Kind};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(15);

fn builder() -> ClientBuilder {
    ClientBuilder::new("unread", "1.0.0")
}

/// Greets as 2025-11-25 has it, in which servers ask.
fn greet(reader: &mut impl BufRead, mut writer: impl Write) {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("the client greets");
        let message: Value = serde_json::from_str(&line).expect("clients write JSON");
        let mut answer = json!({"jsonrpc": "2.0", "id": message["id"]});
        match message["method"].as_str() {
            Some("initialize") => {
                answer["result"] = json!({
                    "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "deaf", "version": "1"},
                });
            }
            Some("notifications/initialized") => return,
            _ => answer["error"] = json!({"code": -32601, "message": "method not found"}),
        }
        writeln!(writer, "{answer}").expect("the client reads");
    }
}

/// Greets, and gives back the stream of which nobody reads.
fn deaf<S: std::io::Read + Send + 'static>(stream: S) -> thread::JoinHandle<S>
where
    for<'a> &'a S: std::io::Read + Write,
{
    thread::spawn(move || {
        greet(&mut BufReader::with_capacity(1, &stream), &stream);
        stream
    })
}

fn check_deadlines(what: &str, client: &dyn AnyClient) {
    let much = json!({"text": "x".repeat(2 * 1024 * 1024)});
    for arguments in [&much, &json!({}), &much] {
        let started = Instant::now();
        let options = Options::default().timeout(Duration::from_millis(200));
        let error = client.call("any", arguments, options);
        let late = Err("the server did not answer in time".to_owned());
        assert_eq!(error, late, "{what}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what}");
    }
    let started = Instant::now();
    client.close();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{what}: {took:?}");
}

#[test]
fn a_call_that_cannot_be_written_fails_when_its_time_is_up() {
    for kind in Kind::ALL {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let server = deaf(far);
        let client = kind.connect(builder(), near).expect("it greets");
        let far = server.join().expect("it has greeted");
        check_deadlines(&format!("{kind:?}"), &*client);
        drop(far);
    }
}

#[test]
fn a_call_over_a_listening_socket_does_as_well() {
    let path = std::env::temp_dir().join(format!("mcp-deaf-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let (unix, tcp) = (
        UnixListener::bind(&path).expect("a socket"),
        TcpListener::bind("127.0.0.1:0").expect("a socket"),
    );
    let address = tcp.local_addr().expect("it is bound");

    let server = thread::spawn(move || deaf(unix.accept().expect("a client").0).join());
    let client = bind_blocking::Client::unix_with(builder(), &path).expect("it greets");
    let far = server.join().expect("it has accepted");
    check_deadlines("a Unix socket", &client);
    drop(far);

    let server = thread::spawn(move || deaf(tcp.accept().expect("a client").0).join());
    let client = bind_blocking::Client::tcp_with(builder(), address).expect("it greets");
    let far = server.join().expect("it has accepted");
    check_deadlines("a TCP socket", &client);
    drop(far);
    let _ = std::fs::remove_file(&path);
}

/// Pings, without reading the answers, until no more is taken. Then it reads them all.
fn nag(stream: &UnixStream) -> usize {
    let mut reader = BufReader::new(stream);
    greet(&mut reader, stream);
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .expect("it is not zero");
    stream.set_read_timeout(Some(SOON)).expect("it is not zero");
    let mut sent = 0;
    let mut rest = Vec::new();
    'nagging: while sent < 100_000 {
        rest = format!(r#"{{"jsonrpc":"2.0","id":"{sent:0>100}","method":"ping"}}"#).into_bytes();
        rest.push(b'\n');
        sent += 1;
        while !rest.is_empty() {
            match (&*stream).write(&rest) {
                Ok(count) => drop(rest.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break 'nagging,
                Err(error) => panic!("{error}"),
            }
        }
    }
    let writer = stream.try_clone().expect("a descriptor");
    let writing = thread::spawn(move || {
        writer.set_write_timeout(None).expect("none is fine");
        (&writer).write_all(&rest).expect("there is room");
    });
    for number in 0..sent {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .unwrap_or_else(|error| panic!("{error} after {number} of {sent}"));
        assert!(line.contains(&format!("{number:0>100}")), "{line}");
    }
    writing.join().expect("writing does not panic");
    sent
}

#[test]
fn a_server_that_asks_and_does_not_listen_waits_for_itself() {
    for kind in Kind::ALL {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let server = thread::spawn(move || {
            let sent = nag(&far);
            (sent, far)
        });
        let client = kind.connect(builder(), near).expect("it greets");
        let (sent, far) = server.join().expect("every answer has come");
        assert!(sent < 100_000, "{kind:?} took {sent} questions");
        drop(far);
        client.close();
    }
}
