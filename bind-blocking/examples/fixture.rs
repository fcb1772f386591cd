//! The test fixture as a server, of which instructions and system calls are counted: a few dozen
//! components, tasks and an async `echo`. It is no part of the package, which has no fixture.

#[path = "../../tests/src/fixture/mod.rs"]
#[allow(unreachable_pub)]
mod fixture;

fn main() -> Result<(), bind_blocking::Error> {
    bind_blocking::serve_stdio(fixture::server())
}
