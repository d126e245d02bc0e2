"""Known-wrong versions of the functions of transfer learning, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# few_per_class ------------------------------------------------------------------------------------


@misconception(of="few_per_class", caught_by="draws_are_balanced")
def drawn_from_all(y, per_class, rng):
    """You draw from all images at once, so that frequent classes get more: draw from the positions
    of each class by itself."""
    return rng.choice(len(y), per_class * len(np.unique(y)), replace=False)


@misconception(of="few_per_class", caught_by="draws_are_balanced")
def drawn_with_replacement(y, per_class, rng):
    """An image may come twice in your draw: `rng.choice(..., replace=False)`."""
    return np.concatenate([rng.choice(np.flatnonzero(y == c), per_class) for c in np.unique(y)])


@misconception(of="few_per_class", caught_by="draws_are_balanced")
def labels_taken_for_a_range(y, per_class, rng):
    """You expect the labels 0, 1, …, C - 1: the classes are the values that occur,
    `np.unique(y)`."""
    parts = [np.flatnonzero(y == c)[:per_class] for c in range(len(np.unique(y)))]
    return np.concatenate(parts)


@misconception(of="few_per_class", caught_by="draws_are_balanced")
def positions_within_the_class(y, per_class, rng):
    """Your positions count within each class: `np.flatnonzero(y == label)` turns them into
    positions in y."""
    return np.concatenate(
        [rng.choice(np.sum(y == c), per_class, replace=False) for c in np.unique(y)]
    )


@misconception(of="few_per_class", caught_by="draws_are_balanced")
def mask_instead_of_positions(y, per_class, rng):
    """You return a mask of length N: return the positions, `np.flatnonzero(mask)`."""
    mask = np.zeros(len(y), dtype=bool)
    for c in np.unique(y):
        mask[rng.choice(np.flatnonzero(y == c), per_class, replace=False)] = True
    return mask


@misconception(of="few_per_class", caught_by="draws_are_random")
def always_the_first(y, per_class, rng):
    """You take the first images of each class, the same in every draw: let rng choose."""
    return np.concatenate([np.flatnonzero(y == c)[:per_class] for c in np.unique(y)])


@misconception(of="few_per_class", caught_by="draws_are_random")
def own_generator(y, per_class, rng):
    """Your draws are the same whatever rng is: use the generator that you are given, and make none
    of your own."""
    rng = np.random.default_rng(0)
    parts = [rng.choice(np.flatnonzero(y == c), per_class, replace=False) for c in np.unique(y)]
    return np.concatenate(parts)


# extract_features ---------------------------------------------------------------------------------


@misconception(of="extract_features", caught_by="features_of_all_batches")
def rest_forgotten(forward, images, batch_size=64):
    """The images after the last full batch are missing: N need not be a multiple of batch_size."""
    last = len(images) - len(images) % batch_size
    starts = range(0, last, batch_size) if last else [0]
    parts = [_rows(forward(images[i : i + batch_size])) for i in starts]
    return np.concatenate(parts)


@misconception(of="extract_features", caught_by="features_of_all_batches")
def features_not_flattened(forward, images, batch_size=64):
    """You return features with more than two axes: make each image's features one row."""
    parts = [forward(images[i : i + batch_size]) for i in range(0, len(images), batch_size)]
    return np.concatenate(parts)


@misconception(of="extract_features", caught_by="features_of_all_batches")
def features_averaged(forward, images, batch_size=64):
    """You average over the pixels: all numbers of an image belong in its row, in the order in which
    `reshape` takes them."""
    parts = [forward(images[i : i + batch_size]) for i in range(0, len(images), batch_size)]
    F = np.concatenate(parts)
    return F.reshape(*F.shape[:2], -1).mean(axis=2)


@misconception(of="extract_features", caught_by="features_of_all_batches")
def last_batch_only(forward, images, batch_size=64):
    """You return the features of one batch: collect all batches and concatenate them."""
    for i in range(0, len(images), batch_size):
        F = _rows(forward(images[i : i + batch_size]))
    return F


@misconception(of="extract_features", caught_by="features_of_all_batches")
def last_batch_reaches_back(forward, images, batch_size=64):
    """Your last batch is filled up with images that were there before, and their features come
    twice: let it be smaller."""
    parts = []
    for i in range(0, len(images), batch_size):
        parts.append(
            _rows(forward(images[max(0, min(i, len(images) - batch_size)) :][:batch_size]))
        )
    return np.concatenate(parts)


@misconception(of="extract_features", caught_by="batches_are_small_enough", symptom="memory")
def all_at_once(forward, images, batch_size=64):
    """You give the network more images at once than batch_size, and the activations of thousands
    fill the memory: go through them in slices."""
    return _rows(forward(images))


@misconception(of="extract_features", caught_by="features_of_one_image", symptom="exception")
def full_batches_only(forward, images, batch_size=64):
    """You make len(images) // batch_size batches, which are none at all if there are fewer images
    than a batch holds: let the last batch be smaller."""
    number = len(images) // batch_size
    parts = [_rows(forward(images[i * batch_size : (i + 1) * batch_size])) for i in range(number)]
    return np.concatenate(parts)


# head_loss ----------------------------------------------------------------------------------------


@misconception(of="head_loss", caught_by="head_loss_is_correct")
def regularisation_not_halved(W, b, F, y, reg):
    """There is a factor ½ in the regularisation here: 0.5 * reg * sum(W * W)."""
    return _head(W, b, F, y, reg, half=1.0)


@misconception(of="head_loss", caught_by="head_loss_is_correct")
def bias_regularised(W, b, F, y, reg):
    """You regularise the bias, too: only W is penalised."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss + 0.5 * reg * np.sum(b * b), dW, db + reg * b, dF


@misconception(of="head_loss", caught_by="head_loss_is_correct")
def loss_not_regularised(W, b, F, y, reg):
    """Your loss is the data loss alone: add 0.5 * reg * sum(W * W)."""
    return _head(W, b, F, y, reg, half=0.0)


@misconception(of="head_loss", caught_by="head_loss_is_correct")
def loss_summed(W, b, F, y, reg):
    """Your data loss is a sum over the images: take their mean."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss + (len(y) - 1) * _head(W, b, F, y, 0.0)[0], dW, db, dF


@misconception(of="head_loss", caught_by="head_loss_is_correct")
def bias_left_out(W, b, F, y, reg):
    """Your scores lack the bias: F @ W + b."""
    return _head(W, 0 * b, F, y, reg)


@misconception(of="head_loss", caught_by="gradients_of_the_head")
def weights_not_regularised_in_gradient(W, b, F, y, reg):
    """The penalty is missing in dW: add reg * W."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW - reg * W, db, dF


@misconception(of="head_loss", caught_by="gradients_of_the_head")
def regularisation_gradient_doubled(W, b, F, y, reg):
    """The derivative of 0.5 * reg * W² is reg * W: you have twice as much."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW + reg * W, db, dF


@misconception(of="head_loss", caught_by="gradients_of_the_head")
def gradients_not_averaged(W, b, F, y, reg):
    """Your gradients are N times too large: the loss is a mean, so divide dscores by N."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, len(y) * (dW - reg * W) + reg * W, len(y) * db, len(y) * dF


@misconception(of="head_loss", caught_by="gradients_of_the_head")
def true_class_not_reduced(W, b, F, y, reg):
    """The derivative with respect to the true class' score is p - 1, not p."""
    return _head(W, b, F, y, reg, true_class=0.0)


@misconception(of="head_loss", caught_by="gradients_of_the_head")
def bias_gradient_averaged_again(W, b, F, y, reg):
    """Db is too small: dscores is divided by N already, so sum over the images, don't average."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW, db / len(y), dF


@misconception(of="head_loss", caught_by="gradient_of_the_features")
def features_gradient_not_averaged(W, b, F, y, reg):
    """DF is N times too large: it comes from the same dscores as dW, divided by N."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW, db, len(y) * dF


@misconception(of="head_loss", caught_by="gradient_of_the_features")
def features_gradient_regularised(W, b, F, y, reg):
    """The penalty depends on W alone: it has no share in dF."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW, db, dF + reg * F


@misconception(of="head_loss", caught_by="gradient_of_the_features")
def features_gradient_of_true_class(W, b, F, y, reg):
    """You take only the true class' column of W into dF: all classes pull at the features, dscores
    @ W.T."""
    loss, dW, db, _ = _head(W, b, F, y, reg)
    d = _dscores(W, b, F, y)[np.arange(len(y)), y]
    return loss, dW, db, d[:, None] * W[:, y].T


@misconception(of="head_loss", caught_by="gradient_of_the_features")
def features_gradient_zero(W, b, F, y, reg):
    """DF is zero, so that the trunk learns nothing: the features do act on the scores, dscores @
    W.T."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW, db, 0 * dF


@misconception(of="head_loss", caught_by="gradient_of_the_features")
def features_gradient_flipped(W, b, F, y, reg):
    """DF has the wrong sign: return the gradient, which points uphill; descent subtracts it
    later."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    return loss, dW, db, -dF


@misconception(of="head_loss", caught_by="head_of_one_image")
def gradients_divided_by_one_less(W, b, F, y, reg):
    """You divide the gradients by N - 1, with a single image by zero: the loss is a mean over N
    images."""
    loss, dW, db, dF = _head(W, b, F, y, reg)
    with np.errstate(all="ignore"):
        factor = np.float64(len(y)) / (len(y) - 1)
    return loss, (dW - reg * W) * factor + reg * W, db * factor, dF * factor


@misconception(of="head_loss", caught_by="head_survives_large_scores")
def scores_not_shifted(W, b, F, y, reg):
    """Exponentials of large scores overflow: subtract the maximum of each row first."""
    return _unstable(W, b, F, y, reg, 0.0)


@misconception(of="head_loss", caught_by="head_survives_large_scores")
def scores_shifted_by_batch_maximum(W, b, F, y, reg):
    """You subtract one maximum from the whole batch, and all exponentials of other images become 0:
    every row needs its own."""
    return _unstable(W, b, F, y, reg, np.max(F @ W + b))


@misconception(of="head_loss", caught_by="head_survives_large_scores")
def logarithm_of_a_probability(W, b, F, y, reg):
    """You take the logarithm of a probability, which may be exactly 0: compute the loss from
    shifted scores, log(sum(exp(s))) - s_y."""
    return _unstable(W, b, F, y, reg, np.max(F @ W + b, axis=1, keepdims=True))


@misconception(of="head_loss", caught_by="head_leaves_arguments_alone", symptom="mutation")
def bias_added_into_the_weights(W, b, F, y, reg):
    """You change the caller's arrays, as `W *= ...` or `F -= ...` do: make new ones."""
    result = _head(W, b, F, y, reg)
    W *= reg
    return result


# fit_standardizer, fold_standardizer --------------------------------------------------------------


@misconception(of="fit_standardizer", caught_by="statistics_are_correct")
def one_scale_for_all(F, eps=1e-5):
    """You have one mean and one deviation for all features: every column needs its own (axis=0)."""
    D = F.shape[1]
    return np.full(D, F.mean()), np.full(D, F.std() + eps)


@misconception(of="fit_standardizer", caught_by="statistics_are_correct")
def statistics_of_images(F, eps=1e-5):
    """Your statistics are those of each image: take them over the images, axis=0."""
    return F.mean(axis=1), F.std(axis=1) + eps


@misconception(of="fit_standardizer", caught_by="statistics_are_correct")
def variance_for_deviation(F, eps=1e-5):
    """You return the variance: the scale is its square root plus eps."""
    return F.mean(axis=0), F.var(axis=0) + eps


@misconception(of="fit_standardizer", caught_by="statistics_are_correct")
def eps_inside_the_root(F, eps=1e-5):
    """You add eps inside the root, as batch normalisation does: here it is std + eps."""
    return F.mean(axis=0), np.sqrt(F.var(axis=0) + eps)


@misconception(of="fit_standardizer", caught_by="statistics_are_correct")
def sample_deviation(F, eps=1e-5):
    """You divide the squares by N - 1: here the deviation is the root of their mean, np.std as it
    is."""
    N = len(F)
    return F.mean(axis=0), F.std(axis=0) * np.sqrt(N / max(N - 1, 1)) + eps


@misconception(of="fit_standardizer", caught_by="constant_features_have_a_scale")
def eps_forgotten(F, eps=1e-5):
    """A feature that never changes has the scale 0, by which you will divide: add eps."""
    return F.mean(axis=0), F.std(axis=0)


@misconception(of="fit_standardizer", caught_by="constant_features_have_a_scale")
def constant_features_get_one(F, eps=1e-5):
    """You give constant features the scale 1: the text asks for std + eps, whatever std is."""
    std = F.std(axis=0)
    return F.mean(axis=0), np.where(std > 0, std + eps, 1.0)


@misconception(of="fold_standardizer", caught_by="weights_are_folded")
def weights_multiplied(W, b, mean, scale):
    """You multiply by the scale: z is f divided by it, so the weight of f is W divided by it."""
    W = W * scale[:, None]
    return W, b - mean @ W


@misconception(of="fold_standardizer", caught_by="weights_are_folded")
def weights_not_scaled(W, b, mean, scale):
    """You fold the mean only: row d of W has to be divided by scale[d]."""
    return W + 0, b - mean @ W


@misconception(of="fold_standardizer", caught_by="biases_are_folded")
def mean_not_scaled(W, b, mean, scale):
    """The mean must go through the *new* weights: b - (mean / scale) @ W."""
    return W / scale[:, None], b - mean @ W


@misconception(of="fold_standardizer", caught_by="biases_are_folded")
def bias_forgotten_in_folding(W, b, mean, scale):
    """You leave b as it is: (f - mean) / scale also has a constant part, which belongs into b."""
    return W / scale[:, None], b + 0


@misconception(of="fold_standardizer", caught_by="biases_are_folded")
def mean_added(W, b, mean, scale):
    """The sign of the mean is wrong: it is subtracted from f, so its share is subtracted from b."""
    W = W / scale[:, None]
    return W, b + mean @ W


@misconception(
    of="fold_standardizer", caught_by="folding_changes_nothing_of_the_callers", symptom="mutation"
)
def folded_in_place(W, b, mean, scale):
    """`W /= ...` changes the caller's head: write `W = W / ...`, which makes a new array."""
    W /= scale[:, None]
    b -= mean @ W
    return W, b


# linear_probe -------------------------------------------------------------------------------------


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_without_momentum(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """Your probe has no momentum: keep a velocity, v = momentum * v - learning_rate * dW."""
    return _probe(F, y, num_classes, reg, learning_rate, num_steps, 0.0)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_averages_gradients(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """Your velocity is an average, m * v - (1 - m) * rate * dW: here the gradient comes with the
    full rate."""
    return _probe(F, y, num_classes, reg, learning_rate * (1 - momentum), num_steps, momentum)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_not_folded(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """You return the head for standardised features: fold mean and scale into it."""
    return _probe(F, y, num_classes, reg, learning_rate, num_steps, momentum, fold=False)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_ignores_reg(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """Reg does not reach your loss: pass it on to head_loss."""
    return _probe(F, y, num_classes, 0.0, learning_rate, num_steps, momentum)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_bias_fixed(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """Your bias does not learn: it is updated like W, with db."""
    return _probe(F, y, num_classes, reg, learning_rate, num_steps, momentum, bias=0.0)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_one_step_more(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """You take one step too many: num_steps updates from a head of zeros."""
    return _probe(F, y, num_classes, reg, learning_rate, num_steps + 1, momentum)


@misconception(of="linear_probe", caught_by="probe_takes_the_right_steps")
def probe_climbs(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """Your probe climbs: descent subtracts the gradient."""
    return _probe(F, y, num_classes, reg, -learning_rate, num_steps, momentum)


@misconception(of="linear_probe", caught_by="probe_separates_features_of_all_scales")
def probe_on_raw_features(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """You train on raw features, whose scales differ: standardise them with fit_standardizer."""
    same = np.zeros(F.shape[1]), np.ones(F.shape[1])
    return _probe(F, y, num_classes, reg, learning_rate, num_steps, momentum, statistics=same)


@misconception(of="linear_probe", caught_by="probe_separates_features_of_all_scales")
def probe_only_centred(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """You subtract the mean but do not divide by the scale: tiny features stay unheard."""
    centred = F.mean(axis=0), np.ones(F.shape[1])
    return _probe(F, y, num_classes, reg, learning_rate, num_steps, momentum, statistics=centred)


@misconception(of="linear_probe", caught_by="probe_with_defaults")
def probe_counts_classes(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """You count the classes in y, where one may be missing: there are num_classes of them."""
    return _probe(F, y, int(np.max(y)) + 1, reg, learning_rate, num_steps, momentum)


@misconception(of="linear_probe", caught_by="probe_leaves_features_alone", symptom="mutation")
def features_standardised_in_place(
    F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9
):
    """You standardise the caller's features in place (`F -= mean`): make a new array, `Z = …`."""
    result = _probe(F, y, num_classes, reg, learning_rate, num_steps, momentum)
    F -= F.mean(axis=0)
    return result


# parameter_groups ---------------------------------------------------------------------------------


@misconception(of="parameter_groups", caught_by="similar_names_are_different_layers")
def layers_by_beginning(names, stages):
    """You go by how a name begins, and block1 catches block1_conv, too: compare the whole layer
    name, what is before the last dot."""
    return [[n for n in names if any(n.startswith(s) for s in stage)] for stage in stages]


@misconception(of="parameter_groups", caught_by="similar_names_are_different_layers")
def layers_by_containing(names, stages):
    """You look for a layer's name anywhere in the parameter's: compare the whole layer name, what
    is before the last dot."""
    return [[n for n in names if any(s in n for s in stage)] for stage in stages]


@misconception(of="parameter_groups", caught_by="names_with_dots_and_strangers")
def layers_before_the_first_dot(names, stages):
    """You cut at the first dot: a layer's name may have dots itself, so cut at the last."""
    return [[n for n in names if n.split(".")[0] in stage] for stage in stages]


@misconception(of="parameter_groups", caught_by="names_with_dots_and_strangers")
def strangers_go_to_the_head(names, stages):
    """You put parameters of no stage into the last group: an old classifier that is in no stage
    belongs in no group."""
    groups = _groups(names, stages)
    known = {n for group in groups for n in group}
    groups[-1] = groups[-1] + [n for n in names if n not in known]
    return groups


@misconception(of="parameter_groups", caught_by="groups_are_correct")
def weights_only(names, stages):
    """Your groups have one parameter of each layer only: a layer has a weight, a bias and perhaps
    more."""
    groups = _groups(names, stages)
    return [[n for n in group if n.endswith(("weight", ".w"))] for group in groups]


@misconception(of="parameter_groups", caught_by="groups_are_correct")
def groups_from_the_head(names, stages):
    """Your groups are in the reverse order: the input's stage comes first."""
    return _groups(names, stages)[::-1]


@misconception(of="parameter_groups", caught_by="groups_are_correct")
def groups_of_layers(names, stages):
    """Your groups hold names of layers: they should hold names of parameters, with their ending."""
    return [
        [n.rpartition(".")[0] for n in names if n.rpartition(".")[0] in stage] for stage in stages
    ]


@misconception(of="parameter_groups", caught_by="groups_are_correct")
def one_group_per_layer(names, stages):
    """You make a group of every layer: the layers of a stage share one."""
    return [[n for n in names if n.rpartition(".")[0] == s] for stage in stages for s in stage]


# learning_rates -----------------------------------------------------------------------------------


@misconception(of="learning_rates", caught_by="rates_decay_from_the_head")
def rates_decay_towards_the_head(groups, base_rate, decay, num_frozen=0):
    """Your rates fall towards the head: the head has the full rate, the lowest layers the least."""
    return _rates(groups, base_rate, num_frozen, lambda depth: decay ** (len(groups) - 1 - depth))


@misconception(of="learning_rates", caught_by="probe_and_flat_rates")
def head_decays_too(groups, base_rate, decay, num_frozen=0):
    """Already the head's rate is reduced: it has the depth 0, and decay ** 0 is 1."""
    return _rates(groups, base_rate, num_frozen, lambda depth: decay ** (depth + 1))


@misconception(of="learning_rates", caught_by="rates_decay_from_the_head")
def rates_decay_linearly(groups, base_rate, decay, num_frozen=0):
    """Your rates do not fall by a factor per group: it is base_rate * decay ** depth, not a
    division or a product with the depth."""
    return _rates(groups, base_rate, num_frozen, lambda depth: decay * depth if depth else 1.0)


@misconception(of="learning_rates", caught_by="rates_decay_from_the_head")
def rates_per_parameter(groups, base_rate, decay, num_frozen=0):
    """You reduce the rate from parameter to parameter: all parameters of a group share one rate."""
    names = [n for group in reversed(groups) for n in reversed(group)]
    frozen = {n for group in groups[:num_frozen] for n in group}
    return {n: 0.0 if n in frozen else base_rate * decay**i for i, n in enumerate(names)}


@misconception(of="learning_rates", caught_by="rates_decay_from_the_head")
def two_rates_only(groups, base_rate, decay, num_frozen=0):
    """You know two rates only, one for the head and one for the rest: every further group below is
    slower by the same factor again."""
    return _rates(groups, base_rate, num_frozen, lambda depth: decay if depth else 1.0)


@misconception(of="learning_rates", caught_by="frozen_groups_have_rate_zero")
def frozen_from_the_head(groups, base_rate, decay, num_frozen=0):
    """You freeze groups from the head downwards: the lowest num_frozen groups are frozen."""
    rates = _rates(groups, base_rate, 0, lambda depth: decay**depth)
    rates.update({n: 0.0 for group in groups[len(groups) - num_frozen :] for n in group})
    return rates


@misconception(of="learning_rates", caught_by="frozen_groups_have_rate_zero")
def frozen_have_no_rate(groups, base_rate, decay, num_frozen=0):
    """Frozen parameters are missing in your dictionary: give them the rate 0."""
    rates = _rates(groups, base_rate, num_frozen, lambda depth: decay**depth)
    return {n: rate for n, rate in rates.items() if rate > 0}


@misconception(of="learning_rates", caught_by="frozen_groups_have_rate_zero")
def one_more_frozen(groups, base_rate, decay, num_frozen=0):
    """You freeze one group too many: groups 0 to num_frozen - 1 are frozen."""
    more = num_frozen + 1 if num_frozen else 0
    return _rates(groups, base_rate, more, lambda depth: decay**depth)


# transfer_loss ------------------------------------------------------------------------------------


@misconception(of="transfer_loss", caught_by="loss_of_trunk_and_head")
def head_not_regularised(forward, backward, params, X, y, reg, wanted):
    """Reg does not reach the head: pass it on to head_loss."""
    return _transfer(forward, backward, params, X, y, 0.0, wanted)


@misconception(of="transfer_loss", caught_by="loss_of_trunk_and_head")
def trunk_regularised(forward, backward, params, X, y, reg, wanted):
    """You regularise the trunk, too: that would pull pretrained weights towards zero. Only the head
    is regularised."""
    loss, grads = _transfer(forward, backward, params, X, y, reg, wanted)
    trunk = [n for n in params if not n.startswith("head.")]
    loss += sum(0.5 * reg * np.sum(params[n] ** 2) for n in trunk)
    return loss, {n: g + (reg * params[n] if n in trunk else 0) for n, g in grads.items()}


@misconception(of="transfer_loss", caught_by="gradients_reach_the_trunk")
def trunk_gets_descent(forward, backward, params, X, y, reg, wanted):
    """The gradients of the trunk have the wrong sign: give dF to backward as head_loss returns
    it."""
    return _transfer(forward, lambda dF, n: backward(-dF, n), params, X, y, reg, wanted)


@misconception(of="transfer_loss", caught_by="gradients_reach_the_trunk")
def trunk_averaged_again(forward, backward, params, X, y, reg, wanted):
    """The trunk's gradients are N times too small: dF is that of the mean already."""
    return _transfer(forward, lambda dF, n: backward(dF / len(y), n), params, X, y, reg, wanted)


@misconception(of="transfer_loss", caught_by="gradients_reach_the_trunk")
def features_given_back(forward, backward, params, X, y, reg, wanted):
    """You give backward the features: it takes their gradient, dF."""
    F = forward(params, X)
    return _transfer(forward, lambda dF, n: backward(F, n), params, X, y, reg, wanted)


@misconception(of="transfer_loss", caught_by="gradients_reach_the_trunk")
def head_gradients_missing(forward, backward, params, X, y, reg, wanted):
    """The head's gradients are missing: backward knows the trunk only, those of the head come from
    head_loss."""
    loss, grads = _transfer(forward, backward, params, X, y, reg, wanted)
    return loss, {n: g for n, g in grads.items() if not n.startswith("head.")}


@misconception(of="transfer_loss", caught_by="only_wanted_gradients")
def all_gradients(forward, backward, params, X, y, reg, wanted):
    """You return gradients that nobody asked for: only those of the names in wanted."""
    return _transfer(forward, backward, params, X, y, reg, list(params))


@misconception(of="transfer_loss", caught_by="only_wanted_gradients")
def head_gradients_always(forward, backward, params, X, y, reg, wanted):
    """The head's gradients are returned whether they are wanted or not: it may be frozen as
    well."""
    head = ["head.weight", "head.bias"]
    more = [*wanted, *(n for n in head if n not in wanted)]
    return _transfer(forward, backward, params, X, y, reg, more)


@misconception(of="transfer_loss", caught_by="frozen_trunk_costs_nothing", symptom="time")
def backward_for_nothing(forward, backward, params, X, y, reg, wanted):
    """You call backward although no parameter of the trunk is wanted, and throw away what you
    waited for: call it only if some are."""
    loss, grads = _transfer(forward, backward, params, X, y, reg, wanted)
    backward(np.zeros((len(y), len(params["head.weight"]))), [])
    return loss, grads


# fine_tune ----------------------------------------------------------------------------------------


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def one_rate_for_all(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """All your parameters learn at one rate: use rates[name]."""
    largest = max(rates.values())
    same = {n: largest if rate > 0 else 0.0 for n, rate in rates.items()}
    return _tune(loss_fn, params, X, y, same, num_epochs, batch_size, rng, momentum)


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def tuned_without_momentum(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """There is no momentum in your steps: keep a velocity for every parameter."""
    return _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, 0.0)


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def velocity_reset_each_epoch(
    loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9
):
    """Your velocities start again at zero in each epoch: make them once, before the loop."""
    return _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum, reset=True)


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def tuning_climbs(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """Your steps go uphill: the velocity is momentum * v *minus* rate times gradient."""
    up = {n: -rate for n, rate in rates.items()}
    return _tune(loss_fn, params, X, y, up, num_epochs, batch_size, rng, momentum)


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def velocity_without_rate(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """Your velocity forgets part of the gradient, m * v - (1 - m) * rate * g: here the gradient
    comes with the full rate."""
    slow = {n: (1 - momentum) * rate for n, rate in rates.items()}
    return _tune(loss_fn, params, X, y, slow, num_epochs, batch_size, rng, momentum)


@misconception(of="fine_tune", caught_by="every_parameter_has_its_rate")
def start_returned(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """You return the parameters that you were given: return those after training."""
    _, losses = _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum)
    return dict(params), losses


@misconception(of="fine_tune", caught_by="frozen_parameters_stay", symptom="time")
def frozen_gradients_computed(
    loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9
):
    """You ask for gradients of frozen parameters and multiply them by 0: that is most of the work
    of a step, for nothing. Leave them out of wanted."""
    everything = {n: max(rate, 1e-300) for n, rate in rates.items()}
    return _tune(loss_fn, params, X, y, everything, num_epochs, batch_size, rng, momentum)


@misconception(of="fine_tune", caught_by="frozen_parameters_stay")
def frozen_left_out(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """Frozen parameters are missing in your result: the network needs them, as they were."""
    tuned, losses = _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum)
    return {n: value for n, value in tuned.items() if rates[n] > 0}, losses


@misconception(of="fine_tune", caught_by="every_epoch_sees_every_image")
def last_images_dropped(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """The images after the last full batch are dropped: with few images that is a good part of
    them. Let the last batch be smaller."""
    return _tune(
        loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum, drop_last=True
    )


@misconception(of="fine_tune", caught_by="every_epoch_sees_every_image")
def batches_drawn_at_random(
    loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9
):
    """You draw every batch anew, so that some images come twice in an epoch and others not at all:
    take slices of a permutation."""
    return _tune(
        loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum, order="choice"
    )


@misconception(of="fine_tune", caught_by="epochs_are_shuffled")
def never_shuffled(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """Your images come in their own order, sorted by class perhaps: permute them in every epoch."""
    return _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum, order="none")


@misconception(of="fine_tune", caught_by="epochs_are_shuffled")
def shuffled_once(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """All epochs have the same order: draw the permutation inside the loop over epochs."""
    return _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum, order="once")


@misconception(of="fine_tune", caught_by="losses_are_noted")
def loss_per_epoch(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """You note one loss per epoch: one per batch is asked for."""
    tuned, losses = _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum)
    return tuned, losses[len(losses) // num_epochs - 1 :: len(losses) // num_epochs]


@misconception(of="fine_tune", caught_by="losses_are_noted")
def last_loss_only(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """You return the last loss alone: collect the loss of every batch in a list."""
    tuned, losses = _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum)
    return tuned, losses[-1]


@misconception(of="fine_tune", caught_by="pretrained_weights_survive", symptom="mutation")
def pretrained_weights_overwritten(
    loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9
):
    """You train the caller's own arrays (`params[name] += v` changes them even in a copied
    dictionary), and the pretrained weights are gone: make new arrays."""
    tuned, losses = _tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum)
    for name, value in params.items():
        value[...] = tuned[name]
    return params, losses


# cheapest_good_enough -----------------------------------------------------------------------------


@misconception(of="cheapest_good_enough", caught_by="within_a_standard_error")
def always_the_best(accuracies):
    """You name the recipe with the highest mean: one that is cheaper and within a standard error of
    it is good enough."""
    return max(accuracies, key=lambda name: np.mean(accuracies[name]))


@misconception(of="cheapest_good_enough", caught_by="within_a_standard_error")
def always_the_cheapest(accuracies):
    """You always name the first recipe: it must be within a standard error of the best mean."""
    return next(iter(accuracies))


@misconception(of="cheapest_good_enough", caught_by="within_a_standard_error")
def deviation_for_error(accuracies):
    """You allow a whole standard deviation: the standard error of a mean of n runs is std /
    sqrt(n)."""
    return _choose(accuracies, lambda runs: _deviation(runs))


@misconception(of="cheapest_good_enough", caught_by="within_a_standard_error")
def population_deviation(accuracies):
    """Your deviation divides by n: with few runs the sample deviation, n - 1 (ddof=1), is asked
    for."""
    return _choose(accuracies, lambda runs: np.std(runs) / np.sqrt(len(runs)))


@misconception(of="cheapest_good_enough", caught_by="single_runs_and_ties")
def later_of_equals(accuracies):
    """You search from the costly end: of the recipes that are good enough, name the first."""
    return _choose(accuracies, lambda runs: _deviation(runs) / np.sqrt(len(runs)), last=True)


@misconception(of="cheapest_good_enough", caught_by="single_runs_and_ties")
def error_of_a_single_run_is_nan(accuracies):
    """With ddof=1 a single run has the error 0 / 0, and no comparison with NaN is ever true: a
    single run has the error 0."""
    return _choose(
        accuracies, lambda runs: _deviation(runs) / np.sqrt(len(runs)) if len(runs) > 1 else np.nan
    )


@misconception(of="cheapest_good_enough", caught_by="error_is_that_of_the_best")
def luckiest_run_wins(accuracies):
    """You go by the best single run, that is by luck: compare means."""
    return max(accuracies, key=lambda name: max(accuracies[name]))


@misconception(of="cheapest_good_enough", caught_by="error_is_that_of_the_best")
def largest_error(accuracies):
    """You take the largest standard error of all recipes: the one of the best recipe counts."""
    errors = [_deviation(runs) / np.sqrt(len(runs)) for runs in accuracies.values()]
    return _choose(accuracies, lambda runs: max(errors))


# Building blocks ----------------------------------------------------------------------------------


def _rows(batch):
    return np.reshape(batch, (len(batch), -1))


def _dscores(W, b, F, y, true_class=1.0):
    scores = F @ W + b
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = exponentials / exponentials.sum(axis=1, keepdims=True)
    dscores[np.arange(len(y)), y] -= true_class
    return dscores / len(y)


def _head(W, b, F, y, reg, *, half=0.5, true_class=1.0):
    """Return loss and gradients, right with the defaults."""
    scores = F @ W + b
    scores = scores - scores.max(axis=1, keepdims=True)
    surprises = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    d = _dscores(W, b, F, y, true_class)
    loss = np.mean(surprises) + half * reg * np.sum(W * W)
    return loss, F.T @ d + reg * W, d.sum(axis=0), d @ W.T


def _unstable(W, b, F, y, reg, shift):
    """Return loss and gradients by way of the logarithm of a probability."""
    exponentials = np.exp(F @ W + b - shift)
    P = exponentials / exponentials.sum(axis=1, keepdims=True)
    true = np.arange(len(y)), y
    loss = np.mean(-np.log(P[true])) + 0.5 * reg * np.sum(W * W)
    P[true] -= 1
    P = P / len(y)
    return loss, F.T @ P + reg * W, P.sum(axis=0), P @ W.T


def _probe(
    F,
    y,
    num_classes,
    reg,
    learning_rate,
    num_steps,
    momentum,
    *,
    fold=True,
    bias=1.0,
    statistics=None,
):
    """Return the head, the right one with the defaults."""
    mean, scale = statistics or (F.mean(axis=0), F.std(axis=0) + 1e-5)
    Z = (F - mean) / scale
    W, b = np.zeros((F.shape[1], num_classes)), np.zeros(num_classes)
    vW, vb = 0 * W, 0 * b
    for _ in range(num_steps):
        _, dW, db, _ = _head(W, b, Z, y, reg)
        vW, vb = momentum * vW - learning_rate * dW, momentum * vb - bias * learning_rate * db
        W, b = W + vW, b + vb
    if not fold:
        return W, b
    W = W / scale[:, None]
    return W, b - mean @ W


def _groups(names, stages):
    return [[n for n in names if n.rpartition(".")[0] in stage] for stage in stages]


def _rates(groups, base_rate, num_frozen, factor):
    """Return base_rate * factor(depth) for each parameter, depth counted from the head."""
    rates = {}
    for i, group in enumerate(groups):
        for name in group:
            rates[name] = 0.0 if i < num_frozen else base_rate * factor(len(groups) - 1 - i)
    return rates


def _transfer(forward, backward, params, X, y, reg, wanted):
    """Return loss and gradients, the right ones."""
    F = forward(params, X)
    loss, dW, db, dF = _head(params["head.weight"], params["head.bias"], F, y, reg)
    head = {"head.weight": dW, "head.bias": db}
    trunk = [n for n in wanted if n not in head]
    grads = dict(backward(dF, trunk)) if trunk else {}
    return loss, {**grads, **{n: head[n] for n in wanted if n in head}}


def _tune(
    loss_fn,
    params,
    X,
    y,
    rates,
    num_epochs,
    batch_size,
    rng,
    momentum,
    *,
    order="each",
    drop_last=False,
    reset=False,
):
    """Train, rightly with the defaults."""
    params = dict(params)
    wanted = [n for n in params if rates[n] != 0]
    velocity = {n: np.zeros_like(params[n]) for n in wanted}
    once = (
        np.arange(len(y))
        if order == "none"
        else rng.permutation(len(y))
        if order == "once"
        else None
    )
    losses = []
    for _ in range(num_epochs):
        now = rng.permutation(len(y)) if once is None else once
        if reset:
            velocity = {n: np.zeros_like(params[n]) for n in wanted}
        for start in range(0, len(y), batch_size):
            batch = now[start : start + batch_size]
            if drop_last and len(batch) < batch_size:
                continue
            if order == "choice":
                batch = rng.choice(len(y), len(batch))
            loss, grads = loss_fn(params, X[batch], y[batch], wanted)
            losses.append(loss)
            for n in wanted:
                velocity[n] = momentum * velocity[n] - rates[n] * grads[n]
                params[n] = params[n] + velocity[n]
    return params, losses


def _deviation(runs):
    return np.std(runs) * np.sqrt(len(runs) / max(len(runs) - 1, 1))


def _choose(accuracies, error_of, *, last=False):
    """Return the first recipe (or the last) that is within an error of the best."""
    means = {name: np.mean(runs) for name, runs in accuracies.items()}
    best = max(means, key=means.get)
    error = error_of(accuracies[best])
    good = [name for name in accuracies if means[name] >= means[best] - error]
    return (good[-1] if last else good[0]) if good else None
