//! The suite on the core: all of it, in both roles, in virtual time.

use smtp_conformance::corpus::Corpus;
use smtp_conformance::mutant::{Distorted, Mutant};
use smtp_conformance::suite::Suite;
use smtp_conformance::target::{CoreTarget, Heard, Target, Unavailable, Variables, Wire};
use smtp_conformance::transcript::{Act, Need, Side, Tag, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

/// Nothing is skipped but what the core does not have.
#[test]
fn the_core_conforms() {
    let core = CoreTarget::new();
    let mut suite = Suite::default();
    suite.transcripts = Corpus::embedded().transcripts().iter().collect();
    suite.targets = vec![&core];
    let reports = suite.run(|_| {});
    assert!(reports.len() >= Corpus::embedded().transcripts().len());
    let bad: Vec<_> =
        reports.iter().filter(|report| report.verdict >= Verdict::Fail || is_odd_skip(report)).map(show).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn is_odd_skip(report: &Report) -> bool {
    let is_lack = |reason: &str| {
        ["it does not offer ", "it offers ", "the client does not use ", "the client uses "]
            .iter()
            .any(|it| reason.starts_with(it))
    };
    report.verdict == Verdict::Skip
        && !report.findings.iter().any(|finding| finding.clause.is_none() && is_lack(&finding.got))
}

fn show(report: &Report) -> String {
    let findings = report.findings.iter().filter(|finding| finding.verdict != Verdict::Pass);
    let findings: Vec<_> = findings
        .map(|it| {
            format!("  line {}: {} [{}]: expected {}, got {}", it.line, it.verdict, it.chunking, it.expected, it.got)
        })
        .collect();
    format!("{} {}\n{}\n  {}", report.verdict, report.transcript, findings.join("\n"), report.dialogue.join("\n  "))
}

fn transcripts(texts: &[(&str, &str)]) -> Vec<Transcript> {
    let parse = |(id, text): &(&str, &str)| Transcript::parse(id, &format!("smtpt: 1\ntitle: t\n{text}"));
    texts.iter().map(|text| parse(text).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn verdicts(target: &dyn Target, texts: &[(&str, &str)], change: impl FnOnce(&mut Suite<'_>)) -> Vec<String> {
    let transcripts = transcripts(texts);
    let mut suite = Suite::default();
    suite.transcripts = transcripts.iter().collect();
    suite.targets = vec![target];
    change(&mut suite);
    let mut told = Vec::new();
    let reports = suite.run(|report| told.push(report.transcript.clone()));
    assert_eq!(
        told,
        reports.iter().map(|report| report.transcript.clone()).collect::<Vec<_>>(),
        "each is told, in order"
    );
    let reason =
        |report: &Report| report.findings.iter().find(|it| it.clause.is_none()).map(|it| format!(": {}", it.got));
    reports
        .iter()
        .map(|report| format!("{} {}{}", report.transcript, report.verdict, reason(report).unwrap_or_default()))
        .collect()
}

#[test]
fn what_a_server_offers_decides() {
    let play = "\nR: A MUST greet\nS: 220\n";
    let cases = [
        ("a", "role: server\nneeds: ext=PIPELINING"),
        ("b", "role: server\nneeds: ext=CHUNKING"),
        ("c", "role: server\nneeds: no-ext=SIZE"),
        ("d", "role: server\nneeds: auth=PLAIN"),
        ("e", "role: server\nneeds: tls auth=PLAIN"),
        ("f", "role: server\nneeds: tls auth=EXTERNAL"),
        ("g", "role: server\nneeds: rcpts=120 badrcpt time app"),
        ("h", "role: server\nneeds: rcpts=121"),
        ("i", "role: client\nneeds: ext=DSN"),
        ("j", "role: client\nneeds: auth=GSSAPI"),
    ];
    let texts: Vec<_> = cases.iter().map(|(id, header)| (*id, format!("{header}\n{play}"))).collect();
    let texts: Vec<_> = texts.iter().map(|(id, text)| (*id, text.as_str())).collect();
    assert_eq!(
        verdicts(&CoreTarget::new(), &texts, |_| {}),
        [
            "a PASS",
            "b SKIP: it does not offer CHUNKING",
            "c SKIP: it offers SIZE",
            "d SKIP: it does not offer AUTH",
            "e PASS",
            "f SKIP: it does not offer AUTH EXTERNAL",
            "g PASS",
            "h SKIP: 121 recipients are wanted, and 120 are known",
            "i SKIP: the client does not use DSN",
            "j SKIP: the client has no mechanism GSSAPI",
        ]
    );
}

#[test]
fn what_a_transcript_sets_up_changes_what_is_offered() {
    let texts = [
        ("a", "role: server\nneeds: auth=PLAIN\n\nU: set auth=clear\nR: A MUST greet\nS: 220\n"),
        ("b", "role: server\nneeds: tls\n\nU: set tls=disabled\nR: A MUST greet\nS: 220\n"),
        ("c", "role: server\nneeds: tls\n\nU: set tls=implicit\nR: A MUST greet\n=tls\nS: 220\n"),
        ("d", "role: server\n\nU: set no-such-key=1\nR: A MUST greet\nS: 220\n"),
    ];
    assert_eq!(
        verdicts(&CoreTarget::new(), &texts, |_| {}),
        [
            "a PASS",
            "b SKIP: it does not offer STARTTLS",
            "c PASS",
            "d SKIP: the server cannot be set up with no-such-key=1"
        ]
    );
}

#[test]
fn a_transcript_of_both_roles_is_two_cases() {
    let texts = [
        ("a", "role: both\n\nR: A MUST greet\nS: 220\nC: EHLO $client\nS: 250\nC: QUIT\nS: 221\n"),
        ("b", "role: client\n\nS: 220\n"),
    ];
    assert_eq!(verdicts(&CoreTarget::new(), &texts, |_| {}), ["a@server PASS", "a@client PASS", "b PASS"]);
}

/// The core, as if it were somebody's.
struct Live {
    core: CoreTarget,
    allowed: Vec<Tag>,
}

impl Target for Live {
    fn name(&self) -> &str {
        "live"
    }

    fn variables(&self) -> &Variables {
        self.core.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        self.core.offers(role, need)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn allowed(&self) -> &[Tag] {
        &self.allowed
    }

    fn connect(&self, setup: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        self.core.connect(setup)
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a server".into()))
    }
}

const TAGGED: [(&str, &str); 7] = [
    ("a", "role: server\ntags: safe\n\nS: 220\n"),
    ("b", "role: server\n\nS: 220\n"),
    ("c", "role: server\ntags: delivers\n\nS: 220\n"),
    ("d", "role: server\ntags: delivers flood\n\nS: 220\n"),
    ("e", "role: server\ntags: safe slow\n\nS: 220\n"),
    ("f", "role: server\nneeds: time\ntags: safe\n\nS: 220\n"),
    ("g", "role: client\ntags: safe\n\nS: 220\n"),
];

#[test]
fn a_live_server_is_spared() {
    let live = Live { core: CoreTarget::new(), allowed: Vec::new() };
    let slow = "e SKIP: it takes long, and is played where `slow` is allowed";
    assert_eq!(
        verdicts(&live, &TAGGED, |_| {}),
        [
            "a PASS",
            "b SKIP: it is not tagged `safe`, and this is a live server",
            "c SKIP: this is a live server, where `delivers` is not allowed",
            "d SKIP: this is a live server, where `delivers`, `flood` is not allowed",
            slow,
            "f SKIP: it takes virtual time",
            "g SKIP: it is a server",
        ]
    );
    let live = Live { core: CoreTarget::new(), allowed: vec![Tag::Delivers] };
    let some = verdicts(&live, &TAGGED, |_| {});
    assert_eq!(some[2..4], ["c PASS", "d SKIP: this is a live server, where `flood` is not allowed"]);
    let more = verdicts(&live, &TAGGED, |suite| suite.options.allowed = vec![Tag::Flood, Tag::Slow]);
    assert_eq!(more[3..5], ["d PASS", "e PASS"]);
    let all = verdicts(&live, &TAGGED, |suite| suite.options.everything = true);
    assert_eq!(all[1..5], ["b PASS", "c PASS", "d PASS", "e PASS"]);
}

#[test]
fn passwords_of_a_live_server_are_not_shown() {
    let live = Live { core: CoreTarget::new(), allowed: Vec::new() };
    let texts = [(
        "a",
        "role: server\nstate: tls\nneeds: tls auth=PLAIN\ntags: safe\n\nR: A MUST take it\nC: AUTH PLAIN $b64(\\0$user\\0$password)\nS: 235\n",
    )];
    let transcripts = transcripts(&texts);
    for text in [false, true] {
        let mut transcript = transcripts[0].clone();
        if text {
            transcript.state = smtp_conformance::transcript::State::Auth;
            transcript.body.truncate(0);
        }
        let report =
            smtp_conformance::play::play(&transcript, Side::Server, &live, &smtp_conformance::play::Options::default());
        assert_eq!(report.verdict, Verdict::Pass, "{}", show(&report));
        assert!(report.dialogue.contains(&"C: AUTH PLAIN ***".into()), "{}", show(&report));
    }
}

#[test]
fn a_live_server_is_left_in_good_form() {
    let live = Live { core: CoreTarget::new(), allowed: Vec::new() };
    let left = ["# the transcript ends here", "C: QUIT", "S: 221 2.0.0 mx.example closing connection"];
    for (text, is_left) in [
        ("role: server\n\nS: 220\nR: A MUST serve it\nC: NOOP\nS: 250\n", true),
        ("role: server\n\nS: 220\nR: A MUST serve it\nC: NOOP\nS: 251\n", true),
        ("role: server\nstate: ehlo\n\nC| NOO\n", false),
        ("role: server\nstate: data\nneeds: rcpt\n\nR: A MUST wait\nC: text\nS=quiet 1s\n", false),
        ("role: server\n\nS: 220\nC: QUIT\nS: 221\nS=eof\n", false),
    ] {
        let transcript = &transcripts(&[("a", text)])[0];
        let options = smtp_conformance::play::Options::default();
        let report = smtp_conformance::play::play(transcript, Side::Server, &live, &options);
        assert_eq!(report.dialogue.windows(3).any(|lines| lines == left), is_left, "{}", show(&report));
    }
}

/// Nobody is there.
struct Absent(Variables);

impl Target for Absent {
    fn name(&self) -> &str {
        "absent"
    }

    fn variables(&self) -> &Variables {
        &self.0
    }

    fn offers(&self, _: Side, _: &Need) -> Result<(), String> {
        Ok(())
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unreachable("nobody is there".into()))
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unreachable("nobody is there".into()))
    }
}

#[test]
fn who_cannot_be_reached_is_an_error() {
    let absent = Absent(Variables::new("mx.example", "a@b.example"));
    let expected =
        ["a ERROR: absent cannot be reached: nobody is there", "g ERROR: absent cannot be reached: nobody is there"];
    assert_eq!(verdicts(&absent, &[TAGGED[0], TAGGED[6]], |_| {}), expected);
}

/// Whoever refuses EHLO, or answers it with two codes, offers nothing, and is played with.
#[test]
fn who_answers_ehlo_wrongly_offers_nothing() {
    let core = CoreTarget::new();
    let texts = [
        (
            "a",
            "role: server\nneeds: no-ext=DSN\n\nR: A MUST greet\nS: 220\nR: B MUST know it\nC: EHLO $client\nS: 250\n",
        ),
        ("b", "role: server\nneeds: ext=PIPELINING\n\nR: A MUST greet\nS: 220\n"),
    ];
    for rule in [
        "command = \"(?i)^EHLO\"\nreply = [\"502 5.5.1 what?\"]",
        "command = \"(?i)^EHLO\"\ntrue_reply = [\"250-mx.example\", \"220 PIPELINING\"]",
        "command = \"(?i)^EHLO\"\nclose = \"before\"",
        "command = \"(?i)^EHLO\"\nswallow = true",
    ] {
        let head = "[[mutant]]\nname = \"m\"\nrole = \"server\"\nrequirement = [\"R-4.2-01\"]\nwhat = \"w\"\n[[mutant.rule]]\n";
        let mutants = Mutant::parse("m.toml", &format!("{head}{rule}\n")).expect("a mutant");
        let verdicts = verdicts(&Distorted::new(&core, &mutants[0]), &texts, |_| {});
        assert_eq!(verdicts, ["a FAIL", "b SKIP: it does not offer PIPELINING"], "{rule}");
    }
}

/// A reply that comes late comes in virtual time, and what was said is the same under every way of cutting.
#[test]
fn the_wires_of_the_core() {
    let core = CoreTarget::new();
    let mut wire = core.connect(&[]).expect("the core");
    let zero = core::time::Duration::ZERO;
    assert!(matches!(wire.hear(zero), Ok(Heard::Octets(octets)) if octets.starts_with(b"220 ")));
    assert_eq!(wire.hear(zero).expect("silence"), Heard::Quiet);
    assert!(wire.start_tls(false).is_err(), "no handshake is due");
    wire.pass(core::time::Duration::from_secs(299));
    assert_eq!(wire.hear(zero).expect("silence"), Heard::Quiet);
    wire.pass(core::time::Duration::from_secs(1));
    assert!(matches!(wire.hear(zero), Ok(Heard::Octets(octets)) if octets.starts_with(b"421 ")));
    assert_eq!(wire.hear(zero).expect("the end"), Heard::End);
    assert!(wire.send(b"NOOP\r\n").is_err());
}
