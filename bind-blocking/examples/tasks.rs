//! A call that outlives its request: begun as a task, watched, asked something, and read later; and
//! the same call without caring. The same program for a server of 2026-07-28 and for one with a
//! handshake.

use std::{thread, time::Duration};

use bind_blocking::{
    json,
    mcp_client_core::{self, EraMode},
    mcp_proto::{json::Json as Answer, types::ElicitResult, version::ProtocolVersion},
    mcp_server_core, memory_pair,
    prelude::*,
};

/// Render a film.
#[tool(task = "optional")]
fn render(film: String, cx: &Cx) -> Result<String, ToolError> {
    if !cx.confirm(format!("{film} is long. Really?")).get()? {
        return Ok("nothing was rendered".into());
    }
    cx.progress_with(1, 2, format_args!("half of {film}"));
    // Gives up early where the task is cancelled.
    if cx.wait(Duration::from_millis(300)) {
        return Err(ToolError::new("stopped"));
    }
    Ok(format!("{film}.mp4"))
}

fn main() -> Result<(), Error> {
    for era in [
        EraMode::Stateless,
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
    ] {
        let (here, there) = memory_pair();
        let tasks = mcp_server_core::Tasks::new().poll_interval(Duration::from_millis(50));
        thread::spawn(|| serve(server!().tasks(tasks).tool(render), there.0, there.1));
        let person = client!()
            .era(era)
            .tasks(mcp_client_core::Tasks::new())
            .on_elicit(|form| {
                println!("  asked: {}", form.message);
                ElicitResult::accept(Answer::from(json!({"confirm": true})))
            });
        let client = Client::connect_with(person, here.0, here.1)?;
        println!("{}:", client.protocol_version());
        run(&client)?;
    }
    Ok(())
}

fn run(client: &Client) -> Result<(), Error> {
    let film = json!({"film": "Metropolis"});
    let task = match client.call_tool_as_task("render", &film)? {
        Started::Task(task) => task,
        Started::Done(output) => {
            println!("  no task, but at once: {}", output.text());
            return Ok(());
        }
    };
    let mut updates = task.updates();
    for task in &mut updates {
        println!("  {}", task.status.as_str());
    }
    println!("  {}", updates.result()?.text());

    // Whoever knows its id gets the result again, for as long as the server keeps it.
    let again = client.task(task.id()).result()?;
    println!("  again: {}", again.text());

    // The same without caring whether there is a task.
    let output = client.call_tool("render", &film)?;
    println!("  plainly: {}", output.text());

    let Started::Task(unwanted) = client.call_tool_as_task("render", &film)? else {
        return Ok(());
    };
    unwanted.cancel()?;
    println!("  {}", unwanted.wait()?.status.as_str());
    Ok(())
}
