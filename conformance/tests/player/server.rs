//! Servers.

use smtp_conformance::transcript::Side;
use smtp_conformance::verdict::{Report, Verdict};

use crate::kit::{Turn, found, report, verdicts};
use Turn::{Closes, Hears, Says, Tls};

/// Plays a body, which begins in line 5.
fn played(body: &str, turns: &[Turn]) -> Report {
    report(&format!("title: t\nrole: server\n\n{body}"), Side::Server, turns)
}

/// What is found in a session that begins well and goes on like this.
fn after_greeting(body: &str, turns: &[Turn]) -> Vec<String> {
    let turns: Vec<_> = [Says("220 mx.example\r\n")].iter().chain(turns).copied().collect();
    found(&played(&format!("S: 220\n{body}"), &turns), 4)
}

#[test]
fn what_is_as_it_has_to_be_passes() {
    let report = played(
        "S: 220\nC: EHLO $client\nR: A MUST say so\nS: 250\nS+ PIPELINING\nS+ SIZE ~\\d+\nS- CHUNKING\nR: B MUST go on\nC: QUIT\nS: 221\nS=eof\n",
        &[
            Says("220 mx.example\r\n"),
            Hears(1),
            Says("250-mx.example\r\n250-PIPELINING\r\n250 SIZE 100\r\n"),
            Hears(1),
            Says("221 bye\r\n"),
            Closes,
        ],
    );
    assert_eq!(verdicts(&report), [("A", Verdict::Pass), ("B", Verdict::Pass)]);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(
        report.dialogue,
        [
            "S: 220 mx.example",
            "C: EHLO client.example",
            "S: 250-mx.example",
            "S: 250-PIPELINING",
            "S: 250 SIZE 100",
            "C: QUIT",
            "S: 221 bye",
            "S=eof"
        ]
    );
}

#[test]
fn a_wrong_code() {
    let turns = [Says("220 mx.example\r\n"), Hears(1), Says("502 what?\r\n")];
    let report = played("S: 220\nR: A MUST know it\nC: NOOP\nS: 250\nR: B MUST go on\nC: NOOP\nS: 250\n", &turns);
    assert_eq!(found(&report, 4), ["FAIL A 4: 250 but 502 what?"]);
    assert_eq!(verdicts(&report), [("A", Verdict::Fail), ("B", Verdict::Skip)]);
    assert_eq!(report.dialogue.last().expect("a mark"), "# line 8, A MUST: FAIL: expected 250, got 502 what?");
}

#[test]
fn the_level_decides() {
    let turns = [Hears(1), Says("502 what?\r\n"), Hears(1), Says("250 ok\r\n")];
    let body = |level: &str| format!("R: A {level} know it\nC: NOOP\nS: 250\nR: B MUST go on\nC: NOOP\nS: 250\n");
    for (level, verdict) in [
        ("MUST", "FAIL"),
        ("MUST-NOT", "FAIL"),
        ("GRAMMAR", "FAIL"),
        ("PROSE", "FAIL"),
        ("SHOULD", "WARN"),
        ("SHOULD-NOT", "WARN"),
        ("MAY", "INFO"),
    ] {
        assert_eq!(after_greeting(&body(level), &turns), [format!("{verdict} A 4: 250 but 502 what?")], "{level}");
    }
}

#[test]
fn set_up_is_not_judged() {
    let report = played(
        "S: 220\nC: NOOP\nS: 250\nR: A MUST go on\nC: NOOP\nS: 250\n",
        &[Says("220 mx.example\r\n"), Hears(1), Says("502 what?\r\n")],
    );
    assert_eq!(
        found(&report, 4),
        ["ERROR - 3:  but set-up: expected 250, got 502 what? (what is to be judged stands below an R: line)"]
    );
    assert_eq!(report.verdict, Verdict::Error);
    assert_eq!(verdicts(&report), [("A", Verdict::Skip)]);
}

#[test]
fn a_way_that_is_allowed_is_told() {
    let turns = [Hears(1), Says("251 elsewhere\r\n")];
    assert_eq!(
        after_greeting("R: A MAY do so\nC: RCPT TO:<$rcpt>\nS: 250 | 251\n", &turns),
        ["INFO A 4: 250 | 251 but 251 elsewhere"]
    );
    let report =
        played("S: 220\nR: A MUST do so\nC: NOOP\nS: 250 | 251\n", &[Says("220 x\r\n"), Hears(1), Says("251 ok\r\n")]);
    assert_eq!((report.verdict, &report.findings[0].got[..]), (Verdict::Pass, "251 ok"));
}

#[test]
fn no_reply() {
    assert_eq!(
        after_greeting("R: A MUST answer\nC: NOOP\nS: 250\n", &[Hears(1)]),
        ["FAIL A 4: 250 but nothing for 10s"]
    );
    assert_eq!(
        after_greeting(
            "R: A SHOULD answer\nC: NOOP\nS: 250\nR: B MUST go on\nC: NOOP\nS: 250\n",
            &[Hears(1), Says("25")]
        ),
        ["WARN A 4: 250 but \"25\" and then nothing for 10s"]
    );
}

#[test]
fn an_extra_reply() {
    let twice = [Hears(1), Says("250 ok\r\n250 again\r\n"), Hears(1), Says("250 ok\r\n")];
    let body = "R: A MUST answer once\nC: NOOP\nS: 250\nR: B MUST go on\nC: NOOP\nS: 250\n";
    assert_eq!(after_greeting(body, &twice), ["FAIL A 4: nothing more but \"250 again\\r\\n\""]);
    let at_the_end = "R: A MUST answer once\nC: NOOP\nS: 250\n";
    assert_eq!(after_greeting(at_the_end, &twice), ["FAIL A 4: nothing more but \"250 again\\r\\n\""]);
    let in_another_write = [Hears(1), Says("250 ok\r\n"), Says("250 again\r\n")];
    assert_eq!(after_greeting(at_the_end, &in_another_write), ["FAIL A 4: nothing more but \"250 again\\r\\n\""]);
    // Where no answer was looked for, one may come.
    assert_eq!(
        after_greeting(
            "R: A MUST take it\nC: NOOP\nS: 250\nC: QUIT\n",
            &[Hears(1), Says("250 ok\r\n"), Hears(1), Says("221 bye\r\n")]
        ),
        [""; 0]
    );
}

#[test]
fn the_end() {
    let body = "R: A MUST close\nC: QUIT\nS: 221\nS=eof\n";
    assert_eq!(after_greeting(body, &[Hears(1), Closes]), ["FAIL A 4: 221 but the end of the connection"]);
    assert_eq!(
        after_greeting(body, &[Hears(1), Says("221 bye\r\n")]),
        ["FAIL A 5: the end of the connection but nothing for 10s"]
    );
    assert_eq!(
        after_greeting(body, &[Hears(1), Says("221 bye\r\n"), Says("250 and more\r\n"), Closes]),
        ["FAIL A 5: the end of the connection but \"250 and more\\r\\n\""]
    );
    assert_eq!(after_greeting(body, &[Hears(1), Says("221 bye\r\n"), Closes]), [""; 0]);
    assert_eq!(after_greeting("C=eof\nR: A MUST close\nS=eof\n", &[Hears(1)]), [""; 0]);
}

#[test]
fn keywords() {
    let hello = [Hears(1), Says("250-mx.example\r\n250-SIZE 10x\r\n250 AUTH PLAIN\r\n")];
    for (line, problem) in [
        ("S+ PIPELINING", "FAIL A 5: a line PIPELINING but only SIZE, AUTH"),
        ("S+ SIZE ~\\d+", "FAIL A 5: a line SIZE ~\\d+ but SIZE 10x"),
        ("S+ SIZE 10", "FAIL A 5: a line SIZE 10 but SIZE 10x"),
        ("S- AUTH", "FAIL A 5: no line AUTH but AUTH PLAIN"),
        ("S- AUTH PLAIN", "FAIL A 5: no line AUTH PLAIN but AUTH PLAIN"),
    ] {
        assert_eq!(
            after_greeting(&format!("R: A MUST offer it\nC: EHLO $client\nS: 250\n{line}\n"), &hello),
            [problem]
        );
    }
    for line in ["S+ size", "S+ auth plain", "S- AUTH LOGIN", "S- mx.example"] {
        assert_eq!(
            after_greeting(&format!("R: A MUST offer it\nC: EHLO $client\nS: 250\n{line}\n"), &hello),
            [""; 0],
            "{line}"
        );
    }
}

#[test]
fn what_is_no_reply() {
    for (says, flaw) in [
        ("250 ok\n", "250 ok (a line does not end in CR LF)"),
        ("250-a\r\n251 b\r\n", "250 a / b (its lines have different codes)"),
        ("ok\r\n", "ok  (a line does not begin with a reply code)"),
    ] {
        let found = after_greeting("R: A MUST answer\nC: NOOP\nS: 250\n", &[Hears(1), Says(says)]);
        assert_eq!(found.len(), 1, "{says:?}");
        assert!(
            found[0].starts_with("FAIL A 4: 250 but ") && found[0].contains(flaw.trim_start_matches("ok ")),
            "{found:?}"
        );
    }
    let half = [Hears(1), Says("250-a\r\n"), Closes];
    let expected = "FAIL A 4: 250 but 250 a (its last line did not come, but the end of the connection)";
    assert_eq!(after_greeting("R: A MUST answer\nC: NOOP\nS: 250\n", &half), [expected]);
}

#[test]
fn quiet() {
    let body = "R: A MUST-NOT speak\nC| abc\nS=quiet 300ms\n";
    assert_eq!(after_greeting(body, &[]), [""; 0]);
    assert_eq!(after_greeting(body, &[Says("250 eh\r\n")]), ["FAIL A 4: nothing for 300ms but \"250 eh\\r\\n\""]);
    assert_eq!(after_greeting(body, &[Closes]), ["FAIL A 4: nothing for 300ms but the end of the connection"]);
}

#[test]
fn one_at_a_time_or_all_at_once() {
    let body = "R: A MUST go on\nC: EHLO $client\nS: 250\nC: MAIL FROM:<$sender>\nC: RCPT TO:<$rcpt>\nC: DATA\nS: 250\nS: 250\nS: 354\n";
    let one_by_one = [
        Hears(1),
        Says("250 mx.example\r\n"),
        Hears(1),
        Says("250 a\r\n"),
        Hears(1),
        Says("250 b\r\n"),
        Hears(1),
        Says("354 c\r\n"),
    ];
    assert_eq!(after_greeting(body, &one_by_one), [""; 0]);
    let in_a_group =
        [Hears(1), Says("250-mx.example\r\n250 PIPELINING\r\n"), Hears(3), Says("250 a\r\n250 b\r\n354 c\r\n")];
    assert_eq!(after_greeting(body, &in_a_group), [""; 0]);
    let not_offered = [Hears(1), Says("250 mx.example\r\n"), Hears(3), Says("250 a\r\n250 b\r\n354 c\r\n")];
    assert_eq!(after_greeting(body, &not_offered), ["FAIL A 8: 250 but nothing for 10s"]);
    // Where the numbers differ, all commands come first.
    let uneven = "R: A MUST go on\nC: NOOP\nC: QUIT\nS: 221\n";
    assert_eq!(after_greeting(uneven, &[Hears(2), Says("221 bye\r\n")]), [""; 0]);
}

#[test]
fn the_second_of_a_group() {
    let body = "C: EHLO $client\nS: 250\nR: A MUST go on\nC: MAIL FROM:<$sender>\nC: RCPT TO:<$rcpt>\nS: 250\nR: B MUST take it\nS: 250\n";
    let turns = [Hears(1), Says("250-mx.example\r\n250 PIPELINING\r\n"), Hears(2), Says("250 a\r\n550 b\r\n")];
    assert_eq!(after_greeting(body, &turns), ["FAIL B 9: 250 but 550 b"]);
}

#[test]
fn octets_before_tls() {
    let body = "C: EHLO $client\nS: 250\nR: A MUST-NOT say more in clear\nC: STARTTLS\nS: 220\n=tls\nC: EHLO $client\nS: 250\n";
    let hello = "250-mx.example\r\n250 STARTTLS\r\n";
    let good = [Hears(1), Says(hello), Hears(1), Says("220 go\r\n"), Tls, Hears(1), Says("250 mx.example\r\n")];
    let text = format!("title: t\nrole: server\nneeds: tls\n\nS: 220\n{body}");
    let play = |turns: &[Turn]| {
        let turns: Vec<_> = [Says("220 mx.example\r\n")].iter().chain(turns).copied().collect();
        found(&report(&text, Side::Server, &turns), 5)
    };
    assert_eq!(play(&good), [""; 0]);
    assert_eq!(
        play(&[Hears(1), Says(hello), Hears(1), Says("220 go\r\n250 x\r\n"), Tls]),
        ["FAIL A 7: nothing in clear before the TLS handshake but \"250 x\\r\\n\""]
    );
    assert_eq!(
        play(&[Hears(1), Says(hello), Hears(1), Says("220 go\r\n"), Closes]),
        ["FAIL A 7: a TLS handshake but no TLS, but Some(Closes)"]
    );
}

#[test]
fn the_prologue() {
    let play = |state: &str, turns: &[Turn]| {
        let text = format!("title: t\nrole: server\nstate: {state}\nneeds: rcpt\n\nR: A MUST go on\nC: NOOP\nS: 250\n");
        report(&text, Side::Server, turns)
    };
    let to_rcpt = [
        Says("220 mx.example\r\n"),
        Hears(1),
        Says("250 mx.example\r\n"),
        Hears(1),
        Says("250 a\r\n"),
        Hears(1),
        Says("250 b\r\n"),
    ];
    let turns: Vec<_> = to_rcpt.iter().chain(&[Hears(1), Says("250 ok\r\n")]).copied().collect();
    assert_eq!(play("rcpt", &turns).verdict, Verdict::Pass);
    let refused = play("rcpt", &[&to_rcpt[..6], &[Says("550 no\r\n")]].concat());
    assert_eq!(found(&refused, 5), ["ERROR - 0:  but prologue: RCPT: expected 250 or 251, got 550 no"]);
    assert_eq!(verdicts(&refused), [("A", Verdict::Skip)]);
    let silent = play("greeted", &[]);
    assert_eq!(found(&silent, 5), ["ERROR - 0:  but prologue: the greeting: expected 220, got nothing for 10s"]);
}

#[test]
fn what_the_application_saw() {
    let text = "title: t\nrole: server\nneeds: app\n\nS: 220\nR: A MUST tell\nU= reset\nC: NOOP\nS: 250\nR: B MUST tell\nU= mail\n";
    let turns = [Says("220 mx.example\r\n"), Hears(1), Says("250 ok\r\n")];
    assert_eq!(found(&report(text, Side::Server, &turns), 5), ["FAIL A 3: U= reset but no reset"]);
    // The session was broken off: nothing is said about what the application saw.
    let broken = found(&report(&text.replace("S: 250", "S: 251"), Side::Server, &turns), 5);
    assert_eq!(broken, ["FAIL A 5: 251 but 250 ok"]);
}

#[test]
fn what_cannot_be_played_says_what_to_do() {
    let report = played("S: 220\nR: A MUST go on\nC: RCPT TO:<$badrcpt>\nS: 550\n", &[]);
    let expected =
        "line 7 cannot be played: the target has no $badrcpt: the header says `needs: badrcpt` where it is used";
    assert_eq!(found(&report, 4), [format!("ERROR - 3:  but {expected}")]);
    // The default application of a wire cannot be told anything.
    let text = "title: t\nrole: server\nneeds: app\n\nS: 220\nU: shutdown\nR: A MUST leave\nS: 421\n";
    let report = crate::kit::report(text, Side::Server, &[Says("220 x\r\n")]);
    assert_eq!(report.verdict, Verdict::Skip);
}

#[test]
fn who_goes_on_for_ever() {
    let body = "R: A MUST answer\nC: NOOP\nS: 250\n";
    let endless: &str = String::leak("x".repeat(1 << 20));
    let found = after_greeting(body, &[Hears(1), Says(endless), Says("\r\n250 ok\r\n")]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("does not end in CR LF"), "{}", &found[0][found[0].len() - 100..]);
    let line: &str = String::leak(format!("250-{}\r\n", "x".repeat(1 << 19)));
    let turns: Vec<_> = [Hears(1)].into_iter().chain([Says(line); 20]).collect();
    let found = after_greeting(body, &turns);
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("… (it has no end)"), "{}", &found[0][found[0].len() - 100..]);
}

/// A TLS library that got octets in clear says so before it closes. That is no reply.
#[test]
fn an_alert_of_tls_is_nothing_said() {
    let after = |said| after_greeting("R: A MUST end\nC=eof\nS=eof\n", &[Says(said), Closes]);
    assert_eq!(after("\x15\x03\x03\0\x02\x02\x32"), [""; 0]);
    assert_eq!(after("\x15\x03\x01\0\x02\x01\0"), [""; 0]);
    for said in ["250 ok\r\n", "\x15\x03\x03\0\x02\x02\x32250 ok\r\n", "\x16\x03\x03\0\x02\x02\x32"] {
        assert_eq!(after(said).len(), 1, "{said:?}");
    }
}
