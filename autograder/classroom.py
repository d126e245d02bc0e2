"""Grade a class: find the hand-ins, have them graded, write everything from one place.

Graders (:mod:`autograder.graders`) return reports; this process alone writes reports, notebooks,
feedback and gradebook. A report that is there and was made from the same bytes by the same suite
stands, so that a run that was killed goes on where it stopped. Reports are in files and not kept
in memory, however large the class.
"""

from __future__ import annotations

import datetime
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from nbgrader.utils import parse_utc

from .authoring import Check
from .autograded import graded_notebook
from .course import Assignment, Course, Exercise
from .errors import UserError
from .feedback import PersonsGrade, feedback_page
from .gradebook import GradebookWriter
from .graders import Graders, Order, carry_out
from .grading import GRADER_VERSION
from .handin import Handin, Unreadable, read_bytes
from .report import Report, clean_text, write_atomically
from .sandbox import Zygote
from .seeds import course_secret

__all__ = [
    "ClassResult",
    "Task",
    "find_handins",
    "grade_class",
    "grade_task",
    "report_path",
    "write_results",
]

# Students whose hand-ins of one exercise are graded before those of the next.
TOGETHER = 50


@dataclass(frozen=True)
class Task:
    """One notebook to grade."""

    student: str
    exercise: Exercise
    path: Path


@dataclass(frozen=True)
class ClassResult:
    """What a run did: the notebooks, how many are new, files of no exercise, other remarks."""

    course: Course
    tasks: tuple[Task, ...]
    graded: int
    strays: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def reports(self) -> Iterator[Report]:
        """All reports, read one after the other from where they were written."""
        for task in self.tasks:
            yield _read_report(self.course, task)


def find_handins(
    course: Course, assignment: Assignment, students: Sequence[str] = ()
) -> tuple[list[Task], list[str]]:
    """Return the notebooks of ``submitted/*/<assignment>/`` and the names of files that are none.

    Raises
    ------
    UserError
        If nobody handed in anything, or a named student did not.
    """
    folder = course.root / "submitted"
    exercises = {e.name: e for e in assignment.exercises}
    tasks, strays = [], []
    for student in sorted(folder.glob(f"*/{assignment.name}")):
        name = student.parent.name
        if (students and name not in students) or not student.is_dir():
            continue
        for path in sorted(student.iterdir()):
            if path.suffix == ".ipynb" and path.stem in exercises and _is_own(student):
                tasks.append(Task(name, exercises[path.stem], path))
            elif path.suffix == ".ipynb":
                strays.append(clean_text(f"{name}/{assignment.name}/{path.name}", 300))
    missing = sorted(set(students) - {p.parent.name for p in folder.glob(f"*/{assignment.name}")})
    if missing:
        raise UserError(f"No hand-in of {assignment.name} by {', '.join(missing)} in {folder}.")
    if not tasks and not strays:
        raise UserError(f"Nothing to grade: {folder} holds no STUDENT/{assignment.name}/*.ipynb.")
    return tasks, strays


def grade_class(
    course: Course,
    assignment: Assignment,
    graders: AbstractContextManager[Graders],
    *,
    students: Sequence[str] = (),
    again: bool = False,
    only: Sequence[Check] = (),
    db: str | None = None,
    progress: Callable[[Report, int, int], None] = lambda report, done, total: None,
) -> ClassResult:
    """Grade the hand-ins of an assignment.

    Parameters
    ----------
    course, assignment
        What to grade.
    graders
        Who grades: processes of this machine or workers of a cluster. Entered only if there is work
        for them.
    students
        Only these; everybody by default.
    again
        Grade even where a report of the same bytes and suite is there.
    only
        Run just these checks again, which their author has changed; what earlier runs found
        otherwise stands. A hand-in that is new is graded as a whole.
    db
        The gradebook's database; by default the one that ``nbgrader_config.py`` names, or
        ``gradebook.db`` in the course.
    progress
        Called with each report as it is written, how many are done, and how many there are.

    Raises
    ------
    UserError
        If there is nothing to grade or the gradebook cannot be written.
    """
    tasks, strays = find_handins(course, assignment, students)
    secret = course_secret(course.root)
    known = set() if again else _known(course, tasks, only)
    fresh = _in_turn([task for task in tasks if task not in known])
    handed_in: defaultdict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        handed_in[task.student].append(task)
    waiting = Counter(task.student for task in tasks)
    remarks: list[str] = []
    done = 0
    with GradebookWriter(course.root, assignment, db) as book:
        for task, report in _all_reports(course, known, fresh, graders, secret, only):
            student = task.student
            if task not in known:
                write_results(course, task, report, book.persons(student, task.exercise.name))
            waiting[student] -= 1
            if waiting[student] == 0:
                moment, remark = _timestamp(book, assignment, student)
                remarks += [remark] if remark else []
                # From their files: of a large class, many may have waited long for their last one.
                reports = {
                    one.exercise.name: report if one == task else _read_report(course, one)
                    for one in handed_in[student]
                }
                book.record(student, reports, moment)
            done += 1
            progress(report, done, len(tasks))
    return ClassResult(course, tuple(tasks), len(fresh), tuple(strays), tuple(remarks))


def report_path(course: Course, student: str, exercise: Exercise) -> Path:
    """Return where a report is kept: ``reports/<student>/<assignment>/<exercise>.json``."""
    return course.root / "reports" / student / exercise.assignment / f"{exercise.name}.json"


def grade_task(
    course: Course, task: Task, zygote: Zygote, secret: bytes, *, again: bool = False
) -> Report:
    """Grade one notebook, or return the report that stands from an earlier run."""
    known = None if again else _standing(course, task)
    return carry_out(_order(course, task, secret), course, zygote) if known is None else known


def write_results(
    course: Course, task: Task, report: Report, persons: dict[str, PersonsGrade]
) -> str:
    """Write what a report becomes, and return the graded notebook.

    The report itself comes last, for it says that the rest is there.
    """
    content = _content(task)
    try:
        handin = (
            None if isinstance(content, Unreadable) else Handin.read(content, task.exercise.text)
        )
    except Unreadable:
        handin = None
    place = Path(task.student, task.exercise.assignment)
    notebook = graded_notebook(task.exercise, handin, report)
    name = task.exercise.name
    write_atomically(course.root / "autograded" / place / f"{name}.ipynb", notebook)
    page = feedback_page(task.exercise, handin, report, persons)
    write_atomically(course.root / "feedback" / place / f"{name}.html", page)
    report.write(report_path(course, task.student, task.exercise))
    return notebook


def _is_own(folder: Path) -> bool:
    """Whether a folder is a student's, under a name that can stand in a report and on a screen.

    One reached by a link is somebody else's.
    """
    student = folder.parent
    return student.name.isprintable() and not (folder.is_symlink() or student.is_symlink())


def _content(task: Task) -> bytes | Unreadable:
    try:
        return read_bytes(task.path)
    except Unreadable as problem:
        return problem


def _digest(content: bytes | Unreadable) -> str:
    data = content if isinstance(content, bytes) else str(content).encode()
    return hashlib.sha256(data).hexdigest()


def _standing(course: Course, task: Task) -> Report | None:
    """Return the report that an earlier run made of the same bytes with the same suite, if any."""
    report = _earlier(course, task)
    return report if report and report.grader.get("suite") == task.exercise.suite else None


def _known(course: Course, tasks: Sequence[Task], only: Sequence[Check]) -> set[Task]:
    """Return what needs no work, since its report stands; with `only`, all of other exercises."""

    def stands(task: Task) -> bool:
        if not only:
            return _standing(course, task) is not None
        others = set(only).isdisjoint(task.exercise.checks)
        return others and _earlier(course, task) is not None

    return {task for task in tasks if stands(task)}


def _in_turn(tasks: Sequence[Task]) -> list[Task]:
    """Order by exercise, some students at a time: a grader keeps the data of one exercise."""
    students = {name: i for i, name in enumerate(dict.fromkeys(task.student for task in tasks))}
    return sorted(tasks, key=lambda task: (students[task.student] // TOGETHER, task.exercise.name))


def _read_report(course: Course, task: Task) -> Report:
    path = report_path(course, task.student, task.exercise)
    return Report.from_json(path.read_text(encoding="utf-8"))


def _earlier(course: Course, task: Task) -> Report | None:
    """Return the report that an earlier run made of the same bytes with whatever suite, if any."""
    path = report_path(course, task.student, task.exercise)
    if not path.is_file():
        return None
    try:
        report = _read_report(course, task)
    except UserError:
        return None
    same_bytes = report.grader.get("handin") == _digest(_content(task))
    lost = any(check.outcome == "could_not_run" for check in report.checks)
    current = report.grader.get("version") == GRADER_VERSION
    return report if same_bytes and current and not lost else None


def _all_reports(
    course: Course,
    known: set[Task],
    fresh: Sequence[Task],
    graders: AbstractContextManager[Graders],
    secret: bytes,
    only: Sequence[Check],
) -> Iterator[tuple[Task, Report]]:
    """Return the reports that stand, then those of the others as they are graded."""
    for task in sorted(known, key=lambda task: task.path):
        yield task, _read_report(course, task)
    if not fresh:
        return
    names = frozenset(check.name for check in only)
    orders = ((task, _order(course, task, secret, names)) for task in fresh)
    with graders as people:
        yield from people.grade(orders)


def _order(course: Course, task: Task, secret: bytes, only: frozenset[str] = frozenset()) -> Order:
    """Return all that somebody needs to grade a notebook; with `only`, what of it stands."""
    content = _content(task)
    before = _earlier(course, task) if only else None
    keep = () if before is None else tuple(c for c in before.checks if c.name not in only)
    exercise = task.exercise
    grader = {"handin": _digest(content)}
    return Order(exercise.id, exercise.suite, task.student, secret, content, keep, grader)


def _timestamp(
    book: GradebookWriter, assignment: Assignment, student: str
) -> tuple[datetime.datetime | None, str | None]:
    """Return when a student handed in, as nbgrader keeps it, or a remark on why that is unknown."""
    directory = book.directory
    folder = directory.format_path(directory.submitted_directory, student, assignment.name)
    path = Path(folder, "timestamp.txt")
    if not path.is_file() or path.is_symlink():
        return None, None
    try:
        text = path.read_text(encoding="utf-8").strip()
        return (parse_utc(text) if text else None), None
    except (ValueError, OverflowError):
        return None, f"{student}/{assignment.name}/timestamp.txt holds no time: never late."
