"""Hidden checks of the optimizers exercise.

Steps are long compared to the weights, so that an error in a step is an error in the weights, and
tolerances can be those of single precision. Weights and state are compared after every step.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-6


# sgd ----------------------------------------------------------------------------------------------


@check(points=1, of="sgd")
def sgd_steps_downhill(student, rng):
    """Every step subtracts the learning rate of the config times the gradient."""
    w, gradients = _walk(rng, (3, 2), steps=3)
    _assert_steps(student.sgd, oracle.sgd, w, gradients, {"learning_rate": 0.37})


@check(points=1, of="sgd")
def sgd_has_a_default(student, rng):
    """Without a config, in float32, the learning rate is 0.01, in later steps as well."""
    _assert_defaults(student.sgd, oracle.sgd, rng)


@check(points=1, of="sgd")
def sgd_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of sgd."""
    _assert_unchanged(student, "sgd", rng)


# sgd_momentum -------------------------------------------------------------------------------------


@check(points=2, of="sgd_momentum")
def momentum_follows_the_formula(student, rng):
    """Weights and velocity are right after each of four steps."""
    w, gradients = _walk(rng, (2, 3), steps=4)
    settings = {"learning_rate": 0.23, "momentum": 0.7}
    _assert_steps(student.sgd_momentum, oracle.sgd_momentum, w, gradients, settings)


@check(points=1, of="sgd_momentum")
def momentum_goes_on_from_a_velocity(student, rng):
    """Given a config that holds a velocity, the walk goes on with it."""
    w, gradients = _walk(rng, (5,), steps=2)
    config = {"learning_rate": 0.31, "momentum": 0.6, "velocity": rng.normal(0.4, 1.0, size=5)}
    _assert_steps(student.sgd_momentum, oracle.sgd_momentum, w, gradients, config)


@check(points=1, of="sgd_momentum")
def momentum_has_defaults(student, rng):
    """Without a config, in float32, defaults hold, and two arrays have a velocity each."""
    _assert_defaults(student.sgd_momentum, oracle.sgd_momentum, rng)


@check(points=1, of="sgd_momentum")
def momentum_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of sgd_momentum."""
    _assert_unchanged(student, "sgd_momentum", rng)


# nesterov_momentum --------------------------------------------------------------------------------


@check(points=2, of="nesterov_momentum")
def nesterov_follows_the_formula(student, rng):
    """Look-ahead point and velocity are right after each of four steps."""
    w, gradients = _walk(rng, (3, 4), steps=4)
    settings = {"learning_rate": 0.19, "momentum": 0.6}
    _assert_steps(student.nesterov_momentum, oracle.nesterov_momentum, w, gradients, settings)


@check(points=1, of="nesterov_momentum")
def nesterov_goes_on_from_a_velocity(student, rng):
    """Given a config that holds a velocity, the walk goes on with it."""
    w, gradients = _walk(rng, (4, 1), steps=2)
    velocity = rng.normal(-0.4, 1.0, size=(4, 1))
    config = {"learning_rate": 0.27, "momentum": 0.8, "velocity": velocity}
    _assert_steps(student.nesterov_momentum, oracle.nesterov_momentum, w, gradients, config)


@check(points=1, of="nesterov_momentum")
def nesterov_has_defaults(student, rng):
    """Without a config, in float32, defaults hold, and two arrays have a velocity each."""
    _assert_defaults(student.nesterov_momentum, oracle.nesterov_momentum, rng)


@check(points=1, of="nesterov_momentum")
def nesterov_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of nesterov_momentum."""
    _assert_unchanged(student, "nesterov_momentum", rng)


# rmsprop ------------------------------------------------------------------------------------------


@check(points=2, of="rmsprop")
def rmsprop_follows_the_formula(student, rng):
    """Weights and cache are right after each of four steps."""
    w, gradients = _walk(rng, (2, 5), steps=4)
    settings = {"learning_rate": 0.21, "decay_rate": 0.8}
    _assert_steps(student.rmsprop, oracle.rmsprop, w, gradients, settings)


@check(points=1, of="rmsprop")
def rmsprop_goes_on_from_a_cache(student, rng):
    """Given a config that holds a cache, the walk goes on with it."""
    w, gradients = _walk(rng, (3,), steps=2)
    config = {"learning_rate": 0.4, "decay_rate": 0.7, "cache": rng.uniform(0.3, 2.0, size=3)}
    _assert_steps(student.rmsprop, oracle.rmsprop, w, gradients, config)


@check(points=1, of="rmsprop")
def rmsprop_uses_epsilon(student, rng):
    """Gradients that are small or zero give steps that are finite, with epsilon in its place."""
    settings = {"learning_rate": 0.3, "decay_rate": 0.75}
    _assert_small_steps(student.rmsprop, oracle.rmsprop, rng, settings)


@check(points=1, of="rmsprop")
def rmsprop_has_defaults(student, rng):
    """Without a config, in float32, defaults hold, and two arrays have a cache each."""
    _assert_defaults(student.rmsprop, oracle.rmsprop, rng)


@check(points=1, of="rmsprop")
def rmsprop_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of rmsprop."""
    _assert_unchanged(student, "rmsprop", rng)


# adam ---------------------------------------------------------------------------------------------


@check(points=1, of="adam")
def adam_first_step_is_corrected(student, rng):
    """After the first step, every weight has moved by the learning rate, and t is 1."""
    w, gradients = _walk(rng, (3, 2), steps=1)
    settings = {"learning_rate": 0.45, "beta1": 0.8, "beta2": 0.9}
    _assert_steps(student.adam, oracle.adam, w, gradients, settings)


@check(points=2, of="adam")
def adam_follows_the_formula(student, rng):
    """Weights, both moments and t are right after each of five steps."""
    w, gradients = _walk(rng, (2, 4), steps=5)
    settings = {"learning_rate": 0.33, "beta1": 0.7, "beta2": 0.9}
    _assert_steps(student.adam, oracle.adam, w, gradients, settings)


@check(points=2, of="adam")
def adam_goes_on_from_a_checkpoint(student, rng):
    """Given a config that holds moments and t, the walk goes on with them."""
    w, gradients = _walk(rng, (4, 3), steps=3)
    config = {"learning_rate": 0.29, "beta1": 0.85, "beta2": 0.95, **_moments(rng, (4, 3)), "t": 5}
    _assert_steps(student.adam, oracle.adam, w, gradients, config)


@check(points=1, of="adam")
def adam_uses_epsilon(student, rng):
    """Gradients that are small or zero give steps that are finite, with epsilon in its place."""
    settings = {"learning_rate": 0.3, "beta1": 0.6, "beta2": 0.9}
    _assert_small_steps(student.adam, oracle.adam, rng, settings)


@check(points=1, of="adam")
def adam_has_defaults(student, rng):
    """Without a config, in float32, defaults hold, and two arrays have their own moments."""
    _assert_defaults(student.adam, oracle.adam, rng)


@check(points=1, of="adam")
def adam_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of adam."""
    _assert_unchanged(student, "adam", rng)


# adamw --------------------------------------------------------------------------------------------


@check(points=2, of="adamw")
def adamw_follows_the_formula(student, rng):
    """Weights, both moments and t are right after each of four steps."""
    w, gradients = _walk(rng, (3, 2), steps=4)
    settings = {"learning_rate": 0.35, "beta1": 0.75, "beta2": 0.9, "weight_decay": 0.6}
    _assert_steps(student.adamw, oracle.adamw, w, gradients, settings)


@check(points=1, of="adamw")
def adamw_decays_without_gradient(student, rng):
    """Without gradients, weights shrink by the same factor each step, and the moments stay zero."""
    w, gradients = _walk(rng, (4,), steps=3)
    settings = {"learning_rate": 0.25, "weight_decay": 0.7}
    _assert_steps(student.adamw, oracle.adamw, w, [0 * dw for dw in gradients], settings)


@check(points=1, of="adamw")
def adamw_goes_on_from_a_checkpoint(student, rng):
    """Given a config that holds moments and t, the walk goes on with them."""
    w, gradients = _walk(rng, (2, 3), steps=2)
    settings = {"learning_rate": 0.28, "beta1": 0.8, "beta2": 0.94, "weight_decay": 0.7}
    config = {**settings, **_moments(rng, (2, 3)), "t": 7}
    _assert_steps(student.adamw, oracle.adamw, w, gradients, config)


@check(points=1, of="adamw")
def adamw_has_defaults(student, rng):
    """Without a config, in float32, defaults hold, and two arrays have their own moments."""
    _assert_defaults(student.adamw, oracle.adamw, rng)


@check(points=1, of="adamw")
def adamw_leaves_arguments_alone(student, rng):
    """The arrays w and dw are the same after a call of adamw."""
    _assert_unchanged(student, "adamw", rng)


# Schedules ----------------------------------------------------------------------------------------


@check(points=1, of="step_decay")
def step_decay_goes_down_the_stairs(student, rng):
    """The default staircase is right before, at and after every milestone."""
    number = 4 * int(rng.integers(5, 30))
    places = (0, number // 2 - 1, number // 2, 3 * number // 4 - 1, 3 * number // 4, number - 1)
    for place in places:
        _assert_factor(student.step_decay, oracle.step_decay, place, number)


@check(points=1, of="step_decay")
def step_decay_takes_other_stairs(student, rng):
    """Other factors and milestones, in any order, give another staircase."""
    milestones = tuple(rng.permutation([0.125, 0.25, 0.625]).tolist())
    for place in (0, 4, 9, 15, 19, 20, 31):
        settings = {"factor": 0.3, "milestones": milestones}
        _assert_factor(student.step_decay, oracle.step_decay, place, 32, **settings)


@check(points=1, of="cosine_decay")
def cosine_decay_follows_the_curve(student, rng):
    """The factor follows half a period of a cosine from 1 towards 0."""
    number = int(rng.integers(7, 60))
    for place in (0, 1, number // 3, number // 2, number - 1):
        _assert_factor(student.cosine_decay, oracle.cosine_decay, place, number)


@check(points=1, of="cosine_decay")
def cosine_decay_ends_at_final(student, rng):
    """With another final value, the curve is the same between 1 and that value."""
    final = float(rng.uniform(0.1, 0.4))
    for place in (20, 0, 5, 11, 22):
        _assert_factor(student.cosine_decay, oracle.cosine_decay, place, 23, final=final)


@check(points=1, of="linear_warmup")
def warmup_rises_in_equal_steps(student, rng):
    """The factor rises to 1 in equal steps, does not start at 0, and stays at 1."""
    warm = int(rng.integers(4, 12))
    for place in (0, 1, warm - 2, warm - 1, warm + 1, warm, 2 * warm):
        _assert_factor(student.linear_warmup, oracle.linear_warmup, place, 3 * warm, warm)


@check(points=1, of="linear_warmup")
def warmup_hands_over(student, rng):
    """After the warm-up the next schedule starts at 0, with the iterations that are left."""
    warm, left = int(rng.integers(3, 9)), int(rng.integers(11, 20))

    def then(iteration, num_iterations):
        return 0.9 - iteration / (2.0 * num_iterations)

    for place in (0, warm - 1, warm, warm + 1, warm + left - 1):
        _assert_factor(
            student.linear_warmup, oracle.linear_warmup, place, warm + left, warm, then=then
        )


@check(points=1, of="linear_warmup")
def warmup_may_be_absent(student, rng):
    """With a warm-up of no iterations, the factor is 1 from the start."""
    number = int(rng.integers(5, 20))
    for place in (0, number // 2):
        _assert_factor(student.linear_warmup, oracle.linear_warmup, place, number, 0)


# Inputs -------------------------------------------------------------------------------------------


def _walk(rng, shape, *, steps):
    """Return weights and one gradient per step, of either sign, none of them near zero."""
    w = rng.normal(0.5, 1.0, size=shape)
    sizes = rng.uniform(0.3, 3.0, size=(steps, *shape))
    return w, list(sizes * rng.choice([-1.0, 1.0], size=sizes.shape))


def _moments(rng, shape):
    """Return moments as a run could have left them behind."""
    return {"m": rng.normal(0.2, 0.6, size=shape), "v": rng.uniform(0.4, 2.0, size=shape)}


# Verdicts -----------------------------------------------------------------------------------------


def _assert_steps(rule, reference, w, gradients, config):
    """Pass gradients to the student's rule one by one; compare weights and state after each."""
    given = {} if config is None else config
    expected = reference(w, gradients, **given)
    for number, (dw, (next_w, state)) in enumerate(zip(gradients, expected, strict=True), start=1):
        w, config = rule(w, dw) if config is None else rule(w, dw, config)
        _assert_step(w, config, next_w, state, number)


def _assert_step(w, config, next_w, state, number):
    after = f"after {number} {'step' if number == 1 else 'steps'}"
    assert_shape(w, next_w.shape, name=f"w {after}")
    assert_close(w, next_w, name=f"w {after}", rtol=RTOL, atol=ATOL)
    require(
        isinstance(config, dict),
        f"the second value returned is of type {type(config).__name__}, expected the config, a "
        "dictionary",
        kind="type",
    )
    for key, value in state.items():
        require(
            key in config,
            f"the config that is returned has no {key!r}: without it, the next step cannot go on",
        )
        assert_close(config[key], value, name=f'config["{key}"] {after}', rtol=RTOL, atol=ATOL)


def _assert_defaults(rule, reference, rng):
    """Walk with two arrays of one shape in turns, in float32, without a config to begin with."""
    walks = []
    for _ in range(2):
        w, gradients = _walk(rng, (1, 3), steps=3)
        # Weights as small as the steps: otherwise a wrong step would not show in single precision.
        w = (0.01 * w).astype(np.float32)
        gradients = [dw.astype(np.float32) for dw in gradients]
        walks.append([w, gradients, reference(w, gradients)])
    w, (dw, other, _), (first, *_) = walks[0]
    _assert_step(*rule(w, dw), *first, 1)
    rule(w, -other)
    again, _ = rule(w, dw)
    require(
        np.allclose(np.asarray(again), first[0], rtol=RTOL, atol=ATOL),
        "the same step without a config gives another result after the function was used for other "
        "weights: something is kept outside of the config",
        kind="mutation",
    )
    configs = [None, None]
    for step in range(3):
        for i, (w, gradients, expected) in enumerate(walks):
            dw = gradients[step]
            w, configs[i] = rule(w, dw) if configs[i] is None else rule(w, dw, configs[i])
            _assert_step(w, configs[i], *expected[step], step + 1)
            walks[i][0] = w


def _assert_small_steps(rule, reference, rng, settings):
    """Walk with gradients near a small epsilon, then with ordinary ones and a large epsilon."""
    w, gradients = _walk(rng, (5,), steps=2)
    w = 0.1 * w
    small = [1e-7 * dw for dw in gradients]
    for dw in small:
        dw[2] = 0.0
    expected = reference(w, small, **settings)
    returned, config = w, settings
    for number, (dw, (next_w, _)) in enumerate(zip(small, expected, strict=True), start=1):
        returned, config = rule(returned, dw, config)
        # The moments are as small as the gradients' squares: their values show in the steps alone.
        _assert_step(returned, config, next_w, {}, number)
    _assert_steps(rule, reference, w, gradients, {**settings, "epsilon": 0.4})


def _assert_unchanged(student, name, rng):
    w, (dw,) = _walk(rng, (3, 4), steps=1)
    held_w, held_dw = student.hold(w), student.hold(dw)
    next_w, _ = getattr(student, name)(held_w, held_dw, {"learning_rate": 0.5})
    assert_shape(next_w, w.shape, name="w after the step")
    require_unchanged(name, w=(held_w, w), dw=(held_dw, dw))


def _assert_factor(schedule, reference, place, number, *args, **kwargs):
    factor = schedule(place, number, *args, **kwargs)
    expected = reference(place, number, *args, **kwargs)
    where = f"the factor at iteration {place} of {number}"
    assert_close(factor, expected, name=where, rtol=RTOL, atol=ATOL)
