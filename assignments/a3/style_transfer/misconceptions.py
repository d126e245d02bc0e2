"""Known-wrong versions of the style transfer functions, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# content_loss -------------------------------------------------------------------------------------


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_is_a_mean(content_weight, content_current, content_original):
    """Your content loss is a mean over all features: it is meant to be their sum, in loss and
    gradient."""
    loss, gradient = _content(content_weight, content_current, content_original)
    return loss / gradient.size, gradient / gradient.size


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_has_a_half(content_weight, content_current, content_original):
    """There is no factor ½ in this content loss, so its gradient has a factor 2."""
    return _content(content_weight / 2, content_current, content_original)


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_is_a_norm(content_weight, content_current, content_original):
    """You take the root of the sum of squares: the content loss is the squared distance, without
    the root."""
    loss, gradient = _content(1.0, content_current, content_original)
    return content_weight * np.sqrt(loss), content_weight * gradient / (2 * np.sqrt(loss))


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_is_absolute(content_weight, content_current, content_original):
    """You add up absolute differences: square them."""
    d = content_current - content_original
    return content_weight * np.sum(np.abs(d)), content_weight * np.sign(d)


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_weight_forgotten(content_weight, content_current, content_original):
    """content_weight has no effect on your loss: multiply loss and gradient by it."""
    return _content(1.0, content_current, content_original)


@misconception(of="content_loss", caught_by="content_loss_is_correct")
def content_weight_squared(content_weight, content_current, content_original):
    """You multiply by the weight before you square, so that it counts squared: square the
    difference alone."""
    return _content(content_weight**2, content_current, content_original)


@misconception(of="content_loss", caught_by="content_gradient_is_correct")
def content_gradient_without_two(content_weight, content_current, content_original):
    """The derivative of d² is 2 d: a factor 2 is missing in your gradient."""
    loss, gradient = _content(content_weight, content_current, content_original)
    return loss, gradient / 2


@misconception(of="content_loss", caught_by="content_gradient_is_correct")
def content_gradient_of_original(content_weight, content_current, content_original):
    """Your gradient has the wrong sign: with respect to the current features the difference is
    current minus original."""
    loss, gradient = _content(content_weight, content_current, content_original)
    return loss, -gradient


@misconception(of="content_loss", caught_by="content_gradient_is_correct")
def content_gradient_without_weight(content_weight, content_current, content_original):
    """The loss has the weight, its gradient has not: multiply both by content_weight."""
    loss, gradient = _content(content_weight, content_current, content_original)
    return loss, gradient / content_weight


@misconception(of="content_loss", caught_by="content_leaves_features_alone", symptom="mutation")
def content_in_place(content_weight, content_current, content_original):
    """`content_current -= ...` changes the caller's features: subtract into a new array."""
    content_current -= content_original
    return content_weight * np.sum(content_current**2), 2 * content_weight * content_current


@misconception(of="content_loss", caught_by="content_of_one_image")
def content_of_first_channel(content_weight, content_current, content_original):
    """You look at one channel alone: all channels of all images are compared."""
    loss, _ = _content(content_weight, content_current[:, 0], content_original[:, 0])
    gradient = np.zeros_like(content_current)
    gradient[:, 0] = 2 * content_weight * (content_current - content_original)[:, 0]
    return loss, gradient


# gram_matrix --------------------------------------------------------------------------------------


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_not_normalised(features, normalize=True):
    """You do not divide by C * H * W where normalize is true."""
    return _gram(features, 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_over_places_only(features, normalize=True):
    """You divide by the number of places, H * W: divide by C * H * W, the number of features."""
    return _gram(features, features.shape[2] * features.shape[3] if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_over_channels_only(features, normalize=True):
    """You divide by C, the number of channels: divide by C * H * W, the number of features."""
    return _gram(features, features.shape[1] if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_of_reshaped_places(features, normalize=True):
    """`reshape(N, H * W, C)` does not transpose, it mixes channels with places: reshape to (N, C, H
    * W), which keeps each channel in a row."""
    N, C, H, W = features.shape
    rows = features.reshape(N, H * W, C).transpose(0, 2, 1)
    return rows @ rows.transpose(0, 2, 1) / (C * H * W if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_of_places(features, normalize=True):
    """Your matrix compares places with each other, (HW, HW), and so remembers where things are:
    multiply so that the sum runs over places, and the result is (C, C)."""
    N, C, H, W = features.shape
    rows = features.reshape(N, C, H * W)
    return rows.transpose(0, 2, 1) @ rows / (C * H * W if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_centred(features, normalize=True):
    """You subtract each channel's mean first: that is a covariance. A Gram matrix takes the
    features as they are."""
    return _gram(features - features.mean(axis=(2, 3), keepdims=True), None if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_of_unit_rows(features, normalize=True):
    """You scale each channel to length 1, which makes cosines: how strong a channel is belongs to
    the style, so divide by C * H * W alone."""
    norms = np.sqrt(np.sum(features**2, axis=(2, 3), keepdims=True))
    return _gram(features / norms, 1)


@misconception(of="gram_matrix", caught_by="gram_is_correct")
def gram_elementwise(features, normalize=True):
    """You have squares of single channels only: all pairs of channels are multiplied, the entries
    off the diagonal, too."""
    gram = _gram(features, None if normalize else 1)
    return gram * np.eye(features.shape[1])


@misconception(of="gram_matrix", caught_by="gram_without_normalisation")
def gram_always_normalised(features, normalize=True):
    """normalize=False makes no difference in your function: divide only if normalize is true."""
    return _gram(features, None)


@misconception(of="gram_matrix", caught_by="gram_of_each_image")
def gram_summed_over_batch(features, normalize=True):
    """You add the images of the batch up: each has a Gram matrix of its own, in a result of shape
    (N, C, C)."""
    return np.sum(_gram(features, None if normalize else 1), axis=0, keepdims=True)


@misconception(of="gram_matrix", caught_by="gram_of_each_image")
def gram_divided_by_batch(features, normalize=True):
    """You divide by the number of images as well: divide by C * H * W, which `features.size` is for
    one image only."""
    return _gram(features, features.size if normalize else 1)


@misconception(of="gram_matrix", caught_by="gram_leaves_features_alone", symptom="mutation")
def gram_in_place(features, normalize=True):
    """Your function changes the caller's features: divide the product, in a new array."""
    features /= np.sqrt(features[0].size) if normalize else 1
    return _gram(features, 1)


# gram_matrix_backward -----------------------------------------------------------------------------


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_is_correct")
def gram_gradient_doubled(dgram, features, normalize=True):
    """2 * dgram @ F is right only if dgram is symmetric: in general it is dgram plus its
    transpose."""
    return _back(2 * dgram, features, normalize)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_for_symmetric_dgram")
def gram_gradient_one_factor(dgram, features, normalize=True):
    """F is in the Gram matrix twice, and you differentiate one of the two factors: the other
    contributes the transpose of dgram."""
    return _back(dgram, features, normalize)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_is_correct")
def gram_gradient_other_factor(dgram, features, normalize=True):
    """You have the term with the transpose of dgram alone: F is in the Gram matrix twice, add the
    term with dgram itself."""
    return _back(dgram.transpose(0, 2, 1), features, normalize)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_is_correct")
def gram_gradient_averaged(dgram, features, normalize=True):
    """You take the mean of dgram and its transpose: both factors of the product count fully, so it
    is their sum."""
    return _back((dgram + dgram.transpose(0, 2, 1)) / 2, features, normalize)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_is_correct")
def gram_gradient_not_normalised(dgram, features, normalize=True):
    """The Gram matrix was divided by C * H * W, and so is its gradient: you do not divide."""
    return _back(dgram + dgram.transpose(0, 2, 1), features, False)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_without_normalisation")
def gram_gradient_always_normalised(dgram, features, normalize=True):
    """With normalize=False nothing was divided on the way there, and nothing is on the way back."""
    return _back(dgram + dgram.transpose(0, 2, 1), features, True)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_is_correct")
def gram_gradient_over_places(dgram, features, normalize=True):
    """You divide by H * W on the way back, the Gram matrix was divided by C * H * W."""
    gradient = _back(dgram + dgram.transpose(0, 2, 1), features, normalize)
    return gradient * (features.shape[1] if normalize else 1)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_of_each_image")
def gram_gradient_divided_by_batch(dgram, features, normalize=True):
    """You divide by features.size, which contains the number of images: divide by C * H * W."""
    gradient = _back(dgram + dgram.transpose(0, 2, 1), features, normalize)
    return gradient / (len(features) if normalize else 1)


@misconception(of="gram_matrix_backward", caught_by="gram_gradient_of_each_image")
def gram_gradient_of_summed_batch(dgram, features, normalize=True):
    """You add up dgram over the images: each image goes back by its own."""
    total = np.sum(dgram, axis=0, keepdims=True)
    return _back(total + total.transpose(0, 2, 1), features, normalize)


@misconception(
    of="gram_matrix_backward", caught_by="gram_backward_leaves_arguments_alone", symptom="mutation"
)
def dgram_in_place(dgram, features, normalize=True):
    """`dgram += ...` changes the caller's array: add into a new one."""
    dgram += dgram.transpose(0, 2, 1).copy()
    return _back(dgram, features, normalize)


# style_loss ---------------------------------------------------------------------------------------


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_weights_in_feature_order(feats, style_layers, style_targets, style_weights):
    """Targets and weights are in the order of style_layers, and you go through feats in its own
    order: take `feats[layer]` for each layer in style_layers."""
    layers = [name for name in _names(feats) if name in style_layers]
    by_layer = dict(zip(style_layers, style_targets, strict=False))
    return _style(feats, layers, [by_layer[name] for name in layers], style_weights)


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_weights_ignored(feats, style_layers, style_targets, style_weights):
    """Your style loss does not depend on the weights: multiply each layer's distance by its own."""
    return _style(feats, style_layers, style_targets, [1.0] * len(style_layers))


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_with_one_weight(feats, style_layers, style_targets, style_weights):
    """You use the first weight for all layers: each layer has its own."""
    return _style(feats, style_layers, style_targets, list(style_weights[:1]) * len(style_layers))


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_averaged_over_layers(feats, style_layers, style_targets, style_weights):
    """You take the mean over the layers: the style loss is their weighted sum."""
    share = [weight / len(style_layers) for weight in style_weights]
    return _style(feats, style_layers, style_targets, share)


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_of_last_layer(feats, style_layers, style_targets, style_weights):
    """Only the last layer is in your loss: add with `+=` instead of assigning in the loop."""
    _loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    last = slice(-1, None)
    return _style(feats, style_layers[last], style_targets[last], style_weights[last])[0], dfeats


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_is_a_mean(feats, style_layers, style_targets, style_weights):
    """You take the mean over the entries of the Gram matrix: add up all C * C squares."""
    share = [w / t.size for w, t in zip(style_weights, style_targets, strict=False)]
    return _style(feats, style_layers, style_targets, share)


@misconception(of="style_loss", caught_by="style_loss_is_correct")
def style_not_normalised(feats, style_layers, style_targets, style_weights):
    """Your Gram matrices of the current image are not normalised, the targets are: call gram_matrix
    with normalize left true."""
    loss, dfeats = 0.0, {}
    for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=False):
        d = _gram(feats[layer], 1) - target
        loss += weight * np.sum(d**2)
        dfeats[layer] = _back(4 * weight * d, feats[layer], False)
    return loss, dfeats


@misconception(of="style_loss", caught_by="style_gradient_is_correct")
def style_gradient_without_two(feats, style_layers, style_targets, style_weights):
    """The derivative of a square has a factor 2: dgram is 2 * weight * (G - A), yours is half as
    large."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    return loss, {layer: gradient / 2 for layer, gradient in dfeats.items()}


@misconception(of="style_loss", caught_by="style_gradient_is_correct")
def style_gradient_without_weights(feats, style_layers, style_targets, style_weights):
    """The loss has the weights, your gradients have not: each dgram contains its layer's weight."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    weights = dict(zip(style_layers, style_weights, strict=False))
    return loss, {layer: gradient / weights[layer] for layer, gradient in dfeats.items()}


@misconception(of="style_loss", caught_by="style_gradient_is_correct")
def style_gradient_sign_flipped(feats, style_layers, style_targets, style_weights):
    """Your gradients have the wrong sign: the difference is the current Gram matrix minus the
    target."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    return loss, {layer: -gradient for layer, gradient in dfeats.items()}


@misconception(of="style_loss", caught_by="style_gradient_is_correct")
def style_gradient_of_gram(feats, style_layers, style_targets, style_weights):
    """You return gradients for the Gram matrices, of shape (N, C, C): send them through
    gram_matrix_backward to get those for the features."""
    loss, _ = _style(feats, style_layers, style_targets, style_weights)
    return loss, {
        layer: 2 * weight * (_gram(feats[layer], None) - target)
        for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=False)
    }


@misconception(of="style_loss", caught_by="style_gradient_is_correct")
def style_gradients_as_list(feats, style_layers, style_targets, style_weights):
    """You return a list of gradients: return a dictionary from layer to gradient, as backprop takes
    it."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    return loss, list(dfeats.values())


@misconception(of="style_loss", caught_by="style_of_one_layer")
def style_gradients_for_all_layers(feats, style_layers, style_targets, style_weights):
    """Your dictionary has layers that nobody asked for: it holds those of style_layers only."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    zeros = {name: np.zeros_like(feats[name]) for name in _names(feats)}
    return loss, {**zeros, **dfeats}


@misconception(of="style_loss", caught_by="style_takes_lists")
def style_layers_counted(feats, style_layers, style_targets, style_weights):
    """You number the layers from 0 upwards: the first style layer need not be the first of feats,
    take `feats[layer]`."""
    names = _names(feats)[: len(style_layers)]
    if len(names) and style_targets[0].shape[1] != feats[names[0]].shape[1]:
        return 0.0, {}
    return _style(feats, names, style_targets, style_weights)


@misconception(of="style_loss", caught_by="style_without_layers")
def style_of_no_layers_is_none(feats, style_layers, style_targets, style_weights):
    """Without layers the sum has no terms: the loss is 0 and the dictionary empty."""
    loss, dfeats = _style(feats, style_layers, style_targets, style_weights)
    return (loss, dfeats) if style_layers else (float("nan"), dfeats)


@misconception(of="style_loss", caught_by="style_leaves_arguments_alone", symptom="mutation")
def style_targets_in_place(feats, style_layers, style_targets, style_weights):
    """Your function changes the caller's targets, which are needed in the next step again: subtract
    into a new array."""
    result = _style(feats, style_layers, style_targets, style_weights)
    for layer, target in zip(style_layers, style_targets, strict=False):
        target -= _gram(feats[layer], None)
    return result


# balanced_weights ---------------------------------------------------------------------------------


@misconception(of="balanced_weights", caught_by="weights_are_balanced")
def weights_not_shared(weight, targets):
    """Every layer gets the whole weight in your list: divide by the number of targets as well."""
    return [weight / np.sum(t**2) for t in targets]


@misconception(of="balanced_weights", caught_by="weights_are_balanced")
def weights_by_norm(weight, targets):
    """You divide by the norm: the loss is a squared distance, so divide by the squared norm."""
    return [weight / (len(targets) * np.sqrt(np.sum(t**2))) for t in targets]


@misconception(of="balanced_weights", caught_by="weights_are_balanced")
def weights_by_mean_square(weight, targets):
    """You divide by the mean of the squares: it is their sum in formula (6)."""
    return [weight / (len(targets) * np.mean(t**2)) for t in targets]


@misconception(of="balanced_weights", caught_by="weights_are_balanced")
def weights_multiplied(weight, targets):
    """You multiply by the squared norm, which makes loud layers louder: divide by it."""
    return [weight * np.sum(t**2) / len(targets) for t in targets]


@misconception(of="balanced_weights", caught_by="weights_are_balanced")
def weights_all_alike(weight, targets):
    """All your weights are alike: each is to be divided by its own target's squared norm."""
    return [weight / len(targets) for _ in targets]


@misconception(of="balanced_weights", caught_by="weight_of_one_target")
def weights_by_largest(weight, targets):
    """You divide by the largest entry squared: divide by the sum of all squares."""
    return [weight / (len(targets) * np.max(np.abs(t)) ** 2) for t in targets]


# tv_loss ------------------------------------------------------------------------------------------


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_is_absolute(img, tv_weight):
    """You add up absolute differences: this total variation adds up squares."""
    down, across = _neighbours(img)
    loss = tv_weight * (np.sum(np.abs(down)) + np.sum(np.abs(across)))
    return loss, _spread(np.sign(down), np.sign(across), img, tv_weight)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_vertical_only(img, tv_weight):
    """Only neighbours below are compared: add those to the right, along the last axis."""
    down, across = _neighbours(img)
    return tv_weight * np.sum(down**2), _spread(2 * down, 0 * across, img, tv_weight)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_horizontal_only(img, tv_weight):
    """Only neighbours to the right are compared: add those below, along axis 2."""
    down, across = _neighbours(img)
    return tv_weight * np.sum(across**2), _spread(0 * down, 2 * across, img, tv_weight)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_is_a_mean(img, tv_weight):
    """You take means of the squared differences: add them up."""
    return _tv(img, tv_weight / img.size)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_wraps_around(img, tv_weight):
    """np.roll makes the last pixel a neighbour of the first: compare slices, img[:, :, 1:] with
    img[:, :, :-1]."""
    loss, gradient = 0.0, 0.0
    for axis in (2, 3):
        d = np.roll(img, -1, axis) - img
        loss += tv_weight * np.sum(d**2)
        gradient = gradient + 2 * tv_weight * (np.roll(d, 1, axis) - d)
    return loss, gradient


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_between_channels(img, tv_weight):
    """You compare channels with each other, axis 1: height and width are axes 2 and 3."""
    down, channels = img[:, :, 1:] - img[:, :, :-1], img[:, 1:] - img[:, :-1]
    loss = tv_weight * (np.sum(down**2) + np.sum(channels**2))
    return loss, _spread(2 * down, 0 * _neighbours(img)[1], img, tv_weight)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_counts_pairs_twice(img, tv_weight):
    """You count every pair of neighbours twice, from either side: once is enough, below and to the
    right."""
    return _tv(img, 2 * tv_weight)


@misconception(of="tv_loss", caught_by="tv_loss_is_correct")
def tv_weight_ignored(img, tv_weight):
    """tv_weight has no effect: multiply loss and gradient by it."""
    return _tv(img, 1.0)


@misconception(of="tv_loss", caught_by="tv_gradient_is_correct")
def tv_gradient_half_pushed(img, tv_weight):
    """Each pair pushes two pixels, and your gradient has only one of them: what is added to one
    neighbour is subtracted from the other."""
    down, across = _neighbours(img)
    gradient = np.zeros_like(img)
    gradient[:, :, 1:] += 2 * tv_weight * down
    gradient[:, :, :, 1:] += 2 * tv_weight * across
    return _tv(img, tv_weight)[0], gradient


@misconception(of="tv_loss", caught_by="tv_gradient_is_correct")
def tv_gradient_sign_flipped(img, tv_weight):
    """Your gradient has the wrong sign: of (b - a)², the derivative for b is 2(b - a)."""
    loss, gradient = _tv(img, tv_weight)
    return loss, -gradient


@misconception(of="tv_loss", caught_by="tv_gradient_is_correct")
def tv_gradient_pushed_alike(img, tv_weight):
    """You push both neighbours in the same direction: a goes with the minus sign."""
    down, across = _neighbours(img)
    gradient = np.zeros_like(img)
    gradient[:, :, 1:] += 2 * tv_weight * down
    gradient[:, :, :-1] += 2 * tv_weight * down
    gradient[:, :, :, 1:] += 2 * tv_weight * across
    gradient[:, :, :, :-1] += 2 * tv_weight * across
    return _tv(img, tv_weight)[0], gradient


@misconception(of="tv_loss", caught_by="tv_gradient_is_correct")
def tv_gradient_without_two(img, tv_weight):
    """The derivative of a square has a factor 2, which is missing in your gradient."""
    loss, gradient = _tv(img, tv_weight)
    return loss, gradient / 2


@misconception(of="tv_loss", caught_by="tv_gradient_is_correct")
def tv_gradient_without_weight(img, tv_weight):
    """The loss has the weight, its gradient has not."""
    loss, gradient = _tv(img, tv_weight)
    return loss, gradient / tv_weight


@misconception(of="tv_loss", caught_by="tv_of_a_batch")
def tv_of_first_image(img, tv_weight):
    """You look at the first image alone, `img[0]`: the sum runs over the batch, too."""
    loss, gradient = _tv(img[:1], tv_weight)
    return loss, np.concatenate([gradient, np.zeros_like(img[1:])])


@misconception(of="tv_loss", caught_by="tv_of_a_single_row")
def tv_of_a_row_is_zero(img, tv_weight):
    """An image of one row has neighbours, to the right: add up both directions independently."""
    return (0.0, np.zeros_like(img)) if 1 in img.shape[2:] else _tv(img, tv_weight)


@misconception(of="tv_loss", caught_by="tv_leaves_image_alone", symptom="mutation")
def tv_in_place(img, tv_weight):
    """Your function changes the caller's image: subtract into a new array."""
    result = _tv(img, tv_weight)
    img[:, :, :-1] -= img[:, :, 1:]
    return result


# transfer_loss ------------------------------------------------------------------------------------


@misconception(of="transfer_loss", caught_by="transfer_terms_are_correct")
def terms_without_weights(
    img,
    extract,
    backprop,
    content_layer,
    content_weight,
    content_original,
    style_layers,
    style_targets,
    style_weights,
    tv_weight,
):
    """Your terms are the losses without their weights: return what the gradient belongs to, the
    weighted ones."""
    terms, dimg = _transfer(
        *(img, extract, backprop, content_layer, content_weight, content_original),
        *(style_layers, style_targets, style_weights, tv_weight),
    )
    terms["content"] = terms["content"] / content_weight
    terms["tv"] = terms["tv"] / tv_weight
    return terms, dimg


@misconception(of="transfer_loss", caught_by="transfer_terms_are_correct")
def total_instead_of_terms(img, *settings):
    """You return the sum of the losses: return the three of them in a dictionary."""
    terms, dimg = _transfer(img, *settings)
    return sum(terms.values()), dimg


@misconception(of="transfer_loss", caught_by="transfer_gradient_is_correct")
def tv_gradient_forgotten(img, *settings):
    """The gradient of total variation is missing in dimg: it does not come through the network, so
    add it after backprop."""
    terms, dimg = _transfer(img, *settings)
    return terms, dimg - _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="transfer_gradient_is_correct")
def style_gradient_forgotten(img, *settings):
    """The style loss is not in your gradient: hand the dictionary of style_loss to backprop,
    together with the content's gradient."""
    extract, backprop, layer, weight, original = settings[:5]
    terms, _ = _transfer(img, *settings)
    dcontent = _content(weight, extract(img)[layer], original)[1]
    return terms, backprop(img, {layer: dcontent}) + _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="transfer_without_style")
def content_gradient_forgotten(img, *settings):
    """The content loss is not in your gradient: put its gradient into the dictionary that goes to
    backprop, under the content layer."""
    extract, backprop = settings[:2]
    terms, _ = _transfer(img, *settings)
    _, dfeats = _style(extract(img), *settings[5:8])
    return terms, backprop(img, dfeats) + _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="content_layer_may_be_a_style_layer")
def content_overwrites_style(img, *settings):
    """Where the content layer is a style layer, too, your content gradient overwrites the style
    gradient in the dictionary: add the two."""
    extract, backprop, layer, weight, original = settings[:5]
    terms, _ = _transfer(img, *settings)
    feats = extract(img)
    dfeats = {
        **_style(feats, *settings[5:8])[1],
        layer: _content(weight, feats[layer], original)[1],
    }
    return terms, backprop(img, dfeats) + _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="content_layer_may_be_a_style_layer")
def style_overwrites_content(img, *settings):
    """Where the content layer is a style layer, too, your style gradient overwrites the content
    gradient in the dictionary: add the two."""
    extract, backprop, layer, weight, original = settings[:5]
    terms, _ = _transfer(img, *settings)
    feats = extract(img)
    dfeats = {
        layer: _content(weight, feats[layer], original)[1],
        **_style(feats, *settings[5:8])[1],
    }
    return terms, backprop(img, dfeats) + _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="transfer_gradient_is_correct")
def tv_gradient_counted_twice(img, *settings):
    """Total variation is in your gradient twice: once is enough."""
    terms, dimg = _transfer(img, *settings)
    return terms, dimg + _tv(img, settings[-1])[1]


@misconception(of="transfer_loss", caught_by="transfer_gradient_is_correct")
def transfer_gradient_sign_flipped(img, *settings):
    """Dimg has the wrong sign: return the gradient, which points uphill; Adam turns it round."""
    terms, dimg = _transfer(img, *settings)
    return terms, -dimg


@misconception(of="transfer_loss", caught_by="transfer_leaves_image_alone", symptom="mutation")
def transfer_steps_in_place(img, *settings):
    """transfer_loss changes the caller's image: it returns the gradient, the step comes later."""
    terms, dimg = _transfer(img, *settings)
    img -= 0.01 * dimg
    return terms, dimg


# style_transfer -----------------------------------------------------------------------------------


@misconception(of="style_transfer", caught_by="steps_are_those_of_adam")
def adam_forgets_its_state(*arguments, **settings):
    """Adam starts afresh in each of your steps: keep the config that it returns, and pass it to the
    next call."""
    return _descend(*arguments, forget=True, **settings)


@misconception(of="style_transfer", caught_by="steps_are_those_of_adam")
def plain_gradient_descent(*arguments, **settings):
    """These are plain gradient steps, w - learning_rate * dw: use optimizers.adam."""
    return _descend(*arguments, plain=True, **settings)


@misconception(of="style_transfer", caught_by="steps_are_those_of_adam")
def uphill(*arguments, **settings):
    """Your image climbs: adam already subtracts, so give it the gradient as it is."""
    return _descend(*arguments, sign=-1.0, **settings)


@misconception(of="style_transfer", caught_by="steps_are_those_of_adam")
def learning_rate_ignored(*arguments, **settings):
    """learning_rate has no effect, so that Adam uses its own default: put it into the config."""
    return _descend(*arguments, **{**settings, "learning_rate": 1e-3})


@misconception(of="style_transfer", caught_by="steps_are_those_of_adam")
def returns_the_start(*arguments, **settings):
    """The image you return is the one you started from: keep what adam returns, it does not change
    its arguments."""
    _img, history = _descend(*arguments, **settings)
    start = settings.get("start")
    return np.array(arguments[0] if start is None else start), history


@misconception(of="style_transfer", caught_by="image_stays_within_bounds")
def not_clipped(*arguments, **settings):
    """Your image leaves its bounds: clip it after every step."""
    return _descend(*arguments, clip=None, **settings)


@misconception(of="style_transfer", caught_by="image_stays_within_bounds")
def clipped_to_one(*arguments, **settings):
    """You clip to fixed numbers: the image is normalised, black and white are in `bounds`."""
    return _descend(*arguments, clip=(0.0, 1.0), **settings)


@misconception(of="style_transfer", caught_by="descent_begins_at_start")
def start_ignored(*arguments, **settings):
    """You always begin with the content image: begin with a copy of start where it is given."""
    return _descend(*arguments, **{**settings, "start": None})


@misconception(of="style_transfer", caught_by="history_is_correct")
def history_after_the_step(*arguments, **settings):
    """Your history lacks the losses of the start: note the terms before each step."""
    longer = {**settings, "num_steps": settings.get("num_steps", 100) + 1, "on_step": None}
    return _descend(*arguments, **settings)[0], _descend(*arguments, **longer)[1][1:]


@misconception(of="style_transfer", caught_by="history_is_correct")
def weights_not_balanced(*arguments, **settings):
    """Your weights are used as they are: let balanced_weights make them relative to the targets."""
    return _descend(*arguments, balanced=False, **settings)


@misconception(of="style_transfer", caught_by="history_is_correct")
def tv_not_per_value(*arguments, **settings):
    """tv_weight is a price per value of the image: divide it by the number of values before you
    hand it to transfer_loss."""
    arguments = list(arguments)
    arguments[8] = arguments[8] * arguments[0].size
    return _descend(*arguments, **settings)


@misconception(of="style_transfer", caught_by="history_is_correct")
def style_of_the_content_image(*arguments, **settings):
    """Your style targets are Gram matrices of the content: take those of the style picture."""
    content, _, *others = arguments
    return _descend(content, content, *others, **settings)


@misconception(of="style_transfer", caught_by="texture_is_synthesised")
def no_steps(*arguments, **settings):
    """Your history has the same terms in every step: the image does not change."""
    img = np.array(arguments[0] if settings.get("start") is None else settings["start"])
    _, history = _descend(*arguments, **{**settings, "num_steps": 1, "on_step": None})
    return img, history * settings.get("num_steps", 100)


@misconception(of="style_transfer", caught_by="features_are_inverted")
def style_of_no_layers_needed(*arguments, **settings):
    """Without style layers your image does not move: content and total variation still count."""
    if not arguments[6]:
        settings = {**settings, "num_steps": 0}
    return _descend(*arguments, **settings)


@misconception(of="style_transfer", caught_by="on_step_sees_each_image")
def returns_the_image_before_the_last_step(*arguments, **settings):
    """You return the image before the last step, although on_step has seen a later one."""
    _, history = _descend(*arguments, **settings)
    earlier = {**settings, "num_steps": max(0, settings.get("num_steps", 100) - 1)}
    return _descend(*arguments, **{**earlier, "on_step": None})[0], history


@misconception(
    of="style_transfer", caught_by="style_transfer_leaves_pictures_alone", symptom="mutation"
)
def content_painted_over(*arguments, **settings):
    """Your descent paints over the caller's picture: begin with a copy of it."""
    img, history = _descend(*arguments, **settings)
    target = arguments[0] if settings.get("start") is None else settings["start"]
    target[...] = img
    return target, history


# Building blocks ----------------------------------------------------------------------------------


def _content(weight, current, original):
    d = current - original
    return weight * np.sum(d**2), 2 * weight * d


def _gram(features, size):
    """Return Gram matrices over a size, C H W by default."""
    N, C, H, W = features.shape
    rows = features.reshape(N, C, H * W)
    return rows @ rows.transpose(0, 2, 1) / (C * H * W if size is None else size)


def _back(matrix, features, normalize):
    N, C, H, W = features.shape
    drows = matrix @ features.reshape(N, C, H * W) / (C * H * W if normalize else 1)
    return drows.reshape(features.shape)


def _names(feats):
    return list(feats) if isinstance(feats, dict) else list(range(len(feats)))


def _style(feats, layers, targets, weights):
    loss, dfeats = 0.0, {}
    for layer, target, weight in zip(layers, targets, weights, strict=False):
        d = _gram(feats[layer], None) - target
        loss += weight * np.sum(d**2)
        dfeats[layer] = _back(4 * weight * d, feats[layer], True)
    return loss, dfeats


def _neighbours(img):
    return img[:, :, 1:] - img[:, :, :-1], img[:, :, :, 1:] - img[:, :, :, :-1]


def _spread(ddown, dacross, img, weight):
    gradient = np.zeros_like(img)
    gradient[:, :, 1:] += weight * ddown
    gradient[:, :, :-1] -= weight * ddown
    gradient[:, :, :, 1:] += weight * dacross
    gradient[:, :, :, :-1] -= weight * dacross
    return gradient


def _tv(img, weight):
    down, across = _neighbours(img)
    loss = weight * (np.sum(down**2) + np.sum(across**2))
    return loss, _spread(2 * down, 2 * across, img, weight)


def _transfer(img, extract, backprop, layer, weight, original, layers, targets, weights, tv_weight):
    feats = extract(img)
    content, dcontent = _content(weight, feats[layer], original)
    style, dfeats = _style(feats, layers, targets, weights)
    tv, dtv = _tv(img, tv_weight)
    dfeats[layer] = dfeats.get(layer, 0) + dcontent
    return {"content": content, "style": style, "tv": tv}, backprop(img, dfeats) + dtv


def _descend(
    content,
    style,
    extract,
    backprop,
    content_layer,
    content_weight,
    style_layers,
    style_weight,
    tv_weight,
    bounds,
    start=None,
    learning_rate=0.03,
    num_steps=100,
    on_step=None,
    *,
    forget=False,
    plain=False,
    sign=1.0,
    clip="bounds",
    balanced=True,
):
    """Return image and history, right with the defaults of what can be named only."""
    original = extract(content)[content_layer]
    feats = extract(style)
    targets = [_gram(feats[layer], None) for layer in style_layers]
    sizes = [np.sum(t**2) * len(targets) if balanced else 1.0 for t in targets]
    goals = (
        *(content_layer, content_weight / (np.sum(original**2) if balanced else 1.0), original),
        *(style_layers, targets, [style_weight / size for size in sizes]),
        tv_weight / content.size,
    )
    img, history, m, v, t = np.array(content if start is None else start), [], 0.0, 0.0, 0
    for step in range(num_steps):
        terms, g = _transfer(img, extract, backprop, *goals)
        history.append(terms)
        g = sign * g
        if forget:
            m, v, t = 0.0, 0.0, 0
        m, v, t = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2, t + 1
        adam = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        img = img - learning_rate * (g if plain else adam)
        if clip is not None:
            img = np.clip(img, *(bounds if isinstance(clip, str) else clip))
        if on_step is not None:
            on_step(step + 1, img)
    return img, history
