//! Letting a server use the client's language model. Deprecated in 2026-07-28.

use super::{
    Annotations, AudioContent, ContentBlock, ImageContent, Meta, Role, TaskMetadata, TextContent,
    Tool, content::write_placeholder, tool::encode_output,
};
use crate::{
    encode::{Encode, EncodeFields, Object, Sendable, Unsendable},
    json::Json,
    version::ProtocolVersion,
    wire::{self, encode_as_object, names, wire, wire_struct},
};
use alloc::{boxed::Box, string::String, vec, vec::Vec};
use serde::{Deserialize, Deserializer, de};

wire_struct! {
    /// Parameters of `sampling/createMessage`.
    ///
    /// Before 2025-11-25 a message holds one piece of content: a message of several is written as
    /// several messages, and tools cannot be sent at all.
    #[derive(Default)]
    pub struct CreateMessageParams {
        /// The conversation.
        pub messages: Vec<SamplingMessage> = "messages",
        /// What matters in the choice of a model.
        pub model_preferences: Option<ModelPreferences> = opt "modelPreferences",
        /// The system prompt.
        pub system_prompt: Option<String> = opt "systemPrompt",
        /// Whose context to add.
        pub include_context: Option<IncludeContext> = hint "includeContext",
        /// The temperature.
        pub temperature: Option<f64> = opt "temperature",
        /// The most tokens to sample.
        pub max_tokens: u64 = "maxTokens",
        /// Where to stop.
        pub stop_sequences: Vec<String> = opt "stopSequences",
        /// For the model's provider; an object.
        pub metadata: Option<Json> = opt "metadata",
        /// What the model may call, from 2025-11-25 on.
        pub tools: Vec<Tool> = opt "tools",
        /// Whether it may or must call something, from 2025-11-25 on.
        pub tool_choice: Option<ToolChoice> = opt "toolChoice",
        /// Asks for this to be run as a task (2025-11-25 only).
        pub task: Option<TaskMetadata> = opt "task",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CreateMessageParams {
    /// Asks one thing, for an answer of at most so many tokens.
    #[must_use]
    pub fn ask(text: impl Into<String>, max_tokens: u64) -> Self {
        Self::new(
            vec![SamplingMessage::user(SamplingContent::text(text))],
            max_tokens,
        )
    }

    /// Lets the model call a tool.
    #[must_use]
    pub fn with_tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Continues that conversation by at most so many tokens.
    #[must_use]
    pub fn new(messages: Vec<SamplingMessage>, max_tokens: u64) -> Self {
        Self {
            messages,
            max_tokens,
            ..Self::default()
        }
    }
}

impl EncodeFields for CreateMessageParams {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        if version >= ProtocolVersion::V2025_11_25 {
            object.field("messages", &self.messages);
        } else {
            write_split(&self.messages, object.key("messages").0, version);
        }
        object.optional("modelPreferences", &self.model_preferences);
        object.optional("systemPrompt", &self.system_prompt);
        object.optional("includeContext", &self.include_context);
        object.optional("temperature", &self.temperature);
        object.field("maxTokens", &self.max_tokens);
        object.optional("stopSequences", &self.stop_sequences);
        object.optional("metadata", &self.metadata);
        if version >= ProtocolVersion::V2025_11_25 {
            object.optional("tools", &self.tools);
            object.optional("toolChoice", &self.tool_choice);
        }
        if version == ProtocolVersion::V2025_11_25 {
            object.optional("task", &self.task);
        }
        if version < ProtocolVersion::V2026_07_28 {
            object.meta(self.meta.as_ref());
        }
    }
}

encode_as_object!(CreateMessageParams);

/// Writes every piece of content as a message of its own.
fn write_split(messages: &[SamplingMessage], out: &mut Vec<u8>, version: ProtocolVersion) {
    let pieces = messages.iter().flat_map(|message| {
        message
            .content
            .iter()
            .map(move |content| (message.role, content))
    });
    out.push(b'[');
    for (index, (role, content)) in pieces.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut object = Object::new(out, version);
        object.field("role", &role);
        object.field("content", content);
        object.end();
    }
    out.push(b']');
}

impl Sendable for CreateMessageParams {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        if !self.tools.is_empty() || self.tool_choice.is_some() {
            Unsendable::unless(version, ProtocolVersion::V2025_11_25, "sampling with tools")?;
        }
        // A message of several pieces is several messages to older peers: only kinds matter.
        self.messages
            .iter()
            .flat_map(|message| &message.content)
            .try_for_each(|content| content.check(version))
    }
}

wire_struct! {
    /// A message of a conversation with a model.
    pub struct SamplingMessage {
        /// Who says it.
        pub role: Role = "role",
        /// What is said: one piece, or several from 2025-11-25 on.
        #[serde(deserialize_with = "one_or_many")]
        pub content: Vec<SamplingContent> = "content",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl SamplingMessage {
    /// A message of one piece.
    #[must_use]
    pub fn new(role: Role, content: impl Into<SamplingContent>) -> Self {
        Self {
            role,
            content: vec![content.into()],
            meta: None,
        }
    }

    /// Something the person says.
    #[must_use]
    pub fn user(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::User, content)
    }

    /// Something the model says.
    #[must_use]
    pub fn assistant(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

impl EncodeFields for SamplingMessage {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.field("role", &self.role);
        write_one_or_many(&self.content, object);
        if object.version() >= ProtocolVersion::V2025_11_25 {
            object.meta(self.meta.as_ref());
        }
    }
}

encode_as_object!(SamplingMessage);

impl Sendable for SamplingMessage {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        check_content(&self.content, version)
    }
}

fn check_content(content: &[SamplingContent], version: ProtocolVersion) -> Result<(), Unsendable> {
    if content.len() != 1 {
        let what = "a sampling message of several pieces";
        Unsendable::unless(version, ProtocolVersion::V2025_11_25, what)?;
    }
    content
        .iter()
        .try_for_each(|content| content.check(version))
}

/// One piece stands alone, in every revision; several are an array, which older revisions lack.
fn write_one_or_many(content: &[SamplingContent], object: &mut Object<'_>) {
    match content {
        [one] => object.field("content", one),
        [first, ..] if object.version() < ProtocolVersion::V2025_11_25 => {
            object.field("content", first);
        }
        [] if object.version() < ProtocolVersion::V2025_11_25 => {
            object.field("content", &TextContent::default());
        }
        many => object.field("content", many),
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SamplingContent>, D::Error> {
    deserializer.deserialize_any(OneOrMany)
}

struct OneOrMany;

impl<'de> de::Visitor<'de> for OneOrMany {
    type Value = Vec<SamplingContent>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("content or an array of content")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(seq))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        SamplingContent::deserialize(de::value::MapAccessDeserializer::new(map))
            .map(|one| vec![one])
    }
}

/// One piece of a conversation with a model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplingContent {
    /// Text.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// Sound, from 2025-03-26 on.
    Audio(AudioContent),
    /// The model calls a tool, from 2025-11-25 on.
    ToolUse(ToolUseContent),
    /// What the call came to, from 2025-11-25 on.
    ToolResult(ToolResultContent),
    /// A kind that no revision we know defines, kept and written as it came.
    Unknown(Json),
}

impl SamplingContent {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// The text, where this is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

impl From<&str> for SamplingContent {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for SamplingContent {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

macro_rules! from_content {
    ($($ty:ident => $variant:ident),*) => {$(
        impl From<$ty> for SamplingContent {
            fn from(content: $ty) -> Self {
                Self::$variant(content)
            }
        }
    )*};
}
from_content!(TextContent => Text, ImageContent => Image, AudioContent => Audio,
              ToolUseContent => ToolUse, ToolResultContent => ToolResult);

impl Encode for SamplingContent {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let placeholder = |out: &mut Vec<u8>, text, annotations: Option<&Annotations>| {
            write_placeholder(out, version, text, annotations);
        };
        match self {
            Self::Text(content) => content.encode(out, version),
            Self::Image(content) => content.encode(out, version),
            Self::Audio(content) if version < ProtocolVersion::V2025_03_26 => {
                placeholder(
                    out,
                    format_args!("[audio {}]", content.mime_type),
                    content.annotations.as_ref(),
                );
            }
            Self::Audio(content) => content.encode(out, version),
            Self::ToolUse(call) if version < ProtocolVersion::V2025_11_25 => {
                placeholder(out, format_args!("[tool_use {}]", call.name), None);
            }
            Self::ToolUse(call) => call.encode(out, version),
            Self::ToolResult(result) if version < ProtocolVersion::V2025_11_25 => {
                placeholder(
                    out,
                    format_args!("[tool_result {}]", result.tool_use_id),
                    None,
                );
            }
            Self::ToolResult(result) => result.encode(out, version),
            Self::Unknown(block) => block.encode(out, version),
        }
    }
}

wire::serialize_as_latest!(SamplingContent);

impl Sendable for SamplingContent {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        match self {
            Self::ToolUse(_) | Self::ToolResult(_) => Unsendable::unless(
                version,
                ProtocolVersion::V2025_11_25,
                "a tool call in sampling",
            ),
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::tagged(deserializer)
    }
}

impl wire::Tagged for SamplingContent {
    const TAG: &'static str = "type";
    const NAMES: &'static [&'static str] = &["text", "image", "audio", "tool_use", "tool_result"];

    fn variant<'de, D: Deserializer<'de>>(index: usize, members: D) -> Result<Self, D::Error> {
        match index {
            0 => TextContent::deserialize(members).map(Self::Text),
            1 => ImageContent::deserialize(members).map(Self::Image),
            2 => AudioContent::deserialize(members).map(Self::Audio),
            3 => ToolUseContent::deserialize(members).map(Self::ToolUse),
            _ => ToolResultContent::deserialize(members).map(Self::ToolResult),
        }
    }

    fn unknown<E: de::Error>(tag: Option<&str>, value: Json) -> Result<Self, E> {
        match tag {
            Some(_) => Ok(Self::Unknown(value)),
            None => Err(E::missing_field(Self::TAG)),
        }
    }
}

wire! {
    /// The model calls a tool.
    pub struct ToolUseContent {
        const "type" = "tool_use";
        /// Tells this call from others.
        pub id: String = "id",
        /// The tool.
        pub name: String = "name",
        /// What it is called with: an object.
        pub input: Json = "input",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ToolUseContent {
    /// A call.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>, input: Json) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            input,
            meta: None,
        }
    }
}

wire_struct! {
    /// What a tool call came to.
    #[derive(Default)]
    pub struct ToolResultContent {
        /// The call.
        pub tool_use_id: String = "toolUseId",
        /// What the model reads.
        pub content: Vec<ContentBlock> = soft "content",
        /// What programs read.
        #[serde(default, deserialize_with = "wire::some")]
        pub structured_content: Option<Json> = "structuredContent",
        /// Whether the call failed.
        pub is_error: Option<bool> = opt "isError",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ToolResultContent {
    /// What that call came to.
    #[must_use]
    pub fn new(tool_use_id: impl Into<String>, content: Vec<ContentBlock>) -> Self {
        Self {
            tool_use_id: tool_use_id.into(),
            content,
            ..Self::default()
        }
    }
}

impl EncodeFields for ToolResultContent {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.field("type", "tool_result");
        object.field("toolUseId", &self.tool_use_id);
        encode_output(
            object,
            &self.content,
            self.structured_content.as_ref(),
            false,
        );
        object.optional("isError", &self.is_error);
        object.meta(self.meta.as_ref());
    }
}

encode_as_object!(ToolResultContent);

wire! {
    /// Whether the model may or must call a tool.
    #[derive(Default)]
    pub struct ToolChoice {
        /// The mode; the model decides where absent.
        pub mode: Option<ToolChoiceMode> = opt "mode",
    }
}

impl ToolChoice {
    /// That mode.
    #[must_use]
    pub fn new(mode: ToolChoiceMode) -> Self {
        Self { mode: Some(mode) }
    }
}

names! {
    /// Whether the model may or must call a tool.
    pub enum ToolChoiceMode {
        /// It decides.
        Auto = "auto",
        /// It must call one.
        Required = "required",
        /// It must not.
        None = "none",
    }
}

names! {
    /// Whose context to add to a conversation.
    pub enum IncludeContext {
        /// Nobody's.
        None = "none",
        /// The asking server's.
        ThisServer = "thisServer",
        /// That of every server the client is connected to.
        AllServers = "allServers",
    }
}

wire! {
    /// What matters in the choice of a model; 0.0 is least, 1.0 most important.
    #[derive(Default)]
    pub struct ModelPreferences {
        /// Names to look for, the best first.
        pub hints: Vec<ModelHint> = opt "hints",
        /// How much cost matters.
        pub cost_priority: Option<f64> = opt "costPriority",
        /// How much speed matters.
        pub speed_priority: Option<f64> = opt "speedPriority",
        /// How much capability matters.
        pub intelligence_priority: Option<f64> = opt "intelligencePriority",
    }
}

wire! {
    /// A name to look for among models.
    #[derive(Default)]
    pub struct ModelHint {
        /// A part of a model's name.
        pub name: Option<String> = opt "name",
    }
}

impl ModelHint {
    /// A part of a model's name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
        }
    }
}

wire_struct! {
    /// Result of `sampling/createMessage`.
    pub struct CreateMessageResult {
        /// Who says it: the model.
        pub role: Role = "role",
        /// What it says: one piece, or several from 2025-11-25 on.
        #[serde(deserialize_with = "one_or_many")]
        pub content: Vec<SamplingContent> = "content",
        /// The model.
        pub model: String = "model",
        /// Why it stopped: `endTurn`, `stopSequence`, `maxTokens`, `toolUse` or anything else.
        pub stop_reason: Option<String> = opt "stopReason",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CreateMessageResult {
    /// What that model says.
    #[must_use]
    pub fn new(model: impl Into<String>, content: impl Into<SamplingContent>) -> Self {
        Self {
            role: Role::Assistant,
            content: vec![content.into()],
            model: model.into(),
            stop_reason: None,
            meta: None,
        }
    }
}

impl EncodeFields for CreateMessageResult {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.field("role", &self.role);
        write_one_or_many(&self.content, object);
        object.field("model", &self.model);
        object.optional("stopReason", &self.stop_reason);
        object.meta(self.meta.as_ref());
    }
}

encode_as_object!(CreateMessageResult);

impl Sendable for CreateMessageResult {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        check_content(&self.content, version)
    }
}

impl CreateMessageResult {
    /// The first text of what it says; empty where it says none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.content
            .iter()
            .find_map(SamplingContent::as_text)
            .unwrap_or_default()
    }

    /// Boxed, as enums of answers hold it.
    #[must_use]
    pub fn boxed(self) -> Box<Self> {
        Box::new(self)
    }
}
