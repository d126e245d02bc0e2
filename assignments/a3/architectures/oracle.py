"""Counts from the definitions, and blocks in float64 with plain loops.

Counts are taken one filter, one window, one layer at a time; receptive fields are found by asking
which input pixels reach a neuron. Nothing here is shared with the solution.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "activations",
    "average",
    "bottleneck",
    "conv1x1",
    "field",
    "inception",
    "multiply_adds",
    "parameters",
    "residual",
    "shapes",
]


# Counts -------------------------------------------------------------------------------------------


def shapes(spec, shape):
    """Return the shape after each layer."""
    result = []
    for layer in spec:
        shape = _after(layer, shape)
        result.append(shape)
    return result


def parameters(spec, shape):
    """Count weights, biases, scales and shifts."""
    return _walk(spec, shape, _parameters_of)


def multiply_adds(spec, shape):
    """Count the multiplications of convolutions and fully connected layers."""
    return _walk(spec, shape, _multiply_adds_of)


def activations(spec, shape):
    """Count the outputs of convolutions and fully connected layers."""
    return _walk(spec, shape, lambda layer, before, after: after[0] * after[1] * after[2])


def field(spec):
    """Return (size, jump): which positions of the input two neighbouring neurons reach."""
    first, second = _reach(spec, {0}), _reach(spec, {1})
    return max(first) - min(first) + 1, min(second) - min(first)


def _after(layer, shape):
    kind = layer["kind"]
    if kind in ("conv", "pool"):
        sides = [_windows(side, layer) for side in shape[1:]]
        return (layer["filters"] if kind == "conv" else shape[0], *sides)
    if kind == "branches":
        ends = [(shapes(branch, shape) or [shape])[-1] for branch in layer["branches"]]
        channels = sum(e[0] for e in ends) if layer["join"] == "concat" else ends[0][0]
        return (channels, ends[0][1], ends[0][2])
    return {"norm": shape, "global_pool": (shape[0], 1, 1)}.get(kind) or (layer["units"], 1, 1)


def _windows(side, layer):
    # Count the places where a window starts and still fits.
    last = side + 2 * layer["pad"] - layer["kernel"]
    return len(range(0, last + 1, layer["stride"]))


def _walk(spec, shape, count):
    total = 0
    for layer in spec:
        after = _after(layer, shape)
        if layer["kind"] == "branches":
            total += sum(_walk(branch, shape, count) for branch in layer["branches"])
        elif layer["kind"] in ("conv", "fc") or count is _parameters_of:
            total += count(layer, shape, after)
        shape = after
    return total


def _parameters_of(layer, before, after):
    if layer["kind"] == "conv":
        one_filter = before[0] // layer["groups"] * layer["kernel"] * layer["kernel"]
        return layer["filters"] * (one_filter + (1 if layer["bias"] else 0))
    if layer["kind"] == "fc":
        return layer["units"] * (before[0] * before[1] * before[2] + 1)
    return 2 * before[0] if layer["kind"] == "norm" else 0


def _multiply_adds_of(layer, before, after):
    if layer["kind"] == "fc":
        return layer["units"] * before[0] * before[1] * before[2]
    one_output = before[0] // layer["groups"] * layer["kernel"] * layer["kernel"]
    return one_output * after[0] * after[1] * after[2]


def _reach(spec, positions):
    """Return the positions in front of a specification that reach the given ones behind it."""
    end = [layer["kind"] in ("fc", "global_pool") for layer in spec]
    for layer in reversed(spec[: end.index(True) if True in end else len(spec)]):
        if layer["kind"] in ("conv", "pool"):
            positions = {p * layer["stride"] + t for p in positions for t in range(layer["kernel"])}
            positions = {p - layer["pad"] for p in positions}
        elif layer["kind"] == "branches":
            positions = set().union(*(_reach(branch, positions) for branch in layer["branches"]))
    return positions


# Layers: each returns its output and a function from dout to the gradients -----------------------


def conv(x, w, stride, pad):
    """Convolve with loops over outputs and taps; the gradient is scattered the same way."""
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    padded[:, :, pad : pad + H, pad : pad + W] = x
    rows, columns = (H + 2 * pad - K) // stride + 1, (W + 2 * pad - K) // stride + 1
    out = np.zeros((N, F, rows, columns))
    places = [
        (n, f, i, j)
        for n in range(N)
        for f in range(F)
        for i in range(rows)
        for j in range(columns)
    ]
    for n, f, i, j in places:
        top, left = i * stride, j * stride
        out[n, f, i, j] = np.sum(padded[n, :, top : top + K, left : left + K] * w[f])

    def back(dout):
        dpadded, dw = np.zeros_like(padded), np.zeros(w.shape)
        for n, f, i, j in places:
            window = (
                n,
                slice(None),
                slice(i * stride, i * stride + K),
                slice(j * stride, j * stride + K),
            )
            dpadded[window] += dout[n, f, i, j] * w[f]
            dw[f] += dout[n, f, i, j] * padded[window]
        return dpadded[:, :, pad : pad + H, pad : pad + W], dw

    return out, back


def relu(x):
    """Return max(x, 0)."""
    return np.where(x > 0, x, 0.0), lambda dout: np.where(x > 0, dout, 0.0)


def norm(x, gamma, beta):
    """Normalise each channel over images and pixels, with eps = 1e-5."""
    out, backs = np.zeros(x.shape), []
    for c in range(x.shape[1]):
        values = x[:, c]
        root = np.sqrt(np.mean((values - values.mean()) ** 2) + 1e-5)
        hat = (values - values.mean()) / root
        out[:, c] = gamma[c] * hat + beta[c]
        backs.append((hat, root))

    def back(dout):
        dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
        for c, (hat, root) in enumerate(backs):
            d = dout[:, c]
            dgamma[c], dbeta[c] = np.sum(d * hat), np.sum(d)
            dx[:, c] = gamma[c] / root * (d - d.mean() - hat * np.mean(d * hat))
        return dx, dgamma, dbeta

    return out, back


def pool3x3(x):
    """Return the largest of each 3×3 neighbourhood."""
    N, C, H, W = x.shape
    out, chosen = np.zeros(x.shape), {}
    for n, c, i, j in np.ndindex(N, C, H, W):
        near = [
            (a, b)
            for a in (i - 1, i, i + 1)
            for b in (j - 1, j, j + 1)
            if 0 <= a < H and 0 <= b < W
        ]
        best = max(near, key=lambda place: x[n, c, place[0], place[1]])
        out[n, c, i, j], chosen[n, c, i, j] = x[n, c, best[0], best[1]], (n, c, *best)

    def back(dout):
        dx = np.zeros(x.shape)
        for place, source in chosen.items():
            dx[source] += dout[place]
        return dx

    return out, back


# Blocks -------------------------------------------------------------------------------------------


def conv1x1(x, w, b, stride):
    """Return out, and a function from dout to (dx, dw, db)."""
    x, w, b = _double(x, w, b)
    out, back = conv(x, w, stride, 0)
    return out + b.reshape(1, -1, 1, 1), lambda d: (
        *back(d),
        np.array([d[:, f].sum() for f in range(len(b))]),
    )


def average(x):
    """Return the mean of every channel."""
    return np.array(
        [[channel.sum() / channel.size for channel in image] for image in _double(x)[0]]
    )


def inception(x, params):
    """Return out, and a function from dout to (dx, grads)."""
    (x,), p = _double(x), _doubles(params)
    outs, backs = [], []
    for names in (("1",), ("3r", "3"), ("5r", "5"), ("pool", "p")):
        hidden, steps = x, []
        for name in names:
            if name == "pool":
                hidden, back = pool3x3(hidden)
                steps.append(("", back, None))
                continue
            w = p["w" + name]
            hidden, back = conv(hidden, w, 1, w.shape[-1] // 2)
            hidden, positive = relu(hidden + p["b" + name].reshape(1, -1, 1, 1))
            steps.append((name, back, positive))
        outs.append(hidden)
        backs.append(steps)

    def gradients(dout):
        dx, grads, start = np.zeros(x.shape), {}, 0
        for out, steps in zip(outs, backs, strict=True):
            d, start = dout[:, start : start + out.shape[1]], start + out.shape[1]
            for name, back, positive in reversed(steps):
                if not name:
                    d = back(d)
                    continue
                d = positive(d)
                grads["b" + name] = d.sum(axis=(0, 2, 3))
                d, grads["w" + name] = back(d)
            dx += d
        return dx, grads

    return np.concatenate(outs, axis=1), gradients


def residual(x, params, stride=1, shortcut=True):
    """Return out, and a function from dout to (dx, grads)."""
    return _shortcut_block(x, params, "12", stride, shortcut)


def bottleneck(x, params, stride=1):
    """Return out, and a function from dout to (dx, grads)."""
    return _shortcut_block(x, params, "123", stride, True)


def _shortcut_block(x, params, names, stride, shortcut):
    (x,), p = _double(x), _doubles(params)
    hidden, steps = x, []
    for name in names:
        hidden, step = _conv_norm(hidden, p, name, stride if name == "1" else 1)
        steps.append(step)
        if name != names[-1]:
            hidden, positive = relu(hidden)
            steps.append(positive)
    side = None
    if shortcut and "ws" in p:
        added, side = _conv_norm(x, p, "s", stride)
        hidden = hidden + added
    elif shortcut:
        hidden = hidden + x
    out, last = relu(hidden)

    def gradients(dout):
        grads, dsum = {}, last(dout)
        d = dsum
        for step in reversed(steps):
            d = step(d, grads) if step.__name__ == "through" else step(d)
        if side is not None:
            d = d + side(dsum, grads)
        elif shortcut:
            d = d + dsum
        return d, grads

    return out, gradients


def _conv_norm(x, p, name, stride):
    w = p["w" + name]
    scores, conv_back = conv(x, w, stride, w.shape[-1] // 2)
    out, norm_back = norm(scores, p["gamma" + name], p["beta" + name])

    def through(dout, grads):
        d, grads["gamma" + name], grads["beta" + name] = norm_back(dout)
        dx, grads["w" + name] = conv_back(d)
        return dx

    return out, through


def _double(*arrays):
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def _doubles(params):
    return {name: np.asarray(array, dtype=np.float64) for name, array in params.items()}
