//! Replies, reply codes and the EHLO response (RFC 5321 §4.2).
