//! Requests that need input before they can be served, from 2026-07-28 on.

use super::{CreateMessageParams, CreateTaskResult, ElicitParams, EmptyParams, Map, Meta};
use crate::{
    encode::{Encode, EncodeFields, Object, Sendable, Unsendable},
    json::Json,
    version::ProtocolVersion,
    wire::{encode_as_object, serialize_as_latest, wire},
};
use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::fmt;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny},
};
use serde_json::value::RawValue;

/// What a server wants to know, under keys of its own choice.
pub type InputRequests = Map<InputRequest>;

/// The answers, under the keys of the questions.
///
/// Answers stay JSON text until whoever asked reads them as the type it asked for, with
/// [`Json::to`]: an `ElicitResult`, a `CreateMessageResult` or a `ListRootsResult`. A client makes
/// them with [`Json::new`].
pub type InputResponses = Map<Json>;

/// Something a server wants to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputRequest {
    /// A question to the person.
    Elicit(Box<ElicitParams>),
    /// The continuation of a conversation by the client's model.
    CreateMessage(Box<CreateMessageParams>),
    /// The client's roots.
    ListRoots(EmptyParams),
}

impl InputRequest {
    /// The method that this would be as a request of its own.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Elicit(_) => "elicitation/create",
            Self::CreateMessage(_) => "sampling/createMessage",
            Self::ListRoots(_) => "roots/list",
        }
    }
}

impl From<ElicitParams> for InputRequest {
    fn from(params: ElicitParams) -> Self {
        Self::Elicit(Box::new(params))
    }
}

impl From<CreateMessageParams> for InputRequest {
    fn from(params: CreateMessageParams) -> Self {
        Self::CreateMessage(Box::new(params))
    }
}

impl EncodeFields for InputRequest {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.field("method", self.method());
        match self {
            Self::Elicit(params) => object.field("params", params),
            Self::CreateMessage(params) => object.field("params", params),
            Self::ListRoots(params) if params.meta.is_none() => {}
            Self::ListRoots(params) => object.field("params", params),
        }
    }
}

encode_as_object!(InputRequest);
serialize_as_latest!(InputRequest);

impl<'de> Deserialize<'de> for InputRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            method: String,
            params: Option<Json>,
        }
        fn read<T: DeserializeOwned, E: de::Error>(params: Option<Json>) -> Result<T, E> {
            params
                .ok_or_else(|| E::missing_field("params"))?
                .to()
                .map_err(E::custom)
        }
        let Flat { method, params } = Flat::deserialize(deserializer)?;
        match method.as_str() {
            "elicitation/create" => read(params).map(Self::Elicit),
            "sampling/createMessage" => read(params).map(Self::CreateMessage),
            "roots/list" if params.is_none() => Ok(Self::ListRoots(EmptyParams::default())),
            "roots/list" => read(params).map(Self::ListRoots),
            // A question nobody here can answer makes the whole result useless.
            other => Err(de::Error::unknown_variant(
                other,
                &["elicitation/create", "sampling/createMessage", "roots/list"],
            )),
        }
    }
}

impl Sendable for InputRequest {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        match self {
            Self::Elicit(params) => params.check(version),
            Self::CreateMessage(params) => params.check(version),
            Self::ListRoots(_) => Ok(()),
        }
    }
}

wire! {
    /// Result of `tools/call`, `prompts/get` or `resources/read` that says: ask again, with this.
    ///
    /// Has at least one of its two members.
    #[derive(Default)]
    pub struct InputRequiredResult {
        const "resultType" = "input_required";
        /// What the server wants to know.
        pub input_requests: InputRequests = opt "inputRequests",
        /// What it wants to be told again, unchanged.
        pub request_state: Option<String> = opt "requestState",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl InputRequiredResult {
    /// Wants to know these.
    #[must_use]
    pub fn new(input_requests: InputRequests) -> Self {
        Self {
            input_requests,
            ..Self::default()
        }
    }
}

impl Sendable for InputRequiredResult {
    /// Older peers have to be asked with requests of their own.
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        Unsendable::unless(
            version,
            ProtocolVersion::V2026_07_28,
            "a result that asks for input",
        )
    }
}

/// What kind of result a result is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultType {
    /// The one the method promises; also where the result does not say.
    Complete,
    /// [`InputRequiredResult`].
    InputRequired,
    /// [`CreateTaskResult`] (extension `io.modelcontextprotocol/tasks`, or 2025-11-25).
    Task,
    /// One that only some extension knows; a result like this must be treated as invalid.
    Other(String),
}

impl ResultType {
    /// Looks into a result's JSON text, without reading the rest of it.
    ///
    /// A result without `resultType` is complete (2026-07-28, basic, Results), unless it has the
    /// `task` of 2025-11-25.
    ///
    /// # Errors
    /// Where the text is not an object, or `resultType` not a string.
    pub fn of(result: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Peek<'a> {
            #[serde(borrow, rename = "resultType")]
            result_type: Option<Cow<'a, str>>,
            task: Option<IgnoredAny>,
            content: Option<IgnoredAny>,
        }
        let peek: Peek<'_> = serde_json::from_str(result)?;
        Ok(match peek.result_type.as_deref() {
            None if peek.task.is_some() && peek.content.is_none() => Self::Task,
            None | Some("complete") => Self::Complete,
            Some("input_required") => Self::InputRequired,
            Some("task") => Self::Task,
            Some(other) => Self::Other(other.into()),
        })
    }
}

/// Any of the results that a request may have, by [`ResultType`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome<T> {
    /// The one the method promises.
    Complete(T),
    /// The server needs to know more.
    InputRequired(InputRequiredResult),
    /// The server will be done later.
    Task(CreateTaskResult),
}

impl<T: DeserializeOwned> Outcome<T> {
    /// Reads a result.
    ///
    /// # Errors
    /// Where it is not what its type says, or of an unknown type.
    pub fn decode(result: &str) -> Result<Self, serde_json::Error> {
        match ResultType::of(result)? {
            ResultType::Complete => serde_json::from_str(result).map(Self::Complete),
            ResultType::InputRequired => serde_json::from_str(result).map(Self::InputRequired),
            ResultType::Task => serde_json::from_str(result).map(Self::Task),
            // 2026-07-28, basic, Results: an unrecognised resultType must be treated as invalid.
            ResultType::Other(other) => Err(de::Error::unknown_variant(
                &other,
                &["complete", "input_required", "task"],
            )),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Outcome<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::decode(raw.get()).map_err(de::Error::custom)
    }
}

impl<T: EncodeFields> EncodeFields for Outcome<T> {
    fn encode_fields(&self, object: &mut Object<'_>) {
        match self {
            Self::Complete(result) => result.encode_fields(object),
            Self::InputRequired(result) => result.encode_fields(object),
            Self::Task(result) => result.encode_fields(object),
        }
    }
}

impl<T: EncodeFields> Encode for Outcome<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        crate::encode::write_object(self, out, version);
    }
}

impl<T> From<T> for Outcome<T> {
    fn from(result: T) -> Self {
        Self::Complete(result)
    }
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::InputRequired => "input_required",
            Self::Task => "task",
            Self::Other(other) => other,
        })
    }
}
