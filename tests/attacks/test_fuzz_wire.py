"""Answers that no honest worker gives: only a problem of the call comes out, at a bounded cost."""

from __future__ import annotations

import copy
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attack_planting import Planted

import autograder.session
from autograder.calls import Call, CallProblem
from autograder.grading import Grade
from autograder.report import clean_text
from autograder.session import Session
from autograder.worker.values import Encoder

LENGTHS = struct.Struct(">QQ")
NUMBER = 7
CASES, CHUNKS = 4_000, 8

ODD: list[Any] = [
    None, True, 0, -1, 7, 8, 2**62, 2**63, -(2**64), 0.5, 1e308, float("nan"), "", "7", "code",
    "handle",
    "\ud800", "\x1b[2J<script>", [], {}, [[]], [7], {"t": "handle", "id": 0, "type": "X"},
    {"t": "callback", "id": 0},
    {"t": "function", "name": "f"}, {"t": "int", "v": "0x" + "f" * 2040},
    {"t": "int", "v": "-0xff"},
    {"t": "float", "v": "nan"}, {"t": "float", "v": "-inf"}, {"t": "tuple", "v": []},
    {"t": "dict", "v": [[[], 1]]},
    {"t": "dict", "v": [["type", "E"], ["message", ["x"]], ["not_defined", True]]},
    {"t": "bytes", "v": "AAAA"},
    {"t": "array", "d": "<f8", "s": [0], "b": 0}, {"t": "array", "d": "|O", "s": [1], "b": 0},
    {"t": "scalar"},
    {"t": "complex", "v": ["nan", "1"]}, {"t": "generator", "v": {"t": "dict", "v": []}},
    {"t": None}, {"t": "x" * 99},
    "x" * 20_000, ["x"] * 3_000, [0.5] * 3_000,
]  # fmt: skip
NAMES = [
    "seq",
    "value",
    "error",
    "printed",
    "callback",
    "args",
    "kwargs",
    "lengths",
    "t",
    "v",
    "d",
    "s",
    "b",
    "",
]


class FakeWorker:
    """The trusted side's handle on a worker that is a socket and no more."""

    lost = False

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def dismiss(self) -> None:
        self.channel.close()

    def end(self) -> int | None:
        self.channel.close()
        return None


def answers() -> list[tuple[dict[str, Any], list[bytes]]]:
    """Valid replies to start from: values of every kind, errors, calls back."""
    values = [
        3.0, [1, (2.0, "x"), {"a": None, 3: True}], np.arange(5.0), np.float32(2),
        (0.5, np.zeros((2, 3))),
        np.random.default_rng(1), {"W": np.ones((2, 2), np.float32), "b": np.arange(3)}, "text",
        b"bytes", 2**80,
        complex(1, 2), object(), [object(), np.ones(1)], float("nan"), [np.int64(3)] * 20,
    ]  # fmt: skip
    error = {"type": "ValueError", "message": "no", "not_defined": False}
    replies: list[dict[str, Any]] = [{"value": v, "printed": "p"} for v in values]
    replies.append({"error": {**error, "frames": [{"cell": "f", "line": 2}]}, "printed": ""})
    replies.append({"error": {**error, "not_defined": True, "frames": []}})
    replies.append({"callback": 1, "args": (np.ones(2), 3), "kwargs": {"y": 1}})
    found = []
    for reply in replies:
        encoder = Encoder(lambda value: {"t": "handle", "id": 4, "type": type(value).__name__})
        header = {key: encoder.encode(value) for key, value in reply.items()}
        buffers = [bytes(b) for b in encoder.buffers]
        found.append(({**header, "seq": NUMBER, "lengths": [len(b) for b in buffers]}, buffers))
    return found


def frame(header: Any, body: bytes) -> bytes:
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(text), len(body)) + text + body


def damaged(rng: np.random.Generator, valid: list[tuple[dict[str, Any], list[bytes]]]) -> bytes:
    """Return the bytes of one to three frames with random damage in header, lengths or bytes."""
    frames = b""
    for _ in range(int(rng.integers(1, 4))):
        header, buffers = copy.deepcopy(valid[rng.integers(len(valid))])
        for _ in range(int(rng.integers(0, 4))):
            _change(header, rng)
        if rng.random() < 0.2 and buffers:
            buffers[0] = buffers[0][: int(rng.integers(len(buffers[0]) + 1))] + b"\xff" * 3
            if rng.random() < 0.5:
                header["lengths"] = [len(b) for b in buffers]
        frames += frame(header, b"".join(buffers))
    data = bytearray(frames)
    if rng.random() < 0.5:
        for place in rng.integers(len(data), size=rng.integers(1, 6)):
            data[place] ^= 1 << int(rng.integers(8))
    if rng.random() < 0.2:
        del data[int(rng.integers(len(data))) :]
    return bytes(data)


def _change(header: Any, rng: np.random.Generator) -> None:
    places, queue = [], [header]
    while queue:
        node = queue.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            queue += [value] if isinstance(value, dict | list) else []
    if not places:
        return
    node, key = places[rng.integers(len(places))]
    kind = rng.integers(4)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, dict):
        node[NAMES[rng.integers(len(NAMES))]] = node.pop(key)
    else:
        node[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])


@pytest.fixture
def known_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every request have the same number, so that answers can be made beforehand."""
    monkeypatch.setattr(autograder.session.secrets, "randbits", lambda bits: NUMBER)


def asked(data: bytes, *, seconds: float = 0.05) -> Any:
    """Return what a request brings when the worker has said this already, and hangs up."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 2**20)
        theirs.settimeout(0.5)
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        session = Session(FakeWorker(ours), {"f": "def f():\n    x\n"}, 100)  # type: ignore[arg-type]
        session.allow(seconds)
        fields = {"name": "f", "args": [lambda x, y, **_: x], "kwargs": {}, "hold": []}
        try:
            return session.request("f", "call", **fields)
        finally:
            assert len(session.printed) <= 10_000
            assert clean_text(session.printed, 20_000) == session.printed
            session.close()


class Says:
    """A backend that has one answer to everything."""

    printed = ""
    cell_errors: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, value: Any) -> None:
        self.value = value

    def begin(self, check: Any) -> None: ...

    def abandon(self) -> None: ...

    def perform(self, call: Call) -> Any:
        return self.value


@pytest.mark.usefixtures("known_number")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_only_problems_of_the_call_come_out(chunk: int, planted: Planted) -> None:
    valid = answers()
    brought: list[Any] = []
    problems: list[CallProblem] = []
    for seed in range(chunk, CASES, CHUNKS):
        data = damaged(np.random.default_rng([4, seed]), valid)
        try:
            brought.append(asked(data))
        except CallProblem as problem:
            problems.append(problem)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data[:300]!r}") from error
    assert min(len(problems), len(brought)) > CASES / CHUNKS / 20
    for problem in problems:
        assert problem.outcome in ("failed", "crashed", "timeout")
        assert clean_text(problem, 2_000) == str(problem)
    # Whatever was read is graded: by the checks, by diagnosis, by comparison with the reference.
    for value in brought:
        backend: Any = Says(value)
        grade = Grade(planted.exercise, backend, "eve", b"secret")
        for check in planted.exercise.checks:
            result = grade.run(check)
            assert result.outcome != "could_not_run", result.detail
            assert len(result.message) <= 2_000


# What one message may cost


def many(piece: str, size: int = 16 * 2**20 - 300) -> str:
    return ",".join([piece] * (size // (len(piece) + 1)))


SEQ = f'"seq": {NUMBER}, "lengths": []'
COLLIDING = ",".join(f'[{{"t":"int","v":"{hex(k * (2**61 - 1))}"}},0]' for k in range(1, 60_000))
BOMBS: dict[str, Callable[[], tuple[str, int]]] = {
    "empty lists": lambda: (f'{{{SEQ}, "value": [{many("[]")}]}}', 0),
    "empty dictionaries": lambda: (f'{{{SEQ}, "value": [{many("{}")}]}}', 0),
    "small dictionaries, as many as pass": lambda: (
        f'{{{SEQ}, "value": [{many(chr(123) + chr(34) + chr(34) + ":0}", 8 * 599_000)}]}}', 0),
    "lists, as many as pass": lambda: (f'{{{SEQ}, "value": [{many("[]", 3 * 599_000)}]}}', 0),
    "tuples": lambda: (f'{{{SEQ}, "value": [{many(json.dumps({"t": "tuple", "v": []}))}]}}', 0),
    "lengths": lambda: (f'{{"seq": {NUMBER}, "lengths": [{many("0")}], "value": 1}}', 0),
    "lengths, as many as pass": lambda: (
        f'{{"seq": {NUMBER}, "lengths": [{many("0", 2 * 1_190_000)}], "value": 1}}', 0),
    "keys of one hash": lambda: (f'{{{SEQ}, "value": {{"t":"dict","v":[{COLLIDING}]}}}}', 0),
    "generators": lambda: (f'{{{SEQ}, "value": [{many(generator())}]}}', 0),
    "one long text among short ones": lambda: (
        f'{{{SEQ}, "value": ["{"x" * 4_000_000}", {many(chr(34) * 2, 3 * 1_000_000)}]}}', 0),
    "unicode escapes": lambda: (f'{{{SEQ}, "value": "{chr(92)}ud83d{"x" * 15_000_000}"}}', 0),
    "a number of 16 MB": lambda: (f'{{{SEQ}, "value": {"9" * 16_000_000}}}', 0),
    "an array of 200 MB named again and again": lambda: (
        f'{{"seq": {NUMBER}, "lengths": [{200 * 2**20}], "value": '
        f'[{many(json.dumps({"t": "array", "d": "<f8", "s": [25 * 2**20], "b": 0}), 60_000)}]}}',
        200 * 2**20),
    "an array of 300 MB": lambda: (
        f'{{"seq": {NUMBER}, "lengths": [{300 * 2**20}], "value": '
        f'{json.dumps({"t": "array", "d": "|u1", "s": [300 * 2**20], "b": 0})}}}', 300 * 2**20),
    "an array of 500 MB": lambda: (f'{{"seq": {NUMBER}, "lengths": [{500 * 2**20}]}}', 500 * 2**20),
}  # fmt: skip


def generator() -> str:
    state = np.random.MT19937(0).state
    state["state"]["key"] = 0
    return json.dumps({"t": "generator", "v": Encoder(lambda value: {}).encode(state)})


@pytest.mark.usefixtures("known_number")
@pytest.mark.parametrize("name", BOMBS)
def test_a_message_costs_little_more_than_its_bytes(name: str) -> None:
    header, body = BOMBS[name]()
    text = header.encode()
    ours, theirs = socket.socketpair()

    def send() -> None:
        try:
            theirs.sendall(LENGTHS.pack(len(text), body))
            theirs.sendall(text)
            for _ in range(body // 2**20):
                theirs.sendall(bytes(2**20))
        except OSError:  # the trusted side had enough
            return

    sender = threading.Thread(target=send)
    session = Session(FakeWorker(ours), {}, 100)  # type: ignore[arg-type]
    session.allow(30)
    start, before = time.monotonic(), memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    sender.start()
    problem = None
    try:
        session.request("f", "call", name="f")
    except CallProblem as raised:
        problem = raised
    peak = memory("VmHWM") - before
    session.close()
    theirs.close()
    sender.join()
    assert problem is None or "did not finish" not in str(problem)
    assert peak < 420 * 2**20, f"{peak >> 20} MB"
    assert time.monotonic() - start < 20


def memory(field: str) -> int:
    """Return a field of this process's memory in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024


@pytest.mark.usefixtures("known_number")
def test_the_answers_of_one_check_have_a_limit_together() -> None:
    ours, theirs = socket.socketpair()
    stop = threading.Event()
    node = {"t": "array", "d": "|u1", "s": [100 * 2**20], "b": 0}
    header = {"seq": NUMBER, "lengths": [100 * 2**20], "value": node}
    text = json.dumps(header).encode()

    def flood() -> None:
        try:
            while not stop.is_set():
                theirs.sendall(LENGTHS.pack(len(text), 100 * 2**20) + text)
                for _ in range(100):
                    theirs.sendall(bytes(2**20))
        except OSError:
            return

    thread = threading.Thread(target=flood)
    thread.start()
    session = Session(FakeWorker(ours), {}, 100)  # type: ignore[arg-type]
    session.allow(60)
    for _ in range(3):
        assert session.request("f", "call", name="f").nbytes == 100 * 2**20
    with pytest.raises(CallProblem, match="longer than any answer can be"):
        session.request("f", "call", name="f")
    stop.set()
    session.close()
    theirs.close()
    thread.join()


def test_an_answer_before_its_question_is_none() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        for number in range(200):
            theirs.sendall(frame({"seq": number, "value": 1, "lengths": []}, b""))
        session = Session(FakeWorker(ours), {}, 100)  # type: ignore[arg-type]
        session.allow(5)
        with pytest.raises(CallProblem, match="out of turn"):
            session.request("f", "call", name="f")


@pytest.mark.usefixtures("known_number")
def test_a_function_passed_in_one_check_cannot_be_called_in_the_next() -> None:
    called = []
    ours, theirs = socket.socketpair()
    with theirs:
        call = {"callback": 1, "args": {"t": "tuple", "v": []}, "kwargs": {"t": "dict", "v": []}}
        end = frame({"seq": NUMBER, "value": 1, "lengths": []}, b"")
        session = Session(FakeWorker(ours), {}, 100)  # type: ignore[arg-type]
        session.allow(5)
        theirs.sendall(frame({**call, "lengths": []}, b"") + end)
        assert session.request("f", "call", args=[lambda: called.append(1)]) == 1
        assert called == [1]
        session.allow(5)
        theirs.sendall(frame({**call, "lengths": []}, b"") + end)
        with pytest.raises(CallProblem, match="no function"):
            session.request("g", "call", args=[])
        assert called == [1]


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before
