//! The ways of cutting.

use core::time::Duration;
use std::io;

use smtp_conformance::play::{Options, play};
use smtp_conformance::target::{Heard, Target, Unavailable, Variables, Wire};
use smtp_conformance::transcript::{Act, Expectation, Need, Side, Transcript};
use smtp_conformance::verdict::{Report, Verdict};

use crate::kit::found;

/// Says how many writes a line came in, behind 250; or 500 if they are more than it bears.
struct Counting {
    most: usize,
    has_virtual_time: bool,
    variables: Variables,
}

impl Target for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn variables(&self) -> &Variables {
        &self.variables
    }

    fn offers(&self, _: Side, _: &Need) -> Result<(), String> {
        Ok(())
    }

    fn has_virtual_time(&self) -> bool {
        self.has_virtual_time
    }

    fn connect(&self, _: &[Act]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Ok(Box::new(CountingWire { most: self.most, writes: 0, says: b"220 x\r\n".to_vec() }))
    }

    fn launch(&self, _: &[Act], _: &[(String, Vec<u8>)]) -> Result<Box<dyn Wire + '_>, Unavailable> {
        Err(Unavailable::Unsupported("it is a server".into()))
    }
}

struct CountingWire {
    most: usize,
    writes: usize,
    says: Vec<u8>,
}

impl Wire for CountingWire {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.writes += 1;
        if octets.ends_with(b"\n") {
            let code = if self.writes > self.most { 500 } else { 250 };
            self.says.extend_from_slice(format!("{code} {} writes\r\n", self.writes).as_bytes());
            self.writes = 0;
        }
        Ok(())
    }

    fn hear(&mut self, _: Duration) -> io::Result<Heard> {
        let says = core::mem::take(&mut self.says);
        Ok(if says.is_empty() { Heard::Quiet } else { Heard::Octets(says) })
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn start_tls(&mut self, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn pass(&mut self, _: Duration) {}

    fn saw(&mut self, _: &Expectation, _: &[(String, Vec<u8>)]) -> Option<Result<(), String>> {
        None
    }
}

fn played(chunking: &str, most: usize, has_virtual_time: bool) -> Report {
    let text = format!("smtpt: 1\ntitle: t\nrole: server\n{chunking}\nR: A MUST take it\nS: 220\nC: NOOP\nS: 250\n");
    let transcript = Transcript::parse("test", &text).unwrap_or_else(|error| panic!("{error}"));
    let counting = Counting { most, has_virtual_time, variables: Variables::new("mx.example", "a@b.example") };
    play(&transcript, Side::Server, &counting, &Options::default())
}

#[test]
fn each_way_is_played() {
    assert_eq!(found(&played("", 1, false), 3), [""; 0], "whole, if nothing is said");
    assert_eq!(found(&played("chunking: bytes\n", 6, false), 4), [""; 0]);
    assert_eq!(found(&played("chunking: bytes\n", 5, false), 4), ["FAIL A 5: 250 but 500 6 writes"]);
    assert_eq!(found(&played("chunking: lf-split\n", 1, false), 4), ["FAIL A 5: 250 but 500 2 writes"]);
}

#[test]
fn the_report_is_about_the_way_that_failed() {
    let report = played("chunking: whole bytes lf-split\n", 2, false);
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(found(&report, 4), ["FAIL A 5: 250 but 500 6 writes"]);
    assert!(report.dialogue.contains(&"S: 500 6 writes".to_owned()), "{:?}", report.dialogue);
    let ways: Vec<_> = report.findings.iter().map(|finding| (finding.verdict, finding.chunking.as_str())).collect();
    assert_eq!(ways, [(Verdict::Pass, "whole"), (Verdict::Fail, "bytes")]);
}

#[test]
fn where_time_costs_nothing_every_way_is_played() {
    assert_eq!(found(&played("", 1, true), 3), ["FAIL A 5: 250 but 500 6 writes"]);
    assert_eq!(found(&played("chunking: random(3)\n", 6, true), 4), [""; 0]);
}
