//! The suite is calibrated: it plays everything on mature programs of others, and nothing is found that is not known.
//!
//! What is known stands in `baselines/`, a file for each program, with the reason in each line. A finding that does not stand
//! there fails the test, and so does a line that is no longer true. The text of a failure has the lines that would have to be
//! written; write none before you have read the RFC, because the error may be that of a transcript.
//!
//! A program that is not installed is left out, out loud; with `SMTP_PEERS=required` in the environment that fails.
#![cfg(unix)]

mod clients;
mod known;
mod matrix;
mod ours;
mod servers;
