"""A time limit for the grader's own code, where it works on values that a hand-in made."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["TookTooLong", "time_limit"]


class TookTooLong(BaseException):
    """The code under a :func:`time_limit` ran longer than allowed.

    Derived from ``BaseException`` so that ``except Exception`` on the way out lets it through.
    """


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TookTooLong` in the body once it has run for ``seconds`` of wall-clock time.

    In the main thread only, where signals arrive; elsewhere the body runs without a limit. A timer
    that is running already goes on afterwards with what it has left.

    Examples
    --------
    >>> with time_limit(0.01):
    ...     time.sleep(1)
    Traceback (most recent call last):
        ...
    autograder.watch.TookTooLong: ran longer than 0.01 s
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(*_: object) -> NoReturn:
        raise TookTooLong(f"ran longer than {seconds:g} s")

    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, expire)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            rest = left - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(rest, 1e-3))
