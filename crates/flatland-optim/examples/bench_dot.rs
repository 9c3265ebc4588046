#![allow(missing_docs)]
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::time::Instant;
fn host(t: Tensor<1>) -> f64 {
    let d = t.into_data().convert::<f64>();
    d.iter::<f64>().sum()
}
fn batched(a: &Tensor<1>, b: &Tensor<1>, c: usize) -> f64 {
    let n = a.dims()[0];
    let r = n / c;
    let m = a
        .clone()
        .slice(0..r * c)
        .reshape([r, 1, c])
        .matmul(b.clone().slice(0..r * c).reshape([r, c, 1]));
    let mut v = vec![m.reshape([r])];
    if r * c < n {
        let t = n - r * c;
        v.push(
            a.clone()
                .slice(r * c..n)
                .reshape([1, t])
                .matmul(b.clone().slice(r * c..n).reshape([t, 1]))
                .reshape([1]),
        );
    }
    host(Tensor::cat(v, 0))
}
fn chunked(a: &Tensor<1>, b: &Tensor<1>, c: usize) -> f64 {
    let n = a.dims()[0];
    let mut v = vec![];
    let mut i = 0;
    while i < n {
        let e = (i + c).min(n);
        v.push((a.clone().slice(i..e) * b.clone().slice(i..e)).sum());
        i = e;
    }
    host(Tensor::cat(v, 0))
}
fn chunked_rows(a: &Tensor<1>, b: &Tensor<1>, c: usize, w: usize) -> f64 {
    let n = a.dims()[0];
    let mut v = vec![];
    let mut i = 0;
    while i + c <= n {
        let e = i + c;
        v.push(
            (a.clone().slice(i..e) * b.clone().slice(i..e))
                .reshape([c / w, w])
                .sum_dim(1)
                .reshape([c / w]),
        );
        i = e;
    }
    if i < n {
        v.push((a.clone().slice(i..n) * b.clone().slice(i..n)).sum());
    }
    host(Tensor::cat(v, 0))
}
fn main() {
    let device = Device::flex();
    for dt in [DType::F32, DType::F64] {
        for n in [30_000usize, 1_000_003, 20_000_000] {
            let x: Vec<f64> = (0..n)
                .map(|i| ((i as f64 * 0.7).sin() + 0.3) as f32 as f64)
                .collect();
            let y: Vec<f64> = (0..n)
                .map(|i| ((i as f64 * 1.3).cos() + 0.1) as f32 as f64)
                .collect();
            let exact: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
            let sq: f64 = x.iter().map(|a| a * a).sum();
            let a = Tensor::<1>::from_data(TensorData::from(x.as_slice()), (&device, dt));
            let b = Tensor::<1>::from_data(TensorData::from(y.as_slice()), (&device, dt));
            let t = |name: &str, f: &dyn Fn(&Tensor<1>, &Tensor<1>) -> f64| {
                let r = f(&a, &b);
                let s = f(&a, &a);
                let t0 = Instant::now();
                for _ in 0..5 {
                    f(&a, &b);
                }
                println!(
                    "{dt:?} n={n} {name}: {:.3} ms  rel {:.1e} sq {:.1e}",
                    t0.elapsed().as_secs_f64() * 200.0,
                    (r - exact).abs() / exact.abs(),
                    (s - sq).abs() / sq
                );
            };
            t("mul+sum", &|a, b| {
                (a.clone() * b.clone()).sum().into_scalar::<f64>()
            });
            t("1xn nx1", &|a, b| {
                a.clone()
                    .reshape([1, n])
                    .matmul(b.clone().reshape([n, 1]))
                    .into_scalar::<f64>()
            });
            for c in [256, 1024, 4096, 16384] {
                t(&format!("batched {c}"), &|a, b| batched(a, b, c));
            }
            for c in [16384, 65536, 262144, 1 << 20] {
                t(&format!("chunked {c}"), &|a, b| chunked(a, b, c));
            }
            for c in [16384, 65536, 262144] {
                t(&format!("rows {c}/512"), &|a, b| chunked_rows(a, b, c, 512));
            }
            let t0 = Instant::now();
            for _ in 0..5 {
                let _ = a.clone() + b.clone() * 0.5;
            }
            println!("axpy {:.3}", t0.elapsed().as_secs_f64() * 200.0);
        }
    }
}
