//! The texts that a command holds, and whether they are parts of its line.

use smtp_proto::address::{ForwardPath, ReversePath};
use smtp_proto::command::Command;

/// Whether `part` is a slice of `whole`. The empty text is one of any.
pub(crate) fn is_slice(whole: &str, part: &str) -> bool {
    part.is_empty() || whole.as_bytes().as_ptr_range().contains(&part.as_ptr()) && whole.contains(part)
}

/// The texts that a command holds.
pub(crate) fn texts<'a>(command: &Command<'a>) -> Vec<&'a str> {
    match command {
        Command::Helo(host) | Command::Ehlo(host) | Command::Lhlo(host) => vec![host.as_str()],
        Command::Mail { reverse_path, parameters }
        | Command::Send { reverse_path, parameters }
        | Command::Soml { reverse_path, parameters }
        | Command::Saml { reverse_path, parameters } => {
            let mut texts = vec![parameters.as_str()];
            if let ReversePath::Path(path) = reverse_path {
                texts.extend([path.source_route().unwrap_or_default(), path.mailbox().as_str()]);
            }
            texts.extend(
                parameters.iter().flat_map(|parameter| [parameter.keyword, parameter.value.unwrap_or_default()]),
            );
            texts
        }
        Command::Rcpt { forward_path, parameters } => {
            let mut texts = vec![parameters.as_str()];
            match forward_path {
                ForwardPath::Postmaster(name) => texts.push(name),
                ForwardPath::Path(path) => {
                    texts.extend([path.source_route().unwrap_or_default(), path.mailbox().as_str()]);
                }
            }
            texts
        }
        Command::Vrfy(name) | Command::Expn(name) | Command::Etrn(name) => vec![name],
        Command::Help(string) | Command::Noop(string) => vec![string.unwrap_or_default()],
        Command::Auth { mechanism, initial_response } => {
            vec![mechanism, initial_response.map(|response| response.as_str()).unwrap_or_default()]
        }
        _ => Vec::new(),
    }
}
