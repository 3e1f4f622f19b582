//! Size budgets: what an idle connection and an event may cost.

mod kit;

use kit::{client, client_config, server, server_config};
use smtp_proto::{client as client_role, server as server_role};

/// `Event` and `Output` are at most 64 octets, an idle `Connection` at most 512.
#[test]
fn sizes() {
    let sizes = [
        ("server::Event", size_of::<server_role::Event>(), 64),
        ("server::Output", size_of::<server_role::Output<'_>>(), 64),
        ("server::Connection", size_of_val(&server(server_config())), 512),
        ("client::Event", size_of::<client_role::Event>(), 64),
        ("client::Output", size_of::<client_role::Output<'_>>(), 64),
        ("client::Connection", size_of_val(&client(client_config())), 512),
    ];
    for (name, size, budget) in sizes {
        println!("{name}: {size} of {budget} octets");
        assert!(size <= budget, "{name}: {size} > {budget}");
    }
}

/// Questions may be answered, and connections driven, by any task: a question is looked at by reference while the task
/// waits for something, so it is shared between threads, too.
#[test]
fn everything_crosses_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<server_role::Connection>();
    crosses::<client_role::Connection>();
    crosses::<server_role::Event>();
    crosses::<client_role::Event>();
    crosses::<server_role::Envelope>();
    crosses::<client_role::Envelope>();
    crosses::<server_role::Answer>();
    crosses::<server_role::Incoming>();
}
