"""Known-wrong versions of blocks and network, and the hint that each earns.

Random results can be compared only where numbers are drawn alike: dropout here draws as most
people do, and as the reference does. The backward functions read the caches of the reference, which
are those of its layers: ``(x, w, b)`` of the affine layer, ``(x, mean, std, x_hat, gamma)`` of a
normalisation, the input of ReLU, and ``(dropout_param, mask)`` with a mask of 0 and 1 / p.
"""

# What a wrong network does differently its class says, not its methods.
# ruff: noqa: D102

from __future__ import annotations

import numpy as np

from autograder import misconception

# affine_relu_forward ------------------------------------------------------------------------------


@misconception(of="affine_relu_forward", caught_by="sandwich_output_is_correct")
def sandwich_without_relu(x, w, b):
    """Your output has negative numbers: hand on the output of relu_forward, not that of the affine
    layer."""
    z = _affine(x, w, b)
    return z, ((x, w, b), z)


@misconception(of="affine_relu_forward", caught_by="sandwich_output_is_correct")
def sandwich_relu_on_the_input(x, w, b):
    """You apply ReLU to the input of the affine layer: it belongs behind it, on the output."""
    z = _affine(np.maximum(x, 0), w, b)
    return z, ((x, w, b), z)


@misconception(of="affine_relu_forward", caught_by="sandwich_output_is_correct")
def sandwich_forgets_bias(x, w, b):
    """The bias is missing: hand b to affine_forward, too."""
    z = _affine(x, w, 0 * b)
    return np.maximum(z, 0), ((x, w, b), z)


@misconception(
    of="affine_relu_forward", caught_by="sandwich_takes_one_picture", symptom="exception"
)
def sandwich_does_not_flatten(x, w, b):
    """Examples may have any shape (N, d_1, ..., d_k): use layers.affine_forward, which lays them
    out as rows."""
    z = x @ w + b
    return np.maximum(z, 0), ((x, w, b), z)


# affine_relu_backward -----------------------------------------------------------------------------


@misconception(of="affine_relu_backward", caught_by="sandwich_gradients_are_correct")
def sandwich_backward_without_relu(dout, cache):
    """On the way back ReLU is missing: units that were asleep must pass nothing on. Call
    relu_backward before affine_backward."""
    return _affine_backward(dout, cache[0])


@misconception(of="affine_relu_backward", caught_by="sandwich_gradients_are_correct")
def sandwich_backward_gate_from_gradient(dout, cache):
    """Your gate looks at the sign of dout: what counts is whether the input of ReLU was positive,
    which is in its cache."""
    return _affine_backward(dout * (dout > 0), cache[0])


@misconception(of="affine_relu_backward", caught_by="sandwich_gradients_are_correct")
def sandwich_bias_past_the_gate(dout, cache):
    """Your db is the sum of dout as it arrived: the bias stands before ReLU, so its gradient goes
    through the gate, too."""
    dx, dw, _ = _affine_backward(dout * (cache[1] > 0), cache[0])
    return dx, dw, dout.sum(axis=0)


@misconception(of="affine_relu_backward", caught_by="sandwich_dx_has_the_shape_of_x")
def sandwich_dx_flat(dout, cache):
    """Your dx is laid out as rows: it must have the shape of x, as layers.affine_backward returns
    it."""
    dx, dw, db = _affine_backward(dout * (cache[1] > 0), cache[0])
    return dx.reshape(len(dx), -1), dw, db


# affine_norm_relu_dropout_forward -----------------------------------------------------------------


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_without_extras")
def block_without_relu(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """There is no ReLU in your block: it comes after the normalisation, also if there is none."""
    return _block(
        x, w, b, gamma, beta, normalization, norm_param, dropout_param, order="affine norm drop"
    )


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_with_batchnorm")
def block_norm_after_relu(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """You normalise after ReLU: in equation (1) normalisation stands between affine and ReLU."""
    return _block(
        x, w, b, gamma, beta, normalization, norm_param, dropout_param,
        order="affine relu norm drop",
    )  # fmt: skip


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_with_batchnorm")
def block_without_norm(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Your block never normalises: compare normalization with the strings "batchnorm" and
    "layernorm"."""
    return _block(x, w, b, gamma, beta, None, norm_param, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_with_layernorm")
def block_batchnorm_for_layernorm(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Where layer normalisation is asked for, you normalise over the batch: call
    layernorm_forward."""
    if normalization == "layernorm":
        normalization = "batchnorm"
    return _block(x, w, b, gamma, beta, normalization, dict(norm_param or {}), dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_with_batchnorm")
def block_layernorm_for_batchnorm(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Where batch normalisation is asked for, you normalise every image over its features: call
    batchnorm_forward."""
    if normalization == "batchnorm":
        normalization = "layernorm"
    return _block(x, w, b, gamma, beta, normalization, norm_param, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_with_batchnorm")
def block_gamma_and_beta_swapped(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """You swap gamma and beta: batchnorm_forward(x, gamma, beta, bn_param) scales with the first
    and shifts by the second."""
    return _block(x, w, b, beta, gamma, normalization, norm_param, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_keeps_running_averages")
def block_copies_norm_param(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """The running averages get lost: hand norm_param itself on to batchnorm_forward, which writes
    into it, and no copy."""
    copy = None if norm_param is None else dict(norm_param)
    return _block(x, w, b, gamma, beta, normalization, copy, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_in_test_mode")
def block_always_trains(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """In test mode your block normalises with the statistics of the batch: hand the mode in
    norm_param on as it is."""
    if norm_param is not None:
        norm_param["mode"] = "train"
    return _block(x, w, b, gamma, beta, normalization, norm_param, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_in_test_mode")
def block_drops_in_test_mode(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """In test mode your block still drops units: hand the mode in dropout_param on as it is."""
    if dropout_param is not None:
        dropout_param = {**dropout_param, "mode": "train"}
    return _block(x, w, b, gamma, beta, normalization, norm_param, dropout_param)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_drops_at_the_end")
def block_drops_before_norm(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """You drop units before the normalisation, which then takes the zeros for values: dropout
    comes last."""
    return _block(
        x, w, b, gamma, beta, normalization, norm_param, dropout_param,
        order="affine drop norm relu",
    )  # fmt: skip


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_drops_at_the_end")
def block_drops_inputs(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """You drop inputs of the block: dropout comes last, on what ReLU returns."""
    return _block(
        x, w, b, gamma, beta, normalization, norm_param, dropout_param,
        order="drop affine norm relu",
    )  # fmt: skip


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_drops_at_the_end")
def block_without_dropout(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Your block never drops anything: call dropout_forward whenever dropout_param is not None."""
    return _block(x, w, b, gamma, beta, normalization, norm_param, None)


@misconception(of="affine_norm_relu_dropout_forward", caught_by="block_drops_the_right_share")
def block_dropout_needs_norm(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Without normalisation your block does not drop either: the two have nothing to do with each
    other, so look at dropout_param alone."""
    dropout_param = None if normalization is None else dropout_param
    return _block(x, w, b, gamma, beta, normalization, norm_param, dropout_param)


@misconception(
    of="affine_norm_relu_dropout_forward",
    caught_by="block_leaves_arrays_alone",
    symptom="mutation",
)
def block_adds_bias_in_place(x, w, b, gamma, beta, normalization, norm_param, dropout_param):
    """Your block changes an array of the caller's: += and out= write into the array that they are
    given. Make a new one, as in `b = b + …`."""
    result = _block(x, w, b, gamma, beta, normalization, norm_param, dropout_param)
    x += 1e-3
    return result


# affine_norm_relu_dropout_backward ----------------------------------------------------------------


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_without_extras")
def block_backward_without_relu(dout, cache):
    """On the way back ReLU is missing: units that were asleep must pass nothing on."""
    return _block_backward(dout, cache, skip="relu")


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_without_extras")
def block_backward_too_short(dout, cache):
    """The backward function returns five values, dx, dw, db, dgamma, dbeta, in any case: without
    normalisation the last two are None."""
    returned = _block_backward(dout, cache)
    return returned[:3] if cache[0] is None else returned


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_batchnorm")
def block_backward_without_norm(dout, cache):
    """On the way back the normalisation is missing: dgamma and dbeta are right, but what goes on to
    the affine layer must be the dx that batchnorm_backward returns."""
    return _block_backward(dout, cache, skip="norm")


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_batchnorm")
def block_backward_norm_before_relu(dout, cache):
    """You go back through the normalisation first and through ReLU afterwards: the way back has the
    reverse order, so ReLU comes first."""
    return _block_backward(dout, cache, order="drop norm relu")


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_batchnorm")
def block_backward_swaps_gamma_and_beta(dout, cache):
    """You swap dgamma and dbeta: the order is dx, dw, db, dgamma, dbeta."""
    dx, dw, db, dgamma, dbeta = _block_backward(dout, cache)
    return dx, dw, db, dbeta, dgamma


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_layernorm")
def block_backward_always_batchnorm(dout, cache):
    """After layer normalisation you go back with batchnorm_backward: use layernorm_backward there,
    and keep in the cache which of the two it was."""
    kind = "batchnorm" if cache[0] == "layernorm" else cache[0]
    return _block_backward(dout, (kind, *cache[1:]))


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_dropout")
def block_backward_without_dropout(dout, cache):
    """On the way back dropout is missing: what was dropped passes no gradient, and what was kept
    passes it with the factor 1 / p. Call dropout_backward first."""
    return _block_backward(dout, cache, skip="drop")


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_dropout")
def block_backward_dropout_unscaled(dout, cache):
    """On the way back the factor 1 / p is missing where dropout has kept a unit: use
    dropout_backward, or the mask as it was in the forward pass."""
    if cache[-1] is not None:
        cache = (*cache[:-1], (cache[-1][0], np.sign(cache[-1][1])))
    return _block_backward(dout, cache)


@misconception(of="affine_norm_relu_dropout_backward", caught_by="block_gradients_with_dropout")
def block_backward_dropout_last(dout, cache):
    """You go back through dropout after the normalisation: it came last on the way forward, so it
    comes first on the way back."""
    return _block_backward(dout, cache, order="relu norm drop")


# init_params --------------------------------------------------------------------------------------


def _start(hidden_dims, input_dim, num_classes, normalization, draw, bias=0.0, gamma=1.0, beta=0.0):
    """Return the right parameters, with weights from draw(shape)."""
    sizes, params = [input_dim, *hidden_dims, num_classes], {}
    for i in range(1, len(sizes)):
        params[f"W{i}"] = draw((sizes[i - 1], sizes[i]))
        params[f"b{i}"] = np.full(sizes[i], bias)
        if normalization is not None and i < len(sizes) - 1:
            params[f"gamma{i}"] = np.full(sizes[i], gamma)
            params[f"beta{i}"] = np.full(sizes[i], beta)
    return params


def _normal(weight_scale, rng):
    return lambda shape: weight_scale * rng.standard_normal(shape)


@misconception(of="init_params", caught_by="params_have_names_and_shapes")
def last_layer_forgotten(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """The last affine layer has no parameters: with three hidden layers there are four, the last
    from the last hidden layer to the classes."""
    last = len(hidden_dims) + 1
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    return {name: a for name, a in params.items() if name not in (f"W{last}", f"b{last}")}


@misconception(of="init_params", caught_by="params_have_names_and_shapes")
def counted_from_zero(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your names count from 0: the first layer is W1, b1."""
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    return {f"{name[:-1]}{int(name[-1]) - 1}": a for name, a in params.items()}


@misconception(of="init_params", caught_by="params_have_names_and_shapes")
def weights_transposed(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your weight matrices are transposed: W has the shape (inputs, outputs), since the layer
    computes x @ W."""
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    return {name: a.T for name, a in params.items()}


@misconception(of="init_params", caught_by="params_have_names_and_shapes")
def biases_of_the_inputs(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your biases have one number for each input of the layer: they have one for each output."""
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    biases = {f"b{name[1:]}": np.zeros(len(a)) for name, a in params.items() if name[0] == "W"}
    return params | biases


@misconception(of="init_params", caught_by="params_of_normalisation")
def last_layer_normalised(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your last layer has gamma and beta, too: only hidden layers are normalised, and the scores
    are not."""
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    if normalization is not None:
        last = len(hidden_dims) + 1
        params |= {f"gamma{last}": np.ones(num_classes), f"beta{last}": np.zeros(num_classes)}
    return params


@misconception(of="init_params", caught_by="params_of_normalisation")
def no_gamma_for_layernorm(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """With layer normalisation gamma and beta are missing: either normalisation has them."""
    draw = _normal(weight_scale, rng)
    kind = normalization if normalization == "batchnorm" else None
    return _start(hidden_dims, input_dim, num_classes, kind, draw)


@misconception(of="init_params", caught_by="params_of_normalisation")
def gamma_of_the_inputs(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your gamma and beta have the size of the layer's input: they belong to its output, which is
    what is normalised."""
    draw = _normal(weight_scale, rng)
    params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
    sizes = [input_dim, *hidden_dims]
    for name in params:
        if name[:-1] in ("gamma", "beta"):
            params[name] = np.full(sizes[int(name[-1]) - 1], float(name[0] == "g"))
    return params


@misconception(of="init_params", caught_by="weights_have_weight_scale")
def scale_ignored(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your weights have standard deviation 1: multiply them by weight_scale."""
    return _start(hidden_dims, input_dim, num_classes, normalization, _normal(1.0, rng))


@misconception(of="init_params", caught_by="weights_have_weight_scale")
def scale_taken_for_variance(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """The standard deviation of your weights is the root of weight_scale: weight_scale is the
    standard deviation itself."""
    draw = _normal(np.sqrt(weight_scale), rng)
    return _start(hidden_dims, input_dim, num_classes, normalization, draw)


@misconception(of="init_params", caught_by="weights_have_weight_scale")
def weights_uniform(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """rng.random draws from 0 to 1, so all your weights are positive: draw from a normal
    distribution with mean 0, rng.normal or rng.standard_normal."""

    def draw(shape):
        return weight_scale * rng.random(shape)

    return _start(hidden_dims, input_dim, num_classes, normalization, draw)


@misconception(of="init_params", caught_by="weights_have_weight_scale")
def weights_zero(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your weights start at zero, where all units of a layer are the same for ever: draw them at
    random."""
    return _start(hidden_dims, input_dim, num_classes, normalization, np.zeros)


@misconception(of="init_params", caught_by="other_params_start_neutral")
def gamma_zero(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your gamma starts at 0, which turns the output of every hidden layer into 0: a factor leaves
    numbers alone if it is 1."""
    draw = _normal(weight_scale, rng)
    return _start(hidden_dims, input_dim, num_classes, normalization, draw, gamma=0.0)


@misconception(of="init_params", caught_by="other_params_start_neutral")
def beta_one(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your beta starts at 1: a shift leaves numbers alone if it is 0."""
    draw = _normal(weight_scale, rng)
    return _start(hidden_dims, input_dim, num_classes, normalization, draw, beta=1.0)


@misconception(of="init_params", caught_by="other_params_start_neutral")
def biases_one(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your biases start at 1: let them start at 0."""
    draw = _normal(weight_scale, rng)
    return _start(hidden_dims, input_dim, num_classes, normalization, draw, bias=1.0)


@misconception(of="init_params", caught_by="weights_come_from_rng")
def rng_ignored(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Your weights are the same whatever rng is: draw them with the generator that you are given,
    not with one of your own."""
    draw = _normal(weight_scale, np.random.default_rng(0))
    return _start(hidden_dims, input_dim, num_classes, normalization, draw)


# FullyConnectedNet --------------------------------------------------------------------------------


class _Net:
    """The right network; what a misconception does differently is a method or two."""

    def __init__(
        self,
        hidden_dims,
        input_dim,
        num_classes,
        normalization=None,
        dropout_keep_ratio=1.0,
        reg=0.0,
        weight_scale=0.01,
        *,
        rng,
    ):
        self.num_layers = len(hidden_dims) + 1
        self.normalization, self.reg = normalization, reg
        self.dropout_param = {"mode": "train", "p": dropout_keep_ratio, "rng": rng}
        draw = _normal(weight_scale, rng)
        self.params = _start(hidden_dims, input_dim, num_classes, normalization, draw)
        self.norm_params = self.settings(len(hidden_dims))

    def settings(self, number):
        return [{"mode": "train"} for _ in range(number)]

    def place(self, i):
        return i - 1

    def modes(self, mode):
        return mode, mode

    def dropout_of(self, i):
        return self.dropout_param if self.dropout_param["p"] < 1 else None

    def order(self):
        return "affine norm relu drop"

    def finish(self, scores):
        return scores

    def through_finish(self, dscores, scores):
        return dscores

    def forward(self, X, mode):
        p, caches, out = self.params, [], X
        norm_mode, self.dropout_param["mode"] = self.modes(mode)
        for i in range(1, self.num_layers):
            norm_param = self.norm_params[self.place(i)]
            norm_param["mode"] = norm_mode
            own = (p.get(f"{name}{i}") for name in ("W", "b", "gamma", "beta"))
            out, cache = _block(
                out, *own, self.normalization, norm_param, self.dropout_of(i), order=self.order()
            )
            caches.append(cache)
        last = self.num_layers
        w, b = p[f"W{last}"], p[f"b{last}"]
        return _affine(out, w, b), [*caches, (out, w, b)]

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache)

    def backward(self, dscores, caches):
        grads, last = {}, self.num_layers
        dout, grads[f"W{last}"], grads[f"b{last}"] = _affine_backward(dscores, caches[-1])
        for i in range(last - 1, 0, -1):
            dout, dw, db, dgamma, dbeta = self.block_backward(dout, caches[i - 1], i)
            grads |= {f"W{i}": dw, f"b{i}": db}
            if self.normalization:
                grads |= {f"gamma{i}": dgamma, f"beta{i}": dbeta}
        return grads

    def scores_mode(self):
        return "test"

    def loss_mode(self):
        return "train"

    def in_penalty(self, name):
        return name[0] == "W"

    def in_penalty_gradient(self, name):
        return self.in_penalty(name)

    def factors(self):
        return 0.5 * self.reg, self.reg

    def dscores(self, dscores):
        return dscores

    def loss(self, X, y=None):
        if y is None:
            return self.finish(self.forward(X, self.scores_mode())[0])
        raw, caches = self.forward(X, self.loss_mode())
        scores = self.finish(raw)
        loss, dscores = _softmax_loss(scores, y)
        grads = self.backward(self.dscores(self.through_finish(dscores, raw)), caches)
        of_loss, of_gradient = self.factors()
        for name, param in self.params.items():
            if self.in_penalty(name):
                loss = loss + of_loss * np.sum(param * param)
            if self.in_penalty_gradient(name):
                grads[name] = grads[name] + of_gradient * param
        return loss, grads


# Scores


@misconception(of="FullyConnectedNet", caught_by="scores_are_correct")
class ReLUOnScores(_Net):
    """You apply ReLU to the scores as well: the last layer is affine and nothing else, since scores
    may be negative."""

    def finish(self, scores):
        return np.maximum(scores, 0)

    def through_finish(self, dscores, scores):
        return dscores * (scores > 0)


@misconception(of="FullyConnectedNet", caught_by="scores_are_correct")
class ProbabilitiesForScores(_Net):
    """Without labels you return probabilities: return the scores, as the last affine layer gives
    them."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        return _probabilities(returned) if y is None else returned


@misconception(of="FullyConnectedNet", caught_by="scores_are_correct")
class ScoresWithCaches(_Net):
    """Without labels loss returns the scores alone: forward returns them together with the
    caches, so take the first of the two."""

    def loss(self, X, y=None):
        return super().loss(X, y) if y is not None else self.forward(X, "test")


@misconception(of="FullyConnectedNet", caught_by="scores_are_correct")
class NoReLUInHiddenLayers(_Net):
    """There is no nonlinearity between your affine layers, so that the network is a linear
    classifier: use the block with ReLU."""

    def order(self):
        return "affine norm drop"

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, skip="relu")


@misconception(of="FullyConnectedNet", caught_by="scores_with_layernorm")
class LastLayerNormalised(_Net):
    """Your scores are normalised: normalisation belongs to hidden layers, and the last layer gives
    scores of any size."""

    def finish(self, scores):
        if self.normalization is None:
            return scores
        return _normalise(scores, axis=1)[0]

    def through_finish(self, dscores, scores):
        if self.normalization is None:
            return dscores
        cache = (scores, *_normalise(scores, axis=1)[1], np.ones(scores.shape[1]))
        return _norm_backward(dscores, cache, axis=1)[0]


@misconception(of="FullyConnectedNet", caught_by="scores_with_layernorm")
class NormAfterReLU(_Net):
    """You normalise after ReLU: in equation (1) normalisation stands between affine and ReLU."""

    def order(self):
        return "affine relu norm drop"

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, order="drop norm relu")


@misconception(of="FullyConnectedNet", caught_by="scores_use_running_averages")
class SettingsShared(_Net):
    """All layers share one dictionary of running averages, so that each overwrites those of the
    others: [{...}] * n repeats the same dictionary. Make a new one for each layer."""

    def settings(self, number):
        return [{"mode": "train"}] * number


@misconception(of="FullyConnectedNet", caught_by="scores_use_running_averages")
class WrongPlaceInList(_Net):
    """Layers are counted from 1, lists from 0: layer i has norm_params[i - 1]. Yours are shifted,
    so that two layers share their running averages."""

    def place(self, i):
        return min(i, self.num_layers - 2)


@misconception(of="FullyConnectedNet", caught_by="scores_use_running_averages")
class BatchNormNeverTests(_Net):
    """Your batch normalisation stays in training mode when scores are asked for: set the mode of
    every layer's norm_params in every call."""

    def modes(self, mode):
        return "train", mode


@misconception(of="FullyConnectedNet", caught_by="scores_use_running_averages")
class AveragesStartAnew(_Net):
    """Running averages start anew in every call: make norm_params once, in __init__, so that they
    accumulate over the steps."""

    def loss(self, X, y=None):
        if y is not None:
            self.norm_params = self.settings(self.num_layers - 1)
        return super().loss(X, y)


@misconception(of="FullyConnectedNet", caught_by="test_images_leave_no_trace")
class TestImagesInAverages(_Net):
    """Images without labels change your running averages: the scores go by test mode, but there is
    a pass in training mode before. Without labels, go forward once, with mode "test"."""

    def loss(self, X, y=None):
        if y is None:
            self.forward(X, "train")
        return super().loss(X, y)


@misconception(of="FullyConnectedNet", caught_by="scores_without_dropout")
class DropoutNeverTests(_Net):
    """Your network still drops units when scores are asked for: set self.dropout_param["mode"] in
    every call."""

    def modes(self, mode):
        return mode, "train"


@misconception(of="FullyConnectedNet", caught_by="dropout_with_batchnorm")
class ScoresInTrainingMode(_Net):
    """loss(X) runs in training mode, dropout and batch normalisation alike: without labels call
    forward with the mode "test"."""

    def scores_mode(self):
        return "train"


@misconception(of="FullyConnectedNet", caught_by="scores_without_dropout")
class ScaledAgainInTest(_Net):
    """In test mode you multiply by the share that is kept: dropout has divided by it in training
    already, so in testing there is nothing to do."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        return returned * self.dropout_param["p"] if y is None else returned


# Loss


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class PenaltyMissingInLoss(_Net):
    """Your loss is the data loss alone: add 0.5 * reg * sum(W * W) for every affine layer (your
    gradients have it)."""

    def factors(self):
        return 0.0, self.reg


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class PenaltyNotHalvedInLoss(_Net):
    """The factor ½ of the regularisation is missing in your loss (your gradient is right): add
    0.5 * reg * sum(W * W)."""

    def factors(self):
        return self.reg, self.reg


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class PenaltyNotHalved(_Net):
    """The factor ½ of the regularisation is missing: add 0.5 * reg * sum(W * W) for each of the
    weight matrices, whose derivative is reg * W."""

    def factors(self):
        return self.reg, 2 * self.reg


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class LastLayerNotInPenalty(_Net):
    """The last layer is not regularised: the penalty sums over the weights of all affine layers,
    and the loop must reach the last one."""

    def in_penalty(self, name):
        return name[0] == "W" and name != f"W{self.num_layers}"


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class OnlyLastLayerInPenalty(_Net):
    """Only the last layer is regularised: the penalty sums over the weights of all affine
    layers."""

    def in_penalty(self, name):
        return name == f"W{self.num_layers}"


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class EverythingRegularised(_Net):
    """You regularise all parameters: only the weights W are, neither biases nor gamma nor beta."""

    def in_penalty(self, name):
        return True


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class GammaRegularised(_Net):
    """You regularise gamma as well: only the weights W are."""

    def in_penalty(self, name):
        return name[0] in "Wg"


@misconception(of="FullyConnectedNet", caught_by="loss_is_correct")
class BiasesRegularised(_Net):
    """You regularise the biases as well: only the weights W are."""

    def in_penalty(self, name):
        return name[0] == "W" or name[:-1] == "b"


# Gradients


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyMissingInGradients(_Net):
    """The loss is regularised, the gradients are not: add reg * W to what the layers return."""

    def in_penalty_gradient(self, name):
        return False


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientOfFirstLayerOnly(_Net):
    """Only dW1 contains the gradient of the regularisation: add reg * W in every affine layer."""

    def in_penalty_gradient(self, name):
        return name == "W1"


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientOfLastLayerOnly(_Net):
    """Only the last layer's gradient contains that of the regularisation: add reg * W in the loop
    over the hidden layers, too."""

    def in_penalty_gradient(self, name):
        return name == f"W{self.num_layers}"


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientMissingInLastLayer(_Net):
    """The gradient of the regularisation is missing in the last layer: add reg * W there, too."""

    def in_penalty_gradient(self, name):
        return name[0] == "W" and name != f"W{self.num_layers}"


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientOfBiases(_Net):
    """The gradients of your biases contain reg * b, but biases are not regularised: your loss has
    it right."""

    def in_penalty_gradient(self, name):
        return name[0] == "W" or name[:-1] == "b"


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientDoubled(_Net):
    """The derivative of 0.5 * reg * W² is reg * W: your gradient has twice as much."""

    def factors(self):
        return 0.5 * self.reg, 2 * self.reg


@misconception(of="FullyConnectedNet", caught_by="regularised_gradients_are_correct")
class PenaltyGradientHalved(_Net):
    """The derivative of 0.5 * reg * W² is reg * W: your gradient has half of that."""

    def factors(self):
        return 0.5 * self.reg, 0.5 * self.reg


@misconception(of="FullyConnectedNet", caught_by="gradients_are_correct")
class ReLUForgottenOnTheWayBack(_Net):
    """On the way back you leave out ReLU in the hidden layers: go back through the blocks, with
    affine_norm_relu_dropout_backward."""

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, skip="relu")


@misconception(of="FullyConnectedNet", caught_by="gradients_are_correct")
class GradientsAveragedTwice(_Net):
    """Your gradients are divided by N twice: softmax_loss has done it already."""

    def dscores(self, dscores):
        return dscores / len(dscores)


@misconception(of="FullyConnectedNet", caught_by="gradients_are_correct")
class SameGradientForEveryBlock(_Net):
    """Every hidden layer gets the gradient that comes from the last one: the dx of each block is
    the dout of the one before it, so give it on in the loop."""

    def backward(self, dscores, caches):
        # Hidden layers of different widths would not even fit: fold or repeat what arrives.
        grads = super().backward(dscores, caches)
        dlast = _affine_backward(dscores, caches[-1])[0]
        for i in range(1, self.num_layers - 1):
            width = self.params[f"W{i}"].shape[1]
            dout = np.resize(dlast, (len(dlast), width))
            _, grads[f"W{i}"], grads[f"b{i}"], _, _ = _block_backward(dout, caches[i - 1])
        return grads


@misconception(of="FullyConnectedNet", caught_by="gradients_are_correct")
class GradientsUnderOtherNames(_Net):
    """Your gradients are called dW1, db1, …: put each under the name of its parameter, grads["W1"],
    so that the solver finds it."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        if y is None:
            return returned
        return returned[0], {f"d{name}": array for name, array in returned[1].items()}


@misconception(of="FullyConnectedNet", caught_by="gradients_are_correct")
class FirstLayerWithoutGradient(_Net):
    """The loop of your backward pass ends too early: the first layer gets no gradient.
    range(last - 1, 0, -1) goes down to 1."""

    def loss(self, X, y=None):
        returned = super().loss(X, y)
        if y is None or self.num_layers == 1:
            return returned
        return returned[0], {name: a for name, a in returned[1].items() if name[-1] != "1"}


@misconception(of="FullyConnectedNet", caught_by="gradients_with_batchnorm")
class LossInTestMode(_Net):
    """With labels your network runs in test mode: with y given, call forward with the mode
    "train"."""

    def loss_mode(self):
        return "test"

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, averages=True)


@misconception(of="FullyConnectedNet", caught_by="gradients_with_batchnorm")
class GammaWithoutGradient(_Net):
    """Your grads have no gamma and beta: what a block returns as dgamma and dbeta belongs there
    under the names of the parameters."""

    def backward(self, dscores, caches):
        grads = super().backward(dscores, caches)
        return {name: array for name, array in grads.items() if name[:-1] in ("W", "b")}


@misconception(of="FullyConnectedNet", caught_by="gradients_with_batchnorm")
class GammaAndBetaSwapped(_Net):
    """The gradients of gamma and beta are swapped: a block returns dx, dw, db, dgamma, dbeta, in
    this order."""

    def block_backward(self, dout, cache, i):
        dx, dw, db, dgamma, dbeta = _block_backward(dout, cache)
        return dx, dw, db, dbeta, dgamma


@misconception(of="FullyConnectedNet", caught_by="gradients_with_layernorm")
class LayerNormBackwardOfBatchNorm(_Net):
    """After layer normalisation you go back with batchnorm_backward: use layernorm_backward."""

    def block_backward(self, dout, cache, i):
        kind = "batchnorm" if cache[0] == "layernorm" else cache[0]
        return _block_backward(dout, (kind, *cache[1:]))


@misconception(of="FullyConnectedNet", caught_by="scores_of_linear_network")
class OneHiddenLayerTooFew(_Net):
    """With hidden_dims = [] your network still normalises or activates its only layer: that is the
    last layer, and the last layer is affine alone."""

    def finish(self, scores):
        return np.maximum(scores, 0) if self.num_layers == 1 else scores

    def through_finish(self, dscores, scores):
        return dscores * (scores > 0) if self.num_layers == 1 else dscores


@misconception(of="FullyConnectedNet", caught_by="dropout_in_training")
class DropoutNotUsed(_Net):
    """Your network never drops a unit: hand self.dropout_param to the blocks if
    dropout_keep_ratio is less than 1."""

    def dropout_of(self, i):
        return None


@misconception(of="FullyConnectedNet", caught_by="dropout_in_training")
class DropoutWithShareDropped(_Net):
    """You drop the share that should be kept: dropout_keep_ratio is the p of dropout_forward, not
    1 - p."""

    def dropout_of(self, i):
        p = self.dropout_param["p"]
        return {**self.dropout_param, "p": 1 - p} if p < 1 else None


@misconception(of="FullyConnectedNet", caught_by="dropout_in_training")
class DropoutForgottenOnTheWayBack(_Net):
    """On the way back you leave out dropout: what was dropped must pass no gradient, and what was
    kept passes it with the factor 1 / p."""

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, skip="drop")


@misconception(of="FullyConnectedNet", caught_by="dropout_in_training")
class DropoutOnlyInFirstLayer(_Net):
    """Only your first hidden layer drops units: all of them do."""

    def dropout_of(self, i):
        return super().dropout_of(i) if i == 1 else None


@misconception(of="FullyConnectedNet", caught_by="dropout_in_training")
class DropoutBeforeNorm(_Net):
    """Your network drops units before it normalises them: dropout comes last in a block."""

    def order(self):
        return "affine drop norm relu"

    def block_backward(self, dout, cache, i):
        return _block_backward(dout, cache, order="relu norm drop")


@misconception(of="FullyConnectedNet", caught_by="dropout_with_batchnorm")
class EitherNormOrDropout(_Net):
    """A network with dropout does not switch its batch normalisation to test mode: set the mode of
    both, one does not replace the other."""

    def modes(self, mode):
        return ("train" if self.dropout_param["p"] < 1 else mode), mode


# train_fully_connected_net ------------------------------------------------------------------------


@misconception(
    of="train_fully_connected_net", caught_by="train_fully_connected_net_learns_patterns"
)
def training_diverges(X_train, y_train, X_val, y_val):
    """The weights of your network are NaN: with too high a learning rate they grow without bound.
    Try a tenth of it."""
    classes, rng = int(np.max(y_train)) + 1, np.random.default_rng(0)
    return _Net([10], X_train.shape[1], classes, weight_scale=np.nan, rng=rng)


# Building blocks ----------------------------------------------------------------------------------


def _affine(x, w, b):
    return x.reshape(len(x), -1) @ w + b


def _affine_backward(dout, cache):
    x, w, _ = cache
    dw = x.reshape(len(x), -1).T @ dout
    return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)


def _normalise(x, axis, averages=None):
    """Return the normalised values, and mean, std and the same once more for the cache."""
    if averages is None:
        averages = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    mean, std = averages[0], np.sqrt(averages[1] + 1e-5)
    x_hat = (x - mean) / std
    return x_hat, (mean, std, x_hat)


def _norm(x, gamma, beta, normalization, param):
    """Normalise as either normalisation does, running averages included."""
    if normalization == "layernorm":
        x_hat, cache = _normalise(x, axis=1)
    elif param["mode"] == "test":
        zeros = np.zeros(x.shape[1])
        averages = param.get("running_mean", zeros), param.get("running_var", zeros)
        x_hat, cache = _normalise(x, 0, averages)
    else:
        x_hat, cache = _normalise(x, axis=0)
        for key, new in (("running_mean", x.mean(axis=0)), ("running_var", x.var(axis=0))):
            param[key] = 0.9 * param.get(key, np.zeros(x.shape[1])) + 0.1 * new
    return gamma * x_hat + beta, (x, *cache, gamma)


def _norm_backward(dout, cache, axis, *, averages=False):
    """Return the right gradients; with `averages`, those of test mode."""
    _, _, std, x_hat, gamma = cache
    dx_hat = dout * gamma
    dx = dx_hat
    if not averages:
        along = (dx_hat * x_hat).mean(axis=axis, keepdims=True)
        dx = dx_hat - dx_hat.mean(axis=axis, keepdims=True) - x_hat * along
    return dx / std, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


def _dropout(x, param):
    if param["mode"] == "test":
        return x, (param, np.ones(x.shape))
    mask = (param["rng"].random(x.shape) < param["p"]) / param["p"]
    return x * mask, (param, mask)


def _block(
    x, w, b, gamma, beta, normalization, norm_param, dropout_param, order="affine norm relu drop"
):
    """Run a block with its layers in another order, or without some; return it with the caches."""
    affine_cache = norm_cache = relu_cache = dropout_cache = None
    out = x
    for step in order.split():
        if step == "affine":
            affine_cache = (out, w, b)
            out = _affine(out, w, b)
            relu_cache = out  # the reference's backward function needs one, right or wrong
        elif step == "norm" and normalization is not None:
            out, norm_cache = _norm(out, gamma, beta, normalization, norm_param)
        elif step == "relu":
            relu_cache, out = out, np.maximum(out, 0)
        elif step == "drop" and dropout_param is not None:
            out, dropout_cache = _dropout(out, dropout_param)
    return out, (normalization, affine_cache, norm_cache, relu_cache, dropout_cache)


def _block_backward(dout, cache, *, order="drop relu norm", skip="", averages=False):
    """Go back through a block in another order, or past some of its layers."""
    normalization, affine_cache, norm_cache, relu_cache, dropout_cache = cache
    dgamma = dbeta = None
    for step in order.split():
        if step == "drop" and step != skip and dropout_cache is not None:
            mask = dropout_cache[1]
            dout = dout if mask is None else dout * mask
        elif step == "relu" and step != skip:
            dout = dout * (relu_cache > 0)
        elif step == "norm" and normalization is not None:
            axis = 1 if normalization == "layernorm" else 0
            dx, dgamma, dbeta = _norm_backward(dout, norm_cache, axis, averages=averages)
            dout = dout if step == skip else dx
    return (*_affine_backward(dout, affine_cache), dgamma, dbeta)


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
