use super::{MOST_SAMPLES, is_web_page};
use crate::{DataError, Samples};

/// Bytes of an image: red, green and blue planes, each row by row.
const PIXELS: usize = 3 * 32 * 32;

/// A CIFAR-10 file: records of a label and an image.
pub(crate) fn cifar10(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    records(file, bytes, 1, 10)
}

/// A CIFAR-100 file: records of a coarse label, which is not used, a fine label and an image.
pub(crate) fn cifar100(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    records(file, bytes, 2, 100)
}

/// Records that start with `label_bytes` labels, of which the last one counts.
fn records(
    file: &str,
    bytes: &[u8],
    label_bytes: usize,
    classes: usize,
) -> Result<Samples, DataError> {
    if is_web_page(bytes) {
        return Err(DataError::WebPage {
            file: file.to_owned(),
        });
    }
    let record = label_bytes + PIXELS;
    let count = bytes.len() / record;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) || count > MOST_SAMPLES {
        return Err(DataError::Size {
            file: file.to_owned(),
            expected: format!("whole records of {record} bytes, from 1 to {MOST_SAMPLES} of them"),
            found: bytes.len() as u64,
        });
    }
    let mut images = Vec::with_capacity(count * PIXELS);
    let mut labels = Vec::with_capacity(count);
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let (header, image) = record.split_at(label_bytes);
        let label = header[label_bytes - 1];
        if usize::from(label) >= classes {
            return Err(DataError::Label {
                file: file.to_owned(),
                index,
                allowed: format!("0 to {}", classes - 1),
                found: label.to_string(),
            });
        }
        labels.push(label);
        images.extend_from_slice(image);
    }
    Ok(Samples {
        images,
        labels,
        shape: [3, 32, 32],
        classes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(labels: &[u8], first_pixel: u8) -> Vec<u8> {
        let pixels = (0..PIXELS).map(|i| first_pixel.wrapping_add(i as u8));
        labels.iter().copied().chain(pixels).collect()
    }

    #[test]
    fn records_are_read_in_order() {
        let bytes = [record(&[3], 10), record(&[9], 20)].concat();
        let samples = cifar10("file", &bytes).unwrap();
        assert_eq!(samples.labels, [3, 9]);
        assert_eq!(samples.images[..2], [10, 11]);
        assert_eq!(samples.images[PIXELS..][..2], [20, 21]);

        let samples = cifar100("file", &record(&[19, 99], 5)).unwrap();
        assert_eq!((samples.labels, samples.images[0]), (vec![99], 5));
    }

    #[test]
    fn labels_and_sizes_are_checked() {
        let error = cifar10("file", &record(&[10], 0)).unwrap_err();
        assert!(
            matches!(error, DataError::Label { index: 0, .. }),
            "{error}"
        );
        let error =
            cifar100("file", &[record(&[0, 0], 0), record(&[0, 100], 0)].concat()).unwrap_err();
        assert!(
            matches!(error, DataError::Label { index: 1, .. }),
            "{error}"
        );
        let whole = record(&[1], 0);
        for bytes in [&whole[1..], &[whole.as_slice(), &[0]].concat(), &[]] {
            let error = cifar10("file", bytes).unwrap_err();
            assert!(matches!(error, DataError::Size { .. }), "{error}");
        }
        let error = cifar10("file", b"<!DOCTYPE html><html>not found</html>").unwrap_err();
        assert!(matches!(error, DataError::WebPage { .. }), "{error}");
    }
}
