//! A server of any binding over HTTP, in this process.

use std::{
    future::{Ready, ready},
    net::SocketAddr,
    thread::{self, JoinHandle},
};

use mcp_server_core::{
    Server,
    http::{HttpOptions, Verdict},
};

use crate::bindings::{Binding, tokio_runtime};

/// Who is let in, and as whom, by the token that it brings.
pub type Judge = fn(Option<&str>) -> Verdict;

/// What the served server is told otherwise than by default.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Changes how it behaves over HTTP.
    pub options: fn(HttpOptions) -> HttpOptions,
    /// Judges every request; where there is none, all are let in.
    pub judge: Option<Judge>,
    /// How many connections may be open; by default as many as the binding has it.
    pub max_connections: Option<usize>,
    /// How many threads bind-blocking may have, where not as many as by default.
    pub max_threads: Option<usize>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            options: |options| options,
            judge: None,
            max_connections: None,
            max_threads: None,
        }
    }
}

impl Setup {
    /// Judges every request.
    #[must_use]
    pub fn judged_by(mut self, judge: Judge) -> Self {
        self.judge = Some(judge);
        self
    }

    /// Serves so many connections at the same time.
    #[must_use]
    pub fn up_to(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Has bind-blocking work with so many threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.max_threads = Some(threads);
        self
    }

    /// Changes how it behaves over HTTP.
    #[must_use]
    pub fn with_options(mut self, options: fn(HttpOptions) -> HttpOptions) -> Self {
        self.options = options;
        self
    }
}

/// A server that serves until this is dropped.
pub struct HttpServing {
    address: SocketAddr,
    stop: Box<dyn Fn()>,
    serving: Option<JoinHandle<Result<(), String>>>,
}

impl std::fmt::Debug for HttpServing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServing")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl HttpServing {
    /// Serves on a free port of this machine.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn start(binding: Binding, server: Server, setup: &Setup) -> Self {
        let (address, stop, serving) = match binding {
            Binding::Blocking => serve_blocking(server, setup),
            Binding::TokioCurrentThread | Binding::TokioMultiThread => {
                serve_tokio(binding, server, setup)
            }
            Binding::Smol => serve_async::<bind_async_std::Smol>(server, setup),
            Binding::AsyncStd => serve_async::<bind_async_std::AsyncStd>(server, setup),
        };
        Self {
            address,
            stop,
            serving: Some(serving),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Asks for the end, once more each time.
    pub fn stop(&self) {
        (self.stop)();
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// Where serving panicked, or ended with an error.
    pub fn join(&mut self) {
        let serving = self.serving.take().expect("it is waited for once");
        serving
            .join()
            .expect("serving does not panic")
            .expect("serving ends in order");
    }
}

impl Drop for HttpServing {
    fn drop(&mut self) {
        self.stop();
        self.stop();
    }
}

type Served = (SocketAddr, Box<dyn Fn()>, JoinHandle<Result<(), String>>);

/// The listener with what the setup says, where it listens, and what ends it.
macro_rules! set_up {
    ($listener:expr, $setup:expr, $judged:expr) => {{
        let mut listener = $listener.expect("a port").options($setup.options);
        if let Some(judge) = $setup.judge {
            listener = listener.authorize(($judged)(judge));
        }
        if let Some(count) = $setup.max_connections {
            listener = listener.max_connections(count);
        }
        let (address, stop) = (listener.local_addr(), listener.shutdown_handle());
        let stop: Box<dyn Fn()> = Box::new(move || stop.shutdown());
        (listener, address, stop)
    }};
}

fn serve_blocking(server: Server, setup: &Setup) -> Served {
    let listener = bind_blocking::HttpListener::bind("127.0.0.1:0");
    let (mut listener, address, stop) = set_up!(listener, setup, |judge: Judge| judge);
    if let Some(count) = setup.max_threads {
        listener = listener.max_threads(count);
    }
    let serving = thread::spawn(move || listener.serve(server).map_err(|error| error.to_string()));
    (address, stop, serving)
}

fn later(judge: Judge) -> impl Fn(Option<String>) -> Ready<Verdict> {
    move |token| ready(judge(token.as_deref()))
}

fn serve_tokio(binding: Binding, server: Server, setup: &Setup) -> Served {
    let runtime = tokio_runtime(binding);
    let listener = runtime.block_on(bind_tokio::HttpListener::bind("127.0.0.1:0"));
    let (listener, address, stop) = set_up!(listener, setup, later);
    let serving = thread::spawn(move || {
        let served = runtime.block_on(listener.serve(server));
        // Handlers that do not look whether they were cancelled are left behind.
        runtime.shutdown_background();
        served.map_err(|error| error.to_string())
    });
    (address, stop, serving)
}

fn serve_async<R: bind_async_std::Runtime>(server: Server, setup: &Setup) -> Served {
    let listener = smol::block_on(bind_async_std::HttpListener::<R>::bind("127.0.0.1:0"));
    let (listener, address, stop) = set_up!(listener, setup, later);
    let serving = thread::spawn(move || {
        smol::block_on(listener.serve(server)).map_err(|error| error.to_string())
    });
    (address, stop, serving)
}
