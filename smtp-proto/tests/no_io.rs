//! The core names no clock, no socket, no thread and no printing.
//!
//! It is `no_std`, and its only way to the standard library is the feature `std`, which holds `Clock` for drivers. So
//! whatever stands outside `time.rs` could not reach any of these even if it wanted to; this holds that in place.

use std::fs;
use std::path::{Path, PathBuf};

/// The code of every file in `src`, without comments and without its tests, which stand at the end.
fn code() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("UTF-8");
            let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = before_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
            files.push((path, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    files
}

#[test]
fn the_core_does_no_io() {
    let names = [
        "std::",
        "SystemTime",
        "Instant::now",
        ".elapsed(",
        "sleep",
        "spawn",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "File",
        "println!",
        "print!",
        "eprintln!",
        "eprint!",
        "dbg!",
        "log::",
        "tracing::",
    ];
    let mut looked_at = 0;
    for (path, code) in code() {
        looked_at += 1;
        let is_clock = path.ends_with("src/time.rs");
        let speaks_of_errors =
            ["src/config.rs", "src/server/answer.rs", "src/server/incoming.rs"].iter().any(|file| path.ends_with(file));
        for name in names {
            let mut found = code.lines().filter(|line| line.contains(name));
            // `Clock` reads the time for drivers, behind the feature `std`.
            // And an error of I/O is what an application may answer with, and what a reader or an adapter says.
            let is_error = |line: &str| speaks_of_errors && line.contains("std::io::Error");
            let found = found.find(|line| !is_error(line));
            let allowed = is_clock && ["std::", "Instant::now", ".elapsed("].contains(&name);
            assert!(allowed || found.is_none(), "{}: `{name}` in `{}`", path.display(), found.unwrap_or_default());
        }
    }
    println!("{looked_at} files of the core name no clock, socket, thread or printing");
    assert!(looked_at > 40, "all files were found");
}

/// Without the feature `std` there is no standard library to reach.
#[test]
fn the_standard_library_is_a_feature() {
    let lib = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).expect("UTF-8");
    assert!(lib.contains("\n#![no_std]\n"));
    assert_eq!(lib.matches("extern crate std").count(), 1);
    assert!(lib.contains("#[cfg(feature = \"std\")]\nextern crate std;\n"));
    let time = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/time.rs")).expect("UTF-8");
    let (before, after) = time.split_once("#[cfg(feature = \"std\")]").expect("the clock is behind the feature");
    assert!(!before.contains("std::") && after.contains("pub struct Clock"));
}
