"""Hidden checks of the exercise on architectures.

Counts are compared exactly. Blocks are compared with tolerances of single precision, since a
solution may compute in float32; caches stay with the student, whose own affair they are.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-3, 1e-4


# output_shapes ------------------------------------------------------------------------------------


@check(points=2, of="output_shapes")
def shapes_of_a_chain(student, rng):
    """Windows with stride and padding, pooling and fully connected layers give the right shapes."""
    spec = [_conv(7, 5, 3, 2), _pool(3, 2, 1), _norm(), _conv(4, 2), _pool(2, 1), _fc(9), _fc(3)]
    for _ in range(3):
        _compare_shapes(student, spec, (3, int(rng.integers(31, 41)), int(rng.integers(51, 61))))


@check(points=1, of="output_shapes")
def shapes_of_global_pool(student, rng):
    """Global pooling keeps the channels and leaves one pixel."""
    _compare_shapes(
        student, [_conv(int(rng.integers(5, 9)), 3), {"kind": "global_pool"}], (2, 9, 7)
    )


@check(points=2, of="output_shapes")
def shapes_of_concatenation(student, rng):
    """Concatenated branches add up their channels, and may branch again."""
    inner = _join("concat", [_conv(2, 1)], [_conv(int(rng.integers(3, 7)), 3, 1, 1)])
    spec = [_join("concat", [_conv(3, 3, 2, 1)], [inner, _pool(3, 2, 1)]), _pool(2, 2), _fc(5)]
    _compare_shapes(student, spec, (4, 13, 18))


@check(points=1, of="output_shapes")
def shapes_of_sums(student, rng):
    """Added branches keep their common shape; an empty branch passes its input on."""
    channels = int(rng.integers(5, 9))
    spec = [
        _join("add", [_conv(2, 1), _conv(channels, 3, 1, 1)], []),
        _join("add", [], [_conv(channels, 3, 1, 1), _norm()]),
        _join("add", [_conv(6, 3, 2, 1)], [_conv(6, 1, 2)]),
    ]
    _compare_shapes(student, spec, (channels, 11, 6))


# count_parameters ---------------------------------------------------------------------------------


@check(points=2, of="count_parameters")
def parameters_of_convolutions(student, rng):
    """Convolutions with and without biases, in groups and not, have the right numbers."""
    F = 6 * int(rng.integers(2, 5))
    spec = [_conv(F, 5, 2), _conv(10, 3, groups=2), _conv(9, 1, bias=False), _pool(2, 2)]
    _compare_count(
        student.count_parameters(spec, (4, 21, 26)), oracle.parameters(spec, (4, 21, 26))
    )


@check(points=1, of="count_parameters")
def parameters_of_norm(student, rng):
    """Normalisation learns a scale and a shift for each channel."""
    spec = [_conv(int(rng.integers(3, 9)), 3, bias=False), _norm()]
    _compare_count(student.count_parameters(spec, (2, 9, 7)), oracle.parameters(spec, (2, 9, 7)))


@check(points=1, of="count_parameters")
def parameters_of_fully_connected(student, rng):
    """A fully connected layer sees all pixels of all channels, and has biases."""
    spec = [_pool(3, 2), _fc(int(rng.integers(4, 9))), _fc(3)]
    _compare_count(student.count_parameters(spec, (5, 9, 14)), oracle.parameters(spec, (5, 9, 14)))


@check(points=2, of="count_parameters")
def parameters_of_branches(student, rng):
    """The parameters of all branches count, nested ones included."""
    spec, shape = _branching(rng)
    _compare_count(student.count_parameters(spec, shape), oracle.parameters(spec, shape))


# count_multiply_adds ------------------------------------------------------------------------------


@check(points=2, of="count_multiply_adds")
def multiply_adds_of_convolutions(student, rng):
    """A strided convolution works at the pixels of its output."""
    spec = [_conv(int(rng.integers(4, 8)), 5, 3, 1), _pool(2, 1), _conv(3, 2)]
    shape = (2, 17, 29)
    _compare_count(student.count_multiply_adds(spec, shape), oracle.multiply_adds(spec, shape))


@check(points=1, of="count_multiply_adds")
def multiply_adds_of_groups(student, rng):
    """With groups, a filter sees its own group's channels only."""
    spec, shape = [_conv(6 * int(rng.integers(1, 4)), 3, groups=3)], (9, 8, 6)
    _compare_count(student.count_multiply_adds(spec, shape), oracle.multiply_adds(spec, shape))


@check(points=1, of="count_multiply_adds")
def multiply_adds_of_fully_connected(student, rng):
    """A fully connected layer uses each weight once, and biases are not counted."""
    spec, shape = [_norm(), _pool(2, 2), _fc(int(rng.integers(3, 8)))], (3, 6, 10)
    _compare_count(student.count_multiply_adds(spec, shape), oracle.multiply_adds(spec, shape))


@check(points=1, of="count_multiply_adds")
def multiply_adds_of_branches(student, rng):
    """The work of all branches counts."""
    spec, shape = _branching(rng)
    _compare_count(student.count_multiply_adds(spec, shape), oracle.multiply_adds(spec, shape))


# count_activations, training_memory ---------------------------------------------------------------


@check(points=2, of="count_activations")
def activations_of_a_chain(student, rng):
    """Outputs of convolutions and fully connected layers count, those of other layers do not."""
    spec = [_conv(int(rng.integers(3, 8)), 3, 2), _norm(), _pool(2, 2), _fc(5)]
    _compare_count(
        student.count_activations(spec, (2, 13, 22)), oracle.activations(spec, (2, 13, 22))
    )


@check(points=1, of="count_activations")
def activations_of_branches(student, rng):
    """Inside branches every convolution counts, and a join does not."""
    spec, shape = _branching(rng)
    _compare_count(student.count_activations(spec, shape), oracle.activations(spec, shape))


@check(points=2, of="training_memory")
def memory_of_a_batch(student, rng):
    """Memory is that of parameters, gradients and velocities, and of every image's activations."""
    spec, shape = _branching(rng)
    N = int(rng.integers(5, 40))
    P, A = oracle.parameters(spec, shape), oracle.activations(spec, shape)
    for size in (4, 2):
        expected = size * (3 * P + N * (shape[0] * shape[1] * shape[2] + A))
        _compare_count(student.training_memory(spec, shape, N, size), expected)


# receptive_field ----------------------------------------------------------------------------------


@check(points=2, of="receptive_field")
def field_of_a_chain(student, rng):
    """Windows widen the field by the jump in front of them."""
    k, s = int(rng.integers(4, 7)), int(rng.integers(2, 4))
    _compare_field(student, [_conv(3, k, s, 2), _norm(), _pool(3, 2, 1), _conv(4, 3), _conv(2, 1)])


@check(points=1, of="receptive_field")
def field_stops_at_the_classifier(student, rng):
    """Counting stops at the first global pooling or fully connected layer."""
    body = [_conv(3, int(rng.integers(3, 6)), 2), _pool(2, 2)]
    _compare_field(student, [*body, {"kind": "global_pool"}, _conv(5, 1, 2), _fc(3)])
    _compare_field(student, [*body, _fc(3), _conv(4, 1, 3)])


@check(points=2, of="receptive_field")
def field_of_branches(student, rng):
    """The widest branch counts, and with it the jump."""
    k = 2 * int(rng.integers(2, 4)) + 1
    wide = [_conv(2, 1), _conv(3, k, 2, k // 2), _conv(3, 3, 1, 1)]
    spec = [
        _conv(4, 3, 2),
        _join("add", [_conv(3, 3, 2, 1)], [_conv(3, 1, 2)], wide),
        _join("add", [], [_conv(3, 3, 1, 1)]),
    ]
    _compare_field(student, [*spec, _pool(3, 2)])


# conv1x1 ------------------------------------------------------------------------------------------


@check(points=2, of="conv1x1_forward")
def conv1x1_output(student, rng):
    """Every pixel's channels are mixed, and biases added."""
    x, w, b = _one_by_one(rng, 2)
    out, _ = student.conv1x1_forward.holding(1)(x, w, b)
    assert_close(out, oracle.conv1x1(x, w, b, 1)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv1x1_forward")
def conv1x1_output_with_stride(student, rng):
    """With a stride, every stride-th row and column is taken, also of one float32 image."""
    x, w, b = (a.astype(np.float32) for a in _one_by_one(rng, 1))
    for stride in (2, 3):
        out, _ = student.conv1x1_forward.holding(1)(x, w, b, stride)
        expected = oracle.conv1x1(x, w, b, stride)[0]
        assert_close(out, expected, name=f"out with stride {stride}", rtol=RTOL, atol=ATOL)


@check(points=2, of="conv1x1_backward")
def conv1x1_gradients_of_weights(student, rng):
    """The gradients of weights and biases agree with the reference."""
    _, dw, db, expected = _one_by_one_gradients(student, rng, 1)
    assert_close(dw, expected[1], name="dw", rtol=RTOL, atol=ATOL)
    assert_close(db, expected[2], name="db", rtol=RTOL, atol=ATOL)


@check(points=1, of="conv1x1_backward")
def conv1x1_gradient_of_input(student, rng):
    """The gradient of the input agrees with the reference."""
    dx, _, _, expected = _one_by_one_gradients(student, rng, 1)
    assert_close(dx, expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=2, of="conv1x1_backward")
def conv1x1_gradients_with_stride(student, rng):
    """With a stride, dx has the shape of x, and zeros where nothing was looked at."""
    *got, expected = _one_by_one_gradients(student, rng, 2)
    for name, gradient, right in zip(("dx", "dw", "db"), got, expected, strict=True):
        assert_close(gradient, right, name=f"{name} with stride 2", rtol=RTOL, atol=ATOL)


# global_avg_pool ----------------------------------------------------------------------------------


@check(points=1, of="global_avg_pool_forward")
def average_is_correct(student, rng):
    """Every channel of every image is averaged over its pixels."""
    x = rng.normal(0.7, 1.0, size=(2, 3, 5, 4))
    out, _ = student.global_avg_pool_forward.holding(1)(x)
    assert_close(out, oracle.average(x), name="out", rtol=RTOL, atol=ATOL)


@check(points=2, of="global_avg_pool_backward")
def average_gradient_is_correct(student, rng):
    """The gradient spreads evenly over the pixels."""
    x, dout = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3))
    _, kept = student.global_avg_pool_forward.holding(1)(x)
    expected = np.ones(x.shape) * dout[:, :, None, None] / 20
    dx = student.global_avg_pool_backward(dout, kept)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


# inception ----------------------------------------------------------------------------------------


@check(points=3, of="inception_forward")
def inception_output(student, rng):
    """Four branches, each with its ReLUs, are concatenated in order."""
    x, params = rng.normal(0.2, 1.0, size=(2, 4, 6, 5)), _inception(rng, 4)
    out, _ = student.inception_forward.holding(1)(x, params)
    assert_close(out, oracle.inception(x, params)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="inception_forward")
def inception_of_one_negative_image(student, rng):
    """One float32 image of negative pixels: padding never wins in pooling."""
    x = -rng.uniform(0.5, 2.0, size=(1, 3, 5, 4)).astype(np.float32)
    params = {k: v.astype(np.float32) for k, v in _inception(rng, 3).items()}
    params["wp"] = -np.abs(params["wp"])
    out, _ = student.inception_forward.holding(1)(x, params)
    assert_close(out, oracle.inception(x, params)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=3, of="inception_backward")
def inception_gradient_of_input(student, rng):
    """The gradients of all four branches add up."""
    (dx, _), (expected, _) = _inception_gradients(student, rng)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


@check(points=2, of="inception_backward")
def inception_gradients_of_parameters(student, rng):
    """Every parameter has its gradient, under its own name."""
    (_, grads), (_, expected) = _inception_gradients(student, rng)
    _compare_grads(grads, expected)


# residual -----------------------------------------------------------------------------------------


@check(points=2, of="residual_forward")
def residual_output(student, rng):
    """The input is added before the last ReLU."""
    x, params = rng.normal(0.1, 1.0, size=(2, 3, 6, 5)), _block(rng, 3, (3, 3))
    out, _ = student.residual_forward.holding(1)(x, params)
    assert_close(out, oracle.residual(x, params)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="residual_forward")
def residual_output_with_projection(student, rng):
    """With a stride, the shortcut is projected."""
    x, params = rng.normal(0.1, 1.0, size=(2, 3, 6, 5)), _block(rng, 3, (4, 4), project=True)
    out, _ = student.residual_forward.holding(1)(x, params, 2)
    assert_close(out, oracle.residual(x, params, 2)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="residual_forward")
def plain_output(student, rng):
    """Without shortcut nothing is added, projection or not."""
    x = rng.normal(0.1, 1.0, size=(2, 3, 6, 5))
    for params in (_block(rng, 3, (3, 3)), _block(rng, 3, (4, 4), project=True)):
        out, _ = student.residual_forward.holding(1)(x, params, stride=1, shortcut=False)
        expected = oracle.residual(x, params, 1, False)[0]
        assert_close(out, expected, name="out without shortcut", rtol=RTOL, atol=ATOL)


@check(points=2, of="residual_backward")
def residual_gradient_of_input(student, rng):
    """The gradient of the input comes through the convolutions and through the shortcut."""
    (dx, _), (expected, _) = _block_gradients(student, rng, "residual")
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="residual_backward")
def residual_gradients_of_parameters(student, rng):
    """The gradients of the parameters agree with the reference."""
    (_, grads), (_, expected) = _block_gradients(student, rng, "residual")
    _compare_grads(grads, expected)


@check(points=1, of="residual_backward")
def residual_gradients_with_projection(student, rng):
    """With a projection, the shortcut has parameters and a gradient of its own."""
    (dx, grads), (expected, right) = _block_gradients(student, rng, "residual", project=True)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)
    _compare_grads(grads, right)


@check(points=1, of="residual_backward")
def plain_gradients(student, rng):
    """Without shortcut the gradient comes through the convolutions alone."""
    (dx, _), (expected, _) = _block_gradients(student, rng, "residual", shortcut=False)
    assert_close(dx, expected, name="dx without shortcut", rtol=RTOL, atol=ATOL)


@check(points=1, of="residual_backward")
def residual_leaves_dout_alone(student, rng):
    """The array dout is the same after a call of residual_backward."""
    x, params = rng.normal(size=(2, 3, 5, 4)), _block(rng, 3, (3, 3))
    out, kept = student.residual_forward.holding(1)(x, params)
    dout = rng.normal(size=np.shape(out))
    held = student.hold(dout)
    dx, _ = student.residual_backward(held, kept)
    assert_shape(dx, x.shape, name="dx")
    require_unchanged("residual_backward", dout=(held, dout))


# bottleneck ---------------------------------------------------------------------------------------


@check(points=2, of="bottleneck_forward")
def bottleneck_output(student, rng):
    """Three convolutions, ReLUs between them, and the input added before the last ReLU."""
    x, params = rng.normal(0.1, 1.0, size=(2, 4, 6, 5)), _block(rng, 4, (2, 2, 4))
    out, _ = student.bottleneck_forward.holding(1)(x, params)
    assert_close(out, oracle.bottleneck(x, params)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="bottleneck_forward")
def bottleneck_output_with_projection(student, rng):
    """The first convolution and the projection have the stride."""
    x, params = rng.normal(0.1, 1.0, size=(2, 4, 7, 5)), _block(rng, 4, (2, 2, 6), project=True)
    out, _ = student.bottleneck_forward.holding(1)(x, params, 2)
    assert_close(out, oracle.bottleneck(x, params, 2)[0], name="out", rtol=RTOL, atol=ATOL)


@check(points=2, of="bottleneck_backward")
def bottleneck_gradients(student, rng):
    """All gradients of a bottleneck with an identity shortcut agree with the reference."""
    (dx, grads), (expected, right) = _block_gradients(student, rng, "bottleneck")
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)
    _compare_grads(grads, right)


@check(points=2, of="bottleneck_backward")
def bottleneck_gradients_with_projection(student, rng):
    """All gradients of a bottleneck with a projection agree with the reference."""
    (dx, grads), (expected, right) = _block_gradients(student, rng, "bottleneck", project=True)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)
    _compare_grads(grads, right)


# Specifications -----------------------------------------------------------------------------------


def _conv(filters, kernel, stride=1, pad=0, groups=1, bias=True):
    return {
        "kind": "conv",
        "filters": filters,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "groups": groups,
        "bias": bias,
    }


def _pool(kernel, stride, pad=0):
    return {"kind": "pool", "kernel": kernel, "stride": stride, "pad": pad}


def _norm():
    return {"kind": "norm"}


def _fc(units):
    return {"kind": "fc", "units": units}


def _join(join, *specs):
    return {"kind": "branches", "join": join, "branches": list(specs)}


def _branching(rng):
    """Return a network with nested branches and the shape of its input."""
    inner = _join("concat", [_conv(2, 1), _conv(int(rng.integers(3, 7)), 3, 1, 1)], [_conv(3, 1)])
    spec = [
        _join("concat", [_conv(5, 1, bias=False), _norm()], [inner, _conv(4, 5, 1, 2)]),
        _join("add", [_conv(3, 1), _conv(9, 3, 1, 1)], []),
        _pool(2, 2),
        _fc(7),
    ]
    return spec, (3, 9, 12)


# Inputs and gradients -----------------------------------------------------------------------------


def _one_by_one(rng, images):
    x = rng.normal(0.3, 1.0, size=(images, 3, 7, 5))
    return x, rng.normal(size=(4, 3, 1, 1)), rng.normal(0.5, 1.0, size=4)


def _one_by_one_gradients(student, rng, stride):
    x, w, b = _one_by_one(rng, 2)
    out, back = oracle.conv1x1(x, w, b, stride)
    dout = rng.normal(0.2, 1.0, size=out.shape)
    _, kept = student.conv1x1_forward.holding(1)(x, w, b, stride)
    dx, dw, db = student.conv1x1_backward(dout, kept)
    return dx, dw, db, back(dout)


def _inception(rng, channels):
    shapes = {
        **{"1": (2, channels, 1), "3r": (3, channels, 1), "3": (4, 3, 3)},
        **{"5r": (2, channels, 1), "5": (5, 2, 5), "p": (3, channels, 1)},
    }
    params = {}
    for name, (filters, depth, kernel) in shapes.items():
        params["w" + name] = rng.normal(0.0, 0.7, size=(filters, depth, kernel, kernel))
        params["b" + name] = rng.normal(0.1, 0.7, size=filters)
    return params


def _inception_gradients(student, rng):
    x, params = rng.normal(0.2, 1.0, size=(2, 4, 5, 6)), _inception(rng, 4)
    out, back = oracle.inception(x, params)
    dout = rng.normal(0.2, 1.0, size=out.shape)
    _, kept = student.inception_forward.holding(1)(x, params)
    dx, grads = student.inception_backward(dout, kept)
    return (dx, grads), back(dout)


def _block(rng, channels, widths, *, project=False):
    params, depth = {}, channels
    kernels = (3, 3) if len(widths) == 2 else (1, 3, 1)
    for name, width, kernel in zip("123", widths, kernels, strict=False):
        _add_layer(rng, params, name, (width, depth, kernel, kernel))
        depth = width
    if project:
        _add_layer(rng, params, "s", (widths[-1], channels, 1, 1))
    return params


def _add_layer(rng, params, name, shape):
    params["w" + name] = rng.normal(0.0, 0.6, size=shape)
    params["gamma" + name] = rng.uniform(0.6, 1.5, size=shape[0])
    params["beta" + name] = rng.normal(0.1, 0.4, size=shape[0])


def _block_gradients(student, rng, block, *, project=False, **options):
    last = 5 if project else 4
    widths = (last, last) if block == "residual" else (3, 3, last)
    x, params = rng.normal(0.1, 1.0, size=(2, 4, 6, 5)), _block(rng, 4, widths, project=project)
    stride = 2 if project else 1
    out, back = getattr(oracle, block)(x, params, stride, **options)
    dout = rng.normal(0.2, 1.0, size=out.shape)
    forward, backward = (getattr(student, f"{block}_{way}") for way in ("forward", "backward"))
    _, kept = forward.holding(1)(x, params, stride, **options)
    dx, grads = backward(dout, kept)
    return (dx, grads), back(dout)


# Verdicts -----------------------------------------------------------------------------------------


def _compare_count(got, expected):
    assert_close(got, expected, name="the count", rtol=1e-12, atol=0.1)


def _compare_shapes(student, spec, shape):
    got = student.output_shapes(spec, shape)
    expected = oracle.shapes(spec, shape)
    assert_close(got, np.array(expected), name="the list of shapes", rtol=0, atol=0.1)


def _compare_field(student, spec):
    got = student.receptive_field(spec)
    assert_close(got, np.array(oracle.field(spec)), name="(size, jump)", rtol=0, atol=0.1)


def _compare_grads(grads, expected):
    require(isinstance(grads, dict), "the second result is no dictionary of gradients", kind="type")
    missing = sorted(set(expected) - set(grads))
    require(not missing, f"grads lacks {', '.join(missing)}")
    for name, right in expected.items():
        assert_close(grads[name], right, name=f'grads["{name}"]', rtol=RTOL, atol=ATOL)
