"""The console ``autograder``: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autograder.cli import main
from autograder.report import CheckResult, Report
from autograder.sandbox import Mechanism
from autograder.sandbox.mechanisms import Namespaces

MEAN = Path("assignments", "t1", "mean")


@pytest.fixture
def here(unbuilt_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a course, not built."""
    monkeypatch.chdir(unbuilt_root)
    return unbuilt_root


@pytest.fixture
def built_here(built_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a course, built."""
    monkeypatch.chdir(built_root)
    return built_root


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200"})
    assert "Traceback" not in result.output
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def complains(*arguments: str, after: str = "") -> str:
    """Run a command that must refuse: one sentence, exit code 2, nothing but ``after`` besides."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert (after in result.stdout) if after else (result.stdout == "")
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("autograder")
    return line


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


BAD = [
    (["build", "t9"], "There is no assignment 't9'; there are: t1."),
    (["build", "t1/no"], "There is no exercise 't1/no'; there are: t1/mean."),
    (["verify", "t9"], "There is no assignment 't9'"),
    (["grade", "t9"], "There is no assignment 't9'"),
    (["grade", "t1"], "Nothing to grade"),
    (["grade"], "Nothing to grade"),
    (["grade", "t1", "--student", "ada"], "No hand-in of t1 by ada"),
    (["grade", "missing.ipynb"], "There is no file missing.ipynb"),
    (["grade", "x.ipynb", "--exercise", "t1/no"], "There is no"),
    (["grade", "nbgrader_config.py", "--student", "ada"], "go with a class, not with one file"),
    (["grade", "x.ipynb", "--again"], "go with a class, not with one file"),
    (["grade", "t1", "--exercise", "t1/mean"], "--exercise and --page go with one file"),
    (["grade", "t1", "--page", "x.html"], "--exercise and --page go with one file"),
    (["grade", "x.ipynb", "--page", "x.ipynb"], "an HTML file such as feedback.html, got x.ipynb"),
    (["grade", "t1", "--jobs", "0"], "0 is not in the range"),
    (["grade", "t1", "--jobs", "many"], "'many' is not a valid integer"),
    (["build", "--no-such-option"], "No such option"),
    (["build", "t1", "t2"], "unexpected extra argument"),
    (["no-such-command"], "No such command"),
    (["demo", "--folder", "."], "is not empty"),
    (["demo", "--folder", "assignments/x"], "lies in assignments/"),
    (["demo", "--folder", "nbgrader_config.py"], "is not empty"),
]


@pytest.mark.parametrize(
    ("arguments", "words"),
    BAD,
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_in_one_sentence(
    here: Path, mechanism: Mechanism, arguments: list[str], words: str
) -> None:
    before = sorted(path for path in here.rglob("*") if "__pycache__" not in path.parts)
    assert words in complains(*arguments)
    after = sorted(path for path in here.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


@pytest.mark.parametrize(
    "command",
    [["build"], ["grade", "t1"], ["verify"], ["demo"], ["report", "t1"], ["bundle", "t1"]],
)
def test_outside_a_course_every_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "No course here" in complains(*command)
    assert os.listdir(tmp_path) == []


def test_without_a_sandbox_grading_refuses_and_says_what_to_install(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, *args, **options: None)
    monkeypatch.setattr(Namespaces, "problem", lambda self: "it may not make namespaces")
    for command in (["grade", "t1"], ["grade", "x.ipynb"], ["verify"]):
        said = complains(*command)
        assert "apt-get install bubblewrap" in said
        assert "--unsafe" in said
    assert run("doctor").exit_code == 1


BROKEN = [
    ("assignments/t1/assignment.toml", "title = ", "ti tle = ", "garbles"),
    ("assignments/t1/assignment.toml", '["mean"]', '["mean", "b"]', "differ in b"),
    (str(MEAN / "notebook.py"), '"points": 5', '"points": 6', "has 6 points"),
    (str(MEAN / "notebook.py"), "total = X.sum(axis=1)", "total = (", "is no Python"),
    (str(MEAN / "notebook.py"), "import numpy as np", "import numpy as np, (", "is no Python"),
    (str(MEAN / "checks.py"), "points=3", "points=0", "positive integer"),
    (str(MEAN / "checks.py"), "import numpy", "import nonumpy", "cannot be loaded"),
    (str(MEAN / "misconceptions.py"), 'caught_by="rows', 'caught_by="cows', "an unknown cows"),
    ("nbgrader_config.py", "c = get_config()", "c = get_confit()", "cannot be loaded"),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), BROKEN)
def test_material_out_of_order_is_told_in_one_sentence(
    built_here: Path, file: str, old: str, new: str, words: str, handin: Any, mechanism: Mechanism
) -> None:
    edit(built_here / file, old, new)
    for name in ("source", "release"):
        shutil.rmtree(built_here / name)
    assert words in complains("build")
    for name in ("source", "release"):
        assert not list(built_here.glob(f"{name}/*/*.ipynb"))
    if "config" not in file and "points" not in old:
        assert words in complains("verify")


@pytest.mark.parametrize("blocked", ["source", "release", "feedback", "reports", "autograded"])
def test_a_file_where_a_folder_belongs_is_told(
    built_here: Path, handin: Any, mechanism: Mechanism, blocked: str
) -> None:
    shutil.rmtree(built_here / blocked, ignore_errors=True)
    (built_here / blocked).write_text("mine")
    folder = built_here / "submitted" / "ada" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_bytes(b"no notebook")
    command = ["build"] if blocked in ("source", "release") else ["grade", "t1"]
    assert blocked in complains(*command, after="up to date" if blocked == "release" else "")
    assert (built_here / blocked).read_text() == "mine"


def test_a_gradebook_in_use_is_told(built_here: Path, mechanism: Mechanism) -> None:
    folder = built_here / "submitted" / "ada" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_bytes(b"no notebook")
    (built_here / "gradebook.db").write_bytes(b"no database at all" * 100)
    assert "file is not a database" in complains("grade", "t1")
    assert sqlite3.sqlite_version


def test_help_has_an_example_for_every_command() -> None:
    shown = run("--help").output
    for command in main.commands:
        assert command in shown
        text = run(command, "--help").output
        assert text.startswith("Usage:")
        assert "autograder" in text
        assert "Example" in text
        assert "\\b" not in text
    assert "Exit codes: 0 done" in shown
    assert run("--version").output.startswith("autograder, version ")


@pytest.mark.parametrize("command", [["report", "t1"], ["bundle", "t1"]])
def test_without_a_terminal_there_are_no_colours(
    built_here: Path, command: list[str], handin: Any, tiny: Any
) -> None:
    folder = built_here / "submitted" / "ada" / "t1"
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_bytes(handin())
    check = tiny.checks[0]
    found = CheckResult(check.name, check.of, check.description, "failed", 0, check.points)
    Report("t1/mean", "ada", (found,)).write(built_here / "reports" / "ada" / "t1" / "mean.json")
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output


def test_one_file_on_the_terminal_and_as_json(
    here: Path, mechanism: Mechanism, handin: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mean.ipynb"
    source = "def row_means(X):\n    print('\\x1b[31m[bold]hi[/]')\n    return X.sum(axis=1)"
    path.write_bytes(handin(row_means=source))
    result = run("grade", str(path))
    assert result.exit_code == 0
    assert "t1/mean: 2 of 9 points" in result.stdout
    assert "You return the sum of each row" in result.stdout
    result = run("grade", str(path), "--json")
    report = json.loads(result.stdout)
    assert (report["points"], report["max_points"], report["student"]) == (2, 9, "you")
    assert not (here / "gradebook.db").exists()
    assert not (here / "reports").exists()
    path.write_bytes(b"no notebook")
    assert "could not be graded: the file is no notebook" in run("grade", str(path)).stdout
    assert "not JSON" in json.loads(run("grade", str(path), "--json").stdout)["problem"]


def test_one_file_as_a_page(here: Path, mechanism: Mechanism, handin: Any, tmp_path: Path) -> None:
    """Somebody who learns alone gets the page that a class gets."""
    path, page = tmp_path / "mean.ipynb", tmp_path / "new" / "feedback.html"
    path.write_bytes(handin(row_means="def row_means(X):\n    return X.sum(axis=1)  # mine"))
    result = run("grade", str(path), "--page", str(page))
    assert result.exit_code == 0
    assert f"As a page: {page}" in result.stdout
    text = page.read_text(encoding="utf-8")
    assert "2 <small>of 9 points" in text
    assert "You return the sum of each row" in text
    assert "# mine" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "mean.ipynb", "new"]
    path.write_bytes(b"no notebook")
    report = json.loads(run("grade", str(path), "--json", "--page", str(page)).stdout)
    assert "not JSON" in report["problem"]
    assert "could not be read" in page.read_text(encoding="utf-8")


def test_the_terminal_says_where_an_array_is_off(
    here: Path, mechanism: Mechanism, handin: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mean.ipynb"
    wrong = "def centre(X):\n    C = X - row_means(X)[:, None]\n    C[:, 3] *= 2\n    return C"
    path.write_bytes(handin(centre=wrong))
    result = run("grade", str(path))
    assert "It is off only in column 3." in result.stdout


def test_a_class_on_the_terminal_and_as_json(
    built_here: Path, mechanism: Mechanism, handin: Any
) -> None:
    for student, content in (("ada", handin()), ("[bold]bo", b"no notebook")):
        folder = built_here / "submitted" / student / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(content)
    (folder / "other.ipynb").write_bytes(b"{}")
    result = run("grade", "t1")
    assert result.exit_code == 0
    for words in ("ada", "9/9", "[bold]bo", "0/9", "2 graded now", "other.ipynb", "feedback"):
        assert words in result.stdout, words
    for command in (["grade", "t1", "--json"], ["grade", "--json"]):
        content = json.loads(run(*command).stdout)
        assert [r["student"] for r in content] == ["[bold]bo", "ada"]
        assert [r["points"] for r in content] == [0, 9]


def test_every_assignment_in_one_json_list(
    built_here: Path, mechanism: Mechanism, handin: Any
) -> None:
    shutil.copytree(built_here / "assignments" / "t1", built_here / "assignments" / "t2")
    shutil.copytree(built_here / "source" / "t1", built_here / "source" / "t2")
    for assignment in ("t1", "t2"):
        folder = built_here / "submitted" / "ada" / assignment
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(b"no notebook")
    result = run("grade", "--json")
    assert [r["exercise"] for r in json.loads(result.stdout)] == ["t1/mean", "t2/mean"]


def test_building_says_what_ran(built_here: Path) -> None:
    result = run("build", "t1/mean")
    assert result.exit_code == 0
    assert "t1/mean" in result.stdout
    assert "up to date" in result.stdout
    assert "no leak found" in result.stdout


def test_verify_ends_with_1_where_there_is_a_hole(here: Path, mechanism: Mechanism) -> None:
    edit(here / MEAN / "checks.py", "X - oracle.row_means(X)[:, None]", "X")
    result = run("verify", "t1")
    assert result.exit_code == 1
    assert "Correct code, the reference, fails rows_are_centred" in result.stdout
    edit(here / MEAN / "checks.py", "centre(X), X,", "centre(X), X - oracle.row_means(X)[:, None],")
    result = run("verify", "t1/mean")
    assert result.exit_code == 0, result.stdout
    assert "sound" in result.stdout


def test_verify_as_json(here: Path, mechanism: Mechanism) -> None:
    edit(here / MEAN / "checks.py", "X - oracle.row_means(X)[:, None]", "X")
    result = run("verify", "t1", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert found["exercise"] == "t1/mean"
    assert any("fails rows_are_centred" in hole for hole in found["holes"])


def test_doctor_says_which_sandboxes_there_are(mechanism: Mechanism) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    assert f"✓ {mechanism.name}: works here" in result.stdout
    assert "control groups: " in result.stdout
    content = json.loads(run("doctor", "--json").stdout)
    assert content["usable"] is True
    assert content["problems"][mechanism.name] is None


@pytest.mark.slow
def test_the_demo_goes_all_the_way(here: Path, mechanism: Mechanism, tmp_path: Path) -> None:
    result = run("demo", "--folder", str(tmp_path / "demo"))
    assert result.exit_code == 0
    for words in ("no leak found", "looks like sums_instead", "gradebook.db", "Done in", "9/9"):
        assert words in result.stdout, words
    assert "could not run" not in result.stdout
    assert (tmp_path / "demo" / "gradebook.db").is_file()
    assert not (here / "gradebook.db").exists()


def test_the_console_starts_quickly_and_as_a_program() -> None:
    script = (
        "import sys\nfrom autograder.cli import main\n"
        "try:\n    main(['--help'])\nfinally:\n"
        "    heavy = {'nbgrader', 'nbconvert', 'sqlalchemy', 'jupytext', 'nbformat'}\n"
        "    print('heavy:', sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage:")
    assert done.stderr.strip() == "heavy: []"
