"""Known-wrong versions of the functions of the SVM exercise, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# svm_loss_naive -----------------------------------------------------------------------------------


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_gradient_not_averaged(W, X, y, reg):
    """Your gradient is a sum over the images, your loss a mean: divide dW by the number of images,
    too, before you add the regularisation."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_regularisation_gradient_halved(W, X, y, reg):
    """The derivative of reg * W² is 2 * reg * W: your gradient has reg * W."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_regularisation_missing_in_gradient(W, X, y, reg):
    """The loss is regularised, the gradient is not: add the derivative of reg * sum(W * W) to
    dW."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=0.0)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_regularisation_gradient_averaged(W, X, y, reg):
    """You divide the gradient by N after adding the regularisation: only the data part is a mean,
    so divide first and add 2 * reg * W afterwards."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_true_class_untouched(W, X, y, reg):
    """The column of the true class is missing in your gradient: every violation also subtracts the
    image from that column, since its score stands in each term with a minus."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=0.0)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_true_class_pulled_once(W, X, y, reg):
    """You subtract an image from the column of its true class once: the true score stands in the
    term of every class that violates the margin, so subtract the image as often as there are such
    classes."""
    slopes = _slopes(W, X, y)
    true = np.arange(len(y)), y
    slopes[true] = np.where(slopes[true] < 0, -1.0, 0.0)
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_only_true_class(W, X, y, reg):
    """You update the column of the true class alone: the column of each class that violates the
    margin gets the image as well, with a plus sign."""
    return _loss(W, X, y, reg), X.T @ np.minimum(_slopes(W, X, y), 0) / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_true_class_pushed_away(W, X, y, reg):
    """The column of the true class has the wrong sign in your gradient: its score stands in the
    loss with a minus, so subtract the image there."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=-1.0)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_gradient_sign_flipped(W, X, y, reg):
    """The data part of your gradient has the wrong sign throughout: a class that violates the
    margin gets plus the image, the true class minus; descent subtracts it later."""
    return _loss(W, X, y, reg), 4 * reg * W - _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_gradient_of_all_classes(W, X, y, reg):
    """Your gradient counts every wrong class: only those that violate the margin (missing > 0) have
    a slope of 1, all others have 0."""
    slopes = np.ones((len(y), W.shape[1]))
    slopes[np.arange(len(y)), y] -= W.shape[1]
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_gradient_is_correct")
def naive_gradient_weighted_by_violation(W, X, y, reg):
    """You multiply the image by how much a class lacks: the slope of a ramp is 1 however high on it
    you stand."""
    slopes = _missing(W, X, y)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_loss_not_averaged(W, X, y, reg):
    """Your data loss is the sum over the images: divide it by their number, before you add the
    regularisation."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_nothing_averaged(W, X, y, reg):
    """Data loss and gradient are sums over the images: divide both by the number of images, before
    you add the regularisation."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_missing_in_loss(W, X, y, reg):
    """Your loss is the data loss alone: add reg * sum(W * W)."""
    return _loss(W, X, y, 0.0), _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_forgotten(W, X, y, reg):
    """Neither your loss nor your gradient is regularised: add reg * sum(W * W) to the loss, and its
    derivative to dW."""
    return _loss(W, X, y, 0.0), _gradient(W, X, y, 0.0)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_averaged(W, X, y, reg):
    """You divide loss and gradient by N after adding the regularisation: only the data part is a
    mean, so divide first and add the penalty afterwards."""
    return _loss(W, X, y, reg / len(y)), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_averaged_in_loss(W, X, y, reg):
    """You divide the loss by N after adding the regularisation: only the data loss is a mean, so
    divide first and add reg * sum(W * W) afterwards."""
    return _loss(W, X, y, reg / len(y)), _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_halved(W, X, y, reg):
    """There is no factor ½ in the regularisation of this exercise: add reg * sum(W * W), whose
    derivative is 2 * reg * W."""
    return _loss(W, X, y, reg / 2), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_true_class_counted(W, X, y, reg):
    """Your loss is too large by exactly 1: the true class counts as a violation of itself, max(0, 0
    + 1). Leave out the term with k = y[i]."""
    return _loss(W, X, y, reg) + 1.0, _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_loss_not_clamped(W, X, y, reg):
    """Classes with a comfortable distance lower your loss: a term below 0 counts as 0, max(0,
    ...)."""
    return _unclamped(W, X, y, reg), _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_nothing_clamped(W, X, y, reg):
    """Every wrong class counts, in loss and gradient, whether it violates the margin or not: a term
    that is not above 0 adds nothing to either."""
    slopes = np.ones((len(y), W.shape[1]))
    slopes[np.arange(len(y)), y] -= W.shape[1]
    return _unclamped(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_without_margin(W, X, y, reg):
    """You ask for no margin: a class that is behind, but by less than 1, costs something, too. The
    term is max(0, s_k - s_y + 1)."""
    return _loss(W, X, y, reg, margin=0.0), _gradient(W, X, y, reg, margin=0.0)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_margin_subtracted(W, X, y, reg):
    """Your margin has the wrong sign: s_k - s_y - 1 lets a wrong class lead by 1 for free. The term
    is max(0, s_k - s_y + 1)."""
    return _loss(W, X, y, reg, margin=-1.0), _gradient(W, X, y, reg, margin=-1.0)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_scores_swapped(W, X, y, reg):
    """Your difference of scores is the wrong way round: you punish the true class for being ahead.
    The term is max(0, s_k - s_y + 1)."""
    return _loss(-W, X, y, reg), -_gradient(-W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_only_the_worst_class(W, X, y, reg):
    """You count the worst violation of each image alone: the loss here is the sum over all wrong
    classes."""
    missing = _missing(W, X, y)
    worst = (missing == np.max(missing, axis=1, keepdims=True)) & (missing > 0)
    slopes = worst.astype(float)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    loss = np.sum(missing[worst]) / len(y) + reg * np.sum(W * W)
    return loss, X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_violations_counted(W, X, y, reg):
    """You count the violations instead of adding them up: each costs as much as is missing, s_k -
    s_y + 1."""
    loss = np.sum(_missing(W, X, y) > 0) / len(y) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="svm_loss_naive", caught_by="naive_loss_is_correct")
def naive_squared_hinge(W, X, y, reg):
    """You square what is missing: that is another loss, the squared hinge. Here it counts as it
    is."""
    missing = _missing(W, X, y)
    slopes = 2 * missing
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    loss = np.sum(missing**2) / len(y) + reg * np.sum(W * W)
    return loss, X.T @ slopes / len(y) + 2 * reg * W


# svm_loss_vectorized ------------------------------------------------------------------------------


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def gradient_not_averaged(W, X, y, reg):
    """Your gradient is N times too large in its data part: divide it by the number of images, as
    you did with the loss."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_gradient_halved(W, X, y, reg):
    """The derivative of reg * W² is 2 * reg * W: your gradient has reg * W."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_missing_in_gradient(W, X, y, reg):
    """The loss is regularised, the gradient is not: add the derivative of reg * sum(W * W) to
    dW."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=0.0)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_gradient_averaged(W, X, y, reg):
    """You divide the gradient by N after adding the regularisation: only the data part is a mean,
    so divide first and add 2 * reg * W afterwards."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def true_class_untouched(W, X, y, reg):
    """The true class is missing in your gradient: its entry in row i is minus the number of classes
    that violate the margin there."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=0.0)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def true_class_pulled_once(W, X, y, reg):
    """The entry of the true class is -1 in your gradient: it has to be minus the number of classes
    in that row that violate the margin."""
    slopes = _slopes(W, X, y)
    true = np.arange(len(y)), y
    slopes[true] = np.where(slopes[true] < 0, -1.0, 0.0)
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def only_true_class(W, X, y, reg):
    """Your gradient has the true classes alone: the entry of each class that violates the margin is
    +1."""
    return _loss(W, X, y, reg), X.T @ np.minimum(_slopes(W, X, y), 0) / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def true_class_pushed_away(W, X, y, reg):
    """The entry of the true class has the wrong sign in your gradient: it is minus the number of
    violations in its row."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=-1.0)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def gradient_sign_flipped(W, X, y, reg):
    """The data part of your gradient has the wrong sign throughout: a class that violates the
    margin gets plus the image, the true class minus; descent subtracts it later."""
    return _loss(W, X, y, reg), 4 * reg * W - _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def gradient_of_all_classes(W, X, y, reg):
    """Your gradient counts every wrong class: only those that violate the margin (missing > 0) have
    a slope of 1, all others have 0."""
    slopes = np.ones((len(y), W.shape[1]))
    slopes[np.arange(len(y)), y] -= W.shape[1]
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def gradient_weighted_by_violation(W, X, y, reg):
    """You multiply X by what is missing: the slope of a ramp is 1 wherever something is missing,
    `(missing > 0)`."""
    slopes = _missing(W, X, y)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def true_class_counted_in_gradient(W, X, y, reg):
    """You count the true class among its own violations: its entry becomes -(v + 1) instead of -v.
    Set it to 0 before you sum over the row."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg) - _true_images(W, X, y)


@misconception(of="svm_loss_vectorized", caught_by="gradient_is_correct")
def true_columns_set(W, X, y, reg):
    """`A[:, y] = ...` sets the columns y in every row of your gradient: `A[np.arange(N), y] = ...`
    sets one entry a row."""
    violated = (_missing(W, X, y) > 0).astype(float)
    slopes = violated.copy()
    slopes[:, y] = -np.sum(violated, axis=1)[:, None]
    return _loss(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def loss_not_averaged(W, X, y, reg):
    """Your data loss is the sum over the images: take the mean."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def nothing_averaged(W, X, y, reg):
    """Data loss and gradient are sums over the images: divide both by the number of images, before
    you add the regularisation."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def regularisation_missing_in_loss(W, X, y, reg):
    """Your loss is the data loss alone: add reg * sum(W * W)."""
    return _loss(W, X, y, 0.0), _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def regularisation_forgotten(W, X, y, reg):
    """Neither your loss nor your gradient is regularised: add reg * sum(W * W) to the loss, and its
    derivative to dW."""
    return _loss(W, X, y, 0.0), _gradient(W, X, y, 0.0)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def regularisation_averaged(W, X, y, reg):
    """You divide loss and gradient by N after adding the regularisation: only the data part is a
    mean, so divide first and add the penalty afterwards."""
    return _loss(W, X, y, reg / len(y)), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def regularisation_averaged_in_loss(W, X, y, reg):
    """You divide the loss by N after adding the regularisation: only the data loss is a mean, so
    divide first and add reg * sum(W * W) afterwards."""
    return _loss(W, X, y, reg / len(y)), _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def regularisation_halved(W, X, y, reg):
    """There is no factor ½ in the regularisation of this exercise: add reg * sum(W * W), whose
    derivative is 2 * reg * W."""
    return _loss(W, X, y, reg / 2), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def true_class_counted(W, X, y, reg):
    """Your loss is too large by exactly 1: the true class counts as a violation of itself. Set its
    entry in every row to 0 before you sum."""
    return _loss(W, X, y, reg) + 1.0, _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def true_class_counted_everywhere(W, X, y, reg):
    """The true class counts as a violation of itself, in the loss (too large by exactly 1) and in
    the gradient: set its entry in every row of what is missing to 0."""
    return _loss(W, X, y, reg) + 1.0, _gradient(W, X, y, reg) - _true_images(W, X, y)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def loss_not_clamped(W, X, y, reg):
    """Classes with a comfortable distance lower your loss: cut what is missing off at 0,
    np.maximum(0, ...)."""
    return _unclamped(W, X, y, reg), _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def nothing_clamped(W, X, y, reg):
    """Every wrong class counts, in loss and gradient, whether it violates the margin or not: a term
    that is not above 0 adds nothing to either."""
    slopes = np.ones((len(y), W.shape[1]))
    slopes[np.arange(len(y)), y] -= W.shape[1]
    return _unclamped(W, X, y, reg), X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def without_margin(W, X, y, reg):
    """You ask for no margin: a class that is behind, but by less than 1, costs something, too. The
    term is max(0, s_k - s_y + 1)."""
    return _loss(W, X, y, reg, margin=0.0), _gradient(W, X, y, reg, margin=0.0)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def margin_subtracted(W, X, y, reg):
    """Your margin has the wrong sign: s_k - s_y - 1 lets a wrong class lead by 1 for free. The term
    is max(0, s_k - s_y + 1)."""
    return _loss(W, X, y, reg, margin=-1.0), _gradient(W, X, y, reg, margin=-1.0)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def scores_swapped(W, X, y, reg):
    """Your difference of scores is the wrong way round: you punish the true class for being ahead.
    The term is max(0, s_k - s_y + 1)."""
    return _loss(-W, X, y, reg), -_gradient(-W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def only_the_worst_class(W, X, y, reg):
    """You count the worst violation of each image alone: the loss here is the sum over all wrong
    classes."""
    missing = _missing(W, X, y)
    worst = (missing == np.max(missing, axis=1, keepdims=True)) & (missing > 0)
    slopes = worst.astype(float)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    loss = np.sum(missing[worst]) / len(y) + reg * np.sum(W * W)
    return loss, X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def violations_counted(W, X, y, reg):
    """You count the violations instead of adding them up: each costs as much as is missing, s_k -
    s_y + 1."""
    loss = np.sum(_missing(W, X, y) > 0) / len(y) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def squared_hinge(W, X, y, reg):
    """You square what is missing: that is another loss, the squared hinge. Here it counts as it
    is."""
    missing = _missing(W, X, y)
    slopes = 2 * missing
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    loss = np.sum(missing**2) / len(y) + reg * np.sum(W * W)
    return loss, X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def loss_averaged_over_classes(W, X, y, reg):
    """Your loss is C times too small: np.mean over the whole array also divides by the number of
    classes. Sum over classes, and take the mean over images."""
    loss = np.mean(_missing(W, X, y)) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="svm_loss_vectorized", caught_by="loss_is_correct")
def true_columns_cleared(W, X, y, reg):
    """`A[:, y] = 0` clears the columns y in every row: `A[np.arange(N), y] = 0` clears one entry a
    row, that of the true class."""
    violated = _missing(W, X, y)
    violated[:, y] = 0
    slopes = (violated > 0).astype(float)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    loss = np.sum(violated) / len(y) + reg * np.sum(W * W)
    return loss, X.T @ slopes / len(y) + 2 * reg * W


@misconception(of="svm_loss_vectorized", caught_by="arguments_are_left_alone", symptom="mutation")
def weights_squared_in_place(W, X, y, reg):
    """Your function changes the caller's W, as `W *= W` does: compute `W * W`, which makes a new
    array."""
    dW = _gradient(W, X, y, reg)
    loss = _loss(W, X, y, 0.0)
    W *= W
    return loss + reg * np.sum(W), dW


@misconception(of="svm_loss_vectorized", caught_by="vectorized_is_faster", symptom="time")
def loops_over_images(W, X, y, reg):
    """Your vectorised version is not much faster than your loops: there is still a Python loop over
    images or classes in it. One product X.T @ (...) sums over all images."""
    loss, dW = 0.0, np.zeros(W.shape)
    for i in range(len(y)):
        for k in range(W.shape[1]):
            missing = X[i] @ W[:, k] - X[i] @ W[:, y[i]] + 1
            if k != y[i] and missing > 0:
                loss += missing
                dW[:, k] += X[i]
                dW[:, y[i]] -= X[i]
    return loss / len(y) + reg * np.sum(W * W), dW / len(y) + 2 * reg * W


# sgd_train ----------------------------------------------------------------------------------------


@misconception(of="sgd_train", caught_by="sgd_steps_downhill")
def sgd_climbs(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """You add the gradient, which leads uphill: subtract learning_rate * dW."""
    return _descend(loss_fn, X, y, -learning_rate, reg, num_iters, batch_size, rng)


@misconception(of="sgd_train", caught_by="sgd_steps_downhill")
def sgd_forgets_reg(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Regularisation does not reach the loss function: pass reg on to loss_fn."""
    return _descend(loss_fn, X, y, learning_rate, 0.0, num_iters, batch_size, rng)


@misconception(of="sgd_train", caught_by="sgd_steps_downhill")
def sgd_regularises_twice(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """You add the regularisation to the step, but dW contains it already: W - learning_rate *
    dW."""

    def twice(W, X_batch, y_batch, reg):
        loss, dW = loss_fn(W, X_batch, y_batch, reg)
        return loss, dW + 2 * reg * W

    return _descend(twice, X, y, learning_rate, reg, num_iters, batch_size, rng)


@misconception(of="sgd_train", caught_by="sgd_steps_downhill")
def sgd_averages_twice(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """You divide the gradient by batch_size, but it is a mean already: W - learning_rate * dW."""
    return _descend(loss_fn, X, y, learning_rate / batch_size, reg, num_iters, batch_size, rng)


@misconception(of="sgd_train", caught_by="sgd_steps_downhill")
def sgd_never_steps(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Your W stays what it was at the start: assign the result of the step to W."""
    return _descend(loss_fn, X, y, 0.0, reg, num_iters, batch_size, rng)


@misconception(of="sgd_train", caught_by="sgd_draws_batches")
def sgd_uses_all_images(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Every step sees all images: draw batch_size of them, and pass X[batch] and y[batch]."""
    return _descend(loss_fn, X, y, learning_rate, reg, num_iters, len(X), _InOrder())


@misconception(of="sgd_train", caught_by="sgd_draws_batches")
def sgd_takes_the_first_images(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Every step sees the first batch_size images: draw positions at random with rng."""
    return _descend(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, _InOrder())


@misconception(of="sgd_train", caught_by="sgd_draws_batches")
def sgd_mixes_up_labels(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Images and labels of a batch do not belong together: draw the positions once, and take the
    same positions from X and from y."""
    W, history = _start(X, y), []
    for _ in range(num_iters):
        images = X[rng.integers(len(X), size=batch_size)]
        labels = y[rng.integers(len(X), size=batch_size)]
        loss, dW = loss_fn(W, images, labels, reg)
        history.append(loss)
        W = W - learning_rate * dW
    return W, history


@misconception(of="sgd_train", caught_by="sgd_records_every_loss")
def sgd_records_every_hundredth_loss(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Your history leaves out most losses: append the loss in every iteration."""
    W, history = _descend(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng)
    return W, history[::100]


@misconception(of="sgd_train", caught_by="sgd_records_every_loss")
def sgd_returns_the_last_loss(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """You return the last loss alone: loss_history is a list with the loss of every batch."""
    W, history = _descend(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng)
    return W, history[-1]


# predict ------------------------------------------------------------------------------------------


@misconception(of="predict", caught_by="predict_takes_the_highest_score")
def predicts_an_image_per_class(W, X):
    """You look for the best image of each class: the best class of each image is the argmax along
    axis=1."""
    return np.argmax(X @ W, axis=0)


@misconception(of="predict", caught_by="predict_takes_the_highest_score")
def predicts_the_score(W, X):
    """You return the highest score itself: argmax gives the class that has it."""
    return np.max(X @ W, axis=1)


@misconception(of="predict", caught_by="predict_takes_the_highest_score")
def predicts_the_lowest_score(W, X):
    """You return the class with the lowest score: the answer is the one with the highest."""
    return np.argmin(X @ W, axis=1)


# train_svm ----------------------------------------------------------------------------------------


@misconception(of="train_svm", caught_by="train_svm_learns_clusters")
def trained_weights_stay_zero(X_train, y_train, X_val, y_val):
    """The weights you return are all zero: keep the W that sgd_train returns, and return the
    best."""
    return _start(X_train, y_train)


@misconception(of="train_svm", caught_by="train_svm_learns_clusters")
def training_returns_the_accuracy(X_train, y_train, X_val, y_val):
    """You return a single number: return the best weights W, not the accuracy they reach."""
    return 0.4


@misconception(of="train_svm", caught_by="train_svm_learns_clusters")
def training_diverges(X_train, y_train, X_val, y_val):
    """Your weights are NaN: with too high a learning rate they grow without bound. Search rates of
    about 1e-7, and keep W only if its validation accuracy is higher than the best so far."""
    return np.full_like(_start(X_train, y_train), np.nan)


# Building blocks ----------------------------------------------------------------------------------


class _InOrder:
    """Stands in for a generator and draws the first positions every time."""

    def integers(self, high, size):
        return np.arange(size)


def _start(X, y):
    return np.zeros((X.shape[1], int(np.max(y)) + 1))


def _descend(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    W, history = _start(X, y), []
    for _ in range(num_iters):
        batch = rng.integers(len(X), size=batch_size)
        loss, dW = loss_fn(W, X[batch], y[batch], reg)
        history.append(loss)
        W = W - learning_rate * dW
    return W, history


def _missing(W, X, y, *, margin=1.0):
    """Return max(0, s_k - s_y + margin), 0 for the true class."""
    scores = X @ W
    true = np.arange(len(y)), y
    missing = np.maximum(0, scores - scores[true][:, None] + margin)
    missing[true] = 0
    return missing


def _slopes(W, X, y, *, margin=1.0):
    """Return the right derivatives of each image's loss by its scores."""
    slopes = (_missing(W, X, y, margin=margin) > 0).astype(float)
    slopes[np.arange(len(y)), y] = -np.sum(slopes, axis=1)
    return slopes


def _loss(W, X, y, reg, *, margin=1.0):
    """Return the right loss, with the default."""
    return np.sum(_missing(W, X, y, margin=margin)) / len(y) + reg * np.sum(W * W)


def _unclamped(W, X, y, reg):
    """Return the loss with terms below 0 in it."""
    scores = X @ W
    lead = scores - scores[np.arange(len(y)), y][:, None]
    return (np.sum(lead + 1) - len(y)) / len(y) + reg * np.sum(W * W)


def _gradient(W, X, y, reg, *, margin=1.0, true_class=1.0, per_image=None, reg_factor=2.0):
    """Return the gradient, right with the defaults."""
    slopes = _slopes(W, X, y, margin=margin)
    slopes[np.arange(len(y)), y] *= true_class
    per_image = 1.0 / len(y) if per_image is None else per_image
    return per_image * (X.T @ slopes) + reg_factor * reg * W


def _true_images(W, X, y):
    """Return the mean of the images, each in the column of its true class."""
    return X.T @ np.eye(W.shape[1])[y] / len(y)
