"""Known-wrong versions of the counts and the blocks, and the hint that each earns.

The backward functions read the caches of the reference's forward functions.
"""

from __future__ import annotations

import math

import numpy as np

from autograder import misconception

# output_shapes ------------------------------------------------------------------------------------


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def padding_on_one_side(spec, shape):
    """You add the padding once: there is a border on both sides, so it is H + 2 * pad."""
    return _shapes(spec, shape, side=lambda n, k, s, p: (n + p - k) // s + 1)


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def padding_forgotten(spec, shape):
    """You leave the padding out: the window moves over H + 2 * pad rows."""
    return _shapes(spec, shape, side=lambda n, k, s, p: (n - k) // s + 1)


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def first_window_not_counted(spec, shape):
    """You count the steps of the window, not its places: there is one place more, + 1."""
    return _shapes(spec, shape, side=lambda n, k, s, p: (n + 2 * p - k) // s)


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def rounded_up(spec, shape):
    """You round up: a window that does not fit entirely is not used, so divide with //."""
    return _shapes(spec, shape, side=lambda n, k, s, p: -((k - n - 2 * p) // s) + 1)


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def stride_ignored(spec, shape):
    """You ignore the stride: divide by it before you add 1."""
    return _shapes(spec, shape, side=lambda n, k, s, p: n + 2 * p - k + 1)


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def height_and_width_swapped(spec, shape):
    """Height and width are swapped in your shapes: they are (C, H, W)."""
    return [(c, w, h) for c, h, w in _shapes(spec, shape)]


@misconception(of="output_shapes", caught_by="shapes_of_a_chain")
def square_images_assumed(spec, shape):
    """You use the height for the width, too: images need not be square."""
    return [(c, h, h) for c, h, _ in _shapes(spec, shape)]


@misconception(of="output_shapes", caught_by="shapes_of_global_pool")
def global_pool_keeps_pixels(spec, shape):
    """Global pooling averages over all pixels: height and width become 1."""
    return _shapes(spec, shape, global_pool=lambda c, h, w: (c, h, w))


@misconception(of="output_shapes", caught_by="shapes_of_concatenation")
def concatenation_like_a_sum(spec, shape):
    """Where branches are concatenated, you give the channels of one of them: they add up."""
    return _shapes(spec, shape, concat=lambda channels: channels[0])


@misconception(of="output_shapes", caught_by="shapes_of_sums")
def sum_like_a_concatenation(spec, shape):
    """Where branches are added, you add up their channels: only join "concat" does that."""
    return _shapes(spec, shape, add=sum)


# count_parameters ---------------------------------------------------------------------------------


@misconception(of="count_parameters", caught_by="parameters_of_convolutions")
def biases_not_counted(spec, shape):
    """You leave out the biases of convolutions: one for every filter, if `bias` is true."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a, bias=0))


@misconception(of="count_parameters", caught_by="parameters_of_convolutions")
def biases_always_counted(spec, shape):
    """You count biases where there are none: look at `bias`, which is false before a norm."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a, bias=1))


@misconception(of="count_parameters", caught_by="parameters_of_convolutions")
def parameters_ignore_groups(spec, shape):
    """You ignore `groups`: a filter has weights for C / groups channels only."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a, groups=1))


@misconception(of="count_parameters", caught_by="parameters_of_convolutions")
def parameters_at_every_pixel(spec, shape):
    """You count the weights of a convolution at every pixel: all pixels share them."""
    return _count(
        spec, shape, lambda q, a, b: _parameters(q, a) * (b[1] * b[2] if q["kind"] == "conv" else 1)
    )


@misconception(of="count_parameters", caught_by="parameters_of_convolutions")
def window_of_one_channel(spec, shape):
    """Your filters see one channel: each has kernel * kernel weights for every input channel."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a, depth=1))


@misconception(of="count_parameters", caught_by="parameters_of_norm")
def norm_learns_nothing(spec, shape):
    """You count nothing for a norm: it learns a scale and a shift for each channel."""
    return _count(spec, shape, lambda q, a, b: 0 if q["kind"] == "norm" else _parameters(q, a))


@misconception(of="count_parameters", caught_by="parameters_of_norm")
def norm_counts_statistics(spec, shape):
    """You count four numbers per channel for a norm: mean and variance are not learned, so two."""
    return _count(
        spec, shape, lambda q, a, b: _parameters(q, a) * (2 if q["kind"] == "norm" else 1)
    )


@misconception(of="count_parameters", caught_by="parameters_of_fully_connected")
def fully_connected_to_channels(spec, shape):
    """A fully connected layer sees every pixel: C * H * W inputs, not C."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, (a[0], 1, 1)))


@misconception(of="count_parameters", caught_by="parameters_of_fully_connected")
def fully_connected_without_biases(spec, shape):
    """You leave out the biases of fully connected layers: one for each unit."""
    return _count(
        spec, shape, lambda q, a, b: _parameters(q, a) - (q["units"] if q["kind"] == "fc" else 0)
    )


@misconception(of="count_parameters", caught_by="parameters_of_branches")
def parameters_of_the_first_branch(spec, shape):
    """You count one branch only: add up the parameters of all of them."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a), take=lambda counts: counts[0])


@misconception(of="count_parameters", caught_by="parameters_of_branches")
def parameters_of_branches_skipped(spec, shape):
    """You skip branches: call the function itself for each, with the shape that comes in."""
    return _count(spec, shape, lambda q, a, b: _parameters(q, a), take=lambda counts: 0)


# count_multiply_adds ------------------------------------------------------------------------------


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_convolutions")
def work_at_input_pixels(spec, shape):
    """You multiply by the pixels of the input: a window is evaluated once per pixel of the
    output."""
    return _count(spec, shape, lambda q, a, b: _multiply_adds(q, a, (b[0], *a[1:])))


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_convolutions")
def work_counted_twice(spec, shape):
    """You count a multiplication and an addition as two: here the pair is one multiply-add."""
    return _count(spec, shape, lambda q, a, b: 2 * _multiply_adds(q, a, b))


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_convolutions")
def work_without_pixels(spec, shape):
    """This is the number of weights: a convolution uses each of them at every output pixel."""
    return _count(spec, shape, lambda q, a, b: _multiply_adds(q, a, (b[0], 1, 1)))


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_convolutions")
def work_of_pooling(spec, shape):
    """You count pooling: by the convention of this notebook only convolutions and fully connected
    layers count."""
    return _count(
        spec,
        shape,
        lambda q, a, b: (
            math.prod(b) * q["kernel"] ** 2 if q["kind"] == "pool" else _multiply_adds(q, a, b)
        ),
    )


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_groups")
def work_ignores_groups(spec, shape):
    """You ignore `groups`: each filter multiplies C / groups channels only."""
    return _count(spec, shape, lambda q, a, b: _multiply_adds({**q, "groups": 1}, a, b))


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_fully_connected")
def work_with_biases(spec, shape):
    """You count the additions of biases: by custom they are left out."""
    return _count(
        spec, shape, lambda q, a, b: _multiply_adds(q, a, b) + (_counts_output(q) * math.prod(b))
    )


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_fully_connected")
def work_from_channels(spec, shape):
    """A fully connected layer multiplies every pixel of every channel: C * H * W inputs."""
    return _count(
        spec,
        shape,
        lambda q, a, b: _multiply_adds(q, (a[0], 1, 1) if q["kind"] == "fc" else a, b),
    )


@misconception(of="count_multiply_adds", caught_by="multiply_adds_of_branches")
def work_of_the_first_branch(spec, shape):
    """You count one branch only: add up the work of all of them."""
    return _count(spec, shape, _multiply_adds, take=lambda counts: counts[0])


# count_activations, training_memory ---------------------------------------------------------------


@misconception(of="count_activations", caught_by="activations_of_a_chain")
def activations_of_all_layers(spec, shape):
    """You count the outputs of pooling or norms, too: only convolutions and fully connected layers
    count."""
    return _count(spec, shape, lambda q, a, b: math.prod(b))


@misconception(of="count_activations", caught_by="activations_of_a_chain")
def activations_of_inputs(spec, shape):
    """You count what goes into the layers: count what comes out."""
    return _count(spec, shape, lambda q, a, b: _counts_output(q) * math.prod(a))


@misconception(of="count_activations", caught_by="activations_of_a_chain")
def activations_without_classifier(spec, shape):
    """You leave out the fully connected layers: their outputs are kept, too."""
    return _count(spec, shape, lambda q, a, b: (q["kind"] == "conv") * math.prod(b))


@misconception(of="count_activations", caught_by="activations_of_branches")
def activations_of_the_first_branch(spec, shape):
    """You count one branch only: all of them keep their activations."""
    return _count(spec, shape, _activations, take=lambda counts: counts[0])


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_of_one_copy(spec, shape, batch_size, bytes_per_number=4):
    """You keep each parameter once: training keeps its gradient and its velocity, too."""
    return _memory(spec, shape, batch_size, bytes_per_number, copies=1)


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_without_velocity(spec, shape, batch_size, bytes_per_number=4):
    """You keep value and gradient of each parameter: momentum adds a third number, the
    velocity."""
    return _memory(spec, shape, batch_size, bytes_per_number, copies=2)


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_without_input(spec, shape, batch_size, bytes_per_number=4):
    """You forget the images themselves: the first layer needs its input for its gradient."""
    return _memory(spec, shape, batch_size, bytes_per_number, image=0)


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_of_one_image(spec, shape, batch_size, bytes_per_number=4):
    """You count the activations of one image: every image of the batch has its own."""
    return _memory(spec, shape, 1, bytes_per_number)


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_of_parameters_per_image(spec, shape, batch_size, bytes_per_number=4):
    """You multiply parameters by the batch size: all images share them."""
    return batch_size * _memory(spec, shape, 1, bytes_per_number)


@misconception(of="training_memory", caught_by="memory_of_a_batch")
def memory_in_numbers(spec, shape, batch_size, bytes_per_number=4):
    """This is how many numbers are kept: multiply by bytes_per_number."""
    return _memory(spec, shape, batch_size, 1)


# receptive_field ----------------------------------------------------------------------------------


@misconception(of="receptive_field", caught_by="field_of_a_chain")
def jump_before_size(spec):
    """You update the jump first: the window of a layer spans neurons that are the *old* jump
    apart."""
    return _field(spec, grow=lambda k, j, s: (k - 1) * j * s)


@misconception(of="receptive_field", caught_by="field_of_a_chain")
def whole_window_added(spec):
    """You add kernel * jump: one of the window's neurons is there already, so (kernel - 1) *
    jump."""
    return _field(spec, grow=lambda k, j, s: k * j)


@misconception(of="receptive_field", caught_by="field_of_a_chain")
def field_without_jump(spec):
    """You add kernel - 1 pixels: behind a stride, neighbouring neurons are several pixels apart, so
    multiply by the jump."""
    return _field(spec, grow=lambda k, j, s: k - 1)


@misconception(of="receptive_field", caught_by="field_of_a_chain")
def strides_added(spec):
    """You add strides up: two layers of stride 2 make a jump of 4, so multiply."""
    return _field(spec, step=lambda j, s: j + s - 1)


@misconception(of="receptive_field", caught_by="field_of_a_chain")
def pooling_does_not_widen(spec):
    """You skip pooling: its windows widen the field and its strides the jump, as a
    convolution's."""
    return _field(spec, kinds=("conv",))


@misconception(of="receptive_field", caught_by="field_stops_at_the_classifier")
def field_behind_the_classifier(spec):
    """You go on behind the classifier: stop at the first global_pool or fc."""
    return _field(spec, stop=())


@misconception(of="receptive_field", caught_by="field_of_branches")
def field_of_the_first_branch(spec):
    """You follow one branch only: the widest counts."""
    return _field(spec, choose=lambda fields: fields[0])


@misconception(of="receptive_field", caught_by="field_of_branches")
def field_of_the_narrowest_branch(spec):
    """You take the narrowest branch: a pixel that reaches the neuron on any way is in its field, so
    the widest counts."""
    return _field(spec, choose=min)


# conv1x1 ------------------------------------------------------------------------------------------


@misconception(of="conv1x1_forward", caught_by="conv1x1_output")
def bias_forgotten(x, w, b, stride=1):
    """You leave the biases out: add b[f] to every pixel of channel f."""
    return _mix(x, w, 0 * b, stride), (x, w, stride)


@misconception(of="conv1x1_forward", caught_by="conv1x1_output_with_stride")
def stride_not_taken(x, w, b, stride=1):
    """You ignore the stride: take every stride-th row and column."""
    return _mix(x, w, b, 1), (x, w, stride)


@misconception(of="conv1x1_forward", caught_by="conv1x1_output_with_stride")
def stride_in_rows_only(x, w, b, stride=1):
    """You take every stride-th row, but all columns: the stride holds for both."""
    return _mix(x[:, :, ::stride], w, b, 1), (x, w, stride)


@misconception(of="conv1x1_forward", caught_by="conv1x1_output_with_stride")
def stride_from_the_second(x, w, b, stride=1):
    """You start at a later row and column: the first window is at 0."""
    return _mix(x[:, :, stride - 1 :, stride - 1 :], w, b, stride), (x, w, stride)


@misconception(of="conv1x1_backward", caught_by="conv1x1_gradients_of_weights")
def weights_averaged(dout, cache):
    """You average dw over the images: dout holds the 1/N already, so sum."""
    dx, dw, db = _mix_back(dout, cache)
    return dx, dw / len(dout), db


@misconception(of="conv1x1_backward", caught_by="conv1x1_gradients_of_weights")
def bias_summed_over_images_only(dout, cache):
    """Your db is summed over images only: b[f] is added at every pixel, so sum over those, too."""
    dx, dw, _ = _mix_back(dout, cache)
    return dx, dw, dout.sum(axis=0)


@misconception(of="conv1x1_backward", caught_by="conv1x1_gradient_of_input")
def input_gradient_averaged_over_pixels(dout, cache):
    """Your dx is divided by the number of pixels: each pixel gets the whole of its own
    gradient."""
    dx, dw, db = _mix_back(dout, cache)
    return dx / dout[0, 0].size, dw, db


@misconception(of="conv1x1_backward", caught_by="conv1x1_gradients_with_stride")
def input_gradient_too_small(dout, cache):
    """Your dx has the shape of the pixels that were looked at: it needs that of x, with zeros
    elsewhere."""
    dx, dw, db = _mix_back(dout, cache)
    return dx[:, :, :: cache[2], :: cache[2]], dw, db


@misconception(of="conv1x1_backward", caught_by="conv1x1_gradients_with_stride")
def input_gradient_repeated(dout, cache):
    """You give pixels that were never looked at the gradient of their neighbour: it is zero."""
    dx, dw, db = _mix_back(dout, cache)
    s = cache[2]
    seen = dx[:, :, ::s, ::s].repeat(s, axis=2).repeat(s, axis=3)
    return seen[:, :, : dx.shape[2], : dx.shape[3]], dw, db


# global_avg_pool ----------------------------------------------------------------------------------


@misconception(of="global_avg_pool_forward", caught_by="average_is_correct")
def summed_not_averaged(x):
    """This is the sum over the pixels: divide by their number."""
    return x.sum(axis=(2, 3)), x.shape


@misconception(of="global_avg_pool_forward", caught_by="average_is_correct")
def largest_not_average(x):
    """This is the largest pixel of each channel: take the mean."""
    return x.max(axis=(2, 3)), x.shape


@misconception(of="global_avg_pool_backward", caught_by="average_gradient_is_correct")
def gradient_not_divided(dout, cache):
    """Every pixel gets the whole gradient: it has a share of 1 / (H * W) in the mean."""
    return dout[:, :, None, None] * np.ones(cache)


@misconception(of="global_avg_pool_backward", caught_by="average_gradient_is_correct")
def gradient_divided_by_height(dout, cache):
    """You divide by H alone: the mean is over H * W pixels."""
    return dout[:, :, None, None] * np.ones(cache) / cache[2]


# inception ----------------------------------------------------------------------------------------


@misconception(of="inception_forward", caught_by="inception_output")
def no_relu_after_reduction(x, params):
    """There is no ReLU after your reductions: every convolution has one, the 1×1 ones as well."""
    return _inception(x, params, reduction_relu=False)


@misconception(of="inception_forward", caught_by="inception_output")
def branches_in_another_order(x, params):
    """The channels are in another order: 1×1, 3×3, 5×5, then pooling."""
    return _inception(x, params, order=(3, 0, 1, 2))


@misconception(of="inception_forward", caught_by="inception_output")
def pooling_forgotten(x, params):
    """Your last branch does not pool: 3×3 pooling comes before its 1×1."""
    return _inception(x, params, pooled=False)


@misconception(of="inception_forward", caught_by="inception_of_one_negative_image")
def pooling_with_zero_border(x, params):
    """You pool over a border of zeros: where all pixels are negative, zero wins. Use
    pool3x3_forward, whose padding never is the largest."""
    return _inception(x, params, zero_border=True)


@misconception(of="inception_backward", caught_by="inception_gradient_of_input")
def only_the_first_branch_returns(dout, cache):
    """Your dx is that of the first branch: x went into four, so four gradients add up."""
    return _inception_back(dout, cache, keep=(1, 0, 0, 0))


@misconception(of="inception_backward", caught_by="inception_gradient_of_input")
def pooling_branch_lost(dout, cache):
    """Your dx lacks the gradient through pooling: send it back with pool3x3_backward and add it."""
    return _inception_back(dout, cache, keep=(1, 1, 1, 0))


@misconception(of="inception_backward", caught_by="inception_gradient_of_input")
def branches_averaged(dout, cache):
    """You average the gradients of the branches: they add up."""
    return _inception_back(dout, cache, keep=(0.25, 0.25, 0.25, 0.25))


@misconception(of="inception_backward", caught_by="inception_gradients_of_parameters")
def reductions_swapped(dout, cache):
    """The gradients of the two reductions are mixed up: "w3r" is that in front of the 3×3."""
    dx, grads = _inception_back(dout, cache)
    grads["b3r"], grads["b5r"] = grads["b5r"], grads["b3r"]
    grads["w3r"], grads["w5r"] = grads["w5r"], grads["w3r"]
    return dx, grads


# residual -----------------------------------------------------------------------------------------


@misconception(of="residual_forward", caught_by="residual_output")
def relu_before_the_sum(x, params, stride=1, shortcut=True):
    """You apply the last ReLU before the sum: add the shortcut first."""
    return _block(x, params, "12", stride, shortcut, early=True)


@misconception(of="residual_forward", caught_by="residual_output")
def no_relu_at_the_end(x, params, stride=1, shortcut=True):
    """There is no ReLU after your sum."""
    return _block(x, params, "12", stride, shortcut, last=False)


@misconception(of="residual_forward", caught_by="residual_output")
def shortcut_forgotten(x, params, stride=1, shortcut=True):
    """Nothing is added: the shortcut is missing in your output."""
    return _block(x, params, "12", stride, False)


@misconception(of="residual_forward", caught_by="residual_output_with_projection")
def projection_not_normalised(x, params, stride=1, shortcut=True):
    """Your projection is a bare convolution: it has a normalisation, gammas and betas."""
    return _block(x, params, "12", stride, shortcut, bare=True)


@misconception(of="residual_forward", caught_by="plain_output")
def shortcut_always(x, params, stride=1, shortcut=True):
    """You add the shortcut although shortcut=False asks for a plain block."""
    return _block(x, params, "12", stride, True)


@misconception(of="residual_backward", caught_by="residual_gradient_of_input")
def gradient_of_shortcut_forgotten(dout, cache):
    """Your dx comes through the convolutions only: x was also added to the sum, whose gradient it
    gets as it is."""
    return _residual_back(dout, cache, shortcut=0)


@misconception(of="residual_backward", caught_by="residual_gradient_of_input")
def gradient_past_the_relu(dout, cache):
    """You add dout to dx: the shortcut joins before the last ReLU, so add dout where the sum was
    positive."""
    return _residual_back(dout, cache, past=True)


@misconception(of="residual_backward", caught_by="residual_gradients_of_parameters")
def last_relu_ignored(dout, cache):
    """You ignore the last ReLU: no gradient passes where the sum was not positive."""
    return _residual_back(dout, (*cache[:3], np.ones_like(cache[3]), *cache[4:]))


@misconception(of="residual_backward", caught_by="residual_gradients_of_parameters")
def inner_relu_ignored(dout, cache):
    """You ignore the ReLU between the convolutions on the way back."""
    return _residual_back(dout, (cache[0], np.ones_like(cache[1]), *cache[2:]))


@misconception(of="residual_backward", caught_by="residual_gradients_with_projection")
def projection_gives_no_gradient(dout, cache):
    """The gradient through the projection is missing in dx: send the sum's gradient back through
    it and add what comes out."""
    return _residual_back(dout, cache, projection=0)


@misconception(of="residual_backward", caught_by="plain_gradients")
def gradient_of_shortcut_always(dout, cache):
    """You add the gradient of a shortcut that a plain block does not have: look at shortcut."""
    return _residual_back(dout, (*cache[:5], True))


@misconception(of="residual_backward", caught_by="residual_leaves_dout_alone", symptom="mutation")
def dout_masked_in_place(dout, cache):
    """`dout *= mask` changes the caller's array: write `dsum = dout * mask`, which makes a new
    one."""
    dout *= cache[3]
    return _residual_back(dout, cache)


# bottleneck ---------------------------------------------------------------------------------------


@misconception(of="bottleneck_forward", caught_by="bottleneck_output")
def bottleneck_relu_before_the_sum(x, params, stride=1):
    """You apply the last ReLU before the sum: add the shortcut first."""
    return _block(x, params, "123", stride, True, early=True)


@misconception(of="bottleneck_forward", caught_by="bottleneck_output")
def bottleneck_without_shortcut(x, params, stride=1):
    """Nothing is added: the shortcut is missing in your output."""
    return _block(x, params, "123", stride, False)


@misconception(of="bottleneck_forward", caught_by="bottleneck_output_with_projection")
def stride_in_the_middle(x, params, stride=1):
    """You give the stride to the 3×3 convolution, as later variants do: here, as in the paper, the
    first 1×1 has it."""
    return _block(x, params, "123", stride, True, strided="2")


@misconception(of="bottleneck_backward", caught_by="bottleneck_gradients")
def bottleneck_gradient_of_shortcut_forgotten(dout, cache):
    """Your dx comes through the convolutions only: add the gradient of the sum for the
    shortcut."""
    return _bottleneck_back(dout, cache, shortcut=0)


@misconception(of="bottleneck_backward", caught_by="bottleneck_gradients")
def bottleneck_last_relu_ignored(dout, cache):
    """You ignore the last ReLU: no gradient passes where the sum was not positive."""
    return _bottleneck_back(dout, (*cache[:3], np.ones_like(cache[3])))


@misconception(of="bottleneck_backward", caught_by="bottleneck_gradients_with_projection")
def bottleneck_projection_gives_no_gradient(dout, cache):
    """The gradient through the projection is missing in dx: add it to that of the
    convolutions."""
    return _bottleneck_back(dout, cache, projection=0)


# What they share: counts --------------------------------------------------------------------------


def _side(size, kernel, stride, pad):
    return (size + 2 * pad - kernel) // stride + 1


def _first(channels):
    return channels[0]


def _one_pixel(channels, height, width):
    return channels, 1, 1


def _shapes(spec, shape, side=_side, global_pool=_one_pixel, concat=sum, add=_first):
    found = []
    for layer in spec:
        kind = layer["kind"]
        if kind in ("conv", "pool"):
            window = layer["kernel"], layer["stride"], layer["pad"]
            shape = (layer.get("filters", shape[0]), *(side(n, *window) for n in shape[1:]))
        elif kind == "global_pool":
            shape = global_pool(*shape)
        elif kind == "fc":
            shape = (layer["units"], 1, 1)
        elif kind == "branches":
            ends = [
                [shape, *_shapes(branch, shape, side, global_pool, concat, add)][-1]
                for branch in layer["branches"]
            ]
            join = concat if layer["join"] == "concat" else add
            shape = (join([end[0] for end in ends]), *ends[0][1:])
        found.append(shape)
    return found


def _count(spec, shape, of_layer, take=sum):
    total = 0
    for layer, after in zip(spec, _shapes(spec, shape), strict=True):
        if layer["kind"] == "branches":
            total += take([_count(branch, shape, of_layer, take) for branch in layer["branches"]])
        else:
            total += of_layer(layer, shape, after)
        shape = after
    return total


def _parameters(layer, shape, bias=None, groups=None, depth=None):
    kind = layer["kind"]
    if kind == "conv":
        channels = depth or shape[0] // (groups or layer["groups"])
        own = layer["bias"] if bias is None else bias
        return layer["filters"] * (channels * layer["kernel"] ** 2 + own)
    if kind == "fc":
        return layer["units"] * (math.prod(shape) + 1)
    return 2 * shape[0] if kind == "norm" else 0


def _multiply_adds(layer, before, after):
    if layer["kind"] == "conv":
        return math.prod(after) * (before[0] // layer["groups"]) * layer["kernel"] ** 2
    return layer["units"] * math.prod(before) if layer["kind"] == "fc" else 0


def _counts_output(layer):
    return layer["kind"] in ("conv", "fc")


def _activations(layer, before, after):
    return _counts_output(layer) * math.prod(after)


def _memory(spec, shape, batch_size, size, copies=3, image=1):
    P = _count(spec, shape, lambda q, a, b: _parameters(q, a))
    A = _count(spec, shape, _activations) + image * math.prod(shape)
    return size * (copies * P + batch_size * A)


def _wider(kernel, jump, stride):
    return (kernel - 1) * jump


def _times(jump, stride):
    return jump * stride


def _field(
    spec,
    grow=_wider,
    step=_times,
    kinds=("conv", "pool"),
    stop=("fc", "global_pool"),
    choose=max,
    size=1,
    jump=1,
):
    for layer in spec:
        if layer["kind"] in stop:
            break
        if layer["kind"] in kinds:
            size += grow(layer["kernel"], jump, layer["stride"])
            jump = step(jump, layer["stride"])
        elif layer["kind"] == "branches":
            options = grow, step, kinds, stop, choose, size, jump
            size, jump = choose([_field(branch, *options) for branch in layer["branches"]])
    return size, jump


# What they share: blocks --------------------------------------------------------------------------


def _mix(x, w, b, stride):
    return np.einsum("fc,ncij->nfij", w[:, :, 0, 0], x[:, :, ::stride, ::stride]) + b[:, None, None]


def _mix_back(dout, cache):
    x, w, s = cache
    dx = np.zeros_like(x)
    dx[:, :, ::s, ::s] = np.einsum("fc,nfij->ncij", w[:, :, 0, 0], dout)
    dw = np.einsum("nfij,ncij->fc", dout, x[:, :, ::s, ::s])
    return dx, dw[:, :, None, None], dout.sum(axis=(0, 2, 3))


def _conv_relu(x, w, b, relu=True):
    scores, _ = _conv_forward(x, w, b, 1, w.shape[-1] // 2)
    return np.maximum(scores, 0) if relu else scores


def _inception(x, p, reduction_relu=True, order=(0, 1, 2, 3), pooled=True, zero_border=False):
    outs = [_conv_relu(x, p["w1"], p["b1"])]
    for k in "35":
        reduced = _conv_relu(x, p[f"w{k}r"], p[f"b{k}r"], reduction_relu)
        outs.append(_conv_relu(reduced, p["w" + k], p["b" + k]))
    last = _pool3x3_forward(x)[0] if pooled else x
    if zero_border:
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        last = _pool3x3_forward(padded)[0][:, :, 1:-1, 1:-1]
    outs.append(_conv_relu(last, p["wp"], p["bp"]))
    return np.concatenate([outs[i] for i in order], axis=1), None


def _inception_back(dout, cache, keep=(1, 1, 1, 1)):
    ends, (one, reduce3, three, reduce5, five, pool_cache, last) = cache
    parts = np.split(dout, ends, axis=1)
    grads, ways = {}, []
    chains = [[("1", one)], [("3", three), ("3r", reduce3)], [("5", five), ("5r", reduce5)]]
    for d, chain in zip(parts, [*chains, [("p", last)]], strict=True):
        for name, (conv_cache, positive) in chain:
            d, grads["w" + name], grads["b" + name] = _conv_backward(d * positive, conv_cache)
        ways.append(d)
    ways[3] = _pool3x3_backward(ways[3], pool_cache)
    return sum(k * way for k, way in zip(keep, ways, strict=True)), grads


def _conv_norm(x, p, name, stride, bare=False):
    w = p["w" + name]
    scores, conv_cache = _conv_forward(x, w, None, stride, w.shape[-1] // 2)
    gamma, beta = p["gamma" + name], p["beta" + name]
    out, norm_cache = _norm_forward(scores, gamma, beta)
    return scores if bare else out, (conv_cache, norm_cache)


def _block(x, p, names, stride, shortcut, early=False, last=True, bare=False, strided="1"):
    total = x
    for name in names:
        total, _ = _conv_norm(total, p, name, stride if name == strided else 1)
        if name != names[-1] or early:
            total = np.maximum(total, 0)
    if shortcut:
        total = total + (_conv_norm(x, p, "s", stride, bare)[0] if "ws" in p else x)
    return np.maximum(total, 0) if last and not early else total, None


def _back(dout, cache, grads, name):
    d, grads["gamma" + name], grads["beta" + name] = _norm_backward(dout, cache[1])
    d, grads["w" + name], _ = _conv_backward(d, cache[0])
    return d


def _residual_back(dout, cache, shortcut=1, projection=1, past=False):
    first, hidden_on, second, on, side, has_shortcut = cache
    grads = {}
    dsum = dout * on
    dx = _back(_back(dsum, second, grads, "2") * hidden_on, first, grads, "1")
    if side is not None:
        return dx + projection * _back(dsum, side, grads, "s"), grads
    return dx + shortcut * has_shortcut * (dout if past else dsum), grads


def _bottleneck_back(dout, cache, shortcut=1, projection=1):
    (first, second, third, side), narrow_on, middle_on, on = cache
    grads = {}
    dsum = dout * on
    d = _back(_back(dsum, third, grads, "3") * middle_on, second, grads, "2")
    dx = _back(d * narrow_on, first, grads, "1")
    if side is None:
        return dx + shortcut * dsum, grads
    return dx + projection * _back(dsum, side, grads, "s"), grads


def _conv_forward(x, w, b, stride, pad):
    """Convolve: every window becomes a row, and all rows meet all filters in one product."""
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=x.dtype)
    padded[:, :, pad : pad + H, pad : pad + W] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    rows, columns = windows.shape[2:4]
    matrix = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, C * K * K)
    out = matrix @ w.reshape(F, -1).T
    out = out if b is None else out + b
    return out.reshape(N, rows, columns, F).transpose(0, 3, 1, 2), (matrix, w, x.shape, stride, pad)


def _conv_backward(dout, cache):
    """Return dx, dw and db of ``conv_forward``."""
    matrix, w, (N, C, H, W), stride, pad = cache
    F, _, K, _ = w.shape
    rows, columns = dout.shape[2:]
    d = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    dwindows = (d @ w.reshape(F, -1)).reshape(N, rows, columns, C, K, K).transpose(0, 3, 1, 2, 4, 5)
    dpadded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=dwindows.dtype)
    for i in range(K):
        for j in range(K):
            down, right = (
                slice(i, i + stride * rows, stride),
                slice(j, j + stride * columns, stride),
            )
            dpadded[:, :, down, right] += dwindows[..., i, j]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    return dx, (d.T @ matrix).reshape(w.shape), d.sum(axis=0)


def _norm_forward(x, gamma, beta):
    """Normalise every channel over images and pixels, in training mode."""
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    x_hat = (x - mean) / std
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, std, gamma)


def _norm_backward(dout, cache):
    """Return dx, dgamma and dbeta of ``norm_forward``."""
    x_hat, std, gamma = cache
    dbeta, dgamma = dout.sum(axis=(0, 2, 3)), (dout * x_hat).sum(axis=(0, 2, 3))
    size = dout.size // len(gamma)
    centred = dout - dbeta[:, None, None] / size - x_hat * dgamma[:, None, None] / size
    return gamma[:, None, None] / std * centred, dgamma, dbeta


def _pool3x3_forward(x):
    """Take the largest of each 3×3 neighbourhood, with stride 1."""
    border = ((0, 0), (0, 0), (1, 1), (1, 1))
    padded = np.pad(x, border, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    windows = windows.reshape(*x.shape, 9)
    return windows.max(axis=-1), windows.argmax(axis=-1)


def _pool3x3_backward(dout, cache):
    """Return dx of ``pool3x3_forward``."""
    N, C, H, W = dout.shape
    dpadded = np.zeros((N, C, H + 2, W + 2), dtype=dout.dtype)
    for tap in range(9):
        i, j = divmod(tap, 3)
        dpadded[:, :, i : i + H, j : j + W] += dout * (cache == tap)
    return dpadded[:, :, 1:-1, 1:-1]
