"""The page that ``nbgrader generate_feedback`` writes; the command itself is in test_classroom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.classroom import report_path
from autograder.course import Course
from autograder.errors import UserError
from autograder.nbgrader_feedback import FeedbackExporter
from autograder.report import CheckResult, Report


def page(root: Path) -> str:
    resources = {
        "nbgrader": {
            "student": "ada",
            "assignment": "t1",
            "notebook": "mean",
            "db_url": f"sqlite:///{root / 'gradebook.db'}",
        }
    }
    notebook = root / "autograded" / "ada" / "t1" / "mean.ipynb"
    text, after = FeedbackExporter().from_filename(str(notebook), resources=resources)
    assert after["output_extension"] == ".html"
    return text


@pytest.fixture
def root(built_root: Path, handin: Any) -> Path:
    course = Course(built_root)
    (exercise,) = course.select(None)
    checks = tuple(
        CheckResult(c.name, c.of, c.description, "passed", c.points, c.points)
        for c in exercise.checks
    )
    Report("t1/mean", "ada", checks).write(report_path(course, "ada", exercise))
    for folder in ("submitted", "autograded"):
        (built_root / folder / "ada" / "t1").mkdir(parents=True)
    (built_root / "submitted" / "ada" / "t1" / "mean.ipynb").write_bytes(handin())
    return built_root


def test_the_page_is_that_of_the_report(root: Path) -> None:
    text = page(root)
    assert "9 <small>of 9 points" in text
    assert "row_means" in text


def test_a_hand_in_that_is_gone_still_has_its_page(root: Path) -> None:
    (root / "submitted" / "ada" / "t1" / "mean.ipynb").unlink()
    assert "9 <small>of 9 points" in page(root)


def test_without_a_report_it_says_what_to_run(root: Path) -> None:
    (root / "reports" / "ada" / "t1" / "mean.json").unlink()
    with pytest.raises(UserError, match="run `autograder grade t1` first"):
        page(root)


def test_the_gradebook_is_left_as_it_was(root: Path) -> None:
    page(root)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        assert book.students == []
