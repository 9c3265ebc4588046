//! Names and addresses on the page.

use std::path::Path;

use flatland_records::files;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The path of a run's directory or a file inside the results folder.
pub fn path_in(results: &Path, path: &Path) -> String {
    match path.strip_prefix(results) {
        Ok(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
        inner => inner.unwrap_or(path).display().to_string(),
    }
}

/// The name of a problem's section, counted from 0.
pub fn anchor(index: usize) -> String {
    format!("problem-{}", index + 1)
}

/// Where a browser finds a file of a run, from the page; the folder is as seen from the results folder.
pub fn address(folder: &str, name: &str) -> String {
    let folders = folder.split(['/', std::path::MAIN_SEPARATOR]);
    let folders = folders.filter(|folder| *folder != ".");
    let names: Vec<String> = (folders.chain([name]))
        .map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string())
        .collect();
    format!("files/{}", names.join("/"))
}

/// The names of the files in a run's directory that the server sends.
pub fn files_of_run(directory: &Path) -> Vec<&'static str> {
    let is_there = |name: &&str| directory.join(name).is_file();
    let first = [files::CONFIG, files::RUN];
    let names = first
        .into_iter()
        .chain(files::TABLES)
        .chain([files::WEIGHTS]);
    names.filter(is_there).collect()
}
