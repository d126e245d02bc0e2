"""Make hand-ins out of an exercise's own material, for verifying the suite and for the demo."""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from pathlib import Path

from .authoring import Misconception
from .build.execute import render
from .course import Exercise
from .errors import CourseError
from .handin import ANSWER_STUB
from .nbgrader_parts import clear_solutions
from .text import BEGIN_SOLUTION, END_SOLUTION, defined_names

__all__ = ["blank", "from_style", "misconception_source", "reference", "with_solution"]


def reference(exercise: Exercise) -> bytes:
    """Return the exercise's own notebook as a hand-in."""
    return _handin(exercise, {})


def blank(exercise: Exercise) -> bytes:
    """Return the notebook as students get it, with nothing filled in."""
    cells = exercise.text.of_kind("solution")
    stubs = {cell.name: clear_solutions(cell.source, cell.name) for cell in cells}
    stubs |= {cell.name: ANSWER_STUB for cell in exercise.text.of_kind("question")}
    return _handin(exercise, stubs)


def with_solution(exercise: Exercise, name: str, source: str) -> bytes:
    """Return the reference with another source in the solution cell of one function."""
    return _handin(exercise, {name: source})


def from_style(exercise: Exercise, path: Path) -> bytes:
    """Return the hand-in that a file of ``styles/`` makes: each function in its own cell.

    What the file defines besides goes into the cell of the first function. A function without a
    hidden check may be left to the reference.

    Raises
    ------
    CourseError
        If it lacks a function that is checked.
    """
    text = path.read_text(encoding="utf-8")
    names = [cell.name for cell in exercise.text.of_kind("solution")]
    missing = {check.of for check in exercise.checks} - set(defined_names(text))
    if missing:
        raise CourseError(f"{path.name} does not define {', '.join(sorted(missing))}.")
    tree = ast.parse(text)
    sources: dict[str, str] = {}
    for node in tree.body:
        name = getattr(node, "name", None)
        segment = _segment(text, node)
        place = name if name in names else names[0]
        sources[place] = "\n\n".join(part for part in (sources.get(place), segment) if part)
    return _handin(exercise, sources)


def misconception_source(wrong: Misconception) -> str:
    """Return a misconception as the source of a student's cell: renamed, with what it uses.

    The decorator and the hint are left out; imports, constants and helper functions of its module
    that it uses, directly or through each other, come first.
    """
    # From its file, not its module: of two courses in one process, the last one loaded has that.
    text = Path(inspect.getfile(wrong.run)).read_text(encoding="utf-8")
    nodes = {name: node for node in ast.parse(text).body for name in _binds(node)}
    function = nodes[wrong.name]
    if not isinstance(function, ast.FunctionDef | ast.ClassDef):
        raise CourseError(f"The misconception {wrong.name} is neither a function nor a class.")
    used = _uses(function, nodes)
    before = [n for n in ast.parse(text).body if set(_binds(n)) & (used - {wrong.name})]
    parts = [_segment(text, node) for node in before]
    renamed = copy.deepcopy(function)
    renamed.name, renamed.decorator_list = wrong.of, []
    renamed.body = renamed.body[1:]  # the docstring is the hint
    return "\n\n".join([*parts, ast.unparse(renamed)])


def _uses(start: ast.AST, nodes: dict[str, ast.stmt]) -> set[str]:
    used: set[str] = set()
    queue = [start]
    while queue:
        names = {n.id for n in ast.walk(queue.pop()) if isinstance(n, ast.Name)} & nodes.keys()
        queue += [nodes[name] for name in names - used]
        used |= names
    return {name for name in used if not _is_ours(nodes[name])}


def _is_ours(node: ast.stmt) -> bool:
    """Whether a statement imports from the engine: the decorators, of no use to a hand-in."""
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder")


def _binds(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)]


def _segment(text: str, node: ast.stmt) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    lines = text.split("\n")[first - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines))


def _handin(exercise: Exercise, sources: dict[str, str]) -> bytes:
    notebook = copy.deepcopy(exercise.text.notebook)
    for cell, ours in zip(notebook.cells, exercise.text.cells, strict=True):
        if ours.name in sources:
            cell["source"] = sources[ours.name]
        elif ours.kind == "solution":
            lines = cell["source"].split("\n")
            marks = (BEGIN_SOLUTION, END_SOLUTION)
            cell["source"] = "\n".join(line for line in lines if line.strip() not in marks)
    return render(notebook).encode()
