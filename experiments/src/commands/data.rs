//! `experiments data`: the data sets that are found.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, presets};
use flatland_data::{Location, inventory};

use crate::exit::Ending;
use crate::terminal::show;

#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
}

/// `experiments data`
///
/// Lists the data sets: found or not, where, how many samples, and what is known of their files.
pub fn run(arguments: &DataArgs) -> Result<Ending> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "data set", "found", "train", "test", "classes", "files", "where",
    ]);
    let mut problems = Vec::new();
    for status in inventory(&arguments.data_dir) {
        let dataset = status.dataset;
        let folder = arguments.data_dir.join(dataset.folder());
        let (found, train, test, files, place) = match &status.found {
            Ok(data) => {
                let mut states: Vec<String> = data
                    .files
                    .iter()
                    .map(|file| file.state.to_string())
                    .collect();
                states.dedup();
                let place = match &data.files[0].location {
                    Location::Path(_) => folder.display().to_string(),
                    Location::Embedded(_) => "built in".to_owned(),
                };
                let (train, test) = (data.train.len().to_string(), data.test.len().to_string());
                ("yes", train, test, states.join(", "), place)
            }
            Err(error) => {
                problems.push(error.to_string());
                (
                    "no",
                    "–".to_owned(),
                    "–".to_owned(),
                    "–".to_owned(),
                    folder.display().to_string(),
                )
            }
        };
        let classes = dataset.classes().to_string();
        table.add_row([
            dataset.name(),
            found,
            &train,
            &test,
            &classes,
            &files,
            &place,
        ]);
    }
    show!("{table}");
    show!(
        "Files: official = the release's own, subset = the class-balanced subset this project is tested on,"
    );
    show!("unknown = neither, or no checksum is published.");
    for problem in problems {
        show!("- {problem}");
    }
    Ok(Ending::Success)
}
