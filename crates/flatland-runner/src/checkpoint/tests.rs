use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_config::{DeviceName, GridSpec};
use flatland_optim::{AnyMethod, Curvature, Method, MethodConfig, Objective};
use flatland_records::Totals;

use super::*;
use crate::diagnostics::PendingStep;

fn vector(entries: &[f64], dtype: DType) -> Tensor<1> {
    Tensor::from_data(TensorData::from(entries), (&Device::flex(), dtype))
}

/// The bits of a vector.
fn bits(vector: &Tensor<1>) -> (DType, Vec<u8>) {
    let data = vector.clone().into_data();
    (data.dtype(), data.as_bytes().to_vec())
}

fn identity() -> RunIdentity {
    RunIdentity {
        configuration: "c0ffee".to_owned(),
        data: vec![("images".to_owned(), "5eed".to_owned())],
        initial_weights: None,
    }
}

fn checkpoint(place: u64, tensors: Vec<(String, Tensor<1>)>) -> Checkpoint {
    let method = gd().state().0;
    Checkpoint {
        state: State {
            started: jiff::Timestamp::UNIX_EPOCH,
            place: RunPosition::FullBatch(place),
            totals: Totals::default(),
            method,
            steps: place,
            sharpness: None,
            waiting: Vec::new(),
            marks: [("metrics.csv".to_owned(), Default::default())].into(),
        },
        tensors,
    }
}

fn gd() -> AnyMethod {
    method("gd").build().unwrap()
}

fn method(name: &str) -> MethodConfig {
    let options = match name {
        "sam" => "method = { name = \"sam\", step_size = 0.05 }".to_owned(),
        "gd" => "method = { name = \"gd\", step_size = 0.05 }".to_owned(),
        "cdat" => "method = { name = \"cdat\", averaging = 0.9 }".to_owned(),
        "gd-warmup" | "gd-warmup-ub" => {
            format!("method = {{ name = \"{name}\", peak = 0.15, last_step_size = 0.1 }}")
        }
        _ => format!("method = \"{name}\""),
    };
    let options = options.strip_prefix("method = ").unwrap();
    let grid = format!(
        "datasets = ['fashion-mnist']\nnetworks = ['mlp']\nmethods = [{options}]\niterations = 1"
    );
    let grid = GridSpec::parse("test", &grid, "test").and_then(GridSpec::check);
    grid.unwrap().runs(DeviceName::Flex).remove(0).method
}

/// `½wᵀDw` with `D = diag(1, 10)`.
struct Quadratic;

fn stretched(point: &Tensor<1>) -> Tensor<1> {
    point.clone() * vector(&[1.0, 10.0], point.dtype())
}

impl Objective for Quadratic {
    fn dimension(&self) -> usize {
        2
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        self.loss_and_gradient(point).0
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let gradient = stretched(point);
        let loss = (gradient.clone() * point.clone()).sum();
        (0.5 * loss.into_scalar::<f64>(), gradient)
    }
}

impl Curvature for Quadratic {
    fn hvp(&mut self, _: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        stretched(direction)
    }
}

/// Eight steps in one go are eight steps with a checkpoint after any of them, of every method, in both float types.
#[test]
fn every_method_is_resumed_from_a_checkpoint() {
    let folder = tempfile::TempDir::new().unwrap();
    let steps = |method: &mut AnyMethod, mut point: Tensor<1>, count| {
        let mut taken = Vec::new();
        for _ in 0..count {
            let step;
            (point, step) = method.step(&mut Quadratic, point);
            taken.push(step);
        }
        (point, taken)
    };
    for &name in MethodConfig::NAMES {
        for dtype in [DType::F32, DType::F64] {
            let new = || method(name).build().unwrap();
            let start = vector(&[1.0, -0.3], dtype);
            let (end, all) = steps(&mut new(), start.clone(), 8);
            assert!(
                all.iter().any(|step| step.step_size != all[0].step_size)
                    || name == "gd"
                    || name == "sam"
            );
            for stop in 0..8 {
                let mut first = new();
                let (point, mut taken) = steps(&mut first, start.clone(), stop);
                let (state, buffer) = first.state();
                let tensors = [("point", Some(point)), ("buffer", buffer)];
                let tensors = tensors
                    .into_iter()
                    .flat_map(|(name, tensor)| Some((name.to_owned(), tensor?)));
                let mut written = checkpoint(stop as u64, tensors.collect());
                written.state.method = state;
                written.save(folder.path(), &identity()).unwrap();
                let path = folder.path().join(NEWEST);
                let (_, read) = Checkpoint::read(&path, &Device::flex()).unwrap();
                let (point, buffer) = (read.tensor("point").unwrap(), read.tensor("buffer"));
                assert_eq!(read.state, written.state, "{name}");
                let mut second = new().with_state(read.state.method, buffer).unwrap();
                let (point, rest) = steps(&mut second, point, 8 - stop);
                taken.extend(rest);
                assert_eq!(taken, all, "{name} stopped after {stop}");
                assert_eq!(bits(&point), bits(&end), "{name} stopped after {stop}");
            }
        }
    }
    assert!(
        method("nls")
            .build()
            .unwrap()
            .with_state(gd().state().0, None)
            .is_none()
    );
}

/// JSON would lose these.
#[test]
fn numbers_that_are_not_finite_come_back() {
    let folder = tempfile::TempDir::new().unwrap();
    let odd = [f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, 0.1];
    let tensors = [DType::F32, DType::F64].map(|dtype| (format!("{dtype:?}"), vector(&odd, dtype)));
    let mut written = checkpoint(3, tensors.to_vec());
    written.state.waiting = vec![PendingStep::new(7, vec![(0.1, f64::INFINITY), (-0.0, 0.3)])];
    written.state.place = RunPosition::Stochastic(EpochPosition {
        batch: Some(2),
        ..EpochPosition::default()
    });
    written.save(folder.path(), &identity()).unwrap();
    let path = folder.path().join(NEWEST);
    let (of, read) = Checkpoint::read(&path, &Device::flex()).unwrap();
    assert_eq!(of, identity());
    assert_eq!(read.state, written.state);
    for (name, written) in &written.tensors {
        assert_eq!(bits(&read.tensor(name).unwrap()), bits(written), "{name}");
    }
}

/// Two generations, of which the newest is damaged in every way: the other one is whole.
#[test]
fn a_damaged_checkpoint_is_never_taken_for_a_whole_one() {
    let folder = tempfile::TempDir::new().unwrap();
    let point: Vec<f64> = (0..1000).map(|entry| f64::from(entry).sin()).collect();
    for place in [5, 6] {
        let tensors = vec![("point".to_owned(), vector(&point, DType::F32))];
        checkpoint(place, tensors)
            .save(folder.path(), &identity())
            .unwrap();
    }
    let [newest, previous] = [NEWEST, PREVIOUS].map(|name| folder.path().join(name));
    let read = |path: &Path| Checkpoint::read(path, &Device::flex());
    let whole = std::fs::read(&newest).unwrap();
    assert_eq!(
        read(&newest).unwrap().1.state.place,
        RunPosition::FullBatch(6)
    );
    let expect_damage = |bytes: &[u8], what: &str| {
        std::fs::write(&newest, bytes).unwrap();
        let error = read(&newest)
            .err()
            .unwrap_or_else(|| panic!("{what} was not noticed"));
        assert!(
            matches!(error, CheckpointError::Damaged { .. }),
            "{what}: {error}"
        );
        assert_eq!(
            read(&previous).unwrap().1.state.place,
            RunPosition::FullBatch(5)
        );
    };
    for part in 0..64 {
        expect_damage(
            &whole[..whole.len() * part / 64],
            &format!("a cut at {part}/64"),
        );
    }
    for place in 0..256 {
        let place = place * (whole.len() - 1) / 255;
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        expect_damage(&flipped, &format!("a flip in byte {place}"));
    }
    expect_damage(&[&whole[..], b"\0"].concat(), "a byte too many");
}

/// A checkpoint may come from anybody, and the files that it names are cut and appended to.
#[test]
fn a_checkpoint_that_names_other_files_than_those_of_a_run_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["../x", "/etc/hosts", "run.json", "metrics.csv/../../x", ""] {
        let mut forged = checkpoint(1, Vec::new());
        forged.state.marks = [(name.to_owned(), Default::default())].into();
        forged.save(folder.path(), &identity()).unwrap();
        let error = Checkpoint::read(&folder.path().join(NEWEST), &Device::flex()).err();
        let error = error.unwrap().to_string();
        assert!(error.contains(&format!("the rows of {name:?}")), "{error}");
    }
}

#[test]
fn another_version_of_the_format_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join(NEWEST);
    checkpoint(1, Vec::new())
        .save(folder.path(), &identity())
        .unwrap();
    file::tests::rewrite(&path, |metadata| {
        metadata.insert("version".to_owned(), "77".to_owned());
    });
    let error = Checkpoint::read(&path, &Device::flex()).err().unwrap();
    assert!(
        error
            .to_string()
            .contains("has version 77 of the checkpoint format"),
        "{error}"
    );
}

/// Python's safetensors reads the file, and `tomllib` the state in its metadata.
#[test]
fn a_checkpoint_is_a_safetensors_file_with_metadata() {
    let folder = tempfile::TempDir::new().unwrap();
    let tensors = vec![("point".to_owned(), vector(&[1.0, 2.0], DType::F32))];
    checkpoint(7, tensors)
        .save(folder.path(), &identity())
        .unwrap();
    let bytes = std::fs::read(folder.path().join(NEWEST)).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["format"], "flatland checkpoint");
    let state: toml::Table = metadata["state"].parse().unwrap();
    assert_eq!(state["place"]["FullBatch"].as_integer(), Some(7));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("point").unwrap().shape(), [2]);
}

#[test]
fn what_has_changed_between_two_parts_of_a_run_is_named() {
    let before = identity();
    identity().check(&before).unwrap();
    let mut moved = identity();
    moved.data[0].0 = "elsewhere/images".to_owned();
    moved.check(&before).unwrap();
    let problem = |change: &dyn Fn(&mut RunIdentity)| {
        let mut now = identity();
        change(&mut now);
        now.check(&before).unwrap_err().to_string()
    };
    let data = problem(&|now| now.data[0].1 = "0ther".to_owned());
    assert!(data.contains("was 5eed and is 0ther now"), "{data}");
    let files = problem(&|now| now.data.clear());
    assert!(
        files.contains("1 data files, and there are 0 now"),
        "{files}"
    );
    let weights = problem(&|now| now.initial_weights = Some("ab".to_owned()));
    assert!(weights.contains("was unknown and is ab now"), "{weights}");
    let configuration = problem(&|now| now.configuration = "tea".to_owned());
    assert!(
        configuration.contains("another configuration"),
        "{configuration}"
    );
}

/// What cannot be written leaves the earlier checkpoints as they were.
#[test]
fn a_checkpoint_that_cannot_be_written_harms_no_other() {
    let folder = tempfile::TempDir::new().unwrap();
    checkpoint(1, Vec::new())
        .save(folder.path(), &identity())
        .unwrap();
    let device = Device::flex();
    let integers = Tensor::<1>::ones([3], (&device, DType::F16));
    let wrong = checkpoint(2, vec![("halves".to_owned(), integers)]);
    let error = wrong.save(folder.path(), &identity()).unwrap_err();
    assert!(
        format!("{error:#}").contains("halves has the float type F16"),
        "{error:#}"
    );
    let (_, kept) = Checkpoint::read(&folder.path().join(NEWEST), &device).unwrap();
    assert_eq!(kept.state.place, RunPosition::FullBatch(1));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no remainder"
    );
}

/// The version before wrote these: one of a full-batch run, one of a stochastic run.
#[test]
fn checkpoints_of_the_first_version_are_read() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/first-version");
    let read = |name: &str| Checkpoint::read(&fixtures.join(name), &Device::flex());
    let (of, full_batch) = read("full-batch.bin").unwrap();
    assert_eq!(of.data.len(), 4);
    assert_eq!(full_batch.state.place, RunPosition::FullBatch(4));
    assert_eq!(full_batch.state.totals.iterations, 4);
    let point = full_batch.tensor("point").unwrap();
    assert_eq!(point.dims(), [784 * 4 + 4 + 4 * 10 + 10]);
    assert_eq!(full_batch.group("sharpness").len(), 2);
    let (_, stochastic) = read("stochastic.bin").unwrap();
    assert!(matches!(stochastic.state.place, RunPosition::Stochastic(_)));
    assert!(matches!(
        read("absent.bin").err(),
        Some(CheckpointError::Missing(_))
    ));
    let bytes = std::fs::read(fixtures.join("full-batch.bin")).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join(NEWEST_OF_FIRST_VERSION);
    for place in (0..bytes.len()).step_by(997) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let error = Checkpoint::read(&path, &Device::flex()).err().unwrap();
        assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
    }
}

/// Every generation that a run may have left is found, the best first, and a new one takes the place of all older
/// formats.
#[test]
fn every_generation_is_looked_at() {
    let folder = tempfile::TempDir::new().unwrap();
    let names = |paths: &mut dyn Iterator<Item = PathBuf>| -> Vec<String> {
        let names = paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
        names.collect()
    };
    let all = names(&mut generations(folder.path()).map(|(path, _)| path));
    assert_eq!(
        all,
        [
            NEWEST,
            PREVIOUS,
            NEWEST_OF_FIRST_VERSION,
            PREVIOUS_OF_FIRST_VERSION
        ]
    );
    for name in all.iter().rev() {
        std::fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(newest(folder.path()), Some(folder.path().join(name)));
    }
    remove_newer_than(folder.path(), &folder.path().join(NEWEST_OF_FIRST_VERSION)).unwrap();
    assert_eq!(
        newest(folder.path()),
        Some(folder.path().join(NEWEST_OF_FIRST_VERSION))
    );
    checkpoint(1, Vec::new())
        .save(folder.path(), &identity())
        .unwrap();
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    assert_eq!(names(&mut { left }), [NEWEST]);
}
