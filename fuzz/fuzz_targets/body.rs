//! The body codec: see `oracles::body`.
#![no_main]

#[path = "../../smtp-proto/tests/oracles/mod.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracles::body::run(input));
