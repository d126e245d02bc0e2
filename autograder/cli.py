"""The console ``autograder``. Exit codes: 0 done, 1 something is not sound, 2 bad input."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from . import __version__
from .commands import bundle_command, report_command, worker_command
from .errors import UserError
from .sandbox import choose_mechanism, groups_problem, mechanisms

# Jupyter's and nbgrader's packages take seconds to import: each command imports what it runs, so
# that --help and a mistyped option answer at once.
if TYPE_CHECKING:
    from .build import Built
    from .classroom import ClassResult
    from .course import Course
    from .graders import Graders
    from .report import Report

__all__ = ["main"]

_UNSAFE = click.option(
    "--unsafe", is_flag=True, help="Run hand-ins without a sandbox where none can be had."
)
_JOBS = click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 64))


class _Commands(click.Group):
    """Tell a user's mistake in one sentence, with exit code 2."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line; see :meth:`click.Command.main`."""
        run: Callable[..., Any] = super().main
        if not options.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **options)
        try:
            code = run(*args, standalone_mode=False, **options)
        except click.UsageError as error:
            name = error.ctx.command_path if error.ctx is not None else "autograder"
            _fail(f"{name}: {error.format_message().rstrip('.')}; see {name} --help", 2)
        except click.Abort:
            _fail("autograder: interrupted; what was done stands", 130)
        except UserError as error:
            _fail(f"autograder: {error}", 2)
        except BrokenPipeError:  # the reader of our output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            _fail(f"autograder: {place}{error.strerror or error}", 2)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(" ".join(message.split()), err=True)
    sys.exit(code)


@click.group(
    "autograder",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="Exit codes: 0 done; 1 something is not sound (a hole in a suite, no sandbox); 2 bad "
    "input, told in one sentence; 130 interrupted.",
)
@click.version_option(__version__)
def main() -> None:
    """Build, grade and verify the course.

    Run it anywhere inside a course folder (one that holds assignments/ and nbgrader_config.py).
    Start with:  autograder demo
    """


@main.command("build")
@click.argument("target", required=False)
@click.option("--force", is_flag=True, help="Execute notebooks even where nothing changed.")
@_JOBS
def build_command(target: str | None, force: bool, jobs: int) -> None:
    """Text to source/ to release/, refusing to write a leak.

    Example:  autograder build a1/softmax
    """
    from .course import Course

    course, console = Course.find(), Console()
    _build(course, target, force, jobs, console)


def _build(course: Course, target: str | None, force: bool, jobs: int, console: Console) -> None:
    from .build import build

    exercises = course.select(target)
    with console.status(f"executing up to {len(exercises)} notebooks"):

        def tell(built: Built) -> None:
            what = f"executed in {built.seconds:.0f} s" if built.executed else "up to date"
            console.print(f"  {built.exercise.id:<28} {what}", highlight=False)

        build(course, exercises, force=force, jobs=jobs, progress=tell)
    names = ", ".join(dict.fromkeys(e.assignment for e in exercises))
    console.print(f"Released {names}: no leak found in release/.", highlight=False)


@main.command(
    "grade",
    epilog="\b\nExamples:\n  autograder grade a1 --jobs 2\n"
    "  autograder grade a1 --student ada --again\n"
    "  autograder grade --only a1/softmax:gradient_is_correct\n"
    "  autograder grade a1 --cluster tcp://head:8786 --db postgresql+psycopg://me@head/gradebook\n"
    "  autograder grade my/softmax.ipynb --json",
)
@click.argument("target", default="")
@click.option("--student", "students", multiple=True, help="Only this student; repeatable.")
@click.option("--exercise", help="Which exercise a NOTEBOOK is, such as a1/softmax.")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
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
@_JOBS
@_UNSAFE
def grade_command(
    target: str,
    students: tuple[str, ...],
    exercise: str | None,
    as_json: bool,
    again: bool,
    only: tuple[str, ...],
    cluster: str | None,
    db: str | None,
    jobs: int,
    unsafe: bool,
) -> None:
    """Grade a class (TARGET a1) or one file (TARGET softmax.ipynb).

    A class: submitted/*/a1/*.ipynb to the gradebook, autograded/, feedback/ and reports/; what was
    graded already stands. One file: its report on the terminal, and nothing else.
    """
    from . import views
    from .course import Course
    from .single import grade_file

    course, console = Course.find(), Console()
    single = target.endswith(".ipynb") or Path(target).is_file()
    if single and (students or again or only or cluster or db):
        raise UserError(
            "--student, --again, --only, --cluster and --db go with a class, not with one file."
        )
    if only and again:
        raise UserError("--only runs some checks again, --again all of them: say one of the two.")
    if exercise and not single:
        raise UserError("--exercise goes with one file, such as my/softmax.ipynb.")
    if single:
        report = grade_file(course, Path(target), exercise, choose_mechanism(unsafe=unsafe))
        if as_json:
            click.echo(report.to_json(), nl=False)
        else:
            views.print_report(console, report)
        return
    checks = course.checks(only)
    names = [target] if target else list(checks or course.assignments)
    if checks and not checks.keys() <= set(names):
        raise UserError(f"--only names checks of {', '.join(checks)}, and TARGET is {target}.")
    hire = _hire(course, cluster, jobs, unsafe)
    results = []
    for name in names:
        options: dict[str, Any] = {"students": students, "again": again, "db": db}
        result = _grade_class(
            course, name, hire(), console, as_json, only=checks.get(name, ()), **options
        )
        results.append(result)
        if not as_json:
            views.print_class(console, result)
            views.print_places(console, course, name, db)
    if as_json:
        for line in views.reports_json(report for result in results for report in result.reports):
            click.echo(line)


def _hire(
    course: Course, cluster: str | None, jobs: int, unsafe: bool
) -> Callable[[], AbstractContextManager[Graders]]:
    """Return what finds graders: here in a sandbox, or on a cluster whose workers have theirs."""
    if cluster is not None:
        from .cluster import cluster_graders

        return partial(cluster_graders, cluster)
    from .graders import local_graders

    return partial(local_graders, course, choose_mechanism(unsafe=unsafe), jobs)


def _grade_class(
    course: Course,
    name: str,
    graders: AbstractContextManager[Graders],
    console: Console,
    quiet: bool = False,
    **options: Any,
) -> ClassResult:
    from . import views
    from .classroom import grade_class

    with views.progress_bar(console, quiet) as bar:
        task = bar.add_task(f"grading {name}", total=None)

        def tell(report: Report, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return grade_class(course, course.assignment(name), graders, progress=tell, **options)


@main.command("verify")
@click.argument("target", required=False)
@_JOBS
@_UNSAFE
def verify_command(target: str | None, jobs: int, unsafe: bool) -> None:
    """Test the hidden suite: reference, other right styles, blank, every misconception.

    Prints a table; exits 1 on any hole.

    Example:  autograder verify a1/softmax
    """
    from . import views
    from .course import Course
    from .verify import verify_all

    course, console = Course.find(), Console()
    mechanism = choose_mechanism(unsafe=unsafe)
    exercises = course.select(target)
    found = []
    with views.progress_bar(console, False) as bar:
        task = bar.add_task("verifying", total=len(exercises))
        for verification in verify_all(course, exercises, mechanism, jobs):
            found.append(verification)
            bar.update(task, advance=1)
    views.print_verifications(console, found)
    if any(v.holes for v in found):
        sys.exit(1)


@main.command("demo")
@click.option("--folder", type=click.Path(path_type=Path), help="Where; a new temporary folder.")
@_JOBS
def demo_command(folder: Path | None, jobs: int) -> None:
    """Build, release, and grade a made-up class, in a scratch folder.

    Example:  autograder demo --folder /tmp/demo
    """
    from . import views
    from .course import Course
    from .demo import make_class, make_scratch, stand_alone
    from .graders import local_graders

    start = time.perf_counter()
    console = Console()
    own = Course.find()
    place = folder or Path(tempfile.mkdtemp(prefix="cs231n-demo-"))
    name = next(iter(own.assignments))
    course = make_scratch(own, place, stand_alone(own.assignment(name)))
    mechanism = choose_mechanism(unsafe=True)
    console.rule("1. Build: text to source/ to release/")
    _build(course, name, False, jobs, console)
    console.rule("2. A made-up class hands in")
    made = make_class(course, course.assignment(name))
    console.print(f"  {len({m.student for m in made})} students, {len(made)} notebooks")
    console.rule(f"3. Grade (sandbox: {mechanism.name})")
    if not mechanism.confines:
        console.print("  No sandbox here: fine for a made-up class, refused for a real one.")
    result = _grade_class(course, name, local_graders(course, mechanism, jobs), console)
    views.print_demo(console, made, result)
    console.rule("4. Where everything is")
    views.print_places(console, course, name)
    console.print(f"Done in {time.perf_counter() - start:.0f} s.", highlight=False)


@main.command("doctor")
def doctor_command() -> None:
    """Say which sandbox mechanisms this machine has, and why not the others.

    Control groups add limits for all processes of a hand-in together; grading goes without.

    Exits 1 where real grading is impossible.

    Example:  autograder doctor && autograder grade a1
    """
    console = Console()
    usable = False
    for mechanism in mechanisms():
        problem = mechanism.problem()
        usable |= problem is None
        sign = "[green]✓[/]" if problem is None else "[red]✗[/]"
        console.print(f"{sign} {mechanism.name}: {problem or 'works here'}", highlight=False)
    lacking = groups_problem()
    sign = "[green]✓[/]" if lacking is None else "[yellow]–[/]"
    said = "work here" if lacking is None else f"{escape(lacking)}; resource limits hold without"
    console.print(f"{sign} control groups: {said}", highlight=False)
    if not usable:
        sys.exit(1)


main.add_command(report_command)
main.add_command(bundle_command)
main.add_command(worker_command)
