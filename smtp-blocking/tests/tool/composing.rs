//! `smtp send` with a message that it makes: what comes out at the other end, read by Python.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use smtp_blocking::{ReceivedMessage, TestServer};
use tempfile::TempDir;

use crate::program::{Run, Serve, run, send};
use crate::python::{self, Parsed};

const TEXT: &str = "Grüße\n.\nFrom here \n";
const HTML: &str = "<p>Grüße</p><img src=\"cid:a\"><img src=\"cid:b@example.org\">";

/// The files that the mails of these tests are made of.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn write(&self, name: &str, octets: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, octets).expect("written");
        path
    }

    fn draw(&self, name: &str, colour: [u8; 3]) -> String {
        let path = self.path(name);
        python::draw(Path::new(&path), colour);
        path
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).into_os_string().into_string().expect("text")
    }
}

/// Sends a mail, and gives what came.
#[track_caller]
fn deliver(arguments: &[&str]) -> ReceivedMessage {
    let mut server = TestServer::spawn();
    let address = server.address().to_string();
    let run = run(&[&["send", "--server", &address], arguments].concat(), b"");
    assert_eq!(run.code, Some(0), "{run:?}");
    server.shutdown();
    let [message] = &server.messages()[..] else { panic!("one message") };
    assert!(message.body.is_ascii());
    for line in message.body.split(|&octet| octet == b'\n') {
        assert!(line.len() <= 998 + 1, "{}", line.escape_ascii());
    }
    message.clone()
}

/// RFC 2046 §5.1, RFC 2387: each combination of what a mail may hold.
#[test]
fn every_shape() {
    if !python::is_there() {
        return;
    }
    let files = Files::new();
    let picture = files.draw("a b.png", [200, 30, 60]);
    let octets: Vec<u8> = (0..=255).collect();
    let [first, second] = [format!("a={picture}"), format!("b@example.org={}", files.write("b.svg", "<svg/>\n"))];
    let [pdf, csv] = [files.write("a.pdf", &octets), files.write("a.csv", "a,ü\nb \r\nc\rd")];
    let options: [&[&str]; 4] = [
        &["--text", TEXT],
        &["--html", HTML],
        &["--inline", &first, "--inline", &second],
        &["--attach", &pdf, "--attach", &csv],
    ];
    let shapes = [
        (0b0000, "text/plain"),
        (0b0001, "mixed(application/pdf text/csv)"),
        (0b0100, "text/html"),
        (0b0101, "mixed(text/html application/pdf text/csv)"),
        (0b0110, "related(text/html image/png image/svg+xml)"),
        (0b0111, "mixed(related(text/html image/png image/svg+xml) application/pdf text/csv)"),
        (0b1000, "text/plain"),
        (0b1001, "mixed(text/plain application/pdf text/csv)"),
        (0b1100, "alternative(text/plain text/html)"),
        (0b1101, "mixed(alternative(text/plain text/html) application/pdf text/csv)"),
        (0b1110, "alternative(text/plain related(text/html image/png image/svg+xml))"),
        (0b1111, "mixed(alternative(text/plain related(text/html image/png image/svg+xml)) application/pdf text/csv)"),
    ];
    for (bits, expected) in shapes {
        let given = [0b1000, 0b0100, 0b0010, 0b0001].map(|bit| bits & bit != 0);
        let mut arguments = vec!["--from", "alice@client.example", "--to", "bob@mx.example", "--subject", "x"];
        arguments.extend(options.iter().zip(given).filter(|(_, is_given)| *is_given).flat_map(|(options, _)| *options));
        let parsed = Parsed::read(&deliver(&arguments).body);
        assert_eq!(parsed.shape(), expected);
        for leaf in parsed.leaves() {
            let octets_of = |path: &str| fs::read(path).expect("written above");
            let about = json!([leaf["disposition"], leaf["name"], leaf["cid"], leaf["charset"]]);
            let expected = match leaf["type"].as_str().expect("a type") {
                "text/plain" => {
                    assert_eq!(leaf["text"], if given[0] { TEXT } else { "" });
                    json!([null, null, null, "utf-8"])
                }
                "text/html" => {
                    // The last line of a mail has an end (R-2.3.8-04), whatever the text that is all there is of it.
                    assert_eq!(leaf["text"].as_str().map(str::trim_end), Some(HTML));
                    json!([null, null, null, "utf-8"])
                }
                "image/png" => {
                    assert_eq!(parsed.octets(leaf), octets_of(&picture));
                    json!(["inline", "a b.png", "<a>", null])
                }
                "image/svg+xml" => {
                    assert_eq!(parsed.octets(leaf), b"<svg/>\n");
                    json!(["inline", "b.svg", "<b@example.org>", null])
                }
                "application/pdf" => {
                    assert_eq!(parsed.octets(leaf), octets);
                    json!(["attachment", "a.pdf", null, null])
                }
                _ => {
                    assert_eq!(parsed.octets(leaf), octets_of(&csv));
                    json!(["attachment", "a.csv", null, "utf-8"])
                }
            };
            assert_eq!(about, expected, "{leaf}");
        }
    }
}

/// RFC 5322 §3.4, RFC 2047: people have names, and no header tells of those who get a blind copy.
#[test]
fn header_says_who_and_what() {
    if !python::is_there() {
        return;
    }
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("not before 1970").as_secs();
    let before = now();
    let subject = format!("Grüße{}", ", an alle".repeat(40));
    let message = deliver(&[
        "--from",
        "Ada Lovelace <ada@client.example>",
        "--to",
        "\"Müller, Änne\" <am@mx.example>",
        "--to",
        "bob@mx.example",
        "--cc",
        "Доктор Ж <d@mx.example>",
        "--cc",
        "<carol@mx.example>",
        "--bcc",
        "Mallory <mallory@mx.example>",
        "--bcc",
        "eve@mx.example",
        "--subject",
        &subject,
    ]);
    let after = now();
    assert_eq!(message.reverse_path, "ada@client.example");
    let recipients = ["am", "bob", "d", "carol", "mallory", "eve"].map(|name| format!("{name}@mx.example"));
    assert_eq!(message.recipients, recipients);
    let text = str::from_utf8(&message.body).expect("ASCII").to_lowercase();
    assert!(!text.contains("bcc") && !text.contains("mallory") && !text.contains("eve@"), "{text}");

    let Value::Object(mut header) = Parsed::read(&message.body).json else { panic!("an object") };
    let date = header["date"].as_u64().expect("seconds since 1970");
    assert!((before..=after).contains(&date), "{date} is not between {before} and {after}");
    assert!(header["message_id"].as_str().is_some_and(|id| id.ends_with("@client.example>")), "{header:?}");
    for name in ["date", "message_id", "fields", "body", "defects"] {
        header.remove(name);
    }
    let expected = json!({
        "subject": subject,
        "from": [["Ada Lovelace", "ada@client.example"]],
        "to": [["Müller, Änne", "am@mx.example"], ["", "bob@mx.example"]],
        "cc": [["Доктор Ж", "d@mx.example"], ["", "carol@mx.example"]],
        "mime_version": "1.0",
    });
    assert_eq!(Value::Object(header), expected);
}

/// RFC 5322 §3.6.4.
#[test]
fn message_ids_differ() {
    let mut server = TestServer::spawn();
    for _ in 0..20 {
        assert_eq!(send(server.address(), &["bob@mx.example"], &["--text", "x"], b"").code, Some(0));
    }
    server.shutdown();
    let id = |message: &ReceivedMessage| {
        let text = str::from_utf8(&message.body).expect("ASCII");
        text.lines().find(|line| line.starts_with("Message-ID: <")).expect("the field").to_owned()
    };
    let ids: BTreeSet<_> = server.messages().iter().map(id).collect();
    assert_eq!(ids.len(), 20);
}

/// RFC 2183 §2.3, RFC 2231: names of files of any characters that a file system allows, and any length.
#[test]
fn names_of_files() {
    if !python::is_there() {
        return;
    }
    let files = Files::new();
    let names = [
        r#"a"b;c\d=e,f%20'g'.txt"#.to_owned(),
        "Größe.txt".into(),
        r#"Grö"ße;\.txt"#.into(),
        "Jahresabschluß, 2026 – 概要.txt".into(),
        "a\tb\r\nBcc: m@b.example\u{1}.txt".into(),
        format!("{}.txt", "long ".repeat(45)),
        format!("{}.txt", "x".repeat(250)),
        format!("{}.txt", "漢字".repeat(40)),
        format!("{}.txt", r#"\""#.repeat(100)),
    ];
    let mut arguments = ["--from", "alice@client.example", "--to", "bob@mx.example"].map(str::to_owned).to_vec();
    for name in &names {
        arguments.extend(["--attach".into(), files.write(name, name)]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let message = deliver(&arguments);
    let parsed = Parsed::read(&message.body);
    assert!(!parsed.json["fields"].as_array().expect("an array").contains(&"Bcc".into()));
    let leaves = parsed.leaves();
    assert_eq!(leaves.len(), names.len());
    for (leaf, name) in leaves.iter().zip(&names) {
        assert_eq!(leaf["name"], name.as_str());
        assert_eq!((parsed.octets(leaf), &leaf["encoding"]), (name.as_bytes(), &"base64".into()));
    }
}

/// A mail as people write it, with pictures and a large file, through the disk of `smtp serve`.
#[test]
fn pictures_and_a_large_file_arrive() {
    if !python::is_there() {
        return;
    }
    let files = Files::new();
    let pictures = [files.draw("sunrise.png", [230, 120, 20]), files.draw("Dämmerung.png", [40, 60, 160])];
    // No octet follows from the one before in a way that a wrong length or order would hide.
    let large: Vec<u8> = (0..10_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 21) as u8).collect();
    let [inline_one, inline_two] = [format!("sunrise={}", pictures[0]), format!("dusk@example.org={}", pictures[1])];
    let attachment = files.write("Größenübersicht – 概要.bin", &large);
    let html = format!("@{}", files.write("mail.html", PICTURES));
    let server = Serve::start(&[]);
    let arguments = [
        "--subject",
        "Zwei Bilder – und eine große Datei",
        "--text",
        "Two pictures: sunrise and dusk.\n",
        "--html",
        &html,
        "--inline",
        &inline_one,
        "--inline",
        &inline_two,
        "--attach",
        &attachment,
    ];
    let run = send(server.address(), &["Bob Ünlü <bob@mx.example>"], &arguments, b"");
    assert_eq!((run.code, &run.json()["recipients"][0]["address"]), (Some(0), &"bob@mx.example".into()), "{run:?}");

    let [stored] = &server.messages()[..] else { panic!("one message") };
    let parsed = Parsed::read(stored);
    assert_eq!(
        parsed.shape(),
        "mixed(alternative(text/plain related(text/html image/png image/png)) application/octet-stream)"
    );
    assert_eq!(parsed.json["subject"], "Zwei Bilder – und eine große Datei");
    assert_eq!(parsed.json["to"], json!([["Bob Ünlü", "bob@mx.example"]]));
    let [text, html, first, second, large_file] = parsed.leaves()[..] else { panic!("five parts") };
    assert_eq!(text["text"], "Two pictures: sunrise and dusk.\n");
    assert_eq!(html["text"], PICTURES);
    assert_eq!((&first["cid"], &first["name"]), (&"<sunrise>".into(), &"sunrise.png".into()));
    assert_eq!((&second["cid"], &second["name"]), (&"<dusk@example.org>".into(), &"Dämmerung.png".into()));
    for (leaf, path) in [first, second].into_iter().zip(&pictures) {
        assert_eq!(parsed.octets(leaf), fs::read(path).expect("drawn above"));
    }
    assert_eq!(large_file["name"], "Größenübersicht – 概要.bin");
    assert!(parsed.octets(large_file) == large, "the large file is another");
}

const PICTURES: &str = include_str!("pictures.html");

/// A message that comes from elsewhere is not touched: all of --to, --cc and --bcc say only who gets it.
#[test]
fn copies_of_a_message_from_elsewhere() {
    let mut server = TestServer::spawn();
    let more = ["--cc", "C <c@mx.example>", "--bcc", "d@mx.example"];
    assert_eq!(send(server.address(), &["B <b@mx.example>"], &more, b"Subject: x\r\n\r\ny\r\n").code, Some(0));
    assert_eq!(send(server.address(), &[], &more, b"Subject: x\r\n\r\ny\r\n").code, Some(0));
    server.shutdown();
    let messages = server.messages();
    assert_eq!(messages[0].recipients, ["b@mx.example", "c@mx.example", "d@mx.example"]);
    assert_eq!(messages[1].recipients, ["c@mx.example", "d@mx.example"]);
    assert!(messages.iter().all(|message| message.body == b"Subject: x\r\n\r\ny\r\n"[..]));
}

#[test]
fn text_from_standard_input() {
    let mut server = TestServer::spawn();
    let run = send(server.address(), &["b@mx.example"], &["--subject", "x", "--text", "@-"], b"one\ntwo\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    server.shutdown();
    assert!(server.messages()[0].body.ends_with(b"\r\n\r\none\r\ntwo\r\n"));
}

/// What cannot be read is named, and nobody is bothered with half a mail.
#[test]
fn files_that_cannot_be_read() {
    // Whoever connected would wait for ever.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let files = Files::new();
    let latin = files.write("latin", b"Gr\xfc\xdfe");
    let [missing, folder] = [files.path("no such"), files.folder.path().to_str().expect("text").to_owned()];
    let expect = |arguments: &[&str], code: i32, verdict: &str, name: &str| {
        let run = send(listener.local_addr().expect("bound above"), &["b@mx.example"], arguments, b"");
        let json = run.json();
        assert_eq!((run.code, &json["recipients"][0]["verdict"]), (Some(code), &verdict.into()), "{run:?}");
        assert_eq!((&json["result"], &json["stage"]), (&"error".into(), &"connect".into()));
        assert!(run.errors.contains(name), "no `{name}` in {run:?}");
    };
    for path in [&missing, &folder] {
        expect(&["--attach", path], 74, "temporary", path);
        expect(&["--text", &format!("@{path}")], 74, "temporary", path);
        expect(&["--html", &format!("@{path}")], 74, "temporary", path);
        expect(&["--html", "x", "--inline", &format!("a={path}")], 74, "temporary", path);
    }
    expect(&[&missing], 74, "temporary", &missing);
    expect(&["--text", &format!("@{latin}")], 65, "permanent", &latin);
}

#[test]
fn wrong_usage() {
    let files = Files::new();
    let file = files.write("file", "x");
    let inline = |cid: &str| format!("{cid}={file}");
    let wrong = |arguments: &[&str]| {
        let arguments = [&["send", "--server", "127.0.0.1:1", "--from", "a@b.example"], arguments].concat();
        let Run { code, output, errors } = run(&arguments, b"");
        assert_eq!((code, output.as_str(), errors.is_empty()), (Some(64), "", false), "{arguments:?}: {errors}");
    };
    let with_html = |arguments: &[&str]| wrong(&[&["--to", "b@mx.example", "--html", "x"], arguments].concat());
    for cid in ["", "a b", "a<b", "a>b", "a\rb", "a\nb", "<a>", "cid:a", "ä"] {
        with_html(&["--inline", &inline(cid)]);
    }
    with_html(&["--inline", "a"]);
    with_html(&["--inline", "a="]);
    with_html(&["--inline", &inline("a"), "--inline", &inline("a")]);
    with_html(&["--html", "y"]);
    with_html(&["--cc", "c"]);
    with_html(&["--bcc", "C <c@mx.example>, d@mx.example"]);
    with_html(&["--subject", "a\nBcc: c@mx.example"]);
    with_html(&["--text", "@"]);
    with_html(&["--to", "C\r\nBcc: d@mx.example <c@mx.example>"]);
    for option in [["--subject", "x"], ["--text", "x"], ["--body", "x"], ["--html", "x"], ["--attach", &file]] {
        wrong(&[&["--to", "b@mx.example"], &option[..], &[&file]].concat());
    }
    wrong(&["--to", "b@mx.example", "--inline", &inline("a")]);
    wrong(&["--to", "b@mx.example", "--text", "@-", "--html", "@-"]);
    wrong(&["--text", "x"]);
}
