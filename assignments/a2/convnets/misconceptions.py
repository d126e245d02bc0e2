"""Known-wrong versions of the layers of a convolutional network, and the hint that each earns.

The backward functions read the caches of the reference: ``(x, w, b, conv_param)`` of the naive
convolution, ``(x.shape, w, conv_param, matrix)`` of the vectorised one, ``(x, pool_param)`` of the
poolings, the shape of x of the global one, ``(x, mean, std, x_hat, gamma)`` of the batch
normalisation by rows, and ``(x_hat, std, gamma, G)`` of the group normalisation.
"""

# What a wrong network does differently its class says, not its methods.
# ruff: noqa: D102

from __future__ import annotations

import numpy as np

from autograder import misconception

# conv_output_size ---------------------------------------------------------------------------------


@misconception(of="conv_output_size", caught_by="sizes_are_counted")
def pad_on_one_side(size, filter_size, stride, pad):
    """You count the frame once: pad zeros are added on each side, so there are 2 * pad of them."""
    return 1 + (size + pad - filter_size) // stride


@misconception(of="conv_output_size", caught_by="sizes_are_counted")
def first_window_forgotten(size, filter_size, stride, pad):
    """You count the steps, and there is one window more than there are steps: add 1."""
    return (size + 2 * pad - filter_size) // stride


@misconception(of="conv_output_size", caught_by="sizes_are_counted")
def size_without_frame(size, filter_size, stride, pad):
    """Your size does not depend on pad: the filter moves over the picture with its frame."""
    return 1 + (size - filter_size) // stride


@misconception(of="conv_output_size", caught_by="sizes_are_counted")
def size_without_stride(size, filter_size, stride, pad):
    """Your size does not depend on the stride: divide the way that is left by it."""
    return 1 + size + 2 * pad - filter_size


@misconception(of="conv_output_size", caught_by="partial_steps_are_not_counted")
def size_rounded_up(size, filter_size, stride, pad):
    """You round up: a last step that does not fit is not taken, so divide with //."""
    return 1 - (-(size + 2 * pad - filter_size) // stride)


@misconception(of="conv_output_size", caught_by="partial_steps_are_not_counted")
def size_not_rounded(size, filter_size, stride, pad):
    """Your size is no whole number: divide with //, which rounds down."""
    return 1 + (size + 2 * pad - filter_size) / stride


# conv_forward_naive -------------------------------------------------------------------------------


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def bias_forgotten(x, w, b, conv_param):
    """The biases are missing in out: every filter adds its own, b[f]."""
    return _forward(x, w, 0 * b, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def filter_flipped(x, w, b, conv_param):
    """You flip the filter, as mathematicians do: here window and filter are multiplied entry by
    entry as they are."""
    return _forward(x, w[:, :, ::-1, ::-1], b, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def first_channel_only(x, w, b, conv_param):
    """You look at the first channel only: a filter covers all channels of its window, and sums."""
    return _forward(x[:, :1], w[:, :1], b, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def channels_averaged(x, w, b, conv_param):
    """You average over the channels: add their products up."""
    return _forward(x, w / x.shape[1], b, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def bias_of_every_tap(x, w, b, conv_param):
    """You add the bias once for each product: it belongs to the sum of the window, once."""
    return _forward(x, w, b * w[0].size, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_without_frame")
def first_filter_for_all(x, w, b, conv_param):
    """All your maps use the first filter: map f belongs to w[f] and b[f]."""
    return _forward(x, np.repeat(w[:1], len(w), axis=0), b, conv_param)


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def stride_ignored(x, w, b, conv_param):
    """Your windows are one pixel apart: the window of out[i, j] begins at (i * stride,
    j * stride)."""
    return _forward(x, w, b, conv_param, step=1)


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def stride_assumed(x, w, b, conv_param):
    """You take every picture with stride 1, whatever conv_param says: read its "stride"."""
    return _forward(x, w, b, {"stride": 1, "pad": conv_param["pad"]})


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def pad_assumed(x, w, b, conv_param):
    """You put no frame around the pictures: read the "pad" of conv_param."""
    return _forward(x, w, b, {"stride": conv_param["stride"], "pad": 0})


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def padded_with_edges(x, w, b, conv_param):
    """Your frame repeats the pixels of the edge: it consists of zeros, which is np.pad's default
    mode."""
    return _forward(x, w, b, conv_param, mode="edge")


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def frame_at_one_side(x, w, b, conv_param):
    """The whole frame of yours is above and to the left: put pad zeros on each side."""
    return _forward(x, w, b, conv_param, sides=(2, 0))


@misconception(of="conv_forward_naive", caught_by="conv_with_stride_and_pad")
def rows_and_columns_swapped(x, w, b, conv_param):
    """Height and width are swapped in your maps: out has the axes (N, F, H', W')."""
    out, kept = _forward(x, w, b, conv_param)
    return out.swapaxes(2, 3), kept


@misconception(of="conv_forward_naive", caught_by="conv_of_one_picture")
def pad_of_half_a_filter(x, w, b, conv_param):
    """You compute the frame from the size of the filter: it is given, conv_param["pad"]."""
    pad = min(conv_param["pad"], (w.shape[3] - 1) // 2)
    return _forward(x, w, b, {"stride": conv_param["stride"], "pad": pad})


@misconception(of="conv_forward_naive", caught_by="conv_with_large_stride")
def stride_as_filter_size(x, w, b, conv_param):
    """Your windows begin a filter's width apart: they begin a stride apart, even where that leaves
    pixels out."""
    return _forward(x, w, b, conv_param, step=min(conv_param["stride"], w.shape[2]))


@misconception(of="conv_forward_naive", caught_by="conv_leaves_arrays_alone", symptom="mutation")
def bias_added_in_place(x, w, b, conv_param):
    """Your function writes into an array of the caller's: make a new one for what you compute."""
    out = _forward(x, w, b, conv_param)
    x += 0.5
    return out


# conv_backward_naive ------------------------------------------------------------------------------


@misconception(of="conv_backward_naive", caught_by="conv_dx_is_correct")
def dx_overwritten(dout, cache):
    """In dx, a later window overwrites an earlier one: a pixel lies under several windows, so add
    with +=."""
    return _backward(dout, cache, overwrite=True)


@misconception(of="conv_backward_naive", caught_by="conv_dx_is_correct")
def dx_with_flipped_filter(dout, cache):
    """You flip the filter for dx: a pixel gets the weight that it was multiplied with."""
    x, w, b, param = cache
    dx, _, _ = _backward(dout, (x, w[:, :, ::-1, ::-1], b, param))
    return dx, *_backward(dout, cache)[1:]


@misconception(of="conv_backward_naive", caught_by="conv_dx_is_correct")
def dx_keeps_frame(dout, cache):
    """Your dx still has the frame around it: cut it off, so that dx has the shape of x."""
    return _backward(dout, cache, cut=False)


@misconception(of="conv_backward_naive", caught_by="conv_dx_is_correct")
def dx_cut_at_one_side(dout, cache):
    """You cut the frame off at the wrong place: x begins pad pixels from the edge, so dx is
    dpadded[:, :, pad : pad + H, pad : pad + W]."""
    H, W = cache[0].shape[2:]
    dx, dw, db = _backward(dout, cache, cut=False)
    return dx[:, :, :H, :W], dw, db


@misconception(of="conv_backward_naive", caught_by="conv_dx_is_correct")
def dx_of_last_filter(dout, cache):
    """Your dx holds the contribution of the last filter only: add those of all filters up."""
    only = np.zeros_like(dout)
    only[:, -1] = dout[:, -1]
    return _backward(only, cache)[0], *_backward(dout, cache)[1:]


@misconception(of="conv_backward_naive", caught_by="conv_dx_without_frame")
def dx_empty_without_frame(dout, cache):
    """With pad 0 your dx is empty: [pad:-pad] is then [0:-0], which is [0:0]. Write
    [pad : pad + H]."""
    pad = cache[3]["pad"]
    dx, dw, db = _backward(dout, cache, cut=False)
    return dx[:, :, pad:-pad, pad:-pad] if pad else dx[:, :, :0, :0], dw, db


@misconception(of="conv_backward_naive", caught_by="conv_dw_is_correct")
def dw_of_last_window(dout, cache):
    """Your dw holds one window only: every weight is used in all of them, so add with +=."""
    only = np.zeros_like(dout)
    only[-1, :, -1, -1] = dout[-1, :, -1, -1]
    dx, _, db = _backward(dout, cache)
    return dx, _backward(only, cache)[1], db


@misconception(of="conv_backward_naive", caught_by="conv_dw_is_correct")
def dw_averaged(dout, cache):
    """Your dw is divided by the number of pictures: if there is a mean, it is in dout already."""
    dx, dw, db = _backward(dout, cache)
    return dx, dw / len(dout), db


@misconception(of="conv_backward_naive", caught_by="conv_dw_is_correct")
def dw_of_first_picture(dout, cache):
    """Your dw holds the first picture only: sum over all of the batch."""
    only = np.zeros_like(dout)
    only[0] = dout[0]
    dx, _, db = _backward(dout, cache)
    return dx, _backward(only, cache)[1], db


@misconception(of="conv_backward_naive", caught_by="conv_dw_is_correct")
def dw_without_stride(dout, cache):
    """Your dw takes windows one pixel apart: they begin at (i * stride, j * stride), as in the
    forward pass."""
    dx, _, db = _backward(dout, cache)
    return dx, _backward(dout, cache, step=1)[1], db


@misconception(of="conv_backward_naive", caught_by="conv_db_is_correct")
def db_averaged(dout, cache):
    """Your db is a mean of dout: it is a sum over pictures and places."""
    dx, dw, _ = _backward(dout, cache)
    return dx, dw, dout.mean(axis=(0, 2, 3))


@misconception(of="conv_backward_naive", caught_by="conv_db_is_correct")
def db_over_pictures_only(dout, cache):
    """Your db sums over the pictures only: a bias is added at every place, so sum over places,
    too."""
    dx, dw, _ = _backward(dout, cache)
    return dx, dw, dout.sum(axis=0)


@misconception(of="conv_backward_naive", caught_by="conv_db_is_correct")
def db_over_filters(dout, cache):
    """Your db sums over the filters: each filter has a bias of its own, so axis 1 stays."""
    dx, dw, _ = _backward(dout, cache)
    return dx, dw, dout.sum(axis=(1, 2, 3))


@misconception(of="conv_backward_naive", caught_by="conv_gradients_with_stride")
def dx_without_stride(dout, cache):
    """Your dx puts the windows one pixel apart: they begin at (i * stride, j * stride), as in the
    forward pass."""
    _, dw, db = _backward(dout, cache)
    return _backward(dout, cache, step=1)[0], dw, db


# conv_forward_vectorized, conv_backward_vectorized ------------------------------------------------


@misconception(of="conv_forward_vectorized", caught_by="vectorized_maps_are_correct")
def matrix_in_wrong_order(x, w, b, conv_param):
    """The rows of your matrix do not have the order of the filters: a row holds the channels, then
    rows, then columns of its window, (C, HH, WW), and needs a transpose before the reshape."""
    turned = w.transpose(0, 2, 3, 1).reshape(w.shape)
    return _forward(x, turned, b, conv_param)[0], None


@misconception(of="conv_forward_vectorized", caught_by="vectorized_maps_are_correct")
def maps_not_transposed(x, w, b, conv_param):
    """Your product has the filters last, (N, H', W', F), and reshape does not move them: transpose
    it."""
    out = _forward(x, w, b, conv_param)[0]
    return out.transpose(0, 2, 3, 1).reshape(out.shape), None


@misconception(of="conv_forward_vectorized", caught_by="vectorized_maps_are_correct")
def vectorized_without_bias(x, w, b, conv_param):
    """The biases are missing in the vectorised maps: add b to the rows of the product."""
    return _forward(x, w, 0 * b, conv_param)[0], None


@misconception(of="conv_forward_vectorized", caught_by="vectorized_maps_are_correct")
def vectorized_without_stride(x, w, b, conv_param):
    """You take all windows: of the rows and columns of windows, every stride-th is wanted."""
    return _forward(x, w, b, {"stride": 1, "pad": conv_param["pad"]})[0], None


@misconception(of="conv_forward_vectorized", caught_by="vectorized_is_faster", symptom="time")
def loops_under_another_name(x, w, b, conv_param):
    """There are still loops over pictures, filters and windows: lay the windows out as rows, and
    leave the rest to one matrix product."""
    out, _ = _forward(x, w, b, conv_param)
    padded = np.pad(x, ((0, 0), (0, 0), (conv_param["pad"],) * 2, (conv_param["pad"],) * 2))
    s = conv_param["stride"]
    for n, f, i, j in np.ndindex(*out.shape):
        rows, columns = slice(i * s, i * s + w.shape[2]), slice(j * s, j * s + w.shape[3])
        out[n, f, i, j] = np.sum(padded[n, :, rows, columns] * w[f]) + b[f]
    return out, None


@misconception(of="conv_backward_vectorized", caught_by="vectorized_gradients_are_correct")
def vectorized_dx_empty(dout, cache):
    """With pad 0 your dx is empty: [pad:-pad] is then [0:-0], which is [0:0]. Write
    [pad : pad + H]."""
    dx, dw, db = _backward(dout, _unfolded(cache))
    return dx if cache[2]["pad"] else dx[:, :, :0, :0], dw, db


@misconception(of="conv_backward_vectorized", caught_by="vectorized_gradients_are_correct")
def vectorized_dw_transposed(dout, cache):
    """Your dw is the transposed product, put into shape: its rows must be the filters, so write
    flat.T @ matrix."""
    dx, dw, db = _backward(dout, _unfolded(cache))
    return dx, dw.reshape(len(dw), -1).T.reshape(dw.shape), db


@misconception(of="conv_backward_vectorized", caught_by="vectorized_gradients_are_correct")
def dout_not_transposed(dout, cache):
    """You bring dout into a matrix by reshape alone: the filters have to become its last axis, so
    transpose it to (N, H', W', F) first."""
    mixed = dout.reshape(-1, dout.shape[1]).reshape(len(dout), *dout.shape[2:], dout.shape[1])
    return _backward(np.ascontiguousarray(mixed.transpose(0, 3, 1, 2)), _unfolded(cache))


@misconception(of="conv_backward_vectorized", caught_by="vectorized_gradients_are_correct")
def taps_overwritten(dout, cache):
    """One tap overwrites what the others have left in dx: add with +=."""
    _, dw, db = _backward(dout, _unfolded(cache))
    return _backward(dout, _unfolded(cache), overwrite=True)[0], dw, db


@misconception(of="conv_backward_vectorized", caught_by="vectorized_gradients_with_stride")
def taps_without_stride(dout, cache):
    """Pixels under one tap are a stride apart: take every stride-th of dpadded."""
    _, dw, db = _backward(dout, _unfolded(cache))
    return _backward(dout, _unfolded(cache), step=1)[0], dw, db


# Pooling ------------------------------------------------------------------------------------------


@misconception(of="max_pool_forward_naive", caught_by="max_pool_is_correct")
def mean_for_maximum(x, pool_param):
    """You take the mean of each window: max pooling takes the maximum."""
    return _pool(x, pool_param, np.mean), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_is_correct")
def minimum_for_maximum(x, pool_param):
    """You take the minimum of each window: take the maximum."""
    return _pool(x, pool_param, np.min), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_is_correct")
def square_windows(x, pool_param):
    """Your windows are as wide as they are high: they have pool_width columns."""
    square = pool_param | {"pool_width": pool_param["pool_height"]}
    return _pool(x, square, np.max), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_is_correct")
def height_and_width_swapped(x, pool_param):
    """Height and width of your windows are swapped: pool_height counts rows, axis 2."""
    return _pool(x, _swapped(pool_param), np.max), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_is_correct")
def maximum_over_channels(x, pool_param):
    """You take the maximum over the channels as well: each channel is pooled by itself."""
    highest = x.max(axis=1, keepdims=True) + 0 * x
    return _pool(highest, pool_param, np.max), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_with_overlap")
def stride_is_window(x, pool_param):
    """Your windows are their own size apart: they begin a stride apart, and may overlap."""
    stride = max(pool_param["pool_height"], pool_param["stride"])
    return _pool(x, pool_param | {"stride": stride}, np.max), (x, pool_param)


@misconception(of="max_pool_forward_naive", caught_by="max_pool_of_negative_values")
def maximum_from_zero(x, pool_param):
    """Your maximum starts at 0, so that negative windows give 0: start with an entry of the
    window."""
    return np.maximum(0, _pool(x, pool_param, np.max)), (x, pool_param)


@misconception(of="max_pool_backward_naive", caught_by="max_pool_gradient_is_correct")
def gradient_to_all(dout, cache):
    """Every entry of a window gets its gradient in full: only the maximum does."""
    return _pool_backward(dout, cache, lambda window: np.ones(window.shape))


@misconception(of="max_pool_backward_naive", caught_by="max_pool_gradient_is_correct")
def gradient_shared(dout, cache):
    """You share the gradient among all entries, which is average pooling: only the maximum gets
    it."""
    return _pool_backward(dout, cache, lambda window: np.full(window.shape, 1 / window[0, 0].size))


@misconception(of="max_pool_backward_naive", caught_by="max_pool_gradient_is_correct")
def gradient_times_value(dout, cache):
    """You multiply the gradient by the maximum: the derivative of a maximum by its winner is 1."""
    return _pool_backward(dout, cache, lambda window: _winners(window) * window)


@misconception(of="max_pool_backward_naive", caught_by="max_pool_gradient_is_correct")
def mask_without_gradient(dout, cache):
    """Your dx holds ones at the maxima: multiply by dout."""
    return _pool_backward(np.ones_like(dout), cache, _winners)


@misconception(of="max_pool_backward_naive", caught_by="max_pool_gradient_with_overlap")
def max_windows_overwritten(dout, cache):
    """Where windows overlap, a later one overwrites what an earlier one has left: add with +=."""
    return _pool_backward(dout, cache, _winners, overwrite=True)


@misconception(of="avg_pool_forward_naive", caught_by="avg_pool_is_correct")
def sum_for_mean(x, pool_param):
    """You sum the window up: divide by the number of its entries."""
    return _pool(x, pool_param, np.sum), (x, pool_param)


@misconception(of="avg_pool_forward_naive", caught_by="avg_pool_is_correct")
def maximum_for_mean(x, pool_param):
    """You take the maximum of each window: average pooling takes the mean."""
    return _pool(x, pool_param, np.max), (x, pool_param)


@misconception(of="avg_pool_forward_naive", caught_by="avg_pool_is_correct")
def divided_by_square(x, pool_param):
    """You divide by pool_height squared: a window has pool_height * pool_width entries."""
    return _pool(x, pool_param, np.sum) / pool_param["pool_height"] ** 2, (x, pool_param)


@misconception(of="avg_pool_backward_naive", caught_by="avg_pool_gradient_is_correct")
def mean_gradient_not_divided(dout, cache):
    """Each entry gets the whole gradient: a mean passes on one part in pool_height * pool_width."""
    return _pool_backward(dout, cache, lambda window: np.ones(window.shape))


@misconception(of="avg_pool_backward_naive", caught_by="avg_pool_gradient_is_correct")
def mean_gradient_to_maximum(dout, cache):
    """Only the largest entry gets a gradient: all entries of a window take part in its mean."""
    return _pool_backward(dout, cache, _winners)


@misconception(of="avg_pool_backward_naive", caught_by="avg_pool_gradient_with_overlap")
def avg_windows_overwritten(dout, cache):
    """Where windows overlap, a later one overwrites what an earlier one has left: add with +=."""
    return _pool_backward(
        dout, cache, lambda window: np.full(window.shape, 1 / window[0, 0].size), overwrite=True
    )


@misconception(of="global_avg_pool_forward", caught_by="global_pool_is_correct")
def global_sum(x):
    """You sum each map up: take its mean."""
    return x.sum(axis=(2, 3)), x.shape


@misconception(of="global_avg_pool_forward", caught_by="global_pool_is_correct")
def global_maximum(x):
    """You take the maximum of each map: take its mean."""
    return x.max(axis=(2, 3)), x.shape


@misconception(of="global_avg_pool_backward", caught_by="global_pool_gradient_is_correct")
def global_gradient_not_divided(dout, cache):
    """Every entry gets the whole gradient: divide it by H * W."""
    return np.ones(cache) * dout[:, :, None, None]


@misconception(of="global_avg_pool_backward", caught_by="global_pool_gradient_is_correct")
def global_gradient_by_height_squared(dout, cache):
    """You divide by the height twice: a map has H * W entries."""
    return np.ones(cache) * dout[:, :, None, None] / cache[2] ** 2


# Normalisation ------------------------------------------------------------------------------------


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_train_output_is_correct")
def statistics_per_pixel(x, gamma, beta, bn_param):
    """You normalise every pixel by itself, over the pictures only: mean and variance of a channel
    go over pictures, rows and columns."""
    return _spatial(x, gamma, beta, bn_param, axis=0), None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_train_output_is_correct")
def statistics_per_picture(x, gamma, beta, bn_param):
    """You normalise every picture by itself: the mean of a channel goes over all pictures of the
    batch, too."""
    return _spatial(x, gamma, beta, bn_param, axis=(2, 3)), None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_train_output_is_correct")
def channels_mixed_by_reshape(x, gamma, beta, bn_param):
    """Your reshape mixes the channels: bring them to the last axis first, with
    transpose(0, 2, 3, 1)."""
    rows = x.reshape(-1, x.shape[1])
    return _spatial(rows[:, :, None, None], gamma, beta, bn_param).reshape(x.shape), None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_train_output_is_correct")
def not_transposed_back(x, gamma, beta, bn_param):
    """On the way back you only reshape: put the rows into (N, H, W, C), and then transpose to
    (N, C, H, W)."""
    out = _spatial(x, gamma, beta, bn_param)
    return out.transpose(0, 2, 3, 1).reshape(x.shape), None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_averages_follow_batches")
def averages_lost(x, gamma, beta, bn_param):
    """The running averages do not change: hand on the caller's bn_param itself, not a copy, so that
    they are stored there."""
    return _spatial(x, gamma, beta, bn_param), None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_test_output_is_correct")
def test_with_batch_statistics(x, gamma, beta, bn_param):
    """In test mode you normalise with the statistics of the batch: use the running averages."""
    out = _spatial(x, gamma, beta, bn_param)
    if bn_param["mode"] == "train":
        _keep_averages(x, bn_param)
    return out, None


@misconception(of="spatial_batchnorm_forward", caught_by="spatial_is_stable_far_from_zero")
def spatial_variance_by_squares(x, gamma, beta, bn_param):
    """You compute the variance as mean(x**2) - mean(x)**2, a difference of two large numbers: far
    from zero its digits are lost. Subtract the mean first, then square."""
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = np.abs((x**2).mean(axis=(0, 2, 3), keepdims=True) - mean**2)
    x_hat = (x - mean) / np.sqrt(var + bn_param.get("eps", 1e-5))
    return gamma[:, None, None] * x_hat + beta[:, None, None], None


@misconception(of="spatial_batchnorm_backward", caught_by="spatial_gradients_are_correct")
def spatial_statistics_as_constants(dout, cache):
    """You take mean and variance for constants: both depend on x, and have a gradient."""
    _, dgamma, dbeta = _spatial_backward(dout, cache)
    _, _, std, _, gamma = cache
    return dout * (gamma / std)[:, None, None], dgamma, dbeta


@misconception(of="spatial_batchnorm_backward", caught_by="spatial_gradients_are_correct")
def dgamma_averaged(dout, cache):
    """Your dgamma and dbeta are means: they are sums over pictures and places."""
    dx, dgamma, dbeta = _spatial_backward(dout, cache)
    count = dout[:, 0].size
    return dx, dgamma / count, dbeta / count


@misconception(of="spatial_batchnorm_backward", caught_by="spatial_gradients_are_correct")
def dx_mixed_by_reshape(dout, cache):
    """Your reshape mixes the channels of dx: put the rows into (N, H, W, C), and then transpose to
    (N, C, H, W)."""
    dx, dgamma, dbeta = _spatial_backward(dout, cache)
    return dx.transpose(0, 2, 3, 1).reshape(dx.shape), dgamma, dbeta


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def statistics_shared_by_batch(x, gamma, beta, G, gn_param):
    """You share the statistics among the pictures: every picture is normalised by itself."""
    N, C, H, W = x.shape
    return _group(x, gamma, beta, gn_param, (N, G, C // G, H, W), (0, 2, 3, 4))


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def one_group_for_all(x, gamma, beta, G, gn_param):
    """You normalise over all channels at once, which is layer normalisation: there are G groups."""
    return _group(x, gamma, beta, gn_param, (len(x), 1, -1), (2,))


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def a_group_per_channel(x, gamma, beta, G, gn_param):
    """You normalise every channel by itself: a group has C / G channels, which share mean and
    variance."""
    return _group(x, gamma, beta, gn_param, (len(x), x.shape[1], -1), (2,))


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def groups_of_size_G(x, gamma, beta, G, gn_param):
    """You make groups of G channels: G is the number of groups, each of C / G channels."""
    return _group(x, gamma, beta, gn_param, (len(x), x.shape[1] // G, -1), (2,))


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def groups_of_distant_channels(x, gamma, beta, G, gn_param):
    """Your groups hold every G-th channel: a group holds C / G neighbours, so reshape to
    (N, G, C // G, H, W)."""
    N, C, H, W = x.shape
    return _group(x, gamma, beta, gn_param, (N, C // G, G, H, W), (1, 3, 4))


@misconception(of="spatial_groupnorm_forward", caught_by="group_output_is_correct")
def group_eps_outside(x, gamma, beta, G, gn_param):
    """You add eps to the standard deviation: it belongs under the root, sqrt(var + eps)."""
    grouped = x.reshape(len(x), G, -1)
    spread = grouped.std(axis=2, keepdims=True) + gn_param.get("eps", 1e-5)
    x_hat = ((grouped - grouped.mean(axis=2, keepdims=True)) / spread).reshape(x.shape)
    return gamma * x_hat + beta, None


@misconception(of="spatial_groupnorm_forward", caught_by="group_of_one_picture")
def over_pictures(x, gamma, beta, G, gn_param):
    """You normalise over the pictures, as batch normalisation does: group normalisation looks at
    one picture alone."""
    return _group(x, gamma, beta, gn_param, (len(x), -1), (0,))


@misconception(of="spatial_groupnorm_forward", caught_by="group_is_stable_far_from_zero")
def group_variance_by_squares(x, gamma, beta, G, gn_param):
    """You compute the variance as mean(x**2) - mean(x)**2, a difference of two large numbers: far
    from zero its digits are lost. Subtract the mean first, then square."""
    grouped = x.reshape(len(x), G, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    var = np.abs((grouped**2).mean(axis=2, keepdims=True) - mean**2)
    x_hat = ((grouped - mean) / np.sqrt(var + gn_param.get("eps", 1e-5))).reshape(x.shape)
    return gamma * x_hat + beta, None


@misconception(of="spatial_groupnorm_backward", caught_by="group_dx_is_correct")
def group_statistics_as_constants(dout, cache):
    """You take mean and variance of a group for constants: both depend on x, and have a
    gradient."""
    return _group_backward(dout, cache, mean=0, product=0)


@misconception(of="spatial_groupnorm_backward", caught_by="group_dx_is_correct")
def group_variance_as_constant(dout, cache):
    """The gradient through the variance is missing: subtract x_hat times the mean of g * x_hat."""
    return _group_backward(dout, cache, product=0)


@misconception(of="spatial_groupnorm_backward", caught_by="group_dx_is_correct")
def group_mean_as_constant(dout, cache):
    """The gradient through the mean is missing: subtract the mean of g over the group."""
    return _group_backward(dout, cache, mean=0)


@misconception(of="spatial_groupnorm_backward", caught_by="group_dx_is_correct")
def group_gamma_forgotten(dout, cache):
    """Gamma is missing in your dx: what arrives at x_hat is gamma * dout."""
    x_hat, std, gamma, G = cache
    dx, _, _ = _group_backward(dout, (x_hat, std, np.ones_like(gamma), G))
    return dx, *_group_backward(dout, cache)[1:]


@misconception(of="spatial_groupnorm_backward", caught_by="group_dgamma_and_dbeta_are_correct")
def group_dgamma_without_x_hat(dout, cache):
    """x_hat is missing in your dgamma: it sums dout * x_hat."""
    dx, _, dbeta = _group_backward(dout, cache)
    return dx, dbeta, dbeta


# ThreeLayerConvNet --------------------------------------------------------------------------------


class _Net:
    """A right network; the misconceptions below change a part of it."""

    def __init__(
        self,
        input_dim,
        num_filters,
        filter_size,
        hidden_dim,
        num_classes,
        weight_scale,
        reg,
        rng,
        layers=None,
    ):
        C, H, W = input_dim
        self.reg, self.layers = reg, layers
        self.pad = (filter_size - 1) // 2
        self.params = {
            "W1": self.start((num_filters, C, filter_size, filter_size), weight_scale, rng),
            "W2": self.start((num_filters * (H // 2) * (W // 2), hidden_dim), weight_scale, rng),
            "W3": self.start((hidden_dim, num_classes), weight_scale, rng),
            "b1": np.zeros(num_filters),
            "b2": np.zeros(hidden_dim),
            "b3": np.zeros(num_classes),
        }

    def start(self, shape, weight_scale, rng):
        return weight_scale * rng.standard_normal(shape)

    def conv(self, X):
        param = {"stride": 1, "pad": self.pad}
        if self.layers is None:
            return _forward(X, self.params["W1"], self.params["b1"], param)[0]
        return self.layers["conv_forward"](X, self.params["W1"], self.params["b1"], param)[0]

    def pool(self, maps):
        if self.layers is None:
            return _pool(maps, _POOL, np.max)
        return self.layers["max_pool_forward"](maps, _POOL)[0]

    def first_relu(self, maps):
        return np.maximum(0, maps)

    def first_gate(self, dactive, maps):
        return dactive * (maps > 0)

    def second_relu(self, z):
        return np.maximum(0, z)

    def second_gate(self, dhidden, z):
        return dhidden * (z > 0)

    def penalty(self):
        return 0.5 * self.reg * sum(np.sum(self.params[w] ** 2) for w in ("W1", "W2", "W3"))

    def shares(self):
        return {w: self.reg * self.params[w] for w in ("W1", "W2", "W3")}

    def loss(self, X, y=None):
        p = self.params
        maps = self.conv(X)
        active = self.first_relu(maps)
        pooled = self.pool(active)
        flat = pooled.reshape(len(X), -1)
        z = flat @ p["W2"] + p["b2"]
        hidden = self.second_relu(z)
        scores = hidden @ p["W3"] + p["b3"]
        if y is None:
            return scores
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -log_p[np.arange(len(y)), y].mean() + self.penalty()
        dscores = np.exp(log_p)
        dscores[np.arange(len(y)), y] -= 1
        dscores /= len(y)
        dz = self.second_gate(dscores @ p["W3"].T, z)
        dpooled = (dz @ p["W2"].T).reshape(pooled.shape)
        dactive = _pool_backward(dpooled, (active, _POOL), _winners)
        dmaps = self.first_gate(dactive, maps)
        param = {"stride": 1, "pad": self.pad}
        _, dW1, db1 = _backward(dmaps, (X, p["W1"], p["b1"], param))
        grads = {"W1": dW1, "b1": db1, "W2": flat.T @ dz, "b2": dz.sum(axis=0)}
        grads |= {"W3": hidden.T @ dscores, "b3": dscores.sum(axis=0)}
        for name, share in self.shares().items():
            grads[name] = grads[name] + share
        return loss, grads


@misconception(of="ThreeLayerConvNet", caught_by="weights_start_small_and_random")
class WeightsStartAtZero(_Net):
    """Your weights start at zero, where all filters are the same: draw them at random with standard
    deviation weight_scale."""

    def start(self, shape, weight_scale, rng):
        return np.zeros(shape)


@misconception(of="ThreeLayerConvNet", caught_by="weights_start_small_and_random")
class ScaleIgnored(_Net):
    """Your weights have standard deviation 1: multiply them by weight_scale."""

    def start(self, shape, weight_scale, rng):
        return rng.standard_normal(shape)


@misconception(of="ThreeLayerConvNet", caught_by="weights_start_small_and_random")
class PoolingForgottenInW2(_Net):
    """Your W2 is made for maps of full size: pooling halves their height and width, so it has
    F * (H // 2) * (W // 2) rows."""

    def __init__(self, input_dim, num_filters, *rest, **named):
        super().__init__(input_dim, num_filters, *rest, **named)
        hidden = self.params["W2"].shape[1]
        rng = np.random.default_rng(0)
        rows = num_filters * input_dim[1] * input_dim[2]
        self.params["W2"] = 0.03 * rng.standard_normal((rows, hidden))


@misconception(of="ThreeLayerConvNet", caught_by="scores_are_correct")
class WithoutFirstReLU(_Net):
    """There is no ReLU behind your convolution: apply it before pooling."""

    def first_relu(self, maps):
        return maps

    def first_gate(self, dactive, maps):
        return dactive


@misconception(of="ThreeLayerConvNet", caught_by="scores_are_correct")
class WithoutSecondReLU(_Net):
    """There is no ReLU between your two affine layers, which are one affine layer then."""

    def second_relu(self, z):
        return z

    def second_gate(self, dhidden, z):
        return dhidden


@misconception(of="ThreeLayerConvNet", caught_by="loss_is_correct")
class PenaltyWithoutHalf(_Net):
    """Your penalty is twice too large: it has a factor 0.5."""

    def penalty(self):
        return 2 * super().penalty()


@misconception(of="ThreeLayerConvNet", caught_by="loss_is_correct")
class PenaltyForgotten(_Net):
    """The penalty is missing in your loss: add 0.5 * reg times the squares of W1, W2 and W3."""

    def penalty(self):
        return 0.0


@misconception(of="ThreeLayerConvNet", caught_by="loss_is_correct")
class FiltersNotPenalised(_Net):
    """Your penalty leaves out the filters W1: all three weight arrays belong to it."""

    def penalty(self):
        return 0.5 * self.reg * sum(np.sum(self.params[w] ** 2) for w in ("W2", "W3"))


@misconception(of="ThreeLayerConvNet", caught_by="loss_is_correct")
class BiasesPenalised(_Net):
    """You penalise the biases: only W1, W2 and W3 belong to the penalty."""

    def penalty(self):
        return 0.5 * self.reg * sum(np.sum(value**2) for value in self.params.values())


@misconception(of="ThreeLayerConvNet", caught_by="gradients_without_reg_are_correct")
class FirstReLUForgottenOnTheWayBack(_Net):
    """On the way back you leave out the ReLU behind the convolution: what was negative passes
    nothing on."""

    def first_gate(self, dactive, maps):
        return dactive


@misconception(of="ThreeLayerConvNet", caught_by="gradients_without_reg_are_correct")
class SecondReLUForgottenOnTheWayBack(_Net):
    """On the way back you leave out the ReLU between the affine layers: hidden units that were
    asleep pass nothing on."""

    def second_gate(self, dhidden, z):
        return dhidden


@misconception(of="ThreeLayerConvNet", caught_by="gradients_with_reg_are_correct")
class ShareOfPenaltyForgotten(_Net):
    """The penalty is missing in your gradients: those of W1, W2 and W3 get reg * W each."""

    def shares(self):
        return {}


@misconception(of="ThreeLayerConvNet", caught_by="gradients_with_reg_are_correct")
class ShareOfPenaltyDoubled(_Net):
    """The penalty's share of your gradients is twice too large: half of W**2 has the derivative
    W."""

    def shares(self):
        return {name: 2 * share for name, share in super().shares().items()}


@misconception(of="ThreeLayerConvNet", caught_by="net_uses_the_layers_it_is_given")
class LayersIgnored(_Net):
    """Your network always calls your own functions: take them from self.layers, so that faster ones
    can be put in their place."""

    def __init__(self, *args, **named):
        super().__init__(*args[:8], **{k: v for k, v in named.items() if k != "layers"})


# train_convnet ------------------------------------------------------------------------------------


@misconception(of="train_convnet", caught_by="train_convnet_learns_stripes", symptom="exception")
def training_returns_the_solver(
    X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=5
):
    """What you return has no method `loss`: return the network itself, not the solver that trained
    it."""
    return _Run()


@misconception(of="train_convnet", caught_by="train_convnet_learns_stripes")
def training_diverges(X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=5):
    """The weights of your network are NaN: with too high a learning rate they grow without bound.
    Try a tenth of it."""
    return _untrained(X_train, y_train, np.nan)


@misconception(of="train_convnet", caught_by="train_convnet_learns_stripes")
def training_from_zero(X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=5):
    """All pictures get the same scores: a network whose weights start at zero stays there. Draw
    them with a standard deviation of sqrt(2 / n)."""
    return _untrained(X_train, y_train, 0.0)


class _Run:
    """Stands in for a solver."""


def _untrained(X, y, scale):
    shape, classes = X.shape[1:], int(np.max(y)) + 1
    return _Net(shape, 2, 3, 5, classes, scale, 0.0, np.random.default_rng(0))


# Building blocks ----------------------------------------------------------------------------------

_POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


def _forward(x, w, b, conv_param, *, step=None, mode="constant", sides=(1, 1)):
    """Return maps and the reference's cache; `step` is how far apart the windows are read."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    frame = pad * sides[0], pad * sides[1]
    padded = np.pad(x, ((0, 0), (0, 0), frame, frame), mode=mode)
    rows = 1 + (padded.shape[2] - HH) // stride
    columns = 1 + (padded.shape[3] - WW) // stride
    step = stride if step is None else step
    out = np.zeros((len(x), len(w), rows, columns), dtype=x.dtype) + b[:, None, None]
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * step : i * step + HH, j * step : j * step + WW]
            out[:, :, i, j] += np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3]))
    return out, (x, w, b, conv_param)


def _backward(dout, cache, *, step=None, overwrite=False, cut=True):
    """Return the right gradients, or those with windows elsewhere, or overwritten, or uncut."""
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    step = stride if step is None else step
    H, W = x.shape[2:]
    HH, WW = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = np.s_[:, :, i * step : i * step + HH, j * step : j * step + WW]
            part = np.tensordot(dout[:, :, i, j], w, axes=(1, 0))
            dpadded[place] = part if overwrite else dpadded[place] + part
            dw += np.tensordot(dout[:, :, i, j], padded[place], axes=(0, 0))
    dx = dpadded[:, :, pad : pad + H, pad : pad + W] if cut else dpadded
    return dx, dw, dout.sum(axis=(0, 2, 3))


def _unfolded(cache):
    """Return the cache of the naive convolution that belongs to one of the vectorised."""
    shape, w, conv_param, matrix = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = shape
    HH, WW = w.shape[2:]
    rows, columns = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    windows = matrix.reshape(N, rows, columns, C, HH, WW)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(rows):
        for j in range(columns):
            place = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            padded[place] = windows[:, i, j]
    return padded[:, :, pad : pad + H, pad : pad + W], w, None, conv_param


def _swapped(pool_param):
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    return pool_param | {"pool_height": width, "pool_width": height}


def _pool(x, pool_param, reduce):
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    s = pool_param["stride"]
    rows, columns = 1 + (x.shape[2] - height) // s, 1 + (x.shape[3] - width) // s
    out = np.zeros((*x.shape[:2], rows, columns), dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * s : i * s + height, j * s : j * s + width]
            out[:, :, i, j] = reduce(window, axis=(2, 3))
    return out


def _winners(window):
    return window == window.max(axis=(2, 3), keepdims=True)


def _pool_backward(dout, cache, share, *, overwrite=False):
    """Return dx in which each window gives its entries a share of its gradient."""
    x, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    s = pool_param["stride"]
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = np.s_[:, :, i * s : i * s + height, j * s : j * s + width]
            part = share(x[place]) * dout[:, :, i, j, None, None]
            dx[place] = part if overwrite else dx[place] + part
    return dx


def _spatial(x, gamma, beta, bn_param, axis=(0, 2, 3)):
    """Return maps normalised with statistics of the batch over some axes."""
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + bn_param.get("eps", 1e-5))
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def _keep_averages(x, bn_param):
    m, zeros = bn_param.get("momentum", 0.9), np.zeros(x.shape[1])
    for key, value in (("mean", x.mean(axis=(0, 2, 3))), ("var", x.var(axis=(0, 2, 3)))):
        old = bn_param.get(f"running_{key}", zeros)
        bn_param[f"running_{key}"] = m * old + (1 - m) * value


def _spatial_backward(dout, cache):
    """Return the right gradients from the cache of the rows."""
    _, _, std, x_hat, gamma = cache
    N, C, H, W = dout.shape
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dgamma, dbeta = (rows * x_hat).sum(axis=0), rows.sum(axis=0)
    dx = gamma / std * (rows - dbeta / len(rows) - x_hat * dgamma / len(rows))
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def _group(x, gamma, beta, gn_param, shape, axis):
    grouped = x.reshape(shape)
    centred = grouped - grouped.mean(axis=axis, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=axis, keepdims=True) + gn_param.get("eps", 1e-5))
    return gamma * (centred / std).reshape(x.shape) + beta, None


def _group_backward(dout, cache, *, mean=1, product=1):
    x_hat, std, gamma, G = cache
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    g = (gamma * dout).reshape(len(dout), G, -1)
    flat = x_hat.reshape(g.shape)
    dx = g - mean * g.mean(axis=2, keepdims=True)
    dx = dx - product * flat * (g * flat).mean(axis=2, keepdims=True)
    return (dx / std).reshape(dout.shape), dgamma, dbeta
