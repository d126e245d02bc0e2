"""Layers and training for the ladder, on ``cs231n_lib.fast_layers``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs231n_lib.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
    spatial_batchnorm_backward_fast,
    spatial_batchnorm_forward_fast,
)

Array = np.ndarray[Any, Any]


def softmax_gradient(scores: Array, y: Array) -> Array:
    """Gradient of the mean cross-entropy with respect to the scores."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / np.float32(len(y))


class Layer:
    """A function with parameters ``params``; ``backward`` leaves their gradients in ``grads``."""

    params: Sequence[Array] = ()
    grads: Sequence[Array] = ()

    def forward(self, x: Array, training: bool) -> Array:
        raise NotImplementedError

    def backward(self, dout: Array) -> Array:
        raise NotImplementedError


class Affine(Layer):
    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        w = rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)
        self.params = [w.astype(np.float32), np.zeros(outputs, np.float32)]

    def forward(self, x: Array, training: bool) -> Array:
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        out: Array = self.x @ self.params[0] + self.params[1]
        return out

    def backward(self, dout: Array) -> Array:
        self.grads = [self.x.T @ dout, dout.sum(axis=0)]
        return (dout @ self.params[0].T).reshape(self.shape)


class Conv(Layer):
    """Convolution that keeps the size (divided by the stride), He-initialised."""

    def __init__(
        self,
        channels: int,
        filters: int,
        rng: np.random.Generator,
        *,
        field: int = 3,
        stride: int = 1,
    ) -> None:
        w = rng.standard_normal((filters, channels, field, field))
        w *= np.sqrt(2 / (channels * field * field))
        self.params = [w.astype(np.float32), np.zeros(filters, np.float32)]
        self.conv_param = {"stride": stride, "pad": field // 2}

    def forward(self, x: Array, training: bool) -> Array:
        out, self.cache = conv_forward_fast(x, *self.params, self.conv_param)
        return out

    def backward(self, dout: Array) -> Array:
        dx, dw, db = conv_backward_fast(dout, self.cache)
        assert db is not None
        self.grads = [dw, db]
        return dx


class Norm(Layer):
    def __init__(self, channels: int) -> None:
        self.params = [np.ones(channels, np.float32), np.zeros(channels, np.float32)]
        self.bn_param: dict[str, Any] = {"mode": "train"}

    def forward(self, x: Array, training: bool) -> Array:
        self.bn_param["mode"] = "train" if training else "test"
        out, self.cache = spatial_batchnorm_forward_fast(x, *self.params, self.bn_param)
        return out

    def backward(self, dout: Array) -> Array:
        dx, dgamma, dbeta = spatial_batchnorm_backward_fast(dout, self.cache)
        self.grads = [dgamma, dbeta]
        return dx


class ReLU(Layer):
    def forward(self, x: Array, training: bool) -> Array:
        self.out = np.maximum(x, 0)
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (self.out > 0)


class MaxPool(Layer):
    def forward(self, x: Array, training: bool) -> Array:
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        out, self.cache = max_pool_forward_fast(x, pool_param)
        return out

    def backward(self, dout: Array) -> Array:
        return max_pool_backward_fast(dout, self.cache)


class GlobalPool(Layer):
    def forward(self, x: Array, training: bool) -> Array:
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dout: Array) -> Array:
        pixels = self.shape[2] * self.shape[3]
        return np.broadcast_to(dout[:, :, None, None] / np.float32(pixels), self.shape).copy()


class Network(Layer):
    """Layers in sequence."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.params = [param for layer in layers for param in layer.params]

    def forward(self, x: Array, training: bool) -> Array:
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dout: Array) -> Array:
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        self.grads = [grad for layer in self.layers for grad in layer.grads]
        return dout

    def predict(self, x: Array) -> Array:
        scores = [self.forward(x[i : i + 200], training=False) for i in range(0, len(x), 200)]
        return np.argmax(np.concatenate(scores), axis=1)


class Residual(Network):
    """relu(x + norm(conv(relu(norm(conv(x)))))); a 1x1 convolution of x where shapes differ."""

    def __init__(self, channels: int, filters: int, stride: int, rng: np.random.Generator) -> None:
        branch = [
            Conv(channels, filters, rng, stride=stride),
            Norm(filters),
            ReLU(),
            Conv(filters, filters, rng),
            Norm(filters),
        ]
        shortcut: list[Layer] = []
        if stride != 1 or channels != filters:
            shortcut = [Conv(channels, filters, rng, field=1, stride=stride), Norm(filters)]
        self.branch, self.shortcut, self.relu = Network(branch), Network(shortcut), ReLU()
        super().__init__([self.branch, self.shortcut])

    def forward(self, x: Array, training: bool) -> Array:
        total = self.branch.forward(x, training) + self.shortcut.forward(x, training)
        return self.relu.forward(total, training)

    def backward(self, dout: Array) -> Array:
        dout = self.relu.backward(dout)
        dx = self.branch.backward(dout) + self.shortcut.backward(dout)
        self.grads = [*self.branch.grads, *self.shortcut.grads]
        return dx


@dataclass(frozen=True)
class Augment:
    """Random mirror images and shifts by up to ``shift`` pixels, per image, filled with zeros."""

    shift: int = 0
    flip: bool = False

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        if self.flip:
            x = np.where((rng.random(len(x)) < 0.5)[:, None, None, None], x[..., ::-1], x)
        size, pad = x.shape[-1], self.shift
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        top, left = rng.integers(0, 2 * pad + 1, (2, len(x)))
        return np.stack(
            [
                padded[i, :, t : t + size, s : s + size]
                for i, (t, s) in enumerate(zip(top, left, strict=True))
            ]
        )


def one_cycle(step: int, steps: int) -> float:
    """Factor on the learning rate: up in the first fifth, then down to zero along a cosine."""
    done = step / steps
    return done / 0.2 if done < 0.2 else 0.5 * (1 + float(np.cos(np.pi * (done - 0.2) / 0.8)))


def train(
    network: Network,
    images: Sequence[Array],
    labels: Sequence[Array],
    rng: np.random.Generator,
    *,
    epochs: int,
    rate: float,
    decay: float,
    augment: Augment | None = None,
    batch: int = 100,
) -> float:
    """Train with AdamW and a one-cycle schedule; test accuracy of the epoch best in validation.

    ``images`` and ``labels`` hold the training, validation and test sets.
    """
    steps = epochs * (len(images[0]) // batch)
    first = [np.zeros_like(param) for param in network.params]
    second = [np.zeros_like(param) for param in network.params]
    best, result, step = -1.0, 0.0, 0
    for _ in range(epochs):
        order = rng.permutation(len(images[0]))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            x = images[0][chosen]
            x = augment(x, rng) if augment else x
            network.backward(softmax_gradient(network.forward(x, training=True), labels[0][chosen]))
            step += 1
            now = rate * one_cycle(step, steps)
            scale = now * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for param, grad, m, v in zip(network.params, network.grads, first, second, strict=True):
                m += np.float32(0.1) * (grad - m)
                v += np.float32(0.001) * (grad * grad - v)
                if param.ndim > 1:
                    param *= np.float32(1 - now * decay)
                param -= np.float32(scale) * m / (np.sqrt(v) + np.float32(1e-8))
        score = float((network.predict(images[1]) == labels[1]).mean())
        if score >= best:
            best, result = score, float((network.predict(images[2]) == labels[2]).mean())
    return result
