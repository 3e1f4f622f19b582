//! A client that is a function of the user's test.

use core::fmt;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io;
use std::net::TcpStream;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;

use super::certificates::Certificates;
use super::link::{Line, Link, Sight, TlsEnd};
use super::reception::{Connects, Reception, can_do, lacks_of_client, saw_success};
use super::{Target, Unavailable, Variables, Wire};
use crate::job::Job;
use crate::profile::Profile;
use crate::transcript::{Act, Expectation, Need, Side};

/// A client that is a function: it is called for every case, on a thread of its own, and sends what the [`Job`] says.
///
/// `Ok` says that the server has taken the mail for all its recipients. A panic counts as an error.
pub struct FunctionTarget {
    name: String,
    send: Arc<SendMails>,
    profile: Profile,
    certificates: Certificates,
    connects: Connects,
}

type SendMails = dyn Fn(&Job) -> Result<(), String> + Send + Sync;

impl FunctionTarget {
    /// The client that this function is.
    ///
    /// # Errors
    ///
    /// When the domain of the profile is none that a certificate can be for.
    pub fn new(
        profile: Profile,
        send: impl Fn(&Job) -> Result<(), String> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let name = profile.name().unwrap_or("client").to_owned();
        let certificates = Certificates::new(&profile.variables().domain)?;
        let profile = profile.for_client();
        Ok(Self { name, send: Arc::new(send), profile, certificates, connects: Connects::default() })
    }

    /// Sets it to work, and waits until it connects or ends.
    fn begin(&self, reception: &Reception, job: Job) -> io::Result<(Option<TcpStream>, Sending)> {
        let patience = self.profile.patience();
        let (tell, result) = sync_channel(1);
        let mut sight = Sending { result, told: None, job: job.clone(), patience, _reception: None };
        let send = Arc::clone(&self.send);
        thread::spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| send(&job)));
            // Whoever waited may have gone.
            let _ = tell.send(result.unwrap_or_else(|_| Err("it panicked".into())));
        });
        let connected = reception.accept(patience, || sight.result(Duration::ZERO).is_some())?;
        Ok((connected, sight))
    }

    /// Whether it connects to send a mail that nobody has a reason to refuse.
    fn connects(&self) -> bool {
        let begun = Reception::open().and_then(|reception| {
            let job = Job::plain(self.variables(), reception.address, &self.certificates.pem);
            self.begin(&reception, job)
        });
        begun.is_ok_and(|(connected, _)| connected.is_some())
    }
}

impl Target for FunctionTarget {
    fn name(&self) -> &str {
        &self.name
    }

    fn variables(&self) -> &Variables {
        self.profile.variables()
    }

    fn offers(&self, role: Side, need: &Need) -> Result<(), String> {
        lacks_of_client(&self.profile, role, need)
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a client".into()))
    }

    fn launch(&self, acts: &[Act], attachments: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        let unreachable = |error: io::Error| Unavailable::Unreachable(error.to_string());
        let patience = self.profile.patience();
        let reception = Reception::open().map_err(unreachable)?;
        let job = Job::read(acts, attachments, reception.address, &self.certificates.pem)?;
        can_do(&self.profile, &job)?;
        let (connected, mut sight) = self.begin(&reception, job).map_err(unreachable)?;
        let Some(stream) = connected else {
            let words = match sight.result(Duration::ZERO) {
                Some(Err(error)) => error,
                _ => "it says that all went well".into(),
            };
            return Err(self.connects.judge(&words, || self.connects()));
        };
        let link = Link::over_tcp(stream, TlsEnd::Server(self.certificates.server()), patience).map_err(unreachable)?;
        sight._reception = Some(reception);
        Ok(Box::new(Line { link, sight }))
    }
}

/// A client at work. When the link is gone, so is its connection, and it comes to its end by itself.
struct Sending {
    result: Receiver<Result<(), String>>,
    told: Option<Result<(), String>>,
    job: Job,
    patience: Duration,
    /// It may connect once more, and is not refused.
    _reception: Option<Reception>,
}

impl Sending {
    fn result(&mut self, within: Duration) -> Option<Result<(), String>> {
        if self.told.is_none() {
            self.told = match self.result.recv_timeout(within) {
                Ok(result) => Some(result),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err("it is gone".into())),
            };
        }
        self.told.clone()
    }
}

impl Sight for Sending {
    fn saw(&mut self, expectation: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        let Some(result) = self.result(self.patience) else {
            return Some(Err(format!("the client has not ended after {:?}", self.patience)));
        };
        saw_success(expectation, self.job.only_recipient(), result)
    }
}

impl fmt::Debug for FunctionTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTarget").field("name", &self.name).finish_non_exhaustive()
    }
}
