"""Known-wrong versions of the update rules and schedules, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# sgd ----------------------------------------------------------------------------------------------


@misconception(of="sgd", caught_by="sgd_steps_downhill")
def sgd_walks_uphill(w, dw, config=None):
    """Your step goes uphill: the gradient points up, so subtract it."""
    config = {"learning_rate": 1e-2, **(config or {})}
    return w + config["learning_rate"] * dw, config


@misconception(of="sgd", caught_by="sgd_steps_downhill")
def sgd_ignores_the_learning_rate(w, dw, config=None):
    """You always step with 0.01, which is only the default: use config["learning_rate"]."""
    config = {"learning_rate": 1e-2, **(config or {})}
    return w - 1e-2 * dw, config


@misconception(of="sgd", caught_by="sgd_steps_downhill")
def sgd_loses_the_settings(w, dw, config=None):
    """The config that you return is empty, so that the next step uses the default learning rate:
    return the settings as well."""
    config = {"learning_rate": 1e-2, **(config or {})}
    return w - config["learning_rate"] * dw, {}


@misconception(of="sgd", caught_by="sgd_steps_downhill")
def sgd_returns_the_weights_alone(w, dw, config=None):
    """You return the weights alone: every rule returns two values, next_w and config."""
    config = {"learning_rate": 1e-2, **(config or {})}
    return w - config["learning_rate"] * dw


@misconception(of="sgd", caught_by="sgd_steps_downhill")
def sgd_normalises_the_gradient(w, dw, config=None):
    """You divide the gradient by its norm: (2) takes it as it is, long where the slope is steep."""
    config = {"learning_rate": 1e-2, **(config or {})}
    return w - config["learning_rate"] * dw / np.linalg.norm(dw), config


@misconception(of="sgd", caught_by="sgd_has_a_default", symptom="exception")
def sgd_wants_a_config(w, dw, config=None):
    """Without a config your function fails: keep the first line of the cell, which fills in what is
    missing."""
    return w - config["learning_rate"] * dw, config


@misconception(of="sgd", caught_by="sgd_has_a_default")
def sgd_has_another_default(w, dw, config=None):
    """Your default learning rate is 0.001: for sgd it is 0.01."""
    config = {"learning_rate": 1e-3, **(config or {})}
    return w - config["learning_rate"] * dw, config


@misconception(of="sgd", caught_by="sgd_leaves_arguments_alone", symptom="mutation")
def sgd_in_place(w, dw, config=None):
    """`w -= ...` changes the caller's array: write `next_w = w - ...`, which makes a new one."""
    config = {"learning_rate": 1e-2, **(config or {})}
    w -= config["learning_rate"] * dw
    return w, config


# sgd_momentum -------------------------------------------------------------------------------------


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def velocity_without_learning_rate(w, dw, config=None):
    """The learning rate is missing in your velocity: it becomes momentum * velocity -
    learning_rate * dw."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] - dw
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def learning_rate_outside_the_velocity(w, dw, config=None):
    """Your velocity collects gradients, and the learning rate comes in with the step, as in some
    libraries. In (3) it belongs into the velocity, which then is the step itself: otherwise a
    velocity from a checkpoint means something else."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] + dw
    return w - config["learning_rate"] * config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def velocity_is_an_average(w, dw, config=None):
    """You weight the gradient by 1 - momentum, as in a fading mean: in (3) it enters in full, and
    pushes add up."""
    config = _moving(w, config)
    push = (1 - config["momentum"]) * config["learning_rate"] * dw
    config["velocity"] = config["momentum"] * config["velocity"] - push
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def velocity_not_stored(w, dw, config=None):
    """The new velocity is used but not kept: store it in config["velocity"], or every step starts
    from rest."""
    config = _moving(w, config)
    return w + config["momentum"] * config["velocity"] - config["learning_rate"] * dw, config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def velocity_starts_anew(w, dw, config=None):
    """Your velocity is set to zero at every call: take it from the config, and zeros only if there
    is none yet."""
    config = _moving(w, config)
    config["velocity"] = -config["learning_rate"] * dw
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def velocity_points_uphill(w, dw, config=None):
    """Your ball rolls uphill: the gradient is subtracted in the velocity, and the velocity is added
    to the weights."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] + config["learning_rate"] * dw
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def steps_with_the_old_velocity(w, dw, config=None):
    """You add the velocity from before the update: update it first, then move the weights by the
    new one."""
    config = _moving(w, config)
    old = config["velocity"]
    config["velocity"] = config["momentum"] * old - config["learning_rate"] * dw
    return w + old, config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def momentum_is_fixed(w, dw, config=None):
    """Your momentum is always 0.9, which is only the default: use config["momentum"]."""
    config = _moving(w, config)
    config["velocity"] = 0.9 * config["velocity"] - config["learning_rate"] * dw
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_follows_the_formula")
def momentum_is_nesterov(w, dw, config=None):
    """This is Nesterov's rule: sgd_momentum moves the weights by the new velocity alone."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    return w + config["momentum"] * config["velocity"] - config["learning_rate"] * dw, config


@misconception(of="sgd_momentum", caught_by="momentum_has_defaults", symptom="mutation")
def velocity_shared_by_all(w, dw, config={}):  # noqa: B006 - the mistake itself
    """Two arrays of weights share one velocity: a default like `config={}` is made once and kept.
    Use `config=None`, and make a new dictionary in the function."""
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    config.setdefault("velocity", np.zeros_like(w))
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    return w + config["velocity"], config


@misconception(of="sgd_momentum", caught_by="momentum_leaves_arguments_alone", symptom="mutation")
def momentum_in_place(w, dw, config=None):
    """`w += ...` changes the caller's array: write `next_w = w + ...`, which makes a new one."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    w += config["velocity"]
    return w, config


# nesterov_momentum --------------------------------------------------------------------------------


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_is_plain_momentum(w, dw, config=None):
    """This is plain momentum: the look-ahead point also moves by momentum * (new velocity - old
    velocity). If you have that, the old velocity was overwritten before you used it."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    return w + config["velocity"], config


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_keeps_the_old_look_ahead(w, dw, config=None):
    """You add (1 + momentum) times the new velocity, but w already looks ahead by momentum times
    the old one: take that back."""
    return _nesterov(w, dw, config, old_factor=0.0)


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_swaps_velocities(w, dw, config=None):
    """Old and new velocity are swapped: the new one counts 1 + momentum times, the old one is
    taken back momentum times."""
    config = _moving(w, config)
    momentum, old = config["momentum"], config["velocity"]
    new = momentum * old - config["learning_rate"] * dw
    config["velocity"] = new
    return w - momentum * new + (1 + momentum) * old, config


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_adds_the_old_velocity(w, dw, config=None):
    """The old velocity has the wrong sign: w = x + momentum * velocity, so x is w *minus* that."""
    return _nesterov(w, dw, config, old_factor=1.0)


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_looks_ahead_only(w, dw, config=None):
    """You move by momentum times the new velocity alone: the step x' = x + v' itself is missing."""
    config = _moving(w, config)
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    return w + config["momentum"] * config["velocity"], config


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_without_learning_rate(w, dw, config=None):
    """The learning rate is missing in your velocity: it becomes momentum * velocity -
    learning_rate * dw."""
    config = _moving(w, config)
    kept, rate = dict(config), config["learning_rate"]
    w, config = _nesterov(w, dw, {**kept, "learning_rate": 1.0})
    return w, {**config, "learning_rate": rate}


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_velocity_not_stored(w, dw, config=None):
    """The new velocity is used but not kept: store it in config["velocity"]."""
    config = _moving(w, config)
    return _nesterov(w, dw, config)[0], config


@misconception(of="nesterov_momentum", caught_by="nesterov_follows_the_formula")
def nesterov_momentum_is_fixed(w, dw, config=None):
    """Your momentum is always 0.9, which is only the default: use config["momentum"]."""
    config = _moving(w, config)
    w, updated = _nesterov(w, dw, {**config, "momentum": 0.9})
    return w, {**updated, "momentum": config["momentum"]}


@misconception(of="nesterov_momentum", caught_by="nesterov_has_defaults", symptom="mutation")
def nesterov_velocity_shared_by_all(w, dw, config={}):  # noqa: B006 - the mistake itself
    """Two arrays of weights share one velocity: a default like `config={}` is made once and kept.
    Use `config=None`, and make a new dictionary in the function."""
    next_w, updated = _nesterov(w, dw, config)
    config.update(updated)
    return next_w, config


@misconception(
    of="nesterov_momentum", caught_by="nesterov_leaves_arguments_alone", symptom="mutation"
)
def nesterov_in_place(w, dw, config=None):
    """`w += ...` changes the caller's array: write `next_w = w + ...`, which makes a new one."""
    next_w, config = _nesterov(w, dw, config)
    w += next_w - w
    return w, config


# rmsprop ------------------------------------------------------------------------------------------


@misconception(of="rmsprop", caught_by="rmsprop_goes_on_from_a_cache")
def cache_only_grows(w, dw, config=None):
    """This is AdaGrad: your cache is the sum of all squares. In RMSProp it fades, decay_rate *
    cache + (1 - decay_rate) * dw**2."""
    config = _cached(w, config)
    config["cache"] = config["cache"] + dw**2
    return _divided(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_goes_on_from_a_cache")
def cache_adds_squares_in_full(w, dw, config=None):
    """The new square enters your cache in full: weight it by 1 - decay_rate, so that the cache is a
    mean."""
    config = _cached(w, config)
    config["cache"] = config["decay_rate"] * config["cache"] + dw**2
    return _divided(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_follows_the_formula")
def decay_rate_swapped(w, dw, config=None):
    """Decay rate and its complement are swapped: the old cache is weighted by decay_rate, the new
    square by 1 - decay_rate."""
    config = _cached(w, config)
    rate = config["decay_rate"]
    config["cache"] = (1 - rate) * config["cache"] + rate * dw**2
    return _divided(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_follows_the_formula")
def cache_without_root(w, dw, config=None):
    """You divide by the cache itself: it is a mean of squares, so take its root first."""
    config = _averaged(w, dw, config)
    step = config["learning_rate"] * dw / (config["cache"] + config["epsilon"])
    return w - step, config


@misconception(of="rmsprop", caught_by="rmsprop_follows_the_formula")
def cache_of_the_whole_array(w, dw, config=None):
    """You average the squares of all entries: every weight has an entry of the cache of its own,
    dw**2 as it is."""
    config = _cached(w, config)
    rate = config["decay_rate"]
    config["cache"] = rate * config["cache"] + (1 - rate) * np.mean(dw**2)
    return _divided(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_follows_the_formula")
def cache_not_stored(w, dw, config=None):
    """The new cache is used but not kept: store it in config["cache"]."""
    config = _cached(w, config)
    return _divided(w, dw, _averaged(w, dw, config))[0], config


@misconception(of="rmsprop", caught_by="rmsprop_follows_the_formula")
def decay_rate_is_fixed(w, dw, config=None):
    """Your decay rate is always 0.99, which is only the default: use config["decay_rate"]."""
    config = _cached(w, config)
    config["cache"] = 0.99 * config["cache"] + 0.01 * dw**2
    return _divided(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_goes_on_from_a_cache")
def divides_by_the_old_cache(w, dw, config=None):
    """You divide by the root of the cache from before the update: update it first."""
    config = _cached(w, config)
    old = config["cache"]
    step = config["learning_rate"] * dw / (np.sqrt(old) + config["epsilon"])
    return w - step, _averaged(w, dw, config)


@misconception(of="rmsprop", caught_by="rmsprop_goes_on_from_a_cache")
def cache_starts_anew(w, dw, config=None):
    """Your cache is set to zero at every call: take it from the config, and zeros only if there is
    none yet."""
    config = _cached(w, config)
    config["cache"] = np.zeros_like(w)
    return _divided(w, dw, _averaged(w, dw, config))


@misconception(of="rmsprop", caught_by="rmsprop_uses_epsilon")
def rmsprop_epsilon_under_the_root(w, dw, config=None):
    """Your epsilon is under the root, where 1e-8 counts as much as a gradient of 1e-4: add it to
    the root, sqrt(cache) + epsilon."""
    config = _averaged(w, dw, config)
    step = config["learning_rate"] * dw / np.sqrt(config["cache"] + config["epsilon"])
    return w - step, config


@misconception(of="rmsprop", caught_by="rmsprop_uses_epsilon")
def rmsprop_without_epsilon(w, dw, config=None):
    """Where a gradient is zero you divide zero by zero: add epsilon to the root of the cache."""
    config = _averaged(w, dw, config)
    return w - config["learning_rate"] * dw / np.sqrt(config["cache"]), config


@misconception(of="rmsprop", caught_by="rmsprop_uses_epsilon")
def rmsprop_epsilon_is_fixed(w, dw, config=None):
    """Your epsilon is always 1e-8, which is only the default: use config["epsilon"]."""
    config = _averaged(w, dw, config)
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + 1e-8), config


@misconception(of="rmsprop", caught_by="rmsprop_has_defaults", symptom="mutation")
def cache_shared_by_all(w, dw, config={}):  # noqa: B006 - the mistake itself
    """Two arrays of weights share one cache: a default like `config={}` is made once and kept. Use
    `config=None`, and make a new dictionary in the function."""
    next_w, updated = _divided(w, dw, _averaged(w, dw, config))
    config.update(updated)
    return next_w, config


@misconception(of="rmsprop", caught_by="rmsprop_leaves_arguments_alone", symptom="mutation")
def rmsprop_in_place(w, dw, config=None):
    """`w -= ...` changes the caller's array: write `next_w = w - ...`, which makes a new one."""
    next_w, config = _divided(w, dw, _averaged(w, dw, config))
    w -= w - next_w
    return w, config


# adam ---------------------------------------------------------------------------------------------


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_without_bias_correction(w, dw, config=None):
    """Your moments are not corrected: they start at zero, so divide m by 1 - beta1**t and v by 1 -
    beta2**t before you use them."""
    config = _moments(w, dw, config)
    return _step(w, config, config["m"], config["v"]), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_corrects_the_first_moment_alone(w, dw, config=None):
    """Only m is corrected: v starts at zero as well, and is too small for much longer. Divide it by
    1 - beta2**t."""
    config = _moments(w, dw, config)
    return _step(w, config, _corrected(config)[0], config["v"]), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_corrections_swapped(w, dw, config=None):
    """The corrections are swapped: 1 - beta1**t belongs to m, and 1 - beta2**t to v."""
    config = _moments(w, dw, config)
    m = config["m"] / (1 - config["beta2"] ** config["t"])
    v = config["v"] / (1 - config["beta1"] ** config["t"])
    return _step(w, config, m, v), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_uses_t_before_counting(w, dw, config=None):
    """You use t before you have raised it: in the first step it is 0, and 1 - beta**0 is 0. Add 1
    first."""
    config = _moments(w, dw, config, count=0)
    with np.errstate(all="ignore"):
        next_w = _step(w, config, *_corrected(config))
    return next_w, {**config, "t": config["t"] + 1}


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_never_counts(w, dw, config=None):
    """Your t stays 0, so that you divide by 1 - beta**0 = 0: add 1 to config["t"] in every step,
    before you use it."""
    config = _moments(w, dw, config, count=0)
    with np.errstate(all="ignore"):
        return _step(w, config, *_corrected(config)), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_does_not_store_t(w, dw, config=None):
    """You raise t but do not keep it: store it in config["t"], or every step is corrected like the
    first."""
    config = _moments(w, dw, config)
    next_w = _step(w, config, *_corrected(config))
    return next_w, {**config, "t": config["t"] - 1}


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_counts_twice(w, dw, config=None):
    """Your t is one too large: it starts at 0 and goes up by one, once in every step."""
    config = _moments(w, dw, config, count=2)
    return _step(w, config, *_corrected(config)), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_stores_the_corrected_moments(w, dw, config=None):
    """You store the corrected moments, so that they are corrected again in the next step: config
    gets m and v as they are."""
    config = _moments(w, dw, config)
    m, v = _corrected(config)
    return _step(w, config, m, v), {**config, "m": m, "v": v}


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_betas_swapped(w, dw, config=None):
    """beta1 and beta2 are swapped: beta1 belongs to the mean of gradients m, beta2 to that of
    squares v."""
    config = _adam_config(w, config)
    swapped = {**config, "beta1": config["beta2"], "beta2": config["beta1"]}
    swapped = _moments(w, dw, swapped)
    next_w = _step(w, swapped, *_corrected(swapped))
    return next_w, {**swapped, "beta1": config["beta1"], "beta2": config["beta2"]}


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_weights_swapped(w, dw, config=None):
    """Beta and its complement are swapped: the old moment is weighted by beta, the new gradient by
    1 - beta."""
    config = _adam_config(w, config)
    b1, b2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = (1 - b1) * config["m"] + b1 * dw
    config["v"] = (1 - b2) * config["v"] + b2 * dw**2
    return _step(w, config, *_corrected(config)), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_second_moment_of_gradients(w, dw, config=None):
    """Your v averages the gradients themselves: it is the mean of their squares, dw**2."""
    config = _adam_config(w, config)
    b1, b2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = b1 * config["m"] + (1 - b1) * dw
    config["v"] = b2 * config["v"] + (1 - b2) * dw
    with np.errstate(all="ignore"):
        return _step(w, config, *_corrected(config)), config


@misconception(of="adam", caught_by="adam_first_step_is_corrected")
def adam_without_root(w, dw, config=None):
    """You divide by v itself: it is a mean of squares, so take the root of the corrected v."""
    config = _moments(w, dw, config)
    m, v = _corrected(config)
    return w - config["learning_rate"] * m / (v + config["epsilon"]), config


@misconception(of="adam", caught_by="adam_follows_the_formula")
def adam_corrects_by_the_same_number(w, dw, config=None):
    """You divide by 1 - beta in every step, which is right in the first alone: the power t is
    missing, 1 - beta**t."""
    config = _moments(w, dw, config)
    m, v = config["m"] / (1 - config["beta1"]), config["v"] / (1 - config["beta2"])
    return _step(w, config, m, v), config


@misconception(of="adam", caught_by="adam_follows_the_formula")
def adam_steps_with_the_gradient(w, dw, config=None):
    """Your step has the gradient itself above the root: the corrected first moment belongs there,
    or momentum has no effect."""
    config = _moments(w, dw, config)
    return _step(w, config, dw, _corrected(config)[1]), config


@misconception(of="adam", caught_by="adam_follows_the_formula")
def adam_betas_are_fixed(w, dw, config=None):
    """Your betas are always 0.9 and 0.999, which are only the defaults: use config["beta1"] and
    config["beta2"]."""
    config = _adam_config(w, config)
    fixed = _moments(w, dw, {**config, "beta1": 0.9, "beta2": 0.999})
    next_w = _step(w, fixed, *_corrected(fixed))
    return next_w, {**fixed, "beta1": config["beta1"], "beta2": config["beta2"]}


@misconception(of="adam", caught_by="adam_goes_on_from_a_checkpoint")
def adam_starts_anew(w, dw, config=None):
    """Your moments and t are set to zero at every call: take them from the config, and zeros only
    if they are not in it yet."""
    config = _adam_config(w, config)
    fresh = {**config, "m": np.zeros_like(w), "v": np.zeros_like(w), "t": 0}
    fresh = _moments(w, dw, fresh)
    return _step(w, fresh, *_corrected(fresh)), fresh


@misconception(of="adam", caught_by="adam_uses_epsilon")
def adam_epsilon_under_the_root(w, dw, config=None):
    """Your epsilon is under the root, where 1e-8 counts as much as a gradient of 1e-4: add it to
    the root, sqrt(v_hat) + epsilon."""
    config = _moments(w, dw, config)
    m, v = _corrected(config)
    return w - config["learning_rate"] * m / np.sqrt(v + config["epsilon"]), config


@misconception(of="adam", caught_by="adam_uses_epsilon")
def adam_without_epsilon(w, dw, config=None):
    """Where a gradient is zero you divide zero by zero: add epsilon to the root of the corrected
    v."""
    config = _moments(w, dw, config)
    m, v = _corrected(config)
    return w - config["learning_rate"] * m / np.sqrt(v), config


@misconception(of="adam", caught_by="adam_uses_epsilon")
def adam_corrects_the_learning_rate(w, dw, config=None):
    """You correct the learning rate and not the moments, so that epsilon is added to the root of v
    as it is, and counts for too much: (7) adds it to the root of the corrected v."""
    config = _moments(w, dw, config)
    correction = np.sqrt(1 - config["beta2"] ** config["t"]) / (1 - config["beta1"] ** config["t"])
    root = np.sqrt(config["v"]) + config["epsilon"]
    return w - config["learning_rate"] * correction * config["m"] / root, config


@misconception(of="adam", caught_by="adam_uses_epsilon")
def adam_epsilon_is_fixed(w, dw, config=None):
    """Your epsilon is always 1e-8, which is only the default: use config["epsilon"]."""
    config = _moments(w, dw, config)
    m, v = _corrected(config)
    return w - config["learning_rate"] * m / (np.sqrt(v) + 1e-8), config


@misconception(of="adam", caught_by="adam_has_defaults", symptom="mutation")
def adam_moments_shared_by_all(w, dw, config={}):  # noqa: B006 - the mistake itself
    """Two arrays of weights share moments and t: a default like `config={}` is made once and kept.
    Use `config=None`, and make a new dictionary in the function."""
    config.update(_moments(w, dw, config))
    return _step(w, config, *_corrected(config)), config


@misconception(of="adam", caught_by="adam_leaves_arguments_alone", symptom="mutation")
def adam_in_place(w, dw, config=None):
    """`w -= ...` changes the caller's array: write `next_w = w - ...`, which makes a new one."""
    next_w, config = _adam(w, dw, config)
    w -= w - next_w
    return w, config


# adamw --------------------------------------------------------------------------------------------


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_in_the_gradient(w, dw, config=None):
    """You add the decay to the gradient: that is Adam with L2 regularisation, in which the moments
    swallow the decay. In AdamW they see dw alone, and the decay acts on the weights directly."""
    config = _decaying(w, config)
    return _adam(w, dw + config["weight_decay"] * w, config)


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_without_learning_rate(w, dw, config=None):
    """The learning rate is missing in your decay: weights shrink by learning_rate * weight_decay *
    w."""
    config = _decaying(w, config)
    next_w, updated = _adam(w, dw, config)
    return next_w - config["weight_decay"] * w, updated


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_makes_weights_grow(w, dw, config=None):
    """Your decay makes the weights grow: subtract learning_rate * weight_decay * w."""
    return _adamw(w, dw, config, factor=-1.0)


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def adamw_without_decay(w, dw, config=None):
    """This is Adam without any decay: subtract learning_rate * weight_decay * w as well."""
    return _adamw(w, dw, config, factor=0.0)


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_twice_as_strong(w, dw, config=None):
    """Your decay is twice too strong: the factor 2 of a derivative has no place here, weights
    shrink by learning_rate * weight_decay * w."""
    return _adamw(w, dw, config, factor=2.0)


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_is_divided(w, dw, config=None):
    """Your decay is divided by the root of v like the gradient: it belongs beside that fraction,
    not into its numerator."""
    config = _moments(w, dw, _decaying(w, config))
    m, v = _corrected(config)
    return _step(w, config, m + config["weight_decay"] * w, v), config


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_is_fixed(w, dw, config=None):
    """Your weight decay is always 0.01, which is only the default: use config["weight_decay"]."""
    config = _decaying(w, config)
    next_w, updated = _adam(w, dw, config)
    return next_w - config["learning_rate"] * 1e-2 * w, updated


@misconception(of="adamw", caught_by="adamw_decays_without_gradient")
def decay_replaces_the_weights(w, dw, config=None):
    """The weights themselves got lost: 1 - learning_rate * weight_decay is what multiplies w."""
    config = _decaying(w, config)
    next_w, updated = _adam(w, dw, config)
    return next_w - w + config["learning_rate"] * config["weight_decay"] * w, updated


@misconception(of="adamw", caught_by="adamw_follows_the_formula")
def decay_after_the_step(w, dw, config=None):
    """You decay the weights that Adam has already moved: the decay acts on w as it was before the
    step."""
    config = _decaying(w, config)
    next_w, updated = _adam(w, dw, config)
    return next_w * (1 - config["learning_rate"] * config["weight_decay"]), updated


@misconception(of="adamw", caught_by="adamw_follows_the_formula")
def adamw_without_bias_correction(w, dw, config=None):
    """Your moments are not corrected: as in adam, divide m by 1 - beta1**t and v by 1 -
    beta2**t."""
    config = _decaying(w, config)
    updated = _moments(w, dw, config)
    decay = config["learning_rate"] * config["weight_decay"] * w
    return _step(w, updated, updated["m"], updated["v"]) - decay, updated


@misconception(of="adamw", caught_by="adamw_goes_on_from_a_checkpoint")
def adamw_starts_anew(w, dw, config=None):
    """Your moments and t start at zero in every call: pass config on to adam, and return the one
    that comes back."""
    config = _decaying(w, config)
    fresh = {**config, "m": np.zeros_like(w), "v": np.zeros_like(w), "t": 0}
    return _adamw(w, dw, fresh)


@misconception(of="adamw", caught_by="adamw_goes_on_from_a_checkpoint")
def adamw_forgets_the_state(w, dw, config=None):
    """The config that you return is the one you were given, with the old moments and t: return the
    one that comes back from adam."""
    config = _decaying(w, config)
    return _adamw(w, dw, config)[0], config


@misconception(of="adamw", caught_by="adamw_has_defaults", symptom="mutation")
def adamw_moments_shared_by_all(w, dw, config={}):  # noqa: B006 - the mistake itself
    """Two arrays of weights share moments and t: a default like `config={}` is made once and kept.
    Use `config=None`, and make a new dictionary in the function."""
    next_w, updated = _adamw(w, dw, config)
    config.update(updated)
    return next_w, config


@misconception(of="adamw", caught_by="adamw_leaves_arguments_alone", symptom="mutation")
def adamw_in_place(w, dw, config=None):
    """Decay or step in place (`w *= ...`, `dw += ...`) changes the caller's arrays: make new
    ones."""
    next_w, config = _adamw(w, dw, config)
    w -= w - next_w
    return w, config


# step_decay ---------------------------------------------------------------------------------------


@misconception(of="step_decay", caught_by="step_decay_goes_down_the_stairs")
def stairs_one_too_late(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Your stairs come one iteration late: at the milestone itself the lower rate holds already
    (>=, not >)."""
    return factor ** sum(iteration > m * num_iterations for m in milestones)


@misconception(of="step_decay", caught_by="step_decay_goes_down_the_stairs")
def stairs_multiply_the_count(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """You multiply the factor by the number of milestones: each of them multiplies the rate once
    more, so the number is an exponent, and before the first milestone the result is 1."""
    return factor * sum(iteration >= m * num_iterations for m in milestones)


@misconception(of="step_decay", caught_by="step_decay_goes_down_the_stairs")
def stairs_have_one_step(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Your rate goes down once and no more: at every further milestone it is multiplied by the
    factor again."""
    return factor if iteration >= min(milestones) * num_iterations else 1.0


@misconception(of="step_decay", caught_by="step_decay_goes_down_the_stairs")
def stairs_at_absolute_iterations(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """You compare the iteration with the milestones as they are: they are fractions, so multiply
    them by num_iterations."""
    return factor ** sum(iteration >= m for m in milestones)


@misconception(of="step_decay", caught_by="step_decay_goes_down_the_stairs")
def stairs_go_up(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Your rate goes up: multiply by the factor at every milestone, do not divide by it."""
    return factor ** -sum(iteration >= m * num_iterations for m in milestones)


@misconception(of="step_decay", caught_by="step_decay_takes_other_stairs")
def stairs_of_a_tenth(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Your factor is always 0.1, which is only the default: use the argument."""
    return 0.1 ** sum(iteration >= m * num_iterations for m in milestones)


@misconception(of="step_decay", caught_by="step_decay_takes_other_stairs")
def stairs_always_two(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Your milestones are always 0.5 and 0.75, which are only the defaults: use the argument,
    however many it holds."""
    return factor ** sum(iteration >= m * num_iterations for m in (0.5, 0.75))


# cosine_decay -------------------------------------------------------------------------------------


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_of_a_whole_period(iteration, num_iterations, final=0.0):
    """Your cosine runs through a whole period, down and up again: half a period is π, not 2π."""
    cosine = np.cos(2 * np.pi * iteration / num_iterations)
    return final + (1 - final) * (1 + cosine) / 2


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_of_a_quarter(iteration, num_iterations, final=0.0):
    """Your curve is a quarter of a cosine, fast at the end: use half a period, from 1 to -1, and
    shift and stretch it."""
    return final + (1 - final) * np.cos(np.pi / 2 * iteration / num_iterations)


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_goes_negative(iteration, num_iterations, final=0.0):
    """Your factor goes down to -1, which walks uphill: add 1 to the cosine and halve it."""
    return final + (1 - final) * np.cos(np.pi * iteration / num_iterations)


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_starts_at_two(iteration, num_iterations, final=0.0):
    """Your factor starts at 2: 1 + cos lies between 0 and 2, so halve it."""
    return final + (1 - final) * (1 + np.cos(np.pi * iteration / num_iterations))


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_rises(iteration, num_iterations, final=0.0):
    """Your factor rises: it is (1 + cos) / 2 that goes from 1 to 0, (1 - cos) / 2 is its mirror
    image."""
    return final + (1 - final) * (1 - np.cos(np.pi * iteration / num_iterations)) / 2


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_forgets_pi(iteration, num_iterations, final=0.0):
    """The argument of your cosine goes from 0 to 1 only: multiply it by π."""
    return final + (1 - final) * (1 + np.cos(iteration / num_iterations)) / 2


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_is_a_line(iteration, num_iterations, final=0.0):
    """This is a straight line from 1 to `final`: a cosine is slow at both ends."""
    return 1 + (final - 1) * iteration / num_iterations


@misconception(of="cosine_decay", caught_by="cosine_decay_follows_the_curve")
def cosine_ends_one_early(iteration, num_iterations, final=0.0):
    """You divide by num_iterations - 1: the end of the curve belongs to iteration =
    num_iterations, one after the last."""
    cosine = np.cos(np.pi * iteration / (num_iterations - 1))
    return final + (1 - final) * (1 + cosine) / 2


@misconception(of="cosine_decay", caught_by="cosine_decay_ends_at_final")
def cosine_adds_final(iteration, num_iterations, final=0.0):
    """You add `final` to the whole curve, so that it starts above 1: shrink the cosine's part by 1
    - final, too."""
    return final + (1 + np.cos(np.pi * iteration / num_iterations)) / 2


@misconception(of="cosine_decay", caught_by="cosine_decay_ends_at_final")
def cosine_cut_off_at_final(iteration, num_iterations, final=0.0):
    """You cut the curve off at `final`: it should reach that value at the end only, so shrink the
    cosine's part by 1 - final and add `final`."""
    return max(final, (1 + np.cos(np.pi * iteration / num_iterations)) / 2)


@misconception(of="cosine_decay", caught_by="cosine_decay_ends_at_final")
def cosine_ignores_final(iteration, num_iterations, final=0.0):
    """Your curve always ends at 0: with `final`, it goes from 1 down to that value."""
    return (1 + np.cos(np.pi * iteration / num_iterations)) / 2


# linear_warmup ------------------------------------------------------------------------------------


@misconception(of="linear_warmup", caught_by="warmup_rises_in_equal_steps")
def warmup_starts_at_zero(iteration, num_iterations, num_warmup, then=None):
    """Your first factor is 0, so that the first step does nothing: count from one, (iteration + 1)
    / num_warmup."""
    if iteration < num_warmup:
        return iteration / num_warmup
    return _after(iteration, num_iterations, num_warmup, then)


@misconception(of="linear_warmup", caught_by="warmup_rises_in_equal_steps")
def warmup_over_the_whole_training(iteration, num_iterations, num_warmup, then=None):
    """You divide by num_iterations: the rate is to reach its full value after num_warmup."""
    if iteration < num_warmup:
        return (iteration + 1) / num_iterations
    return _after(iteration, num_iterations, num_warmup, then)


@misconception(of="linear_warmup", caught_by="warmup_rises_in_equal_steps")
def warmup_never_ends(iteration, num_iterations, num_warmup, then=None):
    """Your factor goes on rising above 1: after num_warmup iterations it is 1, or what `then`
    says."""
    if then is None or iteration < num_warmup:
        return (iteration + 1) / max(num_warmup, 1)
    return _after(iteration, num_iterations, num_warmup, then)


@misconception(of="linear_warmup", caught_by="warmup_rises_in_equal_steps")
def warmup_one_too_long(iteration, num_iterations, num_warmup, then=None):
    """Your warm-up is one iteration too long, and its last factor above 1: it covers the iterations
    from 0 to num_warmup - 1 (<, not <=)."""
    if num_warmup and iteration <= num_warmup:
        return (iteration + 1) / num_warmup
    return _after(iteration, num_iterations, num_warmup, then)


@misconception(of="linear_warmup", caught_by="warmup_hands_over")
def warmup_ignores_then(iteration, num_iterations, num_warmup, then=None):
    """After the warm-up your factor is always 1: if there is a schedule `then`, ask it."""
    return (iteration + 1) / num_warmup if iteration < num_warmup else 1.0


@misconception(of="linear_warmup", caught_by="warmup_hands_over")
def warmup_does_not_shift(iteration, num_iterations, num_warmup, then=None):
    """You pass iteration and num_iterations on as they are: the next schedule counts from the end
    of the warm-up, so subtract num_warmup from both."""
    if iteration < num_warmup:
        return (iteration + 1) / num_warmup
    return 1.0 if then is None else then(iteration, num_iterations)


@misconception(of="linear_warmup", caught_by="warmup_hands_over")
def warmup_shifts_the_iteration_alone(iteration, num_iterations, num_warmup, then=None):
    """You subtract num_warmup from the iteration alone: only num_iterations - num_warmup are left,
    or the next schedule never gets to its end."""
    if iteration < num_warmup:
        return (iteration + 1) / num_warmup
    return 1.0 if then is None else then(iteration - num_warmup, num_iterations)


@misconception(of="linear_warmup", caught_by="warmup_hands_over")
def warmup_multiplies(iteration, num_iterations, num_warmup, then=None):
    """You multiply the warm-up by the next schedule: that one begins after it, at iteration
    num_warmup."""
    factor = min(1.0, (iteration + 1) / num_warmup) if num_warmup else 1.0
    return factor if then is None else factor * then(iteration, num_iterations)


@misconception(of="linear_warmup", caught_by="warmup_may_be_absent", symptom="exception")
def warmup_divides_by_zero(iteration, num_iterations, num_warmup, then=None):
    """Without warm-up (num_warmup = 0) you divide by zero: divide only if iteration <
    num_warmup."""
    factor = (iteration + 1) / num_warmup
    return factor if factor <= 1 else _after(iteration, num_iterations, num_warmup, then)


# Building blocks, right with their defaults -------------------------------------------------------


def _moving(w, config):
    defaults = {"learning_rate": 1e-2, "momentum": 0.9, "velocity": np.zeros_like(w)}
    return {**defaults, **(config or {})}


def _nesterov(w, dw, config, old_factor=-1.0):
    config = _moving(w, config)
    momentum, old = config["momentum"], config["velocity"]
    config["velocity"] = momentum * old - config["learning_rate"] * dw
    return w + old_factor * momentum * old + (1 + momentum) * config["velocity"], config


def _cached(w, config):
    defaults = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}
    return {**defaults, "cache": np.zeros_like(w), **(config or {})}


def _averaged(w, dw, config):
    """Return the config with the new cache."""
    config = _cached(w, config)
    rate = config["decay_rate"]
    return {**config, "cache": rate * config["cache"] + (1 - rate) * dw**2}


def _divided(w, dw, config):
    """Return the step of RMSProp with the cache as it is."""
    root = np.sqrt(config["cache"]) + config["epsilon"]
    return w - config["learning_rate"] * dw / root, config


def _adam_config(w, config):
    defaults = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    return {**defaults, "m": np.zeros_like(w), "v": np.zeros_like(w), "t": 0, **(config or {})}


def _moments(w, dw, config, count=1):
    """Return the config with new moments and t."""
    config = _adam_config(w, config)
    b1, b2 = config["beta1"], config["beta2"]
    config["t"] += count
    config["m"] = b1 * config["m"] + (1 - b1) * dw
    config["v"] = b2 * config["v"] + (1 - b2) * dw**2
    return config


def _corrected(config):
    t = config["t"]
    first, second = np.float64(1 - config["beta1"] ** t), np.float64(1 - config["beta2"] ** t)
    return config["m"] / first, config["v"] / second


def _step(w, config, m, v):
    return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"])


def _adam(w, dw, config):
    config = _moments(w, dw, config)
    return _step(w, config, *_corrected(config)), config


def _decaying(w, config):
    return {"weight_decay": 1e-2, **_adam_config(w, config)}


def _adamw(w, dw, config, factor=1.0):
    config = _decaying(w, config)
    next_w, updated = _adam(w, dw, config)
    return next_w - factor * config["learning_rate"] * config["weight_decay"] * w, updated


def _after(iteration, num_iterations, num_warmup, then):
    if then is None:
        return 1.0
    return then(iteration - num_warmup, num_iterations - num_warmup)
