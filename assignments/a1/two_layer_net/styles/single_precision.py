"""Everything in float32, whatever comes in; regularisation inside the layers' parameters."""

import numpy as np

FLOAT = np.float32


def single(*arrays):
    return tuple(np.asarray(a, dtype=FLOAT) for a in arrays)


def affine_forward(x, w, b):
    x32, w32, b32 = single(x, w, b)
    flat = x32.reshape(x32.shape[0], -1)
    return np.dot(flat, w32) + b32, (flat, x32.shape, w32)


def affine_backward(dout, cache):
    flat, shape, w = cache
    (dout,) = single(dout)
    dx = np.matmul(dout, w.transpose())
    return np.reshape(dx, shape), np.matmul(flat.transpose(), dout), np.add.reduce(dout, 0)


def relu_forward(x):
    out = np.array(x, dtype=FLOAT)
    out[out < 0] = 0
    return out, out


def relu_backward(dout, cache):
    dx = np.array(dout, dtype=FLOAT)
    dx[cache == 0] = 0
    return dx


def softmax_loss(x, y):
    scores = np.array(x, dtype=FLOAT)
    scores -= np.max(scores, axis=1).reshape(-1, 1)
    log_p = scores - np.log(np.sum(np.exp(scores), axis=1)).reshape(-1, 1)
    picked = np.take_along_axis(log_p, np.asarray(y).reshape(-1, 1), axis=1)
    dx = np.exp(log_p)
    np.subtract.at(dx, (np.arange(len(y)), y), 1)
    return -picked.mean(), dx / FLOAT(len(y))


def svm_loss(x, y):
    (x,) = single(x)
    n = np.arange(x.shape[0])
    margins = np.maximum(FLOAT(0), x - x[n, y][:, np.newaxis] + FLOAT(1))
    loss = (np.sum(margins) - len(n)) / FLOAT(len(n))  # the true class counts 1 each time
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[n, y] = 0
    dx[n, y] = -np.sum(dx, axis=1)
    return loss, dx / FLOAT(len(n))


class TwoLayerNet:
    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        self.params = {}
        self.reg = reg
        self.params["W1"] = rng.standard_normal((input_dim, hidden_dim), dtype=FLOAT)
        self.params["W2"] = rng.standard_normal((hidden_dim, num_classes), dtype=FLOAT)
        self.params["W1"] *= FLOAT(weight_scale)
        self.params["W2"] *= FLOAT(weight_scale)
        self.params["b1"] = np.zeros(hidden_dim, dtype=FLOAT)
        self.params["b2"] = np.zeros(num_classes, dtype=FLOAT)

    def loss(self, X, y=None):
        W1, W2 = single(self.params["W1"], self.params["W2"])
        h, c1 = affine_forward(X, W1, self.params["b1"])
        r, c2 = relu_forward(h)
        scores, c3 = affine_forward(r, W2, self.params["b2"])
        if y is None:
            return scores
        loss, grad = softmax_loss(scores, y)
        loss += FLOAT(0.5 * self.reg) * (np.vdot(W1, W1) + np.vdot(W2, W2))
        grad, dW2, db2 = affine_backward(grad, c3)
        grad = relu_backward(grad, c2)
        grad, dW1, db1 = affine_backward(grad, c1)
        dW1 += FLOAT(self.reg) * W1
        dW2 += FLOAT(self.reg) * W2
        return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def train_two_layer_net(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(2)
    model = TwoLayerNet(X_train.shape[1], 120, y_train.max() + 1, 0.02, 0.015, rng)
    best, steps = (-1, None), 12 * len(X_train) // 50
    for step in range(steps):
        batch = rng.integers(0, len(X_train), size=50)
        _, grads = model.loss(X_train[batch], y_train[batch])
        rate = FLOAT(0.05 * (1 + np.cos(np.pi * step / steps)))
        for name, grad in grads.items():
            model.params[name] -= rate * grad
        if step % 200 == 199 or step == steps - 1:
            right = np.mean(np.argmax(model.loss(X_val), axis=1) == y_val)
            if right > best[0]:
                best = (right, {name: p.copy() for name, p in model.params.items()})
    model.params = best[1]
    return model
