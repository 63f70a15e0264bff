"""Auto mode is of use only if what data scientists write every day is harmless, and safe only if what cannot be told is not."""

import pytest

from beaker.consent.risk import risks_of
from beaker.messages.consent import Risk

HARMLESS = [
    # Looking at a frame.
    "df.head()",
    "df.info()\ndf.describe(include='all').T",
    "print(df.shape, df.dtypes, df.isna().sum(), sep='\\n')",
    "df['city'].value_counts(normalize=True).head(10)",
    "df.loc[df['t'] > 20, ['t', 'city']].sample(5, random_state=1)",
    "df.query('t > 20 and city == \"Bonn\"')",
    "df.duplicated().sum(), df.nunique()",
    "for name, group in df.groupby('city'):\n    print(name, len(group), group['t'].mean())",
    "display(df.style.format({'t': '{:.1f}'}).background_gradient())",
    "len(df), type(df), isinstance(df, object), dir(df)",
    # Making one.
    "import pandas as pd\ndf = pd.read_csv('data/lake.csv', parse_dates=['day'])",
    "from pathlib import Path\nframes = [pd.read_csv(p) for p in sorted(Path('data').glob('*.csv'))]\ndf = pd.concat(frames)",
    "pd.read_excel('x.xlsx', sheet_name=0); pd.read_parquet('x.parquet'); pd.read_json('x.json')",
    "df = pd.DataFrame({'a': [1, 2], 'b': list('xy')}, index=pd.RangeIndex(2))",
    "df = df.rename(columns=str.lower).drop(columns=['x']).dropna(subset=['t']).fillna({'a': 0}).astype({'a': int})",
    "df['month'] = pd.to_datetime(df['day']).dt.month",
    "df = df.assign(f=lambda d: d['t'] * 9 / 5 + 32)",
    "merged = df.merge(other, on='id', how='left', validate='m:1')",
    "df.pivot_table(index='month', columns='city', values='t', aggfunc='mean')",
    "df.melt(id_vars='day').set_index('day').resample('MS').mean()",
    "df.groupby('city')['t'].agg(['mean', 'std', 'count']).sort_values('mean', ascending=False)",
    "df.groupby('city').agg(mean=('t', 'mean'), spread=('t', lambda s: s.max() - s.min()))",
    "df['t'].apply(lambda v: round(v, 1)); df['city'].map({'a': 'b'}); df.apply(sum, axis=0)",
    "def spread(s):\n    return s.max() - s.min()\n\ndf.groupby('city')['t'].apply(spread)",
    "df['name'].str.replace(r'\\s+', ' ', regex=True).str.extract(r'(\\d+)', expand=False)",
    "df.loc[~df['id'].isin(seen)].reset_index(drop=True).to_dict('records')",
    "df['t'].rolling(7, center=True).mean().interpolate()",
    "df.memory_usage(deep=True).sum() / 1e6",
    "df.to_csv('out/clean.csv', index=False); df.to_parquet('clean.parquet')",
    # Numbers.
    "import numpy as np\nx = np.linspace(0, 2 * np.pi, 200)\ny = np.sin(x) + np.random.default_rng(0).normal(0, 0.1, x.size)",
    "np.where(a > 0, a, 0).reshape(-1, 2).sum(axis=1)",
    "u, s, vt = np.linalg.svd(m, full_matrices=False)\nnp.allclose(u * s @ vt, m)",
    "np.percentile(df['t'].to_numpy(), [5, 50, 95])",
    "np.vectorize(lambda v: v ** 2)(a)",
    "import math\nmath.sqrt(2), math.isclose(0.1 + 0.2, 0.3)",
    "from math import *\nsqrt(2) + floor(3.5)",
    "import statistics\nstatistics.median(values)",
    "from scipy import stats\nstats.ttest_ind(a, b, equal_var=False)",
    "from scipy.optimize import curve_fit\ncurve_fit(lambda x, a, b: a * x + b, x, y)",
    "from scipy.interpolate import interp1d\nf = interp1d(x, y)\nf(0.5)",
    "import sympy as sp\nx, y = sp.symbols('x y')\nsp.solve([x + y - 2, x - y], [x, y]); sp.diff(sp.sin(x) ** 2, x)",
    "from sympy import *\nx = symbols('x')\ne = (x + 1) ** 2\nexpand(e), simplify(e - x ** 2), integrate(e, (x, 0, 1))",
    # Plots.
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(8, 4))\nax.plot(df['day'], df['t'])\nplt.show()",
    "df['t'].hist(bins=30); plt.title('Temperature'); plt.xlabel('t'); plt.tight_layout()",
    "df.plot.scatter('a', 'b', alpha=0.3)\nplt.savefig('plots/scatter.png', dpi=150)",
    "import seaborn as sns\nsns.set_theme()\nsns.heatmap(df.corr(numeric_only=True), annot=True)",
    "fig, axes = plt.subplots(2, 2)\nfor ax, name in zip(axes.flat, df.columns):\n    ax.boxplot(df[name])\n    ax.set_title(name)",
    "import plotly.express as px\npx.line(df, x='day', y='t').show()",
    "ax.annotate('max', xy=(1, 2), arrowprops=dict(arrowstyle='->'))",
    # Models.
    "from sklearn.model_selection import train_test_split\nX_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)",
    "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(X, y)\nprint(model.coef_, model.score(X, y))",
    "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nmake_pipeline(StandardScaler()).fit(X)",
    "scaler.transform(X_test); model.predict(X_test)",
    "import statsmodels.formula.api as smf\nsmf.ols('y ~ x + C(city)', data=df).fit().summary()",
    "from sklearn.metrics import confusion_matrix\nprint(confusion_matrix(y_test, model.predict(X_test)))",
    # Python of its own.
    "from collections import Counter, defaultdict\nc = Counter(words)\nd = defaultdict(list)\nfor w in words:\n    d[len(w)].append(w)",
    "from datetime import datetime, timedelta\n(datetime.now() - timedelta(days=1)).strftime('%Y-%m-%d')",
    "import json\nwith open('a.json') as file:\n    data = json.load(file)",
    "import re\n[re.sub(r'\\W', '', w) for w in text.split() if re.match('[a-z]', w)]",
    "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: float\n    y: float = 0.0\nPoint(1.0)",
    "import functools\n@functools.lru_cache\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(30)",
    "try:\n    value = float(text)\nexcept (TypeError, ValueError) as error:\n    raise RuntimeError(f'no number: {text}') from error",
    "sorted(items, key=len)[:3], max(items, key=lambda i: i[1]), list(map(str, items)), any(items)",
    "import itertools\nlist(itertools.islice(itertools.count(), 3))",
    "import warnings\nwarnings.filterwarnings('ignore')\npd.set_option('display.max_columns', 50)",
    "from tqdm.auto import tqdm\nfor item in tqdm(items):\n    total += item",
    "%time df.groupby('city').mean()",
    "%%time\nresult = df.groupby('city').mean()\nresult.head()",
    "%timeit df['t'].sum()",
    "import sqlite3\ncon = sqlite3.connect('data.db')\nquery = 'select city, avg(t) from lake group by city'\npd.read_sql(query, con)",
    "def mean_of(column):\n    'See https://example.test/mean for the formula.'\n    return df[column].mean()\nmean_of('t')",
    "async def later():\n    return 1\nawait later()",
    "match kind:\n    case 'a':\n        x = 1\n    case other:\n        x = 2",
]


@pytest.mark.parametrize("code", HARMLESS)
def test_what_is_written_every_day_is_harmless(code: str) -> None:
    assert risks_of(code, "python") == ()


OPAQUE = [
    # Functions that nobody knows.
    "tidy(df)",
    "df.pipe(tidy)",
    "df['path'].apply(tidy)",
    "list(map(tidy, paths))",
    "from functools import partial\npartial(tidy, 1)()",
    "load('model')",
    "loads(data)",
    "run('ls')",
    "call(['ls'])",
    "handlers['x']()",
    "f = handlers['x']\nf(1)",
    "(tidy if x else len)(df)",
    "@tidy\ndef f():\n    return 1",
    "@tidy\nasync def f():\n    return 1",
    "async with aopen('x', 'w') as file:\n    await file.write('y')",
    "await tidy(df)",
    # Code that is made, or reached, at run time.
    "exec(text)",
    "eval('1 + 1')",
    "compile(text, '', 'exec')",
    "async def f():\n    return eval(text)",
    "list(map(eval, texts))",
    "breakpoint()",
    "locals()['x']",
    "getattr(df, name)()",
    "f.__globals__['x']",
    "df.__class__.__init__.__globals__",
    "'{0.__class__.__mro__}'.format(df)",
    "import operator\noperator.attrgetter(name)(df)",
    "import operator\noperator.attrgetter('__class__.__mro__')(df)",
    "import sys\nsys.modules['x']",
    "import mine",
    "from . import mine",
    "from mine import *\ntidy(df)",
    "import numpy.f2py",
    "%run script.py",
    "%load_ext mine",
    "cd",
    "display(Javascript('alert(1)'))",
    "from IPython.display import HTML\nHTML('<script>alert(1)</script>')",
    # Texts that are evaluated, files that are code.
    "pd.eval(text)",
    "df.eval(text)",
    "df.query(text)",
    "df.query(f'x > {limit}')",
    "import sympy\nsympy.simplify(s)",
    "import sympy\nsympy.diff(df['formula'][0])",
    "from sympy import *\nsimplify(text)",
    "from sympy import *\nsolve('x - 1')",
    "pd.read_hdf('x.h5')",
    "pd.read_pickle('x')",
    "np.load('x.npy', allow_pickle=True)",
    "import joblib\njoblib.load('model')",
    "from joblib import load\nload('model')",
    "import torch\ntorch.load('model.pt')",
    "import torch\ntorch.hub.load('a/b', 'c')",
]

OF_A_KIND: list[tuple[Risk, str]] = [
    ("shell", "%%bash\nls"),
    ("shell", "files = !ls"),
    ("shell", "get_ipython().system('ls')"),
    ("shell", "import operator\noperator.methodcaller('system', 'ls')(o)"),
    ("shell", "import asyncio\nawait asyncio.create_subprocess_shell('ls')"),
    ("files", "remove('x')"),
    ("files", "rename('a', 'b')"),
    ("files", "from os import remove as r\nlist(map(r, paths))"),
    ("files", "f = open\nf('/x', 'w')"),
    ("files", "async def f():\n    open('/x', 'w')"),
    ("files", "from pathlib import Path\nPath(p).write_text('x')"),
    ("files", "df.to_csv('/data/x.csv')"),
    ("files", "open('sitecustomize.py', 'w').write(text)"),
    ("files", "open('.git/hooks/pre-commit', 'w').write(text)"),
    ("files", "from pathlib import Path\nPath('Makefile').open('w')"),
    ("files", "con.execute('drop table lake')"),
    ("files", "con.execute('select 1; delete from lake')"),
    ("files", "pd.read_sql(query, con)"),
    ("files", "con.execute(f'update lake set t = {t}')"),
    ("files", "df.to_sql('lake', con, if_exists='replace')"),
    ("secrets", "import os\nos.environ['HOME']"),
    ("secrets", "import os\nos.environ['X'] = '1'"),
    ("secrets", "import os\nos.getenv('AWS_SECRET_ACCESS_KEY')"),
    ("secrets", "from os import environ as e\ndict(e)"),
    ("secrets", "dict(environ)"),
    ("secrets", "import getpass\ngetpass.getpass()"),
    ("secrets", "open('.env').read()"),
    ("secrets", "open('/home/me/.aws/credentials').read()"),
    ("secrets", "from pathlib import Path\n(Path.home() / '.netrc').read_text()"),
    ("secrets", "from pathlib import Path\nPath('~/.ssh/id_rsa').expanduser().read_text()"),
    ("network", "from sklearn.datasets import fetch_california_housing\nfetch_california_housing()"),
    ("network", "MNIST('data', download=True)"),
    ("network", "base = 'https://example.test/?q='\npd.read_csv(base + secret)"),
]


@pytest.mark.parametrize(("risk", "code"), [*(("opaque", code) for code in OPAQUE), *OF_A_KIND])
def test_what_may_do_more_is_asked_about(risk: Risk, code: str) -> None:
    assert risk in risks_of(code, "python")


@pytest.mark.parametrize(
    ("earlier", "code", "risks"),
    [
        (["from os import remove"], "remove('x')", ("files",)),
        (["import os\nrm = os.remove"], "rm('x')", ("files",)),
        (["from os import (\n    path,\n    remove as rm,\n)"], "rm('x')", ("files",)),
        (["import mine"], "mine.tidy(df)", ("opaque",)),
        (["import mine"], "df.head()", ()),
        (["import requests as rq, math"], "rq.get(url)", ("network",)),
        (["import requests as rq, math"], "math.sqrt(2)", ()),
        (["from sklearn.linear_model import LinearRegression"], "LinearRegression().fit(X, y)", ()),
        (["def tidy(d):\n    return d.dropna()"], "tidy(df)", ()),
        (["def tidy(d):\n    d.to_csv('/x')"], "tidy(df)", ("files",)),
        (["import os", "def clean(p):\n    os.remove(p)", "def tidy(p):\n    return clean(p)"], "list(map(tidy, ps))", ("files",)),
        (["def tidy(d):\n    d.to_csv('/x')", "def tidy(d):\n    return d"], "tidy(df)", ()),
        (["tidy = lambda p: open(p, 'w')"], "tidy('x')", ("files",)),
        (["@mine.cached\nclass Point:\n    pass"], "Point()", ()),
        (["try:\n    import mine as m\nexcept ImportError:\n    m = None"], "m.tidy(df)", ("opaque",)),
        (["%matplotlib inline\n!pip install x\nfrom sympy import *\nx = symbols('x')"], "simplify(x ** 2)", ()),
        (["%matplotlib inline\n!pip install x\nfrom sympy import *\nx = symbols('x')"], "simplify(text)", ("opaque",)),
        (["from sympy import symbols, diff\nx = symbols('x')\ne = x ** 2 + 1"], "diff(e, x)", ()),
        (["from math import *"], "remove('x')", ("files",)),
        (["from mine import *"], "tidy('x')", ("opaque",)),
        (["base = 'https://example.test/'"], "pd.read_csv(base + 'a.csv')", ("network",)),
        (["df = pd.read_csv('https://example.test/a.csv')"], "df.head()", ()),
        (["query = 'delete from lake'"], "pd.read_sql(query, con)", ("files",)),
        (["query = '''\n  SELECT *\n  FROM lake\n'''"], "pd.read_sql(query, con)", ()),
        (["%%bash\ntidy() { rm x; }"], "tidy()", ("opaque",)),
        (["def broken("], "broken()", ("opaque",)),
        (["fs = [tidy for tidy in x]"], "tidy(df)", ("opaque",)),
        (["for f in [sum]:\n    pass"], "f(x)", ()),
        (["with np.errstate(all='ignore') as tidy:\n    pass"], "tidy(1)", ()),
        (["total == tidy\nprint(tidy)"], "tidy(df)", ("opaque",)),
    ],
)
def test_a_name_is_what_earlier_cells_made_of_it(earlier: list[str], code: str, risks: tuple[Risk, ...]) -> None:
    assert risks_of(code, "python", earlier) == risks


def test_a_long_session_is_not_read_whole() -> None:
    cells = [f"def f{number}(x):\n    return f{number + 1}(x)" for number in range(5000)]
    assert risks_of("f4998(1)", "python", cells) == ("opaque",), "nobody knows f5000"
    assert risks_of("f0(1)", "python", cells) == ("opaque",), "too long ago"
    large = "def tidy(d):\n    return d\n" + "x = 1\n" * 20_000
    assert risks_of("tidy(df)", "python", [large]) == ("opaque",)


def test_names_that_may_be_many_things_are_looked_into_once() -> None:
    tangle = "\n".join(f"a{number} = a{number + 1} + a{number + 2}\na{number} = a{other}" for number in range(40) for other in range(40))
    assert "opaque" in risks_of(f"import sympy\n{tangle}\nsympy.simplify(a0)\ncon.execute(a0)", "python")
