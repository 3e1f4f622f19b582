//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod connecting;
mod kill;
mod parse;
mod program;
mod receiving;
mod script;
mod sending;
