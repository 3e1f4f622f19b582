//! The transcripts of this suite: each can be read, and nothing is odd about it.

use std::fs;
use std::path::Path;

use smtp_conformance::corpus::Corpus;
use smtp_conformance::transcript::{Transcript, lint};

#[test]
fn each_transcript_can_be_read_and_nothing_is_odd_about_it() {
    let remarks: Vec<_> = lint::corpus(Corpus::embedded()).iter().map(ToString::to_string).collect();
    assert!(remarks.is_empty(), "{}", remarks.join("\n"));
}

#[test]
fn each_transcript_has_the_canonical_form() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let corpus = Corpus::embedded();
    let ids = corpus.transcripts().iter().map(|transcript| &transcript.id);
    let on_disk = Corpus::read(&folder).expect("the folder of the transcripts");
    assert!(ids.eq(on_disk.transcripts().iter().map(|transcript| &transcript.id)), "not everything is embedded");
    let other: Vec<_> = corpus.transcripts().iter().filter_map(|transcript| difference(&folder, transcript)).collect();
    assert!(other.is_empty(), "not in canonical form:\n{}", other.join("\n"));
}

/// The first line that is not as it should be.
fn difference(folder: &Path, transcript: &Transcript) -> Option<String> {
    let text = fs::read_to_string(folder.join(format!("{}.smtpt", transcript.id))).expect("a text");
    let canonical = transcript.to_string();
    let same = text.split('\n').zip(canonical.split('\n')).take_while(|(is, should)| is == should).count();
    let line = |text: &str| text.split('\n').nth(same).map_or("the end".into(), |line| format!("{line:?}"));
    let (is, should) = (line(&text), line(&canonical));
    (text != canonical).then(|| format!("{}:{}: {is} should be {should}", transcript.id, same + 1))
}
