"""Measure the accuracy of ``cs231n_lib.zoo.cifar_resnet``, run by NumPy, on CIFAR-10.

    python data/training/measure_accuracy.py

CIFAR-10 is downloaded unless ``CS231N_DATA`` says where it is.
"""

from __future__ import annotations

import time

import click
import numpy as np
from tqdm import tqdm

from cs231n_lib.datasets import load_dataset
from cs231n_lib.zoo import cifar_resnet

BATCH_SIZE = 500


@click.command()
@click.option("--images", default=10_000, show_default=True, help="How many test images.")
def main(images: int) -> None:
    """Print the fraction of test images whose class the network finds, and the time."""
    data = load_dataset(
        "cifar10", num_training=1, num_validation=1, num_test=images, dtype=np.uint8
    )
    network = cifar_resnet()
    start = time.perf_counter()
    correct = 0
    for i in tqdm(range(0, images, BATCH_SIZE)):
        scores = network.scores(network.preprocess(data.X_test[i : i + BATCH_SIZE]))
        correct += int((scores.argmax(axis=1) == data.y_test[i : i + BATCH_SIZE]).sum())
    seconds = time.perf_counter() - start
    click.echo(f"{correct} of {images} test images right ({correct / images:.2%}), {seconds:.0f} s")


if __name__ == "__main__":
    main()
