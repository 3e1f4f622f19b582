//! The core's server.

use std::sync::Arc;

use smtp_proto::Instant;
use smtp_proto::server::{Connection, Event};

use super::application::Application;
use super::settings;
use super::wire::{CoreWire, Role};
use crate::target::Unavailable;
use crate::transcript::{Act, Expectation};

/// The application of the core's server.
pub(super) struct Server {
    application: Application,
    /// The script's client shows a certificate.
    shows_certificate: bool,
}

impl Server {
    /// A connection to it.
    pub(super) fn connect(domain: &str, setup: &[Act]) -> Result<CoreWire<Self>, Unavailable> {
        let (config, shows_certificate) = settings::of_server(domain, setup)?;
        let mut connection = Connection::new(Instant::EPOCH, Arc::new(config)).map_err(settings::broken)?;
        connection.seed([7; 32]);
        let mut application = Application::default();
        for act in setup {
            if let Act::Reject { event, reply } = act {
                application.reject_next(event, reply).map_err(Unavailable::Unreachable)?;
            }
        }
        Ok(CoreWire::new(connection, Self { application, shows_certificate }))
    }
}

impl Role for Server {
    type Connection = Connection;

    const NAME: &str = "server";
    const READS_FIRST: bool = true;

    fn handle(&mut self, now: Instant, connection: &mut Connection, event: Event) {
        self.application.handle(now, connection, event);
    }

    fn closed(&mut self) {
        self.application.closed();
    }

    fn is_verified(&self) -> bool {
        self.shows_certificate
    }

    fn tell(&mut self, now: Instant, connection: &mut Connection, act: &Act) -> Result<(), Unavailable> {
        match act {
            Act::Reject { event, reply } => {
                self.application.reject_next(event, reply).map_err(Unavailable::Unreachable)
            }
            Act::Shutdown => {
                connection.shutdown(now);
                Ok(())
            }
            Act::Send { .. } | Act::Quit | Act::Set(_) => {
                Err(Unavailable::Unsupported(format!("the application of a server is not told {act:?}")))
            }
        }
    }

    fn saw(&self, expectation: &Expectation, attachments: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        self.application.saw(expectation, attachments)
    }
}
