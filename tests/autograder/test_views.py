from __future__ import annotations

import io

import pytest
from rich.console import Console

from autograder.views import progress_bar


def shown(*, terminal: bool = True, quiet: bool = False, seconds: float = 10.0) -> str:
    """What stands there after a quarter of the work, which took so long."""
    file = io.StringIO()
    now = 0.0
    console = Console(file=file, force_terminal=terminal, width=100)
    bar = progress_bar(console, quiet)
    bar.get_time = lambda: now  # type: ignore[attr-defined]
    with bar as running:
        task = running.add_task("grading a1", total=100)
        for done in range(1, 26):
            now = done * seconds / 25
            running.update(task, completed=done)
        running.refresh()
        return file.getvalue()


@pytest.mark.parametrize(("seconds", "left"), [(10.0, "0:00:30"), (1000.0, "0:50:00")])
def test_progress_estimates_the_time_that_is_left(seconds: float, left: str) -> None:
    """Also where one hand-in takes most of a minute."""
    text = shown(seconds=seconds)
    assert "grading a1" in text
    assert "25/100" in text
    assert left in text


def test_progress_is_not_shown_where_nobody_sees_it_move() -> None:
    assert "25/100" not in shown(terminal=False)
    assert "25/100" not in shown(quiet=True)
