//! Nothing is allocated per transaction in steady state, and an idle connection owns no heap.

mod kit;

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use kit::steady::{
    cut, groups, ready_client, ready_server, send, serve, settle_client, settle_server, three_recipients,
};
use kit::{at, client_config, server_config};
use smtp_proto::sasl::{self, Credentials};
use smtp_proto::server::TlsPolicy;
use smtp_proto::{Instant, TlsInfo, client as client_role, server as server_role};

const NOW: Instant = Instant::EPOCH;
const TRANSACTIONS: u64 = 100;

/// What 100 transactions allocate after ten that warmed up.
fn count_server(piece: usize) -> AllocationInfo {
    let groups: Vec<Vec<Bytes>> = groups().iter().map(|group| cut(group, piece)).collect();
    let mut connection = ready_server();
    (0..10).for_each(|_| serve(&mut connection, &groups));
    measure(|| (0..TRANSACTIONS).for_each(|_| serve(&mut connection, &groups)))
}

/// The counter counts.
#[test]
fn an_allocation_is_seen() {
    assert_eq!(measure(|| drop(core::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn server_allocates_nothing_per_transaction() {
    for (name, piece) in [("whole", usize::MAX), ("pieces of 1000 octets", 1000), ("octet by octet", 1)] {
        let counted = count_server(piece);
        println!("server, {name}: {} allocations in {TRANSACTIONS} transactions", counted.count_total);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

#[test]
fn client_allocates_nothing_per_transaction() {
    let [_, body] = groups();
    let replies = [
        Bytes::from_static(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n354 go\r\n"),
        Bytes::from_static(b"250 2.0.0 queued\r\n"),
    ];
    for (name, piece) in [("whole", usize::MAX), ("pieces of 7 octets", 7), ("octet by octet", 1)] {
        let replies: Vec<Vec<Bytes>> = replies.iter().map(|reply| cut(reply, piece)).collect();
        let mut connection = ready_client();
        let mut envelope = Some(three_recipients());
        let mut run = || envelope = envelope.take().map(|envelope| send(&mut connection, envelope, &replies, &body));
        (0..10).for_each(|_| run());
        let counted = measure(|| (0..TRANSACTIONS).for_each(|_| run()));
        println!("client, {name}: {} allocations in {TRANSACTIONS} transactions", counted.count_total);
        assert_eq!(counted.count_total, 0, "{name}");
    }
}

/// What TLS and AUTH need is given back: a connection that has logged in owns no heap either, and neither does one whose
/// exchange was broken off.
#[test]
fn a_login_leaves_no_heap() {
    for last in [&b"c2VjcmV0\r\n"[..], b"*\r\n"] {
        let mut config = server_config();
        config.tls = TlsPolicy::Offered;
        config.auth.mechanisms = vec![sasl::mechanism("LOGIN").expect("built in")];
        let config = Arc::new(config);
        let mut kept = None;
        let counted = measure(|| {
            let mut connection =
                server_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
            settle_server(&mut connection);
            for group in [
                b"EHLO c.example\r\n",
                &b"STARTTLS\r\n"[..],
                b"EHLO c.example\r\n",
                b"AUTH LOGIN\r\n",
                b"YWxpY2U=\r\n",
                last,
            ] {
                for octet in group.chunks(1) {
                    connection.handle_input(NOW, Bytes::copy_from_slice(octet)).expect("input");
                    settle_server(&mut connection);
                }
                connection.handle_tls_established(NOW, TlsInfo::default());
            }
            connection.handle_timeout(at(1));
            kept = Some(connection);
        });
        let connection = kept.expect("a connection");
        assert_eq!((connection.is_tls(), connection.is_authenticated()), (true, last.len() > 3));
        assert_eq!(counted.bytes_current, 0);
    }
}

/// After `Timeouts::buffers` an idle connection of either role owns no heap of its own.
#[test]
fn idle_connections_own_no_heap() {
    let groups = groups().map(|group| cut(&group, 1));
    let config = Arc::new(server_config());
    let mut kept = None;
    let counted = measure(|| {
        let mut connection =
            server_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
        settle_server(&mut connection);
        connection.handle_input(NOW, Bytes::from_static(b"EHLO client.example\r\n")).expect("input");
        settle_server(&mut connection);
        serve(&mut connection, &groups);
        connection.handle_timeout(at(1));
        kept = Some(connection);
    });
    println!("idle server connection: {} octets of heap", counted.bytes_current);
    assert_eq!(counted.bytes_current, 0);
    let config = Arc::new(client_config());
    let mut kept_client = None;
    let body = Bytes::from_static(b"x\r\n");
    let counted = measure(|| {
        let mut connection =
            client_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
        for reply in [&b"220 mx.exa"[..], b"mple\r\n", b"250-mx.example\r\n250-SIZ", b"E\r\n250 PIPELINING\r\n"] {
            connection.handle_input(NOW, Bytes::from_static(reply)).expect("input");
            settle_client(&mut connection, &body);
        }
        let replies: [&[u8]; 2] =
            [b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n354 go\r\n", b"250 2.0.0 queued\r\n"];
        let replies = replies.map(|reply| vec![Bytes::from_static(reply)]);
        drop(send(&mut connection, three_recipients(), &replies, &body));
        connection.handle_timeout(at(1));
        kept_client = Some(connection);
    });
    println!("idle client connection: {} octets of heap", counted.bytes_current);
    assert_eq!(counted.bytes_current, 0);
    drop((kept, kept_client));
}

/// What STARTTLS and AUTH needed is given back when the session is ready: an idle client that has logged in owns no
/// heap, either.
#[test]
fn idle_clients_that_logged_in_own_no_heap() {
    let mut config = client_config();
    config.security = client_role::Security::Required;
    config.credentials = Some(Credentials::password("alice", "secret"));
    let config = Arc::new(config);
    let mut kept = None;
    let counted = measure(|| {
        let mut connection =
            client_role::Connection::new(NOW, Arc::clone(&config)).expect("the configuration is usable");
        connection.seed([7; 32]);
        let replies = [
            &b"220 mx\r\n"[..],
            b"250-mx\r\n250 STARTTLS\r\n",
            b"220 go\r\n",
            b"250-mx\r\n250 AUTH LOG",
            b"IN\r\n",
            b"334 ",
            b"VXNlcm5hbWU6\r\n",
            b"334 UGFzc3dvcmQ6\r\n",
            b"235 ok\r\n",
        ];
        for reply in replies {
            connection.handle_input(NOW, Bytes::from_static(reply)).expect("input");
            let output = connection.poll();
            if matches!(output, client_role::Output::UpgradeTls) {
                connection.handle_tls_established(NOW, TlsInfo::new(true));
            }
            settle_client(&mut connection, &Bytes::new());
        }
        connection.handle_timeout(at(1));
        kept = Some(connection);
    });
    println!("idle client connection behind AUTH: {} octets of heap", counted.bytes_current);
    assert_eq!(counted.bytes_current, 0);
    assert!(counted.count_total > 0, "something was needed");
    drop(kept);
}
