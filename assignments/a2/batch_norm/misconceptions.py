"""Known-wrong versions of batch and layer normalisation, and the hint that each earns.

The backward functions read the cache of the reference's forward functions, which is
``(x, mean, std, x_hat, gamma)`` for both.
"""

from __future__ import annotations

import numpy as np

from autograder import misconception

# batchnorm_forward: training mode -----------------------------------------------------------------


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def unbiased_variance(x, gamma, beta, bn_param):
    """Your variance divides by N - 1 (ddof=1): batch normalisation divides by N, which is what
    np.var does by itself."""
    return _batchnorm(x, gamma, beta, bn_param, ddof=1, running_ddof=1)


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def rows_normalised(x, gamma, beta, bn_param):
    """You normalise every row over its features (axis=1), which is layer normalisation: batch
    normalisation takes mean and variance of every feature over the batch, axis=0."""
    x_hat = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(
        x.var(axis=1, keepdims=True) + _eps(bn_param)
    )
    return gamma * x_hat + beta, None


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def one_mean_for_all(x, gamma, beta, bn_param):
    """You take one mean and one variance of the whole array: every feature needs its own, so say
    axis=0."""
    x_hat = (x - x.mean()) / np.sqrt(x.var() + _eps(bn_param))
    return gamma * x_hat + beta, None


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def divided_by_variance(x, gamma, beta, bn_param):
    """You divide by the variance: divide by its square root, the standard deviation, or the result
    does not have variance 1."""
    mean, var = x.mean(axis=0), x.var(axis=0)
    return gamma * (x - mean) / (var + _eps(bn_param)) + beta, None


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def not_centred(x, gamma, beta, bn_param):
    """You divide by the standard deviation, but the mean is still there: subtract it first."""
    return gamma * x / np.sqrt(x.var(axis=0) + _eps(bn_param)) + beta, None


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def train_without_gamma_and_beta(x, gamma, beta, bn_param):
    """In training mode you return the normalised values as they are: multiply them by gamma and add
    beta."""
    return _batchnorm(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def beta_scaled_as_well(x, gamma, beta, bn_param):
    """You add beta before you multiply by gamma: it is gamma * x_hat + beta."""
    return _batchnorm(x, gamma, gamma * beta, bn_param)


@misconception(of="batchnorm_forward", caught_by="train_output_is_correct")
def normalised_with_running_averages(x, gamma, beta, bn_param):
    """In training mode you normalise with the running averages: use mean and variance of the batch
    itself. The averages are only written, for test mode."""
    mean, var = x.mean(axis=0), x.var(axis=0)
    mean, var = _update(bn_param, mean, var)
    return gamma * (x - mean) / np.sqrt(var + _eps(bn_param)) + beta, None


@misconception(of="batchnorm_forward", caught_by="train_uses_eps")
def eps_outside_the_root(x, gamma, beta, bn_param):
    """You add eps to the standard deviation: it belongs under the root, sqrt(var + eps)."""
    return _batchnorm(x, gamma, beta, bn_param, root=lambda var, eps: np.sqrt(var) + eps)


@misconception(of="batchnorm_forward", caught_by="train_uses_eps")
def eps_of_ones_own(x, gamma, beta, bn_param):
    """You add a fixed small number, or none, to the variance: use the eps that bn_param holds."""
    return _batchnorm(x, gamma, beta, bn_param, root=lambda var, eps: np.sqrt(var + 1e-5))


@misconception(of="batchnorm_forward", caught_by="train_uses_eps")
def eps_squared(x, gamma, beta, bn_param):
    """You square eps under the root: it is sqrt(var + eps), with eps as it is."""
    return _batchnorm(x, gamma, beta, bn_param, root=lambda var, eps: np.sqrt(var + eps**2))


@misconception(of="batchnorm_forward", caught_by="train_of_one_row_is_beta")
def no_eps_at_all(x, gamma, beta, bn_param):
    """A single row comes out as NaN. Its variance, divided by N = 1 and not by N - 1, is 0; eps,
    added to it under the root, keeps the divisor above 0."""
    with np.errstate(all="ignore"):
        return _batchnorm(x, gamma, beta, bn_param, root=lambda var, eps: np.sqrt(var))


@misconception(of="batchnorm_forward", caught_by="train_is_stable_far_from_zero")
def variance_by_squares(x, gamma, beta, bn_param):
    """You compute the variance as mean(x**2) - mean(x)**2, the difference of two large numbers: far
    from zero all its digits are lost. Subtract the mean first, and then square."""
    mean = x.mean(axis=0)
    var = (x**2).mean(axis=0) - mean**2
    with np.errstate(all="ignore"):
        x_hat = (x - mean) / np.sqrt(var + _eps(bn_param))
    if bn_param["mode"] != "train":
        return _batchnorm(x, gamma, beta, bn_param)
    _update(bn_param, mean, var)
    return gamma * x_hat + beta, (x, mean, np.sqrt(x.var(axis=0) + _eps(bn_param)), x_hat, gamma)


@misconception(of="batchnorm_forward", caught_by="forward_leaves_arrays_alone", symptom="mutation")
def x_centred_in_place(x, gamma, beta, bn_param):
    """`x -= mean` changes the caller's array: write `x - mean`, which makes a new one."""
    x -= x.mean(axis=0)
    return _batchnorm(x, gamma, beta, bn_param)


# batchnorm_forward: running averages --------------------------------------------------------------


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def running_variance_with_eps(x, gamma, beta, bn_param):
    """Your running variance includes eps: average the variance itself. Test mode adds eps once
    more."""
    return _batchnorm(x, gamma, beta, bn_param, to_average=lambda var, eps: var + eps)


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def running_standard_deviation(x, gamma, beta, bn_param):
    """You average the standard deviation: running_var is an average of variances."""
    return _batchnorm(x, gamma, beta, bn_param, to_average=lambda var, eps: np.sqrt(var + eps))


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def running_variance_unbiased(x, gamma, beta, bn_param):
    """Your running variance divides by N - 1, which is what PyTorch does: here the same variance,
    divided by N, normalises the batch and goes into the average."""
    return _batchnorm(x, gamma, beta, bn_param, running_ddof=1)


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def momentum_swapped(x, gamma, beta, bn_param):
    """Your momentum weighs the new batch: it is momentum * running + (1 - momentum) * batch, so
    that 0.9 keeps most of the old. PyTorch has it the other way round."""
    return _batchnorm(x, gamma, beta, bn_param, momentum=1 - bn_param.get("momentum", 0.9))


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def momentum_of_ones_own(x, gamma, beta, bn_param):
    """Your averages always use a momentum of 0.9: take the one that bn_param holds."""
    return _batchnorm(x, gamma, beta, bn_param, momentum=0.9)


@misconception(of="batchnorm_forward", caught_by="first_step_starts_from_zero")
def averages_start_with_the_first_batch(x, gamma, beta, bn_param):
    """Your averages start as mean and variance of the first batch: they start from zero, so that
    the first batch counts with the factor 1 - momentum like every other."""
    bn_param.setdefault("running_mean", x.mean(axis=0))
    bn_param.setdefault("running_var", x.var(axis=0))
    return _batchnorm(x, gamma, beta, bn_param)


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def averages_not_written_back(x, gamma, beta, bn_param):
    """The new averages never reach bn_param: assign them to bn_param["running_mean"] and
    bn_param["running_var"], or they are forgotten when the function returns."""
    return _batchnorm(x, gamma, beta, dict(bn_param))


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def last_batch_kept(x, gamma, beta, bn_param):
    """You keep mean and variance of the last batch alone: average them with what bn_param holds
    already, weighted by momentum."""
    return _batchnorm(x, gamma, beta, bn_param, momentum=0.0)


@misconception(of="batchnorm_forward", caught_by="averages_follow_several_batches")
def variance_not_averaged(x, gamma, beta, bn_param):
    """Only the running mean follows the batches: update running_var in the same way."""
    before = bn_param.get("running_var", np.zeros(x.shape[1]))
    out, cache = _batchnorm(x, gamma, beta, bn_param)
    bn_param["running_var"] = before
    return out, cache


# batchnorm_forward: test mode ---------------------------------------------------------------------


@misconception(of="batchnorm_forward", caught_by="test_output_uses_running_averages")
def test_uses_batch_statistics(x, gamma, beta, bn_param):
    """In test mode you normalise with mean and variance of the batch: use the running averages, so
    that the answer for an image does not depend on the others."""
    if bn_param["mode"] == "train":
        return _batchnorm(x, gamma, beta, bn_param)
    return _batchnorm(x, gamma, beta, {"eps": _eps(bn_param), "mode": "train"})


@misconception(of="batchnorm_forward", caught_by="test_output_uses_running_averages")
def test_omits_gamma_and_beta(x, gamma, beta, bn_param):
    """In test mode gamma and beta are missing: the network was trained with them, so scale and
    shift here, too."""
    if bn_param["mode"] == "train":
        return _batchnorm(x, gamma, beta, bn_param)
    return _batchnorm(x, np.ones_like(gamma), np.zeros_like(beta), bn_param)


@misconception(of="batchnorm_forward", caught_by="test_output_uses_running_averages")
def test_without_root(x, gamma, beta, bn_param):
    """In test mode you divide by the running variance: divide by its root, sqrt(running_var +
    eps)."""
    return _tested(x, gamma, beta, bn_param, lambda var, eps: var + eps)


@misconception(of="batchnorm_forward", caught_by="test_output_uses_running_averages")
def test_without_eps(x, gamma, beta, bn_param):
    """In test mode eps is missing: divide by sqrt(running_var + eps), as in training."""
    return _tested(x, gamma, beta, bn_param, lambda var, eps: np.sqrt(var))


@misconception(of="batchnorm_forward", caught_by="test_leaves_running_averages_alone")
def test_updates_averages(x, gamma, beta, bn_param):
    """In test mode you update the running averages: test images must leave no trace in the
    model."""
    out, cache = _batchnorm(x, gamma, beta, dict(bn_param))
    _update(bn_param, x.mean(axis=0), x.var(axis=0))
    return out, cache


# batchnorm_backward -------------------------------------------------------------------------------


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def statistics_taken_for_constants(dout, cache):
    """You treat mean and variance as constants: both are computed from x, so the gradient also
    flows back through them."""
    return _batch_gradients(dout, cache, through_mean=0.0, through_variance=0.0)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def mean_taken_for_constant(dout, cache):
    """The path through the mean is missing: x also acts by way of the mean, which is subtracted
    from every row, so each row gets its share 1/N of -sum(...)."""
    return _batch_gradients(dout, cache, through_mean=0.0)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def variance_taken_for_constant(dout, cache):
    """The path through the variance is missing: x also acts by way of the standard deviation that
    everything is divided by."""
    return _batch_gradients(dout, cache, through_variance=0.0)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def centred_gradient_overwritten(dout, cache):
    """The second part of the gradient of x - mean replaces the first: the value goes to two nodes,
    so its gradients add up (`+=`, not `=`)."""
    x, mean, std, _, gamma = cache
    centred = x - mean
    dvar = -(dout * gamma * centred).sum(axis=0) / (2 * std**3)
    dcentred = 2 * centred * dvar / len(x)
    return dcentred - dcentred.mean(axis=0), *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def x_gradient_overwritten(dout, cache):
    """Your dx holds the part through the mean alone: x goes to two nodes, so its gradients add up
    (`+=`, not `=`)."""
    _, _, std, _, gamma = cache
    dx = np.zeros_like(dout) - (dout * gamma / std).mean(axis=0)
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def mean_path_not_averaged(dout, cache):
    """The gradient through the mean is N times too large: the mean is a sum divided by N, so that
    each row gets 1/N of its gradient."""
    return _batch_gradients(dout, cache, through_mean=float(len(dout)))


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def variance_path_not_averaged(dout, cache):
    """The gradient through the variance is N times too large: the variance is a sum of squares
    divided by N, so that each row gets 1/N of its gradient."""
    return _batch_gradients(dout, cache, through_variance=float(len(dout)))


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def square_without_two(dout, cache):
    """The gradient through the variance is half of what it should be: a square has the derivative
    2c, with the factor 2."""
    return _batch_gradients(dout, cache, through_variance=0.5)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def reciprocal_sign_lost(dout, cache):
    """The gradient through the variance has the wrong sign: the derivative of 1/σ is -1/σ²."""
    return _batch_gradients(dout, cache, through_variance=-1.0)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def mean_path_sign_lost(dout, cache):
    """The gradient through the mean has the wrong sign: the mean is subtracted, so its gradient is
    minus the sum over the batch."""
    return _batch_gradients(dout, cache, through_mean=-1.0)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def gamma_forgotten(dout, cache):
    """Gamma is missing in dx: the gradient with respect to the normalised values is dout *
    gamma."""
    dx, _, _ = _batch_gradients(dout, (*cache[:4], np.ones_like(cache[4])))
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward", caught_by="backward_dx_is_correct")
def not_divided_by_std(dout, cache):
    """Your dx is the standard deviation times too large: x is divided by it on the way forward, so
    the gradient is divided by it on the way back."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return cache[2] * dx, dgamma, dbeta


@misconception(of="batchnorm_backward", caught_by="backward_dgamma_is_correct")
def dgamma_from_x(dout, cache):
    """You multiply dout by x for dgamma: gamma multiplies the normalised values x_hat, so those
    are its local derivative."""
    dx, _, dbeta = _batch_gradients(dout, cache)
    return dx, (dout * cache[0]).sum(axis=0), dbeta


@misconception(of="batchnorm_backward", caught_by="backward_dgamma_is_correct")
def dgamma_of_every_row(dout, cache):
    """Your dgamma has one row per row of the batch: gamma acts on all rows, so its gradient is the
    sum over them (axis=0)."""
    dx, _, dbeta = _batch_gradients(dout, cache)
    return dx, dout * cache[3], dbeta


@misconception(of="batchnorm_backward", caught_by="backward_dgamma_is_correct")
def dgamma_averaged(dout, cache):
    """You take the mean over the batch for dgamma: gradients of a value used N times add up. The
    1/N of the loss is in dout already."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return dx, dgamma / len(dout), dbeta


@misconception(of="batchnorm_backward", caught_by="backward_dgamma_is_correct")
def dgamma_and_dbeta_swapped(dout, cache):
    """You return dbeta before dgamma: the order is dx, dgamma, dbeta."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return dx, dbeta, dgamma


@misconception(of="batchnorm_backward", caught_by="backward_dbeta_is_correct")
def dbeta_averaged(dout, cache):
    """You take the mean over the batch for dbeta: gradients of a value used N times add up. The 1/N
    of the loss is in dout already."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return dx, dgamma, dbeta / len(dout)


@misconception(of="batchnorm_backward", caught_by="backward_dbeta_is_correct")
def dbeta_of_every_row(dout, cache):
    """Your dbeta has one row per row of the batch: beta is added to all rows, so its gradient is
    the sum over them (axis=0)."""
    dx, dgamma, _ = _batch_gradients(dout, cache)
    return dx, dgamma, dout


@misconception(of="batchnorm_backward", caught_by="backward_respects_eps")
def eps_dropped_on_the_way_back(dout, cache):
    """Your gradient takes x_hat to have variance exactly 1, as it would without eps: divide by the
    same sqrt(var + eps) as on the way forward, everywhere."""
    x, mean, _, _, gamma = cache
    std = np.sqrt(x.var(axis=0) + 1e-12)
    dx, _, _ = _batch_gradients(dout, (x, mean, std, (x - mean) / std, gamma))
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward", caught_by="backward_of_one_row_is_zero")
def sums_without_a_division(dout, cache):
    """You divide by N - 1 where it should be N: with a single row that is a division by zero."""
    N = len(dout)
    with np.errstate(all="ignore"):
        factor = np.float64(N) / np.float64(N - 1)
        return _batch_gradients(dout, cache, through_mean=factor, through_variance=factor)


@misconception(of="batchnorm_backward", caught_by="backward_leaves_dout_alone", symptom="mutation")
def dout_scaled_in_place(dout, cache):
    """`dout *= gamma` changes the caller's array: write `dout * gamma`, which makes a new one."""
    parameters = _parameter_gradients(dout, cache)
    dout *= cache[4]
    dx, _, _ = _batch_gradients(dout, (*cache[:4], np.ones_like(cache[4])))
    return dx, *parameters


# batchnorm_backward_alt ---------------------------------------------------------------------------


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_first_term_only(dout, cache):
    """Of the three terms in the bracket you have the first: subtract the mean of dx_hat, and x_hat
    times the mean of dx_hat * x_hat."""
    return _batch_gradients(dout, cache, through_mean=0.0, through_variance=0.0)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_without_mean(dout, cache):
    """The term from the mean is missing: subtract the mean of dx_hat over the batch."""
    return _batch_gradients(dout, cache, through_mean=0.0)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_without_variance(dout, cache):
    """The term from the variance is missing: subtract x_hat times the mean of dx_hat * x_hat over
    the batch."""
    return _batch_gradients(dout, cache, through_variance=0.0)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_sums_for_means(dout, cache):
    """You subtract sums where the formula has means over the batch: divide both by N."""
    N = float(len(dout))
    return _batch_gradients(dout, cache, through_mean=N, through_variance=N)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_means_of_everything(dout, cache):
    """Your two means run over the whole array: every feature has its own, so say axis=0."""
    _, _, std, x_hat, gamma = cache
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean() - x_hat * (dx_hat * x_hat).mean()) / std
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_with_x_for_x_hat(dout, cache):
    """Your term from the variance has x - mean where x_hat should be: divide by the standard
    deviation both in the mean and in front of it."""
    x, mean, std, _, gamma = cache
    dx_hat, centred = dout * gamma, x - mean
    dx = (dx_hat - dx_hat.mean(axis=0) - centred * (dx_hat * centred).mean(axis=0)) / std
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_variance_sign(dout, cache):
    """You add the term from the variance: like that from the mean, it is subtracted."""
    return _batch_gradients(dout, cache, through_variance=-1.0)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_without_gamma(dout, cache):
    """Gamma is missing in dx: start from dx_hat = dout * gamma."""
    dx, _, _ = _batch_gradients(dout, (*cache[:4], np.ones_like(cache[4])))
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="batchnorm_backward_alt", caught_by="alt_dx_is_correct")
def alt_without_std(dout, cache):
    """The factor in front of the bracket is missing: divide by the standard deviation."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return cache[2] * dx, dgamma, dbeta


@misconception(of="batchnorm_backward_alt", caught_by="alt_dgamma_and_dbeta_are_correct")
def alt_parameters_from_dx_hat(dout, cache):
    """Your dgamma and dbeta are gamma times too large: they come from dout, not from dx_hat = dout
    * gamma."""
    dx, dgamma, dbeta = _batch_gradients(dout, cache)
    return dx, cache[4] * dgamma, cache[4] * dbeta


@misconception(of="batchnorm_backward_alt", caught_by="alt_respects_eps")
def alt_eps_dropped(dout, cache):
    """You divide by the root of the variance without eps: use the same sqrt(var + eps) as on the
    way forward, everywhere."""
    x, mean, _, _, gamma = cache
    std = np.sqrt(x.var(axis=0) + 1e-12)
    dx, _, _ = _batch_gradients(dout, (x, mean, std, (x - mean) / std, gamma))
    return dx, *_parameter_gradients(dout, cache)


# layernorm_forward --------------------------------------------------------------------------------


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct")
def layer_normalises_columns(x, gamma, beta, ln_param):
    """This is batch normalisation: layer normalisation takes mean and variance of every row over
    its features (axis=1, keepdims=True)."""
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + _eps(ln_param))
    return gamma * x_hat + beta, None


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct")
def layer_divides_by_batch_size(x, gamma, beta, ln_param):
    """You sum over the features of a row but divide by N, the number of rows: a row has D
    entries."""
    N = len(x)
    centred = x - x.sum(axis=1, keepdims=True) / N
    std = np.sqrt((centred**2).sum(axis=1, keepdims=True) / N + _eps(ln_param))
    return gamma * centred / std + beta, None


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct")
def layer_unbiased_variance(x, gamma, beta, ln_param):
    """Your variance divides by D - 1 (ddof=1): divide by D."""
    return _layernorm(x, gamma, beta, ln_param, ddof=1)


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct")
def layer_without_gamma_and_beta(x, gamma, beta, ln_param):
    """You return the normalised values as they are: multiply every feature by its gamma and add its
    beta."""
    return _layernorm(x, np.ones_like(gamma), np.zeros_like(beta), ln_param)


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct")
def layer_one_mean_for_all(x, gamma, beta, ln_param):
    """You take one mean and one variance of the whole array: every row needs its own (axis=1,
    keepdims=True)."""
    x_hat = (x - x.mean()) / np.sqrt(x.var() + _eps(ln_param))
    return gamma * x_hat + beta, None


@misconception(of="layernorm_forward", caught_by="layer_output_is_correct", symptom="exception")
def layer_axis_not_kept(x, gamma, beta, ln_param):
    """Shapes do not fit: the means of the rows have shape (N,), which does not broadcast against
    (N, D). Keep the axis, axis=1 with keepdims=True, and they have shape (N, 1)."""
    std = np.sqrt(x.var(axis=1) + _eps(ln_param))
    return gamma * (x - x.mean(axis=1)) / std + beta, None


@misconception(of="layernorm_forward", caught_by="layer_output_uses_eps")
def layer_eps_outside_the_root(x, gamma, beta, ln_param):
    """You add eps to the standard deviation: it belongs under the root, sqrt(var + eps)."""
    return _layernorm(x, gamma, beta, ln_param, root=lambda var, eps: np.sqrt(var) + eps)


@misconception(of="layernorm_forward", caught_by="layer_output_uses_eps")
def layer_eps_of_ones_own(x, gamma, beta, ln_param):
    """You add a fixed small number, or none, to the variance: use the eps that ln_param holds."""
    return _layernorm(x, gamma, beta, ln_param, root=lambda var, eps: np.sqrt(var + 1e-5))


@misconception(of="layernorm_forward", caught_by="layer_output_of_one_row")
def layer_shortcut_for_one_row(x, gamma, beta, ln_param):
    """You return beta for a batch of one row, which is right in batch normalisation alone: a row
    is normalised over its own features, however many rows there are."""
    if len(x) == 1:
        return 0 * x + beta, None
    return _layernorm(x, gamma, beta, ln_param)


@misconception(of="layernorm_forward", caught_by="layer_is_stable_far_from_zero")
def layer_variance_by_squares(x, gamma, beta, ln_param):
    """You compute the variance as mean(x**2) - mean(x)**2, the difference of two large numbers: far
    from zero all its digits are lost. Subtract the mean first, and then square."""
    mean = x.mean(axis=1, keepdims=True)
    var = (x**2).mean(axis=1, keepdims=True) - mean**2
    with np.errstate(all="ignore"):
        return gamma * (x - mean) / np.sqrt(var + _eps(ln_param)) + beta, None


@misconception(of="layernorm_forward", caught_by="layer_leaves_arrays_alone", symptom="mutation")
def layer_centres_x_in_place(x, gamma, beta, ln_param):
    """`x -= mean` changes the caller's array: write `x - mean`, which makes a new one."""
    x -= x.mean(axis=1, keepdims=True)
    return _layernorm(x, gamma, beta, ln_param)


# layernorm_backward -------------------------------------------------------------------------------


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def gamma_taken_out_of_the_means(dout, cache):
    """You multiply by gamma after taking the means: along a row every feature has a gamma of its
    own, so it has to be in dx_hat = dout * gamma before you average."""
    ones = np.ones_like(cache[4])
    dx, _, _ = _layer_gradients(dout, (*cache[:4], ones))
    return cache[4] * dx, *_parameter_gradients(dout, cache)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_means_over_the_batch(dout, cache):
    """Your means run over the batch (axis=0), as in batch normalisation: here a row has its own
    mean and variance, so average over its features (axis=1, keepdims=True)."""
    return _batch_gradients(dout, cache)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_means_divided_by_batch_size(dout, cache):
    """You divide the sums over a row by N, the number of rows: a row has D entries."""
    factor = dout.shape[1] / dout.shape[0]
    return _layer_gradients(dout, cache, through_mean=factor, through_variance=factor)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_statistics_taken_for_constants(dout, cache):
    """You treat mean and variance of a row as constants: both are computed from x, so the gradient
    also flows back through them."""
    return _layer_gradients(dout, cache, through_mean=0.0, through_variance=0.0)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_mean_taken_for_constant(dout, cache):
    """The path through the mean is missing: subtract the mean of dx_hat over the features of each
    row."""
    return _layer_gradients(dout, cache, through_mean=0.0)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_variance_taken_for_constant(dout, cache):
    """The path through the variance is missing: subtract x_hat times the mean of dx_hat * x_hat
    over the features of each row."""
    return _layer_gradients(dout, cache, through_variance=0.0)


@misconception(of="layernorm_backward", caught_by="layer_dx_is_correct")
def layer_gamma_forgotten(dout, cache):
    """Gamma is missing in dx: start from dx_hat = dout * gamma."""
    dx, _, _ = _layer_gradients(dout, (*cache[:4], np.ones_like(cache[4])))
    return dx, *_parameter_gradients(dout, cache)


@misconception(of="layernorm_backward", caught_by="layer_dgamma_and_dbeta_are_correct")
def layer_parameters_summed_over_features(dout, cache):
    """Your dgamma and dbeta are sums over the features: gamma and beta still belong to features and
    act on every row, so sum over the batch (axis=0), as in batch normalisation."""
    dx, _, _ = _layer_gradients(dout, cache)
    return dx, (dout * cache[3]).sum(axis=1), dout.sum(axis=1)


@misconception(of="layernorm_backward", caught_by="layer_dgamma_and_dbeta_are_correct")
def layer_dgamma_from_x(dout, cache):
    """You multiply dout by x for dgamma: gamma multiplies the normalised values x_hat, so those are
    its local derivative."""
    dx, _, dbeta = _layer_gradients(dout, cache)
    return dx, (dout * cache[0]).sum(axis=0), dbeta


@misconception(of="layernorm_backward", caught_by="layer_backward_of_one_row")
def layer_backward_shortcut_for_one_row(dout, cache):
    """You return dx = 0 for a batch of one row, which is right in batch normalisation alone: a
    row's gradient goes through its own features, however many rows there are."""
    dx, dgamma, dbeta = _layer_gradients(dout, cache)
    return (0 * dx if len(dx) == 1 else dx), dgamma, dbeta


@misconception(of="layernorm_backward", caught_by="layer_backward_respects_eps")
def layer_eps_dropped(dout, cache):
    """You divide by the root of the variance without eps: use the same sqrt(var + eps) as on the
    way forward, everywhere."""
    x, mean, _, _, gamma = cache
    std = np.sqrt(x.var(axis=1, keepdims=True) + 1e-12)
    dx, _, _ = _layer_gradients(dout, (x, mean, std, (x - mean) / std, gamma))
    return dx, *_parameter_gradients(dout, cache)


# Building blocks ----------------------------------------------------------------------------------


def _eps(param):
    return param.get("eps", 1e-5)


def _root(var, eps):
    return np.sqrt(var + eps)


def _update(bn_param, mean, var, momentum=None):
    """Update the running averages as asked for; return them."""
    momentum = bn_param.get("momentum", 0.9) if momentum is None else momentum
    for key, new in (("running_mean", mean), ("running_var", var)):
        old = bn_param.get(key, np.zeros_like(new))
        bn_param[key] = momentum * old + (1 - momentum) * new
    return bn_param["running_mean"], bn_param["running_var"]


def _batchnorm(
    x,
    gamma,
    beta,
    bn_param,
    *,
    ddof=0,
    running_ddof=0,
    root=_root,
    to_average=lambda var, eps: var,
    momentum=None,
):
    """Batch normalisation, right with the defaults."""
    eps, D = _eps(bn_param), x.shape[1]
    if bn_param["mode"] == "train":
        mean = x.mean(axis=0)
        var = ((x - mean) ** 2).sum(axis=0) / max(len(x) - ddof, 1)
        averaged = ((x - mean) ** 2).sum(axis=0) / max(len(x) - running_ddof, 1)
        _update(bn_param, mean, to_average(averaged, eps), momentum)
    else:
        mean = bn_param.get("running_mean", np.zeros(D))
        var = bn_param.get("running_var", np.zeros(D))
    std = root(var, eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x, mean, std, x_hat, gamma)


def _tested(x, gamma, beta, bn_param, root):
    """Batch normalisation, right in training, with another divisor in test mode."""
    if bn_param["mode"] == "train":
        return _batchnorm(x, gamma, beta, bn_param)
    return _batchnorm(x, gamma, beta, bn_param, root=root)


def _layernorm(x, gamma, beta, ln_param, *, ddof=0, root=_root):
    """Layer normalisation, right with the defaults."""
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True, ddof=ddof)
    std = root(var, _eps(ln_param))
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x, mean, std, x_hat, gamma)


def _parameter_gradients(dout, cache):
    return (dout * cache[3]).sum(axis=0), dout.sum(axis=0)


def _batch_gradients(dout, cache, *, through_mean=1.0, through_variance=1.0):
    """Return the gradients, with a factor for the paths through mean and variance."""
    return _gradients(dout, cache, 0, through_mean, through_variance)


def _layer_gradients(dout, cache, *, through_mean=1.0, through_variance=1.0):
    return _gradients(dout, cache, 1, through_mean, through_variance)


def _gradients(dout, cache, axis, through_mean, through_variance):
    _, _, std, x_hat, gamma = cache
    dx_hat = dout * gamma
    from_mean = dx_hat.mean(axis=axis, keepdims=True)
    from_variance = x_hat * (dx_hat * x_hat).mean(axis=axis, keepdims=True)
    dx = (dx_hat - through_mean * from_mean - through_variance * from_variance) / std
    return dx, *_parameter_gradients(dout, cache)
