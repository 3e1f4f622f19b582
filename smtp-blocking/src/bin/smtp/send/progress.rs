//! A progress bar for large messages.

use std::io::{self, IsTerminal as _, Read};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Octets from which on a message is large.
const LARGE: u64 = 1 << 20;

/// A reader whose progress is shown on standard error if that is a terminal, the message is large, and the dialogue is
/// not shown there.
pub(crate) fn shown<R: Read>(reader: R, octets: u64, is_traced: bool) -> impl Read {
    let is_shown = octets >= LARGE && io::stderr().is_terminal() && !is_traced;
    let bar = if is_shown { ProgressBar::new(octets) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = bar.with_finish(ProgressFinish::AndClear);
    bar.set_style(style.expect("the template names nothing that there is not"));
    bar.wrap_read(reader)
}
