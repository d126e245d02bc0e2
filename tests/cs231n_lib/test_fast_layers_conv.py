"""Convolution against loops that spell out the definition, in float64."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from cs231n_lib.fast_layers import (
    _columns,
    _depthwise,
    _threads,
    _winograd,
    conv_backward_fast,
    conv_forward_fast,
)
from cs231n_lib.fast_layers._params import read_conv_param


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def conv_loops(x, w, b, conv_param, dout=None):
    """Return out, or dx, dw and db for dout: one window at a time, pixels outside are zero."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    (sh, sw), (ph, pw) = pair(conv_param.get("stride", 1)), pair(conv_param.get("pad", 0))
    (dh, dw_), groups = pair(conv_param.get("dilation", 1)), conv_param.get("groups", 1)
    (images, _, height, width), (filters, depth, kh, kw) = x.shape, w.shape
    out_h = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_w = (width + 2 * pw - dw_ * (kw - 1) - 1) // sw + 1
    out = np.zeros((images, filters, out_h, out_w))
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(filters)
    for f in range(filters):
        first = f // (filters // groups) * depth
        group = slice(first, first + depth)
        for i in range(out_h):
            for j in range(out_w):
                for k in range(kh):
                    for m in range(kw):
                        row, column = i * sh + k * dh - ph, j * sw + m * dw_ - pw
                        if not (0 <= row < height and 0 <= column < width):
                            continue
                        pixels = x[:, group, row, column]
                        out[:, f, i, j] += pixels @ w[f, :, k, m]
                        if dout is not None:
                            upstream = dout[:, f, i, j].astype(np.float64)
                            dx[:, group, row, column] += upstream[:, None] * w[f, :, k, m]
                            dw[f, :, k, m] += upstream @ pixels
    if dout is not None:
        for f in range(filters):
            db[f] = dout[:, f].astype(np.float64).sum()
        return dx, dw, db
    if b is not None:
        for f in range(filters):
            out[:, f] += b[f]
    return out


def make(rng, x_shape, w_shape, dtype):
    x = rng.standard_normal(x_shape).astype(dtype)
    w = rng.standard_normal(w_shape).astype(dtype)
    b = rng.standard_normal(w_shape[0]).astype(dtype)
    return x, w, b


def assert_near(actual, expected, dtype):
    """Within rounding of the largest value: sums of a few hundred terms of either sign."""
    assert actual.dtype == dtype
    assert actual.shape == expected.shape
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    error = np.abs(actual - expected).max()
    assert error <= tolerance * np.abs(expected).max(), f"off by {error}"


def check(x, w, b, conv_param, rng):
    dtype = x.dtype
    copies = x.copy(), w.copy()
    out, cache = conv_forward_fast(x, w, b, conv_param)
    assert_near(out, conv_loops(x, w, b, conv_param), dtype)
    dout = rng.standard_normal(out.shape).astype(dtype)
    dout_copy = dout.copy()
    gradients = conv_backward_fast(dout, cache)
    for actual, expected in zip(gradients, conv_loops(x, w, b, conv_param, dout), strict=True):
        assert_near(actual, expected, dtype)
    for array, copy in zip((x, w, dout), (*copies, dout_copy), strict=True):
        np.testing.assert_array_equal(array, copy)


def test_loops_by_eye():
    """The oracle on numbers that can be worked out in the head."""
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 0.0], [0.0, 10.0]]]])
    out = conv_loops(x, w, np.array([100.0]), {})
    # Each output is its pixel plus ten times the one down and to the right, plus 100.
    np.testing.assert_array_equal(out, [[[[140, 151], [173, 184]]]])
    dx, dw, db = conv_loops(x, w, None, {}, dout=np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    np.testing.assert_array_equal(dx, [[[[1, 2, 0], [3, 14, 20], [0, 30, 40]]]])
    # dw is the correlation of x with dout: 0 + 2 + 9 + 16, then one pixel to the right, ...
    np.testing.assert_array_equal(dw, [[[[27, 37], [57, 67]]]])
    np.testing.assert_array_equal(db, [10])
    strided = conv_loops(x, w, None, {"stride": 2, "pad": 1})
    np.testing.assert_array_equal(strided, [[[[0, 20], [60, 84]]]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "conv_param"),
    [
        ((3, 3, 7, 6), (4, 3, 3, 3), {"stride": 1, "pad": 1}),
        ((2, 4, 9, 7), (6, 4, 3, 2), {"stride": (2, 3), "pad": (2, 0)}),
        ((2, 4, 9, 8), (6, 4, 3, 3), {"dilation": (2, 3), "pad": 2}),
        ((2, 6, 7, 6), (4, 3, 3, 3), {"groups": 2, "stride": 2, "pad": 1}),
        ((2, 5, 7, 6), (5, 1, 3, 3), {"groups": 5, "pad": 1}),
        ((2, 3, 8, 9), (6, 1, 5, 5), {"groups": 3, "pad": 2, "stride": 2}),
        ((9, 5, 4, 3), (7, 5, 1, 1), {}),
        ((2, 5, 11, 9), (7, 5, 1, 1), {}),
        ((2, 5, 11, 9), (7, 5, 1, 1), {"stride": 2}),
        ((1, 3, 12, 10), (5, 3, 7, 7), {"stride": 2, "pad": 3}),
        ((1, 2, 3, 4), (3, 2, 3, 4), {}),
        ((1, 1, 1, 1), (1, 1, 1, 1), {}),
        ((17, 3, 5, 4), (2, 3, 2, 3), {"pad": (0, 3)}),
    ],
)
def test_image_columns_agree_with_loops(x_shape, w_shape, conv_param, dtype, rng):
    x, w, b = make(rng, x_shape, w_shape, dtype)
    geometry = read_conv_param(x_shape, w_shape, conv_param)
    assert not _winograd.suits(x_shape, geometry, w_shape[0])
    check(x, w, b, conv_param, rng)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x_shape", "filters", "pad"),
    [
        ((9, 12, 8, 8), 12, 1),
        ((3, 5, 9, 7), 7, 1),
        ((2, 4, 8, 10), 6, 0),
        ((2, 6, 7, 8), 4, 2),
        ((2, 4, 7, 9), 6, (0, 2)),
        ((2, 4, 3, 3), 6, (0, 1)),
        ((1, 3, 21, 20), 2, 1),
        ((1, 1, 4, 4), 1, 1),
        ((33, 70, 2, 2), 3, 1),
    ],
)
def test_minimal_filtering_agrees_with_loops(x_shape, filters, pad, dtype, rng, monkeypatch):
    monkeypatch.setattr(_winograd, "MIN_CHANNELS", 1)
    monkeypatch.setattr(_winograd, "MIN_PIXELS", 0)
    monkeypatch.setattr(_winograd, "MAX_WASTE", 4)
    w_shape = (filters, x_shape[1], 3, 3)
    x, w, b = make(rng, x_shape, w_shape, dtype)
    conv_param = {"stride": 1, "pad": pad}
    assert _winograd.suits(x_shape, read_conv_param(x_shape, w_shape, conv_param), filters)
    check(x, w, b, conv_param, rng)


def test_small_blocks_agree_with_loops(rng, monkeypatch):
    """Images cut into strips of rows, of which the last is shorter, and several blocks a lane."""
    monkeypatch.setattr(_winograd, "PLANE_BYTES", 3 * 7 * 17 * 8)
    monkeypatch.setattr(_winograd, "FILTER_BYTES", 5_000)
    monkeypatch.setattr(_winograd, "MIN_SHARE", 5)
    monkeypatch.setattr(_winograd, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(_columns, "COLUMN_BYTES", 2_000)
    monkeypatch.setattr(_columns, "MIN_PIXELS", 1)
    monkeypatch.setattr(_depthwise, "BLOCK_BYTES", 2_000)
    check(*make(rng, (11, 17, 15, 13), (16, 17, 3, 3), np.float64), {"pad": 1}, rng)
    check(*make(rng, (3, 4, 15, 13), (6, 4, 3, 3), np.float64), {"pad": 1, "stride": 2}, rng)
    check(*make(rng, (3, 4, 15, 13), (6, 4, 1, 1), np.float64), {}, rng)
    check(*make(rng, (3, 6, 15, 13), (4, 3, 3, 3), np.float64), {"pad": 1, "groups": 2}, rng)
    check(*make(rng, (3, 5, 15, 13), (10, 1, 3, 3), np.float64), {"pad": 1, "groups": 5}, rng)


@pytest.mark.parametrize("channels", [3, 64, 128])
def test_float32_is_as_accurate_as_its_rounding(channels, rng):
    """At the sizes of a network: error relative to the spread of the sums."""
    x, w, b = make(rng, (8, channels, 16, 16), (64, channels, 3, 3), np.float32)
    exact = [array.astype(np.float64) for array in (x, w, b)]
    out, cache = conv_forward_fast(x, w, b, {"pad": 1})
    exact_out, exact_cache = conv_forward_fast(*exact, {"pad": 1})
    dout = rng.standard_normal(out.shape).astype(np.float32)
    actual = (out, *conv_backward_fast(dout, cache))
    expected = (exact_out, *conv_backward_fast(dout.astype(np.float64), exact_cache))
    for a, e in zip(actual, expected, strict=True):
        assert np.abs(a - e).max() < 3e-6 * e.std()


def test_no_bias(rng):
    x, w, b = make(rng, (2, 3, 5, 4), (4, 3, 3, 3), np.float64)
    out, cache = conv_forward_fast(x, w, None, {"pad": 1})
    biased, _ = conv_forward_fast(x, w, b, {"pad": 1})
    np.testing.assert_allclose(out + b[:, None, None], biased, rtol=1e-12)
    assert conv_backward_fast(np.ones_like(out), cache)[2] is None


def test_dtypes_mix_to_float64(rng):
    x, w, b = make(rng, (2, 3, 5, 4), (4, 3, 3, 3), np.float32)
    out, cache = conv_forward_fast(x, w.astype(np.float64), b, {})
    assert out.dtype == np.float64
    assert all(g.dtype == np.float64 for g in conv_backward_fast(out.astype(np.float32), cache))


def test_any_memory_layout(rng):
    """Transposed and strided arrays, as channels-last pictures and slices of batches are."""
    x, w, b = make(rng, (8, 16, 9, 8), (16, 16, 3, 3), np.float64)
    out, cache = conv_forward_fast(x, w, b, {"pad": 1})
    expected = conv_backward_fast(out, cache)
    wide = np.zeros((16, 16, 9, 8))
    wide[::2] = x
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for same in (wide[::2], last):
        out_same, cache = conv_forward_fast(same, np.asfortranarray(w), b, {"pad": 1})
        np.testing.assert_array_equal(out_same, out)
        for a, e in zip(conv_backward_fast(np.asfortranarray(out), cache), expected, strict=True):
            np.testing.assert_array_equal(a, e)


def test_no_images(rng):
    for channels in (3, 16):
        x, w, b = make(rng, (0, channels, 5, 4), (16, channels, 3, 3), np.float32)
        out, cache = conv_forward_fast(x, w, b, {"pad": 1})
        assert out.shape == (0, 16, 5, 4)
        dx, dw, db = conv_backward_fast(out, cache)
        assert dx.shape == x.shape
        assert not dw.any()
        assert not db.any()


@pytest.mark.parametrize("threads", [1, 3, 8])
@pytest.mark.parametrize("channels", [3, 32])
def test_same_bits_for_any_number_of_threads(channels, threads, rng, monkeypatch):
    x, w, b = make(rng, (33, channels, 16, 16), (32, channels, 3, 3), np.float32)

    def run():
        out, cache = conv_forward_fast(x, w, b, {"pad": 1})
        return out, *conv_backward_fast(out, cache)

    expected = run()
    monkeypatch.setattr(_threads, "available_threads", lambda: threads)
    for _ in range(3):
        for a, e in zip(run(), expected, strict=True):
            np.testing.assert_array_equal(a, e)


SHAPES = [
    ((64, 3, 32, 32), 32),
    ((64, 32, 32, 32), 32),
    ((64, 64, 16, 16), 64),
    ((64, 128, 8, 8), 128),
    ((64, 64, 32, 32), 64),
    # Few images, and small ones with large filters.
    ((1, 64, 56, 56), 64),
    ((64, 256, 4, 4), 256),
]


@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize(("x_shape", "filters"), SHAPES)
def test_memory_is_at_most_three_times_input_and_output(
    x_shape, filters, threads, rng, monkeypatch
):
    monkeypatch.setattr(_threads, "available_threads", lambda: threads)
    x, w, b = make(rng, x_shape, (filters, x_shape[1], 3, 3), np.float32)
    dout = np.ones((x_shape[0], filters, *x_shape[2:]), np.float32)
    inputs = x.nbytes + w.nbytes + b.nbytes

    def peak(f, *args):
        tracemalloc.start()
        try:
            result = f(*args)
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (out, cache), allocated = peak(conv_forward_fast, x, w, b, {"pad": 1})
    assert inputs + allocated <= 3 * (inputs + out.nbytes)
    _, allocated = peak(conv_backward_fast, dout, cache)
    assert inputs + dout.nbytes + allocated <= 3 * (2 * inputs + dout.nbytes)


X, W, B = np.zeros((2, 4, 5, 5)), np.zeros((6, 4, 3, 3)), np.zeros(6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], W, B, {}), TypeError, "x must be a NumPy array, not list"),
        ((X.astype(int), W, B, {}), ValueError, "x must be float32 or float64, not int64"),
        ((X[0], W, B, {}), ValueError, r"x must have shape \(N, C, H, W\), not \(4, 5, 5\)"),
        ((X, W[0], B, {}), ValueError, r"w must have shape \(F, C / groups, HH, WW\)"),
        ((X, W[:, :3], B, {}), ValueError, r"w must have shape \(F, 4, HH, WW\) for x of 4 chan"),
        ((X, W, B[:5], {}), ValueError, r"b must have shape \(6,\), one per filter, not \(5,\)"),
        ((X, W, B, None), TypeError, "conv_param must be a dictionary, not NoneType"),
        ((X, W, B, {"padding": 1}), ValueError, "conv_param knows stride, pad, .* not padding"),
        ((X, W, B, {"stride": 0}), ValueError, r"conv_param\['stride'\] must be an integer of at"),
        ((X, W, B, {"stride": 1.5}), ValueError, "not 1.5"),
        (
            (X, W, B, {"pad": -1}),
            ValueError,
            r"conv_param\['pad'\] must be an integer of at least 0",
        ),
        ((X, W, B, {"pad": (1, 2, 3)}), ValueError, "pair"),
        ((X, W, B, {"pad": True}), ValueError, "not True"),
        ((X, W, B, {"dilation": 3}), ValueError, "a filter of 7x7 pixels does not fit .* of 5x5"),
        ((X, W, B, {"groups": 3}), ValueError, "groups.* is 3, which does not divide both the 4"),
        ((X, W, B, {"groups": 2}), ValueError, r"\(F, 2, HH, WW\) for x of 4 channels in 2 groups"),
        ((X, W, B, {"groups": "all"}), ValueError, "integer of at least 1, not 'all'"),
        ((X, W[:, :, :0], B, {}), ValueError, "must not be empty"),
    ],
)
def test_bad_input_is_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        conv_forward_fast(*arguments)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


def test_bad_backward_input():
    out, cache = conv_forward_fast(X, W, B, {})
    with pytest.raises(ValueError, match=r"dout must have the shape of the output, \(2, 6, 3, 3\)"):
        conv_backward_fast(out[:1], cache)
    with pytest.raises(TypeError, match="dout must be a NumPy array"):
        conv_backward_fast(None, cache)
    with pytest.raises(TypeError, match="cache must be what conv_forward_fast returned, not tuple"):
        conv_backward_fast(out, (X, W, B, {}))
