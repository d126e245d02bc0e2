"""The features of an image in plain Python: float64, loops over pixels, one formula a line.

Written from the formulas, not from the solution: pixels are Python floats, angles come from
``math.atan2``, sums are correctly rounded, so that nothing is shared with NumPy code that might
share its mistakes. :func:`distance_to_edges` says how far the pixels of an image are from where a
rounding error would move them to another bin; checks draw their images away from there.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "distance_to_edges",
    "gradients",
    "grey",
    "hog",
    "hsv",
    "hue_histogram",
    "orientations",
    "standardized",
]

CELL, BINS = 8, 9


def grey(rgb):
    """Return 0.299 R + 0.587 G + 0.114 B of every colour along the last axis."""
    rgb = np.asarray(rgb, dtype=np.float64)
    result = np.empty(rgb.shape[:-1])
    for place in np.ndindex(result.shape):
        red, green, blue = rgb[place].tolist()
        result[place] = math.fsum([0.299 * red, 0.587 * green, 0.114 * blue])
    return result


def gradients(image):
    """Return the differences to the right and lower neighbour of each pixel of (..., H, W)."""
    image = np.asarray(image, dtype=np.float64)
    height, width = image.shape[-2:]
    gx, gy = np.zeros(image.shape), np.zeros(image.shape)
    for *leading, r, c in np.ndindex(image.shape):
        here = float(image[(*leading, r, c)])
        if c + 1 < width:
            gx[(*leading, r, c)] = float(image[(*leading, r, c + 1)]) - here
        if r + 1 < height:
            gy[(*leading, r, c)] = float(image[(*leading, r + 1, c)]) - here
    return gx, gy


def orientations(gx, gy):
    """Return the length of each gradient, and its angle in degrees, in [0, 180)."""
    magnitude, angle = np.empty(np.shape(gx)), np.empty(np.shape(gx))
    for place in np.ndindex(magnitude.shape):
        x, y = float(gx[place]), float(gy[place])
        magnitude[place] = math.sqrt(x * x + y * y)
        degrees = math.degrees(math.atan2(y, x))
        if degrees < 0:
            degrees += 180
        angle[place] = 0.0 if degrees >= 180 else degrees
    return magnitude, angle


def hog(image):
    """Return, for each cell and bin, the sum of the votes of the cell's pixels over 64."""
    image = np.asarray(image, dtype=np.float64)
    magnitude, angle = orientations(*gradients(grey(image) if image.ndim == 3 else image))
    height, width = magnitude.shape
    features = []
    for top in range(0, height, CELL):
        for left in range(0, width, CELL):
            votes = [[] for _ in range(BINS)]
            for r in range(top, top + CELL):
                for c in range(left, left + CELL):
                    votes[int(angle[r, c] // (180 / BINS))].append(float(magnitude[r, c]))
            features += [math.fsum(of_bin) / CELL**2 for of_bin in votes]
    return np.array(features)


def hsv(rgb):
    """Return hue, saturation and value of every colour (..., 3), given with entries in [0, 1]."""
    rgb = np.asarray(rgb, dtype=np.float64)
    result = np.empty(rgb.shape)
    for place in np.ndindex(rgb.shape[:-1]):
        result[place] = _hsv(*rgb[place].tolist())
    return result


def hue_histogram(image, nbin, xmax=255):
    """Return the share of the pixels whose hue is in each of ``nbin`` parts of the circle."""
    image = np.asarray(image, dtype=np.float64) / xmax
    counts = [0] * nbin
    for place in np.ndindex(image.shape[:2]):
        hue, _, _ = _hsv(*image[place].tolist())
        counts[min(int(hue * nbin), nbin - 1)] += 1
    return np.array([count / (image.shape[0] * image.shape[1]) for count in counts])


def standardized(F_train, F):
    """Return (F - mean) / std of each column of the training features; a std of 0 counts as 1."""
    result = np.empty(np.shape(F))
    for j in range(result.shape[1]):
        column = [float(value) for value in np.asarray(F_train)[:, j]]
        mean = math.fsum(column) / len(column)
        std = math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(column))
        for i in range(result.shape[0]):
            result[i, j] = (float(F[i][j]) - mean) / (std if std > 0 else 1.0)
    return result


def distance_to_edges(values, width):
    """Return the smallest distance of a value from a multiple of ``width``."""
    remainder = np.asarray(values, dtype=np.float64) % width
    return float(np.min(np.minimum(remainder, width - remainder)))


def _hsv(red, green, blue):
    largest, smallest = max(red, green, blue), min(red, green, blue)
    chroma = largest - smallest
    if chroma == 0:
        sector = 0.0
    elif largest == red:
        sector = ((green - blue) / chroma) % 6
    elif largest == green:
        sector = (blue - red) / chroma + 2
    else:
        sector = (red - green) / chroma + 4
    return sector / 6, (chroma / largest if largest > 0 else 0.0), largest
