//! The summary: the table of `experiments table`, with what the page sorts and filters it by.

use serde::Serialize;

use super::links::anchor;
use crate::summary::{Heading, Problem, Quantity, STATUS, Sheet, SheetCell};

/// The table.
#[derive(Serialize)]
pub struct SummaryTable {
    /// The columns after the data set, the network and the loss.
    pub columns: Vec<TableColumn>,
    /// The place of the column that says how runs ended.
    pub status: Option<usize>,
    pub rows: Vec<TableRow>,
}

/// The head of a column.
#[derive(Serialize)]
pub struct TableColumn {
    pub name: String,
    pub meaning: &'static str,
    pub is_number: bool,
}

/// A row: the runs of one method on one problem.
#[derive(Serialize)]
pub struct TableRow {
    /// The problem's section of the page.
    pub anchor: String,
    pub dataset: String,
    pub network: String,
    pub loss: String,
    /// What else tells the problem from others.
    pub settings: String,
    pub method: String,
    /// Not all runs reached their end.
    pub is_open: bool,
    pub cells: Vec<TableCell>,
}

/// What stands in a cell, and what it is sorted by.
#[derive(Debug, PartialEq, Serialize)]
pub struct TableCell {
    pub text: String,
    pub is_number: bool,
    /// Nothing where there is no number: sorted last.
    pub value: Option<f64>,
    /// The best of its problem.
    pub is_best: bool,
}

impl SummaryTable {
    /// The rows of a sheet that was made of these problems.
    pub fn new(sheet: &Sheet, problems: &[Problem<'_>]) -> Self {
        let columns = sheet.headings.iter().enumerate();
        let columns = columns.map(|(place, Heading { name, text, .. })| TableColumn {
            name: text.clone(),
            meaning: Quantity::named(name).map_or("", |quantity| quantity.meaning),
            is_number: place >= sheet.words,
        });
        let groups = sheet.groups.iter().zip(problems).enumerate();
        let rows = groups.flat_map(|(index, (group, problem))| {
            let entries = group.rows.iter().zip(&problem.entries);
            entries.map(move |(cells, entry)| {
                let config = entry.config();
                let cells = cells.iter().enumerate();
                TableRow {
                    anchor: anchor(index),
                    dataset: config.dataset.to_string(),
                    network: config.network.name().to_owned(),
                    loss: config.loss.to_string(),
                    settings: problem.settings.clone(),
                    method: entry.label.clone(),
                    is_open: !entry.is_success(),
                    cells: cells
                        .map(|(place, cell)| TableCell::new(cell, place >= sheet.words))
                        .collect(),
                }
            })
        });
        let is_status = |heading: &Heading| heading.name == STATUS;
        Self {
            columns: columns.collect(),
            status: sheet.headings.iter().position(is_status),
            rows: rows.collect(),
        }
    }
}

impl TableCell {
    fn new(cell: &SheetCell, is_number: bool) -> Self {
        let (value, is_best) = match cell {
            SheetCell::Number { value, is_best, .. } => (Some(value.mean), *is_best),
            SheetCell::Nothing | SheetCell::Words(_) => (None, false),
        };
        Self {
            text: cell.text(),
            is_number,
            value: value.filter(|value| value.is_finite()),
            is_best,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{NumberKind, Spread};

    #[test]
    fn a_cell_is_sorted_by_its_mean_and_what_has_none_goes_last() {
        let number = |values: &[f64]| SheetCell::Number {
            value: Spread::of(values).unwrap(),
            runs: 4,
            kind: NumberKind::Number,
            is_best: true,
        };
        let shown = TableCell::new(&number(&[1.0, 2.0, 3.0, 6.0]), true);
        assert_eq!(shown.text, "3.000 ± 2.160");
        assert_eq!((shown.value, shown.is_best), (Some(3.0), true));
        let of_some = TableCell::new(&number(&[1.0, 2.0, 6.0]), true);
        assert_eq!(of_some.text, "3.000 ± 2.646 (3 of 4)");
        assert_eq!(of_some.value, Some(3.0));
        assert_eq!(TableCell::new(&number(&[1.0, f64::NAN]), true).value, None);
        let nothing = TableCell::new(&SheetCell::Nothing, true);
        assert_eq!((nothing.text.as_str(), nothing.value), ("–", None));
    }
}
