"""Known-wrong versions of the segmentation functions, and the hint that each earns.

The backward functions read the cache of the reference's forward functions: ``(x, w, conv_param)``
for the transposed convolution, ``(fine, w)`` for a skip connection.
"""

from __future__ import annotations

import numpy as np

from autograder import misconception

# confusion_matrix ---------------------------------------------------------------------------------


@misconception(of="confusion_matrix", caught_by="confusion_counts_pairs")
def confusion_transposed(predictions, truth, num_classes, ignore_index=255):
    """Your matrix is transposed: rows are true classes, columns predicted ones, so entry [t, p]."""
    return _counts(predictions, truth, num_classes, ignore_index).T


@misconception(of="confusion_matrix", caught_by="confusion_counts_pairs")
def confusion_of_shares(predictions, truth, num_classes, ignore_index=255):
    """You return shares of all pixels: return counts, so that matrices of several batches can be
    added."""
    counts = _counts(predictions, truth, num_classes, ignore_index)
    return counts / counts.sum()


@misconception(of="confusion_matrix", caught_by="confusion_counts_pairs")
def confusion_of_recalls(predictions, truth, num_classes, ignore_index=255):
    """You divide every row by its sum: return counts. A row may be empty, and the union needs the
    sizes of the classes."""
    counts = _counts(predictions, truth, num_classes, ignore_index)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@misconception(of="confusion_matrix", caught_by="confusion_counts_pairs")
def confusion_assigned_once(predictions, truth, num_classes, ignore_index=255):
    """Pixels with the same pair of classes count only once: `M[truth, predictions] += 1` does not
    add up repeated indices. Use np.add.at or np.bincount."""
    return (_counts(predictions, truth, num_classes, ignore_index) > 0).astype(int)


@misconception(of="confusion_matrix", caught_by="confusion_counts_pairs")
def confusion_of_mistakes(predictions, truth, num_classes, ignore_index=255):
    """Your diagonal is empty: count pixels that are right as well as the mistakes."""
    counts = _counts(predictions, truth, num_classes, ignore_index)
    return counts - np.diag(np.diag(counts))


@misconception(of="confusion_matrix", caught_by="confusion_leaves_void_out")
def confusion_void_is_background(predictions, truth, num_classes, ignore_index=255):
    """You count ignored pixels as background: leave them out, whatever was predicted there."""
    return _counts(predictions, np.where(truth == ignore_index, 0, truth), num_classes, None)


@misconception(of="confusion_matrix", caught_by="confusion_leaves_void_out")
def confusion_void_is_last_class(predictions, truth, num_classes, ignore_index=255):
    """You count ignored pixels as the last class (clipping their label, perhaps): leave them
    out."""
    return _counts(predictions, np.minimum(truth, num_classes - 1), num_classes, None)


@misconception(of="confusion_matrix", caught_by="confusion_leaves_void_out")
def confusion_void_is_right(predictions, truth, num_classes, ignore_index=255):
    """You count an ignored pixel as if its prediction were right: it has no truth and must not be
    counted at all."""
    return _counts(
        predictions, np.where(truth == ignore_index, predictions, truth), num_classes, None
    )


@misconception(of="confusion_matrix", caught_by="confusion_of_another_ignore_index")
def confusion_ignores_255_only(predictions, truth, num_classes, ignore_index=255):
    """You leave out the label 255, whatever the argument says (an index of -1 is taken from the
    end): compare with ignore_index."""
    return _counts(predictions, truth % num_classes * (truth != 255), num_classes, None)


@misconception(of="confusion_matrix", caught_by="confusion_keeps_absent_classes", symptom="value")
def confusion_of_present_classes(predictions, truth, num_classes, ignore_index=255):
    """Classes that do not occur are missing in your matrix: it has num_classes rows and columns
    always, so give np.bincount a minlength of num_classes²."""
    counts = _counts(predictions, truth, num_classes, ignore_index)
    present = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    return counts[np.ix_(present, present)]


@misconception(of="confusion_matrix", caught_by="confusion_of_many_classes_in_uint8")
def confusion_overflows(predictions, truth, num_classes, ignore_index=255):
    """uint8 ends at 255: `truth * num_classes` overflows without a warning. Convert the labels to
    np.int64 first."""
    counted = truth != ignore_index
    pairs = truth[counted] * truth.dtype.type(num_classes) + predictions[counted]
    counts = np.bincount(pairs.astype(np.int64), minlength=num_classes**2)
    return counts[: num_classes**2].reshape(num_classes, num_classes)


# pixel_accuracy -----------------------------------------------------------------------------------


@misconception(of="pixel_accuracy", caught_by="accuracy_is_the_share_of_the_diagonal")
def accuracy_is_the_mean_recall(confusion):
    """This is the mean of the accuracies of the classes: pixel accuracy divides all right pixels by
    all pixels."""
    return np.mean(np.diag(confusion) / np.maximum(np.sum(confusion, axis=1), 1))


@misconception(of="pixel_accuracy", caught_by="accuracy_is_the_share_of_the_diagonal")
def accuracy_is_an_error(confusion):
    """You return the share of pixels that are wrong: return that of those that are right."""
    return 1 - np.trace(confusion) / np.sum(confusion)


@misconception(of="pixel_accuracy", caught_by="accuracy_is_the_share_of_the_diagonal")
def accuracy_without_background(confusion):
    """You leave the background (class 0) out: pixel accuracy counts all classes."""
    return np.trace(confusion[1:, 1:]) / np.sum(confusion[1:])


@misconception(of="pixel_accuracy", caught_by="accuracy_with_an_absent_class")
def accuracy_of_an_absent_class(confusion):
    """You divide by the number of pixels of every class, which may be 0: divide the sum of the
    diagonal by the sum of the matrix."""
    with np.errstate(all="ignore"):
        recalls = np.diag(confusion) / np.sum(confusion, axis=1)
    return np.sum(recalls * np.sum(confusion, axis=1)) / np.sum(confusion)


# mean_iou -----------------------------------------------------------------------------------------


@misconception(of="mean_iou", caught_by="iou_of_each_class")
def union_counts_intersection_twice(confusion):
    """Your union counts the intersection twice, once in the row and once in the column: subtract it
    once."""
    return _mean_iou(confusion, lambda rows, columns, diagonal: rows + columns)


@misconception(of="mean_iou", caught_by="iou_of_each_class")
def union_without_intersection(confusion):
    """Your union lacks the intersection: you subtract the diagonal twice. It is in the row sum and
    in the column sum, so subtract it once."""
    return _mean_iou(confusion, lambda rows, columns, diagonal: rows + columns - 2 * diagonal)


@misconception(of="mean_iou", caught_by="iou_of_each_class")
def iou_is_recall(confusion):
    """You divide by the pixels of the true class alone, which is the recall: the union contains
    those predicted wrongly as this class, too."""
    return _mean_iou(confusion, lambda rows, columns, diagonal: rows)


@misconception(of="mean_iou", caught_by="iou_of_each_class")
def iou_is_precision(confusion):
    """You divide by the pixels predicted as the class, which is the precision: the union contains
    the missed pixels of the true class, too."""
    return _mean_iou(confusion, lambda rows, columns, diagonal: columns)


@misconception(of="mean_iou", caught_by="iou_of_each_class")
def iou_is_dice(confusion):
    """This is the Dice coefficient, 2 · intersection / (row + column): IoU divides the
    intersection by the union."""
    return _mean_iou(confusion, lambda rows, columns, diagonal: (rows + columns) / 2)


@misconception(of="mean_iou", caught_by="mean_of_the_classes")
def mean_weighted_by_frequency(confusion):
    """You weight the classes by their number of pixels: in the mean IoU all classes count alike."""
    _, iou = _mean_iou(confusion)
    rows = confusion.sum(axis=1)
    return np.sum(np.nan_to_num(iou) * rows) / rows.sum(), iou


@misconception(of="mean_iou", caught_by="mean_of_the_classes")
def iou_of_sums(confusion):
    """You divide the sum of the intersections by the sum of the unions: take the fraction of each
    class, then the mean."""
    rows, columns, diagonal = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    _, iou = _mean_iou(confusion)
    return diagonal.sum() / (rows + columns - diagonal).sum(), iou


@misconception(of="mean_iou", caught_by="mean_of_the_classes")
def mean_without_background(confusion):
    """You leave the background out of the mean: here it is a class like the others."""
    _, iou = _mean_iou(confusion)
    return np.nanmean(iou[1:]), iou


@misconception(of="mean_iou", caught_by="absent_classes_are_left_out")
def absent_class_is_zero(confusion):
    """You give a class that occurs nowhere the IoU 0, which lowers the mean: 0/0 says nothing, so
    return NaN for it and leave it out of the mean."""
    _, iou = _mean_iou(confusion)
    return np.mean(np.nan_to_num(iou)), np.nan_to_num(iou)


@misconception(of="mean_iou", caught_by="absent_classes_are_left_out")
def absent_class_is_one(confusion):
    """You give a class that occurs nowhere the IoU 1, which raises the mean: return NaN for it and
    leave it out of the mean."""
    _, iou = _mean_iou(confusion)
    return np.mean(np.nan_to_num(iou, nan=1.0)), np.nan_to_num(iou, nan=1.0)


@misconception(of="mean_iou", caught_by="absent_classes_are_left_out")
def absent_class_in_the_mean(confusion):
    """The iou of a class that occurs nowhere is NaN, rightly, but the mean still divides by the
    number of all classes: divide by those that occur."""
    _, iou = _mean_iou(confusion)
    return np.nansum(iou) / len(iou), iou


@misconception(of="mean_iou", caught_by="absent_classes_are_left_out")
def absent_class_makes_mean_nan(confusion):
    """A class that occurs nowhere makes your mean NaN: take the mean over the classes that occur
    (np.nanmean does)."""
    _, iou = _mean_iou(confusion)
    return np.mean(iou), iou


@misconception(of="mean_iou", caught_by="predicted_but_never_true_is_zero")
def never_true_left_out(confusion):
    """You leave out classes that are never true: one that was predicted all the same is a mistake,
    with IoU 0. Only a union of 0 pixels says nothing."""
    _, iou = _mean_iou(confusion)
    iou = np.where(confusion.sum(axis=1) > 0, iou, np.nan)
    return np.nanmean(iou), iou


# segmentation_loss --------------------------------------------------------------------------------


@misconception(of="segmentation_loss", caught_by="loss_is_the_mean_over_pixels")
def loss_is_a_sum(scores, y, ignore_index=255):
    """Your loss is the sum over pixels: divide it, and the gradient, by the number of pixels that
    count."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return loss * count, dscores * count


@misconception(of="segmentation_loss", caught_by="loss_is_the_mean_over_pixels")
def loss_divided_by_images(scores, y, ignore_index=255):
    """You divide by the number of images: every pixel is an example here, so divide by the number
    of pixels that count."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return loss * count / len(y), dscores * count / len(y)


@misconception(of="segmentation_loss", caught_by="loss_is_the_mean_over_pixels")
def loss_normalised_over_columns(scores, y, ignore_index=255):
    """Your softmax runs over the last axis, that is, over columns of pixels: classes are axis 1."""
    return _loss(scores, y, ignore_index, axis=3)[:2]


@misconception(of="segmentation_loss", caught_by="loss_leaves_ignored_pixels_out")
def loss_divided_by_all_pixels(scores, y, ignore_index=255):
    """Ignored pixels are not in your sum, but you still divide by the number of all pixels: divide
    by those that count."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return loss * count / y.size, dscores * count / y.size


@misconception(of="segmentation_loss", caught_by="loss_leaves_ignored_pixels_out")
def loss_void_is_background(scores, y, ignore_index=255):
    """You treat ignored pixels as background: replace their label to look something up, but
    multiply their loss and their gradient by 0."""
    return _loss(scores, np.where(y == ignore_index, 0, y), None)[:2]


@misconception(of="segmentation_loss", caught_by="loss_leaves_ignored_pixels_out")
def loss_void_is_last_class(scores, y, ignore_index=255):
    """You treat ignored pixels as the last class (clipping their label, perhaps): they have to be
    left out of loss and gradient."""
    return _loss(scores, np.minimum(y, scores.shape[1] - 1), None)[:2]


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_at_ignored_pixels(scores, y, ignore_index=255):
    """Your loss leaves ignored pixels out, your gradient does not: it is 0 at all their scores."""
    loss, _, count = _loss(scores, y, ignore_index)
    _, dscores, everything = _loss(scores, np.where(y == ignore_index, 0, y), None)
    return loss, dscores * everything / count


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_of_void_is_probability(scores, y, ignore_index=255):
    """At ignored pixels you do not subtract the 1, but the probabilities are still there: the whole
    gradient of such a pixel is 0."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    void = (y == ignore_index)[:, None]
    return loss, dscores + void * _softmax(scores) / max(count, 1)


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_is_a_sum(scores, y, ignore_index=255):
    """Your loss is a mean, your gradient a sum: divide it by the number of pixels that count,
    too."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return loss, dscores * count


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_divided_by_all_pixels(scores, y, ignore_index=255):
    """Your loss divides by the pixels that count, your gradient by all of them: use the same number
    for both."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return loss, dscores * count / y.size


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_without_true_class(scores, y, ignore_index=255):
    """Your gradient is the probabilities alone: at the true class of each pixel, subtract 1."""
    loss, _, count = _loss(scores, y, ignore_index)
    return loss, (y != ignore_index)[:, None] * _softmax(scores) / max(count, 1)


@misconception(of="segmentation_loss", caught_by="loss_gradient_is_correct")
def gradient_has_the_wrong_sign(scores, y, ignore_index=255):
    """Your gradient has the wrong sign: it is the probability minus 1 at the true class, and the
    probability elsewhere."""
    loss, dscores, _ = _loss(scores, y, ignore_index)
    return loss, -dscores


@misconception(of="segmentation_loss", caught_by="loss_survives_large_scores")
def loss_without_shift(scores, y, ignore_index=255):
    """Exponentials of large scores overflow: subtract the largest score of each pixel (the maximum
    over axis 1) first."""
    return _loss(scores, y, ignore_index, shift=lambda s: 0.0)[:2]


@misconception(of="segmentation_loss", caught_by="loss_survives_large_scores")
def loss_shifted_by_one_maximum(scores, y, ignore_index=255):
    """You subtract one maximum from the whole batch: where scores are much lower, all exponentials
    become 0. Every pixel needs its own maximum (axis=1, keepdims=True)."""
    return _loss(scores, y, ignore_index, shift=np.max)[:2]


@misconception(of="segmentation_loss", caught_by="loss_survives_large_scores")
def loss_of_a_probability(scores, y, ignore_index=255):
    """You take the logarithm of a probability, which may be 0 (adding a small number only hides
    that): compute the loss from the shifted scores, log of the sum of exponentials minus the true
    score."""
    _, dscores, count = _loss(scores, y, ignore_index)
    p = np.take_along_axis(_softmax(scores), _labels(y, ignore_index), axis=1)[:, 0]
    losses = -np.log(p + 1e-12) * (y != ignore_index)
    return losses.sum() / max(count, 1), dscores


@misconception(of="segmentation_loss", caught_by="loss_of_nothing_is_zero")
def loss_of_nothing_is_nan(scores, y, ignore_index=255):
    """If all pixels are ignored you divide 0 by 0: return a loss and a gradient of 0 then."""
    loss, dscores, count = _loss(scores, y, ignore_index)
    return (loss, dscores) if count else (np.nan, dscores * np.nan)


@misconception(of="segmentation_loss", caught_by="loss_of_another_ignore_index")
def loss_ignores_255_only(scores, y, ignore_index=255):
    """You leave out the label 255, whatever the argument says: compare y with ignore_index."""
    return _loss(scores, np.where(y < 0, y + scores.shape[1], y), 255)[:2]


@misconception(of="segmentation_loss", caught_by="loss_leaves_arguments_alone", symptom="mutation")
def labels_replaced_in_place(scores, y, ignore_index=255):
    """`y[y == ignore_index] = 0` changes the caller's labels, and the next call finds nothing to
    ignore: work on a copy, or use np.where."""
    loss, dscores, _ = _loss(scores, y, ignore_index)
    y[y == ignore_index] = 0
    return loss, dscores


# fc_to_conv ---------------------------------------------------------------------------------------


@misconception(of="fc_to_conv", caught_by="filters_have_the_right_shape")
def filters_not_transposed(w, b, feature_shape):
    """Your filters have shape (C, H, W, M): the output channels have to come first."""
    return w.reshape(*feature_shape, -1), b


@misconception(of="fc_to_conv", caught_by="filters_have_the_right_shape")
def filters_left_flat(w, b, feature_shape):
    """You return 1×1 filters over C · H · W channels: take the rows of w apart into channels, rows
    and columns of a filter of size H×W."""
    return w.T.reshape(w.shape[1], -1, 1, 1), b


@misconception(of="fc_to_conv", caught_by="filters_compute_the_same")
def filters_reshaped_without_transposing(w, b, feature_shape):
    """You reshape w to (M, C, H, W) without transposing it, which mixes the weights of different
    outputs: transpose first, so that each output's weights lie together, then reshape."""
    return w.reshape(-1, *feature_shape), b


@misconception(of="fc_to_conv", caught_by="filters_compute_the_same")
def filters_flipped(w, b, feature_shape):
    """Your filters are turned by 180°: the layers of deep learning slide filters as they are
    (cross-correlation), so nothing is flipped."""
    return w.T.reshape(-1, *feature_shape)[:, :, ::-1, ::-1], b


@misconception(of="fc_to_conv", caught_by="filters_compute_the_same")
def filters_swap_rows_and_columns(w, b, feature_shape):
    """Rows and columns of your filters are swapped: features are flattened as (C, H, W), the last
    index fastest."""
    C, H, W = feature_shape
    return w.T.reshape(-1, C, W, H).swapaxes(2, 3), b


@misconception(of="fc_to_conv", caught_by="filters_compute_the_same")
def filters_with_channels_last(w, b, feature_shape):
    """You take the features for flattened as (H, W, C): they are (C, H, W), channels slowest."""
    C, H, W = feature_shape
    return w.T.reshape(-1, H, W, C).transpose(0, 3, 1, 2), b


@misconception(of="fc_to_conv", caught_by="filters_slide")
def filters_averaged(w, b, feature_shape):
    """You divide the filters by their number of positions: a fully connected layer sums, and so
    does a convolution. The numbers stay the same."""
    return w.T.reshape(-1, *feature_shape) / np.prod(feature_shape), b


# conv_transpose_forward ---------------------------------------------------------------------------


@misconception(of="conv_transpose_forward", caught_by="stamps_side_by_side")
def stamp_flipped(x, w, b, conv_param):
    """Your stamps are turned by 180°: w[c, f, 0, 0] is the top left pixel of a stamp. Turned
    filters belong to an ordinary convolution over an input with gaps."""
    return _transpose(x, w[:, :, ::-1, ::-1], b, conv_param)


@misconception(of="conv_transpose_forward", caught_by="stamps_overlap")
def stamps_overwrite(x, w, b, conv_param):
    """Where stamps overlap, the later one overwrites the earlier one: add (`+=`), do not assign."""
    return _transpose(x, w, b, conv_param, add=False)


@misconception(of="conv_transpose_forward", caught_by="stamps_overlap")
def stamps_averaged(x, w, b, conv_param):
    """You average where stamps overlap: they add up. A kernel that is to interpolate takes care of
    its sum by itself."""
    out, kept = _transpose(x, w, np.zeros_like(b), conv_param)
    ones, _ = _transpose(np.ones_like(x[:, :1]), np.ones_like(w[:1]), np.zeros_like(b), conv_param)
    return out / np.maximum(ones, 1) + b[:, None, None], kept


@misconception(of="conv_transpose_forward", caught_by="stamps_side_by_side")
def stride_left_out(x, w, b, conv_param):
    """Your stamps are one pixel apart: from one input pixel to the next they move by stride
    pixels."""
    return _transpose(x, w, b, conv_param | {"stride": 1})


@misconception(of="conv_transpose_forward", caught_by="stamps_overlap", symptom="value")
def output_is_stride_times_input(x, w, b, conv_param):
    """Your output has stride times the rows of the input: it has (H - 1) * stride + HH - 2 * pad,
    for the last stamp reaches as far as it is large."""
    out, kept = _transpose(x, w, b, conv_param)
    stride = conv_param["stride"]
    return out[:, :, : x.shape[2] * stride, : x.shape[3] * stride], kept


@misconception(of="conv_transpose_forward", caught_by="stamps_overlap", symptom="value")
def stamp_taken_for_square(x, w, b, conv_param):
    """You use the height of the stamp for its width as well: WW may differ from HH."""
    return _transpose(x, w[:, :, :, : w.shape[2]], b, conv_param)


@misconception(of="conv_transpose_forward", caught_by="stamps_leave_gaps")
def gaps_without_bias(x, w, b, conv_param):
    """Output pixels that no stamp reaches have no bias in your output: it is added to every pixel,
    once, at the end."""
    out, kept = _transpose(x, w, b, conv_param)
    ones, _ = _transpose(np.ones_like(x[:, :1]), np.ones_like(w[:1]), np.zeros_like(b), conv_param)
    return np.where(ones > 0, out, 0), kept


@misconception(of="conv_transpose_forward", caught_by="bias_is_added_once")
def bias_in_every_stamp(x, w, b, conv_param):
    """You add the bias with every stamp, so that it counts several times where stamps overlap: add
    it to the output, once."""
    out, kept = _transpose(x, w, np.zeros_like(b), conv_param)
    ones, _ = _transpose(np.ones_like(x[:, :1]), np.ones_like(w[:1]), np.zeros_like(b), conv_param)
    return out + ones * b[:, None, None], kept


@misconception(of="conv_transpose_forward", caught_by="bias_is_added_once")
def bias_forgotten(x, w, b, conv_param):
    """The bias is missing: add b[f] to every pixel of output channel f."""
    return _transpose(x, w, np.zeros_like(b), conv_param)


@misconception(of="conv_transpose_forward", caught_by="pad_cuts_the_sides", symptom="value")
def pad_left_out(x, w, b, conv_param):
    """Your output is not cut: take `pad` pixels off each of its four sides."""
    return _transpose(x, w, b, conv_param | {"pad": 0})


@misconception(of="conv_transpose_forward", caught_by="pad_cuts_the_sides", symptom="value")
def pad_added_outside(x, w, b, conv_param):
    """You pad the input with zeros, as a convolution does: here pad does the opposite and cuts
    `pad` pixels off each side of the output."""
    pad = conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return _transpose(padded, w, b, conv_param | {"pad": 0})


@misconception(of="conv_transpose_forward", caught_by="pad_cuts_the_sides")
def pad_cut_off_one_end(x, w, b, conv_param):
    """You cut twice the pad off one end: cut `pad` pixels off the top and as many off the bottom,
    and likewise left and right."""
    out, kept = _transpose(x, w, b, conv_param | {"pad": 0})
    rows, columns = (size - 2 * conv_param["pad"] for size in out.shape[2:])
    return out[:, :, :rows, :columns], kept


@misconception(of="conv_transpose_forward", caught_by="stamps_side_by_side", symptom="value")
def empty_where_pad_is_zero(x, w, b, conv_param):
    """Without a pad your output is empty: `out[pad:-pad]` takes nothing for pad = 0, since -0 is 0.
    Write the end as `rows - pad`."""
    out, kept = _transpose(x, w, b, conv_param | {"pad": 0})
    pad = conv_param["pad"]
    return out[:, :, pad:-pad, pad:-pad], kept


@misconception(
    of="conv_transpose_forward", caught_by="transpose_leaves_arguments_alone", symptom="mutation"
)
def input_scaled_in_place(x, w, b, conv_param):
    """Your function changes x, which belongs to the caller: put the stamps into an array of your
    own."""
    result = _transpose(x, w, b, conv_param)
    x *= 0
    return result


# conv_transpose_backward --------------------------------------------------------------------------


@misconception(of="conv_transpose_backward", caught_by="transpose_dx_is_correct")
def dx_of_flipped_stamps(dout, cache):
    """In dx your stamps are turned by 180°: entry (a, b) of the stamp goes with the pixel that it
    was added to, at stride * i + a."""
    x, w, conv_param = cache
    _, dw, db = _gradients(dout, cache)
    return _gradients(dout, (x, w[:, :, ::-1, ::-1], conv_param))[0], dw, db


@misconception(of="conv_transpose_backward", caught_by="transpose_dx_is_correct")
def dx_without_stride(dout, cache):
    """In dx you move by one pixel from each input pixel to the next: move by stride pixels, as the
    stamps did."""
    x, w, conv_param = cache
    _, dw, db = _gradients(dout, cache)
    return _gradients(dout, (x, w, conv_param | {"stride": 1}))[0], dw, db


@misconception(of="conv_transpose_backward", caught_by="transpose_dx_is_correct")
def dx_keeps_one_entry(dout, cache):
    """Your dx holds the contribution of the last entry of the stamp alone: add up (`+=`) those of
    all entries."""
    x, w, conv_param = cache
    last = np.zeros_like(w)
    last[:, :, -1, -1] = w[:, :, -1, -1]
    _, dw, db = _gradients(dout, cache)
    return _gradients(dout, (x, last, conv_param))[0], dw, db


@misconception(of="conv_transpose_backward", caught_by="transpose_dw_is_correct")
def dw_of_flipped_stamps(dout, cache):
    """Your dw is turned by 180°: dw[c, f, a, b] goes with the pixels that entry (a, b) was added
    to."""
    dx, dw, db = _gradients(dout, cache)
    return dx, dw[:, :, ::-1, ::-1], db


@misconception(of="conv_transpose_backward", caught_by="transpose_dw_is_correct")
def dw_averaged(dout, cache):
    """You divide dw by the number of images: the loss has done that already, so dout carries it.
    Sum."""
    dx, dw, db = _gradients(dout, cache)
    return dx, dw / len(dout), db


@misconception(of="conv_transpose_backward", caught_by="transpose_dw_is_correct")
def dw_of_last_image(dout, cache):
    """Your dw holds the last image alone: add up over the images of the batch."""
    x, w, conv_param = cache
    dx, _, db = _gradients(dout, cache)
    return dx, _gradients(dout[-1:], (x[-1:], w, conv_param))[1], db


@misconception(of="conv_transpose_backward", caught_by="transpose_dw_is_correct", symptom="value")
def dw_channels_swapped(dout, cache):
    """The channels of your dw are swapped: it has the shape of w, (C, F, HH, WW), input channels
    first."""
    dx, dw, db = _gradients(dout, cache)
    return dx, dw.swapaxes(0, 1), db


@misconception(of="conv_transpose_backward", caught_by="transpose_db_is_correct")
def db_averaged(dout, cache):
    """Your db is a mean: the bias was added to every pixel, so sum dout over images, rows and
    columns."""
    dx, dw, _ = _gradients(dout, cache)
    return dx, dw, dout.mean(axis=(0, 2, 3))


@misconception(of="conv_transpose_backward", caught_by="transpose_db_is_correct")
def db_averaged_over_images(dout, cache):
    """You divide db by the number of images: dout carries that already. Sum over images, rows and
    columns."""
    dx, dw, db = _gradients(dout, cache)
    return dx, dw, db / len(dout)


@misconception(of="conv_transpose_backward", caught_by="transpose_db_is_correct", symptom="value")
def db_of_each_pixel(dout, cache):
    """You sum db over the images alone: there is one bias for each channel, so sum over rows and
    columns, too."""
    dx, dw, _ = _gradients(dout, cache)
    return dx, dw, dout.sum(axis=0)


@misconception(of="conv_transpose_backward", caught_by="transpose_gradients_with_pad")
def pad_forgotten_in_backward(dout, cache):
    """In the backward pass you forget the pad: pixel (0, 0) of dout was pixel (pad, pad) of the
    canvas. Put dout back into a canvas of zeros first."""
    pad = cache[2]["pad"]
    around = ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad))
    return _gradients(np.pad(dout, around), (cache[0], cache[1], cache[2] | {"pad": 0}))


@misconception(of="conv_transpose_backward", caught_by="transpose_gradients_with_pad")
def db_counts_the_edge(dout, cache):
    """You repeat the edge of dout where pixels were cut off: those pixels got lost, so their
    gradient is 0."""
    pad = cache[2]["pad"]
    around = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    return _gradients(
        np.pad(dout, around, mode="edge"), (cache[0], cache[1], cache[2] | {"pad": 0})
    )


@misconception(of="conv_transpose_backward", caught_by="transpose_gradients_with_gaps")
def gradients_are_forward_again(dout, cache):
    """Your dx is a transposed convolution again: going back, each input pixel *gathers* dout under
    its stamp, which is an ordinary convolution with the same stride."""
    x, w, conv_param = cache
    _, dw, db = _gradients(dout, cache)
    up, _ = _transpose(dout, w.swapaxes(0, 1), np.zeros(w.shape[0]), conv_param)
    return up[:, :, : x.shape[2], : x.shape[3]], dw, db


@misconception(
    of="conv_transpose_backward",
    caught_by="transpose_backward_leaves_dout_alone",
    symptom="mutation",
)
def dout_used_up(dout, cache):
    """Your function changes dout, which belongs to the caller: work on a copy."""
    result = _gradients(dout, cache)
    dout += 1.0
    return result


# bilinear_kernel ----------------------------------------------------------------------------------


@misconception(of="bilinear_kernel", caught_by="kernel_has_the_right_shape", symptom="value")
def kernel_as_large_as_the_factor(channels, factor):
    """Your stamp has `factor` rows: neighbouring tents have to overlap, so that between two centres
    both take part. It has 2 * factor - factor % 2."""
    return _kernel(channels, factor, size=factor)


@misconception(of="bilinear_kernel", caught_by="kernel_has_the_right_shape", symptom="value")
def kernel_always_even(channels, factor):
    """Your stamp has 2 * factor rows for odd factors, too: there the size is 2 * factor - 1, with
    one pixel in the middle."""
    return _kernel(channels, factor, size=2 * factor)


@misconception(of="bilinear_kernel", caught_by="kernel_has_the_right_shape", symptom="value")
def kernel_always_odd(channels, factor):
    """Your stamp has 2 * factor - 1 rows for even factors, too: there the size is 2 * factor, and
    the centre lies between two pixels."""
    return _kernel(channels, factor, size=2 * factor - 1)


@misconception(of="bilinear_kernel", caught_by="kernel_of_even_factors")
def kernel_off_centre(channels, factor):
    """For even factors your tent has its top on a pixel: the centre is (m - 1) / 2, which lies
    between two pixels. Do not round it."""
    size = 2 * factor - factor % 2
    return _kernel(channels, factor, centre=size // 2)


@misconception(of="bilinear_kernel", caught_by="kernel_of_even_factors")
def kernel_sums_to_one(channels, factor):
    """Your stamps sum up to 1: that is a blur. For upsampling, the entries that meet in one output
    pixel sum up to 1, and a whole stamp to factor²."""
    kernel = _kernel(channels, factor)
    return kernel / kernel[0, 0].sum()


@misconception(of="bilinear_kernel", caught_by="kernel_of_odd_factors")
def kernel_is_a_pyramid(channels, factor):
    """You take the distance along the farther axis, which gives a pyramid: bilinear is the product
    of a tent along the rows and one along the columns."""
    kernel = _kernel(channels, factor)
    size = kernel.shape[-1]
    tent = np.diag(np.sqrt(kernel[0, 0] ** 2))
    tent = np.sqrt(tent)
    for c in range(channels):
        kernel[c, c] = np.minimum.outer(tent, tent).reshape(size, size)
    return kernel


@misconception(of="bilinear_kernel", caught_by="kernel_of_odd_factors")
def kernel_adds_the_tents(channels, factor):
    """You take the mean of the two tents: bilinear is their product (np.outer)."""
    kernel = _kernel(channels, factor)
    tent = np.sqrt(np.diag(kernel[0, 0]))
    for c in range(channels):
        kernel[c, c] = np.add.outer(tent, tent) / 2
    return kernel


@misconception(of="bilinear_kernel", caught_by="kernel_keeps_channels_apart")
def kernel_mixes_channels(channels, factor):
    """Your stamps go from every channel to every channel, so the output adds them all up: only
    [c, c] is a tent, the rest is 0."""
    return np.broadcast_to(_kernel(1, factor), (channels, channels, *_kernel(1, factor).shape[2:]))


@misconception(of="bilinear_kernel", caught_by="kernel_keeps_channels_apart")
def kernel_of_first_channel_only(channels, factor):
    """Only the first channel has a stamp: fill [c, c] for every channel."""
    kernel = np.zeros((channels, channels, *_kernel(1, factor).shape[2:]))
    kernel[0, 0] = _kernel(1, factor)[0, 0]
    return kernel


@misconception(of="bilinear_kernel", caught_by="kernel_of_factor_one")
def kernel_reaches_zero(channels, factor):
    """Your tent reaches 0 at the ends of the stamp: it falls by 1/factor from pixel to pixel, and
    would reach 0 one step beyond. With factor 1 there is a single pixel, of 1."""
    size = 2 * factor - factor % 2
    tent = 1 - np.abs(np.arange(size) - (size - 1) / 2) / max((size - 1) / 2, 1e-9)
    tent = tent if factor > 1 else np.zeros(1)
    return np.eye(channels)[:, :, None, None] * np.outer(tent, tent)


# skip_forward -------------------------------------------------------------------------------------


@misconception(of="skip_forward", caught_by="skip_adds_scores")
def skip_without_bias(coarse, fine, w, b):
    """The bias of the 1×1 convolution is missing: add b[k] to the scores of class k."""
    return _skip(coarse, fine, w, np.zeros_like(b))


@misconception(of="skip_forward", caught_by="skip_adds_scores")
def skip_repeats_pixels(coarse, fine, w, b):
    """You enlarge the coarse scores by repeating each pixel: interpolate, with
    upsample(coarse, 2)."""
    out, kept = _skip(np.zeros_like(coarse), fine, w, b)
    return out + coarse.repeat(2, axis=2).repeat(2, axis=3), kept


@misconception(of="skip_forward", caught_by="skip_adds_scores")
def skip_forgets_coarse(coarse, fine, w, b):
    """The coarse scores are missing: add upsample(coarse, 2) to the scores of the fine maps."""
    return _skip(np.zeros_like(coarse), fine, w, b)


@misconception(of="skip_forward", caught_by="skip_adds_scores")
def skip_forgets_fine(coarse, fine, w, b):
    """The fine maps are missing: add their scores, from the 1×1 convolution, to the enlarged coarse
    ones."""
    return _skip(coarse, np.zeros_like(fine), w, np.zeros_like(b))[0], (fine, w)


@misconception(of="skip_forward", caught_by="skip_adds_scores")
def skip_averages(coarse, fine, w, b):
    """You take the mean of coarse and fine scores: add them up. Their weights are learned."""
    out, kept = _skip(coarse, fine, w, b)
    return out / 2, kept


@misconception(of="skip_forward", caught_by="skip_of_one_image")
def skip_clamps_scores(coarse, fine, w, b):
    """Negative scores are cut off: there is no ReLU after the sum, a score may have either sign."""
    out, kept = _skip(coarse, fine, w, b)
    return np.maximum(out, 0), kept


@misconception(of="skip_forward", caught_by="skip_leaves_arguments_alone", symptom="mutation")
def skip_adds_in_place(coarse, fine, w, b):
    """Your function changes the maps that it is given, which others need: put the sum into a
    new array."""
    result = _skip(coarse, fine, w, b)
    coarse += 1.0
    return result


# skip_backward ------------------------------------------------------------------------------------


@misconception(of="skip_backward", caught_by="skip_dcoarse_is_correct")
def dcoarse_subsampled(dout, cache):
    """You take every second pixel of dout for dcoarse: each coarse pixel spread over several fine
    ones, and collects the gradients of all, with upsample_backward(dout, 2)."""
    _, dfine, dw, db = _skip_gradients(dout, cache)
    return dout[:, :, ::2, ::2], dfine, dw, db


@misconception(of="skip_backward", caught_by="skip_dcoarse_is_correct")
def dcoarse_summed_over_blocks(dout, cache):
    """You sum dout over blocks of 2×2 pixels, which is the gradient of repeating pixels: the
    enlargement interpolates, so use upsample_backward(dout, 2)."""
    _, dfine, dw, db = _skip_gradients(dout, cache)
    N, K, H, W = dout.shape
    blocks = dout.reshape(N, K, H // 2, 2, W // 2, 2)
    return blocks.sum(axis=(3, 5)), dfine, dw, db


@misconception(of="skip_backward", caught_by="skip_dcoarse_is_correct")
def dcoarse_averaged(dout, cache):
    """Your dcoarse is four times too small, a mean where a sum is due: upsample_backward(dout, 2)
    is the gradient as it is."""
    dcoarse, dfine, dw, db = _skip_gradients(dout, cache)
    return dcoarse / 4, dfine, dw, db


@misconception(of="skip_backward", caught_by="skip_dfine_is_correct")
def dfine_masked(dout, cache):
    """You apply a ReLU mask to dfine: skip_forward has no ReLU. Backpropagate through the 1×1
    convolution alone."""
    dcoarse, dfine, dw, db = _skip_gradients(dout, cache)
    return dcoarse, dfine * (cache[0] > 0), dw, db


@misconception(of="skip_backward", caught_by="skip_dw_and_db_are_correct")
def skip_dw_averaged(dout, cache):
    """You divide dw and db by the number of images: dout carries that already. Sum over images and
    pixels."""
    dcoarse, dfine, dw, db = _skip_gradients(dout, cache)
    return dcoarse, dfine, dw / len(dout), db / len(dout)


@misconception(of="skip_backward", caught_by="skip_dw_and_db_are_correct")
def skip_db_averaged(dout, cache):
    """Your db is a mean over pixels: the bias was added to every pixel, so sum dout over images,
    rows and columns."""
    dcoarse, dfine, dw, _ = _skip_gradients(dout, cache)
    return dcoarse, dfine, dw, dout.mean(axis=(0, 2, 3))


@misconception(of="skip_backward", caught_by="skip_gradients_of_one_image")
def skip_dout_halved(dout, cache):
    """You share dout between the two ways: a sum passes the whole upstream gradient on to each of
    its terms."""
    return tuple(gradient / 2 for gradient in _skip_gradients(dout, cache))


# Helpers ------------------------------------------------------------------------------------------


def _counts(predictions, truth, num_classes, ignore_index):
    counts = np.zeros((num_classes, num_classes), dtype=int)
    pairs = zip(np.ravel(truth).tolist(), np.ravel(predictions).tolist(), strict=True)
    for t, p in pairs:
        if t != ignore_index:
            counts[t, p] += 1
    return counts


def _mean_iou(confusion, union=lambda rows, columns, diagonal: rows + columns - diagonal):
    confusion = np.asarray(confusion)
    rows, columns, diagonal = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    with np.errstate(all="ignore"):
        iou = diagonal / union(rows, columns, diagonal)
    iou = np.where(rows + columns > 0, iou, np.nan)
    return np.nanmean(iou), iou


def _labels(y, ignore_index):
    return np.where(y == ignore_index, 0, y).astype(np.int64)[:, None]


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _loss(scores, y, ignore_index, axis=1, shift=lambda s: s.max(axis=1, keepdims=True)):
    """Return the loss, its gradient, and the number of pixels that count."""
    counts = np.ones(y.shape, bool) if ignore_index is None else y != ignore_index
    count = int(counts.sum())
    labels = _labels(y, ignore_index)
    with np.errstate(all="ignore"):
        shifted = scores - shift(scores)
        exponentials = np.exp(shifted)
        totals = exponentials.sum(axis=axis, keepdims=True)
        log_p = np.take_along_axis(shifted - np.log(totals), labels, axis=1)[:, 0]
        p = exponentials / totals
    true = np.arange(scores.shape[1])[:, None, None] == labels
    dscores = np.where(counts[:, None], p - true, 0) / max(count, 1)
    return -np.where(counts, log_p, 0).sum() / max(count, 1), dscores, count


def _place(size, stride, tap):
    return slice(tap, tap + (size - 1) * stride + 1, stride)


def _transpose(x, w, b, conv_param, add=True):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    _, F, HH, WW = w.shape
    canvas = np.zeros((N, F, (H - 1) * stride + HH, (W - 1) * stride + WW))
    for i in range(H):
        for j in range(W):
            stamp = np.einsum("nc,cfab->nfab", x[:, :, i, j], w)
            target = canvas[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            target[...] = target + stamp if add else stamp
    rows, columns = canvas.shape[2:]
    out = canvas[:, :, pad : rows - pad, pad : columns - pad] + b[:, None, None]
    return out, (x, w, conv_param)


def _gradients(dout, cache):
    x, w, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    H, W = x.shape[2:]
    dcanvas = np.pad(dout, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for a in range(w.shape[2]):
        for d in range(w.shape[3]):
            under = dcanvas[:, :, _place(H, stride, a), _place(W, stride, d)]
            dx += np.einsum("nfhw,cf->nchw", under, w[:, :, a, d])
            dw[:, :, a, d] = np.einsum("nchw,nfhw->cf", x, under)
    return dx, dw, dout.sum(axis=(0, 2, 3))


def _kernel(channels, factor, size=None, centre=None):
    size = 2 * factor - factor % 2 if size is None else size
    centre = (size - 1) / 2 if centre is None else centre
    tent = 1 - np.abs(np.arange(size) - centre) / factor
    return np.eye(channels)[:, :, None, None] * np.outer(tent, tent)


def _enlarging(size):
    positions = (np.arange(2 * size) + 0.5) / 2 - 0.5
    return np.maximum(0, 1 - np.abs(positions[:, None] - np.arange(size)))


def _skip(coarse, fine, w, b):
    rows, columns = (_enlarging(size) for size in coarse.shape[2:])
    scores = np.einsum("kc,nchw->nkhw", w[:, :, 0, 0], fine) + b[:, None, None]
    return rows @ coarse @ columns.T + scores, (fine, w)


def _skip_gradients(dout, cache):
    fine, w = cache
    rows, columns = (_enlarging(size // 2) for size in dout.shape[2:])
    dfine = np.einsum("kc,nkhw->nchw", w[:, :, 0, 0], dout)
    dw = np.einsum("nkhw,nchw->kc", dout, fine)[:, :, None, None]
    return rows.T @ dout @ columns, dfine, dw, dout.sum(axis=(0, 2, 3))
