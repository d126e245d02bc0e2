"""How much memory the trusted processes of a running command have: its own and its graders'."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Peaks", "watched"]

_SECONDS = 0.2
_SANDBOXED = (b"bwrap", b"worker.wall", b"worker.zygote")


@dataclass
class Peaks:
    """The most megabytes that the process itself had, and that any one of its graders had."""

    own: float = 0.0
    grader: float = 0.0


@contextmanager
def watched(pid: int) -> Iterator[Peaks]:
    """Look at a process and what it started while the body runs, and keep the peaks."""
    peaks, stop = Peaks(), threading.Event()

    def watch() -> None:
        while not stop.wait(_SECONDS):
            peaks.own = max(peaks.own, _peak(pid))
            for other in _trusted_children(pid):
                peaks.grader = max(peaks.grader, _peak(other))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


def _trusted_children(pid: int) -> list[int]:
    """Return all that a process started, but for what is behind a wall."""
    found = []
    for child in _read(Path(f"/proc/{pid}/task/{pid}/children")).split():
        command = _read(Path(f"/proc/{int(child)}/cmdline"))
        if not any(word in command for word in _SANDBOXED):
            found += [int(child), *_trusted_children(int(child))]
    return found


def _peak(pid: int) -> float:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""
