//! A results folder as one HTML file, which needs no network.
//!
//! Rust reads the records, thins the curves and writes everything that is text; `assets/page.js` sorts, filters and
//! draws with [uPlot](https://github.com/leeoniya/uPlot), which is embedded. What came from files is escaped by the
//! template engine, by the name of its template, and in the JSON by `script_json`.
//!
//! A page is text and one JSON, which holds the thinned curves. What cannot be read becomes a line on the page.

mod charts;
mod early;
pub mod links;
mod reproduce;
mod seeds;
mod table;
mod thin;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flatland_config::RunConfig;
use flatland_records::RunRecords;
use flatland_records::disk::write_whole;
use flatland_records::folder::{FolderRecords, no_run_in};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;
use tracing::warn;

use crate::claims::{self, ClaimVerdict, JudgedClaim};
use crate::summary::{self, summary_sheet};
use charts::Charts;
use links::path_in;
use table::SummaryTable;

/// The name of the page in a results folder.
const PAGE: &str = "report.html";
const TEMPLATE: &str = include_str!("page/assets/page.html");
const STYLE: &str = include_str!("page/assets/page.css");
const WAITING: &str = include_str!("page/assets/waiting.html");
const SCRIPTS: [&str; 9] = [
    include_str!("page/assets/page.js"),
    include_str!("page/assets/drawing.js"),
    include_str!("page/assets/axes.js"),
    include_str!("page/assets/marks.js"),
    include_str!("page/assets/groups.js"),
    include_str!("page/assets/steering.js"),
    include_str!("page/assets/charts.js"),
    include_str!("page/assets/panels.js"),
    include_str!("page/assets/pictures.js"),
];
/// Of a page that follows its records.
const FOLLOW: &str = include_str!("page/assets/follow.js");
const UPLOT: &str = include_str!("page/assets/uplot/uPlot.iife.min.js");
const UPLOT_STYLE: &str = include_str!("page/assets/uplot/uPlot.min.css");
const UPLOT_LICENSE: &str = include_str!("page/assets/uplot/LICENSE");

/// Writes the page of a results folder, in that folder unless another path is given. Returns the path of the page. What
/// cannot be read is named on the page, with a warning.
///
/// # Errors
///
/// The folder holds nothing that can be shown, or the page cannot be written.
pub fn write(results: &Path, output: Option<&Path>) -> Result<PathBuf> {
    let found = FolderRecords::read(results)?;
    for line in &found.left_out {
        warn!("{line}");
    }
    let page = page(&found, results, None)?;
    let path = match output {
        Some(path) => path.to_owned(),
        None => results.join(PAGE),
    };
    // A bare file name lies in the folder "", which cannot be opened by that name.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let target = folder
        .unwrap_or(Path::new("."))
        .join(path.file_name().context("-o names no file")?);
    write_whole(&target, page.as_bytes())?;
    Ok(path)
}

/// The page of a results folder as it is served: it asks for newer versions than this one. While there is nothing to
/// show, it is a page that waits and says why.
///
/// # Panics
///
/// Never: the template is well-formed.
pub fn followed(results: &Path, version: &str) -> String {
    let page = FolderRecords::read(results).and_then(|found| page(&found, results, Some(version)));
    page.unwrap_or_else(|error| {
        let waiting = context! {
            results => shown(results),
            version,
            message => format!("{error:#}").replace(&results.display().to_string(), &shown(results)),
        };
        render("waiting.html", WAITING, waiting).expect("the template is well-formed")
    })
}

/// What the page calls the folder: its path if that is relative, else its name, for nobody else has the rest.
fn shown(folder: &Path) -> String {
    let name = folder.file_name().filter(|_| folder.is_absolute());
    let name = name.map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| folder.display().to_string())
}

/// What the page calls a data file: of a path from the root, the file and its folder, for nobody else has the rest.
fn of_data(path: &str) -> String {
    let is_separator = |letter| letter == '/' || letter == '\\';
    let is_drive = path.chars().nth(1) == Some(':');
    if !path.starts_with(is_separator) && !is_drive {
        return path.to_owned();
    }
    let mut names = path.rsplit(is_separator);
    let file = names.next().unwrap_or_default();
    match names.next().filter(|folder| !folder.is_empty()) {
        Some(folder) => format!("{folder}/{file}"),
        None => file.to_owned(),
    }
}

/// A claim of the paper as the page shows it.
#[derive(Serialize)]
struct PageClaim {
    title: &'static str,
    paper: &'static str,
    summary: String,
    findings: Vec<PageFinding>,
}

/// What one run or a pair shows of it.
#[derive(Serialize)]
struct PageFinding {
    problem: String,
    method: String,
    verdict: String,
    /// The class that colours it.
    class: &'static str,
    numbers: String,
}

/// Where a run comes from.
#[derive(Serialize)]
struct PageRun {
    folder: String,
    name: String,
    status: String,
    reason: Option<String>,
    facts: Vec<(&'static str, String)>,
    command: String,
    remark: Option<String>,
    /// The names and addresses of the files that the server sends.
    files: Vec<(&'static str, String)>,
    /// What the filters of the table choose by.
    dataset: String,
    network: &'static str,
    method: String,
    loss: String,
}

/// The page; with a version, one that follows its records.
fn page(found: &FolderRecords, results: &Path, follows: Option<&str>) -> Result<String> {
    let FolderRecords {
        runs,
        spectra,
        left_out,
    } = found;
    ensure!(!runs.is_empty() || !spectra.is_empty(), no_run_in(results));
    let problems = summary::problems(runs);
    let labels: HashMap<&Path, &str> = (problems.iter().flat_map(|problem| &problem.entries))
        .flat_map(|entry| (entry.runs.iter()).map(|run| (run.directory.as_path(), &*entry.label)))
        .collect();
    let charts = Charts::new(&problems, spectra, results);
    let ended = runs.iter().filter(|run| run.file.status.is_success());
    let mut entries = problems.iter().flat_map(|problem| &problem.entries);
    // What lies above the folder is nobody's business on a page that is sent on.
    let above = format!("{}{}", results.display(), std::path::MAIN_SEPARATOR);
    let left_out: Vec<_> = left_out
        .iter()
        .map(|line| line.replace(&above, ""))
        .collect();
    let page = context! {
        results => shown(results),
        follows,
        version => env!("CARGO_PKG_VERSION"),
        written => jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        runs => runs.len(),
        ended => ended.count(),
        left_out => Serde(left_out),
        has_seeds => entries.any(|entry| entry.runs.len() > 1),
        table => Serde(SummaryTable::new(&summary_sheet(&problems), &problems)),
        sections => charts.problems.iter().zip(&problems).map(|(panels, problem)| context! {
            anchor => &panels.anchor,
            key => key(problem.config()),
            title => problem.title(),
            dataset => problem.config().dataset.to_string(),
            network => problem.config().network.name(),
            loss => problem.config().loss.to_string(),
            has_early => charts.early.iter().any(|early| early.problem == panels.anchor),
            has_segments => charts.segments.iter().any(|segment| segment.problem == panels.anchor),
        }).collect::<Vec<_>>(),
        densities => charts.densities.len(),
        points => 2 * thin::STRETCHES,
        claims => Serde(page_claims(runs)),
        sources => Serde(runs.iter().map(|run| source(run, labels[run.directory.as_path()], results, follows.is_some())).collect::<Vec<_>>()),
        style => STYLE,
        scripts => Serde(SCRIPTS.into_iter().chain(follows.map(|_| FOLLOW)).collect::<Vec<_>>()),
        uplot => UPLOT,
        uplot_style => UPLOT_STYLE,
        uplot_license => UPLOT_LICENSE,
        charts => script_json(&charts)?,
    };
    render("page.html", TEMPLATE, page)
}

fn render(name: &str, template: &str, values: minijinja::Value) -> Result<String> {
    let mut environment = Environment::new();
    let lines = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    environment.set_syntax(lines);
    // The name ends in .html: whatever is not marked safe is escaped.
    environment.add_template(name, template)?;
    Ok(environment.get_template(name)?.render(values)?)
}

/// A name for a problem that stays when others come before it.
fn key(config: &RunConfig) -> String {
    blake3::hash(config.problem_key_over_seeds().as_bytes()).to_hex()[..10].to_owned()
}

/// JSON that stands in a script element: no text in it can end the element or start a comment.
fn script_json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

fn page_claims(runs: &[RunRecords]) -> Vec<PageClaim> {
    let begun: Vec<&RunRecords> = runs.iter().filter(|run| run.has_begun()).collect();
    let claim = |judged: JudgedClaim| PageClaim {
        title: judged.title,
        paper: judged.paper,
        summary: judged.summary(),
        findings: (judged.findings.into_iter())
            .map(|(problem, finding)| PageFinding {
                problem,
                method: finding.method,
                class: match finding.verdict {
                    ClaimVerdict::Holds => "holds",
                    ClaimVerdict::DoesNot => "does-not",
                    ClaimVerdict::NotMeasured => "unmeasured",
                },
                verdict: finding.verdict.to_string(),
                numbers: finding.numbers,
            })
            .collect(),
    };
    claims::judge(&begun).into_iter().map(claim).collect()
}

/// Where a run comes from, of a method of this name.
fn source(run: &RunRecords, method: &str, results: &Path, is_served: bool) -> PageRun {
    let RunRecords { config, file, .. } = run;
    let from = &file.provenance;
    let (command, remark) = reproduce::command(config);
    let mut facts = vec![
        ("started", file.started.to_string()),
        (
            "ended",
            file.ended.map_or("–".to_owned(), |time| time.to_string()),
        ),
        (
            "version",
            format!("{}, commit {}", from.version, from.git_commit),
        ),
        (
            "device",
            format!(
                "{}, {} threads, {}",
                from.device, from.threads, config.dtype
            ),
        ),
    ];
    if let Some(verdict) = &from.doctor {
        let sound = if verdict.sound { "sound" } else { "not sound" };
        facts.push(("doctor", sound.to_owned()));
    }
    let count = |count: Option<u64>| count.map_or("–".to_owned(), |count| count.to_string());
    facts.push(("parameters", count(from.parameters)));
    let (train, test) = (count(from.train_samples), count(from.test_samples));
    facts.push((
        "samples",
        format!("{train} for training, {test} for testing"),
    ));
    facts.extend((from.data.iter()).map(|data| {
        let path = of_data(&data.path);
        ("data", format!("{path}, SHA-256 {}", data.sha256))
    }));
    if let Some(sum) = &from.initial_weights {
        facts.push(("first weights", format!("BLAKE3 {sum}")));
    }
    let folder = path_in(results, &run.directory);
    PageRun {
        name: format!(
            "{} · {} · {} · {}, seed {}",
            config.dataset,
            config.network.name(),
            config.loss,
            config.method.label(),
            config.seed
        ),
        dataset: config.dataset.to_string(),
        network: config.network.name(),
        method: method.to_owned(),
        loss: config.loss.to_string(),
        status: file.status.to_string(),
        reason: file.reason.clone(),
        facts,
        command,
        remark,
        files: if is_served {
            (links::files_of_run(&run.directory).into_iter())
                .map(|name| (name, links::address(&folder, name)))
                .collect()
        } else {
            Vec::new()
        },
        folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_file_is_named_without_what_lies_above_its_folder() {
        for (path, shown) in [
            ("/home/someone/datasets/svhn/train.mat", "svhn/train.mat"),
            (r"C:\Users\someone\svhn\train.mat", "svhn/train.mat"),
            ("/train.mat", "train.mat"),
            ("datasets/svhn/train.mat", "datasets/svhn/train.mat"),
            ("embedded", "embedded"),
        ] {
            assert_eq!(of_data(path), shown);
        }
    }
}
