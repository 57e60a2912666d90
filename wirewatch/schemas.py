"""JSON Schemas of every topic's value and an AsyncAPI document, generated from the typed structs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson

from wirewatch import __version__, topics
from wirewatch.events import (
    Alert,
    CeType,
    DeadLetter,
    EntryEvent,
    Feed,
    FetchRequest,
    Poll,
    SnapshotInfo,
    Subscription,
)
from wirewatch.topics import TOPICS, Topic

VALUES: dict[Topic, type[msgspec.Struct]] = {
    topics.FEEDS: Feed,
    topics.POLLS: Poll,
    topics.FETCH_REQUESTS: FetchRequest,
    topics.ENTRY_EVENTS: EntryEvent,
    topics.ENTRIES: EntryEvent,
    topics.ENTRIES_LATEST: EntryEvent,
    topics.SUBSCRIPTIONS: Subscription,
    topics.ALERTS: Alert,
    topics.DEAD_LETTERS: DeadLetter,
}
"""What stands on each topic; `wirewatch.snapshots.v1` holds bodies as fetched, told by `SnapshotInfo` in a header."""


def json_schema(value: type[msgspec.Struct]) -> dict[str, Any]:
    """A struct's JSON Schema. Every field is always written, so all are required of a writer."""
    (schema,), components = msgspec.json.schema_components([value], ref_template="#/$defs/{name}")
    definitions = {name: _all_required(component) for name, component in components.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:wirewatch:schema:{value.__name__}.v1",
        **schema,
        "$defs": definitions,
    }


def _all_required(component: dict[str, Any]) -> dict[str, Any]:
    if component.get("type") == "object" and "properties" in component:
        # readers ignore what they do not know: within v1 only optional fields are added
        return {**component, "required": list(component["properties"]), "additionalProperties": True}
    return component


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all topics."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in TOPICS.values():
        short = topic.name.removeprefix("wirewatch.").removesuffix(".v1")
        value = VALUES.get(topic)
        payload: dict[str, Any] = (
            {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"$ref": f"{value.__name__}.json"}}
            if value
            else {"schemaFormat": "application/octet-stream", "schema": {"type": "string", "format": "binary"}}
        )
        channels[short] = {
            "address": topic.name,
            "description": topic.value,
            "messages": {
                short: {
                    "contentType": "application/json" if value else "as fetched",
                    "payload": payload,
                    "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
                }
            },
        }
        operations[f"read-{short}"] = {"action": "receive", "channel": {"$ref": f"#/channels/{short}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "wirewatch",
            "version": __version__,
            "description": "CloudEvents 1.0 in Kafka's binary mode.",
        },
        "channels": channels,
        "operations": operations,
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema and the AsyncAPI document into the folder; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    values: set[type[msgspec.Struct]] = {*VALUES.values(), SnapshotInfo}
    documents: dict[str, Any] = {f"{value.__name__}.json": json_schema(value) for value in values}
    documents["asyncapi.json"] = asyncapi()
    written = []
    for name, document in sorted(documents.items()):
        path = folder / name
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        written.append(path)
    return written


def ce_types() -> list[str]:
    """The closed set of ``ce_type`` values."""
    ops = (
        "baseline",
        "created",
        "backfilled",
        "updated",
        "withdrawn",
        "restored",
        "gap",
        "source-error",
        "source-recovered",
    )
    fixed = [value for name, value in vars(CeType).items() if name.isupper()]
    return [*fixed, *(CeType.for_op(op) for op in ops)]
