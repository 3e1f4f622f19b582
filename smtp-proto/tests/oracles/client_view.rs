//! A client session as its server sees it: which octets ask for which reply, and what became of each mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::body::LineEndings;
use smtp_proto::client::{Config, Outcome, Security, Verdict};
use smtp_proto::command::{Command, ParseOptions, Verb};
use smtp_proto::reply::{EhloResponse, Reply, ReplyCode};

use super::client_session::{Content, Record};
use super::reference;

/// The address of a recipient of a mail.
pub fn recipient(mail: usize, recipient: usize) -> String {
    format!("m{mail}r{recipient}@s.example")
}

/// What somebody logs in with, be it a password or a token.
pub const SECRET: &str = "hunter2";

/// The client kept to the protocol, and tells of each mail what the wire says.
pub fn check(record: &Record, config: &Config) {
    let view = View::of(record);
    view.check_replies(record);
    view.check_order(record, config);
    view.check_security(record, config);
    for content in &record.bodies {
        assert!(view.transaction(content.mail).is_some_and(|transaction| transaction.granted.is_some()));
    }
    for transaction in &view.transactions {
        let accepted = transaction.recipients.iter().any(|answer| answer.is_some_and(Reply::is_positive));
        let body = record.bodies.iter().find(|content| Some(content.mail) == transaction.mail);
        match (&transaction.granted, body) {
            (None, body) => assert!(body.is_none(), "no body is asked for before 354"),
            (Some(grant), Some(content)) => {
                assert!(accepted);
                grant.check(&record.sent, content, config);
            }
            (Some(grant), None) => assert!(b".\r\n".starts_with(grant.wire(&record.sent)), "there is nobody to get it"),
        }
    }
    assert_eq!(record.outcomes.len(), record.mails.len(), "each mail has its outcome");
    for (number, (outcome, recipients)) in record.outcomes.iter().zip(&record.mails).enumerate() {
        let names: Vec<String> = (0..*recipients).map(|index| recipient(number, index)).collect();
        assert!(outcome.recipients().map(|(name, _)| name).eq(names.iter()), "in the order in which they were sent");
        let content = record.bodies.iter().find(|content| content.mail == number);
        check_outcome(outcome, view.transaction(number), content);
    }
}

/// What a server makes of what the client sent, with the replies that it gave.
#[derive(Default)]
pub struct View<'r> {
    /// What is to be answered: the connection, whole commands and whole mails.
    pub questions: usize,
    steps: Vec<Step<'r>>,
    transactions: Vec<Transaction<'r>>,
}

/// A whole command, a line of AUTH, or the end of mail data.
struct Step<'r> {
    /// `None` for the final dot. AUTH for the lines that belong to it, too.
    verb: Option<Verb>,
    answer: Option<&'r Reply>,
    /// The last answer to EHLO, if it is positive.
    offers: Option<EhloResponse>,
    /// Where its first octet stands in what was sent, for a dot where the data begin.
    start: usize,
    end: usize,
    octets: usize,
    /// Whether the server had said that it takes groups.
    grouped: bool,
}

#[derive(Default)]
struct Transaction<'r> {
    mail: Option<usize>,
    /// The answers to MAIL and to each RCPT.
    sender: Option<&'r Reply>,
    recipients: Vec<Option<&'r Reply>>,
    granted: Option<Grant<'r>>,
}

/// The mail data that a 354 asked for.
struct Grant<'r> {
    start: usize,
    end: Option<usize>,
    verdict: Option<&'r Reply>,
    eight_bit: bool,
}

impl<'r> View<'r> {
    pub fn of(record: &'r Record) -> Self {
        let mut view = Self { questions: 1, ..Self::default() };
        let (mut grouped, mut eight_bit) = (false, false);
        let mut offers = None;
        let mut is_exchange = false;
        let mut start = 0;
        while let Some(length) = record.sent[start..].windows(2).position(|octets| octets == b"\r\n") {
            let line = &record.sent[start..start + length];
            let end = start + length + 2;
            if is_exchange {
                let is_cancelled = line == b"*";
                assert!(is_cancelled || STANDARD.decode(line).is_ok(), "{}", line.escape_ascii());
                let answer = view.answer(record, end);
                let (verb, offers) = (Some(Verb::Auth), offers.clone());
                view.step(Step { verb, answer, offers, start, end, octets: end - start, grouped });
                is_exchange = !is_cancelled && is_challenge(answer);
                start = end;
                continue;
            }
            let command = Command::parse(line, &ParseOptions::default())
                .unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
            let answer = view.answer(record, end);
            if matches!(command, Command::Ehlo(_)) {
                offers = answer.filter(|reply| reply.is_positive()).map(EhloResponse::from_reply);
            }
            let (verb, offers) = (Some(command.verb()), offers.clone());
            view.step(Step { verb, answer, offers: offers.clone(), start, end, octets: end - start, grouped });
            match command {
                Command::Ehlo(_) => {
                    let has = |keyword| offers.as_ref().is_some_and(|offers: &EhloResponse| offers.has(keyword));
                    (grouped, eight_bit) = (has("PIPELINING"), has("8BITMIME"));
                }
                Command::Helo(_) => (grouped, eight_bit) = (false, false),
                Command::Mail { reverse_path, .. } => {
                    let mail = reverse_path.mailbox().map(|mailbox| number(mailbox.local_part()));
                    view.transactions.push(Transaction { mail, sender: answer, ..Transaction::default() });
                }
                Command::Rcpt { forward_path, .. } => {
                    let mailbox = forward_path.mailbox().expect("a mailbox");
                    let transaction = view.transactions.last_mut().expect("RCPT follows MAIL");
                    let mail = *transaction.mail.get_or_insert(number(mailbox.local_part()));
                    assert_eq!(mailbox.as_str(), recipient(mail, transaction.recipients.len()));
                    transaction.recipients.push(answer);
                }
                Command::Data if answer.is_some_and(|reply| reply.code().value() == 354) => {
                    let ended =
                        reference::decode(&record.sent[end..], LineEndings::Strict).end.map(|length| end + length);
                    let verdict = ended.and_then(|end| view.answer(record, end));
                    let grant = Grant { start: end, end: ended, verdict, eight_bit };
                    view.transactions.last_mut().expect("DATA follows MAIL").granted = Some(grant);
                    let Some(ended) = ended else { return view };
                    let step = Step { verb: None, answer: verdict, offers, start: end, end: ended, octets: 3, grouped };
                    view.step(step);
                    start = ended;
                    continue;
                }
                Command::Auth { .. } => is_exchange = is_challenge(answer),
                Command::StartTls | Command::Data | Command::Rset | Command::Quit => {}
                other => panic!("{other:?} is not sent"),
            }
            start = end;
        }
        view
    }

    fn step(&mut self, step: Step<'r>) {
        self.steps.push(step);
        self.questions += 1;
    }

    /// The reply that is next, if it came after the first `end` octets.
    fn answer(&self, record: &'r Record, end: usize) -> Option<&'r Reply> {
        record.replies.get(self.questions).filter(|(_, before)| *before >= end).map(|(reply, _)| reply)
    }

    fn transaction(&self, mail: usize) -> Option<&Transaction<'r>> {
        let mut found = self.transactions.iter().filter(|transaction| transaction.mail == Some(mail));
        let transaction = found.next();
        assert!(found.next().is_none(), "each mail is tried once");
        transaction
    }

    /// A reply that nothing asked for ends the connection.
    fn check_replies(&self, record: &Record) {
        let ends = [0].into_iter().chain(self.steps.iter().map(|step| step.end));
        let asked = ends.zip(&record.replies).take_while(|(end, (_, before))| before >= end).count();
        assert!(asked + 1 >= record.replies.len(), "after a reply to nothing nothing is read");
        assert!(asked == record.replies.len() || record.closed.is_some());
    }

    /// What was sent before a reply came may be sent in a group, and is not too much.
    fn check_order(&self, record: &Record, config: &Config) {
        for (index, step) in self.steps.iter().enumerate() {
            let answered = record.replies.iter().take_while(|(_, before)| *before <= step.start).count();
            let waits = match index.checked_sub(1).map(|before| self.steps[before].verb) {
                Some(Some(Verb::Mail | Verb::Rcpt | Verb::Rset) | None) => {
                    !config.pipelining || !step.grouped || step.verb == Some(Verb::Quit)
                }
                Some(Some(Verb::Quit)) => panic!("nothing follows QUIT"),
                _ => true,
            };
            assert!(!waits || answered > index, "step {index} came before the reply to the one before it");
            let unanswered = &self.steps[answered.saturating_sub(1).min(index)..=index];
            let octets: usize = unanswered.iter().map(|step| step.octets).sum();
            assert!(
                unanswered.len() == 1 || octets <= config.limits.unanswered.get(),
                "{octets} octets wait for replies"
            );
        }
    }

    /// TLS begins where it should, nothing that has to be protected leaves before, and nobody sends mail before having
    /// logged in.
    fn check_security(&self, record: &Record, config: &Config) {
        let is_wanted = config.credentials.is_some();
        let mut is_in = false;
        for (index, step) in self.steps.iter().enumerate() {
            let tls = record.tls.filter(|(before, _)| *before <= step.start);
            let is_verified = tls.is_some_and(|(_, is_verified)| is_verified);
            let offers = step.offers.as_ref();
            let line = &record.sent[step.start..step.end];
            if tls.is_none() {
                let is_harmless = matches!(step.verb, Some(Verb::Ehlo | Verb::StartTls | Verb::Quit));
                match config.security {
                    Security::Implicit => panic!("{} in clear", line.escape_ascii()),
                    Security::Required => assert!(is_harmless, "{} in clear", line.escape_ascii()),
                    _ => {}
                }
            } else if tls.is_some_and(|(before, _)| before == step.start) {
                assert!(matches!(step.verb, Some(Verb::Ehlo | Verb::Quit)), "EHLO comes first");
            }
            match step.verb {
                Some(Verb::StartTls) => {
                    assert!(matches!(config.security, Security::Required | Security::Opportunistic) && tls.is_none());
                    assert!(offers.is_some_and(|offers| offers.has("STARTTLS")), "it was offered");
                    assert!(self.steps[..index].iter().all(|step| step.verb == Some(Verb::Ehlo)), "it comes first");
                }
                Some(Verb::Auth) => {
                    let is_shown = line.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
                    assert!(!is_shown, "the secret is never said as it is");
                    assert!(is_wanted && !is_in && self.transactions_before(step.start) == 0);
                    let words: Vec<&[u8]> = line.trim_ascii_end().split(|&octet| octet == b' ').collect();
                    let payload = if let [b"AUTH", name, payload @ ..] = &words[..] {
                        let name = core::str::from_utf8(name).expect("ASCII");
                        let mut offered = offers.into_iter().flat_map(EhloResponse::mechanisms);
                        assert!(offered.any(|offered| offered == name), "{name} was offered");
                        payload.first().copied().unwrap_or_default()
                    } else {
                        words[0]
                    };
                    let said = STANDARD.decode(payload).unwrap_or_default();
                    let is_secret = said.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
                    assert!(!is_secret || is_verified || config.unprotected_credentials, "the secret is kept");
                    is_in = step.answer.is_some_and(Reply::is_positive);
                }
                Some(Verb::Mail) => assert!(is_in || !is_wanted, "nobody has logged in"),
                _ => {}
            }
        }
    }

    fn transactions_before(&self, end: usize) -> usize {
        self.steps.iter().filter(|step| step.start < end && step.verb == Some(Verb::Mail)).count()
    }
}

impl Grant<'_> {
    fn wire<'s>(&self, sent: &'s [u8]) -> &'s [u8] {
        &sent[self.start..self.end.unwrap_or(sent.len())]
    }

    /// What was sent is what was handed in, whole only if it was ended and may be sent.
    fn check(&self, sent: &[u8], content: &Content, config: &Config) {
        let wire = self.wire(sent);
        let encoding = reference::encode(&content.octets, config.line_endings);
        if self.end.is_some() {
            assert!(content.ended && encoding.stray.is_none());
            assert!(self.eight_bit || content.octets.is_ascii(), "8-bit text is not sent to everybody");
            assert_eq!(wire, encoding.wire);
            return;
        }
        assert!(encoding.wire.starts_with(wire), "{} of {}", wire.escape_ascii(), encoding.wire.escape_ascii());
        if !content.ended && encoding.stray.is_none() {
            let text = encoding.wire.strip_suffix(b".\r\n").expect("an encoding ends in a dot");
            assert!(wire.len() <= text.len(), "what was not ended has no end");
        }
    }
}

/// Each verdict follows from what was sent and answered.
fn check_outcome(outcome: &Outcome, transaction: Option<&Transaction<'_>>, content: Option<&Content>) {
    let nothing = Transaction::default();
    let transaction = transaction.unwrap_or(&nothing);
    let grant = transaction.granted.as_ref();
    for (index, (name, verdict)) in outcome.recipients().enumerate() {
        let answer = transaction.recipients.get(index).copied().flatten();
        let is_recipient = answer.is_some_and(Reply::is_positive);
        let data = grant.filter(|_| is_recipient).and_then(|grant| grant.end.map(|_| grant.verdict));
        match data {
            Some(Some(reply)) if reply.is_positive() => {
                assert_eq!(verdict, &Verdict::Accepted(reply.clone()), "{name}")
            }
            Some(Some(reply)) if !reply.is_intermediate() => assert_refused(verdict, reply, name),
            Some(_) => assert_eq!(verdict, &Verdict::Unknown, "{name}: the mail was sent and nothing came"),
            None => assert!(!verdict.is_accepted(), "{name}: {verdict:?} without the whole mail"),
        }
        if let Verdict::Unknown = verdict {
            assert!(is_recipient && content.is_some_and(|content| content.ended), "{name}: the mail was never whole");
        }
        let refusal = |reply: &&Reply| reply.is_transient() || reply.is_permanent();
        match (transaction.sender.filter(refusal), answer.filter(refusal)) {
            (Some(reply), _) | (None, Some(reply)) => assert_refused(verdict, reply, name),
            (None, None) => {}
        }
    }
}

fn assert_refused(verdict: &Verdict, reply: &Reply, name: &str) {
    assert!(matches!(verdict, Verdict::Temporary(_) | Verdict::Permanent(_)), "{name}: {verdict:?} after {reply}");
    assert_eq!(verdict.reply(), Some(reply), "{name}");
    assert!(reply.is_permanent() || matches!(verdict, Verdict::Temporary(_)), "{name}: {verdict:?}");
}

fn is_challenge(answer: Option<&Reply>) -> bool {
    answer.is_some_and(|reply| reply.code() == ReplyCode::AUTHENTICATION_CHALLENGE)
}

/// The number in `m12` or `m12r3`.
fn number(local_part: &str) -> usize {
    let digits = local_part[1..].split('r').next().expect("a number");
    digits.parse().expect("a number")
}
