//! The extensions of one service, checked against each other, and how sessions find what they add.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use mcp_proto::{
    json::Json,
    meta::keys,
    method::{Capability, Method},
    rpc::{RpcError, codes},
    types::{ClientCapabilities, ServerCapabilities},
    version::ProtocolVersion,
};

use super::{Declare, Extension, ExtensionMethod, Observer, Patience, TopicChange};
use crate::error::BuildError;

/// The extensions of a service.
#[derive(Debug)]
pub(crate) struct Extensions<H> {
    index: ExtensionIndex,
    handlers: Vec<H>,
}

impl<H> Default for Extensions<H> {
    fn default() -> Self {
        Self {
            index: ExtensionIndex::default(),
            handlers: Vec::new(),
        }
    }
}

/// The same without the handlers, as sessions see it.
#[derive(Debug, Default)]
pub(crate) struct ExtensionIndex {
    declared: Vec<Declared>,
    methods: Vec<KnownMethod>,
    result_types: Vec<(Arc<str>, Method, usize)>,
    meta_keys: Vec<(Arc<str>, usize)>,
    topics: Vec<(Arc<str>, usize)>,
    task_calls: Option<(usize, u32)>,
}

#[derive(Debug)]
struct Declared {
    id: Arc<str>,
    settings: Json,
    since: ProtocolVersion,
    declare: Option<Declare>,
    observer: Option<Observer>,
}

/// A method that was found.
#[derive(Debug)]
pub(crate) struct KnownMethod {
    pub(crate) name: Arc<str>,
    pub(crate) handler: u32,
    pub(crate) patience: Patience,
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    name_member: Option<Arc<str>>,
    since: ProtocolVersion,
    until: ProtocolVersion,
    gated: bool,
    extension: usize,
}

impl<H> Extensions<H> {
    pub(crate) fn index(&self) -> &ExtensionIndex {
        &self.index
    }

    pub(crate) fn handler(&self, at: u32) -> Option<&H> {
        self.handlers.get(at as usize)
    }

    /// Adds one, if it is sound and in nobody's way.
    pub(crate) fn add(&mut self, extension: Extension<H>) -> Result<(), BuildError> {
        let Extension {
            id,
            settings,
            since,
            declare,
            methods,
            result_types,
            meta_keys,
            topics,
            task_calls,
            observer,
        } = extension;
        let wrong = |problem: String| BuildError::Extension {
            id: (*id).into(),
            problem,
        };
        self.index
            .check(&id, &settings, task_calls.is_some())
            .map_err(wrong)?;
        let at = self.index.declared.len();
        self.index.declared.push(Declared {
            id: Arc::clone(&id),
            settings,
            since,
            declare,
            observer,
        });
        for method in methods {
            self.index.check_method(&method).map_err(wrong)?;
            let handler = self.keep(method.handler);
            self.index.methods.push(KnownMethod {
                name: method.name,
                handler,
                patience: method.patience,
                name_member: method.name_member,
                since: method.since,
                until: method.until,
                gated: method.gated,
                extension: at,
            });
        }
        for (result_type, method) in result_types {
            self.index
                .check_result_type(&result_type, method)
                .map_err(wrong)?;
            self.index.result_types.push((result_type, method, at));
        }
        for key in meta_keys {
            self.index.check_meta_key(&key).map_err(wrong)?;
            self.index.meta_keys.push((key, at));
        }
        if let Some(field) = topics {
            self.index.check_topics(&field).map_err(wrong)?;
            self.index.topics.push((field, at));
        }
        if let Some(handler) = task_calls {
            self.index.task_calls = Some((at, self.keep(handler)));
        }
        Ok(())
    }

    fn keep(&mut self, handler: H) -> u32 {
        self.handlers.push(handler);
        // A server has a handful of them.
        self.handlers.len() as u32 - 1
    }
}

impl ExtensionIndex {
    fn check(&self, id: &str, settings: &Json, takes_calls: bool) -> Result<(), String> {
        if !is_identifier(id) {
            return Err(
                "its name must be a prefix, a slash and a name, such as `com.example/clock`".into(),
            );
        }
        if !settings.is_object() {
            return Err("its settings must be a JSON object".into());
        }
        if self.declared.iter().any(|other| *other.id == *id) {
            return Err("it is there already: add it once".into());
        }
        if takes_calls && self.task_calls.is_some() {
            return Err("another extension runs calls as tasks: drop one of them".into());
        }
        Ok(())
    }

    fn check_method<H>(&self, method: &ExtensionMethod<H>) -> Result<(), String> {
        let name = &method.name;
        let specified =
            Method::parse(name).is_some_and(|known| known.info().capability != Capability::Tasks);
        let taken = self.methods.iter().any(|other| {
            other.name == *name && other.since <= method.until && method.since <= other.until
        });
        if specified || taken {
            return Err(format!(
                "there is a method `{name}` already: rename its own"
            ));
        }
        Ok(())
    }

    fn check_result_type(&self, result_type: &str, method: Method) -> Result<(), String> {
        let taken = self
            .result_types
            .iter()
            .any(|(other, of, _)| **other == *result_type && *of == method);
        if taken || ["complete", "input_required"].contains(&result_type) {
            return Err(format!(
                "`{}` has results of the type `{result_type}` already: rename its own",
                method.name()
            ));
        }
        Ok(())
    }

    fn check_meta_key(&self, key: &str) -> Result<(), String> {
        const RESERVED: [&str; 11] = [
            keys::PROTOCOL_VERSION,
            keys::CLIENT_CAPABILITIES,
            keys::CLIENT_INFO,
            keys::LOG_LEVEL,
            keys::SERVER_INFO,
            keys::SUBSCRIPTION_ID,
            keys::RELATED_TASK,
            keys::PROGRESS_TOKEN,
            keys::TRACEPARENT,
            keys::TRACESTATE,
            keys::BAGGAGE,
        ];
        let taken = self.meta_keys.iter().any(|(other, _)| **other == *key);
        if taken || RESERVED.contains(&key) {
            return Err(format!(
                "the `_meta` key `{key}` is taken already: rename its own"
            ));
        }
        Ok(())
    }

    fn check_topics(&self, field: &str) -> Result<(), String> {
        const SPECIFIED: [&str; 4] = [
            "toolsListChanged",
            "promptsListChanged",
            "resourcesListChanged",
            "resourceSubscriptions",
        ];
        let taken = self.topics.iter().any(|(other, _)| **other == *field);
        if taken || SPECIFIED.contains(&field) {
            return Err(format!(
                "subscriptions have a member `{field}` already: rename its own"
            ));
        }
        Ok(())
    }

    /// Whether there are none, which is all that most requests want to know.
    pub(crate) fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    pub(crate) fn declare(&self, capabilities: &mut ServerCapabilities, version: ProtocolVersion) {
        for extension in &self.declared {
            if version >= extension.since {
                let settings = extension.settings.clone();
                capabilities.extensions.insert(&*extension.id, settings);
            }
            if let Some(declare) = extension.declare {
                declare(capabilities, version);
            }
        }
    }

    /// Tells the extension that a change is about.
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    pub(crate) fn observe(&self, change: &TopicChange) {
        let known = self
            .declared
            .iter()
            .find(|known| known.id == change.extension);
        if let Some(Observer(observer)) = known.and_then(|known| known.observer.as_ref()) {
            observer(change);
        }
    }

    /// The method of that name in that revision.
    pub(crate) fn find_method(&self, name: &str, version: ProtocolVersion) -> Option<&KnownMethod> {
        self.methods.iter().find(|method| {
            *method.name == *name && method.since <= version && version <= method.until
        })
    }

    /// Whether the client may use it.
    ///
    /// # Errors
    /// -32021 naming the extension (2026-07-28, extensions: reject with what is required).
    pub(crate) fn admit(
        &self,
        method: &KnownMethod,
        client: &ClientCapabilities,
    ) -> Result<(), RpcError> {
        if method.gated {
            self.require(method.extension, client)?;
        }
        Ok(())
    }

    fn require(&self, extension: usize, client: &ClientCapabilities) -> Result<(), RpcError> {
        let id = self.id(extension);
        if client.extensions.contains_key(id) {
            return Ok(());
        }
        Err(missing_extension(id))
    }

    fn id(&self, extension: usize) -> &str {
        self.declared.get(extension).map_or("", |known| &known.id)
    }

    /// The extension that a method belongs to.
    pub(crate) fn id_of(&self, method: &KnownMethod) -> Arc<str> {
        Arc::clone(&self.declared[method.extension].id)
    }

    /// The member that `Mcp-Name` repeats, for a method of an extension.
    #[cfg(feature = "http")]
    pub(crate) fn name_member(&self, method: &str) -> Option<&str> {
        self.methods
            .iter()
            .find(|known| *known.name == *method)?
            .name_member
            .as_deref()
    }

    /// Where calls that become tasks go.
    pub(crate) fn task_calls(&self) -> Option<u32> {
        self.task_calls.map(|(_, handler)| handler)
    }

    /// Whether a client of 2026-07-28 takes tasks for results.
    ///
    /// # Errors
    /// -32021 where it does not.
    pub(crate) fn require_tasks(&self, client: &ClientCapabilities) -> Result<(), RpcError> {
        match self.task_calls {
            Some((extension, _)) => self.require(extension, client),
            None => Ok(()),
        }
    }

    /// The same where it is not asked for.
    pub(crate) fn takes_tasks(&self, client: &ClientCapabilities) -> bool {
        self.task_calls
            .is_none_or(|(extension, _)| client.extensions.contains_key(self.id(extension)))
    }

    /// Whether the results of `method` may be of this type, for that client.
    pub(crate) fn allows_result(
        &self,
        result_type: &str,
        method: Method,
        client: &ClientCapabilities,
    ) -> bool {
        self.result_types.iter().any(|(known, of, extension)| {
            **known == *result_type
                && *of == method
                && client.extensions.contains_key(self.id(*extension))
        })
    }

    /// The members of a subscription that a client may use, each with its extension.
    pub(crate) fn topics<'a>(
        &'a self,
        client: &'a ClientCapabilities,
    ) -> impl Iterator<Item = (&'a str, &'a Arc<str>)> {
        self.topics.iter().filter_map(|(field, extension)| {
            let id = &self.declared[*extension].id;
            client.extensions.contains_key(id).then_some((&**field, id))
        })
    }

    /// The extension that handshake clients follow the topics of calls of.
    pub(crate) fn task_extension(&self) -> Option<&Arc<str>> {
        self.task_calls
            .map(|(extension, _)| &self.declared[extension].id)
    }

    /// Takes out what only clients of some extension understand.
    pub(crate) fn strip_meta(
        &self,
        meta: &mut mcp_proto::types::Meta,
        client: &ClientCapabilities,
    ) {
        for (key, extension) in &self.meta_keys {
            if !client.extensions.contains_key(self.id(*extension)) {
                meta.remove(key);
            }
        }
    }
}

/// -32021: the request cannot be served to a client without this extension.
pub(crate) fn missing_extension(id: &str) -> RpcError {
    let error = RpcError::new(
        codes::MISSING_CLIENT_CAPABILITY,
        format!("the client must declare the extension {id}"),
    );
    let mut required = ClientCapabilities::default();
    required.extensions.insert(id, Json::empty_object());
    let mut data = Vec::new();
    let mut object = mcp_proto::encode::Object::new(&mut data, ProtocolVersion::LATEST);
    object.field("requiredCapabilities", &required);
    object.end();
    match String::from_utf8(data).map(Json::parse) {
        Ok(Ok(data)) => error.with_data(data),
        // What the encoder writes is JSON.
        _ => error,
    }
}

/// 2026-07-28, basic/index, `_meta`: the grammar of keys, with a prefix that must be there.
fn is_identifier(id: &str) -> bool {
    let Some((prefix, name)) = id.split_once('/') else {
        return false;
    };
    let ends = |text: &str, first: fn(&char) -> bool| {
        text.chars().next().is_some_and(|c| first(&c))
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let label = |label: &str| {
        ends(label, char::is_ascii_alphabetic)
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    prefix.split('.').all(label)
        && ends(name, char::is_ascii_alphanumeric)
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;
    use alloc::string::ToString;
    use mcp_proto::types::Implementation;

    fn built(
        extensions: impl IntoIterator<Item = Extension<()>>,
    ) -> Result<Service<()>, BuildError> {
        let mut builder = Service::builder(Implementation::new("t", "1"));
        for extension in extensions {
            builder = builder.extension(extension);
        }
        builder.build()
    }

    #[test]
    fn identifiers_need_a_prefix_and_a_name() {
        for (id, is) in [
            ("com.example/clock", true),
            ("a/b", true),
            ("io.modelcontextprotocol/tasks", true),
            ("x-1.y/a_b.c-d9", true),
            ("clock", false),
            ("/clock", false),
            ("com.example/", false),
            ("com..example/clock", false),
            ("1com/clock", false),
            ("com-/clock", false),
            ("com.example/-clock", false),
            ("com.example/clo ck", false),
            ("com.example/a/b", false),
        ] {
            assert_eq!(is_identifier(id), is, "{id}");
        }
    }

    #[test]
    fn what_two_would_share_is_a_build_error() {
        let one = || Extension::new("com.example/one");
        let two = || Extension::new("com.example/two");
        let method = |name: &str| ExtensionMethod::new(name, ());
        let old = ProtocolVersion::V2025_11_25;
        let table: [(Vec<Extension<()>>, &str); 10] = [
            (Vec::from([one(), one()]), "it is there already"),
            (Vec::from([Extension::new("one")]), "its name must be"),
            (Vec::from([one().settings(Json::null())]), "a JSON object"),
            (
                Vec::from([one().method(method("a/b")), two().method(method("a/b"))]),
                "a method `a/b`",
            ),
            (
                Vec::from([one().method(method("tools/call"))]),
                "a method `tools/call`",
            ),
            (
                Vec::from([one().result_type("complete", Method::CallTool)]),
                "results of the type `complete`",
            ),
            (
                Vec::from([
                    one().result_type("task", Method::CallTool),
                    two().result_type("task", Method::CallTool),
                ]),
                "results of the type `task`",
            ),
            (
                Vec::from([one().meta_key(keys::SERVER_INFO)]),
                "the `_meta` key",
            ),
            (
                Vec::from([one().topics("toolsListChanged")]),
                "a member `toolsListChanged`",
            ),
            (
                Vec::from([one().task_calls(()), two().task_calls(())]),
                "another extension runs calls",
            ),
        ];
        for (extensions, problem) in table {
            let error = built(extensions).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        // Revisions that do not meet have nothing to share.
        let older = method("a/b").in_revisions(old, old);
        built([one().method(method("a/b")), two().method(older)]).unwrap();
    }

    #[test]
    fn capabilities_follow_the_revision() {
        let service = built([
            Extension::new("com.example/one").declaring(|declared, version| {
                if version == ProtocolVersion::V2025_11_25 {
                    declared.logging = None;
                }
            }),
        ])
        .unwrap();
        let declared = |version| service.capabilities(version);
        let old = declared(ProtocolVersion::V2025_06_18);
        assert!(old.extensions.is_empty() && old.logging.is_some());
        let newer = declared(ProtocolVersion::V2025_11_25);
        assert!(newer.extensions.contains_key("com.example/one") && newer.logging.is_none());
        assert!(declared(ProtocolVersion::LATEST).logging.is_some());
    }
}
