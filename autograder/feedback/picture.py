"""Draw a map of errors as SVG that stands inside a page and takes its colours from the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import markupsafe

from ..errormap import ErrorMap, Layout

__all__ = ["error_picture", "key", "layout_words", "steps_in"]

_STEPS = ("right", "off by a little", "off by a lot", "of the wrong sign", "not finite")
_LOT, _SIGN, _NOT_FINITE = "234"
# Pixels: as wide as a phone leaves room for, and no square smaller than can be seen.
_SIDE, _LARGEST, _SMALLEST, _GAP = 252, 20, 7, 5
_LINE, _DIGIT = 14, 7
_LETTERS = "ijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class _Side:
    """The squares along one side of a picture, and the entries of the array that they stand for.

    Attributes
    ----------
    blocks, cells
        How many blocks there are, and squares in each.
    all_blocks, all_cells
        What of the array these stand for, as many or more.
    start, size
        Where the first square begins, and how long it is.
    """

    blocks: int
    cells: int
    all_blocks: int
    all_cells: int
    start: int = 0
    size: int = 0

    @property
    def gap(self) -> int:
        """The room between blocks; less where there are many, none where they are one square."""
        return max(2, min(_GAP, 40 // self.blocks)) if self.cells > 1 else 0

    @property
    def largest(self) -> int:
        """How long a square may be."""
        return (_SIDE - (self.blocks - 1) * self.gap) // (self.blocks * self.cells)

    def at(self, place: int) -> int:
        """Return where a square begins, counted through all blocks."""
        return self.start + place * self.size + place // self.cells * self.gap

    @property
    def end(self) -> int:
        """Where the last square ends."""
        return self.at(self.blocks * self.cells - 1) + self.size

    @property
    def digits(self) -> int:
        """How many digits an index has; none where there is but one."""
        last = (self.all_blocks if self.all_blocks > 1 else self.all_cells) - 1
        return len(str(last)) if last else 0

    @property
    def lines(self) -> Iterator[int]:
        """Where two squares meet."""
        total = self.blocks * self.cells
        return (self.at(i) for i in range(1, total) if i % self.cells or self.cells == 1)

    def labels(self, room: int) -> Iterator[tuple[int, int]]:
        """Yield where to write which index: of a block, or where there is one block, of a square.

        They are ``room`` apart. A square of several entries has the index of its first.
        """
        if self.all_blocks > 1:
            each, count, every = self.cells, self.blocks, self.all_blocks
        else:
            each, count, every = 1, self.cells, self.all_cells
        step = -(-room // (each * self.size))
        for i in range(0, count if self.digits else 0, step):
            yield self.at(i * each) + each * self.size // 2, i * every // count


def error_picture(found: ErrorMap) -> markupsafe.Markup:
    """Return a map as an ``<svg>`` element: a square for each cell, with a sign in the worse ones.

    The steps differ in lightness, and by their signs also where there is no colour.
    """
    rows = [row.replace(" ", "") for row in found.cells if row]
    down, across = _sides(found)
    drawn = []
    for step, _ in steps_in(found):
        path = _squares(rows, down, across, str(step))
        drawn.append(f'<path class="e{step}" d="{path}"/>')
    drawn.append(f'<path class="lines" d="{_lines(down, across)}"/>')
    for name, worse, sign in _marks(max(2, down.size // 4)):
        path = _signs(rows, down, across, worse, sign)
        drawn += [f'<path class="{name}" d="{path}"/>'] if path else []
    for y, index in down.labels(_LINE):
        drawn.append(f'<text class="down" x="{across.start - 5}" y="{y + 4}">{index}</text>')
    for x, index in across.labels(_DIGIT * (across.digits + 1)):
        drawn.append(f'<text class="across" x="{x}" y="{down.start - 5}">{index}</text>')
    shape = " × ".join(map(str, found.shape))
    place = f", {found.place}" if found.place else ""
    alt = f"Map of {found.name}, {shape}: {found.wrong} of {found.size} entries are off{place}."
    size = f'width="{across.end}" height="{down.end}" viewBox="0 0 {across.end} {down.end}"'
    label = markupsafe.escape(alt)
    text = f'<svg {size} role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    return markupsafe.Markup(text)  # noqa: S704 - our own numbers, and a name that is escaped


def _marks(arm: int) -> tuple[tuple[str, str, str], ...]:
    """Return class, step and path of the signs in the worse squares: a dot, a minus, a cross."""
    minus = f"m-{arm} 0h{2 * arm}"
    cross = f"m-{arm}-{arm}l{2 * arm} {2 * arm}m0-{2 * arm}l-{2 * arm} {2 * arm}"
    return (("dots", _LOT, "h0"), ("bars", _SIGN, minus), ("bars", _NOT_FINITE, cross))


def key(step: int) -> markupsafe.Markup:
    """Return a square of a step, as it stands in a picture."""
    marks = [(name, sign) for name, own, sign in _marks(3) if own == str(step)]
    signs = (f'<path class="{name}" d="M6 6{sign}"/>' for name, sign in marks)
    square = f'<path class="e{step}" d="M0 0h12v12h-12z"/>{"".join(signs)}'
    text = f'<svg width="12" height="12" aria-hidden="true">{square}</svg>'
    return markupsafe.Markup(text)  # noqa: S704 - our own


def steps_in(found: ErrorMap) -> list[tuple[int, str]]:
    """Return the steps that a map has, with what they are called."""
    there = set("".join(found.cells))
    return [(i, name) for i, name in enumerate(_STEPS) if str(i) in there]


def layout_words(found: ErrorMap) -> str:
    """Say what lies down and across in a picture.

    Examples
    --------
    >>> layout_words(ErrorMap("dw", (2, 2, 1, 3), 2, "", ("010 000", "", "000 010")))
    'entry [i, j, k, l]: blocks i down and j across, in each k down and l across'
    """
    n = len(found.shape)
    words = "index across" if n == 1 else "rows down, columns across"
    if n > 2:
        layout = Layout.of(found.shape)
        down, rows, across, columns = (
            ", ".join(_LETTERS[axis] for axis in axes)
            for axes in (layout.down, layout.rows, layout.across, layout.columns)
        )
        sides = [f"{down} down"] * bool(down) + [f"{across} across"] * bool(across)
        inside = f"in each {rows} down and {columns} across"
        entry = ", ".join(_LETTERS[:n])
        words = f"entry [{entry}]: blocks {' and '.join(sides)}, {inside}"
    return words + ("; a square shows the worst of several entries" if found.pooled else "")


def _sides(found: ErrorMap) -> tuple[_Side, _Side]:
    """Return both sides with squares as large as fit both."""
    sizes = Layout.of(found.shape).sizes(found.shape)
    first = found.cells[0].split(" ")
    blocks = 1 + found.cells.count("")
    down = (blocks, (len(found.cells) - blocks + 1) // blocks, sizes[0], sizes[1])
    across = (len(first), len(first[0]), sizes[2], sizes[3])
    largest = min(_LARGEST, _Side(*down).largest, _Side(*across).largest)
    size = max(_SMALLEST, largest)
    digits = _Side(*down).digits
    left = _DIGIT * digits + 8 if digits else 0
    top = _LINE + 2 if _Side(*across).digits else 0
    return _Side(*down, top, size), _Side(*across, left, size)


def _squares(rows: list[str], down: _Side, across: _Side, step: str) -> str:
    """Return the squares of a step as a path, neighbours in one stroke."""
    path = []
    for y, row in enumerate(rows):
        place = 0
        for (_, digit), run in groupby(enumerate(row), lambda c: (c[0] // across.cells, c[1])):
            length = len(list(run))
            if digit == step:
                width = length * across.size
                path.append(f"M{across.at(place)} {down.at(y)}h{width}v{down.size}h-{width}z")
            place += length
    return "".join(path)


def _signs(rows: list[str], down: _Side, across: _Side, step: str, sign: str) -> str:
    half = down.size // 2
    return "".join(
        f"M{across.at(x) + half} {down.at(y) + half}{sign}"
        for y, row in enumerate(rows)
        for x, digit in enumerate(row)
        if digit == step
    )


def _lines(down: _Side, across: _Side) -> str:
    """Return the lines between squares."""
    width, height = across.end - across.start, down.end - down.start
    level = [f"M{across.start} {y}h{width}" for y in down.lines]
    upright = [f"M{x} {down.start}v{height}" for x in across.lines]
    return "".join(level + upright)
