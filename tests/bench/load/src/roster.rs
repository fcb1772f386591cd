//! Who is compared.

use std::path::{Path, PathBuf};

use crate::wire::{Call, Era, Transport};

/// One implementation, and its programs.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// `COMMAND stdio`.
    pub(crate) stdio: Option<Vec<PathBuf>>,
    /// `COMMAND http --port N`.
    pub(crate) http: Option<Vec<PathBuf>>,
    pub(crate) path: &'static str,
    pub(crate) eras: &'static [Era],
    /// Machine code, which callgrind can count in reasonable time.
    pub(crate) native: bool,
    /// Whether it has listen streams, and why not.
    pub(crate) listens: bool,
    pub(crate) without_listens: &'static str,
    /// Whether it keeps sessions over HTTP, and why not.
    pub(crate) sessions: bool,
    pub(crate) without_sessions: &'static str,
    /// Why it is not asked in one of the eras.
    pub(crate) without_era: &'static str,
    /// `COMMAND COUNT stdio | http --port N`: a server with room for as many sessions and streams
    /// as the curves go up to, with a quick tool, and with so many more tools.
    pub(crate) own: Option<PathBuf>,
    /// `COMMAND COUNT SERVER...`.
    pub(crate) client: Option<PathBuf>,
    /// The smallest program: its file, and its package in a manifest.
    pub(crate) hello: Option<PathBuf>,
    /// The manifest of the smallest program.
    pub(crate) hello_manifest: Option<PathBuf>,
}

impl Entry {
    pub(crate) fn command(&self, transport: Transport) -> Option<&[PathBuf]> {
        match transport {
            Transport::Stdio => self.stdio.as_deref(),
            Transport::Http => self.http.as_deref(),
        }
    }

    /// The same with room for more and so many more tools, where there is such a program.
    pub(crate) fn own(&self, tools: usize) -> Self {
        let mut entry = self.clone();
        if let Some(own) = &self.own {
            let command = vec![own.clone(), tools.to_string().into()];
            (entry.stdio, entry.http) = (Some(command.clone()), Some(command));
        }
        entry
    }

    /// The same with the server that offers this.
    pub(crate) fn for_call(&self, call: Call) -> Self {
        match call {
            Call::Quick(_) => self.own(0),
            _ => self.clone(),
        }
    }

    /// Its title without Markdown.
    pub(crate) fn label(&self) -> String {
        self.title.replace("**", "")
    }

    /// A file of its servers that is not there.
    pub(crate) fn missing(&self) -> Option<&Path> {
        let files = self.stdio.iter().chain(&self.http).flatten();
        let mut files = files.chain(&self.own).map(PathBuf::as_path);
        files.find(|file| !file.exists())
    }

    /// Whether this can be asked of it.
    pub(crate) fn takes(&self, transport: Transport, era: Era) -> bool {
        self.command(transport).is_some() && self.eras.contains(&era)
    }
}

const BOTH: &[Era] = &[Era::Legacy, Era::Modern];

/// `tests/bench`.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the folder")
}

fn entry(name: &'static str, title: &'static str, command: Vec<PathBuf>) -> Entry {
    Entry {
        name,
        title,
        stdio: Some(command.clone()),
        http: Some(command),
        path: "/mcp",
        eras: BOTH,
        native: true,
        listens: true,
        without_listens: "",
        sessions: true,
        without_sessions: "",
        without_era: "",
        own: None,
        client: None,
        hello: None,
        hello_manifest: None,
    }
}

/// All of them: the limit, ours, the peers. Which of their programs exist is seen when they run.
pub(crate) fn all() -> Vec<Entry> {
    let here = folder();
    let root = here.ancestors().nth(2).expect("it is in the repository");
    let ours = |name: &str| vec![root.join("target/release").join(name)];
    let built = |name: &str| vec![here.join("target/release").join(name)];
    let python = |name: &str| {
        let interpreter = root.join("tests/.peers/python/bin/python");
        vec![interpreter, here.join("peers/python").join(name)]
    };
    let node = root.join("tests/.peers/npm/node_modules/.bin/node");
    let program = |name: &str| Some(here.join("target/release").join(name));

    let mut null = entry("null", "the limit", built("null-stdio"));
    null.sessions = false;
    null.without_sessions = "it keeps none";
    null.http = Some(built("null-http"));
    let mut blocking = entry("blocking", "**bind-blocking**", ours("fixture-blocking"));
    blocking.own = program("ours-blocking");
    blocking.client = program("client-blocking");
    blocking.hello = program("hello-ours");
    blocking.hello_manifest = Some(here.join("hello/ours/Cargo.toml"));
    let mut tokio = entry("tokio", "**bind-tokio**", ours("fixture-tokio"));
    tokio.own = program("ours-tokio");
    tokio.client = program("client-tokio");
    let mut smol = entry("smol", "**bind-async-std** (smol)", ours("fixture-smol"));
    smol.own = program("ours-smol");
    smol.client = program("client-smol");
    let mut rmcp = entry("rmcp", "rmcp", built("rmcp-default"));
    rmcp.listens = false;
    rmcp.without_listens = "it grants nothing to listen to unless its handler says what";
    rmcp.client = program("rmcp-client");
    rmcp.hello = program("hello-rmcp");
    rmcp.hello_manifest = Some(here.join("hello/rmcp/Cargo.toml"));
    let tuned = vec![here.join("target/tuned/rmcp-tuned")];
    let mut tuned = entry("rmcp-tuned", "rmcp, tuned", tuned);
    tuned.sessions = false;
    tuned.without_sessions = "it was tuned to have none";
    let mut tower = entry("tower-mcp", "tower-mcp", built("peer-tower-mcp"));
    tower.path = "/";
    let mut rust_mcp = entry("rust-mcp-sdk", "rust-mcp-sdk", built("peer-rust-mcp-sdk"));
    rust_mcp.eras = &[Era::Modern];
    rust_mcp.without_era = "version 2 speaks 2026-07-28 only";
    let mut python_sdk = entry("python", "Python SDK", python("sdk_server.py"));
    python_sdk.native = false;
    let mut fastmcp = entry("fastmcp", "FastMCP", python("fastmcp_server.py"));
    fastmcp.native = false;
    let script = here.join("peers/typescript/sdk_server.mjs");
    let mut typescript = entry("typescript", "TypeScript SDK", vec![node, script]);
    typescript.native = false;
    typescript.eras = &[Era::Legacy];
    typescript.without_era = "version 1 does not speak 2026-07-28";
    vec![
        null, blocking, tokio, smol, rmcp, tuned, tower, rust_mcp, python_sdk, fastmcp, typescript,
    ]
}
