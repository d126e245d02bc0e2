"""Commands about a whole class: its report, what it receives, workers for grading it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from .grade_command import JOBS, UNSAFE

__all__ = ["bundle_command", "report_command", "worker_command"]


@click.command("report")
@click.argument("assignment")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def report_command(assignment: str, as_json: bool) -> None:
    """Write the class report of ASSIGNMENT: a page to teach from, CSV for Canvas and Moodle.

    Reads reports/ and submitted/ and writes reports/ASSIGNMENT.html; nothing is graded or run.

    Example:  autograder report a1
    """
    from . import views
    from .classreport import class_report
    from .course import Course

    course, console = Course.find(), Console()
    with views.progress_bar(console, as_json) as bar:
        task = bar.add_task(f"comparing {assignment}", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        made = class_report(course, course.assignment(assignment), tell)
    if as_json:
        click.echo(made.to_json(), nl=False)
    else:
        views.print_class_report(console, made)


@click.command("bundle")
@click.argument("assignment")
@click.option("--output", type=click.Path(path_type=Path), help="The zip file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print what is in it as JSON.")
def bundle_command(assignment: str, output: Path | None, as_json: bool) -> None:
    """Pack what students receive of ASSIGNMENT into one zip file.

    Release notebooks, the handout, cs231n_lib as a package, and one command that sets everything
    up. It is looked through first: nothing is written that holds something hidden.

    Example:  autograder bundle a1 --output website/a1.zip
    """
    from .bundle import make_bundle
    from .course import Course

    course = Course.find()
    chosen = course.assignment(assignment)
    with nullcontext() if as_json else Console().status(f"packing {assignment}"):
        made = make_bundle(course, chosen, output)
    if as_json:
        click.echo(json.dumps({"path": str(made.path), "files": made.files}, indent=1))
        return
    for place, size in made.files.items():
        click.echo(f"  {place:<52} {size / 1000:>8,.0f} kB")
    click.echo(f"{made.path}: {made.path.stat().st_size / 1e6:.1f} MB, no leak found in it.")


@click.command(
    "worker",
    epilog="\b\nExample:\n  autograder worker tcp://head:8786 --jobs 4\nand then\n"
    "  autograder grade a1 --cluster tcp://head:8786",
)
@click.argument("address")
@JOBS
@UNSAFE
def worker_command(address: str, jobs: int, unsafe: bool) -> None:
    """Grade for a cluster: the dask scheduler at ADDRESS hands out the work.

    Runs in a clone of the course, and refuses to grade by another suite than the one that is asked
    for. The scheduler is dask's own (dask scheduler), on a machine that only instructors reach.
    """
    from .cluster import serve
    from .course import Course
    from .sandbox import choose_mechanism

    serve(Course.find(), choose_mechanism(unsafe=unsafe), address, jobs, click.echo)
