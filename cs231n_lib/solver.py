"""Train a model by minibatch gradient descent, with any update rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.model_state import get_state, set_state
from cs231n_lib.progress import progress_bar
from cs231n_lib.solver_inputs import (
    Model,
    UpdateRule,
    check_arguments,
    check_param_names,
    checked_batch,
    checked_update,
    loss_and_gradients,
    predict_classes,
    sample_indices,
    training_arrays,
)
from cs231n_lib.solver_state import load_run, save_run

__all__ = ["Model", "Solver", "UpdateRule"]

Array = NDArray[Any]


class Solver:
    """Minibatch gradient descent on a model, as CS231n has it.

    In every epoch the training examples are shuffled and each is used once (those that do not fill
    a last minibatch excepted). Accuracies are measured before the first and after every epoch.
    After training, the model holds the parameters of the epoch with the best validation accuracy.

    Parameters
    ----------
    model : Model
        Has `params` and ``loss(X, y=None)``.
    data : mapping or object
        With ``X_train, y_train, X_val, y_val`` as keys or as attributes.
    update_rule : callable
        ``update_rule(w, dw, config) -> next_w, next_config``, for example your ``sgd_momentum``.
    optim_config : dict, optional
        Where each parameter's `config` starts, for example ``{"learning_rate": 1e-3}``.
    param_config : dict from parameter name to dict, optional
        What differs from `optim_config` for some parameters.
    lr_decay : float, default 1.0
        The learning rate is multiplied by it after every epoch.
    schedule : callable, optional
        ``schedule(iteration, num_iterations) -> factor`` by which learning rates are multiplied at
        that iteration, counted from 0.
    batch_size, num_epochs : int, default 100 and 10
        Size of a minibatch, and how many times to go through the training set.
    augment : callable, optional
        ``augment(X, y, rng) -> X, y`` changes a minibatch before it is used.
    num_train_samples, num_val_samples : int, optional
        Of how many images accuracies are measured: by default 1000 training images, and all for
        validation.
    patience : int, optional
        Stop after so many epochs without a better validation accuracy.
    checkpoint : path, optional
        File to which the state is saved after every epoch; see :meth:`resume`.
    rng : numpy.random.Generator
        Shuffles and augments; the only source of chance here.
    progress : bool, default True
        Whether to show a progress bar.
    on_epoch : callable, optional
        Called with the solver after every epoch.

    Attributes
    ----------
    loss_history : list of float
        Loss at every iteration.
    train_acc_history, val_acc_history : list of float
        Accuracies, before training and after every epoch.
    learning_rates : list of float
        Factor times ``optim_config["learning_rate"]`` at every iteration, where it has one.
    best_val_acc, best_epoch : float and int
        The best validation accuracy, and after how many epochs it was reached.
    epoch, iteration : int
        How far training is.
    stop_reason : str or None
        Why training ended before `num_epochs`, if it did: patience, or a loss that is not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or model and update rule do not return what they should.

    Examples
    --------
    >>> class Quadratic:
    ...     def __init__(self):
    ...         self.params = {"W": np.ones((2, 2))}
    ...     def loss(self, X, y=None):
    ...         scores = X @ self.params["W"]
    ...         return scores if y is None else (float((scores**2).mean()), {"W": X.T @ scores})
    >>> def sgd(w, dw, config):
    ...     return w - config["learning_rate"] * dw, config
    >>> X, y = np.eye(2), np.array([0, 1])
    >>> data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    >>> solver = Solver(Quadratic(), data, sgd, {"learning_rate": 0.1}, batch_size=2,
    ...                 num_epochs=5, rng=np.random.default_rng(0), progress=False)
    >>> solver.train()
    >>> [round(loss, 3) for loss in solver.loss_history]
    [1.0, 0.81, 0.656, 0.531, 0.43]
    """

    def __init__(
        self,
        model: Model,
        data: Any,
        update_rule: UpdateRule,
        optim_config: Mapping[str, Any] | None = None,
        *,
        rng: np.random.Generator,
        param_config: Mapping[str, Mapping[str, Any]] | None = None,
        lr_decay: float = 1.0,
        schedule: Callable[[int, int], float] | None = None,
        batch_size: int = 100,
        num_epochs: int = 10,
        augment: Callable[[Array, Array, np.random.Generator], tuple[Array, Array]] | None = None,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        patience: int | None = None,
        checkpoint: str | Path | None = None,
        progress: bool = True,
        on_epoch: Callable[[Solver], object] | None = None,
    ) -> None:
        check_arguments(update_rule, rng, batch_size=batch_size, num_epochs=num_epochs)
        self.model = model
        self.X_train, self.y_train, self.X_val, self.y_val = training_arrays(data)
        self.update_rule = update_rule
        self.lr_decay, self.schedule = lr_decay, schedule
        self.batch_size, self.num_epochs = int(batch_size), int(num_epochs)
        self.augment, self.on_epoch = augment, on_epoch
        self.patience, self.rng, self.progress = patience, rng, progress
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.configs = {
            name: {**(optim_config or {}), **(param_config or {}).get(name, {})}
            for name in model.params
        }
        check_param_names(param_config or {}, model.params)
        # What decay and schedule multiply; the configs themselves hold the products.
        self._rates = {
            n: c["learning_rate"] for n, c in self.configs.items() if "learning_rate" in c
        }
        if (schedule is not None or lr_decay != 1) and len(self._rates) < len(self.configs):
            raise ValueError("a schedule or lr_decay needs optim_config to have a 'learning_rate'")
        # One sample for the whole run: accuracies of different epochs are of the same images.
        self._train_sample = sample_indices(rng, len(self.X_train), num_train_samples)
        self._val_sample = sample_indices(rng, len(self.X_val), num_val_samples)
        self.epoch = self.iteration = 0
        self.loss_history: list[float] = []
        self.train_acc_history: list[float] = []
        self.val_acc_history: list[float] = []
        self.learning_rates: list[float] = []
        self.best_val_acc, self.best_epoch = -1.0, 0
        self.stop_reason: str | None = None
        self._best: dict[str, Any] = {}
        self._latest: dict[str, Any] | None = None

    def train(self) -> None:
        """Train up to `num_epochs` epochs, or until there is a reason to stop.

        Afterwards the model is as it was after the best epoch. Called again, with `num_epochs`
        raised, training goes on where it ended, not from the best epoch.
        """
        if self._latest is not None:
            set_state(self.model, self._latest)
            self._latest = None
        self.stop_reason = None
        per_epoch = max(1, len(self.X_train) // self.batch_size)
        if not self.val_acc_history:
            self._measure()
        with progress_bar(
            per_epoch * self.num_epochs,
            "training",
            initial=self.iteration,
            **({} if self.progress else {"disable": True}),
        ) as bar:
            while self.epoch < self.num_epochs and self.stop_reason is None:
                self._run_epoch(per_epoch, bar)
        self._latest = get_state(self.model, generators=False)
        set_state(self.model, self._best)

    def predict(self, X: Array, *, batch_size: int = 500) -> NDArray[np.int64]:
        """Return the class of the highest score for each example; see :func:`predict_classes`."""
        return predict_classes(self.model, X, batch_size)

    def check_accuracy(self, X: Array, y: Array, *, batch_size: int = 500) -> float:
        """Return the fraction of examples whose predicted class is their label."""
        return float(np.mean(self.predict(X, batch_size=batch_size) == y))

    def save(self, path: str | Path) -> None:
        """Save the state of training, to be loaded by :meth:`load`.

        An ``.npz``-like archive of arrays and one JSON text: parameters, the configs of the update
        rule, histories, generators, and the best epoch. It is written at once or not at all.

        Raises
        ------
        CheckpointError
            If a config holds something other than plain data, or the file cannot be written.
        """
        save_run(self, path)

    def load(self, path: str | Path) -> None:
        """Go on from a state that :meth:`save` wrote, of an equal model on equal data.

        Training then gives what it would have given without the interruption, to the last bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        CheckpointError
            If it is no checkpoint, or of another run.
        """
        load_run(self, path)

    def resume(self) -> bool:
        """Load `checkpoint` if that file is there; return whether it was."""
        if self.checkpoint is None:
            raise ValueError("resume needs the solver to have a checkpoint: pass checkpoint=...")
        if not self.checkpoint.is_file():
            return False
        self.load(self.checkpoint)
        return True

    def _run_epoch(self, per_epoch: int, bar: Any) -> None:
        order = self.rng.permutation(len(self.X_train))
        for k in range(per_epoch):
            batch = order[k * self.batch_size : (k + 1) * self.batch_size]
            self._step(batch, per_epoch * self.num_epochs)
            bar.update()
            if not np.isfinite(self.loss_history[-1]):
                self.stop_reason = (
                    f"the loss became {self.loss_history[-1]} at iteration {self.iteration}: "
                    "try a smaller learning rate"
                )
                return
        self.epoch += 1
        self._measure()
        bar.set_postfix(
            loss=f"{np.mean(self.loss_history[-per_epoch:]):.3g}",
            train=f"{self.train_acc_history[-1]:.1%}",
            val=f"{self.val_acc_history[-1]:.1%}",
        )
        if self.patience is not None and self.epoch - self.best_epoch >= self.patience:
            self.stop_reason = (
                f"no better validation accuracy since epoch {self.best_epoch} "
                f"({self.best_val_acc:.1%})"
            )
        if self.checkpoint is not None:
            self.save(self.checkpoint)
        if self.on_epoch is not None:
            self.on_epoch(self)

    def _step(self, batch: NDArray[np.intp], num_iterations: int) -> None:
        X, y = self.X_train[batch], self.y_train[batch]
        if self.augment is not None:
            X, y = checked_batch(self.augment(X, y, self.rng))
        loss, gradients = loss_and_gradients(self.model, X, y)
        self.loss_history.append(loss)
        factor = self.lr_decay**self.epoch
        if self.schedule is not None:
            factor *= self.schedule(self.iteration, num_iterations)
        if self._rates:
            self.learning_rates.append(factor * max(self._rates.values()))
        self.iteration += 1
        if not np.isfinite(loss):
            return
        for name, w in self.model.params.items():
            config = self.configs[name]
            if self.schedule is not None or self.lr_decay != 1:
                config["learning_rate"] = factor * self._rates[name]
            updated = self.update_rule(w, gradients[name], config)
            self.model.params[name], self.configs[name] = checked_update(updated, w, name)

    def _measure(self) -> None:
        for history, X, y, sample in (
            (self.train_acc_history, self.X_train, self.y_train, self._train_sample),
            (self.val_acc_history, self.X_val, self.y_val, self._val_sample),
        ):
            history.append(self.check_accuracy(X[sample], y[sample]))
        if self.val_acc_history[-1] > self.best_val_acc:
            self.best_val_acc, self.best_epoch = self.val_acc_history[-1], self.epoch
            self._best = get_state(self.model, generators=False)
