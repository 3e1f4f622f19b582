//! Sockets of loopback, with a time limit and buffers of a chosen size.

use core::net::{Ipv4Addr, SocketAddr};
use std::net::{TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::PATIENCE;

/// How much the operating system takes before the other side reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Buffers {
    /// As it likes.
    #[default]
    Usual,
    /// As little as it can: a few KiB.
    Tiny,
}

impl Buffers {
    /// A listener whose connections have such buffers.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn listen(self) -> TcpListener {
        let socket = self.socket();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
        socket.listen(128).expect("a listener");
        socket.into()
    }

    /// A connection with such buffers. Whoever uses it blocking waits for at most [`PATIENCE`].
    ///
    /// # Panics
    ///
    /// When nobody listens.
    #[must_use]
    pub fn connect(self, address: SocketAddr) -> TcpStream {
        let socket = self.socket();
        socket.connect_timeout(&address.into(), PATIENCE).expect("somebody listens");
        let stream = socket.into();
        limit(&stream);
        stream
    }

    fn socket(self) -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if self == Self::Tiny {
            socket.set_send_buffer_size(4096).expect("a small buffer");
            socket.set_recv_buffer_size(4096).expect("a small buffer");
        }
        socket
    }
}

/// Reads and writes end in bounded time, and leave at once.
pub(crate) fn limit(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time limit");
    stream.set_nodelay(true).expect("no delay");
}
