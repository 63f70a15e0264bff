"""The tools that every turn has. A context adds its own to these."""

from beaker.agent.tools.proposals import ProposeCellTool
from beaker.agent.tools.toolbox import Toolbox
from beaker.agent.tools.transcript import ReadCellsTool, ReadOutputTool
from beaker.agent.tools.variables import ListVariablesTool, ShowVariableTool

BUILT_IN = Toolbox([ListVariablesTool(), ShowVariableTool(), ReadCellsTool(), ReadOutputTool(), ProposeCellTool()])
"""In the order in which the model reads of them.

>>> [tool["function"]["name"] for tool in BUILT_IN.definitions()]
['list_variables', 'show_variable', 'read_cells', 'read_output', 'propose_cell']
>>> BUILT_IN.decode("propose_cell", '{"code": "1 + 1"}')
ProposeCellArguments(code='1 + 1', language=None, after=None)
>>> BUILT_IN.decode("run", "{}").text
"There is no tool 'run'. The tools are: list_variables, show_variable, read_cells, read_output, propose_cell."
"""
