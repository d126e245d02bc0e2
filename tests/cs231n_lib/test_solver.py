from __future__ import annotations

import copy
import json
import zipfile

import numpy as np
import pytest

from cs231n_lib.checkpoints import CheckpointError, load_state, pack, restore, save_state
from cs231n_lib.model_state import get_state, set_state
from cs231n_lib.solver import Solver


class SoftmaxModel:
    """A linear classifier with input noise: a generator of its own, and a running average."""

    def __init__(self, dims, classes, rng, noise=0.0):
        self.params = {"W": 0.01 * rng.standard_normal((dims, classes)), "b": np.zeros(classes)}
        self.rng, self.noise = rng, noise
        self.bn_params = [{"mean": np.zeros(dims), "momentum": 0.9}]
        self.activation = np.tanh

    def loss(self, X, y=None):
        if y is not None:
            X = X + self.noise * self.rng.standard_normal(X.shape)
            bn = self.bn_params[0]
            bn["mean"] = bn["momentum"] * bn["mean"] + (1 - bn["momentum"]) * X.mean(axis=0)
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(p[rows, y]).mean()
        p[rows, y] -= 1
        return loss, {"W": X.T @ p / len(y), "b": p.mean(axis=0)}


def sgd(w, dw, config):
    return w - config["learning_rate"] * dw, config


def momentum(w, dw, config):
    config = dict(config)
    config["t"] = config.get("t", 0) + 1
    config["velocity"] = (
        0.9 * config.get("velocity", np.zeros_like(w)) - config["learning_rate"] * dw
    )
    return w + config["velocity"], config


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((3, 6))
    y = rng.integers(0, 3, 260)
    X = centres[y] + rng.standard_normal((260, 6))
    return {"X_train": X[:210], "y_train": y[:210], "X_val": X[210:], "y_val": y[210:]}


def make(data, rule=sgd, *, seed=1, noise=0.0, model=None, **options):
    rng = np.random.default_rng(seed)
    settings = {"batch_size": 20, "num_epochs": 6, "progress": False, **options}
    model = SoftmaxModel(6, 3, rng, noise) if model is None else model
    return Solver(model, data, rule, {"learning_rate": 0.05}, rng=rng, **settings)


def fields(solver):
    names = ("loss_history", "train_acc_history", "val_acc_history", "learning_rates", "configs")
    state = {name: getattr(solver, name) for name in names}
    return {**state, "model": get_state(solver.model), "rng": solver.rng.bit_generator.state}


def test_learns(data):
    solver = make(data)
    solver.train()
    assert solver.val_acc_history[-1] > 0.85 > solver.val_acc_history[0]
    assert len(solver.loss_history) == 6 * (210 // 20) == solver.iteration
    assert len(solver.train_acc_history) == len(solver.val_acc_history) == 7
    assert solver.stop_reason is None


def test_one_full_batch_step_is_gradient_descent(data):
    solver = make(data, batch_size=210, num_epochs=1)
    before = {name: w.copy() for name, w in solver.model.params.items()}
    loss, gradients = SoftmaxModel.loss(
        copy.deepcopy(solver.model), data["X_train"], data["y_train"]
    )
    solver.best_val_acc = -1
    solver.train()
    assert solver.loss_history == [pytest.approx(loss)]
    for name in before:
        np.testing.assert_allclose(solver.model.params[name], before[name] - 0.05 * gradients[name])


def test_every_example_once_an_epoch(data):
    seen = []

    def note(X, y, rng):
        seen.append(X)
        return X, y

    make(data, batch_size=70, num_epochs=1, augment=note).train()
    rows = np.concatenate(seen)
    order = np.lexsort(rows.T)
    expected = data["X_train"][np.lexsort(data["X_train"].T)]
    np.testing.assert_array_equal(rows[order], expected)
    assert not np.array_equal(rows, data["X_train"])


def test_the_generator_decides(data):
    one, two, other = (make(data, seed=seed) for seed in (1, 1, 2))
    for solver in (one, two, other):
        solver.train()
    assert one.loss_history == two.loss_history != other.loss_history


def test_best_epoch_is_kept_with_its_running_averages(data):
    snapshots = []

    def worsen(w, dw, config):
        # Good steps in the first two epochs, bad ones after.
        sign = 1 if config.setdefault("n", 0) < 20 else -3
        config["n"] += 1
        return w - sign * config["learning_rate"] * dw, config

    solver = make(data, worsen, on_epoch=lambda s: snapshots.append(get_state(s.model)))
    solver.train()
    assert 0 < solver.best_epoch < 4
    best = snapshots[solver.best_epoch - 1]
    np.testing.assert_array_equal(solver.model.params["W"], best["params"]["W"])
    np.testing.assert_array_equal(solver.model.bn_params[0]["mean"], best["bn_params"][0]["mean"])
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == solver.best_val_acc


def test_training_goes_on_from_the_last_epoch(data):
    straight = make(data, momentum)
    straight.train()
    halted = make(data, momentum, num_epochs=3)
    halted.train()
    halted.num_epochs = 6
    halted.train()
    assert halted.loss_history == straight.loss_history


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox"])
def test_resumed_run_equals_one_in_a_piece(data, tmp_path, kind):
    def start(epochs, **options):
        rng = np.random.Generator(getattr(np.random, kind)(5))
        model = SoftmaxModel(6, 3, rng, noise=0.5)
        solver = make(
            data,
            momentum,
            model=model,
            num_epochs=epochs,
            lr_decay=0.9,
            num_train_samples=50,
            **options,
        )
        solver.rng = model.rng
        return solver

    whole = start(6)
    whole.train()
    path = tmp_path / "deep" / "run.npz"
    start(3, checkpoint=path).train()
    resumed = start(6, checkpoint=path)
    assert resumed.resume()
    assert resumed.epoch == 3
    assert resumed.rng is resumed.model.rng
    resumed.train()
    assert json.dumps(pack(fields(resumed), {})) == json.dumps(pack(fields(whole), {}))
    for name in whole.model.params:
        np.testing.assert_array_equal(resumed.model.params[name], whole.model.params[name])
    assert [p.name for p in path.parent.iterdir()] == ["run.npz"]


def test_resume_without_a_file(data, tmp_path):
    assert not make(data, checkpoint=tmp_path / "none.npz").resume()
    with pytest.raises(ValueError, match="needs the solver to have a checkpoint"):
        make(data).resume()


def test_checkpoint_of_another_run(data, tmp_path):
    make(data, checkpoint=tmp_path / "run", num_epochs=1).train()
    with pytest.raises(CheckpointError, match="is of another run"):
        make(data, checkpoint=tmp_path / "run", batch_size=30).resume()


def test_config_that_cannot_be_saved(data, tmp_path):
    def rule(w, dw, config):
        return w, {**config, "f": print}

    solver = make(data, rule, checkpoint=tmp_path / "run", num_epochs=1)
    with pytest.raises(CheckpointError, match=r"configs/W/f is a builtin_function_or_method"):
        solver.train()
    assert list(tmp_path.iterdir()) == []


def test_decay_and_schedule(data):
    rates = []

    def note(w, dw, config):
        rates.append(config["learning_rate"])
        return w, config

    solver = make(
        data, note, batch_size=105, num_epochs=3, lr_decay=0.5, schedule=lambda i, n: 1 - i / n
    )
    solver.train()
    expected = [0.05 * 0.5 ** (i // 2) * (1 - i / 6) for i in range(6)]
    np.testing.assert_allclose(solver.learning_rates, expected)
    np.testing.assert_allclose(rates[::2], expected)


def test_rules_that_change_their_rate_are_left_alone(data):
    def halving(w, dw, config):
        return w, {"learning_rate": config["learning_rate"] / 2}

    solver = make(data, halving, batch_size=210, num_epochs=3)
    solver.train()
    assert solver.configs["W"]["learning_rate"] == 0.05 / 8


def test_configs_of_single_parameters(data):
    solver = make(data, param_config={"b": {"learning_rate": 0.0}}, lr_decay=0.9)
    solver.train()
    assert not solver.model.params["b"].any()
    assert solver.model.params["W"].any()
    with pytest.raises(ValueError, match=r"param_config names \['c'\], but the model has"):
        make(data, param_config={"c": {}})


def test_patience(data):
    solver = make(data, lambda w, dw, config: (w, config), patience=2, num_epochs=50)
    solver.train()
    assert solver.epoch == 2
    assert solver.stop_reason.startswith("no better validation accuracy since epoch 0")


def test_divergence_ends_the_run(data):
    def explode(w, dw, config):
        return w * np.nan, config

    solver = make(data, explode)
    with np.errstate(all="ignore"):
        solver.train()
    assert solver.iteration == 2
    assert "nan at iteration 2" in solver.stop_reason
    assert np.isfinite(solver.model.params["W"]).all()


def test_mixed_labels_and_changed_batches(data):
    solver = make(data, augment=lambda X, y, rng: (X[:5] + rng.standard_normal(6), y[:5]))
    solver.train()
    with pytest.raises(ValueError, match="augment returned 20 examples but 19 labels"):
        make(data, augment=lambda X, y, rng: (X, y[1:])).train()
    with pytest.raises(ValueError, match="must return two arrays"):
        make(data, augment=lambda X, y, rng: X).train()


def test_data_as_an_object(data):
    from types import SimpleNamespace

    solver = make(SimpleNamespace(**data), num_epochs=1)
    solver.train()
    assert solver.epoch == 1


class Broken(SoftmaxModel):
    def __init__(self, answer):
        super().__init__(6, 3, np.random.default_rng(0))
        self.answer = answer

    def loss(self, X, y=None):
        return super().loss(X) if y is None else self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (1.0, "must return two values"),
        ((np.ones(2), {}), r"a single number first, got shape \(2,\)"),
        ((1.0, {"W": np.zeros((6, 3))}), "no gradient for 'b'"),
    ],
)
def test_models_that_return_something_else(data, answer, message):
    with pytest.raises(ValueError, match=message):
        make(data, model=Broken(answer)).train()


def test_loss_of_one_element(data):
    model = SoftmaxModel(6, 3, np.random.default_rng(0))
    gradients = {name: np.zeros_like(w) for name, w in model.params.items()}
    solver = make(data, model=Broken((np.array([1.5]), gradients)), num_epochs=1)
    solver.train()
    assert solver.loss_history[0] == 1.5


def test_scores_of_another_shape(data):
    model = SoftmaxModel(6, 3, np.random.default_rng(0))
    model.loss = lambda X, y=None: np.zeros(len(X))
    with pytest.raises(ValueError, match=r"must return scores of shape \(210, C\), got \(210,\)"):
        make(data, model=model).train()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda w, dw, config: w, r"must return \(next_w, next_config\)"),
        (lambda w, dw, config: (w.ravel()[:1], config), r"turned 'W' of shape \(6, 3\) into"),
    ],
)
def test_rules_that_return_something_else(data, rule, message):
    with pytest.raises(ValueError, match=message):
        make(data, rule).train()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1, got 0"),
        ({"num_epochs": 2.5}, ValueError, "num_epochs must be"),
        ({"rule": "sgd"}, TypeError, "update_rule must be a function"),
        ({"rng": 3}, TypeError, r"must be a numpy\.random\.Generator, got int"),
        ({"data": {"X_train": [1]}}, ValueError, "data has no 'y_train'"),
        ({"optim_config": {}, "lr_decay": 0.9}, ValueError, "needs optim_config to have"),
    ],
)
def test_bad_arguments(data, options, error, message):
    options = {"data": data, "rule": sgd, "optim_config": {"learning_rate": 1.0}, **options}
    options.setdefault("rng", np.random.default_rng(0))
    model = SoftmaxModel(6, 3, np.random.default_rng(0))
    with pytest.raises(error, match=message):
        Solver(
            model, options.pop("data"), options.pop("rule"), options.pop("optim_config"), **options
        )


def test_labels_that_do_not_match(data):
    with pytest.raises(ValueError, match="X_val and y_val must hold as many examples as labels"):
        make({**data, "y_val": data["y_val"][1:]})


STATE = {
    "a": np.arange(6.0).reshape(2, 3),
    "b": [1, (2.5, None, True), "text"],
    "c/d": {"e": np.float32(3), 4: np.array([], np.int8)},
    "c": {"d/e": np.array([float("nan"), np.inf])},
    "nan": float("nan"),
    "@odd": 10**30,
}


def test_state_survives(tmp_path):
    save_state(tmp_path / "s", STATE)
    loaded = load_state(tmp_path / "s")
    np.testing.assert_equal(loaded, STATE)
    assert isinstance(loaded["b"][1], tuple)
    assert loaded["c/d"]["e"].dtype == np.float32
    assert loaded["c/d"][4].dtype == np.int8


def test_state_that_is_not_plain(tmp_path):
    for bad in (object(), {1, 2}, np.array([None])):
        with pytest.raises(CheckpointError, match="state/x"):
            save_state(tmp_path / "s", {"x": bad})
    assert list(tmp_path.iterdir()) == []


def test_generators_go_on(tmp_path):
    rng = np.random.default_rng(3)
    rng.standard_normal(5)
    save_state(tmp_path / "s", {"rng": rng})
    restored = load_state(tmp_path / "s")["rng"]
    np.testing.assert_array_equal(rng.standard_normal(4), restored.standard_normal(4))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all"])
def test_files_that_are_no_checkpoints(tmp_path, content):
    path = tmp_path / "s"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is no checkpoint, or is damaged"):
        load_state(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", "[]")
        archive.writestr("places.json", "[]")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        load_state(path)
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        load_state(tmp_path / "none")


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    path = tmp_path / "s"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", '{"x": {"@array": "x"}}')
        archive.writestr("places.json", '["x"]')
        with archive.open("0.npy", "w") as file:
            np.lib.format.write_array(file, np.array([{}], object), allow_pickle=True)
    with pytest.raises(CheckpointError, match="Object arrays cannot be loaded"):
        load_state(path)


def test_checkpoint_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_state(tmp_path / "file" / "s", {})


def test_unknown_generators():
    with pytest.raises(ValueError, match="unknown generator 'system'"):
        restore({"@generator": {"bit_generator": "system"}}, {})


def test_model_state_fills_what_is_shared():
    rng = np.random.default_rng(0)
    model = SoftmaxModel(2, 2, rng)
    shared = model.bn_params[0]
    state = get_state(model)
    assert "activation" not in state
    expected = rng.standard_normal(3)
    shared["mean"] += 7
    model.params["W"] += 1
    set_state(model, state)
    assert model.rng is rng
    np.testing.assert_array_equal(rng.standard_normal(3), expected)
    assert model.bn_params[0] is shared
    assert not shared["mean"].any()
    assert "rng" not in get_state(model, generators=False)
