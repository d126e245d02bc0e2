from __future__ import annotations

import imageio.v3 as iio
import numpy as np
from click.testing import CliRunner

from cs231n_lib.scenes import CLASS_NAMES, make_classification
from cs231n_lib.scenes.__main__ import main


def test_a_page_has_a_row_per_class(tmp_path):
    result = CliRunner().invoke(main, [str(tmp_path / "page.png"), "--seed", "3"])
    assert result.exit_code == 0, result.output
    page = iio.imread(tmp_path / "page.png")
    assert page.shape == (10 * 68 - 4, 14 * 68 - 4, 3)
    images, labels = make_classification(140, np.random.default_rng(3))
    for row in range(len(CLASS_NAMES)):
        first = images[np.flatnonzero(labels == row)[0]]
        np.testing.assert_array_equal(page[68 * row : 68 * row + 64 : 2, 0:64:2], first)


def test_a_page_of_scenes_tells_their_captions(tmp_path):
    result = CliRunner().invoke(main, [str(tmp_path / "page.png"), "--scenes"])
    assert result.exit_code == 0, result.output
    assert iio.imread(tmp_path / "page.png").shape == (3 * 196 - 4, 4 * 196 - 4, 3)
    assert len(result.output.strip().splitlines()) == 12
