//! A writer of files for `torch.load`: a zip archive with a pickled dictionary and the raw entries of each tensor.
//!
//! The layout is that of `torch.save` since PyTorch 1.6 (`torch/serialization.py`). `data.pkl` describes each tensor by
//! a function that rebuilds it and a storage, which is the file `data/<number>`. The pickle uses protocol 2 and is
//! accepted by `torch.load(…, weights_only=True)`.

use std::io::{self, Seek, Write};

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::tensor::DType;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

/// The alignment of a tensor's entries in PyTorch's files.
const ALIGNMENT: u16 = 64;

/// Writes a state dict of these tensors, in their order.
///
/// # Errors
///
/// Returns an error if writing or reading a tensor fails, or if a tensor does not contain floats.
pub(super) fn write(tensors: &[StoredTensor], to: impl Write + Seek) -> io::Result<()> {
    let mut archive = ZipWriter::new(to);
    let options = |size: usize| {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::DEFAULT)
            .with_alignment(ALIGNMENT)
            .large_file(size >= u32::MAX as usize)
    };
    let mut put = |name: &str, bytes: &[u8]| {
        archive.start_file(format!("archive/{name}"), options(bytes.len()))?;
        archive.write_all(bytes)
    };
    put("data.pkl", &pickle(tensors)?)?;
    put("byteorder", b"little")?;
    for (key, tensor) in tensors.iter().enumerate() {
        let bytes = tensor.to_bytes().map_err(io::Error::other)?;
        put(&format!("data/{key}"), &bytes)?;
    }
    put("version", b"3\n")?;
    archive.finish()?;
    Ok(())
}

/// `{name: torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()), …}`, where `storage` is the
/// persistent identity `("storage", torch.FloatStorage, key, "cpu", entries)`.
fn pickle(tensors: &[StoredTensor]) -> io::Result<Vec<u8>> {
    let mut pickle = Pickle(b"\x80\x02}(".to_vec());
    for (key, tensor) in tensors.iter().enumerate() {
        pickle.string(&tensor.name);
        pickle.global("torch._utils", "_rebuild_tensor_v2");
        pickle.tuple(|pickle| {
            pickle.tuple(|pickle| {
                pickle.string("storage");
                pickle.global("torch", storage(tensor.dtype)?);
                pickle.string(&key.to_string());
                pickle.string("cpu");
                pickle.integer(tensor.shape.iter().product());
                Ok(())
            })?;
            pickle.0.push(b'Q'); // the storage with this identity
            pickle.integer(0);
            pickle.tuple(|pickle| {
                tensor.shape.iter().for_each(|&size| pickle.integer(size));
                Ok(())
            })?;
            pickle.tuple(|pickle| {
                (strides(&tensor.shape).into_iter()).for_each(|stride| pickle.integer(stride));
                Ok(())
            })?;
            pickle.0.push(0x89); // requires_grad: False
            pickle.global("collections", "OrderedDict");
            pickle.0.extend(b")R"); // backward_hooks: an empty dictionary
            Ok(())
        })?;
        pickle.0.push(b'R');
    }
    pickle.0.extend(b"u.");
    Ok(pickle.0)
}

/// The strides of a tensor in row-major order.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

fn storage(dtype: DType) -> io::Result<&'static str> {
    match dtype {
        DType::F64 => Ok("DoubleStorage"),
        DType::F32 => Ok("FloatStorage"),
        DType::F16 => Ok("HalfStorage"),
        DType::BF16 => Ok("BFloat16Storage"),
        other => Err(io::Error::other(format!("{other:?} is no float type"))),
    }
}

/// The opcodes of a pickle.
struct Pickle(Vec<u8>);

impl Pickle {
    fn string(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn integer(&mut self, value: usize) {
        match i32::try_from(value) {
            Ok(value) => {
                self.0.push(b'J');
                self.0.extend(value.to_le_bytes());
            }
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend((value as u64).to_le_bytes());
            }
        }
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").into_bytes());
    }

    fn tuple(&mut self, items: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.0.push(b'(');
        items(self)?;
        self.0.push(b't');
        Ok(())
    }
}
