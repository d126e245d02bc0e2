"""Where hand-ins run: processes that can compute and answer, and nothing else.

A *mechanism* puts up the wall (bubblewrap, or namespaces that our own process enters); a
:class:`Zygote` is the warm process behind it, from which one worker is forked for each hand-in.
"""

from .groups import groups_problem
from .mechanisms import Mechanism, choose_mechanism, mechanisms
from .zygote import Worker, WorkerLost, Zygote

__all__ = [
    "Mechanism",
    "Worker",
    "WorkerLost",
    "Zygote",
    "choose_mechanism",
    "groups_problem",
    "mechanisms",
]
