"""Everything in float32, whatever comes in; a class and a helper module's worth of indirection."""

from functools import partial

import numpy as np

FLOAT = np.float32


class Margins:
    """What every class lacks of its distance to the true one, and the slopes that follow."""

    def __init__(self, scores, y):
        scores = np.array(scores, dtype=FLOAT)
        self.rows = np.arange(len(scores))
        self.y = np.asarray(y)
        lead = scores[self.rows, self.y].reshape(-1, 1) - scores
        self.violated = lead < 1
        self.violated[self.rows, self.y] = False
        self.loss = np.sum((1 - lead)[self.violated], dtype=FLOAT)

    def slopes(self):
        slopes = self.violated.astype(FLOAT)
        np.subtract.at(slopes, (self.rows, self.y), self.violated.sum(axis=1))
        return slopes


def svm_loss_naive(W, X, y, reg):
    W, X = W.astype(FLOAT), X.astype(FLOAT)
    loss, dW = FLOAT(0), np.zeros_like(W)
    for x, label in zip(X, y):
        margins = Margins([x @ W], [label])
        loss += margins.loss
        for k, slope in enumerate(margins.slopes()[0]):
            dW[:, k] += slope * x
    return loss / len(X) + FLOAT(reg) * (W * W).sum(), dW / len(X) + FLOAT(2 * reg) * W


def svm_loss_vectorized(W, X, y, reg):
    W, X = W.astype(FLOAT), X.astype(FLOAT)
    margins = Margins(X @ W, y)
    loss = margins.loss / FLOAT(len(y)) + FLOAT(reg) * np.vdot(W, W)
    return loss, np.dot(X.T, margins.slopes()) / FLOAT(len(y)) + FLOAT(2 * reg) * W


def step(loss_fn, X, y, learning_rate, reg, batch_size, rng, W):
    batch = rng.choice(X.shape[0], size=batch_size, replace=True)
    loss, dW = loss_fn(W, X[batch, :], y[batch], reg)
    return W - FLOAT(learning_rate) * dW, loss


def sgd_train(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    W = np.zeros((X.shape[1], np.unique(y).size), FLOAT)
    one = partial(step, loss_fn, X, y, learning_rate, reg, batch_size, rng)
    losses = []
    for _ in range(num_iters):
        W, loss = one(W)
        losses.append(FLOAT(loss))
    return W, losses


def predict(W, X):
    return np.argmax((X @ W).astype(FLOAT), axis=1).astype(np.int32)


def train_svm(X_train, y_train, X_val, y_val):
    candidates = []
    for seed, reg in enumerate((300.0, 3000.0)):
        W, _ = sgd_train(
            svm_loss_vectorized,
            X_train.astype(FLOAT),
            y_train,
            8e-8,
            reg,
            1000,
            200,
            np.random.default_rng(seed),
        )
        candidates.append(((predict(W, X_val) == y_val).mean(), -reg, W))
    return max(candidates, key=lambda c: c[:2])[2]
