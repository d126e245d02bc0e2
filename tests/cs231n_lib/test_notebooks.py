from __future__ import annotations

import inspect
import threading
import traceback

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cs231n_lib.notebooks import (
    NotebookError,
    NotebookNotFoundError,
    NotWrittenError,
    from_notebook,
    load_notebook,
    resolving_with,
    set_resolver,
)


def solution(name, source):
    grading = {"solution": True, "grade": False, "grade_id": name, "schema_version": 3}
    return new_code_cell(source, metadata={"nbgrader": grading})


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes a notebook; the current folder is one of two assignments."""
    here = tmp_path / "a2"
    here.mkdir()
    monkeypatch.chdir(here)

    def write(name, *cells, folder="a2"):
        made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        path = tmp_path / folder / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=made), path)
        return path

    return write


SETUP = "import numpy as np\n%matplotlib inline\nnp.ones(3) / harm"
FORWARD = solution(
    "affine_forward",
    'def affine_forward(x, w, b):\n    """Return x w + b."""\n'
    "    ### BEGIN SOLUTION\n    return helper(x) @ w + b, None\n    ### END SOLUTION\n",
)
HELPER = "EPS: float = 0.5\nLIMITS = (1, [2, 3])\n\ndef helper(x):\n    return np.asarray(x) + EPS"
STUB = solution(
    "affine_backward",
    'def affine_backward(dout, cache):\n    """Docs."""\n    dx = None\n'
    '    raise NotImplementedError("Write affine_backward")\n    return dx',
)


def test_functions_with_their_helpers_and_imports(write):
    write("layers", new_markdown_cell("# Title"), SETUP, FORWARD, HELPER, "open('/no/such/file')")
    layers = from_notebook("layers")
    out, _ = layers.affine_forward([[1.0]], [[2.0]], 1.0)
    assert out == [[4.0]]
    assert layers.LIMITS == (1, [2, 3])
    assert dir(layers) == ["affine_forward", "helper"]
    assert "affine_forward" in repr(layers)
    assert layers.affine_forward.__module__ == "layers"


def test_nothing_else_is_run(write, tmp_path):
    write(
        "layers",
        f"open({str(tmp_path / 'harm')!r}, 'w')",
        f"x = open({str(tmp_path / 'harm')!r}, 'w')",
        "if True:\n    def f(): ...",
        "for i in range(10**12):\n    pass",
        FORWARD,
    )
    assert not hasattr(from_notebook("layers"), "f")
    assert not (tmp_path / "harm").exists()


def test_read_anew_at_each_call(write):
    write("layers", solution("f", "def f():\n    return 1"))
    assert from_notebook("layers").f() == 1
    write("layers", solution("f", "def f():\n    return 2"))
    assert from_notebook("layers.ipynb").f() == 2


def test_not_written_yet(write):
    write("layers", SETUP, STUB, FORWARD, HELPER)
    layers = from_notebook("layers")
    with pytest.raises(NotWrittenError) as caught:
        _ = layers.affine_backward
    assert str(caught.value) == (
        "affine_backward in layers.ipynb is not written yet: write it there, save, and run the "
        "cell with from_notebook again"
    )
    assert isinstance(caught.value, NotImplementedError)
    assert callable(layers.affine_forward)


def test_method_not_written_yet(write):
    write(
        "net",
        solution(
            "Net",
            "class Net:\n    def __init__(self):\n        pass\n"
            "    def loss(self, X):\n        raise NotImplementedError",
        ),
    )
    with pytest.raises(NotWrittenError, match=r"Net\.loss in net\.ipynb is not written yet"):
        _ = from_notebook("net").Net


def test_one_that_refuses_some_input_is_written(write):
    code = "def f(x):\n    if x < 0:\n        raise NotImplementedError\n    return x"
    write("net", solution("f", code))
    assert from_notebook("net").f(3) == 3


def test_written_function_that_calls_an_unwritten_one(write):
    write("layers", STUB, solution("both", "def both(d):\n    return affine_backward(d, None)"))
    with pytest.raises(NotImplementedError, match="Write affine_backward"):
        from_notebook("layers").both(1)


def test_syntax_error_in_a_solution_cell(write):
    write("layers", SETUP, FORWARD, HELPER, solution("relu", "def relu(x):\n    return max(0, x"))
    layers = from_notebook("layers")
    assert callable(layers.affine_forward)
    with pytest.raises(NotebookError, match=r"layers\.ipynb \[relu\] has a syntax error in line 2"):
        _ = layers.relu


def test_syntax_error_elsewhere_takes_nothing_down(write):
    write("layers", "def broken(:", SETUP, FORWARD, HELPER)
    assert callable(from_notebook("layers").affine_forward)


def test_definition_that_fails(write):
    write("layers", solution("f", "def f(x, scale=undefined):\n    return x"), FORWARD)
    layers = from_notebook("layers")
    with pytest.raises(NotebookError, match=r"f in layers\.ipynb \[f\] cannot be defined: NameErr"):
        _ = layers.f
    assert callable(layers.affine_forward)


def test_name_that_is_not_there(write):
    write("layers", SETUP, FORWARD, HELPER)
    with pytest.raises(
        AttributeError, match=r"layers\.ipynb defines no 'relu'; it defines affine_"
    ):
        _ = from_notebook("layers").relu


def test_import_that_fails(write):
    write("layers", "import no_such_module", FORWARD)
    with pytest.raises(NotebookError, match=r"an import in layers\.ipynb \[cell 1\] fails: No mod"):
        from_notebook("layers")


def test_solution_cells_win_over_experiments(write):
    write(
        "layers",
        "def f():\n    return 'early experiment'",
        solution("f", "def f():\n    return 'solution'"),
        "def f():\n    return 'late experiment'",
        "f = 3",
    )
    assert from_notebook("layers").f() == "solution"


def test_notebook_that_builds_on_another(write):
    write("layers", SETUP, FORWARD, HELPER, STUB, folder="a1")
    write(
        "net",
        "from cs231n_lib.notebooks import from_notebook\nlayers = from_notebook('layers')",
        "forward = layers.affine_forward\nbackward = layers.affine_backward",
        solution("twice", "def twice(x):\n    return 2 * forward(x, [[1.0]], 0.0)[0]"),
    )
    net = from_notebook("net")
    assert net.twice([[1.0]]) == [[3.0]]
    with pytest.raises(NotWrittenError, match=r"affine_backward in layers\.ipynb"):
        _ = net.backward


def test_cycle(write):
    link = "from cs231n_lib.notebooks import from_notebook\nother = from_notebook('{}')\n"
    write("one", link.format("two"))
    write("two", link.format("one"))
    two = from_notebook("one").other
    with pytest.raises(NotebookError, match=r"one\.ipynb and two\.ipynb import each other"):
        _ = two.other


def test_notebook_that_builds_on_one_that_is_not_there(write):
    write("net", "from cs231n_lib.notebooks import from_notebook\nlayers = from_notebook('layers')")
    with pytest.raises(NotebookNotFoundError, match=r"no notebook layers\.ipynb"):
        from_notebook("net")


def test_where_it_is_looked_for(write):
    write("knn", solution("f", "def f():\n    return 'beside the folder'"), folder="a1")
    assert from_notebook("knn").f() == "beside the folder"
    write("knn", solution("f", "def f():\n    return 'other'"), folder="a3")
    with pytest.raises(
        NotebookError, match=r'knn\.ipynb in a1 and a3: say which, as in .*"a1/knn"'
    ):
        from_notebook("knn")
    assert from_notebook("a3/knn").f() == "other"
    write("knn", solution("f", "def f():\n    return 'here'"))
    assert from_notebook("knn").f() == "here"


def test_not_there(write, tmp_path):
    with pytest.raises(
        NotebookNotFoundError, match=r"no notebook knn\.ipynb in .*work on that one"
    ):
        from_notebook("knn")
    with pytest.raises(FileNotFoundError):
        from_notebook("a1/knn")
    with pytest.raises(NotebookNotFoundError, match="there is no notebook"):
        load_notebook(tmp_path / "x.ipynb")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 3}', '{"cells": [3]}', "\xff"])
def test_files_that_are_no_notebooks(write, content):
    path = write("bad", "")
    path.write_text(content, encoding="latin1")
    with pytest.raises(NotebookError, match="is not a Jupyter notebook"):
        from_notebook("bad")


@pytest.mark.parametrize("name", ["", None, 3])
def test_names_that_are_none(name):
    with pytest.raises(NotebookError, match="takes the name of a notebook"):
        from_notebook(name)


def test_tracebacks_show_the_line(write):
    write("layers", solution("f", "def f(x):\n    y = x + 1\n    return y / 0  # here\n"))
    f = from_notebook("layers").f
    with pytest.raises(ZeroDivisionError) as caught:
        f(1)
    shown = "".join(traceback.format_exception(caught.value))
    assert 'File "layers.ipynb [f]", line 3, in f' in shown
    assert "return y / 0  # here" in shown
    assert inspect.getsource(f).startswith("def f(x):")


def test_future_annotations(write):
    write(
        "layers",
        "from __future__ import annotations",
        solution("f", "def f(x: Undefined) -> Undefined:\n    return x"),
    )
    assert from_notebook("layers").f(1) == 1


def test_dataclasses_and_inheritance(write):
    write(
        "net",
        "from dataclasses import dataclass\n@dataclass\nclass Base:\n    width: int = 3",
        solution("Net", "class Net(Base):\n    def area(self):\n        return self.width**2"),
    )
    assert from_notebook("net").Net(4).area() == 16


def test_resolver(write):
    write("knn", solution("f", "def f():\n    return 'file'"))
    with resolving_with(lambda name: {"resolved": name}):
        assert from_notebook("knn.ipynb") == {"resolved": "knn"}
        seen = []
        thread = threading.Thread(target=lambda: seen.append(from_notebook("knn")))
        thread.start()
        thread.join()
        assert seen == [{"resolved": "knn"}]
    assert from_notebook("knn").f() == "file"
    set_resolver(lambda name: 1)
    try:
        assert from_notebook("knn") == 1
    finally:
        set_resolver(None)
    assert from_notebook("knn").f() == "file"
