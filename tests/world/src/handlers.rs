//! What servers offer here, and handlers that are at work.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mcp_proto::{
    json::Json,
    limits::Limits,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{
        CacheHints, CallToolResult, Completion, GetPromptResult, Implementation, LoggingLevel,
        Prompt, PromptArgument, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
        Tool,
    },
};
use mcp_server_core::{
    BoxFuture, Call, CallContext, CancelToken, Component, ComponentKind, Conn, Cx, Delivery,
    Handler, Link, Note, Outcome, SealedStates, Service, Ticket, Work,
    http::{Exchange, HttpServer},
};

use crate::{
    asks::{self, Askers},
    kept,
    program::Said,
    scenario::Pick,
};

/// What a handler does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers in place.
    Quick,
    /// Waits for a step that ends it.
    Hold,
    /// Waits for a step that runs it: it asks, and is run again with the answers.
    Run(Handler),
    /// Shows the newest version of what clients keep, in place.
    Kept,
}

fn tool(name: &str) -> Tool {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
    Tool::new(name, Json::parse(schema).expect("it is JSON"))
}

fn asking_tool(name: &str) -> Tool {
    let schema =
        r#"{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"integer"}}}"#;
    Tool::new(name, Json::parse(schema).expect("it is JSON"))
}

/// The tool by which lists of tools are told from each other.
fn counter(version: u32) -> Tool {
    tool(kept::COUNTER).with_description(version.to_string())
}

/// The service that a world begins with.
pub(crate) fn service(
    limits: Limits,
    askers: Askers,
    sealed: bool,
    hints: CacheHints,
) -> Service<Act> {
    let prompt = Prompt::new("hold").with_argument(PromptArgument::new("n"));
    let asking = Prompt::new("ask")
        .with_argument(PromptArgument::new("n"))
        .with_argument(PromptArgument::new("s"));
    let mut builder = Service::builder(Implementation::new("server", "1"));
    if sealed {
        // Without it, what a call has to remember stays with its connection.
        builder = builder.state_keeper(Arc::new(SealedStates::new([7; 32], [9; 16])));
    }
    builder
        .limits(limits)
        .announce(ComponentKind::Tool)
        .announce(ComponentKind::Prompt)
        .announce(ComponentKind::Resource)
        .tool(tool("hold"), Act::Hold)
        .tool(counter(0), Act::Quick)
        .resource(Resource::new(kept::URI, "kept"), Act::Kept)
        .list_cache(hints)
        .prompt(prompt, Act::Hold)
        .template(ResourceTemplate::new("note:///{n}", "notes"), Act::Hold)
        .completion(Act::Hold)
        .tool(asking_tool("ask"), Act::Run(askers.tool))
        .tool(asking_tool("await"), Act::Run(askers.future))
        .prompt(asking, Act::Run(askers.prompt))
        .template(
            ResourceTemplate::new(asks::TEMPLATE, "asks"),
            Act::Run(askers.resource),
        )
        .build()
        .expect("a valid service")
}

/// Adds something to the service, or takes it away. `version` is that of the list of tools, where
/// this is what changes.
pub(crate) fn swapped(service: &Service<Act>, what: Pick, version: u32) -> Arc<Service<Act>> {
    let edited = service.edited(|edit| match what.0 % 3 {
        0 => {
            edit.remove(ComponentKind::Tool, kept::COUNTER);
            edit.add_tool(Component::new(counter(version), Act::Quick))?;
            match edit.remove(ComponentKind::Tool, "extra") {
                true => Ok(true),
                false => edit.add_tool(Component::new(tool("extra"), Act::Hold)),
            }
        }
        1 if edit.remove(ComponentKind::Prompt, "hold") => Ok(true),
        1 => {
            let prompt = Prompt::new("hold").with_argument(PromptArgument::new("n"));
            edit.add_prompt(Component::new(prompt, Act::Hold))
        }
        _ if edit.remove(ComponentKind::Template, "note:///{n}") => Ok(true),
        _ => {
            let notes = ResourceTemplate::new("note:///{n}", "notes");
            edit.add_template(Component::new(notes, Act::Hold))
        }
    });
    Arc::new(edited.expect("a valid service").0)
}

/// Where a call came in, and so where its outcome has to go.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// The stream of this client, of its connection with this tag.
    Stream(usize, u32),
    /// This client's HTTP exchange of this number.
    Exchange(usize, u64),
    /// An HTTP session.
    Session,
}

/// Any machine that wants outcomes.
pub(crate) trait Door {
    fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery;
    fn abandon(&mut self, call: CallId, now: Instant) -> Delivery;
    fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery;
}

macro_rules! door {
    ($($machine:ty),*) => {$(
        impl Door for $machine {
            fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
                self.finish(ticket, outcome, now)
            }

            fn abandon(&mut self, call: CallId, now: Instant) -> Delivery {
                self.abandon(call, now)
            }

            fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
                self.note(call, note, now)
            }
        }
    )*};
}

door!(Conn<Act>, Exchange<Act>, HttpServer<Act, (usize, u64)>);

/// A handler at work.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) home: Home,
    pub(crate) ticket: Ticket,
    pub(crate) id: CallId,
    pub(crate) number: u32,
    pub(crate) work: Work,
    pub(crate) cancel: CancelToken,
    /// The machine has said that nobody waits for it.
    pub(crate) cancelled: bool,
    pub(crate) act: Act,
    pub(crate) context: CallContext,
    done: f64,
}

impl Held {
    pub(crate) fn new(home: Home, call: Call<Act>) -> Self {
        Self {
            home,
            id: call.ticket.call(),
            ticket: call.ticket,
            number: match &call.handler {
                Act::Kept => 0,
                _ => number_of(&call.work),
            },
            work: call.work,
            cancel: call.context.cancel.clone(),
            cancelled: false,
            act: call.handler,
            context: call.context,
            done: 0.0,
        }
    }

    /// What it tells next. Some of it must not be sent on.
    pub(crate) fn note(&mut self, what: Pick) -> Note {
        match what.0 % 4 {
            0 => Note::Log {
                level: LoggingLevel::Error,
                logger: None,
                data: Json::parse("{\n\"a\": [1]}").expect("it is JSON"),
            },
            1 => Note::Progress {
                done: self.done - 1.0,
                total: Some(f64::INFINITY),
                message: None,
            },
            _ => {
                self.done += 0.5;
                Note::Progress {
                    done: self.done,
                    total: Some(100.0),
                    message: Some("line\nbreak".into()),
                }
            }
        }
    }
}

/// The number that every call carries.
pub(crate) fn number_of(work: &Work) -> u32 {
    #[derive(serde::Deserialize)]
    struct Arguments {
        n: serde_json::Value,
    }
    let text = match work {
        Work::Tool { arguments, .. } | Work::Prompt { arguments, .. } => {
            let arguments = arguments.as_ref().expect("every call has arguments");
            let n = arguments.to::<Arguments>().expect("they are ours").n;
            n.as_str().map_or_else(|| n.to_string(), str::to_owned)
        }
        Work::Resource { variables, .. } => variables
            .get("n")
            .expect("the template has it")
            .into_owned(),
        Work::Complete(params) => params.argument.value.clone(),
        other => panic!("nobody asks for {other:?}"),
    };
    text.parse().expect("calls are numbered")
}

/// Where the reports of handlers that ask go: they make none.
#[derive(Debug)]
struct Nowhere;

impl Link for Nowhere {
    fn note(&self, _: CallId, _: Note) {}
}

/// Runs a handler that asks, to the end of the run, and tells what its caller may be told of it.
pub(crate) fn run(handler: &Handler, work: Work, context: CallContext) -> (Outcome, Option<Said>) {
    let cx = Cx::new(context, Arc::new(Nowhere));
    let outcome = match handler {
        Handler::Sync(run) | Handler::Quick(run) => run(work, cx),
        Handler::Async(run) => ready(run(work, cx)),
        other => panic!("{other:?}"),
    };
    let said = match &outcome {
        Outcome::NeedInput(_) => return (outcome, None),
        Outcome::Fail(error) => Said::Code(error.code),
        Outcome::Tool(result) => {
            let text = result.content.first().and_then(|block| block.as_text());
            Said::Text(text.unwrap_or_default().to_owned())
        }
        Outcome::Prompt(result) => {
            let text = result
                .messages
                .first()
                .and_then(|one| one.content.as_text());
            Said::Text(text.unwrap_or_default().to_owned())
        }
        Outcome::Resource(result) => {
            let text = result.contents.first().and_then(|one| one.as_text());
            Said::Text(text.unwrap_or_default().to_owned())
        }
        other => panic!("no handler of ours gives {other:?}"),
    };
    (outcome, Some(said))
}

/// What a future gives that waits for nothing but answers, and so ends when there is none.
fn ready(mut future: BoxFuture<Outcome>) -> Outcome {
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("S8: a question has not ended the run"),
    }
}

/// A text that belongs to this call alone.
fn text_of(number: u32, how: Pick) -> String {
    match how.0 % 8 {
        1 | 3 | 7 => format!("{number} {}", "long ".repeat(600)),
        _ => format!("{number} \u{2028}\n\"\\"),
    }
}

/// How a handler ends, and what its caller may be told of it.
pub(crate) fn outcome(work: &Work, number: u32, how: Pick) -> (Outcome, Option<Said>) {
    let text = text_of(number, how);
    if how.0 % 8 == 5 {
        let error = RpcError::new(7, text);
        return (Outcome::Fail(error), Some(Said::Code(7)));
    }
    if how.0 % 8 == 6 {
        let error = RpcError::internal("");
        // No call of ours gives this.
        let wrong = match work {
            Work::Tool { .. } => Outcome::Prompt(GetPromptResult::default()),
            _ => Outcome::Tool(CallToolResult::default()),
        };
        return (wrong, Some(Said::Code(error.code)));
    }
    let said = Some(Said::Text(text.clone()));
    let outcome = match work {
        Work::Tool { .. } if how.0 % 8 == 4 => Outcome::Tool(CallToolResult::error(text)),
        Work::Tool { .. } => Outcome::Tool(CallToolResult::text(text)),
        Work::Prompt { .. } => {
            let mut result = GetPromptResult::default();
            result.description = Some(text);
            Outcome::Prompt(result)
        }
        Work::Resource { uri, .. } => {
            let contents = ResourceContents::text(uri.as_str(), text);
            Outcome::Resource(ReadResourceResult::new(vec![contents]))
        }
        _ => Outcome::Complete(Completion::new(vec![text])),
    };
    (outcome, said)
}
