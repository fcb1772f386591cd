//! Callers, handlers and the methods of the bindings, against a server that is a function.

mod methods;

use super::*;
use crate::{EraMode, Misuse, OutputError, Subscribed, error::CallError};
use alloc::{
    format,
    string::{String, ToString},
    vec,
};
use core::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::Waker,
    time::Duration,
};
use mcp_proto::{
    request::Ping,
    types::{
        CompletionReference, CreateMessageResult, ElicitAction, ElicitResult, LoggingLevel,
        SamplingContent,
    },
    version::ProtocolVersion,
};
use serde_json::{Value, json};
use std::{sync::mpsc, thread};

/// A desk whose server is [`serve`], or whatever the test writes itself.
struct World {
    desk: Desk,
    caller: Caller,
    wakes: Arc<AtomicUsize>,
    now: Instant,
    sent: Vec<Value>,
}

impl World {
    fn new(builder: ClientBuilder) -> Self {
        let wakes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&wakes);
        let wake = move || {
            count.fetch_add(1, SeqCst);
        };
        let (desk, caller) = Desk::new(builder, wake, Instant::ZERO);
        Self {
            desk,
            caller,
            wakes,
            now: Instant::ZERO,
            sent: Vec::new(),
        }
    }

    /// One that has agreed on 2025-06-18.
    fn ready(builder: ClientBuilder) -> Self {
        let mut world = Self::new(builder.era(EraMode::Handshake(ProtocolVersion::V2025_06_18)));
        world.turn(serve);
        world.sent.clear();
        world
    }

    /// Goes on until nothing happens any more. Tasks are run in place.
    fn turn(&mut self, mut server: impl FnMut(&Value) -> Vec<Value>) {
        loop {
            while let Some(task) = self.desk.poll_task(self.now) {
                task.run();
            }
            let mut out = Vec::new();
            if !self.desk.poll_transmit(&mut out) {
                return;
            }
            let message: Value = serde_json::from_slice(&out).unwrap();
            for answer in server(&message) {
                self.says(&answer);
            }
            self.sent.push(message);
        }
    }

    fn says(&mut self, message: &Value) {
        self.desk
            .handle_bytes(format!("{message}\n").as_bytes(), self.now);
    }

    /// The server asks; what it is answered.
    fn asks(&mut self, method: &str, params: &Value) -> Value {
        self.says(&json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params}));
        self.turn(|_| Vec::new());
        self.sent.pop().expect("an answer")
    }
}

/// A server with two tools, one of each else.
fn serve(message: &Value) -> Vec<Value> {
    let params = &message["params"];
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": true}, "logging": {}},
            "serverInfo": {"name": "s", "version": "1"},
            "instructions": "use it",
        }),
        "ping" | "logging/setLevel" | "resources/subscribe" => json!({}),
        "tools/list" => json!({"tools": [{"name": "add", "inputSchema": {"type": "object"}}]}),
        "resources/list" => json!({"resources": [{"uri": "a:b", "name": "r"}]}),
        "resources/templates/list" => {
            json!({"resourceTemplates": [{"uriTemplate": "a:{x}", "name": "t"}]})
        }
        "prompts/list" => json!({"prompts": [{"name": "p"}]}),
        "tools/call" if params["name"] == "add" => {
            let sum = params["arguments"]["a"].as_f64().unwrap()
                + params["arguments"]["b"].as_f64().unwrap();
            json!({"content": [], "structuredContent": {"result": sum}})
        }
        "tools/call" => {
            json!({"content": [{"type": "text", "text": "no such luck"}], "isError": true})
        }
        "resources/read" => json!({"contents": [{"uri": params["uri"], "text": "hi"}]}),
        "prompts/get" => {
            json!({"messages": [{"role": "user", "content": {"type": "text", "text": params["arguments"]["n"]}}]})
        }
        "completion/complete" => json!({"completion": {"values": [params["argument"]["value"]]}}),
        "x/echo" => params.clone(),
        _ if message.get("id").is_none() => return Vec::new(),
        _ => {
            let error = json!({"code": -32601, "message": "method not found"});
            return vec![json!({"jsonrpc": "2.0", "id": message["id"], "error": error})];
        }
    };
    vec![json!({"jsonrpc": "2.0", "id": message["id"], "result": result})]
}

// ── The methods of the bindings ──────────────────────────────────────────────────────────────

#[derive(Debug, PartialEq)]
enum Error {
    Call(CallError),
    Output(OutputError),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}

#[allow(dead_code, unreachable_pub)]
mod blocking {
    use super::*;

    #[derive(Clone)]
    pub(super) struct Client {
        pub(super) caller: Caller,
        pub(super) server: Arc<ServerDetails>,
    }

    impl Client {
        crate::client_methods!(blocking, Error, TaskHandle);
    }

    crate::task_handle!(blocking, Error, Client, [], []);
}

#[allow(dead_code, unreachable_pub)]
mod later {
    use super::*;

    #[derive(Clone)]
    pub(super) struct Client {
        pub(super) caller: Caller,
        pub(super) server: Arc<ServerDetails>,
    }

    impl Client {
        crate::client_methods!(async, Error, TaskHandle);
    }

    crate::task_handle!(async, Error, Client, [], []);
}

struct Closing<'a>(&'a Caller);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Drives a desk on a thread of its own while `user` calls from this one.
fn with_loop(builder: ClientBuilder, user: impl FnOnce(&Caller)) {
    with_loop_of(builder, serve, user);
}

/// The same with another server.
fn with_loop_of(
    builder: ClientBuilder,
    server: fn(&Value) -> Vec<Value>,
    user: impl FnOnce(&Caller),
) {
    let (wake, woken) = mpsc::channel();
    let (desk, caller) = Desk::new(
        builder,
        move || wake.send(()).unwrap_or_default(),
        Instant::ZERO,
    );
    let count = Arc::new(AtomicUsize::new(0));
    let mut world = World {
        desk,
        caller: caller.clone(),
        wakes: count,
        now: Instant::ZERO,
        sent: Vec::new(),
    };
    thread::scope(|scope| {
        scope.spawn(move || {
            while !world.desk.is_closed() {
                world.turn(server);
                let _ = woken.recv_timeout(Duration::from_millis(100));
            }
        });
        // Also where `user` panics, or the scope would wait for ever.
        let _closing = Closing(&caller);
        user(&caller);
    });
}

#[test]
fn blocking_calls_give_what_the_server_gives() {
    with_loop(crate::client!(), |caller| {
        let server = caller.ready().wait().unwrap();
        let client = blocking::Client {
            caller: caller.clone(),
            server,
        };
        let sum = || -> Result<f64, Error> {
            Ok(client
                .call_tool("add", json!({"a": 1, "b": 2}))?
                .structured()?)
        };
        assert_eq!(sum(), Ok(3.0));
        let failed = client.call_tool("fail", ()).unwrap();
        assert_eq!(failed.into_result().unwrap_err().text(), "no such luck");
        assert_eq!(client.list_tools().unwrap()[0].name, "add");
        assert_eq!(client.list_resources().unwrap()[0].uri, "a:b");
        assert_eq!(
            client.list_resource_templates().unwrap()[0].uri_template,
            "a:{x}"
        );
        assert_eq!(client.list_prompts().unwrap()[0].name, "p");
        assert_eq!(
            client.read_resource("a:b").unwrap().contents[0].as_text(),
            Some("hi")
        );
        let prompt = client.get_prompt("p", json!({"n": 7})).unwrap();
        assert_eq!(prompt.messages[0].content.as_text(), Some("7"));
        assert_eq!(
            client
                .complete(CompletionReference::prompt("p"), "n", "v")
                .unwrap()
                .values,
            ["v"]
        );
        assert_eq!(
            client
                .call_custom("x/echo", json!({"e": 1}))
                .unwrap()
                .as_str(),
            r#"{"e":1}"#
        );
        assert_eq!(
            client.call_tool("add", 7),
            Err(Error::Call(CallError::Misuse(Misuse::NotAnObject)))
        );
        client.ping().unwrap();
        client.call::<Ping>(Default::default()).unwrap();
        client.set_log_level(LoggingLevel::Info).unwrap();
        let Subscribed { id, granted, .. } = client.subscribe(Subscription::lists()).unwrap();
        assert!(granted.tools_list_changed && !granted.prompts_list_changed);
        client.unsubscribe(id);
        assert_eq!(client.server_info().unwrap().name, "s");
        assert_eq!(
            (client.instructions(), client.protocol_version()),
            (Some("use it"), ProtocolVersion::V2025_11_25)
        );
        assert!(client.capabilities().tools.is_some() && client.server().info.is_some());
        let hasty = client.with(Options::default().timeout(Duration::ZERO));
        drop(hasty);
    });
}

#[test]
fn the_same_calls_can_be_awaited() {
    with_loop(crate::client!(), |caller| {
        let server = caller.ready().wait().unwrap();
        let client = later::Client {
            caller: caller.clone(),
            server,
        };
        let other = client.clone();
        let task = async move {
            let sum: f64 = other
                .call_tool("add", json!({"a": 1, "b": 2}))
                .await?
                .structured()?;
            assert_eq!(sum, 3.0);
            assert_eq!(other.list_tools().await?.len(), 1);
            other.ping().await
        };
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        block_on(AsyncTask(Box::pin(async move {
            task.await.unwrap();
            count.fetch_add(1, SeqCst);
        })));
        assert_eq!(done.load(SeqCst), 1);
        assert_eq!(client.protocol_version(), ProtocolVersion::V2025_11_25);
    });
}

// ── Callers ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_queued_call_wakes_the_loop_and_a_reply_its_caller() {
    let mut world = World::ready(crate::client!());
    let before = world.wakes.load(SeqCst);
    let mut reply = world.caller.submit(crate::command::ping());
    assert_eq!(world.wakes.load(SeqCst), before + 1);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut reply).poll(&mut cx).is_pending());
    assert!(Pin::new(&mut reply).poll(&mut cx).is_pending());
    world.turn(serve);
    assert_eq!(woken.0.load(SeqCst), 1);
    assert_eq!(Pin::new(&mut reply).poll(&mut cx), Poll::Ready(Ok(())));
}

#[derive(Default)]
struct Count(AtomicUsize);

impl alloc::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_dropped_reply_cancels_its_call() {
    let mut world = World::ready(crate::client!());
    let reply = world.caller.submit(crate::command::ping());
    world.turn(|_| Vec::new());
    drop(reply);
    // Dropped before the loop came to it: never sent at all.
    drop(world.caller.submit(crate::command::ping()));
    world.turn(|_| Vec::new());
    let methods: Vec<_> = world
        .sent
        .iter()
        .map(|message| message["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["ping", "notifications/cancelled"]);
    assert_eq!(world.sent[1]["params"]["requestId"], world.sent[0]["id"]);
    assert!(world.desk.waiting.len() == 0);
    // One that has its answer already leaves nothing behind either.
    let reply = world.caller.submit(crate::command::ping());
    world.turn(serve);
    drop(reply);
    world.turn(serve);
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn every_reply_ends_with_the_connection() {
    let mut world = World::ready(crate::client!());
    let sent = world.caller.submit(crate::command::ping());
    world.turn(|_| Vec::new());
    let queued = world.caller.submit(crate::command::ping());
    world.desk.handle_eof(world.now);
    world.turn(serve);
    assert_eq!(sent.wait(), Err(CallError::Lost(Closed::Eof)));
    assert_eq!(queued.wait(), Err(CallError::Lost(Closed::Eof)));
    let late = world.caller.submit(crate::command::ping());
    world.turn(serve);
    assert_eq!(late.wait(), Err(CallError::Lost(Closed::Eof)));
    let orphan = world.caller.submit(crate::command::ping());
    let caller = world.caller.clone();
    drop(world);
    assert_eq!(orphan.wait(), Err(CallError::Lost(Closed::Eof)));
    assert_eq!(
        caller.submit(crate::command::ping()).wait(),
        Err(CallError::Lost(Closed::Eof))
    );
}

#[test]
fn a_failed_negotiation_is_told_to_those_who_come_late() {
    let mut world = World::new(crate::client!().era(EraMode::Stateless));
    let early = world.caller.ready();
    world.turn(|message| vec![json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "?"}})]);
    let late = world.caller.submit(crate::command::ping());
    world.turn(serve);
    let expected = CallError::Negotiation(crate::NegotiationError::NotStateless);
    assert_eq!(early.wait(), Err(expected.clone()));
    assert_eq!(late.wait(), Err(expected));
}

#[test]
fn progress_comes_to_the_call_that_asked_for_it() {
    let mut world = World::ready(crate::client!());
    let (tell, told) = mpsc::channel();
    let options = Options::default().on_progress(move |progress| tell.send(progress.done).unwrap());
    let reply = world.caller.with(options).submit(crate::command::ping());
    world.turn(|_| Vec::new());
    let token = world.sent[0]["params"]["_meta"]["progressToken"].clone();
    world.says(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 2.5}}));
    world.turn(serve);
    assert_eq!(told.try_recv(), Ok(2.5));
    drop(reply);
}

// ── Handlers ─────────────────────────────────────────────────────────────────────────────────

fn form() -> Value {
    json!({"message": "m", "requestedSchema": {"type": "object", "properties": {"n": {"type": "string", "minLength": 2}}, "required": ["n"]}})
}

#[test]
fn what_is_declared_follows_from_the_handlers() {
    let builder = ClientBuilder::named_after("/usr/bin/tool.exe");
    assert_eq!(builder.config.info.name, "tool");
    assert_eq!(
        ClientBuilder::named_after("C:\\x\\").config.info.name,
        "client"
    );
    let builder = crate::client!()
        .on_elicit(|_| ElicitResult::new(ElicitAction::Cancel))
        .on_elicit_url_async(|_| async { ElicitResult::new(ElicitAction::Cancel) })
        .on_sample(|_| CreateMessageResult::new("m", SamplingContent::text("")))
        .sampling_with_tools()
        .roots([]);
    let declared = serde_json::to_value(&builder.config.capabilities).unwrap();
    assert_eq!(
        declared,
        json!({"roots": {}, "sampling": {"tools": {}}, "elicitation": {"form": {}, "url": {}}})
    );
    assert_eq!(builder.config.info.name, "mcp-client-core");
}

#[test]
fn handlers_answer_at_once_or_later_or_not_at_all() {
    let answer = |text: &str| -> Result<ElicitResult, Refusal> {
        match text {
            "fits" => Ok(ElicitResult::accept(mcp_proto::json::Json::new(
                &json!({"n": "Ada"}),
            )?)),
            "short" => Ok(ElicitResult::accept(mcp_proto::json::Json::new(
                &json!({"n": "A"}),
            )?)),
            "decline" => Ok(ElicitResult::new(ElicitAction::Decline)),
            "code" => Err(RpcError::new(-1, "rejected"))?,
            _ => Err(Refusal::new("out of order")),
        }
    };
    let sync = crate::client!().on_elicit(move |form| answer(&form.message));
    let later = crate::client!().on_elicit_async(move |form| async move { answer(&form.message) });
    for builder in [sync, later] {
        let mut world = World::ready(builder);
        let table = [
            (
                "fits",
                json!({"result": {"action": "accept", "content": {"n": "Ada"}}}),
            ),
            ("decline", json!({"result": {"action": "decline"}})),
            (
                "code",
                json!({"error": {"code": -1, "message": "rejected"}}),
            ),
            (
                "other",
                json!({"error": {"code": -32603, "message": "out of order"}}),
            ),
            (
                "short",
                json!({"error": {"code": -32603, "message": "the answer does not fit the form: n: it must have at least 2 characters"}}),
            ),
        ];
        for (message, mut expected) in table {
            let mut form = form();
            form["message"] = message.into();
            expected["jsonrpc"] = "2.0".into();
            expected["id"] = "q".into();
            assert_eq!(world.asks("elicitation/create", &form), expected);
        }
    }
}

#[test]
fn a_task_that_is_never_run_says_so() {
    let mut world =
        World::ready(crate::client!().on_elicit_async(|_| core::future::pending::<ElicitResult>()));
    world.says(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": form()}),
    );
    let task = world.desk.poll_task(world.now).expect("a task");
    let Task::Async(mut task) = task else {
        panic!("a future")
    };
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(task);
    world.turn(serve);
    assert_eq!(
        world.sent[0]["error"]["message"],
        "the question was not answered"
    );
}

#[test]
fn roots_are_answered_and_their_change_announced() {
    let mut world = World::ready(crate::client!().roots([Root::new("file:///a")]));
    assert_eq!(
        world.asks("roots/list", &json!({}))["result"],
        json!({"roots": [{"uri": "file:///a"}]})
    );
    world
        .caller
        .set_roots([Root::new("file:///b"), Root::new("file:///c")]);
    world.turn(serve);
    assert_eq!(
        world.sent.pop().unwrap()["method"],
        "notifications/roots/list_changed"
    );
    assert_eq!(
        world.asks("roots/list", &json!({}))["result"]["roots"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let mut world = World::ready(crate::client!());
    world.caller.set_roots([Root::new("file:///b")]);
    world.turn(serve);
    assert!(world.sent.is_empty());
}

#[test]
fn sampling_is_answered_by_the_programs_model() {
    let sample = |params: mcp_proto::types::CreateMessageParams| {
        CreateMessageResult::new("m", SamplingContent::text(params.max_tokens.to_string()))
    };
    let mut world = World::ready(crate::client!().on_sample(sample));
    let answer = world.asks(
        "sampling/createMessage",
        &json!({"messages": [], "maxTokens": 5}),
    );
    assert_eq!(
        answer["result"]["content"],
        json!({"type": "text", "text": "5"})
    );
    // Not declared, so not found.
    assert_eq!(
        world.asks("elicitation/create", &form())["error"]["code"],
        -32601
    );
}

#[test]
fn listeners_are_told_what_they_want_to_know() {
    let (tell, told) = mpsc::channel();
    let tell_change = tell.clone();
    let builder = crate::client!()
        .on_log(move |entry| tell.send(format!("{}", entry.level)).unwrap())
        .log_level(LoggingLevel::Warning)
        .on_change(move |change| tell_change.send(format!("{change:?}")).unwrap());
    let mut world = World::new(builder);
    world.turn(serve);
    let level = world
        .sent
        .iter()
        .find(|message| message["method"] == "logging/setLevel")
        .expect("sent");
    assert_eq!(level["params"], json!({"level": "warning"}));
    for (method, params) in [
        ("message", json!({"level": "error", "data": 1})),
        ("tools/list_changed", json!({})),
        ("prompts/list_changed", json!({})),
        ("resources/updated", json!({"uri": "a:b"})),
    ] {
        world.says(&json!({"jsonrpc": "2.0", "method": format!("notifications/{method}"), "params": params}));
    }
    world.turn(serve);
    assert_eq!(
        told.try_iter().collect::<Vec<String>>(),
        ["error", "Tools", "Prompts"]
    );
    // What the desk asked for itself leaves nothing behind.
    assert!(world.desk.waiting.len() == 0);
    assert_eq!(world.desk.poll_timeout(), None);
}
