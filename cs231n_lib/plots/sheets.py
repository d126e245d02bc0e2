"""Sheets of images: grids, examples of classes, nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.canvas import Sheet
from cs231n_lib.plots.pixels import as_images, label_texts
from cs231n_lib.plots.style import INK, RIGHT, WRONG, styled

__all__ = ["show_class_examples", "show_images", "show_neighbours"]


@styled
def show_images(
    images: ArrayLike,
    labels: Sequence[Any] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    predictions: Sequence[Any] | NDArray[Any] | None = None,
    columns: int | None = None,
    inch: float = 1.0,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show images on a grid, with their labels, and with predictions marked right or wrong.

    Parameters
    ----------
    images : array_like
        (N, H, W, 3), (N, H, W), (N, 3, H, W) or (N, D) for square RGB images; pixel values 0 to
        255, or 0 to 1 in floating point.
    labels : sequence, optional
        Caption of each image: any text, or whole numbers together with `class_names`.
    class_names : sequence of str, optional
        Names of the labels.
    predictions : sequence, optional
        What a model says; it becomes the caption, with ✓ in a solid blue frame where it equals the
        label, and ✗ with the label in brackets in a dashed vermilion frame where it does not.
    columns : int, optional
        Images in a row; by default a grid about twice as wide as high, of at most 10.
    inch : float
        Width of an image.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes
        One axes holds the whole sheet.

    Raises
    ------
    ValueError
        For a shape or pixel values that are no images, or labels that do not match them.
    """
    pictures = as_images(images)
    number = len(pictures)
    if predictions is not None and labels is None:
        raise ValueError("predictions need labels to be compared with: pass both")
    columns = _columns(number) if columns is None else columns
    truth = [] if labels is None else label_texts(labels, class_names, number)
    lines = max((text.count("\n") + 1 for text in truth), default=0)
    lines += predictions is not None
    sheet = Sheet(pictures, min(columns, number), inch=inch, lines=lines, title=title)
    if labels is not None:
        if predictions is None:
            for i, text in enumerate(truth):
                sheet.caption(i, text)
        else:
            said = label_texts(predictions, class_names, number, "predictions")
            for i, (guess, name) in enumerate(zip(said, truth, strict=True)):
                right = guess == name
                sheet.frame(i, right=right)
                text = f"✓ {guess}" if right else f"✗ {guess}\n({name})"
                sheet.caption(i, text, color=RIGHT if right else WRONG)
    return sheet.figure, sheet.axes


@styled
def show_class_examples(
    X: ArrayLike,
    y: Sequence[int] | NDArray[Any],
    class_names: Sequence[str],
    *,
    per_class: int = 7,
    rng: np.random.Generator | None = None,
    inch: float = 0.8,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show a few images of every class, one column per class.

    Parameters
    ----------
    X : array_like
        Images, as :func:`show_images` takes them.
    y : (N,) int array_like
        Their labels.
    class_names : sequence of str
        Names of the labels; one column each.
    per_class : int
        Images in a column, or as many as there are.
    rng : numpy.random.Generator, optional
        Picks them; by default the first of each class are shown.
    inch : float
        Width of an image.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        For images or labels that do not match.
    """
    given, labels = np.asarray(X), np.asarray(y).ravel()
    if len(given) != len(labels):
        raise ValueError(f"X has {len(given)} images but y has {len(labels)} labels")
    label_texts(labels, class_names, len(labels), "y")
    columns = []
    for label in range(len(class_names)):
        places = np.flatnonzero(labels == label)
        if rng is not None:
            places = rng.permutation(places)
        columns.append(places[:per_class])
    rows = max(len(places) for places in columns)
    if rows == 0:
        raise ValueError("there are no images to show: X is empty or per_class is 0")
    shown = np.unique(np.concatenate(columns))
    pictures = dict(zip(shown.tolist(), as_images(given[shown], "X"), strict=True))
    blank = np.ones_like(next(iter(pictures.values())))
    order = [
        pictures[int(places[row])] if row < len(places) else blank
        for row in range(rows)
        for places in columns
    ]
    sheet = Sheet(np.stack(order), len(class_names), inch=inch, heading=True, title=title)
    for label, name in enumerate(class_names):
        sheet.column_name(label, name)
    return sheet.figure, sheet.axes


@styled
def show_neighbours(
    queries: ArrayLike,
    neighbours: ArrayLike,
    query_labels: Sequence[Any] | NDArray[Any] | None = None,
    neighbour_labels: Sequence[Any] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    distances: ArrayLike | None = None,
    inch: float = 0.95,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show queries and what was found for them: one row a query, the nearest first.

    Parameters
    ----------
    queries : array_like
        Q images, as :func:`show_images` takes them; shown at the left.
    neighbours : (Q, K, H, W, 3) array_like
        The K images found for each, for example ``X_train[np.argsort(dists)[:, :K]]``.
    query_labels, neighbour_labels : (Q,) and (Q, K) sequences, optional
        Labels. Where both are given, a neighbour of the same label has a solid blue frame and ✓,
        one of another a dashed vermilion frame and ✗.
    class_names : sequence of str, optional
        Names of the labels.
    distances : (Q, K) array_like, optional
        Written below the neighbours.
    inch : float
        Width of an image.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        For images, labels or distances that do not match.
    """
    asked, given = as_images(queries, "queries"), np.asarray(neighbours)
    if given.ndim < 3 or given.shape[0] != len(asked):
        raise ValueError(
            f"neighbours must have shape (Q, K, ...) with Q = {len(asked)} as in queries, "
            f"got {given.shape}"
        )
    per_query = given.shape[1]
    found = as_images(given.reshape(-1, *given.shape[2:]), "neighbours")
    if found.shape[1:] != asked.shape[1:]:
        raise ValueError(
            f"neighbours are {found.shape[1:]} images but queries {asked.shape[1:]}: "
            "expected the same size"
        )
    rows = np.concatenate(
        [asked[:, None], found.reshape(len(asked), per_query, *found.shape[1:])], 1
    )
    sheet = Sheet(
        rows.reshape(-1, *found.shape[1:]),
        per_query + 1,
        inch=inch,
        lines=(query_labels is not None) + (distances is not None),
        heading=True,
        title=title,
    )
    sheet.column_name(0, "query", weight="bold")
    for k in range(per_query):
        sheet.column_name(k + 1, "nearest" if k == 0 else f"{k + 1}.")
    truth = [""] * len(asked)
    if query_labels is not None:
        truth = label_texts(query_labels, class_names, len(asked), "query_labels")
    names = [""] * len(found)
    if neighbour_labels is not None:
        names = label_texts(neighbour_labels, class_names, len(found), "neighbour_labels")
    lengths = _distance_texts(distances, len(asked), per_query)
    for q, name in enumerate(truth):
        first = q * (per_query + 1)
        sheet.caption(first, name)
        for k in range(per_query):
            text, color = names[q * per_query + k], None
            if query_labels is not None and neighbour_labels is not None:
                right = text == name
                sheet.frame(first + 1 + k, right=right)
                text, color = f"{'✓' if right else '✗'} {text}", RIGHT if right else WRONG
            lines = [line for line in (text, lengths[q * per_query + k]) if line]
            sheet.caption(first + 1 + k, "\n".join(lines), color=color or INK)
    return sheet.figure, sheet.axes


def _columns(number: int) -> int:
    """Choose a grid about twice as wide as high, rather wider, that leaves few places empty."""
    ideal = min(10.0, (2 * number) ** 0.5)
    return min(range(1, 11), key=lambda c: -number % c + (c - ideal) * (0.4 if c > ideal else -1.0))


def _distance_texts(distances: ArrayLike | None, queries: int, per_query: int) -> list[str]:
    if distances is None:
        return [""] * (queries * per_query)
    values = np.asarray(distances, dtype=np.float64)
    if values.shape != (queries, per_query):
        raise ValueError(f"distances must have shape {(queries, per_query)}, got {values.shape}")
    return [f"{value:,.4g}" for value in values.ravel()]
