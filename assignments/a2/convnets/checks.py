"""Hidden checks of the convolutional networks exercise.

Tolerances are those of single precision, so that a solution may compute in float32. What a forward
function keeps for its backward function stays where it is: a cache is the student's own affair.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np

from autograder import (
    Threshold,
    accuracy,
    assert_close,
    assert_finite,
    assert_shape,
    check,
    require,
)
from cs231n_lib.datasets import load_dataset

from . import oracle

# The fast layers are what the exercise is to build. `train_convnet` gets its layers as an argument,
# and runs on the student's own when it is graded.
REFUSED = ("cs231n_lib.fast_layers", "cs231n_lib.zoo", "cs231n_lib.kernels", "scipy")

RTOL, ATOL = 1e-4, 1e-5
# Where values of about a thousand carry deviations of a quarter, float32 keeps three digits.
RTOL_OFFSET, ATOL_OFFSET = 3e-3, 3e-3

CALIBRATE = "python tests/benchmarks/calibrate.py a2/convnets --dataset"
TRAIN_CONVNET = {
    "scenes": Threshold(
        at_least=0.46, mean=0.526, std=0.011, seeds=6, command=f"{CALIBRATE} scenes --seeds 6"
    ),
    "cifar10": Threshold(
        at_least=0.42, mean=0.468, std=0.008, seeds=6, command=f"{CALIBRATE} cifar10 --seeds 6"
    ),
}


# conv_output_size ---------------------------------------------------------------------------------


@check(points=1, of="conv_output_size")
def sizes_are_counted(student, rng):
    """The number of windows is right with and without frame, for several strides."""
    for size, window, stride, pad in ((12, 4, 2, 5), (9, 5, 1, 2), (13, 4, 3, 1), (7, 7, 1, 0)):
        _assert_size(student, size, window, stride, pad)


@check(points=1, of="conv_output_size")
def partial_steps_are_not_counted(student, rng):
    """A last step that does not fit is not taken."""
    for size, window, stride, pad in ((8, 3, 2, 0), (10, 3, 4, 0), (12, 5, 4, 2), (5, 2, 2, 0)):
        _assert_size(student, size, window, stride, pad)


# conv_forward_naive -------------------------------------------------------------------------------


@check(points=1, of="conv_forward_naive")
def conv_without_frame(student, rng):
    """Without frame and with stride 1, every window is multiplied with every filter."""
    _assert_conv(student, rng, (2, 3, 5, 7), (4, 3, 3, 2), 1, 0)


@check(points=2, of="conv_forward_naive")
def conv_with_stride_and_pad(student, rng):
    """With stride 2 and pad 1, pictures and filters that are not square give the right maps."""
    _assert_conv(student, rng, (2, 3, 7, 5), (4, 3, 3, 2), 2, 1)


@check(points=1, of="conv_forward_naive")
def conv_of_one_picture(student, rng):
    """A single picture in float32, with pad 2, gives the right maps."""
    _assert_conv(student, rng, (1, 2, 4, 6), (3, 2, 5, 3), 1, 2, np.float32)


@check(points=1, of="conv_forward_naive")
def conv_with_large_stride(student, rng):
    """A stride of 3, larger than the filter, leaves pixels out, also at the far edge."""
    _assert_conv(student, rng, (2, 2, 10, 9), (3, 2, 2, 1), 3, 0)


@check(points=1, of="conv_forward_naive")
def conv_leaves_arrays_alone(student, rng):
    """The arrays x, w and b are the same after a call of conv_forward_naive."""
    arrays = _conv_inputs(rng, (2, 3, 4, 5), (2, 3, 3, 3))
    held = [student.hold(array) for array in arrays]
    student.conv_forward_naive.holding(1)(*held, {"stride": 1, "pad": 1})
    for name, holder, before in zip("xwb", held, arrays, strict=True):
        require(
            np.array_equal(holder.value(), before),
            f"conv_forward_naive changed {name}, which belongs to the caller: work on a new array",
            kind="mutation",
        )


# conv_backward_naive ------------------------------------------------------------------------------


@check(points=2, of="conv_backward_naive")
def conv_dx_is_correct(student, rng):
    """The gradient with respect to the pictures is right with pad 1, where windows overlap."""
    found, expected = _conv_backward(student, rng, "naive", (2, 3, 5, 6), (4, 3, 3, 2), 1, 1)
    assert_close(found[0], expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv_backward_naive")
def conv_dx_without_frame(student, rng):
    """The gradient with respect to the pictures is right with pad 0."""
    found, expected = _conv_backward(student, rng, "naive", (2, 2, 5, 6), (3, 2, 2, 3), 1, 0)
    assert_close(found[0], expected[0], name="dx with pad 0", rtol=RTOL, atol=ATOL)


@check(points=2, of="conv_backward_naive")
def conv_dw_is_correct(student, rng):
    """The gradient with respect to the filters sums over pictures and windows."""
    found, expected = _conv_backward(student, rng, "naive", (3, 2, 6, 5), (4, 2, 3, 2), 2, 1)
    assert_close(found[1], expected[1], name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv_backward_naive")
def conv_db_is_correct(student, rng):
    """The gradient with respect to the biases sums over pictures and places."""
    found, expected = _conv_backward(student, rng, "naive", (2, 3, 4, 5), (4, 3, 3, 3), 1, 1)
    assert_close(found[2], expected[2], name="db", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv_backward_naive")
def conv_gradients_with_stride(student, rng):
    """All gradients of one picture in float32, with stride 3 and pad 2, are right."""
    found, expected = _conv_backward(
        student, rng, "naive", (1, 2, 7, 6), (3, 2, 3, 4), 3, 2, np.float32
    )
    _assert_all(("db", "dw", "dx"), found[::-1], expected[::-1])


# conv_forward_vectorized, conv_backward_vectorized ------------------------------------------------


@check(points=2, of="conv_forward_vectorized")
def vectorized_maps_are_correct(student, rng):
    """The vectorised convolution gives the right maps, for several strides and frames."""
    for stride, pad in ((1, 0), (2, 1), (3, 2)):
        x, w, b = _conv_inputs(rng, (2, 3, 7, 5), (4, 3, 3, 2))
        param = {"stride": stride, "pad": pad}
        out, _ = student.conv_forward_vectorized.holding(1)(x, w, b, param)
        expected = oracle.conv(x, w, b, stride, pad)
        assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv_forward_vectorized", timeout=20.0)
def vectorized_is_faster(student, rng):
    """On 32 pictures, the vectorised convolution takes a third of the time of loops, or less."""
    x, w, b = _conv_inputs(rng, (32, 3, 16, 16), (8, 3, 3, 3), np.float32)
    held = [student.hold(array) for array in (x, w, b)]
    param = {"stride": 1, "pad": 1}
    fast = student.conv_forward_vectorized.holding(0, 1).seconds(*held, param, repeat=3)
    # A loop over pictures, filters and windows, an entry in about three microseconds or more.
    slow = 32 * 8 * 16 * 16 * 3e-6
    require(
        slow >= 3 * fast,
        f"conv_forward_vectorized takes {1e3 * fast:.0f} ms for 32 pictures, expected "
        f"{1e3 * slow / 3:.0f} ms or less: there must be no loop over pictures, filters or windows",
        kind="time",
    )


@check(points=2, of="conv_backward_vectorized")
def vectorized_gradients_are_correct(student, rng):
    """The vectorised gradients are right with stride 1, without a frame and with one."""
    for pad in (0, 2):
        found, expected = _conv_backward(
            student, rng, "vectorized", (2, 3, 5, 6), (4, 3, 3, 2), 1, pad
        )
        _assert_all(("db", "dw", "dx"), found[::-1], expected[::-1])


@check(points=1, of="conv_backward_vectorized")
def vectorized_gradients_with_stride(student, rng):
    """The vectorised gradients of one picture are right where the stride leaves pixels out."""
    found, expected = _conv_backward(
        student, rng, "vectorized", (1, 2, 8, 6), (3, 2, 3, 2), 2, 1, np.float32
    )
    _assert_all(("db", "dw", "dx"), found[::-1], expected[::-1])


# Pooling ------------------------------------------------------------------------------------------


@check(points=1, of="max_pool_forward_naive")
def max_pool_is_correct(student, rng):
    """Windows that are not square and do not overlap give their maxima."""
    _assert_pool(student, rng, "max", (2, 3, 6, 8), 3, 2, 3)


@check(points=1, of="max_pool_forward_naive")
def max_pool_with_overlap(student, rng):
    """Overlapping windows give their maxima."""
    _assert_pool(student, rng, "max", (2, 3, 5, 7), 2, 3, 1)


@check(points=1, of="max_pool_forward_naive")
def max_pool_of_negative_values(student, rng):
    """The maximum of negative numbers is negative; one picture in float32."""
    _assert_pool(student, rng, "max", (1, 2, 5, 4), 2, 2, 2, np.float32, shift=-60.0)


@check(points=1, of="max_pool_backward_naive")
def max_pool_gradient_is_correct(student, rng):
    """The maximum of each window gets its gradient; one picture in float32."""
    _assert_pool_gradient(student, rng, "max", (1, 3, 6, 8), 3, 2, 3, np.float32)


@check(points=2, of="max_pool_backward_naive")
def max_pool_gradient_with_overlap(student, rng):
    """An entry that is the maximum of several windows gets the gradients of all."""
    _assert_pool_gradient(student, rng, "max", (2, 3, 5, 7), 3, 2, 1)


@check(points=1, of="avg_pool_forward_naive")
def avg_pool_is_correct(student, rng):
    """Windows that are not square, overlapping or not, give their means."""
    _assert_pool(student, rng, "avg", (2, 3, 6, 7), 3, 2, 2)


@check(points=1, of="avg_pool_backward_naive")
def avg_pool_gradient_is_correct(student, rng):
    """Each entry of a window gets an equal share of its gradient."""
    _assert_pool_gradient(student, rng, "avg", (1, 3, 6, 4), 3, 2, 3, np.float32)


@check(points=1, of="avg_pool_backward_naive")
def avg_pool_gradient_with_overlap(student, rng):
    """Where windows overlap, shares are added up."""
    _assert_pool_gradient(student, rng, "avg", (2, 3, 5, 7), 3, 2, 1)


@check(points=1, of="global_avg_pool_forward")
def global_pool_is_correct(student, rng):
    """Every map gives its mean, an array (N, C)."""
    x = rng.normal(0.6, 1.0, size=(2, 3, 4, 5))
    out, _ = student.global_avg_pool_forward.holding(1)(x)
    assert_close(out, oracle.global_avg_pool(x), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="global_avg_pool_backward")
def global_pool_gradient_is_correct(student, rng):
    """Every entry of a map gets an equal share of the gradient."""
    x, dout = rng.normal(0.6, 1.0, size=(2, 3, 4, 5)), rng.normal(0.5, 1.0, size=(2, 3))
    _, kept = student.global_avg_pool_forward.holding(1)(x)
    expected = oracle.global_avg_pool_gradient(dout, x)
    dx = student.global_avg_pool_backward(dout, kept)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


# Normalisation ------------------------------------------------------------------------------------


@check(points=1, of="spatial_batchnorm_forward")
def spatial_train_output_is_correct(student, rng):
    """In training mode every channel is normalised over pictures and places."""
    x, gamma, beta = _maps(rng, (2, 3, 4, 5))
    out, _ = student.spatial_batchnorm_forward.holding(1)(
        x, gamma, beta, {"mode": "train", "eps": 0.2}
    )
    assert_close(out, oracle.batchnorm(x, gamma, beta, 0.2), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_batchnorm_forward")
def spatial_averages_follow_batches(student, rng):
    """Over several batches, the running averages have a number per channel, and are kept."""
    mean, var = rng.normal(1.0, 1.0, size=3), rng.uniform(0.5, 2.0, size=3)
    held = student.hold(
        {"mode": "train", "momentum": 0.7, "running_mean": mean, "running_var": var}
    )
    for pictures in (2, 4, 3):
        x, gamma, beta = _maps(rng, (pictures, 3, 4, 5))
        student.spatial_batchnorm_forward.holding(1)(x, gamma, beta, held)
        batch_mean, batch_var = oracle.statistics(x)
        mean, var = 0.7 * mean + 0.3 * batch_mean, 0.7 * var + 0.3 * batch_var
        left = held.value()
        for key, expected in (("running_mean", mean), ("running_var", var)):
            assert_close(left.get(key), expected, name=f'bn_param["{key}"]', rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_batchnorm_forward")
def spatial_test_output_is_correct(student, rng):
    """In test mode the running averages normalise a single picture."""
    x, gamma, beta = (a.astype(np.float32) for a in _maps(rng, (1, 3, 4, 5)))
    mean, var = rng.normal(1.0, 1.0, size=3), rng.uniform(0.5, 2.0, size=3)
    bn_param = {"mode": "test", "running_mean": mean, "running_var": var}
    out, _ = student.spatial_batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    expected = oracle.batchnorm(x, gamma, beta, 1e-5, mean, var)
    assert_close(out, expected, name="out in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_batchnorm_forward")
def spatial_is_stable_far_from_zero(student, rng):
    """In float32, maps around 1000 with a small spread are normalised as well as others."""
    x, gamma, beta = _far_maps(rng, (2, 3, 4, 5))
    out, _ = student.spatial_batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train"})
    expected = oracle.batchnorm(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


@check(points=2, of="spatial_batchnorm_backward")
def spatial_gradients_are_correct(student, rng):
    """The gradients of spatial batch normalisation are right, with one number per channel."""
    x, gamma, beta = _maps(rng, (2, 3, 4, 5))
    dout = rng.normal(0.4, 1.0, size=x.shape)
    _, kept = student.spatial_batchnorm_forward.holding(1)(
        x, gamma, beta, {"mode": "train", "eps": 0.3}
    )
    dx, dgamma, dbeta = student.spatial_batchnorm_backward(dout, kept)
    expected = oracle.batchnorm_gradients(dout, x, gamma, 0.3)
    _assert_all(("dbeta", "dgamma", "dx"), (dbeta, dgamma, dx), expected[::-1])


@check(points=1, of="spatial_groupnorm_forward")
def group_output_is_correct(student, rng):
    """Every group of channels of every picture is normalised by itself."""
    x, gamma, beta = _group_maps(rng, (2, 6, 4, 5))
    for groups in (2, 3):
        out, _ = student.spatial_groupnorm_forward.holding(1)(x, gamma, beta, groups, {"eps": 0.2})
        expected = oracle.groupnorm(x, gamma, beta, groups, 0.2)
        assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_groupnorm_forward")
def group_of_one_picture(student, rng):
    """A single picture in float32 is normalised like any other."""
    x, gamma, beta = (a.astype(np.float32) for a in _group_maps(rng, (1, 4, 3, 5)))
    out, _ = student.spatial_groupnorm_forward.holding(1)(x, gamma, beta, 2, {})
    expected = oracle.groupnorm(x, gamma, beta, 2, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_groupnorm_forward")
def group_is_stable_far_from_zero(student, rng):
    """In float32, groups around 1000 with a small spread are normalised as well as others."""
    x, gamma, beta = _far_maps(rng, (2, 6, 4, 5))
    gamma, beta = gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1)
    out, _ = student.spatial_groupnorm_forward.holding(1)(x, gamma, beta, 3, {})
    expected = oracle.groupnorm(x, gamma, beta, 3, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


@check(points=2, of="spatial_groupnorm_backward")
def group_dx_is_correct(student, rng):
    """The gradient with respect to x goes through the statistics of each group."""
    found, expected = _group_backward(student, rng)
    assert_close(found[0], expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="spatial_groupnorm_backward")
def group_dgamma_and_dbeta_are_correct(student, rng):
    """The gradients with respect to gamma and beta are arrays (1, C, 1, 1), summed up."""
    found, expected = _group_backward(student, rng)
    _assert_all(("dgamma", "dbeta"), found[1:], expected[1:])


# ThreeLayerConvNet --------------------------------------------------------------------------------


@check(points=1, of="ThreeLayerConvNet")
def weights_start_small_and_random(student, rng):
    """Weights have the right shapes and standard deviation weight_scale; biases are zero."""
    net = student.ThreeLayerConvNet((3, 8, 12), 9, 5, 31, 7, 0.03, 0.0, np.random.default_rng(5))
    params = net.params
    shapes = {"W1": (9, 3, 5, 5), "b1": (9,), "W2": (216, 31), "b2": (31,)}
    shapes |= {"W3": (31, 7), "b3": (7,)}
    for name, shape in shapes.items():
        require(name in params, f"params has no {name}")
        assert_shape(params[name], shape, name=name)
        if name.startswith("b"):
            assert_close(params[name], np.zeros(shape), name=name)
        else:
            values = np.asarray(params[name])
            require(
                0.02 < values.std() < 0.04 and abs(values.mean()) < 0.012,
                f"{name} has mean {values.mean():.3g} and standard deviation {values.std():.3g}, "
                "expected 0 and weight_scale = 0.03",
            )


@check(points=1, of="ThreeLayerConvNet")
def scores_are_correct(student, rng):
    """The scores are those of conv, ReLU, pool, affine, ReLU, affine."""
    net, params, X, _ = _network(student, rng, 0.4)
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


@check(points=1, of="ThreeLayerConvNet")
def loss_is_correct(student, rng):
    """The loss is the softmax loss plus half of reg times the squares of all weights."""
    net, params, X, y = _network(student, rng, 0.4)
    loss, _ = net.loss(X, y)
    expected = oracle.network_loss(params, X, y, 0.4)
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="ThreeLayerConvNet")
def gradients_without_reg_are_correct(student, rng):
    """Without regularisation, all six gradients are right."""
    _assert_network_gradients(student, rng, 0.0)


@check(points=1, of="ThreeLayerConvNet")
def gradients_with_reg_are_correct(student, rng):
    """With regularisation, the weights' gradients have its share, and the biases' have not."""
    _assert_network_gradients(student, rng, 0.7)


@check(points=1, of="ThreeLayerConvNet")
def net_uses_the_layers_it_is_given(student, rng):
    """The network computes with the convolution and the pooling that it is given."""

    def forward(x, w, b, conv_param):
        return 2.0 * oracle.conv(x, w, b, conv_param["stride"], conv_param["pad"]), 1

    def pool(x, pool_param):
        return 3.0 * oracle.max_pool(np.asarray(x), 2, 2, 2), 2

    net, params, X, _ = _network(
        student, rng, 0.0, {"conv_forward": forward, "max_pool_forward": pool}
    )
    # Layers that give six times as much: nobody can have computed that with layers of their own.
    six_times = params | {"W1": 6.0 * params["W1"], "b1": 6.0 * params["b1"]}
    expected = oracle.network_scores(six_times, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


# train_convnet ------------------------------------------------------------------------------------


@check(points=1, of="train_convnet", timeout=60.0)
def train_convnet_learns_stripes(student, rng):
    """Horizontal, vertical and no stripes are told apart, wherever they are."""

    def pictures(num):
        y = rng.permutation(np.arange(num) % 3)
        X = rng.normal(0.0, 0.2, size=(num, 2, 8, 8))
        wave = np.where(np.arange(8) % 4 < 2, 1.0, -1.0)
        for i, label in enumerate(y):
            shifted = np.roll(wave, rng.integers(4))
            X[i] += {0: shifted[:, None], 1: shifted[None, :], 2: 0.0}[int(label)]
        return X.astype(np.float32), y

    (X_train, y_train), (X_val, y_val), (X, y) = pictures(600), pictures(60), pictures(90)
    model = student.train_convnet(X_train, y_train, X_val, y_val)
    reached = accuracy(np.argmax(_scores_of(model, X, (90, 3)), axis=1), y)
    require(reached >= 0.9, f"of pictures with and without stripes, {reached:.0%} are right")


@check(points=3, of="train_convnet", timeout=90.0)
def train_convnet_reaches_accuracy(student, rng):
    """The network that train_convnet returns recognises enough of the test images."""
    data = _pictures()
    start = rng.integers(501)
    chosen = slice(start, start + len(data.X_train) - 500)
    model = student.train_convnet(
        data.X_train[chosen], data.y_train[chosen], data.X_val, data.y_val
    )
    scores = _scores_of(model, data.X_test, (len(data.X_test), data.num_classes))
    reached = accuracy(np.argmax(scores, axis=1), data.y_test)
    bar = TRAIN_CONVNET[data.name].at_least
    require(reached >= bar, f"test accuracy {reached:.1%}, expected {bar:.0%} or more")


# Inputs -------------------------------------------------------------------------------------------


def _conv_inputs(rng, shape, filters, dtype=np.float64):
    x, w = rng.normal(0.4, 1.0, size=shape), rng.normal(0.2, 0.7, size=filters)
    b = rng.choice([-1.0, 1.0], size=filters[0]) * rng.uniform(0.5, 2.0, size=filters[0])
    return tuple(a.astype(dtype) for a in (x, w, b))


def _conv_backward(student, rng, kind, shape, filters, stride, pad, dtype=np.float64):
    """Return the student's gradients and the right ones."""
    x, w, b = _conv_inputs(rng, shape, filters, dtype)
    rows = oracle.output_size(shape[2], filters[2], stride, pad)
    columns = oracle.output_size(shape[3], filters[3], stride, pad)
    dout = rng.normal(0.3, 1.0, size=(shape[0], filters[0], rows, columns)).astype(dtype)
    forward = getattr(student, f"conv_forward_{kind}")
    _, kept = forward.holding(1)(x, w, b, {"stride": stride, "pad": pad})
    dx, dw, db = getattr(student, f"conv_backward_{kind}")(dout, kept)
    return (dx, dw, db), oracle.conv_gradients(dout, x, w, stride, pad)


def _pool_input(rng, shape, dtype, shift=0.0):
    """Return distinct values, so that no maximum is tied."""
    return (rng.permutation(np.prod(shape)).reshape(shape) / 8.0 - 1.5 + shift).astype(dtype)


def _maps(rng, shape):
    channels = shape[1]
    centre, spread = rng.normal(0.5, 1.5, size=channels), np.linspace(0.6, 2.2, channels)
    x = rng.normal(centre[:, None, None], spread[:, None, None], size=shape)
    gamma = rng.choice([-1.0, 1.0], size=channels) * rng.uniform(0.5, 2.0, size=channels)
    return x, gamma, rng.uniform(0.2, 1.5, size=channels)


def _group_maps(rng, shape):
    x, gamma, beta = _maps(rng, shape)
    return x, gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1)


def _far_maps(rng, shape):
    x = 1000.0 + rng.integers(-32, 33, size=shape) / 64
    x[:, :, 0] += 0.25
    gamma, beta = rng.uniform(0.5, 1.5, size=shape[1]), rng.uniform(-1.0, 1.0, size=shape[1])
    return tuple(a.astype(np.float32) for a in (x, gamma, beta))


def _group_backward(student, rng):
    x, gamma, beta = _group_maps(rng, (2, 6, 3, 4))
    dout = rng.normal(0.4, 1.0, size=x.shape)
    _, kept = student.spatial_groupnorm_forward.holding(1)(x, gamma, beta, 3, {"eps": 0.3})
    dx, dgamma, dbeta = student.spatial_groupnorm_backward(dout, kept)
    return (dx, dgamma, dbeta), oracle.groupnorm_gradients(dout, x, gamma, 3, 0.3)


def _network(student, rng, reg, *layers):
    """Return a network of the student's with parameters of ours, these, and a batch."""
    net = student.ThreeLayerConvNet(
        (2, 4, 6), 3, 3, 5, 4, 0.1, reg, np.random.default_rng(1), *layers
    )
    shapes = {"W1": (3, 2, 3, 3), "b1": (3,), "W2": (18, 5), "b2": (5,), "W3": (5, 4), "b3": (4,)}
    params = {name: rng.normal(0.1, 0.5, size=shape) for name, shape in shapes.items()}
    # Biases of both signs: of maps and hidden units, some are awake and some are not.
    params["b1"] = rng.permutation([-0.9, -0.3, 0.6])
    params["b2"] = rng.permutation([-2.5, -1.2, 0.0, 0.4, 0.9])
    net.params = params
    return net, params, rng.normal(0.2, 1.0, size=(3, 2, 4, 6)), rng.integers(4, size=3)


def _pictures():
    """Return the dataset as the notebook prepares it, but half as many validation images.

    A student's own functions train on it, and validating costs them time as well.
    """
    sizes = dict.fromkeys(("num_training", "num_validation", "num_test"), 0)
    return _prepared(load_dataset(**sizes).name)


@functools.cache
def _prepared(name):
    data = load_dataset(name, num_training=4_500, num_validation=500, num_test=1_000)
    mean_colour = data.X_train.mean(axis=(0, 1, 2)).reshape(3, 1, 1)

    def maps(images):
        halved = images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4))
        return np.ascontiguousarray((halved.transpose(0, 3, 1, 2) - mean_colour) / 64, np.float32)

    return SimpleNamespace(
        name=name,
        num_classes=len(data.class_names),
        X_train=maps(data.X_train),
        X_val=maps(data.X_val),
        X_test=maps(data.X_test),
        y_train=data.y_train,
        y_val=data.y_val,
        y_test=data.y_test,
    )


# Verdicts -----------------------------------------------------------------------------------------


def _assert_size(student, size, window, stride, pad):
    found = student.conv_output_size(size, window, stride, pad)
    name = f"the size for {size} pixels, a filter of {window}, stride {stride} and pad {pad}"
    assert_close(found, oracle.output_size(size, window, stride, pad), name=name)


def _assert_conv(student, rng, shape, filters, stride, pad, dtype=np.float64):
    x, w, b = _conv_inputs(rng, shape, filters, dtype)
    param = {"stride": stride, "pad": pad}
    out, _ = student.conv_forward_naive.holding(1)(x, w, b, param)
    expected = oracle.conv(x, w, b, stride, pad)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


def _assert_pool(student, rng, kind, shape, height, width, stride, dtype=np.float64, shift=0.0):
    x = _pool_input(rng, shape, dtype, shift)
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    out, _ = getattr(student, f"{kind}_pool_forward_naive").holding(1)(x, param)
    expected = getattr(oracle, f"{kind}_pool")(x, height, width, stride)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


def _assert_pool_gradient(student, rng, kind, shape, height, width, stride, dtype=np.float64):
    x = _pool_input(rng, shape, dtype)
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    rows = oracle.output_size(shape[2], height, stride, 0)
    columns = oracle.output_size(shape[3], width, stride, 0)
    dout = rng.normal(0.4, 1.0, size=(*shape[:2], rows, columns)).astype(dtype)
    _, kept = getattr(student, f"{kind}_pool_forward_naive").holding(1)(x, param)
    dx = getattr(student, f"{kind}_pool_backward_naive")(dout, kept)
    expected = getattr(oracle, f"{kind}_pool_gradient")(dout, x, height, width, stride)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


def _assert_network_gradients(student, rng, reg):
    net, params, X, y = _network(student, rng, reg)
    _, grads = net.loss(X, y)
    require(isinstance(grads, dict), "grads is no dictionary", kind="type")
    expected = oracle.network_gradients(params, X, y, reg)
    for name in ("W3", "b3", "W2", "b2", "W1", "b1"):  # from the loss backwards
        require(name in grads, f"grads has no {name}")
        assert_close(grads[name], expected[name], name=f"d{name}", rtol=RTOL, atol=ATOL)


def _assert_all(names, found, expected):
    for name, actual, wanted in zip(names, found, expected, strict=True):
        assert_close(actual, wanted, name=name, rtol=RTOL, atol=ATOL)


def _scores_of(model, X, shape):
    """Return the scores that a returned model gives to images."""
    loss = getattr(model, "loss", None)
    what = "None" if model is None else f"a value of type {type(model).__name__}"
    require(
        loss is not None,
        f"train_convnet returned {what}, expected the network: end with `return model`",
        kind="type",
    )
    scores = loss(X)
    assert_shape(scores, shape, name="the scores")
    assert_finite(scores, name="the scores")
    return np.asarray(scores)
