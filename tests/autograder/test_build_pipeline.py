from __future__ import annotations

import ast
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.build import build, pipeline
from autograder.course import Course
from autograder.errors import CourseError

MEAN = Path("assignments", "t1", "mean")


def tree(root: Path, *folders: str) -> dict[str, tuple[bytes, int]]:
    """Every file under some folders: its bytes and when it was written."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def run(root: Path, target: str | None = None, **options: Any) -> list[bool]:
    course = Course(root)
    return [built.executed for built in build(course, course.select(target), **options)]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_other(root: Path) -> Path:
    """Add a second exercise, ``other``, which is the first one again, and return its folder."""
    other = root / "assignments" / "t1" / "other"
    shutil.copytree(root / MEAN, other)
    edit(root / "assignments" / "t1" / "assignment.toml", '["mean"]', '["mean", "other"]')
    return other


def left_over(root: Path) -> list[str]:
    """What lies in a course root that nobody put there."""
    known = {"assignments", "source", "release", "gradebook.db", "nbgrader_config.py"}
    return sorted({path.name for path in root.iterdir()} - known)


def test_source_and_release_hold_what_they_should(built_once: Path) -> None:
    for name in ("source", "release"):
        files = {path.name for path in (built_once / name / "t1").iterdir()}
        assert files == {"mean.ipynb", "README.md", "course.toml"}
    assert (built_once / "release" / "t1" / "course.toml").read_text() == 'dataset = "scenes"\n'
    assert left_over(built_once) == []


def test_students_get_stubs_and_locked_checks_and_nothing_else(built_once: Path) -> None:
    released = nbformat.read(built_once / "release" / "t1" / "mean.ipynb", as_version=4)
    nbformat.validate(released)
    cells = {cell["id"]: cell for cell in released.cells}
    assert cells["row_means"].source.endswith(
        '    raise NotImplementedError("row_means is not written yet")'
    )
    assert cells["question_why"].source == "YOUR ANSWER HERE"
    assert cells["check_centre"].metadata.nbgrader["points"] == 4
    assert cells["check_centre"].metadata.deletable is False
    assert cells["check_centre"].metadata.editable is False
    assert not any(cell.get("outputs") for cell in released.cells)
    text = json.dumps(released)
    for secret in ("X.sum(axis=1)", "means[:, None]", "entries is their sum", "rng.normal"):
        assert secret not in text
    source = nbformat.read(built_once / "source" / "t1" / "mean.ipynb", as_version=4)
    assert [cell["id"] for cell in source.cells] == [cell["id"] for cell in released.cells]


def test_building_again_changes_no_byte_and_writes_no_file(built_root: Path) -> None:
    before = tree(built_root, "source", "release")
    assert run(built_root) == [False]
    assert tree(built_root, "source", "release") == before
    assert left_over(built_root) == []


def test_a_forced_build_gives_the_same_bytes(built_root: Path, built_once: Path) -> None:
    before = {name: content for name, (content, _) in tree(built_root, "source", "release").items()}
    assert run(built_root, force=True) == [True]
    after = {name: content for name, (content, _) in tree(built_root, "source", "release").items()}
    assert after == before


def test_a_change_of_the_handout_alone_runs_nothing(built_root: Path) -> None:
    edit(built_root / "assignments" / "t1" / "README.md", "tiny", "small")
    assert run(built_root, "t1/mean") == [False]
    for name in ("source", "release"):
        assert "small" in (built_root / name / "t1" / "README.md").read_text()


def test_what_does_not_belong_is_removed(built_root: Path) -> None:
    for name in ("source", "release"):
        (built_root / name / "t1" / "old.ipynb").write_text("{}")
    (built_root / "source" / "t1" / "scratch.npz").write_bytes(b"x")
    run(built_root)
    for name in ("source", "release"):
        files = {path.name for path in (built_root / name / "t1").iterdir() if path.is_file()}
        assert files == {"mean.ipynb", "README.md", "course.toml"}


def test_a_source_that_was_damaged_is_made_anew(
    built_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = (built_root / "source" / "t1" / "mean.ipynb").read_bytes()
    executed = []

    def execute(exercise: Any, *_: Any) -> Any:
        executed.append(exercise.id)
        return nbformat.reads(right, as_version=4)

    monkeypatch.setattr(pipeline, "execute", execute)
    for content in (
        b"",
        b"{",
        b"[]",
        b'{"metadata": {}}',
        right.replace(b'"text": "', b'"text": "0'),
    ):
        (built_root / "source" / "t1" / "mean.ipynb").write_bytes(content)
        assert run(built_root) == [True]
        assert (built_root / "source" / "t1" / "mean.ipynb").read_bytes() == right
    assert executed == ["t1/mean"] * 5


def test_a_failing_cell_leaves_everything_as_it_was(built_root: Path) -> None:
    edit(built_root / MEAN / "notebook.py", "print(centre(", "raise OSError(centre(")
    before = tree(built_root, "source", "release")
    with pytest.raises(CourseError, match="t1/mean: a cell of the notebook fails: OSError"):
        run(built_root)
    assert tree(built_root, "source", "release") == before
    assert left_over(built_root) == []


def test_material_out_of_order_is_refused_before_anything_is_written(unbuilt_root: Path) -> None:
    edit(unbuilt_root / MEAN / "notebook.py", '"points": 5', '"points": 6')
    with pytest.raises(CourseError, match="has 6 points, its checks have 5"):
        run(unbuilt_root)
    assert left_over(unbuilt_root) == []
    assert not (unbuilt_root / "source").exists()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("handout", "README.md holds the hidden line 'total = X.sum"),
        ("stubs", "mean.ipynb holds the hidden"),
        ("outputs", "mean.ipynb: the cell check_centre-1 has outputs"),
        ("folder", "more/README.md is no file for students"),
        ("hidden file", "more/checks.py is no file for students"),
    ],
)
def test_a_leak_is_refused_and_the_release_stays_as_it_was(
    built_root: Path, what: str, words: str
) -> None:
    config = built_root / "nbgrader_config.py"
    if what == "handout":
        with (built_root / "assignments" / "t1" / "README.md").open("a") as file:
            file.write("\nTip: `total = X.sum(axis=1)`\n\n    total = X.sum(axis=1)\n")
    elif what == "stubs":
        edit(config, "    NamedStubs,\n", "")
    elif what == "outputs":
        edit(config, "    ClearOutput,\n", "")
    else:
        folder = built_root / "source" / "t1" / "more"
        folder.mkdir()
        name = "README.md" if what == "folder" else "checks.py"
        shutil.copy(built_root / MEAN / "checks.py", folder / name)
    before = tree(built_root, "release")
    with pytest.raises(CourseError, match=words) as caught:
        run(built_root)
    assert "t1 is not released" in str(caught.value)
    assert tree(built_root, "release") == before
    assert left_over(built_root) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "preprocessors = [",
            "preprocessors = [\n    'no.such.preprocessor',",
            "nbgrader could not release t1: No module named",
        ),
        ("from nbgrader.preprocessors import (", "import no_such_module (", "cannot be loaded"),
        ("from autograder.nbgrader_parts", "from autograder.no_such_parts", "no_such_parts"),
    ],
)
def test_settings_that_nbgrader_cannot_follow_are_told(
    built_root: Path, old: str, new: str, words: str
) -> None:
    edit(built_root / "nbgrader_config.py", old, new)
    before = tree(built_root, "release")
    with pytest.raises(CourseError, match=words):
        run(built_root)
    assert tree(built_root, "release") == before
    assert left_over(built_root) == []


def test_one_exercise_of_several_is_built_alone(
    built_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its source is made without running it: only the paths matter here.
    add_other(built_root)
    executed = []

    def execute(exercise: Any, _folder: Path, built_from: dict[str, str], *_: Any) -> Any:
        executed.append(exercise.id)
        notebook = nbformat.from_dict(json.loads(json.dumps(exercise.text.notebook)))
        notebook.metadata["companion"] = built_from
        return notebook

    monkeypatch.setattr(pipeline, "execute", execute)
    before = tree(built_root, "release")
    assert run(built_root, "t1/other") == [True]
    after = tree(built_root, "release")
    assert set(after) - set(before) == {os.path.join("release", "t1", "other.ipynb")}
    assert {name: after[name] for name in before} == before
    assert run(built_root, "t1/other") == [False]
    assert run(built_root, "t1") == [False, False]
    assert tree(built_root, "release") == after
    assert executed == ["t1/other"]


def test_notebooks_are_parsed_by_one_thread(
    built_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are executed at a time: Python 3.11.7 miscounts where two threads parse."""
    second = add_other(built_root)
    given = "from cs231n_lib.notebooks import from_notebook\n\nmean = from_notebook('mean')"
    edit(second / "notebook.py", "import numpy as np", f"import numpy as np\n{given}")
    threads, parse = [], ast.parse

    def noted(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return parse(*arguments, **options)

    monkeypatch.setattr(ast, "parse", noted)
    assert run(built_root, "t1/other", force=True) == [True]
    assert run(built_root, force=True) == [True, True]
    assert set(threads) == {threading.main_thread()}


def test_pictures_go_with_the_handout(unbuilt_root: Path) -> None:
    """To source and release, and away again; other files stay where they are."""
    folder = unbuilt_root / "assignments" / "t1"
    (folder / "README.md").write_text("# T\n\n![dots](dots.png)\n")
    (folder / "dots.png").write_bytes(b"\x89PNG and the rest")
    (folder / "notes.txt").write_text("mine")
    course = Course(unbuilt_root)
    build(course, course.select(None))
    for kind in ("source", "release"):
        place = unbuilt_root / kind / "t1"
        assert (place / "dots.png").read_bytes() == b"\x89PNG and the rest"
        assert not (place / "notes.txt").exists()
    (folder / "dots.png").unlink()
    build(course, course.select(None))
    assert not list(unbuilt_root.glob("*/t1/dots.png"))
