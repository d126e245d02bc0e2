"""Tests over all exercises: whatever `assignments/` holds is tested, nothing is listed here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.course import Course

ROOT = Path(__file__).resolve().parents[2]


def pytest_generate_tests(metafunc):
    if "exercise" in metafunc.fixturenames:
        exercises = Course(ROOT).select(None)
        metafunc.parametrize("exercise", exercises, ids=[e.id for e in exercises])


@pytest.fixture
def copy_of_course(tmp_path):
    """The course in a folder of its own, as a clone has it."""
    for name in ("assignments", "source", "release"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return Course(tmp_path)
