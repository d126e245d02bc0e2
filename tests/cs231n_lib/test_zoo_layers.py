"""Every kind of layer against its definition, in float64, on images that cut into odd blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cs231n_lib.checking import assert_gradient
from cs231n_lib.zoo import (
    Conv,
    DepthwiseConv,
    GlobalAveragePool,
    GlobalMaxPool,
    Linear,
    MaxPool,
    Network,
    PointwiseConv,
    Preprocessing,
)
from cs231n_lib.zoo import _planes as planes

PLAIN = Preprocessing(8, 1.0, (0.0,) * 3, (1.0,) * 3)


def make_network(layers, shapes, rng, dtype=np.float64):
    params = {}
    for name, shape in shapes.items():
        params[f"{name}.weight"] = rng.standard_normal(shape).astype(dtype)
        params[f"{name}.bias"] = rng.standard_normal(shape[0]).astype(dtype)
    return Network("small", layers, params, PLAIN, ())


def pad_same(x, kernel, stride):
    """Pad as TensorFlow does: ceil(size / stride) outputs, the odd zero last."""
    widths = [(0, 0), (0, 0)]
    for size in x.shape[2:]:
        total = max((int(np.ceil(size / stride)) - 1) * stride + kernel - size, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, widths)


def conv_loops(x, w, b, stride, depthwise):
    x = pad_same(x, w.shape[2], stride)
    k = w.shape[2]
    rows = range(0, x.shape[2] - k + 1, stride)
    columns = range(0, x.shape[3] - k + 1, stride)
    out = np.empty((len(x), len(w), len(rows), len(columns)))
    for n in range(len(x)):
        for f in range(len(w)):
            for i, r in enumerate(rows):
                for j, c in enumerate(columns):
                    window = x[n, [f] if depthwise else slice(None), r : r + k, c : c + k]
                    out[n, f, i, j] = (window * w[f]).sum() + b[f]
    return out


def conv_windows(x, w, b, stride, depthwise):
    """Do the same without loops, for larger images."""
    k = w.shape[2]
    windows = sliding_window_view(pad_same(x, k, stride), (k, k), (2, 3))[:, :, ::stride, ::stride]
    if depthwise:
        out = np.einsum("nchwij,cij->nchw", windows, w[:, 0])
    else:
        out = np.einsum("nchwij,fcij->nfhw", windows, w, optimize=True)
    return out + b[:, None, None]


CONVOLUTIONS = {
    "dense": (Conv("conv", "input", kernel=3, stride=1), (5, 3, 3, 3)),
    "dense, stride 2": (Conv("conv", "input", kernel=3, stride=2), (5, 3, 3, 3)),
    "dense, stride 3": (Conv("conv", "input", kernel=5, stride=3), (4, 3, 5, 5)),
    "dense, stride over kernel": (Conv("conv", "input", kernel=1, stride=2), (4, 3, 1, 1)),
    "depthwise": (DepthwiseConv("conv", "input", kernel=3, stride=1), (3, 1, 3, 3)),
    "depthwise 5": (DepthwiseConv("conv", "input", kernel=5, stride=1), (3, 1, 5, 5)),
    "depthwise, stride 2": (DepthwiseConv("conv", "input", kernel=3, stride=2), (3, 1, 3, 3)),
    "depthwise 5, stride 2": (DepthwiseConv("conv", "input", kernel=5, stride=2), (3, 1, 5, 5)),
    "pointwise": (PointwiseConv("conv", "input"), (7, 3, 1, 1)),
}


@pytest.mark.parametrize("size", [(6, 9), (7, 4), (1, 1), (2, 5)], ids=str)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_convolution_is_the_sum_over_windows(kind, size, rng):
    layer, shape = CONVOLUTIONS[kind]
    network = make_network([layer], {"conv": shape}, rng)
    x = rng.standard_normal((2, 3, *size))
    w, b = network.params["conv.weight"], network.params["conv.bias"]
    depthwise = isinstance(layer, DepthwiseConv)
    expected = conv_loops(x, w, b, getattr(layer, "stride", 1), depthwise)
    np.testing.assert_allclose(network.scores(x), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        conv_windows(x, w, b, getattr(layer, "stride", 1), depthwise), expected, rtol=1e-12,
        atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(6, 9), (7, 4), (1, 1), (2, 5)], ids=str)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_gradients_of_a_convolution(kind, size, rng):
    layer, shape = CONVOLUTIONS[kind]
    network = make_network([layer], {"conv": shape}, rng)
    check_gradients(network, rng.standard_normal((2, 3, *size)), {"conv"}, rng)


def check_gradients(network, x, ends, rng, samples=50):
    """Compare all gradients of a random linear function of some outputs with differences."""
    outputs = network.activations(x, sorted(ends))
    douts = {name: rng.standard_normal(out.shape) for name, out in outputs.items()}

    def value(_):
        now = network.activations(x, sorted(ends))
        return sum((now[name] * douts[name]).sum() for name in ends)

    found = network.record(x).backward(douts, parameters=network.params)
    assert_gradient(value, x, found.input, name="dx", samples=samples)
    for name, gradient in found.parameters.items():
        assert_gradient(value, network.params[name], gradient, name=name, samples=samples)


@pytest.mark.parametrize("channels", [1, 24, 700])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(1, 37, 41), (5, 9, 23), (13, 4, 5)], ids=str)
def test_depthwise_convolution_in_many_blocks(channels, stride, size, rng):
    count, height, width = size
    layers = [
        PointwiseConv("expand", "input", "relu6"),
        DepthwiseConv("depthwise", "expand", kernel=5, stride=stride),
    ]
    shapes = {"expand": (channels, 3, 1, 1), "depthwise": (channels, 1, 5, 5)}
    network = make_network(layers, shapes, rng)
    p = network.params
    x = rng.standard_normal((count, 3, height, width))
    expanded = np.einsum("nchw,fc->nfhw", x, p["expand.weight"][:, :, 0, 0])
    expanded = np.clip(expanded + p["expand.bias"][:, None, None], 0, 6)
    expected = conv_windows(expanded, p["depthwise.weight"], p["depthwise.bias"], stride, True)
    record = network.record(x)
    np.testing.assert_allclose(record["expand"], expanded, atol=1e-12)
    np.testing.assert_allclose(record["depthwise"], expected, atol=1e-11)

    # The output is linear in the kernel, and in the bias of what comes before as far as no ReLU6 is
    # flat: the inner product of a gradient and a direction is that of dout and the output's change.
    dout = rng.standard_normal(expected.shape)
    found = record.backward({"depthwise": dout}, parameters=["expand.bias", "depthwise.weight"])
    no_bias = np.zeros(channels)
    kernel = rng.standard_normal((channels, 1, 5, 5))
    change = conv_windows(expanded, kernel, no_bias, stride, True)
    product = (found.parameters["depthwise.weight"] * kernel).sum()
    assert product == pytest.approx((dout * change).sum(), rel=1e-9)
    bias = rng.standard_normal(channels)
    moved = bias[:, None, None] * ((expanded > 0) & (expanded < 6))
    change = conv_windows(moved, p["depthwise.weight"], no_bias, stride, True)
    product = (found.parameters["expand.bias"] * bias).sum()
    assert product == pytest.approx((dout * change).sum(), rel=1e-9)


def test_dense_convolution_in_many_blocks(rng):
    layers = [
        Conv("one", "input", "relu", kernel=3, stride=2),
        Conv("two", "one", "relu", kernel=3, residual="one"),
    ]
    network = make_network(layers, {"one": (48, 3, 3, 3), "two": (48, 48, 3, 3)}, rng)
    x = rng.standard_normal((2, 3, 75, 82))
    p = network.params
    one = np.maximum(conv_windows(x, p["one.weight"], p["one.bias"], 2, False), 0)
    two = np.maximum(one + conv_windows(one, p["two.weight"], p["two.bias"], 1, False), 0)
    np.testing.assert_allclose(network.scores(x), two, atol=1e-9)


def test_blocks_cover_each_row_of_each_image_once():
    for count, height, width, channels in (
        *((1, 7, 7, 1152), (1, 112, 112, 96), (3, 5, 4, 8)),
        *((50, 1, 1, 1280), (9, 14, 14, 672), (2, 3, 999, 99)),
    ):
        covered = np.zeros((count, height), int)
        blocks = planes.cut_blocks(count, height, width, channels)
        for block in blocks:
            covered[block.images, block.rows] += 1
            images, rows = len(range(count)[block.images]), len(range(height)[block.rows])
            assert images * rows * width * channels <= planes.BLOCK_SIZE or images * rows == 1
        assert (covered == 1).all()
        assert len(blocks) >= min(planes.MIN_BLOCKS - 1, count * height)


def test_max_pool_keeps_the_largest_and_leaves_out_the_rest(rng):
    network = Network("pool", [MaxPool("pool", "input", size=2)], {}, PLAIN, ())
    network.params["unused"] = np.zeros(1)  # the network's precision is its parameters'
    x = rng.standard_normal((2, 3, 5, 7))
    expected = x[:, :, :4, :6].reshape(2, 3, 2, 2, 3, 2).max((3, 5))
    record = network.record(x)
    np.testing.assert_array_equal(record["pool"], expected)
    dout = rng.standard_normal(expected.shape)
    dx = record.backward({"pool": dout}).input
    assert np.count_nonzero(dx) == dout.size
    assert not dx[:, :, 4:].any()
    assert not dx[:, :, :, 6:].any()
    largest = np.repeat(np.repeat(expected, 2, 2), 2, 3) == x[:, :, :4, :6]
    np.testing.assert_array_equal(dx[:, :, :4, :6][largest].sum(), dx.sum())


def test_tied_largest_values_share_no_gradient(rng):
    for layer in (MaxPool("pool", "input", size=2), GlobalMaxPool("pool", "input")):
        network = Network("pool", [layer], {}, PLAIN, ())
        network.params["unused"] = np.zeros(1)
        record = network.record(np.ones((1, 3, 2, 2)))
        dx = record.backward({"pool": np.full_like(record["pool"], 5.0)}).input
        np.testing.assert_array_equal(dx[0, 0], [[5, 0], [0, 0]])


@pytest.mark.parametrize("pool", [GlobalAveragePool, GlobalMaxPool])
def test_gradients_through_a_whole_small_network(pool, rng):
    layers = [
        Conv("stem", "input", "relu6", kernel=3, stride=2),
        DepthwiseConv("a_depthwise", "stem", "relu6", kernel=3),
        PointwiseConv("a", "a_depthwise"),
        PointwiseConv("b_expand", "a", "relu6"),
        DepthwiseConv("b_depthwise", "b_expand", "relu6", kernel=5, stride=2),
        PointwiseConv("b", "b_depthwise"),
        PointwiseConv("c_expand", "b", "relu6"),
        DepthwiseConv("c_depthwise", "c_expand", "relu", kernel=3),
        PointwiseConv("c", "c_depthwise", residual="b"),
        Conv("d", "c", "relu", kernel=3, residual="c"),
        MaxPool("e", "d", size=2),
        pool("pool", "e"),
        Linear("classifier", "pool"),
    ]
    shapes = {
        "stem": (4, 3, 3, 3),
        "a_depthwise": (4, 1, 3, 3),
        "a": (3, 4, 1, 1),
        "b_expand": (6, 3, 1, 1),
        "b_depthwise": (6, 1, 5, 5),
        "b": (5, 6, 1, 1),
        "c_expand": (7, 5, 1, 1),
        "c_depthwise": (7, 1, 3, 3),
        "c": (5, 7, 1, 1),
        "d": (5, 5, 3, 3),
        "classifier": (6, 5),
    }
    network = make_network(layers, shapes, rng)
    x = rng.standard_normal((2, 3, 19, 22))
    assert network.scores(x).shape == (2, 6)
    check_gradients(network, x, {"classifier"}, rng, samples=5)
    # As in style transfer: several layers at once, one of them before and one after a residual sum.
    check_gradients(network, x, {"stem", "b", "b_expand", "c", "pool"}, rng, samples=5)
