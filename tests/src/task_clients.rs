//! Clients that take part in tasks, for the tests of those.

use mcp_client_core::{ClientBuilder, EraMode, Tasks};
use mcp_proto::{json::Json, types::ElicitResult, version::ProtocolVersion};
use serde_json::Value;

/// How a client takes part in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three")]
pub enum Way {
    /// 2025-11-25.
    Handshake,
    /// 2026-07-28.
    Looking,
    /// 2026-07-28, by a stream for each task.
    Listening,
}

/// Takes part in tasks in this way, and answers what is asked.
///
/// # Panics
/// Never: its answers are JSON.
#[must_use]
pub fn builder(way: Way) -> ClientBuilder {
    let (tasks, era) = match way {
        Way::Handshake => (
            Tasks::new(),
            EraMode::Handshake(ProtocolVersion::V2025_11_25),
        ),
        Way::Looking => (Tasks::new(), EraMode::Stateless),
        Way::Listening => (Tasks::new().listening(), EraMode::Stateless),
    };
    ClientBuilder::new("tasks", "1.0.0")
        .era(era)
        .tasks(tasks)
        .on_elicit(|form| {
            let name = form.requested_schema.properties.get("name").is_some();
            let answer = if name {
                r#"{"name":"Ada"}"#
            } else {
                r#"{"confirm":true}"#
            };
            ElicitResult::accept(Json::parse(answer).expect("it is JSON"))
        })
}

/// What has come of a call, in words.
#[must_use]
pub fn text(outcome: Result<Value, String>) -> String {
    match outcome {
        Ok(result) => {
            let failed = if result["isError"] == true {
                "failed: "
            } else {
                ""
            };
            format!(
                "{failed}{}",
                result["content"][0]["text"].as_str().unwrap_or_default()
            )
        }
        Err(error) => format!("error: {error}"),
    }
}
