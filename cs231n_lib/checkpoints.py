"""Save and load plain state, arrays and generators included, without pickle."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CheckpointError", "load_state", "pack", "restore", "save_state"]

_KEYS = {"array": "@array", "tuple": "@tuple", "generator": "@generator", "dict": "@dict"}


class CheckpointError(ValueError):
    """A checkpoint cannot be written or read; the message says why."""


def pack(value: Any, arrays: dict[str, NDArray[Any]], place: str = "state") -> Any:
    """Return `value` as what JSON can hold; arrays are copied into `arrays`, under their places.

    Parameters
    ----------
    value : object
        Numbers, strings, booleans, None, arrays, NumPy generators, and dicts, lists and tuples of
        those.
    arrays : dict
        Receives the arrays.
    place : str
        What to call `value`, in messages and as the first part of the names of arrays.

    Raises
    ------
    CheckpointError
        If there is anything else in it; the message names the place.

    Examples
    --------
    >>> arrays = {}
    >>> pack({"t": 3, "m": np.zeros(2)}, arrays)
    {'t': 3, 'm': {'@array': 'state/m'}}
    >>> restore({'t': 3, 'm': {'@array': 'state/m'}}, arrays)
    {'t': 3, 'm': array([0., 0.])}
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise CheckpointError(f"{place} is an array of Python objects, which is not saved")
        # A place may hold a slash of its own: two places never share a name all the same.
        name = place if place not in arrays else f"{place}#{len(arrays)}"
        arrays[name] = np.array(value)
        return {_KEYS["array"]: name}
    if isinstance(value, np.random.Generator):
        state = pack(value.bit_generator.state, arrays, f"{place}/generator")
        return {_KEYS["generator"]: state}
    if isinstance(value, (list, tuple)):
        items = [pack(item, arrays, f"{place}/{i}") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {_KEYS["tuple"]: items}
    if isinstance(value, Mapping):
        if all(type(key) is str and not key.startswith("@") for key in value):
            return {key: pack(item, arrays, f"{place}/{key}") for key, item in value.items()}
        pairs = [
            [pack(k, arrays, place), pack(v, arrays, f"{place}/{k}")] for k, v in value.items()
        ]
        return {_KEYS["dict"]: pairs}
    kind = type(value).__name__
    raise CheckpointError(f"{place} is a {kind}, which a checkpoint cannot hold")


def restore(packed: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return what :func:`pack` was given; generators are new ones in the same state."""
    if isinstance(packed, list):
        return [restore(item, arrays) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if len(packed) == 1:
        ((key, value),) = packed.items()
        if key == _KEYS["array"]:
            array = arrays[value]
            return array[()] if array.ndim == 0 else array.copy()
        if key == _KEYS["tuple"]:
            return tuple(restore(item, arrays) for item in value)
        if key == _KEYS["dict"]:
            return {restore(k, arrays): restore(v, arrays) for k, v in value}
        if key == _KEYS["generator"]:
            return _generator(restore(value, arrays))
    return {key: restore(item, arrays) for key, item in packed.items()}


def save_state(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write a dict of plain state to a file: an ``.npz`` of its arrays and one JSON text.

    The file is replaced at once when it is complete: a run that is killed leaves the old one.

    Parameters
    ----------
    path : path
        The file; missing folders are made.
    state : dict
        As :func:`pack` takes it.

    Raises
    ------
    CheckpointError
        If there is something in it that cannot be saved, or the file cannot be written.
    """
    path = Path(path)
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(pack(dict(state), arrays), allow_nan=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr("state.json", text)
                for i, array in enumerate(arrays.values()):
                    with archive.open(f"{i}.npy", "w", force_zip64=True) as file:
                        np.lib.format.write_array(file, array, allow_pickle=False)
                archive.writestr("places.json", json.dumps(list(arrays)))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be written: {error}") from error


def load_state(path: str | Path) -> dict[str, Any]:
    """Read what :func:`save_state` wrote. Nothing in the file can run code.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is no checkpoint, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            packed = json.loads(archive.read("state.json"))
            arrays = {}
            for i, place in enumerate(json.loads(archive.read("places.json"))):
                with archive.open(f"{i}.npy") as file:
                    arrays[place] = np.lib.format.read_array(file, allow_pickle=False)
        state = restore(packed, arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is no checkpoint, or is damaged: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} is no checkpoint")
    return state


def _generator(state: dict[str, Any]) -> np.random.Generator:
    kinds = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    if state.get("bit_generator") not in kinds:
        raise ValueError(f"unknown generator {state.get('bit_generator')!r}")
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
