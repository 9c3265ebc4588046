//! What the doctor notices, and what it concludes.

use super::*;

fn result(compute: impl Fn(&CheckTarget) -> checks::Quantities + 'static) -> CheckResult {
    let check = Check {
        name: "check",
        kind: CheckKind::Operator,
        compute: Box::new(compute),
    };
    let target = |dtype| CheckTarget {
        device: Device::flex(),
        dtype,
    };
    compare(&check, &target(DType::F32), &target(DType::F64))
}

/// One entry in two hundred that is off by a hundredth, or by its sign.
#[test]
fn a_wrong_kernel_is_noticed() {
    let off_by = |factor: f64| {
        result(move |target| {
            let mut entries = checks::read(target.draws(0, [200]));
            if target.dtype == DType::F32 {
                entries[7] *= factor;
            }
            vec![("value", entries)]
        })
    };
    assert!(off_by(1.0).is_sound(FloatType::F32));
    for factor in [1.01, -1.0, f64::NAN, f64::INFINITY] {
        assert!(!off_by(factor).is_sound(FloatType::F32), "{factor}");
    }
}

#[test]
fn missing_numbers_and_crashes_are_noticed() {
    let short = result(|target| {
        let count = if target.dtype == DType::F32 { 4 } else { 5 };
        vec![("value", vec![1.0; count])]
    });
    assert!(!short.is_sound(FloatType::F32));
    let crashed = result(|target| {
        assert!(target.dtype == DType::F64, "the driver is gone");
        vec![("value", vec![1.0])]
    });
    assert!(!crashed.is_sound(FloatType::F32));
    let reason = crashed.failure(FloatType::F32);
    assert!(reason.contains("crashed: the driver is gone"), "{reason}");
}

/// The checks see what burn 0.22.1's own GELU does off flex: its reverse pass is that of another function.
#[test]
fn a_gradient_of_another_function_is_noticed() {
    let slope = |target: &CheckTarget, approximates: bool| {
        let x = target.draws(0, [50]);
        let distribution = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
        let inner = (x.clone() + x.clone().powi_scalar(3) * 0.044_715) * 0.797_884_560_8;
        let approximation = (inner.tanh() + 1.0) * 0.5;
        checks::read(if approximates {
            approximation
        } else {
            distribution
        })
    };
    let found = result(move |target| vec![("gradient", slope(target, target.dtype == DType::F32))]);
    assert!(!found.is_sound(FloatType::F32), "{:e}", found.worst());
}

/// One check that failed is enough, and the verdict names it; a network may err more than an operator.
#[test]
fn the_verdict_names_what_failed() {
    let of = |name, kind, error| CheckResult {
        name,
        kind,
        errors: Ok(vec![("value", error / 2.0), ("gradient", error)]),
    };
    let program = Program {
        version: String::new(),
        git_commit: String::new(),
    };
    let verdict = |pooling, mlp| {
        let results = [
            of("convolution", CheckKind::Operator, 1e-7),
            of("pooling", CheckKind::Operator, pooling),
            of("mlp", CheckKind::Network, mlp),
        ];
        conclude(&results, "a device".to_owned(), FloatType::F32, &program)
    };
    let sound = verdict(9e-5, 9e-4);
    assert!(sound.sound && sound.failed.is_empty() && sound.checks == 3);
    assert_eq!(sound.worst_operator, ("pooling".to_owned(), 9e-5));
    assert_eq!(sound.worst_network, ("mlp".to_owned(), 9e-4));
    for (pooling, mlp, name) in [(1.1e-4, 1e-6, "pooling"), (1e-6, 1.1e-3, "mlp")] {
        let wrong = verdict(pooling, mlp);
        assert!(!wrong.sound);
        assert_eq!(wrong.failed.len(), 1);
        assert!(wrong.failed[0].starts_with(name), "{:?}", wrong.failed);
    }
}
