//! A session that is begun to look at it.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use smtp_blocking::{Client, Direction};
use smtp_proto::CloseReason;
use smtp_proto::client::{Capabilities, Config};

use super::{Connect, TlsSession, certificate_error};
use crate::dialogue;
use crate::exit::{Exit, exit_of};

/// A session in which nobody logs in and no mail is sent.
pub(crate) struct Session<'a> {
    connect: &'a Connect,
    client: Client,
    /// The client has spoken: it heard a greeting before.
    has_spoken: Arc<AtomicBool>,
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) error: String,
    /// What is wrong with the certificate, if that is it.
    pub(crate) certificate: Option<String>,
}

impl Connect {
    /// Connects, for a look. `unverified`: whatever the certificate is.
    pub(crate) fn begin(&self, config: Config, unverified: bool, trace: bool) -> Result<Session<'_>, Ended> {
        let opened = self.open(config, unverified);
        let mut client = opened.map_err(|(exit, error)| Ended { exit, error, certificate: None })?;
        let has_spoken = Arc::new(AtomicBool::new(false));
        let spoken = Arc::clone(&has_spoken);
        let mut tracer = trace.then(dialogue::tracer);
        client.observe(move |direction: Direction, octets: &[u8]| {
            spoken.fetch_or(direction == Direction::Sent, Ordering::Relaxed);
            if let Some(tracer) = &mut tracer {
                tracer(direction, octets);
            }
        });
        Ok(Session { connect: self, client, has_spoken })
    }
}

impl Session<'_> {
    /// What the server offers in the end.
    pub(crate) fn capabilities(&mut self) -> Result<Capabilities, Ended> {
        match self.client.ready() {
            Ok(capabilities) => Ok(capabilities.clone()),
            Err(reason) => Err(self.ended(reason)),
        }
    }

    /// What TLS came to.
    pub(crate) fn tls(&self) -> Option<TlsSession> {
        TlsSession::of(&self.client)
    }

    /// Says QUIT. What the server says to that is of no matter.
    pub(crate) fn quit(self) {
        self.client.quit();
    }

    fn ended(&self, reason: CloseReason) -> Ended {
        let transport = self.client.transport_error();
        let is_greeted = self.has_spoken.load(Ordering::Relaxed);
        let hint = self.connect.hint(&self.client, reason, is_greeted);
        let mut error = reason.to_string();
        if let Some(transport) = transport {
            error = format!("{error}: {transport}");
        }
        if let Some(hint) = hint {
            error = format!("{error} ({hint})");
        }
        Ended { exit: exit_of(reason), error, certificate: certificate_error(&self.client) }
    }
}
