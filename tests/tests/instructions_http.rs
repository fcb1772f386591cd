//! What a call over HTTP costs the fixture of each binding, in instructions that callgrind counts:
//! the difference of a long and a short run over one connection that is kept.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
};

use mcp_tests::counted;

/// What one call of `echo` with 64 bytes may cost: ten per cent more than was measured on x86-64.
struct Budget {
    server: &'static str,
    handshake: u64,
    stateless: u64,
}

const BUDGETS: [Budget; 3] = [
    Budget {
        server: "fixture-blocking",
        handshake: 36_000,
        stateless: 42_300,
    },
    Budget {
        server: "fixture-tokio",
        handshake: 39_600,
        stateless: 47_800,
    },
    Budget {
        server: "fixture-smol",
        handshake: 41_000,
        stateless: 49_600,
    },
];

/// Calls of the short run, and those that the long one makes besides.
const FEW: usize = 50;
const MORE: usize = 200;

/// A client that knows no more of HTTP than it has to.
struct Client {
    socket: BufReader<TcpStream>,
    host: String,
    // Heads of every request from now on.
    heads: String,
}

impl Client {
    fn connect(host: &str) -> Self {
        let socket = TcpStream::connect(host).unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket: BufReader::new(socket),
            host: host.into(),
            heads: String::new(),
        }
    }

    fn post(&mut self, body: &str) -> String {
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{}content-length: {}\r\n\r\n{body}",
            self.host,
            self.heads,
            body.len()
        );
        self.socket.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.socket.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                match line.trim_end() {
                    "" => break,
                    status => assert!(status.contains(" 20"), "{status}"),
                }
                continue;
            };
            match &*name.to_ascii_lowercase() {
                "content-length" => length = value.parse().unwrap(),
                "mcp-session-id" if !self.heads.contains(value) => {
                    write!(self.heads, "mcp-session-id: {value}\r\n").unwrap();
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn call(&mut self, stateless: bool, calls: usize) {
        let meta = if stateless {
            self.heads =
                "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n"
                    .into();
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#
        } else {
            self.post(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1.0.0"}}}"#);
            self.heads += "mcp-protocol-version: 2025-11-25\r\n";
            self.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
            ""
        };
        let message = "x".repeat(64);
        for id in 1..=calls {
            let answer = self.post(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"message":"{message}"}}{meta}}}}}"#
            ));
            assert!(answer.contains(&message), "{answer}");
        }
    }
}

fn instructions(mut server: Command, stateless: bool, calls: usize) -> u64 {
    let mut child = server
        .args(["http", "--port", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let host = loop {
        line.clear();
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "it does not listen");
        if let Some((_, url)) = line.split_once("listening on http://") {
            break url.split('/').next().unwrap().to_owned();
        }
    };
    Client::connect(&host).call(stateless, calls);
    let pid = child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    counted::collected(&rest)
}

#[test]
fn a_call_over_http_costs_few_instructions() {
    if !counted::has_callgrind() {
        return;
    }
    let folder = counted::release(&BUDGETS.map(|budget| budget.server));
    let mut too_many = Vec::new();
    for budget in BUDGETS {
        let server = folder.join(budget.server);
        for (stateless, most) in [(false, budget.handshake), (true, budget.stateless)] {
            let count = |calls| instructions(counted::callgrind(&server), stateless, calls);
            let each = (count(FEW + MORE) - count(FEW)) / MORE as u64;
            let era = if stateless { "stateless" } else { "handshake" };
            println!("{} {era}: {each} of {most}", budget.server);
            too_many.extend((each > most).then_some((budget.server, era, each, most)));
        }
    }
    assert!(too_many.is_empty(), "{too_many:?}");
}
