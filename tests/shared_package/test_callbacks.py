"""The key of the addresses that hubs call, and where it is kept."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from wirewatch.callbacks import KEY_FILE, PREFIX, key_from_folder, key_from_text
from wirewatch.cli.opening import open_callbacks
from wirewatch.errors import UserError
from wirewatch.settings import Configuration
from wirewatch.settings.declared import Poll, Settings, Web


def test_a_folder_keeps_one_key_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    path = key_from_folder(folder).path("f", "c")
    assert path.startswith(PREFIX + "f/c/")
    assert key_from_folder(folder).path("f", "c") == path
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [one.name for one in folder.iterdir()] == [KEY_FILE]
    assert key_from_folder(tmp_path / "other").path("f", "c") != path


def test_those_who_come_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = set(threads.map(lambda _: key_from_folder(tmp_path).path("f", "c"), range(50)))
    assert len(paths) == 1


def test_a_key_that_is_none_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(UserError, match=r"websub\.key: is not the key .* delete it"):
        key_from_folder(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be kept"):
        key_from_folder(tmp_path / "file")


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(UserError, match=r"web\.push_key: must have at least 16"):
        key_from_text("hunter2")


def test_no_two_feeds_or_callbacks_share_an_address() -> None:
    key = key_from_text("k" * 16)
    made = {key.path(*pair).rsplit("/", 1)[1] for pair in (("a", "bc"), ("ab", "c"), ("a", "b"), ("b", "a"))}
    assert len(made) == 4


def _config(folder: Path, **changes: object) -> Configuration:
    settings = Settings(web=Web(public_url="https://us.example/"))
    return Configuration(msgspec.structs.replace(settings, **changes), None, folder)


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({}, True),
        ({"web": Web()}, False),
        ({"poll": Poll(websub=False)}, False),
        ({"broker": "kafka://k:9092"}, False),
        ({"broker": "kafka://k:9092", "web": Web(public_url="https://us.example", push_key="k" * 20)}, True),
    ],
)
def test_hubs_can_call_where_they_can_reach_us_and_all_processes_know_the_key(
    tmp_path: Path, changes: dict[str, object], has: bool
) -> None:
    assert (open_callbacks(_config(tmp_path, **changes)) is not None) is has
