"""What reading a piece of code tells of its risks."""

import pytest

from beaker.consent.risk import risks_of

HARMLESS = [
    "df['x'].mean()",
    "import pandas as pd\npd.read_csv('data/lake.csv').head()",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])",
    "x = [n ** 2 for n in range(10)]\nprint(x)",
    "open('notes.txt').read()",
    "open('out.txt', 'w').write('x')",
    "df.to_csv('result.csv', sep=';')",
    "plt.savefig('plots/a.png')",
    "def f(a):\n    return a.replace('x', 'y')",
    "df.to_json()",
    "signal = [1]; code = 2; items.remove(3); df.rename(columns={'a': 'b'}); text.replace('a', 'b')",
    "df.replace({'a': 'b'}); df.replace('-', None); df['x'].str.replace('/', '_'); day.replace(year=2024)",
    "df.query('x > 3 and (`a b` == \"y\" or z in [1, 2]) and w < @limit')",
    "import json\njson.load(open('a.json')); json.loads(text)",
    "import numpy as np\nnp.load('a.npy'); np.load('a.npy', allow_pickle=False); np.memmap('a.dat', mode='w+')",
    "import re\nre.compile('x').findall(text)",
    "yaml.safe_load(text)",
    "from scipy import signal\nimport scipy\nscipy.signal.find_peaks(x); signal.welch(x)",
    "import os\nfrom os import path as p\nos.listdir('.'); p.join('a', 'b'); o = os; o.getcwd()",
    "import sqlite3\nsqlite3.connect(':memory:'); sqlite3.connect('data.db')",
    "import zipfile, tarfile\nzipfile.ZipFile('/data/x.zip'); tarfile.open('/data/x.tar.xz', 'r:xz'); zipfile.ZipFile('out.zip', 'w')",
    "with pd.ExcelWriter('out.xlsx') as w:\n    df.describe()",
    "import sympy\nx = sympy.symbols('x y')[0]\nsympy.solve(x ** 2 - 1, x)",
    "df['x'].str.extract(r'(a)', 0); archive.extract('a', 'data'); con.execute('select 1')",
    "import copy\ncopy.copy(x); df.copy(); node = node.next; files.remove('a')",
    "",
]


@pytest.mark.parametrize("code", HARMLESS)
def test_what_data_work_is_made_of_is_harmless(code: str) -> None:
    assert risks_of(code, "python") == ()


@pytest.mark.parametrize(
    "code",
    [
        "!ls",
        "  !ls",
        "x = !ls",
        "%%bash\nls",
        "%system ls",
        "%sx ls",
        "%pip install x",
        "%%script perl\n1",
        "import os; os.system('ls')",
        "import subprocess",
        "from subprocess import run",
        "sp = 1\nsubprocess.run(['ls'])",
        "from os import system as s",
        "p.Popen(['ls'])",
        "os.kill(1, 9)",
    ],
)
def test_what_starts_programs_is_shell(code: str) -> None:
    assert "shell" in risks_of(code, "python")


@pytest.mark.parametrize(
    "code",
    [
        "import requests",
        "import urllib.request as u",
        "from http import client",
        "requests.get(x)",
        "pd.read_csv('https://example.test/a.csv')",
        "pd.read_parquet('s3://bucket/key')",
    ],
)
def test_what_uses_the_network_is_network(code: str) -> None:
    assert "network" in risks_of(code, "python")


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd', 'w')",
        "open(path, 'a')",
        "open('../x', mode='w')",
        "Path('x').open('w')",
        "Path.home().joinpath('x').write_text('y')",
        "df.to_csv('/tmp/x.csv')",
        "df.to_csv('~/x.csv')",
        "df.to_csv(path)",
        "df.to_csv('C:/x.csv')",
        "import shutil; shutil.rmtree('data')",
        "os.remove('x')",
        "os.chdir('/')",
        "Path('x').rename('/y')",
        "from shutil import move",
        "np.save(target, x)",
        "import os as o; o.remove('/home/me/x')",
        "import os\nx = os\nx.remove('x')",
        "import os\nx = os\ny = x\ny.rename('a', 'b')",
        "import os, shutil\nfor m in (os, shutil): m.replace('a', 'b')",
        "import os\na, b = 1, os\nb.remove('x')",
        "import os\n(m := os).remove('x')",
        "import os\nm = os if x else None\nm.remove('x')",
        "import shutil as s; s.move('a','/etc/b')",
        "shutil.os.remove('/x')",
        "from os import path; path.os.remove('/x')",
        "o.remove('/home/me/x')",
        "rmtree('x')",
        "f = open\nf('/x', 'w')",
        "zipfile.ZipFile('/tmp/x','w')",
        "from zipfile import ZipFile as Z\nZ('/tmp/x', mode='w')",
        "tarfile.open('/tmp/b','w:gz')",
        "tarfile.open(name='/tmp/b', mode='w')",
        "io.FileIO('/tmp/b','w')",
        "gzip.open('/tmp/b', 'wb')",
        "np.memmap('/tmp/b',mode='w+')",
        "np.memmap('/tmp/b')",
        "pd.ExcelWriter('/tmp/x')",
        "pd.HDFStore('/tmp/x')",
        "Path('a').replace('/etc/x')",
        "Path('a').replace(target='/etc/x')",
        "Path.replace(a, '/etc/x')",
        "sqlite3.connect('/tmp/x')",
        "from sqlite3 import connect as c\nc('/tmp/x')",
        "sqlite3.connect(database='/tmp/x')",
        "open(*arguments)",
        "import os\nclass A:\n    m = os\nA.m.remove('x')",
        "con.execute(\"ATTACH DATABASE '/tmp/x' AS y\")",
        "archive.extract('a', '/tmp')",
        "archive.extract('a', path=target)",
        "open('/x', **options)",
    ],
)
def test_what_may_write_or_remove_elsewhere_is_files(code: str) -> None:
    assert "files" in risks_of(code, "python")


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "exec(text)",
        "__import__('sub' + 'process')",
        "getattr(os, 'sys' + 'tem')('ls')",
        "().__class__.__base__.__subclasses__()",
        "import importlib",
        "import ctypes",
        "import my_own_module",
        "from . import helpers",
        "get_ipython().x",
        "%run script.py",
        "def broken(:",
        "sys.modules['os']",
        "shutil.os",
        "pathlib.sys",
        "random._os",
        "glob.subprocess",
        "from shutil import os",
        "from os import *",
        "import os\n[os][0].remove('x')",
        "import os as o\nf(o)",
        "import timeit",
        "timeit.timeit('1')",
        "sympify('x')",
        "import sympy\nsympy.sympify('x')",
        "import sympy as sp\nsp.S('x')",
        "import sympy as sp\nsp.simplify('x')",
        "from sympy import solve\nsolve('x')",
        "parse_expr('x')",
        "from sympy import lambdify as l",
        "df.query('@pd.read_csv(\"x\")')",
        "df.query('a.to_csv(\"x\") > 1')",
        "df.query(text)",
        "df.eval('x')",
        "pd.eval('x')",
        "pickle.load(s)",
        "import pickle as p\np.loads(s)",
        "from pickle import load",
        "pd.read_pickle('x')",
        "np.load('x', allow_pickle=True)",
        "np.load('x', None, True)",
        "np.load('x', **options)",
        "joblib.load('x')",
        "yaml.load(text)",
        "(" * 5000 + ")" * 5000,
        "a\x00b",
    ],
)
def test_what_cannot_be_told_is_opaque(code: str) -> None:
    assert "opaque" in risks_of(code, "python")


@pytest.mark.parametrize("code", ["exit()", "quit()", "exit", "if x:\n    quit(0)"])
def test_what_ends_the_session_is_session(code: str) -> None:
    assert "session" in risks_of(code, "python")


def test_names_that_are_handed_on_without_end_are_opaque() -> None:
    chain = "\n".join(f"a{at} = a{at + 1}" for at in range(50))
    assert risks_of(f"import os\n{chain}\na50 = os\na0.remove('x')", "python") == ("opaque",)
    assert risks_of("\n".join(f"x = x.a{at}" for at in range(1500)), "python") == ("opaque",)


def test_a_language_that_is_not_read_is_opaque_and_a_shell_is_shell() -> None:
    assert risks_of("x <- 1", "R") == ("opaque",)
    assert risks_of("println(1)", "julia") == ("opaque",)
    assert risks_of("ls", "Bash") == ("shell",)


def test_several_risks_are_named_each_once() -> None:
    assert risks_of("import requests, subprocess, requests\nopen('/x', 'w')", "python") == ("files", "network", "shell")
