"""Python loops and a draw at a time; every random number is asked for when it is needed."""

import numpy as np


def l1_l2_penalty(w, l1, l2):
    loss, dw = 0.0, np.zeros(w.shape)
    for place in np.ndindex(*w.shape):
        value = float(w[place])
        loss += l1 * abs(value) + l2 * value**2 / 2
        dw[place] = l2 * value
        if value > 0:
            dw[place] += l1
        elif value < 0:
            dw[place] -= l1
    return loss, dw


def dropout_forward(x, dropout_param):
    if dropout_param["mode"] != "train":
        return x.copy(), None
    p, rng = dropout_param["p"], dropout_param["rng"]
    out, kept = np.zeros(x.shape), []
    for place in np.ndindex(*x.shape):
        if rng.uniform() <= p:
            out[place] = x[place] / p
            kept.append(place)
    return out, {"kept": kept, "p": p}


def dropout_backward(dout, cache):
    if cache is None:
        return dout.copy()
    dx = np.zeros(dout.shape)
    for place in cache["kept"]:
        dx[place] = dout[place] / cache["p"]
    return dx


def random_flip(images, rng):
    return np.array([np.fliplr(image) if rng.integers(2) else image for image in images])


def random_crop(images, padding, rng):
    N, H, W, C = images.shape
    out = np.zeros((N, H, W, C))
    for i in range(N):
        down, right = rng.integers(-padding, padding + 1), rng.integers(-padding, padding + 1)
        for row in range(H):
            for column in range(W):
                if 0 <= row - down < H and 0 <= column - right < W:
                    out[i, row, column] = images[i, row - down, column - right]
    return out


def color_jitter(images, strength, rng):
    out = np.zeros(images.shape)
    for i in range(len(images)):
        for c in range(3):
            factor = 1 + strength * (2 * rng.random() - 1)
            out[i, :, :, c] = np.minimum(255, factor * images[i, :, :, c])
    return out


def cutout(images, size, rng):
    out = np.array(images)
    _, H, W, _ = images.shape
    for image in out:
        left = rng.integers(0, W - size, endpoint=True)
        top = rng.integers(0, H - size, endpoint=True)
        image[top : top + size, left : left + size, :] = 0
    return out


def mixup(images, labels_one_hot, alpha, rng):
    mixed_images, mixed_labels = [], []
    for image, label in zip(images, labels_one_hot):
        # Partners are drawn with replacement here.
        j, lam = rng.integers(len(images)), rng.beta(alpha, alpha)
        mixed_images.append(lam * image + (1 - lam) * images[j])
        mixed_labels.append(lam * label + (1 - lam) * labels_one_hot[j])
    return np.array(mixed_images), np.array(mixed_labels)


def ensemble_predict(probabilities):
    M, N, C = probabilities.shape
    labels = []
    for n in range(N):
        sums = [sum(probabilities[m, n, c] for m in range(M)) for c in range(C)]
        labels.append(max(range(C), key=lambda c: sums[c]))
    return labels
