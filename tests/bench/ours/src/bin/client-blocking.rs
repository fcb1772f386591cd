//! Calls a server one call at a time through bind-blocking's client.

use bind_blocking::{json, prelude::*};
use stopwatch::{Job, MESSAGE, Stopwatch};

fn main() -> Result<(), Error> {
    let job = Job::from_arguments();
    let client = Client::spawn(job.command)?;
    let mut watch = Stopwatch::start(job.count);
    for _ in 0..job.count {
        let result = client.call_tool("echo", json!({"message": MESSAGE}))?;
        watch.lap(&result.text());
    }
    watch.print();
    Ok(())
}
