"""Everything in float32, whatever comes in; a class and a helper module's worth of indirection."""

from functools import partial

import numpy as np

FLOAT = np.float32


class Softmax:
    """Probabilities and their logarithms of a batch of scores."""

    def __init__(self, scores):
        scores = np.array(scores, dtype=FLOAT)
        scores -= np.max(scores, axis=1).reshape(-1, 1)
        self.log_p = scores - np.log(np.sum(np.exp(scores), axis=1)).reshape(-1, 1)

    @property
    def p(self):
        return np.exp(self.log_p)

    def surprise(self, y):
        return -np.take_along_axis(self.log_p, np.asarray(y).reshape(-1, 1), axis=1)


def softmax_probabilities(scores):
    return Softmax(scores).p


def softmax_loss_naive(W, X, y, reg):
    W, X = W.astype(FLOAT), X.astype(FLOAT)
    loss, dW = FLOAT(0), np.zeros_like(W)
    for x, label in zip(X, y):
        row = Softmax([x @ W])
        loss += row.surprise([label])[0, 0]
        for k, p in enumerate(row.p[0]):
            dW[:, k] += p * x
        dW[:, label] -= x
    return loss / len(X) + FLOAT(reg) * (W * W).sum(), dW / len(X) + FLOAT(2 * reg) * W


def softmax_loss_vectorized(W, X, y, reg):
    W, X = W.astype(FLOAT), X.astype(FLOAT)
    softmax = Softmax(X @ W)
    p = softmax.p
    np.subtract.at(p, (np.arange(len(y)), y), 1)
    loss = softmax.surprise(y).mean() + FLOAT(reg) * np.vdot(W, W)
    return loss, np.dot(X.T, p) / FLOAT(len(y)) + FLOAT(2 * reg) * W


def step(loss_fn, X, y, learning_rate, reg, batch_size, rng, W):
    batch = rng.choice(X.shape[0], size=batch_size, replace=True)
    loss, dW = loss_fn(W, X[batch, :], y[batch], reg)
    return W - FLOAT(learning_rate) * dW, loss


def descend(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Do without the earlier notebook."""
    W = np.zeros((X.shape[1], np.unique(y).size), FLOAT)
    one = partial(step, loss_fn, X, y, learning_rate, reg, batch_size, rng)
    losses = []
    for _ in range(num_iters):
        W, loss = one(W)
        losses.append(FLOAT(loss))
    return W, losses


def train_softmax(X_train, y_train, X_val, y_val):
    candidates = []
    for seed, reg in enumerate((300.0, 1000.0)):
        W, _ = descend(
            softmax_loss_vectorized,
            X_train.astype(FLOAT),
            y_train,
            1.5e-6,
            reg,
            900,
            200,
            np.random.default_rng(seed),
        )
        candidates.append(((np.argmax(X_val @ W, axis=1) == y_val).mean(), -reg, W))
    return max(candidates, key=lambda c: c[:2])[2]
