//! The conformance suite in a test of a server.
//!
//! ```text
//! cargo run -p smtp-conformance --example test_my_server
//! ```
//!
//! The server of this example is one on `smtp-blocking`, with an application of a few lines. In a test of your own it is
//! yours.

use core::error::Error;
use std::io::{self, Read as _};
use std::thread;

use smtp_blocking::proto::reply::{Detail, Reply, ReplyCode};
use smtp_blocking::proto::server::{Config, Mail, Rcpt};
use smtp_blocking::{Accept, Answer, BodyReader, Envelope, Server, Session};
use smtp_conformance::{Profile, check_server};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::bind("127.0.0.1:0", Config::new("mx.example")?)?;
    let (address, handle) = (server.local_addr(), server.handle());
    let thread = thread::spawn(move || server.serve(|_peer| Mailbox));

    let profile = Profile::new("mx.example")
        .recipient("bob@mx.example")
        .recipient("carol@mx.example")
        .bad_recipient("nobody@mx.example");
    let results = check_server(address, profile);
    println!("{results}");
    results.assert();

    handle.shutdown();
    thread.join().expect("a server does not panic")?;
    Ok(())
}

/// Takes mail for those who are there, and throws it away.
struct Mailbox;

impl Session for Mailbox {
    fn mail(&mut self, _mail: &Mail) -> Answer {
        Ok(Accept::Usual)
    }

    fn rcpt(&mut self, rcpt: &Rcpt) -> Answer {
        match rcpt.forward_path().as_str() {
            "nobody@mx.example" => {
                let (code, detail) = (ReplyCode::MAILBOX_UNAVAILABLE, Detail::BAD_DESTINATION_MAILBOX);
                Err(Reply::new(code, detail, "no such mailbox").into())
            }
            _ => Ok(Accept::Usual),
        }
    }

    fn data(&mut self, _envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        io::copy(&mut body.by_ref(), &mut io::sink())?;
        Ok(Accept::Usual)
    }
}

#[test]
fn my_server_conforms() -> Result<(), Box<dyn Error>> {
    main()
}
