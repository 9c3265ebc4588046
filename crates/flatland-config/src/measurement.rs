//! How accurately a run measures.

use flatland_sharpness::{LanczosConfig, TraceConfig};
use serde::{Deserialize, Serialize};

/// How accurately a run measures eigenvalues and traces. The default is the library's.
///
/// The accuracy is a part of the [configuration](crate::RunConfig), so runs of different accuracy have different names.
/// A `config.toml` without the table `measurement` has the values that the first version of the program used,
/// [`FIRST`](Self::FIRST), whatever today's default is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeasurementConfig {
    /// [`LanczosConfig::tolerance`](field@LanczosConfig::tolerance) of every eigenvalue, in `(0, 1)`.
    pub lanczos_tolerance: f64,
    /// [`LanczosConfig::max_products`](field@LanczosConfig::max_products) of every measurement of eigenvalues.
    pub lanczos_max_products: usize,
    /// [`TraceConfig::tolerance`](field@TraceConfig::tolerance) of the Hessian's trace, in `[0, 1)`.
    pub trace_tolerance: f64,
    /// [`TraceConfig::max_probes`](field@TraceConfig::max_probes) of the Hessian's trace, at least 2.
    pub trace_max_probes: usize,
}

impl Default for MeasurementConfig {
    fn default() -> Self {
        let (lanczos, trace) = (LanczosConfig::new(), TraceConfig::new());
        Self {
            lanczos_tolerance: lanczos.tolerance,
            lanczos_max_products: lanczos.max_products,
            trace_tolerance: trace.tolerance,
            trace_max_probes: trace.max_probes,
        }
    }
}

impl MeasurementConfig {
    /// The values that a configuration without a table `measurement` has. They never change: the names of finished runs
    /// depend on them.
    pub const FIRST: Self = Self {
        lanczos_tolerance: 1e-3,
        lanczos_max_products: 500,
        trace_tolerance: 1e-3,
        trace_max_probes: 100,
    };

    pub(crate) fn first() -> Self {
        Self::FIRST
    }

    pub(crate) fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// What is wrong with the options, if anything is.
    pub fn problem(&self) -> Option<String> {
        let is_share = |value: f64, least_is_zero: bool| {
            value < 1.0 && (value > 0.0 || least_is_zero && value == 0.0)
        };
        if !is_share(self.lanczos_tolerance, false) {
            let value = self.lanczos_tolerance;
            return Some(format!(
                "lanczos_tolerance must be in (0, 1), but is {value}"
            ));
        }
        if self.lanczos_max_products == 0 {
            return Some("lanczos_max_products must be at least 1, but is 0".to_owned());
        }
        if !is_share(self.trace_tolerance, true) {
            let value = self.trace_tolerance;
            return Some(format!("trace_tolerance must be in [0, 1), but is {value}"));
        }
        (self.trace_max_probes < 2).then(|| {
            let value = self.trace_max_probes;
            format!("trace_max_probes must be at least 2, but is {value}")
        })
    }

    /// The options of a measurement of eigenvalues.
    pub fn lanczos(&self) -> LanczosConfig {
        LanczosConfig::new()
            .with_tolerance(self.lanczos_tolerance)
            .with_max_products(self.lanczos_max_products)
    }

    /// The options of an estimate of the trace.
    pub fn trace(&self) -> TraceConfig {
        TraceConfig::new()
            .with_tolerance(self.trace_tolerance)
            .with_max_probes(self.trace_max_probes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The fields of an option struct of the library.
    fn fields(options: &impl Serialize) -> BTreeSet<String> {
        let toml = toml::Table::try_from(options);
        let options = toml.expect("options have a TOML form");
        options.keys().cloned().collect()
    }

    /// A new option of a measurement has to become a part of the configuration. The seed is the run's; the size of the
    /// basis is `lanczos_basis`.
    #[test]
    fn every_option_of_a_measurement_is_in_the_configuration() {
        let own = fields(&MeasurementConfig::default());
        let mut expected = BTreeSet::new();
        let lanczos = fields(&LanczosConfig::new().with_basis_size(Some(24)));
        for (prefix, options) in [("lanczos", lanczos), ("trace", fields(&TraceConfig::new()))] {
            assert!(options.contains("seed"), "{options:?}");
            let measured = options
                .iter()
                .filter(|name| *name != "seed" && *name != "basis_size");
            expected.extend(measured.map(|name| format!("{prefix}_{name}")));
        }
        assert_eq!(own, expected);
    }

    #[test]
    fn what_the_configuration_says_reaches_the_library() {
        let config = MeasurementConfig {
            lanczos_tolerance: 1e-5,
            lanczos_max_products: 77,
            trace_tolerance: 0.25,
            trace_max_probes: 9,
        };
        let (lanczos, trace) = (config.lanczos(), config.trace());
        assert_eq!((lanczos.tolerance, lanczos.max_products), (1e-5, 77));
        assert_eq!((trace.tolerance, trace.max_probes), (0.25, 9));
        assert_eq!(config.problem(), None);
        assert_eq!(MeasurementConfig::default().problem(), None);
        for (wrong, named) in [
            (
                MeasurementConfig {
                    lanczos_tolerance: 0.0,
                    ..config
                },
                "lanczos_tolerance",
            ),
            (
                MeasurementConfig {
                    lanczos_tolerance: f64::NAN,
                    ..config
                },
                "lanczos_tolerance",
            ),
            (
                MeasurementConfig {
                    lanczos_max_products: 0,
                    ..config
                },
                "lanczos_max_products",
            ),
            (
                MeasurementConfig {
                    trace_tolerance: -0.5,
                    ..config
                },
                "trace_tolerance",
            ),
            (
                MeasurementConfig {
                    trace_max_probes: 1,
                    ..config
                },
                "trace_max_probes",
            ),
        ] {
            let problem = wrong.problem().unwrap();
            assert!(problem.starts_with(named), "{problem}");
        }
    }
}
