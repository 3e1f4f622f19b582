//! What the sinks of all adapters share: their options, and how their server is set up.

use core::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::io;
use std::net::{TcpListener, ToSocketAddrs as _};
use std::process::exit;

use lexopt::{Arg, Error, Parser, ValueExt as _};
use smtp_proto::sasl;
use smtp_proto::server::Config;
use smtp_tls::{Identity, ServerTls};
use socket2::{Domain, Socket, Type};

/// What a sink is told on its command line.
pub(crate) struct Options {
    /// Where it listens.
    listen: String,
}

const HELP: &str = "\
Takes every mail and throws it away, until it is interrupted.

    --listen ADDR    where to listen [default: 127.0.0.1:2525]
    --help           this text";

/// The most connections at one time. Each takes a file descriptor: `ulimit -n` may allow fewer.
pub(crate) const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// How many connections may wait to be accepted, if the operating system lets them (`net.core.somaxconn`). Where more
/// come at once than the queue of 128 that is usual holds, Linux may forget some: their clients wait for a greeting until
/// they give up.
const BACKLOG: i32 = 4096;

/// The mechanisms of AUTH that need no stored secret: whoever claims anything is believed.
const MECHANISMS: [&str; 5] = ["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN", "ANONYMOUS"];

impl Options {
    pub(crate) fn parse() -> Result<Self, Error> {
        let mut options = Self { listen: "127.0.0.1:2525".into() };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("listen") => options.listen = parser.value()?.string()?,
                Arg::Long("help") => {
                    println!("{HELP}");
                    exit(0);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }

    pub(crate) fn listener(&self) -> io::Result<TcpListener> {
        let address = self.listen.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }
}

/// Every extension there is, and no limit that a measurement comes to.
pub(crate) fn config() -> Result<Config, Box<dyn core::error::Error>> {
    let mut config = Config::new("localhost")?;
    config.auth.mechanisms = MECHANISMS.into_iter().filter_map(sasl::mechanism).collect();
    config.auth.without_tls = true;
    config.limits.message_size = NonZeroU64::new(1 << 40).ok_or("not zero")?;
    config.limits.messages = NonZeroU32::MAX;
    config.limits.recipients = NonZeroU32::MAX;
    Ok(config)
}

/// For STARTTLS, with a certificate that nobody has to trust.
pub(crate) fn tls() -> Result<ServerTls, Box<dyn core::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let identity = Identity::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes())?;
    Ok(ServerTls::new(&identity))
}
