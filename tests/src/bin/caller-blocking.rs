//! Calls `echo` one call at a time on plain threads: `caller-blocking handshake|stateless COUNT SERVER...`.

use bind_blocking::{Client, Error, json};
use mcp_tests::caller::{Job, MESSAGE};

fn main() -> Result<(), Error> {
    let job = Job::from_arguments();
    let client = Client::spawn_with(job.builder, job.server)?;
    for _ in 0..job.count {
        let result = client.call_tool("echo", json!({"message": MESSAGE}))?;
        assert_eq!(result.text(), MESSAGE);
    }
    Ok(())
}
