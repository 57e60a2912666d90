"""The generations of our index on one cluster: which one is read, making the first, refusing what is none of ours."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from sinks.search.opensearch.client import Client, Refusal
from sinks.search.opensearch.layout import (
    LAYOUT_VERSION,
    Generation,
    alias_of,
    generation_of,
    templates,
)
from sinks.search.opensearch.state import LOG_ID, BoundLog, read_state
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.logs import get_logger
from wirewatch.query.tokenizer import TOKENIZER_VERSION

_log = get_logger("search")
_NOT_FOUND: Final = 404
_THERE_ALREADY: Final = "resource_already_exists_exception"


class Standing(Struct, frozen=True):
    """A generation as it is on the cluster. ``sealed``: nothing is written to it any more."""

    generation: Generation
    tokenizer: str
    sealed: bool = False

    @property
    def is_cut_anew(self) -> bool:
        """Whether this program's tokenizer cut its texts."""
        return self.tokenizer == TOKENIZER_VERSION


async def find_current(client: Client) -> Standing | None:
    """The generation that is read; None where there is none yet. Raises `UserError` for one that is not ours."""
    await client.check_version()
    alias = alias_of(client.address)
    try:
        found = await client.ask("GET", f"/{alias}", into=dict[str, _Index])
    except Refusal as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise
    if len(found) != 1:
        names = ", ".join(sorted(found))
        raise UserError(f"{_where(client)} stands for several indices ({names}): leave it with the newest alone")
    (name, index), *_ = found.items()
    return _checked(client, name, index)


async def ensure_current(client: Client) -> Standing:
    """The generation that is read, made where there is none yet. Safe when several processes do so at once.

    Where one of its two indices was lost it is as if both were: what is read from the log begins anew.
    """
    current = await find_current(client)
    if current is None:
        made = await _unused(client)
        await put_templates(client)
        await create_generation(client, made, aliases=(alias_of(client.address),))
        current = await find_current(client)
    elif not await _is_there(client, current.generation.state):
        _log.error("where the index stands in the log was lost; the log is read anew", index=current.generation.entries)
        await put_templates(client)
        await create_generation(client, current.generation)
    if current is None:
        raise BrokenStorage(f"{_where(client)} was made and is not there")
    if not current.is_cut_anew:
        _log.error(
            "the index was cut into words by another version: some may not be found; run wirewatch index rebuild",
            index=current.generation.entries,
        )
    return current


async def _unused(client: Client) -> Generation:
    """The first generation, or the next where an earlier one's entries were lost and its places in the log were not.

    Places without entries would let the search stage go on as if it had written what is not there any more. Those of
    one that another process is just making are none yet: a log is bound only after its entries were made.
    """
    generation = Generation(client.address.prefix, 1)
    while True:
        (bound,) = await read_state(client, generation, [LOG_ID], BoundLog)
        if bound.value is None or await _is_there(client, generation.entries):
            return generation
        _log.error("the index was lost; the log is read anew", index=generation.entries, left_behind=generation.state)
        generation = Generation(generation.prefix, generation.number + 1)


async def _is_there(client: Client, index: str) -> bool:
    try:
        await client.ask("GET", f"/{index}", into=Any)
    except Refusal as refusal:
        if refusal.status == _NOT_FOUND:
            return False
        raise
    return True


async def put_templates(client: Client) -> None:
    """Say how our indices are made; the same again changes nothing."""
    for name, template in templates(client.address).items():
        try:
            await client.ask("PUT", f"/_index_template/{name}", msgspec.json.encode(template), into=Any)
        except Refusal as refusal:
            raise UserError(
                f"search: the index template {name} cannot be put on {client.address.shown}: {refusal.reason}. "
                "Name another [opensearch] prefix, or take the other template away"
            ) from refusal


async def create_generation(client: Client, generation: Generation, *, aliases: tuple[str, ...] = ()) -> None:
    """Make a generation's two indices where they are not there; the state first, so that no entries are without."""
    for index, names in (
        (generation.state, (generation.state_write,)),
        (generation.entries, (generation.entries_write, *aliases)),
    ):
        body = msgspec.json.encode({"aliases": {name: {} for name in names}})
        try:
            await client.ask("PUT", f"/{index}?wait_for_active_shards=1", body, into=Any)
        except Refusal as refusal:
            if refusal.kind == _THERE_ALREADY:
                continue
            raise UserError(
                f"search: the index {index} cannot be made on {client.address.shown}: {refusal.kind}: {refusal.reason}"
            ) from refusal


async def list_generations(client: Client) -> list[Standing]:
    """Every generation of this version that is there, oldest first, read or not."""
    found = await client.ask("GET", f"/{alias_of(client.address)}-*", into=dict[str, _Index])
    ours = [_checked(client, name, index) for name, index in found.items() if generation_of(client.address, name)]
    return sorted(ours, key=lambda standing: standing.generation.number)


async def refresh(client: Client, generation: Generation) -> None:
    """Make all that was written findable now."""
    await client.ask("POST", f"/{generation.entries}/_refresh", into=Any)


class _Meta(Struct):
    made_by: str = ""
    layout: int = 0
    tokenizer: str = ""


class _Field(Struct):
    type: str = "object"


class _Mappings(Struct):
    meta: _Meta = msgspec.field(name="_meta", default_factory=_Meta)
    dynamic: str = "true"
    properties: dict[str, _Field] = {}


class _Blocks(Struct):
    write: str = "false"


class _IndexSettings(Struct):
    blocks: _Blocks = msgspec.field(default_factory=_Blocks)


class _Settings(Struct):
    index: _IndexSettings = msgspec.field(default_factory=_IndexSettings)


class _Index(Struct):
    mappings: _Mappings = msgspec.field(default_factory=_Mappings)
    settings: _Settings = msgspec.field(default_factory=_Settings)


def _checked(client: Client, name: str, index: _Index) -> Standing:
    meta = index.mappings.meta
    generation = generation_of(client.address, name)
    if meta.made_by != "wirewatch" or generation is None:
        raise UserError(
            f"{_where(client)} is the index {name}, which wirewatch did not make: "
            "name another [opensearch] prefix, or take that index away"
        )
    if meta.layout > LAYOUT_VERSION:
        raise BrokenStorage(
            f"{_where(client)} was made by a newer wirewatch (its layout {meta.layout}, ours {LAYOUT_VERSION}): "
            "upgrade, or name another [opensearch] prefix"
        )
    wanted = _wanted_types(client)
    there = {field: shape.type for field, shape in index.mappings.properties.items()}
    wrong = sorted(field for field in wanted.keys() | there.keys() if wanted.get(field) != there.get(field))
    if wrong or index.mappings.dynamic != "strict":
        what = f"differs in {', '.join(wrong[:5])}" if wrong else "takes any field"
        raise UserError(
            f"{_where(client)} has another mapping than wirewatch gave it ({name} {what}): put the mapping back, "
            "or take the index away and wirewatch run fills it anew from the log"
        )
    return Standing(generation, meta.tokenizer, sealed=index.settings.index.blocks.write == "true")


def _wanted_types(client: Client) -> dict[str, str]:
    template = templates(client.address)[alias_of(client.address)]
    fields: dict[str, dict[str, Any]] = template["template"]["mappings"]["properties"]
    return {name: str(field.get("type", "object")) for name, field in fields.items()}


def _where(client: Client) -> str:
    return f"search: {alias_of(client.address)} on {client.address.shown}"
