"""Plots of the course: one call each, good-looking as they come, safe for colour-blind readers.

Every function returns the matplotlib objects, ``(figure, axes)``, for a reader who wants to change
something, shows nothing by itself (notebooks do) and leaves ``rcParams`` as they were.
"""

from __future__ import annotations

from cs231n_lib.plots.curves import plot_accuracies, plot_losses
from cs231n_lib.plots.selection import (
    plot_cross_validation,
    plot_distance_matrix,
    plot_search,
    plot_times,
)
from cs231n_lib.plots.sheets import (
    show_class_examples,
    show_images,
    show_neighbours,
)
from cs231n_lib.plots.weights import show_filters, show_templates

__all__ = [
    "plot_accuracies",
    "plot_cross_validation",
    "plot_distance_matrix",
    "plot_losses",
    "plot_search",
    "plot_times",
    "show_class_examples",
    "show_filters",
    "show_images",
    "show_neighbours",
    "show_templates",
]
