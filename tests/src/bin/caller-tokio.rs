//! Calls `echo` one call at a time on tokio: `caller-tokio handshake|stateless COUNT SERVER...`.

use bind_tokio::{Client, Error, json};
use mcp_tests::caller::{Job, MESSAGE};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let job = Job::from_arguments();
    let client = Client::spawn_with(job.builder, job.server).await?;
    for _ in 0..job.count {
        let result = client
            .call_tool("echo", json!({"message": MESSAGE}))
            .await?;
        assert_eq!(result.text(), MESSAGE);
    }
    client.close().await;
    Ok(())
}
