//! The server role against scripted clients, without sockets.

mod kit;

use bytes::Bytes;
use kit::desk::Desk;
use kit::script::{Record, serve, settle_server};
use kit::{Cuts, at, server, server_config, show};
use smtp_proto::body::LineEndings;
use smtp_proto::reply::{Detail, Reply, ReplyCode};
use smtp_proto::server::{Config, Connection, Event, Output};
use smtp_proto::{CloseReason, Decision, Instant, Misuse};

/// The dialogue of a server with these groups, cut in this way.
fn dialogue_with(config: Config, groups: &[&[u8]], cuts: Cuts) -> (Record, Desk) {
    let mut desk = Desk::default();
    let record = serve(&mut server(config), &mut desk, groups, cuts);
    (record, desk)
}

/// The same with the defaults, whole; what the server said after the greeting.
fn dialogue(groups: &[&[u8]]) -> (Vec<String>, Record, Desk) {
    let (record, desk) = dialogue_with(server_config(), groups, Cuts::Whole);
    let said = String::from_utf8(record.sent.clone()).expect("ASCII");
    (said.split_inclusive("\r\n").skip(1).map(Into::into).collect(), record, desk)
}

const EHLO: &[u8] = b"EHLO client.example\r\n";
const ENVELOPE: &[u8] = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n";

/// R-3.1-01, R-4.2-03, R-4.2-07, R-4.2.2-08, R-4.3.1-04, X-2034-3-02: the greeting comes first, begins with the host name, and has no enhanced code.
#[test]
fn greets() {
    let (record, _) = dialogue_with(server_config(), &[], Cuts::Whole);
    assert_eq!(record.sent, b"220 mx.example ESMTP\r\n");
}

/// R-4.1.1.1-03, R-4.1.1.1-09, R-4.1.1.1-14, R-4.1.1.1-20, R-3.2-02, R-F.3-02, X-2920-2-01, X-1870-3-01, X-6152-2-01, X-2034-3-01: the answer to EHLO lists what is offered.
#[test]
fn answers_ehlo() {
    let (said, ..) = dialogue(&[EHLO]);
    let expected = "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-HELP\r\n\
                    250 SIZE 26214400\r\n";
    assert_eq!(said.concat(), expected);
    assert_eq!(dialogue(&[b"HELO client.example\r\n"]).0, ["250 mx.example\r\n"]);
}

/// R-3.3-01, R-4.2-01, R-4.2-04, X-2920-3.2-01, X-2920-3.2-02: a pipelined group is answered in order and in one write.
#[test]
fn one_write_for_a_group() {
    let mut connection = server(server_config());
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    connection.handle_input(Instant::EPOCH, Bytes::from_static(ENVELOPE)).expect("input is welcome");
    let mut writes = Vec::new();
    loop {
        match connection.poll() {
            Output::Transmit(octets) => {
                let octets = octets.to_vec();
                connection.transmitted(Instant::EPOCH, octets.len());
                writes.push(octets);
            }
            Output::Event(event) => desk.handle(Instant::EPOCH, &mut connection, event),
            Output::Wait(wait) => {
                assert!(wait.input);
                break;
            }
            Output::UpgradeTls => panic!("TLS is not configured"),
            Output::Closed(reason) => panic!("{reason}"),
        }
    }
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].split(|&octet| octet == b'\n').count(), 4);
}

/// R-4.1.1.4-09, EOD-02 to EOD-09: whatever looks like an end of data and is none: one message only, refused at its true end, and
/// nothing in it is taken for a command.
#[test]
fn only_crlf_dot_crlf_ends_data() {
    let looks =
        ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\n.\r", "\r.\n", "\r\n.\r", "\0\r\n.\0\r\n", "\r\r\n.\n"];
    for look in looks {
        let data = format!("text{look}MAIL FROM:<evil@client.example>\r\n.\r\n");
        let groups: [&[u8]; 4] = [EHLO, ENVELOPE, data.as_bytes(), b"NOOP\r\n"];
        let expected = dialogue(&groups);
        assert_eq!(
            expected.0[9..],
            ["550 5.6.0 message holds a CR, LF or NUL that is no line end\r\n", "250 2.0.0 noop\r\n"]
        );
        assert!(expected.2.messages.is_empty(), "{look:?}");
        for cuts in Cuts::all(groups.concat().len()) {
            assert_eq!(dialogue_with(server_config(), &groups, cuts).0, expected.1, "{look:?} {cuts:?}");
        }
    }
}

/// EOD-08, rule 1: CR CR LF dot CR LF holds the end of data and therefore ends them; refused for the lone CR.
#[test]
fn crcrlf_dot_ends_data() {
    let (said, ..) = dialogue(&[EHLO, ENVELOPE, b"text\r\r\n.\r\n", b"NOOP\r\n"]);
    assert!(said[9].starts_with("550 5.6.0"), "{said:?}");
    assert_eq!(said[10], "250 2.0.0 noop\r\n");
}

/// EOD-14: Normalize converts and reports.
#[test]
fn normalize_converts() {
    let mut config = server_config();
    config.line_endings = LineEndings::Normalize;
    let (record, desk) = dialogue_with(config, &[EHLO, ENVELOPE, b"a\n.\nb\rc\r\n.\r\n"], Cuts::Every(1));
    assert_eq!(desk.messages[0].body, b"a\r\n.\r\nb\r\nc\r\n");
    assert!(record.log.iter().any(|line| line.starts_with("Message")));
}

/// EOD-10, EOD-11, EOD-19: the empty message, dots, and the next transaction in the same piece, under every cut.
#[test]
fn chunking_changes_nothing() {
    let groups: [&[u8]; 8] = [
        EHLO,
        ENVELOPE,
        b".\r\n",
        b"MAIL FROM:<> BODY=8BITMIME SIZE=10\r\nRCPT TO:<postmaster>\r\nRCPT TO:<no@mx.example>\r\nDATA\r\n",
        b"..x\r\n.. \r\n\r\n.\r\nRSET\r\nMAIL FROM:<no@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
        b"FROB\r\nVRFY b\r\n",
        b"HELP\r\nNOOP\r\nMAIL FROM:<a@client.example> FROB=1\r\nRCPT TO:<@a,@b:c@d.example>\r\n",
        b"QUIT\r\n",
    ];
    let (expected, desk) = dialogue_with(server_config(), &groups, Cuts::Whole);
    assert_eq!(expected.closed, Some(CloseReason::Quit), "{}", show(&expected.sent));
    let bodies: Vec<_> = desk.messages.iter().map(|message| message.body.clone()).collect();
    assert_eq!(bodies, [&b""[..], b".x\r\n. \r\n\r\n"]);
    let mut runs = 0;
    for cuts in Cuts::all(groups.concat().len()) {
        assert_eq!(dialogue_with(server_config(), &groups, cuts).0, expected, "{cuts:?}");
        runs += 1;
    }
    println!("server: {runs} cuts of one dialogue");
}

/// EOD-16, EOD-17, X-1870-4-01: over the limit 552 once, in step; past the discard budget the end.
#[test]
fn message_size_limit() {
    let mut config = server_config();
    config.limits.message_size = 20.try_into().expect("not zero");
    let exact = b"0123456789\r\n012345\r\n.\r\n";
    let over = b"0123456789\r\n0123456\r\n.\r\n";
    let flood = b"0123456789\r\n0123456789\r\n0123456789\r\n0123456789\r\n0123456789\r\n";
    let run = |data: &[u8], cuts| dialogue_with(config.clone(), &[EHLO, ENVELOPE, data, b"NOOP\r\n"], cuts);
    for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(3)] {
        assert_eq!(run(exact, cuts).1.messages.len(), 1);
        let (record, desk) = run(over, cuts);
        let said = String::from_utf8_lossy(&record.sent).into_owned();
        assert!(desk.messages.is_empty());
        assert_eq!(said.matches("552 5.3.4").count(), 1, "{said}");
        assert!(said.ends_with("250 2.0.0 noop\r\n"), "{said}");
        let (record, desk) = run(flood, cuts);
        assert_eq!((record.closed, desk.messages.len()), (Some(CloseReason::Flood), 0));
    }
}

/// X-1870-6.1-02, X-1870-7-02, NUM-01: SIZE at MAIL.
#[test]
fn declared_size() {
    let mail = |size: &str| {
        let line = format!("MAIL FROM:<a@client.example> SIZE={size}\r\n");
        dialogue(&[EHLO, line.as_bytes()]).0.pop().expect("a reply")
    };
    assert!(mail("26214400").starts_with("250 "));
    assert!(mail("0").starts_with("250 "));
    assert!(mail("26214401").starts_with("552 5.3.4"));
    assert!(mail("18446744073709551615").starts_with("552 5.3.4"));
    assert!(mail("18446744073709551616").starts_with("552 5.3.4"), "twenty digits are good grammar");
    for bad in ["", "x", "-1", "123456789012345678901"] {
        assert!(mail(bad).starts_with("501 5.5.4"), "{bad}: {}", mail(bad));
    }
}

/// LINE-01 to LINE-04, rule 6: a stray octet in a command: one 500 and the end.
#[test]
fn stray_octets_in_commands() {
    for line in [&b"NOOP\nNOOP\r\n"[..], b"NO\rOP\r\n", b"NO\0OP\r\n"] {
        for cuts in Cuts::all(line.len() + EHLO.len()) {
            let (record, _) = dialogue_with(server_config(), &[EHLO, line], cuts);
            let said = String::from_utf8_lossy(&record.sent).into_owned();
            assert!(said.ends_with("holds no other CR, LF or NUL\r\n") && said.contains("\n500 5.5.2"), "{said}");
            assert_eq!(record.closed, Some(CloseReason::StrayOctet));
        }
    }
}

/// LINE-05 to LINE-08, rule 11: at the limit, over it, and without an end; the tail is never a command.
#[test]
fn command_line_limit() {
    let line = |octets: usize| format!("NOOP {}\r\n", "x".repeat(octets - 7)).into_bytes();
    let said = |octets| dialogue(&[EHLO, &line(octets), b"NOOP\r\n"]).0[6..].concat();
    assert_eq!(said(2048), "250 2.0.0 noop\r\n250 2.0.0 noop\r\n");
    assert_eq!(said(2049), "500 5.5.2 line too long\r\n250 2.0.0 noop\r\n");
    assert_eq!(said(2048 + 16_384), "500 5.5.2 line too long\r\n250 2.0.0 noop\r\n");
    let (said, record, _) = dialogue(&[EHLO, &line(2048 + 16_385)]);
    assert_eq!(said[6..].concat(), "500 5.5.2 line too long\r\n");
    assert_eq!(record.closed, Some(CloseReason::Flood));
}

/// LINE-11, LINE-12, rule 15: what is no SMTP client gets one reply and the end.
#[test]
fn other_protocols_are_sent_away() {
    for line in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-x\r\n",
        b"Subject: hi\r\n",
        b"POST / HTTP/1.0\r\n",
    ] {
        let (said, record, _) = dialogue(&[line]);
        assert_eq!((said.len(), record.closed), (1, Some(CloseReason::NotSmtp)), "{said:?}");
        assert!(said[0].starts_with("421 4.7.0 mx.example"), "{said:?}");
    }
}

/// R-3.8-06, R-4.1.1.10-02: behind EHLO the same lines are commands that nobody knows, and end nothing.
#[test]
fn slips_end_nothing() {
    for line in [&b"MAILFROM:<a@client.example>\r\n"[..], b"Subject: hi\r\n", b"GET / HTTP/1.1\r\n"] {
        let (said, record, _) = dialogue(&[EHLO, line, b"QUIT\r\n"]);
        let said = &said[said.len() - 2..];
        assert!(said[0].starts_with("500 5.5.2 ") && said[1].starts_with("221 "), "{said:?}");
        assert_eq!(record.closed, Some(CloseReason::Quit));
    }
}

/// PIPE-01 to PIPE-04, rule 12: octets where none may be.
#[test]
fn early_input() {
    // Before the greeting.
    let mut connection = server(server_config());
    connection.handle_input(Instant::EPOCH, Bytes::from_static(EHLO)).expect("input");
    let mut record = Record::default();
    settle_server(&mut connection, &mut Desk::default(), &mut record, &mut Vec::new());
    assert_eq!(record.closed, Some(CloseReason::EarlyInput));
    // Behind EHLO and DATA, in the same piece or in a later one that came before the answer left.
    let body = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\ntext\r\n.\r\n";
    for groups in [&[&b"EHLO client.example\r\nNOOP\r\n"[..]][..], &[EHLO, &body[..]]] {
        for cuts in [Cuts::Whole, Cuts::Every(1)] {
            let (record, desk) = dialogue_with(server_config(), groups, cuts);
            assert_eq!(record.closed, Some(CloseReason::EarlyInput), "{}", show(&record.sent));
            assert!(String::from_utf8_lossy(&record.sent).contains("554 5.5.0") && desk.messages.is_empty());
        }
    }
    // Behind QUIT they are ignored.
    let (said, record, _) = dialogue(&[b"QUIT\r\nNOOP\r\n"]);
    assert_eq!((said.len(), record.closed), (1, Some(CloseReason::Quit)));
}

/// PIPE-05, PIPE-06, X-2920-3.2-03, X-2920-4-01: followers of a refused MAIL, and DATA with no accepted recipient.
#[test]
fn refusals_in_a_group() {
    let (said, ..) =
        dialogue(&[EHLO, b"MAIL FROM:<no@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n", b"NOOP\r\n"]);
    let codes: Vec<&str> = said[6..].iter().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["550", "503", "503", "250"]);
    let (said, ..) =
        dialogue(&[EHLO, b"MAIL FROM:<a@client.example>\r\nRCPT TO:<no@mx.example>\r\nDATA\r\n", b"NOOP\r\n"]);
    let codes: Vec<&str> = said[6..].iter().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "550", "554", "250"]);
}

/// Rule 14: expected errors of a group are no errors of the client, real ones end the connection at the limit.
#[test]
fn error_limit() {
    let mut config = server_config();
    config.timeouts.error_delay = core::time::Duration::ZERO;
    let (record, _) = dialogue_with(config.clone(), &[EHLO, &b"FROB\r\n".repeat(11)], Cuts::Whole);
    let said = String::from_utf8_lossy(&record.sent).into_owned();
    assert_eq!((said.matches("500 5.5.2").count(), record.closed), (10, Some(CloseReason::TooManyErrors)));
    assert!(said.ends_with("421 4.7.0 mx.example too many errors\r\n"), "{said}");
    let group = [b"MAIL FROM:<no@client.example>\r\n".to_vec(), b"RCPT TO:<b@mx.example>\r\n".repeat(50)].concat();
    let (record, _) = dialogue_with(config, &[EHLO, &group, b"NOOP\r\n"], Cuts::Whole);
    assert_eq!(record.closed, None);
}

/// Errors beyond the soft limit are answered a second late.
#[test]
fn errors_slow_the_peer_down() {
    let mut connection = server(server_config());
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO, &b"FROB\r\n".repeat(6)], Cuts::Whole);
    let Output::Wait(wait) = connection.poll() else { panic!("the reply is held back") };
    assert_eq!(wait.deadline, Some(at(1)));
    connection.handle_timeout(at(1));
    let Output::Transmit(octets) = connection.poll() else { panic!("the reply leaves") };
    assert!(octets.starts_with(b"500 5.5.2 "), "{}", show(octets));
}

/// A deadline that was passed is behind, also when the last reply is a late one and a part of a line was read before.
#[test]
fn a_late_last_reply_leaves_no_deadline_behind() {
    let mut config = server_config();
    config.limits.soft_errors = 1.try_into().expect("not zero");
    let mut connection = server(config);
    let groups: [&[u8]; 5] = [EHLO, b"NO", b"OP\r\n", b"FROB\r\n", b"BDAT 99999999999\r\n"];
    let _ = serve(&mut connection, &mut Desk::default(), &groups, Cuts::Whole);
    let Output::Wait(wait) = connection.poll() else { panic!("the reply is held back") };
    assert_eq!(wait.deadline, Some(at(1)));
    connection.handle_timeout(at(1));
    assert_eq!(connection.deadline(), None, "the reply can leave, and its time begins when it is offered");
}

/// RES-01: mail data far beyond the size limit end the connection, also when they came in one piece with their end.
#[test]
fn far_too_much_data() {
    for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(7), Cuts::At(30)] {
        let mut config = server_config();
        config.limits.message_size = 10.try_into().expect("not zero");
        for (octets, said, reason) in [(25, "552 5.3.4", None), (26, "552 5.3.4", Some(CloseReason::Flood))] {
            let data = ["x".repeat(octets - 2).as_bytes(), b"\r\n.\r\n"].concat();
            let (record, desk) = dialogue_with(config.clone(), &[EHLO, ENVELOPE, &data], cuts);
            let last = record.sent.split_inclusive(|&octet| octet == b'\n').next_back().expect("a reply");
            assert!(last.starts_with(said.as_bytes()), "{}", show(last));
            assert_eq!((record.closed, desk.messages.len()), (reason, 0), "{octets} octets, {cuts:?}");
        }
    }
}

/// RES-03, R-4.1.1.5-02: commands that bring no mail count as errors after a hundred, and are answered like any other.
#[test]
fn junk_limit() {
    let mut config = server_config();
    config.timeouts.error_delay = core::time::Duration::ZERO;
    for command in ["NOOP", "RSET", "VRFY b", "HELP", "EXPN l"] {
        let lines = format!("{command}\r\n").repeat(120);
        let (record, _) = dialogue_with(config.clone(), &[EHLO, lines.as_bytes()], Cuts::Whole);
        assert_eq!(record.closed, Some(CloseReason::TooManyErrors), "{command}");
        let said = String::from_utf8_lossy(&record.sent).into_owned();
        let (last, others) = said
            .lines()
            .skip(7)
            .collect::<Vec<_>>()
            .split_last()
            .map(|(last, all)| (*last, all.to_vec()))
            .expect("replies");
        assert!(last.starts_with("421 4.7.0") && others.iter().all(|line| line[..3] == others[0][..3]), "{said}");
    }
}

/// R-4.5.3.1.8-01, R-4.5.3.1.8-06, R-4.5.3.1.10-01, R-4.5.3.1.10-03, RES-02: recipients beyond the limit get 452, those before it get the mail.
#[test]
fn recipient_limit() {
    let mut config = server_config();
    config.limits.recipients = 2.try_into().expect("not zero");
    let group =
        [b"MAIL FROM:<a@client.example>\r\n".to_vec(), b"RCPT TO:<b@mx.example>\r\n".repeat(4), b"DATA\r\n".to_vec()]
            .concat();
    let (record, desk) = dialogue_with(config, &[EHLO, &group, b"x\r\n.\r\n"], Cuts::Whole);
    assert_eq!(String::from_utf8_lossy(&record.sent).matches("452 4.5.3").count(), 2);
    assert_eq!(desk.messages[0].to.len(), 2);
}

/// RES-02, RES-03: a client that asks for recipient after recipient in vain is sent away in the end.
#[test]
fn refused_recipients_are_bounded() {
    let mut config = server_config();
    config.timeouts.error_delay = core::time::Duration::ZERO;
    for group in ["MAIL FROM:<a@client.example>\r\n", "MAIL FROM:<no@client.example>\r\n"] {
        let group = [group.as_bytes(), &b"RCPT TO:<no@mx.example>\r\n".repeat(1100)].concat();
        let (record, _) = dialogue_with(config.clone(), &[EHLO, &group], Cuts::Every(5000));
        assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
    }
}

/// 421 4.7.0 at the MAIL that would be one too many.
#[test]
fn message_limit() {
    let mut config = server_config();
    config.limits.messages = 1.try_into().expect("not zero");
    let (record, _) = dialogue_with(config, &[EHLO, ENVELOPE, b"x\r\n.\r\n", ENVELOPE], Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyMessages));
}

/// STATE-15: a session begun with HELO takes no parameters.
#[test]
fn helo_takes_no_parameters() {
    let (said, ..) = dialogue(&[b"HELO client.example\r\n", b"MAIL FROM:<a@client.example> SIZE=1\r\n"]);
    assert!(said[1].starts_with("555 5.5.4"), "{said:?}");
}

/// R-4.1.1.11-01: unknown parameters get 555; duplicates and BINARYMIME, which is not offered, 501.
#[test]
fn parameters() {
    for (parameters, code) in
        [("FROB", "555"), ("SIZE=1 SIZE=1", "501"), ("BODY=BINARYMIME", "501"), ("BODY=7BIT", "250")]
    {
        let line = format!("MAIL FROM:<a@client.example> {parameters}\r\n");
        let said = dialogue(&[EHLO, line.as_bytes()]).0;
        assert!(said[6].starts_with(code), "{parameters}: {said:?}");
    }
}

/// BDAT-01: a refused chunk is consumed. BDAT-02: after a malformed size the octets cannot be told apart.
#[test]
fn refused_bdat_is_skipped() {
    let (said, ..) = dialogue(&[EHLO, b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"]);
    assert_eq!(said[6..].concat(), "502 5.5.1 command not implemented\r\n250 2.0.0 noop\r\n");
    let (_, record, _) = dialogue(&[EHLO, b"BDAT x\r\nQUIT\r\n"]);
    assert_eq!(record.closed, Some(CloseReason::Protocol));
}

/// R-4.5.3.2.7-01, R-4.2.2-10, REL-06: the idle time, one second either side; R-3.8-05: with 421.
#[test]
fn idle_time() {
    let mut connection = server(server_config());
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    connection.handle_timeout(at(299));
    assert!(matches!(connection.poll(), Output::Wait(_)));
    connection.handle_timeout(at(300));
    assert!(matches!(connection.poll(), Output::Transmit(b"421 4.4.2 mx.example timeout, closing connection\r\n")));
}

/// The overload profile: 10 s idle, one error, one command that brings no mail.
#[test]
fn overload_profile() {
    let (record, _) = dialogue_with(server_config().overloaded(), &[EHLO, b"FROB\r\nFROB\r\n"], Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
    let (record, _) = dialogue_with(server_config().overloaded(), &[EHLO, b"NOOP\r\nNOOP\r\nNOOP\r\n"], Cuts::Whole);
    assert_eq!(record.closed, Some(CloseReason::TooManyErrors));
    let mut connection = server(server_config().overloaded());
    let _ = serve(&mut connection, &mut Desk::default(), &[EHLO], Cuts::Whole);
    connection.handle_timeout(at(10));
    assert!(matches!(connection.poll(), Output::Transmit(b"421 4.4.2 mx.example timeout, closing connection\r\n")));
}

/// RES-04: octets that trickle in buy no time; only a whole command does.
#[test]
fn trickled_octets_buy_no_time() {
    let mut connection = server(server_config());
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    for second in 1..300 {
        connection.handle_input(at(second), Bytes::from_static(b"N")).expect("input");
        assert!(matches!(connection.poll(), Output::Wait(_)));
    }
    connection.handle_timeout(at(301));
    assert!(matches!(connection.poll(), Output::Transmit(_)), "the command began at 1 s and had 300 s");
}

/// STATE-11, rule 50: no decision in time answers 451, and a later one is stale.
#[test]
fn no_decision_is_451() {
    let mut config = server_config();
    config.timeouts.buffers = core::time::Duration::from_secs(1000);
    let mut connection = server(config);
    let mut desk = Desk::default();
    let _ = serve(&mut connection, &mut desk, &[EHLO, ENVELOPE], Cuts::Whole);
    connection.handle_input(Instant::EPOCH, Bytes::from_static(b"x\r\n.\r\n")).expect("input");
    let token = loop {
        match connection.poll() {
            Output::Event(Event::Message(token)) => break token,
            Output::Event(_) => {}
            other => panic!("{other:?}"),
        }
    };
    let Output::Wait(wait) = connection.poll() else { panic!("the verdict is awaited") };
    assert_eq!((wait.decision, wait.deadline), (Some(Decision::Message), Some(at(300))));
    // The deadline counts, not who notices it first.
    assert_eq!(connection.accept(at(300), token).expect_err("too late").misuse, Misuse::StaleToken);
    assert!(matches!(connection.poll(), Output::Event(Event::Aborted(_))));
    assert!(matches!(connection.poll(), Output::Transmit(b"451 4.3.0 no decision in time, try again later\r\n")));
}

/// Misuse gives back what it refuses: a token of another connection, a reply of the wrong class.
#[test]
fn misuse_gives_back() {
    let (mut one, mut other) = (server(server_config()), server(server_config()));
    let Output::Event(Event::Connect(token)) = one.poll() else { panic!("asked") };
    let refused = other.accept(Instant::EPOCH, token).expect_err("foreign");
    assert_eq!(refused.misuse, Misuse::StaleToken);
    let no = Reply::new(ReplyCode::TRANSACTION_FAILED, Detail::NOT_AUTHORIZED, "no");
    let refused = one.accept_with(Instant::EPOCH, refused.value, no).expect_err("5yz accepts nothing");
    assert_eq!(refused.misuse, Misuse::WrongReplyClass);
    one.accept(Instant::EPOCH, refused.value.0).expect("still due");
}

/// REL-10, rule 55: shutdown when idle, within a transaction, and between the final dot and its verdict.
#[test]
fn shutdown() {
    let mut desk = Desk::default();
    let mut idle = server(server_config());
    let _ = serve(&mut idle, &mut desk, &[EHLO], Cuts::Whole);
    idle.shutdown(Instant::EPOCH);
    assert!(matches!(idle.poll(), Output::Transmit(b"421 4.3.2 mx.example service is shutting down\r\n")));

    let mut busy = server(server_config());
    let _ = serve(&mut busy, &mut desk, &[EHLO, ENVELOPE], Cuts::Whole);
    busy.shutdown(Instant::EPOCH);
    assert!(matches!(busy.poll(), Output::Wait(_)));
    let record = serve(&mut busy, &mut desk, &[b"x\r\n.\r\n"], Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(said.starts_with("250 2.0.0") && said.contains("\r\n421 4.3.2"), "{said}");
    assert_eq!(record.closed, Some(CloseReason::Shutdown));

    // However the transaction ends.
    let strict = b"bare\nLF\r\n.\r\n";
    for (envelope, end) in [(&b"MAIL FROM:<a@client.example>\r\n"[..], &b"RSET\r\n"[..]), (ENVELOPE, strict)] {
        let mut busy = server(server_config());
        let _ = serve(&mut busy, &mut desk, &[EHLO, envelope], Cuts::Whole);
        busy.shutdown(Instant::EPOCH);
        let record = serve(&mut busy, &mut desk, &[end], Cuts::Whole);
        let said = String::from_utf8(record.sent).expect("ASCII");
        assert!(said.lines().count() == 2 && said.contains("\r\n421 4.3.2"), "{said}");
        assert_eq!(record.closed, Some(CloseReason::Shutdown));
    }

    let mut slow = server(server_config());
    let _ = serve(&mut slow, &mut desk, &[EHLO, ENVELOPE], Cuts::Whole);
    slow.shutdown(Instant::EPOCH);
    slow.handle_timeout(at(30));
    assert!(matches!(slow.poll(), Output::Event(Event::Aborted(_))));
    assert!(matches!(slow.poll(), Output::Transmit(b"421 4.3.2 mx.example service is shutting down\r\n")));
}

/// R-4.1.1.10-05, STATE-07, EOD-18: the end of the stream in every place: nothing is committed, nothing is answered wrongly.
#[test]
fn end_of_stream_everywhere() {
    let stream = [ENVELOPE, b"text\r\n..\r\n.\r\n"].concat();
    for end in 0..stream.len() {
        let mut connection = server(server_config());
        let mut desk = Desk::default();
        let cut = end.min(ENVELOPE.len());
        let _ = serve(&mut connection, &mut desk, &[EHLO, &stream[..cut], &stream[cut..end]], Cuts::Whole);
        connection.handle_eof(Instant::EPOCH);
        let mut record = Record::default();
        settle_server(&mut connection, &mut desk, &mut record, &mut Vec::new());
        assert_eq!((record.closed, desk.messages.len()), (Some(CloseReason::PeerClosed), 0), "{end}");
    }
}

/// After `handle_timeout` the next deadline lies ahead, or the connection is closed: whatever state it is in.
#[test]
fn deadlines_advance() {
    let stream: [&[u8]; 6] = [b"", EHLO, ENVELOPE, b"text\r\n", b"FROB\r\n", b"NO"];
    for length in 0..=stream.len() {
        let mut connection: Connection = server(server_config());
        let mut desk = Desk::default();
        let _ = serve(&mut connection, &mut desk, &stream[..length], Cuts::Whole);
        let mut steps = 0;
        loop {
            let now = match connection.poll() {
                Output::Wait(wait) => wait.deadline.expect("something is always due"),
                Output::Transmit(octets) => {
                    let count = octets.len();
                    let now = connection.deadline().expect("a write is due");
                    connection.transmitted(Instant::EPOCH, count);
                    now
                }
                Output::Event(_) => continue,
                Output::UpgradeTls | Output::Closed(_) => break,
            };
            connection.handle_timeout(now);
            if let Output::Wait(wait) = connection.poll() {
                assert!(wait.deadline.is_some_and(|next| next > now), "{length}");
            }
            steps += 1;
            assert!(steps < 20, "it comes to an end");
        }
    }
}

/// R-3.5.1-03, R-3.5.1-08, R-3.5.1-13, R-3.5.2-10, R-7.3-01: VRFY and EXPN are the application's questions when it wants
/// them; what is not asked of it is answered 252 and 502, which claim nothing.
#[test]
fn verify_and_expand_are_questions() {
    let (said, ..) = dialogue(&[EHLO, b"VRFY bob\r\n", b"EXPN list\r\n"]);
    assert!(said[6].starts_with("252 2.0.0") && said[7].starts_with("502 5.5.1"), "{said:?}");

    let mut config = server_config();
    (config.verify, config.expand) = (true, true);
    let mut connection = server(config);
    let mut desk = Desk::default();
    let record = serve(&mut connection, &mut desk, &[EHLO], Cuts::Whole);
    let said = String::from_utf8(record.sent).expect("ASCII");
    assert!(said.contains("250-VRFY\r\n") && said.ends_with("250 EXPN\r\n"), "{said}");
    connection.handle_input(Instant::EPOCH, Bytes::from_static(b"VRFY bob\r\nEXPN list\r\n")).expect("input");
    let Output::Event(Event::Verify(token)) = connection.poll() else { panic!("asked about bob") };
    assert_eq!(token.argument(), "bob");
    let bob = Reply::new(ReplyCode::OK, Detail::DESTINATION_ADDRESS_VALID, "Bob <bob@mx.example>");
    connection.accept_with(Instant::EPOCH, token, bob).expect("due");
    let mut said = Vec::new();
    let list = loop {
        match connection.poll() {
            Output::Transmit(octets) => {
                let count = octets.len();
                said.extend_from_slice(octets);
                connection.transmitted(Instant::EPOCH, count);
            }
            Output::Event(Event::Expand(token)) => break token,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(list.argument(), "list");
    let members = Reply::new(ReplyCode::OK, Detail::DESTINATION_ADDRESS_VALID, "<bob@mx.example>\n<carol@mx.example>");
    connection.accept_with(Instant::EPOCH, list, members).expect("due");
    let Output::Transmit(octets) = connection.poll() else { panic!("the members") };
    assert_eq!(octets, b"250-2.1.5 <bob@mx.example>\r\n250 2.1.5 <carol@mx.example>\r\n");
    assert_eq!(said, b"250 2.1.5 Bob <bob@mx.example>\r\n");
}

/// R-4.1.4-05, R-4.1.4-06: an EHLO that is refused, for its syntax or by the application, leaves a transaction open.
#[test]
fn a_refused_ehlo_changes_nothing() {
    let mut connection = server(server_config());
    let mut desk = Desk::default();
    let envelope = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\n";
    let record = serve(&mut connection, &mut desk, &[EHLO, envelope, b"EHLO -\r\n"], Cuts::Whole);
    assert!(String::from_utf8_lossy(&record.sent).contains("\r\n501 "), "{}", show(&record.sent));
    connection.handle_input(Instant::EPOCH, Bytes::from_static(EHLO)).expect("input");
    let Output::Event(Event::Hello(token)) = connection.poll() else { panic!("asked") };
    let no = Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, None, "not you");
    connection.reject(Instant::EPOCH, token, no).expect("due");
    let record = serve(&mut connection, &mut desk, &[b"", b"DATA\r\n"], Cuts::Whole);
    assert!(record.sent.starts_with(b"550 not you\r\n354 "), "{}", show(&record.sent));
}

/// R-4.1.1.5-01, STATE-01, STATE-09: nothing of a transaction survives RSET, a verdict, or EHLO.
#[test]
fn nothing_survives_a_transaction() {
    for end in ["RSET\r\n", "EHLO client.example\r\n", "DATA\r\n|refuse me\r\n.\r\n", "DATA\r\n|x\r\n.\r\n"] {
        let first = b"MAIL FROM:<a@client.example> SIZE=5\r\nRCPT TO:<gone@mx.example>\r\n";
        let end: Vec<&[u8]> = end.split('|').map(str::as_bytes).collect();
        let groups = [&[EHLO, &first[..]], &end[..], &[&b"DATA\r\n"[..], ENVELOPE, b"y\r\n.\r\n"]].concat();
        let (_, record, desk) = dialogue(&groups);
        let said = String::from_utf8_lossy(&record.sent).into_owned();
        assert!(said.contains("\r\n503 5.5.1 send MAIL first\r\n"), "{said}");
        let last = desk.messages.last().expect("the second mail");
        assert_eq!((&last.to[..], &last.body[..]), (&["b@mx.example".to_owned()][..], &b"y\r\n"[..]));
    }
}
