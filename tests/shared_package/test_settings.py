from __future__ import annotations

from pathlib import Path

import pytest

from wirewatch.errors import UserError
from wirewatch.settings import load
from wirewatch.settings.environment import variable_named
from wirewatch.settings.load import options


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "wirewatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[web]\nlisten = "127.0.0.1:1"\n[poll]\ncontact = "file"\nconcurrency = 1\n')
    got = load(
        path,
        environ={"WIREWATCH_POLL_CONTACT": "variable", "WIREWATCH_POLL_CONCURRENCY": "2"},
        flags={"poll.concurrency": "3"},
    ).settings
    assert (got.web.listen, got.poll.contact, got.poll.concurrency) == ("127.0.0.1:1", "variable", 3)


def test_a_value_is_meant_as_it_is_unless_it_begins_with_env() -> None:
    assert variable_named("env:TOKEN") == "TOKEN"
    assert [variable_named(value) for value in ("", "TOKEN", "my env:TOKEN", "ENV:TOKEN")] == [None] * 4


def test_no_file_means_the_defaults() -> None:
    assert load(None, environ={}).settings.web.listen == "127.0.0.1:8765"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("brokr = 'x'", ["brokr", "did you mean 'broker'"]),
        ("[web]\nlistne = 'x'", ["web.listne", "did you mean 'web.listen'"]),
        ("[zzz]\nqqq = 1", ["zzz.qqq", "allowed are broker"]),
        ("[poll]\nmin_interval = '100'", ["poll.min_interval", "30s"]),
        ("[poll]\nconcurrency = 'x'", ["poll.concurrency", "int"]),
        ("[poll]\nmax_body = '15'", ["poll.max_body", "15MiB"]),
        ("[web]\nlisten = 'here'", ["web.listen", "127.0.0.1:8765"]),
        ("[web]\nlisten = '1.2.3.4:99999'", ["web.listen", "host:port"]),
        ("allow_networks = ['10.0.0.1/8']", ["allow_networks", "10.0.0.1/8"]),
        ("[log]\nlevel = 'loud'", ["log.level", "loud"]),
        ("broker = \n", ["not valid TOML", "line 1"]),
        ("feeds = 3", ["[[feeds]]"]),
        ("[[searches]]\nname = 'a'", ["searches", "query"]),
        ("[[channels]]\nid = 'a'\nkind = 'pigeon'", ["channels", "pigeon"]),
        ("[[feeds]]\nid = 'A B'\nurl = 'https://e.org/'", ["A B", "lower-case"]),
        ("[[feeds]]\nid = 'a'\nurl = 'ftp://e.org/'", ["'a'", "http://"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\nkind = 'jsn'", ["jsn", "json-feed"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\nkind = 'json'", ["[json]"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\nwithdraw_after = 0", ["withdraw_after"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\nevery = 'often'", ["every", "30s"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\ncolour = 'red'", ["colour", "allowed are"]),
        ("[[feeds]]\nid = 'a'\nurl = 'https://e.org/'\n" * 2, ["'a'", "twice"]),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_what_is_allowed(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as refused:
        load(path)
    assert all(word in str(refused.value) for word in [str(path), *words]), str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://a/",
        "jar:http://a!/",
        "source:x",
        "http://",
        "https://a\\@127.0.0.1/",
        "http://a b/",
        "http://a:99999/",
    ],
)
def test_h16_h17_an_url_that_is_no_web_address_is_refused(tmp_path: Path, url: str) -> None:
    escaped = url.replace("\\", "\\\\")
    with pytest.raises(UserError, match="feed 'a'"):
        load(written(tmp_path, f'[[feeds]]\nid = "a"\nurl = "{escaped}"\n'))


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--config"):
        load(tmp_path / "nowhere.toml")


def test_every_setting_has_help_a_flag_and_a_variable_of_its_own() -> None:
    declared = list(options())
    assert all(option.help.text for option in declared)
    assert len({option.variable for option in declared}) == len({option.flag for option in declared}) == len(declared)


def test_paths_relate_to_the_settings_file(tmp_path: Path) -> None:
    assert load(written(tmp_path, "data_dir = 'here'")).data_dir == tmp_path / "here"
    told = "[kafka]\nca_file = 'ca.pem'\n[opensearch]\nca_file = '/etc/ca.pem'\n"
    settings = load(written(tmp_path, told)).settings
    assert settings.kafka.ca_file == str(tmp_path / "ca.pem")
    assert settings.opensearch.ca_file == "/etc/ca.pem"
    assert load(written(tmp_path, "")).settings.kafka.ca_file == ""


def test_the_settings_page_is_current() -> None:
    from wirewatch.cli.commands.about import settings_page

    committed = (Path(__file__).parent.parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    assert committed == settings_page() + "\n", "run: wirewatch settings --markdown > docs/settings.md"
