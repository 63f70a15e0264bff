"""Taking settings from one place after the other: what is believed, what holds, and a sentence for what does not.

The order of the places is `beaker.settings.load`'s business; here each is read, and each value either becomes the one that
holds or a sentence. Nothing raises on what a file contains, and nothing is imported or opened for a place that is not there.
"""

import os
from collections.abc import Mapping
from functools import partial
from typing import cast

import msgspec

from beaker.errors import nearest
from beaker.settings.env_file import hide_values, parse_env
from beaker.settings.key_wishes import ENV_FILE_VARIABLE, KEY_VARIABLE, TOKEN_VARIABLE, all_key_names, env_place
from beaker.settings.origin import Kind, Origin
from beaker.settings.reading import FileUnreadable, read_text, read_toml
from beaker.settings.schema import GATEWAY, OF_SERVICE, SECTIONS, Settings, all_setting_names, value_of
from beaker.settings.shown import ELSEWHERE, shown, shown_path, unknown_words
from beaker.settings.trust import (
    GRAVE,
    LOWERABLE,
    NO_FOLDERS,
    USER_FILE_ONLY,
    Trust,
    expand_home,
    is_trusted,
    may_lower,
    may_set,
    user_file,
)

FOLDER_FILE = "beaker.toml"

_PREFIX = "BEAKER_"

ALIASES = {"OPENAI_BASE_URL": "agent.base_url", "BEAKER_MODEL": "agent.model", "BEAKER_SUBKERNEL": "subkernel.spec"}
"""Variables with names of their own. Where the long name is set too, it holds: it is meant for us alone."""

PROBLEM_LIMIT = 20
"""Sentences per place: a file of another program under our name has thousands of mistakes, all of them one."""


class Gathering:
    """What was gathered so far; the places are to be read in their order.

    Args:
        environment: the variables of this process.
        folder: the notebook's; None: there is none, and no file of it is read.
        has_key: the model's key was found; then one in the folder is not missed.
        said: `%beaker trust` holds for the folder; None: what is recorded counts.
    """

    def __init__(self, environment: Mapping[str, str], folder: str | None, *, has_key: bool, said: bool | None = None) -> None:
        self.problems: list[str] = []
        """Sentences for the user."""
        self.gateway_problems: list[str] = []
        """Those of them that are about settings of the gateway or its logs, or may be: what an unreadable file says is not known."""
        self.missed: list[str] = []
        """Those of them that say why the file that BEAKER_ENV_FILE names gives nothing, the model's key neither."""
        self._has_key = has_key
        self._environment = environment
        self._folder = folder
        self._said = said
        self.trust: Trust = "none"
        """Of the folder."""
        self._user_file = user_file(environment)
        self._defaults = Settings()
        self._by_variable = {f"{_PREFIX}{name.replace('.', '_').upper()}": name for name in all_setting_names()}
        self._values: dict[str, object] = {}
        self._origins: dict[str, Origin] = {}
        self._refused: list[str] = []
        """What the place that is being read may not set, by its names there."""

    def settings(self) -> Settings:
        """All of it; what was set nowhere has its default."""
        by_section: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
        for name, value in self._values.items():
            section, _, field = name.partition(".")
            by_section[section][field] = value
        changed = {section: SECTIONS[section](**values) for section, values in by_section.items() if values}
        return msgspec.structs.replace(self._defaults, **changed)

    def origins(self) -> dict[str, Origin]:
        """The origin of every setting, in the order of `all_setting_names`."""
        default = Origin()
        return {name: self._origins.get(name, default) for name in all_setting_names()}

    def settle_trust(self) -> None:
        """The user's file was read: does she trust the folder?"""
        folders = cast("tuple[str, ...]", self._now("trust.folders"))
        for path in folders:
            if not os.path.isabs(expand_home(path, self._environment)):
                self.problems.append(f"{self._user_file}: {shown(path)} in trust.folders is not used: it has to be an absolute path.")
        if self._folder is None:
            return
        if is_trusted(self._folder, folders, self._environment):
            self.trust = "full"
        elif self._said is not None:
            self.trust = "said" if self._said else "none"
        elif any(os.path.lexists(os.path.join(self._folder, name)) for name in (FOLDER_FILE, ".env")):
            from beaker.settings.trust_store import is_recorded, matches  # only where there is something to trust

            if not is_recorded(self._environment, self._folder):
                return
            if matches(self._environment, self._folder):
                self.trust = "said"
            else:
                self.problems.append(f"{self._folder}: its files have changed since you trusted them, so they may only lower limits again.")

    def read_user_file(self) -> None:
        """The user's own beaker.toml."""
        self._read_toml(self._user_file, "user file", of_folder=False, trust="full")

    def read_folder_file(self) -> None:
        """The beaker.toml beside the notebook."""
        if self._folder is None:
            return
        path = os.path.join(self._folder, FOLDER_FILE)
        if os.path.realpath(path) != os.path.realpath(self._user_file):
            self._read_toml(path, "folder file", of_folder=True, trust=self.trust)

    def read_env_file(self) -> None:
        """The `.env` of the folder, or the one that the user named."""
        named = self._environment.get(ENV_FILE_VARIABLE, "").strip()
        place = env_place(self._environment, self._folder)
        if named and (place is None or not place.named):
            self._miss(f"environment: {ENV_FILE_VARIABLE} = {shown(named)} is not used: it has to be an absolute path.")
        if place is None:
            return
        path, trust = place.path, "full" if place.named else self.trust
        key_names = all_key_names()
        try:
            # A key was taken from there before this image of the process began; it must not come back in.
            text = read_text(path, hide=partial(hide_values, names=key_names | {TOKEN_VARIABLE}))
        except FileUnreadable as error:
            return (self._miss if place.named else self.problems.append)(f"{path}: {error}.")
        if text is None:
            if place.named:
                what = "that is a folder" if os.path.isdir(path) else "there is no such file"
                self._miss(f"environment: {ENV_FILE_VARIABLE} names {path}, and {what}. Put a file there, or unset the variable.")
            return
        content = parse_env(text)
        before = len(self.problems)
        for line in content.problems:
            if line.name in key_names or _is_ours(line.name):
                whose = line.name.removeprefix(_PREFIX).lower().replace("_", ".", 1) if place.named else ""
                self._say(whose, f"{path}: {line.name} in line {line.number} is not used: {line.reason}.")
        if trust != "full" and not self._has_key:
            self._refused += [name for name in content.values if name in key_names and content.values[name].strip()]
        self._take_variables(content.values, path, of_folder=not place.named, trust=trust)
        self._say_refused(path, f", or start Jupyter with {ENV_FILE_VARIABLE}={path}")
        self._cut_problems(before, path)

    def read_variables(self) -> None:
        """The environment."""
        before = len(self.problems)
        self._take_variables(self._environment, "", of_folder=False, trust="full")
        self._cut_problems(before, "environment")

    def take(self, name: str, raw: object, origin: Origin, *, is_text: bool, trust: Trust = "full") -> None:
        """One setting from one place.

        Args:
            name: of an existing setting.
            raw: its value there.
            origin: the place.
            is_text: a variable's text.
            trust: in the place.
        """
        from beaker.settings.conversion import Unfit, convert, default_of  # only where something is set

        place = origin.path or origin.kind
        subject = f"{place}: {origin.name or name} = {shown(raw)} is not used"
        if name in USER_FILE_ONLY and origin.kind != "user file":
            return self.problems.append(f"{subject}: only your own {self._user_file} may set {name}.")
        if origin.of_folder and (name in NO_FOLDERS or name.startswith(GATEWAY)):
            return self.problems.append(f"{subject}: no folder may set {name}, trusted or not.")
        settable = may_set(name, trust)
        if not settable and name not in LOWERABLE:
            self._refused.append(origin.name)
            return
        try:
            value = convert(name, raw, is_text=is_text)
        except Unfit as unfit:
            return self._say(name, f"{subject}: it takes {unfit} (default {shown(default_of(name))}).")
        if not settable:
            now = self._now(name)
            if not may_lower(name, now, value):
                whose = "a folder that you have not trusted" if trust == "none" else "a folder that only `%beaker trust` speaks for"
                self.problems.append(f"{subject}: {whose} may only lower it, and now it is {shown(now)}.")
                return
            if value == now:
                return
        self._values[name] = value
        self._origins[name] = origin

    def _say(self, name: str, sentence: str) -> None:
        self.problems.append(sentence)
        if name.startswith(OF_SERVICE):
            self.gateway_problems.append(sentence)

    def _miss(self, sentence: str) -> None:
        """The file that the user named gives nothing: what would have stood in it is not known."""
        self.missed.append(sentence)
        self._say(GATEWAY, sentence)

    def _now(self, name: str) -> object:
        return self._values[name] if name in self._values else value_of(self._defaults, name)

    def _read_toml(self, path: str, kind: Kind, *, of_folder: bool, trust: Trust) -> None:
        try:
            content = read_toml(path)
        except FileUnreadable as error:
            self._say("" if of_folder else GATEWAY, f"{path}: {error}.")
            return
        before = len(self.problems)
        for section, table in (content or {}).items():
            if section not in SECTIONS:
                self.problems.append(f"{path}: [{section[:60]}] is not used: {unknown_words(section, 'section', SECTIONS)}")
            elif not isinstance(table, dict):
                self.problems.append(f"{path}: {section} is not used: it has to be a section, [{section}] on a line of its own.")
            else:
                place = Origin(kind=kind, path=path, of_folder=of_folder)
                self._take_table(section, cast("dict[str, object]", table), place, trust=trust)
        self._say_refused(path, "")
        self._cut_problems(before, path)

    def _take_table(self, section: str, table: dict[str, object], place: Origin, *, trust: Trust) -> None:
        fields = SECTIONS[section].__struct_fields__
        for field, raw in table.items():
            name = f"{section}.{field}"
            if field in fields:
                self.take(name, raw, msgspec.structs.replace(place, name=name), is_text=False, trust=trust)
            elif section == "agent" and "key" in field.lower():
                self.problems.append(f"{place.path}: {name[:60]} is not used: a key does not belong here, put it into {KEY_VARIABLE}.")
            elif name == "gateway.token":
                self._say(name, f"{place.path}: {name} is not used: put it into a file, and the path of that into gateway.token_file.")
            else:  # without the value: it may be a secret under a misspelt name
                words = ELSEWHERE.get(name) or unknown_words(field, f"setting of [{section}]", fields)
                self._say("" if place.of_folder else name, f"{place.path}: {name[:60]} is not used: {words}")

    def _take_variables(self, variables: Mapping[str, str], path: str, *, of_folder: bool, trust: Trust) -> None:
        place = path or "environment"
        wanted: dict[str, str] = {}
        for variable in filter(_is_ours, variables):
            if not variables[variable].strip():
                continue  # an empty variable is one that somebody wanted to take away
            if variable in {ENV_FILE_VARIABLE, TOKEN_VARIABLE}:
                if variable == ENV_FILE_VARIABLE and path:
                    self._say("" if of_folder else GATEWAY, f"{place}: {variable} is not used: only the environment can name a file.")
                continue
            name = self._setting(variable)
            if name == variable:
                named = "" if of_folder else variable.removeprefix(_PREFIX).lower().replace("_", ".", 1)
                self._say(named, f"{place}: {variable[:60]} is not used: there is no such variable; {self._guess(variable)}")
            elif name not in wanted or variable not in ALIASES:
                wanted[name] = variable
        for name, variable in wanted.items():
            origin = Origin(kind="env file" if path else "environment", path=path, name=variable, of_folder=of_folder)
            self.take(name, variables[variable], origin, is_text=True, trust=trust)

    def _guess(self, variable: str) -> str:
        """What to set instead of an unknown variable; compared without the prefix that all have in common."""
        by_ending = {name.removeprefix(_PREFIX): name for name in (*self._by_variable, *ALIASES)}
        near = nearest(variable.removeprefix(_PREFIX), by_ending)
        form = f"a setting's is BEAKER_SECTION_NAME, such as {next(iter(self._by_variable))}."
        return ELSEWHERE.get(variable) or (f"did you mean {by_ending[near]}?" if near else form)

    def _say_refused(self, path: str, other_way: str) -> None:
        """One sentence for all that a folder's file wanted and may not decide, and what would allow it."""
        if not self._refused:
            return
        key_names = all_key_names()
        grave = [name for name in self._refused if name in key_names or self._setting(name) in GRAVE]
        words = [f"{path}: not used: {', '.join(self._refused)}."]
        if len(grave) < len(self._refused):
            words.append("You have not trusted this folder, so it may only lower limits: `%beaker trust` shows what else it wants.")
        if grave:
            words.append(
                f"For {', '.join(grave)} put folders = [{shown_path(self._folder or '')}] under [trust] in {self._user_file}{other_way}, "
                "if you wrote the file."
            )
        self.problems.append(" ".join(words))
        self._refused = []

    def _setting(self, name: str) -> str:
        """The setting behind a name in a file or a variable."""
        return ALIASES.get(name) or self._by_variable.get(name) or name

    def _cut_problems(self, before: int, place: str) -> None:
        """Keep the first sentences of a place that has too many."""
        more = len(self.problems) - before - PROBLEM_LIMIT
        if more > 0:
            self.problems[before + PROBLEM_LIMIT :] = [f"{place}: {more} more of its lines are not used."]


def _is_ours(variable: str) -> bool:
    return variable.startswith(_PREFIX) or variable in ALIASES
