//! Mail between this project and programs that others wrote, over loopback sockets.
//!
//! A program that is not installed is left out, and a line `SKIP name: reason` says so. With `SMTP_PEERS=required` in
//! the environment that is a failure instead.

mod composed;
mod into_library;
mod into_serve;
mod login_into_serve;
mod login_out_of_send;
mod out_of_send;
#[path = "../tool/python.rs"]
mod python;
mod tool;
