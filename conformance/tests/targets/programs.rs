//! `client:`.

use std::fs;

use smtp_conformance::job::Security;
use smtp_conformance::profile::{Abilities, Profile};
use smtp_conformance::target::{ProgramTarget, Target, Unavailable};
use smtp_conformance::transcript::{Act, Expectation, Need, Outcome, Side};
use smtp_peers::{find, require};

use crate::kit::{MESSAGE, PATIENCE, STUFFED, Talk, attachments, became, send, set};

pub(crate) fn target(command: &str, profile: Profile) -> ProgramTarget {
    ProgramTarget::new(command, profile.patient(PATIENCE)).expect("a domain")
}

pub(crate) fn profile() -> Profile {
    Profile::new("mx.example")
}

/// As somebody may write it in a line.
pub(crate) const CURL: &str = r#"
case $SMTP_SECURITY in plain) tls= ;; *) tls="--ssl-reqd --cacert $SMTP_CA" ;; esac
for to in $SMTP_TO; do recipients="$recipients --mail-rcpt $to"; done
exec curl --disable --silent --show-error --noproxy '*' --max-time 60 --url "$SMTP_URL/client.example" $tls \
    ${SMTP_MECHANISM:+--login-options AUTH=$SMTP_MECHANISM} \
    --mail-from "$SMTP_FROM" $recipients --upload-file "$SMTP_MESSAGE"
"#;

const SMTPLIB: &str = r#"
import os, smtplib, ssl, sys
get = os.environ.get
host, port, security = get("SMTP_HOST"), int(get("SMTP_PORT")), get("SMTP_SECURITY")
options = {"local_hostname": "client.example", "timeout": 60}
tls = ssl.create_default_context(cafile=get("SMTP_CA"))
if security == "implicit":
    server = smtplib.SMTP_SSL(host, port, context=tls, **options)
elif security == "plain" or security == "starttls":
    server = smtplib.SMTP(host, port, **options)
else:
    sys.exit(127)
with server:
    if security == "starttls":
        server.starttls(context=tls)
    if get("SMTP_USER"):
        server.login(get("SMTP_USER"), get("SMTP_PASSWORD"))
    for number in sorted(os.listdir(get("SMTP_MAILS")), key=int):
        folder = os.path.join(get("SMTP_MAILS"), number)
        read = lambda name: open(os.path.join(folder, name), "rb").read()
        server.sendmail(read("from").decode().strip(), read("to").decode().split(), read("message"))
"#;

/// The command that runs that, if Python is there.
pub(crate) fn smtplib(folder: &std::path::Path) -> Option<String> {
    let python = require("smtplib", find("python3").ok_or("not installed"))?;
    let script = folder.join("send.py");
    fs::write(&script, SMTPLIB).expect("written");
    Some(format!("{} {}", python.display(), script.display()))
}

/// Whatever a client is called, it is told enough to send a mail in each way.
fn sends_in_each_way(target: &ProgramTarget) {
    for security in ["plain", "starttls", "implicit"] {
        println!("{security}");
        let mut settings = vec![("security", security)];
        if security != "plain" {
            settings.extend([("user", "alice"), ("password", "p@ss:/word %"), ("mechanism", "PLAIN")]);
        }
        let job = [set(&settings), send(&["bob@mx.example"])];
        let mut talk = Talk::new(target.launch(&job, &attachments()).expect("it connects"));
        if security == "implicit" {
            talk.wire.start_tls(false).expect("a handshake");
        }
        talk.say("220 mx.example ESMTP");
        if security == "starttls" {
            talk.hello(&["STARTTLS"]);
            talk.expect("STARTTLS");
            talk.say("220 2.0.0 go");
            talk.wire.start_tls(false).expect("a handshake");
        }
        talk.hello(if security == "plain" { &["SIZE"] } else { &["AUTH PLAIN"] });
        if security != "plain" {
            let line = talk.expect("AUTH PLAIN");
            let response = if line == "AUTH PLAIN" {
                talk.say("334 ");
                talk.line()
            } else {
                line["AUTH PLAIN ".len()..].into()
            };
            // NUL alice NUL p@ss:/word %
            assert_eq!(response, "AGFsaWNlAHBAc3M6L3dvcmQgJQ==");
            talk.say("235 2.7.0 welcome");
        }
        let lines = talk.receive_mail();
        assert!(lines[0].to_ascii_uppercase().starts_with("MAIL FROM:<ALICE@CLIENT.EXAMPLE>"), "{lines:?}");
        assert!(
            lines.iter().any(|line| line.to_ascii_uppercase().starts_with("RCPT TO:<BOB@MX.EXAMPLE>")),
            "{lines:?}"
        );
        assert_eq!(lines[lines.len() - STUFFED.len()..], STUFFED);
        talk.say("250 2.0.0 queued");
        talk.leave();
        assert_eq!(talk.wire.saw(&became(Outcome::Accepted, "bob@mx.example"), &[]), Some(Ok(())));
        assert!(matches!(talk.wire.saw(&became(Outcome::Refused, "bob@mx.example"), &[]), Some(Err(_))));
    }
}

/// A refusal shows in the exit status.
fn tells_of_a_refusal(target: &ProgramTarget) {
    let mut talk = Talk::new(target.launch(&[send(&["bob@mx.example"])], &attachments()).expect("it connects"));
    talk.receive(&["SIZE"]);
    talk.say("554 5.7.1 not such a message");
    talk.leave();
    assert_eq!(talk.wire.saw(&became(Outcome::Refused, "bob@mx.example"), &[]), Some(Ok(())));
    assert!(matches!(talk.wire.saw(&became(Outcome::Accepted, "bob@mx.example"), &[]), Some(Err(_))));
    assert_eq!(talk.wire.saw(&Expectation::Message(None), &[]), None);
}

#[test]
fn curl_is_a_client() {
    if require("curl", find("curl").ok_or("not installed")).is_none() {
        return;
    }
    let target = target(CURL, profile());
    sends_in_each_way(&target);
    tells_of_a_refusal(&target);
}

#[test]
fn smtplib_is_a_client() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(command) = smtplib(folder.path()) else { return };
    let target = target(&command, profile());
    sends_in_each_way(&target);
    tells_of_a_refusal(&target);
}

/// Of one recipient among several the exit status tells nothing, but that all are accepted if all is well.
#[test]
fn several_recipients_are_not_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(command) = smtplib(folder.path()) else { return };
    let target = target(&command, profile());
    let job = [send(&["bob@mx.example", "carol@mx.example"])];
    let mut talk = Talk::new(target.launch(&job, &attachments()).expect("it connects"));
    let lines = talk.receive(&["SIZE"]);
    assert_eq!(lines.iter().filter(|line| line.to_ascii_uppercase().starts_with("RCPT")).count(), 2);
    talk.say("250 2.0.0 queued");
    talk.leave();
    assert_eq!(talk.wire.saw(&became(Outcome::Accepted, "carol@mx.example"), &[]), Some(Ok(())));
    assert_eq!(talk.wire.saw(&became(Outcome::Refused, "carol@mx.example"), &[]), None);
}

/// Several mails stand in a folder, for clients that send several.
#[test]
fn mails_stand_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(command) = smtplib(folder.path()) else { return };
    let job = [send(&["bob@mx.example"]), send(&["carol@mx.example"])];
    let one = target(&command, profile());
    assert!(one.offers(Side::Client, &Need::Mails(2)).is_err());
    assert!(matches!(one.launch(&job, &attachments()).err(), Some(Unavailable::Unsupported(_))));
    let mut abilities = Abilities::default();
    abilities.mails = 2;
    let two = target(&command, profile().able(abilities));
    assert!(two.offers(Side::Client, &Need::Mails(2)).is_ok());
    let mut talk = Talk::new(two.launch(&job, &attachments()).expect("it connects"));
    talk.receive(&["SIZE"]);
    talk.say("250 2.0.0 queued");
    let lines = talk.receive_mail();
    assert!(lines.iter().any(|line| line.to_ascii_uppercase().starts_with("RCPT TO:<CAROL@")), "{lines:?}");
    talk.say("250 2.0.0 queued");
    talk.leave();
    assert_eq!(talk.wire.saw(&became(Outcome::Accepted, "carol@mx.example"), &[]), Some(Ok(())));
}

/// The exit status 127 says that the client cannot do it, and any other end without a connection that it never connects, or
/// that it does not take this mail.
#[test]
fn a_client_that_does_not_connect() {
    let job = [set(&[("security", "opportunistic")]), send(&["bob@mx.example"])];
    let mut abilities = Abilities::default();
    abilities.security.push(Security::Opportunistic);
    let profile = profile().able(abilities);
    let launch = |command: &str| target(command, profile.clone()).launch(&job, &attachments()).err();
    let unsupported = launch("exit 127");
    assert!(matches!(&unsupported, Some(Unavailable::Unsupported(why)) if why.contains("cannot")), "{unsupported:?}");
    let missing = launch("/no/such/client");
    assert!(matches!(&missing, Some(Unavailable::Unsupported(why)) if why.contains("no/such/client")), "{missing:?}");
    let broken = launch("echo out of order; exit 3");
    assert!(matches!(&broken, Some(Unavailable::Unreachable(why)) if why.contains("out of order")), "{broken:?}");
    let connect = "python3 -c \"import socket; socket.create_connection(('127.0.0.1', $SMTP_PORT), 5)\"";
    let job = [send(&["carol@mx.example"])];
    let choosy =
        target(&format!("[ $SMTP_TO = bob@mx.example ] && exec {connect}; echo not to carol; exit 3"), profile);
    let refused = choosy.launch(&job, &attachments()).err();
    assert!(matches!(&refused, Some(Unavailable::Unsupported(why)) if why.contains("not to carol")), "{refused:?}");
}

/// What the environment and the files say, to the octet.
#[test]
fn the_environment_says_it_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = folder.path().join("told");
    let command = format!(
        "{{ env | grep ^SMTP_ | sort; cat \"$SMTP_MESSAGE\" \"$SMTP_MAILS\"/1/from \"$SMTP_MAILS\"/1/to; }} > {}; exit 127",
        told.display()
    );
    let target = target(&command, profile());
    let mut mail = send(&["bob@mx.example", "carol@mx.example"]);
    if let Act::Send { size, body, .. } = &mut mail {
        (*size, *body) = (Some(77), Some("8BITMIME".into()));
    }
    let login = [("security", "implicit"), ("user", "alice"), ("password", "a b"), ("mechanism", "LOGIN")];
    assert!(target.launch(&[set(&login), mail], &attachments()).is_err());
    let told = fs::read(told).expect("written");
    let told = String::from_utf8(told).expect("UTF-8");
    for part in [
        "SMTP_BODY=8BITMIME\n",
        "SMTP_FROM=alice@client.example\n",
        "SMTP_HOST=127.0.0.1\n",
        "SMTP_MECHANISM=LOGIN\n",
        "SMTP_PASSWORD=a b\n",
        "SMTP_SECURITY=implicit\n",
        "SMTP_SIZE=77\n",
        "SMTP_TO=bob@mx.example carol@mx.example\n",
        "SMTP_URL=smtps://alice:a%20b@127.0.0.1:",
        "SMTP_USER=alice\n",
        "alice@client.example\nbob@mx.example\ncarol@mx.example\n",
        core::str::from_utf8(MESSAGE).expect("ASCII"),
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let target = target("true", profile());
    for need in [Need::Time, Need::App, Need::Extension("CHUNKING".into()), Need::Auth(Some("CRAM-MD5".into()))] {
        assert!(target.offers(Side::Client, &need).is_err(), "{need}");
    }
    for need in [Need::Tls, Need::Mails(1), Need::NoExtension("CHUNKING".into())] {
        assert!(target.offers(Side::Client, &need).is_ok(), "{need}");
    }
    assert!(target.offers(Side::Server, &Need::Tls).is_err());
    assert!(!target.is_live());
    assert_eq!(target.variables().client, None);
    let unsupported =
        |job: &[Act]| matches!(target.launch(job, &attachments()).err(), Some(Unavailable::Unsupported(_)));
    assert!(unsupported(&[]));
    assert!(unsupported(&[set(&[("security", "opportunistic")]), send(&["bob@mx.example"])]));
    assert!(unsupported(&[set(&[("user", "a"), ("mechanism", "NTLM")]), send(&["bob@mx.example"])]));
    assert!(matches!(target.connect(&[]).err(), Some(Unavailable::Unsupported(_))));
}
