"""What a live worker is and has, read off from outside: nothing that it says of itself counts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attack_harness import descendants, status_of
from attack_planting import Planted

from autograder.backends import Code
from autograder.calls import CallProblem
from autograder.sandbox import Mechanism, Worker, Zygote
from autograder.session import Session
from autograder.worker.cells import Cell
from autograder.worker.confine import Limits


class Seen:
    """A worker with a hand-in in it, and the processes that it consists of."""

    def __init__(self, zygote: Zygote, worker: Worker, session: Session) -> None:
        assert zygote._process is not None
        self.zygote = zygote
        self.worker = worker
        self.session = session
        self.wall = zygote._process.pid
        self.sandbox = descendants(self.wall)
        known = {p: status_of(p) for p in self.sandbox}
        depths = {p: len(status.get("NSpid", "").split()) for p, status in known.items()}
        # As deep inside, the next worker waits, without a filter until there is work for it.
        (self.pid,) = (
            p
            for p, depth in depths.items()
            if depth == max(depths.values()) and known[p]["Seccomp"] == "2"
        )
        self.status = known[self.pid]

    def proc(self, name: str) -> Path:
        return Path(f"/proc/{self.pid}/{name}")

    def call(self, name: str, *args: Any) -> Any:
        fields = {"name": name, "args": list(args), "kwargs": {}, "hold": []}
        return self.session.request(name, "call", **fields)


SOURCE = """
import os
def ignore():
    import signal
    for number in set(range(1, signal.NSIG)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
def spin():
    import threading
    ignore()
    for _ in range(4):
        threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
def keep(n):
    global kept
    kept = bytearray(n)
    kept[::4096] = b"x" * len(kept[::4096])
def process_id():
    return os.getpid(), os.getppid()
"""


@pytest.fixture
def seen(zygote: Zygote) -> Iterator[Seen]:
    code = Code((Cell("cell", SOURCE),))
    worker = zygote.spawn(Limits())
    session = Session(worker, code.sources, 2048)
    session.allow(20)
    cells = [{"name": cell.name, "source": cell.source} for cell in code.cells]
    try:
        assert session.request("cells", "define", cells=cells, refused=[], notebooks={}) == []
        yield Seen(zygote, worker, session)
    finally:
        session.close()


def readable(path: Path) -> Path:
    """Skip where only root may look at a worker, which is as it should be."""
    try:
        os.listdir(path) if path.is_dir() else path.read_bytes()
    except PermissionError:
        assert os.getuid() != 0
        pytest.skip("only root may look into a worker")
    return path


# Privileges


def test_no_capability_is_left_and_none_can_come_back(seen: Seen) -> None:
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(seen.status[field], 16) == 0, field
    assert seen.status["NoNewPrivs"] == "1"


def test_a_filter_is_on_every_thread(seen: Seen) -> None:
    seen.call("spin")
    threads = list(seen.proc("task").iterdir())
    assert len(threads) == 5
    for thread in threads:
        assert status_of(int(thread.name)).get("Seccomp") == "2"


def test_the_user_is_nobody_else(seen: Seen, mechanism: Mechanism) -> None:
    users, groups = set(seen.status["Uid"].split()), set(seen.status["Gid"].split())
    assert len(users) == 1
    assert len(groups) == 1
    if os.getuid() == 0:
        (user,) = map(int, users)
        assert user not in (0, 65534)
        assert str(user) in groups
        assert seen.status["Groups"] == ""
        others = {status_of(int(p)).get("Uid", "").split("\t")[0] for p in processes()}
        mine = [p for p in processes() if status_of(int(p)).get("Uid", "").startswith(str(user))]
        assert mine == [str(seen.pid)]
        assert str(user) in others


def processes() -> list[str]:
    return [entry for entry in os.listdir("/proc") if entry.isdigit()]


def test_nobody_of_the_same_user_may_trace_it(seen: Seen) -> None:
    # A process that may not be dumped belongs to root in /proc.
    assert seen.proc("mem").stat().st_uid == 0 or os.getuid() == 0
    assert seen.status["TracerPid"] == "0"
    assert seen.proc("fd").stat().st_uid == 0


# Namespaces


def test_every_namespace_but_the_users_is_another(seen: Seen) -> None:
    kinds = ["mnt", "pid", "ipc", "uts", "net"]
    own = Path("/proc/self/ns")
    theirs = readable(seen.proc("fd")).parent / "ns"
    for kind in kinds:
        assert os.readlink(theirs / kind) != os.readlink(own / kind), kind
    if os.getuid() != 0:
        assert os.readlink(theirs / "user") != os.readlink(own / "user")


def test_it_is_the_first_process_of_its_world_and_has_no_parent(seen: Seen) -> None:
    assert seen.status["NSpid"].split()[-1] == "1"
    assert seen.call("process_id") == (1, 0)


def test_no_two_workers_share_a_namespace_of_processes_or_files(seen: Seen, zygote: Zygote) -> None:
    """Two in use and the one that waits to be the next."""
    readable(seen.proc("fd"))
    other = zygote.spawn(Limits())
    zygote.fork_ahead()
    try:
        workers = _workers(zygote)
        deadline = time.monotonic() + 5
        while len(workers) < 3 and time.monotonic() < deadline:
            workers = _workers(zygote)
        assert len(workers) == 3
        for kind in ("mnt", "pid", "ipc"):
            links = {os.readlink(f"/proc/{pid}/ns/{kind}") for pid in workers}
            assert len(links) == 3, kind
        users = {status_of(pid)["Uid"] for pid in workers}
        assert len(users) == (3 if os.getuid() == 0 else 1)
    finally:
        other.dismiss()


def _workers(zygote: Zygote) -> list[int]:
    """Return the processes that are the first of a world inside the wall, once they are no root."""
    assert zygote._process is not None
    known = {p: status_of(p) for p in descendants(zygote._process.pid)}
    numbers = {p: status.get("NSpid", "").split() for p, status in known.items()}
    root = str(os.getuid()) if os.getuid() == 0 else ""
    return [
        p
        for p, found in numbers.items()
        if len(found) > 2 and found[-1] == "1" and known[p]["Uid"].split()[0] != root
    ]


def test_the_network_has_not_even_a_loopback_that_is_up(seen: Seen) -> None:
    lines = readable(seen.proc("net/dev")).read_text().splitlines()[2:]
    interfaces = {line.split(":")[0].strip() for line in lines}
    assert interfaces <= {"lo"}
    routes = seen.proc("net/route").read_text().splitlines()[1:]
    assert routes == []


# What it holds


def test_it_has_four_descriptors_and_one_of_them_speaks(seen: Seen) -> None:
    folder = readable(seen.proc("fd"))
    links = {fd.name: os.readlink(fd) for fd in folder.iterdir()}
    assert {name: links[name] for name in "012"} == dict.fromkeys("012", "/dev/null")
    assert set(links) == {"0", "1", "2", "3"}
    assert links["3"].startswith("socket:")


def test_the_keeper_and_the_warm_process_hold_no_file_of_the_course(
    seen: Seen, planted: Planted
) -> None:
    # What the warm process says goes to a file that has no name, or none any more.
    known = r"/dev/null|socket:|anon_inode:|pipe:|/tmp/(#\d+|tmp\w+) \(deleted\)"
    for pid in seen.sandbox:
        folder = readable(Path(f"/proc/{pid}/fd"))
        targets = {os.readlink(fd) for fd in folder.iterdir()}
        assert not any(str(planted.root) in target for target in targets)
        for target in targets:
            assert re.match(known, target)


def test_nothing_of_the_graders_is_in_its_environment_or_arguments(
    seen: Seen, planted: Planted
) -> None:
    known = {"PATH", "HOME", "LANG", "PWD", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
    known |= {"MKL_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}
    for pid in [seen.pid, *seen.sandbox]:
        text = readable(Path(f"/proc/{pid}/environ")).read_bytes().decode()
        assert {pair.split("=")[0] for pair in text.split("\0") if pair} <= known
        if pid != seen.sandbox[0]:  # the wall itself is told which folders to hide
            assert str(planted.root) not in Path(f"/proc/{pid}/cmdline").read_text()


def test_no_canary_is_in_its_memory(seen: Seen, planted: Planted) -> None:
    readable(seen.proc("fd"))
    tokens = [token.encode() for token in planted.tokens.values()]
    for pid in seen.sandbox[1:]:
        for data in memory_of(pid):
            assert not any(token in data for token in tokens)
    assert any(planted.secret.hex().encode() in data for data in memory_of(os.getpid()))


def memory_of(pid: int) -> Iterator[bytes]:
    """Yield the writable memory of a process, piece by piece."""
    regions = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, mode, *_ = line.split()
        if mode.startswith("rw"):
            start, end = (int(part, 16) for part in place.split("-"))
            regions.append((start, end - start))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, size in regions:
            try:
                memory.seek(start)
                yield memory.read(min(size, 2**28))
            except OSError:  # a guard page, or memory that was given back
                continue


def test_it_sees_no_file_that_it_could_write_but_in_its_own_tmp(seen: Seen) -> None:
    lines = readable(seen.proc("mountinfo")).read_text().splitlines()
    writable = {}
    for line in lines:
        fields = line.split()
        place, options, kind = fields[4], fields[5].split(","), fields[fields.index("-") + 1]
        if "rw" in options:
            writable[place] = (kind, options)
    files = {place for place, (kind, _) in writable.items() if kind not in ("proc", "devtmpfs")}
    assert files <= {"/tmp", "/dev/pts"}  # noqa: S108
    assert all("nosuid" in options for _, options in writable.values())
    last = {line.split()[4]: line for line in lines}
    for hidden in ("/proc", "/dev/shm", "/dev/pts"):  # noqa: S108
        assert " ro," in last[hidden], last[hidden]
        assert " - tmpfs " in last[hidden], last[hidden]
    assert re.search(r"size=65536k.*nr_inodes=10240", last["/tmp"])  # noqa: S108


def test_the_course_is_nowhere_among_its_mounts(seen: Seen, planted: Planted) -> None:
    text = readable(seen.proc("mountinfo")).read_text()
    roots = {line.split()[3] for line in text.splitlines()}
    assert not any(planted.root.is_relative_to(root) for root in roots if root != "/")
    assert not any(Path(root).is_relative_to(planted.root) for root in roots)


# Limits


def test_its_limits_are_hard(seen: Seen) -> None:
    table = {}
    for line in seen.proc("limits").read_text().splitlines()[1:]:
        found = re.match(r"(.*?)  +(\S+) +(\S+)", line)
        assert found is not None
        table[found[1]] = found[2], found[3]
    assert table["Max file size"] == (str(64 * 2**20),) * 2
    assert table["Max core file size"] == ("0", "0")
    assert table["Max open files"] == ("256", "256")
    assert table["Max processes"] == ("256", "256")
    assert table["Max cpu time"] == ("600", "605")
    soft, hard = map(int, table["Max address space"])
    assert soft == hard <= 2 * 2**30 + 2**30


def test_it_is_the_first_to_go_when_memory_runs_out(seen: Seen) -> None:
    assert seen.proc("oom_score_adj").read_text().strip() == "1000"
    assert Path("/proc/self/oom_score_adj").read_text().strip() != "1000"


# Ends


def test_a_worker_that_ignores_everything_ends_at_once(seen: Seen) -> None:
    seen.call("spin")
    pid, start = seen.pid, time.monotonic()
    seen.session.close()
    assert time.monotonic() - start < 2
    wait_until_gone(pid)


def test_a_gigabyte_is_given_back_at_once(seen: Seen) -> None:
    seen.call("keep", 2**30)
    pid, start = seen.pid, time.monotonic()
    seen.session.close()
    assert time.monotonic() - start < 5
    wait_until_gone(pid)


def test_the_next_one_starts_when_nothing_of_the_last_one_is_left(seen: Seen) -> None:
    seen.call("keep", 2**30)  # which takes the kernel a while to take back
    pid, keeper = seen.pid, int(seen.status["PPid"])
    seen.session.close()
    following = seen.zygote.spawn(Limits())
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{keeper}").exists()
    following.dismiss()


def test_a_worker_ends_with_its_keeper(seen: Seen) -> None:
    keeper = int(seen.status["PPid"])
    assert keeper in seen.sandbox
    os.kill(keeper, signal.SIGKILL)
    wait_until_gone(seen.pid)


def test_everything_ends_with_the_wall(mechanism: Mechanism, planted: Planted) -> None:
    with Zygote(mechanism, hidden=(planted.root,)) as zygote:
        worker = zygote.spawn(Limits())
        session = Session(worker, {}, 2048)
        session.allow(20)
        session.request("cells", "define", cells=[], refused=[], notebooks={})
        inside = Seen(zygote, worker, session).sandbox
        assert len(inside) >= 3
    for pid in inside:
        wait_until_gone(pid)
    session.close()


GRADER = """
import sys, time
from autograder.sandbox import Zygote, mechanisms
from autograder.worker.confine import Limits
(mechanism,) = [m for m in mechanisms() if m.name == sys.argv[1]]
with Zygote(mechanism) as zygote:
    worker = zygote.spawn(Limits())
    print(zygote._process.pid, flush=True)
    time.sleep(60)
"""


def test_everything_ends_with_the_grader(mechanism: Mechanism) -> None:
    argv = [sys.executable, "-c", GRADER, mechanism.name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout is not None
        wall = int(grader.stdout.readline())
        deadline = time.monotonic() + 5
        while len(inside := descendants(wall)) < 4:  # the wall's, the warm one, keeper, worker
            assert time.monotonic() < deadline, inside
        grader.kill()
    for pid in [wall, *inside]:
        wait_until_gone(pid)


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while status_of(pid).get("State", "Z")[0] not in "ZX":
        assert time.monotonic() < deadline, status_of(pid)
        time.sleep(0.01)


def test_a_worker_that_reads_nothing_delays_nobody(seen: Seen) -> None:
    """A large argument to a worker that is busy: sending it has the same deadline as all else."""
    seen.session.allow(1.0)
    os.kill(seen.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(CallProblem, match="did not finish within 1 s"):
        seen.call("process_id", *[np.zeros(2**20) for _ in range(8)])
    assert time.monotonic() - start < 4
