"""Plots of the course: one call each, good-looking as they come, safe for colour-blind readers.

Every function returns the matplotlib objects, ``(figure, axes)``, for a reader who wants to change
something, shows nothing by itself (notebooks do) and leaves ``rcParams`` as they were.
"""

from __future__ import annotations

from cs231n_lib.plots.curves import plot_accuracies, plot_losses
from cs231n_lib.plots.embedding import plot_embedding
from cs231n_lib.plots.graphs import show_graph
from cs231n_lib.plots.overlays import show_boxes, show_class_maps
from cs231n_lib.plots.saliency import show_saliency
from cs231n_lib.plots.selection import (
    plot_cross_validation,
    plot_distance_matrix,
    plot_search,
)
from cs231n_lib.plots.sheets import show_class_examples, show_images, show_neighbours
from cs231n_lib.plots.surfaces import plot_decision_regions, plot_trajectories
from cs231n_lib.plots.timings import plot_times
from cs231n_lib.plots.training import plot_layer_histograms, plot_training
from cs231n_lib.plots.weights import show_filters, show_templates

__all__ = [
    "plot_accuracies",
    "plot_cross_validation",
    "plot_decision_regions",
    "plot_distance_matrix",
    "plot_embedding",
    "plot_layer_histograms",
    "plot_losses",
    "plot_search",
    "plot_times",
    "plot_training",
    "plot_trajectories",
    "show_boxes",
    "show_class_examples",
    "show_class_maps",
    "show_filters",
    "show_graph",
    "show_images",
    "show_neighbours",
    "show_saliency",
    "show_templates",
]
