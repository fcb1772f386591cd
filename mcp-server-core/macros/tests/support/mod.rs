//! Runs handlers without a connection.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mcp_server_core::{
    CompletionTarget, Cx, Handler, Outcome, ServerBuilder, Service, Work,
    mcp_proto::{
        encode::Encode,
        json::Json,
        types::{CallToolResult, CompleteParams, CompletionArgument, CompletionReference},
        version::ProtocolVersion,
    },
};
use serde_json::Value;

pub(crate) struct Tester(pub(crate) Service<Handler>);

impl Tester {
    pub(crate) fn new(add: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self(
            add(ServerBuilder::new("test", "1.0.0"))
                .build_service()
                .unwrap(),
        )
    }

    /// Calls a tool and gives back its result.
    pub(crate) fn call(&self, tool: &str, arguments: &str) -> CallToolResult {
        let entry = self.0.tool(tool).expect("the tool is registered");
        let arguments = Some(Json::parse(arguments).unwrap());
        match run(
            entry.handler(),
            Work::Tool {
                name: Arc::from(tool),
                arguments,
            },
        ) {
            Outcome::Tool(result) => result,
            other => panic!("{other:?}"),
        }
    }

    /// The text of a tool's successful result, or of its error.
    pub(crate) fn text(&self, tool: &str, arguments: &str) -> Result<String, String> {
        let result = self.call(tool, arguments);
        let structured = result
            .structured_content
            .as_ref()
            .map(|json| json.as_str().to_owned());
        let mut texts = result.content.iter().filter_map(|block| block.as_text());
        let text = texts
            .next()
            .map(str::to_owned)
            .or(structured)
            .unwrap_or_default();
        if result.failed() { Err(text) } else { Ok(text) }
    }

    /// The text of a prompt's first message, or the error's message.
    pub(crate) fn prompt(&self, prompt: &str, arguments: &str) -> Result<String, String> {
        let entry = self.0.prompt(prompt).expect("the prompt is registered");
        let arguments = Some(Json::parse(arguments).unwrap());
        match run(
            entry.handler(),
            Work::Prompt {
                name: Arc::from(prompt),
                arguments,
            },
        ) {
            Outcome::Prompt(result) => Ok(result.messages[0].content.as_text().unwrap().to_owned()),
            Outcome::Fail(error) => Err(error.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The first contents of a resource as JSON, or the error's message.
    pub(crate) fn read(&self, uri: &str) -> Result<Value, String> {
        let Some(found) = self.0.resource(uri) else {
            return Err("not found".into());
        };
        let work = Work::Resource {
            uri: uri.into(),
            variables: found.variables,
        };
        match run(found.handler, work) {
            Outcome::Resource(result) => Ok(encoded(&result)["contents"][0].clone()),
            Outcome::Fail(error) => Err(error.to_string()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn complete(
        &self,
        reference: CompletionReference,
        argument: &str,
        typed: &str,
    ) -> Vec<String> {
        let CompletionTarget::Handler(handler) = self.0.completion(&reference) else {
            panic!("nothing completes")
        };
        let params = CompleteParams::new(reference, CompletionArgument::new(argument, typed));
        match run(handler, Work::Complete(Box::new(params))) {
            Outcome::Complete(completion) => completion.values,
            other => panic!("{other:?}"),
        }
    }

    /// A tool's definition as the newest revision writes it.
    pub(crate) fn tool(&self, name: &str) -> Value {
        encoded(
            self.0
                .tool(name)
                .expect("the tool is registered")
                .definition(),
        )
    }
}

pub(crate) fn encoded(value: &impl Encode) -> Value {
    let mut out = Vec::new();
    value.encode(&mut out, ProtocolVersion::LATEST);
    serde_json::from_slice(&out).unwrap()
}

pub(crate) fn run(handler: &Handler, work: Work) -> Outcome {
    match handler {
        Handler::Sync(run) | Handler::Quick(run) => run(work, Cx::detached()),
        Handler::Async(run) => block_on(run(work, Cx::detached())),
        _ => panic!("another kind of handler"),
    }
}

/// For futures that are ready, or wake themselves up.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return value;
        }
    }
}

/// Pending once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// A value in an order that does not depend on the features that serde_json was built with.
pub(crate) fn pretty(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Object(members) => {
                let members: BTreeMap<_, _> = members
                    .iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect();
                Value::Object(members.into_iter().collect())
            }
            other => other.clone(),
        }
    }
    serde_json::to_string_pretty(&sorted(value)).unwrap()
}
