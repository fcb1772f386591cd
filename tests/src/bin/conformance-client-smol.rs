//! The client that the official conformance suite runs, on bind-async-std with smol.

use std::process::ExitCode;

use mcp_tests::{clients::Kind, conformance_client};

fn main() -> ExitCode {
    conformance_client::main(Kind::Smol)
}
