"""Hidden checks of the detection exercise.

Tolerances are those of single precision, so that a solution may compute in float32. Wherever an IoU
is compared with a threshold, corners of boxes are multiples of half a pixel: areas are then exact
in either precision, and an IoU that is equal to a threshold is so for everyone.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-5


# iou ----------------------------------------------------------------------------------------------


@check(points=1, of="iou")
def iou_of_all_pairs(student, rng):
    """The IoU of all pairs of five and three boxes is that of counted squares."""
    boxes1, boxes2 = _boxes(rng, 5), _boxes(rng, 3)
    # Of each kind there is one pair, whatever is drawn.
    boxes2[0] = boxes1[0] + [1.5, -1.0, 1.5, -1.0]
    boxes2[1] = boxes1[1] + [-2.0, -1.5, 1.0, 2.5]
    result = student.iou(boxes1, boxes2)
    expected = oracle.overlap(boxes1, boxes2)
    assert_close(result, expected, name="iou", rtol=RTOL, atol=ATOL)


@check(points=1, of="iou")
def iou_of_boxes_apart(student, rng):
    """Boxes that lie apart in x, in y or in both, and boxes that touch, have IoU 0."""
    (box,) = _boxes(rng, 1)
    w, h = box[2] - box[0], box[3] - box[1]
    gap_x, gap_y = rng.integers(1, 8, size=2) / 2
    shifts = [(w, 0), (0, h), (w, h), (-w, 0), (w + gap_x, h + gap_y), (-w - gap_x, h + gap_y)]
    shifts += [(w + gap_x, 0.5), (0.5, -h - gap_y)]
    others = np.array([box + np.array([dx, dy, dx, dy]) for dx, dy in shifts])
    result = student.iou(box[None], others)
    zeros = np.zeros((1, len(others)))
    assert_close(result, zeros, name="iou of boxes apart", rtol=RTOL, atol=ATOL)


@check(points=1, of="iou")
def iou_of_degenerate_boxes(student, rng):
    """A box without an area has IoU 0 with every box, also with itself."""
    (box,) = _boxes(rng, 1)
    x1, y1, x2, y2 = box
    point, line = [x1 + 0.5] * 2 + [x1 + 0.5] * 2, [x1, y1 + 0.5, x2, y1 + 0.5]
    turned, half_turned = [x2, y2, x1, y1], [x1, y2, x2, y1]
    boxes = np.array([box, point, line, turned, half_turned])
    result = student.iou(boxes, boxes)
    expected = np.zeros((5, 5))
    expected[0, 0] = 1.0
    assert_close(result, expected, name="iou with degenerate boxes", rtol=RTOL, atol=ATOL)


@check(points=1, of="iou")
def iou_of_one_pair(student, rng):
    """In float32, a box and another that it contains have the ratio of their areas."""
    (box,) = _boxes(rng, 1)
    inner = box + np.array([0.5, 0.5, -0.5, -1.0])
    pair = box[None].astype(np.float32), inner[None].astype(np.float32)
    expected = oracle.overlap(*pair)
    assert_close(student.iou(*pair), expected, name="iou", rtol=RTOL, atol=ATOL)


@check(points=1, of="iou")
def iou_without_boxes(student, rng):
    """Without boxes on either side the result is an empty array of the right shape."""
    boxes = _boxes(rng, 3)
    assert_shape(student.iou(boxes, np.zeros((0, 4))), (3, 0), name="iou with no second boxes")
    assert_shape(student.iou(np.zeros((0, 4)), boxes), (0, 3), name="iou with no first boxes")


# nms ----------------------------------------------------------------------------------------------


@check(points=1, of="nms")
def nms_keeps_the_best(student, rng):
    """Of a crowd of boxes the one with the highest score is kept; the kept ones come in order."""
    # Which crowd each box belongs to, and three boxes that lead their crowds and come late.
    crowds = rng.permutation(3)[[0, 0, 1, 1, 1, 2, 0, 2, 1, 2, 0, 2]]
    corners = np.array([[0.0, 0.0], [40.0, 3.0], [5.0, 50.0]])[crowds]
    corners = corners + rng.integers(0, 4, size=(12, 2)) / 2
    boxes = np.concatenate([corners, corners + np.array([12.0, 9.0])], axis=1)
    scores = 0.7 * _distinct(rng, 12)
    scores[[7, 4, 6]] = [0.93, 0.84, 0.77]
    _assert_kept(student.nms(boxes, scores, 0.4), oracle.suppressed(boxes, scores, 0.4))


@check(points=1, of="nms")
def nms_compares_with_kept_boxes(student, rng):
    """In a chain of boxes, a removed box removes no other."""
    boxes, order = _chain(rng, 7)
    scores = np.linspace(0.95, 0.35, 7)[order]
    _assert_kept(student.nms(boxes, scores, 0.4), oracle.suppressed(boxes, scores, 0.4))


@check(points=1, of="nms")
def nms_threshold_is_exclusive(student, rng):
    """A box whose IoU with a kept one is exactly the threshold stays."""
    x, y = rng.integers(0, 9, size=2).astype(np.float64)
    boxes = np.array([[x, y, x + 3, y + 2], [x + 1, y, x + 4, y + 2], [x, y + 0.5, x + 3, y + 2]])
    scores = np.array([0.9, 0.6, 0.8])
    _assert_kept(student.nms(boxes, scores, 0.5), oracle.suppressed(boxes, scores, 0.5))


@check(points=1, of="nms")
def nms_of_few_boxes(student, rng):
    """No boxes, and one box in float32 with a negative score, are dealt with."""
    kept = student.nms(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert_shape(kept, (0,), name="the kept of no boxes")
    one = _boxes(rng, 1).astype(np.float32)
    _assert_kept(student.nms(one, np.array([-1.5], dtype=np.float32), 0.5), [0])


@check(points=1, of="nms")
def nms_leaves_arguments_alone(student, rng):
    """Boxes and scores are the same after the call."""
    boxes, scores = _boxes(rng, 5), _distinct(rng, 5)
    held = student.hold(boxes), student.hold(scores)
    student.nms(*held, 0.3)
    require_unchanged("nms", boxes=(held[0], boxes), scores=(held[1], scores))


# average_precision --------------------------------------------------------------------------------


@check(points=1, of="average_precision")
def ap_of_a_detector(student, rng):
    """AP of detections of all kinds on several images agrees with the definition."""
    objects, images = _objects(rng, 6)
    # In the order of scores: object, shift, whether on another image.
    kinds = [(0, 0.0, 0), (0, 1.0, 0), (3, 1.0, 0), (3, 8.0, 0), (4, 0.0, 1), (1, 0.5, 0)]
    kinds += [(1, 0.0, 0), (2, 7.0, 0), (5, 1.5, 0), (2, 9.0, 0)]
    _assert_ap(student, *_detections(rng, objects, images, kinds), objects, images)


@check(points=1, of="average_precision")
def ap_fills_the_curve(student, rng):
    """Where precision rises again with recall, the higher precision counts."""
    objects, images = _objects(rng, 5)
    kinds = [(0, 0.5, 0), (1, 9.0, 0), (2, 9.0, 0), (1, 0.0, 0), (2, 1.0, 0)]
    _assert_ap(student, *_detections(rng, objects, images, kinds), objects, images)


@check(points=1, of="average_precision")
def ap_counts_an_object_once(student, rng):
    """A second detection of an object is wrong, and does not get the object next to it either."""
    objects = np.array([[0.0, 0, 10, 6], [4.0, 0, 14, 6], [30.0, 20, 40, 26]]) + 0.5 * rng.integers(
        5
    )
    images = np.array([2, 2, 2])
    kinds = [(0, 0.0, 0), (0, 1.0, 0), (2, 0.5, 0)]
    _assert_ap(student, *_detections(rng, objects, images, kinds), objects, images)


@check(points=1, of="average_precision")
def ap_threshold_is_inclusive(student, rng):
    """A detection with exactly the IoU that is asked for is right, one with less is not."""
    # Squares of 12 shifted by 4 have an IoU of 8 / 16; by 6, one of 1 / 3.
    objects = np.array([[0.0, 0, 12, 5], [30.0, 0, 42, 5]]) + 0.5 * rng.integers(5)
    images = np.array([4, 1])
    kinds = [(0, 4.0, 0), (1, 6.0, 0)]
    found = _detections(rng, objects, images, kinds)
    _assert_ap(student, *found, objects, images)
    _assert_ap(student, *found, objects, images, 0.25)


@check(points=1, of="average_precision")
def ap_of_nothing(student, rng):
    """Without detections AP is 0, without objects NaN."""
    objects, images = _objects(rng, 3)
    none, no_images = np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    value = student.average_precision(none, np.zeros(0), no_images, objects, images, 0.5)
    assert_close(value, 0.0, name="AP without detections", rtol=RTOL, atol=ATOL)
    value = student.average_precision(objects, _distinct(rng, 3), images, none, no_images, 0.5)
    require(
        np.size(value) == 1 and bool(np.all(np.isnan(np.asarray(value, dtype=np.float64)))),
        "AP without objects is not defined: expected NaN",
    )


# roi_pool_forward, roi_pool_backward --------------------------------------------------------------


@check(points=1, of="roi_pool_forward")
def pool_output_is_correct(student, rng):
    """RoI pooling agrees with a search for the largest cell of each bin."""
    x = _maps(rng, (2, 3, 7, 9)) - 4.0
    rois = np.array([[0, 9.5, 5.0, 50.5, 37.0], [0, 17.0, 1.5, 69.0, 52.0], [0, 3, 10, 30, 41.5]])
    _assert_pooled(student, x, rois, (2, 3), 0.125)


@check(points=1, of="roi_pool_forward")
def pool_takes_the_right_image(student, rng):
    """Each region is cut out of the map of its own image, in any order."""
    x = _maps(rng, (3, 2, 5, 6))
    rois = np.array([[2, 2, 3, 17, 15.0], [0, 5, 1, 22, 18], [1, 2, 3, 17, 15], [2, 1, 1, 9, 19]])
    _assert_pooled(student, x, rois, (3, 2), 0.25)


@check(points=1, of="roi_pool_forward")
def pool_of_small_regions(student, rng):
    """Regions with fewer cells than bins, in float32, fill every bin."""
    x = _maps(rng, (1, 2, 6, 5)).astype(np.float32)
    rois = np.array([[0, 8.0, 12.0, 8.0, 12.0], [0, 4.5, 3.0, 11.0, 9.5], [0, 8, 8, 12, 12]])
    _assert_pooled(student, x, rois.astype(np.float32), (3, 4), 0.25)


@check(points=1, of="roi_pool_forward")
def pool_stays_on_the_map(student, rng):
    """Regions that leave the map, wholly or in part, are cut off at its edges."""
    x = _maps(rng, (1, 2, 5, 7))
    rois = np.array(
        [[0, -9, -6, 11, 9.0], [0, 15, 11, 45, 33], [0, 60, 3, 80, 9], [0, 3, -9, 9, -3]]
    )
    _assert_pooled(student, x, rois, (2, 2), 0.25)


@check(points=1, of="roi_pool_backward")
def pool_gradient_is_correct(student, rng):
    """The gradient goes to the cells that were the maxima."""
    x = _maps(rng, (2, 3, 6, 7))
    rois = np.array([[1, 1, 2, 9, 11.0], [0, 13, 9, 26, 23]])
    _assert_pool_gradient(student, rng, x, rois, (2, 2), 0.25)


@check(points=1, of="roi_pool_backward")
def pool_gradients_add_up(student, rng):
    """Where regions and bins share cells, their gradients add up."""
    x = _maps(rng, (2, 2, 4, 5))
    rois = np.array([[0, 1, 1, 11, 10.0], [0, 0, 3, 12, 11], [1, 4, 4, 8, 8], [0, 1, 1, 11, 10]])
    _assert_pool_gradient(student, rng, x, rois, (3, 2), 0.25)


# interpolation_weights, roi_align_forward, roi_align_backward -------------------------------------


@check(points=1, of="interpolation_weights")
def weights_are_correct(student, rng):
    """The weights of the cells agree with a search for the neighbours of each point."""
    starts = rng.uniform(0.6, 2.0, size=4)
    ends = starts + rng.uniform(1.5, 4.0, size=4)
    weights = student.interpolation_weights(starts, ends, 3, 2, 7)
    expected = oracle.align_weights(starts, ends, 3, 2, 7)
    assert_close(weights, expected, name="weights", rtol=RTOL, atol=ATOL)


@check(points=1, of="interpolation_weights")
def weights_go_on_at_the_edges(student, rng):
    """Points beyond the outermost centres take the outermost cell, and rows add up to 1."""
    starts = np.array([-3.0, 3.5, 0.0, 7.0]) + rng.uniform(0, 0.4, size=4)
    ends = np.array([1.5, 8.0, 5.0, 9.0])
    weights = student.interpolation_weights(starts, ends, 2, 3, 5)
    expected = oracle.align_weights(starts, ends, 2, 3, 5)
    assert_close(weights, expected, name="weights beyond the edges", rtol=RTOL, atol=ATOL)


@check(points=1, of="roi_align_forward")
def align_output_is_correct(student, rng):
    """RoI Align agrees with bilinear interpolation at each sampling point."""
    x = rng.normal(0.4, 1.0, size=(1, 3, 6, 8))
    rois = np.concatenate([np.zeros((3, 1)), _loose_boxes(rng, 3, 20.0)], axis=1)
    _assert_aligned(student, x, rois, (2, 3), 0.25, 2)


@check(points=1, of="roi_align_forward")
def align_takes_the_right_image(student, rng):
    """Each region is sampled from the map of its own image, in any order."""
    x = rng.normal(-0.3, 1.0, size=(3, 2, 5, 4))
    rois = np.concatenate([np.array([[2], [0], [2], [1.0]]), _loose_boxes(rng, 4, 16.0)], axis=1)
    _assert_aligned(student, x, rois, (3, 2), 0.25, 1)


@check(points=1, of="roi_align_forward")
def align_of_one_region(student, rng):
    """One region that leaves the map, in float32, is sampled three times along each axis."""
    x = rng.normal(0.2, 1.0, size=(1, 2, 5, 6)).astype(np.float32)
    rois = np.array([[0, -7.0, 3.0, 31.0, 29.0]], dtype=np.float32)
    _assert_aligned(student, x, rois, (2, 2), 0.125, 3)


@check(points=1, of="roi_align_backward")
def align_gradient_is_correct(student, rng):
    """The gradient spreads over the cells by the weights of the forward pass."""
    x = rng.normal(0.4, 1.0, size=(2, 3, 6, 7))
    rois = np.concatenate([np.array([[1], [0.0]]), _loose_boxes(rng, 2, 20.0)], axis=1)
    _assert_align_gradient(student, rng, x, rois, (2, 3), 2)


@check(points=1, of="roi_align_backward")
def align_gradients_add_up(student, rng):
    """Where several regions lie on one image, their gradients add up."""
    x = rng.normal(0.4, 1.0, size=(2, 2, 5, 6))
    indices = np.array([[1], [1], [0], [1.0]])
    rois = np.concatenate([indices, _loose_boxes(rng, 4, 16.0)], axis=1)
    _assert_align_gradient(student, rng, x, rois, (3, 2), 1)


# generate_anchors ---------------------------------------------------------------------------------


@check(points=1, of="generate_anchors")
def anchors_of_one_level(student, rng):
    """Anchors of one level stand in the centres of cells, row by row, sizes and ratios inside."""
    sizes = [[float(s) for s in rng.permutation([6.0, 11.0])]]
    ratios = [0.5, 3.0, 1.25]
    _assert_anchors(student, [(3, 4)], [8], sizes, ratios)


@check(points=1, of="generate_anchors")
def anchors_of_a_pyramid(student, rng):
    """Each level of a pyramid has its own stride and sizes, in the order of levels."""
    small, large = (float(s) for s in rng.uniform([5, 20], [15, 40]))
    _assert_anchors(student, [(4, 3), (2, 1)], [4, 16], [[small], [large, 2 * large]], [1.0, 2.0])


@check(points=1, of="generate_anchors")
def anchors_of_one_cell(student, rng):
    """A map of a single cell has one anchor for each shape, centred in the cell, not clipped."""
    ratio = float(rng.uniform(1.5, 4.0))
    _assert_anchors(student, [(1, 1)], [10], [[30.0]], [ratio])


# encode_boxes, decode_boxes -----------------------------------------------------------------------


@check(points=1, of="encode_boxes")
def deltas_are_correct(student, rng):
    """Shifts are in units of the anchor's size, sizes are logarithms of ratios."""
    boxes, anchors = _loose_boxes(rng, 5, 40.0), _loose_boxes(rng, 5, 40.0)
    expected = oracle.encoded(boxes, anchors)
    assert_close(
        student.encode_boxes(boxes, anchors), expected, name="deltas", rtol=RTOL, atol=ATOL
    )


@check(points=1, of="encode_boxes")
def encoding_one_box(student, rng):
    """One box, in float32, that is far from its anchor and much larger."""
    anchor = np.array([[2.0, 3.0, 7.0, 11.0]], dtype=np.float32)
    box = np.array([[30.0, 20.0, 70.0, 90.0]], dtype=np.float32) + rng.integers(9)
    expected = oracle.encoded(box, anchor)
    assert_close(student.encode_boxes(box, anchor), expected, name="deltas", rtol=RTOL, atol=ATOL)


@check(points=1, of="decode_boxes")
def boxes_are_decoded(student, rng):
    """Deltas move the centre and stretch the sides of an anchor."""
    deltas, anchors = rng.normal(0.2, 0.6, size=(6, 4)), _loose_boxes(rng, 6, 40.0)
    expected = oracle.decoded(deltas, anchors)
    assert_close(
        student.decode_boxes(deltas, anchors), expected, name="boxes", rtol=RTOL, atol=1e-4
    )


@check(points=1, of="decode_boxes")
def decoding_undoes_encoding(student, rng):
    """What decode_boxes makes of deltas far from zero, is what they were encoded from."""
    boxes, anchors = _loose_boxes(rng, 7, 40.0), _loose_boxes(rng, 7, 40.0)
    boxes[0] += 300.0
    boxes[1, 2:] = boxes[1, :2] + [2.0, 900.0]
    deltas = oracle.encoded(boxes, anchors)
    assert_close(student.decode_boxes(deltas, anchors), boxes, name="boxes", rtol=RTOL, atol=1e-3)


@check(points=1, of="decode_boxes")
def decoding_leaves_arguments_alone(student, rng):
    """Deltas and anchors are the same after the call."""
    deltas, anchors = rng.normal(0.2, 0.6, size=(3, 4)), _loose_boxes(rng, 3, 40.0)
    held = student.hold(deltas), student.hold(anchors)
    assert_shape(student.decode_boxes(*held), (3, 4), name="boxes")
    require_unchanged("decode_boxes", deltas=(held[0], deltas), anchors=(held[1], anchors))


# assign_anchors -----------------------------------------------------------------------------------


@check(points=1, of="assign_anchors")
def assignment_by_thresholds(student, rng):
    """Anchors are positive, ignored or negative by their largest IoU, and matched accordingly."""
    anchors, order = _chain(rng, 14, step=1.0)
    objects = anchors[[order.tolist().index(k) for k in (7, 1)]]
    _assert_assigned(student, anchors, objects, 0.6, 0.35)


@check(points=1, of="assign_anchors")
def assignment_at_the_thresholds(student, rng):
    """An IoU of exactly the upper threshold is positive, one of exactly the lower is ignored."""
    x, y = rng.integers(0, 9, size=2).astype(np.float64)
    shifts = rng.permutation([0.0, 2.0, 4.0, 5.0])  # of widths of 8: IoU 1, 6/10, 4/12, 3/13
    anchors = np.array([[x + d, y, x + 8 + d, y + 5] for d in shifts])
    objects = np.array([[x, y, x + 8, y + 5]])
    _assert_assigned(student, anchors, objects, 0.6, 1 / 3)
    _assert_assigned(student, anchors, objects, 1.0, 0.6)


@check(points=1, of="assign_anchors")
def assignment_forces_a_match(student, rng):
    """An object that no anchor fits gets its best anchor, but none that does not touch it."""
    shift = rng.integers(0, 5) / 2
    anchors = np.array([[0.0, 0, 8, 8], [20.0, 0, 28, 8], [40.0, 0, 48, 8], [22.0, 1, 30, 9]])
    objects = np.array([[0.0, 0, 8, 7], [27.0, 3, 41, 12], [80.0, 80, 90, 90]])
    order = np.append(1, rng.permutation([0, 2, 3]))
    _assert_assigned(student, anchors[order] + shift, objects + shift, 0.7, 0.3)


@check(points=1, of="assign_anchors")
def assignment_forces_the_right_object(student, rng):
    """The best anchor of an object is matched with that object, though it fits another better."""
    # Anchor 1 fits object 0 well, but anchor 0 fits it exactly. For object 1 anchor 1 is the best.
    anchors = np.array([[0.0, 0, 10, 10], [1.0, 0, 11, 10], [30.0, 0, 40, 10]])
    objects = np.array([[0.0, 0, 10, 10], [9.0, 0, 21, 10]])
    order, places = rng.permutation(3), rng.permutation(2)
    _assert_assigned(student, anchors[order], objects[places], 0.7, 0.3)


@check(points=1, of="assign_anchors")
def assignment_of_a_shared_best_anchor(student, rng):
    """An anchor that is the best of several objects gets the one that it overlaps most."""
    anchors = np.array([[0.0, 0, 10, 10], [50.0, 0, 60, 10], [-30.0, 0, -20, 10]])
    objects = np.array([[8.0, 0, 18, 10], [5.0, 0, 15, 10], [9.0, 0, 19, 10]])
    places = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])[rng.integers(3)]
    for chosen in (places, places[::-1]):
        _assert_assigned(student, anchors, objects[chosen], 0.7, 0.3)


@check(points=1, of="assign_anchors")
def assignment_of_an_empty_scene(student, rng):
    """Without objects all anchors are negative, and nothing is matched."""
    _assert_assigned(student, _boxes(rng, 5), np.zeros((0, 4)), 0.7, 0.3)


# rpn_loss -----------------------------------------------------------------------------------------


@check(points=1, of="rpn_loss")
def rpn_loss_is_correct(student, rng):
    """The loss is that of scores and boxes, over all anchors that count."""
    inputs = _rpn_inputs(rng)
    loss, _, _ = student.rpn_loss(*inputs, 0.4, 1.7)
    expected, _, _ = oracle.rpn(*inputs, 0.4, 1.7)
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)


@check(points=1, of="rpn_loss")
def rpn_dlogits_are_correct(student, rng):
    """The gradient of the logits is probability minus label, over the anchors that count."""
    inputs = _rpn_inputs(rng)
    _, dlogits, _ = student.rpn_loss(*inputs, 0.4, 1.7)
    _, expected, _ = oracle.rpn(*inputs, 0.4, 1.7)
    assert_close(dlogits, expected, name="dlogits", rtol=RTOL, atol=ATOL)


@check(points=1, of="rpn_loss")
def rpn_ddeltas_are_correct(student, rng):
    """The gradient of the deltas is that of smooth L1, for positive anchors alone."""
    inputs = _rpn_inputs(rng)
    _, _, ddeltas = student.rpn_loss(*inputs, 0.4, 1.7)
    _, _, expected = oracle.rpn(*inputs, 0.4, 1.7)
    assert_close(ddeltas, expected, name="ddeltas", rtol=RTOL, atol=ATOL)


@check(points=1, of="rpn_loss")
def rpn_survives_large_logits(student, rng):
    """Logits of plus and minus a thousand, right and wrong, give finite losses and gradients."""
    _, deltas, _, targets = _rpn_inputs(rng)
    logits = np.array([1000.0, -1000.0, 900.0, -800.0, 0.5, 0.25, -700.0])
    labels = np.array([1, 0, 0, 1, 1, 0, -1])
    _assert_rpn(student, logits, deltas, labels, np.nan_to_num(targets), 0.4, 1.7)


@check(points=1, of="rpn_loss")
def rpn_ignores_what_does_not_count(student, rng):
    """Targets of anchors that are not positive may be NaN, and all anchors may be ignored."""
    logits, deltas, labels, targets = _rpn_inputs(rng)
    targets[labels != 1] = np.nan
    _assert_rpn(student, logits, deltas, labels, targets, 0.4, 1.7)
    _assert_rpn(student, logits, deltas, np.full(7, -1), np.full((7, 4), np.nan), 0.4, 1.7)


@check(points=1, of="rpn_loss")
def rpn_of_one_anchor(student, rng):
    """One negative anchor, in float32, has no box to learn."""
    logits = np.array([rng.uniform(0.3, 0.9)], dtype=np.float32)
    deltas = rng.normal(1.0, 0.3, size=(1, 4)).astype(np.float32)
    _assert_rpn(student, logits, deltas, np.array([0]), np.zeros((1, 4), np.float32), 0.4, 1.7)


@check(points=1, of="rpn_loss")
def rpn_leaves_arguments_alone(student, rng):
    """Logits, deltas, labels and targets are the same after the call."""
    arrays = dict(zip(("logits", "deltas", "labels", "targets"), _rpn_inputs(rng), strict=True))
    held = {name: student.hold(array) for name, array in arrays.items()}
    student.rpn_loss(*held.values(), 0.4, 1.7)
    require_unchanged("rpn_loss", **{name: (held[name], a) for name, a in arrays.items()})


# yolo_targets -------------------------------------------------------------------------------------


@check(points=1, of="yolo_targets")
def targets_are_correct(student, rng):
    """Objects are written into the cells of their centres, all other cells are zero."""
    cells = np.array([[0, 3], [2, 1], [1, 4], [2, 4]])  # rows and columns
    centres = 8.0 * (cells[:, ::-1] + rng.uniform(0.15, 0.85, size=(4, 2)))
    boxes = _around(centres, rng.uniform(5, 18, size=(4, 2)))
    _assert_targets(student, boxes, np.array([2, 0, 3, 1]), (3, 5), 8, (7.0, 11.0), 4)


@check(points=1, of="yolo_targets")
def targets_at_the_edges(student, rng):
    """A centre on the right or lower edge of the image belongs to the last column or row."""
    size = 4 + 2 * float(rng.integers(4))
    boxes = _around(np.array([[32.0, 5.0], [3.0, 24.0], [0.0, 8.0]]), np.full((3, 2), size))
    _assert_targets(student, boxes, np.array([1, 0, 1]), (3, 4), 8, (9.0, 6.0), 2)


@check(points=1, of="yolo_targets")
def targets_of_a_shared_cell(student, rng):
    """Of two objects with their centres in one cell, the later one alone stays."""
    centres = np.array([[12.0, 13.0], [20.0, 4.0], [10.0, 9.0]]) + rng.uniform(0, 1, size=(3, 2))
    boxes = _around(centres, rng.uniform(6, 20, size=(3, 2)))
    _assert_targets(student, boxes, np.array([2, 0, 1]), (2, 3), 8, (9.0, 6.0), 3)


@check(points=1, of="yolo_targets")
def targets_without_padding(student, rng):
    """Objects with label -1 are none, and a scene may hold nothing."""
    boxes = np.concatenate([_loose_boxes(rng, 1, 16.0), np.zeros((2, 4))]).astype(np.float32)
    _assert_targets(student, boxes, np.array([1, -1, -1]), (4, 5), 8, (9.0, 6.0), 2)
    none = np.zeros(0, dtype=np.int64)
    _assert_targets(student, np.zeros((0, 4)), none, (2, 3), 8, (9.0, 6.0), 2)


# yolo_loss ----------------------------------------------------------------------------------------


@check(points=1, of="yolo_loss")
def yolo_loss_is_correct(student, rng):
    """The loss is the mean over images of formula (9)."""
    out, targets = _yolo_inputs(rng)
    loss, _ = student.yolo_loss(out, targets, 3.0, 0.4)
    assert_close(loss, oracle.yolo(out, targets, 3.0, 0.4)[0], name="loss", rtol=RTOL, atol=ATOL)


@check(points=1, of="yolo_loss")
def yolo_gradient_of_boxes(student, rng):
    """The gradients of position and size agree with the reference."""
    _assert_yolo_gradient(student, rng, slice(0, 4), "dout of positions and sizes")


@check(points=1, of="yolo_loss")
def yolo_gradient_of_objectness(student, rng):
    """The gradient of objectness agrees with the reference, with and without an object."""
    _assert_yolo_gradient(student, rng, slice(4, 5), "dout of the objectness")


@check(points=1, of="yolo_loss")
def yolo_gradient_of_classes(student, rng):
    """The gradient of class scores agrees with the reference."""
    _assert_yolo_gradient(student, rng, slice(5, None), "dout of the class scores")


@check(points=1, of="yolo_loss")
def yolo_survives_large_outputs(student, rng):
    """Outputs of hundreds, of both signs, give finite losses and gradients."""
    out, targets = _yolo_inputs(rng)
    out = np.where(out > 0, 900.0, -900.0) + out
    out[:, 2:4] = np.sign(out[:, 2:4])
    loss, dout = student.yolo_loss(out, targets, 3.0, 0.4)
    expected_loss, expected = oracle.yolo(out, targets, 3.0, 0.4)
    assert_close(loss, expected_loss, name="loss of large outputs", rtol=RTOL, atol=ATOL)
    assert_close(dout, expected, name="dout of large outputs", rtol=RTOL, atol=ATOL)


@check(points=1, of="yolo_loss")
def yolo_of_an_empty_image(student, rng):
    """One image without an object, in float32, has the loss of empty cells alone."""
    out = rng.normal(0.5, 1.0, size=(1, 7, 2, 3)).astype(np.float32)
    targets = np.zeros_like(out)
    loss, dout = student.yolo_loss(out, targets, 3.0, 0.4)
    expected_loss, expected = oracle.yolo(out, targets, 3.0, 0.4)
    assert_close(loss, expected_loss, name="loss of an empty image", rtol=RTOL, atol=ATOL)
    assert_close(dout, expected, name="dout of an empty image", rtol=RTOL, atol=ATOL)


@check(points=1, of="yolo_loss")
def yolo_leaves_arguments_alone(student, rng):
    """Outputs and targets are the same after the call."""
    out, targets = _yolo_inputs(rng)
    held = student.hold(out), student.hold(targets)
    student.yolo_loss(*held, 3.0, 0.4)
    require_unchanged("yolo_loss", out=(held[0], out), targets=(held[1], targets))


# Inputs -------------------------------------------------------------------------------------------


def _boxes(rng, num):
    """Return boxes on the grid of half pixels, near each other, none of them degenerate."""
    corners = rng.integers(0, 13, size=(num, 2)) / 2
    return np.concatenate([corners, corners + rng.integers(6, 20, size=(num, 2)) / 2], axis=1)


def _loose_boxes(rng, num, extent):
    """Return boxes between 0 and `extent` with corners anywhere."""
    corners = rng.uniform(0, extent / 2, size=(num, 2))
    return np.concatenate([corners, corners + rng.uniform(0.2, 0.5, (num, 2)) * extent], axis=1)


def _around(centres, sizes):
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def _distinct(rng, num):
    """Return scores between 0 and 1 that are well apart, in any order."""
    return rng.permutation((np.arange(num) + rng.uniform(0.2, 0.8, size=num)) / num)


def _chain(rng, num, step=3.0):
    """Return boxes of 8 by 4 in a row, shuffled, and the place of each in the row."""
    order = rng.permutation(num)
    x = step * order + rng.integers(0, 5)
    return np.stack([x, 0 * x, x + 8.0, 0 * x + 4.0], axis=1), order


def _objects(rng, num):
    """Return objects of 12 by 10 pixels that are far apart, and their images."""
    x = 40.0 * np.arange(num) + rng.integers(0, 5, size=num) / 2
    boxes = np.stack([x, 0 * x + 3.0, x + 12.0, 0 * x + 13.0], axis=1)
    return boxes, np.array([7, 0, 3])[np.arange(num) % 3]


def _detections(rng, objects, images, kinds):
    """Return boxes, scores, images of detections, given in the order of scores, rearranged."""
    boxes = np.array([objects[m] + [shift, 0, shift, 0] for m, shift, _ in kinds])
    where = np.array([images[m] + 20 * elsewhere for m, _, elsewhere in kinds])
    scores = np.sort(rng.uniform(0.05, 0.95, size=len(kinds)))[::-1]
    # Neither the order of scores nor its reverse, and not left to chance.
    order = np.append(np.arange(1, len(kinds), 2), np.arange(0, len(kinds), 2))
    return boxes[order], scores[order], where[order]


def _maps(rng, shape):
    """Return maps without ties."""
    return rng.permutation(np.prod(shape)).reshape(shape) / 8.0


def _rpn_inputs(rng):
    """Return logits, deltas, labels, targets of seven anchors; errors lie around beta = 0.4."""
    labels = rng.permutation([1, 0, -1, 1, 0, 0, 1])
    targets = rng.normal(0.3, 0.5, size=(7, 4))
    deltas = targets + rng.permuted([[0.1, -0.25, -0.7, 1.5]] * 7, axis=1)
    return rng.normal(0.4, 1.5, size=7), deltas, labels, targets


def _yolo_inputs(rng):
    """Return outputs and targets of two images with 3 by 4 cells and three classes."""
    out = rng.normal(0.3, 1.2, size=(2, 8, 3, 4))
    targets = np.zeros(out.shape)
    for n, count in enumerate((2, 3)):
        for cell in rng.choice(12, size=count, replace=False):
            i, j = divmod(int(cell), 4)
            targets[n, :2, i, j] = rng.uniform(0.1, 0.9, size=2)
            targets[n, 2:4, i, j] = rng.normal(0.2, 0.4, size=2)
            targets[n, 4, i, j] = targets[n, 5 + rng.integers(3), i, j] = 1.0
    return out, targets


# Verdicts -----------------------------------------------------------------------------------------


def _assert_kept(kept, expected):
    assert_shape(kept, (len(expected),), name="the kept indices")
    assert_close(kept, expected, name="the kept indices, best first", rtol=0, atol=0)


def _assert_ap(student, boxes, scores, images, objects, object_images, threshold=0.5):
    inputs = boxes, scores, images, objects, object_images, threshold
    expected = oracle.average_precision(*inputs)
    value = student.average_precision(*inputs)
    assert_close(value, expected, name="AP", rtol=RTOL, atol=ATOL)


def _assert_pooled(student, x, rois, output_size, scale):
    param = {"output_size": output_size, "spatial_scale": scale}
    out, _ = student.roi_pool_forward.holding(1)(x, rois, param)
    expected = oracle.pooled(x, rois, output_size, scale)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


def _assert_pool_gradient(student, rng, x, rois, output_size, scale):
    param = {"output_size": output_size, "spatial_scale": scale}
    dout = rng.normal(0.5, 1.0, size=(len(rois), x.shape[1], *output_size))
    _, kept = student.roi_pool_forward.holding(1)(x, rois, param)
    dx = student.roi_pool_backward(dout, kept)
    expected = oracle.pool_gradient(dout, x, rois, output_size, scale)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


def _assert_aligned(student, x, rois, output_size, scale, samples):
    param = {"output_size": output_size, "spatial_scale": scale, "sampling_ratio": samples}
    out, _ = student.roi_align_forward.holding(1)(x, rois, param)
    expected = oracle.aligned(x, rois, param)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


def _assert_align_gradient(student, rng, x, rois, output_size, samples):
    param = {"output_size": output_size, "spatial_scale": 0.25, "sampling_ratio": samples}
    dout = rng.normal(0.5, 1.0, size=(len(rois), x.shape[1], *output_size))
    _, kept = student.roi_align_forward.holding(1)(x, rois, param)
    dx = student.roi_align_backward(dout, kept)
    expected = oracle.align_gradient(dout, x, rois, param)
    assert_close(dx, expected, name="dx", rtol=RTOL, atol=ATOL)


def _assert_anchors(student, map_shapes, strides, sizes, ratios):
    anchors = student.generate_anchors(map_shapes, strides, sizes, ratios)
    expected = oracle.anchors(map_shapes, strides, sizes, ratios)
    assert_close(anchors, expected, name="anchors", rtol=RTOL, atol=1e-4)


def _assert_assigned(student, anchors, objects, positive, negative):
    labels, matches = student.assign_anchors(anchors, objects, positive, negative)
    expected_labels, expected_matches = oracle.assignment(anchors, objects, positive, negative)
    assert_close(labels, expected_labels, name="labels", rtol=0, atol=0)
    assert_close(matches, expected_matches, name="matches", rtol=0, atol=0)


def _assert_rpn(student, *inputs):
    loss, dlogits, ddeltas = student.rpn_loss(*inputs)
    expected = oracle.rpn(*inputs)
    assert_close(loss, expected[0], name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dlogits, expected[1], name="dlogits", rtol=RTOL, atol=ATOL)
    assert_close(ddeltas, expected[2], name="ddeltas", rtol=RTOL, atol=ATOL)


def _assert_targets(student, *inputs):
    targets = student.yolo_targets(*inputs)
    expected = oracle.yolo_cells(*inputs)
    assert_close(targets, expected, name="targets", rtol=RTOL, atol=ATOL)


def _assert_yolo_gradient(student, rng, channels, name):
    out, targets = _yolo_inputs(rng)
    _, dout = student.yolo_loss(out, targets, 3.0, 0.4)
    assert_shape(dout, out.shape, name="dout")
    _, expected = oracle.yolo(out, targets, 3.0, 0.4)
    dout = np.asarray(dout)[:, channels]
    assert_close(dout, expected[:, channels], name=name, rtol=RTOL, atol=ATOL)
