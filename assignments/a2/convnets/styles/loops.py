"""Nothing but Python loops where loops will do, and caches of other kinds."""

import math

import numpy as np

from cs231n_lib.notebooks import from_notebook
from cs231n_lib.solver import Solver

dense = from_notebook("two_layer_net")
norms = from_notebook("batch_norm")
rules = from_notebook("optimizers")


def conv_output_size(size, filter_size, stride, pad):
    count, start = 0, 0
    while start + filter_size <= size + 2 * pad:
        count += 1
        start += stride
    return count


def pixel(x, n, c, row, column):
    inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
    return x[n, c, row, column] if inside else 0.0


def conv_forward_naive(x, w, b, conv_param):
    s, p = conv_param["stride"], conv_param["pad"]
    F, C, HH, WW = w.shape
    rows = conv_output_size(x.shape[2], HH, s, p)
    columns = conv_output_size(x.shape[3], WW, s, p)
    out = np.empty((len(x), F, rows, columns))
    for n in range(len(x)):
        for f in range(F):
            for i in range(rows):
                for j in range(columns):
                    total = b[f]
                    for c in range(C):
                        for k in range(HH):
                            for m in range(WW):
                                total += w[f, c, k, m] * pixel(
                                    x, n, c, i * s + k - p, j * s + m - p
                                )
                    out[n, f, i, j] = total
    return out, {"x": x, "w": w, "s": s, "p": p}


def conv_backward_naive(dout, cache):
    x, w, s, p = cache["x"], cache["w"], cache["s"], cache["p"]
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    for n, f, i, j in np.ndindex(*dout.shape):
        db[f] += dout[n, f, i, j]
        for c, k, m in np.ndindex(*w.shape[1:]):
            row, column = i * s + k - p, j * s + m - p
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                dx[n, c, row, column] += dout[n, f, i, j] * w[f, c, k, m]
                dw[f, c, k, m] += dout[n, f, i, j] * x[n, c, row, column]
    return dx, dw, db


def conv_forward_vectorized(x, w, b, conv_param):
    # Tap by tap: no matrix of windows is ever made.
    s, p = conv_param["stride"], conv_param["pad"]
    F, _, HH, WW = w.shape
    rows = conv_output_size(x.shape[2], HH, s, p)
    columns = conv_output_size(x.shape[3], WW, s, p)
    padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])
    out = np.zeros((len(x), rows, columns, F), dtype=x.dtype)
    for k in range(HH):
        for m in range(WW):
            under = padded[:, :, k : k + s * rows : s, m : m + s * columns : s]
            under = under[:, :, :rows, :columns]
            out += np.tensordot(under, w[:, :, k, m], axes=([1], [1]))
    return np.moveaxis(out + b, 3, 1), [padded, x.shape, w, s, p]


def conv_backward_vectorized(dout, cache):
    padded, shape, w, s, p = cache
    rows, columns = dout.shape[2:]
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for k in range(w.shape[2]):
        for m in range(w.shape[3]):
            place = np.s_[:, :, k : k + s * (rows - 1) + 1 : s, m : m + s * (columns - 1) + 1 : s]
            dw[:, :, k, m] = np.tensordot(dout, padded[place], axes=([0, 2, 3], [0, 2, 3]))
            dpadded[place] += np.moveaxis(np.tensordot(dout, w[:, :, k, m], axes=([1], [0])), 3, 1)
    return dpadded[:, :, p : p + shape[2], p : p + shape[3]], dw, np.einsum("nfij->f", dout)


def corners(x, param):
    s = param["stride"]
    rows = conv_output_size(x.shape[2], param["pool_height"], s, 0)
    columns = conv_output_size(x.shape[3], param["pool_width"], s, 0)
    return rows, columns, s


def max_pool_forward_naive(x, pool_param):
    rows, columns, s = corners(x, pool_param)
    out = np.full((len(x), x.shape[1], rows, columns), -math.inf, dtype=x.dtype)
    for k in range(pool_param["pool_height"]):
        for m in range(pool_param["pool_width"]):
            entries = x[:, :, k : k + s * (rows - 1) + 1 : s, m : m + s * (columns - 1) + 1 : s]
            out = np.maximum(out, entries)
    return out, (x, out, pool_param)


def max_pool_backward_naive(dout, cache):
    # The first winner gets everything.
    x, out, pool_param = cache
    rows, columns, s = corners(x, pool_param)
    dx, open_ = np.zeros_like(x), np.ones(out.shape, bool)
    for k in range(pool_param["pool_height"]):
        for m in range(pool_param["pool_width"]):
            place = np.s_[:, :, k : k + s * (rows - 1) + 1 : s, m : m + s * (columns - 1) + 1 : s]
            wins = open_ & (x[place] == out)
            open_ &= ~wins
            dx[place] += np.where(wins, dout, 0)
    return dx


def avg_pool_forward_naive(x, pool_param):
    rows, columns, s = corners(x, pool_param)
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    out = np.zeros((len(x), x.shape[1], rows, columns))
    for n, c, i, j in np.ndindex(*out.shape):
        for k in range(height):
            for m in range(width):
                out[n, c, i, j] += x[n, c, i * s + k, j * s + m] / (height * width)
    return out, (x.shape, pool_param)


def avg_pool_backward_naive(dout, cache):
    shape, param = cache
    dx, s = np.zeros(shape), param["stride"]
    for n, c, i, j in np.ndindex(*dout.shape):
        for k in range(param["pool_height"]):
            for m in range(param["pool_width"]):
                share = dout[n, c, i, j] / param["pool_height"] / param["pool_width"]
                dx[n, c, i * s + k, j * s + m] += share
    return dx


def global_avg_pool_forward(x):
    return np.array([[m.mean() for m in maps] for maps in x]), x


def global_avg_pool_backward(dout, cache):
    dx = np.zeros(cache.shape)
    for n, c in np.ndindex(*dout.shape):
        dx[n, c] = dout[n, c] / cache[n, c].size
    return dx


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    moved = np.moveaxis(x, 1, 3)
    rows, cache = norms.batchnorm_forward(moved.reshape(-1, len(gamma)), gamma, beta, bn_param)
    return np.moveaxis(rows.reshape(moved.shape), 3, 1), (cache, moved.shape)


def spatial_batchnorm_backward(dout, cache):
    inner, shape = cache
    rows = np.moveaxis(dout, 1, 3).reshape(-1, shape[-1])
    dx, dgamma, dbeta = norms.batchnorm_backward(rows, inner)
    return np.moveaxis(dx.reshape(shape), 3, 1), dgamma, dbeta


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    size, x_hat, spread = x.shape[1] // G, np.zeros(x.shape), {}
    for n in range(len(x)):
        for g in range(G):
            own = x[n, g * size : (g + 1) * size]
            spread[n, g] = math.sqrt(own.var(dtype=np.float64) + gn_param.get("eps", 1e-5))
            x_hat[n, g * size : (g + 1) * size] = (own - own.mean(dtype=np.float64)) / spread[n, g]
    return gamma * x_hat + beta, (x_hat, spread, gamma, size)


def spatial_groupnorm_backward(dout, cache):
    x_hat, spread, gamma, size = cache
    dx = np.zeros(dout.shape)
    for (n, g), std in spread.items():
        own = slice(g * size, (g + 1) * size)
        d, h = (gamma[0] * dout[n])[own], x_hat[n, own]
        dx[n, own] = (d - d.mean() - h * (d * h).mean()) / std
    dgamma = np.sum(dout * x_hat, axis=(0, 2, 3)).reshape(1, -1, 1, 1)
    return dx, dgamma, np.sum(dout, axis=(0, 2, 3)).reshape(1, -1, 1, 1)


def own_layers():
    return {
        "conv_forward": conv_forward_vectorized,
        "conv_backward": conv_backward_vectorized,
        "max_pool_forward": max_pool_forward_naive,
        "max_pool_backward": max_pool_backward_naive,
    }


class ThreeLayerConvNet:
    def __init__(
        self, input_dim, num_filters, filter_size, hidden_dim, num_classes, weight_scale, reg, rng,
        layers=None,
    ):  # fmt: skip
        self.reg, self.layers = reg, layers or own_layers()
        C, H, W = input_dim
        sizes = [num_filters, num_filters * H * W // 4, hidden_dim, num_classes]
        self.params = {
            "W1": rng.normal(0, weight_scale, (num_filters, C, filter_size, filter_size)),
            "W2": rng.normal(0, weight_scale, (sizes[1], sizes[2])),
            "W3": rng.normal(0, weight_scale, (sizes[2], sizes[3])),
        }
        self.params.update({f"b{k}": np.zeros(sizes[k]) for k in (2, 3)})
        self.params["b1"] = np.zeros(num_filters)
        self.pad = filter_size // 2

    def loss(self, X, y=None):
        stack, h = [], X
        steps = [
            (self.conv, self.conv_back),
            (dense.relu_forward, dense.relu_backward),
            (self.pool, self.layers.get("max_pool_backward")),
            (self.affine("2"), dense.affine_backward),
            (dense.relu_forward, dense.relu_backward),
            (self.affine("3"), dense.affine_backward),
        ]
        for forward, _ in steps:
            h, kept = forward(h)
            stack.append(kept)
        if y is None:
            return h
        loss, dh = dense.softmax_loss(h, y)
        grads, numbers = {}, ["3", "2", "1"]
        for (_, backward), kept in zip(steps[::-1], stack[::-1]):
            dh = backward(dh, kept)
            if isinstance(dh, tuple):
                number = numbers.pop(0)
                dh, dw, grads["b" + number] = dh
                w = self.params["W" + number]
                grads["W" + number] = dw + self.reg * w
                loss += self.reg / 2 * np.vdot(w, w)
        return loss, grads

    def conv(self, x):
        param = {"stride": 1, "pad": self.pad}
        return self.layers["conv_forward"](x, self.params["W1"], self.params["b1"], param)

    def conv_back(self, dout, kept):
        return self.layers["conv_backward"](dout, kept)

    def pool(self, x):
        param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        return self.layers["max_pool_forward"](x, param)

    def affine(self, number):
        w, b = self.params["W" + number], self.params["b" + number]
        return lambda x: dense.affine_forward(x, w, b)


def train_convnet(X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=8):
    rng = np.random.default_rng(3)
    net = ThreeLayerConvNet(
        X_train.shape[1:], num_filters, 3, 64, max(y_train) + 1, 0.03, 1e-4, rng, layers
    )
    net.params = {k: v.astype(np.float32) for k, v in net.params.items()}
    net.params["W1"] *= 5
    data = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    Solver(
        net, data, rules.adam, {"learning_rate": 2e-3}, lr_decay=0.7, batch_size=20, rng=rng,
        num_epochs=num_epochs, progress=False,
    ).train()  # fmt: skip
    return net
