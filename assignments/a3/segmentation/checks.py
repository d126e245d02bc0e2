"""Hidden checks of the segmentation exercise.

Tolerances are those of single precision, so that a solution may compute in float32. What a forward
function keeps for its backward function stays where it is: a cache is the student's own affair.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_finite, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-5


# confusion_matrix ---------------------------------------------------------------------------------


@check(points=1, of="confusion_matrix")
def confusion_counts_pairs(student, rng):
    """Rows of the confusion matrix are true classes, columns predicted ones."""
    truth, predictions = rng.integers(5, size=(3, 4, 6)), rng.integers(5, size=(3, 4, 6))
    predictions[0], predictions[1, 0] = 2, truth[1, 0]
    _assert_counts(student, predictions, truth, 5)


@check(points=1, of="confusion_matrix")
def confusion_leaves_void_out(student, rng):
    """Pixels whose true label is the ignore index are not counted, whatever was predicted."""
    truth, predictions = rng.integers(4, size=(2, 5, 3)), rng.integers(4, size=(2, 5, 3))
    truth[rng.random(truth.shape) < 0.3] = 255
    truth[1, 4, :] = 255
    _assert_counts(student, predictions, truth, 4)


@check(points=1, of="confusion_matrix")
def confusion_of_another_ignore_index(student, rng):
    """The ignore index is an argument: with -1, pixels labelled -1 are left out."""
    truth, predictions = rng.integers(3, size=(4, 7)), rng.integers(3, size=(4, 7))
    truth[1, 2:6] = -1
    _assert_counts(student, predictions, truth, 3, ignore_index=-1)


@check(points=1, of="confusion_matrix")
def confusion_keeps_absent_classes(student, rng):
    """Classes that never occur keep their rows and columns of zeros."""
    truth, predictions = rng.integers(1, 3, size=(3, 5)), rng.integers(1, 3, size=(3, 5))
    _assert_counts(student, predictions, truth, 6)


@check(points=1, of="confusion_matrix")
def confusion_of_many_classes_in_uint8(student, rng):
    """Labels stored as uint8 are counted rightly for 21 classes, too."""
    truth = rng.integers(12, 21, size=(2, 9, 4)).astype(np.uint8)
    predictions = rng.integers(12, 21, size=(2, 9, 4)).astype(np.uint8)
    truth[0, 3, 1:] = 255
    _assert_counts(student, predictions, truth, 21)


# pixel_accuracy -----------------------------------------------------------------------------------


@check(points=1, of="pixel_accuracy")
def accuracy_is_the_share_of_the_diagonal(student, rng):
    """Pixel accuracy is the sum of the diagonal over the sum of the matrix."""
    M = rng.integers(1, 50, size=(4, 4))
    got = student.pixel_accuracy(M)
    assert_close(got, oracle.pixel_accuracy(M), name="pixel accuracy", rtol=RTOL, atol=ATOL)


@check(points=1, of="pixel_accuracy")
def accuracy_with_an_absent_class(student, rng):
    """Pixel accuracy is finite where a class never occurs in truth."""
    M = rng.integers(1, 30, size=(5, 5))
    M[3] = 0
    got = student.pixel_accuracy(M)
    assert_close(got, oracle.pixel_accuracy(M), name="pixel accuracy", rtol=RTOL, atol=ATOL)


# mean_iou -----------------------------------------------------------------------------------------


@check(points=1, of="mean_iou")
def iou_of_each_class(student, rng):
    """The IoU of each class is its intersection over its union, counted once."""
    M = rng.integers(1, 40, size=(5, 5))
    _, iou = student.mean_iou(M)
    assert_close(iou, oracle.ious(M), name="iou", rtol=RTOL, atol=ATOL)


@check(points=1, of="mean_iou")
def mean_of_the_classes(student, rng):
    """The mean IoU weights all classes alike, however many pixels they have."""
    M = rng.integers(1, 20, size=(4, 4)) * np.array([[90], [1], [5], [1]])
    mean, _ = student.mean_iou(M)
    assert_close(mean, oracle.mean_iou(M), name="the mean IoU", rtol=RTOL, atol=ATOL)


@check(points=1, of="mean_iou")
def absent_classes_are_left_out(student, rng):
    """A class that occurs in neither truth nor prediction has IoU NaN and is not in the mean."""
    M = rng.integers(1, 30, size=(5, 5))
    M[1], M[:, 1] = 0, 0
    mean, iou = student.mean_iou(M)
    assert_shape(iou, (5,), name="iou")
    require(np.isnan(iou[1]), "a class that occurs nowhere should have IoU NaN", kind="value")
    assert_close(mean, oracle.mean_iou(M), name="the mean IoU", rtol=RTOL, atol=ATOL)


@check(points=1, of="mean_iou")
def predicted_but_never_true_is_zero(student, rng):
    """A class that is predicted and never true has IoU 0, and counts."""
    M = rng.integers(1, 30, size=(4, 4))
    M[2] = 0
    mean, iou = student.mean_iou(M)
    assert_close(iou, oracle.ious(M), name="iou", rtol=RTOL, atol=ATOL)
    assert_close(mean, oracle.mean_iou(M), name="the mean IoU", rtol=RTOL, atol=ATOL)


# segmentation_loss --------------------------------------------------------------------------------


@check(points=1, of="segmentation_loss")
def loss_is_the_mean_over_pixels(student, rng):
    """Without ignored pixels the loss is the mean cross-entropy over all pixels."""
    scores, y = _scores(rng, (3, 4, 2, 5))
    loss, _ = student.segmentation_loss(scores, y)
    assert_close(loss, oracle.pixel_loss(scores, y, 255), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=1, of="segmentation_loss")
def loss_leaves_ignored_pixels_out(student, rng):
    """Ignored pixels are neither in the sum nor in the number that it is divided by."""
    scores, y = _scores(rng, (2, 5, 3, 4), ignored=0.4)
    loss, _ = student.segmentation_loss(scores, y)
    assert_close(loss, oracle.pixel_loss(scores, y, 255), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="segmentation_loss")
def loss_gradient_is_correct(student, rng):
    """The gradient of the loss agrees with the reference, with some pixels ignored."""
    scores, y = _scores(rng, (2, 3, 4, 5), ignored=0.3)
    _, dscores = student.segmentation_loss(scores, y)
    expected = oracle.pixel_loss_gradient(scores, y, 255)
    assert_close(dscores, expected, name="dscores", rtol=RTOL, atol=ATOL)


@check(points=1, of="segmentation_loss")
def loss_survives_large_scores(student, rng):
    """Scores of ten thousand, of both signs in one batch, give a finite loss and gradient."""
    scores, y = _scores(rng, (2, 3, 2, 4))
    scores = np.round(4 * scores) / 4
    scores[0] += 1e4
    scores[1] -= 1e4
    scores[0, 1, 1] -= 9e3
    y[0, 1] = 1  # sure and wrong, by nine thousand
    loss, dscores = student.segmentation_loss(scores, y)
    assert_close(loss, oracle.pixel_loss(scores, y, 255), name="the loss", rtol=RTOL, atol=ATOL)
    expected = oracle.pixel_loss_gradient(scores, y, 255)
    assert_close(dscores, expected, name="dscores", rtol=RTOL, atol=ATOL)


@check(points=1, of="segmentation_loss")
def loss_of_nothing_is_zero(student, rng):
    """If all pixels are ignored, loss and gradient are 0."""
    scores, y = _scores(rng, (1, 3, 2, 4), ignored=2.0)
    loss, dscores = student.segmentation_loss(scores, y)
    assert_close(loss, 0.0, name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dscores, np.zeros(scores.shape), name="dscores", rtol=RTOL, atol=ATOL)


@check(points=1, of="segmentation_loss")
def loss_of_another_ignore_index(student, rng):
    """The ignore index is an argument: here it is -1, and y is int64, the scores float32."""
    scores, y = _scores(rng, (1, 4, 3, 5), ignored=0.3)
    scores, y = scores.astype(np.float32), np.where(y == 255, -1, y.astype(np.int64))
    loss, dscores = student.segmentation_loss(scores, y, ignore_index=-1)
    assert_close(loss, oracle.pixel_loss(scores, y, -1), name="the loss", rtol=RTOL, atol=ATOL)
    expected = oracle.pixel_loss_gradient(scores, y, -1)
    assert_close(dscores, expected, name="dscores", rtol=RTOL, atol=ATOL)


@check(points=1, of="segmentation_loss")
def loss_leaves_arguments_alone(student, rng):
    """The arrays scores and y are the same after a call of segmentation_loss."""
    scores, y = _scores(rng, (2, 4, 3, 2), ignored=0.3)
    held = student.hold(scores), student.hold(y)
    _, dscores = student.segmentation_loss(*held)
    assert_shape(dscores, scores.shape, name="dscores")
    require_unchanged("segmentation_loss", scores=(held[0], scores), y=(held[1], y))


# fc_to_conv ---------------------------------------------------------------------------------------


@check(points=1, of="fc_to_conv")
def filters_have_the_right_shape(student, rng):
    """The filters have shape (M, C, H, W), and there is one bias for each."""
    w, b = rng.normal(size=(30, 4)), rng.normal(size=4)
    w_conv, b_conv = student.fc_to_conv(w, b, (2, 3, 5))
    assert_shape(w_conv, (4, 2, 3, 5), name="w_conv")
    assert_shape(b_conv, (4,), name="b_conv")
    assert_close(b_conv, b, name="b_conv", rtol=RTOL, atol=ATOL)


@check(points=1, of="fc_to_conv")
def filters_compute_the_same(student, rng):
    """At their one position the filters give what the fully connected layer gives."""
    w, b, x = rng.normal(size=(24, 5)), rng.normal(size=5), rng.normal(size=(3, 2, 4, 3))
    w_conv, b_conv = student.fc_to_conv(w, b, (2, 4, 3))
    assert_shape(w_conv, (5, 2, 4, 3), name="w_conv")
    assert_shape(b_conv, (5,), name="b_conv")
    out = oracle.slide(x, np.asarray(w_conv), np.asarray(b_conv))[:, :, 0, 0]
    expected = oracle.fully_connected(x, w, b)
    assert_close(out, expected, name="what the filters compute", rtol=RTOL, atol=ATOL)


@check(points=1, of="fc_to_conv")
def filters_slide(student, rng):
    """On larger maps, float32, the filters give the fully connected layer's answer everywhere."""
    w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((12, 2), 2))
    x = rng.normal(size=(1, 3, 4, 5)).astype(np.float32)
    w_conv, b_conv = student.fc_to_conv(w, b, (3, 2, 2))
    assert_shape(w_conv, (2, 3, 2, 2), name="w_conv")
    assert_shape(b_conv, (2,), name="b_conv")
    out = oracle.slide(x, np.asarray(w_conv), np.asarray(b_conv))
    for i, j in np.ndindex(3, 4):
        expected = oracle.fully_connected(x[:, :, i : i + 2, j : j + 2], w, b)
        name = f"the scores at position ({i}, {j})"
        assert_close(out[:, :, i, j], expected, name=name, rtol=RTOL, atol=ATOL)


# conv_transpose_forward ---------------------------------------------------------------------------


@check(points=1, of="conv_transpose_forward")
def stamps_side_by_side(student, rng):
    """With a stride as large as the stamp, stamps tile the output."""
    x, w, b = _stamps(rng, (2, 3, 4, 2), (3, 4, 3, 3))
    _assert_out(student, x, w, np.zeros_like(b), 3, 0)


@check(points=2, of="conv_transpose_forward")
def stamps_overlap(student, rng):
    """Where stamps overlap they add up; stamps may be wider than high."""
    x, w, b = _stamps(rng, (2, 3, 3, 2), (3, 2, 3, 5))
    _assert_out(student, x, w, np.zeros_like(b), 2, 0)


@check(points=1, of="conv_transpose_forward")
def stamps_leave_gaps(student, rng):
    """With a stride larger than the stamp, there are gaps that hold the bias alone."""
    x, w, b = _stamps(rng, (1, 2, 3, 4), (2, 3, 2, 1))
    _assert_out(student, x, w, b, 3, 0)


@check(points=1, of="conv_transpose_forward")
def bias_is_added_once(student, rng):
    """The bias is added once to each pixel, also where stamps overlap."""
    x, w, b = _stamps(rng, (2, 3, 2, 4), (3, 2, 4, 3))
    _assert_out(student, x, w, b + 2.0, 2, 0)


@check(points=1, of="conv_transpose_forward")
def pad_cuts_the_sides(student, rng):
    """The pad cuts as many pixels off all four sides."""
    x, w, b = _stamps(rng, (2, 2, 3, 4), (2, 3, 5, 4))
    _assert_out(student, x, w, b, 2, 1)
    _assert_out(student, x, w, b, 1, 2)


@check(points=1, of="conv_transpose_forward")
def transpose_of_one_pixel(student, rng):
    """A single pixel of one image, in float32, gives one stamp."""
    x, w, b = (a.astype(np.float32) for a in _stamps(rng, (1, 3, 1, 1), (3, 2, 4, 3)))
    _assert_out(student, x, w, b, 2, 0)


@check(points=1, of="conv_transpose_forward")
def transpose_leaves_arguments_alone(student, rng):
    """The arrays x, w and b are the same after a call of conv_transpose_forward."""
    x, w, b = _stamps(rng, (2, 2, 3, 2), (2, 3, 3, 2))
    held = [student.hold(array) for array in (x, w, b)]
    out, _ = student.conv_transpose_forward.holding(1)(*held, {"stride": 2, "pad": 1})
    assert_shape(out, (2, 3, 5, 2), name="out")
    named = zip(("x", "w", "b"), held, (x, w, b), strict=True)
    require_unchanged("conv_transpose_forward", **{name: (h, a) for name, h, a in named})


# conv_transpose_backward --------------------------------------------------------------------------


@check(points=2, of="conv_transpose_backward")
def transpose_dx_is_correct(student, rng):
    """The gradient dx gathers the upstream gradient under each stamp, weighted by the stamp."""
    _assert_gradients(student, rng, (2, 3, 3, 2), (3, 4, 3, 4), 2, 0, which=(0,))


@check(points=2, of="conv_transpose_backward")
def transpose_dw_is_correct(student, rng):
    """The gradient dw sums, over images and positions, the input times the upstream gradient."""
    _assert_gradients(student, rng, (3, 2, 2, 4), (2, 3, 4, 3), 2, 0, which=(1,))


@check(points=1, of="conv_transpose_backward")
def transpose_db_is_correct(student, rng):
    """The gradient db sums the upstream gradient over images and pixels."""
    _assert_gradients(student, rng, (2, 2, 3, 4), (2, 3, 2, 3), 2, 0, which=(2,))


@check(points=1, of="conv_transpose_backward")
def transpose_gradients_with_pad(student, rng):
    """With a pad, all three gradients are right: pixels that were cut off get nothing back."""
    _assert_gradients(student, rng, (2, 3, 3, 2), (3, 2, 4, 5), 2, 1)
    _assert_gradients(student, rng, (1, 2, 3, 4), (2, 3, 3, 3), 1, 1)


@check(points=1, of="conv_transpose_backward")
def transpose_gradients_with_gaps(student, rng):
    """With a stride larger than the stamp, in float32, all three gradients are right."""
    _assert_gradients(student, rng, (2, 2, 3, 2), (2, 3, 2, 1), 3, 0, dtype=np.float32)


@check(points=1, of="conv_transpose_backward")
def transpose_backward_leaves_dout_alone(student, rng):
    """The array dout is the same after a call of conv_transpose_backward."""
    x, w, b = _stamps(rng, (2, 2, 3, 2), (2, 3, 3, 2))
    _, kept = student.conv_transpose_forward.holding(1)(x, w, b, {"stride": 2, "pad": 1})
    dout = rng.normal(0.2, 1.0, size=(2, 3, 5, 2))
    held = student.hold(dout)
    dx, _, _ = student.conv_transpose_backward(held, kept)
    assert_shape(dx, x.shape, name="dx")
    require_unchanged("conv_transpose_backward", dout=(held, dout))


# bilinear_kernel ----------------------------------------------------------------------------------


@check(points=1, of="bilinear_kernel")
def kernel_has_the_right_shape(student, rng):
    """The kernel is (C, C, m, m) with m = 2 * factor - factor % 2."""
    for channels, factor in ((3, 2), (2, 3), (1, 4), (2, 5)):
        size = 2 * factor - factor % 2
        kernel = student.bilinear_kernel(channels, factor)
        name = f"the kernel of factor {factor}"
        assert_shape(kernel, (channels, channels, size, size), name=name)


@check(points=1, of="bilinear_kernel")
def kernel_of_even_factors(student, rng):
    """For even factors the stamp is a tent whose top lies between two pixels."""
    for channels, factor in ((1, 2), (2, 4), (1, 6)):
        _assert_kernel(student, channels, factor)


@check(points=1, of="bilinear_kernel")
def kernel_of_odd_factors(student, rng):
    """For odd factors the stamp is a tent with one pixel at its top."""
    for channels, factor in ((1, 3), (2, 5)):
        _assert_kernel(student, channels, factor)


@check(points=1, of="bilinear_kernel")
def kernel_keeps_channels_apart(student, rng):
    """Each channel is upsampled by itself: the stamps between two channels are zero."""
    kernel = student.bilinear_kernel(3, 2)
    assert_shape(kernel, (3, 3, 4, 4), name="the kernel")
    kernel = np.asarray(kernel, dtype=float)
    expected = oracle.bilinear_kernel(3, 2)
    assert_close(kernel, expected, name="the kernel", rtol=RTOL, atol=ATOL)


@check(points=1, of="bilinear_kernel")
def kernel_of_factor_one(student, rng):
    """With factor 1 nothing changes: the stamp is a single one."""
    _assert_kernel(student, 2, 1)


# skip_forward -------------------------------------------------------------------------------------


@check(points=1, of="skip_forward")
def skip_adds_scores(student, rng):
    """The output is the coarse scores, enlarged bilinearly, plus the scores of the fine maps."""
    _assert_skip(student, _levels(rng, 2, 3, 5, 3, 2))


@check(points=1, of="skip_forward")
def skip_of_one_image(student, rng):
    """A single image of one coarse pixel, in float32, gives the right scores."""
    _assert_skip(student, [a.astype(np.float32) for a in _levels(rng, 1, 4, 2, 1, 1)])


@check(points=1, of="skip_forward")
def skip_leaves_arguments_alone(student, rng):
    """The arrays coarse and fine are the same after a call of skip_forward."""
    arrays = _levels(rng, 2, 3, 4, 2, 3)
    held = [student.hold(array) for array in arrays]
    out, _ = student.skip_forward.holding(1)(*held)
    assert_shape(out, (2, 3, 4, 6), name="out")
    require_unchanged("skip_forward", coarse=(held[0], arrays[0]), fine=(held[1], arrays[1]))


# skip_backward ------------------------------------------------------------------------------------


@check(points=1, of="skip_backward")
def skip_dcoarse_is_correct(student, rng):
    """The gradient dcoarse is the upstream gradient, sent back through the enlargement."""
    _assert_skip_gradients(student, rng, _levels(rng, 2, 3, 4, 3, 2), which=(0,))


@check(points=1, of="skip_backward")
def skip_dfine_is_correct(student, rng):
    """The gradient dfine is the upstream gradient times the weights, pixel by pixel."""
    _assert_skip_gradients(student, rng, _levels(rng, 2, 4, 3, 2, 3), which=(1,))


@check(points=1, of="skip_backward")
def skip_dw_and_db_are_correct(student, rng):
    """The gradients dw and db sum over images and pixels."""
    _assert_skip_gradients(student, rng, _levels(rng, 3, 2, 4, 2, 3), which=(2, 3))


@check(points=1, of="skip_backward")
def skip_gradients_of_one_image(student, rng):
    """All four gradients of a single image, in float32, are right."""
    arrays = [a.astype(np.float32) for a in _levels(rng, 1, 3, 5, 1, 2)]
    _assert_skip_gradients(student, rng, arrays)


# Inputs -------------------------------------------------------------------------------------------


def _scores(rng, shape, ignored=0.0):
    """Return scores a few units apart and uint8 labels, a share of them ignored."""
    N, K, H, W = shape
    y = rng.integers(K, size=(N, H, W)).astype(np.uint8)
    y[rng.random(y.shape) < ignored] = 255
    if ignored:
        y[0, 0, 0] = 255
    if ignored < 1:
        y[-1, -1, -1], y[0, -1, 0] = 1, 2
    return rng.normal(0.3, 1.5, size=shape), y


def _stamps(rng, x_shape, w_shape):
    """Return x, w and b without zeros."""
    x, w = rng.normal(0.3, 1.0, size=x_shape), rng.normal(-0.2, 1.0, size=w_shape)
    return x, w, rng.uniform(0.5, 2.0, size=w_shape[1])


def _levels(rng, images, classes, channels, rows, columns):
    """Return coarse, fine, w and b."""
    return [
        rng.normal(0.2, 1.0, size=shape)
        for shape in (
            (images, classes, rows, columns),
            (images, channels, 2 * rows, 2 * columns),
            (classes, channels, 1, 1),
            (classes,),
        )
    ]


# Verdicts -----------------------------------------------------------------------------------------


def _assert_counts(student, predictions, truth, num_classes, ignore_index=255):
    options = {} if ignore_index == 255 else {"ignore_index": ignore_index}
    M = student.confusion_matrix(predictions, truth, num_classes, **options)
    assert_shape(M, (num_classes, num_classes), name="the confusion matrix")
    expected = oracle.confusion_matrix(predictions, truth, num_classes, ignore_index)
    assert_close(M, expected, name="the confusion matrix", rtol=RTOL, atol=ATOL)


def _assert_out(student, x, w, b, stride, pad):
    out, _ = student.conv_transpose_forward.holding(1)(x, w, b, {"stride": stride, "pad": pad})
    expected = oracle.conv_transpose(x, w, b, stride, pad)
    assert_shape(out, expected.shape, name="out")
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


def _assert_gradients(
    student, rng, x_shape, w_shape, stride, pad, *, which=(0, 1, 2), dtype=np.float64
):
    x, w, b = (a.astype(dtype) for a in _stamps(rng, x_shape, w_shape))
    forward = student.conv_transpose_forward.holding(1)
    _, kept = forward(x, w, b, {"stride": stride, "pad": pad})
    shape = [
        (size - 1) * stride + k - 2 * pad for size, k in zip(x_shape[2:], w_shape[2:], strict=True)
    ]
    dout = rng.normal(0.3, 1.0, size=(x_shape[0], w_shape[1], *shape)).astype(dtype)
    grads = student.conv_transpose_backward(dout, kept)
    _assert_parts(
        grads, oracle.conv_transpose_gradients(dout, x, w, stride, pad), ("dx", "dw", "db"), which
    )


def _assert_parts(grads, expected, names, which):
    require(
        isinstance(grads, tuple | list) and len(grads) == len(names),
        f"expected {len(names)} gradients, {', '.join(names)}",
        kind="type",
    )
    for k in which:
        assert_shape(grads[k], expected[k].shape, name=names[k])
        assert_close(grads[k], expected[k], name=names[k], rtol=RTOL, atol=ATOL)


def _assert_kernel(student, channels, factor):
    kernel = student.bilinear_kernel(channels, factor)
    assert_finite(kernel, name="the kernel")
    name = f"the kernel of factor {factor}"
    assert_close(kernel, oracle.bilinear_kernel(channels, factor), name=name, rtol=RTOL, atol=ATOL)


def _assert_skip(student, arrays):
    out, _ = student.skip_forward.holding(1)(*arrays)
    assert_close(out, oracle.skip(*arrays), name="out", rtol=RTOL, atol=ATOL)


def _assert_skip_gradients(student, rng, arrays, which=(0, 1, 2, 3)):
    coarse, fine, w, _ = arrays
    _, kept = student.skip_forward.holding(1)(*arrays)
    dout = rng.normal(0.3, 1.0, size=(len(fine), w.shape[0], *fine.shape[2:])).astype(fine.dtype)
    grads = student.skip_backward(dout, kept)
    expected = oracle.skip_gradients(dout, coarse, fine, w)
    _assert_parts(grads, expected, ("dcoarse", "dfine", "dw", "db"), which)
