//! Clients.

use smtp_conformance::transcript::Side;
use smtp_conformance::verdict::{Report, Verdict};

use crate::kit::{Turn, found, report, verdicts};
use Turn::{Closes, Hears, Says, Tls};

/// Plays a body, which begins in line 5, on a client that has a mail to send.
fn played(body: &str, turns: &[Turn]) -> Report {
    report(&format!("title: t\nrole: client\n\n{body}"), Side::Client, turns)
}

/// What is found in a session that begins well, with or without PIPELINING, and goes on like this in line 8.
fn after_hello(keywords: &str, body: &str, turns: &[Turn]) -> Vec<String> {
    let lines = 2 + keywords.lines().count();
    let turns: Vec<_> =
        [Hears(1), Says("EHLO me.example\r\n"), Hears(lines - 1)].iter().chain(turns).copied().collect();
    found(&played(&format!("S: 220 mx.example\nC: EHLO $client\nS: 250 mx.example\n{keywords}{body}"), &turns), 4)
}

const GROUP: &str = "R: A MUST send it\nC: MAIL FROM:<a@b.example> ...\nC: RCPT TO:<c@d.example>\nC: DATA\nS: 250 a\nS: 250 b\nS: 354 c\n";
const IN_ONE: &str = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n";

#[test]
fn what_is_as_it_has_to_be_passes() {
    let report = played(
        "S: 220 mx.example\nC: EHLO $client\nS: 250 mx.example\nR: A MUST leave\nC: QUIT\nS: 221 bye\nC=eof\n",
        &[Hears(1), Says("ehlo me.example\r\n"), Hears(1), Says("quit\r\n"), Hears(1), Closes],
    );
    assert_eq!(verdicts(&report), [("A", Verdict::Pass)]);
    assert_eq!(
        report.dialogue,
        ["S: 220 mx.example", "C: ehlo me.example", "S: 250 mx.example", "C: quit", "S: 221 bye", "C=eof"]
    );
}

/// Whoever has said QUIT last is not left without an answer.
#[test]
fn the_last_command_is_answered() {
    let body = "S: 220 mx.example\nC: EHLO $client\nS: 250 mx.example\nR: A MUST leave\nC: QUIT | RSET | NOOP\n";
    for (said, command, reply) in [
        ("QUIT\r\n", "C: QUIT", "S: 221 2.0.0 bye"),
        ("RSET\r\n", "C: RSET", "S: 250 2.0.0 ok"),
        ("NOOP\r\n", "C: NOOP", "S: 250 2.0.0 ok"),
    ] {
        let turns = [Hears(1), Says("EHLO me.example\r\n"), Hears(1), Says(said), Hears(1), Closes];
        let report = played(body, &turns);
        assert_eq!(verdicts(&report), [("A", Verdict::Pass)]);
        assert_eq!(report.dialogue[3..], [command, reply, "C=eof"]);
    }
}

#[test]
fn pipelining_or_not() {
    let one_by_one = [
        Says("MAIL FROM:<a@b.example>\r\n"),
        Hears(1),
        Says("RCPT TO:<c@d.example>\r\n"),
        Hears(1),
        Says("DATA\r\n"),
        Hears(1),
    ];
    let pipelining = "S+ PIPELINING\n";
    assert_eq!(after_hello("", GROUP, &one_by_one), [""; 0]);
    assert_eq!(after_hello(pipelining, GROUP, &one_by_one), [""; 0]);
    assert_eq!(after_hello(pipelining, GROUP, &[Says(IN_ONE), Hears(3)]), [""; 0]);
    assert_eq!(
        after_hello("", GROUP, &[Says(IN_ONE), Hears(3)]),
        ["FAIL A 8: nothing before the reply to MAIL but \"RCPT TO:<c@d.example>\\r\\nDATA\\r\\n\""]
    );
}

#[test]
fn pipelining_is_required() {
    let text = format!(
        "title: t\nrole: client\npipelining: required\n\nS: 220 x\nC: EHLO $client\nS: 250 x\nS+ PIPELINING\n{GROUP}"
    );
    let hello = [Hears(1), Says("EHLO me.example\r\n"), Hears(2)];
    let play = |turns: &[Turn]| found(&report(&text, Side::Client, &[&hello[..], turns].concat()), 5);
    assert_eq!(play(&[Says(IN_ONE), Hears(3)]), [""; 0]);
    assert_eq!(
        play(&[Says("MAIL FROM:<a@b.example>\r\n"), Hears(1)]),
        ["FAIL A 7: RCPT TO:<c@d.example> but nothing for 10s"]
    );
}

#[test]
fn too_early() {
    let body = "R: A MUST-NOT begin\nS: 220 mx.example\nC: EHLO $client\nS: 250 mx.example\nS+ PIPELINING\nC: QUIT\nS: 221 bye\n";
    assert_eq!(
        found(&played(body, &[Says("EHLO me.example\r\n"), Hears(1)]), 4),
        ["FAIL A 2: nothing before the greeting but \"EHLO me.example\\r\\n\""]
    );
    assert_eq!(
        found(&played(body, &[Hears(1), Says("EHLO me.example\r\nQUIT\r\n")]), 4),
        ["FAIL A 4: nothing before the reply to EHLO but \"QUIT\\r\\n\""]
    );
    let data = format!("{GROUP}C: .\nS: 250 ok\n");
    assert_eq!(
        after_hello("S+ PIPELINING\n", &data, &[Says(IN_ONE), Says("text\r\n")]),
        ["FAIL A 11: nothing before the reply to DATA but \"text\\r\\n\""]
    );
}

#[test]
fn the_wrong_thing() {
    let turns = [Says("RCPT TO:<c@d.example>\r\n"), Hears(1)];
    assert_eq!(
        after_hello("", GROUP, &turns),
        ["FAIL A 5: MAIL FROM:<a@b.example> ... but \"RCPT TO:<c@d.example>\\r\\n\""]
    );
    assert_eq!(
        after_hello(
            "",
            "R: A SHOULD say it\nC: NOOP\nS: 250 ok\nR: B MUST leave\nC: QUIT\nS: 221 bye\n",
            &[Says("RSET\r\n"), Hears(1), Says("QUIT\r\n"), Hears(1), Closes]
        ),
        ["WARN A 5: NOOP but \"RSET\\r\\n\""]
    );
    assert_eq!(
        after_hello("", "R: A MUST end lines with CR LF\nC: QUIT\nS: 221 bye\n", &[Says("QUIT\n")]),
        ["FAIL A 5: QUIT but \"QUIT\\n\""]
    );
    assert_eq!(
        after_hello(
            "",
            "R: A MUST keep it\nC: MAIL FROM:<Alice@b.example>\nS: 250 ok\n",
            &[Says("MAIL FROM:<alice@b.example>\r\n")]
        ),
        ["FAIL A 5: MAIL FROM:<Alice@b.example> but \"MAIL FROM:<alice@b.example>\\r\\n\""]
    );
}

#[test]
fn nothing_more() {
    let body = "R: A MUST go on\nC: MAIL FROM:<a@b.example>\nS: 250 ok\n";
    assert_eq!(after_hello("", body, &[Closes]), ["FAIL A 5: MAIL FROM:<a@b.example> but the end of the connection"]);
    assert_eq!(
        after_hello("", body, &[Says("MAIL")]),
        ["FAIL A 5: MAIL FROM:<a@b.example> but \"MAIL\" and then nothing for 10s"]
    );
}

#[test]
fn mail_data() {
    let body = format!("{GROUP}C| .. a\\r\\n.\\r\\n\nS: 250 ok\nC: QUIT\nS: 221 bye\n");
    let keywords = "S+ PIPELINING\n";
    let good = [Says(IN_ONE), Hears(3), Says(".. a\r\n.\r\nQUIT\r\n")];
    assert_eq!(after_hello(keywords, &body, &good), [""; 0], "QUIT may follow the final dot in a group");
    assert_eq!(
        after_hello(keywords, &body, &[Says(IN_ONE), Hears(3), Says(".. b\r\n.\r\n")]),
        ["FAIL A 12: \".. a\\r\\n.\\r\\n\" but \".. b\\r\\n.\\r\\n\""]
    );
    assert_eq!(
        after_hello(keywords, &body, &[Says(IN_ONE), Hears(3), Says(".. a\r\n"), Closes]),
        ["FAIL A 12: \".. a\\r\\n.\\r\\n\" but \".. a\\r\\n\" and then the end of the connection"]
    );
    let lines = format!("{GROUP}C: Quit\nC: .\nS: 250 ok\n");
    assert_eq!(
        after_hello(keywords, &lines, &[Says(IN_ONE), Hears(3), Says("QUIT\r\n.\r\n")]),
        ["FAIL A 12: Quit but \"QUIT\\r\\n\""],
        "in mail data every octet counts"
    );
}

/// A relay has to put one there (RFC 5321 §4.4).
#[test]
fn trace_fields_before_mail_data() {
    let body = format!("{GROUP}C| Subject: a\\r\\n\\r\\nReceived: b\\r\\n.\\r\\n\nS: 250 ok\n");
    let after = |data| after_hello("S+ PIPELINING\n", &body, &[Says(IN_ONE), Hears(3), Says(data)]);
    assert_eq!(after("Subject: a\r\n\r\nReceived: b\r\n.\r\n"), [""; 0]);
    assert_eq!(
        after("Received: from x\r\n\tby y\r\nreceived: from w\r\n by x\r\nSubject: a\r\n\r\nReceived: b\r\n.\r\n"),
        [""; 0]
    );
    assert_eq!(
        after("X-Received: from x\r\nSubject: a\r\n"),
        ["FAIL A 12: \"Subject: a\\r\\n\\r\\nReceived: b\\r\\n.\\r\\n\" but \"X-Received: from x\\r\\nSubject: a\""]
    );
    assert_eq!(
        after("Subject: a\r\n\r\n.\r\n"),
        ["FAIL A 12: \"Subject: a\\r\\n\\r\\nReceived: b\\r\\n.\\r\\n\" but \"Subject: a\\r\\n\\r\\n.\\r\\n\""],
        "only before the message"
    );
    let lines = format!("{GROUP}C: Received: from x ...\nC: .\nS: 250 ok\n");
    let said = [Says(IN_ONE), Hears(3), Says("Received: from x by y\r\n.\r\n")];
    assert_eq!(after_hello("S+ PIPELINING\n", &lines, &said), [""; 0], "where one is expected");
}

#[test]
fn what_is_optional() {
    let body = "R: A MUST leave\nC? RSET\nS: 250 ok\nC: QUIT\nS: 221 bye\nC=eof\n";
    assert_eq!(after_hello("", body, &[Says("RSET\r\n"), Hears(1), Says("QUIT\r\n"), Hears(1), Closes]), [""; 0]);
    assert_eq!(after_hello("", body, &[Says("QUIT\r\n"), Hears(1), Closes]), [""; 0]);
    assert_eq!(after_hello("", body, &[Says("NOOP\r\n"), Hears(1)]), ["FAIL A 7: QUIT but \"NOOP\\r\\n\""]);
    let in_a_run = "R: A MUST leave\nC: NOOP\nC? RSET\nC: QUIT\nS: 250 a\nS: 250 b\nS: 221 c\n";
    let turns = [Says("NOOP\r\n"), Hears(1), Says("QUIT\r\n"), Hears(1), Closes];
    assert_eq!(after_hello("", in_a_run, &turns), [""; 0]);
}

#[test]
fn the_end() {
    let body = "R: A MUST leave\nC: QUIT\nS: 221 bye\nC=eof\n";
    assert_eq!(
        after_hello("", body, &[Says("QUIT\r\n"), Hears(1)]),
        ["FAIL A 7: the end of the connection but nothing for 10s"]
    );
    // The player ends the session in good form by itself.
    let report = played(
        "S: 220 mx.example\nR: A MUST begin\nC: EHLO $client\nS: 250 mx.example\n",
        &[
            Hears(1),
            Says("EHLO a\r\n"),
            Hears(1),
            Says("RSET\r\n"),
            Hears(1),
            Says("MAIL FROM:<>\r\n"),
            Hears(1),
            Says("QUIT\r\n"),
            Hears(1),
            Closes,
        ],
    );
    assert_eq!(
        report.dialogue[3..],
        [
            "C: RSET",
            "S: 250 2.0.0 ok",
            "C: MAIL FROM:<>",
            "S: 421 4.3.2 the transcript ends here",
            "C: QUIT",
            "S: 221 2.0.0 bye",
            "C=eof"
        ]
    );
}

#[test]
fn octets_before_tls() {
    let text = "title: t\nrole: client\nneeds: tls\n\nS: 220 x\nC: EHLO $client\nS: 250 x\nS+ STARTTLS\nR: A MUST wait\nC: STARTTLS\nS: 220 go\n=tls\nC: EHLO $client\nS: 250 x\n";
    let play = |turns: &[Turn]| {
        let hello = [Hears(1), Says("EHLO me.example\r\n"), Hears(2)];
        found(&report(text, Side::Client, &[&hello[..], turns].concat()), 5)
    };
    assert_eq!(play(&[Says("STARTTLS\r\n"), Tls, Says("EHLO me.example\r\n"), Hears(2), Closes]), [""; 0]);
    assert_eq!(
        play(&[Says("STARTTLS\r\nEHLO me.example\r\n")]),
        ["FAIL A 7: nothing before the reply to STARTTLS but \"EHLO me.example\\r\\n\""]
    );
    assert_eq!(
        play(&[Says("STARTTLS\r\n"), Hears(1), Closes]),
        ["FAIL A 8: a TLS handshake but no TLS, but Some(Hears(1))"]
    );
}

#[test]
fn the_prologue() {
    let text = "title: t\nrole: client\nstate: data\n\nR: A MUST go on\nC| a\\r\\n.\\r\\n\nS: 250 ok\n";
    let hello = [Hears(1), Says("EHLO me.example\r\n"), Hears(5)];
    let group =
        [Says("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@d.example>\r\nDATA\r\n"), Hears(4)];
    let good = [&hello[..], &group, &[Says("a\r\n.\r\n"), Hears(1), Closes]].concat();
    assert_eq!(found(&report(text, Side::Client, &good), 4), [""; 0]);
    let quits = [&hello[..], &[Says("QUIT\r\n")]].concat();
    assert_eq!(
        found(&report(text, Side::Client, &quits), 4),
        ["ERROR - 0:  but prologue: expected MAIL, got \"QUIT\" (has the transcript a U: send?)"]
    );
    let old = [
        Hears(1),
        Says("HELO me.example\r\n"),
        Hears(1),
        Says("MAIL FROM:<a@b.example>\r\n"),
        Hears(1),
        Says("RCPT TO:<c@d.example>\r\n"),
        Hears(1),
        Says("DATA\r\n"),
        Hears(1),
        Says("a\r\n.\r\n"),
    ];
    assert_eq!(found(&report(text, Side::Client, &old), 4), [""; 0]);
}

#[test]
fn both_sides_of_one_dialogue() {
    let text =
        "title: t\nrole: both\n\nS: 220\nR: A MUST go on\nC: EHLO $client\nS: 250\nS+ SIZE 100\nC: QUIT\nS: 221\n";
    let client = report(
        text,
        Side::Client,
        &[Hears(1), Says("EHLO me.example\r\n"), Hears(2), Says("QUIT\r\n"), Hears(1), Closes],
    );
    assert_eq!((client.verdict, &client.transcript[..]), (Verdict::Pass, "test@client"));
    assert_eq!(client.dialogue[..4], ["S: 220", "C: EHLO me.example", "S: 250-mx.example", "S: 250 SIZE 100"]);
    let server = report(
        text,
        Side::Server,
        &[Says("220 x\r\n"), Hears(1), Says("250-x\r\n250 SIZE 100\r\n"), Hears(1), Says("221 bye\r\n"), Closes],
    );
    assert_eq!((server.verdict, &server.transcript[..]), (Verdict::Pass, "test@server"));
}

#[test]
fn what_is_said() {
    let said = |role: &str, lines: &str| {
        let text = format!("title: t\nrole: {role}\n\nS: 220 x\nC: EHLO $client\n{lines}");
        let report = report(&text, Side::Client, &[Hears(1), Says("EHLO me.example\r\n"), Hears(1), Closes]);
        report.dialogue[2..].iter().filter(|line| line.starts_with('S')).cloned().collect::<Vec<_>>()
    };
    assert_eq!(said("client", "S: 250-a\nS: 250-b c\nS: 250 d\n"), ["S: 250-a", "S: 250-b c", "S: 250 d"]);
    assert_eq!(
        said("client", "S: 250\nS+ SIZE 1000\nS+ AUTH ~PLAIN\nS- DSN\n"),
        ["S: 250-mx.example", "S: 250-SIZE 1000", "S: 250 AUTH PLAIN"]
    );
    assert_eq!(said("client", "S: 250-a\nS: 250 b\nS+ HELP\n"), ["S: 250-a", "S: 250-b", "S: 250 HELP"]);
    assert_eq!(said("client", "S: what is this\n"), ["S: what is this"]);
    assert_eq!(said("client", "S| 250 $domain\\n\n"), ["S| 250 mx.example\\n"]);
    assert_eq!(said("client", "S=repeat 3 \"a\"\nS/\nS| \\r\\n\n"), ["S: aaa"]);
    assert_eq!(said("both", "S: 5yz 5.1.x | 250\n"), ["S: 550 5.1.0"]);
    assert_eq!(said("both", "S: 250|251\n"), ["S: 250"]);
    assert_eq!(said("both", "S: 2yz ~/a$/\n"), ["S: 250"]);
    assert_eq!(said("both", "S: 220 exact \"a b\"\n"), ["S: 220 a b"]);
    assert_eq!(said("both", "S: 250 $domain\n"), ["S: 250 mx.example"]);
}
