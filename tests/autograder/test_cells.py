from __future__ import annotations

import ast
import textwrap
import threading
import time
from typing import Any

import pytest

from autograder.worker.cells import Cell, CellError, is_definition, run_definitions, safe_text


def define(*sources: str) -> tuple[dict[str, Any], list[CellError]]:
    """Run cells called c1, c2, … and return what they define, and what failed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = [Cell(f"c{i}", textwrap.dedent(s).strip("\n")) for i, s in enumerate(sources, 1)]
    errors = run_definitions(cells, namespace)
    return namespace, errors


def names(*sources: str) -> set[str]:
    return {name for name in define(*sources)[0] if not name.startswith("__")}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x):\n    return x", {"f"}),
        ("async def f(x):\n    return x", {"f"}),
        ("class Net:\n    size = 3", {"Net"}),
        ("import math, json as j", {"math", "j"}),
        ("from math import pi as P", {"P"}),
        ("EPS = 1e-8", {"EPS"}),
        ("a, (b, *c) = 1, (2, 3, 4)", {"a", "b", "c"}),
        ("EPS: float = 1e-8", {"EPS"}),
        ("x = 1\nx += 2", {"x"}),
        ("square = lambda x: x * x", {"square"}),
        ("from functools import partial\ntwice = partial(int, base=2)", {"partial", "twice"}),
        (
            "from collections import namedtuple\nCache = namedtuple('Cache', 'x w')",
            {"namedtuple", "Cache"},
        ),
        ("def f(): pass\nf.scale = 3", {"f"}),
        ("d = {}\nd['a'] = lambda: 1", {"d"}),
        ("@__import__('functools').lru_cache\ndef f(): return 1", {"f"}),
        ("if True:\n    def f(): pass\nelse:\n    g = 1", {"f"}),
        ("if __name__ == '__main__':\n    K = 5", {"K"}),
        ("try:\n    import nothing_of_that_name as n\nexcept ImportError:\n    n = None", {"n"}),
        (
            "try:\n    import math\nexcept ImportError:\n    pass\nfinally:\n    A = 1",
            {"math", "A"},
        ),
        ("import contextlib\nwith contextlib.nullcontext():\n    B = 2", {"contextlib", "B"}),
    ],
)
def test_definitions_run(source: str, expected: set[str]) -> None:
    assert names(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "print('hello')",
        "raise SystemExit",
        "assert False",
        "for i in range(3):\n    x = i",
        "while True:\n    pass",
        "open('/etc/passwd').read()",
        "if __name__ == '__main__':\n    main()\n    x = 1",
        "if True:\n    x = 1\n    print(x)",
        "try:\n    x = 1\nexcept Exception:\n    print('no')",
        "'''A docstring.'''",
        "del __name__",
        "await_me",
        "1 +\\\n  2",
    ],
)
def test_everything_else_is_left_out(source: str) -> None:
    namespace, errors = define(source)
    assert set(namespace) - {"__builtins__"} == {"__name__"}
    assert not errors


def test_a_with_block_opens_nothing_unless_all_of_it_is_definitions() -> None:
    assert names("with open('/nowhere') as f:\n    f.read()") == set()


def test_statements_stand_alone() -> None:
    namespace, errors = define(
        """
        x = undefined + 1
        def f():
            return K
        K = 1 / 0
        class Broken:
            y = undefined
        K = 4
        from math import nothing
        def g():
            return f()
        """
    )
    assert namespace["g"]() == 4
    assert [(e.cell, e.type, e.line) for e in errors] == [
        ("c1", "NameError", 5),
        ("c1", "ImportError", 8),
    ]


def test_failing_experiments_are_no_errors() -> None:
    _, errors = define("model = train(X, y)", "scores = 1 / 0\nX = open('/nowhere')")
    assert errors == []


def test_a_cell_that_does_not_parse_takes_no_other_down() -> None:
    namespace, errors = define("A = 1", "def f(:\n    pass\nB = 2", "C = 3")
    assert {"A", "C"} <= set(namespace)
    assert "B" not in namespace
    assert [(e.cell, e.type, e.line) for e in errors] == [("c2", "SyntaxError", 1)]


@pytest.mark.parametrize(
    "source",
    ["x = '\0'", "x = " + "(" * 5000 + ")" * 5000, "def f():\nreturn 1", "\tx = 1\n  y = 2"],
    ids=["null", "deep", "indent", "tabs"],
)
def test_source_that_is_no_python_is_an_error_and_no_more(source: str) -> None:
    _, errors = define(source, "A = 1")
    assert [e.cell for e in errors] == ["c1"]


def test_a_definition_that_exits_or_interrupts_is_an_error_and_no_more() -> None:
    namespace, errors = define(
        """
        class A:
            raise SystemExit(3)
        class B:
            raise KeyboardInterrupt
        x = exit()
        def f(): return 1
        """
    )
    assert [e.type for e in errors] == ["SystemExit", "KeyboardInterrupt"]
    assert namespace["f"]() == 1


def test_prints_of_definitions_go_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    define("x = print('out')", "import sys\ny = sys.stderr.write('err')\nclass C:\n    print('c')")
    assert capfd.readouterr() == ("", "")


def test_a_long_assignment_is_cut_off_and_a_later_one_runs() -> None:
    start = time.monotonic()
    namespace, errors = define("import time\nslow = time.sleep(30)\nfast = 1")
    assert time.monotonic() - start < 10
    assert "slow" not in namespace
    assert namespace["fast"] == 1
    assert errors == []


def test_busy_assignments_share_one_budget_a_cell() -> None:
    start = time.monotonic()
    source = "import time\n" + "\n".join(f"x{i} = time.sleep(0.45)" for i in range(20))
    namespace, _ = define(source, "y = 1")
    assert time.monotonic() - start < 10
    assert "x0" in namespace
    assert "x19" not in namespace
    assert namespace["y"] == 1


def test_a_definition_that_takes_too_long_is_an_error() -> None:
    _, errors = define("import time\nclass Slow:\n    time.sleep(30)")
    assert [(e.type, e.line) for e in errors] == [("StatementTimeout", 2)]


def test_definitions_run_outside_the_main_thread_too() -> None:
    found: list[set[str]] = []
    thread = threading.Thread(target=lambda: found.append(names("x = 1\ndef f(): pass")))
    thread.start()
    thread.join()
    assert found == [{"x", "f"}]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%matplotlib inline\nA = 1", {"A"}),
        ("%load_ext autoreload\n%autoreload 2\nimport math", {"math"}),
        ("!pip install torch\nA = 1", {"A"}),
        ("files = !ls\nA = 1", {"A"}),
        ("t = %timeit -o f()\nA = 1", {"A"}),
        ("%%time\nA = 1", {"A"}),
        ("\n\n%%timeit -n 3\nA = 1", {"A"}),
        ("%%capture out\ndef f(): pass", {"f"}),
        ("%%bash\nA=1\nls", set()),
        ("%%writefile x.py\nA = 1", set()),
        ("import math\nmath.sin?\nA = 1", {"math", "A"}),
        ("import math\n?math.sin\nA = 1", {"math", "A"}),
        ("import math\nmath??\nA = 1", {"math", "A"}),
        ("if True:\n    %matplotlib inline\n    A = 1", {"A"}),
        ("%time A = 1\nB = 2", {"B"}),
    ],
)
def test_magics_are_stepped_over(source: str, expected: set[str]) -> None:
    namespace, errors = define(source)
    assert errors == []
    assert {n for n in namespace if not n.startswith("__")} >= expected
    if "%%bash" in source or "%%writefile" in source:
        assert "A" not in namespace


def test_magics_leave_lines_and_other_text_where_they_are() -> None:
    namespace, errors = define(
        '''
        %matplotlib inline
        def f(x):
            """Is this right?

            Why not?
            """
            y = (x
                 % 7)
        # what about this?
            return y  # done?

        def g():
            return 1 / 0
        '''
    )
    assert errors == []
    assert namespace["f"](9) == 2
    assert namespace["f"].__doc__.startswith("Is this right?")
    assert namespace["g"].__code__.co_firstlineno == 12


def test_a_string_that_looks_like_a_magic_is_a_string() -> None:
    namespace, _ = define('TEXT = """\n%matplotlib inline\n!ls\n"""')
    assert namespace["TEXT"] == "\n%matplotlib inline\n!ls\n"


def test_assignments_that_load_data_through_the_course_library_are_left_out() -> None:
    namespace, errors = define(
        """
        import cs231n_lib.datasets
        from cs231n_lib.datasets import load_dataset, DATASETS as KNOWN
        data = load_dataset()
        more = [load_dataset("scenes")]
        other = cs231n_lib.datasets.load_dataset()
        first = KNOWN
        load = load_dataset
        X, y = load().X_train, 3
        """
    )
    assert errors == []
    assert not {"data", "more", "other", "X", "y"} & set(namespace)
    assert {"first", "load"} <= set(namespace)


def test_a_long_chain_of_branches_does_not_stop_the_rest() -> None:
    chain = "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 3000
    namespace, _ = define(chain + "A = 1", "B = 2")
    assert namespace["B"] == 2


def test_a_chain_of_branches_may_be_longer_than_calls_are_deep() -> None:
    """As newer Pythons parse it; 3.11 itself refuses a cell like this."""
    (assignment,) = ast.parse("A = 1").body
    chain: ast.stmt = assignment
    for _ in range(20_000):
        chain = ast.If(test=ast.Constant(0), body=[ast.Pass()], orelse=[chain])
    assert is_definition(chain, {})
    while isinstance(chain, ast.If):  # from outside in, for the memory is given back by recursion
        (chain,) = chain.orelse


def test_an_object_that_hates_being_looked_at_does_not_stop_the_rest() -> None:
    namespace, _ = define(
        """
        class Evil:
            def __getattr__(self, name):
                raise RuntimeError("hands off")
            def __getattribute__(self, name):
                raise RuntimeError("hands off")
            def __call__(self):
                return 1
        evil = Evil()
        x = evil()
        y = evil.anything()
        z = 3
        """
    )
    assert namespace["z"] == 3


def test_is_definition_reads_a_statement_without_running_it() -> None:
    (node,) = ast.parse("x = explode()").body
    assert is_definition(node, {})


def test_an_exception_that_cannot_be_printed_has_no_text() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    assert safe_text(Mute()) == ""
    assert safe_text(ValueError("a")) == "a"
