"""What a user of a network can rely on, on small random ones."""

from __future__ import annotations

import numpy as np
import pytest

from cs231n_lib.zoo import (
    Conv,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Network,
    PointwiseConv,
    Preprocessing,
)

LAYERS = [
    Conv("conv1", "input", "relu", kernel=3),
    MaxPool("pool1", "conv1"),
    Conv("inner", "pool1", "relu", kernel=3),
    PointwiseConv("block", "inner", "relu", residual="pool1"),
    GlobalAveragePool("pool", "block"),
    Linear("classifier", "pool"),
]
SHAPES = {"conv1": (8, 3, 3, 3), "inner": (6, 8, 3, 3), "block": (8, 6, 1, 1), "classifier": (4, 8)}


@pytest.fixture
def network(rng):
    params = {}
    for name, shape in SHAPES.items():
        scale = np.sqrt(2 / np.prod(shape[1:]))
        params[f"{name}.weight"] = (scale * rng.standard_normal(shape)).astype(np.float32)
        params[f"{name}.bias"] = rng.standard_normal(shape[0]).astype(np.float32)
    preprocessing = Preprocessing(16, 0.5, (127.0, 120.0, 110.0), (60.0, 64.0, 128.0))
    return Network("small", LAYERS, params, preprocessing, ("cat", "dog", "frog", "ship"))


@pytest.fixture
def x(rng):
    return rng.standard_normal((5, 3, 12, 10)).astype(np.float32)


def test_outputs_have_the_shapes_and_the_precision_that_users_expect(network, x):
    found = network.activations(x, network.layer_names)
    assert {name: out.shape for name, out in found.items()} == {
        "conv1": (5, 8, 12, 10),
        "pool1": (5, 8, 6, 5),
        "inner": (5, 6, 6, 5),
        "block": (5, 8, 6, 5),
        "pool": (5, 8),
        "classifier": (5, 4),
    }
    assert all(out.dtype == np.float32 and out.flags.c_contiguous for out in found.values())


def test_a_record_has_what_activations_returns(network, x):
    record = network.record(x)
    for name, out in network.activations(x, network.layer_names).items():
        np.testing.assert_array_equal(record[name], out)


def test_an_image_has_the_same_scores_in_any_company(network, x):
    together = network.scores(np.concatenate([x] * 7))
    for i in range(5):
        np.testing.assert_allclose(together[i::5][0], network.scores(x[i : i + 1])[0], rtol=1e-5)


def test_images_may_be_views_and_are_not_changed(network, x):
    expected = network.scores(x)
    view = np.asfortranarray(x)
    before = x.copy()
    np.testing.assert_array_equal(network.scores(view), expected)
    network.record(x).backward({"conv1": np.ones((5, 8, 12, 10), np.float32)})
    np.testing.assert_array_equal(x, before)


def test_results_are_the_users_own(network, x):
    record = network.record(x)
    record["pool"][:] = 0
    record["block"][:] = 0
    np.testing.assert_array_equal(record["classifier"], network.scores(x))
    assert record["pool"].any()


def test_gradients_add_up_over_the_layers_they_are_given_for(network, x, rng):
    record = network.record(x)
    douts = {
        name: rng.standard_normal(record[name].shape).astype(np.float32)
        for name in ("conv1", "block", "classifier")
    }
    both = record.backward(douts, parameters=["conv1.weight"])
    parts = [record.backward({n: d}, parameters=["conv1.weight"]) for n, d in douts.items()]
    np.testing.assert_allclose(both.input, sum(p.input for p in parts), atol=1e-4)
    np.testing.assert_allclose(
        both.parameters["conv1.weight"],
        sum(p.parameters["conv1.weight"] for p in parts),
        rtol=1e-4,
        atol=1e-3,
    )


def test_backward_can_be_repeated(network, x):
    record = network.record(x)
    dout = np.ones((5, 4), np.float32)
    first = record.backward({"classifier": dout}).input
    np.testing.assert_array_equal(record.backward({"classifier": dout}).input, first)
    assert (dout == 1).all()


def test_only_what_is_asked_for_is_returned(network, x):
    record = network.record(x)
    dout = np.ones((5, 4), np.float32)
    found = record.backward({"classifier": dout}, parameters=["block.bias"], to_input=False)
    assert found.input is None
    assert set(found.parameters) == {"block.bias"}
    everything = record.backward({"classifier": dout}, parameters=network.params)
    np.testing.assert_array_equal(
        found.parameters["block.bias"], everything.parameters["block.bias"]
    )
    assert {n: g.shape for n, g in everything.parameters.items()} == {
        n: p.shape for n, p in network.params.items()
    }


def test_parameters_above_the_given_layers_have_gradient_0(network, x):
    record = network.record(x)
    dout = np.ones(record["conv1"].shape, np.float32)
    found = record.backward({"conv1": dout}, parameters=["classifier.weight", "conv1.bias"])
    np.testing.assert_array_equal(found.parameters["classifier.weight"], np.zeros((4, 8)))
    assert found.parameters["conv1.bias"].any()


def test_a_record_ends_where_it_was_told_to(network, x):
    record = network.record(x, upto="pool1")
    np.testing.assert_array_equal(record["pool1"], network.record(x)["pool1"])
    with pytest.raises(ValueError, match=r"the record ends at pool1, before block"):
        record["block"]
    with pytest.raises(ValueError, match=r"ends at pool1, before classifier"):
        record.backward({"classifier": np.ones((5, 4), np.float32)})


def test_fine_tuning_lowers_the_loss(network, x):
    tuned = network.copy()
    # A new task with three classes, as in transfer learning.
    tuned.params["classifier.weight"] = np.zeros((3, 8), np.float32)
    tuned.params["classifier.bias"] = np.zeros(3, np.float32)
    labels = np.array([0, 1, 2, 0, 1])
    losses = []
    for _ in range(40):
        record = tuned.record(x)
        scores = record["classifier"]
        probs = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        losses.append(-np.log(probs[np.arange(5), labels]).mean())
        probs[np.arange(5), labels] -= 1
        found = record.backward({"classifier": probs / 5}, parameters=tuned.params, to_input=False)
        for name, gradient in found.parameters.items():
            tuned.params[name] -= 0.1 * gradient
    assert losses[0] == pytest.approx(np.log(3), rel=1e-5)
    assert losses[-1] < 0.85 * losses[0]
    assert network.scores(x).shape == (5, 4)
    assert not np.array_equal(network.params["conv1.weight"], tuned.params["conv1.weight"])


def test_classify_sorts_by_probability(network, rng):
    photographs = rng.integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)
    first, second = network.classify(photographs, k=3)
    assert len(first) == len(second) == 3
    assert first[0].probability >= first[1].probability >= first[2].probability
    scores = network.scores(network.preprocess(photographs))
    assert second[0].name == network.class_names[scores[1].argmax()]
    everything = network.classify(photographs[0], k=4)[0]
    assert sum(p.probability for p in everything) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n, x: n.activations(x, ["conv9"]), ValueError,
         "small has no layer 'conv9', expected one of conv1, pool1,"),
        (lambda n, x: n.activations(x, []), ValueError, "at least one layer, got none"),
        (lambda n, x: n.scores(x[0]), ValueError,
         r"expected images of shape \(N, 3, H, W\), got \(3, 12, 10\)"),
        (lambda n, x: n.scores(x.transpose(0, 2, 3, 1)), ValueError, r"got \(5, 12, 10, 3\)"),
        (lambda n, x: n.scores(x[:0]), ValueError, r"got \(0, 3, 12, 10\)"),
        (lambda n, x: n.scores(np.zeros((1, 3, 8, 8), np.uint8)), TypeError,
         "as preprocess returns them, float32, got an array of uint8"),
        (lambda n, x: n.scores([[1.0]]), TypeError, "got list"),
        (lambda n, x: n.record(x).backward({}), ValueError, "one layer's output, got none"),
        (lambda n, x: n.record(x).backward({"pool": np.ones((5, 7))}), ValueError,
         r"gradient of pool in the shape of its output, \(5, 8\), got \(5, 7\)"),
        (lambda n, x: n.record(x).backward({"p": np.ones((5, 7))}), ValueError, "no layer 'p'"),
        (lambda n, x: n.record(x).backward({"pool": np.ones((5, 8))}, parameters=["pool.weight"]),
         ValueError, "small has no parameter 'pool.weight'"),
        (lambda n, x: n.preprocess(np.zeros((3, 8, 8))), ValueError,
         r"photographs of shape \(H, W, 3\) or \(N, H, W, 3\), got \(3, 8, 8\)"),
        (lambda n, x: n.deprocess(x[0]), ValueError, r"\(N, 3, H, W\), got \(3, 12, 10\)"),
        (lambda n, x: Network("n", LAYERS, {}, n.preprocessing, ()), ValueError,
         "block.bias is missing"),
        (lambda n, x: Network("n", LAYERS, n.params | {"extra": x}, n.preprocessing, ()),
         ValueError, "extra is not one of theirs"),
    ],
)  # fmt: skip
def test_bad_input_is_named(network, x, call, error, message):
    with pytest.raises(error, match=message):
        call(network, x)


def test_preprocessing_and_back(network, rng):
    photograph = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
    x = network.preprocess(photograph, size=(12, 10))
    assert x.shape == (1, 3, 12, 10)
    assert x.dtype == np.float32
    assert x[0, 2, 4, 5] == pytest.approx((photograph[4, 5, 2] - 110) / 128)
    np.testing.assert_array_equal(network.deprocess(x), photograph[None])
    black, white = network.preprocessing.bounds()
    assert (network.deprocess(np.broadcast_to(black, (1, 3, 2, 2))) == 0).all()
    assert (network.deprocess(np.broadcast_to(white, (1, 3, 2, 2))) == 255).all()
    assert (network.deprocess(np.broadcast_to(white + 1, (1, 3, 2, 2))) == 255).all()


def test_the_standard_preprocessing_takes_the_centre(network):
    photograph = np.zeros((64, 96, 3), np.uint8)
    photograph[16:48, 32:64] = 200  # the central half of the largest square
    x = network.preprocess(photograph)
    assert x.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(x[0, 0, 3:-3, 3:-3], (200 - 127) / 60, rtol=1e-5)
    assert (network.deprocess(x)[0, 2:-2, 2:-2] == 200).all()
