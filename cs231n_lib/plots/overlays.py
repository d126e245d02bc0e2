"""Something drawn over images: boxes, masks, class maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.canvas import Sheet
from cs231n_lib.plots.pixels import as_images, label_texts
from cs231n_lib.plots.style import COLORS, one_axes, series_colors, styled

__all__ = ["show_boxes", "show_class_maps"]


@styled
def show_boxes(
    image: ArrayLike,
    boxes: ArrayLike,
    labels: Sequence[Any] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    scores: ArrayLike | None = None,
    masks: ArrayLike | None = None,
    truth: ArrayLike | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Show an image with boxes around its objects, and their masks.

    Parameters
    ----------
    image : (H, W, 3) or (3, H, W) array_like
        Pixel values 0 to 255, or 0 to 1 in floating point.
    boxes : (K, 4) array_like
        Corners ``x1, y1, x2, y2`` in pixels, from the upper left corner of the image. K may be 0.
    labels : (K,) sequence, optional
        Written at the boxes: texts, or whole numbers together with `class_names`. Objects of one
        label share a colour.
    class_names : sequence of str, optional
        Names of the labels.
    scores : (K,) array_like, optional
        Confidences, written behind the labels.
    masks : (K, H, W) array_like of bool, optional
        Which pixels belong to each object.
    truth : (M, 4) array_like, optional
        Boxes that are right, drawn in white dashes.
    title : str, optional
        Title of the plot.
    ax : Axes, optional
        Draw there instead of in a new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        For shapes that do not match.
    """
    picture = as_images(np.asarray(image)[None], "image")[0]
    height, width = picture.shape[:2]
    corners = _boxes(boxes, "boxes")
    texts = label_texts(labels, class_names, len(corners)) if labels is not None else None
    names = list(dict.fromkeys(texts)) if texts is not None else []
    palette = list(series_colors(max(len(names), len(corners))))
    colors = [palette[names.index(text)] for text in texts] if texts is not None else palette
    for i, mask in enumerate(_masks(masks, len(corners), height, width)):
        picture = np.where(
            mask[..., None], 0.5 * picture + 0.5 * np.array(to_rgb(colors[i])), picture
        )
    scale = 4.6 / max(height, width)
    figure, axes = one_axes(ax, width * scale, height * scale + (0.35 if title else 0.0))
    axes.imshow(picture, extent=(0, width, height, 0), interpolation="nearest")
    if truth is not None:
        for x1, y1, x2, y2 in _boxes(truth, "truth"):
            axes.add_patch(_rectangle(x1, y1, x2, y2, "black", 2.6))
            axes.add_patch(_rectangle(x1, y1, x2, y2, "white", 1.4, (0, (3, 2))))
    confidences = None if scores is None else np.asarray(scores, dtype=np.float64)
    if confidences is not None and confidences.shape != (len(corners),):
        raise ValueError(f"scores must have shape ({len(corners)},), got {confidences.shape}")
    for i, (x1, y1, x2, y2) in enumerate(corners):
        axes.add_patch(_rectangle(x1, y1, x2, y2, "white", 3.4))
        axes.add_patch(_rectangle(x1, y1, x2, y2, colors[i], 2.0))
        parts = [] if texts is None else [texts[i]]
        parts += [] if confidences is None else [f"{confidences[i]:.2f}"]
        if parts:
            # Above the box where there is room, else inside.
            inside = y1 < 0.07 * height
            axes.annotate(
                " ".join(parts),
                (max(0.0, x1), y1),
                xytext=(1, -2 if inside else 2),
                textcoords="offset points",
                color="white",
                size=8.5,
                va="top" if inside else "bottom",
                bbox={"facecolor": colors[i], "edgecolor": "none", "pad": 1.6},
            )
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    if title:
        axes.set_title(title)
    return figure, axes


@styled
def show_class_maps(
    images: ArrayLike,
    maps: ArrayLike,
    class_names: Sequence[str],
    *,
    predictions: ArrayLike | None = None,
    background: int | None = 0,
    inch: float = 1.5,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show images above their class maps, and above what a model predicts for each pixel.

    Parameters
    ----------
    images : array_like
        N images, as :func:`show_images` takes them.
    maps : (N, H, W) int array_like
        The class of each pixel.
    class_names : sequence of str
        Names of the classes, for the legend; only those that occur are listed.
    predictions : (N, H, W) int array_like, optional
        Another row of maps.
    background : int, optional
        The class that leaves the image as it is, only paler.
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
        For shapes that do not match, or a class without a name.
    """
    pictures = as_images(images)
    rows, names = [pictures], ["image"]
    present: set[int] = set()
    for name, given in (
        ("truth" if predictions is not None else "classes", maps),
        ("prediction", predictions),
    ):
        if given is None:
            continue
        classes = np.asarray(given)
        if classes.shape != pictures.shape[:3] or classes.dtype.kind not in "iu":
            raise ValueError(
                f"class maps must be whole numbers of shape {pictures.shape[:3]}, "
                f"got {classes.dtype} of shape {classes.shape}"
            )
        if classes.min() < 0 or classes.max() >= len(class_names):
            raise ValueError(
                f"classes run from {classes.min()} to {classes.max()}, "
                f"but there are {len(class_names)} class_names"
            )
        present |= set(np.unique(classes).tolist())
        rows.append(_painted(pictures, classes, len(class_names), background))
        names.append(name)
    colors = _class_colors(len(class_names), background)
    shown = [c for c in sorted(present) if c != background]
    handles = [Patch(color=colors[c], label=class_names[c]) for c in shown]
    columns = max(1, min(len(handles), round(len(pictures) * inch)))
    foot = 0.1 + 0.2 * -(-len(handles) // columns) if handles else 0.0
    sheet = Sheet(np.concatenate(rows), len(pictures), inch=inch, left=0.85, foot=foot, title=title)
    for row, name in enumerate(names):
        sheet.row_name(row, name)
    if handles:
        sheet.figure.legend(handles=handles, loc="lower center", ncols=columns)
    return sheet.figure, sheet.axes


def _boxes(boxes: ArrayLike, name: str) -> NDArray[np.float64]:
    corners = np.asarray(boxes, dtype=np.float64)
    if corners.size == 0:
        return corners.reshape(0, 4)
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(
            f"{name} must have shape (K, 4), corners x1, y1, x2, y2, got {corners.shape}"
        )
    return corners


def _masks(masks: ArrayLike | None, number: int, height: int, width: int) -> NDArray[np.bool_]:
    if masks is None:
        return np.zeros((0, height, width), bool)
    given = np.asarray(masks)
    if given.shape != (number, height, width):
        raise ValueError(f"masks must have shape {(number, height, width)}, got {given.shape}")
    return given.astype(bool)


def _rectangle(
    x1: float, y1: float, x2: float, y2: float, color: str, width: float, style: Any = "-"
) -> Rectangle:
    return Rectangle(
        (x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, linewidth=width, linestyle=style
    )


def _class_colors(number: int, background: int | None) -> NDArray[np.float64]:
    """Return a colour a class: the palette first, then lighter versions of it."""
    palette = np.array([to_rgb(color) for color in COLORS])
    others = [c for c in range(number) if c != background]
    colors = np.ones((number, 3))
    for k, c in enumerate(others):
        fade = 0.45 * (k // len(palette))
        colors[c] = (1 - fade) * palette[k % len(palette)] + fade
    return colors


def _painted(
    pictures: NDArray[np.float32], classes: NDArray[Any], number: int, background: int | None
) -> NDArray[np.float32]:
    grey = pictures.mean(axis=3, keepdims=True)
    colors = _class_colors(number, background)[classes]
    share = np.where(classes == (-1 if background is None else background), 0.55, 0.72)[..., None]
    return np.asarray(share * colors + (1 - share) * grey, dtype=np.float32)
