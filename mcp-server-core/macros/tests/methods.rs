//! What `#[components]` makes of a struct's methods.

#![allow(missing_docs)]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use mcp_server_core::{ComponentSet, Components, Cx, ServerBuilder, ToolError, components};
use support::{Tester, encoded, yield_now};

#[derive(Default)]
struct Notes {
    notes: Mutex<Vec<String>>,
    reads: AtomicU32,
}

#[components]
impl Notes {
    fn new() -> Self {
        Self::default()
    }

    /// Adds a note.
    #[tool(title = "Add a note", destructive = false)]
    fn add(
        &self,
        /** what to note */
        text: String,
    ) -> usize {
        let mut notes = self.notes.lock().unwrap();
        notes.push(text);
        notes.len()
    }

    #[tool]
    async fn all(
        &self,
        cx: &Cx,
        #[arg(default = ", ")] separator: String,
    ) -> Result<String, ToolError> {
        yield_now().await;
        if cx.is_cancelled() {
            return Err(ToolError::new("cancelled"));
        }
        Ok(self.notes.lock().unwrap().join(&separator))
    }

    #[tool]
    async fn share(self: Arc<Self>) -> bool {
        Arc::strong_count(&self) > 1
    }

    #[tool]
    fn borrow(self: &Arc<Self>, times: u8) -> u8 {
        times
    }

    #[tool]
    fn version() -> &'static str {
        "1"
    }

    /// One note.
    #[mcp_server_core::resource("notes://{index}")]
    fn note(&self, index: usize) -> Option<String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.notes.lock().unwrap().get(index).cloned()
    }

    #[prompt]
    fn summary(&self, style: Option<String>) -> String {
        self.len(style.as_deref().unwrap_or("Sum up"))
    }

    fn len(&self, style: &str) -> String {
        format!("{style} {} notes", self.notes.lock().unwrap().len())
    }

    #[tool]
    #[cfg(any())]
    fn never(&self, argument: DoesNotExist) {}
}

#[test]
fn methods_share_their_struct() {
    let notes = Arc::new(Notes::new());
    let tester = Tester::new(|server| server.components(Arc::clone(&notes)));
    assert_eq!(tester.text("add", r#"{"text": "a"}"#).unwrap(), "1");
    assert_eq!(tester.text("add", r#"{"text": "b"}"#).unwrap(), "2");
    assert_eq!(tester.text("all", "{}").unwrap(), "a, b");
    assert_eq!(tester.text("all", r#"{"separator": "-"}"#).unwrap(), "a-b");
    assert_eq!(tester.text("share", "{}").unwrap(), "true");
    assert_eq!(tester.text("borrow", r#"{"times": 3}"#).unwrap(), "3");
    assert_eq!(tester.text("version", "{}").unwrap(), "1");
    assert_eq!(tester.read("notes://1").unwrap()["text"], "b");
    assert!(tester.read("notes://2").unwrap_err().contains("not found"));
    assert_eq!(tester.prompt("summary", "{}").unwrap(), "Sum up 2 notes");
    // Whoever kept the struct sees what happened.
    assert_eq!(notes.reads.load(Ordering::Relaxed), 2);
    assert_eq!(notes.add("c".into()), 3);
    assert!(tester.0.tool("never").is_none());
    insta::assert_snapshot!(support::pretty(&tester.tool("add")));
}

#[test]
fn a_struct_can_be_given_away() {
    let tester = Tester::new(|server| server.components(Notes::default()));
    assert_eq!(tester.text("add", r#"{"text": "a"}"#).unwrap(), "1");
    assert_eq!(tester.text("all", "{}").unwrap(), "a");
}

/// A struct may be generic in what it holds.
struct Holder<T>(T);

#[components(crate = mcp_server_core)]
impl<T: ToString> Holder<T>
where
    T: Clone,
{
    #[tool(name = "held")]
    fn show(&self) -> String {
        self.0.clone().to_string()
    }
}

#[test]
fn a_generic_struct_is_registered_as_what_it_is() {
    let tester = Tester::new(|server| server.components(Holder(7)));
    assert_eq!(tester.text("held", "{}").unwrap(), "7");
}

struct Both(Notes);

/// Sets of components are made of others.
impl Components for Both {
    fn add_to(self, set: &mut ComponentSet) {
        set.components(self.0).components(Holder("x"));
    }
}

#[test]
fn components_are_made_of_components() {
    let service = ServerBuilder::new("test", "1")
        .components(Both(Notes::new()))
        .build_service()
        .unwrap();
    let names: Vec<_> = service
        .tools()
        .map(|tool| encoded(tool.definition())["name"].clone())
        .collect();
    assert_eq!(names, ["add", "all", "share", "borrow", "version", "held"]);
}
