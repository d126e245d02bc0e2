"""A hand-in goes in, a report comes out: whatever the hand-in holds."""

from __future__ import annotations

import copy
import json
import os
import signal
import textwrap
import time
from collections.abc import Callable
from typing import Any

import pytest

from autograder import grading
from autograder.backends import SandboxBackend
from autograder.course import Exercise
from autograder.handin import Unreadable
from autograder.report import CheckResult, Report
from autograder.sandbox import Mechanism, Zygote

GradeIt = Callable[..., Report]
Find = Callable[[Report, str], CheckResult]
ALL = {"means_are_right": 3, "input_is_left_alone": 1, "memory_is_modest": 1, "rows_are_centred": 4}


def earned(report: Report) -> set[str]:
    """The checks that were passed, points and outcome agreeing."""
    for check in report.checks:
        assert check.max_points == ALL[check.name]
        assert check.points == (check.max_points if check.outcome == "passed" else 0)
    return {check.name for check in report.checks if check.outcome == "passed"}


def test_a_right_hand_in_earns_everything(tiny: Exercise, handin: Any, grade: GradeIt) -> None:
    report = grade(tiny, handin())
    assert earned(report) == set(ALL)
    assert (report.points, report.max_points) == (9, 9)
    assert (report.exercise, report.student, report.problem) == ("t1/mean", "ada", None)
    assert report.notes == ()
    assert [(q.name, q.answered, q.max_points) for q in report.questions] == [
        ("question_why", True, 2.0)
    ]
    assert report.grader["suite"] == tiny.suite
    assert report.grader["sandbox"] == "bubblewrap"
    assert all(check.message == check.detail == "" for check in report.checks)
    assert 0 < report.seconds < 60


STYLES = {
    "lists": (
        "def row_means(X):\n    return [sum(row) / len(row) for row in X.tolist()]",
        "def centre(X):\n    return [[x - m for x in r] for r, m in zip(X.tolist(), row_means(X))]",
    ),
    "single precision": (
        "def row_means(X):\n    return X.mean(axis=1)",
        "def centre(X):\n    return X - np.array(row_means(X))[:, None]",
    ),
    "a generator and a view": (
        "def row_means(X):\n    return np.fromiter((r.mean() for r in X), float)",
        "def centre(X):\n    return (X.T - row_means(X)).T",
    ),
    "a lambda and a partial": (
        "from functools import partial\nrow_means = partial(np.mean, axis=1)",
        "centre = lambda X: X - row_means(X)[:, None]",
    ),
    "another name for the library": (
        "import numpy\ndef row_means(X: numpy.ndarray) -> 'numpy.ndarray':\n"
        "    return numpy.einsum('nd->n', X) / X.shape[-1]",
        "def centre(X, *, keep=True):\n    return numpy.subtract(X, row_means(X).reshape(-1, 1))",
    ),
    "helpers and constants in the same cell": (
        "AXIS = 1\ndef _count(X):\n    return X.shape[AXIS]\n"
        "def row_means(X):\n    return X.sum(AXIS) / _count(X)",
        "class Centre:\n    def __call__(self, X):\n        return X - row_means(X)[:, None]\n"
        "centre = Centre()",
    ),
    "noise": (
        "import warnings\ndef row_means(X):\n    warnings.warn('careful')\n    print('here', X)\n"
        "    np.log(np.zeros(1)); import sys; print('err', file=sys.stderr)\n"
        "    return X.mean(axis=1)",
        "def centre(X):\n    return X - row_means(X)[:, None]",
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_every_legitimate_style_earns_everything(
    tiny: Exercise, handin: Any, grade: GradeIt, style: str
) -> None:
    row_means, centre = STYLES[style]
    report = grade(tiny, handin(row_means=row_means, centre=centre))
    if style == "lists":
        # The tiny suite asks for .shape, as a check should not: everything else stands.
        assert earned(report) == set(ALL) - {"rows_are_centred"}
    else:
        assert earned(report) == set(ALL), [c.message for c in report.checks]


@pytest.mark.parametrize("dtype", ["float32", "float64", "list", "tuple", "scalars", "column"])
def test_results_of_any_container_and_precision_pass(
    make: Any, handin: Any, grade: GradeIt, dtype: str
) -> None:
    exercise = make(
        {"f": "def f(x):\n    return float(x.sum()), x * 2.0"},
        """
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            x = rng.normal(size=6)
            total, out = student.f(x)
            assert_close(total, x.sum(), name="total", rtol=1e-5)
            assert_close(out, 2 * x, name="out", rtol=1e-5)
        """,
    )
    body = {
        "float32": "return np.float32(x.sum()), (2 * x).astype(np.float32)",
        "float64": "return x.sum(), 2 * x",
        "list": "return [x.sum(), list(2 * x)]",
        "tuple": "return float(x.sum()), tuple(2 * x)",
        "scalars": "return np.array(x.sum()), [np.float32(2 * v) for v in x]",
        "column": "return x.sum(keepdims=True), 2 * x",
    }[dtype]
    (result,) = grade(exercise, handin.of(exercise, f=f"def f(x):\n    {body}")).checks
    assert result.outcome == "passed", result.message


@pytest.mark.parametrize("kind", ["{}", "defaultdict(float)", "OrderedDict()"])
def test_gradients_may_be_collected_in_any_dictionary(
    make: Any, handin: Any, grade: GradeIt, kind: str
) -> None:
    exercise = make(
        {"f": "def f(W):\n    return W.sum(), {'W': np.ones_like(W), 'b': 0.0}"},
        """
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            W = rng.normal(size=(2, 3))
            loss, grads = student.f(W)
            assert_close(grads["W"], np.ones((2, 3)), name="grads['W']")
            require(sorted(grads) == ["W", "b"], "keys")
        """,
        given="import numpy as np\nfrom collections import OrderedDict, defaultdict",
    )
    source = (
        f"def f(W):\n    grads = {kind}\n    grads['W'] = np.ones(W.shape)\n    grads['b'] = 0\n"
        "    return W.sum(), grads"
    )
    (result,) = grade(exercise, handin.of(exercise, f=source)).checks
    assert result.outcome == "passed", result.message


def test_helpers_and_experiments_in_cells_of_ones_own(
    tiny: Exercise, handin: Any, grade: GradeIt
) -> None:
    cells = handin.cells(row_means="def row_means(X):\n    return add_up(X) / COLUMNS(X)")
    cells.insert(1, handin.cell("def add_up(X):\n    return X.sum(axis=1)\n1 / 0"))
    cells.append(handin.cell("COLUMNS = lambda X: X.shape[1]\nraise ValueError"))
    cells.append(handin.cell("import time\nfor i in range(10**12):\n    time.sleep(1)"))
    cells.append(handin.cell("best = time.sleep(100)\ndef broken(:"))
    cells.append(handin.cell("%timeit row_means(X)\nassert False\nexit()"))
    start = time.monotonic()
    assert earned(grade(tiny, handin.file(cells))) == set(ALL)
    assert time.monotonic() - start < 30


WRONG = {
    "sums_instead": "return X.sum(axis=1)",
    "half_the_mean": "return np.array([float(r.mean()) / 2 for r in X])",
    "wrong_axis": "return X.mean(axis=2)",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_known_mistake_is_named_with_its_hint(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find, name: str
) -> None:
    report = grade(tiny, handin(row_means=f"def row_means(X):\n    {WRONG[name]}"))
    result = outcome(report, "means_are_right")
    assert (result.outcome, result.misconception) == ("failed", name)
    wrong = next(m for m in tiny.misconceptions if m.name == name)
    assert result.hint == wrong.hint
    # The later function uses the student's own earlier one, and fails for the same reason.
    assert outcome(report, "rows_are_centred").misconception == name


@pytest.mark.parametrize(
    ("factor", "cells", "place"),
    [
        ("[1, 1, -3, 1]", ("0030", "0030", "0030"), "only in column 2"),
        ("[[1], [np.nan], [1]]", ("0000", "4444", "0000"), "only in row 1"),
    ],
)
def test_where_an_array_is_off_is_in_the_report(
    make: Any,
    handin: Any,
    grade: GradeIt,
    outcome: Find,
    factor: str,
    cells: tuple[str, ...],
    place: str,
) -> None:
    exercise = make(
        {"f": "def f(X):\n    return X * np.pi"},
        """
        @check(points=1, of="f")
        def product(student, rng):
            "It is right."
            X = rng.uniform(1, 2, size=(3, 4))
            assert_close(student.f(X), X * np.pi, name="f(X)\\x1b[31m")
        """,
        """
        @misconception(of="f", caught_by="product")
        def rounded(X):
            "You round."
            return X * 3.14
        """,
    )
    report = grade(exercise, handin.of(exercise, f=f"def f(X):\n    return X * np.pi * {factor}"))
    found = outcome(report, "product").error_map
    assert found is not None
    assert (found.cells, found.place, found.shape) == (cells, place, (3, 4))
    assert found.name == "f(X)[31m"
    assert outcome(grade(exercise, handin.of(exercise)), "product").error_map is None


def test_a_changed_input_is_found_and_named(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    source = "def row_means(X):\n    X -= X.mean()\n    X += 1\n    return X.mean(axis=1)"
    result = outcome(grade(tiny, handin(row_means=source)), "input_is_left_alone")
    assert (result.outcome, result.misconception) == ("failed", "doubles_the_input")


def test_an_exception_is_quoted_with_its_line(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    source = "def row_means(X):\n    return help_me(0)\n\n\ndef help_me(x):\n    return x['a']"
    result = outcome(grade(tiny, handin(row_means=source)), "means_are_right")
    assert result.outcome == "failed"
    assert result.message == (
        "`row_means` raised TypeError: 'int' object is not subscriptable "
        "(line 6 of `row_means`: `return x['a']`)"
    )
    assert result.misconception is None


def test_a_function_that_is_not_written_says_which(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    stub = "def row_means(X):\n    raise NotImplementedError('row_means is not written yet')"
    report = grade(tiny, handin(row_means=stub))
    for check in report.checks:
        assert (check.outcome, check.message) == ("failed", "`row_means` is not written yet")
        assert check.misconception is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "`row_means` is not defined in your notebook"),
        ("row_mean = 1", "`row_means` is not defined in your notebook"),
        ("def row_means(X):\nreturn 1", r"`row_means` could not be defined: IndentationError"),
        ("row_means = 3", "'int' object is not callable"),
        ("def row_means():\n    return 1", "takes 0 positional arguments but 1 was given"),
        ("def row_means(X):\n    return data.mean()", "no data that the notebook loaded"),
        ("import torch\ndef row_means(X):\n    return torch.mean(X, 1)", "without torch"),
        ("import torch\n@torch.jit.script\ndef row_means(X):\n    return X", "without torch"),
    ],
)
def test_what_is_missing_or_refused_is_said(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find, source: str, words: str
) -> None:
    import re

    result = outcome(grade(tiny, handin(row_means=source)), "means_are_right")
    assert result.outcome == "failed"
    assert re.search(words, result.message), result.message


ODD_VALUES = [
    "None",
    "'text'",
    "...",
    "row_means",
    "{}",
    "{1: X}",
    "(X, X)",
    "[]",
    "[[1], [2, 3]]",
    "10**400",
    "[10**400, 1.5, 0, 0, 0]",
    "10**10000",
    "float('nan')",
    "np.full(5, np.nan)",
    "np.full(5, np.inf)",
    "np.zeros((5, 1))",
    "np.zeros(0)",
    "np.array(None)",
    "np.array(['a'] * 5)",
    "np.ma.masked_all(5)",
    "np.zeros(5, complex) + 1j",
    "np.zeros(5, dtype='datetime64[s]')",
    "np.zeros(5, dtype=[('a', float)])",
    "object()",
    "type('Odd', (), {'__array__': lambda s, *a: 1 / 0, '__eq__': lambda s, o: True})()",
    "(x for x in X)",
    "lambda: 1",
    "np.broadcast_to(1.0, (10**6, 10**6))",
    "np.zeros(2**26)",
    "'x' * 2**28",
    "[0] * 10**7",
    "np.random.default_rng(0)",
    "print",
    "True",
    "b'12345'",
]


def test_any_value_that_is_returned_is_an_ordinary_failure(
    make: Any, handin: Any, grade: GradeIt
) -> None:
    functions = {
        f"f{i}": f"def f{i}(X):\n    return X.mean(axis=1)" for i in range(len(ODD_VALUES))
    }
    checks = "".join(
        f"""
@check(points=1, of="f{i}", timeout=20)
def plain{i}(student, rng):
    '''It is right.'''
    X = rng.normal(size=(5, 7))
    assert_close(student.f{i}(X), X.mean(axis=1), name="means")

@check(points=1, of="f{i}", timeout=20)
def careless{i}(student, rng):
    '''It is right, said in passing.'''
    X = rng.normal(size=(5, 7))
    out = student.f{i}(X)
    a, b, c, d, e = out
    assert out.shape == (5,) and abs(out.sum() - X.sum() / 7) < 1e-9 and a + e
"""
        for i in range(len(ODD_VALUES))
    )
    exercise = make(functions, checks)
    sources = {f"f{i}": f"def f{i}(X):\n    return {v}" for i, v in enumerate(ODD_VALUES)}
    report = grade(exercise, handin.of(exercise, **sources))
    for check in report.checks:
        value = ODD_VALUES[int(check.of[1:])]
        assert check.outcome == "failed", (value, check.outcome, check.message, check.detail)
        assert check.points == 0
        assert check.message, value
        assert len(check.message) <= 2000
        assert "Traceback" not in check.message
        assert check.detail == "", (value, check.detail)
    assert Report.from_json(report.to_json()) == report


def test_a_wrong_structure_is_told_by_structure(make: Any, handin: Any, grade: GradeIt) -> None:
    exercise = make(
        {"f": "def f(X):\n    return float(X.sum()), X * 2"},
        """
        @check(points=2, of="f")
        def is_right(student, rng):
            '''It is right.'''
            loss, dX = student.f(rng.normal(size=(2, 3)))
            assert dX.shape == (2, 3)
        """,
    )
    for body, got in {
        "float(X.sum())": "a number",
        "(X.sum(),)": "a tuple of (a number)",
        "1, 2, 3": "a tuple of (a number, a number, a number)",
        "None": "None",
        "X.sum(), X.T.copy()": "a tuple of (a number, an array of shape (3, 2))",
        "{'loss': 1}": "a dict of 1 items",
    }.items():
        content = handin.of(exercise, f=f"def f(X):\n    return {body}")
        (result,) = grade(exercise, content).checks
        assert result.outcome == "failed"
        expected = "a tuple of (a number, an array of shape (2, 3))"
        assert result.message == f"`f` returned {got}, expected {expected}"


def test_a_checks_own_fault_costs_nothing_and_is_reported(
    make: Any, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        @check(points=5, of="f")
        def broken(student, rng):
            '''It is broken.'''
            student.f(1)
            {}["nothing"]

        @check(points=2, of="f")
        def passes_too_much(student, rng):
            '''It passes what cannot cross.'''
            student.f(object())

        @check(points=1, of="f")
        def sound(student, rng):
            '''It is sound.'''
            require(student.f(2) == 2, "not 2")
        """,
    )
    for source, sound in (
        ("def f(x):\n    return x", "passed"),
        ("def f(x):\n    return 9", "failed"),
    ):
        report = grade(exercise, handin.of(exercise, f=source))
        for name, error in (("broken", "KeyError"), ("passes_too_much", "TypeError")):
            result = outcome(report, name)
            assert result.outcome == "could_not_run"
            assert result.points == result.max_points > 0
            assert error in result.detail
            assert "grader's fault" in result.message
            assert error not in result.message
        assert outcome(report, "sound").outcome == sound


def test_checks_do_not_depend_on_each_others_fate(
    tiny: Exercise, handin: Any, grade: GradeIt
) -> None:
    """What one function does to its process takes nothing from the checks of the other."""
    for trouble, expected in {
        "import os; os._exit(0)": "crashed",
        "import ctypes; ctypes.string_at(1)": "crashed",
        "while True: pass": "timeout",
        "raise SystemExit": "failed",
        "import sys; sys.setrecursionlimit(10**9)\n    def f(n): return f(n + 1)\n    f(0)": None,
        "return np.ones(10**11)": "failed",
        "import threading, time; threading.Thread(target=time.sleep, args=(99,)).start()": "failed",
        "import os; os.close(3)": "crashed",
        "np.mean = None; X.__class__.mean": "failed",
    }.items():
        report = grade(
            tiny,
            handin(
                row_means=f"def row_means(X):\n    {trouble}",
                centre="def centre(X):\n    return X - X.sum(axis=1, keepdims=True) / X.shape[1]",
            ),
        )
        assert "rows_are_centred" in earned(report), trouble
        wrong = report.checks[0].outcome
        assert wrong == expected or (expected is None and wrong != "passed"), (trouble, wrong)


def test_time_and_memory_are_named(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    report = grade(tiny, handin(row_means="def row_means(X):\n    while True: pass"))
    first = outcome(report, "means_are_right")
    assert first.outcome == "timeout"
    assert first.message == "`row_means` did not finish within 2 s"
    assert outcome(report, "input_is_left_alone").message.endswith("within 0.5 s")
    wasteful = "def row_means(X):\n    np.ones(2**25)\n    return X.mean(axis=1)"
    result = outcome(grade(tiny, handin(row_means=wasteful)), "memory_is_modest")
    assert result.outcome == "failed"
    assert "more than the 100 MB" in result.message
    assert result.misconception == "wasteful"


def test_prints_are_kept_with_the_check_that_caused_them(
    tiny: Exercise, handin: Any, grade: GradeIt, outcome: Find
) -> None:
    source = "def centre(X):\n    print('\\x1b[31m<b>centre</b>')\n    return X"
    report = grade(tiny, handin(centre=source))
    assert outcome(report, "means_are_right").printed == ""
    assert outcome(report, "rows_are_centred").printed.startswith("[31m<b>centre</b>\n")


# Hand-ins that are not what they should be -------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "not JSON"),
        (b'{"worksheets": [], "nbformat": 3}', "no notebook of format 4"),
        (Unreadable("the hand-in is no regular file"), "no regular file"),
    ],
)
def test_what_cannot_be_read_has_an_outcome_of_its_own(
    tiny: Exercise, grade: GradeIt, content: Any, words: str
) -> None:
    report = grade(tiny, content)
    assert words in (report.problem or "")
    assert (report.points, report.max_points) == (0, 9)
    assert [q.answered for q in report.questions] == [False]
    assert all(c.outcome == "failed" and words in c.message for c in report.checks)


def test_forged_metadata_changes_nothing(tiny: Exercise, handin: Any, grade: GradeIt) -> None:
    cells = handin.cells(row_means="def row_means(X):\n    return 0")
    for cell in cells:
        cell["metadata"]["tags"] = ["skip-execution", "demo", "remove_cell"]
        grader = cell["metadata"].setdefault("nbgrader", {})
        grader.update(points=1000, schema_version=99, grade=False, task=True, checksum="0")
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "passed"}]
    report = grade(tiny, handin.file(cells, nbformat_minor=99))
    assert earned(report) == {"input_is_left_alone", "memory_is_modest"}
    assert report.max_points == 9


def test_an_edited_check_does_not_count(tiny: Exercise, handin: Any, grade: GradeIt) -> None:
    cells = handin.cells(row_means="def row_means(X):\n    return 0")
    cells[2]["source"] = "row_means = lambda X: X.mean(axis=1)"
    report = grade(tiny, handin.file(cells))
    assert "means_are_right" not in earned(report)
    assert report.notes == ("The cell check_row_means was edited: its original counts.",)


def test_lost_and_doubled_cells_are_graded_as_they_are(
    tiny: Exercise, handin: Any, grade: GradeIt
) -> None:
    cells = handin.cells()
    del cells[3]
    report = grade(tiny, handin.file(cells))
    assert earned(report) == set(ALL) - {"rows_are_centred"}
    assert report.checks[3].message == "`centre` is not defined in your notebook"
    assert report.notes == ("The cell centre is missing.",)
    cells = handin.cells()
    doubled = copy.deepcopy(cells[1])
    doubled["source"] = "def row_means(X):\n    return 0"
    report = grade(tiny, handin.file([doubled, *cells]))
    assert earned(report) == set(ALL)
    assert len(report.notes) == 1


def test_fifty_megabytes_of_output_cost_a_moment(
    tiny: Exercise, handin: Any, grade: GradeIt
) -> None:
    cells = handin.cells()
    cells[1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50 * 2**20}]
    report = grade(tiny, handin.file(cells))
    assert earned(report) == set(ALL)
    assert len(report.to_json()) < 10_000


# What a hand-in may try --------------------------------------------------------------------------


CHEATS = {
    "patches numpy": "np.testing = np.allclose = np.isclose = lambda *a, **k: True",
    "patches builtins": "import builtins; builtins.AssertionError = KeyError",
    "always equal": (
        "class E(np.ndarray):\n    def __eq__(s, o): return True\n"
        "    def __le__(s, o): return True\n"
        "    def __sub__(s, o): return s * 0\n    def __abs__(s): return s * 0"
    ),
    "reads frames": "import sys; sys._getframe(1).f_globals",
    "looks for checks": (
        "import glob\n    for top in ('home', 'root', 'work', 'srv', 'tmp', 'packages', 'opt'):\n"
        "        for f in glob.glob(f'/{top}/**/checks.py', recursive=True): exec(open(f).read())"
    ),
    "forges an answer": "import os; os.write(3, bytes(8) + bytes([0] * 7 + [2]) + b'{}')",
    "answers in advance": (
        "import json, os\n"
        "    for n in range(1, 50):\n"
        "        t = json.dumps({'value': None, 'seq': n, 'printed': '', 'lengths': []}).encode()\n"
        "        os.write(3, len(t).to_bytes(8, 'big') + bytes(8) + t)"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_earns_nothing_for_the_values(
    tiny: Exercise, handin: Any, grade: GradeIt, cheat: str
) -> None:
    kind = "E" if cheat == "always equal" else "np.ndarray"
    source = (
        f"def row_means(X):\n    {CHEATS[cheat]}\n    return np.zeros(len(X)).view({kind})"
        if cheat != "always equal"
        else f"{CHEATS[cheat]}\ndef row_means(X):\n    return np.zeros(len(X)).view(E)"
    )
    report = grade(tiny, handin(row_means=source))
    assert not {"means_are_right", "rows_are_centred"} & earned(report)
    assert not any(check.outcome == "could_not_run" for check in report.checks)


def test_inputs_differ_by_student_and_are_the_same_again(
    make: Any, handin: Any, grade: GradeIt
) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        @check(points=1, of="f")
        def says(student, rng):
            '''It says.'''
            require(False, str(student.f(rng.normal())))
        """,
    )
    content = handin.of(exercise)

    def said(student: str, secret: bytes = b"s") -> str:
        return grade(exercise, content, student, secret).checks[0].message

    assert said("ada") == said("ada")
    assert len({said("ada"), said("bob"), said("ada", b"t")}) == 3


def test_two_gradings_differ_in_seconds_alone(tiny: Exercise, handin: Any, grade: GradeIt) -> None:
    def bare(report: Report) -> Any:
        content = json.loads(report.to_json())
        for part in (content, *content["checks"]):
            del part["seconds"]
        return content

    content = handin(row_means="def row_means(X):\n    return X.sum(axis=1)")
    assert bare(grade(tiny, content)) == bare(grade(tiny, content))


def test_a_sandbox_that_ends_in_the_middle_costs_nobody_anything(
    tiny: Exercise, handin: Any, mechanism: Mechanism
) -> None:
    with Zygote(mechanism) as fragile:
        original = SandboxBackend.perform
        left = [2]

        def perform(self: SandboxBackend, call: Any) -> Any:
            if left[0] > 0 and call.name == "row_means" and fragile._process is not None:
                left[0] -= 1
                os.kill(fragile._process.pid, signal.SIGKILL)
                fragile._process.wait()
            return original(self, call)

        SandboxBackend.perform = perform  # type: ignore[method-assign]
        try:
            report = grading.grade_handin(tiny, handin(), "ada", fragile, b"s")
        finally:
            SandboxBackend.perform = original  # type: ignore[method-assign]
    assert report.points == 9
    assert {check.outcome for check in report.checks} <= {"passed", "could_not_run"}


def test_a_sandbox_that_never_works_runs_nothing_and_costs_nothing(
    tiny: Exercise, handin: Any, mechanism: Mechanism
) -> None:
    class Half:
        """Starts the warm process, but its workers cannot put up their filter."""

        name, confines = "half", True
        problem, command = mechanism.problem, mechanism.command

        def filter(self) -> bytes:
            return b"\xff" * 8

    with Zygote(Half()) as half:
        report = grading.grade_handin(tiny, handin(), "ada", half, b"s")
    assert {check.outcome for check in report.checks} == {"could_not_run"}
    assert report.points == 9


def test_a_value_that_hangs_our_own_code_is_given_up(
    make: Any, handin: Any, grade: GradeIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading, "OWN_SECONDS", 0.5)
    monkeypatch.setattr(grading, "DEFINE_SECONDS", 0.5)
    monkeypatch.setattr(grading, "DIAGNOSIS_SECONDS", 0.5)
    exercise = make(
        {"train": "def train(x):\n    return 3", "predict": "def predict(n):\n    return n * 2"},
        """
        @check(points=1, of="train", timeout=1)
        def counts(student, rng):
            '''It counts.'''
            n = student.train(1)
            for i in range(n):
                pass
            require(n == 3, "not 3")

        @check(points=1, of="predict", timeout=1)
        def predicts(student, rng):
            '''It predicts.'''
            n = student.train(1)
            require(student.predict(n) == 6, "not 6")
        """,
        """
        @misconception(of="predict", caught_by="predicts")
        def slowly(n):
            '''You count.'''
            for i in range(n):
                pass
            return n
        """,
    )
    content = handin.of(
        exercise, train="def train(x):\n    return 10**15", predict="def predict(n):\n    return 1"
    )
    start = time.monotonic()
    counts, predicts = grade(exercise, content).checks
    assert time.monotonic() - start < 15
    assert counts.outcome == "failed"
    assert (predicts.outcome, predicts.message) == ("failed", "not 6")
    assert predicts.misconception is None


def test_the_course_library_is_there_and_its_dataset_that_of_the_exercise(
    make: Any, handin: Any, grade: GradeIt
) -> None:
    exercise = make(
        {"f": "def f(x):\n    return relative_error(x, x)"},
        """
        from cs231n_lib.datasets import load_dataset
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            data = load_dataset(num_training=4, num_validation=0, num_test=0)
            require(data.name == "scenes", data.name)
            require(student.f(data.X_train) == 0, "not 0")
        """,
        given="import numpy as np\nfrom cs231n_lib.checking import relative_error",
    )
    (result,) = grade(exercise, handin.of(exercise)).checks
    assert result.outcome == "passed", result.message + result.detail


def test_the_fast_layers_compute_when_graded_where_nothing_refuses_them(
    make: Any, handin: Any, grade: GradeIt
) -> None:
    exercise = make(
        {"f": "def f(x, w, b):\n    raise NotImplementedError"},
        """
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            x, w, b = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(6, 3, 1, 1)), np.ones(6)
            expected = np.einsum("nchw,kc->nkhw", x, w[:, :, 0, 0]) + 1
            assert_close(student.f(x, w, b), expected)
        """,
    )
    source = """
        from cs231n_lib.fast_layers import conv_forward_fast
        def f(x, w, b):
            return conv_forward_fast(x, w, b, {"stride": 1, "pad": 0})[0]
    """
    (result,) = grade(exercise, handin.of(exercise, f=textwrap.dedent(source))).checks
    assert result.outcome == "passed", result.message + result.detail


def test_a_refused_library_is_refused_and_said(make: Any, handin: Any, grade: GradeIt) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        REFUSED = ("cs231n_lib.fast_layers", "statistics")
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            require(student.f(1) == 1, "not 1")
        """,
    )
    for use in (
        "from cs231n_lib.fast_layers import conv_forward_fast as f",
        "import cs231n_lib.fast_layers as l\ndef f(x):\n    return l.conv_forward_fast(x)",
        "import statistics\ndef f(x):\n    return statistics.mean([x])",
        "def f(x):\n    import statistics\n    return statistics.mean([x])",
    ):
        (result,) = grade(exercise, handin.of(exercise, f=use)).checks
        assert result.outcome == "failed"
        assert "is not available when graded" in result.message


def test_what_hung_once_gets_little_time_where_others_checks_call_it(
    make: Any, grade: GradeIt, handin: Any, outcome: Find
) -> None:
    """It has shown what it does; the check of the other function ends soon."""
    checks = '''
    @check(points=1, of="f", timeout=0.5)
    def f_is_right(student, rng):
        """It is right."""
        student.f(1)

    @check(points=1, of="g", timeout=12.0)
    def g_is_right(student, rng):
        """It is right, too."""
        student.g(1)
        student.f(1)

    @check(points=1, of="g", timeout=12.0)
    def g_is_still_right(student, rng):
        """It has all of its own time."""
        student.g(1)
    '''
    functions = {"f": "def f(x):\n    return x", "g": "def g(x):\n    return x"}
    exercise = make(functions, checks, points={"f": 1, "g": 2})
    report = grade(exercise, handin.of(exercise, f="def f(x):\n    while True: pass"))
    late = outcome(report, "g_is_right")
    assert (late.outcome, late.message) == ("timeout", "`f` did not finish within 3 s")
    assert outcome(report, "g_is_still_right").outcome == "passed"
