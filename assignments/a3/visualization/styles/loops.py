"""Nothing but Python loops where they are bearable; lists where lists will do."""

import math

import numpy as np


def one_hot(y, classes):
    return np.array([[1.0 if k == label else 0.0 for k in range(classes)] for label in y])


def saliency_map(X, y, model):
    maps = []
    for image, label in zip(X, y):
        g = model(image[None], one_hot([label], model(image[None]).shape[1]))[0]
        _, H, W = g.shape
        maps.append([[max(abs(g[c, h, w]) for c in range(3)) for w in range(W)] for h in range(H)])
    return maps


def occlusion_map(X, y, model, size, stride):
    before = model(X)[0][y]
    rows = []
    top = 0
    while top + size <= X.shape[2]:
        row, left = [], 0
        while left + size <= X.shape[3]:
            covered = np.array(X)
            covered[:, :, top : top + size, left : left + size] = 0
            row.append(before - model(covered)[0][y])
            left += stride
        rows.append(row)
        top += stride
    return rows


def fooling_image(X, target_y, model, learning_rate=1.0, max_iter=100):
    out = np.array(X, dtype=float)
    for _ in range(max_iter):
        s = model(out)
        if np.argmax(s) == target_y:
            return out
        g = model(out, one_hot([target_y], s.shape[1]))
        out += learning_rate * g / math.sqrt((g**2).sum())
    return out


def jitter(X, ox, oy):
    out = np.empty_like(X)
    H, W = X.shape[2:]
    for h in range(H):
        for w in range(W):
            out[:, :, (h + oy) % H, (w + ox) % W] = X[:, :, h, w]
    return out


def blur_image(X, sigma):
    r = math.ceil(3 * sigma)
    k = [math.exp(-(t**2) / (2 * sigma**2)) for t in range(-r, r + 1)]
    k = [v / sum(k) for v in k]
    for _ in range(2):
        length = X.shape[2]
        out = np.zeros(X.shape)
        for h in range(length):
            for t in range(-r, r + 1):
                out[:, :, h] += k[t + r] * X[:, :, min(max(h + t, 0), length - 1)]
        X = out.swapaxes(2, 3)
    return X


def class_visualization_step(img, model, target_y, l2_reg, learning_rate):
    g = model(img, one_hot([target_y], model(img).shape[1]))
    g = g - l2_reg * 2 * img
    return img + g * (learning_rate / math.sqrt(np.sum(g * g)))


def deepdream_step(X, model, learning_rate):
    g = model(X, model(X))
    return X + learning_rate * g * g.size / np.sum(np.abs(g))


def octave_shapes(height, width, num_octaves, scale):
    shapes = []
    for _ in range(num_octaves):
        shapes.insert(0, [math.floor(height + 0.5), math.floor(width + 0.5)])
        height, width = height / scale, width / scale
    return shapes


def deepdream(X, model, resize, shapes, num_steps, learning_rate):
    detail = None
    for shape in shapes:
        base = resize(X, tuple(shape))
        dream = base if detail is None else base + resize(detail, tuple(shape))
        for _ in range(num_steps):
            dream = deepdream_step(dream, model, learning_rate)
        detail = dream - base
    return base + detail


def pairwise_squared_distances(X):
    return [[sum((a - b) ** 2 for a, b in zip(x, z)) for z in X] for x in X]


def conditional_probabilities(D, perplexity):
    D = np.asarray(D)
    N = len(D)
    P = np.zeros((N, N))
    for i in range(N):
        nearest = min(D[i, j] for j in range(N) if j != i)
        lo, hi = -30.0, 30.0
        for _ in range(60):
            mid = (lo + hi) / 2
            e = [
                0.0 if j == i else math.exp(-math.exp(mid) * (D[i, j] - nearest)) for j in range(N)
            ]
            p = [v / sum(e) for v in e]
            if -sum(v * math.log(v) for v in p if v > 0) > math.log(perplexity):
                lo = mid
            else:
                hi = mid
        P[i] = p
    return P


def joint_probabilities(P):
    N = len(P)
    return [[(P[i][j] + P[j][i]) / 2 / N for j in range(N)] for i in range(N)]


def student_t_similarities(Y):
    D = pairwise_squared_distances(Y)
    N = len(Y)
    w = [[0.0 if i == j else 1 / (1 + D[i][j]) for j in range(N)] for i in range(N)]
    total = sum(map(sum, w))
    return [[v / total for v in row] for row in w], w


def tsne_loss(P, Y):
    Q, w = student_t_similarities(Y)
    N = len(Y)
    loss, dY = 0.0, np.zeros((N, 2))
    for i in range(N):
        for j in range(N):
            if P[i][j] > 0:
                loss += P[i][j] * math.log(P[i][j] / Q[i][j])
            dY[i] += 4 * (P[i][j] - Q[i][j]) * w[i][j] * (Y[i] - Y[j])
    return loss, dY


def fast_loss(P, Y):
    D = ((Y[:, None] - Y[None]) ** 2).sum(-1)
    w = 1 / (1 + D)
    np.fill_diagonal(w, 0)
    Q = w / w.sum()
    loss = sum(p * math.log(p / q) for p, q in zip(P.ravel(), Q.ravel()) if p > 0)
    return loss, 4 * (((P - Q) * w)[:, :, None] * (Y[:, None] - Y)).sum(axis=1)


def tsne(X, perplexity, num_iters, learning_rate, rng):
    P = np.array(
        joint_probabilities(conditional_probabilities(pairwise_squared_distances(X), perplexity))
    )
    Y = rng.normal(size=(len(X), 2)) * 1e-4
    V = 0
    losses = []
    for t in range(num_iters):
        losses.append(fast_loss(P, Y)[0])
        factor, mu = (12, 0.5) if t < num_iters // 4 else (1, 0.8)
        V = mu * V - learning_rate * fast_loss(P * factor, Y)[1]
        Y = Y + V
    return Y, losses
