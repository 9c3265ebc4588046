//! The running statistics of batch normalization.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::layout::ModulePath;
use crate::ops::ChannelStatistics;

/// The weight of new statistics in the running average, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// The running mean and variance of every batch normalization in a network.
///
/// They are not trainable. They are updated once per step, with the batch statistics at the point where the step
/// started, and are used to evaluate the test set alone.
#[derive(Debug, Clone, Default)]
pub struct RunningStatistics(Vec<Running>);

/// The running statistics of one normalization.
#[derive(Debug, Clone)]
struct Running {
    /// The identity of the running mean.
    id: ParamId,
    /// The path of the layer in the network.
    layer: String,
    statistics: ChannelStatistics,
}

/// The statistics of one batch in one normalization.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    /// The identity of the normalization's running mean.
    pub(crate) id: ParamId,
    pub(crate) statistics: ChannelStatistics,
    /// The number of values per channel: samples times pixels.
    pub(crate) count: usize,
}

impl RunningStatistics {
    /// The running statistics of a network.
    pub fn of<M: Module>(network: &M) -> Self {
        let mut collector = StatisticsCollector::default();
        network.visit(&mut collector);
        collector.found
    }

    /// Whether the network has no batch normalization.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, id: ParamId) -> Option<&ChannelStatistics> {
        (self.0.iter())
            .find(|running| running.id == id)
            .map(|running| &running.statistics)
    }

    /// All running means and variances (`[channels]`) with PyTorch's names (`"bn1.running_mean"`), in the order of the
    /// network.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &Tensor<1>)> {
        self.0.iter().flat_map(|running| {
            let ChannelStatistics { mean, variance } = &running.statistics;
            [(MEAN, mean), (VARIANCE, variance)]
                .map(|(name, tensor)| (joined(&running.layer, name), tensor))
        })
    }

    /// Replaces every tensor by the one that `find` returns for its [name](Self::tensors).
    ///
    /// # Errors
    ///
    /// Returns the first name for which `find` returns `None` or a tensor of another shape.
    pub fn with_tensors(
        mut self,
        mut find: impl FnMut(&str) -> Option<Tensor<1>>,
    ) -> Result<Self, String> {
        for (name, tensor) in self.tensors_mut() {
            match find(&name).filter(|found| found.dims() == tensor.dims()) {
                Some(found) => *tensor = found,
                None => return Err(name),
            }
        }
        Ok(self)
    }

    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = (String, &mut Tensor<1>)> {
        self.0.iter_mut().flat_map(|running| {
            let ChannelStatistics { mean, variance } = &mut running.statistics;
            [(MEAN, mean), (VARIANCE, variance)]
                .map(|(name, tensor)| (joined(&running.layer, name), tensor))
        })
    }

    /// Updates the running average once, with the mean of the statistics of a batch's chunks. As in PyTorch, the
    /// running variance averages unbiased variances.
    pub(crate) fn update(&mut self, observations: &[Observation]) {
        for Running {
            id,
            statistics: running,
            ..
        } in &mut self.0
        {
            let seen: Vec<_> = observations.iter().filter(|seen| seen.id == *id).collect();
            let weight = MOMENTUM / seen.len() as f64;
            for (
                index,
                Observation {
                    statistics, count, ..
                },
            ) in seen.into_iter().enumerate()
            {
                let keep = if index == 0 { 1.0 - MOMENTUM } else { 1.0 };
                let unbiased = weight * *count as f64 / (count.max(&2) - 1) as f64;
                running.mean = running.mean.clone() * keep + statistics.mean.clone() * weight;
                running.variance =
                    running.variance.clone() * keep + statistics.variance.clone() * unbiased;
            }
        }
    }

    /// The network with these running statistics.
    pub fn write_into<M: Module>(&self, network: M) -> M {
        network.map(&mut StatisticsWriter {
            found: self,
            path: Vec::new(),
            current: None,
        })
    }
}

/// The name of a tensor in a layer. The network itself can be the layer.
fn joined(layer: &str, name: &str) -> String {
    if layer.is_empty() {
        name.to_owned()
    } else {
        format!("{layer}.{name}")
    }
}

#[derive(Default)]
struct StatisticsCollector {
    path: ModulePath,
    mean: Option<(ParamId, Tensor<1>)>,
    found: RunningStatistics,
}

impl ModuleVisitor for StatisticsCollector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = || {
            let value = param.val().inner();
            let [channels] = value.shape().dims();
            value.reshape([channels])
        };
        match self.path.last() {
            Some(MEAN) => self.mean = Some((param.id, value())),
            Some(VARIANCE) => {
                let (id, mean) = self
                    .mean
                    .take()
                    .expect("a running mean comes before its variance");
                let statistics = ChannelStatistics {
                    mean,
                    variance: value(),
                };
                let layer = self.path.name();
                let layer = layer.trim_end_matches(VARIANCE).trim_end_matches('.');
                self.found.0.push(Running {
                    id,
                    layer: layer.to_owned(),
                    statistics,
                });
            }
            _ => {}
        }
    }
}

/// PyTorch's names of the running mean and variance of a layer.
pub(crate) const MEAN: &str = "running_mean";
pub(crate) const VARIANCE: &str = "running_var";

struct StatisticsWriter<'a> {
    found: &'a RunningStatistics,
    path: Vec<String>,
    current: Option<&'a ChannelStatistics>,
}

impl ModuleMapper for StatisticsWriter<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = match self.path.last().map(String::as_str) {
            Some(MEAN) => {
                self.current = self.found.get(param.id);
                self.current.map(|statistics| statistics.mean.clone())
            }
            Some(VARIANCE) => self.current.map(|statistics| statistics.variance.clone()),
            _ => None,
        };
        match value {
            Some(value) => param.map(|old| Tensor::from_inner(value.reshape(old.shape()))),
            None => param,
        }
    }
}
