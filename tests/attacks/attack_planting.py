"""A course and a machine with canaries in everything that no hand-in may see."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course, Exercise

__all__ = ["Canaries", "Planted", "plant"]

TINY = Path(__file__).parent.parent / "autograder" / "course"

MORE_CHECKS = '''

@check(points=2, of="row_means", timeout=2)
def callbacks_are_called(student, rng):
    """A function that is passed in is used."""
    X = rng.normal(3.0, 1.0, size=(3, 4))

    def ask(i):
        return X[int(i)]

    assert_close(student.row_means_by(ask, 3), oracle.row_means(X), name="row_means_by(ask, X)")


@check(points=2, of="row_means", timeout=2)
def caches_are_kept(student, rng):
    """What is kept for later is still there."""
    X = rng.normal(3.0, 1.0, size=(4, 3))
    _, cache = student.row_means_and_cache.holding(1)(X)
    assert_close(
        student.row_means_from(cache), oracle.row_means(X), name="row_means_from(cache)"
    )
'''

MORE_SOLUTIONS = """
def row_means_by(ask, n):
    ### BEGIN SOLUTION
    return np.array([ask(i).mean() for i in range(n)])
    ### END SOLUTION


def row_means_and_cache(X):
    ### BEGIN SOLUTION
    return X[:, 0], (X, None)
    ### END SOLUTION


def row_means_from(cache):
    ### BEGIN SOLUTION
    return cache[0].mean(axis=1)
    ### END SOLUTION
"""


@dataclass
class Planted:
    """A course whose every secret can be recognised, and places outside it that hold canaries."""

    root: Path
    exercise: Exercise
    secret: bytes
    tokens: dict[str, str]

    def leaks(self, *texts: str) -> list[str]:
        """Return the places whose canary is in one of the texts, as it is or thinly disguised."""
        whole = "\n".join(texts)
        found = []
        for place, token in self.tokens.items():
            forms = (token, token[::-1], token.encode().hex(), " ".join(token))
            found += [place for form in forms if form in whole]
        return found


class Canaries:
    """Makes words that nothing else contains, and remembers where they were put."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        self.tokens[place] = secrets.token_hex(12)
        return f"canary:{self.tokens[place]}"


@contextlib.contextmanager
def plant(root: Path) -> Iterator[Planted]:
    """Copy the tiny course to ``root`` and put a canary into everything that nobody may see."""
    shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__"))
    canary = Canaries()
    folder = root / "assignments" / "t1" / "mean"
    for name in ("checks", "oracle", "misconceptions", "styles/loops"):
        file = folder / f"{name}.py"
        more = MORE_CHECKS if name == "checks" else ""
        word = canary(name)
        file.write_text(f"# {word}\n{file.read_text()}{more}\n\nHIDDEN = {word!r}\n")
    _into_the_notebook(folder / "notebook.py", canary)
    others = {
        "submitted/ada/t1/mean.ipynb": json.dumps({"cells": [], "hers": canary("her hand-in")}),
        "reports/ada/t1/mean.json": canary("her report"),
        "gradebook.db": canary("the gradebook"),
    }
    secret = secrets.token_bytes(32)
    canary.tokens["the secret"] = secret.hex()
    others[".autograder-secret"] = f"{secret.hex()}\n{canary('beside the secret')}"
    for name, text in others.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with _in_this_process(canary), _shared_files(canary), _neighbour(canary), _services(canary):
        yield Planted(root, Course(root).select("t1/mean")[0], secret, canary.tokens)


def _into_the_notebook(path: Path, canary: Canaries) -> None:
    end, answer = "    ### END SOLUTION", "# The mean times"
    text = path.read_text()
    assert text.count(end) == 2
    assert text.count(answer) == 1
    text = text.replace(end, f"    # {canary('the solution')}\n{end}")
    text = text.replace("### END SOLUTION\n", f"### END SOLUTION\n\n{MORE_SOLUTIONS}", 1)
    path.write_text(text.replace(answer, f"# {canary('the model answer')} {answer[2:]}"))


@contextlib.contextmanager
def _in_this_process(canary: Canaries) -> Iterator[None]:
    """Canaries in the grader's own environment and memory."""
    os.environ["CANARY"] = canary("the grader's environment")
    memory = [canary("the grader's memory").encode() * 1000]
    yield
    del os.environ["CANARY"], memory


@contextlib.contextmanager
def _shared_files(canary: Canaries) -> Iterator[None]:
    """Canaries in files that every process of this machine may read."""
    folders = [Path(f) for f in ("/tmp", "/dev/shm", "/var/tmp") if os.access(f, os.W_OK)]  # noqa: S108
    paths = [folder / f"canary-{os.getpid()}" for folder in folders]
    for path in paths:
        path.write_text(canary(str(path)))
    try:
        yield
    finally:
        for path in paths:
            path.unlink()


@contextlib.contextmanager
def _neighbour(canary: Canaries) -> Iterator[None]:
    """Canaries in the argv and the environment of another process of the grader's user."""
    argv = [sys.executable, "-c", "input()", canary("another process's argv")]
    environment = {"CANARY": canary("another process's environment")}
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE) as process:
        yield
        process.kill()


@contextlib.contextmanager
def _services(canary: Canaries) -> Iterator[None]:
    """Canaries behind servers on this machine that tell them to whoever connects."""
    listeners = [socket.create_server(("127.0.0.1", 0))]
    if sys.platform == "linux":
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(f"\0canary-{os.getpid()}")
        listeners[-1].listen()
    for i, listener in enumerate(listeners):
        word = canary(f"the service {i}").encode()
        threading.Thread(target=_tell, args=(listener, word), daemon=True).start()
    yield
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _tell(listener: socket.socket, word: bytes) -> None:
    with contextlib.suppress(OSError):  # closed at the end
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(word)
