from __future__ import annotations

import contextlib
import json
import math
import struct
import sys
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from autograder.worker import values
from autograder.worker.values import (
    MAX_DEPTH,
    Decoder,
    Encoder,
    FrameError,
    TooLarge,
    read_frame,
    write_frame,
)

LENGTHS = struct.Struct(">QQ")


class Pipe:
    """Both ends of a connection in memory; hands out at most ``chunk`` bytes at a time."""

    def __init__(self, data: bytes = b"", chunk: int = 2**30) -> None:
        self.data = bytearray(data)
        self.chunk = chunk

    def recv_into(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self.data), self.chunk)
        buffer[:count] = self.data[:count]
        del self.data[:count]
        return count

    def sendall(self, data: Any, /) -> None:
        self.data += bytes(data)


def refuse(value: Any) -> Any:
    raise AssertionError(f"{value!r} is no plain value")


def over_the_wire(value: Any, chunk: int = 2**30) -> Any:
    pipe = Pipe(chunk=chunk)
    encoder = Encoder(refuse)
    write_frame(pipe, {"value": encoder.encode(value)}, encoder.buffers)
    header, body = read_frame(pipe)
    assert not pipe.data
    return Decoder(body, header["lengths"], refuse).decode(header["value"])


def identical(a: Any, b: Any) -> bool:
    """Whether two values are the same, bit by bit, written without the code under test."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        a, b = np.asarray(a), np.asarray(b)
        native = a.astype(a.dtype.newbyteorder("="))
        return a.shape == b.shape and native.dtype == b.dtype and native.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack(">d", a) == struct.pack(">d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return identical(a.real, b.real) and identical(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            identical(x, y) for x, y in zip(a.items(), b.items(), strict=True)
        )
    return bool(a == b)


NUMBERS = (
    npst.boolean_dtypes()
    | npst.integer_dtypes(endianness="?")
    | npst.floating_dtypes(endianness="?", sizes=(16, 32, 64))
    | npst.unsigned_integer_dtypes(endianness="?")
    | npst.complex_number_dtypes(endianness="?", sizes=(64, 128))
)
ARRAYS = NUMBERS.flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0))
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**200)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | ARRAYS
)
KEYS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS | st.tuples(KEYS, KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_plain_value_arrives_bit_by_bit(value: Any) -> None:
    assert identical(value, over_the_wire(value))


@given(VALUES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_connection_may_deliver_a_byte_at_a_time(value: Any) -> None:
    assert identical(value, over_the_wire(value, chunk=1))


@pytest.mark.parametrize(
    "array",
    [
        np.array(5.0),
        np.array([]),
        np.empty((0, 3, 0), np.int32),
        np.arange(24.0).reshape(4, 6)[::2, 1::3],
        np.arange(6).reshape(2, 3).T,
        np.broadcast_to(np.float32(2), (3, 4)),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(5, dtype=">i4"),
        np.arange(5, dtype=">f8")[::-2],
        np.array([np.nan, np.inf, -np.inf, -0.0]),
        np.array([1 + 2j, complex(np.nan, -0.0)]),
        np.array([True, False]),
        np.arange(3, dtype=np.float16),
        np.arange(3, dtype=np.longdouble) / 3,
        np.zeros((1,) * 32),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
def test_every_layout_of_array_arrives(array: np.ndarray) -> None:
    back = over_the_wire(array)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable
    assert not np.shares_memory(back, array)


def test_scalars_stay_scalars_and_zero_dimensional_arrays_arrays() -> None:
    for scalar in (
        np.float32(1.5),
        np.int8(-3),
        np.bool_(True),
        np.complex64(1j),
        np.float64("nan"),
    ):
        back = over_the_wire(scalar)
        assert type(back) is type(scalar)
        np.testing.assert_array_equal(back, scalar)
    back = over_the_wire(np.array(3))
    assert isinstance(back, np.ndarray)
    assert back.shape == ()


def test_subclasses_of_arrays_arrive_as_plain_arrays() -> None:
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    assert type(over_the_wire(masked)) is np.ndarray


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"])
def test_generators_draw_the_same_numbers_on_both_sides(bits: str) -> None:
    ours = np.random.Generator(getattr(np.random, bits)(7))
    ours.integers(0, 10, size=3, dtype=np.int32)  # leaves half a word in the buffer
    theirs = over_the_wire(ours)
    np.testing.assert_array_equal(theirs.normal(size=20), ours.normal(size=20))
    np.testing.assert_array_equal(
        theirs.integers(0, 99, size=7, dtype=np.int32), ours.integers(0, 99, size=7, dtype=np.int32)
    )


@given(st.integers(0, 2**32), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_a_generator_arrives_in_its_present_state(seed: int, drawn: int) -> None:
    ours = np.random.default_rng(seed)
    ours.normal(size=drawn)
    assert over_the_wire([ours])[0].normal() == ours.normal()


def test_dictionaries_of_the_standard_library_arrive_as_plain_ones() -> None:
    grads = defaultdict(list, {"W": [1], "b": [2]})
    for value in (grads, OrderedDict(grads)):
        back = over_the_wire(value)
        assert type(back) is dict
        assert list(back.items()) == [("W", [1]), ("b", [2])]
    (name,) = over_the_wire([np.array(["frog"])[0]])
    assert (type(name), name) == (str, "frog")


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert over_the_wire("a\ud800b") == "a?b"


def test_other_objects_are_replaced_by_a_reference() -> None:
    class Net:
        pass

    nets = [Net(), {1}, range(3), object, np.array([None]), np.array(["a"]), len]
    seen = []

    def refer(value: Any) -> dict[str, Any]:
        seen.append(value)
        return {"t": "handle", "id": len(seen) - 1}

    tree = Encoder(refer).encode(nets)
    assert [node["id"] for node in tree] == list(range(len(nets)))
    assert Decoder(memoryview(b""), [], lambda node: seen[node["id"]]).decode(tree) == nets


def test_what_is_too_large_is_refused_before_it_is_sent() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(TooLarge, match="levels"):
        Encoder(refuse).encode(deep)
    with pytest.raises(TooLarge, match="items"):
        Encoder(refuse).encode([None] * 1_000_001)
    with pytest.raises(TooLarge, match="256 MB"):
        Encoder(refuse).encode(np.broadcast_to(np.float64(0), (2**25 + 1,)))
    with pytest.raises(TooLarge, match="256 MB"):
        Encoder(refuse).encode(["a" * 2**27, b"a" * (2**27 + 1)])
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TooLarge):
        Encoder(refuse).encode(loop)


def test_what_one_side_sends_at_most_the_other_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_FRAME", 800)
    assert np.array_equal(over_the_wire(np.arange(100.0)), np.arange(100.0))
    with pytest.raises(TooLarge):
        over_the_wire(np.arange(101.0))
    forged = frame({"lengths": [808]}, bytes(808))
    for limit in (2**40, 808):
        with pytest.raises(FrameError, match="longer"):
            read_frame(Pipe(forged), limit)


@pytest.mark.parametrize("bits", [64, 4096, 8184, 8191, 8192, 100_000])
def test_an_enormous_integer_arrives_whole_or_is_refused(bits: int) -> None:
    value = -(2**bits) + 12345
    try:
        back = over_the_wire(value)
    except TooLarge:
        assert bits >= 8192
    else:
        assert back == value


def test_a_value_at_the_limit_of_depth_arrives() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = (deep,)
    assert over_the_wire(deep) == deep


# What hostile code may write ---------------------------------------------------------------------


def take_apart(data: bytes) -> Any:
    """Read a frame and all its values, as the trusted side does."""

    def resolve(node: dict[str, Any]) -> Any:
        if node["t"] != "handle":
            raise FrameError("a value of no known kind")
        return node

    header, body = read_frame(Pipe(data))
    decoder = Decoder(body, header.pop("lengths"), resolve)
    return {key: decoder.decode(node) for key, node in header.items()}


def frame(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_end_in_an_error_of_ours(data: bytes) -> None:
    with pytest.raises((FrameError, EOFError)):
        take_apart(data)


@given(st.binary(max_size=120), st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_arbitrary_headers_end_in_an_error_of_ours(text: bytes, body: bytes) -> None:
    with pytest.raises(FrameError):
        take_apart(frame(text, body))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["<f8", "|b1", "<i8", "|O", "<U4", "V9", "(2,)<f8", "f8,f8", "0x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "v", "d", "s", "b", "id", "type", "bit_generator", "state"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
TAGS = (
    "array",
    "scalar",
    "tuple",
    "dict",
    "int",
    "float",
    "complex",
    "bytes",
    "generator",
    "handle",
)
NODES = st.builds(
    lambda tag, fields: {**fields, "t": tag},
    st.sampled_from([*TAGS, ""]),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("v", "d", "s", "b", "id", "type"), JSON)),
)


@given(JSON | NODES | st.lists(NODES, max_size=3), JSON, st.binary(max_size=32))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_malformed_values_end_in_an_error_of_ours(node: Any, lengths: Any, body: bytes) -> None:
    for header in ({"value": node, "lengths": lengths}, {"value": node, "lengths": [len(body)]}):
        with contextlib.suppress(FrameError):
            take_apart(frame(header, body))


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_frame_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    pipe = Pipe()
    encoder = Encoder(refuse)
    value = [np.arange(3.0), np.random.default_rng(0), (1, {"a": np.float32(2)}), 2**70]
    write_frame(pipe, {"value": encoder.encode(value), "seq": 1}, encoder.buffers)
    changed = bytearray(pipe.data)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FrameError, EOFError):
        take_apart(bytes(changed))


def test_known_malformed_frames_are_refused() -> None:
    array = {"t": "array", "d": "<f8", "s": [2], "b": 0}
    for node, lengths, body in [
        ({**array, "s": [3]}, [16], bytes(16)),  # more entries than bytes
        ({**array, "s": [-2]}, [16], bytes(16)),
        ({**array, "s": [2.0]}, [16], bytes(16)),
        ({**array, "s": [True, 2]}, [16], bytes(16)),
        ({**array, "s": [2, 0, 2**70]}, [0], b""),
        ({**array, "s": [1] * 100 + [2]}, [16], bytes(16)),
        ({**array, "s": "ab"}, [16], bytes(16)),
        ({**array, "b": 1}, [16], bytes(16)),
        ({**array, "b": -1}, [16], bytes(16)),
        ({**array, "b": True}, [16], bytes(16)),
        ({**array, "d": "|O"}, [16], bytes(16)),
        ({**array, "d": "<M8[s]"}, [16], bytes(16)),
        ({**array, "d": "<f8,<f8", "s": [1]}, [16], bytes(16)),
        ({**array, "d": "(2,)<f8", "s": [1]}, [16], bytes(16)),
        ({**array, "d": "(,)f8"}, [16], bytes(16)),
        ({**array, "d": "(2"}, [16], bytes(16)),
        ({**array, "d": "a8"}, [16], bytes(16)),
        ({**array, "d": None}, [16], bytes(16)),
        (array, [8, 16], bytes(16)),  # lengths that do not add up
        (array, [16], bytes(24)),
        (array, [-16, 32], bytes(16)),
        (array, ["16"], bytes(16)),
        ({"t": "dict", "v": [[[], 1]]}, [], b""),  # a key that cannot be hashed
        ({"t": "dict", "v": [[1, 2, 3]]}, [], b""),
        ({"t": "dict", "v": "abc"}, [], b""),
        ({"t": "dict"}, [], b""),
        ({"t": "tuple", "v": 3}, [], b""),
        ({"t": "int", "v": "12three"}, [], b""),
        ({"t": "int", "v": 3}, [], b""),
        ({"t": "float", "v": "one"}, [], b""),
        ({"t": "complex", "v": ["1"]}, [], b""),
        ({"t": "bytes", "v": "??"}, [], b""),
        ({"t": "bytes", "v": 3}, [], b""),
        ({"t": "generator", "v": {}}, [], b""),
        ({"t": "generator", "v": {"t": "dict", "v": [["bit_generator", "os"]]}}, [], b""),
        ({"t": "generator", "v": {"t": "dict", "v": [["bit_generator", "PCG64"]]}}, [], b""),
        ({"t": "pickle", "v": "gASVAAA="}, [], b""),
        ({"t": 3}, [], b""),
        ({"v": 3}, [], b""),
    ]:
        with pytest.raises(FrameError):
            take_apart(frame({"value": node, "lengths": lengths}, body))


def test_malformed_headers_are_refused() -> None:
    for data in [
        frame(b"{"),
        frame(b"\xff\xfe"),
        frame([]),
        frame(3),
        frame({}),
        frame({"lengths": {}}),
        frame(b"[" * 100_000 + b"]" * 100_000),
        frame(b'{"lengths": [], "value": ' + b"1" * 10_000 + b"}"),
    ]:
        with pytest.raises(FrameError):
            take_apart(data)


def test_a_promise_of_much_costs_nothing_and_a_promise_of_too_much_is_refused() -> None:
    with pytest.raises(FrameError, match="longer"):
        read_frame(Pipe(LENGTHS.pack(2**62, 0)))
    with pytest.raises(FrameError, match="longer"):
        read_frame(Pipe(LENGTHS.pack(2, 2**40)))
    with pytest.raises(FrameError, match="longer"):
        read_frame(Pipe(frame({"lengths": [9]}, bytes(9))), limit=8)
    for elsewhere in (2**63, 2**63 + 8):  # what only the trusted side may say
        with pytest.raises(FrameError, match="longer"):
            read_frame(Pipe(LENGTHS.pack(2, elsewhere) + b"{}"), limit=2**62)
    with pytest.raises(EOFError):
        read_frame(Pipe(LENGTHS.pack(2**20, 2**28) + b"{"))


@pytest.mark.parametrize(
    ("bits", "path", "value"),
    [
        ("MT19937", ("state", "pos"), 2**20),
        ("MT19937", ("state", "pos"), -5),
        ("MT19937", ("state", "key"), np.zeros(3, np.uint32)),
        ("Philox", ("buffer_pos",), 1000),
        ("Philox", ("buffer_pos",), -1),
        ("PCG64", ("state", "state"), "no number"),
        ("SFC64", ("state", "state"), np.zeros(1, np.uint64)),
    ],
)
def test_a_generator_that_would_read_beyond_its_state_is_refused(
    bits: str, path: tuple[str, ...], value: Any
) -> None:
    state = getattr(np.random, bits)(0).state
    place = state
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    encoder = Encoder(refuse)
    tree = {"t": "generator", "v": encoder.encode(state)}
    body = b"".join(encoder.buffers)
    header = {"value": tree, "lengths": [len(b) for b in encoder.buffers]}
    with pytest.raises(FrameError):
        take_apart(frame(header, body))


def test_decoding_does_not_depend_on_how_deep_the_caller_is() -> None:
    def at_depth(n: int) -> Any:
        return at_depth(n - 1) if n else take_apart(frame({"value": [[[1]]], "lengths": []}))

    assert at_depth(sys.getrecursionlimit() // 3) == {"value": [[[1]]]}
