"""What the notebooks import: data, checks of one's own work, plots and training tools.

Import what you need from its module (``from cs231n_lib.checking import assert_gradient``): this
package pulls nothing in by itself, so that a notebook depends on what it names and on no more. It
holds no solution to an exercise and knows nothing of grading.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
