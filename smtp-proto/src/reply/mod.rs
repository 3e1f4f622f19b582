//! Replies: codes, enhanced status codes, texts, and the answer to EHLO (RFC 5321 §4.2, RFC 3463).

mod code;
mod ehlo;
mod enhanced;
mod reader;
mod text;

pub use code::{Category, Class, ReplyCode};
pub use ehlo::{EhloError, EhloResponse};
pub use enhanced::{Detail, EnhancedCode};
pub use reader::{ReplyError, ReplyLimits, ReplyReader};
pub use text::Reply;
