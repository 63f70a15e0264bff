"""How tests start a program of Jupyter: as `python -m` does, but without a grammar that would take 1.3 s of the processor to build.

jsonschema builds it as it is imported, where JupyterLab has brought `rfc3987_syntax` along, to check texts of the format `iri`: no notebook
and no setting has one, and jsonschema does without where the module is not installed. The kernels that the program starts are as ever.
"""

import sys

_CODE = """
import runpy, sys
sys.modules["rfc3987_syntax"] = None
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def without_grammar(module: str, *words: str) -> list[str]:
    """The command line that runs this module with these words, in place of `python -m module words`."""
    return [sys.executable, "-c", _CODE, module, *words]
