"""Write reports into nbgrader's gradebook: automatic scores only, a person's scores stay."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy
import sqlalchemy.exc
from nbgrader.api import Assignment as AssignmentRow
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    Notebook,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from tornado.log import app_log

from .build.release import course_directory, generate, own_scripts_on_path
from .course import Assignment
from .errors import UserError
from .feedback import PersonsGrade
from .report import Report

__all__ = ["GradebookWriter", "persons_grades", "score_of", "set_due", "set_grades"]

# nbgrader's own makes a new exception of the database's in some places.
_TROUBLE = (sqlalchemy.exc.SQLAlchemyError, InvalidEntry)
# By these each hand-in's rows are looked for, and nbgrader has no index on them: the time for a
# class would grow with the square of its size.
_INDICES = tuple(
    sqlalchemy.Index(f"autograder_{table.__tablename__}_{column}", table.__table__.c[column])
    for table, column in (
        (SubmittedNotebook, "assignment_id"),
        (Grade, "notebook_id"),
        (Comment, "notebook_id"),
    )
)


class GradebookWriter:
    """The one writer of an assignment's scores. Use as a context manager.

    Parameters
    ----------
    root, assignment
        The course, and what was handed in.
    db
        SQLAlchemy's URL of the database; by default what nbgrader takes.

    Raises
    ------
    UserError
        If the database cannot be opened or is locked by another program.
    """

    def __init__(self, root: Path, assignment: Assignment, db: str | None = None) -> None:
        self.root = root
        self.assignment = assignment
        self.directory = course_directory(root, db)
        self._book: Any = None
        penalties = AssignLatePenalties(config=self.directory.config)
        penalties.init_plugin()
        self._lateness = penalties.plugin_inst

    def __enter__(self) -> GradebookWriter:
        try:
            with own_scripts_on_path(), _quiet():
                self._book = Gradebook(self.directory.db_url, self.directory.course_id)
                if not self._is_known():
                    self._make_known()
            for index in _INDICES:
                index.create(self._book.db.connection(), checkfirst=True)
            set_due(self._book, self.assignment)
        except _TROUBLE as error:
            raise _unusable(self.directory.db_url, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._book is not None:
            self._book.close()

    def record(self, student: str, reports: dict[str, Report], timestamp: Any = None) -> None:
        """Write the automatic scores of one student; notebooks without a report get none."""
        try:
            with _quiet():
                self._record(student, reports, timestamp)
        except _TROUBLE as error:
            self._book.db.rollback()
            raise _unusable(self.directory.db_url, error) from error

    def persons(self, student: str, notebook: str) -> dict[str, PersonsGrade]:
        """Return what a person gave and said on a student's notebook so far."""
        return persons_grades(self._book, student, self.assignment.name, notebook)

    def _record(self, student: str, reports: dict[str, Report], timestamp: Any) -> None:
        with self._one_commit():
            cells = self._cells()  # held: what is in memory is not asked for one by one
            self._book.update_or_create_student(student)
            fields = {} if timestamp is None else {"timestamp": timestamp}
            submission = self._book.update_or_create_submission(
                self.assignment.name, student, **fields
            )
            self._book.db.flush()
            for notebook in submission.notebooks:
                with self._book.db.no_autoflush:
                    set_grades(notebook, reports.get(notebook.name))
                self._penalise(notebook, submission.total_seconds_late)
            del cells

    def _cells(self) -> list[Any]:
        """Return all cells of the assignment that nbgrader keeps grades or comments of."""
        query = self._book.db.query(BaseCell).join(BaseCell.notebook).join(Notebook.assignment)
        return list(query.filter(AssignmentRow.name == self.assignment.name))

    @contextmanager
    def _one_commit(self) -> Iterator[None]:
        """Commit at the end, and nothing before: nbgrader commits in every one of its methods.

        So a student is in the gradebook whole or not at all, and the disk is waited for once.
        """
        db = self._book.db
        db.commit = db.flush
        try:
            yield
        finally:
            del db.commit
        db.commit()

    def _penalise(self, notebook: Any, seconds_late: float) -> None:
        """Take off what the late submission plugin says, as ``nbgrader autograde`` does."""
        notebook.late_submission_penalty = None
        if seconds_late > 0:
            self._book.db.flush()
            self._book.db.expire(notebook)  # the score is the database's sum
            student, score = notebook.student.id, notebook.score
            penalty = self._lateness.late_submission_penalty(student, score, seconds_late)
            if penalty is not None:
                notebook.late_submission_penalty = min(max(penalty, 0.0), score)

    def _is_known(self) -> bool:
        try:
            known = self._book.find_assignment(self.assignment.name)
        except MissingEntry:
            return False
        found = {
            (notebook.name, cell.name): cell.max_score
            for notebook in known.notebooks
            for cell in notebook.grade_cells
        }
        expected = {
            (exercise.name, cell.name): cell.points
            for exercise in self.assignment.exercises
            for cell in exercise.text.cells
            if cell.kind in ("check", "question")
        }
        return found == expected

    def _make_known(self) -> None:
        """Let nbgrader read the assignment from ``source/``, as releasing it does."""
        source = self.root / "source" / self.assignment.name
        for exercise in self.assignment.exercises:
            if not (source / f"{exercise.name}.ipynb").is_file():
                raise UserError(
                    f"source/{exercise.id}.ipynb is missing: run `autograder build` before grading."
                )
        self._book.close()
        scratch = Path(tempfile.mkdtemp(dir=self.root, prefix=".release-"))
        try:
            generate(self.root, self.assignment.name, scratch.name, db=self.directory.db_url)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self._book = Gradebook(self.directory.db_url, self.directory.course_id)


def persons_grades(
    book: Any, student: str, assignment: str, notebook: str
) -> dict[str, PersonsGrade]:
    """Return what a person gave and said on a hand-in so far, by the graded cell's name."""
    try:
        submission = book.find_submission_notebook(notebook, assignment, student)
    except MissingEntry:
        return {}
    given = [grade for grade in submission.grades if grade.manual_score is not None]
    # Each comment's cell is asked for by itself: only where there is something to say it to.
    comments = {c.cell.name: c.manual_comment or "" for c in submission.comments} if given else {}
    return {
        grade.cell.name: PersonsGrade(
            grade.manual_score + (grade.extra_credit or 0),
            grade.max_score,
            comments.get(grade.cell.name, ""),
        )
        for grade in given
    }


def score_of(report: Report, cell: str) -> float:
    """Return the automatic score of a graded cell: the points of the checks it stands for."""
    return float(sum(c.points for c in report.checks if f"check_{c.of}" == cell))


def set_due(book: Any, assignment: Assignment) -> None:
    """Tell nbgrader when an assignment is due: its own releasing does not."""
    due = assignment.due
    if due is not None:
        due = due.astimezone(datetime.UTC).replace(tzinfo=None)
    book.update_or_create_assignment(assignment.name, duedate=due)


def set_grades(notebook: Any, report: Report | None) -> None:
    """Set the automatic scores and comments of nbgrader's record of a notebook.

    A manual score is never touched: where the automatic one changed under it, the cell is marked
    for a second look.
    """
    for grade in notebook.grades:
        _set_grade(grade, report)
    for comment in notebook.comments:
        _set_comment(comment, report)


def _set_grade(grade: Any, report: Report | None) -> None:
    before = grade.auto_score
    questions = {} if report is None else {q.name: q for q in report.questions}
    question = questions.get(grade.cell.name)
    if report is None:
        grade.auto_score, unsure = 0.0, False
    elif question is not None:
        grade.auto_score = None if question.answered else 0.0
        unsure = question.answered and grade.manual_score is None
    else:
        grade.auto_score = score_of(report, grade.cell.name)
        unsure = any(
            c.outcome == "could_not_run"
            for c in report.checks
            if f"check_{c.of}" == grade.cell.name
        )
    changed = before is not None and before != grade.auto_score
    grade.needs_manual_grade = unsure or (changed and grade.manual_score is not None)


def _set_comment(comment: Any, report: Report | None) -> None:
    unanswered = {} if report is None else {q.name for q in report.questions if not q.answered}
    comment.auto_comment = "No response." if comment.cell.name in unanswered else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep nbgrader from saying in its own words what is raised anyway, or is nothing."""
    with warnings.catch_warnings():
        # nbgrader makes a submission and its parts before it adds them to the session.
        warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
        before, app_log.disabled = app_log.disabled, True
        try:
            yield
        finally:
            app_log.disabled = before


def _unusable(url: str, error: Exception) -> UserError:
    reason = str(getattr(error, "orig", error)).strip()
    hint = "; close the program that holds it and run the same command again"
    return UserError(
        f"The gradebook {url} cannot be written: {reason}{hint if 'locked' in reason else ''}."
    )
