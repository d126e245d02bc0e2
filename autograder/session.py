"""One conversation with one worker: requests out, plain values back, under a deadline."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from .calls import CallProblem, Held, Named
from .report import clean_text
from .sandbox import Worker, WorkerLost
from .worker.passing import can_pass, passed
from .worker.values import (
    Decoder,
    Encoder,
    FrameError,
    TooLarge,
    announce,
    read_frame,
    write_frame,
)

__all__ = ["Session"]

# Bytes that the answers in one check may have together; the transcript keeps them all.
MAX_ANSWERS = 384 * 2**20
# Letters that a value may have if it is made into an array of text: 64 MB at four bytes each.
MAX_LETTERS = 2**24
MAX_PRINTED = 10_000
# Arrays of so many bytes are passed in memory of their own. It stays as long as the worker keeps
# it, outside of its own limit, so that all that is passed to one worker has a limit, too.
PASSED_BYTES, ALL_PASSED_BYTES = 2**21, 2**30


class Session:
    """The trusted side of a connection to a worker.

    Parameters
    ----------
    worker
        The forked worker.
    sources
        The student's cells by name, to quote the line where an exception arose.
    memory_mb
        The worker's memory limit, for messages.
    """

    def __init__(self, worker: Worker, sources: Mapping[str, str], memory_mb: int) -> None:
        self.worker = worker
        self.sources = sources
        self.memory_mb = memory_mb
        self.alive = True
        self.deadline = 0.0
        self.limit = 0.0
        self.printed = ""
        self._left = MAX_ANSWERS
        self._passable = ALL_PASSED_BYTES if can_pass() else 0
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._callback_count = 0

    def allow(self, seconds: float) -> None:
        """Let the requests from now on take that long together.

        Functions that were passed before cannot be called back any more.
        """
        self.limit = seconds
        self.deadline = time.monotonic() + seconds
        self._left = MAX_ANSWERS
        self._callbacks.clear()

    def close(self) -> None:
        """End the worker."""
        if self.alive:
            self.alive = False
            self.worker.dismiss()

    def request(self, what: str, operation: str, **fields: Any) -> Any:
        """Send a request and return the value that comes back.

        Parameters
        ----------
        what
            The student's function, for messages.
        operation, fields
            The request, see :mod:`autograder.worker.serve`.

        Raises
        ------
        CallProblem
            If no value comes back: an exception, a time-out, a crash, something unreadable.
        WorkerLost
            If the sandbox itself ended.
        """
        # Not to be guessed, so that no answer is on its way before the question.
        number = secrets.randbits(60)
        try:
            self._send({"op": operation, "seq": number, **fields})
            reply = self._receive()
            while "callback" in reply:
                self._send(self._call_back(what, reply))
                reply = self._receive()
        except TimeoutError:
            self.close()
            text = f"`{what}` did not finish within {self.limit:g} s"
            raise CallProblem(text, "timeout", "time") from None
        except (EOFError, ConnectionError):
            raise self._crash(what) from None
        except FrameError as error:
            self.close()
            text = f"`{what}` sent {error} instead of an answer"
            raise CallProblem(text, "crashed", "crash") from None
        if type(reply.get("seq")) is not int or reply["seq"] != number:
            self.close()
            raise CallProblem(f"`{what}` answered out of turn", "crashed", "crash")
        printed = clean_text(_text(reply.get("printed")), MAX_PRINTED)
        self.printed = (self.printed + printed)[:MAX_PRINTED]
        if "value" in reply:
            return reply["value"]
        raise self._exception(what, reply.get("error"))

    # Messages ------------------------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> None:
        encoder = Encoder(self._refer)
        try:
            tree = {key: encoder.encode(value) for key, value in message.items()}
            size = sum(map(len, encoder.buffers))
            if size >= PASSED_BYTES and size <= self._passable:
                self._passable -= size
                self._pass_on(tree, encoder.buffers)
            else:
                write_frame(_Deadlined(self), tree, encoder.buffers)
        except TooLarge as error:
            raise ValueError(f"a check passes too much at once: {error}") from error

    def _pass_on(self, tree: dict[str, Any], buffers: list[memoryview]) -> None:
        """Send a message whose arrays the worker maps, see :mod:`autograder.worker.passing`."""
        with passed(buffers) as file:
            announce(_Deadlined(self), tree, buffers)
            socket.send_fds(self._set_timeout(), [b"\0"], [file])

    def _receive(self) -> dict[str, Any]:
        header, body = read_frame(_Deadlined(self), self._left)
        self._left -= len(body)
        decoder = Decoder(body, header.pop("lengths"), _resolve, MAX_LETTERS)
        return {key: decoder.decode(node) for key, node in header.items()}

    def _set_timeout(self) -> socket.socket:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.worker.channel.settimeout(remaining)
        return self.worker.channel

    def _refer(self, value: Any) -> dict[str, Any]:
        if isinstance(value, Held):
            return {"t": "handle", "id": value.number}
        if isinstance(value, Named):
            return {"t": "function", "name": value.name}
        if callable(value):
            self._callback_count += 1
            self._callbacks[self._callback_count] = value
            return {"t": "callback", "id": self._callback_count}
        raise TypeError(f"a check passes a {type(value).__name__}, which cannot go to a worker")

    def _call_back(self, what: str, reply: dict[str, Any]) -> dict[str, Any]:
        key, args, kwargs = reply["callback"], reply.get("args"), reply.get("kwargs")
        if type(key) is not int or key not in self._callbacks:
            raise FrameError("a call to no function")
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise FrameError("a call without arguments")
        try:
            return {"value": self._callbacks[key](*args, **kwargs)}
        except Exception as error:
            self.close()
            text = (
                f"`{what}` called the function that it was given with arguments that do not fit: "
                f"{clean_text(error, 300)}"
            )
            raise CallProblem(text, "failed", "exception", type(error).__name__) from error

    # Problems ------------------------------------------------------------------------------------

    def _crash(self, what: str) -> CallProblem:
        self.alive = False
        status = self.worker.end()
        if self.worker.lost:
            raise WorkerLost(f"the sandbox ended in a call of {what}")
        how = "ended the Python process"
        if status is not None and status < 0:
            how = "crashed the Python process" if status in (-11, -7, -8, -4, -6) else "was killed"
            how += f" (signal {-status})"
        elif status:
            how += f" (exit code {status})"
        return CallProblem(f"`{what}` {how}", "crashed", "crash")

    def _exception(self, what: str, error: Any) -> CallProblem:
        error = error if isinstance(error, dict) else {}
        kind = clean_text(_text(error.get("type")), 80) or "an exception"
        message = clean_text(_text(error.get("message")), 500)
        if error.get("not_defined") is True:
            return CallProblem(f"`{what}` is not defined in your notebook", "failed", "missing")
        cell, line = self._place(error.get("frames"))
        if kind == "NotImplementedError":
            return CallProblem(f"`{cell or what}` is not written yet", "failed", "missing")
        if kind == "MemoryError":
            text = (
                f"`{what}` needs more than the {self.memory_mb} MB of memory that it may use here"
            )
            return CallProblem(text, "failed", "memory", kind)
        if kind == "LibraryRefused":
            return CallProblem(message, "failed", "refused", kind)
        where = f" (line {line} of `{cell}`: `{self._line(cell, line)}`)" if line else ""
        text = f"`{what}` raised {kind}: {message}{where}"
        if kind == "NameError":
            text += (
                ". A graded function sees its arguments, your imports and your other functions, "
                "but no data that the notebook loaded"
            )
        return CallProblem(text, "failed", "exception", kind, cell)

    def _place(self, frames: Any) -> tuple[str, int]:
        for frame in reversed(frames if isinstance(frames, list) else []):
            if isinstance(frame, dict) and isinstance(frame.get("cell"), str):
                cell, line = frame["cell"], frame.get("line")
                if cell in self.sources and type(line) is int and 0 < line < 10**6:
                    return cell, line
        return "", 0

    def _line(self, cell: str, line: int) -> str:
        lines = self.sources[cell].split("\n")
        return clean_text(lines[line - 1].strip(), 100) if line <= len(lines) else ""


class _Deadlined:
    """Reading of a frame in which every single read is bounded by the session's deadline."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def recv_into(self, buffer: memoryview, /) -> int:
        return self._session._set_timeout().recv_into(buffer)

    def sendall(self, data: Any, /) -> None:
        self._session._set_timeout().sendall(data)


def _text(value: Any) -> str:
    """Return what should be text if it is: nothing else is printed, however it looks."""
    return value if isinstance(value, str) else ""


def _resolve(node: dict[str, Any]) -> Any:
    number, name = node.get("id"), node.get("type")
    if node["t"] != "handle" or type(number) is not int or not isinstance(name, str):
        raise FrameError("a value of no known kind")
    return Held(number, clean_text(name, 100))
