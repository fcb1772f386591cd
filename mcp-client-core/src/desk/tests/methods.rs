//! The methods that are written once for all bindings: the ones that are awaited, and tasks.

use super::*;
use crate::{Started, TaskError, Tasks};
use mcp_proto::{
    json::Json,
    pump::Machine,
    request::SetLevel,
    types::{CompleteParams, CompletionArgument, SetLevelParams, TaskStatus},
};

/// Runs a future of this thread's to its end, woken by the loop's.
fn awaited<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (give, given) = mpsc::channel();
    block_on(AsyncTask(Box::pin(async move {
        // Nobody waits for it where the test has failed already.
        let _ = give.send(future.await);
    })));
    given.recv().expect("it has ended")
}

#[test]
fn every_call_can_be_awaited() {
    with_loop(crate::client!(), |caller| {
        let server = caller.ready().wait().unwrap();
        let client = later::Client {
            caller: caller.clone(),
            server,
        };
        let calls = async move {
            assert_eq!(client.list_resources().await?[0].uri, "a:b");
            let templates = client.list_resource_templates().await?;
            assert_eq!(templates[0].uri_template, "a:{x}");
            assert_eq!(client.list_prompts().await?[0].name, "p");
            let read = client.read_resource("a:b").await?;
            assert_eq!(read.contents[0].as_text(), Some("hi"));
            let prompt = client.get_prompt("p", json!({"n": 7})).await?;
            assert_eq!(prompt.messages[0].content.as_text(), Some("7"));
            let of = CompletionReference::prompt("p");
            assert_eq!(client.complete(of.clone(), "n", "v").await?.values, ["v"]);
            let whole = CompleteParams::new(of, CompletionArgument::new("n", "w"));
            assert_eq!(client.complete_with(whole).await?.values, ["w"]);
            let echoed = client.call_custom("x/echo", json!({"e": 1})).await?;
            assert_eq!(echoed.as_str(), r#"{"e":1}"#);
            let level = SetLevelParams::new(LoggingLevel::Info);
            client.call::<SetLevel>(level).await?;
            client.set_log_level(LoggingLevel::Info).await?;
            let subscribed = client.subscribe(Subscription::lists()).await?;
            client.unsubscribe(subscribed.id);
            client.set_roots([]);
            assert_eq!(client.server().version, client.protocol_version());
            assert_eq!(client.instructions(), Some("use it"));
            let failed = client.call_tool("add", 7).await.unwrap_err();
            let misuse = CallError::Misuse(Misuse::NotAnObject);
            assert_eq!(failed, Error::Call(misuse));
            Ok::<_, Error>(subscribed.granted.tools_list_changed)
        };
        assert_eq!(awaited(calls), Ok(true));
    });
}

/// A server of 2026-07-28 whose one tool becomes a task, which is done at the first look; another
/// one was cancelled, and a third was never there.
fn serve_tasks(message: &Value) -> Vec<Value> {
    let id = &message["params"]["taskId"];
    let task = |status: &str| {
        json!({
            "resultType": "complete", "taskId": id, "status": status,
            "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z",
            "ttlMs": 60000, "pollIntervalMs": 2000,
        })
    };
    let result = match message["method"].as_str().unwrap_or_default() {
        "server/discover" => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0,
            "cacheScope": "private",
            "capabilities": {"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}},
        }),
        "tools/call" => {
            let mut created = task("working");
            created["resultType"] = "task".into();
            created["taskId"] = "begun".into();
            created
        }
        "tasks/get" if id == "cancelled" => task("cancelled"),
        "tasks/get" if id != "unknown" => {
            let mut done = task("completed");
            done["result"] = json!({"content": [{"type": "text", "text": "done"}]});
            done
        }
        "tasks/cancel" => json!({"resultType": "complete"}),
        _ => {
            let error = json!({"code": -32602, "message": "no such task"});
            return vec![json!({"jsonrpc": "2.0", "id": message["id"], "error": error})];
        }
    };
    vec![json!({"jsonrpc": "2.0", "id": message["id"], "result": result})]
}

fn builder() -> ClientBuilder {
    crate::client!().tasks(Tasks::new())
}

#[test]
fn a_handle_leads_to_its_task() {
    with_loop_of(builder(), serve_tasks, |caller| {
        let client = blocking::Client {
            caller: caller.clone(),
            server: caller.ready().wait().unwrap(),
        };
        let Ok(Started::Task(begun)) = client.call_tool_as_task("t", ()) else {
            panic!("it becomes a task");
        };
        assert_eq!(begun.id(), "begun");
        let status = begun.created().map(|task| task.status);
        assert_eq!(status, Some(TaskStatus::Working));
        assert_eq!(format!("{begun:?}"), r#"TaskHandle { id: "begun", .. }"#);
        let same = begun.with(Options::default().timeout(Duration::from_secs(9)));
        assert_eq!((same.id(), same.created()), (begun.id(), begun.created()));
        begun.cancel().unwrap();

        let task = client.task("kept");
        assert!(task.created().is_none());
        assert_eq!(task.status().unwrap().status, TaskStatus::Completed);
        assert_eq!(task.wait().unwrap().status, TaskStatus::Completed);
        assert_eq!(task.result().unwrap().text(), "done");
        let mut updates = task.updates();
        let seen: Vec<_> = updates.by_ref().map(|task| task.status).collect();
        assert_eq!(seen, [TaskStatus::Completed]);
        assert_eq!(updates.result().unwrap().text(), "done");

        let failed = |id: &str| match client.task(id).result() {
            Err(Error::Call(CallError::Task(error))) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(failed("cancelled"), TaskError::Cancelled(None));
        assert!(matches!(failed("unknown"), TaskError::Unknown(error) if error.code == -32602));
        // 2025-11-25 alone has it.
        let listed = client.list_tasks().unwrap_err();
        let version = ProtocolVersion::LATEST;
        assert_eq!(listed, Error::Call(CallError::NotInRevision { version }));
    });
}

#[test]
fn a_task_can_be_awaited_change_by_change() {
    with_loop_of(builder(), serve_tasks, |caller| {
        let client = later::Client {
            caller: caller.clone(),
            server: caller.ready().wait().unwrap(),
        };
        let calls = async move {
            let Started::Task(begun) = client.call_tool_as_task("t", ()).await? else {
                panic!("it becomes a task");
            };
            begun.cancel().await?;
            let task = client.task("kept");
            assert_eq!(task.status().await?.status, TaskStatus::Completed);
            assert_eq!(task.wait().await?.status, TaskStatus::Completed);
            assert_eq!(task.result().await?.text(), "done");
            let mut updates = task.updates();
            let first = updates.next().await.map(|task| task.status);
            assert_eq!(first, Some(TaskStatus::Completed));
            assert!(updates.next().await.is_none());
            assert!(client.list_tasks().await.is_err());
            updates.result().await
        };
        assert_eq!(awaited(calls).unwrap().text(), "done");
    });
}

// ── Handlers and options ─────────────────────────────────────────────────────────────────────

#[test]
fn pages_and_samples_are_answered_at_once_or_later() {
    let page =
        || json!({"mode": "url", "message": "m", "url": "https://a.b/", "elicitationId": "e"});
    let sample = || json!({"messages": [], "maxTokens": 5});
    let at_once = crate::client!()
        .on_elicit_url(|page| match &*page.url {
            "https://a.b/" => ElicitResult::accept(Json::empty_object()),
            _ => ElicitResult::new(ElicitAction::Decline),
        })
        .on_sample(|_| Err::<CreateMessageResult, _>(Refusal::new("no model")));
    let later = crate::client!()
        .on_elicit_url_async(|page| async move {
            match &*page.url {
                "https://a.b/" => ElicitResult::accept(Json::empty_object()),
                _ => ElicitResult::new(ElicitAction::Decline),
            }
        })
        .on_sample_async(|_| async { Err::<CreateMessageResult, _>(Refusal::new("no model")) });
    for builder in [at_once, later] {
        let era = EraMode::Handshake(ProtocolVersion::V2025_11_25);
        let mut world = World::new(builder.era(era));
        world.turn(serve);
        let answer = world.asks("elicitation/create", &page());
        assert_eq!(answer["result"]["action"], "accept");
        let answer = world.asks("sampling/createMessage", &sample());
        assert_eq!(answer["error"]["message"], "no model");
    }
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let mut world = World::new(crate::client!().on_log(|_| panic!("as the test wants it")));
    world.turn(serve);
    world.says(&json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": 1}}));
    let reply = world.caller.submit(crate::command::ping());
    world.turn(serve);
    assert_eq!(reply.wait(), Ok(()));
}

#[test]
fn what_is_said_of_calls_and_of_the_client_is_kept() {
    let options = Options::default()
        .timeout(Duration::from_secs(1))
        .max(Duration::from_secs(2))
        .task_ttl(Duration::from_secs(3))
        .detached()
        .on_task(|_| {})
        .call(|call| call.fresh = true);
    let call = &options.call;
    assert_eq!(call.timeout, Some(Duration::from_secs(1)));
    assert_eq!(call.max, Some(Duration::from_secs(2)));
    assert_eq!(call.task_ttl, Some(Duration::from_secs(3)));
    assert!(call.detached && call.fresh && !call.progress);
    assert!(options.on_task.is_some());

    let mut limits = mcp_proto::limits::Limits::default();
    limits.pages = 3;
    let builder = crate::client!()
        .info(mcp_proto::types::Implementation::new("a", "2"))
        .title("A")
        .limits(limits)
        .options(options)
        .configure(|config| config.tag = 7);
    let config = builder.config();
    assert_eq!((&*config.info.name, &*config.info.version), ("a", "2"));
    assert_eq!(config.info.title.as_deref(), Some("A"));
    assert_eq!((config.limits.pages, config.tag), (3, 7));
    assert_eq!(builder.options.call.max, Some(Duration::from_secs(2)));
    // Only a server that has gone at the first message may be one that knows no other.
    assert!(builder.clone().fallback(&CallError::TimedOut).is_none());
    let older = builder.fallback(&CallError::Lost(Closed::Probe)).unwrap();
    let handshake = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
    assert_eq!(older.config().era, handshake);
}

// ── A desk that a task drives ────────────────────────────────────────────────────────────────

#[test]
fn a_desk_that_a_task_drives_is_woken_and_says_when_it_is_over() {
    let (mut desk, caller) = StreamDesk::new(builder(), Instant::ZERO);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&woken));
    let work = |desk: &mut StreamDesk, now| {
        desk.poll_work(&mut Context::from_waker(&waker), now, &mut Task::run)
    };
    assert!(work(&mut desk, Instant::ZERO).is_pending());
    let mut out = Vec::new();
    assert!(desk.poll_transmit(&mut out) && desk.wants_read());
    let discover: Value = serde_json::from_slice(&out).unwrap();
    for answer in serve_tasks(&discover) {
        desk.handle_bytes(format!("{answer}\n").as_bytes(), Instant::ZERO);
    }
    assert!(work(&mut desk, Instant::ZERO).is_pending());
    assert!(!desk.poll_transmit(&mut out));

    let ping = caller.submit(crate::command::ping());
    assert_eq!(woken.0.load(SeqCst), 1);
    assert!(work(&mut desk, Instant::ZERO).is_pending());
    assert!(desk.poll_transmit(&mut out));
    let due = desk.poll_timeout().expect("it waits for an answer");
    assert!(work(&mut desk, due).is_pending());
    assert_eq!(ping.wait(), Err(CallError::TimedOut));

    // The server takes nothing any more, so nothing is kept for it; its last words are still read.
    desk.hang_up(due);
    let last = caller.submit(crate::command::ping());
    assert!(work(&mut desk, due).is_pending());
    assert!(!desk.poll_transmit(&mut out));
    desk.handle_eof(due);
    assert!(work(&mut desk, due).is_ready());
    assert_eq!(last.wait(), Err(CallError::Lost(Closed::Eof)));
    assert_eq!(desk.patience(), Duration::from_secs(1));
}

#[test]
fn a_connection_does_not_outlast_its_server() {
    let (mut desk, caller) = StreamDesk::new(crate::client!(), Instant::ZERO);
    let ready = caller.ready();
    let driver = caller.clone();
    awaited(async move {
        let driving =
            core::future::poll_fn(|context| desk.poll_work(context, Instant::ZERO, &mut Task::run));
        driver.drive(driving, core::future::ready(())).await;
    });
    assert_eq!(ready.wait(), Err(CallError::Lost(Closed::Probe)));
    // One that has ended before is not asked about its server.
    let end = awaited(async move {
        let gone = core::future::pending::<()>();
        caller.drive(core::future::ready(7), gone).await
    });
    assert_eq!(end, 7);
}
