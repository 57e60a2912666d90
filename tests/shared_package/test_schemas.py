from __future__ import annotations

from pathlib import Path

import jsonschema
import msgspec
import orjson
import pytest

from wirewatch.events import EntryEvent, decode, encode
from wirewatch.schemas import VALUES, write_schemas

ROOT = Path(__file__).parent.parent.parent
SAMPLES = sorted((ROOT / "tests" / "samples").glob("*.json"))
TYPES = {value.__name__: value for value in VALUES.values()}


def test_the_committed_schemas_are_current(tmp_path: Path) -> None:
    written = {path.name: path.read_bytes() for path in write_schemas(tmp_path)}
    committed = {path.name: path.read_bytes() for path in (ROOT / "docs" / "schemas").glob("*.json")}
    assert committed == written, "run: wirewatch schemas docs/schemas"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_every_earlier_sample_is_still_read_and_fits_its_schema(path: Path) -> None:
    type_ = TYPES[path.stem.split("-")[0]]
    value = decode(path.read_bytes(), type_)
    again = orjson.loads(encode(value))
    earlier = orjson.loads(path.read_bytes())
    assert {key: again[key] for key in earlier} == earlier
    schema = orjson.loads((ROOT / "docs" / "schemas" / f"{type_.__name__}.json").read_bytes())
    jsonschema.validate(again, schema)


def test_there_is_a_sample_of_every_value() -> None:
    assert {path.stem.split("-")[0] for path in SAMPLES} == set(TYPES)


def test_readers_ignore_what_they_do_not_know() -> None:
    sample = orjson.loads((ROOT / "tests" / "samples" / "EntryEvent-1.json").read_bytes())
    value = decode(orjson.dumps({**sample, "of_a_later_version": 1}), EntryEvent)
    assert value.id == sample["id"]


def test_every_field_is_always_written() -> None:
    for type_ in TYPES.values():
        assert not type_.__struct_config__.omit_defaults, type_
        assert msgspec.structs.fields(type_)
