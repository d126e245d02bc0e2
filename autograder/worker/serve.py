"""Answer the trusted side's requests with a student's functions.

One request is answered at a time:

====================  ==========================================================================
``ping``              nothing: answers that the process is there
``define``            run the definitions of cells; answers with what failed in them
``call``              call a function by name, or a method of a held object
``get``, ``set``      read or assign an attribute of a held object
``hold``, ``fetch``   keep a value in this process, or send a held one
====================  ==========================================================================

While a student's function runs it may call back a function that it was given as an argument; the
trusted side then answers with a ``resume`` before it gets its answer.
"""

from __future__ import annotations

import contextlib
import io
import socket
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from cs231n_lib.notebooks import set_resolver

from .cells import Cell, run_definitions, safe_text
from .earlier import EarlierNotebooks
from .passing import fetch
from .refuse import install
from .values import Decoder, Encoder, FrameError, Stream, read_frame, write_frame

__all__ = ["Server"]

MAX_PRINTED = 10_000


class _NotDefined(Exception):
    """The hand-in has no function or class of that name."""


class _CallbackFailed(BaseException):
    """A function that the grader passed in raised: unwind the student's code, whatever it catches.

    Derived from ``BaseException`` so that ``except Exception`` in a student's loop lets it through.
    """


class Server:
    """The student's side of a connection."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.held: dict[int, Any] = {}
        self.operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "ping": lambda request: None,
            "define": self._define,
            "call": self._call,
            "get": lambda request: getattr(request["handle"], request["name"]),
            "set": lambda request: setattr(request["handle"], request["name"], request["value"]),
            "hold": lambda request: self._keep(request["value"]),
            "fetch": lambda request: request["handle"],
        }

    def run(self) -> None:
        """Serve until the connection ends."""
        with contextlib.suppress(EOFError):
            while True:
                request = self._read()
                self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        printed = _Printed()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    value = self.operations[request["op"]](request)
            reply: dict[str, Any] = {"value": value}
        except BaseException as error:
            reply = {"error": describe(error)}
        reply |= {"printed": printed.getvalue()[:MAX_PRINTED], "seq": request["seq"]}
        try:
            self._write(reply)
        except (
            Exception
        ) as error:  # too large, or an object whose own code fails at being looked at
            self._write({"error": describe(error), "seq": request["seq"]})

    # The operations ------------------------------------------------------------------------------

    def _define(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        install(request["refused"])
        set_resolver(EarlierNotebooks(request["notebooks"]))
        self.namespace["display"] = lambda *_, **__: None
        cells = [Cell(c["name"], c["source"]) for c in request["cells"]]
        return [asdict(error) for error in run_definitions(cells, self.namespace)]

    def _call(self, request: dict[str, Any]) -> Any:
        function = self._function(request)
        value = function(*request["args"], **request["kwargs"])
        hold = request["hold"]
        if hold and hold != "all" and isinstance(value, tuple | list):
            return tuple(self._keep(v) if i in hold else v for i, v in enumerate(value))
        return self._keep(value) if hold else value

    def _function(self, request: dict[str, Any]) -> Any:
        if "handle" in request:
            return getattr(request["handle"], request["name"])
        if request["name"] not in self.namespace:
            raise _NotDefined(request["name"])
        return self.namespace[request["name"]]

    def _keep(self, value: Any) -> _Held:
        key = len(self.held)
        self.held[key] = value
        return _Held(key, type(value).__name__)

    # Messages ------------------------------------------------------------------------------------

    def _write(self, message: dict[str, Any]) -> None:
        encoder = Encoder(self.refer)
        tree = {key: encoder.encode(value) for key, value in message.items()}
        write_frame(self.stream, tree, encoder.buffers)

    def refer(self, value: Any) -> dict[str, Any]:
        """Keep an object that is no plain value, and return the node that stands for it."""
        held = value if type(value) is _Held else self._keep(value)
        return {"t": "handle", "id": held.key, "type": held.type[:100]}

    def _read(self) -> dict[str, Any]:
        header, body = read_frame(self.stream, fetch=self._fetch)
        decoder = Decoder(body, header.pop("lengths"), self.resolve)
        return {key: decoder.decode(node) for key, node in header.items()}

    def _fetch(self, count: int) -> memoryview:
        """Return arrays that the trusted side passes in memory; it does so on a socket alone."""
        if not isinstance(self.stream, socket.socket):
            raise FrameError("a message with its arrays elsewhere")
        return fetch(self.stream, count)

    def resolve(self, node: dict[str, Any]) -> Any:
        """Return what a node of a request stands for."""
        if node["t"] == "handle":
            return self.held[node["id"]]
        if node["t"] == "function":
            return self._function(node)
        if node["t"] == "callback":
            return self._callback(node["id"])
        raise FrameError(f"a value of the unknown kind {node['t']!r}")

    def _callback(self, key: int) -> Callable[..., Any]:
        def call_back(*args: Any, **kwargs: Any) -> Any:
            self._write({"callback": key, "args": args, "kwargs": kwargs})
            reply = self._read()
            if "value" not in reply:
                raise _CallbackFailed
            return reply["value"]

        return call_back


class _Printed(io.StringIO):
    """Where a student's prints go, even after ``sys.stdout.close()``."""

    def close(self) -> None:
        """Stay open: what was printed is read afterwards."""


class _Held:
    """The place of a value that stays in this process."""

    def __init__(self, key: int, type_name: str) -> None:
        self.key = key
        self.type = type_name


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as plain values: type, message, and where in the student's cells."""
    frames = [{"cell": filename[6:-1], "line": line} for filename, line in _student_frames(error)]
    return {
        "type": type(error).__name__,
        "message": safe_text(error)[:2000],
        "frames": frames[-6:],
        "not_defined": isinstance(error, _NotDefined),
    }


def _student_frames(error: BaseException) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith("<cell "):
            yield frame.f_code.co_filename, line
