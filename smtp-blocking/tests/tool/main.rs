//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod authority;
mod check;
mod connecting;
mod kill;
mod login;
mod parse;
mod program;
mod providers;
mod receiving;
mod script;
mod sending;
mod tls;
