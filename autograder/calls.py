"""What a check asked of the student's functions and what came back: the transcript."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .report import Outcome

__all__ = ["Call", "CallProblem", "Held", "Named", "Transcript", "snapshot"]


class CallProblem(Exception):
    """A call to the student's code did not bring a value back: it ends the check.

    Attributes
    ----------
    outcome
        ``failed``, ``timeout`` or ``crashed``.
    kind
        ``exception``, ``memory``, ``missing``, ``refused``, ``time`` or ``crash``.
    error
        The name of the exception's type, where the student's code raised one.
    cell
        The cell of the student's notebook that raised it, where that is known.
    """

    def __init__(
        self, message: str, outcome: Outcome, kind: str, error: str = "", cell: str = ""
    ) -> None:
        super().__init__(message)
        self.cell = cell
        self.outcome = outcome
        self.kind = kind
        self.error = error


@dataclass(frozen=True)
class Held:
    """A value that stays with the student's code: its number, and its type's name for messages."""

    number: int
    type_name: str = field(default="object", compare=False)


@dataclass(frozen=True)
class Named:
    """A function or class of the student's, by its name."""

    name: str


@dataclass
class Call:
    """One request: what was asked of which function or held value, and the answer.

    ``operation`` is ``call``, ``get``, ``set`` or ``hold``. Arguments and result hold
    :class:`Held` and :class:`Named` where the check held proxies. Of what a function returns, the
    elements whose places are in ``hold`` stay where they are, or all of it.
    """

    operation: str
    target: Held | Named | None
    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hold: tuple[int, ...] | Literal["all"] = ()
    result: Any = None
    problem: CallProblem | None = None
    seconds: float = 0.0


Transcript = list[Call]


def snapshot(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Return ``value`` with generators copied in their present state and proxies converted.

    Arrays are not copied: checks do not write into what they pass or get.
    """
    if isinstance(value, np.random.Generator):
        return copy.deepcopy(value)
    if isinstance(value, tuple | list):
        items = [snapshot(item, convert) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: snapshot(item, convert) for key, item in value.items()}
    return convert(value)
