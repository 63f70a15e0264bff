"""The names by which `python_reader` knows what Python code may do.

They are names, not proofs: a method that stands in none of them counts as harmless, a function only if it is known where it is from.
"""

from beaker.messages.consent import Risk


def words(text: str) -> frozenset[str]:
    """The names of a list that is written as a text.

    >>> sorted(words("os sys"))
    ['os', 'sys']
    """
    return frozenset(text.split())


HARMLESS_MODULES = words(
    "__future__ abc array bisect calendar cmath collections colorsys contextlib copy csv dataclasses datetime decimal difflib enum "
    "fractions functools graphlib hashlib heapq html inspect io itertools json keyword locale math matplotlib numbers operator numpy "
    "pandas plotly polars pprint random re scipy seaborn sklearn statistics statsmodels string struct sympy textwrap time "
    "traceback types typing unicodedata uuid warnings xarray zoneinfo IPython ipywidgets altair bokeh networkx patsy pyarrow tqdm "
    "pathlib os shutil tempfile glob fnmatch sqlite3 pickle gzip bz2 lzma zipfile tarfile numba skimage PIL cycler dateutil pytz "
    "geopandas shapely xgboost lightgbm catboost joblib torch imblearn shap lifelines openpyxl getpass"
)
"""Modules whose mere use is no risk; what some of them can write or start is looked for by name below. Every other one is opaque."""

NETWORK_MODULES = words(
    "socket ssl http urllib urllib2 urllib3 requests httpx httpx2 aiohttp ftplib smtplib poplib imaplib telnetlib xmlrpc websocket "
    "websockets paramiko boto3 botocore google azure openai anthropic huggingface_hub datasets kaggle fsspec s3fs gcsfs zmq grpc "
    "webbrowser socketserver nntplib pymongo psycopg psycopg2 pymysql redis"
)
SHELL_MODULES = words("subprocess pty multiprocessing sh plumbum pexpect fabric invoke signal psutil")
OPAQUE_MODULES = words("importlib ctypes cffi runpy code codeop builtins sys gc imp pkgutil zipimport marshal timeit")
"""From these everything can be reached."""
OPAQUE_ATTRIBUTES = words(
    "os nt posix shutil sys subprocess pty multiprocessing psutil pexpect f2py ctypeslib cpp_extension"
) | OPAQUE_MODULES - {
    "code",
    "imp",
}
"""Modules reached through another one, as in `shutil.os`. Not among them what data have for a name too, as `scipy.signal`."""

SHELL_CALLS = words(
    "system popen Popen check_output check_call getoutput getstatusoutput execv execve execvp execl execlp execle fork forkpty spawnl "
    "spawnv spawnlp spawnvp posix_spawn posix_spawnp execvpe execlpe "
    "spawnve spawnvpe spawnle spawnlpe startfile kill killpg run_cell run_line_magic run_cell_magic getpipeoutput run_module _exit "
    "abort create_subprocess_shell create_subprocess_exec"
)
NETWORK_CALLS = words("urlopen urlretrieve create_connection load_dataset fetch_openml read_gbq read_html download")
REMOVING_CALLS = words(
    "unlink rmdir removedirs rmtree renames replace_file chmod chown symlink symlink_to hardlink_to "
    "copyfile copytree copy2 copy_into move_into mkdir makedirs touch extractall make_archive "
    "unpack_archive chdir mkfifo mknod putenv unsetenv"
)
"""Calls that change files wherever their arguments point."""
OF_THE_SYSTEM = {"os": words("remove rename replace link truncate"), "shutil": words("move copy")}
"""The same, where lists and frames have methods of these names too."""
OPAQUE_OF: dict[str, frozenset[str]] = {
    **dict.fromkeys(("pickle", "_pickle", "dill", "cloudpickle"), words("load loads Unpickler")),
    **dict.fromkeys(("joblib", "torch", "hub"), words("load")),
    "yaml": words("load load_all unsafe_load unsafe_load_all full_load full_load_all"),
}
"""What runs code that stands in the data, where others have harmless calls of these names."""
FROM_TEXT = words("sympify parse_expr lambdify autowrap ufuncify read_pickle read_hdf Javascript")
"""Calls that run what a text or a file says, whatever module they come from."""
SECRET_NAMES = words("environ environb getenv getenvb getpass get_password")
"""By which code gets at what is to be hidden from the model, too: what it prints is read by it."""
SYMPY_NAMING = words("symbols Symbol Function Dummy Wild var Idx IndexedBase MatrixSymbol init_printing")
"""Calls of sympy that take a text for a name; the others evaluate it."""
OPENING_CALLS: dict[str, tuple[int, bool]] = {
    **dict.fromkeys(
        words("open FileIO ZipFile PyZipFile TarFile taropen gzopen bz2open xzopen GzipFile BZ2File LZMAFile OSFile"), (1, False)
    ),
    "memmap": (2, True),
    **dict.fromkeys(("open_memmap", "HDFStore"), (1, True)),
    "ExcelWriter": (4, True),
    "PdfPages": (1, True),
}
"""Calls that open the path in front, with the place of the mode among their arguments, and whether they write without one."""
PATH_FIRST = words("io gzip bz2 lzma tarfile codecs os Image TarFile")
"""Whose `open` takes the path first; of a `Path` or an archive the first may be the mode."""
DATABASES = words("sqlite3 dbapi2")
WRITING_CALLS = words(
    "write_text write_bytes to_csv to_excel to_parquet to_pickle to_json to_hdf to_feather to_stata to_html to_latex to_xml to_orc "
    "to_sql to_netcdf to_zarr savefig write_csv write_parquet write_json write_html write_image sink_parquet sink_csv savetxt save "
    "savez savez_compressed tofile dump dump_model imsave save_model to_file write_table write_feather "
    "write_dataset"
)
"""Calls that write to the path among their arguments; without one they mostly give a text back."""
BY_NAME = words("eval exec compile __import__ globals locals vars setattr delattr breakpoint getattr get_ipython __builtins__")
"""Builtins by which code reaches what it does not name."""

KNOWN_NAMES: dict[str, Risk] = {
    **dict.fromkeys(("subprocess", "pexpect"), "shell"),
    **dict.fromkeys(("requests", "urllib", "socket", "httpx", "aiohttp", "boto3"), "network"),
    **dict.fromkeys(("importlib", "ctypes", "builtins", "sys", "timeit"), "opaque"),
    **dict.fromkeys(BY_NAME | FROM_TEXT, "opaque"),
    **dict.fromkeys(("exit", "quit"), "session"),
}
"""What an earlier cell may have imported; names that are variables just as often are not among them."""

BUILTINS = words(
    "abs aiter all any anext ascii bin bool bytearray bytes callable chr classmethod complex dict dir display divmod enumerate "
    "filter float format frozenset hasattr hash help hex id input int isinstance issubclass iter len list map max memoryview min "
    "next object oct open ord pow print property range repr reversed round set slice sorted staticmethod str sum super tuple type "
    "zip"
)
"""Functions that are there without an import, and do no harm by themselves; `display` is IPython's."""
EXCEPTIONS = ("Error", "Exception", "Warning", "Exit", "Iteration", "Interrupt", "Group")
"""How the classes of exceptions end that are there without an import."""
CALLING = words(
    "apply applymap map pipe agg aggregate reduce partial vectorize starmap submit apply_along_axis apply_over_axes filter "
    "filterfalse takewhile dropwhile frompyfunc defaultdict register Thread"
)
"""Calls of what is their first argument."""
TAKING_NAMES = words("methodcaller attrgetter")
"""Calls that are told in texts what to reach."""
QUERYING = words("execute executemany executescript read_sql read_sql_query sql")
"""Calls that take a database's words."""
AUTOMAGICS = words("cd reset logstart edit rerun recall pushd popd killbgscripts")
"""Alone on a line IPython takes these for magics, if there is no variable of the name."""
