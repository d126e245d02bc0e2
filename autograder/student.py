"""The ``student`` that a check is written against: proxies for functions and objects elsewhere.

``student.f(x)`` sends ``x`` to wherever the student's code runs and brings plain values back.
Objects that are no plain values (a ``TwoLayerNet``, a cache holding one) stay there and come back
as :class:`Handle`. Everything asked and answered is kept in the transcript, from which a failure is
diagnosed.
"""

from __future__ import annotations

import time
from typing import Any, Literal, Protocol

from .calls import Call, CallProblem, Held, Named, Transcript, snapshot

__all__ = ["Backend", "Handle", "Student", "StudentFunction"]


class Backend(Protocol):
    """Where the student's code runs."""

    def perform(self, call: Call) -> Any:
        """Carry out the call and return its result, with :class:`Held` for what stays there.

        Raises
        ------
        CallProblem
            If no value comes back.
        """


class Student:
    """The student's side of the exercise, as a check sees it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._transcript: Transcript = []

    def __getattr__(self, name: str) -> StudentFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        return StudentFunction(self, name)

    def hold(self, value: Any) -> Handle:
        """Put a value into the student's process once; pass the handle to calls.

        Use it for large inputs, and to see whether a function changes what it is given:
        ``handle.value()`` reads it back.
        """
        handle = self._perform(Call("hold", None, "", args=(snapshot(value, _plain),)))
        if not isinstance(handle, Handle):
            raise CallProblem("the student's process did not keep a value", "crashed", "crash")
        return handle

    def _perform(self, call: Call) -> Any:
        start = time.perf_counter()
        self._transcript.append(call)
        try:
            call.result = self._backend.perform(call)
        except CallProblem as problem:
            call.problem = problem
            raise
        finally:
            call.seconds = time.perf_counter() - start
        return self._wrap(call.result)

    def _wrap(self, value: Any) -> Any:
        if isinstance(value, Held):
            return Handle(self, value)
        if type(value) in (tuple, list):
            return type(value)(self._wrap(item) for item in value)
        if type(value) is dict:
            return {key: self._wrap(item) for key, item in value.items()}
        return value


class StudentFunction:
    """A function or class of the student's, by name."""

    def __init__(
        self, student: Student, name: str, hold: tuple[int, ...] | Literal["all"] = ()
    ) -> None:
        self._student = student
        self._named = Named(name)
        self._hold = hold

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the student's function and return its result."""
        return self._student._perform(self._call(args, kwargs))

    def holding(self, *places: int) -> StudentFunction:
        """Return the function with these elements of the returned tuple staying where they are.

        Without a place all that it returns does: for a large array that only goes on to another
        of the student's functions.
        """
        return StudentFunction(self._student, self._named.name, places or "all")

    def seconds(self, *args: Any, repeat: int = 3, **kwargs: Any) -> float:
        """Return the best wall-clock seconds of ``repeat`` calls, measured from outside."""
        times = []
        for _ in range(repeat):
            call = self._call(args, kwargs)
            self._student._perform(call)
            times.append(call.seconds)
        return min(times)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        plain_args = tuple(snapshot(arg, _plain) for arg in args)
        plain_kwargs = {key: snapshot(value, _plain) for key, value in kwargs.items()}
        name = self._named.name
        return Call("call", self._named, name, plain_args, plain_kwargs, self._hold)


class Handle:
    """An object that stays in the student's process.

    Attributes are read from there (``net.params``), methods called there (``net.loss(X, y)``), and
    assignments made there (``net.params = {...}``); :meth:`value` brings the object itself, if it
    is a plain value.
    """

    _student: Student
    _held: Held

    def __init__(self, student: Student, held: Held) -> None:
        object.__setattr__(self, "_student", student)
        object.__setattr__(self, "_held", held)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._student._perform(Call("get", self._held, name))

    def __setattr__(self, name: str, value: Any) -> None:
        call = Call("set", self._held, name, args=(snapshot(value, _plain),))
        self._student._perform(call)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the held object, a method for example."""
        plain_args = tuple(snapshot(arg, _plain) for arg in args)
        plain_kwargs = {key: snapshot(value, _plain) for key, value in kwargs.items()}
        return self._student._perform(
            Call("call", self._held, "__call__", plain_args, plain_kwargs)
        )

    def __repr__(self) -> str:
        return f"<a {self._held.type_name} of the student's>"

    def value(self) -> Any:
        """Return the held value as it is now."""
        return self._student._perform(Call("fetch", self._held, ""))


def _plain(value: Any) -> Any:
    if isinstance(value, Handle):
        return value._held
    if isinstance(value, StudentFunction):
        return value._named
    return value
