"""Threads: everything is computed once, errors arrive, BLAS gets its threads back, forks work."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cs231n_lib.fast_layers import _threads, conv_backward_fast, conv_forward_fast


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def layer(rng):
    x, w = rng.standard_normal((16, 16, 8, 8)), rng.standard_normal((16, 16, 3, 3))
    out, cache = conv_forward_fast(x, w, np.zeros(16), {"pad": 1})
    return out, *conv_backward_fast(out, cache)


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_every_block_once(count, threads, monkeypatch):
    monkeypatch.setattr(_threads, "available_threads", lambda: threads)
    times = np.zeros(count, int)

    def compute(index, scratch):
        times[index] += 1

    _threads.run_blocks(compute, count)
    assert (times == 1).all()


def test_blas_has_one_thread_meanwhile_and_all_after():
    before = blas_threads()
    seen = []
    _threads.run_blocks(lambda index, scratch: seen.append(blas_threads()), 2)
    assert seen
    assert all(count == 1 for counts in seen for count in counts)
    assert blas_threads() == before


def test_a_limit_on_blas_limits_the_layers():
    with threadpool_limits(1, "blas"):
        assert _threads.available_threads() == 1
    assert 1 <= _threads.available_threads() <= _threads.MAX_THREADS


@pytest.mark.parametrize("failing", [0, 5, 99])
def test_an_error_in_a_block_arrives(failing, monkeypatch):
    monkeypatch.setattr(_threads, "available_threads", lambda: 4)
    before = blas_threads()

    def compute(index, scratch):
        if index == failing:
            raise MemoryError(f"block {index}")

    with pytest.raises(MemoryError, match=f"block {failing}"):
        _threads.run_blocks(compute, 100)
    assert blas_threads() == before
    _threads.run_blocks(lambda index, scratch: None, 100)


def test_floating_point_settings_reach_all_threads(rng, monkeypatch):
    monkeypatch.setattr(_threads, "available_threads", lambda: 4)
    x = np.full((16, 3, 8, 8), 1e38, np.float32)
    w = np.full((4, 3, 3, 3), 1e38, np.float32)
    started = threading.Barrier(4, timeout=20)

    def overflow(index, scratch):
        started.wait()
        np.multiply(x, w[0, 0, 0, 0])

    buffer = np.getbufsize()
    with np.errstate(over="ignore"):
        _threads.run_blocks(overflow, 4)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        _threads.run_blocks(overflow, 4)
    assert np.getbufsize() == buffer


def test_scratch_is_reused_and_borders_stay():
    scratch = _threads.Scratch()
    first = scratch.bordered("x", (4, 4), np.float32, -1.0)
    first[1:-1, 1:-1] = 5
    again = scratch.bordered("x", (4, 4), np.float32, -1.0)
    assert np.shares_memory(first, again)
    assert (again[0] == -1).all()
    other = scratch.bordered("x", (2, 4), np.float32, -1.0)
    assert np.shares_memory(first, other)
    assert (other == -1).all()
    assert scratch.bordered("x", (2, 4), np.float64).dtype == np.float64


def test_layers_in_many_threads_at_once():
    before = blas_threads()
    expected = layer(np.random.default_rng(7))
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: layer(np.random.default_rng(7)), range(24)))
    for result in results:
        for actual, wanted in zip(result, expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)
    assert blas_threads() == before


def in_a_fork(compute):
    """Return the bytes that compute() returns in a forked child."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forks beside threads: that they work is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.write(writing, compute())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_layers_work_in_a_fork(monkeypatch):
    monkeypatch.setattr(_threads, "available_threads", lambda: 3)
    expected = layer(np.random.default_rng(7))
    answer = in_a_fork(lambda: layer(np.random.default_rng(7))[2].tobytes())
    assert answer == expected[2].tobytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_amid_a_layer_gets_its_blas_threads_back(monkeypatch):
    monkeypatch.setattr(_threads, "available_threads", lambda: 3)
    before = blas_threads()
    expected = layer(np.random.default_rng(7))
    answers = []
    started, answered = threading.Barrier(3, timeout=20), threading.Event()

    def child():
        return bytes([blas_threads() == before]) + layer(np.random.default_rng(7))[2].tobytes()

    def compute(index, scratch):
        started.wait()
        if threading.current_thread() is threading.main_thread():
            answers.append(in_a_fork(child))
            answered.set()
        assert answered.wait(timeout=20)

    _threads.run_blocks(compute, 3)
    assert answers == [b"\x01" + expected[2].tobytes()]
