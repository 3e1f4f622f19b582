//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod authority;
mod connecting;
mod kill;
mod parse;
mod program;
mod providers;
mod receiving;
mod script;
mod sending;
