"""Few lines: einsum, bincount, histograms of many dimensions; other routes to the same numbers."""

import colorsys

import numpy as np

from cs231n_lib.notebooks import from_notebook

softmax = from_notebook("softmax")
svm = from_notebook("svm")
layers = from_notebook("two_layer_net")


def rgb2gray(rgb):
    return np.einsum("...c,c->...", rgb, [0.299, 0.587, 0.114])


def image_gradients(grey):
    grey = np.array(grey, dtype=np.float64)
    # The last column and row once more: their difference is 0.
    padded = np.concatenate([grey, grey[..., -1:]], axis=-1)
    below = np.concatenate([grey, grey[..., -1:, :]], axis=-2)
    return np.diff(padded, axis=-1), np.diff(below, axis=-2)


def gradient_orientation(gx, gy):
    z = np.asarray(gx) + 1j * np.asarray(gy)
    # The square of a complex number doubles its angle: opposite gradients become one.
    degrees = np.angle(z * z, deg=True) / 2
    return np.abs(z), np.where(degrees < 0, degrees + 180, degrees)


def hog_feature(im):
    im = np.asarray(im)
    if im.ndim == 2:
        im = np.repeat(im[..., None], 3, axis=-1)
    return hog_features(im[None])[0]


def hog_features(images):
    m, angle = gradient_orientation(*image_gradients(rgb2gray(images)))
    N, H, W = m.shape
    n, r, c = np.indices(m.shape, sparse=True)
    where = np.ravel_multi_index(
        np.broadcast_arrays(n, r // 8, c // 8, np.floor(angle / 20).astype(int)),
        (N, H // 8, W // 8, 9),
    )
    votes = np.bincount(where.ravel(), weights=m.ravel() / 64, minlength=N * H * W // 64 * 9)
    return votes.reshape(N, -1)


def rgb_to_hsv(rgb):
    return np.apply_along_axis(lambda colour: colorsys.rgb_to_hsv(*colour), -1, rgb)


def color_histogram_hsv(im, nbin=10, xmin=0, xmax=255, normalized=True):
    bins = np.linspace(xmin, xmax, nbin + 1)
    hsv = rgb_to_hsv(im / xmax) * xmax
    imhist, bin_edges = np.histogram(hsv[:, :, 0], bins=bins, density=normalized)
    return imhist * np.diff(bin_edges) if normalized else imhist


def extract_features(imgs, feature_fns, verbose=False):
    return np.hstack([np.vstack([np.ravel(fn(im)) for im in imgs]) for fn in feature_fns])


def standardize(F_train, F):
    mean = np.einsum("nf->f", F_train) / len(F_train)
    variance = np.einsum("nf,nf->f", F_train - mean, F_train - mean) / len(F_train)
    return (F - mean) * np.power(np.where(variance == 0, 1, variance), -0.5)


def train_linear(X_train, y_train, X_val, y_val):
    def run(learning_rate, reg, seed):
        W, _ = svm.sgd_train(
            loss_fn=softmax.softmax_loss_vectorized,
            X=X_train,
            y=y_train,
            learning_rate=learning_rate,
            reg=reg,
            num_iters=800,
            batch_size=256,
            rng=np.random.default_rng(seed),
        )
        return np.mean((X_val @ W).argmax(1) == y_val), seed, W

    return max(run(rate, reg, 10 * rate + reg > 2) for rate in (0.1,) for reg in (2e-3,))[2]


def train_features(X_train, y_train, X_val, y_val):
    # One run with the best epoch kept.
    rng = np.random.default_rng(1)
    net = layers.TwoLayerNet(X_train.shape[1], 400, int(y_train.max()) + 1, 0.06, 5e-3, rng)
    best = (-1, None)
    for epoch in range(12):
        for _ in range(len(X_train) // 250):
            batch = rng.choice(len(X_train), 250, replace=False)
            _, grads = net.loss(X_train[batch], y_train[batch])
            net.params = {k: w - 0.8 * 0.8**epoch * grads[k] for k, w in net.params.items()}
        accuracy = np.mean(np.argmax(net.loss(X_val), 1) == y_val)
        if accuracy > best[0]:
            best = (accuracy, dict(net.params))
    net.params = best[1]
    return net
