"""Python loops and the math module; boxes one by one, lists where lists will do."""

import math

import numpy as np


def area(box):
    x1, y1, x2, y2 = box
    return max(0.0, x2 - x1) * max(0.0, y2 - y1)


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0 or area(a) == 0 or area(b) == 0:
        return 0.0
    return width * height / (area(a) + area(b) - width * height)


def iou(boxes1, boxes2):
    table = np.zeros((len(boxes1), len(boxes2)))
    for i, a in enumerate(boxes1):
        for j, b in enumerate(boxes2):
            table[i, j] = overlap(a, b)
    return table


def nms(boxes, scores, iou_threshold=0.5):
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: scores[i], reverse=True):
        for k in kept:
            if overlap(boxes[i], boxes[k]) > iou_threshold:
                break
        else:
            kept.append(i)
    return kept


def average_precision(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    if len(true_boxes) == 0:
        return float("nan")
    found, points, hits = set(), [], 0
    for rank, i in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), 1):
        best, value = None, -1.0
        for m in range(len(true_boxes)):
            if true_images[m] == images[i] and overlap(boxes[i], true_boxes[m]) > value:
                best, value = m, overlap(boxes[i], true_boxes[m])
        if best is not None and value >= iou_threshold and best not in found:
            found.add(best)
            hits += 1
        points.append((hits / len(true_boxes), hits / rank))
    total, last = 0.0, 0.0
    for k, (recall, _) in enumerate(points):
        total += (recall - last) * max(precision for _, precision in points[k:])
        last = recall
    return total


def edges(low, high, bins, size):
    low = min(max(math.floor(low), 0), size - 1)
    length = max(low + 1, min(math.ceil(high), size)) - low
    return [
        (low + k * length // bins, low + math.ceil((k + 1) * length / bins)) for k in range(bins)
    ]


def roi_pool_forward(x, rois, roi_param):
    (PH, PW), scale = roi_param["output_size"], roi_param["spatial_scale"]
    out = np.zeros((len(rois), x.shape[1], PH, PW))
    routes = []
    for r in range(len(rois)):
        n = int(rois[r, 0])
        x1, y1, x2, y2 = (float(v) * scale for v in rois[r, 1:])
        for c in range(x.shape[1]):
            for i, (top, bottom) in enumerate(edges(y1, y2, PH, x.shape[2])):
                for j, (left, right) in enumerate(edges(x1, x2, PW, x.shape[3])):
                    best = None
                    for row in range(top, bottom):
                        for column in range(left, right):
                            if best is None or x[n, c, row, column] > x[best]:
                                best = n, c, row, column
                    out[r, c, i, j] = x[best]
                    routes.append(((r, c, i, j), best))
    return out, {"routes": routes, "shape": x.shape}


def roi_pool_backward(dout, cache):
    dx = np.zeros(cache["shape"])
    for place, source in cache["routes"]:
        dx[source] += dout[place]
    return dx


def interpolation_weights(starts, ends, num_bins, num_samples, size):
    weights = np.zeros((len(starts), num_bins, size))
    for r in range(len(starts)):
        width = (ends[r] - starts[r]) / num_bins
        for k in range(num_bins):
            for s in range(num_samples):
                q = starts[r] + k * width + (s + 0.5) / num_samples * width - 0.5
                q = min(max(q, 0.0), size - 1.0)
                low = int(q)
                high = min(low + 1, size - 1)
                weights[r, k, low] += (1 - (q - low)) / num_samples
                weights[r, k, high] += (q - low) / num_samples
    return weights


def roi_align_forward(x, rois, roi_param):
    (PH, PW), scale = roi_param["output_size"], roi_param["spatial_scale"]
    s = roi_param["sampling_ratio"]
    out, kept = [], []
    for n, x1, y1, x2, y2 in rois:
        A = interpolation_weights([y1 * scale], [y2 * scale], PH, s, x.shape[2])[0]
        B = interpolation_weights([x1 * scale], [x2 * scale], PW, s, x.shape[3])[0]
        out.append([A @ channel @ B.T for channel in x[int(n)]])
        kept.append((int(n), A, B))
    return np.array(out), (kept, x.shape)


def roi_align_backward(dout, cache):
    kept, shape = cache
    dx = np.zeros(shape)
    for (n, A, B), gradient in zip(kept, dout):
        for c in range(shape[1]):
            dx[n, c] += A.T @ gradient[c] @ B
    return dx


def generate_anchors(map_shapes, strides, sizes, ratios):
    boxes = []
    for level in range(len(map_shapes)):
        for i in range(map_shapes[level][0]):
            for j in range(map_shapes[level][1]):
                cx, cy = (j + 0.5) * strides[level], (i + 0.5) * strides[level]
                for a in sizes[level]:
                    for rho in ratios:
                        w = a / math.sqrt(rho)
                        h = w * rho
                        boxes.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return boxes


def encode_boxes(boxes, anchors):
    rows = []
    for (x1, y1, x2, y2), (a1, b1, a2, b2) in zip(boxes, anchors):
        w, h = a2 - a1, b2 - b1
        tx, ty = ((x1 + x2) - (a1 + a2)) / 2 / w, ((y1 + y2) - (b1 + b2)) / 2 / h
        rows.append([tx, ty, math.log((x2 - x1) / w), math.log((y2 - y1) / h)])
    return rows


def decode_boxes(deltas, anchors):
    rows = []
    for (tx, ty, tw, th), (a1, b1, a2, b2) in zip(deltas, anchors):
        w, h = a2 - a1, b2 - b1
        x, y = (a1 + a2) / 2 + tx * w, (b1 + b2) / 2 + ty * h
        w, h = w * math.exp(tw), h * math.exp(th)
        rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return rows


def assign_anchors(anchors, true_boxes, positive=0.7, negative=0.3):
    labels, matches = [], []
    for anchor in anchors:
        values = [overlap(anchor, box) for box in true_boxes]
        top = max(values) if values else 0.0
        if values and top >= positive:
            labels.append(1)
            matches.append(values.index(top))
        else:
            labels.append(-1 if values and top >= negative else 0)
            matches.append(-1)
    claimed = {}
    for m, box in enumerate(true_boxes):
        values = [overlap(anchor, box) for anchor in anchors]
        top = max(values)
        a = values.index(top)
        if top > 0 and top > claimed.get(a, 0.0):
            claimed[a] = top
            labels[a], matches[a] = 1, m
    return labels, matches


def softplus(z):
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def logistic(z):
    return math.exp(-softplus(-z))


def rpn_loss(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    loss, dlogits, ddeltas = 0.0, np.zeros(len(logits)), np.zeros((len(logits), 4))
    n = sum(label >= 0 for label in labels) or 1
    for a, label in enumerate(labels):
        if label < 0:
            continue
        loss += softplus(float(logits[a])) - (float(logits[a]) if label else 0.0)
        dlogits[a] = (logistic(float(logits[a])) - label) / n
        for k in range(4 if label else 0):
            d = deltas[a, k] - targets[a, k]
            if abs(d) < beta:
                loss += box_weight * 0.5 * d * d / beta
                ddeltas[a, k] = box_weight * d / beta / n
            else:
                loss += box_weight * (abs(d) - 0.5 * beta)
                ddeltas[a, k] = box_weight * (1 if d > 0 else -1) / n
    return loss / n, dlogits, ddeltas


def yolo_targets(boxes, labels, grid, stride, prior, num_classes):
    targets = np.zeros((5 + num_classes, grid[0], grid[1]))
    taken = set()
    for k in reversed(range(len(labels))):
        if labels[k] == -1:
            continue
        x1, y1, x2, y2 = (float(v) for v in boxes[k])
        x, y = (x1 + x2) / (2 * stride), (y1 + y2) / (2 * stride)
        i, j = min(math.floor(y), grid[0] - 1), min(math.floor(x), grid[1] - 1)
        if (i, j) in taken:
            continue
        taken.add((i, j))
        targets[0, i, j], targets[1, i, j] = x - j, y - i
        targets[2, i, j] = math.log((x2 - x1) / prior[0])
        targets[3, i, j] = math.log((y2 - y1) / prior[1])
        targets[4, i, j] = targets[5 + labels[k], i, j] = 1
    return targets


def yolo_loss(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    loss, dout = 0.0, np.zeros(out.shape)
    N, _, rows, columns = out.shape
    for n in range(N):
        for i in range(rows):
            for j in range(columns):
                o, t = [float(v) for v in out[n, :, i, j]], targets[n, :, i, j]
                d = dout[n, :, i, j]
                if not t[4]:
                    loss += lambda_noobj * softplus(o[4])
                    d[4] = lambda_noobj * logistic(o[4]) / N
                    continue
                for k in (0, 1):
                    s = logistic(o[k])
                    loss += lambda_coord * (s - t[k]) ** 2
                    d[k] = 2 * lambda_coord * (s - t[k]) * s * (1 - s) / N
                for k in (2, 3):
                    loss += lambda_coord * (o[k] - t[k]) ** 2
                    d[k] = 2 * lambda_coord * (o[k] - t[k]) / N
                loss += softplus(-o[4])
                d[4] = (logistic(o[4]) - 1) / N
                top = max(o[5:])
                normaliser = top + math.log(sum(math.exp(v - top) for v in o[5:]))
                for k in range(5, len(o)):
                    loss += t[k] * (normaliser - o[k])
                    d[k] = (math.exp(o[k] - normaliser) - t[k]) / N
    return loss / N, dout
