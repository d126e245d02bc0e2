"""The commands of the main job, run on the course itself as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.report import Report
from autograder.sandbox import mechanisms

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).parent / "autograder"

needs_sandbox = pytest.mark.skipif(
    all(m.problem() for m in mechanisms()), reason="no sandbox mechanism on this machine"
)


def run(*arguments, cwd=ROOT):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.sandbox
@needs_sandbox
@pytest.mark.timeout(900)
def test_verify_finds_the_suite_sound(exercise):
    result = run("verify", exercise.id)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_demo(tmp_path):
    """Build, release, hand in, grade: a made-up class gets what it deserves."""
    folder = tmp_path / "demo"
    result = run("demo", "--folder", folder)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    reports = [
        Report.from_json(path.read_text()) for path in sorted(folder.glob("reports/*/*/*.json"))
    ]
    assert len({report.student for report in reports}) >= 12
    assert (folder / "gradebook.db").is_file()
    for report in reports:
        page = folder / "feedback" / report.student / f"{report.exercise}.html"
        assert "</html>" in page.read_text()
    full = [r for r in reports if r.points == r.max_points]
    named = [r for r in reports if any(c.misconception for c in r.checks)]
    assert len(full) >= 5
    assert len(named) >= 4
    assert any(c.outcome == "timeout" for r in reports for c in r.checks)
    assert any(c.outcome == "crashed" for r in reports for c in r.checks)
    assert any(r.problem for r in reports)
    assert not any(c.outcome == "could_not_run" for r in reports for c in r.checks)


@pytest.mark.sandbox
@needs_sandbox
@pytest.mark.timeout(300)
def test_grade_one_file_as_json(exercise):
    result = run("grade", ROOT / "release" / f"{exercise.id}.ipynb", "--json")
    assert result.returncode == 0, result.stderr[-2000:]
    report = json.loads(result.stdout)
    assert report["points"] == 0
    assert report["max_points"] == sum(check.points for check in exercise.checks)
    assert {check["outcome"] for check in report["checks"]} == {"failed"}
