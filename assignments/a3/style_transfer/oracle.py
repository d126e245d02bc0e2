"""Style transfer in plain Python: float64, loops, the definition of each loss and nothing clever.

Gradients of the losses are written out term by term: every square is differentiated by itself. What
is made of earlier parts takes them as arguments, so that it can be asked what a student's own would
give.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["content", "descent", "gram", "gram_gradient", "style", "transfer", "tv", "weights"]


def content(weight, current, original):
    """Return weight * sum (F - P)^2 and its gradient."""
    current, original = _float64(current), _float64(original)
    gradient, terms = np.zeros(current.shape), []
    for place in np.ndindex(current.shape):
        difference = current[place] - original[place]
        terms.append(weight * difference**2)
        gradient[place] = 2.0 * weight * difference
    return math.fsum(terms), gradient


def gram(features, normalize=True):
    """Return G_nij = sum over places of F_ni F_nj, over C H W if normalised."""
    features = _float64(features)
    images, channels, height, width = features.shape
    size = channels * height * width if normalize else 1
    result = np.zeros((images, channels, channels))
    for n, i, j in np.ndindex(result.shape):
        products = [
            features[n, i, h, w] * features[n, j, h, w] for h in range(height) for w in range(width)
        ]
        result[n, i, j] = math.fsum(products) / size
    return result


def gram_gradient(dgram, features, normalize=True):
    """Give each factor of each product in G_nij its share of dgram_nij."""
    dgram, features = _float64(dgram), _float64(features)
    _, channels, height, width = features.shape
    size = channels * height * width if normalize else 1
    gradient = np.zeros(features.shape)
    for n, i, j in np.ndindex(dgram.shape):
        for h in range(height):
            for w in range(width):
                gradient[n, i, h, w] += dgram[n, i, j] * features[n, j, h, w] / size
                gradient[n, j, h, w] += dgram[n, i, j] * features[n, i, h, w] / size
    return gradient


def style(feats, layers, targets, layer_weights, *, gram=gram, gram_gradient=gram_gradient):
    """Return the weighted squared distances of Gram matrices and the gradients by layer."""
    loss, gradients = 0.0, {}
    for layer, target, weight in zip(layers, targets, layer_weights, strict=True):
        distance, dgram = content(weight, gram(feats[layer]), target)
        loss += distance
        gradients[layer] = gram_gradient(dgram, feats[layer])
    return loss, gradients


def weights(weight, targets):
    """Return weight / (L * sum of squares) for each of L targets."""
    return [
        weight / (len(targets) * math.fsum(v * v for v in _float64(target).ravel().tolist()))
        for target in targets
    ]


def tv(img, weight):
    """Return the sum over pairs of neighbours of weight * (b - a)^2 and its gradient."""
    img = _float64(img)
    images, channels, height, width = img.shape
    gradient, terms = np.zeros(img.shape), []
    for n, c, h, w in np.ndindex(images, channels, height, width):
        for row, column in ((h + 1, w), (h, w + 1)):
            if row < height and column < width:
                difference = img[n, c, row, column] - img[n, c, h, w]
                terms.append(weight * difference**2)
                gradient[n, c, row, column] += 2.0 * weight * difference
                gradient[n, c, h, w] -= 2.0 * weight * difference
    return math.fsum(terms), gradient


def transfer(
    img,
    extract,
    backprop,
    layer,
    weight,
    original,
    layers,
    targets,
    layer_weights,
    tv_weight,
    *,
    content=content,
    style=style,
    tv=tv,
):
    """Return the three terms and the gradient of their sum for the image."""
    feats = extract(img)
    content_term, dcontent = content(weight, feats[layer], original)
    style_term, gradients = style(feats, layers, targets, layer_weights)
    tv_term, dimg = tv(img, tv_weight)
    # The way back is linear: each loss goes it alone.
    dimg = dimg + backprop(img, {layer: dcontent})
    for name, gradient in gradients.items():
        dimg = dimg + backprop(img, {name: gradient})
    return {"content": content_term, "style": style_term, "tv": tv_term}, dimg


def descent(
    content_image,
    style_image,
    extract,
    backprop,
    layer,
    content_weight,
    layers,
    style_weight,
    tv_weight,
    bounds,
    start=None,
    learning_rate=0.03,
    num_steps=100,
    *,
    gram=gram,
    weights=weights,
    transfer=transfer,
):
    """Return the image after some steps of Adam, and the terms before each."""
    original = extract(content_image)[layer]
    style_feats = extract(style_image)
    targets = [gram(style_feats[name]) for name in layers]
    img = _float64(content_image if start is None else start).copy()
    m, v, history = np.zeros(img.shape), np.zeros(img.shape), []
    for step in range(1, num_steps + 1):
        terms, dimg = transfer(
            img,
            extract,
            backprop,
            layer,
            weights(content_weight, [original])[0],
            original,
            layers,
            targets,
            weights(style_weight, targets),
            tv_weight / img.size,
        )
        history.append(terms)
        m, v = 0.9 * m + 0.1 * dimg, 0.999 * v + 0.001 * dimg**2
        step_length = learning_rate / (np.sqrt(v / (1.0 - 0.999**step)) + 1e-8)
        img = np.minimum(
            np.maximum(img - step_length * m / (1.0 - 0.9**step), bounds[0]), bounds[1]
        )
    return img, history


def _float64(array):
    return np.asarray(array, dtype=np.float64)
