"""Every route in a line or two, for the description of the interface. A test holds this against the router, both ways."""

from typing import Final

import msgspec

from actors.gateway.spec_schemas import TEXT, Schema, either, list_of, ref

JSON: Final = "application/json"
HTML: Final = "text/html"
ANY: Final = "*/*"

BYTES: Final[Schema] = {}
"""Of a file; OpenAPI has no schema for what is no JSON."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address."""

    method: str
    path: str
    """With its blanks as OpenAPI writes them."""
    summary: str
    answers: dict[int, Schema | None] = {}
    """By status, what is answered when all is well; None: without a body."""
    or_nothing: dict[int, str] = {}
    """Of these, which may come without their body, and when."""
    kind: str = JSON
    """Media type of these answers."""
    wants: str = ""
    """Name of the schema of the body."""
    query: dict[str, str] = {}
    """Parameters behind the path, with what they mean."""
    headers: dict[str, str] = {}
    """Of the request."""
    public: bool = False
    refuses: tuple[int, ...] = ()
    """Statuses of errors, beyond those that any route may answer."""


def _get(path: str, summary: str, schema: Schema | None, *, refuses: tuple[int, ...] = (), **query: str) -> Operation:
    return Operation(method="get", path=path, summary=summary, answers={200: schema}, refuses=refuses, query=query)


def _contents(path: str) -> tuple[Operation, ...]:
    return (
        _get(
            path,
            "A file or folder, with its content unless `content=0`.",
            ref("Model"),
            refuses=(400, 404),
            type="notebook, file or directory; anything else is a file",
            format="text or base64",
            content="0: without what is in it",
            hash="1: with the fingerprint (SHA-256) of the file",
        ),
        Operation(
            method="put",
            path=path,
            summary="Save, whole or not at all. 412: it is no longer what `If-Match` says.",
            wants="ContentWanted",
            answers={200: ref("Model"), 201: ref("Model")},
            headers={"If-Match": 'the fingerprint that was seen, in quotes: "<hash>"', "If-None-Match": "*: only if nothing is there yet"},
            refuses=(400, 404, 409, 412, 507),
        ),
        Operation(
            method="post",
            path=path,
            summary="Make something new in a folder, under a free name, or a copy.",
            wants="NewWanted",
            answers={201: ref("Model")},
            refuses=(400, 404, 409, 507),
        ),
        Operation(method="patch", path=path, summary="Rename.", wants="RenameWanted", answers={200: ref("Model")}, refuses=(400, 404, 409)),
        Operation(method="delete", path=path, summary="Delete a file, or an empty folder.", answers={204: None}, refuses=(404, 409)),
    )


_CHECKPOINTS: Final = "/api/contents/{path}/checkpoints"
_CHECKPOINT: Final = _CHECKPOINTS + "/{checkpoint}"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(method="get", path="/api", summary="The version; for everybody.", answers={200: ref("Version")}, public=True),
    _get("/api/status", "How the gateway is.", ref("Status"), refuses=(503,)),
    _get("/api/me", "Who asks.", ref("Me")),
    _get("/api/health", "Whether this worker lives.", ref("Health")),
    _get("/api/ready", "Whether all can be asked that requests need.", ref("Health"), refuses=(503,)),
    _get("/api/spec.json", "This description.", {"type": "object"}),
    Operation(method="get", path="/metrics", summary="Numbers of all processes, for Prometheus.", answers={200: TEXT}, kind="text/plain"),
    _get("/api/kernelspecs", "All kernelspecs.", ref("SpecsModel")),
    _get("/api/kernelspecs/{name}", "One kernelspec.", ref("SpecModel"), refuses=(404,)),
    Operation(
        method="get", path="/kernelspecs/{name}/{file}", summary="A file of a kernelspec.", answers={200: BYTES}, kind=ANY, refuses=(404,)
    ),
    _get("/api/kernels", "All kernels.", list_of("KernelModel"), refuses=(503,)),
    Operation(
        method="post",
        path="/api/kernels",
        summary="Start one.",
        wants="KernelWanted",
        answers={201: ref("KernelModel")},
        refuses=(400, 409, 413, 429, 503),
    ),
    _get("/api/kernels/{kernel_id}", "One kernel.", ref("KernelModel"), refuses=(404, 503)),
    Operation(method="delete", path="/api/kernels/{kernel_id}", summary="End it.", answers={204: None}, refuses=(404, 503)),
    Operation(method="post", path="/api/kernels/{kernel_id}/interrupt", summary="Interrupt it.", answers={204: None}, refuses=(404, 503)),
    Operation(
        method="post",
        path="/api/kernels/{kernel_id}/restart",
        summary="A fresh session, under the same id.",
        answers={200: ref("KernelModel")},
        refuses=(404, 503),
    ),
    Operation(
        method="get",
        path="/api/kernels/{kernel_id}/channels",
        summary="A websocket to it, in the framing `v1.kernel.websocket.jupyter.org` or, without a subprotocol, the older one.",
        answers={101: None},
        query={"session_id": "names the client: one that comes back under it gets what it missed; the newest of an id takes its place"},
        refuses=(400, 404, 503, 507),
    ),
    _get("/api/sessions", "All sessions.", list_of("SessionModel"), refuses=(503,)),
    Operation(
        method="post",
        path="/api/sessions",
        summary="A kernel for a document; the one that it has, if it has one.",
        wants="SessionWanted",
        answers={201: ref("SessionModel")},
        refuses=(400, 404, 413, 429, 503),
    ),
    _get("/api/sessions/{session_id}", "One session.", ref("SessionModel"), refuses=(404, 503)),
    Operation(
        method="patch",
        path="/api/sessions/{session_id}",
        summary="Another document, name or kernel.",
        wants="SessionWanted",
        answers={200: ref("SessionModel")},
        refuses=(400, 404, 413, 429, 503),
    ),
    Operation(
        method="delete",
        path="/api/sessions/{session_id}",
        summary="End it, and its kernel unless another session has that.",
        answers={204: None},
        refuses=(404, 503),
    ),
    _get(
        _CHECKPOINTS,
        "None or one. Behind a folder, `checkpoints` is a name in it.",
        either(list_of("Checkpoint"), ref("Model")),
        refuses=(400, 404),
    ),
    Operation(
        method="post",
        path=_CHECKPOINTS,
        summary="Keep the file as it is now.",
        answers={201: either(ref("Checkpoint"), ref("Model"))},
        refuses=(400, 404, 507),
    ),
    Operation(
        method="post",
        path=_CHECKPOINT,
        summary="Put the file back as it was kept.",
        answers={204: None, 201: ref("Model")},
        refuses=(400, 404, 507),
    ),
    Operation(method="delete", path=_CHECKPOINT, summary="Forget it.", answers={204: None}, refuses=(404,)),
    Operation(
        method="post",
        path="/api/contents/{path}/trust",
        summary="A notebook's outputs are mine. Behind a folder, `trust` is a name in it, in which something new is made.",
        answers={201: ref("Model")},
        or_nothing={201: "for a notebook"},
        refuses=(400, 404),
    ),
    *_contents("/api/contents"),
    *_contents("/api/contents/{path}"),
    Operation(
        method="get",
        path="/files/{path}",
        summary="A file itself, or the part of it that a Range names. What could act in a browser is for saving alone.",
        answers={200: BYTES, 206: BYTES},
        kind=ANY,
        query={"download": "1: for saving"},
        refuses=(400, 404, 416),
    ),
    Operation(method="get", path="/", summary="The first page.", answers={200: TEXT}, kind=HTML),
    Operation(
        method="get", path="/login", summary="Asks for the token.", answers={200: TEXT}, kind=HTML, query={"next": "a page"}, public=True
    ),
    Operation(
        method="post",
        path="/login",
        summary="The token for a session; leads on to a page. Here and below whoever names no text/html in Accept gets JSON.",
        wants="LoginWanted",
        answers={303: TEXT, 401: TEXT},
        kind=HTML,
        refuses=(400, 411, 413, 415, 429),
        public=True,
    ),
    Operation(method="get", path="/logout", summary="Asks whether to sign out.", answers={200: TEXT}, kind=HTML),
    Operation(
        method="post",
        path="/logout",
        summary="Ends the browser's session. 500, 507: other processes than the one that answers do not know of it.",
        answers={303: TEXT, 500: TEXT, 507: TEXT},
        kind=HTML,
        public=True,
    ),
    Operation(method="get", path="/static/{name}", summary="What pages need.", answers={200: BYTES}, kind=ANY, refuses=(404,), public=True),
)
"""All there are."""
