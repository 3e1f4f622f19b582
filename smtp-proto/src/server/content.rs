//! What the server does with mail data, and with the chunks of a refused BDAT.

use core::mem;
use core::time::Duration;

use bytes::Buf;

use super::connection::Connection;
use super::event::{Abort, Event};
use super::replies;
use super::session::{Excess, MailData, Phase};
use super::token::Message;
use crate::body::{Decoded, LineEndings};
use crate::command::{Command, CommandError, Verb};
use crate::reply::Reply;
use crate::{CloseReason, Decision};

impl Connection {
    /// Takes some of the mail data. False: there is none yet.
    pub(super) fn next_content(&mut self) -> bool {
        let limit = self.config.limits.message_size.get();
        let Phase::Data(data) = &mut self.session.phase else { return false };
        if data.excess == Excess::Untold {
            data.excess = Excess::Told;
            let octets = data.decoder.octets();
            self.tell(Event::Aborted(Abort::TooBig));
            self.judge_flood(octets);
            return true;
        }
        let before = self.session.chunk.len();
        let decoded = data.decoder.next(&mut self.session.chunk);
        let octets = data.decoder.octets();
        let excess = data.excess;
        if excess == Excess::None && octets > limit {
            data.excess = Excess::Untold;
        }
        self.progress(before - self.session.chunk.len());
        match decoded {
            Decoded::Content(_) if excess == Excess::Told => self.judge_flood(octets),
            Decoded::Content(mut piece) => {
                let excess = usize::try_from(octets.saturating_sub(limit)).unwrap_or(usize::MAX);
                piece.truncate(piece.len().saturating_sub(excess));
                if !piece.is_empty() {
                    self.tell(Event::Body(piece));
                }
            }
            Decoded::End => self.end_of_data(),
            Decoded::NeedInput => {
                if self.flags.eof {
                    self.abort(Abort::ConnectionLost);
                    self.close(CloseReason::PeerClosed);
                }
                return false;
            }
        }
        true
    }

    /// Ends the connection when so many octets are more than are read for the sake of a good end.
    fn judge_flood(&mut self, octets: u64) {
        let limit = self.config.limits.message_size.get();
        if octets > limit.saturating_add(limit.saturating_add(limit / 2)) {
            self.say(&replies::TOO_BIG);
            self.close(CloseReason::Flood);
        }
    }

    /// The final dot has come.
    fn end_of_data(&mut self) {
        let Phase::Data(MailData { decoder, excess }) = mem::replace(&mut self.session.phase, Phase::Command) else {
            return;
        };
        let strict = self.config.line_endings == LineEndings::Strict;
        self.timers.await_command(self.now + self.config.timeouts.idle);
        if excess != Excess::None {
            self.begin_anew();
            self.say(&replies::TOO_BIG);
            return self.tell_answer(None, replies::TOO_BIG.code());
        }
        match decoder.stray() {
            Some(_) if strict => {
                self.begin_anew();
                self.say(&replies::STRAY_IN_DATA);
                self.tell(Event::Aborted(Abort::StrayOctet));
            }
            stray => {
                let id = self.ask(Decision::Message, false);
                self.tell(Event::Message(Message { id, octets: decoder.octets(), stray }));
            }
        }
    }

    /// Answers BDAT, and makes sure that its octets are not taken for commands (RFC 3030 §2).
    pub(super) fn refuse_chunk(&mut self, parsed: Result<Command<'_>, CommandError>, reply: &Reply) {
        let Ok(Command::Bdat { size, .. }) = parsed else {
            // The octets that follow cannot be told from commands.
            self.answered(Some(Verb::Bdat), &replies::BAD_PARAMETER);
            return self.close(CloseReason::Protocol);
        };
        self.error(Some(Verb::Bdat), reply);
        let limit = self.config.limits.message_size.get();
        if self.closing.is_none() {
            if size > limit.saturating_add(limit / 2) {
                self.close(CloseReason::Flood);
            } else if size > 0 {
                self.session.phase = Phase::Skip(size);
                self.timers.await_command(self.now + self.config.timeouts.data);
            }
        }
    }

    /// Throws octets of a refused chunk away. False: there are none yet.
    pub(super) fn skip_chunk(&mut self) -> bool {
        let Phase::Skip(left) = &mut self.session.phase else { return false };
        if self.session.chunk.is_empty() {
            if self.flags.eof {
                self.close(CloseReason::PeerClosed);
            }
            return false;
        }
        let count = self.session.chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        self.session.chunk.advance(count);
        *left -= count as u64;
        if *left == 0 {
            self.session.phase = Phase::Command;
            self.timers.await_command(self.now + self.config.timeouts.idle);
        } else {
            self.progress(count);
        }
        true
    }

    /// Mail data came: they buy time, up to the whole budget.
    fn progress(&mut self, octets: usize) {
        let timeouts = &self.config.timeouts;
        let most = self.now + timeouts.data;
        let rate = u64::from(timeouts.data_rate.get());
        let bought = Duration::from_nanos((octets as u64).saturating_mul(1_000_000_000) / rate);
        let due = self.timers.command_due().map_or(most, |due| (due + bought).min(most));
        self.timers.await_command(due);
    }
}
