"""Downloads from servers that this test runs on the local machine."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cs231n_lib import downloads
from cs231n_lib.downloads import DownloadError, fetch, registry

FOLDER = "tiny-set"


def make_archive(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


GOOD = make_archive({f"{FOLDER}/batch": b"numbers", f"{FOLDER}/meta": b"names"})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.path.strip("/")
        self.server.asked.append(kind)
        if kind == "gone":
            self.send_error(404)
            return
        body = {"wrong": b"<html>moved</html>"}.get(kind, self.server.archive)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "cut":
            self.wfile.write(body[: len(body) // 2])
        elif kind == "slow":
            for i in range(len(body)):
                if self.server.stop.wait(0.05):
                    return
                try:
                    self.wfile.write(body[i : i + 1])
                    self.wfile.flush()
                except OSError:
                    return
        else:
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.archive, server.stop = [], GOOD, threading.Event()
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.stop.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CS231N_DATA", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def mirrors(server, monkeypatch):
    """Return a function that makes the given kinds of mirror those of the download `tiny`."""

    def use(*kinds, archive=GOOD):
        server.archive = archive
        entry = downloads.Download(
            name="tiny",
            title="A tiny set",
            file="tiny.tar.gz",
            folder=FOLDER,
            bytes=len(archive),
            sha256=hashlib.sha256(archive).hexdigest(),
            urls=tuple(f"http://127.0.0.1:{server.server_port}/{kind}" for kind in kinds),
            homepage="https://example.org",
            citation="nobody",
        )
        monkeypatch.setattr(downloads, "registry", lambda: {"tiny": entry})
        return server.asked

    return use


def contents(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetches_once(mirrors, cache):
    asked = mirrors("good")
    folder = fetch("tiny")
    assert folder == cache / FOLDER
    assert contents(folder) == ["batch", "meta"]
    assert contents(cache) == [FOLDER]
    assert fetch("tiny") == folder
    assert asked == ["good"]


def test_mirrors_in_turn(mirrors, cache):
    asked = mirrors("gone", "wrong", "cut", "good", "never")
    assert contents(fetch("tiny")) == ["batch", "meta"]
    assert asked == ["gone", "wrong", "cut", "good"]
    assert contents(cache) == [FOLDER]


def test_no_mirror_works(mirrors, cache):
    mirrors("gone", "wrong")
    with pytest.raises(DownloadError) as caught:
        fetch("tiny")
    message = str(caught.value)
    assert "the server answered 404" in message
    assert "SHA-256 differs" in message
    assert "CS231N_DATA" in message
    assert "\n" not in message
    assert contents(cache) == []


def test_no_connection(mirrors, cache, server):
    mirrors("good")
    entry = downloads.registry()["tiny"]
    object.__setattr__(entry, "urls", ("http://127.0.0.1:1/good",))
    with pytest.raises(DownloadError, match="connection error"):
        fetch("tiny")


def test_crawling_mirror_is_left_for_the_next(mirrors, cache, monkeypatch):
    # Larger than a block that the client reads at once, and not compressible.
    noise = hashlib.shake_256(b"noise").digest(40_000)
    asked = mirrors("slow", "good", archive=make_archive({f"{FOLDER}/batch": noise}))
    monkeypatch.setattr(downloads, "_PATIENCE", 0.1)
    monkeypatch.setattr(downloads, "_CHUNK", 4)
    start = time.monotonic()
    assert contents(fetch("tiny")) == ["batch"]
    assert asked == ["slow", "good"]
    assert time.monotonic() - start < 20


def test_interruption_leaves_nothing(mirrors, cache, monkeypatch):
    mirrors("good")

    def interrupt(self, number):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads._Bar, "update", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch("tiny")
    assert contents(cache) == []
    assert contents(fetch("tiny")) == ["batch", "meta"]


def test_what_a_killed_run_left_is_removed(mirrors, cache):
    mirrors("good")
    old = cache / ".tiny-abc"
    old.mkdir(parents=True)
    (old / "part").write_bytes(b"x")
    os.utime(old, (0, 0))
    young = cache / ".tiny-def"
    young.mkdir()
    fetch("tiny")
    assert contents(cache) == [".tiny-def", FOLDER]


def test_archives_that_lead_outside(mirrors, cache, tmp_path):
    mirrors("good", archive=make_archive({f"{FOLDER}/a": b"", "../../harmed": b"x"}))
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        fetch("tiny")
    assert not (tmp_path / "harmed").exists()
    assert contents(cache) == []


def test_archives_of_something_else(mirrors, cache):
    mirrors("good", archive=make_archive({"other/a": b""}))
    with pytest.raises(DownloadError, match=f"holds no folder {FOLDER}"):
        fetch("tiny")
    mirrors("good", archive=b"not an archive")
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        fetch("tiny")


def test_offline_archive(mirrors, cache, tmp_path, monkeypatch):
    asked = mirrors("good")
    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"neither a folder tiny-set nor a file tiny\.tar"):
        fetch("tiny")
    (tmp_path / "tiny.tar.gz").write_bytes(b"damaged")
    with pytest.raises(DownloadError, match="is not the official file"):
        fetch("tiny")
    (tmp_path / "tiny.tar.gz").write_bytes(GOOD)
    assert fetch("tiny") == cache / FOLDER
    assert fetch("tiny") == cache / FOLDER
    assert asked == []


def test_folder_that_cannot_be_written(mirrors, cache):
    mirrors("good")
    cache.write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="set CS231N_CACHE to another folder"):
        fetch("tiny")


def test_unknown_name():
    with pytest.raises(ValueError, match="no download called 'mnist', expected one of"):
        fetch("mnist")


def test_registry_is_complete():
    for name, entry in registry().items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        assert entry.bytes > 0
        assert all(url.startswith("https://") for url in entry.urls)
        assert len(entry.urls) >= 2
