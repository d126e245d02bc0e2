"""A cache is a function that goes back; einsum; ReLU and dropout in one gate; momentum by hand."""

import numpy as np


def product(subscripts, *arrays):
    return np.einsum(subscripts, *arrays, optimize=True)


def affine(x, w, b):
    rows = x.reshape(x.shape[0], -1)

    def back(dout):
        dx = product("nm,dm->nd", dout, w).reshape(x.shape)
        return dx, product("nd,nm->dm", rows, dout), np.einsum("nm->m", dout)

    return product("nd,dm->nm", rows, w) + b, back


def norm(z, gamma, beta, kind, param):
    axis = {"batchnorm": 0, "layernorm": 1}[kind]
    mean, var = z.mean(axis, keepdims=True), z.var(axis, keepdims=True)
    if kind == "batchnorm":
        m = param.get("momentum", 0.9)
        old = param.get("running_mean", 0 * gamma), param.get("running_var", 0 * gamma)
        if param["mode"] == "test":
            mean, var = old
        else:
            param["running_mean"] = m * old[0] + (1 - m) * mean[0]
            param["running_var"] = m * old[1] + (1 - m) * var[0]
    rate = 1 / np.sqrt(var + param.get("eps", 1e-5))
    centred = (z - mean) * rate

    def back(dout):
        g = dout * gamma
        g = g - g.mean(axis, keepdims=True) - centred * (g * centred).mean(axis, keepdims=True)
        return g * rate, product("nm,nm->m", dout, centred), dout.sum(0)

    return gamma * centred + beta, back


def affine_relu_forward(x, w, b):
    z, back = affine(x, w, b)
    return z * (z > 0), lambda dout: back(dout * (z > 0))


def affine_relu_backward(dout, cache):
    return cache(dout)


def affine_norm_relu_dropout_forward(
    x, w, b, gamma, beta, normalization, norm_param, dropout_param
):
    z, affine_back = affine(x, w, b)
    norm_back = None
    if normalization:
        z, norm_back = norm(z, gamma, beta, normalization, norm_param)
    gate = (z > 0).astype(z.dtype)
    if dropout_param and dropout_param["mode"] == "train":
        kept = dropout_param["rng"].uniform(size=z.shape) <= dropout_param["p"]
        gate = gate * kept / dropout_param["p"]

    def back(dout):
        dz, dgamma, dbeta = dout * gate, None, None
        if norm_back:
            dz, dgamma, dbeta = norm_back(dz)
        return *affine_back(dz), dgamma, dbeta

    return z * gate, back


def affine_norm_relu_dropout_backward(dout, cache):
    return cache(dout)


def init_params(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    widths = np.array([input_dim, *hidden_dims, num_classes])
    params = {f"b{i}": np.zeros(n) for i, n in enumerate(widths) if i}
    if normalization:
        params |= {f"gamma{i + 1}": np.ones(n) for i, n in enumerate(hidden_dims)}
        params |= {f"beta{i + 1}": np.zeros(n) for i, n in enumerate(hidden_dims)}
    for i in reversed(range(1, len(widths))):  # weights of the last layer are drawn first
        params[f"W{i}"] = rng.normal(0.0, weight_scale, size=widths[i - 1 : i + 1])
    return params


class FullyConnectedNet:
    def __init__(self, hidden_dims, input_dim, num_classes, rng, **options):
        self.normalization = options.get("normalization")
        self.keep = options.get("dropout_keep_ratio", 1)
        self.reg = options.get("reg", 0.0)
        self.rng, self.bn = rng, [{} for _ in hidden_dims]
        scale = options.get("weight_scale", 0.01)
        self.params = init_params(
            hidden_dims, input_dim, num_classes, self.normalization, scale, rng
        )

    def loss(self, X, y=None):
        mode = "train" if y is not None else "test"
        backs, p = [], self.params
        for i, settings in enumerate(self.bn, start=1):
            own = [p.get(f"{name}{i}") for name in ("W", "b", "gamma", "beta")]
            settings["mode"] = mode
            drop = {"mode": mode, "p": self.keep, "rng": self.rng}
            X, back = affine_norm_relu_dropout_forward(
                X, *own, self.normalization, settings, drop if self.keep != 1 else None
            )
            backs.insert(0, (i, back))
        last = len(self.bn) + 1
        s, back = affine(X, p[f"W{last}"], p[f"b{last}"])
        if y is None:
            return s
        s = s - s.max(1)[:, None]
        log_p = s - np.log(np.exp(s).sum(1))[:, None]
        loss = -log_p[range(len(y)), y].mean()
        dout = (np.exp(log_p) - np.eye(s.shape[1], dtype=s.dtype)[y]) / len(y)
        grads = {}
        dout, grads[f"W{last}"], grads[f"b{last}"] = back(dout)
        for i, back in backs:
            dout, *rest = back(dout)
            grads |= {
                f"{name}{i}": g
                for name, g in zip(("W", "b", "gamma", "beta"), rest, strict=True)
                if g is not None
            }
        for name, w in p.items():
            if name.startswith("W"):
                loss += 0.5 * self.reg * np.linalg.norm(w) ** 2
                grads[name] = grads[name] + self.reg * w
        return loss, grads


def train_fully_connected_net(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(3)
    net = FullyConnectedNet(
        [150], X_train.shape[1], max(y_train) + 1, rng, reg=0.015, weight_scale=0.02
    )
    net.params = {name: a.astype(np.float32) for name, a in net.params.items()}
    velocity = {name: 0 * a for name, a in net.params.items()}
    side = round((X_train.shape[1] / 3) ** 0.5)
    steps = 10 * len(X_train) // 100
    for step in range(steps):
        batch = rng.integers(len(X_train), size=100)
        X = X_train[batch].reshape(-1, side, side, 3)
        X = np.concatenate([X[:50], X[50:, :, ::-1]]).reshape(100, -1)
        _, grads = net.loss(X, y_train[batch])
        rate = np.float32(0.04 * (1 - step / steps))
        for name, a in net.params.items():
            velocity[name] = np.float32(0.9) * velocity[name] - rate * grads[name].astype("f4")
            net.params[name] = a + velocity[name]
    return net
