//! Commands and their parameters (RFC 5321 §4.1).
