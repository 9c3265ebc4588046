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
    let n = 20000;
    for name in ["powerlaw", "powerlaw"] {
        let d = spectrum(name, n);
        let mut op = Diag(Tensor::from_data(
            TensorData::from(d.as_slice()),
            (&dev, DType::F64),
        ));
        let mut hi = d.clone();
        hi.sort_by(|a, b| b.total_cmp(a));
        println!("{:?}", &hi[17..26]);
        for seed in 0..1 {
            let c = LanczosConfig::new()
                .with_basis_size(64)
                .with_max_products(300)
                .with_seed(seed);
            let p = eigenpairs(
                &mut op,
                Wanted::Ends {
                    largest: 20,
                    smallest: 0,
                },
                &c,
                &[],
            )
            .unwrap();
            println!("{name} {} {} {}", p.products, p.restarts, p.converged);
            for i in 0..20 {
                println!("   {:.6} {:.6} {:.1e}", hi[i], p.values[i], p.residuals[i]);
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
