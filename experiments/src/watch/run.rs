//! One run as its records tell it, while they are being written.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use flatland_config::{RunConfig, Status};
use flatland_records::{EpochRow, MetricsRow, RunFile, SharpnessRow, files, read_config};
use flatland_report::series::Series;

use super::followed::Followed;

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(60);
/// The least time that a rate is taken from.
const LEAST_WINDOW: Duration = Duration::from_secs(5);
/// A run is silent that has recorded nothing for so long, and for so many of its iterations.
const SILENCE: Duration = Duration::from_secs(60);
const SILENT_ITERATIONS: f64 = 20.0;

/// How many things a run can be told from others by.
pub const NAMES: usize = 7;

/// A run's directory, and what was read of it so far.
pub struct Run {
    pub directory: PathBuf,
    pub config: RunConfig,
    pub file: RunFile,
    /// When a row was last written.
    written: Option<SystemTime>,
    /// How many iterations were recorded when, the latest last.
    looks: VecDeque<(Instant, u64)>,
    run_file: FileStamp,
    metrics: Followed<MetricsRow>,
    sharpness: Followed<SharpnessRow>,
    epochs: Followed<EpochRow>,
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
        let config = read_config(directory)?;
        let run_file = stamp(&directory.join(files::RUN));
        let file = RunFile::read(directory)?.with_context(|| {
            let name = directory.display();
            format!("{name} has a {} but no {}", files::CONFIG, files::RUN)
        })?;
        Ok(Self {
            config,
            file,
            written: None,
            looks: VecDeque::new(),
            run_file,
            metrics: Followed::new(directory.join(files::METRICS)),
            sharpness: Followed::new(directory.join(files::SHARPNESS)),
            epochs: Followed::new(directory.join(files::EPOCHS)),
            directory: directory.to_owned(),
        })
    }

    /// Reads what was recorded since the last look, at `now`; whether there is more to read at once.
    ///
    /// # Errors
    ///
    /// A record cannot be read, or is not what a run writes. Everything read before stays.
    pub fn refresh(&mut self, now: Instant) -> Result<bool> {
        let run_file = stamp(&self.directory.join(files::RUN));
        // When its process is killed, no file changes: the lock tells.
        if run_file != self.run_file || self.file.status == Status::Running {
            let file = RunFile::read(&self.directory)?
                .with_context(|| format!("{} is gone", files::RUN))?;
            if file.started != self.file.started {
                *self = Self::open(&self.directory)?;
            } else {
                self.file = file;
                self.run_file = run_file;
            }
        }
        let is_stochastic = self.config.mini_batches.is_some();
        let (new, more_metrics) = self.metrics.read(is_stochastic)?;
        if new > 0 || self.written.is_none() {
            self.written = stamp(&self.directory.join(files::METRICS)).map(|(time, _)| time);
        }
        let (_, more_sharpness) = self.sharpness.read(is_stochastic)?;
        let (_, more_epochs) = self.epochs.read(is_stochastic)?;
        let has_more = more_metrics || more_sharpness || more_epochs;
        if self.file.status == Status::Running && !has_more {
            self.looks.push_back((now, self.iterations()));
            while (self.looks.get(1)).is_some_and(|(time, _)| now.duration_since(*time) > WINDOW) {
                self.looks.pop_front();
            }
        }
        Ok(has_more)
    }

    /// The points of a series so far, by iteration.
    pub fn curve(&self, series: Series) -> &[(f64, f64)] {
        let sharpness = || self.sharpness.curve(series);
        let epochs = || self.epochs.curve(series);
        (self
            .metrics
            .curve(series)
            .or_else(sharpness)
            .or_else(epochs))
        .unwrap_or_default()
    }

    /// The last value of a series.
    pub fn last(&self, series: Series) -> Option<f64> {
        self.curve(series).last().map(|(_, value)| *value)
    }

    /// The last row of `metrics.csv`.
    pub fn last_step(&self) -> Option<&MetricsRow> {
        self.metrics.last.as_ref()
    }

    /// The last row of `sharpness.csv`.
    pub fn last_measurement(&self) -> Option<&SharpnessRow> {
        self.sharpness.last.as_ref()
    }

    /// Iterations recorded.
    pub fn iterations(&self) -> u64 {
        (self.last_step()).map_or(0, |row| row.iteration.saturating_add(1))
    }

    /// Iterations asked for.
    pub fn asked(&self) -> u64 {
        let samples = self.file.provenance.train_samples;
        let samples = samples.map_or(self.config.samples, |samples| samples as usize);
        self.config.steps(samples)
    }

    /// Iterations a second: those of the last minute if it was watched, else those of the whole run, by the time that
    /// it says it has spent.
    pub fn rate(&self) -> Option<f64> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let (time, made) = (last.0 - first.0, last.1.saturating_sub(first.1));
        if time >= LEAST_WINDOW && made > 0 {
            return Some(made as f64 / time.as_secs_f64());
        }
        // Of a stochastic run, the rows of epochs.csv count the measurements of sharpness.csv too.
        let measuring = match self.config.mini_batches {
            Some(_) => self.epochs.measuring_seconds,
            None => self.sharpness.measuring_seconds,
        };
        let spent = self.last_step()?.seconds + measuring;
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
        let RunConfig {
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
            loss.to_string(),
            format!("{samples} samples"),
            seed.to_string(),
            folder.map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        ]
    }
}
