"""The image: what goes into it is what the program needs, and it runs as nobody in particular."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.deploy.kit import DEPLOY, ROOT, check_call
from wirewatch.settings import Settings
from wirewatch.settings.declared import read_listen

PACKAGES = ("wirewatch", "producers", "processors", "sinks")


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def allowed() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines, "what is not named stays out"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_no_shell_runs_in_it_nor_to_make_it() -> None:
    for name, rest in instructions():
        if name in {"RUN", "CMD", "ENTRYPOINT"}:
            assert isinstance(json.loads(rest), list)
        if name == "HEALTHCHECK":
            assert isinstance(json.loads(rest.partition("CMD ")[2]), list)


def test_base_images_are_pinned_and_are_the_python_that_requirements_are_pinned_for() -> None:
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    pinned = re.search(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert pinned
    for base in bases:
        assert base.startswith(f"docker.io/library/python:{pinned.group(1)}-")


def test_packages_come_from_the_pinned_requirements_alone() -> None:
    installs = [json.loads(rest) for name, rest in instructions() if name == "RUN" and "install" in rest]
    assert "--require-hashes" in installs[0]
    assert "requirements.txt" in installs[0]
    assert all("--no-deps" in each for each in installs)


def test_an_install_takes_the_pinned_requirements_as_they_are_and_resolves_nothing() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if "$(PIP) install" in line]
    assert installs
    assert all("--no-deps" in line for line in installs)


def test_it_runs_as_a_number_that_is_not_root_and_owns_only_its_data() -> None:
    (user,) = (rest for name, rest in instructions() if name == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    (volume,) = (json.loads(rest) for name, rest in instructions() if name == "VOLUME")
    environment = " ".join(rest for name, rest in instructions() if name == "ENV")
    assert volume == [re.search(r"WIREWATCH_DATA_DIR=(\S+)", environment).group(1)]  # type: ignore[union-attr]  # fails here where it is not set
    chowned = [rest for name, rest in instructions() if name == "COPY" and "--chown" in rest]
    assert [rest.split()[-1] for rest in chowned] == volume
    assert f"--chown={user}" in chowned[0]


def test_its_calls_and_ports_are_the_program_s() -> None:
    said = dict(instructions())
    assert json.loads(said["ENTRYPOINT"]) == ["wirewatch"]
    check_call(json.loads(said["CMD"]))
    check_call(json.loads(said["HEALTHCHECK"].partition("CMD ")[2])[1:])
    ops = re.search(r"WIREWATCH_OPS_LISTEN=(\S+)", " ".join(rest for name, rest in instructions() if name == "ENV"))
    assert ops
    assert {int(port) for port in said["EXPOSE"].split()} == {
        read_listen(Settings().web.listen)[1],
        read_listen(ops.group(1))[1],
    }


def test_the_builder_is_given_what_is_copied_and_the_wheel_made_of_it_holds_every_file(tmp_path: Path) -> None:
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == allowed()
    for name in copied:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {
        str(path.relative_to(tmp_path))
        for package in PACKAGES
        for path in (tmp_path / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert len(files) > 200
    assert files <= held
