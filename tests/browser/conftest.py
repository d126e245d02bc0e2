"""A real browser, and Jupyter servers for it to look at."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "for-these-tests"  # noqa: S105
# All cells are in the page, whether they can be seen or not.
SETTINGS = {
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    "apputils-extension/notification": '{"fetchNews": "false"}',
}
PATIENCE = 120

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a screen; where there is none, the test is skipped and says so."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is installed")
    # Its own sandbox is not to be had as root; it opens nothing but our own pages here.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()


@dataclass
class Tab:
    """A page, and what went wrong in it."""

    page: Page
    problems: list[str]


@pytest.fixture
def open_tab(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """Open a page of a given size that keeps what its console complains about."""
    contexts = []

    def run(width: int = 1280, height: int = 900, **options: object) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        tab = Tab(context.new_page(), [])

        def told(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                tab.problems.append(f"{message.type}: {message.text}")

        tab.page.on("console", told)
        tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.page.on("requestfailed", lambda request: tab.problems.append(f"no {request.url}"))
        return tab

    yield run
    for number, context in enumerate(contexts):
        for page in context.pages:
            # Kept by pytest for the last runs: what the page looked like in the end.
            page.screenshot(path=tmp_path / f"end{number}.png")
        context.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Start JupyterLab in a folder, as its owner does; gives the address."""
    running: list[subprocess.Popen[bytes]] = []

    def run(folder: Path) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for name, text in SETTINGS.items():
            file = tmp_path / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        own = {
            "HOME": str(tmp_path / "home"),
            "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
            "JUPYTER_DATA_DIR": str(tmp_path / "data"),
            "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
            "CS231N_CACHE": os.environ.get("CS231N_CACHE", str(tmp_path / "cache")),
            "PATH": os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"])),
        }
        Path(own["HOME"]).mkdir(exist_ok=True)
        options = (
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        )
        log = tmp_path / f"jupyter{len(running)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                cwd=folder,
                env={**os.environ, **own},
                stdout=file,
                stderr=file,
            )
        running.append(process)
        address = f"http://127.0.0.1:{port}"
        patience = time.monotonic() + PATIENCE
        while not _answers(f"{address}/api?token={TOKEN}"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < patience, log.read_text()
            time.sleep(0.2)
        return address

    yield run
    for process in running:
        process.terminate()
    for process in running:
        process.wait(PATIENCE)


def until(
    condition: Callable[[], bool], act: Callable[[], object] = lambda: None, seconds: float = 15
) -> None:
    """Act until something outside the browser is so, again where the page took no notice.

    A person does the same on a busy machine. Without an act it is waited for.
    """
    patience = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < patience
        act()
        again = time.monotonic() + seconds
        while not condition() and time.monotonic() < again:
            time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
            return True
    except (urllib.error.URLError, OSError):
        return False
