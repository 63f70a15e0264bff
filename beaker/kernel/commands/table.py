"""The commands that exist, in the order of the help. A new one is a file beside this one and a row here.

`help` itself is not in it, because it speaks of all of these: see `beaker.kernel.commands.help`.
"""

from beaker.kernel.commands.allow import ALLOW, REJECT
from beaker.kernel.commands.command import Command
from beaker.kernel.commands.config import CONFIG
from beaker.kernel.commands.context import CONTEXT
from beaker.kernel.commands.edit import EDIT
from beaker.kernel.commands.history import HISTORY
from beaker.kernel.commands.insert import INSERT
from beaker.kernel.commands.model import MODEL
from beaker.kernel.commands.reset import RESET
from beaker.kernel.commands.restart import RESTART
from beaker.kernel.commands.status import STATUS
from beaker.kernel.commands.stop import STOP
from beaker.kernel.commands.trust import TRUST

COMMANDS: tuple[Command, ...] = (
    STATUS,
    RESTART,
    CONFIG,
    STOP,
    ALLOW,
    REJECT,
    EDIT,
    INSERT,
    MODEL,
    CONTEXT,
    HISTORY,
    RESET,
    TRUST,
)
