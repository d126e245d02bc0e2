"""Nothing but Python loops and the math module; lists where lists will do."""

import math

import numpy as np

from cs231n_lib.notebooks import from_notebook

softmax = from_notebook("softmax")
layers = from_notebook("two_layer_net")


def rgb2gray(rgb):
    if np.ndim(rgb) == 1:
        return 0.299 * float(rgb[0]) + 0.587 * float(rgb[1]) + 0.114 * float(rgb[2])
    return [rgb2gray(part) for part in rgb]


def image_gradients(grey):
    if np.ndim(grey) > 2:
        parts = [image_gradients(part) for part in grey]
        return [gx for gx, _ in parts], [gy for _, gy in parts]
    rows = [[float(value) for value in row] for row in grey]
    height, width = len(rows), len(rows[0])
    gx = [[row[c + 1] - row[c] if c + 1 < width else 0.0 for c in range(width)] for row in rows]
    gy = [
        [rows[r + 1][c] - rows[r][c] if r + 1 < height else 0.0 for c in range(width)]
        for r in range(height)
    ]
    return gx, gy


def gradient_orientation(gx, gy):
    if np.ndim(gx) > 0:
        parts = [gradient_orientation(x, y) for x, y in zip(gx, gy)]
        return [m for m, _ in parts], [angle for _, angle in parts]
    angle = math.degrees(math.atan2(gy, gx))
    while angle < 0:
        angle += 180
    while angle >= 180:
        angle -= 180
    return math.hypot(gx, gy), angle


def hog_feature(im):
    grey = rgb2gray(im) if im.ndim == 3 else im
    magnitude, orientation = gradient_orientation(*image_gradients(grey))
    width = len(magnitude[0])
    feature = [0.0] * (len(magnitude) // 8 * (width // 8) * 9)
    for r, row in enumerate(magnitude):
        for c, m in enumerate(row):
            cell = (r // 8) * (width // 8) + c // 8
            feature[9 * cell + int(orientation[r][c] / 20)] += m / 64
    return feature


def hog_features(images):
    # Cells outside, images inside: a loop over cells and bins is no loop over images.
    weights = np.array([0.299, 0.587, 0.114], dtype=images.dtype)
    grey = np.tensordot(images, weights, axes=1)
    N, H, W = grey.shape
    gx = np.concatenate([np.diff(grey, axis=2), np.zeros((N, H, 1), grey.dtype)], axis=2)
    gy = np.concatenate([np.diff(grey, axis=1), np.zeros((N, 1, W), grey.dtype)], axis=1)
    magnitude = np.hypot(gx, gy)
    bins = np.degrees(np.arctan2(gy, gx)) % 180 // 20 % 9
    columns = []
    for r in range(0, H, 8):
        for c in range(0, W, 8):
            m, b = magnitude[:, r : r + 8, c : c + 8], bins[:, r : r + 8, c : c + 8]
            columns += [np.mean(m * (b == k), axis=(1, 2)) for k in range(9)]
    return np.stack(columns, axis=1)


def rgb_to_hsv(rgb):
    if np.ndim(rgb) > 1:
        return [rgb_to_hsv(part) for part in rgb]
    red, green, blue = (float(value) for value in rgb)
    v, c = max(red, green, blue), max(red, green, blue) - min(red, green, blue)
    if c == 0:
        return [0, 0, v]
    if v == red:
        h = (green - blue) / c
    elif v == green:
        h = (blue - red) / c + 2
    else:
        h = (red - green) / c + 4
    return [(h + 6 if h < 0 else h) / 6, c / v, v]


def color_histogram_hsv(im, nbin=10, xmin=0, xmax=255, normalized=True):
    histogram = [0] * nbin
    num_pixels = im.shape[0] * im.shape[1]
    for pixel in im.reshape(-1, 3):
        hue = rgb_to_hsv(pixel / xmax)[0] * xmax
        b = int((hue - xmin) / (xmax - xmin) * nbin)
        histogram[min(b, nbin - 1)] += 1 / num_pixels if normalized else 1
    return histogram


def extract_features(imgs, feature_fns, verbose=False):
    matrix = []
    for im in imgs:
        row = []
        for feature_fn in feature_fns:
            row.extend(feature_fn(im))
        matrix.append(row)
        if verbose:
            print(len(matrix), "done")
    return matrix


def standardize(F_train, F):
    columns = []
    for train, column in zip(np.transpose(F_train), np.transpose(F)):
        mean = sum(train) / len(train)
        std = math.sqrt(sum((value - mean) ** 2 for value in train) / len(train))
        columns.append([(value - mean) / (std or 1.0) for value in column])
    return np.transpose(columns)


def train_linear(X_train, y_train, X_val, y_val):
    # A single run with weights averaged over its second half; nothing is searched.
    W = np.zeros((X_train.shape[1], max(y_train) + 1))
    total = np.zeros_like(W)
    rng = np.random.default_rng(3)
    for step in range(1200):
        batch = rng.choice(len(X_train), 200)
        _, grad = softmax.softmax_loss_vectorized(W, X_train[batch], y_train[batch], 2e-3)
        W -= 0.2 * grad
        if step >= 600:
            total += W
    return total / 600


def train_features(X_train, y_train, X_val, y_val):
    # Momentum, epochs over a shuffled order, a learning rate that falls in stairs.
    rng = np.random.default_rng(4)
    net = layers.TwoLayerNet(X_train.shape[1], 250, max(y_train) + 1, 0.1, 6e-3, rng)
    velocity = dict.fromkeys(net.params, 0.0)
    for epoch in range(14):
        order = rng.permutation(len(X_train))
        rate = 0.1 if epoch < 8 else 0.03 if epoch < 12 else 0.01
        for start in range(0, len(order), 200):
            batch = order[start : start + 200]
            _, grads = net.loss(X_train[batch], y_train[batch])
            for name, grad in grads.items():
                velocity[name] = 0.9 * velocity[name] - rate * grad
                net.params[name] = net.params[name] + velocity[name]
    return net
