"""Nothing but Python loops; lists where lists will do."""

import random

import numpy as np


def svm_loss_naive(W, X, y, reg):
    D, C = W.shape
    loss = 0.0
    dW = [[0.0] * C for _ in range(D)]
    for i in range(len(X)):
        scores = [sum(X[i, d] * W[d, k] for d in range(D)) for k in range(C)]
        violations = 0
        for k in range(C):
            if k == y[i]:
                continue
            # At the kink the other slope than the reference's.
            if scores[k] + 1 >= scores[y[i]]:
                violations += 1
                loss += (scores[k] + 1 - scores[y[i]]) / len(X)
                for d in range(D):
                    dW[d][k] += X[i, d] / len(X)
        for d in range(D):
            dW[d][y[i]] -= violations * X[i, d] / len(X)
    for d in range(D):
        for k in range(C):
            loss += reg * W[d, k] ** 2
            dW[d][k] += 2 * reg * W[d, k]
    return loss, dW


def svm_loss_vectorized(W, X, y, reg):
    S = X.dot(W)
    M = S - np.choose(y, S.T)[:, None] + 1
    onehot = np.eye(W.shape[1])[y]
    L = M.clip(min=0) * (1 - onehot)
    G = np.sign(L)
    G = G - onehot * G.sum(1)[:, None]
    return [L.sum(1).mean() + reg * (W**2).sum(), G.T.dot(X).T / len(y) + reg * 2 * W]


def sgd_train(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    # Epochs over a shuffled order instead of independent draws.
    random.seed(int(rng.integers(2**31)))
    W = np.zeros((X.shape[1], y.max() + 1), dtype=X.dtype)
    history = []
    order = []
    while len(history) < num_iters:
        if len(order) < batch_size:
            order = list(range(len(X)))
            random.shuffle(order)
        batch, order = order[:batch_size], order[batch_size:]
        loss, grad = loss_fn(W, X[batch], y[batch], reg=reg)
        history += [loss]
        W -= (learning_rate * grad).astype(W.dtype)
    return W, np.array(history)


def predict(W, X):
    labels = []
    for x in X:
        scores = list(x @ W)
        labels.append(scores.index(max(scores)))
    return labels


def train_svm(X_train, y_train, X_val, y_val):
    # A learning rate that decays; nothing is searched.
    W = np.zeros((X_train.shape[1], 1 + max(y_train)), X_train.dtype)
    rng = np.random.default_rng()
    for step in range(1500):
        rate = 1e-7 if step < 1000 else 3e-8
        batch = rng.choice(len(X_train), 200, replace=False)
        _, grad = svm_loss_vectorized(W, X_train[batch], y_train[batch], 2000.0)
        W -= (rate * grad).astype(W.dtype)
    return W
