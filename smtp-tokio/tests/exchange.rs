//! Client and server of this crate with each other, over a real socket.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use smtp_tokio::proto::client::{self, Summary};
use smtp_tokio::proto::server::{Config, Mail, Rcpt};
use smtp_tokio::{Accept, Answer, BodyReader, Client, Envelope, Peer, Server, Session};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

type Kept = Arc<Mutex<Vec<(Vec<String>, Vec<u8>)>>>;

struct Keeper(Kept);

impl Session for Keeper {
    async fn mail(&mut self, _: &Mail) -> Answer {
        tokio::task::yield_now().await;
        Ok(Accept::Usual)
    }

    async fn rcpt(&mut self, _: &Rcpt) -> Answer {
        Ok(Accept::Usual)
    }

    async fn data(&mut self, envelope: &Envelope, body: &mut BodyReader<'_>) -> Answer {
        let mut octets = Vec::new();
        body.read_to_end(&mut octets).await?;
        self.0.lock().expect("no panic").push((envelope.recipients().to_vec(), octets));
        Ok(Accept::Usual)
    }
}

#[tokio::test]
async fn a_mail_arrives_and_the_service_ends() {
    let kept = Kept::default();
    let server = Server::bind("127.0.0.1:0", Config::new("mx.example").expect("a domain")).await.expect("a port");
    let (address, handle) = (server.local_addr().expect("an address"), server.handle());
    let shared = Arc::clone(&kept);
    let service = tokio::spawn(server.serve(move |_: &Peer| Keeper(Arc::clone(&shared))));

    let exchange = async {
        let config = client::Config::new("client.example").expect("a domain");
        let mut client = Client::connect(address, config).await.expect("the server listens");
        for body in ["Hello\r\n", ".\r\n..\r\n", ""] {
            let envelope = client::Envelope::new("a@client.example").and_then(|mail| mail.to("b@mx.example"));
            let outcome = client.send(envelope.expect("addresses"), body.as_bytes()).await.expect("it was tried");
            assert_eq!(outcome.summary(), Summary::Accepted);
        }
        client.quit().await;
        handle.shutdown();
        service.await.expect("no panic").expect("a usable configuration");
    };
    timeout(PATIENCE, exchange).await.expect("in time");
    let kept = kept.lock().expect("no panic");
    let bodies: Vec<&[u8]> = kept.iter().map(|(_, body)| &body[..]).collect();
    assert_eq!(bodies, [&b"Hello\r\n"[..], b".\r\n..\r\n", b""]);
}
