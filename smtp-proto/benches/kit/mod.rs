//! A small measuring kit: warm-up, the best of several batches, a table.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

/// How long a batch runs at least.
const BATCH: Duration = Duration::from_millis(1);
/// Batches of each row; they take turns with those of the other rows, so that a slow moment hits all alike.
const BATCHES: usize = 200;

/// Rows that are measured together and compared with the first one.
pub(crate) struct Table<'a> {
    title: String,
    /// Octets that each run works on, for the speed; 0 if that means nothing.
    octets: usize,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: String,
    work: Box<dyn FnMut() + 'a>,
    runs: u32,
    best: Duration,
}

impl<'a> Table<'a> {
    /// An empty table for work on so many octets.
    pub(crate) fn new(title: impl Into<String>, octets: usize) -> Self {
        Self { title: title.into(), octets, rows: Vec::new() }
    }

    /// Adds a row. What `work` returns is kept from being optimised away.
    pub(crate) fn row<T>(&mut self, name: impl Into<String>, mut work: impl FnMut() -> T + 'a) {
        let work = Box::new(move || {
            black_box(work());
        });
        self.rows.push(Row { name: name.into(), work, runs: 1, best: Duration::MAX });
    }

    /// Measures every row and prints the table.
    pub(crate) fn print(mut self) {
        self.rows.iter_mut().for_each(Row::warm_up);
        for _ in 0..BATCHES {
            for row in &mut self.rows {
                row.batch();
            }
        }
        println!("\n{}\n{:<60} {:>12} {:>9} {:>7}", self.title, "", "ns", "GB/s", "ratio");
        let first = self.rows.first().map_or(0.0, Row::nanoseconds);
        for row in &self.rows {
            let nanoseconds = row.nanoseconds();
            let speed = match self.octets {
                0 => "-".into(),
                octets => format!("{:.2}", octets as f64 / nanoseconds),
            };
            println!("{:<60} {nanoseconds:>12.1} {speed:>9} {:>7.2}", row.name, first / nanoseconds);
        }
    }
}

impl Row<'_> {
    /// Finds how many runs fill a batch.
    fn warm_up(&mut self) {
        while self.batch() < BATCH {
            self.runs *= 2;
            self.best = Duration::MAX;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn batch(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..self.runs {
            (self.work)();
        }
        let took = start.elapsed();
        self.best = self.best.min(took);
        took
    }

    /// The best time of a run.
    fn nanoseconds(&self) -> f64 {
        self.best.as_nanos() as f64 / f64::from(self.runs)
    }
}
