//! The official JSON Schemas, one set a revision: does a message say what its revision says it must?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The variable that names the folder with one sub-folder a revision, each with a `schema.json`.
const FOLDER_VARIABLE: &str = "MCP_SPEC_DIR";

/// Requests whose result has no name of its own.
const EMPTY_RESULTS: [&str; 4] = [
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// Members that hold what others define: a schema, arguments, metadata.
const OPEN_MEMBERS: [&str; 9] = [
    "_meta",
    "arguments",
    "experimental",
    "extensions",
    "input",
    "inputSchema",
    "metadata",
    "outputSchema",
    "structuredContent",
];

/// The folder of the official schemas, from the environment or found above the crate.
#[must_use]
pub fn spec_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return Some(PathBuf::from(folder));
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/spec"))
        .find(|folder| folder.is_dir())
}

/// Every revision's schema.
#[derive(Debug)]
pub struct Schemas {
    revisions: BTreeMap<String, Revision>,
}

impl Schemas {
    /// Loads them; `None` where the folder is absent.
    ///
    /// # Panics
    /// When the folder is there and its files are not readable JSON.
    #[must_use]
    pub fn load() -> Option<Self> {
        let folder = spec_folder()?;
        let entries = std::fs::read_dir(&folder).expect("the folder of schemas is readable");
        let mut revisions = BTreeMap::new();
        for entry in entries {
            let path = entry.expect("its entries are").path();
            let file = path.join("schema.json");
            if !file.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("a schema is readable");
            let document = serde_json::from_str(&text).expect("a schema is JSON");
            let name = path.file_name().expect("a folder has a name");
            revisions.insert(name.to_string_lossy().into_owned(), Revision::new(document));
        }
        assert!(!revisions.is_empty(), "no schema in {}", folder.display());
        Some(Self { revisions })
    }

    /// One revision's schema.
    #[must_use]
    pub fn revision(&self, version: &str) -> Option<&Revision> {
        self.revisions.get(version)
    }
}

/// How much a message may say beyond its schema.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Strictness {
    /// The schema as published: unknown members are allowed.
    Published,
    /// Nothing but what the revision defines, except where others define it (`_meta`, schemas,
    /// arguments): what an encoder that downgrades exactly must hold to.
    Closed,
}

/// One revision's schema, its validators compiled on first use.
pub struct Revision {
    definitions: &'static str,
    published: Value,
    closed: Value,
    by_method: BTreeMap<String, String>,
    compiled: Mutex<BTreeMap<(Strictness, String), Arc<Validator>>>,
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Revision").field(&self.definitions).finish()
    }
}

impl Revision {
    fn new(document: Value) -> Self {
        let definitions = ["$defs", "definitions"]
            .into_iter()
            .find(|key| document.get(key).is_some())
            .expect("a schema has definitions");
        let named = document[definitions]
            .as_object()
            .expect("they are an object");
        let by_method = named
            .iter()
            .filter_map(|(name, schema)| {
                let method = schema["properties"]["method"]["const"].as_str()?;
                Some((method.to_owned(), name.clone()))
            })
            .collect();
        let mut closed = document.clone();
        for schema in closed[definitions]
            .as_object_mut()
            .into_iter()
            .flat_map(|map| map.values_mut())
        {
            close(schema);
        }
        Self {
            definitions,
            published: document,
            closed,
            by_method,
            compiled: Mutex::default(),
        }
    }

    /// Whether the revision has a definition of that name.
    #[must_use]
    pub fn defines(&self, definition: &str) -> bool {
        self.published[self.definitions].get(definition).is_some()
    }

    /// What is wrong with `value` as a `definition`, if anything.
    ///
    /// # Errors
    /// The violations, each with its place.
    pub fn check(
        &self,
        definition: &str,
        value: &Value,
        strictness: Strictness,
    ) -> Result<(), String> {
        if !self.defines(definition) {
            return Err(format!("this revision has no {definition}"));
        }
        let validator = self.validator(definition, strictness);
        let violations: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{} at {:?}", error, error.instance_path().to_string()))
            .collect();
        if violations.is_empty() {
            return Ok(());
        }
        Err(format!("not a {definition}: {}", violations.join("; ")))
    }

    fn validator(&self, definition: &str, strictness: Strictness) -> Arc<Validator> {
        let key = (strictness, definition.to_owned());
        let mut compiled = self.compiled.lock().expect("no validator panics");
        let validator = compiled.entry(key).or_insert_with(|| {
            let document = match strictness {
                Strictness::Published => &self.published,
                Strictness::Closed => &self.closed,
            };
            let schema = json!({
                "$schema": document["$schema"],
                "$ref": format!("#/{}/{definition}", self.definitions),
                (self.definitions): document[self.definitions],
            });
            let built = jsonschema::options()
                .should_validate_formats(true)
                .build(&schema);
            Arc::new(built.expect("the official schemas are valid"))
        });
        Arc::clone(validator)
    }

    /// Checks a request or a notification by its method.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_call(&self, message: &Value, strictness: Strictness) -> Result<(), String> {
        let method = message["method"].as_str().ok_or("no method")?;
        let definition = self
            .by_method
            .get(method)
            .ok_or_else(|| format!("this revision has no method {method}"))?;
        let envelope = if message.get("id").is_some() {
            "JSONRPCRequest"
        } else {
            "JSONRPCNotification"
        };
        self.check(envelope, message, Strictness::Published)?;
        // Up to 2025-06-18 a method's definition is only what its envelope does not say.
        let inner = self.published[self.definitions][definition]["properties"]
            .get("jsonrpc")
            .is_none();
        let mut body = message.clone();
        if let (true, Some(body)) = (inner, body.as_object_mut()) {
            body.remove("jsonrpc");
            body.remove("id");
        }
        self.check(definition, &body, strictness)
    }

    /// Checks an answer by the method of the request that it answers.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_answer(
        &self,
        method: &str,
        message: &Value,
        strictness: Strictness,
    ) -> Result<(), String> {
        if let Some(error) = message.get("error") {
            return self.check_error(message, error);
        }
        let envelope = self.first_of(&["JSONRPCResultResponse", "JSONRPCResponse"]);
        self.check(envelope, message, Strictness::Published)?;
        let result = &message["result"];
        if result["resultType"] == "input_required" {
            return self.check("InputRequiredResult", result, strictness);
        }
        let request = self
            .by_method
            .get(method)
            .ok_or_else(|| format!("this revision has no method {method}"))?;
        if EMPTY_RESULTS.contains(&method) {
            return self.check("EmptyResult", result, strictness);
        }
        self.check(&request.replace("Request", "Result"), result, strictness)
    }

    fn check_error(&self, message: &Value, error: &Value) -> Result<(), String> {
        let envelope = self.first_of(&["JSONRPCErrorResponse", "JSONRPCError"]);
        self.check(envelope, message, Strictness::Published)?;
        let typed = match error["code"].as_i64() {
            Some(-32020) => "HeaderMismatchError",
            Some(-32021) => "MissingRequiredClientCapabilityError",
            Some(-32022) => "UnsupportedProtocolVersionError",
            _ => return Ok(()),
        };
        // A server of 2026-07-28 alone answers `initialize` with one that older schemas do not have.
        if self.defines(typed) {
            self.check(typed, message, Strictness::Published)?;
        }
        Ok(())
    }

    fn first_of(&self, names: &[&'static str]) -> &'static str {
        let found = names.iter().find(|name| self.defines(name));
        found.expect("every revision has one of them")
    }
}

/// Forbids unknown members in every object whose members the schema lists.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(map) => {
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            for (key, value) in map.iter_mut() {
                match (key.as_str(), value) {
                    ("properties", Value::Object(members)) => {
                        let closed = members
                            .iter_mut()
                            .filter(|(name, _)| !OPEN_MEMBERS.contains(&name.as_str()));
                        closed.for_each(|(_, member)| close(member));
                    }
                    ("items" | "anyOf" | "allOf" | "oneOf", value) => close(value),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Option<Schemas> {
        let schemas = Schemas::load();
        if schemas.is_none() {
            let _ = crate::peers::skip(&format!(
                "no folder of schemas; {FOLDER_VARIABLE} may name one"
            ));
        }
        schemas
    }

    #[test]
    fn the_published_examples_are_what_their_definitions_say() {
        let (Some(schemas), Some(folder)) = (schemas(), spec_folder()) else {
            return;
        };
        let revision = schemas.revision("2026-07-28").unwrap();
        let mut checked = 0;
        for definition in std::fs::read_dir(folder.join("2026-07-28/examples")).unwrap() {
            let definition = definition.unwrap();
            let name = definition.file_name().into_string().unwrap();
            for file in std::fs::read_dir(definition.path()).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                let value = serde_json::from_str(&text).unwrap();
                revision
                    .check(&name, &value, Strictness::Published)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                checked += 1;
            }
        }
        assert!(checked > 80, "{checked}");
    }

    #[test]
    fn calls_and_answers_are_checked_by_their_method_in_every_revision() {
        let Some(schemas) = schemas() else { return };
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x"}});
        let wrong =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}});
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}});
        let later =
            json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "resultType": "complete"}});
        let bad = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": "text"}});
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let revision = schemas.revision(version).unwrap();
            for strictness in [Strictness::Published, Strictness::Closed] {
                revision.check_call(&call, strictness).unwrap();
                revision
                    .check_answer("tools/call", &answer, strictness)
                    .unwrap();
                assert!(revision.check_call(&wrong, strictness).is_err());
                assert!(
                    revision
                        .check_answer("tools/call", &bad, strictness)
                        .is_err()
                );
            }
            assert!(
                revision
                    .check_answer("tools/call", &later, Strictness::Closed)
                    .is_err()
            );
            assert!(
                revision
                    .check_answer("server/discover", &answer, Strictness::Published)
                    .is_err()
            );
        }
        let newest = schemas.revision("2026-07-28").unwrap();
        newest
            .check_answer("tools/call", &later, Strictness::Closed)
            .unwrap();
        assert!(
            newest
                .check_answer("tools/call", &answer, Strictness::Published)
                .is_err()
        );
        assert!(
            newest.check_call(&call, Strictness::Published).is_err(),
            "no _meta"
        );
    }

    #[test]
    fn closing_rejects_what_a_revision_does_not_have() {
        let Some(schemas) = schemas() else { return };
        let list = |tool: Value| json!({"jsonrpc": "2.0", "id": "a", "result": {"tools": [tool]}});
        let schema = json!({"type": "object", "additionalProperties": false, "$defs": {}});
        let plain = list(json!({"name": "x", "inputSchema": schema, "_meta": {"any": 1}}));
        let titled = list(json!({"name": "x", "title": "X", "inputSchema": schema}));
        let check = |version, message: &Value| {
            let revision = schemas.revision(version).unwrap();
            revision.check_answer("tools/list", message, Strictness::Closed)
        };
        check("2025-06-18", &plain).unwrap();
        check("2025-06-18", &titled).unwrap();
        assert!(check("2025-03-26", &titled).unwrap_err().contains("title"));
        assert!(check("2024-11-05", &titled).unwrap_err().contains("title"));
    }
}
