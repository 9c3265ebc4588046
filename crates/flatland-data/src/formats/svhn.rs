//! SVHN's cropped digits: a MATLAB file with the images `X` and the labels `y`.
//!
//! # References
//!
//! - Y. Netzer et al., <http://ufldl.stanford.edu/housenumbers/>, "Format 2: Cropped Digits".

use super::MOST_SAMPLES;
use super::mat::{Array, MatFile, UINT8};
use crate::{DataError, Samples};

/// The height and the width of an image.
const SIDE: usize = 32;
/// The bytes of an image with three channels.
const PIXELS: usize = 3 * SIDE * SIDE;
/// The largest size of `X` and `y` when decompressed, including the headers of their parts.
const MOST_BYTES: usize = MOST_SAMPLES * (PIXELS + 8) + 4096;

/// Reads the images `X`, `[32, 32, 3, samples]` in MATLAB's order, and the labels `y`, from 1 to 10, where 10 is the
/// digit 0.
pub(crate) fn svhn(file: &str, bytes: &[u8]) -> Result<Samples, DataError> {
    let mat = MatFile::new(file, bytes)?;
    let (mut images, mut labels, mut names) = (None, None, Vec::new());
    for matrix in mat.matrices(MOST_BYTES) {
        let matrix = matrix?;
        let Some(array) = mat.array(&matrix)? else {
            continue;
        };
        match array.name {
            b"X" => images = Some(read_images(&mat, &array)?),
            b"y" => labels = Some(read_labels(file, &mat, &array)?),
            _ => {}
        }
        names.push(array.name().into_owned());
    }
    let (Some(images), Some(labels)) = (images, labels) else {
        let found = match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        return Err(mat.header("the list of its numeric variables", "X, y", found));
    };
    if images.len() != labels.len() * PIXELS {
        return Err(DataError::Count {
            images_file: format!("X in {file}"),
            images: images.len() / PIXELS,
            labels_file: format!("y in {file}"),
            labels: labels.len(),
        });
    }
    Ok(Samples {
        images,
        labels,
        shape: [3, SIDE, SIDE],
        classes: 10,
    })
}

/// The images, `[samples, 3, 32, 32]` in row-major order.
fn read_images(mat: &MatFile<'_>, array: &Array<'_>) -> Result<Vec<u8>, DataError> {
    let samples = match array.dimensions.as_slice() {
        [SIDE, SIDE, 3] => 1, // MATLAB omits a last dimension of 1
        &[SIDE, SIDE, 3, samples @ 1..=MOST_SAMPLES] => samples,
        found => {
            let expected = format!("32×32×3×samples, from 1 to {MOST_SAMPLES} of them");
            return Err(mat.header("the size of X", expected, format!("{found:?}")));
        }
    };
    if array.values.kind != UINT8 {
        let found = format!("of type {}", array.values.kind);
        return Err(mat.header("the numbers in X", "unsigned bytes (type 2)", found));
    }
    mat.check_bytes(array, samples * PIXELS)?;
    let stored = array.values.content;
    // MATLAB's order is column-major: every plane is transposed.
    let mut images = vec![0; stored.len()];
    let planes = images.chunks_exact_mut(SIDE * SIDE);
    for (plane, stored) in planes.zip(stored.chunks_exact(SIDE * SIDE)) {
        for (place, pixel) in plane.iter_mut().enumerate() {
            let (row, column) = (place / SIDE, place % SIDE);
            *pixel = stored[row + SIDE * column];
        }
    }
    Ok(images)
}

/// The labels, with 10 replaced by 0.
fn read_labels(file: &str, mat: &MatFile<'_>, array: &Array<'_>) -> Result<Vec<u8>, DataError> {
    let &([samples @ 1..=MOST_SAMPLES, 1] | [1, samples @ 1..=MOST_SAMPLES]) =
        array.dimensions.as_slice()
    else {
        let expected = format!("samples×1, from 1 to {MOST_SAMPLES} of them");
        return Err(mat.header("the size of y", expected, format!("{:?}", array.dimensions)));
    };
    (mat.numbers(array, samples)?.iter().enumerate())
        .map(|(index, &value)| match value {
            10.0 => Ok(0),
            digit if digit.fract() == 0.0 && (1.0..10.0).contains(&digit) => Ok(digit as u8),
            _ => Err(DataError::Label {
                file: format!("y in {file}"),
                index,
                allowed: "1 to 10".to_owned(),
                found: value.to_string(),
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests;
