from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from autograder.build.release import course_directory, nbgrader_config, own_scripts_on_path
from autograder.errors import CourseError


def test_nbgrader_sees_the_course_as_its_own_commands_do(unbuilt_root: Path) -> None:
    directory = course_directory(unbuilt_root)
    assert directory.db_url == f"sqlite:///{unbuilt_root / 'gradebook.db'}"
    assert directory.course_id == "cs231n"
    path = directory.format_path("release", ".", "t1")
    assert Path(path).resolve() == unbuilt_root / "release" / "t1"


def test_settings_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"nbgrader_config\.py cannot be loaded"):
        nbgrader_config(tmp_path)


def test_alembic_is_found_without_activating_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    scripts = sysconfig.get_path("scripts")
    with own_scripts_on_path():
        assert shutil.which("alembic") == str(Path(scripts, "alembic"))
    assert os.environ["PATH"] == "/usr/bin:/bin"
    monkeypatch.delenv("PATH")
    with own_scripts_on_path():
        assert os.environ["PATH"].startswith(scripts)
    assert sys.executable
