//! All runs as one Parquet table: a row for each run and iteration.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use flatland_records::RunRecords;
use flatland_records::disk::write_whole;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::points::{ExportSeries, Point, points, series_of};

/// Rows that are written together, at least.
const ROWS: usize = 100_000;

/// Words that are the same in all rows of a run.
struct TextColumn {
    column: &'static str,
    of: fn(&RunRecords) -> String,
}

const WORDS: [TextColumn; 8] = [
    TextColumn {
        column: "run",
        of: |run| name(&run.directory),
    },
    TextColumn {
        column: "directory",
        of: |run| run.directory.display().to_string(),
    },
    TextColumn {
        column: "dataset",
        of: |run| run.config.dataset.to_string(),
    },
    TextColumn {
        column: "network",
        of: |run| run.config.network.name().to_owned(),
    },
    TextColumn {
        column: "objective",
        of: |run| run.config.loss.to_string(),
    },
    TextColumn {
        column: "method",
        of: |run| run.config.method.label(),
    },
    TextColumn {
        column: "status",
        of: |run| run.file.status.to_string(),
    },
    TextColumn {
        column: "config",
        of: |run| run.config.to_toml(),
    },
];

fn name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or(directory.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Writes the table, and replaces the file as a whole. Returns the number of rows.
///
/// # Errors
///
/// The file cannot be written.
pub fn write(runs: &[RunRecords], path: &Path) -> Result<usize> {
    let (bytes, rows) =
        table(runs).with_context(|| format!("cannot make the table for {}", path.display()))?;
    write_whole(path, &bytes)?;
    Ok(rows)
}

fn table(runs: &[RunRecords]) -> Result<(Vec<u8>, usize)> {
    let series = series_of(runs);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema(&series)?, Arc::new(properties.build()))?;
    let mut rows = 0;
    let mut part: Vec<(&RunRecords, Vec<(u64, Point<'_>)>)> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        part.push((run, points(run).into_iter().collect()));
        let count: usize = part.iter().map(|(_, points)| points.len()).sum();
        if count < ROWS && index + 1 < runs.len() {
            continue;
        }
        let mut group = writer.next_row_group()?;
        let mut place = 0;
        while let Some(mut column) = group.next_column()? {
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    let words = part.iter().flat_map(|(run, points)| {
                        let words = ByteArray::from((WORDS[place].of)(run).into_bytes());
                        std::iter::repeat_n(words, points.len())
                    });
                    column.write_batch(&Vec::from_iter(words), None, None)?;
                }
                ColumnWriter::Int64ColumnWriter(column) => {
                    let (values, levels) = match place - WORDS.len() {
                        0 => required(part.iter().flat_map(|(run, points)| {
                            std::iter::repeat_n(run.config.seed as i64, points.len())
                        })),
                        1 => required(
                            (part.iter().flat_map(|(_, points)| points))
                                .map(|(iteration, _)| *iteration as i64),
                        ),
                        place => optional(&part, &series[place - 2], |value| value as i64),
                    };
                    column.write_batch(&values, levels.as_deref(), None)?;
                }
                ColumnWriter::DoubleColumnWriter(column) => {
                    let of = &series[place - WORDS.len() - 2];
                    let (values, levels) = optional(&part, of, |value| value);
                    column.write_batch(&values, levels.as_deref(), None)?;
                }
                _ => unreachable!("the schema has no such column"),
            }
            column.close()?;
            place += 1;
        }
        group.close()?;
        rows += count;
        part.clear();
    }
    writer.close()?;
    Ok((bytes, rows))
}

/// Values, and for each row whether it has one.
type Column<T> = (Vec<T>, Option<Vec<i16>>);

fn required<T>(values: impl Iterator<Item = T>) -> Column<T> {
    (values.collect(), None)
}

fn optional<T>(
    part: &[(&RunRecords, Vec<(u64, Point<'_>)>)],
    series: &ExportSeries,
    convert: fn(f64) -> T,
) -> Column<T> {
    let points = part.iter().flat_map(|(_, points)| points);
    let values: Vec<Option<f64>> = points.map(|(_, point)| series.value(point)).collect();
    let levels = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values = values.into_iter().flatten().map(convert).collect();
    (values, Some(levels))
}

/// Words of the run, the seed, the iteration, and the series.
fn schema(series: &[ExportSeries]) -> Result<Arc<Type>> {
    let words = WORDS.iter().map(|words| {
        Type::primitive_type_builder(words.column, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .build()
    });
    let seed = Type::primitive_type_builder("seed", Physical::INT64)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::integer(64, false)))
        .build();
    let iteration = Type::primitive_type_builder("iteration", Physical::INT64)
        .with_repetition(Repetition::REQUIRED)
        .build();
    let series = series.iter().map(|series| {
        let kind = if series.is_count {
            Physical::INT64
        } else {
            Physical::DOUBLE
        };
        Type::primitive_type_builder(&series.column, kind)
            .with_repetition(Repetition::OPTIONAL)
            .build()
    });
    let fields = words.chain([seed, iteration]).chain(series);
    let fields = fields
        .map(|field| field.map(Arc::new))
        .collect::<Result<_, _>>()?;
    Ok(Arc::new(
        Type::group_type_builder("runs")
            .with_fields(fields)
            .build()?,
    ))
}
