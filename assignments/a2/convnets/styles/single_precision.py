"""Everything in float32, whatever comes in; windows by index arrays; layers as objects."""

import numpy as np

from cs231n_lib.notebooks import from_notebook

dense = from_notebook("two_layer_net")


def single(*arrays):
    return [np.asarray(a, np.float32) for a in arrays]


def conv_output_size(size, filter_size, stride, pad):
    return divmod(size + 2 * pad - filter_size, stride)[0] + 1


class Windows:
    """Where the windows of maps (N, C, H, W) lie: gathers them, and adds up what they send back."""

    def __init__(self, shape, height, width, stride, pad=0):
        N, C, H, W = self.shape = shape
        self.pad, self.padded = pad, (N, C, H + 2 * pad, W + 2 * pad)
        self.rows = conv_output_size(H, height, stride, pad)
        self.columns = conv_output_size(W, width, stride, pad)
        channel, top, left, down, right = np.ix_(
            np.arange(C),
            stride * np.arange(self.rows),
            stride * np.arange(self.columns),
            np.arange(height),
            np.arange(width),
        )
        # Numbers of the pixels of one picture, (C, rows, columns, height, width).
        self.index = (channel * self.padded[2] + top + down) * self.padded[3] + left + right

    def gather(self, x):
        pad = self.pad
        framed = np.zeros(self.padded, np.float32)
        framed[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]] = x
        return framed.reshape(len(x), -1)[:, self.index]

    def scatter(self, parts):
        N, _, H, W = self.shape
        size = np.prod(self.padded[1:])
        index = size * np.arange(N).reshape(-1, 1) + self.index.reshape(1, -1)
        summed = np.bincount(index.ravel(), parts.ravel(), N * size).reshape(self.padded)
        pad = self.pad
        return summed[:, :, pad : pad + H, pad : pad + W].astype(np.float32)


class Convolution:
    def __init__(self, x, w, conv_param):
        self.w, self.filters = w, w.reshape(len(w), -1)
        self.windows = Windows(x.shape, *w.shape[2:], conv_param["stride"], conv_param["pad"])
        # A picture's windows as columns: (N, C * HH * WW, rows * columns).
        laid_out = self.windows.gather(x).transpose(0, 1, 4, 5, 2, 3)
        self.matrix = laid_out.reshape(len(x), self.filters.shape[1], -1)

    def forward(self, b):
        maps = self.filters @ self.matrix + b[:, None]
        return maps.reshape(len(maps), -1, self.windows.rows, self.windows.columns)

    def backward(self, dout):
        N, F, rows, columns = dout.shape
        flat = dout.reshape(N, F, rows * columns)
        dw = (flat @ self.matrix.swapaxes(1, 2)).sum(axis=0).reshape(self.w.shape)
        parts = (self.filters.T @ flat).reshape(N, *self.w.shape[1:], rows, columns)
        return self.windows.scatter(parts.transpose(0, 1, 4, 5, 2, 3)), dw, flat.sum(axis=(0, 2))


def conv_forward_naive(x, w, b, conv_param):
    x, w, b = single(x, w, b)
    layer = Convolution(x, w, conv_param)
    return layer.forward(b), layer


def conv_backward_naive(dout, cache):
    return cache.backward(*single(dout))


def conv_forward_vectorized(x, w, b, conv_param):
    return conv_forward_naive(x, w, b, conv_param)


def conv_backward_vectorized(dout, cache):
    return conv_backward_naive(dout, cache)


def pooled(x, param):
    (x,) = single(x)
    windows = Windows(x.shape, param["pool_height"], param["pool_width"], param["stride"])
    return windows, windows.gather(x)


def max_pool_forward_naive(x, pool_param):
    windows, entries = pooled(x, pool_param)
    out = entries.max(axis=(4, 5))
    return out, (windows, entries == out[..., None, None])


def max_pool_backward_naive(dout, cache):
    # All winners of a tie get the same.
    windows, wins = cache
    return windows.scatter(wins * (dout / wins.sum(axis=(4, 5)))[..., None, None])


def avg_pool_forward_naive(x, pool_param):
    windows, entries = pooled(x, pool_param)
    return entries.mean(axis=(4, 5)), (windows, entries.shape)


def avg_pool_backward_naive(dout, cache):
    windows, shape = cache
    share = dout[..., None, None] / (shape[4] * shape[5])
    return windows.scatter(np.broadcast_to(share, shape))


def global_avg_pool_forward(x):
    (x,) = single(x)
    return x.reshape(*x.shape[:2], -1).mean(axis=-1), x.shape


def global_avg_pool_backward(dout, cache):
    (dout,) = single(dout)
    return np.broadcast_to(dout[:, :, None, None], cache) / np.float32(np.prod(cache[2:]))


class Normalised:
    """Values with mean 0 and variance 1 over some axes, and the way back."""

    def __init__(self, x, axes, eps):
        self.over = {"axis": axes, "keepdims": True}
        self.mean = x.mean(**self.over)
        self.var = np.square(x - self.mean).mean(**self.over)
        self.std = np.sqrt(self.var + np.float32(eps))
        self.hat = (x - self.mean) / self.std

    def backward(self, g):
        along = self.hat * (g * self.hat).mean(**self.over)
        return (g - g.mean(**self.over) - along) / self.std


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    x, gamma, beta = single(x, gamma, beta)
    scale, shift, eps = gamma[:, None, None], beta[:, None, None], bn_param.get("eps", 1e-5)
    if bn_param["mode"] == "test":
        mean, var = single(bn_param["running_mean"], bn_param["running_var"])
        scale = scale / np.sqrt(var[:, None, None] + np.float32(eps))
        return scale * (x - mean[:, None, None]) + shift, None
    normal, m = Normalised(x, (0, 2, 3), eps), bn_param.get("momentum", 0.9)
    for key in ("mean", "var"):
        new = getattr(normal, key).ravel()
        bn_param[f"running_{key}"] = m * bn_param.get(f"running_{key}", 0 * new) + (1 - m) * new
    return scale * normal.hat + shift, (normal, scale)


def spatial_batchnorm_backward(dout, cache):
    (dout,) = single(dout)
    normal, scale = cache
    axes = (0, 2, 3)
    return normal.backward(scale * dout), (dout * normal.hat).sum(axes), dout.sum(axes)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    x, gamma, beta = single(x, gamma, beta)
    normal = Normalised(x.reshape(len(x), G, -1), 2, gn_param.get("eps", 1e-5))
    return gamma * normal.hat.reshape(x.shape) + beta, (normal, gamma)


def spatial_groupnorm_backward(dout, cache):
    (dout,) = single(dout)
    normal, gamma = cache
    dx = normal.backward((gamma * dout).reshape(normal.hat.shape)).reshape(dout.shape)
    over = {"axis": (0, 2, 3), "keepdims": True}
    return dx, (dout * normal.hat.reshape(dout.shape)).sum(**over), dout.sum(**over)


class Layer:
    """A forward and a backward function, the names of its parameters, and its cache between."""

    def __init__(self, forward, backward, *names, settings=()):
        self.functions, self.names, self.settings = (forward, backward), names, settings

    def forward(self, x, params):
        own = [params[name] for name in self.names]
        out, self.cache = self.functions[0](x, *own, *self.settings)
        return out

    def backward(self, dout, grads):
        found = self.functions[1](dout, self.cache)
        if self.names:
            found, *gradients = found
            grads.update(zip(self.names, gradients))
        return found


class ThreeLayerConvNet:
    def __init__(
        self, input_dim, num_filters, filter_size, hidden_dim, num_classes, weight_scale, reg, rng,
        layers=None,
    ):  # fmt: skip
        C, H, W = input_dim
        wide = num_filters * (H // 2) * (W // 2)
        shapes = (num_filters, C, filter_size, filter_size), (wide, hidden_dim)
        self.params, self.reg = {}, reg
        for k, shape in enumerate((*shapes, (hidden_dim, num_classes)), 1):
            drawn = rng.normal(scale=weight_scale, size=shape)
            self.params[f"W{k}"] = drawn.astype(np.float32)
            self.params[f"b{k}"] = np.zeros(shape[-1] if k > 1 else shape[0], np.float32)
        given = own_layers() if layers is None else layers
        conv, pool = (
            [given.get(f"{kind}_{way}") for way in ("forward", "backward")]
            for kind in ("conv", "max_pool")
        )
        relu, affine = (
            [getattr(dense, f"{kind}_{way}") for way in ("forward", "backward")]
            for kind in ("relu", "affine")
        )
        conv_param = {"stride": 1, "pad": (filter_size - 1) // 2}
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        self.stack = [
            Layer(*conv, "W1", "b1", settings=[conv_param]),
            Layer(*relu),
            Layer(*pool, settings=[pool_param]),
            Layer(*affine, "W2", "b2"),
            Layer(*relu),
            Layer(*affine, "W3", "b3"),
        ]

    def loss(self, X, y=None):
        for layer in self.stack:
            X = layer.forward(X, self.params)
        if y is None:
            return X
        grads = {}
        loss, dout = dense.softmax_loss(X, y)
        for layer in reversed(self.stack):
            dout = layer.backward(dout, grads)
        for name in ("W1", "W2", "W3"):
            loss += self.reg * np.vdot(self.params[name], self.params[name]) / 2
            grads[name] = grads[name] + self.reg * self.params[name]
        return loss, grads


def train_convnet(X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=5):
    # A loop of its own: plain momentum, a learning rate that falls after every epoch.
    rng, size = np.random.default_rng(8), 40
    shape, classes = X_train.shape[1:], len(set(y_train.tolist()))
    net = ThreeLayerConvNet(shape, num_filters, 5, 64, classes, 0.03, 1e-4, rng, layers)
    net.params["W1"] *= 4
    velocity = {name: np.zeros_like(value) for name, value in net.params.items()}
    best, kept, rate = -1.0, {}, np.float32(0.04)
    for _ in range(num_epochs):
        order = rng.permutation(len(X_train))
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first : first + size]
            X = X_train[chosen, :, :, :: rng.choice([-1, 1])]
            for name, gradient in net.loss(X, y_train[chosen])[1].items():
                velocity[name] = np.float32(0.9) * velocity[name] - rate * gradient
                net.params[name] = net.params[name] + velocity[name].astype(np.float32)
        right = np.mean(net.loss(X_val).argmax(axis=1) == y_val)
        if right > best:
            best, kept = right, dict(net.params)
        rate *= np.float32(0.6)
    net.params = kept
    return net


def own_layers():
    return {
        "conv_forward": conv_forward_naive,
        "conv_backward": conv_backward_naive,
        "max_pool_forward": max_pool_forward_naive,
        "max_pool_backward": max_pool_backward_naive,
    }
