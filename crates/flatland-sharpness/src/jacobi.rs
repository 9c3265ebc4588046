//! All eigenpairs of a small symmetric matrix on the host, by Jacobi rotations.

/// The largest number of sweeps. About ten are needed.
const SWEEPS: usize = 60;

/// The eigenvalues of the symmetric matrix with these rows, the largest first, and a unit eigenvector for each.
///
/// Cyclic Jacobi rotations eliminate every off-diagonal entry above `ε‖A‖_F/n`, so the norm of the remaining entries is
/// at most `ε‖A‖_F`. This is slower than a QR iteration, but it converges for every symmetric matrix, and the vectors
/// are orthogonal up to rounding even for close eigenvalues.
///
/// # References
///
/// - C. G. J. Jacobi (1846). Über ein leichtes Verfahren, die in der Theorie der Säcularstörungen vorkommenden
///   Gleichungen numerisch aufzulösen. *Journal für die reine und angewandte Mathematik* 30, 51–94.
/// - G. H. Golub, C. F. Van Loan (2013). *Matrix Computations*, 4th ed., section 8.5. Johns Hopkins University Press.
pub(crate) fn eigen(mut rows: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = rows.len();
    let squares = rows.iter().flatten().map(|entry| entry * entry);
    let negligible = f64::EPSILON * squares.sum::<f64>().sqrt() / n as f64;
    let mut vectors: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(i == j)).collect())
        .collect();
    for _ in 0..SWEEPS {
        let mut is_diagonal = true;
        for p in 0..n {
            for q in p + 1..n {
                if rows[p][q].abs() > negligible {
                    is_diagonal = false;
                    let (cosine, sine) = rotation(rows[p][p], rows[p][q], rows[q][q]);
                    rotate_rows(&mut rows, p, q, cosine, sine);
                    for row in &mut rows {
                        (row[p], row[q]) = turn(row[p], row[q], cosine, sine);
                    }
                    rotate_rows(&mut vectors, p, q, cosine, sine);
                    (rows[p][q], rows[q][p]) = (0.0, 0.0);
                }
            }
        }
        if is_diagonal {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| rows[j][j].total_cmp(&rows[i][i]));
    let values = order.iter().map(|&i| rows[i][i]).collect();
    let vectors = order
        .iter()
        .map(|&i| std::mem::take(&mut vectors[i]))
        .collect();
    (values, vectors)
}

/// Cosine and sine of the smaller of the two angles that diagonalise `[[pp, pq], [pq, qq]]`, with `pq ≠ 0`.
fn rotation(pp: f64, pq: f64, qq: f64) -> (f64, f64) {
    let cotangent_of_double = (qq - pp) / (2.0 * pq);
    let tangent = 1f64.copysign(cotangent_of_double)
        / (cotangent_of_double.abs() + cotangent_of_double.hypot(1.0));
    let cosine = tangent.hypot(1.0).recip();
    (cosine, tangent * cosine)
}

fn rotate_rows(rows: &mut [Vec<f64>], p: usize, q: usize, cosine: f64, sine: f64) {
    let (head, tail) = rows.split_at_mut(q);
    for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
        (*x, *y) = turn(*x, *y, cosine, sine);
    }
}

fn turn(x: f64, y: f64, cosine: f64, sine: f64) -> (f64, f64) {
    (cosine * x - sine * y, sine * x + cosine * y)
}
