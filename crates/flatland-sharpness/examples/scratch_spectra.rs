#![allow(missing_docs)]
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_sharpness::*;
use std::time::Instant;
struct Diag(Tensor<1>);
impl SymmetricOperator for Diag {
    fn dimension(&self) -> usize {
        self.0.dims()[0]
    }
    fn device(&self) -> Device {
        self.0.device()
    }
    fn dtype(&self) -> DType {
        self.0.dtype()
    }
    fn apply(&mut self, v: &Tensor<1>) -> Tensor<1> {
        self.0.clone() * v.clone()
    }
}
fn spectrum(name: &str, n: usize) -> Vec<f64> {
    let mut r = flatland_random::stream(1, "spec", 0);
    let mut d: Vec<f64> = match name {
        // nine outliers then a decaying bulk, slightly negative
        "outliers" => (0..n)
            .map(|i| {
                if i < 9 {
                    4.6 * 0.75f64.powi(i as i32)
                } else {
                    0.3 / (1.0 + (i as f64 - 9.0) / 10.0)
                }
            })
            .collect(),
        // slow power law from the top
        "powerlaw" => (0..n).map(|i| 2.0 / (1.0 + i as f64).powf(0.7)).collect(),
        "powerslow" => (0..n)
            .map(|i| 2.0 / (1.0 + i as f64 / 5.0).powf(0.5))
            .collect(),
        "saddle" => (0..n)
            .map(|i| {
                if i < 10 {
                    0.2
                } else {
                    0.055 / (1.0 + (i as f64 - 10.0) / 2.0).powf(0.8)
                }
            })
            .collect(),
        "close" => (0..n)
            .map(|i| match i {
                0 => 1.0,
                1 => 0.98,
                2 => 0.95,
                _ => 0.9 / (1.0 + (i as f64 - 3.0) / 20.0),
            })
            .collect(),
        _ => panic!(),
    };
    // signs: a third negative in the bulk
    for (i, x) in d.iter_mut().enumerate() {
        if i >= 10 && (name == "saddle" && i % 2 == 1) {
            *x = -*x
        }
        if name != "saddle" && i >= 12 && flatland_random::uniform(&mut r) < -0.4 {
            *x *= -0.3
        }
    }
    d
}
fn main() {
    let dev = Device::flex();
    let n: usize = std::env::args()
        .nth(1)
        .map_or(318_410, |a| a.parse().unwrap());
    for dt in [DType::F32, DType::F64] {
        for name in ["outliers", "powerlaw", "powerslow", "saddle", "close"] {
            let d = spectrum(name, n);
            let mut op = Diag(Tensor::from_data(
                TensorData::from(d.as_slice()),
                (&dev, dt),
            ));
            let (mut hi, mut lo) = (d.clone(), d.clone());
            hi.sort_by(|a, b| b.total_cmp(a));
            lo.sort_by(|a, b| a.total_cmp(b));
            println!(
                "== {dt:?} {name}: {:.4} {:.4} .. {:.4}",
                hi[0], hi[1], lo[0]
            );
            for m in [8, 12, 16, 24, 32, 48] {
                let c = LanczosConfig::new().with_basis_size(m);
                let t = Instant::now();
                let s = sharpness(&mut op, &c, None).unwrap();
                let cold = t.elapsed().as_secs_f64() * 1e3;
                // perturbed: random symmetric rank-few + scaled diag
                let w: Vec<f64> = d
                    .iter()
                    .enumerate()
                    .map(|(i, x)| x * (1.0 + 0.05 * ((i * 37 % 11) as f64 / 11.0 - 0.5)))
                    .collect();
                let mut op2 = Rotated {
                    d: Tensor::from_data(TensorData::from(w.as_slice()), (&dev, dt)),
                    u: unit(n, 5, &s.vectors[0], 0.2, dt, &dev),
                };
                let cold2 = sharpness(&mut op2, &c, None).unwrap();
                let warm2 = sharpness(&mut op2, &c, Some(&s)).unwrap();
                println!(
                    "  m {m}: {} products {cold:.0} ms, conv {} lmax err {:.1e} res {:.1e}  lmin {:.4} err {:.1e} res {:.1e} | perturbed cold {} ({:.6}) warm {} ({:.6}) lmin {:.5}/{:.5}",
                    s.products,
                    s.converged,
                    (s.lambda_max / hi[0] - 1.0).abs(),
                    s.lambda_max_residual / hi[0],
                    s.lambda_min,
                    (s.lambda_min - lo[0]).abs(),
                    s.lambda_min_residual,
                    cold2.products,
                    cold2.lambda_max,
                    warm2.products,
                    warm2.lambda_max,
                    cold2.lambda_min,
                    warm2.lambda_min
                );
            }
            for (k, m) in [(5, 16), (5, 32), (20, 48), (20, 64), (20, 96)] {
                let c = LanczosConfig::new()
                    .with_basis_size(m)
                    .with_max_products(1000);
                let t = Instant::now();
                let p = eigenpairs(
                    &mut op,
                    Wanted::Ends {
                        largest: k,
                        smallest: 0,
                    },
                    &c,
                    &[],
                )
                .unwrap();
                let ms = t.elapsed().as_secs_f64() * 1e3;
                let err = p
                    .values
                    .iter()
                    .zip(&hi)
                    .map(|(a, b)| (a - b).abs() / hi[0])
                    .fold(0.0, f64::max);
                let q = eigenpairs(
                    &mut op,
                    Wanted::Ends {
                        largest: k,
                        smallest: 0,
                    },
                    &c,
                    &p.vectors,
                )
                .unwrap();
                println!(
                    "  top {k} m {m}: {} products {} restarts conv {} err {err:.1e} {ms:.0} ms; warm {}",
                    p.products, p.restarts, p.converged, q.products
                );
            }
        }
    }
}
/// (I - 2uu')D(I - 2uu')
struct Rotated {
    d: Tensor<1>,
    u: Tensor<1>,
}
impl Rotated {
    fn h(&self, v: Tensor<1>) -> Tensor<1> {
        let c = (v.clone() * self.u.clone()).sum();
        v - self.u.clone() * c * 2.0
    }
}
impl SymmetricOperator for Rotated {
    fn dimension(&self) -> usize {
        self.d.dims()[0]
    }
    fn device(&self) -> Device {
        self.d.device()
    }
    fn dtype(&self) -> DType {
        self.d.dtype()
    }
    fn apply(&mut self, v: &Tensor<1>) -> Tensor<1> {
        let x = self.h(v.clone());
        self.h(self.d.clone() * x)
    }
}
/// unit vector with a component `c` along v: reflecting turns v by about 2c
fn unit(n: usize, seed: u64, v: &Tensor<1>, c: f64, dt: DType, dev: &Device) -> Tensor<1> {
    let mut r = flatland_random::stream(seed, "u", 0);
    let g: Vec<f64> = (0..n).map(|_| flatland_random::normal(&mut r)).collect();
    let s = g.iter().map(|x| x * x).sum::<f64>().sqrt();
    let g: Vec<f64> = g.iter().map(|x| x / s).collect();
    let g: Tensor<1> = Tensor::from_data(TensorData::from(g.as_slice()), (dev, dt));
    g * (1.0 - c * c).sqrt() + v.clone() * c
}
