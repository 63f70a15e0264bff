"""Notebooks as people write them, made on the spot: what a kernel must run exactly as python3 runs it.

Each notebook is a list of cells. A cell is its source, or (source, tag, ...). Cells that print to both streams flush, because the
order of stdout and stderr is otherwise decided by a timer in ipykernel; nothing here depends on the time of day.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

Cell = str | tuple[str, ...]

ERRORS: list[Cell] = [
    ("1 / 0", "raises-exception"),
    ("def f(n):\n    return undefined_name + n\n\nf(3)", "raises-exception"),
    ("for broken in range(3) print(broken)", "raises-exception"),
    (
        "try:\n    {}['key']\nexcept KeyError as error:\n    raise RuntimeError('seen from \\N{GREEK SMALL LETTER ALPHA}') from error",
        "raises-exception",
    ),
    ("raise ExceptionGroup('two', [ValueError(1), TypeError('b')])", "raises-exception"),
    ("raise SystemExit(3)", "raises-exception"),
    ("raise KeyboardInterrupt('by hand')", "raises-exception"),
    ("class Odd(Exception):\n    def __str__(self):\n        raise ValueError('no words')\n\nraise Odd", "raises-exception"),
    ("def deeper(n):\n    return deeper(n + 1)\n\ndeeper(0)", "raises-exception"),
    ("%no_such_magic", "raises-exception"),
    ("input('name? ')", "raises-exception"),
    ("import getpass\ngetpass.getpass('secret? ')", "raises-exception"),
    "import warnings\nwarnings.warn('careful')",
    "import sys\nprint('before', flush=True)\nprint('to stderr', file=sys.stderr, flush=True)\nprint('after', flush=True)",
    "import threading\nthread = threading.Thread(target=lambda: 1 / 0, name='worker')\nthread.start()\nthread.join()\nsys.stderr.flush()",
    "_, __, In[1], len(In), sorted(Out)",
    "%history -n 1-3",
    "sorted(name for name in globals() if not name.startswith('_'))",
]
"""Errors of every kind, and afterwards what they left behind: In, Out, and no name that is not the user's."""

RICH: list[Cell] = [
    "from IPython.display import *\nHTML('<b>bold</b> &amp; <script>1</script>')",
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>\')',
    "Latex(r'$\\frac{a}{b}$')",
    "Math(r'\\int_0^1 x\\,dx')",
    "JSON({'nested': [1, 2, {'deep': None}], 'words': 'gr\\u00fc\\u00df \\U0001f9ea'}, expanded=True)",
    "display(Markdown('# heading\\n\\n* one'), Javascript('1 + 1'), Pretty('as it is'))",
    "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(range(256)), format='png', width=20)",
    "display({'text/plain': 'plain', 'application/vnd.own+json': {'a': [1]}}, metadata={'text/plain': {'note': 1}}, raw=True)",
    "class Both:\n    def _repr_mimebundle_(self, **_):\n        return {'text/html': 'x'}, {'text/html': {'isolated': True}}\n\nBoth()",
    "class Plain:\n    pass\n\nPlain()",
    "'\\u2028 line separator', b'\\x00\\xff', 'surrogate: \\\\ud83e'",
    "handle = display('first', display_id='shown')\nother = display('second', display_id=True)",
    "handle.update(HTML('<b>changed by a later cell</b>'))\nupdate_display('changed twice', display_id='shown')",
    "other.update('second changed')",
    "display('third view of the same', display_id='shown')",
    "for i in range(3):\n    clear_output(wait=True)\n    print('pass', i, flush=True)\n    display(i)",
    "print('gone', flush=True)\nclear_output()\nprint('stays')",
    "import json\nget_ipython().display_pub.publish({'text/plain': 'published'}, metadata={'own': {'deep': [1]}})",
    "!echo from the shell; echo twice",
    "%%bash\necho one\necho two >&2",
    "%%html\n<em>magic</em>",
    "%%capture held\nprint('captured')\ndisplay(1)",
    "held.show()",
    "Out[3], _3, _",
    "None",
    "1;",
    "",
    "# only a comment",
    "get_ipython().set_next_input('x = 1')",
    "zip?",
]
"""Every kind of display, updates from later cells, clear_output, magics, pages."""

PLOTS: list[Cell] = [
    "import matplotlib\nimport matplotlib.pyplot as plt\nimport numpy as np\nmatplotlib.get_backend()",
    "x = np.linspace(0, 6, 50)\nplt.plot(x, np.sin(x))\nplt.title('sine')",
    "figure, axes = plt.subplots(1, 2, figsize=(4, 2))\naxes[0].scatter(x, np.cos(x))\naxes[1].imshow(np.arange(16).reshape(4, 4));",
    "figure",
    "plt.get_fignums()",
    "for n in range(3):\n    plt.figure(figsize=(1, 1))\n    plt.plot([0, n])\n    plt.show()\n    print('shown', n)",
    "%config InlineBackend.figure_formats = ['svg']\nplt.rcParams['svg.hashsalt'] = 'fixed'\n"
    "plt.rcParams['svg.fonttype'] = 'none'\nkept = plt.figure(figsize=(1, 1))",
    "%config InlineBackend.figure_formats = ['retina']\nplt.figure(figsize=(1, 1))\nplt.bar([1, 2], [3, 4])",
    "%config InlineBackend.close_figures = False\nheld = plt.figure(figsize=(1, 1))",
    "plt.get_fignums(), [hook.__name__ for hook in get_ipython().events.callbacks['post_execute']]",
]
"""Figures of matplotlib's inline backend: shown by `show`, at the end of a cell, as values, kept open over cells."""

PANDAS: list[Cell] = [
    "import numpy as np\nimport pandas as pd",
    "frame = pd.DataFrame({'a': np.arange(100), 'b': np.linspace(0, 1, 100), 'c': list('wxyz') * 25})\nframe",
    "frame.describe()",
    "frame.groupby('c')['b'].agg(['mean', 'count'])",
    "frame.info(memory_usage=False)",
    "print(frame.head(3).to_string())",
    "frame['a']",
    "frame.head(2).style.set_uuid('fixed').highlight_max()",
    ("frame['no such column']", "raises-exception"),
    ("pd.read_csv('no-such-file.csv')", "raises-exception"),
    "pd.set_option('display.html.table_schema', True)\nframe.head(2)",
    "pd.reset_option('display.html.table_schema')\nframe.memory_usage(index=False)",
    "_",
    "frame.head(3).plot(x='a', y='b', figsize=(1, 1));",
]
"""Tables as html and text, their errors, and a plot by way of pandas."""

WIDGETS: list[Cell] = [
    "import ipywidgets as widgets\nfrom IPython.display import clear_output, display",
    "slider = widgets.IntSlider(value=3, description='n')\nslider",
    "out = widgets.Output()\nout",
    "with out:\n    print('inside')\n    display('shown inside')",
    "with out:\n    clear_output(wait=True)\n    print('after clearing')",
    ("with out:\n    1 / 0", "raises-exception"),
    "out.append_stdout('appended')\nlen(out.outputs)",
    "@out.capture(clear_output=True)\ndef loud():\n    print('captured')\n\nloud()",
    "@widgets.interact(n=(0, 5), word=['a', 'b'])\ndef show(n=2, word='b'):\n    print(word * n)",
    "seen = []\nslider.observe(lambda change: seen.append(change['new']), 'value')\nslider.value = 7\nseen, slider.value",
    "display(widgets.HBox([widgets.Text('x'), widgets.Checkbox(True)]), widgets.Image(value=b'\\x89PNG' + bytes(300)))",
    "slider.close()\nlen(widgets.Widget.widgets) if hasattr(widgets.Widget, 'widgets') else None",
    "from comm import create_comm\ncomm = create_comm(target_name='nobody.listens', data={'a': 1}, buffers=[b'', b'bytes'])",
    "comm.send({'b': 2}, buffers=[b'x' * 10, b''])",
]
"""ipywidgets as nbclient plays their front end: Output with its captures, interact, observers, buffers."""

FLOODS: list[Cell] = [
    "for i in range(200_000):\n    print(i)",
    "for i in range(800):\n    display(i)",  # beyond 1000 that wait for a busy machine ipykernel itself drops them
    "print('x' * 5_000_000)",
    "from IPython.display import HTML\nHTML('<p>' + 'y' * 3_000_000 + '</p>')",
    "import sys\nfor i in range(2_000):\n    print(i, file=sys.stderr)\nsys.stderr.flush()",
    "handle = display('0', display_id=True)\nfor i in range(500):\n    handle.update(i)",
    "'the end'",
]
"""200k lines, many displays, single messages of megabytes."""

ALL = {"rich displays, errors and widgets": [*RICH, *ERRORS, *WIDGETS], "pandas and plots": [*PANDAS, *PLOTS], "floods": FLOODS}
"""As few kernels as there are things that would be in each other's way: each is started, and python3 beside it."""


def notebook(cells: list[Cell], *, language: str = "python") -> NotebookNode:
    """Makes a notebook of these cells; it names no kernel."""
    made: NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]  # nbformat is untyped
    for number, cell in enumerate(cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        metadata = {"tags": tags} if tags else {}
        made.cells.append(nbformat.v4.new_code_cell(source, id=f"cell-{number}", metadata=metadata))  # type: ignore[no-untyped-call]  # as above
    made.metadata["language_info"] = {"name": language}
    return made


def printed(cell: NotebookNode) -> str:
    """What an executed cell has printed, in however many pieces."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def write(made: NotebookNode, path: Path) -> None:
    """Writes a notebook's file."""
    nbformat.write(made, path)  # type: ignore[no-untyped-call]  # nbformat is untyped


def read(path: Path) -> NotebookNode:
    """Reads a notebook's file."""
    found: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat is untyped
    return found
