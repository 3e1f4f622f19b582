//! Replies: see `oracles::reply`.
#![no_main]

#[path = "../../smtp-proto/tests/oracles/mod.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracles::reply::run(input));
