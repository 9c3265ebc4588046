//! The files of runs that the server sends.

use std::fs::File;
use std::path::{Path, PathBuf};

use flatland_records::files;
use percent_encoding::percent_decode_str;

/// How a file is sent, by its name alone.
struct ServedKind {
    content_type: &'static str,
    /// Whether a browser saves it instead of showing it.
    is_download: bool,
}

/// A file to be sent.
pub struct ServedFile {
    pub file: File,
    /// Bytes that it has now; it may be growing.
    pub length: u64,
    pub content_type: &'static str,
    pub is_download: bool,
}

/// How a file of this name is sent. `None` if no run has such a file.
fn kind(name: &str) -> Option<ServedKind> {
    let (content_type, is_download) = match name {
        files::CONFIG => ("text/plain; charset=utf-8", false),
        files::RUN => ("application/json", false),
        _ if files::TABLES.contains(&name) => ("text/csv; charset=utf-8", true),
        files::WEIGHTS => ("application/octet-stream", true),
        _ if Path::new(name).extension().is_some_and(|end| end == "svg") => {
            ("image/svg+xml", false)
        }
        _ => return None,
    };
    Some(ServedKind {
        content_type,
        is_download,
    })
}

/// The file at a path inside the results folder, as a browser writes it. `None` if there is none that is sent.
///
/// A path has plain names only, encoded once, and no link is followed on the way.
pub fn find(results: &Path, encoded: &str) -> Option<ServedFile> {
    let path = percent_decode_str(encoded).decode_utf8().ok()?;
    let names: Vec<&str> = path.split('/').collect();
    let is_plain = |name: &&str| {
        let is_special = name.is_empty() || name.starts_with('.');
        !is_special && !name.contains(|letter: char| letter.is_control() || "\\:".contains(letter))
    };
    if !names.iter().all(is_plain) {
        return None;
    }
    let ServedKind {
        content_type,
        is_download,
    } = kind(names.last()?)?;
    let mut inner = PathBuf::from(results);
    for (place, name) in names.iter().enumerate() {
        inner.push(name);
        // Of the link itself, not of what it leads to.
        let metadata = std::fs::symlink_metadata(&inner).ok()?;
        let is_last = place + 1 == names.len();
        let is_expected = if is_last {
            metadata.is_file()
        } else {
            metadata.is_dir()
        };
        if !is_expected {
            return None;
        }
    }
    let file = File::open(&inner).ok()?;
    let metadata = file.metadata().ok()?;
    metadata.is_file().then(|| ServedFile {
        length: metadata.len(),
        file,
        content_type,
        is_download,
    })
}

#[cfg(test)]
mod tests {
    use flatland_report::page::links::{address, files_of_run};
    use tempfile::TempDir;

    use super::*;

    /// A results folder with a run, and files beside both that nobody may have.
    fn results() -> TempDir {
        let folder = TempDir::new().unwrap();
        let run = folder.path().join("results/grid one/a-run");
        std::fs::create_dir_all(&run).unwrap();
        for name in [
            "config.toml",
            "run.json",
            "metrics.csv",
            "weights.safetensors",
            "notes.txt",
            ".run.json",
        ] {
            std::fs::write(run.join(name), name).unwrap();
        }
        std::fs::write(run.with_file_name("picture.svg"), "<svg/>").unwrap();
        std::fs::write(folder.path().join("run.json"), "outside").unwrap();
        folder
    }

    #[test]
    fn files_of_runs_are_found_and_no_others() {
        let folder = results();
        let find = |path: &str| find(&folder.path().join("results"), path);
        for (path, length) in [
            ("grid%20one/a-run/metrics.csv", 11),
            ("grid one/a-run/run.json", 8),
            ("grid%20one/%61-run/weights.safetensors", 19),
            ("grid%20one/picture.svg", 6),
        ] {
            assert_eq!(find(path).map(|found| found.length), Some(length), "{path}");
        }
        for path in [
            "",
            "grid%20one",
            "grid%20one/a-run",
            "grid%20one/a-run/",
            "grid%20one/a-run/notes.txt",
            "grid%20one/a-run/.run.json",
            "grid%20one//a-run/run.json",
            "grid%20one/./a-run/run.json",
            "/grid%20one/a-run/run.json",
            "../run.json",
            "%2e%2e/run.json",
            "%2e%2e%2frun.json",
            "..%5crun.json",
            "grid%20one/../../run.json",
            "grid%2520one/a-run/run.json",
            "grid%20one/a-run/run.json%00",
            "grid%20one/a-run/run.json%00.svg",
            "grid%20one/%ff/run.json",
            "C:/run.json",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
        let outside = format!("{}/run.json", folder.path().display());
        assert!(find(&outside).is_none() && find(&outside.replace('/', "%2f")).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let folder = results();
        let results = folder.path().join("results");
        symlink(folder.path().join("run.json"), results.join("run.json")).unwrap();
        symlink(folder.path(), results.join("above")).unwrap();
        symlink("grid one/a-run", results.join("beside")).unwrap();
        for path in ["run.json", "above/run.json", "beside/run.json"] {
            assert!(results.join(path).is_file(), "{path}: the link is there");
            assert!(find(&results, path).is_none(), "{path}");
        }
    }

    #[test]
    fn every_file_that_a_run_is_said_to_have_may_be_had() {
        let folder = results();
        let run = folder.path().join("results/grid one/a-run");
        let names = files_of_run(&run);
        assert_eq!(
            names,
            [
                "config.toml",
                "run.json",
                "metrics.csv",
                "weights.safetensors"
            ]
        );
        for name in names {
            let address = address("grid one/a-run", name);
            let encoded = address.strip_prefix("files/").unwrap();
            let found = find(&folder.path().join("results"), encoded);
            assert_eq!(
                found.map(|found| found.length),
                Some(name.len() as u64),
                "{address}"
            );
        }
        assert_eq!(address(".", "run.json"), "files/run%2Ejson");
    }
}
