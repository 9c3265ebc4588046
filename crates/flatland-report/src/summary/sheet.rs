//! A table as text, Markdown, LaTeX or CSV.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use strum::{Display, EnumMessage, EnumString, VariantArray};

use super::spread::{NumberKind, Spread};

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum TableFormat {
    /// Lines and boxes for a terminal; the best of a group has a star.
    Text,
    /// Pipes, as GitHub shows them; the best of a group is bold.
    Markdown,
    /// A tabular with the rules of the package booktabs; the best of a group is bold.
    Latex,
    /// One line for each row, with all digits; means, deviations and the numbers of runs that they are of have columns
    /// of their own.
    Csv,
}

/// The head of a column.
pub struct Heading {
    /// In CSV.
    pub name: String,
    /// Elsewhere.
    pub text: String,
    /// Of numbers with a mean and a deviation.
    pub is_spread: bool,
}

impl Heading {
    /// The head of a column of words.
    pub fn words(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            is_spread: false,
        }
    }

    /// The head of a column of numbers over several runs.
    pub fn spread(name: &str, text: &str) -> Self {
        Self {
            is_spread: true,
            ..Self::words(name, text)
        }
    }
}

/// A cell of a table.
pub enum SheetCell {
    /// What was not measured.
    Nothing,
    /// Text.
    Words(String),
    /// A number over the runs of a row.
    Number {
        /// The mean and the deviation.
        value: Spread,
        /// The runs of the row, of which some may not have the number.
        runs: usize,
        /// How it is written.
        kind: NumberKind,
        /// Whether it is the best of its group.
        is_best: bool,
    },
}

impl SheetCell {
    /// A number that is not compared with others.
    pub fn number(value: Option<f64>, kind: NumberKind) -> Self {
        value.map_or(Self::Nothing, |value| Self::Number {
            value: Spread::single(value),
            runs: 1,
            kind,
            is_best: false,
        })
    }

    /// What it says, without a mark of the best.
    pub fn text(&self) -> String {
        match self {
            Self::Nothing => "–".to_owned(),
            Self::Words(words) => words.clone(),
            Self::Number { value, kind, .. } => {
                value.written(*kind).to_text() + &self.share_of_runs()
            }
        }
    }

    /// Of how many runs a mean is, where not all of the row have the number: ` (4 of 5)`.
    fn share_of_runs(&self) -> String {
        match self {
            Self::Number { value, runs, .. } if value.count < *runs => {
                format!(" ({} of {runs})", value.count)
            }
            _ => String::new(),
        }
    }
}

/// Rows that belong together.
pub struct SheetGroup {
    /// The title.
    pub title: String,
    /// What CSV has in place of the title, in columns before the others.
    pub keys: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<SheetCell>>,
}

/// A table in groups of rows.
pub struct Sheet {
    /// The names of the groups' keys.
    pub keys: Vec<&'static str>,
    /// The heads of the columns.
    pub headings: Vec<Heading>,
    /// The groups.
    pub groups: Vec<SheetGroup>,
    /// Columns of words before those of numbers.
    pub words: usize,
}

impl Sheet {
    /// The whole table, with a line end.
    ///
    /// # Errors
    ///
    /// The table cannot be written as CSV.
    pub fn write(&self, format: TableFormat) -> Result<String> {
        match format {
            TableFormat::Text => Ok(self.to_text()),
            TableFormat::Markdown => Ok(self.to_markdown()),
            TableFormat::Latex => Ok(self.to_latex()),
            TableFormat::Csv => self.to_csv(),
        }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            let mut table = Table::new();
            table.load_style(presets::UTF8_FULL_CONDENSED);
            table.set_header(self.headings.iter().map(|heading| heading.text.as_str()));
            // The stars have a column's edge to themselves, so that digits stay below digits.
            let has_star = |column: usize| {
                (group.rows.iter())
                    .any(|row| matches!(row[column], SheetCell::Number { is_best: true, .. }))
            };
            for row in &group.rows {
                table.add_row(row.iter().enumerate().map(|(column, cell)| match cell {
                    SheetCell::Number { is_best: true, .. } => format!("{} *", cell.text()),
                    _ if has_star(column) => format!("{}  ", cell.text()),
                    cell => cell.text(),
                }));
            }
            for column in table.column_iter_mut().skip(self.words) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            text.push_str(&format!("{}\n{table}\n", group.title));
        }
        text
    }

    fn to_markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            let cells = cells.map(|cell| cell.replace('|', r"\|"));
            format!("| {} |\n", Vec::from_iter(cells).join(" | "))
        };
        let mut groups = Vec::new();
        for group in &self.groups {
            let mut text = format!("**{}**\n\n", group.title);
            text += &line(&mut self.headings.iter().map(|heading| heading.text.clone()));
            let rules = (0..self.headings.len())
                .map(|column| if column < self.words { "---|" } else { "---:|" });
            text += &format!("|{}\n", String::from_iter(rules));
            for row in &group.rows {
                text += &line(&mut row.iter().map(|cell| match cell {
                    SheetCell::Number { is_best: true, .. } => format!("**{}**", cell.text()),
                    cell => cell.text(),
                }));
            }
            groups.push(text);
        }
        groups.join("\n")
    }

    fn to_latex(&self) -> String {
        let columns = self.headings.len();
        let numbers = "r".repeat(columns - self.words);
        let headings = self.headings.iter().map(|heading| latex(&heading.text));
        let mut text = format!(
            "% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{}{numbers}}}\n\\toprule\n{} \\\\\n",
            "l".repeat(self.words),
            Vec::from_iter(headings).join(" & ")
        );
        for group in &self.groups {
            text += &format!(
                "\\midrule\n\\multicolumn{{{columns}}}{{l}}{{{}}} \\\\\n\\midrule\n",
                latex(&group.title)
            );
            for row in &group.rows {
                let cells = row.iter().map(|cell| match cell {
                    SheetCell::Nothing => "--".to_owned(),
                    SheetCell::Words(words) => latex(words),
                    SheetCell::Number {
                        value,
                        kind,
                        is_best,
                        ..
                    } => {
                        let number = value.written(*kind).to_latex();
                        let number = if *is_best {
                            format!(r"{{\boldmath{number}}}")
                        } else {
                            number
                        };
                        number + &cell.share_of_runs()
                    }
                });
                text += &format!("{} \\\\\n", Vec::from_iter(cells).join(" & "));
            }
        }
        text + "\\bottomrule\n\\end{tabular}\n"
    }

    fn to_csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header: Vec<String> = self.keys.iter().map(|&key| key.to_owned()).collect();
        for heading in &self.headings {
            if heading.is_spread {
                let parts = ["mean", "std", "runs"];
                header.extend(parts.map(|of| format!("{}_{of}", heading.name)));
            } else {
                header.push(heading.name.clone());
            }
        }
        writer.write_record(&header)?;
        for group in &self.groups {
            for row in &group.rows {
                let mut record = group.keys.clone();
                for (cell, heading) in row.iter().zip(&self.headings) {
                    let spread = match cell {
                        SheetCell::Number { value, .. } => Some(value),
                        SheetCell::Nothing | SheetCell::Words(_) => None,
                    };
                    record.push(match cell {
                        SheetCell::Words(words) => words.clone(),
                        _ => spread.map_or(String::new(), |spread| spread.mean.to_string()),
                    });
                    if heading.is_spread {
                        let deviation = spread.and_then(|spread| spread.deviation);
                        record.push(deviation.map_or(String::new(), |of| of.to_string()));
                        record.push(spread.map_or(0, |spread| spread.count).to_string());
                    }
                }
                writer.write_record(&record)?;
            }
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
}

/// Words for LaTeX: its own characters with a backslash, and the symbols that its fonts have in math mode only.
fn latex(words: &str) -> String {
    let words = words.replace("λ₁", "λ");
    let written = words.chars().map(|symbol| match symbol {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!(r"\{symbol}"),
        '\\' => r"\textbackslash{}".to_owned(),
        '~' => r"\textasciitilde{}".to_owned(),
        '^' => r"\textasciicircum{}".to_owned(),
        'λ' => r"$\lambda_1$".to_owned(),
        'η' => r"$\eta$".to_owned(),
        '×' => r"$\times$".to_owned(),
        '·' => r"$\cdot$".to_owned(),
        '≤' => r"$\leq$".to_owned(),
        '−' => "$-$".to_owned(),
        '–' => "--".to_owned(),
        // In text, LaTeX's oldest fonts have other glyphs in the places of these.
        '<' | '>' => format!("${symbol}$"),
        '|' => r"\textbar{}".to_owned(),
        symbol => symbol.to_string(),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let number = |values: &[f64], kind, is_best| SheetCell::Number {
            value: Spread::of(values).unwrap(),
            runs: values.len(),
            kind,
            is_best,
        };
        Sheet {
            keys: vec!["data"],
            headings: vec![
                Heading::words("method", "method"),
                Heading::spread("loss", "final loss"),
                Heading::spread("edge", "η·λ₁ > 2"),
            ],
            groups: vec![SheetGroup {
                title: "a_b × c".to_owned(),
                keys: vec!["a,b".to_owned()],
                rows: vec![
                    vec![
                        SheetCell::Words("GD | 50%".to_owned()),
                        number(&[1e-5, 3e-5], NumberKind::Number, true),
                        number(&[0.25], NumberKind::Share, false),
                    ],
                    vec![
                        SheetCell::Words("LS".to_owned()),
                        number(&[0.5, 0.25], NumberKind::Number, false),
                        SheetCell::Nothing,
                    ],
                ],
            }],
            words: 1,
        }
    }

    #[test]
    fn every_format_says_the_same_and_marks_the_best_as_it_can() {
        let text = sheet().write(TableFormat::Text).unwrap();
        assert_eq!(
            text.lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "a_b × c",
                "┌──────────┬────────────────────┬──────────┐",
                "│ method   ┆         final loss ┆ η·λ₁ > 2 │",
                "╞══════════╪════════════════════╪══════════╡",
                "│ GD | 50% ┆ (2.00 ± 1.41)e-5 * ┆    25.0% │",
                "│ LS       ┆  0.3750 ± 0.1768   ┆        – │",
                "└──────────┴────────────────────┴──────────┘",
            ]
        );
        assert_eq!(
            sheet().write(TableFormat::Markdown).unwrap(),
            "**a_b × c**\n\n| method | final loss | η·λ₁ > 2 |\n|---|---:|---:|\n\
             | GD \\| 50% | **(2.00 ± 1.41)e-5** | 25.0% |\n| LS | 0.3750 ± 0.1768 | – |\n"
        );
        let latex = sheet().write(TableFormat::Latex).unwrap();
        for line in [
            r"\begin{tabular}{lrr}",
            r"method & final loss & $\eta$$\cdot$$\lambda_1$ $>$ 2 \\",
            r"\multicolumn{3}{l}{a\_b $\times$ c} \\",
            r"GD \textbar{} 50\% & {\boldmath$(2.00 \pm 1.41) \times 10^{-5}$} & $25.0\,\%$ \\",
            r"LS & $0.3750 \pm 0.1768$ & -- \\",
        ] {
            assert!(
                latex.lines().any(|written| written == line),
                "{line}\n{latex}"
            );
        }
        let csv = sheet().write(TableFormat::Csv).unwrap();
        assert_eq!(
            csv,
            "data,method,loss_mean,loss_std,loss_runs,edge_mean,edge_std,edge_runs\n\
             \"a,b\",GD | 50%,0.00002,0.00001414213562373095,2,0.25,,1\n\
             \"a,b\",LS,0.375,0.1767766952966369,2,,,0\n"
        );
    }

    /// Of three seeds one diverged, and has no such number.
    #[test]
    fn a_mean_over_some_of_the_runs_says_so() {
        let mut sheet = sheet();
        let SheetCell::Number { runs, .. } = &mut sheet.groups[0].rows[1][1] else {
            panic!("a number")
        };
        *runs = 3;
        for (format, shown) in [
            (TableFormat::Text, "┆ 0.3750 ± 0.1768 (2 of 3)"),
            (TableFormat::Markdown, "| 0.3750 ± 0.1768 (2 of 3) |"),
            (TableFormat::Latex, r"& $0.3750 \pm 0.1768$ (2 of 3) &"),
            (TableFormat::Csv, ",0.375,0.1767766952966369,2,"),
        ] {
            let written = sheet.write(format).unwrap();
            assert!(written.contains(shown), "{written}");
            assert_eq!(
                written.matches(" of ").count(),
                usize::from(format != TableFormat::Csv)
            );
        }
    }
}
