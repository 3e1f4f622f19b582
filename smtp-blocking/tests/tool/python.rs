//! Messages as Python's own `email` package reads them, which shares no code with what makes them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use smtp_peers::{find, require};

/// Whether Python is there; says so if not.
pub(crate) fn is_there() -> bool {
    require("python3", find("python3").ok_or("not installed")).is_some()
}

/// A message that was read.
pub(crate) struct Parsed {
    /// The header and the tree of parts, as `parse_message.py` prints them.
    pub(crate) json: Value,
    parts: Vec<Vec<u8>>,
}

impl Parsed {
    /// Reads a message. Nothing in it may be wrong.
    #[track_caller]
    pub(crate) fn read(message: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [file, parts] = ["message", "parts"].map(|name| folder.path().join(name));
        fs::write(&file, message).expect("written");
        fs::create_dir(&parts).expect("a new folder");
        let output = run("parse_message.py", &[&file, &parts]);
        let json: Value = serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"));
        assert_eq!(json["defects"], Value::Array(Vec::new()), "{json:#}");
        let count = fs::read_dir(&parts).expect("a folder").count();
        let read = |number: usize| fs::read(parts.join(number.to_string())).expect("numbered from 0");
        Self { json, parts: (0..count).map(read).collect() }
    }

    /// The types of the parts, with what holds other parts written around them.
    pub(crate) fn shape(&self) -> String {
        shape(&self.json["body"])
    }

    /// The parts that hold no others, in their order.
    pub(crate) fn leaves(&self) -> Vec<&Value> {
        let mut leaves = Vec::new();
        gather(&self.json["body"], &mut leaves);
        leaves
    }

    /// What such a part holds.
    pub(crate) fn octets(&self, leaf: &Value) -> &[u8] {
        let number = leaf["octets"].as_u64().expect("a number");
        &self.parts[usize::try_from(number).expect("a small number")]
    }
}

/// Draws a picture of this colour.
pub(crate) fn draw(path: &Path, colour: [u8; 3]) {
    let [red, green, blue] = colour.map(|part| part.to_string());
    run("draw_png.py", &[path, red.as_ref(), green.as_ref(), blue.as_ref()]);
}

fn run(script: &str, arguments: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tool").join(script);
    let output = Command::new("python3").arg(script).args(arguments).output().expect("it is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn shape(part: &Value) -> String {
    let name = part["type"].as_str().expect("a type");
    let Some(parts) = part["parts"].as_array() else { return name.into() };
    let (_, name) = name.split_once('/').expect("a type and a subtype");
    let is_said = name != "related" || part["related_to"] == "text/html";
    assert!(is_said, "a multipart/related that does not say what it is (RFC 2387 section 3.1)");
    format!("{name}({})", parts.iter().map(shape).collect::<Vec<_>>().join(" "))
}

fn gather<'a>(part: &'a Value, leaves: &mut Vec<&'a Value>) {
    match part["parts"].as_array() {
        Some(parts) => parts.iter().for_each(|part| gather(part, leaves)),
        None => leaves.push(part),
    }
}
