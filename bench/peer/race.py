"""flatland against PyTorch, and JAX beside them, on the same weights and samples, in turns, on the CPU.

usage: python bench/peer/race.py [--only WORD …] [--turns N] [--threads N] [--quick] [--list]

Builds flatland-side, starts it beside torch_side.py (plain and channels-last) and, for some rows, jax_side.py, sees
that all compute the same numbers, lets them take turns and prints the medians as a table in Markdown. What is compared
is in bench/README.md.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAUSE = 0.05  # seconds between turns, for threads that spin after their work
AGREEMENT = {"single": 1e-2, "double": 1e-6}  # of the sides with flatland, by precision
TRAINED = 100  # iterations of NLS before an iteration or the sharpness is timed


@dataclasses.dataclass(frozen=True)
class Task:
    """A row of the table: what each side is asked to do."""

    label: str
    ours: str
    theirs: str
    is_seeded: bool = False  # the turn is its seed


GRADIENT = Task("gradient", "gradient", "gradient")
PRODUCT = Task("H·v, new point", "product", "product")
FURTHER = Task("H·v, same point", "further", "further")
ITERATION = Task("iteration of NLS", "iteration", "iteration")
ARPACK = Task("sharpness, ARPACK", "sharpness", "arpack", is_seeded=True)
POWER = Task("sharpness, power iteration to its residual", "sharpness", "power-to-residual", is_seeded=True)
EARLY = Task("sharpness, PyHessian's power iteration", "sharpness", "power", is_seeded=True)
MATRIX = Task("product of 1024³", "matrix", "matrix")
# Done twice in a row, of which the second counts: the sides give memory back while it is another's turn.
ONCE_UNTIMED = (MATRIX, GRADIENT, PRODUCT, FURTHER)

# What JAX's side can do.
JAX_NETWORKS = ("mlp", "cnn")
JAX_TASKS = (MATRIX, GRADIENT, PRODUCT, FURTHER)

# The least speed-up that is wanted, by network; None holds for all.
GOALS = {
    GRADIENT: {
        "mlp": 1.05, "cnn": 1.5, "resnet34": 1.5, "densenet121": 1.3, "vgg11": 1.3, "wide-resnet50-2": 1.5,
    },
    PRODUCT: {None: 1.5},
    FURTHER: {None: 1.2},
    ITERATION: {"mlp": 1.3, "cnn": 2.0},
    ARPACK: {None: 2.0},
    POWER: {None: 5.0},
    EARLY: {},
    MATRIX: {},
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """A network, its samples and the tasks that are timed in one set of processes."""

    network: str
    samples: int
    tasks: tuple[Task, ...]
    trained: int = 0
    is_first: bool = False  # of its network: compares in double precision, and measures memory, too
    fewer: int = 0  # samples of processes that take turns with these, to see how the time grows


PASSES = (GRADIENT, PRODUCT, FURTHER)
SETTINGS = [
    Setting("mlp", 5000, (MATRIX, *PASSES), is_first=True),
    Setting("cnn", 500, PASSES, is_first=True),
    Setting("resnet34", 32, PASSES, is_first=True),
    Setting("densenet121", 32, PASSES, is_first=True),
    Setting("vgg11", 32, PASSES, is_first=True),
    Setting("wide-resnet50-2", 32, PASSES, is_first=True),
    Setting("mlp", 5000, (ITERATION, ARPACK, POWER, EARLY), trained=TRAINED),
    Setting("cnn", 500, (ITERATION, ARPACK, POWER, EARLY), trained=TRAINED),
    # Ten times the samples of the first two, beside these.
    Setting("mlp", 50000, (GRADIENT, PRODUCT), fewer=5000),
    Setting("cnn", 5000, (GRADIENT, PRODUCT), fewer=500),
]


class Side:
    """A process that answers commands with lines of JSON."""

    def __init__(self, name, command, threads):
        self.name = name
        threads = str(threads)
        environment = {"RAYON_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
        )

    def ask(self, *words):
        line = " ".join(str(word) for word in words)
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"{self.name} ended at {line!r} with exit code {self.process.wait()}")
        return json.loads(answer)

    def run(self, task, turn):
        """Does a task; the first turns, which warm up, are negative."""
        what = task.ours if self.name == "flatland" else task.theirs
        if task in ONCE_UNTIMED:
            self.ask("run", what)
        return self.ask("run", what, *([max(turn, 0)] if task.is_seeded else []))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Race:
    """The sides, and what was measured so far."""

    def __init__(self, binary, jax_version, options):
        self.binary, self.jax_version, self.options = binary, jax_version, options
        self.rows, self.memory, self.growth = [], [], []

    def start(self, name, command):
        return Side(name, command, self.options.threads)

    def ours(self):
        return self.start("flatland", [self.binary])

    def theirs(self, setting):
        """PyTorch, PyTorch with channels last where there are any, and JAX where it takes part."""
        threads = ["--threads", str(self.options.threads)]
        command = [sys.executable, HERE / "torch_side.py", *threads]
        yield "eager", command
        if setting.network != "mlp":
            yield "channels-last", [*command, "--channels-last"]
        if self.jax_version and setting.network in JAX_NETWORKS and set(setting.tasks) <= set(JAX_TASKS):
            yield "jax", [sys.executable, HERE / "jax_side.py", *threads]

    def run(self, setting, tasks):
        """Compares the sides, times the tasks of a setting, and measures its memory."""
        say(f"{setting.network} {setting.samples}: prepare")
        with tempfile.TemporaryDirectory() as directory:
            if setting.is_first:
                self.compare_in_double(setting, directory)
            self.compete(setting, tasks, directory)
            if setting.is_first and not self.options.no_memory:
                for task in tasks:
                    if task in (GRADIENT, PRODUCT):
                        self.measure_memory(setting, task, directory)

    def compare_in_double(self, setting, directory):
        """Sees that the sides compute the same, one after the other in processes of their own, for their memory."""
        with self.ours() as side:
            side.ask("prepare", setting.network, setting.samples, setting.trained)
            side.ask("write", directory)
            ours = side.ask("check", "double")
        for name, command in self.theirs(setting):
            if name != "channels-last":
                with self.start(name, command) as side:
                    side.ask("prepare", setting.network, setting.samples, directory)
                    compare("double", ours, {name: side.ask("check", "double")})

    def compete(self, setting, tasks, directory):
        """Times the tasks."""
        with contextlib.ExitStack() as stack:
            sides, few = self.prepare(setting, directory, stack), {}
            if setting.fewer:
                fewer = dataclasses.replace(setting, samples=setting.fewer)
                directory = stack.enter_context(tempfile.TemporaryDirectory())
                few = self.prepare(fewer, directory, stack)
            for task in tasks:
                self.time(setting, task, sides, few)

    def prepare(self, setting, directory, stack):
        """Starts the sides, and sees that they compute the same in single precision."""
        ours = stack.enter_context(self.ours())
        parameters = ours.ask("prepare", setting.network, setting.samples, setting.trained)["parameters"]
        ours.ask("write", directory)
        sides = {}
        for name, command in self.theirs(setting):
            sides[name] = stack.enter_context(self.start(name, command))
            prepared = sides[name].ask("prepare", setting.network, setting.samples, directory)
            if prepared["parameters"] != parameters:
                raise SystemExit(f"{name} has {prepared['parameters']} parameters, not {parameters}")
        compare("single", ours.ask("check"), {name: side.ask("check") for name, side in sides.items()})
        return {"flatland": ours, **sides}

    def time(self, setting, task, sides, few):
        """Takes turns; adds the row of the task, and how the time has grown from few samples."""
        say(f"{setting.network} {setting.samples}: {task.label}")
        racers = [*sides.values(), *few.values()]
        answers = {racer: [] for racer in racers}
        for turn in range(-1, self.options.turns):  # the first warms up
            for racer in racers:
                time.sleep(PAUSE)
                answer = racer.run(task, turn)
                if turn >= 0:
                    answers[racer].append(answer)
            racers.append(racers.pop(0))
        medians = {name: median(answers[side], "milliseconds") for name, side in sides.items()}
        best = min(pytorch(sides), key=medians.get)
        notes = []
        for name in ("flatland", best):
            given = answers[sides[name]]
            for key, digits in (("trials", 2), ("products", 0), ("eigenvalue", 4)):
                if key in given[0]:
                    notes.append(f"{name}: {key} {median(given, key):.{digits}f}")
        self.rows.append([
            f"{setting.network} {setting.samples}, {task.label}", best, f"{medians[best]:.1f}",
            f"{medians['flatland']:.1f}", f"{medians[best] / medians['flatland']:.2f}",
            goal(setting, task), f"{medians['jax']:.1f}" if "jax" in medians else "", "; ".join(notes),
        ])
        say("  " + " | ".join(self.rows[-1][1:]))
        if few:
            growth = (times(answers[few[name]], answers[sides[name]]) for name in (best, "flatland"))
            label = f"{setting.network} {setting.fewer} → {setting.samples}, {task.label}"
            self.growth.append([label, *(f"{factor:.1f}" for factor in growth)])
            say("  " + " | ".join(self.growth[-1]))

    def measure_memory(self, setting, task, directory):
        """The peak of fresh processes that do the task once."""
        say(f"{setting.network} {setting.samples}: memory of {task.label}")
        peaks = {}
        with self.ours() as side:
            side.ask("prepare", setting.network, setting.samples, setting.trained)
            peaks["flatland"] = peak(side, task.ours)
        for name, command in self.theirs(setting):
            with self.start(name, command) as side:
                side.ask("prepare", setting.network, setting.samples, directory)
                peaks[name] = peak(side, task.theirs)
        best = min(pytorch(peaks), key=lambda name: peaks[name][1])
        (our_rest, our_peak), (their_rest, their_peak) = peaks["flatland"], peaks[best]
        jax = [f"{megabytes:.0f}" for megabytes in peaks["jax"]] if "jax" in peaks else ["", ""]
        self.memory.append([
            f"{setting.network} {setting.samples}, {task.label}", best, f"{their_rest:.0f}", f"{their_peak:.0f}",
            f"{our_rest:.0f}", f"{our_peak:.0f}", f"{our_peak / their_peak:.2f}", *jax,
        ])
        say("  " + " | ".join(self.memory[-1][1:]))

    def report(self):
        print(f"{machine(self.jax_version)}; {self.options.threads} threads, medians of {self.options.turns}\n")
        heads = ["task", "PyTorch's best", "PyTorch ms", "flatland ms", "speed-up", "goal", "JAX ms", "notes"]
        print(table(heads, self.rows))
        heads = ["peak memory", "PyTorch's best", "PyTorch at rest MB", "PyTorch MB", "flatland at rest MB",
                 "flatland MB", "flatland / PyTorch", "JAX at rest MB", "JAX MB"]
        print(table(heads, self.memory))
        print(table(["ten times the samples", "PyTorch × time", "flatland × time"], self.growth))


def pytorch(names):
    """Those of PyTorch's sides: the better one is what flatland is measured by."""
    return [name for name in names if name in ("eager", "channels-last")]


def compare(precision, ours, all_theirs):
    """Stops unless all sides compute the same."""
    numbers = ", ".join(f"{key} {value:.9g}" for key, value in ours.items())
    say(f"  {precision} precision: {numbers}")
    for name, theirs in all_theirs.items():
        scales = {key: abs(ours[key]) for key in ours}
        scales["curvature"] = ours["gradient_norm"] * ours["product_norm"]  # of an inner product
        errors = {key: abs(ours[key] - theirs[key]) / scale for key, scale in scales.items()}
        say(f"  {name} differs by at most {max(errors.values()):.1e}")
        for key, error in errors.items():
            if not error < AGREEMENT[precision]:
                raise SystemExit(f"the sides differ in {key} by {error:.1e}: {ours[key]} and {theirs[key]} ({name})")


def peak(side, what):
    """Megabytes at rest and at the peak of a task."""
    resting = side.ask("rest", what)["resident_megabytes"]
    side.ask("run", what)
    return resting, side.ask("peak")["peak_megabytes"]


def goal(setting, task):
    """The speed-up that is wanted, if any: ten times the samples have no goal of their own."""
    goals = GOALS[task] if setting.is_first or setting.trained else {}
    wanted = goals.get(setting.network, goals.get(None))
    return "" if wanted is None else f"{wanted:.2f}"


def median(answers, key):
    return statistics.median(answer[key] for answer in answers)


def times(few, many):
    """By how much the time has grown, turn by turn."""
    return statistics.median(m["milliseconds"] / f["milliseconds"] for f, m in zip(few, many))


def table(heads, rows):
    """Markdown, or nothing without rows."""
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def installed_jax():
    """JAX's version, or None where there is none, which is said."""
    try:
        import jax
    except (ImportError, RuntimeError) as error:  # RuntimeError: a jaxlib that does not fit
        say(f"JAX takes no part: {error}")
        return None
    return jax.__version__


def machine(jax_version):
    """What was measured, where and when."""
    import torch

    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line for line in lines if line.startswith("model name")).split(":")[1].strip()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    version = commit.stdout.strip() or "without git"
    today = datetime.date.today().isoformat()
    versions = f"flatland {version}; PyTorch {torch.__version__}" + (f"; JAX {jax_version}" if jax_version else "")
    return f"{processor}, {os.cpu_count()} logical cores; {today}; {versions}"


def build():
    """Builds flatland-side and returns its path."""
    command = ["cargo", "build", "--release", "-p", "flatland-bench", "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = (json.loads(line) for line in built.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))


def quick(setting):
    """The same with a tenth of the samples and of the training."""
    samples = max(setting.samples // 10, 16)
    return dataclasses.replace(setting, samples=samples, trained=setting.trained // 10, fewer=setting.fewer // 10)


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows with one of these in their name, such as cnn")
    parser.add_argument("--turns", type=int, default=5, help="timed runs of each side (default: 5)")
    parser.add_argument("--threads", type=int, default=2, help="of each side (default: 2)")
    parser.add_argument("--quick", action="store_true", help="one turn, a tenth of the samples: to see that it works")
    parser.add_argument("--no-memory", action="store_true", help="times only")
    parser.add_argument("--list", action="store_true", help="print the rows' names")
    options = parser.parse_args()
    settings = SETTINGS
    if options.quick:
        settings, options.turns = [quick(setting) for setting in SETTINGS], 1
    if options.turns < 1 or options.threads < 1:
        parser.error("--turns and --threads must be at least 1")
    chosen = []
    for setting in settings:
        names = {task: f"{setting.network} {setting.samples}, {task.label}" for task in setting.tasks}
        tasks = [task for task, name in names.items() if not options.only or any(word in name for word in options.only)]
        if tasks:
            chosen.append((setting, tasks))
        if options.list:
            print("\n".join(names[task] for task in tasks))
    if options.list:
        return
    if not chosen:
        parser.error(f"no row has {options.only} in its name; see --list")
    binary = build()
    load = os.getloadavg()[0]
    if load > 1:
        say(f"load average {load:.1f}: OpenMP's threads wait for each other on a busy machine, and no figure is good")
    race = Race(binary, installed_jax(), options)
    for setting, tasks in chosen:
        race.run(setting, tasks)
    race.report()


if __name__ == "__main__":
    main()
