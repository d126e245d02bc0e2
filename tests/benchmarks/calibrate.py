"""Measure the accuracies that the thresholds of an exercise are set from.

    python tests/benchmarks/calibrate.py a1/softmax --dataset cifar10

runs every accuracy check of the exercise on the reference solution, as in grading, once for each
seed (which draws the check's inputs), and prints mean and spread of what it measures.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

from autograder.authoring import Check
from autograder.backends import LocalBackend
from autograder.course import Course, Exercise
from autograder.student import Student
from cs231n_lib.checking import CheckFailed
from cs231n_lib.datasets import DATASETS, use_dataset

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def recorded_accuracies(exercise: Exercise) -> Iterator[list[float]]:
    """Collect what the exercise's checks measure with ``accuracy``."""
    module: Any = importlib.import_module(exercise.checks[0].run.__module__)
    measured: list[float] = []
    original = module.accuracy

    def record(*args: Any, **kwargs: Any) -> float:
        measured.append(original(*args, **kwargs))
        return measured[-1]

    module.accuracy = record
    try:
        yield measured
    finally:
        module.accuracy = original


def measure(exercise: Exercise, check: Check, seed: int) -> tuple[list[float], float]:
    """Run a check on the reference; return the accuracies it measured and the seconds it took."""
    student = Student(LocalBackend(exercise.reference.namespace()))
    start = time.perf_counter()
    # Falling short of today's threshold is a measurement, too.
    with recorded_accuracies(exercise) as measured, suppress(CheckFailed):
        check.run(student, np.random.default_rng(seed))
    return measured, time.perf_counter() - start


@click.command()
@click.argument("exercise")
@click.option("--seeds", default=12, show_default=True, type=click.IntRange(2))
@click.option("--dataset", default=DATASETS[0], show_default=True, type=click.Choice(DATASETS))
def main(exercise: str, seeds: int, dataset: str) -> None:
    """Print mean and spread of the accuracies that the checks of EXERCISE measure."""
    chosen = Course(ROOT).select(exercise)
    with use_dataset(dataset):
        for one in chosen:
            for check in one.checks:
                first, seconds = measure(one, check, 0)
                if not first:
                    continue
                values = [first, *(measure(one, check, seed)[0] for seed in range(1, seeds))]
                # A check may measure several accuracies: the last is the one it judges.
                last = np.array([measured[-1] for measured in values])
                click.echo(
                    f"{one.id} {check.name} on {dataset}: mean {last.mean():.4f}, std "
                    f"{last.std(ddof=1):.4f}, min {last.min():.4f}, max {last.max():.4f} "
                    f"over {seeds} seeds ({seconds:.0f} s each)"
                )


if __name__ == "__main__":
    main()
