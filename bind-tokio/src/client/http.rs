//! A server that is reached over HTTP.

use std::{env, future::poll_fn, io, task::Poll};

use hyper_util::{
    client::legacy::connect::HttpConnector,
    rt::{TokioExecutor, TokioTimer},
};
use mcp_client_core::{
    ClientBuilder,
    http::{BadEndpoint, Dial, Endpoint, HttpTurns, hyper},
};

use super::{
    child::Stderr,
    connect::{Client, answer, builder},
};
use crate::{
    Error,
    clock::{Alarm, Clock},
};

impl Client {
    /// Connects to a server over HTTP: Streamable HTTP of any revision, or the older transport of
    /// 2024-11-05; which one, its answers tell.
    ///
    /// `server` is a URL, or an [`Endpoint`] where it needs an authorization, headers, a proxy or
    /// another trusted authority.
    ///
    /// ```no_run
    /// use bind_tokio::prelude::*;
    ///
    /// # async fn run() -> Result<(), Error> {
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
            let load = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
            load.await.map_err(io::Error::other)?.certs
        } else {
            Vec::new()
        };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let clock = Clock::start();
        let (turns, caller) = hyper::connect(
            builder,
            endpoint,
            |name| env::var(name).ok(),
            roots,
            connector,
            (TokioExecutor::new(), TokioTimer::new()),
            clock.now(),
        )?;
        let drive = async move {
            run(turns, clock).await;
            None
        };
        Self::over(caller, Stderr::default(), drive).await
    }
}

async fn run<D: Dial>(mut turns: HttpTurns<D>, clock: Clock) {
    let mut alarm = Alarm::new();
    poll_fn(|context| {
        loop {
            if turns.poll(context, clock.now(), &mut answer).is_ready() {
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
