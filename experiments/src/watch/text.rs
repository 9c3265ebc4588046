//! Numbers, durations and curves in a few characters.

use std::time::{Duration, SystemTime};

use flatland_config::Status;
use flatland_records::text::counted;

use super::run::Run;
use super::runs::Overview;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Three digits, in at most seven characters.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => value.to_string(),
        0.0 => "0".to_owned(),
        1e-3..1.0 => format!("{value:.4}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        100.0..1e5 => format!("{value:.0}"),
        _ => format!("{value:.1e}"),
    }
}

/// The same of what may be unknown.
pub fn short_or_dash(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), short)
}

/// `η·λ₁`, and on which side of 2 it is: gradient descent with a step that long is unstable above.
pub fn against_two(product: f64) -> String {
    let mark = match product.partial_cmp(&2.0) {
        Some(std::cmp::Ordering::Greater) => "▲",
        Some(_) => "▽",
        None => " ",
    };
    format!("{mark}{}", short(product))
}

/// A duration to two digits or so: `12 s`, `3 min`, `2.5 h`, `4 d`.
pub fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 99.5 => format!("{seconds:.0} s"),
        seconds if seconds < 99.5 * 60.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds < 48.0 * 3600.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{:.0} d", seconds / 86400.0),
    }
}

/// A curve as bars on a logarithmic axis, the oldest left: the geometric mean of each stretch. What is not finite is
/// `!`, what is not positive the lowest bar.
pub fn spark(curve: &[(f64, f64)], width: usize) -> String {
    let bars = curve.len().min(width);
    let stretch = |bar: usize| &curve[bar * curve.len() / bars..(bar + 1) * curve.len() / bars];
    let mean = |points: &[(f64, f64)]| {
        let logs = points.iter().map(|(_, value)| match *value {
            value if value > 0.0 => value.ln(),
            value if value.is_nan() => f64::NAN,
            _ => f64::NEG_INFINITY,
        });
        logs.sum::<f64>() / points.len() as f64
    };
    let means: Vec<f64> = (0..bars).map(|bar| mean(stretch(bar))).collect();
    let finite = || means.iter().copied().filter(|mean| mean.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let bar = |mean: f64| match mean {
        f64::NEG_INFINITY => BARS[0],
        mean if !mean.is_finite() => '!',
        mean if high > low => BARS[((mean - low) / (high - low) * 7.0).round() as usize],
        _ => BARS[3],
    };
    means.into_iter().map(bar).collect()
}

/// The state of a run, and how far it is.
pub fn state(run: &Run, now: SystemTime) -> String {
    match run.file.status {
        Status::Running if run.silence(now).is_some() => "silent".to_owned(),
        Status::Running => format!("{}/{}", run.iterations(), run.asked()),
        status => status.to_string(),
    }
}

/// Time left, where the run is under way.
pub fn left(run: &Run, now: SystemTime) -> String {
    run.left(now).map_or(String::new(), duration)
}

/// How many runs are in which state.
pub fn counts(overview: &Overview, runs: usize) -> String {
    let counts = [
        (overview.running, "running"),
        (overview.silent, "silent"),
        (overview.failed, "failed"),
        (overview.interrupted, "interrupted"),
        (overview.ended, "done"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    if told.is_empty() {
        counted(runs, "run")
    } else {
        format!("{} of {runs}", told.join(", "))
    }
}

/// The most signs of the bar that shows how much is made, and the least.
const BAR: (usize, usize) = (5, 20);

/// Iterations made of those asked for, the rate of all runs together, and the time left, in a line that is no wider
/// than that if it can be. All this is of the runs that have been begun: of those that a grid has yet to begin, no
/// record tells.
pub fn progress(overview: &Overview, width: usize) -> String {
    let (made, asked) = overview.iterations;
    let share = match asked {
        0 => 0.0,
        asked => made as f64 / asked as f64,
    };
    let mut text = format!(" {made} of {asked} iterations begun");
    if overview.rate > 0.0 {
        text += &format!(", {}/s", short(overview.rate));
    }
    if let Some(left) = overview.left {
        text += &format!(", {} left for the runs begun", duration(left));
    }
    let bar = width.saturating_sub(text.len()).clamp(BAR.0, BAR.1);
    let full = bar.min((share * bar as f64) as usize);
    format!("{}{}{text}", "█".repeat(full), "░".repeat(bar - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_column() {
        let cases = [
            (0.031_96, "0.0320"),
            (6.3456, "6.35"),
            (29.91, "29.9"),
            (2760.4, "2760"),
            (1.234e-5, "1.2e-5"),
            (-0.0, "0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        for exponent in -98..98 {
            assert!(
                short(-9.996 * 10_f64.powi(exponent)).len() <= 8,
                "{exponent}"
            );
        }
        assert_eq!(against_two(2.39), "▲2.39");
        assert_eq!(against_two(2.0), "▽2.00");
        assert_eq!(duration(Duration::from_secs(99)), "99 s");
        assert_eq!(duration(Duration::from_secs(100)), "2 min");
        assert_eq!(duration(Duration::from_secs(9000)), "2.5 h");
    }

    #[test]
    fn a_spark_is_logarithmic_and_marks_what_is_not_finite() {
        let curve = |values: &[f64]| {
            let points = values.iter().enumerate();
            Vec::from_iter(points.map(|(at, value)| (at as f64, *value)))
        };
        assert_eq!(spark(&[], 6), "");
        assert_eq!(spark(&curve(&[5.0, 5.0]), 6), "▄▄");
        assert_eq!(spark(&curve(&[1.0, 10.0, 100.0]), 6), "▁▅█");
        assert_eq!(
            spark(&curve(&[1.0, f64::NAN, 100.0, f64::INFINITY, 0.0]), 6),
            "▁!█!▁"
        );
        // 1 and 100 in a stretch are like 10.
        assert_eq!(
            spark(&curve(&[1.0, 1.0, 1.0, 100.0, 100.0, 100.0]), 3),
            "▁▅█"
        );
        assert_eq!(spark(&curve(&[1.0; 5000]), 8).chars().count(), 8);
    }
}
