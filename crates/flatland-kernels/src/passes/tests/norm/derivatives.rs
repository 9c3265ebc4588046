//! The derivatives of batch normalization.

use super::*;

#[test]
fn gradients_are_those_of_the_tape() {
    for shape in SHAPES {
        let case = Case::new(shape, DType::F64);
        let forward = case.forward();
        let parents = (tracked(&case.x), tracked(&case.scale), tracked(&case.shift));
        let output = composed::batch_norm(
            parents.0.clone(),
            parents.1.clone(),
            parents.2.clone(),
            EPSILON,
        )
        .output;
        let gradients = (output * constant(&case.g)).sum().backward();
        let expected = [
            numbers(&parents.0.grad(&gradients).unwrap()),
            numbers(&parents.1.grad(&gradients).unwrap()),
            numbers(&parents.2.grad(&gradients).unwrap()),
        ];
        let (x, scale, shift) =
            batch_norm_gradient(&forward.normal, &forward.inverse, &case.scale, case.g);
        let found = [numbers(&x), numbers(&scale), numbers(&shift)];
        assert_close(&format!("{shape:?}"), &found, &expected, 1e-12);
    }
}

#[test]
fn tangents_of_gradients_are_those_of_the_tape() {
    for shape in SHAPES {
        for moves in [true, false] {
            let case = Case::new(shape, DType::F64);
            let x_tangent = moves.then(|| case.x_tangent.clone());
            let [x, scale, shift] = [
                case.x.clone().flatten::<1>(0, 3),
                case.scale.clone(),
                case.shift.clone(),
            ]
            .map(|tensor| tracked(&tensor));
            let forward = composed::batch_norm(
                x.clone().reshape(shape),
                scale.clone(),
                shift.clone(),
                EPSILON,
            );
            let (output_tangent, _, _) = composed::batch_norm_tangent(
                &forward.normal,
                &forward.inverse,
                &scale,
                x_tangent.as_ref().map(constant),
                &constant(&case.scale_tangent),
                &constant(&case.shift_tangent),
            );
            let value = (output_tangent.clone() * constant(&case.g)).sum()
                + (forward.output * constant(&case.h)).sum();
            let gradients = value.backward();
            let expected =
                [&x, &scale, &shift].map(|parent| numbers(&parent.grad(&gradients).unwrap()));

            let BatchNorm {
                normal, inverse, ..
            } = case.forward();
            let Case {
                scale,
                scale_tangent,
                shift_tangent,
                g,
                h,
                ..
            } = case;
            let (output, normal_tangent, along) = batch_norm_tangent(
                &normal,
                &inverse,
                &scale,
                x_tangent,
                &scale_tangent,
                &shift_tangent,
            );
            let (x, a, b) = batch_norm_gradient_tangent(
                &normal,
                &inverse,
                &scale,
                &scale_tangent,
                &g,
                normal_tangent.as_ref(),
                along.as_ref(),
                h,
            );
            let found = [numbers(&x), numbers(&a), numbers(&b)];
            let name = format!("{shape:?}, moving input: {moves}");
            assert_close(&name, &found, &expected, 1e-12);
            assert_close(
                &name,
                &[numbers(&output)],
                &[numbers(&output_tangent.inner())],
                1e-12,
            );
        }
    }
}

#[test]
fn tangents_are_differences() {
    let step = 1e-5;
    for shape in SHAPES {
        let case = Case::new(shape, DType::F64);
        let moved = |step: f64| {
            let along =
                |value: &Tensor<1>, tangent: &Tensor<1>| value.clone() + tangent.clone() * step;
            let scale = along(&case.scale, &case.scale_tangent);
            let x = case.x.clone() + case.x_tangent.clone() * step;
            let g = case.g.clone() + case.h.clone() * step;
            let forward = batch_norm(
                x,
                scale.clone(),
                along(&case.shift, &case.shift_tangent),
                EPSILON,
            );
            let (x, a, b) = batch_norm_gradient(&forward.normal, &forward.inverse, &scale, g);
            [
                numbers(&forward.output),
                numbers(&forward.normal),
                numbers(&x),
                numbers(&a),
                numbers(&b),
            ]
        };
        let (ahead, behind) = (moved(step), moved(-step));
        let expected: Vec<Vec<f64>> = (ahead.iter().zip(&behind))
            .map(|(ahead, behind)| {
                (ahead.iter().zip(behind))
                    .map(|(a, b)| (a - b) / (2.0 * step))
                    .collect()
            })
            .collect();
        let BatchNorm {
            normal, inverse, ..
        } = case.forward();
        let Case {
            scale,
            scale_tangent,
            shift_tangent,
            x_tangent,
            g,
            h,
            ..
        } = case;
        let (output, normal_tangent, along) = batch_norm_tangent(
            &normal,
            &inverse,
            &scale,
            Some(x_tangent),
            &scale_tangent,
            &shift_tangent,
        );
        let (x, a, b) = batch_norm_gradient_tangent(
            &normal,
            &inverse,
            &scale,
            &scale_tangent,
            &g,
            normal_tangent.as_ref(),
            along.as_ref(),
            h,
        );
        let found = [
            numbers(&output),
            numbers(&normal_tangent.unwrap()),
            numbers(&x),
            numbers(&a),
            numbers(&b),
        ];
        assert_close(&format!("{shape:?}"), &found, &expected, 1e-8);
    }
}
