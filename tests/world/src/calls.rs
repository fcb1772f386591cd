//! What programs call, and how the calls are made.

use mcp_client_core::{
    CallError, CallOptions, Misuse, Pending, Session, Subscribed, Subscription, SubscriptionId,
};
use mcp_proto::{
    json::Json,
    request::{CallTool, Complete, GetPrompt, ListTools, ReadResource},
    rpc::CallId,
    time::Instant,
    types::{
        CallToolParams, CallToolResult, CompleteParams, CompleteResult, CompletionArgument,
        CompletionReference, EmptyResult, GetPromptParams, GetPromptResult, LoggingLevel,
        ReadResourceParams, ReadResourceResult, Tool,
    },
};

use crate::{asks, kept, scenario::Pick};

/// What a call asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Tool(&'static str),
    /// With progress reports and log entries, and little patience.
    Watched,
    Prompt,
    Resource,
    Complete,
    List,
    Ping,
    Level,
    Join(usize),
    /// Something that asks, in one of four ways, with its script.
    Ask(usize, u8),
    /// With a state that was given to somebody: whether it must be refused.
    Forged(bool),
    /// Of which there are versions that clients keep.
    Kept,
}

const CALLS: [What; 12] = [
    What::Tool("hold"),
    What::Watched,
    What::Tool(kept::COUNTER),
    What::Prompt,
    What::Resource,
    What::Complete,
    What::List,
    What::Ping,
    What::Level,
    What::Tool("extra"),
    What::Tool("missing"),
    What::Tool("hold"),
];

impl What {
    /// What a step calls.
    pub(crate) fn of(what: Pick) -> Self {
        match (what.0 % 16, what.0 / 16) {
            (kind @ 12.., script) => Self::Ask(usize::from(kind - 12), script),
            (_, 12..) => what.of(&[Self::Kept, Self::Kept, Self::List]),
            (kind, _) => CALLS[usize::from(kind)],
        }
    }
}

/// What can be subscribed to.
pub(crate) fn subscription(which: usize) -> Subscription {
    match which {
        0 => Subscription::lists(),
        1 => Subscription::uri("note:///watched").with_uri(kept::URI),
        2 => Subscription::lists().with_uri("note:///watched"),
        _ => {
            let mut tools = Subscription::default();
            tools.tools = true;
            tools
        }
    }
}

#[derive(Debug)]
pub(crate) enum Waiting {
    Tool(Pending<CallToolResult>),
    Prompt(Pending<GetPromptResult>),
    Resource(Pending<ReadResourceResult>),
    Complete(Pending<CompleteResult>),
    List(Pending<Vec<Tool>>),
    Nothing(Pending<EmptyResult>),
    Join(Pending<Subscribed>),
    Forged(Pending<Json>),
}

pub(crate) fn start(
    session: &mut Session,
    what: What,
    number: u32,
    options: &CallOptions,
    now: Instant,
) -> Result<Waiting, Misuse> {
    Ok(match what {
        What::Tool(name) => Waiting::Tool(call_tool(session, name, number, options, now)?),
        What::Watched => Waiting::Tool(call_tool(session, "hold", number, options, now)?),
        What::Prompt => {
            let mut params = GetPromptParams::new("hold");
            params.arguments = [("n".to_owned(), number.to_string())].into();
            Waiting::Prompt(session.call::<GetPrompt>(&params, options, now)?)
        }
        What::Resource => {
            let params = ReadResourceParams::new(format!("note:///{number}"));
            Waiting::Resource(session.call::<ReadResource>(&params, options, now)?)
        }
        What::Complete => {
            let argument = CompletionArgument::new("n", number.to_string());
            let params = CompleteParams::new(CompletionReference::prompt("hold"), argument);
            Waiting::Complete(session.call::<Complete>(&params, options, now)?)
        }
        What::Kept => {
            let params = ReadResourceParams::new(kept::URI);
            Waiting::Resource(session.call::<ReadResource>(&params, options, now)?)
        }
        What::List => Waiting::List(session.list_all::<ListTools>(options, now)?),
        What::Ping => Waiting::Nothing(session.ping(options, now)?),
        What::Level => {
            Waiting::Nothing(session.set_log_level(LoggingLevel::Warning, options, now)?)
        }
        What::Ask(kind, script) => ask(session, kind, script, number, options, now)?,
        What::Forged(_) => panic!("it has parameters of its own"),
        What::Join(which) => Waiting::Join(session.subscribe(subscription(which), options, now)?),
    })
}

fn ask(
    session: &mut Session,
    kind: usize,
    script: u8,
    number: u32,
    options: &CallOptions,
    now: Instant,
) -> Result<Waiting, Misuse> {
    let script = script % asks::SCRIPTS;
    Ok(match kind {
        2 => {
            let mut params = GetPromptParams::new("ask");
            let arguments = [("n", number.to_string()), ("s", script.to_string())];
            params.arguments = arguments.map(|(name, text)| (name.to_owned(), text)).into();
            Waiting::Prompt(session.call::<GetPrompt>(&params, options, now)?)
        }
        3 => {
            let params = ReadResourceParams::new(format!("ask:///{script}/{number}"));
            Waiting::Resource(session.call::<ReadResource>(&params, options, now)?)
        }
        kind => {
            let arguments = Json::parse(format!("{{\"n\":{number},\"s\":{script}}}"));
            let params = CallToolParams::new(["ask", "await"][kind % 2])
                .with_arguments(arguments.expect("it is JSON"));
            Waiting::Tool(session.call::<CallTool>(&params, options, now)?)
        }
    })
}

fn call_tool(
    session: &mut Session,
    name: &str,
    number: u32,
    options: &CallOptions,
    now: Instant,
) -> Result<Pending<CallToolResult>, Misuse> {
    let arguments = Json::parse(format!("{{\"n\":{number}}}")).expect("it is JSON");
    let params = CallToolParams::new(name).with_arguments(arguments);
    session.call::<CallTool>(&params, options, now)
}

impl Waiting {
    pub(crate) fn id(&self) -> CallId {
        match self {
            Self::Tool(pending) => pending.id(),
            Self::Prompt(pending) => pending.id(),
            Self::Resource(pending) => pending.id(),
            Self::Complete(pending) => pending.id(),
            Self::List(pending) => pending.id(),
            Self::Nothing(pending) => pending.id(),
            Self::Join(pending) => pending.id(),
            Self::Forged(pending) => pending.id(),
        }
    }

    /// The result: its text, where a handler gives one, and the subscription that was granted.
    pub(crate) fn take(
        self,
        session: &mut Session,
    ) -> (Result<Option<String>, CallError>, Option<SubscriptionId>) {
        let mut joined = None;
        let outcome = match self {
            Self::Tool(pending) => taken(session, pending).map(|result| {
                let text = result.content.first().and_then(|block| block.as_text());
                text.map(str::to_owned)
            }),
            Self::Prompt(pending) => taken(session, pending).map(|result| {
                let first = result.messages.first();
                let text = first.and_then(|one| one.content.as_text());
                result.description.or(text.map(str::to_owned))
            }),
            Self::Resource(pending) => taken(session, pending).map(|result| {
                let text = result.contents.first().and_then(|one| one.as_text());
                text.map(str::to_owned)
            }),
            Self::Complete(pending) => {
                taken(session, pending).map(|result| result.completion.values.into_iter().next())
            }
            Self::List(pending) => taken(session, pending).map(|tools| {
                assert!(
                    tools.iter().any(|tool| tool.name == "hold"),
                    "an empty list"
                );
                let counter = tools.into_iter().find(|tool| tool.name == kept::COUNTER);
                counter.and_then(|tool| tool.description)
            }),
            Self::Nothing(pending) => taken(session, pending).map(|_| None),
            Self::Forged(pending) => taken(session, pending).map(|_| None),
            Self::Join(pending) => taken(session, pending).map(|subscribed| {
                joined = Some(subscribed.id);
                None
            }),
        };
        (outcome, joined)
    }
}

fn taken<T>(session: &mut Session, pending: Pending<T>) -> Result<T, CallError> {
    session
        .take(pending)
        .unwrap_or_else(|pending| panic!("{pending:?} is said to be done"))
}
