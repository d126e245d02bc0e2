"""Everything in float32 where the numbers allow it; a class around the model."""

import numpy as np

FLOAT = np.float32


class Asked:
    """A model, asked in single precision."""

    def __init__(self, model):
        self.model = model

    def scores(self, X):
        return np.asarray(self.model(X.astype(FLOAT)), FLOAT)

    def gradient(self, X, y):
        dscores = np.zeros(self.scores(X).shape, FLOAT)
        for i, label in enumerate(y):
            dscores[i, label] = 1
        return np.asarray(self.model(X.astype(FLOAT), dscores), FLOAT)


def saliency_map(X, y, model):
    r, g, b = np.moveaxis(np.abs(Asked(model).gradient(X, y)), 1, 0)
    return np.maximum(np.maximum(r, g), b)


def occlusion_map(X, y, model, size, stride):
    asked = Asked(model)
    H, W = X.shape[2:]
    shape = ((H - size) // stride + 1, (W - size) // stride + 1)
    out = np.full(shape, asked.scores(X)[0, y], FLOAT)
    for i, j in np.ndindex(*shape):
        covered = X.astype(FLOAT)
        covered[0, :, i * stride :, j * stride :][:, :size, :size] = 0
        out[i, j] -= asked.scores(covered)[0, y]
    return out


def fooling_image(X, target_y, model, learning_rate=1.0, max_iter=100):
    asked, out = Asked(model), X.astype(FLOAT)
    for _ in range(max_iter):
        if asked.scores(out)[0].argmax() == target_y:
            break
        g = asked.gradient(out, [target_y])
        out = out + FLOAT(learning_rate) * g / np.linalg.norm(g)
    return out


def jitter(X, ox, oy):
    return np.roll(np.roll(X.astype(FLOAT), ox, axis=-1), oy, axis=-2)


def blur_image(X, sigma):
    r = int(np.ceil(3 * sigma))
    k = np.exp(-np.square(np.arange(-r, r + 1, dtype=FLOAT)) / FLOAT(2 * sigma**2))
    k /= k.sum()
    padded = np.pad(X.astype(FLOAT), [(0, 0)] * 2 + [(r, r)] * 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * r + 1, 2 * r + 1), (2, 3))
    return np.tensordot(windows, np.outer(k, k), axes=2)


def class_visualization_step(img, model, target_y, l2_reg, learning_rate):
    img = img.astype(FLOAT)
    g = Asked(model).gradient(img, [target_y]) - FLOAT(2 * l2_reg) * img
    return img + FLOAT(learning_rate) * g / np.linalg.norm(g)


def deepdream_step(X, model, learning_rate):
    X = X.astype(FLOAT)
    g = np.asarray(model(X, model(X)), FLOAT)
    return X + FLOAT(learning_rate) / np.mean(np.abs(g)) * g


def octave_shapes(height, width, num_octaves, scale):
    return [
        tuple(round(side / scale ** (num_octaves - 1 - i)) for side in (height, width))
        for i in range(num_octaves)
    ]


def deepdream(X, model, resize, shapes, num_steps, learning_rate):
    detail = np.zeros_like(X, FLOAT)
    for shape in shapes:
        base = np.asarray(resize(X, shape), FLOAT)
        dream = base + np.asarray(resize(detail, shape), FLOAT)
        for _ in range(num_steps):
            dream = deepdream_step(dream, model, learning_rate)
        detail = dream - base
    return dream


def pairwise_squared_distances(X):
    # Centred first: single precision has few digits to lose.
    X = (X - X.mean(axis=0)).astype(FLOAT)
    G = X @ X.T
    s = np.diag(G)
    D = np.clip(s[:, None] + s[None] - 2 * G, 0, None)
    D[np.diag_indices(len(X))] = 0
    return D


def conditional_probabilities(D, perplexity):
    D = D.astype(np.float64)  # a search for five digits needs them
    out = []
    for i, row in enumerate(D):
        d = np.delete(row, i)
        d = d - d.min()
        lo, hi, beta = 0.0, None, 1.0
        for _ in range(100):
            p = np.exp(-beta * d)
            p /= p.sum()
            H = -np.sum(p * np.log(np.maximum(p, 1e-300)))
            if abs(H - np.log(perplexity)) < 1e-5:
                break
            if H > np.log(perplexity):
                lo, beta = beta, beta * 2 if hi is None else (beta + hi) / 2
            else:
                hi, beta = beta, (beta + lo) / 2
        out.append(np.insert(p, i, 0))
    return np.array(out, FLOAT)


def joint_probabilities(P):
    half = P.astype(FLOAT) / FLOAT(2 * len(P))
    return half + half.T


def student_t_similarities(Y):
    w = np.reciprocal(1 + pairwise_squared_distances(Y))
    w[np.diag_indices(len(Y))] = 0
    return w / w.sum(), w


def tsne_loss(P, Y):
    P, Y = P.astype(FLOAT), Y.astype(FLOAT)
    Q, w = student_t_similarities(Y)
    ratio = np.where(P > 0, P / np.where(Q > 0, Q, 1), 1)
    A = (P - Q) * w
    return np.sum(P * np.log(ratio)), 4 * (A.sum(1, keepdims=True) * Y - A @ Y)


def tsne(X, perplexity, num_iters, learning_rate, rng):
    P = joint_probabilities(conditional_probabilities(pairwise_squared_distances(X), perplexity))
    Y = (1e-4 * rng.normal(size=(len(X), 2))).astype(FLOAT)
    V, losses = np.zeros_like(Y), []
    for t in range(num_iters):
        a, mu = (12, 0.5) if 4 * (t + 1) <= num_iters else (1, 0.8)
        losses.append(tsne_loss(P, Y)[0])
        V = FLOAT(mu) * V - FLOAT(learning_rate) * tsne_loss(FLOAT(a) * P, Y)[1]
        Y = Y + V
    return Y, losses
