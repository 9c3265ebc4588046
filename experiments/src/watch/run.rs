//! One run as its records tell it, while they are being written.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tail::Tail;
use crate::cell::CellConfig;
use crate::grid::loss_name;
use crate::records::{self, RunFile, Status};

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(60);
/// The least time that a rate is taken from.
const LEAST_WINDOW: Duration = Duration::from_secs(5);
/// A run is silent that has recorded nothing for so long, and for so many of its iterations.
const SILENCE: Duration = Duration::from_secs(60);
const SILENT_ITERATIONS: f64 = 20.0;

/// How many things a run can be told from others by.
pub const NAMES: usize = 7;

/// What is shown of a row of `metrics.csv`.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub iteration: u64,
    pub loss: f64,
    pub step_size: f64,
    pub trials: u32,
    /// Time since the start of the run, without measurements.
    seconds: f64,
}

/// What is shown of a row of `sharpness.csv`.
#[derive(Debug, Clone, Deserialize)]
pub struct Measured {
    pub iteration: u64,
    pub sharpness: f64,
    pub lambda_min: f64,
    step_size: f64,
    step_size_times_sharpness: f64,
    seconds: f64,
}

/// What is shown of a row of `epochs.csv`.
#[derive(Debug, Clone, Deserialize)]
struct Epoch {
    iteration: u64,
    loss: f64,
    sharpness_mean: Option<f64>,
    measuring_seconds: f64,
}

/// A value by iteration.
pub type Curve = Vec<(f64, f64)>;

/// A run's directory, and what was read of it so far.
pub struct Run {
    pub directory: PathBuf,
    pub config: CellConfig,
    pub file: RunFile,
    /// The training loss; of a stochastic run, that on all samples, after every epoch.
    pub loss: Curve,
    /// `λ₁`; of a stochastic run, the mean over the mini-batches.
    pub sharpness: Curve,
    /// `η·λ₁`, where a step was taken.
    pub product: Curve,
    pub step_size: Curve,
    /// The last row of each file.
    pub last: Option<Step>,
    pub measured: Option<Measured>,
    measuring_seconds: f64,
    /// When a row was last written.
    written: Option<SystemTime>,
    /// How many iterations were recorded when, the latest last.
    looks: VecDeque<(Instant, u64)>,
    run_file: FileStamp,
    steps: Tail<Step>,
    measurements: Tail<Measured>,
    epochs: Tail<Epoch>,
}

/// What tells one state of a file from another.
type FileStamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> FileStamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Run {
    /// Begins to follow the run in a directory; none of its rows is read yet.
    ///
    /// # Errors
    ///
    /// `run.json` or `config.toml` is missing, or not what a run writes.
    pub fn open(directory: &Path) -> Result<Self> {
        let config = CellConfig::read(directory)?;
        let run_file = stamp(&directory.join(records::RUN));
        let file = RunFile::read(directory)?.with_context(|| {
            let name = directory.display();
            format!("{name} has a {} but no {}", records::CONFIG, records::RUN)
        })?;
        Ok(Self {
            config,
            file,
            loss: Curve::new(),
            sharpness: Curve::new(),
            product: Curve::new(),
            step_size: Curve::new(),
            last: None,
            measured: None,
            measuring_seconds: 0.0,
            written: None,
            looks: VecDeque::new(),
            run_file,
            steps: Tail::new(directory.join(records::METRICS)),
            measurements: Tail::new(directory.join(records::SHARPNESS)),
            epochs: Tail::new(directory.join(records::EPOCHS)),
            directory: directory.to_owned(),
        })
    }

    /// Reads what was recorded since the last look, at `now`; whether there is more to read at once.
    ///
    /// # Errors
    ///
    /// A record cannot be read, or is not what a run writes. Everything read before stays.
    pub fn refresh(&mut self, now: Instant) -> Result<bool> {
        let run_file = stamp(&self.directory.join(records::RUN));
        // When its process is killed, no file changes: the lock tells.
        if run_file != self.run_file || self.file.status == Status::Running {
            let file = RunFile::read(&self.directory)?
                .with_context(|| format!("{} is gone", records::RUN))?;
            if file.started != self.file.started {
                *self = Self::open(&self.directory)?;
            } else {
                self.file = file;
                self.run_file = run_file;
            }
        }
        let is_stochastic = self.config.mini_batches.is_some();
        let mut has_more = false;
        let (rows, more) = take(&mut self.steps, || {
            self.step_size.clear();
            self.last = None;
            if !is_stochastic {
                self.loss.clear();
            }
        })?;
        has_more |= more;
        for row in &rows {
            let at = row.iteration as f64;
            self.step_size.push((at, row.step_size));
            if !is_stochastic {
                self.loss.push((at, row.loss));
            }
        }
        if !rows.is_empty() || self.written.is_none() {
            self.written = stamp(&self.directory.join(records::METRICS)).map(|(time, _)| time);
        }
        self.last = rows.into_iter().next_back().or(self.last.take());

        let (rows, more) = take(&mut self.measurements, || {
            self.product.clear();
            self.measured = None;
            if !is_stochastic {
                self.sharpness.clear();
                self.measuring_seconds = 0.0;
            }
        })?;
        has_more |= more;
        for row in &rows {
            let at = row.iteration as f64;
            if row.step_size > 0.0 {
                self.product.push((at, row.step_size_times_sharpness));
            }
            if !is_stochastic {
                self.sharpness.push((at, row.sharpness));
                self.measuring_seconds += row.seconds;
            }
        }
        self.measured = rows.into_iter().next_back().or(self.measured.take());

        let (rows, more) = take(&mut self.epochs, || {
            self.loss.clear();
            self.sharpness.clear();
            self.measuring_seconds = 0.0;
        })?;
        has_more |= more;
        for row in rows {
            let at = row.iteration as f64;
            self.loss.push((at, row.loss));
            self.sharpness
                .extend(row.sharpness_mean.map(|value| (at, value)));
            self.measuring_seconds += row.measuring_seconds;
        }
        if self.file.status == Status::Running && !has_more {
            self.looks.push_back((now, self.iterations()));
            while (self.looks.get(1)).is_some_and(|(time, _)| now.duration_since(*time) > WINDOW) {
                self.looks.pop_front();
            }
        }
        Ok(has_more)
    }

    /// `η·λ₁` of the last measured step.
    pub fn last_product(&self) -> Option<f64> {
        self.product.last().map(|(_, product)| *product)
    }

    /// Iterations recorded.
    pub fn iterations(&self) -> u64 {
        (self.last.as_ref()).map_or(0, |row| row.iteration.saturating_add(1))
    }

    /// Iterations asked for.
    pub fn asked(&self) -> u64 {
        let samples = self.file.provenance.train_samples;
        let samples = samples.map_or(self.config.samples, |samples| samples as usize);
        self.config.steps(samples)
    }

    /// Iterations a second: those of the last minute if it was watched, else those of the whole run, by the time that it
    /// says it has spent.
    pub fn rate(&self) -> Option<f64> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let (time, made) = (last.0 - first.0, last.1.saturating_sub(first.1));
        if time >= LEAST_WINDOW && made > 0 {
            return Some(made as f64 / time.as_secs_f64());
        }
        let spent = self.last.as_ref()?.seconds + self.measuring_seconds;
        (spent > 0.0).then(|| self.iterations() as f64 / spent)
    }

    /// Time until the run has made all its iterations, if it is under way.
    pub fn left(&self, now: SystemTime) -> Option<Duration> {
        if self.file.status != Status::Running || self.silence(now).is_some() {
            return None;
        }
        let left = self.asked().saturating_sub(self.iterations()) as f64;
        Duration::try_from_secs_f64(left / self.rate()?).ok()
    }

    /// For how long a run has recorded nothing that is under way by its own account; nothing if that is no longer than
    /// its iterations take. Such a run was killed, or stands still.
    pub fn silence(&self, now: SystemTime) -> Option<Duration> {
        if self.file.status != Status::Running {
            return None;
        }
        let started = || SystemTime::try_from(self.file.started).ok();
        let since = self.written.or_else(started)?;
        let silence = now.duration_since(since).ok()?;
        let usual = self.rate().map_or(0.0, |rate| SILENT_ITERATIONS / rate);
        let bound = SILENCE.max(Duration::try_from_secs_f64(usual).unwrap_or(Duration::MAX));
        (silence > bound).then_some(silence)
    }

    /// What a run is told from others by, the method first.
    pub fn names(&self) -> [String; NAMES] {
        let CellConfig {
            dataset,
            network,
            loss,
            seed,
            samples,
            method,
            ..
        } = &self.config;
        let folder = self.directory.parent().and_then(Path::file_name);
        [
            method.label(),
            network.name().to_owned(),
            dataset.to_string(),
            loss_name(*loss).to_owned(),
            format!("{samples} samples"),
            seed.to_string(),
            folder.map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        ]
    }
}

/// The rows that were appended, after `clear` if the file was begun anew; and whether there are more.
fn take<T: DeserializeOwned>(tail: &mut Tail<T>, clear: impl FnOnce()) -> Result<(Vec<T>, bool)> {
    let found = tail.read()?;
    if found.is_anew {
        clear();
    }
    Ok((found.rows, found.has_more))
}
