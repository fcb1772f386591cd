//! Exchanges by hyper over any connector, which the async bindings have in common.
//!
//! The connector, the timer and the executor are the caller's, and so is all I/O; TLS, proxies,
//! bounds and the pool of idle connections are the same on all of them.

use alloc::{borrow::ToOwned, boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::{
    convert::Infallible,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use std::io::IoSlice;

use ::hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    rt::{Executor, Read, ReadBufCursor, Timer, Write},
};
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{
    self, Client, ResponseFuture,
    connect::{Connected, Connection, proxy::Tunnel},
};
use mcp_proto::{limits::Limits, time::Instant};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tower_service::Service;

use super::{BadEndpoint, Dial, Endpoint, FetchError, HttpTurns, Perform, Proxy, Report};
use crate::desk::{Caller, ClientBuilder};

/// Idle connections are kept for less than the five seconds after which common servers close
/// theirs: a request that meets the end of its connection may have been done, and is not repeated.
const IDLE: Duration = Duration::from_secs(4);

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes requests by hyper.
pub struct Hyper<C, T> {
    client: Client<Patient<HttpsConnector<Route<C>>, T>, Once>,
    // For requests that a proxy reads; those in a tunnel it does not.
    proxy_authorization: Option<HeaderValue>,
}

/// What a connector must be: it makes a connection to the host and port of a URL.
pub trait Connect:
    Service<Uri, Response: Stream, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<C> Connect for C where
    C: Service<Uri, Response: Stream, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// What a connection must be.
pub trait Stream: Read + Write + Connection + Send + Unpin + 'static {}

impl<S: Read + Write + Connection + Send + Unpin + 'static> Stream for S {}

/// Starts a connection to the server at `endpoint`: the loop to drive, and its callers.
///
/// `variable` reads the environment, `roots` are the authorities that the system trusts (servers
/// without TLS need none), and `connector` makes connections.
///
/// # Errors
/// Where the endpoint contradicts itself, or names a proxy or an authority that is of no use.
pub fn connect<C, E, T>(
    builder: ClientBuilder,
    endpoint: Endpoint,
    variable: impl Fn(&str) -> Option<String>,
    roots: Vec<CertificateDer<'static>>,
    connector: C,
    (executor, timer): (E, T),
    now: Instant,
) -> Result<(HttpTurns<Hyper<C, T>>, Caller), BadEndpoint>
where
    C: Connect,
    E: Executor<BoxFuture<()>> + Clone + Send + Sync + 'static,
    T: Timer + Clone + Send + Sync + 'static,
{
    endpoint.check()?;
    let proxy = endpoint.proxy_server(variable)?;
    let limits = &builder.config.limits;
    let route = Route::new(connector, proxy.as_ref(), endpoint.is_secure());
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tls_config(&endpoint, roots)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(route);
    let client = bounded(tls, limits, (executor, timer));
    let forwarded = proxy.filter(|_| !endpoint.is_secure());
    let hyper = Hyper {
        client,
        proxy_authorization: forwarded.as_ref().and_then(Proxy::authorization),
    };
    Ok(HttpTurns::new(builder, endpoint, hyper, now))
}

/// hyper's client with our bounds, over any connector.
fn bounded<C, E, T>(
    connector: C,
    limits: &Limits,
    (executor, timer): (E, T),
) -> Client<Patient<C, T>, Once>
where
    Patient<C, T>: legacy::connect::Connect + Clone,
    E: Executor<BoxFuture<()>> + Clone + Send + Sync + 'static,
    T: Timer + Clone + Send + Sync + 'static,
{
    let patient = Patient {
        connector,
        timer: timer.clone(),
        limit: limits.connect_timeout,
    };
    Client::builder(executor)
        .pool_timer(timer.clone())
        .timer(timer)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(limits.fetches)
        // It must be 8 KiB at least; hyper refuses less by a panic.
        .http1_max_buf_size(limits.response_head_bytes.max(8 * 1024))
        .build(patient)
}

fn tls_config(
    endpoint: &Endpoint,
    roots: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, BadEndpoint> {
    let bad = |why: String| BadEndpoint::new("not a trusted authority", why);
    let mut store = RootCertStore::empty();
    // What is in a system's store and cannot be read is of no use, and no harm.
    store.add_parsable_certificates(roots);
    for pem in &endpoint.authorities {
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| bad(format!("{error}")))?;
            store
                .add(certificate)
                .map_err(|error| bad(format!("{error}")))?;
        }
        if store.len() == before {
            return Err(bad("there is no certificate in it".to_owned()));
        }
    }
    // Named, so that a process may have other providers as well.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(format!("{error}")))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

impl<C, T> fmt::Debug for Hyper<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hyper").finish_non_exhaustive()
    }
}

// ── Exchanges ───────────────────────────────────────────────────────────────────────────────────

impl<C: Connect, T: Timer + Clone + Send + Sync + 'static> Dial for Hyper<C, T> {
    fn dial(&mut self, mut request: Request<Bytes>) -> Box<dyn Perform> {
        if let Some(value) = &self.proxy_authorization {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, value.clone());
        }
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, Once(Some(body)));
        Box::new(Exchange::Asked(self.client.request(request)))
    }
}

enum Exchange {
    Asked(ResponseFuture),
    Answered(Incoming),
}

impl Perform for Exchange {
    fn poll_report(&mut self, context: &mut Context<'_>) -> Poll<Report> {
        loop {
            match self {
                Self::Asked(response) => {
                    return Poll::Ready(match ready!(Pin::new(response).poll(context)) {
                        Err(error) => Report::End(Err(failure(&error))),
                        Ok(response) => {
                            let (head, body) = response.into_parts();
                            *self = Self::Answered(body);
                            Report::Head(head)
                        }
                    });
                }
                Self::Answered(body) => match ready!(Pin::new(body).poll_frame(context)) {
                    None => return Poll::Ready(Report::End(Ok(()))),
                    Some(Err(error)) => {
                        let error = FetchError::Broken(chain(&error));
                        return Poll::Ready(Report::End(Err(error)));
                    }
                    Some(Ok(frame)) => {
                        // Trailers mean nothing here.
                        if let Ok(bytes) = frame.into_data() {
                            return Poll::Ready(Report::Chunk(bytes));
                        }
                    }
                },
            }
        }
    }
}

fn failure(error: &legacy::Error) -> FetchError {
    // Its own words say less than those of its cause.
    let why = error.source().map_or_else(|| format!("{error}"), chain);
    if error.is_connect() {
        FetchError::Connect(why)
    } else {
        FetchError::Broken(why)
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = format!("{error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = format!("{cause}");
        // Some repeat what caused them.
        if !text.contains(&cause_text) {
            text = [&*text, ": ", &cause_text].concat();
        }
        source = cause.source();
    }
    text
}

/// A body that is there as a whole.
struct Once(Option<Bytes>);

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.0.take().filter(|bytes| !bytes.is_empty());
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.0.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

// ── Connections ─────────────────────────────────────────────────────────────────────────────────

/// The way to the server: straight, or by a proxy that reads requests or is tunnelled through.
#[derive(Clone)]
enum Route<C> {
    Direct(C),
    Forward(C, Uri),
    Tunnel(Tunnel<C>),
}

impl<C> Route<C> {
    fn new(connector: C, proxy: Option<&Proxy>, secure: bool) -> Self {
        match proxy {
            None => Self::Direct(connector),
            Some(proxy) if secure => {
                let tunnel = Tunnel::new(proxy.uri.clone(), connector);
                Self::Tunnel(match proxy.authorization() {
                    Some(value) => tunnel.with_auth(value),
                    None => tunnel,
                })
            }
            Some(proxy) => Self::Forward(connector, proxy.uri.clone()),
        }
    }
}

impl<C: Connect> Service<Uri> for Route<C> {
    type Response = Routed<C::Response>;
    type Error = BoxError;
    type Future = BoxFuture<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(connector) | Self::Forward(connector, _) => {
                connector.poll_ready(context).map_err(Into::into)
            }
            Self::Tunnel(tunnel) => tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        fn routed<S, E: Into<BoxError>>(
            connecting: impl Future<Output = Result<S, E>> + Send + 'static,
            forwarded: bool,
        ) -> BoxFuture<Result<Routed<S>, BoxError>> {
            Box::pin(async move {
                let stream = connecting.await.map_err(Into::into)?;
                Ok(Routed { stream, forwarded })
            })
        }
        match self {
            Self::Direct(connector) => routed(connector.call(server), false),
            Self::Forward(connector, proxy) => routed(connector.call(proxy.clone()), true),
            Self::Tunnel(tunnel) => routed(tunnel.call(server), false),
        }
    }
}

/// A connection to the server, or to a proxy that reads the requests.
struct Routed<S> {
    stream: S,
    forwarded: bool,
}

impl<S: Stream> Connection for Routed<S> {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.forwarded)
    }
}

impl<S: Stream> Read for Routed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Stream> Write for Routed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}

/// A connector that gives up after a while: names, routes, tunnels and TLS taken together.
#[derive(Clone)]
struct Patient<C, T> {
    connector: C,
    timer: T,
    limit: Duration,
}

impl<C, T> Service<Uri> for Patient<C, T>
where
    C: Service<Uri, Error = BoxError, Future: Send + 'static>,
    C::Response: Send,
    T: Timer,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let mut connecting = Box::pin(self.connector.call(server));
        let mut late = self.timer.sleep(self.limit);
        Box::pin(core::future::poll_fn(move |context| {
            if let Poll::Ready(connected) = connecting.as_mut().poll(context) {
                return Poll::Ready(connected);
            }
            ready!(late.as_mut().poll(context));
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            Poll::Ready(Err(late.into()))
        }))
    }
}

#[cfg(test)]
mod tests;
