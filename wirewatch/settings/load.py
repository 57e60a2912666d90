"""Reading settings: file, then environment, then flags, the later one winning; all refused in words."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.events import Feed
from wirewatch.feeds import feed_from_table
from wirewatch.settings.declared import ChannelSetting, Help, SearchDeclared, Settings, check_value

T = TypeVar("T")
_LISTS = ("feeds", "searches", "channels")


class Option(Struct, frozen=True):
    """One setting as flags, variables and docs name it."""

    key: str
    type: Any
    default: Any
    help: Help

    @property
    def flag(self) -> str:
        """``--web.listen``."""
        return f"--{self.key}"

    @property
    def shown_default(self) -> str:
        """The default as it is written in the file, ``""`` where there is none."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return "" if self.default in ("", []) else str(self.default)

    @property
    def variable(self) -> str:
        """``WIREWATCH_WEB_LISTEN``."""
        return "WIREWATCH_" + self.key.replace(".", "_").upper()


class Configuration(Struct, frozen=True):
    """What a settings file holds. ``path`` is None where there is no file, ``folder`` what its paths relate to."""

    settings: Settings
    path: Path | None
    folder: Path
    feeds: list[Feed] = []
    searches: list[SearchDeclared] = []
    channels: list[ChannelSetting] = []

    @property
    def data_dir(self) -> Path:
        """The folder of everything embedded, absolute."""
        return (self.folder / self.settings.data_dir).absolute()


def options(of: type[Struct] = Settings, prefix: str = "") -> Iterator[Option]:
    """Every setting, in the order of declaration."""
    hints = get_type_hints(of, include_extras=True)
    for declared in msgspec.structs.fields(of):
        hint = hints[declared.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from options(hint, f"{prefix}{declared.name}.")
            continue
        default = declared.default if declared.default is not msgspec.NODEFAULT else declared.default_factory()
        yield Option(prefix + declared.name, hint.__origin__, default, hint.__metadata__[0])


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Configuration:
    """The settings in force. ``path`` None: ``wirewatch.toml`` in this folder, if there is one.

    Reads the file only. Raises `UserError` naming the file and the key, and saying what is allowed.
    """
    found = path or (Path("wirewatch.toml") if Path("wirewatch.toml").is_file() else None)
    table = _read(found) if found else {}
    where = str(found) if found else "settings"
    lists = {name: table.pop(name, []) for name in _LISTS}
    for name, rows in lists.items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UserError(f"{where}: {name} is written as [[{name}]] tables")
    known = {option.key: option for option in options()}
    values = dict(_flatten(table))
    for key in values:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}{_nearest(key, known)}")
    said_by = {key: f"{where}: {key}" for key in values}
    for option in known.values():
        if environ is not None and option.variable in environ:
            values[option.key] = _from_text(option, environ[option.variable], option.variable)
            said_by[option.key] = option.variable
        if flags is not None and option.key in flags:
            values[option.key] = _from_text(option, flags[option.key], option.flag)
            said_by[option.key] = option.flag
    folder = found.absolute().parent if found else Path.cwd()
    settings = _convert(values, known, said_by, folder)
    feeds = [feed_from_table(dict(row), where=where, origin="file") for row in lists["feeds"]]
    _refuse_twice([feed.id for feed in feeds], where, "feeds", "id")
    searches = [_row(row, SearchDeclared, where, "searches") for row in lists["searches"]]
    _refuse_twice([search.name for search in searches], where, "searches", "name")
    channels = [_row(row, ChannelSetting, where, "channels") for row in lists["channels"]]
    _refuse_twice([channel.id for channel in channels], where, "channels", "id")
    return Configuration(settings, found, folder, feeds, searches, channels)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}. Name another with --config FILE") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid TOML: {error}") from error


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return (
        f"; did you mean {near[0]!r}?"
        if near
        else f"; allowed are {', '.join(known)} and [[feeds]], [[searches]], [[channels]]"
    )


def _from_text(option: Option, text: str, where: str) -> Any:
    """A variable's or flag's text as the type its setting has."""
    if option.type is str or not isinstance(option.default, bool | int | list):
        return text
    if isinstance(option.default, bool):
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise UserError(f"{where}: {text!r} is neither true nor false")
        return words[text.lower()]
    if isinstance(option.default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return int(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a whole number") from None


def _convert(
    values: Mapping[str, Any], known: Mapping[str, Option], said_by: Mapping[str, str], folder: Path
) -> Settings:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        try:
            checked = msgspec.convert(value, known[key].type)
            check_value(known[key].help, checked)
        except (msgspec.ValidationError, UserError) as error:
            raise UserError(f"{said_by[key]}: {error}") from error
        at = nested
        *groups, last = key.split(".")
        for group in groups:
            at = at.setdefault(group, {})
        # wherever a command is called, a path means the same file
        at[last] = str(folder / checked) if known[key].help.read == "path" and checked else checked
    return msgspec.convert(nested, Settings)


def _row(row: dict[str, Any], type_: type[T], where: str, name: str) -> T:
    try:
        return msgspec.convert(row, type_)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: [[{name}]]: {error}") from error


def _refuse_twice(ids: list[str], where: str, name: str, key: str) -> None:
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise UserError(f"{where}: [[{name}]]: {key} {twice[0]!r} stands there twice")
