//! Functions that cannot be tools.

#![allow(warnings)]

use mcp_server_core::{Cx, resource, tool};

struct Counter;

impl Counter {
    #[tool]
    fn count(&self) -> u32 {
        0
    }
}

#[tool]
fn generic<T: ToString>(value: T) -> String {
    value.to_string()
}

#[tool]
fn borrowing<'a>(value: &'a str) -> &'a str {
    value
}

#[tool]
unsafe fn dangerous(address: usize) -> u8 {
    unsafe { *(address as *const u8) }
}

#[tool]
extern "C" fn foreign() {}

#[tool]
fn displayed(value: impl ToString) -> String {
    value.to_string()
}

#[tool]
fn returned() -> impl ToString {
    1
}

#[tool]
fn unnamed(_: u32) {}

#[tool]
fn apart((a, b): (u32, u32)) -> u32 {
    a + b
}

#[tool]
fn mutable(value: &mut u32) {
    *value += 1;
}

#[tool]
fn nested(value: Option<&str>) -> bool {
    value.is_some()
}

#[tool]
fn everlasting(value: &'static str) -> &'static str {
    value
}

#[tool]
fn dynamic(value: &dyn ToString) -> String {
    value.to_string()
}

#[tool]
fn two_calls(a: &Cx, b: &Cx) -> bool {
    a.is_cancelled() && b.is_cancelled()
}

#[tool]
fn several(mut a: &mut u32, _: u8, c: Vec<&str>) {}

#[tool]
struct NoFunction;

#[resource("data://x")]
const NOR_THIS: u8 = 1;

fn main() {}
