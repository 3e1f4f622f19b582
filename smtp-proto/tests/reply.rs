//! The reply reader against a plain reference, and round trips.

use bytes::Bytes;
use proptest::prelude::*;
use smtp_proto::reply::{
    Detail, EhloError, EhloResponse, EnhancedCode, Reply, ReplyCode, ReplyError, ReplyLimits, ReplyReader,
};

/// What comes of a stream: replies, then an error or nothing, and whether a reply has begun.
type Reading = (Vec<(u16, String, Vec<u8>)>, Result<bool, ReplyError>);

fn limits(line: usize, octets: usize, lines: usize) -> ReplyLimits {
    let mut limits = ReplyLimits::default();
    (limits.line, limits.octets, limits.lines) = (line, octets, lines);
    limits
}

fn read(input: &Bytes, cuts: &[usize], limits: &ReplyLimits) -> Reading {
    let mut reader = ReplyReader::new();
    let mut replies = Vec::new();
    let mut from = 0;
    for &to in cuts.iter().chain(&[input.len()]) {
        let mut chunk = input.slice(from..to);
        from = to;
        loop {
            match reader.next(&mut chunk, limits) {
                Ok(Some(reply)) => replies.push(plain(&reply)),
                Ok(None) => break,
                Err(error) => return (replies, Err(error)),
            }
        }
        assert!(chunk.is_empty());
    }
    (replies, Ok(reader.is_inside()))
}

fn plain(reply: &Reply) -> (u16, String, Vec<u8>) {
    let enhanced = reply.enhanced().map_or_else(String::new, |enhanced| enhanced.to_string());
    (reply.code().value(), enhanced, reply.lines().collect::<Vec<_>>().join(&b'\n'))
}

/// The same, said plainly.
fn reference(mut input: &[u8], limits: &ReplyLimits) -> Reading {
    let mut replies = Vec::new();
    let mut reply: Vec<(u16, &[u8])> = Vec::new();
    let mut octets = 0;
    loop {
        let end = input.iter().position(|&octet| octet == b'\n').map(|at| at + 1);
        if end.unwrap_or(input.len()) > limits.line.min(limits.octets - octets) {
            return (replies, Err(ReplyError::TooLong));
        }
        let Some(end) = end else { return (replies, Ok(!reply.is_empty() || !input.is_empty())) };
        octets += end;
        let (line, rest) = input.split_at(end);
        input = rest;
        let line = match line.strip_suffix(b"\r\n") {
            Some(line) if !line.contains(&b'\r') && !line.contains(&0) => line,
            _ => return (replies, Err(ReplyError::StrayOctet)),
        };
        if reply.len() == limits.lines {
            return (replies, Err(ReplyError::TooLong));
        }
        let code = match line {
            [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
                [a, b, c].iter().fold(0, |code, digit| 10 * code + u16::from(**digit - b'0'))
            }
            _ => return (replies, Err(ReplyError::Code)),
        };
        let (is_last, text) = match line[3..] {
            [] => (true, &line[3..]),
            [b' ', ..] => (true, &line[4..]),
            [b'-', ..] => (false, &line[4..]),
            _ => return (replies, Err(ReplyError::Separator)),
        };
        if reply.first().is_some_and(|(first, _)| *first != code) {
            return (replies, Err(ReplyError::CodesDiffer));
        }
        reply.push((code, text));
        if is_last {
            let enhanced = enhanced(code, reply[0].1);
            let lines: Vec<&[u8]> = reply.iter().map(|(_, text)| behind(&enhanced, text)).collect();
            replies.push((code, enhanced, lines.join(&b'\n')));
            reply.clear();
            octets = 0;
        }
    }
}

/// The enhanced code that a text begins with, or nothing.
fn enhanced(code: u16, text: &[u8]) -> String {
    let word = String::from_utf8_lossy(text.split(|&octet| octet == b' ').next().unwrap_or_default());
    let numbers: Vec<&str> = word.split('.').collect();
    let is_number = |text: &str| {
        (1..=3).contains(&text.len())
            && text.bytes().all(|octet| octet.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let fits = numbers.len() == 3
        && numbers.iter().all(|number| is_number(number))
        && code / 100 != 3
        && numbers[0] == (code / 100).to_string();
    if fits { word.into_owned() } else { String::new() }
}

fn behind<'a>(enhanced: &str, text: &'a [u8]) -> &'a [u8] {
    match text.strip_prefix(enhanced.as_bytes()) {
        Some(rest) if !enhanced.is_empty() => match rest {
            [] => rest,
            [b' ', rest @ ..] => rest,
            _ => text,
        },
        _ => text,
    }
}

/// REPLY-12, REPLY-09, R-4.2-09: every sequence of up to five of these pieces, whole, octet by octet and in every two-way split.
#[test]
fn reader_agrees_with_the_reference_on_all_short_streams() {
    const PIECES: [&[u8]; 10] = [b"250-", b"250 ", b"250", b"251 ", b"2", b"\r\n", b"\r", b"\n", b"2.1.0 ", b"\0"];
    let limits = limits(12, 22, 2);
    let mut cases = 0_u64;
    for length in 0..=5_u32 {
        for number in 0..PIECES.len().pow(length) {
            let mut input = Vec::new();
            let mut rest = number;
            for _ in 0..length {
                input.extend_from_slice(PIECES[rest % PIECES.len()]);
                rest /= PIECES.len();
            }
            let input = Bytes::from(input);
            let expected = reference(&input, &limits);
            let each: Vec<usize> = (1..input.len()).collect();
            assert_eq!(read(&input, &[], &limits), expected, "{input:?}");
            assert_eq!(read(&input, &each, &limits), expected, "{input:?} octet by octet");
            for &cut in &each {
                assert_eq!(read(&input, &[cut], &limits), expected, "{input:?} cut at {cut}");
            }
            cases += 2 + each.len() as u64;
        }
    }
    println!("reply reader: {cases} cases");
    assert!(cases > 1_000_000);
}

/// What a stream of replies is made of, more or less.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[2-5][0-9]{2}[ -](2\\.[0-9]\\.[0-9]{1,2} )?[ -~\t]{0,20}\r\n".prop_map(String::into_bytes),
        2 => Just(b"250-again\r\n".to_vec()),
        2 => Just(b"250 2.1.5 ok\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn code() -> impl Strategy<Value = ReplyCode> {
    (200..600_u16).prop_filter_map("a code", ReplyCode::new)
}

fn detail() -> impl Strategy<Value = Option<Detail>> {
    prop::option::of(
        (0..1000_u16, 0..1000_u16).prop_filter_map("a detail", |(subject, detail)| Detail::new(subject, detail)),
    )
}

proptest! {
    /// REPLY-08, REPLY-09, REPLY-12: longer streams, any limits, any cuts.
    #[test]
    fn reader_agrees_with_the_reference(
        input in stream(),
        line in 1..60_usize,
        octets in 1..200_usize,
        lines in 1..6_usize,
        cuts in prop::collection::vec(0..200_usize, 0..8),
    ) {
        let input = Bytes::from(input);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.sort_unstable();
        for limits in [ReplyLimits::default(), limits(line, octets, lines)] {
            prop_assert_eq!(read(&input, &cuts, &limits), reference(&input, &limits));
        }
    }

    /// Whatever `parse` calls a beginning can be completed, and a beginning of what it accepts is called one.
    #[test]
    fn incomplete_means_a_beginning(input in stream(), cut in any::<prop::sample::Index>()) {
        if let Ok((_, taken)) = Reply::parse(&input) {
            let cut = cut.index(taken);
            prop_assert_eq!(Reply::parse(&input[..cut]), Err(ReplyError::Incomplete));
        } else if Reply::parse(&input) == Err(ReplyError::Incomplete) {
            let code = input.get(..3).unwrap_or(b"200");
            let endings = [&b""[..], b"00", b"0", code, &code[1..], &code[2..]].into_iter().flat_map(|digits| {
                [&b"\n"[..], b"\r\n"].into_iter().flat_map(move |end| {
                    [[digits, end].concat(), [digits, end, code, b"\r\n"].concat()]
                })
            });
            let can_end = endings.into_iter().any(|ending| Reply::parse(&[&input[..], &ending].concat()).is_ok());
            prop_assert!(can_end, "{}", input.escape_ascii());
        }
    }

    /// parse ∘ encode = identity, for texts that begin with no enhanced code of their own and fit their lines.
    #[test]
    fn encoded_replies_are_parsed_again(
        code in code(),
        detail in detail(),
        lines in prop::collection::vec("[ -~\t]{0,80}", 1..6),
        behind in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let reply = Reply::new(code, detail, lines.join("\n"));
        prop_assume!(reply.detail().is_some() || enhanced(code.value(), lines[0].as_bytes()).is_empty());
        let mut octets = Vec::new();
        reply.encode(&mut octets);
        let length = octets.len();
        octets.extend_from_slice(&behind);
        let (parsed, taken) = Reply::parse(&octets).expect("a reply");
        prop_assert_eq!((&parsed, taken), (&reply, length));
        prop_assert_eq!(parsed.to_string(), reply.to_string());
    }

    /// encode ∘ parse = identity, for what is encoded.
    #[test]
    fn parsed_replies_are_encoded_the_same(code in code(), detail in detail(), text in "[ -~\t\n]{0,600}") {
        let mut octets = Vec::new();
        Reply::new(code, detail, text).encode(&mut octets);
        let (parsed, _) = Reply::parse(&octets).expect("a reply");
        let mut again = Vec::new();
        parsed.encode(&mut again);
        prop_assert_eq!(again, octets);
    }

    /// Rule 19, rule 20 (ADDR-21, R-4.2-08, R-4.5.3.1.5-01): whatever the text, the octets are one reply of that code, every line has
    /// at most 512 octets, and nothing but HT and printable ASCII stands before its CR LF.
    #[test]
    fn any_text_makes_one_reply(
        code in code(),
        detail in detail(),
        text in prop_oneof![any::<String>(), "[ -~\r\n]{0,2000}", "(250[ -]|\r\n|\n|\u{0}|\u{e9}){0,40}"],
    ) {
        let reply = Reply::new(code, detail, text);
        let mut octets = b"before".to_vec();
        reply.encode(&mut octets);
        let octets = octets.strip_prefix(b"before").expect("appended");
        let lines: Vec<&[u8]> = octets.split_inclusive(|&octet| octet == b'\n').collect();
        for (number, line) in lines.iter().enumerate() {
            prop_assert!(line.len() <= 512);
            let content = line.strip_suffix(b"\r\n").expect("CR LF");
            prop_assert!(content.iter().all(|&octet| octet == b'\t' || (b' '..=b'~').contains(&octet)));
            prop_assert!(content.starts_with(code.to_string().as_bytes()));
            prop_assert_eq!(content[3], if number + 1 == lines.len() { b' ' } else { b'-' });
            if let Some(enhanced) = reply.enhanced() {
                let expected = format!("{enhanced} ");
                prop_assert!(content[4..].starts_with(expected.as_bytes()));
            }
        }
    }

    /// A reply that was read holds octets that no server may send on; encoding it replaces them.
    #[test]
    fn what_was_read_is_encoded_clean(input in stream()) {
        if let Ok((reply, _)) = Reply::parse(&input) {
            let mut octets = Vec::new();
            reply.encode(&mut octets);
            prop_assert!(octets.iter().all(|&octet| matches!(octet, b'\t' | b'\r' | b'\n' | b' '..=b'~')));
            prop_assert_eq!(Reply::parse(&octets).map(|(parsed, taken)| (parsed.code(), taken)), Ok((reply.code(), octets.len())));
        }
    }

    /// X-2034-4-01: parse ∘ display = identity.
    #[test]
    fn enhanced_codes_are_parsed_again(code in code(), detail in detail()) {
        if let Some(enhanced) = detail.and_then(|detail| EnhancedCode::new(code, detail)) {
            prop_assert_eq!(EnhancedCode::parse(enhanced.to_string().as_bytes()), Some(enhanced));
        }
    }

    /// Nothing that a server may answer to EHLO panics, and what keeps to the grammar is found in it.
    #[test]
    fn ehlo_answers_are_parsed_again(
        keywords in prop::collection::vec(("[A-Za-z0-9][A-Za-z0-9-]{0,10}", prop::collection::vec("[!-~]{1,10}", 0..4)), 0..8),
        greeting in "[ -~]{0,40}",
    ) {
        let mut response = EhloResponse::new("mx.example", &greeting);
        for (keyword, arguments) in &keywords {
            response = response.with([&[keyword.clone()][..], arguments].concat().join(" "));
        }
        let mut octets = Vec::new();
        response.to_reply().encode(&mut octets);
        let (parsed, taken) = EhloResponse::parse(&octets).expect("an answer");
        prop_assert_eq!((&parsed, taken), (&response, octets.len()));
        let found: Vec<(String, Vec<String>)> = parsed
            .keywords()
            .map(|(keyword, arguments)| (keyword.to_owned(), arguments.map(str::to_owned).collect()))
            .collect();
        prop_assert_eq!(found, keywords);
        for cut in 0..octets.len() {
            prop_assert_eq!(EhloResponse::parse(&octets[..cut]), Err(EhloError::Reply(ReplyError::Incomplete)));
        }
    }

    /// REPLY-07: odd answers to EHLO.
    #[test]
    fn odd_ehlo_answers_do_no_harm(input in stream()) {
        let _ = EhloResponse::parse(&input);
        if let Ok((reply, _)) = Reply::parse(&input) {
            let response = EhloResponse::from_reply(&reply);
            let lines = reply.lines().count();
            prop_assert!(response.keywords().count() < lines);
            prop_assert!(!response.domain().contains(' '));
            let _ = (response.greeting(), response.size());
        }
    }
}
