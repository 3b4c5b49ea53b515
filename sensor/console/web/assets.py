"""Brings the console's JavaScript, styles and font from npm into `static/vendor`, with their licences.

Run by `make setup`. The versions are those of package.json, the contents those whose hashes package-lock.json holds.
Without npm nothing is made, this says so, and the console tells whoever opens it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
VENDOR = HERE.parent / "static" / "vendor"
MANIFEST = "manifest.json"
# package → files that pages load
FILES = {
    "@fontsource-variable/inter": (
        "files/inter-latin-wght-normal.woff2",
        "files/inter-latin-ext-wght-normal.woff2",
        "files/inter-greek-wght-normal.woff2",
        "files/inter-cyrillic-wght-normal.woff2",
    ),
    "cose-base": ("cose-base.js",),
    "cytoscape": ("dist/cytoscape.min.js",),
    "cytoscape-fcose": ("cytoscape-fcose.js",),
    "echarts": ("dist/echarts.min.js",),
    "htmx.org": ("dist/htmx.min.js",),
    "layout-base": ("layout-base.js",),
    "tabulator-tables": ("dist/js/tabulator.min.js", "dist/css/tabulator_simple.min.css"),
    "tslib": (),  # these two are inside echarts.min.js
    "zrender": (),
}


def inputs() -> str:
    """A hash of all that decides what `static/vendor` holds."""
    found = hashlib.sha256()
    for name in ("package.json", "package-lock.json", Path(__file__).name):
        found.update((HERE / name).read_bytes())
    return found.hexdigest()


def main() -> int:
    try:
        if json.loads((VENDOR / MANIFEST).read_bytes())["inputs"] == inputs():
            return 0
    except (OSError, ValueError, KeyError):
        pass
    npm = shutil.which("npm")
    if npm is None:
        return _failed("npm is not installed (Debian: apt-get install npm)")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  npm, no shell
        if done.returncode:
            return _failed((done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or "npm ci failed")
        _copy(Path(folder) / "node_modules")
    return 0


def _failed(why: object) -> int:
    sys.stderr.write(f"the console's assets were not made: {why}; all else works without the console's pages\n")
    return 1


def _copy(modules: Path) -> None:
    """A folder made whole beside the old one takes its place: a server that runs never sees half of it."""
    made = VENDOR.with_name("vendor.new")
    shutil.rmtree(made, ignore_errors=True)
    (made / "licences").mkdir(parents=True)
    packages = {}
    for package, files in FILES.items():
        told = json.loads((modules / package / "package.json").read_bytes())
        names = [Path(file).name for file in files]
        packages[package] = {"version": told["version"], "licence": told["license"], "files": names}
        for file in files:
            text = (modules / package / file).read_bytes()
            (made / Path(file).name).write_bytes(text if file.endswith("woff2") else _without_map(text))
        for licence in ("LICENSE", "LICENSE.txt", "NOTICE"):
            if (modules / package / licence).is_file():
                name = f"{package.strip('@').replace('/', '-')}.{licence.removesuffix('.txt')}.txt"
                shutil.copy(modules / package / licence, made / "licences" / name)
    (made / MANIFEST).write_text(json.dumps({"inputs": inputs(), "packages": packages}, indent=1) + "\n")
    shutil.rmtree(VENDOR, ignore_errors=True)
    made.rename(VENDOR)


def _without_map(text: bytes) -> bytes:
    """A map that is not there would be asked for by the browser's tools, in vain."""
    return b"\n".join(line for line in text.split(b"\n") if not line.startswith((b"//# sourceMap", b"/*# sourceMap")))


if __name__ == "__main__":
    sys.exit(main())
