//! AUTH (RFC 4954): which mechanism, its exchange, and its end.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::capabilities::{Capabilities, Channel};
use super::connection::{Connection, Session};
use super::event::Event;
use super::send::write_all;
use super::setup::Setup;
use super::table::Question;
use crate::CloseReason;
use crate::reply::{Reply, ReplyCode};
use crate::sasl::{
    ClientExchange, Conditions, Context, Credentials, First, Mechanism, Nonces, Unusable, base64, choose,
};

/// The longest AUTH line, octets with CRLF: that of any command (RFC 5321 §4.5.3.1.4, RFC 4954 §4).
const LINE: usize = 512;

/// The client's end of an exchange, and how it stands.
pub(super) struct Exchange {
    name: Box<str>,
    client: Box<dyn ClientExchange>,
    /// The initial response, if it did not fit on the AUTH line.
    initial: Option<Vec<u8>>,
    /// Challenges that came.
    rounds: u32,
    /// A response was sent.
    has_responded: bool,
}

impl Connection {
    /// Logs in if there are credentials; otherwise the session is ready.
    pub(super) fn log_in(&mut self, capabilities: Capabilities) -> Option<Event> {
        if self.config.credentials.is_none() {
            return Some(self.ready(capabilities));
        }
        let setup = self.setup();
        setup.mechanisms = capabilities.mechanisms().collect();
        setup.capabilities = capabilities;
        self.session = Session::Auth;
        if let Err(reason) = self.authenticate() {
            self.give_up(reason, None);
        }
        None
    }

    /// The server refused AUTH. 504 and 534 are about the mechanism, and another one may do; anything else is about the
    /// credentials, which are not tried again in another form (RFC 4954 §6).
    pub(super) fn auth_refused(&mut self, reply: &Reply) {
        self.setup().exchange = None;
        let is_about_mechanism =
            matches!(reply.code(), ReplyCode::PARAMETER_NOT_IMPLEMENTED | ReplyCode::AUTHENTICATION_TOO_WEAK);
        if !is_about_mechanism || self.authenticate().is_err() {
            self.give_up(CloseReason::AuthRefused, Some(reply));
        }
    }

    /// The server is satisfied. The session is ready if this side is, too. EHLO is not sent again, since no mechanism of
    /// SMTP brings a security layer (RFC 4954 §4).
    pub(super) fn logged_in(&mut self) -> Option<Event> {
        let setup = self.setup();
        let capabilities = core::mem::take(&mut setup.capabilities);
        if let Some(mut exchange) = setup.exchange.take()
            && exchange.has_responded
            && exchange.client.finish().is_ok()
        {
            return Some(self.ready(capabilities.logged_in(exchange.name)));
        }
        self.broken(CloseReason::AuthExchange);
        None
    }

    /// Answers a challenge, or cancels the exchange (RFC 4954 §4).
    pub(super) fn challenge(&mut self, reply: &Reply) {
        match self.respond(reply.octets()) {
            Some(response) => self.say(Question::Auth, |out, _| base64::encode(&response, out)),
            None => {
                self.setup().exchange = None;
                self.say(Question::Cancel, |out, _| out.push(b'*'));
            }
        }
    }

    /// The response to a challenge; `None` if there is none.
    fn respond(&mut self, challenge: &[u8]) -> Option<Vec<u8>> {
        let limits = &self.config.limits;
        let fits = "334 ".len() + challenge.len() + "\r\n".len() <= limits.auth_challenge.get();
        let rounds = limits.auth_rounds.get();
        let exchange = self.setup().exchange.as_mut()?;
        exchange.rounds += 1;
        if !fits || exchange.rounds > rounds {
            return None;
        }
        exchange.has_responded = true;
        // The challenge that asks for an initial response is empty. Servers are known to write words for people there.
        if let Some(initial) = exchange.initial.take() {
            return Some(initial);
        }
        let (mut decoded, mut response) = (Vec::new(), Vec::new());
        base64::decode(challenge, &mut decoded).ok()?;
        exchange.client.respond(Some(&decoded), &mut response).ok()?;
        Some(response)
    }

    /// Begins the exchange of the best mechanism that is left.
    fn authenticate(&mut self) -> Result<(), CloseReason> {
        let config = Arc::clone(&self.config);
        let verified = self.offers.channel == Channel::VerifiedTls;
        let credentials = config.credentials.as_ref().ok_or(CloseReason::NoMechanism)?;
        let setup = self.setup();
        let conditions = Conditions {
            only: config.mechanism.as_deref(),
            verified,
            unprotected: config.unprotected_credentials,
            channel_binding: setup.channel_binding.is_some(),
            nonce: setup.nonces.is_some(),
        };
        let (exchange, line) = loop {
            let mechanism = choose(credentials, &setup.mechanisms, &conditions).map_err(|reason| match reason {
                Unusable::NoMechanism => CloseReason::NoMechanism,
                Unusable::NotConfidential => CloseReason::NotConfidential,
            })?;
            let name = mechanism.name().to_ascii_uppercase();
            setup.mechanisms.retain(|offered| *offered != name);
            // One that cannot carry these credentials is passed over.
            if let Some(begun) = begin(mechanism, name, credentials, setup) {
                break begun;
            }
        };
        setup.exchange = Some(exchange);
        self.say(Question::Auth, |out, _| out.extend_from_slice(&line));
        Ok(())
    }
}

/// An exchange and its AUTH line, with the initial response if there is one and it fits (RFC 4954 §4).
fn begin(
    mechanism: &dyn Mechanism,
    name: String,
    credentials: &Credentials,
    setup: &mut Setup,
) -> Option<(Exchange, Vec<u8>)> {
    let nonce = setup.nonces.as_mut().filter(|_| mechanism.needs_nonce()).map(Nonces::next);
    let context = Context {
        nonce: nonce.as_deref(),
        channel_binding: setup.channel_binding.as_ref(),
        offers_channel_binding: setup.capabilities.mechanisms().any(|name| name.ends_with("-PLUS")),
        hostname: "",
        decoy_key: &[0; 32],
    };
    let mut client = mechanism.client(credentials, &context)?;
    let mut line = Vec::new();
    write_all(&mut line, &["AUTH ", &name]);
    let mut initial = None;
    if mechanism.first() == First::Client {
        let mut response = Vec::new();
        client.respond(None, &mut response).ok()?;
        let short = line.len();
        line.push(b' ');
        match response.is_empty() {
            true => line.push(b'='),
            false => base64::encode(&response, &mut line),
        }
        if line.len() + "\r\n".len() > LINE {
            line.truncate(short);
            initial = Some(response);
        }
    }
    let has_responded = mechanism.first() == First::Client && initial.is_none();
    Some((Exchange { name: name.into(), client, initial, rounds: 0, has_responded }, line))
}
