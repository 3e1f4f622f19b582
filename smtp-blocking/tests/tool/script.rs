//! A server that says what it is told to, whatever it hears.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

/// What the server does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// It says this.
    Say(&'static str),
    /// It hears a line.
    Hear,
    /// It hears this line, or closes the connection.
    HearLine(&'static str),
    /// It hears everything up to a line with a lone dot.
    HearData,
}

/// Serves one connection, closes it when the turns are over, and gives its address.
pub(crate) fn serve(turns: &'static [Turn]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound above");
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the client comes");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("not zero");
        let mut stream = BufReader::new(stream);
        for turn in turns {
            let mut line = Vec::new();
            match turn {
                Turn::Say(text) => stream.get_mut().write_all(text.as_bytes()).expect("the client reads"),
                Turn::Hear => assert!(stream.read_until(b'\n', &mut line).expect("the client speaks") > 0),
                Turn::HearLine(expected) => {
                    stream.read_until(b'\n', &mut line).expect("the client speaks");
                    if line != format!("{expected}\r\n").as_bytes() {
                        return;
                    }
                }
                Turn::HearData => {
                    while line != b".\r\n" {
                        line.clear();
                        assert!(stream.read_until(b'\n', &mut line).expect("the client speaks") > 0);
                    }
                }
            }
        }
    });
    address
}
