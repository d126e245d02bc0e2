from __future__ import annotations

import copy
import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.course import Exercise
from autograder.handin import Handin, Unreadable, read_bytes

SOLUTION_LINES = ("total = X.sum(axis=1)", "means = row_means(X)", "BEGIN SOLUTION")


def read(exercise: Exercise, content: bytes) -> Handin:
    return Handin.read(content, exercise.text)


def sources(exercise: Exercise, content: bytes) -> dict[str, str]:
    """What would be run, by cell."""
    cells = read(exercise, content).definitions(exercise.text)
    return {cell.name: cell.source for cell in cells}


def test_what_counts_is_given_cells_solutions_and_added_code(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    cells.insert(1, handin.cell("def helper():\n    return 1"))
    cells.insert(2, handin.cell("some *notes*", kind="markdown"))
    counted = read(tiny, handin.file(cells)).definitions(tiny.text)
    assert [cell.name for cell in counted] == ["top-2", "added cell 2", "row_means", "centre"]
    assert counted[1].source == "def helper():\n    return 1"
    assert counted[2].source == handin.ROW_MEANS
    assert read(tiny, handin()).notes == ()
    assert read(tiny, handin()).answered == {"question_why"}


@pytest.mark.parametrize("answer", ["", "  \n", "YOUR ANSWER HERE", "\nYOUR ANSWER HERE \n"])
def test_a_question_left_as_it_was_is_unanswered(tiny: Exercise, handin: Any, answer: str) -> None:
    assert read(tiny, handin(question_why=answer)).answered == frozenset()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"PK\x03\x04 a word processor's file", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b"1" * 10_000, "not JSON"),
        (b"null", "no list of cells"),
        (b"[]", "no list of cells"),
        (b"{}", "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b'{"cells": null}', "no list of cells"),
        (b'{"worksheets": [{"cells": []}], "nbformat": 3}', "no notebook of format 4"),
        (b'{"cells": [' + b"{}," * 2000 + b"{}]}", "2,001 cells"),
        (b"<html><body>Sign in to download</body></html>", "not JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_notebook_is_said_in_words(tiny: Exercise, content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        read(tiny, content)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["row_means", "check_row_means", "centre", "question_why", "top-2", "no"])
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | JSON,
        "source": st.text(max_size=30) | st.lists(st.text(max_size=9), max_size=3) | JSON,
        "metadata": st.fixed_dictionaries(
            {},
            optional={"nbgrader": st.fixed_dictionaries({}, optional={"grade_id": NAMES | JSON})},
        )
        | JSON,
        "outputs": JSON,
    },
)


@given(st.lists(CELLS | JSON, max_size=8))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_cells_are_read_and_never_give_our_solution_away(
    tiny: Exercise, handin: Any, cells: list[Any]
) -> None:
    found = read(tiny, handin.file(cells))
    for cell in found.cells:
        assert not any(line in cell.source for line in SOLUTION_LINES)
        cell.source.encode()
    assert {c.name for c in found.definitions(tiny.text)} <= (
        {"top-2", "row_means", "centre"} | {f"added cell {i}" for i in range(1, 9)}
    )


def test_a_source_may_be_text_or_a_list_of_lines(tiny: Exercise, handin: Any) -> None:
    source = ["def row_means(X):\n", "    return X\n"]
    assert sources(tiny, handin(row_means=source))["row_means"] == "".join(source)


@pytest.mark.parametrize("source", [None, 3, {"a": 1}, ["a", 3], "x" * 500_001])
def test_a_source_that_is_no_text_is_left_out_with_a_note(
    tiny: Exercise, handin: Any, source: Any
) -> None:
    cells = handin.cells()
    cells[1]["source"] = source
    found = read(tiny, handin.file(cells))
    assert "row_means" not in sources(tiny, handin.file(cells))
    assert "centre" in sources(tiny, handin.file(cells))
    assert found.notes[0] == "1 cells could not be read and were left out."
    assert "The cell row_means is missing." in found.notes


def test_missing_cells_are_noted_and_given_ones_put_back(tiny: Exercise, handin: Any) -> None:
    content = handin.file([handin.cells()[1]])
    assert list(sources(tiny, content)) == ["top-2", "row_means"]
    assert read(tiny, content).notes == ("The cell centre is missing.",)


def test_of_a_duplicated_cell_the_last_counts(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    first = copy.deepcopy(cells[1])
    first["source"] = "def row_means(X):\n    return 0"
    content = handin.file([first, *cells, copy.deepcopy(cells[2])])
    found = read(tiny, content)
    written = [c for c in found.cells if c.name == "row_means"]
    assert [c.source for c in written] == [handin.ROW_MEANS]
    assert list(sources(tiny, content)) == [
        "added cell 1",
        "top-2",
        "row_means",
        "added cell 4",
        "centre",
    ]
    assert found.notes == (
        "The cell row_means is there more than once: the last one counts.",
        "The cell check_row_means is there more than once: the last one counts.",
    )


def test_an_edited_check_is_noted_and_its_original_stands(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    cells[2]["source"] = "print('all is well')"
    found = read(tiny, handin.file(cells))
    assert found.notes == ("The cell check_row_means was edited: its original counts.",)
    (check,) = [c for c in found.cells if c.name == "check_row_means"]
    assert check.source.startswith("assert_close(row_means(")


def test_an_edited_given_cell_is_put_right(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    cells[0] = handin.cell("import sys\nsys.modules['numpy'] = None", "top-2")
    assert sources(tiny, handin.file(cells))["top-2"].startswith("import numpy as np")


@pytest.mark.parametrize("kind", ["markdown", "raw", "nonsense", None, 3])
def test_a_solution_that_is_no_code_cell_any_more_is_not_run_and_not_ours(
    tiny: Exercise, handin: Any, kind: Any
) -> None:
    cells = handin.cells()
    cells[1]["cell_type"] = kind
    found = read(tiny, handin.file(cells))
    assert "row_means" not in sources(tiny, handin.file(cells))
    assert not any(line in c.source for c in found.cells for line in SOLUTION_LINES)
    assert any("row_means" in note for note in found.notes)


def test_metadata_and_outputs_are_not_believed(tiny: Exercise, handin: Any) -> None:
    plain = read(tiny, handin())
    cells = handin.cells()
    for cell in cells:
        cell["metadata"]["tags"] = ["skip-execution"]
        cell["metadata"].setdefault("nbgrader", {}).update(
            schema_version=99, points=1000, grade=True, solution=True, task=True, cell_type="code"
        )
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "1000"}}]
        cell["id"] = "x" * 1000
    forged = read(tiny, handin.file(cells, nbformat=99, metadata={"kernelspec": {"name": "sh"}}))
    assert forged == plain


def test_fifty_megabytes_of_output_are_read_past(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    cells[1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50 * 2**20}]
    start = time.process_time()
    assert read(tiny, handin.file(cells)) == read(tiny, handin())
    assert time.process_time() - start < 10


def test_surrogates_and_a_byte_order_mark_do_no_harm(tiny: Exercise, handin: Any) -> None:
    content = handin(row_means="x = '\ud800'\ndef row_means(X):\n    return X")
    assert "\\ud800" in content.decode()
    assert sources(tiny, content)["row_means"].startswith("x = '?'")
    assert sources(tiny, b"\xef\xbb\xbf" + handin()) == sources(tiny, handin())


def test_a_cell_that_lost_its_name_is_known_by_its_text(tiny: Exercise, handin: Any) -> None:
    cells = handin.cells()
    (demo,) = tiny.text.of_kind("demo")
    cells.insert(5, handin.cell(demo.source))
    found = read(tiny, handin.file(cells))
    assert [c.origin for c in found.cells if c.source.startswith("# NBVAL")] == ["ours"]
    assert len(found.definitions(tiny.text)) == 3


def test_our_own_notebook_is_read_without_remark(tiny: Exercise) -> None:
    # As a student gets it and hands it in untouched: through nbformat and back.
    content = nbformat.writes(tiny.text.notebook).encode()
    found = read(tiny, content)
    assert found.notes == ()
    assert {c.name for c in found.cells} == {c.name for c in tiny.text.cells}


# Files -------------------------------------------------------------------------------------------


def test_only_regular_files_of_a_sane_size_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.ipynb"
    file.write_bytes(b"{}")
    assert read_bytes(file) == b"{}"
    secret = tmp_path / "secret"
    secret.write_text("s")
    (tmp_path / "link.ipynb").symlink_to(secret)
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name in ("link", "folder", "pipe", "missing"):
        with pytest.raises(Unreadable, match="no regular file"):
            read_bytes(tmp_path / f"{name}.ipynb")
    monkeypatch.setattr("autograder.handin.MAX_BYTES", 1)
    with pytest.raises(Unreadable, match="larger than"):
        read_bytes(file)


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(
    tiny: Exercise, monkeypatch: pytest.MonkeyPatch, handin: Any
) -> None:
    monkeypatch.setattr("autograder.handin.MAX_BYTES", 100)
    with pytest.raises(Unreadable, match="larger than"):
        read(tiny, handin())
    assert json.loads(handin())
