use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use tempfile::TempDir;

use flatland_records::lock::Lock;
use flatland_records::{Owner, RunFile};
use ratatui::style::Color;

use super::*;
use crate::watch::palette::is_colored;
use crate::watch::runs::Overview;
use crate::watch::snapshot;
use crate::watch::testing::{append_measurement, run};

/// One of each kind.
fn grid() -> (TempDir, Runs) {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "a-done", Status::Done, 100, 1.5);
    run(folder.path(), "b-running", Status::Running, 25, 2.5);
    run(folder.path(), "c-failed", Status::Failed, 3, 0.5);
    std::fs::create_dir(folder.path().join("foreign")).unwrap();
    std::fs::write(folder.path().join("foreign/run.json"), "{}").unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let mut runs = Runs::new(folder.path());
    while runs.refresh(Duration::MAX) {}
    (folder, runs)
}

fn draw(view: &mut View, runs: &Runs, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let draw = |frame: &mut Frame<'_>| view.draw(frame, runs, SystemTime::now(), false);
    terminal.draw(draw).unwrap().buffer.clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = buffer.area.width as usize;
    let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    cells.chunks(width).map(|line| line.concat()).collect()
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

#[test]
fn eighty_columns_show_every_run_and_what_matters_of_it() {
    let (_folder, runs) = grid();
    let lines = lines(&draw(&mut View::new(Palette::new(true)), &runs, (80, 24)));
    let all = lines.join("\n");
    assert!(all.contains("1 running, 1 failed, 1 done of 3"), "{all}");
    // 100 + 25 + 3 of 100 + 100 + 100; the rate is that of the one under way.
    assert!(
        all.contains("128 of 300 iterations begun, 10.0/s, 8 s left"),
        "{all}"
    );
    assert!(
        all.contains("left out: foreign: run.json is no run file")
            || all.contains("foreign: cannot read"),
        "{all}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("GD 1 ")) && !all.contains("cifar10"),
        "{all}"
    );
    let line = |state: &str| {
        lines
            .iter()
            .find(|line| line.contains(state))
            .unwrap_or_else(|| panic!("{state}: {all}"))
    };
    let running = line("25/100");
    assert!(
        running.contains("▲2.50") && running.contains("10.0"),
        "{running}"
    );
    assert!(running.contains("█▇▅▄▃▁"), "{running}");
    assert!(running.trim_end().ends_with("8 s"), "{running}");
    assert!(line("▽1.50").contains(" done "));
    assert!(all.contains("q quit"));
}

#[test]
fn the_selected_run_is_shown_in_detail_and_stays_selected() {
    let (folder, mut runs) = grid();
    let mut view = View::new(Palette::new(true));
    assert!(
        lines(&draw(&mut view, &runs, (80, 24)))
            .join("\n")
            .contains(" a-done ")
    );
    view.press(key(KeyCode::End), &runs);
    let all = lines(&draw(&mut view, &runs, (80, 24))).join("\n");
    for text in [
        " c-failed ",
        "panicked: out of luck",
        "training loss",
        "3 of 100",
    ] {
        assert!(all.contains(text), "{text}: {all}");
    }
    run(folder.path(), "aa-new", Status::Running, 1, 1.0);
    while runs.refresh(Duration::MAX) {}
    draw(&mut view, &runs, (80, 24));
    assert!(view.selected().unwrap().ends_with("c-failed"));
    view.press(key(KeyCode::Up), &runs);
    assert!(view.selected().unwrap().ends_with("b-running"));
    view.press(key(KeyCode::Tab), &runs);
    view.press(key(KeyCode::Right), &runs);
    let all = lines(&draw(&mut view, &runs, (80, 24))).join("\n");
    assert!(all.contains("η·λ₁, and 2"), "{all}");
    for code in [KeyCode::PageUp, KeyCode::Home, KeyCode::Up] {
        view.press(key(code), &runs);
    }
    assert!(view.selected().unwrap().ends_with("a-done"));
    for _ in 0..9 {
        view.press(key(KeyCode::Char('j')), &runs);
    }
    assert!(
        view.selected().unwrap().ends_with("c-failed"),
        "the last one is the end"
    );
    std::fs::remove_dir_all(folder.path().join("c-failed")).unwrap();
    while runs.refresh(Duration::MAX) {}
    assert!(
        lines(&draw(&mut view, &runs, (80, 24)))
            .join("\n")
            .contains(" a-done ")
    );
}

/// A run that has converged was measured at its last point too, from which it took no step.
#[test]
fn the_product_shown_is_that_of_the_last_step() {
    let (folder, mut runs) = grid();
    append_measurement(&folder.path().join("a-done"), 99, 4.0, 0.0);
    while runs.refresh(Duration::MAX) {}
    let all = lines(&draw(&mut View::new(Palette::new(true)), &runs, (80, 24))).join("\n");
    assert!(all.contains("4.00 at 99") && all.contains("▽1.50"), "{all}");
    assert!(!all.contains("▽0 "), "{all}");
    assert!(!snapshot(&runs, SystemTime::now()).contains("▽0 "));
}

/// Records may come from anybody, and `--once` prints them.
#[test]
fn a_reason_tells_a_terminal_nothing() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "run", Status::Failed, 2, 1.0);
    let directory = folder.path().join("run");
    let mut file = RunFile::read(&directory).unwrap().unwrap();
    file.reason = Some("a\u{1b}]0;b\u{7}\u{9b}c\nd".to_owned());
    file.write(&directory).unwrap();
    let mut printed = Vec::new();
    crate::terminal::print_to(&mut printed, &crate::watch::text_of(folder.path()));
    let text = String::from_utf8(printed).unwrap();
    assert!(text.contains("failed: a�]0;b��c\nd\n"), "{text}");
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control())
    );
}

#[test]
fn three_keys_quit() {
    let (_folder, runs) = grid();
    let mut view = View::new(Palette::new(true));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for quit in [key(KeyCode::Char('q')), key(KeyCode::Esc), control_c] {
        assert_eq!(view.press(quit, &runs), Answer::Quit);
    }
    for stay in [KeyCode::Char('c'), KeyCode::Enter, KeyCode::Down] {
        assert_eq!(view.press(key(stay), &runs), Answer::Stay);
    }
}

#[test]
fn any_size_can_be_drawn() {
    let (_folder, runs) = grid();
    let mut view = View::new(Palette::new(true));
    view.press(key(KeyCode::Tab), &runs);
    for size in [
        (1, 1),
        (8, 3),
        (20, 5),
        (40, 15),
        (40, 16),
        (80, 24),
        (250, 90),
    ] {
        let lines = lines(&draw(&mut view, &runs, size));
        assert_eq!(lines.len(), size.1 as usize);
    }
    let wide = lines(&draw(&mut view, &runs, (140, 30))).join("\n");
    assert!(wide.contains("it/s"), "{wide}");
}

#[test]
fn without_colours_nothing_is_coloured_and_states_differ() {
    let (_folder, runs) = grid();
    let colors = |is_colored| {
        let buffer = draw(&mut View::new(Palette::new(is_colored)), &runs, (80, 24));
        buffer
            .content
            .iter()
            .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            .count()
    };
    assert!(colors(true) > 0);
    assert_eq!(colors(false), 0);
    assert!(is_colored(None) && is_colored(Some("".as_ref())) && !is_colored(Some("1".as_ref())));
}

#[test]
fn an_empty_folder_waits_and_then_shows_what_comes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("grid");
    let mut runs = Runs::new(&path);
    let mut view = View::new(Palette::new(true));
    let mut text = |runs: &mut Runs| {
        while runs.refresh(Duration::MAX) {}
        lines(&draw(&mut view, runs, (200, 24))).join("\n")
    };
    assert!(text(&mut runs).contains("grid is not there yet: waiting"));
    std::fs::create_dir(&path).unwrap();
    assert!(text(&mut runs).contains("grid holds no run yet: waiting"));
    run(&path, "run", Status::Running, 2, 1.0);
    assert!(text(&mut runs).contains("2/100"));
    run(&path, "run", Status::Running, 7, 1.0);
    assert!(text(&mut runs).contains("7/100"));
    assert!(runs.problems.is_empty(), "{:?}", runs.problems);
}

#[test]
fn a_run_that_is_begun_anew_is_shown_from_its_start() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "run", Status::Interrupted, 50, 1.0);
    let mut runs = Runs::new(folder.path());
    while runs.refresh(Duration::MAX) {}
    run(folder.path(), "run", Status::Running, 2, 1.0);
    while runs.refresh(Duration::MAX) {}
    let run = &runs.runs[&folder.path().join("run")];
    assert_eq!((run.iterations(), run.curve(Series::Loss).len()), (2, 2));
}

/// The process of a run is gone, and no file says so.
#[test]
fn a_run_without_its_lock_is_shown_as_killed() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("run");
    run(folder.path(), "run", Status::Running, 2, 1.0);
    let mut file = RunFile::read(&directory).unwrap().unwrap();
    file.owner = Some(Owner::this());
    let lock = Lock::take(&directory).unwrap().unwrap();
    file.write(&directory).unwrap();
    let mut runs = Runs::new(folder.path());
    let mut status = || {
        while runs.refresh(Duration::MAX) {}
        runs.runs[&directory].file.status
    };
    assert_eq!(status(), Status::Running);
    drop(lock);
    assert_eq!(status(), Status::Killed);
    assert_eq!(status(), Status::Killed);
}

#[test]
fn a_run_that_records_nothing_is_called_silent() {
    let (_folder, runs) = grid();
    let later = SystemTime::now() + Duration::from_secs(600);
    let overview = runs.overview(later);
    assert_eq!((overview.running, overview.silent), (0, 1));
    assert_eq!(overview.left, None);
    let text = snapshot(&runs, later);
    assert!(
        text.contains("silent") && !text.contains("running"),
        "{text}"
    );
    let run = runs.runs.values().nth(1).unwrap();
    assert!(
        run.silence(SystemTime::now() + Duration::from_secs(50))
            .is_none()
    );
}

#[test]
fn little_time_for_reading_is_made_up_for_later() {
    let (_folder, all) = grid();
    let mut runs = Runs::new(&all.folder);
    // A piece at a time, of a run each.
    for _ in 1..all.runs.len() {
        assert!(runs.refresh(Duration::ZERO));
    }
    assert!(!runs.refresh(Duration::ZERO));
    let lengths =
        |runs: &Runs| Vec::from_iter(runs.runs.values().map(|run| run.curve(Series::Loss).len()));
    assert_eq!(lengths(&runs), lengths(&all));
}

#[test]
fn more_rows_than_were_asked_for_are_no_trouble() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "run", Status::Running, 130, 1.0);
    let mut runs = Runs::new(folder.path());
    while runs.refresh(Duration::MAX) {}
    let overview = runs.overview(SystemTime::now());
    assert_eq!(
        (overview.iterations, overview.left),
        ((130, 130), Some(Duration::ZERO))
    );
    let all = lines(&draw(&mut View::new(Palette::new(true)), &runs, (80, 24))).join("\n");
    assert!(all.contains("130/100"), "{all}");
    let beyond = Overview {
        iterations: (130, 100),
        ..Overview::default()
    };
    assert!(progress(&beyond, 80).starts_with(&"█".repeat(20)));
    let long = Overview {
        iterations: (299_999, 600_000),
        rate: 0.9445,
        left: Some(Duration::from_secs(9000)),
        ..Overview::default()
    };
    let text = progress(&long, 80);
    assert_eq!(
        text,
        "██░░░ 299999 of 600000 iterations begun, 0.9445/s, 2.5 h left for the runs begun"
    );
    assert_eq!(text.chars().count(), 80);
}

/// `clean` renames a directory before it removes it, and may be killed meanwhile.
#[test]
fn what_is_being_removed_is_no_run() {
    let (folder, mut runs) = grid();
    let removed = format!("{}a-done", flatland_records::folder::REMOVED);
    std::fs::rename(folder.path().join("a-done"), folder.path().join(removed)).unwrap();
    while runs.refresh(Duration::MAX) {}
    let names: Vec<String> = runs.runs.keys().map(|path| runs.name(path)).collect();
    assert_eq!(names, ["b-running", "c-failed"]);
}
