"""Everything in float32, whatever comes in; small helpers, a class as a cache."""

import numpy as np

F = np.float32


def f(array):
    return np.asarray(array, dtype=F)


class Kept:
    def __init__(self, **what):
        self.__dict__.update(what)


def iou(boxes1, boxes2):
    x1, y1, x2, y2 = f(boxes1).T[:, :, None]
    u1, v1, u2, v2 = f(boxes2).T[:, None, :]
    zero = F(0)
    inter = np.maximum(np.minimum(x2, u2) - np.maximum(x1, u1), zero)
    inter = inter * np.maximum(np.minimum(y2, v2) - np.maximum(y1, v1), zero)
    one = np.maximum(x2 - x1, zero) * np.maximum(y2 - y1, zero)
    other = np.maximum(u2 - u1, zero) * np.maximum(v2 - v1, zero)
    union = one + other - inter
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(union > 0, inter / union, zero)


def nms(boxes, scores, iou_threshold=0.5):
    order, kept = list(np.argsort(-f(scores))), []
    while order:
        best = order.pop(0)
        kept.append(best)
        order = [k for k in order if iou(boxes[[best]], boxes[[k]])[0, 0] <= F(iou_threshold)]
    return np.array(kept, dtype=np.int32)


def average_precision(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    M = len(true_boxes)
    if M == 0:
        return F("nan")
    used, tp = [False] * M, []
    for k in np.argsort(-np.asarray(scores)):
        row = iou(boxes[[k]], true_boxes)[0]
        row[true_images != images[k]] = -1
        m = int(np.argmax(row))
        tp.append(bool(row[m] >= F(iou_threshold)) and not used[m])
        used[m] = used[m] or tp[-1]
    area, best, hits = F(0), F(0), sum(tp)
    for k in reversed(range(len(tp))):
        best = max(best, F(hits) / F(k + 1))
        if tp[k]:
            area += best / F(M)
            hits -= 1
    return area


def spans(lo, hi, bins, size):
    a = int(min(max(np.floor(lo), 0), size - 1))
    n = int(max(a + 1, min(np.ceil(hi), size))) - a
    return [slice(a + (k * n) // bins, a + ((k + 1) * n + bins - 1) // bins) for k in range(bins)]


def roi_pool_forward(x, rois, roi_param):
    PH, PW = roi_param["output_size"]
    x = f(x)
    out = np.zeros((len(rois), x.shape[1], PH, PW), F)
    where = []
    for r in range(len(rois)):
        n, box = int(rois[r][0]), f(rois[r][1:]) * F(roi_param["spatial_scale"])
        ys = spans(box[1], box[3], PH, x.shape[2])
        xs = spans(box[0], box[2], PW, x.shape[3])
        where.append((n, ys, xs))
        for i, rows in enumerate(ys):
            for j, columns in enumerate(xs):
                out[r, :, i, j] = x[n, :, rows, columns].max(axis=2).max(axis=1)
    return out, Kept(x=x, out=out, where=where)


def roi_pool_backward(dout, cache):
    dx = np.zeros_like(cache.x)
    for r, (n, ys, xs) in enumerate(cache.where):
        for i, rows in enumerate(ys):
            for j, columns in enumerate(xs):
                top = cache.out[r, :, i, j][:, None, None]
                dx[n, :, rows, columns] += (cache.x[n, :, rows, columns] == top) * f(
                    dout[r, :, i, j]
                )[:, None, None]
    return dx


def interpolation_weights(starts, ends, num_bins, num_samples, size):
    total = num_bins * num_samples
    width = (f(ends) - f(starts)) / F(total)
    p = f(starts)[:, None] + width[:, None] * (np.arange(total, dtype=F) + F(0.5))
    q = np.clip(p - F(0.5), F(0), F(size - 1))
    tent = np.clip(1 - np.abs(q[..., None] - np.arange(size, dtype=F)), F(0), None)
    return f(tent.reshape(-1, num_bins, num_samples, size).sum(2) / F(num_samples))


def roi_align_forward(x, rois, roi_param):
    PH, PW = roi_param["output_size"]
    rois, s = f(rois), roi_param["sampling_ratio"]
    b = rois[:, 1:] * F(roi_param["spatial_scale"])
    A = interpolation_weights(b[:, 1], b[:, 3], PH, s, x.shape[2])
    B = interpolation_weights(b[:, 0], b[:, 2], PW, s, x.shape[3])
    n = rois[:, 0].astype(int)
    # Both axes at once: (PH · PW, H · W) for each region.
    G = (A[:, :, None, :, None] * B[:, None, :, None, :]).reshape(len(rois), PH * PW, -1)
    maps = f(x)[n].reshape(len(rois), x.shape[1], -1)
    out = np.matmul(maps, G.transpose(0, 2, 1)).reshape(len(rois), x.shape[1], PH, PW)
    return out, Kept(G=G, n=n, shape=x.shape)


def roi_align_backward(dout, cache):
    dx = np.zeros(cache.shape, F)
    for r, n in enumerate(cache.n):
        flat = f(dout[r]).reshape(cache.shape[1], -1) @ cache.G[r]
        dx[n] += flat.reshape(cache.shape[1:])
    return dx


def generate_anchors(map_shapes, strides, sizes, ratios):
    all_of_them = []
    for k, (rows, columns) in enumerate(map_shapes):
        base = []
        for a in sizes[k]:
            for r in ratios:
                w, h = F(a) * F(r) ** F(-0.5), F(a) * F(r) ** F(0.5)
                base.append([-w / 2, -h / 2, w / 2, h / 2])
        i, j = np.divmod(np.arange(rows * columns), columns)
        c = (f([j, i, j, i]).T + F(0.5)) * F(strides[k])
        all_of_them.append((c[:, None] + f(base)[None]).reshape(-1, 4))
    return np.concatenate(all_of_them)


def parts(boxes):
    x1, y1, x2, y2 = f(boxes).T
    return x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2, x2 - x1, y2 - y1


def encode_boxes(boxes, anchors):
    (x, y, w, h), (xa, ya, wa, ha) = parts(boxes), parts(anchors)
    return np.stack([(x - xa) / wa, (y - ya) / ha, np.log(w / wa), np.log(h / ha)], axis=-1)


def decode_boxes(deltas, anchors):
    xa, ya, wa, ha = parts(anchors)
    tx, ty, tw, th = f(deltas).T
    x, y, w, h = xa + tx * wa, ya + ty * ha, wa * np.exp(tw), ha * np.exp(th)
    return np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)


def assign_anchors(anchors, true_boxes, positive=0.7, negative=0.3):
    labels = np.zeros(len(anchors), np.int32)
    matches = np.full(len(anchors), -1, np.int32)
    if len(true_boxes):
        table = iou(anchors, true_boxes)
        high = table.max(axis=1)
        labels[high >= F(negative)] = -1
        labels[high >= F(positive)] = 1
        matches[labels == 1] = table.argmax(axis=1)[labels == 1]
        winner = {}
        for m in range(len(true_boxes)):
            a = int(table[:, m].argmax())
            if table[a, m] > 0 and (a not in winner or table[a, m] > table[a, winner[a]]):
                winner[a] = m
        for a, m in winner.items():
            labels[a], matches[a] = 1, m
    return labels, matches


def sigmoid(z):
    return (np.tanh(f(z) / 2) + 1) / 2


def rpn_loss(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    dz, dd = np.zeros(len(logits), F), np.zeros((len(logits), 4), F)
    use, pos = np.flatnonzero(labels != -1), np.flatnonzero(labels == 1)
    n = F(max(1, len(use)))
    z, c = f(logits)[use], f(labels)[use]
    loss = np.sum(np.where(c == 1, np.logaddexp(F(0), -z), np.logaddexp(F(0), z)))
    dz[use] = (sigmoid(z) - c) / n
    d = f(deltas)[pos] - f(targets)[pos]
    size = np.abs(d)
    quadratic = np.minimum(size, F(beta))
    loss += F(box_weight) * np.sum(quadratic**2 / F(2 * beta) + (size - quadratic))
    dd[pos] = F(box_weight) * np.sign(d) * quadratic / F(beta) / n
    return loss / n, dz, dd


def yolo_targets(boxes, labels, grid, stride, prior, num_classes):
    targets = np.zeros((5 + num_classes, *grid), F)
    for box, label in zip(f(boxes), labels):
        if label == -1:
            continue
        x, y, w, h = (v[0] for v in parts(box[None]))
        j, i = int(x // stride), int(y // stride)
        i, j = min(i, grid[0] - 1), min(j, grid[1] - 1)
        cell = np.zeros(5 + num_classes, F)
        cell[:5] = x / F(stride) - j, y / F(stride) - i, np.log(w / F(prior[0])), 0, 1
        cell[3] = np.log(h / F(prior[1]))
        cell[5 + label] = 1
        targets[:, i, j] = cell
    return targets


def yolo_loss(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    out, targets = f(out), f(targets)
    N, has = F(len(out)), targets[:, 4] == 1
    lc, ln = F(lambda_coord), F(lambda_noobj)
    dout = np.zeros_like(out)
    s = sigmoid(out[:, :2])
    total = F(0)
    for k in range(4):
        o = s[:, k] if k < 2 else out[:, k]
        e = np.where(has, o - targets[:, k], F(0))
        total += lc * np.sum(e * e)
        dout[:, k] = 2 * lc * e * (o * (1 - o) if k < 2 else F(1))
    z = out[:, 4]
    total += np.sum(np.logaddexp(F(0), -z)[has]) + ln * np.sum(np.logaddexp(F(0), z)[~has])
    dout[:, 4] = np.where(has, -sigmoid(-z), ln * sigmoid(z))
    scores = out[:, 5:] - out[:, 5:].max(axis=1)[:, None]
    p = np.exp(scores)
    sums = p.sum(axis=1)
    true = np.sum(scores * targets[:, 5:], axis=1)
    total += np.sum((np.log(sums) - true)[has])
    dout[:, 5:] = (p / sums[:, None] - targets[:, 5:]) * has[:, None]
    return total / N, dout / N
