"""Look at a machine as a teaching assistant would: what is fine, what to do about the rest.

Each check returns findings; ``cs231n doctor`` prints them.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from packaging.requirements import Requirement

from cs231n_lib import downloads
from cs231n_lib.datasets import default_name
from cs231n_lib.paths import cache_folder, data_folder

__all__ = ["CHECKS", "Finding", "examine"]

_DISTRIBUTIONS = ("cs231n-companion", "cs231n-lib")
"""What installs the library: the whole project, or what students get of it."""
_SLOW_BLAS = 3.0
"""Billions of operations a second: any real BLAS on one core does several times as many."""
_SPACE = 1_000_000_000
_MEMORY = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    topic : str
        What was looked at, in a word or two.
    status : {"fine", "note", "to do"}
        Whether it is as it should be, worth knowing, or in need of attention.
    detail : str
        What was found.
    remedy : str
        What to do about it; empty if nothing.
    """

    topic: str
    status: Literal["fine", "note", "to do"]
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Run all checks and return what they found, in their order."""
    return [finding for check in CHECKS for finding in check()]


def check_python() -> list[Finding]:
    """Name the Python that is running; one that is too old could not import this."""
    return [Finding("Python", "fine", f"{platform.python_version()} at {sys.executable}")]


def check_packages() -> list[Finding]:
    """Check that every package the library needs is there, in a version that will do."""
    own = _installed()
    if own is None:
        remedy = "python -m pip install -e . in the folder of the course"
        return [Finding("Packages", "to do", "cs231n_lib is not installed", remedy)]
    needed = importlib.metadata.requires(own) or []
    wrong, wanted, count = [], [], 0
    for requirement in map(Requirement, needed):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            wanted.append(f'"{requirement.name}{requirement.specifier}"')
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, needed is {requirement.specifier}")
            wanted.append(f'"{requirement.name}{requirement.specifier}"')
    if wrong:
        remedy = f"{sys.executable} -m pip install {' '.join(wanted)}"
        return [Finding("Packages", "to do", "; ".join(wrong), remedy)]
    return [Finding("Packages", "fine", f"all {count} are there, NumPy {np.__version__}")]


def _installed() -> str | None:
    """Return the name of the distribution that installed this library, if any did."""
    for name in _DISTRIBUTIONS:
        try:
            importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return name
    return None


def check_blas() -> list[Finding]:
    """Check that matrix products are fast, and how many threads they may use."""
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    name = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    speed = _product_speed()
    if speed < _SLOW_BLAS:
        remedy = "python -m pip install --force-reinstall numpy, which brings OpenBLAS along"
        detail = f"{name}: only {speed:.1f} billion operations a second"
        findings = [Finding("BLAS", "to do", detail, remedy)]
    else:
        findings = [Finding("BLAS", "fine", f"{name}, {speed:.0f} billion operations a second")]
    return findings + _threads()


def check_memory() -> list[Finding]:
    """Check that there is memory for the notebooks."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return []
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if total < _MEMORY:
        remedy = "close other programs; the largest notebooks need 2 GB"
        return [Finding("Memory", "note", f"{total / 1e9:.1f} GB", remedy)]
    return [Finding("Memory", "fine", f"{total / 1e9:.1f} GB")]


def check_data() -> list[Finding]:
    """Check the data that comes along, the cache folder, and what can be downloaded."""
    findings = []
    try:
        findings.append(Finding("Own data", "fine", str(data_folder())))
    except FileNotFoundError as error:
        findings.append(Finding("Own data", "to do", str(error), "install the package again"))
        return findings
    findings.append(_cache())
    try:
        wanted = default_name()
        findings.append(Finding("Dataset", "fine", f"{wanted} is used here"))
    except ValueError as error:
        wanted = ""
        remedy = "correct the name, or unset it for the default"
        findings.append(Finding("Dataset", "to do", str(error), remedy))
    for name, download in downloads.registry().items():
        size = f"{download.bytes / 1e6:.0f} MB"
        try:
            found = downloads.find(download)
        except (FileNotFoundError, downloads.DownloadError) as error:
            fact, _, remedy = str(error).partition(": ")
            findings.append(Finding(name, "to do", fact, remedy))
            continue
        if found is not None:
            findings.append(Finding(name, "fine", str(found)))
        elif wanted == name:
            remedy = f"cs231n data fetch {name} ({size})"
            findings.append(Finding(name, "to do", "is used here but not on this machine", remedy))
        else:
            remedy = f"cs231n data fetch {name} ({size}), if your course uses it"
            findings.append(Finding(name, "note", "not on this machine", remedy))
    return findings


def check_kernel() -> list[Finding]:
    """Check that Jupyter's Python kernel is one that finds the library."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return [Finding("Jupyter", "to do", "there is no kernel called python3", remedy)]
    program = spec.argv[0] if spec.argv else ""
    # Jupyter takes these names to mean the Python that it runs on itself.
    if Path(program).name == program and program.startswith("python"):
        program = sys.executable
    problem = _import_problem(program)
    if problem:
        detail = f"the kernel python3 runs {program or 'nothing'}, where {problem}"
        return [Finding("Jupyter", "to do", detail, remedy)]
    return [Finding("Jupyter", "fine", f"the kernel python3 runs {program}")]


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    check_python,
    check_packages,
    check_blas,
    check_memory,
    check_data,
    check_kernel,
)
"""The checks of :func:`examine`, in order."""


def _product_speed() -> float:
    """Return the speed of a float32 matrix product in billions of operations a second."""
    size = 768
    a = np.ones((size, size), np.float32)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def _threads() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    given = {name: os.environ[name] for name in names if os.environ.get(name)}
    said = ", ".join(f"{name}={value}" for name, value in given.items())
    for name, value in given.items():
        if not value.isdigit() or not 1 <= int(value) <= cores:
            detail = f"{name} is {value!r}, but this process may use {cores} cores"
            return [
                Finding(
                    "Threads",
                    "to do",
                    detail,
                    f"unset {name}, or set it to a number from 1 to {cores}",
                )
            ]
    return [Finding("Threads", "fine", f"{cores} cores" + (f", {said}" if said else ""))]


def _cache() -> Finding:
    folder = cache_folder()
    remedy = "set CS231N_CACHE to a folder that you may write to"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("Cache", "to do", f"{folder} cannot be written to: {error.strerror}", remedy)
    free = shutil.disk_usage(folder).free
    if free < _SPACE:
        remedy = "make room, or set CS231N_CACHE to a folder on another disk"
        return Finding("Cache", "to do", f"{folder}: only {free / 1e6:.0f} MB are free", remedy)
    return Finding("Cache", "fine", f"{folder}, {free / 1e9:.0f} GB free")


def _import_problem(program: str) -> str:
    """Return what keeps a Python from running the notebooks, or an empty string."""
    if not program or shutil.which(program) is None:
        return "there is no program"
    command = [program, "-c", "import ipykernel, numpy, cs231n_lib"]
    try:
        # The program is the one that Jupyter would run.
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not start ({error})"
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return f"the library does not import ({lines[-1] if lines else done.returncode})"
