"""Known-wrong versions of the functions of activations, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# relu ---------------------------------------------------------------------------------------------


@misconception(of="relu_forward", caught_by="relu_is_correct")
def relu_takes_the_absolute_value(x):
    """You flip the sign of negative inputs: ReLU replaces them by 0."""
    return np.abs(x), x


@misconception(of="relu_forward", caught_by="relu_is_correct")
def relu_keeps_the_negative_side(x):
    """You keep the negative inputs and cut the positive ones: it is the maximum of 0 and x."""
    return np.minimum(0, x), x


@misconception(of="relu_forward", caught_by="relu_is_correct")
def relu_returns_the_mask(x):
    """You return 1 where x is positive, which is the derivative: the output is x itself there."""
    return (x > 0).astype(x.dtype), x


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_mask_from_dout(dout, cache):
    """You cut dout where dout itself is negative: what decides is the sign of the input."""
    return np.maximum(0, dout)


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_gradient_passes_everything(dout, cache):
    """You pass dout on everywhere: where the input was negative, ReLU is flat and dx is 0."""
    return dout


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_gradient_forgets_dout(dout, cache):
    """You return the derivative of ReLU alone: the chain rule multiplies it by dout."""
    return (cache > 0).astype(dout.dtype)


@misconception(of="relu_backward", caught_by="relu_gradient_is_correct")
def relu_gradient_times_input(dout, cache):
    """You multiply dout by the output: the slope of ReLU is 1 where the input was positive,
    however large it was."""
    return dout * np.maximum(0, cache)


# sigmoid ------------------------------------------------------------------------------------------


@misconception(of="sigmoid_forward", caught_by="sigmoid_survives_large_inputs")
def sigmoid_overflows_for_large_positive(x):
    """exp(x) / (1 + exp(x)) is infinity divided by infinity for large positive x: use that form
    only for negative x, and 1 / (1 + exp(-x)) for the others."""
    exponentials = np.exp(x)
    out = exponentials / (1 + exponentials)
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_survives_large_inputs")
def sigmoid_overflows_for_large_negative(x):
    """For large negative x your exp(-x) overflows and gives NaN: there, use a form with exp(x),
    which is tiny. One exponential, exp(-|x|), is safe for all x."""
    exponentials = np.exp(-x)
    out = 1 - exponentials / (1 + exponentials)
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_survives_large_inputs")
def sigmoid_forms_swapped(x):
    """You have both forms of the sigmoid, but each on the side where its exponential overflows:
    swap them, so that no exponent is ever above 0."""
    out = np.where(x >= 0, np.exp(x) / (1 + np.exp(x)), 1 - np.exp(-x) / (1 + np.exp(-x)))
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_is_correct")
def sigmoid_of_minus_x(x):
    """Your sigmoid falls where it should rise: the exponent in 1 / (1 + exp(-x)) is -x."""
    out = 1 - _sigmoid(x)
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_is_correct")
def sigmoid_even_in_x(x):
    """With |x| alone you get the same for x and -x: exp(-|x|) is the right exponential, but for
    negative x the numerator is exp(-|x|) and not 1."""
    out = 1 / (1 + np.exp(-np.abs(x)))
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_is_correct")
def sigmoid_is_tanh(x):
    """This is tanh, from -1 to 1: the sigmoid goes from 0 to 1, and is 1/2 at x = 0."""
    out = np.tanh(x)
    return out, out


@misconception(of="sigmoid_forward", caught_by="sigmoid_leaves_its_input_alone", symptom="mutation")
def sigmoid_in_place(x):
    """You write the result into x, which belongs to the caller: return a new array."""
    x[...] = _sigmoid(x)
    return x.copy(), x.copy()


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_derivative_of_the_input(dout, cache):
    """You put the input x into the formula σ (1 - σ): it wants the output of the sigmoid."""
    x = np.log(cache) - np.log1p(-cache)
    return dout * x * (1 - x)


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_applied_twice(dout, cache):
    """Your cache holds the output already, and you take its sigmoid once more: with the output
    itself, the derivative is σ (1 - σ)."""
    again = _sigmoid(cache)
    return dout * again * (1 - again)


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_gradient_forgets_dout(dout, cache):
    """You return the derivative of the sigmoid alone: the chain rule multiplies it by dout."""
    return cache * (1 - cache)


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_derivative_one_factor(dout, cache):
    """You multiply dout by 1 - σ alone: the derivative has two factors, σ (1 - σ)."""
    return dout * (1 - cache)


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_derivative_is_the_output(dout, cache):
    """You multiply dout by the output: where the sigmoid is close to 1 it is flat, and its slope,
    σ (1 - σ), is close to 0."""
    return dout * cache


@misconception(of="sigmoid_backward", caught_by="sigmoid_gradient_is_correct")
def sigmoid_with_the_derivative_of_tanh(dout, cache):
    """1 - out² is the derivative of tanh: that of the sigmoid is out (1 - out)."""
    return dout * (1 - cache**2)


# tanh ---------------------------------------------------------------------------------------------


@misconception(of="tanh_forward", caught_by="tanh_survives_large_inputs")
def tanh_as_a_fraction(x):
    """Both exponentials of (e^x - e^-x) / (e^x + e^-x) overflow for large inputs, one on either
    side: use np.tanh, or your sigmoid."""
    up, down = np.exp(x), np.exp(-x)
    out = (up - down) / (up + down)
    return out, out


@misconception(of="tanh_forward", caught_by="tanh_is_correct")
def tanh_of_the_wrong_sigmoid(x):
    """2 σ(x) - 1 is tanh(x / 2): the argument of the sigmoid is 2x."""
    out = np.tanh(x / 2)
    return out, out


@misconception(of="tanh_forward", caught_by="tanh_is_correct")
def tanh_not_centred(x):
    """This is σ(2x), from 0 to 1: stretch it to (-1, 1), that is 2 σ(2x) - 1."""
    out = _sigmoid(2 * x)
    return out, out


@misconception(of="tanh_backward", caught_by="tanh_gradient_is_correct")
def tanh_derivative_of_the_input(dout, cache):
    """You compute 1 - x² from the input: the derivative is 1 minus the square of the output."""
    # A saturated output has lost its input; there any wrong number will do.
    x = np.arctanh(np.clip(cache, -1 + 1e-16, 1 - 1e-16))
    return dout * (1 - x**2)


@misconception(of="tanh_backward", caught_by="tanh_gradient_is_correct")
def tanh_derivative_not_squared(dout, cache):
    """You multiply dout by 1 - out: the output is squared in the derivative, 1 - out²."""
    return dout * (1 - cache)


@misconception(of="tanh_backward", caught_by="tanh_gradient_is_correct")
def tanh_with_the_derivative_of_sigmoid(dout, cache):
    """This derivative, out (1 - out), is that of the sigmoid: tanh has another, with slope 1 at
    0."""
    return dout * cache * (1 - cache)


@misconception(of="tanh_backward", caught_by="tanh_gradient_is_correct")
def tanh_gradient_forgets_dout(dout, cache):
    """You return the derivative of tanh alone: the chain rule multiplies it by dout."""
    return 1 - cache**2


@misconception(of="tanh_backward", caught_by="tanh_gradient_is_correct")
def tanh_applied_twice(dout, cache):
    """Your cache holds the output already, and you take its tanh once more: with the output
    itself, the derivative is 1 - out²."""
    return dout * (1 - np.tanh(cache) ** 2)


# leaky_relu ---------------------------------------------------------------------------------------


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_is_correct")
def leaky_slope_on_the_positive_side(x, alpha=0.01):
    """You apply alpha to positive inputs: those pass unchanged, and negative ones are multiplied by
    alpha."""
    return np.where(x > 0, alpha * x, x), (x, alpha)


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_is_correct")
def leaky_without_leak(x, alpha=0.01):
    """This is the plain ReLU: negative inputs become alpha * x, not 0."""
    return np.maximum(0, x), (x, alpha)


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_is_correct")
def leaky_returns_alpha(x, alpha=0.01):
    """You return alpha itself for negative inputs: it is their slope, so the output is alpha *
    x."""
    return np.where(x > 0, x, alpha), (x, alpha)


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_is_correct")
def leaky_sign_lost(x, alpha=0.01):
    """Your outputs are positive everywhere: for negative x the output alpha * x is negative."""
    return np.where(x > 0, x, -alpha * x), (x, alpha)


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_is_correct")
def leaky_ignores_alpha(x, alpha=0.01):
    """You use the slope 0.01 whatever alpha is: multiply by the argument."""
    return np.where(x > 0, x, 0.01 * x), (x, alpha)


@misconception(of="leaky_relu_forward", caught_by="leaky_relu_has_a_default")
def leaky_default_too_large(x, alpha=0.1):
    """Your default slope is 0.1: keep `alpha=0.01` in the signature."""
    return np.where(x > 0, x, alpha * x), (x, alpha)


@misconception(
    of="leaky_relu_forward", caught_by="leaky_relu_leaves_its_input_alone", symptom="mutation"
)
def leaky_in_place(x, alpha=0.01):
    """`x[x < 0] *= alpha` changes the caller's array: work on a copy, or choose with np.where."""
    before = x.copy()
    x[x < 0] *= alpha
    return x.copy(), (before, alpha)


@misconception(of="leaky_relu_backward", caught_by="leaky_relu_gradient_is_correct")
def leaky_mask_from_dout(dout, cache):
    """You apply alpha where dout is negative: what decides is the sign of the input."""
    _, alpha = cache
    return np.where(dout > 0, dout, alpha * dout)


@misconception(of="leaky_relu_backward", caught_by="leaky_relu_gradient_is_correct")
def leaky_gradient_on_the_wrong_side(dout, cache):
    """You apply alpha where the input was positive: there the slope is 1, and alpha elsewhere."""
    x, alpha = cache
    return np.where(x > 0, alpha * dout, dout)


@misconception(of="leaky_relu_backward", caught_by="leaky_relu_gradient_is_correct")
def leaky_gradient_without_leak(dout, cache):
    """This is the gradient of the plain ReLU: where the input was negative, dx is alpha * dout."""
    x, _ = cache
    return dout * (x > 0)


@misconception(of="leaky_relu_backward", caught_by="leaky_relu_gradient_is_correct")
def leaky_gradient_is_alpha(dout, cache):
    """For negative inputs you return alpha without dout: the chain rule multiplies the two."""
    x, alpha = cache
    return np.where(x > 0, dout, alpha)


@misconception(of="leaky_relu_backward", caught_by="leaky_relu_remembers_each_alpha")
def leaky_gradient_with_the_default(dout, cache):
    """You use the slope 0.01 in the backward pass, whatever the forward pass had: put alpha into
    the cache."""
    x, _ = cache
    return np.where(x > 0, dout, 0.01 * dout)


# silu ---------------------------------------------------------------------------------------------


@misconception(of="silu_forward", caught_by="silu_survives_large_inputs")
def silu_overflows(x):
    """For large x, exp(x) / (1 + exp(x)) is infinity divided by infinity: multiply x by what your
    sigmoid_forward returns, which does not overflow."""
    gate = np.exp(x) / (1 + np.exp(x))
    return x * gate, (x, gate)


@misconception(of="silu_forward", caught_by="silu_is_correct")
def silu_without_x(x):
    """This is the sigmoid alone: SiLU is x times it."""
    gate = _sigmoid(x)
    return gate, (x, gate)


@misconception(of="silu_forward", caught_by="silu_is_correct")
def silu_with_relu(x):
    """You multiply the sigmoid by max(0, x): multiply it by x itself, which leaves small negative
    outputs left of zero."""
    gate = _sigmoid(x)
    return np.maximum(0, x) * gate, (x, gate)


@misconception(of="silu_backward", caught_by="silu_gradient_is_correct")
def silu_gradient_keeps_the_gate(dout, cache):
    """You treat the gate as a constant: x occurs in it as well, so the product rule has a second
    term, x σ'(x)."""
    _, gate = cache
    return dout * gate


@misconception(of="silu_backward", caught_by="silu_gradient_is_correct")
def silu_gradient_only_of_the_gate(dout, cache):
    """You differentiate the sigmoid and keep x: the product rule has another term, σ(x) times the
    derivative of x, which is 1."""
    x, gate = cache
    return dout * x * gate * (1 - gate)


@misconception(of="silu_backward", caught_by="silu_gradient_is_correct")
def silu_gradient_without_x(dout, cache):
    """Your second term lacks x: the product rule gives σ(x) + x σ'(x)."""
    _, gate = cache
    return dout * (gate + gate * (1 - gate))


@misconception(of="silu_backward", caught_by="silu_gradient_is_correct")
def silu_as_if_its_output_told_the_slope(dout, cache):
    """You put the output into out (1 - out): that formula belongs to the sigmoid. Differentiate the
    product x σ(x)."""
    x, gate = cache
    return dout * x * gate * (1 - x * gate)


# stack_forward ------------------------------------------------------------------------------------


@misconception(of="stack_forward", caught_by="stack_returns_all_activations")
def stack_without_the_last_activation(x, weights, activation_forward):
    """The last layer has no activation in your stack: in this exercise every layer has one."""
    activations, caches = _forward(x, weights, activation_forward)
    activations[-1] = caches[-1][0] @ weights[-1]
    return activations, caches


@misconception(of="stack_forward", caught_by="stack_returns_all_activations")
def stack_returns_the_sums(x, weights, activation_forward):
    """You append h @ W, from before the activation: append what activation_forward returns."""
    _, caches = _forward(x, weights, activation_forward)
    return [h @ W for h, W, _ in caches], caches


@misconception(of="stack_forward", caught_by="stack_returns_all_activations")
def stack_without_activations(x, weights, activation_forward):
    """The next layer gets h @ W without its activation: a stack like this is a single linear
    layer."""
    activations, caches = [], []
    for W in weights:
        out, activation_cache = activation_forward(x @ W)
        caches.append((x, W, activation_cache))
        x = x @ W
        activations.append(out)
    return activations, caches


@misconception(of="stack_forward", caught_by="stack_returns_all_activations")
def stack_counts_the_input(x, weights, activation_forward):
    """Your list begins with the input: it holds the outputs of the L layers, and nothing else."""
    activations, caches = _forward(x, weights, activation_forward)
    return [x, *activations], caches


@misconception(of="stack_forward", caught_by="stack_returns_all_activations")
def stack_returns_the_last_alone(x, weights, activation_forward):
    """You return the last activation alone: return a list with those of all layers."""
    activations, caches = _forward(x, weights, activation_forward)
    return activations[-1], caches


@misconception(of="stack_forward", caught_by="stack_of_one_layer")
def stack_activates_the_input(x, weights, activation_forward):
    """You apply the activation before the product: each layer is h = φ(h W), the product first."""
    activations, caches = [], []
    for W in weights:
        h, activation_cache = activation_forward(x)
        caches.append((h, W, activation_cache))
        x = h @ W
        activations.append(x)
    return activations, caches


# stack_backward -----------------------------------------------------------------------------------


@misconception(of="stack_backward", caught_by="stack_gradient_by_activations")
def stack_gradient_skips_the_activations(dout, caches, activation_backward):
    """The gradient does not pass through the activations: multiply by W.T what activation_backward
    returns, not its argument."""
    return _backward(dout, caches, lambda dout, cache: dout)


@misconception(of="stack_backward", caught_by="stack_gradient_by_activations")
def stack_gradients_from_last_to_first(dout, caches, activation_backward):
    """Your lists run from the last layer to the first, as they were computed: reverse both before
    you return them."""
    dactivations, dweights = _backward(dout, caches, activation_backward)
    return dactivations[::-1], dweights[::-1]


@misconception(of="stack_backward", caught_by="stack_gradient_by_activations")
def stack_gradients_of_the_sums(dout, caches, activation_backward):
    """You return the gradients by h @ W, from before the activation: those by the activations
    are what goes *into* activation_backward, the last of them dout itself."""
    dactivations, dweights = _backward(dout, caches, activation_backward)
    sums = [activation_backward(d, c[2]) for d, c in zip(dactivations, caches, strict=True)]
    return sums, dweights


@misconception(of="stack_backward", caught_by="stack_gradient_by_activations")
def stack_gradients_of_the_inputs(dout, caches, activation_backward):
    """Your list is shifted by a layer: it has the gradient by each layer's input, where that by its
    output is meant. Append before you go through the layer."""
    dactivations, dweights = _backward(dout, caches, activation_backward)
    _, W, cache = caches[0]
    return [activation_backward(dactivations[0], cache) @ W.T, *dactivations[:-1]], dweights


@misconception(of="stack_backward", caught_by="stack_gradient_by_weights")
def stack_weights_gradient_averaged(dout, caches, activation_backward):
    """You divide dW by the number of examples: averaging belongs to the loss, and is in dout
    already."""
    dactivations, dweights = _backward(dout, caches, activation_backward)
    return dactivations, [dW / len(dout) for dW in dweights]


@misconception(of="stack_backward", caught_by="stack_gradient_by_weights")
def stack_weights_gradient_transposed(dout, caches, activation_backward):
    """Your gradients of the weights are transposed: h.T @ da has the shape of W."""
    dactivations, dweights = _backward(dout, caches, activation_backward)
    return dactivations, [dW.T for dW in dweights]


@misconception(of="stack_backward", caught_by="stack_gradient_by_weights")
def stack_weights_gradient_before_activation(dout, caches, activation_backward):
    """Your dW uses the gradient by the activation: pass it through activation_backward first, and
    use what comes out."""
    dactivations, _ = _backward(dout, caches, activation_backward)
    return dactivations, [c[0].T @ d for d, c in zip(dactivations, caches, strict=True)]


# xavier_init --------------------------------------------------------------------------------------


@misconception(of="xavier_init", caught_by="xavier_has_the_right_variance")
def xavier_with_fan_in_alone(fan_in, fan_out, rng):
    """Your variance is 1 / fan_in, which suits the forward pass alone: Xavier's is 2 / (fan_in +
    fan_out)."""
    return np.sqrt(1 / fan_in) * rng.standard_normal((fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_has_the_right_variance")
def xavier_without_square_root(fan_in, fan_out, rng):
    """You use the variance as the scale: the scale of a normal distribution is the standard
    deviation, the square root of the variance."""
    return 2 / (fan_in + fan_out) * rng.standard_normal((fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_has_the_right_variance")
def xavier_with_the_sum(fan_in, fan_out, rng):
    """Your variance is 1 / (fan_in + fan_out), half of what it should be: it is one divided by the
    *mean* of the two."""
    return np.sqrt(1 / (fan_in + fan_out)) * rng.standard_normal((fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_has_the_right_variance")
def xavier_uniform_limit_is_the_deviation(fan_in, fan_out, rng):
    """The limit of your uniform distribution is the standard deviation you want: a uniform
    distribution on (-b, b) has the variance b² / 3, so the limit is larger by the root of 3."""
    limit = np.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_has_the_right_variance")
def xavier_like_he(fan_in, fan_out, rng):
    """Your variance is 2 / fan_in: with the 2 goes the sum of both, 2 / (fan_in + fan_out)."""
    return np.sqrt(2 / fan_in) * rng.standard_normal((fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_is_centred")
def xavier_only_positive(fan_in, fan_out, rng):
    """All your weights are positive: `rng.random` draws from 0 to 1, but weights need mean 0."""
    return np.sqrt(2 / (fan_in + fan_out)) * rng.random((fan_in, fan_out))


@misconception(of="xavier_init", caught_by="xavier_is_centred")
def xavier_transposed(fan_in, fan_out, rng):
    """Your array has the shape (fan_out, fan_in): inputs come first, since a layer is x @ W."""
    return np.sqrt(2 / (fan_in + fan_out)) * rng.standard_normal((fan_out, fan_in))


@misconception(of="xavier_init", caught_by="xavier_draws_with_rng")
def xavier_with_its_own_generator(fan_in, fan_out, rng):
    """You make a generator of your own: every call gives the same weights. Draw with the rng that
    is passed."""
    own = np.random.default_rng(0)
    return np.sqrt(2 / (fan_in + fan_out)) * own.standard_normal((fan_in, fan_out))


# he_init ------------------------------------------------------------------------------------------


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_with_one_over_n(fan_in, fan_out, rng):
    """Your variance is 1 / fan_in, as if the activation changed nothing: ReLU throws half of the
    mean square away, and the weights have to make up for it."""
    return np.sqrt(1 / fan_in) * rng.standard_normal((fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_without_square_root(fan_in, fan_out, rng):
    """You use the variance as the scale: the scale of a normal distribution is the standard
    deviation, the square root of the variance."""
    return 2 / fan_in * rng.standard_normal((fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_with_fan_out(fan_in, fan_out, rng):
    """You divide by fan_out: the sum in a unit runs over its inputs, so it is fan_in that counts
    here."""
    return np.sqrt(2 / fan_out) * rng.standard_normal((fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_like_xavier(fan_in, fan_out, rng):
    """This is Xavier's variance, 2 / (fan_in + fan_out): equation (6) has fan_in alone."""
    return np.sqrt(2 / (fan_in + fan_out)) * rng.standard_normal((fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_two_outside_the_root(fan_in, fan_out, rng):
    """Your 2 stands outside the square root, so that the variance is 4 / fan_in: take the root of
    the whole."""
    return 2 / np.sqrt(fan_in) * rng.standard_normal((fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_uniform_limit_is_the_deviation(fan_in, fan_out, rng):
    """The limit of your uniform distribution is the standard deviation you want: a uniform
    distribution on (-b, b) has the variance b² / 3, so the limit is larger by the root of 3."""
    limit = np.sqrt(2 / fan_in)
    return rng.uniform(-limit, limit, (fan_in, fan_out))


@misconception(of="he_init", caught_by="he_has_the_right_variance")
def he_uniform_with_one_over_n(fan_in, fan_out, rng):
    """You draw from a uniform distribution with the limit 1 / √fan_in, whose variance is no more
    than 1 / (3 fan_in): work out the variance by equation (6), then b from b² / 3."""
    limit = np.sqrt(1 / fan_in)
    return rng.uniform(-limit, limit, (fan_in, fan_out))


@misconception(of="he_init", caught_by="he_draws_with_rng")
def he_with_its_own_generator(fan_in, fan_out, rng):
    """You make a generator of your own: every call gives the same weights. Draw with the rng that
    is passed."""
    own = np.random.default_rng(0)
    return np.sqrt(2 / fan_in) * own.standard_normal((fan_in, fan_out))


# dead_fraction ------------------------------------------------------------------------------------


@misconception(of="dead_fraction", caught_by="dead_units_are_counted")
def dead_entries_instead_of_units(activations):
    """You count entries that are 0: a unit that is off for some images is not dead. Look at whole
    columns (axis=0)."""
    return np.mean(activations <= 0)


@misconception(of="dead_fraction", caught_by="dead_units_are_counted")
def dead_over_the_units(activations):
    """You look along the rows and count images: units are columns, so reduce over axis=0."""
    return np.mean(np.all(activations <= 0, axis=1))


@misconception(of="dead_fraction", caught_by="dead_units_are_counted")
def dead_if_ever_off(activations):
    """You count units that are off for *some* image: a dead one is off for all of them."""
    return np.mean(np.any(activations <= 0, axis=0))


@misconception(of="dead_fraction", caught_by="dead_units_are_counted")
def dead_is_a_number_of_units(activations):
    """You return how many units are dead: divide by the number of units."""
    return np.sum(np.all(activations <= 0, axis=0))


@misconception(of="dead_fraction", caught_by="dead_units_are_counted")
def dead_is_the_living(activations):
    """You return the share of units that are alive: the dead are the rest."""
    return np.mean(np.any(activations > 0, axis=0))


@misconception(of="dead_fraction", caught_by="dead_leaky_units_are_counted")
def dead_only_if_exactly_zero(activations):
    """You look for columns that are exactly 0, which a leaky ReLU never has: a unit is dead if none
    of its outputs is positive."""
    return np.mean(np.all(activations == 0, axis=0))


# Building blocks ----------------------------------------------------------------------------------


def _sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def _forward(x, weights, activation_forward):
    activations, caches = [], []
    for W in weights:
        out, activation_cache = activation_forward(x @ W)
        caches.append((x, W, activation_cache))
        activations.append(out)
        x = out
    return activations, caches


def _backward(dout, caches, activation_backward):
    dactivations, dweights = [], []
    for h, W, activation_cache in reversed(caches):
        dactivations.append(dout)
        da = activation_backward(dout, activation_cache)
        dweights.append(h.T @ da)
        dout = da @ W.T
    return dactivations[::-1], dweights[::-1]
