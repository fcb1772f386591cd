//! A server that asks in the middle of a call, and the person who answers: the same tool for a client
//! of 2026-07-28 and for one with a handshake.

use std::thread;

use bind_blocking::{
    json,
    mcp_client_core::EraMode,
    mcp_proto::{json::Json as Answer, types::ElicitResult, version::ProtocolVersion},
    memory_pair,
    prelude::*,
};

/// How something is sent.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Delivery {
    /// Where to
    city: String,
    speed: Speed,
}

#[derive(serde::Deserialize, schemars::JsonSchema, PartialEq)]
enum Speed {
    #[schemars(title = "In a week")]
    Slow,
    #[schemars(title = "Tomorrow, for 10 more")]
    Fast,
}

/// Order something.
#[tool]
fn order(item: String, cx: &Cx) -> Result<String, ToolError> {
    // Run again from here after each answer: what must not be repeated goes into `once`.
    let number = cx.once("number", || next_number(&item))?;
    let delivery = cx
        .elicit::<Delivery>(format!("How shall {item} be sent?"))
        .get()?
        .required()?;
    if delivery.speed == Speed::Fast && !cx.confirm("10 more, really?").get()? {
        return Ok("nothing was ordered".into());
    }
    Ok(format!("order {number}: {item} to {}", delivery.city))
}

fn next_number(item: &str) -> u32 {
    println!("  (a number is taken for {item})");
    42
}

fn main() -> Result<(), Error> {
    for era in [
        EraMode::Stateless,
        EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE),
    ] {
        let (here, there) = memory_pair();
        thread::spawn(|| serve(server!().tool(order), there.0, there.1));
        let person = ClientBuilder::new("person", "1")
            .era(era)
            .on_elicit(|form| {
                println!("  {}", form.message);
                ElicitResult::accept(Answer::from(match form.message.starts_with("How") {
                    true => json!({"city": "Ghent", "speed": "Fast"}),
                    false => json!({"confirm": true}),
                }))
            });
        let client = Client::connect_with(person, here.0, here.1)?;
        println!("{}:", client.protocol_version());
        let ordered = client.call_tool("order", json!({"item": "tea"}))?;
        println!("  {}", ordered.text());
    }
    Ok(())
}
