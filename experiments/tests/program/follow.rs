//! `experiments watch` and `experiments serve`, which follow a running grid.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use super::{experiments, one_run, runs};

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("experiments"));
    command.args(arguments).current_dir(folder);
    command
}

fn watch(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = program(folder, &["watch"]);
    command.args(arguments);
    assert_cmd::Command::from_std(command)
}

/// A run of NLS that is done, one of LS that looks as if it were under way, and a folder of another program.
fn grid() -> TempDir {
    let folder = TempDir::new().unwrap();
    let methods = ["--set", "methods=[\"nls\", \"ls\"]"];
    experiments(folder.path(), &one_run(&methods))
        .assert()
        .success();
    let run = runs(folder.path())
        .into_iter()
        .find(|run| run.to_string_lossy().contains("-ls-"))
        .unwrap();
    let file = fs::read_to_string(run.join("run.json")).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&file).unwrap();
    file["status"] = "running".into();
    file.as_object_mut().unwrap().remove("owner"); // which has ended
    fs::write(
        run.join("run.json"),
        serde_json::to_string_pretty(&file).unwrap(),
    )
    .unwrap();
    // It is in the middle of its sixth row.
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    let end = metrics.match_indices('\n').nth(5).unwrap().0;
    fs::write(run.join("metrics.csv"), &metrics[..end + 5]).unwrap();
    let foreign = folder.path().join("quick/foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(
        foreign.join("run.json"),
        "{ \"name\": \"another program\" }",
    )
    .unwrap();
    folder
}

#[test]
fn without_a_terminal_watch_prints_one_table() {
    let folder = grid();
    let state = || {
        contains("quick: 1 running, 1 done of 2")
            .and(contains("12 of 14 iterations begun"))
            .and(contains("│ NLS ┆ done    ┆  7/7 ┆"))
            .and(contains("│ LS  ┆ running ┆  5/7 ┆"))
            .and(contains("left out: foreign: "))
            .and(contains("\u{1b}").not())
    };
    watch(folder.path(), &["quick"])
        .assert()
        .success()
        .stdout(state())
        .stderr("");
    watch(folder.path(), &["quick", "--once"])
        .assert()
        .success()
        .stdout(state());
}

#[test]
fn watch_says_what_it_cannot_read() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    watch(folder.path(), &["empty"])
        .assert()
        .success()
        .stdout("empty holds no run yet\n");
    watch(folder.path(), &["missing", "--once"])
        .assert()
        .code(2)
        .stderr(contains("there is no folder missing: give the one"));
    watch(folder.path(), &["file"])
        .assert()
        .code(2)
        .stderr(contains("file is no folder"));
    watch(folder.path(), &["--every", "0"])
        .assert()
        .code(2)
        .stderr(contains("0 is not in 1..=3600"));
}

/// A terminal of 80 columns with the program in it, through script(1).
#[cfg(target_os = "linux")]
struct Terminal {
    script: Child,
    /// The process in the terminal.
    process: String,
    shown: String,
}

#[cfg(target_os = "linux")]
impl Terminal {
    /// Nothing if there is no script(1).
    fn open(folder: &Path, arguments: &str) -> Option<Self> {
        let program = cargo_bin("experiments");
        let command = format!(
            "stty cols 80 rows 24; echo $$.; exec '{}' {arguments}",
            program.display()
        );
        let script = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .current_dir(folder)
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(script) = script else {
            eprintln!("skipped: there is no script(1)");
            return None;
        };
        let mut terminal = Self {
            script,
            process: String::new(),
            shown: String::new(),
        };
        terminal.wait_for(".");
        let (process, _) = terminal.shown.split_once('.').unwrap(); // more may have come at once
        terminal.process = process.trim().to_owned();
        Some(terminal)
    }

    /// Reads what is shown until it has a word in it. Only what has changed
    /// is written, so it must be a word of letters that are nowhere near on the screen before.
    fn wait_for(&mut self, text: &str) {
        let mut piece = [0; 4096];
        while !self.shown.contains(text) {
            let count = self
                .script
                .stdout
                .as_mut()
                .unwrap()
                .read(&mut piece)
                .unwrap();
            assert!(count > 0, "{text} is not in {:?}", self.shown);
            self.shown += &String::from_utf8_lossy(&piece[..count]);
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.script.stdin.as_mut().unwrap().write_all(keys).unwrap();
    }

    /// The exit code, once the program has ended and put the terminal right.
    fn end(mut self) -> Option<i32> {
        self.wait_for("\u{1b}[?1049l");
        assert!(
            self.shown.rfind("\u{1b}[?25h") > self.shown.rfind("\u{1b}[?25l"),
            "no cursor"
        );
        self.script.wait().unwrap().code()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn watch_follows_a_grid_on_a_terminal_and_puts_it_right_again() {
    let folder = grid();
    let Some(mut terminal) = Terminal::open(folder.path(), "watch quick") else {
        return;
    };
    terminal.wait_for("5/7");
    let run = runs(folder.path())
        .into_iter()
        .find(|run| run.to_string_lossy().contains("-ls-"))
        .unwrap();
    let path = run.join("metrics.csv");
    let rows = fs::read_to_string(&path).unwrap();
    let (whole, half) = rows.split_at(rows.rfind('\n').unwrap() + 1);
    // The row that was half-written is completed.
    let row = whole.lines().next_back().unwrap().split(',').enumerate();
    let row = row.map(|(column, value)| match column {
        0 => "5",
        1 => "NaN",
        _ => value,
    });
    let row = Vec::from_iter(row).join(",");
    assert!(half.starts_with("5,"));
    fs::write(&path, format!("{whole}{row}\n")).unwrap();
    terminal.wait_for("NaN");
    let file = fs::read_to_string(run.join("run.json")).unwrap();
    let failed = file.replace("\"running\"", "\"failed\"");
    fs::write(
        run.join("run.json"),
        failed.replace("\"reason\": null", "\"reason\": \"ZZZZ\""),
    )
    .unwrap();
    terminal.wait_for("ZZZZ");
    terminal.press(b"q");
    assert_eq!(terminal.end(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn watch_puts_the_terminal_right_after_ctrl_c_and_after_a_signal() {
    let folder = grid();
    for is_signal in [false, true] {
        let Some(mut terminal) = Terminal::open(folder.path(), "watch not-there-yet") else {
            return;
        };
        terminal.wait_for("waiting");
        if is_signal {
            let kill = Command::new("kill")
                .args(["-TERM", &terminal.process])
                .status();
            assert!(kill.unwrap().success());
        } else {
            terminal.press(b"\x03");
        }
        assert_eq!(terminal.end(), Some(0));
    }
}

/// A server, and the address that it has printed. It is killed when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = program(folder, &["serve", "--port", "0"]);
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split("http://")
            .nth(1)
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let address = address.split('/').next().unwrap().to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_shows_a_grid_to_this_machine() {
    let folder = grid();
    let server = Server::start(folder.path(), &["quick"]);
    assert!(
        server.address.starts_with("127.0.0.1:"),
        "{}",
        server.address
    );
    let page = server.get("/").replace("&#x2f;", "/");
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("foreign/run.json is no run file")
    );
    assert_eq!(page.matches("<details class=\"run\"").count(), 2);
    let link = page
        .split("href=\"files/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(
        server
            .get(&format!("/files/{link}"))
            .contains("dataset = \"fashion-mnist\"")
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_serve() {
    let folder = TempDir::new().unwrap();
    let mut server = Server::start(folder.path(), &["not-there-yet"]);
    assert!(
        server
            .get("/")
            .contains("cannot read the folder not-there-yet")
    );
    let kill = Command::new("kill")
        .args(["-INT", &server.child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn serve_warns_those_who_let_others_in_and_names_what_it_cannot_have() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut server = Server::start(folder.path(), &["--host", "0.0.0.0"]);
    let mut warning = String::new();
    BufReader::new(server.child.stderr.take().unwrap())
        .read_line(&mut warning)
        .unwrap();
    assert!(
        warning.contains("anybody who can reach this machine's port"),
        "{warning}"
    );
    let port = server.address.rsplit(':').next().unwrap();
    let refused = |arguments: &[&str]| {
        let mut command = program(folder.path(), &["serve"]);
        command.args(arguments);
        assert_cmd::Command::from_std(command).assert().code(2)
    };
    refused(&["--host", "0.0.0.0", "--port", port])
        .stderr(contains("cannot listen on 0.0.0.0:").and(contains("--port 0")));
    refused(&["file"]).stderr(contains("file is no folder"));
    refused(&["--host", "everywhere"]).stderr(contains("invalid value 'everywhere'"));
}
