"""All layers against torch, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from cs231n_lib.fast_layers import (
    avg_pool_backward_fast,
    avg_pool_forward_fast,
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
    spatial_batchnorm_backward_fast,
    spatial_batchnorm_forward_fast,
)

torch = pytest.importorskip("torch")


def agree(actual, expected, tolerance):
    expected = expected.detach().numpy()
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * max(1e-3, np.abs(expected).max())


def gradients(out, inputs, dout):
    return torch.autograd.grad(out, inputs, torch.from_numpy(dout))


@pytest.mark.parametrize("seed", range(120))
def test_convolution(seed):
    """Shapes and parameters drawn at random, half of them such as minimal filtering takes."""
    rng = np.random.default_rng(seed)
    dtype, tolerance = [(np.float32, 5e-6), (np.float64, 1e-13)][seed % 2]
    images, (height, width) = int(rng.integers(1, 20)), map(int, rng.integers(3, 24, 2))
    if seed % 4 < 2:
        groups, kernel, stride, dilation = 1, (3, 3), (1, 1), (1, 1)
        channels, filters = map(int, rng.integers(16, 40, 2))
        pad = tuple(map(int, rng.integers(0, 3, 2)))
    else:
        groups = int(rng.integers(1, 4))
        channels, filters = (groups * int(n) for n in rng.integers(1, 7, 2))
        kernel, stride = (tuple(map(int, rng.integers(1, 4, 2))) for _ in range(2))
        dilation, pad = ((1, 1), (3, 1)) if seed % 8 < 5 else ((2, 3), (3, 4))
    x = rng.standard_normal((images, channels, height, width)).astype(dtype)
    w = rng.standard_normal((filters, channels // groups, *kernel)).astype(dtype)
    b = rng.standard_normal(filters).astype(dtype)
    param = {"stride": stride, "pad": pad, "dilation": dilation, "groups": groups}
    out, cache = conv_forward_fast(x, w, b, param)
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
    expected = torch.conv2d(*tensors, stride=stride, padding=pad, dilation=dilation, groups=groups)
    agree(out, expected, tolerance)
    dout = rng.standard_normal(out.shape).astype(dtype)
    for actual, wanted in zip(
        conv_backward_fast(dout, cache), gradients(expected, tensors, dout), strict=True
    ):
        agree(actual, wanted, tolerance)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    ("window", "stride", "pad"),
    [((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 1), (1, 1)), ((4, 5), (3, 2), (2, 1))],
)
def test_pooling(kind, window, stride, pad):
    """With many equal pixels, so that the choice among them is compared too."""
    rng = np.random.default_rng(3)
    x = np.maximum(rng.integers(-4, 4, (3, 5, 13, 11)), 0).astype(np.float32)
    forward, backward = {
        "max": (max_pool_forward_fast, max_pool_backward_fast),
        "avg": (avg_pool_forward_fast, avg_pool_backward_fast),
    }[kind]
    param = {"pool_height": window[0], "pool_width": window[1], "stride": stride, "pad": pad}
    out, cache = forward(x, param)
    tensor = torch.from_numpy(x).requires_grad_()
    pool = {"max": torch.max_pool2d, "avg": torch.nn.functional.avg_pool2d}[kind]
    expected = pool(tensor, window, stride, pad)
    agree(out, expected, 1e-6)
    dout = rng.standard_normal(out.shape).astype(np.float32)
    agree(backward(dout, cache), gradients(expected, [tensor], dout)[0], 1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalisation(training):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((6, 5, 7, 8)) + 2
    gamma, beta, mean = rng.standard_normal((3, 5))
    var = rng.random(5) + 0.5
    bn_param = {
        "mode": "train" if training else "test",
        "running_mean": mean.copy(),
        "running_var": var.copy(),
    }
    out, cache = spatial_batchnorm_forward_fast(x, gamma, beta, bn_param)
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, gamma, beta)]
    expected = torch.nn.functional.batch_norm(
        tensors[0], torch.from_numpy(mean), torch.from_numpy(var), *tensors[1:], training=training
    )
    agree(out, expected, 1e-12)
    dout = rng.standard_normal(out.shape)
    for actual, wanted in zip(
        spatial_batchnorm_backward_fast(dout, cache),
        gradients(expected, tensors, dout),
        strict=True,
    ):
        agree(actual, wanted, 1e-12)
    if training:
        # torch has changed its own arrays meanwhile; it keeps a tenth of the new mean, as we do.
        np.testing.assert_allclose(bn_param["running_mean"], mean, rtol=1e-12)
