from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from autograder.watch import TookTooLong, time_limit


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """Put back whatever timer runs outside: pytest has one of its own."""
    handler = signal.getsignal(signal.SIGALRM)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, left)


def test_what_takes_too_long_is_interrupted() -> None:
    start = time.monotonic()
    with pytest.raises(TookTooLong, match=r"longer than 0\.1 s"), time_limit(0.1):
        time.sleep(30)
    with pytest.raises(TookTooLong), time_limit(0.1):
        sum(i for i in itertools.count())
    assert time.monotonic() - start < 10


def test_what_is_quick_is_let_be() -> None:
    with time_limit(0.2):
        done = True
    time.sleep(0.3)
    assert done


def test_an_ordinary_handler_does_not_swallow_it() -> None:
    def stubborn() -> None:
        try:
            time.sleep(30)
        except Exception:
            time.sleep(30)

    with pytest.raises(TookTooLong), time_limit(0.1):
        stubborn()


def test_an_exception_passes_and_the_timer_is_off() -> None:
    with pytest.raises(KeyError), time_limit(0.2):
        raise KeyError
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_timer_that_ran_before_goes_on_with_what_it_has_left() -> None:
    def nested() -> None:
        with time_limit(10):
            time.sleep(0.1)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 0.4
        time.sleep(30)

    with pytest.raises(TookTooLong, match=r"0\.4 s"), time_limit(0.4):
        nested()


def test_elsewhere_than_in_the_main_thread_there_is_no_limit() -> None:
    done = []

    def work() -> None:
        with time_limit(0.01):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
