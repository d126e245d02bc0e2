"""Our feedback page as nbgrader's: ``nbgrader generate_feedback`` writes the same page, refreshed.

Run after a person has graded the answers in words, it adds their points and comments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbgrader.api import Gradebook

from .classroom import report_path
from .course import Course
from .errors import UserError
from .feedback import feedback_page
from .gradebook import persons_grades
from .handin import Handin, Unreadable, read_bytes
from .report import Report

__all__ = ["FeedbackExporter"]


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """Export a graded notebook as its feedback page."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Return the page of ``autograded/<student>/<assignment>/<exercise>.ipynb``.

        Raises
        ------
        UserError
            If the hand-in was not graded by ``autograder grade``.
        """
        grader = resources["nbgrader"]
        student, name = grader["student"], f"{grader['assignment']}/{grader['notebook']}"
        course = Course.find(Path(filename).resolve().parent)
        (exercise,) = course.select(name)
        path = report_path(course, student, exercise)
        if not path.is_file():
            raise UserError(
                f"{path} is missing: run `autograder grade {grader['assignment']}` first."
            )
        report = Report.from_json(path.read_text(encoding="utf-8"))
        submitted = course.root / "submitted" / student / f"{name}.ipynb"
        try:
            handin = Handin.read(read_bytes(submitted), exercise.text)
        except Unreadable:
            handin = None
        with Gradebook(grader["db_url"]) as book:
            persons = persons_grades(book, student, grader["assignment"], grader["notebook"])
        page = feedback_page(exercise, handin, report, persons)
        return page, {**resources, "output_extension": self.file_extension}
