"""Read the corpus, grade what is in it, and see from outside what it did."""

from __future__ import annotations

import ast
import copy
import gc
import json
import os
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from attack_planting import Planted

from autograder.autograded import graded_notebook
from autograder.course import Exercise
from autograder.feedback import feedback_page
from autograder.grading import grade_handin
from autograder.handin import Handin, Unreadable
from autograder.makeup import blank
from autograder.report import Report
from autograder.sandbox import Zygote

__all__ = [
    "CORPUS",
    "UNEARNABLE",
    "Attack",
    "Graded",
    "Witness",
    "descendants",
    "grade",
    "handin_of",
    "read_attacks",
    "status_of",
]

CORPUS = Path(__file__).parent / "corpus"

# Checks that no worthless function passes; the others of the tiny exercise hold for any function.
UNEARNABLE = ("means_are_right", "rows_are_centred", "callbacks_are_called", "caches_are_kept")

VICTIM = {
    "row_means": "def row_means(X):\n    print('summing')\n    return X.sum(axis=1)",
    "centre": "def centre(X):\n    return X - X.mean(axis=1, keepdims=True)",
}


@dataclass(frozen=True)
class Attack:
    """One file of the corpus.

    Its docstring says what it tries, how the check named in it (``means_are_right`` unless it says
    ``Check:``) ends, and a pattern found in that check's message.
    """

    name: str
    source: str
    aim: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def check(self) -> str:
        return self.fields.get("Check", "means_are_right")


def read_attacks(folder: Path) -> list[Attack]:
    return [_read(path) for path in sorted(folder.glob("*.py"))]


def _read(path: Path) -> Attack:
    source = path.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(source), clean=True)
    assert doc, f"{path.name} does not say what it tries"
    aim, *rest = doc.split("\n\n")
    fields = dict(re.findall(r"^(\w+): (.*)$", "\n".join(rest), re.MULTILINE))
    if sys.version_info >= (3, 12):
        newer = {k.removesuffix("_from_3_12"): v for k, v in fields.items() if "_from_" in k}
        fields |= newer
    return Attack(path.stem, source, " ".join(aim.split()), fields)


# Grading ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Graded:
    """All that comes out of grading one hand-in."""

    report: Report
    page: str
    notebook: str

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.report.to_json(), self.page, self.notebook

    def result(self, check: str) -> Any:
        return next(c for c in self.report.checks if c.name == check)


def handin_of(exercise: Exercise, sources: dict[str, str]) -> bytes:
    """Return a hand-in with these sources in its solution cells and nothing in the others."""
    notebook = json.loads(blank(exercise))
    names = {cell.name for cell in exercise.text.of_kind("solution")}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in names:
            cell["source"] = sources.get(name, "")
    return json.dumps(notebook).encode()


def grade(planted: Planted, zygote: Zygote, content: bytes, student: str) -> Graded:
    """Grade a hand-in the way a class is graded, short of writing files."""
    assert zygote.mechanism.confines, "hostile code runs behind a wall or not at all"
    report = grade_handin(planted.exercise, content, student, zygote, planted.secret)
    try:
        handin = Handin.read(content, planted.exercise.text)
    except Unreadable:
        handin = None
    page = feedback_page(planted.exercise, handin, report)
    return Graded(report, page, graded_notebook(planted.exercise, handin, report))


# The witness --------------------------------------------------------------------------------------


class Witness:
    """Says whether the grader and the next student's result are as they were before any attack."""

    def __init__(self, planted: Planted, zygote: Zygote) -> None:
        self.planted = planted
        self.zygote = zygote
        self.victim = handin_of(planted.exercise, VICTIM)
        gc.collect()  # or descriptors of earlier tests could go meanwhile
        self.result = self._victims_result()
        assert self.result[0]["checks"][0]["misconception"] == "sums_instead"
        self.state = self._state()

    def assert_nothing_changed(self) -> None:
        assert self._victims_result() == self.result
        assert self._state() == self.state

    def _victims_result(self) -> list[Any]:
        graded = grade(self.planted, self.zygote, self.victim, "victim")
        report = copy.deepcopy(asdict(graded.report))
        for part in (report, *report["checks"]):
            part["seconds"] = 0.0
        page = re.sub(r"Graded in [\d.]+ s", "", graded.page)
        return [report, page, graded.notebook]

    def _state(self) -> dict[str, Any]:
        """What hostile values could change in this process, and what could stay in the sandbox."""
        files = [p for p in self.planted.root.rglob("*") if "__pycache__" not in p.parts]
        return {
            "environment": {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
            "folder": os.getcwd(),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "floating point": np.geterr(),
            "recursion": sys.getrecursionlimit(),
            "workers": self._workers(),
            "files": {str(path): path.stat().st_mtime_ns for path in files},
        }

    def _workers(self) -> list[int]:
        """Return the workers in use, once those that are ending have ended.

        The one that waits to be the next has no filter of system calls yet.
        """
        assert self.zygote._process is not None
        deadline = time.monotonic() + 2
        while True:
            names = {pid: status_of(pid) for pid in descendants(self.zygote._process.pid)}
            workers = [
                pid
                for pid, status in names.items()
                if len(status.get("NSpid", "").split()) > 2 and status.get("Seccomp") == "2"
            ]
            if not workers or time.monotonic() > deadline:
                return workers
            time.sleep(0.005)


# Processes, seen from outside ---------------------------------------------------------------------


def status_of(pid: int) -> dict[str, str]:
    """Return ``/proc/PID/status`` as fields; empty for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key: value.strip() for key, _, value in pairs}


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on, each after its parent."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            parent = status_of(int(entry)).get("PPid")
            if parent is not None:
                parents.setdefault(int(parent), []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found
