"""Does anything that students get hold what they must not see? Nothing is released that does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..course import PICTURES, Exercise
from ..text import solution_part

__all__ = ["find_leaks", "secret_lines"]

# Shorter lines (`return out`, `loss /= N`) are everybody's.
MIN_LENGTH = 16
_HIDDEN_FILES = ("checks.py", "oracle.py", "misconceptions.py")
_HIDDEN_WORDS = (
    "BEGIN SOLUTION",
    "END SOLUTION",
    "BEGIN HIDDEN TESTS",
    "BEGIN MARK SCHEME",
    "import autograder",
    "from autograder",
)


def secret_lines(exercises: Iterable[Exercise]) -> set[str]:
    """Return the lines of solutions, model answers and hidden files that no public part has."""
    secret: set[str] = set()
    public: set[str] = set()
    for exercise in exercises:
        for cell in exercise.text.cells:
            if cell.kind == "solution":
                hidden = solution_part(cell.source)
                secret.update(_long(hidden))
                public.update(_long(_without(cell.source.split("\n"), hidden)))
            elif cell.kind == "question":
                secret.update(_long(cell.source.split("\n")))
            else:
                public.update(_long(cell.source.split("\n")))
        for name in _HIDDEN_FILES:
            secret.update(_long((exercise.folder / name).read_text(encoding="utf-8").split("\n")))
    return secret - public


def find_leaks(files: Iterable[Path], secret: set[str], allowed: set[str]) -> list[str]:
    """Look through files for students.

    Parameters
    ----------
    files
        What is about to be released.
    secret
        Lines that must not appear, from :func:`secret_lines`.
    allowed
        Names of the files that students may have.

    Returns
    -------
    list of str
        A sentence for each leak.
    """
    leaks = []
    for path in files:
        if path.name not in allowed:
            leaks.append(f"{path.name} is no file for students.")
            continue
        if path.suffix in PICTURES:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            leaks.append(f"{path.name} is no text that could be looked through.")
            continue
        texts: Iterable[str] = [text]
        if path.suffix == ".ipynb":
            content = json.loads(text)
            ran = [cell["id"] for cell in content["cells"] if _ran(cell)]
            leaks += [f"{path.name}: the cell {name} has outputs." for name in ran]
            texts = _texts(content)
        leaks += [f"{path.name} {found}" for source in texts for found in _in(source, secret)]
    return leaks


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a notebook: sources, and whatever metadata and attachments hold."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        yield "".join(value)  # how a notebook's file keeps a text of several lines
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _in(source: str, secret: set[str]) -> list[str]:
    words = [f"holds the hidden words {w!r}." for w in _HIDDEN_WORDS if w in source]
    lines = [line for line in _long(source.split("\n")) if line in secret]
    return words + [f"holds the hidden line {line[:60]!r}." for line in lines]


def _ran(cell: dict[str, Any]) -> bool:
    return bool(cell.get("outputs")) or cell.get("execution_count") is not None


def _long(lines: Iterable[str]) -> list[str]:
    stripped = (line.strip() for line in lines)
    return [line for line in stripped if len(line) >= MIN_LENGTH]


def _without(lines: list[str], hidden: list[str]) -> list[str]:
    hidden_set = set(hidden)
    return [line for line in lines if line not in hidden_set]
