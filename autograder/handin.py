"""Read a hand-in: what of it is believed, and what is not.

Believed are source strings: of the solution cells, found by their ``grade_id``, of cells that the
student added, and of answers to questions. Everything else (given cells, checks, points, metadata,
outputs) comes from the exercise's own text, whatever the hand-in says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .text import NotebookText
from .worker.cells import Cell

__all__ = ["Handin", "HandinCell", "Unreadable"]

MAX_BYTES = 64 * 2**20
# Brackets and commas outside texts: each may cost a hundred times its byte when it is read.
MAX_MARKS = 1_500_000
MAX_CELLS = 2_000
MAX_SOURCE, MAX_CODE = 500_000, 1_000_000
ANSWER_STUB = "YOUR ANSWER HERE"
_TOO_LARGE = (
    f"the file is larger than {MAX_BYTES // 2**20} MB. Clear its outputs (Edit, Clear Outputs of "
    "All Cells), save it and hand it in again"
)


class Unreadable(Exception):
    """The file is no notebook; the message says in what way, to the student."""


@dataclass(frozen=True)
class HandinCell:
    """One cell of a hand-in that counts.

    ``origin`` is ``ours`` (a cell of the exercise: its own source, wherever the student left it),
    ``written`` (a solution or an answer: the student's source in our cell) or ``added``.
    """

    origin: Literal["ours", "written", "added"]
    name: str
    source: str
    is_code: bool = True


@dataclass(frozen=True)
class Handin:
    """What counts of a hand-in, in its order."""

    cells: tuple[HandinCell, ...]
    notes: tuple[str, ...]
    answered: frozenset[str]

    @classmethod
    def read(cls, content: bytes, text: NotebookText) -> Handin:
        """Read the bytes of a notebook file against the exercise's own text.

        Raises
        ------
        Unreadable
            If it is no notebook.
        """
        return _Reader(text).read(_cells_of(content))

    def definitions(self, text: NotebookText) -> tuple[Cell, ...]:
        """Return the cells whose definitions are graded: given, written and added code."""
        given = {cell.name for cell in text.of_kind("given")}
        return tuple(
            Cell(cell.name, cell.source)
            for cell in self.cells
            if cell.is_code and (cell.origin != "ours" or cell.name in given)
        )


def read_bytes(path: Path) -> bytes:
    """Read a hand-in's file.

    Raises
    ------
    Unreadable
        If it is no regular file, too large, or cannot be read.
    """
    try:
        if path.is_symlink() or not path.is_file():
            raise Unreadable("the hand-in is no regular file")
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(_TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from error


def _cells_of(content: bytes) -> list[Any]:
    if len(content) > MAX_BYTES:
        raise Unreadable(_TOO_LARGE)
    if not content.strip():
        raise Unreadable("the file is empty")
    if _marks(content) > MAX_MARKS:
        raise Unreadable(f"the file has more than {MAX_MARKS:,} entries")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable(
            "the file is no notebook: it is not JSON. Save it in Jupyter, hand in the .ipynb file"
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON, but no notebook of format 4: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(cells):,} cells, more than {MAX_CELLS:,}")
    return cells


def _marks(content: bytes) -> int:
    """Count brackets and commas: everywhere, and outside texts where those are too many.

    A file shorter than what is allowed is not looked through: its length is the bound then.
    """
    if len(content) <= MAX_MARKS:
        return len(content)
    total = sum(map(content.count, (b"[", b"{", b",")))
    if total <= MAX_MARKS:
        return total
    # A text without an end goes to the end of the file, so that no second one begins within it.
    texts = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
    return sum(map(texts.sub(b"", content).count, (b"[", b"{", b",")))


class _Reader:
    def __init__(self, text: NotebookText) -> None:
        self.text = text
        self.ours = {cell.name: cell for cell in text.cells}
        self.by_source = {
            (cell.source.strip(), cell.kind != "text"): cell
            for cell in text.cells
            if cell.kind in ("given", "demo", "text")
        }
        self.notes: list[str] = []
        self.answered: set[str] = set()

    def read(self, raw: list[Any]) -> Handin:
        items = [item for item in map(_plain_cell, raw) if item is not None]
        if len(items) < len(raw):
            self.notes.append(f"{len(raw) - len(items)} cells could not be read and were left out.")
        if sum(len(source) for _, source, is_code in items if is_code) > MAX_CODE:
            raise Unreadable(f"the notebook has more than {MAX_CODE:,} characters of code")
        last = {name: i for i, (name, _, code) in enumerate(items) if self._counts(name, code)}
        cells: list[HandinCell] = []
        for i, (name, source, is_code) in enumerate(items):
            if name in last and last[name] != i:
                self.notes.append(f"The cell {name} is there more than once: the last one counts.")
                name = None
            cells.append(self._cell(name, source, is_code, i))
        return self._with_missing(cells)

    def _counts(self, name: str | None, is_code: bool) -> bool:
        """Whether a cell can stand for ours of that name; among several the last one does."""
        own = self.ours.get(name) if name else None
        return own is not None and (is_code or own.kind != "solution")

    def _cell(self, name: str | None, source: str, is_code: bool, place: int) -> HandinCell:
        own = self.ours.get(name) if name else None
        if own is None:
            own = self.by_source.get((source.strip(), is_code))
            if own is not None:
                return HandinCell("ours", own.name, own.source, own.kind != "text")
            return HandinCell("added", f"added cell {place + 1}", source, is_code)
        if own.kind == "solution":
            # Whatever its cell was turned into, it is the student's: our source is the solution.
            if is_code:
                return HandinCell("written", own.name, source)
            self.notes.append(f"The cell {own.name} is no code cell any more: it was not run.")
            return HandinCell("added", f"added cell {place + 1}", source, is_code=False)
        if own.kind == "question":
            if source.strip() not in ("", ANSWER_STUB):
                self.answered.add(own.name)
            return HandinCell("written", own.name, source, is_code=False)
        if own.kind == "check" and source.strip() != own.source.strip():
            self.notes.append(f"The cell {own.name} was edited: its original counts.")
        return HandinCell("ours", own.name, own.source, own.kind not in ("text", "question"))

    def _with_missing(self, cells: list[HandinCell]) -> Handin:
        present = {cell.name for cell in cells}
        missing = [cell for cell in self.text.cells if cell.name not in present]
        for cell in missing:
            if cell.kind == "solution":
                self.notes.append(f"The cell {cell.name} is missing.")
        given = [HandinCell("ours", c.name, c.source) for c in missing if c.kind == "given"]
        notes = tuple(dict.fromkeys(self.notes))
        return Handin((*given, *cells), notes, frozenset(self.answered))


def _plain_cell(cell: Any) -> tuple[str | None, str, bool] | None:
    """Return a raw cell's name, source and whether it is code; ``None`` for what is no cell."""
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        try:
            source = "".join(source)
        except TypeError:  # a line is no text
            return None
    if not isinstance(source, str) or len(source) > MAX_SOURCE:
        return None
    source = source.encode("utf-8", "replace").decode()
    metadata = cell.get("metadata")
    grader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = grader.get("grade_id") if isinstance(grader, dict) else None
    return name if isinstance(name, str) else None, source, cell.get("cell_type") == "code"
