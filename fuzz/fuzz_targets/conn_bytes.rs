#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| mcp_server_core::fuzzing::conn_bytes(input));
