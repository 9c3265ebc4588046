//! Whether eigenvalues come in pairs `±λ`.

/// How well eigenvalues cancel in pairs of opposite sign: 1 if every one has a partner of the same magnitude, 0 if all
/// are of one sign.
///
/// The positive and the negative values are matched by rank: the largest with the one farthest below zero, and so on;
/// of the longer list, the values left over are matched with zero. The score is
///
/// ```text
/// 1 − Σ |p + q| / Σ (|p| + |q|)
/// ```
///
/// over the pairs `(p, q)`. Matching by rank makes the first sum as small as any matching can, so the score does not
/// depend on the order of the values, nor on their scale; zeros count for nothing.
///
/// Give it the eigenvalues that are left when those that are known to be positive, the first `K` on the line `2/K`, have
/// been taken away. A list of the largest magnitudes may be cut in the middle of a pair: of 10 values that costs at most
/// a tenth.
///
/// Nothing is returned where no score exists: all values are zero, there are none, or one is not finite.
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
