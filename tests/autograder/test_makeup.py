from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.course import Exercise
from autograder.errors import CourseError
from autograder.handin import Handin
from autograder.makeup import blank, from_style, misconception_source, reference, with_solution


def sources(exercise: Exercise, content: bytes) -> dict[str, str]:
    handin = Handin.read(content, exercise.text)
    assert handin.notes == ()
    return {cell.name: cell.source for cell in handin.cells}


def run(source: str, **names: Any) -> dict[str, Any]:
    namespace = {"np": np, **names}
    exec(compile(source, "<made>", "exec"), namespace)  # noqa: S102
    return namespace


def test_the_reference_is_our_notebook_without_marks(tiny: Exercise) -> None:
    found = sources(tiny, reference(tiny))
    assert "total = X.sum(axis=1)" in found["row_means"]
    assert "SOLUTION" not in json.dumps(found)
    assert found["question_why"].startswith("The mean times")
    compile(found["row_means"], "made", "exec")


def test_a_blank_is_what_students_get(tiny: Exercise, built_once: Path) -> None:
    released = (built_once / "release" / "t1" / "mean.ipynb").read_bytes()
    assert sources(tiny, blank(tiny)) == sources(tiny, released)
    assert Handin.read(blank(tiny), tiny.text).answered == frozenset()


def test_one_solution_can_be_another(tiny: Exercise) -> None:
    found = sources(tiny, with_solution(tiny, "centre", "def centre(X):\n    return 5"))
    assert found["centre"] == "def centre(X):\n    return 5"
    assert "total = X.sum(axis=1)" in found["row_means"]


def test_a_style_is_split_over_the_cells(tiny: Exercise) -> None:
    (path,) = tiny.styles()
    found = sources(tiny, from_style(tiny, path))
    assert found["row_means"].startswith('"""Loops and lists."""\n\nimport math\n\ndef add_up')
    assert found["centre"].startswith("def centre(X):")
    assert "def row_means" not in found["centre"]


def test_a_style_that_lacks_a_function_is_told(tiny: Exercise, tmp_path: Path) -> None:
    path = tmp_path / "short.py"
    path.write_text("def row_means(X):\n    return X.mean(axis=1)\n")
    with pytest.raises(CourseError, match=r"short\.py does not define centre"):
        from_style(tiny, path)


def test_a_style_may_leave_what_no_check_is_of_to_the_reference(make: Any, tmp_path: Path) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        @check(points=1, of="f")
        def c(student, rng):
            "It is."
        """,
        extra=[make.solution("optional", "def optional(x):\n    return f(x) + 1")],
    )
    path = tmp_path / "other.py"
    path.write_text("def f(x):\n    return 0 + x\n")
    found = sources(exercise, from_style(exercise, path))
    assert found["f"] == "def f(x):\n    return 0 + x"
    assert found["optional"] == "def optional(x):\n    return f(x) + 1"


def test_every_misconception_stands_alone_under_the_functions_name(tiny: Exercise) -> None:
    X = np.array([[1.0, 3.0], [2.0, 6.0]])
    for wrong in tiny.misconceptions:
        source = misconception_source(wrong)
        assert "autograder" not in source
        assert wrong.hint not in source
        (function,) = [n for n in ast.parse(source).body if getattr(n, "name", "") == wrong.of]
        assert ast.get_docstring(function) is None  # type: ignore[arg-type]
        made = run(source)[wrong.of]
        if wrong.symptom == "exception":
            with pytest.raises(np.exceptions.AxisError):
                made(X.copy())
        elif wrong.symptom != "memory":
            np.testing.assert_array_equal(made(X.copy()), wrong.run(X.copy()))


def test_what_a_misconception_uses_comes_with_it(make: Any) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        "",
        """
        import math as m
        from functools import reduce

        EPS = 1e-3
        UNUSED = 5

        def helper(x):
            return deeper(x) + EPS

        def deeper(x):
            return reduce(max, [x, m.pi])

        class Kept:
            size = EPS

        @misconception(of="f", caught_by="c")
        def uses(x):
            '''You use too much.'''
            return helper(x) + Kept.size

        @misconception(of="f", caught_by="c")
        def plain(x):
            '''You use nothing.'''
            return -x
        """,
    )
    uses, plain = exercise.misconceptions
    source = misconception_source(uses)
    assert "UNUSED" not in source
    assert "misconception" not in source
    assert run(source)["f"](1.0) == pytest.approx(3.1415926 + 2e-3)
    assert misconception_source(plain) == "def f(x):\n    return -x"
