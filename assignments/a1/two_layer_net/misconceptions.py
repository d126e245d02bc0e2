"""Known-wrong versions of layers, losses and network, and the hint that each earns."""

# What a wrong network does differently its class says, not its methods.
# ruff: noqa: D102

from __future__ import annotations

import numpy as np

from autograder import misconception

# affine_forward -----------------------------------------------------------------------------------


@misconception(of="affine_forward", caught_by="affine_output_is_correct")
def affine_forgets_bias(x, w, b):
    """The bias is missing: add b to every row of the product."""
    return x.reshape(len(x), -1) @ w, (x, w, b)


@misconception(of="affine_forward", caught_by="affine_flattens_examples", symptom="exception")
def affine_does_not_flatten(x, w, b):
    """Examples may have any shape (N, d_1, ..., d_k): lay each out as a row first, with
    x.reshape(N, -1)."""
    return x @ w + b, (x, w, b)


@misconception(of="affine_forward", caught_by="affine_flattens_examples")
def affine_mixes_examples(x, w, b):
    """Your rows mix numbers of different examples: reshaping to (D, N) and transposing is not the
    same as reshaping to (N, D), which keeps each example together."""
    return x.reshape(w.shape[0], -1).T @ w + b, (x, w, b)


@misconception(of="affine_forward", caught_by="affine_output_is_correct")
def affine_applies_relu(x, w, b):
    """The affine layer itself has no nonlinearity: negative outputs stay as they are, ReLU is a
    layer of its own."""
    return np.maximum(x.reshape(len(x), -1) @ w + b, 0), (x, w, b)


# affine_backward ----------------------------------------------------------------------------------


@misconception(of="affine_backward", caught_by="affine_dx_has_the_shape_of_x")
def dx_not_reshaped(dout, cache):
    """Your dx is a matrix of rows, but x came in another shape: give dx the shape of x with
    .reshape(x.shape)."""
    dx, dw, db = _affine_backward(dout, cache)
    return dx.reshape(len(dx), -1), dw, db


@misconception(of="affine_backward", caught_by="affine_dx_is_correct")
def affine_forgets_dout(dout, cache):
    """Your gradients are those of the output alone: by the chain rule each is multiplied by dout,
    the gradient that comes from above."""
    return _affine_backward(np.ones_like(dout), cache)


@misconception(of="affine_backward", caught_by="affine_dw_is_correct")
def dw_averaged(dout, cache):
    """You divide dw by N: if the loss is a mean, that factor is in dout already, and the layer only
    sums over the examples."""
    dx, dw, db = _affine_backward(dout, cache)
    return dx, dw / len(dout), db


@misconception(of="affine_backward", caught_by="affine_dw_is_correct")
def affine_averages_dw_and_db(dout, cache):
    """You divide dw and db by N: if the loss is a mean, that factor is in dout already, and the
    layer only sums over the examples."""
    dx, dw, db = _affine_backward(dout, cache)
    return dx, dw / len(dout), db / len(dout)


@misconception(of="affine_backward", caught_by="affine_dw_is_correct")
def dw_transposed(dout, cache):
    """Your dw is transposed: it has the shape of w, (D, M), which is that of x.T @ dout, with x as
    rows."""
    dx, dw, db = _affine_backward(dout, cache)
    return dx, dw.T, db


@misconception(of="affine_backward", caught_by="affine_db_is_correct")
def db_averaged(dout, cache):
    """You average dout: db is its sum over the examples. A factor 1/N, if there is one, is in dout
    already."""
    dx, dw, _ = _affine_backward(dout, cache)
    return dx, dw, dout.mean(axis=0)


@misconception(of="affine_backward", caught_by="affine_db_is_correct")
def db_not_summed(dout, cache):
    """Your db is not summed: b is added to every example, so its gradient is the sum of dout over
    all of them (axis=0)."""
    dx, dw, _ = _affine_backward(dout, cache)
    return dx, dw, dout


@misconception(of="affine_backward", caught_by="affine_db_is_correct")
def db_summed_over_outputs(dout, cache):
    """You sum dout over the outputs: db has one entry for each output, so sum over the examples
    (axis=0)."""
    dx, dw, _ = _affine_backward(dout, cache)
    return dx, dw, dout.sum(axis=1)


# relu_forward -------------------------------------------------------------------------------------


@misconception(of="relu_forward", caught_by="relu_output_is_correct")
def relu_is_absolute_value(x):
    """Negative numbers become 0, not positive: max(0, x) is not the absolute value."""
    return np.abs(x), x


@misconception(of="relu_forward", caught_by="relu_output_is_correct")
def relu_is_a_step(x):
    """Your output says where x is positive (0 or 1): positive numbers keep their value."""
    return (x > 0).astype(x.dtype), x


@misconception(of="relu_forward", caught_by="relu_output_is_correct")
def relu_is_one_number(x):
    """np.max(x) is the largest entry: np.maximum(x, 0) compares every entry with 0."""
    return np.maximum(np.max(x), 0), x


@misconception(of="relu_forward", caught_by="relu_leaves_input_alone", symptom="mutation")
def relu_in_place(x):
    """`x[x < 0] = 0` changes the caller's array: np.maximum(x, 0) makes a new one."""
    before = x.copy()
    x[x < 0] = 0
    return x, before


# relu_backward ------------------------------------------------------------------------------------


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def mask_from_dout(dout, cache):
    """Your mask looks at the sign of dout: the gate is open where the layer's input x was positive,
    and lets negative gradients through as well."""
    return dout * (dout > 0)


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_lets_everything_through(dout, cache):
    """You return dout as it is: where x was negative the output does not move with x, so the
    gradient there is 0."""
    return dout


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_returns_the_mask(dout, cache):
    """You return the local derivative, 0 or 1: by the chain rule it is multiplied by dout."""
    return (cache > 0).astype(dout.dtype)


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_multiplies_by_output(dout, cache):
    """You multiply dout by the output max(0, x): multiply it by the derivative, which is 1 where x
    is positive."""
    return dout * np.maximum(cache, 0)


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_gate_inverted(dout, cache):
    """Your gate is the wrong way round: dout passes where x is positive, and is stopped where x is
    negative."""
    return dout * (cache <= 0)


# softmax_loss -------------------------------------------------------------------------------------


@misconception(of="softmax_loss", caught_by="softmax_gradient_is_correct")
def softmax_gradient_not_averaged(x, y):
    """Your gradient is N times too large: the loss is a mean over the examples, so divide dx by
    their number as well."""
    loss, dx = _softmax_loss(x, y)
    return loss, dx * len(x)


@misconception(of="softmax_loss", caught_by="softmax_gradient_is_correct")
def softmax_true_class_not_reduced(x, y):
    """The true class is missing in your gradient: subtract 1 from its probability in every row."""
    return _softmax_loss(x, y)[0], _probabilities(x) / len(x)


@misconception(of="softmax_loss", caught_by="softmax_gradient_is_correct")
def softmax_true_columns_reduced(x, y):
    """`dx[:, y] -= 1` takes 1 from the columns y in every row: `dx[np.arange(N), y] -= 1` takes it
    from one entry a row."""
    dx = _probabilities(x)
    dx[:, y] -= 1
    return _softmax_loss(x, y)[0], dx / len(x)


@misconception(of="softmax_loss", caught_by="softmax_gradient_is_correct")
def softmax_gradient_sign_flipped(x, y):
    """Your gradient has the wrong sign: it is probability minus truth."""
    loss, dx = _softmax_loss(x, y)
    return loss, -dx


@misconception(of="softmax_loss", caught_by="softmax_loss_is_correct")
def softmax_loss_not_averaged(x, y):
    """Your loss is the sum over the examples: take the mean."""
    loss, dx = _softmax_loss(x, y)
    return loss * len(x), dx


@misconception(of="softmax_loss", caught_by="softmax_loss_is_correct")
def softmax_not_averaged_at_all(x, y):
    """Loss and gradient are sums over the examples: take the mean of the loss, and divide the
    gradient by N as well."""
    loss, dx = _softmax_loss(x, y)
    return loss * len(x), dx * len(x)


@misconception(of="softmax_loss", caught_by="softmax_loss_is_correct")
def softmax_loss_over_all_classes(x, y):
    """Your loss averages -log p over all classes: only the probability of the true class counts,
    `[np.arange(N), y]`."""
    return -np.mean(np.log(_probabilities(x))), _softmax_loss(x, y)[1]


@misconception(of="softmax_loss", caught_by="softmax_survives_large_scores")
def softmax_without_shift(x, y):
    """Exponentials of large scores overflow: subtract the maximum of each row before you take
    exponentials."""
    return _unstable_softmax(x, y, shift=0.0)


@misconception(of="softmax_loss", caught_by="softmax_survives_large_scores")
def softmax_shifted_by_batch_maximum(x, y):
    """You subtract one maximum from the whole batch: the exponentials of examples with much lower
    scores all become 0. Every row needs its own maximum (axis=1, keepdims=True)."""
    return _unstable_softmax(x, y, shift=np.max(x))


@misconception(of="softmax_loss", caught_by="softmax_survives_large_scores")
def softmax_logarithm_of_probability(x, y):
    """You take the logarithm of a probability, which may be exactly 0: compute the loss from the
    shifted scores, log(sum(exp(x))) - x_true."""
    return _unstable_softmax(x, y, shift=np.max(x, axis=1, keepdims=True))


@misconception(of="softmax_loss", caught_by="softmax_survives_large_scores")
def softmax_tiny_number_in_logarithm(x, y):
    """log(p + 1e-8) is finite and wrong: no loss can exceed 18.4 any more. Compute the loss from
    the shifted scores, where nothing needs to be added."""
    true_class = np.arange(len(x)), y
    return -np.mean(np.log(_probabilities(x)[true_class] + 1e-8)), _softmax_loss(x, y)[1]


@misconception(of="softmax_loss", caught_by="softmax_loss_leaves_scores_alone", symptom="mutation")
def softmax_shifts_in_place(x, y):
    """`x -= ...` changes the caller's scores: write `shifted = x - ...`, which makes a new
    array."""
    result = _softmax_loss(x, y)
    x -= np.max(x, axis=1, keepdims=True)
    return result


# svm_loss -----------------------------------------------------------------------------------------


@misconception(of="svm_loss", caught_by="svm_loss_is_correct")
def svm_counts_the_true_class(x, y):
    """Your loss is too large by 1: the true class has no margin with itself, set
    margins[np.arange(N), y] to 0 before you add up."""
    loss, dx = _svm_loss(x, y)
    return loss + 1, dx


@misconception(of="svm_loss", caught_by="svm_loss_is_correct")
def svm_margins_not_clamped(x, y):
    """Your sum includes negative margins: a class that is far enough behind costs nothing, it does
    not earn anything. Take max(0, margin)."""
    margins = _svm_margins(x, y)
    return margins.sum() / len(x), _svm_loss(x, y)[1]


@misconception(of="svm_loss", caught_by="svm_loss_is_correct")
def svm_without_margin(x, y):
    """The margin is missing: a class costs something unless it is behind the true class by at least
    1, so the terms are max(0, x_k - x_true + 1)."""
    margins = np.maximum(0, _svm_margins(x, y) - 1)
    margins[np.arange(len(x)), y] = 0
    return margins.sum() / len(x), _svm_gradient(margins, y)


@misconception(of="svm_loss", caught_by="svm_loss_is_correct")
def svm_margins_squared(x, y):
    """Your margins are squared: that is another loss (the squared hinge loss), here they count as
    they are."""
    margins = np.maximum(0, _svm_margins(x, y))
    return np.sum(margins**2) / len(x), _svm_gradient(margins, y, 2 * margins)


@misconception(of="svm_loss", caught_by="svm_loss_is_correct")
def svm_loss_not_averaged(x, y):
    """Your loss is the sum over the examples: divide it by their number."""
    loss, dx = _svm_loss(x, y)
    return loss * len(x), dx


@misconception(of="svm_loss", caught_by="svm_gradient_is_correct")
def svm_gradient_not_averaged(x, y):
    """Your gradient is N times too large: the loss is a mean over the examples, so divide dx by
    their number as well."""
    loss, dx = _svm_loss(x, y)
    return loss, dx * len(x)


@misconception(of="svm_loss", caught_by="svm_gradient_is_correct")
def svm_true_class_forgotten(x, y):
    """The score of the true class gets no gradient: it occurs in every positive margin, with a
    minus sign, so it gets minus their number."""
    loss, dx = _svm_loss(x, y)
    dx[np.arange(len(x)), y] = 0
    return loss, dx


@misconception(of="svm_loss", caught_by="svm_gradient_is_correct")
def svm_true_class_pulled_once(x, y):
    """The true class gets -1 in your gradient, however many margins are positive: it occurs in each
    of them, so it gets minus their number."""
    loss, dx = _svm_loss(x, y)
    true_class = np.arange(len(x)), y
    dx[true_class] = np.where(dx[true_class] < 0, -1 / len(x), 0)
    return loss, dx


@misconception(of="svm_loss", caught_by="svm_gradient_is_correct")
def svm_gradient_is_the_margin(x, y):
    """Your gradient contains the margins themselves: the derivative of max(0, m) is 1 where the
    margin m is positive, however large it is."""
    margins = np.maximum(0, _svm_margins(x, y))
    margins[np.arange(len(x)), y] = 0
    return _svm_loss(x, y)[0], _svm_gradient(margins, y, margins)


# TwoLayerNet --------------------------------------------------------------------------------------


class _Net:
    """The right network; what a misconception does differently is a method or two."""

    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        self.reg = reg
        self.params = {
            "W1": self.start(input_dim, hidden_dim, weight_scale, rng),
            "b1": np.zeros(hidden_dim),
            "W2": self.start(hidden_dim, num_classes, weight_scale, rng),
            "b2": np.zeros(num_classes),
        }

    def start(self, rows, columns, weight_scale, rng):
        return weight_scale * rng.standard_normal((rows, columns))

    def rows(self, X):
        return X.reshape(len(X), -1)

    def activate(self, z):
        return np.maximum(z, 0)

    def gate(self, dhidden, z):
        return dhidden * (z > 0)

    def finish(self, scores):
        return scores

    def dscores(self, dscores, scores):
        return dscores

    def penalty(self, p):
        return 0.5 * self.reg * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))

    def penalty_gradient(self, p):
        return {"W1": self.reg * p["W1"], "W2": self.reg * p["W2"]}

    def loss(self, X, y=None):
        p, X = self.params, self.rows(X)
        z = X @ p["W1"] + p["b1"]
        hidden = self.activate(z)
        scores = self.finish(hidden @ p["W2"] + p["b2"])
        if y is None:
            return scores
        data_loss, dscores = _softmax_loss(scores, y)
        dscores = self.dscores(dscores, scores)
        dz = self.gate(dscores @ p["W2"].T, z)
        grads = {"W1": X.T @ dz, "b1": dz.sum(0), "W2": hidden.T @ dscores, "b2": dscores.sum(0)}
        for name, extra in self.penalty_gradient(p).items():
            grads[name] = grads[name] + extra
        return data_loss + self.penalty(p), grads


@misconception(of="TwoLayerNet", caught_by="weights_start_small_and_random")
class WeightsStartAtZero(_Net):
    """Your weights start at zero, where all hidden units are the same and get no gradient: draw
    them at random with standard deviation weight_scale."""

    def start(self, rows, columns, weight_scale, rng):
        return np.zeros((rows, columns))


@misconception(of="TwoLayerNet", caught_by="weights_start_small_and_random")
class ScaleTakenForVariance(_Net):
    """The standard deviation of your weights is the root of weight_scale: weight_scale is the
    standard deviation itself."""

    def start(self, rows, columns, weight_scale, rng):
        return np.sqrt(weight_scale) * rng.standard_normal((rows, columns))


@misconception(of="TwoLayerNet", caught_by="weights_start_small_and_random")
class ScaleIgnored(_Net):
    """Your weights have standard deviation 1: multiply them by weight_scale."""

    def start(self, rows, columns, weight_scale, rng):
        return rng.standard_normal((rows, columns))


@misconception(of="TwoLayerNet", caught_by="weights_start_small_and_random")
class WeightsAllPositive(_Net):
    """rng.random draws from 0 to 1, so all your weights are positive: draw from a normal
    distribution with mean 0, rng.normal or rng.standard_normal."""

    def start(self, rows, columns, weight_scale, rng):
        return weight_scale * rng.random((rows, columns))


@misconception(of="TwoLayerNet", caught_by="weights_come_from_rng")
class RngIgnored(_Net):
    """Your weights are the same whatever rng is: draw them with the generator that you are given,
    not with one of your own."""

    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        own = np.random.default_rng(0)
        super().__init__(input_dim, hidden_dim, num_classes, weight_scale, reg, own)


@misconception(of="TwoLayerNet", caught_by="scores_are_correct")
class WithoutReLU(_Net):
    """There is no nonlinearity between your two affine layers, so that the network is a linear
    classifier: apply ReLU to the output of the first."""

    def activate(self, z):
        return z

    def gate(self, dhidden, z):
        return dhidden


@misconception(of="TwoLayerNet", caught_by="scores_are_correct")
class ReLUOnScores(_Net):
    """You apply ReLU to the scores as well: it belongs between the two affine layers alone, since
    scores may be negative."""

    def finish(self, scores):
        return np.maximum(scores, 0)

    def dscores(self, dscores, scores):
        return dscores * (scores > 0)


@misconception(of="TwoLayerNet", caught_by="scores_are_correct")
class ProbabilitiesForScores(_Net):
    """Without labels you return probabilities: return the scores, as the second affine layer gives
    them."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        return _probabilities(returned) if y is None else returned


@misconception(of="TwoLayerNet", caught_by="network_loss_is_correct")
class RegularisationMissingInLoss(_Net):
    """Your loss is the data loss alone: add 0.5 * reg * (sum(W1 * W1) + sum(W2 * W2))."""

    def penalty(self, p):
        return 0.0


@misconception(of="TwoLayerNet", caught_by="network_loss_is_correct")
class RegularisationNotHalved(_Net):
    """The factor ½ of the regularisation is missing: add 0.5 * reg * sum(W * W) for each of the two
    weight matrices, whose derivative is reg * W."""

    def penalty(self, p):
        return 2 * super().penalty(p)

    def penalty_gradient(self, p):
        return {name: 2 * extra for name, extra in super().penalty_gradient(p).items()}


@misconception(of="TwoLayerNet", caught_by="network_loss_is_correct")
class LossNotHalved(_Net):
    """The factor ½ of the regularisation is missing in your loss (your gradient is right): add
    0.5 * reg * sum(W * W)."""

    def penalty(self, p):
        return 2 * super().penalty(p)


@misconception(of="TwoLayerNet", caught_by="regularised_gradients_are_correct")
class GradientNotHalved(_Net):
    """The derivative of 0.5 * reg * W² is reg * W: your gradient has twice as much."""

    def penalty_gradient(self, p):
        return {name: 2 * extra for name, extra in super().penalty_gradient(p).items()}


@misconception(of="TwoLayerNet", caught_by="regularised_gradients_are_correct")
class RegularisationMissingInGradient(_Net):
    """The loss is regularised, the gradients are not: add reg * W1 and reg * W2 to what the layers
    return."""

    def penalty_gradient(self, p):
        return {}


@misconception(of="TwoLayerNet", caught_by="regularised_gradients_are_correct")
class BiasesRegularised(_Net):
    """You regularise the biases as well: only W1 and W2 are."""

    def penalty(self, p):
        return 0.5 * self.reg * sum(np.sum(array**2) for array in p.values())

    def penalty_gradient(self, p):
        return {name: self.reg * array for name, array in p.items()}


@misconception(of="TwoLayerNet", caught_by="regularised_gradients_are_correct")
class OnlyBiasGradientsRegularised(_Net):
    """The gradients of your biases contain reg * b, but biases are not regularised: your loss has
    it right."""

    def penalty_gradient(self, p):
        return {name: self.reg * array for name, array in p.items()}


@misconception(of="TwoLayerNet", caught_by="regularised_gradients_are_correct")
class SecondLayerNotRegularised(_Net):
    """W2 is not regularised: the penalty is the sum of both weight matrices, in the loss and in the
    gradient."""

    def penalty(self, p):
        return 0.5 * self.reg * np.sum(p["W1"] ** 2)

    def penalty_gradient(self, p):
        return {"W1": self.reg * p["W1"]}


@misconception(of="TwoLayerNet", caught_by="network_gradients_are_correct")
class ReLUForgottenOnTheWayBack(_Net):
    """On the way back you leave out ReLU: hidden units that were asleep must pass nothing on to W1
    and b1. Call relu_backward between the two affine_backward."""

    def gate(self, dhidden, z):
        return dhidden


@misconception(of="TwoLayerNet", caught_by="network_gradients_are_correct")
class ReLUMaskFromGradient(_Net):
    """On the way back your ReLU looks at the sign of the gradient: what counts is whether the
    hidden unit was awake, that is, the sign of X @ W1 + b1."""

    def gate(self, dhidden, z):
        return dhidden * (dhidden > 0)


@misconception(of="TwoLayerNet", caught_by="network_gradients_are_correct")
class GradientsAveragedTwice(_Net):
    """Your gradients are divided by N twice: softmax_loss has done it already."""

    def dscores(self, dscores, scores):
        return dscores / len(scores)


@misconception(of="TwoLayerNet", caught_by="network_gradients_are_correct")
class GradientsUnderOtherNames(_Net):
    """Your gradients are called dW1, db1, …: put each under the name of its parameter, grads["W1"],
    so that the solver finds it."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        if y is None:
            return returned
        return returned[0], {f"d{name}": array for name, array in returned[1].items()}


@misconception(of="TwoLayerNet", caught_by="network_takes_one_picture", symptom="exception")
class PicturesNotFlattened(_Net):
    """Examples may have any shape (N, d_1, ..., d_k): use affine_forward, which lays them out as
    rows."""

    def rows(self, X):
        return X


# train_two_layer_net ------------------------------------------------------------------------------


@misconception(
    of="train_two_layer_net",
    caught_by="train_two_layer_net_learns_patterns",
    symptom="exception",
)
def training_returns_the_solver(X_train, y_train, X_val, y_val):
    """What you return has no method `loss`: return the network itself, not the solver that trained
    it."""
    return _Run()


@misconception(of="train_two_layer_net", caught_by="train_two_layer_net_learns_patterns")
def training_diverges(X_train, y_train, X_val, y_val):
    """The weights of your network are NaN: with too high a learning rate they grow without bound.
    Try a tenth of it."""
    classes = int(np.max(y_train)) + 1
    return _Net(X_train.shape[1], 10, classes, np.nan, 0.0, np.random.default_rng(0))


@misconception(of="train_two_layer_net", caught_by="train_two_layer_net_learns_patterns")
def training_from_zero(X_train, y_train, X_val, y_val):
    """All images get the same scores: a network whose weights start at zero stays there. Give it a
    weight_scale of about 0.02."""
    classes = int(np.max(y_train)) + 1
    return _Net(X_train.shape[1], 10, classes, 0.0, 0.0, np.random.default_rng(0))


class _Run:
    """Stands in for a solver."""


# Building blocks ----------------------------------------------------------------------------------


def _affine_backward(dout, cache):
    """Return the right gradients."""
    x, w, _ = cache
    dw = x.reshape(len(x), -1).T @ dout
    return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)


def _probabilities(x):
    exponentials = np.exp(x - np.max(x, axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _softmax_loss(x, y):
    """Return the right loss and gradient."""
    true_class = np.arange(len(x)), y
    shifted = x - np.max(x, axis=1, keepdims=True)
    loss = np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[true_class])
    dx = _probabilities(x)
    dx[true_class] -= 1
    return loss, dx / len(x)


def _unstable_softmax(x, y, *, shift):
    """Return loss and gradient by way of the logarithm of a probability."""
    exponentials = np.exp(x - shift)
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    true_class = np.arange(len(x)), y
    loss = -np.mean(np.log(p[true_class]))
    p[true_class] -= 1
    return loss, p / len(x)


def _svm_margins(x, y):
    """Return x_k - x_true + 1, and 0 for the true class."""
    true_class = np.arange(len(x)), y
    margins = x - x[true_class][:, None] + 1
    margins[true_class] = 0
    return margins


def _svm_gradient(margins, y, pull=None):
    """Return the gradient in which each positive margin pulls with strength 1, or as given."""
    dx = (margins > 0).astype(margins.dtype) if pull is None else pull.copy()
    dx[np.arange(len(dx)), y] -= dx.sum(axis=1)
    return dx / len(dx)


def _svm_loss(x, y):
    """Return the right loss and gradient."""
    margins = np.maximum(0, _svm_margins(x, y))
    return margins.sum() / len(x), _svm_gradient(margins, y)
