//! A socket of whatever runtime.

use core::fmt;
use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;

use futures_io::{AsyncRead, AsyncWrite};

/// A connected socket of a [`Runtime`](crate::Runtime), which one task at a time polls.
///
/// `poll_close` shuts the writing side down, so that the peer reads the end, and leaves the reading side as it is.
pub trait Socket: AsyncRead + AsyncWrite + fmt::Debug + Unpin + Send + 'static {
    /// Lets small writes leave at once (TCP_NODELAY). Any other socket than one of TCP does so by itself.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn set_nodelay(&self) -> io::Result<()>;

    /// The address of the peer, if it has one: for those who watch.
    fn peer_addr(&self) -> Option<SocketAddr>;

    /// Waits until reading is worth a try, so that an idle connection owns no buffer. A read that is pending all the same
    /// gives its buffer back, so ready at once is a correct answer, which costs a buffer for each try.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Whether nothing waits to be read: neither an octet nor the end. Asks the operating system, which may know more than
    /// the runtime has heard yet. Where that cannot be asked, it is not, and a [`Pool`](crate::Pool) keeps no connection.
    fn is_quiet(&self) -> bool;
}
