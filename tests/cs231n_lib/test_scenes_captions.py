from __future__ import annotations

import pytest

from cs231n_lib.scenes.captions import Seen, describe


def seen(noun, color="red", x=0.5, y=0.5, *, scale=0.35, half=0.1, depth=0) -> Seen:
    return Seen(noun, color, scale, (x - half, y - half, x + half, y + half), depth)


@pytest.mark.parametrize(
    ("objects", "habitat", "caption"),
    [
        ([seen("cat", "grey")], "room", "a grey cat in a room"),
        ([seen("cat", "orange")], "studio", "an orange cat"),
        ([seen("car", "orange", scale=0.5)], "night", "a large orange car at night"),
        ([seen("fish", x=0.2), seen("fish", x=0.8)], "underwater", "two red fish under water"),
        (
            [seen("butterfly", x=0.2), seen("butterfly", "blue", x=0.5), seen("butterfly", x=0.8)],
            "meadow",
            "three butterflies in a meadow",
        ),
        (
            [seen("mug", "blue", x=0.2), seen("house", "white", x=0.6)],
            "desert",
            "a blue mug left of a white house in a desert",
        ),
        (
            [seen("mug", "blue", x=0.8, half=0.2), seen("house", "white", x=0.2, half=0.1)],
            "street",
            "a blue mug right of a white house on a street",
        ),
        (
            # The two cars are on both sides of the tree, so that only the larger kind is left to
            # start with.
            [seen("car", x=0.1), seen("car", "blue", x=0.9), seen("tree", "green", half=0.2)],
            "snow",
            "a green tree and two cars in the snow",
        ),
        (
            [seen("tree", "green", depth=0), seen("cat", "black", x=0.52, half=0.12, depth=1)],
            "forest",
            "a black cat in front of a green tree in a forest",
        ),
        (
            [seen("tree", "green", half=0.2, depth=0), seen("cat", "black", x=0.52, depth=1)],
            "forest",
            "a green tree behind a black cat in a forest",
        ),
        (
            # Above each other, not touching.
            [seen("tree", "green", y=0.2, half=0.12), seen("cat", "black", y=0.8)],
            "sea",
            "a green tree and a black cat on the sea",
        ),
        (
            [
                seen("sailboat", x=0.1),
                seen("tree", "green", x=0.5, scale=0.2),
                seen("tree", "green", x=0.6, scale=0.2),
                seen("mug", "pink", x=0.9),
            ],
            "sea",
            "a red sailboat left of two small green trees and a pink mug on the sea",
        ),
        (
            [
                seen("flower", "pink", x=0.5, y=0.1, half=0.15),
                seen("mushroom", "brown", x=0.5, y=0.5, half=0.12),
                seen("fish", "blue", x=0.52, y=0.8),
            ],
            "meadow",
            "a pink flower, a brown mushroom and a blue fish in a meadow",
        ),
        (
            # One small and one large: no adjective holds of both.
            [seen("mug", x=0.3, scale=0.2), seen("mug", x=0.7, scale=0.5)],
            "room",
            "two red mugs in a room",
        ),
    ],
)
def test_captions(objects, habitat, caption):
    assert describe(objects, habitat) == caption
