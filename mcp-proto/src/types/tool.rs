//! Tools: functions that a model may call.

use super::{ContentBlock, Icon, InputResponses, Meta, OutputSchema, TaskMetadata};
use crate::{
    encode::{self, EncodeFields, Object},
    json::{Json, Raw, Read as _, Scanner},
    version::ProtocolVersion,
    wire::{encode_as_object, names, serialize_as_latest, wire, wire_struct},
};
use alloc::{string::String, vec, vec::Vec};
use serde::{Deserialize, Deserializer};

wire_struct! {
    /// A tool that a server offers.
    pub struct Tool {
        /// The programmatic name: 1 to 128 of `A-Z a-z 0-9 _ . -`.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title",
        /// What it does, for the model.
        pub description: Option<String> = opt "description",
        /// What it takes: a JSON Schema of `"type": "object"`.
        pub input_schema: Json = "inputSchema",
        /// What `structuredContent` holds.
        pub output_schema: Option<OutputSchema> = opt "outputSchema",
        /// Hints about what it does to the world.
        pub annotations: Option<ToolAnnotations> = opt "annotations",
        /// How it is run.
        pub execution: Option<ToolExecution> = opt "execution",
        /// Pictures to show beside it.
        pub icons: Vec<Icon> = opt "icons",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl Tool {
    /// A tool of that name, which takes what the JSON Schema `input_schema` allows.
    ///
    /// Every revision wants to read that it is an object: a schema without a `type`, `true`
    /// included, gets `"type": "object"`.
    #[must_use]
    pub fn new(name: impl Into<String>, input_schema: Json) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema: super::schema::input_schema(input_schema),
            output_schema: None,
            annotations: None,
            execution: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what it does.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the schema of its structured results.
    #[must_use]
    pub fn with_output_schema(mut self, schema: impl Into<OutputSchema>) -> Self {
        self.output_schema = Some(schema.into());
        self
    }

    /// Sets the hints.
    #[must_use]
    pub fn with_annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.annotations = Some(annotations);
        self
    }

    /// Says whether it may or must run as a task (2025-11-25 only).
    #[must_use]
    pub fn with_task_support(mut self, support: TaskSupport) -> Self {
        self.execution = Some(ToolExecution {
            task_support: Some(support),
        });
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Whether revisions up to 2025-11-25 are told a wrapped output schema, so that results must
    /// be wrapped for them as well; costs nothing.
    #[must_use]
    pub fn wraps_output(&self) -> bool {
        self.output_schema
            .as_ref()
            .is_some_and(OutputSchema::is_wrapped)
    }
}

impl EncodeFields for Tool {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        object.member(",\"name\":", &self.name);
        if version >= ProtocolVersion::V2025_06_18 {
            object.optional_member(",\"title\":", &self.title);
        }
        object.optional_member(",\"description\":", &self.description);
        object.member(",\"inputSchema\":", &self.input_schema);
        if version >= ProtocolVersion::V2025_06_18 {
            object.optional_member(",\"outputSchema\":", &self.output_schema);
            object.optional_member(",\"annotations\":", &self.annotations);
        } else if version == ProtocolVersion::V2025_03_26 {
            self.encode_folded_annotations(object);
        }
        if version == ProtocolVersion::V2025_11_25 {
            object.optional_member(",\"execution\":", &self.execution);
        }
        if version >= ProtocolVersion::V2025_11_25 {
            object.optional_member(",\"icons\":", &self.icons);
        }
        if version >= ProtocolVersion::V2025_06_18 {
            object.meta(self.meta.as_ref());
        }
    }
}

impl Tool {
    /// 2025-03-26 knows a title only among the annotations.
    fn encode_folded_annotations(&self, object: &mut Object<'_>) {
        if self.annotations.is_none() && self.title.is_none() {
            return;
        }
        let (out, version) = object.key("annotations");
        let mut folded = Object::new(out, version);
        if self
            .annotations
            .as_ref()
            .is_none_or(|annotations| annotations.title.is_none())
        {
            folded.optional_member(",\"title\":", &self.title);
        }
        if let Some(annotations) = &self.annotations {
            annotations.encode_fields(&mut folded);
        }
        folded.end();
    }
}

encode_as_object!(Tool);

wire! {
    /// Hints about what a tool does to the world, from 2025-03-26 on; not to be trusted unless the
    /// server is.
    #[derive(Default)]
    pub struct ToolAnnotations {
        /// The name for people, before tools had a title of their own.
        pub title: Option<String> = opt "title",
        /// It changes nothing. `false` where absent.
        pub read_only_hint: Option<bool> = opt "readOnlyHint",
        /// What it changes may be lost. `true` where absent.
        pub destructive_hint: Option<bool> = opt "destructiveHint",
        /// Calling it again with the same arguments changes nothing more. `false` where absent.
        pub idempotent_hint: Option<bool> = opt "idempotentHint",
        /// It reaches beyond a closed set of things. `true` where absent.
        pub open_world_hint: Option<bool> = opt "openWorldHint",
    }
}

impl ToolAnnotations {
    /// Without any hint.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says whether it changes nothing.
    #[must_use]
    pub fn with_read_only(mut self, hint: bool) -> Self {
        self.read_only_hint = Some(hint);
        self
    }

    /// Says whether what it changes may be lost.
    #[must_use]
    pub fn with_destructive(mut self, hint: bool) -> Self {
        self.destructive_hint = Some(hint);
        self
    }

    /// Says whether calling it again changes nothing more.
    #[must_use]
    pub fn with_idempotent(mut self, hint: bool) -> Self {
        self.idempotent_hint = Some(hint);
        self
    }

    /// Says whether it reaches beyond a closed set of things.
    #[must_use]
    pub fn with_open_world(mut self, hint: bool) -> Self {
        self.open_world_hint = Some(hint);
        self
    }
}

wire! {
    /// How a tool is run; in 2025-11-25 only.
    #[derive(Default)]
    pub struct ToolExecution {
        /// Whether it runs as a task. Forbidden where absent.
        pub task_support: Option<TaskSupport> = hint "taskSupport",
    }
}

names! {
    /// Whether a tool runs as a task.
    pub enum TaskSupport {
        /// Never.
        Forbidden = "forbidden",
        /// If the client asks for it.
        Optional = "optional",
        /// Always.
        Required = "required",
    }
}

wire! {
    /// Parameters of `tools/call`.
    #[derive(Default)]
    pub struct CallToolParams {
        /// The tool.
        pub name: String = "name",
        /// What it is called with: an object.
        pub arguments: Option<Json> = opt "arguments",
        /// Asks for the call to be run as a task (2025-11-25 only).
        pub task: Option<TaskMetadata> = opt "task" since V2025_11_25 until V2025_11_25,
        /// Answers to what an earlier try asked for.
        pub input_responses: Option<InputResponses> = opt "inputResponses" since V2026_07_28,
        /// What an earlier try asked to be told again.
        pub request_state: Option<String> = opt "requestState" since V2026_07_28,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CallToolParams {
    /// Calls the tool of that name without arguments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the arguments.
    #[must_use]
    pub fn with_arguments(mut self, arguments: Json) -> Self {
        self.arguments = Some(arguments);
        self
    }
}

/// Result of `tools/call`.
///
/// With a structured value and no content, one text block with the value's JSON text is written
/// as content, so that every client sees the result and the handler keeps one copy.
///
/// Up to 2025-11-25 structured content must be an object: another value is written as
/// `{"result": value}` where the tool's output schema was wrapped in the same way, and left to
/// the text otherwise. Before 2025-06-18 only the text is written.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallToolResult {
    /// What the model reads.
    pub content: Vec<ContentBlock>,
    /// What programs read; fits the tool's output schema.
    pub structured_content: Option<Json>,
    /// Whether the call failed in a way the model may know and act on.
    pub is_error: Option<bool>,
    /// Metadata.
    pub meta: Option<Meta>,
    /// [`Tool::wraps_output`] of the tool; never on the wire itself.
    pub wraps_output: bool,
}

impl CallToolResult {
    /// That content.
    #[must_use]
    pub fn new(content: Vec<ContentBlock>) -> Self {
        Self {
            content,
            ..Self::default()
        }
    }

    /// One block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(vec![ContentBlock::text(text)])
    }

    /// A structured value, which is its own text as well.
    #[must_use]
    pub fn structured(value: Json) -> Self {
        Self {
            structured_content: Some(value),
            ..Self::default()
        }
    }

    /// An error for the model to read.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: Some(true),
            ..Self::text(text)
        }
    }

    /// Reads a result. It is what deserializing gives; the usual one, a text and perhaps a
    /// structured value and `_meta` beside it, costs less.
    ///
    /// # Errors
    /// serde_json's, naming what was expected and where.
    pub fn read(raw: Raw<'_>) -> Result<Self, serde_json::Error> {
        match Self::usual(raw) {
            Some(result) => Ok(result),
            None => raw.to(),
        }
    }

    // Where it is spelled as most servers do.
    fn usual(raw: Raw<'_>) -> Option<Self> {
        let text = raw.get();
        if text.len() > Scanner::MAX_LEN {
            return None;
        }
        let mut scanner = Scanner::new(text, usize::MAX);
        if !scanner.skip_key("{\"resultType\":\"complete\",") && !scanner.skip_key("{") {
            return None;
        }
        if !scanner.skip_key("\"content\":[{\"type\":\"text\",\"text\":") {
            return None;
        }
        let said = scanner.value().ok()?.of(text)?.text()?;
        if !scanner.skip_key("}]") {
            return None;
        }
        let structured = match scanner.skip_key(",\"structuredContent\":") {
            true => Some(scanner.value().ok()?.of(text)?),
            false => None,
        };
        let is_error = if scanner.skip_key(",\"isError\":false") {
            Some(false)
        } else if scanner.skip_key(",\"isError\":true") {
            Some(true)
        } else {
            None
        };
        let meta = match scanner.skip_key(",\"_meta\":") {
            true => {
                let value = scanner.value().ok()?.of(text)?;
                // An empty array is let pass for an object; that is left to the general way.
                Some(Meta::read(value).ok().filter(|_| value.is_object())?)
            }
            false => None,
        };
        if !scanner.skip_key("}") {
            return None;
        }
        Some(Self {
            structured_content: structured.map(|value| Json::from_valid(String::from(value.get()))),
            is_error,
            meta,
            ..Self::text(said)
        })
    }

    /// Whether the call failed; absent means that it did not.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.is_error == Some(true)
    }
}

impl EncodeFields for CallToolResult {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        if version >= ProtocolVersion::V2026_07_28 {
            object.constant(",\"resultType\":\"complete\"");
        }
        encode_output(
            object,
            &self.content,
            self.structured_content.as_ref(),
            self.wraps_output,
        );
        object.optional_member(",\"isError\":", &self.is_error);
        object.meta(self.meta.as_ref());
    }
}

/// Writes `content` and `structuredContent`, which tool results and sampling's share.
pub(super) fn encode_output(
    object: &mut Object<'_>,
    content: &[ContentBlock],
    structured: Option<&Json>,
    wrapped: bool,
) {
    match structured {
        Some(value) if content.is_empty() => {
            let (out, _) = object.key("content");
            out.extend_from_slice(br#"[{"type":"text","text":"#);
            encode::write_str(out, value.as_str());
            out.extend_from_slice(b"}]");
        }
        _ => object.member(",\"content\":", content),
    }
    let Some(value) = structured else { return };
    let version = object.version();
    if version >= ProtocolVersion::V2026_07_28 {
        object.member(",\"structuredContent\":", value);
    } else if version >= ProtocolVersion::V2025_06_18 {
        if wrapped {
            let (out, version) = object.key("structuredContent");
            let mut wrapper = Object::new(out, version);
            wrapper.field("result", value);
            wrapper.end();
        } else if value.is_object() {
            object.member(",\"structuredContent\":", value);
        }
    }
}

encode_as_object!(CallToolResult);
serialize_as_latest!(CallToolResult);

impl<'de> Deserialize<'de> for CallToolResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            // Absent in practice where there is structured content, though no revision allows it.
            #[serde(default, deserialize_with = "crate::wire::or_default")]
            content: Vec<ContentBlock>,
            #[serde(
                rename = "structuredContent",
                default,
                deserialize_with = "crate::wire::some"
            )]
            structured_content: Option<Json>,
            #[serde(rename = "isError")]
            is_error: Option<bool>,
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
        }
        let Flat {
            content,
            structured_content,
            is_error,
            meta,
        } = Flat::deserialize(deserializer)?;
        Ok(Self {
            content,
            structured_content,
            is_error,
            meta,
            wraps_output: false,
        })
    }
}
