#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| mcp_client_core::fuzzing::client_tasks(input));
