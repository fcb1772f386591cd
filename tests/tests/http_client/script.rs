//! A server that says what a test has it say: a thread a connection, and bytes.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The JSON-RPC method.
    pub(crate) fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    /// The name of the tool that is called.
    pub(crate) fn tool(&self) -> &str {
        self.body["params"]["name"].as_str().unwrap_or_default()
    }
}

/// What a connection is made of.
pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A connection on which a request has come.
pub(crate) struct Conn {
    stream: BufReader<Box<dyn Stream>>,
}

impl Conn {
    fn read(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let mut request = Request {
            method: words.next().unwrap_or_default().into(),
            target: words.next().unwrap_or_default().into(),
            ..Request::default()
        };
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let value = value.trim().to_owned();
            request.headers.insert(name.to_ascii_lowercase(), value);
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        request.body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Some(request))
    }

    /// Sends bytes; a client that has gone is none of our business.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stream = self.stream.get_mut();
        let _ = stream
            .write_all(bytes.as_ref())
            .and_then(|()| stream.flush());
    }

    pub(crate) fn reply(&mut self, status: &str, headers: &str, body: &str) {
        self.send(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        ));
    }

    pub(crate) fn json(&mut self, body: &Value) {
        self.reply(
            "200 OK",
            "content-type: application/json\r\n",
            &body.to_string(),
        );
    }

    /// Answers a request with a result.
    pub(crate) fn result(&mut self, request: &Request, result: &Value) {
        self.json(&json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result}));
    }

    /// Begins a stream, which ends with the connection.
    pub(crate) fn events(&mut self) {
        self.send(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
        );
    }

    pub(crate) fn event(&mut self, message: &Value) {
        self.send(format!("event: message\ndata: {message}\n\n"));
    }

    /// Waits until the client has hung up.
    pub(crate) fn wait_for_the_end(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte), Ok(0) | Err(_))
    }
}

/// What a server does with a request; true where the connection lives on.
pub(crate) type Play = dyn Fn(&Request, &mut Conn) -> bool + Send + Sync;

/// A server of a test.
pub(crate) struct Script {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Script {
    pub(crate) fn start(
        play: impl Fn(&Request, &mut Conn) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::over(|stream| Some(Box::new(stream)), play)
    }

    /// A server whose connections `wrap` wraps.
    pub(crate) fn over(
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
        play: impl Fn(&Request, &mut Conn) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let script = Self {
            address: listener.local_addr().expect("it is bound"),
            seen: Arc::default(),
            connections: Arc::default(),
            over: Arc::default(),
        };
        let (seen, connections, over) = (
            Arc::clone(&script.seen),
            Arc::clone(&script.connections),
            Arc::clone(&script.over),
        );
        let (wrap, play): (Arc<_>, Arc<Play>) = (Arc::new(wrap), Arc::new(play));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, wrap, play) = (Arc::clone(&seen), Arc::clone(&wrap), Arc::clone(&play));
                thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    if let Some(stream) = wrap(stream) {
                        serve(stream, &seen, &*play);
                    }
                });
            }
        });
        script
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("no test panics with it").clone()
    }

    /// The JSON-RPC methods of what has come so far; of a GET or DELETE, its own.
    pub(crate) fn methods(&self) -> Vec<String> {
        let name = |request: Request| match request.rpc() {
            "" => request.method,
            rpc => rpc.to_owned(),
        };
        self.seen().into_iter().map(name).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: Box<dyn Stream>, seen: &Mutex<Vec<Request>>, play: &Play) {
    let mut conn = Conn {
        stream: BufReader::new(stream),
    };
    while let Ok(Some(request)) = conn.read() {
        seen.lock()
            .expect("no test panics with it")
            .push(request.clone());
        if !play(&request, &mut conn) {
            return;
        }
    }
}

/// What every server of these tests does with what is not its point: it opens the connection in the
/// era that the client begins with. `None` where the request is the test's.
pub(crate) fn opening(request: &Request, conn: &mut Conn) -> Option<bool> {
    match request.rpc() {
        "server/discover" => conn.result(
            request,
            &json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "private",
                "capabilities": {"tools": {"listChanged": true}},
            }),
        ),
        "initialize" => {
            let result = json!({
                "protocolVersion": request.body["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": true}},
                "serverInfo": {"name": "script", "version": "1"},
            });
            let body = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result});
            let headers = "content-type: application/json\r\nmcp-session-id: s1\r\n";
            conn.reply("200 OK", headers, &body.to_string());
        }
        "notifications/initialized" | "notifications/cancelled" => {
            conn.reply("202 Accepted", "", "");
        }
        "" if request.method == "GET" => conn.reply("405 Method Not Allowed", "", ""),
        "" if request.method == "DELETE" => conn.reply("200 OK", "", ""),
        _ => return None,
    }
    Some(true)
}

/// The result of a tool that has said something.
pub(crate) fn said(text: &str) -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
}
