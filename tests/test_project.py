"""The repository itself: lint, types, and promises of the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def run(*command):
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff(arguments):
    result = run(BIN / "ruff", *arguments)
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.mark.timeout(600)
def test_types():
    result = run(BIN / "mypy")
    assert result.returncode == 0, result.stdout[-4000:]


def test_ci_runs_what_the_readme_says():
    """The README's test command, word for word but for pip's silence."""
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^\s*(python3 -m venv .+)$", readme, re.MULTILINE)
    assert len(commands) == 2, "one set-up command for the demo, one for the tests"
    ci = (ROOT / ".ci" / "run").read_text().replace("pip install -q", "pip install")
    (tests,) = [command for command in commands if "pytest" in command]
    assert tests in ci
    (demo,) = [command for command in commands if "autograder demo" in command]
    assert demo


def test_ci_installs_the_packages_that_the_readme_names():
    readme = (ROOT / "README.md").read_text()
    named = re.search(r"apt-get install (.+)", readme)
    assert named is not None
    ci = (ROOT / ".ci" / "run").read_text()
    for package in named.group(1).strip("`. ").split():
        assert package in ci


def test_top_level_is_as_fixed():
    listed = run("git", "ls-files").stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    top = {path.split("/")[0] for path in listed}
    fixed = {
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "nbgrader_config.py",
        "assignments", "source", "release", "cs231n_lib", "autograder", "data", "tests",
    }  # fmt: skip
    assert {name for name in top if not name.startswith(".")} == fixed
