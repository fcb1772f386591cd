//! Templates that do not fit their functions, or are none.

#![allow(warnings)]

use mcp_server_core::resource;

#[resource("notes/{id}")]
fn no_scheme(id: String) -> String {
    id
}

#[resource("data://{id")]
fn unclosed(id: String) -> String {
    id
}

#[resource("data://{id}/{id}")]
fn duplicate(id: String) -> String {
    id
}

#[resource("data://{a}{b}")]
fn neighbours(a: String, b: String) -> String {
    a + &b
}

#[resource("data://{id}/{part}{?page,size}")]
fn missing_parameters(id: String) -> String {
    id
}

#[resource("data://{id}")]
fn extra_parameter(id: String, page: Option<u32>) -> String {
    format!("{id}{page:?}")
}

#[resource("data://all")]
fn no_variables(id: String) -> String {
    id
}

#[resource("data://{id}{?page}")]
fn required_query(id: String, page: u32) -> String {
    format!("{id}{page}")
}

#[resource("data://{user-id}")]
fn hyphen(id: String) -> String {
    id
}

#[resource("data://x")]
fn screened(#[arg(unscreened, default)] id: String) -> String {
    id
}

fn main() {}
