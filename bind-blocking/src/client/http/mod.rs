//! A server that is reached over HTTP.

mod agent;
mod exchanges;
mod worker;

use std::env;

use mcp_client_core::{
    ClientBuilder,
    http::{BadEndpoint, Endpoint},
};

use super::{Client, builder};
use crate::Error;

impl Client {
    /// Connects to a server over HTTP: Streamable HTTP of any revision, or the older transport of
    /// 2024-11-05; which one, its answers tell.
    ///
    /// `server` is a URL, or an [`Endpoint`] where it needs an authorization, headers, a proxy or
    /// another trusted authority.
    ///
    /// ```no_run
    /// use bind_blocking::prelude::*;
    ///
    /// let public = Client::http("https://example.com/mcp")?;
    /// let own = Client::http(Endpoint::new("https://example.org/mcp")?.bearer("token")?)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] where the endpoint is of no use, [`Error::Call`] where the server cannot be
    /// talked to: with the status and the beginning of its answer, if there was one.
    pub fn http<S>(server: S) -> Result<Self, Error>
    where
        S: TryInto<Endpoint, Error: Into<BadEndpoint>>,
    {
        Self::http_with(builder(), server)
    }

    /// [`http`](Self::http), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`http`](Self::http).
    pub fn http_with<S>(builder: ClientBuilder, server: S) -> Result<Self, Error>
    where
        S: TryInto<Endpoint, Error: Into<BadEndpoint>>,
    {
        let endpoint = server.try_into().map_err(Into::into)?;
        endpoint.check()?;
        let proxy = endpoint.proxy_server(|name| env::var(name).ok())?;
        let config = agent::config(&endpoint, proxy.as_ref(), &builder.config().limits)?;
        let (driver, caller) = exchanges::start(builder, endpoint, config)?;
        Self::over(caller, Box::new(move || exchanges::close(&driver)), None)
    }
}
