"""The embedded dataset: pictures of ten kinds of objects, drawn from a seed.

``load_scenes`` gives the course's fixed images for classification, ``make_classification`` new ones
of the same kind, ``make_scenes`` larger pictures of several objects with boxes, masks and captions.
"""

from cs231n_lib.scenes.classification import make_classification
from cs231n_lib.scenes.colors import COLOR_NAMES
from cs231n_lib.scenes.detection import SceneBatch, make_scenes
from cs231n_lib.scenes.store import load_scenes
from cs231n_lib.scenes.things import CLASS_NAMES

__all__ = [
    "CLASS_NAMES",
    "COLOR_NAMES",
    "SceneBatch",
    "load_scenes",
    "make_classification",
    "make_scenes",
]
