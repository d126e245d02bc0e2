"""einsum and short expressions; results of other types and shapes; an optimiser from earlier."""

import numpy as np

from cs231n_lib.notebooks import from_notebook

optimizers = from_notebook("optimizers")


def content_loss(content_weight, content_current, content_original):
    d = content_current - content_original
    return np.array([content_weight * np.vdot(d, d)]), (content_weight + content_weight) * d


def scale(features, normalize):
    return 1 / np.prod(features.shape[1:]) if normalize else 1


def gram_matrix(features, normalize=True):
    return np.einsum("nihw,njhw->nij", features, features) * scale(features, normalize)


def gram_matrix_backward(dgram, features, normalize=True):
    both = dgram + np.swapaxes(dgram, 1, 2)
    return np.einsum("nij,njhw->nihw", both, features) * scale(features, normalize)


def style_loss(feats, style_layers, style_targets, style_weights):
    off = [gram_matrix(feats[k]) - A for k, A in zip(style_layers, style_targets)]
    loss = sum(w * np.linalg.norm(d) ** 2 for w, d in zip(style_weights, off))
    return loss, {
        k: gram_matrix_backward(2 * w * d, feats[k])
        for k, w, d in zip(style_layers, style_weights, off)
    }


def balanced_weights(weight, targets):
    return np.array([weight / len(targets) / np.linalg.norm(t) ** 2 for t in targets])


def tv_loss(img, tv_weight):
    loss, gradient = 0, 0
    for axis in (2, 3):
        d = np.diff(img, axis=axis)
        edge = [(0, 0)] * 4
        edge[axis] = (1, 1)
        loss = loss + tv_weight * np.sum(d * d)
        gradient = gradient - 2 * tv_weight * np.diff(np.pad(d, edge), axis=axis)
    return np.reshape(loss, (1,)), gradient


def transfer_loss(img, extract, backprop, layer, weight, original, layers, A, weights, tv_weight):
    feats = extract(img)
    c, dc = content_loss(weight, feats[layer], original)
    s, grads = style_loss(feats, layers, A, weights)
    t, dt = tv_loss(img, tv_weight)
    grads = {**grads, layer: dc + grads[layer] if layer in grads else dc}
    return {"content": c, "style": s, "tv": t}, dt + backprop(img, grads)


def style_transfer(content, style, extract, backprop, content_layer, content_weight, style_layers,
                   style_weight, tv_weight, bounds, start=None, learning_rate=0.03, num_steps=100,
                   on_step=None):  # fmt: skip
    P, S = extract(content)[content_layer], extract(style)
    A = [gram_matrix(S[k]) for k in style_layers]
    (cw,), sw = balanced_weights(content_weight, [P]), balanced_weights(style_weight, A)
    img = (content if start is None else start) + 0.0
    history, config = [], {"learning_rate": learning_rate}
    while len(history) < num_steps:
        terms, dimg = transfer_loss(
            img, extract, backprop, content_layer, cw, P, style_layers, A, sw, tv_weight / img.size
        )
        img, config = optimizers.adam(img, dimg, config)
        np.clip(img, bounds[0], bounds[1], out=img)
        history += [terms]
        (on_step or (lambda *_: None))(len(history), img)
    return img, tuple(history)
