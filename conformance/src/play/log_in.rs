//! Servers that want a log-in before MAIL.

use super::pattern::Heard;
use super::steps::Play;
use super::variables::Values;
use crate::transcript::{Item, Side, State, Transcript};

/// Who says the first MAIL of a transcript behind EHLO, where the transcript says no AUTH before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstMail {
    /// The prologue, or the body in the session that the prologue has begun: the prologue can log in before.
    Ours,
    /// The body, in a session that it has begun by itself.
    Theirs,
}

/// Who says the first MAIL. `None`: nobody, or there is a log-in before it.
pub(crate) fn first_mail(transcript: &Transcript) -> Option<FirstMail> {
    match transcript.state {
        State::Connected | State::Greeted | State::Ehlo | State::Tls => {}
        State::Auth => return None,
        State::Mail | State::Rcpt | State::Data => return Some(FirstMail::Ours),
    }
    let mut whose = matches!(transcript.state, State::Ehlo | State::Tls).then_some(FirstMail::Ours);
    for line in &transcript.body {
        let said = match &line.item {
            Item::Command { text, .. } => text.as_bytes(),
            Item::Raw { side: Side::Client, octets } => octets,
            _ => continue,
        };
        let is = |verb: &str| said.get(..verb.len()).is_some_and(|it| it.eq_ignore_ascii_case(verb.as_bytes()));
        if is("MAIL") && whose.is_some() {
            return whose;
        }
        if is("AUTH") {
            return None;
        }
        if is("EHLO") || is("HELO") || is("STARTTLS") {
            whose = Some(FirstMail::Theirs);
        }
    }
    None
}

impl Play<'_, '_> {
    /// Logs in at a server that has answered EHLO with this.
    pub(super) fn log_in_to_server(&mut self, offers: &Heard, values: &Values<'_>) -> Result<(), String> {
        let offered = |mechanism: &str| {
            offers.keywords().any(|(key, mechanisms)| {
                key.eq_ignore_ascii_case("AUTH") && mechanisms.split(' ').any(|it| it.eq_ignore_ascii_case(mechanism))
            })
        };
        if offered("PLAIN") {
            self.ask(r"AUTH PLAIN $b64(\0$user\0$password)", &["235"], values)?;
        } else if offered("LOGIN") {
            self.ask("AUTH LOGIN", &["334"], values)?;
            self.ask("$b64($user)", &["334"], values)?;
            self.ask("$b64($password)", &["235"], values)?;
        } else {
            return Err("the server offers neither AUTH PLAIN nor AUTH LOGIN".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FirstMail, first_mail};
    use crate::transcript::Transcript;

    #[test]
    fn who_says_mail_first() {
        let whose = |state: &str, body: &str| {
            let text =
                format!("smtpt: 1\ntitle: t\nrole: server\nstate: {state}\ncovers: A\n\nR: A MUST do it\n{body}");
            first_mail(&Transcript::parse("t", &text).expect("a transcript"))
        };
        let mail = "C: MAIL FROM:<$sender>\nS: 250\n";
        for state in ["ehlo", "tls"] {
            assert_eq!(whose(state, mail), Some(FirstMail::Ours));
            assert_eq!(whose(state, "C: RSET\nS: 250\nC| mail from:<>\\r\\n\nS: 250\n"), Some(FirstMail::Ours));
            assert_eq!(whose(state, &format!("C: AUTH PLAIN x\nS: 235\n{mail}")), None);
            assert_eq!(whose(state, &format!("C: EHLO $client\nS: 250\n{mail}")), Some(FirstMail::Theirs));
            assert_eq!(whose(state, "C: NOOP\nS: 250\n"), None);
        }
        assert_eq!(whose("rcpt", "C: DATA\nS: 354\n"), Some(FirstMail::Ours));
        assert_eq!(whose("auth", mail), None);
        assert_eq!(whose("greeted", mail), None);
        assert_eq!(whose("connected", &format!("S: 220\nC: HELO x\nS: 250\n{mail}")), Some(FirstMail::Theirs));
    }
}
