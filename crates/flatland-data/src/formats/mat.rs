//! MATLAB files of version 5: a header and variables, each of which may be compressed.
//!
//! # References
//!
//! - The MathWorks, *MAT-File Format*, "Level 5 MAT-File Format".

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{first_bytes, is_web_page};
use crate::DataError;

/// The size of the header in bytes. It ends with the version and a mark of the byte order.
pub(super) const HEADER: usize = 128;

/// The types of elements.
const INT8: u32 = 1;
pub(super) const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const INT64: u32 = 12;
const UINT64: u32 = 13;
pub(super) const MATRIX: u32 = 14;
pub(super) const COMPRESSED: u32 = 15;

/// The classes of numeric arrays, from `double` to `uint64`. The other classes are text, cells and structures.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// The flag of complex arrays.
const COMPLEX: u32 = 0x0800;

/// A file with a valid header.
pub(super) struct MatFile<'a> {
    file: &'a str,
    bytes: &'a [u8],
    big_endian: bool,
}

/// An element of the file: its type and its bytes.
pub(super) struct Element<'a> {
    pub kind: u32,
    pub content: &'a [u8],
}

/// An array of real numbers.
pub(super) struct Array<'a> {
    pub name: &'a [u8],
    pub dimensions: Vec<usize>,
    pub values: Element<'a>,
}

impl Array<'_> {
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name)
    }
}

impl<'a> MatFile<'a> {
    pub fn new(file: &'a str, bytes: &'a [u8]) -> Result<Self, DataError> {
        if is_web_page(bytes) {
            return Err(DataError::WebPage {
                file: file.to_owned(),
            });
        }
        let big_endian = match bytes.get(HEADER - 4..HEADER) {
            Some([0x00, 0x01, b'I', b'M']) => false,
            Some([0x01, 0x00, b'M', b'I']) => true,
            _ => {
                return Err(DataError::Magic {
                    file: file.to_owned(),
                    expected: "a MATLAB 5.0 header of 128 bytes".to_owned(),
                    found: first_bytes(bytes),
                });
            }
        };
        Ok(Self {
            file,
            bytes,
            big_endian,
        })
    }

    /// The contents of the variables, decompressed one by one, up to `most_bytes` bytes in total.
    pub fn matrices(
        &self,
        most_bytes: usize,
    ) -> impl Iterator<Item = Result<Cow<'a, [u8]>, DataError>> {
        let mut rest = &self.bytes[HEADER..];
        let mut allowance = most_bytes;
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| {
                let place = self.bytes.len() - rest.len();
                let element = self.element(&mut rest)?;
                match element.kind {
                    MATRIX => Ok(Cow::Borrowed(element.content)),
                    COMPRESSED => {
                        let content = self.inflate(element.content, allowance)?;
                        allowance -= content.len();
                        Ok(Cow::Owned(content))
                    }
                    kind => Err(self.header(
                        format!("the element at byte {place}"),
                        "a matrix (type 14), compressed (15) or not",
                        format!("of type {kind}"),
                    )),
                }
            })
        })
    }

    /// The array in the content of a matrix. `None` if its entries are not real numbers.
    pub fn array<'b>(&self, mut content: &'b [u8]) -> Result<Option<Array<'b>>, DataError> {
        let flags = self.element(&mut content)?.content;
        let Ok([flags, _]) = <[u32; 2]>::try_from(self.words(flags)?) else {
            return Err(self.header(
                "the flags of a variable",
                "8 bytes",
                flags.len().to_string(),
            ));
        };
        if !NUMERIC.contains(&(flags & 0xff)) || flags & COMPLEX != 0 {
            return Ok(None);
        }
        let dimensions = self.words(self.element(&mut content)?.content)?;
        let name = self.element(&mut content)?.content;
        let values = self.element(&mut content)?;
        let array = Array {
            name,
            dimensions: dimensions.iter().map(|&d| d as usize).collect(),
            values,
        };
        if !content.is_empty() {
            return Err(self.header(
                format!("the end of variable {}", array.name()),
                "that of its numbers",
                format!("{} bytes later", content.len()),
            ));
        }
        Ok(Some(array))
    }

    /// The `count` numbers of an array, in any of MATLAB's storage types.
    pub fn numbers(&self, array: &Array<'_>, count: usize) -> Result<Vec<f64>, DataError> {
        match array.values.kind {
            INT8 => self.each(array, count, |b| f64::from(i8::from_le_bytes(b))),
            UINT8 => self.each(array, count, |b| f64::from(u8::from_le_bytes(b))),
            INT16 => self.each(array, count, |b| f64::from(i16::from_le_bytes(b))),
            UINT16 => self.each(array, count, |b| f64::from(u16::from_le_bytes(b))),
            INT32 => self.each(array, count, |b| f64::from(i32::from_le_bytes(b))),
            UINT32 => self.each(array, count, |b| f64::from(u32::from_le_bytes(b))),
            SINGLE => self.each(array, count, |b| f64::from(f32::from_le_bytes(b))),
            DOUBLE => self.each(array, count, f64::from_le_bytes),
            INT64 => self.each(array, count, |b| i64::from_le_bytes(b) as f64),
            UINT64 => self.each(array, count, |b| u64::from_le_bytes(b) as f64),
            kind => {
                let what = format!("the numbers in {}", array.name());
                Err(self.header(what, "of a numeric type", format!("of type {kind}")))
            }
        }
    }

    /// Checks the size of an array's numbers in bytes.
    pub fn check_bytes(&self, array: &Array<'_>, expected: usize) -> Result<(), DataError> {
        let file = format!("{} in {}", array.name(), self.file);
        DataError::check_length(&file, expected as u64, array.values.content.len() as u64)
    }

    /// The numbers of an array with `N` bytes each. `number` converts them from little-endian bytes.
    fn each<const N: usize>(
        &self,
        array: &Array<'_>,
        count: usize,
        number: impl Fn([u8; N]) -> f64,
    ) -> Result<Vec<f64>, DataError> {
        self.check_bytes(array, count * N)?;
        let (numbers, _) = array.values.content.as_chunks::<N>();
        Ok(numbers
            .iter()
            .map(|&(mut bytes)| {
                if self.big_endian {
                    bytes.reverse();
                }
                number(bytes)
            })
            .collect())
    }

    /// Splits the first element off `rest`.
    fn element<'b>(&self, rest: &mut &'b [u8]) -> Result<Element<'b>, DataError> {
        let bytes = *rest;
        let truncated = |expected: usize| DataError::Truncated {
            file: format!("an element of {}", self.file),
            expected: expected as u64,
            found: bytes.len() as u64,
        };
        let (tag, body) = bytes.split_at_checked(8).ok_or_else(|| truncated(8))?;
        let (first, second) = (self.word(&tag[..4]), self.word(&tag[4..]) as usize);
        if first >> 16 != 0 {
            // A small element contains up to four bytes in its tag.
            let (kind, length) = (first & 0xffff, (first >> 16) as usize);
            let content = tag[4..].get(..length).ok_or_else(|| {
                let found = format!("{length} bytes");
                self.header("a small element", "at most 4 bytes", found)
            })?;
            *rest = body;
            return Ok(Element { kind, content });
        }
        let content = body.get(..second).ok_or_else(|| truncated(8 + second))?;
        // Elements start at multiples of eight bytes, except after compressed ones.
        let next = match first {
            COMPRESSED => second,
            _ => second.next_multiple_of(8),
        };
        *rest = body.get(next..).unwrap_or_default();
        Ok(Element {
            kind: first,
            content,
        })
    }

    /// The content of the matrix in a compressed element, up to the size in the matrix's own tag.
    fn inflate(&self, compressed: &[u8], most_bytes: usize) -> Result<Vec<u8>, DataError> {
        let failed = |reason: String| DataError::Compression {
            file: format!("a variable in {}", self.file),
            reason,
        };
        let io = |error: std::io::Error| failed(error.to_string());
        let mut decoder = ZlibDecoder::new(compressed);
        let mut tag = [0; 8];
        decoder.read_exact(&mut tag).map_err(io)?;
        let (kind, length) = (self.word(&tag[..4]), self.word(&tag[4..]) as usize);
        if kind != MATRIX {
            let found = format!("type {kind}");
            return Err(self.header("a compressed element", "a matrix (type 14)", found));
        }
        if length > most_bytes {
            return Err(DataError::TooLarge {
                file: format!("a variable in {}", self.file),
                limit: most_bytes as u64,
            });
        }
        let mut content = Vec::new();
        (decoder.by_ref().take(length as u64))
            .read_to_end(&mut content)
            .map_err(io)?;
        if content.len() < length {
            let found = content.len();
            return Err(failed(format!("it ends after {found} of {length} bytes")));
        }
        // The decoder compares the checksum at the end of the stream.
        match decoder.read(&mut [0]).map_err(io)? {
            0 => Ok(content),
            _ => Err(failed(format!("it goes on after its {length} bytes"))),
        }
    }

    fn word(&self, bytes: &[u8]) -> u32 {
        let word = bytes.try_into().expect("four bytes");
        if self.big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    }

    fn words(&self, bytes: &[u8]) -> Result<Vec<u32>, DataError> {
        let words = bytes.chunks_exact(4);
        if !words.remainder().is_empty() {
            let found = format!("{} bytes", bytes.len());
            return Err(self.header("a list of words", "of 4 bytes each", found));
        }
        Ok(words.map(|word| self.word(word)).collect())
    }

    /// A [`DataError::Header`] of this file.
    pub fn header(
        &self,
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DataError {
        DataError::Header {
            file: self.file.to_owned(),
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}
