"""Plain values on the wire: how arguments reach a student's function and results come back.

A message is one frame: an 8-byte length of the header, an 8-byte length of the rest, the header
(JSON), then the raw bytes of every array, one after the other. Nothing is pickled or evaluated, so
that reading a frame written by hostile code can at worst fail.

What crosses: ``None``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``bytes``, lists,
tuples, dictionaries (ordered ones and ones with defaults as plain ones), NumPy arrays and scalars
of Boolean and numeric dtypes, and ``numpy.random.Generator`` objects (by the state of their bit
generator, so that both sides draw the same numbers). Anything else is replaced by what
:class:`Encoder`'s ``refer`` makes of it: a handle to an object that stays where it is.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import mmap
import re
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

__all__ = [
    "MAX_DEPTH",
    "MAX_FRAME",
    "Decoder",
    "Encoder",
    "FrameError",
    "Stream",
    "TooLarge",
    "announce",
    "read_frame",
    "write_frame",
]

# Of the arrays and texts of one message, whichever side sends it.
MAX_FRAME = 256 * 2**20
MAX_HEADER = 16 * 2**20
MAX_DEPTH = 50
MAX_ITEMS = 1_000_000
MAX_INT_BITS = 8192
# The brackets and commas of a header: each may cost a hundred times its byte when it is read.
MAX_MARKS = 1_200_000
# Keys whose hashes their sender chooses, as no one can for text: inserting n of them can take n^2.
MAX_ODD_KEYS = 5_000
MAX_GENERATORS = 100
_SMALL, _LARGE = 2**16, 2**20
# Gradients are collected in any of these.
_DICTIONARIES = (dict, OrderedDict, defaultdict)
_LENGTHS = struct.Struct(">QQ")
# In the length of a body: it does not follow in the stream but lies in memory that is passed on.
_ELSEWHERE = 1 << 63
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937")
# np.dtype parses whole expressions: it never sees what is not one of these.
_DTYPE = re.compile(r"[<|][biufc]\d{1,2}")


class FrameError(Exception):
    """A frame that is no frame: malformed, truncated, too long, or holding what no value holds."""


class TooLarge(Exception):
    """A value that would make a frame of more bytes, items or levels than the limits allow."""


class Stream(Protocol):
    """The two operations a frame needs of a connection."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read at least one byte into the buffer; 0 at the end of the stream."""

    def sendall(self, data: Any, /) -> None:
        """Write all of the data."""


class Encoder:
    """Turn a value into a JSON tree and a list of array buffers.

    Parameters
    ----------
    refer
        Called with every object that is no plain value; returns the JSON node that stands for it.
    """

    def __init__(self, refer: Callable[[Any], dict[str, Any]]) -> None:
        self.refer = refer
        self.buffers: list[memoryview] = []
        self.size = 0
        self.items = 0
        self.odd_keys = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON node of ``value``; arrays are appended to ``buffers``."""
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise TooLarge(f"more than {MAX_DEPTH} levels or {MAX_ITEMS:,} items")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return self._text(value) if kind is str else value
        if kind is int:
            return value if abs(value) < 2**63 else self._large(value)
        if kind is float:
            return value if math.isfinite(value) else {"t": "float", "v": repr(value)}
        if kind is list:
            return [self.encode(item, depth + 1) for item in value]
        if kind is tuple:
            return {"t": "tuple", "v": [self.encode(item, depth + 1) for item in value]}
        if kind in _DICTIONARIES:
            self.odd_keys += sum(map(_is_odd_key, value))
            if self.odd_keys > MAX_ODD_KEYS:
                raise TooLarge(f"more than {MAX_ODD_KEYS:,} keys that are no text or small integer")
            pairs = [
                [self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()
            ]
            return {"t": "dict", "v": pairs}
        return self._rarer(value)

    def _text(self, value: str) -> Any:
        self._grow(len(value))
        try:
            value.encode()
        except UnicodeEncodeError:  # a lone surrogate has no place in a frame
            return value.encode("utf-8", "replace").decode()
        return value

    def _large(self, value: int) -> Any:
        if value.bit_length() > MAX_INT_BITS:
            raise TooLarge(f"an integer of more than {MAX_INT_BITS:,} bits")
        return {"t": "int", "v": hex(value)}

    def _rarer(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            return self._array(np.asarray(value), "array")
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return self._array(np.asarray(value), "scalar")
        if type(value) is complex:
            return {"t": "complex", "v": [repr(value.real), repr(value.imag)]}
        if type(value) is bytes:
            self._grow(len(value))
            return {"t": "bytes", "v": base64.b64encode(value).decode()}
        if type(value) is np.random.Generator:
            return self._generator(value)
        if type(value) is np.str_:
            return self._text(str(value))
        return self.refer(value)

    def _array(self, array: np.ndarray[Any, Any], tag: str) -> dict[str, Any]:
        self._grow(array.nbytes)
        flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1)
        self.buffers.append(flat.view(np.uint8).data if flat.size else memoryview(b""))
        node = {"t": tag, "d": flat.dtype.str, "s": list(array.shape), "b": len(self.buffers) - 1}
        return node

    def _generator(self, generator: np.random.Generator) -> Any:
        state = generator.bit_generator.state
        if state.get("bit_generator") not in _BIT_GENERATORS:
            return self.refer(generator)
        return {"t": "generator", "v": self.encode(state)}

    def _grow(self, nbytes: int) -> None:
        self.size += nbytes
        if self.size > MAX_FRAME:
            raise TooLarge(f"more than {MAX_FRAME // 2**20} MB")


class Decoder:
    """Turn a JSON tree and array bytes back into values; raise :class:`FrameError` on anything odd.

    Parameters
    ----------
    blob, lengths
        The bytes of all arrays and the length of each.
    resolve
        Called with every node that stands for an object (``{"t": "handle", …}`` and the like).
    max_letters
        The most letters that a value may have if each of its items were as wide as its longest
        text, which is what NumPy makes of a list with text in it.
    """

    def __init__(
        self,
        blob: memoryview,
        lengths: list[int],
        resolve: Callable[[dict[str, Any]], Any],
        max_letters: float = math.inf,
    ) -> None:
        self.resolve = resolve
        self.max_letters = max_letters
        self.blob = blob
        # Where each array begins and ends; ``None`` once it was taken.
        self.parts: list[tuple[int, int] | None] = []
        start = 0
        for length in lengths:
            if type(length) is not int or length < 0:
                raise FrameError("an array of no length")
            self.parts.append((start, start + length))
            start += length
        if start != len(blob):
            raise FrameError("array bytes that do not add up")
        self.items = self.longest = self.odd_keys = self.generators = 0

    def decode(self, node: Any, depth: int = 0) -> Any:
        """Return the value of a JSON node."""
        if depth > MAX_DEPTH + 2:
            raise FrameError("values nested too deeply")
        if depth == 0:
            self.items = self.longest = 0
        self.items += 1
        if isinstance(node, str):
            self.longest = max(self.longest, len(node))
        if self.items * self.longest > self.max_letters:
            raise FrameError("a text far too long among so many items")
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if isinstance(node, list):
            return [self.decode(item, depth + 1) for item in node]
        if not isinstance(node, dict) or not isinstance(node.get("t"), str):
            raise FrameError("a value of no known kind")
        try:
            return self._tagged(node["t"], node, depth)
        except FrameError:
            raise
        except (
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            OverflowError,
            AttributeError,
        ) as error:
            raise FrameError(f"a malformed {node['t'][:20]!r}") from error

    def _tagged(self, tag: str, node: dict[str, Any], depth: int) -> Any:
        if tag in ("array", "scalar"):
            return self._array(node, tag)
        if tag in ("tuple", "dict") and not isinstance(node["v"], list):
            raise FrameError(f"a {tag} that is none")
        if tag == "tuple":
            return tuple(self.decode(item, depth + 1) for item in node["v"])
        if tag == "dict":
            return dict(self._item(k, v, depth + 1) for k, v in node["v"])
        if tag == "int":
            if len(node["v"]) > MAX_INT_BITS // 4 + 3:
                raise FrameError("an integer of too many bits")
            return int(node["v"], 16)
        if tag == "float":
            return float(node["v"])
        if tag == "complex":
            return complex(float(node["v"][0]), float(node["v"][1]))
        if tag == "bytes":
            self.longest = max(self.longest, len(node["v"]))
            return base64.b64decode(node["v"], validate=True)
        if tag == "generator":
            self.generators += 1
            if self.generators > MAX_GENERATORS:
                raise FrameError("more generators than any answer has")
            return _generator(self.decode(node["v"], depth + 1))
        return self.resolve(node)

    def _item(self, key: Any, value: Any, depth: int) -> tuple[Any, Any]:
        key = self.decode(key, depth)
        self.odd_keys += _is_odd_key(key)
        if self.odd_keys > MAX_ODD_KEYS:
            raise FrameError("more dictionary keys of odd kinds than any answer has")
        return key, self.decode(value, depth)

    def _array(self, node: dict[str, Any], tag: str) -> Any:
        if not _DTYPE.fullmatch(node["d"]):
            raise FrameError("an array of a dtype that is no number")
        dtype = np.dtype(node["d"])
        shape = tuple(node["s"])
        if len(shape) > 32 or any(type(n) is not int or not 0 <= n <= MAX_FRAME for n in shape):
            raise FrameError("an array of an impossible shape")
        index = node["b"]
        if type(index) is not int or index < 0:
            raise FrameError("an array without bytes")
        part, self.parts[index] = self.parts[index], None
        if part is None:
            raise FrameError("the same array twice")
        if math.prod(shape) * dtype.itemsize != part[1] - part[0]:
            raise FrameError("an array whose shape and bytes disagree")
        data = self.blob[part[0] : part[1]]
        array = np.frombuffer(data, dtype=dtype).reshape(shape)
        array = array.astype(dtype.newbyteorder("="), copy=False)
        # Nobody else uses these bytes: a copy is for what could not be written to or is askew.
        if not (array.flags.writeable and array.flags.aligned):
            array = array.copy()
        return array[()] if tag == "scalar" else array


def _is_odd_key(key: Any) -> bool:
    if key is None or isinstance(key, str | bytes):
        return False
    return not (type(key) in (bool, int) and abs(key) < 2**60)


def _generator(state: dict[str, Any]) -> np.random.Generator:
    name = state["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise FrameError("an unknown bit generator")
    bits = getattr(np.random, name)(0)
    # NumPy takes a state as it is and would read beyond what is too short or points too far.
    if not _alike(state, bits.state):
        raise FrameError("a bit generator in no state of its kind")
    if not (0 <= state["state"].get("pos", 0) <= 624 and 0 <= state.get("buffer_pos", 0) <= 4):
        raise FrameError("a bit generator that points beyond its state")
    bits.state = state
    return np.random.Generator(bits)


def _alike(state: Any, pattern: Any) -> bool:
    """Whether a state has the keys, types and shapes of another."""
    if type(state) is not type(pattern):
        return False
    if isinstance(pattern, dict):
        return state.keys() == pattern.keys() and all(_alike(state[k], pattern[k]) for k in pattern)
    if isinstance(pattern, np.ndarray):
        return bool(state.shape == pattern.shape and state.dtype == pattern.dtype)
    return True


def write_frame(stream: Stream, header: dict[str, Any], buffers: list[memoryview]) -> None:
    """Write one frame: the header as JSON, then the buffers.

    Raises
    ------
    TooLarge
        If the header is longer than the other side reads; nothing is written then.
    """
    beginning = _beginning(header, buffers)
    if len(beginning) + sum(map(len, buffers)) <= _SMALL:
        # In one piece: each piece would wake the reader.
        stream.sendall(b"".join((beginning, *buffers)))
        return
    stream.sendall(beginning)
    for buffer in buffers:
        stream.sendall(buffer)


def announce(stream: Stream, header: dict[str, Any], buffers: list[memoryview]) -> None:
    """Write the beginning of a frame whose buffers are given to the reader's ``fetch``.

    Raises
    ------
    TooLarge
        If the header is longer than the other side reads; nothing is written then.
    """
    stream.sendall(_beginning(header, buffers, elsewhere=True))


def _beginning(
    header: dict[str, Any], buffers: list[memoryview], *, elsewhere: bool = False
) -> bytes:
    """Return the lengths and the header of a frame; say if the buffers do not follow it."""
    text = json.dumps({**header, "lengths": [len(b) for b in buffers]}, allow_nan=False).encode()
    if _marks(text) > MAX_MARKS or len(text) > MAX_HEADER:
        raise TooLarge(f"more than {MAX_MARKS:,} items or {MAX_HEADER // 2**20} MB beside arrays")
    body = sum(len(b) for b in buffers)
    return _LENGTHS.pack(len(text), body | (_ELSEWHERE if elsewhere else 0)) + text


def read_frame(
    stream: Stream, limit: int = MAX_FRAME, fetch: Callable[[int], memoryview] | None = None
) -> tuple[dict[str, Any], memoryview]:
    """Read one frame and return its header and the bytes of its arrays.

    Parameters
    ----------
    stream
        Where it is read from.
    limit
        The most bytes that its arrays may have.
    fetch
        Called with their number where they are not in the stream; without it, such a frame is none.

    Raises
    ------
    EOFError
        If the stream ends before the frame does.
    FrameError
        If the frame's arrays are longer than ``limit`` or :data:`MAX_FRAME` bytes, its header is
        longer than any, or no JSON object.
    """
    n_header, n_body = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    elsewhere = fetch is not None and bool(n_body & _ELSEWHERE)
    n_body -= _ELSEWHERE if elsewhere else 0
    if n_header > MAX_HEADER or n_body > min(limit, MAX_FRAME):
        raise FrameError("a message longer than any answer can be")
    text = bytes(_read(stream, n_header))
    if _marks(text) > MAX_MARKS:
        raise FrameError("a message of more items than any answer has")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError("a message that is no JSON") from error
    if not isinstance(header, dict) or not isinstance(header.get("lengths"), list):
        raise FrameError("a message without a header")
    return header, fetch(n_body) if fetch and elsewhere else _read(stream, n_body)


def _marks(header: bytes) -> int:
    return header.count(b"[") + header.count(b"{") + header.count(b",")


def _read(stream: Stream, count: int) -> memoryview:
    data = _room(count)
    have = 0
    while have < count:
        got = stream.recv_into(data[have:])
        if got == 0:
            raise EOFError("the other side closed the connection")
        have += got
    return data


def _room(count: int) -> memoryview:
    """Return room for so many bytes, of which a promise that is not kept costs nothing.

    The kernel gives the pages of a large mapping when something is written to them.
    """
    if count < _LARGE:
        return memoryview(bytearray(count))
    try:
        room = mmap.mmap(-1, count, mmap.MAP_PRIVATE)  # a shared one has small pages
    except OSError:
        raise MemoryError from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            room.madvise(mmap.MADV_HUGEPAGE)  # as NumPy asks for its own arrays
    return memoryview(room)
