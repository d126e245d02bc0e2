"""Known-wrong versions of the detection functions, and the hint that each earns.

The backward functions read the cache of the reference's forward functions: ``(shape, images,
where)`` for RoI pooling, with the flat index of each maximum, and ``(shape, images, rows,
columns)`` for RoI Align, with the weights along both axes.
"""

from __future__ import annotations

import numpy as np

from autograder import misconception

# iou ----------------------------------------------------------------------------------------------


@misconception(of="iou", caught_by="iou_of_all_pairs")
def pixels_counted(boxes1, boxes2):
    """You add 1 to widths and heights, as for numbers of pixels: our boxes are edges, so a width is
    x2 - x1."""
    return _iou(boxes1, boxes2, extra=1.0)


@misconception(of="iou", caught_by="iou_of_boxes_apart")
def overlap_not_clamped(boxes1, boxes2):
    """For boxes apart in x and in y, two negative lengths multiply to a positive area: set negative
    lengths to 0 before you multiply."""
    return _iou(boxes1, boxes2, clamp=False)


@misconception(of="iou", caught_by="iou_of_boxes_apart")
def area_clamped_instead_of_lengths(boxes1, boxes2):
    """You clamp the area of the intersection at 0: for boxes apart in both directions the product
    of two negative lengths is positive. Clamp each length by itself."""
    lengths = _corners(boxes1, boxes2)
    return _ratio(np.maximum(lengths[..., 0] * lengths[..., 1], 0), boxes1, boxes2)


@misconception(of="iou", caught_by="iou_of_all_pairs")
def union_counts_overlap_twice(boxes1, boxes2):
    """The sum of both areas counts the intersection twice: subtract it once to get the union."""
    return _iou(boxes1, boxes2, subtract=0.0)


@misconception(of="iou", caught_by="iou_of_all_pairs")
def divided_by_first_area(boxes1, boxes2):
    """You divide by the area of the first box alone: divide by the area of the union."""
    both = np.prod(np.maximum(_corners(boxes1, boxes2), 0), axis=2)
    area = _area(boxes1)[:, None] + 0 * both
    return both / np.where(area > 0, area, 1)


@misconception(of="iou", caught_by="iou_of_all_pairs")
def divided_by_smaller_area(boxes1, boxes2):
    """You divide by the smaller of the areas, which makes a box inside another a perfect match:
    divide by the area of the union."""
    both = np.prod(np.maximum(_corners(boxes1, boxes2), 0), axis=2)
    area = np.minimum(_area(boxes1)[:, None], _area(boxes2)[None])
    return both / np.where(area > 0, area, 1)


@misconception(of="iou", caught_by="iou_of_all_pairs")
def dice_coefficient(boxes1, boxes2):
    """This is the Dice coefficient, twice the intersection over the sum of the areas: IoU is the
    intersection over the union."""
    return 2 * _iou(boxes1, boxes2, subtract=0.0)


@misconception(of="iou", caught_by="iou_of_all_pairs")
def transposed_pairs(boxes1, boxes2):
    """Rows and columns are swapped: row i belongs to box i of the first argument."""
    return _iou(boxes1, boxes2).T


@misconception(of="iou", caught_by="iou_of_degenerate_boxes")
def zero_by_zero(boxes1, boxes2):
    """Two boxes without an area have a union of 0, and 0 / 0 is NaN: divide only where the union is
    above 0."""
    both = np.prod(np.maximum(_corners(boxes1, boxes2), 0), axis=2)
    with np.errstate(all="ignore"):
        return both / (_area(boxes1)[:, None] + _area(boxes2)[None] - both)


@misconception(of="iou", caught_by="iou_of_degenerate_boxes")
def inverted_boxes_have_areas(boxes1, boxes2):
    """A box whose right edge lies left of its left edge is empty, but two negative lengths multiply
    to a positive area, or one makes it negative: clamp widths and heights of the boxes at 0,
    too."""
    both = np.prod(np.maximum(_corners(boxes1, boxes2), 0), axis=2)
    areas = [np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (boxes1, boxes2)]
    union = areas[0][:, None] + areas[1][None] - both
    # Its own overlap is empty, but it takes part in the union of others.
    same = np.all(boxes1[:, None] == boxes2[None], axis=2)
    return np.where(same, 1.0, both / np.where(union > 0, union, 1))


@misconception(of="iou", caught_by="iou_without_boxes", symptom="exception")
def empty_list_not_expected(boxes1, boxes2):
    """Your function fails without boxes: the result is then an empty array with the right shape."""
    return np.concatenate(
        [np.concatenate([_iou(a[None], b[None]) for b in boxes2], axis=1) for a in boxes1]
    )


# nms ----------------------------------------------------------------------------------------------


@misconception(of="nms", caught_by="nms_keeps_the_best")
def lowest_score_first(boxes, scores, iou_threshold=0.5):
    """You begin with the lowest score: np.argsort sorts upwards, so take the order of -scores."""
    return _nms(boxes, scores, iou_threshold, order=np.argsort(scores))


@misconception(of="nms", caught_by="nms_keeps_the_best")
def scores_not_sorted(boxes, scores, iou_threshold=0.5):
    """You go through the boxes in the order they come in: the one with the highest score must be
    first."""
    return _nms(boxes, scores, iou_threshold, order=np.arange(len(boxes)))


@misconception(of="nms", caught_by="nms_keeps_the_best")
def kept_in_input_order(boxes, scores, iou_threshold=0.5):
    """The right boxes are kept, but their indices are sorted: return that with the highest score
    first."""
    return np.sort(_nms(boxes, scores, iou_threshold))


@misconception(of="nms", caught_by="nms_keeps_the_best")
def boxes_instead_of_indices(boxes, scores, iou_threshold=0.5):
    """You return the boxes themselves: return their indices, so that scores and labels can be
    chosen with them."""
    return boxes[_nms(boxes, scores, iou_threshold)]


@misconception(of="nms", caught_by="nms_keeps_the_best")
def indices_into_the_sorted_boxes(boxes, scores, iou_threshold=0.5):
    """Your indices count in the sorted list: translate them back, order[k], so that they fit the
    boxes that were given."""
    order = np.argsort(-scores)
    return _nms(boxes[order], scores[order], iou_threshold)


@misconception(of="nms", caught_by="nms_keeps_the_best")
def removes_what_does_not_overlap(boxes, scores, iou_threshold=0.5):
    """You keep the boxes that overlap the best one, and remove the others: it is the other way
    round."""
    return _nms(boxes, scores, iou_threshold, stays=lambda value, t: value > t)


@misconception(of="nms", caught_by="nms_compares_with_kept_boxes")
def removed_boxes_suppress(boxes, scores, iou_threshold=0.5):
    """You remove a box that overlaps *any* box with a higher score, also one that was removed
    itself: compare with kept boxes alone."""
    order = np.argsort(-scores, kind="stable")
    table = _iou(boxes[order], boxes[order])
    return order[[k for k in range(len(order)) if not np.any(table[k, :k] > iou_threshold)]]


@misconception(of="nms", caught_by="nms_threshold_is_exclusive")
def threshold_removes_equal(boxes, scores, iou_threshold=0.5):
    """A box whose IoU is exactly the threshold goes in your version: it stays, only what is above
    goes."""
    return _nms(boxes, scores, iou_threshold, stays=lambda value, t: value < t)


@misconception(of="nms", caught_by="nms_of_few_boxes")
def negative_scores_dropped(boxes, scores, iou_threshold=0.5):
    """You drop boxes with a score of 0 or less: scores may be logits, and NMS looks at their order
    alone."""
    kept = _nms(boxes, scores, iou_threshold)
    return kept[scores[kept] > 0]


@misconception(of="nms", caught_by="nms_of_few_boxes", symptom="exception")
def first_box_without_asking(boxes, scores, iou_threshold=0.5):
    """Your function fails without boxes: ask whether any are left before you take the first."""
    order = np.argsort(-scores, kind="stable")
    first = order[0]
    return np.concatenate([[first], _nms(boxes, scores, iou_threshold)[1:]])


@misconception(of="nms", caught_by="nms_leaves_arguments_alone", symptom="mutation")
def scores_set_to_zero(boxes, scores, iou_threshold=0.5):
    """You mark removed boxes in the caller's scores: keep a list of what is left instead."""
    kept = _nms(boxes, scores, iou_threshold)
    scores[:] = 0.0
    return kept


# average_precision --------------------------------------------------------------------------------


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def detections_not_sorted(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You go through the detections as they come: sort them by score, the highest first."""
    order = np.arange(len(scores))
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, order=order)


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def sorted_upwards(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You begin with the lowest score: np.argsort sorts upwards, so take the order of -scores."""
    order = np.argsort(scores)
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, order=order)


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def images_mixed(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You match detections with objects on other images: only those on the same image count."""
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, apart=False)


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def object_found_twice(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You count every detection of an object as right: only the one with the highest score is, all
    others are false positives."""
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, once=False)


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def recall_of_found_objects(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """Your recall ends at 1 although objects were missed: divide by the number of all objects, not
    of those that were found."""
    if len(true_boxes) == 0:
        return np.nan
    right = _verdicts(boxes, scores, images, true_boxes, true_images, iou_threshold)
    return np.sum(right * _filled(right)) / max(1.0, right.sum())


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def precision_instead_of_ap(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You return the precision of all detections together: AP is the area under precision as a
    function of recall."""
    if len(true_boxes) == 0:
        return np.nan
    right = _verdicts(boxes, scores, images, true_boxes, true_images, iou_threshold)
    return right.sum() / max(1, len(right))


@misconception(of="average_precision", caught_by="ap_of_a_detector")
def mean_over_all_detections(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You average the precision over all detections: only where a detection is right does recall
    grow, and only there is there an area."""
    if len(true_boxes) == 0:
        return np.nan
    right = _verdicts(boxes, scores, images, true_boxes, true_images, iou_threshold)
    return np.sum(_filled(right)) / max(1, len(right))


@misconception(of="average_precision", caught_by="ap_fills_the_curve")
def curve_not_filled(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You take the precision as it is: fill the teeth of the saw first, with the best precision at
    this recall or any higher one."""
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, fill=lambda p: p)


@misconception(of="average_precision", caught_by="ap_fills_the_curve")
def curve_filled_from_the_left(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You carry the best precision so far to higher recalls: it goes the other way, from high
    recall to low, so accumulate from the end."""
    fill = np.maximum.accumulate
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, fill=fill)


@misconception(of="average_precision", caught_by="ap_counts_an_object_once")
def second_best_object(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """A detection whose best object is taken gets another one in your version, as with COCO: here
    it is wrong."""
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold, second=True)


@misconception(of="average_precision", caught_by="ap_threshold_is_inclusive")
def equal_iou_is_wrong(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """An IoU of exactly the threshold is enough: compare with >=."""
    above = np.nextafter(iou_threshold, 1)
    return _ap(boxes, scores, images, true_boxes, true_images, above)


@misconception(of="average_precision", caught_by="ap_threshold_is_inclusive")
def threshold_fixed(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """You always ask for an IoU of 0.5: use iou_threshold."""
    return _ap(boxes, scores, images, true_boxes, true_images, 0.5)


@misconception(of="average_precision", caught_by="ap_of_nothing")
def zero_without_objects(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """Without objects AP is not defined, and 0 would spoil the mean over classes: return np.nan."""
    if len(true_boxes) == 0:
        return 0.0
    return _ap(boxes, scores, images, true_boxes, true_images, iou_threshold)


# roi_pool_forward, roi_pool_backward --------------------------------------------------------------


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_without_scale(x, rois, roi_param):
    """You use pixels of the image as cells of the map: multiply the boxes by spatial_scale."""
    return _pool(x, rois, {**roi_param, "spatial_scale": 1.0})


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_of_means(x, rois, roi_param):
    """You average over each bin: RoI pooling takes the maximum."""
    return _pool(x, rois, roi_param, reduce=np.mean)


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_x_and_y_swapped(x, rois, roi_param):
    """You take x for rows and y for columns: x1 and x2 choose columns, the last axis."""
    return _pool(x, rois[:, [0, 2, 1, 4, 3]], roi_param)


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_rounds_to_nearest(x, rois, roi_param):
    """You round edges to the nearest cell: round outwards, the first edge down, the second up."""
    return _pool(x, rois, roi_param, down=np.round, up=np.round)


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_last_column_inclusive(x, rois, roi_param):
    """Your regions have a row and a column too many: they end before the rounded-up edge."""
    return _pool(x, rois, roi_param, up=lambda edge: np.ceil(edge) + 1)


@misconception(of="roi_pool_forward", caught_by="pool_output_is_correct")
def pool_bins_do_not_share_cells(x, rois, roi_param):
    """You round the end of each bin down: round it up, so that bins may share a cell and none is
    left out."""
    return _pool(
        x, rois, roi_param, last=lambda k, n, bins: max(k * n // bins + 1, (k + 1) * n // bins)
    )


@misconception(of="roi_pool_forward", caught_by="pool_takes_the_right_image")
def pool_first_image_always(x, rois, roi_param):
    """You cut every region out of the first image: column 0 of rois says which image it is."""
    return _pool(x, rois * [0, 1, 1, 1, 1], roi_param)


@misconception(of="roi_pool_forward", caught_by="pool_takes_the_right_image")
def pool_region_number_is_image(x, rois, roi_param):
    """You take region r from image r: column 0 of rois says which image it is."""
    rois = np.array(rois)
    rois[:, 0] = np.arange(len(rois)) % len(x)
    return _pool(x, rois, roi_param)


@misconception(of="roi_pool_forward", caught_by="pool_of_small_regions", symptom="exception")
def pool_empty_region(x, rois, roi_param):
    """A region smaller than a cell leaves nothing in your version: at least one cell is left."""
    return _pool(x, rois, roi_param, least=0)


@misconception(of="roi_pool_forward", caught_by="pool_stays_on_the_map", symptom="exception")
def pool_beyond_the_map(x, rois, roi_param):
    """A region beyond the right or lower edge leaves no cell in your version: clip its first cell
    to the map as well."""
    return _pool(x, rois, roi_param, clip=False)


@misconception(of="roi_pool_backward", caught_by="pool_gradient_is_correct")
def pool_gradient_spread(dout, cache):
    """You spread gradients evenly over the map: the gradient goes to the maximum alone."""
    shape, images, _ = cache
    dx = np.zeros(shape)
    np.add.at(dx, images, dout.sum(axis=(2, 3), keepdims=True) / (shape[2] * shape[3]))
    return dx


@misconception(of="roi_pool_backward", caught_by="pool_gradient_is_correct")
def pool_gradient_to_first_image(dout, cache):
    """All your gradients go to the first image: each goes to the image of its region."""
    return _pool_back(dout, (cache[0], 0 * cache[1], cache[2]))


@misconception(of="roi_pool_backward", caught_by="pool_gradients_add_up")
def pool_gradient_overwritten(dout, cache):
    """Where a cell is the maximum of several bins, you keep the last gradient: add them up, with +=
    in a loop or with np.add.at (indexing with += counts repeated places once)."""
    shape, images, where = cache
    dx = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    dx[images[:, None, None, None], np.arange(shape[1])[None, :, None, None], where] = dout
    return dx.reshape(shape)


@misconception(of="roi_pool_backward", caught_by="pool_gradients_add_up")
def pool_gradient_averaged(dout, cache):
    """You average the gradients of a cell that is the maximum of several bins: add them up."""
    counts = _pool_back(np.ones_like(dout), cache)
    return _pool_back(dout, cache) / np.maximum(counts, 1)


# interpolation_weights, roi_align_forward, roi_align_backward -------------------------------------


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def centres_at_whole_numbers(starts, ends, num_bins, num_samples, size):
    """Your features are shifted by half a cell: the centre of cell j is at j + ½, so subtract ½
    from the points before you interpolate."""
    return _weights(starts, ends, num_bins, num_samples, size, centre=0.0)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def centres_shifted_twice(starts, ends, num_bins, num_samples, size):
    """You add ½ to the points: on the scale where centres are whole numbers a point p is at p -
    ½."""
    return _weights(starts, ends, num_bins, num_samples, size, centre=-0.5)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def points_at_the_start_of_steps(starts, ends, num_bins, num_samples, size):
    """Your points begin at the edge of the bin: they lie in the middle of its s parts, k + ½."""
    return _weights(starts, ends, num_bins, num_samples, size, middle=0.0)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def points_on_the_edges(starts, ends, num_bins, num_samples, size):
    """Your points go from edge to edge (np.linspace): they lie in the middle of the parts of a bin,
    and bins share none."""
    steps = np.linspace(0, 1, num_bins * num_samples)
    return _weights(starts, ends, num_bins, num_samples, size, steps=steps)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def one_point_for_each_bin(starts, ends, num_bins, num_samples, size):
    """You sample each bin once, in its middle: take num_samples points and their mean."""
    return _weights(starts, ends, num_bins, 1, size)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def nearest_cell(starts, ends, num_bins, num_samples, size):
    """You take the nearest cell for each point: interpolate between its two neighbours."""
    return _weights(starts, ends, num_bins, num_samples, size, nearest=True)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def shares_swapped(starts, ends, num_bins, num_samples, size):
    """The two neighbours of a point have each other's share: the nearer one gets more, the lower
    cell 1 minus the fraction."""
    return _weights(starts, ends, num_bins, num_samples, size, swapped=True)


@misconception(of="interpolation_weights", caught_by="weights_are_correct")
def points_not_averaged(starts, ends, num_bins, num_samples, size):
    """You add the weights of the points of a bin up: take their mean, so that each row has the sum
    1."""
    return num_samples * _weights(starts, ends, num_bins, num_samples, size)


@misconception(of="interpolation_weights", caught_by="weights_go_on_at_the_edges")
def zero_beyond_the_edges(starts, ends, num_bins, num_samples, size):
    """Beyond the outermost centres your map fades to zero: clip the points, so that it goes on as
    it ends."""
    return _weights(starts, ends, num_bins, num_samples, size, clip=False)


@misconception(of="roi_align_forward", caught_by="align_output_is_correct")
def align_without_scale(x, rois, roi_param):
    """You use pixels of the image as cells of the map: multiply the boxes by spatial_scale."""
    return _align(x, rois, {**roi_param, "spatial_scale": 1.0})


@misconception(of="roi_align_forward", caught_by="align_output_is_correct")
def align_x_and_y_swapped(x, rois, roi_param):
    """You take x for rows and y for columns: x1 and x2 belong to columns, the last axis."""
    return _align(x, rois[:, [0, 2, 1, 4, 3]], roi_param)


@misconception(of="roi_align_forward", caught_by="align_output_is_correct")
def align_rounds_the_region(x, rois, roi_param):
    """You round the region to whole cells first: that is what RoI Align does away with."""
    scale = roi_param["spatial_scale"]
    edges = np.concatenate([np.floor(rois[:, 1:3] * scale), np.ceil(rois[:, 3:] * scale)], axis=1)
    return _align(x, np.concatenate([rois[:, :1], edges / scale], axis=1), roi_param)


@misconception(of="roi_align_forward", caught_by="align_output_is_correct")
def align_one_sample(x, rois, roi_param):
    """You sample each bin once: sampling_ratio says how many points it has along each axis."""
    return _align(x, rois, {**roi_param, "sampling_ratio": 1})


@misconception(of="roi_align_forward", caught_by="align_takes_the_right_image")
def align_first_image_always(x, rois, roi_param):
    """You sample every region from the first image: column 0 of rois says which image it is."""
    return _align(x, rois * [0, 1, 1, 1, 1], roi_param)


@misconception(of="roi_align_forward", caught_by="align_of_one_region")
def align_clips_the_region(x, rois, roi_param):
    """You clip the region to the map, which moves all its bins: leave the region, and clip the
    sampling points."""
    scale, (_, _, height, width) = roi_param["spatial_scale"], x.shape
    edges = np.clip(rois[:, 1:], 0, np.array([width, height, width, height]) / scale)
    return _align(x, np.concatenate([rois[:, :1], edges], axis=1), roi_param)


@misconception(of="roi_align_backward", caught_by="align_gradient_is_correct")
def align_gradient_divided_by_samples(dout, cache):
    """Your gradient is too small: the mean over the points is in the weights already."""
    return _align_back(dout, cache) / 4


@misconception(of="roi_align_backward", caught_by="align_gradient_is_correct")
def align_gradient_to_first_image(dout, cache):
    """All your gradients go to the first image: each goes to the image of its region."""
    return _align_back(dout, (cache[0], 0 * cache[1], *cache[2:]))


@misconception(of="roi_align_backward", caught_by="align_gradient_is_correct")
def align_gradient_to_one_cell(dout, cache):
    """You give the whole gradient of a bin to its heaviest cell: every cell gets it times its
    weight."""
    shape, images, *weights = cache
    hard = [(w == w.max(axis=2, keepdims=True)).astype(float) for w in weights]
    return _align_back(dout, (shape, images, *(w / w.sum(axis=2, keepdims=True) for w in hard)))


@misconception(of="roi_align_backward", caught_by="align_gradients_add_up")
def align_gradient_overwritten(dout, cache):
    """Of several regions on one image, you keep the last one's gradient: add them up (dx[images] +=
    counts a repeated image once; np.add.at does not)."""
    shape, images, rows, columns = cache
    dx = np.zeros(shape)
    dx[images] = rows.transpose(0, 2, 1)[:, None] @ dout @ columns[:, None]
    return dx


# generate_anchors ---------------------------------------------------------------------------------


@misconception(of="generate_anchors", caught_by="anchors_of_one_level")
def anchors_at_corners_of_cells(map_shapes, strides, sizes, ratios):
    """Your anchors are centred at the upper left corners of the cells: add ½ to rows and
    columns."""
    return _anchors(map_shapes, strides, sizes, ratios, offset=0.0)


@misconception(of="generate_anchors", caught_by="anchors_of_one_level")
def anchors_column_by_column(map_shapes, strides, sizes, ratios):
    """Your anchors go down the columns: rows are the outer loop, columns the inner one."""
    return _anchors(map_shapes, strides, sizes, ratios, by_columns=True)


@misconception(of="generate_anchors", caught_by="anchors_of_one_level")
def anchors_ratios_before_sizes(map_shapes, strides, sizes, ratios):
    """In each cell your ratios are outside and your sizes inside: it is the other way round."""
    return _anchors(map_shapes, strides, sizes, ratios, ratios_first=True)


@misconception(of="generate_anchors", caught_by="anchors_of_one_level")
def anchors_shape_by_shape(map_shapes, strides, sizes, ratios):
    """You lay out all cells for one shape, and then the next shape: all shapes of a cell stand
    together."""
    boxes = _anchors(map_shapes, strides, sizes, ratios)
    shapes = len(sizes[0]) * len(ratios)
    return boxes.reshape(-1, shapes, 4).swapaxes(0, 1).reshape(-1, 4)


@misconception(of="generate_anchors", caught_by="anchors_of_one_level")
def anchors_ratio_upside_down(map_shapes, strides, sizes, ratios):
    """Your ratios are widths over heights: a ratio of 2 is twice as high as wide."""
    return _anchors(map_shapes, strides, sizes, [1 / r for r in ratios])


@misconception(of="generate_anchors", caught_by="anchors_of_one_cell")
def anchors_without_root(map_shapes, strides, sizes, ratios):
    """Your anchors have a ratio of ρ², as you multiply and divide by ρ: take its root."""
    return _anchors(map_shapes, strides, sizes, [r**2 for r in ratios])


@misconception(of="generate_anchors", caught_by="anchors_of_one_cell")
def anchors_only_stretched(map_shapes, strides, sizes, ratios):
    """You stretch the height and leave the width: w = a / sqrt(ρ) and h = a sqrt(ρ) keep the
    area."""
    return _anchors(map_shapes, strides, sizes, ratios, keep_width=True)


@misconception(of="generate_anchors", caught_by="anchors_of_one_cell")
def anchors_twice_as_large(map_shapes, strides, sizes, ratios):
    """Your anchors are twice as large: from the centre it is *half* the width to either side."""
    return _anchors(map_shapes, strides, [[2 * s for s in level] for level in sizes], ratios)


@misconception(of="generate_anchors", caught_by="anchors_of_one_cell")
def anchors_clipped(map_shapes, strides, sizes, ratios):
    """You clip the anchors at the edges of the image: they may reach beyond it."""
    (rows, columns), stride = map_shapes[0], strides[0]
    limit = np.array([columns, rows, columns, rows]) * stride
    return np.clip(_anchors(map_shapes, strides, sizes, ratios), 0, limit)


@misconception(of="generate_anchors", caught_by="anchors_of_a_pyramid")
def anchors_one_stride_for_all(map_shapes, strides, sizes, ratios):
    """All your levels have the stride of the first: each has its own."""
    return _anchors(map_shapes, [strides[0]] * len(strides), sizes, ratios)


@misconception(of="generate_anchors", caught_by="anchors_of_a_pyramid")
def anchors_coarsest_first(map_shapes, strides, sizes, ratios):
    """Your levels come in the opposite order: keep the order in which they are given."""
    return _anchors(map_shapes[::-1], strides[::-1], sizes[::-1], ratios)


# encode_boxes, decode_boxes -----------------------------------------------------------------------


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_in_pixels(boxes, anchors):
    """Your shifts are in pixels: divide them by the width and height of the anchor."""
    return _encode(boxes, anchors, unit=lambda size, anchor_size: 1.0)


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_in_box_sizes(boxes, anchors):
    """You divide the shifts by the size of the box: take that of the anchor, for the size of the
    box is not known when deltas are decoded."""
    return _encode(boxes, anchors, unit=lambda size, anchor_size: size)


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_without_logarithm(boxes, anchors):
    """Your sizes are ratios: take their logarithm, so that an equal size is 0."""
    return _encode(boxes, anchors, log=lambda ratio: ratio)


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_ratio_upside_down(boxes, anchors):
    """Your logarithms have the wrong sign: a box larger than its anchor has positive tw and th."""
    return _encode(boxes, anchors, log=lambda ratio: -np.log(ratio))


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_corners_instead_of_centres(boxes, anchors):
    """You subtract upper left corners: tx and ty are shifts of the centre."""
    return _encode(boxes, anchors, at=0.0)


@misconception(of="encode_boxes", caught_by="deltas_are_correct")
def encoded_anchor_minus_box(boxes, anchors):
    """Your shifts point from the box to the anchor: subtract the centre of the anchor from that of
    the box."""
    return _encode(boxes, anchors) * [-1, -1, 1, 1]


@misconception(of="encode_boxes", caught_by="encoding_one_box")
def encoded_and_clipped(boxes, anchors):
    """You limit the deltas to ±1: a box far from its anchor has larger ones."""
    return np.clip(_encode(boxes, anchors), -1, 1)


@misconception(of="decode_boxes", caught_by="boxes_are_decoded")
def decoded_shift_in_pixels(deltas, anchors):
    """You add tx and ty as pixels: multiply them by the size of the anchor."""
    return _decode(deltas, anchors, unit=1.0)


@misconception(of="decode_boxes", caught_by="boxes_are_decoded")
def decoded_without_exponential(deltas, anchors):
    """You multiply sizes by tw and th: multiply by their exponentials, as they are logarithms."""
    return _decode(deltas, anchors, exp=lambda t: t)


@misconception(of="decode_boxes", caught_by="boxes_are_decoded")
def decoded_one_plus_delta(deltas, anchors):
    """You multiply sizes by 1 + t, which is the exponential for small t alone: take np.exp."""
    return _decode(deltas, anchors, exp=lambda t: 1 + t)


@misconception(of="decode_boxes", caught_by="boxes_are_decoded")
def decoded_as_centre_and_size(deltas, anchors):
    """You return centre, width and height: return the corners x1, y1, x2, y2."""
    boxes = _decode(deltas, anchors)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


@misconception(of="decode_boxes", caught_by="boxes_are_decoded")
def decoded_centre_as_corner(deltas, anchors):
    """You take the centre for the upper left corner: go half the width and height to either
    side."""
    boxes = _decode(deltas, anchors)
    return boxes + np.tile((boxes[:, 2:] - boxes[:, :2]) / 2, 2)


@misconception(of="decode_boxes", caught_by="decoding_undoes_encoding")
def decoded_with_limits(deltas, anchors):
    """You limit tw and th before the exponential: libraries do, but then it is no inverse."""
    return _decode(deltas, anchors, exp=lambda t: np.exp(np.clip(t, -2, 2)))


@misconception(of="decode_boxes", caught_by="decoding_leaves_arguments_alone", symptom="mutation")
def decoded_in_place(deltas, anchors):
    """You write the boxes into the caller's deltas: make a new array."""
    deltas[:] = _decode(deltas, anchors)
    return deltas


# assign_anchors -----------------------------------------------------------------------------------


@misconception(of="assign_anchors", caught_by="assignment_by_thresholds")
def no_ignored_anchors(anchors, true_boxes, positive=0.7, negative=0.3):
    """You call every anchor below the upper threshold negative: those between the thresholds are
    ignored, -1."""
    return _assign(anchors, true_boxes, positive, positive)


@misconception(of="assign_anchors", caught_by="assignment_by_thresholds")
def labels_are_swapped(anchors, true_boxes, positive=0.7, negative=0.3):
    """Ignored and negative anchors are mixed up: below the lower threshold the label is 0, between
    the two it is -1."""
    labels, matches = _assign(anchors, true_boxes, positive, negative)
    return np.where(labels == 1, 1, -1 - labels), matches


@misconception(of="assign_anchors", caught_by="assignment_by_thresholds")
def all_anchors_matched(anchors, true_boxes, positive=0.7, negative=0.3):
    """You match every anchor with its best object: those that are not positive have the match
    -1."""
    labels, matches = _assign(anchors, true_boxes, positive, negative)
    if len(true_boxes) == 0:
        return labels, matches
    return labels, np.where(labels == 1, matches, _iou(anchors, true_boxes).argmax(axis=1))


@misconception(of="assign_anchors", caught_by="assignment_by_thresholds")
def matched_with_the_first(anchors, true_boxes, positive=0.7, negative=0.3):
    """You match every positive anchor with object 0: match it with the object with which its IoU is
    largest."""
    labels, _ = _assign(anchors, true_boxes, positive, negative)
    return labels, np.where(labels == 1, 0, -1)


@misconception(of="assign_anchors", caught_by="assignment_at_the_thresholds")
def upper_threshold_exclusive(anchors, true_boxes, positive=0.7, negative=0.3):
    """An IoU of exactly the upper threshold is positive: compare with >=."""
    return _assign(anchors, true_boxes, np.nextafter(positive, 2), negative)


@misconception(of="assign_anchors", caught_by="assignment_at_the_thresholds")
def lower_threshold_inclusive(anchors, true_boxes, positive=0.7, negative=0.3):
    """An IoU of exactly the lower threshold is ignored: only what is below is negative."""
    return _assign(anchors, true_boxes, positive, np.nextafter(negative, 2))


@misconception(of="assign_anchors", caught_by="assignment_forces_a_match")
def nothing_forced(anchors, true_boxes, positive=0.7, negative=0.3):
    """An object without a good anchor is never learned: its best anchor is positive, however small
    the IoU is."""
    return _assign(anchors, true_boxes, positive, negative, force="nothing")


@misconception(of="assign_anchors", caught_by="assignment_forces_a_match")
def zero_iou_forced(anchors, true_boxes, positive=0.7, negative=0.3):
    """You force an anchor on an object that it does not even touch: argmax of zeros is 0. Ask for
    an IoU above 0."""
    return _assign(anchors, true_boxes, positive, negative, force="all")


@misconception(of="assign_anchors", caught_by="assignment_forces_the_right_object")
def forced_without_match(anchors, true_boxes, positive=0.7, negative=0.3):
    """You make the best anchor of an object positive, but match it with the object that it overlaps
    most: it belongs to the object that it is the best one of."""
    return _assign(anchors, true_boxes, positive, negative, force="label")


@misconception(of="assign_anchors", caught_by="assignment_of_a_shared_best_anchor")
def last_claim_wins(anchors, true_boxes, positive=0.7, negative=0.3):
    """Where an anchor is the best of several objects, you give it to the last one: it gets the one
    that it overlaps most."""
    return _assign(anchors, true_boxes, positive, negative, force="last")


@misconception(of="assign_anchors", caught_by="assignment_of_an_empty_scene", symptom="exception")
def objects_expected(anchors, true_boxes, positive=0.7, negative=0.3):
    """Your function fails on a scene without objects (there is no maximum of nothing): all anchors
    are negative then."""
    _iou(anchors, true_boxes).max(axis=1)
    return _assign(anchors, true_boxes, positive, negative)


@misconception(of="assign_anchors", caught_by="assignment_of_an_empty_scene")
def empty_scene_ignored(anchors, true_boxes, positive=0.7, negative=0.3):
    """You ignore all anchors of an empty scene: everything there is background, label 0."""
    if len(true_boxes) == 0:
        return np.full(len(anchors), -1), np.full(len(anchors), -1)
    return _assign(anchors, true_boxes, positive, negative)


# rpn_loss -----------------------------------------------------------------------------------------


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def divided_by_all_anchors(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You divide by the number of all anchors: ignored ones do not count in n."""
    return _rpn(logits, deltas, labels, targets, beta, box_weight, count=len(labels))


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def summed_over_anchors(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You sum over the anchors: divide by n, the number of those that count."""
    return _rpn(logits, deltas, labels, targets, beta, box_weight, count=1)


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def boxes_divided_by_positives(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You divide the boxes' part by the number of positive anchors: both parts are divided by n."""
    factor = np.sum(labels >= 0) / max(1, np.sum(labels == 1))
    return _rpn(logits, deltas, labels, targets, beta, box_weight * factor)


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def boxes_averaged_over_coordinates(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You take the mean over the four deltas: (7) has their sum."""
    return _rpn(logits, deltas, labels, targets, beta, box_weight / 4)


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def box_weight_forgotten(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You forget box_weight, the λ of (7)."""
    return _rpn(logits, deltas, labels, targets, beta, 1.0)


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def smooth_l1_jumps(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Your smooth L1 jumps at |d| = β: on the line it is |d| - β/2."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    d = np.abs(deltas - targets)[labels == 1]
    extra = box_weight * np.sum(d >= beta) * beta / 2 / max(1, np.sum(labels >= 0))
    return loss + extra, dlogits, ddeltas


@misconception(of="rpn_loss", caught_by="rpn_loss_is_correct")
def beta_is_one(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Your smooth L1 changes from parabola to line at 1: it does at beta."""
    return _rpn(logits, deltas, labels, targets, 1.0, box_weight)


@misconception(of="rpn_loss", caught_by="rpn_dlogits_are_correct")
def dlogits_without_label(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """The gradient of the logits is the probability alone in your version: subtract the label."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    return loss, dlogits + (labels == 1) / max(1, np.sum(labels >= 0)), ddeltas


@misconception(of="rpn_loss", caught_by="rpn_dlogits_are_correct")
def dlogits_times_sigmoid_slope(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You multiply by σ(1 - σ) once more: in the derivative of the cross-entropy with respect to
    the logit it cancels."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    s = _sigmoid(logits)
    return loss, dlogits * s * (1 - s), ddeltas


@misconception(of="rpn_loss", caught_by="rpn_dlogits_are_correct")
def dlogits_not_averaged(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Your dlogits is n times too large: divide it by n, as you did the loss."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    return loss, dlogits * max(1, np.sum(labels >= 0)), ddeltas


@misconception(of="rpn_loss", caught_by="rpn_dlogits_are_correct")
def ignored_as_negative(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Ignored anchors are treated as negative ones: they take no part in loss, gradient and n."""
    return _rpn(logits, deltas, np.maximum(labels, 0), targets, beta, box_weight)


@misconception(of="rpn_loss", caught_by="rpn_ddeltas_are_correct")
def ddeltas_without_sign(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """On the line of smooth L1 your gradient is always positive: it is the sign of d."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    far = (labels == 1)[:, None] & (np.abs(deltas - targets) >= beta)
    return loss, dlogits, np.where(far, np.abs(ddeltas), ddeltas)


@misconception(of="rpn_loss", caught_by="rpn_ddeltas_are_correct")
def ddeltas_not_divided_by_beta(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """On the parabola of smooth L1 the gradient is d / β: you forget the β."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    near = (labels == 1)[:, None] & (np.abs(deltas - targets) < beta)
    return loss, dlogits, np.where(near, ddeltas * beta, ddeltas)


@misconception(of="rpn_loss", caught_by="rpn_ddeltas_are_correct")
def negatives_learn_boxes(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Negative anchors learn boxes in your version: only positive ones have an object to fit."""
    as_positive = np.where(labels >= 0, 1, -1)
    _, _, ddeltas = _rpn(logits, deltas, as_positive, targets, beta, box_weight)
    loss, dlogits, _ = _rpn(logits, deltas, labels, targets, beta, box_weight)
    return loss, dlogits, ddeltas


@misconception(of="rpn_loss", caught_by="rpn_survives_large_logits")
def logits_overflow(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Large logits overflow, as the logarithm of a probability that became 0: use log(1 + exp(z)) -
    c z, with np.logaddexp."""
    _, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    boxes = _rpn(0 * logits, deltas, labels, targets, beta, box_weight)[0]
    counted, c = labels >= 0, labels == 1
    with np.errstate(all="ignore"):
        s = 1 / (1 + np.exp(-logits))
        bce = -np.log(np.where(c, s, 1 - s))[counted]
        return boxes + np.mean(bce) - np.log(2), dlogits, ddeltas


@misconception(of="rpn_loss", caught_by="rpn_survives_large_logits")
def logits_clipped(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You add a small number in the logarithm or clip the probability, and the loss of a wrong and
    sure answer stops growing: compute it from the logit, with np.logaddexp."""
    loss, _, _ = _rpn(np.clip(logits, -16, 16), deltas, labels, targets, beta, box_weight)
    return loss, *_rpn(logits, deltas, labels, targets, beta, box_weight)[1:]


@misconception(of="rpn_loss", caught_by="rpn_ignores_what_does_not_count")
def multiplied_by_mask(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """You multiply by a mask of zeros and ones, and 0 times NaN is NaN: select the positive
    anchors, deltas[labels == 1]."""
    loss, dlogits, ddeltas = _rpn(logits, deltas, labels, targets, beta, box_weight)
    with np.errstate(all="ignore"):
        zeros = 0 * (deltas - targets) * (labels != 1)[:, None]
    return loss + np.sum(zeros), dlogits, ddeltas + zeros


@misconception(of="rpn_loss", caught_by="rpn_of_one_anchor")
def boxes_without_positives(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Without a positive anchor there is no box to learn: your boxes' part ought to be 0 then."""
    if np.any(labels == 1):
        return _rpn(logits, deltas, labels, targets, beta, box_weight)
    loss, dlogits, _ = _rpn(logits, deltas, labels, targets, beta, box_weight)
    boxes = _rpn(logits, deltas, labels + 1, targets, beta, box_weight)
    zero = _rpn(logits, targets, labels + 1, targets, beta, box_weight)
    return loss + boxes[0] - zero[0], dlogits, boxes[2]


@misconception(of="rpn_loss", caught_by="rpn_leaves_arguments_alone", symptom="mutation")
def deltas_changed_in_place(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """`deltas -= targets` changes the caller's array: write `d = deltas - targets`."""
    result = _rpn(logits, deltas, labels, targets, beta, box_weight)
    deltas -= targets
    return result


# yolo_targets -------------------------------------------------------------------------------------


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def rows_and_columns_swapped(boxes, labels, grid, stride, prior, num_classes):
    """You take x for the row and y for the column: the row is counted from y, the column from x."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, swap=True)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def corner_instead_of_centre(boxes, labels, grid, stride, prior, num_classes):
    """You take the upper left corner of the box: the cell of its centre is responsible."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, corner=True)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def position_in_the_image(boxes, labels, grid, stride, prior, num_classes):
    """Your position counts from the edge of the image: subtract column and row of the cell, so that
    it lies between 0 and 1."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, local=False)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def position_from_the_middle(boxes, labels, grid, stride, prior, num_classes):
    """Your position counts from the middle of the cell: (8) counts from its upper left corner."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, shift=0.5)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def position_in_pixels(boxes, labels, grid, stride, prior, num_classes):
    """Your position within the cell is in pixels: divide by the stride."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, unit=stride)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def size_without_logarithm(boxes, labels, grid, stride, prior, num_classes):
    """Your sizes are ratios to the prior: take the logarithm."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, log=lambda r: r)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def size_without_prior(boxes, labels, grid, stride, prior, num_classes):
    """Your sizes are logarithms of pixels: divide by the prior's width and height first."""
    return _targets(boxes, labels, grid, stride, (1.0, 1.0), num_classes)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def size_by_stride(boxes, labels, grid, stride, prior, num_classes):
    """You divide sizes by the stride: divide by the prior's width and height."""
    return _targets(boxes, labels, grid, stride, (stride, stride), num_classes)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def prior_upside_down(boxes, labels, grid, stride, prior, num_classes):
    """You take the prior for (height, width): it is (width, height)."""
    return _targets(boxes, labels, grid, stride, prior[::-1], num_classes)


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def objectness_missing(boxes, labels, grid, stride, prior, num_classes):
    """No cell of yours has an object: set channel 4 to 1 where there is one."""
    targets = _targets(boxes, labels, grid, stride, prior, num_classes)
    targets[4] = 0
    return targets


@misconception(of="yolo_targets", caught_by="targets_are_correct")
def class_starts_at_four(boxes, labels, grid, stride, prior, num_classes):
    """Your class is one channel too low: channel 4 is the objectness, class k has 5 + k."""
    targets = _targets(boxes, labels, grid, stride, prior, num_classes)
    targets[4:-1] = np.maximum(
        targets[5:], targets[4:5] * (np.arange(num_classes) == 0)[:, None, None]
    )
    targets[-1] = 0
    return targets


@misconception(of="yolo_targets", caught_by="targets_at_the_edges", symptom="exception")
def edge_out_of_range(boxes, labels, grid, stride, prior, num_classes):
    """A centre on the right or lower edge of the image gets a cell that does not exist: it belongs
    to the last column or row."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride
    np.zeros(grid)[centres[:, 1].astype(int), centres[:, 0].astype(int)]
    return _targets(boxes, labels, grid, stride, prior, num_classes)


@misconception(of="yolo_targets", caught_by="targets_at_the_edges")
def edge_left_out(boxes, labels, grid, stride, prior, num_classes):
    """You leave out an object whose centre is on the right or lower edge of the image: it belongs
    to the last column or row."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride
    inside = np.all(centres < [grid[1], grid[0]], axis=1)
    return _targets(boxes[inside], labels[inside], grid, stride, prior, num_classes)


@misconception(of="yolo_targets", caught_by="targets_of_a_shared_cell")
def earlier_class_stays(boxes, labels, grid, stride, prior, num_classes):
    """Where two objects share a cell, both classes are set: clear the cell before you write the
    later one."""
    return _targets(boxes, labels, grid, stride, prior, num_classes, clear=False)


@misconception(of="yolo_targets", caught_by="targets_of_a_shared_cell")
def first_object_stays(boxes, labels, grid, stride, prior, num_classes):
    """Where two objects share a cell, you keep the first: the later one, in front, replaces it."""
    return _targets(boxes[::-1], labels[::-1], grid, stride, prior, num_classes)


@misconception(of="yolo_targets", caught_by="targets_without_padding")
def padding_is_an_object(boxes, labels, grid, stride, prior, num_classes):
    """You write padding into the targets, as an object of the last class: skip labels of -1."""
    with np.errstate(all="ignore"):
        labels = np.where(labels < 0, num_classes - 1, labels)
        return _targets(boxes, labels, grid, stride, prior, num_classes)


# yolo_loss ----------------------------------------------------------------------------------------


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def yolo_not_averaged(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You sum over the images: (9) is of one image, and the loss is the mean over them."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    return loss * len(out), dout * len(out)


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def yolo_averaged_over_cells(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You average over cells, too: the loss of an image is the sum over its cells."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    cells = out.shape[2] * out.shape[3]
    return loss / cells, dout / cells


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def lambda_coord_forgotten(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Positions and sizes are to be weighted with lambda_coord."""
    return _yolo(out, targets, 1.0, lambda_noobj)


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def lambda_noobj_forgotten(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The objectness of cells without an object is to be weighted with lambda_noobj."""
    return _yolo(out, targets, lambda_coord, 1.0)


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def lambda_noobj_for_all(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You weigh the objectness of all cells with lambda_noobj: cells with an object have weight
    1."""
    return _yolo(out, targets, lambda_coord, lambda_noobj, object_weight=lambda_noobj)


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def empty_cells_learn_boxes(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Cells without an object learn a box of zeros in your version: only those with an object have
    one."""
    return _yolo(out, targets, lambda_coord, lambda_noobj, boxes_everywhere=True)


@misconception(of="yolo_loss", caught_by="yolo_loss_is_correct")
def position_without_sigmoid(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You compare the raw outputs of the position with the targets: they go through a sigmoid
    first."""
    return _yolo(out, targets, lambda_coord, lambda_noobj, raw_position=True)


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_boxes")
def sigmoid_not_differentiated(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The gradient of the position lacks the derivative of the sigmoid, σ(1 - σ)."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    s = _sigmoid(out[:, :2])
    dout[:, :2] /= np.maximum(s * (1 - s), 1e-30)
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_boxes")
def factor_two_missing(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The gradients of positions and sizes are half of what they should be: the derivative of d² is
    2 d."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    dout[:, :4] /= 2
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_objectness")
def objectness_gradient_unweighted(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The gradient of the objectness lacks lambda_noobj, which the loss has."""
    loss, _ = _yolo(out, targets, lambda_coord, lambda_noobj)
    return loss, _yolo(out, targets, lambda_coord, 1.0)[1]


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_objectness")
def objectness_sign(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The gradient of the objectness has the wrong sign: it is probability minus target."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    dout[:, 4] *= -1
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_classes")
def empty_cells_learn_classes(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Cells without an object have a gradient of their class scores: nobody asks which class it
    would be, so set it to 0."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    empty = (targets[:, 4:5] == 0) * _softmax(out[:, 5:]) / len(out)
    dout[:, 5:] += empty
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_classes")
def class_gradient_without_label(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """The gradient of the class scores is the probabilities alone: subtract the one-hot label."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    dout[:, 5:] += targets[:, 5:] / len(out)
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_gradient_of_classes")
def sigmoid_for_classes(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You give each class a sigmoid of its own, as YOLOv3 does: here the classes share a
    softmax."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    z, t, mask = out[:, 5:], targets[:, 5:], targets[:, 4:5]
    ours = np.sum((_log_sum_exp(z) - z) * t)
    theirs = np.sum((np.logaddexp(0, z) - z * t) * mask)
    dout[:, 5:] = (_sigmoid(z) - t) * mask / len(out)
    return loss + (theirs - ours) / len(out), dout


@misconception(of="yolo_loss", caught_by="yolo_survives_large_outputs")
def softmax_overflows(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Large class scores overflow in the softmax: subtract the largest score of each cell first."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    with np.errstate(all="ignore"):
        e = np.exp(out[:, 5:])
        p = e / e.sum(axis=1, keepdims=True)
        dout[:, 5:] = (p - targets[:, 5:]) * targets[:, 4:5] / len(out)
    return loss, dout


@misconception(of="yolo_loss", caught_by="yolo_survives_large_outputs")
def objectness_overflows(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Large logits of the objectness give an infinite loss, as logarithms of 0: use np.logaddexp(0,
    z) - t z."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    with np.errstate(all="ignore"):
        s = 1 / (1 + np.exp(-out[:, 4]))
        p = np.where(targets[:, 4] > 0, s, 1 - s)
        return loss + np.sum(np.where(p == 0, np.inf, 0.0)), dout


@misconception(of="yolo_loss", caught_by="yolo_of_an_empty_image")
def divided_by_objects(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You divide by the number of objects, and fail without any: divide by the number of images."""
    loss, dout = _yolo(out, targets, lambda_coord, lambda_noobj)
    with np.errstate(all="ignore"):
        factor = len(out) / targets[:, 4].sum()
        return loss * factor, dout * factor


@misconception(of="yolo_loss", caught_by="yolo_leaves_arguments_alone", symptom="mutation")
def sigmoid_in_place(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """You write the sigmoids into the caller's array: make a new one."""
    result = _yolo(out, targets, lambda_coord, lambda_noobj)
    out[:, :2] = _sigmoid(out[:, :2])
    return result


# Right but for what their arguments change --------------------------------------------------------


def _corners(boxes1, boxes2):
    """Widths and heights of the intersections, negative where there is none."""
    upper_left = np.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    return np.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:]) - upper_left


def _area(boxes, extra=0.0):
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2] + extra, 0), axis=1)


def _ratio(both, boxes1, boxes2, extra=0.0, subtract=1.0):
    union = _area(boxes1, extra)[:, None] + _area(boxes2, extra)[None] - subtract * both
    return both / np.where(union > 0, union, 1)


def _iou(boxes1, boxes2, extra=0.0, clamp=True, subtract=1.0):
    lengths = _corners(boxes1, boxes2) + extra
    both = np.prod(np.maximum(lengths, 0) if clamp else lengths, axis=2)
    return _ratio(both, boxes1, boxes2, extra, subtract)


def _nms(boxes, scores, threshold, order=None, stays=lambda value, t: value <= t):
    left = np.argsort(-scores, kind="stable") if order is None else order
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][stays(_iou(boxes[left[:1]], boxes[left[1:]])[0], threshold)]
    return np.array(kept, dtype=np.int64)


def _verdicts(
    boxes,
    scores,
    images,
    objects,
    where,
    threshold,
    order=None,
    apart=True,
    once=True,
    second=False,
):
    table = _iou(boxes, objects)
    if apart:
        table = np.where(images[:, None] == where, table, 0.0)
    found, right = np.zeros(len(objects), dtype=bool), np.zeros(len(boxes))
    for k, i in enumerate(np.argsort(-scores, kind="stable") if order is None else order):
        row = np.where(found, 0.0, table[i]) if second else table[i]
        best = row.argmax()
        if row[best] >= threshold and not (once and found[best]):
            found[best], right[k] = True, 1.0
    return right


def _filled(right, fill=lambda p: np.maximum.accumulate(p[::-1])[::-1]):
    return fill(np.cumsum(right) / np.arange(1, len(right) + 1)) if len(right) else right


def _ap(boxes, scores, images, objects, where, threshold, fill=None, **changes):
    if len(objects) == 0:
        return np.nan
    right = _verdicts(boxes, scores, images, objects, where, threshold, **changes)
    filled = _filled(right) if fill is None else _filled(right, fill)
    return np.sum(right * filled) / len(objects)


def _pool(
    x,
    rois,
    roi_param,
    reduce=np.max,
    down=np.floor,
    up=np.ceil,
    last=lambda k, n, bins: -(-(k + 1) * n // bins),
    least=1,
    clip=True,
):
    (bins_y, bins_x), (_, channels, height, width) = roi_param["output_size"], x.shape
    out = np.zeros((len(rois), channels, bins_y, bins_x))
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = roi[1:] * roi_param["spatial_scale"]
        left, top = int(max(down(x1), 0)), int(max(down(y1), 0))
        if clip:
            left, top = min(left, width - 1), min(top, height - 1)
        w = max(least, int(min(up(x2), width)) - left)
        h = max(least, int(min(up(y2), height)) - top)
        for i in range(bins_y):
            rows = slice(top + i * h // bins_y, top + last(i, h, bins_y))
            for j in range(bins_x):
                columns = slice(left + j * w // bins_x, left + last(j, w, bins_x))
                out[r, :, i, j] = reduce(x[int(roi[0]), :, rows, columns], axis=(1, 2))
    return out, None


def _pool_back(dout, cache):
    shape, images, where = cache
    dx = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    channels = np.arange(shape[1])[None, :, None, None]
    np.add.at(dx, (images[:, None, None, None], channels, where), dout)
    return dx.reshape(shape)


def _weights(
    starts,
    ends,
    bins,
    samples,
    size,
    centre=0.5,
    middle=0.5,
    steps=None,
    nearest=False,
    swapped=False,
    clip=True,
):
    if steps is None:
        steps = (np.arange(bins * samples) + middle) / (bins * samples)
    places = starts[:, None] + (ends - starts)[:, None] * steps - centre
    if clip:
        places = np.clip(places, 0, size - 1)
    if nearest:
        places = np.round(places)
    if swapped:
        places = 2 * np.floor(places) + 1 - places
    weights = np.maximum(0, 1 - np.abs(places[:, :, None] - np.arange(size)))
    return weights.reshape(len(starts), bins, samples, size).mean(axis=2)


def _align(x, rois, roi_param):
    x1, y1, x2, y2 = rois[:, 1:].T * roi_param["spatial_scale"]
    (bins_y, bins_x), samples = roi_param["output_size"], roi_param["sampling_ratio"]
    rows = _weights(y1, y2, bins_y, samples, x.shape[2])
    columns = _weights(x1, x2, bins_x, samples, x.shape[3])
    maps = x[rois[:, 0].astype(np.int64)]
    return np.einsum("rih,rchw,rjw->rcij", rows, maps, columns, optimize=True), None


def _align_back(dout, cache):
    shape, images, rows, columns = cache
    dx = np.zeros(shape)
    np.add.at(dx, images, rows.transpose(0, 2, 1)[:, None] @ dout @ columns[:, None])
    return dx


def _anchors(
    map_shapes,
    strides,
    sizes,
    ratios,
    offset=0.5,
    by_columns=False,
    ratios_first=False,
    keep_width=False,
):
    boxes = []
    for (rows, columns), stride, level in zip(map_shapes, strides, sizes, strict=True):
        cells = [(i, j) for i in range(rows) for j in range(columns)]
        shapes = [(size, ratio) for size in level for ratio in ratios]
        if by_columns:
            cells.sort(key=lambda cell: cell[1])
        if ratios_first:
            shapes = [(size, ratio) for ratio in ratios for size in level]
        for i, j in cells:
            x, y = (j + offset) * stride, (i + offset) * stride
            for size, ratio in shapes:
                w = size / 2 if keep_width else size / np.sqrt(ratio) / 2
                h = w * ratio
                boxes.append([x - w, y - h, x + w, y + h])
    return np.array(boxes)


def _encode(boxes, anchors, unit=lambda size, anchor_size: anchor_size, log=np.log, at=0.5):
    size, anchor_size = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    shift = boxes[:, :2] + at * size - anchors[:, :2] - at * anchor_size
    return np.concatenate([shift / unit(size, anchor_size), log(size / anchor_size)], axis=1)


def _decode(deltas, anchors, unit=None, exp=np.exp):
    size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + size / 2 + deltas[:, :2] * (size if unit is None else unit)
    half = size * exp(deltas[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _assign(anchors, objects, positive, negative, force="touching"):
    labels, matches = np.zeros(len(anchors), dtype=np.int64), np.full(len(anchors), -1)
    if len(objects) == 0:
        return labels, matches
    table = _iou(anchors, objects)
    largest, nearest = table.max(axis=1), table.argmax(axis=1)
    labels[largest >= negative] = -1
    good = largest >= positive
    labels[good], matches[good] = 1, nearest[good]
    best = table.argmax(axis=0)
    order = np.arange(len(objects)) if force == "last" else np.argsort(table.max(axis=0))
    for m in order:
        if force != "nothing" and (force == "all" or table[best[m], m] > 0):
            labels[best[m]] = 1
            matches[best[m]] = nearest[best[m]] if force == "label" else m
    return labels, matches


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def _rpn(logits, deltas, labels, targets, beta, box_weight, count=None):
    counted, positive = labels >= 0, labels == 1
    n = max(1, np.sum(counted)) if count is None else count
    dlogits, ddeltas = np.zeros(logits.shape), np.zeros(deltas.shape)
    dlogits[counted] = (_sigmoid(logits) - labels)[counted] / n
    d = deltas[positive] - targets[positive]
    near = np.abs(d) < beta
    ddeltas[positive] = box_weight * np.where(near, d / beta, np.sign(d)) / n
    boxes = np.sum(np.where(near, d * d / (2 * beta), np.abs(d) - beta / 2))
    scores = np.sum((np.logaddexp(0, logits) - labels * logits)[counted])
    return (scores + box_weight * boxes) / n, dlogits, ddeltas


def _targets(
    boxes,
    labels,
    grid,
    stride,
    prior,
    num_classes,
    swap=False,
    corner=False,
    local=True,
    shift=0.0,
    unit=1.0,
    log=np.log,
    clear=True,
):
    targets = np.zeros((5 + num_classes, *grid))
    for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
        if label < 0:
            continue
        x, y = (x1, y1) if corner else ((x1 + x2) / 2, (y1 + y2) / 2)
        x, y = (y / stride, x / stride) if swap else (x / stride, y / stride)
        i, j = min(max(int(y), 0), grid[0] - 1), min(max(int(x), 0), grid[1] - 1)
        if clear:
            targets[:, i, j] = 0
        x, y = (x - j, y - i) if local else (x, y)
        targets[:2, i, j] = unit * (x - shift), unit * (y - shift)
        targets[2:4, i, j] = log((x2 - x1) / prior[0]), log((y2 - y1) / prior[1])
        targets[[4, 5 + label], i, j] = 1
    return targets


def _log_sum_exp(z):
    highest = z.max(axis=1, keepdims=True)
    return highest + np.log(np.exp(z - highest).sum(axis=1, keepdims=True))


def _softmax(z):
    return np.exp(z - _log_sum_exp(z))


def _yolo(
    out, targets, coord, noobj, object_weight=1.0, boxes_everywhere=False, raw_position=False
):
    has_object, dout = targets[:, 4:5], np.zeros(out.shape)
    mask = np.ones_like(has_object) if boxes_everywhere else has_object
    s = out[:, :2] if raw_position else _sigmoid(out[:, :2])
    slope = 1.0 if raw_position else s * (1 - s)
    position, size = (s - targets[:, :2]) * mask, (out[:, 2:4] - targets[:, 2:4]) * mask
    dout[:, :2], dout[:, 2:4] = 2 * coord * position * slope, 2 * coord * size
    z = out[:, 4:5]
    weight = np.where(has_object, object_weight, noobj)
    dout[:, 4:5] = weight * (_sigmoid(z) - has_object)
    dout[:, 5:] = (_softmax(out[:, 5:]) - targets[:, 5:]) * has_object
    loss = coord * (np.sum(position**2) + np.sum(size**2))
    loss += np.sum(weight * (np.logaddexp(0, z) - has_object * z))
    loss += np.sum((_log_sum_exp(out[:, 5:]) - out[:, 5:]) * targets[:, 5:])
    return loss / len(out), dout / len(out)
