//! The pictures of a grid: five panels for each problem, and the diagnostics and segments of its runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use flatland_config::RunConfig;
use flatland_records::RunRecords;

use crate::figure::{EarlyFigure, Figure, MethodCurves, SegmentFigure};
use crate::summary;

/// Draws a picture for each group of runs that differ in their method only, and pictures of each run's diagnostics and
/// segments, if it has any. Returns the paths of the pictures.
///
/// # Errors
///
/// A picture cannot be written.
pub fn pictures(runs: &[RunRecords], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for group in summary::peers(runs) {
        let RunConfig {
            dataset,
            network,
            loss,
            seed,
            ..
        } = &group[0].config;
        let stem = format!("{dataset}-{}-{}-{seed}", network.name(), loss);
        let path = unused(folder, &stem, &paths);
        let labels: Vec<String> = group.iter().map(|run| run.config.method.label()).collect();
        let title = format!("{dataset} · {} · {}, seed {seed}", network.name(), loss);
        Figure {
            title: &title,
            sharpness_floor: group[0].config.floor(),
            reaches: summary::reaches(group.iter().map(|run| &run.config.method)),
            curves: (group.iter().zip(&labels))
                .map(|(&run, label)| MethodCurves {
                    label,
                    runs: vec![run.into()],
                    edge: run.config.method.edge_name(),
                })
                .collect(),
        }
        .draw(&path)?;
        paths.push(path);
        for (run, label) in group.iter().zip(&labels) {
            let title = format!("{title} · {label}");
            let stem = format!("{stem}-{}", run.config.method.name());
            if !run.diagnostics.is_empty() {
                let path = unused(folder, &format!("{stem}-early"), &paths);
                EarlyFigure {
                    title: &title,
                    floor: run.config.floor(),
                    rows: &run.diagnostics,
                }
                .draw(&path)?;
                paths.push(path);
            }
            if !run.segment.is_empty() {
                let path = unused(folder, &format!("{stem}-segment"), &paths);
                SegmentFigure {
                    title: &title,
                    rows: &run.segment,
                }
                .draw(&path)?;
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// A path for a picture. It is numbered if a network or a method of the same name, with other options, has taken it.
fn unused(folder: &Path, stem: &str, taken: &[PathBuf]) -> PathBuf {
    let mut path = folder.join(format!("{stem}.svg"));
    let mut copy = 1;
    while taken.contains(&path) {
        copy += 1;
        path = folder.join(format!("{stem}-{copy}.svg"));
    }
    path
}
