"""Run a source notebook from top to bottom and keep its outputs, the same way every time."""

from __future__ import annotations

import ast
import asyncio
import copy
import hashlib
import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from cs231n_lib.paths import data_folder

from ..course import Exercise
from ..errors import CourseError
from ..worker.cells import parse_cell

__all__ = ["as_text", "execute", "fingerprint", "render"]

CELL_SECONDS = 600
_LIBRARY = "cs231n_lib"


def fingerprint(exercise: Exercise) -> dict[str, str]:
    """Return what the outputs of an exercise depend on: texts, its data, the library it imports.

    Of the library only modules count that its notebook, or one that it builds on, reaches by
    imports, and of the data that comes with it (weights, photographs) what these modules name, so
    that a change elsewhere does not run every notebook again.
    """
    library = hashlib.sha256()
    modules = _reached([e.text.path for e in (exercise, *exercise.builds_on)])
    for path in (*modules, *_data_of(modules)):
        library.update(path.read_bytes() + b"\0")
    found = {
        "text": exercise.text.sha256,
        "dataset": exercise.dataset,
        "library": library.hexdigest(),
    }
    if exercise.builds_on:
        texts = "".join(earlier.text.sha256 for earlier in exercise.builds_on)
        found["notebooks"] = hashlib.sha256(texts.encode()).hexdigest()
    return found


def execute(exercise: Exercise, folder: Path, built_from: dict[str, str], threads: int = 1) -> Any:
    """Return the notebook with its outputs, run in ``folder``.

    Parameters
    ----------
    exercise, folder
        What to run, and where.
    built_from
        Its :func:`fingerprint`, which the notebook keeps.
    threads
        How many threads BLAS may use, unless the environment says so already. Threads of several
        notebooks on the same cores wait for each other most of the time.

    Raises
    ------
    CourseError
        If a cell raises, hangs, or takes the kernel down.
    """
    notebook = copy.deepcopy(exercise.text.notebook)
    # A dataset chosen for one's own work must not end up in everybody's notebooks.
    environment = {k: v for k, v in os.environ.items() if k != "CS231N_DATASET"}
    environment.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=40"],
    )
    try:
        # With an event loop of its own, which ends with it; client.execute() leaves one open.
        asyncio.run(client.async_execute(env=environment))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
        text = " ".join(lines[-1:])[:300]
        raise CourseError(f"{exercise.id}: a cell of the notebook fails: {text}") from error
    # The exact Python version and the like would make every machine write another file.
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["companion"] = built_from
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
    return notebook


def render(notebook: Any) -> str:
    """Return a notebook as text, the same text for the same notebook.

    Raises
    ------
    nbformat.ValidationError
        If it is none.
    """
    nbformat.validate(notebook)
    return as_text(notebook)


def as_text(notebook: Any) -> str:
    """Return what is known to be a notebook as text; ``nbformat.writes`` would look again."""
    return str(nbformat.v4.writes(notebook, indent=1)).rstrip("\n") + "\n"


def _reached(starts: Iterable[Path]) -> list[Path]:
    """Return the files of the library that some files import, and those import in turn."""
    spec = importlib.util.find_spec(_LIBRARY)
    if spec is None or spec.origin is None:
        raise CourseError(f"{_LIBRARY} is not installed: pip install the project first.")
    root = Path(spec.origin).parent
    found: dict[Path, None] = {}
    queue = [path for start in starts for path in _imports(start, root, ())]
    while queue:
        path = queue.pop()
        if path in found:
            continue
        found[path] = None
        package = path.parent.relative_to(root.parent).parts
        queue += _imports(path, root, package)
    return sorted(found)


def _data_of(modules: Iterable[Path]) -> list[Path]:
    """Return the files that come with the library and that some of its modules may read.

    Those are what a text in a module names that asks :mod:`cs231n_lib.paths` for them: a file, or
    a folder.
    """
    folder = data_folder()
    found: set[Path] = set()
    for module in modules:
        source = module.read_text(encoding="utf-8")
        if "data_file" not in source and "data_folder" not in source:
            continue
        texts = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant)}
        for text in (t for t in texts if isinstance(t, str) and re.fullmatch(r"\w[\w./]*", t)):
            place = folder / text
            found |= {place} if place.is_file() else set(place.glob("*.*"))
    return sorted(path for path in found if path.suffix not in (".md", ".py"))


def _imports(path: Path, root: Path, package: tuple[str, ...]) -> list[Path]:
    names: list[str] = []
    for node in ast.walk(parse_cell(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    files = []
    for name in names:
        if name.split(".")[0] == _LIBRARY:
            place = root.joinpath(*name.split(".")[1:])
            candidates = (place.with_suffix(".py"), place / "__init__.py")
            files += [file for file in candidates if file.is_file()]
    return files
