//! The page, made again when the records have changed.
//!
//! The page is made again when the length or the time of a record has changed, or a run has lost its lock. It is made
//! by one thread at a time, and for at most a tenth of the time. In between, browsers get the last page; `follow.js`
//! takes over what is new in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use flatland_records::folder::FolderTree;
use flatland_records::{files, lock};
use flatland_report::page;

/// The page takes at most this share of the time, of which the runs have more need.
const SHARE: u32 = 10;
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// The page of a results folder.
pub struct Site {
    pub results: PathBuf,
    made: Mutex<Option<MadePage>>,
    /// Held by who makes the page.
    making: Mutex<()>,
}

struct MadePage {
    version: String,
    page: Arc<str>,
    /// Until when there is no newer version.
    rest: Instant,
}

impl Site {
    pub fn new(results: &Path) -> Self {
        Self {
            results: results.to_owned(),
            made: Mutex::new(None),
            making: Mutex::new(()),
        }
    }

    fn made(&self) -> MutexGuard<'_, Option<MadePage>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The page that is still good enough, if there is one.
    fn resting(&self) -> Option<Arc<str>> {
        let made = self.made();
        let made = made.as_ref().filter(|made| Instant::now() < made.rest);
        made.map(|made| made.page.clone())
    }

    /// The page of the records as they are, or were when it was last made: pages are made one at a time, and not more
    /// often than they should be, however many browsers ask.
    pub fn page(&self) -> Arc<str> {
        if let Some(page) = self.resting() {
            return page;
        }
        let _making = match self.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // Somebody makes it; until then the last one must do.
                if let Some(made) = &*self.made() {
                    return made.page.clone();
                }
                self.making.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        if let Some(page) = self.resting() {
            return page;
        }
        // Before the records are read: what comes later is another version.
        let version = version(&self.results);
        if let Some(made) = &*self.made()
            && made.version == version
        {
            return made.page.clone();
        }
        let start = Instant::now();
        let page: Arc<str> = page::followed(&self.results, &version).into();
        let pause = LEAST_PAUSE.max(start.elapsed() * SHARE);
        *self.made() = Some(MadePage {
            version,
            page: page.clone(),
            rest: Instant::now() + pause,
        });
        page
    }

    /// The version of the page that a browser should show: the newest, but not more often than pages should be made.
    pub fn version(&self) -> String {
        let is_making = matches!(self.making.try_lock(), Err(TryLockError::WouldBlock));
        match &*self.made() {
            Some(made) if is_making || Instant::now() < made.rest => return made.version.clone(),
            _ => {}
        }
        version(&self.results)
    }

    /// As if the time had passed for which a page is good enough.
    #[cfg(test)]
    fn rested(&self) {
        if let Some(made) = &mut *self.made() {
            made.rest = Instant::now();
        }
    }
}

/// A name for the state of all records in a folder: their paths, lengths and times of change, and of each run whether
/// somebody makes it, which a process that is killed takes with it without changing a file.
fn version(results: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for folder in FolderTree::walk(results).folders {
        note(&folder, &mut hasher);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Adds the state of the records in a folder, without the folders in it.
fn note(folder: &Path, hasher: &mut blake3::Hasher) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_record = path
            .extension()
            .is_some_and(|end| ["csv", "json", "toml"].iter().any(|known| end == *known));
        let is_record = is_record || path.file_name().is_some_and(|name| name == files::WEIGHTS);
        let metadata = is_record.then(|| path.metadata()).and_then(Result::ok);
        let Some(metadata) = metadata.filter(|metadata| metadata.is_file()) else {
            continue;
        };
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = changed
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&metadata.len().to_le_bytes());
        hasher.update(&changed.as_nanos().to_le_bytes());
        if path.file_name().is_some_and(|name| name == files::RUN) {
            hasher.update(&[u8::from(lock::may_be_held(folder))]);
        }
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
    fn the_version_changes_when_a_run_loses_its_process() {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join(files::RUN), "{}").unwrap();
        let lock = lock::Lock::take(folder.path()).unwrap();
        let held = version(folder.path());
        assert_eq!(version(folder.path()), held);
        drop(lock);
        assert_ne!(version(folder.path()), held);
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
        assert!(
            Arc::ptr_eq(&first, &site.page()),
            "and get what there is, however many ask"
        );
        site.rested();
        let second = site.page();
        assert!(
            !Arc::ptr_eq(&first, &second),
            "but the newest when its time has come"
        );
        assert!(site.version() != version && second.contains(&site.version()));
        site.rested();
        assert!(
            Arc::ptr_eq(&second, &site.page()),
            "nothing has changed since"
        );
    }

    #[test]
    fn while_a_page_is_made_others_get_the_last_one() {
        let folder = TempDir::new().unwrap();
        let site = Site::new(folder.path());
        let first = site.page();
        std::fs::write(folder.path().join("run.json"), "{").unwrap();
        site.rested();
        let making = site.making.lock().unwrap();
        assert!(Arc::ptr_eq(&first, &site.page()));
        assert!(first.contains(&site.version()), "and its version");
        drop(making);
        assert!(!Arc::ptr_eq(&first, &site.page()));
    }
}
