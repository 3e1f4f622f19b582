//! Foreign clients deliver into a server made with this library, whose application refuses some recipients and messages.

use smtp_blocking::TestServer;
use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};

use crate::into_serve::{FROM, send};
use smtp_peers::clients::{CURL, Client, MSMTP, NODEMAILER, SMTPLIB, SWAKS};
use smtp_peers::messages;

macro_rules! clients {
    ($($name:ident: $client:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn one_refused_recipient_among_three() {
                refuses_one(&$client, &no_such_user());
            }

            #[test]
            fn one_recipient_to_try_again_among_three() {
                refuses_one(&$client, &come_back());
            }

            #[test]
            fn every_recipient_refused() {
                refuses_all(&$client, &no_such_user());
            }

            #[test]
            fn every_recipient_to_try_again() {
                refuses_all(&$client, &come_back());
            }

            #[test]
            fn a_refused_message() {
                refuses_message(&$client, &no_such_user());
            }

            #[test]
            fn a_message_to_try_again() {
                refuses_message(&$client, &come_back());
            }
        }
    )*};
}

clients! {
    smtplib: SMTPLIB;
    curl: CURL;
    swaks: SWAKS;
    msmtp: MSMTP;
    nodemailer: NODEMAILER;
}

/// One refused recipient leaves the transaction and the other recipients as they are (RFC 5321 §3.3).
fn refuses_one(client: &Client, refusal: &Reply) {
    if !client.is_there() {
        return;
    }
    let server = TestServer::builder().refuse_recipient("dave@example.org", refusal.clone()).spawn();
    let message = messages::dots();
    let to = ["bob@example.org", "dave@example.org", "carol@example.org"];
    let reply = refusal.code().value();
    let code = client.code_for_one_of_several(reply);
    send(client, server.address(), &to, &message).expect(code, &reply.to_string());
    let received = server.messages();
    if code != 0 {
        assert!(received.is_empty());
        return;
    }
    let [received] = &received[..] else { panic!("{} messages", received.len()) };
    assert_eq!(received.client, "client.example");
    assert_eq!(received.reverse_path, FROM);
    assert_eq!(received.recipients, ["bob@example.org", "carol@example.org"]);
    assert_eq!(received.body.escape_ascii().to_string(), message.escape_ascii().to_string());
}

fn refuses_all(client: &Client, refusal: &Reply) {
    if !client.is_there() {
        return;
    }
    let server = TestServer::builder()
        .refuse_recipient("bob@example.org", refusal.clone())
        .refuse_recipient("dave@example.org", refusal.clone())
        .spawn();
    let reply = refusal.code().value();
    let finished = send(client, server.address(), &["bob@example.org", "dave@example.org"], &messages::dots());
    finished.expect(client.code_for_all(reply), &reply.to_string());
    assert!(server.messages().is_empty());
}

/// R-4.2.5-02, R-4.2.5-05: a message that was refused is not delivered.
fn refuses_message(client: &Client, refusal: &Reply) {
    if !client.is_there() {
        return;
    }
    let server = TestServer::builder().refuse_messages(refusal.clone()).spawn();
    let reply = refusal.code().value();
    let finished = send(client, server.address(), &["bob@example.org"], &messages::dots());
    finished.expect(client.message, &reply.to_string());
    assert!(server.messages().is_empty());
}

fn no_such_user() -> Reply {
    Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX, "no such user")
}

fn come_back() -> Reply {
    Reply::new(ReplyCode::LOCAL_ERROR, Detail::MAILBOX_DISABLED, "come back later")
}
