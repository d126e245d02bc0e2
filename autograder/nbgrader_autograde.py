"""``nbgrader autograde`` through our engine: the same sandbox, checks and scores as our command.

nbgrader's own way runs hidden tests in the kernel that runs the student's code. Named as exporter
in ``nbgrader_config.py``, this takes the place of its cleaning and its execution; what is
nbgrader's own, students, submissions, lateness and its penalties, is left to it.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook

from .classroom import Task, grade_task, write_results
from .course import Course
from .gradebook import persons_grades, set_due, set_grades
from .sandbox import Zygote, choose_mechanism
from .seeds import course_secret

__all__ = ["AutogradeExporter"]


class AutogradeExporter(NotebookExporter):  # type: ignore[misc]
    """Grade a submitted notebook, or pass a graded one on to nbgrader's preprocessors."""

    _zygote: Zygote | None = None

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Return the graded notebook; write its report, its feedback and its automatic scores.

        nbgrader calls this twice for each hand-in: with the submitted file, whatever is in it, and
        with what came of that.

        Raises
        ------
        SandboxUnavailable
            If no hand-in can be kept apart on this machine.
        """
        grader = resources["nbgrader"]
        path = Path(filename).absolute()  # not resolved: a link to elsewhere is a hand-in, too
        course = Course.find()
        if not path.is_relative_to(Path.cwd() / "submitted"):
            passed_on: tuple[str, Any] = super().from_filename(filename, resources, **kwargs)
            return passed_on
        (exercise,) = course.select(f"{grader['assignment']}/{grader['notebook']}")
        task = Task(grader["student"], exercise, path)
        report = grade_task(course, task, self._workers(course), course_secret(course.root))
        with Gradebook(grader["db_url"]) as book:
            set_due(book, course.assignment(exercise.assignment))
            persons = persons_grades(book, task.student, exercise.assignment, exercise.name)
            notebook = write_results(course, task, report, persons)
            found = book.find_submission_notebook(exercise.name, exercise.assignment, task.student)
            set_grades(found, report)
            book.db.commit()
        return notebook, {**resources, "output_extension": self.file_extension}

    def _workers(self, course: Course) -> Zygote:
        if self._zygote is None:
            self._zygote = Zygote(choose_mechanism(), hidden=(course.root,)).__enter__()
            weakref.finalize(self, self._zygote.__exit__, None, None, None)
        return self._zygote
