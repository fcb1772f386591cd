//! Listeners of every binding: clients that come late, a shutdown that answers what was asked, and
//! nothing left behind.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    net,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
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

/// Listens on a thread, for so many at a time; gives what ends it, once it listens.
fn listen(binding: Binding, path: PathBuf, most: usize) -> (JoinHandle<Result<(), String>>, End) {
    let (sender, receiver) = mpsc::channel::<End>();
    let serving = thread::spawn(move || {
        macro_rules! listen {
            ($listener:expr) => {{
                let listener = $listener.await.map_err(|error| error.to_string())?;
                let listener = listener.max_connections(most);
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
                let listener = listener.max_connections(most);
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

fn socket(what: &str, binding: Binding) -> PathBuf {
    let process = std::process::id();
    std::env::temp_dir().join(format!("mcp-{what}-{process}-{binding:?}"))
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

    /// Whether nothing comes for a while.
    fn is_quiet(&mut self) -> bool {
        let within = |client: &Self, time| client.0.get_ref().set_read_timeout(Some(time));
        within(self, Duration::from_millis(200)).expect("it is not zero");
        let read = self.0.fill_buf().map(<[u8]>::len);
        within(self, Duration::from_secs(20)).expect("it is not zero");
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn is_served(&mut self) -> bool {
        self.send("server/discover", "");
        self.line().contains("supportedVersions")
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer or the end");
        line
    }
}

/// One test at a time: they count what the process has.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_shutdown_answers_what_was_asked_and_leaves_nothing_behind() {
    let _alone = alone();
    for binding in Binding::ALL {
        let path = socket("end", binding);
        let (serving, end) = listen(binding, path.clone(), 10);
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
    let _alone = alone();
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

#[test]
fn one_connection_too_many_waits_for_another_to_end() {
    let _alone = alone();
    for binding in Binding::ALL {
        let path = socket("full", binding);
        let (serving, end) = listen(binding, path.clone(), 2);
        let [mut one, mut two, mut three] = [(); 3].map(|()| Client::connect(&path));
        assert!(one.is_served() && two.is_served(), "{binding:?}");
        three.send("server/discover", "");
        assert!(three.is_quiet(), "{binding:?} serves three");
        assert!(one.is_served() && two.is_served(), "{binding:?}");
        drop(one);
        assert!(three.line().contains("supportedVersions"), "{binding:?}");
        // To end it while it is full and another one waits is no different.
        let waiting = Client::connect(&path);
        end();
        for mut client in [two, three] {
            assert_eq!(client.line(), "", "{binding:?}");
        }
        let ended = serving.join().expect("serving does not panic");
        assert_eq!(ended, Ok(()), "{binding:?}");
        drop(waiting);
    }
}

#[test]
fn a_listener_has_room_for_so_many_where_nobody_says() {
    let _alone = alone();
    let (http, stream) = ("127.0.0.1:0", socket("many", Binding::Blocking));
    let mut shown = vec![
        (
            10_000,
            format!("{:?}", bind_blocking::HttpListener::bind(http)),
        ),
        (
            1_000,
            format!("{:?}", bind_blocking::Listener::unix(&stream)),
        ),
    ];
    tokio_runtime(Binding::TokioCurrentThread).block_on(async {
        shown.extend([
            (
                10_000,
                format!("{:?}", bind_tokio::HttpListener::bind(http).await),
            ),
            (
                10_000,
                format!("{:?}", bind_tokio::Listener::tcp(http).await),
            ),
        ]);
    });
    smol::block_on(async {
        use bind_async_std::smol::{HttpListener, Listener};
        shown.extend([
            (10_000, format!("{:?}", HttpListener::bind(http).await)),
            (10_000, format!("{:?}", Listener::tcp(http).await)),
        ]);
    });
    // Threads of its handlers.
    assert!(shown[0].1.contains("max_threads: 256,"), "{}", shown[0].1);
    for (most, listener) in shown {
        let most = format!("max_connections: {most},");
        assert!(listener.contains(&most), "{listener}");
    }
}

/// The descriptors that this process has.
#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd")
        .expect("it is our own")
        .count()
}

/// The threads that bindings have started, but for those which stay for a while.
#[cfg(target_os = "linux")]
fn connection_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("it is our own");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names
        .filter(|name| name.starts_with("mcp-connection") || name.starts_with("mcp-worker"))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_vanish_half_close_or_flood_leave_nothing_behind() {
    let _alone = alone();
    for binding in Binding::ALL {
        let path = socket("vanish", binding);
        let (serving, end) = listen(binding, path.clone(), 100);
        let mut steady = Client::connect(&path);
        assert!(steady.is_served(), "{binding:?}");
        let held = || (descriptors(), connection_threads());
        let before = held();
        for round in 0..20 {
            let mut client = Client::connect(&path);
            client.send("tools/call", r#""name":"slow","#);
            match round % 4 {
                // Gone in the middle of a call.
                0 => {}
                // It has said all, and wants to hear the rest.
                1 => {
                    let stream = client.0.get_ref();
                    stream.shutdown(net::Shutdown::Write).expect("it is open");
                    assert!(client.line().contains("cancelled: false"), "{binding:?}");
                    assert_eq!(client.line(), "", "{binding:?}");
                }
                // It does not listen any more.
                2 => {
                    let stream = client.0.get_ref();
                    stream.shutdown(net::Shutdown::Read).expect("it is open");
                    client.send("server/discover", "");
                }
                // Gone in the middle of a line without end; the server may have been faster.
                _ => {
                    let flood = vec![b'x'; 8 * 1024 * 1024];
                    let _ = client.0.get_mut().write_all(&flood);
                }
            }
        }
        let until = Instant::now() + Duration::from_secs(20);
        while held().0 > before.0 || held().1 > before.1 {
            assert!(
                Instant::now() < until,
                "{binding:?} keeps {:?} of {before:?}",
                held()
            );
            thread::sleep(Duration::from_millis(10));
        }
        assert!(steady.is_served(), "{binding:?}");
        end();
        let ended = serving.join().expect("serving does not panic");
        assert_eq!(ended, Ok(()), "{binding:?}");
    }
}
