"""Time the fast layers against torch and against image columns with one matrix product.

    python tests/benchmarks/fast_layers.py [--repeats 40] [--threads 2]

For every shape the contenders run in turn, one forward and one backward pass each, again and again
in one process, so that whatever else the machine does hits all of them alike. Between two turns
everybody sleeps: the threads of BLAS and of OpenMP keep a core busy for a while after their work is
done, which would be charged to the next. Where Linux tells how long the process' threads were ready
but had no core, turns in which that was over 2 % are repeated, up to ten times as many as asked
for; the table says how many turns its figures are from. torch is left out where it is not
installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from cs231n_lib import fast_layers

IMAGES = 64
# Channels, height, width, filters: as many filters as channels, but 32 for colour images.
SHAPES = [(3, 32, 32, 32), (32, 32, 32, 32), (64, 16, 16, 64), (128, 8, 8, 128), (64, 32, 32, 64)]
PAUSE = 0.05
# Share of a turn for which its threads may wait for a core.
DISTURBED = 0.02

Array = np.ndarray[Any, Any]
Pass = Callable[[], Any]
# Makes the arrays of a contender; returns its forward pass and, given what that returned, backward.
Contender = Callable[..., tuple[Pass, Callable[[Any], Any]]]


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


def ours(x: Array, w: Array, b: Array, dout: Array) -> tuple[Pass, Callable[[Any], Any]]:
    param = {"stride": 1, "pad": 1}
    return (
        lambda: fast_layers.conv_forward_fast(x, w, b, param),
        lambda made: fast_layers.conv_backward_fast(dout, made[1]),
    )


def columns(x: Array, w: Array, b: Array, dout: Array) -> tuple[Pass, Callable[[Any], Any]]:
    return (lambda: columns_forward(x, w, b), lambda made: columns_backward(dout, made[1]))


def torch_conv(x: Array, w: Array, b: Array, dout: Array) -> tuple[Pass, Callable[[Any], Any]]:
    import torch

    tensors = [torch.from_numpy(array).requires_grad_() for array in (x, w, b)]
    upstream = torch.from_numpy(dout)
    return (
        lambda: torch.conv2d(*tensors, padding=1),
        lambda out: torch.autograd.grad(out, tensors, upstream),
    )


def waited() -> float:
    """Return the seconds for which this process' threads were ready but had no core."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[1])
        except FileNotFoundError:  # the thread has ended since
            continue
    return total / 1e9


def turn(forward: Pass, backward: Callable[[Any], Any]) -> tuple[float, float, float]:
    """Return the seconds of a forward and a backward pass and the share that threads waited."""
    time.sleep(PAUSE)
    waited_before = waited()
    start = time.perf_counter()
    made = forward()
    middle = time.perf_counter()
    backward(made)
    end = time.perf_counter()
    return middle - start, end - middle, (waited() - waited_before) / (end - start)


def measure(passes: dict[str, tuple[Pass, Callable[[Any], Any]]], repeats: int) -> dict[str, Any]:
    """Return each contender's seconds, (forward, backward) per undisturbed turn.

    Of a contender that never had its cores for itself, those of the least disturbed turns.
    """
    turns: dict[str, list[tuple[float, float, float]]] = {name: [] for name in passes}
    for _ in range(10 * repeats):
        for name, (forward, backward) in passes.items():
            turns[name].append(turn(forward, backward))
        if all(sum(t[2] <= DISTURBED for t in ts[2:]) >= repeats for ts in turns.values()):
            break
    chosen = {}
    for name, times in turns.items():
        times = sorted(times[2:], key=lambda t: t[2])
        quiet = [t for t in times if t[2] <= DISTURBED]
        chosen[name] = [t[:2] for t in (quiet or times[: max(3, len(times) // 10)])]
    return chosen


def summary(times: list[tuple[float, float]], pick: Callable[[Any], float]) -> tuple[float, float]:
    """Return forward and backward milliseconds."""
    return 1e3 * pick([f for f, _ in times]), 1e3 * pick([b for _, b in times])


def print_convolutions(contenders: dict[str, Contender], repeats: int) -> None:
    rng = np.random.default_rng(0)
    measured = []
    for channels, height, width, filters in SHAPES:
        x = rng.standard_normal((IMAGES, channels, height, width), np.float32)
        w = rng.standard_normal((filters, channels, 3, 3), np.float32) * np.float32(0.1)
        b = rng.standard_normal(filters, np.float32)
        dout = rng.standard_normal((IMAGES, filters, height, width), np.float32)
        passes = {name: make(x, w, b, dout) for name, make in contenders.items()}
        measured.append(measure(passes, repeats))
    for label, pick in (("medians", statistics.median), ("minima", min)):
        turns = sorted({len(seconds) for times in measured for seconds in times.values()})
        print(f"\n{label} of {turns[0]} to {turns[-1]} turns, ms forward + backward\n")
        print("| images, filters |", " | ".join(contenders), "| ours / torch | ours / columns |")
        print("|---|" + "---|" * (len(contenders) + 2))
        ratios: dict[str, list[float]] = {"torch": [], "columns": []}
        for (channels, height, width, filters), times in zip(SHAPES, measured, strict=True):
            cells, totals = [], {}
            for name in contenders:
                forward, backward = summary(times[name], pick)
                totals[name] = forward + backward
                cells.append(f"{forward:.1f} + {backward:.1f} = {forward + backward:.1f}")
            for name, column in ratios.items():
                column.append(totals["ours"] / totals[name] if name in totals else np.nan)
                cells.append(f"{column[-1]:.2f}")
            shape = f"{IMAGES}×{channels}×{height}×{width}, {filters}"
            print(f"| {shape} |", " | ".join(cells), "|")
        means = [f"{statistics.geometric_mean(column):.2f}" for column in ratios.values()]
        print("| geometric mean |" + " |" * len(contenders), " | ".join(means), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the fast layers.")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    contenders: dict[str, Contender] = {"ours": ours, "columns": columns}
    blas = ", ".join(
        f"{lib['internal_api']} {lib['version']} ({lib.get('architecture')}, "
        f"{lib['num_threads']} threads)"
        for lib in threadpool_info()
        if lib["user_api"] == "blas"
    )
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {blas}", end="")
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(arguments.threads)
        contenders = {"ours": ours, "torch": torch_conv, "columns": columns}
        print(f", torch {torch.__version__} ({torch.get_num_threads()} threads)", end="")
    print()
    print_convolutions(contenders, arguments.repeats)


if __name__ == "__main__":
    main()
