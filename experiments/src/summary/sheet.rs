//! A table as text, Markdown, LaTeX or CSV.

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};

use super::{Kind, Spread};

/// What a table is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines and boxes for a terminal; the best of a group has a star.
    Text,
    /// Pipes, as GitHub shows them; the best of a group is bold.
    Markdown,
    /// A tabular with the rules of the package booktabs; the best of a group is bold.
    Latex,
    /// One line for each row, with all digits; means, deviations and the numbers of runs that they are of have columns of
    /// their own.
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

/// What stands in a table.
pub enum Cell {
    /// What was not measured.
    Nothing,
    Words(String),
    Number {
        value: Spread,
        /// The runs of the row, of which some may not have the number.
        runs: usize,
        kind: Kind,
        is_best: bool,
    },
}

impl Cell {
    /// A number that is not compared with others.
    pub fn number(value: Option<f64>, kind: Kind) -> Self {
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
pub struct Group {
    pub title: String,
    /// What CSV has in place of the title, in columns before the others.
    pub keys: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// A table in groups of rows.
pub struct Sheet {
    /// The names of the groups' keys.
    pub keys: Vec<&'static str>,
    pub headings: Vec<Heading>,
    pub groups: Vec<Group>,
    /// Columns of words before those of numbers.
    pub words: usize,
}

impl Sheet {
    /// The whole table, with a line end.
    pub fn write(&self, format: Format) -> Result<String> {
        match format {
            Format::Text => Ok(self.to_text()),
            Format::Markdown => Ok(self.to_markdown()),
            Format::Latex => Ok(self.to_latex()),
            Format::Csv => self.to_csv(),
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
                    .any(|row| matches!(row[column], Cell::Number { is_best: true, .. }))
            };
            for row in &group.rows {
                table.add_row(row.iter().enumerate().map(|(column, cell)| match cell {
                    Cell::Number { is_best: true, .. } => format!("{} *", cell.text()),
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
            let rules = (0..self.headings.len()).map(|column| match column < self.words {
                true => "---|",
                false => "---:|",
            });
            text += &format!("|{}\n", String::from_iter(rules));
            for row in &group.rows {
                text += &line(&mut row.iter().map(|cell| match cell {
                    Cell::Number { is_best: true, .. } => format!("**{}**", cell.text()),
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
                    Cell::Nothing => "--".to_owned(),
                    Cell::Words(words) => latex(words),
                    Cell::Number {
                        value,
                        kind,
                        is_best,
                        ..
                    } => {
                        let number = value.written(*kind).to_latex();
                        let number = match is_best {
                            true => format!(r"{{\boldmath{number}}}"),
                            false => number,
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
            match heading.is_spread {
                false => header.push(heading.name.clone()),
                true => {
                    let parts = ["mean", "std", "runs"];
                    header.extend(parts.map(|of| format!("{}_{of}", heading.name)));
                }
            }
        }
        writer.write_record(&header)?;
        for group in &self.groups {
            for row in &group.rows {
                let mut record = group.keys.clone();
                for (cell, heading) in row.iter().zip(&self.headings) {
                    let spread = match cell {
                        Cell::Number { value, .. } => Some(value),
                        Cell::Nothing | Cell::Words(_) => None,
                    };
                    record.push(match cell {
                        Cell::Words(words) => words.clone(),
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
        let number = |values: &[f64], kind, is_best| Cell::Number {
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
            groups: vec![Group {
                title: "a_b × c".to_owned(),
                keys: vec!["a,b".to_owned()],
                rows: vec![
                    vec![
                        Cell::Words("GD | 50%".to_owned()),
                        number(&[1e-5, 3e-5], Kind::Number, true),
                        number(&[0.25], Kind::Share, false),
                    ],
                    vec![
                        Cell::Words("LS".to_owned()),
                        number(&[0.5, 0.25], Kind::Number, false),
                        Cell::Nothing,
                    ],
                ],
            }],
            words: 1,
        }
    }

    #[test]
    fn every_format_says_the_same_and_marks_the_best_as_it_can() {
        let text = sheet().write(Format::Text).unwrap();
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
            sheet().write(Format::Markdown).unwrap(),
            "**a_b × c**\n\n| method | final loss | η·λ₁ > 2 |\n|---|---:|---:|\n\
             | GD \\| 50% | **(2.00 ± 1.41)e-5** | 25.0% |\n| LS | 0.3750 ± 0.1768 | – |\n"
        );
        let latex = sheet().write(Format::Latex).unwrap();
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
        let csv = sheet().write(Format::Csv).unwrap();
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
        let Cell::Number { runs, .. } = &mut sheet.groups[0].rows[1][1] else {
            panic!("a number")
        };
        *runs = 3;
        for (format, shown) in [
            (Format::Text, "┆ 0.3750 ± 0.1768 (2 of 3)"),
            (Format::Markdown, "| 0.3750 ± 0.1768 (2 of 3) |"),
            (Format::Latex, r"& $0.3750 \pm 0.1768$ (2 of 3) &"),
            (Format::Csv, ",0.375,0.1767766952966369,2,"),
        ] {
            let written = sheet.write(format).unwrap();
            assert!(written.contains(shown), "{written}");
            assert_eq!(
                written.matches(" of ").count(),
                usize::from(format != Format::Csv)
            );
        }
    }
}
