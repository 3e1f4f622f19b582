//! Why there is no TLS.

use core::ops::RangeInclusive;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error};
use thiserror::Error;

/// Why TLS was not begun, or broke.
///
/// As an [`io::Error`], which it turns into, it is found again by `error.get_ref()` and `downcast_ref`.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate of the peer was refused.
    #[error("the certificate was refused: {}", words(.0))]
    Certificate(CertificateError),
    /// What came is no TLS: the peer speaks in clear. A port that begins in clear takes STARTTLS.
    #[error("the peer does not begin with TLS on this port, but speaks in clear: STARTTLS may be what it takes")]
    ClearText,
    /// The peer refused, and this is the alert it gave as its reason. [`AlertDescription::UnknownCA`] and others that name
    /// a certificate mean that of this side.
    #[error("the peer ended TLS with the alert {0:?}")]
    Alert(AlertDescription),
    /// The peer closed the connection before the handshake was over.
    #[error("the peer closed the connection in the TLS handshake")]
    Unfinished,
    /// The peer closed the connection without ending TLS. Whoever stands between may have cut it.
    #[error("the connection was closed without an end of TLS")]
    Truncated,
    /// What the peer sent is no TLS that can be agreed on, or was changed on its way.
    #[error("{0}")]
    Protocol(Error),
    /// This is neither a domain nor an IP address.
    #[error("`{0}` is neither a domain nor an IP address")]
    Name(String),
    /// There is no certificate, or none that can be read, in what should hold some.
    #[error("there is no certificate that can be read")]
    NoCertificate,
    /// There is no private key, or none that can be read, in what should hold one.
    #[error("there is no private key that can be read")]
    NoPrivateKey,
    /// Certificates, key or roots cannot be used.
    #[error("this cannot be used for TLS: {0}")]
    Setup(Error),
}

impl TlsError {
    /// Of what `rustls` says in a connection. [`explain`](Self::explain) besides knows clear text where it meets it.
    #[must_use]
    pub fn of(error: Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::Certificate(error),
            Error::AlertReceived(alert) => Self::Alert(alert),
            error => Self::Protocol(error),
        }
    }

    /// Of what `rustls` says in a connection that had come so far. A peer that does not begin with a record of TLS speaks
    /// in clear: [`ClearText`](Self::ClearText).
    #[must_use]
    pub fn explain(error: Error, stage: TlsStage) -> Self {
        match (error, stage) {
            (Error::InvalidMessage(_), TlsStage::Handshake { first: Some(octet) })
                if !CONTENT_TYPES.contains(&octet) =>
            {
                Self::ClearText
            }
            (error, _) => Self::of(error),
        }
    }

    /// The same of an error of I/O, as those return it who run `rustls` over a socket: a [`rustls::Error`] or a `TlsError`
    /// in it, or an end of the connection that is none of TLS (`UnexpectedEof`), which is
    /// [`Unfinished`](Self::Unfinished) in the handshake and [`Truncated`](Self::Truncated) after it.
    ///
    /// `None`: the socket failed, not TLS.
    #[must_use]
    pub fn explain_io(error: &io::Error, stage: TlsStage) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            if let Some(error) = inner.downcast_ref::<Self>() {
                return Some(error.clone());
            }
            if let Some(error) = inner.downcast_ref::<Error>() {
                return Some(Self::explain(error.clone(), stage));
            }
        }
        match (error.kind(), stage) {
            (ErrorKind::UnexpectedEof, TlsStage::Handshake { .. }) => Some(Self::Unfinished),
            (ErrorKind::UnexpectedEof, TlsStage::Established) => Some(Self::Truncated),
            _ => None,
        }
    }
}

/// How far a connection had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsStage {
    /// The handshake was not over.
    Handshake {
        /// The first octet that the peer sent on this connection after TLS was due. `None`: none came, or it is not known;
        /// nothing is taken for clear text then.
        first: Option<u8>,
    },
    /// The handshake was over.
    Established,
}

/// What a record of TLS begins with (RFC 8446 §5.1; 24: RFC 6520 §3).
const CONTENT_TYPES: RangeInclusive<u8> = 20..=24;

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::Unfinished | TlsError::Truncated => ErrorKind::UnexpectedEof,
            TlsError::Name(_) | TlsError::NoCertificate | TlsError::NoPrivateKey | TlsError::Setup(_) => {
                ErrorKind::InvalidInput
            }
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// What is wrong with a certificate, for those who do not know the words of X.509.
fn words(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "nobody who is trusted here has issued it".into(),
        CertificateError::NotValidForNameContext { expected, presented } if presented.is_empty() => {
            format!("it is not for {}, and names nobody", expected.to_str())
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("it is not for {}, but for {}", expected.to_str(), presented.join(", "))
        }
        CertificateError::ExpiredContext { time, not_after } => {
            format!("it expired {} ago", span(time.as_secs().saturating_sub(not_after.as_secs())))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("it becomes valid in {}", span(not_before.as_secs().saturating_sub(time.as_secs())))
        }
        CertificateError::BadSignature => "its signature is not that of whom it names as its issuer".into(),
        CertificateError::Revoked => "it was revoked".into(),
        error => error.to_string(),
    }
}

fn span(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} minutes", seconds / 60),
        1 => "a day".into(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerMisbehaved};

    use super::{TlsError, TlsStage};

    const IN_HANDSHAKE: TlsStage = TlsStage::Handshake { first: Some(22) };

    /// Every octet that a connection may begin with: five begin a record of TLS, all others are clear text, and neither
    /// means anything once the handshake is over, or where the octet is not known.
    #[test]
    fn clear_text_is_told_by_the_first_octet() {
        let error = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        for octet in 0..=u8::MAX {
            let explained = TlsError::explain(error.clone(), TlsStage::Handshake { first: Some(octet) });
            let is_record = [20, 21, 22, 23, 24].contains(&octet);
            assert_eq!(explained == TlsError::ClearText, !is_record, "{octet}");
        }
        for stage in [TlsStage::Handshake { first: None }, TlsStage::Established] {
            assert_eq!(TlsError::explain(error.clone(), stage), TlsError::Protocol(error.clone()));
        }
    }

    /// What is no message at all may be clear text; what a peer says in TLS is not, whatever octet came first.
    #[test]
    fn only_what_cannot_be_read_is_clear_text() {
        let errors = [
            (Error::InvalidCertificate(CertificateError::Expired), TlsError::Certificate(CertificateError::Expired)),
            (Error::AlertReceived(AlertDescription::UnknownCA), TlsError::Alert(AlertDescription::UnknownCA)),
            (
                PeerMisbehaved::TooManyEmptyFragments.into(),
                TlsError::Protocol(PeerMisbehaved::TooManyEmptyFragments.into()),
            ),
        ];
        for (error, expected) in errors {
            for stage in [TlsStage::Handshake { first: Some(b'2') }, IN_HANDSHAKE, TlsStage::Established] {
                assert_eq!(TlsError::explain(error.clone(), stage), expected);
            }
            assert_eq!(TlsError::of(error), expected);
        }
    }

    /// What is wrapped in an error of I/O is found again: what `rustls` said, and what this crate said.
    #[test]
    fn errors_of_io_are_unwrapped() {
        let error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for kind in [ErrorKind::InvalidData, ErrorKind::Other, ErrorKind::UnexpectedEof] {
            let wrapped = io::Error::new(kind, error.clone());
            let explained = TlsError::explain_io(&wrapped, IN_HANDSHAKE);
            assert_eq!(explained, Some(TlsError::Certificate(CertificateError::UnknownIssuer)));
        }
        let clear = io::Error::new(ErrorKind::InvalidData, Error::InvalidMessage(InvalidMessage::InvalidContentType));
        let stage = TlsStage::Handshake { first: Some(b'2') };
        assert_eq!(TlsError::explain_io(&clear, stage), Some(TlsError::ClearText));
        for own in [TlsError::ClearText, TlsError::Unfinished, TlsError::Truncated, TlsError::NoPrivateKey] {
            let wrapped = io::Error::from(own.clone());
            assert_eq!(TlsError::explain_io(&wrapped, TlsStage::Established), Some(own));
        }
    }

    /// TLS-24: a connection that ends without an end of TLS is cut, and says when.
    #[test]
    fn an_end_that_tls_did_not_announce() {
        let bare = io::Error::from(ErrorKind::UnexpectedEof);
        let worded = io::Error::new(ErrorKind::UnexpectedEof, "tls handshake eof");
        for error in [bare, worded] {
            let first = TlsStage::Handshake { first: None };
            assert_eq!(TlsError::explain_io(&error, first), Some(TlsError::Unfinished));
            assert_eq!(TlsError::explain_io(&error, IN_HANDSHAKE), Some(TlsError::Unfinished));
            assert_eq!(TlsError::explain_io(&error, TlsStage::Established), Some(TlsError::Truncated));
        }
    }

    /// What is the matter with the socket is none of TLS.
    #[test]
    fn sockets_fail_by_themselves() {
        let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::TimedOut, ErrorKind::InvalidData];
        for kind in kinds {
            for stage in [IN_HANDSHAKE, TlsStage::Established] {
                assert_eq!(TlsError::explain_io(&kind.into(), stage), None);
                assert_eq!(TlsError::explain_io(&io::Error::new(kind, "of another"), stage), None);
            }
        }
    }

    /// The kinds of I/O errors that drivers and applications tell apart.
    #[test]
    fn kinds() {
        let kind = |error: TlsError| io::Error::from(error).kind();
        assert_eq!(kind(TlsError::Unfinished), ErrorKind::UnexpectedEof);
        assert_eq!(kind(TlsError::Truncated), ErrorKind::UnexpectedEof);
        assert_eq!(kind(TlsError::Name("-".into())), ErrorKind::InvalidInput);
        assert_eq!(kind(TlsError::ClearText), ErrorKind::InvalidData);
        assert_eq!(kind(TlsError::Certificate(CertificateError::Expired)), ErrorKind::InvalidData);
    }
}
