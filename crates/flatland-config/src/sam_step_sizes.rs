//! The step sizes of SAM that were the best of a grid in the paper's experiments.

use flatland_data::Dataset;

/// The data sets of the paper, in the order of the columns of [`TABLE`].
const DATASETS: [Dataset; 4] = [
    Dataset::Cifar10,
    Dataset::Cifar100,
    Dataset::Svhn,
    Dataset::Emnist,
];

/// The best of 1e-4, 1e-3, 1e-2 and 1e-1 for each network. One table stands for both losses.
const TABLE: [(&str, [f64; 4]); 7] = [
    ("mlp", [1e-1, 1e-1, 1e-1, 1e-1]),
    ("cnn", [1e-1, 1e-2, 1e-1, 1e-2]),
    ("vgg11", [1e-1, 1e-2, 1e-1, 1e-1]),
    ("resnet34", [1e-2, 1e-2, 1e-3, 1e-3]),
    ("wide-resnet50-2", [1e-4, 1e-3, 1e-4, 1e-4]),
    ("densenet121", [1e-1, 1e-1, 1e-1, 1e-1]),
    ("vit", [1e-2, 1e-2, 1e-2, 1e-2]), // the small one of appendix F
];

/// The step size that the paper uses for a data set and a network.
///
/// # Errors
///
/// The paper has no such problem. The message lists those it has, and what to do instead.
pub(crate) fn paper(dataset: Dataset, network: &str) -> Result<f64, String> {
    let column = DATASETS.iter().position(|known| *known == dataset);
    let row = TABLE.iter().find(|(known, _)| *known == network);
    match (column, row) {
        (Some(column), Some((_, step_sizes))) => Ok(step_sizes[column]),
        _ => Err(format!(
            "step_size = \"paper\": the paper has none for {network} on {dataset}; it has those for {} on {}. \
             Give a number instead, {{ name = \"sam\", step_size = 0.1 }}, or \"tuned\" after `experiments tune sam`",
            TABLE.map(|(network, _)| network).join(", "),
            DATASETS.map(Dataset::name).join(", "),
        )),
    }
}

#[cfg(test)]
mod tests {
    use flatland_models::Architecture;

    use super::*;

    #[test]
    fn the_table_is_the_papers() {
        for (dataset, network, expected) in [
            (Dataset::Cifar100, "cnn", 0.01),
            (Dataset::Svhn, "cnn", 0.1),
            (Dataset::Emnist, "mlp", 0.1),
            (Dataset::Svhn, "resnet34", 0.001),
            (Dataset::Cifar10, "wide-resnet50-2", 0.0001),
            (Dataset::Cifar100, "wide-resnet50-2", 0.001),
            (Dataset::Svhn, "vit", 0.01),
        ] {
            assert_eq!(paper(dataset, network), Ok(expected), "{network}");
        }
        for (dataset, network) in [
            (Dataset::Mnist, "mlp"),
            (Dataset::FashionMnist, "mlp"),
            (Dataset::Cifar10, "lenet"),
        ] {
            let message = paper(dataset, network).unwrap_err();
            for part in [
                network,
                dataset.name(),
                "wide-resnet50-2",
                "emnist",
                "step_size = 0.1",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn every_network_of_the_program_has_its_row() {
        for network in Architecture::NAMES {
            assert!(TABLE.iter().any(|(known, _)| known == network), "{network}");
        }
    }
}
