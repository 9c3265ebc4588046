use flatland_optim::{CdatConfig, LineSearchConfig, SamConfig, WarmUpConfig};

use super::*;

fn resolve(text: &str, dataset: Dataset, network: &str) -> Result<MethodConfig, String> {
    let table: Table = format!("method = {text}").parse().unwrap();
    MethodSpec::read(&table["method"])?.resolve(&MethodContext {
        dataset,
        network: &Architecture::named(network).unwrap(),
        loss: Loss::Mse,
        tuned: &TunedStepSizes::unread("tuned.toml".into()),
    })
}

#[test]
fn every_name_is_a_method_and_its_own() {
    for &name in MethodConfig::NAMES {
        let config = resolve(&format!("{name:?}"), Dataset::Svhn, "vgg11").unwrap();
        assert_eq!(config.name(), name);
        assert!(config.label().to_lowercase().starts_with(name));
        let again: MethodConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }
}

#[test]
fn options_follow_the_problem_unless_they_are_given() {
    let sam = |text, dataset, network| match resolve(text, dataset, network) {
        Ok(MethodConfig::Sam(config)) => config,
        other => panic!("{other:?}"),
    };
    for text in ["\"sam\"", "{ name = \"sam\", step_size = \"paper\" }"] {
        assert_eq!(sam(text, Dataset::Cifar100, "cnn"), SamConfig::new(0.01));
        assert_eq!(
            sam(text, Dataset::Emnist, "resnet34"),
            SamConfig::new(0.001)
        );
    }
    let given = "{ name = \"sam\", step_size = 2, rho = 0.1 }";
    let expected = SamConfig {
        rho: 0.1,
        ..SamConfig::new(2.0)
    };
    assert_eq!(sam(given, Dataset::Mnist, "mlp"), expected);
    for (name, expected) in [
        (
            "\"gd-warmup\"",
            MethodConfig::GdWarmup(WarmUpConfig::new(26)),
        ),
        (
            "\"gd-warmup-ub\"",
            MethodConfig::GdWarmupUb(WarmUpConfig::bounded(26)),
        ),
        (
            "\"nls-ub\"",
            MethodConfig::NlsUb(LineSearchConfig::nls_ub(26)),
        ),
    ] {
        assert_eq!(resolve(name, Dataset::Emnist, "mlp"), Ok(expected));
    }
    let cdat = "{ name = \"cdat\", scale = 2.0, max_step_size = 5.0 }";
    let expected = CdatConfig {
        scale: 2.0,
        max_step_size: Some(5.0),
        ..CdatConfig::new()
    };
    assert_eq!(
        resolve(cdat, Dataset::Mnist, "mlp"),
        Ok(MethodConfig::Cdat(expected))
    );
    let message = resolve("{ name = \"cdat\", sigma = 2.0 }", Dataset::Mnist, "mlp");
    assert!(message.unwrap_err().contains("unknown field `sigma`"));
}

#[test]
fn candidates_keep_the_other_options() {
    let read = |text: &str| {
        let table: Table = format!("method = {text}").parse().unwrap();
        MethodSpec::read(&table["method"]).unwrap()
    };
    let list = [
        "{ name = \"sam\", step_size = \"tuned\", rho = 0.2 }",
        "\"gd\"",
        "{ name = \"sam\", rho = 0.2, step_size = 3 }",
        "\"sam\"",
    ]
    .map(read);
    let expected = [
        "{ name = \"sam\", rho = 0.2, step_size = 0.1 }",
        "{ name = \"sam\", rho = 0.2, step_size = 1.0 }",
        "{ name = \"sam\", step_size = 0.1 }",
        "{ name = \"sam\", step_size = 1.0 }",
    ]
    .map(read);
    assert_eq!(MethodSpec::candidates(&list, "sam", &[0.1, 1.0]), expected);
    let gd = [read("{ name = \"gd\", step_size = 5.0 }")];
    assert_eq!(MethodSpec::candidates(&list[2..], "gd", &[5.0]), gd);
}
