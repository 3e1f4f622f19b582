//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod composing;
mod kill;
mod parse;
mod program;
mod python;
mod receiving;
#[path = "../peers/required.rs"]
mod required;
mod script;
mod sending;
