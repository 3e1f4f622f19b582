//! A server session: see `oracles::server_session`.
#![no_main]

#[path = "../../smtp-proto/tests/oracles/mod.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracles::server_session::run(input));
