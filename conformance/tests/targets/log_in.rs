//! Servers that want a log-in before MAIL.

use smtp_blocking::TestServer;
use smtp_blocking::proto::server::TlsPolicy;
use smtp_conformance::profile::Profile;
use smtp_conformance::suite::Suite;
use smtp_conformance::target::{SocketTarget, Target};
use smtp_conformance::transcript::Transcript;

use crate::sockets::certificate;

const CASES: [(&str, &str); 6] = [
    ("prologue", "state: rcpt\n\nR: A MUST take it\nC: DATA\nS: 354\nC: .\nS: 250\n"),
    ("body", "state: ehlo\n\nR: A MUST take it\nC: MAIL FROM:<$sender>\nS: 250\n"),
    ("itself", "state: greeted\n\nR: A MUST take it\nC: EHLO $client\nS: 250\nC: MAIL FROM:<$sender>\nS: 250\n"),
    ("early", "state: greeted\n\nR: A MUST NOT take it\nC: MAIL FROM:<$sender>\nS: 503 | 530\n"),
    ("auth", "state: ehlo\nneeds: auth\n\nR: A MUST take it\nC: AUTH PLAIN $b64(\\0$user\\0$password)\nS: 235\n"),
    ("other", "state: ehlo\n\nR: A MUST take it\nC: NOOP\nS: 250\n"),
];

/// The verdict of each, with the reason to skip it.
fn verdicts(target: &dyn Target, cases: &[(&str, &str)]) -> Vec<String> {
    let transcripts: Vec<_> = cases
        .iter()
        .map(|(id, rest)| {
            let rest = rest.replace("MUST NOT", "MUST-NOT");
            let text = format!("smtpt: 1\ntitle: t\nrole: server\ncovers: A\n{rest}");
            Transcript::parse(id, &text).expect("a transcript")
        })
        .collect();
    let mut suite = Suite::default();
    suite.transcripts = transcripts.iter().collect();
    suite.targets = vec![target];
    let reports = suite.run(|_| {});
    let outside = |report: &smtp_conformance::verdict::Report| {
        report.findings.iter().find(|it| it.clause.is_none()).map_or(String::new(), |it| format!(": {}", it.got))
    };
    reports.iter().map(|report| format!("{} {}{}", report.transcript, report.verdict, outside(report))).collect()
}

fn profile() -> Profile {
    Profile::new("test.example").recipient("bob@test.example").own()
}

fn target(server: &TestServer, profile: Profile) -> SocketTarget {
    SocketTarget::new("127.0.0.1", server.address().port(), false, profile)
}

fn has(verdicts: &[String], expected: &[&str]) {
    assert_eq!(verdicts.len(), expected.len());
    for (verdict, begin) in verdicts.iter().zip(expected) {
        assert!(verdict.starts_with(begin), "expected {begin}, got {verdict}");
    }
}

#[test]
fn who_wants_a_log_in_gets_one_or_no_mail() {
    let server = TestServer::builder().user("alice", "opensesame").spawn();
    let asks = "it wants a log-in before MAIL: give `user`, `password` and `log_in = true` in the profile: 530 ";
    has(
        &verdicts(&target(&server, profile()), &CASES),
        &[
            &format!("prologue SKIP: {asks}"),
            &format!("body SKIP: {asks}"),
            &format!("itself SKIP: {asks}"),
            "early PASS",
            "auth SKIP: its profile names no user",
            "other PASS",
        ],
    );
    let known = profile().login("alice", "opensesame").logs_in();
    let itself = "itself SKIP: it wants a log-in before MAIL, and the transcript begins the session by itself: 530 ";
    has(
        &verdicts(&target(&server, known), &CASES),
        &["prologue PASS", "body PASS", itself, "early PASS", "auth PASS", "other PASS"],
    );
    assert_eq!(server.messages().len(), 1);
    let wrong = profile().login("alice", "closesesame").logs_in();
    has(&verdicts(&target(&server, wrong), &CASES[..1]), &["prologue ERROR: prologue: AUTH: expected 235, got 535"]);
}

/// What wants TLS, and maybe a log-in there.
#[test]
fn who_wants_tls_gets_no_mail_in_clear() {
    let builder = || TestServer::builder().tls(certificate("127.0.0.1").1);
    let in_tls = ("in-tls", "state: tls\nneeds: tls\n\nR: A MUST take it\nC: MAIL FROM:<$sender>\nS: 250\n");
    let cases = [CASES[0], in_tls];
    let server = builder().configure(|config| config.tls = TlsPolicy::Required).spawn();
    has(
        &verdicts(&target(&server, profile()), &cases),
        &["prologue SKIP: it takes mail behind STARTTLS only: 530 ", "in-tls PASS"],
    );
    let server = builder()
        .user("alice", "opensesame")
        .configure(|config| {
            config.tls = TlsPolicy::Offered;
            config.auth.without_tls = false;
        })
        .spawn();
    let asks = "SKIP: it wants a log-in before MAIL";
    has(&verdicts(&target(&server, profile()), &cases), &[&format!("prologue {asks}"), &format!("in-tls {asks}")]);
    let known = profile().login("alice", "opensesame").logs_in();
    has(&verdicts(&target(&server, known), &cases), &["prologue PASS", "in-tls PASS"]);
}
