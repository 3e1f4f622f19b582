//! What a server offers.

use core::time::Duration;

use super::dialogue::Dialogue;
use super::pattern::Heard;
use super::talk::{Silence, Talk};
use crate::target::{Target, Unavailable};
use crate::transcript::{Act, Chunking, Need, Side};

/// The keywords of a server's answers to EHLO, with their arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// In clear, or from the first octet in TLS.
    pub clear: Vec<(String, String)>,
    /// Behind STARTTLS; `None`: it is not offered. Or why there is no TLS.
    pub tls: Option<Result<Vec<(String, String)>, String>>,
    /// The reply by which it refuses MAIL in clear, or from the first octet in TLS, since it wants a log-in or TLS before.
    pub wants_before_mail: Option<String>,
    /// The same behind STARTTLS.
    pub wants_before_mail_in_tls: Option<String>,
}

impl Offers {
    /// The argument of a keyword, in clear or, if that is asked for, behind STARTTLS.
    #[must_use]
    pub fn find(&self, keyword: &str, in_tls: bool) -> Option<&str> {
        let behind = self.tls.iter().flatten().flatten().filter(|_| in_tls);
        let found = behind.chain(&self.clear).find(|(key, _)| key.eq_ignore_ascii_case(keyword));
        found.map(|(_, argument)| argument.as_str())
    }
}

/// Asks a server what it offers, and leaves. Whoever refuses the session, or does not answer EHLO as it has to be, offers
/// nothing: what is wrong with that is the matter of transcripts.
///
/// # Errors
///
/// Why there is no connection to it; or that it says nothing at all, where every case would wait for it.
pub fn probe(target: &dyn Target, setup: &[Act], patience: Duration) -> Result<Offers, Unavailable> {
    let wire = target.connect(setup)?;
    let mut talk = Talk::new(wire, Side::Client, Chunking::Whole, patience, Dialogue::default());
    let mut offers = Offers::default();
    match talk.reply() {
        Ok(refusal) if refusal.code.starts_with(['4', '5']) => return Ok(offers),
        Ok(_) => {}
        Err(silence @ Silence::Quiet(_))
            if talk.unread().is_empty() && !(target.has_virtual_time() && setup.is_empty()) =>
        {
            return Err(Unavailable::Unreachable(format!("it does not greet: {silence}")));
        }
        Err(_) => return Ok(offers),
    }
    let client = target.variables().client.as_deref().unwrap_or("client.example");
    let hello = format!("EHLO {client}\r\n");
    talk.say(hello.as_bytes());
    offers.clear = expect(&mut talk, "EHLO", "250").unwrap_or_default();
    // Whoever is told what to say is not asked: transcripts are about that.
    let asks = target.offers(Side::Server, &Need::App).is_err();
    if asks {
        offers.wants_before_mail = wanted_before_mail(&mut talk, &target.variables().sender);
    }
    if offers.find("STARTTLS", false).is_some() {
        talk.say(b"STARTTLS\r\n");
        offers.tls = Some(expect(&mut talk, "STARTTLS", "220").and_then(|_| behind_tls(&mut talk, &hello)));
    }
    if asks && matches!(offers.tls, Some(Ok(_))) {
        offers.wants_before_mail_in_tls = wanted_before_mail(&mut talk, &target.variables().sender);
    }
    talk.say(b"QUIT\r\n");
    let _ = talk.reply();
    Ok(offers)
}

/// Says MAIL, and takes it back: the reply if the server wants something else before (RFC 4954 §6: 530; RFC 3463 §3.8: X.7.z).
fn wanted_before_mail(talk: &mut Talk<'_>, sender: &str) -> Option<String> {
    talk.say(format!("MAIL FROM:<{sender}>\r\n").as_bytes());
    let reply = talk.reply().ok()?;
    if reply.code.starts_with('2') {
        talk.say(b"RSET\r\n");
        let _ = talk.reply();
        return None;
    }
    let text = reply.to_string();
    let is_policy = text.split(' ').nth(1).is_some_and(|detail| detail.starts_with("5.7."));
    (reply.code == "530" || reply.code.starts_with('5') && is_policy).then_some(text)
}

fn behind_tls(talk: &mut Talk<'_>, hello: &str) -> Result<Vec<(String, String)>, String> {
    talk.start_tls(false)?;
    talk.say(hello.as_bytes());
    match talk.reply() {
        // A server that wants a certificate refuses whoever has none; there is TLS all the same.
        Ok(reply) if reply.code == "554" && reply.flaw.is_none() => Ok(Vec::new()),
        Ok(reply) => keywords_of("EHLO behind STARTTLS", "250", &reply),
        Err(silence) => Err(format!("EHLO behind STARTTLS: expected 250, got {silence}")),
    }
}

fn expect(talk: &mut Talk<'_>, to: &str, code: &str) -> Result<Vec<(String, String)>, String> {
    match talk.reply() {
        Ok(reply) => keywords_of(to, code, &reply),
        Err(silence) => Err(format!("{to}: expected {code}, got {silence}")),
    }
}

/// The keywords of a reply that has this code.
fn keywords_of(to: &str, code: &str, reply: &Heard) -> Result<Vec<(String, String)>, String> {
    if reply.code == code && reply.flaw.is_none() {
        return Ok(reply.keywords().map(|(key, argument)| (key.to_owned(), argument.to_owned())).collect());
    }
    Err(format!("{to}: expected {code}, got {reply}"))
}
