//! A server as a service, to be mounted in somebody else's.

use std::{future::Future, sync::Arc};

use mcp_server_core::{
    IntoServer, Server,
    http::{HttpHub, HttpOptions, HttpService, Judge, Runtime, Verdict},
};

use super::runtime::Tokio;
use crate::{Error, server::host::hosted};

/// A server as a `tower::Service`, for axum's `Router::route_service` and everything else that
/// takes one. Needs a tokio runtime once it is called.
///
/// [`HttpOptions::mounted`] has every path that is routed there be the endpoint, and no page.
/// [`HttpService::shut_down`] ends the event streams, for which a graceful shutdown would otherwise
/// wait.
///
/// The connections belong to the server that it is mounted in, and so do their times: a client that
/// has stopped reading holds its calls until that server ends the connection.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use bind_tokio::{http::HttpOptions, http_service, prelude::*};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let mcp = http_service(server!(), HttpOptions::mounted())?;
///     let app = Router::new()
///         .route("/", get(|| async { "hello" }))
///         .route_service("/mcp", mcp);
///     let socket = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
///     axum::serve(socket, app).await?;
///     Ok(())
/// }
/// ```
pub fn http_service(server: impl IntoServer, options: HttpOptions) -> Result<HttpService, Error> {
    Ok(build(&hosted(server)?, options, None).0)
}

/// As [`http_service`], with every request to the endpoint judged by its bearer token before its
/// body is read.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built.
pub fn authorized_http_service<F>(
    server: impl IntoServer,
    options: HttpOptions,
    judge: impl Fn(Option<String>) -> F + Send + Sync + 'static,
) -> Result<HttpService, Error>
where
    F: Future<Output = Verdict> + Send + 'static,
{
    Ok(build(&hosted(server)?, options, Some(boxed(judge))).0)
}

pub(super) fn boxed<F>(judge: impl Fn(Option<String>) -> F + Send + Sync + 'static) -> Box<Judge>
where
    F: Future<Output = Verdict> + Send + 'static,
{
    Box::new(move |token| Box::pin(judge(token)))
}

pub(super) fn build(
    server: &Server,
    options: HttpOptions,
    judge: Option<Box<Judge>>,
) -> (HttpService, Arc<dyn Runtime>) {
    let runtime: Arc<dyn Runtime> = Arc::new(Tokio::new());
    let hub = HttpHub::new(server.clone(), options, judge, Arc::clone(&runtime));
    (HttpService::new(hub), runtime)
}
