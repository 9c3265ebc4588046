//! CIFAR-10 and CIFAR-100, binary version: records of labels and pixels, without a header.
//!
//! # References
//!
//! - A. Krizhevsky, <https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version".

use super::{MOST_SAMPLES, is_web_page};
use crate::{DataError, Samples};

/// The bytes of an image: red, green and blue planes, each in row-major order.
const PIXELS: usize = 3 * 32 * 32;

/// Reads a CIFAR-10 file: records of a label and an image.
pub(crate) fn cifar10(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    records(file, bytes, [10])
}

/// Reads a CIFAR-100 file: records of a coarse label, which is checked and not used, a fine label and an image.
pub(crate) fn cifar100(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    records(file, bytes, [20, 100])
}

/// Reads records that start with one label for each of these numbers of classes. The last label is used.
fn records<const LABELS: usize>(
    file: &str,
    bytes: &[u8],
    classes: [usize; LABELS],
) -> Result<Samples, DataError> {
    if is_web_page(bytes) {
        return Err(DataError::WebPage {
            file: file.to_owned(),
        });
    }
    let record = LABELS + PIXELS;
    let count = bytes.len() / record;
    if !bytes.len().is_multiple_of(record) || !(1..=MOST_SAMPLES).contains(&count) {
        return Err(DataError::Size {
            file: file.to_owned(),
            record,
            most: MOST_SAMPLES,
            found: bytes.len() as u64,
        });
    }
    let mut images = Vec::with_capacity(count * PIXELS);
    let mut labels = Vec::with_capacity(count);
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let (stored, image) = record.split_at(LABELS);
        for (&label, classes) in stored.iter().zip(classes) {
            if usize::from(label) >= classes {
                return Err(DataError::Label {
                    file: file.to_owned(),
                    index,
                    allowed: format!("0 to {}", classes - 1),
                    found: label.to_string(),
                });
            }
        }
        labels.push(stored[LABELS - 1]);
        images.extend_from_slice(image);
    }
    Ok(Samples {
        images,
        labels,
        shape: [3, 32, 32],
        classes: classes[LABELS - 1],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::damage;

    fn record(labels: &[u8], first_pixel: u8) -> Vec<u8> {
        let pixels = (0..PIXELS).map(|i| first_pixel.wrapping_add(i as u8));
        labels.iter().copied().chain(pixels).collect()
    }

    #[test]
    fn records_are_read_in_order_plane_by_plane() {
        let planes = |red, green, blue| [[red; 1024], [green; 1024], [blue; 1024]].concat();
        let bytes = [vec![3], planes(10, 11, 12), vec![9], planes(20, 21, 22)].concat();
        let samples = cifar10("file", &bytes).unwrap();
        assert_eq!(samples.labels, [3, 9]);
        assert_eq!(
            samples.images,
            [planes(10, 11, 12), planes(20, 21, 22)].concat()
        );

        let samples = cifar100("file", &record(&[19, 99], 5)).unwrap();
        assert_eq!((samples.labels, samples.images[0]), (vec![99], 5));
    }

    #[test]
    fn labels_are_checked() {
        for (result, index) in [
            (cifar10("file", &record(&[10], 0)), 0),
            (
                cifar100("file", &[record(&[0, 0], 0), record(&[0, 100], 0)].concat()),
                1,
            ),
            (cifar100("file", &record(&[20, 0], 0)), 0),
        ] {
            let error = result.unwrap_err();
            assert!(
                matches!(error, DataError::Label { index: i, .. } if i == index),
                "{error}"
            );
        }
    }

    #[test]
    fn sizes_are_checked() {
        let whole = record(&[1], 0);
        for bytes in [&whole[1..], &[whole.as_slice(), &[0]].concat(), &[]] {
            let error = cifar10("file", bytes).unwrap_err();
            assert!(matches!(error, DataError::Size { .. }), "{error}");
        }
        let error = cifar10("file", b"<!DOCTYPE html><html>not found</html>").unwrap_err();
        assert!(matches!(error, DataError::WebPage { .. }), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_records_never_panic(
            ten in damage::damaged([record(&[1], 0), record(&[9], 0)].concat()),
            hundred in damage::damaged(record(&[19, 99], 0)),
        ) {
            for samples in [cifar10("file", &ten), cifar100("file", &hundred)].into_iter().flatten() {
                prop_assert!(samples.is_consistent());
            }
        }
    }
}
