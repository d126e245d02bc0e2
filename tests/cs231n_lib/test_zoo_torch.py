"""The real networks against PyTorch, which computes the same layers in the benchmark."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from cs231n_lib import zoo

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[1] / "benchmarks" / "zoo.py"
    spec = importlib.util.spec_from_file_location("zoo_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("efficientnet_lite0", (1, 3, 96, 96)),
        ("efficientnet_lite0", (2, 3, 33, 50)),
        ("cifar_resnet", (3, 3, 32, 32)),
        ("cifar_resnet", (2, 3, 40, 56)),
    ],
)
def test_scores_and_gradients(benchmark, name, shape, rng):
    network = getattr(zoo, name)()
    torch.set_num_threads(1)
    # In float64 no unit falls on different sides of a kink.
    network.params = {n: p.astype(np.float64) for n, p in network.params.items()}
    x = rng.standard_normal(shape)
    peer = benchmark.TorchNetwork(network, torch.contiguous_format)
    for parameter in peer.params.values():
        parameter.requires_grad_(True)
    images = torch.tensor(x, requires_grad=True)
    scores = peer.scores(images)
    dscores = rng.standard_normal(tuple(scores.shape))
    scores.backward(torch.tensor(dscores))

    record = network.record(x)
    last = network.layer_names[-1]
    np.testing.assert_allclose(record[last], scores.detach().numpy(), rtol=1e-9, atol=1e-10)
    found = record.backward({last: dscores}, parameters=network.params)
    assert found.input is not None
    scale = np.abs(found.input).max()
    np.testing.assert_allclose(found.input, images.grad.numpy(), atol=1e-9 * scale)
    for parameter, gradient in found.parameters.items():
        expected = peer.params[parameter].grad.numpy()
        np.testing.assert_allclose(gradient, expected, atol=1e-9 * np.abs(expected).max())
