"""Where files are: those that come with the library, and those it keeps for the user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "data_file", "data_folder"]


def data_folder() -> Path:
    """Return the folder of data that comes with the library.

    Inside the installed package that is ``cs231n_lib/_data``, in a checkout ``data/`` beside it.

    Raises
    ------
    FileNotFoundError
        If neither is there: the installation is not complete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data", package.parent / "data"):
        if (folder / "registry.toml").is_file():
            return folder
    raise FileNotFoundError(
        f"the data that comes with cs231n_lib is not at {package / '_data'}: install it again"
    )


def data_file(name: str) -> Path:
    """Return the path of a file that comes with the library, such as ``"registry.toml"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = data_folder() / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {name!r} in {data_folder()}")
    return path


def cache_folder() -> Path:
    """Return the folder for what can be downloaded or computed again; it may not exist yet.

    That is ``CS231N_CACHE`` where this environment variable is set, else where the operating
    system keeps such things, for example ``~/.cache/cs231n``.
    """
    folder = os.environ.get("CS231N_CACHE")
    return Path(folder).expanduser() if folder else platformdirs.user_cache_path("cs231n")
