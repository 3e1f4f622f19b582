//! A file that comes or goes below these folders is embedded or not: Cargo has to know.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=transcripts");
}
