//! The server of an adapter in a process of its own, so that what it takes of memory can be read: `idle-server ADAPTER`.
//!
//! It says where it listens, and ends when its standard input does.

use core::time::Duration;
use std::io::{Read as _, stdin};

use smtp_adapter_suite::{Buffers, Desk, Parties, ServerSetup, Tls, adapters};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let name = std::env::args().nth(1).ok_or("which adapter?")?;
    let adapter = adapters().into_iter().find(|adapter| adapter.name() == name).ok_or("no such adapter")?;
    let mut config = Parties::new(Tls::Never).server;
    // Connections that come one after the other do not hold them all at one time.
    config.timeouts.buffers = Duration::from_millis(10);
    let listener = Buffers::Usual.listen();
    println!("{}", listener.local_addr()?);
    let desk = Desk::default().forgetful();
    let service = adapter.serve(ServerSetup { listener, config, tls: None, desk, recordings: None });
    stdin().read_to_end(&mut Vec::new())?;
    service.end();
    Ok(())
}
