//! The grammars of RFC 5321 §4.1: examples, properties of every valid text, and enumeration against the ABNF.

mod abnf;
mod address;
mod command;
mod properties;
mod texts;
mod valid;
