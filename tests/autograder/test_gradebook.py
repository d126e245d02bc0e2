"""Scores in nbgrader's database, read back through nbgrader's own interface."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.build.execute import render
from autograder.course import Course
from autograder.errors import UserError
from autograder.gradebook import GradebookWriter, score_of
from autograder.report import CheckResult, QuestionResult, Report

MEAN = Path("assignments", "t1", "mean")


def write_source(root: Path) -> None:
    """Write ``source/`` as a build does, without running anything."""
    for exercise in Course(root).select(None):
        path = root / "source" / exercise.assignment / f"{exercise.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(exercise.text.notebook))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def two_once(built_once: Path, once: Any) -> Path:
    """A course whose assignment has two exercises, known to nbgrader; not to be written to."""

    def make(root: Path) -> None:
        shutil.copytree(built_once, root)
        shutil.copytree(root / MEAN, root / "assignments" / "t1" / "other")
        edit(root / "assignments" / "t1" / "assignment.toml", '["mean"]', '["mean", "other"]')
        write_source(root)
        with writer(root):
            pass

    return Path(once("two", make))


@pytest.fixture
def root(two_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two_once, tmp_path / "course"))


def writer(root: Path) -> GradebookWriter:
    return GradebookWriter(root, Course(root).assignment("t1"))


def report(
    means: str = "passed", centre: str = "passed", answered: bool = True, student: str = "ada"
) -> Report:
    """A report whose checks have these outcomes; ``could_not_run`` has its points."""

    def result(name: str, of: str, outcome: Any, points: int) -> CheckResult:
        earned = points if outcome in ("passed", "could_not_run") else 0
        return CheckResult(name, of, "d", outcome, earned, points)

    checks = (
        result("means_are_right", "row_means", means, 3),
        result("input_is_left_alone", "row_means", "passed", 1),
        result("memory_is_modest", "row_means", "failed", 1),
        result("rows_are_centred", "centre", centre, 4),
    )
    return Report("t1/mean", student, checks, (QuestionResult("question_why", answered, 2.0),))


@pytest.fixture
def book(root: Path) -> Iterator[Any]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as opened:
        yield opened


def grades(book: Any, notebook: str = "mean", student: str = "ada") -> dict[str, tuple[Any, ...]]:
    book.db.expire_all()
    found = book.find_submission_notebook(notebook, "t1", student)
    return {
        g.cell.name: (g.auto_score, g.manual_score, bool(g.needs_manual_grade))
        for g in found.grades
    }


def record(root: Path, *reports: Report, **options: Any) -> None:
    with writer(root) as open_book:
        for name, one in zip(("mean", "other"), reports, strict=False):
            open_book.record(one.student, {name: one}, **options)


def test_a_graded_cell_has_the_points_of_the_checks_it_stands_for() -> None:
    assert score_of(report(), "check_row_means") == 4.0
    assert score_of(report(means="failed"), "check_row_means") == 1.0
    assert score_of(report(), "check_centre") == 4.0
    assert score_of(report(), "question_why") == 0.0


def test_automatic_scores_are_written(root: Path, book: Any) -> None:
    record(root, report(centre="timeout"))
    assert grades(book) == {
        "check_row_means": (4.0, None, False),
        "check_centre": (0.0, None, False),
        "question_why": (None, None, True),
    }
    submission = book.find_submission("t1", "ada")
    assert submission.score == 4.0
    assert submission.max_score == 22.0
    assert submission.needs_manual_grade


def test_an_unanswered_question_has_no_points_and_nobody_need_look(root: Path, book: Any) -> None:
    record(root, report(answered=False))
    assert grades(book)["question_why"] == (0.0, None, False)
    comments = book.find_submission_notebook("mean", "t1", "ada").comments
    assert {c.cell.name: c.auto_comment for c in comments}["question_why"] == "No response."
    record(root, report(answered=True))
    assert grades(book)["question_why"] == (None, None, True)
    book.db.expire_all()
    comments = book.find_submission_notebook("mean", "t1", "ada").comments
    assert {c.cell.name: c.auto_comment for c in comments}["question_why"] is None


def test_a_check_that_could_not_run_wants_a_look(root: Path, book: Any) -> None:
    record(root, report(centre="could_not_run"))
    assert grades(book)["check_centre"] == (4.0, None, True)
    assert grades(book)["check_row_means"] == (4.0, None, False)
    record(root, report())
    assert grades(book)["check_centre"] == (4.0, None, False)


def set_by_hand(book: Any, name: str, score: float, comment: str, extra: float = 0.0) -> None:
    grade = book.find_grade(name, "mean", "t1", "ada")
    grade.manual_score, grade.needs_manual_grade, grade.extra_credit = score, False, extra
    for found in book.find_submission_notebook("mean", "t1", "ada").comments:
        if found.cell.name == name:
            found.manual_comment = comment
    book.db.commit()


def test_what_a_person_gave_and_said_survives(root: Path, book: Any) -> None:
    record(root, report(centre="failed"))
    set_by_hand(book, "question_why", 1.5, "Well put.", extra=0.5)
    set_by_hand(book, "check_centre", 3.0, "")
    for _ in range(2):
        record(root, report(centre="failed"))
    assert grades(book)["question_why"] == (None, 1.5, False)
    assert grades(book)["check_centre"] == (0.0, 3.0, False)
    assert book.find_submission("t1", "ada").score == 4.0 + 3.0 + 1.5 + 0.5
    with writer(root) as open_book:
        persons = open_book.persons("ada", "mean")
        assert open_book.persons("nobody", "mean") == {}
    assert (persons["question_why"].points, persons["question_why"].max_points) == (2.0, 2.0)
    assert persons["question_why"].comment == "Well put."
    # Where the automatic score changes under it, a person looks again; the score stays.
    record(root, report(centre="passed"))
    assert grades(book)["check_centre"] == (4.0, 3.0, True)
    assert (
        grades(book)["question_why"] == (0.0, 1.5, False) or grades(book)["question_why"][1] == 1.5
    )


def test_who_hands_in_one_notebook_of_two_has_nothing_for_the_other(root: Path, book: Any) -> None:
    record(root, report())
    assert grades(book, "other") == {
        "check_row_means": (0.0, None, False),
        "check_centre": (0.0, None, False),
        "question_why": (0.0, None, False),
    }
    with writer(root) as open_book:
        open_book.record("ada", {"mean": report(), "other": report(means="failed")})
    assert grades(book, "other")["check_row_means"][0] == 1.0
    assert book.find_submission("t1", "ada").score == 8.0 + 5.0


def test_scores_of_others_are_not_touched(root: Path, book: Any) -> None:
    record(root, report(student="ada"))
    record(root, report(student="bob", means="failed", centre="failed"))
    assert grades(book, student="ada")["check_row_means"][0] == 4.0
    assert grades(book, student="bob")["check_row_means"][0] == 1.0


def test_the_due_date_and_the_time_of_handing_in_are_known(root: Path, book: Any) -> None:
    moment = datetime.datetime(2027, 2, 1, 12, 0)
    with writer(root) as open_book:
        open_book.record("ada", {"mean": report()}, moment)
    submission = book.find_submission("t1", "ada")
    assert submission.timestamp == moment
    assert book.find_assignment("t1").duedate == datetime.datetime(2027, 1, 31, 23, 59)
    assert submission.total_seconds_late == 12 * 3600 + 60


def test_names_of_any_letters_can_hand_in(root: Path, book: Any) -> None:
    for name in ("O'Hara, Frank; drop table grade;--", "Łucja <b>", "名前", "a" * 120):
        record(root, report(student=name))
        assert grades(book, student=name)["check_row_means"][0] == 4.0


def test_points_that_changed_after_a_grading_are_those_of_the_next(root: Path, book: Any) -> None:
    record(root, report(student="ada"))
    record(root, report(student="bob"))
    set_by_hand(book, "question_why", 1.0, "Kept.")
    book.close()
    edit(root / MEAN / "notebook.py", '"points": 2', '"points": 1')
    write_source(root)
    record(root, report(student="ada"))
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as again:
        found = again.find_submission_notebook("mean", "t1", "ada")
        scores = {g.cell.name: (g.auto_score, g.manual_score, g.max_score) for g in found.grades}
        assert scores == {
            "check_row_means": (4.0, None, 5.0),
            "check_centre": (4.0, None, 4.0),
            "question_why": (None, 1.0, 1.0),
        }
        assert again.find_submission("t1", "bob").score == 8.0


def test_cells_added_after_a_grading_are_refused_in_words(root: Path, book: Any) -> None:
    record(root, report())
    text = root / MEAN / "notebook.py"
    more = text.read_text().split("# %% [markdown] nbgrader=")[-1]
    with text.open("a") as file:
        file.write("\n# %% [markdown] nbgrader=" + more.replace("question_why", "question_how"))
    write_source(root)
    with pytest.raises(UserError, match="Cannot add or remove cells for notebook 'mean'"):
        record(root, report(means="failed"))
    assert grades(book)["check_row_means"][0] == 4.0
    assert not list(root.glob(".release-*"))


def test_without_a_source_there_is_nothing_to_grade_against(root: Path, book: Any) -> None:
    book.remove_assignment("t1")
    shutil.rmtree(root / "source")
    with (
        pytest.raises(UserError, match=r"source/t1/mean\.ipynb is missing: run `autograder build`"),
        writer(root),
    ):
        pass


def test_a_hand_in_is_found_without_reading_all_others(root: Path, book: Any) -> None:
    """Also in a gradebook that was there before."""
    book.close()
    with contextlib.closing(sqlite3.connect(root / "gradebook.db")) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        for name in names:
            if name.startswith("autograder_"):
                database.execute(f"DROP INDEX {name}")
        database.commit()
    record(root, report())
    with contextlib.closing(sqlite3.connect(root / "gradebook.db")) as database:
        for table, column in (
            ("submitted_notebook", "assignment_id"),
            ("grade", "notebook_id"),
            ("comment", "notebook_id"),
        ):
            query = f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = 'x'"  # noqa: S608
            (plan,) = [row[3] for row in database.execute(query)]
            assert plan.startswith(f"SEARCH {table} USING INDEX")


def test_a_gradebook_in_use_elsewhere_is_told_and_left_whole(
    root: Path, book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(root, report())
    book.close()
    # nbgrader waits for the database as long as SQLite does by default: not in a test.
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3.dbapi2, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.1})
    )
    with writer(root) as open_book:
        other = connect(root / "gradebook.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(UserError, match="locked; close the program that holds it"):
                open_book.record("ada", {"mean": report(means="failed")})
        finally:
            other.execute("ROLLBACK")
            other.close()
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as again:
        assert grades(again)["check_row_means"][0] == 4.0


def test_a_gradebook_that_cannot_be_opened_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "gradebook.db").write_bytes(b"This is no database." * 100)
    with pytest.raises(UserError, match="cannot be written: file is not a database"), writer(root):
        pass
    (root / "gradebook.db").unlink()
    (root / "gradebook.db").mkdir()
    with pytest.raises(UserError, match="unable to open database file"), writer(root):
        pass
