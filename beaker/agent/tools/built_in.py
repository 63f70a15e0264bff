"""The tools that every turn has. A context adds its own to these."""

from beaker.agent.tools.asking import AskUserTool
from beaker.agent.tools.proposals import EditCellTool, ProposeCellTool
from beaker.agent.tools.running import InterruptTool, RestartSubkernelTool, RunCodeTool
from beaker.agent.tools.toolbox import Toolbox
from beaker.agent.tools.transcript import ReadCellsTool, ReadOutputTool
from beaker.agent.tools.variables import ListVariablesTool, ShowVariableTool

BUILT_IN = Toolbox(
    [
        ListVariablesTool(),
        ShowVariableTool(),
        ReadCellsTool(),
        ReadOutputTool(),
        ProposeCellTool(),
        EditCellTool(),
        RunCodeTool(),
        InterruptTool(),
        RestartSubkernelTool(),
        AskUserTool(),
    ]
)
"""In the order in which the model reads of them.

>>> [tool["function"]["name"] for tool in BUILT_IN.definitions()][4:]
['propose_cell', 'edit_cell', 'run_code', 'interrupt', 'restart_subkernel', 'ask_user']
>>> BUILT_IN.decode("propose_cell", '{"code": "1 + 1"}')
ProposeCellArguments(code='1 + 1', language=None, after=None)
>>> BUILT_IN.decode("run", "{}").text[:68]
"There is no tool 'run'. The tools are: list_variables, show_variable"
"""
