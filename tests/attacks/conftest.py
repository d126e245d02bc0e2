"""One course with canaries, one warm sandbox of each mechanism, and the corpus as parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("attack_harness")

from attack_harness import CORPUS, Witness, read_attacks  # noqa: E402 - found by the line above
from attack_planting import Planted, plant  # noqa: E402

import autograder.backends  # noqa: E402
from autograder.sandbox import Mechanism, Zygote, mechanisms  # noqa: E402

USABLE = [mechanism for mechanism in mechanisms() if mechanism.problem() is None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each file of the corpus."""
    for name, folder in (("attack", CORPUS), ("notebook_attack", CORPUS / "notebooks")):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, read_attacks(folder), ids=lambda attack: attack.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a sandbox."""
    for item in items:
        if "mechanism" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The tiny course with a canary in everything that nobody may see."""
    with pytest.MonkeyPatch.context() as patch, plant(tmp_path_factory.mktemp("c") / "course") as p:
        # The corpus hangs on purpose while defining; that this ends is tested, not how patiently.
        patch.setattr(autograder.backends, "DEFINE_SECONDS", 1.5)
        yield p


@pytest.fixture(scope="session", params=USABLE, ids=lambda mechanism: mechanism.name)
def mechanism(request: pytest.FixtureRequest) -> Mechanism:
    """Each sandbox of this machine."""
    chosen: Mechanism = request.param
    return chosen


@pytest.fixture(scope="session")
def zygote(mechanism: Mechanism, planted: Planted) -> Iterator[Zygote]:
    """One warm process for all attacks: what one leaves behind, the next would meet."""
    with Zygote(mechanism, hidden=(planted.root,)) as started:
        yield started


@pytest.fixture(scope="session")
def witness(planted: Planted, zygote: Zygote) -> Witness:
    """Sees how everything is before the first attack."""
    return Witness(planted, zygote)
