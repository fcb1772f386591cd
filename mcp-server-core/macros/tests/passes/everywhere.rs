//! The attributes compile under the strictest lints, without a prelude and beside shadowing names.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub)]
#![forbid(unsafe_code)]

extern crate mcp_server_core as renamed;

/// Shadows what the generated code could mean.
#[allow(dead_code)]
mod shadows {
    pub(crate) struct String;
    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Vec;
    pub(crate) struct Box;
}
#[allow(unused_imports)]
use shadows::*;

/// Adds.
#[renamed::tool]
pub fn add(/** one */ a: &str, b: ::std::option::Option<u8>, #[arg(default = 1)] c: u8) -> u8 {
    let _ = a;
    ::std::option::Option::unwrap_or(b, 0) + c
}

/// Waits.
#[renamed::tool]
pub async fn wait(a: &[u8], cx: &renamed::Cx) -> bool {
    let _ = a;
    cx.is_cancelled()
}

/// Reads.
#[renamed::resource("data://{a}{?b*}", crate = renamed)]
pub fn read(a: u8, b: ::std::vec::Vec<u8>) -> &'static str {
    let _ = (a, b);
    ""
}

/// Says.
#[renamed::prompt]
pub fn say(#[arg(complete = ["x"])] a: &str) -> ::std::string::String {
    ::std::string::ToString::to_string(a)
}

/// Holds.
#[derive(Debug)]
pub struct Holder;

#[renamed::components]
impl Holder {
    /// Shows.
    #[tool]
    pub async fn show(&self, a: u8) -> u8 {
        a
    }
}

fn main() {
    let server = renamed::ServerBuilder::new("x", "1").tool(add).tool(wait).resource(read).prompt(say);
    let built = server.components(Holder).build_service();
    ::std::assert!(built.is_ok());
    ::std::assert_eq!(add("", ::std::option::Option::None, 2), 2);
}
