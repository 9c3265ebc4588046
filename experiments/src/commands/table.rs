//! `experiments table`: the summary of finished runs, over their seeds.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use flatland_records::folder::read_runs;
use flatland_report::summary::{self, Quantity, TableFormat};

use crate::exit::Ending;
use crate::terminal::{choice, print_to};

#[derive(Debug, Args)]
#[command(
    long_about = "Show finished runs as a table: a group of rows for each problem (data set, network, loss and all \
        other settings), a row for each method, the mean ± sample standard deviation over the seeds. The best of a \
        group is marked where all runs of at least two methods reached their end.\n\n\
        What cannot be read is named and left out.",
    after_help = "For instance:\n  \
        experiments table results/fig1\n  \
        experiments table results/fig1 --columns final-loss,sharpness,test-accuracy --sort test-accuracy\n  \
        experiments table results/fig1 --format latex > fig1.tex     \\input it; it needs the package booktabs\n  \
        experiments table results --format csv > runs.csv\n\n\
        Exit code: 0 table printed, 2 no run could be read, or wrong usage."
)]
pub struct TableArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// What the table is written as.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = choice::<TableFormat>())]
    pub format: TableFormat,
    /// The columns after the method, in this order (words before numbers).
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = summary::DEFAULT_COLUMNS,
        value_parser = PossibleValuesParser::new(columns(false)))]
    pub columns: Vec<String>,
    /// Sort the methods of a problem by a column, the best first; where there is no better, the least.
    #[arg(long, value_name = "COLUMN", value_parser = PossibleValuesParser::new(columns(true)),
        hide_possible_values = true)]
    pub sort: Option<String>,
    /// The other way round.
    #[arg(long)]
    pub reverse: bool,
}

/// The names of the columns, with what they mean; of numbers only, if asked for.
fn columns(numbers_only: bool) -> impl Iterator<Item = PossibleValue> {
    let columns = summary::columns().filter(move |column| column.is_number || !numbers_only);
    columns.map(|column| PossibleValue::new(column.name).help(column.meaning))
}

/// `experiments table`
pub fn run(arguments: &TableArgs) -> Result<Ending> {
    let runs = read_runs(&arguments.results)?;
    let mut problems = summary::problems(&runs);
    if let Some(quantity) = arguments.sort.as_deref().and_then(Quantity::named) {
        for problem in &mut problems {
            summary::sort(&mut problem.entries, quantity, arguments.reverse);
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
    let table = summary::sheet(&problems, &columns).write(arguments.format)?;
    print_to(&mut std::io::stdout(), &table);
    Ok(Ending::Success)
}
