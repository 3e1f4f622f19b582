//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod authority;
#[allow(dead_code, reason = "each test program uses a part of it")]
#[path = "../../../smtp-tls/tests/kit/certificates.rs"]
mod certificates;
mod check;
mod composing;
mod connecting;
mod faults;
mod kill;
mod parse;
mod program;
mod providers;
mod python;
mod receiving;
mod script;
mod secrets;
mod sending;
mod tls;
mod users;
