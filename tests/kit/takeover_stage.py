"""Two kernel processes, one after the other, over one scripted subkernel: the first is killed, the second takes over."""

from beaker.messages.subkernel import Attached
from tests.kit.kernel_stage import KernelStage, cell
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

LOST_AT = 1_700_000_000.0


class Replaced:
    """Both of them."""

    def __init__(self, first: KernelStage, second: KernelStage, subkernel: ScriptedSubkernel) -> None:
        self.first = first
        self.second = second
        self.subkernel = subkernel

    async def begin(self, code: str, count: int, *, header: dict[str, object] | None = None) -> Received:
        """A cell that is begun in the first process."""
        msg_id = self.first.request("execute_request", cell(code), header=header)
        request = await self.subkernel.expect()
        self.subkernel.begin(request, count)
        await self.first.front.output(msg_id, "execute_input")
        return request

    async def take_over(self, *, adopted: bool = False, lost_at: float | None = LOST_AT) -> None:
        """The first is killed, the second attaches and greets."""
        await self.first.kill()
        await self.second.open()
        await self.attach(adopted=adopted, lost_at=lost_at)

    async def attach(self, *, adopted: bool = False, lost_at: float | None = LOST_AT) -> None:
        """The Supervisor tells the second process what lives."""
        announced = self.subkernel.as_announced(adopted=adopted)
        attached = Attached(subkernel=announced, generation=1, state="running", first_owner=adopted, owner_lost_at=lost_at)
        await self.second.attach(attached)

    async def end(self, cell: Received, count: int) -> None:
        """The cell ends, and the subkernel comes to the request behind it."""
        behind = await self.subkernel.expect("kernel_info_request")
        self.subkernel.end(cell, count)
        self.subkernel.reply(behind, self.subkernel.info)


async def status(stage: KernelStage) -> str:
    """What `%beaker status` says."""
    msg_id = stage.run("%beaker status", store_history=False)
    return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])
