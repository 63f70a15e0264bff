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
        "(" * 5000 + ")" * 5000,
        "a\x00b",
    ],
)
def test_what_cannot_be_told_is_opaque(code: str) -> None:
    assert "opaque" in risks_of(code, "python")


def test_a_language_that_is_not_read_is_opaque_and_a_shell_is_shell() -> None:
    assert risks_of("x <- 1", "R") == ("opaque",)
    assert risks_of("println(1)", "julia") == ("opaque",)
    assert risks_of("ls", "Bash") == ("shell",)


def test_several_risks_are_named_each_once() -> None:
    assert risks_of("import requests, subprocess, requests\nopen('/x', 'w')", "python") == ("files", "network", "shell")
