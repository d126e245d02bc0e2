"""Run the visible checks of a notebook, one by one, and say what stands.

All cells run in a fresh kernel, in the notebook's order, but for demo cells: of these only the ones
that define what a check uses.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cs231n_lib.exercise_notebook import (
    NotebookCell,
    expected_here,
    read_notebook,
    what_is_wrong,
)
from cs231n_lib.kernels import CellRun, Kernel
from cs231n_lib.notebook_cells import Cell, NotebookError

__all__ = ["Step", "run_checks"]

_NOT_WRITTEN = ("NotImplementedError", "NotWrittenError")


@dataclass(frozen=True)
class Step:
    """One step of a notebook and what its visible check says.

    Parameters
    ----------
    name : str
        What the step asks for, such as ``softmax_loss_naive``.
    status : {"passed", "failed", "waits", "timeout", "crashed"}
        ``waits``: something that the check uses is not written yet.
    message : str
        What is wrong; what is waited for; empty for a check that passes.
    """

    name: str
    status: Literal["passed", "failed", "waits", "timeout", "crashed"]
    message: str = ""


def run_checks(
    path: Path,
    seconds: float = 120.0,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Step]:
    """Run the visible checks of a notebook as it was last saved.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    seconds : float
        How long a cell may take.
    progress : callable
        Called with a cell's name before it runs, how many ran, and how many there are.

    Raises
    ------
    NotebookError
        If the file is no exercise, or no kernel can be started.
    """
    cells = read_notebook(path)
    problem = what_is_wrong(path, cells, expected_here(path.parent))
    if problem is not None:
        raise NotebookError(problem)
    needed = _needed(cells)
    steps: list[Step] = []
    broken: dict[str, str] = {}
    with Kernel(path.resolve().parent, seconds) as kernel:
        for i, cell in enumerate(needed):
            progress(cell.name, i, len(needed))
            result = kernel.run(cell.source, keep=cell.kind != "check")
            if cell.kind == "check":
                name = cell.name.removeprefix("check_")
                steps.append(_step(name, result, broken, seconds))
            elif result.status != "ok" and result.error not in _NOT_WRITTEN:
                broken[cell.name] = _told(result, seconds)
    return steps


def _step(name: str, result: CellRun, broken: dict[str, str], seconds: float) -> Step:
    if result.status == "ok":
        return Step(name, "passed")
    if name in broken:
        return Step(name, "failed", f"its cell does not run: {broken[name]}")
    if result.status == "died":
        return Step(name, "crashed", "the kernel died: it ran out of memory, or the code ended it")
    if result.status == "timeout":
        return Step(name, "timeout", _told(result, seconds))
    if result.error in _NOT_WRITTEN:
        waited, found, _ = result.message.partition(" is not written yet")
        return Step(name, "waits", waited if found else result.message)
    if result.error == "NameError" and broken:
        first = next(iter(broken))
        return Step(name, "failed", f"{result.message}; {first} does not run: {broken[first]}")
    return Step(name, "failed", _told(result, seconds))


def _told(result: CellRun, seconds: float) -> str:
    if result.status == "timeout":
        return f"it took more than {seconds:g} seconds"
    if result.status == "died":
        return "the kernel died in it"
    if result.error in ("CheckFailed", "AssertionError") and result.message:
        return result.message
    # Python 3.13 has a name of its own for a cell that ends too early.
    error = "SyntaxError" if result.error == "_IncompleteInputError" else result.error
    return f"{error}: {result.message}" if result.message else error


def _needed(cells: list[NotebookCell]) -> list[NotebookCell]:
    """Return what has to run: all code but demo cells that no check uses."""
    code = [cell for cell in cells if cell.kind in ("code", "demo", "solution", "check")]
    names = [_names(cell) for cell in code]
    wanted = {i for i, cell in enumerate(code) if cell.kind == "check"}
    queue = sorted(wanted)
    while queue:
        i = queue.pop()
        for name in names[i][1]:
            # the last cell above that binds it, as when all cells are run from the top
            binder = next((j for j in range(i - 1, -1, -1) if name in names[j][0]), None)
            if binder is not None and code[binder].kind == "demo" and binder not in wanted:
                wanted.add(binder)
                queue.append(binder)
    return [cell for i, cell in enumerate(code) if cell.kind != "demo" or i in wanted]


def _names(cell: NotebookCell) -> tuple[set[str], set[str]]:
    """Return the names that a cell binds, and those that it uses without binding them."""
    bound: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(Cell(cell.name, cell.source, False, cell.name).tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
    return bound, used - bound - set(dir(builtins))
