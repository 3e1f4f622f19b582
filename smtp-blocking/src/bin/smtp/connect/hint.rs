//! What to do about a connection that ended.

use smtp_blocking::Client;
use smtp_proto::CloseReason;
use smtp_proto::client::Security;
use smtp_proto::submission::Target;

use super::{Connect, certificate_error, is_clear_text};

/// What is wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Certificate,
    /// What came in place of it was none.
    ClearText,
    Other,
}

impl Connect {
    /// What to do about the connection of a client that ended for this reason. `is_greeted`: a greeting was heard.
    pub(crate) fn hint(&self, client: &Client, reason: CloseReason, is_greeted: bool) -> Option<String> {
        let fault = match (certificate_error(client), is_clear_text(client)) {
            (Some(_), _) => Fault::Certificate,
            (None, true) => Fault::ClearText,
            (None, false) => Fault::Other,
        };
        hint(&self.target, reason, is_greeted, fault)
    }
}

fn hint(target: &Target, reason: CloseReason, is_greeted: bool, fault: Fault) -> Option<String> {
    let is_implicit = target.security() == Security::Implicit;
    let text = match reason {
        CloseReason::TlsFailed if is_implicit && fault == Fault::ClearText => {
            "the server speaks without TLS first: try --tls required, or smtp:// in the URL"
        }
        CloseReason::TlsFailed if fault == Fault::Certificate => {
            "--tls-ca FILE trusts other roots, --insecure does not check the certificate"
        }
        CloseReason::NoTls => "--tls opportunistic or --tls none goes on without TLS",
        // A server that waits for TLS says nothing, or an alert, which is no greeting.
        CloseReason::Timeout
        | CloseReason::PeerClosed
        | CloseReason::TransportFailed
        | CloseReason::Protocol
        | CloseReason::NotSmtp
            if !is_greeted && !is_implicit =>
        {
            "if the server wants TLS from the first octet: --tls implicit, or smtps:// in the URL"
        }
        CloseReason::AuthRefused => {
            return target.provider().map(|provider| format!("{provider} wants {}", provider.wants()));
        }
        CloseReason::NoMechanism => "smtp check shows what the server offers",
        CloseReason::NotConfidential => {
            "--tls required sends them over TLS, --auth-without-tls lets whoever stands between read them"
        }
        _ => return None,
    };
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use smtp_proto::submission::Choices;

    use super::*;

    /// A port that speaks the other form, as far as it can be seen, and nothing where something else is wrong.
    #[test]
    fn the_other_form_of_tls() {
        let target = |url: &str| {
            let mut choices = Choices::default();
            choices.url = Some(url.parse().expect("a URL"));
            choices.target().expect("it says where to")
        };
        let (clear, implicit) = (target("smtp://mx.example"), target("smtps://mx.example"));
        for reason in [
            CloseReason::Timeout,
            CloseReason::PeerClosed,
            CloseReason::TransportFailed,
            CloseReason::Protocol,
            CloseReason::NotSmtp,
        ] {
            let told = hint(&clear, reason, false, Fault::Other).expect("a hint");
            assert!(told.contains("--tls implicit"), "{told}");
            assert_eq!(hint(&clear, reason, true, Fault::Other), None, "{reason}");
            assert_eq!(hint(&implicit, reason, false, Fault::Other), None, "{reason}");
        }
        let told = hint(&implicit, CloseReason::TlsFailed, false, Fault::ClearText).expect("a hint");
        assert!(told.contains("--tls required"), "{told}");
        // Behind STARTTLS the port is the right one.
        assert_eq!(hint(&clear, CloseReason::TlsFailed, true, Fault::ClearText), None);
        assert_eq!(hint(&implicit, CloseReason::TlsFailed, false, Fault::Other), None);
        let told = hint(&clear, CloseReason::TlsFailed, true, Fault::Certificate).expect("a hint");
        assert!(told.contains("--tls-ca"), "{told}");
    }
}
