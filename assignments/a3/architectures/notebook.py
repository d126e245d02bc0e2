# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Architectures: counting, building, going deep
#
# **Goal.** You learn to read a network's specification like an engineer, who knows before any
# training what it costs in parameters, arithmetic and memory, and how much of the image a neuron
# sees. Then you build the blocks that made networks deep, derive their gradients by hand, and watch
# why depth alone fails and what a shortcut changes.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `output_shapes` | the shape after every layer, branches included |
# | 3 | `count_parameters`, `count_multiply_adds` | what a network has to learn, and to compute |
# | 4 | `count_activations`, `training_memory` | what training has to keep |
# | 5 | `receptive_field` | how much of the image one neuron sees |
# | 6 | `conv1x1_forward`, `conv1x1_backward` | a linear classifier at every pixel |
# | 7 | `global_avg_pool_forward`, `…_backward` | the end of huge fully connected layers |
# | 8 | `inception_forward`, `…_backward` | four branches side by side |
# | 9 | `residual_forward`, `…_backward` | a block that starts from the identity |
# | 10 | `bottleneck_forward`, `…_backward` | the same, for a hundred layers and more |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, the helpers that the notebook gives you,
# and your other functions.
#
# You need to know convolution, pooling and batch normalisation and how each is differentiated; all
# three come ready here. Plan about three hours.

# %%
import math
from functools import cache
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.fast_layers import conv_forward_fast
from cs231n_lib.plots import plot_losses
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress

# %% [markdown]
# ## 1. A network on half a page
#
# A specification is a list of layers, and a layer is a small dictionary. Six kinds are enough for
# ten years of networks:


# %%
def conv(filters, kernel, stride=1, pad=0, groups=1, bias=True):
    """Specify a convolution; with ``groups`` > 1, every filter sees its own group of channels."""
    return {
        "kind": "conv",
        "filters": filters,
        "kernel": kernel,
        "stride": stride,
        "pad": pad,
        "groups": groups,
        "bias": bias,
    }


def pool(kernel, stride, pad=0):
    """Specify max or average pooling."""
    return {"kind": "pool", "kernel": kernel, "stride": stride, "pad": pad}


def norm():
    """Specify batch normalisation: a scale and a shift for every channel."""
    return {"kind": "norm"}


def global_pool():
    """Specify global average pooling: one number for every channel."""
    return {"kind": "global_pool"}


def fc(units):
    """Specify a fully connected layer, with biases, on everything that comes in."""
    return {"kind": "fc", "units": units}


def branches(*specs, join):
    """Specify branches that get the same input; join is "concat" (of channels) or "add"."""
    return {"kind": "branches", "join": join, "branches": list(specs)}


# %% [markdown]
# ReLU and dropout do not appear: they change no shape and learn nothing. A branch is a
# specification itself, and the empty list `[]` is one, too: it passes its input on, which makes it
# the shortcut of a residual block. With that, the networks of 2012 to 2015 that won the ImageNet
# challenge, and VGG, which came second in 2014, fit into one cell. Read it slowly; each line is an
# idea that somebody was proud of.


# %%
ALEXNET = [
    # Two GPUs of 3 GB in 2012: three layers are cut into two groups that do not see each other.
    *(conv(96, 11, stride=4), pool(3, 2)),
    *(conv(256, 5, pad=2, groups=2), pool(3, 2)),
    *(conv(384, 3, pad=1), conv(384, 3, pad=1, groups=2), conv(256, 3, pad=1, groups=2)),
    *(pool(3, 2), fc(4096), fc(4096), fc(1000)),
]

VGG16 = []
for filters, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    VGG16 += [conv(filters, 3, pad=1)] * repeats + [pool(2, 2)]
VGG16 += [fc(4096), fc(4096), fc(1000)]


def inception(f1, f3_reduce, f3, f5_reduce, f5, f_pool):
    """Specify an inception block, with the numbers in the order of the paper's Table 1."""
    return branches(
        [conv(f1, 1)],
        [conv(f3_reduce, 1), conv(f3, 3, pad=1)],
        [conv(f5_reduce, 1), conv(f5, 5, pad=2)],
        [pool(3, 1, pad=1), conv(f_pool, 1)],
        join="concat",
    )


GOOGLENET = [
    *(conv(64, 7, stride=2, pad=3), pool(3, 2, pad=1)),
    *(conv(64, 1), conv(192, 3, pad=1), pool(3, 2, pad=1)),
    *(inception(64, 96, 128, 16, 32, 32), inception(128, 128, 192, 32, 96, 64)),  # 3a, 3b
    pool(3, 2, pad=1),
    *(inception(192, 96, 208, 16, 48, 64), inception(160, 112, 224, 24, 64, 64)),  # 4a, 4b
    *(inception(128, 128, 256, 24, 64, 64), inception(112, 144, 288, 32, 64, 64)),  # 4c, 4d
    inception(256, 160, 320, 32, 128, 128),  # 4e
    pool(3, 2, pad=1),
    *(inception(256, 160, 320, 32, 128, 128), inception(384, 192, 384, 48, 128, 128)),  # 5a, 5b
    *(global_pool(), fc(1000)),
]


def conv_norm(filters, kernel, stride=1):
    """Specify a convolution without biases, which batch normalisation would only take away again."""
    return [conv(filters, kernel, stride=stride, pad=kernel // 2, bias=False), norm()]


def residual(filters, stride=1, project=False):
    """Specify a residual block; a projection makes the shortcut fit where the shape changes."""
    body = [*conv_norm(filters, 3, stride), *conv_norm(filters, 3)]
    return branches(body, conv_norm(filters, 1, stride) if project else [], join="add")


def bottleneck(filters, stride=1, project=False, stride_in_3x3=False):
    """Specify a bottleneck block: narrow to `filters`, 3×3, and widen to four times as many."""
    first, second = (1, stride) if stride_in_3x3 else (stride, 1)
    body = [
        *conv_norm(filters, 1, first),
        *conv_norm(filters, 3, second),
        *conv_norm(4 * filters, 1),
    ]
    return branches(body, conv_norm(4 * filters, 1, stride) if project else [], join="add")


def resnet(block, repeats, widens, **options):
    """Specify a residual network of four stages."""
    spec = [*conv_norm(64, 7, 2), pool(3, 2, pad=1)]
    for stage, count in enumerate(repeats):
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            project = i == 0 and (stage > 0 or widens)
            spec.append(block(64 * 2**stage, stride, project, **options))
    return [*spec, global_pool(), fc(1000)]


RESNET18 = resnet(residual, (2, 2, 2, 2), widens=False)
RESNET50 = resnet(bottleneck, (3, 4, 6, 3), widens=True)
RESNET152 = resnet(bottleneck, (3, 8, 36, 3), widens=True)

NETWORKS = {
    "AlexNet": (ALEXNET, (3, 227, 227)),
    "VGG-16": (VGG16, (3, 224, 224)),
    "GoogLeNet": (GOOGLENET, (3, 224, 224)),
    "ResNet-18": (RESNET18, (3, 224, 224)),
    "ResNet-50": (RESNET50, (3, 224, 224)),
    "ResNet-152": (RESNET152, (3, 224, 224)),
}

# %% [markdown]
# Two of these networks contain blocks that branch. Here they are as pictures, the way you will
# build them in the second half:


# %% tags=["demo"]
def draw_blocks(blocks):
    """Draw blocks side by side: columns of boxes, each from an input below to a join above."""
    _, axes = plt.subplots(
        1, len(blocks), figsize=(10, 4.1), layout="constrained", width_ratios=[4.3, 2.2, 2.2]
    )
    for axis, (title, columns, join) in zip(axes, blocks, strict=True):
        top, middle = 4.0, (len(columns) - 1) / 2
        for x, boxes in enumerate(columns):
            levels = np.linspace(0, top, len(boxes) + 2)
            points = [(middle, 0), *((x, y) for y in levels[1:-1]), (middle, top)]
            if not boxes:
                points = [(middle, 0), (x, 0.9), (x, top - 0.9), (middle, top)]
            for start, end in pairwise(points):
                arrow = {
                    "arrowstyle": "-|>",
                    "color": MUTED,
                    "shrinkA": 9 if boxes else 1,
                    "shrinkB": 10 if boxes else 1,
                }
                axis.annotate("", end, start, arrowprops=arrow)
            for text, y in zip(boxes, levels[1:-1], strict=True):
                color = COLORS[4] if "pool" in text else COLORS["135".index(text[0])]
                box = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "none"}
                ink = "black" if "pool" in text else "white"
                axis.text(x, y, text, ha="center", va="center", color=ink, fontsize=8, bbox=box)
            if not boxes:
                axis.text(x + 0.1, top / 2, "identity", color=MUTED, fontsize=8)
        end_box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": MUTED}
        for text, y in (("x", 0), (join, top)):
            axis.text(middle, y, text, ha="center", va="center", fontsize=9, bbox=end_box)
        axis.set(xlim=(-0.7, len(columns) - 0.3), ylim=(-0.4, top + 0.4))
        axis.set_title(title, fontsize=11)
        axis.axis("off")


draw_blocks(
    [
        (
            "inception",
            [["1×1"], ["1×1", "3×3"], ["1×1", "5×5"], ["pool", "1×1"]],
            "concatenate channels",
        ),
        ("residual", [["3×3", "3×3"], []], "add"),
        ("bottleneck", [["1×1", "3×3", "1×1"], []], "add"),
    ]
)

# %% [markdown]
# ## 2. Shapes
#
# Everything that follows needs the shape $(C, H, W)$ after every layer. For a window of size $k$
# that moves in steps of $s$ over an image with a border of $p$ zeros, the height becomes
#
# $$H' = \left\lfloor \frac{H + 2p - k}{s} \right\rfloor + 1 , \tag{1}$$
#
# and the width likewise. Where does that come from? The first window starts at 0, the last one that
# fits starts at $H + 2p - k$ or a little before; count the multiples of $s$ up to there.
#
# | kind | shape afterwards |
# |:--|:--|
# | conv | filters, and (1) |
# | pool | channels as before, and (1) |
# | norm | as before |
# | global_pool | $(C, 1, 1)$ |
# | fc | (units, 1, 1): a vector is an image of one pixel |
# | branches, `concat` | channels add up; height and width are those of any branch |
# | branches, `add` | the shape of any branch: they all agree |
#
# **Your step:** return the list of shapes after the layers. A branch is a specification, so the
# function that you are writing knows its shapes already: let it call itself. (An empty branch has
# no last layer; what is its output shape?)


# %% nbgrader={"grade": false, "grade_id": "output_shapes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def output_shapes(spec, shape):
    """Return the shape after each layer of a specification.

    Parameters
    ----------
    spec : list of dict
        Layers as made by ``conv``, ``pool``, ``norm``, ``global_pool``, ``fc`` and ``branches``.
    shape : tuple (C, H, W)
        Channels, height and width of the input; height and width may differ.

    Returns
    -------
    list of tuples (C, H, W)
        One for each layer of ``spec``; for branches, the shape after they are joined.
    """
    ### BEGIN SOLUTION
    shapes = []
    for layer in spec:
        channels, height, width = shape
        kind = layer["kind"]
        if kind in ("conv", "pool"):
            kernel, stride, pad = layer["kernel"], layer["stride"], layer["pad"]
            height = (height + 2 * pad - kernel) // stride + 1
            width = (width + 2 * pad - kernel) // stride + 1
            shape = (layer.get("filters", channels), height, width)
        elif kind == "global_pool":
            shape = (channels, 1, 1)
        elif kind == "fc":
            shape = (layer["units"], 1, 1)
        elif kind == "branches":
            ends = [[shape, *output_shapes(branch, shape)][-1] for branch in layer["branches"]]
            channels = sum(end[0] for end in ends) if layer["join"] == "concat" else ends[0][0]
            shape = (channels, *ends[0][1:])
        shapes.append(shape)
    return shapes
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_output_shapes", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
shapes = output_shapes([conv(5, 3, stride=2, pad=1), pool(2, 2), norm(), fc(7)], (3, 20, 31))
assert [tuple(s) for s in shapes] == [(5, 10, 16), (5, 5, 8), (5, 5, 8), (7, 1, 1)], (
    f"a convolution, pooling, norm and fc on (3, 20, 31) give {shapes}, expected (5, 10, 16), "
    "(5, 5, 8), (5, 5, 8) and (7, 1, 1)"
)
end = tuple(output_shapes([inception(64, 96, 128, 16, 32, 32)], (192, 28, 28))[-1])
assert end == (256, 28, 28), f"inception 3a ends with {end}, not with 64 + 128 + 32 + 32 channels"
end = tuple(output_shapes([residual(8), global_pool()], (8, 9, 7))[0])
assert end == (8, 9, 7), f"a residual block with an empty shortcut ends with {end}, not (8, 9, 7)"
# The last feature maps, as the papers have them.
for name, last_map in (
    ("AlexNet", (256, 6, 6)),
    ("VGG-16", (512, 7, 7)),
    ("GoogLeNet", (1024, 7, 7)),
    ("ResNet-50", (2048, 7, 7)),
):
    spec, shape = NETWORKS[name]
    maps = [tuple(s) for s in output_shapes(spec, shape) if s[1] > 1]
    assert maps[-1] == last_map, f"{name}: the last feature map is {maps[-1]}, expected {last_map}"
print("✓ output_shapes")

# %% [markdown]
# ## 3. Parameters and multiply-adds
#
# A filter of a convolution has $k \cdot k$ weights for each channel that it sees. With $g$ groups,
# it sees $C / g$ of them. It is applied at every pixel of the *output*, so
#
# $$\text{weights} = F \cdot \frac{C}{g} \cdot k^2, \qquad
#   \text{multiply-adds} = \text{weights} \cdot H' W' . \tag{2}$$
#
# That one line explains most of what follows: to a convolution a parameter is expensive, because it
# is used at every pixel; to a fully connected layer it is used once.
#
# | kind | parameters | multiply-adds |
# |:--|:--|:--|
# | conv | weights, and $F$ biases if `bias` | (2) |
# | norm | $2C$: one scale and one shift per channel | 0 |
# | fc | units · ($C H W$ + 1) | units · $C H W$ |
# | pools | 0 | 0 |
#
# Biases, normalisation, pooling and the addition of branches do cost arithmetic, but a thousandth
# of the rest; by custom they are not counted. (Beware of papers that count a multiplication and an
# addition as two operations, and of those that say FLOPs for either.)
#
# **Predict before you run.** VGG-16 has 16 layers with weights: which *one* of them holds three
# quarters of all its parameters?


# %% nbgrader={"grade": false, "grade_id": "count_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_parameters(spec, shape):
    """Count what a network has to learn: weights, biases, scales and shifts.

    Parameters
    ----------
    spec : list of dict
        A specification.
    shape : tuple (C, H, W)
        Shape of the input.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    total = 0
    inputs = [shape, *output_shapes(spec, shape)]
    for layer, shape_in in zip(spec, inputs, strict=False):
        channels, kind = shape_in[0], layer["kind"]
        if kind == "conv":
            weights = layer["filters"] * (channels // layer["groups"]) * layer["kernel"] ** 2
            total += weights + layer["filters"] * layer["bias"]
        elif kind == "norm":
            total += 2 * channels
        elif kind == "fc":
            total += layer["units"] * (math.prod(shape_in) + 1)
        elif kind == "branches":
            total += sum(count_parameters(branch, shape_in) for branch in layer["branches"])
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_count_parameters", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def assert_count(got, expected, what):
    """Compare a count exactly, and say how far off it is."""
    assert got == expected, (
        f"{what}: you count {got:,}, expected {expected:,} ({got - expected:+,})"
    )


assert_count(count_parameters([conv(5, 3)], (2, 9, 8)), 5 * 2 * 9 + 5, "3×3, 2 to 5 channels")
assert_count(count_parameters([conv(6, 3, groups=2)], (4, 9, 8)), 6 * 2 * 9 + 6, "two groups")
assert_count(count_parameters(conv_norm(5, 3), (2, 9, 8)), 5 * 2 * 9 + 2 * 5, "conv, norm")
assert_count(count_parameters([pool(3, 3), fc(7)], (2, 9, 6)), 7 * (2 * 3 * 2 + 1), "pool, fc")
# Exact counts of public implementations with the same layers (torchvision's documentation).
for name, expected in (
    ("VGG-16", 138_357_544),
    ("ResNet-18", 11_689_512),
    ("ResNet-50", 25_557_032),
    ("ResNet-152", 60_192_808),
):
    assert_count(count_parameters(*NETWORKS[name]), expected, name)
print("✓ count_parameters")


# %% nbgrader={"grade": false, "grade_id": "count_multiply_adds", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_multiply_adds(spec, shape):
    """Count the multiplications of the convolutional and fully connected layers for one image.

    Parameters
    ----------
    spec : list of dict
        A specification.
    shape : tuple (C, H, W)
        Shape of the input.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    total = 0
    shapes = [shape, *output_shapes(spec, shape)]
    for i, layer in enumerate(spec):
        (channels, height, width), shape_out = shapes[i], shapes[i + 1]
        if layer["kind"] == "conv":
            window = (channels // layer["groups"]) * layer["kernel"] ** 2
            total += math.prod(shape_out) * window
        elif layer["kind"] == "fc":
            total += layer["units"] * channels * height * width
        elif layer["kind"] == "branches":
            total += sum(count_multiply_adds(branch, shapes[i]) for branch in layer["branches"])
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_count_multiply_adds", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
assert_count(
    count_multiply_adds([conv(5, 3, stride=2)], (2, 9, 7)), 5 * 2 * 9 * 4 * 3, "a strided conv"
)
assert_count(count_multiply_adds([conv(6, 1, groups=2)], (4, 3, 2)), 6 * 2 * 6, "two groups")
assert_count(count_multiply_adds([pool(2, 2), fc(7)], (3, 4, 6)), 7 * 3 * 2 * 3, "pool, then fc")
# GoogLeNet's Table 1 lists the millions of each block: 128 and 304 for 3a and 3b, 73 for 4a.
for block, shape, millions in (
    (5, (192, 28, 28), 128),
    (6, (256, 28, 28), 304),
    (8, (480, 14, 14), 73),
):
    got = count_multiply_adds([GOOGLENET[block]], shape) / 1e6
    assert abs(got - millions) < 1, f"inception block: {got:.1f} million, published {millions}"
print("✓ count_multiply_adds")

# %% [markdown]
# Now against the literature. The cell below lists what was published, and you count.
#
# | network | parameters | multiply-adds |
# |:--|:--|:--|
# | AlexNet | "60 million": Krizhevsky et al., 2012, abstract | 724 million: Sze et al., 2017, Table II |
# | VGG-16 | 138 million: Simonyan & Zisserman, 2014, Table 2 | 15.5 billion: torchvision's documentation |
# | GoogLeNet | 7.0 million: the sum of Table 1 in Szegedy et al., 2014 | 1.5 billion: the sum, and their section 1 |
# | ResNets | torchvision's documentation | He et al., 2015, Table 1 |

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
PUBLISHED = {  # millions of parameters, billions of multiply-adds
    "AlexNet": (60, 0.724),
    "VGG-16": (138, 15.5),
    "GoogLeNet": (7, 1.5),
    "ResNet-18": (11.7, 1.8),
    "ResNet-50": (25.6, 3.8),
    "ResNet-152": (60.2, 11.3),
}
print("network      parameters [M]      multiply-adds [G]")
print("             yours  published    yours  published")
for name, (parameters, multiply_adds) in PUBLISHED.items():
    yours = count_parameters(*NETWORKS[name]) / 1e6
    work = count_multiply_adds(*NETWORKS[name]) / 1e9
    print(f"{name:10} {yours:7.2f} {parameters:10} {work:8.3f} {multiply_adds:10}")

# %% [markdown]
# Where you count more than was published: "60 million" is rounded, and the table of GoogLeNet
# describes a cheaper first layer than the one that everybody builds (question 1).
#
# And where in the network do parameters and arithmetic sit?
#
# **Predict before you run.** In AlexNet, are most of the parameters in convolutions or in fully
# connected layers? And most of the multiply-adds?


# %% tags=["demo"]
def share_of_convolutions(count, name):
    """Return which share of a count is not in fully connected layers."""
    spec, shape = NETWORKS[name]
    first_fc = next(i for i, layer in enumerate(spec) if layer["kind"] == "fc")
    return count(spec[:first_fc], shape) / count(spec, shape)


fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.1), sharey=True, layout="constrained")
for axis, count, title in (
    (axes[0], count_parameters, "Parameters"),
    (axes[1], count_multiply_adds, "Multiply-adds"),
):
    for row, name in enumerate(reversed(NETWORKS)):
        share = 100 * share_of_convolutions(count, name)
        axis.barh(row, share, color=COLORS[0], label="convolutions" if row == 0 else None)
        axis.barh(
            row,
            100 - share,
            left=share,
            color=COLORS[4],
            hatch="//",
            edgecolor="white",
            label="fully connected" if row == 0 else None,
        )
        total = count(*NETWORKS[name])
        unit = f"{total / 1e9:.2f} G" if total > 5e8 else f"{total / 1e6:.1f} M"
        axis.text(102, row, unit, va="center", fontsize=9)
    axis.set_yticks(range(len(NETWORKS)), list(reversed(NETWORKS)))
    axis.set(xlim=(0, 100), xlabel="share in %")
    axis.set_title(title, loc="left", pad=22)
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].legend(
    frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(-0.02, 0.98), fontsize=9
)

# %% [markdown]
# Nineteen in twenty of AlexNet's parameters are in layers that do a twelfth of its work. A dropout
# of one half in exactly those layers was no accident. GoogLeNet and the ResNets average over all
# pixels before a single fully connected layer: that alone saves a hundred million parameters.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_three_by_three", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) VGG replaces one 7×7 convolution by three of 3×3, all with $C$ channels. Compare parameters
# and multiply-adds per pixel of the two, and name one further gain. (b) Table 1 of the GoogLeNet
# paper gives 2.7 K parameters and 34 M multiply-adds for the first 7×7 layer, from 3 to 64
# channels, at 112×112 pixels. You count 9.4 K weights and 118 M. Which *two* layers, one with
# `groups=3`, have the published numbers? (K is 1024 there.)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_three_by_three", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $3 \cdot 9 C^2 = 27 C^2$ weights against $49 C^2$, and the same ratio of multiply-adds, since
# each weight is used once per pixel. Both see 7×7 pixels. The further gain: three ReLUs instead of
# one, so the function is a richer one. (The price: three times as many activations to keep.)
#
# (b) `conv(24, 7, stride=2, pad=3, groups=3)`, eight filters on every colour by itself, and
# `conv(64, 1)` on the result: $24 \cdot 49 + 24 \cdot 64 = 2712$ weights, 2.65 K, and times
# $112^2$ 34.0 million multiply-adds. A depthwise separable convolution, three years before MobileNet
# made it famous. The paper's text does not mention it; but both numbers fit, so the table presumably
# describes the network that its authors ran, and not the usual copies.

# %% [markdown]
# ## 4. Memory
#
# To compute gradients, every convolution and every fully connected layer needs its input again, so
# what they put out is kept until the way back has passed. We count these numbers, the **activations**:
#
# $$A = \sum_{\text{conv, fc}} C' H' W' \quad\text{per image}. $$
#
# Pooling, normalisation, sums and concatenations are left out of the count. (That is a convention,
# the one of Radosavovic et al., 2020, who found that activations predict the running time on a GPU
# better than multiply-adds do. The CS231n notes list what VGG-16 puts out, pools included, and print
# 24 M as the sum. Add up their rows, and you get 15.2 M: count yourself.)
#
# A training step with momentum keeps three numbers for every parameter: its value, its gradient and
# its velocity. And it keeps the input and the activations *of every image of the batch*:
#
# $$\text{bytes} = b \cdot \big( 3 P + N (C H W + A) \big) \tag{3}$$
#
# with $b = 4$ bytes for a number in single precision.


# %% nbgrader={"grade": false, "grade_id": "count_activations", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_activations(spec, shape):
    """Count the numbers that convolutional and fully connected layers put out for one image.

    Parameters
    ----------
    spec : list of dict
        A specification.
    shape : tuple (C, H, W)
        Shape of the input.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    total = 0
    shapes = [shape, *output_shapes(spec, shape)]
    for i, layer in enumerate(spec):
        if layer["kind"] in ("conv", "fc"):
            total += math.prod(shapes[i + 1])
        elif layer["kind"] == "branches":
            total += sum(count_activations(branch, shapes[i]) for branch in layer["branches"])
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_count_activations", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert_count(
    count_activations([conv(5, 3), norm(), pool(2, 2), fc(7)], (2, 9, 8)), 5 * 7 * 6 + 7, "a net"
)
assert_count(
    count_activations([inception(1, 2, 3, 4, 5, 6)], (7, 3, 2)), 21 * 6, "an inception block"
)
# Published: of VGG-16 on timm's model card, of ResNets in the variant of question 2 by Radosavovic et
# al. with their models.
for name, spec, millions in (
    ("VGG-16", VGG16, 13.6),
    ("ResNet-50", resnet(bottleneck, (3, 4, 6, 3), widens=True, stride_in_3x3=True), 11.1),
    ("ResNet-152", resnet(bottleneck, (3, 8, 36, 3), widens=True, stride_in_3x3=True), 22.6),
):
    got = count_activations(spec, (3, 224, 224)) / 1e6
    assert abs(got - millions) < 0.05, (
        f"{name}: {got:.2f} million activations, published {millions}"
    )
print("✓ count_activations")


# %% nbgrader={"grade": false, "grade_id": "training_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
def training_memory(spec, shape, batch_size, bytes_per_number=4):
    """Return the bytes that a training step with momentum keeps, as in (3).

    Parameters
    ----------
    spec : list of dict
        A specification.
    shape : tuple (C, H, W)
        Shape of one input image.
    batch_size : int
        Number of images of a batch.
    bytes_per_number : int
        4 in single precision.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    of_each_image = math.prod(shape) + count_activations(spec, shape)
    return bytes_per_number * (3 * count_parameters(spec, shape) + batch_size * of_each_image)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_training_memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
tiny = [fc(5)]  # 5 * 13 parameters, 12 inputs, 5 activations
assert_count(training_memory(tiny, (2, 3, 2), 1), 4 * (3 * 65 + 12 + 5), "bytes for one image")
assert_count(training_memory(tiny, (2, 3, 2), 9), 4 * (3 * 65 + 9 * 17), "bytes for nine images")
assert_count(training_memory(tiny, (2, 3, 2), 9, 2), 2 * (3 * 65 + 9 * 17), "half precision")
print("✓ training_memory")

# %% [markdown]
# **Predict before you run.** VGG-16 has twice as many parameters as ResNet-152. Which of the two
# fits into less memory, at a batch of one image, and at one of 64?

# %% tags=["demo"]
batch_sizes = 2 ** np.arange(9)
fig, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for i, (name, (spec, shape)) in enumerate(NETWORKS.items()):
    gigabytes = [training_memory(spec, shape, int(n)) / 1e9 for n in batch_sizes]
    axis.loglog(
        batch_sizes, gigabytes, "o^sDvP"[i] + "-", color=COLORS[i], label=name, markersize=4
    )
axis.axhline(3, color=MUTED, linestyle=":", linewidth=1)
axis.text(1, 3.2, "memory of AlexNet's GPU, 2012: 3 GB", color=MUTED, fontsize=8)
axis.set(xlabel="images in a batch", ylabel="GB to keep while training")
axis.set_xticks(batch_sizes, [str(n) for n in batch_sizes])
axis.minorticks_off()
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## 5. How much of the image does a neuron see?
#
# The **receptive field** of a neuron is the square of input pixels that can reach it. Walk through
# the network and keep two numbers: the size $r$ of the field, and the *jump* $j$, the distance
# in input pixels between two neighbouring neurons. At the input, $r = j = 1$. A window of $k$
# neurons that are $j$ apart is wider than one neuron by how much? **Your step:**
#
# $$r' = r + (\;\boldsymbol{?}\;) \cdot j, \qquad j' = \boldsymbol{?} . \tag{4}$$
#
# Which of the two must be updated first? Test yourself on two 3×3 convolutions, the first with
# stride 2: the field has 7 pixels (draw it), and it has 5 if the strides are the other way round.
#
# Of branches, the widest field counts; their jumps agree. Padding moves a field and does not widen
# it. Normalisation with batch statistics is left out, and we stop at the first `global_pool` or
# `fc`, behind which all is seen.


# %% nbgrader={"grade": false, "grade_id": "receptive_field", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(spec):
    """Return size and jump of the receptive field before the first fc or global_pool layer.

    Parameters
    ----------
    spec : list of dict
        A specification.

    Returns
    -------
    size, jump : int
        How many pixels wide the field is, and how many pixels lie between neighbouring fields.
    """

    ### BEGIN SOLUTION
    def field_after(layers, size, jump):
        for layer in layers:
            if layer["kind"] in ("fc", "global_pool"):
                break
            if layer["kind"] in ("conv", "pool"):
                size += (layer["kernel"] - 1) * jump
                jump *= layer["stride"]
            elif layer["kind"] == "branches":
                size, jump = max(field_after(branch, size, jump) for branch in layer["branches"])
        return size, jump

    return field_after(spec, 1, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_receptive_field", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def assert_field(spec, expected, what):
    """Compare size and jump of a receptive field."""
    got = tuple(receptive_field(spec))
    assert got == expected, f"{what}: you get (size, jump) = {got}, expected {expected}"


assert_field([conv(8, 3, stride=2), conv(8, 3)], (7, 2), "3×3 with stride 2, then 3×3")
assert_field([conv(8, 3), conv(8, 3, stride=2)], (5, 2), "3×3, then 3×3 with stride 2")
assert_field([conv(8, 3), inception(1, 1, 1, 1, 1, 1), fc(3)], (7, 1), "3×3, then inception, fc")
assert_field([residual(8, stride=2, project=True), pool(2, 2)], (9, 4), "a block, then pooling")
# A. Araujo, W. Norris, J. Sim, Computing receptive fields of CNNs, Distill 2019, and its table.
for name, size in (("AlexNet", 195), ("VGG-16", 212), ("ResNet-50", 483), ("ResNet-152", 1507)):
    assert_field(NETWORKS[name][0], (size, 32), name)
print("✓ receptive_field")

# %% [markdown]
# **Predict before you run.** Every network below gets images of 224 pixels or so. Whose last neurons
# see more than there is?

# %% tags=["demo"]
fig, axis = plt.subplots(figsize=(7.6, 3.7), layout="constrained")
for i, (name, (spec, _)) in enumerate(NETWORKS.items()):
    stop = next(k for k, layer in enumerate(spec) if layer["kind"] in ("fc", "global_pool"))
    sizes = [receptive_field(spec[:k])[0] for k in range(stop + 1)]
    depth = np.linspace(0, 1, len(sizes))
    axis.semilogy(depth, sizes, color=COLORS[i], label=f"{name}: {sizes[-1]}")
axis.axhline(224, color=MUTED, linestyle=":", linewidth=1)
axis.text(0, 240, "width of the image", color=MUTED, fontsize=8)
axis.set(
    xlabel="depth, from the image (0) to the last feature map (1)",
    ylabel="receptive field [pixels]",
)
axis.set_xticks([0, 0.5, 1])
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), title="last field")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_stride", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) Most libraries give a ResNet-50 4.1 billion multiply-adds, and the paper 3.8. The parameters
# are the same. Set `stride_in_3x3=True` in the specification, count again, and explain; why was the
# change made? (b) What does the change do to the receptive field, and why?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_stride", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) In the paper the first 1×1 convolution of a stage has the stride; it computes a quarter of the
# pixels. If the 3×3 has it instead, that 1×1 works at the full resolution, four times as much:
# 4.09 billion in all. Weights do not depend on stride, so parameters stay. The reason: a 1×1 with
# stride 2 never looks at three pixels in four, so the block's body throws information away; a 3×3
# with stride 2 sees all of them. By NVIDIA's documentation of this variant ("ResNet v1.5") it gains
# about half a point of top-1 accuracy.
#
# (b) The last field shrinks from 483 to 427 pixels. In each of three stages the first 3×3 now comes
# *before* the jump doubles, so it widens the field by $2j$ instead of $4j$: by $8 + 16 + 32 = 56$
# less. It makes no difference, since either is wider than the image.

# %% [markdown]
# ## 6. The 1×1 convolution
#
# Now you build. A convolution with a window of a single pixel sounds pointless, and is in every
# network since 2014: it mixes channels. At each pixel it is a linear classifier's product of a
# matrix with the vector of channels, and all pixels share the matrix:
#
# $$\text{out}_{n,f,i,j} = b_f + \sum_c w_{fc}\; x_{n,c,\,si,\,sj} \tag{5}$$
#
# With a stride $s$ only every $s$-th row and column is looked at. So collect the pixels that are,
# as rows of a matrix, and it *is* an affine layer, whose gradients you know by heart. **Your
# steps:** which axes does the sum for `dw` run over? And what is the gradient of the pixels that
# were never looked at?
#
# The weights come as `(F, C, 1, 1)`, so that they could go into any convolution.


# %% nbgrader={"grade": false, "grade_id": "conv1x1_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv1x1_forward(x, w, b, stride=1):
    """Mix the channels of every pixel.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Images.
    w : (F, C, 1, 1) array of float
        Weights.
    b : (F,) array of float
        Biases.
    stride : int
        Take every stride-th row and column, from the first.

    Returns
    -------
    out : (N, F, H', W') array of float
        With ``H' = (H - 1) // stride + 1``, and W' likewise.
    cache
        What ``conv1x1_backward`` needs.
    """
    ### BEGIN SOLUTION
    seen = x[:, :, ::stride, ::stride]
    out = np.tensordot(w[:, :, 0, 0], seen, axes=(1, 1)).transpose(1, 0, 2, 3)
    return out + b[:, None, None], (x, w, stride)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv1x1_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
x, w, b = (
    rng.standard_normal((2, 3, 5, 4)),
    rng.standard_normal((6, 3, 1, 1)),
    rng.standard_normal(6),
)
for stride in (1, 2, 3):
    out, _ = conv1x1_forward(x, w, b, stride)
    expected, _ = conv_forward_fast(x, w, b, {"stride": stride, "pad": 0})
    assert_close(
        out, expected, name=f"out with stride {stride}, compared to a general convolution,"
    )
print("✓ conv1x1_forward")


# %% nbgrader={"grade": false, "grade_id": "conv1x1_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv1x1_backward(dout, cache):
    """Return the gradients of ``conv1x1_forward``.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Gradient with respect to the output.
    cache
        What ``conv1x1_forward`` returned beside it.

    Returns
    -------
    dx : (N, C, H, W) array of float
    dw : (F, C, 1, 1) array of float
    db : (F,) array of float
    """
    ### BEGIN SOLUTION
    x, w, stride = cache
    seen = x[:, :, ::stride, ::stride]
    dw = np.tensordot(dout, seen, axes=((0, 2, 3), (0, 2, 3)))[:, :, None, None]
    dx = np.zeros_like(x)
    dx[:, :, ::stride, ::stride] = np.tensordot(w[:, :, 0, 0], dout, axes=(0, 1)).transpose(
        1, 0, 2, 3
    )
    return dx, dw, dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv1x1_backward", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, w, b = (
    rng.standard_normal((2, 3, 5, 4)),
    rng.standard_normal((6, 3, 1, 1)),
    rng.standard_normal(6),
)
for stride in (1, 2):
    out, kept = conv1x1_forward(x, w, b, stride)
    dout = rng.standard_normal(out.shape)
    gradients = conv1x1_backward(dout, kept)
    for k, (name, gradient) in enumerate(zip(("dx", "dw", "db"), gradients, strict=True)):

        def loss(array, place=k, weights=dout, step=stride):
            """Return the loss with one of x, w, b replaced."""
            arguments = [x, w, b]
            arguments[place] = array
            return np.sum(weights * conv1x1_forward(*arguments, step)[0])

        assert_gradient(loss, (x, w, b)[k], gradient, name=f"{name} with stride {stride}")
print("✓ conv1x1_backward")

# %% [markdown]
# ## 7. Global average pooling
#
# One number for each channel, its mean over all pixels: $\text{out}_{nc} = \frac{1}{HW} \sum_{ij}
# x_{ncij}$. It has no parameters, takes images of any size, and does away with what held most of
# AlexNet's and VGG's weights. (Its gradient spreads evenly. How much gets each pixel?)


# %% nbgrader={"grade": false, "grade_id": "global_avg_pool_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_avg_pool_forward(x):
    """Average every channel over all pixels.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Images.

    Returns
    -------
    out : (N, C) array of float
    cache
        What ``global_avg_pool_backward`` needs.
    """
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3)), x.shape
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_global_avg_pool_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x = np.arange(1.0, 13.0).reshape(1, 2, 3, 2)
out, _ = global_avg_pool_forward(x)
assert_close(out, [[3.5, 9.5]], name="the means of 1 to 6 and of 7 to 12")
print("✓ global_avg_pool_forward")


# %% nbgrader={"grade": false, "grade_id": "global_avg_pool_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_avg_pool_backward(dout, cache):
    """Return the gradient of ``global_avg_pool_forward``.

    Parameters
    ----------
    dout : (N, C) array of float
        Gradient with respect to the output.
    cache
        What ``global_avg_pool_forward`` returned beside it.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    height, width = cache[2:]
    return np.broadcast_to(dout[:, :, None, None] / (height * width), cache).copy()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_global_avg_pool_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, dout = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((2, 3))
_, kept = global_avg_pool_forward(x)
dx = global_avg_pool_backward(dout, kept)
assert_shape(dx, x.shape, name="dx")
assert_gradient(lambda x: np.sum(dout * global_avg_pool_forward(x)[0]), x, dx, name="dx")
print("✓ global_avg_pool_backward")

# %% [markdown]
# ## 8. The inception block
#
# Which window is best, 1×1, 3×3 or 5×5? GoogLeNet's answer: all of them, and the next layer may
# choose. Four branches get the same input, each keeps height and width, and their channels are
# concatenated. Wide windows on many channels are expensive, so a 1×1 convolution first reduces the
# channels: the picture in section 1 has it. After *every* convolution comes a ReLU.
#
# The way back rests on two facts from `backprop`: the gradient of a concatenation is **split** at
# the same places, and where a value went into several branches, their gradients **add up**.
#
# These helpers are a convolution that keeps height and width, followed by ReLU, and pooling with a
# window of 3×3 and stride 1:


# %%
def conv_forward(x, w, b, stride, pad):
    """Convolve: every window becomes a row, and all rows meet all filters in one product."""
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=x.dtype)
    padded[:, :, pad : pad + H, pad : pad + W] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (K, K), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    rows, columns = windows.shape[2:4]
    matrix = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, C * K * K)
    out = matrix @ w.reshape(F, -1).T
    out = out if b is None else out + b
    return out.reshape(N, rows, columns, F).transpose(0, 3, 1, 2), (matrix, w, x.shape, stride, pad)


def conv_backward(dout, cache):
    """Return dx, dw and db of ``conv_forward``."""
    matrix, w, (N, C, H, W), stride, pad = cache
    F, _, K, _ = w.shape
    rows, columns = dout.shape[2:]
    d = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    dwindows = (d @ w.reshape(F, -1)).reshape(N, rows, columns, C, K, K).transpose(0, 3, 1, 2, 4, 5)
    dpadded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=dwindows.dtype)
    for i in range(K):
        for j in range(K):
            down, right = (
                slice(i, i + stride * rows, stride),
                slice(j, j + stride * columns, stride),
            )
            dpadded[:, :, down, right] += dwindows[..., i, j]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    return dx, (d.T @ matrix).reshape(w.shape), d.sum(axis=0)


def conv_relu_forward(x, w, b):
    """Convolve with stride 1, padded so that height and width stay, and apply ReLU."""
    scores, conv_cache = conv_forward(x, w, b, 1, w.shape[-1] // 2)
    return np.maximum(scores, 0), (conv_cache, scores > 0)


def conv_relu_backward(dout, cache):
    """Return dx, dw and db of ``conv_relu_forward``."""
    conv_cache, positive = cache
    return conv_backward(dout * positive, conv_cache)


def pool3x3_forward(x):
    """Take the largest of each 3×3 neighbourhood, with stride 1."""
    border = ((0, 0), (0, 0), (1, 1), (1, 1))
    padded = np.pad(x, border, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    windows = windows.reshape(*x.shape, 9)
    return windows.max(axis=-1), windows.argmax(axis=-1)


def pool3x3_backward(dout, cache):
    """Return dx of ``pool3x3_forward``."""
    N, C, H, W = dout.shape
    dpadded = np.zeros((N, C, H + 2, W + 2), dtype=dout.dtype)
    for tap in range(9):
        i, j = divmod(tap, 3)
        dpadded[:, :, i : i + H, j : j + W] += dout * (cache == tap)
    return dpadded[:, :, 1:-1, 1:-1]


# %% [markdown]
# | branch | parameters | layers |
# |:--|:--|:--|
# | 1 | `w1, b1` | 1×1 |
# | 2 | `w3r, b3r`, `w3, b3` | 1×1 that reduces, 3×3 |
# | 3 | `w5r, b5r`, `w5, b5` | 1×1 that reduces, 5×5 |
# | 4 | `wp, bp` | pooling, 1×1 |
#
# The weights of a convolution of $F$ filters are `(F, C, k, k)`; the output has the channels of
# branch 1 first, then those of 2, 3 and 4.


# %% nbgrader={"grade": false, "grade_id": "inception_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def inception_forward(x, params):
    """Run four branches on the same input and concatenate their channels.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Images.
    params : dict of str to array
        ``w1 b1 w3r b3r w3 b3 w5r b5r w5 b5 wp bp``, as in the table above.

    Returns
    -------
    out : (N, F1 + F3 + F5 + Fp, H, W) array of float
    cache
        What ``inception_backward`` needs.
    """
    ### BEGIN SOLUTION
    p = params
    one, one_cache = conv_relu_forward(x, p["w1"], p["b1"])
    reduced, reduce3_cache = conv_relu_forward(x, p["w3r"], p["b3r"])
    three, three_cache = conv_relu_forward(reduced, p["w3"], p["b3"])
    reduced, reduce5_cache = conv_relu_forward(x, p["w5r"], p["b5r"])
    five, five_cache = conv_relu_forward(reduced, p["w5"], p["b5"])
    pooled, pool_cache = pool3x3_forward(x)
    last, last_cache = conv_relu_forward(pooled, p["wp"], p["bp"])
    ends = np.cumsum([len(p["b1"]), len(p["b3"]), len(p["b5"])])
    caches = (
        one_cache,
        reduce3_cache,
        three_cache,
        reduce5_cache,
        five_cache,
        pool_cache,
        last_cache,
    )
    return np.concatenate([one, three, five, last], axis=1), (ends, caches)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_inception_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def make_inception(rng, channels):
    """Return random parameters of an inception block with 2, 4, 3 and 1 output channels."""
    shapes = {
        **{"1": (2, channels, 1), "3r": (3, channels, 1), "3": (4, 3, 3)},
        **{"5r": (2, channels, 1), "5": (3, 2, 5), "p": (1, channels, 1)},
    }
    params = {}
    for name, (filters, depth, kernel) in shapes.items():
        params["w" + name] = rng.standard_normal((filters, depth, kernel, kernel)) * 0.7
        params["b" + name] = rng.standard_normal(filters) * 0.7
    return params


params, x = (
    make_inception(np.random.default_rng(3), 5),
    np.random.default_rng(4).normal(size=(2, 5, 6, 4)),
)
out, _ = inception_forward(x, params)
assert_shape(out, (2, 2 + 4 + 3 + 1, 6, 4), name="out")
assert out.min() >= 0, "out has negative values: every convolution is followed by ReLU"
one, _ = conv_relu_forward(x, params["w1"], params["b1"])
assert_close(out[:, :2], one, name="the channels of the first branch")
pooled, _ = conv_relu_forward(pool3x3_forward(x)[0], params["wp"], params["bp"])
assert_close(out[:, 9:], pooled, name="the channel of the last branch")
# With 1×1 weights of one and nothing but the centre of a window, the middle branches pass x on.
centre = {name: np.zeros_like(array) for name, array in params.items()}
centre["w3r"][:, 0], centre["w3"][:, 0, 1, 1] = 1, 2
centre["w5r"][:, 0], centre["w5"][:, 0, 2, 2] = 1, 3
out, _ = inception_forward(x, centre)
assert_close(out[:, 2], 2 * np.maximum(x[:, 0], 0), name="the 3×3 branch, made to double,")
assert_close(out[:, 6], 3 * np.maximum(x[:, 0], 0), name="the 5×5 branch, made to triple,")
print("✓ inception_forward")


# %% nbgrader={"grade": false, "grade_id": "inception_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def inception_backward(dout, cache):
    """Return the gradients of ``inception_forward``.

    Parameters
    ----------
    dout : (N, F1 + F3 + F5 + Fp, H, W) array of float
        Gradient with respect to the output.
    cache
        What ``inception_forward`` returned beside it.

    Returns
    -------
    dx : (N, C, H, W) array of float
    grads : dict of str to array
        Gradients with the keys and shapes of ``params``.
    """
    ### BEGIN SOLUTION
    ends, caches = cache
    one, reduce3, three, reduce5, five, pool_cache, last = caches
    done, dthree, dfive, dlast = np.split(dout, ends, axis=1)
    grads = {}
    dx, grads["w1"], grads["b1"] = conv_relu_backward(done, one)
    dreduced, grads["w3"], grads["b3"] = conv_relu_backward(dthree, three)
    dx3, grads["w3r"], grads["b3r"] = conv_relu_backward(dreduced, reduce3)
    dreduced, grads["w5"], grads["b5"] = conv_relu_backward(dfive, five)
    dx5, grads["w5r"], grads["b5r"] = conv_relu_backward(dreduced, reduce5)
    dpooled, grads["wp"], grads["bp"] = conv_relu_backward(dlast, last)
    return dx + dx3 + dx5 + pool3x3_backward(dpooled, pool_cache), grads
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_inception_backward", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def assert_block_gradients(forward, backward, x, params, **options):
    """Compare all gradients of a block to numerical ones."""
    out, kept = forward(x, params, **options)
    dout = np.random.default_rng(5).standard_normal(out.shape)
    dx, grads = backward(dout, kept)
    assert set(grads) == set(params), f"grads has the keys {sorted(grads)}, not those of params"
    assert_gradient(lambda x: np.sum(dout * forward(x, params, **options)[0]), x, dx, name="dx")
    for name in params:

        def loss(array, name=name):
            """Return the loss with one parameter replaced."""
            return np.sum(dout * forward(x, {**params, name: array}, **options)[0])

        assert_gradient(loss, params[name], grads[name], name=f'grads["{name}"]', samples=12)


params, x = (
    make_inception(np.random.default_rng(3), 5),
    np.random.default_rng(4).normal(size=(2, 5, 6, 4)),
)
assert_block_gradients(inception_forward, inception_backward, x, params)
print("✓ inception_backward")

# %% [markdown]
# What does the reduction save? The cell below counts inception 4e with and without it.
#
# **Predict before you run.** By which factor do the 1×1 reductions make the block cheaper?

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
block_shape = (528, 14, 14)
with_reduction = inception(256, 160, 320, 32, 128, 128)
without = branches(
    *([conv(256, 1)], [conv(320, 3, pad=1)], [conv(128, 5, pad=2)], [pool(3, 1, pad=1)]),
    join="concat",
)
for name, block in (("with reduction", with_reduction), ("without", without)):
    work = count_multiply_adds([block], block_shape) / 1e6
    channels = output_shapes([block], block_shape)[0][0]
    print(f"{name:15} {work:5.0f} million multiply-adds, {channels:4} channels come out")

# %% [markdown]
# Without the 1×1 after pooling, *all* input channels also leave the block again, so that it
# could only grow from block to block.
#
# ## 9. The residual block
#
# Take a network that works and add layers on top. It cannot become worse, one thinks: the new
# layers need only learn to pass their input on. In 2015 He et al. showed that it does become
# worse, *on the training data*. So it is not overfitting; the solution exists and gradient descent
# does not find it. It turned out to be hard to learn the identity with a stack of convolutions and
# ReLUs. So give it away for free, and learn the difference only:
#
# $$\text{out} = \mathrm{relu}\big(\, F(x) + x \,\big), \qquad
#   F(x) = \mathrm{bn}_2(w_2 * \mathrm{relu}(\mathrm{bn}_1(w_1 * x))) . \tag{6}$$
#
# With $F = 0$, the block passes its input on (if that comes from a ReLU). And where $F(x)$ has
# another shape than $x$, because of a stride or of other channels, the shortcut gets a
# **projection** $\mathrm{bn}_s(w_s * x)$ of its own, a 1×1 convolution with the same stride.
#
# **Your step** is the way back. Call the sum in (6) $z$. Then $dz = d\text{out} \cdot [z > 0]$, and
# $x$ went two ways:
#
# $$dx = \underbrace{\left(\frac{\partial F}{\partial x}\right)^{\!\top} dz}_{\text{through the
# convolutions}} + \;\boldsymbol{?} \tag{7}$$
#
# The second term is the whole secret. Follow it through a hundred blocks in your mind.
#
# Given is a convolution (padded by half its window) with batch normalisation, in training mode:


# %%
def norm_forward(x, gamma, beta):
    """Normalise every channel over images and pixels, in training mode."""
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    x_hat = (x - mean) / std
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, std, gamma)


def norm_backward(dout, cache):
    """Return dx, dgamma and dbeta of ``norm_forward``."""
    x_hat, std, gamma = cache
    dbeta, dgamma = dout.sum(axis=(0, 2, 3)), (dout * x_hat).sum(axis=(0, 2, 3))
    size = dout.size // len(gamma)
    centred = dout - dbeta[:, None, None] / size - x_hat * dgamma[:, None, None] / size
    return gamma[:, None, None] / std * centred, dgamma, dbeta


def conv_norm_forward(x, w, gamma, beta, stride=1):
    """Convolve without biases, padded by half the window, and normalise every channel."""
    scores, conv_cache = conv_forward(x, w, None, stride, w.shape[-1] // 2)
    out, norm_cache = norm_forward(scores, gamma, beta)
    return out, (conv_cache, norm_cache)


def conv_norm_backward(dout, cache):
    """Return dx, dw, dgamma and dbeta of ``conv_norm_forward``."""
    conv_cache, norm_cache = cache
    dscores, dgamma, dbeta = norm_backward(dout, norm_cache)
    dx, dw, _ = conv_backward(dscores, conv_cache)
    return dx, dw, dgamma, dbeta


# %% [markdown]
# The block takes a switch: with `shortcut=False` nothing is added, projection or not, and what
# remains is a plain block of two convolutions, the control group of our experiment. The stride, if
# any, is that of the first convolution and of the projection.


# %% nbgrader={"grade": false, "grade_id": "residual_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def residual_forward(x, params, stride=1, shortcut=True):
    """Compute a residual block of two 3×3 convolutions, as in (6).

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Images.
    params : dict of str to array
        ``w1`` (F, C, 3, 3), ``gamma1``, ``beta1`` (F,) of the first convolution, ``w2`` (F, F, 3, 3),
        ``gamma2``, ``beta2`` of the second. If the shortcut has a projection, also ``ws``
        (F, C, 1, 1), ``gammas`` and ``betas``.
    stride : int
        Stride of the first convolution and of the projection.
    shortcut : bool
        Whether to add the shortcut; without it, the block is a plain one.

    Returns
    -------
    out : (N, F, H', W') array of float
    cache
        What ``residual_backward`` needs.
    """
    ### BEGIN SOLUTION
    p = params
    hidden, first = conv_norm_forward(x, p["w1"], p["gamma1"], p["beta1"], stride)
    total, second = conv_norm_forward(np.maximum(hidden, 0), p["w2"], p["gamma2"], p["beta2"])
    projection = None
    if shortcut and "ws" in p:
        side, projection = conv_norm_forward(x, p["ws"], p["gammas"], p["betas"], stride)
        total = total + side
    elif shortcut:
        total = total + x
    cache = first, hidden > 0, second, total > 0, projection, shortcut
    return np.maximum(total, 0), cache
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_residual_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def make_block(rng, channels, widths, kernels, projected=False):
    """Return random parameters of a block with these widths and windows, layer by layer."""
    params, depth = {}, channels
    layers = [*zip("123", widths, kernels, strict=False)]
    layers += [("s", widths[-1], 1)] if projected else []
    for name, width, kernel in layers:
        depth = channels if name == "s" else depth
        scale = np.sqrt(2 / (depth * kernel**2))
        params["w" + name] = scale * rng.standard_normal((width, depth, kernel, kernel))
        params["gamma" + name] = 1 + 0.2 * rng.standard_normal(width)
        params["beta" + name] = 0.2 * rng.standard_normal(width)
        depth = width
    return params


params, x = (
    make_block(np.random.default_rng(6), 3, (3, 3), (3, 3)),
    np.random.default_rng(7).normal(size=(2, 3, 6, 5)),
)
# Without the second scale and shift F is 0: what remains is the shortcut and the last ReLU.
silent = {**params, "gamma2": np.zeros(3), "beta2": np.zeros(3)}
assert_close(residual_forward(x, silent)[0], np.maximum(x, 0), name="out of a block with F = 0")
assert_close(
    residual_forward(x, silent, shortcut=False)[0], np.zeros_like(x), name="the same, plain,"
)
shifted = {**silent, "beta2": np.array([0.5, -0.5, 2.0])}
expected = np.maximum(x + shifted["beta2"][:, None, None], 0)
assert_close(residual_forward(x, shifted)[0], expected, name="out, with the ReLU after the sum,")
wide = make_block(np.random.default_rng(8), 3, (4, 4), (3, 3), projected=True)
wide["gamma2"], wide["beta2"] = np.zeros(4), np.zeros(4)
side, _ = conv_norm_forward(x, wide["ws"], wide["gammas"], wide["betas"], 2)
out, _ = residual_forward(x, wide, stride=2)
assert_close(out, np.maximum(side, 0), name="out of a block that projects, with F = 0,")
print("✓ residual_forward")


# %% nbgrader={"grade": false, "grade_id": "residual_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def residual_backward(dout, cache):
    """Return the gradients of ``residual_forward``.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Gradient with respect to the output; not modified.
    cache
        What ``residual_forward`` returned beside it.

    Returns
    -------
    dx : (N, C, H, W) array of float
    grads : dict of str to array
        Gradients of the parameters that the block used, with their keys and shapes.
    """
    ### BEGIN SOLUTION
    first, hidden_positive, second, positive, projection, shortcut = cache
    grads = {}
    dtotal = dout * positive
    dhidden, grads["w2"], grads["gamma2"], grads["beta2"] = conv_norm_backward(dtotal, second)
    dx, grads["w1"], grads["gamma1"], grads["beta1"] = conv_norm_backward(
        dhidden * hidden_positive, first
    )
    if projection is not None:
        side, grads["ws"], grads["gammas"], grads["betas"] = conv_norm_backward(dtotal, projection)
        dx = dx + side
    elif shortcut:
        dx = dx + dtotal
    return dx, grads
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_residual_backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
x = np.random.default_rng(9).normal(size=(2, 3, 6, 5))
params = make_block(np.random.default_rng(10), 3, (3, 3), (3, 3))
assert_block_gradients(residual_forward, residual_backward, x, params)
assert_block_gradients(residual_forward, residual_backward, x, params, shortcut=False)
params = make_block(np.random.default_rng(11), 3, (4, 4), (3, 3), projected=True)
assert_block_gradients(residual_forward, residual_backward, x, params, stride=2)
print("✓ residual_backward")

# %% [markdown]
# ## 10. The bottleneck
#
# For 50 layers and more, two 3×3 convolutions on many channels are too dear. A bottleneck narrows
# to a quarter of the channels with a 1×1, does the 3×3 there, and widens again with a 1×1:
#
# $$F(x) = \mathrm{bn}_3(w_3 * \mathrm{relu}(\mathrm{bn}_2(w_2 * \mathrm{relu}(\mathrm{bn}_1(w_1 * x))))) .$$
#
# The stride is that of the first 1×1 (as in the paper) and of the projection. A 1×1 convolution is
# padded by half a pixel, rounded down: by nothing; so `conv_norm_forward` serves here, too.
#
# **Predict before you run.** A residual block of two 3×3 convolutions on 64 channels and a
# bottleneck that goes from 256 to 64 and back: which one needs more multiply-adds per pixel?


# %% nbgrader={"grade": false, "grade_id": "bottleneck_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bottleneck_forward(x, params, stride=1):
    """Compute a bottleneck block: 1×1, 3×3 and 1×1, the shortcut, and ReLU.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Images.
    params : dict of str to array
        ``w1`` (M, C, 1, 1), ``w2`` (M, M, 3, 3), ``w3`` (F, M, 1, 1), each with a ``gamma`` and a
        ``beta``; if the shortcut has a projection, also ``ws`` (F, C, 1, 1), ``gammas``, ``betas``.
    stride : int
        Stride of the first convolution and of the projection.

    Returns
    -------
    out : (N, F, H', W') array of float
    cache
        What ``bottleneck_backward`` needs.
    """
    ### BEGIN SOLUTION
    p = params
    narrow, first = conv_norm_forward(x, p["w1"], p["gamma1"], p["beta1"], stride)
    middle, second = conv_norm_forward(np.maximum(narrow, 0), p["w2"], p["gamma2"], p["beta2"])
    total, third = conv_norm_forward(np.maximum(middle, 0), p["w3"], p["gamma3"], p["beta3"])
    side, projection = x, None
    if "ws" in p:
        side, projection = conv_norm_forward(x, p["ws"], p["gammas"], p["betas"], stride)
    total = total + side
    caches = first, second, third, projection
    return np.maximum(total, 0), (caches, narrow > 0, middle > 0, total > 0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_bottleneck_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
x = np.random.default_rng(12).normal(size=(2, 4, 6, 5))
params = make_block(np.random.default_rng(13), 4, (2, 2, 4), (1, 3, 1))
silent = {**params, "gamma3": np.zeros(4), "beta3": np.zeros(4)}
assert_close(bottleneck_forward(x, silent)[0], np.maximum(x, 0), name="out of a block with F = 0")
hidden, _ = conv_norm_forward(x, params["w1"], params["gamma1"], params["beta1"])
hidden, _ = conv_norm_forward(
    np.maximum(hidden, 0), params["w2"], params["gamma2"], params["beta2"]
)
body, _ = conv_norm_forward(np.maximum(hidden, 0), params["w3"], params["gamma3"], params["beta3"])
assert_close(bottleneck_forward(x, params)[0], np.maximum(body + x, 0), name="out")
wide = make_block(np.random.default_rng(14), 4, (2, 2, 7), (1, 3, 1), projected=True)
assert_shape(bottleneck_forward(x, wide, stride=2)[0], (2, 7, 3, 3), name="out with stride 2")
print("✓ bottleneck_forward")


# %% nbgrader={"grade": false, "grade_id": "bottleneck_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bottleneck_backward(dout, cache):
    """Return the gradients of ``bottleneck_forward``.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Gradient with respect to the output.
    cache
        What ``bottleneck_forward`` returned beside it.

    Returns
    -------
    dx : (N, C, H, W) array of float
    grads : dict of str to array
        Gradients with the keys and shapes of ``params``.
    """
    ### BEGIN SOLUTION
    (first, second, third, projection), narrow_on, middle_on, total_on = cache
    grads = {}
    dtotal = dout * total_on
    dmiddle, grads["w3"], grads["gamma3"], grads["beta3"] = conv_norm_backward(dtotal, third)
    dnarrow, grads["w2"], grads["gamma2"], grads["beta2"] = conv_norm_backward(
        dmiddle * middle_on, second
    )
    dx, grads["w1"], grads["gamma1"], grads["beta1"] = conv_norm_backward(
        dnarrow * narrow_on, first
    )
    if projection is None:
        return dx + dtotal, grads
    side, grads["ws"], grads["gammas"], grads["betas"] = conv_norm_backward(dtotal, projection)
    return dx + side, grads
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_bottleneck_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
x = np.random.default_rng(15).normal(size=(2, 4, 6, 5))
params = make_block(np.random.default_rng(16), 4, (2, 2, 4), (1, 3, 1))
assert_block_gradients(bottleneck_forward, bottleneck_backward, x, params)
params = make_block(np.random.default_rng(17), 4, (2, 2, 7), (1, 3, 1), projected=True)
assert_block_gradients(bottleneck_forward, bottleneck_backward, x, params, stride=2)
print("✓ bottleneck_backward")

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
for name, block, channels in (
    ("two 3×3 on 64 channels", residual(64), 64),
    ("bottleneck, 256 to 64 to 256", bottleneck(64), 256),
    ("two 3×3 on 256 channels", residual(256), 256),
):
    print(f"{name:29} {count_multiply_adds([block], (channels, 1, 1)):9,} multiply-adds per pixel")

# %% [markdown]
# ## 11. Deeper and deeper: the experiment
#
# Now the experiment that changed the field, in miniature. Networks of 6, 14 and 26 layers, once
# plain and once with shortcuts; the same initialisation, batches, learning rates. They learn small
# versions (16×16) of just 64 training images, with eight channels: so few that a network that can
# be trained at all learns them by heart. We look at the **training** loss, as the paper did: nobody
# can call a high training loss overfitting.


# %% tags=["demo"]
def make_network(rng, num_blocks, channels=8):
    """Return a stem, a list of blocks and a classifier, initialised after He et al."""
    stem = make_block(rng, 3, (channels,), (3,))
    blocks = [make_block(rng, channels, (channels, channels), (3, 3)) for _ in range(num_blocks)]
    for params in (stem, *blocks):
        for name in params:
            if name[0] != "w":
                params[name] = np.full(channels, float(name.startswith("gamma")))
            params[name] = params[name].astype(np.float32)
    classifier = 0.1 * rng.standard_normal((channels, 10))
    return stem, blocks, {"w": classifier.astype(np.float32), "b": np.zeros(10, np.float32)}


def network_step(network, x, y, shortcut):
    """Return the loss, the gradients in the network's form, and the gradient norm at each block."""
    stem, blocks, classifier = network
    scores, stem_cache = conv_norm_forward(x, stem["w1"], stem["gamma1"], stem["beta1"], 2)
    hidden, caches = np.maximum(scores, 0), []
    for params in blocks:
        hidden, kept = residual_forward(hidden, params, shortcut=shortcut)
        caches.append(kept)
    features, pool_cache = global_avg_pool_forward(hidden)
    logits = features @ classifier["w"] + classifier["b"]
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    true = np.arange(len(y)), y
    dlogits = np.exp(log_p)
    dlogits[true] -= 1
    dlogits /= len(y)
    grads = [{"w": features.T @ dlogits, "b": dlogits.sum(axis=0)}]
    dhidden = global_avg_pool_backward(dlogits @ classifier["w"].T, pool_cache)
    norms = [np.linalg.norm(dhidden)]
    for kept in reversed(caches):
        dhidden, block_grads = residual_backward(dhidden.astype(np.float32), kept)
        grads.append(block_grads)
        norms.append(np.linalg.norm(dhidden))
    _, *stem_grads = conv_norm_backward((dhidden * (scores > 0)).astype(np.float32), stem_cache)
    grads.append(dict(zip(("w1", "gamma1", "beta1"), stem_grads, strict=True)))
    return -log_p[true].mean(), grads[::-1], norms[::-1]


def small_images(num=64):
    """Return normalised training images of 16×16 pixels, channels first, and labels."""
    data = load_dataset(num_training=num, num_validation=10, num_test=10)
    images = data.X_train.reshape(num, 16, 2, 16, 2, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    images = (images - images.mean(axis=0)) / images.std()
    return np.ascontiguousarray(images, dtype=np.float32), data.y_train


def train_network(num_blocks, shortcut, steps=80, batch_size=32, peak_rate=0.05):
    """Return the training losses of a network trained by SGD with momentum, and its first norms."""
    rng = np.random.default_rng(231)
    images, labels = small_images()
    network = make_network(rng, num_blocks)
    losses, first_norms, velocity = [], None, None
    for step in range(steps):
        chosen = rng.integers(len(images), size=batch_size)
        loss, grads, norms = network_step(network, images[chosen], labels[chosen], shortcut)
        losses.append(loss)
        first_norms = first_norms or norms
        rate = peak_rate * min(1, (step + 1) / 20) * (1 if step < 0.7 * steps else 0.2)
        stem, blocks, classifier = network
        parts = [stem, *blocks, classifier]
        if velocity is None:
            velocity = [dict.fromkeys(part, 0) for part in parts]
        for part, grad, speed in zip(parts, grads, velocity, strict=True):
            for name in part:
                speed[name] = 0.9 * speed[name] - rate * grad[name]
                part[name] += speed[name]
    return losses, first_norms


@cache
def experiment():
    """Return losses and first gradient norms by (layers, whether residual)."""
    runs = [(blocks, shortcut) for shortcut in (False, True) for blocks in (2, 6, 12)]
    return {
        (2 + 2 * blocks, shortcut): train_network(blocks, shortcut)
        for blocks, shortcut in progress(runs, "networks")
    }


# %% [markdown]
# **Predict before you run.** On the left, plain networks: which curve lies highest at the end, that
# of 6, 14 or 26 layers? And on the right, with shortcuts?

# %% tags=["demo"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.9), sharey=True, layout="constrained")
for axis, shortcut, title in ((axes[0], False, "Plain"), (axes[1], True, "Residual")):
    histories = {
        f"{layers} layers": losses
        for (layers, short), (losses, _) in experiment().items()
        if short == shortcut
    }
    plot_losses(histories, smooth=8, xlabel="step", ylabel="training loss", title=title, ax=axis)
    axis.axhline(np.log(10), color=MUTED, linestyle=":", linewidth=1)
_ = axes[0].set_ylim(top=2.6)

# %% [markdown]
# The dotted line is guessing. The final losses against depth make the point at a glance: where the
# plain curve climbs with depth, you see the **degradation**; compare what shortcuts make of it.

# %% tags=["demo"]
fig, axis = plt.subplots(figsize=(5.6, 3.5), layout="constrained")
for shortcut, label, marker in ((False, "plain", "o--"), (True, "residual", "s-")):
    found = {
        layers: np.mean(losses[-15:])
        for (layers, short), (losses, _) in experiment().items()
        if short == shortcut
    }
    axis.plot(found.keys(), found.values(), marker, color=COLORS[0 if shortcut else 1], linewidth=2)
    axis.annotate(
        f"  {label}",
        (26, found[26]),
        color=COLORS[0 if shortcut else 1],
        va="center",
        weight="bold",
    )
axis.set(xlabel="layers", ylabel="training loss, last 15 steps", xlim=(4, 33), xticks=[6, 14, 26])
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Why? Look at the gradient that arrives at each block of the network of 26 layers, in the very first
# step.
#
# **Predict before you run.** From the loss (right) to the image (left) a plain network multiplies
# the gradient with one Jacobian after the other; by (7) the residual one adds the gradient itself.
# What will the two look like on a logarithmic axis?

# %% tags=["demo"]
fig, axis = plt.subplots(figsize=(6.6, 3.5), layout="constrained")
for shortcut, label, marker in ((False, "plain", "o--"), (True, "residual", "s-")):
    norms = np.array(experiment()[26, shortcut][1])
    axis.semilogy(norms / norms[-1], marker, color=COLORS[0 if shortcut else 1], label=label)
axis.set(xlabel="block that the gradient arrives at", ylabel="its norm, relative to the last")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# A layer of batch normalisation keeps the activations in range, and does not keep gradients so: they
# change by a factor at each block, and factors multiply. In the residual network most of the
# gradient is handed on as it is, so that all blocks get gradients of more similar size and one
# learning rate suits more of them.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_degradation", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) Why is it neither overfitting nor a lack of capacity when the deeper plain network has the
# higher training loss? (b) The residual block ends with a ReLU *after* the sum. What would go wrong
# if the ReLU stood at the end of $F$, before the sum? (c) Some people set `gamma2` of every block
# to zero at the start. What does the network compute then, and what is the gradient?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_degradation", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# (a) Overfitting is a low training loss with a high validation loss; here the training loss itself
# is high. And the deeper network can express what the shallower can: copy its layers and let the
# others be the identity. So a solution at least as good exists, and SGD does not find it: a problem
# of optimisation.
#
# (b) $F$ would never be negative. Then blocks could only ever increase their input, and the
# activations would grow with depth; a block could not correct downwards.
#
# (c) $F = 0$ in every block, so each one passes its input (which comes from a ReLU, and is not
# negative) on unchanged. The deep network starts as a shallow one: stem, pooling, classifier. By
# (7), the gradient arrives at every block as it left the top. In the body, `gamma2` and `beta2` have
# a gradient from the first step, the convolutions only once `gamma2` is no longer zero.

# %% [markdown]
# ## 12. The timeline
#
# What did these ideas bring? First the best entry of each year of the ImageNet challenge (ILSVRC),
# from hand-made features to the last challenge, and the idea behind each; in blue, the networks of
# this notebook.
#
# **Predict before you run.** Between which two years did the error fall most, in points and as a
# ratio?

# %% tags=["demo"]
ENTRIES = [  # year, who, top-5 error in %, idea
    (2010, "NEC-UIUC", 28.2, "SIFT and LBP"),
    (2011, "XRCE", 25.8, "Fisher vectors"),
    (2012, "AlexNet", 15.3, "8 layers: ReLU, dropout,\ntwo GPUs"),
    (2013, "Clarifai", 11.7, "8 layers, better tuned"),
    (2014, "VGG (second)", 7.3, "19 layers, all 3×3"),
    (2014, "GoogLeNet", 6.7, "22 layers: 1×1,\ninception"),
    (2015, "ResNet", 3.57, "152 layers:\nshortcuts"),
    (2016, "Trimps-\nSoushen", 2.99, "many networks\naveraged"),
    (2017, "SENet", 2.25, "channels weighted\nby their content"),
]
fig, axis = plt.subplots(figsize=(11, 4.6), layout="constrained")
winners = [entry for entry in ENTRIES if "second" not in entry[1]]
axis.plot([e[0] for e in winners], [e[2] for e in winners], color=MUTED, linewidth=1)
axis.axhline(5.1, color=MUTED, linestyle=":", linewidth=1)
axis.text(2009.6, 5.4, "a person after 500 images of practice: 5.1", color=MUTED, fontsize=8)
for year, name, error, idea in ENTRIES:
    counted = name.split()[0] in ("AlexNet", "VGG", "GoogLeNet", "ResNet")
    axis.plot(year, error, "o", color=COLORS[0] if counted else MUTED, markersize=8)
    below = name == "GoogLeNet"  # of 2014, one goes below
    axis.annotate(
        f"{name}: {error:g}\n{idea}",
        (year, error),
        (-8, -6) if below else (7, 5),
        textcoords="offset points",
        ha="right" if below else "left",
        va="top" if below else "bottom",
        fontsize=8.5,
        color="black" if counted else MUTED,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )
axis.axvline(2011.5, ymin=0.9, color=MUTED, linewidth=0.8)
axis.text(2011.45, 33, "hand-made features", ha="right", va="center", color=MUTED)
axis.text(2011.55, 33, "convolutional networks", ha="left", va="center", color=MUTED)
axis.set(ylabel="top-5 error of the entry in %", ylim=(0, 35), xlim=(2009.5, 2018))
axis.set_xticks(range(2010, 2018))
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Sources: the challenge's result pages (2010, 2011, 2016, 2017), Szegedy et al., Table 2 (2012 to
# 2014), He et al., abstract (2015), Russakovsky et al., 2015, section 6.4 (the person; a second one,
# after 100 images of practice, had 12.0). These are entries: averages over several networks and many
# crops of each image. AlexNet's 15.3 was reached with further images of ImageNet, without them it
# was 16.4; Clarifai's 11.7 is without, and 11.2 with.
#
# Entries do not say what a network is worth that you can run. So here are single networks, on one
# crop of each validation image, at the cost that *your* functions count.
#
# **Predict before you run.** Bubbles have the area of the parameters. Which network will have the
# largest, and does the error fall as the bubbles grow?

# %% tags=["demo"]
TOP5 = {  # error in %, one network, one crop: torchvision's documentation
    "AlexNet": 20.9,
    "VGG-16": 9.6,
    "GoogLeNet": 10.5,
    "ResNet-18": 10.9,
    "ResNet-50": 7.1,
    "ResNet-152": 6.0,
}
fig, axis = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
for i, (name, error) in enumerate(TOP5.items()):
    parameters = count_parameters(*NETWORKS[name]) / 1e6
    work = count_multiply_adds(*NETWORKS[name]) / 1e9
    axis.scatter(work, error, s=12 * parameters, color=COLORS[i], alpha=0.75)
    offset = np.sqrt(12 * parameters / np.pi) + 6
    # Two pairs are close to each other: one label of each goes below its bubble.
    offset = -offset - 20 if name in ("ResNet-152", "GoogLeNet") else offset
    axis.annotate(
        f"{name}\n{parameters:.0f} M parameters",
        (work, error),
        (0, offset),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
    )
axis.set(xscale="log", xlim=(0.3, 40), ylim=(0, 25), xlabel="billion multiply-adds per image")
axis.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
axis.minorticks_off()
axis.set_ylabel("top-5 error in %")
axis.set_title("What it costs (area: parameters)", loc="left")
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# (torchvision trained its own: its AlexNet and GoogLeNet differ from the papers in details, and its
# ResNets have the stride of question 2.) Parameters do not order the errors: ResNet-50 has a fifth
# of VGG-16's parameters, does a quarter of its arithmetic, and errs less. What the winners have in
# common is depth, 8, 22 and 152 layers, and each step took an idea that made the depth affordable or
# trainable.
#
# ## Questions you may be asked in an interview
#
# **What is a 1×1 convolution for?** It changes the number of channels at little cost, mixes them,
# and adds a non-linearity. It is a fully connected layer applied to every pixel, so that a
# classifier can be turned into a fully convolutional network.
#
# **How many parameters and multiply-adds has a convolution, and on what does each depend?** Formula
# (2). Parameters do not depend on the image's size, multiply-adds grow with its area; stride reduces
# only the latter.
#
# **Why small windows in a stack instead of one large window?** Fewer parameters and multiply-adds
# for the same receptive field, and more non-linearities in between.
#
# **How do you compute a receptive field, and is it what a neuron really uses?** By (4). It is an
# upper bound: the *effective* field is a blob in its middle, since central pixels reach the neuron
# on many more paths.
#
# **What problem do residual connections solve?** Degradation: deeper plain networks train worse,
# though they could express what the shallower ones do. Shortcuts make the identity the starting
# point and let the gradient through unchanged. It is not, in the first place, vanishing gradients:
# batch normalisation keeps the activations in range in both networks.
#
# **When does a shortcut need a projection?** When shape changes: with a stride or another number of
# channels. Everywhere else the identity is as good and free.
#
# **Training runs out of memory. What helps, and what not?** Activations dominate, so: smaller
# batches, smaller images, half precision, or recomputing activations on the way back. Fewer
# parameters help little. At test time nothing has to be kept, and parameters dominate.
#
# **Is the network with fewer multiply-adds faster?** Not always. 1×1 and depthwise convolutions move
# many numbers for little arithmetic and are limited by memory; activations are often the better
# predictor. Measure.
#
# ## Read more
#
# - K. He, X. Zhang, S. Ren, J. Sun, [Deep residual learning for image
#   recognition](https://arxiv.org/abs/1512.03385), 2015: read section 1 and Figure 1 first.
# - C. Szegedy et al., [Going deeper with convolutions](https://arxiv.org/abs/1409.4842), 2014: with
#   the table that you now can check.
# - V. Sze, Y.-H. Chen, T.-J. Yang, J. Emer, [Efficient processing of deep neural
#   networks](https://arxiv.org/abs/1703.09039), 2017: what the arithmetic costs in hardware.
# - A. Araujo, W. Norris, J. Sim, [Computing receptive fields of convolutional neural
#   networks](https://distill.pub/2019/computing-receptive-fields/), 2019: with derivation and table.
