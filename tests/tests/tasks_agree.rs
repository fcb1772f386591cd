//! Calls that outlive their requests: all that is said of them, in both revisions that have them, is
//! the same on every binding, on a pipe and over HTTP, and is in the snapshots.
#![cfg(unix)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mcp_proto::{types::TaskSupport, version::ProtocolVersion};
use mcp_server_core::{IntoServer, Server, Tasks, ToolEntry};
use mcp_tests::{
    bindings::Binding,
    by_hand::ByHand,
    fixture,
    http_serving::{HttpServing, Setup},
};
use serde_json::{Value, json};

const NEW: ProtocolVersion = ProtocolVersion::V2026_07_28;
const OLD: ProtocolVersion = ProtocolVersion::V2025_11_25;

/// Plays one client's part on every binding, on a pipe and over HTTP; what was said.
fn said_everywhere(
    version: ProtocolVersion,
    capabilities: &Value,
    play: fn(&mut ByHand),
) -> String {
    let server = || fixture::server().into_server().expect("it is complete");
    let mut first: Option<String> = None;
    let mut compare = |place: String, client: &ByHand| match &first {
        Some(said) => assert_eq!(client.said(), said, "{place}"),
        None => first = Some(client.said().into()),
    };
    for binding in Binding::ALL {
        let mut client = ByHand::on_pipe(binding, &server(), version, capabilities);
        play(&mut client);
        compare(format!("{binding:?} on a pipe"), &client);
        let serving = HttpServing::start(binding, server(), &Setup::default());
        let mut client = ByHand::on_http(&serving.url(), version, capabilities);
        play(&mut client);
        compare(format!("{binding:?} over HTTP"), &client);
    }
    first.expect("there are bindings")
}

fn capabilities() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"name": tool, "arguments": arguments})
}

/// Looks until the task has this status. What it looks at before is nobody's business: how often
/// depends on the machine.
fn wait_for(client: &mut ByHand, id: &Value, status: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let got = client.ask_aside("tasks/get", json!({"taskId": id}));
        if got["result"]["status"] == status {
            return got["result"].clone();
        }
        assert!(Instant::now() < end, "it is not {status}: {got}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn yes() -> Value {
    json!({"action": "accept", "content": {"confirm": true}})
}

// ── 2026-07-28 ──────────────────────────────────────────────────────────────────────────────────

fn begin(client: &mut ByHand, tool: &str, arguments: &Value) -> Value {
    let created = client.ask("tools/call", call(tool, arguments));
    assert_eq!(created["result"]["resultType"], "task", "{created}");
    created["result"]["taskId"].clone()
}

fn shown(client: &mut ByHand, id: &Value, status: &str) -> Value {
    wait_for(client, id, status);
    client.ask("tasks/get", json!({"taskId": id}))
}

fn play_new(client: &mut ByHand) {
    // One that asks, and whom its client listens to.
    let id = begin(client, "confirm_delete", &json!({"filename": "a.txt"}));
    let got = shown(client, &id, "input_required");
    let key = got["result"]["inputRequests"]
        .as_object()
        .expect("questions");
    let key = key.keys().next().expect("one").clone();
    client.send(
        "subscriptions/listen",
        json!({"notifications": {"taskIds": [id]}}),
    );
    client.hear(|message| message["method"] == "notifications/subscriptions/acknowledged");
    client.ask(
        "tasks/update",
        json!({"taskId": id, "inputResponses": {key: yes()}}),
    );
    client.hear(|message| message["params"]["status"] == "completed");
    shown(client, &id, "completed");
    // What ended does not change any more, and says so to nobody.
    client.ask("tasks/cancel", json!({"taskId": id}));
    shown(client, &id, "completed");
    // One that fails with words, and one that fails.
    let id = begin(client, "failing_job", &json!({}));
    shown(client, &id, "completed");
    let id = begin(client, "protocol_error_job", &json!({}));
    shown(client, &id, "failed");
    // One that is given up.
    let id = begin(
        client,
        "slow_compute",
        &json!({"seconds": 3600, "label": "x"}),
    );
    client.ask("tasks/cancel", json!({"taskId": id}));
    shown(client, &id, "cancelled");
    // One whose questions come before it is a task.
    let params = call("test_tool_with_task", &json!({}));
    let asked = client.ask("tools/call", params.clone());
    let mut retry = params;
    retry["requestState"] = asked["result"]["requestState"].clone();
    retry["inputResponses"] =
        json!({"user_name": {"action": "accept", "content": {"name": "Ada"}}});
    let created = client.ask("tools/call", retry);
    shown(client, &created["result"]["taskId"], "completed");
    // None, and none of those of the other revision.
    client.ask(
        "tasks/get",
        json!({"taskId": "0123456789abcdef0123456789abcdef"}),
    );
    client.ask("tasks/get", json!({}));
    client.ask("tasks/result", json!({"taskId": id}));
    client.ask("tasks/list", json!({}));
    client.ask("tools/call", call("greet", &json!({"name": "Ada"})));
}

#[test]
fn the_extension_s_tasks_are_spoken_of_in_the_same_words_everywhere() {
    insta::assert_snapshot!(said_everywhere(NEW, &capabilities(), play_new));
}

fn play_without(client: &mut ByHand) {
    client.ask("tools/call", call("failing_job", &json!({})));
    client.ask("tools/call", call("protocol_error_job", &json!({})));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        client.ask(
            method,
            json!({"taskId": "0123456789abcdef0123456789abcdef"}),
        );
    }
}

#[test]
fn who_does_not_declare_the_extension_has_no_tasks() {
    let said = said_everywhere(NEW, &json!({"elicitation": {}}), play_without);
    insta::assert_snapshot!(said);
}

// ── 2025-11-25 ──────────────────────────────────────────────────────────────────────────────────

fn begin_old(client: &mut ByHand, tool: &str, arguments: &Value) -> Value {
    let mut params = call(tool, arguments);
    params["task"] = json!({"ttl": 60_000});
    let created = client.ask("tools/call", params);
    let id = created["result"]["task"]["taskId"].clone();
    assert!(id.is_string(), "{created}");
    id
}

fn play_old(client: &mut ByHand) {
    // One that asks, while its result is waited for.
    let id = begin_old(client, "confirm_delete", &json!({"filename": "a.txt"}));
    shown(client, &id, "input_required");
    let waiting = client.send("tasks/result", json!({"taskId": id}));
    let asked = client.hear(|message| message["method"] == "elicitation/create");
    client.reply(&asked, &yes());
    client.answer_to(waiting);
    client.hear(|message| message["params"]["status"] == "completed");
    shown(client, &id, "completed");
    // One that fails with words, and one that fails.
    for tool in ["failing_job", "protocol_error_job"] {
        let id = begin_old(client, tool, &json!({}));
        client.ask("tasks/result", json!({"taskId": id}));
        shown(client, &id, "failed");
    }
    // One that is given up, and cannot be given up twice.
    let id = begin_old(
        client,
        "slow_compute",
        &json!({"seconds": 3600, "label": "x"}),
    );
    client.ask("tasks/cancel", json!({"taskId": id}));
    client.hear(|message| message["params"]["status"] == "cancelled");
    client.ask("tasks/cancel", json!({"taskId": id}));
    client.ask("tasks/result", json!({"taskId": id}));
    // What the tool does not allow, or insists on.
    let mut never = call("greet", &json!({"name": "Ada"}));
    never["task"] = json!({});
    client.ask("tools/call", never);
    client.ask("tools/call", call("failing_job", &json!({})));
    client.ask(
        "tasks/get",
        json!({"taskId": "0123456789abcdef0123456789abcdef"}),
    );
    client.ask("tasks/update", json!({"taskId": id, "inputResponses": {}}));
}

#[test]
fn the_tasks_of_2025_11_25_are_spoken_of_in_the_same_words_everywhere() {
    let said = said_everywhere(OLD, &json!({"elicitation": {}}), play_old);
    insta::assert_snapshot!(said);
}

// ── time ────────────────────────────────────────────────────────────────────────────────────────

/// Counts the handlers that are at work.
#[derive(Default)]
struct AtWork(AtomicUsize);

struct Present(Arc<AtWork>);

impl Present {
    fn at(work: &Arc<AtWork>) -> Self {
        work.0.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(work))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn endless(work: &Arc<AtWork>) -> Server {
    let (here, there) = (Arc::clone(work), Arc::clone(work));
    let waits = ToolEntry::new("waits")
        .task(TaskSupport::Required)
        .run(move |_, cx| {
            let _present = Present::at(&here);
            let _ = cx.wait(Duration::from_secs(600));
            "woken"
        });
    let pends = ToolEntry::new("pends")
        .task(TaskSupport::Required)
        .run_async(move |_, _| {
            let present = Present::at(&there);
            async move {
                let _present = present;
                std::future::pending::<&str>().await
            }
        });
    let server = Server::builder("endless", "1")
        .tasks(Tasks::new())
        .tool(waits)
        .tool(pends);
    server.build().expect("the tools are fine")
}

#[test]
fn a_handler_ends_with_its_task_s_time_though_nobody_asks_for_it() {
    for binding in Binding::ALL {
        let work = Arc::new(AtWork::default());
        let mut client = ByHand::on_pipe(binding, &endless(&work), OLD, &json!({}));
        for tool in ["waits", "pends"] {
            let mut params = call(tool, &json!({}));
            params["task"] = json!({"ttl": 1500});
            let created = client.ask("tools/call", params);
            assert!(created["result"]["task"]["taskId"].is_string(), "{created}");
        }
        let end = Instant::now() + Duration::from_secs(20);
        let mut most = 0;
        loop {
            let now = work.0.load(Ordering::SeqCst);
            most = most.max(now);
            if most > 0 && now == 0 {
                break;
            }
            assert!(Instant::now() < end, "{binding:?}: {now} are at work");
            thread::sleep(Duration::from_millis(5));
        }
        for _ in 0..2 {
            client.hear(|message| message["params"]["status"] == "failed");
        }
    }
}
