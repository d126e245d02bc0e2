"""Measure what the bars of an exercise are set from: accuracies reached, and losses left over.

    python tests/benchmarks/calibrate.py a1/softmax --dataset cifar10

runs every check of the exercise with a ``Threshold`` or a ``Fall`` on the reference solution, as in
grading, once for each seed (which draws the check's inputs), and prints mean and spread of what it
measures. ``--styles`` does the same with the correct solutions in other styles. ``--visible`` runs
the checks that students see in the notebook, with other seeds than theirs, and prints the left side
of each inequality in parts of the right one: 1 is where it turns.
"""

from __future__ import annotations

import ast
import importlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

from autograder.authoring import Check
from autograder.backends import LocalBackend
from autograder.course import Course, Exercise
from autograder.student import Student
from autograder.worker.earlier import EarlierNotebooks
from cs231n_lib.checking import CheckFailed
from cs231n_lib.datasets import DATASETS, use_dataset
from cs231n_lib.notebooks import resolving_with

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def recorded_measurements(exercise: Exercise) -> Iterator[list[float]]:
    """Collect what the exercise's checks give to ``accuracy`` and ``require_fall``."""
    module: Any = importlib.import_module(exercise.checks[0].run.__module__)
    measured: list[float] = []
    originals = {
        name: getattr(module, name)
        for name in ("accuracy", "require_fall")
        if hasattr(module, name)
    }

    def record_accuracy(*args: Any, **kwargs: Any) -> float:
        measured.append(originals["accuracy"](*args, **kwargs))
        return measured[-1]

    def record_fall(before: Any, after: Any, *args: Any, **kwargs: Any) -> None:
        measured.append(float(after) / float(before))
        originals["require_fall"](before, after, *args, **kwargs)

    records = {"accuracy": record_accuracy, "require_fall": record_fall}
    for name in originals:
        setattr(module, name, records[name])
    try:
        yield measured
    finally:
        for name, original in originals.items():
            setattr(module, name, original)


def measure(
    exercise: Exercise, check: Check, seed: int, solution: dict[str, Any]
) -> tuple[list[float], float]:
    """Run a check on a solution; return what it measured and the seconds it took."""
    student = Student(LocalBackend(solution))
    start = time.perf_counter()
    # Falling short of today's bar is a measurement, too.
    with recorded_measurements(exercise) as measured, suppress(CheckFailed):
        check.run(student, np.random.default_rng(seed))
    return measured, time.perf_counter() - start


def solutions(exercise: Exercise, styles: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the reference and, if asked for, the correct solutions in other styles."""
    yield "", exercise.reference.namespace()
    for path in exercise.styles() if styles else ():
        namespace = exercise.reference.namespace()
        code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        with resolving_with(EarlierNotebooks(exercise.notebooks)):
            exec(code, namespace)  # noqa: S102
        yield f" ({path.stem})", namespace


class Comparisons(ast.NodeTransformer):
    """Let every inequality that a check asserts be noted before it is judged."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """Replace ``assert a < b`` by ``assert _noted("a < b", a, b) or a < b``."""
        test = node.test
        if isinstance(test, ast.Compare) and isinstance(
            test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
        ):
            noted = ast.Call(
                func=ast.Name("_noted", ast.Load()),
                args=[ast.Constant(ast.unparse(test)), test.left, test.comparators[0]],
                keywords=[],
            )
            node.test = ast.BoolOp(ast.Or(), [noted, test])
        return ast.fix_missing_locations(node)


def visible_comparisons(exercise: Exercise, seed: int) -> dict[str, float]:
    """Run the visible checks with shifted seeds; return left over right of each inequality."""
    found: dict[str, float] = {}

    def noted(text: str, left: Any, right: Any) -> None:
        if np.size(left) == np.size(right) == 1 and right:
            found[text] = float(left) / float(right)

    original = np.random.default_rng
    cells = [cell for cell in exercise.text.of_kind("check") if "default_rng" in cell.source]
    for cell in cells:
        tree = Comparisons().visit(ast.parse(cell.source))
        namespace = {**exercise.reference.namespace(), "_noted": noted, "print": lambda *_: None}
        np.random.default_rng = lambda number: original(1000 * seed + number)  # type: ignore[assignment,misc]
        try:
            # What a check compares with numbers written for its own seed fails here.
            with suppress(AssertionError, CheckFailed):
                exec(compile(tree, f"<{cell.name}>", "exec"), namespace)  # noqa: S102
        finally:
            np.random.default_rng = original
    return found


def spread(values: Sequence[float]) -> str:
    """Return mean, standard deviation and range of some measurements."""
    array = np.array(values)
    return (
        f"mean {array.mean():.4f}, std {array.std(ddof=1):.4f}, min {array.min():.4f}, "
        f"max {array.max():.4f} over {len(array)} seeds"
    )


def print_hidden(exercise: Exercise, seeds: int, dataset: str, styles: bool) -> None:
    """Print mean and spread of what the hidden checks measure."""
    for name, solution in solutions(exercise, styles):
        for check in exercise.checks:
            first, seconds = measure(exercise, check, 0, solution)
            if not first:
                continue
            values = [first]
            values += [measure(exercise, check, seed, solution)[0] for seed in range(1, seeds)]
            # A check may measure several accuracies: the last is the one it judges.
            last = [measured[-1] for measured in values]
            click.echo(
                f"{exercise.id} {check.name}{name} on {dataset}: {spread(last)} "
                f"({seconds:.0f} s each)"
            )


def print_visible(exercise: Exercise, seeds: int) -> None:
    """Print left over right of the inequalities in the visible checks."""
    runs = [visible_comparisons(exercise, seed) for seed in range(seeds)]
    for text in runs[0]:
        click.echo(f"{exercise.id} {text}: {spread([run[text] for run in runs if text in run])}")


@click.command()
@click.argument("exercise")
@click.option("--seeds", default=12, show_default=True, type=click.IntRange(2))
@click.option("--dataset", default=DATASETS[0], show_default=True, type=click.Choice(DATASETS))
@click.option("--styles", is_flag=True, help="Measure correct solutions in other styles, too.")
@click.option("--visible", is_flag=True, help="Measure the checks that students see instead.")
def main(exercise: str, seeds: int, dataset: str, styles: bool, visible: bool) -> None:
    """Print mean and spread of what the checks of EXERCISE measure."""
    with use_dataset(dataset):
        for one in Course(ROOT).select(exercise):
            if visible:
                print_visible(one, seeds)
            else:
                print_hidden(one, seeds, dataset, styles)


if __name__ == "__main__":
    main()
