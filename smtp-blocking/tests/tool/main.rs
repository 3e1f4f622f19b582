//! The `smtp` program from outside: what it prints, how it exits, and what survives when it is killed.

mod faults;
mod kill;
mod parse;
mod program;
mod receiving;
mod script;
mod sending;
