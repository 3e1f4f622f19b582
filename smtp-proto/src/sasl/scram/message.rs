//! The four messages (RFC 5802 §7). A comma stands between attributes only, so they are split at commas first.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::ExchangeError;
use super::super::base64;
use super::super::gs2::{self, Header};
use super::keys::{ITERATIONS, LONGEST};

/// `client-first-message = gs2-header client-first-message-bare`
pub(super) struct ClientFirst<'a> {
    pub(super) header: Header<'a>,
    pub(super) bare: &'a str,
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    /// `client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]`
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let (header, bare) = Header::parse(message)?;
        let mut items = bare.split(',');
        let user = gs2::decode_name(value(items.next()?, "n=")?)?;
        let nonce = value(items.next()?, "r=").filter(|nonce| is_nonce(nonce))?;
        items.all(is_extension).then_some(Self { header, bare, user, nonce })
    }
}

/// `server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]`
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(message: &'a str) -> Result<Self, ExchangeError> {
        let mut items = message.split(',');
        let mut next = |name| items.next().and_then(|item| value(item, name)).ok_or(ExchangeError::Challenge);
        let (nonce, salt, iterations) = (next("r=")?, next("s=")?, next("i=")?);
        let salt = decode(salt).filter(|salt| (1..=LONGEST).contains(&salt.len())).ok_or(ExchangeError::Challenge)?;
        // `posit-number = %x31-39 *DIGIT`
        if !is_nonce(nonce)
            || !iterations.starts_with(|first| matches!(first, '1'..='9'))
            || !iterations.bytes().all(|octet| octet.is_ascii_digit())
            || !items.all(is_extension)
        {
            return Err(ExchangeError::Challenge);
        }
        // A number that is too long for the type is too large as well.
        let iterations = iterations.parse().ok().filter(|iterations| ITERATIONS.contains(iterations));
        Ok(Self { nonce, salt, iterations: iterations.ok_or(ExchangeError::Iterations)? })
    }
}

/// `client-final-message = client-final-message-without-proof "," proof`
pub(super) struct ClientFinal<'a> {
    pub(super) without_proof: &'a str,
    /// `channel-binding`, still in base64.
    pub(super) binding: &'a str,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
}

impl<'a> ClientFinal<'a> {
    /// `client-final-message-without-proof = channel-binding "," nonce ["," extensions]`
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let (without_proof, proof) = message.rsplit_once(',')?;
        let proof = decode(value(proof, "p=")?)?;
        let mut items = without_proof.split(',');
        let binding = value(items.next()?, "c=")?;
        let nonce = value(items.next()?, "r=")?;
        items.all(is_extension).then_some(Self { without_proof, binding, nonce, proof })
    }
}

/// `server-final-message = (server-error / verifier) ["," extensions]`
pub(super) enum ServerFinal {
    Error,
    Verifier(Vec<u8>),
}

impl ServerFinal {
    pub(super) fn parse(message: &str) -> Option<Self> {
        let mut items = message.split(',');
        let item = items.next()?;
        let parsed = if is_server_error(item) { Self::Error } else { Self::Verifier(decode(value(item, "v=")?)?) };
        items.all(is_extension).then_some(parsed)
    }
}

/// Whether a message is `server-error = "e=" server-error-value`. Which one does not matter: all mean no, and none is
/// proved.
pub(super) fn is_server_error(message: &str) -> bool {
    value(message, "e=").is_some_and(|value| !value.is_empty())
}

/// `c-nonce = printable`, any number of them.
pub(super) fn is_nonce(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b',')
}

/// The value of the attribute of this name.
fn value<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    item.strip_prefix(name)
}

/// `attr-val = ALPHA "=" value`. Unknown ones are left out of account, except `m`: who sends it wants more than is here
/// (§5.1).
fn is_extension(item: &str) -> bool {
    let Some((name, value)) = item.split_once('=') else { return false };
    name.len() == 1
        && name.bytes().all(|octet| octet.is_ascii_alphabetic() && octet != b'm')
        && !value.is_empty()
        && !value.contains('\0')
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    base64::decode(text.as_bytes(), &mut octets).ok().map(|()| octets)
}
