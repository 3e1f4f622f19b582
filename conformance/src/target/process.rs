//! Commands of the user, and all the processes that they start.

use core::time::Duration;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::link::Until;

/// A command that runs in a process group of its own. Dropping it kills the group.
pub(super) struct Process {
    leader: Child,
    status: Option<ExitStatus>,
    /// What it says for people to read.
    words: File,
}

/// What is shown of that.
const LAST_WORDS: u64 = 2000;

/// How often to look whether a process has ended.
const GLANCE: Duration = Duration::from_millis(2);

impl Process {
    /// Runs this text as `sh -c` does. `set_up` says what it is given besides; what it writes on standard error, and on
    /// standard output if that leads nowhere else, is kept for [`last_words`](Self::last_words).
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(super) fn start(text: &str, set_up: impl FnOnce(&mut Command, Stdio)) -> io::Result<Self> {
        let words = tempfile::tempfile()?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(text).process_group(0);
        command.stdin(Stdio::null()).stderr(words.try_clone()?);
        set_up(&mut command, words.try_clone()?.into());
        let leader = command.spawn()?;
        Ok(Self { leader, status: None, words })
    }

    /// How it ended, if it has. What it has left behind is killed then.
    pub(super) fn status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            let has_ended = waitid(WaitId::Pid(self.id()), options).is_ok_and(|status| status.is_some());
            if has_ended {
                self.end();
            }
        }
        self.status
    }

    /// Kills the group, and lets its leader go. As long as it is not let go, no other group has its number.
    fn end(&mut self) {
        if self.status.is_none() {
            // There may be nobody left in it.
            let _ = kill_process_group(self.id(), Signal::KILL);
            // What was killed does not keep anybody waiting.
            self.status = self.leader.wait().ok();
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// Waits for its end, for at most this long.
    pub(super) fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Until::after(within);
        loop {
            let status = self.status();
            if status.is_some() || until.is_over() {
                return status;
            }
            sleep(GLANCE);
        }
    }

    /// How it ended and what it said last, for people to read.
    pub(super) fn last_words(&mut self) -> String {
        let status = self.status().map_or_else(|| "still running".into(), |status| status.to_string());
        let length = self.words.metadata().map_or(0, |file| file.len());
        let begin = length.saturating_sub(LAST_WORDS);
        let mut words = vec![0; usize::try_from(length - begin).unwrap_or(0)];
        // The place where the process writes is its own.
        let read = self.words.read_exact_at(&mut words, begin);
        let words = String::from_utf8_lossy(&words);
        match words.trim() {
            said if read.is_ok() && !said.is_empty() => format!("{status}: {said}"),
            _ => status,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
