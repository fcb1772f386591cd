//! Calls a server one call at a time through rmcp's client, as its README has it.

use rmcp::model::CallToolRequestParams;
use rmcp::{ServiceExt, transport::TokioChildProcess};
use stopwatch::{Job, MESSAGE, Stopwatch};
use tokio::process::Command;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let job = Job::from_arguments();
    let client = ().serve(TokioChildProcess::new(Command::from(job.command))?).await?;
    let mut watch = Stopwatch::start(job.count);
    for _ in 0..job.count {
        let arguments = serde_json::json!({"message": MESSAGE});
        let arguments = arguments.as_object().expect("it is an object").clone();
        let params = CallToolRequestParams::new("echo").with_arguments(arguments);
        let result = client.call_tool(params).await?;
        let text = result.content.first().and_then(|block| block.as_text());
        watch.lap(text.map_or("", |text| &text.text));
    }
    watch.print();
    client.cancel().await?;
    Ok(())
}
