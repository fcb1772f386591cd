//! Listeners of every binding: clients that come late, a shutdown that answers what was asked, and
//! nothing left behind.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mcp_server_core::{Cx, Server, ServerBuilder, Shutdown, ToolEntry};
use mcp_tests::bindings::{Binding, tokio_runtime};

type End = Box<dyn FnOnce() + Send>;

fn server() -> Server {
    let slow = ToolEntry::new("slow").run(|_, cx: &Cx| {
        let cancelled = cx.wait(Duration::from_millis(300));
        format!("cancelled: {cancelled}")
    });
    ServerBuilder::new("listener", "1.0.0")
        .tool(slow)
        .build()
        .expect("the server can be built")
}

/// Listens on a thread; gives what ends it, once it listens.
fn listen(binding: Binding, path: PathBuf) -> (JoinHandle<Result<(), String>>, End) {
    let (sender, receiver) = mpsc::channel::<End>();
    let serving = thread::spawn(move || {
        macro_rules! listen {
            ($listener:expr) => {{
                let listener = $listener.await.map_err(|error| error.to_string())?;
                let shutdown = listener.shutdown_handle();
                sender
                    .send(Box::new(move || shutdown.shutdown()))
                    .expect("the test waits");
                listener
                    .serve(server())
                    .await
                    .map_err(|error| error.to_string())
            }};
        }
        match binding {
            Binding::Blocking => {
                let listener =
                    bind_blocking::Listener::unix(path).map_err(|error| error.to_string())?;
                let shutdown = listener.shutdown_handle();
                sender
                    .send(Box::new(move || shutdown.shutdown()))
                    .expect("the test waits");
                listener.serve(server()).map_err(|error| error.to_string())
            }
            Binding::AsyncStd => async_std::task::block_on(async {
                listen!(bind_async_std::async_std::Listener::unix(path))
            }),
            Binding::Smol => {
                smol::block_on(async { listen!(bind_async_std::smol::Listener::unix(path)) })
            }
            _ => {
                tokio_runtime(binding).block_on(async { listen!(bind_tokio::Listener::unix(path)) })
            }
        }
    });
    (serving, receiver.recv().expect("the listener listens"))
}

struct Client(BufReader<UnixStream>);

impl Client {
    fn connect(path: &Path) -> Self {
        Self::over(UnixStream::connect(path).expect("somebody listens"))
    }

    fn over(stream: UnixStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("it is not zero");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, method: &str, params: &str) {
        let meta = concat!(
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientCapabilities":{}}"#,
        );
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{meta}}}}}"#
        );
        writeln!(self.0.get_mut(), "{line}").expect("the server reads");
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer or the end");
        line
    }
}

#[test]
fn a_shutdown_answers_what_was_asked_and_leaves_nothing_behind() {
    for binding in Binding::ALL {
        let path =
            std::env::temp_dir().join(format!("mcp-listen-{}-{binding:?}", std::process::id()));
        let (serving, end) = listen(binding, path.clone());
        // Late, one after the other, so that each finds a listener that waits.
        let mut clients: Vec<Client> = (0..3)
            .map(|_| {
                thread::sleep(Duration::from_millis(20));
                let mut client = Client::connect(&path);
                client.send("server/discover", "");
                assert!(client.line().contains("supportedVersions"), "{binding:?}");
                client
            })
            .collect();
        clients[0].send("tools/call", r#""name":"slow","#);
        thread::sleep(Duration::from_millis(50));
        let started = Instant::now();
        end();
        assert!(
            clients[0].line().contains("cancelled: false"),
            "{binding:?}"
        );
        for mut client in clients {
            assert_eq!(client.line(), "", "{binding:?}");
        }
        assert_eq!(
            serving.join().expect("serving does not panic"),
            Ok(()),
            "{binding:?}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{binding:?} took {:?}",
            started.elapsed()
        );
        assert!(
            UnixStream::connect(&path).is_err() && !path.exists(),
            "{binding:?}"
        );
    }
}

#[test]
fn one_connection_that_is_to_end_answers_what_was_asked() {
    for binding in Binding::ALL {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let shutdown = Shutdown::new();
        let serving = binding.serve_until(&server(), far, &shutdown);
        let mut client = Client::over(near);
        client.send("server/discover", "");
        assert!(client.line().contains("supportedVersions"), "{binding:?}");
        client.send("tools/call", r#""name":"slow","#);
        thread::sleep(Duration::from_millis(50));
        shutdown.shutdown();
        assert!(client.line().contains("cancelled: false"), "{binding:?}");
        // Although its input goes on.
        let ended = serving.join().expect("serving does not panic");
        assert_eq!(ended, None, "{binding:?}");
        // One that is asked before it begins ends as soon.
        let (_near, far) = UnixStream::pair().expect("a pair of sockets");
        let serving = binding.serve_until(&server(), far, &shutdown);
        let ended = serving.join().expect("serving does not panic");
        assert_eq!(ended, None, "{binding:?}");
    }
}
