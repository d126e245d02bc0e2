"""Hidden checks of the features exercise.

Tolerances are those of single precision, so that a solution may compute in float32. Images are
drawn so that no pixel's orientation or hue is near the edge of a bin: rounding never decides where
a vote goes.
"""

from __future__ import annotations

import timeit
from types import SimpleNamespace

import numpy as np

from autograder import (
    Threshold,
    accuracy,
    assert_close,
    assert_finite,
    assert_shape,
    check,
    once_per_dataset,
    require,
    require_unchanged,
)
from autograder.student import Handle
from cs231n_lib.datasets import load_dataset

from . import oracle

RTOL, ATOL = 1e-4, 1e-4

CALIBRATE = "python tests/benchmarks/calibrate.py a1/features --dataset"
TRAIN_LINEAR = {
    "scenes": Threshold(
        at_least=0.51, mean=0.543, std=0.006, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.45, mean=0.490, std=0.008, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}
TRAIN_FEATURES = {
    "scenes": Threshold(
        at_least=0.60, mean=0.643, std=0.008, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.52, mean=0.554, std=0.007, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}


# rgb2gray -----------------------------------------------------------------------------------------


@check(points=1, of="rgb2gray")
def grey_is_correct(student, rng):
    """The brightness of an image that is not square weighs red, green and blue as stated."""
    image = rng.uniform(0, 255, size=(5, 7, 3))
    assert_close(
        student.rgb2gray(image), oracle.grey(image), name="the grey image", rtol=RTOL, atol=ATOL
    )


@check(points=1, of="rgb2gray")
def grey_of_a_batch(student, rng):
    """A batch of images in uint8 becomes a batch of grey images."""
    images = rng.integers(0, 256, size=(2, 4, 3, 3), dtype=np.uint8)
    assert_close(
        student.rgb2gray(images), oracle.grey(images), name="the grey images", rtol=RTOL, atol=1e-3
    )


# image_gradients ----------------------------------------------------------------------------------


@check(points=2, of="image_gradients")
def gradients_are_correct(student, rng):
    """Both differences of an image that is not square are right, last row and column included."""
    grey = rng.uniform(-3, 9, size=(5, 8))
    _assert_gradients(student.image_gradients(grey), grey)


@check(points=1, of="image_gradients")
def gradients_of_a_batch(student, rng):
    """The differences of a batch in float32 are taken within each image, whatever axes lead."""
    grey = rng.uniform(0, 50, size=(2, 3, 4, 6)).astype(np.float32)
    _assert_gradients(student.image_gradients(grey), grey)


@check(points=1, of="image_gradients")
def gradients_of_uint8(student, rng):
    """The differences of an image in uint8 can be negative."""
    grey = rng.integers(0, 256, size=(6, 5), dtype=np.uint8)
    _assert_gradients(student.image_gradients(grey), grey)


# gradient_orientation -----------------------------------------------------------------------------


@check(points=2, of="gradient_orientation")
def orientation_is_correct(student, rng):
    """Magnitude and orientation are right for gradients of every direction."""
    angle = np.deg2rad(rng.uniform(4, 86, size=(4, 5)) + 90 * np.arange(4)[:, None])
    length = rng.uniform(0.5, 40, size=(4, 5))
    _assert_orientation(student, length * np.cos(angle), length * np.sin(angle))


@check(points=1, of="gradient_orientation")
def opposite_gradients_agree(student, rng):
    """A gradient and its opposite, in float32 and in a batch, have the same orientation."""
    angle = np.deg2rad(rng.uniform(6, 174, size=(3, 2)))
    one = (5 * np.stack([np.cos(angle), np.sin(angle)])).astype(np.float32)
    _assert_orientation(student, np.stack([one[0], -one[0]]), np.stack([one[1], -one[1]]))


@check(points=2, of="gradient_orientation")
def orientation_along_the_axes(student, rng):
    """Gradients along the axes have orientations of 0 and 90 degrees; 180 does not occur."""
    a, b, c, d = rng.uniform(1, 9, size=4)
    gx = np.array([[a, -b, 0.0, 0.0, 0.0, c]])
    gy = np.array([[0.0, 0.0, c, -d, 0.0, -c]])
    _assert_orientation(student, gx, gy)


# hog_feature --------------------------------------------------------------------------------------


@check(points=3, of="hog_feature")
def hog_is_correct(student, rng):
    """The histograms of an image in colours that is not square agree with the reference."""
    image = _image(rng, 16, 24)
    assert_close(
        student.hog_feature(image),
        oracle.hog(image),
        name="the feature vector",
        rtol=RTOL,
        atol=ATOL,
    )


@check(points=1, of="hog_feature")
def hog_of_a_grey_image(student, rng):
    """An image that is grey already, higher than wide and in float32, gives its histograms."""
    image = _image(rng, 24, 8, colours=False).astype(np.float32)
    assert_close(
        student.hog_feature(image),
        oracle.hog(image),
        name="the feature vector of a grey image",
        rtol=RTOL,
        atol=1e-3,
    )


@check(points=1, of="hog_feature")
def hog_of_edges_along_the_axes(student, rng):
    """Upright and level edges, dark on bright or not, vote for the bins of 0 and 90 degrees."""
    # Whole numbers: differences are exact, and no angle depends on rounding.
    upright = np.tile(rng.permutation(np.arange(16.0) * 5), (8, 1))
    level = np.tile(rng.permutation(np.arange(16.0) * 7), (8, 1)).T
    for image in (upright, level):
        assert_close(
            student.hog_feature(image),
            oracle.hog(image),
            name="the feature vector of an image with edges along one axis",
            rtol=RTOL,
            atol=ATOL,
        )


@check(points=1, of="hog_feature")
def hog_of_a_flat_image(student, rng):
    """An image without any edge gives zeros, and no NaN."""
    image = np.full((8, 16), float(rng.integers(20, 200)))
    features = student.hog_feature(image)
    assert_shape(features, (18,), name="the feature vector of a flat image")
    assert_finite(features, name="the feature vector of a flat image")
    assert_close(features, np.zeros(18), name="the feature vector of a flat image", atol=ATOL)


@check(points=1, of="hog_feature")
def hog_leaves_the_image_alone(student, rng):
    """The image is the same after a call of hog_feature."""
    for image in (_image(rng, 8, 16), _image(rng, 16, 8, colours=False)):
        held = student.hold(image)
        assert_shape(student.hog_feature(held), (18,), name="the feature vector")
        require_unchanged("hog_feature", im=(held, image))


# hog_features -------------------------------------------------------------------------------------


@check(points=2, of="hog_features")
def batch_is_correct(student, rng):
    """Every row of the batch is the feature vector of its image."""
    images = np.stack([_image(rng, 16, 24) for _ in range(3)])
    assert_close(
        student.hog_features(images),
        np.stack([oracle.hog(image) for image in images]),
        name="the features of the batch",
        rtol=RTOL,
        atol=ATOL,
    )


@check(points=1, of="hog_features")
def batch_of_one_image(student, rng):
    """A batch of a single image in float32, wider than high, gives a matrix of one row."""
    images = _image(rng, 8, 24)[None].astype(np.float32)
    assert_close(
        student.hog_features(images),
        oracle.hog(images[0])[None],
        name="the features of a batch of one",
        rtol=RTOL,
        atol=1e-3,
    )


@check(points=2, of="hog_features", timeout=40.0)
def batch_is_faster(student, rng):
    """On 120 images, the batch takes a third of the time of a loop over images, or less."""
    images = rng.uniform(0, 255, size=(120, 32, 32, 3)).astype(np.float32)
    held = student.hold(images)
    assert_shape(student.hog_features(held), (120, 144), name="the features of 120 images")
    fast = student.hog_features.seconds(held, repeat=4)
    # A fast hog_feature makes the comparison no harder: a loop of ours is measured as well.
    few = 30
    slow = timeit.timeit(lambda: [_hog_by_cells(im) for im in images[:few]], number=1) * 120 / few
    require(
        slow >= 3 * fast,
        f"hog_features takes {1e3 * fast:.0f} ms for 120 images and a loop over images, cells and "
        f"bins {1e3 * slow:.0f} ms, expected a third of it or less",
        kind="time",
    )


# rgb_to_hsv ---------------------------------------------------------------------------------------


@check(points=2, of="rgb_to_hsv")
def hue_is_correct(student, rng):
    """The hue is right in every sixth of the circle of hues."""
    order = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    rgb = np.take_along_axis(_colours(rng, (6, 4)), order[:, None, :], axis=-1)
    hsv = np.asarray(student.rgb_to_hsv(rgb))
    assert_shape(hsv, (6, 4, 3), name="hue, saturation and value")
    assert_close(hsv[..., 0], oracle.hsv(rgb)[..., 0], name="the hue", rtol=RTOL, atol=1e-5)


@check(points=1, of="rgb_to_hsv")
def saturation_and_value_are_correct(student, rng):
    """Saturation and value are right, for a batch of images in float32, too."""
    rgb = _colours(rng, (2, 3, 5)).astype(np.float32)
    hsv = np.asarray(student.rgb_to_hsv(rgb))
    assert_shape(hsv, rgb.shape, name="hue, saturation and value")
    expected = oracle.hsv(rgb)
    for axis, name in ((1, "the saturation"), (2, "the value")):
        assert_close(hsv[..., axis], expected[..., axis], name=name, rtol=RTOL, atol=1e-5)


@check(points=2, of="rgb_to_hsv")
def greys_have_no_hue(student, rng):
    """Black, white and grey have hue and saturation 0; nothing is NaN."""
    levels = np.array([0.0, 1.0, *rng.uniform(0.1, 0.9, size=3)])
    rgb = np.concatenate([np.repeat(levels[:, None], 3, axis=1), _colours(rng, (2,))])
    hsv = student.rgb_to_hsv(rgb)
    assert_finite(hsv, name="hue, saturation and value")
    name = "hue, saturation and value of greys"
    assert_close(hsv, oracle.hsv(rgb), name=name, rtol=RTOL, atol=1e-5)


# color_histogram_hsv ------------------------------------------------------------------------------


@check(points=2, of="color_histogram_hsv")
def hues_are_counted(student, rng):
    """The histogram of hues has the share of the pixels in each of ten bins."""
    image = 255 * _colours(rng, (6, 9))
    assert_close(
        student.color_histogram_hsv(image),
        oracle.hue_histogram(image, 10),
        name="the histogram",
        rtol=RTOL,
        atol=ATOL,
    )


@check(points=1, of="color_histogram_hsv")
def hues_in_other_bins(student, rng):
    """Another number of bins, and colours between 0 and 1 (xmax=1), give their histogram, too."""
    image = _colours(rng, (7, 4), nbin=7)
    assert_close(
        student.color_histogram_hsv(255 * image, nbin=7),
        oracle.hue_histogram(255 * image, 7),
        name="the histogram in 7 bins",
        rtol=RTOL,
        atol=ATOL,
    )
    assert_close(
        student.color_histogram_hsv(image, nbin=7, xmax=1),
        oracle.hue_histogram(image, 7, xmax=1),
        name="the histogram of colours between 0 and 1",
        rtol=RTOL,
        atol=ATOL,
    )


@check(points=1, of="color_histogram_hsv")
def hues_as_counts(student, rng):
    """With normalized=False the histogram holds numbers of pixels."""
    image = 255 * _colours(rng, (5, 7))
    assert_close(
        student.color_histogram_hsv(image, normalized=False),
        35 * oracle.hue_histogram(image, 10),
        name="the histogram with normalized=False",
        rtol=RTOL,
        atol=ATOL,
    )


@check(points=1, of="color_histogram_hsv")
def hues_of_uint8(student, rng):
    """An image in uint8 with grey and black pixels counts those in the first bin."""
    # The hues of these colours are far from the edges of ten bins.
    palette = np.array([[250, 70, 8], [90, 90, 90], [0, 0, 0], [20, 190, 60], [40, 30, 210]])
    chosen = np.append(rng.integers(5, size=19), [0, 1, 2, 3, 4]).reshape(4, 6)
    image = palette[chosen].astype(np.uint8)
    assert_close(
        student.color_histogram_hsv(image),
        oracle.hue_histogram(image, 10),
        name="the histogram of an image in uint8",
        rtol=RTOL,
        atol=ATOL,
    )


# extract_features ---------------------------------------------------------------------------------


@check(points=2, of="extract_features")
def features_are_concatenated(student, rng):
    """Row i holds the results of all functions for image i, in the order of the functions."""
    imgs = rng.normal(0.7, 2.0, size=(4, 3, 5, 2))
    fns = [lambda im: im[1, :3, 0], lambda im: np.array([im.sum()]), lambda im: im[:2, 0, 1] ** 2]
    expected = np.stack([np.concatenate([fn(im) for fn in fns]) for im in imgs])
    features = student.extract_features(imgs, fns)
    assert_close(features, expected, name="the features", rtol=RTOL, atol=ATOL)


@check(points=1, of="extract_features")
def features_of_one_image(student, rng):
    """A single image and a single function give a matrix of one row, verbose or not."""
    imgs = rng.normal(-0.4, 1.0, size=(1, 2, 3, 3))
    for verbose in (False, True):
        features = student.extract_features(imgs, [lambda im: im[:, 1, 2]], verbose=verbose)
        assert_close(features, imgs[:, :, 1, 2], name="the features", rtol=RTOL, atol=ATOL)


# standardize --------------------------------------------------------------------------------------


@check(points=2, of="standardize")
def standardized_by_the_training_set(student, rng):
    """Mean and standard deviation of each column of the training features standardise others."""
    F_train = rng.normal([3.0, -2.0, 40.0, 0.1], [1.0, 0.2, 9.0, 0.05], size=(7, 4))
    F = rng.normal([4.0, -2.0, 30.0, 0.3], [0.5, 0.3, 5.0, 0.02], size=(3, 4))
    for features, name in (
        (F, "other features, standardised,"),
        (F_train, "the training features"),
    ):
        expected = oracle.standardized(F_train, features)
        actual = student.standardize(F_train, features)
        assert_close(actual, expected, name=name, rtol=1e-3, atol=1e-3)


@check(points=1, of="standardize")
def constant_columns_stay_finite(student, rng):
    """A column that is constant in the training set is divided by 1."""
    F_train = rng.normal(1.0, 2.0, size=(6, 3))
    F_train[:, 1], F_train[:, 2] = 0.0, 4.0
    F = rng.normal(1.0, 2.0, size=(1, 3))
    expected = oracle.standardized(F_train, F)
    actual = student.standardize(F_train, F)
    assert_close(actual, expected, name="the standardised features", rtol=1e-3, atol=1e-3)


@check(points=1, of="standardize")
def standardize_leaves_features_alone(student, rng):
    """Both arrays of features are the same after a call of standardize."""
    F_train, F = rng.normal(2.0, 3.0, size=(5, 3)), rng.normal(1.0, 3.0, size=(4, 3))
    held = student.hold(F_train), student.hold(F)
    assert_shape(student.standardize(*held), F.shape, name="the standardised features")
    require_unchanged("standardize", F_train=(held[0], F_train), F=(held[1], F))


# train_linear -------------------------------------------------------------------------------------


@check(points=1, of="train_linear", timeout=60.0)
def train_linear_learns_clusters(student, rng):
    """Three clusters of points far from each other are told apart, whatever D and C are."""
    (X_train, y_train), (X_val, y_val), (X, y) = _clusters(rng)
    X_train, X_val, X = (np.column_stack([F, np.ones(len(F))]) for F in (X_train, X_val, X))
    W = student.train_linear(X_train, y_train, X_val, y_val)
    assert_shape(W, (6, 3), name="W")
    assert_finite(W, name="W")
    reached = accuracy(np.argmax(X @ np.asarray(W), axis=1), y)
    require(reached >= 0.9, f"of well separated clusters, {reached:.0%} of the points are right")


@check(points=3, of="train_linear", timeout=120.0)
def train_linear_reaches_accuracy(student, rng):
    """The weights that train_linear returns recognise enough of the test images."""
    data = _features()
    chosen = _part(data, rng)
    W = student.train_linear(
        _with_one(data.F_train[chosen]), data.y_train[chosen], _with_one(data.F_val), data.y_val
    )
    assert_shape(W, (data.F_test.shape[1] + 1, data.num_classes), name="W")
    assert_finite(W, name="W")
    # Neither test images nor their labels leave this process.
    reached = accuracy(np.argmax(_with_one(data.F_test) @ np.asarray(W), axis=1), data.y_test)
    bar = TRAIN_LINEAR[data.name].at_least
    require(reached >= bar, f"test accuracy {reached:.1%}, expected {bar:.0%} or more")


# train_features -----------------------------------------------------------------------------------


@check(points=1, of="train_features", timeout=60.0)
def train_features_learns_clusters(student, rng):
    """A net learns three clusters of points far from each other, whatever D and C are."""
    (X_train, y_train), (X_val, y_val), (X, y) = _clusters(rng)
    net = student.train_features(X_train, y_train, X_val, y_val)
    reached = accuracy(_labels(net, X, 3), y)
    require(reached >= 0.9, f"of well separated clusters, {reached:.0%} of the points are right")


@check(points=4, of="train_features", timeout=120.0)
def train_features_reaches_accuracy(student, rng):
    """The net that train_features returns recognises enough of the test images."""
    data = _features()
    chosen = _part(data, rng)
    net = student.train_features(data.F_train[chosen], data.y_train[chosen], data.F_val, data.y_val)
    reached = accuracy(_labels(net, data.F_test, data.num_classes), data.y_test)
    bar = TRAIN_FEATURES[data.name].at_least
    require(reached >= bar, f"test accuracy {reached:.1%}, expected {bar:.0%} or more")


# Inputs -------------------------------------------------------------------------------------------


def _image(rng, height, width, *, colours=True):
    """Return an image whose gradients are all well away from the edges of the bins.

    Where a gradient lies along an axis, in the last row and column, the text says what holds.
    """
    shape = (height, width, 3) if colours else (height, width)
    image = rng.uniform(0, 255, size=shape)
    for _ in range(1000):
        grey = oracle.grey(image) if colours else image
        magnitude, angle = oracle.orientations(*oracle.gradients(grey))
        remainder = angle % 20
        near = (np.minimum(remainder, 20 - remainder) < 0.02) | (magnitude < 0.5)
        near[-1] = magnitude[-1] < 0.5  # 0 degrees, by definition
        near[-1, -1] = False  # no gradient at all
        if not near.any():
            return image
        image[near] = rng.uniform(0, 255, size=image[near].shape)
    raise RuntimeError("no image was found whose gradients are away from the edges")


def _colours(rng, shape, nbin=10):
    """Return colours in [0, 1], largest entry first, and no hue of any order near a bin's edge."""
    rgb = rng.uniform(0.05, 0.95, size=(*shape, 3))
    for place in np.ndindex(shape):
        while _near_an_edge(rgb[place], nbin):
            rgb[place] = rng.uniform(0.05, 0.95, size=3)
    return rgb


def _near_an_edge(rgb, nbin):
    if np.ptp(rgb) < 0.1:
        return True
    hues = oracle.hsv(np.array([rgb]))[:, 0]
    return oracle.distance_to_edges(hues, 1 / nbin) < 1e-3


def _clusters(rng):
    """Return training, validation and test points of three clusters, with spreads of about 1."""
    centres = 3.0 * np.linalg.qr(rng.normal(size=(5, 5)))[0][:3]

    def points(num):
        y = rng.permutation(np.arange(num) % 3)
        return centres[y] + rng.normal(scale=0.4, size=(num, 5)), y

    return points(3000), points(300), points(300)


def _hog_by_cells(im):
    """Compute HOG the way that is to be outdone: a loop over cells and bins, for each image."""
    grey = im @ np.array([0.299, 0.587, 0.114], dtype=im.dtype)
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[:, :-1], gy[:-1] = np.diff(grey, axis=1), np.diff(grey, axis=0)
    magnitude, bins = np.hypot(gx, gy), np.rad2deg(np.arctan2(gy, gx)) % 180 // 20
    return [
        np.sum(magnitude[r : r + 8, c : c + 8][bins[r : r + 8, c : c + 8] == b]) / 64
        for r in range(0, 32, 8)
        for c in range(0, 32, 8)
        for b in range(9)
    ]


def _part(data, rng):
    start = rng.integers(len(data.F_train) - 9_000)
    return slice(start, start + 9_000)


def _with_one(features):
    return np.hstack([features, np.ones((len(features), 1), dtype=features.dtype)])


@once_per_dataset
def _features(name):
    """Return the dataset as the notebook prepares it: standardised HOG and hues."""
    data = load_dataset(
        name, num_training=10_000, num_validation=1_000, num_test=1_000, dtype="uint8"
    )
    train, val, test = map(_hog_and_hues, (data.X_train, data.X_val, data.X_test))
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[std == 0] = 1
    return SimpleNamespace(
        name=name,
        num_classes=len(data.class_names),
        F_train=(train - mean) / std,
        F_val=(val - mean) / std,
        F_test=(test - mean) / std,
        y_train=data.y_train,
        y_val=data.y_val,
        y_test=data.y_test,
    )


def _hog_and_hues(images):
    """Return the 154 features of many images, by counting votes; a thousand at a time."""
    parts = [_some_features(images[i : i + 1000]) for i in range(0, len(images), 1000)]
    return np.concatenate(parts).astype(np.float32)


def _some_features(images):
    images = images.astype(np.float32) / 255
    grey = 255 * images @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[..., :-1], gy[:, :-1] = np.diff(grey, axis=2), np.diff(grey, axis=1)
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    bin_of_pixel = np.minimum(angle // 20, 8).astype(np.int64)
    num, height, width = grey.shape
    cell = (np.arange(height) // 8)[:, None] * (width // 8) + np.arange(width) // 8
    cells = (height // 8) * (width // 8)
    place = (np.arange(num)[:, None, None] * cells + cell) * 9 + bin_of_pixel
    hog = np.bincount(place.ravel(), np.hypot(gx, gy).ravel(), num * cells * 9) / 64

    largest, chroma = images.max(axis=-1), np.ptp(images, axis=-1)
    red, green, blue = np.moveaxis(images, -1, 0)
    divisor = np.where(chroma > 0, chroma, 1)
    sector = np.select(
        [chroma == 0, largest == red, largest == green],
        [np.zeros_like(chroma), (green - blue) / divisor % 6, (blue - red) / divisor + 2],
        (red - green) / divisor + 4,
    )
    bin_of_hue = np.minimum(sector / 6 * 10, 9).astype(np.int64).reshape(num, -1)
    place = np.arange(num)[:, None] * 10 + bin_of_hue
    hues = np.bincount(place.ravel(), minlength=num * 10) / bin_of_hue.shape[1]
    return np.hstack([hog.reshape(num, -1), hues.reshape(num, -1)])


# Verdicts -----------------------------------------------------------------------------------------


def _assert_gradients(returned, grey):
    gx, gy = returned
    for actual, expected, name in zip((gx, gy), oracle.gradients(grey), ("gx", "gy"), strict=True):
        assert_close(actual, expected, name=name, rtol=RTOL, atol=ATOL)


def _assert_orientation(student, gx, gy):
    magnitude, orientation = student.gradient_orientation(gx, gy)
    expected = oracle.orientations(gx, gy)
    assert_close(magnitude, expected[0], name="the magnitude", rtol=RTOL, atol=ATOL)
    name = "the orientation in degrees"
    assert_close(orientation, expected[1], name=name, rtol=RTOL, atol=1e-3)


def _labels(net, X, num_classes):
    """Return the labels that a student's net gives; its scores come from their side."""
    require(
        isinstance(net, Handle),
        f"train_features returned {type(net).__name__}, expected the trained net",
        kind="type",
    )
    scores = net.loss(X)
    assert_shape(scores, (len(X), num_classes), name="the scores of the net")
    assert_finite(scores, name="the scores of the net")
    return np.argmax(np.asarray(scores), axis=1)
