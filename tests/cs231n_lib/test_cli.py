from __future__ import annotations

import importlib.metadata
import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from cs231n_lib import doctor, downloads
from cs231n_lib.cli import main


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("CS231N_DATA", "CS231N_DATASET", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()
    return lambda *words: runner.invoke(main, list(words), prog_name="cs231n")


@pytest.fixture
def healthy(monkeypatch):
    """Leave out what depends on the machine that tests run on."""
    monkeypatch.setattr(doctor, "_product_speed", lambda: 40.0)
    monkeypatch.setattr(doctor, "_import_problem", lambda program: "")


@pytest.mark.parametrize("words", [(), ("doctor",), ("data",), ("data", "list"), ("data", "fetch")])
def test_help_shows_an_example(run, words):
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example:\n" in result.output
    assert "cs231n " in result.output.split("Example:")[1]


@pytest.mark.parametrize("words", [(), ("data",)])
def test_without_a_command(run, words):
    result = run(*words)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: cs231n")


def test_version(run):
    assert run("--version").output.startswith("cs231n, version ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nope",), "cs231n: no such command 'nope'; see cs231n --help"),
        (("doctor", "--loud"), "cs231n doctor: no such option '--loud'; see cs231n doctor --help"),
        (("data", "fetch"), "cs231n data fetch: missing argument 'NAME'; see"),
        (
            ("data", "fetch", "mnist"),
            "cs231n data fetch: there is no dataset 'mnist', expected one of scenes, cifar10; see",
        ),
    ],
)
def test_bad_input_is_one_sentence(run, words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_list(run, tmp_path, monkeypatch):
    output = run("data", "list").output
    assert "scenes" in output
    assert "not on this machine: cs231n data fetch cifar10" in output
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    assert str(folder) in run("data", "list").output
    folder.rmdir()
    result = run("data", "list")
    assert result.exit_code == 0
    assert "but there is neither" in result.output


def test_fetch(run, tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    result = run("data", "fetch", "cifar10")
    assert (result.exit_code, result.output) == (0, f"cifar10: {folder}\n")
    folder.rmdir()
    result = run("data", "fetch", "cifar10")
    assert result.exit_code == 1
    assert result.stderr.startswith("cs231n: CS231N_DATA is ")


def test_fetch_that_fails(run, monkeypatch):
    def fail(name):
        raise downloads.DownloadError("no mirror answers")

    monkeypatch.setattr(downloads, "fetch", fail)
    result = run("data", "fetch", "cifar10")
    assert (result.exit_code, result.stderr) == (1, "cs231n: no mirror answers\n")


def test_interrupted(run, monkeypatch):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "fetch", interrupt)
    result = run("data", "fetch", "cifar10")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr


def test_healthy_machine(run, healthy):
    result = run("doctor")
    assert result.exit_code == 0
    assert "to do" not in result.output
    assert result.output.endswith("Ready: open a notebook with `jupyter lab`.\n")
    assert "scenes is used here" in result.output
    assert "do: cs231n data fetch cifar10 (170 MB), if your course uses it" in result.output


def test_findings_as_json(run, healthy, monkeypatch):
    result = run("doctor", "--json")
    assert result.exit_code == 0
    assert {finding["topic"] for finding in json.loads(result.stdout)} >= {"Python", "BLAS"}
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    (bad,) = (f for f in json.loads(result.stdout) if f["status"] == "to do")
    assert "OMP_NUM_THREADS is '4096'" in bad["detail"]
    assert bad["remedy"]


def test_each_thing_to_do_has_a_remedy(run, healthy, monkeypatch, tmp_path):
    monkeypatch.setenv("CS231N_DATASET", "cifar10")
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    result = run("doctor")
    assert result.exit_code == 1
    assert "OMP_NUM_THREADS is '4096'" in result.output
    assert "is used here but not on this machine" in result.output
    assert result.output.endswith("2 things need doing.\n")
    for finding in doctor.examine():
        assert (finding.status == "fine") == (finding.remedy == "")


def test_wrong_names_and_folders(run, healthy, monkeypatch, tmp_path):
    monkeypatch.setenv("CS231N_DATASET", "mnist")
    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    found = {f.topic: f for f in doctor.check_data()}
    assert "'mnist'" in found["Dataset"].detail
    assert found["cifar10"].status == "to do"
    assert found["cifar10"].remedy.startswith("put one of them there")


def test_cache_that_cannot_be_used(run, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "file"))
    assert doctor._cache().status == "to do"
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "_SPACE", 10**18)
    assert "are free" in doctor._cache().detail


def test_packages(monkeypatch):
    (finding,) = doctor.check_packages()
    assert finding.status == "fine"
    needs = ["numpy>=9999", "no-such-package", "torch; extra == 'torch'", "click"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: needs)
    (finding,) = doctor.check_packages()
    assert finding.status == "to do"
    assert finding.detail == (
        f"numpy is {np.__version__}, needed is >=9999; no-such-package is missing"
    )


def test_packages_without_an_installation(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert doctor.check_packages()[0].detail == "cs231n_lib is not installed"


def test_slow_blas(monkeypatch):
    monkeypatch.setattr(doctor, "_product_speed", lambda: 0.5)
    assert "only 0.5 billion" in doctor.check_blas()[0].detail
    monkeypatch.undo()
    assert doctor._product_speed() > 0


def test_kernels(monkeypatch):
    class Spec:
        argv = ("/no/such/python", "-m", "ipykernel")

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: Spec)
    (finding,) = doctor.check_kernel()
    assert finding.detail == "the kernel python3 runs /no/such/python, where there is no program"
    Spec.argv = ("python3",)
    (finding,) = doctor.check_kernel()
    assert (finding.status, finding.detail) == ("fine", f"the kernel python3 runs {sys.executable}")

    def missing(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", missing)
    assert doctor.check_kernel()[0].status == "to do"


def test_python_without_the_library(tmp_path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'ModuleNotFoundError: no numpy' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert doctor._import_problem(str(fake)) == (
        "the library does not import (ModuleNotFoundError: no numpy)"
    )
