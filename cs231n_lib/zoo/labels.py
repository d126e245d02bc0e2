"""The names of ImageNet's thousand classes."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from cs231n_lib.paths import data_file

__all__ = ["ImagenetClass", "imagenet_classes"]


class ImagenetClass(NamedTuple):
    """One of the thousand classes of ILSVRC 2012."""

    wnid: str
    """Its identifier in WordNet, such as ``"n02124075"``."""
    name: str
    """One name, different from those of all other classes."""
    synonyms: tuple[str, ...]
    """Other names in WordNet."""


@cache
def imagenet_classes() -> tuple[ImagenetClass, ...]:
    """Return ImageNet's classes in the order of a network's scores.

    Examples
    --------
    >>> imagenet_classes()[285].name
    'Egyptian cat'
    """
    lines = data_file("imagenet/classes.txt").read_text(encoding="utf-8").splitlines()
    classes = []
    for line in lines:
        wnid, name, *rest = line.split("\t")
        classes.append(ImagenetClass(wnid, name, tuple(rest[0].split(", ")) if rest else ()))
    return tuple(classes)
