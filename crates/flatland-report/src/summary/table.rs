//! The table of finished runs, over their seeds.

use anyhow::Result;
use flatland_records::RunRecords;

use super::entry::Entry;
use super::quantity::{Better, Quantity};
use super::sheet::{Heading, Sheet, SheetCell, SheetGroup, TableFormat};
use super::{Problem, problems};

/// The column of the seeds that a row is the mean of.
const SEEDS: &str = "seeds";
/// The column of the status of the runs.
pub const STATUS: &str = "status";

/// The columns that are shown unless others are chosen.
pub const DEFAULT_COLUMNS: &str = "seeds,status,iterations,final-loss,sharpness,edge,above-one,above-two,rises,test-accuracy,evaluations,seconds";

/// A column that a table may have.
pub struct Column {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub meaning: &'static str,
    /// Whether rows can be sorted by it.
    pub is_number: bool,
}

/// All columns, words before numbers.
pub fn columns() -> impl Iterator<Item = Column> {
    let words = [
        (SEEDS, "the seeds of the runs that the row is the mean of"),
        (STATUS, "how they ended"),
    ];
    let words = words.into_iter().map(|(name, meaning)| Column {
        name,
        meaning,
        is_number: false,
    });
    words.chain(Quantity::all().iter().map(|of| Column {
        name: of.name,
        meaning: of.meaning,
        is_number: true,
    }))
}

/// The table that is printed at the end of a grid, which is also that of `experiments table`.
///
/// # Errors
///
/// The table cannot be written.
pub fn summary_text(runs: &[RunRecords]) -> Result<String> {
    summary_sheet(&problems(runs)).write(TableFormat::Text)
}

/// The table of problems with the columns that are shown unless others are chosen.
pub fn summary_sheet(problems: &[Problem<'_>]) -> Sheet {
    let columns = DEFAULT_COLUMNS.split(',').map(str::to_owned);
    sheet(problems, &Vec::from_iter(columns))
}

/// Sorts entries, the best first. If no value of the quantity is better than another, the least comes first. Entries
/// without the number come last in any case.
pub fn sort(entries: &mut [Entry<'_>], quantity: &Quantity, is_reversed: bool) {
    let is_descending = (quantity.better == Some(Better::Higher)) != is_reversed;
    entries.sort_by(|a, b| match (quantity.of(a), quantity.of(b)) {
        (Some(a), Some(b)) if is_descending => b.mean.total_cmp(&a.mean),
        (Some(a), Some(b)) => a.mean.total_cmp(&b.mean),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// The table of problems with these columns, words before numbers.
pub fn sheet(problems: &[Problem<'_>], columns: &[String]) -> Sheet {
    let head = |name: &String| match Quantity::named(name) {
        Some(quantity) => Heading::spread(quantity.name, quantity.header),
        None => Heading::words(name, name),
    };
    let words = columns
        .iter()
        .filter(|name| Quantity::named(name).is_none());
    let words = 1 + words.count();
    let headings = [Heading::words("method", "method")].into_iter();
    Sheet {
        keys: vec!["dataset", "network", "loss", "settings"],
        headings: headings.chain(columns.iter().map(head)).collect(),
        groups: problems
            .iter()
            .map(|problem| group(problem, columns))
            .collect(),
        words,
    }
}

fn group(problem: &Problem<'_>, columns: &[String]) -> SheetGroup {
    let config = problem.config();
    let row = |entry: &Entry<'_>| {
        let cell = |name: &String| match (name.as_str(), Quantity::named(name)) {
            (_, Some(quantity)) => {
                let best = quantity.best(&problem.entries);
                quantity
                    .of(entry)
                    .map_or(SheetCell::Nothing, |value| SheetCell::Number {
                        value,
                        runs: entry.runs.len(),
                        kind: quantity.kind,
                        is_best: entry.is_success() && best == Some(value.mean),
                    })
            }
            (STATUS, _) => SheetCell::Words(entry.states()),
            _ => SheetCell::Words(entry.seeds()),
        };
        let method = SheetCell::Words(entry.label.clone());
        [method]
            .into_iter()
            .chain(columns.iter().map(cell))
            .collect()
    };
    SheetGroup {
        title: problem.title(),
        keys: vec![
            config.dataset.to_string(),
            config.network.name().to_owned(),
            config.loss.to_string(),
            problem.settings.clone(),
        ],
        rows: problem.entries.iter().map(row).collect(),
    }
}
