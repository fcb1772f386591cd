//! Calls as values that can be handed to whoever drives the machine, and the high-level ones.

use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};

use mcp_proto::{
    json::Json,
    request::{CallTool, Complete, GetPrompt, Paged, ReadResource, Request},
    time::Instant,
    types::{
        CallToolParams, CallToolResult, CompleteParams, Completion, CompletionArgument,
        CompletionReference, GetPromptParams, GetPromptResult, LoggingLevel, Map,
        ReadResourceParams, ReadResourceResult,
    },
};
use serde::Serialize;

use crate::{
    error::Misuse,
    options::CallOptions,
    output::ToolOutput,
    session::{Pending, Reply, Session, Subscribed, Subscription, typed},
};

/// A call that has yet to be made: by whoever has the [`Session`], when it is its turn.
///
/// Implemented for closures; the functions of this module make those that everyone needs.
pub trait Command: Send + 'static {
    /// What the call gives.
    type Output: Send + 'static;

    /// Makes the call.
    ///
    /// # Errors
    /// As the session's methods.
    fn start(
        self,
        session: &mut Session,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<Self::Output>, Misuse>;
}

impl<F, T> Command for F
where
    F: FnOnce(&mut Session, &CallOptions, Instant) -> Result<Pending<T>, Misuse> + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn start(
        self,
        session: &mut Session,
        options: &CallOptions,
        now: Instant,
    ) -> Result<Pending<T>, Misuse> {
        self(session, options, now)
    }
}

/// Any request; see [`Session::call`].
pub fn call<M: Request>(params: M::Params) -> impl Command<Output = M::Result>
where
    M::Result: Send + 'static,
{
    move |session: &mut Session, options: &CallOptions, now| {
        session.call::<M>(&params, options, now)
    }
}

/// A request by its method's name; see [`Session::call_custom`].
pub fn call_custom(
    method: impl Into<Cow<'static, str>>,
    params: &impl Serialize,
) -> impl Command<Output = Json> {
    let (method, params) = (method.into(), object(params));
    move |session: &mut Session, options: &CallOptions, now| {
        let params = params?.unwrap_or_else(Json::empty_object);
        session.call_custom(method, &params, options, now)
    }
}

/// Everything on a list, however many pages it has; see [`Session::list_all`].
pub fn list_all<M: Paged>() -> impl Command<Output = Vec<M::Item>>
where
    M::Item: Send + 'static,
{
    |session: &mut Session, options: &CallOptions, now| session.list_all::<M>(options, now)
}

/// `tools/call`; the arguments serialize to an object, or to `null` for none.
pub fn call_tool(
    name: impl Into<String>,
    arguments: &impl Serialize,
) -> impl Command<Output = ToolOutput> {
    let mut params = CallToolParams::new(name);
    let arguments = object(arguments);
    move |session: &mut Session, options: &CallOptions, now| {
        params.arguments = arguments?;
        let pending = session.call::<CallTool>(&params, options, now)?;
        Ok(Pending::new(pending.id(), tool_output))
    }
}

// What most calls end with.
fn tool_output(reply: &mut Reply) -> Result<ToolOutput, serde_json::Error> {
    match reply {
        Reply::Text(json) => CallToolResult::read(json.as_raw()).map(ToolOutput::from),
        reply => typed::<CallToolResult>(reply).map(ToolOutput::from),
    }
}

/// `resources/read`.
pub fn read_resource(uri: impl Into<String>) -> impl Command<Output = ReadResourceResult> {
    call::<ReadResource>(ReadResourceParams::new(uri))
}

/// `prompts/get`; the arguments serialize to an object, or to `null` for none. Prompts take texts:
/// other values are sent as their JSON text.
pub fn get_prompt(
    name: impl Into<String>,
    arguments: &impl Serialize,
) -> impl Command<Output = GetPromptResult> {
    let mut params = GetPromptParams::new(name);
    let arguments = texts(arguments);
    move |session: &mut Session, options: &CallOptions, now| {
        params.arguments = arguments?;
        session.call::<GetPrompt>(&params, options, now)
    }
}

/// `completion/complete` for the argument of that name, of which `value` has been typed.
pub fn complete(
    reference: CompletionReference,
    argument: impl Into<String>,
    value: impl Into<String>,
) -> impl Command<Output = Completion> {
    complete_with(CompleteParams::new(
        reference,
        CompletionArgument::new(argument, value),
    ))
}

/// `completion/complete`, with the other arguments as context.
pub fn complete_with(params: CompleteParams) -> impl Command<Output = Completion> {
    move |session: &mut Session, options: &CallOptions, now| {
        let pending = session.call::<Complete>(&params, options, now)?;
        Ok(Pending::new(pending.id(), |reply| {
            typed::<<Complete as Request>::Result>(reply).map(|result| result.completion)
        }))
    }
}

/// See [`Session::ping`].
pub fn ping() -> impl Command<Output = ()> {
    |session: &mut Session, options: &CallOptions, now| {
        session.ping(options, now).map(Pending::ignored)
    }
}

/// See [`Session::set_log_level`].
pub fn set_log_level(level: LoggingLevel) -> impl Command<Output = ()> {
    move |session: &mut Session, options: &CallOptions, now| {
        session
            .set_log_level(level, options, now)
            .map(Pending::ignored)
    }
}

/// See [`Session::subscribe`].
pub fn subscribe(wanted: Subscription) -> impl Command<Output = Subscribed> {
    move |session: &mut Session, options: &CallOptions, now| session.subscribe(wanted, options, now)
}

/// A value's JSON object; `None` for null, which is how no arguments are spelled.
pub(crate) fn object(value: &impl Serialize) -> Result<Option<Json>, Misuse> {
    match Json::new(value) {
        Ok(json) if json.is_object() => Ok(Some(json)),
        Ok(json) if json.is_null() => Ok(None),
        _ => Err(Misuse::NotAnObject),
    }
}

fn texts(value: &impl Serialize) -> Result<BTreeMap<String, String>, Misuse> {
    let Some(object) = object(value)? else {
        return Ok(BTreeMap::new());
    };
    let members: Map<Json> = object.to().map_err(|_| Misuse::NotAnObject)?;
    let text = |value: Json| value.to::<String>().unwrap_or_else(|_| value.into_string());
    Ok(members
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(
            object(&json!({"a": 1})).unwrap().unwrap().as_str(),
            r#"{"a":1}"#
        );
        assert_eq!(object(&()), Ok(None));
        assert_eq!(object(&None::<u8>), Ok(None));
        assert_eq!(object(&[1]), Err(Misuse::NotAnObject));
        assert_eq!(
            object(&BTreeMap::from([((1, 2), 3)])),
            Err(Misuse::NotAnObject)
        );
    }

    #[test]
    fn prompts_are_given_texts() {
        let given = json!({"a": "x\n", "b": 2, "c": [true, null]});
        let texts = texts(&given).unwrap();
        let texts: Vec<_> = texts
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        assert_eq!(texts, [("a", "x\n"), ("b", "2"), ("c", "[true,null]")]);
    }
}
