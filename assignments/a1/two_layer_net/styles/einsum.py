"""einsum and one-liners; caches that hold closures and views; a network made of layer objects."""

import itertools
from functools import partial

import numpy as np

from cs231n_lib.solver import Solver


def affine_forward(x, w, b):
    X = np.reshape(x, (x.shape[0], np.prod(x.shape[1:])))

    def backward(dout):
        return (
            np.einsum("nm,dm->nd", dout, w).reshape(x.shape),
            np.einsum("nd,nm->dm", X, dout),
            np.einsum("nm->m", dout),
        )

    return np.einsum("nd,dm->nm", X, w) + b[None, :], backward


def affine_backward(dout, cache):
    return cache(dout)


def relu_forward(x):
    mask = x >= 0
    return np.where(mask, x, 0), mask


def relu_backward(dout, cache):
    return np.where(cache, dout, 0.0)


def softmax_loss(x, y):
    m = np.amax(x, axis=-1, keepdims=True)
    log_p = x - m - np.log(np.sum(np.exp(x - m), axis=-1, keepdims=True))
    Y = (y[:, None] == np.arange(x.shape[1])).astype(x.dtype)
    loss = -np.einsum("nc,nc->", log_p, Y) / len(y)
    return np.array([loss]), (np.exp(log_p) - Y) / len(y)


def svm_loss(x, y):
    Y = np.eye(x.shape[1])[y]
    margins = np.clip(x - np.sum(x * Y, axis=1, keepdims=True) + (1 - Y), 0, None)
    active = np.sign(margins)
    return margins.sum(axis=1).mean(), (active - Y * active.sum(1, keepdims=True)) / len(y)


class TwoLayerNet:
    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        self.reg = reg
        sizes = [input_dim, hidden_dim, num_classes]
        self.params = {}
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
            self.params[f"W{layer}"] = rng.normal(0.0, weight_scale, size=(fan_in, fan_out))
            self.params[f"b{layer}"] = np.zeros(fan_out)

    def forward(self, X):
        h, first = affine_forward(X, self.params["W1"], self.params["b1"])
        h, gate = relu_forward(h)
        s, second = affine_forward(h, self.params["W2"], self.params["b2"])
        return s, (first, gate, second)

    def loss(self, X, y=None):
        s, (first, gate, second) = self.forward(X)
        if y is None:
            return s
        loss, ds = softmax_loss(s, y)
        dh, dW2, db2 = second(ds)
        _, dW1, db1 = first(relu_backward(dh, gate))
        grads = {"b2": db2, "W2": dW2, "b1": db1, "W1": dW1}
        for name in ("W1", "W2"):
            W = self.params[name]
            loss = loss + 0.5 * self.reg * np.linalg.norm(W) ** 2
            grads[name] = grads[name] + self.reg * W
        return loss, grads


def momentum(w, dw, config):
    velocity = 0.9 * config.get("velocity", np.zeros_like(w)) - config["learning_rate"] * dw
    return w + velocity, {**config, "velocity": velocity}


class MatmulNet:
    """The same with plain products: einsum does not use BLAS everywhere."""

    def __init__(self, D, H, C, scale, reg, rng):
        self.reg = reg
        self.params = {
            "W1": rng.normal(0.0, scale, (D, H)),
            "b1": np.zeros(H),
            "W2": rng.normal(0.0, scale, (H, C)),
            "b2": np.zeros(C),
        }

    def loss(self, X, y=None):
        p = self.params
        z = X @ p["W1"] + p["b1"]
        h = np.maximum(z, 0)
        s = h @ p["W2"] + p["b2"]
        if y is None:
            return s
        loss, ds = softmax_loss(s, y)
        dz = (ds @ p["W2"].T) * (z > 0)
        grads = {"b2": ds.sum(0), "W2": h.T @ ds, "b1": dz.sum(0), "W1": X.T @ dz}
        return loss, {n: g + self.reg * p[n] if n[0] == "W" else g for n, g in grads.items()}


def train_two_layer_net(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(7)
    make = partial(MatmulNet, X_train.shape[1], 128, len(set(y_train.tolist())), 0.02)
    model = make(reg=0.02, rng=rng)
    model.params = {k: v.astype(np.float32) for k, v in model.params.items()}
    data = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    Solver(
        model,
        data,
        momentum,
        {"learning_rate": 0.01},
        lr_decay=0.8,
        num_epochs=13,
        batch_size=50,
        rng=rng,
        progress=False,
    ).train()
    return model
