"""Convolution, pooling and batch normalisation in NumPy, about as fast as compiled libraries.

For notebooks that train a network rather than write its layers. The functions follow the course's
conventions (``forward -> out, cache``, ``backward(dout, cache) -> gradients``, images as
(N, C, H, W)), take and return float32 or float64, compute on a few threads, and return the same
bits for the same input however many those are.
"""

from cs231n_lib.fast_layers.conv import conv_backward_fast, conv_forward_fast
from cs231n_lib.fast_layers.norm import (
    batchnorm_backward_fast,
    batchnorm_forward_fast,
    spatial_batchnorm_backward_fast,
    spatial_batchnorm_forward_fast,
)
from cs231n_lib.fast_layers.pool import (
    avg_pool_backward_fast,
    avg_pool_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)

__all__ = [
    "avg_pool_backward_fast",
    "avg_pool_forward_fast",
    "batchnorm_backward_fast",
    "batchnorm_forward_fast",
    "conv_backward_fast",
    "conv_forward_fast",
    "max_pool_backward_fast",
    "max_pool_forward_fast",
    "spatial_batchnorm_backward_fast",
    "spatial_batchnorm_forward_fast",
]
