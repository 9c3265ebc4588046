//! `experiments report`: the page of a results folder. What a browser makes of it is tested in `tests/browser`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use super::{experiments, one_run, runs};

fn report(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    command.arg("report").args(arguments).current_dir(folder);
    command
}

/// Two methods and two seeds in `quick`.
fn grid(folder: &Path) {
    let more = [
        "--set",
        "methods=[\"nls\", \"ls\"]",
        "--set",
        "seeds=[42, 43]",
    ];
    experiments(folder, &one_run(&more)).assert().success();
}

fn page(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

/// The JSON in a page.
fn data(page: &str) -> Value {
    let start = "id=\"data\">";
    let from = page.find(start).unwrap() + start.len();
    let length = page[from..].find("</script>").unwrap();
    serde_json::from_str(&page[from..from + length]).unwrap()
}

#[test]
fn the_quick_preset_ends_with_its_report() {
    let folder = TempDir::new().unwrap();
    let more = [
        "--set",
        "methods=[\"nls\", \"ls\"]",
        "--set",
        "seeds=[42, 43]",
    ];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success()
        .stdout(contains("report: ").and(contains("report.html")));
    let page = page(folder.path().join("quick/report.html"));
    assert_eq!(
        page.matches("<tr data-dataset=\"fashion-mnist\"").count(),
        2
    );
    assert!(
        page.contains("<td>42, 43</td>") && page.contains(" ± "),
        "mean and deviation"
    );
    assert_eq!(page.matches("<details class=\"run\"").count(), 4);
    let data = data(&page);
    let runs_of_page = data["problems"][0]["runs"].as_array().unwrap();
    assert_eq!(runs_of_page.len(), 4);
    for run in runs_of_page {
        let directory = folder
            .path()
            .join("quick")
            .join(run["folder"].as_str().unwrap());
        let losses = super::numbers(&directory.join("metrics.csv"), "loss");
        let shown: Vec<f64> = serde_json::from_value(run["loss"]["y"].clone()).unwrap();
        assert_eq!(losses.len(), shown.len());
        for (loss, shown) in losses.iter().zip(shown) {
            assert!((loss / shown - 1.0).abs() < 1e-5, "{loss} and {shown}");
        }
    }
    // Of both seeds of a method together: the middle, and the range.
    let together = data["problems"][0]["seeds"].as_array().unwrap();
    assert_eq!(together.len(), 2);
    for method in together {
        assert_eq!(method["count"], 2);
        let is_of_it = |run: &&Value| run["method"] == method["method"];
        let runs = runs_of_page.iter().filter(is_of_it);
        let y = |curve: &Value| serde_json::from_value::<Vec<f64>>(curve["y"].clone()).unwrap();
        let losses: Vec<Vec<f64>> = runs.map(|run| y(&run["loss"])).collect();
        let loss = &method["loss"];
        let [middle, low, high] = [&loss["median"], &loss["range"][0], &loss["range"][1]].map(y);
        assert_eq!((losses.len(), middle.len()), (2, losses[0].len()));
        for (place, middle) in middle.iter().enumerate() {
            let (a, b) = (losses[0][place], losses[1][place]);
            assert!((middle / (0.5 * (a + b)) - 1.0).abs() < 2e-5, "{place}");
            assert_eq!((low[place], high[place]), (a.min(b), a.max(b)), "{place}");
        }
    }
    assert!(
        !page.contains("http-equiv=\"refresh\"") && !page.contains("src=\"http"),
        "no network"
    );
}

/// The table at the end of a grid, that of `experiments table` and that of the page, of runs that ended in several ways.
#[test]
fn all_tables_of_a_grid_say_the_same() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[\"nls\", \"ls\", {name=\"gd\", step_size=1e30}]";
    let more = ["--set", methods, "--set", "seeds=[1, 2, 3]"];
    let made = experiments(folder.path(), &one_run(&more)).assert().code(1);
    let printed = String::from_utf8(made.get_output().stdout.clone()).unwrap();
    let summary = fs::read_to_string(folder.path().join("quick/summary.txt")).unwrap();
    assert!(
        printed.starts_with(&summary),
        "printed and kept\n{printed}\n{summary}"
    );
    // One of the runs is interrupted after its first iteration, another before.
    let all = runs(folder.path());
    for (run, rows) in [("-nls-2-", 2), ("-nls-3-", 1)] {
        let run = all.iter().find(|path| path.to_string_lossy().contains(run));
        let run = run.unwrap();
        let mut file = super::run_file(run);
        file["status"] = "interrupted".into();
        file["totals"] = serde_json::json!({ "iterations": rows - 1 });
        fs::write(run.join("run.json"), file.to_string()).unwrap();
        let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
        let kept: Vec<&str> = metrics.split_inclusive('\n').take(rows).collect();
        fs::write(run.join("metrics.csv"), kept.concat()).unwrap();
    }
    // The same command makes these two anew; without that, the page and the table are of the folder as it is.
    let program = || Command::new(cargo_bin("experiments"));
    let table = |format: &str| {
        let mut command = program();
        let command = command.args(["table", "quick", "--format", format]);
        let output = command.current_dir(folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    report(folder.path(), &["quick"]).assert().success();
    let page = page(folder.path().join("quick/report.html"));
    // A row's cells without their marks: `| NLS | 1–3 | done 1, interrupted 2 | … |` and `<td>NLS</td>`.
    let markdown = table("markdown").replace("**", "");
    let of_table: Vec<Vec<&str>> = (markdown.lines().filter(|line| line.starts_with("| ")))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let of_page = |line: &str| -> Option<String> {
        let cell = line.strip_prefix("<t")?.split_once('>')?.1;
        let end = cell.find([' ', '<']).filter(|_| cell.contains(" <span"));
        Some(cell[..end.or(cell.find("</t"))?].to_owned())
    };
    let [header, rows @ ..] = &of_table[..] else {
        panic!("{markdown}")
    };
    assert_eq!(rows.len(), 3, "{markdown}");
    for name in &header[..] {
        assert!(
            page.contains(&format!(">{}</th>", name.replace('>', "&gt;"))),
            "{name}"
        );
    }
    for row in rows {
        let start = page
            .find(&format!("<th scope=\"row\">{}</th>", row[0]))
            .unwrap();
        let lines = page[start..].lines().map_while(of_page);
        assert_eq!(lines.collect::<Vec<_>>(), row[..], "{}", row[0]);
    }
    let states: Vec<&str> = rows.iter().map(|row| row[2]).collect();
    assert_eq!(states, ["done", "done 1, interrupted 2", "diverged"]);
    // Given again, the command makes up for what is missing; then all three are of the same runs.
    experiments(folder.path(), &one_run(&more)).assert().code(1);
    let summary = fs::read_to_string(folder.path().join("quick/summary.txt")).unwrap();
    assert_eq!(summary, table("text"));
}

#[test]
fn damaged_half_written_and_foreign_folders_are_named_and_the_rest_is_shown() {
    let folder = TempDir::new().unwrap();
    grid(folder.path());
    let all = runs(folder.path());
    fs::write(all[0].join("run.json"), "{ \"status\": \"do").unwrap();
    // A row that a crash cut off.
    let metrics = all[1].join("metrics.csv");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 60]).unwrap();
    fs::remove_file(all[2].join("run.json")).unwrap();
    let foreign = folder.path().join("quick/foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(
        foreign.join("run.json"),
        "{ \"name\": \"another program\" }",
    )
    .unwrap();
    fs::create_dir(folder.path().join("quick/empty")).unwrap();
    fs::write(foreign.join("spectrum.json"), "[]").unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    report(folder.path(), &["quick", "-o", "page.html"])
        .assert()
        .success()
        .stdout("report: page.html\n")
        .stderr(contains(format!(
            "{}/run.json is no run file",
            name(&all[0])
        )))
        .stderr(contains(format!(
            "{}/metrics.csv: the last row is half-written and left out",
            name(&all[1])
        )))
        .stderr(contains(format!(
            "{} has a config.toml but no run.json",
            name(&all[2])
        )))
        .stderr(contains("foreign/run.json is no run file"))
        .stderr(contains("foreign/spectrum.json: holds no spectrum"))
        .stderr(contains("empty").not());
    let page = page(folder.path().join("page.html"));
    assert!(page.contains("4 left out"));
    assert_eq!(page.matches("<tr data-dataset").count(), 2);
    assert!(
        !page.contains(&folder.path().display().to_string()),
        "a path of this machine"
    );
}

#[test]
fn folders_without_a_run_are_refused_with_the_next_step() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("empty/inner")).unwrap();
    fs::create_dir(folder.path().join("broken")).unwrap();
    fs::write(folder.path().join("broken/run.json"), "[]").unwrap();
    for (argument, message) in [
        ("missing", "cannot read the folder missing: give one"),
        (
            "empty",
            "empty holds no run that can be read: give a folder",
        ),
        ("broken", "broken/run.json is no run file"),
    ] {
        report(folder.path(), &[argument])
            .assert()
            .code(2)
            .stderr(contains(message));
        assert!(!folder.path().join(argument).join("report.html").exists());
    }
}

/// A running grid: a run without an end, one without an iteration, one that diverged to infinity.
#[test]
fn runs_under_way_and_diverged_ones_are_shown() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[{name=\"gd\", step_size=1e30}, \"ls\", \"nls\"]";
    experiments(folder.path(), &one_run(&["--set", methods]))
        .assert()
        .code(1);
    let all = runs(folder.path());
    let change = |run: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(run.join("run.json")).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(run.join("run.json"), text.replace(from, to)).unwrap();
    };
    change(&all[1], "\"done\"", "\"running\"");
    change(&all[1], "\"owner\"", "\"no owner\""); // it has ended
    change(&all[2], "\"done\"", "\"failed\"");
    change(&all[2], "\"iterations\": 7", "\"iterations\": 0");
    for file in ["metrics.csv", "sharpness.csv"] {
        let text = fs::read_to_string(all[2].join(file)).unwrap();
        fs::write(all[2].join(file), text.lines().next().unwrap()).unwrap();
    }
    report(folder.path(), &["."]).assert().success();
    let page = page(folder.path().join("report.html"));
    for status in ["running", "failed", "diverged"] {
        assert!(
            page.contains(&format!("<td class=\"open\">{status}</td>")),
            "{status}"
        );
    }
}

#[test]
fn what_comes_from_files_is_escaped() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&[])).assert().success();
    let evil = "</script><script>alert(1)</script><!--";
    let run = runs(folder.path()).remove(0);
    let mut file = super::run_file(&run);
    file["reason"] = evil.into();
    file["provenance"]["device"] = evil.into();
    file["provenance"]["data"] = serde_json::json!([
        { "path": "/home/someone/svhn/train.mat", "sha256": "1", "state": "official" }
    ]);
    fs::write(run.join("run.json"), file.to_string()).unwrap();
    // A folder cannot bear a slash.
    let named = run.with_file_name("<img src=x onerror=alert(1)>&\"'");
    fs::rename(&run, named).unwrap();
    report(folder.path(), &["quick"]).assert().success();
    let page = page(folder.path().join("quick/report.html"));
    assert!(
        !page.contains("<script>alert(1)") && !page.contains("<img"),
        "not escaped"
    );
    assert!(page.contains("&lt;script&gt;alert(1)"), "not shown");
    assert!(
        page.contains("svhn&#x2f;train.mat") && !page.contains("someone"),
        "what lies above a folder of data is of one machine"
    );
    let of_data = data(&page);
    let name = of_data["problems"][0]["runs"][0]["folder"]
        .as_str()
        .unwrap();
    assert_eq!(name, "<img src=x onerror=alert(1)>&\"'");
}

/// The system's opener is asked to open the page.
#[cfg(target_os = "linux")]
#[test]
fn open_shows_the_page() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&[])).assert().success();
    let opener = folder.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\necho \"$1\" > \"$0.asked\"\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    report(folder.path(), &["quick", "--open"])
        .env("PATH", path)
        .assert()
        .success();
    let asked = folder.path().join("xdg-open.asked");
    let is_asked =
        || fs::read_to_string(&asked).is_ok_and(|text| text.trim().ends_with("report.html"));
    let found = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        is_asked()
    });
    assert!(found, "nobody was asked to open the page");
}
