"""What the plots show; how they look was judged by eye."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle

from cs231n_lib import plots
from cs231n_lib.plots.curves import smoothed
from cs231n_lib.plots.pixels import as_images, label_texts, rescaled
from cs231n_lib.plots.style import COLORS, RIGHT, WRONG, styled
from cs231n_lib.plots.timings import format_seconds

NAMES = ("plane", "car", "bird")
CURVE = [3.0, 2.0, 1.5, 1.2]


class Run:
    loss_history = CURVE
    train_acc_history = (0.1, 0.4, 0.6)
    val_acc_history = (0.1, 0.5, 0.3)


@pytest.fixture(autouse=True)
def _close():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)


def drawn(result):
    """Draw a figure, which must go without a warning, and return its axes."""
    figure, axes = result
    figure.canvas.draw()
    return axes


def texts(axes):
    return [text.get_text() for text in axes.texts]


def frames(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def node(data, grad=None, parents=(), operation=""):
    return SimpleNamespace(data=data, grad=grad, parents=parents, operation=operation)


def diamond():
    """(x + y) * (x + y + y), where x is an array, y is shared, and one wire is longer."""
    x, y = node(np.ones((2, 3)), np.full((2, 3), 2.0)), node(-3.0, 0.25)
    total = node(np.full((2, 3), -2.0), np.zeros((2, 3)), (x, y), "+")
    more = node(np.full((2, 3), -5.0), np.zeros((2, 3)), (total, y), "+")
    return node(np.full((2, 3), 10.0), np.ones((2, 3)), (total, more), "*")


EVERY = {
    "show_images": lambda im: plots.show_images(im),
    "show_class_examples": lambda im: plots.show_class_examples(im, np.arange(12) % 3, NAMES),
    "show_neighbours": lambda im: plots.show_neighbours(im[:2], im.reshape(2, 6, 8, 8, 3)),
    "show_templates": lambda im: plots.show_templates(
        im.reshape(12, -1).T[:, :3].astype(float), NAMES, (8, 8, 3)
    ),
    "show_filters": lambda im: plots.show_filters(im.transpose(0, 3, 1, 2) - 100.0),
    "show_boxes": lambda im: plots.show_boxes(im[0], [[1, 1, 5, 5]]),
    "show_class_maps": lambda im: plots.show_class_maps(im, np.zeros((12, 8, 8), int) + 1, NAMES),
    "show_saliency": lambda im: plots.show_saliency(im, im.mean(axis=3)),
    "show_graph": lambda im: plots.show_graph(diamond()),
    "plot_distance_matrix": lambda im: plots.plot_distance_matrix(np.arange(12.0).reshape(3, 4)),
    "plot_cross_validation": lambda im: plots.plot_cross_validation({1: [0.1, 0.2], 3: [0.3]}),
    "plot_search": lambda im: plots.plot_search({(1e-3, 1.0): (0.3, 0.2), (1e-2, 2.0): (0.4, 0.1)}),
    "plot_times": lambda im: plots.plot_times({"loops": 2.0, "vectorised": 0.001}),
    "plot_losses": lambda im: plots.plot_losses(CURVE),
    "plot_accuracies": lambda im: plots.plot_accuracies({"training": [0.1, 0.2]}),
    "plot_training": lambda im: plots.plot_training(Run()),
    "plot_layer_histograms": lambda im: plots.plot_layer_histograms([im[0], im[1]]),
    "plot_trajectories": lambda im: plots.plot_trajectories(
        lambda x, y: x**2 + y**2, {"sgd": [[1.0, 1.0], [0.5, 0.5]]}
    ),
    "plot_decision_regions": lambda im: plots.plot_decision_regions(
        lambda p: (p[:, 0] > 0).astype(int), [[-1.0, 0.0], [1.0, 2.0]], [0, 1]
    ),
    "plot_embedding": lambda im: plots.plot_embedding(im[:, 0, 0, :2] / 255.0, images=im),
}


@pytest.mark.parametrize("name", plots.__all__)
def test_every_plot_draws_without_a_warning(name, images):
    figure, axes = EVERY[name](images)
    figure.canvas.draw()
    assert axes is not None
    assert plt.get_fignums() == [figure.number]


def test_colours_differ_in_lightness():
    def lightness(color):
        r, g, b = (v**2.2 for v in mpl.colors.to_rgb(color))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    assert len(set(COLORS)) == 10
    assert abs(lightness(RIGHT) - lightness(WRONG)) > 0.05


class TestPixels:
    def test_layouts_agree(self, images):
        expected = images / np.float32(255)
        for same in (images, images.transpose(0, 3, 1, 2), images.reshape(12, -1), expected):
            np.testing.assert_allclose(as_images(same), expected, rtol=1e-6)
        grey = as_images(images[..., 0])
        np.testing.assert_allclose(grey[..., 2], images[..., 0] / 255, rtol=1e-6)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (np.zeros((2, 7)), r"images must have shape .* got \(2, 7\)"),
            (np.full((1, 4, 4, 3), -5.0), "values from -5 to -5: add the mean image again"),
            (np.full((1, 4, 4, 3), 300), "values from 300 to 300"),
            (np.full((1, 4, 4, 3), np.nan), "values from nan to nan"),
            (np.zeros((0, 4, 4, 3)), "images is empty"),
            (["a"], "must be an array of pixel values"),
        ],
    )
    def test_what_is_no_image(self, bad, message):
        with pytest.raises(ValueError, match=message):
            plots.show_images(bad)

    def test_rescaled(self):
        w = np.array([[-1.0, 0.0, 3.0], [2.0, 2.0, 2.0]])
        np.testing.assert_allclose(rescaled(w), [[0, 0.25, 1], [0.5, 0.5, 0.5]])
        np.testing.assert_allclose(rescaled(w, symmetric=True)[0], [1 / 3, 0.5, 1])
        assert (rescaled(np.zeros((1, 3)), symmetric=True) == 0.5).all()

    def test_labels(self):
        assert label_texts(np.array([2, 0]), NAMES, 2) == ["bird", "plane"]
        assert label_texts(["x", "y"], NAMES, 2) == ["x", "y"]
        with pytest.raises(ValueError, match="labels has 1 entries for 2 images"):
            label_texts([1], NAMES, 2)
        with pytest.raises(ValueError, match="has the label 3, but there are 3 names"):
            label_texts([3], NAMES, 1)


class TestSheets:
    def test_predictions_are_marked_right_and_wrong(self, images):
        axes = drawn(
            plots.show_images(images[:3], [0, 1, 2], class_names=NAMES, predictions=[0, 2, 2])
        )
        assert texts(axes) == ["✓ plane", "✗ bird", "(car)", "✓ bird"]
        solid, dashed, _ = frames(axes)
        assert to_hex(solid.get_edgecolor()).upper() == RIGHT
        assert to_hex(dashed.get_edgecolor()).upper() == WRONG
        assert solid.get_linestyle() != dashed.get_linestyle()
        with pytest.raises(ValueError, match="predictions need labels"):
            plots.show_images(images, predictions=[0] * 12)

    def test_images_are_where_they_belong(self, images):
        axes = drawn(plots.show_images(images[:6], columns=3))
        shown = axes.get_images()
        assert len(shown) == 6
        left, right, bottom, top = shown[4].get_extent()
        # Enlarged by a whole number, close to the inch asked for.
        assert (right - left, bottom - top) == (96, 96)
        assert shown[3].get_extent()[0] < left < shown[5].get_extent()[0]
        assert shown[1].get_extent()[3] < top
        np.testing.assert_allclose(shown[4].get_array(), images[4] / 255, rtol=1e-6)

    def test_large_images_are_reduced(self):
        axes = drawn(plots.show_images(np.zeros((1, 300, 600))))
        left, right, bottom, top = axes.get_images()[0].get_extent()
        assert (right - left, bottom - top) == (100, 50)

    def test_long_names_are_written_small(self, images):
        names = ["a", "a name as long as this one"]
        axes = drawn(plots.show_images(images[:2], [0, 1], class_names=names))
        short, long = (text.get_fontsize() for text in axes.texts)
        assert 6 <= long < short

    @pytest.mark.parametrize(("number", "columns"), [(1, 1), (20, 7), (16, 8), (100, 10)])
    def test_grid(self, number, columns):
        axes = drawn(plots.show_images(np.zeros((number, 4, 4))))
        assert len({image.get_extent()[0] for image in axes.get_images()}) == columns

    def test_a_column_per_class(self, images, rng):
        y = np.array([0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2])
        axes = drawn(plots.show_class_examples(images, y, NAMES, per_class=3, rng=rng))
        assert texts(axes) == list(NAMES)
        shown = [image.get_array() for image in axes.get_images()]
        assert len(shown) == 9
        for k, picture in enumerate(shown):
            matches = [i for i in range(12) if np.allclose(images[i] / 255, picture, rtol=1e-5)]
            assert [y[i] for i in matches] == ([] if k % 3 == 1 else [k % 3])
        with pytest.raises(ValueError, match="X has 12 images but y has 11 labels"):
            plots.show_class_examples(images, y[1:], NAMES)

    def test_neighbours(self, images):
        axes = drawn(
            plots.show_neighbours(
                images[:2],
                images[2:8].reshape(2, 3, 8, 8, 3),
                [0, 1],
                [[0, 1, 2], [2, 1, 0]],
                class_names=NAMES,
                distances=[[1, 2, 3.5], [1234.5, 5, 6]],
            )
        )
        assert len(axes.get_images()) == 8
        for text in ("query", "nearest", "2.", "✓ plane", "1", "✗ bird", "3.5", "1,234"):
            assert text in texts(axes)
        assert len(frames(axes)) == 6
        with pytest.raises(ValueError, match=r"shape \(Q, K, \.\.\.\) with Q = 2"):
            plots.show_neighbours(images[:2], images[:3])
        with pytest.raises(ValueError, match=r"distances must have shape \(2, 3\)"):
            plots.show_neighbours(images[:2], images[:6].reshape(2, 3, 8, 8, 3), distances=[1])

    def test_templates(self):
        W = np.zeros((49, 3))
        with pytest.raises(ValueError, match=r"got \(49, 3\): pass W\[:-1\], without the bias row"):
            plots.show_templates(W, NAMES, (4, 4, 3))
        W[5, 1] = 2.0
        axes = drawn(plots.show_templates(W[:-1], NAMES, (4, 4, 3)))
        assert texts(axes) == list(NAMES)
        np.testing.assert_array_equal(axes.get_images()[1].get_array().ravel()[[5, 6]], [1, 0])

    def test_filters(self, rng):
        assert len(drawn(plots.show_filters(rng.standard_normal((5, 3, 3, 3)))).get_images()) == 5
        assert len(drawn(plots.show_filters(rng.standard_normal((5, 2, 3, 3)))).get_images()) == 10
        with pytest.raises(ValueError, match=r"shape \(F, C, HH, WW\), got \(5, 3\)"):
            plots.show_filters(np.zeros((5, 3)))


class TestCurves:
    def test_smoothing_against_its_formula(self, rng):
        v = rng.standard_normal(40)
        beta = 1 - 1 / 7
        for t, value in enumerate(smoothed(v, 7)):
            weights = beta ** np.arange(t, -1, -1)
            assert value == pytest.approx(np.average(v[: t + 1], weights=weights))
        np.testing.assert_array_equal(smoothed(v, 1), v)
        with pytest.raises(ValueError, match="window must be at least 1, got 0"):
            smoothed(v, 0)

    def test_losses_in_every_form(self):
        assert len(drawn(plots.plot_losses(CURVE)).lines) == 1
        assert len(drawn(plots.plot_losses([CURVE, CURVE[:2]])).lines) == 2
        axes = drawn(plots.plot_losses({"a": CURVE, "b": np.array(CURVE)}, smooth=2, log=True))
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
        assert len(axes.lines) == 4
        assert axes.get_yscale() == "log"

    def test_a_run_that_diverged_ends_with_a_cross(self):
        axes = drawn(plots.plot_losses([2.0, 1.0, 5.0, np.inf, np.nan], smooth=1))
        assert [line.get_marker() for line in axes.lines] == ["None", "X"]
        assert axes.lines[1].get_xdata() == 3

    def test_expected_start(self):
        axes = drawn(plots.plot_losses(CURVE, expected_start=np.log(10)))
        assert texts(axes) == ["2.30"]

    @pytest.mark.parametrize("empty", [[], {}, {"a": []}, [[]]])
    def test_nothing_to_plot(self, empty):
        with pytest.raises(ValueError, match=r"non-empty list|is empty"):
            plots.plot_losses(empty)

    def test_accuracies_name_their_best(self):
        axes = drawn(
            plots.plot_accuracies({"training": [0.2, 0.9], "validation": [0.4, 0.3]}, target=0.5)
        )
        legend = [text.get_text() for text in axes.get_legend().get_texts()]
        assert legend == ["training (best 90.0%)", "validation (best 40.0%)", "target 50%"]
        with pytest.raises(ValueError, match="x has 3 values but 'a' has 2"):
            plots.plot_accuracies({"a": [1, 2]}, x=[1, 2, 3])

    def test_drawn_where_told(self):
        figure, own = plt.subplots()
        assert plots.plot_losses(CURVE, ax=own) == (figure, own)

    def test_training(self):
        left, right = drawn(plots.plot_training({"a": Run(), "b": Run()}))
        assert left.get_ylabel() == "loss"
        assert "a: validation, best 50.0%" in [t.get_text() for t in right.get_legend().get_texts()]
        empty = Run()
        empty.loss_history = []
        with pytest.raises(ValueError, match="call train"):
            plots.plot_training(empty)

    def test_histograms(self):
        axes = drawn(plots.plot_layer_histograms({"a": [1.0, 3.0, np.nan], "b": np.zeros(3)}))
        assert axes[0].get_title(loc="left") == "a\n2 ± 1\n1 not finite"
        with pytest.raises(ValueError, match="at least one finite value"):
            plots.plot_layer_histograms([[np.nan]])


class TestSelection:
    def test_cross_validation_marks_the_best(self):
        folds = {10: [0.28, 0.30], 1: [0.2, 0.22], 3: [0.25, 0.35]}
        axes = drawn(plots.plot_cross_validation(folds))
        assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "3", "10"]
        legend = [text.get_text() for text in axes.get_legend().get_texts()]
        assert "best k = 3: 30.0% ± 7.1%" in legend
        with pytest.raises(ValueError, match="at least one choice"):
            plots.plot_cross_validation({})

    def test_distance_matrix(self):
        plots.plot_distance_matrix(np.zeros((2, 3)))[0].canvas.draw()
        with pytest.raises(ValueError, match=r"shape \(num_test, num_train\), got \(3,\)"):
            plots.plot_distance_matrix([1, 2, 3])

    def test_search(self):
        results = {(1e-3, 1.0): (0.3, 0.2), (1e-2, 2.0): (0.25, 0.22), (1.0, 3.0): (np.nan, np.nan)}
        left, right = drawn(plots.plot_search(results))
        assert right.get_title(loc="left") == "validation: 22.0% at the star"
        assert left.get_xscale() == right.get_yscale() == "log"
        with pytest.raises(ValueError, match="above 0"):
            plots.plot_search({(0.0, 1.0): (0.1, 0.1)})
        with pytest.raises(ValueError, match="results must map"):
            plots.plot_search({(1.0, 1.0): (0.1, 0.1, 0.1)})
        with pytest.raises(ValueError, match="results is empty"):
            plots.plot_search({})

    def test_times(self):
        axes = drawn(plots.plot_times({"two loops": 22.5, "no loops": 0.12}))
        assert texts(axes) == ["22.5 s", "120 ms  (188× faster)"]
        axes = drawn(plots.plot_times({"a": 2.0, "b": 0.0013, "c": 0.002001}))
        assert texts(axes) == ["2 s", "1.3 ms  (1,540× faster)", "2 ms  (1,000× faster)"]
        assert axes.get_xscale() == "log"
        assert drawn(plots.plot_times({"a": 1.0, "b": 2.0})).get_xscale() == "linear"
        with pytest.raises(ValueError, match="seconds above 0"):
            plots.plot_times({"a": 0.0})

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(3e-9, "3 ns"), (4.2e-5, "42 µs"), (1, "1 s"), (119, "119 s"), (0, "0")],
    )
    def test_seconds(self, seconds, text):
        assert format_seconds(seconds) == text


class TestPlane:
    def test_trajectory_that_blows_up(self):
        path = [[1.0, 1.0], [-2.0, 3.0], [np.inf, 0.0], [np.nan, 1.0]]
        axes = drawn(plots.plot_trajectories(lambda x, y: x**2, {"a": path}, minimum=(0, 0)))
        assert len(axes.lines[0].get_xdata()) == 2
        for bad in ({}, {"a": [1, 2]}, {"a": [[np.nan, 1.0]]}):
            with pytest.raises(ValueError, match="paths"):
                plots.plot_trajectories(lambda x, y: x, bad)

    def test_scores_and_labels_give_the_same_regions(self):
        X, y = np.array([[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0]]), np.array([0, 1, 0])
        by_label = drawn(plots.plot_decision_regions(lambda p: p[:, 0] > 0, X, y))
        by_score = drawn(
            plots.plot_decision_regions(lambda p: np.stack([-p[:, 0], p[:, 0]], 1), X, y)
        )
        np.testing.assert_array_equal(
            *(a.get_images()[0].get_array() for a in (by_label, by_score))
        )
        rings = by_label.collections[0].get_edgecolors()
        np.testing.assert_array_equal(rings[:, 0], [1.0, 0.0])  # white, and black for the wrong one

    def test_what_does_not_fit(self):
        with pytest.raises(ValueError, match=r"X and y must have shapes \(N, 2\) and \(N,\)"):
            plots.plot_decision_regions(len, np.zeros((2, 3)), [0, 1])
        with pytest.raises(ValueError, match="y must hold whole numbers from 0"):
            plots.plot_decision_regions(len, np.zeros((2, 2)), [0.5, 1])
        with pytest.raises(ValueError, match="predict must return"):
            plots.plot_decision_regions(lambda p: 1, np.eye(2), [0, 1])

    def test_thumbnails_do_not_cover_each_other(self, images):
        points = np.array([[0.0, 0.0], [0.001, 0.0], [1.0, 1.0]])
        axes = drawn(plots.plot_embedding(points, [0, 1, 0], images=images[:3], class_names=NAMES))
        assert len(axes.get_images()) == 2
        with pytest.raises(ValueError, match="there are 2 images for 3 points"):
            plots.plot_embedding(points, images=images[:2])
        with pytest.raises(ValueError, match=r"points must have shape \(N, 2\), got \(3, 3\)"):
            plots.plot_embedding(np.zeros((3, 3)))


class TestOverlays:
    def test_boxes(self, images):
        axes = drawn(
            plots.show_boxes(
                images[0],
                [[1, 2, 5, 6], [0, 0, 3, 3]],
                [1, 1],
                class_names=NAMES,
                scores=[0.5, 0.25],
                truth=[[1, 1, 2, 2]],
            )
        )
        assert texts(axes) == ["car 0.50", "car 0.25"]
        assert (1, 2, 4, 4) in [(*p.get_xy(), p.get_width(), p.get_height()) for p in frames(axes)]
        assert not frames(drawn(plots.show_boxes(images[0].transpose(2, 0, 1), [])))

    def test_masks_tint_their_pixels_only(self, images):
        mask = np.zeros((1, 8, 8), bool)
        mask[0, 2:4, 5] = True
        shown = drawn(plots.show_boxes(images[0], [[0, 0, 8, 8]], masks=mask)).get_images()[0]
        changed = np.abs(shown.get_array() - images[0] / 255).max(axis=2) > 1e-3
        np.testing.assert_array_equal(changed, mask[0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"boxes": [[1, 2, 3]]}, r"boxes must have shape \(K, 4\)"),
            ({"masks": np.zeros((2, 8, 8))}, r"masks must have shape \(1, 8, 8\)"),
            ({"scores": [1, 2]}, r"scores must have shape \(1,\)"),
            ({"labels": [1, 2]}, "labels has 2 entries"),
        ],
    )
    def test_boxes_that_do_not_fit(self, images, options, message):
        with pytest.raises(ValueError, match=message):
            plots.show_boxes(images[0], **{"boxes": [[0, 0, 1, 1]], **options})

    def test_class_maps(self, images):
        maps = np.zeros((12, 8, 8), int)
        maps[:, 0] = 2
        figure, axes = plots.show_class_maps(images, maps, NAMES, predictions=maps)
        figure.canvas.draw()
        assert texts(axes) == ["image", "truth", "prediction"]
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bird"]
        assert len(axes.get_images()) == 36
        with pytest.raises(ValueError, match="classes run from 0 to 3"):
            plots.show_class_maps(images, maps + np.eye(8, dtype=int), NAMES)
        with pytest.raises(ValueError, match="must be whole numbers of shape"):
            plots.show_class_maps(images, maps[0], NAMES)

    def test_saliency(self, images):
        maps = np.zeros((12, 8, 8))
        maps[:, 3, 4] = 7.0
        axes = drawn(plots.show_saliency(images, maps, np.arange(12) % 3, class_names=NAMES))
        assert texts(axes)[:3] == list(NAMES)
        brightness = axes.get_images()[12].get_array().sum(axis=2)
        assert np.unravel_index(brightness.argmax(), (8, 8)) == (3, 4)
        with pytest.raises(ValueError, match=r"saliency must have shape \(12, 8, 8\)"):
            plots.show_saliency(images, maps[0])


def test_interactive_mode_that_a_backend_turns_on_stays_on():
    """A notebook's backend turns it on with the first figure; without it later ones do not show."""

    @styled
    def first_plot():
        mpl.interactive(True)

    before = mpl.is_interactive()
    try:
        mpl.interactive(False)
        first_plot()
        assert mpl.is_interactive()
    finally:
        mpl.interactive(before)


class TestGraph:
    def boxes(self, axes):
        found = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
        return [box.get_window_extent(axes.figure.canvas.get_renderer()) for box in found]

    def test_every_node_once_with_value_and_gradient(self):
        axes = drawn(plots.show_graph(diamond()))
        assert len(self.boxes(axes)) == 5
        written = texts(axes)
        assert written.count("+") == 2
        assert written.count("*") == 1
        assert written.count("2×3") == 4
        assert {"−3", "∂ 0.25", "|∂| 4.9", "value", "∂  gradient of the output"} <= set(written)

    def test_a_wire_for_every_input(self):
        axes = drawn(plots.show_graph(diamond()))
        wires = [p for p in axes.patches if isinstance(p, PathPatch)]
        assert len(wires) == 6
        ends = {tuple(np.round(wire.get_path().vertices[-1], 6)) for wire in wires}
        assert len(ends) == 6

    def test_the_same_input_twice_has_two_wires(self):
        x = node(3.0)
        axes = drawn(plots.show_graph(node(9.0, parents=(x, x), operation="*")))
        assert len([p for p in axes.patches if isinstance(p, PathPatch)]) == 2

    def test_boxes_keep_apart(self):
        boxes = self.boxes(drawn(plots.show_graph(diamond())))
        overlaps = [a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]]
        assert not any(overlaps)

    def test_inputs_are_left_of_what_they_are_used_for(self):
        output = diamond()
        axes = drawn(plots.show_graph(output, {"out": output, "x": output.parents[0].parents[0]}))
        x = {text.get_text(): text.get_position()[0] for text in axes.texts}
        assert x["x"] < x["out = *"]

    def test_numbers_fit_into_their_boxes(self):
        numbers = [-5.43e-17, -1.234e150, 0.123456, 12345.678, 0.0]
        axes = drawn(plots.show_graph(node(1.0, parents=[node(number) for number in numbers])))
        assert {"−5e−17", "−1e+150", "0.123", "1e+04", "0"} <= set(texts(axes))

    def test_without_gradients_none_are_shown(self):
        axes = drawn(plots.show_graph(node(2.0, parents=(node(1.0),), operation="exp")))
        assert not any("∂" in text for text in texts(axes))

    def test_a_deep_graph_is_refused_and_not_recursed_into(self):
        deep = node(0.0)
        for _ in range(5000):
            deep = node(0.0, parents=(deep,), operation="exp")
        with pytest.raises(ValueError, match="more than 200 nodes"):
            plots.show_graph(deep)

    def test_a_cycle_is_refused(self):
        loop = node(0.0, operation="+")
        loop.parents = (node(1.0, parents=(loop,), operation="exp"),)
        with pytest.raises(ValueError, match="leads back to itself"):
            plots.show_graph(loop)
