//! The date and time, as a message writes them.

use jiff::ZonedDateTime;

/// Now, in the time zone of this machine (RFC 5322 §3.3), as in `Thu, 21 May 1998 05:33:29 -0700`.
pub(crate) fn now() -> String {
    jiff::fmt::rfc2822::to_string(&ZonedDateTime::now()).expect("the clock tells a year of four digits")
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_back() {
        let before = jiff::Timestamp::now().as_second();
        let read = jiff::fmt::rfc2822::parse(&super::now()).expect("a date").timestamp().as_second();
        assert!((before..=before + 60).contains(&read), "{before} {read}");
    }

    /// R-4.4-10, R-4.4-34, R-F.5-01: a year of four digits and a numeric zone, nothing obsolete. R-4.4-11: it is local time.
    #[test]
    fn is_in_the_form_of_today() {
        let now = super::now();
        let [day, number, month, year, time, zone] = now.split(' ').collect::<Vec<_>>()[..] else { panic!("{now}") };
        let has_digits = |text: &str, digits| text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
        assert!(["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"].contains(&day), "{now}");
        assert!(has_digits(number, 1) || has_digits(number, 2), "{now}");
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        assert!(months.contains(&month) && has_digits(year, 4), "{now}");
        assert!(time.len() == 8 && time.split(':').all(|part| has_digits(part, 2)), "{now}");
        assert!(zone.starts_with(['+', '-']) && has_digits(&zone[1..], 4), "{now}");
        let written = jiff::fmt::rfc2822::parse(&now).expect("a date");
        let local = jiff::tz::TimeZone::system().to_offset(written.timestamp());
        assert_eq!(written.offset(), local, "{now}");
    }
}
