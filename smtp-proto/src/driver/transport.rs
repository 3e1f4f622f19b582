//! What a driver polls: the octets, the handshake and the time of a runtime.

use core::task::{Context, Poll};

use bytes::Bytes;

use crate::{Instant, ReadBuffer, TlsInfo};

/// What a [`Driver`](crate::Driver) has to be given: a connected stream of some runtime, with a clock and a timer.
///
/// Each `poll_` method is polled as a future is: when it is pending, the task is woken as soon as it is worth another try.
pub trait Transport {
    /// Why the stream, or TLS over it, failed.
    type Error;

    /// The present, on the clock that the connection was made by.
    fn now(&self) -> Instant;

    /// Waits until `deadline` has passed; without one for ever. It is asked again with the same deadline or another one,
    /// and only the last one counts. Ready too early does no harm, as long as the next poll waits.
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()>;

    /// Octets of the peer, read into `buffer`; none: the peer has closed its side. What waits holds no space of the buffer:
    /// the driver gives it back.
    ///
    /// # Errors
    ///
    /// Why there will be no more octets.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<Result<Bytes, Self::Error>>;

    /// Writes some of the octets, and says how many. 0 is a failure.
    ///
    /// # Errors
    ///
    /// Why none can be written any more.
    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<Result<usize, Self::Error>>;

    /// Lets leave what was written and is held here, such as records of TLS.
    ///
    /// # Errors
    ///
    /// Why it cannot leave.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Makes the TLS handshake, in the role of the connection; from then on octets go through TLS.
    ///
    /// # Errors
    ///
    /// Why there is no TLS. The stream is of no use then.
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<TlsInfo, Self::Error>>;

    /// Closes the writing side, with the end of TLS if there is any, so that the peer reads the end.
    ///
    /// # Errors
    ///
    /// Why the peer does not learn of the end.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;
}
