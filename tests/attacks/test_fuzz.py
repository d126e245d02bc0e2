"""Damaged notebooks by the thousand: every one ends in a report, none in an exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import numpy as np
import pytest
from attack_harness import Graded, grade
from attack_planting import Planted
from notebook_mutations import mutated

import autograder.grading
from autograder.authoring import Check
from autograder.build.leaks import secret_lines
from autograder.calls import Call, CallProblem
from autograder.makeup import blank
from autograder.report import Report
from autograder.sandbox import Zygote

CASES, CHUNKS = 2_400, 12
SAMPLE = 25  # every so many is graded in the sandbox


class Nobody:
    """A backend without a worker: whatever is called is not defined."""

    printed = ""
    cell_errors: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> Nobody:
        return self

    def __exit__(self, *_: object) -> None: ...

    def begin(self, check: Check) -> None: ...

    def abandon(self) -> None: ...

    def perform(self, call: Call) -> Any:
        raise CallProblem(f"`{call.name}` is not defined in your notebook", "failed", "missing")


@pytest.fixture(scope="session")
def bases(planted: Planted) -> list[dict[str, Any]]:
    """Valid notebooks to start from: as released, and written in, with outputs."""
    released = json.loads(blank(planted.exercise))
    written = json.loads(blank(planted.exercise))
    sources = {
        "row_means": "def row_means(X):\n    return X.sum(axis=1) / X.shape[1]",
        "centre": "def centre(X):\n    print(X.shape)\n    return X - row_means(X)[:, None]",
        "question_why": "Because *n* times the mean is the sum: $n\\bar{x} = \\sum_i x_i$.",
    }
    for cell in written["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = sources.get(name, cell["source"])
        if cell["cell_type"] == "code":
            text = {"output_type": "stream", "name": "stdout", "text": ["12.0\n", "3\n"]}
            cell["outputs"], cell["execution_count"] = [text], 3
    extra = {
        "cell_type": "code",
        "metadata": {"tags": ["mine"]},
        "source": ["def helper(x):\n", " return x"],
    }
    written["cells"].insert(3, {**extra, "id": "mine", "outputs": [], "execution_count": None})
    return [released, written]


@pytest.fixture(scope="session")
def secret(planted: Planted) -> set[str]:
    return secret_lines([planted.exercise])


def cases(bases: list[dict[str, Any]], chunk: int) -> Iterator[tuple[int, bytes]]:
    for seed in range(chunk, CASES, CHUNKS):
        rng = np.random.default_rng([231, seed])
        yield seed, mutated(bases[seed % len(bases)], rng)


def assert_sound(graded: Graded, planted: Planted, secret: set[str]) -> None:
    report, page, notebook = graded.report, graded.page, graded.notebook
    assert len(report.checks) == len(planted.exercise.checks)
    assert all(check.outcome != "could_not_run" for check in report.checks)
    assert not any(check.detail for check in report.checks)
    assert Report.from_json(report.to_json()) == report
    for text in (report.to_json(), page, notebook):
        text.encode("utf-8")
    nbformat.validate(nbformat.reads(notebook, as_version=4))
    cells = {
        c["metadata"].get("nbgrader", {}).get("grade_id") for c in json.loads(notebook)["cells"]
    }
    graded_cells = [
        c for c in planted.exercise.text.cells if c.kind in ("solution", "check", "question")
    ]
    assert cells >= {cell.name for cell in graded_cells}
    assert planted.leaks(report.to_json(), page, notebook) == []
    lines = {line.strip() for cell in json.loads(notebook)["cells"] for line in cell["source"]}
    assert not lines & secret


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_damaged_notebook_ends_in_a_report(
    chunk: int,
    planted: Planted,
    bases: list[dict[str, Any]],
    secret: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autograder.grading, "SandboxBackend", Nobody)
    zygote: Any = type(
        "NoZygote", (), {"mechanism": type("No", (), {"name": "none", "confines": True})}
    )
    run_all(
        cases(bases, chunk), lambda content: grade(planted, zygote, content, "eve"), planted, secret
    )


def run_all(
    numbered: Iterator[tuple[int, bytes]],
    run: Callable[[bytes], Graded],
    planted: Planted,
    secret: set[str],
) -> None:
    unreadable = count = 0
    for seed, content in numbered:
        try:
            graded = run(content)
            assert_sound(graded, planted, secret)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {content[:300]!r}...") from error
        count += 1
        unreadable += graded.report.problem is not None
    assert 0 < unreadable < 0.9 * count  # damage, but not only to the brackets


def test_a_sample_of_them_is_graded_in_the_sandbox(
    planted: Planted, zygote: Zygote, bases: list[dict[str, Any]], secret: set[str]
) -> None:
    everything = (
        (seed, content) for chunk in range(CHUNKS) for seed, content in cases(bases, chunk)
    )
    sample = (case for i, case in enumerate(everything) if i % SAMPLE == 0)
    run_all(sample, lambda content: grade(planted, zygote, content, "eve"), planted, secret)
