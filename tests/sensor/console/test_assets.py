"""What browsers load: pinned, with licences, in the wheel, from here alone, and as a strict policy allows it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sensor.console.console import HERE, STATIC

ROOT = Path(__file__).parents[3]
WEB = HERE / "web"
VENDOR = STATIC / "vendor"
OURS = [
    *sorted((HERE / "templates").glob("*.html")),
    *sorted((STATIC / "js").glob("*.js")),
    *sorted(STATIC.glob("*.css")),
    *sorted(STATIC.glob("*.svg")),
]
NAMESPACE = "http://www.w3.org/"  # names of XML vocabularies, which nothing loads


def test_versions_are_exact_and_the_lock_names_no_address():
    package = json.loads((WEB / "package.json").read_text())
    lock = json.loads((WEB / "package-lock.json").read_text())
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry
        assert not name or entry["integrity"].startswith("sha512-"), name
    assert "http" not in (WEB / "package-lock.json").read_text()


def test_what_pages_load_is_there_with_its_licence():
    done = subprocess.run([sys.executable, WEB / "assets.py"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip())
    packages = json.loads((VENDOR / "manifest.json").read_text())["packages"]
    licences = {path.name for path in (VENDOR / "licences").iterdir()}
    for name, package in packages.items():
        assert package["licence"] in {"MIT", "Apache-2.0", "BSD-3-Clause", "0BSD", "BSD-0-Clause", "OFL-1.1"}, name
        assert any(licence.startswith(name.strip("@").replace("/", "-")) for licence in licences), name
        assert all((VENDOR / file).stat().st_size > 1000 for file in package["files"])
    loaded = re.findall(r"/?static/vendor/([\w.-]+)", "".join(path.read_text() for path in OURS))
    loaded += re.findall(r'url\("vendor/([\w.-]+)"\)', (STATIC / "driftspan.css").read_text())
    assert loaded
    for name in set(loaded):
        assert (VENDOR / name).is_file(), name


def test_the_wheel_takes_them_and_the_repository_does_not():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["maturin"]
    assert {"path": "sensor/console/static/vendor/**/*", "format": "wheel"} in told["include"]
    assert "sensor/console/web/**" in told["exclude"]
    tracked = subprocess.run(
        ["git", "ls-files", "sensor/console/static/vendor"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert tracked.stdout == ""


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_of_ours_names_another_host_or_needs_a_lax_policy(path):
    text = path.read_text()
    assert not re.search(r"(https?:)?//(?!www\.w3\.org/)[a-z0-9-]+\.[a-z]", text.replace(NAMESPACE, "")), path
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|autoescape", text)
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    if path.suffix == ".js":
        assert not re.search(r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
