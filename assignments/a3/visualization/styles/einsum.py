"""Einsum, broadcasting, tensor products; other shapes of numbers and containers."""

import numpy as np


def pick(X, y, model):
    return np.eye(model(X).shape[1])[np.atleast_1d(y)]


def saliency_map(X, y, model):
    return np.linalg.norm(model(X, pick(X, y, model)), ord=np.inf, axis=1)


def occlusion_map(X, y, model, size, stride):
    _, _, H, W = X.shape
    tops, lefts = np.arange(0, H - size + 1, stride), np.arange(0, W - size + 1, stride)
    rows = (np.arange(H) >= tops[:, None]) & (np.arange(H) < tops[:, None] + size)
    columns = (np.arange(W) >= lefts[:, None]) & (np.arange(W) < lefts[:, None] + size)
    keep = 1 - np.einsum("ih,jw->ijhw", rows, columns).reshape(-1, 1, H, W)
    return (model(X)[:, y] - model(X * keep)[:, y]).reshape(len(tops), len(lefts))


def fooling_image(X, target_y, model, learning_rate=1.0, max_iter=100):
    steps = 0
    while model(X).argmax() != target_y and steps < max_iter:
        g = model(X, pick(X, target_y, model))
        X = X + learning_rate * g / np.sqrt(np.einsum("nchw,nchw->", g, g))
        steps += 1
    return X


def jitter(X, ox, oy):
    H, W = X.shape[-2:]
    return X[:, :, (np.arange(H) - oy) % H][..., (np.arange(W) - ox) % W]


def blur_matrix(length, sigma):
    r = int(np.ceil(3 * sigma))
    t = np.arange(-r, r + 1)
    k = np.exp(-0.5 * (t / sigma) ** 2)
    M = np.zeros((length, length))
    np.add.at(
        M,
        (np.arange(length)[:, None], np.clip(np.arange(length)[:, None] + t, 0, length - 1)),
        k / k.sum(),
    )
    return M


def blur_image(X, sigma):
    H, W = X.shape[-2:]
    return np.einsum(
        "ih,jw,nchw->ncij", blur_matrix(H, sigma), blur_matrix(W, sigma), X, optimize=True
    )


def class_visualization_step(img, model, target_y, l2_reg, learning_rate):
    g = model(X=img, dout=pick(img, target_y, model)) - 2 * l2_reg * img
    return np.add(img, learning_rate * g / np.linalg.norm(g.ravel()))


def deepdream_step(X, model, learning_rate):
    g = model(X, dout=model(X))
    return X + learning_rate * g / np.linalg.norm(g.ravel(), 1) * g.size


def octave_shapes(height, width, num_octaves, scale):
    powers = float(scale) ** -np.arange(num_octaves)[::-1]
    return np.rint(np.outer(powers, [height, width])).astype(int)


def deepdream(X, model, resize, shapes, num_steps, learning_rate):
    dream, base = X, X
    for shape in shapes:
        detail = dream - base
        base = resize(X, shape)
        dream = base + resize(detail, shape)
        for _ in range(num_steps):
            dream = deepdream_step(dream, model, learning_rate)
    return dream


def pairwise_squared_distances(X):
    difference = X[:, None] - X[None]
    return np.einsum("ijd,ijd->ij", difference, difference)


def conditional_probabilities(D, perplexity):
    masked = np.where(np.eye(len(D), dtype=bool), np.inf, D)
    masked = masked - masked.min(axis=1, keepdims=True)
    finite = np.where(np.isinf(masked), 0, masked)
    beta, low, high = np.ones(len(D)), np.zeros(len(D)), np.full(len(D), np.inf)
    for _ in range(100):
        P = np.exp(-beta[:, None] * masked)
        total = P.sum(axis=1)
        P /= total[:, None]
        too_flat = np.log(total) + beta * np.einsum("ij,ij->i", P, finite) > np.log(perplexity)
        low, high = np.where(too_flat, beta, low), np.where(too_flat, high, beta)
        beta = np.where(np.isinf(high), 2 * beta, (low + np.where(np.isinf(high), 0, high)) / 2)
    return P


def joint_probabilities(P):
    return 0.5 * (P + P.T) / P.sum()


def student_t_similarities(Y):
    W = 1 / (1 + pairwise_squared_distances(Y)) - np.eye(len(Y))
    return W / W.sum(), W


def tsne_loss(P, Y):
    Q, W = student_t_similarities(Y)
    eps = np.finfo(float).tiny
    loss = np.sum(P * (np.log(P + eps) - np.log(Q + eps)))
    A = (P - Q) * W
    return np.array([loss]).reshape(()), 4 * (np.diag(A.sum(axis=1)) - A) @ Y


def tsne(X, perplexity, num_iters, learning_rate, rng):
    P = joint_probabilities(conditional_probabilities(pairwise_squared_distances(X), perplexity))
    Y = 1e-4 * rng.standard_normal((len(X), 2))
    before, losses = Y, np.empty(num_iters)
    for t in range(num_iters):
        early = t < num_iters // 4
        losses[t] = tsne_loss(P, Y)[0]
        dY = tsne_loss(P * 12 if early else P, Y)[1]
        Y, before = Y + (0.5 if early else 0.8) * (Y - before) - learning_rate * dY, Y
    return Y, losses
