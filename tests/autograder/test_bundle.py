"""The bundle: what students receive, that nothing hidden is in it, and that it can be set up."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

import cs231n_lib
from autograder.build.leaks import secret_lines
from autograder.bundle import make_bundle, wheel
from autograder.bundle.scan import scan
from autograder.bundle.wheel import (
    library_files,
    make_wheel,
    student_requirements,
    write_zip,
)
from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from cs231n_lib.submission import pack

LIBRARY = Path(cs231n_lib.__file__).parent


@pytest.fixture
def course(built_root: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.chdir(built_root)
    return Course(built_root)


def bundled(course: Course) -> zipfile.ZipFile:
    return zipfile.ZipFile(make_bundle(course, course.assignment("t1")).path)


def test_what_is_in_it(course: Course) -> None:
    with bundled(course) as archive:
        name = f"cs231n_lib-{cs231n_lib.__version__}-py3-none-any.whl"
        assert set(archive.namelist()) == {
            "cs231n/README.md",
            "cs231n/set_up.py",
            "cs231n/t1/README.md",
            "cs231n/t1/course.toml",
            "cs231n/t1/mean.ipynb",
            f"cs231n/packages/{name}",
        }
        released = course.root / "release" / "t1" / "mean.ipynb"
        assert archive.read("cs231n/t1/mean.ipynb") == released.read_bytes()
        settings = tomllib.loads(archive.read("cs231n/t1/course.toml").decode())
        assert settings["dataset"] == course.assignment("t1").dataset
        assert settings["exercises"] == {"mean": ["row_means", "centre", "question_why"]}
        with zipfile.ZipFile(io.BytesIO(archive.read(f"cs231n/packages/{name}"))) as library:
            places = library.namelist()
    assert "cs231n_lib/_data/registry.toml" in places
    assert "cs231n_lib/cli.py" in places
    assert not [place for place in places if "autograder" in place or "__pycache__" in place]


def test_equal_courses_make_equal_bytes(course: Course) -> None:
    first = make_bundle(course, course.assignment("t1")).path.read_bytes()
    again = make_bundle(course, course.assignment("t1"), Path("again.zip")).path.read_bytes()
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_a_hand_in_out_of_the_bundle_is_packed(course: Course, tmp_path: Path) -> None:
    with bundled(course) as archive:
        archive.extractall(tmp_path / "student")
    notebook = tmp_path / "student" / "cs231n" / "t1" / "mean.ipynb"
    packed = pack([notebook], tmp_path / "handin.zip")
    assert packed.names == ("t1/mean.ipynb",)
    assert packed.unwritten == ("mean: row_means", "mean: centre")
    assert packed.missing == ()


def test_the_library_needs_what_it_imports_and_nothing_of_the_engine() -> None:
    """Everything that cs231n_lib imports is a requirement of the wheel, by its name on PyPI."""
    imported = set()
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).split(".")[0])
    imported -= set(sys.stdlib_module_names) | {"cs231n_lib"}
    imported.discard("cycler")  # a part of matplotlib's interface
    needed = {Requirement(r).name for r in student_requirements()}
    assert {name.lower().replace("_", "-") for name in imported} <= needed
    assert needed == wheel._NEEDED
    assert "nbgrader" not in needed


def test_the_wheel_is_one_that_pip_would_take() -> None:
    from importlib.metadata import PathDistribution

    name, content = make_wheel({"cs231n_lib/__init__.py": b"", "cs231n_lib/a b.txt": b"x"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = name.split("-py3")[0] + ".dist-info"
        own = PathDistribution(zipfile.Path(archive, f"{info}/"))  # type: ignore[arg-type]
        assert own.metadata["Name"] == "cs231n-lib"
        assert own.metadata["Requires-Python"] == ">=3.11"
        assert sorted(own.requires or []) == student_requirements()
        (script,) = own.entry_points
        assert (script.name, script.value) == ("cs231n", "cs231n_lib.cli:main")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        record = archive.read(f"{info}/RECORD").decode().splitlines()
        places = set(archive.namelist())
    assert {line.split(",")[0] for line in record} == places


LEAKS = {
    "a hidden file": ("cs231n/t1/checks.py", b"x = 1"),
    "the engine": ("cs231n/packages/autograder/cli.py", b"x = 1"),
    "a gradebook": ("cs231n/gradebook.db", b"x"),
    "a solution's line": ("cs231n/t1/README.md", b"    total = X.sum(axis=1)\n"),
    "a mark in the library": ("cs231n/cs231n_lib/x.py", b"### BEGIN SOLUTION\n"),
    "the engine's name": ("cs231n/cs231n_lib/x.py", b"from autograder import check\n"),
    "no text": ("cs231n/t1/extra.md", b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("kind", LEAKS)
@pytest.mark.parametrize("packed", [False, True], ids=["beside", "in a package"])
def test_each_kind_of_leak_is_found(course: Course, kind: str, packed: bool) -> None:
    secret = secret_lines(course.select(None))
    place, data = LEAKS[kind]
    files = {place: data}
    if packed:
        files = {"cs231n/packages/x.whl": write_zip(files)}
    assert scan(write_zip(files), course, secret)
    assert not scan(write_zip({"cs231n/README.md": b"# Welcome\n"}), course, secret)


def test_a_solution_in_the_library_is_found_and_a_common_line_is_not(course: Course) -> None:
    oracle = (course.select("t1/mean")[0].folder / "checks.py").read_bytes()
    hidden = write_zip({"x.whl": write_zip({"cs231n_lib/x.py": b"a = 1\n" + oracle[400:]})})
    leaks = scan(hidden, course, set())
    assert any("holds hidden lines" in leak for leak in leaks)
    one = write_zip({"x.whl": write_zip({"cs231n_lib/x.py": b"total = X.sum(axis=1)\n"})})
    assert scan(one, course, secret_lines(course.select(None))) == []


def test_nothing_is_written_that_leaks(course: Course) -> None:
    handout = course.root / "assignments" / "t1" / "README.md"
    handout.write_text("The answer:\n\n    total = X.sum(axis=1)\n")
    with pytest.raises(CourseError, match=r"not bundled: README.md holds the hidden line"):
        make_bundle(course, course.assignment("t1"))
    assert list(course.root.glob("*.zip")) == []


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def test_on_the_console(course: Course) -> None:
    result = run("bundle", "t1")
    assert result.exit_code == 0, result.output
    assert "cs231n/t1/mean.ipynb" in result.stdout
    assert "no leak found" in result.stdout
    result = run("bundle", "t1", "--json", "--output", "other.zip")
    content = json.loads(result.stdout)
    assert content["path"] == "other.zip"
    assert content["files"]["cs231n/t1/mean.ipynb"] > 1000


def test_bad_input_is_told(course: Course) -> None:
    (course.root / "is.zip").mkdir()
    bad = [
        (["bundle"], "Missing argument"),
        (["bundle", "t9"], "There is no assignment 't9'"),
        (["bundle", "t1", "--output", "x.tar"], "does not end in .zip"),
        (["bundle", "t1", "--output", "no/x.zip"], "There is no folder no"),
        (["bundle", "t1", "--output", "is.zip"], "is.zip"),
    ]
    for arguments, words in bad:
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
    text = course.root / "assignments" / "t1" / "mean" / "notebook.py"
    text.write_text(text.read_text() + "\n# %% [markdown]\n# More.\n")
    assert "is older than its text" in run("bundle", "t1").stderr
    (course.root / "release" / "t1" / "mean.ipynb").unlink()
    assert "run `autograder build` first" in run("bundle", "t1").stderr
    assert [p.name for p in course.root.iterdir() if ".zip" in p.name] == ["is.zip"]


def test_set_up_says_what_is_missing(course: Course, tmp_path: Path) -> None:
    with bundled(course) as archive:
        archive.extract("cs231n/set_up.py", tmp_path)
    script = tmp_path / "cs231n" / "set_up.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "unpack the whole zip file" in done.stderr
    assert not (script.parent / ".venv").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_one_command_sets_everything_up(course: Course, tmp_path: Path) -> None:
    """In an environment of its own, the library alone is installed and a notebook runs."""
    with bundled(course) as archive:
        archive.extractall(tmp_path)
    place = tmp_path / "cs231n"
    done = subprocess.run(
        [sys.executable, "set_up.py"], cwd=place, capture_output=True, text=True, timeout=1100
    )
    if "is there a network?" in done.stderr:
        pytest.skip("packages cannot be installed here")
    assert "all 16 are there" in done.stdout, done.stdout + done.stderr
    programs = place / ".venv" / "bin"
    engine = subprocess.run([programs / "python", "-c", "import autograder"], capture_output=True)
    assert engine.returncode == 1
    checked = subprocess.run(
        [programs / "cs231n", "check", "t1/mean.ipynb", "--json"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
    )
    steps = json.loads(checked.stdout)
    assert [(s["name"], s["status"]) for s in steps] == [
        ("row_means", "waits"), ("centre", "waits"),
    ]  # fmt: skip


def test_scripts_that_made_the_data_stay_behind() -> None:
    places = library_files()
    assert "cs231n_lib/_data/photographs/README.md" in places
    assert not [p for p in places if "/_data/" in p and p.endswith(".py")]
