"""Nothing but Python loops and the math module; one class of formulas for columns and rows."""

import math

import numpy as np


def statistics(values):
    mean = sum(values) / len(values)
    return mean, sum((v - mean) ** 2 for v in values) / len(values)


def batchnorm_forward(x, gamma, beta, bn_param):
    N, D = x.shape
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    means = list(bn_param.get("running_mean", [0.0] * D))
    variances = list(bn_param.get("running_var", [0.0] * D))
    out = np.zeros((N, D))
    cache = {"columns": [], "gamma": gamma}
    for j in range(D):
        column = [float(x[i, j]) for i in range(N)]
        if bn_param["mode"] == "train":
            mean, var = statistics(column)
            means[j] = momentum * means[j] + (1 - momentum) * mean
            variances[j] = momentum * variances[j] + (1 - momentum) * var
        elif bn_param["mode"] == "test":
            mean, var = means[j], variances[j]
        else:
            raise ValueError(bn_param["mode"])
        sigma = math.sqrt(var + eps)
        hats = [(v - mean) / sigma for v in column]
        cache["columns"].append((hats, sigma))
        for i in range(N):
            out[i, j] = gamma[j] * hats[i] + beta[j]
    bn_param["running_mean"], bn_param["running_var"] = means, variances
    return out, cache


def one_gradient(upstream, hats, sigma):
    M = len(hats)
    total = sum(upstream)
    weighted = sum(u * h for u, h in zip(upstream, hats))
    return [(M * u - total - h * weighted) / (M * sigma) for u, h in zip(upstream, hats)]


def batchnorm_backward(dout, cache):
    N, D = dout.shape
    dx = np.zeros((N, D))
    dgamma, dbeta = [0.0] * D, [0.0] * D
    for j, (hats, sigma) in enumerate(cache["columns"]):
        centred = [h * sigma for h in hats]
        dhats = [dout[i, j] * cache["gamma"][j] for i in range(N)]
        dsigma = sum(-d * c / sigma**2 for d, c in zip(dhats, centred))
        dvar = dsigma / (2 * sigma)
        dcentred = [d / sigma + 2 * c * dvar / N for d, c in zip(dhats, centred)]
        dmean = -sum(dcentred)
        for i in range(N):
            dx[i, j] = dcentred[i] + dmean / N
            dgamma[j] += dout[i, j] * hats[i]
            dbeta[j] += dout[i, j]
    return dx, dgamma, dbeta


def batchnorm_backward_alt(dout, cache):
    dx, dgamma, dbeta = [], [], []
    for j, (hats, sigma) in enumerate(cache["columns"]):
        column = dout[:, j].tolist()
        dx.append(one_gradient([d * cache["gamma"][j] for d in column], hats, sigma))
        dgamma.append(sum(d * h for d, h in zip(column, hats)))
        dbeta.append(sum(column))
    return np.array(dx).T, dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    out, rows = [], []
    for row in x.tolist():
        mean, var = statistics(row)
        sigma = math.sqrt(var + ln_param.get("eps", 1e-5))
        hats = [(v - mean) / sigma for v in row]
        rows.append((hats, sigma))
        out.append([g * h + b for g, h, b in zip(gamma, hats, beta)])
    return out, (rows, gamma)


def layernorm_backward(dout, cache):
    rows, gamma = cache
    dx = []
    dgamma, dbeta = np.zeros(len(gamma)), np.zeros(len(gamma))
    for i, (hats, sigma) in enumerate(rows):
        dx.append(one_gradient([d * g for d, g in zip(dout[i], gamma)], hats, sigma))
        for j in range(len(gamma)):
            dgamma[j] += dout[i, j] * hats[j]
            dbeta[j] += dout[i, j]
    return dx, dgamma, dbeta
