//! Every binding behind one face: to serve one connection, and to be driven the same way in tests.

use std::{
    io::{BufRead, BufReader, Write},
    net::Shutdown as Half,
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
    time::Duration,
};

use mcp_server_core::{Server, Shutdown};

/// A binding on one of its runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binding {
    /// bind-blocking.
    Blocking,
    /// bind-tokio on the current-thread runtime.
    TokioCurrentThread,
    /// bind-tokio on the multi-thread runtime.
    TokioMultiThread,
    /// bind-async-std on async-std.
    AsyncStd,
    /// bind-async-std on smol.
    Smol,
}

impl Binding {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Blocking,
        Self::TokioCurrentThread,
        Self::TokioMultiThread,
        Self::AsyncStd,
        Self::Smol,
    ];

    /// Serves one connection on a thread of its own, which gives the error it ended with.
    #[must_use]
    pub fn serve(self, server: &Server, stream: UnixStream) -> JoinHandle<Option<String>> {
        self.serve_until(server, stream, &Shutdown::new())
    }

    /// As [`serve`](Self::serve), or until it is asked to end.
    #[must_use]
    pub fn serve_until(
        self,
        server: &Server,
        stream: UnixStream,
        shutdown: &Shutdown,
    ) -> JoinHandle<Option<String>> {
        let (server, shutdown) = (server.clone(), shutdown.clone());
        thread::spawn(move || {
            let (server, end) = (&server, &shutdown);
            let result = match self {
                Self::Blocking => serve_blocking(server, stream, end),
                Self::TokioCurrentThread | Self::TokioMultiThread => {
                    tokio_runtime(self).block_on(serve_tokio(server, stream, end))
                }
                Self::AsyncStd => async_std::task::block_on(serve_futures_io(server, stream, end)),
                Self::Smol => smol::block_on(serve_futures_io(server, stream, end)),
            };
            result.err()
        })
    }
}

/// The runtime that a tokio binding runs on.
///
/// # Panics
/// Where it cannot be made, or the binding is none of tokio's.
#[must_use]
pub fn tokio_runtime(binding: Binding) -> tokio::runtime::Runtime {
    let mut builder = match binding {
        Binding::TokioCurrentThread => tokio::runtime::Builder::new_current_thread(),
        Binding::TokioMultiThread => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2);
            builder
        }
        other => panic!("{other:?} is not tokio"),
    };
    builder.enable_all().build().expect("a runtime can be made")
}

fn serve_blocking(server: &Server, stream: UnixStream, end: &Shutdown) -> Result<(), String> {
    let reader = stream.try_clone().map_err(|error| error.to_string())?;
    bind_blocking::serve_until(server, reader, stream, end).map_err(|error| error.to_string())
}

async fn serve_tokio(server: &Server, stream: UnixStream, end: &Shutdown) -> Result<(), String> {
    stream
        .set_nonblocking(true)
        .map_err(|error| error.to_string())?;
    let stream = tokio::net::UnixStream::from_std(stream).map_err(|error| error.to_string())?;
    let (reader, writer) = stream.into_split();
    bind_tokio::serve_until(server, reader, writer, end)
        .await
        .map_err(|error| error.to_string())
}

async fn serve_futures_io(
    server: &Server,
    stream: UnixStream,
    end: &Shutdown,
) -> Result<(), String> {
    let stream = smol::Async::new(stream).map_err(|error| error.to_string())?;
    bind_async_std::serve_until(server, &stream, &stream, end)
        .await
        .map_err(|error| error.to_string())
}

/// How long a peer waits before it gives up on a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// The other end of a connection, by hand: lines in, lines out.
#[derive(Debug)]
pub struct Peer {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
    serving: JoinHandle<Option<String>>,
}

impl Peer {
    /// Connects to a server that runs on `binding`.
    ///
    /// # Panics
    /// Where the system has no sockets left.
    #[must_use]
    pub fn connect(binding: Binding, server: &Server) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        ours.set_read_timeout(Some(PATIENCE))
            .expect("it is not zero");
        ours.set_write_timeout(Some(PATIENCE))
            .expect("it is not zero");
        let lines = BufReader::new(ours.try_clone().expect("a descriptor"));
        Self {
            stream: ours,
            lines,
            serving: binding.serve(server, theirs),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// Where the server does not take them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server takes what it is sent");
    }

    /// What sends bytes as [`send`](Self::send) does, from another thread.
    ///
    /// # Panics
    /// Where the system has no descriptors left.
    pub fn writer(&self) -> impl FnMut(&[u8]) + Send + use<> {
        let mut stream = self.stream.try_clone().expect("a descriptor");
        move |bytes| {
            stream
                .write_all(bytes)
                .expect("the server takes what it is sent");
        }
    }

    /// Sends a line.
    ///
    /// # Panics
    /// As [`send`](Self::send).
    pub fn send_line(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// The next line; `None` at the end.
    ///
    /// # Panics
    /// Where none comes in time, or it is no text.
    #[must_use]
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches('\n').to_owned()),
            Err(error) => panic!("no line came: {error}"),
        }
    }

    /// Ends our side, as a client does that leaves.
    pub fn end(&self) {
        // Fails where the server was faster.
        let _ = self.stream.shutdown(Half::Write);
    }

    /// Ends our side, and gives the rest of what the server says and the error it ended with.
    ///
    /// # Panics
    /// Where it does not end, or its thread panicked.
    #[must_use]
    pub fn finish(mut self) -> (Vec<String>, Option<String>) {
        self.end();
        let rest = std::iter::from_fn(|| self.line()).collect();
        (rest, self.serving.join().expect("serving does not panic"))
    }
}
