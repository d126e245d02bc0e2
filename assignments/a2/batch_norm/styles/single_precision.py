"""Everything in float32, whatever comes in; caches are objects with methods."""

from dataclasses import dataclass

import numpy as np

FLOAT = np.float32


@dataclass
class Normalised:
    """Values normalised along an axis, and what the way back needs."""

    hat: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray
    axis: int

    def back(self, dout):
        d = np.asarray(dout, dtype=FLOAT) * self.gamma
        mean = np.mean(d, axis=self.axis, keepdims=True)
        along = np.mean(d * self.hat, axis=self.axis, keepdims=True)
        return (d - mean - self.hat * along) / self.sigma

    def parameters(self, dout):
        dout = np.asarray(dout, dtype=FLOAT)
        return np.sum(dout * self.hat, axis=0), np.sum(dout, axis=0)


def single(*arrays):
    return [np.array(a, dtype=FLOAT) for a in arrays]


def batchnorm_forward(x, gamma, beta, bn_param):
    x, gamma, beta = single(x, gamma, beta)
    eps = FLOAT(bn_param.get("eps", 1e-5))
    rest = FLOAT(1 - bn_param.get("momentum", 0.9))
    zeros = np.zeros(x.shape[1], dtype=FLOAT)
    running_mean, running_var = single(
        bn_param.get("running_mean", zeros), bn_param.get("running_var", zeros)
    )
    if bn_param["mode"] == "train":
        mean = np.mean(x, axis=0)
        x -= mean
        var = np.mean(x * x, axis=0)
        bn_param["running_mean"] = running_mean + rest * (mean - running_mean)
        bn_param["running_var"] = running_var + rest * (var - running_var)
    else:
        x -= running_mean
        var = running_var
    sigma = np.sqrt(var + eps)
    hat = x / sigma
    return hat * gamma + beta, Normalised(hat, sigma, gamma, 0)


def batchnorm_backward(dout, cache):
    (dout,) = single(dout)
    N = FLOAT(len(dout))
    dhat = dout * cache.gamma
    centred = cache.hat * cache.sigma
    dvar = -0.5 * np.sum(dhat * centred, axis=0) / cache.sigma**3
    dmean = -np.sum(dhat, axis=0) / cache.sigma - 2 * dvar * np.mean(centred, axis=0)
    dx = dhat / cache.sigma + 2 * dvar * centred / N + dmean / N
    return (dx, *cache.parameters(dout))


def batchnorm_backward_alt(dout, cache):
    return (cache.back(dout), *cache.parameters(dout))


def layernorm_forward(x, gamma, beta, ln_param):
    x, gamma, beta = single(x, gamma, beta)
    x -= np.mean(x, axis=1, keepdims=True)
    sigma = np.sqrt(np.mean(x * x, axis=1, keepdims=True) + FLOAT(ln_param.get("eps", 1e-5)))
    hat = x / sigma
    return hat * gamma + beta, Normalised(hat, sigma, gamma, 1)


def layernorm_backward(dout, cache):
    return batchnorm_backward_alt(dout, cache)
