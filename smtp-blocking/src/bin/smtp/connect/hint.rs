//! What to do about a connection that ended.

use smtp_proto::CloseReason;
use smtp_proto::client::Security;

use super::Connect;

impl Connect {
    /// What to do about a connection that ended for this reason. `is_greeted`: the server said more than a greeting.
    /// `is_plain`: what came in place of TLS was not TLS.
    pub(crate) fn hint(&self, reason: CloseReason, is_greeted: bool, is_plain: bool) -> Option<String> {
        let target = &self.target;
        let is_implicit = target.security() == Security::Implicit;
        match reason {
            CloseReason::TlsFailed if is_implicit && is_plain => {
                Some("the server speaks without TLS first: try --tls required, or smtp:// in the URL".into())
            }
            CloseReason::TlsFailed => {
                Some("--tls-ca FILE trusts other roots, --insecure checks no certificate; smtp check tells more".into())
            }
            CloseReason::NoTls => Some("--tls opportunistic or --tls none goes on without TLS".into()),
            // A server that waits for TLS says nothing, or an alert, which is no greeting.
            CloseReason::Timeout
            | CloseReason::PeerClosed
            | CloseReason::TransportFailed
            | CloseReason::Protocol
            | CloseReason::NotSmtp
                if !is_greeted && !is_implicit =>
            {
                Some("if the server wants TLS from the first octet: --tls implicit, or smtps:// in the URL".into())
            }
            CloseReason::AuthRefused => {
                target.provider().map(|provider| format!("{provider} wants {}", provider.wants()))
            }
            CloseReason::NoMechanism => Some("smtp check shows what the server offers".into()),
            CloseReason::NotConfidential => Some(
                "--tls required sends them over TLS, --auth-without-tls lets whoever stands between read them".into(),
            ),
            _ => None,
        }
    }
}
