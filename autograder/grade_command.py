"""``autograder grade``: a class, or one file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from .errors import UserError
from .sandbox import choose_mechanism
from .startup import settle

# As in the other commands, what takes seconds to import is imported where it is used.
if TYPE_CHECKING:
    from .classroom import ClassResult
    from .course import Course
    from .graders import Graders
    from .report import Report

__all__ = ["JOBS", "UNSAFE", "grade_command", "grade_one_class"]

UNSAFE = click.option(
    "--unsafe", is_flag=True, help="Run hand-ins without a sandbox where none can be had."
)
JOBS = click.option(
    "--jobs",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes work at a time.",
)


@click.command(
    "grade",
    epilog="\b\nExamples:\n  autograder grade a1 --jobs 2\n"
    "  autograder grade a1 --student ada --again\n"
    "  autograder grade --only a1/softmax:gradient_is_correct\n"
    "  autograder grade a1 --cluster tcp://head:8786 --db postgresql+psycopg://me@head/gradebook\n"
    "  autograder grade my/softmax.ipynb --page feedback.html",
)
@click.argument("target", default="")
@click.option("--student", "students", multiple=True, help="Only this student; repeatable.")
@click.option("--exercise", help="Which exercise a NOTEBOOK is, such as a1/softmax.")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
@click.option(
    "--page", type=click.Path(path_type=Path), help="Write the feedback page of a NOTEBOOK there."
)
@click.option("--again", is_flag=True, help="Grade even what an earlier run graded.")
@click.option(
    "--only",
    multiple=True,
    metavar="EXERCISE:CHECK",
    help="Run again just this check, such as a1/softmax:gradient_is_correct; repeatable.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Grade on a dask cluster, tcp://HOST:8786; see autograder worker --help.",
)
@click.option(
    "--db",
    metavar="URL",
    help="The gradebook's database, as nbgrader takes it: postgresql+psycopg://…",
)
@JOBS
@UNSAFE
def grade_command(
    target: str,
    students: tuple[str, ...],
    exercise: str | None,
    as_json: bool,
    page: Path | None,
    again: bool,
    only: tuple[str, ...],
    cluster: str | None,
    db: str | None,
    jobs: int,
    unsafe: bool,
) -> None:
    """Grade a class (TARGET a1) or one file (TARGET softmax.ipynb).

    A class: submitted/*/a1/*.ipynb to the gradebook, autograded/, feedback/ and reports/; what was
    graded already stands. One file: its report on the terminal, and with --page as a page;
    nothing else is written, and no instructor is needed.
    """
    from . import views
    from .course import Course

    course, console = Course.find(), Console()
    single = target.endswith(".ipynb") or Path(target).is_file()
    if single and (students or again or only or cluster or db):
        raise UserError(
            "--student, --again, --only, --cluster and --db go with a class, not with one file."
        )
    if only and again:
        raise UserError("--only runs some checks again, --again all of them: say one of the two.")
    if (exercise or page) and not single:
        raise UserError("--exercise and --page go with one file, such as my/softmax.ipynb.")
    if single:
        _grade_file(course, Path(target), exercise, page, console, as_json, unsafe)
        return
    checks = course.checks(only)
    names = [target] if target else list(checks or course.assignments)
    if checks and not checks.keys() <= set(names):
        raise UserError(f"--only names checks of {', '.join(checks)}, and TARGET is {target}.")
    hire = _hire(course, cluster, jobs, unsafe)
    results = []
    for name in names:
        options: dict[str, Any] = {"students": students, "again": again, "db": db}
        result = grade_one_class(
            course, name, hire(), console, as_json, only=checks.get(name, ()), **options
        )
        results.append(result)
        if not as_json:
            views.print_class(console, result)
            views.print_places(console, course, name, db)
    if as_json:
        for line in views.reports_json(report for result in results for report in result.reports):
            click.echo(line)


def _grade_file(
    course: Course,
    path: Path,
    exercise: str | None,
    page: Path | None,
    console: Console,
    as_json: bool,
    unsafe: bool,
) -> None:
    from . import views
    from .report import write_atomically
    from .single import grade_file, page_of

    if page is not None and page.suffix != ".html":
        raise UserError(f"--page names an HTML file such as feedback.html, got {page}.")
    with nullcontext() if as_json else console.status(f"grading {escape(path.name)}"):
        report = grade_file(course, path, exercise, choose_mechanism(unsafe=unsafe))
    if page is not None:
        write_atomically(page, page_of(course, path, report))
    if as_json:
        click.echo(report.to_json(), nl=False)
        return
    views.print_report(console, report)
    if page is not None:
        console.print(f"\nAs a page: {escape(str(page))}", highlight=False, soft_wrap=True)


def _hire(
    course: Course, cluster: str | None, jobs: int, unsafe: bool
) -> Callable[[], AbstractContextManager[Graders]]:
    """Return what finds graders: here in a sandbox, or on a cluster whose workers have theirs."""
    if cluster is not None:
        from .cluster import cluster_graders

        return partial(cluster_graders, cluster)
    from .graders import local_graders

    return partial(local_graders, course, choose_mechanism(unsafe=unsafe), jobs)


def grade_one_class(
    course: Course,
    name: str,
    graders: AbstractContextManager[Graders],
    console: Console,
    quiet: bool = False,
    **options: Any,
) -> ClassResult:
    """Grade one assignment of a class, with a bar on the terminal unless it is to be quiet."""
    from . import views
    from .classroom import grade_class

    settle()
    with views.progress_bar(console, quiet) as bar:
        task = bar.add_task(f"grading {name}", total=None)

        def tell(report: Report, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return grade_class(course, course.assignment(name), graders, progress=tell, **options)
