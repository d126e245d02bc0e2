"""Grade a class: find the hand-ins, grade them in parallel, write everything from one place.

Workers of the process pool grade and return reports; this process alone writes reports, notebooks,
feedback and gradebook. A report that is there and was made from the same bytes by the same suite
stands, so that a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import datetime
import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from nbgrader.utils import parse_utc

from .authoring import Check
from .autograded import graded_notebook
from .course import Assignment, Course, Exercise
from .errors import UserError
from .feedback import PersonsGrade, feedback_page
from .gradebook import GradebookWriter
from .grading import GRADER_VERSION, grade_handin
from .handin import Handin, Unreadable, read_bytes
from .report import CheckResult, Report, clean_text, write_atomically
from .sandbox import Mechanism, Zygote
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


@dataclass(frozen=True)
class Task:
    """One notebook to grade."""

    student: str
    exercise: Exercise
    path: Path


@dataclass(frozen=True)
class ClassResult:
    """What a run did: all reports, how many are new, files of no exercise, and other remarks."""

    reports: tuple[Report, ...]
    graded: int
    strays: tuple[str, ...]
    remarks: tuple[str, ...] = ()


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
    mechanism: Mechanism,
    *,
    students: Sequence[str] = (),
    jobs: int = 2,
    again: bool = False,
    only: Sequence[Check] = (),
    progress: Callable[[Report, int, int], None] = lambda report, done, total: None,
) -> ClassResult:
    """Grade the hand-ins of an assignment.

    Parameters
    ----------
    course, assignment, mechanism
        What to grade, and how hand-ins are kept apart.
    students
        Only these; everybody by default.
    jobs
        Hand-ins to grade at a time.
    again
        Grade even where a report of the same bytes and suite is there.
    only
        Run just these checks again, which their author has changed; what earlier runs found
        otherwise stands. A hand-in that is new is graded as a whole.
    progress
        Called with each report as it is written, how many are done, and how many there are.

    Raises
    ------
    UserError
        If there is nothing to grade or the gradebook cannot be written.
    """
    tasks, strays = find_handins(course, assignment, students)
    secret = course_secret(course.root)
    known = {} if again else _known(course, tasks, only)
    fresh = [task for task in tasks if task not in known]
    reports: dict[Task, Report] = {}
    remarks: list[str] = []
    with GradebookWriter(course.root, assignment) as book:
        due = {student: sum(t.student == student for t in tasks) for student in _names(tasks)}
        names = frozenset(check.name for check in only)
        for task, report in _graded(course, mechanism, secret, known, fresh, jobs, names):
            reports[task] = report
            if task not in known:
                write_results(course, task, report, book.persons(task.student, task.exercise.name))
            due[task.student] -= 1
            if due[task.student] == 0:
                own = {t.exercise.name: r for t, r in reports.items() if t.student == task.student}
                moment, remark = _timestamp(book, assignment, task.student)
                remarks += [remark] if remark else []
                book.record(task.student, own, moment)
            progress(report, len(reports), len(tasks))
    found = tuple(reports[task] for task in tasks)
    return ClassResult(found, len(fresh), tuple(strays), tuple(remarks))


def report_path(course: Course, student: str, exercise: Exercise) -> Path:
    """Return where a report is kept: ``reports/<student>/<assignment>/<exercise>.json``."""
    return course.root / "reports" / student / exercise.assignment / f"{exercise.name}.json"


def grade_task(
    course: Course, task: Task, zygote: Zygote, secret: bytes, *, again: bool = False
) -> Report:
    """Grade one notebook, or return the report that stands from an earlier run."""
    known = None if again else _standing(course, task)
    return _grade(task, zygote, secret) if known is None else known


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


def _names(tasks: Sequence[Task]) -> list[str]:
    return list(dict.fromkeys(task.student for task in tasks))


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


def _known(course: Course, tasks: Sequence[Task], only: Sequence[Check]) -> dict[Task, Report]:
    """Return the reports that need no work; with `only`, those of all other exercises."""
    found = {}
    for task in tasks:
        if not only:
            report = _standing(course, task)
        elif set(only).isdisjoint(task.exercise.checks):
            report = _earlier(course, task)
        else:
            report = None
        if report is not None:
            found[task] = report
    return found


def _earlier(course: Course, task: Task) -> Report | None:
    """Return the report that an earlier run made of the same bytes with whatever suite, if any."""
    path = report_path(course, task.student, task.exercise)
    if not path.is_file():
        return None
    try:
        report = Report.from_json(path.read_text(encoding="utf-8"))
    except UserError:
        return None
    same_bytes = report.grader.get("handin") == _digest(_content(task))
    lost = any(check.outcome == "could_not_run" for check in report.checks)
    current = report.grader.get("version") == GRADER_VERSION
    return report if same_bytes and current and not lost else None


def _graded(
    course: Course,
    mechanism: Mechanism,
    secret: bytes,
    known: dict[Task, Report],
    fresh: Sequence[Task],
    jobs: int,
    only: frozenset[str],
) -> Iterator[tuple[Task, Report]]:
    yield from known.items()
    if not fresh:
        return
    # Not forked from this process, which holds a database connection and threads, but from a
    # helper that has loaded the engine once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.grading"])
    with ProcessPoolExecutor(
        min(jobs, len(fresh)), context, _start_grader, (course.root, mechanism, secret)
    ) as pool:
        futures = {
            pool.submit(_grade_in_pool, task.exercise.id, task.student, task.path, only): task
            for task in fresh
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise UserError(
                "A grading process ended unexpectedly; run the same command again: "
                "what was graded stands."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


class _Grader:
    """What a process of the pool keeps between hand-ins."""

    course: Course
    zygote: Zygote
    secret: bytes


def _start_grader(root: Path, mechanism: Mechanism, secret: bytes) -> None:
    _Grader.course = Course(root)
    _Grader.secret = secret
    _Grader.zygote = Zygote(mechanism, hidden=(root,))
    _Grader.zygote.__enter__()
    # The pool ends its processes without a word; the zygote dies with its parent's socket.


def _grade_in_pool(exercise_id: str, student: str, path: Path, only: frozenset[str]) -> Report:
    (exercise,) = _Grader.course.select(exercise_id)
    task = Task(student, exercise, path)
    before = _earlier(_Grader.course, task) if only else None
    keep = () if before is None else tuple(c for c in before.checks if c.name not in only)
    return _grade(task, _Grader.zygote, _Grader.secret, keep)


def _grade(task: Task, zygote: Zygote, secret: bytes, keep: Sequence[CheckResult] = ()) -> Report:
    content = _content(task)
    report = grade_handin(task.exercise, content, task.student, zygote, secret, keep)
    return replace(report, grader={**report.grader, "handin": _digest(content)})


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
