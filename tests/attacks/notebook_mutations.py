"""Seeded damage to notebook files: to bytes, JSON, schema, sources, order and sizes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["mutated"]

Rng = np.random.Generator

ODD: list[Any] = [
    None, True, False, 0, -1, 3, 2**63, -(2**70), 1e308, float("nan"), float("inf"), "", " ", "\0",
    "code", "markdown", "raw", "row_means", "centre", "question_why", "check_row_means", "top-1",
    "\ud800", "\u202e", "\x1b[2J", "🦊" * 50, "<script>alert(1)</script>", "../../gradebook.db",
    "a\r\nb\rc",
    [], {}, [[]], [None], [{}], {"": None}, {"nbgrader": None}, ["x = 1\n", "y = 2"], [["x"]],
    {"nbgrader": {"grade_id": "row_means", "solution": True}}, {"grade_id": 7}, {"cells": []},
]  # fmt: skip
PIECES = [
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[",
    b"]", b",",
    b":", b"null", b"NaN", b"1e999", b"-", b"9" * 5000, b"[" * 3000, b'{"a":' * 3000, b"\n" * 50,
    b'"cells": []', b'"cells": null,', b'"source": ["', b"<!-- -->", b"\xc3\x28", b"\xed\xa0\x80",
]  # fmt: skip
SOURCES = [
    "", " ", "\t", "\\", "'", '"""', "(", "def", "def row_means(X",
    "def row_means(X): return X.mean(1)",
    "def row_means(X):\n\treturn X\n        return X", "class row_means: pass", "row_means = 3",
    "%%bash\nls",
    "%load_ext x", "!rm -rf x", "?row_means", "row_means?",
    "%%time\ndef row_means(X): return X.mean(1)",
    "import torch, os; from x import *", "from __future__ import braces", "return 3", "yield",
    "await x",
    "lambda: (yield)", "x: int = 3", "del np", "raise SystemExit", "assert False",
    "if 1:\n    y = 2\nelse: z()",
    "try:\n    import a\nexcept: b = 1", "with open('x') as f: y = 1", "@np\ndef f(): pass",
    "def f(a, a): pass",
    "def f(): nonlocal x", "x = " + "(" * 300 + ")" * 300, "x = " + "-" * 3000 + "1", "0x", "1_",
    "1__0", "٣ = 4",
    "# -*- coding: utf-7 -*-", "\ufeffx = 1", "x = 1\0", "f'{'", "f'{x!z}'", "b'ü'",
    "match x:\n case 1: pass",
    "def row_means(X):\n    raise NotImplementedError", "while True: pass", "global row_means",
    "𝐱 = 1",
    "row_means = lambda X: X.mean(axis=1)", "row_means = [].append", "print('x')", "x = \u202e1",
    "\x0cx = 1",
]  # fmt: skip


def mutated(base: dict[str, Any], rng: Rng) -> bytes:
    """Return a valid notebook with one to six random changes, as the bytes of a file."""
    tree: Any = copy.deepcopy(base)
    count = int(rng.integers(1, 7))
    for _ in range(count):
        change = TREE_CHANGES[rng.integers(len(TREE_CHANGES))]
        tree = change(tree, rng)
    indent = 1 if rng.random() < 0.2 else None
    data = json.dumps(tree, indent=indent, ensure_ascii=bool(rng.integers(2)))
    content = data.encode("utf-8", "surrogatepass")
    if rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 5))):
            content = BYTE_CHANGES[rng.integers(len(BYTE_CHANGES))](content, rng)
    return content


# Trees


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every container and key in a tree."""
    found, queue = [], [tree]
    while queue:
        node = queue.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            found.append((node, key))
            if isinstance(value, dict | list):
                queue.append(value)
    return found


def _somewhere(tree: Any, rng: Rng) -> tuple[Any, Any] | None:
    places = _places(tree) if isinstance(tree, dict | list) else []
    return places[rng.integers(len(places))] if places else None


def _odd(rng: Rng) -> Any:
    return copy.deepcopy(ODD[rng.integers(len(ODD))])


def _cells(tree: Any) -> list[Any]:
    cells = tree.get("cells") if isinstance(tree, dict) else None
    return cells if isinstance(cells, list) else []


def _cell(tree: Any, rng: Rng) -> dict[str, Any]:
    found = [cell for cell in _cells(tree) if isinstance(cell, dict)]
    return found[rng.integers(len(found))] if found else {}


def replace_a_value(tree: Any, rng: Rng) -> Any:
    place = _somewhere(tree, rng)
    if place is None:
        return _odd(rng)
    place[0][place[1]] = _odd(rng)
    return tree


def remove_a_value(tree: Any, rng: Rng) -> Any:
    place = _somewhere(tree, rng)
    if place is not None:
        del place[0][place[1]]
    return tree


def rename_a_key(tree: Any, rng: Rng) -> Any:
    place = _somewhere(tree, rng)
    if place is not None and isinstance(place[0], dict):
        place[0][str(_odd(rng))] = place[0].pop(place[1])
    return tree


def wrap_a_value(tree: Any, rng: Rng) -> Any:
    place = _somewhere(tree, rng)
    if place is not None:
        value = place[0][place[1]]
        place[0][place[1]] = [[value], {"value": value}, [value] * 3, str(value)][rng.integers(4)]
    return tree


def copy_a_value_elsewhere(tree: Any, rng: Rng) -> Any:
    source, target = _somewhere(tree, rng), _somewhere(tree, rng)
    if source is not None and target is not None:
        target[0][target[1]] = copy.deepcopy(source[0][source[1]])
    return tree


def nest_deeply(tree: Any, rng: Rng) -> Any:
    place = _somewhere(tree, rng)
    deep: Any = 1
    for _ in range(int(rng.choice([10, 100, 300]))):
        deep = [deep] if rng.random() < 0.5 else {"": deep}
    if place is not None:
        place[0][place[1]] = deep
    return tree


def shuffle_cells(tree: Any, rng: Rng) -> Any:
    cells = _cells(tree)
    order = rng.permutation(len(cells))
    cells[:] = [cells[i] for i in order]
    return tree


def repeat_cells(tree: Any, rng: Rng) -> Any:
    cells = _cells(tree)
    if cells:
        some = [copy.deepcopy(cells[i]) for i in rng.integers(len(cells), size=rng.integers(1, 9))]
        cells += some * int(rng.choice([1] * 9 + [60]))
    return tree


def drop_cells(tree: Any, rng: Rng) -> Any:
    cells = _cells(tree)
    cells[:] = [cell for cell in cells if rng.random() < 0.6]
    return tree


def change_a_cell(tree: Any, rng: Rng) -> Any:
    keys = ["cell_type", "source", "metadata", "id", "outputs", "execution_count", "attachments"]
    _cell(tree, rng)[keys[rng.integers(len(keys))]] = _odd(rng)
    return tree


def change_nbgraders_field(tree: Any, rng: Rng) -> Any:
    keys = [
        "grade_id",
        "grade",
        "solution",
        "task",
        "locked",
        "points",
        "schema_version",
        "checksum",
    ]
    metadata = _cell(tree, rng).get("metadata")
    if isinstance(metadata, dict):
        field = metadata.setdefault("nbgrader", {})
        if isinstance(field, dict):
            field[keys[rng.integers(len(keys))]] = _odd(rng)
    return tree


def change_a_source(tree: Any, rng: Rng) -> Any:
    cell = _cell(tree, rng)
    new, old = SOURCES[rng.integers(len(SOURCES))], cell.get("source")
    old = old if isinstance(old, str) else ""
    cut = int(rng.integers(len(old) + 1))
    choices = [new, old + "\n" + new, old[:cut] + new + old[cut:], old[:cut], new.split("\n")]
    cell["source"] = choices[rng.integers(len(choices))]
    return tree


def change_a_size(tree: Any, rng: Rng) -> Any:
    size = int(rng.choice([1_000, 50_000, 400_000]))
    letter = ["x", "\n", "🦊", "#", "(", "`", "<", "\\", "$"][rng.integers(9)]
    key = ["source", "id", "cell_type", "outputs"][rng.integers(4)]
    _cell(tree, rng)[key] = letter * size
    return tree


def add_outputs(tree: Any, rng: Rng) -> Any:
    data = {"text/html": "<script>1</script>", "image/png": "AAAA", "text/plain": _odd(rng)}
    output = {"output_type": "display_data", "data": data, "metadata": _odd(rng)}
    _cell(tree, rng)["outputs"] = [output, _odd(rng)] * int(rng.integers(1, 30))
    return tree


TREE_CHANGES: list[Callable[[Any, Rng], Any]] = [
    replace_a_value, remove_a_value, rename_a_key, wrap_a_value, copy_a_value_elsewhere,
    nest_deeply,
    shuffle_cells, repeat_cells, drop_cells, change_a_cell, change_a_cell, change_nbgraders_field,
    change_a_source, change_a_source, change_a_size, add_outputs,
]  # fmt: skip


# Bytes


def flip_bits(content: bytes, rng: Rng) -> bytes:
    data = bytearray(content)
    for place in rng.integers(max(len(data), 1), size=rng.integers(1, 8)):
        if data:
            data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def insert_a_piece(content: bytes, rng: Rng) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + PIECES[rng.integers(len(PIECES))] + content[place:]


def cut_out(content: bytes, rng: Rng) -> bytes:
    start, end = sorted(rng.integers(len(content) + 1, size=2))
    end = min(end, start + int(rng.choice([1, 10, 1000])))
    return content[:start] + content[end:]


def truncate(content: bytes, rng: Rng) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def repeat_a_slice(content: bytes, rng: Rng) -> bytes:
    start, end = sorted(rng.integers(len(content) + 1, size=2))
    return content[:end] + content[start : min(end, start + 500)] * 3 + content[end:]


def encode_otherwise(content: bytes, rng: Rng) -> bytes:
    text = content.decode("utf-8", "replace")
    name = ["utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-7"][rng.integers(5)]
    return text.encode(name, "replace")


BYTE_CHANGES: list[Callable[[bytes, Rng], bytes]] = [
    flip_bits, flip_bits, insert_a_piece, insert_a_piece, cut_out, truncate, repeat_a_slice,
    encode_otherwise,
]  # fmt: skip
