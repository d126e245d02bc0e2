"""Hidden checks of training_practice: made-up runs keep a clear margin from every threshold."""

from __future__ import annotations

import numpy as np

from autograder import assert_close, check, require

from . import oracle


@check(points=1, of="expected_initial_loss")
def loss_is_right(student, rng):
    """The loss at the start is right for several numbers of classes."""
    for classes in (3, 7, int(rng.integers(20, 1000))):
        assert_close(
            student.expected_initial_loss(classes), oracle.initial_loss(classes), name="loss"
        )


@check(points=1, of="expected_initial_loss")
def loss_of_one_class(student, rng):
    """With one class there is nothing to guess."""
    assert_close(student.expected_initial_loss(1), 0.0, name="loss for one class", atol=1e-7)


@check(points=2, of="update_ratio")
def ratio_is_right(student, rng):
    """The ratio is that of the norms over all entries."""
    w = rng.normal(1.0, 2.0, size=(3, 5))
    after = w + rng.normal(0.5, 1.0, size=w.shape)
    assert_close(student.update_ratio(w, after), oracle.ratio(w, after), name="ratio", rtol=1e-4)


@check(points=1, of="update_ratio")
def ratio_of_a_filter_bank(student, rng):
    """Weights of four dimensions are fine."""
    w = rng.normal(1.0, 2.0, size=(2, 3, 4, 5))
    after = w + rng.normal(0.5, 1.0, size=w.shape)
    assert_close(student.update_ratio(w, after), oracle.ratio(w, after), name="ratio", rtol=1e-4)


def _run(rng, first, last, train, val, *, classes=10, dead=0.1, flat=False):
    n = int(rng.integers(12, 20))
    t = np.linspace(0, 1, n)
    shape = np.minimum(1, 4 * t) if flat else t
    return {
        "loss": (first + (last - first) * shape).tolist(),
        "train_acc": np.linspace(0.1, train, n).tolist(),
        "val_acc": np.linspace(0.1, val, n).tolist(),
        "num_classes": classes,
        "dead_fraction": dead,
    }


def _verdict(student, run, expected):
    require(
        student.diagnose(run) == expected, "the verdict on a made-up run is not that of the table"
    )


@check(points=2, of="diagnose")
def sees_divergence(student, rng):
    """A loss that grows or is not finite is seen."""
    run = _run(rng, 2.3, 9.0, 0.1, 0.1)
    _verdict(student, run, "learning rate too high")
    run = _run(rng, 2.3, 1.0, 0.1, 0.1)
    run["loss"][-1] = float("nan")
    _verdict(student, run, "learning rate too high")


@check(points=2, of="diagnose")
def sees_bad_start(student, rng):
    """A first loss that is far too large is seen, for any number of classes."""
    _verdict(student, _run(rng, 20.0, 0.6, 0.8, 0.75), "bad initialisation")
    _verdict(student, _run(rng, 2.2, 0.3, 0.8, 0.75, classes=2), "bad initialisation")


@check(points=2, of="diagnose")
def sees_dead_units(student, rng):
    """Dead units are seen, before what they lead to."""
    _verdict(student, _run(rng, 2.3, 2.0, 0.3, 0.28, dead=0.8, flat=True), "dead units")


@check(points=2, of="diagnose")
def sees_shuffled_labels(student, rng):
    """Labels learnt by heart, with validation at chance, are a bug in the data."""
    _verdict(student, _run(rng, 2.3, 0.1, 0.98, 0.1), "bug in the data")


@check(points=2, of="diagnose")
def sees_overfitting(student, rng):
    """A wide gap is overfitting."""
    _verdict(student, _run(rng, 2.3, 0.1, 0.98, 0.6), "overfitting")


@check(points=2, of="diagnose")
def sees_slow_learning(student, rng):
    """A loss that still falls at the end is seen."""
    _verdict(student, _run(rng, 2.3, 1.6, 0.35, 0.34), "learning rate too low")


@check(points=2, of="diagnose")
def sees_underfitting(student, rng):
    """A loss that stays high and flat is seen."""
    _verdict(student, _run(rng, 2.3, 1.6, 0.4, 0.38, flat=True), "underfitting")


@check(points=2, of="diagnose")
def sees_a_good_run(student, rng):
    """A good run is left alone."""
    _verdict(student, _run(rng, 2.3, 0.5, 0.85, 0.8), "good run")


def _stops(student, curve, patience, expected):
    got = tuple(int(v) for v in student.early_stopping(curve, patience))
    require(got == expected, "early_stopping stops or goes back to another epoch than expected")


@check(points=2, of="early_stopping")
def stops_in_time(student, rng):
    """It stops when patience is used up."""
    _stops(student, [0.1, 0.4, 0.3, 0.35, 0.2, 0.9], 3, (4, 1))


@check(points=2, of="early_stopping")
def ties_are_no_improvement(student, rng):
    """An equal value does not start patience anew."""
    _stops(student, [0.1, 0.4, 0.4, 0.4, 0.9], 2, (3, 1))


@check(points=2, of="early_stopping")
def may_never_stop(student, rng):
    """A curve that rises to the end is followed to the end."""
    _stops(student, [0.1, 0.2, 0.3, 0.4], 2, (3, 3))


def _search(student, rng, trials=80):
    seen = []

    def objective(params):
        seen.append(params)
        return -abs(np.log10(params["rate"]) + 2)

    bounds = {"rate": (1e-5, 1.0), "reg": (1e-6, 1e-2)}
    best, score = student.random_search(objective, bounds, trials, rng=rng)
    return seen, best, score


@check(points=2, of="random_search")
def draws_in_log_space(student, rng):
    """Values are spread evenly over the orders of magnitude."""
    seen, _, _ = _search(student, rng)
    low = np.mean([p["rate"] < 10**-2.5 for p in seen])
    require(0.2 < low < 0.8, "learning rates are not spread evenly over the orders of magnitude")


@check(points=2, of="random_search")
def draws_each_by_itself(student, rng):
    """Parameters do not go together."""
    seen, _, _ = _search(student, rng)
    logs = np.log([[p["rate"], p["reg"]] for p in seen])
    require(abs(np.corrcoef(logs.T)[0, 1]) < 0.6, "the two parameters are not drawn independently")


@check(points=2, of="random_search")
def makes_all_trials(student, rng):
    """The objective is called once for each trial."""
    require(len(_search(student, rng, 17)[0]) == 17, "the number of trials is not num_trials")


@check(points=2, of="random_search")
def returns_the_best(student, rng):
    """The best trial and its score are returned."""
    seen, best, score = _search(student, rng, 20)
    top = max(-abs(np.log10(p["rate"]) + 2) for p in seen)
    assert_close(score, top, name="score", rtol=1e-4)
    assert_close(-abs(np.log10(best["rate"]) + 2), top, name="score of best", rtol=1e-4)


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


def _answers(student, letters):
    given = student.eight_verdicts()
    wrong = [letter for letter in letters if given.get(letter) != RIGHT[letter]]
    require(not wrong, f"look again at the runs {', '.join(wrong)}")


@check(points=2, of="eight_verdicts")
def first_four_runs(student, rng):
    """The verdicts on runs A to D are right."""
    _answers(student, "ABCD")


@check(points=2, of="eight_verdicts")
def last_four_runs(student, rng):
    """The verdicts on runs E to H are right."""
    _answers(student, "EFGH")


@check(points=2, of="learning_rate_range_test")
def rates_in_equal_factors(student, rng):
    """Rates go up by equal factors, ends included, and losses belong to them."""
    rates, losses = student.learning_rate_range_test(lambda r: 2.0 + r, 1e-4, 1.0, 7)
    expected = [1e-4 * 1e4 ** (i / 6) for i in range(7)]
    assert_close(rates, expected, name="rates", rtol=1e-4)
    assert_close(losses, [2.0 + r for r in expected], name="losses", rtol=1e-4)


@check(points=2, of="learning_rate_range_test")
def stops_at_the_wreck(student, rng):
    """The test ends with the first loss that is not finite or far too large."""
    for wreck in (float("nan"), 50.0):
        rates, _ = student.learning_rate_range_test(
            lambda r, wreck=wreck: wreck if r > 0.05 else 2.0, 1e-4, 1.0, 5
        )
        require(len(rates) == 4, "the test does not end with the loss that is wrecked")
