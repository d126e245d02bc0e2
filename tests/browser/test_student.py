"""A student in JupyterLab: runs a released notebook, reads what a check says, mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from autograder.course import Course

from .conftest import PATIENCE, ROOT, TOKEN, Tab, until

WRONG = '''def softmax_probabilities(scores):
    """Forgets to subtract the largest score."""
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
'''


def cell(page: Page, text: str) -> Locator:
    """Return the code cell that holds a text."""
    return page.locator(".jp-CodeCell").filter(
        has=page.locator(".jp-InputArea-editor", has_text=text)
    )


def write(page: Page, where: Locator, source: str) -> None:
    """Replace what stands in a cell, as a person does who pastes."""
    where.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)


def run_on(page: Page, where: Locator, cells: int) -> None:
    """Run some cells with Shift+Enter, one after the other."""
    where.locator(".cm-content").click()
    for _ in range(cells):
        page.keyboard.press("Shift+Enter")


def test_a_student_mends_a_cell_until_its_check_passes(
    serve: Callable[[Path], str], open_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(ROOT / "release" / "a1", tmp_path / "mine"))
    page = open_tab().page
    page.goto(f"{serve(folder)}/lab/tree/softmax.ipynb?token={TOKEN}")
    solution = cell(page, "def softmax_probabilities").first
    check = cell(page, "expected = np.array([[1 / 8")
    expect(solution).to_be_visible(timeout=PATIENCE * 1000)

    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    # Everything, from the menu: it ends at the first cell that is not written.
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    failed = check.locator(".jp-OutputArea-output")
    expect(failed.last).to_contain_text("softmax_probabilities is not written yet")

    # A mistake: the check says what is wrong in the field's words.
    write(page, solution, WRONG)
    run_on(page, solution, 2)
    expect(failed.last).to_contain_text("for scores around ±10,000")

    # Right, and the cell below has its picture.
    (exercise,) = Course(ROOT).select("a1/softmax")
    (right,) = (c for c in exercise.text.cells if c.name == "softmax_probabilities")
    write(page, solution, right.source)
    run_on(page, solution, 2)
    expect(failed.last).to_contain_text("✓")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    drawing = cell(page, "factors = [0.2, 1.0, 5.0]")
    picture = drawing.locator(".jp-OutputArea-output img")
    run_on(page, drawing, 1)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 300
    picture.scroll_into_view_if_needed()

    page.keyboard.press("Control+S")
    until(lambda: "image/png" in (folder / "softmax.ipynb").read_text(encoding="utf-8"))
