"""Known-wrong versions of the visualisation functions, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# saliency_map -------------------------------------------------------------------------------------


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_without_absolute_value(X, y, model):
    """You take the maximum of signed derivatives: a pixel that ought to be darker matters, too.
    Take the absolute value first."""
    return _slopes(X, y, model).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_absolute_value_last(X, y, model):
    """You take the maximum first and the absolute value afterwards: it is the maximum over the
    colours of the absolute derivatives."""
    return np.abs(_slopes(X, y, model).max(axis=1))


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_summed_over_colours(X, y, model):
    """You add the three colours up: the map is the largest of the three absolute derivatives."""
    return np.abs(_slopes(X, y, model)).sum(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_averaged_over_colours(X, y, model):
    """You average the three colours: the map is the largest of the three absolute derivatives."""
    return np.abs(_slopes(X, y, model)).mean(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_of_all_scores(X, y, model):
    """Your dscores is 1 for every class, so this is the gradient of the sum of all scores: only the
    entry of the image's class is 1."""
    return np.abs(model(X, np.ones_like(model(X)))).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_of_columns(X, y, model):
    """`dscores[:, y] = 1` sets the columns y in every row: `dscores[np.arange(N), y] = 1` sets one
    entry a row."""
    dscores = np.zeros_like(model(X))
    dscores[:, y] = 1
    return np.abs(model(X, dscores)).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_of_the_best_class(X, y, model):
    """You use the class with the highest score: the map is that of the class y that is asked
    for."""
    return np.abs(_slopes(X, model(X).argmax(axis=1), model)).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_of_the_probability(X, y, model):
    """This is the gradient of the loss or the probability: saliency asks for that of the score
    itself, whose dscores is 1 at the class and 0 elsewhere."""
    scores = model(X)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return np.abs(model(X, p)).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_weighted_by_scores(X, y, model):
    """You go back with the score itself: the derivative of a score with respect to itself is 1."""
    scores = model(X)
    dscores = np.zeros_like(scores)
    dscores[np.arange(len(y)), y] = scores[np.arange(len(y)), y]
    return np.abs(model(X, dscores)).max(axis=1)


@misconception(of="saliency_map", caught_by="saliency_is_correct")
def saliency_averaged_over_the_batch(X, y, model):
    """Your map is N times too small: each image has a score of its own, nothing is averaged over
    the batch."""
    return np.abs(_slopes(X, y, model)).max(axis=1) / len(y)


@misconception(of="saliency_map", caught_by="saliency_leaves_arguments_alone", symptom="mutation")
def saliency_normalises_images_in_place(X, y, model):
    """Your function changes the caller's images, as `X -= ...` or `X[:] = ...` do: work on a new
    array."""
    saliency = np.abs(_slopes(X, y, model)).max(axis=1)
    X -= X.mean()
    return saliency


# occlusion_map ------------------------------------------------------------------------------------


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_sign_flipped(X, y, model, size, stride):
    """Your sign is flipped: the fall of the score is score before minus score after, positive where
    the square covered something that speaks for the class."""
    return -_drops(X, y, model, size, stride)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_returns_scores(X, y, model, size, stride):
    """You return the scores of the covered images: subtract them from that of the whole image."""
    return model(X)[0, y] - _drops(X, y, model, size, stride)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_squares_stay(X, y, model, size, stride):
    """The squares pile up: begin each position with a fresh copy of the image."""
    return _drops(X, y, model, size, stride, fresh=False)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_of_one_colour(X, y, model, size, stride):
    """You cover one colour only: all three channels of the square become 0."""
    return _drops(X, y, model, size, stride, channels=slice(0, 1))


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_of_the_best_class(X, y, model, size, stride):
    """You watch the highest score of each image: watch that of class y."""
    before = model(X).max()
    return before - _scores_covered(X, model, size, stride).max(axis=2)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_ignores_stride(X, y, model, size, stride):
    """Your squares move by one pixel: the next position is `stride` pixels on."""
    return _drops(X, y, model, size, 1)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_stride_is_size(X, y, model, size, stride):
    """Your squares move by their own size: the next position is `stride` pixels on, so squares may
    overlap."""
    return _drops(X, y, model, size, size)


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_transposed(X, y, model, size, stride):
    """Your map has rows and columns exchanged: the first axis goes down the image (H), the second
    to the right (W)."""
    return _drops(X, y, model, size, stride).T


@misconception(of="occlusion_map", caught_by="occlusion_is_correct")
def occlusion_covers_with_the_mean(X, y, model, size, stride):
    """You cover with the mean of this image: the square is set to 0, which is the mean colour of
    normalised images."""
    return _drops(X, y, model, size, stride, fill=X.mean())


@misconception(of="occlusion_map", caught_by="occlusion_reaches_the_border")
def occlusion_misses_the_last_position(X, y, model, size, stride):
    """A square that just fits at the border is missing: `range(0, H - size + 1, stride)`, with the
    + 1."""
    height, width = X.shape[2:]
    rows = len(range(0, height - size, stride))
    columns = len(range(0, width - size, stride))
    return _drops(X, y, model, size, stride)[:rows, :columns]


@misconception(of="occlusion_map", caught_by="occlusion_leaves_the_image_alone", symptom="mutation")
def occlusion_covers_the_callers_image(X, y, model, size, stride):
    """You cover the caller's image: make a copy for each position (`X.copy()`)."""
    drops = _drops(X, y, model, size, stride)
    X[:, :, :size, :size] = 0
    return drops


# fooling_image ------------------------------------------------------------------------------------


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_without_normalisation(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You add the gradient as it is: divide it by its norm first, so that each step has the length
    learning_rate."""
    return _climb(X, target_y, model, learning_rate, max_iter, norm=lambda g: 1.0)


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_divides_by_squared_norm(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You divide by the squared norm: take the root, `np.linalg.norm(gradient)`."""
    return _climb(X, target_y, model, learning_rate, max_iter, norm=lambda g: np.sum(g * g))


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_divides_by_mean(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You divide by the mean absolute gradient, as for DeepDream: here each step has the L2 norm
    learning_rate."""
    return _climb(X, target_y, model, learning_rate, max_iter, norm=lambda g: np.abs(g).mean())


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_descends(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You walk down: to raise the target's score, add the gradient."""
    return _climb(X, target_y, model, -learning_rate, max_iter)


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_with_the_sign(X, target_y, model, learning_rate=1.0, max_iter=100):
    """This is the fast gradient *sign* method: here the step is the gradient, divided by its
    norm."""
    return _climb(X, target_y, model, learning_rate, max_iter, direction=np.sign)


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_only_lowers_the_class(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You lower the score of the present class: raise that of the target."""
    X_fooling = X.copy()
    for _ in range(max_iter):
        scores = model(X_fooling)
        best = int(scores[0].argmax())
        if best == target_y:
            break
        g = -_slopes(X_fooling, [best], model)
        X_fooling = X_fooling + learning_rate * g / np.linalg.norm(g)
    return X_fooling


@misconception(of="fooling_image", caught_by="fooling_takes_the_first_step")
def fooling_of_the_probability(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You follow the gradient of the log-probability: follow that of the target's score alone."""
    X_fooling = X.copy()
    for _ in range(max_iter):
        scores = model(X_fooling)
        if scores[0].argmax() == target_y:
            break
        p = np.exp(scores - scores.max())
        d = -p / p.sum()
        d[0, target_y] += 1
        g = model(X_fooling, d)
        X_fooling = X_fooling + learning_rate * g / np.linalg.norm(g)
    return X_fooling


@misconception(of="fooling_image", caught_by="fooling_fools")
def fooling_gradient_never_renewed(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You use the gradient of the first image in all steps: it changes with the image, so compute
    it anew in the loop."""
    X_fooling = X.copy()
    g = _slopes(X, [target_y], model)
    for _ in range(max_iter):
        if model(X_fooling)[0].argmax() == target_y:
            break
        X_fooling = X_fooling + learning_rate * g / np.linalg.norm(g)
    return X_fooling


@misconception(of="fooling_image", caught_by="fooling_fools")
def fooling_never_stops(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You take all max_iter steps: stop as soon as the highest score is the target's."""
    X_fooling = X.copy()
    for _ in range(max_iter):
        g = _slopes(X_fooling, [target_y], model)
        X_fooling = X_fooling + learning_rate * g / np.linalg.norm(g)
    return X_fooling


@misconception(of="fooling_image", caught_by="fooling_fools")
def fooling_stops_after_one_step(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You return after the first step: the `return` belongs behind the loop."""
    return _climb(X, target_y, model, learning_rate, 1)


@misconception(of="fooling_image", caught_by="fooling_of_the_target_itself")
def fooling_steps_before_looking(X, target_y, model, learning_rate=1.0, max_iter=100):
    """You take a step before you look at the scores: an image that is of the target class already
    comes back as it was."""
    X_fooling = X.copy()
    for _ in range(max_iter):
        g = _slopes(X_fooling, [target_y], model)
        X_fooling = X_fooling + learning_rate * g / np.linalg.norm(g)
        if model(X_fooling)[0].argmax() == target_y:
            break
    return X_fooling


@misconception(of="fooling_image", caught_by="fooling_leaves_the_image_alone", symptom="mutation")
def fooling_changes_the_callers_image(X, target_y, model, learning_rate=1.0, max_iter=100):
    """`X_fooling = X` is no copy, so `+=` changes the caller's image: begin with `X.copy()`."""
    X[:] = _climb(X, target_y, model, learning_rate, max_iter)
    return X


# jitter and blur_image ----------------------------------------------------------------------------


@misconception(of="jitter", caught_by="jitter_is_correct")
def jitter_axes_exchanged(X, ox, oy):
    """You exchange the two shifts: ox goes along the width (axis 3), oy along the height (axis
    2)."""
    return np.roll(X, (ox, oy), axis=(2, 3))


@misconception(of="jitter", caught_by="jitter_is_correct")
def jitter_wrong_way(X, ox, oy):
    """You shift the other way: positive numbers go right and down."""
    return np.roll(X, (-oy, -ox), axis=(2, 3))


@misconception(of="jitter", caught_by="jitter_is_correct")
def jitter_vertically_wrong_way(X, ox, oy):
    """You shift up for positive oy: rows are counted from the top, so positive means down."""
    return np.roll(X, (-oy, ox), axis=(2, 3))


@misconception(of="jitter", caught_by="jitter_is_correct")
def jitter_of_channels(X, ox, oy):
    """You shift along axes 1 and 2, which are colours and rows: images are (N, 3, H, W), so take
    axes 2 and 3."""
    return np.roll(X, (oy, ox), axis=(1, 2))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_along_rows_only(X, sigma):
    """You blur along the width only: blur the result along the height, too."""
    return _blurred(X, sigma, axes=(3,))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_along_columns_only(X, sigma):
    """You blur along the height only: blur the result along the width, too."""
    return _blurred(X, sigma, axes=(2,))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_not_normalised(X, sigma):
    """The kernel does not add up to 1, so that the image becomes brighter or darker: divide it by
    its sum."""
    return _blurred(X, sigma, normalise=False)


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_pads_with_zeros(X, sigma):
    """You count zeros beyond the border, which darkens it: repeat the border pixels,
    `np.pad(..., mode="edge")`."""
    return _blurred(X, sigma, mode="constant")


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_wraps_around(X, sigma):
    """What leaves on one side comes in on the other: for the blur, beyond the border the nearest
    border pixel counts."""
    return _blurred(X, sigma, mode="wrap")


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_without_the_two(X, sigma):
    """Your bell is exp(-t² / σ²): the exponent is -t² / (2σ²)."""
    return _blurred(X, sigma, bell=lambda t: np.exp(-(t**2) / sigma**2))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_sigma_not_squared(X, sigma):
    """Your bell divides by 2σ: the exponent is -t² / (2σ²)."""
    return _blurred(X, sigma, bell=lambda t: np.exp(-(t**2) / (2 * sigma)))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_colours_too(X, sigma):
    """You blur over colours as well: only the two axes of the plane, 2 and 3, are blurred."""
    return _blurred(X, sigma, axes=(1, 2, 3))


@misconception(of="blur_image", caught_by="blur_is_correct")
def blur_kernel_too_short(X, sigma):
    """Your kernel ends at one σ: its radius is ceil(3σ)."""
    return _blurred(X, sigma, radius=int(np.ceil(sigma)))


@misconception(of="blur_image", caught_by="blur_of_small_image")
def blur_cuts_small_images(X, sigma):
    """You shorten the kernel for small images: it keeps its radius ceil(3σ), and the border pixels
    are repeated as often as needed."""
    radius = min(int(np.ceil(3 * sigma)), X.shape[2] - 1, X.shape[3] - 1)
    return _blurred(X, sigma, radius=radius)


# class_visualization_step -------------------------------------------------------------------------


@misconception(of="class_visualization_step", caught_by="class_step_is_correct")
def class_step_ignores_the_penalty(img, model, target_y, l2_reg, learning_rate):
    """The penalty is missing in your gradient: subtract the derivative of l2_reg * sum(img **
    2)."""
    return _class_step(img, model, target_y, 0.0, learning_rate)


@misconception(of="class_visualization_step", caught_by="class_step_is_correct")
def class_step_adds_the_penalty(img, model, target_y, l2_reg, learning_rate):
    """You climb the penalty: it is subtracted from the score, and so is its gradient."""
    return _class_step(img, model, target_y, -l2_reg, learning_rate)


@misconception(of="class_visualization_step", caught_by="class_step_is_correct")
def class_step_halves_the_penalty(img, model, target_y, l2_reg, learning_rate):
    """The derivative of img² is 2 img: your penalty's gradient is half of what it should be."""
    return _class_step(img, model, target_y, l2_reg / 2, learning_rate)


@misconception(of="class_visualization_step", caught_by="class_step_is_correct")
def class_step_penalty_after_the_norm(img, model, target_y, l2_reg, learning_rate):
    """You subtract the penalty's gradient after the division by the norm: it is part of the
    gradient, so subtract first, and divide the whole."""
    g = _slopes(img, [target_y], model)
    return img + learning_rate * (g / np.linalg.norm(g) - 2 * l2_reg * img)


@misconception(of="class_visualization_step", caught_by="class_step_without_penalty")
def class_step_not_normalised(img, model, target_y, l2_reg, learning_rate):
    """You add the gradient as it is: divide it by its norm, so that the step has the length
    learning_rate."""
    return img + learning_rate * (_slopes(img, [target_y], model) - 2 * l2_reg * img)


@misconception(of="class_visualization_step", caught_by="class_step_without_penalty")
def class_step_goes_down(img, model, target_y, l2_reg, learning_rate):
    """You walk down, as when a network is trained: here the score is to rise, so add the
    gradient."""
    return _class_step(img, model, target_y, l2_reg, -learning_rate)


@misconception(of="class_visualization_step", caught_by="class_step_without_penalty")
def class_step_returns_the_step(img, model, target_y, l2_reg, learning_rate):
    """You return the step: return the picture after it, img plus the step."""
    return _class_step(img, model, target_y, l2_reg, learning_rate) - img


@misconception(of="class_visualization_step", caught_by="class_step_without_penalty")
def class_step_of_all_scores(img, model, target_y, l2_reg, learning_rate):
    """Your dscores is 1 for every class: only that of target_y is to rise."""
    g = model(img, np.ones_like(model(img))) - 2 * l2_reg * img
    return img + learning_rate * g / np.linalg.norm(g)


@misconception(
    of="class_visualization_step",
    caught_by="class_step_leaves_the_picture_alone",
    symptom="mutation",
)
def class_step_in_place(img, model, target_y, l2_reg, learning_rate):
    """`img += ...` changes the caller's picture: return `img + ...`, which is a new array."""
    img[:] = _class_step(img, model, target_y, l2_reg, learning_rate)
    return img


# deepdream ----------------------------------------------------------------------------------------


@misconception(of="deepdream_step", caught_by="dream_step_is_correct")
def dream_of_ones(X, model, learning_rate):
    """Your dfeatures is 1 everywhere, which climbs the *sum* of features: the derivative of ½ a² is
    a itself."""
    g = model(X, np.ones_like(model(X)))
    return X + learning_rate * g / np.abs(g).mean()


@misconception(of="deepdream_step", caught_by="dream_step_is_correct")
def dream_of_squares(X, model, learning_rate):
    """You go back with a²: the derivative of ½ a² is a."""
    g = model(X, model(X) ** 2)
    return X + learning_rate * g / np.abs(g).mean()


@misconception(of="deepdream_step", caught_by="dream_step_is_correct")
def dream_of_the_strongest(X, model, learning_rate):
    """You follow the strongest feature alone: all features count, each as strongly as it is."""
    features = model(X)
    g = model(X, np.where(features == features.max(), features, 0))
    return X + learning_rate * g / np.abs(g).mean()


@misconception(of="deepdream_step", caught_by="dream_step_is_correct")
def dream_of_positive_features(X, model, learning_rate):
    """You leave out negative features: squares count whatever their sign."""
    g = model(X, np.maximum(model(X), 0))
    return X + learning_rate * g / np.abs(g).mean()


@misconception(of="deepdream_step", caught_by="dream_step_of_feature_maps")
def dream_not_normalised(X, model, learning_rate):
    """You add the gradient as it is: divide it by the mean of its absolute values."""
    return X + learning_rate * model(X, model(X))


@misconception(of="deepdream_step", caught_by="dream_step_of_feature_maps")
def dream_divides_by_the_norm(X, model, learning_rate):
    """You divide by the L2 norm, as for a fooling image: here it is the mean of the absolute
    values."""
    g = model(X, model(X))
    return X + learning_rate * g / np.linalg.norm(g)


@misconception(of="deepdream_step", caught_by="dream_step_of_feature_maps")
def dream_divides_by_the_mean(X, model, learning_rate):
    """You divide by the mean of the gradient, where signs cancel: take absolute values first."""
    g = model(X, model(X))
    return X + learning_rate * g / g.mean()


@misconception(of="deepdream_step", caught_by="dream_step_of_feature_maps")
def dream_divides_by_the_spread(X, model, learning_rate):
    """You divide by the standard deviation: the text asks for the mean of the absolute values."""
    g = model(X, model(X))
    return X + learning_rate * g / g.std()


@misconception(of="deepdream_step", caught_by="dream_step_of_feature_maps")
def dream_goes_down(X, model, learning_rate):
    """You weaken the features: add the gradient instead of subtracting it."""
    g = model(X, model(X))
    return X - learning_rate * g / np.abs(g).mean()


@misconception(
    of="deepdream_step", caught_by="dream_step_leaves_the_picture_alone", symptom="mutation"
)
def dream_in_place(X, model, learning_rate):
    """`X += ...` changes the caller's picture: return `X + ...`, which is a new array."""
    X[:] = _dream_step(X, model, learning_rate)
    return X


@misconception(of="octave_shapes", caught_by="octave_shapes_are_correct")
def octaves_from_large_to_small(height, width, num_octaves, scale):
    """Your octaves go from large to small: dreams begin on the smallest, so it comes first."""
    return [(round(height / scale**k), round(width / scale**k)) for k in range(num_octaves)]


@misconception(of="octave_shapes", caught_by="octave_shapes_are_correct")
def octaves_rounded_down(height, width, num_octaves, scale):
    """You round down: take the nearest whole number, `round(...)`."""
    return [(int(height / scale**k), int(width / scale**k)) for k in range(num_octaves - 1, -1, -1)]


@misconception(of="octave_shapes", caught_by="octave_shapes_are_correct")
def octaves_rounded_twice(height, width, num_octaves, scale):
    """You scale shapes that are rounded already: compute each from the picture's own, H /
    scale**k."""
    shapes = [(height, width)]
    for _ in range(num_octaves - 1):
        shapes.append((round(shapes[-1][0] / scale), round(shapes[-1][1] / scale)))
    return shapes[::-1]


@misconception(of="octave_shapes", caught_by="octave_shapes_are_correct")
def octaves_without_the_picture(height, width, num_octaves, scale):
    """The picture's own shape is missing: the exponents go from num_octaves - 1 down to 0."""
    return [(round(height / scale**k), round(width / scale**k)) for k in range(num_octaves, 0, -1)]


@misconception(of="octave_shapes", caught_by="octave_shapes_are_correct")
def octaves_width_first(height, width, num_octaves, scale):
    """Your pairs are (width, height): the height comes first, as in the shape of an array."""
    return [
        (round(width / scale**k), round(height / scale**k)) for k in range(num_octaves - 1, -1, -1)
    ]


@misconception(of="deepdream", caught_by="dream_carries_the_detail")
def dream_enlarges_the_picture(X, model, resize, shapes, num_steps, learning_rate):
    """You enlarge the whole dreamed picture, so that everything went through the small copy:
    enlarge the detail alone, and add it to the original at the new size."""
    dream = X
    for shape in shapes:
        dream = resize(dream, shape)
        for _ in range(num_steps):
            dream = _dream_step(dream, model, learning_rate)
    return dream


@misconception(of="deepdream", caught_by="dream_carries_the_detail")
def dream_forgets_the_detail(X, model, resize, shapes, num_steps, learning_rate):
    """Each octave begins with the original, and what the smaller ones dreamed is lost: add the
    detail so far, enlarged, to the base."""
    for shape in shapes:
        dream = resize(X, shape)
        for _ in range(num_steps):
            dream = _dream_step(dream, model, learning_rate)
    return dream


@misconception(of="deepdream", caught_by="dream_carries_the_detail")
def dream_carries_the_last_octave_only(X, model, resize, shapes, num_steps, learning_rate):
    """You carry along only what the last octave added: the detail is the dream minus the base, with
    everything dreamed before in it."""
    detail = np.zeros_like(X)
    for shape in shapes:
        start = resize(X, shape) + resize(detail, shape)
        dream = start
        for _ in range(num_steps):
            dream = _dream_step(dream, model, learning_rate)
        detail = dream - start
    return dream


@misconception(of="deepdream", caught_by="dream_on_one_octave")
def dream_returns_the_detail(X, model, resize, shapes, num_steps, learning_rate):
    """You return the detail: return the dream, which is the picture with it."""
    return _dream(X, model, resize, shapes, num_steps, learning_rate) - X


@misconception(of="deepdream", caught_by="dream_on_one_octave")
def dream_takes_one_step(X, model, resize, shapes, num_steps, learning_rate):
    """You take one step an octave: take num_steps of them."""
    return _dream(X, model, resize, shapes, 1, learning_rate)


# Similarities -------------------------------------------------------------------------------------


@misconception(of="pairwise_squared_distances", caught_by="distances_are_correct")
def distances_with_root(X):
    """These are distances: the squared ones are asked for, without the root."""
    return np.sqrt(_distances(X))


@misconception(of="pairwise_squared_distances", caught_by="distances_are_correct")
def distances_without_the_two(X):
    """The product lacks its factor: |a - b|² = |a|² + |b|² - 2 a·b."""
    squares = np.sum(X * X, axis=1)
    D = np.maximum(squares[:, None] + squares - X @ X.T, 0)
    np.fill_diagonal(D, 0)
    return D


@misconception(of="pairwise_squared_distances", caught_by="distances_are_correct")
def distances_absolute(X):
    """You add up absolute differences (L1): add up their squares."""
    return np.abs(X[:, None] - X).sum(axis=2)


@misconception(of="pairwise_squared_distances", caught_by="distances_are_correct")
def distances_averaged(X):
    """You average the squared differences over the D features: add them up."""
    return _distances(X) / X.shape[1]


@misconception(of="pairwise_squared_distances", caught_by="distances_are_never_negative")
def distances_not_cut_off(X):
    """Rounding makes some of your squared distances negative, or leaves a diagonal that is not 0:
    cut off with np.maximum(…, 0), and set the diagonal to 0."""
    squares = np.sum(X * X, axis=1)
    return squares[:, None] + squares - 2 * X @ X.T


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_with_one_precision(D, perplexity):
    """You use the same beta for all points: every row needs its own, found by bisection."""
    return _rows(D, np.ones(len(D)))


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_entropy_is_perplexity(D, perplexity):
    """You make the entropy equal to the perplexity itself: the perplexity is e to the entropy, so
    that the entropy becomes log(perplexity)."""
    return _conditional(D, np.exp(min(perplexity, np.log(len(D) - 1) - 1e-4)))


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_entropy_in_mixed_units(D, perplexity):
    """Your entropy is in nats and its target in bits (or the other way about): take the natural
    logarithm in both."""
    return _conditional(D, np.exp(min(np.log2(perplexity), np.log(len(D) - 1) - 1e-3)))


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_transposed(D, perplexity):
    """Your columns add up to 1: row i holds the probabilities p(j|i) of i's neighbours."""
    return _conditional(D, perplexity).T


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_root_of_distances(D, perplexity):
    """You take the root of the distances: the exponent is -beta times the *squared* distance, which
    is what you are given."""
    return _conditional(np.sqrt(D), perplexity)


@misconception(of="conditional_probabilities", caught_by="conditional_probabilities_are_correct")
def conditional_squares_again(D, perplexity):
    """You square the distances again: you are given squared ones."""
    return _conditional(D**2, perplexity)


@misconception(of="conditional_probabilities", caught_by="conditional_rows_are_distributions")
def conditional_with_oneself(D, perplexity):
    """You count every point as its own neighbour: p(i|i) is 0, and i takes no part in the sum."""
    P = _conditional(D, perplexity) + np.eye(len(D))
    return P / P.sum(axis=1, keepdims=True)


@misconception(of="conditional_probabilities", caught_by="conditional_rows_are_distributions")
def conditional_normalised_over_all(D, perplexity):
    """You divide by the sum over all pairs: every row is a distribution of its own."""
    P = _conditional(D, perplexity)
    return P / P.sum()


@misconception(of="conditional_probabilities", caught_by="conditional_survives_large_distances")
def conditional_without_shift(D, perplexity):
    """At large distances all exponentials underflow and you divide 0 by 0: subtract the smallest
    distance of the row first, as in a softmax."""
    P = np.exp(-D) * (1 - np.eye(len(D)))
    sums = P.sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        return np.where(sums > 1e-12, _conditional(D, perplexity), P / sums)


@misconception(of="joint_probabilities", caught_by="joint_is_correct")
def joint_not_divided_by_number(P):
    """Your joint probabilities add up to N: divide by 2N, not by 2."""
    return (P + P.T) / 2


@misconception(of="joint_probabilities", caught_by="joint_is_correct")
def joint_without_the_half(P):
    """Your joint probabilities add up to 2: divide the sum of both directions by 2N."""
    return (P + P.T) / len(P)


@misconception(of="joint_probabilities", caught_by="joint_is_correct")
def joint_not_symmetric(P):
    """You only divide by N: take the mean of both directions, P and P.T."""
    return P / len(P)


@misconception(of="joint_probabilities", caught_by="joint_is_correct")
def joint_as_product(P):
    """You multiply the two directions: add them, so that a lonely point keeps its say."""
    product = P * P.T
    return product / product.sum()


@misconception(of="student_t_similarities", caught_by="student_t_is_correct")
def student_t_is_gaussian(Y):
    """This is a Gaussian: in the plane the kernel is 1 / (1 + squared distance)."""
    weights = np.exp(-_distances(Y)) * (1 - np.eye(len(Y)))
    return weights / weights.sum(), weights


@misconception(of="student_t_similarities", caught_by="student_t_is_correct")
def student_t_counts_the_diagonal(Y):
    """Your diagonal is 1: set the weights of i with itself to 0 before you normalise."""
    weights = 1 / (1 + _distances(Y))
    return weights / weights.sum(), weights


@misconception(of="student_t_similarities", caught_by="student_t_is_correct")
def student_t_normalised_by_rows(Y):
    """You normalise every row: Q is a joint distribution, divided by one sum over all pairs."""
    _, weights = _student_t(Y)
    return weights / weights.sum(axis=1, keepdims=True), weights


@misconception(of="student_t_similarities", caught_by="student_t_is_correct")
def student_t_of_distances(Y):
    """You take the root of the distances: the kernel has the *squared* distance in it."""
    weights = 1 / (1 + np.sqrt(_distances(Y))) * (1 - np.eye(len(Y)))
    return weights / weights.sum(), weights


@misconception(of="student_t_similarities", caught_by="student_t_is_correct")
def student_t_returned_in_reverse(Y):
    """You return the weights first: Q comes first, then the weights."""
    Q, weights = _student_t(Y)
    return weights, Q


# tsne_loss and tsne -------------------------------------------------------------------------------


@misconception(of="tsne_loss", caught_by="divergence_is_correct")
def divergence_the_other_way(P, Y):
    """This is the divergence of Q from P: it is P log(P / Q), weighted with P."""
    Q, _ = _student_t(Y)
    used = P > 0
    return np.sum(Q[used] * np.log(Q[used] / P[used])), _tsne_gradient(P, Y)


@misconception(of="tsne_loss", caught_by="divergence_is_correct")
def divergence_is_cross_entropy(P, Y):
    """This is the cross-entropy: the term P log P is missing, a constant, but part of the loss."""
    Q, _ = _student_t(Y)
    used = P > 0
    return -np.sum(P[used] * np.log(Q[used])), _tsne_gradient(P, Y)


@misconception(of="tsne_loss", caught_by="divergence_is_correct")
def divergence_averaged(P, Y):
    """You average over pairs or points: the divergence is the sum over all pairs."""
    return _divergence(P, Y) / len(P), _tsne_gradient(P, Y)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_with_factor_two(P, Y):
    """Your gradient is half of what it should be: y_i occurs in the pairs (i, j) and (j, i), and
    each gives a 2."""
    return _divergence(P, Y), _tsne_gradient(P, Y, factor=2)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_with_factor_one(P, Y):
    """The factor is missing in your gradient: y_i occurs in the pairs (i, j) and (j, i), and the
    derivative of a squared distance has a 2."""
    return _divergence(P, Y), _tsne_gradient(P, Y, factor=1)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_without_weights(P, Y):
    """The weights w_ij are missing in your gradient (it is that of symmetric SNE): multiply P - Q
    by them."""
    Q, _ = _student_t(Y)
    return _divergence(P, Y), _pull(P - Q, Y)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_sign_flipped(P, Y):
    """Your gradient has the wrong sign: it is P - Q times y_i - y_j."""
    return _divergence(P, Y), -_tsne_gradient(P, Y)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_multiplies_by_q(P, Y):
    """You multiply by Q: the factor is the weight before the normalisation, w_ij."""
    Q, _ = _student_t(Y)
    return _divergence(P, Y), _pull((P - Q) * Q, Y)


@misconception(of="tsne_loss", caught_by="divergence_gradient_is_correct")
def gradient_of_positions(P, Y):
    """Your gradient adds up a_ij y_j: it is the difference y_i - y_j that counts, y_i times the
    row's sum minus A @ Y."""
    Q, weights = _student_t(Y)
    return _divergence(P, Y), -4 * ((P - Q) * weights) @ Y


@misconception(of="tsne_loss", caught_by="divergence_of_zero_probabilities")
def divergence_of_zero_is_nan(P, Y):
    """Where P is 0 off the diagonal, your loss is NaN: 0 log 0 counts as 0, so add up only where P
    > 0."""
    Q, _ = _student_t(Y)
    off = ~np.eye(len(P), dtype=bool)
    with np.errstate(all="ignore"):
        return np.sum(P[off] * np.log(P[off] / Q[off])), _tsne_gradient(P, Y)


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_without_exaggeration(X, perplexity, num_iters, learning_rate, rng):
    """Early exaggeration is missing: in the first quarter of the steps the gradient is that of 12
    P."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, exaggeration=1)


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_exaggerates_all_the_time(X, perplexity, num_iters, learning_rate, rng):
    """You exaggerate to the end: after the first quarter of the steps the gradient is that of P."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, early=1)


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_without_momentum(X, perplexity, num_iters, learning_rate, rng):
    """Momentum is missing: V = momentum * V - learning_rate * dY, and Y + V."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, momenta=(0, 0))


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_with_constant_momentum(X, perplexity, num_iters, learning_rate, rng):
    """Your momentum stays 0.5: after the first quarter of the steps it is 0.8."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, momenta=(0.5, 0.5))


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_with_high_momentum_early(X, perplexity, num_iters, learning_rate, rng):
    """Your momentum is 0.8 from the start: in the first quarter of the steps it is 0.5."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, momenta=(0.8, 0.8))


@misconception(of="tsne", caught_by="tsne_takes_the_first_steps")
def tsne_climbs(X, perplexity, num_iters, learning_rate, rng):
    """You climb the loss: subtract the gradient."""
    return _tsne(X, perplexity, num_iters, -learning_rate, rng)


@misconception(of="tsne", caught_by="tsne_reports_the_true_loss")
def tsne_reports_exaggerated_loss(X, perplexity, num_iters, learning_rate, rng):
    """In the first quarter you report the loss of 12 P: report that of P itself, and use the
    gradient of 12 P."""
    return _tsne(X, perplexity, num_iters, learning_rate, rng, report_exaggerated=True)


@misconception(of="tsne", caught_by="tsne_reports_the_true_loss")
def tsne_reports_after_the_step(X, perplexity, num_iters, learning_rate, rng):
    """Your losses are one step late: each is that of the points before the step."""
    _, losses = _tsne(X, perplexity, num_iters + 1, learning_rate, rng)
    return np.zeros((len(X), 2)), losses[1:]


@misconception(of="tsne", caught_by="tsne_separates_clusters")
def tsne_returns_the_start(X, perplexity, num_iters, learning_rate, rng):
    """You return the map with which you began: assign the new points, Y = Y + V."""
    Y = 1e-4 * rng.normal(size=(len(X), 2))
    return Y, [0.0] * num_iters


# Building blocks ----------------------------------------------------------------------------------


def _slopes(X, y, model):
    """Return the right gradient of the class scores."""
    dscores = np.zeros_like(model(X))
    dscores[np.arange(len(y)), y] = 1
    return model(X, dscores)


def _scores_covered(X, model, size, stride, *, fresh=True, channels=slice(None), fill=0.0):
    tops = range(0, X.shape[2] - size + 1, stride)
    lefts = range(0, X.shape[3] - size + 1, stride)
    covered = X.copy()
    rows = []
    for i in tops:
        row = []
        for j in lefts:
            covered = X.copy() if fresh else covered
            covered[:, channels, i : i + size, j : j + size] = fill
            row.append(model(covered)[0])
        rows.append(row)
    return np.array(rows)


def _drops(X, y, model, size, stride, **wrong):
    return model(X)[0, y] - _scores_covered(X, model, size, stride, **wrong)[:, :, y]


def _climb(X, target_y, model, rate, max_iter, *, norm=np.linalg.norm, direction=None):
    X_fooling = X.copy()
    for _ in range(max_iter):
        if model(X_fooling)[0].argmax() == target_y:
            break
        g = _slopes(X_fooling, [target_y], model)
        X_fooling = X_fooling + rate * (direction(g) if direction else g / norm(g))
    return X_fooling


def _blurred(X, sigma, *, axes=(2, 3), normalise=True, mode="edge", bell=None, radius=None):
    radius = int(np.ceil(3 * sigma)) if radius is None else radius
    t = np.arange(-radius, radius + 1)
    kernel = np.exp(-(t**2) / (2 * sigma**2)) if bell is None else bell(t)
    kernel = kernel / kernel.sum() if normalise else kernel
    for axis in axes:
        width = [(0, 0)] * 4
        width[axis] = (radius, radius)
        padded = np.pad(X, width, mode=mode)
        length = X.shape[axis]
        X = sum(
            k * np.take(padded, np.arange(i, i + length), axis=axis) for i, k in enumerate(kernel)
        )
    return X


def _class_step(img, model, target_y, l2_reg, rate):
    g = _slopes(img, [target_y], model) - 2 * l2_reg * img
    return img + rate * g / np.linalg.norm(g)


def _dream_step(X, model, rate):
    g = model(X, model(X))
    return X + rate * g / np.abs(g).mean()


def _dream(X, model, resize, shapes, num_steps, rate):
    detail = np.zeros_like(X)
    for shape in shapes:
        base = resize(X, shape)
        dream = base + resize(detail, shape)
        for _ in range(num_steps):
            dream = _dream_step(dream, model, rate)
        detail = dream - base
    return dream


def _distances(X):
    return ((X[:, None] - X) ** 2).sum(axis=2)


def _rows(D, betas):
    others = ~np.eye(len(D), dtype=bool)
    shifted = D - np.where(others, D, np.inf).min(axis=1, keepdims=True)
    P = np.where(others, np.exp(-betas[:, None] * np.where(others, shifted, 0)), 0)
    return P / P.sum(axis=1, keepdims=True)


def _conditional(D, perplexity):
    """Return the right probabilities, with log beta bisected for all rows at once."""
    low, high = np.full(len(D), -40.0), np.full(len(D), 40.0)
    for _ in range(80):
        middle = (low + high) / 2
        P = _rows(D, np.exp(middle))
        entropies = -np.sum(P * np.log(np.where(P > 0, P, 1)), axis=1)
        flat = entropies > np.log(perplexity)
        low, high = np.where(flat, middle, low), np.where(flat, high, middle)
    return P


def _student_t(Y):
    weights = 1 / (1 + _distances(Y))
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(), weights


def _divergence(P, Y):
    Q, _ = _student_t(Y)
    used = P > 0
    return np.sum(P[used] * np.log(P[used] / Q[used]))


def _pull(A, Y, factor=4):
    return factor * (A.sum(axis=1)[:, None] * Y - A @ Y)


def _tsne_gradient(P, Y, factor=4):
    Q, weights = _student_t(Y)
    return _pull((P - Q) * weights, Y, factor)


def _tsne(
    X,
    perplexity,
    num_iters,
    rate,
    rng,
    *,
    exaggeration=12,
    early=0.25,
    momenta=(0.5, 0.8),
    report_exaggerated=False,
):
    P = _conditional(_distances(X), perplexity)
    P = (P + P.T) / (2 * len(P))
    Y = 1e-4 * rng.normal(size=(len(X), 2))
    V, losses = np.zeros_like(Y), []
    for t in range(num_iters):
        first = t < num_iters // 4
        used = exaggeration * P if t < int(num_iters * early) else P
        losses.append(float(_divergence(used if report_exaggerated else P, Y)))
        V = momenta[0 if first else 1] * V - rate * _tsne_gradient(used, Y)
        Y = Y + V
    return Y, losses
