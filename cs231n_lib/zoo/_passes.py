"""The forward and the backward pass through a chain of layers, in blocks on a few threads.

A *stage* is a run of consecutive steps in which a block of rows depends on the same rows only: a
depthwise convolution, the 1×1 convolution after it and that of the next block. A thread takes a
block through the whole stage while it is in its cache; threads meet between stages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cs231n_lib.fast_layers._threads import Scratch, run_blocks
from cs231n_lib.zoo._kernels import Workspace
from cs231n_lib.zoo._layer import Layer, Packed
from cs231n_lib.zoo._planes import Block, Border, FloatArray, Plane, Shape, cut_blocks

__all__ = ["Trace", "backward", "forward"]

# Parameter gradients are summed in so many parts, whatever the machine, to be the same on each.
PARTS = 4

_threads = threading.local()


@dataclass
class Trace:
    """What a forward pass leaves for the backward pass."""

    layers: Sequence[Layer]
    packed: dict[str, Packed]
    planes: dict[str, Plane]


@dataclass(frozen=True)
class _Step:
    """Some work on blocks of a plane of the given shape; `apart` if it needs all earlier blocks."""

    run: Callable[[Block, Workspace], None]
    shape: Shape
    channels: int
    apart: bool
    whole: bool = False


def _run_stages(steps: Iterable[_Step], count: int) -> None:
    """Run the steps for `count` images, as many of them together as possible."""
    stage: list[_Step] = []
    for step in steps:
        if stage and (
            step.apart
            or (step.shape.height, step.shape.width)
            != (stage[0].shape.height, stage[0].shape.width)
        ):
            _run_stage(stage, count)
            stage = []
        stage.append(step)
    if stage:
        _run_stage(stage, count)


def _own_scratch() -> Scratch:
    """Return this thread's work arrays, the same from stage to stage and from pass to pass."""
    if not hasattr(_threads, "scratch"):
        _threads.scratch = Scratch()
    scratch: Scratch = _threads.scratch
    return scratch


def _run_stage(stage: Sequence[_Step], count: int) -> None:
    height, width = stage[0].shape.height, stage[0].shape.width
    if any(step.whole for step in stage):
        blocks = [Block(slice(n, n + 1), slice(0, height)) for n in range(count)]
    else:
        blocks = cut_blocks(count, height, width, max(step.channels for step in stage))

    def compute(index: int, _: Scratch) -> None:
        work = _own_scratch()
        for step in stage:
            step.run(blocks[index], work)

    run_blocks(compute, len(blocks))


def forward(
    layers: Sequence[Layer],
    params: Mapping[str, FloatArray],
    images: FloatArray,
    keep: frozenset[str] | None,
) -> Trace:
    """Run images ``(N, C, H, W)`` through the layers.

    Of the outputs only those named in `keep` are in the result, or all if it is None.
    """
    count, channels, height, width = images.shape
    shapes = {"input": Shape(height, width, channels)}
    borders = {"input": Border()}
    last_use: dict[str, int] = {}
    for i, layer in enumerate(layers):
        source = shapes[layer.source]
        shapes[layer.name] = layer.output_shape(source, params)
        borders[layer.name] = Border()
        borders[layer.source] = borders[layer.source].union(layer.border(source))
        for name in (layer.source, layer.residual):
            if name is not None:
                last_use[name] = i
    trace = Trace(layers, {}, {})
    first = Plane(count, shapes["input"], borders["input"], images.dtype)
    np.copyto(first.inside, images.transpose(0, 2, 3, 1))
    trace.planes["input"] = first

    def steps() -> Iterable[_Step]:
        for i, layer in enumerate(layers):
            shape = shapes[layer.name]
            trace.packed[layer.name] = layer.pack(params, shape)
            trace.planes[layer.name] = Plane(count, shape, borders[layer.name], images.dtype)
            yield _forward_step(layer, trace)
            if keep is not None:
                # The stage that holds this step keeps its own hold on the planes it reads.
                for name in (layer.source, layer.residual):
                    if name is not None and name not in keep and last_use[name] == i:
                        trace.planes.pop(name, None)

    _run_stages(steps(), count)
    return trace


def _forward_step(layer: Layer, trace: Trace) -> _Step:
    source, out = trace.planes[layer.source], trace.planes[layer.name]
    residual = trace.planes[layer.residual] if layer.residual else None
    packed = trace.packed[layer.name]

    def run(block: Block, work: Workspace) -> None:
        layer.forward(packed, source, out, block, work)
        target = out.part(block)
        if residual is not None:
            np.add(target, residual.part(block), out=target)
        if layer.activation == "relu":
            np.maximum(target, 0, out=target)
        elif layer.activation == "relu6":
            np.clip(target, 0, 6, out=target)

    return _Step(run, out.shape, out.shape.channels, apart=not layer.pointwise)


def backward(
    trace: Trace,
    gradients: Mapping[str, FloatArray],
    parameters: frozenset[str],
    to_input: bool,
) -> tuple[FloatArray | None, dict[str, FloatArray]]:
    """Go back through the layers of a trace.

    `gradients` are those of a scalar with respect to some outputs, ``(N, H, W, C)``; they add up.
    Returned are its gradient with respect to the images, if wanted, and to those of the named
    parameters that it depends on.
    """
    planes = trace.planes
    wanted = [layer for layer in trace.layers if parameters & set(_parameter_names(layer))]
    position = {layer.name: i for i, layer in enumerate(trace.layers)} | {"input": -1}
    lowest = -1 if to_input else min((position[w.name] for w in wanted), default=len(position))
    grads: dict[str, Plane] = {}
    count = len(planes["input"].full)

    def plane(name: str) -> tuple[Plane, bool]:
        """Return the gradient of a layer's output, and whether something is in it already."""
        if name in grads:
            return grads[name], True
        border = trace.layers[position[name]].gradient_border if name != "input" else Border()
        like = planes[name]
        grads[name] = Plane(count, like.shape, border, like.full.dtype)
        return grads[name], False

    for name, gradient in gradients.items():
        np.copyto(plane(name)[0].inside, gradient)

    def steps() -> Iterable[_Step]:
        for layer in reversed(trace.layers):
            if layer.name not in grads or position[layer.name] < lowest:
                continue
            yield _activation_step(layer, planes[layer.name], grads[layer.name])
            if layer.residual is not None and position[layer.residual] >= lowest:
                yield _residual_step(grads[layer.name], *plane(layer.residual))
            if position[layer.source] >= lowest:
                yield _source_step(layer, trace, grads[layer.name], *plane(layer.source))

    _run_stages(steps(), count)
    sums = _parameter_gradients([w for w in wanted if w.name in grads], planes, grads)
    dx = grads["input"].inside if to_input else None
    return dx, {name: gradient for name, gradient in sums.items() if name in parameters}


def _parameter_names(layer: Layer) -> list[str]:
    return [f"{layer.name}.{parameter}" for parameter in layer.parameters]


def _activation_step(layer: Layer, out: Plane, grad: Plane) -> _Step:
    """Pass the gradient where the activation is not at one of its flat ends."""

    def run(block: Block, work: Workspace) -> None:
        if layer.activation is None:
            return
        values, dz = out.part(block), grad.part(block)
        mask = values > 0
        if layer.activation == "relu6":
            mask &= values < 6
        np.multiply(dz, mask, out=dz)

    return _Step(run, out.shape, out.shape.channels, apart=False)


def _residual_step(grad: Plane, target: Plane, add: bool) -> _Step:
    def run(block: Block, work: Workspace) -> None:
        part = target.part(block)
        if add:
            np.add(part, grad.part(block), out=part)
        else:
            np.copyto(part, grad.part(block))

    return _Step(run, target.shape, target.shape.channels, apart=False)


def _source_step(layer: Layer, trace: Trace, grad: Plane, target: Plane, add: bool) -> _Step:
    packed = trace.packed[layer.name]
    source, out = trace.planes[layer.source], trace.planes[layer.name]

    def run(block: Block, work: Workspace) -> None:
        part = target.part(block)
        if not add:
            layer.backward(packed, grad, source, out, part, block, work)
            return
        more = work.empty("more", part.shape, part.dtype)
        layer.backward(packed, grad, source, out, more, block, work)
        np.add(part, more, out=part)

    apart = not layer.pointwise
    return _Step(run, target.shape, target.shape.channels, apart=apart, whole=layer.whole)


def _parameter_gradients(
    layers: Sequence[Layer], planes: Mapping[str, Plane], grads: Mapping[str, Plane]
) -> dict[str, FloatArray]:
    """Return the gradients of all parameters of the layers, by name."""
    count = len(planes["input"].full)
    parts = min(count, PARTS)
    images = [slice(count * i // parts, count * (i + 1) // parts) for i in range(parts)]
    results: list[dict[str, FloatArray]] = [{} for _ in range(len(layers) * parts)]

    def compute(index: int, work: Workspace) -> None:
        layer = layers[index // parts]
        results[index] = layer.parameter_gradients(
            grads[layer.name], planes[layer.source], images[index % parts], work
        )

    run_blocks(compute, len(results))
    sums: dict[str, FloatArray] = {}
    for result in results:
        for name, gradient in result.items():
            sums[name] = sums[name] + gradient if name in sums else gradient
    return {name: np.ascontiguousarray(gradient) for name, gradient in sums.items()}
