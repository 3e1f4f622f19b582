//! A connection that knows whether the service is ending.

use core::task::{Context, Poll};

use smtp_proto::server::{Connection, Event};
use smtp_proto::{Next, Transport as _};

use super::connections::Place;
use crate::transport::Driver;

/// The driver of a connection, and its place among all others.
pub(super) struct Attended {
    pub(super) driver: Driver<Connection>,
    pub(super) place: Place,
}

impl Attended {
    /// Carries on until there is something to see to.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<Event>> {
        if self.place.is_service_ending(cx.waker()) {
            self.driver.connection.shutdown(self.driver.transport.now());
        }
        self.driver.poll_next(cx)
    }
}
