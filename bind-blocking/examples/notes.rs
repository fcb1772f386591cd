//! A server with state: notes that tools change, and that clients read as resources.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bind_blocking::prelude::*;

#[derive(Default)]
struct Notes {
    texts: Mutex<BTreeMap<String, String>>,
}

#[components]
impl Notes {
    /// Write a note, replacing what it held.
    #[tool]
    fn write(
        &self,
        /** the note's name */
        name: String,
        /** its text */
        text: String,
        cx: &Cx,
    ) -> String {
        let uri = format!("notes://{name}");
        let answer = format!("written to {uri}");
        self.texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, text);
        // Whoever has subscribed to this note is told.
        if let Some(server) = cx.server() {
            server.resource_updated(uri.as_str());
        }
        answer
    }

    /// The names of all notes.
    #[tool(read_only)]
    fn names(&self) -> Vec<String> {
        self.texts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    /// One note's text.
    #[resource("notes://{name}", mime = "text/plain")]
    fn note(&self, name: String) -> Result<String, ToolError> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts
            .get(&name)
            .cloned()
            .ok_or_else(|| ToolError::new(format!("there is no note `{name}`")))
    }

    /// Ask for a summary of a note.
    #[prompt]
    fn summarize(
        &self,
        /** the note's name */
        name: String,
    ) -> String {
        format!("Summarize the resource notes://{name} in one sentence.")
    }
}

fn main() -> Result<(), Error> {
    serve_stdio(
        server!()
            .instructions("Notes that live as long as this process.")
            .components(Notes::default()),
    )
}
