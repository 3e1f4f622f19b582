//! Tables in text: lines of columns with a tab between them, behind lines of comment.

/// The rows of a table, as lines.
pub(super) fn lines(table: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// The first `N` columns of a row; `None` if it has not so many.
pub(super) fn columns<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    let mut rest = line.split('\t');
    let mut columns = [""; N];
    for column in &mut columns {
        *column = rest.next()?;
    }
    Some(columns)
}

/// What stands in the second column of the row whose first one is this, without regard to case.
pub(super) fn find(table: &'static str, key: &str) -> Option<&'static str> {
    lines(table).filter_map(columns).find(|[name, _]| name.eq_ignore_ascii_case(key)).map(|[_, value]| value)
}
