"""Hidden checks of the visualisation exercise.

Models are small functions of this process: hand-ins call them back with images and receive scores
or gradients. Tolerances are those of single precision, so that a solution may compute in float32.
Results of an optimisation are compared by what they reach in a bounded run, with fixed seeds.
"""

from __future__ import annotations

import math

import numpy as np

from autograder import (
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

CALIBRATE = "python tests/benchmarks/calibrate.py a3/visualization --seeds 40"
DIVERGENCE = Fall(at_most=0.15, mean=0.105, std=0.010, seeds=40, command=CALIBRATE)


# saliency_map -------------------------------------------------------------------------------------


@check(points=2, of="saliency_map")
def saliency_is_correct(student, rng):
    """The map is the largest absolute derivative of the class score among the three colours."""
    X, model = rng.normal(size=(4, 3, 5, 6)), _model(rng, (3, 5, 6), classes=7)
    y = rng.permutation(7)[:4]
    saliency = student.saliency_map(X, y, model)
    assert_close(saliency, oracle.saliency(X, y, model), name="saliency", rtol=RTOL, atol=ATOL)


@check(points=1, of="saliency_map")
def saliency_of_one_image(student, rng):
    """A single image, in float32, gives one map."""
    X, model = rng.normal(size=(1, 3, 4, 7)).astype(np.float32), _model(rng, (3, 4, 7), classes=5)
    y = np.array([3])
    saliency = student.saliency_map(X, y, model)
    assert_close(saliency, oracle.saliency(X, y, model), name="saliency", rtol=RTOL, atol=ATOL)


@check(points=1, of="saliency_map")
def saliency_leaves_arguments_alone(student, rng):
    """The images and labels are the same after saliency_map."""
    X, y = rng.normal(size=(2, 3, 4, 5)), np.array([1, 2])
    held = student.hold(X), student.hold(y)
    assert_shape(
        student.saliency_map(*held, _model(rng, (3, 4, 5), classes=3)), (2, 4, 5), name="saliency"
    )
    _require_unchanged("saliency_map", X=(held[0], X), y=(held[1], y))


# occlusion_map ------------------------------------------------------------------------------------


@check(points=2, of="occlusion_map")
def occlusion_is_correct(student, rng):
    """Each entry is the fall of the score, for squares that do not divide the image evenly."""
    X, model = rng.normal(0.4, 1.0, size=(1, 3, 7, 10)), _model(rng, (3, 7, 10), classes=4)
    drops = student.occlusion_map(X, 2, model, 3, 2)
    expected = oracle.occlusion(X, 2, model, 3, 2)
    assert_close(drops, expected, name="the map", rtol=RTOL, atol=ATOL)


@check(points=1, of="occlusion_map")
def occlusion_reaches_the_border(student, rng):
    """A square that fits exactly at the right and bottom border is tried there, in float32."""
    X = rng.normal(0.4, 1.0, size=(1, 3, 6, 8)).astype(np.float32)
    model = _model(rng, (3, 6, 8), classes=5)
    drops = student.occlusion_map(X, 4, model, 2, 2)
    expected = oracle.occlusion(X, 4, model, 2, 2)
    assert_close(drops, expected, name="the map", rtol=RTOL, atol=ATOL)


@check(points=1, of="occlusion_map")
def occlusion_leaves_the_image_alone(student, rng):
    """The image is the same after occlusion_map."""
    X = rng.normal(0.4, 1.0, size=(1, 3, 5, 6))
    held = student.hold(X)
    student.occlusion_map(held, 0, _model(rng, (3, 5, 6), classes=3), 2, 2)
    _require_unchanged("occlusion_map", X=(held, X))


# fooling_image ------------------------------------------------------------------------------------


@check(points=1, of="fooling_image")
def fooling_takes_the_first_step(student, rng):
    """One step goes in the direction of the gradient and has the length learning_rate."""
    X, target, model = _to_be_fooled(rng, (3, 4, 5), classes=6)
    X_fooling = student.fooling_image(X, target, model, 0.03, 1)
    expected = oracle.fooling(X, target, model, 0.03, 1)
    step = np.asarray(X_fooling) - X if np.shape(X_fooling) == X.shape else X_fooling
    assert_close(step, expected - X, name="the step", rtol=1e-3, atol=ATOL)


@check(points=1, of="fooling_image")
def fooling_fools(student, rng):
    """The model takes the result for the target class, and the climb ended as soon as it did."""
    X, target, model = _to_be_fooled(rng, (3, 5, 6), classes=5)
    X_fooling = student.fooling_image(X, target, model, 0.2, 300)
    expected = oracle.fooling(X, target, model, 0.2, 300)
    assert_close(X_fooling, expected, name="the fooling image", rtol=1e-3, atol=1e-3)


@check(points=1, of="fooling_image")
def fooling_of_the_target_itself(student, rng):
    """An image that is of the target class already comes back as it was."""
    X, model = rng.normal(size=(1, 3, 5, 4)), _model(rng, (3, 5, 4), classes=4)
    X_fooling = student.fooling_image(X, int(model(X).argmax()), model, 0.7, 9)
    assert_close(X_fooling, X, name="the image", rtol=RTOL, atol=ATOL)


@check(points=1, of="fooling_image")
def fooling_leaves_the_image_alone(student, rng):
    """The image is the same after fooling_image."""
    X, target, model = _to_be_fooled(rng, (3, 4, 6), classes=3)
    held = student.hold(X)
    assert_shape(student.fooling_image(held, target, model, 0.1, 3), X.shape, name="the image")
    _require_unchanged("fooling_image", X=(held, X))


# jitter and blur_image ----------------------------------------------------------------------------


@check(points=1, of="jitter")
def jitter_is_correct(student, rng):
    """Positive shifts go right and down, negative ones left and up, both at once."""
    X = rng.normal(size=(2, 3, 5, 7))
    for ox, oy in ((2, -1), (-3, 2), (4, 0), (0, 3)):
        shifted = student.jitter(X, ox, oy)
        assert_close(shifted, oracle.jitter(X, ox, oy), name="the images", rtol=RTOL, atol=ATOL)


@check(points=2, of="blur_image")
def blur_is_correct(student, rng):
    """Images that are not square are smoothed along both axes, borders included."""
    X = rng.normal(0.3, 1.0, size=(2, 3, 9, 7))
    for sigma in (0.5, 1.2):
        blurred = student.blur_image(X, sigma)
        assert_close(blurred, oracle.blur(X, sigma), name="the images", rtol=RTOL, atol=ATOL)


@check(points=1, of="blur_image")
def blur_of_small_image(student, rng):
    """An image smaller than the kernel is blurred, too, in float32."""
    X = rng.normal(2.0, 1.0, size=(1, 3, 2, 3)).astype(np.float32)
    blurred = student.blur_image(X, 1.0)
    assert_close(blurred, oracle.blur(X, 1.0), name="the image", rtol=RTOL, atol=ATOL)


# class_visualization_step -------------------------------------------------------------------------


@check(points=2, of="class_visualization_step")
def class_step_is_correct(student, rng):
    """The step climbs score minus penalty and has the length learning_rate."""
    img, model = rng.normal(0.5, 1.0, size=(1, 3, 4, 6)), _model(rng, (3, 4, 6), classes=5)
    after = student.class_visualization_step(img, model, 3, 0.07, 0.6)
    expected = oracle.class_step(img, model, 3, 0.07, 0.6)
    assert_close(after, expected, name="the picture", rtol=RTOL, atol=ATOL)


@check(points=1, of="class_visualization_step")
def class_step_without_penalty(student, rng):
    """Without a penalty the step follows the gradient of the score alone, in float32."""
    img = rng.normal(size=(1, 3, 5, 4)).astype(np.float32)
    model = _model(rng, (3, 5, 4), classes=6)
    after = student.class_visualization_step(img, model, 1, 0.0, 0.9)
    expected = oracle.class_step(img, model, 1, 0.0, 0.9)
    assert_close(after, expected, name="the picture", rtol=RTOL, atol=ATOL)


@check(points=1, of="class_visualization_step")
def class_step_leaves_the_picture_alone(student, rng):
    """The picture is the same after class_visualization_step."""
    img, model = rng.normal(size=(1, 3, 4, 5)), _model(rng, (3, 4, 5), classes=3)
    held = student.hold(img)
    after = student.class_visualization_step(held, model, 2, 0.1, 0.4)
    assert_shape(after, img.shape, name="the picture")
    _require_unchanged("class_visualization_step", img=(held, img))


# deepdream ----------------------------------------------------------------------------------------


@check(points=2, of="deepdream_step")
def dream_step_is_correct(student, rng):
    """The step climbs half the sum of squared features, scaled by the mean absolute gradient."""
    X, model = rng.normal(size=(1, 3, 5, 6)), _model(rng, (3, 5, 6), classes=8)
    after = student.deepdream_step(X, model, 0.3)
    expected = oracle.dream_step(X, model, 0.3)
    assert_close(after, expected, name="the picture", rtol=RTOL, atol=ATOL)


@check(points=1, of="deepdream_step")
def dream_step_of_feature_maps(student, rng):
    """Features may be maps of shape (1, K, H, W), and arrays float32."""
    X = rng.normal(size=(1, 3, 4, 5)).astype(np.float32)
    model = _feature_maps(rng, maps=7)
    after = student.deepdream_step(X, model, 0.2)
    expected = oracle.dream_step(X, model, 0.2)
    assert_close(after, expected, name="the picture", rtol=RTOL, atol=ATOL)


@check(points=1, of="deepdream_step")
def dream_step_leaves_the_picture_alone(student, rng):
    """The picture is the same after deepdream_step."""
    X, model = rng.normal(size=(1, 3, 4, 5)), _model(rng, (3, 4, 5), classes=3)
    held = student.hold(X)
    assert_shape(student.deepdream_step(held, model, 0.4), X.shape, name="the picture")
    _require_unchanged("deepdream_step", X=(held, X))


@check(points=1, of="octave_shapes")
def octave_shapes_are_correct(student, rng):
    """Shapes grow to the picture's own, each rounded from its own power of the scale."""
    for height, width, octaves, scale in ((97, 131, 4, 1.3), (64, 50, 3, 1.5), (9, 14, 1, 2.0)):
        shapes = student.octave_shapes(height, width, octaves, scale)
        expected = oracle.octaves(height, width, octaves, scale)
        assert_close(shapes, expected, name="the shapes")


@check(points=2, of="deepdream")
def dream_carries_the_detail(student, rng):
    """On three octaves the detail is enlarged, and the picture taken from the original."""
    X, model = rng.normal(size=(1, 3, 6, 8)), _feature_maps(rng, maps=4)
    shapes = [(3, 4), (4, 6), (6, 8)]
    dream = student.deepdream(X, model, oracle.resize, shapes, 2, 0.05)
    expected = oracle.dream(X, model, oracle.resize, shapes, 2, 0.05)
    assert_close(dream, expected, name="the dream", rtol=RTOL, atol=ATOL)


@check(points=1, of="deepdream")
def dream_on_one_octave(student, rng):
    """With a single octave a dream is a number of dream steps on the picture."""
    X, model = rng.normal(size=(1, 3, 4, 5)), _feature_maps(rng, maps=5)
    dream = student.deepdream(X, model, oracle.resize, [(4, 5)], 3, 0.1)
    expected = oracle.dream(X, model, oracle.resize, [(4, 5)], 3, 0.1)
    assert_close(dream, expected, name="the dream", rtol=RTOL, atol=ATOL)


# Similarities -------------------------------------------------------------------------------------


@check(points=1, of="pairwise_squared_distances")
def distances_are_correct(student, rng):
    """Squared distances of all pairs agree with the definition."""
    X = rng.normal(0.4, 1.3, size=(7, 5))
    D = student.pairwise_squared_distances(X)
    assert_close(D, oracle.distances(X), name="D", rtol=RTOL, atol=ATOL)


@check(points=1, of="pairwise_squared_distances")
def distances_are_never_negative(student, rng):
    """Points close together and far from the origin: no negative numbers, 0 on the diagonal."""
    X = 1e3 + rng.normal(size=(15, 6)) / 1e4
    D = np.asarray(student.pairwise_squared_distances(X), dtype=np.float64)
    assert_shape(D, (15, 15), name="D")
    assert_finite(D, name="D")
    require(bool((D >= 0).all()), "some squared distances are negative", kind="value")
    require(bool((np.diag(D) == 0).all()), "the diagonal of D is not exactly 0", kind="value")


@check(points=2, of="conditional_probabilities")
def conditional_probabilities_are_correct(student, rng):
    """Rows have the wanted perplexity, for points in crowds and lonely ones."""
    D = oracle.distances(rng.normal(size=(11, 4)) * np.linspace(0.3, 6.0, 11)[:, None])
    P = student.conditional_probabilities(D, 3.5)
    expected = oracle.conditional(D, 3.5)
    assert_close(P, expected, name="P", rtol=1e-3, atol=1e-4)


@check(points=1, of="conditional_probabilities")
def conditional_rows_are_distributions(student, rng):
    """Every row adds up to 1, and nobody is their own neighbour."""
    D = oracle.distances(rng.normal(size=(9, 3)))
    P = student.conditional_probabilities(D, 5.0)
    assert_shape(P, (9, 9), name="P")
    assert_close(np.diag(P), np.zeros(9), name="the diagonal of P", atol=1e-7)
    assert_close(np.sum(P, axis=1), np.ones(9), name="the sum of each row", rtol=RTOL)


@check(points=1, of="conditional_probabilities")
def conditional_survives_large_distances(student, rng):
    """Distances of thousands, where exponentials underflow, give finite probabilities."""
    D = oracle.distances(rng.normal(size=(10, 4)) * np.linspace(200.0, 400.0, 10)[:, None])
    P = student.conditional_probabilities(D, 3.0)
    assert_finite(P, name="P")
    assert_close(P, oracle.conditional(D, 3.0), name="P", rtol=1e-3, atol=1e-4)


@check(points=1, of="joint_probabilities")
def joint_is_correct(student, rng):
    """Both directions are averaged, and all pairs add up to 1."""
    P = rng.uniform(0.1, 1.0, size=(6, 6)) * (1 - np.eye(6))
    P /= P.sum(axis=1, keepdims=True)
    joint = student.joint_probabilities(P)
    assert_close(joint, oracle.joint(P), name="the joint P", rtol=RTOL, atol=1e-7)


@check(points=1, of="student_t_similarities")
def student_t_is_correct(student, rng):
    """Q is normalised over all pairs and comes with its weights."""
    Y = rng.normal(0.2, 1.1, size=(7, 2))
    Q, weights = student.student_t_similarities(Y)
    expected_Q, expected_weights = oracle.student_t(Y)
    assert_close(weights, expected_weights, name="weights", rtol=RTOL, atol=ATOL)
    assert_close(Q, expected_Q, name="Q", rtol=RTOL, atol=1e-6)


# tsne_loss and tsne -------------------------------------------------------------------------------


@check(points=1, of="tsne_loss")
def divergence_is_correct(student, rng):
    """The loss is the sum of P log(P / Q)."""
    P, Y = _joint(rng, 8), rng.normal(size=(8, 2))
    loss, _ = student.tsne_loss(P, Y)
    assert_close(loss, oracle.divergence(P, Y), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="tsne_loss")
def divergence_gradient_is_correct(student, rng):
    """The gradient of the divergence agrees with the reference."""
    P, Y = _joint(rng, 7), rng.normal(size=(7, 2))
    _, dY = student.tsne_loss(P, Y)
    assert_close(dY, oracle.divergence_gradient(P, Y), name="dY", rtol=RTOL, atol=ATOL)


@check(points=1, of="tsne_loss")
def divergence_of_zero_probabilities(student, rng):
    """Pairs with P = 0 contribute 0 to the loss, and no NaN."""
    P, Y = _joint(rng, 6), rng.normal(size=(6, 2))
    P[1, 4] = P[4, 1] = 0
    P /= P.sum()
    loss, dY = student.tsne_loss(P, Y)
    assert_close(loss, oracle.divergence(P, Y), name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dY, oracle.divergence_gradient(P, Y), name="dY", rtol=RTOL, atol=ATOL)


@check(points=1, of="tsne")
def tsne_takes_the_first_steps(student, rng):
    """The first steps, with exaggeration and momentum, go where they should."""
    X, seed = rng.normal(size=(9, 4)), int(rng.integers(1000))
    Y, _ = student.tsne(X, 3.0, 24, 3.0, np.random.default_rng(seed))
    expected, _ = oracle.tsne(X, 3.0, 24, 3.0, np.random.default_rng(seed))
    # Before the map unfolds all steps are tiny, so that only relative errors say something.
    scale = np.abs(expected).max()
    assert_shape(Y, (9, 2), name="Y")
    assert_close(
        np.asarray(Y) / scale, expected / scale, name="Y, in parts of its size,", atol=0.02
    )


@check(points=1, of="tsne")
def tsne_reports_the_true_loss(student, rng):
    """One loss before each step, without exaggeration."""
    X, seed = rng.normal(size=(8, 3)), int(rng.integers(1000))
    _, losses = student.tsne(X, 2.5, 8, 10.0, np.random.default_rng(seed))
    _, expected = oracle.tsne(X, 2.5, 8, 10.0, np.random.default_rng(seed))
    assert_close(losses, expected, name="the losses", rtol=1e-3, atol=1e-4)


@check(points=2, of="tsne", timeout=30.0)
def tsne_separates_clusters(student, rng):
    """The loss falls far, and points of a cluster are next to each other."""
    centres = 7 * np.linalg.qr(rng.normal(size=(6, 6)))[0][:3]
    y = np.arange(36) % 3
    X = centres[y] + rng.normal(size=(36, 6))
    Y, _ = student.tsne(X, 7.0, 200, 3.0, np.random.default_rng(1))
    assert_shape(Y, (36, 2), name="Y")
    assert_finite(Y, name="Y")
    Y = np.asarray(Y, dtype=np.float64)
    P = _joint_of(X, 7.0)
    before = _divergence(P, 1e-4 * rng.normal(size=(36, 2)))
    require_fall(before, _divergence(P, Y), DIVERGENCE, name="the loss")
    D = ((Y[:, None] - Y) ** 2).sum(axis=2) + np.diag(np.full(36, np.inf))
    same = np.mean(y[D.argmin(axis=1)] == y)
    require(same >= 0.9, f"{same:.0%} of the points have a neighbour of their own cluster")


# Inputs -------------------------------------------------------------------------------------------


def _model(rng, shape, *, classes):
    """Return a smooth classifier with a hidden layer, as the notebook defines a model."""
    size = math.prod(shape)
    A = rng.normal(size=(size, 9)) / np.sqrt(size)
    B = rng.normal(size=(9, classes))

    def model(X, dout=None):
        hidden = np.tanh(np.asarray(X, dtype=np.float64).reshape(len(X), size) @ A)
        if dout is None:
            return hidden @ B
        dout = np.asarray(dout, dtype=np.float64)
        if dout.shape != (len(X), classes):
            raise ValueError(f"dscores has shape {dout.shape}, expected {(len(X), classes)}")
        return ((dout @ B.T * (1 - hidden**2)) @ A.T).reshape(np.shape(X))

    return model


def _feature_maps(rng, *, maps):
    """Return a model of feature maps: a 1×1 convolution and tanh, for images of any size."""
    A = rng.normal(size=(maps, 3))

    def model(X, dout=None):
        features = np.tanh(np.einsum("kc,nchw->nkhw", A, np.asarray(X, dtype=np.float64)))
        if dout is None:
            return features
        dout = np.asarray(dout, dtype=np.float64)
        if dout.shape != features.shape:
            raise ValueError(f"dfeatures has shape {dout.shape}, expected {features.shape}")
        return np.einsum("kc,nkhw->nchw", A, dout * (1 - features**2))

    return model


def _to_be_fooled(rng, shape, *, classes):
    """Return an image, a class that can be reached from it, and the model.

    The target is the runner-up, and some steps away, so that every right climb arrives.
    """
    while True:
        X, model = rng.normal(size=(1, *shape)), _model(rng, shape, classes=classes)
        target = int(np.argsort(model(X)[0])[-2])
        path = oracle.fooling(X, target, model, 0.2, 60)
        reached = int(model(path)[0].argmax()) == target
        if reached and np.linalg.norm(path - X) > 0.7:
            return X, target, model


def _joint(rng, num):
    P = rng.uniform(0.1, 1.0, size=(num, num)) * (1 - np.eye(num))
    return (P + P.T) / (2 * P.sum())


def _joint_of(X, perplexity):
    return oracle.joint(oracle.conditional(oracle.distances(X), perplexity))


def _divergence(P, Y):
    return oracle.divergence(P, Y)


# Verdicts -----------------------------------------------------------------------------------------


def _require_unchanged(function, **arrays):
    for name, (held, before) in arrays.items():
        require(
            np.array_equal(held.value(), before),
            f"{function} changed {name}, which belongs to the caller: work on a new array",
            kind="mutation",
        )
