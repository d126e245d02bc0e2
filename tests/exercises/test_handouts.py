"""The handouts say what is so: every exercise is listed, with its points."""

from __future__ import annotations


def test_handout_lists_the_exercise_with_its_points(exercise):
    handout = (exercise.folder.parent / "README.md").read_text(encoding="utf-8")
    rows = [line for line in handout.splitlines() if f"]({exercise.name}.ipynb)" in line]
    assert len(rows) == 1, f"expected one row for {exercise.id} in the handout's table"
    code = sum(check.points for check in exercise.checks)
    questions = sum(cell.points for cell in exercise.text.of_kind("question"))
    assert f"| {code} + {questions:g} |" in rows[0]
