//! Makes the connection.

use core::net::SocketAddr;
use std::net::ToSocketAddrs;

use smtp_blocking::Client;
use smtp_proto::client::{Config, Security};
use smtp_proto::submission::ServerName;

use super::Connect;
use crate::exit::Exit;

impl Connect {
    /// Connects. Nothing is said yet. `unverified`: whatever the certificate of the server is.
    ///
    /// # Errors
    ///
    /// Why there is no connection, and the exit code that says it.
    pub(crate) fn open(&self, config: Config, unverified: bool) -> Result<Client, (Exit, String)> {
        let (server, port) = (self.target.server(), self.target.port());
        let addresses = addresses(server, port).map_err(|error| (Exit::NoHost, error))?;
        let failed = |error| (Exit::Temporary, format!("no connection to {server}, port {port}: {error}"));
        if config.security == Security::Plain {
            return Client::connect(&addresses[..], config).map_err(failed);
        }
        let tls = self.client_tls(unverified).map_err(|error| (Exit::Io, error))?;
        let name = self.target.certificate_name().to_string();
        Client::connect_tls(&addresses[..], &name, config, &tls).map_err(failed)
    }
}

fn addresses(server: &ServerName, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = match server {
        ServerName::Ip(address) => return Ok(vec![(*address, port).into()]),
        ServerName::Domain(domain) => (domain.as_str(), port).to_socket_addrs(),
    };
    let addresses: Vec<_> = found.map_err(|error| format!("{server}: {error}"))?.collect();
    if addresses.is_empty() { Err(format!("{server} has no address")) } else { Ok(addresses) }
}
