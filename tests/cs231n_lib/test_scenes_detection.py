from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest

from cs231n_lib.scenes import CLASS_NAMES, COLOR_NAMES, make_scenes
from cs231n_lib.scenes.backgrounds import HABITAT_NAMES
from cs231n_lib.scenes.draws import Draws
from cs231n_lib.scenes.layout import make_layout


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(120, np.random.default_rng(231))


def test_shapes_and_types(scenes):
    shapes = {
        "images": (np.uint8, (120, 96, 96, 3)),
        "num_objects": (np.int64, (120,)),
        "labels": (np.int64, (120, 5)),
        "boxes": (np.float32, (120, 5, 4)),
        "masks": (np.bool_, (120, 5, 96, 96)),
        "class_maps": (np.uint8, (120, 96, 96)),
        "colors": (np.int64, (120, 5)),
    }
    for name, (dtype, shape) in shapes.items():
        array = getattr(scenes, name)
        assert array.dtype == dtype, name
        assert array.shape == shape, name
    assert len(scenes) == len(scenes.captions) == 120


def test_one_to_five_objects_and_padding_after_them(scenes):
    assert set(scenes.num_objects) == {1, 2, 3, 4, 5}
    for i, count in enumerate(scenes.num_objects):
        assert (scenes.labels[i, :count] >= 0).all()
        assert (scenes.labels[i, :count] < 10).all()
        assert (scenes.labels[i, count:] == -1).all()
        assert (scenes.colors[i, :count] >= 0).all()
        assert (scenes.colors[i, count:] == -1).all()
        assert not scenes.boxes[i, count:].any()
        assert not scenes.masks[i, count:].any()


def test_all_classes_come_about_equally_often(scenes):
    counts = np.bincount(scenes.labels[scenes.labels >= 0], minlength=10)
    assert counts.min() > 0.4 * counts.mean()


def test_boxes_are_tight_around_the_masks(scenes):
    for i, count in enumerate(scenes.num_objects):
        for k in range(count):
            rows, columns = np.nonzero(scenes.masks[i, k])
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert scenes.boxes[i, k].tolist() == expected


def test_masks_are_disjoint_and_make_up_the_class_map(scenes):
    assert scenes.masks.sum(axis=1).max() == 1
    expected = np.zeros((120, 96, 96), dtype=int)
    for i, count in enumerate(scenes.num_objects):
        for k in range(count):
            expected[i][scenes.masks[i, k]] = scenes.labels[i, k] + 1
    np.testing.assert_array_equal(scenes.class_maps, expected)


def test_objects_are_big_enough_to_be_seen(scenes):
    areas = scenes.masks.sum(axis=(2, 3))[scenes.labels >= 0]
    assert areas.min() >= 40
    assert areas.max() < 96 * 96 / 3
    extent = (scenes.boxes[..., 2:] - scenes.boxes[..., :2])[scenes.labels >= 0]
    assert extent.min() >= 6


def test_masks_follow_edges_in_the_picture(scenes):
    """Across a mask's edge colours change more than elsewhere."""
    picture = scenes.images.astype(float)
    change = np.abs(np.diff(picture, axis=2)).sum(axis=3)
    crossing = np.diff(scenes.class_maps.astype(int), axis=2) != 0
    assert change[crossing].mean() > 3 * change[~crossing].mean()


def test_some_objects_hide_others(scenes):
    """Boxes overlap in some scenes, though masks never do."""
    overlaps = 0
    for boxes, count in zip(scenes.boxes, scenes.num_objects, strict=True):
        for a in range(count):
            for b in range(a):
                low = np.maximum(boxes[a, :2], boxes[b, :2])
                high = np.minimum(boxes[a, 2:], boxes[b, 2:])
                overlaps += bool((high - low > 3).all())
    assert overlaps > 20


def test_farther_objects_come_first_and_are_smaller():
    layout = make_layout(Draws(np.random.default_rng(0), 300))
    first = [layout.scales[objects[0]] for objects in map(layout.objects_of, range(300))]
    last = [layout.scales[objects[-1]] for objects in map(layout.objects_of, range(300))]
    alone = np.array(first) == np.array(last)
    assert 0.05 < alone.mean() < 0.35
    assert np.mean(np.array(first)[~alone] < np.array(last)[~alone]) > 0.85


def test_scenes_never_stand_in_the_studio():
    layout = make_layout(Draws(np.random.default_rng(0), 500))
    names = {HABITAT_NAMES[index] for index in layout.habitats.ravel()}
    assert names == set(HABITAT_NAMES) - {"studio"}


def test_main_colours_can_be_seen():
    """Objects called red are redder than those called blue."""
    scenes = make_scenes(200, np.random.default_rng(7))

    def redness(name):
        which = np.argwhere(scenes.colors == COLOR_NAMES.index(name))
        pixels = [scenes.images[i][scenes.masks[i, k]].mean(axis=0) for i, k in which]
        return [float(p[0] - p[2]) for p in pixels]

    assert min(np.percentile(redness("red"), 10), 10) > np.percentile(redness("blue"), 90)


GROUP = re.compile(
    r"(?P<number>an?|two|three|four|five) (?P<size>small |large )?"
    rf"(?P<color>(?:{'|'.join(COLOR_NAMES)}) )?"
    r"(?P<noun>butterfly|butterflies|fish|(?:car|cat|flower|house|mug|mushroom|sailboat|tree)s?)$"
)
NUMBERS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5}
PLACE = r"(?: (?:under water|at night|(?:in|on) (?:a|the) \w+))?$"


def parse(caption):
    """Groups of a caption (label, number, colour or None), its relation, and how many lead it."""
    body = re.sub(PLACE, "", caption)
    lead, relation, rest = re.fullmatch(
        r"(.*?)(?: (left of|right of|in front of|behind) (.*))?", body
    ).groups()
    parts = [re.split(", | and ", part) if part else [] for part in (lead, rest)]
    groups = []
    for phrase in [*parts[0], *parts[1]]:
        match = GROUP.match(phrase)
        assert match, f"{phrase!r} in {caption!r}"
        vowel = re.match(r"an? ([aeiou])?", phrase)
        assert not vowel or (vowel[1] is not None) == phrase.startswith("an "), caption
        singular = {"butterflies": "butterfly", "fish": "fish"}.get(match["noun"])
        number = NUMBERS[match["number"]]
        noun = singular or (match["noun"].removesuffix("s") if number > 1 else match["noun"])
        assert noun in CLASS_NAMES, caption
        color = match["color"] and COLOR_NAMES.index(match["color"].strip())
        groups.append((CLASS_NAMES.index(noun), number, color))
    return groups, relation, len(parts[0])


def test_captions_are_true():
    scenes = make_scenes(400, np.random.default_rng(8))
    relations = {"left of": 0, "right of": 0, "in front of": 0, "behind": 0, None: 0}
    for i, caption in enumerate(scenes.captions):
        count = scenes.num_objects[i]
        labels, colors = scenes.labels[i, :count], scenes.colors[i, :count]
        boxes = scenes.boxes[i, :count]
        groups, relation, leading = parse(caption)
        relations[relation] += 1
        # Everything in the picture is told, once, in the right number and colour.
        assert sorted(label for label, _, _ in groups) == sorted(set(labels)), caption
        for label, number, color in groups:
            assert (labels == label).sum() == number, caption
            shades = set(colors[labels == label])
            assert shades == {color} if color is not None else len(shades) > 1, caption
        if relation is None:
            continue
        assert leading == 1
        subject = labels == groups[0][0]
        x = (boxes[:, 0] + boxes[:, 2]) / 2
        if relation == "left of":
            assert x[subject].max() < x[~subject].min(), caption
        elif relation == "right of":
            assert x[subject].min() > x[~subject].max(), caption
        elif relation == "in front of":
            assert np.flatnonzero(subject).min() > np.flatnonzero(~subject).max(), caption
        else:
            assert np.flatnonzero(subject).max() < np.flatnonzero(~subject).min(), caption
    assert min(relations.values()) > 1, relations


def test_size_words_are_true(scenes):
    for i, caption in enumerate(scenes.captions):
        if scenes.num_objects[i] != 1:
            continue
        x1, y1, x2, y2 = scenes.boxes[i, 0]
        extent = max(x2 - x1, y2 - y1)
        if " small " in caption:
            assert extent < 34, caption
        if " large " in caption:
            assert extent > 26, caption


def test_same_seed_same_scenes():
    one, two = (make_scenes(6, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.masks, two.masks)
    assert one.captions == two.captions


def test_scenes_are_the_same_on_every_machine():
    scenes = make_scenes(20, np.random.Generator(np.random.PCG64(231)))
    content = scenes.images.tobytes() + scenes.masks.tobytes() + "\n".join(scenes.captions).encode()
    assert (
        hashlib.sha256(content).hexdigest()
        == "b32a55893eaa77f9fff7967acb2f62eee5222f3354d13c2504ed921ffb27449a"
    )


@pytest.mark.parametrize("size", [32, 65, 128])
def test_other_sizes(size):
    scenes = make_scenes(30, np.random.default_rng(4), size=size)
    assert scenes.images.shape == (30, size, size, 3)
    assert (scenes.boxes <= size).all()
    share = scenes.masks.any(axis=1).mean()
    assert 0.08 < share < 0.4


def test_no_scenes():
    scenes = make_scenes(0, np.random.default_rng(0))
    assert len(scenes) == 0
    assert scenes.masks.shape == (0, 5, 96, 96)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"num": -1}, ValueError, r"expected num of at least 0, got -1"),
        ({"num": 1.5}, TypeError, r"expected num to be a whole number, got 1\.5"),
        ({"size": 16}, ValueError, r"expected size of at least 32, got 16"),
        ({"size": (96, 96)}, TypeError, r"expected size to be a whole number, got \(96, 96\)"),
        ({"rng": 0}, TypeError, r"expected rng to be a numpy\.random\.Generator"),
    ],
)
def test_bad_arguments_are_named(kwargs, error, message):
    with pytest.raises(error, match=message):
        make_scenes(**{"num": 1, "rng": np.random.default_rng(0), **kwargs})
