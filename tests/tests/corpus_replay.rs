//! Every input that a fuzz target's corpus holds, run as an ordinary test.

use std::{fs, path::Path};

use mcp_client_core::fuzzing as client;
use mcp_proto::fuzzing;
use mcp_server_core::fuzzing as server;

/// What a fuzz target does with one input.
type Body = fn(&[u8]);

/// A fuzz target's name and its body.
const TARGETS: &[(&str, Body)] = &[
    ("asks", server::asks),
    ("client_bytes", client::client_bytes),
    ("client_http", client::client_http),
    ("client_tasks", client::client_tasks),
    ("conn_bytes", server::conn_bytes),
    ("era_probe", client::era_probe),
    ("exchange", server::exchange),
    ("header_value", fuzzing::header_value),
    ("json", fuzzing::json),
    ("line", fuzzing::line),
    ("request_state", server::request_state),
    ("rpc", fuzzing::rpc),
    ("sse", fuzzing::sse),
    ("tool_result", fuzzing::tool_result),
    ("uri_template", fuzzing::uri_template),
    ("world", mcp_world::fuzz),
];

fn corpora() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

#[test]
fn every_corpus_holds() {
    for (name, body) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpora().join(name)).unwrap() {
            let input = fs::read(entry.unwrap().path()).unwrap();
            body(&input);
            inputs += 1;
        }
        assert!(inputs > 0, "the corpus of {name} is empty");
    }
}

#[test]
fn no_corpus_is_left_out() {
    let mut folders: Vec<String> = fs::read_dir(corpora())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(folders, names);
}
