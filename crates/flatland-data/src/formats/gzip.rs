use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{MOST_SAMPLES, first_bytes, is_web_page};
use crate::DataError;

/// The longest IDX file that can be right: the most images of 28×28 pixels, and a header.
const MOST_BYTES: u64 = (MOST_SAMPLES * 28 * 28 + 16) as u64;

/// The bytes of a file that may be compressed with gzip.
pub(crate) fn decompressed<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, DataError> {
    if is_web_page(bytes) {
        return Err(DataError::WebPage {
            file: file.to_owned(),
        });
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        if file.ends_with(".gz") {
            return Err(DataError::Magic {
                file: file.to_owned(),
                expected: "1f 8b (gzip)".to_owned(),
                found: first_bytes(bytes),
            });
        }
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(MOST_BYTES + 1)
        .read_to_end(&mut unpacked);
    match read {
        Err(error) => Err(DataError::Compression {
            file: file.to_owned(),
            reason: error.to_string(),
        }),
        Ok(length) if length as u64 > MOST_BYTES => Err(DataError::Size {
            file: file.to_owned(),
            expected: format!("at most {MOST_BYTES} bytes when unpacked"),
            found: length as u64,
        }),
        Ok(_) => Ok(Cow::Owned(unpacked)),
    }
}
