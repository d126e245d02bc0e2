"""The console ``cs231n``: look after machine and data, check notebooks, pack hand-ins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

import cs231n_lib
from cs231n_lib.notebook_cells import NotebookError

__all__ = ["check", "data", "doctor", "main", "submit"]


class _Group(click.Group):
    """Says what is wrong with its input in one sentence, and exits with 2."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line; see :meth:`click.Command.main`."""
        run: Callable[..., Any] = super().main
        if not options.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **options)
        try:
            code = run(*args, standalone_mode=False, **options)
        except click.UsageError as error:
            name = error.ctx.command_path if error.ctx is not None else "cs231n"
            message = error.format_message().rstrip(".")
            click.echo(f"{name}: {message[:1].lower()}{message[1:]}; see {name} --help", err=True)
            sys.exit(2)
        except click.ClickException as error:
            click.echo(f"cs231n: {error.format_message()}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("cs231n: interrupted", err=True)
            sys.exit(130)
        except NotebookError as error:
            click.echo(f"cs231n: {' '.join(str(error).split())}", err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="\b\nExample:\n  cs231n doctor              is this machine ready?\n"
    "  cs231n data fetch cifar10  get CIFAR-10 before the lecture does\n"
    "  cs231n check knn.ipynb     which steps of a notebook are right?\n"
    "  cs231n submit knn.ipynb    pack it to be handed in\n\n"
    "Exit codes: 0 done; 1 something is not right yet (a check, this machine); 2 bad input, told "
    "in one sentence; 130 interrupted.",
)
@click.version_option(cs231n_lib.__version__, prog_name="cs231n")
@click.pass_context
def main(context: click.Context) -> None:
    """CS231n in pure NumPy: your machine, the course's data, and your notebooks."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command(
    epilog="\b\nExample:\n  cs231n doctor\n  cs231n doctor && jupyter lab",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of findings as JSON.")
def doctor(as_json: bool) -> int:
    """Check that this machine is ready for the notebooks.

    Looks at Python, the packages, BLAS and its threads, memory, the data and the Jupyter kernel;
    says what is fine and what to do about the rest. Changes nothing. The exit code is 1 if
    something needs doing.
    """
    import dataclasses
    import json

    from rich.console import Console
    from rich.text import Text

    from cs231n_lib.doctor import CHECKS, examine

    if as_json:
        findings = examine()
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
        return int(any(finding.status == "to do" for finding in findings))
    console = Console(highlight=False, soft_wrap=True)
    colors = {"fine": "green", "note": "yellow", "to do": "bold red"}
    to_do = 0
    for check in CHECKS:
        for finding in check():
            to_do += finding.status == "to do"
            mark = Text(f"{finding.status:>5}  ", colors[finding.status])
            console.print(mark, Text(f"{finding.topic:<9}", "bold"), f" {finding.detail}", sep="")
            if finding.remedy:
                console.print(Text(f"{'':>17}do: {finding.remedy}", "cyan"))
    if to_do == 0:
        console.print("\nReady: open a notebook with `jupyter lab`.", markup=False)
        return 0
    things = "One thing needs" if to_do == 1 else f"{to_do} things need"
    console.print(f"\n{things} doing.", markup=False)
    return 1


@main.group(
    invoke_without_command=True,
    epilog="\b\nExample:\n  cs231n data list\n  cs231n data fetch cifar10",
)
@click.pass_context
def data(context: click.Context) -> None:
    """List the datasets, or get one before it is needed."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@data.command("list", epilog="\b\nExample:\n  cs231n data list")
def list_() -> None:
    """List the datasets and where they are on this machine."""
    from cs231n_lib.downloads import DownloadError, find, registry

    click.echo("scenes   drawn pictures of ten classes, 32×32\n         drawn on first use")
    for name, download in registry().items():
        try:
            found = find(download)
            where = str(found) if found else f"not on this machine: cs231n data fetch {name}"
        except (FileNotFoundError, DownloadError) as error:
            where = str(error)
        click.echo(f"{name:<8} {download.title}, {download.bytes / 1e6:.0f} MB\n         {where}")


@data.command(
    epilog="\b\nExample:\n  cs231n data fetch cifar10\n"
    "  CS231N_CACHE=/big/disk cs231n data fetch cifar10",
)
@click.argument("name")
def fetch(name: str) -> None:
    """Get the dataset NAME, so that no notebook has to wait for it.

    CIFAR-10 is downloaded from the first of several servers that delivers it, its checksum is
    compared, and it is unpacked to the cache folder; CS231N_CACHE names another folder. The scenes
    are drawn. What is there already is left alone.
    """
    from cs231n_lib import downloads
    from cs231n_lib.datasets import load_dataset

    known = ["scenes", *downloads.registry()]
    if name not in known:
        raise click.UsageError(f"there is no dataset {name!r}, expected one of {', '.join(known)}")
    if name == "scenes":
        load_dataset("scenes")
        click.echo("scenes: drawn")
        return
    try:
        click.echo(f"{name}: {downloads.fetch(name)}")
    except (downloads.DownloadError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from error


@main.command(
    epilog="\b\nExample:\n  cs231n check softmax.ipynb\n  cs231n check softmax.ipynb --json",
)
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(1),
    help="How long a cell may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of steps as JSON.")
def check(notebook: Path, seconds: float, as_json: bool) -> int:
    """Run the visible checks of NOTEBOOK in a fresh kernel and list what stands.

    The notebook is taken as it was last saved and not changed; demo cells are left out. The exit
    code is 0 if every check passes, 1 if not, and 2 if it is no notebook of an exercise.
    """
    import dataclasses
    import json

    from rich.console import Console
    from rich.text import Text

    from cs231n_lib.visible_checks import run_checks

    console = Console(highlight=False, soft_wrap=True)
    with console.status("starting a kernel") if not as_json else nullcontext() as status:

        def tell(name: str, done: int, total: int) -> None:
            if status is not None:
                status.update(Text(f"{name} ({done + 1} of {total})"))

        steps = run_checks(notebook, seconds, tell)
    passed = sum(step.status == "passed" for step in steps)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(step) for step in steps], indent=1))
        return 0 if passed == len(steps) else 1
    signs = {"passed": ("✓", "green"), "waits": ("…", "yellow")}
    for step in steps:
        sign, color = signs.get(step.status, ("✗", "bold red"))
        console.print(Text(f"{sign} ", color), Text(step.name, "bold"), sep="")
        message = step.message
        if step.status == "waits":
            message = "not written yet" if message == step.name else f"waits for {message}"
        for line in message.splitlines():
            console.print(Text(f"    {line}"))
    console.print(f"\n{passed} of {len(steps)} checks pass.", markup=False)
    return 0 if passed == len(steps) else 1


@main.command(
    epilog="\b\nExample:\n  cs231n submit knn.ipynb softmax.ipynb\n"
    "  cs231n submit a1/*.ipynb --output handin.zip",
)
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="The zip file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print what is in it as JSON.")
def submit(notebooks: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Pack NOTEBOOKS of one assignment into a zip file to hand in.

    Refused is what the grader could not read: a file that is no notebook, one that lacks cells,
    one under another name. Functions that are not written yet are no obstacle. The exit code is 2
    where something is refused; nothing is written then.
    """
    import dataclasses
    import json

    from cs231n_lib.submission import pack

    packed = pack(notebooks, output)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(packed), "path": str(packed.path)}, indent=1))
        return
    click.echo(f"{packed.path} holds {', '.join(packed.names)}.")
    if packed.unwritten:
        click.echo(f"Not written yet: {', '.join(packed.unwritten)}.")
    if packed.missing:
        click.echo(f"Not in it: {', '.join(packed.missing)}.")
