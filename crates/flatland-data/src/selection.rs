//! Subsets of the samples.

use crate::{DataError, Samples};

/// A selection of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All samples.
    All,
    /// `⌊class size · samples / available⌋` random samples of each class, in the order of the files. All samples if
    /// `samples` is at least their number.
    ///
    /// The samples of a class are the first after a shuffle with the stream `(seed, "stratified subset", class)` of
    /// [`flatland_random`]. They depend on the seed and not on the platform.
    Stratified {
        /// The approximate number of samples.
        samples: usize,
        /// The seed of the random draws.
        seed: u64,
    },
    /// The first samples of each class, in the order of the files. Classes without samples are ignored.
    FirstPerClass(usize),
}

impl Samples {
    /// A subset of the samples.
    ///
    /// # Errors
    ///
    /// Returns [`DataError::SubsetTooSmall`] if the subset would not contain every class that has samples, and
    /// [`DataError::PerClass`] if the number per class is 0 or larger than the smallest class.
    ///
    /// # Panics
    ///
    /// Panics if a label is not below `classes`.
    pub fn select(&self, selection: Selection) -> Result<Self, DataError> {
        Ok(match selection {
            Selection::All => self.clone(),
            Selection::Stratified { samples, .. } if samples >= self.len() => self.clone(),
            Selection::Stratified { samples, seed } => self.at(&self.stratified(samples, seed)?),
            Selection::FirstPerClass(count) => {
                self.check_per_class(count)?;
                let mut taken = vec![0; self.classes];
                let places = (self.labels.iter().enumerate()).filter_map(|(place, &label)| {
                    let taken = &mut taken[usize::from(label)];
                    *taken += 1;
                    (*taken <= count).then_some(place)
                });
                self.at(&places.collect::<Vec<_>>())
            }
        })
    }

    fn stratified(&self, samples: usize, seed: u64) -> Result<Vec<usize>, DataError> {
        let mut classes: Vec<Vec<usize>> = vec![Vec::new(); self.classes];
        for (place, &label) in self.labels.iter().enumerate() {
            classes[usize::from(label)].push(place);
        }
        let mut chosen = Vec::new();
        for (class, places) in classes.iter_mut().enumerate() {
            let share = places.len() as u128 * samples as u128 / self.len() as u128;
            if share == 0 && !places.is_empty() {
                return Err(self.too_small(samples));
            }
            let mut stream = flatland_random::stream(seed, "stratified subset", class as u64);
            flatland_random::shuffle(places, &mut stream);
            chosen.extend_from_slice(&places[..share as usize]);
        }
        chosen.sort_unstable();
        Ok(chosen)
    }

    /// The smallest class that has samples, and its size. `None` if there are no samples.
    fn smallest_class(&self) -> Option<(usize, usize)> {
        let sizes = self.class_sizes().into_iter().enumerate();
        sizes
            .filter(|&(_, size)| size > 0)
            .min_by_key(|&(_, size)| size)
    }

    fn check_per_class(&self, asked: usize) -> Result<(), DataError> {
        match self.smallest_class() {
            Some((class, class_size)) if !(1..=class_size).contains(&asked) => {
                Err(DataError::PerClass {
                    asked,
                    class,
                    class_size,
                })
            }
            _ => Ok(()),
        }
    }

    fn too_small(&self, samples: usize) -> DataError {
        let (class, class_size) = self.smallest_class().expect("some class has samples");
        DataError::SubsetTooSmall {
            samples,
            available: self.len(),
            class,
            class_size,
            least: self.len().div_ceil(class_size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples whose only pixel is their place, modulo 256.
    fn samples(class_sizes: &[usize]) -> Samples {
        let mut labels: Vec<u8> = (class_sizes.iter().enumerate())
            .flat_map(|(class, &size)| std::iter::repeat_n(class as u8, size))
            .collect();
        flatland_random::shuffle(&mut labels, &mut flatland_random::stream(7, "test", 0));
        Samples {
            images: (0..labels.len()).map(|place| place as u8).collect(),
            labels,
            shape: [1, 1, 1],
            classes: class_sizes.len(),
        }
    }

    /// The subset sizes that the paper's rule gives on the official sets.
    #[test]
    fn class_shares_are_rounded_down() {
        let svhn = [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659];
        for (sizes, count) in [
            (vec![5000; 10], 5000),
            (vec![500; 100], 5000),
            (vec![4800; 26], 4992),
            (svhn.to_vec(), 4994),
        ] {
            let all = samples(&sizes);
            let subset = all
                .select(Selection::Stratified {
                    samples: 5000,
                    seed: 42,
                })
                .unwrap();
            assert_eq!(subset.len(), count);
            for (size, share) in sizes.iter().zip(subset.class_sizes()) {
                assert_eq!(share, size * 5000 / all.len());
            }
        }
    }

    #[test]
    fn a_subset_keeps_the_order_and_the_pairs_and_repeats_for_its_seed_only() {
        let mut all = samples(&[60, 90, 100]);
        all.images = (0..250).map(|place| place as u8).collect();
        let draw = |seed| {
            all.select(Selection::Stratified { samples: 50, seed })
                .unwrap()
        };
        let subset = draw(1);
        assert!(
            subset.images.is_sorted_by(|a, b| a < b),
            "no sample twice, in file order"
        );
        for (image, label) in subset.images.iter().zip(&subset.labels) {
            assert_eq!(all.labels[usize::from(*image)], *label);
        }
        assert_eq!(subset, draw(1));
        assert_ne!(subset, draw(2));
        assert_eq!(
            all.select(Selection::Stratified {
                samples: 250,
                seed: 1
            })
            .unwrap(),
            all
        );
    }

    #[test]
    fn every_sample_of_a_class_is_drawn_equally_often() {
        let all = samples(&[20]);
        let mut drawn = [0; 20];
        for seed in 0..2000 {
            for place in all
                .select(Selection::Stratified { samples: 5, seed })
                .unwrap()
                .images
            {
                drawn[usize::from(place)] += 1;
            }
        }
        assert!(
            drawn.iter().all(|count| (400..600).contains(count)),
            "{drawn:?}"
        );
    }

    #[test]
    fn a_subset_without_some_class_is_refused_with_the_least_size() {
        let all = samples(&[10, 90]);
        let select = |samples| all.select(Selection::Stratified { samples, seed: 0 });
        let error = select(9).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::SubsetTooSmall {
                    class: 0,
                    class_size: 10,
                    least: 10,
                    ..
                }
            ),
            "{error}"
        );
        assert!(matches!(select(0), Err(DataError::SubsetTooSmall { .. })));
        assert_eq!(select(10).unwrap().class_sizes(), [1, 9]);
    }

    #[test]
    fn the_first_of_each_class_are_the_first_in_file_order() {
        let all = Samples {
            images: (0..8).collect(),
            labels: vec![2, 0, 2, 2, 0, 1, 1, 1],
            shape: [1, 1, 1],
            classes: 3,
        };
        let subset = all.select(Selection::FirstPerClass(2)).unwrap();
        assert_eq!(subset.images, [0, 1, 2, 4, 5, 6]);
        assert_eq!(subset.labels, [2, 0, 2, 0, 1, 1]);
        for asked in [0, 3] {
            let error = all.select(Selection::FirstPerClass(asked)).unwrap_err();
            assert!(
                matches!(
                    error,
                    DataError::PerClass {
                        class: 0,
                        class_size: 2,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    /// Pins the draws: a run recorded by one version can be repeated by the next, and on another machine.
    #[test]
    fn a_subset_is_the_same_on_every_machine_and_in_every_version() {
        let all = Samples {
            images: (0..40).collect(),
            labels: (0..40).map(|place| place % 2).collect(),
            shape: [1, 1, 1],
            classes: 2,
        };
        let subset = all.select(Selection::Stratified {
            samples: 8,
            seed: 42,
        });
        assert_eq!(subset.unwrap().images, [3, 6, 10, 15, 18, 27, 29, 32]);
    }
}
