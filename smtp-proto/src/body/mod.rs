//! Mail data on the wire: dot-stuffing and the end of data (RFC 5321 §4.5.2).
