//! Blocks that cannot be sets of components.

#![allow(warnings)]

use std::rc::Rc;

use mcp_server_core::components;

struct A;

#[components]
impl A {
    fn unmarked(&self) {}
}

struct B(u32);

#[components]
impl B {
    #[tool]
    fn changing(&mut self) {
        self.0 += 1;
    }

    #[tool]
    fn taking(self) -> u32 {
        self.0
    }

    #[tool]
    fn counted(self: Rc<Self>) -> u32 {
        self.0
    }

    #[tool]
    #[prompt]
    fn both(&self) {}

    #[resource]
    fn without_uri(&self) {}

    #[resource("data://{id}")]
    fn without_parameter(&self) -> String {
        String::new()
    }

    #[tool(crate = mcp_server_core)]
    fn with_path(&self) {}

    #[tool = "name"]
    fn not_in_parentheses(&self) {}
}

struct C<'a>(&'a str);

#[components]
impl<'a> C<'a> {
    #[tool]
    fn show(&self) -> String {
        self.0.to_owned()
    }
}

struct D;

#[components]
impl Clone for D {
    fn clone(&self) -> Self {
        D
    }
}

#[components]
struct E;

#[components(name = "x")]
impl E {
    #[tool]
    fn f(&self) {}
}

fn main() {}
