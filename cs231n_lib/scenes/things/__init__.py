"""The ten kinds of objects, each painted from its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cs231n_lib.scenes.canvas import Canvas
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.things.animals import paint_butterfly, paint_cat, paint_fish
from cs231n_lib.scenes.things.made import paint_car, paint_house, paint_mug, paint_sailboat
from cs231n_lib.scenes.things.plants import paint_flower, paint_mushroom, paint_tree

__all__ = ["CLASS_NAMES", "THINGS", "Thing"]


@dataclass(frozen=True)
class Thing:
    """One class of objects.

    Attributes
    ----------
    name : str
        The class name, a singular noun.
    paint : callable
        ``paint(canvas, draws, main)`` paints one object per picture in main colours
        ``(3, n, 1, 1)``.
    colors : mapping
        Weights of main colours by name (see ``colors.COLOR_NAMES``).
    habitats : mapping
        Weights of the backgrounds it is usually seen on (see ``backgrounds.HABITAT_NAMES``).
    tilt : float
        Largest tangent of half the angle it is turned by.
    """

    name: str
    paint: Callable[[Canvas, Draws, Floats], None]
    colors: Mapping[str, float]
    habitats: Mapping[str, float]
    tilt: float


_GAUDY = {"red": 1.0, "orange": 1.0, "yellow": 1.0, "blue": 1.0, "purple": 1.0, "pink": 1.0}

THINGS: tuple[Thing, ...] = (
    Thing(
        "butterfly",
        paint_butterfly,
        {**_GAUDY, "white": 0.7},
        {"meadow": 3, "room": 1, "forest": 1},
        0.384,
    ),
    Thing(
        "car",
        paint_car,
        {
            "red": 2,
            "blue": 2,
            "yellow": 1,
            "green": 1,
            "white": 1,
            "grey": 1,
            "black": 1,
            "orange": 0.5,
        },
        {"street": 4, "desert": 1, "snow": 1},
        0.108,
    ),
    Thing(
        "cat",
        paint_cat,
        {"orange": 2, "brown": 2, "grey": 2, "black": 1.5, "white": 1.5},
        {"room": 3, "street": 1, "meadow": 1},
        0.12,
    ),
    Thing(
        "fish", paint_fish, {**_GAUDY, "green": 1, "grey": 1}, {"underwater": 5, "sea": 1}, 0.264
    ),
    Thing(
        "flower",
        paint_flower,
        {**_GAUDY, "white": 1.5},
        {"meadow": 3, "room": 1, "night": 0.5},
        0.192,
    ),
    Thing(
        "house",
        paint_house,
        {
            "white": 2,
            "yellow": 1,
            "pink": 1,
            "blue": 0.7,
            "brown": 1,
            "grey": 1,
            "red": 1,
            "green": 0.5,
        },
        {"meadow": 2, "street": 2, "snow": 2, "night": 1},
        0.06,
    ),
    Thing("mug", paint_mug, {**_GAUDY, "green": 1, "white": 1.5, "black": 0.5}, {"room": 5}, 0.12),
    Thing(
        "mushroom",
        paint_mushroom,
        {"red": 3, "brown": 2, "orange": 1, "yellow": 0.5, "purple": 0.5, "white": 0.5},
        {"forest": 4, "meadow": 1},
        0.168,
    ),
    Thing(
        "sailboat",
        paint_sailboat,
        {
            "red": 1,
            "blue": 1,
            "green": 1,
            "yellow": 1,
            "brown": 1,
            "white": 1,
            "black": 0.5,
            "orange": 0.7,
        },
        {"sea": 6},
        0.144,
    ),
    Thing(
        "tree",
        paint_tree,
        {"green": 5, "orange": 1, "yellow": 0.7, "red": 0.6, "pink": 0.6},
        {"meadow": 2, "snow": 1.5, "night": 1, "desert": 1},
        0.096,
    ),
)

CLASS_NAMES: tuple[str, ...] = tuple(thing.name for thing in THINGS)
