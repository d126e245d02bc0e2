from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errormap import ErrorMap
from autograder.errors import UserError
from autograder.report import (
    SCHEMA,
    CheckResult,
    QuestionResult,
    Report,
    clean_text,
    write_atomically,
)

PASSED = CheckResult("a", "f", "It is right.", "passed", 3, 3, seconds=0.5)
FAILED = CheckResult(
    "b",
    "f",
    "It is quick.",
    "failed",
    0,
    2,
    "too slow ×",
    "slow_loop",
    "Use « vectors ».",
    1.0,
    "hi",
    error_map=ErrorMap("dW", (2, 3), 1, "only in row 0", ("010", "000")),
)
LOST = CheckResult("c", "g", "It is.", "could_not_run", 4, 4, detail="Traceback …")
REPORT = Report(
    "a1/softmax",
    "ada",
    (PASSED, FAILED, LOST),
    (QuestionResult("why", True, 2.0),),
    1.25,
    None,
    ("A note.",),
    {"version": "1", "suite": "ab", "seed": "cd"},
)


def test_points_are_those_of_the_checks() -> None:
    assert (REPORT.points, REPORT.max_points) == (7, 9)


def test_a_report_survives_the_way_through_its_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "r.json"
    REPORT.write(path)
    assert Report.from_json(path.read_text(encoding="utf-8")) == REPORT
    assert Report.from_json(REPORT.to_json()).to_json() == REPORT.to_json()


def test_the_file_has_the_fields_that_others_read() -> None:
    content = json.loads(REPORT.to_json())
    assert list(content)[:4] == ["exercise", "student", "points", "max_points"]
    assert content["points"] == 7
    assert {"seconds", "checks", "grader"} <= set(content)
    assert content["checks"][1] == {
        "name": "b",
        "of": "f",
        "description": "It is quick.",
        "outcome": "failed",
        "points": 0,
        "max_points": 2,
        "message": "too slow ×",
        "misconception": "slow_loop",
        "hint": "Use « vectors ».",
        "seconds": 1.0,
        "printed": "hi",
        "detail": "",
        "error_map": {
            "name": "dW",
            "shape": [2, 3],
            "wrong": 1,
            "place": "only in row 0",
            "cells": ["010", "000"],
        },
    }
    assert content["checks"][0]["error_map"] is None
    assert content["schema"] == SCHEMA


def test_a_report_from_before_there_were_maps_is_read() -> None:
    content = json.loads(REPORT.to_json())
    del content["schema"]
    for check in content["checks"]:
        del check["error_map"]
    old = Report.from_json(json.dumps(content))
    assert old.checks[1].error_map is None
    assert old.points == REPORT.points


def test_a_report_of_a_later_version_is_refused() -> None:
    content = json.loads(REPORT.to_json())
    content["schema"] = SCHEMA + 1
    with pytest.raises(UserError, match="a later version wrote it"):
        Report.from_json(json.dumps(content))


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["012", "01"],
        ["<b>"],
        ["0" * 100],
        ["0"] * 100,
        [1, 2],
        None,
        ["01 0", "010"],
        ["", "0"],
    ],
)
def test_a_map_that_is_none_is_refused(cells: object) -> None:
    content = json.loads(REPORT.to_json())
    content["checks"][1]["error_map"]["cells"] = cells
    with pytest.raises(UserError, match="not a report of this version"):
        Report.from_json(json.dumps(content))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "3", "{}", '{"points": 1, "max_points": 1, "checks": [{}]}']
)
def test_what_is_no_report_is_an_error_in_words(text: str) -> None:
    with pytest.raises(UserError, match="not a report of this version"):
        Report.from_json(text)


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
    assert path.read_text() == "old"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    texts = {"a" * 200_000, "b" * 300_000}
    write_atomically(path, "a" * 200_000)
    stop = threading.Event()
    seen: set[str] = set()

    def look() -> None:
        while not stop.is_set():
            seen.add(path.read_text())

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(20):
        for text in sorted(texts):
            write_atomically(path, text)
    stop.set()
    thread.join()
    assert seen <= texts


def test_a_file_may_be_read_by_others(tmp_path: Path) -> None:
    write_atomically(tmp_path / "r", "x")
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o644


@given(st.text(max_size=300), st.integers(1, 50))
def test_cleaned_text_is_printable_and_short(text: str, limit: int) -> None:
    clean = clean_text(text, limit)
    assert len(clean) <= limit
    assert all(c in "\n\t" or c.isprintable() for c in clean)
    clean.encode()


def test_cleaning_keeps_words_and_shows_that_something_is_left_out() -> None:
    assert clean_text("naïve π ≈ 3.14\n\tok") == "naïve π ≈ 3.14\n\tok"
    assert clean_text("\x1b[31mred\x00\u202e\ud800") == "[31mred"
    assert clean_text("abcdef", 4) == "abc…"
    assert clean_text(ValueError("no")) == "no"
