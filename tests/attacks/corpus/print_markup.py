r"""Print and raise HTML, scripts, styles, template marks and console markup.

Ends: failed
Says: `row_means` raised .*alert
"""

EVIL = (
    "</pre></details></main><script>alert(1)</script><img src=x onerror=alert(1)>"
    '" onmouseover="alert(1)" <style>*{display:none}</style><svg/onload=alert(1)><base href=//evil>'
    "{{ 7 * 7 }}{% include 'x' %}[bold red]red[/bold red][link=http://evil]x[/link][/]"
    "`</code><script>alert(2)</script>`\n# heading\n$\\href{javascript:alert(1)}{x}$"
)


def row_means(X):
    # </pre><script>alert(3)</script> in the source, which the page shows.
    print(EVIL)
    raise ValueError(EVIL)
