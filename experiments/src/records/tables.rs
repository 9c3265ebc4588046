//! The CSV files of a run that is under way.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The CSV files of one run, by their names.
///
/// Rows are with the operating system as soon as they are written, and on the disk once the file was
/// [synced](Self::sync). A [`Mark`] for each file says how far it had come: to [go on](Self::go_on) from there, and to
/// [end](Self::end_at) there.
pub struct Tables {
    folder: PathBuf,
    tables: BTreeMap<String, Table>,
}

/// How far a file had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its length in bytes, at the end of a row.
    pub length: u64,
    /// The BLAKE3 sum of these bytes, in hexadecimal digits.
    pub sum: String,
}

/// The marks of all files, by their names.
pub type Marks = BTreeMap<String, Mark>;

/// Why a file does not go on from its mark.
#[derive(Debug, Error)]
pub enum Misfit {
    #[error("{path} is missing, of which {length} bytes had been written")]
    Missing { path: PathBuf, length: u64 },
    #[error("{path} has {found} bytes, of which {length} had been written")]
    Short {
        path: PathBuf,
        found: u64,
        length: u64,
    },
    #[error("the first {length} bytes of {path} are not those that had been written")]
    Changed { path: PathBuf, length: u64 },
    #[error("cannot read {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
}

struct Table {
    file: File,
    length: u64,
    sum: blake3::Hasher,
    is_synced: bool,
}

impl Tables {
    /// No file yet; each is started anew by its [header](Self::start).
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            tables: BTreeMap::new(),
        }
    }

    /// The files as they were at their marks. What was written later is cut off.
    ///
    /// # Errors
    ///
    /// A file that cannot be cut.
    ///
    /// The marks must [fit](misfit).
    pub fn go_on(folder: &Path, marks: &Marks) -> Result<Self> {
        let mut tables = Self::new(folder);
        for (name, mark) in marks {
            let path = folder.join(name);
            let open = || -> Result<Table> {
                let file = (OpenOptions::new().read(true).append(true).create(true)).open(&path)?;
                file.set_len(mark.length)?;
                let mut sum = blake3::Hasher::new();
                sum.update_reader(&file)?;
                Ok(Table {
                    file,
                    length: mark.length,
                    sum,
                    is_synced: false,
                })
            };
            let table = open().with_context(|| format!("cannot go on with {}", path.display()))?;
            tables.tables.insert(name.clone(), table);
        }
        Ok(tables)
    }

    /// Starts a file anew, unless it goes on; with a header for rows whose lists take a column for each entry.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn start(&mut self, name: &str, header: Option<&[String]>) -> Result<()> {
        if self.tables.contains_key(name) {
            return Ok(());
        }
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        let file = (options.write(true).create(true).truncate(true))
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let table = Table {
            file,
            length: 0,
            sum: blake3::Hasher::new(),
            is_synced: false,
        };
        self.tables.insert(name.to_owned(), table);
        match header {
            Some(header) => self.append(name, |writer| writer.write_record(header)),
            None => Ok(()),
        }
    }

    /// Appends a row, after a header of its field names if it is the first.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    ///
    /// # Panics
    ///
    /// If the file was not [started](Self::start).
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

    /// How far each file has come.
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
    /// A file that cannot be written.
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

    /// Cuts off what was written after the marks, and waits until that is on the disk. No row can be written any more.
    ///
    /// # Errors
    ///
    /// A file that cannot be cut.
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

/// What is wrong with the files of a folder that are to go on from these marks; they are not changed.
///
/// # Errors
///
/// The first file that does not hold what had been written.
pub fn misfit(folder: &Path, marks: &Marks) -> Result<(), Misfit> {
    for (name, mark) in marks {
        let (path, length) = (folder.join(name), mark.length);
        let unreadable = |source| Misfit::Unreadable {
            path: path.clone(),
            source,
        };
        if length == 0 {
            continue; // started anew if it is not there
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Misfit::Missing { path, length });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let found = file.metadata().map_err(unreadable)?.len();
        if found < length {
            return Err(Misfit::Short {
                path,
                found,
                length,
            });
        }
        let mut sum = blake3::Hasher::new();
        sum.update_reader(file.take(length)).map_err(unreadable)?;
        if sum.finalize().to_hex().as_str() != mark.sum {
            return Err(Misfit::Changed { path, length });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
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
    fn files_go_on_from_their_marks() {
        let folder = tempfile::TempDir::new().unwrap();
        let folder = folder.path();
        let mut tables = Tables::new(folder);
        tables.start("a.csv", None).unwrap();
        tables.start("empty.csv", None).unwrap();
        let header = ["k".to_owned(), "v_1".to_owned()];
        tables.start("lists.csv", Some(&header)).unwrap();
        tables.write("a.csv", &row(0)).unwrap();
        let marks = tables.marks();
        tables.write("a.csv", &row(1)).unwrap();
        tables.write("empty.csv", &row(1)).unwrap();
        drop(tables);
        assert_eq!(text(folder, "a.csv"), "iteration,value\n0,0.0\n1,0.5\n");

        misfit(folder, &marks).unwrap();
        std::fs::remove_file(folder.join("empty.csv")).unwrap();
        misfit(folder, &marks).unwrap();
        let mut tables = Tables::go_on(folder, &marks).unwrap();
        assert_eq!(tables.marks(), marks);
        tables.start("a.csv", None).unwrap();
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
        let mut tables = Tables::new(folder);
        tables.start("a.csv", None).unwrap();
        tables.write("a.csv", &row(7)).unwrap();
        let (marks, path) = (tables.marks(), folder.join("a.csv"));
        let whole = text(folder, "a.csv");
        let problem = || misfit(folder, &marks).unwrap_err().to_string();

        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert!(problem().ends_with("has 19 bytes, of which 22 had been written"));
        std::fs::write(&path, whole.replace('7', "8")).unwrap();
        assert!(problem().contains("the first 22 bytes of"));
        std::fs::remove_file(&path).unwrap();
        assert!(problem().contains("a.csv is missing"));
        std::fs::write(&path, format!("{whole}8,4.0\n9,4")).unwrap();
        misfit(folder, &marks).unwrap();
    }
}
