//! Calls a server one call at a time through bind-async-std's client on smol.

use bind_async_std::json;
use bind_async_std::smol::prelude::*;
use stopwatch::{Job, MESSAGE, Stopwatch};

fn main() -> Result<(), Error> {
    let job = Job::from_arguments();
    smol::block_on(async {
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
    })
}
