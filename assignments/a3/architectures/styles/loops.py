"""Python loops over pixels and channels; every step of a block written out."""

# The helpers of the notebook (conv_norm_forward and others) are there when this is handed in.
# ruff: noqa: F821

import numpy as np


def one_shape(layer, shape):
    C, H, W = shape
    if layer["kind"] == "fc":
        return layer["units"], 1, 1
    if layer["kind"] == "global_pool":
        return C, 1, 1
    if layer["kind"] == "branches":
        channels = 0
        for branch in layer["branches"]:
            end = shape
            for inner in branch:
                end = one_shape(inner, end)
            channels = channels + end[0] if layer["join"] == "concat" else end[0]
        return channels, end[1], end[2]
    if layer["kind"] == "norm":
        return C, H, W
    rows = columns = 0
    top = -layer["pad"]
    while top + layer["kernel"] <= H + layer["pad"]:
        rows, top = rows + 1, top + layer["stride"]
    left = -layer["pad"]
    while left + layer["kernel"] <= W + layer["pad"]:
        columns, left = columns + 1, left + layer["stride"]
    return (layer["filters"] if layer["kind"] == "conv" else C), rows, columns


def output_shapes(spec, shape):
    shapes = []
    for layer in spec:
        shape = one_shape(layer, shape)
        shapes.append(shape)
    return shapes


def everything(spec, shape):
    """Return parameters, multiply-adds and activations."""
    P = M = A = 0
    for layer in spec:
        C, H, W = shape
        shape = one_shape(layer, shape)
        if layer["kind"] == "conv":
            F, rows, columns = shape
            for _ in range(F):
                filter_size = C // layer["groups"] * layer["kernel"] ** 2
                P += filter_size + int(layer["bias"])
                M += filter_size * rows * columns
                A += rows * columns
        if layer["kind"] == "norm":
            P += C + C
        if layer["kind"] == "fc":
            for _ in range(layer["units"]):
                P, M, A = P + C * H * W + 1, M + C * H * W, A + 1
        if layer["kind"] == "branches":
            for branch in layer["branches"]:
                p, m, a = everything(branch, (C, H, W))
                P, M, A = P + p, M + m, A + a
    return P, M, A


def count_parameters(spec, shape):
    return np.int64(everything(spec, shape)[0])


def count_multiply_adds(spec, shape):
    return everything(spec, shape)[1]


def count_activations(spec, shape):
    return everything(spec, shape)[2]


def training_memory(spec, shape, batch_size, bytes_per_number=4):
    C, H, W = shape
    P, _, A = everything(spec, shape)
    numbers = P + P + P
    for _ in range(batch_size):
        numbers += C * H * W + A
    return numbers * bytes_per_number


def receptive_field(spec):
    def walk(spec, size, jump):
        for layer in spec:
            if layer["kind"] in ("global_pool", "fc"):
                return size, jump
            if layer["kind"] == "branches":
                widest = 0
                for branch in layer["branches"]:
                    r, j = walk(branch, size, jump)
                    widest = max(widest, r)
                size, jump = widest, j
            elif "kernel" in layer:
                for _ in range(layer["kernel"] - 1):
                    size += jump
                jump *= layer["stride"]
        return size, jump

    return walk(spec, 1, 1)


def conv1x1_forward(x, w, b, stride=1):
    N, C, H, W = x.shape
    out = np.zeros((N, len(w), (H - 1) // stride + 1, (W - 1) // stride + 1))
    for n in range(N):
        for f in range(len(w)):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    out[n, f, i, j] = b[f]
                    for c in range(C):
                        out[n, f, i, j] += w[f, c, 0, 0] * x[n, c, i * stride, j * stride]
    return out, {"x": x, "w": w, "b": b, "stride": stride}


def conv1x1_backward(dout, cache):
    x, w, stride = cache["x"], cache["w"], cache["stride"]
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    for n, f, i, j in np.ndindex(*dout.shape):
        d = dout[n, f, i, j]
        db[f] += d
        for c in range(x.shape[1]):
            dw[f, c, 0, 0] += d * x[n, c, i * stride, j * stride]
            dx[n, c, i * stride, j * stride] += d * w[f, c, 0, 0]
    return dx, dw, db


def global_avg_pool_forward(x):
    N, C, H, W = x.shape
    out = np.zeros((N, C))
    for n, c, i, j in np.ndindex(N, C, H, W):
        out[n, c] += x[n, c, i, j] / H / W
    return out, x


def global_avg_pool_backward(dout, cache):
    dx = np.zeros(cache.shape)
    for n, c, i, j in np.ndindex(*cache.shape):
        dx[n, c, i, j] = dout[n, c] / (cache.shape[2] * cache.shape[3])
    return dx


def inception_forward(x, params):
    caches, outs = {}, []
    for name, before in (("1", None), ("3", "3r"), ("5", "5r"), ("p", "pool")):
        h = x
        if before == "pool":
            h, caches["pool"] = pool3x3_forward(h)
        elif before:
            h, caches[before] = conv_relu_forward(h, params["w" + before], params["b" + before])
        h, caches[name] = conv_relu_forward(h, params["w" + name], params["b" + name])
        outs.append(h)
    out = np.zeros((len(x), sum(o.shape[1] for o in outs), *x.shape[2:]))
    start = 0
    for name, o in zip("135p", outs):
        place = slice(start, start + o.shape[1])
        out[:, place] = o
        caches["place" + name] = place
        start += o.shape[1]
    return out, caches


def inception_backward(dout, cache):
    grads, dx = {}, 0
    for name, before in (("1", None), ("3", "3r"), ("5", "5r"), ("p", "pool")):
        # A slice of channels is no contiguous array; the convolution takes copies as well.
        d = dout[:, cache["place" + name]].copy()
        d, grads["w" + name], grads["b" + name] = conv_relu_backward(d, cache[name])
        if before == "pool":
            d = pool3x3_backward(d, cache["pool"])
        elif before:
            d, grads["w" + before], grads["b" + before] = conv_relu_backward(d, cache[before])
        dx = dx + d
    return dx, grads


def residual_forward(x, params, stride=1, shortcut=True):
    a, cache1 = conv_norm_forward(x, params["w1"], params["gamma1"], params["beta1"], stride)
    h = np.where(a > 0, a, 0)
    f, cache2 = conv_norm_forward(h, params["w2"], params["gamma2"], params["beta2"])
    cache_s = None
    if not shortcut:
        z = f
    elif "ws" in params:
        s, cache_s = conv_norm_forward(x, params["ws"], params["gammas"], params["betas"], stride)
        z = f + s
    else:
        z = f + x
    return np.where(z > 0, z, 0), (cache1, a, cache2, z, cache_s, shortcut)


def residual_backward(dout, cache):
    cache1, a, cache2, z, cache_s, shortcut = cache
    dz = np.where(z > 0, dout, 0)
    dh, dw2, dgamma2, dbeta2 = conv_norm_backward(dz, cache2)
    dx, dw1, dgamma1, dbeta1 = conv_norm_backward(np.where(a > 0, dh, 0), cache1)
    grads = {"w1": dw1, "gamma1": dgamma1, "beta1": dbeta1}
    grads.update({"w2": dw2, "gamma2": dgamma2, "beta2": dbeta2})
    if shortcut:
        if cache_s is None:
            dx = dx + dz
        else:
            ds, grads["ws"], grads["gammas"], grads["betas"] = conv_norm_backward(dz, cache_s)
            dx = dx + ds
    return dx, grads


def bottleneck_forward(x, params, stride=1):
    h, caches, before = x, [], []
    for k in (1, 2, 3):
        w, gamma, beta = params[f"w{k}"], params[f"gamma{k}"], params[f"beta{k}"]
        a, cache = conv_norm_forward(h, w, gamma, beta, stride if k == 1 else 1)
        caches.append(cache)
        before.append(a)
        h = np.where(a > 0, a, 0)
    z = before.pop()
    cache_s = None
    if "ws" in params:
        s, cache_s = conv_norm_forward(x, params["ws"], params["gammas"], params["betas"], stride)
    else:
        s = x
    return np.maximum(z + s, 0), (caches, before, z + s, cache_s)


def bottleneck_backward(dout, cache):
    caches, before, z, cache_s = cache
    dz = np.where(z > 0, dout, 0)
    d, grads = dz, {}
    for k in (3, 2, 1):
        if k < 3:
            d = np.where(before[k - 1] > 0, d, 0)
        d, grads[f"w{k}"], grads[f"gamma{k}"], grads[f"beta{k}"] = conv_norm_backward(
            d, caches[k - 1]
        )
    if cache_s is not None:
        ds, grads["ws"], grads["gammas"], grads["betas"] = conv_norm_backward(dz, cache_s)
        return d + ds, grads
    return d + dz, grads
