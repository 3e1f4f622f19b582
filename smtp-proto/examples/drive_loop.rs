//! The bare drive loop: a server on `std::net` that takes every mail and prints it. One connection at a time.
//!
//! `cargo run -p smtp-proto --example drive_loop`, then send mail to 127.0.0.1:2525.

#![expect(clippy::disallowed_types, reason = "a driver has a socket")]

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use smtp_proto::server::{Config, Connection, Event, Output};
use smtp_proto::{Clock, CloseReason, Misuse, ReadBuffer, Refused};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let config = Arc::new(Config::new("localhost")?);
    for stream in TcpListener::bind("127.0.0.1:2525")?.incoming() {
        let clock = Clock::start();
        let connection = Connection::new(clock.now(), Arc::clone(&config))?;
        println!("-- {}", drive(connection, stream?, clock)?);
    }
    Ok(())
}

fn drive(mut connection: Connection, mut stream: TcpStream, clock: Clock) -> io::Result<CloseReason> {
    let mut buffer = ReadBuffer::new();
    loop {
        match connection.poll() {
            Output::Transmit(octets) => {
                let count = stream.write(octets)?;
                connection.transmitted(clock.now(), count);
            }
            Output::Event(event) => answer(&mut connection, event, clock).expect("each token is answered at once"),
            Output::Wait(wait) => {
                let patience = wait.deadline.map(|deadline| clock.until(deadline).max(Duration::from_millis(1)));
                stream.set_read_timeout(patience)?;
                match stream.read(buffer.space()) {
                    Ok(0) => connection.handle_eof(clock.now()),
                    Ok(count) => connection
                        .handle_input(clock.now(), buffer.filled(count))
                        .expect("input is welcome whenever nothing is left to answer"),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        connection.handle_timeout(clock.now());
                    }
                    Err(error) => return Err(error),
                }
            }
            Output::UpgradeTls => unreachable!("the configuration has no TLS"),
            Output::Closed(reason) => return Ok(reason),
        }
    }
}

fn answer(connection: &mut Connection, event: Event, clock: Clock) -> Result<(), Misuse> {
    let now = clock.now();
    match event {
        Event::Connect(token) => connection.accept(now, token).map_err(misuse),
        Event::Hello(token) => connection.accept(now, token).map_err(misuse),
        Event::Mail(token) => connection.accept(now, token).map_err(misuse),
        Event::Rcpt(token) => connection.accept(now, token).map_err(misuse),
        Event::Data(token) => connection.accept(now, token).map_err(misuse),
        // A server that is not an example stores the message before it accepts it.
        Event::Message(token) => connection.accept(now, token).map_err(misuse),
        Event::Body(piece) => {
            print!("{}", String::from_utf8_lossy(&piece));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn misuse<T>(refused: Refused<T>) -> Misuse {
    refused.misuse
}
