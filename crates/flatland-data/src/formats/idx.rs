//! EMNIST, MNIST and Fashion-MNIST: IDX files of images and of labels.
//!
//! # References
//!
//! - Y. LeCun, C. Cortes, C. Burges, <http://yann.lecun.com/exdb/mnist/>, "File formats for the MNIST database".

use super::{MOST_SAMPLES, first_bytes};
use crate::DataError;

/// The memory order of the images in an IDX file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// Row by row.
    Upright,
    /// Column by column, as in EMNIST.
    Transposed,
}

/// Reads an IDX file of `size × size` images. Returns upright images, `[samples, 1, size, size]`.
pub(crate) fn images(
    file: &str,
    bytes: &[u8],
    size: usize,
    orientation: Orientation,
) -> Result<Vec<u8>, DataError> {
    let ([_, height, width], pixels) = unpack::<3>(file, bytes)?;
    if [height, width] != [size, size] {
        return Err(DataError::Header {
            file: file.to_owned(),
            what: "the size of its images".to_owned(),
            expected: format!("{size}×{size}"),
            found: format!("{height}×{width}"),
        });
    }
    let mut images = pixels.to_vec();
    if orientation == Orientation::Transposed {
        for image in images.chunks_exact_mut(size * size) {
            for row in 0..size {
                for column in 0..row {
                    image.swap(row * size + column, column * size + row);
                }
            }
        }
    }
    Ok(images)
}

/// Reads an IDX file of labels from `first` to `first + classes − 1`. Returns labels from 0.
pub(crate) fn labels(
    file: &str,
    bytes: &[u8],
    first: u8,
    classes: usize,
) -> Result<Vec<u8>, DataError> {
    let (_, stored) = unpack::<1>(file, bytes)?;
    let last = usize::from(first) + classes - 1;
    (stored.iter().enumerate())
        .map(|(index, &label)| {
            if (usize::from(first)..=last).contains(&usize::from(label)) {
                return Ok(label - first);
            }
            Err(DataError::Label {
                file: file.to_owned(),
                index,
                allowed: format!("{first} to {last}"),
                found: label.to_string(),
            })
        })
        .collect()
}

/// The dimensions and the data of an IDX file of unsigned bytes.
fn unpack<'a, const D: usize>(
    file: &str,
    bytes: &'a [u8],
) -> Result<([usize; D], &'a [u8]), DataError> {
    let magic = [0, 0, 0x08, D as u8];
    let header = 4 + 4 * D;
    if !bytes.starts_with(&magic) {
        return Err(DataError::Magic {
            file: file.to_owned(),
            expected: format!(
                "{} (IDX, unsigned bytes, {D} dimensions)",
                first_bytes(&magic)
            ),
            found: first_bytes(bytes),
        });
    }
    if bytes.len() < header {
        return Err(DataError::Truncated {
            file: file.to_owned(),
            expected: header as u64,
            found: bytes.len() as u64,
        });
    }
    let dimensions: [usize; D] = std::array::from_fn(|axis| {
        let field = &bytes[4 + 4 * axis..][..4];
        u32::from_be_bytes(field.try_into().expect("four bytes")) as usize
    });
    if !(1..=MOST_SAMPLES).contains(&dimensions[0]) {
        return Err(DataError::Header {
            file: file.to_owned(),
            what: "its number of samples".to_owned(),
            expected: format!("from 1 to {MOST_SAMPLES}"),
            found: dimensions[0].to_string(),
        });
    }
    // A product of three words of 32 bits does not overflow 128.
    let announced: u128 = dimensions.iter().map(|&d| d as u128).product();
    let whole = u64::try_from(header as u128 + announced).unwrap_or(u64::MAX);
    DataError::check_length(file, whole, bytes.len() as u64)?;
    Ok((dimensions, &bytes[header..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::damage;

    fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend_from_slice(values);
        bytes
    }

    #[test]
    fn images_come_out_upright() {
        let bytes = idx(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(
            images("file", &bytes, 2, Orientation::Upright).unwrap(),
            [1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(
            images("file", &bytes, 2, Orientation::Transposed).unwrap(),
            [1, 3, 2, 4, 5, 7, 6, 8]
        );
    }

    #[test]
    fn labels_are_counted_from_zero() {
        assert_eq!(
            labels("file", &idx(&[3], &[1, 26, 7]), 1, 26).unwrap(),
            [0, 25, 6]
        );
        for (bytes, index) in [([1, 0, 7], 1), ([1, 2, 27], 2)] {
            let error = labels("file", &idx(&[3], &bytes), 1, 26).unwrap_err();
            assert!(
                matches!(error, DataError::Label { index: i, .. } if i == index),
                "{error}"
            );
        }
    }

    #[test]
    fn headers_and_sizes_are_checked() {
        let read = |bytes: &[u8]| images("file", bytes, 2, Orientation::Upright).unwrap_err();
        let magic = |error| matches!(error, DataError::Magic { .. });
        let header = |error| matches!(error, DataError::Header { .. });
        let truncated = |error| matches!(error, DataError::Truncated { .. });
        let trailing = |error| matches!(error, DataError::TrailingBytes { .. });
        assert!(magic(read(&idx(&[4], &[0; 4]))));
        assert!(magic(read(&[])));
        assert!(truncated(read(&[0, 0, 8, 3, 0, 0])));
        assert!(truncated(read(&idx(&[1, 2, 2], &[0; 3]))));
        assert!(trailing(read(&idx(&[1, 2, 2], &[0; 5]))));
        assert!(header(read(&idx(&[1, 4, 1], &[0; 4]))));
        assert!(header(read(&idx(&[0, 2, 2], &[]))));
        assert!(header(read(&idx(&[u32::MAX; 3], &[]))));
        assert!(truncated(read(&idx(&[1, u32::MAX, u32::MAX], &[]))));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_files_never_panic(
            damaged in damage::damaged(idx(&[3, 2, 2], &[7; 12])),
            letters in damage::damaged(idx(&[3], &[1, 26, 7])),
            random in damage::continued(vec![0, 0, 8, 3, 0, 0]),
        ) {
            for bytes in [&damaged, &random] {
                if let Ok(images) = images("file", bytes, 2, Orientation::Transposed) {
                    prop_assert_eq!(images.len(), bytes.len() - 16);
                }
            }
            if let Ok(labels) = labels("file", &letters, 1, 26) {
                prop_assert!(labels.len() == letters.len() - 8 && labels.iter().all(|&label| label < 26));
            }
        }
    }
}
