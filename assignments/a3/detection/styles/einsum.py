"""No loop where an array will do; einsum, scatter by matrix products, caches of other layouts."""

import numpy as np


def sides(boxes):
    return np.clip(boxes[..., 2] - boxes[..., 0], 0, None), np.clip(
        boxes[..., 3] - boxes[..., 1], 0, None
    )


def iou(boxes1, boxes2):
    a, b = boxes1[:, None], boxes2[None, :]
    both = np.concatenate([np.maximum(a, b)[..., :2], np.minimum(a, b)[..., 2:]], axis=-1)
    (w, h), (wa, ha), (wb, hb) = sides(both), sides(a), sides(b)
    inter = w * h
    union = wa * ha + wb * hb - inter
    return np.divide(inter, union, out=np.zeros_like(inter, dtype=float), where=union > 0)


def nms(boxes, scores, iou_threshold=0.5):
    order = np.argsort(scores, kind="stable")[::-1]
    clash = iou(boxes, boxes)[np.ix_(order, order)] > iou_threshold
    alive = np.ones(len(order), bool)
    for k in range(len(order)):
        if alive[k]:
            alive[k + 1 :] &= ~clash[k, k + 1 :]
    return order[alive]


def average_precision(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    M = len(true_boxes)
    if not M:
        return np.float64("nan")
    if not len(boxes):
        return 0
    order = np.argsort(-scores)
    table = iou(boxes, true_boxes) * np.equal.outer(images, true_images)
    best, value = table.argmax(1)[order], table.max(1)[order]
    good = value >= iou_threshold
    # The first good detection of each object is the right one.
    places = np.flatnonzero(good)
    _, first = np.unique(best[places], return_index=True)
    right = np.zeros(len(order), bool)
    right[places[first]] = True
    recall = np.concatenate([[0], np.cumsum(right) / M])
    precision = np.cumsum(right) / (1 + np.arange(len(order)))
    filled = np.flip(np.maximum.accumulate(np.flip(precision)))
    return np.einsum("k,k->", np.diff(recall), filled)


def masks(low, high, bins, size):
    """Which cells belong to which bin: (R, bins, size)."""
    low = np.clip(np.floor(low), 0, size - 1)
    length = np.maximum(1, np.minimum(np.ceil(high), size) - low)
    k = np.arange(bins)
    start = low[:, None] + np.floor(k * length[:, None] / bins)
    stop = low[:, None] + np.ceil((k + 1) * length[:, None] / bins)
    cell = np.arange(size)
    return (cell >= start[..., None]) & (cell < stop[..., None])


def roi_pool_forward(x, rois, roi_param):
    (PH, PW), scale = roi_param["output_size"], roi_param["spatial_scale"]
    x1, y1, x2, y2 = rois[:, 1:].T.astype(float) * scale
    inside = np.einsum(
        "rih,rjw->rijhw", masks(y1, y2, PH, x.shape[2]), masks(x1, x2, PW, x.shape[3])
    )
    maps = x[rois[:, 0].astype(int)][:, :, None, None]
    values = np.where(inside[:, None], maps, -np.inf)
    out = values.max((-2, -1))
    winners = values == out[..., None, None]
    return out, (winners, rois[:, 0].astype(int), len(x))


def roi_pool_backward(dout, cache):
    winners, which, N = cache
    owner = (which == np.arange(N)[:, None]).astype(float)
    return np.einsum("nr,rcij,rcijhw->nchw", owner, dout, winners, optimize=True)


def interpolation_weights(starts, ends, num_bins, num_samples, size):
    fraction = (2 * np.arange(num_samples) + 1) / (2 * num_samples)
    steps = (np.arange(num_bins)[:, None] + fraction) / num_bins
    q = np.multiply.outer(1 - steps, starts) + np.multiply.outer(steps, ends) - 0.5
    q = np.clip(np.moveaxis(q, -1, 0), 0, size - 1)
    low = np.minimum(np.floor(q).astype(int), max(size - 2, 0))
    eye = np.eye(size)
    share = (q - low)[..., None]
    return ((1 - share) * eye[low] + share * eye[np.minimum(low + 1, size - 1)]).mean(2)


def roi_align_forward(x, rois, roi_param):
    (PH, PW), s = roi_param["output_size"], roi_param["sampling_ratio"]
    x1, y1, x2, y2 = np.moveaxis(rois[:, 1:] * roi_param["spatial_scale"], 1, 0)
    A = interpolation_weights(y1, y2, PH, s, x.shape[2])
    B = interpolation_weights(x1, x2, PW, s, x.shape[3])
    owner = np.equal.outer(rois[:, 0], np.arange(len(x))).astype(float)
    out = np.einsum("rn,rih,nchw,rjw->rcij", owner, A, x, B, optimize=True)
    return out, {"A": A, "B": B, "owner": owner}


def roi_align_backward(dout, cache):
    return np.einsum(
        "rn,rih,rcij,rjw->nchw", cache["owner"], cache["A"], dout, cache["B"], optimize=True
    )


def generate_anchors(map_shapes, strides, sizes, ratios):
    rho = np.sqrt(np.array(ratios))
    parts = []
    for (H, W), s, a in zip(map_shapes, strides, sizes):
        y, x, side, root = np.meshgrid(
            (np.arange(H) + 0.5) * s, (np.arange(W) + 0.5) * s, a, rho, indexing="ij"
        )
        w, h = side / root / 2, side * root / 2
        parts.append(np.stack([x - w, y - h, x + w, y + h], -1).reshape(-1, 4))
    return np.vstack(parts)


TO_CENTRE = np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]])


def encode_boxes(boxes, anchors):
    c, a = boxes @ TO_CENTRE, anchors @ TO_CENTRE
    return np.hstack([(c - a)[:, :2] / a[:, 2:], np.log(c[:, 2:]) - np.log(a[:, 2:])])


def decode_boxes(deltas, anchors):
    a = anchors @ TO_CENTRE
    c = np.hstack([a[:, :2] + deltas[:, :2] * a[:, 2:], a[:, 2:] * np.exp(deltas[:, 2:])])
    return c @ np.linalg.inv(TO_CENTRE)


def assign_anchors(anchors, true_boxes, positive=0.7, negative=0.3):
    if not len(true_boxes):
        return np.zeros(len(anchors), np.int8), -np.ones(len(anchors), np.int8)
    table = iou(anchors, true_boxes)
    top = table.max(1)
    labels = np.select([top >= positive, top < negative], [1, 0], -1)
    matches = np.where(labels == 1, table.argmax(1), -1)
    forced = np.zeros_like(table)
    columns = np.arange(len(true_boxes))
    forced[table.argmax(0), columns] = table.max(0)
    rows = forced.max(1) > 0
    return np.where(rows, 1, labels), np.where(rows, forced.argmax(1), matches)


def logistic(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def bce(z, t):
    return np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))


def rpn_loss(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    counted = labels != -1
    n = counted.sum()
    if n == 0:
        return 0, logits * 0, deltas * 0
    positive = (labels == 1)[:, None]
    d = np.where(positive, deltas - np.where(positive, targets, 0), 0)
    clipped = np.clip(d, -beta, beta)
    huber = clipped * (d - clipped / 2) / beta
    loss = (bce(logits, labels)[counted].sum() + box_weight * huber.sum()) / n
    return loss, counted * (logistic(logits) - labels) / n, box_weight / n * clipped / beta


def yolo_targets(boxes, labels, grid, stride, prior, num_classes):
    targets = np.zeros((*grid, 5 + num_classes))
    boxes, labels = boxes[labels >= 0], labels[labels >= 0]
    c = boxes @ TO_CENTRE
    j, i = np.minimum((c[:, :2] / stride).astype(int), [grid[1] - 1, grid[0] - 1]).T
    rows = np.hstack(
        [
            c[:, :2] / stride - np.stack([j, i], 1),
            np.log(c[:, 2:] / np.array(prior)),
            np.ones((len(c), 1)),
            np.eye(num_classes)[labels],
        ]
    )
    for where, row in zip(zip(i, j), rows):
        targets[where] = row
    return np.moveaxis(targets, -1, 0)


def yolo_loss(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    N = len(out)
    o, t = np.moveaxis(out, 1, -1), np.moveaxis(targets, 1, -1)
    d = np.zeros(o.shape)
    cells = np.nonzero(t[..., 4])
    # Cells without an object first, as if all were; those with one are replaced.
    d[..., 4] = lambda_noobj * logistic(o[..., 4])
    losses = lambda_noobj * bce(o[..., 4], 0)
    o, t = o[cells], t[cells]
    s = logistic(o[:, :2])
    e = np.hstack([s - t[:, :2], o[:, 2:4] - t[:, 2:4]])
    z = o[:, 5:] - o[:, 5:].max(1, keepdims=True, initial=-np.inf)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    losses[cells] = (
        lambda_coord * np.einsum("kc,kc->k", e, e)
        + bce(o[:, 4], 1)
        - np.einsum("kc,kc->k", log_p, t[:, 5:])
    )
    e[:, :2] *= s * (1 - s)
    d[cells] = np.hstack([2 * lambda_coord * e, logistic(o[:, 4:5]) - 1, np.exp(log_p) - t[:, 5:]])
    return losses.sum().reshape(1) / N, np.moveaxis(d, -1, 1) / N
