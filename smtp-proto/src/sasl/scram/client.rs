//! The client's end of SCRAM.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::super::gs2::{self, Flag};
use super::super::prepare::prepare;
use super::super::{ClientExchange, Context, Credentials, ExchangeError, base64};
use super::hash::{Digest, ScramHash};
use super::keys::{client_key, server_key};
use super::message::{ServerFinal, ServerFirst, is_nonce, is_server_error};
use super::{Scram, TLS_EXPORTER};

pub(super) struct ScramClient {
    hash: ScramHash,
    nonce: String,
    state: State,
}

enum State {
    Start(Result<Start, ExchangeError>),
    /// Waits for `server-first-message`.
    First(Start),
    /// Waits for `server-final-message`.
    Final {
        server_signature: Digest,
    },
    /// The server proved itself.
    Proved,
    /// The server said no, or did not keep to the mechanism.
    Over,
}

/// What is known before the server says anything.
struct Start {
    /// `gs2-header`
    header: String,
    /// `client-first-message-bare`
    bare: String,
    /// `cbind-data`
    binding: Option<[u8; 32]>,
    password: String,
}

impl ScramClient {
    pub(super) fn new(mechanism: Scram, credentials: &Credentials, context: &Context<'_>) -> Option<Self> {
        let (user, password) = (credentials.user()?, credentials.as_password()?);
        let nonce = context.nonce.filter(|nonce| is_nonce(nonce))?;
        let (flag, binding) = match context.channel_binding {
            Some(binding) if mechanism.binds => (Flag::Binds(TLS_EXPORTER), Some(*binding)),
            None if mechanism.binds => return None,
            // A server that does offer it finds out by this that somebody hid it on the way (RFC 5802 §6).
            Some(_) if !context.offers_channel_binding => (Flag::NotOffered, None),
            _ => (Flag::No, None),
        };
        let start = Start::new(flag, binding, credentials.authorization(), user, password, nonce);
        let start = start.ok_or(ExchangeError::Characters);
        Some(Self { hash: mechanism.hash, nonce: String::from(nonce), state: State::Start(start) })
    }

    /// Answers `server-first-message` with `client-final-message`.
    fn prove(&self, start: &Start, server_first: &str, out: &mut Vec<u8>) -> Result<State, ExchangeError> {
        let ServerFirst { nonce, salt, iterations } = ServerFirst::parse(server_first)?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(ExchangeError::Nonce);
        }
        let begin = out.len();
        let mut binding = start.header.clone().into_bytes();
        binding.extend_from_slice(start.binding.as_ref().map_or(&[], |data| &data[..]));
        out.extend_from_slice(b"c=");
        base64::encode(&binding, out);
        out.extend_from_slice(b",r=");
        out.extend_from_slice(nonce.as_bytes());

        let hash = self.hash;
        let salted_password = hash.iterated(&start.password, &salt, iterations);
        let auth_message = [start.bare.as_bytes(), b",", server_first.as_bytes(), b",", &out[begin..]];
        let client_key = client_key(hash, &salted_password);
        let client_signature = hash.hmac(&hash.hash(&client_key), &auth_message);
        let server_signature = hash.hmac(&server_key(hash, &salted_password), &auth_message);
        out.extend_from_slice(b",p=");
        base64::encode(&client_key.xor(&client_signature), out);
        Ok(State::Final { server_signature })
    }
}

impl ClientExchange for ScramClient {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        let state = mem::replace(&mut self.state, State::Over);
        let challenge = challenge.map(core::str::from_utf8).transpose().map_err(|_| ExchangeError::Challenge)?;
        self.state = match (state, challenge) {
            (State::Start(start), None | Some("")) => {
                let start = start?;
                out.extend_from_slice(start.header.as_bytes());
                out.extend_from_slice(start.bare.as_bytes());
                State::First(start)
            }
            // An empty response lets the server say why in its reply.
            (State::First(_), Some(message)) if is_server_error(message) => State::Over,
            (State::First(start), Some(server_first)) => self.prove(&start, server_first, out)?,
            (State::Final { server_signature }, Some(server_final)) => match ServerFinal::parse(server_final) {
                None => return Err(ExchangeError::Challenge),
                Some(ServerFinal::Error) => State::Over,
                Some(ServerFinal::Verifier(verifier)) if server_signature.is(&verifier) => State::Proved,
                Some(ServerFinal::Verifier(_)) => return Err(ExchangeError::ServerSignature),
            },
            _ => return Err(ExchangeError::Challenge),
        };
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ExchangeError> {
        if matches!(self.state, State::Proved) { Ok(()) } else { Err(ExchangeError::ServerSignature) }
    }
}

impl fmt::Debug for ScramClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramClient").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl Start {
    fn new(
        flag: Flag<'_>,
        binding: Option<[u8; 32]>,
        authorization: &str,
        user: &str,
        password: &str,
        nonce: &str,
    ) -> Option<Self> {
        let mut header = String::new();
        match authorization {
            "" => gs2::write(flag, "", &mut header),
            _ => gs2::write(flag, &prepare(authorization)?, &mut header),
        }
        let mut bare = String::from("n=");
        gs2::write_name(&prepare(user)?, &mut bare);
        bare.push_str(",r=");
        bare.push_str(nonce);
        Some(Self { header, bare, binding, password: prepare(password)?.into_owned() })
    }
}
