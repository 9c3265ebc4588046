//! Files made by hand, of either order of bytes.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::formats::damage;
use crate::formats::mat::{COMPRESSED, HEADER, MATRIX};

/// Classes of arrays.
const CHARS: u32 = 4;
const DOUBLES: u32 = 6;
const COMPLEX_DOUBLES: u32 = 0x0806;

fn word(value: u32, big_endian: bool) -> [u8; 4] {
    if big_endian {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

fn element(kind: u32, content: &[u8], big_endian: bool) -> Vec<u8> {
    let length = word(content.len() as u32, big_endian);
    let mut bytes = [word(kind, big_endian), length].concat();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn small_element(kind: u32, content: &[u8], big_endian: bool) -> Vec<u8> {
    let mut bytes = word(kind | (content.len() as u32) << 16, big_endian).to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(8, 0);
    bytes
}

fn array(class: u32, name: &[u8], dimensions: &[u32], values: &[u8], big_endian: bool) -> Vec<u8> {
    let flags = [word(class, big_endian), [0; 4]].concat();
    let dimensions = dimensions.iter().flat_map(|&d| word(d, big_endian));
    let content = [
        &element(6, &flags, big_endian),
        &element(5, &dimensions.collect::<Vec<u8>>(), big_endian),
        &small_element(1, name, big_endian),
        values,
    ];
    element(MATRIX, &content.concat(), big_endian)
}

fn compressed(variable: &[u8], big_endian: bool) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(variable).unwrap();
    let packed = encoder.finish().unwrap();
    let tag = [
        word(COMPRESSED, big_endian),
        word(packed.len() as u32, big_endian),
    ];
    [tag.concat(), packed].concat()
}

fn file(variables: &[Vec<u8>], compress: bool, big_endian: bool) -> Vec<u8> {
    let mark = if big_endian { b"\x01\0MI" } else { b"\0\x01IM" };
    let mut bytes = [&[b' '; HEADER - 4], mark.as_slice()].concat();
    for variable in variables {
        if compress {
            bytes.extend(compressed(variable, big_endian));
        } else {
            bytes.extend(variable);
        }
    }
    bytes
}

/// `X` with two images; the pixel at (row, column, colour) of image `i` is `row + 2·column + 3·colour + i`.
fn images(big_endian: bool) -> Vec<u8> {
    let mut pixels = Vec::new();
    for image in 0..2u32 {
        for colour in 0..3 {
            for column in 0..32 {
                pixels.extend((0..32).map(|row| (row + 2 * column + 3 * colour + image) as u8));
            }
        }
    }
    let pixels = element(UINT8, &pixels, big_endian);
    array(9, b"X", &[32, 32, 3, 2], &pixels, big_endian)
}

fn labels(values: &[u8], big_endian: bool) -> Vec<u8> {
    array(DOUBLES, b"y", &[2, 1], values, big_endian)
}

/// A compressed file whose labels are these bytes.
fn with_labels(values: &[u8]) -> Vec<u8> {
    let labels = labels(&element(UINT8, values, false), false);
    file(&[images(false), labels], true, false)
}

#[test]
fn images_come_out_row_by_row() {
    for (big_endian, compress) in [(false, false), (false, true), (true, false), (true, true)] {
        let labels = labels(&small_element(UINT8, &[10, 3], big_endian), big_endian);
        let other = array(CHARS, b"note", &[1, 0], &[], big_endian);
        let bytes = file(&[other, images(big_endian), labels], compress, big_endian);
        let samples = svhn("file", &bytes).unwrap();
        assert_eq!(samples.labels, [0, 3]);
        for (place, &pixel) in samples.images.iter().enumerate() {
            let (column, row) = (place % 32, place / 32 % 32);
            let (colour, image) = (place / 1024 % 3, place / 3072);
            assert_eq!(usize::from(pixel), row + 2 * column + 3 * colour + image);
        }
    }
}

/// MATLAB stores numbers of any class in the shortest type that holds them.
#[test]
fn labels_may_be_of_any_numeric_type() {
    fn pair<const N: usize>(ten: [u8; N], three: [u8; N]) -> Vec<u8> {
        [ten, three].concat()
    }
    for (kind, little, big) in [
        (1, pair([10], [3]), pair([10], [3])),
        (2, pair([10], [3]), pair([10], [3])),
        (
            3,
            pair(10i16.to_le_bytes(), 3i16.to_le_bytes()),
            pair(10i16.to_be_bytes(), 3i16.to_be_bytes()),
        ),
        (
            4,
            pair(10u16.to_le_bytes(), 3u16.to_le_bytes()),
            pair(10u16.to_be_bytes(), 3u16.to_be_bytes()),
        ),
        (
            5,
            pair(10i32.to_le_bytes(), 3i32.to_le_bytes()),
            pair(10i32.to_be_bytes(), 3i32.to_be_bytes()),
        ),
        (
            6,
            pair(10u32.to_le_bytes(), 3u32.to_le_bytes()),
            pair(10u32.to_be_bytes(), 3u32.to_be_bytes()),
        ),
        (
            7,
            pair(10f32.to_le_bytes(), 3f32.to_le_bytes()),
            pair(10f32.to_be_bytes(), 3f32.to_be_bytes()),
        ),
        (
            9,
            pair(10f64.to_le_bytes(), 3f64.to_le_bytes()),
            pair(10f64.to_be_bytes(), 3f64.to_be_bytes()),
        ),
        (
            12,
            pair(10i64.to_le_bytes(), 3i64.to_le_bytes()),
            pair(10i64.to_be_bytes(), 3i64.to_be_bytes()),
        ),
        (
            13,
            pair(10u64.to_le_bytes(), 3u64.to_le_bytes()),
            pair(10u64.to_be_bytes(), 3u64.to_be_bytes()),
        ),
    ] {
        for (big_endian, values) in [(false, little), (true, big)] {
            let labels = labels(&element(kind, &values, big_endian), big_endian);
            let bytes = file(&[images(big_endian), labels], false, big_endian);
            assert_eq!(svhn("file", &bytes).unwrap().labels, [0, 3], "type {kind}");
        }
    }
}

#[test]
fn labels_are_from_one_to_ten() {
    for (values, index) in [([1, 11], 1), ([0, 1], 0)] {
        let error = svhn("file", &with_labels(&values)).unwrap_err();
        assert!(
            matches!(error, DataError::Label { index: i, .. } if i == index),
            "{error}"
        );
    }
    for value in [1.5, -1.0, f64::NAN, f64::INFINITY] {
        let values = [1.0, value].map(f64::to_le_bytes).concat();
        let labels = labels(&element(9, &values, false), false);
        let error = svhn("file", &file(&[images(false), labels], false, false)).unwrap_err();
        assert!(
            matches!(error, DataError::Label { index: 1, .. }),
            "{error}"
        );
    }
}

#[test]
fn headers_are_checked() {
    let refused = |variables: &[Vec<u8>]| svhn("file", &file(variables, false, false)).unwrap_err();
    let y = |dimensions: &[u32], length| {
        let values = element(UINT8, &vec![1; length], false);
        array(DOUBLES, b"y", dimensions, &values, false)
    };
    let x = |dimensions: &[u32], length| {
        let values = element(UINT8, &vec![1; length], false);
        array(9, b"X", dimensions, &values, false)
    };
    let complex = array(
        COMPLEX_DOUBLES,
        b"y",
        &[1, 1],
        &element(UINT8, &[1], false),
        false,
    );
    let junk = element(UINT8, b"junk", false);
    for variables in [
        vec![images(false)],
        vec![y(&[2, 1], 2)],
        vec![images(false), complex],
        vec![images(false), y(&[2, 2], 4)],
        vec![images(false), y(&[u32::MAX; 6], 2)], // whose product does not fit 128 bits
        vec![images(false), y(&[u32::MAX, 1], 2)],
        vec![x(&[32, 32, 3, 0], 0), y(&[0, 1], 0)],
        vec![x(&[28, 28, 1, 1], 784), y(&[1, 1], 1)],
        vec![images(false), y(&[2, 1], 2), junk],
    ] {
        let error = refused(&variables);
        assert!(matches!(error, DataError::Header { .. }), "{error}");
    }
    let error = refused(&[images(false), y(&[3, 1], 3)]);
    assert!(
        matches!(
            error,
            DataError::Count {
                images: 2,
                labels: 3,
                ..
            }
        ),
        "{error}"
    );
    let error = refused(&[images(false)]).to_string();
    assert!(error.contains("should be X, y, but is X"), "{error}");
}

#[test]
fn lengths_are_checked() {
    let truncated = |error: &DataError| matches!(error, DataError::Truncated { .. });
    let trailing = |error: &DataError| matches!(error, DataError::TrailingBytes { .. });
    let good = with_labels(&[1, 2]);
    let error = svhn("file", &good[..good.len() - 3]).unwrap_err();
    assert!(truncated(&error), "{error}");
    let error = svhn("file", &with_labels(&[1])).unwrap_err();
    assert!(truncated(&error), "{error}");
    let error = svhn("file", &with_labels(&[1, 2, 3])).unwrap_err();
    assert!(trailing(&error), "{error}");
    assert!(matches!(
        svhn("file", &good[..100]),
        Err(DataError::Magic { .. })
    ));
    assert!(matches!(
        svhn("file", b"<html>"),
        Err(DataError::WebPage { .. })
    ));
}

#[test]
fn compressed_variables_are_checked_to_their_end() {
    let labels = labels(&element(UINT8, &[1, 2], false), false);
    let mut wrong_sum = file(&[labels.clone(), images(false)], true, false);
    *wrong_sum.last_mut().unwrap() ^= 1; // in the checksum of the last stream
    let longer = [images(false), vec![0; 8]].concat();
    let longer = file(&[labels.clone(), longer], true, false);
    let shorter = images(false)[..5000].to_vec();
    let shorter = file(&[labels, shorter], true, false);
    for bytes in [wrong_sum, longer, shorter] {
        let error = svhn("file", &bytes).unwrap_err();
        assert!(matches!(error, DataError::Compression { .. }), "{error}");
    }
}

/// What announces too much is refused before it is unpacked, in one variable or in many.
#[test]
fn bombs_are_not_unpacked() {
    let tag = [word(MATRIX, false), word(u32::MAX, false)].concat();
    let one = file(&[[tag, vec![0; 1 << 20]].concat()], true, false);
    let text = compressed(
        &array(CHARS, b"note", &[1, 1], &vec![0; 100 << 20], false),
        false,
    );
    let many = [file(&[], true, false), text.repeat(7)].concat();
    for bytes in [one, many] {
        assert!(bytes.len() < 32 << 20); // 700 MiB unpacked, or 4 GiB announced
        let error = svhn("file", &bytes).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(
        (little, big, packed, random) in {
            let whole = |compress, big_endian| {
                let labels = labels(&small_element(UINT8, &[10, 3], big_endian), big_endian);
                // The labels first: their header is as often hit as that of the images.
                file(&[labels, images(big_endian)], compress, big_endian)
            };
            let start = file(&[], false, false);
            (
                damage::damaged(whole(false, false)),
                damage::damaged(whole(false, true)),
                damage::damaged(whole(true, false)),
                damage::continued([start, word(MATRIX, false).to_vec()].concat()),
            )
        },
    ) {
        for bytes in [little, big, packed, random] {
            if let Ok(samples) = svhn("file", &bytes) {
                prop_assert!(samples.is_consistent());
            }
        }
    }
}
