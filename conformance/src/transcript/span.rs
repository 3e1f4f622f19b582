//! Spans of time: `300ms`, `30s`, `5m`, `2h`.

use super::Span;

/// Reads a span. Longer than nothing, and not longer than a year.
pub(crate) fn parse(text: &str) -> Option<Span> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == &text[digits..])?;
    let milliseconds = number.checked_mul(*unit)?;
    (1..=YEAR).contains(&milliseconds).then(|| Span::from_millis(milliseconds))
}

/// In the largest unit that leaves no rest.
pub(super) fn format(span: Span) -> String {
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let (name, unit) = UNITS.iter().find(|(_, unit)| milliseconds % unit == 0).unwrap_or(&UNITS[UNITS.len() - 1]);
    format!("{}{name}", milliseconds / unit)
}

/// In milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const YEAR: u64 = 365 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{format, parse};

    #[test]
    fn spans() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("2h", 7200)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)));
            assert_eq!(format(Duration::from_secs(seconds)), text);
        }
        assert_eq!(parse("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(format(Duration::from_millis(1500)), "1500ms");
        assert_eq!(format(Duration::from_millis(60_000)), "1m");
    }

    #[test]
    fn no_spans() {
        for text in
            ["", "5", "m", "0s", "-1s", "1.5s", "5 m", "5min", "8761h", "99999999999999999999s", "9999999999999999h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
