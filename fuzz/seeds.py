"""Writes what the fuzz targets begin with into fuzz/corpus: small files that are as they should be.

python fuzz/seeds.py EXPERIMENTS
where EXPERIMENTS is the program, which makes the records and checkpoints.
"""

import gzip
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
NETWORK = '{ name = "mlp", widths = [2], activation = "tanh" }'
# The order of Dataset::ALL.
SETS = ["cifar10", "cifar100", "svhn", "emnist", "mnist", "fashion-mnist"]


def put(target, name, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def idx(dimensions, content):
    header = struct.pack(">4B", 0, 0, 8, len(dimensions))
    return header + struct.pack(f">{len(dimensions)}I", *dimensions) + content


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def variable(name, dimensions, array_class, content):
    """Whatever its class, MATLAB stores small whole numbers as unsigned bytes."""
    flags = element(6, struct.pack("<II", array_class, 0))
    shape = element(5, struct.pack(f"<{len(dimensions)}i", *dimensions))
    return element(14, flags + shape + element(1, name.encode()) + element(2, content))


def silently(*command):
    """Runs a program, whose complaint is shown if it has one."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: code {done.returncode}\n{done.stderr}")


def some(numbers):
    return numbers[::100] if isinstance(numbers, list) else numbers


def data():
    images = idx((2, 28, 28), bytes(range(196)) * 8)
    labels = idx((2,), bytes([1, 2]))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    plain = [
        variable("X", (32, 32, 3, 2), 9, bytes(range(256)) * 24),
        variable("y", (2, 1), 6, bytes([1, 10])),
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
                put("data", name, start + header + b"".join(plain))
                put("data", f"{name}-packed", start + header + b"".join(packed))
            case _:
                put("data", name, start + images + b"====" + labels)
                put("data", f"{name}-packed", start + b"====".join(map(gzip.compress, [images, labels])))


def weights():
    fixtures = ROOT / "crates/flatland-models/tests/fixtures"
    for path in fixtures.glob("*.pt"):
        put("weights", path.name, path.read_bytes())
    sizes = {"1.weight": (3, 4), "1.bias": (3,), "3.weight": (2, 3), "3.bias": (2,)}
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
    for path in (ROOT / "crates/flatland-config/presets").rglob("*.toml"):
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
                f'datasets = ["fashion-mnist"]\nnetworks = [{NETWORK}]\nmethods = ["nls"]\n'
                f"samples = 20\n{length}"
            )
            silently(program, "run", grid, "--results", folder / name, "--device", "flex")
            (run,) = [path.parent for path in (folder / name).rglob("run.json")]
            point = ["--weights", run / "weights.safetensors", "--dataset", "fashion-mnist", "--network", NETWORK]
            size = ["--samples", "20", "--eigenvalues", "2", "--smallest", "1", "--probes", "1", "--steps", "4"]
            silently(program, "spectrum", *point, *size, "--device", "flex")
            # Of the density's thousand points a few are enough.
            spectrum = json.loads((run / "spectrum.json").read_bytes())
            spectrum["density"] = {key: some(numbers) for key, numbers in spectrum["density"].items()}
            (run / "spectrum.json").write_text(json.dumps(spectrum))
            files = [path for path in sorted(run.iterdir()) if path.suffix in [".toml", ".json", ".csv"]]
            one = [(path.name.encode(), path.read_bytes()) for path in files]
            put("results", name, b"".join(b"==== a/%s\n%s" % file for file in one))
            both = [b"==== %s/%s\n%s" % (folder, *file) for folder in [b"a", b"b"] for file in one]
            put("results", f"{name}-twice", b"".join(both).replace(b"seed = 42", b"seed = 43", 1))
            for path in run.glob("checkpoint*.safetensors"):
                put("checkpoint", f"{name}-{path.name}", path.read_bytes())


def first_version():
    """Checkpoints of the first version, without their checksum."""
    for path in (ROOT / "crates/flatland-runner/tests/fixtures/first-version").glob("*.bin"):
        put("checkpoint", f"first-version-{path.name}", path.read_bytes()[:-32])


def tuned(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        grid = folder / "small.toml"
        grid.write_text(f'datasets = ["fashion-mnist"]\nnetworks = [{NETWORK}]\nmethods = ["sam"]\nsamples = 20\n')
        output = ["--results", folder, "--output", folder / "tuned.toml"]
        silently(program, "tune", "sam", grid, "--iterations", "2", "--device", "flex", *output)
        put("tuned", "sam", (folder / "tuned.toml").read_bytes())


def requests():
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
    program = pathlib.Path(program).resolve()
    records(program)
    first_version()
    tuned(program)
    requests()
