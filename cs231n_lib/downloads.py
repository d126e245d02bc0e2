"""Downloads that are checked: a registry of files, mirrors tried in turn, nothing half done."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cs231n_lib.paths import cache_folder, data_file
from cs231n_lib.progress import progress_bar

if TYPE_CHECKING:
    import requests

__all__ = ["Download", "DownloadError", "fetch", "find", "registry"]

_PATIENCE = 20.0
"""Seconds after which a mirror's speed is judged."""
_SLOW = 150_000
"""Bytes a second below which the next mirror is tried: CIFAR-10 would take twenty minutes."""

_CHUNK = 1 << 16


class DownloadError(RuntimeError):
    """A file could not be downloaded or unpacked; the message says why and what to do."""


class _TooSlowError(Exception):
    """A mirror is so slow that another one deserves a try."""


@dataclass(frozen=True)
class Download:
    """An archive in the registry.

    Parameters
    ----------
    name : str
        What it is called on the command line.
    title : str
        What it is, in a line.
    file, folder : str
        Name of the archive, and of the folder that it unpacks to.
    bytes : int
        Size of the archive.
    sha256 : str
        Its checksum.
    urls : tuple of str
        Where it is, tried in turn.
    homepage, citation : str
        Where it comes from, and whose work it is.
    """

    name: str
    title: str
    file: str
    folder: str
    bytes: int
    sha256: str
    urls: tuple[str, ...]
    homepage: str
    citation: str


def registry() -> dict[str, Download]:
    """Return what can be downloaded, by name, as ``data/registry.toml`` lists it.

    Examples
    --------
    >>> registry()["cifar10"].file
    'cifar-10-python.tar.gz'
    """
    entries = tomllib.loads(data_file("registry.toml").read_text(encoding="utf-8"))
    fields = set(Download.__dataclass_fields__) - {"name"}
    return {
        name: Download(
            name=name,
            **{key: entry[key] for key in fields - {"urls"}},
            urls=tuple(entry["urls"]),
        )
        for name, entry in entries.items()
    }


def find(download: Download) -> Path | None:
    """Return the unpacked folder of a download if it is on this machine, else None.

    With the environment variable ``CS231N_DATA`` set, nothing is looked for elsewhere: it names
    the unpacked folder, or one that holds it or the archive (which is then unpacked to the cache).

    Raises
    ------
    FileNotFoundError
        If ``CS231N_DATA`` is set and holds neither.
    DownloadError
        If the archive found there is not the right one, or cannot be unpacked.
    """
    cached = cache_folder() / download.folder
    offline = os.environ.get("CS231N_DATA")
    if not offline:
        return cached if cached.is_dir() else None
    given = Path(offline).expanduser()
    for folder in (given, given / download.folder):
        if folder.name == download.folder and folder.is_dir():
            return folder
    archive = given / download.file
    if archive.is_file():
        if cached.is_dir():
            return cached
        _verify(archive, download)
        return _unpack(archive, download)
    raise FileNotFoundError(
        f"CS231N_DATA is {offline}, but there is neither a folder {download.folder} nor a file "
        f"{download.file}: put one of them there, or unset CS231N_DATA to download it"
    )


def fetch(name: str, *, quiet: bool = False) -> Path:
    """Return the unpacked folder of a download, downloading it if it is not on this machine.

    The archive is downloaded with a progress bar to a temporary file, its SHA-256 is compared, and
    it is unpacked to a temporary folder that takes its final name only when it is complete.
    Whatever interrupts this leaves nothing behind that a later call could mistake for the data.

    Parameters
    ----------
    name : str
        One of :func:`registry`.
    quiet : bool
        Whether to show no progress bar.

    Raises
    ------
    ValueError
        If there is no such name.
    FileNotFoundError
        If ``CS231N_DATA`` is set and does not hold the data.
    DownloadError
        If no mirror delivers the file, or it cannot be unpacked.
    """
    known = registry()
    if name not in known:
        raise ValueError(f"there is no download called {name!r}, expected one of {sorted(known)}")
    download = known[name]
    found = find(download)
    if found is not None:
        return found
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        for leftover in cache_folder().glob(f".{download.name}-*"):
            # Of a run that was killed; one that is still at work is younger than that.
            if time.time() - leftover.stat().st_mtime > 6 * 3600:
                shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{download.name}-", dir=cache_folder()
        ) as scratch:
            return _unpack(_first_that_delivers(download, Path(scratch), quiet), download)
    except OSError as error:
        raise DownloadError(
            f"{download.file} could not be saved in {cache_folder()} ({error}): free some space or "
            "set CS231N_CACHE to another folder"
        ) from error


def _first_that_delivers(download: Download, folder: Path, quiet: bool) -> Path:
    """Download from the first mirror that works; of slow ones, the last is waited for."""
    # Imported here: data that is on this machine needs no network client, which takes 20 MB.
    import pooch
    import requests

    failures = []
    for number, url in enumerate(download.urls, start=1):
        host = urlsplit(url).hostname or url
        last = number == len(download.urls)
        try:
            with _quiet_pooch(), _Bar(download, host, quiet=quiet, patient=last) as bar:
                fetched = pooch.retrieve(
                    url,
                    known_hash=f"sha256:{download.sha256}",
                    fname=download.file,
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=_CHUNK, timeout=30),
                )
            return Path(fetched)
        except _TooSlowError as error:
            failures.append(f"{host}: {error}")
        except requests.RequestException as error:
            failures.append(f"{host}: {_reason(error)}")
        except ValueError:  # what pooch raises where the checksum differs
            failures.append(f"{host}: what came is not the file (its SHA-256 differs)")
    raise DownloadError(
        f"{download.file} could not be downloaded ({'; '.join(failures)}): try again later, or "
        f"download it from {download.homepage} and set CS231N_DATA to the folder it is in"
    )


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code}"
    # Its own text runs over lines of nested causes; its name says what matters.
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


class _Bar:
    """The progress of one download, in the form pooch wants; gives up on a crawling server."""

    def __init__(self, download: Download, host: str, *, quiet: bool, patient: bool) -> None:
        self.total = download.bytes
        self._patient = patient
        self._received = 0
        self._start = time.monotonic()
        options = {"unit": "B", "unit_scale": True, "unit_divisor": 1000}
        if quiet:
            options["disable"] = True
        self._bar = progress_bar(
            download.bytes, f"{download.file} from {host}", leave=False, **options
        )

    def update(self, number: int) -> None:
        self._bar.update(number)
        self._received += number
        seconds = time.monotonic() - self._start
        if not self._patient and seconds > _PATIENCE and self._received < _SLOW * seconds:
            raise _TooSlowError(f"only {self._received / seconds / 1000:.0f} kB/s")

    def reset(self) -> None:
        """Do nothing: pooch rewinds a bar to full at the end, and ours knows its total."""

    def close(self) -> None:
        self._bar.close()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch from announcing what the progress bar shows."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _verify(archive: Path, download: Download) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != download.sha256:
        raise DownloadError(
            f"{archive} is not the official file (SHA-256 {found[:12]}…, expected "
            f"{download.sha256[:12]}…): download it again"
        )


def _unpack(archive: Path, download: Download) -> Path:
    """Unpack to a temporary folder and rename it when it is complete."""
    target = cache_folder() / download.folder
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{download.name}-", dir=cache_folder()
        ) as scratch:
            with tarfile.open(archive) as tar:
                # The filter refuses absolute paths, links that lead outside, and devices.
                tar.extractall(scratch, filter="data")
            unpacked = Path(scratch) / download.folder
            if not unpacked.is_dir():
                raise DownloadError(f"{archive.name} holds no folder {download.folder}")
            if not target.is_dir():
                _rename(unpacked, target)
    except (tarfile.TarError, EOFError) as error:
        raise DownloadError(f"{archive.name} cannot be unpacked: {error}") from error
    return target


def _rename(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError:
        # Another process may have been faster; then the data is there all the same.
        if not target.is_dir():
            raise
