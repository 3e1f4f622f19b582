//! The files of mutants.

use core::fmt;
use core::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::Mutant;
use super::rule::{Close, Condition, LineActions, ReplyActions, Rule, Trigger};
use super::template::Template;
use crate::transcript::Side;

/// What is wrong in a file of mutants, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    file: String,
    line: Option<usize>,
    message: String,
}

impl FileError {
    /// The file cannot be read.
    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        Self { file: file.to_owned(), line: None, message: error.to_string() }
    }

    /// Two mutants have the same name.
    pub(super) fn twice(file: &str, name: &str, other: &str) -> Self {
        Self { file: file.to_owned(), line: None, message: format!("`{name}` is there already, in {other}") }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl core::error::Error for FileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mutant: Vec<Spanned<MutantTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MutantTable {
    name: String,
    role: RoleWord,
    requirement: Vec<String>,
    what: String,
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleWord {
    Server,
    Client,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    // Triggers.
    command: Option<String>,
    says: Option<String>,
    hears_for: Option<String>,
    content: Option<String>,
    unasked: Option<String>,
    idle: Option<String>,
    state: Option<StateWord>,
    // Conditions.
    nth: Option<usize>,
    from: Option<usize>,
    longer_than: Option<usize>,
    answered: Option<String>,
    marked: Option<String>,
    unmarked: Option<String>,
    tls: Option<bool>,
    // What happens to a line.
    say: Option<Lines>,
    swallow: Option<bool>,
    drop: Option<bool>,
    #[serde(default)]
    before: Lines,
    after: Option<After>,
    content_replace: Option<String>,
    // What happens to a reply.
    reply: Option<Lines>,
    true_reply: Option<Lines>,
    hears: Option<Lines>,
    immediately: Option<bool>,
    drop_reply: Option<bool>,
    twice: Option<bool>,
    #[serde(default)]
    extra: Lines,
    #[serde(default)]
    extra_before: Lines,
    #[serde(default)]
    reply_replace: Vec<(String, String)>,
    #[serde(default)]
    keywords_add: Vec<String>,
    #[serde(default)]
    keywords_remove: Vec<String>,
    // Both.
    bare_lf: Option<bool>,
    raw: Option<bool>,
    delay: Option<String>,
    close: Option<CloseWord>,
    quit_without: Option<bool>,
    keep_open: Option<bool>,
    mark: Option<String>,
    unmark: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateWord {
    Command,
    Auth,
    Data,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CloseWord {
    Before,
    After,
}

/// A text or a list of texts.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Lines {
    One(String),
    Many(Vec<String>),
}

/// A number, as with `from`, or lines.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "a number, a text or a list of texts")]
enum After {
    Count(usize),
    Lines(Lines),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Lines {
    fn templates(self) -> Result<Vec<Template>, String> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        };
        texts.iter().map(|text| Template::parse(text)).collect()
    }
}

/// Reads a file.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Mutant>, FileError> {
    let at = |at: usize| Some(text[..at.min(text.len())].matches('\n').count() + 1);
    let file: File = toml::from_str(text).map_err(|error| FileError {
        file: name.to_owned(),
        line: error.span().and_then(|span| at(span.start)),
        message: error.message().trim_end().to_owned(),
    })?;
    let mut mutants: Vec<Mutant> = Vec::new();
    for mutant in file.mutant {
        let line = at(mutant.span().start);
        let error = |line, message| FileError { file: name.to_owned(), line, message };
        let MutantTable { name: called, role, requirement, what, rule } = mutant.into_inner();
        if !is_kebab_case(&called) {
            return Err(error(line, format!("the name `{called}` is not of small letters, digits and hyphens")));
        }
        if mutants.iter().any(|other| other.name == called) {
            return Err(FileError { line, ..FileError::twice(name, &called, name) });
        }
        if requirement.is_empty() || rule.is_empty() {
            return Err(error(line, format!("`{called}` has no requirement or no rule")));
        }
        let side = if role == RoleWord::Server { Side::Server } else { Side::Client };
        let mut rules = Vec::new();
        for rule in rule {
            let line = at(rule.span().start);
            let wrong = |message| error(line, format!("in a rule of `{called}`: {message}"));
            rules.push(rule_of(rule.into_inner(), side).map_err(wrong)?);
        }
        mutants.push(Mutant { name: called, role: side, requirement, what, rules, file: name.to_owned() });
    }
    Ok(mutants)
}

fn is_kebab_case(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Makes a rule of a table, or says what is wrong with it.
fn rule_of(table: RuleTable, role: Side) -> Result<Rule, String> {
    check_role(&table, role)?;
    let trigger = trigger_of(&table, role)?;
    let is_set = |flag: Option<bool>| flag.unwrap_or(false);
    let (after_count, after) = match table.after {
        Some(After::Count(count)) => (Some(count), Vec::new()),
        Some(After::Lines(lines)) => (None, lines.templates()?),
        None => (None, Vec::new()),
    };
    let (first, last) = match (table.nth, table.from.or(after_count)) {
        (Some(_), Some(_)) => return Err("`nth` or `from`, not both".to_owned()),
        (Some(nth), None) => (nth, Some(nth)),
        (None, from) => (from.unwrap_or(1), None),
    };
    if first == 0 {
        return Err("the first time is number 1".to_owned());
    }
    let is_own = table.reply.is_some() || (table.hears.is_some() && is_set(table.drop));
    let mut given = [table.reply, table.true_reply, table.hears].into_iter().flatten();
    let instead = given.next().map(Lines::templates).transpose()?;
    if given.next().is_some() {
        return Err("`reply` or `true_reply`, not both".to_owned());
    }
    let delay = table.delay.as_deref().map(span).transpose()?;
    let bare_lf = is_set(table.bare_lf);
    // What is told of a client is told of its lines, what is told of a server, of its replies.
    let is_of_the_line = role == Side::Client && table.hears_for.is_none();
    let at_reply = table.answered.is_some() || table.hears_for.is_some();
    let closes_at_reply = at_reply || matches!(trigger, Trigger::Unasked(_));
    let closes_behind_line = is_of_the_line || matches!(trigger, Trigger::Content(_) | Trigger::Idle(_));
    let replacements = table.reply_replace.iter();
    let rule = Rule {
        condition: Condition {
            first,
            last,
            longer_than: table.longer_than,
            answered: table.answered.as_deref().map(regex).transpose()?,
            marked: table.marked,
            unmarked: table.unmarked,
            tls: table.tls,
        },
        line: LineActions {
            drop: is_set(table.swallow) || is_set(table.drop),
            say: table.say.map(Lines::templates).transpose()?,
            before: table.before.templates()?,
            after,
            replace: table.content_replace.as_deref().map(Template::parse).transpose()?,
            bare_lf: bare_lf && is_of_the_line,
            delay: delay.filter(|_| is_of_the_line),
        },
        reply: ReplyActions {
            instead,
            is_own,
            immediately: is_set(table.immediately),
            drop: is_set(table.drop_reply),
            twice: is_set(table.twice),
            before: table.extra_before.templates()?,
            extra: table.extra.templates()?,
            replace: replacements
                .map(|(of, by)| Ok((regex(of)?, Template::parse(by)?)))
                .collect::<Result<_, String>>()?,
            keywords_add: table.keywords_add,
            keywords_remove: table.keywords_remove,
            bare_lf: bare_lf && !is_of_the_line,
            delay: delay.filter(|_| !is_of_the_line),
        },
        close: match table.close {
            _ if is_set(table.quit_without) => Some(Close::BeforeLine),
            Some(CloseWord::Before) if closes_at_reply => Some(Close::BeforeReply),
            Some(CloseWord::Before) => Some(Close::BeforeLine),
            Some(CloseWord::After) if !closes_at_reply && closes_behind_line => Some(Close::BehindLine),
            Some(CloseWord::After) => Some(Close::BehindReply),
            None => None,
        },
        keep_open: is_set(table.keep_open),
        mark: table.mark,
        unmark: table.unmark,
        raw: is_set(table.raw),
        at_reply,
        trigger,
    };
    check(&rule)?;
    Ok(rule)
}

/// Keys that only make sense with one role.
fn check_role(table: &RuleTable, role: Side) -> Result<(), String> {
    let (other, keys) = match role {
        Side::Server => (
            "client",
            vec![
                ("says", table.says.is_some()),
                ("hears_for", table.hears_for.is_some()),
                ("hears", table.hears.is_some()),
                ("drop", table.drop.is_some()),
                ("quit_without", table.quit_without.is_some()),
            ],
        ),
        Side::Client => (
            "server",
            vec![
                ("command", table.command.is_some()),
                ("reply", table.reply.is_some()),
                ("true_reply", table.true_reply.is_some()),
                ("swallow", table.swallow.is_some()),
            ],
        ),
    };
    match keys.into_iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(format!("`{key}` is for the role {other}")),
        None => Ok(()),
    }
}

fn trigger_of(table: &RuleTable, role: Side) -> Result<Trigger, String> {
    let lines = [&table.command, &table.says, &table.hears_for].into_iter().flatten();
    let others = [&table.content, &table.unasked, &table.idle].into_iter().flatten();
    let has_keywords = !table.keywords_add.is_empty() || !table.keywords_remove.is_empty();
    let line = match (lines.clone().count(), others.count()) {
        (1, 0) => lines.clone().next().map(String::as_str),
        (0, 1) => None,
        (0, 0) if table.quit_without == Some(true) => Some("(?i)^QUIT"),
        (0, 0) if has_keywords => Some("(?i)^(EHLO|LHLO)"),
        (0, 0) if table.longer_than.is_some() => Some("^"),
        (0, 0) => {
            let key = if role == Side::Server { "`command`" } else { "`says`, `hears_for`" };
            return Err(format!("no trigger: one of {key}, `content`, `unasked`, `idle`"));
        }
        _ => return Err("more than one trigger".to_owned()),
    };
    let state = table.state.unwrap_or(StateWord::Command);
    if let Some(line) = line {
        return Ok(match (line, state) {
            ("", StateWord::Command) => Trigger::Greeting,
            (".", _) => Trigger::EndOfData,
            (line, StateWord::Command) => Trigger::Command(regex(line)?),
            (line, StateWord::Auth) => Trigger::Response(regex(line)?),
            (line, StateWord::Data) => Trigger::Content(regex(line)?),
        });
    }
    if table.state.is_some() {
        return Err("`state` goes with a regex on a line of the client".to_owned());
    }
    match (&table.content, &table.unasked, &table.idle) {
        (Some(content), ..) => Ok(Trigger::Content(regex(content)?)),
        (_, Some(unasked), _) => Ok(Trigger::Unasked(regex(unasked)?)),
        (.., idle) => Ok(Trigger::Idle(span(idle.as_deref().unwrap_or_default())?)),
    }
}

/// What cannot be done.
fn check(rule: &Rule) -> Result<(), String> {
    let Rule { trigger, line, reply, .. } = rule;
    let touches_the_line = line.drop
        || line.say.is_some()
        || !line.before.is_empty()
        || line.replace.is_some()
        || line.bare_lf
        || line.delay.is_some();
    let touches_the_reply = reply.drop
        || reply.twice
        || reply.instead.is_some()
        || reply.bare_lf
        || reply.delay.is_some()
        || [&reply.before, &reply.extra].iter().any(|texts| !texts.is_empty())
        || !reply.replace.is_empty()
        || [&reply.keywords_add, &reply.keywords_remove].iter().any(|keywords| !keywords.is_empty());
    let does_something = touches_the_line
        || touches_the_reply
        || !line.after.is_empty()
        || rule.close.is_some()
        || rule.keep_open
        || rule.mark.is_some()
        || rule.unmark.is_some();
    let takes_lines = matches!(trigger, Trigger::Command(_) | Trigger::Content(_) | Trigger::Response(_));
    if !does_something {
        return Err("no action".to_owned());
    }
    if rule.at_reply && (touches_the_line || reply.is_own || reply.immediately) {
        return Err("`answered` and `hears_for` come too late for what happens to the line".to_owned());
    }
    if reply.immediately && reply.instead.is_none() {
        return Err("`immediately` goes with the reply that is given".to_owned());
    }
    if line.replace.is_some() && !takes_lines {
        return Err("`content_replace` replaces what a regex has matched".to_owned());
    }
    match trigger {
        Trigger::Content(_) if touches_the_reply && !reply.immediately => {
            Err("mail data has no reply, unless `immediately`".to_owned())
        }
        Trigger::Content(_) | Trigger::Idle(_) if rule.at_reply => Err("there is no reply for `answered`".to_owned()),
        Trigger::Unasked(_) if touches_the_line || rule.at_reply => {
            Err("`unasked` is about a reply, not about a line".to_owned())
        }
        Trigger::Greeting if line.drop || line.say.is_some() || line.bare_lf || line.delay.is_some() => {
            Err("no line asks for the greeting".to_owned())
        }
        Trigger::Idle(_) if line.drop || !line.before.is_empty() || !line.after.is_empty() => {
            Err("with `idle` lines are said by `say`".to_owned())
        }
        Trigger::Command(regex) | Trigger::Response(regex) | Trigger::Content(regex) | Trigger::Unasked(regex) => {
            let named = texts(rule).map(Template::groups).max().unwrap_or(0);
            let has = regex.captures_len() - 1;
            if named > has { Err(format!("${named}, but the trigger has {has} groups")) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// All texts that are filled in from the trigger.
fn texts(rule: &Rule) -> impl Iterator<Item = &Template> {
    let Rule { line, reply, .. } = rule;
    let lists = [&line.before, &line.after, &reply.before, &reply.extra];
    let optional = [&line.say, &reply.instead];
    lists.into_iter().chain(optional.into_iter().flatten()).flatten().chain(&line.replace)
}

/// A regex on octets.
fn regex(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).unicode(false).build().map_err(|error| error.to_string())
}

/// `300ms`, `30s`, `5m`, `2h`.
fn span(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{text}` is no time: 300ms, 30s, 5m, 2h")),
    };
    let number: u32 = number.parse().map_err(|_| format!("`{text}` is no time: 300ms, 30s, 5m, 2h"))?;
    Ok(Duration::from_millis(u64::from(number) * milliseconds))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::transcript::Side;

    fn file(rule: &str) -> String {
        format!("[[mutant]]\nname = \"a-1\"\nrole = \"server\"\nrequirement = [\"R-1-01\"]\nwhat = \"w\"\n{rule}")
    }

    fn client(rule: &str) -> String {
        file(rule).replace("\"server\"", "\"client\"")
    }

    #[track_caller]
    fn error_of(text: &str) -> String {
        parse("m.toml", text).expect_err("an error").to_string()
    }

    #[test]
    fn a_mutant_says_who_breaks_what() {
        let mutants = parse("m.toml", &file("[[mutant.rule]]\ncommand = \"^X\"\nswallow = true\n")).expect("a mutant");
        let [mutant] = &mutants[..] else { panic!("{mutants:?}") };
        assert_eq!((&mutant.name[..], mutant.role, &mutant.what[..]), ("a-1", Side::Server, "w"));
        assert_eq!((&mutant.requirement[..], mutant.rules.len()), (&["R-1-01".to_owned()][..], 1));
    }

    #[test]
    fn errors_name_the_place() {
        for (text, error) in [
            (file("[[mutant.rule]]\ncommand = \"^X\"\nswalow = true\n"), "m.toml:8: unknown field `swalow`"),
            (file("colour = 1\n"), "m.toml:6: unknown field `colour`"),
            (format!("x = 1\n{}", file("rule = []\n")), "m.toml:1: unknown field `x`"),
            (file("[[mutant.rule]]\ncommand = \"(\"\nswallow = true\n"), "m.toml:6: in a rule of `a-1`: regex"),
            (file("[[mutant.rule]]\nswallow = true\n"), "m.toml:6: in a rule of `a-1`: no trigger"),
            (file("[[mutant.rule]]\ncommand = \"x\"\n"), "m.toml:6: in a rule of `a-1`: no action"),
            (file("[[mutant.rule]]\ncommand = \"x\"\nidle = \"1s\"\n"), "m.toml:6: in a rule of `a-1`: more than one"),
            (file("[[mutant.rule]]\nidle = \"soon\"\nclose = \"after\"\n"), "m.toml:6: in a rule of `a-1`: `soon` is"),
            (file("[[mutant.rule]]\nsays = \"x\"\ndrop = true\n"), "m.toml:6: in a rule of `a-1`: `says` is for the"),
            (client("[[mutant.rule]]\nsays = \"x\"\nreply = \"2\"\n"), "m.toml:6: in a rule of `a-1`: `reply` is for"),
            (
                file("[[mutant.rule]]\ncommand = \"x\"\nanswered = \"y\"\nreply = \"2\"\n"),
                "m.toml:6: in a rule of `a-1`: `answered` and",
            ),
            (file("[[mutant.rule]]\ncommand = \"x\"\nreply = \"2 $1\"\n"), "m.toml:6: in a rule of `a-1`: $1, but"),
            (file("[[mutant.rule]]\ncommand = \"x\"\nreply = \"2 $q\"\n"), "m.toml:6: in a rule of `a-1`: `$q`"),
            (file("[[mutant.rule]]\ncontent = \"x\"\ntwice = true\n"), "m.toml:6: in a rule of `a-1`: mail data has"),
            (file("[[mutant.rule]]\ncommand = \"x\"\nnth = 0\ntwice = true\n"), "m.toml:6: in a rule of `a-1`: the"),
            (file("").replace("a-1", "A 1"), "m.toml:1: missing field `rule`"),
            (
                file("[[mutant.rule]]\ncommand = \"x\"\ntwice = true\n").replace("a-1", "A 1"),
                "m.toml:1: the name `A 1`",
            ),
        ] {
            let found = error_of(&text);
            assert!(found.starts_with(error), "{found}\nfor {text}");
        }
    }

    #[test]
    fn after_is_a_number_or_lines() {
        let rule = |key: &str| file(&format!("[[mutant.rule]]\ncommand = \"x\"\ntwice = true\n{key}\n"));
        let first = |key: &str| parse("m.toml", &rule(key)).expect("a mutant")[0].rules[0].clone();
        assert_eq!(first("after = 3").condition.first, 3);
        assert_eq!((first("from = 3").condition.first, first("nth = 2").condition.last), (3, Some(2)));
        assert_eq!(first("after = [\"NOOP\", \"RSET\"]").line.after.len(), 2);
        assert_eq!(first("after = \"NOOP\"").line.after.len(), 1);
        assert!(error_of(&rule("after = true")).starts_with("m.toml:9: a number, a text or a list of texts"));
    }
}
