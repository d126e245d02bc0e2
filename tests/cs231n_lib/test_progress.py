from __future__ import annotations

import io
import subprocess
import sys

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from cs231n_lib.progress import in_notebook, progress, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_yields_everything():
    assert list(progress(iter("abc"), "letters")) == ["a", "b", "c"]


def test_silent_where_nobody_watches(capsys):
    with progress_bar(3, "epochs") as bar:
        bar.update()
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_terminal(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress([1, 2], "epochs")) == [1, 2]
    assert "epochs: 100%" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_notebook_keeps_one_line():
    code = (
        "from cs231n_lib.progress import progress\n"
        "import time\n"
        "for _ in progress(range(4), 'epochs', mininterval=0):\n"
        "    time.sleep(0.05)\n"
        "for _ in progress(range(2), 'gone', leave=False):\n"
        "    pass"
    )
    notebook = new_notebook(cells=[new_code_cell(code)])
    NotebookClient(notebook, timeout=60).execute()
    kept, gone = notebook.cells[0].outputs
    assert kept.data["text/plain"].startswith("epochs: 100%")
    assert "4/4" in kept.data["text/plain"]
    assert gone.data["text/plain"] == ""


def test_this_is_no_notebook():
    assert not in_notebook()


@pytest.mark.parametrize(
    "module", ["checking", "datasets", "cifar10", "notebooks", "solver", "paths", "downloads"]
)
def test_no_module_draws_in_more_than_it_needs(module):
    code = (
        f"import sys, cs231n_lib.{module}\n"
        "print([m for m in ('matplotlib', 'requests', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_itself_imports_nothing():
    code = "import sys, cs231n_lib; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
