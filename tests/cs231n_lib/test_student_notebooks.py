"""What students do with a notebook outside JupyterLab: check it, and pack it to be handed in."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cs231n_lib import exercise_notebook
from cs231n_lib.cli import main
from cs231n_lib.exercise_notebook import expected_here, read_notebook, what_is_wrong
from cs231n_lib.kernels import Kernel
from cs231n_lib.notebook_cells import NotebookError
from cs231n_lib.submission import pack
from cs231n_lib.visible_checks import Step, run_checks

STUB = 'def {0}(x):\n    for i in [x]:\n        raise NotImplementedError("{0} is not written yet")'


def cell(source, name=None, kind="code", tags=None, **grading):
    metadata = {"tags": tags} if tags else {}
    if name is not None:
        metadata["nbgrader"] = {"grade_id": name, "grade": False, "solution": False} | grading
    made = {"cell_type": kind, "metadata": metadata, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def exercise(**functions):
    """Cells of an exercise that asks for `double` and `quadruple`, some of them written."""
    cells = [
        cell("import math\nfrom pathlib import Path"),
        cell("ones = [1, 1]\nPath('demo-1').touch()", tags=["demo"]),
        cell("Path('demo-2').touch()\nraise RuntimeError('no check needs this')", tags=["demo"]),
    ]
    for name, factor in (("double", 2), ("quadruple", 4)):
        cells += [
            cell(functions.get(name, STUB.format(name)), name, solution=True),
            cell(
                f"got = [{name}(x) for x in ones]\n"
                f"assert got == [{factor}, {factor}], f'{name} gives {{got}}'",
                f"check_{name}",
                grade=True,
            ),
        ]
    cells.append(cell("Why?", "question_why", "markdown", grade=True, solution=True))
    return cells


def write(path, cells):
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


DOUBLE = "def double(x):\n    return 2 * x"
QUADRUPLE = "def quadruple(x):\n    return double(double(x))"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An assignment's folder, with what its course.toml says of its two notebooks."""
    place = tmp_path / "a1"
    place.mkdir()
    (place / "course.toml").write_text(
        'dataset = "scenes"\nassignment = "a1"\n[exercises]\n'
        'factors = ["double", "quadruple", "question_why"]\nother = ["triple"]\n'
    )
    monkeypatch.chdir(tmp_path)
    return place


# Check -------------------------------------------------------------------------------------------


def test_each_step_stands_for_itself(folder):
    right = write(folder / "factors.ipynb", exercise(double=DOUBLE, quadruple=QUADRUPLE))
    assert run_checks(right) == [Step("double", "passed"), Step("quadruple", "passed")]
    assert (folder / "demo-1").exists(), "a check uses what this demo cell defines"
    assert not (folder / "demo-2").exists()
    wrong = exercise(double="def double(x):\n    return 3 * x", quadruple=QUADRUPLE)
    assert run_checks(write(right, wrong)) == [
        Step("double", "failed", "double gives [3, 3]"),
        Step("quadruple", "failed", "quadruple gives [9, 9]"),
    ]


def test_what_is_waited_for_is_named(folder):
    path = write(folder / "factors.ipynb", exercise(quadruple=QUADRUPLE))
    assert run_checks(path) == [
        Step("double", "waits", "double"),
        Step("quadruple", "waits", "double"),
    ]


def test_a_cell_that_does_not_run(folder):
    path = write(folder / "factors.ipynb", exercise(double="def double(x:", quadruple=QUADRUPLE))
    first, second = run_checks(path)
    assert first.status == second.status == "failed"
    assert first.message.startswith("its cell does not run: SyntaxError")
    assert "double does not run: SyntaxError" in second.message


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "import time\n    while True:\n        try:\n            time.sleep(60)\n"
        "        except KeyboardInterrupt:\n            pass",
    ],
    ids=["can be interrupted", "cannot"],
)
def test_a_step_that_takes_too_long_takes_no_other_down(folder, body):
    own = "def quadruple(x):\n    return 4 * x"
    path = write(
        folder / "factors.ipynb", exercise(double=f"def double(x):\n    {body}", quadruple=own)
    )
    assert run_checks(path, seconds=2) == [
        Step("double", "timeout", "it took more than 2 seconds"),
        Step("quadruple", "passed"),
    ]


def test_a_kernel_that_dies_is_replaced(folder):
    dies = "import os\ndef double(x):\n    os._exit(1)"
    own = "def quadruple(x):\n    return 4 * x"
    path = write(folder / "factors.ipynb", exercise(double=dies, quadruple=own))
    first, second = run_checks(path)
    assert (first.status, second.status) == ("crashed", "passed")
    assert "the kernel died" in first.message


def test_cells_run_in_the_notebooks_folder_and_see_other_notebooks(folder):
    write(folder / "factors.ipynb", exercise(double=DOUBLE))
    cells = [
        cell("from cs231n_lib.notebooks import from_notebook\nearlier = from_notebook('factors')"),
        cell("def triple(x):\n    return earlier.double(x) + x", "triple", solution=True),
        cell("assert triple(1) == 3", "check_triple", grade=True),
        cell("assert earlier.quadruple(1) == 4", "check_other", grade=True),
    ]
    (folder / "course.toml").unlink()
    cells.append(cell("other = 1", "other", solution=True))
    first, second = run_checks(write(folder / "other.ipynb", cells))
    assert first == Step("triple", "passed")
    assert (second.status, second.message.split()[0]) == ("waits", "quadruple")


def test_no_kernel(folder, monkeypatch):
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import KernelManager

    def missing(self, **options):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(KernelManager, "start_kernel", missing)
    with pytest.raises(NotebookError, match="see cs231n doctor"):
        Kernel(folder, 1).__enter__()


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words], prog_name="cs231n")


def test_check_on_the_console(folder):
    path = write(folder / "factors.ipynb", exercise(double=DOUBLE))
    result = run("check", path)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "✓ double", "… quadruple", "    not written yet", "", "1 of 2 checks pass.",
    ]  # fmt: skip
    result = run("check", path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[1] == {
        "name": "quadruple", "status": "waits", "message": "quadruple",
    }  # fmt: skip
    write(path, exercise(double=DOUBLE, quadruple=QUADRUPLE))
    assert run("check", path).exit_code == 0


# Submit ------------------------------------------------------------------------------------------


def test_a_hand_in_is_packed_under_the_names_that_the_grader_reads(folder):
    path = write(folder / "factors.ipynb", exercise(double=DOUBLE))
    result = run("submit", path)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "a1.zip holds a1/factors.ipynb.",
        "Not written yet: factors: quadruple.",
        "Not in it: other.",
    ]
    with zipfile.ZipFile("a1.zip") as archive:
        assert archive.namelist() == ["a1/factors.ipynb"]
        assert archive.read("a1/factors.ipynb") == path.read_bytes()
    assert json.loads(run("submit", path, "--json").stdout) == {
        "path": "a1.zip",
        "names": ["a1/factors.ipynb"],
        "unwritten": ["factors: quadruple"],
        "missing": ["other"],
    }
    first = Path("a1.zip").read_bytes()
    assert pack([path], Path("again.zip")).path.read_bytes() == first


def without(*names):
    cells = exercise(double=DOUBLE, quadruple=QUADRUPLE)
    return [c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") not in names]


REFUSED = [
    ("factors.ipynb", b"", "factors.ipynb is no notebook: it is not JSON"),
    ("factors.ipynb", b"PK\x03\x04\xff", "it is not JSON"),
    ("factors.ipynb", b"[" * 100_000, "it is not JSON"),
    ("factors.ipynb", b"[1, 2]", "is no notebook of format 4"),
    ("factors.ipynb", b'{"cells": [1]}', "is no notebook of format 4"),
    ("factors.ipynb", without("double"), "factors.ipynb lacks the cell double"),
    ("factors.ipynb", without("double", "question_why"), "the cell double and question_why"),
    ("factors (1).ipynb", without(), "is the notebook factors.ipynb under another name"),
    ("mine.ipynb", without("double"), "mine.ipynb is no notebook of a1, which has factors.ipynb"),
    ("other.ipynb", without(), "other.ipynb holds the exercise factors"),
]


@pytest.mark.parametrize(("name", "content", "words"), REFUSED, ids=[r[2][:40] for r in REFUSED])
@pytest.mark.parametrize("command", ["submit", "check"])
def test_refused_is_what_the_grader_could_not_read(folder, command, name, content, words):
    path = folder / name
    path.write_bytes(content) if isinstance(content, bytes) else write(path, content)
    before = sorted(Path().rglob("*"))
    result = run(command, path)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.startswith("cs231n: ")
    assert result.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def test_other_bad_input(folder, tmp_path):
    path = write(folder / "factors.ipynb", exercise())
    apart = write(tmp_path / "a2" / "more.ipynb", exercise())
    bad = [
        (["submit", "no.ipynb"], "there is no file"),
        (["submit", path, apart], "a hand-in is of one folder"),
        (["submit", path, path], "named twice"),
        (["submit", path, "--output", "x.ipynb"], "does not end in .zip"),
        (["submit", path, "--output", tmp_path / "no" / "x.zip"], "cannot be written"),
        (["submit"], "missing argument"),
        (["check", path, "--seconds", "0"], "not in the range"),
        (["check", write(folder.parent / "plain" / "p.ipynb", [cell("1")])], "is no exercise"),
    ]
    for arguments, words in bad:
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
    (folder / "course.toml").write_text("[exercises")
    assert "course.toml is garbled" in run("submit", path).stderr


def test_without_a_course_file_the_folder_and_the_checks_decide(folder):
    (folder / "course.toml").unlink()
    path = write(folder / "any.ipynb", without("double"))
    problem = what_is_wrong(path, read_notebook(path), expected_here(folder))
    assert "lacks the cell double" in str(problem)
    assert pack([write(path, exercise())]).names == ("a1/any.ipynb",)


def test_too_much_is_refused(folder, monkeypatch):
    path = write(folder / "factors.ipynb", exercise())
    monkeypatch.setattr(exercise_notebook, "MAX_BYTES", 100)
    with pytest.raises(NotebookError, match="clear its outputs"):
        read_notebook(path)
    monkeypatch.undo()
    monkeypatch.setattr(exercise_notebook, "MAX_CELLS", 3)
    with pytest.raises(NotebookError, match="the grader reads 3"):
        read_notebook(path)


@pytest.mark.parametrize("words", ["check", "submit"])
def test_help(words):
    result = run(words, "--help")
    assert "Example:\n" in result.output
    assert "exit code" in " ".join(result.output.split())
