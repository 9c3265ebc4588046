use flatland_records::{EpochRow, SharpnessRow};

use super::*;
use crate::series::RunSeries;

#[test]
fn a_picture_names_its_lines_and_has_a_curve_for_each_run() {
    let sharpness = [0, 10].map(|iteration| SharpnessRow {
        iteration,
        sharpness: 1.0,
        lambda_min: -0.1,
        step_size: 2.0,
        step_size_times_sharpness: 2.0,
        edge: Some(1.0),
        residual: 0.0,
        hessian_products: 10,
        seconds: 0.0,
    });
    let curves = ["NLS-ub", "GD 0.1", "GD 1", "GD < 2"].map(|label| MethodCurves {
        label,
        runs: vec![RunSeries {
            metrics: &[],
            sharpness: &sharpness,
            epochs: &[],
            per_epoch: None,
        }],
        edge: (label == "GD 0.1").then(|| "2/η of GD 0.1".to_owned()),
    });
    let mut figure = Figure {
        title: "a data set & a network",
        sharpness_floor: Some(2.0 / 26.0),
        reaches: vec![1.0 - 1e-4],
        curves: Vec::from(curves),
    };
    let svg = figure.to_svg();
    for text in [
        "NLS-ub",
        "2/K = 0.0769",
        "1 − c",
        "η·λ₁",
        "no data",
        "GD &lt; 2",
        "2/η of GD 0.1",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    let strokes = figure.strokes();
    assert_eq!(strokes.len(), 4 + 1);
    for (index, Stroke { color, .. }) in strokes.into_iter().enumerate() {
        let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
        // The legend, the sharpness and its product with the step size; an edge has no product.
        let expected = if index < 4 { 3 } else { 2 };
        assert_eq!(svg.matches(&stroke).count(), expected, "{stroke}");
    }
    // PoNoS asks for half of the decrease, the others for hardly any.
    figure.reaches = vec![0.5, 1.0 - 1e-4];
    let svg = figure.to_svg();
    assert_eq!(svg.matches(">\n1 − c\n<").count(), 2);
    let lines = figure.panels()[3].lines.clone();
    let places = lines.iter().map(|line| 10f64.powf(line.0));
    let expected = [0.5, 0.9999, 2.0];
    assert!(
        places
            .zip(expected)
            .all(|(place, expected)| (place - expected).abs() < 1e-9)
    );
    figure.curves.clear();
    assert_eq!(figure.to_svg().matches("no data").count(), 5);
}

#[test]
fn a_stochastic_run_is_drawn_by_epoch_with_the_range_of_its_batches() {
    let epochs = [0, 2, 4].map(|epoch| EpochRow {
        epoch,
        iteration: 20 * epoch,
        steps: 20,
        loss: 1.0 / (1.0 + epoch as f64),
        train_accuracy: 0.5,
        test_loss: Some(1.0),
        test_accuracy: Some(0.5),
        sharpness_mean: Some(3.0),
        sharpness_min: Some(2.0),
        sharpness_max: Some(4.0),
        lambda_min: Some(-1.0),
        hessian_products: 400,
        seconds: 1.0,
        measuring_seconds: 1.0,
    });
    let figure = Figure {
        title: "stochastic",
        sharpness_floor: None,
        reaches: vec![0.5],
        curves: vec![MethodCurves {
            label: "PoNoS",
            runs: vec![RunSeries {
                metrics: &[],
                sharpness: &[],
                epochs: &epochs,
                per_epoch: Some(20),
            }],
            edge: None,
        }],
    };
    let panels = figure.panels();
    assert_eq!(panels[0].curves[0][1], (2.0, (1f64 / 3.0).log10()));
    let (least, largest) = &panels[1].bands[0];
    let sharpness = [&panels[1].curves[0], least, largest];
    let sharpness = sharpness.map(|curve| 10f64.powf(curve[2].1).round());
    assert_eq!(sharpness, [3.0, 2.0, 4.0]);
    let svg = figure.to_svg();
    assert!(
        svg.contains(">\nepoch\n<") && !svg.contains(">\niteration\n<"),
        "{svg}"
    );
}
