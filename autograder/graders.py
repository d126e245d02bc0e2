"""Who grades hand-ins: processes of this machine, each with a warm sandbox of its own.

A :class:`Order` is all that is needed to grade one notebook, wherever that happens; what comes back
is a report. Orders go out a few at a time, so that a class of any size needs the memory of a few
hand-ins. :mod:`autograder.cluster` has graders on other machines.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from .course import Course
from .errors import UserError
from .grading import GRADER_VERSION, grade_handin
from .handin import Unreadable
from .report import CheckResult, Report
from .sandbox import Mechanism, Zygote
from .startup import settle, share_cores

__all__ = ["Graders", "Order", "carry_out", "grader_pool", "local_graders"]

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """One notebook to grade: whose, of which exercise and suite, its bytes or why there are none.

    ``keep`` are results of an earlier run that stand, ``grader`` is what the report is to say
    of how it was made beside what grading itself says.
    """

    exercise: str
    suite: str
    student: str
    secret: bytes = field(repr=False)
    content: bytes | Unreadable = field(repr=False)
    keep: tuple[CheckResult, ...] = ()
    grader: dict[str, str] = field(default_factory=dict)
    version: str = GRADER_VERSION


def carry_out(order: Order, course: Course, zygote: Zygote) -> Report:
    """Grade one notebook by the course's own suite.

    Raises
    ------
    UserError
        If that is not the suite, or this not the grader, that was asked for.
    """
    (exercise,) = course.select(order.exercise)
    if (exercise.suite, GRADER_VERSION) != (order.suite, order.version):
        raise UserError(
            f"{exercise.id} on {socket.gethostname()} ({course.root}) is another suite than here: "
            f"{exercise.suite[:12]} of grader {GRADER_VERSION} instead of {order.suite[:12]} of "
            f"{order.version}. Bring its course folder to the same state."
        )
    report = grade_handin(exercise, order.content, order.student, zygote, order.secret, order.keep)
    return replace(report, grader={**report.grader, **order.grader})


class Graders:
    """Give orders to an executor, and hand on what comes back.

    Parameters
    ----------
    executor
        Its processes have been through :func:`grader_pool`'s start.
    width
        How many orders may be out at a time, asked anew whenever one is done.
    """

    def __init__(self, executor: Executor, width: Callable[[], int]) -> None:
        self._executor = executor
        self._width = width

    def grade(self, orders: Iterable[tuple[T, Order]]) -> Iterator[tuple[T, Report]]:
        """Return the report of each order beside what it came with, as they are done."""
        rest = iter(orders)
        out: dict[Future[Report], T] = {}
        try:
            while True:
                for name, order in islice(rest, max(0, self._width() - len(out))):
                    out[self._executor.submit(grade_here, order)] = name
                if not out:
                    return
                for future in wait(out, return_when=FIRST_COMPLETED).done:
                    yield out.pop(future), future.result()
        except BrokenProcessPool as error:
            raise UserError(
                "A grading process ended unexpectedly; run the same command again: "
                "what was graded stands."
            ) from error
        finally:
            for future in out:
                future.cancel()


@contextmanager
def local_graders(course: Course, mechanism: Mechanism, jobs: int = 2) -> Iterator[Graders]:
    """Grade on this machine, `jobs` hand-ins at a time."""
    with grader_pool(course.root, mechanism, jobs) as pool:
        try:
            yield Graders(pool, lambda: 2 * jobs)
        finally:
            pool.shutdown(cancel_futures=True)


def grader_pool(root: Path, mechanism: Mechanism, jobs: int) -> ProcessPoolExecutor:
    """Return processes that can :func:`grade_here`, started when they are first needed."""
    # Not forked from this process, which holds a database connection and threads, but from a
    # helper that has loaded the engine once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.grading"])
    return ProcessPoolExecutor(jobs, context, _start, (root, mechanism, jobs))


class _Here:
    """What a grading process keeps between hand-ins."""

    course: Course
    zygote: Zygote
    exercise = ""


def grade_here(order: Order) -> Report:
    """Carry out an order in a process of :func:`grader_pool`.

    It keeps the suite of one exercise at a time.
    """
    if _Here.exercise not in ("", order.exercise):
        (last,) = _Here.course.select(_Here.exercise)
        last.forget()
    _Here.exercise = order.exercise
    return carry_out(order, _Here.course, _Here.zygote)


def _start(root: Path, mechanism: Mechanism, jobs: int) -> None:
    threading.Thread(target=_end_with_the_grader, daemon=True).start()
    share_cores(jobs)
    _Here.course = Course(root)
    _Here.zygote = Zygote(mechanism, hidden=(root,))
    _Here.zygote.__enter__()
    settle()
    # The pool ends its processes without a word; the zygote dies with its parent's socket.


def _end_with_the_grader() -> None:
    """End this process when the one that gives it work is gone, killed perhaps.

    It would else wait for work for ever, and keep the helper that forked it from ending, too.
    """
    grader = multiprocessing.parent_process()
    if grader is not None:
        grader.join()
        os._exit(1)
