"""Hidden checks of the regularisation exercise.

Which random numbers a solution draws, in which order and how many, is its own affair. So a check of
a random function asks whether every result is possible, and whether results are as frequent as they
should be. Bounds on frequencies are six standard deviations or more wide: a correct solution
fails such a check with a probability of less than one in a hundred million, beside which the
hardware is unreliable. Generators are passed in a state that depends on the check's own.

Tolerances are those of single precision. What dropout_forward keeps for the way back stays where it
is: a cache is the student's own affair.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-5


# l1_l2_penalty ------------------------------------------------------------------------------------


@check(points=1, of="l1_l2_penalty")
def l2_loss_is_correct(student, rng):
    """With l2 alone, the loss is half of l2 times the sum of squares."""
    w = _weights(rng, (4, 3))
    loss, _ = student.l1_l2_penalty(w, 0.0, 0.37)
    assert_close(loss, oracle.penalty(w, 0.0, 0.37), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def l1_loss_is_correct(student, rng):
    """With l1 alone, the loss is l1 times the sum of absolute values."""
    w = _weights(rng, (3, 5))
    loss, _ = student.l1_l2_penalty(w, 0.43, 0.0)
    assert_close(loss, oracle.penalty(w, 0.43, 0.0), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def l2_gradient_is_correct(student, rng):
    """With l2 alone, the gradient is that of the L2 term."""
    w = _weights(rng, (2, 7))
    _, dw = student.l1_l2_penalty(w, 0.0, 0.29)
    assert_close(dw, oracle.penalty_gradient(w, 0.0, 0.29), name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def l1_gradient_is_correct(student, rng):
    """With l1 alone, the gradient is that of the L1 term."""
    w = _weights(rng, (5, 2))
    _, dw = student.l1_l2_penalty(w, 0.61, 0.0)
    assert_close(dw, oracle.penalty_gradient(w, 0.61, 0.0), name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def l1_leaves_zeros_alone(student, rng):
    """The L1 term adds nothing to the gradient of weights, in float32, that are exactly zero."""
    w = _weights(rng, (3, 4)).astype(np.float32)
    w[rng.integers(3), :2] = 0
    _, dw = student.l1_l2_penalty(w, 0.53, 0.17)
    assert_close(dw, oracle.penalty_gradient(w, 0.53, 0.17), name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def both_terms_add_up(student, rng):
    """With both strengths, for an array of four axes, losses and gradients add up."""
    w = _weights(rng, (2, 3, 1, 4))
    loss, dw = student.l1_l2_penalty(w, 0.31, 0.83)
    assert_close(loss, oracle.penalty(w, 0.31, 0.83), name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dw, oracle.penalty_gradient(w, 0.31, 0.83), name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="l1_l2_penalty")
def penalty_leaves_weights_alone(student, rng):
    """The array w is the same after a call of l1_l2_penalty."""
    w = _weights(rng, (3, 3))
    held = student.hold(w)
    student.l1_l2_penalty(held, 0.2, 0.3)
    require_unchanged("l1_l2_penalty", w=(held, w))


# dropout_forward ----------------------------------------------------------------------------------


@check(points=2, of="dropout_forward")
def entries_are_dropped_or_scaled(student, rng):
    """In training every entry is 0 or x / p."""
    x = _activations(rng, (40, 30))
    _require_dropped_or_scaled(_dropout(student, x, 0.3, _generator(rng)), x, 0.3)


@check(points=2, of="dropout_forward")
def p_is_the_share_that_is_kept(student, rng):
    """In training a share p of the entries is kept."""
    for p in (0.25, 0.9):
        x = _activations(rng, (80, 50))
        out = _dropout(student, x, p, _generator(rng))
        assert_shape(out, x.shape, name="out")
        kept = np.mean(np.asarray(out) != 0)
        # Seven standard deviations of 4000 draws are 0.048 and 0.033.
        require(
            abs(kept - p) < 0.05,
            f"{kept:.0%} of the entries are kept, expected about {p:.0%} for p = {p}",
        )


@check(points=1, of="dropout_forward")
def every_entry_has_its_own_draw(student, rng):
    """In training neither examples nor units share a mask."""
    x = _activations(rng, (60, 50))
    out = _dropout(student, x, 0.5, _generator(rng))
    assert_shape(out, x.shape, name="out")
    kept = np.asarray(out) != 0
    # Each comparison of 3000 pairs agrees by half, with a standard deviation of 0.009.
    for axis, whose in ((0, "examples"), (1, "units")):
        agree = np.mean(kept == np.roll(kept, 1, axis=axis))
        require(
            abs(agree - 0.5) < 0.1,
            f"masks of neighbouring {whose} agree in {agree:.0%} of the entries, expected about "
            "50% for p = 0.5: every entry of x needs a draw of its own",
        )


@check(points=1, of="dropout_forward")
def test_mode_changes_nothing(student, rng):
    """In test mode the output is x, without any generator."""
    x = _activations(rng, (6, 7))
    out, _ = student.dropout_forward.holding(1)(x, {"p": 0.35, "mode": "test"})
    assert_close(out, x, name="out in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="dropout_forward")
def p_of_one_keeps_everything(student, rng):
    """In training with p = 1, in float32, the output is x."""
    x = _activations(rng, (9, 4)).astype(np.float32)
    out = _dropout(student, x, 1.0, _generator(rng))
    assert_close(out, x, name="out with p = 1", rtol=RTOL, atol=ATOL)


@check(points=1, of="dropout_forward")
def any_shape_is_fine(student, rng):
    """In training a batch of one stack of feature maps is treated entry by entry as well."""
    x = _activations(rng, (1, 5, 8, 7))
    out = _dropout(student, x, 0.5, _generator(rng))
    _require_dropped_or_scaled(out, x, 0.5)
    kept = (np.asarray(out) != 0).reshape(5, 56)
    # That 56 entries agree happens once in 2 ** 55 times.
    require(
        not np.any(np.all(kept == kept[:, :1], axis=1)),
        "a whole feature map is kept or dropped at a time: draw for every entry",
    )


@check(points=1, of="dropout_forward")
def mask_comes_from_the_generator(student, rng):
    """The same state of the generator gives the same mask, and the next call another one."""
    x = _activations(rng, (20, 10))

    def call(generator):
        return np.asarray(_dropout(student, x, 0.5, generator))

    _require_drawn_from(student, rng, call)


@check(points=1, of="dropout_forward")
def dropout_leaves_x_alone(student, rng):
    """The array x is the same after a call of dropout_forward."""
    x = _activations(rng, (8, 9))
    held = student.hold(x)
    param = {"p": 0.5, "mode": "train", "rng": _generator(rng)}
    student.dropout_forward.holding(1)(held, param)
    require_unchanged("dropout_forward", x=(held, x))


# dropout_backward ---------------------------------------------------------------------------------


@check(points=1, of="dropout_backward")
def gradient_passes_where_values_passed(student, rng):
    """In training the gradient is dropped and scaled as the values were."""
    x, dout = _activations(rng, (7, 6)), _activations(rng, (7, 6))
    out, cache = _forward(student, x, 0.4, rng)
    dx = student.dropout_backward(dout, cache)
    assert_close(dx, dout * out / x, name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="dropout_backward")
def each_cache_has_its_own_mask(student, rng):
    """After two forward passes, one of a single row, each cache leads back through its own mask."""
    passes = []
    for shape, p in (((5, 8), 0.5), ((1, 30), 0.6)):
        x, dout = _activations(rng, shape), _activations(rng, shape)
        passes.append((x, dout, *_forward(student, x, p, rng)))
    for x, dout, out, cache in passes:
        dx = student.dropout_backward(dout, cache)
        assert_close(dx, dout * out / x, name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="dropout_backward")
def test_gradient_passes(student, rng):
    """In test mode the gradient passes as it is."""
    x, dout = _activations(rng, (4, 5)), _activations(rng, (4, 5))
    _, cache = student.dropout_forward.holding(1)(x, {"p": 0.45, "mode": "test"})
    dx = student.dropout_backward(dout, cache)
    assert_close(dx, dout, name="dx in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="dropout_backward")
def backward_leaves_dout_alone(student, rng):
    """The array dout is the same after a call of dropout_backward."""
    x, dout = _activations(rng, (6, 8)), _activations(rng, (6, 8))
    _, cache = _forward(student, x, 0.5, rng)
    held = student.hold(dout)
    student.dropout_backward(held, cache)
    require_unchanged("dropout_backward", dout=(held, dout))


# random_flip --------------------------------------------------------------------------------------


@check(points=1, of="random_flip")
def images_are_whole_or_mirrored(student, rng):
    """Every image is as it was or has left and right swapped."""
    images = _images(rng, (50, 3, 4, 3))
    _which_flip(student.random_flip(images, _generator(rng)), images)


@check(points=1, of="random_flip")
def half_of_them_are_mirrored(student, rng):
    """An image is mirrored with probability one half."""
    counts = []
    for _ in range(20):
        images = _images(rng, (15, 2, 3, 3))
        counts.append(_which_flip(student.random_flip(images, _generator(rng)), images).sum())
    # Six and a half standard deviations of 300 draws are 56.
    require(
        abs(sum(counts) - 150) < 57,
        f"{sum(counts)} of 300 images are mirrored, expected about 150",
    )
    require(
        any(0 < count < 15 for count in counts),
        "all images of a batch are mirrored, or none: draw for each image by itself",
    )


@check(points=1, of="random_flip")
def flips_come_from_the_generator(student, rng):
    """The same state of the generator gives the same flips, and the next call others."""
    images = _images(rng, (70, 2, 3, 3))
    _require_drawn_from(student, rng, lambda g: np.asarray(student.random_flip(images, g)))


@check(points=1, of="random_flip")
def flip_leaves_images_alone(student, rng):
    """The array images is the same after a call of random_flip."""
    _require_images_unchanged(student, "random_flip", rng)


# random_crop --------------------------------------------------------------------------------------


@check(points=2, of="random_crop")
def crops_are_windows(student, rng):
    """Every image is a window of itself, padded with zeros on all sides."""
    images = _images(rng, (40, 5, 4, 3)).astype(np.float32)
    _which_window(student.random_crop(images, 2, _generator(rng)), images, 2)


@check(points=1, of="random_crop")
def every_place_is_equally_likely(student, rng):
    """All windows occur, extremes included, and none much more often than the others."""
    images = _images(rng, (1250, 3, 4, 3))
    which = _which_window(student.random_crop(images, 2, _generator(rng)), images, 2)
    counts = np.bincount(which, minlength=25).reshape(5, 5)
    # Expected are 50 with a standard deviation of 6.9.
    require(
        counts.min() > 6 and counts.max() < 102,
        "of 1250 images with padding = 2, the 25 places (rows: top, columns: left) got "
        f"{counts.tolist()}, expected about 50 each",
    )


@check(points=1, of="random_crop")
def crops_come_from_the_generator(student, rng):
    """The same state of the generator gives the same windows, and the next call others."""
    images = _images(rng, (30, 3, 4, 3))
    _require_drawn_from(student, rng, lambda g: np.asarray(student.random_crop(images, 2, g)))


@check(points=1, of="random_crop")
def no_padding_no_shift(student, rng):
    """With padding = 0 a batch of a single image stays as it is."""
    images = _images(rng, (1, 3, 5, 3))
    out = student.random_crop(images, 0, _generator(rng))
    assert_close(out, images, name="the batch with padding = 0", rtol=RTOL, atol=ATOL)


@check(points=1, of="random_crop")
def crop_leaves_images_alone(student, rng):
    """The array images is the same after a call of random_crop."""
    _require_images_unchanged(student, "random_crop", rng, 1)


# color_jitter -------------------------------------------------------------------------------------


@check(points=1, of="color_jitter")
def channels_are_multiplied(student, rng):
    """Every channel of every image is multiplied by one factor within the range."""
    _factors(student, rng, (20, 3, 4, 3), 0.4)


@check(points=1, of="color_jitter")
def factors_fill_their_range(student, rng):
    """Factors are uniform between 1 - strength and 1 + strength."""
    factors = _factors(student, rng, (300, 1, 2, 3), 0.6).reshape(-1)
    # Of 900 factors, 90 are expected in each tenth of the range, with a standard deviation of 9.
    counts, _ = np.histogram(factors, bins=10, range=(0.4 - 1e-4, 1.6 + 1e-4))
    require(
        counts.min() > 30 and counts.max() < 155,
        "of 900 factors with strength 0.6, the tenths of the range from 0.4 to 1.6 hold "
        f"{counts.tolist()}, expected about 90 each",
    )


@check(points=1, of="color_jitter")
def values_are_cut_off(student, rng):
    """No value leaves the range from 0 to 255, and those cut off are exactly 255."""
    images = rng.uniform(200.0, 255.0, size=(40, 3, 2, 3)).astype(np.float32)
    images[:, 0, 0] = 1.0  # tells the factor
    out = student.color_jitter(images, 0.7, _generator(rng))
    assert_shape(out, images.shape, name="the batch")
    out = np.asarray(out, dtype=np.float64)
    expected = np.minimum(255.0, out[:, :1, :1] * images)
    assert_close(out, expected, name="the batch, products cut off at 255,", rtol=1e-3, atol=1e-3)


@check(points=1, of="color_jitter")
def factors_come_from_the_generator(student, rng):
    """The same state of the generator gives the same factors, and the next call others."""
    images = _images(rng, (3, 2, 4, 3)) / 2
    _require_drawn_from(student, rng, lambda g: np.asarray(student.color_jitter(images, 0.5, g)))


@check(points=1, of="color_jitter")
def jitter_leaves_images_alone(student, rng):
    """The array images is the same after a call of color_jitter."""
    _require_images_unchanged(student, "color_jitter", rng, 0.5)


# cutout -------------------------------------------------------------------------------------------


@check(points=1, of="cutout")
def squares_are_zero(student, rng):
    """In every image a square, wholly within it, is zero, and nothing else has changed."""
    for size in (2, 3):
        images = _images(rng, (25, 3, 5, 3)).astype(np.float32)
        _which_square(student.cutout(images, size, _generator(rng)), images, size)


@check(points=1, of="cutout")
def every_square_is_equally_likely(student, rng):
    """All places of the square occur, and none much more often than the others."""
    images = _images(rng, (600, 3, 4, 3))
    which = _which_square(student.cutout(images, 2, _generator(rng)), images, 2)
    counts = np.bincount(which, minlength=6).reshape(2, 3)
    # Expected are 100 with a standard deviation of 9.1.
    require(
        counts.min() > 38 and counts.max() < 162,
        "of 600 images of 3 x 4 pixels with size = 2, the six places (rows: top, columns: left) "
        f"got {counts.tolist()}, expected about 100 each",
    )


@check(points=1, of="cutout")
def squares_come_from_the_generator(student, rng):
    """The same state of the generator gives the same squares, and the next call others."""
    images = _images(rng, (30, 5, 6, 3))
    _require_drawn_from(student, rng, lambda g: np.asarray(student.cutout(images, 2, g)))


@check(points=1, of="cutout")
def cutout_leaves_images_alone(student, rng):
    """The array images is the same after a call of cutout."""
    _require_images_unchanged(student, "cutout", rng, 2)


# mixup --------------------------------------------------------------------------------------------


@check(points=2, of="mixup")
def labels_say_what_images_are_made_of(student, rng):
    """Images and labels are mixed with the same partners and the same weights."""
    images = _images(rng, (24, 2, 3, 3)).astype(np.float32)
    mixed, labels = _mixup(student, rng, images, 0.8)
    expected = oracle.mixture(labels, images)
    name = "the batch of images, compared with what its labels say,"
    assert_close(mixed, expected, name=name, rtol=RTOL, atol=1e-2)
    # An image is alone only where it is its own partner or its weight is next to 0 or 1.
    require(np.any(labels.max(axis=1) < 0.9), "no image is mixed with another one")


@check(points=1, of="mixup")
def weights_follow_alpha(student, rng):
    """Weights are as spread as those of Beta(alpha, alpha)."""
    for alpha in (0.3, 4.0):
        _, labels = _mixup(student, rng, _images(rng, (400, 1, 2, 3)), alpha)
        product = np.mean(1 - np.sum(labels**2, axis=1)) / 2
        expected = oracle.mean_product(alpha)
        # Its standard deviation is at most 0.0046; partners of oneself take away 0.0025 or so.
        require(
            abs(product - expected) < 0.035,
            f"the mean of lam * (1 - lam) is {product:.3f} for alpha = {alpha}, expected about "
            f"{expected:.3f}: draw the weights from Beta(alpha, alpha)",
        )


@check(points=1, of="mixup")
def every_image_has_its_own_weight(student, rng):
    """The weights of a batch differ."""
    _, labels = _mixup(student, rng, _images(rng, (60, 2, 1, 3)), 1.0)
    mixed = labels[np.sum(labels > 0, axis=1) == 2]  # not with themselves
    require(len(mixed) > 0, "no image is mixed with another one")
    spread = np.std(mixed.max(axis=1))
    require(
        spread > 0.05,  # 0.144 is expected
        f"the weights of the images of a batch have a standard deviation of {spread:.3f}: draw one "
        "for every image",
    )


@check(points=1, of="mixup")
def partners_are_drawn(student, rng):
    """Partners are drawn from the generator: other states, other partners."""
    images = _images(rng, (80, 1, 2, 3))
    partners = []
    for _ in range(2):
        _, labels = _mixup(student, rng, images, 1.0)
        np.fill_diagonal(labels, 0)
        partners.append(np.argmax(labels, axis=1))
    # Two permutations agree in about one place.
    same = np.mean(partners[0] == partners[1])
    require(
        same < 0.3,
        f"{same:.0%} of the images have the same partner whatever the state of the generator",
    )


@check(points=1, of="mixup")
def mixup_leaves_arguments_alone(student, rng):
    """The arrays images and labels_one_hot are the same after a call of mixup."""
    images, labels = _images(rng, (9, 3, 2, 3)), np.eye(9)
    held = student.hold(images), student.hold(labels)
    student.mixup(*held, 1.0, _generator(rng))
    require_unchanged("mixup", images=(held[0], images), labels_one_hot=(held[1], labels))


# ensemble_predict ---------------------------------------------------------------------------------


@check(points=1, of="ensemble_predict")
def mean_probability_decides(student, rng):
    """The class with the highest mean probability is predicted."""
    says = _probabilities(rng, 4, 60, 5)
    labels, leads = oracle.ensemble_labels(says)
    clear = leads > 1e-3
    labels, says = labels[clear], says[:, clear]
    got = student.ensemble_predict(says)
    assert_close(got, labels, name="the array of labels", rtol=0, atol=0)


@check(points=1, of="ensemble_predict")
def a_sure_network_counts_more(student, rng):
    """One network that is sure outvotes two that waver."""
    says = np.array([[[0.5, 0.4, 0.1]], [[0.45, 0.35, 0.2]], [[0.02, 0.9, 0.08]]])
    order = rng.permutation(3)
    says = np.concatenate([says, says[:, :, order]], axis=1)
    labels, _ = oracle.ensemble_labels(says)
    got = student.ensemble_predict(says)
    assert_close(got, labels, name="the array of labels", rtol=0, atol=0)


@check(points=1, of="ensemble_predict")
def one_network_one_image(student, rng):
    """A single network says, in float32, of a single image what it thinks itself."""
    best = int(rng.integers(1, 4))
    says = np.full((1, 1, 4), 0.1, dtype=np.float32)
    says[0, 0, best] = 0.7
    got = student.ensemble_predict(says)
    assert_close(got, [best], name="the array of labels", rtol=0, atol=0)


# Helpers ------------------------------------------------------------------------------------------


def _weights(rng, shape):
    """Return weights of both signs, none of them near zero or of size one."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(1.3, 3.0, size=shape)


def _activations(rng, shape):
    """Return values of both signs, none of them near zero: a zero is then one that was dropped."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.7, 2.0, size=shape)


def _images(rng, shape):
    """Return images without a black value, no two of whose pixels are alike."""
    return rng.uniform(20.0, 250.0, size=shape)


def _probabilities(rng, models, images, classes):
    """Return probabilities, networks being sure to different degrees."""
    spreads = rng.uniform(0.5, 3.0, size=(models, images, 1))
    exponentials = np.exp(rng.normal(0.0, 1.0, size=(models, images, classes)) * spreads)
    return exponentials / exponentials.sum(axis=2, keepdims=True)


def _generator(rng):
    return np.random.default_rng(rng.integers(2**32))


def _dropout(student, x, p, generator):
    param = {"p": p, "mode": "train", "rng": generator}
    out, _ = student.dropout_forward.holding(1)(x, param)
    assert_shape(out, x.shape, name="out")
    return out


def _forward(student, x, p, rng):
    param = {"p": p, "mode": "train", "rng": _generator(rng)}
    out, cache = student.dropout_forward.holding(1)(x, param)
    assert_shape(out, x.shape, name="out")
    return np.asarray(out, dtype=np.float64), cache


def _require_dropped_or_scaled(out, x, p):
    assert_shape(out, x.shape, name="out")
    out = np.asarray(out, dtype=np.float64)
    expected = np.where(out == 0, 0.0, x / p)
    assert_close(out, expected, name="out where it is not 0", rtol=RTOL, atol=ATOL)
    # For the sizes used here, all dropped or all kept never happens.
    require(np.any(out == 0), "no entry is dropped in training")
    require(np.any(out != 0), "every entry is dropped in training")


def _require_drawn_from(student, rng, call):
    """Require that results follow the generator's state, and that the state moves on."""
    seed = int(rng.integers(2**32))
    first, again = (call(np.random.default_rng(seed)) for _ in range(2))
    require(
        np.array_equal(first, again),
        "the same state of the generator gave two results: draw everything from the rng passed in",
    )
    held = student.hold(np.random.default_rng(seed))
    call(held)
    require(
        not np.array_equal(first, call(held)),
        "two calls in a row with one generator gave the same result: draw from the rng passed in, "
        "not from one that you make anew",
    )


def _versions(out, images, versions, what):
    """Return which version each image is; fail with ``what`` if one is none of them."""
    assert_shape(out, images.shape, name="the batch")
    which = oracle.recognise(np.asarray(out, dtype=np.float64), images, versions)
    strange = int(np.sum(which < 0))
    require(strange == 0, f"{strange} of {len(images)} images are {what}")
    return which


def _which_flip(out, images):
    versions = [lambda image: image, oracle.mirrored]
    return _versions(out, images, versions, "neither as before nor with left and right swapped")


def _which_window(out, images, padding):
    places = [(t, c) for t in range(2 * padding + 1) for c in range(2 * padding + 1)]
    versions = [
        lambda image, top=top, left=left: oracle.window(image, padding, top, left)
        for top, left in places
    ]
    what = "no window of the image with zeros around it"
    return _versions(out, images, versions, what)


def _which_square(out, images, size):
    _, H, W, _ = images.shape
    places = [(t, c) for t in range(H - size + 1) for c in range(W - size + 1)]
    versions = [
        lambda image, top=top, left=left: oracle.covered(image, size, top, left)
        for top, left in places
    ]
    what = f"not the image with one square of {size} x {size} zeros within it"
    return _versions(out, images, versions, what)


def _factors(student, rng, shape, strength):
    """Return the factors (N, 3) of images that are too dark to be cut off."""
    images = rng.uniform(20.0, 100.0, size=shape)
    out = student.color_jitter(images, strength, _generator(rng))
    assert_shape(out, shape, name="the batch")
    factors = np.asarray(out, dtype=np.float64) / images
    expected = np.broadcast_to(factors[:, :1, :1], shape)
    assert_close(
        factors, expected, name="the array of factors, out / images,", rtol=1e-3, atol=ATOL
    )
    factors = factors[:, 0, 0]
    low, high = factors.min(), factors.max()
    require(
        low > 1 - strength - 1e-3 and high < 1 + strength + 1e-3,
        f"factors lie between {low:.2f} and {high:.2f} for strength = {strength}, expected "
        f"{1 - strength:.2f} to {1 + strength:.2f}",
    )
    # Of uniform factors no two are as near as this by accident, channels of all images included.
    alike = [np.ptp(factors, axis=axis).max() < 1e-4 for axis in (0, 1)]
    require(not alike[0], "all images have the same factors: draw for each image by itself")
    require(
        not alike[1], "the channels of an image have one factor: draw for each channel by itself"
    )
    return factors


def _mixup(student, rng, images, alpha):
    """Mix images, each of which is a class of its own; return images and labels as float64."""
    N = len(images)
    mixed, labels = student.mixup(images, np.eye(N, dtype=images.dtype), alpha, _generator(rng))
    assert_shape(mixed, images.shape, name="mixed_images")
    assert_shape(labels, (N, N), name="mixed_labels")
    labels = np.array(labels, dtype=np.float64)
    sums = labels.sum(axis=1)
    assert_close(sums, np.ones(N), name="the sum of each mixed label", rtol=RTOL, atol=ATOL)
    others = (labels > 0).sum(axis=1).max()
    require(others <= 2, f"a label is mixed from {others} images, expected two at most")
    return np.asarray(mixed, dtype=np.float64), labels


def _require_images_unchanged(student, function, rng, *args):
    images = _images(rng, (70, 3, 4, 3))
    held = student.hold(images)
    getattr(student, function)(held, *args, _generator(rng))
    require_unchanged(function, images=(held, images))
