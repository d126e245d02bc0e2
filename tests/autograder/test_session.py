from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.calls import CallProblem, Held
from autograder.sandbox import WorkerLost
from autograder.session import Session
from autograder.worker.values import Encoder, read_frame, write_frame

Peer = Callable[[socket.socket], None]


class FakeWorker:
    """A worker whose other end is played by a function: it may answer whatever it likes."""

    def __init__(self, channel: socket.socket, status: int | None) -> None:
        self.channel = channel
        self.lost = False
        self.status = status
        self.ended = 0

    def dismiss(self) -> None:
        self.end()

    def end(self) -> int | None:
        self.ended += 1
        self.channel.close()
        return self.status


@pytest.fixture
def against() -> Iterator[Callable[..., Session]]:
    """Return a session whose worker is played by a function of the connection."""
    running: list[tuple[threading.Thread, socket.socket]] = []

    def start(peer: Peer, status: int | None = None, seconds: float = 10.0) -> Session:
        ours, theirs = socket.socketpair()

        def play() -> None:
            with theirs:
                try:
                    peer(theirs)
                except (OSError, EOFError):
                    pass

        thread = threading.Thread(target=play)
        thread.start()
        running.append((thread, ours))
        session = Session(FakeWorker(ours, status), {"f": "def f():\n    return 1"}, 100)  # type: ignore[arg-type]
        session.allow(seconds)
        return session

    yield start
    for thread, ours in running:
        ours.close()
        thread.join(20)
        assert not thread.is_alive()


def frame(message: Any) -> bytes:
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">QQ", len(text), 0) + text


SEQ = "the number of the request"


def answering(*messages: Any) -> Peer:
    """Read a request, then send these frames, raw but for its number where they name it."""

    def peer(channel: socket.socket) -> None:
        header, _ = read_frame(channel)
        for message in messages:
            if isinstance(message, dict) and message.get("seq") == SEQ:
                message = {**message, "seq": header["seq"]}
            channel.sendall(frame(message))
        time.sleep(0.05)

    return peer


def test_a_value_comes_back(against: Callable[..., Session]) -> None:
    session = against(answering({"value": [1, 2.5], "seq": SEQ, "printed": "hi", "lengths": []}))
    assert session.request("f", "call") == [1, 2.5]
    assert session.printed == "hi"


def test_handles_come_back_as_held(against: Callable[..., Session]) -> None:
    node = {"t": "handle", "id": 3, "type": "Net\x1b[31m" + "x" * 1000}
    held = against(answering({"value": node, "seq": SEQ, "lengths": []})).request("f", "call")
    assert held == Held(3)
    assert held.type_name.startswith("Net[31mxxx")
    assert len(held.type_name) == 100


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        [],
        {"value": 1},
        {"value": 1, "seq": SEQ, "lengths": [3]},
        {"value": {"t": "handle"}, "seq": SEQ, "lengths": []},
        {"value": {"t": "handle", "id": "3", "type": "x"}, "seq": SEQ, "lengths": []},
        {"value": {"t": "handle", "id": True, "type": "x"}, "seq": SEQ, "lengths": []},
        {"value": {"t": "function", "name": "open"}, "seq": SEQ, "lengths": []},
        {"value": {"t": "callback", "id": 0}, "seq": SEQ, "lengths": []},
        {"value": {"t": "pickle", "v": ""}, "seq": SEQ, "lengths": []},
        {"value": 1, "seq": 2, "lengths": []},
        {"value": 1, "seq": None, "lengths": []},
        {"value": 1, "seq": [0], "lengths": []},
        {"value": 1, "seq": 1.0, "lengths": []},
        {"value": 1, "lengths": []},
        {
            "callback": 0,
            "args": {"t": "tuple", "v": []},
            "kwargs": {"t": "dict", "v": []},
            "lengths": [],
        },
        {"callback": -1, "args": {"t": "tuple", "v": []}, "lengths": []},
        {"callback": True, "lengths": []},
        {"callback": {"t": "tuple", "v": []}, "seq": SEQ, "lengths": []},
    ],
    ids=lambda m: str(m)[:60],
)
def test_an_answer_that_is_none_ends_the_worker_as_a_crash(
    against: Callable[..., Session], message: Any
) -> None:
    session = against(answering(message))
    with pytest.raises(CallProblem) as caught:
        session.request("f", "call")
    assert (caught.value.outcome, caught.value.kind) == ("crashed", "crash")
    assert str(caught.value).startswith("`f` ")
    assert not session.alive
    assert session.worker.ended == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "error",
    [
        None,
        3,
        [],
        {},
        {"type": 3, "message": None, "frames": 5, "not_defined": 1},
        {"type": {"t": "int", "v": "0x" + "f" * 2000}, "message": {"t": "tuple", "v": [1]}},
        {"frames": [1, None, {"cell": 3}, {"cell": "f", "line": "x"}, {"cell": "g", "line": 1}]},
        {"frames": [{"t": "dict", "v": [["cell", "f"], ["line", 10**9]]}]},
        {"frames": [{"t": "dict", "v": [["cell", "f"], ["line", -3]]}]},
        {
            "frames": [
                {"t": "dict", "v": [["cell", "f"], ["line", {"t": "int", "v": "0xffff" * 400}]]}
            ]
        },
    ],
    ids=lambda e: str(e)[:50],
)
def test_an_error_of_any_form_is_a_failure_in_words(
    against: Callable[..., Session], error: Any
) -> None:
    if isinstance(error, dict):
        error = {"t": "dict", "v": [[key, value] for key, value in error.items()]}
    session = against(answering({"error": error, "seq": SEQ, "lengths": []}))
    with pytest.raises(CallProblem) as caught:
        session.request("f", "call")
    assert caught.value.outcome in ("failed", "crashed")
    assert len(str(caught.value)) < 1500


def fields(**values: Any) -> dict[str, Any]:
    frames = [{"t": "dict", "v": [[k, v] for k, v in f.items()]} for f in values.pop("frames", [])]
    return {"t": "dict", "v": [["frames", frames], *([k, v] for k, v in values.items())]}


def test_an_exception_is_told_with_its_line(against: Callable[..., Session]) -> None:
    error = fields(type="ValueError", message="no\x00 good", frames=[{"cell": "f", "line": 2}])
    session = against(answering({"error": error, "seq": SEQ, "lengths": []}))
    with pytest.raises(CallProblem) as caught:
        session.request("f", "call")
    assert str(caught.value) == "`f` raised ValueError: no good (line 2 of `f`: `return 1`)"
    assert (caught.value.kind, caught.value.error) == ("exception", "ValueError")
    assert session.alive


@pytest.mark.parametrize(
    ("kind", "expected", "words"),
    [
        ("MemoryError", "memory", "needs more than the 100 MB"),
        ("NotImplementedError", "missing", "`f` is not written yet"),
        ("LibraryRefused", "refused", "torch is not available"),
        ("NameError", "exception", "but no data that the notebook loaded"),
    ],
)
def test_some_exceptions_mean_something(
    against: Callable[..., Session], kind: str, expected: str, words: str
) -> None:
    error = fields(type=kind, message="torch is not available")
    session = against(answering({"error": error, "seq": SEQ, "lengths": []}))
    with pytest.raises(CallProblem, match=words) as caught:
        session.request("f", "call")
    assert caught.value.kind == expected
    assert caught.value.outcome == "failed"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (3, r"ended the Python process \(exit code 3\)"),
        (0, "ended the Python process$"),
        (-11, r"crashed the Python process \(signal 11\)"),
        (-9, r"was killed \(signal 9\)"),
        (None, "ended the Python process"),
    ],
)
def test_a_closed_connection_is_a_crash_and_says_how(
    against: Callable[..., Session], status: int | None, words: str
) -> None:
    session = against(lambda channel: None, status)
    with pytest.raises(CallProblem, match=words) as caught:
        session.request("f", "call")
    assert caught.value.outcome == "crashed"
    assert not session.alive


def test_a_sandbox_that_ended_is_nothing_of_the_students(against: Callable[..., Session]) -> None:
    session = against(lambda channel: None)
    session.worker.lost = True
    with pytest.raises(WorkerLost, match="f"):
        session.request("f", "call")


def test_silence_is_a_timeout(against: Callable[..., Session]) -> None:
    done = threading.Event()
    session = against(lambda channel: done.wait(20) and None, seconds=0.3)
    start = time.monotonic()
    with pytest.raises(CallProblem, match=r"did not finish within 0\.3 s") as caught:
        session.request("f", "call")
    done.set()
    assert time.monotonic() - start < 10
    assert (caught.value.outcome, caught.value.kind) == ("timeout", "time")
    assert session.worker.ended == 1  # type: ignore[attr-defined]


def test_a_byte_now_and_then_does_not_stretch_the_time(against: Callable[..., Session]) -> None:
    def drip(channel: socket.socket) -> None:
        for byte in frame({"value": "x" * 10_000, "seq": SEQ, "lengths": []}):
            channel.sendall(bytes([byte]))
            time.sleep(0.02)

    session = against(drip, seconds=0.5)
    start = time.monotonic()
    with pytest.raises(CallProblem, match="did not finish"):
        session.request("f", "call")
    assert time.monotonic() - start < 10


def test_a_worker_that_does_not_read_is_a_timeout(against: Callable[..., Session]) -> None:
    import numpy as np

    done = threading.Event()
    session = against(lambda channel: done.wait(20) and None, seconds=0.4)
    start = time.monotonic()
    with pytest.raises(CallProblem, match="did not finish"):
        session.request("f", "call", args=[np.zeros(2**18) for _ in range(20)])
    done.set()
    assert time.monotonic() - start < 10


def test_the_allowance_is_for_all_requests_together(against: Callable[..., Session]) -> None:
    def slow(channel: socket.socket) -> None:
        while True:
            header, _ = read_frame(channel)
            time.sleep(0.25)
            channel.sendall(frame({"value": None, "seq": header["seq"], "lengths": []}))

    session = against(slow, seconds=0.7)
    session.request("f", "call")
    session.request("f", "call")
    with pytest.raises(CallProblem, match="did not finish"):
        session.request("f", "call")


def test_printed_text_is_capped_and_cleaned(against: Callable[..., Session]) -> None:
    def peer(channel: socket.socket) -> None:
        for _ in range(3):
            header, _ = read_frame(channel)
            message = {
                "value": 0,
                "seq": header["seq"],
                "printed": "a\x1b\n" + "b" * 9000,
                "lengths": [],
            }
            channel.sendall(frame(message))

    session = against(peer)
    for _ in range(3):
        session.request("f", "call")
    assert session.printed.startswith("a\nb")
    assert len(session.printed) == 10_000


@pytest.mark.parametrize(
    "printed", [3, None, [[1]], {"t": "int", "v": "0x" + "f" * 2000}, {"t": "tuple", "v": ["x"]}]
)
def test_printed_things_that_are_no_text_do_no_harm(
    against: Callable[..., Session], printed: Any
) -> None:
    session = against(answering({"value": 7, "seq": SEQ, "printed": printed, "lengths": []}))
    assert session.request("f", "call") == 7


def call_back(key: Any, *args: Any) -> dict[str, Any]:
    arguments = {"t": "tuple", "v": list(args)}
    return {"callback": key, "args": arguments, "kwargs": {"t": "dict", "v": []}, "lengths": []}


def test_a_function_that_was_passed_is_called_back(against: Callable[..., Session]) -> None:
    def peer(channel: socket.socket) -> None:
        header, _ = read_frame(channel)
        key = header["args"][0]["id"]
        channel.sendall(frame(call_back(key, 20)))
        reply, _ = read_frame(channel)
        channel.sendall(frame({"value": reply["value"], "seq": header["seq"], "lengths": []}))

    assert against(peer).request("f", "call", args=[lambda x: x + 1]) == 21


def test_a_call_back_that_fails_is_the_students_failure(against: Callable[..., Session]) -> None:
    session = against(answering(call_back(1, "no number")))
    with pytest.raises(CallProblem, match="arguments that do not fit") as caught:
        session.request("f", "call", args=[lambda x: 1 / len(x[99])])
    assert caught.value.outcome == "failed"


def test_endless_call_backs_end_with_the_allowance(against: Callable[..., Session]) -> None:
    def peer(channel: socket.socket) -> None:
        read_frame(channel)
        while True:
            channel.sendall(frame(call_back(1)))
            read_frame(channel)

    session = against(peer, seconds=0.5)
    with pytest.raises(CallProblem, match="did not finish"):
        session.request("f", "call", args=[lambda: 1])


def test_what_a_check_must_not_pass_is_the_checks_own_fault(
    against: Callable[..., Session],
) -> None:
    session = against(answering({"value": 1, "seq": SEQ, "lengths": []}))
    with pytest.raises(TypeError, match="a check passes a object"):
        session.request("f", "call", args=[object()])
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(ValueError, match="too much at once"):
        session.request("f", "call", args=[deep])


def test_closing_twice_ends_the_worker_once(against: Callable[..., Session]) -> None:
    session = against(lambda channel: None)
    session.close()
    session.close()
    assert session.worker.ended == 1  # type: ignore[attr-defined]


def test_what_the_peer_of_these_tests_writes_is_what_workers_write() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        encoder = Encoder(lambda value: {})
        write_frame(ours, {"value": encoder.encode((1,)), "seq": 1}, encoder.buffers)
        expected = frame({"value": {"t": "tuple", "v": [1]}, "seq": 1, "lengths": []})
        assert theirs.recv(1000) == expected
