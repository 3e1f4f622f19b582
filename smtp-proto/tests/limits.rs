//! What limits and charsets are a matter of: the configuration, and what was negotiated.

mod kit;

use bytes::Bytes;
use kit::desk::Desk;
use kit::pair::Pair;
use kit::script::{Caller, serve};
use kit::{Cuts, client, client_config, server, server_config};
use smtp_proto::Instant;
use smtp_proto::address::Charset;
use smtp_proto::client::Envelope;
use smtp_proto::command::{Command, ParseOptions};
use smtp_proto::sasl::mechanism;
use smtp_proto::server::Config;

/// The last reply to these groups.
fn last(config: &Config, groups: &[&[u8]]) -> String {
    let record = serve(&mut server(config.clone()), &mut Desk::default(), groups, Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    said.lines().last().expect("a reply").to_owned()
}

/// R-2.2.3-01: an extension changes what may be said, how long it may be, and in which characters, where it was negotiated
/// and nowhere else.
#[test]
fn extensions_change_limits_and_characters() {
    let mut config = server_config();
    config.limits.command_line = 512.try_into().expect("not zero");
    config.auth.mechanisms = mechanism("PLAIN").into_iter().collect();
    config.auth.without_tls = true;
    let (ehlo, helo) = (b"EHLO client.example\r\n", b"HELO client.example\r\n");

    // A line may be longer in an exchange of AUTH (RFC 4954 §4).
    let long = [&b"A".repeat(2000)[..], b"\r\n"].concat();
    assert_eq!(last(&config, &[ehlo, &long]), "500 5.5.2 line too long");
    let response = last(&config, &[ehlo, b"AUTH PLAIN\r\n", &long]);
    assert!(response.starts_with("501 5.5.2 ") && !response.contains("too long"), "{response}");

    // MAIL may have parameters where EHLO offered them (RFC 1870, RFC 6152).
    let mail = b"MAIL FROM:<a@client.example> SIZE=10 BODY=8BITMIME\r\n";
    assert!(last(&config, &[ehlo, mail]).starts_with("250 "));
    assert!(last(&config, &[helo, mail]).starts_with("555 "));

    // A command may hold characters beyond ASCII where that was negotiated (RFC 6531 §3.3).
    let line = "RCPT TO:<gr\u{fc}n@gr\u{fc}n.example>".as_bytes();
    for (charset, is_let_in) in [(Charset::Ascii, false), (Charset::Utf8, true)] {
        let mut options = ParseOptions::default();
        assert_eq!(options.charset, Charset::Ascii);
        options.charset = charset;
        assert_eq!(Command::parse(line, &options).is_ok(), is_let_in, "{charset:?}");
    }
}

/// R-4.5.3.1-05: where nothing has to be held in memory, nothing has a limit of its own: a line of text may be as long as
/// the message. What has to be held has a limit that the configuration says.
#[test]
fn what_is_passed_on_has_no_length() {
    let line = Bytes::from([&b"x".repeat(5_000_000)[..], b"\r\n"].concat());
    let mut caller = Caller::of(&[]);
    caller.bodies.push_back(vec![line.clone(), line.clone()]);
    let mut pair = Pair::new(client(client_config()), server(server_config()), caller, Cuts::Every(60_000));
    let mail = Envelope::new("a@client.example").and_then(|envelope| envelope.to("b@mx.example")).expect("addresses");
    pair.client.send(Instant::EPOCH, mail).expect("room");
    pair.run();
    assert!(pair.desk.messages[0].body == [&line[..], &line[..]].concat(), "octet for octet");

    let noop = format!("NOOP {}\r\n", "x".repeat(32_000)).into_bytes();
    let mut config = server_config();
    let mut answer = |octets: usize| {
        config.limits.command_line = octets.try_into().expect("not zero");
        config.limits.discarded_line = 40_000.try_into().expect("not zero");
        last(&config, &[b"EHLO client.example\r\n", &noop])
    };
    assert_eq!((answer(512), answer(32_768)), ("500 5.5.2 line too long".into(), "250 2.0.0 noop".into()));
}
