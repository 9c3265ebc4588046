//! Pictures of finished runs.

use std::path::Path;

use predicates::prelude::*;
use tempfile::TempDir;

use super::{four_runs, report};
use crate::{experiments, numbers, one_run, runs};

#[test]
fn figures_have_a_column_for_each_problem_and_one_legend() {
    let folder = TempDir::new().unwrap();
    let more = [
        "--set",
        "methods=[\"nls\",{name=\"sam\",step_size=0.1}]",
        "--set",
        "networks=[\"mlp\",{name=\"mlp\",widths=[20]}]",
    ];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    report(folder.path(), &["plot", "quick", "--figure", "fig1"])
        .assert()
        .success()
        .stdout(predicate::str::contains("quick/fig1.svg"));
    let svg = std::fs::read_to_string(folder.path().join("quick/fig1.svg")).unwrap();
    let count = |text: &str| svg.lines().filter(|line| line.trim() == text).count();
    for text in [
        "NLS",
        "SAM",
        "edge of SAM",
        "training loss",
        "test accuracy (%)",
    ] {
        assert_eq!(count(text), 1, "{text}");
    }
    assert_eq!(count("iteration"), 2, "below each column");
    assert_eq!(count("2/K = 0.2"), 2);
    assert_eq!(count("fashion-mnist × mlp (mse), network.widths = [20]"), 1);
    report(folder.path(), &["plot", "quick", "--figure", "fig4"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "--figure fig4 needs a run of nls with segments",
        ));
    report(folder.path(), &["plot", "quick", "--seed", "1"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "--seed 1: there is no such run; seeds are 42",
        ));
}

fn plot(folder: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    let arguments = [&["plot", "quick", "--figure", "all"], more].concat();
    report(folder, &arguments).assert()
}

/// Width and height, pixels in a metre, and red, green and blue of every pixel.
fn pixels(path: &Path) -> ((u32, u32), u32, Vec<u8>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut bytes).unwrap();
    let info = reader.info();
    let per_meter = info.pixel_dims.unwrap().xppu;
    ((info.width, info.height), per_meter, bytes)
}

#[test]
fn pictures_are_svg_png_and_pdf() {
    let folder = four_runs();
    let folder = folder.path();
    plot(folder, &[]).success();
    let svg = std::fs::read_to_string(folder.join("quick/all.svg")).unwrap();
    let size = |name: &str| -> f64 {
        let (_, after) = svg.split_once(&format!(" {name}=\"")).unwrap();
        after.split('"').next().unwrap().parse().unwrap()
    };
    let (width, height) = (size("width"), size("height"));

    plot(folder, &["-o", "wide.png", "--width", "700"]).success();
    let ((across, down), _, colors) = pixels(&folder.join("wide.png"));
    assert_eq!(
        (across, down),
        (700, (height * 700.0 / width).round() as u32)
    );
    // Words, lines and two methods' colours on white.
    let share = |is: &dyn Fn(&[u8]) -> bool| {
        let count = colors.chunks_exact(3).filter(|pixel| is(pixel)).count();
        count as f64 / f64::from(across * down)
    };
    assert!((0.5..0.98).contains(&share(&|pixel| pixel == [255; 3])));
    assert!(
        share(&|pixel| pixel.iter().all(|&channel| channel < 40)) > 1e-3,
        "words"
    );
    assert!(share(&|pixel| pixel == [213, 94, 0]) > 1e-4, "NLS");

    plot(folder, &["--format", "png", "--dpi", "192"]).success();
    let (size, per_meter, _) = pixels(&folder.join("quick/all.png"));
    assert_eq!(
        size,
        ((2.0 * width).round() as u32, (2.0 * height).round() as u32)
    );
    assert_eq!(per_meter, 7559, "192 in an inch of 2.54 cm");

    plot(folder, &["-o", "figure.pdf"]).success();
    let pdf = std::fs::read(folder.join("figure.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
    let has = |words: &[u8]| pdf.windows(words.len()).any(|part| part == words);
    let page = format!("/MediaBox [0 0 {} ", 0.75 * width);
    assert!(
        has(page.as_bytes()),
        "{page}: as large as the SVG, in points"
    );
    assert!(!has(b"/Font "), "words are lines");
}

#[test]
fn what_a_picture_cannot_be_is_refused_with_the_next_step() {
    let folder = four_runs();
    for (arguments, message) in [
        (
            &["-o", "all.jpg"][..],
            "--output all.jpg: end the name in .svg, .png or .pdf",
        ),
        (
            &["--dpi", "300"],
            "--dpi is for PNG, and the picture is SVG",
        ),
        (
            &["-o", "all.pdf", "--width", "300"],
            "--width is for PNG, and the picture is PDF",
        ),
        (&["--format", "png", "--dpi", "5"], "5 is not in 10..=2400"),
        (
            &["--format", "png", "--width", "20000"],
            "pixels are more than 1e8",
        ),
    ] {
        let refused = plot(folder.path(), arguments).code(2);
        refused.stderr(predicate::str::contains(message));
    }
}

/// The band of a method goes from the least to the largest value in the CSV files, and the curve through their middle.
#[test]
fn several_seeds_have_a_median_and_a_band() {
    let folder = four_runs();
    plot(folder.path(), &[]).success();
    let svg = std::fs::read_to_string(folder.path().join("quick/all.svg")).unwrap();
    assert!(svg.contains("all, median and range of seeds 1, 2"));
    let places = |line: &str| -> Vec<(f64, f64)> {
        let (_, after) = line.split_once("points=\"").unwrap();
        let points = after.split('"').next().unwrap().split_whitespace();
        let place = |point: &str| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        points.map(place).collect()
    };
    // The first band and the first curve below the legend are those of the loss of LS, then NLS.
    let color = "#D55E00";
    let of_nls = |start: &str| -> Vec<(f64, f64)> {
        let lines = svg
            .lines()
            .filter(|line| line.starts_with(start) && line.contains(color));
        places(lines.into_iter().nth(1).unwrap())
    };
    let (band, curve) = (of_nls("<polygon"), of_nls("<polyline"));
    let losses: Vec<Vec<f64>> = (runs(folder.path()).iter())
        .filter(|run| run.to_string_lossy().contains("-nls-"))
        .map(|run| numbers(&run.join("metrics.csv"), "loss"))
        .collect();
    let [a, b] = &losses[..] else {
        panic!("two seeds")
    };
    let count = a.len();
    assert_eq!((curve.len(), band.len()), (count, 2 * count));
    // The axis is logarithmic: what the first two points of the curve say of it holds for all.
    let middle: Vec<f64> = a
        .iter()
        .zip(b)
        .map(|(a, b)| (0.5 * (a + b)).log10())
        .collect();
    let (first, other) = (0, count - 1);
    let scale = (curve[other].1 - curve[first].1) / (middle[other] - middle[first]);
    let height = |value: f64| curve[first].1 + scale * (value - middle[first]);
    for place in 0..count {
        let (low, high) = (
            a[place].min(b[place]).log10(),
            a[place].max(b[place]).log10(),
        );
        for (drawn, value) in [
            (curve[place], middle[place]),
            (band[place], high),
            (band[2 * count - 1 - place], low),
        ] {
            assert!((drawn.1 - height(value)).abs() < 3.0, "{place}: {drawn:?}");
        }
    }
    plot(folder.path(), &["--seed", "2"]).success();
    let svg = std::fs::read_to_string(folder.path().join("quick/all.svg")).unwrap();
    assert!(svg.contains("all, seed 2") && !svg.contains("<polygon"));
}

#[test]
fn only_the_runs_that_are_named_are_drawn() {
    let folder = four_runs();
    plot(folder.path(), &["--only", "method=nls", "--only", "seed=2"]).success();
    let svg = std::fs::read_to_string(folder.path().join("quick/all.svg")).unwrap();
    let has = |text: &str| svg.lines().any(|line| line.trim() == text);
    assert!(has("NLS") && !has("LS") && has("all, seed 2"), "{svg}");
    for (choice, message) in [
        (
            "network=cnn,mlp",
            "--only network=cnn,mlp: no run of this figure has \"cnn\"; there is mlp",
        ),
        ("nls", "--only nls: expected key=value"),
        ("width=3", "--only width=3: the key must be dataset"),
    ] {
        plot(folder.path(), &["--only", choice])
            .code(2)
            .stderr(predicate::str::contains(message));
    }
}
