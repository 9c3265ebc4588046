//! Runs as TensorBoard's event files.

use std::path::Path;

use anyhow::{Context, Result};
use flatland_records::RunRecords;
use flatland_records::disk::write_whole;

use super::events::Events;
use super::points::{points, series_of};

/// How the files of this program end.
const END: &str = ".flatland";

/// Writes the event file of each run into a folder of its own, with the path of the run in the results. A file of an
/// earlier export is replaced, also if the run was made again since: TensorBoard would show both as one.
///
/// # Errors
///
/// A file cannot be written.
pub fn write(runs: &[RunRecords], results: &Path, folder: &Path) -> Result<()> {
    for run in runs {
        let directory = &run.directory;
        let place = match directory.strip_prefix(results) {
            Ok(place) if place != Path::new("") => place,
            _ => directory.file_name().map_or(Path::new("run"), Path::new),
        };
        let folder = folder.join(place);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        // TensorBoard knows its files by the first part of the name, and takes the number for the time.
        let started = run.file.started.as_second();
        remove_earlier(&folder)?;
        let path = folder.join(format!("events.out.tfevents.{started:010}{END}"));
        write_whole(&path, &events(run))?;
    }
    Ok(())
}

/// Removes the event files that an earlier export left in the folder of a run; others are not ours.
fn remove_earlier(folder: &Path) -> Result<()> {
    let remove = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("events.out.tfevents.") && name.ends_with(END) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().with_context(|| format!("cannot replace the event file in {}", folder.display()))
}

/// The configuration as text, and a line for each series that has values.
fn events(run: &RunRecords) -> Vec<u8> {
    let start = run.file.started.as_millisecond() as f64 / 1000.0;
    let mut events = Events::new(start);
    let config = run.config.to_toml();
    events.text(start, "config", &format!("```toml\n{config}```\n"));
    let mut seconds = 0.0;
    let series = series_of([run]);
    for (iteration, point) in points(run) {
        let values = series.iter();
        let values = values.filter_map(|series| Some((series.tag.as_ref(), series.value(&point)?)));
        seconds = point.seconds().unwrap_or(seconds);
        events.scalars(start + seconds, iteration, &Vec::from_iter(values));
    }
    events.finish()
}
