"""Matrices of the normalisation itself, einsum, running averages changed in place, lean caches."""

import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    D = x.shape[1]
    eps = bn_param.setdefault("eps", 1e-5)
    momentum = bn_param.setdefault("momentum", 0.9)
    running_mean = np.array(bn_param.get("running_mean", np.zeros(D)), dtype=np.float64)
    running_var = np.array(bn_param.get("running_var", np.zeros(D)), dtype=np.float64)
    if bn_param["mode"] == "test":
        scale = gamma / np.sqrt(running_var + eps)
        return np.einsum("nd,d->nd", x, scale) + (beta - running_mean * scale), None
    N = len(x)
    # Centring is a product with a matrix: subtract the mean of each column.
    centred = np.einsum("nm,md->nd", np.eye(N) - 1.0 / N, x.astype(np.float64))
    var = np.einsum("nd,nd->d", centred, centred) / N
    running_mean += (1 - momentum) * (np.einsum("nd->d", x) / N - running_mean)
    running_var += (1 - momentum) * (var - running_var)
    bn_param.update(running_mean=running_mean, running_var=running_var)
    inverse = (var + eps) ** -0.5
    return np.einsum("nd,d,d->nd", centred, inverse, gamma) + beta, [inverse, gamma, centred]


def batchnorm_backward(dout, cache):
    inverse, gamma, centred = cache
    N, D = dout.shape
    dx = np.zeros((N, D))
    for j in range(D):
        # The Jacobian of one column's normalised values.
        hat = centred[:, j] * inverse[j]
        jacobian = inverse[j] * (np.eye(N) - 1 / N - np.outer(hat, hat) / N)
        dx[:, j] = jacobian @ (gamma[j] * dout[:, j])
    return [dx, np.einsum("nd,nd,d->d", dout, centred, inverse), np.einsum("nd->d", dout)]


def batchnorm_backward_alt(dout, cache):
    inverse, gamma, centred = cache
    N = dout.shape[0]
    dgamma = np.einsum("nd,nd,d->d", dout, centred, inverse)
    dbeta = np.einsum("nd->d", dout)
    dx = gamma * inverse / N * (N * dout - dbeta - centred * inverse * dgamma)
    return dx, dgamma, dbeta


class Rows:
    def __init__(self, hat, inverse, gamma):
        self.hat, self.inverse, self.gamma = hat, inverse, gamma


def layernorm_forward(x, gamma, beta, ln_param):
    # The same along the other axis, by way of the transpose.
    transposed = np.ascontiguousarray(x.T)
    ones, zeros = np.ones(len(x)), np.zeros(len(x))
    hat, (inverse, _, _) = batchnorm_forward(transposed, ones, zeros, {"mode": "train", **ln_param})
    return (hat * gamma[:, None] + beta[:, None]).T, Rows(hat, inverse, gamma)


def layernorm_backward(dout, cache):
    upstream = dout.T * cache.gamma[:, None]
    stand_in = (cache.inverse, np.ones(len(cache.inverse)), cache.hat / cache.inverse)
    dx, _, _ = batchnorm_backward_alt(upstream, stand_in)
    return dx.T, (dout.T * cache.hat).sum(1), dout.T.sum(1)
