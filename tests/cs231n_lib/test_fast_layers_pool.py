"""Pooling against loops over windows, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from cs231n_lib.fast_layers import (
    _threads,
    avg_pool_backward_fast,
    avg_pool_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)

FORWARD = {"max": max_pool_forward_fast, "avg": avg_pool_forward_fast}
BACKWARD = {"max": max_pool_backward_fast, "avg": avg_pool_backward_fast}


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def pool_loops(kind, x, pool_param, dout):
    """Return out and dx, window by window; the first of equal pixels is the largest."""
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    (sh, sw), (ph, pw) = pair(pool_param["stride"]), pair(pool_param.get("pad", 0))
    out, dx = np.zeros(dout.shape), np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        window = [(i * sh + k - ph, j * sw + m - pw) for k in range(height) for m in range(width)]
        inside = [(r, s) for r, s in window if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]]
        if kind == "max":
            best = max(inside, key=lambda at: x[n, c, at[0], at[1]])
            out[n, c, i, j] = x[n, c, best[0], best[1]]
            dx[n, c, best[0], best[1]] += dout[n, c, i, j]
        else:
            for r, s in inside:
                out[n, c, i, j] += x[n, c, r, s] / (height * width)
                dx[n, c, r, s] += dout[n, c, i, j] / (height * width)
    return out, dx


def test_loops_by_eye():
    x = np.array([[[[1.0, 5.0, 2.0], [3.0, 4.0, 9.0]]]])
    param = {"pool_height": 2, "pool_width": 2, "stride": 1}
    dout = np.array([[[[10.0, 20.0]]]])
    out, dx = pool_loops("max", x, param, dout)
    np.testing.assert_array_equal(out, [[[[5, 9]]]])
    np.testing.assert_array_equal(dx, [[[[0, 10, 0], [0, 0, 20]]]])
    out, dx = pool_loops("avg", x, param, dout)
    np.testing.assert_array_equal(out, [[[[3.25, 5]]]])
    np.testing.assert_array_equal(dx, [[[[2.5, 7.5, 5], [2.5, 7.5, 5]]]])


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "window", "stride", "pad"),
    [
        ((3, 4, 8, 6), (2, 2), 2, 0),
        ((3, 5, 9, 7), (2, 3), 2, 0),
        ((2, 3, 9, 7), (3, 3), 2, 1),
        ((2, 3, 7, 8), (3, 2), 1, (1, 0)),
        ((2, 3, 7, 11), (2, 3), (3, 4), 0),
        ((1, 2, 5, 4), (5, 4), 1, 0),
        ((1, 1, 1, 1), (1, 1), 1, 0),
        ((40, 3, 6, 6), (2, 2), 2, 0),
    ],
)
def test_agrees_with_loops(kind, shape, window, stride, pad, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    copy = x.copy()
    param = {"pool_height": window[0], "pool_width": window[1], "stride": stride, "pad": pad}
    out, cache = FORWARD[kind](x, param)
    dout = rng.standard_normal(out.shape).astype(dtype)
    dx = BACKWARD[kind](dout, cache)
    expected_out, expected_dx = pool_loops(kind, x, param, dout)
    assert out.dtype == dx.dtype == dtype
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(out, expected_out, rtol=0, atol=tolerance)
    np.testing.assert_allclose(dx, expected_dx, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(x, copy)


def test_equal_pixels_share_nothing(rng):
    """A window of equal pixels passes its whole gradient to the first, as after a ReLU."""
    x = np.maximum(rng.integers(-3, 3, (3, 4, 9, 8)), 0).astype(np.float64)
    param = {"pool_height": 3, "pool_width": 2, "stride": 2}
    out, cache = max_pool_forward_fast(x, param)
    dout = rng.standard_normal(out.shape)
    np.testing.assert_allclose(
        max_pool_backward_fast(dout, cache), pool_loops("max", x, param, dout)[1], atol=1e-14
    )


def test_padding_is_never_the_largest():
    x = np.full((1, 1, 2, 2), -5.0)
    param = {"pool_height": 2, "pool_width": 2, "stride": 2, "pad": 1}
    out, cache = max_pool_forward_fast(x, param)
    np.testing.assert_array_equal(out, np.full((1, 1, 2, 2), -5))
    np.testing.assert_array_equal(max_pool_backward_fast(out, cache), x)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_same_bits_for_any_number_of_threads(kind, rng, monkeypatch):
    x = rng.standard_normal((33, 16, 16, 16)).astype(np.float32)
    param = {"pool_height": 3, "pool_width": 3, "stride": 2, "pad": 1}
    out, cache = FORWARD[kind](x, param)
    dx = BACKWARD[kind](out, cache)
    for threads in (1, 5):
        monkeypatch.setattr(_threads, "available_threads", lambda threads=threads: threads)
        again, cache = FORWARD[kind](x, param)
        np.testing.assert_array_equal(again, out)
        np.testing.assert_array_equal(BACKWARD[kind](out, cache), dx)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_no_images_and_other_layouts(kind, rng):
    param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    out, cache = FORWARD[kind](np.zeros((0, 3, 4, 4)), param)
    assert out.shape == (0, 3, 2, 2)
    assert BACKWARD[kind](out, cache).shape == (0, 3, 4, 4)
    x = rng.standard_normal((2, 3, 6, 4))
    out, cache = FORWARD[kind](x, param)
    other, other_cache = FORWARD[kind](np.asfortranarray(x), param)
    np.testing.assert_array_equal(other, out)
    dx = BACKWARD[kind](np.asfortranarray(out), other_cache)
    np.testing.assert_array_equal(dx, BACKWARD[kind](out, cache))


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"pool_height": None},
            ValueError,
            r"pool_param\['pool_height'\] must be an integer of at",
        ),
        ({"pool_width": 0}, ValueError, r"pool_param\['pool_width'\] .* not 0"),
        ({"stride": None}, ValueError, r"pool_param\['stride'\] must be"),
        ({"pad": 2}, ValueError, "at most half the window of 2x2 pixels, not 2"),
        (
            {"pool_height": 9},
            ValueError,
            "a window of 9x2 pixels does not fit into an image of 4x4",
        ),
        ({"size": 2}, ValueError, "pool_param knows pool_height, .* not size"),
    ],
)
def test_bad_input_is_one_sentence(kind, change, error, message):
    param = {"pool_height": 2, "pool_width": 2, "stride": 2} | change
    with pytest.raises(error, match=message) as caught:
        FORWARD[kind](np.zeros((1, 1, 4, 4)), param)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_bad_arrays(kind):
    param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    with pytest.raises(ValueError, match="x must be float32 or float64, not uint8"):
        FORWARD[kind](np.zeros((1, 1, 4, 4), np.uint8), param)
    with pytest.raises(TypeError, match="pool_param must be a dictionary, not int"):
        FORWARD[kind](np.zeros((1, 1, 4, 4)), 2)
    out, cache = FORWARD[kind](np.zeros((1, 1, 4, 4)), param)
    with pytest.raises(ValueError, match="dout must have the shape of the output"):
        BACKWARD[kind](out[..., :1], cache)
    other = "avg" if kind == "max" else "max"
    with pytest.raises(TypeError, match=f"cache must be what {other}_pool_forward_fast returned"):
        BACKWARD[other](out, cache)
