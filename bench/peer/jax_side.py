"""JAX's side of race.py, for the networks mlp and cnn: answers the commands that flatland-side answers.

usage: python jax_side.py [--threads N]

`prepare NETWORK SAMPLES DIRECTORY` takes weights, direction and samples from the files that flatland-side wrote; the
tasks are `matrix`, `gradient`, `product` and `further`. What is timed is compiled beforehand.
"""

import argparse
import os
import time

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=2, help="at most as many as there are cores (default: 2)")
options = parser.parse_args()
if hasattr(os, "sched_setaffinity"):
    # XLA starts a thread for each core that the process may use, so this comes before jax.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from safetensors.numpy import load_file

from side import MATRIX, answer_all

jax.config.update("jax_platforms", "cpu")


def linear(weights, name, inputs):
    return inputs @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def mlp(weights, images):
    hidden = images.reshape(len(images), -1)
    for name in ("1", "3"):
        hidden = jax.nn.relu(linear(weights, name, hidden))
    return linear(weights, "5", hidden)


def cnn(weights, images):
    """Of images whose channels come last, which XLA is faster with on a CPU."""
    for name in ("0", "3"):
        images = lax.conv_general_dilated(
            images, weights[f"{name}.weight"], (1, 1), "SAME", dimension_numbers=("NHWC", "OIHW", "NHWC")
        )
        images = halved(jax.nn.relu(images + weights[f"{name}.bias"]))
    return linear(weights, "7", images.transpose(0, 3, 1, 2).reshape(len(images), -1))


def halved(images):
    """The largest of 2×2 pixels; with lax.reduce_window the gradient takes twice as long."""
    samples, height, width, channels = images.shape
    return images.reshape(samples, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def inner(xs, ys):
    """The inner product of two dictionaries of arrays, in double precision."""
    return float(sum(np.vdot(np.float64(xs[name]), np.float64(ys[name])) for name in xs))


class Subject:
    """A network at a point, with the samples that its loss is the mean over."""

    def __init__(self, name, samples, directory):
        self.network = {"mlp": mlp, "cnn": cnn}[name]
        self.weights = jax.tree.map(jnp.array, load_file(directory / "weights.safetensors"))
        given = load_file(directory / "samples.safetensors")
        if len(given["images"]) != samples:
            raise ValueError(f"{len(given['images'])} samples in {directory}, not {samples}")
        images = given["images"].transpose(0, 2, 3, 1) if name == "cnn" else given["images"]
        self.samples = jnp.array(images), jnp.array(given["targets"])
        self.direction_file = directory / "direction.safetensors"
        self.direction = None
        self.kept = None  # the gradient's linearization
        self.programs = {}  # compiled, by task

    def describe(self):
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return {"parameters": sum(array.size for array in self.weights.values()), "threads": threads}

    def loss(self, weights, samples):
        images, targets = samples
        return jnp.mean(jnp.square(self.network(weights, images) - targets))

    def product(self, weights, samples, direction):
        """H·v: the derivative of the gradient along v, forward over reverse."""
        return jax.jvp(lambda weights: jax.grad(self.loss)(weights, samples), (weights,), (direction,))[1]

    def linearize(self, weights, samples):
        """The function that takes v to H·v, with what it needs of the point."""
        return jax.linearize(lambda weights: jax.grad(self.loss)(weights, samples), weights)[1]

    def work(self, task):
        """The function that the task calls, and its arguments."""
        match task:
            case "matrix":
                return jnp.matmul, (jnp.ones((MATRIX, MATRIX)),) * 2
            case "gradient":
                return jax.value_and_grad(self.loss), (self.weights, self.samples)
            case "product":
                return self.product, (self.weights, self.samples, self.direction)
            case "keep":
                return self.linearize, (self.weights, self.samples)
            case "further":
                return lambda kept, direction: kept(direction), (self.kept, self.direction)
        raise ValueError(f"no task {task!r}")

    def program(self, task):
        """The task's function, compiled, and its arguments."""
        function, arguments = self.work(task)
        if task not in self.programs:
            self.programs[task] = jax.jit(function).lower(*arguments).compile()
        return self.programs[task], jax.block_until_ready(arguments)

    def compute(self, task):
        program, arguments = self.program(task)
        return jax.block_until_ready(program(*arguments))

    def make_ready(self, task):
        """Makes what the task needs and is no part of it, and drops what other tasks kept."""
        if task in ("product", "further") and self.direction is None:
            self.direction = jax.tree.map(jnp.array, load_file(self.direction_file))
        if task != "further":
            self.kept = None
        elif self.kept is None:
            self.kept = self.compute("keep")
        return self.program(task)

    def to_double(self):
        """Goes over to double precision for good."""
        self.make_ready("product")
        jax.config.update("jax_enable_x64", True)
        single = self.weights, self.samples, self.direction
        self.weights, self.samples, self.direction = jax.tree.map(lambda array: array.astype(jnp.float64), single)
        self.programs.clear()

    def check(self):
        self.make_ready("product")
        loss, gradient = self.compute("gradient")
        product = self.compute("product")
        return {
            "loss": loss.item(),
            "gradient_norm": inner(gradient, gradient) ** 0.5,
            "product_norm": inner(product, product) ** 0.5,
            "curvature": inner(gradient, product),
        }

    def run(self, task):
        program, arguments = self.make_ready(task)
        start = time.perf_counter()
        jax.block_until_ready(program(*arguments))
        return {"milliseconds": (time.perf_counter() - start) * 1e3}


if __name__ == "__main__":
    answer_all(Subject)
