"""Writes what the fuzz targets begin with into fuzz/corpus: small files that are as they should be.

python fuzz/seeds.py EXPERIMENTS
where EXPERIMENTS is the program, which makes the records and checkpoints.
"""

import gzip
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
# The order of Dataset::ALL, by the files that a set has.
SETS = ["cifar10", "cifar100", "svhn", "emnist", "mnist", "fashion-mnist"]
# The order of FILES in fuzz_targets/results.rs.
RECORDS = [
    "config.toml",
    "run.json",
    "metrics.csv",
    "epochs.csv",
    "sharpness.csv",
    "diagnostics.csv",
    "gradient_norms.csv",
    "segment.csv",
    "smoothness.csv",
    "large_steps.csv",
    "spectrum.json",
]


def put(target, name, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def idx(dimensions, content):
    header = struct.pack(">4B", 0, 0, 8, len(dimensions))
    return header + struct.pack(f">{len(dimensions)}I", *dimensions) + content


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def variable(name, dimensions, kind, content):
    flags = element(6, struct.pack("<II", kind, 0))
    shape = element(5, struct.pack(f"<{len(dimensions)}i", *dimensions))
    return element(14, flags + shape + element(1, name.encode()) + element(2, content))


def data():
    images, labels = idx((2, 28, 28), bytes(range(196)) * 8), idx((2,), bytes([1, 2]))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    plain = [
        variable("X", (32, 32, 3, 2), 9, bytes(range(256)) * 24),
        variable("y", (2, 1), 9, bytes([1, 10])),
    ]
    packed = [struct.pack("<II", 15, len(z)) + z for z in map(zlib.compress, plain)]
    for choice, name in enumerate(SETS):
        start = bytes([choice])
        match name:
            case "cifar10":
                put("data", name, start + bytes([3]) + bytes(3072))
            case "cifar100":
                put("data", name, start + bytes([3, 30]) + bytes(3072))
            case "svhn":
                put("data", "svhn", start + header + b"".join(plain))
                put("data", "svhn-packed", start + header + b"".join(packed))
            case _:
                for what, file in [("images", images), ("labels", labels)]:
                    put("data", f"{name}-{what}", start + file)
                    put("data", f"{name}-{what}-packed", start + gzip.compress(file))


def weights():
    fixtures = ROOT / "crates/flatland-models/tests/fixtures"
    for path in fixtures.glob("*.pt"):
        put("weights", path.name, path.read_bytes())
    sizes = {"0.weight": (3, 4), "0.bias": (3,), "2.weight": (2, 3), "2.bias": (2,)}
    place, entries = 0, []
    for name, shape in sizes.items():
        length = 4 * (shape[0] * (shape[1] if len(shape) > 1 else 1))
        entries.append(
            f'"{name}":{{"dtype":"F32","shape":{list(shape)},"data_offsets":[{place},{place + length}]}}'
        )
        place += length
    header = ("{" + ",".join(entries) + "}").encode()
    put("weights", "safetensors", struct.pack("<Q", len(header)) + header + bytes(place))


def grids():
    for path in (ROOT / "experiments/presets").rglob("*.toml"):
        put("grid", path.name, path.read_bytes())


def records(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        grid = folder / "small.toml"
        runs = {
            "full": "iterations = 4\nsharpness_every = 2\n"
            "diagnostics = { every = 2, from = 0, to = 4, eigenvalues = 3 }\nsegment = { at = [1] }\n",
            "batches": "epochs = 2\nbatch_size = 10\nsharpness_every = 1\n",
        }
        for name, length in runs.items():
            grid.write_text(
                'datasets = ["fashion-mnist"]\nnetworks = [{ name = "mlp", hidden = [2] }]\nmethods = ["nls"]\n'
                f"samples = 20\n{length}"
            )
            command = [program, "run", grid, "--results", folder / name, "--device", "flex"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            (run,) = [path.parent for path in (folder / name).rglob("run.json")]
            texts = [run / file for file in RECORDS]
            joined = b"====\n".join(path.read_bytes() if path.exists() else b"" for path in texts)
            put("results", name, joined)
            for path in run.glob("checkpoint*.bin"):
                put("checkpoint", f"{name}-{path.name}", path.read_bytes()[:-32])


def rest():
    put(
        "request",
        "get",
        b"GET /files/quick/run/metrics.csv?v=1 HTTP/1.1\r\nHost: 127.0.0.1:8642\r\nRange: bytes=0-\r\n\r\n",
    )
    put("request", "head", b"HEAD / HTTP/1.1\r\nHost: [::1]:8642\r\n\r\n")


if __name__ == "__main__":
    program = shutil.which(sys.argv[1]) if len(sys.argv) == 2 else None
    if program is None:
        sys.exit(__doc__)
    data()
    weights()
    grids()
    records(pathlib.Path(program).resolve())
    rest()
