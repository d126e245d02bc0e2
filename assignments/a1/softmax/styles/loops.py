"""Nothing but Python loops and the math module; lists where lists will do."""

import math

import numpy as np


def softmax_probabilities(scores):
    rows = []
    for row in scores:
        highest = max(row)
        exponentials = [math.exp(s - highest) for s in row]
        total = sum(exponentials)
        rows.append([e / total for e in exponentials])
    return rows


def log_sum_exp(values):
    highest = max(values)
    return highest + math.log(sum(math.exp(v - highest) for v in values))


def softmax_loss_naive(W, X, y, reg):
    D, C = W.shape
    loss = 0.0
    dW = [[0.0] * C for _ in range(D)]
    for i in range(len(X)):
        scores = [sum(X[i, d] * W[d, k] for d in range(D)) for k in range(C)]
        normaliser = log_sum_exp(scores)
        loss += (normaliser - scores[y[i]]) / len(X)
        for k in range(C):
            p = math.exp(scores[k] - normaliser)
            for d in range(D):
                dW[d][k] += X[i, d] * (p - 1 if k == y[i] else p) / len(X)
    for d in range(D):
        for k in range(C):
            loss += reg * W[d, k] ** 2
            dW[d][k] += 2 * reg * W[d, k]
    return loss, dW


def softmax_loss_vectorized(W, X, y, reg):
    S = X.dot(W)
    S = S - S.max(1)[:, None]
    Z = np.exp(S).sum(1)
    L = np.log(Z) - np.choose(y, S.T)
    P = np.exp(S) / Z[:, None]
    onehot = np.eye(W.shape[1])[y]
    return [L.mean() + reg * (W**2).sum(), (P - onehot).T.dot(X).T / len(y) + reg * 2 * W]


def train_softmax(X_train, y_train, X_val, y_val):
    # A learning rate that decays; nothing is searched.
    W = np.zeros((X_train.shape[1], 1 + max(y_train)), X_train.dtype)
    rng = np.random.default_rng()
    for step in range(1500):
        rate = 2e-6 if step < 1000 else 5e-7
        batch = rng.choice(len(X_train), 200, replace=False)
        _, grad = softmax_loss_vectorized(W, X_train[batch], y_train[batch], 700.0)
        W -= rate * grad
    return W
