//! A score for eigenvalues in pairs `±λ`.

/// Scores how well eigenvalues cancel in pairs of opposite sign: 1 if every eigenvalue has a partner of the same
/// magnitude, 0 if all eigenvalues have the same sign.
///
/// Positive and negative values are matched by rank: the largest with the smallest, and so on. The remaining values of
/// the longer list are matched with zero. The score is
///
/// ```text
/// 1 − Σ |p + q| / Σ (|p| + |q|)
/// ```
///
/// over the pairs `(p, q)`. Matching by rank minimizes the first sum over all matchings. The score does not depend on
/// the order, the scale, or zeros.
///
/// Remove the eigenvalues that are known to be positive before, such as the first `K`, which are at least `2/K` with
/// mean squared error and `K` classes. A list of the largest magnitudes may end in the middle of a pair, which reduces
/// the score of 10 values by at most a tenth.
///
/// Returns `None` if all values are zero, if there are none, or if one is not finite.
///
/// ```
/// use flatland_sharpness::pairing;
///
/// assert_eq!(pairing(&[3.0, -3.0, 1.0, -1.0]), Some(1.0));
/// assert_eq!(pairing(&[3.0, 1.0]), Some(0.0));
/// assert_eq!(pairing(&[3.0, -1.0]), Some(0.5));
/// assert_eq!(pairing(&[0.0]), None);
/// ```
pub fn pairing(eigenvalues: &[f64]) -> Option<f64> {
    let descending = |sign: f64| {
        let values = eigenvalues.iter().map(|value| sign * value);
        let mut values: Vec<f64> = values.filter(|value| *value > 0.0).collect();
        values.sort_by(|x, y| y.total_cmp(x));
        values
    };
    let (positive, negative) = (descending(1.0), descending(-1.0));
    let total: f64 = eigenvalues.iter().map(|value| value.abs()).sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    let at = |values: &[f64], rank: usize| values.get(rank).copied().unwrap_or(0.0);
    let ranks = 0..positive.len().max(negative.len());
    let unmatched: f64 = ranks
        .map(|rank| (at(&positive, rank) - at(&negative, rank)).abs())
        .sum();
    Some(1.0 - unmatched / total)
}
