use super::{MOST_SAMPLES, first_bytes};
use crate::DataError;

/// How an IDX file of images lays out an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// Row by row.
    Upright,
    /// Column by column, as in EMNIST.
    Transposed,
}

/// An IDX file of `size × size` images, upright on the way out: `[samples, 1, size, size]`.
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

/// An IDX file of labels from `first` to `first + classes − 1`, counted from 0 on the way out.
pub(crate) fn labels(
    file: &str,
    bytes: &[u8],
    first: u8,
    classes: usize,
) -> Result<Vec<u8>, DataError> {
    let (_, stored) = unpack::<1>(file, bytes)?;
    let last = usize::from(first) + classes - 1;
    (stored.iter().enumerate())
        .map(
            |(index, &label)| match (usize::from(first)..=last).contains(&usize::from(label)) {
                true => Ok(label - first),
                false => Err(DataError::Label {
                    file: file.to_owned(),
                    index,
                    allowed: format!("{first} to {last}"),
                    found: label.to_string(),
                }),
            },
        )
        .collect()
}

/// The dimensions of an IDX file of unsigned bytes, and its bytes.
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
        return Err(DataError::Size {
            file: file.to_owned(),
            expected: format!("a header of {header} bytes"),
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
    let values = &bytes[header..];
    let announced = dimensions
        .iter()
        .fold(1u128, |product, &d| product * d as u128);
    if announced != values.len() as u128 {
        return Err(DataError::Size {
            file: file.to_owned(),
            expected: format!(
                "{} bytes as its header {dimensions:?} says",
                announced + header as u128
            ),
            found: bytes.len() as u64,
        });
    }
    Ok((dimensions, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
        bytes.extend(dimensions.iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend_from_slice(values);
        bytes
    }

    #[test]
    fn images_come_out_upright() {
        let bytes = idx(&[1, 2, 2], &[1, 2, 3, 4]);
        assert_eq!(
            images("file", &bytes, 2, Orientation::Upright).unwrap(),
            [1, 2, 3, 4]
        );
        assert_eq!(
            images("file", &bytes, 2, Orientation::Transposed).unwrap(),
            [1, 3, 2, 4]
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
        assert!(matches!(read(&idx(&[4], &[0; 4])), DataError::Magic { .. }));
        assert!(matches!(read(&[]), DataError::Magic { .. }));
        assert!(matches!(read(&[0, 0, 8, 3, 0, 0]), DataError::Size { .. }));
        assert!(matches!(
            read(&idx(&[1, 2, 2], &[0; 3])),
            DataError::Size { .. }
        ));
        assert!(matches!(
            read(&idx(&[1, 2, 2], &[0; 5])),
            DataError::Size { .. }
        ));
        assert!(matches!(
            read(&idx(&[1, 4, 1], &[0; 4])),
            DataError::Header { .. }
        ));
        assert!(matches!(
            read(&idx(&[u32::MAX; 3], &[])),
            DataError::Header { .. }
        ));
        assert!(matches!(
            read(&idx(&[1, u32::MAX, u32::MAX], &[])),
            DataError::Size { .. }
        ));
    }
}
