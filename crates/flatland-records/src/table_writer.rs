//! Writing the CSV files of a run.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_aux::serde_introspection::serde_introspect;
use thiserror::Error;

/// The CSV files of one run, by their names.
///
/// Rows reach the operating system as soon as they are written, and the disk when the file is [synced](Self::sync). A
/// [`Mark`] for each file says how many bytes it has: a run is [resumed](Self::resume) from there, and can be
/// [cut](Self::end_at) there.
pub struct TableWriter {
    folder: PathBuf,
    tables: BTreeMap<String, Table>,
}

/// How many bytes a file had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its length in bytes, at the end of a row.
    pub length: u64,
    /// The BLAKE3 sum of these bytes, in hexadecimal digits.
    pub sum: String,
}

/// The marks of all files, by their names.
pub type Marks = BTreeMap<String, Mark>;

/// Why a file cannot be resumed from its mark.
#[derive(Debug, Error)]
pub enum MarkError {
    /// The file is missing.
    #[error("{path} is missing, of which {length} bytes had been written")]
    Missing {
        /// The file.
        path: PathBuf,
        /// Bytes that had been written.
        length: u64,
    },
    /// The file is too short.
    #[error("{path} has {found} bytes, of which {length} had been written")]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes that it has.
        found: u64,
        /// Bytes that had been written.
        length: u64,
    },
    /// The file has other bytes.
    #[error("the first {length} bytes of {path} are not those that had been written")]
    Changed {
        /// The file.
        path: PathBuf,
        /// Bytes that had been written.
        length: u64,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

struct Table {
    file: File,
    length: u64,
    sum: blake3::Hasher,
    is_synced: bool,
}

impl Table {
    fn new(file: File) -> Self {
        Self {
            file,
            length: 0,
            sum: blake3::Hasher::new(),
            is_synced: false,
        }
    }
}

impl TableWriter {
    /// A writer without files. [`start`](Self::start) begins each of them.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            tables: BTreeMap::new(),
        }
    }

    /// The files as they were at their marks, which must have passed [`check_marks`]. Later rows are cut off.
    ///
    /// # Errors
    ///
    /// A file cannot be cut.
    pub fn resume(folder: &Path, marks: &Marks) -> Result<Self> {
        let mut tables = Self::new(folder);
        for (name, mark) in marks {
            let path = folder.join(name);
            let open = || -> Result<Table> {
                let file = (OpenOptions::new().read(true).append(true).create(true)).open(&path)?;
                file.set_len(mark.length)?;
                let mut sum = blake3::Hasher::new();
                sum.update_reader(&file)?;
                Ok(Table {
                    length: mark.length,
                    sum,
                    ..Table::new(file)
                })
            };
            let table = open().with_context(|| format!("cannot resume {}", path.display()))?;
            tables.tables.insert(name.clone(), table);
        }
        Ok(tables)
    }

    /// Begins the file of rows of one type. A file that is resumed has to have the same columns.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or has other columns: another version of the program has begun it.
    pub fn start<R: DeserializeOwned>(&mut self, name: &str) -> Result<()> {
        let columns = serde_introspect::<R>().iter().map(|&name| name.to_owned());
        if self.tables.contains_key(name) {
            return self.check_columns(name, &Vec::from_iter(columns));
        }
        self.create(name)
    }

    /// Begins a file whose rows have a list with a column for each entry, and writes its header. A file that is resumed
    /// has to have the same columns.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_header(&mut self, name: &str, header: &[String]) -> Result<()> {
        if self.tables.contains_key(name) {
            return self.check_columns(name, header);
        }
        self.create(name)?;
        self.append(name, |writer| writer.write_record(header))
    }

    fn create(&mut self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        let file = (options.write(true).create(true).truncate(true))
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.tables.insert(name.to_owned(), Table::new(file));
        Ok(())
    }

    /// Makes sure that a resumed file has these columns. A row of other columns would not fit its header.
    fn check_columns(&self, name: &str, expected: &[String]) -> Result<()> {
        let path = self.folder.join(name);
        if self.tables[name].length == 0 {
            return Ok(());
        }
        let mut reader = csv::Reader::from_path(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let header =
            (reader.headers()).with_context(|| format!("cannot read {}", path.display()))?;
        if header.iter().eq(expected) {
            return Ok(());
        }
        let missing = expected
            .iter()
            .filter(|name| !header.iter().any(|found| found == *name));
        let surplus = header
            .iter()
            .filter(|found| !expected.iter().any(|name| name == found));
        let list = |names: Vec<&str>| match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        bail!(
            "{} was begun by another version of this program, with other columns (missing here: {}; not known here: {}): \
             resume the run with the program whose commit run.json names, or remove {} to start again",
            path.display(),
            list(missing.map(String::as_str).collect()),
            list(surplus.collect()),
            self.folder.display()
        )
    }

    /// Appends a row. A header of its field names comes before the first row.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    ///
    /// # Panics
    ///
    /// The file was not [begun](Self::start).
    pub fn write(&mut self, name: &str, row: &impl Serialize) -> Result<()> {
        self.append(name, |writer| writer.serialize(row))
    }

    fn append(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
    ) -> Result<()> {
        let table = self.tables.get_mut(name).expect("a file that was started");
        let mut options = csv::WriterBuilder::new();
        let mut writer = options
            .has_headers(table.length == 0)
            .from_writer(Vec::new());
        let append = || -> Result<()> {
            write(&mut writer)?;
            let row = writer.into_inner().map_err(|error| error.into_error())?;
            table.file.write_all(&row)?;
            table.sum.update(&row);
            table.length += row.len() as u64;
            table.is_synced = false;
            Ok(())
        };
        append().with_context(|| format!("cannot write {}", self.folder.join(name).display()))
    }

    /// How many bytes each file has.
    pub fn marks(&self) -> Marks {
        let mark = |table: &Table| Mark {
            length: table.length,
            sum: table.sum.finalize().to_hex().to_string(),
        };
        (self.tables.iter())
            .map(|(name, table)| (name.clone(), mark(table)))
            .collect()
    }

    /// Waits until all rows are on the disk.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn sync(&mut self) -> Result<()> {
        for (name, table) in &mut self.tables {
            if !table.is_synced {
                (table.file.sync_all()).with_context(|| {
                    format!("cannot write {}", self.folder.join(name).display())
                })?;
                table.is_synced = true;
            }
        }
        Ok(())
    }

    /// Cuts off what was written after the marks, and waits until the disk has it. No more rows can be written.
    ///
    /// # Errors
    ///
    /// A file cannot be cut.
    pub fn end_at(self, marks: &Marks) -> Result<()> {
        for (name, table) in &self.tables {
            let length = marks.get(name).map_or(0, |mark| mark.length);
            (table
                .file
                .set_len(length)
                .and_then(|()| table.file.sync_all()))
            .with_context(|| format!("cannot cut {}", self.folder.join(name).display()))?;
        }
        Ok(())
    }
}

/// Checks that the files of a folder still hold what had been written at their marks. The files are not changed.
///
/// # Errors
///
/// The first file that does not hold it.
pub fn check_marks(folder: &Path, marks: &Marks) -> Result<(), MarkError> {
    for (name, mark) in marks {
        let (path, length) = (folder.join(name), mark.length);
        let unreadable = |source| MarkError::Unreadable {
            path: path.clone(),
            source,
        };
        if length == 0 {
            continue; // begun again if it is not there
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(MarkError::Missing { path, length });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let found = file.metadata().map_err(unreadable)?.len();
        if found < length {
            return Err(MarkError::Short {
                path,
                found,
                length,
            });
        }
        let mut sum = blake3::Hasher::new();
        sum.update_reader(file.take(length)).map_err(unreadable)?;
        if sum.finalize().to_hex().as_str() != mark.sum {
            return Err(MarkError::Changed { path, length });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Row {
        iteration: u64,
        value: f64,
    }

    fn row(iteration: u64) -> Row {
        let value = 0.5 * iteration as f64;
        Row { iteration, value }
    }

    fn text(folder: &Path, name: &str) -> String {
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn files_are_resumed_from_their_marks() {
        let folder = tempfile::TempDir::new().unwrap();
        let folder = folder.path();
        let mut tables = TableWriter::new(folder);
        tables.start::<Row>("a.csv").unwrap();
        tables.start::<Row>("empty.csv").unwrap();
        let header = ["k".to_owned(), "v_1".to_owned()];
        tables.start_with_header("lists.csv", &header).unwrap();
        tables.write("a.csv", &row(0)).unwrap();
        let marks = tables.marks();
        tables.write("a.csv", &row(1)).unwrap();
        tables.write("empty.csv", &row(1)).unwrap();
        drop(tables);
        assert_eq!(text(folder, "a.csv"), "iteration,value\n0,0.0\n1,0.5\n");

        check_marks(folder, &marks).unwrap();
        std::fs::remove_file(folder.join("empty.csv")).unwrap();
        check_marks(folder, &marks).unwrap();
        let mut tables = TableWriter::resume(folder, &marks).unwrap();
        assert_eq!(tables.marks(), marks);
        tables.start::<Row>("a.csv").unwrap();
        tables.write("a.csv", &row(1)).unwrap();
        tables.write("empty.csv", &row(2)).unwrap();
        tables.sync().unwrap();
        assert_eq!(text(folder, "a.csv"), "iteration,value\n0,0.0\n1,0.5\n");
        assert_eq!(text(folder, "empty.csv"), "iteration,value\n2,1.0\n");
        assert_eq!(text(folder, "lists.csv"), "k,v_1\n");
        tables.end_at(&marks).unwrap();
        assert_eq!(text(folder, "a.csv"), "iteration,value\n0,0.0\n");
        assert_eq!(text(folder, "empty.csv"), "");
    }

    #[test]
    fn a_file_that_lost_what_was_written_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let folder = folder.path();
        let mut tables = TableWriter::new(folder);
        tables.start::<Row>("a.csv").unwrap();
        tables.write("a.csv", &row(7)).unwrap();
        let (marks, path) = (tables.marks(), folder.join("a.csv"));
        let whole = text(folder, "a.csv");
        let problem = || check_marks(folder, &marks).unwrap_err().to_string();

        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert!(problem().ends_with("has 19 bytes, of which 22 had been written"));
        std::fs::write(&path, whole.replace('7', "8")).unwrap();
        assert!(problem().contains("the first 22 bytes of"));
        std::fs::remove_file(&path).unwrap();
        assert!(problem().contains("a.csv is missing"));
        std::fs::write(&path, format!("{whole}8,4.0\n9,4")).unwrap();
        check_marks(folder, &marks).unwrap();
    }

    /// After an update, rows may have a column more than the file of an interrupted run.
    #[test]
    fn a_file_with_other_columns_is_not_appended_to() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only the names of the columns are looked at")]
        struct Newer {
            iteration: u64,
            value: f64,
            seconds: f64,
        }
        let folder = tempfile::TempDir::new().unwrap();
        let folder = folder.path();
        let mut tables = TableWriter::new(folder);
        tables.start::<Row>("a.csv").unwrap();
        tables.start::<Row>("empty.csv").unwrap();
        tables
            .start_with_header("lists.csv", &["k".to_owned()])
            .unwrap();
        tables.write("a.csv", &row(7)).unwrap();
        let marks = tables.marks();
        let whole = text(folder, "a.csv");

        let mut tables = TableWriter::resume(folder, &marks).unwrap();
        tables.start::<Newer>("empty.csv").unwrap();
        tables
            .start_with_header("lists.csv", &["k".to_owned()])
            .unwrap();
        let other = ["k".to_owned(), "v_1".to_owned()];
        let problem = tables.start_with_header("lists.csv", &other).unwrap_err();
        assert!(
            problem.to_string().contains("missing here: v_1"),
            "{problem}"
        );
        let problem = tables.start::<Newer>("a.csv").unwrap_err().to_string();
        for part in [
            "a.csv",
            "missing here: seconds; not known here: none",
            "remove",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
        assert_eq!(text(folder, "a.csv"), whole);
    }
}
