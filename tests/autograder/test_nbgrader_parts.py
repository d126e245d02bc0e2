from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest

from autograder.nbgrader_parts import NamedStubs, clear_solutions

REGION = """\
def f(x):
    \"\"\"Double it.\"\"\"
    ### BEGIN SOLUTION
    y = x * 2
    return y
    ### END SOLUTION"""


def cleared(*cells: Any) -> list[str]:
    """Return the sources after nbgrader's preprocessor went over a notebook of these cells."""
    notebook = nbformat.v4.new_notebook(cells=[copy.deepcopy(cell) for cell in cells])
    notebook, _ = NamedStubs().preprocess(notebook, {})
    return [cell.source for cell in notebook.cells]


def code(source: str, grade_id: str | None = "f", **grader: Any) -> Any:
    cell = nbformat.v4.new_code_cell(source)
    if grade_id is not None:
        fields = {"grade_id": grade_id, "solution": True, "grade": False, "locked": False}
        cell.metadata["nbgrader"] = {**fields, "schema_version": 3, "task": False, **grader}
    return cell


def answer(source: str) -> Any:
    cell = nbformat.v4.new_markdown_cell(source)
    cell.metadata["nbgrader"] = {
        "grade_id": "why",
        "solution": True,
        "grade": True,
        "locked": False,
        "points": 2,
        "schema_version": 3,
        "task": False,
    }
    return cell


def test_a_stub_names_what_is_to_be_written() -> None:
    assert clear_solutions(REGION, "f") == (
        'def f(x):\n    """Double it."""\n    raise NotImplementedError("f is not written yet")'
    )


def test_every_region_of_a_class_names_its_method() -> None:
    source = """\
class Net:
    def __init__(self, n):
        ### BEGIN SOLUTION
        self.n = n
        ### END SOLUTION

    def loss(self, X):
        if X is None:
            return 0
        ### BEGIN SOLUTION
        def helper():
            return 1
        return helper()
        ### END SOLUTION
        return 3"""
    stub = clear_solutions(source, "Net")
    assert 'raise NotImplementedError("Net.__init__ is not written yet")' in stub
    assert 'raise NotImplementedError("Net.loss is not written yet")' in stub
    assert "helper" not in stub
    assert "self.n = n" not in stub
    assert stub.endswith("        return 3")
    compile(stub, "stub", "exec")


def test_a_text_without_a_region_is_left_alone() -> None:
    assert clear_solutions("x = 1\n\ny = 2", "f") == "x = 1\n\ny = 2"


def test_nbgrader_gives_code_its_named_stub_and_answers_their_own() -> None:
    stub, text = cleared(code(REGION), answer("Because it is so."))
    assert stub == clear_solutions(REGION, "f")
    assert text == "YOUR ANSWER HERE"


def test_a_solution_without_marks_is_cleared_whole_as_nbgrader_does() -> None:
    (stub,) = cleared(code("def f(x):\n    return 2 * x"))
    assert "return 2 * x" not in stub


def test_a_written_stub_beside_a_solution_hides_nothing() -> None:
    # A cell that mentions a stub, but has no region: nothing of it may get out.
    (stub,) = cleared(code('def f(x):\n    raise NotImplementedError("no")\n\nSECRET = 42'))
    assert "SECRET" not in stub


def test_a_given_cell_may_raise_what_stubs_raise() -> None:
    base = 'class Layer:\n    def forward(self):\n        raise NotImplementedError("abstract")'
    assert cleared(code(base, None)) == [base]


def test_a_region_in_a_given_cell_is_refused() -> None:
    with pytest.raises(RuntimeError, match="non-solution cell"):
        cleared(code(REGION, None))


def test_an_answer_may_have_a_region_of_its_own() -> None:
    source = "It is\n### BEGIN SOLUTION\n42\n### END SOLUTION"
    assert cleared(answer(source)) == ["It is\nYOUR ANSWER HERE"]
