"""Hidden checks of the backprop exercise.

Tolerances are those of single precision, so that a solution may compute in float32. Graphs for the
engine's parts are built here, node by node, from gates of ours: a mistake in a gate costs points in
the checks of that gate, and not again in those of the engine.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require
from autograder.student import Handle

from . import oracle

RTOL, ATOL = 1e-4, 1e-5
DEEP = 1_500


# Gates --------------------------------------------------------------------------------------------


@check(points=1, of="add_gate_forward")
def addition_is_correct(student, rng):
    """The add gate adds numbers, and arrays entry by entry."""
    for x, y in _pairs(rng):
        out, _ = student.add_gate_forward.holding(1)(x, y)
        _same(out, np.asarray(x, dtype=float) + y, "out of the add gate")


@check(points=1, of="add_gate_backward")
def addition_distributes(student, rng):
    """The add gate hands the upstream gradient to both inputs."""
    for x, y in _pairs(rng):
        _, cache = student.add_gate_forward.holding(1)(x, y)
        dout = rng.normal(0.4, 1.5, size=np.shape(x))
        dx, dy = student.add_gate_backward(dout, cache)
        _same(dx, dout, "dx of the add gate")
        _same(dy, dout, "dy of the add gate")


@check(points=1, of="multiply_gate_forward")
def multiplication_is_correct(student, rng):
    """The multiply gate multiplies numbers, and arrays entry by entry."""
    for x, y in _pairs(rng):
        out, _ = student.multiply_gate_forward.holding(1)(x, y)
        _same(out, np.asarray(x, dtype=float) * y, "out of the multiply gate")


@check(points=1, of="multiply_gate_backward")
def multiplication_swaps(student, rng):
    """Each input of the multiply gate gets the upstream gradient times the other input."""
    for x, y in _pairs(rng):
        _, cache = student.multiply_gate_forward.holding(1)(x, y)
        dout = rng.normal(0.4, 1.5, size=np.shape(x))
        dx, dy = student.multiply_gate_backward(dout, cache)
        _same(dx, dout * y, "dx of the multiply gate")
        _same(dy, dout * x, "dy of the multiply gate")


@check(points=1, of="max_gate_forward")
def maximum_is_correct(student, rng):
    """The max gate takes the larger of two numbers, and of arrays entry by entry."""
    for x, y in _pairs(rng):
        out, _ = student.max_gate_forward.holding(1)(x, y)
        _same(out, np.maximum(x, y), "out of the max gate")


@check(points=1, of="max_gate_backward")
def maximum_routes(student, rng):
    """The larger input of the max gate gets the upstream gradient, the smaller one nothing."""
    for x, y in _pairs(rng):
        _, cache = student.max_gate_forward.holding(1)(x, y)
        dout = rng.normal(0.4, 1.5, size=np.shape(x))
        dx, dy = student.max_gate_backward(dout, cache)
        x, y, dout = (np.asarray(a, dtype=float) for a in (x, y, dout))
        expected = oracle.maximum_gradients(dout, x, y)
        _same(dx, expected[0], "dx of the max gate")
        _same(dy, expected[1], "dy of the max gate")


@check(points=1, of="max_gate_backward")
def maximum_shares_at_ties(student, rng):
    """Where the inputs of the max gate are equal, their gradients add up to the upstream one."""
    x = rng.normal(0.3, 1.0, size=7)
    y = np.where(np.arange(7) % 3 == 0, x, x + rng.choice([-1.0, 1.0], size=7))
    _, cache = student.max_gate_forward.holding(1)(x, y)
    dout = rng.normal(0.4, 1.5, size=7)
    dx, dy = student.max_gate_backward(dout, cache)
    assert_shape(dx, (7,), name="dx of the max gate")
    assert_shape(dy, (7,), name="dy of the max gate")
    _same(np.asarray(dx) + np.asarray(dy), dout, "dx + dy of the max gate")


# Circuits -----------------------------------------------------------------------------------------


@check(points=1, of="branching_circuit")
def circuit_value_is_correct(student, rng):
    """The circuit computes (x + y) * max(y, z)."""
    for x, y, z in _triples(rng):
        out, _, _, _ = student.branching_circuit(x, y, z)
        _same(out, oracle.branching(x, y, z)[0], "f")


@check(points=2, of="branching_circuit")
def circuit_gradients_are_correct(student, rng):
    """The derivatives of the circuit are right, that of the input used twice included."""
    for x, y, z in _triples(rng):
        _, *gradients = student.branching_circuit(x, y, z)
        expected = oracle.branching(x, y, z)[1:]
        for name, got, right in zip(("dx", "dy", "dz"), gradients, expected, strict=True):
            _same(got, right, name)


@check(points=1, of="sigmoid_neuron_forward")
def neuron_is_correct(student, rng):
    """The neuron computes the sigmoid of its weighted inputs plus the bias."""
    for w, x in _neurons(rng):
        out, _ = student.sigmoid_neuron_forward.holding(1)(w, x)
        _same(out, oracle.neuron(w, x), "the output")


@check(points=1, of="sigmoid_neuron_forward")
def neuron_survives_large_scores(student, rng):
    """For scores of plus and minus some thousand, the output is 1 and 0."""
    for w, x in _saturated(rng):
        out, _ = student.sigmoid_neuron_forward.holding(1)(w, x)
        _same(out, oracle.neuron(w, x), "the output for a large score")


@check(points=2, of="sigmoid_neuron_backward")
def neuron_gradients_are_correct(student, rng):
    """The gradients of the neuron agree with the reference, that of the bias included."""
    for w, x in _neurons(rng):
        _, cache = student.sigmoid_neuron_forward.holding(1)(w, x)
        dout = float(rng.uniform(1.5, 2.5))
        dw, dx = student.sigmoid_neuron_backward(dout, cache)
        expected = oracle.neuron_gradients(dout, w, x)
        _same(dw, expected[0], "dw")
        _same(dx, expected[1], "dx")


@check(points=1, of="sigmoid_neuron_backward")
def neuron_gradients_survive_large_scores(student, rng):
    """For scores of plus and minus some thousand, the gradients are zero and not NaN."""
    for w, x in _saturated(rng):
        _, cache = student.sigmoid_neuron_forward.holding(1)(w, x)
        dw, dx = student.sigmoid_neuron_backward(1.5, cache)
        _same(dw, np.zeros(len(w)), "dw for a large score")
        _same(dx, np.zeros(len(x)), "dx for a large score")


# Broadcasting and the gates for arrays ------------------------------------------------------------


@check(points=1, of="unbroadcast")
def sums_over_new_axes(student, rng):
    """The gradient of an input with fewer axes is summed over the axes in front."""
    _check_unbroadcast(student, rng, (4, 3, 5), [(3, 5), (5,)])


@check(points=1, of="unbroadcast")
def sums_over_stretched_axes(student, rng):
    """The gradient of an input with axes of length 1 is summed over these, and keeps them."""
    _check_unbroadcast(student, rng, (4, 3, 5), [(4, 1, 5), (1, 3, 1), (4, 3, 1)])


@check(points=1, of="unbroadcast")
def sums_to_scalars_and_over_both(student, rng):
    """New axes and stretched ones together, and a single number as the input."""
    _check_unbroadcast(student, rng, (4, 3, 5), [(3, 1), (1, 5), (1,), (), (1, 1, 1)])


@check(points=1, of="unbroadcast")
def leaves_equal_shapes_alone(student, rng):
    """Without broadcasting the gradient stays as it is, also where the batch has one example."""
    _check_unbroadcast(student, rng, (4, 3), [(4, 3)])
    _check_unbroadcast(student, rng, (1, 3), [(1, 3), (3,)])
    _check_unbroadcast(student, rng, (), [()])


@check(points=1, of="exp_gate_backward")
def exp_gradient_is_correct(student, rng):
    """The gradient of the exponential is the upstream gradient times the exponential."""
    for shape, dtype in (((3, 4), np.float64), ((1,), np.float32)):
        x = rng.normal(0.2, 0.9, size=shape)
        dout = rng.normal(0.3, 1.4, size=shape)
        dx = student.exp_gate_backward(dout.astype(dtype), np.exp(x).astype(dtype))
        _same(dx, dout * np.exp(x), "dx of exp")


@check(points=1, of="log_gate_backward")
def log_gradient_is_correct(student, rng):
    """The gradient of the logarithm is the upstream gradient divided by the input."""
    for shape, dtype in (((3, 4), np.float64), ((1,), np.float32)):
        x = rng.uniform(0.3, 3.0, size=shape)
        dout = rng.normal(0.3, 1.4, size=shape)
        dx = student.log_gate_backward(dout.astype(dtype), x.astype(dtype))
        _same(dx, dout / x, "dx of log")


@check(points=1, of="power_gate_backward")
def power_gradient_is_correct(student, rng):
    """The gradient of a power is right for positive, negative and fractional exponents."""
    for exponent in (3.0, -1.0, 2.0, 0.5):
        x, dout = rng.uniform(0.4, 2.5, size=(2, 3)), rng.normal(0.3, 1.4, size=(2, 3))
        dx = student.power_gate_backward(dout, (x, exponent))
        _same(dx, dout * exponent * x**exponent / x, f"dx of x ** {exponent:g}")


@check(points=1, of="sum_gate_backward")
def sum_of_everything_is_undone(student, rng):
    """Every entry that went into the sum of all gets the gradient of that sum."""
    for shape, keepdims in (((3, 4), False), ((2, 3), True), ((5,), False)):
        x = rng.normal(size=shape)
        dout = rng.normal(1.5, 0.5, size=(1,) * len(shape) if keepdims else ())
        dx = student.sum_gate_backward(dout, (x, None, keepdims))
        _same(dx, oracle.sum_gradient(dout, shape, None), "dx of the sum of all entries")


@check(points=1, of="sum_gate_backward")
def sum_over_an_axis_is_undone(student, rng):
    """Every entry gets the gradient of its own sum, for any axis, with and without keepdims."""
    for shape, axis, keepdims in (
        ((3, 3), 1, False),
        ((3, 3), 0, False),
        ((2, 3, 4), 1, False),
        ((4, 3), -1, True),
        ((1, 5), 0, False),
    ):
        x = rng.normal(size=shape)
        dout = rng.normal(0.5, 1.5, size=np.sum(x, axis=axis, keepdims=keepdims).shape)
        dx = student.sum_gate_backward(dout, (x, axis, keepdims))
        name = f"dx of the sum of a {shape} array over axis {axis}"
        _same(dx, oracle.sum_gradient(dout, shape, axis), name)


@check(points=1, of="matmul_gate_backward")
def product_gradients_are_correct(student, rng):
    """The gradients of a matrix product with respect to both matrices are right."""
    for N, D, M in ((3, 3, 3), (4, 3, 2), (1, 5, 2)):
        x, y = rng.normal(0.2, 1.0, size=(N, D)), rng.normal(-0.3, 1.0, size=(D, M))
        dout = rng.normal(0.1, 1.2, size=(N, M))
        dx, dy = student.matmul_gate_backward(dout, (x, y))
        expected = oracle.matmul_gradients(dout, x, y)
        _same(dx, expected[0], "dx of the matrix product")
        _same(dy, expected[1], "dy of the matrix product")


# The engine ---------------------------------------------------------------------------------------


@check(points=1, of="apply_gate")
def gate_is_applied_and_remembered(student, rng):
    """The result has the gate's output as data, and knows its parents, operation and cache."""
    x, y = rng.normal(size=(2, 3)), rng.normal(size=3)
    seen = []

    def forward(*arrays):
        seen.append(arrays)
        return np.asarray(arrays[0]) * 2.0 - np.asarray(arrays[1]), 17.5

    def backward(dout, cache):
        return 3.0 * np.asarray(dout) + cache, -1.0 * np.asarray(dout)

    a, b = student.Value(x), student.Value(y)
    result = student.apply_gate("gate", forward, backward, a, b)
    require(len(seen) == 1, f"forward was called {len(seen)} times, expected once")
    require(len(seen[0]) == 2, f"forward got {len(seen[0])} inputs, expected 2")
    _require_value(result, "apply_gate")
    _same(result.data, 2.0 * x - y, "the data of the result")
    require(result.operation == "gate", "the operation of the result is not the one given")
    # What is written to a parent of the result has to be seen in the Value that was passed in.
    a.grad = np.full((2, 3), 5.5)
    parents = list(result.parents)
    require(len(parents) == 2, f"the result has {len(parents)} parents, expected 2")
    _same(parents[0].grad, np.full((2, 3), 5.5), "grad of the first parent, set from outside,")
    _same(parents[1].data, y, "the data of the second parent")
    dout = rng.normal(size=(2, 3))
    result.grad = dout
    first, second = result.parent_gradients()
    _same(first, 3.0 * dout + 17.5, "what parent_gradients() gives, from backward and the cache,")
    _same(second, -dout, "what parent_gradients() gives for the second parent")


@check(points=1, of="apply_gate")
def constants_become_values(student, rng):
    """Inputs of a gate that are numbers or arrays become Values among the parents."""
    x, y = rng.normal(size=(2, 3)), rng.normal(size=3)

    def forward(p, q, r):
        return np.asarray(p) * np.asarray(q) + np.asarray(r), None

    def backward(dout, cache):
        return dout, dout, dout

    result = student.apply_gate("gate", forward, backward, y, student.Value(x), 2.5)
    _require_value(result, "apply_gate")
    _same(result.data, x * y + 2.5, "the data of the result")
    parents = list(result.parents)
    require(len(parents) == 3, f"the result has {len(parents)} parents, expected 3")
    for parent, data in zip(parents, (y, x, 2.5), strict=True):
        _require_value(parent, "an entry of parents, where apply_gate")
        _same(parent.data, data, "the data of a parent")


@check(points=1, of="apply_gate")
def options_reach_the_gate(student, rng):
    """Options are passed on to the gate's forward function."""
    x = rng.normal(size=(2, 3))

    def forward(p, scale=1.0, shift=0.0):
        return scale * np.asarray(p) + shift, None

    def backward(dout, cache):
        return dout

    result = student.apply_gate("gate", forward, backward, student.Value(x), scale=3.5, shift=-2.0)
    _require_value(result, "apply_gate")
    _same(result.data, 3.5 * x - 2.0, "the data of the result, with the options")


@check(points=2, of="topological_order")
def parents_come_first(student, rng):
    """Every node is listed after all its parents, the output last."""
    for _ in range(3):
        output, parents = _random_graph(student, rng)
        order = _numbers_of(student.topological_order(output))
        place = {number: i for i, number in enumerate(order)}
        require(set(parents) <= set(place), "nodes of the graph are missing in the list")
        for number, sources in parents.items():
            for source in sources:
                require(
                    place[source] < place[number],
                    "a node is listed before one of its parents: the gradients of a diamond come "
                    "out wrong then",
                )


@check(points=1, of="topological_order")
def every_node_is_listed_once(student, rng):
    """Nodes that are used several times are listed once, and none is forgotten."""
    output, parents = _random_graph(student, rng)
    order = _numbers_of(student.topological_order(output))
    require(
        sorted(order) == sorted(parents),
        f"the list has {len(order)} nodes, {len(set(order))} of them different, expected the "
        f"{len(parents)} of the graph, each once",
    )


@check(points=1, of="topological_order", timeout=20.0)
def deep_graphs_are_listed(student, rng):
    """A chain of more nodes than Python has levels of recursion is listed."""
    last = student.Value(0.0)
    for _ in range(DEEP):
        last = student.Value(0.0, (last,))
    order = student.topological_order(last)
    count = len(list(order))
    require(count == DEEP + 1, f"of a chain of {DEEP + 1} nodes, {count} were listed")


@check(points=1, of="backpropagate")
def chain_rule_is_applied(student, rng):
    """Along a chain, the local gradients are multiplied; that of the output is one."""
    factors = rng.uniform(1.5, 2.5, size=3)
    nodes = [student.Value(np.zeros((2, 3)))]
    for factor in factors:
        nodes.append(_node(student, (nodes[-1],), (factor,), (2, 3)))
    student.backpropagate(nodes[-1])
    for steps, node in enumerate(reversed(nodes)):
        expected = np.full((2, 3), np.prod(factors[3 - steps :]))
        _same(node.grad, expected, f"the gradient {steps} steps before the output")


@check(points=2, of="backpropagate")
def gradients_accumulate(student, rng):
    """A value that is used several times gets the sum of its gradients."""
    p, q, r, s = rng.uniform(1.5, 2.5, size=4)
    x, y = student.Value(np.zeros(3)), student.Value(np.zeros(3))
    left = _node(student, (x, y), (p, 1.25), (3,))
    right = _node(student, (y, y), (q, r), (3,))
    output = _node(student, (left, right), (s, -0.5), (3,))
    student.backpropagate(output)
    _same(x.grad, np.full(3, s * p), "the gradient of an input used once")
    _same(y.grad, np.full(3, s * 1.25 - 0.5 * (q + r)), "the gradient of an input used three times")


@check(points=2, of="backpropagate")
def diamonds_are_right(student, rng):
    """A node sends its gradient on only when it has received all of it."""
    for flipped in (False, True):
        p, q, r, s, t = rng.uniform(1.5, 2.5, size=5)
        a = student.Value(0.0)
        b = _node(student, (a,), (p,))
        c = _node(student, (b,), (q,))
        d = _node(student, (c,), (r,))
        inputs, factors = ((d, b), (s, t)) if flipped else ((b, d), (t, s))
        student.backpropagate(_node(student, inputs, factors))
        _same(b.grad, t + s * r * q, "the gradient of the node at the fork of a diamond")
        _same(a.grad, p * (t + s * r * q), "the gradient of what lies before a diamond")


@check(points=2, of="backpropagate")
def broadcasting_is_summed_back(student, rng):
    """Gradients of inputs that were broadcast are summed back to the shape of the input."""
    p, q, r = rng.uniform(1.5, 2.5, size=3)
    row, column, number = (student.Value(np.zeros(shape)) for shape in ((3,), (4, 1), ()))
    student.backpropagate(_node(student, (row, column, number), (p, q, r), (4, 3)))
    _same(row.grad, np.full(3, 4 * p), "the gradient of a (3,) input of a (4, 3) result")
    _same(column.grad, np.full((4, 1), 3 * q), "the gradient of a (4, 1) input of a (4, 3) result")
    _same(number.grad, 12 * r, "the gradient of a single number in a (4, 3) result")


@check(points=1, of="backpropagate")
def every_pass_starts_anew(student, rng):
    """A second backward pass gives the same gradients as the first."""
    p, q = rng.uniform(1.5, 2.5, size=2)
    x = student.Value(np.zeros(2))
    middle = _node(student, (x,), (p,), (2,))
    output = _node(student, (middle, x), (q, 1.0), (2,))
    for which in ("first", "second"):
        student.backpropagate(output)
        name = f"the gradient of an input after the {which} backward pass"
        _same(x.grad, np.full(2, p * q + 1.0), name)


@check(points=1, of="backpropagate")
def gradients_share_no_memory(student, rng):
    """What is added to one gradient does not change another."""
    data = rng.normal(size=(3, 2, 2))
    x, y, z = (student.Value(array) for array in data)
    total = x.add(y)
    student.backpropagate(total.add(x).add(z))
    for name, node, uses in (("x", x, 2.0), ("y", y, 1.0), ("z", z, 1.0), ("x + y", total, 1.0)):
        _same(node.grad, np.full((2, 2), uses), f"the gradient of {name} in (x + y) + x + z")


# The network --------------------------------------------------------------------------------------


@check(points=1, of="cross_entropy")
def cross_entropy_is_correct(student, rng):
    """The loss is the mean cross-entropy of the batch."""
    for images, classes in ((5, 3), (1, 4)):
        scores, y = rng.normal(0.2, 1.5, size=(images, classes)), rng.integers(classes, size=images)
        loss = student.cross_entropy(student.Value(scores), y)
        _require_value(loss, "cross_entropy")
        _same(loss.data, oracle.cross_entropy(scores, y), "the loss")


@check(points=1, of="cross_entropy")
def cross_entropy_gradient_is_correct(student, rng):
    """After backward(), the scores have the right gradient."""
    for images, classes in ((5, 3), (1, 4)):
        scores, y = rng.normal(0.2, 1.5, size=(images, classes)), rng.integers(classes, size=images)
        values = student.Value(scores)
        loss = student.cross_entropy(values, y)
        _require_value(loss, "cross_entropy")
        loss.backward()
        _same(values.grad, oracle.cross_entropy_gradient(scores, y), "the gradient of the scores")


@check(points=1, of="cross_entropy")
def cross_entropy_survives_large_scores(student, rng):
    """Scores of plus and minus ten thousand in one batch give a finite loss and gradient."""
    scores = np.array([[1e4], [-1e4], [0.0]]) + rng.integers(-8, 9, size=(3, 4)) / 4
    y = rng.integers(4, size=3)
    values = student.Value(scores)
    loss = student.cross_entropy(values, y)
    _require_value(loss, "cross_entropy")
    _same(loss.data, oracle.cross_entropy(scores, y), "the loss for large scores")
    loss.backward()
    expected = oracle.cross_entropy_gradient(scores, y)
    _same(values.grad, expected, "the gradient of large scores")


@check(points=1, of="two_layer_loss")
def network_loss_is_correct(student, rng):
    """The loss of the network on the engine agrees with the reference."""
    for images in (5, 1, 8):
        X, y, arrays = _network(rng, images=images)
        loss = student.two_layer_loss(X, y, *(student.Value(a) for a in arrays.values()))
        _require_value(loss, "two_layer_loss")
        _same(loss.data, oracle.two_layer(X, y, **arrays)[0], "the loss of the network")


@check(points=2, of="two_layer_loss")
def network_gradients_are_correct(student, rng):
    """After backward(), all four parameters have the right gradients."""
    X, y, arrays = _network(rng, images=7)
    values = {name: student.Value(array) for name, array in arrays.items()}
    loss = student.two_layer_loss(X, y, *values.values())
    _require_value(loss, "two_layer_loss")
    loss.backward()
    expected = oracle.two_layer(X, y, **arrays)[1]
    for name, value in values.items():
        _same(value.grad, expected[name], f"the gradient of {name}")


@check(points=1, of="two_layer_loss_by_hand")
def loss_by_hand_is_correct(student, rng):
    """The loss computed by hand agrees with the reference."""
    X, y, arrays = _network(rng, images=5)
    loss, _ = student.two_layer_loss_by_hand(X, y, *arrays.values())
    _same(loss, oracle.two_layer(X, y, **arrays)[0], "the loss")


@check(points=1, of="two_layer_loss_by_hand")
def second_layer_by_hand_is_correct(student, rng):
    """The gradients of W2 and b2 derived by hand agree with the reference."""
    _check_by_hand(student, rng, 6, ("W2", "b2"))


@check(points=2, of="two_layer_loss_by_hand")
def first_layer_by_hand_is_correct(student, rng):
    """The gradients of W1 and b1 derived by hand agree with the reference."""
    _check_by_hand(student, rng, 6, ("W1", "b1"))


@check(points=1, of="two_layer_loss_by_hand")
def one_example_by_hand(student, rng):
    """A batch of a single example, in float32, has the right gradients."""
    _check_by_hand(student, rng, 1, ("W1", "b1", "W2", "b2"), dtype=np.float32)


# Inputs -------------------------------------------------------------------------------------------


def _pairs(rng):
    """Yield pairs of inputs: numbers, arrays, float32, a single row; no entries are equal."""
    yield float(rng.uniform(1.0, 2.0)), float(rng.uniform(-3.0, -2.0))
    yield float(rng.uniform(-1.0, -0.5)), float(rng.uniform(3.0, 4.0))
    yield rng.normal(0.3, 1.2, size=(3, 4)), rng.normal(-0.2, 1.2, size=(3, 4))
    x, y = rng.normal(0.3, 1.2, size=(1, 5)), rng.normal(-0.2, 1.2, size=(1, 5))
    yield x.astype(np.float32), y.astype(np.float32)


def _triples(rng):
    """Yield inputs of the circuit, with y above z and below it."""
    for larger in (True, False):
        y = rng.uniform(0.5, 1.5)
        z = y - rng.uniform(1.0, 2.0) if larger else y + rng.uniform(1.0, 2.0)
        yield tuple(np.float64(v) for v in (rng.uniform(1.5, 2.5), y, z))
    yield tuple(rng.normal(0.2, 1.5, size=(2, 3)) for _ in range(3))


def _neurons(rng):
    """Yield weights and inputs of neurons with one, two and five inputs."""
    for inputs, dtype in ((2, np.float64), (5, np.float64), (1, np.float32)):
        w, x = rng.normal(0.3, 0.6, size=inputs + 1), rng.normal(0.4, 0.8, size=inputs)
        yield w.astype(dtype), x.astype(dtype)


def _saturated(rng):
    """Yield weights and inputs of neurons whose scores are thousands, of both signs."""
    for sign in (1.0, -1.0):
        x = rng.uniform(1.0, 2.0, size=3)
        yield sign * np.append(rng.uniform(900.0, 1500.0, size=3), 250.0), x


def _network(rng, *, images):
    """Return a batch and the parameters of a small network, none of them zero."""
    D, H, C = 3, 5, 4
    shapes = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
    arrays = {name: rng.normal(0.2, 0.9, size=shape) for name, shape in shapes.items()}
    return rng.normal(0.1, 1.0, size=(images, D)), rng.integers(C, size=images), arrays


def _node(student, parents, factors, shape=()):
    """Return a node whose gate sends the upstream gradient, times a factor, to each parent."""

    def backward(dout, cache):
        gradients = tuple(factor * np.asarray(dout) for factor in factors)
        return gradients if len(gradients) > 1 else gradients[0]

    return student.Value(np.full(shape, 0.5), tuple(parents), "gate", backward)


def _random_graph(student, rng):
    """Return the output of a random graph of numbered nodes, and the parents of every number.

    Node n has the data n. Each has the one before it as a parent, so that all lead to the output,
    and most have another one from further back, so that paths of different lengths meet.
    """
    numbers = rng.permutation(np.arange(3, 12)).tolist()
    nodes, parents = [student.Value(float(numbers[0]))], {numbers[0]: []}
    for i in range(1, len(numbers)):
        chosen = [i - 1, int(rng.integers(i))] if i % 3 else [int(rng.integers(i)), i - 1]
        nodes.append(student.Value(float(numbers[i]), tuple(nodes[k] for k in chosen)))
        parents[numbers[i]] = [numbers[k] for k in chosen]
    return nodes[-1], parents


# Verdicts -----------------------------------------------------------------------------------------


def _same(actual, expected, name):
    assert_close(actual, expected, name=name, rtol=RTOL, atol=ATOL)


def _require_value(result, name):
    is_value = isinstance(result, Handle) and "Value" in repr(result)
    require(is_value, f"{name} returned no Value", kind="type")


def _numbers_of(order):
    require(isinstance(order, list | tuple), "topological_order should return a list", kind="type")
    for node in order:
        _require_value(node, "topological_order: in an entry of the list it")
    return [round(float(node.data)) for node in order]


def _check_unbroadcast(student, rng, output, inputs):
    for shape in inputs:
        gradient = rng.normal(0.5, 1.0, size=output)
        name = f"the gradient of an input of shape {shape} of an output of shape {output}"
        _same(student.unbroadcast(gradient, shape), oracle.unbroadcast(gradient, shape), name)
        assert_shape(student.unbroadcast(gradient, shape), shape, name=name)


def _check_by_hand(student, rng, images, names, dtype=np.float64):
    X, y, arrays = _network(rng, images=images)
    X, arrays = X.astype(dtype), {name: array.astype(dtype) for name, array in arrays.items()}
    _, gradients = student.two_layer_loss_by_hand(X, y, *arrays.values())
    require(isinstance(gradients, dict), "the gradients should be a dictionary", kind="type")
    missing = [name for name in names if name not in gradients]
    require(not missing, f"the gradients lack {', '.join(missing)}", kind="type")
    expected = oracle.two_layer(X, y, **arrays)[1]
    for name in names:
        _same(gradients[name], expected[name], f"d{name}")
