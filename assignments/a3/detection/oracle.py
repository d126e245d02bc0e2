"""Detection in plain Python: loops over pixels, boxes and cells, and nothing clever.

Boxes are edges (x1, y1, x2, y2) as in the notebook. ``overlap`` counts little squares; what
compares boxes on its way to something else uses ``_iou``, the formula for two boxes.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "align_gradient",
    "align_weights",
    "aligned",
    "anchors",
    "assignment",
    "average_precision",
    "decoded",
    "encoded",
    "overlap",
    "pool_gradient",
    "pooled",
    "rpn",
    "suppressed",
    "yolo",
    "yolo_cells",
]


# Boxes --------------------------------------------------------------------------------------------


def overlap(boxes1, boxes2):
    """Return IoU of all pairs, by counting squares of half a pixel; corners must lie on them."""
    return np.array(
        [[_counted(a, b) for b in np.asarray(boxes2).tolist()] for a in np.asarray(boxes1).tolist()]
    ).reshape(len(boxes1), len(boxes2))


def _counted(a, b):
    squares_a, squares_b = _squares(a), _squares(b)
    union = len(squares_a | squares_b)
    return len(squares_a & squares_b) / union if union else 0.0


def _squares(box):
    x1, y1, x2, y2 = (round(2 * edge) for edge in box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


def _area(box):
    x1, y1, x2, y2 = box
    return (x2 - x1) * (y2 - y1) if x2 > x1 and y2 > y1 else 0.0


def _iou(a, b):
    both = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    union = _area(a) + _area(b) - _area(both)
    return _area(both) / union if union > 0 else 0.0


def suppressed(boxes, scores, threshold):
    """Return what NMS keeps: each box in the order of scores, unless a kept one overlaps it."""
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if all(_iou(boxes[i].tolist(), boxes[k].tolist()) <= threshold for k in kept):
            kept.append(i)
    return kept


def average_precision(boxes, scores, images, true_boxes, true_images, threshold):
    """Return the mean over objects of the best precision at their recall or a higher one."""
    claimed, verdicts = set(), []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        candidates = [
            (_iou(boxes[i].tolist(), true_boxes[m].tolist()), -m)
            for m in range(len(true_boxes))
            if true_images[m] == images[i]
        ]
        value, m = max(candidates, default=(0.0, 0))
        verdicts.append(value >= threshold and m not in claimed)
        if verdicts[-1]:
            claimed.add(m)
    precisions = [sum(verdicts[: k + 1]) / (k + 1) for k in range(len(verdicts))]
    heights = [max(precisions[k:]) for k, right in enumerate(verdicts) if right]
    return math.fsum(heights) / len(true_boxes)


# Anchors ------------------------------------------------------------------------------------------


def anchors(map_shapes, strides, sizes, ratios):
    """Return anchors by the five nested loops that define their order."""
    result = []
    for level, (rows, columns) in enumerate(map_shapes):
        for i in range(rows):
            for j in range(columns):
                for size in sizes[level]:
                    for ratio in ratios:
                        x, y = (j + 0.5) * strides[level], (i + 0.5) * strides[level]
                        w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                        result.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return np.array(result)


def _centre_and_size(box):
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def encoded(boxes, anchors):
    """Return the deltas of each box from its anchor."""
    result = []
    for box, anchor in zip(boxes.tolist(), anchors.tolist(), strict=True):
        (x, y, w, h), (xa, ya, wa, ha) = _centre_and_size(box), _centre_and_size(anchor)
        result.append([(x - xa) / wa, (y - ya) / ha, math.log(w / wa), math.log(h / ha)])
    return np.array(result)


def decoded(deltas, anchors):
    """Return the box of each row of deltas."""
    result = []
    for (tx, ty, tw, th), anchor in zip(deltas.tolist(), anchors.tolist(), strict=True):
        xa, ya, wa, ha = _centre_and_size(anchor)
        x, y, w, h = xa + wa * tx, ya + ha * ty, wa * math.exp(tw), ha * math.exp(th)
        result.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return np.array(result)


def assignment(anchors, objects, positive, negative):
    """Return labels and matches, anchor by anchor, then object by object."""
    table = [[_iou(a, b) for b in objects.tolist()] for a in anchors.tolist()]
    labels, matches = [], []
    for row in table:
        largest = max(row, default=0.0)
        if row and largest >= positive:
            labels.append(1)
            matches.append(row.index(largest))
        else:
            labels.append(0 if largest < negative or not row else -1)
            matches.append(-1)
    claims = {}
    for m in range(len(objects)):
        column = [row[m] for row in table]
        if max(column) > 0:
            claims.setdefault(column.index(max(column)), []).append(m)
    for a, claimants in claims.items():
        labels[a], matches[a] = 1, max(claimants, key=lambda m: table[a][m])
    return np.array(labels), np.array(matches)


# Regions ------------------------------------------------------------------------------------------


def _bins(start, end, bins, size):
    """Return the cells of each bin of RoI pooling along an axis, from scaled edges."""
    first = min(max(math.floor(start), 0), size - 1)
    stop = max(first + 1, min(math.ceil(end), size))
    length = stop - first
    return [
        range(first + math.floor(k * length / bins), first + math.ceil((k + 1) * length / bins))
        for k in range(bins)
    ]


def _winners(x, rois, output_size, scale):
    """Yield each output place of RoI pooling with the cell that is the maximum of its bin."""
    _, channels, height, width = x.shape
    for r, (n, x1, y1, x2, y2) in enumerate(rois.tolist()):
        for i, rows in enumerate(_bins(y1 * scale, y2 * scale, output_size[0], height)):
            for j, columns in enumerate(_bins(x1 * scale, x2 * scale, output_size[1], width)):
                for c in range(channels):
                    cells = [(int(n), c, row, column) for row in rows for column in columns]
                    yield (r, c, i, j), max(cells, key=lambda cell: x[cell])


def pooled(x, rois, output_size, scale):
    """Return RoI pooling, by looking for the largest cell of each bin."""
    out = np.zeros((len(rois), x.shape[1], *output_size))
    for place, cell in _winners(x, rois, output_size, scale):
        out[place] = x[cell]
    return out


def pool_gradient(dout, x, rois, output_size, scale):
    """Return the gradient of RoI pooling: each output's goes to the cell it came from."""
    dx = np.zeros(x.shape)
    for place, cell in _winners(x, rois, output_size, scale):
        dx[cell] += float(dout[place])
    return dx


def _shares(point, size):
    """Return the one or two cells around a point along an axis, and their shares."""
    place = min(max(point - 0.5, 0.0), size - 1.0)
    lower = min(math.floor(place), size - 1)
    upper = min(lower + 1, size - 1)
    return [(lower, 1 - (place - lower)), (upper, place - lower)]


def _points(start, end, bins, samples, k):
    """Return the sampling points of bin k."""
    width = (end - start) / bins
    return [start + k * width + (s + 0.5) * width / samples for s in range(samples)]


def _cells(x, rois, roi_param):
    """Yield each output place of RoI Align with each cell that it sees, and that cell's weight."""
    (bins_y, bins_x), scale = roi_param["output_size"], roi_param["spatial_scale"]
    samples = roi_param["sampling_ratio"]
    _, channels, height, width = x.shape
    for r, (n, *box) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (edge * scale for edge in box)
        for i in range(bins_y):
            for j in range(bins_x):
                for py in _points(y1, y2, bins_y, samples, i):
                    for px in _points(x1, x2, bins_x, samples, j):
                        for row, share_y in _shares(py, height):
                            for column, share_x in _shares(px, width):
                                weight = share_y * share_x / samples**2
                                for c in range(channels):
                                    yield (r, c, i, j), (int(n), c, row, column), weight


def aligned(x, rois, roi_param):
    """Return RoI Align, point by point."""
    out = np.zeros((len(rois), x.shape[1], *roi_param["output_size"]))
    for place, cell, weight in _cells(x, rois, roi_param):
        out[place] += weight * float(x[cell])
    return out


def align_gradient(dout, x, rois, roi_param):
    """Return the gradient of RoI Align, point by point."""
    dx = np.zeros(x.shape)
    for place, cell, weight in _cells(x, rois, roi_param):
        dx[cell] += weight * float(dout[place])
    return dx


def align_weights(starts, ends, bins, samples, size):
    """Return the weight of each cell in each bin along an axis."""
    weights = np.zeros((len(starts), bins, size))
    for r, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        for k in range(bins):
            for point in _points(start, end, bins, samples, k):
                for cell, share in _shares(point, size):
                    weights[r, k, cell] += share / samples
    return weights


# Losses -------------------------------------------------------------------------------------------


def _sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def _bce(z, c):
    """Return -log of the probability of the answer c, from a logit."""
    z = z if c == 1 else -z  # the logit of what is right
    return math.log1p(math.exp(-z)) if z >= 0 else -z + math.log1p(math.exp(z))


def rpn(logits, deltas, labels, targets, beta, box_weight):
    """Return loss, dlogits and ddeltas of a region proposal network, anchor by anchor."""
    dlogits, ddeltas, terms = np.zeros(len(logits)), np.zeros((len(logits), 4)), []
    n = sum(1 for label in labels if label != -1)
    for a, label in enumerate(labels):
        if label == -1:
            continue
        z = float(logits[a])
        terms.append(_bce(z, label) / n)
        dlogits[a] = (_sigmoid(z) - label) / n
        for k in range(4):
            if label == 1:
                d = float(deltas[a, k]) - float(targets[a, k])
                if abs(d) < beta:
                    value, slope = d * d / (2 * beta), d / beta
                else:
                    value, slope = abs(d) - beta / 2, math.copysign(1, d)
                terms.append(box_weight * value / n)
                ddeltas[a, k] = box_weight * slope / n
    return math.fsum(terms), dlogits, ddeltas


def yolo_cells(boxes, labels, grid, stride, prior, num_classes):
    """Return the targets of a scene: each cell is asked which object, if any, has its centre."""
    rows, columns = grid
    targets = np.zeros((5 + num_classes, rows, columns))
    for i in range(rows):
        for j in range(columns):
            for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
                x, y, w, h = _centre_and_size(box)
                right = x < (j + 1) * stride or j == columns - 1
                below = y < (i + 1) * stride or i == rows - 1
                if label != -1 and j * stride <= x and right and i * stride <= y and below:
                    one_hot = [1.0 if k == label else 0.0 for k in range(num_classes)]
                    size = [math.log(w / prior[0]), math.log(h / prior[1])]
                    targets[:, i, j] = [x / stride - j, y / stride - i, *size, 1.0, *one_hot]
    return targets


def yolo(out, targets, coord, noobj):
    """Return loss and gradient of a one-stage detector, cell by cell."""
    dout, terms = np.zeros(out.shape), []
    images, _, rows, columns = out.shape
    for n in range(images):
        for i in range(rows):
            for j in range(columns):
                o, t = out[n, :, i, j].tolist(), targets[n, :, i, j].tolist()
                gradient = [0.0] * len(o)
                if t[4] == 0:
                    terms.append(noobj * _bce(o[4], 0))
                    gradient[4] = noobj * _sigmoid(o[4])
                else:
                    for k in (0, 1):
                        s = _sigmoid(o[k])
                        terms.append(coord * (s - t[k]) ** 2)
                        gradient[k] = 2 * coord * (s - t[k]) * s * (1 - s)
                    for k in (2, 3):
                        terms.append(coord * (o[k] - t[k]) ** 2)
                        gradient[k] = 2 * coord * (o[k] - t[k])
                    terms.append(_bce(o[4], 1))
                    gradient[4] = _sigmoid(o[4]) - 1
                    label, highest = t[5:].index(1.0), max(o[5:])
                    total = math.fsum(math.exp(s - highest) for s in o[5:])
                    terms.append(math.log(total) + highest - o[5 + label])
                    for k, s in enumerate(o[5:]):
                        gradient[5 + k] = math.exp(s - highest) / total - t[5 + k]
                dout[n, :, i, j] = [g / images for g in gradient]
    return math.fsum(terms) / images, dout
