"""Everything in float32, on the layers of earlier notebooks; forward and backward in one method."""

from itertools import pairwise

import numpy as np

from cs231n_lib.notebooks import from_notebook
from cs231n_lib.solver import Solver

two = from_notebook("two_layer_net")
bn = from_notebook("batch_norm")
dropout = from_notebook("regularization")
optim = from_notebook("optimizers")

FORWARD = {"batchnorm": bn.batchnorm_forward, "layernorm": bn.layernorm_forward}
BACKWARD = {"batchnorm": bn.batchnorm_backward, "layernorm": bn.layernorm_backward}


def single(*arrays):
    return [None if a is None else np.asarray(a, dtype=np.float32) for a in arrays]


def affine_relu_forward(x, w, b):
    a, fc_cache = two.affine_forward(*single(x, w, b))
    out, relu_cache = two.relu_forward(a)
    return out, [relu_cache, fc_cache]


def affine_relu_backward(dout, cache):
    relu_cache, fc_cache = cache
    return two.affine_backward(two.relu_backward(*single(dout), relu_cache), fc_cache)


def affine_norm_relu_dropout_forward(
    x, w, b, gamma, beta, normalization, norm_param, dropout_param
):
    stack = []
    x, w, b, gamma, beta = single(x, w, b, gamma, beta)
    out, cache = two.affine_forward(x, w, b)
    stack.append((two.affine_backward, cache))
    if normalization in FORWARD:
        out, cache = FORWARD[normalization](out, gamma, beta, norm_param)
        stack.append((BACKWARD[normalization], cache))
    out, cache = two.relu_forward(out)
    stack.append((two.relu_backward, cache))
    if dropout_param is not None:
        out, cache = dropout.dropout_forward(out, dropout_param)
        stack.append((dropout.dropout_backward, cache))
    return out.astype(np.float32), stack


def affine_norm_relu_dropout_backward(dout, cache):
    gradients = []
    (dout,) = single(dout)
    for backward, kept in reversed(cache):
        returned = backward(dout, kept)
        if isinstance(returned, tuple):
            dout, *own = returned
            gradients = [*own, *gradients]
        else:
            dout = returned
    dw, db, dgamma, dbeta = (*gradients, None, None)[:4]
    return dout, dw, db, dgamma, dbeta


def init_params(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    dims = [input_dim, *hidden_dims, num_classes]
    params = {}
    for i, (rows, columns) in enumerate(pairwise(dims)):
        w = rng.standard_normal((rows, columns), dtype=np.float32)
        params[f"W{i + 1}"] = np.float32(weight_scale) * w
        params[f"b{i + 1}"] = np.zeros(columns, dtype=np.float32)
        if normalization is not None and i != len(hidden_dims):
            params[f"gamma{i + 1}"] = np.ones(columns, dtype=np.float32)
            params[f"beta{i + 1}"] = np.zeros(columns, dtype=np.float32)
    return params


class FullyConnectedNet:
    def __init__(
        self,
        hidden_dims,
        input_dim=3 * 32 * 32,
        num_classes=10,
        dropout_keep_ratio=1,
        normalization=None,
        reg=0.0,
        weight_scale=1e-2,
        dtype=np.float32,
        rng=None,
    ):
        self.normalization = normalization
        self.use_dropout = dropout_keep_ratio != 1
        self.reg = np.float32(reg)
        self.num_layers = 1 + len(hidden_dims)
        self.dtype = dtype
        self.params = init_params(
            hidden_dims, input_dim, num_classes, normalization, weight_scale, rng
        )
        self.dropout_param = {}
        if self.use_dropout:
            self.dropout_param = {"mode": "train", "p": dropout_keep_ratio, "rng": rng}
        self.bn_params = []
        if self.normalization == "batchnorm":
            self.bn_params = [{"mode": "train"} for i in range(self.num_layers - 1)]
        if self.normalization == "layernorm":
            self.bn_params = [{} for i in range(self.num_layers - 1)]

    def loss(self, X, y=None):
        X = X.astype(self.dtype)
        mode = "test" if y is None else "train"
        if self.use_dropout:
            self.dropout_param["mode"] = mode
        if self.normalization == "batchnorm":
            for bn_param in self.bn_params:
                bn_param["mode"] = mode
        caches = []
        for i in range(1, self.num_layers):
            names = [f"W{i}", f"b{i}", f"gamma{i}", f"beta{i}"]
            X, cache = affine_norm_relu_dropout_forward(
                X,
                *[self.params.get(name) for name in names],
                self.normalization,
                self.bn_params[i - 1] if self.normalization else None,
                self.dropout_param if self.use_dropout else None,
            )
            caches.append(cache)
        L = str(self.num_layers)
        scores, cache = two.affine_forward(X, *single(self.params["W" + L], self.params["b" + L]))
        if mode == "test":
            return scores
        grads = {}
        loss, dout = two.softmax_loss(scores, y)
        loss += 0.5 * self.reg * np.sum(np.square(self.params["W" + L]))
        dout, grads["W" + L], grads["b" + L] = two.affine_backward(dout, cache)
        grads["W" + L] += self.reg * self.params["W" + L]
        for i in range(self.num_layers - 1, 0, -1):
            w = self.params[f"W{i}"]
            loss += 0.5 * self.reg * np.sum(np.square(w))
            dout, dw, db, dgamma, dbeta = affine_norm_relu_dropout_backward(dout, caches[i - 1])
            grads[f"W{i}"] = dw + self.reg * w
            grads[f"b{i}"] = db
            if self.normalization:
                grads[f"gamma{i}"], grads[f"beta{i}"] = dgamma, dbeta
        return loss, grads


def mirrored(X, y, rng):
    side = round((X.shape[1] / 3) ** 0.5)
    pictures = dropout.random_flip(X.reshape(-1, side, side, 3), rng)
    return pictures.reshape(X.shape), y


def train_fully_connected_net(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(8)
    model = FullyConnectedNet(
        [150],
        X_train.shape[1],
        int(y_train.max()) + 1,
        reg=0.015,
        weight_scale=0.02,
        rng=rng,
    )
    images = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    solver = Solver(
        model,
        images,
        optim.sgd_momentum,
        {"learning_rate": 0.04},
        rng=rng,
        schedule=lambda step, steps: 1 - step / steps,
        augment=mirrored,
        batch_size=100,
        num_epochs=10,
    )
    solver.train()
    return solver.model
