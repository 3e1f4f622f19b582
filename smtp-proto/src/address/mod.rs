//! Mailboxes, paths and domains (RFC 5321 §4.1.2, §4.1.3).
