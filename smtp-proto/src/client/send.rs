//! What the client puts on the wire: commands as soon as they may leave, and bodies.

use alloc::vec::Vec;

use bytes::Bytes;

use super::capabilities::Offers;
use super::config::Config;
use super::connection::{Connection, Session};
use super::mail::Mail;
use super::table::Question;
use super::verdict::{Failure, Stage, Verdict};
use crate::CloseReason;
use crate::body::{BodyEncoder, Encoded};
use crate::command::{BodyKind, Xtext};
use crate::decimal;

/// Slices of a body up to this many octets are copied behind what is waiting to leave, because a copy costs less than
/// a write of its own; longer ones leave as they are.
const COPIED: usize = 16_384;

/// Octets waiting to leave at which no more of a body is taken.
const BODY_WINDOW: usize = 65_536;

/// A reply that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) question: Question,
    /// The serial number of the mail that it belongs to.
    pub(super) mail: u32,
    /// Octets of what it answers.
    pub(super) octets: usize,
}

/// A body on its way out.
#[derive(Debug)]
pub(super) struct BodyOut {
    encoder: BodyEncoder,
    /// What the application handed in and is not encoded yet.
    pub(super) piece: Bytes,
    /// What leaves next, as it is, behind the outbox.
    pub(super) direct: Bytes,
    /// No further piece comes.
    pub(super) ended: bool,
}

impl BodyOut {
    /// Whether the application may hand in the next piece.
    pub(super) fn is_welcome(&self) -> bool {
        !self.ended && self.piece.is_empty() && self.direct.is_empty()
    }
}

impl Connection {
    /// Writes every command that may leave now (RFC 2920 §3.1).
    pub(super) fn send_commands(&mut self) {
        if self.session != Session::Ready || self.closing.is_some() || self.body.is_some() {
            return;
        }
        while self.send_command() {}
        if self.quit_wanted && self.mails.is_empty() && self.due.is_empty() {
            self.leave(CloseReason::Quit);
        }
        self.await_reply();
    }

    /// Takes the next step for the mail that is being sent. False: nothing can be done now.
    fn send_command(&mut self) -> bool {
        let idle = self.due.is_empty();
        if !(idle || self.config.pipelining && self.offers.pipelining) {
            return false;
        }
        let room = self.config.limits.unanswered.get().saturating_sub(self.unanswered);
        let (serial, reset_due) = (self.sending, self.reset_due);
        let index = serial.wrapping_sub(self.first) as usize;
        let Some(mail) = self.mails.get_mut(index) else { return false };
        let begun = mail.transaction.stage >= Stage::Mail;
        if mail.transaction.sealed {
            self.sending = serial.wrapping_add(1);
            return true;
        }
        if mail.transaction.data_sent {
            return false;
        }
        if !begun && let Some(failure) = unfit(mail, self.offers) {
            mail.judge(&Verdict::Permanent(None));
            mail.transaction.failure = Some(failure);
            mail.transaction.stage = Stage::Ehlo;
            mail.transaction.sealed = true;
            return true;
        }
        if mail.transaction.refused || mail.has_no_recipient() {
            mail.transaction.sealed = true;
            self.reset_due = !mail.transaction.refused;
            return true;
        }
        let question = match (begun, reset_due, mail.transaction.asked < mail.recipients.len()) {
            (false, true, _) => Question::Rset,
            (false, false, _) => Question::Mail,
            (true, _, true) => Question::Rcpt,
            (true, _, false) => Question::Data,
        };
        if !idle && longest(question, mail) > room {
            return false;
        }
        let out = self.outbox.buffer();
        let before = out.len();
        match question {
            Question::Mail => {
                write_mail(out, mail, self.offers);
                mail.transaction.reached(Stage::Mail);
            }
            Question::Rcpt => {
                let recipient = &mail.recipients[mail.transaction.asked];
                write_all(out, &["RCPT TO:<", &recipient.address, ">\r\n"]);
                mail.transaction.asked += 1;
            }
            Question::Data => {
                write_all(out, &["DATA\r\n"]);
                mail.transaction.data_sent = true;
            }
            _ => {
                write_all(out, &["RSET\r\n"]);
                self.reset_due = false;
            }
        }
        let octets = out.len() - before;
        // RSET belongs to the transaction before.
        mail.transaction.unanswered += u32::from(question != Question::Rset);
        self.written(question, octets);
        true
    }

    /// Greets the server with EHLO, or with HELO.
    pub(super) fn say_hello(&mut self, question: Question) {
        let verb = if question == Question::Ehlo { "EHLO " } else { "HELO " };
        self.session = Session::Hello;
        self.say(question, |out, config| write_all(out, &[verb, &config.name]));
    }

    /// Sends QUIT.
    pub(super) fn leave(&mut self, reason: CloseReason) {
        self.session = Session::Leaving(reason);
        self.setup = None;
        self.say(Question::Quit, |out, _| write_all(out, &["QUIT"]));
    }

    /// Sends a line of its own, whose text `write` appends.
    pub(super) fn say(&mut self, question: Question, write: impl FnOnce(&mut Vec<u8>, &Config)) {
        let out = self.outbox.buffer();
        let before = out.len();
        write(out, &self.config);
        write_all(out, &["\r\n"]);
        let octets = out.len() - before;
        self.written(question, octets);
    }

    /// The server waits for the mail data.
    pub(super) fn begin_body(&mut self) {
        let encoder = BodyEncoder::new(self.config.line_endings);
        self.body = Some(BodyOut { encoder, piece: Bytes::new(), direct: Bytes::new(), ended: false });
        self.await_body();
    }

    /// Moves the body on as far as it goes, and the next mail's commands behind its end.
    pub(super) fn send_body(&mut self) {
        let Some(body) = &mut self.body else { return };
        while body.direct.is_empty() && self.outbox.len() < BODY_WINDOW {
            match body.encoder.next(&mut body.piece) {
                Encoded::Slice(slice) if slice.len() <= COPIED => {
                    self.outbox.buffer().extend_from_slice(&slice);
                    self.unoffered += slice.len();
                }
                Encoded::Slice(slice) => body.direct = slice,
                Encoded::Stray(stray) => return self.unsendable(Failure::Stray(stray)),
                Encoded::NeedInput if body.ended => {
                    return match body.encoder.finish() {
                        Ok(ending) => self.end_data(ending),
                        Err(stray) => self.unsendable(Failure::Stray(stray)),
                    };
                }
                _ => return,
            }
        }
    }

    /// The body turned out to be none that may be sent: the connection is cut before the final dot, so that the server
    /// takes nothing.
    pub(super) fn unsendable(&mut self, failure: Failure) {
        let serial = self.sending;
        if let Some(mail) = self.mail(serial) {
            mail.judge(&Verdict::Permanent(None));
            mail.transaction.failure = Some(failure);
        }
        self.fail(CloseReason::Abandoned, None);
    }

    /// Ends mail data.
    pub(super) fn end_data(&mut self, ending: &[u8]) {
        let serial = self.sending;
        self.outbox.buffer().extend_from_slice(ending);
        self.written(Question::Dot, ending.len());
        if let Some(mail) = self.mail(serial) {
            mail.transaction.unanswered += 1;
            mail.transaction.reached(Stage::Final);
            mail.transaction.sealed = true;
        }
        self.body = None;
        self.send_commands();
    }

    /// So many octets were put into the outbox, and a reply to them will come.
    fn written(&mut self, question: Question, octets: usize) {
        debug_assert!(octets >= 2, "every command ends in CRLF");
        self.unoffered += octets;
        self.expect(question, octets);
    }
}

/// Why a mail is not even tried with this server.
fn unfit(mail: &Mail, offers: Offers) -> Option<Failure> {
    match (mail.size, offers.size_limit) {
        (Some(size), Some(limit)) if size > limit.get() => Some(Failure::TooBig(limit.get())),
        _ if mail.body == Some(BodyKind::EightBitMime) && !offers.eight_bit_mime => Some(Failure::No8BitMime),
        _ => None,
    }
}

/// An upper bound for the octets of the next command.
fn longest(question: Question, mail: &Mail) -> usize {
    match question {
        Question::Mail => {
            // Each octet of xtext takes up to three.
            let submitter = mail.submitter.as_ref().map_or(0, |submitter| 3 * submitter.len() + " AUTH=<>".len());
            let others = "MAIL FROM:<> SIZE=18446744073709551615 BODY=8BITMIME\r\n".len();
            mail.reverse_path.len() + submitter + others
        }
        Question::Rcpt => mail.recipients[mail.transaction.asked].address.len() + "RCPT TO:<>\r\n".len(),
        _ => "DATA\r\n".len(),
    }
}

/// MAIL, with the parameters that the server offers (RFC 1870 §6, RFC 6152 §2, RFC 4954 §5).
fn write_mail(out: &mut Vec<u8>, mail: &Mail, offers: Offers) {
    write_all(out, &["MAIL FROM:<", &mail.reverse_path, ">"]);
    if let Some(size) = mail.size.filter(|_| offers.size) {
        write_all(out, &[" SIZE="]);
        decimal::write(out, size);
    }
    if let Some(kind) = mail.body.filter(|_| offers.eight_bit_mime) {
        write_all(out, &[" BODY=", kind.as_str()]);
    }
    match mail.submitter.as_deref().filter(|_| offers.auth) {
        Some("") => write_all(out, &[" AUTH=<>"]),
        Some(submitter) => {
            write_all(out, &[" AUTH="]);
            Xtext::encode(submitter.as_bytes(), out);
        }
        None => {}
    }
    write_all(out, &["\r\n"]);
}

pub(super) fn write_all(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
