r"""Overflow the compiler: a statement nested so deeply that parsing it takes the C stack.

Ends: failed
Says: `row_means` (could not be defined|is not defined)
"""

row_means = eval("lambda X: " + "-" * 20_000 + "1")
centre = eval("lambda X: " + "(" * 5_000 + "1" + ")" * 5_000)
