"""Python loops over images, units and layers; caches are dictionaries; training by hand."""

import math

import numpy as np


def affine_relu_forward(x, w, b):
    return affine_norm_relu_dropout_forward(x, w, b, None, None, None, None, None)


def affine_relu_backward(dout, cache):
    return affine_norm_relu_dropout_backward(dout, cache)[:3]


def affine_norm_relu_dropout_forward(
    x, w, b, gamma, beta, normalization, norm_param, dropout_param
):
    rows = [np.ravel(example).tolist() for example in x]
    N, M = len(rows), w.shape[1]
    z = [[b[m] for m in range(M)] for _ in range(N)]
    for n in range(N):
        for d, value in enumerate(rows[n]):
            for m in range(M):
                z[n][m] += value * w[d, m]
    cache = {"rows": rows, "shape": x.shape, "w": w, "kind": normalization, "gamma": gamma}
    if normalization is not None:
        z = normalised(z, gamma, beta, normalization, norm_param, cache)
    draw = dropout_param is not None and dropout_param["mode"] == "train"
    out = np.zeros((N, M))
    factors = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            keep = 1.0
            if draw:
                p = dropout_param["p"]
                keep = 1 / p if dropout_param["rng"].random() < p else 0.0
            if z[n][m] > 0:
                factors[n, m] = keep
                out[n, m] = keep * z[n][m]
    cache["factors"] = factors
    return out, cache


def normalised(z, gamma, beta, kind, param, cache):
    z = np.array(z, dtype=float)
    N, M = z.shape
    eps, momentum = param.get("eps", 1e-5), param.get("momentum", 0.9)
    groups = [z[n] for n in range(N)] if kind == "layernorm" else [z[:, m] for m in range(M)]
    stats = [(sum(g) / len(g), sum((v - sum(g) / len(g)) ** 2 for v in g) / len(g)) for g in groups]
    if kind == "batchnorm":
        old_mean = param.get("running_mean", np.zeros(M))
        old_var = param.get("running_var", np.zeros(M))
        if param["mode"] == "test":
            stats = list(zip(old_mean, old_var, strict=True))
        else:
            new_mean, new_var = (np.array(values) for values in zip(*stats, strict=True))
            param["running_mean"] = momentum * old_mean + (1 - momentum) * new_mean
            param["running_var"] = momentum * old_var + (1 - momentum) * new_var
    x_hat, out = np.zeros((N, M)), np.zeros((N, M))
    sigmas = [math.sqrt(var + eps) for _, var in stats]
    for n in range(N):
        for m in range(M):
            group = n if kind == "layernorm" else m
            x_hat[n, m] = (z[n, m] - stats[group][0]) / sigmas[group]
            out[n, m] = gamma[m] * x_hat[n, m] + beta[m]
    cache.update(x_hat=x_hat, sigmas=sigmas)
    return out


def affine_norm_relu_dropout_backward(dout, cache):
    rows, w, factors = cache["rows"], cache["w"], cache["factors"]
    N, M = factors.shape
    dz = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            dz[n, m] = dout[n, m] * factors[n, m]
    dgamma = dbeta = None
    if cache["kind"] is not None:
        x_hat = cache["x_hat"]
        dgamma, dbeta = np.zeros(M), np.zeros(M)
        dx_hat = np.zeros((N, M))
        for n in range(N):
            for m in range(M):
                dgamma[m] += dz[n, m] * x_hat[n, m]
                dbeta[m] += dz[n, m]
                dx_hat[n, m] = dz[n, m] * cache["gamma"][m]
        for n in range(N):
            for m in range(M):
                by_row = cache["kind"] == "layernorm"
                g, h = (dx_hat[n], x_hat[n]) if by_row else (dx_hat[:, m], x_hat[:, m])
                along = sum(a * b for a, b in zip(g, h, strict=True)) / len(g)
                inner = dx_hat[n, m] - sum(g) / len(g) - x_hat[n, m] * along
                dz[n, m] = inner / cache["sigmas"][n if by_row else m]
    dx, dw, db = np.zeros((N, len(rows[0]))), np.zeros(w.shape), np.zeros(M)
    for n in range(N):
        for m in range(M):
            db[m] += dz[n, m]
            for d in range(len(rows[n])):
                dx[n, d] += dz[n, m] * w[d, m]
                dw[d, m] += dz[n, m] * rows[n][d]
    return [dx.reshape(cache["shape"]), dw, db, dgamma, dbeta]


def init_params(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    params, before = {}, input_dim
    for number, width in enumerate([*hidden_dims, num_classes]):
        name = str(number + 1)
        params["W" + name] = np.array(
            [[rng.normal(0, weight_scale) for _ in range(width)] for _ in range(before)]
        )
        params["b" + name] = np.array([0.0] * width)
        if normalization and number < len(hidden_dims):
            params["gamma" + name] = np.array([1.0] * width)
            params["beta" + name] = np.array([0.0] * width)
        before = width
    return params


class FullyConnectedNet:
    def __init__(
        self,
        hidden_dims,
        input_dim,
        num_classes,
        normalization=None,
        dropout_keep_ratio=1.0,
        reg=0.0,
        weight_scale=0.01,
        *,
        rng,
    ):
        self.depth, self.kind, self.reg, self.rng = len(hidden_dims), normalization, reg, rng
        self.keep = dropout_keep_ratio
        self.params = init_params(
            hidden_dims, input_dim, num_classes, normalization, weight_scale, rng
        )
        self.averages = {layer: {} for layer in range(1, self.depth + 1)}

    def loss(self, X, y=None):
        p, mode, caches = self.params, "test" if y is None else "train", []
        for layer in range(1, self.depth + 1):
            self.averages[layer]["mode"] = mode
            X, cache = affine_norm_relu_dropout_forward(
                X,
                p[f"W{layer}"],
                p[f"b{layer}"],
                p[f"gamma{layer}"] if self.kind else None,
                p[f"beta{layer}"] if self.kind else None,
                self.kind,
                self.averages[layer],
                {"p": self.keep, "mode": mode, "rng": self.rng},
            )
            caches.append(cache)
        last = self.depth + 1
        W, b = p[f"W{last}"], p[f"b{last}"]
        rows = X.reshape(len(X), -1)
        scores = np.array([[row @ W[:, c] + b[c] for c in range(len(b))] for row in rows])
        if y is None:
            return scores
        loss, ds = 0.0, np.zeros(scores.shape)
        for n, row in enumerate(scores):
            shifted = [math.exp(s - max(row)) for s in row]
            loss -= math.log(shifted[y[n]] / sum(shifted)) / len(y)
            for c in range(len(row)):
                ds[n, c] = (shifted[c] / sum(shifted) - (c == y[n])) / len(y)
        grads = {f"W{last}": rows.T @ ds, f"b{last}": sum(ds)}
        dout = ds @ W.T
        while caches:
            layer = len(caches)
            dout, dw, db, dgamma, dbeta = affine_norm_relu_dropout_backward(dout, caches.pop())
            grads[f"W{layer}"], grads[f"b{layer}"] = dw, db
            if self.kind:
                grads[f"gamma{layer}"], grads[f"beta{layer}"] = dgamma, dbeta
        for layer in range(1, last + 1):
            loss += self.reg / 2 * sum(v * v for v in p[f"W{layer}"].flat)
            grads[f"W{layer}"] += self.reg * p[f"W{layer}"]
        return loss, grads


def train_fully_connected_net(X_train, y_train, X_val, y_val):
    # Loops would take days: a network of its own, one hidden layer, with momentum.
    rng = np.random.default_rng(5)
    net = Trained(X_train.shape[1], 150, max(y_train) + 1, rng)
    steps = 10 * len(X_train) // 100
    side = round((X_train.shape[1] / 3) ** 0.5)
    for step in range(steps):
        batch = rng.choice(len(X_train), 100)
        X = X_train[batch].reshape(-1, side, side, 3)
        X = np.where(rng.random((100, 1, 1, 1)) < 0.5, X, X[:, :, ::-1]).reshape(100, -1)
        net.step(X, y_train[batch], np.float32(0.04 * (1 - step / steps)))
    return net


class Trained:
    def __init__(self, inputs, hidden, classes, rng):
        self.W = [
            rng.normal(0, 0.02, (inputs, hidden)).astype(np.float32),
            rng.normal(0, 0.02, (hidden, classes)).astype(np.float32),
        ]
        self.b = [np.zeros(hidden, np.float32), np.zeros(classes, np.float32)]
        self.v = [np.zeros_like(a) for a in self.W + self.b]

    def loss(self, X):
        self.h = np.maximum(X @ self.W[0] + self.b[0], 0)
        return self.h @ self.W[1] + self.b[1]

    def step(self, X, y, rate):
        s = self.loss(X)
        p = np.exp(s - s.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        p /= np.float32(len(y))
        dh = (p @ self.W[1].T) * (self.h > 0)
        grads = [X.T @ dh, self.h.T @ p, dh.sum(0), p.sum(0)]
        for w, v, g, reg in zip(self.W + self.b, self.v, grads, (0.015, 0.015, 0, 0), strict=True):
            v *= np.float32(0.9)
            v -= rate * (g + np.float32(reg) * w)
            w += v
