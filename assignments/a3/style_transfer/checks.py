"""Hidden checks of the style transfer exercise.

The network is a tiny one of ours, handed over as two functions: no picture is judged, no trained
weights needed. Tolerances are those of single precision, so that a solution may use float32.

Most functions are made of earlier ones. A wrong Gram matrix costs its own points and no others:
what is built on it counts as right, too, if it is what the student's own parts add up to.
"""

from __future__ import annotations

import numpy as np

from autograder import (
    CheckFailed,
    Fall,
    assert_close,
    assert_finite,
    assert_shape,
    check,
    require,
    require_fall,
)

from . import oracle

RTOL, ATOL = 1e-4, 1e-5
# A few steps of Adam, whose first goes by the gradient's sign: an image moved by hundredths.
RTOL_STEPS, ATOL_STEPS = 1e-3, 1e-3

CALIBRATE = "python tests/benchmarks/calibrate.py a3/style_transfer --seeds 40"
INVERSION = Fall(at_most=0.11, mean=0.022, std=0.018, seeds=40, command=CALIBRATE)
TEXTURE = Fall(at_most=0.013, mean=0.0042, std=0.0017, seeds=40, command=CALIBRATE)


# content_loss -------------------------------------------------------------------------------------


@check(points=1, of="content_loss")
def content_loss_is_correct(student, rng):
    """The content loss is the weighted sum of squared differences."""
    current, original = _features(rng, 2, 3, 4, 5), _features(rng, 2, 3, 4, 5)
    loss, _ = student.content_loss(0.7, current, original)
    assert_close(
        loss, oracle.content(0.7, current, original)[0], name="the loss", rtol=RTOL, atol=ATOL
    )


@check(points=2, of="content_loss")
def content_gradient_is_correct(student, rng):
    """The gradient of the content loss agrees with the reference."""
    current, original = _features(rng, 2, 4, 3, 5), _features(rng, 2, 4, 3, 5)
    _, gradient = student.content_loss(1.3, current, original)
    expected = oracle.content(1.3, current, original)[1]
    assert_close(gradient, expected, name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="content_loss")
def content_of_one_image(student, rng):
    """One image in float32, with another weight, gives the right loss and gradient."""
    current, original = (_features(rng, 1, 5, 2, 3).astype(np.float32) for _ in range(2))
    loss, gradient = student.content_loss(0.3, current, original)
    expected = oracle.content(0.3, current, original)
    assert_close(loss, expected[0], name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(gradient, expected[1], name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="content_loss")
def content_leaves_features_alone(student, rng):
    """The features that content_loss is given are the same after the call."""
    arrays = _features(rng, 1, 3, 2, 4), _features(rng, 1, 3, 2, 4)
    held = [student.hold(array) for array in arrays]
    _, gradient = student.content_loss(0.9, *held)
    assert_shape(gradient, arrays[0].shape, name="the gradient")
    _require_unchanged("content_loss", content_current=(held[0], arrays[0]))
    _require_unchanged("content_loss", content_original=(held[1], arrays[1]))


# gram_matrix --------------------------------------------------------------------------------------


@check(points=2, of="gram_matrix")
def gram_is_correct(student, rng):
    """The Gram matrix of one image that is not square agrees with the definition, normalised."""
    features = _features(rng, 1, 4, 3, 5)
    gram = student.gram_matrix(features)
    assert_close(gram, oracle.gram(features), name="the Gram matrix", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix")
def gram_without_normalisation(student, rng):
    """With normalize=False nothing is divided."""
    features = _features(rng, 1, 3, 2, 5)
    expected = oracle.gram(features, False)
    gram = student.gram_matrix(features, normalize=False)
    assert_close(gram, expected, name="the Gram matrix", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix")
def gram_of_each_image(student, rng):
    """In a batch, in float32, each image has a Gram matrix of its own."""
    features = _features(rng, 3, 4, 2, 5).astype(np.float32)
    gram = student.gram_matrix(features)
    assert_shape(gram, (3, 4, 4), name="the Gram matrices")
    assert_close(gram, oracle.gram(features), name="the Gram matrices", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix")
def gram_leaves_features_alone(student, rng):
    """The features that gram_matrix is given are the same after the call."""
    features = _features(rng, 1, 3, 4, 2)
    held = student.hold(features)
    assert_shape(student.gram_matrix(held), (1, 3, 3), name="the Gram matrix")
    _require_unchanged("gram_matrix", features=(held, features))


# gram_matrix_backward -----------------------------------------------------------------------------


@check(points=2, of="gram_matrix_backward")
def gram_gradient_is_correct(student, rng):
    """The gradient is right for a dgram that is not symmetric, normalised by default."""
    features, dgram = _features(rng, 1, 4, 3, 5), rng.normal(0.3, 9.0, size=(1, 4, 4))
    gradient = student.gram_matrix_backward(dgram, features)
    expected = oracle.gram_gradient(dgram, features)
    assert_close(gradient, expected, name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix_backward")
def gram_gradient_for_symmetric_dgram(student, rng):
    """The gradient is right for a symmetric dgram, as a loss of Gram matrices gives it."""
    features, dgram = _features(rng, 1, 3, 5, 2), rng.normal(0.2, 6.0, size=(1, 3, 3))
    dgram = dgram + dgram.transpose(0, 2, 1)
    gradient = student.gram_matrix_backward(dgram, features, normalize=True)
    expected = oracle.gram_gradient(dgram, features)
    assert_close(gradient, expected, name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix_backward")
def gram_gradient_without_normalisation(student, rng):
    """With normalize=False nothing is divided on the way back either."""
    features, dgram = _features(rng, 1, 5, 2, 3), rng.normal(0.1, 1.0, size=(1, 5, 5))
    gradient = student.gram_matrix_backward(dgram, features, normalize=False)
    expected = oracle.gram_gradient(dgram, features, False)
    assert_close(gradient, expected, name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix_backward")
def gram_gradient_of_each_image(student, rng):
    """In a batch, in float32, each image gets the gradient of its own Gram matrix."""
    features, dgram = _features(rng, 3, 4, 2, 5), rng.normal(0.3, 9.0, size=(3, 4, 4))
    features, dgram = features.astype(np.float32), dgram.astype(np.float32)
    gradient = student.gram_matrix_backward(dgram, features)
    assert_shape(gradient, features.shape, name="the gradient")
    expected = oracle.gram_gradient(dgram, features)
    assert_close(gradient, expected, name="the gradient", rtol=RTOL, atol=ATOL)


@check(points=1, of="gram_matrix_backward")
def gram_backward_leaves_arguments_alone(student, rng):
    """The arrays dgram and features are the same after a call of gram_matrix_backward."""
    features, dgram = _features(rng, 1, 3, 2, 4), rng.normal(size=(1, 3, 3))
    held = student.hold(dgram), student.hold(features)
    gradient = student.gram_matrix_backward(*held)
    assert_shape(gradient, features.shape, name="the gradient")
    _require_unchanged("gram_matrix_backward", dgram=(held[0], dgram))
    _require_unchanged("gram_matrix_backward", features=(held[1], features))


# style_loss ---------------------------------------------------------------------------------------


@check(points=2, of="style_loss")
def style_loss_is_correct(student, rng):
    """The style loss adds up weighted squared distances of Gram matrices of several layers."""
    feats, targets = _style_inputs(rng)
    layers, weights = ["wide", "low"], [30.0, 7.0]
    arguments = feats, layers, [targets[name] for name in layers], weights
    loss, _ = student.style_loss(*arguments)

    def compare(**parts):
        expected, _ = oracle.style(*arguments, **parts)
        assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)

    _judge(compare, _gram_parts(student))


@check(points=2, of="style_loss")
def style_gradient_is_correct(student, rng):
    """The gradient for the features of each style layer agrees with the reference."""
    feats, targets = _style_inputs(rng)
    layers, weights = ["wide", "low"], [40.0, 9.0]
    arguments = feats, layers, [targets[name] for name in layers], weights
    _, dfeats = student.style_loss(*arguments)
    _judge(
        lambda **parts: _assert_gradients(dfeats, oracle.style(*arguments, **parts)[1]),
        _gram_parts(student),
    )


@check(points=1, of="style_loss")
def style_of_one_layer(student, rng):
    """With a single layer, in float32, loss and gradients are those of this layer alone."""
    feats, targets = _style_inputs(rng)
    feats = {name: array.astype(np.float32) for name, array in feats.items()}
    arguments = feats, ["deep"], [targets["deep"].astype(np.float32)], [11.0]
    _judge_style(student, arguments)


@check(points=1, of="style_loss")
def style_takes_lists(student, rng):
    """Features may come as a list, with numbers as layers."""
    feats, targets = _style_inputs(rng)
    arguments = list(feats.values()), [2, 0], [targets["deep"], targets["low"]], [5.0, 13.0]
    _judge_style(student, arguments)


@check(points=1, of="style_loss")
def style_without_layers(student, rng):
    """Without style layers the loss is 0 and there are no gradients."""
    loss, dfeats = student.style_loss(_style_inputs(rng)[0], [], [], [])
    assert_close(loss, 0.0, name="the loss without layers", rtol=RTOL, atol=ATOL)
    _assert_gradients(dfeats, {})


@check(points=1, of="style_loss")
def style_leaves_arguments_alone(student, rng):
    """Features and targets are the same after a call of style_loss."""
    feats, targets = _style_inputs(rng)
    held = student.hold(feats), student.hold([targets["low"]])
    _, dfeats = student.style_loss(held[0], ["low"], held[1], [3.0])
    _assert_gradients(dfeats, {"low": feats["low"]}, shapes_only=True)
    after = held[0].value()
    same = set(after) == set(feats) and all(np.array_equal(after[k], feats[k]) for k in feats)
    require(same, "style_loss changed feats, which belongs to the caller", kind="mutation")
    require(
        np.array_equal(held[1].value()[0], targets["low"]),
        "style_loss changed style_targets, which belongs to the caller: work on a new array",
        kind="mutation",
    )


# balanced_weights ---------------------------------------------------------------------------------


@check(points=2, of="balanced_weights")
def weights_are_balanced(student, rng):
    """Each target's weight is the total over their number and over its sum of squares."""
    targets = [rng.normal(0.3, 1.0, size=shape) for shape in ((1, 3, 3), (1, 5, 5), (2, 4, 3, 2))]
    weights = student.balanced_weights(7.0, targets)
    require(np.size(weights) == 3, f"there are {np.size(weights)} weights for three targets")
    expected = oracle.weights(7.0, targets)
    assert_close(np.ravel(weights), expected, name="the weights", rtol=RTOL, atol=ATOL)


@check(points=1, of="balanced_weights")
def weight_of_one_target(student, rng):
    """A single target, in float32, gets the whole weight, over its sum of squares."""
    targets = [rng.normal(0.5, 1.0, size=(1, 4, 4)).astype(np.float32)]
    weights = student.balanced_weights(3.0, targets)
    expected = oracle.weights(3.0, targets)
    assert_close(np.ravel(weights), expected, name="the weights", rtol=RTOL, atol=ATOL)


# tv_loss ------------------------------------------------------------------------------------------


@check(points=1, of="tv_loss")
def tv_loss_is_correct(student, rng):
    """Total variation adds up squared differences of neighbours in both directions."""
    img = _features(rng, 1, 3, 4, 6)
    loss, _ = student.tv_loss(img, 0.7)
    assert_close(loss, oracle.tv(img, 0.7)[0], name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="tv_loss")
def tv_gradient_is_correct(student, rng):
    """The gradient of total variation agrees with the reference, also at the borders."""
    img = _features(rng, 1, 3, 5, 4)
    _, gradient = student.tv_loss(img, 1.3)
    assert_close(gradient, oracle.tv(img, 1.3)[1], name="dimg", rtol=RTOL, atol=ATOL)


@check(points=1, of="tv_loss")
def tv_of_a_batch(student, rng):
    """Two images in float32: neighbours are those within an image and a channel."""
    img = _features(rng, 2, 3, 4, 5).astype(np.float32)
    loss, gradient = student.tv_loss(img, 0.4)
    expected = oracle.tv(img, 0.4)
    assert_close(loss, expected[0], name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(gradient, expected[1], name="dimg", rtol=RTOL, atol=ATOL)


@check(points=1, of="tv_loss")
def tv_of_a_single_row(student, rng):
    """In an image of a single row, pixels have neighbours to the left and right alone."""
    img = _features(rng, 1, 3, 1, 5)
    loss, gradient = student.tv_loss(img, 0.6)
    expected = oracle.tv(img, 0.6)
    assert_close(loss, expected[0], name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(gradient, expected[1], name="dimg", rtol=RTOL, atol=ATOL)


@check(points=1, of="tv_loss")
def tv_leaves_image_alone(student, rng):
    """The image that tv_loss is given is the same after the call."""
    img = _features(rng, 1, 3, 3, 4)
    held = student.hold(img)
    _, gradient = student.tv_loss(held, 0.8)
    assert_shape(gradient, img.shape, name="dimg")
    _require_unchanged("tv_loss", img=(held, img))


# transfer_loss ------------------------------------------------------------------------------------


@check(points=2, of="transfer_loss")
def transfer_terms_are_correct(student, rng):
    """The three terms are the weighted losses of content, style and total variation."""
    arguments = _transfer_inputs(rng, content="high", styles=["low"])
    terms, _ = student.transfer_loss(*arguments)
    _judge(
        lambda **parts: _assert_terms(terms, oracle.transfer(*arguments, **parts)[0], RTOL, ATOL),
        _loss_parts(student),
    )


@check(points=2, of="transfer_loss")
def transfer_gradient_is_correct(student, rng):
    """The gradient for the image is that of the sum of all three losses."""
    arguments = _transfer_inputs(rng, content="high", styles=["low"])
    _, dimg = student.transfer_loss(*arguments)
    _judge_image_gradient(student, arguments, dimg)


@check(points=2, of="transfer_loss")
def content_layer_may_be_a_style_layer(student, rng):
    """Where a layer serves content and style, both of its gradients count."""
    arguments = _transfer_inputs(rng, content="low", styles=["high", "low"])
    _, dimg = student.transfer_loss(*arguments)
    _judge_image_gradient(student, arguments, dimg)


@check(points=1, of="transfer_loss")
def transfer_without_style(student, rng):
    """Without style layers, content and total variation are left, in terms and gradient."""
    arguments = _transfer_inputs(rng, content="high", styles=[])
    terms, dimg = student.transfer_loss(*arguments)
    _judge(
        lambda **parts: _assert_terms(terms, oracle.transfer(*arguments, **parts)[0], RTOL, ATOL),
        _loss_parts(student),
    )
    _judge_image_gradient(student, arguments, dimg)


@check(points=1, of="transfer_loss")
def transfer_leaves_image_alone(student, rng):
    """The image that transfer_loss is given is the same after the call."""
    img, *others = _transfer_inputs(rng, content="high", styles=["low"])
    held = student.hold(img)
    _, dimg = student.transfer_loss(held, *others)
    assert_shape(dimg, img.shape, name="dimg")
    _require_unchanged("transfer_loss", img=(held, img))


# style_transfer -----------------------------------------------------------------------------------


@check(points=1, of="style_transfer")
def history_is_correct(student, rng):
    """The history holds the terms before each step, with balanced weights."""
    arguments, settings = _pictures(rng), {"learning_rate": 0.05, "num_steps": 3}
    _, history = student.style_transfer(*arguments, **settings)
    got = len(history) if isinstance(history, list | tuple) else None
    require(got == 3, f"history has {got} entries, expected one for each of 3 steps")

    def compare(**parts):
        _, expected = oracle.descent(*arguments, **settings, **parts)
        for terms, right in zip(history, expected, strict=True):
            _assert_terms(terms, right, RTOL_STEPS, ATOL_STEPS)

    _judge(compare, _descent_parts(student))


@check(points=2, of="style_transfer")
def steps_are_those_of_adam(student, rng):
    """After some steps the image is where Adam takes it."""
    arguments, settings = _pictures(rng), {"learning_rate": 0.05, "num_steps": 6}
    img, _ = student.style_transfer(*arguments, **settings)
    _judge_image(student, arguments, settings, img)


@check(points=1, of="style_transfer")
def image_stays_within_bounds(student, rng):
    """The image is clipped to its bounds after every step; they may differ by channel."""
    arguments = _pictures(rng, bound=0.6)
    settings = {"learning_rate": 0.2, "num_steps": 8}
    img, _ = student.style_transfer(*arguments, **settings)
    assert_shape(img, arguments[0].shape, name="the image")
    low, high = arguments[-1]
    inside = np.all(img >= low - 1e-6) and np.all(img <= high + 1e-6)
    require(inside, "the image leaves its bounds: clip it after every step")

    def compare(**parts):
        expected, _ = oracle.descent(*arguments, **settings, **parts)
        # Steps are long, and signs of small gradients differ in single precision: most agree.
        off = np.mean(np.abs(img - expected) > 0.02)
        message = f"{off:.0%} of the values are not where descent within bounds takes them"
        require(off < 0.1, message)

    _judge(compare, _descent_parts(student))


@check(points=1, of="style_transfer")
def descent_begins_at_start(student, rng):
    """The descent begins at the image that is handed over as start, not at the content."""
    arguments = _pictures(rng)
    start = rng.uniform(-0.9, 0.9, size=arguments[0].shape)
    settings = {"start": start, "learning_rate": 0.04, "num_steps": 2}
    img, _ = student.style_transfer(*arguments, **settings)
    _judge_image(student, arguments, settings, img)


@check(points=1, of="style_transfer")
def on_step_sees_each_image(student, rng):
    """on_step is called after each step with its number, from 1, and the image after it."""
    seen = []
    img, _ = student.style_transfer(
        *_pictures(rng), num_steps=4, on_step=lambda step, img: seen.append((step, np.array(img)))
    )
    numbers = [int(step) for step, _ in seen]
    require(numbers == [1, 2, 3, 4], f"in four steps on_step was called with {numbers}")
    assert_close(seen[-1][1], img, name="the image shown last", rtol=RTOL, atol=ATOL)


@check(points=1, of="style_transfer")
def style_transfer_leaves_pictures_alone(student, rng):
    """The arrays content and start are the same after a call of style_transfer."""
    content, *others = _pictures(rng)
    start = rng.uniform(-0.9, 0.9, size=content.shape)
    held = student.hold(content), student.hold(start)
    img, _ = student.style_transfer(held[0], *others, num_steps=2)
    img, _ = student.style_transfer(held[0], *others, start=held[1], num_steps=2)
    assert_shape(img, content.shape, name="the image")
    _require_unchanged("style_transfer", content=(held[0], content), start=(held[1], start))


@check(points=1, of="style_transfer")
def features_are_inverted(student, rng):
    """Without style, in float32, an image from noise comes close to the features of the content."""
    arguments = list(_pictures(rng, styles=[]))
    arguments[0], arguments[1] = (array.astype(np.float32) for array in arguments[:2])
    arguments[8] = 0.0
    start = rng.uniform(-0.9, 0.9, size=arguments[0].shape).astype(np.float32)
    img, _ = student.style_transfer(*arguments, start=start, learning_rate=0.1, num_steps=40)
    assert_finite(img, name="the image")
    extract, target = arguments[2], arguments[2](arguments[0])["high"]
    before, after = (np.sum((extract(x)["high"] - target) ** 2) for x in (start, np.asarray(img)))
    require_fall(before, after, INVERSION, name="the content loss")


@check(points=1, of="style_transfer")
def texture_is_synthesised(student, rng):
    """Without content weight, an image from noise comes close to the style's Gram matrices."""
    arguments = list(_pictures(rng))
    arguments[5], arguments[8] = 0.0, 0.0
    start = rng.uniform(-0.9, 0.9, size=arguments[0].shape)
    img, _ = student.style_transfer(*arguments, start=start, learning_rate=0.1, num_steps=40)
    extract = arguments[2]

    def distance(x):
        feats, wanted = extract(np.asarray(x)), extract(arguments[1])
        return sum(
            np.sum((oracle.gram(feats[k]) - oracle.gram(wanted[k])) ** 2) for k in ("low", "high")
        )

    before, after = distance(start), distance(img)
    require_fall(before, after, TEXTURE, name="the style loss")


# Inputs -------------------------------------------------------------------------------------------


def _features(rng, *shape):
    return rng.normal(0.4, 1.1, size=shape)


def _style_inputs(rng):
    """Return features of three layers and Gram matrices to compare them with, by layer."""
    shapes = {"low": (1, 3, 4, 5), "wide": (1, 5, 2, 4), "deep": (1, 4, 3, 2)}
    feats = {name: _features(rng, *shape) for name, shape in shapes.items()}
    return feats, {name: oracle.gram(_features(rng, *shape)) for name, shape in shapes.items()}


def _network(rng):
    """Return extract and backprop of two smooth layers: five channels, then four at half size."""
    W1, W2 = rng.normal(0.1, 0.8, size=(5, 3)), rng.normal(0.1, 0.5, size=(4, 5))

    def extract(img):
        low = np.tanh(np.einsum("fc,nchw->nfhw", W1, np.asarray(img, dtype=np.float64)))
        pooled = low[:, :, ::2, ::2] + low[:, :, 1::2, 1::2]
        return {"low": low, "high": np.tanh(np.einsum("fc,nchw->nfhw", W2, pooled))}

    def backprop(img, dfeats):
        feats = extract(img)
        dlow = np.zeros(feats["low"].shape) + np.asarray(dfeats.get("low", 0.0))
        dhigh = np.asarray(dfeats.get("high", 0.0)) * (1 - feats["high"] ** 2)
        dpooled = np.einsum("fc,nfhw->nchw", W2, dhigh)
        dlow[:, :, ::2, ::2] += dpooled
        dlow[:, :, 1::2, 1::2] += dpooled
        return np.einsum("fc,nfhw->nchw", W1, dlow * (1 - feats["low"] ** 2))

    return extract, backprop


def _transfer_inputs(rng, *, content, styles):
    """Return the arguments of transfer_loss, with weights that make all terms count."""
    extract, backprop = _network(rng)
    img, other = (rng.uniform(-0.9, 0.9, size=(1, 3, 4, 6)) for _ in range(2))
    feats = extract(rng.uniform(-0.9, 0.9, size=(1, 3, 6, 4)))
    targets = [oracle.gram(feats[name]) for name in styles]
    weights = [150.0, 90.0][: len(styles)]
    return (
        *(img, extract, backprop),
        *(content, 0.7, extract(other)[content]),
        *(styles, targets, weights, 0.3),
    )


def _pictures(rng, *, styles=("low", "high"), bound=2.0):
    """Return the arguments of style_transfer up to the bounds; the style has another size."""
    extract, backprop = _network(rng)
    content = rng.uniform(-0.5, 0.5, size=(1, 3, 4, 6))
    style = rng.uniform(-0.9, 0.9, size=(1, 3, 8, 4)) + rng.uniform(0.2, 0.5, size=(1, 3, 1, 1))
    low, high = np.full((1, 3, 1, 1), -bound), np.full((1, 3, 1, 1), bound)
    high[0, 1] -= 0.1
    return (content, style, extract, backprop, "high", 1.5, list(styles), 4.0, 2.0, (low, high))


# Verdicts -----------------------------------------------------------------------------------------


def _judge(compare, own):
    """Compare with the oracle, and if that fails, with what the student's own parts add up to."""
    try:
        compare()
    except CheckFailed as failure:
        try:
            compare(**own)
        except Exception:
            raise failure from None


def _gram_parts(student):
    return {"gram": student.gram_matrix, "gram_gradient": student.gram_matrix_backward}


def _loss_parts(student):
    return {"content": student.content_loss, "style": student.style_loss, "tv": student.tv_loss}


def _descent_parts(student):
    return {
        "gram": student.gram_matrix,
        "weights": student.balanced_weights,
        "transfer": student.transfer_loss,
    }


def _judge_style(student, arguments):
    loss, dfeats = student.style_loss(*arguments)

    def compare(**parts):
        expected, gradients = oracle.style(*arguments, **parts)
        assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)
        _assert_gradients(dfeats, gradients)

    _judge(compare, _gram_parts(student))


def _judge_image_gradient(student, arguments, dimg):
    def compare(**parts):
        expected = oracle.transfer(*arguments, **parts)[1]
        assert_close(dimg, expected, name="dimg", rtol=RTOL, atol=ATOL)

    _judge(compare, _loss_parts(student))


def _judge_image(student, arguments, settings, img):
    def compare(**parts):
        expected, _ = oracle.descent(*arguments, **settings, **parts)
        assert_close(img, expected, name="the image", rtol=RTOL_STEPS, atol=ATOL_STEPS)

    _judge(compare, _descent_parts(student))


def _assert_gradients(dfeats, expected, *, shapes_only=False):
    require(
        isinstance(dfeats, dict),
        f"dfeats is of type {type(dfeats).__name__}, expected a dictionary from layer to array",
    )
    layers = sorted(map(str, dfeats))
    require(
        layers == sorted(map(str, expected)),
        f"dfeats has the layers {layers}, expected {sorted(map(str, expected))}",
    )
    for layer, gradient in expected.items():
        assert_shape(dfeats[layer], gradient.shape, name=f"dfeats[{layer!r}]")
        if not shapes_only:
            assert_close(dfeats[layer], gradient, name=f"dfeats[{layer!r}]", rtol=RTOL, atol=ATOL)


def _assert_terms(terms, expected, rtol, atol):
    require(
        isinstance(terms, dict) and set(terms) == set(expected),
        "the terms are to be a dictionary with the keys content, style and tv",
    )
    for name, value in expected.items():
        assert_close(terms[name], value, name=f"the term {name!r}", rtol=rtol, atol=atol)


def _require_unchanged(function, **arrays):
    for name, (held, before) in arrays.items():
        require(
            np.array_equal(held.value(), before),
            f"{function} changed {name}, which belongs to the caller: work on a new array",
            kind="mutation",
        )
