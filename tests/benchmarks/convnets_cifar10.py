"""Train the reference networks of a2/convnets on CIFAR-10: test accuracy, and how long it takes.

    python tests/benchmarks/convnets_cifar10.py three
    python tests/benchmarks/convnets_cifar10.py deep [--epochs 6] [--order 1]

runs what section 9 of the notebook runs, with its own functions: 49,000 pictures for training,
1,000 for validation, 10,000 for the test. Other orders of the training pictures show how much is
chance.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from autograder.course import Course
from cs231n_lib import fast_layers
from cs231n_lib.datasets import use_dataset

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {
    "conv_forward": fast_layers.conv_forward_fast,
    "conv_backward": fast_layers.conv_backward_fast,
    "max_pool_forward": fast_layers.max_pool_forward_fast,
    "max_pool_backward": fast_layers.max_pool_backward_fast,
    "batchnorm_forward": fast_layers.spatial_batchnorm_forward_fast,
    "batchnorm_backward": fast_layers.spatial_batchnorm_backward_fast,
}


# For three and five minutes on two cores.
EPOCHS = {"three": 4, "deep": 4}


@click.command()
@click.argument("network", type=click.Choice(list(EPOCHS)))
@click.option("--epochs", type=click.IntRange(1), help="By default 4.")
@click.option("--order", default=0, show_default=True, help="Seed of the pictures' order.")
def main(network: str, epochs: int | None, order: int) -> None:
    """Print seconds of training and test accuracy of NETWORK."""
    (exercise,) = Course(ROOT).select("a2/convnets")
    reference: dict[str, Any] = exercise.reference.namespace()
    epochs = epochs or EPOCHS[network]

    def train(X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        if order:
            places = np.random.default_rng(order).permutation(len(X))
            X, y = X[places], y[places]
        if network == "three":
            settings = {
                "layers": LAYERS,
                "num_filters": 32,
                "num_epochs": epochs,
                "batch_size": 100,
            }
            return reference["train_convnet"](X, y, X_val, y_val, **settings)
        return reference["train_deep_convnet"](X, y, X_val, y_val, LAYERS, epochs)

    cores, start = len(os.sched_getaffinity(0)), time.process_time()
    with use_dataset("cifar10"):
        reference["race"](train, mirrored=network == "deep")
    seconds = time.process_time() - start
    click.echo(
        f"{network}, {epochs} epochs, order {order}, {cores} cores, {seconds:.0f} s of CPU time"
    )


if __name__ == "__main__":
    main()
