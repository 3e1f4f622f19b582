//! The server's end of SCRAM.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::super::gs2::Flag;
use super::super::prepare::prepare;
use super::super::{Claim, Context, Secret, ServerExchange, Step, base64};
use super::hash::ScramHash;
use super::keys::{ITERATIONS, ScramKeys, made_up_salt};
use super::message::{ClientFinal, ClientFirst, is_nonce};
use super::{Scram, TLS_EXPORTER};

pub(super) struct ScramServer {
    hash: ScramHash,
    /// The channel binding of a -PLUS form.
    binding: Option<[u8; 32]>,
    offers_binding: bool,
    nonce: String,
    decoy_key: [u8; 32],
    user: String,
    authorization: String,
    state: State,
}

enum State {
    Start,
    Lookup(First),
    /// Waits for `client-final-message`.
    Final(Final),
    /// Waits for the empty response to the proof of the server.
    Proved,
    /// The application decides.
    Claimed,
    Over,
}

/// What is left of `client-first-message`.
struct First {
    bare: String,
    /// `c=` of `client-final-message`, as it has to come.
    binding: String,
    /// The nonces of both.
    nonce: String,
}

struct Final {
    first: First,
    server_first: String,
    keys: ScramKeys,
    /// Whether a proof under these keys counts.
    is_known: bool,
}

impl ScramServer {
    pub(super) fn new(mechanism: Scram, context: &Context<'_>) -> Option<Self> {
        let binding = if mechanism.binds { Some(*context.channel_binding?) } else { None };
        Some(Self {
            hash: mechanism.hash,
            binding,
            offers_binding: context.offers_channel_binding,
            nonce: String::from(context.nonce.filter(|nonce| is_nonce(nonce))?),
            decoy_key: *context.decoy_key,
            user: String::new(),
            authorization: String::new(),
            state: State::Start,
        })
    }

    fn take_first(&mut self, message: &str) -> Step {
        let Some(ClientFirst { header, bare, user, nonce }) = ClientFirst::parse(message) else {
            return Step::Malformed;
        };
        let mut binding = header.text.as_bytes().to_vec();
        match (header.flag, &self.binding) {
            (Flag::Binds(TLS_EXPORTER), Some(data)) => binding.extend_from_slice(data),
            (Flag::No, None) => {}
            (Flag::NotOffered, None) if !self.offers_binding => {}
            _ => return Step::Refused,
        }
        let Some(user) = prepare(&user) else { return Step::Refused };
        if !header.authorization.is_empty() {
            let Some(authorization) = prepare(&header.authorization) else { return Step::Refused };
            self.authorization = authorization.into_owned();
        }
        self.user = user.into_owned();
        let first =
            First { bare: String::from(bare), binding: in_base64(&binding), nonce: format!("{nonce}{}", self.nonce) };
        self.state = State::Lookup(first);
        Step::Lookup
    }

    /// The keys of the user, and whether a proof under them counts. Keys of a user that cannot log in look like those
    /// of one whose password is stored, and cost as much.
    fn keys(&self, secret: Option<&Secret>) -> Option<(ScramKeys, bool)> {
        let salt = made_up_salt(&self.decoy_key, &self.user);
        let derive = |password| ScramKeys::derive(self.hash, password, &salt, *ITERATIONS.start()).ok();
        let known = match secret {
            Some(Secret::Password(password)) => derive(password),
            Some(Secret::Scram(keys)) if keys.hash() == self.hash => Some(keys.clone()),
            _ => None,
        };
        known.map(|keys| (keys, true)).or_else(|| derive("nobody").map(|keys| (keys, false)))
    }

    /// Compares everything whatever else is wrong, so that the time does not tell what it is.
    fn take_final(&mut self, expected: &Final, message: &str, out: &mut Vec<u8>) -> Step {
        let Some(ClientFinal { without_proof, binding, nonce, proof }) = ClientFinal::parse(message) else {
            return Step::Malformed;
        };
        let Final { first, server_first, keys, is_known } = expected;
        let hash = self.hash;
        let auth_message = [first.bare.as_bytes(), b",", server_first.as_bytes(), b",", without_proof.as_bytes()];
        let client_key = hash.hmac(keys.stored_key(), &auth_message).xor(&proof);
        let is_proved = hash.hash(&client_key).is(keys.stored_key()) & (proof.len() == hash.key_length());
        let is_bound = binding == first.binding;
        let is_fresh = nonce == first.nonce;
        if !(is_proved & is_bound & is_fresh & is_known) {
            return Step::Refused;
        }
        out.extend_from_slice(b"v=");
        base64::encode(&hash.hmac(keys.server_key(), &auth_message), out);
        self.state = State::Proved;
        Step::Challenge
    }
}

impl ServerExchange for ScramServer {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        let state = mem::replace(&mut self.state, State::Over);
        let Ok(response) = response.map(core::str::from_utf8).transpose() else { return Step::Malformed };
        match (state, response) {
            (State::Start, None) => {
                self.state = State::Start;
                Step::Challenge
            }
            (State::Start, Some(message)) => self.take_first(message),
            (State::Final(expected), Some(message)) => self.take_final(&expected, message, out),
            (State::Proved, Some("")) => {
                self.state = State::Claimed;
                Step::Decide
            }
            (State::Final(_) | State::Proved, _) => Step::Malformed,
            (State::Lookup(_) | State::Claimed | State::Over, _) => Step::Refused,
        }
    }

    fn provide(&mut self, secret: Option<&Secret>, out: &mut Vec<u8>) -> Step {
        let State::Lookup(first) = mem::replace(&mut self.state, State::Over) else { return Step::Refused };
        let Some((keys, is_known)) = self.keys(secret) else { return Step::Refused };
        let server_first = format!("r={},s={},i={}", first.nonce, in_base64(keys.salt()), keys.iterations());
        out.extend_from_slice(server_first.as_bytes());
        self.state = State::Final(Final { first, server_first, keys, is_known });
        Step::Challenge
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn claim(&self) -> Claim<'_> {
        match self.state {
            State::Claimed => Claim::Proven { authorization: &self.authorization, user: &self.user },
            _ => Claim::Proven { authorization: "", user: "" },
        }
    }
}

impl fmt::Debug for ScramServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramServer").field("hash", &self.hash).field("user", &self.user).finish_non_exhaustive()
    }
}

fn in_base64(octets: &[u8]) -> String {
    let mut text = Vec::new();
    base64::encode(octets, &mut text);
    String::from_utf8(text).expect("base64 is ASCII")
}
