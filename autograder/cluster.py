"""Grade on many machines: ``autograder grade --cluster tcp://…`` and ``autograder worker tcp://…``.

A ``dask.distributed`` scheduler hands orders to workers and, where a worker is lost, its orders to
another. Each worker is a clone of the course with the same suite, and grades in the same sandbox as
a single machine does; results come back to the one writer. Scheduler and workers believe each
other, so the network between them has to be one that only instructors reach, or dask's own TLS has
to be set up (``tls://…``).
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from .course import Course
from .errors import UserError
from .graders import Graders, grader_pool
from .sandbox import Mechanism

__all__ = ["cluster_graders", "serve"]

# How long to wait for the scheduler's answer, and for a first worker.
CONNECT_SECONDS, WORKER_SECONDS = 10.0, 60.0
RETRIES = 2

T = TypeVar("T")


@contextmanager
def cluster_graders(address: str) -> Iterator[Graders]:
    """Grade on the workers of a cluster.

    Raises
    ------
    UserError
        If the extra is not installed, no scheduler answers, it has no worker, or a worker has
        another suite.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(
            address, timeout=CONNECT_SECONDS, set_as_default=False, name="autograder"
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"No dask scheduler answers at {address} ({str(error).splitlines()[0]}); "
            "start one with `dask scheduler`."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise UserError(
                f"The scheduler at {address} has no worker; start some with "
                f"`autograder worker {address}` in a clone of the course."
            ) from error
        executor = client.get_executor(pure=False, retries=RETRIES)
        try:
            yield Graders(executor, lambda: max(2, 2 * sum(client.nthreads().values())))
        except distributed.KilledWorker as error:
            raise UserError(
                f"Workers ended again and again over one hand-in ({error.task}); what was graded "
                "stands."
            ) from error
        finally:
            executor.shutdown(wait=False)


def serve(
    course: Course, mechanism: Mechanism, address: str, jobs: int, tell: Callable[[str], None]
) -> None:
    """Be a worker of the cluster until its scheduler closes it.

    Raises
    ------
    UserError
        If the extra is not installed, no scheduler answers, or a grading process ended: what this
        worker was at then goes to another.
    """
    distributed = _distributed()
    with grader_pool(course.root, mechanism, jobs) as pool:
        watched = _Watched(pool)

        async def work() -> None:
            try:
                worker = await distributed.Worker(
                    address,
                    nthreads=jobs,
                    executor=watched,
                    dashboard=False,
                    death_timeout=CONNECT_SECONDS,
                )
            except (OSError, ValueError, RuntimeError) as error:
                raise UserError(f"No dask scheduler answers at {address}.") from error
            watched.when_broken = partial(
                worker.loop.add_callback, worker.close, executor_wait=False
            )
            tell(f"Grading for {address}, {jobs} at a time; Ctrl+C ends it.")
            await worker.finished()

        asyncio.run(work())
        if watched.broken:
            raise UserError(
                "A grading process ended unexpectedly, and this worker with it; start it again."
            )


class _Watched(Executor):
    """A pool whose loss ends the worker: an order that it was at is lost, not failed."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self.broken = False
        self.when_broken: Callable[[], object] = lambda: None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have a function called in the pool."""
        outer: Future[T] = Future()
        outer.set_running_or_notify_cancel()

        def done(inner: Future[T]) -> None:
            error = None if inner.cancelled() else inner.exception()
            if inner.cancelled() or isinstance(error, BrokenProcessPool):
                self.broken |= not inner.cancelled()
                self.when_broken()
            elif error is not None:
                outer.set_exception(error)
            else:
                outer.set_result(inner.result())

        try:
            self._pool.submit(fn, *args, **kwargs).add_done_callback(done)
        except BrokenProcessPool:  # before this worker has ended: the order waits for another one
            self.broken = True
            self.when_broken()
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the pool."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _distributed() -> Any:
    if importlib.util.find_spec("distributed") is None:
        raise UserError("Grading on a cluster needs dask: pip install 'cs231n-companion[cluster]'.")
    import distributed

    return distributed
