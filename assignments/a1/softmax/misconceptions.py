"""Known-wrong versions of the softmax functions, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# softmax_probabilities ----------------------------------------------------------------------------


@misconception(of="softmax_probabilities", caught_by="probabilities_survive_large_scores")
def probabilities_without_shift(scores):
    """Exponentials of large scores overflow and give NaN: subtract the maximum of each row
    first."""
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@misconception(of="softmax_probabilities", caught_by="probabilities_survive_large_scores")
def probabilities_shifted_by_batch_maximum(scores):
    """You subtract one maximum from the whole batch: all exponentials of an image with much lower
    scores become 0, and so does its sum. Give every row its own maximum (axis=1, keepdims=True)."""
    exponentials = np.exp(scores - np.max(scores))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@misconception(of="softmax_probabilities", caught_by="probabilities_are_correct")
def probabilities_over_the_batch(scores):
    """Your columns add up to 1 instead of your rows: sum over classes (axis=1), not over images."""
    exponentials = np.exp(scores - np.max(scores, axis=0))
    return exponentials / exponentials.sum(axis=0)


@misconception(of="softmax_probabilities", caught_by="probabilities_are_correct")
def probabilities_share_one_sum(scores):
    """You divide by the sum over the whole batch: every image needs the sum of its own row (axis=1,
    keepdims=True)."""
    exponentials = np.exp(scores - np.max(scores))
    return exponentials / exponentials.sum()


@misconception(of="softmax_probabilities", caught_by="probabilities_are_correct")
def probabilities_are_sigmoids(scores):
    """This is the sigmoid of each score by itself: softmax divides exp(s_k) by the sum over all
    classes, so that the probabilities of an image add up to 1."""
    return 1 / (1 + np.exp(-scores))


@misconception(of="softmax_probabilities", caught_by="probabilities_are_correct")
def probabilities_without_exponential(scores):
    """You divide scores by their sum: take the exponential of each score first, which makes
    everything positive."""
    return scores / np.sum(scores, axis=1, keepdims=True)


@misconception(of="softmax_probabilities", caught_by="probabilities_are_correct")
def probabilities_denominator_not_shifted(scores):
    """The numerator has the maximum subtracted, the denominator has not: the shift cancels only if
    both have it."""
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    return np.exp(shifted) / np.exp(scores).sum(axis=1, keepdims=True)


@misconception(
    of="softmax_probabilities", caught_by="probabilities_leave_scores_alone", symptom="mutation"
)
def scores_shifted_in_place(scores):
    """`scores -= ...` changes the caller's array: write `shifted = scores - ...`, which makes a new
    one."""
    scores -= np.max(scores, axis=1, keepdims=True)
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


# softmax_loss_naive -------------------------------------------------------------------------------


@misconception(of="softmax_loss_naive", caught_by="naive_gradient_is_correct")
def naive_gradient_not_averaged(W, X, y, reg):
    """Your gradient is a sum over the images, your loss a mean: divide dW by the number of images,
    too, before you add the regularisation."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="softmax_loss_naive", caught_by="naive_gradient_is_correct")
def naive_true_class_not_reduced(W, X, y, reg):
    """The true class is missing in your gradient: the derivative of its own score contributes -1,
    so that its factor is p - 1 instead of p."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=0.0)


@misconception(of="softmax_loss_naive", caught_by="naive_gradient_is_correct")
def naive_only_true_class(W, X, y, reg):
    """You update the column of the true class alone: every class has a probability, and the
    gradient of its column is that probability times the image."""
    P = _probabilities(X @ W)
    true = np.arange(len(y)), y
    dscores = np.zeros_like(P)
    dscores[true] = P[true] - 1
    return _loss(W, X, y, reg), X.T @ dscores / len(y) + 2 * reg * W


@misconception(of="softmax_loss_naive", caught_by="naive_gradient_is_correct")
def naive_regularisation_gradient_halved(W, X, y, reg):
    """The derivative of reg * W² is 2 * reg * W: your gradient has reg * W."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="softmax_loss_naive", caught_by="naive_gradient_is_correct")
def naive_regularisation_missing_in_gradient(W, X, y, reg):
    """The loss is regularised, the gradient is not: add the derivative of reg * sum(W * W) to
    dW."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=0.0)


@misconception(of="softmax_loss_naive", caught_by="naive_loss_is_correct")
def naive_loss_not_averaged(W, X, y, reg):
    """Your data loss is the sum over the images: divide it by their number, before you add the
    regularisation."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="softmax_loss_naive", caught_by="naive_loss_is_correct")
def naive_regularisation_halved(W, X, y, reg):
    """There is no factor ½ in the regularisation of this exercise: add reg * sum(W * W)."""
    return _loss(W, X, y, reg / 2), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="softmax_loss_naive", caught_by="naive_survives_large_scores")
def naive_without_shift(W, X, y, reg):
    """Exponentials of large scores overflow: subtract the highest score of the image from all of
    its scores before you take exponentials."""
    return _unstable(W, X, y, reg, shift=0.0)


@misconception(of="softmax_loss_naive", caught_by="naive_survives_large_scores")
def naive_logarithm_of_probability(W, X, y, reg):
    """You take the logarithm of a probability, which may be exactly 0: simplify the logarithm of
    the fraction on paper first, and compute the loss from the shifted scores."""
    X = np.asarray(X)
    highest = np.max(X @ W, axis=1, keepdims=True)
    return _unstable(W, X, y, reg, shift=highest)


# softmax_loss_vectorized --------------------------------------------------------------------------


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def gradient_not_averaged(W, X, y, reg):
    """Your gradient is N times too large in its data part: divide it by the number of images, as
    you did with the loss."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, per_image=1.0)


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def true_class_not_reduced(W, X, y, reg):
    """The true class is missing in your gradient: subtract 1 from its probability in every row
    before you multiply by X."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, true_class=0.0)


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def true_columns_reduced(W, X, y, reg):
    """`P[:, y] -= 1` takes 1 from the columns y in every row: `P[np.arange(N), y] -= 1` takes it
    from one entry a row."""
    P = _probabilities(X @ W)
    P[:, y] -= 1
    return _loss(W, X, y, reg), X.T @ P / len(y) + 2 * reg * W


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def gradient_sign_flipped(W, X, y, reg):
    """The data part of your gradient has the wrong sign: it is probability minus truth, which
    points uphill; descent subtracts it later."""
    return _loss(W, X, y, reg), 4 * reg * W - _gradient(W, X, y, reg)


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_gradient_halved(W, X, y, reg):
    """The derivative of reg * W² is 2 * reg * W: your gradient has reg * W."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_missing_in_gradient(W, X, y, reg):
    """The loss is regularised, the gradient is not: add the derivative of reg * sum(W * W) to
    dW."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=0.0)


@misconception(of="softmax_loss_vectorized", caught_by="gradient_is_correct")
def regularisation_gradient_averaged(W, X, y, reg):
    """You divide the gradient by N after adding the regularisation: only the data part is a mean,
    so divide first and add 2 * reg * W afterwards."""
    return _loss(W, X, y, reg), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="softmax_loss_vectorized", caught_by="loss_is_correct")
def regularisation_missing_in_loss(W, X, y, reg):
    """Your loss is the data loss alone: add reg * sum(W * W)."""
    return _loss(W, X, y, 0.0), _gradient(W, X, y, reg)


@misconception(of="softmax_loss_vectorized", caught_by="loss_is_correct")
def regularisation_averaged(W, X, y, reg):
    """You divide the loss by N after adding the regularisation: only the data loss is a mean, so
    divide first and add reg * sum(W * W) afterwards."""
    return _loss(W, X, y, reg / len(y)), _gradient(W, X, y, reg, reg_factor=2.0 / len(y))


@misconception(of="softmax_loss_vectorized", caught_by="loss_is_correct")
def regularisation_halved(W, X, y, reg):
    """There is no factor ½ in the regularisation of this exercise: add reg * sum(W * W), whose
    derivative is 2 * reg * W."""
    return _loss(W, X, y, reg / 2), _gradient(W, X, y, reg, reg_factor=1.0)


@misconception(of="softmax_loss_vectorized", caught_by="loss_is_correct")
def loss_not_averaged(W, X, y, reg):
    """Your data loss is the sum over the images: take the mean."""
    loss = len(y) * _loss(W, X, y, 0.0) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="softmax_loss_vectorized", caught_by="loss_is_correct")
def loss_over_all_classes(W, X, y, reg):
    """Your loss averages -log p over all classes: only the probability of the true class counts,
    `[np.arange(N), y]`."""
    loss = -np.mean(np.log(_probabilities(X @ W))) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)


@misconception(of="softmax_loss_vectorized", caught_by="large_scores_stay_finite")
def loss_without_shift(W, X, y, reg):
    """Exponentials of large scores overflow: subtract the maximum of each row before you take
    exponentials, in the loss as well."""
    return _unstable(W, X, y, reg, shift=0.0)


@misconception(of="softmax_loss_vectorized", caught_by="large_scores_stay_finite")
def loss_shifted_by_batch_maximum(W, X, y, reg):
    """You subtract one maximum from the whole batch: the exponentials of images with much lower
    scores all become 0. Every row needs its own maximum (axis=1, keepdims=True)."""
    return _unstable(W, X, y, reg, shift=np.max(X @ W))


@misconception(of="softmax_loss_vectorized", caught_by="large_scores_stay_finite")
def logarithm_of_probability(W, X, y, reg):
    """You take the logarithm of a probability, which may be exactly 0: simplify the logarithm of
    the fraction on paper first, and compute the loss from the shifted scores."""
    return _unstable(W, X, y, reg, shift=np.max(X @ W, axis=1, keepdims=True))


@misconception(of="softmax_loss_vectorized", caught_by="large_scores_stay_finite")
def tiny_number_in_logarithm(W, X, y, reg):
    """log(p + 1e-8) is finite and wrong: no loss can exceed 18.4 any more. Compute the loss from
    the shifted scores, where nothing needs to be added."""
    return _floored(W, X, y, reg, 1e-8)


@misconception(of="softmax_loss_vectorized", caught_by="large_scores_stay_finite")
def tinier_number_in_logarithm(W, X, y, reg):
    """log(p + 1e-12) is finite and wrong: no loss can exceed 27.6 any more. Compute the loss from
    the shifted scores, where nothing needs to be added."""
    return _floored(W, X, y, reg, 1e-12)


@misconception(
    of="softmax_loss_vectorized", caught_by="arguments_are_left_alone", symptom="mutation"
)
def weights_squared_in_place(W, X, y, reg):
    """Your function changes the caller's W, as `W *= W` does: compute `W * W`, which makes a new
    array."""
    dW = _gradient(W, X, y, reg)
    loss = _loss(W, X, y, 0.0)
    W *= W
    return loss + reg * np.sum(W), dW


@misconception(of="softmax_loss_vectorized", caught_by="vectorized_is_faster", symptom="time")
def loops_over_images(W, X, y, reg):
    """Your vectorised version is not much faster than your loops: there is still a Python loop over
    images or classes in it. One product X.T @ (...) sums over all images."""
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(len(y)):
        loss += _loss(W, X[i : i + 1], y[i : i + 1], 0.0)
        for k in range(W.shape[1]):
            scores = X[i] @ W
            exponentials = np.exp(scores - np.max(scores))
            dW[:, k] += (exponentials[k] / exponentials.sum() - (k == y[i])) * X[i]
    return loss / len(y) + reg * np.sum(W * W), dW / len(y) + 2 * reg * W


# train_softmax ------------------------------------------------------------------------------------


@misconception(of="train_softmax", caught_by="train_softmax_learns_clusters")
def trained_weights_stay_zero(X_train, y_train, X_val, y_val):
    """The weights you return are all zero: keep the W that svm.sgd_train returns, and return the
    best."""
    return _start(X_train, y_train)


@misconception(of="train_softmax", caught_by="train_softmax_learns_clusters")
def training_returns_the_accuracy(X_train, y_train, X_val, y_val):
    """You return a single number: return the best weights W, not the accuracy they reach."""
    return 0.4


@misconception(of="train_softmax", caught_by="train_softmax_learns_clusters")
def training_diverges(X_train, y_train, X_val, y_val):
    """Your weights are NaN: with too high a learning rate they grow without bound. Search rates of
    about 1e-6, and keep W only if its validation accuracy is higher than the best so far."""
    return np.full_like(_start(X_train, y_train), np.nan)


# Building blocks ----------------------------------------------------------------------------------


def _start(X, y):
    return np.zeros((X.shape[1], int(np.max(y)) + 1))


def _probabilities(scores):
    exponentials = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _loss(W, X, y, reg):
    """Return the right loss."""
    scores = X @ W
    scores = scores - np.max(scores, axis=1, keepdims=True)
    surprises = np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(len(y)), y]
    return np.mean(surprises) + reg * np.sum(W * W)


def _gradient(W, X, y, reg, *, true_class=1.0, per_image=None, reg_factor=2.0):
    """Return the gradient, right with the defaults."""
    dscores = _probabilities(X @ W)
    dscores[np.arange(len(y)), y] -= true_class
    per_image = 1.0 / len(y) if per_image is None else per_image
    return per_image * (X.T @ dscores) + reg_factor * reg * W


def _unstable(W, X, y, reg, *, shift):
    """Return loss and gradient by way of the logarithm of a probability."""
    exponentials = np.exp(X @ W - shift)
    P = exponentials / exponentials.sum(axis=1, keepdims=True)
    true = np.arange(len(y)), y
    loss = np.mean(-np.log(P[true])) + reg * np.sum(W * W)
    P[true] -= 1
    return loss, X.T @ P / len(y) + 2 * reg * W


def _floored(W, X, y, reg, floor):
    """Return the loss with a small number in the logarithm, and the right gradient."""
    P = _probabilities(X @ W)
    loss = np.mean(-np.log(P[np.arange(len(y)), y] + floor)) + reg * np.sum(W * W)
    return loss, _gradient(W, X, y, reg)
