"""How a call is read and how it ends: settings from everywhere, exit statuses, words that say what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from wirewatch.cli import app as program
from wirewatch.cli.commands import about
from wirewatch.cli.context import configuration, take_settings
from wirewatch.cli.output import one_line, plain
from wirewatch.cli.tables import print_table
from wirewatch.errors import BadInput, BrokenStorage, PassingFault, UserError

WIREWATCH = Path(sys.executable).parent / "wirewatch"


@pytest.mark.parametrize(
    "argv",
    [
        ["feeds", "list", "--config", "other.toml"],
        ["--config", "other.toml", "feeds", "list"],
        ["feeds", "--config=other.toml", "list"],
    ],
    ids=" ".join,
)
def test_the_settings_file_is_named_anywhere_in_the_call(folder: Path, wirewatch: Call, argv: list[str]) -> None:
    (folder / "other.toml").write_text('[[feeds]]\nid = "mine"\nurl = "https://example.org/feed"\n')
    said = wirewatch(*argv)
    assert (said.status, "mine" in said.out) == (0, True)


def test_a_flag_beats_the_variable_and_the_variable_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "wirewatch.toml").write_text("[poll]\nconcurrency = 1\nmax_redirects = 1\nrobots = true\n")
    monkeypatch.setenv("WIREWATCH_POLL_CONCURRENCY", "2")
    monkeypatch.setenv("WIREWATCH_POLL_MAX_REDIRECTS", "2")
    rest = take_settings(["--poll.max-redirects", "3", "run", "--poll.robots=false", "--role", "web"])
    poll = configuration().settings.poll
    assert rest == ["run", "--role", "web"]
    assert (poll.concurrency, poll.max_redirects, poll.robots) == (2, 3, False)


def test_a_bare_double_dash_ends_the_settings(folder: Path) -> None:
    assert take_settings(["search", "--", "--config", "x"]) == ["search", "--", "--config", "x"]


@pytest.mark.parametrize(
    ("argv", "env", "words"),
    [
        (["feeds", "list", "--config", "no.toml"], {}, ["no.toml", "cannot be read", "--config"]),
        (["feeds", "list", "--web.listen"], {}, ["--web.listen needs a value"]),
        (["feeds", "list", "--web.listen", "zzz"], {}, ["--web.listen: 'zzz'", "such as 127.0.0.1:8765"]),
        (["feeds", "list"], {"WIREWATCH_WEB_LISTEN": "zzz"}, ["WIREWATCH_WEB_LISTEN: 'zzz'"]),
        (["feeds", "list", "--poll.concurrency", "x"], {}, ["--poll.concurrency", "not a whole number"]),
        (["feeds", "lst"], {}, ['Unknown command "lst"', 'Did you mean "list"', "Try: wirewatch feeds --help"]),
        (["feeds", "add"], {}, ["URL", "Try: wirewatch feeds add --help"]),
        (["nope"], {}, ["Unknown command", "Try: wirewatch --help"]),
        (["run", "--role", "nope"], {}, ["--role nope", "poll, diff, enrich"]),
        (["run", "--search", "elastic://h:1"], {}, ["search", "is not understood; write embedded"]),
        (["run", "--broker", "redis://h:1"], {}, ["broker", "embedded"]),
        (["demo", "--seconds", "5"], {}, ["--seconds 5: 20 to 3600"]),
        (["search", "x", "--limit", "0"], {}, ["--limit 0", "1 to 10000"]),
        (["tail", "nonsense"], {}, ["no topic 'nonsense'", "wirewatch.entries.v1"]),
    ],
)
def test_a_mistake_is_told_in_words_with_status_2(
    folder: Path,
    wirewatch: Call,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    env: dict[str, str],
    words: list[str],
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    said = wirewatch(*argv)
    assert said.status == 2
    assert said.err.startswith("wirewatch: ")
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[web", "not valid TOML"),
        ('brokr = "x"', "did you mean 'broker'"),
        ('[[feeds]]\nid = "a"\nurl = "https://a.example/"\nkind = "rsss"', "kind is one of"),
        ('[[feeds]]\nid = "a"\nurl = "file:///etc/passwd"', "only http:// and https://"),
    ],
)
def test_a_broken_settings_file_is_refused_by_name(folder: Path, wirewatch: Call, toml: str, words: str) -> None:
    (folder / "wirewatch.toml").write_text(toml)
    said = wirewatch("run")
    assert said.status == 2
    assert "wirewatch.toml: " in said.err
    assert words in said.err


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (UserError("a mistake"), 2, "a mistake"),
        (BadInput("nothing in it"), 1, "nothing in it"),
        (PassingFault("the store is busy"), 3, "This may pass: try again"),
        (BrokenStorage("the disk is full"), 4, "the disk is full"),
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("https://u:secret@h/?token=secret"), 70, "a bug of ours"),
    ],
)
def test_each_kind_of_error_has_its_exit_status(
    wirewatch: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, words: str
) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(about, "options", fails)
    said = wirewatch("settings")
    assert said.status == status
    assert words in said.err
    assert "secret@" not in said.err
    assert "token=secret" not in said.err


def test_a_bug_of_ours_shows_where_it_happened(wirewatch: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "options", lambda: 1 / 0)
    assert "ZeroDivisionError" in wirewatch("settings").err


def test_hostile_text_cannot_steer_a_terminal() -> None:
    hostile = "a\x1b[31mb\x9b2Jc\x07d\x00e\u202ef\u2066g\rh"
    assert plain(hostile) == "a[31mb2Jcdefgh"
    assert one_line("head\nALERT opened forged\tx") == "head ALERT opened forged x"


def test_a_table_shows_markup_and_escapes_as_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("[red]x[/red]", "y\x1b]0;title\x07\nz")], empty="none")
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_an_empty_table_says_so_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a",), [], empty="nothing yet")
    assert capsys.readouterr() == ("", "nothing yet\n")


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    ran = subprocess.run(
        f"{WIREWATCH} settings --json | head -c 1", shell=True, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("{", "")


def test_a_letter_that_the_terminal_lacks_is_no_crash() -> None:
    ran = subprocess.run(
        [WIREWATCH, "feeds", "add", "https://ex\u00e4mple.invalid\u2028/"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert ran.returncode == 2
    assert b"Traceback" not in ran.stderr


def test_the_version_is_told(wirewatch: Call) -> None:
    assert wirewatch("--version").out.strip() == program.__version__
