//! What must hold for any octets at all. Each function takes the octets of one fuzzer input and panics where something
//! does not hold; the fuzz targets call them, and so do the tests of this folder.
#![allow(dead_code, unreachable_pub, reason = "each program uses a part")]

pub mod body;
pub mod client_session;
pub mod client_view;
pub mod command;
#[path = "../body/drive.rs"]
mod drive;
mod mechanism;
pub mod plan;
#[path = "../body/reference.rs"]
mod reference;
pub mod reply;
pub mod server_session;
pub mod server_view;
#[path = "../grammar/texts.rs"]
mod texts;
