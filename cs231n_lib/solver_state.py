"""The state of a training run in a file, from which it goes on to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cs231n_lib.checkpoints import CheckpointError, load_state, save_state
from cs231n_lib.model_state import get_state, set_state

if TYPE_CHECKING:
    from cs231n_lib.solver import Solver

__all__ = ["load_run", "save_run"]

_SAVED = (
    "configs",
    "epoch",
    "iteration",
    "loss_history",
    "train_acc_history",
    "val_acc_history",
    "learning_rates",
    "best_val_acc",
    "best_epoch",
    "stop_reason",
    "rng",
    "_best",
    "_train_sample",
    "_val_sample",
)
"""Attributes of a solver that make up its state, the model apart."""


def save_run(solver: Solver, path: str | Path) -> None:
    """Write the state of a solver; see :meth:`cs231n_lib.solver.Solver.save`."""
    state = {name: getattr(solver, name) for name in _SAVED}
    state["model"] = get_state(solver.model)
    state["fingerprint"] = _fingerprint(solver)
    save_state(path, state)


def load_run(solver: Solver, path: str | Path) -> None:
    """Read the state of a solver; see :meth:`cs231n_lib.solver.Solver.load`."""
    state = load_state(path)
    if state.get("fingerprint") != _fingerprint(solver) or not set(_SAVED) <= set(state):
        raise CheckpointError(
            f"the checkpoint {path} is of another run: its model, data or batch size differs"
        )
    set_state(solver.model, state["model"])
    set_state(solver, {name: state[name] for name in _SAVED})


def _fingerprint(solver: Solver) -> dict[str, Any]:
    return {
        "params": {name: list(w.shape) for name, w in solver.model.params.items()},
        "examples": [len(solver.X_train), len(solver.X_val)],
        "batch_size": solver.batch_size,
    }
