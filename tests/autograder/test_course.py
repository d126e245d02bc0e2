from __future__ import annotations

import shutil
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.authoring import Threshold
from autograder.course import Course
from autograder.errors import CourseError, UserError


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_an_exercise_is_what_its_folder_holds(tiny: Any) -> None:
    assert tiny.id == "t1/mean"
    assert tiny.dataset == "scenes"
    assert [c.name for c in tiny.checks] == [
        "means_are_right",
        "input_is_left_alone",
        "memory_is_modest",
        "rows_are_centred",
    ]
    assert len(tiny.misconceptions) == 6
    assert [p.stem for p in tiny.styles()] == ["loops"]
    assert tiny.max_points("row_means") == 5
    assert tiny.max_points("centre") == 4
    assert tiny.refused == ()
    assert tiny.thresholds == {}


def test_a_suite_that_is_forgotten_is_gone_and_loads_again(make: Any) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        from . import oracle
        class Data: pass
        DATA = Data()
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
            require(DATA and oracle)
        """,
    )
    before = exercise.checks
    gone = weakref.ref(before[0].run.__globals__["DATA"])
    assert gone() is not None
    del before
    exercise.forget()
    assert gone() is None
    assert not [
        name for name in sys.modules if name.startswith(f"_exercise_{exercise.assignment}_")
    ]
    assert [check.name for check in exercise.checks] == ["is_right"]
    assert exercise.refused == ()


def test_a_course_is_found_from_anywhere_inside(unbuilt_root: Path, tmp_path: Path) -> None:
    assert Course.find(unbuilt_root / "assignments" / "t1" / "mean").root == unbuilt_root
    course = Course.find(unbuilt_root)
    assert list(course.assignments) == ["t1"]
    assert course.assignment("t1").title == "A tiny assignment for testing the engine"
    assert course.assignment("t1").due is not None
    with pytest.raises(UserError, match="No course here"):
        Course.find(tmp_path)
    with pytest.raises(UserError, match="no folder assignments/"):
        Course(tmp_path)


def test_targets_select_exercises(unbuilt_root: Path) -> None:
    course = Course(unbuilt_root)
    for target in (None, "t1", "t1/", "t1/mean", "/t1/mean/"):
        assert [e.id for e in course.select(target)] == ["t1/mean"]
    for target in ("t2", "", "mean", "t1/nothing", "t1/mean/more", "..", "t1/.."):
        with pytest.raises(UserError, match="There is no"):
            course.select(target)


TOML = "assignments/t1/assignment.toml"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("title = ", "garbles"),
        ("", "lacks or garbles a field: 'exercises'"),
        ('title = "x"\nexercises = ["mean"]', "'dataset'"),
        ('exercises = ["mean"]\ndataset = "scenes"', "'title'"),
        ('title = "x"\nexercises = 3\ndataset = "scenes"', "got 3"),
        ('title = "x"\nexercises = [1]\ndataset = "scenes"', r"assignment\.toml"),
        ('title = "x"\nexercises = "mean"\ndataset = "scenes"', r"assignment\.toml"),
        ('title = "x"\nexercises = ["mean", "mean"]\ndataset = "scenes"', r"assignment\.toml"),
        ('title = "x"\nexercises = ["mean", "b"]\ndataset = "scenes"', "differ in b"),
        ('title = "x"\nexercises = []\ndataset = "scenes"', "differ in mean"),
        ('title = "x"\nexercises = {}\ndataset = "scenes"', "got {}"),
        ('title = "x"\nexercises = ["mean"]\ndataset = "scenes"\ndue = "soon"', "got 'soon'"),
        (
            'title = "x"\nexercises = ["mean"]\ndataset = "scenes"\ndue = 2027-01-31',
            "date and time",
        ),
        ('title = "\xff"', "."),
    ],
)
def test_a_garbled_assignment_is_told_in_words(
    unbuilt_root: Path, content: str, words: str
) -> None:
    (unbuilt_root / TOML).write_bytes(content.encode("latin-1"))
    with pytest.raises(CourseError, match=words):
        Course(unbuilt_root).assignments  # noqa: B018


def test_a_local_due_date_is_taken(unbuilt_root: Path) -> None:
    edit(unbuilt_root / TOML, "2027-01-31T23:59:00Z", "2027-01-31T23:59:00")
    assert Course(unbuilt_root).assignment("t1").due is not None
    edit(unbuilt_root / TOML, "due = 2027-01-31T23:59:00\n", "")
    assert Course(unbuilt_root).assignment("t1").due is None


@pytest.mark.parametrize("name", ["checks.py", "oracle.py", "misconceptions.py"])
def test_a_missing_file_is_told(unbuilt_root: Path, name: str) -> None:
    (unbuilt_root / "assignments" / "t1" / "mean" / name).unlink()
    with pytest.raises(CourseError, match=f"t1/mean has no {name}"):
        Course(unbuilt_root).select(None)


@pytest.mark.parametrize("source", ["def f(:", "import no_such_module", "1 / 0"])
def test_a_suite_that_cannot_be_loaded_is_told(unbuilt_root: Path, source: str) -> None:
    (unbuilt_root / "assignments" / "t1" / "mean" / "checks.py").write_text(source)
    exercise = Course(unbuilt_root).select("t1/mean")[0]
    with pytest.raises(CourseError, match=r"t1/mean/checks\.py cannot be loaded"):
        exercise.checks  # noqa: B018


def test_a_mistake_in_a_declaration_keeps_its_own_words(unbuilt_root: Path) -> None:
    edit(unbuilt_root / "assignments" / "t1" / "mean" / "checks.py", "points=3", "points=0")
    with pytest.raises(CourseError, match="positive integer, got 0"):
        Course(unbuilt_root).select("t1/mean")[0].checks  # noqa: B018


def test_exercises_of_one_name_never_meet(unbuilt_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(unbuilt_root, other)
    edit(other / "assignments" / "t1" / "mean" / "oracle.py", "float(x)", "2 * float(x)")
    edit(other / "assignments" / "t1" / "mean" / "checks.py", "points=3", "points=7")
    first, second = (Course(root).select("t1/mean")[0] for root in (unbuilt_root, other))
    assert [e.checks[0].points for e in (first, second)] == [3, 7]
    oracles = [e.checks[0].run.__globals__["oracle"] for e in (first, second)]
    X = np.ones((1, 3))
    assert [float(o.row_means(X)[0]) for o in oracles] == [1.0, 2.0]


def test_the_suite_has_a_name_that_changes_with_any_of_its_files(unbuilt_root: Path) -> None:
    def suite() -> str:
        return Course(unbuilt_root).select("t1/mean")[0].suite

    names = {suite()}
    assert suite() in names
    for count, name in enumerate(["notebook", "checks", "oracle", "misconceptions"], 2):
        path = unbuilt_root / "assignments" / "t1" / "mean" / f"{name}.py"
        path.write_text(path.read_text() + "\n# changed\n")
        names.add(suite())
        assert len(names) == count


def test_thresholds_and_refused_libraries_are_read_from_the_checks(make: Any) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x"},
        """
        REFUSED = ("scipy", "cs231n_lib.fast_layers")
        ACCURACY = {"scenes": Threshold(at_least=0.3, mean=0.4, std=0.01, seeds=3, command="x")}
        OTHER = {"scenes": 3}
        EMPTY = {}
        """,
    )
    assert exercise.refused == ("scipy", "cs231n_lib.fast_layers")
    assert list(exercise.thresholds) == ["ACCURACY"]
    assert isinstance(exercise.thresholds["ACCURACY"]["scenes"], Threshold)


def test_the_reference_runs_here(tiny: Any) -> None:
    names = tiny.reference.namespace()
    X = np.array([[1.0, 3.0], [2.0, 2.0]])
    np.testing.assert_array_equal(names["centre"](X), [[-1.0, 1.0], [0.0, 0.0]])
    # A replaced function is found by those that call it, and only in that namespace.
    swapped = tiny.reference.namespace({"row_means": lambda X: np.zeros(len(X))})
    np.testing.assert_array_equal(swapped["centre"](X), X)
    np.testing.assert_array_equal(names["centre"](X), [[-1.0, 1.0], [0.0, 0.0]])


def test_a_notebook_with_magics_has_a_reference(make: Any) -> None:
    exercise = make(
        {"f": "def f(x):\n    return x + 1"},
        "",
        given="%matplotlib inline\n%load_ext autoreload\nimport numpy as np",
    )
    assert "%matplotlib inline" in exercise.text.cells[0].source
    assert exercise.reference.namespace()["f"](1) == 2


def test_a_reference_that_does_not_run_is_told(make: Any) -> None:
    for given in ("import no_such_module", "def g(:", "class A:\n    x = 1 / 0"):
        exercise = make({"f": "def f(x):\n    return x"}, "", given=given)
        with pytest.raises(CourseError, match=r"m\d+/task"):
            exercise.reference.namespace()
