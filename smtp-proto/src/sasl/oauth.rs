//! OAUTHBEARER (RFC 7628) and XOAUTH2, which came before it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::gs2::{self, Flag, Header};
use super::message::{OneMessage, clean, is_clean};
use super::{Claim, ClientExchange, Context, Credentials, ExchangeError, First, Mechanism, ServerExchange, Step};

/// OAUTHBEARER (RFC 7628): the client shows an OAuth 2.0 bearer token (RFC 6750).
///
/// It protects nothing: who listens can use the token while it is valid. Credentials: [`Credentials::bearer`], whose
/// user becomes the authorization identity unless they [act as](Credentials::acting_as) another. Claim:
/// [`Claim::Bearer`].
///
/// A refused client gets `{"status":"invalid_token"}` as a challenge, answers it, and then gets the reply (§3.2.3). A
/// server leaves out of account the `host` and `port` that a client may say: it does not know by which name it was
/// reached. A client does not say them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OauthBearer;

/// XOAUTH2: the form of OAUTHBEARER that Google had first, and that most providers with OAuth understand.
///
/// It protects nothing: who listens can use the token while it is valid. Credentials: [`Credentials::bearer`], whose
/// user is the mailbox unless they [act as](Credentials::acting_as) another. Claim: [`Claim::Bearer`].
///
/// A refused client gets a JSON object as a challenge, answers with an empty line, and then gets the reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XOauth2;

impl Mechanism for OauthBearer {
    fn name(&self) -> &str {
        "OAUTHBEARER"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        let message = of_token(credentials, |user, token| {
            let mut message = String::new();
            gs2::write(Flag::No, user, &mut message);
            message.push_str(&format!("\x01auth=Bearer {token}\x01\x01"));
            message
        })?;
        Some(Box::new(OneMessage::new(message, Some("\x01"))))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(OauthServer { form: Form::OauthBearer, state: State::Start }))
    }
}

impl Mechanism for XOauth2 {
    fn name(&self) -> &str {
        "XOAUTH2"
    }

    fn first(&self) -> First {
        First::Client
    }

    fn needs_protection(&self) -> bool {
        true
    }

    fn client(&self, credentials: &Credentials, _context: &Context<'_>) -> Option<Box<dyn ClientExchange>> {
        let message = of_token(credentials, |user, token| format!("user={user}\x01auth=Bearer {token}\x01\x01"))?;
        Some(Box::new(OneMessage::new(message, Some(""))))
    }

    fn server(&self, _context: &Context<'_>) -> Option<Box<dyn ServerExchange>> {
        Some(Box::new(OauthServer { form: Form::XOauth2, state: State::Start }))
    }
}

/// The message of a client that has a token.
fn of_token(
    credentials: &Credentials,
    message: impl FnOnce(&str, &str) -> String,
) -> Option<Result<String, ExchangeError>> {
    let token = credentials.as_bearer()?;
    let user = match credentials.authorization() {
        "" => credentials.user()?,
        authorization => authorization,
    };
    Some(if is_token(token) { clean(user).map(|user| message(user, token)) } else { Err(ExchangeError::Characters) })
}

struct OauthServer {
    form: Form,
    state: State,
}

#[derive(Clone, Copy)]
enum Form {
    OauthBearer,
    XOauth2,
}

enum State {
    Start,
    Claimed { user: String, token: String },
    Refused,
}

/// What a well-formed message holds; the token is `None` if it is of another kind, or missing.
struct Shown<'a> {
    user: String,
    token: Option<&'a str>,
}

impl ServerExchange for OauthServer {
    fn take(&mut self, response: Option<&[u8]>, out: &mut Vec<u8>) -> Step {
        if !matches!(self.state, State::Start) {
            return Step::Refused;
        }
        let Some(response) = response else { return Step::Challenge };
        let Ok(message) = core::str::from_utf8(response) else { return Step::Malformed };
        match self.form.parse(message) {
            None => Step::Malformed,
            Some(Shown { token: None, .. }) => self.refuse(out),
            Some(Shown { user, token: Some(token) }) => {
                self.state = State::Claimed { user, token: String::from(token) };
                Step::Decide
            }
        }
    }

    fn refuse(&mut self, out: &mut Vec<u8>) -> Step {
        if matches!(self.state, State::Refused) {
            return Step::Refused;
        }
        self.state = State::Refused;
        out.extend_from_slice(self.form.refusal().as_bytes());
        Step::Challenge
    }

    fn claim(&self) -> Claim<'_> {
        match &self.state {
            State::Claimed { user, token } => Claim::Bearer { user, token },
            State::Start | State::Refused => Claim::Bearer { user: "", token: "" },
        }
    }
}

impl fmt::Debug for OauthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthServer").finish_non_exhaustive()
    }
}

impl Form {
    fn parse(self, message: &str) -> Option<Shown<'_>> {
        match self {
            Self::OauthBearer => parse_oauthbearer(message),
            Self::XOauth2 => parse_xoauth2(message),
        }
    }

    /// The error result, of which only the status is required (RFC 7628 §3.2.2); that of XOAUTH2 has the fields that
    /// Google's has.
    fn refusal(self) -> &'static str {
        match self {
            Self::OauthBearer => r#"{"status":"invalid_token"}"#,
            Self::XOauth2 => r#"{"status":"401","schemes":"bearer"}"#,
        }
    }
}

/// `client-resp = gs2-header kvsep *kvpair kvsep`, `kvpair = key "=" value kvsep` (RFC 7628 §3.1). Unknown keys are
/// left out of account.
fn parse_oauthbearer(message: &str) -> Option<Shown<'_>> {
    let (header, rest) = Header::parse(message)?;
    let pairs = rest.strip_prefix('\x01')?.strip_suffix('\x01')?;
    let mut auth = None;
    if !pairs.is_empty() {
        for pair in pairs.strip_suffix('\x01')?.split('\x01') {
            let (key, value) = pair.split_once('=')?;
            let is_key = !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_alphabetic());
            let is_value = value.bytes().all(|octet| matches!(octet, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
            if !is_key || !is_value || (key == "auth" && auth.replace(value).is_some()) {
                return None;
            }
        }
    }
    // There is nothing to bind a bearer token to.
    let is_bindable = matches!(header.flag, Flag::No | Flag::NotOffered);
    let token = auth.filter(|_| is_bindable).map_or(Some(None), bearer)?;
    Some(Shown { user: header.authorization, token })
}

/// `"user=" user kvsep "auth=Bearer " token kvsep kvsep`, as Google describes it.
fn parse_xoauth2(message: &str) -> Option<Shown<'_>> {
    let (user, rest) = message.strip_prefix("user=")?.split_once('\x01')?;
    let value = rest.strip_prefix("auth=")?.strip_suffix("\x01\x01")?;
    let token = bearer(value)?;
    (is_clean(user) && is_clean(value)).then(|| Shown { user: String::from(user), token })
}

/// The token in `"Bearer" 1*SP token`, whose first word is in any case. `Some(None)`: nothing, or something of another
/// scheme. `None`: not a token.
fn bearer(value: &str) -> Option<Option<&str>> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Some(None);
    }
    let token = token.trim_start_matches(' ');
    is_token(token).then_some(Some(token))
}

/// Whether a text may stand as a token: visible ASCII. That is wider than the `b64token` of RFC 6750 §2.1: what is in a
/// token is the business of who issued it.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic())
}
