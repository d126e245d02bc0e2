from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import autograder

# A rehearsal makes this interpreter forget what a sandbox has no use for, so each case runs in one
# of its own, set up as a worker is.
START = f"""
import sys
sys.path.insert(0, {str(Path(autograder.__file__).parent)!r})
import gc
import numpy as np
from cs231n_lib.notebooks import from_notebook, resolving_with
from worker.rehearsal import rehearse
from worker.serve import Server
from worker.values import Decoder, read_frame
"""


def run(script: str) -> None:
    code = START + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_request_is_answered_with_a_value() -> None:
    run("""
        class Answers:
            def __init__(self, written):
                written.seek(0)
                self.recv_into = written.readinto

        answers = Answers(rehearse().written)
        values = []
        for _ in range(3):
            header, body = read_frame(answers)
            decoder = Decoder(body, header.pop("lengths"), dict)
            reply = {key: decoder.decode(node) for key, node in header.items()}
            assert reply.keys() == {"value", "printed", "seq"}, reply
            values.append(reply["value"])
        nothing, errors, (loss, grads) = values
        assert nothing is None
        assert errors == []
        # Equal scores: log 2 for the second image, halved, and 0.1 in place of the first one.
        assert np.isclose(loss, 0.1 + np.log(2) / 2)
        assert grads["dW"].shape == (3, 2)
    """)


def test_it_leaves_nothing() -> None:
    run("""
        finders, modules = list(sys.meta_path), set(sys.modules)
        with resolving_with(lambda name: f"what {name} defines"):
            rehearse()
            assert from_notebook("knn") == "what knn defines"
        assert sys.meta_path == finders
        assert set(sys.modules) <= modules
        assert not any(isinstance(one, Server) for one in gc.get_objects())
    """)
