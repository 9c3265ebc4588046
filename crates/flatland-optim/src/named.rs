//! The methods by name.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::{
    AnyMethod, CdatConfig, Error, GradientDescentConfig, LineSearchConfig, SamConfig, Step,
    WarmUpConfig,
};

/// A method by name, with all its options.
///
/// In a configuration file it is a table whose `name` selects the method and whose other keys are the method's options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[serde(tag = "name", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MethodConfig {
    /// `"ls"`, see [`LineSearchConfig::ls`].
    Ls(LineSearchConfig),
    /// `"nls"`, see [`LineSearchConfig::nls`].
    Nls(LineSearchConfig),
    /// `"ponls"`, see [`LineSearchConfig::ponls`].
    Ponls(LineSearchConfig),
    /// `"nls-ub"`, see [`LineSearchConfig::nls_ub`].
    NlsUb(LineSearchConfig),
    /// `"ponos"`, see [`LineSearchConfig::ponos`].
    Ponos(LineSearchConfig),
    /// `"gd"`, see [`GradientDescentConfig`].
    Gd(GradientDescentConfig),
    /// `"gd-warmup"`, see [`WarmUpConfig::new`].
    GdWarmup(WarmUpConfig),
    /// `"gd-warmup-ub"`, see [`WarmUpConfig::bounded`].
    GdWarmupUb(WarmUpConfig),
    /// `"cdat"`, see [`CdatConfig`].
    Cdat(CdatConfig),
    /// `"sam"`, see [`SamConfig::new`].
    Sam(SamConfig),
}

impl MethodConfig {
    /// The names of all methods.
    pub const NAMES: &[&str] = Self::VARIANTS;

    /// The method called `name` with the paper's options for a problem with this number of classes.
    ///
    /// `sam_step_size` is called for `"sam"` alone: the paper has no single step size for it.
    ///
    /// # Errors
    ///
    /// Returns [`Error::UnknownMethod`] if no method has this name, and the error of `sam_step_size`.
    pub fn named<E: From<Error>>(
        name: &str,
        classes: usize,
        sam_step_size: impl FnOnce() -> Result<f64, E>,
    ) -> Result<Self, E> {
        Ok(match name {
            "ls" => Self::Ls(LineSearchConfig::ls()),
            "nls" => Self::Nls(LineSearchConfig::nls()),
            "ponls" => Self::Ponls(LineSearchConfig::ponls()),
            "nls-ub" => Self::NlsUb(LineSearchConfig::nls_ub(classes)),
            "ponos" => Self::Ponos(LineSearchConfig::ponos()),
            "gd" => Self::Gd(GradientDescentConfig::new(1.0)),
            "gd-warmup" => Self::GdWarmup(WarmUpConfig::new(classes)),
            "gd-warmup-ub" => Self::GdWarmupUb(WarmUpConfig::bounded(classes)),
            "cdat" => Self::Cdat(CdatConfig::new()),
            "sam" => Self::Sam(SamConfig::new(sam_step_size()?)),
            _ => return Err(Self::unknown(name).into()),
        })
    }

    /// The error for a name that no method has.
    pub fn unknown(name: &str) -> Error {
        Error::UnknownMethod {
            name: name.to_owned(),
            known: Self::NAMES,
        }
    }

    /// The method's name in a configuration, one of [`NAMES`](Self::NAMES).
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The method's name as the paper writes it, followed by the step size if that is fixed.
    pub fn label(&self) -> String {
        let name = match self {
            Self::Ls(_) => "LS",
            Self::Nls(_) => "NLS",
            Self::Ponls(_) => "PoNLS",
            Self::NlsUb(_) => "NLS-ub",
            Self::Ponos(_) => "PoNoS",
            Self::Gd(_) => "GD",
            Self::GdWarmup(_) => "GD-warmup",
            Self::GdWarmupUb(_) => "GD-warmup-ub",
            Self::Cdat(_) => "CDAT",
            Self::Sam(_) => "SAM",
        };
        match self.step_size() {
            Some(step_size) => format!("{name} {step_size}"),
            None => name.to_owned(),
        }
    }

    /// The fixed step size. `None` for a method that adapts its step size.
    pub fn step_size(&self) -> Option<f64> {
        match self {
            Self::Gd(config) => Some(config.step_size),
            Self::Sam(config) => Some(config.step_size),
            _ => None,
        }
    }

    /// The method with another fixed step size. A method that adapts its step size is returned unchanged.
    pub fn with_step_size(&self, step_size: f64) -> Self {
        let mut changed = self.clone();
        match &mut changed {
            Self::Gd(config) => config.step_size = step_size,
            Self::Sam(config) => config.step_size = step_size,
            _ => {}
        }
        changed
    }

    fn search(&self) -> Option<&LineSearchConfig> {
        match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => Some(search),
            _ => None,
        }
    }

    /// Whether the method is a line search.
    pub fn is_search(&self) -> bool {
        self.search().is_some()
    }

    /// `c` in the condition of sufficient decrease. For a method without a line search, the paper's value.
    pub fn sufficient_decrease(&self) -> f64 {
        match self.search() {
            Some(search) => search.sufficient_decrease,
            None => LineSearchConfig::nls().sufficient_decrease,
        }
    }

    /// The sharpness above which the method is unstable in an iteration: `2/η`, or [SAM's edge](SamConfig::edge).
    /// `None` if the iteration took no step.
    pub fn edge(&self, step: &Step) -> Option<f64> {
        (step.step_size > 0.0).then(|| match self {
            Self::Sam(config) => config.edge(step.gradient_norm),
            _ => 2.0 / step.step_size,
        })
    }

    /// The name of the [edge](Self::edge) in a figure. `None` for a method that adapts its step size: its edge changes
    /// with every iteration.
    pub fn edge_name(&self) -> Option<String> {
        self.step_size().map(|_| self.edge_name_for(&self.label()))
    }

    /// The name of the [edge](Self::edge) in a figure that calls the method `label`.
    pub fn edge_name_for(&self, label: &str) -> String {
        match self {
            Self::Sam(_) => format!("edge of {label}"),
            _ => format!("2/η of {label}"),
        }
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] if an option is outside its range.
    pub fn build(&self) -> Result<AnyMethod, Error> {
        Ok(match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => AnyMethod::Search(search.init()?),
            Self::Gd(config) => AnyMethod::GradientDescent(config.init()?),
            Self::GdWarmup(config) | Self::GdWarmupUb(config) => AnyMethod::WarmUp(config.init()?),
            Self::Cdat(config) => AnyMethod::Cdat(config.init()?),
            Self::Sam(config) => AnyMethod::Sam(Box::new(config.init()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn named(name: &str) -> MethodConfig {
        MethodConfig::named(name, 26, || Ok::<_, Error>(0.5)).unwrap()
    }

    #[test]
    fn every_name_constructs_its_method() {
        for name in MethodConfig::NAMES {
            let config = named(name);
            assert_eq!(config.name(), *name);
            assert!(config.label().to_lowercase().starts_with(name));
            let text = serde_json::to_string(&config).unwrap();
            assert!(
                text.starts_with(&format!(r#"{{"name":"{name}","#)),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<MethodConfig>(&text).unwrap(), config);
            config.build().unwrap();
        }
        let labels: Vec<String> = (MethodConfig::NAMES.iter())
            .map(|name| named(name).label())
            .collect();
        assert_eq!(
            labels.join(", "),
            "LS, NLS, PoNLS, NLS-ub, PoNoS, GD 1, GD-warmup, GD-warmup-ub, CDAT, SAM 0.5"
        );
    }

    #[test]
    fn options_depend_on_the_number_of_classes_and_on_sams_step_size() {
        for (name, expected) in [
            ("gd-warmup", MethodConfig::GdWarmup(WarmUpConfig::new(26))),
            (
                "gd-warmup-ub",
                MethodConfig::GdWarmupUb(WarmUpConfig::bounded(26)),
            ),
            ("nls-ub", MethodConfig::NlsUb(LineSearchConfig::nls_ub(26))),
            ("sam", MethodConfig::Sam(SamConfig::new(0.5))),
        ] {
            assert_eq!(named(name), expected);
        }
        let untuned = || Err("no step size".to_owned());
        let error = MethodConfig::named("sam", 10, untuned).unwrap_err();
        assert_eq!(error, "no step size");
        assert!(MethodConfig::named("gd", 10, untuned).is_ok());
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_names() {
        let error = MethodConfig::named("adam", 10, || Ok::<_, String>(1.0)).unwrap_err();
        assert_eq!(
            error,
            "there is no method \"adam\"; the methods are ls, nls, ponls, nls-ub, ponos, gd, gd-warmup, \
             gd-warmup-ub, cdat, sam"
        );
    }

    #[test]
    fn only_fixed_step_sizes_change() {
        for name in MethodConfig::NAMES {
            let config = named(name).with_step_size(7.0);
            let is_fixed = ["gd", "sam"].contains(name);
            assert_eq!(config.step_size(), is_fixed.then_some(7.0), "{name}");
            assert_eq!(config == named(name), !is_fixed, "{name}");
        }
    }

    #[test]
    fn the_sufficient_decrease_is_that_of_the_search() {
        assert_eq!(named("ponos").sufficient_decrease(), 0.5);
        assert_eq!(named("gd").sufficient_decrease(), 1e-4);
        assert!(named("ls").is_search() && !named("cdat").is_search());
    }

    #[test]
    fn the_edge_is_that_of_the_method() {
        let step = Step {
            loss: 1.0,
            gradient_norm: 3.0,
            step_size: 0.5,
            initial_step_size: None,
            trials: 0,
            backtracks: 0,
            reference_value: None,
            average_loss: None,
            accepted_loss: None,
            outcome: Outcome::Stepped,
        };
        let config = SamConfig::new(0.5);
        let expected = config.edge(3.0);
        assert!(expected < 2.0 * 1.9 / 0.5);
        assert_eq!(MethodConfig::Sam(config).edge(&step), Some(expected));
        let gd = MethodConfig::Gd(GradientDescentConfig::new(0.5));
        assert_eq!(gd.edge(&step), Some(4.0));
        let stopped = Step {
            step_size: 0.0,
            ..step
        };
        assert_eq!(gd.edge(&stopped), None);
    }

    #[test]
    fn only_a_fixed_step_size_has_an_edge_to_name() {
        assert_eq!(named("gd").edge_name().unwrap(), "2/η of GD 1");
        assert_eq!(named("sam").edge_name().unwrap(), "edge of SAM 0.5");
        assert_eq!(named("nls").edge_name(), None);
        assert_eq!(named("gd").edge_name_for("GD"), "2/η of GD");
    }
}
