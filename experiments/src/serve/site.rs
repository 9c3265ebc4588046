//! The page, made again when the records have changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::page;
use crate::records;

/// The page takes at most this share of the time, of which the runs have more need.
const SHARE: u32 = 10;
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// The page of a results folder.
pub struct Site {
    pub results: PathBuf,
    made: Mutex<Option<Made>>,
}

struct Made {
    version: String,
    page: Arc<str>,
    /// Until when browsers are not told of a newer version.
    rest: Instant,
}

impl Site {
    pub fn new(results: &Path) -> Self {
        Self {
            results: results.to_owned(),
            made: Mutex::new(None),
        }
    }

    fn made(&self) -> MutexGuard<'_, Option<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The page of the records as they are, and its version.
    pub fn page(&self) -> Arc<str> {
        let mut made = self.made();
        // Before the records are read: what comes later is another version.
        let version = version(&self.results);
        match &*made {
            Some(made) if made.version == version => made.page.clone(),
            _ => {
                let start = Instant::now();
                let page: Arc<str> = page::followed(&self.results, &version).into();
                let pause = LEAST_PAUSE.max(start.elapsed() * SHARE);
                *made = Some(Made {
                    version,
                    page: page.clone(),
                    rest: Instant::now() + pause,
                });
                page
            }
        }
    }

    /// The version of the page that a browser should show: the newest, but not more often than pages should be made.
    pub fn version(&self) -> String {
        match &*self.made() {
            Some(made) if Instant::now() < made.rest => made.version.clone(),
            _ => version(&self.results),
        }
    }
}

/// A name for the state of all records in a folder: their paths, lengths and times of change.
fn version(results: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    note(results, &mut hasher);
    hasher.finalize().to_hex()[..16].to_owned()
}

fn note(folder: &Path, hasher: &mut blake3::Hasher) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = (entries.flatten())
        .filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)))
        .collect();
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in paths {
        if kind.is_dir() {
            note(&path, hasher);
            continue;
        }
        let is_record = path
            .extension()
            .is_some_and(|end| ["csv", "json", "toml"].iter().any(|known| end == *known));
        let is_record = is_record
            || path
                .file_name()
                .is_some_and(|name| name == records::WEIGHTS);
        let metadata = is_record.then(|| path.metadata()).and_then(Result::ok);
        let Some(metadata) = metadata else { continue };
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = changed
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&metadata.len().to_le_bytes());
        hasher.update(&changed.as_nanos().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tempfile::TempDir;

    #[test]
    fn the_version_changes_with_the_records_only() {
        let folder = TempDir::new().unwrap();
        let results = folder.path().join("results");
        let mut seen = vec![version(&results)];
        std::fs::create_dir_all(results.join("run/inner")).unwrap();
        assert_eq!(version(&results), seen[0], "no record yet");
        for (name, text) in [
            ("run/run.json", "{}"),
            ("run/metrics.csv", "a\n1\n"),
            ("run/metrics.csv", "a\n1\n2\n"),
            ("run/inner/config.toml", ""),
            ("run/weights.safetensors", "1"),
        ] {
            std::fs::write(results.join(name), text).unwrap();
            let version = version(&results);
            assert!(!seen.contains(&version), "{name}");
            seen.push(version);
        }
        std::fs::write(results.join("report.html"), "page").unwrap();
        std::fs::write(results.join("picture.svg"), "picture").unwrap();
        assert_eq!(version(&results), seen[5], "these are made from records");
    }

    #[test]
    fn a_page_is_made_once_for_a_version() {
        let folder = TempDir::new().unwrap();
        let site = Site::new(folder.path());
        let first = site.page();
        assert!(Arc::ptr_eq(&first, &site.page()));
        let version = site.version();
        assert!(first.contains(&version), "the page knows its version");
        std::fs::write(folder.path().join("run.json"), "{").unwrap();
        assert_eq!(site.version(), version, "browsers are not told at once");
        let second = site.page();
        assert!(
            !Arc::ptr_eq(&first, &second),
            "but those who ask get the newest"
        );
        assert!(site.version() != version && second.contains(&site.version()));
    }
}
