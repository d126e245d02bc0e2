"""Control groups: on trees made up in a folder, and on the kernel's own where it gives one."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring import Check
from autograder.backends import Code, SandboxBackend
from autograder.calls import Call, CallProblem, Named
from autograder.sandbox import Mechanism, Zygote, groups, groups_problem
from autograder.sandbox import zygote as zygote_module
from autograder.sandbox.groups import Group, NoGroups, find_parent
from autograder.worker.cells import Cell
from autograder.worker.confine import Limits

SOURCE = """
import os
def double(x):
    return 2 * x
def fill(megabytes):
    return sum(bytearray(2**20 * megabytes)[:: 4096])
"""


class Tree:
    """A made-up tree of groups, and what the kernel would say of a process in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cgroup"
        self.own = folder / "self"
        self.own.mkdir()
        self.say("/")

    def say(self, path: str, kind: str = "cgroup2") -> None:
        """Let the process be in the group at a path."""
        (self.own / "mounts").write_text(
            f"proc /proc proc rw 0 0\n{kind} {self.root} {kind} rw,nosuid 0 0\n"
        )
        (self.own / "cgroup").write_text(f"4:memory:/elsewhere\n0::{path}\n")

    def group(self, path: str, controllers: str = "") -> Path:
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text("")
        (folder / "cgroup.subtree_control").write_text(controllers + "\n")
        return folder


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_warned", [])


def made_up(parent: Path) -> Group:
    """A group as the kernel would fill it."""
    group = Group(parent)
    for name in ("memory.max", "memory.swap.max", "pids.max"):
        (group.folder / name).write_text("")
    (group.folder / "cgroup.procs").write_text("")
    return group


def test_the_nearest_group_that_can_limit_others_is_taken(tree: Tree) -> None:
    tree.group("", "cpu memory pids")
    slices = tree.group("user/app", "memory pids cpu")
    tree.group("user", "memory pids")
    tree.group("user/app/mine.scope")
    tree.say("/user/app/mine.scope")
    assert find_parent(tree.own) == slices
    tree.group("user/app", "memory")
    assert find_parent(tree.own) == tree.root / "user"
    tree.say("/")
    assert find_parent(tree.own) == tree.root


def test_why_there_are_none_is_said(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.group("", "cpu")
    tree.group("a")
    tree.say("/a")
    with pytest.raises(NoGroups, match=r"neither .*/cgroup/a nor a group around it"):
        find_parent(tree.own)
    tree.group("", "memory pids")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(NoGroups, match=r"this user may make no group in .*systemd-run"):
        find_parent(tree.own)
    monkeypatch.undo()
    assert find_parent(tree.own) == tree.root
    for path, kind in (("/../a", "cgroup2"), ("/a", "cgroup")):
        tree.say(path, kind)
        with pytest.raises(NoGroups, match="version 2"):
            find_parent(tree.own)
    with pytest.raises(NoGroups, match="no control groups"):
        find_parent(tree.own / "nowhere")


def test_a_group_has_room_for_the_largest_worker_so_far(tree: Tree) -> None:
    group = made_up(tree.group(""))

    def limits() -> list[int]:
        return [int((group.folder / f"{name}.max").read_text()) for name in ("memory", "pids")]

    group.allow(Limits(memory=2**30, files=2**20, threads=10))
    memory, processes = limits()
    assert 2**30 + 2**20 < memory < 2 * 2**30
    assert 10 < processes < 100
    assert (group.folder / "memory.swap.max").read_text() == "0"
    group.allow(Limits(memory=2**20, files=2**20, threads=1))
    assert limits() == [memory, processes]
    group.allow(Limits(memory=2**31, files=2**20, threads=10))
    assert limits() == [memory + 2**30, processes]
    (group.folder / "pids.max").unlink()
    with pytest.raises(OSError, match=r"pids\.max"):
        group.allow(Limits(threads=1000))


def test_a_command_enters_first_and_runs_even_where_it_cannot(tree: Tree) -> None:
    group = made_up(tree.group(""))
    argv = group.command(["/bin/sh", "-c", 'echo "$1"; exit 3', "sh", "two words"])
    for _ in range(2):
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout, run.stderr) == (3, "two words\n", "")
        procs = group.folder / "cgroup.procs"
        assert not procs.exists() or procs.read_text() == "0\n"
        shutil.rmtree(group.folder, ignore_errors=True)
    assert not group.holds(os.getpid())
    group.remove()


def test_what_a_killed_grader_left_is_removed_and_nothing_else(tree: Tree) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    parent = tree.group("")
    kept = [f"autograder-{os.getpid()}-77", "autograder-x-1", "somebody", "autograder-1"]
    for name in [f"autograder-{gone.pid}-1", *kept]:
        (parent / name).mkdir()
    made = Group(parent)
    assert {p.name for p in parent.iterdir() if p.is_dir()} == {*kept, made.folder.name}


# With a sandbox ----------------------------------------------------------------------------------


def ask(zygote: Zygote, name: str, *args: Any) -> Any:
    """Call a function of a hand-in in a worker of its own."""
    with SandboxBackend(zygote, Code((Cell("probe", SOURCE),))) as backend:
        backend.begin(Check("c", "", name, 1, 20.0, None, lambda s, r: None))
        return backend.perform(Call("call", Named(name), name, args))


def test_a_group_that_goes_away_is_told_once_and_grading_goes_on(
    tree: Tree,
    mechanism: Mechanism,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parent = tree.group("")
    monkeypatch.setattr(zygote_module, "make_group", lambda: made_up(parent))
    monkeypatch.setattr(Group, "holds", lambda self, process: True)
    with caplog.at_level(logging.WARNING), Zygote(mechanism) as zygote:
        assert ask(zygote, "double", 3) == 6
        (folder,) = (path for path in parent.iterdir() if path.is_dir())
        assert (folder / "cgroup.procs").read_text() == "0\n"
        assert int((folder / "memory.max").read_text()) > Limits().memory
        shutil.rmtree(folder)
        zygote._group._memory = 0  # type: ignore[union-attr]
        assert ask(zygote, "double", 4) == 8
        assert ask(zygote, "double", 5) == 10
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "resource limits alone hold now" in caplog.text


def test_a_group_that_takes_no_process_is_told_and_done_without(
    tree: Tree,
    mechanism: Mechanism,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parent = tree.group("")

    def refused() -> Group:
        group = Group(parent)
        (group.folder / "cgroup.procs").mkdir()
        return group

    monkeypatch.setattr(zygote_module, "make_group", refused)
    monkeypatch.setattr(groups, "_REMOVE_SECONDS", 0.0)
    with caplog.at_level(logging.WARNING), Zygote(mechanism) as zygote:
        assert ask(zygote, "double", 3) == 6
    assert "does not take processes" in caplog.text


# The kernel's own --------------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[Group]:
    """A group of the kernel's, with or without controllers; without one the test is skipped."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    if not places:
        pytest.skip("no control groups of version 2 are mounted")
    try:
        parent = find_parent()
    except NoGroups:
        parent = places[0]
    try:
        group = Group(parent)
    except OSError as error:
        pytest.skip(f"no group can be made in {parent}: {error.strerror}")
    yield group
    group.remove()


def test_the_kernel_counts_what_a_command_starts_and_lets_go_of_the_group(real: Group) -> None:
    argv = real.command(["/bin/sh", "-c", "/bin/sleep 60 & echo started; wait"])
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        try:
            assert real.holds(process.pid)
            assert not real.holds(os.getpid())
            assert len((real.folder / "cgroup.procs").read_text().split()) == 2
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    real.remove()
    assert not real.folder.exists()


def test_all_of_a_sandbox_is_in_the_group(
    real: Group, mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygote_module, "make_group", lambda: real)
    monkeypatch.setattr(Group, "allow", lambda self, limits: None)
    before = len((real.folder / "cgroup.procs").read_text().split())
    with Zygote(mechanism) as zygote:
        idle = len((real.folder / "cgroup.procs").read_text().split())
        code = Code((Cell("probe", SOURCE),))
        with SandboxBackend(zygote, code) as backend:
            backend.begin(Check("c", "", "double", 1, 20.0, None, lambda s, r: None))
            backend.perform(Call("call", Named("double"), "double", (1,)))
            busy = len((real.folder / "cgroup.procs").read_text().split())
    assert before == 0 < idle < busy
    assert not real.folder.exists()


def test_the_kernel_ends_the_worker_that_takes_more_and_not_the_warm_process(
    mechanism: Mechanism,
) -> None:
    if groups_problem() is not None:
        pytest.skip(f"no control groups: {groups_problem()}")
    with Zygote(mechanism) as zygote:
        assert ask(zygote, "fill", 100) == 0
        assert zygote._group is not None
        zygote._group._write("memory.max", 400 * 2**20)
        warm = zygote._process
        with pytest.raises(CallProblem) as caught:
            ask(zygote, "fill", 900)
        assert caught.value.outcome == "crashed"
        assert ask(zygote, "double", 2) == 4
        assert zygote._process is warm
    assert not zygote._group


def test_where_there_is_no_parent_there_is_no_group_and_the_reason_is_given(
    monkeypatch: pytest.MonkeyPatch, tree: Tree
) -> None:
    monkeypatch.setattr(groups, "find_parent", lambda: find_parent(tree.own))
    groups_problem.cache_clear()
    try:
        assert "hands on memory and pids" in str(groups_problem())
        assert groups.make_group() is None
        tree.group("", "memory pids")
        groups_problem.cache_clear()
        assert str(groups_problem()).startswith("the kernel does not make one: ")
    finally:
        groups_problem.cache_clear()
