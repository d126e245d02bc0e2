"""Where a student's code runs: in a sandboxed worker, or, for our own code, in this process."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .authoring import Check
from .calls import Call, CallProblem, Held, Named
from .report import clean_text
from .sandbox import WorkerLost, Zygote
from .session import Session
from .worker.cells import Cell
from .worker.confine import Limits
from .worker.serve import Server
from .worker.values import Decoder, Encoder, FrameError

__all__ = ["DEFINE_SECONDS", "Code", "LocalBackend", "SandboxBackend"]

# For the definitions of a hand-in in one worker, and in all its workers together: a hand-in whose
# calls end its workers one by one defines everything again each time.
DEFINE_SECONDS, ALL_DEFINE_SECONDS = 20.0, 60.0
MEMORY_MB = 2048


@dataclass(frozen=True)
class Code:
    """What a hand-in defines: cells in order, what it may not use, what it builds on (compiled)."""

    cells: tuple[Cell, ...]
    refused: tuple[str, ...] = ()
    notebooks: Mapping[str, bytes] = field(default_factory=dict)
    sources: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", {cell.name: cell.source for cell in self.cells})


class SandboxBackend:
    """A student's code in workers of its own: a new one whenever the last one is gone.

    Checks with a memory limit of their own get a new worker, in which nothing else has been; the
    one with the general limit waits meanwhile. Use as a context manager; :meth:`begin` starts a
    check's allowance of time and memory.
    """

    def __init__(self, zygote: Zygote, code: Code) -> None:
        self._zygote = zygote
        self._code = code
        self._session: Session | None = None
        self._waiting: Session | None = None
        self._memory_mb = MEMORY_MB
        self._timeout = 0.0
        self._late: set[str] = set()
        self._patient = True
        self._define_left = ALL_DEFINE_SECONDS
        self._broken: dict[int, CallProblem] = {}  # by memory limit
        self.cell_errors: dict[str, str] = {}

    def __enter__(self) -> SandboxBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def begin(self, check: Check) -> None:
        """Start a check: its time and memory limits hold for the calls from now on.

        A function that ran out of time once gets a quarter of the time afterwards, in its own
        checks and where another one's calls it, so that a hand-in that hangs does not hold up the
        class for the sum of its checks.
        """
        memory = check.memory_mb or MEMORY_MB
        if memory != self._memory_mb:
            self._change(memory)
        if self._session is not None and not self._session.alive:
            self._session = None
        self._patient = check.of not in self._late
        self._timeout = check.timeout if self._patient else check.timeout / 4
        if self._session is not None:
            self._session.allow(self._timeout)
            self._session.printed = ""

    def _change(self, memory: int) -> None:
        """Go on in a worker with another memory limit."""
        if self._memory_mb == MEMORY_MB:
            self._waiting, self._session = self._session, None
        elif self._session is not None:
            self._session.close()
            self._session = None
        if memory == MEMORY_MB:
            self._session, self._waiting = self._waiting, None
        self._memory_mb = memory

    @property
    def printed(self) -> str:
        """What the student's code printed in this check."""
        return "" if self._session is None else self._session.printed

    def perform(self, call: Call) -> Any:
        """Carry out a call in the worker."""
        session = self._ready()
        what = _title(call)
        if self._patient and what in self._late:
            self._patient, self._timeout = False, self._timeout / 4
            session.allow(self._timeout)
        target: dict[str, Any] = {}
        if isinstance(call.target, Held):
            target["handle"] = call.target
        fields: dict[str, Any]
        if call.operation == "call":
            fields = {"name": call.name, "args": list(call.args), "kwargs": call.kwargs}
            fields |= {"hold": _places(call), **target}
        elif call.operation == "hold":
            fields = {"value": call.args[0]}
        else:
            fields = {"name": call.name, **target}
            fields |= {"value": call.args[0]} if call.operation == "set" else {}
        try:
            return session.request(what, call.operation, **fields)
        except CallProblem as problem:
            if problem.outcome == "timeout":
                self._late.add(what)
            raise self._explained(problem, what) from None

    def _ready(self) -> Session:
        if self._memory_mb in self._broken:
            raise self._broken[self._memory_mb]
        if self._session is None:
            limits = Limits(memory=self._memory_mb * 2**20)
            self._session = Session(self._zygote.spawn(limits), self._code.sources, self._memory_mb)
            self._session.allow(min(DEFINE_SECONDS, max(self._define_left, 1.0)))
            start = time.monotonic()
            self._greet(self._session)
            self._define(self._session)
            self._define_left -= time.monotonic() - start
            self._zygote.fork_ahead()
            self._session.allow(self._timeout)
        return self._session

    def _greet(self, session: Session) -> None:
        """Wait for the worker to be there: what goes wrong before is nothing of the student's."""
        try:
            session.request("the sandbox", "ping")
        except CallProblem as problem:
            raise WorkerLost(f"a worker did not start: {problem}") from problem

    def _define(self, session: Session) -> None:
        cells = [{"name": cell.name, "source": cell.source} for cell in self._code.cells]
        try:
            errors = session.request(
                "your notebook",
                "define",
                cells=cells,
                refused=list(self._code.refused),
                notebooks=dict(self._code.notebooks),
            )
        except CallProblem as problem:
            text = f"Defining your functions failed: {problem}"
            broken = CallProblem(text, problem.outcome, problem.kind)
            self._broken[self._memory_mb] = broken
            raise broken from None
        self.cell_errors = _by_cell(errors)

    def _explained(self, problem: CallProblem, what: str) -> CallProblem:
        """Say why a function is missing, where its cell's own error tells."""
        if problem.kind == "missing" and what in self.cell_errors:
            text = f"`{what}` could not be defined: {self.cell_errors[what]}"
            return CallProblem(text, "failed", "missing")
        return problem

    def abandon(self) -> None:
        """End the workers, whatever they are at; the next call gets another one."""
        for session in (self._session, self._waiting):
            if session is not None:
                session.close()

    def _close(self) -> None:
        self.abandon()
        self._session = self._waiting = None


def _places(call: Call) -> list[int] | str:
    return call.hold if isinstance(call.hold, str) else list(call.hold)


def _title(call: Call) -> str:
    if isinstance(call.target, Held):
        return f"{call.target.type_name}.{call.name}" if call.name else call.target.type_name
    return call.name or "hold"


def _by_cell(errors: Any) -> dict[str, str]:
    """Return one sentence a cell from what the worker said; it is untrusted, like all it says."""
    sentences: dict[str, str] = {}
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and isinstance(error.get("cell"), str):
            known = {key: value for key, value in error.items() if isinstance(value, str)}
            kind, text = clean_text(known.get("type"), 80), clean_text(known.get("message"), 300)
            line = error.get("line")
            where = f" (line {line})" if type(line) is int and 0 < line < 10**6 else ""
            sentences.setdefault(error["cell"], f"{kind}: {text}{where}")
    return sentences


class LocalBackend:
    """Our own code (the reference, a misconception) in this process, under the worker's rules.

    Values go through the same encoding as to a worker, so that what stays, what is copied and what
    counts as a plain value are the same.

    Parameters
    ----------
    namespace
        The names that calls refer to.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._server = Server(_NoStream())
        self._server.namespace = namespace
        self._callbacks: list[Callable[..., Any]] = []

    def perform(self, call: Call) -> Any:
        """Carry out a call here."""
        server = self._server
        request: dict[str, Any] = {"name": call.name}
        if isinstance(call.target, Held):
            request["handle"] = server.held[call.target.number]
        request |= {"args": self._arrive(list(call.args)), "kwargs": self._arrive(call.kwargs)}
        request |= {"hold": _places(call), "value": request["args"][0] if call.args else None}
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = server.operations[call.operation](request)
        except NotImplementedError:
            raise CallProblem(f"`{call.name}` is not written yet", "failed", "missing") from None
        except Exception as error:
            text = f"`{call.name}` raised {type(error).__name__}: {error}"
            raise CallProblem(text, "failed", "exception", type(error).__name__) from error
        return self._leave(result)

    def _arrive(self, value: Any) -> Any:
        encoder = Encoder(self._refer)
        return _decode(encoder, encoder.encode(value), self._resolve)

    def _leave(self, value: Any) -> Any:
        encoder = Encoder(self._server.refer)
        return _decode(encoder, encoder.encode(value), lambda n: Held(n["id"], n["type"]))

    def _refer(self, value: Any) -> dict[str, Any]:
        if isinstance(value, Held):
            return {"t": "handle", "id": value.number}
        if isinstance(value, Named):
            return {"t": "function", "name": value.name}
        if not callable(value):
            raise TypeError(f"a check passes a {type(value).__name__}, which cannot go to a worker")
        self._callbacks.append(value)
        return {"t": "callback", "id": len(self._callbacks) - 1}

    def _resolve(self, node: dict[str, Any]) -> Any:
        if node["t"] == "callback":
            return self._callbacks[node["id"]]
        return self._server.resolve(node)


def _decode(encoder: Encoder, tree: Any, resolve: Callable[[dict[str, Any]], Any]) -> Any:
    blob = memoryview(b"".join(encoder.buffers))
    return Decoder(blob, [len(b) for b in encoder.buffers], resolve).decode(tree)


class _NoStream:
    """A connection to nowhere: the local server is called, not spoken to."""

    def recv_into(self, buffer: memoryview, /) -> int:
        raise FrameError("nobody speaks here")

    def sendall(self, data: Any, /) -> None:
        raise FrameError("nobody listens here")
