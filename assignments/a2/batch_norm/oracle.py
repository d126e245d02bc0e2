"""Batch and layer normalisation in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution. The gradients are neither those of the graph nor
the simplified ones: every entry is summed up from the derivatives of all normalised values by one
input, which is slow and has nothing to simplify. Sums are correctly rounded (``math.fsum``).
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "batch_gradients",
    "batch_outputs",
    "batch_statistics",
    "layer_gradients",
    "layer_outputs",
    "outputs_with",
    "running_averages",
]


def batch_statistics(x):
    """Return mean_j = sum_i x_ij / N and var_j = sum_i (x_ij - mean_j)^2 / N of each column."""
    columns = _rows(np.transpose(x))
    return np.array([_mean(c) for c in columns]), np.array([_variance(c) for c in columns])


def batch_outputs(x, gamma, beta, eps):
    """Return gamma_j (x_ij - mean_j) / sqrt(var_j + eps) + beta_j, statistics of the columns."""
    return outputs_with(*batch_statistics(x), x, gamma, beta, eps)


def outputs_with(mean, var, x, gamma, beta, eps):
    """Return the same with a given mean and variance for each column."""
    return np.array(
        [
            [
                float(gamma[j]) * (value - float(mean[j])) / math.sqrt(float(var[j]) + eps)
                + float(beta[j])
                for j, value in enumerate(row)
            ]
            for row in _rows(x)
        ]
    )


def running_averages(batches, momentum, mean, var):
    """Return the averages after each batch: momentum * average + (1 - momentum) * of the batch."""
    history = []
    for x in batches:
        batch_mean, batch_var = batch_statistics(x)
        mean = [momentum * m + (1.0 - momentum) * b for m, b in zip(mean, batch_mean, strict=True)]
        var = [momentum * v + (1.0 - momentum) * b for v, b in zip(var, batch_var, strict=True)]
        history.append((np.array(mean), np.array(var)))
    return history


def batch_gradients(dout, x, gamma, eps):
    """Return dx, dgamma and dbeta of sum(dout * out)."""
    dout, x = (np.asarray(a, dtype=np.float64) for a in (dout, x))
    dx = np.zeros(x.shape)
    for j in range(x.shape[1]):
        upstream = [float(gamma[j]) * d for d in dout[:, j].tolist()]
        dx[:, j] = _through_normalisation(upstream, x[:, j].tolist(), eps)
    normalised = batch_outputs(x, np.ones(x.shape[1]), np.zeros(x.shape[1]), eps)
    return (dx, *_parameter_gradients(dout, normalised))


def layer_outputs(x, gamma, beta, eps):
    """Return gamma_j (x_ij - mean_i) / sqrt(var_i + eps) + beta_j, statistics of the rows."""
    result = []
    for row in _rows(x):
        mean, sigma = _mean(row), math.sqrt(_variance(row) + eps)
        result.append(
            [float(gamma[j]) * (v - mean) / sigma + float(beta[j]) for j, v in enumerate(row)]
        )
    return np.array(result)


def layer_gradients(dout, x, gamma, eps):
    """Return dx, dgamma and dbeta of sum(dout * out)."""
    dout, x = (np.asarray(a, dtype=np.float64) for a in (dout, x))
    dx = np.zeros(x.shape)
    for i in range(x.shape[0]):
        upstream = [float(g) * d for g, d in zip(gamma, dout[i].tolist(), strict=True)]
        dx[i] = _through_normalisation(upstream, x[i].tolist(), eps)
    normalised = layer_outputs(x, np.ones(x.shape[1]), np.zeros(x.shape[1]), eps)
    return (dx, *_parameter_gradients(dout, normalised))


def _parameter_gradients(dout, normalised):
    """Return dgamma_j = sum_i dout_ij x_hat_ij and dbeta_j = sum_i dout_ij."""
    columns = list(zip(_rows(dout.T), _rows(normalised.T), strict=True))
    dgamma = [math.fsum(d * n for d, n in zip(*pair, strict=True)) for pair in columns]
    return np.array(dgamma), np.array([math.fsum(d) for d, _ in columns])


def _through_normalisation(upstream, values, eps):
    """Return sum_k upstream_k dn_k/dv_i for n_k = (v_k - mean) / sigma, sigma^2 = var + eps.

    By the quotient rule dn_k/dv_i = ([k = i] - 1/M) / sigma - (v_k - mean) dsigma/dv_i / sigma^2,
    and dsigma/dv_i = (v_i - mean) / (M sigma).
    """
    M, mean, sigma = len(values), _mean(values), math.sqrt(_variance(values) + eps)
    result = []
    for i, value in enumerate(values):
        dsigma = (value - mean) / (M * sigma)
        result.append(
            math.fsum(
                up * (((k == i) - 1.0 / M) / sigma - (values[k] - mean) * dsigma / sigma**2)
                for k, up in enumerate(upstream)
            )
        )
    return result


def _mean(values):
    return math.fsum(values) / len(values)


def _variance(values):
    mean = _mean(values)
    return math.fsum((v - mean) ** 2 for v in values) / len(values)


def _rows(x):
    return np.asarray(x, dtype=np.float64).tolist()
