//! The built-in mechanisms of AUTH, each end against the vectors of its RFC, against the other end, and against peers
//! that do not keep to it.

#[cfg(feature = "crypto")]
mod cram_md5;
mod kit;
mod mechanisms;
mod oauth;
#[cfg(feature = "crypto")]
mod scram;
#[cfg(feature = "crypto")]
mod scram_cheats;
#[cfg(feature = "crypto")]
mod scram_vectors;
mod simple;
