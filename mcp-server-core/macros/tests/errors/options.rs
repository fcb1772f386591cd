//! Options that cannot be meant.

#![allow(warnings)]

use mcp_server_core::{prompt, resource, tool};

#[tool("add")]
fn positional() {}

#[tool(titel = "Add")]
fn misspelt() {}

#[prompt(read_only)]
fn of_another_kind() {}

#[tool(name = "a", name = "b")]
fn twice() {}

#[tool(timeout = "5")]
fn without_unit() {}

#[tool(quick)]
async fn quick_and_async() {}

#[resource]
fn without_uri() {}

#[resource(name = "x", "data://x")]
fn uri_last() {}

#[tool]
fn completed(#[arg(complete = ["a"])] value: String) {}

#[prompt]
fn screened(#[arg(unscreened)] value: String) {}

#[tool]
fn unknown_arg_option(#[arg(min = 1)] value: u8) {}

#[tool]
fn context_as_argument(#[arg(default)] cx: &mcp_server_core::Cx) {}

#[tool]
fn all_and_more(#[arg(flatten)] all: Vec<u8>, more: u8) {}

#[tool]
fn same_names(a: u8, #[arg(rename = "a")] b: u8) {}

#[tool(task = "sometimes")]
fn wrong_task() {}

fn main() {}
