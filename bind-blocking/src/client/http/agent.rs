//! How ureq is set up, and what its failures mean.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use mcp_client_core::http::{BadEndpoint, Endpoint, FetchError, Proxy};
use mcp_proto::limits::Limits;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use ureq::{
    Error, ProxyProtocol, Timeout,
    config::Config,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

/// Idle connections are kept for less than the five seconds after which common servers close
/// theirs: a request that meets the end of its connection may have been done, and is not repeated.
pub(super) const IDLE: Duration = Duration::from_secs(4);

/// The settings that all agents of a connection share.
pub(super) fn config(
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
    limits: &Limits,
) -> Result<Config, BadEndpoint> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // Where a response may lead is the machine's business.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy.map(to_ureq).transpose()?)
        .timeout_resolve(Some(limits.connect_timeout))
        .timeout_connect(Some(limits.connect_timeout))
        .max_response_header_size(limits.response_head_bytes)
        // Each agent belongs to one thread, which makes one request at a time.
        .max_idle_connections(1)
        .max_idle_connections_per_host(1)
        .max_idle_age(IDLE)
        .accept("")
        .accept_encoding("")
        .user_agent("");
    if endpoint.is_secure() {
        config = config.tls_config(tls(endpoint)?);
    }
    Ok(config.build())
}

fn to_ureq(proxy: &Proxy) -> Result<ureq::Proxy, BadEndpoint> {
    let mut builder =
        ureq::Proxy::builder(ProxyProtocol::Http).host(proxy.uri.host().unwrap_or_default());
    builder = builder.port(proxy.uri.port_u16().unwrap_or(80));
    if let Some((user, password)) = &proxy.user {
        builder = builder.username(user).password(password);
    }
    builder
        .build()
        .map_err(|error| BadEndpoint::new("not a proxy", error.to_string()))
}

fn tls(endpoint: &Endpoint) -> Result<TlsConfig, BadEndpoint> {
    let bad = |why: String| BadEndpoint::new("not a trusted authority", why);
    let system = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = system
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    for pem in &endpoint.authorities {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.push(Certificate::from_der(&certificate).to_owned());
        }
        if roots.len() == before {
            return Err(bad("there is no certificate in it".into()));
        }
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        // Named, so that a process may have other providers as well.
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// What has become of a request that got no response.
pub(super) fn failure(error: &Error) -> FetchError {
    let why = error.to_string();
    let connected = match error {
        Error::HostNotFound | Error::ConnectionFailed | Error::InvalidProxyUrl => false,
        Error::Tls(_) | Error::Rustls(_) | Error::ConnectProxyFailed(_) => false,
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => false,
        Error::Io(error) => !matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable
        ),
        _ => true,
    };
    if connected {
        FetchError::Broken(why)
    } else {
        FetchError::Connect(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_have_the_bounds_that_the_limits_say() {
        let mut limits = Limits::default();
        limits.connect_timeout = Duration::from_millis(7);
        limits.response_head_bytes = 9;
        let endpoint = Endpoint::new("http://localhost/mcp").unwrap();
        let config = config(&endpoint, None, &limits).unwrap();
        let (most, times) = (Some(limits.connect_timeout), config.timeouts());
        assert_eq!((times.resolve, times.connect), (most, most));
        assert_eq!(config.max_response_header_size(), 9);
    }
}
