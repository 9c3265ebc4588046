//! Reading the rows that were appended to a CSV file since the last read.
//!
//! A file that was started again is noticed by its length and by the bytes before the place that was read to.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::PathBuf;

use anyhow::{Context, Result};
use csv::StringRecord;
use serde::de::DeserializeOwned;

/// The most bytes read at a time: some 10,000 rows, or 20 ms of work.
const CHUNK: u64 = 1 << 20;
/// How many of the bytes before the offset are compared at the next read.
const OVERLAP: usize = 512;

/// A CSV file that is being written, and how far it has been read.
///
/// A half-written last row is left for the next read. A file that has become shorter, or has other bytes before the
/// offset, is read from its start again.
pub struct Tail<T> {
    path: PathBuf,
    header: Option<StringRecord>,
    /// Bytes read, up to the end of a row.
    offset: u64,
    /// The last of these, to see that the file is still the same.
    seen: Vec<u8>,
    rows: PhantomData<fn() -> T>,
}

/// The result of a read.
#[derive(Debug, PartialEq)]
pub struct Appended<T> {
    /// Whether the file was begun again: earlier rows are no longer in it.
    pub is_restarted: bool,
    /// The rows since the last read.
    pub rows: Vec<T>,
    /// Whether there is more to read immediately.
    pub has_more: bool,
}

impl<T: DeserializeOwned> Tail<T> {
    /// Follows a file, of which nothing is read yet. The file need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            header: None,
            offset: 0,
            seen: Vec::new(),
            rows: PhantomData,
        }
    }

    /// The rows that were completed since the last read. There are none if there is no such file. Of a long file, a
    /// part is read.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its next row has other columns. The rows before that row are returned first.
    pub fn read(&mut self) -> Result<Appended<T>> {
        self.read_at_most(CHUNK)
            .with_context(|| format!("cannot follow {}", self.path.display()))
    }

    fn read_at_most(&mut self, limit: u64) -> Result<Appended<T>> {
        let mut found = Appended {
            is_restarted: false,
            rows: Vec::new(),
            has_more: false,
        };
        let length = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        };
        if length == self.offset {
            return Ok(found);
        }
        if length < self.offset {
            found.is_restarted = true;
            self.restart();
            if length == 0 {
                return Ok(found);
            }
        }
        let mut file = File::open(&self.path)?;
        if !self.is_same(&mut file)? {
            found.is_restarted = true;
            self.restart();
            file.rewind()?;
        }
        let mut text = Vec::new();
        file.take(limit).read_to_end(&mut text)?;
        found.has_more = text.len() as u64 == limit;
        let end = text.iter().rposition(|&byte| byte == b'\n');
        let Some(end) = end else {
            anyhow::ensure!(!found.has_more, "a line has more than {limit} bytes");
            return Ok(found);
        };
        text.truncate(end + 1);
        match self.take_rows(&text, &mut found.rows) {
            Err(error) if found.rows.is_empty() => return Err(error),
            // The next read meets the row again.
            Err(_) => found.has_more = true,
            Ok(()) => {}
        }
        Ok(found)
    }

    /// Reads rows, up to one that is wrong, from text that ends where a row ends.
    fn take_rows(&mut self, text: &[u8], rows: &mut Vec<T>) -> Result<()> {
        let mut options = csv::ReaderBuilder::new();
        let mut reader = options.has_headers(false).from_reader(text);
        let mut record = StringRecord::new();
        let mut end = 0;
        let result = loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            match &self.header {
                None => self.header = Some(record.clone()),
                Some(header) => match record.deserialize(Some(header)) {
                    Ok(row) => rows.push(row),
                    Err(error) => break Err(error),
                },
            }
            end = reader.position().byte() as usize;
        };
        self.offset += end as u64;
        self.seen.extend_from_slice(&text[..end]);
        let surplus = self.seen.len().saturating_sub(OVERLAP);
        self.seen.drain(..surplus);
        result.context("a row is not as expected")
    }

    /// Whether the file still has the bytes that were read last, and the reader then stands behind them.
    fn is_same(&self, file: &mut File) -> Result<bool> {
        file.seek(SeekFrom::Start(self.offset - self.seen.len() as u64))?;
        let mut now = vec![0; self.seen.len()];
        match file.read_exact(&mut now) {
            Ok(()) => Ok(now == self.seen),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn restart(&mut self) {
        self.header = None;
        self.offset = 0;
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::Path;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use tempfile::TempDir;

    use super::*;
    use crate::files::METRICS;
    use crate::row_reader::read_rows;
    use crate::table_writer::TableWriter;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Row {
        iteration: u64,
        loss: f64,
        accuracy: Option<f64>,
    }

    fn append(path: &Path, text: &[u8]) {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        file.write_all(text).unwrap();
    }

    fn row(iteration: u64) -> Row {
        Row {
            iteration,
            loss: 1.0 / (1.0 + iteration as f64),
            accuracy: iteration.is_multiple_of(3).then_some(0.5),
        }
    }

    /// The text of a file with these rows.
    fn text(rows: &[Row]) -> Vec<u8> {
        let folder = TempDir::new().unwrap();
        let mut tables = TableWriter::new(folder.path());
        tables.start::<Row>(METRICS).unwrap();
        (rows.iter()).for_each(|row| tables.write(METRICS, row).unwrap());
        std::fs::read(folder.path().join(METRICS)).unwrap()
    }

    proptest! {
        /// Whatever the places at which the file was looked at, and however little is read at a time.
        #[test]
        fn looks_at_any_time_add_up_to_the_whole(
            count in 1_u64..40,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            limit in 40_u64..4000,
        ) {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("rows.csv");
            let whole = text(&Vec::from_iter((0..count).map(row)));
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
            cuts.push(whole.len());
            cuts.sort_unstable();
            let mut tail = Tail::<Row>::new(path.clone());
            let (mut rows, mut from) = (Vec::new(), 0);
            for to in cuts {
                append(&path, &whole[from..to]);
                from = to;
                loop {
                    let found = tail.read_at_most(limit).unwrap();
                    prop_assert!(!found.is_restarted);
                    rows.extend(found.rows);
                    if !found.has_more {
                        break;
                    }
                }
                let complete = whole[..to].iter().filter(|&&byte| byte == b'\n').count();
                prop_assert_eq!(rows.len(), complete.saturating_sub(1));
            }
            prop_assert_eq!(rows, read_rows::<Row>(&path).unwrap());
        }
    }

    #[test]
    fn a_file_that_is_begun_anew_is_read_from_its_start() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rows.csv");
        let mut tail = Tail::<Row>::new(path.clone());
        assert_eq!(tail.read().unwrap().rows, [], "there is no file yet");
        append(&path, &text(&[row(1), row(2), row(3)]));
        assert_eq!(tail.read().unwrap().rows.len(), 3);
        let other = |count: u64| Vec::from_iter((100 * count..101 * count).map(row));
        for count in [1, 3, 40] {
            std::fs::write(&path, text(&other(count))).unwrap();
            let found = tail.read().unwrap();
            assert!(found.is_restarted, "{count} other rows");
            assert_eq!(found.rows, other(count));
        }
        std::fs::remove_file(&path).unwrap();
        let found = tail.read().unwrap();
        assert!(found.is_restarted && found.rows.is_empty());
    }

    #[test]
    fn a_row_that_is_none_is_an_error_that_names_the_file_until_it_is_mended() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("rows.csv");
        let good = text(&[row(0)]);
        append(&path, &good);
        append(&path, b"1,much,\n");
        let mut tail = Tail::<Row>::new(path.clone());
        let found = tail.read().unwrap();
        assert!(found.rows == [row(0)] && found.has_more);
        for _ in 0..2 {
            let error = format!("{:#}", tail.read().unwrap_err());
            assert!(error.contains("rows.csv: a row is not"), "{error}");
        }
        std::fs::write(&path, &good).unwrap();
        append(&path, b"1,0.5,\n");
        assert_eq!(
            tail.read().unwrap().rows.len(),
            1,
            "the row after the one read"
        );
    }
}
