//! The HTTP clients of all bindings, against servers that behave in ways which no library would:
//! what is sent, what is refused, and how everything ends.

mod ends;
mod failures;
mod network;
mod revisions;
mod script;
mod tls;

use std::time::{Duration, Instant};

use mcp_client_core::{ClientBuilder, EraMode, Options, http::Endpoint};
use mcp_proto::version::ProtocolVersion;
use mcp_tests::clients::{AnyClient, Kind};
use serde_json::{Value, json};

const HANDSHAKE: EraMode = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);

fn builder(era: EraMode) -> ClientBuilder {
    ClientBuilder::new("tests", "1.0.0").era(era)
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::new(url).expect("tests have whole URLs")
}

fn connect(kind: Kind, era: EraMode, url: &str) -> Box<dyn AnyClient> {
    let client = kind.http(builder(era), endpoint(url));
    client.unwrap_or_else(|error| panic!("{kind:?}: {error}"))
}

fn call(client: &dyn AnyClient, tool: &str) -> Result<Value, String> {
    client.call(tool, &json!({}), Options::default())
}

/// Waits until it is so, many times longer than it takes.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
