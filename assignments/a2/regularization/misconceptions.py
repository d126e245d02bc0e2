"""Known-wrong versions of the exercise's functions, and the hint that each earns.

Random results can be compared only where numbers are drawn alike, so each version draws in the way
most people do, which is that of the reference. Who draws otherwise reads the sentence of the check.
The backward functions read the cache of the reference's dropout_forward, ``(dropout_param, mask)``,
whose mask holds 0 and 1 / p.
"""

from __future__ import annotations

import numpy as np

from autograder import misconception

# l1_l2_penalty ------------------------------------------------------------------------------------


@misconception(of="l1_l2_penalty", caught_by="l2_loss_is_correct")
def l2_without_half(w, l1, l2):
    """Your L2 loss is twice as large as it should be: equation (1) has a factor ½ there, which
    makes the gradient plain l2 * w."""
    return l1 * np.sum(np.abs(w)) + l2 * np.sum(w * w), l1 * np.sign(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l2_loss_is_correct")
def l2_without_half_anywhere(w, l1, l2):
    """You leave out the factor ½ of the L2 term, in the loss and in the gradient: both are twice
    as large as in equation (1)."""
    return l1 * np.sum(np.abs(w)) + l2 * np.sum(w * w), l1 * np.sign(w) + 2 * l2 * w


@misconception(of="l1_l2_penalty", caught_by="l2_loss_is_correct")
def l2_is_a_norm(w, l1, l2):
    """Your L2 term is the length of w: the penalty is half the *squared* length, without a
    root."""
    loss = l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.linalg.norm(w.reshape(-1))
    return loss, l1 * np.sign(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l2_loss_is_correct")
def penalty_averaged(w, l1, l2):
    """You take the mean over the weights: equation (1) sums over them."""
    loss = l1 * np.mean(np.abs(w)) + 0.5 * l2 * np.mean(w * w)
    return loss, (l1 * np.sign(w) + l2 * w) / w.size


@misconception(of="l1_l2_penalty", caught_by="l1_loss_is_correct")
def l1_without_absolute_value(w, l1, l2):
    """Your L1 loss sums the weights themselves, so that positive and negative ones cancel: take
    their absolute values."""
    return l1 * np.sum(w) + 0.5 * l2 * np.sum(w * w), l1 * np.sign(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_loss_is_correct")
def l1_halved_as_well(w, l1, l2):
    """You halve the L1 term as well: the factor ½ belongs to the squares alone."""
    loss = 0.5 * (l1 * np.sum(np.abs(w)) + l2 * np.sum(w * w))
    return loss, 0.5 * l1 * np.sign(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_loss_is_correct")
def absolute_value_of_the_sum(w, l1, l2):
    """You take the absolute value of the sum: take it of every weight, and then sum."""
    return l1 * np.abs(np.sum(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.sign(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_loss_is_correct")
def strengths_swapped(w, l1, l2):
    """You have swapped the strengths: l1 multiplies absolute values, l2 squares."""
    return l2 * np.sum(np.abs(w)) + 0.5 * l1 * np.sum(w * w), l2 * np.sign(w) + l1 * w


@misconception(of="l1_l2_penalty", caught_by="l2_gradient_is_correct")
def l2_gradient_doubled(w, l1, l2):
    """Your L2 gradient is twice as large as it should be: the 2 of the derivative cancels the ½
    of the loss."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.sign(w) + 2 * l2 * w


@misconception(of="l1_l2_penalty", caught_by="l2_gradient_is_correct")
def l2_gradient_halved(w, l1, l2):
    """Your L2 gradient is half of what it should be: the ½ of the loss cancels the 2 of the
    derivative and must not be there again."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.sign(w) + 0.5 * l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_gradient_is_correct")
def l1_gradient_without_sign(w, l1, l2):
    """Your L1 gradient is l1 for every weight: left of zero, |w| falls, so its slope there is
    -1."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_gradient_is_correct")
def l1_gradient_is_absolute_value(w, l1, l2):
    """Your L1 gradient is l1 * |w|, which is the loss: its derivative is the slope of |w|, +1 or
    -1."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.abs(w) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_gradient_is_correct")
def l1_gradient_proportional(w, l1, l2):
    """Your L1 gradient is proportional to the weight, as that of L2: the slope of |w| is +1 or
    -1, however large w is."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * w + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_leaves_zeros_alone")
def zero_counts_as_positive(w, l1, l2):
    """At exactly zero your L1 gradient is l1, which pushes the weight away: it is 0 there, as
    np.sign has it."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.where(w >= 0, 1, -1) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_leaves_zeros_alone")
def zero_counts_as_negative(w, l1, l2):
    """At exactly zero your L1 gradient is -l1, which pushes the weight away: it is 0 there, as
    np.sign has it."""
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * np.where(w > 0, 1, -1) + l2 * w


@misconception(of="l1_l2_penalty", caught_by="l1_leaves_zeros_alone")
def divided_by_absolute_value(w, l1, l2):
    """Your L1 gradient is NaN for a weight that is zero, as w / |w| is 0 / 0 there: np.sign(w)
    gives 0."""
    with np.errstate(all="ignore"):
        slope = w / np.abs(w)
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), l1 * slope + l2 * w


@misconception(of="l1_l2_penalty", caught_by="both_terms_add_up")
def one_term_or_the_other(w, l1, l2):
    """With both strengths you compute one term only: the two add up."""
    if l1:
        return l1 * np.sum(np.abs(w)), l1 * np.sign(w)
    return 0.5 * l2 * np.sum(w * w), l2 * w


@misconception(of="l1_l2_penalty", caught_by="both_terms_add_up")
def gradient_of_one_term(w, l1, l2):
    """With both strengths your gradient lacks the L1 term, though the loss has it: add l1 *
    sign(w)."""
    dw = l2 * w if l2 else l1 * np.sign(w)
    return l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w), dw


@misconception(of="l1_l2_penalty", caught_by="penalty_leaves_weights_alone", symptom="mutation")
def weights_scaled_in_place(w, l1, l2):
    """`w *= l2` changes the network's weights: write `l2 * w`, which makes a new array."""
    loss = l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w)
    slope = np.sign(w)
    w *= l2
    return loss, l1 * slope + w


# dropout_forward ----------------------------------------------------------------------------------


def _train(x, dropout_param, make_mask):
    """Return what a mask makes of x in training, and in test mode x."""
    if dropout_param["mode"] == "test":
        return x, (dropout_param, None)
    mask = make_mask(dropout_param["rng"], dropout_param["p"])
    return x * mask, (dropout_param, mask)


@misconception(of="dropout_forward", caught_by="entries_are_dropped_or_scaled")
def not_inverted(x, dropout_param):
    """What is kept is not scaled, so in training the sums of the next layer are smaller than in
    use: divide by p, so that the expected value is x."""
    return _train(x, dropout_param, lambda rng, p: rng.random(x.shape) < p)


@misconception(of="dropout_forward", caught_by="entries_are_dropped_or_scaled")
def divided_by_the_drop_ratio(x, dropout_param):
    """You divide what is kept by 1 - p: p is the probability to *keep* an entry, so p times x / p
    gives the expected value x."""
    return _train(
        x, dropout_param, lambda rng, p: (rng.random(x.shape) < p) / (1 - p if p < 1 else 1)
    )


@misconception(of="dropout_forward", caught_by="entries_are_dropped_or_scaled")
def multiplied_by_p(x, dropout_param):
    """You multiply what is kept by p, which makes it still smaller: divide by p."""
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) < p) * p)


@misconception(of="dropout_forward", caught_by="entries_are_dropped_or_scaled")
def mask_not_cut(x, dropout_param):
    """You multiply x by the random numbers themselves: compare them with p, so that an entry is
    either kept or dropped."""
    return _train(x, dropout_param, lambda rng, p: rng.random(x.shape) / p)


@misconception(of="dropout_forward", caught_by="entries_are_dropped_or_scaled")
def dropout_never_on(x, dropout_param):
    """In training nothing is dropped: do it if dropout_param["mode"] is "train", and not if it is
    "test"."""
    return x, (dropout_param, np.ones(x.shape))


@misconception(of="dropout_forward", caught_by="p_is_the_share_that_is_kept")
def p_is_dropped(x, dropout_param):
    """You drop a share p of the entries: here p is the probability to *keep* one."""
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) > p) / p)


@misconception(of="dropout_forward", caught_by="p_is_the_share_that_is_kept")
def p_is_dropped_throughout(x, dropout_param):
    """You drop a share p and divide by 1 - p, as one does where p is the drop ratio: here p is
    the probability to *keep* an entry."""
    return _train(
        x, dropout_param, lambda rng, p: (rng.random(x.shape) >= p) / (1 - p if p < 1 else 1)
    )


@misconception(of="dropout_forward", caught_by="p_is_the_share_that_is_kept")
def mask_from_a_normal(x, dropout_param):
    """You compare p with numbers from a normal distribution, most of which are below it: draw
    uniformly between 0 and 1, rng.random."""
    return _train(x, dropout_param, lambda rng, p: (rng.standard_normal(x.shape) < p) / p)


@misconception(of="dropout_forward", caught_by="p_is_the_share_that_is_kept")
def always_one_half(x, dropout_param):
    """You keep one half of the entries whatever p is: compare with p."""
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) < 0.5) / p)


@misconception(of="dropout_forward", caught_by="every_entry_has_its_own_draw")
def one_mask_for_all_examples(x, dropout_param):
    """All examples have the same mask: draw one of the shape of x, not of x.shape[1:]."""
    return _train(
        x, dropout_param, lambda rng, p: np.broadcast_to(rng.random(x.shape[1:]) < p, x.shape) / p
    )


@misconception(of="dropout_forward", caught_by="every_entry_has_its_own_draw")
def whole_examples_dropped(x, dropout_param):
    """You drop whole examples: draw for every entry, so a mask of the shape of x."""
    shape = (len(x),) + (1,) * (x.ndim - 1)
    return _train(x, dropout_param, lambda rng, p: (rng.random(shape) < p) / p * np.ones(x.shape))


@misconception(of="dropout_forward", caught_by="test_mode_changes_nothing")
def scaled_again_at_test(x, dropout_param):
    """You multiply by p at test time although training has divided by it already: inverted
    dropout leaves x alone in test mode."""
    if dropout_param["mode"] == "test":
        return x * dropout_param["p"], (dropout_param, None)
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) < p) / p)


@misconception(of="dropout_forward", caught_by="test_mode_changes_nothing")
def divided_at_test(x, dropout_param):
    """You divide by p at test time as well: there nothing is dropped, so nothing has to be made
    up for."""
    if dropout_param["mode"] == "test":
        return x / dropout_param["p"], (dropout_param, None)
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) < p) / p)


@misconception(of="dropout_forward", caught_by="test_mode_changes_nothing", symptom="exception")
def generator_needed_at_test(x, dropout_param):
    """In test mode there need not be a generator: read dropout_param["rng"] in training only."""
    rng, p = dropout_param["rng"], dropout_param["p"]
    mask = (rng.random(x.shape) < p) / p
    return (x if dropout_param["mode"] == "test" else x * mask), (dropout_param, mask)


@misconception(of="dropout_forward", caught_by="p_of_one_keeps_everything")
def nothing_kept_at_one(x, dropout_param):
    """With p = 1 the result is not x: every entry is kept then, and the scale 1 / p is 1."""
    return _train(x, dropout_param, lambda rng, p: (rng.random(x.shape) < (p if p < 1 else 0)) / p)


@misconception(of="dropout_forward", caught_by="any_shape_is_fine")
def channels_dropped(x, dropout_param):
    """You drop whole feature maps, which is another method (spatial dropout): here every entry of
    x has its own draw, whatever the shape."""
    shape = x.shape[:2] + (1,) * (x.ndim - 2)
    return _train(x, dropout_param, lambda rng, p: (rng.random(shape) < p) / p * np.ones(x.shape))


@misconception(of="dropout_forward", caught_by="any_shape_is_fine", symptom="exception")
def two_axes_assumed(x, dropout_param):
    """You take x for a table: it may have any shape, so draw with size x.shape."""
    N, D = x.shape
    return _train(x, dropout_param, lambda rng, p: (rng.random((N, D)) < p) / p)


@misconception(of="dropout_forward", caught_by="mask_comes_from_the_generator")
def a_generator_of_ones_own(x, dropout_param):
    """You make a new generator in every call, so every step drops the same entries: draw with
    dropout_param["rng"], which goes on from call to call."""
    return _train(
        x, dropout_param, lambda rng, p: (np.random.default_rng(0).random(x.shape) < p) / p
    )


@misconception(of="dropout_forward", caught_by="dropout_leaves_x_alone", symptom="mutation")
def dropped_in_place(x, dropout_param):
    """`x *= mask` changes the caller's array, which ReLU's cache may still need: write `x *
    mask`."""
    if dropout_param["mode"] == "test":
        return x, (dropout_param, None)
    mask = (dropout_param["rng"].random(x.shape) < dropout_param["p"]) / dropout_param["p"]
    x *= mask
    return x, (dropout_param, mask)


# dropout_backward ---------------------------------------------------------------------------------


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_not_masked(dout, cache):
    """Your gradient passes everywhere: where an entry was dropped, the output does not depend on
    it, so its gradient is 0."""
    return dout


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_not_scaled(dout, cache):
    """Your gradient is masked, but not scaled: what was kept was divided by p, and so is its
    gradient."""
    _, mask = cache
    return dout if mask is None else dout * (mask != 0)


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_scaled_twice(dout, cache):
    """You divide by p twice: if the mask in the cache holds 1 / p already, multiply by it, no
    more."""
    param, mask = cache
    return dout if mask is None else dout * mask / param["p"]


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_divided_back(dout, cache):
    """You undo the scaling on the way back: y = x / p has the derivative 1 / p, not p."""
    param, mask = cache
    return dout if mask is None else dout * (mask != 0) * param["p"]


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_scaled_and_not_masked(dout, cache):
    """Your gradient is divided by p and not masked: where an entry was dropped it is 0."""
    param, mask = cache
    return dout if mask is None else dout / param["p"]


@misconception(of="dropout_backward", caught_by="gradient_passes_where_values_passed")
def gradient_of_the_dropped(dout, cache):
    """Your gradient passes where entries were dropped and is 0 where they were kept: it is the
    other way round."""
    param, mask = cache
    return dout if mask is None else dout * (mask == 0) / param["p"]


@misconception(of="dropout_backward", caught_by="each_cache_has_its_own_mask")
def a_new_mask_on_the_way_back(dout, cache):
    """You draw a new mask on the way back: gradients pass where the values have passed, so keep
    the mask of the forward pass in the cache."""
    param, mask = cache
    if mask is None:
        return dout
    return dout * (param["rng"].random(dout.shape) < param["p"]) / param["p"]


@misconception(of="dropout_backward", caught_by="test_gradient_passes")
def scaled_at_test_on_the_way_back(dout, cache):
    """In test mode you scale the gradient by p: forward is the identity there, and so is
    backward."""
    param, mask = cache
    return dout * (param["p"] if mask is None else mask)


@misconception(of="dropout_backward", caught_by="test_gradient_passes", symptom="exception")
def no_test_mode_on_the_way_back(dout, cache):
    """In test mode there is no mask to multiply by: look at the mode, and let everything pass."""
    _, mask = cache
    return dout * mask


@misconception(of="dropout_backward", caught_by="backward_leaves_dout_alone", symptom="mutation")
def dout_masked_in_place(dout, cache):
    """`dout *= mask` changes the caller's array: write `dout * mask`, which makes a new one."""
    _, mask = cache
    if mask is not None:
        dout *= mask
    return dout


# random_flip --------------------------------------------------------------------------------------


def _coin(images, rng, share=0.5):
    return (rng.random(len(images)) < share)[:, None, None, None]


@misconception(of="random_flip", caught_by="images_are_whole_or_mirrored")
def top_and_bottom_swapped(images, rng):
    """You swap top and bottom: in (N, H, W, 3) the horizontal axis is W, `images[:, :, ::-1]`."""
    return np.where(_coin(images, rng), images[:, ::-1], images)


@misconception(of="random_flip", caught_by="images_are_whole_or_mirrored")
def colours_swapped(images, rng):
    """You reverse the last axis, which holds the colours: left and right are along W, the
    third."""
    return np.where(_coin(images, rng), images[..., ::-1], images)


@misconception(of="random_flip", caught_by="images_are_whole_or_mirrored")
def turned_upside_down(images, rng):
    """You reverse rows and columns, which turns the image upside down: reverse columns only."""
    return np.where(_coin(images, rng), images[:, ::-1, ::-1], images)


@misconception(of="random_flip", caught_by="images_are_whole_or_mirrored")
def rows_mirrored_by_themselves(images, rng):
    """You draw for every row of an image: one draw decides for the whole image."""
    mirrored = rng.random(images.shape[:2]) < 0.5
    return np.where(mirrored[:, :, None, None], images[:, :, ::-1], images)


@misconception(of="random_flip", caught_by="half_of_them_are_mirrored")
def all_mirrored(images, rng):
    """You mirror every image: one half of them, drawn at random, stays as it is."""
    return images[:, :, ::-1].copy()


@misconception(of="random_flip", caught_by="half_of_them_are_mirrored")
def batch_mirrored_as_a_whole(images, rng):
    """You draw once for the whole batch: draw a number for each image, size=len(images)."""
    return images[:, :, ::-1].copy() if rng.random() < 0.5 else images.copy()


@misconception(of="random_flip", caught_by="half_of_them_are_mirrored")
def mirrored_by_a_normal(images, rng):
    """You compare numbers from a normal distribution with ½, most of which are below it: draw
    uniformly between 0 and 1, rng.random."""
    mirrored = rng.standard_normal(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


@misconception(of="random_flip", caught_by="flips_come_from_the_generator")
def flips_from_a_new_generator(images, rng):
    """You make a generator of your own, so every batch has the same flips: draw from rng."""
    return np.where(_coin(images, np.random.default_rng(0)), images[:, :, ::-1], images)


@misconception(of="random_flip", caught_by="flip_leaves_images_alone", symptom="mutation")
def mirrored_in_place(images, rng):
    """You write mirrored images into the caller's array: work on images.copy()."""
    mirrored = rng.random(len(images)) < 0.5
    images[mirrored] = images[mirrored][:, :, ::-1]
    return images


# random_crop --------------------------------------------------------------------------------------


def _crop(images, padding, tops, lefts, mode="constant"):
    _, H, W, _ = images.shape
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)), mode=mode)
    places = zip(range(len(images)), tops, lefts, strict=True)
    return np.stack([padded[i, top : top + H, left : left + W] for i, top, left in places])


@misconception(of="random_crop", caught_by="crops_are_windows")
def padded_with_the_border(images, padding, rng):
    """You pad with copies of the border: pad with zeros, as np.pad does by itself."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    lefts = rng.integers(2 * padding + 1, size=len(images))
    return _crop(images, padding, tops, lefts, mode="edge")


@misconception(of="random_crop", caught_by="crops_are_windows")
def padded_with_a_mirror(images, padding, rng):
    """You pad with a reflection of the image: pad with zeros, as np.pad does by itself."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    lefts = rng.integers(2 * padding + 1, size=len(images))
    return _crop(images, padding, tops, lefts, mode="symmetric")


@misconception(of="random_crop", caught_by="crops_are_windows")
def rolled_around(images, padding, rng):
    """What leaves your image on one side comes in on the other (np.roll): zeros should come
    in."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    lefts = rng.integers(2 * padding + 1, size=len(images))
    return _crop(images, padding, tops, lefts, mode="wrap")


@misconception(of="random_crop", caught_by="every_place_is_equally_likely")
def last_place_left_out(images, padding, rng):
    """Your windows never start at the last place, 2 * padding: there are 2 * padding + 1 places,
    and rng.integers leaves its upper end out."""
    high = max(1, 2 * padding)
    return _crop(
        images, padding, rng.integers(high, size=len(images)), rng.integers(high, size=len(images))
    )


@misconception(of="random_crop", caught_by="every_place_is_equally_likely")
def shifted_one_way_only(images, padding, rng):
    """Your windows start between 0 and padding, so images are shifted to one side only: up to 2 *
    padding."""
    high = padding + 1
    return _crop(
        images, padding, rng.integers(high, size=len(images)), rng.integers(high, size=len(images))
    )


@misconception(of="random_crop", caught_by="every_place_is_equally_likely")
def shifted_along_the_diagonal(images, padding, rng):
    """Rows and columns are shifted by the same number: draw one for each."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    return _crop(images, padding, tops, tops)


@misconception(of="random_crop", caught_by="every_place_is_equally_likely")
def one_crop_for_the_batch(images, padding, rng):
    """The whole batch is shifted alike: draw a place for each image, size=len(images)."""
    top, left = rng.integers(2 * padding + 1), rng.integers(2 * padding + 1)
    return _crop(images, padding, [top] * len(images), [left] * len(images))


@misconception(of="random_crop", caught_by="crops_come_from_the_generator")
def crops_from_a_new_generator(images, padding, rng):
    """You make a generator of your own, so every batch is shifted alike: draw from rng."""
    rng = np.random.default_rng(0)
    tops = rng.integers(2 * padding + 1, size=len(images))
    return _crop(images, padding, tops, rng.integers(2 * padding + 1, size=len(images)))


@misconception(of="random_crop", caught_by="no_padding_no_shift")
def negative_slice_at_zero(images, padding, rng):
    """With padding = 0 your images come back empty of content: `[padding:-padding]` is an empty
    slice then. Cut with top : top + H."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    lefts = rng.integers(2 * padding + 1, size=len(images))
    if padding == 0:
        return np.zeros_like(images)
    return _crop(images, padding, tops, lefts)


@misconception(of="random_crop", caught_by="no_padding_no_shift", symptom="exception")
def nothing_to_draw_from(images, padding, rng):
    """With padding = 0 you draw from an empty range: there is always one place, so rng.integers(2
    * padding + 1)."""
    tops = rng.integers(0, 2 * padding, size=len(images))
    return _crop(images, padding, tops, rng.integers(0, 2 * padding, size=len(images)))


@misconception(of="random_crop", caught_by="crop_leaves_images_alone", symptom="mutation")
def cropped_in_place(images, padding, rng):
    """You write the windows into the caller's array: make a new one, np.empty_like(images)."""
    tops = rng.integers(2 * padding + 1, size=len(images))
    lefts = rng.integers(2 * padding + 1, size=len(images))
    images[:] = _crop(images, padding, tops, lefts)
    return images


# color_jitter -------------------------------------------------------------------------------------


@misconception(of="color_jitter", caught_by="channels_are_multiplied")
def every_pixel_its_own_factor(images, strength, rng):
    """Every pixel has a factor of its own, which is noise: one factor per image and channel, of
    shape (N, 1, 1, 3)."""
    return np.clip(images * rng.uniform(1 - strength, 1 + strength, size=images.shape), 0, 255)


@misconception(of="color_jitter", caught_by="channels_are_multiplied")
def one_factor_for_all_channels(images, strength, rng):
    """All three channels of an image have the same factor, which changes brightness only: draw
    one for each channel."""
    factors = rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 1))
    return np.clip(images * factors, 0, 255)


@misconception(of="color_jitter", caught_by="channels_are_multiplied")
def one_jitter_for_the_batch(images, strength, rng):
    """All images have the same factors: draw three for each image, of shape (N, 1, 1, 3)."""
    return np.clip(images * rng.uniform(1 - strength, 1 + strength, size=3), 0, 255)


@misconception(of="color_jitter", caught_by="channels_are_multiplied")
def factors_around_zero(images, strength, rng):
    """Your factors lie around 0, which leaves little of the image: they lie around 1, between 1 -
    strength and 1 + strength."""
    factors = rng.uniform(-strength, strength, size=(len(images), 1, 1, 3))
    return np.clip(images * factors, 0, 255)


@misconception(of="color_jitter", caught_by="channels_are_multiplied")
def added_instead_of_multiplied(images, strength, rng):
    """You add a number to each channel: equation (3) multiplies by a factor."""
    shifts = rng.uniform(-strength, strength, size=(len(images), 1, 1, 3))
    return np.clip(images + 255 * shifts, 0, 255)


@misconception(of="color_jitter", caught_by="factors_fill_their_range")
def only_brighter(images, strength, rng):
    """Your factors are never below 1: they go from 1 - strength to 1 + strength."""
    factors = rng.uniform(1, 1 + strength, size=(len(images), 1, 1, 3))
    return np.clip(images * factors, 0, 255)


@misconception(of="color_jitter", caught_by="factors_fill_their_range")
def half_the_range(images, strength, rng):
    """Your factors go from 1 - strength / 2 to 1 + strength / 2: the range is twice as wide."""
    factors = rng.uniform(1 - strength / 2, 1 + strength / 2, size=(len(images), 1, 1, 3))
    return np.clip(images * factors, 0, 255)


@misconception(of="color_jitter", caught_by="values_are_cut_off")
def not_cut_off(images, strength, rng):
    """Values above 255 are no pixel values: cut them off with np.clip."""
    return images * rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 3))


@misconception(of="color_jitter", caught_by="values_are_cut_off")
def overflowed(images, strength, rng):
    """Values above 255 start again at 0, as they do in uint8: cut them off, np.clip(…, 0, 255),
    before you change the dtype, if at all."""
    return (images * rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 3))) % 256


@misconception(of="color_jitter", caught_by="factors_come_from_the_generator")
def jitter_from_a_new_generator(images, strength, rng):
    """You make a generator of your own, so every batch has the same factors: draw from rng."""
    rng = np.random.default_rng(0)
    factors = rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 3))
    return np.clip(images * factors, 0, 255)


@misconception(of="color_jitter", caught_by="jitter_leaves_images_alone", symptom="mutation")
def jittered_in_place(images, strength, rng):
    """`images *= factors` changes the caller's array: write `images * factors`."""
    images *= rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 3))
    return np.clip(images, 0, 255)


# cutout -------------------------------------------------------------------------------------------


def _cover(images, tops, lefts, height, width, value=0):
    out = images.copy()
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        out[i, top : top + height, left : left + width] = value
    return out


def _places(images, size, rng):
    N, H, W, _ = images.shape
    return rng.integers(H - size + 1, size=N), rng.integers(W - size + 1, size=N)


@misconception(of="cutout", caught_by="squares_are_zero")
def square_beyond_the_border(images, size, rng):
    """Your squares may reach beyond the border, so that less is covered: the last row on which
    one can begin is H - size."""
    N, H, W, _ = images.shape
    return _cover(images, rng.integers(H, size=N), rng.integers(W, size=N), size, size)


@misconception(of="cutout", caught_by="squares_are_zero")
def one_pixel_too_many(images, size, rng):
    """Your squares have size + 1 rows and columns: `top : top + size` leaves the end out
    already."""
    return _cover(images, *_places(images, size, rng), size + 1, size + 1)


@misconception(of="cutout", caught_by="squares_are_zero")
def everything_else_covered(images, size, rng):
    """You keep the square and cover the rest: it is the square that becomes zero."""
    return images - _cover(images, *_places(images, size, rng), size, size)


@misconception(of="cutout", caught_by="squares_are_zero")
def covered_in_grey(images, size, rng):
    """Your squares are filled with the mean of the batch: fill them with 0."""
    return _cover(images, *_places(images, size, rng), size, size, value=images.mean())


@misconception(of="cutout", caught_by="squares_are_zero")
def one_channel_covered(images, size, rng):
    """You cover one colour channel only: the square is zero in all three."""
    out = images.copy()
    out[..., :1] = _cover(images[..., :1], *_places(images, size, rng), size, size)
    return out


@misconception(of="cutout", caught_by="every_square_is_equally_likely")
def last_square_left_out(images, size, rng):
    """Your squares never touch the lower or right border: there are H - size + 1 rows to begin
    on, and rng.integers leaves its upper end out."""
    N, H, W, _ = images.shape
    tops = rng.integers(max(1, H - size), size=N)
    return _cover(images, tops, rng.integers(max(1, W - size), size=N), size, size)


@misconception(of="cutout", caught_by="every_square_is_equally_likely")
def one_square_for_the_batch(images, size, rng):
    """The square is at the same place in all images: draw one for each, size=len(images)."""
    N, H, W, _ = images.shape
    top, left = rng.integers(H - size + 1), rng.integers(W - size + 1)
    return _cover(images, [top] * N, [left] * N, size, size)


@misconception(of="cutout", caught_by="every_square_is_equally_likely")
def square_on_the_diagonal(images, size, rng):
    """Squares begin in the same row and column: draw one number for rows and one for columns."""
    N, H, W, _ = images.shape
    tops = rng.integers(min(H, W) - size + 1, size=N)
    return _cover(images, tops, tops, size, size)


@misconception(of="cutout", caught_by="squares_come_from_the_generator")
def squares_from_a_new_generator(images, size, rng):
    """You make a generator of your own, so every batch has the same squares: draw from rng."""
    return _cover(images, *_places(images, size, np.random.default_rng(0)), size, size)


@misconception(of="cutout", caught_by="cutout_leaves_images_alone", symptom="mutation")
def cut_in_place(images, size, rng):
    """You write zeros into the caller's array, so the squares of all epochs add up: work on
    images.copy()."""
    for i, (top, left) in enumerate(zip(*_places(images, size, rng), strict=True)):
        images[i, top : top + size, left : left + size] = 0
    return images


# mixup --------------------------------------------------------------------------------------------


def _mix(lam, array, partner):
    lam = np.reshape(lam, (-1,) + (1,) * (array.ndim - 1))
    return lam * array + (1 - lam) * array[partner]


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def labels_forgotten(images, labels_one_hot, alpha, rng):
    """You mix the images and leave the labels: a picture that is 70 % cat and 30 % ship has the
    label 70 % cat and 30 % ship."""
    lam = rng.beta(alpha, alpha, size=len(images))
    return _mix(lam, images, rng.permutation(len(images))), labels_one_hot.copy()


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def label_weights_swapped(images, labels_one_hot, alpha, rng):
    """In your labels the weights are swapped: the image's own label has the weight lam, as the
    image has."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), _mix(1 - lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def other_partners_for_labels(images, labels_one_hot, alpha, rng):
    """Labels are mixed with other partners than images: draw the partners once."""
    lam = rng.beta(alpha, alpha, size=len(images))
    mixed = _mix(lam, images, rng.permutation(len(images)))
    return mixed, _mix(lam, labels_one_hot, rng.permutation(len(images)))


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def other_weights_for_labels(images, labels_one_hot, alpha, rng):
    """Labels are mixed with other weights than images: draw lam once."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    other = rng.beta(alpha, alpha, size=len(images))
    return _mix(lam, images, partner), _mix(other, labels_one_hot, partner)


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def stronger_label_wins(images, labels_one_hot, alpha, rng):
    """You give the mixture the label of its larger part: mix the labels as well, with the same
    weights."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    hard = _mix((lam >= 0.5) * 1.0, labels_one_hot, partner)
    return _mix(lam, images, partner), hard


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def labels_averaged(images, labels_one_hot, alpha, rng):
    """Your labels are half and half whatever the weights are: mix them with lam."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), (labels_one_hot + labels_one_hot[partner]) / 2


@misconception(of="mixup", caught_by="labels_say_what_images_are_made_of")
def weights_do_not_add_up(images, labels_one_hot, alpha, rng):
    """You add the whole partner: its weight is 1 - lam, so that weights add up to 1."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    rest = [lam.reshape(-1, *[1] * (a.ndim - 1)) * a + a[partner] for a in (images, labels_one_hot)]
    return rest[0], rest[1]


@misconception(of="mixup", caught_by="weights_follow_alpha")
def alpha_ignored(images, labels_one_hot, alpha, rng):
    """Your weights are uniform whatever alpha is: draw them with rng.beta(alpha, alpha, …)."""
    lam = rng.random(len(images))
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="weights_follow_alpha")
def alpha_is_the_weight(images, labels_one_hot, alpha, rng):
    """You take alpha for the weight itself: it is the parameter of the distribution that weights
    are drawn from."""
    lam = np.full(len(images), min(alpha, 1.0))
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="weights_follow_alpha")
def beta_of_one(images, labels_one_hot, alpha, rng):
    """You draw from Beta(alpha, 1), which is not symmetric: both parameters are alpha."""
    lam = rng.beta(alpha, 1, size=len(images))
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="every_image_has_its_own_weight")
def one_weight_for_the_batch(images, labels_one_hot, alpha, rng):
    """All images of the batch have the same weight: draw one for each, size=len(images)."""
    lam = rng.beta(alpha, alpha)
    partner = rng.permutation(len(images))
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="partners_are_drawn")
def next_image_is_partner(images, labels_one_hot, alpha, rng):
    """Everyone's partner is the next image of the batch: draw partners, rng.permutation(N)."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = np.roll(np.arange(len(images)), -1)
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="partners_are_drawn")
def batch_reversed(images, labels_one_hot, alpha, rng):
    """Partners are those of the reversed batch, always the same: draw them,
    rng.permutation(N)."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = np.arange(len(images))[::-1]
    return _mix(lam, images, partner), _mix(lam, labels_one_hot, partner)


@misconception(of="mixup", caught_by="mixup_leaves_arguments_alone", symptom="mutation")
def mixed_in_place(images, labels_one_hot, alpha, rng):
    """You write into the caller's arrays: `lam * images + …` makes new ones, `images *= lam` does
    not."""
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    images[:] = _mix(lam, images, partner)
    return images, _mix(lam, labels_one_hot, partner)


# ensemble_predict ---------------------------------------------------------------------------------


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def geometric_mean(probabilities):
    """You multiply the probabilities (or average their logarithms), so that one network can veto
    a class: average the probabilities themselves."""
    return np.argmax(np.sum(np.log(probabilities), axis=0), axis=1)


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def surest_network_decides(probabilities):
    """You let the surest network decide (a maximum over networks): take the mean over them."""
    return np.argmax(np.max(probabilities, axis=0), axis=1)


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def first_network_only(probabilities):
    """You ask the first network only: average over all of them, axis=0."""
    return np.argmax(probabilities[0], axis=1)


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def labels_averaged_over_networks(probabilities):
    """You average the labels of the networks, but a class between 2 and 4 is not 3: average the
    probabilities, and then take the best class."""
    return np.round(np.mean(np.argmax(probabilities, axis=2), axis=0)).astype(int)


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def median_network(probabilities):
    """You take the median over the networks: take the mean, in which one that is sure counts
    more."""
    return np.argmax(np.median(probabilities, axis=0), axis=1)


@misconception(of="ensemble_predict", caught_by="a_sure_network_counts_more")
def majority_vote(probabilities):
    """You count votes, one per network: average the probabilities, so that a network that is sure
    counts for more than one that wavers."""
    votes = np.argmax(probabilities, axis=2)
    classes = range(probabilities.shape[2])
    return np.argmax([np.sum(votes == c, axis=0) for c in classes], axis=0)


@misconception(of="ensemble_predict", caught_by="one_network_one_image")
def labels_from_one(probabilities):
    """Your labels start at 1: classes are counted from 0, as np.argmax does."""
    return np.argmax(np.mean(probabilities, axis=0), axis=1) + 1


@misconception(of="ensemble_predict", caught_by="mean_probability_decides")
def mean_over_images(probabilities):
    """You average over the images (axis=1): the networks are the first axis, axis=0."""
    return np.argmax(np.mean(probabilities, axis=1), axis=1)
