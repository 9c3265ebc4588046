//! Files made by hand, of either order of bytes.

use std::io::Write;

use super::*;

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

fn matrix(name: &[u8], dimensions: &[u32], values: Vec<u8>, big_endian: bool) -> Vec<u8> {
    let flags = [word(9, big_endian), [0; 4]].concat();
    let dimensions: Vec<u8> = dimensions
        .iter()
        .flat_map(|&d| word(d, big_endian))
        .collect();
    let content = [
        element(6, &flags, big_endian),
        element(5, &dimensions, big_endian),
        element(1, name, big_endian),
        values,
    ];
    element(MATRIX, &content.concat(), big_endian)
}

fn file(elements: &[Vec<u8>], compress: bool, big_endian: bool) -> Vec<u8> {
    let mut bytes = vec![b' '; HEADER - 4];
    bytes.extend(if big_endian {
        [1, 0, b'M', b'I']
    } else {
        [0, 1, b'I', b'M']
    });
    for whole in elements {
        if compress {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
            encoder.write_all(whole).unwrap();
            let packed = encoder.finish().unwrap();
            bytes.extend(word(COMPRESSED, big_endian));
            bytes.extend(word(packed.len() as u32, big_endian));
            bytes.extend(packed);
        } else {
            bytes.extend(whole);
        }
    }
    bytes
}

/// A file with two images; the pixel at (row, column, colour) of image `i` is `row + 2·column + 3·colour + i`.
fn elements(labels: Vec<u8>, big_endian: bool) -> [Vec<u8>; 2] {
    let mut pixels = Vec::new();
    for image in 0..2u32 {
        for colour in 0..3 {
            for column in 0..32 {
                pixels.extend((0..32).map(|row| (row + 2 * column + 3 * colour + image) as u8));
            }
        }
    }
    let images = element(UINT8, &pixels, big_endian);
    [
        matrix(b"X", &[32, 32, 3, 2], images, big_endian),
        matrix(b"y", &[2, 1], labels, big_endian),
    ]
}

#[test]
fn images_come_out_row_by_row_and_ten_is_zero() {
    for big_endian in [false, true] {
        for compress in [false, true] {
            let labels = element(
                9,
                &[10.0f64, 3.0]
                    .map(|y| {
                        if big_endian {
                            y.to_be_bytes()
                        } else {
                            y.to_le_bytes()
                        }
                    })
                    .concat(),
                big_endian,
            );
            let bytes = file(&elements(labels, big_endian), compress, big_endian);
            let samples = svhn("file", &bytes).unwrap();
            assert_eq!(samples.labels, [0, 3]);
            for (place, &pixel) in samples.images.iter().enumerate() {
                let (column, row) = (place % 32, place / 32 % 32);
                let (colour, image) = (place / 1024 % 3, place / 3072);
                assert_eq!(usize::from(pixel), row + 2 * column + 3 * colour + image);
            }
        }
    }
}

#[test]
fn labels_may_be_stored_in_a_small_element_of_bytes() {
    let small = [word(UINT8 | 2 << 16, false), [9, 10, 0, 0]].concat();
    let samples = svhn("file", &file(&elements(small, false), false, false)).unwrap();
    assert_eq!(samples.labels, [9, 0]);
}

#[test]
fn what_is_wrong_is_named() {
    let with_labels =
        |labels: &[u8]| file(&elements(element(UINT8, labels, false), false), true, false);
    let good = with_labels(&[1, 2]);
    assert!(matches!(
        svhn("f", &with_labels(&[1, 11])),
        Err(DataError::Label { index: 1, .. })
    ));
    assert!(matches!(
        svhn("f", &with_labels(&[0, 1])),
        Err(DataError::Label { index: 0, .. })
    ));
    assert!(matches!(
        svhn("f", &with_labels(&[1])),
        Err(DataError::Header { .. })
    ));
    assert!(matches!(
        svhn("f", &good[..100]),
        Err(DataError::Magic { .. })
    ));
    assert!(matches!(
        svhn("f", &good[..good.len() - 3]),
        Err(DataError::Size { .. })
    ));
    assert!(matches!(
        svhn("f", &good[..HEADER]),
        Err(DataError::Header { .. })
    ));
    assert!(matches!(
        svhn("f", b"<html>"),
        Err(DataError::WebPage { .. })
    ));
    let mut flipped = good.clone();
    flipped[HEADER + 40] ^= 0xff;
    assert!(svhn("f", &flipped).is_err());
}

/// A compressed element that announces more than it may is refused before it is unpacked.
#[test]
fn a_bomb_is_not_unpacked() {
    let tag = [word(MATRIX, false), word(u32::MAX, false)].concat();
    let bytes = file(&[[tag, vec![0; 1 << 20]].concat()], true, false);
    let error = svhn("file", &bytes).unwrap_err();
    assert!(matches!(error, DataError::Header { .. }), "{error}");
}
