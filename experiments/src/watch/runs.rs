//! All runs of a folder, while it is being written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use flatland_config::Status;
use flatland_records::folder::FolderTree;

use super::run::{NAMES, Run};

/// The runs in a folder and the folders in it, by their directories.
pub struct Runs {
    pub folder: PathBuf,
    pub runs: BTreeMap<PathBuf, Run>,
    /// What could not be read, by its path, with the reason.
    pub problems: BTreeMap<PathBuf, String>,
    /// Where the last look ended, if there was more to read than time.
    unread: Option<PathBuf>,
}

/// How many runs are in which state, and what is left to do.
#[derive(Debug, Default, PartialEq)]
pub struct Overview {
    pub running: usize,
    /// Under way by their own account, but silent.
    pub silent: usize,
    pub ended: usize,
    /// Diverged, stalled or failed.
    pub failed: usize,
    pub interrupted: usize,
    /// Iterations recorded, and asked for; a run that has ended asks for no more.
    pub iterations: (u64, u64),
    /// Iterations a second, all together.
    pub rate: f64,
    /// Until the last of the runs under way is done.
    pub left: Option<Duration>,
}

impl Runs {
    /// A folder, which need not be there yet.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            runs: BTreeMap::new(),
            problems: BTreeMap::new(),
            unread: None,
        }
    }

    /// Looks for runs, and reads what they have recorded since the last look, for about so long; whether there is more
    /// to read. It takes up again where it left off.
    pub fn refresh(&mut self, budget: Duration) -> bool {
        let start = Instant::now();
        let mut is_late = false;
        if self.unread.is_none() {
            self.find();
        }
        let from = self.unread.take();
        let is_next = |directory: &&PathBuf| from.as_ref().is_none_or(|from| *directory >= from);
        let directories: Vec<PathBuf> = self.runs.keys().filter(is_next).cloned().collect();
        for directory in directories {
            let mut has_more = true;
            while has_more {
                // At least one piece is read, however late it is.
                if is_late {
                    self.unread = Some(directory);
                    return true;
                }
                let run = self.runs.get_mut(&directory).expect("it was listed");
                has_more = match run.refresh(start) {
                    Ok(has_more) => {
                        self.problems.remove(&directory);
                        has_more
                    }
                    Err(error) => {
                        (self.problems).insert(directory.clone(), format!("{error:#}"));
                        false
                    }
                };
                is_late = start.elapsed() >= budget;
            }
        }
        false
    }

    /// Lists the runs that are there.
    fn find(&mut self) {
        let tree = FolderTree::walk(&self.folder);
        let directories: Vec<PathBuf> = tree.run_directories().cloned().collect();
        let mut problems = BTreeMap::new();
        for (path, error) in tree.unreadable {
            problems.insert(path, format!("cannot be read: {error}"));
        }
        (self.runs).retain(|directory, _| directories.binary_search(directory).is_ok());
        for directory in directories {
            if self.runs.contains_key(&directory) {
                continue;
            }
            match Run::open(&directory) {
                Ok(run) => {
                    self.runs.insert(directory, run);
                }
                Err(error) => {
                    problems.insert(directory, format!("{error:#}"));
                }
            }
        }
        self.problems.retain(|path, _| self.runs.contains_key(path));
        self.problems.extend(problems);
    }

    /// A path as seen from the folder.
    pub fn name(&self, path: &Path) -> String {
        match path.strip_prefix(&self.folder) {
            Ok(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
            inner => inner.unwrap_or(path).display().to_string(),
        }
    }

    /// What the runs are called in a list: the method, and of the rest what tells some of them apart.
    pub fn labels(&self) -> Vec<String> {
        let names: Vec<_> = self.runs.values().map(Run::names).collect();
        let is_told = |place: usize| {
            place == 0 || (names.windows(2)).any(|pair| pair[0][place] != pair[1][place])
        };
        let places: Vec<usize> = (0..NAMES).filter(|&place| is_told(place)).collect();
        let label = |names: &[String; NAMES]| {
            let told: Vec<&str> = places.iter().map(|&place| names[place].as_str()).collect();
            told.join(" ")
        };
        names.iter().map(label).collect()
    }

    /// What could not be read, a line each.
    pub fn problem_lines(&self) -> impl Iterator<Item = String> {
        let above = format!("{}{}", self.folder.display(), std::path::MAIN_SEPARATOR);
        (self.problems.iter()).map(move |(path, reason)| {
            format!("{}: {}", self.name(path), reason.replace(&above, ""))
        })
    }

    /// The runs counted, at `now`.
    pub fn overview(&self, now: SystemTime) -> Overview {
        let mut overview = Overview::default();
        for run in self.runs.values() {
            let made = run.iterations();
            let asked = if run.file.status.is_final() {
                made
            } else {
                // Of a foreign or changed configuration there may be more rows than it asks for.
                run.asked().max(made)
            };
            let (begun, of) = overview.iterations;
            overview.iterations = (begun.saturating_add(made), of.saturating_add(asked));
            match run.file.status {
                Status::Running if run.silence(now).is_some() => overview.silent += 1,
                Status::Running => {
                    overview.running += 1;
                    overview.rate += run.rate().unwrap_or(0.0);
                    overview.left = overview.left.max(run.left(now));
                }
                Status::Interrupted => overview.interrupted += 1,
                status if status.is_success() => overview.ended += 1,
                _ => overview.failed += 1,
            }
        }
        overview
    }
}
