//! Calls `echo` one call at a time on tokio: `caller-tokio handshake|stateless COUNT SERVER...`.

use bind_tokio::{Client, Error, json};
use mcp_client_core::{ClientBuilder, EraMode};
use mcp_proto::version::ProtocolVersion;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let era = match arguments.next().as_deref() {
        Some("handshake") => EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE),
        _ => EraMode::Stateless,
    };
    let count = arguments.next().and_then(|count| count.parse().ok());
    let mut server = std::process::Command::new(arguments.next().unwrap_or_default());
    server.args(arguments);
    let builder = ClientBuilder::new("caller", "1.0.0").era(era);
    let client = Client::spawn_with(builder, server).await?;
    let message = "The quick brown fox jumps over the lazy dog, again and again and";
    for _ in 0..count.unwrap_or(1) {
        let result = client
            .call_tool("echo", json!({"message": message}))
            .await?;
        assert_eq!(result.text(), message);
    }
    client.close().await;
    Ok(())
}
