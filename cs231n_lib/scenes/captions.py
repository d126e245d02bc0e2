"""One sentence for a scene: how many of what in which colour, and where they are to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Seen", "describe"]

_NUMBERS = ("no", "one", "two", "three", "four", "five")
_PLURALS = {"butterfly": "butterflies", "fish": "fish"}

_PLACES = {
    "sea": "on the sea",
    "meadow": "in a meadow",
    "street": "on a street",
    "underwater": "under water",
    "room": "in a room",
    "forest": "in a forest",
    "snow": "in the snow",
    "desert": "in a desert",
    "night": "at night",
}

# Half extents, relative to half the image, up to which a thing is small and from which it is large.
_SMALL, _LARGE = 0.29, 0.42
# How far apart centres must be, relative to the image, to be left or right of each other.
_MARGIN = 0.10
# How much of the smaller box must be common for one thing to be in front of or behind another.
_OVERLAP = 0.15


@dataclass(frozen=True)
class Seen:
    """One object of a scene as a caption sees it.

    Attributes
    ----------
    noun : str
        Name of its class.
    color : str
        Name of its main colour.
    scale : float
        Half its extent relative to half the image.
    box : tuple of float
        x1, y1, x2, y2 of its visible part, relative to the image's size.
    depth : int
        Place in the order of painting: an object hides those of smaller depth.
    """

    noun: str
    color: str
    scale: float
    box: tuple[float, float, float, float]
    depth: int


def describe(objects: Sequence[Seen], habitat: str) -> str:
    """Describe a scene in one sentence.

    Objects of a kind are told together. The largest kind that stands in front of, behind, left of
    or right of all others becomes the subject; if there is none, the kinds are listed.

    Parameters
    ----------
    objects : sequence of Seen
        One to five objects.
    habitat : str
        Name of the background.

    Returns
    -------
    str
        Lower case, without a full stop.

    Examples
    --------
    >>> boat = Seen("sailboat", "red", 0.3, (0.1, 0.2, 0.3, 0.6), 0)
    >>> tree = Seen("tree", "green", 0.25, (0.5, 0.3, 0.7, 0.6), 1)
    >>> other = Seen("tree", "green", 0.25, (0.7, 0.3, 0.9, 0.6), 2)
    >>> describe([boat, tree, other], "sea")
    'a red sailboat left of two small green trees on the sea'
    """
    kinds: dict[str, list[Seen]] = {}
    for thing in sorted(objects, key=_area, reverse=True):
        kinds.setdefault(thing.noun, []).append(thing)
    groups = list(kinds.values())
    sentence = _related(groups) or _enumerate(groups)
    place = _PLACES.get(habitat)
    return f"{sentence} {place}" if place else sentence


def _related(groups: list[list[Seen]]) -> str | None:
    """Find the largest group that is somewhere relative to all others, and say so."""
    if len(groups) < 2:
        return None
    for group in groups:
        for relation, holds in _RELATIONS.items():
            others = [other for other in groups if other is not group]
            if all(holds(one, two) for one in group for other in others for two in other):
                return f"{_phrase(group)} {relation} {_enumerate(others)}"
    return None


def _left(one: Seen, two: Seen) -> bool:
    return (one.box[0] + one.box[2]) / 2 + _MARGIN < (two.box[0] + two.box[2]) / 2


def _right(one: Seen, two: Seen) -> bool:
    return _left(two, one)


def _in_front(one: Seen, two: Seen) -> bool:
    width = min(one.box[2], two.box[2]) - max(one.box[0], two.box[0])
    height = min(one.box[3], two.box[3]) - max(one.box[1], two.box[1])
    common = max(width, 0) * max(height, 0)
    return one.depth > two.depth and common > _OVERLAP * min(_area(one), _area(two))


def _behind(one: Seen, two: Seen) -> bool:
    return _in_front(two, one)


# In the order in which they are tried.
_RELATIONS = {"in front of": _in_front, "behind": _behind, "left of": _left, "right of": _right}


def _enumerate(groups: list[list[Seen]]) -> str:
    """Noun phrases joined as a list: "a, b and c"."""
    phrases = [_phrase(group) for group in groups]
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _phrase(group: list[Seen]) -> str:
    """Join number, size, colour and noun, each adjective only where it holds of all."""
    words = []
    if all(thing.scale < _SMALL for thing in group):
        words.append("small")
    elif all(thing.scale > _LARGE for thing in group):
        words.append("large")
    if all(thing.color == group[0].color for thing in group):
        words.append(group[0].color)
    noun = group[0].noun
    if len(group) > 1:
        return " ".join([_NUMBERS[len(group)], *words, _PLURALS.get(noun, f"{noun}s")])
    words.append(noun)
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def _area(thing: Seen) -> float:
    x1, y1, x2, y2 = thing.box
    return (x2 - x1) * (y2 - y1)
