//! A number over several runs, and how it is written.

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    /// With four digits.
    Number,
    /// From 0 to 1, written in percent.
    Share,
    /// Of things.
    Count,
    /// Of time.
    Seconds,
}

/// The mean of a number over runs that differ in their seed only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (over `n − 1`), of two runs or more.
    pub deviation: Option<f64>,
    /// `n`, the runs that have the number. A run that diverged may not have it.
    pub count: usize,
}

/// A mean and a deviation as text: `mean ± deviation`, times a power of ten.
pub struct Written {
    /// The mean.
    pub mean: String,
    /// The deviation.
    pub deviation: Option<String>,
    /// The power of ten.
    pub exponent: Option<i32>,
    /// Whether a percent sign follows.
    pub is_percent: bool,
}

impl Spread {
    /// The spread of values. `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self {
            mean,
            deviation,
            count: values.len(),
        })
    }

    /// The number of a single run.
    pub fn single(value: f64) -> Self {
        Self {
            mean: value,
            deviation: None,
            count: 1,
        }
    }

    /// The number as text.
    pub fn written(&self, kind: NumberKind) -> Written {
        let Self {
            mean, deviation, ..
        } = *self;
        let (factor, digits, exponent) = match kind {
            NumberKind::Share => (100.0, 1, None),
            NumberKind::Seconds => (1.0, if mean < 10.0 { 2 } else { 1 }, None),
            NumberKind::Count => (1.0, usize::from(deviation.is_some()), None),
            NumberKind::Number => match power(mean) {
                None => (1.0, 0, None),
                Some(power) if (-3..4).contains(&power) => (1.0, (3 - power) as usize, None),
                Some(power) => (10f64.powi(-power), 2, Some(power)),
            },
        };
        let write = |value: f64| format!("{:.digits$}", factor * value);
        Written {
            mean: write(mean),
            deviation: deviation.map(write),
            exponent,
            is_percent: kind == NumberKind::Share,
        }
    }
}

/// A number that is no mean, as text; `–` where there is none.
pub fn text(value: Option<f64>, kind: NumberKind) -> String {
    let spread = value.map(Spread::single);
    spread.map_or("–".to_owned(), |spread| spread.written(kind).to_text())
}

/// The power of ten of a number with four digits, 0 of 0.
fn power(value: f64) -> Option<i32> {
    let written = format!("{value:.3e}");
    written.split_once('e')?.1.parse().ok()
}

impl Written {
    /// `0.0285 ± 0.0012`, `(2.31 ± 0.12)e-5`, `76.5 ± 1.2%`
    pub fn to_text(&self) -> String {
        let percent = if self.is_percent { "%" } else { "" };
        match (&self.deviation, self.exponent) {
            (None, None) => format!("{}{percent}", self.mean),
            (None, Some(exponent)) => format!("{}e{exponent}", self.mean),
            (Some(deviation), None) => format!("{} ± {deviation}{percent}", self.mean),
            (Some(deviation), Some(exponent)) => {
                format!("({} ± {deviation})e{exponent}", self.mean)
            }
        }
    }

    /// The same in LaTeX, in math mode.
    pub fn to_latex(&self) -> String {
        let percent = if self.is_percent { r"\,\%" } else { "" };
        let mean = match self.mean.as_str() {
            "inf" => r"\infty",
            "-inf" => r"-\infty",
            "NaN" => r"\mathrm{NaN}",
            mean => mean,
        };
        let sum = match (&self.deviation, self.exponent) {
            (None, _) => mean.to_owned(),
            (Some(deviation), None) => format!(r"{mean} \pm {deviation}"),
            (Some(deviation), Some(_)) => format!(r"({mean} \pm {deviation})"),
        };
        match self.exponent {
            None => format!("${sum}{percent}$"),
            Some(exponent) => format!(r"${sum} \times 10^{{{exponent}}}$"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_sample_deviation_and_one_of_a_single_run_has_none() {
        let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(spread.mean, 2.5);
        assert!((spread.deviation.unwrap() - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(spread.count, 4);
        assert_eq!(Spread::of(&[7.0]), Some(Spread::single(7.0)));
        assert_eq!(Spread::single(7.0).deviation, None);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn numbers_are_written_with_four_digits_and_their_deviation_to_the_same_place() {
        let cases: [(&[f64], NumberKind, &str, &str); 12] = [
            (&[0.0], NumberKind::Number, "0.000", "$0.000$"),
            (&[0.099999999], NumberKind::Number, "0.1000", "$0.1000$"),
            (&[0.25], NumberKind::Seconds, "0.25", "$0.25$"),
            (&[0.02846], NumberKind::Number, "0.02846", "$0.02846$"),
            (&[29.867], NumberKind::Number, "29.87", "$29.87$"),
            (
                &[2.3e-5],
                NumberKind::Number,
                "2.30e-5",
                r"$2.30 \times 10^{-5}$",
            ),
            (
                &[2e-5, 3e-5],
                NumberKind::Number,
                "(2.50 ± 0.71)e-5",
                r"$(2.50 \pm 0.71) \times 10^{-5}$",
            ),
            (
                &[1.0, 3.0],
                NumberKind::Number,
                "2.000 ± 1.414",
                r"$2.000 \pm 1.414$",
            ),
            (&[0.765], NumberKind::Share, "76.5%", r"$76.5\,\%$"),
            (
                &[0.75, 0.77],
                NumberKind::Share,
                "76.0 ± 1.4%",
                r"$76.0 \pm 1.4\,\%$",
            ),
            (&[343.0], NumberKind::Count, "343", "$343$"),
            (&[f64::INFINITY], NumberKind::Number, "inf", r"$\infty$"),
        ];
        for (values, kind, text, latex) in cases {
            let written = Spread::of(values).unwrap().written(kind);
            assert_eq!(written.to_text(), text);
            assert_eq!(written.to_latex(), latex);
        }
    }
}
