//! The grammars of RFC 5321 §4.1: examples, properties of every valid text, and enumeration against the ABNF.
#![expect(clippy::disallowed_macros, reason = "a test prints how much it went through")]

mod abnf;
mod address;
mod command;
mod properties;
mod valid;
