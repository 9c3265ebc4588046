//! Files that may be compressed with gzip.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{MOST_SAMPLES, first_bytes, is_web_page};
use crate::DataError;

/// The size of the largest valid IDX file: images of 28×28 pixels and a header.
const MOST_BYTES: u64 = (MOST_SAMPLES * 28 * 28 + 16) as u64;

/// Decompresses an IDX file if it is compressed, up to the size of the largest valid file.
pub(crate) fn decompressed<'a>(
    file: &str,
    bytes: Cow<'a, [u8]>,
) -> Result<Cow<'a, [u8]>, DataError> {
    if is_web_page(&bytes) {
        return Err(DataError::WebPage {
            file: file.to_owned(),
        });
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        if file.ends_with(".gz") {
            return Err(DataError::Magic {
                file: file.to_owned(),
                expected: "1f 8b (gzip)".to_owned(),
                found: first_bytes(&bytes),
            });
        }
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes.as_ref())
        .take(MOST_BYTES + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| DataError::Compression {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
    if unpacked.len() as u64 > MOST_BYTES {
        return Err(DataError::TooLarge {
            file: file.to_owned(),
            limit: MOST_BYTES,
        });
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::formats::damage;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(file: &str, bytes: &[u8]) -> Result<Vec<u8>, DataError> {
        decompressed(file, bytes.into()).map(Cow::into_owned)
    }

    #[test]
    fn compressed_or_not_the_content_is_the_same() {
        let packed = gzip(b"content");
        assert_eq!(read("file.gz", &packed).unwrap(), b"content");
        assert_eq!(read("file", &packed).unwrap(), b"content");
        assert_eq!(read("file", b"content").unwrap(), b"content");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let packed = gzip(b"content");
        let mut flipped = packed.clone();
        flipped[packed.len() - 8] ^= 1; // the checksum
        for damaged in [
            &packed[..packed.len() - 1],
            &packed[..12],
            &flipped,
            &[packed.as_slice(), b"more"].concat(),
        ] {
            let error = read("file.gz", damaged).unwrap_err();
            assert!(matches!(error, DataError::Compression { .. }), "{error}");
        }
        let error = read("file.gz", b"content").unwrap_err();
        assert!(matches!(error, DataError::Magic { .. }), "{error}");
        for page in ["\u{feff}\r\n<HTML>", "<!doctype html><title>404</title>"] {
            let error = read("file.gz", page.as_bytes()).unwrap_err();
            assert!(matches!(error, DataError::WebPage { .. }), "{error}");
        }
    }

    /// Decompression of a small file stops at the limit.
    #[test]
    fn a_bomb_is_refused() {
        let bomb = gzip(&vec![0; MOST_BYTES as usize + 1]);
        let error = read("file.gz", &bomb).unwrap_err();
        assert!(
            bomb.len() < MOST_BYTES as usize / 20 && matches!(error, DataError::TooLarge { .. }),
            "{error}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_streams_never_panic(
            damaged in damage::damaged(gzip(&[7; 1000])),
            random in damage::continued(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]),
        ) {
            let _ = (read("file.gz", &damaged), read("file.gz", &random));
        }
    }
}
