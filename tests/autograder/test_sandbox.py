"""What a hand-in's code can and cannot do, tried from inside."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from autograder import session
from autograder.authoring import Check
from autograder.backends import Code, SandboxBackend
from autograder.calls import Call, CallProblem, Named
from autograder.errors import SandboxUnavailable
from autograder.sandbox import Mechanism, WorkerLost, Zygote, choose_mechanism, mechanisms
from autograder.sandbox.mechanisms import Bubblewrap, Namespaces, Unconfined, worker_environment
from autograder.sandbox.policy import compiled_filter
from autograder.sandbox.syscalls import NUMBERS
from autograder.sandbox.view import interpreter_view
from autograder.worker import landlock, passing
from autograder.worker.cells import Cell
from autograder.worker.confine import Limits

CHECK = Check("c", "A check.", "probe", 1, 10.0, None, lambda student, rng: None)


class Probe:
    """A hand-in's code, called from outside."""

    def __init__(self, backend: SandboxBackend) -> None:
        self.backend = backend

    def __call__(
        self, name: str, *args: Any, timeout: float = 10.0, memory: int | None = None
    ) -> Any:
        self.backend.begin(Check("c", "", name, 1, timeout, memory, lambda s, r: None))
        return self.backend.perform(Call("call", Named(name), name, args))

    def problem(self, name: str, *args: Any, **limits: Any) -> CallProblem:
        with pytest.raises(CallProblem) as caught:
            self(name, *args, **limits)
        return caught.value


Opener = Callable[..., Probe]


@pytest.fixture
def open_probe(zygote: Zygote) -> Iterator[Opener]:
    """Define some source in a worker of its own."""
    opened: list[SandboxBackend] = []

    def start(source: str, on: Zygote = zygote) -> Probe:
        code = Code((Cell("probe", textwrap.dedent(source)),))
        opened.append(SandboxBackend(on, code))
        return Probe(opened[-1])

    yield start
    for backend in opened:
        backend.__exit__()


ATTEMPTS = {
    "a socket": "import socket; socket.socket()",
    "a unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "a socket pair": "import socket; socket.socketpair()",
    "a name on the network": "import socket; socket.create_connection(('127.0.0.1', 80), 1)",
    "a fork": "import os; os.fork()",
    "a vfork": "import os; os.posix_spawn('/usr/bin/env', ['env'], {})",
    "a program": "import subprocess; subprocess.run(['/usr/bin/env'])",
    "a shell": "import subprocess; subprocess.run('id', shell=True)",
    "an exec": "import os; os.execv('/usr/bin/env', ['env'])",
    "a process of multiprocessing": (
        "import multiprocessing as m; p = m.get_context('fork').Process(target=int); p.start()"
    ),
    "becoming root": "import os; os.setuid(0)",
    "killing its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "killing everybody": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "more memory": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
    "larger files": "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (-1, -1))",
    "another root": "import os; os.chroot('/tmp')",
    "a device": "import os; os.mknod('/tmp/null', 0o20666, os.makedev(1, 3))",
    "a file in the system": "open('/usr/mine', 'w')",
    "a file at the top": "open('/mine', 'w')",
    "a file in the library": "open('/packages/cs231n_lib/mine.py', 'w')",
    "a change of the library": "open('/packages/cs231n_lib/__init__.py', 'a')",
    "a file in /dev/shm": "open('/dev/shm/mine', 'w')",
    "shared memory": "from multiprocessing.shared_memory import SharedMemory as S; S('x', True, 9)",
    "the processes": "import os; os.listdir('/proc')[0]",
    "its own memory": "open('/proc/self/mem', 'r+b')",
    "users": "open('/etc/passwd')",
    "homes": "import os; os.listdir('/home')[0]",
    "the machine": "import os; os.listdir('/sys')",
    "a terminal": "open('/dev/tty')",
    "a disk": "import glob; open(glob.glob('/dev/[snv]d*')[0])",
}


@pytest.fixture(scope="session")
def attempts(zygote: Zygote) -> dict[str, str]:
    """Try everything in one worker; what raised, by name."""
    body = "\n".join(
        f"def attempt{i}():\n    {source}" for i, source in enumerate(ATTEMPTS.values())
    )
    found = {}
    with SandboxBackend(zygote, Code((Cell("probe", body),))) as backend:
        probe = Probe(backend)
        for i, name in enumerate(ATTEMPTS):
            try:
                probe(f"attempt{i}")
            except CallProblem as problem:
                found[name] = f"{problem.outcome} {problem.error}"
    return found


@pytest.mark.parametrize("name", ATTEMPTS)
def test_out_of_reach(attempts: dict[str, str], name: str) -> None:
    assert name in attempts, "it worked"
    kind, error = attempts[name].split(" ")
    assert kind == "failed", "it took the worker down"
    assert error in {
        "PermissionError",
        "OSError",
        "FileNotFoundError",
        "IndexError",
        "LibraryRefused",
        "BlockingIOError",
        "ValueError",
    }


SYSCALLS = {
    "ptrace": (101, (0, 0, 0, 0)),
    "mount": (165, (0, 0, 0, 0, 0)),
    "unshare": (272, (0x10000000,)),
    "setns": (308, (0, 0)),
    "bpf": (321, (0, 0, 0)),
    "io_uring_setup": (425, (1, 0)),
    "memfd_create": (319, (0, 0)),
    "keyctl": (250, (0, 0)),
    "perf_event_open": (298, (0, 0, 0, 0, 0)),
    "userfaultfd": (323, (0,)),
    "process_vm_writev": (311, (1, 0, 0, 0, 0, 0)),
    "clone a process": (56, (17, 0, 0, 0, 0)),
    "pidfd_open": (434, (1, 0)),
    "shmget": (29, (0, 4096, 0o1600)),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_system_calls_that_are_not_allowed_fail(open_probe: Opener) -> None:
    probe = open_probe(
        """
        import ctypes
        def calls(numbers):
            libc = ctypes.CDLL(None, use_errno=True)
            found = {}
            for name, number, args in numbers:
                ctypes.set_errno(0)
                result = libc.syscall(number, *map(ctypes.c_long, args))
                found[name] = (result, ctypes.get_errno())
            return found
        """
    )
    found = probe("calls", [(name, number, args) for name, (number, args) in SYSCALLS.items()])
    assert found == dict.fromkeys(SYSCALLS, (-1, 1))


def test_what_it_sees_of_the_machine(open_probe: Opener, tiny: Any) -> None:
    probe = open_probe(
        """
        import os, sys
        def look():
            seen = {}
            for top in os.listdir("/"):
                if top not in ("usr", "lib", "lib64", "packages", "bin", "sbin", "lib32"):
                    files = [os.path.join(d, f) for d, _, fs in os.walk("/" + top) for f in fs]
                    seen[top] = sorted(files)[:200]
            return seen
        def about():
            about = (dict(os.environ), os.getuid(), os.getpid(), os.getcwd(), os.listdir("."))
            return *about, sys.argv
        def exists(path):
            return os.path.exists(path)
        def descriptors():
            found = []
            for fd in range(256):
                try:
                    os.fstat(fd)
                    found.append(fd)
                except OSError:
                    pass
            return found
        """
    )
    seen = probe("look")
    base = Path(os.path.realpath(os.sys.base_prefix)).parts[
        1
    ]  # the interpreter itself may be there
    assert set(seen) - {base} <= {"etc", "proc", "dev", "tmp"}
    assert seen["proc"] == []
    assert seen["tmp"] == []
    hidden = [".ipynb", ".db", "checks.py", "oracle.py", "misconceptions.py"]
    found = [f for files in seen.values() for f in files if f.endswith(tuple(hidden))]
    assert found == []
    assert set(seen["etc"]) <= {"/etc/ld.so.cache", "/etc/localtime"} | {
        name for name in seen["etc"] if name.startswith("/etc/alternatives/")
    }
    environment, uid, pid, folder, files, argv = probe("about")
    assert set(environment) <= set(worker_environment())
    assert uid != 0
    assert pid == 1
    assert (folder, files) == (worker_environment()["HOME"], [])
    assert argv == ["-c"]
    assert probe("descriptors") == [0, 1, 2, 3]
    for path in (__file__, str(tiny.folder), os.getcwd(), "/packages/autograder", "/home"):
        assert not probe("exists", path), path


def test_a_folder_inside_the_system_can_be_hidden(mechanism: Mechanism, open_probe: Opener) -> None:
    source = "import os\ndef probe(path):\n    return os.listdir(path)"
    folder = next(p for p in map(Path, ("/usr/sbin", "/usr/games", "/usr/libexec")) if p.is_dir())
    with Zygote(mechanism, hidden=(folder.resolve(),)) as careful:
        assert open_probe(source, careful)("probe", str(folder)) == []
    assert folder.resolve() in interpreter_view((folder.resolve(),)).hidden


def test_the_usual_work_of_an_exercise_goes_well(open_probe: Opener) -> None:
    probe = open_probe(
        """
        import concurrent.futures, json, pathlib, pickle, tempfile, threading, time
        import numpy as np
        from tqdm import tqdm
        import cs231n_lib
        def compute(x):
            a = np.linalg.svd(x @ x.T)[1]
            b = np.fft.rfft(np.random.default_rng(0).normal(size=64)).real
            np.random.seed(0)
            c = np.random.randn(3)
            return a, b, c
        def files():
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "cache.npz")
                np.savez(path, w=np.arange(3))
                path.rename(path.with_suffix(".old"))
                return np.load(path.with_suffix(".old"))["w"]
        def threads():
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                return sum(pool.map(lambda i: i * i, tqdm(range(10))))
        def clock():
            start = time.perf_counter()
            time.sleep(0.01)
            return time.perf_counter() - start, time.time() > 0
        """
    )
    x = np.random.default_rng(3).normal(size=(5, 4))
    singular, spectrum, drawn = probe("compute", x)
    np.testing.assert_allclose(singular[:4], np.linalg.svd(x, compute_uv=False) ** 2)
    expected = np.fft.rfft(np.random.default_rng(0).normal(size=64)).real
    np.testing.assert_allclose(spectrum, expected)
    np.testing.assert_allclose(drawn, np.random.RandomState(0).randn(3))
    np.testing.assert_array_equal(probe("files"), [0, 1, 2])
    assert probe("threads") == 285
    seconds, now = probe("clock")
    assert 0.01 <= seconds < 5
    assert now


def test_an_endless_loop_is_ended_and_the_next_call_works(open_probe: Opener) -> None:
    probe = open_probe(
        """
        import signal, threading, time
        def probe():
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        def stubborn():
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            threading.Thread(target=probe).start()
            time.sleep(60)
        def one():
            return 1
        """
    )
    for name in ("probe", "stubborn"):
        start = time.monotonic()
        problem = probe.problem(name, timeout=0.5)
        assert (problem.outcome, problem.kind) == ("timeout", "time")
        assert time.monotonic() - start < 10
        assert probe("one") == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(8)", "signal 11"),
        ("import os, signal; os.abort()", "signal (6|11)"),
        ("import os; os.close(3)", "ended the Python process|crashed"),
        ("import os; os.write(3, b'x' * 1000)", "instead of an answer"),
        ("import os; os.write(3, bytes(16))", "instead of an answer|out of turn"),
    ],
)
def test_a_crash_is_told_and_the_next_call_works(open_probe: Opener, body: str, words: str) -> None:
    probe = open_probe(f"def probe():\n    {body}\ndef one():\n    return 1")
    problem = probe.problem("probe", timeout=5)
    assert problem.outcome == "crashed"
    assert re.search(words, str(problem))
    assert probe("one") == 1


def test_closing_its_own_output_does_no_harm(open_probe: Opener) -> None:
    probe = open_probe(
        """
        import sys
        def probe():
            sys.stdout.close()
            return 5
        def one():
            print("still here")
            return 1
        """
    )
    assert probe("probe") == 5
    assert probe("one") == 1


def test_memory_has_a_limit_and_the_worker_survives_it(open_probe: Opener) -> None:
    probe = open_probe(
        """
        import numpy as np
        def use(mb):
            return np.empty(mb * 2**17).nbytes
        def grow():
            kept = []
            while True:
                kept.append(bytearray(2**20))
        """
    )
    assert probe("use", 50, memory=100) == 50 * 2**20
    for name, args in (("use", (150,)), ("use", (10_000,)), ("grow", ())):
        problem = probe.problem(name, *args, memory=100)
        assert problem.kind == "memory"
        assert "more than the 100 MB" in str(problem)
        assert probe("use", 50, memory=100) == 50 * 2**20
    assert probe("use", 1000) == 1000 * 2**20
    assert probe.problem("use", 3000).kind == "memory"


def test_files_have_a_limit(open_probe: Opener) -> None:
    probe = open_probe(
        """
        def fill(mb, count):
            for i in range(count):
                with open(f"/tmp/{i}", "wb") as file:
                    for _ in range(mb):
                        file.write(bytes(2**20))
        def one():
            return 1
        """
    )
    assert probe("fill", 5, 1) is None
    for size, count in ((200, 1), (20, 10)):
        problem = probe.problem("fill", size, count)
        assert problem.error in ("OSError", "") or problem.outcome == "crashed"
        assert probe("one") == 1


def test_a_hand_in_leaves_no_trace_for_the_next(open_probe: Opener) -> None:
    source = """
    import builtins, os, sys, threading, time
    import numpy as np
    def leave():
        with open("/tmp/message", "w") as file:
            file.write("the answer is 42")
        os.environ["MESSAGE"] = "42"
        builtins.MESSAGE = 42
        np.MESSAGE = 42
        sys.modules["message"] = os
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        return os.listdir("/tmp")
    def find():
        return (
            os.listdir("/tmp"), "MESSAGE" in os.environ, hasattr(builtins, "MESSAGE"),
            hasattr(np, "MESSAGE"), "message" in sys.modules, threading.active_count(),
        )
    """
    first, second = open_probe(source), open_probe(source)
    clean = ([], False, False, False, False, 1)
    assert second("find") == clean
    assert first("leave") == ["message"]
    assert second("find") == clean  # side by side
    assert open_probe(source)("find") == clean  # and afterwards


LARGE = """
    import ctypes, mmap, os
    import numpy as np
    kept = []
    def change(x, y):
        x += 1
        y[...] = 7
        return x[::1000], y, x.flags.writeable
    def keep(x):
        kept.append(x)
        return len(kept)
    def descriptors():
        found = []
        for fd in range(3, 256):
            try:
                found.append((fd, os.fstat(fd).st_size))
            except OSError:
                pass
        return found
    def place(fd):
        return os.fstat(fd).st_dev, os.fstat(fd).st_ino
    def write(fd):
        tried = []
        for attempt in (
            lambda: os.pwrite(fd, b"x", 0),
            lambda: os.ftruncate(fd, 2**25),
            lambda: os.ftruncate(fd, 0),
            lambda: mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_WRITE),
            lambda: open(f"/proc/self/fd/{fd}", "r+b"),
        ):
            try:
                attempt()
                tried.append("done")
            except OSError as error:
                tried.append(error.errno)
        return tried
"""


@pytest.fixture(params=["alone", "sealed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How large arrays are passed: in a filesystem of their own, or, where none can be had, sealed.

    So each is tried, whatever this system has.
    """
    if request.param == "sealed":
        monkeypatch.setattr(passing, "_mount", refused)
        return "sealed"
    try:
        os.close(passing._mount(1))
    except OSError as error:
        pytest.skip(f"no filesystem of its own can be had here: {error}")
    monkeypatch.setattr(passing, "_sealed", refused)
    return "alone"


def refused(*_: Any) -> Any:
    raise PermissionError(errno.EPERM, "not here")


@pytest.mark.usefixtures("way")
def test_large_arrays_arrive_as_the_workers_own(open_probe: Opener) -> None:
    probe = open_probe(LARGE)
    x, y = np.arange(1_000_001.0), np.arange(300_000, dtype=np.int32)
    for _ in range(2):
        some, other, writeable = probe("change", x, y)
        assert np.array_equal(some, x[::1000] + 1)
        assert np.array_equal(other, np.full_like(y, 7))
        assert writeable
    assert x[5] == 5.0
    assert y[5] == 5
    assert probe("descriptors") == [(3, 0)]


def test_what_is_passed_can_be_read_and_no_more(open_probe: Opener, way: str) -> None:
    """While the worker keeps it, it has its descriptor: of a file that nobody can write to."""
    probe = open_probe(LARGE)
    x = np.ones(2**19)
    assert probe("keep", x) == 1
    (_, (file, size)) = probe("descriptors")
    assert size == x.nbytes
    expected = {
        "alone": [errno.EBADF, errno.EINVAL, errno.EINVAL, errno.EACCES, errno.ENOENT],
        "sealed": [errno.EPERM, errno.EPERM, errno.EPERM, errno.EPERM, errno.ENOENT],
    }
    assert probe("write", file) == expected[way]
    probe = open_probe(LARGE)
    assert probe("descriptors") == [(3, 0)]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("way", ["alone"], indirect=True)
def test_a_file_that_is_passed_does_not_tell_how_many_were(open_probe: Opener) -> None:
    """Files of one filesystem are counted by its inode numbers; each of ours is the first."""
    places = []
    for count in (1, 3):
        probe = open_probe(LARGE)
        for number in range(1, count + 1):
            assert probe("keep", np.ones(2**19)) == number
        places += [probe("place", file) for file, size in probe("descriptors") if size]
    assert len({inode for _, inode in places}) == 1
    assert len({device for device, _ in places}) == len(places)  # all are there at a time


def test_what_is_passed_to_one_worker_has_a_limit_and_the_rest_comes_another_way(
    open_probe: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.ones(2**19)
    monkeypatch.setattr(session, "ALL_PASSED_BYTES", 2 * x.nbytes)
    probe = open_probe(LARGE)
    for number in range(1, 5):
        assert probe("keep", x) == number
    assert len(probe("descriptors")) == 3


def test_a_system_without_sealed_memory_goes_without(
    open_probe: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "can_pass", lambda: False)
    probe = open_probe(LARGE)
    assert probe("keep", np.ones(2**19)) == 1
    assert probe("descriptors") == [(3, 0)]


def test_names_of_one_call_are_there_in_the_next(open_probe: Opener) -> None:
    probe = open_probe("calls = []\ndef probe(x):\n    calls.append(x)\n    return len(calls)")
    assert [probe("probe", 1), probe("probe", 2)] == [1, 2]


def test_a_warm_process_that_died_is_started_again(
    mechanism: Mechanism, open_probe: Opener
) -> None:
    with Zygote(mechanism) as fragile:
        probe = open_probe("def probe():\n    return 1", fragile)
        assert probe("probe") == 1
        process = fragile._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        fresh = open_probe("def probe():\n    return 2", fragile)
        assert fresh("probe") == 2


def test_ended_workers_leave_no_process(mechanism: Mechanism, open_probe: Opener) -> None:
    with Zygote(mechanism) as own:
        probe = open_probe(
            "import time\ndef probe():\n    time.sleep(60)\ndef one(): return 1", own
        )
        probe("one")
        busy = settled(own)
        probe.problem("probe", timeout=0.2)
        probe("one")
        assert settled(own) == busy
        probe.backend.__exit__()
        deadline = time.monotonic() + 5
        while len(behind(own)) >= busy and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(behind(own)) < busy
        left = behind(own)
    assert not psutil.wait_procs(left, timeout=5)[1]


def settled(zygote: Zygote) -> int:
    """Return how many processes a sandbox has once the next worker has been forked."""
    counts = [-1]
    while len(counts) < 10 or len(set(counts[-10:])) > 1:  # the same for half a second
        time.sleep(0.05)
        counts.append(len(behind(zygote)))
    return counts[-1]


def behind(zygote: Zygote) -> list[psutil.Process]:
    """Return all processes of a sandbox but the one that was started from here."""
    assert zygote._process is not None
    found: list[psutil.Process] = psutil.Process(zygote._process.pid).children(recursive=True)
    return found


def test_the_next_hand_in_starts_when_the_last_one_is_gone(open_probe: Opener) -> None:
    """Nobody waits for an end at once; the end of one is not taken for another's."""
    source = "import os\ndef one(): return 1\ndef leave(): os._exit(9)"
    for _ in range(5):
        first, second = open_probe(source), open_probe(source)
        first("one")
        second("one")
        zygote = first.backend._zygote
        first.backend.__exit__()
        assert zygote._leaving
        assert "exit code 9" in str(second.problem("leave"))
        second("one")
        assert not zygote._leaving


def test_a_worker_outlives_no_warm_process(mechanism: Mechanism, open_probe: Opener) -> None:
    """One that waits while a check with its own memory limit loses the sandbox is lost, too."""
    with Zygote(mechanism) as own:
        probe = open_probe("def one(): return 1", own)
        probe("one")
        probe("one", memory=300)
        assert own._process is not None
        ends = behind(own)
        own._process.kill()
        own._process.wait()
        psutil.wait_procs(ends, timeout=5)
        with pytest.raises(WorkerLost):
            probe("one", memory=300)
        probe("one", memory=400)  # in a new warm process
        with pytest.raises(WorkerLost):
            probe("one")


def test_the_next_worker_waits_from_the_last_ones_definitions_on(
    mechanism: Mechanism, open_probe: Opener
) -> None:
    with Zygote(mechanism) as own:
        first = open_probe("def one(): return 1", own)
        assert own._ahead is None
        first("one")
        waiting = own._ahead
        assert waiting is not None
        own.fork_ahead()
        assert own._ahead is waiting
        assert own.spawn(Limits()) is waiting
        assert own._ahead is None
        waiting.dismiss()
        assert first("one") == 1


def test_a_check_with_a_limit_of_its_own_leaves_the_general_worker_as_it_was(
    open_probe: Opener,
) -> None:
    probe = open_probe("seen = []\ndef note(x):\n    seen.append(x)\n    return list(seen)")
    assert probe("note", 1) == [1]
    assert probe("note", 2, memory=300) == [2]
    assert probe("note", 3) == [1, 3]
    assert probe("note", 4, memory=300) == [4]
    assert probe("note", 5, memory=300) == [4, 5]
    assert probe("note", 6) == [1, 3, 6]


def test_starting_a_worker_costs_milliseconds(open_probe: Opener) -> None:
    probe = open_probe("import os\ndef probe():\n    return os.times().user + os.times().system")
    before = os.times()
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    after = os.times()
    anew = after.children_user + after.children_system
    anew -= before.children_user + before.children_system
    assert probe("probe") < anew / 2


# Mechanisms --------------------------------------------------------------------------------------


def test_where_there_is_no_sandbox_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(Namespaces, "problem", lambda self: "it may not make namespaces")
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap") as caught:
        choose_mechanism()
    assert "--unsafe" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert choose_mechanism(unsafe=True).confines is False


def test_without_bubblewrap_the_process_itself_enters_its_namespaces(
    mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Namespaces().problem()
    if problem:
        pytest.skip(problem)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert choose_mechanism() == Namespaces()


def test_a_system_without_namespaces_is_a_problem_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = "import errno; raise PermissionError(errno.EPERM, 'unshare: not permitted')"
    monkeypatch.setattr(Namespaces, "_wall", lambda self, view, inner: view.python(refused))
    said = Namespaces().problem() or ""
    assert said.startswith("this system does not let processes make namespaces: PermissionError")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Namespaces().problem() == "namespaces need Linux"


def test_a_bubblewrap_that_may_not_make_namespaces_is_a_problem_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(fake))
    assert "Permission denied" in (Bubblewrap().problem() or "")


def test_other_systems_are_told_that_this_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Bubblewrap().problem() == "bubblewrap needs Linux"


def test_every_mechanism_offered_confines() -> None:
    assert [m.name for m in mechanisms()]
    assert all(m.confines for m in mechanisms())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to fork")
def test_without_a_wall_there_is_still_a_process_of_its_own(open_probe: Opener) -> None:
    source = """
    import os
    import numpy as np
    def about():
        return os.getpid(), dict(os.environ), os.listdir(".")
    def grow():
        return np.ones(10 * 2**27)
    def probe():
        while True:
            pass
    """
    with Zygote(Unconfined()) as plain:
        probe = open_probe(source, plain)
        pid, environment, files = probe("about")
        assert pid != os.getpid()
        assert set(environment) <= set(worker_environment())
        assert files == []
        assert probe.problem("grow").kind == "memory"
        assert probe.problem("probe", timeout=0.3).outcome == "timeout"
        assert probe("about")[0] != pid


def test_a_sandbox_that_does_not_start_says_so(mechanism: Mechanism) -> None:
    class Broken:
        name, confines = "broken", True

        def problem(self) -> None:
            return None

        def command(self, view: Any, control_fd: int) -> list[str]:
            return ["/bin/sh", "-c", "echo no such wall >&2; exit 1"]

        def filter(self) -> bytes:
            return b""

    with pytest.raises(SandboxUnavailable, match=r"broken.*no such wall"), Zygote(Broken()):
        pass


def verdict(number: int, *arguments: int, architecture: int = 0xC000003E) -> int:
    """Run the filter of x86_64 as the kernel does, on a system call: what it returns."""
    data = struct.pack("IIQ6Q", number, architecture, 0, *(*arguments, *[0] * 6)[:6])
    steps = list(struct.iter_unpack("HBBI", compiled_filter()))
    loaded, place = 0, 0
    while True:
        code, then, otherwise, value = steps[place]
        place += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (loaded,) = struct.unpack_from("I", data, value)
        else:
            tests = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}
            place += then if tests[code] else otherwise


ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


@pytest.fixture
def on_x86_64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    compiled_filter.cache_clear()
    yield
    compiled_filter.cache_clear()


@pytest.mark.usefixtures("on_x86_64")
def test_the_filter_allows_what_is_named_and_nothing_else() -> None:
    read, openat, socket, execve, clone, clone3, prlimit64 = 0, 257, 41, 59, 56, 435, 302
    assert {verdict(number) for number in (read, openat)} == {ALLOW}
    assert {verdict(number) for number in (socket, execve, 10_000)} == {EPERM}
    allowed = {n for n in range(1000) if n not in (clone, prlimit64) and verdict(n) == ALLOW}
    assert allowed == set(NUMBERS["x86_64"].values()) - {clone, clone3, prlimit64}
    assert verdict(clone3) == ENOSYS
    assert verdict(clone, 0x00010000 | 0x100) == ALLOW  # a thread
    assert verdict(clone, 17) == EPERM  # a process
    assert verdict(prlimit64, 0, 7, 0) == ALLOW
    assert verdict(prlimit64, 0, 7, 0x7FFF_0000_1000) == verdict(prlimit64, 0, 7, 1 << 32) == EPERM


@pytest.mark.usefixtures("on_x86_64")
def test_the_filter_knows_other_interfaces_of_the_same_kernel() -> None:
    """Of 32 bits, where 0 is no read and 11 is execve; and x32, with a bit in the number."""
    assert verdict(0, architecture=0x40000003) == KILL
    assert verdict(0x40000000) == EPERM


def test_a_machine_that_the_policy_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    compiled_filter.cache_clear()
    assert "this machine is riscv64" in (Namespaces().problem() or "")
    compiled_filter.cache_clear()


@pytest.mark.parametrize("known", [0, 1, 3, 4, 5, 6, 7])
def test_landlock_asks_for_what_the_kernel_knows(
    monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    """Each version of the interface takes the rights and the size of its own time."""
    asked: list[Any] = []

    def syscall(what: str, number: int, *arguments: Any) -> int:
        asked.append((what, *arguments))
        return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(landlock, "version", lambda: known)
    monkeypatch.setattr(landlock, "syscall", syscall)
    monkeypatch.setattr(landlock, "prctl", lambda *_: 0)
    landlock.lock()
    if not known:
        assert asked == []
        return
    (what, _, size, _), *rules, restrict = asked
    assert what == "landlock ruleset"
    assert size == {1: 8, 3: 8, 4: 16, 5: 16, 6: 24, 7: 24}[known]
    assert [rule[0] for rule in rules] == ["landlock rule /tmp", "landlock rule /dev/null"]
    assert restrict[0] == "landlock restrict"


def test_limits_are_generous_by_default() -> None:
    assert Limits().memory == 2 * 2**30
