//! The TLS that a connection is to make, in either role.

use rustls::Connection;
use rustls::pki_types::ServerName;
use smtp_proto::client::{Config, Security};

use super::{ClientAttempt, ClientTls, Judge, ServerAttempt, ServerTls, TlsError};

/// How a connection makes TLS once it is due, for an adapter to keep until then.
#[derive(Clone, Debug)]
pub struct Upgrade(Role);

#[derive(Clone, Debug)]
enum Role {
    Client {
        tls: ClientTls,
        name: ServerName<'static>,
        /// A certificate that does not verify is no hindrance.
        is_lenient: bool,
    },
    Server(ServerTls),
}

/// One handshake that is to be made, from [`Upgrade::begin`].
#[derive(Debug)]
pub enum Attempt {
    /// With a server.
    Client(ClientAttempt),
    /// With a client.
    Server(ServerAttempt),
}

impl Upgrade {
    /// As a client of the server of this name ([`server_name`](crate::server_name)): what becomes of a certificate that
    /// does not verify is said by [`Config::security`].
    #[must_use]
    pub fn client(tls: &ClientTls, name: ServerName<'static>, config: &Config) -> Self {
        let is_lenient = config.security == Security::Opportunistic;
        Self(Role::Client { tls: tls.clone(), name, is_lenient })
    }

    /// As a server.
    #[must_use]
    pub fn server(tls: ServerTls) -> Self {
        Self(Role::Server(tls))
    }

    /// The handshake.
    #[must_use = "the attempt holds the configuration for the handshake"]
    pub fn begin(&self) -> Attempt {
        match &self.0 {
            Role::Client { tls, name, is_lenient } => Attempt::Client(tls.begin(name.clone(), *is_lenient)),
            Role::Server(tls) => Attempt::Server(tls.begin()),
        }
    }
}

impl Attempt {
    /// The connection, for an adapter that moves its octets by itself.
    ///
    /// # Errors
    ///
    /// [`TlsError::Setup`] when the configuration cannot be used, which may be the caller's own.
    pub fn connection(&self) -> Result<Connection, TlsError> {
        Ok(match self {
            Self::Client(attempt) => attempt.connection()?.into(),
            Self::Server(attempt) => attempt.connection()?.into(),
        })
    }

    /// Who judges the connection after the handshake.
    #[must_use = "it says whether the peer is verified"]
    pub fn into_judge(self) -> Judge {
        match self {
            Self::Client(attempt) => attempt.into_judge(),
            Self::Server(attempt) => attempt.into_judge(),
        }
    }
}
