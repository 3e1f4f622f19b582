//! Numbers in decimal digits.

use alloc::vec::Vec;

/// Appends a number.
pub(crate) fn write(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        // The remainder is below ten.
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::write;
    use alloc::vec::Vec;

    #[test]
    fn writes_every_length() {
        for (number, text) in
            [(0, "0"), (7, "7"), (10, "10"), (26_214_400, "26214400"), (u64::MAX, "18446744073709551615")]
        {
            let mut out = Vec::new();
            write(&mut out, number);
            assert_eq!(out, text.as_bytes());
        }
    }
}
