from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograder.worker.serve import Server
from autograder.worker.values import Decoder, Encoder, read_frame, write_frame


class Client:
    """The trusted side's end, written anew: a request out, what comes back as a dictionary."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.sequence = 0

    def send(self, **message: Any) -> None:
        def refer(value: Any) -> dict[str, Any]:
            assert isinstance(value, Node), value
            return value.node

        encoder = Encoder(refer)
        tree = {key: encoder.encode(value) for key, value in message.items()}
        write_frame(self.channel, tree, encoder.buffers)

    def receive(self) -> dict[str, Any]:
        header, body = read_frame(self.channel)
        decoder = Decoder(body, header.pop("lengths"), Node)
        return {key: decoder.decode(node) for key, node in header.items()}

    def __call__(self, operation: str, **fields: Any) -> dict[str, Any]:
        self.sequence += 1
        self.send(op=operation, seq=self.sequence, **fields)
        reply = self.receive()
        if "callback" not in reply:
            assert reply["seq"] == self.sequence
        return reply

    def call(self, name: str, *args: Any, hold: Any = (), **kwargs: Any) -> dict[str, Any]:
        return self("call", name=name, args=list(args), kwargs=kwargs, hold=list(hold))


class Node:
    """A node that stands for an object."""

    def __init__(self, node: dict[str, Any]) -> None:
        self.node = node


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """Serve some names from a thread; returns the other end."""
    ends: list[tuple[socket.socket, threading.Thread]] = []

    def start(**names: Any) -> Client:
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        server = Server(theirs)
        server.namespace.update(names)

        def run() -> None:
            with theirs:
                server.run()

        thread = threading.Thread(target=run)
        thread.start()
        ends.append((ours, thread))
        return Client(ours)

    yield start
    for ours, thread in ends:
        ours.close()
        thread.join(10)
        assert not thread.is_alive()


class Net:
    """Something that is no plain value."""

    def __init__(self, size: int = 3) -> None:
        self.params = {"W": np.zeros(size)}

    def loss(self, X: Any) -> Any:
        return float(np.sum(X)), self

    def grow(self) -> None:
        self.params["W"] = np.ones(9)


def test_a_function_is_called_with_its_arguments(serve: Callable[..., Client]) -> None:
    ask = serve(f=lambda x, *, k: (x * k, {"k": k}))
    reply = ask.call("f", np.arange(3.0), k=2)
    out, fields = reply["value"]
    np.testing.assert_array_equal(out, [0.0, 2.0, 4.0])
    assert fields == {"k": 2}
    assert reply["printed"] == ""


def test_prints_are_brought_back_and_warnings_are_not(serve: Callable[..., Client]) -> None:
    def noisy() -> int:
        print("hello")
        warnings.warn("careful", stacklevel=1)
        np.log(np.zeros(1))
        print("x" * 50_000)
        return 1

    reply = serve(noisy=noisy).call("noisy")
    assert reply["value"] == 1
    assert reply["printed"].startswith("hello\nxxx")
    assert "careful" not in reply["printed"]
    assert len(reply["printed"]) == 10_000


def test_an_exception_is_described(serve: Callable[..., Client]) -> None:
    namespace: dict[str, Any] = {}
    source = "def f(x):\n    y = 1\n    return g(x)\n\ndef g(x):\n    return x['a']\n"
    exec(compile(source, "<cell row_means>", "exec"), namespace)  # noqa: S102
    error = serve(**namespace).call("f", {})["error"]
    assert error["type"] == "KeyError"
    assert error["message"] == "'a'"
    assert error["frames"] == [{"cell": "row_means", "line": 3}, {"cell": "row_means", "line": 6}]
    assert error["not_defined"] is False


@pytest.mark.parametrize(
    "exception", [SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError]
)
def test_no_exception_ends_the_server(
    serve: Callable[..., Client], exception: type[BaseException]
) -> None:
    def leave() -> None:
        raise exception("bye")

    ask = serve(leave=leave, one=lambda: 1)
    assert ask.call("leave")["error"]["type"] == exception.__name__
    assert ask.call("one")["value"] == 1


def test_an_unbounded_recursion_is_an_exception(serve: Callable[..., Client]) -> None:
    def down(n: int) -> int:
        return down(n + 1)

    assert serve(down=down).call("down", 0)["error"]["type"] == "RecursionError"


def test_a_missing_function_is_told_from_a_key_error(serve: Callable[..., Client]) -> None:
    error = serve().call("nothing")["error"]
    assert error["not_defined"] is True


def test_objects_stay_and_are_reached_by_number(serve: Callable[..., Client]) -> None:
    ask = serve(Net=Net)
    net = ask.call("Net", 2)["value"]
    assert net.node["type"] == "Net"
    handle = Node({"t": "handle", "id": net.node["id"]})
    params = ask("get", handle=handle, name="params")["value"]
    np.testing.assert_array_equal(params["W"], [0.0, 0.0])
    value, same = ask("call", handle=handle, name="loss", args=[[1, 2]], kwargs={}, hold=[])[
        "value"
    ]
    assert value == 3.0
    assert same.node["type"] == "Net"
    assert ask("set", handle=handle, name="params", value={"W": 5})["value"] is None
    assert ask("get", handle=handle, name="params")["value"] == {"W": 5}
    assert ask("get", handle=handle, name="nothing")["error"]["type"] == "AttributeError"


def test_a_held_value_shows_what_was_done_to_it(serve: Callable[..., Client]) -> None:
    def double(x: Any) -> None:
        x *= 2

    ask = serve(double=double)
    held = ask("hold", value=np.arange(3.0))["value"]
    handle = Node({"t": "handle", "id": held.node["id"]})
    ask.call("double", handle)
    np.testing.assert_array_equal(ask("fetch", handle=handle)["value"], [0.0, 2.0, 4.0])


def test_chosen_elements_of_a_result_stay(serve: Callable[..., Client]) -> None:
    ask = serve(f=lambda: (np.ones(2), {"cache": 1}, 3), g=lambda c: c["cache"] + 1, h=lambda: 7)
    out, cache, three = ask.call("f", hold=[1])["value"]
    np.testing.assert_array_equal(out, [1.0, 1.0])
    assert three == 3
    assert cache.node["type"] == "dict"
    assert ask.call("g", Node({"t": "handle", "id": cache.node["id"]}))["value"] == 2
    assert ask.call("h", hold=[0])["value"].node["type"] == "int"


def test_a_function_may_be_an_argument(serve: Callable[..., Client]) -> None:
    ask = serve(apply=lambda f, x: f(x), square=lambda x: x * x)
    assert ask.call("apply", Node({"t": "function", "name": "square"}), 3)["value"] == 9


def test_a_function_of_the_grader_is_called_back(serve: Callable[..., Client]) -> None:
    ask = serve(twice=lambda f, x: f(f(x), k=1))
    reply = ask.call("twice", Node({"t": "callback", "id": 4}), 10)
    assert (reply["callback"], reply["args"], reply["kwargs"]) == (4, (10,), {})
    ask.send(value=11)
    reply = ask.receive()
    assert (reply["args"], reply["kwargs"]) == ((11,), {"k": 1})
    ask.send(value=12)
    assert ask.receive()["value"] == 12


def test_a_failed_call_back_is_not_swallowed_by_the_student(serve: Callable[..., Client]) -> None:
    def stubborn(f: Any) -> int:
        try:
            return int(f())
        except Exception:
            return 5

    ask = serve(stubborn=stubborn)
    ask.call("stubborn", Node({"t": "callback", "id": 0}))
    ask.send(failed=True)
    assert "error" in ask.receive()


def test_an_answer_that_is_too_large_is_an_error(serve: Callable[..., Client]) -> None:
    def endless() -> list[Any]:
        out: list[Any] = []
        out.append(out)
        return out

    ask = serve(
        big=lambda: np.broadcast_to(np.float64(1), (10**9,)), endless=endless, one=lambda: 1
    )
    assert ask.call("big")["error"]["type"] == "TooLarge"
    assert ask.call("endless")["error"]["type"] == "TooLarge"
    assert ask.call("one")["value"] == 1


def test_an_unknown_operation_or_handle_is_an_error_and_no_more(
    serve: Callable[..., Client],
) -> None:
    ask = serve(one=lambda: 1)
    assert ask("explode")["error"]["type"] == "KeyError"
    assert ask.call("one")["value"] == 1
