"""Time the networks of ``cs231n_lib.zoo`` against the same networks in PyTorch, on the CPU.

Both run in one process on the same number of threads, in turn, so that a busy machine slows both.
PyTorch computes the same layers from the same folded weights, in both of its memory layouts; the
ratio is to the faster one. Needs the extra ``torch``.

    python tests/benchmarks/zoo.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional as F

from cs231n_lib import zoo
from cs231n_lib.zoo import Network
from cs231n_lib.zoo._planes import same_border

CASES = (
    ("efficientnet_lite0", 1, 224),
    ("efficientnet_lite0", 8, 224),
    ("efficientnet_lite0", 1, 160),
    ("cifar_resnet", 64, 32),
)


class TorchNetwork:
    """The layers of one of our networks, computed by PyTorch."""

    def __init__(self, network: Network, memory_format: torch.memory_format) -> None:
        self.layers = network.layers
        self.params = {
            name: torch.tensor(p).contiguous(memory_format=memory_format)
            if p.ndim == 4
            else torch.tensor(p)
            for name, p in network.params.items()
        }

    def scores(self, x: Tensor) -> Tensor:
        """Return the last layer's output."""
        outputs = {"input": x}
        for layer in self.layers:
            z = self._operation(layer, outputs[layer.source])
            if layer.residual is not None:
                z = z + outputs[layer.residual]
            if layer.activation is not None:
                z = F.relu(z) if layer.activation == "relu" else F.relu6(z)
            outputs[layer.name] = z
        return z

    def input_gradient(self, x: Tensor) -> Tensor:
        """Return the gradient of the sum of the scores with respect to the images."""
        x = x.clone().requires_grad_(True)
        self.scores(x).sum().backward()
        assert x.grad is not None
        return x.grad

    def _operation(self, layer: zoo.Layer, x: Tensor) -> Tensor:
        match layer:
            case zoo.GlobalAveragePool():
                return x.mean((2, 3))
            case zoo.GlobalMaxPool():
                return x.amax((2, 3))
            case zoo.MaxPool():
                return F.max_pool2d(x, layer.size)
        weight, bias = self.params[f"{layer.name}.weight"], self.params[f"{layer.name}.bias"]
        match layer:
            case zoo.Linear():
                return F.linear(x, weight, bias)
            case zoo.PointwiseConv():
                return F.conv2d(x, weight, bias)
        assert isinstance(layer, zoo.Conv | zoo.DepthwiseConv)
        border = same_border(x.shape[2], x.shape[3], layer.kernel, layer.stride)
        padding = (border.top, border.left)
        if padding != (border.bottom, border.right):
            x = F.pad(x, (border.left, border.right, border.top, border.bottom))
            padding = (0, 0)
        groups = x.shape[1] if isinstance(layer, zoo.DepthwiseConv) else 1
        return F.conv2d(x, weight, bias, layer.stride, padding, groups=groups)


def measure(
    functions: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return the least seconds of each function over rounds in which each runs once."""
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            best[name] = min(best[name], clock() - start)
    return best


def functions(
    network: Network, x: np.ndarray, *, gradient: bool
) -> dict[str, Callable[[], object]]:
    """Return what is to be timed: ours, and PyTorch's in two memory layouts."""

    def ours() -> object:
        if not gradient:
            return network.scores(x)
        record = network.record(x)
        ones = np.ones((len(x), len(network.class_names)), np.float32)
        return record.backward({network.layer_names[-1]: ones}).input

    def theirs(memory_format: torch.memory_format) -> Callable[[], object]:
        peer = TorchNetwork(network, memory_format)
        images = torch.tensor(x).contiguous(memory_format=memory_format)
        if gradient:
            return lambda: peer.input_gradient(images)
        return torch.inference_mode()(lambda: peer.scores(images))

    found = {
        "numpy": ours,
        "channels first": theirs(torch.contiguous_format),
        "channels last": theirs(torch.channels_last),
    }
    expected = torch.as_tensor(found["channels first"]()).numpy()
    error = np.abs(found["numpy"]() - expected).max() / np.abs(expected).max()
    # A unit that rounds to the other side of a ReLU's kink changes a gradient visibly.
    if error > (1e-2 if gradient else 1e-4):
        raise click.ClickException(f"results differ by {error:.1e} of the largest")
    return found


def time_case(
    name: str, count: int, size: int, repeats: int, clock: Callable[[], float]
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table for some random images."""
    network = getattr(zoo, name)()
    x = np.random.default_rng(0).standard_normal((count, 3, size, size), np.float32)
    for gradient in (False, True):
        seconds = measure(functions(network, x, gradient=gradient), repeats, clock)
        ours, *theirs = seconds.values()
        yield (
            name,
            f"{count}×{size}×{size}",
            "forward + input gradient" if gradient else "forward",
            *(f"{1000 * s:.1f}" for s in (ours, *theirs)),
            f"{ours / min(theirs):.2f}",
        )


@click.command()
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=30, show_default=True)
@click.option(
    "--cpu", is_flag=True, help="Measure CPU time, on one thread: for a machine that is busy."
)
def main(threads: int, repeats: int, cpu: bool) -> None:
    """Print milliseconds and ratios for forward passes and input gradients."""
    threads = 1 if cpu else threads
    clock = time.process_time if cpu else time.perf_counter
    torch.set_num_threads(threads)
    kind = "CPU time" if cpu else "wall-clock time"
    table = Table(title=f"{kind} in milliseconds, least of {repeats}, threads: {threads}")
    for column in ("network", "images", "pass", "NumPy", "torch NCHW", "torch NHWC", "ratio"):
        table.add_column(column, justify="left" if column in ("network", "pass") else "right")
    console = Console(width=110)
    # Our threads are as many as BLAS may use.
    with threadpool_limits(threads, user_api="blas"):
        for name, count, size in CASES:
            console.print(f"{name}, {count}×{size}×{size} …", style="dim")
            for row in time_case(name, count, size, repeats, clock):
                table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
