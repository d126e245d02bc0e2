"""Pack a hand-in: the notebooks under the names that the grader looks for, and nothing else."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cs231n_lib.exercise_notebook import expected_here, read_notebook, what_is_wrong
from cs231n_lib.notebook_cells import NotebookError

__all__ = ["Submission", "pack"]

# What notebooks hold where something is to be written.
_STUB = re.compile(r"^[ \t]*raise NotImplementedError\(.* is not written yet", re.MULTILINE)
# Zip files know no earlier day: equal notebooks make an equal file, whenever they are packed.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Submission:
    """A packed hand-in.

    Parameters
    ----------
    path : Path
        The zip file.
    names : tuple of str
        What is in it, such as ``a1/softmax.ipynb``.
    unwritten : tuple of str
        Functions that are not written yet, such as ``softmax: sgd_train``; no obstacle.
    missing : tuple of str
        Exercises of the assignment that are not in it.
    """

    path: Path
    names: tuple[str, ...]
    unwritten: tuple[str, ...]
    missing: tuple[str, ...]


def pack(notebooks: Sequence[Path], output: Path | None = None) -> Submission:
    """Pack notebooks of one assignment into a zip file.

    Parameters
    ----------
    notebooks : sequence of Path
        The files, all of one folder.
    output : Path, optional
        The file to write; ``<assignment>.zip`` in the current folder by default.

    Raises
    ------
    NotebookError
        If the grader could not read one of them; nothing is written then.
    """
    paths = [path.resolve() for path in notebooks]
    folders = sorted({path.parent for path in paths})
    if len(folders) != 1:
        where = " and ".join(map(str, folders)) or "none"
        raise NotebookError(f"a hand-in is of one folder, these notebooks are of {where}")
    if len(set(paths)) < len(paths):
        raise NotebookError("a notebook is named twice")
    expected = expected_here(folders[0])
    open_: list[str] = []
    for path in paths:
        cells = read_notebook(path)
        problem = what_is_wrong(path, cells, expected)
        if problem is not None:
            raise NotebookError(problem)
        solutions = (cell for cell in cells if cell.kind == "solution")
        open_ += [f"{path.stem}: {c.name}" for c in solutions if _STUB.search(c.source)]
    target = output or Path(f"{expected.assignment}.zip")
    if target.suffix != ".zip":
        raise NotebookError(f"{target} does not end in .zip")
    names = [f"{expected.assignment}/{path.name}" for path in sorted(paths)]
    _write(target, dict(zip(names, sorted(paths), strict=True)))
    missing = tuple(name for name in expected.cells if name not in {p.stem for p in paths})
    return Submission(target, tuple(names), tuple(open_), missing)


def _write(target: Path, files: dict[str, Path]) -> None:
    temporary = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in files.items():
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = 0o644 << 16
                entry.create_system = 3  # the same on every system
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotebookError(f"{target} cannot be written: {error.strerror}") from error
