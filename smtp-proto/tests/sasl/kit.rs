//! Both ends of an exchange, and what stands around them.

use smtp_proto::sasl::{
    Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, Secret, ServerExchange, Step,
};

pub(crate) const CLIENT_NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";
pub(crate) const SERVER_NONCE: &str = "3rfcNHYJY1ZVvWVs7j";
pub(crate) const BINDING: [u8; 32] = [7; 32];

/// What a client has to work with.
pub(crate) fn client_context() -> Context<'static> {
    Context {
        nonce: Some(CLIENT_NONCE),
        channel_binding: None,
        offers_channel_binding: false,
        hostname: "",
        decoy_key: &[0; 32],
    }
}

/// What a server has to work with.
pub(crate) fn server_context() -> Context<'static> {
    Context {
        nonce: Some(SERVER_NONCE),
        channel_binding: None,
        offers_channel_binding: false,
        hostname: "mx.example",
        decoy_key: &[9; 32],
    }
}

/// The context of an end that can bind the channel, while the server offers that.
pub(crate) fn bound(mut context: Context<'static>) -> Context<'static> {
    context.channel_binding = Some(&BINDING);
    context.offers_channel_binding = true;
    context
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The application let the claim pass, and the client is content.
    Accepted,
    /// The application did not.
    Rejected,
    /// The server refused by itself.
    Refused,
    Malformed,
    /// The client cancelled, or was not content with the success.
    Cancelled(ExchangeError),
}

/// What both said, decoded, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) client: Vec<Vec<u8>>,
    pub(crate) server: Vec<Vec<u8>>,
    pub(crate) end: End,
}

/// The application: what it has stored, and whom it lets in.
pub(crate) struct Desk<'a> {
    pub(crate) secret: Option<Secret>,
    pub(crate) decide: &'a dyn Fn(Claim<'_>) -> bool,
}

/// An application that has nothing stored and must not be asked for it.
pub(crate) fn judge<'a>(decide: &'a dyn Fn(Claim<'_>) -> bool) -> Desk<'a> {
    Desk { secret: None, decide }
}

/// An application that has this stored, and accepts who has proved to be `user`.
#[cfg(feature = "crypto")]
pub(crate) fn keeper(secret: Option<Secret>) -> Desk<'static> {
    Desk { secret, decide: &|claim| matches!(claim, Claim::Proven { .. }) }
}

/// Runs an exchange with the initial response on the AUTH line, and without; both have to end the same way.
pub(crate) fn run(
    mechanism: &dyn Mechanism,
    credentials: &Credentials,
    client: &Context<'_>,
    server: &Context<'_>,
    desk: &Desk<'_>,
) -> Record {
    let make = || {
        let client = mechanism.client(credentials, client).expect("the credentials fit");
        (client, mechanism.server(server).expect("the context fits"))
    };
    let (mut one, mut other) = make();
    let slow = exchange(&mut *one, &mut *other, false, desk);
    if mechanism.first() == First::Client {
        let (mut one, mut other) = make();
        let quick = exchange(&mut *one, &mut *other, true, desk);
        assert_eq!(slow.end, quick.end);
        assert_eq!(slow.client, quick.client);
        if slow.end != End::Cancelled(ExchangeError::Characters) {
            assert_eq!(slow.server[0], b"", "the server asks for the initial response with an empty challenge");
            assert_eq!(slow.server[1..], quick.server);
        }
        return quick;
    }
    slow
}

fn exchange(
    client: &mut dyn ClientExchange,
    server: &mut dyn ServerExchange,
    with_initial_response: bool,
    desk: &Desk<'_>,
) -> Record {
    let mut record = Record { client: Vec::new(), server: Vec::new(), end: End::Refused };
    let mut response = None;
    if with_initial_response {
        let mut out = Vec::new();
        if let Err(error) = client.respond(None, &mut out) {
            return Record { end: End::Cancelled(error), ..record };
        }
        record.client.push(out.clone());
        response = Some(out);
    }
    let mut is_rejected = false;
    loop {
        let mut out = Vec::new();
        let mut step = server.take(response.as_deref(), &mut out);
        if step == Step::Lookup {
            assert!(out.is_empty());
            assert_ne!(server.user(), "");
            step = server.provide(desk.secret.as_ref(), &mut out);
            assert_ne!(step, Step::Lookup);
        }
        if step == Step::Decide {
            assert!(out.is_empty() && !is_rejected);
            if (desk.decide)(server.claim()) {
                record.end = client.finish().map_or_else(End::Cancelled, |()| End::Accepted);
                return record;
            }
            is_rejected = true;
            step = server.refuse(&mut out);
        }
        match step {
            Step::Challenge => {}
            Step::Malformed => return Record { end: End::Malformed, ..record },
            Step::Refused if is_rejected => return Record { end: End::Rejected, ..record },
            Step::Refused => return Record { end: End::Refused, ..record },
            Step::Lookup | Step::Decide => unreachable!("was dealt with"),
        }
        record.server.push(out.clone());
        let mut answer = Vec::new();
        if let Err(error) = client.respond(Some(&out), &mut answer) {
            return Record { end: End::Cancelled(error), ..record };
        }
        record.client.push(answer.clone());
        response = Some(answer);
    }
}

/// What a server says to one response.
pub(crate) fn take(server: &mut dyn ServerExchange, response: &[u8]) -> (Step, Vec<u8>) {
    let mut out = Vec::new();
    let step = server.take(Some(response), &mut out);
    (step, out)
}

/// What a client answers to one challenge.
pub(crate) fn respond(client: &mut dyn ClientExchange, challenge: Option<&[u8]>) -> Result<Vec<u8>, ExchangeError> {
    let mut out = b"before".to_vec();
    let result = client.respond(challenge, &mut out);
    assert!(out.starts_with(b"before"), "responses are appended");
    result.map(|()| out.split_off(6))
}
