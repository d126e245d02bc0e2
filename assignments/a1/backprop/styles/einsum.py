"""One-liners, einsum, closures as caches, in-place accumulation, lists and lazy imports."""

# ruff: noqa: F821 (Value is given in the notebook)
import numpy as np


def add_gate_forward(x, y):
    return np.add(x, y), lambda dout: (dout, dout)


def add_gate_backward(dout, cache):
    return cache(dout)


def multiply_gate_forward(x, y):
    return np.multiply(x, y), lambda dout: (np.multiply(dout, y), np.multiply(dout, x))


def multiply_gate_backward(dout, cache):
    return cache(dout)


def max_gate_forward(x, y):
    wins = np.sign(np.subtract(x, y)) / 2 + 0.5  # 1, 0, and ½ where they are equal
    return np.where(np.greater(x, y), x, y), lambda dout: (dout * wins, dout * (1 - wins))


def max_gate_backward(dout, cache):
    return cache(dout)


def branching_circuit(x, y, z):
    y_wins = np.greater(y, z)
    m = np.where(y_wins, y, z)
    return (x + y) * m, m, m + (x + y) * y_wins, (x + y) * ~y_wins


def sigmoid_neuron_forward(w, x):
    x1 = np.concatenate([x, [1.0]])
    f = 0.5 + 0.5 * np.tanh(0.5 * np.einsum("d,d->", w, x1))
    return np.array([f]), (x1, w, f)


def sigmoid_neuron_backward(dout, cache):
    x1, w, f = cache
    return tuple(np.outer([dout * f * (1 - f)], v)[0] for v in (x1, w[: len(w) - 1]))


def unbroadcast(gradient, shape):
    gradient = np.asarray(gradient)
    padded = (1,) * (gradient.ndim - len(shape)) + tuple(shape)
    letters = "abcdefgh"[: gradient.ndim]
    kept = "".join(c for c, n, m in zip(letters, padded, gradient.shape) if n == m)
    return np.einsum(f"{letters}->{kept}", gradient).reshape(shape)


def exp_gate_backward(dout, cache):
    return np.einsum("...,...->...", dout, cache)


def log_gate_backward(dout, cache):
    return np.divide(dout, cache)


def power_gate_backward(dout, cache):
    return np.prod(np.broadcast_arrays(dout, cache[1], np.power(cache[0], cache[1] - 1.0)), axis=0)


def sum_gate_backward(dout, cache):
    x, axis, _ = cache
    shape = [1 if axis is None or i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return np.ones_like(x) * np.reshape(dout, shape)


def matmul_gate_backward(dout, cache):
    x, y = cache
    return np.einsum("nm,dm->nd", dout, y), np.einsum("nd,nm->dm", x, dout)


def as_value(v):
    return v if isinstance(v, Value) else Value(v)


def apply_gate(operation, forward, backward, *inputs, **options):
    parents = tuple(map(as_value, inputs))
    out, cache = forward(*[p.data for p in parents], **options)
    return Value(
        data=out, parents=parents, operation=operation, gate_backward=backward, cache=cache
    )


def topological_order(output):
    # Iterators keep the place of each level of the search.
    order, seen = [], {output}
    stack = [(output, iter(output.parents))]
    while stack:
        node, parents = stack[-1]
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                stack.append((parent, iter(parent.parents)))
                break
        else:
            order.append(node)
            stack.pop()
    return tuple(order)


def backpropagate(output):
    order = topological_order(output)
    for node in order:
        node.grad = np.zeros(node.data.shape)
    output.grad += 1
    for node in order[::-1]:
        for parent, g in zip(node.parents, node.parent_gradients()):
            parent.grad += unbroadcast(g, parent.data.shape)


def cross_entropy(scores, y):
    m = np.amax(scores.data, axis=-1)[:, None]
    p = (scores - m).exp()
    log_p = scores - m - p.sum(axis=-1, keepdims=True).log()
    return -1.0 * (log_p * (np.arange(scores.data.shape[1]) == y[:, None])).sum() / len(y)


def two_layer_loss(X, y, W1, b1, W2, b2):
    return cross_entropy(b2 + Value(X).matmul(W1).add(b1).maximum(0.0) @ W2, y)


def two_layer_loss_by_hand(X, y, W1, b1, W2, b2):
    a = np.einsum("nd,dh->nh", X, W1) + b1
    h = a.clip(0)
    s = np.einsum("nh,hc->nc", h, W2) + b2
    log_p = s - s.max(1)[:, None]
    log_p = log_p - np.log(np.exp(log_p).sum(1))[:, None]
    Y = np.eye(len(b2))[y]
    ds = (np.exp(log_p) - Y) / len(y)
    da = np.einsum("nc,hc,nh->nh", ds, W2, np.heaviside(a, 0.0))
    return np.array([-(log_p * Y).sum() / len(y)]), {
        "b1": da.sum(0),
        "b2": ds.sum(0),
        "W1": np.einsum("nd,nh->dh", X, da),
        "W2": np.einsum("nh,nc->hc", h, ds),
    }
