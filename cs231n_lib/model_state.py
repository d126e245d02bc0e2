"""The plain state of a model: its parameters, running averages and generators."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs231n_lib.checkpoints import CheckpointError, pack, restore

__all__ = ["get_state", "set_state"]


def get_state(model: object, *, generators: bool = True) -> dict[str, Any]:
    """Return a copy of the attributes of a model that hold plain data.

    Plain are numbers, strings, arrays, generators, and dicts and lists of those, as
    :func:`cs231n_lib.checkpoints.pack` knows them: ``params``, the running averages of batch
    normalisation, a dropout generator. Attributes that hold anything else are left out.

    Parameters
    ----------
    model : object
        Any object with attributes.
    generators : bool, default True
        Whether to include attributes with a random generator in them.

    Examples
    --------
    >>> class Model:
    ...     def __init__(self):
    ...         self.params, self.activation = {"W": np.ones(2)}, np.tanh
    >>> get_state(Model())
    {'params': {'W': array([1., 1.])}}
    """
    attributes = dict(vars(model)) if hasattr(model, "__dict__") else {}
    # A class may offer params as a property; without them there is no state worth the name.
    attributes.setdefault("params", getattr(model, "params"))  # noqa: B009
    state = {}
    for name, value in attributes.items():
        arrays: dict[str, Any] = {}
        try:
            packed = pack(value, arrays)
        except CheckpointError:
            continue
        if generators or not _has_generator(value):
            state[name] = restore(packed, arrays)
    return state


def set_state(model: object, state: dict[str, Any]) -> None:
    """Give the attributes of a model back what :func:`get_state` returned.

    Dicts, lists and generators that are there already are filled anew, not replaced, so that a
    generator shared with something else stays shared. Arrays are replaced by copies.
    """
    for name, value in state.items():
        current = getattr(model, name, None)
        filled = _fill(current, value)
        if filled is not current:
            setattr(model, name, filled)


def _fill(current: Any, value: Any) -> Any:
    if isinstance(value, np.random.Generator):
        if isinstance(current, np.random.Generator) and type(current.bit_generator) is type(
            value.bit_generator
        ):
            current.bit_generator.state = value.bit_generator.state
            return current
        return value
    if isinstance(value, dict):
        filled = {key: _fill(_item(current, key), item) for key, item in value.items()}
        if not isinstance(current, dict):
            return filled
        current.clear()
        current.update(filled)
        return current
    if isinstance(value, list):
        known = current if isinstance(current, list) and len(current) == len(value) else None
        items = [_fill(known[i] if known else None, item) for i, item in enumerate(value)]
        if known is None:
            return items
        known[:] = items
        return known
    return value.copy() if isinstance(value, np.ndarray) else value


def _item(current: Any, key: Any) -> Any:
    return current.get(key) if isinstance(current, dict) else None


def _has_generator(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_generator(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_generator(item) for item in value)
    return isinstance(value, np.random.Generator)
