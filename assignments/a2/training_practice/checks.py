"""Hidden checks of training_practice.

Functions that are passed to the student's (losses, rules, objectives) are called back here, and
give the same answer to the same arguments, so that a failure can be replayed. The runs that
`diagnose` gets are drawn with noise, and drawn again until every rule that matters for their
verdict is clearly kept or clearly broken: see `_run`.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, check, require, require_unchanged

from . import oracle

# Tolerances of single precision, so that a solution may compute in float32.
RTOL, ATOL = 1e-4, 1e-6
# How far every run stays from the bars of the rules that decide on it (units: see oracle.rules).
MARGIN = 0.1


# expected_initial_loss ----------------------------------------------------------------------------


@check(points=1, of="expected_initial_loss")
def softmax_loss_is_right(student, rng):
    """The softmax loss at the start is right for several numbers of classes."""
    for classes in (3, 7, int(rng.integers(20, 1000))):
        got = student.expected_initial_loss(classes)
        assert_close(got, oracle.initial_loss(classes), name="loss", rtol=RTOL)


@check(points=1, of="expected_initial_loss")
def loss_of_one_class(student, rng):
    """With a single class there is nothing to guess: both losses are zero."""
    assert_close(student.expected_initial_loss(1), 0.0, name="softmax loss", atol=ATOL)
    assert_close(student.expected_initial_loss(1, "svm"), 0.0, name="hinge loss", atol=ATOL)


@check(points=1, of="expected_initial_loss")
def hinge_loss_is_right(student, rng):
    """The hinge loss at the start is right for several numbers of classes."""
    for classes in (2, 5, int(rng.integers(20, 1000))):
        got = student.expected_initial_loss(classes, kind="svm")
        assert_close(got, oracle.initial_loss(classes, "svm"), name="hinge loss", rtol=RTOL)


# overfit_handful ----------------------------------------------------------------------------------


@check(points=2, of="overfit_handful")
def weights_are_right(student, rng):
    """After some steps of plain descent on a loss of three parameters, all weights are right."""
    loss_fn, params = _problem(rng)
    args = params, _plain_rule, {"learning_rate": 0.15}, 4
    got, _ = student.overfit_handful(loss_fn, *args)
    expected, _ = oracle.descend(loss_fn, *args)
    _require_keys(got, expected)
    for name, w in expected.items():
        assert_close(got[name], w, name=f"params[{name!r}]", rtol=RTOL, atol=1e-4)


@check(points=1, of="overfit_handful")
def losses_are_those_before_each_step(student, rng):
    """One loss is returned for each step, that before it."""
    loss_fn, params = _problem(rng)
    args = params, _plain_rule, {"learning_rate": 0.15}, 5
    _, losses = student.overfit_handful(loss_fn, *args)
    _, expected = oracle.descend(loss_fn, *args)
    assert_close(losses, expected, name="losses", rtol=RTOL, atol=ATOL)


@check(points=1, of="overfit_handful")
def every_parameter_has_its_config(student, rng):
    """Every parameter keeps a config of its own from step to step, as momentum needs it."""
    loss_fn, params = _problem(rng)
    args = params, _moving_rule, {"learning_rate": 0.1, "momentum": 0.7}, 4
    got, _ = student.overfit_handful(loss_fn, *args)
    expected, _ = oracle.descend(loss_fn, *args)
    _require_keys(got, expected)
    for name, w in expected.items():
        assert_close(got[name], w, name=f"params[{name!r}]", rtol=RTOL, atol=1e-4)


@check(points=1, of="overfit_handful")
def callers_dictionaries_stay(student, rng):
    """The caller's weights and config are the same after the call."""
    loss_fn, params = _problem(rng)
    config = {"learning_rate": 0.2, "momentum": 0.5}
    held, held_config = student.hold(params), student.hold(config)
    student.overfit_handful(loss_fn, held, _moving_rule, held_config, 3)
    require_unchanged("overfit_handful", params=(held, params), config=(held_config, config))


@check(points=1, of="overfit_handful")
def one_step_in_float32(student, rng):
    """A single step on weights in float32 gives one loss and the right weights."""
    loss_fn, params = _problem(rng)
    params = {name: w.astype(np.float32) for name, w in params.items()}
    args = params, _plain_rule, {"learning_rate": 0.3}, 1
    got, losses = student.overfit_handful(loss_fn, *args)
    expected, expected_losses = oracle.descend(loss_fn, *args)
    assert_close(losses, expected_losses, name="losses", rtol=1e-3, atol=1e-4)
    _require_keys(got, expected)
    for name, w in expected.items():
        assert_close(got[name], w, name=f"params[{name!r}]", rtol=1e-3, atol=1e-3)


# learning_rate_range_test -------------------------------------------------------------------------


@check(points=1, of="learning_rate_range_test")
def rates_in_equal_factors(student, rng):
    """Rates go up by equal factors, both ends included, and losses belong to them."""
    low, high = 10 ** rng.uniform(-5, -4), 10 ** rng.uniform(-1, 0.5)
    rates, losses = student.learning_rate_range_test(_slope, low, high, 7)
    expected = oracle.equal_factors(low, high, 7)
    assert_close(rates, expected, name="rates", rtol=RTOL, atol=0.0)
    assert_close(losses, [_slope(r) for r in expected], name="losses", rtol=RTOL)


@check(points=1, of="learning_rate_range_test")
def two_rates(student, rng):
    """With two steps, the rates are just low and high."""
    low, high = rng.uniform(0.001, 0.002), rng.uniform(0.3, 0.4)
    rates, losses = student.learning_rate_range_test(_slope, low, high, 2)
    assert_close(rates, [low, high], name="rates", rtol=RTOL)
    assert_close(losses, [_slope(low), _slope(high)], name="losses", rtol=RTOL)


@check(points=1, of="learning_rate_range_test")
def ends_at_a_loss_that_is_not_finite(student, rng):
    """A loss that is infinite or NaN ends the test, and is returned with its rate."""
    for wreck in (float("nan"), float("inf")):

        def loss_at(rate, wreck=wreck):
            return wreck if 0.03 < rate < 0.3 else 2.0

        rates, losses = student.learning_rate_range_test(loss_at, 1e-4, 1.0, 5)
        require(
            len(rates) == len(losses) == 4,
            "the test does not end with (and return) the first loss that is not finite",
        )


@check(points=1, of="learning_rate_range_test")
def ends_at_four_times_the_smallest(student, rng):
    """A loss over 4 times the smallest so far ends the test; one that is lower does not."""
    scale = rng.uniform(0.5, 2.0)
    # Falls to 1, rises to 3.4 (no end), then to 5: less than the first loss, and yet the end.
    shape = [8.0, 3.0, 1.0, 1.5, 3.4, 5.0, 1.1, 4.9, 40.0]

    def loss_at(rate):
        place = round(8 * (np.log10(rate) + 3) / 3)
        return float(scale * shape[min(max(int(place), 0), 8)])

    rates, losses = student.learning_rate_range_test(loss_at, 1e-3, 1.0, 9)
    expected_rates, expected = oracle.range_test(loss_at, 1e-3, 1.0, 9)
    require(
        len(losses) == len(expected),
        "the test does not end after the first loss over 4 times the smallest so far",
    )
    assert_close(rates, expected_rates, name="rates", rtol=RTOL)
    assert_close(losses, expected, name="losses", rtol=RTOL)


# pick_learning_rate -------------------------------------------------------------------------------


@check(points=1, of="pick_learning_rate")
def picks_a_tenth_of_the_lowest(student, rng):
    """A tenth of the rate at which the smoothed loss is lowest, on a noisy curve."""
    for beta in (0.3, 0.6, 0.85):
        rates, losses = _sweep(rng)
        got = student.pick_learning_rate(rates, losses, beta)
        assert_close(got, oracle.picked_rate(rates, losses, beta), name="rate", rtol=RTOL)


@check(points=1, of="pick_learning_rate")
def smoothing_has_no_bias(student, rng):
    """On losses that only fall, the last is the lowest: smoothing has no bias to its start."""
    rates = oracle.equal_factors(1e-4, 1.0, 9)
    losses = (2.3 * 0.97 ** np.arange(9) + rng.uniform(0, 0.01, size=9)).tolist()
    got = student.pick_learning_rate(rates, losses)
    assert_close(got, oracle.picked_rate(rates, losses, 0.8), name="rate", rtol=RTOL)


@check(points=1, of="pick_learning_rate")
def ignores_the_wreck(student, rng):
    """A last loss that is NaN or infinite is left out."""
    for wreck in (float("nan"), float("inf"), float("-inf")):
        rates, losses = _sweep(rng)
        losses[-1] = wreck
        got = student.pick_learning_rate(rates, losses, 0.7)
        assert_close(got, oracle.picked_rate(rates, losses, 0.7), name="rate", rtol=RTOL)


# update_ratio -------------------------------------------------------------------------------------


@check(points=1, of="update_ratio")
def ratio_of_a_matrix(student, rng):
    """The ratio of a matrix, and of a vector, is that of the norms over all entries."""
    for shape in ((3, 5), (7,)):
        w = rng.normal(1.0, 2.0, size=shape)
        after = w + rng.normal(0.5, 1.0, size=shape)
        got = student.update_ratio(w, after)
        assert_close(got, oracle.ratio(w, after), name="ratio", rtol=RTOL)


@check(points=1, of="update_ratio")
def ratio_of_filters_in_float32(student, rng):
    """Filters of four dimensions in float32 are fine, and both arrays stay as they are."""
    w = rng.normal(1.0, 2.0, size=(2, 3, 4, 5)).astype(np.float32)
    after = w + rng.normal(0.0, 0.5, size=w.shape).astype(np.float32)
    held = student.hold(w), student.hold(after)
    got = student.update_ratio(*held)
    assert_close(got, oracle.ratio(w, after), name="ratio", rtol=1e-3)
    require_unchanged("update_ratio", w=(held[0], w), next_w=(held[1], after))


@check(points=1, of="update_ratio")
def ratio_of_zero_weights(student, rng):
    """Weights that are all zero give infinity; a step that goes nowhere gives zero."""
    got = student.update_ratio(np.zeros((2, 3)), rng.normal(size=(2, 3)))
    require(
        isinstance(got, int | float | np.floating | np.ndarray) and bool(np.all(np.isposinf(got))),
        "the ratio for weights that are all zero is not infinity",
    )
    w = rng.normal(size=(3, 4))
    assert_close(student.update_ratio(w, w), 0.0, name="ratio of no step", atol=ATOL)


# eight_verdicts -----------------------------------------------------------------------------------

RIGHT = {
    "A": "overfitting",
    "B": "learning rate too high",
    "C": "good run",
    "D": "bug in the data",
    "E": "learning rate too low",
    "F": "bad initialisation",
    "G": "underfitting",
    "H": "dead units",
}


@check(points=1, of="eight_verdicts")
def runs_a_and_d(student, rng):
    """The verdicts on the runs A and D are right."""
    _require_verdicts(student, "AD")


@check(points=1, of="eight_verdicts")
def runs_b_and_f(student, rng):
    """The verdicts on the runs B and F are right."""
    _require_verdicts(student, "BF")


@check(points=1, of="eight_verdicts")
def runs_c_and_h(student, rng):
    """The verdicts on the runs C and H are right."""
    _require_verdicts(student, "CH")


@check(points=1, of="eight_verdicts")
def runs_e_and_g(student, rng):
    """The verdicts on the runs E and G are right."""
    _require_verdicts(student, "EG")


# diagnose -----------------------------------------------------------------------------------------


@check(points=1, of="diagnose")
def sees_a_loss_that_is_not_finite(student, rng):
    """A loss that is NaN or infinite, at the end or on the way, means too high a learning rate."""
    runs = [_run(rng, kind) for kind in ("nan", "nan on the way", "infinite", "good")]
    _require_diagnoses(student, runs)


@check(points=1, of="diagnose")
def sees_a_loss_that_grows(student, rng):
    """A loss that ends far above its start means too high a learning rate."""
    _require_diagnoses(student, [_run(rng, kind) for kind in ("grows", "grows", "good")])


@check(points=2, of="diagnose")
def sees_a_bad_start(student, rng):
    """A first loss far above log C is seen, for any number of classes."""
    runs = [_run(rng, "bad start", classes=c) for c in (2, 10, 30)]
    runs += [_run(rng, "good", classes=c) for c in (2, 10, 200)]
    runs += [_run(rng, "high start", classes=c) for c in (10, 23)]
    _require_diagnoses(student, runs)


@check(points=1, of="diagnose")
def sees_dead_units(student, rng):
    """Dead units are seen, before what follows from them."""
    _require_diagnoses(student, [_run(rng, k) for k in ("dead", "dead and wide", "some dead")])


@check(points=1, of="diagnose")
def sees_shuffled_labels(student, rng):
    """Labels learned by heart, with validation at chance, are a bug in the data."""
    runs = [_run(rng, "bug", classes=c) for c in (2, 10, 20)]
    _require_diagnoses(student, [*runs, _run(rng, "overfit", classes=20), _run(rng, "overfit")])


@check(points=1, of="diagnose")
def sees_overfitting(student, rng):
    """A wide gap at the end is overfitting; a narrow one, or one that has closed, is not."""
    kinds = ("overfit", "overfit late", "good", "gap closes", "low gap")
    _require_diagnoses(student, [_run(rng, kind) for kind in kinds])


@check(points=1, of="diagnose")
def sees_slow_learning(student, rng):
    """A poor run whose loss is still on its way down has too low a learning rate."""
    _require_diagnoses(student, [_run(rng, kind) for kind in ("slow", "very slow", "good")])


@check(points=1, of="diagnose")
def sees_underfitting(student, rng):
    """A poor run whose loss has long stopped falling is underfitting."""
    _require_diagnoses(student, [_run(rng, kind) for kind in ("flat", "flat", "slow")])


@check(points=1, of="diagnose")
def leaves_good_runs_alone(student, rng):
    """Good runs are left alone, with targets low and high, even if the loss is still falling."""
    kinds = ("good", "good low", "good still falling", "very slow")
    _require_diagnoses(student, [_run(rng, kind) for kind in kinds])


@check(points=1, of="diagnose")
def one_epoch_does_not_decide(student, rng):
    """A single bad epoch at the very end does not change the verdict."""
    _require_diagnoses(student, [_run(rng, kind) for kind in ("spike", "dip", "good")])


@check(points=1, of="diagnose")
def reads_lists_and_float32(student, rng):
    """Histories may be lists or arrays in float32, and stay as they are."""
    for kind in ("slow", "overfit", "good"):
        run = _run(rng, kind)
        single = {k: _single(v) for k, v in run.items()}
        held = student.hold(single)
        got = student.diagnose(held)
        require_unchanged("diagnose", history=(held, single))
        require(got == oracle.verdict(run)[0], "the verdict on a run in float32 is not the table's")


# early_stopping -----------------------------------------------------------------------------------


@check(points=1, of="early_stopping")
def stops_in_time(student, rng):
    """On noisy curves, it stops when patience has run out, and knows the best epoch."""
    for patience in (1, 2, 3, 5):
        # Rises, then sinks, so that every patience runs out.
        t = np.arange(24)
        curve = 0.6 - 0.002 * (t - 9.0) ** 2 + rng.normal(0, 0.02, size=24)
        _require_stop(student, curve.tolist(), patience)


@check(points=1, of="early_stopping")
def ties_are_no_improvement(student, rng):
    """An equal accuracy does not start patience anew, and the first of equals is the best."""
    base = float(rng.integers(20, 40)) / 128
    curve = [base, base + 0.25, base + 0.25, base + 0.125, base + 0.25, base + 0.5]
    for patience in (2, 3):
        _require_stop(student, curve, patience)


@check(points=1, of="early_stopping")
def patience_may_never_run_out(student, rng):
    """A curve that keeps finding new bests is followed to its end; a single epoch is fine, too."""
    steps = rng.uniform(0.01, 0.03, size=9)
    curve = np.cumsum(steps) + 0.1
    curve[[2, 5, 8]] -= 0.05
    _require_stop(student, curve.tolist(), 2)
    _require_stop(student, curve.tolist(), 30)
    _require_stop(student, [0.37], 1)


@check(points=1, of="early_stopping")
def reads_float32(student, rng):
    """A curve may be an array in float32, and stays as it is."""
    curve = (0.5 + rng.normal(0, 0.1, size=15)).astype(np.float32)
    held = student.hold(curve)
    got = student.early_stopping(held, 4)
    require_unchanged("early_stopping", val_acc=(held, curve))
    _require_pair(got, oracle.stopping(curve, 4))


# grid_search --------------------------------------------------------------------------------------


@check(points=2, of="grid_search")
def grid_has_all_combinations(student, rng):
    """All combinations of values in equal factors are tried, ends included."""
    bounds = _bounds(rng, 2)
    _, trials = student.grid_search(_hill(bounds), bounds, 4)
    values = {name: oracle.equal_factors(*bounds[name], 4) for name in bounds}
    expected = sorted((a, b) for a in values["rate"] for b in values["reg"])
    got = sorted((float(p["rate"]), float(p["reg"])) for p, _ in trials)
    require(len(got) == 16, "a grid of 4 values for each of 2 parameters has not 16 trials")
    assert_close(np.log(got), np.log(expected), name="logarithms of the grid", rtol=RTOL, atol=1e-4)


@check(points=1, of="grid_search")
def grid_of_three_parameters(student, rng):
    """Three parameters are fine, and the best of the trials is returned, with its scores."""
    bounds = _bounds(rng, 3)
    hill = _hill(bounds)
    best, trials = student.grid_search(hill, bounds, 3)
    require(len(trials) == 27, "a grid of 3 values for each of 3 parameters has not 27 trials")
    _require_scores(hill, best, trials)


@check(points=1, of="grid_search")
def grid_survives_nan(student, rng):
    """A trial whose score is NaN is never the best."""
    bounds = _bounds(rng, 2)
    hill = _cliff(bounds)
    best, trials = student.grid_search(hill, bounds, 5)
    _require_scores(hill, best, trials)


# random_search ------------------------------------------------------------------------------------


@check(points=1, of="random_search")
def draws_in_log_space(student, rng):
    """Draws stay within the bounds and are spread evenly over the orders of magnitude."""
    bounds = _bounds(rng, 2)
    _, trials = student.random_search(_hill(bounds), bounds, 120, rng=rng)
    for name, (low, high) in bounds.items():
        drawn = np.array([float(p[name]) for p, _ in trials])
        inside = (drawn > 0) & (drawn >= low * (1 - 1e-5)) & (drawn <= high * (1 + 1e-5))
        require(bool(inside.all()), f"some draws of {name} are out of bounds")
        place = np.sort(np.log(drawn / low) / np.log(high / low))
        # Kolmogorov and Smirnov: a fair draw is off by more once in a million times.
        n = len(place)
        off = max(np.max(np.arange(1, n + 1) / n - place), np.max(place - np.arange(n) / n))
        require(off < 0.25, f"{name} is not spread evenly over the orders of magnitude")


@check(points=1, of="random_search")
def draws_every_parameter_by_itself(student, rng):
    """The parameters of a trial are drawn independently of each other, and each trial anew."""
    bounds = _bounds(rng, 3)
    _, trials = student.random_search(_hill(bounds), bounds, 120, rng=rng)
    logs = np.log([[float(p[name]) for name in bounds] for p, _ in trials])
    require(all(len(np.unique(column)) > 60 for column in logs.T), "values occur in several trials")
    correlations = np.corrcoef(logs.T)[np.triu_indices(3, 1)]
    require(bool((np.abs(correlations) < 0.5).all()), "parameters are not drawn independently")


@check(points=1, of="random_search")
def makes_all_trials(student, rng):
    """The objective is called once for each trial, in the order in which trials are returned."""
    for number in (17, 1):
        bounds, seen = _bounds(rng, 2), []
        hill = _hill(bounds)

        def objective(params, hill=hill, seen=seen):
            seen.append(params)
            return hill(params)

        _, trials = student.random_search(objective, bounds, number, rng=rng)
        require(len(trials) == number, "the number of trials is not num_trials")
        # Replays for a diagnosis come later: what was seen first is the student's.
        first = seen[:number]
        require(len(seen) == number, "the objective is not called once for each trial")
        for params, (kept, _) in zip(first, trials, strict=True):
            for name in bounds:
                assert_close(float(kept[name]), float(params[name]), name="trial", rtol=RTOL)


@check(points=1, of="random_search")
def returns_the_best(student, rng):
    """The best trial is returned, and every trial with its own score."""
    bounds = _bounds(rng, 3)
    hill = _hill(bounds)
    best, trials = student.random_search(hill, bounds, 25, rng=rng)
    require(len(trials) == 25, "the number of trials is not num_trials")
    _require_scores(hill, best, trials)


@check(points=1, of="random_search")
def survives_nan(student, rng):
    """A trial whose score is NaN is never the best, wherever it comes."""
    bounds = _bounds(rng, 2)
    hill = _cliff(bounds)
    best, trials = student.random_search(hill, bounds, 40, rng=rng)
    _require_scores(hill, best, trials)


@check(points=1, of="random_search")
def repeats_with_the_same_generator(student, rng):
    """Generators in the same state give the same trials, others give others."""
    bounds, seed = _bounds(rng, 2), int(rng.integers(1, 2**31))
    drawn = []
    for start in (seed, seed, seed + 1):
        generator = np.random.default_rng(start)
        _, trials = student.random_search(_hill(bounds), bounds, 5, rng=generator)
        drawn.append([float(p[name]) for p, _ in trials for name in bounds])
    require(drawn[0] == drawn[1], "the same generator gives other trials the second time")
    require(drawn[0] != drawn[2], "another generator gives the same trials")


@check(points=1, of="random_search")
def takes_one_parameter(student, rng):
    """A single parameter and bounds that are close to each other are fine."""
    low = rng.uniform(0.2, 0.3)
    bounds = {"dropout": (low, 1.5 * low)}
    hill = _hill(bounds)
    best, trials = student.random_search(hill, bounds, 12, rng=rng)
    require(len(trials) == 12, "the number of trials is not num_trials")
    values = np.array([float(p["dropout"]) for p, _ in trials])
    inside = (values >= low * (1 - 1e-5)) & (values <= 1.5 * low * (1 + 1e-5))
    require(bool(inside.all()), "some draws are out of bounds")
    _require_scores(hill, best, trials)


# Helpers ------------------------------------------------------------------------------------------


def _problem(rng):
    """Return a loss of three parameters that act on each other, with gradients; and a start."""
    target = rng.normal(1.0, 0.5, size=(3, 2))

    def loss_fn(params):
        W, b, s = (np.asarray(params[name], dtype=np.float64) for name in ("W", "b", "s"))
        off = W + b - target * s.sum()
        loss = 0.5 * float(np.sum(off**2)) + 1.0
        return loss, {"W": off, "b": off.sum(axis=0), "s": -np.sum(off * target) * np.ones(4)}

    start = {
        "W": rng.normal(1.0, 0.5, size=(3, 2)),
        "b": rng.normal(-0.5, 0.5, size=2),
        "s": rng.normal(0.2, 0.1, size=4),
    }
    return loss_fn, start


def _plain_rule(w, dw, config):
    return np.asarray(w) - config["learning_rate"] * 0.3 * np.asarray(dw), dict(config)


def _moving_rule(w, dw, config):
    """Momentum, whose steps also get shorter with the number of calls."""
    calls = config.get("calls", 0) + 1
    # Sums of all entries: a velocity of another parameter, of another shape, fits as well.
    push = config.get("push", 0.0) * config["momentum"] + float(np.sum(dw)) / np.size(dw)
    step = config["learning_rate"] * 0.5 / calls
    next_w = np.asarray(w) - step * (np.asarray(dw) + 0.3 * push)
    return next_w, {**config, "calls": calls, "push": push}


def _require_keys(got, expected):
    require(isinstance(got, dict), "the first result of overfit_handful is not a dictionary")
    missing = sorted(set(expected) - set(got))
    require(not missing, f"params lacks {', '.join(missing)}")


def _slope(rate):
    return 2.0 + 0.3 * float(np.log10(rate)) ** 2 / 10


def _sweep(rng):
    """Return rates and noisy losses: flat, then down, then up, not wrecked."""
    rates = oracle.equal_factors(1e-5, 1.0, 31)
    t = np.linspace(0, 1, 31)
    shape = 2.3 - 1.2 / (1 + np.exp(-20 * (t - 0.55))) + 6 * np.maximum(t - 0.8, 0)
    return rates, (shape + rng.normal(0, 0.12, size=31)).tolist()


def _require_verdicts(student, letters):
    given = student.eight_verdicts()
    require(isinstance(given, dict), "eight_verdicts does not return a dictionary")
    wrong = [letter for letter in letters if given.get(letter) != RIGHT[letter]]
    require(not wrong, f"look again at {' and '.join(wrong)}")


# Loss (start and long run, in units of log C), pace, training accuracy in the long run, gap to the
# validation accuracy (None: validation at chance), dead units, target; each a range to draw from.
_KINDS = {
    "good": ((0.97, 1.03), (0.3, 0.4), (6, 8), (0.72, 0.8), (0.02, 0.05), (0, 0.3), (0.5, 0.6)),
    "good low": ((0.97, 1.03), (0.3, 0.4), (6, 8), (0.4, 0.45), (0.0, 0.03), (0, 0.3), (0.2, 0.3)),
    "good still falling": (
        (0.97, 1.03), (0.0, 0.1), (0.9, 1.1), (1.15, 1.2), (0.0, 0.03), (0, 0.3), (0.4, 0.5),
    ),
    "grows": ((0.97, 1.03), (4.0, 7.0), (1.5, 2.5), (0.12, 0.15), (0, 0.02), (0, 0.2), (0.5, 0.6)),
    "bad start": ((2.6, 9.0), (0.3, 0.4), (8, 10), (0.72, 0.8), (0.02, 0.05), (0, 0.3), (0.5, 0.6)),
    "high start": ((1.5, 1.7), (0.3, 0.4), (7, 9), (0.72, 0.8), (0.02, 0.05), (0, 0.3), (0.5, 0.6)),
    "dead": ((0.97, 1.03), (0.88, 0.92), (8, 10), (0.2, 0.3), (0, 0.02), (0.7, 0.98), (0.5, 0.6)),
    "dead and wide": (
        (0.97, 1.03), (0.1, 0.2), (6, 8), (0.85, 0.9), (0.3, 0.4), (0.7, 0.9), (0.5, 0.6),
    ),
    "some dead": (
        (0.97, 1.03), (0.3, 0.4), (6, 8), (0.72, 0.8), (0.02, 0.05), (0.36, 0.43), (0.5, 0.6),
    ),
    "bug": ((0.97, 1.03), (0.02, 0.06), (6, 8), (0.97, 0.99), None, (0, 0.3), (0.5, 0.6)),
    "overfit": ((0.97, 1.03), (0.05, 0.1), (6, 8), (0.96, 0.98), (0.3, 0.45), (0, 0.3), (0.5, 0.6)),
    "low gap": (
        (0.97, 1.03), (0.3, 0.4), (6, 8), (0.45, 0.5), (0.09, 0.1), (0, 0.3), (0.2, 0.3),
    ),
    "slow": ((0.97, 1.03), (0.3, 0.4), (0.5, 0.8), (0.4, 0.5), (0, 0.02), (0, 0.3), (0.5, 0.6)),
    "very slow": (
        (0.97, 1.03), (0.5, 0.6), (0.5, 0.8), (0.2, 0.3), (0, 0.02), (0, 0.3), (0.5, 0.6),
    ),
    "flat": ((0.97, 1.03), (0.7, 0.8), (10, 13), (0.35, 0.4), (0.01, 0.03), (0, 0.3), (0.5, 0.6)),
}  # fmt: skip
# Kinds that are another kind, changed afterwards.
_CHANGED = {
    "nan": "good",
    "nan on the way": "good",
    "infinite": "good",
    "overfit late": "good",
    "gap closes": "good",
    "spike": "good",
    "dip": "good",
}
_VERDICTS = {
    "nan": "learning rate too high",
    "nan on the way": "learning rate too high",
    "infinite": "learning rate too high",
    "grows": "learning rate too high",
    "bad start": "bad initialisation",
    "dead": "dead units",
    "dead and wide": "dead units",
    "bug": "bug in the data",
    "overfit": "overfitting",
    "overfit late": "overfitting",
    "slow": "learning rate too low",
    "very slow": "learning rate too low",
    "flat": "underfitting",
}


def _run(rng, kind, classes=None):
    """Draw a run of a kind, with noise, clear of every bar by MARGIN.

    The margin is asserted, and not only hoped for: what is drawn too close to a bar is drawn again.
    """
    for _ in range(200):
        run = _draw(rng, kind, classes or int(rng.integers(8, 14)))
        verdict, slack = oracle.verdict(run)
        if verdict == _VERDICTS.get(kind, "good run") and slack >= MARGIN:
            return run
    raise RuntimeError(f"no clear run of the kind {kind!r} was drawn")


def _draw(rng, kind, classes):
    first, last, pace, train, gap, dead, target = (
        None if span is None else float(rng.uniform(*span))
        for span in _KINDS[_CHANGED.get(kind, kind)]
    )
    n, chance = int(rng.integers(16, 30)), 1 / classes
    way = 1 - np.exp(-pace * np.linspace(0, 1, n))
    loss = np.log(classes) * (first + (last - first) * way)
    loss[1:] *= np.exp(rng.normal(0, 0.02, size=n - 1))
    val = chance if gap is None else max(train - gap, chance)
    train_acc = chance + (train - chance) * way + rng.normal(0, 0.008, size=n)
    val_acc = chance + (val - chance) * way + rng.normal(0, 0.012, size=n)
    if kind == "nan":
        loss[-int(rng.integers(1, 4)) :] = np.nan
    elif kind == "nan on the way":
        loss[n // 3] = np.nan
    elif kind == "infinite":
        loss[-1] = np.inf
    elif kind == "overfit late":
        # The best validation accuracy of the run is fine, that at the end is not.
        val_acc[-6:] -= np.linspace(0.1, 0.3, 6)
    elif kind == "gap closes":
        val_acc[n // 2 - 2 : n // 2 + 2] -= 0.3
    elif kind == "spike":
        loss[-1] = 2.2 * loss[0]
    elif kind == "dip":
        val_acc[-1] -= 0.17
    return {
        "loss": loss.tolist(),
        "train_acc": np.clip(train_acc, 0, 1).tolist(),
        "val_acc": np.clip(val_acc, 0, 1).tolist(),
        "num_classes": classes,
        "dead_fraction": dead,
        "target": target,
    }


def _require_diagnoses(student, runs):
    """Ask for all verdicts first: the more answers, the better a mistake is told from others."""
    given = [student.diagnose(run) for run in runs]
    for verdict, run in zip(given, runs, strict=True):
        require(
            isinstance(verdict, str) and verdict == oracle.verdict(run)[0],
            "the verdict on a made-up run is not that of the table"
            + (f": yours is {verdict!r}" if isinstance(verdict, str) else ""),
        )


def _single(value):
    return np.array(value, dtype=np.float32) if isinstance(value, list) else value


def _require_stop(student, curve, patience):
    _require_pair(student.early_stopping(curve, patience), oracle.stopping(curve, patience))


def _require_pair(got, expected):
    stop, best = got
    require(float(stop) == expected[0], "stop is not the epoch at which patience runs out")
    require(float(best) == expected[1], "best is not the best epoch up to the stop")


def _bounds(rng, number):
    names = ("rate", "reg", "width")[:number]
    lows = dict(zip(names, 10 ** rng.uniform(-5, -3, size=number), strict=True))
    return {name: (float(low), float(low * 10 ** rng.uniform(3, 4))) for name, low in lows.items()}


def _hill(bounds):
    """Return an objective that is highest off the centre of the box, and different everywhere."""

    def objective(params):
        places = (
            np.log(float(params[name]) / low) / np.log(high / low)
            for name, (low, high) in bounds.items()
        )
        return -float(sum((0.61 + 0.07 * i - x) ** 2 for i, x in enumerate(places)))

    return objective


def _cliff(bounds):
    """Return an objective that is NaN for the smaller half of the first parameter."""
    hill = _hill(bounds)
    name, (low, high) = next(iter(bounds.items()))

    def objective(params):
        return float("nan") if float(params[name]) < 0.9 * (low * high) ** 0.5 else hill(params)

    return objective


def _require_scores(objective, best, trials):
    """Demand that scores belong to their trials, and that the best is the highest number."""
    scores = np.array([float(score) for _, score in trials])
    own = np.array([objective(params) for params, _ in trials])
    assert_close(scores, own, name="scores of the trials", rtol=1e-3, atol=1e-4)
    require(isinstance(best, dict), "best is not a dictionary of parameters")
    top = objective(best)
    require(not np.isnan(top), "the best trial has the score NaN")
    assert_close(top, np.nanmax(own), name="score of the best", rtol=1e-3, atol=1e-4)
