//! How many connections a server takes at one time (RES-11).

mod kit;

use core::num::NonZeroUsize;
use core::time::Duration;
use std::time::Instant;

use kit::{PATIENCE, Peer, Running, bind, server_config};
use smtp_blocking::proto::server::{Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};

struct Anything;

impl Session for Anything {
    fn mail(&mut self, _: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
        Ok(Accept::Usual)
    }
}

fn server(all: usize, per_address: usize) -> Running {
    let some = |count| NonZeroUsize::new(count).expect("not zero");
    Running::new(bind(server_config()).with_caps(some(all), some(per_address)), |_| Anything)
}

/// Connections until one is served; those that are not must be told why.
fn served(address: core::net::SocketAddr) -> Peer {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut peer = Peer::connect(address);
        let greeting = peer.reply();
        if greeting.starts_with("220") {
            return peer;
        }
        assert!(greeting.starts_with("421 "), "{greeting}");
        assert!(Instant::now() < end, "no place became free");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn refused(address: core::net::SocketAddr) {
    let mut peer = Peer::connect(address);
    assert_eq!(peer.reply(), "421 too many connections");
    assert!(peer.is_over());
}

/// One more than the cap is told 421 and closed; a place that becomes free is given away.
#[test]
fn cap_of_all() {
    let server = server(3, 3);
    let mut peers: Vec<_> = (0..3).map(|_| Peer::greeted(server.address)).collect();
    for _ in 0..3 {
        refused(server.address);
    }
    let mut gone = peers.pop().expect("three");
    assert!(gone.ask("QUIT").starts_with("221"));
    drop(gone);
    peers.push(served(server.address));
    refused(server.address);
    for peer in &mut peers {
        assert!(peer.ask("NOOP").starts_with("250"));
    }
}

/// The cap of one address leaves room for others.
#[test]
fn cap_of_an_address() {
    let some = |count| NonZeroUsize::new(count).expect("not zero");
    let Ok(server) = Server::bind("[::]:0", server_config()) else { return eprintln!("skipped: no IPv6 here") };
    let server = Running::new(server.with_caps(some(10), some(2)), |_| Anything);
    let port = server.address.port();
    let _first = served((core::net::Ipv4Addr::LOCALHOST, port).into());
    let _second = served((core::net::Ipv4Addr::LOCALHOST, port).into());
    refused((core::net::Ipv4Addr::LOCALHOST, port).into());
    let _other = served((core::net::Ipv6Addr::LOCALHOST, port).into());
}

/// A panic frees the place, too.
#[test]
fn places_of_panicked_sessions_are_free() {
    struct Bad;
    impl Session for Bad {
        fn mail(&mut self, _: &Mail) -> Answer {
            panic!("as it should")
        }
        fn rcpt(&mut self, _: &Rcpt) -> Answer {
            Ok(Accept::Usual)
        }
        fn data(&mut self, _: &Envelope, _: &mut BodyReader<'_>) -> Answer {
            Ok(Accept::Usual)
        }
    }
    let one = NonZeroUsize::MIN;
    let server = Running::new(bind(server_config()).with_caps(one, one), |_| Bad);
    for _ in 0..3 {
        let mut peer = served(server.address);
        peer.ask("EHLO client.example");
        peer.asks(&[("MAIL FROM:<>", "451"), ("MAIL FROM:<>", "421")]);
        assert!(peer.is_over());
    }
}
