"""Known-wrong versions of the functions on features, and the hint that each earns."""

from __future__ import annotations

import numpy as np

from autograder import misconception

# rgb2gray -----------------------------------------------------------------------------------------


@misconception(of="rgb2gray", caught_by="grey_is_correct")
def grey_is_the_mean(rgb):
    """You take the mean of red, green and blue: the three have different weights, 0.299, 0.587 and
    0.114."""
    return np.mean(rgb, axis=-1)


@misconception(of="rgb2gray", caught_by="grey_is_correct")
def grey_swaps_red_and_blue(rgb):
    """You give the weight of red to blue: red comes first along the last axis, then green, then
    blue."""
    return rgb @ np.array([0.114, 0.587, 0.299])


@misconception(of="rgb2gray", caught_by="grey_is_correct")
def grey_weights_do_not_add_up(rgb):
    """Your weights add up to more than 1, so that white gets brighter than white: that of blue is
    0.114, not 0.144."""
    return rgb @ np.array([0.299, 0.587, 0.144])


@misconception(of="rgb2gray", caught_by="grey_of_a_batch", symptom="exception")
def grey_of_one_image_only(rgb):
    """Your function takes a single image only: address the colours as the last axis, `rgb[..., 0]`
    or `rgb @ weights`, and any number of axes may stand before it."""
    height, width, _ = rgb.shape
    return (rgb.reshape(-1, 3) @ np.array([0.299, 0.587, 0.114])).reshape(height, width)


@misconception(of="rgb2gray", caught_by="grey_of_a_batch")
def grey_is_rounded_down(rgb):
    """You convert the result back to the dtype of the image, which cuts off the fractions: let it
    be float."""
    return (rgb @ np.array([0.299, 0.587, 0.114])).astype(np.asarray(rgb).dtype)


# image_gradients ----------------------------------------------------------------------------------


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_swapped(grey):
    """You have gx and gy the wrong way round: x runs along a row, which is the last axis, and y
    downwards."""
    gx, gy = _gradients(grey)
    return gy, gx


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_point_back(grey):
    """Your gradients have the wrong sign: it is the next pixel minus this one."""
    gx, gy = _gradients(grey)
    return -gx, -gy


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_to_the_previous_pixel(grey):
    """You take the difference to the previous pixel: column c of gx is grey[c + 1] - grey[c], and
    the zeros stand in the last column and the last row, not in the first."""
    gx, gy = _gradients(grey)
    return np.roll(gx, 1, axis=-1), np.roll(gy, 1, axis=-2)


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_wrap_around(grey):
    """Your last column is compared with the first, and the last row with the top one (`np.roll`
    does that): they have no next pixel, and their differences are 0."""
    grey = np.asarray(grey, dtype=float)
    return np.roll(grey, -1, axis=-1) - grey, np.roll(grey, -1, axis=-2) - grey


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_are_centred(grey):
    """You take half the difference of the two neighbours, as `np.gradient` does: here it is the
    next pixel minus this one."""
    gy, gx = np.gradient(np.asarray(grey, dtype=float), axis=(-2, -1))
    return gx, gy


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_are_cut_short(grey):
    """Your gradients have a column or a row less than the image: fill up with zeros, so that both
    have the image's shape."""
    gx, gy = _gradients(grey)
    return gx[..., :-1], gy[..., :-1, :]


@misconception(of="image_gradients", caught_by="gradients_are_correct")
def gradients_have_no_sign(grey):
    """Your differences are never negative: leave the absolute value out, without the sign there is
    no direction."""
    gx, gy = _gradients(grey)
    return np.abs(gx), np.abs(gy)


@misconception(of="image_gradients", caught_by="gradients_of_a_batch")
def gradients_along_the_first_axes(grey):
    """You take differences along the first two axes, which of a batch are not those of the image:
    count axes from the end, -1 for x and -2 for y."""
    grey = np.asarray(grey, dtype=float)
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[:, :-1] = np.diff(grey, axis=1)
    gy[:-1] = np.diff(grey, axis=0)
    return gx, gy


@misconception(of="image_gradients", caught_by="gradients_of_uint8")
def gradients_of_unsigned_numbers(grey):
    """In uint8, 3 - 5 is 254: convert the image to float before you subtract."""
    gx, gy = np.zeros(np.shape(grey)), np.zeros(np.shape(grey))
    gx[..., :-1] = np.diff(grey, axis=-1)
    gy[..., :-1, :] = np.diff(grey, axis=-2)
    return gx, gy


# gradient_orientation -----------------------------------------------------------------------------


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def orientation_in_radians(gx, gy):
    """Your orientation is in radians: convert it with `np.rad2deg`."""
    return np.hypot(gx, gy), np.arctan2(gy, gx) % np.pi


@misconception(of="gradient_orientation", caught_by="opposite_gradients_agree")
def orientation_over_360_degrees(gx, gy):
    """Opposite gradients have different angles in your result: take the angle modulo 180 degrees,
    not 360."""
    return np.hypot(gx, gy), np.rad2deg(np.arctan2(gy, gx)) % 360


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def orientation_keeps_negative_angles(gx, gy):
    """`arctan2` gives angles from -180 to 180 degrees: take them modulo 180 (`% 180`), which makes
    them all non-negative."""
    return np.hypot(gx, gy), np.rad2deg(np.arctan2(gy, gx))


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def orientation_without_sign(gx, gy):
    """You take the absolute value of the angle, which makes -30 degrees 30: modulo 180 makes it
    150."""
    return np.hypot(gx, gy), np.abs(np.rad2deg(np.arctan2(gy, gx)))


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def orientation_of_swapped_arguments(gx, gy):
    """Your angle is measured from the vertical: `np.arctan2` takes gy first and gx second."""
    return np.hypot(gx, gy), np.rad2deg(np.arctan2(gx, gy)) % 180


@misconception(of="gradient_orientation", caught_by="orientation_along_the_axes")
def orientation_shifted_by_90(gx, gy):
    """Your angles are 90 degrees too large: it is the angle of the gradient that counts, not that
    of the edge; to make angles non-negative, take them modulo 180."""
    return np.hypot(gx, gy), (np.rad2deg(np.arctan2(gy, gx)) + 90) % 180


@misconception(of="gradient_orientation", caught_by="orientation_along_the_axes")
def orientation_reaches_180(gx, gy):
    """An angle of exactly 180 degrees stays 180 in your result, where it is to be 0: `% 180` takes
    care of both ends."""
    angle = np.rad2deg(np.arctan2(gy, gx))
    return np.hypot(gx, gy), np.where(angle < 0, angle + 180, angle)


@misconception(of="gradient_orientation", caught_by="orientation_along_the_axes")
def orientation_by_division(gx, gy):
    """You divide gy by gx, which cannot be done where gx is 0: `np.arctan2(gy, gx)` needs no
    division."""
    return np.hypot(gx, gy), np.rad2deg(np.arctan(gy / (gx + 1e-15 * (gx != 0)))) % 180


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def magnitude_without_root(gx, gy):
    """Your magnitude is the square of the length: take the square root."""
    return gx**2 + gy**2, np.rad2deg(np.arctan2(gy, gx)) % 180


@misconception(of="gradient_orientation", caught_by="orientation_is_correct")
def magnitude_is_a_sum(gx, gy):
    """Your magnitude is |gx| + |gy|: the length of a vector is the root of the sum of squares."""
    return np.abs(gx) + np.abs(gy), np.rad2deg(np.arctan2(gy, gx)) % 180


# hog_feature --------------------------------------------------------------------------------------


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_counts_pixels(im):
    """Every pixel counts as one in your histograms: it votes with its magnitude."""
    return _hog(im, weight=np.ones_like)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_is_a_sum(im):
    """Your numbers are 64 times too large: divide each sum by the number of pixels of the cell."""
    return 64 * _hog(im)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_is_a_mean_over_the_bin(im):
    """You divide by the number of pixels in the bin, so that one pixel counts as much as sixty:
    divide by all 64 pixels of the cell."""
    count = _hog(im, weight=np.ones_like)
    return _hog(im) / np.where(count > 0, count, 1)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_normalises_each_cell(im):
    """You divide each histogram by its own sum, and lose how strong the edges are: divide by 64."""
    histograms = _hog(im).reshape(-1, 9)
    total = histograms.sum(axis=1, keepdims=True)
    return (histograms / np.where(total > 0, total, 1)).ravel()


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_goes_down_the_columns(im):
    """Your cells go down the columns first: the order is that of reading, the top row from left to
    right, then the next row."""
    height, width = np.shape(im)[:2]
    return _hog(im).reshape(height // 8, width // 8, 9).swapaxes(0, 1).ravel()


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_puts_bins_first(im):
    """You have all cells of the first bin, then all of the second: the nine numbers of a cell stay
    together."""
    return _hog(im).reshape(-1, 9).T.ravel()


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_takes_gradients_cell_by_cell(im):
    """You take gradients within each cell, so that its last column and row have none: take them
    once in the whole image, and cut into cells afterwards."""
    height, width = np.shape(im)[:2]
    cells = [
        _hog(im[r : r + 8, c : c + 8]) for r in range(0, height, 8) for c in range(0, width, 8)
    ]
    return np.concatenate(cells)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_rounds_to_the_nearest_bin(im):
    """You round to the nearest bin: bin b holds orientations from 20 b to 20 (b + 1) degrees, so
    divide by 20 and drop the fraction."""
    return _hog(im, shift=10)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_ignores_half_of_the_edges(im):
    """Gradients that point upwards do not vote in your histograms: their angles are negative or
    above 180 degrees before they are taken modulo 180."""
    return _hog(im, only_downward=True)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_has_eight_bins(im):
    """Your feature vector has eight numbers for each cell: np.linspace(0, 180, 9) are the edges of
    eight bins only; nine bins have ten edges."""
    return _hog(im, bins=8)


@misconception(of="hog_feature", caught_by="hog_is_correct")
def hog_keeps_the_cells_apart(im):
    """Your result has an axis for rows and columns of cells: return one vector (`ravel`)."""
    height, width = np.shape(im)[:2]
    return _hog(im).reshape(height // 8, width // 8, 9)


@misconception(of="hog_feature", caught_by="hog_of_a_grey_image", symptom="exception")
def hog_of_colours_only(im):
    """Your function fails for an image that is grey already: make it grey only if it has three
    axes."""
    return _hog(im @ np.array([0.299, 0.587, 0.114]))


@misconception(of="hog_feature", caught_by="hog_of_edges_along_the_axes")
def hog_drops_level_gradients(im):
    """Gradients with gy = 0, those of an upright edge, do not vote in your histograms: bin 0 begins
    at 0 degrees, and 0 belongs to it."""
    return _hog(im, drop_zero=True)


@misconception(of="hog_feature", caught_by="hog_of_a_flat_image")
def hog_divides_by_nothing(im):
    """An image without edges gives NaN: dividing by the sum of the magnitudes is a division by zero
    there, and the formula divides by 64."""
    histograms = _hog(im).reshape(-1, 9)
    with np.errstate(invalid="ignore"):
        share = histograms / histograms.sum(axis=1, keepdims=True)
    return (share * histograms.sum(axis=1, keepdims=True)).ravel()


@misconception(of="hog_feature", caught_by="hog_leaves_the_image_alone", symptom="mutation")
def hog_works_in_place(im):
    """An operation in place, such as `im /= 255` or `im *= weights`, changes the caller's image:
    write `im = im / 255`, which makes a new array."""
    features = _hog(im)
    im *= 0.5
    return features


# hog_features -------------------------------------------------------------------------------------


@misconception(of="hog_features", caught_by="batch_is_faster", symptom="time")
def batch_loops_over_images(images):
    """You still loop over the images: take grey, gradients and orientations of the whole batch at
    once, and sum over cells with a reshape."""
    return np.stack([_slow_hog(im) for im in images])


@misconception(of="hog_features", caught_by="batch_is_correct")
def batch_goes_down_the_columns(images):
    """Your cells go down the columns first: the axes of rows and columns of cells are in the wrong
    order."""
    num, height, width = images.shape[:3]
    histograms = _hogs(images).reshape(num, height // 8, width // 8, 9)
    return histograms.swapaxes(1, 2).reshape(num, -1)


@misconception(of="hog_features", caught_by="batch_is_correct")
def batch_sums_over_every_eighth_pixel(images):
    """Your cells hold every second or fourth pixel of the image and not its neighbours: reshape to
    (N, H/8, 8, W/8, 8), with the number of cells before the 8, and sum over axes 2 and 4."""
    num, height, width = images.shape[:3]
    magnitude, which = _votes(images)
    result = np.empty((num, height // 8, width // 8, 9))
    for b in range(9):
        votes = (magnitude * (which == b)).reshape(num, 8, height // 8, 8, width // 8)
        result[..., b] = votes.sum(axis=(1, 3)) / 64
    return result.reshape(num, -1)


@misconception(of="hog_features", caught_by="batch_is_correct")
def batch_puts_bins_first(images):
    """You have all cells of the first bin, then all of the second: let the bins be the last axis
    before you flatten."""
    return _hogs(images).reshape(len(images), -1, 9).swapaxes(1, 2).reshape(len(images), -1)


@misconception(of="hog_features", caught_by="batch_is_correct")
def batch_is_a_sum(images):
    """Your numbers are 64 times too large: divide each sum by the number of pixels of the cell."""
    return 64 * _hogs(images)


# rgb_to_hsv ---------------------------------------------------------------------------------------


@misconception(of="rgb_to_hsv", caught_by="hue_is_correct")
def hue_of_red_is_negative(rgb):
    """Your hue is negative for colours between blue and red: take (G - B) / c modulo 6."""
    hsv = _hsv(rgb)
    red_blue = (rgb[..., 0] == rgb.max(axis=-1)) & (rgb[..., 1] < rgb[..., 2])
    hsv[..., 0] -= red_blue
    return hsv


@misconception(of="rgb_to_hsv", caught_by="hue_is_correct")
def hue_in_sixths(rgb):
    """Your hue goes up to 6: divide by 6."""
    return _hsv(rgb) * np.array([6.0, 1.0, 1.0])


@misconception(of="rgb_to_hsv", caught_by="hue_is_correct")
def hue_in_degrees(rgb):
    """Your hue is in degrees: here the whole circle is 1."""
    return _hsv(rgb) * np.array([360.0, 1.0, 1.0])


@misconception(of="rgb_to_hsv", caught_by="hue_is_correct")
def hue_always_of_red(rgb):
    """You use the formula for red whatever the largest entry is: green adds 2, and blue adds 4,
    each with the difference of the two others."""
    hsv = _hsv(rgb)
    hsv[..., 0] = (rgb[..., 1] - rgb[..., 2]) / _nonzero(np.ptp(rgb, axis=-1)) % 6 / 6
    return hsv


@misconception(of="rgb_to_hsv", caught_by="saturation_and_value_are_correct")
def saturation_is_chroma(rgb):
    """Your saturation is the difference of largest and smallest: divide it by the largest."""
    hsv = _hsv(rgb)
    hsv[..., 1] = np.ptp(rgb, axis=-1)
    return hsv


@misconception(of="rgb_to_hsv", caught_by="saturation_and_value_are_correct")
def value_is_the_mean(rgb):
    """Your value is the mean of red, green and blue: it is the largest of the three."""
    hsv = _hsv(rgb)
    hsv[..., 2] = np.mean(rgb, axis=-1)
    return hsv


@misconception(of="rgb_to_hsv", caught_by="greys_have_no_hue")
def hue_of_grey_is_nan(rgb):
    """Grey gives NaN, since c is 0 there: replace the divisor by 1 where it is 0, *before* you
    divide; np.where computes both of its alternatives."""
    hsv = _hsv(rgb)
    grey = np.ptp(rgb, axis=-1) == 0
    hsv[..., 0] = np.where(grey, np.nan, hsv[..., 0])
    hsv[..., 1] = np.where(rgb.max(axis=-1) == 0, np.nan, hsv[..., 1])
    return hsv


@misconception(of="rgb_to_hsv", caught_by="greys_have_no_hue")
def saturation_of_black_is_nan(rgb):
    """Black gives NaN as its saturation, since the largest entry is 0: replace the divisor by 1
    there."""
    hsv = _hsv(rgb)
    hsv[..., 1] = np.where(rgb.max(axis=-1) == 0, np.nan, hsv[..., 1])
    return hsv


# color_histogram_hsv ------------------------------------------------------------------------------


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_density(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """You return a density, which np.histogram(..., density=True) divides by the width of the bins,
    too: divide the counts by the number of pixels, and nothing else."""
    counts, _ = np.histogram(_hues(im, xmax), bins=nbin, range=(xmin, xmax), density=normalized)
    return counts


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_its_own_range(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """Your bins divide the range of the hues that this image happens to have: tell np.histogram
    `range=(xmin, xmax)`, or histograms of two images cannot be compared."""
    counts, _ = np.histogram(_hues(im, xmax), bins=nbin)
    return counts / counts.sum() if normalized else counts


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_hues_not_scaled(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """All pixels are in your first bin: hue goes up to 1 only, so multiply it by xmax before you
    sort it into bins up to xmax."""
    counts, _ = np.histogram(_hues(im, xmax) / xmax, bins=nbin, range=(xmin, xmax))
    return counts / counts.sum() if normalized else counts


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_saturation(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """This is the histogram of the saturation: hue is the first of the three, `[..., 0]`."""
    return _share(_hsv(im / xmax)[..., 1] * xmax, nbin, xmin, xmax, normalized)


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_value(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """This is the histogram of the value: hue is the first of the three, `[..., 0]`."""
    return _share(_hsv(im / xmax)[..., 2] * xmax, nbin, xmin, xmax, normalized)


@misconception(of="color_histogram_hsv", caught_by="hues_are_counted")
def histogram_of_edges(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """Your result has one number less than bins: np.linspace(xmin, xmax, nbin) are the edges of
    nbin - 1 bins; pass `bins=nbin, range=(xmin, xmax)`."""
    return _share(_hues(im, xmax), nbin - 1, xmin, xmax, normalized)


@misconception(of="color_histogram_hsv", caught_by="hues_in_other_bins")
def histogram_always_of_ten_bins(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """You always use ten bins: use nbin."""
    return _share(_hues(im, xmax), 10, xmin, xmax, normalized)


@misconception(of="color_histogram_hsv", caught_by="hues_in_other_bins")
def histogram_always_up_to_255(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """You multiply the hue by 255 whatever xmax is: multiply it by xmax."""
    return _share(_hues(im, xmax) / xmax * 255, nbin, xmin, xmax, normalized)


@misconception(of="color_histogram_hsv", caught_by="hues_as_counts")
def histogram_always_normalized(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """You return shares even with normalized=False: return the counts then."""
    return _share(_hues(im, xmax), nbin, xmin, xmax, True)


@misconception(of="color_histogram_hsv", caught_by="hues_of_uint8")
def histogram_without_greys(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """You leave out pixels without colour: they have hue 0 and belong to the first bin."""
    coloured = np.ptp(im, axis=-1) > 0
    return _share(_hues(im, xmax)[coloured], nbin, xmin, xmax, normalized)


# extract_features ---------------------------------------------------------------------------------


@misconception(of="extract_features", caught_by="features_are_concatenated")
def features_in_columns(imgs, feature_fns, verbose=False):
    """Your matrix has a column for each image: it is to have a row for each."""
    return _features(imgs, feature_fns).T


@misconception(of="extract_features", caught_by="features_are_concatenated")
def features_of_the_first_function(imgs, feature_fns, verbose=False):
    """You use the first feature function only: concatenate the results of all of them."""
    return _features(imgs, feature_fns[:1])


@misconception(of="extract_features", caught_by="features_are_concatenated")
def features_of_the_last_function(imgs, feature_fns, verbose=False):
    """You keep the result of the last feature function only: concatenate the results of all of
    them."""
    return _features(imgs, feature_fns[-1:])


@misconception(of="extract_features", caught_by="features_are_concatenated")
def features_in_reverse_order(imgs, feature_fns, verbose=False):
    """Your features are in the opposite order: that of `feature_fns` is wanted."""
    return _features(imgs, feature_fns[::-1])


# standardize --------------------------------------------------------------------------------------


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_by_itself(F_train, F):
    """You take mean and deviation from F: they come from F_train, whatever is standardised."""
    return (F - F.mean(axis=0)) / _nonzero(F.std(axis=0))


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_by_one_number(F_train, F):
    """You take one mean and one deviation of the whole matrix: every column has its own, with
    axis=0."""
    return (F - F_train.mean()) / F_train.std()


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_by_image(F_train, F):
    """You standardise each image by itself: a mean over images, axis=0, is wanted, not one over
    features."""
    return (F - F.mean(axis=1, keepdims=True)) / _nonzero(F.std(axis=1, keepdims=True))


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_by_the_variance(F_train, F):
    """You divide by the variance: divide by its root, the standard deviation."""
    return (F - F_train.mean(axis=0)) / _nonzero(F_train.var(axis=0))


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_without_mean(F_train, F):
    """You divide by the deviation and do not subtract the mean: do that first."""
    return F / _nonzero(F_train.std(axis=0))


@misconception(of="standardize", caught_by="standardized_by_the_training_set")
def standardized_with_bessel(F_train, F):
    """Your deviation divides by N - 1: the formula, and `np.std`, divide by N."""
    return (F - F_train.mean(axis=0)) / _nonzero(F_train.std(axis=0, ddof=1))


@misconception(of="standardize", caught_by="constant_columns_stay_finite")
def standardized_with_a_tiny_number(F_train, F):
    """You add a tiny number to the deviation, so that a column that is constant in the training set
    explodes in other images: divide by 1 there."""
    return (F - F_train.mean(axis=0)) / (F_train.std(axis=0) + 1e-8)


@misconception(of="standardize", caught_by="constant_columns_stay_finite")
def standardized_by_zero(F_train, F):
    """A column that is constant in the training set has the deviation 0, and you divide by it: use
    1 there, `np.where(std > 0, std, 1)`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (F - F_train.mean(axis=0)) / F_train.std(axis=0)


@misconception(of="standardize", caught_by="standardize_leaves_features_alone", symptom="mutation")
def standardized_in_place(F_train, F):
    """`F -= mean` changes the caller's features, and a second call would work with those: write `F
    = F - mean`."""
    mean, std = F_train.mean(axis=0), _nonzero(F_train.std(axis=0))
    F -= mean
    F /= std
    return F


# train_linear -------------------------------------------------------------------------------------


@misconception(of="train_linear", caught_by="train_linear_learns_clusters")
def linear_weights_stay_zero(X_train, y_train, X_val, y_val):
    """The weights you return are all zero: keep the W that sgd_train returns, and return the
    best."""
    return np.zeros((X_train.shape[1], int(np.max(y_train)) + 1))


@misconception(of="train_linear", caught_by="train_linear_learns_clusters")
def linear_returns_the_accuracy(X_train, y_train, X_val, y_val):
    """You return a single number: return the best weights W, not the accuracy they reach."""
    return 0.5


@misconception(of="train_linear", caught_by="train_linear_learns_clusters")
def linear_returns_weights_and_history(X_train, y_train, X_val, y_val):
    """You return the pair of weights and losses that sgd_train gives you: unpack it, and return W
    alone."""
    return np.zeros((X_train.shape[1], int(np.max(y_train)) + 1)), [1.0]


@misconception(of="train_linear", caught_by="train_linear_learns_clusters")
def linear_diverges(X_train, y_train, X_val, y_val):
    """Your weights are NaN: with too high a learning rate or regularisation strength they grow
    without bound. Keep W only if its validation accuracy is higher than the best so far."""
    return np.full((X_train.shape[1], int(np.max(y_train)) + 1), np.nan)


@misconception(of="train_linear", caught_by="train_linear_reaches_accuracy")
def linear_uses_rates_of_pixels(X_train, y_train, X_val, y_val):
    """Your weights have hardly left zero: the learning rates that suit pixels, about 1e-7, are a
    million times too small for standardised features."""
    num_classes = int(np.max(y_train)) + 1
    targets = np.eye(num_classes)[y_train] - 1 / num_classes
    return 1e-6 * X_train[:50].T @ targets[:50]


# train_features -----------------------------------------------------------------------------------


@misconception(of="train_features", caught_by="train_features_learns_clusters")
def net_stays_as_it_starts(X_train, y_train, X_val, y_val):
    """The net you return knows nothing: subtract learning_rate * grads[name] from every
    net.params[name], and assign the result to net.params[name]."""
    return _Net(X_train.shape[1], int(np.max(y_train)) + 1)


@misconception(of="train_features", caught_by="train_features_learns_clusters")
def net_goes_uphill(X_train, y_train, X_val, y_val):
    """Your net names the least likely classes: subtract the step, the gradient points uphill."""
    return _Uphill(X_train, y_train)


@misconception(of="train_features", caught_by="train_features_learns_clusters")
def net_diverges(X_train, y_train, X_val, y_val):
    """The scores of your net are NaN: with too high a learning rate its weights grow without bound.
    Keep a net only if its validation accuracy is higher than the best so far."""
    return _Net(X_train.shape[1], int(np.max(y_train)) + 1, scale=np.nan)


@misconception(of="train_features", caught_by="train_features_reaches_accuracy")
def net_is_a_class_mean(X_train, y_train, X_val, y_val):
    """Your net has not got beyond telling the means of the classes apart: train longer, or with a
    higher learning rate."""
    return _Means(X_train, y_train)


# Building blocks ----------------------------------------------------------------------------------


class _Net:
    """A net whose scores are those of small random weights."""

    def __init__(self, dim, num_classes, scale=0.01):
        self.W = scale * np.random.default_rng(0).normal(size=(dim, num_classes))

    def loss(self, X):
        return X @ self.W


class _Means:
    """A net that has learned the means of the classes."""

    def __init__(self, X, y):
        self.means = np.stack([X[y == label].mean(axis=0) for label in range(int(np.max(y)) + 1)])

    def loss(self, X):
        return X @ self.means.T


class _Uphill(_Means):
    """A net that has learned the opposite."""

    def loss(self, X):
        return -(X @ self.means.T)


def _nonzero(values):
    return np.where(values > 0, values, 1)


def _gradients(grey):
    grey = np.asarray(grey, dtype=float)
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[..., :-1] = np.diff(grey, axis=-1)
    gy[..., :-1, :] = np.diff(grey, axis=-2)
    return gx, gy


def _votes(images, bins=9, shift=0.0):
    """Return magnitude and bin of each pixel of images in colours, (..., H, W, 3)."""
    gx, gy = _gradients(images @ np.array([0.299, 0.587, 0.114]))
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    return np.hypot(gx, gy), (angle + shift) // (180 / bins) % bins


def _hog(im, *, weight=None, bins=9, shift=0.0, only_downward=False, drop_zero=False):
    """Return the features of one image, right with the defaults."""
    grey = im @ np.array([0.299, 0.587, 0.114]) if np.ndim(im) == 3 else im
    gx, gy = _gradients(grey)
    magnitude = np.hypot(gx, gy)
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    which = (angle + shift) // (180 / bins) % bins
    votes = magnitude if weight is None else weight(magnitude)
    if only_downward:
        votes = np.where(gy < 0, 0, votes)
    if drop_zero:
        votes = np.where(angle == 0, 0, votes)
    height, width = np.shape(grey)
    features = [
        np.sum(votes[r : r + 8, c : c + 8] * (which[r : r + 8, c : c + 8] == b)) / 64
        for r in range(0, height, 8)
        for c in range(0, width, 8)
        for b in range(bins)
    ]
    return np.array(features)


def _hogs(images):
    return np.stack([_hog(im) for im in images])


def _slow_hog(im):
    """Return the features of one image, with loops over its pixels."""
    gx, gy = _gradients(im @ np.array([0.299, 0.587, 0.114]))
    height, width = gx.shape
    features = np.zeros((height // 8, width // 8, 9))
    for r in range(height):
        for c in range(width):
            angle = np.rad2deg(np.arctan2(gy[r, c], gx[r, c])) % 180
            features[r // 8, c // 8, int(angle // 20) % 9] += np.hypot(gx[r, c], gy[r, c]) / 64
    return features.ravel()


def _hsv(rgb):
    """Return hue, saturation and value."""
    red, green, blue = np.moveaxis(np.asarray(rgb), -1, 0)
    value, chroma = np.max(rgb, axis=-1), np.ptp(rgb, axis=-1)
    sector = np.select(
        [chroma == 0, value == red, value == green],
        [0 * chroma, (green - blue) / _nonzero(chroma) % 6, (blue - red) / _nonzero(chroma) + 2],
        (red - green) / _nonzero(chroma) + 4,
    )
    return np.stack([sector / 6, chroma / _nonzero(value), value], axis=-1)


def _hues(im, xmax):
    return _hsv(im / xmax)[..., 0] * xmax


def _share(values, nbin, xmin, xmax, normalized):
    counts, _ = np.histogram(values, bins=nbin, range=(xmin, xmax))
    return counts / values.size if normalized else counts


def _features(imgs, feature_fns):
    return np.array([np.concatenate([fn(im) for fn in feature_fns]) for im in imgs])
