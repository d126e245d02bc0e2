"""Time the fast layers against torch and against image columns with one matrix product.

    python tests/benchmarks/fast_layers.py [--others] [--repeats 20] [--patience 60] [--threads 2]

For every shape the contenders run in turn, one forward and one backward pass each, again and again
in one process, so that whatever else the machine does hits all of them alike. Between two turns
everybody sleeps: the threads of BLAS and of OpenMP keep a core busy for a while after their work is
done, which would be charged to the next. Where Linux tells for how long the process' threads were
ready but had no core, only turns in which that was at most 2 % count; they are repeated until there
are enough or patience (seconds per shape) is at its end. The table says how many turns its figures
are from. torch is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from cs231n_lib import fast_layers

torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None

IMAGES = 64
# Channels, height, width, filters: as many filters as channels, but 32 for colour images.
SHAPES = [(3, 32, 32, 32), (32, 32, 32, 32), (64, 16, 16, 64), (128, 8, 8, 128), (64, 32, 32, 64)]
# Shapes of x and w, stride, pad and groups of the other convolutions.
OTHERS = [
    ((64, 64, 32, 32), (64, 1, 3, 3), 1, 1, 64),
    ((64, 64, 32, 32), (64, 1, 5, 5), 2, 2, 64),
    ((64, 64, 32, 32), (128, 64, 1, 1), 1, 0, 1),
    ((64, 32, 32, 32), (64, 32, 3, 3), 2, 1, 1),
    ((64, 3, 32, 32), (64, 3, 5, 5), 1, 2, 1),
    ((64, 256, 4, 4), (256, 256, 3, 3), 1, 1, 1),
    ((1, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
]
MAPS = (64, 32, 32, 32)
PAUSE = 0.05
# Share of a turn for which its threads may wait for a core.
DISTURBED = 0.02

Array = np.ndarray[Any, Any]
# A forward pass, and the backward pass for what it returned.
Passes = tuple[Callable[[], Any], Callable[[Any], Any]]
# The contenders' passes by name, and each one's seconds, (forward, backward) by turn.
Contenders = dict[str, Passes]
Seconds = dict[str, list[tuple[float, float]]]


def columns_forward(x: Array, w: Array, b: Array) -> tuple[Array, Any]:
    """The original course's way: all windows of all images as one matrix, one product."""
    filters, channels, height, width = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), (2, 3))
    images, _, out_height, out_width = windows.shape[:4]
    columns = np.ascontiguousarray(windows.transpose(1, 4, 5, 0, 2, 3)).reshape(
        channels * height * width, -1
    )
    out = w.reshape(filters, -1) @ columns + b[:, None]
    out = out.reshape(filters, images, out_height, out_width).transpose(1, 0, 2, 3)
    return np.ascontiguousarray(out), (x, w, columns)


def columns_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    x, w, columns = cache
    filters, channels, height, width = w.shape
    images, _, out_height, out_width = dout.shape
    rows = dout.transpose(1, 0, 2, 3).reshape(filters, -1)
    dw = (rows @ columns.T).reshape(w.shape)
    dcolumns = (w.reshape(filters, -1).T @ rows).reshape(
        channels, height, width, images, out_height, out_width
    )
    dpadded = np.zeros((channels, images, x.shape[2] + 2, x.shape[3] + 2), x.dtype)
    for i in range(height):
        for j in range(width):
            dpadded[:, :, i : i + out_height, j : j + out_width] += dcolumns[:, i, j]
    dx = np.ascontiguousarray(dpadded[:, :, 1:-1, 1:-1].transpose(1, 0, 2, 3))
    return dx, dw, rows.sum(axis=1)


def convolutions(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    stride: int = 1,
    pad: int = 1,
    groups: int = 1,
    with_columns: bool = False,
) -> Contenders:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(x_shape, np.float32)
    w = rng.standard_normal(w_shape, np.float32) * np.float32(0.1)
    b = rng.standard_normal(len(w), np.float32)
    param = {"stride": stride, "pad": pad, "groups": groups}
    dout = np.random.default_rng(1).standard_normal(
        fast_layers.conv_forward_fast(x, w, b, param)[0].shape, np.float32
    )
    contenders: Contenders = {
        "ours": (
            lambda: fast_layers.conv_forward_fast(x, w, b, param),
            lambda made: fast_layers.conv_backward_fast(dout, made[1]),
        )
    }
    if torch:
        tensors = [torch.from_numpy(array).requires_grad_() for array in (x, w, b)]
        contenders["torch"] = (
            lambda: torch.conv2d(*tensors, stride=stride, padding=pad, groups=groups),
            lambda out: torch.autograd.grad(out, tensors, torch.from_numpy(dout)),
        )
    if with_columns:
        contenders["columns"] = (
            lambda: columns_forward(x, w, b),
            lambda made: columns_backward(dout, made[1]),
        )
    return contenders


def pooling(kind: str, window: int, stride: int) -> Contenders:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(MAPS, np.float32)
    forward = getattr(fast_layers, f"{kind}_pool_forward_fast")
    backward = getattr(fast_layers, f"{kind}_pool_backward_fast")
    param = {"pool_height": window, "pool_width": window, "stride": stride}
    dout = rng.standard_normal(forward(x, param)[0].shape, np.float32)
    contenders: Contenders = {
        "ours": (lambda: forward(x, param), lambda made: backward(dout, made[1]))
    }
    if torch:
        tensor = torch.from_numpy(x).requires_grad_()
        pool = getattr(torch.nn.functional, f"{kind}_pool2d")
        contenders["torch"] = (
            lambda: pool(tensor, window, stride),
            lambda out: torch.autograd.grad(out, tensor, torch.from_numpy(dout)),
        )
    return contenders


def normalisation() -> Contenders:
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, *MAPS), np.float32)
    gamma, beta = rng.standard_normal((2, MAPS[1]), np.float32)
    contenders: Contenders = {
        "ours": (
            lambda: fast_layers.spatial_batchnorm_forward_fast(x, gamma, beta, {"mode": "train"}),
            lambda made: fast_layers.spatial_batchnorm_backward_fast(dout, made[1]),
        )
    }
    if torch:
        tensors = [torch.from_numpy(array).requires_grad_() for array in (x, gamma, beta)]
        contenders["torch"] = (
            lambda: torch.nn.functional.batch_norm(
                tensors[0], None, None, *tensors[1:], training=True
            ),
            lambda out: torch.autograd.grad(out, tensors, torch.from_numpy(dout)),
        )
    return contenders


def waited() -> float:
    """Return the seconds for which this process' threads were ready but had no core."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[1])
        except FileNotFoundError:  # the thread has ended since
            continue
    return total / 1e9


def turn(forward: Callable[[], Any], backward: Callable[[Any], Any]) -> tuple[float, float, float]:
    """Return the seconds of a forward and a backward pass and the share that threads waited."""
    time.sleep(PAUSE)
    waited_before = waited()
    start = time.perf_counter()
    made = forward()
    middle = time.perf_counter()
    backward(made)
    end = time.perf_counter()
    return middle - start, end - middle, (waited() - waited_before) / (end - start)


def measure(contenders: Contenders, repeats: int, patience: float) -> Seconds:
    """Return the seconds of undisturbed turns; or, if there are none, of the three least so."""
    for forward, backward in contenders.values():
        for _ in range(2):
            turn(forward, backward)
    turns: dict[str, list[tuple[float, float, float]]] = {name: [] for name in contenders}
    end = time.monotonic() + patience
    while time.monotonic() < end:
        for name, passes in contenders.items():
            turns[name].append(turn(*passes))
        if all(sum(t[2] <= DISTURBED for t in ts) >= repeats for ts in turns.values()):
            break
    chosen = {}
    for name, times in turns.items():
        quiet = [t for t in times if t[2] <= DISTURBED]
        chosen[name] = [t[:2] for t in quiet or sorted(times, key=lambda t: t[2])[:3]]
    return chosen


def milliseconds(seconds: list[tuple[float, float]], pick: Callable[[Any], float]) -> list[float]:
    """Return those of forward and backward pass."""
    return [1e3 * pick(column) for column in zip(*seconds, strict=True)]


def print_table(rows: dict[str, Seconds], label: str, pick: Callable[[Any], float]) -> None:
    names = list(next(iter(rows.values())))
    turns = sorted({len(seconds) for row in rows.values() for seconds in row.values()})
    print(f"\n{label} of {turns[0]} to {turns[-1]} turns, ms forward + backward\n")
    print("| layer |", " | ".join([*names, *(f"ours / {name}" for name in names[1:])]), "|")
    print("|---" * (2 * len(names)) + "|")
    ratios: dict[str, list[float]] = {name: [] for name in names[1:]}
    for layer, row in rows.items():
        cells, totals = [], {}
        for name, seconds in row.items():
            forward, backward = milliseconds(seconds, pick)
            totals[name] = forward + backward
            cells.append(f"{forward:.1f} + {backward:.1f} = {totals[name]:.1f}")
        for name, column in ratios.items():
            column.append(totals["ours"] / totals[name])
        print(f"| {layer} |", " | ".join(cells), end=" | ")
        print(" | ".join(f"{column[-1]:.2f}" for column in ratios.values()), "|")
    means = [f"{statistics.geometric_mean(column):.2f}" for column in ratios.values()]
    print("| geometric mean |" + " |" * len(names), " | ".join(means), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the fast layers.")
    parser.add_argument("--others", action="store_true", help="other layers than 3x3 convolutions")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    blas = ", ".join(
        f"{lib['internal_api']} {lib['version']} ({lib.get('architecture')}, "
        f"{lib['num_threads']} threads)"
        for lib in threadpool_info()
        if lib["user_api"] == "blas"
    )
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {blas}", end="")
    if torch:
        torch.set_num_threads(arguments.threads)
        print(f", torch {torch.__version__} ({torch.get_num_threads()} threads)", end="")
    print()
    layers: dict[str, Callable[[], Contenders]] = {}
    if arguments.others:
        for x_shape, w_shape, *param in OTHERS:
            name = f"{'×'.join(map(str, x_shape))} by {'×'.join(map(str, w_shape))}"
            name += f", stride {param[0]}"
            layers[name] = partial(convolutions, x_shape, w_shape, *param)
        for kind, window, stride in (("max", 2, 2), ("max", 3, 2), ("avg", 2, 2)):
            layers[f"{kind} pool {window}×{window}, stride {stride}"] = partial(
                pooling, kind, window, stride
            )
        layers["batch norm"] = normalisation
    else:
        for channels, height, width, filters in SHAPES:
            layers[f"{IMAGES}×{channels}×{height}×{width}, {filters} filters"] = partial(
                convolutions,
                (IMAGES, channels, height, width),
                (filters, channels, 3, 3),
                with_columns=True,
            )
    rows = {
        name: measure(make(), arguments.repeats, arguments.patience)
        for name, make in layers.items()
    }
    print_table(rows, "medians", statistics.median)
    print_table(rows, "minima", min)


if __name__ == "__main__":
    main()
