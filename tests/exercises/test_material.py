"""Every exercise's own material is in order, built, and teaches without giving anything away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.build import build
from autograder.build.leaks import find_leaks, secret_lines
from autograder.build.validate import validate
from autograder.course import Course

ROOT = Path(__file__).resolve().parents[2]


def files_below(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_material_is_in_order(exercise):
    validate(exercise)


def test_has_enough_checks_and_misconceptions(exercise):
    assert len(exercise.checks) >= 10
    assert len(exercise.misconceptions) >= 8
    assert len(exercise.styles()) >= 3
    assert 2 <= len(exercise.text.of_kind("question")) <= 4


def test_release_holds_nothing_hidden(exercise):
    folder = ROOT / "release" / exercise.assignment
    allowed = {path.name for path in folder.iterdir()}
    assert f"{exercise.name}.ipynb" in allowed
    # What one exercise of an assignment shows is no secret of another.
    secret = secret_lines(Course(ROOT).assignment(exercise.assignment).exercises)
    assert find_leaks(sorted(folder.iterdir()), secret, allowed) == []


@pytest.mark.timeout(600)
def test_rebuild_changes_nothing(copy_of_course):
    root = copy_of_course.root
    before = {name: files_below(root / name) for name in ("source", "release")}
    built = build(copy_of_course, copy_of_course.select(None))
    assert [b.exercise.id for b in built if b.executed] == []
    assert {name: files_below(root / name) for name in ("source", "release")} == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_source_notebook_validates(exercise):
    """`pytest --nbval-lax source/`: every cell runs, marked outputs are as stored."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--nbval-lax"]
    command += ["--override-ini", "addopts=", "-W", "default", f"source/{exercise.id}.ipynb"]
    # Other tests run at the same time: threads of BLAS would wait for each other.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_unfilled_notebook_says_what_it_waits_for(exercise):
    """Run what students get from top to bottom: it only ever fails by naming a gap."""
    path = ROOT / "release" / f"{exercise.id}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    arguments = {"timeout": 300, "kernel_name": "python3", "allow_errors": True}
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, resources=where, extra_arguments=["--log-level=40"], **arguments
    )
    client.execute()
    exercises = (*exercise.builds_on, exercise)
    gaps = {cell.name for e in exercises for cell in e.text.of_kind("solution")}
    errors = [
        (cell["id"], output)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert {cell for cell, _ in errors} >= {c.name for c in exercise.text.of_kind("check")}
    for cell, error in errors:
        name = error.evalue.split(" ")[0].split(".")[0]
        assert error.ename in ("NotImplementedError", "NotWrittenError"), f"{cell}: {error.evalue}"
        assert name in gaps, f"{cell}: {error.evalue}"


def test_outputs_are_small(exercise):
    """A source notebook is read in a browser and kept in git."""
    path = ROOT / "source" / f"{exercise.id}.ipynb"
    assert path.stat().st_size < 3_000_000
    errors = [
        output
        for cell in json.loads(path.read_text())["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    assert errors == []
