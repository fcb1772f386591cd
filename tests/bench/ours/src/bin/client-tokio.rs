//! Calls a server one call at a time through bind-tokio's client.

use bind_tokio::{json, prelude::*};
use stopwatch::{Job, MESSAGE, Stopwatch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let job = Job::from_arguments();
    let client = Client::spawn(job.command).await?;
    let mut watch = Stopwatch::start(job.count);
    for _ in 0..job.count {
        let result = client
            .call_tool("echo", json!({"message": MESSAGE}))
            .await?;
        watch.lap(&result.text());
    }
    watch.print();
    client.close().await;
    Ok(())
}
