"""Windows as views, einsum for the rest; batch normalisation anew; caches are closures."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cs231n_lib.notebooks import from_notebook
from cs231n_lib.solver import Solver

dense = from_notebook("two_layer_net")
rules = from_notebook("optimizers")


def conv_output_size(size, filter_size, stride, pad):
    return len(range(0, size + 2 * pad - filter_size + 1, stride))


def frame(x, p):
    out = np.zeros((*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * p), x.dtype)
    out[:, :, p : p + x.shape[2], p : p + x.shape[3]] = x
    return out


def views(x, height, width, stride, writeable=False):
    every = sliding_window_view(x, (height, width), axis=(2, 3), writeable=writeable)
    return every[:, :, ::stride, ::stride]


def scatter(parts, shape, stride):
    """Add parts (N, C, rows, columns, HH, WW) up where their windows lie."""
    out = np.zeros(shape, parts.dtype)
    for i in range(parts.shape[2]):
        for j in range(parts.shape[3]):
            top, left = i * stride, j * stride
            out[:, :, top : top + parts.shape[4], left : left + parts.shape[5]] += parts[:, :, i, j]
    return out


def conv_forward_naive(x, w, b, conv_param):
    p, s = conv_param["pad"], conv_param["stride"]
    padded = frame(x, p)
    windows = views(padded, *w.shape[2:], s)
    out = np.einsum("ncijkl,fckl->nfij", windows, w, optimize=True) + b.reshape(1, -1, 1, 1)

    def backward(dout):
        parts = np.einsum("nfij,fckl->ncijkl", dout, w, optimize=True)
        dx = scatter(parts, padded.shape, s)[:, :, p : p + x.shape[2], p : p + x.shape[3]]
        dw = np.einsum("nfij,ncijkl->fckl", dout, windows, optimize=True)
        return [dx, dw, np.einsum("nfij->f", dout)]

    return out, backward


def conv_backward_naive(dout, cache):
    return cache(dout)


def conv_forward_vectorized(x, w, b, conv_param):
    return conv_forward_naive(x, w, b, conv_param)


def conv_backward_vectorized(dout, cache):
    return cache(dout)


def windows_of(x, param):
    return views(x, param["pool_height"], param["pool_width"], param["stride"])


def max_pool_forward_naive(x, pool_param):
    windows = windows_of(x, pool_param)
    flat = windows.reshape(*windows.shape[:4], -1)
    best = flat.argmax(axis=-1)
    return np.take_along_axis(flat, best[..., None], -1)[..., 0], (best, x.shape, pool_param)


def max_pool_backward_naive(dout, cache):
    best, shape, param = cache
    size = param["pool_height"], param["pool_width"]
    hot = np.eye(size[0] * size[1], dtype=dout.dtype)[best] * dout[..., None]
    return scatter(hot.reshape(*dout.shape, *size), shape, param["stride"])


def avg_pool_forward_naive(x, pool_param):
    return windows_of(x, pool_param).mean((4, 5)), (x.shape, pool_param)


def avg_pool_backward_naive(dout, cache):
    shape, param = cache
    ones = np.ones((param["pool_height"], param["pool_width"])) / (
        param["pool_height"] * param["pool_width"]
    )
    return scatter(np.einsum("ncij,kl->ncijkl", dout, ones), shape, param["stride"])


def global_avg_pool_forward(x):
    return np.einsum("nchw->nc", x) / (x.shape[2] * x.shape[3]), x.shape[2:]


def global_avg_pool_backward(dout, cache):
    return np.einsum("nc,hw->nchw", dout, np.full(cache, 1 / np.prod(cache)))


def normalise(x, axes, eps):
    mean = x.mean(axes, keepdims=True)
    std = np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
    return (x - mean) / std, std, mean


def back(g, x_hat, std, axes):
    average = {"axis": axes, "keepdims": True}
    return (g - g.mean(**average) - x_hat * (g * x_hat).mean(**average)) / std


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    axes, eps = (0, 2, 3), bn_param.get("eps", 1e-5)
    scale, shift = gamma.reshape(-1, 1, 1), beta.reshape(-1, 1, 1)
    if bn_param["mode"] == "test":
        mean, var = (bn_param[f"running_{k}"].reshape(-1, 1, 1) for k in ("mean", "var"))
        return scale * (x - mean) / np.sqrt(var + eps) + shift, None
    x_hat, std, mean = normalise(x, axes, eps)
    m = bn_param.get("momentum", 0.9)
    for key, new in (("running_mean", mean), ("running_var", std**2 - eps)):
        bn_param[key] = m * bn_param.get(key, 0) + (1 - m) * new.ravel()
    return scale * x_hat + shift, (x_hat, std, scale)


def spatial_batchnorm_backward(dout, cache):
    x_hat, std, scale = cache
    dx = back(scale * dout, x_hat, std, (0, 2, 3))
    return dx, np.einsum("nchw,nchw->c", dout, x_hat), np.einsum("nchw->c", dout)


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    N, C, H, W = x.shape
    x_hat, std, _ = normalise(x.reshape(N, G, C // G, H, W), (2, 3, 4), gn_param.get("eps", 1e-5))
    return gamma * x_hat.reshape(x.shape) + beta, (x_hat, std, gamma)


def spatial_groupnorm_backward(dout, cache):
    x_hat, std, gamma = cache
    dx = back((gamma * dout).reshape(x_hat.shape), x_hat, std, (2, 3, 4)).reshape(dout.shape)
    per_channel = {"axis": (0, 2, 3), "keepdims": True}
    dgamma = (dout * x_hat.reshape(dout.shape)).sum(**per_channel)
    return dx, dgamma, dout.sum(**per_channel)


class ThreeLayerConvNet:
    def __init__(self, input_dim, num_filters, filter_size, hidden_dim, classes, *rest, **named):
        self.configure(*rest, **named)
        C, H, W = input_dim
        self.pad = (filter_size - 1) // 2
        shapes = [
            (num_filters, C, filter_size, filter_size),
            (num_filters * H * W // 4, hidden_dim),
        ]
        shapes.append((hidden_dim, classes))
        self.params = {}
        for k, shape in enumerate(shapes, 1):
            self.params[f"W{k}"] = self.scale * self.rng.normal(size=shape)
            self.params[f"b{k}"] = np.zeros(shape[0] if k == 1 else shape[1])

    def configure(self, weight_scale, reg, rng, layers=None):
        own = (conv_forward_naive, conv_backward_naive)
        own += (max_pool_forward_naive, max_pool_backward_naive)
        names = ("conv_forward", "conv_backward", "max_pool_forward", "max_pool_backward")
        self.scale, self.reg, self.rng = weight_scale, reg, rng
        self.layers = dict(zip(names, own)) if layers is None else layers

    def loss(self, X, y=None):
        W1, b1, W2, b2, W3, b3 = (self.params[k] for k in ("W1", "b1", "W2", "b2", "W3", "b3"))
        a, conv = self.layers["conv_forward"](X, W1, b1, {"stride": 1, "pad": self.pad})
        pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        p, pool = self.layers["max_pool_forward"](a * (a > 0), pool_param)
        f = p.reshape(len(p), -1)
        z = np.maximum(f @ W2 + b2, 0)
        s = z @ W3 + b3
        if y is None:
            return s
        loss, ds = dense.softmax_loss(s, y)
        dz = ds @ W3.T * (z > 0)
        da = self.layers["max_pool_backward"]((dz @ W2.T).reshape(p.shape), pool) * (a > 0)
        dW1, db1 = self.layers["conv_backward"](da, conv)[1:]
        r = self.reg
        grads = {"W3": z.T @ ds + r * W3, "b3": ds.sum(0), "W2": f.T @ dz + r * W2, "b2": dz.sum(0)}
        penalty = sum(np.vdot(w, w) for w in (W1, W2, W3))
        return loss + r / 2 * penalty, grads | {"W1": dW1 + r * W1, "b1": db1}


def train_convnet(X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=7):
    rng = np.random.default_rng(12)
    net = ThreeLayerConvNet(
        X_train.shape[1:], num_filters, 3, 80, np.unique(y_train).size, 0.03, 1e-4, rng, layers
    )
    net.params["W1"] *= 6
    net.params = {k: np.float32(v) for k, v in net.params.items()}
    data = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    solver = Solver(
        net, data, rules.adam, {"learning_rate": 2e-3}, lr_decay=0.7, batch_size=20, rng=rng,
        num_epochs=num_epochs, progress=False,
    )  # fmt: skip
    solver.train()
    return net
