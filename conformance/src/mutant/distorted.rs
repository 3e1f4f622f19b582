//! A correct target with a mutant in front of it.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::Mutant;
use super::relay::Relay;
use super::wire::DistortedWire;
use crate::target::{Target, Unavailable, Variables, Wire};
use crate::transcript::{Act, Need, Side};

/// A target with one defect: a correct one, and a mutant between it and the script.
pub struct Distorted<'a> {
    inner: &'a dyn Target,
    mutant: &'a Mutant,
    applied: Vec<AtomicUsize>,
}

impl<'a> Distorted<'a> {
    /// Puts a mutant in front of a target.
    #[must_use]
    pub fn new(inner: &'a dyn Target, mutant: &'a Mutant) -> Self {
        let applied = mutant.rules.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { inner, mutant, applied }
    }

    /// How often each rule of the mutant did something, on all connections so far.
    #[must_use]
    pub fn applied(&self) -> Vec<usize> {
        self.applied.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// The wire of the inner target, with the mutant in front if it has this role.
    fn distort<'b>(&'b self, wire: Box<dyn Wire + 'b>, role: Side) -> Box<dyn Wire + 'b> {
        if role == self.mutant.role {
            let relay = Relay::new(self.mutant, &self.applied);
            Box::new(DistortedWire::new(wire, relay, role, self.inner.has_virtual_time()))
        } else {
            wire
        }
    }
}

impl Target for Distorted<'_> {
    fn name(&self) -> &str {
        &self.mutant.name
    }

    fn variables(&self) -> &Variables {
        self.inner.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        self.inner.offers(role, need)
    }

    fn has_virtual_time(&self) -> bool {
        self.inner.has_virtual_time()
    }

    fn is_live(&self) -> bool {
        self.inner.is_live()
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(self.distort(self.inner.connect(setup)?, Side::Server))
    }

    fn launch(&self, job: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(self.distort(self.inner.launch(job, attachments)?, Side::Client))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::Distorted;
    use crate::mutant::Mutant;
    use crate::mutant::fake::Fake;
    use crate::target::{Heard, Target as _, Wire};

    /// What is said to the side under test, piece by piece: `+60` lets seconds pass, `TLS` and `END` are what they say.
    type Script<'a> = &'a [&'a str];

    const SESSION: Script<'_> =
        &["EHLO a\r\n", "MAIL x\r\n", "RCPT y\r\n", "DATA\r\n", "one\r\n..two\r\n.\r\n", "QUIT\r\n"];
    const PIPELINED: Script<'_> = &["NOOP 1\r\nNOOP 2\r\nNOOP 3\r\n", "QUIT\r\n"];
    /// What a server says to a client that does not fail.
    const SERVER: Script<'_> = &[
        "220 mx\r\n",
        "250-mx\r\n250 SIZE\r\n",
        "250 sender\r\n",
        "250 rcpt\r\n",
        "354 go\r\n",
        "250 taken\r\n",
        "221 bye\r\n",
    ];

    /// Plays with every cutting, which makes no difference. What the script heard, and what the side under test heard.
    #[track_caller]
    fn play(role: &str, rules: &[&str], script: Script<'_>) -> (String, String) {
        let mutant = defect(role, rules);
        let whole = play_cut(&mutant, script, usize::MAX);
        for octets in 1..=20 {
            assert_eq!(play_cut(&mutant, script, octets), whole, "cut into {octets}");
        }
        whole
    }

    /// One mutant.
    #[track_caller]
    fn defect(role: &str, rules: &[&str]) -> Mutant {
        let rules: String = rules.iter().map(|rule| format!("[[mutant.rule]]\n{rule}\n")).collect();
        let text = format!("[[mutant]]\nname = \"m\"\nrole = \"{role}\"\nrequirement = [\"R\"]\nwhat = \"w\"\n{rules}");
        Mutant::parse("m.toml", &text).unwrap_or_else(|error| panic!("{error}")).remove(0)
    }

    fn play_cut(mutant: &Mutant, script: Script<'_>, octets: usize) -> (String, String) {
        let fake = Fake::default();
        let distorted = Distorted::new(&fake, mutant);
        let mut heard = String::new();
        {
            let mut wire = match mutant.role {
                crate::transcript::Side::Server => distorted.connect(&[]).expect("a server"),
                crate::transcript::Side::Client => distorted.launch(&[], &[]).expect("a client"),
            };
            hear(&mut *wire, &mut heard);
            for said in script {
                if let Some(seconds) = said.strip_prefix('+') {
                    heard.push_str(&format!("({said})"));
                    wire.pass(Duration::from_secs(seconds.parse().expect("a number")));
                } else if *said == "TLS" {
                    wire.start_tls(false).expect("TLS");
                } else if *said == "END" {
                    wire.end().expect("an end");
                } else {
                    for piece in said.as_bytes().chunks(octets) {
                        wire.send(piece).expect("sent");
                        hear(&mut *wire, &mut heard);
                    }
                }
                hear(&mut *wire, &mut heard);
            }
        }
        (heard.replace("\r\n", "|"), fake.take_heard().replace("\r\n", "|"))
    }

    fn hear(wire: &mut dyn Wire, log: &mut String) {
        loop {
            match wire.hear(Duration::ZERO).expect("heard") {
                Heard::Octets(octets) => log.push_str(&String::from_utf8(octets).expect("UTF-8")),
                Heard::End if log.ends_with("[end]") => return,
                Heard::End => log.push_str("[end]"),
                Heard::Quiet => return,
            }
        }
    }

    /// What the script hears from a server.
    #[track_caller]
    fn server_says(rules: &[&str], script: Script<'_>, expected: &str) {
        assert_eq!(play("server", rules, script).0, expected);
    }

    /// What gets to a server.
    #[track_caller]
    fn server_hears(rules: &[&str], script: Script<'_>, expected: &str) {
        assert_eq!(play("server", rules, script).1, expected);
    }

    /// What the script hears from a client.
    #[track_caller]
    fn client_says(rules: &[&str], script: Script<'_>, expected: &str) {
        assert_eq!(play("client", rules, script).0, expected);
    }

    /// What gets to a client.
    #[track_caller]
    fn client_hears(rules: &[&str], script: Script<'_>, expected: &str) {
        assert_eq!(play("client", rules, script).1, expected);
    }

    const NOTHING: &str = "command = \"never\"\nswallow = true";

    #[test]
    fn what_no_rule_is_about_goes_through_as_it_is() {
        let all = "220 mx.example|250-mx.example|250-SIZE 100|250-PIPELINING|250 HELP|250 2.1.0 sender|250 2.0.0 ok|\
                   354 go|250 2.0.0 taken|221 2.0.0 bye|[end]";
        server_says(&[NOTHING], SESSION, all);
        server_hears(&[NOTHING], SESSION, "EHLO a|MAIL x|RCPT y|DATA|one|..two|.|QUIT|");
        let odd =
            &["NOOP\nNOOP\r\r\n\0\r\n", "MAIL x\r\n", "DATA\r\n", "a\n.\nb\r.\r\n", "\n.\r\n", ".\r\n", "half", "END"];
        server_hears(&[NOTHING], odd, "NOOP\nNOOP\r|\0|MAIL x|DATA|a\n.\nb\r.|\n.|.|half[end]");
        let exchange = &["AUTH X\r\n", "NOOP\r\n", "NOOP\r\n", "BDAT 9\r\nNOOP\r\n.\r\nNOOP\r\n"];
        let noop = "command = \"NOOP\"\nreply = \"299 seen\"";
        server_says(&[noop], exchange, "220 mx.example|334 |235 2.7.0 welcome|299 seen|250 2.0.0 chunk|299 seen|");
    }

    #[test]
    fn what_is_said_in_one_go_behind_data_gets_there_in_one_go() {
        let fake = Fake::default();
        let mutant = defect("server", &["command = \"NOOP\"\nreply = \"299 seen\""]);
        let distorted = Distorted::new(&fake, &mutant);
        let mut wire = distorted.connect(&[]).expect("a server");
        let mut log = String::new();
        wire.send(b"MAIL x\r\nDATA\r\nNOOP\r\n.\r\n").expect("sent");
        hear(&mut *wire, &mut log);
        wire.send(b"NOOP\r\n").expect("sent");
        hear(&mut *wire, &mut log);
        assert_eq!(log, "220 mx.example\r\n250 2.1.0 sender\r\n354 go\r\n250 2.0.0 taken\r\n299 seen\r\n");
    }

    #[test]
    fn with_lmtp_each_recipient_has_a_reply() {
        let script = &["LHLO a\r\n", "MAIL x\r\n", "RCPT y\r\nRCPT z\r\n", "DATA\r\n", "one\r\n.\r\n", "NOOP\r\n"];
        let rules =
            ["command = \".\"\nreply_replace = [[\"^...\", \"$0!\"]]", "command = \"NOOP\"\ntrue_reply = \"299 seen\""];
        let begun = "220 mx.example|250 mx.example|250 2.1.0 sender|250 2.0.0 ok|250 2.0.0 ok|354 go|";
        let replies = "250 2.0.0 first! 2.0.0 first|452 4.2.2 second! 4.2.2 second|299 seen|";
        server_says(&rules, script, &format!("{begun}{replies}"));
    }

    #[test]
    fn a_line_without_end_is_handed_on() {
        let fake = Fake::default();
        let mutant = defect("server", &["command = \"NOOP\"\nreply = \"299 seen\""]);
        let distorted = Distorted::new(&fake, &mutant);
        let mut wire = distorted.connect(&[]).expect("a server");
        let mut log = String::new();
        let mut said = String::from("NOOP ");
        wire.send(said.as_bytes()).expect("sent");
        hear(&mut *wire, &mut log);
        assert_eq!(fake.heard.lock().expect("no panic").len(), 0, "it may be a line that a rule is about");
        for _ in 0..20 {
            let piece = "x".repeat(5000);
            wire.send(piece.as_bytes()).expect("sent");
            hear(&mut *wire, &mut log);
            said.push_str(&piece);
        }
        assert_eq!(fake.heard.lock().expect("no panic").len(), said.len(), "all of it has left");
        wire.send(b"\r\nNOOP\r\n").expect("sent");
        hear(&mut *wire, &mut log);
        assert_eq!(log, "220 mx.example\r\n250 2.0.0 ok\r\n299 seen\r\n");
        assert_eq!(fake.take_heard(), format!("{said}\r\n"));
    }

    #[test]
    fn a_server_that_says_more_in_clear_has_no_handshake() {
        let fake = Fake::default();
        let mutant = defect("server", &["command = \"STARTTLS\"\nextra = \"250 more\"\ndelay = \"1s\""]);
        let distorted = Distorted::new(&fake, &mutant);
        let mut wire = distorted.connect(&[]).expect("a server");
        let mut log = String::new();
        wire.send(b"STARTTLS\r\n").expect("sent");
        hear(&mut *wire, &mut log);
        wire.pass(Duration::from_secs(1));
        let error = wire.start_tls(false).expect_err("octets in clear").to_string();
        assert!(error.contains("250 more"), "{error}");
    }

    #[test]
    fn an_own_reply_comes_in_its_turn() {
        let rule = "command = \"NOOP (2)\"\nreply = [\"299-own $1\", \"299 $line\"]";
        let said = "220 mx.example|250 2.0.0 ok|299-own 2|299 NOOP 2|250 2.0.0 ok|221 2.0.0 bye|[end]";
        server_says(&[rule], PIPELINED, said);
        server_hears(&[rule], PIPELINED, "NOOP 1|NOOP 3|QUIT|");
    }

    #[test]
    fn an_own_354_takes_a_message() {
        let script = &["DATA\r\n", "NOOP\r\n.\r\n", "NOOP\r\n"];
        let rule = "command = \"DATA\"\nreply = \"354 go\"";
        server_says(&[rule], script, "220 mx.example|354 go|250 2.0.0 OK|250 2.0.0 ok|");
        server_hears(&[rule], script, "NOOP|");
        let shown = "command = \"DATA\"\nanswered = \"^503\"\ntrue_reply = \"354 go\"";
        let end = "command = \".\"\nreply = \"554 no\"";
        server_says(&[shown, end], script, "220 mx.example|354 go|554 no|250 2.0.0 ok|");
        server_hears(&[shown, end], script, "DATA|NOOP|");
    }

    #[test]
    fn an_own_334_takes_a_line() {
        let script = &["AUTH X\r\n", "secret\r\n", "NOOP\r\n"];
        let rule = "command = \"AUTH\"\nreply = \"334 \"";
        server_says(&[rule], script, "220 mx.example|334 |235 2.7.0 OK|250 2.0.0 ok|");
        server_hears(&[rule], script, "NOOP|");
        let response = "command = \"^sec(ret)\"\nstate = \"auth\"\nsay = \"public $1\"";
        server_hears(&[response], script, "AUTH X|public ret|NOOP|");
    }

    #[test]
    fn the_true_reply_is_replaced() {
        let rule = "command = \"NOOP\"\nnth = 2\ntrue_reply = \"$code changed: $text ($0)\"";
        server_says(
            &[rule],
            PIPELINED,
            "220 mx.example|250 2.0.0 ok|250 changed: 2.0.0 ok (250 2.0.0 ok)|250 2.0.0 ok|221 2.0.0 bye|[end]",
        );
        server_hears(&[rule], PIPELINED, "NOOP 1|NOOP 2|NOOP 3|QUIT|");
        let lines = "command = \"EHLO\"\nreply_replace = [[\"^250-(S)\", \"251-$1\"], [\"HELP\", \"help\"]]";
        server_says(&[lines], &SESSION[..1], "220 mx.example|250-mx.example|251-SIZE 100|250-PIPELINING|250 help|");
        let dot = "command = \".\"\nreply = \"451 later\"";
        server_says(&[dot], &SESSION[1..5], "220 mx.example|250 2.1.0 sender|250 2.0.0 ok|354 go|451 later|");
    }

    #[test]
    fn replies_are_lost_and_doubled() {
        let two = |action: &str| format!("command = \"NOOP 2\"\n{action}");
        let heard = |action: &str| play("server", &[&two(action)], PIPELINED);
        let with = |middle: &str| format!("220 mx.example|250 2.0.0 ok|{middle}250 2.0.0 ok|221 2.0.0 bye|[end]");
        assert_eq!(heard("drop_reply = true"), (with(""), "NOOP 1|NOOP 2|NOOP 3|QUIT|".to_owned()));
        assert_eq!(heard("swallow = true"), (with(""), "NOOP 1|NOOP 3|QUIT|".to_owned()));
        assert_eq!(heard("twice = true").0, with("250 2.0.0 ok|250 2.0.0 ok|"));
        assert_eq!(heard("extra = \"250 more\"").0, with("250 2.0.0 ok|250 more|"));
        assert_eq!(heard("extra_before = [\"250 a\", \"250 b\"]").0, with("250 a|250 b|250 2.0.0 ok|"));
        assert_eq!(heard("bare_lf = true").0, with("250 2.0.0 ok\n"));
        assert_eq!(heard("true_reply = \"250\\u0000\\r\\r\\n\"\nraw = true").0, with("250\0\r|"));
    }

    #[test]
    fn a_reply_comes_out_of_turn() {
        // The final dot is answered when the message begins.
        let early = "content = \"one\"\nreply = \"250 early\"\nimmediately = true";
        let silent = "command = \".\"\ndrop_reply = true";
        let script = &["MAIL x\r\n", "DATA\r\n", "one\r\n", "+1", ".\r\n"];
        server_says(&[early, silent], script, "220 mx.example|250 2.1.0 sender|354 go|250 early|(+1)");
        let handed_on = "command = \"NOOP\"\ntrue_reply = \"250 at once\"\nimmediately = true";
        server_says(&[handed_on], &["NOOP\r\n"], "220 mx.example|250 at once|");
        server_hears(&[handed_on], &["NOOP\r\n"], "NOOP|");
    }

    #[test]
    fn connections_are_closed_and_kept() {
        server_says(&["command = \"\"\nclose = \"before\""], &["NOOP\r\n"], "[end]");
        server_says(&["command = \"\"\nclose = \"after\""], &["NOOP\r\n"], "220 mx.example|[end]");
        let script = &["MAIL x\r\n", "RSET\r\n", "NOOP\r\n"];
        server_says(&["command = \"RSET\"\nclose = \"before\""], script, "220 mx.example|250 2.1.0 sender|[end]");
        server_hears(&["command = \"RSET\"\nclose = \"before\""], script, "MAIL x|[end]");
        let after = "220 mx.example|250 2.1.0 sender|250 2.0.0 reset|[end]";
        server_says(&["command = \"RSET\"\nclose = \"after\""], script, after);
        let own = "command = \"RSET\"\nreply = \"421 gone\"\nclose = \"after\"";
        server_says(&[own], script, "220 mx.example|250 2.1.0 sender|421 gone|[end]");
        let refused = "command = \"RSET\"\nanswered = \"^250\"\nclose = \"before\"";
        server_says(&[refused], script, "220 mx.example|250 2.1.0 sender|[end]");
        server_says(
            &["command = \"QUIT\"\nkeep_open = true"],
            &["QUIT\r\n", "+9"],
            "220 mx.example|221 2.0.0 bye|(+9)",
        );
    }

    #[test]
    fn time_passes_between_a_reply_and_its_hearing() {
        let rule = "command = \"NOOP\"\nnth = 1\ndelay = \"10m\"";
        let script = &["NOOP\r\nRSET\r\n", "+200", "+399", "+1", "NOOP\r\n"];
        let heard = "220 mx.example|(+200)(+399)(+1)250 2.0.0 ok|250 2.0.0 reset|421 4.4.2 too slow|[end]";
        assert_eq!(play("server", &[rule], script).0, heard);
    }

    #[test]
    fn real_time_passes_by_itself() {
        let fake = Fake { in_real_time: true, ..Fake::default() };
        let mutant = defect("server", &["command = \"NOOP|QUIT\"\ndelay = \"20ms\""]);
        let distorted = Distorted::new(&fake, &mutant);
        let mut wire = distorted.connect(&[]).expect("a server");
        let patience = Duration::from_secs(60);
        assert_eq!(wire.hear(patience).expect("heard"), Heard::Octets(b"220 mx.example\r\n".to_vec()));
        for (said, heard) in [("NOOP\r\n", "250 2.0.0 ok\r\n"), ("QUIT\r\n", "221 2.0.0 bye\r\n")] {
            wire.send(said.as_bytes()).expect("sent");
            assert_eq!(wire.hear(patience).expect("heard"), Heard::Octets(heard.into()));
        }
        assert_eq!(wire.hear(patience).expect("heard"), Heard::End);
    }

    #[test]
    fn silence_sets_rules_off() {
        let rule = "idle = \"10s\"\nreply = \"421 bored\"\nclose = \"after\"";
        server_says(
            &[rule],
            &["+9", "NOOP\r\n", "+9", "+1"],
            "220 mx.example|(+9)250 2.0.0 ok|(+9)(+1)421 bored|[end]",
        );
        server_says(&[rule], &["+60"], "220 mx.example|(+60)421 bored|[end]");
        let never = "unasked = \"^421\"\ndrop_reply = true\nkeep_open = true";
        server_says(&[never], &["+299", "+1000"], "220 mx.example|(+299)(+1000)");
        let other = "unasked = \"^(4)21\"\ntrue_reply = \"$121 $text\"";
        server_says(&[other], &["+300"], "220 mx.example|(+300)421 4.4.2 too slow|[end]");
    }

    #[test]
    fn commands_are_changed_on_the_way() {
        let script = &["MAIL x\r\n", "NOOP\r\n", "MAIL z\r\n"];
        let aborts = "command = \"^NOOP\"\nafter = [\"RSET\"]";
        server_says(&[NOTHING], script, "220 mx.example|250 2.1.0 sender|250 2.0.0 ok|503 5.5.1 nested|");
        server_says(&[aborts], script, "220 mx.example|250 2.1.0 sender|250 2.0.0 ok|250 2.1.0 sender|");
        server_hears(&[aborts], script, "MAIL x|NOOP|RSET|MAIL z|");
        server_hears(&["command = \"^NOOP\"\nbefore = \"RSET\""], script, "MAIL x|RSET|NOOP|MAIL z|");
        server_hears(&["command = \"^MAIL (.)\"\nsay = \"MAIL <$1>\""], script, "MAIL <x>|NOOP|MAIL <z>|");
        server_hears(&["command = \"[xz]$\"\ncontent_replace = \"y\""], script, "MAIL y|NOOP|MAIL y|");
        let loses = "command = \"^MAIL\"\nanswered = \"^503\"\nafter = [\"RSET\"]";
        let again = &["MAIL x\r\n", "MAIL y\r\n", "MAIL z\r\n"];
        server_says(&[loses], again, "220 mx.example|250 2.1.0 sender|503 5.5.1 nested|250 2.1.0 sender|");
    }

    #[test]
    fn mail_data_is_changed_on_the_way() {
        let script = &["MAIL x\r\n", "DATA\r\n", "a\n.\nNOOP\r\n", ".\r\n"];
        let smuggled = "content = \"^(.*)\\\\n\\\\.\\\\n\"\ncontent_replace = \"$1\\r\\n.\\r\\n\"";
        server_hears(&[smuggled], script, "MAIL x|DATA|a|.|NOOP|.|");
        server_says(
            &[smuggled],
            script,
            "220 mx.example|250 2.1.0 sender|354 go|250 2.0.0 taken|250 2.0.0 ok|250 2.0.0 ok|",
        );
        let lines = &["MAIL x\r\n", "DATA\r\n", "one\r\n..two\r\nthree\r\n.\r\n"];
        server_hears(&["content = \"two\"\nswallow = true"], lines, "MAIL x|DATA|one|three|.|");
        server_hears(
            &["command = \"o\"\nstate = \"data\"\nsay = [\"a\", \"b\"]"],
            lines,
            "MAIL x|DATA|a|b|a|b|three|.|",
        );
        server_hears(&["content = \"\"\nlonger_than = 6\nsay = \"long\""], lines, "MAIL x|DATA|one|long|long|.|");
        let all = "220 mx.example|250 2.1.0 sender|354 go|";
        server_says(&["command = \".\"\nswallow = true"], &[lines[0], lines[1], lines[2], "NOOP\r\n"], all);
    }

    #[test]
    fn keywords_come_and_go() {
        let rule = "keywords_add = [\"X-MORE a b\"]\nkeywords_remove = [\"help\", \"SIZE\"]";
        server_says(&[rule], &SESSION[..1], "220 mx.example|250-mx.example|250-PIPELINING|250 X-MORE a b|");
    }

    #[test]
    fn conditions_are_kept() {
        let script = &["NOOP\r\n", "RSET\r\n", "NOOP\r\n", "RSET\r\n", "NOOP\r\n"];
        let remembers = "command = \"RSET\"\nnth = 1\nmark = \"reset\"";
        let forgets = "command = \"RSET\"\nnth = 2\nunmark = \"reset\"";
        let marked = "command = \"NOOP\"\nmarked = \"reset\"\nreply = \"250 M\"";
        let unmarked = "command = \"NOOP\"\nunmarked = \"reset\"\nreply = \"250 U\"";
        let said = "220 mx.example|250 U|250 2.0.0 reset|250 M|250 2.0.0 reset|250 U|";
        server_says(&[remembers, forgets, marked, unmarked], script, said);
        let from = "command = \"NOOP\"\nfrom = 2\nreply = \"250 F\"";
        server_says(&[from], script, "220 mx.example|250 2.0.0 ok|250 2.0.0 reset|250 F|250 2.0.0 reset|250 F|");
        let long = &["NOOP 12345\r\n", "NOOP 123456\r\n"];
        server_says(&["longer_than = 12\nreply = \"500 long\""], long, "220 mx.example|250 2.0.0 ok|500 long|");
        let tls = &["NOOP\r\n", "STARTTLS\r\n", "TLS", "NOOP\r\n"];
        let said = "220 mx.example|250 P|220 2.0.0 go|250 T|";
        let [plain, secret] = ["false", "true"].map(|tls| {
            format!("command = \"NOOP\"\ntls = {tls}\nreply = \"250 {}\"", if tls == "true" { "T" } else { "P" })
        });
        server_says(&[&plain, &secret], tls, said);
    }

    const CLIENT_SAID: &str = "EHLO client.example|MAIL FROM:<alice@client.example>|RCPT TO:<bob@mx.example>|DATA|\
                               Subject: hi||..dot|.|QUIT|[end]";

    #[test]
    fn a_client_that_no_rule_is_about_says_what_it_says() {
        client_says(&["says = \"never\"\ndrop = true"], SERVER, CLIENT_SAID);
        client_hears(&["says = \"never\"\ndrop = true"], SERVER, &SERVER.concat().replace("\r\n", "|"));
    }

    #[test]
    fn lines_of_a_client_are_changed() {
        let said = |rule: &str| play("client", &[rule], SERVER).0;
        assert_eq!(said("says = \"^EHLO (.*)\"\nsay = \"HELO $1\""), CLIENT_SAID.replace("EHLO", "HELO"));
        assert_eq!(
            said("says = \"^MAIL\"\nbare_lf = true"),
            CLIENT_SAID.replacen("client.example>|", "client.example>\n", 1)
        );
        assert_eq!(
            said("content = \"^\\\\.(\\\\..*)\"\ncontent_replace = \"$1\""),
            CLIENT_SAID.replace("..dot", ".dot")
        );
        assert_eq!(said("content = \"^Sub\"\ndrop = true"), CLIENT_SAID.replace("Subject: hi|", ""));
        assert_eq!(said("content = \"^Sub\"\nbare_lf = true"), CLIENT_SAID.replace("hi|", "hi\n"));
        assert_eq!(said("says = \".\"\nsay = \"\\n.\\n\"\nraw = true"), CLIENT_SAID.replace("|.|", "|\n.\n"));
    }

    #[test]
    fn a_client_leaves_lines_out() {
        let without =
            |line: &str| [&SERVER[..2], &SERVER[3..]].concat().iter().filter(|said| **said != line).copied().collect();
        let script: Vec<&str> = without("");
        client_says(
            &["says = \"^MAIL\"\ndrop = true"],
            &script,
            &CLIENT_SAID.replace("MAIL FROM:<alice@client.example>|", ""),
        );
        let heard = "220 mx|250-mx|250 SIZE|250 2.0.0 OK|250 rcpt|354 go|250 taken|221 bye|";
        client_hears(&["says = \"^MAIL\"\ndrop = true"], &script, heard);
        let heard = heard.replace("250 2.0.0 OK", "250 mail");
        client_hears(&["says = \"^MAIL\"\ndrop = true\nhears = \"250 mail\""], &script, &heard);
        let script = [&SERVER[..4], &SERVER[6..]].concat();
        client_says(
            &["says = \"^DATA\"\ndrop = true"],
            &script,
            &CLIENT_SAID.replace("DATA|Subject: hi||..dot|.|", ""),
        );
    }

    #[test]
    fn a_client_says_more() {
        let script = &["220 mx\r\n", "250 one\r\n", "250-mx\r\n250 SIZE\r\n", "250 two\r\n", "250 sender\r\n"];
        let more = "says = \"^EHLO\"\nbefore = \"NOOP 1\"\nafter = [\"NOOP 2\"]";
        let said = "NOOP 1|EHLO client.example|NOOP 2|MAIL FROM:<alice@client.example>|RCPT TO:<bob@mx.example>|";
        client_says(&[more], script, said);
        client_hears(&[more], script, "220 mx|250-mx|250 SIZE|250 sender|");
        let early = "says = \"\"\nbefore = \"NOOP early\"";
        client_says(&[early], &script[..1], "NOOP early|EHLO client.example|");
        client_says(&[early], &[], "NOOP early|");
        let later = "hears_for = \"^EHLO\"\nafter = \"NOOP later\"";
        client_says(
            &[later],
            &["220 mx\r\n", "250 SIZE\r\n"],
            "EHLO client.example|NOOP later|MAIL FROM:<alice@client.example>|",
        );
    }

    #[test]
    fn a_client_is_told_something_else() {
        let script = [&SERVER[..4], &["554 no\r\n", "250 taken\r\n"][..]].concat();
        let deaf = "hears_for = \"^DATA\"\nanswered = \"^5\"\nhears = \"354 go\"";
        client_says(&["says = \"never\"\ndrop = true"], &script, &CLIENT_SAID.replace("Subject: hi||..dot|.|", ""));
        client_says(&[deaf], &script, &CLIENT_SAID.replace("[end]", ""));
        let hasty = "says = \"^DATA\"\nhears = \"354 go\"\nimmediately = true";
        let said =
            "EHLO client.example|MAIL FROM:<alice@client.example>|RCPT TO:<bob@mx.example>|DATA|Subject: hi||..dot|.|";
        client_says(&[hasty], &SERVER[..4], said);
        client_hears(&[hasty], &SERVER[..6], "220 mx|250-mx|250 SIZE|250 sender|250 rcpt|354 go|250 taken|");
        let keywords = "keywords_add = [\"PIPELINING\"]\nkeywords_remove = [\"SIZE\"]";
        client_hears(&[keywords], &SERVER[..2], "220 mx|250-mx|250 PIPELINING|");
        client_hears(&["hears_for = \"\"\nhears = \"554 no\""], &SERVER[..1], "554 no|");
    }

    #[test]
    fn a_client_closes_or_does_not() {
        client_says(&["quit_without = true"], SERVER, &CLIENT_SAID.replace("QUIT|", ""));
        client_says(
            &["says = \"^MAIL\"\nclose = \"after\""],
            &SERVER[..3],
            "EHLO client.example|MAIL FROM:<alice@client.example>|[end]",
        );
        client_hears(&["says = \"^MAIL\"\nclose = \"before\""], &SERVER[..2], "220 mx|250-mx|250 SIZE|[end]");
        let twice = "hears_for = \"^MAIL\"\nclose = \"after\"";
        client_says(&[twice], &SERVER[..3], "EHLO client.example|MAIL FROM:<alice@client.example>|[end]");
        client_says(&["says = \"never\"\ndrop = true"], &["+300"], "(+300)[end]");
        client_says(&["says = \"never\"\nkeep_open = true"], &["+300"], "(+300)[end]");
        client_says(&["says = \"^EHLO\"\nkeep_open = true"], &["220 mx\r\n", "+300"], "EHLO client.example|(+300)");
        let hasty = "idle = \"5s\"\nsay = \"QUIT\"\nclose = \"after\"";
        client_says(&[hasty], &["220 mx\r\n", "+4", "+1"], "EHLO client.example|(+4)(+1)QUIT|[end]");
        let slow = "says = \"^EHLO\"\ndelay = \"1m\"";
        client_says(&[slow], &["220 mx\r\n", "+59", "+1"], "(+59)(+1)EHLO client.example|");
    }
}
