"""Which hand-ins are nearly the same? For a person to look at: it proves nothing by itself.

Compared is only what students wrote: text of the exercise, docstrings, comments and layout are
taken out, and names that a student chose become one sign, so that renaming hides nothing. What
many write in the same way because there is little to write is left out, too.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from ..course import Exercise
from ..handin import Handin
from ..nbgrader_parts import clear_solutions

__all__ = ["Similar", "find_similar"]

THRESHOLD = 0.9
# Fewer tokens than this are alike by chance.
MIN_TOKENS = 60
# A function of at most so many tokens that this share of the class writes alike says nothing.
SHORT, COMMON_SHARE, COMMON = 80, 0.03, 4
# Longer hand-ins are compared by their beginnings: the time to compare grows with the square.
MAX_TOKENS = 6_000
# A class that invents more tokens than there are characters has some of them share one.
_CHARACTERS = 1_000_000
# Kinds of tokens that are counted apart; more than there are share a count.
_BINS = 256
_TOKEN = re.compile(
    r"""
    (?:\s+|\#[^\n]*|[rbfu]{0,2}(?:\"{3}[\s\S]*?(?:\"{3}|\Z)|'{3}[\s\S]*?(?:'{3}|\Z)))*+
    (
        [rbfu]{0,2}(?:"(?:\\.|[^"\\\n])*+"?|'(?:\\.|[^'\\\n])*+'?)  # a text
        |\.?[^\W\d]\w*+  # a name, or an attribute with its dot
        |\d[\w.]*+|[\s\S]  # a number, an operator
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DOCSTRING = re.compile(r"\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}")
_KEPT = frozenset([*keyword.kwlist, *dir(builtins), "np", "numpy", "self"])


@dataclass(frozen=True)
class Similar:
    """Hand-ins of one exercise that are nearly the same.

    Attributes
    ----------
    students
        Who: all of them with the same structure, or one and another.
    structure
        How much of the code agrees when names are not looked at, 0 to 1.
    names
        How much of it agrees with names; much less than `structure` means that they were changed.
    tokens
        How much code was compared.
    """

    exercise: str
    students: tuple[str, ...]
    structure: float
    names: float
    tokens: int


def find_similar(exercise: Exercise, handins: Mapping[str, Handin]) -> list[Similar]:
    """Return groups and pairs of hand-ins that are nearly the same, the most alike first.

    Hand-ins of the same structure are one group; a pair stands for its groups. Comparing takes
    one bit-parallel pass for each pair of structures that may be near enough by their tokens.
    """
    stub = _stub_lines(exercise)
    parts = {student: _parts(handin, stub) for student, handin in handins.items()}
    shapes = {student: [_shape(p) for p in own.values()] for student, own in parts.items()}
    common = _common(shapes)
    plain = {student: [t for p in own.values() for t in p] for student, own in parts.items()}
    shape = {
        student: [t for p in own if p not in common for t in p][:MAX_TOKENS]
        for student, own in shapes.items()
    }
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for student in sorted(shape):
        if len(shape[student]) >= MIN_TOKENS:
            groups[tuple(shape[student])].append(student)
    coded = _coded(list(groups))
    who = list(groups.values())
    compared = {student: plain[student][:MAX_TOKENS] for group in who for student in group[:2]}
    named = dict(zip(compared, _coded(list(compared.values())), strict=True))
    found = [
        Similar(exercise.id, tuple(group), 1.0, _agreement(named, group[0], group[1]), len(tokens))
        for tokens, group in groups.items()
        if len(group) > 1
    ]
    for i, j, structure in _alike(coded):
        a, b = who[i][0], who[j][0]
        tokens = min(len(coded[i]), len(coded[j]))
        found.append(Similar(exercise.id, (a, b), structure, _agreement(named, a, b), tokens))
    return sorted(found, key=lambda s: (-s.structure, -s.names, -s.tokens, s.students))


def _stub_lines(exercise: Exercise) -> frozenset[str]:
    """Return the lines that students got in their solution cells."""
    lines: set[str] = set()
    for cell in exercise.text.of_kind("solution"):
        lines.update(_lines(clear_solutions(cell.source, cell.name)))
    return frozenset(lines)


def _lines(source: str) -> list[str]:
    return [line.strip() for line in _DOCSTRING.sub("", source).split("\n")]


def _parts(handin: Handin, stub: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return the tokens of each cell of code that the student wrote."""
    parts = {}
    for cell in handin.cells:
        if cell.is_code and cell.origin != "ours":
            own = "\n".join(line for line in _lines(cell.source) if line not in stub)
            parts[cell.name] = tuple(_TOKEN.findall(own))
    return parts


@functools.lru_cache(maxsize=100_000)
def _sign(token: str) -> str:
    """Return what a token counts as: every name that is the student's own choice is the same."""
    if token.isidentifier():
        return token if token in _KEPT else "V"
    return "''" if token[-1] in "\"'" or token.lstrip("rbfuRBFU")[:1] in ("'", '"') else token


def _shape(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_sign, tokens))


def _common(shapes: Mapping[str, list[tuple[str, ...]]]) -> set[tuple[str, ...]]:
    counts = Counter(shape for own in shapes.values() for shape in set(own))
    often = max(COMMON, COMMON_SHARE * len(shapes))
    return {shape for shape, n in counts.items() if n >= often and len(shape) <= SHORT}


def _coded(sequences: Sequence[Sequence[str]]) -> list[str]:
    """Return token sequences as texts, a character for each different token."""
    codes: dict[str, str] = {}
    for sequence in sequences:
        for token in sequence:
            if token not in codes:
                number = len(codes) % _CHARACTERS + 1
                codes[token] = chr(number if number < 0xD800 else number + 0x800)
    return ["".join(codes[token] for token in sequence) for sequence in sequences]


def _alike(coded: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of texts that agree by the threshold or more, and how much.

    Two texts have no longer a subsequence in common than they have letters, whatever their order:
    most pairs need not be compared in earnest.
    """
    lengths = np.array([len(text) for text in coded])
    counts = np.zeros((len(coded), _BINS), np.int16)
    for text, row in zip(coded, counts, strict=True):
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        row += np.bincount(codes % _BINS, minlength=_BINS).astype(np.int16)
    for i in range(len(coded) - 1):
        common = np.minimum(counts[i], counts[i + 1 :]).sum(axis=1)
        enough = THRESHOLD * (lengths[i] + lengths[i + 1 :]) - 1e-6
        maybe = (np.flatnonzero(2 * common >= enough) + i + 1).tolist()
        if not maybe:
            continue
        (scores,) = cdist(
            [coded[i]],
            [coded[j] for j in maybe],
            scorer=Indel.normalized_similarity,
            score_cutoff=THRESHOLD,
            dtype=np.float64,
            workers=1,
        )
        yield from ((i, j, float(s)) for j, s in zip(maybe, scores, strict=True) if s > 0)


def _agreement(named: Mapping[str, str], a: str, b: str) -> float:
    return float(Indel.normalized_similarity(named[a], named[b]))
