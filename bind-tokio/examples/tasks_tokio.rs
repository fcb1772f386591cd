//! A call that outlives its request, on tokio: begun as a task, watched and asked something while
//! other work goes on.

use std::time::Duration;

use bind_tokio::{
    json,
    mcp_client_core::{self, EraMode},
    mcp_proto::{json::Json as Answer, types::ElicitResult, version::ProtocolVersion},
    mcp_server_core, memory_pair,
    prelude::*,
};

/// Render a film.
#[tool(task = "optional")]
async fn render(film: String, cx: Cx) -> Result<String, ToolError> {
    if !cx.confirm(format!("{film} is long. Really?")).await? {
        return Ok("nothing was rendered".into());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(format!("{film}.mp4"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    for era in [
        EraMode::Stateless,
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
    ] {
        let (here, there) = memory_pair();
        let tasks = mcp_server_core::Tasks::new().poll_interval(Duration::from_millis(50));
        tokio::spawn(serve(server!().tasks(tasks).tool(render), there.0, there.1));
        let person = client!()
            .era(era)
            .tasks(mcp_client_core::Tasks::new().listening())
            .on_elicit(|form| {
                println!("  asked: {}", form.message);
                ElicitResult::accept(Answer::from(json!({"confirm": true})))
            });
        let client = Client::connect_with(person, here.0, here.1).await?;
        println!("{}:", client.protocol_version());
        let started = client.call_tool_as_task("render", json!({"film": "Metropolis"}));
        let Started::Task(task) = started.await? else {
            continue;
        };
        let mut updates = task.updates();
        while let Some(task) = updates.next().await {
            println!("  {}", task.status.as_str());
        }
        println!("  {}", updates.result().await?.text());
        // To stop waiting, here after no time at all, is not to cancel.
        let waiting = tokio::time::timeout(Duration::ZERO, task.wait());
        drop(waiting.await);
        let output = client.task(task.id()).result().await?;
        println!("  again: {}", output.text());
    }
    Ok(())
}
