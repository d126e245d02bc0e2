from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import cs231n_lib
from autograder.build import execute as module
from autograder.build.execute import execute, fingerprint, render
from autograder.course import Course, Exercise
from autograder.errors import CourseError
from cs231n_lib.paths import data_folder

CHECKS = '''
@check(points=1, of="f")
def is_right(student, rng):
    """It is right."""
'''
F = {"f": "def f(x):\n    return x"}


@pytest.fixture
def reached(make: Any) -> Callable[[str], set[str]]:
    """The library's modules that a notebook with these imports depends on."""

    def find(given: str) -> set[str]:
        root = Path(cs231n_lib.__file__).parent
        files = module._reached([make(F, CHECKS, given=given).text.path])
        return {path.relative_to(root).as_posix() for path in files}

    return find


def test_a_notebook_depends_on_what_it_imports_and_that_imports(
    reached: Callable[[str], set[str]],
) -> None:
    assert reached("import numpy as np") == set()
    found = reached("from cs231n_lib.checking import assert_close")
    assert {"checking/__init__.py", "checking/values.py", "checking/failures.py"} <= found
    assert "solver.py" not in found
    assert not any(name.startswith("plots/") for name in found)
    assert "solver.py" in reached("import cs231n_lib.solver as s")
    assert "solver.py" in reached("def later():\n    from cs231n_lib import solver")


def test_the_fingerprint_changes_with_text_data_and_library(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exercise = make(F, CHECKS, given="from cs231n_lib.checking import assert_close")
    before = fingerprint(exercise)
    assert fingerprint(exercise) == before
    other = Exercise(exercise.assignment, exercise.name, exercise.folder, "cifar10")
    assert fingerprint(other) == before | {"dataset": "cifar10"}
    path = exercise.text.path
    path.write_text(path.read_text() + "\n# more\n")
    again = Course(path.parents[3]).select(exercise.id)[0]
    changed = fingerprint(again)
    assert changed["text"] != before["text"]
    assert changed["library"] == before["library"]
    bare = make(F, CHECKS, given="import numpy as np")
    assert fingerprint(bare)["library"] != before["library"]


def test_the_fingerprint_changes_with_the_data_that_the_library_reads_for_it(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_folder(), folder)
    monkeypatch.setattr(module, "data_folder", lambda: folder)

    def of(given: str) -> dict[str, str]:
        return fingerprint(make(F, CHECKS, given=given))

    givens = ("import cs231n_lib.zoo", "import cs231n_lib.photographs", "import numpy")
    before = [of(given) for given in givens]
    (folder / "photographs" / "README.md").write_text("More of it.")
    assert [of(given) for given in givens] == before
    weights, photograph = folder / "training/cifar_resnet.npz", folder / "photographs/coffee.jpg"
    weights.write_bytes(weights.read_bytes() + b"1")
    changed = [of(given) for given in givens]
    assert [new == old for new, old in zip(changed, before, strict=True)] == [False, True, True]
    photograph.write_bytes(photograph.read_bytes() + b"1")
    again = [of(given) for given in givens]
    # The zoo prepares photographs as that module does.
    assert [new == old for new, old in zip(again, changed, strict=True)] == [False, False, True]


def test_magics_do_not_hinder_it(reached: Callable[[str], set[str]]) -> None:
    found = reached("%load_ext autoreload\n%autoreload 2\nfrom cs231n_lib import solver")
    assert "solver.py" in found


def test_the_outputs_are_kept_and_nothing_that_differs_between_machines(built_once: Path) -> None:
    notebook = nbformat.read(built_once / "source" / "t1" / "mean.ipynb", as_version=4)
    nbformat.validate(notebook)
    demo = next(c for c in notebook.cells if "demo" in c.metadata.get("tags", []))
    assert [output["text"] for output in demo.outputs] == ["0.0\n"]
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook.metadata["language_info"] == {"name": "python"}
    text = (built_once / "source" / "t1" / "mean.ipynb").read_text()
    for word in ("execution.iopub", "transient", "version_info", str(built_once)):
        assert word not in text
    assert text.endswith("}\n")


def test_rendering_is_the_same_for_the_same_notebook(tiny: Exercise) -> None:
    text = render(tiny.text.notebook)
    assert render(nbformat.reads(text, as_version=4)) == text
    assert json.loads(text)["nbformat_minor"] == 5


def test_a_cell_that_fails_is_told_without_colours(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The dataset is the course's own choice, whatever somebody has chosen for their work.
    monkeypatch.setenv("CS231N_DATASET", "cifar10")
    given = (
        "import os\nassert 'CS231N_DATASET' not in os.environ\nassert os.listdir('.') == ['here']"
        "\nraise ValueError('no such luck')"
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "here").touch()
    exercise = make(F, CHECKS, given=given)
    with pytest.raises(CourseError, match="a cell of the notebook fails: ValueError: no such luck"):
        execute(exercise, tmp_path / "run", {})
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["here"]


def test_a_kernel_that_dies_and_a_cell_that_hangs_are_told(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CourseError, match="a cell of the notebook fails"):
        execute(make(F, CHECKS, given="import os; os._exit(1)"), tmp_path, {})
    monkeypatch.setattr(module, "CELL_SECONDS", 1)
    with pytest.raises(CourseError, match="a cell of the notebook fails"):
        execute(make(F, CHECKS, given="import time; time.sleep(60)"), tmp_path, {})
