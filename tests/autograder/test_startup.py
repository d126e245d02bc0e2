from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autograder.startup import without_iri_grammar

NAME = "rfc3987_syntax"


def test_the_grammar_is_out_of_sight_within_and_as_it_was_afterwards() -> None:
    script = (
        "import sys\n"
        "from autograder.startup import without_iri_grammar\n"
        "with without_iri_grammar():\n"
        f"    try:\n        import {NAME}\n"
        "    except ImportError:\n        print('out of sight')\n"
        f"print('{NAME}' in sys.modules)\n"
        f"sys.modules['{NAME}'] = sys\n"
        "with without_iri_grammar():\n"
        f"    print(sys.modules['{NAME}'] is sys)\n"
        f"print(sys.modules['{NAME}'] is sys)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:4] == ["out of sight", "False", "True", "True"]


def test_an_error_within_leaves_nothing_behind() -> None:
    before = sys.modules.get(NAME)
    try:
        with without_iri_grammar():
            raise KeyError
    except KeyError:
        pass
    assert sys.modules.get(NAME) is before


def test_what_has_been_loaded_is_settled() -> None:
    script = (
        "import gc\n"
        "from autograder.startup import settle\n"
        "kept = [[] for _ in range(1000)]\n"
        "settle()\n"
        "print(gc.get_freeze_count() > 1000, gc.isenabled())\n"
        "loop = []\n"
        "loop.append(loop)\n"
        "del loop\n"
        "print(gc.collect() >= 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "True", "True"]


@pytest.mark.parametrize(("cores", "jobs", "threads"), [(2, 1, 2), (2, 2, 1), (2, 5, 1), (4, 2, 2)])
def test_blas_has_its_share_of_the_cores(cores: int, jobs: int, threads: int) -> None:
    script = (
        "import os, numpy\n"
        "from threadpoolctl import threadpool_info\n"
        "from autograder.startup import share_cores\n"
        f"os.cpu_count = lambda: {cores}\n"
        f"share_cores({jobs})\n"
        "print({lib['num_threads'] for lib in threadpool_info()})\n"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "7"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment,
    )
    assert done.stdout.strip() == f"{{{threads}}}"
