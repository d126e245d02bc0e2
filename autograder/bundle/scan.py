"""Look through a finished bundle, as one who unpacks it would: nothing hidden may be in it."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..build.leaks import find_leaks
from ..course import Course
from ..errors import CourseError
from ..text import solution_part

__all__ = ["scan"]

_HIDDEN_NAMES = frozenset(
    ["checks.py", "oracle.py", "misconceptions.py", "notebook.py", "gradebook.db"]
)
_PICTURES = frozenset([".jpg", ".npz", ".png"])
# As many consecutive lines of a solution are no chance: `N, C, H, W = x.shape` is everybody's.
RUN = 3


def scan(content: bytes, course: Course, secret: set[str]) -> list[str]:
    """Return a sentence for each leak of a bundle.

    Notebooks and handouts may hold no hidden line. The library is code about the same things, so
    that single lines of it can be those of a solution: there it is the marks of hidden parts, and
    solutions or hidden functions of some length.

    Parameters
    ----------
    content
        The bundle's bytes.
    course, secret
        All exercises, and what :func:`~autograder.build.leaks.secret_lines` says of them.
    """
    blocks = _blocks(course)
    leaks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bundle-") as scratch:
        for place, data in _unpacked(content):
            name = PurePosixPath(place).name
            library = "cs231n_lib/" in place
            if name in _HIDDEN_NAMES or "autograder" in PurePosixPath(place).parts:
                leaks.append(f"{place} is no file for students.")
            elif library and PurePosixPath(place).suffix in _PICTURES:
                continue
            else:
                path = Path(scratch, name)
                path.write_bytes(data)
                leaks += find_leaks([path], set() if library else secret, {name})
                if library:
                    leaks += _runs(place, data, blocks)
                path.unlink()
    return leaks


def _unpacked(content: bytes, before: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every file of a zip file by its place, those in packages within it, too."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for place in archive.namelist():
            data = archive.read(place)
            if place.endswith((".whl", ".zip")):
                yield from _unpacked(data, f"{before}{place}/")
            else:
                yield f"{before}{place}", data


def _blocks(course: Course) -> set[tuple[str, ...]]:
    """Return every run of lines of solutions and hidden files that is long enough to tell."""
    texts: list[list[str]] = []
    for exercise in course.select(None):
        for cell in exercise.text.of_kind("solution"):
            try:
                texts.append(solution_part(cell.source))
            except CourseError as error:
                raise CourseError(f"{exercise.id}: the cell {cell.name} {error}.") from error
        for name in ("checks.py", "oracle.py", "misconceptions.py"):
            texts.append((exercise.folder / name).read_text(encoding="utf-8").split("\n"))
    return {block for lines in texts for block in _windows(lines)}


def _runs(place: str, data: bytes, blocks: set[tuple[str, ...]]) -> list[str]:
    lines = data.decode("utf-8", "replace").split("\n")
    found = next((block for block in _windows(lines) if block in blocks), None)
    return [] if found is None else [f"{place} holds hidden lines: {found[0][:60]!r} and on."]


def _windows(lines: list[str]) -> Iterator[tuple[str, ...]]:
    told = [" ".join(line.split()) for line in lines]
    # Imports, brackets and words of prose stand everywhere.
    code = [
        x for x in told if re.search(r"[=(\[]", x) and not x.startswith(("import", "from", "#"))
    ]
    return (tuple(code[i : i + RUN]) for i in range(len(code) - RUN + 1))
