"""The embedded dataset: pictures of ten kinds of objects, drawn from a seed.

``load_scenes`` gives the course's fixed images for classification, ``make_classification`` new ones
of the same kind.
"""

from cs231n_lib.scenes.classification import make_classification
from cs231n_lib.scenes.store import load_scenes
from cs231n_lib.scenes.things import CLASS_NAMES

__all__ = ["CLASS_NAMES", "load_scenes", "make_classification"]
