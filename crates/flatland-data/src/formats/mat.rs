//! SVHN's cropped digits: a MATLAB file of version 5 with the images `X` and the labels `y`.
//!
//! # References
//!
//! - The MathWorks, *MAT-File Format*, "Level 5 MAT-File Format".

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{MOST_SAMPLES, first_bytes, is_web_page};
use crate::{DataError, Samples};

/// Rows and columns of an image, and its colours.
const SHAPE: [usize; 3] = [32, 32, 3];
/// Bytes before the first element: a text, and at their end the version and a mark for the order of bytes.
const HEADER: usize = 128;
/// The longest element that can be right, with some room for its own headers.
const MOST_BYTES: usize = MOST_SAMPLES * 32 * 32 * 3 + 4096;

/// Types of elements.
const UINT8: u32 = 2;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// Reads `X`, `[32, 32, 3, samples]` in MATLAB's order, and `y`, from 1 to 10 where 10 is the digit 0.
pub(crate) fn svhn(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    let reader = Reader::new(file, bytes)?;
    let (mut images, mut labels) = (None, None);
    let mut rest = &bytes[HEADER..];
    while !rest.is_empty() {
        let element = reader.element(&mut rest)?;
        let content = match element.kind {
            COMPRESSED => reader.inflate(element.content)?,
            MATRIX => Cow::Borrowed(element.content),
            _ => continue,
        };
        let Some(array) = reader.array(&content)? else {
            continue;
        };
        match array.name {
            b"X" => images = Some(reader.images(&array)?),
            b"y" => labels = Some(reader.labels(&array)?),
            _ => {}
        }
    }
    let missing = |name: &str| {
        reader.header(
            "its variables",
            format!("X and y, but there is no {name}"),
            "others",
        )
    };
    let images = images.ok_or_else(|| missing("X"))?;
    let labels = labels.ok_or_else(|| missing("y"))?;
    let pixels = SHAPE.iter().product::<usize>();
    if images.len() != labels.len() * pixels {
        return Err(DataError::Count {
            images_file: format!("X in {file}"),
            images: images.len() / pixels,
            labels_file: format!("y in {file}"),
            labels: labels.len(),
        });
    }
    Ok(Samples {
        images,
        labels,
        shape: [3, 32, 32],
        classes: 10,
    })
}

struct Reader<'a> {
    file: &'a str,
    big_endian: bool,
}

/// A piece of the file: what it is, and its bytes.
struct Element<'a> {
    kind: u32,
    content: &'a [u8],
}

/// A numeric array.
struct Array<'a> {
    name: &'a [u8],
    dimensions: Vec<usize>,
    values: Element<'a>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, bytes: &[u8]) -> Result<Self, DataError> {
        if is_web_page(bytes) {
            return Err(DataError::WebPage {
                file: file.to_owned(),
            });
        }
        let mark = bytes.get(HEADER - 4..HEADER);
        let big_endian = match mark {
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
        Ok(Self { file, big_endian })
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let word = bytes.try_into().expect("four bytes");
        if self.big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    }

    /// The element at the front of `rest`, which then begins with the next one.
    fn element<'b>(&self, rest: &mut &'b [u8]) -> Result<Element<'b>, DataError> {
        let bytes = *rest;
        let truncated = |needed: usize| DataError::Size {
            file: self.file.to_owned(),
            expected: format!("an element of {needed} bytes"),
            found: bytes.len() as u64,
        };
        let (tag, body) = bytes.split_at_checked(8).ok_or_else(|| truncated(8))?;
        let word = self.u32(&tag[..4]);
        if word >> 16 != 0 {
            // A small element holds its bytes, up to four, in the tag.
            let (kind, length) = (word & 0xffff, (word >> 16) as usize);
            let content = tag[4..]
                .get(..length)
                .ok_or_else(|| truncated(8 + length))?;
            *rest = body;
            return Ok(Element { kind, content });
        }
        let length = self.u32(&tag[4..]) as usize;
        let content = body.get(..length).ok_or_else(|| truncated(8 + length))?;
        // Elements start at multiples of eight bytes, but for compressed ones.
        let padding = if word == COMPRESSED {
            0
        } else {
            length.next_multiple_of(8) - length
        };
        *rest = body.get(length + padding..).unwrap_or_default();
        Ok(Element {
            kind: word,
            content,
        })
    }

    /// The content of the matrix in a compressed element. Nothing longer than the matrix's own tag says is unpacked.
    fn inflate(&self, compressed: &[u8]) -> Result<Cow<'static, [u8]>, DataError> {
        let failed = |error: std::io::Error| DataError::Compression {
            file: self.file.to_owned(),
            reason: error.to_string(),
        };
        let mut decoder = ZlibDecoder::new(compressed);
        let mut tag = [0; 8];
        decoder.read_exact(&mut tag).map_err(failed)?;
        let (kind, length) = (self.u32(&tag[..4]), self.u32(&tag[4..]) as usize);
        if kind != MATRIX || length > MOST_BYTES {
            return Err(self.header(
                "a compressed element",
                format!("a matrix of at most {MOST_BYTES} bytes"),
                format!("type {kind} of {length} bytes"),
            ));
        }
        let mut content = Vec::new();
        decoder
            .take(length as u64)
            .read_to_end(&mut content)
            .map_err(failed)?;
        if content.len() < length {
            return Err(DataError::Size {
                file: self.file.to_owned(),
                expected: format!("a matrix of {length} bytes"),
                found: content.len() as u64,
            });
        }
        Ok(Cow::Owned(content))
    }

    /// The numeric array in the content of a matrix element; nothing if it is of another kind.
    fn array<'b>(&self, mut content: &'b [u8]) -> Result<Option<Array<'b>>, DataError> {
        let flags = self.element(&mut content)?;
        let class = match flags.content {
            [word @ .., _, _, _, _] if word.len() == 4 => self.u32(word) & 0xff,
            _ => {
                return Err(self.header(
                    "the flags of an array",
                    "8 bytes",
                    flags.content.len().to_string(),
                ));
            }
        };
        if !(6..=15).contains(&class) {
            return Ok(None); // text, cells, structures
        }
        let dimensions = self.element(&mut content)?.content;
        if !dimensions.len().is_multiple_of(4) {
            return Err(self.header("the dimensions of an array", "whole numbers", "odd bytes"));
        }
        let dimensions = dimensions
            .chunks_exact(4)
            .map(|word| self.u32(word) as usize)
            .collect();
        let name = self.element(&mut content)?.content;
        let values = self.element(&mut content)?;
        Ok(Some(Array {
            name,
            dimensions,
            values,
        }))
    }

    /// The images, `[samples, 3, 32, 32]` row by row.
    fn images(&self, array: &Array<'_>) -> Result<Vec<u8>, DataError> {
        let samples = match array.dimensions.as_slice() {
            [32, 32, 3] => 1, // MATLAB drops a last dimension of 1
            &[32, 32, 3, samples] if samples <= MOST_SAMPLES => samples,
            found => {
                let expected = format!("32×32×3×samples, with at most {MOST_SAMPLES} samples");
                return Err(self.header("the size of X", expected, format!("{found:?}")));
            }
        };
        if array.values.kind != UINT8 {
            let found = format!("type {}", array.values.kind);
            return Err(self.header("the numbers in X", "unsigned bytes", found));
        }
        let [rows, columns, colours] = SHAPE;
        let pixels = rows * columns * colours;
        let stored = array.values.content;
        if stored.len() != samples * pixels {
            return Err(DataError::Size {
                file: format!("X in {}", self.file),
                expected: format!("{} bytes", samples * pixels),
                found: stored.len() as u64,
            });
        }
        // MATLAB counts the first index fastest: transpose every plane.
        let planes = stored.chunks_exact(rows * columns);
        Ok(planes
            .flat_map(|plane| {
                (0..rows)
                    .flat_map(move |row| (0..columns).map(move |column| plane[row + rows * column]))
            })
            .collect())
    }

    /// The labels, 10 turned into 0.
    fn labels(&self, array: &Array<'_>) -> Result<Vec<u8>, DataError> {
        let values = self.numbers(&array.values)?;
        if array
            .dimensions
            .iter()
            .map(|&d| d as u128)
            .product::<u128>()
            != values.len() as u128
        {
            let found = format!("{:?} for {} numbers", array.dimensions, values.len());
            return Err(self.header("the size of y", "the number of its values", found));
        }
        (values.iter().enumerate())
            .map(|(index, &value)| match value {
                10.0 => Ok(0),
                digit if digit.fract() == 0.0 && (1.0..10.0).contains(&digit) => Ok(digit as u8),
                _ => Err(DataError::Label {
                    file: format!("y in {}", self.file),
                    index,
                    allowed: "1 to 10".to_owned(),
                    found: value.to_string(),
                }),
            })
            .collect()
    }

    /// The numbers of an element, whichever way MATLAB chose to store them.
    fn numbers(&self, element: &Element<'_>) -> Result<Vec<f64>, DataError> {
        let size = match element.kind {
            1 | UINT8 => 1,
            3 | 4 => 2,
            5..=7 => 4,
            9 | 12 | 13 => 8,
            kind => {
                return Err(self.header(
                    "the numbers in y",
                    "a numeric type",
                    format!("type {kind}"),
                ));
            }
        };
        if !element.content.len().is_multiple_of(size) {
            return Err(self.header(
                "the numbers in y",
                format!("of {size} bytes each"),
                "a part of one",
            ));
        }
        let words = element.content.chunks_exact(size).map(|word| {
            let mut little = word.to_vec();
            if self.big_endian {
                little.reverse();
            }
            little
        });
        Ok(words
            .map(|word| {
                let mut wide = [0; 8];
                wide[..size].copy_from_slice(&word);
                let unsigned = u64::from_le_bytes(wide);
                let unused = 64 - 8 * size as u32;
                match element.kind {
                    7 => f64::from(f32::from_bits(unsigned as u32)),
                    9 => f64::from_bits(unsigned),
                    1 | 3 | 5 | 12 => ((unsigned << unused) as i64 >> unused) as f64,
                    _ => unsigned as f64,
                }
            })
            .collect())
    }

    fn header(
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

#[cfg(test)]
mod tests;
