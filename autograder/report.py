"""What grading a hand-in finds: one report, from which gradebook and feedback are made."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errormap import ErrorMap
from .errors import UserError

__all__ = ["CheckResult", "Outcome", "QuestionResult", "Report", "clean_text", "write_atomically"]

Outcome = Literal["passed", "failed", "timeout", "crashed", "could_not_run"]

SCHEMA = 2
"""The form of a report's JSON: 1 had no maps of errors, and says nothing of its form."""


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome.

    ``could_not_run`` is the grader's own fault: it costs no points, and ``detail`` (never shown to
    students) says what happened. ``error_map`` is where an array is off, where a picture of that
    helps.
    """

    name: str
    of: str
    description: str
    outcome: Outcome
    points: int
    max_points: int
    message: str = ""
    misconception: str | None = None
    hint: str | None = None
    seconds: float = 0.0
    printed: str = ""
    detail: str = ""
    error_map: ErrorMap | None = None

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> CheckResult:
        """Return a result from what JSON made of it.

        Raises
        ------
        TypeError, ValueError, KeyError
            If that is none.
        """
        found = fields.pop("error_map", None)
        return cls(**fields, error_map=found and ErrorMap.from_fields(found))


@dataclass(frozen=True)
class QuestionResult:
    """An inline question that a person grades: whether there is an answer to grade."""

    name: str
    answered: bool
    max_points: float


@dataclass(frozen=True)
class Report:
    """Everything that is known about one graded notebook.

    ``problem`` is set where the hand-in could not be read at all; ``notes`` are remarks on it that
    cost no points (a duplicated cell, an edited check).
    """

    exercise: str
    student: str
    checks: tuple[CheckResult, ...]
    questions: tuple[QuestionResult, ...] = ()
    seconds: float = 0.0
    problem: str | None = None
    notes: tuple[str, ...] = ()
    grader: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Points of the automatic checks."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> int:
        """Points of all automatic checks."""
        return sum(check.max_points for check in self.checks)

    def to_json(self) -> str:
        """Return the report as JSON, one object."""
        fields = asdict(self)
        head = {key: fields.pop(key) for key in ("exercise", "student")}
        scores = {"points": self.points, "max_points": self.max_points}
        whole = {**head, **scores, **fields, "schema": SCHEMA}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        UserError
            If the text is no report.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("schema", 1) not in range(1, SCHEMA + 1):
                raise ValueError("a later version wrote it")
            del fields["points"], fields["max_points"]
            fields["checks"] = tuple(map(CheckResult.from_fields, fields["checks"]))
            fields["questions"] = tuple(QuestionResult(**q) for q in fields["questions"])
            fields["notes"] = tuple(fields["notes"])
            return cls(**fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"This is not a report of this version: {error}") from error

    def write(self, path: Path) -> None:
        """Write the report to ``path``, whole or not at all."""
        write_atomically(path, self.to_json())


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that nobody ever sees half of it, even after a crash.

    What a crash leaves has a name that the next try takes again. One process at a time writes a
    file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def clean_text(text: object, limit: int = 1000) -> str:
    """Return untrusted text without control characters, at most ``limit`` characters long."""
    kept = "".join(c for c in str(text)[: 4 * limit] if c in "\n\t" or c.isprintable())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"
