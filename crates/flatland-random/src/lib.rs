//! Random numbers for flatland: independent, reproducible streams, each with a key.
//!
//! The key of a stream is `(seed, purpose, index)`: the run's seed, a phrase such as `"initial weights"`, and a number
//! such as the index of a tensor in its network. A stream is ChaCha8, a counter-based generator (Bernstein 2008). Its
//! numbers depend on the key alone: not on the order in which streams are opened, not on the number of threads, and not
//! on the device. Floating-point draws are exact integer arithmetic followed by one rounding. The exception is
//! [`normal`], whose logarithm and cosine come from the platform's mathematics library.
//!
//! It is a crate of its own because data sets, initial weights and eigensolvers need the same streams and do not depend
//! on each other.
//!
//! ```
//! let mut weights = flatland_random::stream(42, "initial weights", 0);
//! let first = flatland_random::uniform(&mut weights);
//! assert!((-1.0..1.0).contains(&first));
//! assert_eq!(first, flatland_random::uniform(&mut flatland_random::stream(42, "initial weights", 0)));
//! ```

use rand::{Rng, SeedableRng};
pub use rand_chacha::ChaCha8Rng as Stream;

/// Opens the stream with the key `(seed, purpose, index)`.
///
/// The 256-bit key is BLAKE3's key derivation of `purpose` (the context) and `seed` (the material, little-endian);
/// `index` is ChaCha's stream number.
pub fn stream(seed: u64, purpose: &str, index: u64) -> Stream {
    let context = format!("flatland random stream: {purpose}");
    let mut stream = Stream::from_seed(blake3::derive_key(&context, &seed.to_le_bytes()));
    stream.set_stream(index);
    stream
}

/// The next draw from the uniform distribution on `[-1, 1)`: the top 53 bits of a word, scaled without rounding.
pub fn uniform(stream: &mut Stream) -> f64 {
    (stream.next_u64() >> 11) as f64 * (-52f64).exp2() - 1.0
}

/// The next draw from the standard normal distribution (Box and Muller 1958, one draw for each pair of words).
pub fn normal(stream: &mut Stream) -> f64 {
    let radius_uniform = ((stream.next_u64() >> 11) + 1) as f64 * (-53f64).exp2(); // in (0, 1]: the logarithm is finite
    let angle_uniform = (stream.next_u64() >> 11) as f64 * (-53f64).exp2();
    (-2.0 * radius_uniform.ln()).sqrt() * (std::f64::consts::TAU * angle_uniform).cos()
}

/// The next draw from the Rademacher distribution, `1` or `−1` with equal probability: the top bit of a word.
pub fn rademacher(stream: &mut Stream) -> f64 {
    if stream.next_u64() >> 63 == 0 {
        1.0
    } else {
        -1.0
    }
}

/// Shuffles `items` in place. Every order is equally likely (Durstenfeld 1964).
pub fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(stream, last as u64 + 1) as usize);
    }
}

/// The next draw from the uniform distribution on `0..bound`, without bias (Lemire 2019).
fn below(stream: &mut Stream, bound: u64) -> u64 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(stream.next_u64()) * u128::from(bound);
        if product as u64 >= rejected {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(seed: u64, purpose: &str, index: u64) -> [u64; 4] {
        let mut stream = stream(seed, purpose, index);
        std::array::from_fn(|_| stream.next_u64())
    }

    #[test]
    fn a_stream_depends_on_its_key_alone() {
        let reference = words(42, "initial weights", 3);
        assert_eq!(reference, words(42, "initial weights", 3));
        for other in [
            words(43, "initial weights", 3),
            words(42, "subset", 3),
            words(42, "initial weights", 4),
        ] {
            assert!(reference.iter().zip(&other).all(|(a, b)| a != b));
        }
    }

    /// Pins the streams: a run recorded by one version can be repeated by the next.
    #[test]
    fn a_stream_is_the_same_on_every_machine_and_in_every_version() {
        assert_eq!(words(42, "initial weights", 0), PINNED);
    }

    #[test]
    fn uniform_has_the_moments_of_its_distribution() {
        let mut stream = stream(1, "test", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| uniform(&mut stream)).collect();
        assert!(draws.iter().all(|u| (-1.0..1.0).contains(u)));
        assert!(mean(&draws, 1).abs() < 0.01);
        assert!((mean(&draws, 2) - 1.0 / 3.0).abs() < 0.01);
    }

    #[test]
    fn normal_has_the_moments_of_its_distribution() {
        let mut stream = stream(2, "test", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| normal(&mut stream)).collect();
        for (order, moment) in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)] {
            assert!((mean(&draws, order) - moment).abs() < 0.1, "moment {order}");
        }
    }

    #[test]
    fn rademacher_is_balanced_and_independent() {
        let mut stream = stream(4, "test", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| rademacher(&mut stream)).collect();
        assert!(draws.iter().all(|sign| sign.abs() == 1.0));
        assert!(mean(&draws, 1).abs() < 0.02);
        let neighbours: Vec<f64> = draws.windows(2).map(|pair| pair[0] * pair[1]).collect();
        assert!(mean(&neighbours, 1).abs() < 0.02);
    }

    #[test]
    fn shuffle_reaches_every_order_equally_often() {
        let mut stream = stream(3, "test", 0);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut stream);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|&count| (800..1200).contains(&count)));
    }

    fn mean(draws: &[f64], order: i32) -> f64 {
        draws.iter().map(|x| x.powi(order)).sum::<f64>() / draws.len() as f64
    }

    const PINNED: [u64; 4] = [
        4758816229344320706,
        15486580958257012669,
        658106440891528530,
        6619917186647559131,
    ];
}
