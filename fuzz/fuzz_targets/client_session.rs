//! A client session: see `oracles::client_session`.
#![no_main]

#[path = "../../smtp-proto/tests/oracles/mod.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracles::client_session::run(input));
