//! A mail as people write it, made by `smtp send`, taken by servers of others and read by Python.

use core::net::SocketAddr;
use std::fs;

use serde_json::json;

use crate::python::{self, Parsed};
use crate::tool;
use smtp_peers::programs::{temporary_folder, wait_for};
use smtp_peers::servers::{Exim, Postfix, Server as _};

#[test]
fn through_postfix() {
    let Some(server) = Postfix::start() else { return };
    arrives_intact(server.address(), || server.files());
}

#[test]
fn through_exim() {
    let Some(server) = Exim::start() else { return };
    arrives_intact(server.address(), || server.files());
}

/// RFC 2046 §5.1, RFC 2183, RFC 2231, RFC 2387: HTML with a text alternative, two pictures in it, and 10 MB under a
/// name that is not ASCII.
fn arrives_intact(server: SocketAddr, files: impl Fn() -> Vec<Vec<u8>>) {
    if !python::is_there() {
        return;
    }
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().expect("text");
    let (html, text) = (include_str!("../tool/pictures.html"), "Two pictures: sunrise and dusk.\n");
    let names = ["sunrise.png", "Dämmerung.png"];
    python::draw(path(names[0]).as_ref(), [230, 120, 20]);
    python::draw(path(names[1]).as_ref(), [40, 60, 160]);
    let large: Vec<u8> = (0..10_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 21) as u8).collect();
    let attachment = path("Größenübersicht – 概要.bin");
    fs::write(&attachment, &large).expect("a new file");
    let inline = [format!("sunrise={}", path(names[0])), format!("dusk@example.org={}", path(names[1]))];
    let address = server.to_string();
    let options = [
        &["--server", &address, "--subject", "Zwei Bilder – und eine große Datei"][..],
        &["--text", text, "--html", html, "--inline", &inline[0], "--inline", &inline[1], "--attach", &attachment],
    ];
    let to = ["Bob Ünlü <bob@example.org>"];
    let sent = tool::send_with(&options.concat(), "Ada <ada@sender.example>", &to, "/dev/null".as_ref());
    sent.expect(0, "accepted").expect_reply(250);

    let stored = wait_for("message in the files of the server", || files().pop());
    let parsed = Parsed::read(&stored);
    assert_eq!(
        parsed.shape(),
        "mixed(alternative(text/plain related(text/html image/png image/png)) application/octet-stream)"
    );
    assert_eq!(parsed.json["subject"], "Zwei Bilder – und eine große Datei");
    assert_eq!(parsed.json["from"], json!([["Ada", "ada@sender.example"]]));
    assert_eq!(parsed.json["to"], json!([["Bob Ünlü", "bob@example.org"]]));
    let [text_part, html_part, first, second, large_part] = parsed.leaves()[..] else { panic!("five parts") };
    assert_eq!((&text_part["text"], &html_part["text"]), (&text.into(), &html.into()));
    for (leaf, (cid, name)) in [first, second].into_iter().zip(["<sunrise>", "<dusk@example.org>"].iter().zip(names)) {
        assert_eq!((&leaf["cid"], &leaf["name"]), (&(*cid).into(), &name.into()));
        assert_eq!(parsed.octets(leaf), fs::read(path(name)).expect("drawn above"));
    }
    assert_eq!(large_part["name"], "Größenübersicht – 概要.bin");
    assert!(parsed.octets(large_part) == large, "the large file is another");
}
