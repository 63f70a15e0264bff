"""The files of the folder that is served: what each call of the contents interface does.

Blocking, for a thread. Nothing is kept between calls: what counts is the disk, on which others write too. A notebook is never
lost and never half written; who saves over something that she has not seen can say so by its fingerprint, and is refused.

Source: jupyter_server documentation, "Contents API" (2.21), and what its own manager answers where that is silent.
"""

import os
import shutil
import stat
from typing import Final

from nbformat.sign import NotebookNotary

from beaker.contents.checkpoints import drop_checkpoint, move_checkpoint
from beaker.contents.content import shown, taken
from beaker.contents.failures import Changed, NotAllowed, NotFree, NotThat, NotThere
from beaker.contents.leftovers import clear
from beaker.contents.models import Format, Given, Kind, Model, describe, kind_of
from beaker.contents.names import copy_name, untitled
from beaker.contents.notebooks import empty_notebook, read_notebook, sign_notebook, write_notebook
from beaker.contents.paths import CHECKPOINTS, Place, Root, is_within
from beaker.contents.uploads import given_up, take_piece
from beaker.contents.whole_file import ABSENT, ALGORITHM, fingerprint, said, write_whole
from beaker.contents.within import holding, names_within, open_within

ROOT_GONE: Final = "the folder that is served is not there any more: put it back, or start the gateway with another"
"""It was moved, removed or unmounted. Nothing of it is kept, so once it is back all goes on."""


class Contents:
    """Reads and writes below one folder.

    Args:
        root: the folder.
        notary: Jupyter's own store of what is trusted.
    """

    def __init__(self, root: Root, notary: NotebookNotary) -> None:
        self._root = root
        self._notary = notary

    def find(self, path: str) -> Place:
        """See `Root.find`."""
        return self._root.find(path)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this path.

        Raises:
            NotThere, NotAllowed: see `find`.
        """
        return os.path.isdir(self._root.find(path).real)

    def get(self, path: str, *, kind: Kind | None = None, form: Format | None = None, content: bool = True, hashed: bool = False) -> Model:
        """What is there.

        Raises:
            NotThere: it is not there.
            NotThat: it is something else.
            ContentsError: it cannot be read.
        """
        place = self._root.find(path)
        if not os.path.exists(place.real):
            raise NotThere(f"there is no {place.path!r}" if place.path else ROOT_GONE)
        is_folder = os.path.isdir(place.real)
        if kind is not None and (kind == "directory") != is_folder:
            raise NotThat(f"{place.path!r} is a {'directory' if is_folder else 'file'}, not a {kind}")
        found = kind or kind_of(place.path, place.real)
        with said(place.path):
            model = describe(place.path, place.real, found)
        if is_folder:
            if content:
                model.content, model.format = self._listing(place), "json"
            return model
        if not stat.S_ISREG(os.stat(place.real).st_mode):
            raise NotThat(f"{place.path!r} is no ordinary file")
        if content or hashed:
            with said(place.path), open_within(place) as file:
                data = file.read()
            if hashed:
                model.hash, model.hash_algorithm = fingerprint(data), ALGORITHM
            if content:
                self._show(model, data, form)
        return model

    def save(self, path: str, given: Given, *, expected: str | None = None, who: str = "") -> tuple[Model, bool]:
        """Write what a client sent.

        Args:
            given: without content, something new is empty.
            expected: the fingerprint of what the client has seen there, ABSENT if nothing; None if it does not say.
            who: sends a piece of something larger, see `take_piece`.

        Returns:
            The model without content, and whether it was not there before.

        Raises:
            NotAllowed: the folder that is served cannot be saved over.
            NotThat: there is a folder of this name, or no content for what is there.
            Changed: it is not as expected.
            ContentsError: it was not saved for another reason; what was there before still is, in all cases.
        """
        place = self._root.find(path)
        if not place.path:
            raise NotAllowed("the folder that is served cannot be saved over")
        fresh = not os.path.lexists(place.real)
        if given.type == "directory":
            self._make_folder(place)
            return self.get(place.path, content=False), fresh
        if os.path.isdir(place.real):
            raise NotThat(f"{place.path!r} is a directory, not a {given.type}")
        if expected is not None:
            self._must_be_as_seen(place, expected)
        if given.content is None and given.chunk is None and fresh:
            given = _empty(given.type)
        data = self._data(place, given)
        if given.chunk is not None:
            return take_piece(place, data, given.chunk, who), fresh
        write_whole(place.real, data, root=place.root)
        model = self.get(place.path, kind=given.type, content=False)
        model.hash, model.hash_algorithm = fingerprint(data), ALGORITHM
        return model, fresh

    def new(self, folder: str, *, kind: Kind = "file", extension: str = "") -> Model:
        """Make something without a name, in a folder.

        Raises:
            NotThat: the extension is none.
            ContentsError: it cannot be made.
        """
        place = self._folder(folder)
        if extension == ".ipynb":
            kind = "notebook"
        if "/" in extension or "\0" in extension:
            raise NotThat(f"{extension[:100]!r} is no extension")
        name = untitled(kind, extension, lambda name: os.path.lexists(os.path.join(place.real, name)))
        return self.save(f"{place.path}/{name}", _empty(kind))[0]

    def copy(self, source: str, folder: str) -> Model:
        """Copy a file into a folder, under its own name if that is free there.

        Raises:
            NotThat: it is a folder.
            ContentsError: it cannot be copied.
        """
        old, target = self._root.find(source), self._folder(folder)
        if os.path.isdir(old.real):
            raise NotThat(f"{old.path!r} is a directory; only files are copied")
        with said(old.path), open_within(old) as file:
            data = file.read()
        name = copy_name(os.path.basename(old.real), lambda name: os.path.lexists(os.path.join(target.real, name)))
        place = self._root.below(target, name)
        write_whole(place.real, data, root=place.root)
        return self.get(place.path, content=False)

    def rename(self, path: str, to: str) -> Model:
        """Give a file or folder another path.

        Raises:
            NotThere: there is no such file, or no folder for it to go to.
            NotAllowed: the folder that is served keeps its name.
            NotThat: a folder is to be moved into itself, or something below a file.
            NotFree: there is something already.
            ContentsError: it was not renamed for another reason.
        """
        old, new = self._root.find(path), self._root.find(to)
        if not old.path or not new.path:
            raise NotAllowed("the folder that is served keeps its name")
        if not os.path.lexists(old.real):
            raise NotThere(f"there is no {old.path!r}")
        if old.real != new.real:
            self._must_be_movable(old, new)
            # On a disk that takes `A` and `a` for one, the other name of the same thing is free.
            if os.path.lexists(new.real) and not os.path.samefile(old.real, new.real):
                raise NotFree(f"there is a {new.path!r} already")
            with said(new.path), holding(old) as (source, name), holding(new) as (target, fresh):
                os.rename(name, fresh, src_dir_fd=source, dst_dir_fd=target)
            move_checkpoint(old, new)
        return self.get(new.path, content=False)

    def trust(self, path: str) -> None:
        """Let the outputs of a notebook be shown with all they can do, from now on: the user says that they are hers.

        Raises:
            NotThere: there is none.
            NotThat: it is no notebook.
            ContentsError: it cannot be read.
        """
        place = self._root.find(path)
        if not os.path.isfile(place.real):
            raise NotThere(f"there is no notebook {place.path!r}")
        with said(place.path), open_within(place) as file:
            data = file.read()
        sign_notebook(data, os.path.basename(place.real), self._notary)

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with nothing in it but checkpoints and uploads that broke off.

        Raises:
            NotThere: there is no such file.
            NotAllowed: the folder that is served cannot be deleted.
            NotFree: it is a folder with something in it.
            ContentsError: it is still there for another reason.
        """
        place = self._root.find(path)
        if not place.path:
            raise NotAllowed("the folder that is served cannot be deleted")
        if not os.path.lexists(place.real):
            raise NotThere(f"there is no {place.path!r}")
        with said(place.path):
            if not os.path.isdir(place.real) or os.path.islink(place.real):
                with holding(place) as (folder, name):
                    os.unlink(name, dir_fd=folder)
                drop_checkpoint(place)
                return
            inside = set(names_within(place)) - {CHECKPOINTS}
            inside -= clear(place, inside) | given_up(place, inside)
            if inside:
                raise NotFree(f"{place.path!r} is not empty: delete what is in it first ({len(inside)} entries)")
            with holding(place) as (folder, name):
                shutil.rmtree(name, dir_fd=folder)

    # What is done for these.

    def _show(self, model: Model, data: bytes, form: Format | None) -> None:
        if model.type == "notebook":
            model.content, model.format = read_notebook(data, model.name, self._notary), "json"
            return
        model.content, model.format = shown(data, form, model.name)
        model.mimetype = model.mimetype or ("text/plain" if model.format == "text" else "application/octet-stream")

    def _listing(self, place: Place) -> list[Model]:
        with said(place.path or "."):
            names = sorted(names_within(place))
            clear(place, names)
        models: list[Model] = []
        for name in filter(self._root.shows, names):
            try:
                at = self._root.below(place, name)
                mode = os.stat(at.real).st_mode
                if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                    models.append(describe(at.path, at.real, kind_of(at.path, at.real)))
            except (NotThere, NotAllowed, OSError):
                continue  # gone meanwhile, a link that leads nowhere or out: the others are listed all the same
        return models

    def _folder(self, path: str) -> Place:
        place = self._root.find(path)
        if not os.path.isdir(place.real):
            raise NotThere(f"there is no folder {place.path!r}" if place.path else ROOT_GONE)
        return place

    def _must_be_movable(self, old: Place, new: Place) -> None:
        """The system's words for these name the one where they mean the other."""
        if os.path.isdir(old.real) and not os.path.islink(old.real) and is_within(old.real, new.real):
            raise NotThat(f"{old.path!r} is a folder, and cannot be moved into itself ({new.path!r})")
        if not os.path.isdir(above := os.path.dirname(new.real)):
            kind, what = (NotThat, "{!r} is no folder") if os.path.lexists(above) else (NotThere, "there is no folder {!r}")
            raise kind(f"{old.path!r} cannot be moved to {new.path!r}: {what.format(os.path.dirname(new.path))}")

    def _make_folder(self, place: Place) -> None:
        if os.path.isdir(place.real):
            return
        if os.path.lexists(place.real):
            raise NotFree(f"there is a file {place.path!r}")
        with said(place.path), holding(place) as (folder, name):
            os.mkdir(name, dir_fd=folder)

    def _data(self, place: Place, given: Given) -> bytes:
        name = os.path.basename(place.real)
        if given.type == "notebook":
            if given.chunk is not None:
                raise NotThat(f"{name!r} was not saved: only files come in pieces")
            return write_notebook(given.content, name, self._notary)
        return taken(given.content, given.format, name)

    def _must_be_as_seen(self, place: Place, expected: str) -> None:
        with said(place.path):
            try:
                with open_within(place) as file:
                    now = fingerprint(file.read())
            except FileNotFoundError:
                now = ABSENT
        if expected == ABSENT and now != ABSENT:
            raise Changed(f"there is a {place.path!r} already; it was not saved")
        if now != expected:
            raise Changed(f"{place.path!r} was changed by somebody else since it was opened; it was not saved")


def _empty(kind: Kind) -> Given:
    match kind:
        case "notebook":
            return Given(type=kind, format="json", content=empty_notebook())
        case "file":
            return Given(type=kind, format="text", content="")
        case "directory":
            return Given(type=kind)
