"""What both packages know of hand-ins, each for itself, is the same."""

from __future__ import annotations

from autograder import handin
from cs231n_lib import exercise_notebook


def test_students_and_grader_have_the_same_limits():
    for name in ("MAX_BYTES", "MAX_CELLS", "MAX_CODE"):
        assert getattr(exercise_notebook, name) == getattr(handin, name)
