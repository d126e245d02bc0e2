"""Known-wrong versions of the nearest-neighbour functions, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# compute_distances_two_loops ----------------------------------------------------------------------


@misconception(of="compute_distances_two_loops", caught_by="two_loops_are_euclidean")
def two_loops_without_root(X_train, X):
    """You return squared distances: take the square root of the sum of squares."""
    return _squared(X_train, X)


@misconception(of="compute_distances_two_loops", caught_by="two_loops_are_euclidean")
def two_loops_transposed(X_train, X):
    """Your matrix is transposed: rows belong to test images, columns to training images."""
    return np.sqrt(_squared(X, X_train))


@misconception(of="compute_distances_two_loops", caught_by="two_loops_are_euclidean")
def two_loops_root_of_each_square(X_train, X):
    """You take the root of every single square, which gives the L1 distance: sum first, one root at
    the end."""
    return _absolute(X_train, X)


@misconception(of="compute_distances_two_loops", caught_by="two_loops_are_euclidean")
def two_loops_mean_of_squares(X_train, X):
    """You take the mean of the squared differences: the Euclidean distance has their sum under the
    root."""
    return np.sqrt(_squared(X_train, X) / X.shape[1])


@misconception(of="compute_distances_two_loops", caught_by="two_loops_are_euclidean")
def two_loops_square_of_sum(X_train, X):
    """You square the sum of the differences, where positive and negative ones cancel: square each
    difference, then add."""
    return np.abs(np.sum(X, axis=1)[:, None] - np.sum(X_train, axis=1))


# compute_distances_one_loop -----------------------------------------------------------------------


@misconception(of="compute_distances_one_loop", caught_by="one_loop_is_euclidean")
def one_loop_without_root(X_train, X):
    """You return squared distances: take the square root of the sum of squares."""
    return _squared(X_train, X)


@misconception(of="compute_distances_one_loop", caught_by="one_loop_is_euclidean")
def one_loop_one_number_a_row(X_train, X):
    """Every row of your matrix repeats one number: you sum over all training images as well. Sum
    over pixels only (axis=1)."""
    totals = np.sqrt(np.sum(_squared(X_train, X), axis=1, keepdims=True))
    return np.repeat(totals, X_train.shape[0], axis=1)


@misconception(
    of="compute_distances_one_loop", caught_by="one_loop_is_euclidean", symptom="exception"
)
def one_loop_sums_over_images(X_train, X):
    """You sum over the training images (axis=0), which leaves one number per pixel: sum over pixels
    (axis=1) to get one per training image."""
    dists = np.zeros((X.shape[0], X_train.shape[0]))
    for i in range(X.shape[0]):
        dists[i] = np.sqrt(np.sum((X_train - X[i]) ** 2, axis=0))
    return dists


@misconception(of="compute_distances_one_loop", caught_by="one_loop_is_euclidean")
def one_loop_root_of_each_square(X_train, X):
    """You take the root of every single square, which gives the L1 distance: sum first, one root at
    the end."""
    return _absolute(X_train, X)


@misconception(
    of="compute_distances_one_loop", caught_by="one_loop_leaves_images_alone", symptom="mutation"
)
def one_loop_subtracts_in_place(X_train, X):
    """`X_train -= X[i]` (or `difference = X_train; difference -= ...`) changes the caller's images:
    `X_train - X[i]` makes a new array."""
    dists = np.zeros((X.shape[0], X_train.shape[0]))
    for i in range(X.shape[0]):
        X_train -= X[i]
        dists[i] = np.sqrt(np.sum(X_train**2, axis=1))
        if i + 1 < X.shape[0]:
            X_train += X[i]
    return dists


# compute_distances_no_loops -----------------------------------------------------------------------


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_euclidean")
def no_loops_without_root(X_train, X):
    """You return squared distances: take the square root, of what is not below zero."""
    return _expanded(X_train, X, cross=-2.0)


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_euclidean")
def no_loops_cross_term_once(X_train, X):
    """The cross term counts twice: (a - b)² is a² - 2ab + b²."""
    return np.sqrt(np.maximum(_expanded(X_train, X, cross=-1.0), 0))


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_euclidean")
def no_loops_cross_term_added(X_train, X):
    """The cross term has the wrong sign: (a - b)² is a² - 2ab + b²."""
    return np.sqrt(np.maximum(_expanded(X_train, X, cross=2.0), 0))


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_euclidean")
def no_loops_cross_term_forgotten(X_train, X):
    """The cross term is missing: (a - b)² is a² - 2ab + b²."""
    return np.sqrt(_expanded(X_train, X, cross=0.0))


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_euclidean")
def no_loops_norms_not_squared(X_train, X):
    """You add the norms of the images: the formula has their squares, sums of squared pixels
    without a root."""
    norms_test, norms_train = np.linalg.norm(X, axis=1), np.linalg.norm(X_train, axis=1)
    squared = norms_test[:, None] + norms_train - 2 * X @ X_train.T
    return np.sqrt(np.abs(squared))


@misconception(of="compute_distances_no_loops", caught_by="no_loops_of_equal_images")
def no_loops_root_of_negative(X_train, X):
    """For equal images rounding may leave a tiny negative number, whose root is NaN: take
    np.maximum(..., 0) before the root."""
    return np.sqrt(_expanded(X_train, X, cross=-2.0))


@misconception(
    of="compute_distances_no_loops", caught_by="no_loops_need_little_memory", symptom="memory"
)
def no_loops_all_differences(X_train, X):
    """You build the array of all differences of all pairs, which has (num_test, num_train, D)
    numbers: multiply out the square, and the cross term is a matrix product."""
    return np.sqrt(np.sum((X[:, None, :] - X_train[None, :, :]) ** 2, axis=2))


@misconception(of="compute_distances_no_loops", caught_by="no_loops_are_faster", symptom="time")
def no_loops_with_loops(X_train, X):
    """Your version without loops is not much faster than your two loops: is there still a Python
    loop (a list comprehension is one, too)? The cross terms of all pairs are a single matrix
    product."""
    return np.array([[np.sqrt(np.sum((a - b) ** 2)) for b in X_train] for a in X])


# compute_distances_l1 -----------------------------------------------------------------------------


@misconception(of="compute_distances_l1", caught_by="l1_adds_absolute_differences")
def l1_without_absolute_value(X_train, X):
    """Positive and negative differences cancel in your sum: add absolute values, np.abs."""
    return np.sum(X, axis=1)[:, None] - np.sum(X_train, axis=1)


@misconception(of="compute_distances_l1", caught_by="l1_adds_absolute_differences")
def l1_absolute_value_of_sum(X_train, X):
    """You take the absolute value of the sum, where differences have cancelled already: take it of
    each difference, then add."""
    return np.abs(np.sum(X, axis=1)[:, None] - np.sum(X_train, axis=1))


@misconception(of="compute_distances_l1", caught_by="l1_adds_absolute_differences")
def l1_is_l2(X_train, X):
    """These are Euclidean distances: L1 adds absolute differences, without squares and roots."""
    return np.sqrt(_squared(X_train, X))


@misconception(of="compute_distances_l1", caught_by="l1_adds_absolute_differences")
def l1_averages(X_train, X):
    """You take the mean of the absolute differences: the L1 distance is their sum."""
    return _absolute(X_train, X) / X.shape[1]


@misconception(of="compute_distances_l1", caught_by="l1_needs_little_memory", symptom="memory")
def l1_all_differences(X_train, X):
    """You build the array of all differences of all pairs, which has (num_test, num_train, D)
    numbers: loop over the test images, and treat one at a time."""
    return np.sum(np.abs(X[:, None, :] - X_train[None, :, :]), axis=2)


# predict_labels -----------------------------------------------------------------------------------


@misconception(of="predict_labels", caught_by="majority_decides")
def vote_of_the_nearest_alone(dists, y_train, k=1):
    """Only the very nearest image has a say: let the k nearest vote."""
    return y_train[np.argmin(dists, axis=1)]


@misconception(of="predict_labels", caught_by="nearest_image_decides")
def vote_of_the_farthest(dists, y_train, k=1):
    """You take the images with the largest distances: nearest means smallest distance."""
    return _vote(np.argsort(-dists, axis=1)[:, :k], y_train)


@misconception(of="predict_labels", caught_by="nearest_image_decides")
def positions_for_labels(dists, y_train, k=1):
    """You return positions of training images: look their labels up in y_train."""
    return np.argmin(dists, axis=1)


@misconception(of="predict_labels", caught_by="nearest_image_decides")
def nearest_left_out(dists, y_train, k=1):
    """You leave out the nearest image, as if it were the query itself: the k nearest start at
    position 0 of argsort."""
    return _vote(np.argsort(dists, axis=1)[:, 1 : k + 1], y_train)


@misconception(of="predict_labels", caught_by="majority_decides")
def vote_of_the_first_images(dists, y_train, k=1):
    """The first k training images vote, whatever the query: sort by distance first (argsort along
    axis=1)."""
    first = np.tile(np.arange(k), (dists.shape[0], 1))
    return _vote(first, y_train)


@misconception(of="predict_labels", caught_by="majority_decides")
def mean_of_labels(dists, y_train, k=1):
    """You average the labels of the neighbours, but labels are names: count how often each occurs
    and take the most frequent."""
    return np.rint(np.mean(y_train[np.argsort(dists, axis=1)[:, :k]], axis=1)).astype(int)


@misconception(of="predict_labels", caught_by="majority_decides")
def median_of_labels(dists, y_train, k=1):
    """You take the median of the labels, but labels are names: count how often each occurs and take
    the most frequent."""
    return np.median(y_train[np.argsort(dists, axis=1)[:, :k]], axis=1).astype(int)


@misconception(of="predict_labels", caught_by="ties_go_to_the_smaller_label")
def ties_to_the_larger_label(dists, y_train, k=1):
    """Of equally frequent labels you take the largest: take the smallest, as np.argmax of
    np.bincount does."""
    near = y_train[np.argsort(dists, axis=1)[:, :k]]
    return np.array([max(set(v), key=lambda c: (np.sum(v == c), c)) for v in near.astype(int)])


@misconception(of="predict_labels", caught_by="ties_go_to_the_smaller_label")
def ties_to_the_nearest_label(dists, y_train, k=1):
    """Of equally frequent labels you take the one that comes first by distance: the text asks for
    the smallest, as np.argmax of np.bincount gives it."""
    near = y_train[np.argsort(dists, axis=1)[:, :k]].tolist()
    return np.array([max(v, key=v.count) for v in near])


@misconception(
    of="predict_labels",
    caught_by="predict_labels_leaves_distances_alone",
    symptom="mutation",
)
def distances_crossed_out(dists, y_train, k=1):
    """You write into dists (to cross out neighbours that were found, perhaps): it belongs to the
    caller. np.argsort gives all neighbours without a change."""
    near = np.zeros((dists.shape[0], k), dtype=int)
    for n in range(k):
        near[:, n] = np.argmin(dists, axis=1)
        dists[np.arange(dists.shape[0]), near[:, n]] = np.inf
    return _vote(near, y_train)


# cross_validate_k ---------------------------------------------------------------------------------


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def judged_on_training_folds(X, y, k_choices, num_folds=5):
    """You measure on the images that the classifier knows: predict the fold that is held out."""
    return _cross_validate(X, y, k_choices, num_folds, lambda held, others: (others, others))


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def held_out_fold_known(X, y, k_choices, num_folds=5):
    """Your classifier knows the fold that it is judged on: leave the held-out fold out of its
    training images."""
    return _cross_validate(
        X, y, k_choices, num_folds, lambda held, others: (np.arange(len(X)), held)
    )


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def folds_swapped(X, y, k_choices, num_folds=5):
    """You train on one fold and judge on all the others: it is the other way round."""
    return _cross_validate(X, y, k_choices, num_folds, lambda held, others: (held, others))


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def only_next_fold_known(X, y, k_choices, num_folds=5):
    """Your classifier knows only one of the other folds: put all of them together
    (np.concatenate)."""
    folds = np.array_split(np.arange(len(X)), num_folds)

    def split(held, others):
        place = next(i for i, fold in enumerate(folds) if fold[0] == held[0])
        return folds[(place + 1) % num_folds], held

    return _cross_validate(X, y, k_choices, num_folds, split)


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def k_not_passed_on(X, y, k_choices, num_folds=5):
    """All values of k give the same accuracies, those of k = 1: pass k on to predict_labels."""
    ones = _cross_validate(X, y, [1], num_folds, lambda held, others: (others, held))[1]
    return {k: list(ones) for k in k_choices}


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def right_answers_counted(X, y, k_choices, num_folds=5):
    """You return numbers of right answers: an accuracy is their share, between 0 and 1
    (np.mean)."""
    right = _cross_validate(X, y, k_choices, num_folds, lambda held, others: (others, held))
    sizes = [len(fold) for fold in np.array_split(np.arange(len(X)), num_folds)]
    return {k: [round(a * n) for a, n in zip(v, sizes, strict=True)] for k, v in right.items()}


@misconception(of="cross_validate_k", caught_by="folds_are_held_out_in_turn")
def mean_over_folds(X, y, k_choices, num_folds=5):
    """You return one mean for each k: return the list with the accuracy on each fold."""
    right = _cross_validate(X, y, k_choices, num_folds, lambda held, others: (others, held))
    return {k: float(np.mean(v)) for k, v in right.items()}


@misconception(of="cross_validate_k", caught_by="nearest_neighbours_recognise_images")
def accuracies_not_returned(X, y, k_choices, num_folds=5):
    """Your function returns nothing: return the dictionary."""
    return None


@misconception(of="cross_validate_k", caught_by="folds_may_be_uneven")
def remainder_left_out(X, y, k_choices, num_folds=5):
    """The last images belong to no fold: len(X) // num_folds rounds down. np.array_split makes the
    first folds larger by one."""
    size = len(X) // num_folds * num_folds
    return _cross_validate(
        X[:size], y[:size], k_choices, num_folds, lambda held, others: (others, held)
    )


# Building blocks ----------------------------------------------------------------------------------


def _squared(X_train, X):
    return np.array([np.sum((X_train - image) ** 2, axis=1) for image in X])


def _absolute(X_train, X):
    return np.array([np.sum(np.abs(X_train - image), axis=1) for image in X])


def _expanded(X_train, X, *, cross):
    """Return squared distances by the expanded square, with any factor of the cross term."""
    squares_test, squares_train = np.sum(X**2, axis=1), np.sum(X_train**2, axis=1)
    return squares_test[:, None] + squares_train + cross * X @ X_train.T


def _vote(near, y_train):
    return np.array([np.argmax(np.bincount(votes)) for votes in np.asarray(y_train)[near]])


def _cross_validate(X, y, k_choices, num_folds, split):
    """Cross-validate; ``split(held, others)`` says which images are known and which are judged."""
    result = {k: [] for k in k_choices}
    for held in np.array_split(np.arange(len(X)), num_folds):
        known, judged = split(held, np.setdiff1d(np.arange(len(X)), held))
        order = np.argsort(_expanded(X[known], X[judged], cross=-2.0), axis=1)
        for k in k_choices:
            y_pred = _vote(order[:, :k], y[known])
            result[k].append(float(np.mean(y_pred == y[judged])))
    return result
