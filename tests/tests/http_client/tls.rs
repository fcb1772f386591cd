//! Who is trusted, and who is not.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use mcp_client_core::{
    EraMode,
    http::{Endpoint, ProxyChoice},
};
use mcp_tests::clients::Kind;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::{
    HANDSHAKE, builder, call,
    script::{Conn, Request, Script, Stream, opening, said},
};

/// An authority, and a server that it vouches for by one name.
struct Vouched {
    authority: String,
    config: Arc<ServerConfig>,
}

fn vouched(name: &str) -> Vouched {
    let own_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&own_key).unwrap();
    let issuer = Issuer::new(params, own_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Vouched {
        authority: authority.pem(),
        config: Arc::new(config),
    }
}

fn encrypted(config: &Arc<ServerConfig>, stream: TcpStream) -> Option<Box<dyn Stream>> {
    let connection = ServerConnection::new(Arc::clone(config)).ok()?;
    Some(Box::new(StreamOwned::new(connection, stream)))
}

fn fine(request: &Request, conn: &mut Conn) -> bool {
    opening(request, conn).unwrap_or_else(|| {
        conn.result(request, &said("fine"));
        true
    })
}

fn start(vouched: &Vouched) -> Script {
    let config = Arc::clone(&vouched.config);
    Script::over(move |stream| encrypted(&config, stream), fine)
}

fn secure(script: &Script) -> Endpoint {
    Endpoint::new(&format!("https://localhost:{}/mcp", script.port())).unwrap()
}

#[test]
fn an_authority_that_is_named_is_trusted() {
    let vouched = vouched("localhost");
    for kind in Kind::ALL {
        for era in [HANDSHAKE, EraMode::Auto] {
            let script = start(&vouched);
            let endpoint = secure(&script).authority(&*vouched.authority);
            let client = kind.http(builder(era), endpoint).unwrap();
            for _ in 0..3 {
                assert!(call(&*client, "x").is_ok(), "{kind:?}");
            }
            client.close();
            let seen = script.seen();
            assert!(seen.len() >= 4, "{kind:?}: {seen:?}");
        }
    }
}

#[test]
fn strangers_are_not_trusted() {
    let (localhost, other, stranger) = (vouched("localhost"), vouched("example.com"), vouched("x"));
    for kind in Kind::ALL {
        for (server, trusted, why) in [
            (&localhost, None, "nobody vouches for it"),
            (&localhost, Some(&stranger), "another one vouches for it"),
            (&other, Some(&other), "it is vouched for by another name"),
        ] {
            let script = start(server);
            let mut endpoint = secure(&script).bearer("t0ken").unwrap();
            if let Some(trusted) = trusted {
                endpoint = endpoint.authority(&*trusted.authority);
            }
            let error = kind.http(builder(EraMode::Auto), endpoint).err();
            let error = error.unwrap_or_else(|| panic!("{kind:?}: {why}"));
            assert!(error.contains("certificate"), "{kind:?}, {why}: {error}");
            assert!(
                script.seen().is_empty(),
                "{kind:?}, {why}: nothing was said"
            );
        }
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    for kind in Kind::ALL {
        let endpoint = Endpoint::new("https://localhost:1/mcp")
            .unwrap()
            .authority("hello");
        let error = kind
            .http(builder(EraMode::Auto), endpoint)
            .err()
            .expect("refused");
        assert!(error.contains("no certificate"), "{kind:?}: {error}");
    }
}

#[test]
fn a_server_is_reached_through_the_tunnel_of_a_proxy() {
    let vouched = vouched("no-such-host.example");
    for kind in Kind::ALL {
        let config = Arc::clone(&vouched.config);
        let proxy = Script::over(
            move |mut stream| {
                let head = head(&mut stream)?;
                assert!(
                    head.starts_with("CONNECT no-such-host.example:443 HTTP/1.1\r\n"),
                    "{head}"
                );
                assert!(
                    head.to_ascii_lowercase()
                        .contains("proxy-authorization: basic yw5uog=="),
                    "{head}"
                );
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
                encrypted(&config, stream)
            },
            fine,
        );
        let by = format!("http://ann@127.0.0.1:{}", proxy.port());
        let endpoint = Endpoint::new("https://no-such-host.example/mcp")
            .and_then(|endpoint| endpoint.bearer("t0ken"))
            .unwrap()
            .proxy(ProxyChoice::At(by))
            .authority(&*vouched.authority);
        let client = kind.http(builder(EraMode::Auto), endpoint).unwrap();
        assert!(call(&*client, "x").is_ok(), "{kind:?}");
        for request in proxy.seen() {
            assert_eq!(request.header("authorization"), "Bearer t0ken", "{kind:?}");
            assert_eq!(request.header("proxy-authorization"), "", "{kind:?}");
        }
    }
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    String::from_utf8(head).ok()
}
