//! A server that is reached over HTTP.

use std::{
    env,
    future::{Future, poll_fn},
    io::{self, IoSlice},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use async_io::Timer;
use async_net::TcpStream;
use futures_io::{AsyncRead as _, AsyncWrite as _};
use http::Uri;
use hyper::rt::{self, ReadBufCursor};
use hyper_util::client::legacy::connect::{Connected, Connection};
use mcp_client_core::{
    ClientBuilder,
    http::{BadEndpoint, Dial, Endpoint, HttpTurns, hyper as by_hyper},
};
use tower_service::Service;

use super::{
    child::Stderr,
    connect::{Client, answer, builder},
};
use crate::{
    Error, Runtime, Task,
    clock::{Alarm, Clock},
};

/// Bytes read at a time: hyper's own buffer cannot be read into without `unsafe`.
const READ_BYTES: usize = 16 * 1024;

impl<R: Runtime> Client<R> {
    /// Connects to a server over HTTP: Streamable HTTP of any revision, or the older transport of
    /// 2024-11-05; which one, its answers tell.
    ///
    /// `server` is a URL, or an [`Endpoint`] where it needs an authorization, headers, a proxy or
    /// another trusted authority.
    ///
    /// ```no_run
    /// # #[cfg(feature = "smol")]
    /// # async fn run() -> Result<(), bind_async_std::Error> {
    /// use bind_async_std::smol::prelude::*;
    ///
    /// let public = Client::http("https://example.com/mcp").await?;
    /// let own = Client::http(Endpoint::new("https://example.org/mcp")?.bearer("token")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] where the endpoint is of no use, [`Error::Call`] where the server cannot be
    /// talked to: with the status and the beginning of its answer, if there was one.
    pub async fn http<S>(server: S) -> Result<Self, Error>
    where
        S: TryInto<Endpoint, Error: Into<BadEndpoint>>,
    {
        Self::http_with(builder(), server).await
    }

    /// [`http`](Self::http), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub async fn http_with<S>(builder: ClientBuilder, server: S) -> Result<Self, Error>
    where
        S: TryInto<Endpoint, Error: Into<BadEndpoint>>,
    {
        let endpoint = server.try_into().map_err(Into::into)?;
        let roots = if endpoint.is_secure() {
            blocking::unblock(rustls_native_certs::load_native_certs)
                .await
                .certs
        } else {
            Vec::new()
        };
        let clock = Clock::start();
        let (turns, caller) = by_hyper::connect(
            builder,
            endpoint,
            |name| env::var(name).ok(),
            roots,
            Connector,
            (Executor::<R>(PhantomData), Timers),
            clock.now(),
        )?;
        let drive = async move {
            run::<R, _>(turns, clock).await;
            None
        };
        Self::over(caller, Stderr::default(), drive).await
    }
}

async fn run<R: Runtime, D: Dial>(mut turns: HttpTurns<D>, clock: Clock) {
    let mut alarm = Alarm::new();
    poll_fn(|context| {
        loop {
            let polled = turns.poll(context, clock.now(), &mut answer::<R>);
            if polled.is_ready() {
                return Poll::Ready(());
            }
            let due = turns.poll_timeout();
            if alarm.poll(due, clock, context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

// ── What hyper wants to know of a runtime ───────────────────────────────────────────────────────

struct Executor<R>(PhantomData<fn() -> R>);

impl<R> Clone for Executor<R> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<R: Runtime> rt::Executor<Task> for Executor<R> {
    fn execute(&self, task: Task) {
        R::spawn(task);
    }
}

#[derive(Clone)]
struct Timers;

struct Sleep(Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(drop)
    }
}

impl rt::Sleep for Sleep {}

impl rt::Timer for Timers {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(Timer::after(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(Timer::at(deadline)))
    }
}

/// Makes connections of TCP.
#[derive(Clone)]
struct Connector;

impl Service<Uri> for Connector {
    type Response = Socket;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        Box::pin(async move {
            let host = server.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let usual = if server.scheme_str() == Some("https") {
                443
            } else {
                80
            };
            let port = server.port_u16().unwrap_or(usual);
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            let read = vec![0; READ_BYTES].into();
            Ok(Socket { stream, read })
        })
    }
}

struct Socket {
    stream: TcpStream,
    read: Box<[u8]>,
}

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, read } = self.get_mut();
        let most = buffer.remaining().min(read.len());
        let count = ready!(Pin::new(stream).poll_read(context, &mut read[..most]))?;
        buffer.put_slice(&read[..count]);
        Poll::Ready(Ok(()))
    }
}

impl rt::Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}
