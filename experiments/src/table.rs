//! `experiments table`: the summary of finished runs, over their seeds.

use anyhow::{Result, ensure};
use clap::builder::PossibleValue;

use crate::cli::TableArgs;
use crate::finished;
use crate::grid::loss_name;
use crate::report::FinishedRun;
use crate::session::Ending;
use crate::summary::quantity::{self, Better, Quantity};
use crate::summary::sheet::{Cell, Format, Group, Heading, Sheet};
use crate::summary::{self, Entry, Problem};

/// Which runs a row is the mean of.
const SEEDS: &str = "seeds";
/// How they ended.
pub const STATUS: &str = "status";

/// The columns shown unless others are chosen.
pub const DEFAULT: &str = "seeds,status,iterations,final-loss,sharpness,edge,above-one,above-two,rises,test-accuracy,evaluations,seconds";

/// The names of the columns, with what they mean.
pub fn columns() -> Vec<PossibleValue> {
    let words = [
        (SEEDS, "the seeds of the runs that the row is the mean of"),
        (STATUS, "how they ended"),
    ];
    let words = words.map(|(name, meaning)| PossibleValue::new(name).help(meaning));
    words.into_iter().chain(quantities()).collect()
}

/// The columns that rows can be sorted by.
pub fn quantities() -> Vec<PossibleValue> {
    let quantities = quantity::ALL.iter();
    (quantities.map(|of| PossibleValue::new(of.name).help(of.meaning))).collect()
}

/// `experiments table`
pub fn run(arguments: &TableArgs) -> Result<Ending> {
    let runs = finished::read(&arguments.results)?;
    let mut problems = summary::problems(&runs);
    if let Some(quantity) = arguments.sort.as_deref().and_then(Quantity::named) {
        for problem in &mut problems {
            sort(&mut problem.entries, quantity, arguments.reverse);
        }
    } else if arguments.reverse {
        (problems.iter_mut()).for_each(|problem| problem.entries.reverse());
    }
    let mut columns = arguments.columns.clone();
    for place in (0..columns.len()).rev() {
        ensure!(
            !columns[..place].contains(&columns[place]),
            "--columns names {} twice: name each column once",
            columns[place]
        );
    }
    // Words stand before numbers.
    columns.sort_by_key(|name| Quantity::named(name).is_some());
    print!("{}", sheet(&problems, &columns).write(arguments.format)?);
    Ok(Ending::Success)
}

/// The table that is printed at the end of a grid: that of `experiments table`.
///
/// # Errors
///
/// If it cannot be written, which text can.
pub fn text(runs: &[FinishedRun]) -> Result<String> {
    summary_of(&summary::problems(runs)).write(Format::Text)
}

/// Problems with the columns that are shown unless others are chosen.
pub fn summary_of(problems: &[Problem<'_>]) -> Sheet {
    let columns = DEFAULT.split(',').map(str::to_owned);
    sheet(problems, &Vec::from_iter(columns))
}

/// Puts the best first; of what has no best, the least. Entries without the number come last in any case.
fn sort(entries: &mut [Entry<'_>], quantity: &Quantity, is_reversed: bool) {
    let is_descending = (quantity.better == Some(Better::Higher)) != is_reversed;
    entries.sort_by(|a, b| match (quantity.of(a), quantity.of(b)) {
        (Some(a), Some(b)) if is_descending => b.mean.total_cmp(&a.mean),
        (Some(a), Some(b)) => a.mean.total_cmp(&b.mean),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

fn sheet(problems: &[Problem<'_>], columns: &[String]) -> Sheet {
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

fn group(problem: &Problem<'_>, columns: &[String]) -> Group {
    let config = problem.config();
    let row = |entry: &Entry<'_>| {
        let cell = |name: &String| match (name.as_str(), Quantity::named(name)) {
            (_, Some(quantity)) => {
                let best = quantity.best(&problem.entries);
                quantity
                    .of(entry)
                    .map_or(Cell::Nothing, |value| Cell::Number {
                        value,
                        runs: entry.runs.len(),
                        kind: quantity.kind,
                        is_best: entry.is_success() && best == Some(value.mean),
                    })
            }
            (STATUS, _) => Cell::Words(entry.states()),
            _ => Cell::Words(entry.seeds()),
        };
        let method = Cell::Words(entry.label.clone());
        [method]
            .into_iter()
            .chain(columns.iter().map(cell))
            .collect()
    };
    Group {
        title: problem.title(),
        keys: vec![
            config.dataset.to_string(),
            config.network.name().to_owned(),
            loss_name(config.loss).to_owned(),
            problem.settings.clone(),
        ],
        rows: problem.entries.iter().map(row).collect(),
    }
}
