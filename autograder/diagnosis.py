"""Which misconception a failure looks like: the student's calls, replayed on known-wrong versions.

A misconception is a match when, on the very inputs of the failing check, it returns what the
student's function returned, and the reference does not. An object that stayed in its process can be
compared with nothing and is no evidence either way. Nothing of the student's runs here: their side
of the comparison is the recorded transcript.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np

from .authoring import Check, Misconception
from .backends import LocalBackend
from .calls import Call, CallProblem, Held, Transcript
from .reference import Reference
from .worker.values import TooLarge

__all__ = [
    "TRAINING_TIMEOUT",
    "describe_mismatch",
    "find_misconception",
    "replay",
    "same",
    "structure",
]

# A float32 solution and a float64 misconception agree to about 1e-6 of the largest entry.
_RELATIVE, _OF_LARGEST = 1e-4, 1e-6
# Where replaying the calls costs more (a training run), only misconceptions that this very check is
# there to catch are tried, and none where a mistake in another function is known: the failure most
# likely follows from it. A check that allows a minute is there for a training run: a student's may
# have ended at once, but the reference's will not.
_CHEAP_SECONDS, TRAINING_TIMEOUT = 0.5, 60.0
# So much may a replay take where a mistake in another function is known and yet all misconceptions
# of the exercise are tried; above it, those that this check is there to catch.
_CHEAP_IF_KNOWN_SECONDS = 0.02


def find_misconception(
    check: Check,
    kind: str,
    transcript: Transcript,
    misconceptions: Sequence[Misconception],
    reference: Reference,
    known: Set[str] = frozenset(),
) -> Misconception | None:
    """Return the misconception that a failure looks like, or ``None``.

    Parameters
    ----------
    check, kind
        The check that failed, and the kind of failure (``value``, ``memory``, …).
    transcript
        What the check asked and what the student's code answered.
    misconceptions
        Those of the exercise.
    reference
        The reference solution.
    known
        Names of the misconceptions that earlier checks have found in the hand-in. One in another
        function is tried first: a failure that it explains needs no second one.
    """
    own = [m for m in misconceptions if m.of == check.of]
    if kind in ("memory", "time", "mutation"):
        # Nothing to replay: the values are right, or never came.
        fitting = (m for m in own if m.symptom == kind and m.caught_by == check.name)
        return next(fitting, None)
    seconds = sum(call.seconds for call in transcript)
    cheap = seconds < _CHEAP_SECONDS and check.timeout < TRAINING_TIMEOUT
    elsewhere = {m.name for m in misconceptions if m.name in known and m.of != check.of}
    if elsewhere and not cheap:
        return None
    if cheap and (not elsewhere or seconds < _CHEAP_IF_KNOWN_SECONDS):
        candidates = list(misconceptions)
    else:
        candidates = [m for m in own if m.caught_by == check.name]
    problem = next((call.problem for call in transcript if call.problem is not None), None)
    if problem is not None:
        # A kind of exception tells little: it is another function's mistake only if it arose there.
        concerned = (check.of, problem.cell)
        candidates = [m for m in candidates if m.symptom == "exception" and m.of in concerned]
    else:
        candidates = [m for m in candidates if m.symptom == "value"]
    candidates.sort(
        key=lambda m: (m.name not in elsewhere, m.of != check.of, m.caught_by != check.name)
    )
    right = None
    for candidate in candidates:
        wrong = replay(transcript, reference.namespace({candidate.of: candidate.run}))
        if not _agree(transcript, wrong):
            continue
        right = replay(transcript, reference.namespace()) if right is None else right
        # Both: an opaque object of either side agrees with whatever stands in its place.
        if not _agree(wrong, right) and not _agree(transcript, right):
            return candidate
    return None


def replay(transcript: Transcript, namespace: dict[str, Any]) -> list[Call]:
    """Carry out the calls of a transcript on our own code; stop after the first that fails."""
    backend = LocalBackend(namespace)
    ours: dict[int, Any] = {}
    answers = []
    for call in transcript:
        try:
            here = replace(_with_ours(call, ours), result=None, problem=None)
        except KeyError:  # it holds on to something that this version never returned
            break
        try:
            here.result = backend.perform(here)
            _bind(call.result, here.result, ours)
        except CallProblem as problem:
            here.problem = problem
        except (KeyError, TooLarge):  # the same, or a value that no frame holds
            break
        answers.append(here)
        if here.problem is not None:
            break
    return answers


def _with_ours(call: Call, ours: dict[int, Any]) -> Call:
    def convert(value: Any) -> Any:
        if isinstance(value, Held):
            return ours[value.number]
        if type(value) in (tuple, list):
            return type(value)(convert(item) for item in value)
        if type(value) is dict:
            return {key: convert(item) for key, item in value.items()}
        return value

    return replace(
        call, target=convert(call.target), args=convert(call.args), kwargs=convert(call.kwargs)
    )


def _bind(theirs: Any, result: Any, ours: dict[int, Any]) -> None:
    """Note what of ours stands where they hold something, be it held itself or a plain value."""
    if isinstance(theirs, Held):
        ours[theirs.number] = result
    elif type(theirs) in (tuple, list) and type(result) in (tuple, list):
        for their_item, our_item in zip(theirs, result, strict=False):
            _bind(their_item, our_item, ours)


def _agree(transcript: Sequence[Call], answers: Sequence[Call]) -> bool:
    """Whether the answers are those of the transcript, exceptions by type included."""
    if len(transcript) != len(answers):
        return False
    for theirs, ours in zip(transcript, answers, strict=True):
        if (theirs.problem is None) != (ours.problem is None):
            return False
        if theirs.problem is not None and ours.problem is not None:
            return theirs.problem.error == ours.problem.error != ""
        if not same(theirs.result, ours.result):
            return False
    return True


def same(one: Any, other: Any) -> bool:
    """Whether two results are the same value up to rounding, whatever their container and dtype."""
    if isinstance(one, Held) or isinstance(other, Held):
        return True  # opaque: it shows in what is computed from it
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list) and _nested(one, other):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(a, b) for a, b in pairs)
    if _lettered(one) or _lettered(other):
        # Not as arrays: those are as wide as their longest text in every entry.
        return type(one) is type(other) and bool(one == other)
    try:
        x, y = np.asarray(one), np.asarray(other)
    except ValueError:
        return False
    if x.dtype.kind not in "biufc" or y.dtype.kind not in "biufc":
        return type(one) is type(other) and x.shape == y.shape and bool(np.all(x == y))
    if x.size != y.size or x.squeeze().shape != y.squeeze().shape:
        return False
    x, y = x.squeeze(), y.squeeze()
    finite = np.abs(y[np.isfinite(y)])
    atol = _OF_LARGEST * float(finite.max()) if finite.size else 0.0
    with np.errstate(all="ignore"):
        return bool(np.allclose(x, y, rtol=_RELATIVE, atol=atol, equal_nan=True))


def _lettered(value: Any) -> bool:
    """Whether a value is text or a sequence with text in it, at any level."""
    if isinstance(value, tuple | list):
        return any(map(_lettered, value))
    return isinstance(value, str | bytes)


def _nested(*values: Any) -> bool:
    parts = (item for value in values for item in value)
    return any(isinstance(part, np.ndarray | tuple | list | dict | Held | None) for part in parts)


def describe_mismatch(transcript: Transcript, answers: Sequence[Call]) -> str | None:
    """Say in which call the result has another structure than the reference's, and how."""
    for theirs, ours in zip(transcript, answers, strict=False):
        if theirs.problem is None and ours.problem is None:
            got, expected = structure(theirs.result), structure(ours.result)
            if got != expected:
                return f"`{theirs.name}` returned {got}, expected {expected}"
    return None


def structure(value: Any) -> str:
    """Describe a value by kind and shape: ``a tuple of (a number, an array of shape (3, 4))``."""
    if value is None:
        return "None"
    if isinstance(value, Held):
        return "an object"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, bool | int | float | complex | np.generic | np.ndarray):
        return "a number"
    if isinstance(value, tuple | list) and len(value) <= 6:
        return f"a {type(value).__name__} of ({', '.join(structure(v) for v in value)})"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)} items"
    return f"a {type(value).__name__}"
