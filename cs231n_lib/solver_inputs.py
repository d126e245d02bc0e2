"""What a solver is given: the model, the data, the update rule; each checked where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Model",
    "UpdateRule",
    "check_arguments",
    "check_param_names",
    "checked_batch",
    "checked_update",
    "loss_and_gradients",
    "predict_classes",
    "sample_indices",
    "training_arrays",
]

Array = NDArray[Any]
UpdateRule = Callable[[Array, Array, dict[str, Any]], tuple[Array, dict[str, Any]]]


class Model(Protocol):
    """What can be trained: parameters by name, and a loss.

    ``loss(X)`` returns the scores (N, C), in test mode; ``loss(X, y)`` returns the loss and the
    gradients, a dict with the keys of `params`.
    """

    params: dict[str, Array]

    def loss(self, X: Array, y: Array | None = None) -> Any:
        """Return the scores, or with labels the loss and the gradients."""
        ...


def check_arguments(update_rule: object, rng: object, **numbers: object) -> None:
    """Refuse an update rule, generator or counts (at least 1) that are none."""
    if not callable(update_rule):
        raise TypeError(
            "update_rule must be a function (w, dw, config) -> (next_w, next_config), "
            f"got {update_rule!r}"
        )
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    for what, number in numbers.items():
        if not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"{what} must be a whole number of at least 1, got {number!r}")


def check_param_names(given: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Refuse configs of parameters that the model does not have."""
    unknown = sorted(set(given) - set(params))
    if unknown:
        raise ValueError(f"param_config names {unknown}, but the model has {sorted(params)}")


def training_arrays(data: Any) -> tuple[Array, Array, Array, Array]:
    """Return ``X_train, y_train, X_val, y_val`` of a mapping or of an object with attributes."""
    arrays = []
    for name in ("X_train", "y_train", "X_val", "y_val"):
        try:
            value = data[name] if isinstance(data, Mapping) else getattr(data, name)
        except (KeyError, AttributeError):
            raise ValueError(
                f"data has no {name!r}: X_train, y_train, X_val, y_val are needed"
            ) from None
        arrays.append(np.asarray(value))
    X_train, y_train, X_val, y_val = arrays
    for split, X, y in (("train", X_train, y_train), ("val", X_val, y_val)):
        if X.ndim == 0 or y.ndim == 0 or len(X) != len(y) or len(X) == 0:
            raise ValueError(
                f"X_{split} and y_{split} must hold as many examples as labels, at least one, "
                f"got shapes {X.shape} and {y.shape}"
            )
    return X_train, y_train, X_val, y_val


def sample_indices(rng: np.random.Generator, number: int, wanted: int | None) -> NDArray[np.intp]:
    """Return `wanted` of `number` indices, in order, or all of them."""
    if wanted is None or wanted >= number:
        return np.arange(number)
    return np.sort(rng.choice(number, wanted, replace=False)).astype(np.intp)


def loss_and_gradients(model: Model, X: Array, y: Array) -> tuple[float, Mapping[str, Array]]:
    """Return what the model says of a minibatch, or say what is wrong with that."""
    returned = model.loss(X, y)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ValueError("loss(X, y) must return two values, the loss and a dict of gradients")
    loss, gradients = np.asarray(returned[0], dtype=np.float64), returned[1]
    if loss.size != 1:
        raise ValueError(f"loss(X, y) must return a single number first, got shape {loss.shape}")
    missing = [name for name in model.params if name not in gradients]
    if missing:
        raise ValueError(f"loss(X, y) returns no gradient for {', '.join(map(repr, missing))}")
    return float(loss.reshape(())), gradients


def checked_update(updated: Any, w: Array, name: str) -> tuple[Array, dict[str, Any]]:
    """Return what the update rule returned, or say what is wrong with that."""
    if not (isinstance(updated, tuple) and len(updated) == 2 and isinstance(updated[1], dict)):
        raise ValueError("update_rule must return (next_w, next_config), an array and a dict")
    if np.shape(updated[0]) != w.shape:
        raise ValueError(
            f"update_rule turned {name!r} of shape {w.shape} into shape {np.shape(updated[0])}"
        )
    return updated


def checked_batch(augmented: Any) -> tuple[Array, Array]:
    """Return an augmented minibatch, or say what is wrong with it."""
    if not (isinstance(augmented, tuple) and len(augmented) == 2):
        raise ValueError("augment(X, y, rng) must return two arrays, X and y")
    if len(augmented[0]) != len(augmented[1]):
        raise ValueError(
            f"augment returned {len(augmented[0])} examples but {len(augmented[1])} labels"
        )
    return augmented


def predict_classes(model: Model, X: Array, batch_size: int = 500) -> NDArray[np.int64]:
    """Return the class of the highest score for each example, (N,) int64.

    Parameters
    ----------
    model : Model
        Gives the scores.
    X : (N, ...) array
        Examples.
    batch_size : int
        How many are passed to the model at once, to bound memory.

    Raises
    ------
    ValueError
        If the model does not return scores of shape (N, C).
    """
    predictions = np.empty(len(X), np.int64)
    for start in range(0, len(X), batch_size):
        batch = X[start : start + batch_size]
        scores = np.asarray(model.loss(batch))
        if scores.ndim != 2 or len(scores) != len(batch):
            raise ValueError(
                f"loss(X) must return scores of shape ({len(batch)}, C), got {scores.shape}"
            )
        predictions[start : start + batch_size] = scores.argmax(axis=1)
    return predictions
