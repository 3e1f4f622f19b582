//! The body codec against a naive reference.

mod blocks;
mod drive;
mod end_of_data;
mod enumeration;
mod random;
mod reference;
mod sending;
