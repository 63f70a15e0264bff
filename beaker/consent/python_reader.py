"""Reads Python for `risk`: a walk over its syntax tree that notes what it names.

Kept apart because it imports `ast`, which only a run by the model needs. The tables are names, not proofs: what is not named in
any of them and does not come from an unknown module counts as harmless.
"""

import ast
import re

from beaker.messages.consent import Risk


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HARMLESS_MODULES = _words(
    "__future__ abc array bisect calendar cmath collections colorsys contextlib copy csv dataclasses datetime decimal difflib enum "
    "fractions functools graphlib hashlib heapq html inspect io itertools json keyword locale math matplotlib numbers operator numpy "
    "pandas plotly polars pprint random re scipy seaborn sklearn statistics statsmodels string struct sympy textwrap time timeit "
    "traceback types typing unicodedata uuid warnings xarray zoneinfo IPython ipywidgets altair bokeh networkx patsy pyarrow tqdm "
    "pathlib os shutil tempfile glob fnmatch sqlite3 pickle gzip bz2 lzma zipfile tarfile numba skimage PIL cycler dateutil pytz "
    "geopandas shapely"
)
"""Modules whose mere use is no risk; what some of them can write or start is looked for by name below. Every other one is opaque."""

NETWORK_MODULES = _words(
    "socket ssl http urllib urllib2 urllib3 requests httpx httpx2 aiohttp ftplib smtplib poplib imaplib telnetlib xmlrpc websocket "
    "websockets paramiko boto3 botocore google azure openai anthropic huggingface_hub datasets kaggle fsspec s3fs gcsfs zmq grpc "
    "webbrowser socketserver nntplib pymongo psycopg psycopg2 pymysql redis"
)
SHELL_MODULES = _words("subprocess pty multiprocessing sh plumbum pexpect fabric invoke signal psutil")
OPAQUE_MODULES = _words("importlib ctypes cffi runpy code codeop builtins sys gc imp pkgutil zipimport marshal")
"""From these everything can be reached."""

SHELL_CALLS = _words(
    "system popen Popen check_output check_call getoutput getstatusoutput execv execve execvp execl execlp execle fork forkpty spawnl "
    "spawnv spawnlp spawnvp posix_spawn startfile kill killpg run_cell run_line_magic run_cell_magic getpipeoutput run_module _exit "
    "abort"
)
NETWORK_CALLS = _words("urlopen urlretrieve create_connection load_dataset fetch_openml read_gbq read_html download")
REMOVING_CALLS = _words(
    "unlink rmdir removedirs rmtree renames replace_file chmod chown symlink symlink_to hardlink_to "
    "copyfile copytree copy2 mkdir makedirs touch extractall make_archive chdir mkfifo mknod putenv unsetenv"
)
"""Calls that change files wherever their arguments point."""
OF_THE_SYSTEM = {"os": _words("remove rename replace link truncate"), "shutil": _words("move copy")}
"""The same, where lists and frames have methods of these names too."""
WRITING_CALLS = _words(
    "write_text write_bytes to_csv to_excel to_parquet to_pickle to_json to_hdf to_feather to_stata to_html to_latex to_xml to_orc "
    "to_sql to_netcdf to_zarr savefig write_csv write_parquet write_json write_html write_image sink_parquet sink_csv savetxt save "
    "savez savez_compressed tofile dump dump_model imsave save_model to_file"
)
"""Calls that write to the path among their arguments; without one they mostly give a text back."""
BY_NAME = _words("eval exec compile __import__ globals vars setattr delattr breakpoint getattr get_ipython __builtins__")
"""Builtins by which code reaches what it does not name."""

KNOWN_NAMES: dict[str, Risk] = {
    **dict.fromkeys(("subprocess", "pexpect"), "shell"),
    **dict.fromkeys(("requests", "urllib", "socket", "httpx", "aiohttp", "boto3"), "network"),
    **dict.fromkeys(("importlib", "ctypes", "builtins", "sys"), "opaque"),
    **dict.fromkeys(BY_NAME, "opaque"),
}
"""What an earlier cell may have imported; names that are variables just as often are not among them."""

_URL = re.compile(r"^\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class PythonReader(ast.NodeVisitor):
    """Notes the risks of all that it visits in `risks`."""

    def __init__(self) -> None:
        self.risks: set[Risk] = set()

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._module(node.module or "" if not node.level else "")
        for alias in node.names:
            self._name(alias.name)
            self._of_the_system(node.module or "", alias.name)

    def visit_Name(self, node: ast.Name) -> None:
        if (risk := KNOWN_NAMES.get(node.id)) is not None:
            self.risks.add(risk)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__") and node.attr not in {"__name__", "__doc__", "__version__", "__len__", "__class__"}:
            self.risks.add("opaque")
        self._name(node.attr)
        if isinstance(node.value, ast.Name):
            self._of_the_system(node.value.id, node.attr)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _URL.match(node.value):
            self.risks.add("network")

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "open":
            self._open(node)
        elif name in WRITING_CALLS and (node.args or node.keywords):
            self._writes(node)
        elif name == "rename" and node.args and isinstance(node.func, ast.Attribute):
            self.risks.add("files")  # Path.rename; a frame's takes its names by keyword
        self.generic_visit(node)

    def _module(self, name: str) -> None:
        root = name.partition(".")[0]
        if root in NETWORK_MODULES:
            self.risks.add("network")
        elif root in SHELL_MODULES:
            self.risks.add("shell")
        elif root not in HARMLESS_MODULES:
            self.risks.add("opaque")

    def _of_the_system(self, module: str, name: str) -> None:
        if name in OF_THE_SYSTEM.get(module, ()):
            self.risks.add("files")

    def _name(self, name: str) -> None:
        if name in SHELL_CALLS:
            self.risks.add("shell")
        elif name in NETWORK_CALLS:
            self.risks.add("network")
        elif name in REMOVING_CALLS:
            self.risks.add("files")
        elif name in BY_NAME:
            self.risks.add("opaque")

    def _open(self, call: ast.Call) -> None:
        modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
        if isinstance(call.func, ast.Attribute):  # Path.open: the mode comes first, and the path is not in sight
            modes = [*call.args[:1], *modes]
        for mode in modes:
            reads_only = isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+")
            if not reads_only and not (isinstance(call.func, ast.Name) and call.args and _is_inside(call.args[0])):
                self.risks.add("files")

    def _writes(self, call: ast.Call) -> None:
        """A call that writes to the path among its arguments; one that is not a plain text may be anywhere."""
        texts = [argument for argument in (*call.args, *(keyword.value for keyword in call.keywords)) if _is_path(argument)]
        on_a_path = isinstance(call.func, ast.Attribute) and call.func.attr in {"write_text", "write_bytes"}
        if on_a_path or not texts or not all(map(_is_inside, texts)):
            self.risks.add("files")


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_inside(node: ast.expr) -> bool:
    """Whether it is a text that names a file in the work directory or below."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    path = node.value
    return bool(path) and not path.startswith(("/", "~", "\\")) and ".." not in re.split(r"[/\\]", path) and ":" not in path
