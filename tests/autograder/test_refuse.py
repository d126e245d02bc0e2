from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autograder

# `install` changes how this interpreter imports, so each case runs in one of its own, set up as a
# worker is.
START = """
import sys
sys.path.insert(0, {engine!r})
from worker.cells import Cell, run_definitions
from worker.refuse import install
install({refused!r})
namespace = {{"__name__": "__main__"}}
errors = run_definitions([Cell("c", {source!r})], namespace)
for error in errors:
    print("error", error.type, error.message)
try:
    print(namespace["f"]())
except BaseException as error:
    print(type(error).__name__, error)
"""


def run(source: str, refused: tuple[str, ...] = ()) -> str:
    engine = str(Path(autograder.__file__).parent)
    script = START.format(engine=engine, refused=refused, source=textwrap.dedent(source))
    result = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return result.stdout.strip()


def test_a_missing_library_may_be_imported_but_not_used() -> None:
    said = run(
        """
        import no_such_torch as torch
        from no_such_torch.nn import Linear
        def f():
            return torch.nn.functional.softmax(Linear(3), dim=1)
        """
    )
    assert said.startswith("LibraryRefused no_such_torch.nn.Linear is not available when graded")
    assert "NumPy and the standard library, without no_such_torch" in said


@pytest.mark.parametrize(
    "use",
    [
        "t()",
        "t.tensor([1])",
        "t.x + 1",
        "t.x[0]",
        "list(t.x)",
        "3 + t.x",
        "-t.x",
        "t.x < 3",
        "isinstance(3, t.Tensor)",
        "__import__('numpy').asarray(t.x)",
        "t.x and float(t.x)",
        "with_block()",
        "subclass()",
    ],
)
def test_every_use_of_a_missing_library_is_refused(use: str) -> None:
    said = run(
        f"""
        import no_such_torch as t
        def with_block():
            with t.no_grad():
                pass
        def subclass():
            class Net(t.nn.Module):
                pass
        def f():
            return {use}
        """
    )
    assert said.startswith("LibraryRefused ")


def test_a_refused_module_that_is_there_is_refused_too() -> None:
    source = """
    import numpy as np
    from fractions import Fraction
    from json.decoder import JSONDecoder
    def f():
        return (np.ones(2).sum(), JSONDecoder and 1, Fraction(1, 2))
    """
    assert run(source) == "(np.float64(2.0), 1, Fraction(1, 2))"
    said = run(source, refused=("fractions", "json"))
    assert said.startswith("LibraryRefused fractions.Fraction is not available")


def test_a_refused_submodule_leaves_its_package_alone() -> None:
    source = """
    import {}
    def f():
        return xml.{}
    """
    assert run(source.format("xml.dom", "dom.Node.ELEMENT_NODE"), ("xml.etree",)) == "1"
    said = run(
        source.format("xml.etree.ElementTree", "etree.ElementTree.XML('<a/>')"), ("xml.etree",)
    )
    assert said.startswith("LibraryRefused xml.etree.ElementTree.XML")


def test_a_missing_part_of_a_real_package_is_an_ordinary_error() -> None:
    said = run("import numpy.nothing\nimport email.nothing\ndef f(): pass")
    assert said.splitlines()[:2] == [
        "error ModuleNotFoundError No module named 'numpy.nothing'",
        "error ModuleNotFoundError No module named 'email.nothing'",
    ]


def test_plots_do_nothing() -> None:
    said = run(
        """
        import matplotlib.pyplot as plt
        from cs231n_lib.plots import show_images
        plt.rcParams["figure.figsize"] = (10, 8)
        def f():
            fig, ax = plt.subplots()
            ax.plot([1, 2], label="loss")
            for axis in ax:
                axis.set_title("x")
            with plt.style.context("dark"):
                show_images([1])
            plt.show()
            return 7
        """
    )
    assert said == "7"
