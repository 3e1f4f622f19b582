//! How a session begins: TLS (RFC 3207, RFC 8314), then AUTH, then the mails.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::auth::Exchange;
use super::capabilities::{Capabilities, Channel, Offers};
use super::config::Security;
use super::connection::{Connection, Session};
use super::event::Event;
use super::send::write_all;
use super::table::Question;
use crate::reply::{Reply, ReplyCode, ReplyReader};
use crate::sasl::Nonces;
use crate::{CloseReason, Instant, TlsInfo};

/// What only the beginning of a session needs. It is dropped when the session is ready.
#[derive(Default)]
pub(super) struct Setup {
    pub(super) nonces: Option<Nonces>,
    pub(super) channel_binding: Option<[u8; 32]>,
    /// What the server offers, until it is told.
    pub(super) capabilities: Capabilities,
    /// The mechanisms that the server offers and has not refused.
    pub(super) mechanisms: Vec<String>,
    pub(super) exchange: Option<Exchange>,
}

impl Connection {
    /// Gives the connection 32 octets of the operating system's randomness, for AUTH. To be called once, before the first
    /// [`poll`](Self::poll). Without it, mechanisms that need a nonce (SCRAM) are not used.
    pub fn seed(&mut self, entropy: [u8; 32]) {
        if self.config.credentials.is_some() && self.is_beginning() {
            self.setup().nonces = Nonces::new(entropy);
        }
    }

    /// Whether TLS is active.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.offers.channel != Channel::Clear
    }

    /// The TLS handshake that [`Output::UpgradeTls`](crate::Output::UpgradeTls) asked for is done. Everything that was
    /// learnt before is forgotten (RFC 3207 §4.2). A caller that is not satisfied with its result calls
    /// [`quit`](Self::quit) first: then QUIT is the next command, unless mails are queued (§4.1). Does nothing when no
    /// handshake is due.
    pub fn handle_tls_established(&mut self, now: Instant, tls: TlsInfo) {
        self.tick(now);
        let Session::Handshake { is_greeted } = self.session else { return };
        if self.closing.is_some() {
            return;
        }
        self.timers.active(now);
        self.timers.reply = None;
        self.reader = ReplyReader::new();
        self.offers = Offers::none(Channel::of(&tls));
        let nonces = self.setup.take().and_then(|setup| setup.nonces);
        if self.config.credentials.is_some() {
            let channel_binding = tls.channel_binding;
            self.setup = Some(Box::new(Setup { nonces, channel_binding, ..Setup::default() }));
        }
        if is_greeted && self.quit_wanted && self.mails.is_empty() {
            self.leave(CloseReason::Quit);
        } else if is_greeted {
            self.say_hello(Question::Ehlo);
        } else {
            self.session = Session::Greeting;
            self.expect(Question::Connect, 0);
        }
        self.await_reply();
    }

    /// The TLS handshake failed, or its result is not good enough for the caller. The connection is over. Does nothing
    /// when no handshake is due.
    pub fn handle_tls_failed(&mut self, now: Instant) {
        self.tick(now);
        if matches!(self.session, Session::Handshake { .. }) {
            self.fail(CloseReason::TlsFailed, None);
        }
    }

    /// The server said what it offers: TLS comes first, then AUTH, then the mails.
    pub(super) fn proceed(&mut self, capabilities: Capabilities) -> Option<Event> {
        self.offers = capabilities.offers();
        let security = self.config.security;
        let wants_tls = !self.is_tls() && matches!(security, Security::Required | Security::Opportunistic);
        match (wants_tls, capabilities.has_starttls()) {
            (true, true) => {
                self.setup().capabilities = capabilities;
                self.session = Session::StartTls;
                self.say(Question::StartTls, |out, _| write_all(out, &["STARTTLS"]));
            }
            (true, false) if security == Security::Required => {
                self.session = Session::StartTls;
                self.give_up(CloseReason::NoTls, None);
            }
            _ => return self.log_in(capabilities),
        }
        None
    }

    /// The server does not know EHLO: HELO is as good where neither TLS nor AUTH is needed.
    pub(super) fn no_ehlo(&mut self, reply: &Reply) {
        if self.config.security == Security::Required && !self.is_tls() {
            self.give_up(CloseReason::NoTls, Some(reply));
        } else if self.config.credentials.is_some() {
            self.give_up(CloseReason::NoMechanism, Some(reply));
        } else {
            self.say_hello(Question::Helo);
        }
    }

    /// The server answered STARTTLS with 2yz. Only 220 begins TLS (RFC 3207 §4), and nothing in clear may stand behind it.
    pub(super) fn begin_tls(&mut self, reply: &Reply) {
        if reply.code() != ReplyCode::SERVICE_READY {
            self.no_upgrade();
        } else if !self.chunk.is_empty() {
            self.broken(CloseReason::EarlyInput);
        } else {
            self.begin_handshake(true);
        }
    }

    /// The handshake is due, and its time begins.
    pub(super) fn begin_handshake(&mut self, is_greeted: bool) {
        self.session = Session::Handshake { is_greeted };
        self.timers.reply = Some(self.now + self.config.timeouts.handshake);
    }

    /// The server answered STARTTLS with what is no answer.
    pub(super) fn no_upgrade(&mut self) {
        let is_required = self.config.security == Security::Required;
        self.broken(if is_required { CloseReason::NoTls } else { CloseReason::Protocol });
    }

    /// The server refused STARTTLS.
    pub(super) fn no_tls(&mut self, reply: &Reply) -> Option<Event> {
        if self.config.security == Security::Opportunistic {
            let capabilities = core::mem::take(&mut self.setup().capabilities);
            return self.log_in(capabilities);
        }
        self.give_up(CloseReason::NoTls, Some(reply));
        None
    }

    /// The session is ready for mails.
    pub(super) fn ready(&mut self, capabilities: Capabilities) -> Event {
        self.setup = None;
        self.session = Session::Ready;
        Event::Ready(capabilities)
    }

    /// The session is of no use: settles every mail and sends QUIT.
    pub(super) fn give_up(&mut self, reason: CloseReason, reply: Option<&Reply>) {
        self.settle_all(reason, reply);
        self.leave(reason);
    }

    pub(super) fn setup(&mut self) -> &mut Setup {
        self.setup.get_or_insert_default()
    }

    fn is_beginning(&self) -> bool {
        self.closing.is_none() && !matches!(self.session, Session::Ready | Session::Leaving(_))
    }
}
