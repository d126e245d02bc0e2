"""float32 throughout, with helpers of its own."""

import numpy as np


def single(array):
    return np.asarray(array, dtype=np.float32)


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def few_per_class(y, per_class, rng):
    mixed = rng.permutation(len(y))
    parts = [mixed[y[mixed] == label][:per_class] for label in sorted(set(y.tolist()))]
    return rng.permutation(np.hstack(parts)).astype(np.int32)


def extract_features(forward, images, batch_size=64):
    F = None
    for start in range(0, len(images), batch_size):
        stop = min(start + batch_size, len(images))
        part = single(forward(images[start:stop])).reshape(stop - start, -1)
        if F is None:
            F = np.empty((len(images), part.shape[1]), np.float32)
        F[start:stop] = part
    return F


def head_loss(W, b, F, y, reg):
    W, b, F = single(W), single(b), single(F)
    N = len(y)
    s = F @ W + b
    s -= s.max(1, keepdims=True)
    loss = (np.log(np.exp(s).sum(1)) - s[range(N), y]).mean()
    loss += np.float32(reg / 2) * np.square(W).sum()
    d = softmax(s)
    d[range(N), y] -= 1
    d /= np.float32(N)
    return np.array([loss]), F.T @ d + np.float32(reg) * W, d.sum(0), d @ W.T


def fit_standardizer(F, eps=1e-5):
    F = single(F)
    return F.mean(0), F.std(0) + np.float32(eps)


def fold_standardizer(W, b, mean, scale):
    new = single(W) / single(scale).reshape(-1, 1)
    return new, single(b) - (single(mean).reshape(1, -1) @ new).ravel()


def linear_probe(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    mean, scale = fit_standardizer(F)
    Z = (single(F) - mean) / scale
    W, b = np.zeros((Z.shape[1], num_classes), np.float32), np.zeros(num_classes, np.float32)
    v, u = np.zeros_like(W), np.zeros_like(b)
    for _ in range(num_steps):
        dW, db = head_loss(W, b, Z, y, reg)[1:3]
        v = single(momentum * v - learning_rate * dW)
        u = single(momentum * u - learning_rate * db)
        W, b = W + v, b + u
    return fold_standardizer(W, b, mean, scale)


def parameter_groups(names, stages):
    return [[n for n in names[::-1] if n.rsplit(".", 1)[0] in set(t)] for t in stages]


def learning_rates(groups, base_rate, decay, num_frozen=0):
    top = len(groups) - 1
    return {
        name: np.float32((i >= num_frozen) * base_rate * decay ** (top - i))
        for i, group in enumerate(groups)
        for name in group
    }


def transfer_loss(forward, backward, params, X, y, reg, wanted):
    W, b = params["head.weight"], params["head.bias"]
    loss, dW, db, dF = head_loss(W, b, forward(params, X), y, reg)
    below = [n for n in wanted if not n.startswith("head.")]
    grads = backward(dF, below) if below else {}
    for name, gradient in (("head.weight", dW), ("head.bias", db)):
        if name in wanted:
            grads = {**grads, name: gradient}
    return loss[0], grads


class Momentum:
    def __init__(self, rates, momentum):
        self.rates, self.momentum, self.velocity = rates, momentum, {}

    def step(self, params, grads):
        for name, gradient in grads.items():
            old = self.velocity.get(name, np.float32(0))
            self.velocity[name] = single(self.momentum * old - self.rates[name] * gradient)
            params[name] = single(params[name]) + self.velocity[name]


def fine_tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    params, optimizer, losses = params.copy(), Momentum(rates, momentum), []
    for _ in range(num_epochs):
        order = np.arange(len(y))
        rng.shuffle(order)
        for k in range(-(-len(y) // batch_size)):
            batch = order[k * batch_size : (k + 1) * batch_size]
            wanted = [n for n in params if rates[n]]
            loss, grads = loss_fn(params, X[batch], y[batch], wanted)
            optimizer.step(params, grads)
            losses.append(np.float32(loss))
    return params, losses


def cheapest_good_enough(accuracies):
    table = [(name, np.mean(runs), len(runs), np.var(runs)) for name, runs in accuracies.items()]
    _, mean, n, variance = max(table, key=lambda row: row[1])
    margin = (variance / (n - 1)) ** 0.5 if n > 1 else 0.0
    for name, value, *_ in table:
        if value >= mean - margin:
            return name
