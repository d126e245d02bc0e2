"""Computational graphs: what was computed from what, with values and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.style import COLORS, INK, MUTED, new_figure, styled

__all__ = ["GraphNode", "show_graph"]

_LARGEST = 200
_HALF = 0.36  # of the distance between columns: half the width of a box
_LINE = 0.24  # of the distance between rows: the height of a line of text
_VALUE, _GRADIENT = COLORS[0], COLORS[1]


class GraphNode(Protocol):
    """What :func:`show_graph` asks of a node; any object with these attributes will do.

    Attributes
    ----------
    data : array_like
        The value.
    grad : array_like or None
        The gradient of the output with respect to it, of the same shape; ``None`` if unknown.
    parents : sequence of nodes
        What it was computed from; empty for an input.
    operation : str
        The name of the operation that computed it; empty for an input.
    """

    data: Any
    grad: Any
    parents: Sequence[Any]
    operation: str


@styled
def show_graph(
    output: GraphNode,
    names: Mapping[str, GraphNode] | None = None,
    *,
    inch: float = 1.25,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Draw the graph that computed a node, from the inputs at the left to the output at the right.

    In each box stands the operation, or for an input its name; below it the value, and, after a
    ∂, the gradient. Of an array with more than one entry the shape is shown, and the Euclidean norm
    of the gradient.

    Parameters
    ----------
    output : GraphNode
        The node to draw, with everything it was computed from.
    names : dict from str to GraphNode, optional
        Names of nodes, written in place of, or together with, the operation.
    inch : float
        Width of a column.
    title : str, optional
        Title of the plot.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If there are more nodes than a picture can show, or a node leads back to itself.
    """
    nodes = _parents_first(output)
    labels = {id(node): name for name, node in (names or {}).items()}
    layout = _Layout(nodes)
    with_gradients = any(node.grad is not None for node in nodes)
    rows = max(len(column) for column in layout.columns)
    width = max(4.0, inch * len(layout.columns))
    height = 0.3 * (title is not None) + (0.85 if with_gradients else 0.7) * rows + 0.35
    figure, (axes,) = new_figure(width, height)
    for node in nodes:
        for place, parent in enumerate(node.parents):
            axes.add_patch(_wire(layout, parent, node, place))
    for node in nodes:
        _box(axes, layout.place(node), _lines(node, labels.get(id(node))), not node.parents)
    axes.set_xlim(-0.5, len(layout.columns) - 0.5)
    axes.set_ylim(-rows / 2 - 0.35, rows / 2)
    axes.set_axis_off()
    key = [("value", _VALUE), ("∂  gradient of the output", _GRADIENT)]
    for i, (text, color) in enumerate(key[: 1 + with_gradients]):
        axes.annotate(
            text, (0, 0), (8 + 52 * i, 2), "axes fraction", "offset points", color=color, size=9
        )
    if title:
        axes.set_title(title)
    return figure, axes


def _parents_first(output: GraphNode) -> list[GraphNode]:
    """Return every node once, each after its parents."""
    order: list[GraphNode] = []
    done: set[int] = set()
    open_: set[int] = set()
    stack: list[tuple[GraphNode, bool]] = [(output, False)]
    while stack:
        node, complete = stack.pop()
        if complete:
            open_.discard(id(node))
            done.add(id(node))
            order.append(node)
        elif id(node) in open_:
            raise ValueError("a node of the graph leads back to itself")
        elif id(node) not in done:
            open_.add(id(node))
            if len(open_) + len(done) > _LARGEST:
                raise ValueError(f"the graph has more than {_LARGEST} nodes, too many to draw")
            stack.append((node, True))
            # Parents that are open already end a cycle, which is noticed when they are looked at.
            later = [parent for parent in node.parents if id(parent) not in done]
            stack.extend((parent, False) for parent in reversed(later))
    return order


class _Layout:
    """Places of nodes: a column for each step, in columns an order that keeps wires short.

    A wire across columns has a place of its own in each of them, so that it goes through no box.

    Parameters
    ----------
    nodes : list of GraphNode
        Each after its parents, the output last.
    """

    def __init__(self, nodes: list[GraphNode]) -> None:
        column = self._columns(nodes)
        self.columns: list[list[Any]] = [[] for _ in range(1 + max(column.values()))]
        for node in nodes:
            self.columns[column[id(node)]].append(id(node))
        neighbours: dict[Any, tuple[list[Any], list[Any]]] = {id(n): ([], []) for n in nodes}
        self._bends: dict[tuple[int, int], list[Any]] = {}
        for node in nodes:
            for parent in {id(parent): parent for parent in node.parents}.values():
                edge = id(parent), id(node)
                between = range(column[edge[0]] + 1, column[edge[1]])
                self._bends[edge] = [(*edge, i) for i in between]
                for bend, i in zip(self._bends[edge], between, strict=True):
                    self.columns[i].append(bend)
                    neighbours[bend] = ([], [])
                chain = [edge[0], *self._bends[edge], edge[1]]
                for left, right in pairwise(chain):
                    neighbours[left][1].append(right)
                    neighbours[right][0].append(left)
        self._x = {key: i for i, keys in enumerate(self.columns) for key in keys}
        self._y = self._heights(neighbours)

    @staticmethod
    def _columns(nodes: list[GraphNode]) -> dict[int, int]:
        """Return the column of each node: after its parents, and inputs just before their use."""
        column: dict[int, int] = {}
        for node in nodes:
            column[id(node)] = max((1 + column[id(p)] for p in node.parents), default=0)
        first_use: dict[int, int] = {}
        for node in nodes:
            for parent in node.parents:
                use = column[id(node)]
                first_use[id(parent)] = min(use, first_use.get(id(parent), use))
        for node in nodes:
            if not node.parents and id(node) in first_use:
                column[id(node)] = first_use[id(node)] - 1
        return column

    def _heights(self, neighbours: dict[Any, tuple[list[Any], list[Any]]]) -> dict[Any, float]:
        """Sort each column by the mean height of its neighbours, forth and back a few times."""
        heights: dict[Any, float] = {}

        def spread(keys: list[Any]) -> None:
            for i, key in enumerate(keys):
                heights[key] = (len(keys) - 1) / 2 - i

        for keys in self.columns:
            spread(keys)
        for sweep in range(8):
            side = sweep % 2
            for keys in self.columns[:: -1 if side else 1]:
                centre = {
                    key: float(np.mean([heights[k] for k in neighbours[key][side]]))
                    if neighbours[key][side]
                    else heights[key]
                    for key in keys
                }
                keys.sort(key=lambda key: -centre[key])
                spread(keys)
        return heights

    def place(self, node: GraphNode) -> tuple[float, float]:
        """Return where the middle of a node's box is."""
        return self._x[id(node)], self._y[id(node)]

    def bends(self, parent: GraphNode, node: GraphNode) -> list[tuple[float, float]]:
        """Return the places that the wire between two nodes goes through."""
        return [(self._x[bend], self._y[bend]) for bend in self._bends[id(parent), id(node)]]


def _wire(layout: _Layout, parent: GraphNode, node: GraphNode, place: int) -> PathPatch:
    """Return the wire from a parent to its place among the inputs of a node."""
    x, y = layout.place(parent)
    points, codes = [(x + _HALF, y)], [Path.MOVETO]
    bends = [(x, y, x + _HALF) for x, y in layout.bends(parent, node)]
    x, y = layout.place(node)
    # Inputs end below each other, in the order of where they come from: no two wires are one.
    sources = [layout.place(p)[1] for p in node.parents]
    order = sorted(range(len(sources)), key=lambda i: -sources[i])
    y += 0.16 * ((len(sources) - 1) / 2 - order.index(place))
    for x_next, y_next, x_after in [*bends, (x, y, x - _HALF)]:
        x_last, y_last = points[-1]
        x_next -= _HALF
        middle = (x_last + x_next) / 2
        points += [(middle, y_last), (middle, y_next), (x_next, y_next), (x_after, y_next)]
        codes += [Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO]
    return PathPatch(Path(points, codes), fill=False, edgecolor="#A8A8A8", linewidth=1.4, zorder=1)


def _lines(node: GraphNode, name: str | None) -> list[tuple[str, str, str]]:
    """Return what is written in a box: text, colour and weight of every line."""
    heading = " = ".join(text for text in (name, node.operation) if text) or "constant"
    data = np.asarray(node.data)
    value = _number(data) if data.size == 1 else "×".join(map(str, data.shape))
    lines = [(heading, INK, "bold" if name or node.operation else "normal")]
    lines.append((value, _VALUE, "normal"))
    if node.grad is not None:
        gradient: NDArray[Any] = np.asarray(node.grad)
        if gradient.size == 1:
            lines.append((f"∂ {_number(gradient)}", _GRADIENT, "normal"))
        else:
            norm = _number(np.linalg.norm(gradient))
            lines.append((f"|∂| {norm}", _GRADIENT, "normal"))
    return lines


def _number(value: ArrayLike) -> str:
    number = float(np.reshape(value, ()))
    text = f"{number:.3g}"
    # Wider than a box are only numbers that are very large or very small.
    return (text if len(text) < 8 else f"{number:.0e}").replace("-", "\N{MINUS SIGN}")


def _box(
    axes: Axes, place: tuple[float, float], lines: list[tuple[str, str, str]], is_input: bool
) -> None:
    x, y = place
    height = _LINE * len(lines) + 0.06
    axes.add_patch(
        FancyBboxPatch(
            (x - _HALF, y - height / 2),
            2 * _HALF,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="#F3F3F3" if is_input else "white",
            edgecolor=MUTED,
            linewidth=1.1,
            linestyle="--" if is_input else "-",
            zorder=2,
        )
    )
    for i, (text, color, weight) in enumerate(lines):
        below = y + _LINE * ((len(lines) - 1) / 2 - i)
        axes.text(
            x, below, text, color=color, weight=weight, size=8.5, ha="center", va="center", zorder=3
        )
