"""Everything in float32, channels last inside, the descent in a class."""

import numpy as np

FLOAT = np.float32


def content_loss(content_weight, content_current, content_original):
    d = content_current.astype(FLOAT) - content_original.astype(FLOAT)
    return FLOAT(content_weight) * np.square(d).sum(), FLOAT(2 * content_weight) * d


def as_pixels(features):
    features = np.asarray(features, FLOAT).transpose(0, 2, 3, 1)
    return features.reshape(len(features), -1, features.shape[3])


def gram_matrix(features, normalize=True):
    pixels = as_pixels(features)
    gram = np.stack([image.T @ image for image in pixels])
    return gram / FLOAT(pixels[0].size) if normalize else gram


def gram_matrix_backward(dgram, features, normalize=True):
    pixels = as_pixels(features)
    dgram = np.asarray(dgram, FLOAT)
    back = pixels @ dgram + pixels @ dgram.transpose(0, 2, 1)
    if normalize:
        back /= FLOAT(pixels[0].size)
    N, C, H, W = features.shape
    return back.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def style_loss(feats, style_layers, style_targets, style_weights):
    loss, dfeats = FLOAT(0), {}
    for layer, target, weight in zip(style_layers, style_targets, style_weights):
        part, dgram = content_loss(weight, gram_matrix(feats[layer]), np.asarray(target))
        loss += part
        dfeats[layer] = gram_matrix_backward(dgram, feats[layer])
    return loss, dfeats


def balanced_weights(weight, targets):
    return [FLOAT(weight / len(targets)) / np.sum(np.square(t, dtype=FLOAT)) for t in targets]


def tv_loss(img, tv_weight):
    img = img.astype(FLOAT)
    padded = np.pad(img, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    centre = padded[:, :, 1:-1, 1:-1]
    pushes = [
        centre - padded[:, :, :-2, 1:-1],
        centre - padded[:, :, 2:, 1:-1],
        centre - padded[:, :, 1:-1, :-2],
        centre - padded[:, :, 1:-1, 2:],
    ]
    # Each pair is seen from both of its sides.
    loss = FLOAT(tv_weight / 2) * sum(np.sum(push**2) for push in pushes)
    return loss, FLOAT(2 * tv_weight) * sum(pushes)


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
    feats = extract(img)
    content, dcontent = content_loss(content_weight, feats[content_layer], content_original)
    style, dfeats = style_loss(feats, style_layers, style_targets, style_weights)
    tv, dtv = tv_loss(img, tv_weight)
    if content_layer in dfeats:
        dfeats[content_layer] = dfeats[content_layer] + dcontent
    else:
        dfeats[content_layer] = dcontent
    terms = {"tv": float(tv), "style": float(style), "content": float(content)}
    return terms, (backprop(img, dfeats) + dtv).astype(FLOAT)


class Descent:
    def __init__(self, img, rate):
        self.img, self.rate, self.steps = img.astype(FLOAT), rate, 0
        self.m, self.v = np.zeros_like(self.img), np.zeros_like(self.img)

    def step(self, g, bounds):
        self.steps += 1
        self.m += FLOAT(0.1) * (g - self.m)
        self.v += FLOAT(0.001) * (g * g - self.v)
        root = np.sqrt(self.v / FLOAT(1 - 0.999**self.steps)) + FLOAT(1e-8)
        self.img = self.img - FLOAT(self.rate / (1 - 0.9**self.steps)) * self.m / root
        self.img = np.clip(self.img, *bounds).astype(FLOAT)


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
    original, painted = extract(content)[content_layer], extract(style)
    targets = [gram_matrix(painted[layer]) for layer in style_layers]
    goals = {
        "content_layer": content_layer,
        "content_weight": balanced_weights(content_weight, [original])[0],
        "content_original": original,
        "style_layers": style_layers,
        "style_targets": targets,
        "style_weights": balanced_weights(style_weight, targets),
        "tv_weight": tv_weight / content.size,
    }
    descent, history = Descent(content if start is None else start, learning_rate), []
    for step in range(num_steps):
        terms, g = transfer_loss(descent.img, extract, backprop, **goals)
        history.append(terms)
        descent.step(g, bounds)
        if on_step:
            on_step(step + 1, descent.img)
    return descent.img, history
