//! What each role does with everything, in every state: the whole grid as a snapshot, so that a change in behaviour is
//! a visible difference. Set `UPDATE_SNAPSHOTS=1` to write the files anew.

mod kit;

use core::fmt::Write as _;

use bytes::Bytes;
use kit::desk::Desk;
use kit::script::{Caller, Record, serve, settle_server};
use kit::{Cuts, client, client_config, server, server_config};
use smtp_proto::client::{Envelope, Security};
use smtp_proto::reply::{Reply, ReplyCode};
use smtp_proto::sasl::{self, Credentials};
use smtp_proto::server::{Config, Connection, Event, Output, TlsPolicy};
use smtp_proto::{CloseReason, Instant};

fn compare(name: &str, found: &str) {
    let path = format!("{}/tests/snapshots/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, found).expect("the snapshot can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, kept, "{path} differs: if this is meant, set UPDATE_SNAPSHOTS=1");
}

/// A command line for every verb, and lines that are none.
const COMMANDS: [&str; 23] = [
    "HELO c.example",
    "EHLO c.example",
    "LHLO c.example",
    "MAIL FROM:<a@c.example>",
    "RCPT TO:<b@mx.example>",
    "RCPT TO:<no@mx.example>",
    "DATA",
    "BDAT 0 LAST",
    "RSET",
    "SEND FROM:<a@c.example>",
    "SOML FROM:<a@c.example>",
    "SAML FROM:<a@c.example>",
    "VRFY b",
    "EXPN list",
    "HELP",
    "NOOP",
    "QUIT",
    "TURN",
    "ETRN example.org",
    "STARTTLS",
    "AUTH PLAIN",
    "FROB",
    "MAIL a@c.example",
];

/// The ways into each state.
const STATES: [(&str, &[&str]); 5] = [
    ("start", &[]),
    ("helo", &["HELO c.example"]),
    ("ready", &["EHLO c.example"]),
    ("mail", &["EHLO c.example", "MAIL FROM:<a@c.example>"]),
    ("rcpt", &["EHLO c.example", "MAIL FROM:<a@c.example>", "RCPT TO:<b@mx.example>"]),
];

/// The same with TLS and AUTH: what is configured, and the ways into each state.
const LOGIN_STATES: [(&str, Configure, &[&str]); 14] = [
    ("starttls offered: start", |config| config.tls = TlsPolicy::Offered, &[]),
    ("starttls offered: helo", |config| config.tls = TlsPolicy::Offered, &["HELO c.example"]),
    ("starttls offered: ready", |config| config.tls = TlsPolicy::Offered, &["EHLO c.example"]),
    (
        "starttls offered: mail",
        |config| config.tls = TlsPolicy::Offered,
        &["EHLO c.example", "MAIL FROM:<a@c.example>"],
    ),
    ("starttls required: start", |config| config.tls = TlsPolicy::Required, &[]),
    ("starttls required: ready", |config| config.tls = TlsPolicy::Required, &["EHLO c.example"]),
    ("starttls done: start", |config| config.tls = TlsPolicy::Required, &["EHLO c.example", "STARTTLS"]),
    (
        "starttls done: ready",
        |config| config.tls = TlsPolicy::Required,
        &["EHLO c.example", "STARTTLS", "EHLO c.example"],
    ),
    ("certificate wanted", certificate, &["EHLO c.example", "STARTTLS"]),
    ("auth offered: ready", |config| auth(config, false), &["EHLO c.example"]),
    ("auth offered: mail", |config| auth(config, false), &["EHLO c.example", "MAIL FROM:<a@c.example>"]),
    ("auth required: ready", |config| auth(config, true), &["EHLO c.example"]),
    ("auth in progress", |config| auth(config, true), &["EHLO c.example", "AUTH PLAIN"]),
    ("auth done: ready", |config| auth(config, true), &["EHLO c.example", "AUTH PLAIN AGFsaWNlAHNlY3JldA=="]),
];

type Configure = fn(&mut Config);

fn certificate(config: &mut Config) {
    config.tls = TlsPolicy::Offered;
    config.client_certificate = true;
}

fn auth(config: &mut Config, required: bool) {
    config.tls = TlsPolicy::Offered;
    config.auth.mechanisms = vec![sasl::mechanism("PLAIN").expect("built in")];
    config.auth.without_tls = true;
    config.auth.required = required;
}

fn line(command: &str) -> Vec<u8> {
    format!("{command}\r\n").into_bytes()
}

/// The last reply, and how the connection stands behind it.
fn try_command(connection: &mut Connection, prologue: &[&str], command: &str) -> String {
    let mut desk = Desk::default();
    let _ = serve(connection, &mut desk, &[], Cuts::Whole);
    for earlier in prologue {
        let _ = serve(connection, &mut desk, &[&line(earlier)], Cuts::Whole);
    }
    let record = serve(connection, &mut desk, &[&line(command)], Cuts::Whole);
    let code = String::from_utf8_lossy(&record.sent[..3]).into_owned();
    if let Some(reason) = record.closed {
        return format!("{code} {reason:?}");
    }
    if code == "354" {
        return format!("{code} data");
    }
    if code == "334" {
        return format!("{code} exchange");
    }
    // DATA tells the states apart.
    let probe = serve(connection, &mut desk, &[b"DATA\r\n"], Cuts::Whole);
    let told = String::from_utf8_lossy(&probe.sent).into_owned();
    let state = match told {
        told if told.contains("STARTTLS") => "TLS first",
        told if told.contains("authentication required") => "AUTH first",
        told if told.contains("lack of security") => "QUIT only",
        told if told.contains("EHLO") => "start",
        told if told.contains("send MAIL") => "ready",
        told if told.contains("RCPT") || told.contains("no valid") => "mail",
        told if told.starts_with("354") => "rcpt",
        told => panic!("{told}"),
    };
    format!("{code} {state}")
}

/// The server's grid. It holds the order of commands (R-3.3-18, R-4.1.4-01, R-4.1.4-04, R-4.1.4-10, R-4.1.4-11,
/// R-4.1.4-16, R-4.1.4-18, R-4.1.4-19, R-4.1.4-20, R-4.1.4-21, STATE-04, STATE-05, STATE-06), the minimum implementation
/// (R-4.5.1-01, R-4.5.1-02), the replies to each command (R-4.3.2-10 to R-4.3.2-20: R-4.3.2-10, R-4.3.2-11, R-4.3.2-13,
/// R-4.3.2-15, R-4.3.2-16, R-4.3.2-17, R-4.3.2-18, R-4.3.2-19, R-4.3.2-20, R-4.1.1.10-01), and what is left of the
/// service after a 554 greeting (R-3.1-05, R-4.3.2-09), and what TLS and AUTH change (TLS-05, TLS-08, SASL-07,
/// X-3207-4-05, X-3207-4.1-03, X-4954-4-02, X-4954-4-03, X-4954-6-07).
#[test]
fn server_grid() {
    let mut grid = String::from("# reply and next state of the server, by state and command\n");
    for (name, prologue) in STATES {
        writeln!(grid, "\n[{name}]").expect("strings take everything");
        for command in COMMANDS {
            let mut connection = server(server_config());
            let found = try_command(&mut connection, prologue, command);
            writeln!(grid, "{command:<26} {found}").expect("strings take everything");
        }
    }
    writeln!(grid, "\n[refused]").expect("strings take everything");
    for command in COMMANDS {
        let mut connection = server(server_config());
        let Output::Event(Event::Connect(token)) = connection.poll() else { panic!("the connection is asked about") };
        let reply = Reply::new(ReplyCode::TRANSACTION_FAILED, None, "no service");
        connection.reject(Instant::EPOCH, token, reply).expect("the token is due");
        let mut record = Record::default();
        settle_server(&mut connection, &mut Desk::default(), &mut record, &mut Vec::new());
        let record = serve(&mut connection, &mut Desk::default(), &[&line(command)], Cuts::Whole);
        let code = String::from_utf8_lossy(&record.sent[..3]).into_owned();
        let closed = record.closed.map(|reason| format!("{reason:?}")).unwrap_or("refused".into());
        writeln!(grid, "{command:<26} {code} {closed}").expect("strings take everything");
    }
    for (name, configure, prologue) in LOGIN_STATES {
        writeln!(grid, "\n[{name}]").expect("strings take everything");
        for command in COMMANDS.into_iter().chain(["STARTTLS now", "AUTH NONE", "*"]) {
            let mut config = server_config();
            configure(&mut config);
            let found = try_command(&mut server(config), prologue, command);
            writeln!(grid, "{command:<26} {found}").expect("strings take everything");
        }
    }
    compare("server_grid.txt", &grid);
}

/// R-4.2.1-01, R-4.2.1-02, R-4.2.1-03, R-4.2.1-05, R-4.2-14, R-4.3.2-02, REPLY-11: the client's grid: what it does with a reply of each class to everything it may have asked.
#[test]
fn client_grid() {
    const EHLO: &str = "250 mx.example";
    const TLS: &str = "250-mx.example\r\n250 STARTTLS";
    const AUTH: &str = "250-mx.example\r\n250 AUTH PLAIN LOGIN";
    const LOGIN: &str = "250-mx.example\r\n250 AUTH LOGIN";
    const CHALLENGE: &str = "334 VXNlcm5hbWU6";
    // The last two: the security that is asked for, and whether somebody logs in.
    let questions: [(&str, &[&str], Security, bool); 20] = [
        ("connect", &[], Security::Plain, false),
        ("ehlo", &["220 mx.example"], Security::Plain, false),
        ("ehlo, TLS required", &["220 mx.example"], Security::Required, false),
        ("ehlo, TLS opportunistic", &["220 mx.example"], Security::Opportunistic, false),
        ("ehlo, with credentials", &["220 mx.example"], Security::Plain, true),
        ("helo", &["220 mx.example", "500 what"], Security::Plain, false),
        ("starttls, required", &["220 mx.example", TLS], Security::Required, false),
        ("starttls, opportunistic", &["220 mx.example", TLS], Security::Opportunistic, false),
        ("starttls, opportunistic, with credentials", &["220 mx.example", TLS], Security::Opportunistic, true),
        ("auth, the first mechanism", &["220 mx.example", AUTH], Security::Plain, true),
        ("auth, the last mechanism", &["220 mx.example", LOGIN], Security::Plain, true),
        ("auth, a response", &["220 mx.example", LOGIN, CHALLENGE], Security::Plain, true),
        ("auth, the last response", &["220 mx.example", LOGIN, CHALLENGE, CHALLENGE], Security::Plain, true),
        ("auth, cancelled", &["220 mx.example", LOGIN, "334 *"], Security::Plain, true),
        ("mail", &["220 mx.example", EHLO], Security::Plain, false),
        ("rcpt", &["220 mx.example", EHLO, "250 ok"], Security::Plain, false),
        ("data", &["220 mx.example", EHLO, "250 ok", "250 ok"], Security::Plain, false),
        ("dot", &["220 mx.example", EHLO, "250 ok", "250 ok", "354 go"], Security::Plain, false),
        ("rset", &["220 mx.example", EHLO, "250 ok", "550 no"], Security::Plain, false),
        ("quit", &["220 mx.example", EHLO, "250 ok", "250 ok", "354 go", "250 ok"], Security::Plain, false),
    ];
    let replies = ["250 a", "354 b", "450 c", "550 d", "421 e", "650 f", "220 g", "334", "504 h", "eof"];
    let mut grid = String::from("# what the client does, by question and reply\n");
    for (question, prologue, security, has_credentials) in questions {
        writeln!(grid, "\n[{question}]").expect("strings take everything");
        for reply in replies {
            let mut config = client_config();
            config.security = security;
            config.credentials = has_credentials.then(|| Credentials::password("alice", "secret"));
            config.unprotected_credentials = true;
            let mut client = client(config);
            let mut caller = Caller::of(&[b"x\r\n", b"y\r\n"]);
            let envelope =
                || Envelope::new("a@c.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses");
            client.send(Instant::EPOCH, envelope()).expect("room");
            if question == "rset" {
                client.send(Instant::EPOCH, envelope()).expect("room");
            }
            client.quit(Instant::EPOCH);
            let mut record = Record::default();
            for earlier in prologue {
                client.handle_input(Instant::EPOCH, Bytes::from(line(earlier))).expect("input");
                let _ = caller.settle(Instant::EPOCH, &mut client, &mut record);
            }
            let mut record = Record::default();
            if reply == "eof" {
                client.handle_eof(Instant::EPOCH);
            } else {
                client.handle_input(Instant::EPOCH, Bytes::from(line(reply))).expect("input");
            }
            let _ = caller.settle(Instant::EPOCH, &mut client, &mut record);
            let sent = record.sent.escape_ascii().to_string();
            let closed: Option<CloseReason> = record.closed;
            let closed = closed.map(|reason| format!("closed {reason:?}"));
            let upgrade = matches!(client.poll(), smtp_proto::client::Output::UpgradeTls).then(|| "UpgradeTls".into());
            let told = record.log.into_iter().chain(upgrade).chain(closed).collect::<Vec<_>>().join("; ");
            writeln!(grid, "{reply:<6} {sent:<44} {told}").expect("strings take everything");
        }
    }
    compare("client_grid.txt", &grid);
}
