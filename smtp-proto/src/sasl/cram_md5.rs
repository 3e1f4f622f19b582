//! CRAM-MD5 (RFC 2195).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use subtle::ConstantTimeEq as _;

use super::message::{filled, text};
use super::{
    Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, Secret, ServerExchange, Step,
};

/// CRAM-MD5 (RFC 2195): the client proves by an HMAC-MD5 of the server's challenge that it knows the password.
///
/// The password is not sent, but who listens can try passwords at leisure, and the server has to store it as it is. The
/// client does not learn whether the server knows it. Where there is SCRAM, SCRAM is better in all of that.
/// Credentials: [`Credentials::password`]; there is no way to [act as](Credentials::acting_as) somebody else. Claim:
/// [`Claim::Proven`]. Stored: [`Secret::Password`], and anything else is as good as nothing.
///
/// User and password are taken as they are: the RFC prepares neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CramMd5;

impl Mechanism for CramMd5 {
    fn name(&self) -> &str {
        "CRAM-MD5"
    }

    fn first(&self) -> First {
        First::Server
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn needs_nonce(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        if !credentials.authorization().is_empty() {
            return None;
        }
        let password = String::from(credentials.as_password()?);
        Some(Box::new(CramMd5Client { unsaid: Some((String::from(credentials.user()?), password)) }))
    }

    fn server(&self, context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        let challenge = format!("<{}@{}>", context.nonce?, context.hostname);
        Some(Box::new(CramMd5Server { challenge, user: String::new(), state: State::Start }))
    }
}

struct CramMd5Client {
    unsaid: Option<(String, String)>,
}

impl ClientExchange for CramMd5Client {
    fn respond(&mut self, challenge: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), ExchangeError> {
        // Some servers send what is no msg-id, which matters to nobody; nothing at all is no challenge.
        let challenge = challenge.filter(|challenge| !challenge.is_empty()).ok_or(ExchangeError::Challenge)?;
        let (user, password) = self.unsaid.take().ok_or(ExchangeError::Challenge)?;
        let digest = digest(filled(&password)?, challenge);
        out.extend_from_slice(filled(&user)?.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&digest);
        Ok(())
    }
}

impl fmt::Debug for CramMd5Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CramMd5Client").finish_non_exhaustive()
    }
}

struct CramMd5Server {
    challenge: String,
    user: String,
    state: State,
}

enum State {
    Start,
    Challenged,
    /// With the digest that the client sent.
    Lookup([u8; 32]),
    /// The application decides.
    Claimed,
    Over,
}

impl ServerExchange for CramMd5Server {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        match (mem::replace(&mut self.state, State::Over), response) {
            (State::Start, None) => {
                out.extend_from_slice(self.challenge.as_bytes());
                self.state = State::Challenged;
                Step::Challenge
            }
            (State::Challenged, Some(response)) => {
                let Some((user, digest)) = parse(response) else { return Step::Malformed };
                self.user = String::from(user);
                self.state = State::Lookup(digest);
                Step::Lookup
            }
            (State::Start | State::Challenged, _) => Step::Malformed,
            (State::Lookup(_) | State::Claimed | State::Over, _) => Step::Refused,
        }
    }

    fn provide(&mut self, secret: Option<&Secret>, _out: &mut Vec<u8>) -> Step {
        let State::Lookup(shown) = mem::replace(&mut self.state, State::Over) else { return Step::Refused };
        let (password, is_known) = match secret {
            Some(Secret::Password(password)) => (password.as_str(), !password.is_empty()),
            _ => ("", false),
        };
        let is_right = bool::from(digest(password, self.challenge.as_bytes()).ct_eq(&shown));
        if !(is_right && is_known) {
            return Step::Refused;
        }
        self.state = State::Claimed;
        Step::Decide
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn claim(&self) -> Claim<'_> {
        let user = if matches!(self.state, State::Claimed) { self.user.as_str() } else { "" };
        Claim::Proven { authorization: "", user }
    }
}

impl fmt::Debug for CramMd5Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CramMd5Server").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The user name, which may hold spaces, a space, and the digest in lower-case hexadecimal.
fn parse(response: &[u8]) -> Option<(&str, [u8; 32])> {
    let (user, digest) = text(response)?.rsplit_once(' ')?;
    let digest: [u8; 32] = digest.as_bytes().try_into().ok()?;
    (!user.is_empty() && digest.iter().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')))
        .then_some((user, digest))
}

/// HMAC-MD5 of the challenge under the password, in lower-case hexadecimal.
fn digest(password: &str, challenge: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(challenge);
    let mut text = [0; 32];
    for (pair, octet) in text.chunks_exact_mut(2).zip(mac.finalize().into_bytes()) {
        pair[0] = HEXADECIMAL[usize::from(octet >> 4)];
        pair[1] = HEXADECIMAL[usize::from(octet & 15)];
    }
    text
}

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
