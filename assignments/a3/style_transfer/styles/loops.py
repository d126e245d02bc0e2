"""Python loops over channels, places and neighbours; Adam written out."""

import math

import numpy as np


def content_loss(content_weight, content_current, content_original):
    loss, gradient = 0.0, np.zeros(content_current.shape)
    for place in np.ndindex(content_current.shape):
        d = content_current[place] - content_original[place]
        loss += content_weight * d * d
        gradient[place] = content_weight * (d + d)
    return loss, gradient


def gram_matrix(features, normalize=True):
    _N, C, H, W = features.shape
    gram = [
        [[float(np.sum(image[i] * image[j])) for j in range(C)] for i in range(C)]
        for image in features
    ]
    return np.array(gram) / (C * H * W if normalize else 1)


def gram_matrix_backward(dgram, features, normalize=True):
    N, C, H, W = features.shape
    gradient = np.zeros(features.shape)
    for n in range(N):
        for i in range(C):
            for j in range(C):
                gradient[n, i] += dgram[n, i, j] * features[n, j]
                gradient[n, j] += dgram[n, i, j] * features[n, i]
    return gradient / (C * H * W) if normalize else gradient


def style_loss(feats, style_layers, style_targets, style_weights):
    total, gradients = 0.0, {}
    for k in range(len(style_layers)):
        layer = style_layers[k]
        off = gram_matrix(feats[layer]) - style_targets[k]
        total += style_weights[k] * sum(v * v for v in off.ravel())
        gradients[layer] = gram_matrix_backward(off * 2 * style_weights[k], feats[layer])
    return total, gradients


def balanced_weights(weight, targets):
    return [weight / len(targets) / sum(v * v for v in t.ravel().tolist()) for t in targets]


def tv_loss(img, tv_weight):
    _N, _C, H, W = img.shape
    loss, gradient = 0.0, np.zeros(img.shape)
    for h in range(H):
        for w in range(W):
            for a, b in ((h + 1, w), (h, w + 1)):
                if a < H and b < W:
                    d = img[:, :, a, b] - img[:, :, h, w]
                    loss += tv_weight * (d * d).sum()
                    gradient[:, :, a, b] += 2 * tv_weight * d
                    gradient[:, :, h, w] -= 2 * tv_weight * d
    return loss, gradient


def transfer_loss(
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
    # One way back per loss: slower, and the same.
    feats = extract(img)
    terms = {}
    terms["content"], dcontent = content_loss(
        content_weight, feats[content_layer], content_original
    )
    terms["style"], dstyle = style_loss(feats, style_layers, style_targets, style_weights)
    terms["tv"], total = tv_loss(img, tv_weight)
    total = total + backprop(img, {content_layer: dcontent})
    for layer in dstyle:
        total = total + backprop(img, {layer: dstyle[layer]})
    return terms, total


def style_transfer(
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
):
    P = extract(content)[content_layer]
    targets = []
    for layer in style_layers:
        targets.append(gram_matrix(extract(style)[layer]))
    weights = balanced_weights(style_weight, targets)
    img = content.copy() if start is None else start.copy()
    m, v, history = np.zeros(img.shape), np.zeros(img.shape), []
    for t in range(1, num_steps + 1):
        terms, g = transfer_loss(
            img,
            extract,
            backprop,
            content_layer,
            content_weight / np.sum(P * P),
            P,
            style_layers,
            targets,
            weights,
            tv_weight / math.prod(img.shape),
        )
        history.append(terms)
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g * g
        img = img - learning_rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        img = np.maximum(np.minimum(img, bounds[1]), bounds[0])
        if on_step is not None:
            on_step(t, img)
    return img, history
