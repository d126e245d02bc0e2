"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import autograder

MODULES = sorted(info.name for info in pkgutil.walk_packages(autograder.__path__, "autograder."))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0, f"{results.failed} of {results.attempted} examples in {name} fail"


def test_every_module_says_what_it_is_for_and_what_it_offers() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__doc__, name
        if name != "autograder.worker":
            assert all(hasattr(module, public) for public in module.__all__), name
