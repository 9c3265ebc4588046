"""PyTorch's side of race.py: answers the commands that flatland-side answers (see bench/src/main.rs).

usage: python torch_side.py [--threads N] [--channels-last]

`prepare NETWORK SAMPLES DIRECTORY` takes weights, direction, samples and the state of the search from the files that
flatland-side wrote; the tasks are `matrix`, `gradient`, `product`, `further`, `iteration`, `arpack SEED`,
`power SEED` and `power-to-residual SEED`.
"""

import argparse
import json
import time

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

from side import MATRIX, answer_all

CLASSES = 10
ITERATIONS = 10  # timed together, as on the other side
TOLERANCE = 1e-3  # of both eigensolvers
POWER_PRODUCTS = 100  # the most that PyHessian's power iteration takes
MOST_PRODUCTS = 10_000  # the most that the power iteration takes to its residual


def network(name):
    """The network in training mode, as torchvision builds it where it does."""
    match name:
        case "mlp":
            sizes = [3 * 32 * 32, 200, 200]
            layers = [nn.Flatten()]
            for size_in, size_out in zip(sizes, sizes[1:]):
                layers += [nn.Linear(size_in, size_out), nn.ReLU()]
            return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))
        case "cnn":
            return nn.Sequential(
                nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Flatten(), nn.Linear(32 * 8 * 8, CLASSES),
            )
        case "vgg11":
            return torchvision.models.vgg11(num_classes=CLASSES, dropout=0.0)
        case "resnet34" | "densenet121":
            return getattr(torchvision.models, name)(num_classes=CLASSES)
        case "wide-resnet50-2":
            return torchvision.models.wide_resnet50_2(num_classes=CLASSES)
    raise ValueError(f"no network {name!r}")


def inner(xs, ys):
    """The inner product of two lists of tensors."""
    return sum((x * y).sum() for x, y in zip(xs, ys))


class Subject:
    """A network at a point, with the samples that its loss is the mean over."""

    def __init__(self, name, samples, directory, memory_format):
        self.memory_format = memory_format
        self.model = network(name).to(memory_format=memory_format)
        self.parameters = list(self.model.parameters())
        weights = load_file(directory / "weights.safetensors")
        rest = self.model.load_state_dict(weights, strict=False)
        missing = [key for key in rest.missing_keys if not key.endswith("num_batches_tracked")]
        if missing or rest.unexpected_keys:
            raise ValueError(f"weights that do not fit: {missing} {rest.unexpected_keys}")
        del weights
        given = load_file(directory / "samples.safetensors")
        self.images = self.laid_out(given["images"])
        self.targets = given["targets"].clone()
        if len(self.images) != samples:
            raise ValueError(f"{len(self.images)} samples in {directory}, not {samples}")
        self.direction_file = directory / "direction.safetensors"
        self.direction = None
        self.search = json.loads((directory / "search.json").read_text())
        self.kept = None  # gradient with its graph

    def describe(self):
        return {"parameters": sum(p.numel() for p in self.parameters), "threads": torch.get_num_threads()}

    def laid_out(self, tensor):
        """A copy, in the memory format where the tensor has four axes."""
        if tensor.dim() == 4:
            return tensor.clone(memory_format=self.memory_format)
        return tensor.clone()

    def loss(self):
        return nn.functional.mse_loss(self.model(self.images), self.targets)

    def gradient(self):
        loss = self.loss()
        return loss, torch.autograd.grad(loss, self.parameters)

    def keep_graph(self):
        self.kept = torch.autograd.grad(self.loss(), self.parameters, create_graph=True)

    def kept_product(self, direction):
        """H·v by another backward pass through the graph that is kept."""
        slope = inner(self.kept, direction)
        return torch.autograd.grad(slope, self.parameters, retain_graph=True)

    def product(self):
        """H·v at a new point."""
        gradient = torch.autograd.grad(self.loss(), self.parameters, create_graph=True)
        return torch.autograd.grad(inner(gradient, self.direction), self.parameters)

    def iterate(self):
        """Iterations of NLS from the prepared point and state, to which it goes back; the mean number of trials.

        As flatland's search with its defaults: equality search by factors of 2 from the last step size, against the
        mean of all losses so far.
        """
        average, weight = self.search["reference"]["average"], self.search["reference"]["weight"]
        step_size, trials = self.search["step_size"], 0
        start = [p.detach().clone() for p in self.parameters]
        point = [p.clone() for p in start]

        def is_acceptable(step_size):
            nonlocal trials
            trials += 1
            with torch.no_grad():
                for parameter, origin, slope in zip(self.parameters, point, gradient):
                    torch.sub(origin, slope, alpha=step_size, out=parameter)
                return self.loss().item() <= reference - 1e-4 * step_size * square

        for _ in range(ITERATIONS):
            loss, gradient = self.gradient()
            loss, square = loss.item(), inner(gradient, gradient).item()
            average = (weight * average + loss) / (weight + 1)
            weight += 1
            reference = max(average, loss)
            step_size = min(max(step_size, 1e-6), 1e4)
            if is_acceptable(step_size):
                while is_acceptable(step_size * 2):
                    step_size *= 2
            else:
                while not is_acceptable(step_size := step_size / 2):
                    if step_size < 1e-6:
                        raise ArithmeticError("the search found no step")
            with torch.no_grad():
                for parameter, origin, slope in zip(self.parameters, point, gradient):
                    torch.sub(origin, slope, alpha=step_size, out=origin)
                    parameter.copy_(origin)
        with torch.no_grad():
            for parameter, origin in zip(self.parameters, start):
                parameter.copy_(origin)
        return trials / ITERATIONS

    def arpack(self, seed):
        """The largest eigenvalue by ARPACK, and the products it took."""
        self.keep_graph()
        shapes = [p.shape for p in self.parameters]
        sizes = [p.numel() for p in self.parameters]
        products = 0

        def product(vector):
            nonlocal products
            products += 1
            parts = torch.from_numpy(vector.astype(np.float32).reshape(-1)).split(sizes)
            direction = [part.view(shape) for part, shape in zip(parts, shapes)]
            return torch.cat([p.reshape(-1) for p in self.kept_product(direction)]).numpy()

        dimension = sum(sizes)
        operator = LinearOperator((dimension, dimension), matvec=product, dtype=np.float32)
        first = np.random.default_rng(seed).standard_normal(dimension, dtype=np.float32)
        values = eigsh(operator, k=1, which="LA", tol=TOLERANCE, v0=first, return_eigenvectors=False)
        return float(values[0]), products

    def power_iteration(self, seed, most):
        """Products with unit vectors, each the image of the one before, and their Rayleigh quotients."""
        self.keep_graph()
        generator = torch.Generator().manual_seed(seed)
        vector = [torch.randn(p.shape, generator=generator) for p in self.parameters]
        for products in range(1, most + 1):
            norm = inner(vector, vector).sqrt()
            vector = [part / norm for part in vector]
            image = self.kept_product(vector)
            yield products, inner(image, vector).item(), vector, image
            vector = image

    def power(self, seed):
        """The eigenvalue of largest magnitude by power iteration as PyHessian does it, and the products it took."""
        last = None
        for products, value, _, _ in self.power_iteration(seed, POWER_PRODUCTS):
            if last is not None and abs(value - last) / (abs(last) + 1e-6) < TOLERANCE:
                break
            last = value
        return value, products

    def power_to_residual(self, seed):
        """The same, but until `‖Hv − λv‖` is as small as the other solvers make it."""
        for products, value, vector, image in self.power_iteration(seed, MOST_PRODUCTS):
            rest = [part - value * v for part, v in zip(image, vector)]
            if inner(rest, rest).sqrt().item() < TOLERANCE * abs(value):
                break
        return value, products

    def to_double(self):
        """Goes over to double precision for good."""
        self.make_ready("product")
        self.model.double()
        self.parameters = list(self.model.parameters())
        self.images, self.targets = self.images.double(), self.targets.double()
        self.direction = [part.double() for part in self.direction]

    def check(self):
        self.make_ready("product")
        loss, gradient = self.gradient()
        product = self.product()
        return {
            "loss": loss.item(),
            "gradient_norm": inner(gradient, gradient).sqrt().item(),
            "product_norm": inner(product, product).sqrt().item(),
            "curvature": inner(gradient, product).item(),
        }

    def make_ready(self, task):
        """Makes what the task needs and is no part of it, and drops what other tasks kept."""
        if task in ("product", "further") and self.direction is None:
            direction = load_file(self.direction_file)
            names = [name for name, _ in self.model.named_parameters()]
            self.direction = [self.laid_out(direction[name]) for name in names]
        if task != "further":
            self.kept = None
        elif self.kept is None:
            self.keep_graph()

    def run(self, task, *arguments):
        self.make_ready(task)
        start = time.perf_counter()
        repeats, more = 1, {}
        match task:
            case "matrix":
                matrix = torch.ones(MATRIX, MATRIX)
                start = time.perf_counter()
                matrix @ matrix
            case "gradient":
                loss, _ = self.gradient()
                loss.item()
            case "product":
                self.product()
            case "further":
                self.kept_product(self.direction)
            case "iteration":
                more["trials"] = self.iterate()
                repeats = ITERATIONS
            case "arpack" | "power" | "power-to-residual":
                solver = getattr(self, task.replace("-", "_"))
                more["eigenvalue"], more["products"] = solver(int(arguments[0]))
            case _:
                raise ValueError(f"no task {task!r}")
        return {"milliseconds": (time.perf_counter() - start) * 1e3 / repeats, **more}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    memory_format = torch.channels_last if options.channels_last else torch.contiguous_format
    answer_all(lambda name, samples, directory: Subject(name, samples, directory, memory_format))


if __name__ == "__main__":
    main()
