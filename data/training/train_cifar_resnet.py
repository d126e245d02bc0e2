"""Train the small residual network of ``cs231n_lib.zoo`` on CIFAR-10 and write its weights.

The network is plain on purpose, so that the course can explain every part of it: 3×3 convolutions
with batch normalisation and ReLU, two residual blocks, max pooling, one linear layer; 1.2 million
parameters. PyTorch trains it (a development extra; nothing a student runs needs it), NumPy uses it.

The recipe is that of the fast CIFAR-10 trainings since DAWNBench: Nesterov momentum while the
learning rate goes up and down, random crops, flips and a cut-out square, smoothed labels, and
an exponential average of the weights as the result (Page, "How to train your ResNet", 2018; Smith,
"Super-convergence", 2018, arXiv:1708.07120; DeVries & Taylor, "Cutout", 2017, arXiv:1708.04552).
The learning rate does so three times (Loshchilov & Hutter, "SGDR", 2017, arXiv:1608.03983), each
time with gentler augmentation at the end, and what is found at the three ends is averaged (Izmailov
et al., "Averaging weights leads to wider optima", 2018, arXiv:1803.05407).
Training follows the course's split: 49,000 images to train on, 1,000 to validate; the test images
are not looked at here.

Usage, with the CIFAR-10 folder in ``CS231N_DATA`` or in the user's cache::

    python data/training/train_cifar_resnet.py --checkpoint run.pt

A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import copy
import os
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cs231n_lib.datasets import load_dataset

WEIGHTS = Path(__file__).with_name("cifar_resnet.npz")
WIDTHS = (24, 48, 112, 224)
BATCH_SIZE = 256
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.1
# The classifier sees maxima of sums: unscaled, its scores are far too large to begin with.
LOGIT_SCALE = 0.125
# Channel means and standard deviations of the CIFAR-10 training images on the scale 0..1.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Part:
    """A part of the training, with its augmentation."""

    until: int
    """The epoch with which it ends."""
    shift: int
    """By how many pixels images are moved, at most."""
    hole: int
    """Size of the square that is cut out; 0 for none."""
    average_decay: float
    """How much of the average of the weights stays at each step."""


PARTS = (
    Part(until=22, shift=4, hole=8, average_decay=0.999),
    # Towards the end the network may see the images nearly as they are.
    Part(until=26, shift=2, hole=0, average_decay=0.99),
    Part(until=38, shift=4, hole=8, average_decay=0.999),
    Part(until=42, shift=2, hole=0, average_decay=0.99),
    Part(until=47, shift=4, hole=8, average_decay=0.999),
    Part(until=49, shift=2, hole=0, average_decay=0.99),
)
ENDS = tuple(part.until for part in PARTS if not part.hole)
# So many training images give the batch statistics of averaged weights.
STATISTICS_IMAGES = 20_000
EPOCHS = PARTS[-1].until


def learning_rate(epoch: float) -> float:
    """Rise to a peak and fall to zero, three times; linear in between."""
    epochs, rates = (0, 5, 26, 27, 42, 42.5, EPOCHS), (0, 0.2, 0, 0.12, 0, 0.1, 0)
    return float(np.interp(epoch, epochs, rates))


class ConvNorm(nn.Module):
    """A 3×3 convolution without bias, then batch normalisation."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``norm(conv(x))``."""
        return self.norm(self.conv(x))

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight and bias of the one convolution that equals both at test time."""
        norm = self.norm
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
        return weight.detach().numpy(), bias.detach().numpy()


class CifarResNet(nn.Module):
    """The network of ``cs231n_lib.zoo.cifar_resnet``, with the same layer names."""

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d = widths
        self.convs = nn.ModuleDict(
            {
                "conv1": ConvNorm(3, a),
                "conv2": ConvNorm(a, b),
                "block1_conv1": ConvNorm(b, b),
                "block1_conv2": ConvNorm(b, b),
                "conv3": ConvNorm(b, c),
                "conv4": ConvNorm(c, d),
                "block2_conv1": ConvNorm(d, d),
                "block2_conv2": ConvNorm(d, d),
            }
        )
        self.classifier = nn.Linear(d, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of ten classes for normalised images ``(N, 3, 32, 32)``."""
        conv = self.convs
        x = F.relu(conv["conv1"](x))
        x = F.max_pool2d(F.relu(conv["conv2"](x)), 2)
        x = self._block("block1", x)
        x = F.max_pool2d(F.relu(conv["conv3"](x)), 2)
        x = F.max_pool2d(F.relu(conv["conv4"](x)), 2)
        x = self._block("block2", x)
        return LOGIT_SCALE * self.classifier(F.max_pool2d(x, 4).flatten(1))

    def _block(self, name: str, x: Tensor) -> Tensor:
        inside = F.relu(self.convs[f"{name}_conv1"](x))
        return F.relu(x + self.convs[f"{name}_conv2"](inside))


def as_tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return ``(N, H, W, 3)`` images as a tensor ``(N, 3, H, W)``, and the labels."""
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


def normalize(images: Tensor) -> Tensor:
    """Turn uint8 images into normalised float32 ones."""
    mean = torch.tensor(MEAN).view(3, 1, 1)
    std = torch.tensor(STD).view(3, 1, 1)
    return (images.float() / 255 - mean) / std


def augment(images: Tensor, shift: int, hole: int, generator: torch.Generator) -> Tensor:
    """Flip half of the images, move each by up to `shift` pixels, cut a square out of each."""
    n, _, size, _ = images.shape

    def offsets(high: int) -> Tensor:
        return torch.randint(high, (n, 1), generator=generator)

    pixels = torch.arange(size)
    columns = torch.where(offsets(2) == 1, pixels.flip(0), pixels) + offsets(2 * shift + 1)
    rows = pixels + offsets(2 * shift + 1)
    padded = F.pad(images, (shift,) * 4, mode="reflect")
    which = torch.arange(n).view(n, 1, 1, 1)
    channels = torch.arange(3).view(1, 3, 1, 1)
    out = padded[which, channels, rows.view(n, 1, size, 1), columns.view(n, 1, 1, size)]
    top, left = offsets(size - hole + 1), offsets(size - hole + 1)
    in_rows = (pixels >= top) & (pixels < top + hole)
    in_columns = (pixels >= left) & (pixels < left + hole)
    inside = in_rows.view(n, 1, size, 1) & in_columns.view(n, 1, 1, size)
    # Zero is the mean colour once the images are normalised.
    return out.masked_fill_(inside, 0.0).contiguous(memory_format=torch.channels_last)


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move ``average`` a step of ``1 - decay`` towards ``model``, batch statistics included."""
    with torch.no_grad():
        for mean, value in zip(
            average.state_dict().values(), model.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the fraction of images whose largest score is that of their label."""
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(normalize(part)) for part in images.split(500)])
    return (scores.argmax(1) == labels).float().mean().item()


def make_optimizer(model: nn.Module) -> torch.optim.SGD:
    """SGD with Nesterov momentum; only weights decay, biases and normalisation do not."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)


class Run:
    """A training run that can be saved after each epoch and taken up again."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0
        self.ends: list[dict[str, Tensor]] = []
        self.model = CifarResNet().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = make_optimizer(self.model)

    def train_epoch(self, images: Tensor, labels: Tensor) -> float:
        """Go through all images once in random order; return the mean loss."""
        order = torch.randperm(len(images), generator=self.generator)
        batches = order[: len(order) // BATCH_SIZE * BATCH_SIZE].split(BATCH_SIZE)
        part = next(part for part in PARTS if self.epoch < part.until)
        self.model.train()
        total = 0.0
        for i, batch in enumerate(batches):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.epoch + i / len(batches))
            x = augment(normalize(images[batch]), part.shift, part.hole, self.generator)
            with torch.autocast("cpu", torch.bfloat16):
                scores = self.model(x)
            loss = F.cross_entropy(scores.float(), labels[batch], label_smoothing=LABEL_SMOOTHING)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            # Early in the run a long average would still remember the random initial weights.
            step = self.epoch * len(batches) + i
            update_average(self.average, self.model, min(part.average_decay, step / (step + 10)))
            total += loss.item()
        self.epoch += 1
        if self.epoch in ENDS:
            self.ends.append(copy.deepcopy(self.average.state_dict()))
        return total / len(batches)

    def save(self, path: Path) -> None:
        """Write everything needed to go on to ``path``, atomically."""
        state = {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "ends": self.ends,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Take up the run saved at ``path``."""
        state = torch.load(path, weights_only=True)
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.ends = state["ends"]

    def result(self, images: Tensor) -> CifarResNet:
        """Return the mean of the networks at all ends, with batch statistics of its own."""
        mean = copy.deepcopy(self.average)
        with torch.no_grad():
            for name, value in mean.named_parameters():
                value.copy_(torch.stack([end[name] for end in self.ends]).mean(0))
            for module in mean.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.momentum = None  # the mean over all that is seen
            mean.train()
            for batch in torch.arange(STATISTICS_IMAGES).split(500):
                mean(augment(normalize(images[batch]), PARTS[-1].shift, 0, self.generator))
        return mean.eval()


def export(model: CifarResNet, path: Path) -> None:
    """Write the weights as NumPy reads them: batch norm folded, float16, one array per name."""
    arrays = {}
    for inner_name, conv in model.convs.items():
        # A block's second convolution includes the sum, and so has the name of the block.
        name = inner_name.removesuffix("_conv2")
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = conv.folded()
    for part, values in model.classifier.named_parameters():
        arrays[f"classifier.{part}"] = LOGIT_SCALE * values.detach().numpy()
    np.savez_compressed(path, **{name: a.astype(np.float16) for name, a in arrays.items()})


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(checkpoint: Path, out: Path, seed: int, threads: int) -> None:
    """Train on CIFAR-10's first 49,000 training images and write the weights to OUT."""
    torch.set_num_threads(threads)
    data = load_dataset("cifar10", dtype=np.uint8)
    images, labels = as_tensors(data.X_train, data.y_train)
    held_out = as_tensors(data.X_val, data.y_val)
    run = Run(seed)
    if checkpoint.exists():
        run.load(checkpoint)
    while run.epoch < EPOCHS:
        start = time.perf_counter()
        loss = run.train_epoch(images, labels)
        run.save(checkpoint)
        valid = accuracy(run.average, *held_out)
        seconds = time.perf_counter() - start
        click.echo(
            f"epoch {run.epoch}/{EPOCHS}  loss {loss:.3f}  validation {valid:.3f}  {seconds:.0f} s"
        )
    network = run.result(images)
    click.echo(f"validation of the mean: {accuracy(network, *held_out):.3f}")
    export(network, out)
    click.echo(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    main()
