"""What the engine's tests share: a tiny course, exercises made up on the spot, one warm sandbox."""

from __future__ import annotations

import copy
import fcntl
import itertools
import json
import os
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from autograder.build import build
from autograder.course import Course, Exercise
from autograder.errors import SandboxUnavailable
from autograder.grading import grade_handin
from autograder.handin import Unreadable
from autograder.report import CheckResult, Report
from autograder.sandbox import Mechanism, Zygote, choose_mechanism

# A machine may be busy: no example fails for being slow.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TINY = Path(__file__).parent / "course"
SECRET = b"only for tests"
_NUMBERS = itertools.count(1)

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a sandbox, so that nobody forgets to."""
    for item in items:
        if "mechanism" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(231)


@pytest.fixture(scope="session")
def mechanism() -> Mechanism:
    """The sandbox of this machine; without one the test is skipped and says why."""
    try:
        return choose_mechanism()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def zygote(mechanism: Mechanism) -> Iterator[Zygote]:
    """One warm process for all tests."""
    with Zygote(mechanism) as started:
        yield started


@pytest.fixture
def unbuilt_root(tmp_path: Path) -> Path:
    """A fresh copy of the tiny course, not built."""
    return copy_course(TINY, tmp_path / "course")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a folder once for all processes of a test run: ``once("built", make)``.

    ``make`` gets the folder's path, where nothing is yet; the others wait for it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def share(name: str, make: Callable[[Path], object]) -> Path:
        done = base / f"{name}.done"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(base / name)
                done.touch()
        return base / name

    return share


@pytest.fixture(scope="session")
def built_once(once: Callable[..., Path]) -> Path:
    """The tiny course, built; not to be written to."""

    def make(root: Path) -> None:
        copy_course(TINY, root)
        course = Course(root)
        build(course, course.select(None))

    return once("built", make)


@pytest.fixture
def built_root(built_once: Path, tmp_path: Path) -> Path:
    """A fresh copy of the tiny course, built."""
    return copy_course(built_once, tmp_path / "course")


def copy_course(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The one exercise of the tiny course; not to be written to."""
    root = copy_course(TINY, tmp_path_factory.mktemp("tiny") / "course")
    return Course(root).select("t1/mean")[0]


@pytest.fixture(scope="session")
def grade(zygote: Zygote) -> Callable[..., Report]:
    """Grade a hand-in in the sandbox: ``grade(exercise, content, student="ada")``."""

    def run(
        exercise: Exercise,
        content: bytes | Unreadable,
        student: str = "ada",
        secret: bytes = SECRET,
    ) -> Report:
        return grade_handin(exercise, content, student, zygote, secret)

    return run


# Exercises made up on the spot ------------------------------------------------------------------


def nbgrader_field(**fields: Any) -> str:
    base = {"grade": False, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return "nbgrader=" + json.dumps(base | fields)


def percent(cells: list[dict[str, Any]]) -> str:
    """Write a notebook as percent text: each cell has a kind, and what that kind needs."""
    parts = [HEADER]
    for cell in cells:
        kind, name, points = cell["kind"], cell.get("name"), cell.get("points", 0)
        head = "# %%"
        if kind in ("text", "question", "ask"):
            head += " [markdown]"
        if kind == "demo":
            head += ' tags=["demo"]'
        if kind == "solution":
            head += " " + nbgrader_field(grade_id=name, solution=True)
        elif kind == "check":
            head += " " + nbgrader_field(grade_id=name, grade=True, locked=True, points=points)
        elif kind == "question":
            head += " " + nbgrader_field(grade_id=name, grade=True, solution=True, points=points)
        elif "metadata" in cell:
            head += " " + cell["metadata"]
        source = textwrap.dedent(cell["source"]).strip("\n")
        if head.startswith("# %% [markdown]"):
            source = textwrap.indent(source, "# ", lambda line: True)
        parts.append(f"{head}\n{source}\n")
    return "\n".join(parts)


def solution(name: str, source: str) -> dict[str, Any]:
    """A solution cell; the body after the first line is what students write."""
    head, _, body = textwrap.dedent(source).strip("\n").partition("\n")
    indent = " " * (len(body) - len(body.lstrip()))
    text = f"{head}\n{indent}### BEGIN SOLUTION\n{body}\n{indent}### END SOLUTION"
    return {"kind": "solution", "name": name, "source": text}


class Maker:
    """Writes an exercise into a course of its own, under names that no other test uses."""

    percent = staticmethod(percent)
    solution = staticmethod(solution)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        functions: dict[str, str],
        checks: str,
        misconceptions: str = "",
        *,
        given: str = "import numpy as np",
        oracle: str = "",
        points: dict[str, int] | None = None,
        extra: list[dict[str, Any]] | None = None,
        name: str = "task",
        beside: Exercise | None = None,
    ) -> Exercise:
        """Return an exercise with these functions (name -> source) and this hidden suite.

        The graded cells' points are those given, or whatever the checks have. It goes into a course
        of its own, or into the assignment of the exercise that it is made beside.
        """
        if beside is None:
            number = next(_NUMBERS)
            root, assignment = self.folder / f"made{number}", f"m{number}"
        else:
            root, assignment = beside.folder.parents[2], beside.assignment
        folder = root / "assignments" / assignment / name
        folder.mkdir(parents=True)
        head = "import numpy as np\nfrom autograder import *  # noqa: F403\n"
        (folder / "checks.py").write_text(head + textwrap.dedent(checks))
        (folder / "misconceptions.py").write_text(
            "import numpy as np\nfrom autograder import misconception\n"
            + textwrap.dedent(misconceptions)
        )
        (folder / "oracle.py").write_text(textwrap.dedent(oracle) or '"""Nothing."""\n')
        cells: list[dict[str, Any]] = [{"kind": "given", "source": given}]
        total = points or {}
        for function, source in functions.items():
            cells.append(solution(function, source))
            cells.append(
                {
                    "kind": "check",
                    "name": f"check_{function}",
                    "points": total.get(function, 1),
                    "source": f"assert callable({function})",
                }
            )
        (folder / "notebook.py").write_text(percent(cells + (extra or [])))
        names = json.dumps(sorted(path.parent.name for path in folder.parent.glob("*/notebook.py")))
        (folder.parent / "assignment.toml").write_text(
            f'title = "Made up"\nexercises = {names}\ndataset = "scenes"\n'
        )
        shutil.copy(TINY / "nbgrader_config.py", root)
        return Course(root).select(f"{assignment}/{name}")[0]


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """Make up an exercise: ``make({"f": "def f(x):\\n    return x"}, checks)``."""
    return Maker(tmp_path)


# Hand-ins, written without the engine ------------------------------------------------------------


class Handins:
    """Notebook files as a student's Jupyter would write them, and as no Jupyter would."""

    ROW_MEANS = "def row_means(X):\n    return X.sum(axis=1) / X.shape[1]"
    CENTRE = "def centre(X):\n    return X - row_means(X)[:, None]"
    QUESTION = "Because the mean is the sum over the number of entries."

    @staticmethod
    def cell(
        source: Any, grade_id: str | None = None, kind: str = "code", **grader: Any
    ) -> dict[str, Any]:
        """Return a raw cell."""
        metadata: dict[str, Any] = {}
        if grade_id is not None:
            metadata["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **grader}
        cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": source}
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        return cell

    def cells(self, **sources: str) -> list[dict[str, Any]]:
        """Return the cells of a right hand-in of ``t1/mean``, some with other sources."""
        return [
            self.cell("import numpy as np\n\nfrom cs231n_lib.checking import assert_close"),
            self.cell(sources.get("row_means", self.ROW_MEANS), "row_means", solution=True),
            self.cell(
                "assert_close(row_means(np.array([[1.0, 3.0]])), np.array([2.0]), "
                'name="row_means")',
                "check_row_means",
                grade=True,
                points=5,
            ),
            self.cell(sources.get("centre", self.CENTRE), "centre", solution=True),
            self.cell(
                "assert_close(centre(np.array([[1.0, 3.0]])), np.array([[-1.0, 1.0]]), "
                'name="centre")',
                "check_centre",
                grade=True,
                points=4,
            ),
            self.cell(
                sources.get("question_why", self.QUESTION),
                "question_why",
                kind="markdown",
                grade=True,
                solution=True,
                points=2,
            ),
        ]

    @staticmethod
    def file(cells: Any, **fields: Any) -> bytes:
        """Return the bytes of a notebook file with these cells."""
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **fields}
        return json.dumps(notebook).encode()

    def __call__(self, **sources: str) -> bytes:
        """Return a hand-in of ``t1/mean``, right but for the sources given."""
        return self.file(self.cells(**sources))

    def of(self, exercise: Exercise, *added: str, **sources: str) -> bytes:
        """Return a hand-in of any exercise: added cells first, then its own, some rewritten."""
        cells = [self.cell(source) for source in added]
        for own in exercise.text.cells:
            kind = "code" if own.kind not in ("text", "question") else "markdown"
            cells.append(self.cell(sources.get(own.name, own.source), own.name, kind))
        return self.file(copy.deepcopy(cells))


@pytest.fixture(scope="session")
def handin() -> Handins:
    """Make hand-ins of the tiny exercise: ``handin(row_means="def row_means(X): ...")``."""
    return Handins()


@pytest.fixture(scope="session")
def outcome() -> Callable[[Report, str], CheckResult]:
    """Find a check's result in a report."""

    def find(report: Report, name: str) -> CheckResult:
        return next(check for check in report.checks if check.name == name)

    return find
