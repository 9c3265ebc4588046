"""What torch_side.py and jax_side.py share: how race.py is answered, and how memory is read."""

import json
import pathlib
import sys

MATRIX = 1024  # rows and columns of the matrices whose product shows what the cores can do


def resident(name):
    """Megabytes (10⁶ bytes) as /proc/self/status has them."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no {name} in /proc/self/status")


def answer_all(prepare):
    """Answers the commands of the input until it ends, with what `prepare(name, samples, directory)` makes."""
    subject = None
    for line in sys.stdin:
        match line.split():
            case ["quit"]:
                break
            case ["prepare", name, samples, directory]:
                subject = prepare(name, int(samples), pathlib.Path(directory))
                answer = subject.describe()
            case ["check"]:
                answer = subject.check()
            case ["check", "double"]:
                subject.to_double()
                answer = subject.check()
            case ["run", task, *arguments]:
                answer = subject.run(task, *arguments)
            case ["rest", task]:
                subject.make_ready(task)
                pathlib.Path("/proc/self/clear_refs").write_text("5")
                answer = {"resident_megabytes": resident("VmRSS")}
            case ["peak"]:
                answer = {"peak_megabytes": resident("VmHWM")}
            case _:
                raise ValueError(f"no command {line!r}")
        print(json.dumps(answer), flush=True)
