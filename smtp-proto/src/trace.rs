//! Trace header fields (RFC 5321 §4.4) and loop detection (§6.3).
