//! Who talks to whom: configurations that fit each other, and everybody made by them.

use core::net::SocketAddr;
use std::net::TcpListener;

use smtp_proto::sasl::{Credentials, mechanism};
use smtp_proto::{client, server};
use smtp_tls::{ClientTls, ServerTls};

use crate::certificates::{Authority, TLS13};
use crate::peer::Rustls;
use crate::{
    Adapter, Buffers, Client, ClientSetup, Desk, Dialogue, PATIENCE, Peer, Recordings, ServerSetup, Service, Side,
};

/// Whether and when TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Never,
    /// With STARTTLS. The client logs in then.
    StartTls,
    /// With the first octet. The client logs in then.
    Implicit,
}

impl Tls {
    /// All of these.
    pub const ALL: [Self; 3] = [Self::Never, Self::StartTls, Self::Implicit];

    /// The text of how a session of [`Parties`] begins, up to the first mail.
    #[must_use]
    pub fn opening(self) -> &'static str {
        match self {
            Self::Never => include_str!("../dialogues/opening-clear.txt"),
            Self::StartTls => include_str!("../dialogues/opening-starttls.txt"),
            Self::Implicit => include_str!("../dialogues/opening-implicit-tls.txt"),
        }
    }
}

/// Clients and servers that fit each other. The server is `mx.example`, the client `client.example`.
pub struct Parties {
    /// The configuration of servers.
    pub server: server::Config,
    /// The configuration of clients.
    pub client: client::Config,
    /// Of every socket.
    pub buffers: Buffers,
    tls: Option<(ServerTls, ClientTls)>,
    /// For peers without an adapter.
    rustls: Rustls,
}

impl Parties {
    /// With the defaults, but for TLS and AUTH.
    ///
    /// # Panics
    ///
    /// When there are no certificates to be had.
    #[must_use]
    pub fn new(tls: Tls) -> Self {
        let mut server = server::Config::new("mx.example").expect("a domain");
        let mut client = client::Config::new("client.example").expect("a domain");
        server.timeouts.shutdown_grace = PATIENCE;
        (server.tls, client.security) = match tls {
            Tls::Never => (server::TlsPolicy::Disabled, client::Security::Plain),
            Tls::StartTls => (server::TlsPolicy::Offered, client::Security::Required),
            Tls::Implicit => (server::TlsPolicy::Implicit, client::Security::Implicit),
        };
        let authority = Authority::new();
        let issued = authority.issue(&["mx.example"]);
        let rustls = Rustls { client: authority.client_config(TLS13), server: issued.server_config() };
        let tls = (tls != Tls::Never).then(|| (issued.server_tls(), authority.client_tls()));
        if tls.is_some() {
            server.auth.mechanisms = ["PLAIN", "LOGIN"].into_iter().filter_map(mechanism).collect();
            client.credentials = Some(Credentials::password("alice", "secret"));
        }
        Self { server, client, buffers: Buffers::Usual, tls, rustls }
    }

    /// A server of this adapter, and where it listens.
    ///
    /// # Panics
    ///
    /// When there is no port.
    #[must_use]
    pub fn serve(&self, adapter: &dyn Adapter, desk: &Desk, recordings: &Recordings) -> (SocketAddr, Service) {
        let listener = self.buffers.listen();
        let address = listener.local_addr().expect("an address");
        let tls = self.tls.as_ref().map(|(server, _)| server.clone());
        let (config, desk, recordings) = (self.server.clone(), desk.clone(), Some(recordings.clone()));
        (address, adapter.serve(ServerSetup { listener, config, tls, desk, recordings }))
    }

    /// A client of this adapter, connected to this address.
    #[must_use]
    pub fn client(&self, adapter: &dyn Adapter, address: SocketAddr, recordings: &Recordings) -> Box<dyn Client> {
        let stream = self.buffers.connect(address);
        let tls = self.tls.as_ref().map(|(_, client)| client.clone());
        let (config, recordings) = (self.client.clone(), recordings.clone());
        adapter.client(ClientSetup { stream, config, tls, recordings })
    }

    /// A raw client, connected to this address.
    #[must_use]
    pub fn raw_client(&self, address: SocketAddr) -> Peer {
        Peer::new(Side::Client, self.buffers.connect(address), self.rustls.clone())
    }

    /// A raw server of the next client of this listener.
    ///
    /// # Panics
    ///
    /// When none comes.
    #[must_use]
    pub fn raw_server(&self, listener: &TcpListener) -> Peer {
        Peer::new(Side::Server, listener.accept().expect("a client").0, self.rustls.clone())
    }

    /// Plays the client of a dialogue with the server at this address, to the end of the connection.
    pub fn play_client(&self, dialogue: &Dialogue, address: SocketAddr) {
        let mut client = self.raw_client(address);
        client.play(dialogue);
        client.end();
    }

    /// Plays the server of a dialogue with the next client of this listener, to the end of the connection.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub fn play_server(&self, dialogue: &Dialogue, listener: &TcpListener) {
        let mut server = self.raw_server(listener);
        server.play(dialogue);
        server.end();
    }
}

impl core::fmt::Debug for Parties {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parties").field("server", &self.server).field("client", &self.client).finish_non_exhaustive()
    }
}
