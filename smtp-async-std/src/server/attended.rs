//! A connection that knows whether the service is ending.

use core::task::{Context, Poll};
use std::sync::Arc;

use smtp_proto::server::{Connection, Event};
use smtp_proto::{Instant, Next, Transport as _};

use super::connections::Connections;
use crate::Runtime;
use crate::transport::Driver;

/// The driver of a connection, and what it has in common with all others.
pub(super) struct Attended<R: Runtime> {
    pub(super) driver: Driver<Connection, R>,
    pub(super) connections: Arc<Connections>,
}

/// The same for those who do not know the runtime: so a session is written for all of them.
pub(super) trait Attendance: Send {
    /// Carries on until there is something to see to.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<Event>>;

    /// The connection, and the time there.
    fn connection(&mut self) -> (&mut Connection, Instant);
}

impl<R: Runtime> Attendance for Attended<R> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<Event>> {
        if self.connections.is_service_ending() {
            self.driver.connection.shutdown(self.driver.transport.now());
        }
        self.driver.poll_next(cx)
    }

    fn connection(&mut self) -> (&mut Connection, Instant) {
        (&mut self.driver.connection, self.driver.transport.now())
    }
}
