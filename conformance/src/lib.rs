//! The conformance suite of SMTP: transcripts that anyone can read beside the RFCs, and what replays them against a server
//! or a client.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod baseline;
pub mod catalogue;
pub mod check;
pub mod corpus;
pub mod coverage;
pub mod job;
pub mod mutant;
pub mod play;
pub mod profile;
pub mod record;
pub mod report;
pub mod requirement;
pub mod suite;
pub mod target;
pub mod transcript;
pub mod verdict;

pub use check::{Check, Results, check_client, check_server};
pub use profile::Profile;
