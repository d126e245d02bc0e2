"""Run the blocks of a layer on a few threads, each with one BLAS thread.

NumPy and BLAS let go of the interpreter lock while they compute, so plain threads are enough. BLAS'
own threads are switched off meanwhile: they split every small matrix product across all cores and
meet at a barrier after each, which costs more than the product, whereas blocks of whole images meet
once per layer.

A layer's result must not depend on the machine, so nothing here decides *what* is computed: the
caller cuts its work into blocks by shape alone, and threads only decide who computes which.
"""

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["IN_PLACE", "Scratch", "available_threads", "cut", "run_blocks", "sum_per_channel"]

FloatArray = npt.NDArray[np.floating[Any]]

MAX_THREADS = 8

# A buffer size that makes elementwise functions work in place. NumPy copies their operands through
# buffers of 8,192 elements if they are rows shorter than that, which on rows of a few hundred takes
# three times as long as the arithmetic; on rows of less than fifty it pays. The least it accepts.
IN_PLACE = 16


class Scratch:
    """Work arrays of one thread, kept by name from block to block.

    A fresh array costs a page fault per 4 KB, more than most of what is computed in it; a reused
    one is still in the cache.
    """

    def __init__(self) -> None:
        self._memory: dict[str, FloatArray] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def empty(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> FloatArray:
        """Return an array of the shape; what it holds is left from an earlier use."""
        size = int(np.prod(shape))
        memory = self._memory.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = self._memory[name] = np.empty(size, dtype)
        self._shapes[name] = shape
        return memory[:size].reshape(shape)

    def bordered(
        self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike, fill: float = 0.0
    ) -> FloatArray:
        """Return an array that held `fill` everywhere when it last had another shape or none.

        For arrays of which every block writes the same interior and no block the border.
        """
        same = self._shapes.get(name) == shape and self._memory[name].dtype == dtype
        array = self.empty(name, shape, dtype)
        if not same:
            array.fill(fill)
        return array


class _Pool:
    """The process' helper threads and the hold on its BLAS threads; empty again after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.executor: ThreadPoolExecutor | None = None
        self.blas: Any = None
        self.holders = 0
        self.released: list[tuple[Any, int]] = []

    def blas_threads(self) -> int | None:
        """Return how many threads BLAS may use outside of this package; None if it does not say."""
        with self.lock:
            if self.holders:
                counts = [count for _, count in self.released]
            else:
                counts = [library.get_num_threads() for library in self._libraries()]
        return max(counts, default=None)

    def _libraries(self) -> list[Any]:
        if self.blas is None:
            self.blas = ThreadpoolController().select(user_api="blas").lib_controllers
        return list(self.blas)

    @contextmanager
    def single_threaded_blas(self) -> Iterator[None]:
        """Hold BLAS at one thread; the last of several concurrent holders gives the others back."""
        with self.lock:
            if self.holders == 0:
                self.released = [(lib, lib.get_num_threads()) for lib in self._libraries()]
                for library, _ in self.released:
                    library.set_num_threads(1)
            self.holders += 1
        try:
            yield
        finally:
            with self.lock:
                self.holders -= 1
                if self.holders == 0:
                    self.restore_blas()

    def restore_blas(self) -> None:
        for library, count in self.released:
            library.set_num_threads(count)

    def submit(self, work: Callable[[], None]) -> "Future[None]":
        with self.lock:
            if self.executor is None:
                self.executor = ThreadPoolExecutor(MAX_THREADS - 1, "fast-layers")
        return self.executor.submit(work)


_pool = _Pool()


def _forget_pool_after_fork() -> None:
    # Threads do not survive a fork, locks survive it locked, and BLAS' setting is inherited.
    global _pool
    if _pool.holders:
        _pool.restore_blas()
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget_pool_after_fork)


def available_threads() -> int:
    """Return how many threads a layer may use.

    The cores this process may run on, but no more than BLAS may use, so that the usual settings
    (``OPENBLAS_NUM_THREADS=1``, ``threadpoolctl.threadpool_limits(1)``) hold here too, and at most
    eight.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _pool.blas_threads() or MAX_THREADS, MAX_THREADS)


def cut(size: int, step: int) -> list[slice]:
    """Cut a range from 0 to `size` into slices of `step`, the last of which may be shorter."""
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


def sum_per_channel(maps: FloatArray) -> FloatArray:
    """Sum maps (N, C, H, W) over images and pixels.

    A product with ones: NumPy's own sum of short rows takes three to ten times as long.
    """
    rows = maps.reshape(*maps.shape[:2], maps.shape[2] * maps.shape[3])
    total: FloatArray = np.matmul(rows, np.ones(rows.shape[2], maps.dtype)).sum(axis=0)
    return total


def run_blocks(
    compute: Callable[[int, Scratch], None],
    count: int,
    *,
    buffer_size: int | None = None,
    most_threads: int = MAX_THREADS,
) -> None:
    """Call ``compute(index, scratch)`` for each index below `count`, in any order, on threads.

    Parameters
    ----------
    compute
        Computes one block and writes it where no other block writes. `scratch` is its thread's.
    count
        Number of blocks.
    buffer_size
        NumPy's buffer for elementwise functions meanwhile, in elements; None to leave it.
    most_threads
        Threads to use at most (but one), for blocks that need much scratch memory.

    Raises
    ------
    Exception
        What `compute` raised first; blocks not yet begun are then left out.
    """
    pool = _pool
    indices = iter(range(count))
    take = threading.Lock()

    def work() -> None:
        scratch = Scratch()
        old_buffer_size = np.setbufsize(buffer_size or np.getbufsize())
        try:
            while True:
                with take:
                    index = next(indices, None)
                if index is None:
                    return
                compute(index, scratch)
        except BaseException:
            with take:
                for _ in indices:
                    pass
            raise
        finally:
            np.setbufsize(old_buffer_size)

    threads = max(1, min(count, most_threads, available_threads()))
    with pool.single_threaded_blas():
        # A copy of the context brings the caller's np.errstate along.
        helpers = [
            pool.submit(partial(contextvars.copy_context().run, work)) for _ in range(threads - 1)
        ]
        try:
            work()
        finally:
            # A helper that has not begun has nothing left to do; one that has must end, because it
            # writes into the caller's arrays.
            failures = [h.exception() for h in helpers if not h.cancel()]
    for failure in failures:
        if failure is not None:
            raise failure
