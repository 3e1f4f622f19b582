//! Whole transcripts, played over real sockets.

use core::time::Duration;

use smtp_blocking::TestServer;
use smtp_conformance::play::{Options, play};
use smtp_conformance::profile::Profile;
#[cfg(feature = "adapters")]
use smtp_conformance::target::AdapterTarget;
use smtp_conformance::target::{SocketTarget, Target};
use smtp_conformance::transcript::{Role, Side, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

use crate::kit::{MESSAGE, PATIENCE};

/// A dialogue that both sides of every implementation should know.
const MAIL: &str = r#"smtpt: 1
title: a mail for one who is there and one who is not
role: server
state: ehlo
needs: rcpt badrcpt
chunking: whole bytes lf-split random(3)

R: R-4.1.1.2-01 MUST take a mail
C: MAIL FROM:<$sender>
S: 250
C: RCPT TO:<$badrcpt>
S: 5yz
C: RCPT TO:<$rcpt>
S: 25z
C: DATA
S: 354
C=data @hello.eml
S: 250
C: QUIT
S: 221
S=eof
U= message @hello.eml
U= envelope from=<$sender> to=<$rcpt>
"#;

const STARTTLS: &str = r#"smtpt: 1
title: STARTTLS, and what was known before is forgotten
role: server
state: ehlo
needs: tls

R: X-3207-4.2-01 MUST start again
C: STARTTLS
S: 220
=tls
C: MAIL FROM:<$sender>
S: 503 | 530
C: EHLO $client
S: 250
S- STARTTLS
C: QUIT
S: 221
"#;

const LOGIN: &str = r#"smtpt: 1
title: AUTH inside TLS
role: server
state: tls
needs: tls auth=PLAIN
tags: auth-fail

R: X-4954-4-01 MUST refuse who does not know the password
C: AUTH PLAIN $b64(\0$user\0wrong)
S: 535
C: AUTH PLAIN $b64(\0$user\0$password)
S: 235
C: QUIT
S: 221
"#;

const SPOILT: &str = r#"smtpt: 1
title: a handshake that fails is the end
role: server
state: ehlo
needs: tls

R: X-3207-4.1-01 MUST do nothing in clear afterwards
C: STARTTLS
S: 220
=tls fail
"#;

const SEND: &str = r#"smtpt: 1
title: a mail, accepted
role: client
chunking: whole bytes

S: 220 mx.example ESMTP
C: EHLO $client
S: 250 mx.example
U: send from=<alice@client.example> to=<bob@mx.example> data=@hello.eml
R: R-3.3-01 MUST send a mail
C: MAIL FROM:<alice@client.example> ...
S: 250 2.1.0 ok
C: RCPT TO:<bob@mx.example> ...
S: 250 2.1.5 ok
C: DATA
S: 354 go ahead
C=data @hello.eml
S: 250 2.0.0 queued as 42
U= accepted <bob@mx.example>
"#;

const SEND_REFUSED: &str = r#"smtpt: 1
title: a mail, refused
role: client

S: 220 mx.example ESMTP
C: EHLO $client
S: 250 mx.example
U: send from=<alice@client.example> to=<bob@mx.example> data=@hello.eml
R: R-3.3-01 MUST send a mail
C: MAIL FROM:<alice@client.example> ...
S: 250 2.1.0 ok
C: RCPT TO:<bob@mx.example> ...
S: 250 2.1.5 ok
C: DATA
S: 354 go ahead
C=data @hello.eml
S: 554 5.7.1 no
U= refused <bob@mx.example> 554 5.7.1
"#;

const SEND_TLS: &str = r#"smtpt: 1
title: a mail inside TLS, logged in
role: client
state: auth
needs: tls auth=PLAIN

U: set mechanism=PLAIN
U: send from=<alice@client.example> to=<bob@mx.example> data=@hello.eml
R: R-3.3-01 MUST send a mail
C: MAIL FROM:<alice@client.example> ...
S: 250 2.1.0 ok
C: RCPT TO:<bob@mx.example> ...
S: 250 2.1.5 ok
C: DATA
S: 354 go ahead
C=data @hello.eml
S: 250 2.0.0 queued as 42
U= accepted <bob@mx.example>
"#;

/// What a server that has read the RFC does not do.
const WRONG: &str = r#"smtpt: 1
title: NOOP brings cake
role: server
state: greeted

R: R-4.1.1.9-01 MUST bring cake
C: NOOP
S: 299
"#;

fn transcript(text: &str) -> Transcript {
    let mut transcript = Transcript::parse("inline", text).unwrap_or_else(|error| panic!("{error}"));
    transcript.attachments = vec![("hello.eml".into(), MESSAGE.into())];
    transcript
}

fn report(text: &str, target: &dyn Target) -> Report {
    let transcript = transcript(text);
    let tested = if transcript.role == Role::Client { Side::Client } else { Side::Server };
    let mut options = Options::default();
    options.patience = PATIENCE;
    play(&transcript, tested, target, &options)
}

#[track_caller]
fn passes(text: &str, target: &dyn Target) {
    let report = report(text, target);
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
}

#[test]
fn a_server_in_the_network() {
    let server = TestServer::builder()
        .refuse_recipient(
            "nobody@test.example",
            smtp_blocking::proto::reply::Reply::parse(b"550 5.1.1 no\r\n").expect("one").0,
        )
        .spawn();
    let profile = Profile::new("test.example").recipient("bob@test.example").bad_recipient("nobody@test.example");
    let target = SocketTarget::new("127.0.0.1", server.address().port(), false, profile.own());
    passes(MAIL, &target);
    assert_eq!(server.messages().len(), 4);
    assert!(server.messages().iter().all(|message| message.body == MESSAGE));
    let report = report(WRONG, &target);
    assert_eq!(report.verdict, Verdict::Fail, "{report:#?}");
    assert!(report.dialogue.iter().any(|line| line.contains("NOOP")), "{report:#?}");
}

#[test]
fn tls_and_a_login_in_the_network() {
    let (authority, tls) = crate::sockets::certificate("127.0.0.1");
    let server = TestServer::builder().tls(tls).user("alice", "secret").spawn();
    let profile = Profile::new("test.example").login("alice", "secret").trust(authority).own();
    let target = SocketTarget::new("127.0.0.1", server.address().port(), false, profile);
    for text in [STARTTLS, LOGIN, SPOILT] {
        passes(text, &target);
    }
}

#[cfg(feature = "adapters")]
#[test]
fn adapters_in_both_roles() {
    for name in AdapterTarget::names() {
        println!("{name}");
        let target = AdapterTarget::new(name).expect("it is one of them");
        for text in [MAIL, STARTTLS, LOGIN, SPOILT, SEND, SEND_REFUSED, SEND_TLS] {
            passes(text, &target);
        }
        assert_eq!(report(WRONG, &target).verdict, Verdict::Fail);
    }
}

#[cfg(unix)]
mod programs {
    use super::*;
    use crate::programs::{CURL, profile, smtplib, target};
    use smtp_peers::{find, require};

    fn sends(command: &str) {
        let target = target(command, profile().login("alice", "secret"));
        for text in [SEND, SEND_REFUSED, SEND_TLS] {
            passes(text, &target);
        }
    }

    #[test]
    fn curl() {
        if require("curl", find("curl").ok_or("not installed")).is_some() {
            sends(CURL);
        }
    }

    #[test]
    fn python() {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(command) = smtplib(folder.path()) {
            sends(&command);
        }
    }

    /// A client that cannot do it is skipped, and one that hangs ends when the case does.
    #[test]
    fn odd_clients() {
        assert_eq!(report(SEND, &target("exit 127", profile())).verdict, Verdict::Skip);
        let hangs =
            smtp_conformance::target::ProgramTarget::new("sleep 1000", profile().patient(Duration::from_millis(300)));
        let report = report(SEND, &hangs.expect("a domain"));
        assert_eq!(report.verdict, Verdict::Error, "{report:#?}");
    }

    #[test]
    fn a_server_on_standard_input_and_output() {
        let Some(python) = require("python3", find("python3").ok_or("not installed")) else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("server.py");
        std::fs::write(&script, crate::commands::SERVER).expect("written");
        let target = crate::commands::target(&format!("{} {}", python.display(), script.display()));
        let noop = WRONG.replace("S: 299", "S: 250");
        passes(&noop, &target);
        assert_eq!(report(WRONG, &target).verdict, Verdict::Fail);
    }
}
