"""Every Rust crate and Python package that the product depends on has a licence that Apache-2.0 can ship with; those of
extras too, but for what is named here."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip

# What an extra brings although nobody may ship it under Apache-2.0: the user installs it, it is imported where it is
# needed, and nothing of it is in the wheel.
APART = {"pysigma": "LGPL-2.1: reads Sigma rules, extra `sigma` alone"}
FOR_US = ("test", "lint", "plant")  # extras of those who work on this


def acceptable(expression: str) -> bool:
    """Whether an SPDX expression can be met with allowed licences alone (OR: one side, AND: both)."""
    plain = expression.replace("/", " OR ").replace("(", " ").replace(")", " ")
    return any(
        all(part.strip() in ALLOWED for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", plain)
    )


def crates() -> list[str]:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    done = subprocess.run(command, cwd=ROOT / "parsers", capture_output=True, text=True, check=True)
    packages = json.loads(done.stdout)["packages"]
    return [
        f"crate {p['name']} {p['version']}: {p['license']}"
        for p in packages
        if not acceptable(p["license"] or "none stated")
    ]


def packages() -> list[str]:
    wrong = []
    for requirement in metadata.requires("driftspan") or []:
        name = re.split(r"[<>=!~ \[;]", requirement)[0]
        extra = re.search(r"extra == ['\"](\w+)", requirement)
        if extra and (extra[1] in FOR_US or name.lower() in APART or not _installed(name)):
            continue
        facts = metadata.metadata(name)
        stated = facts.get("License-Expression") or ""
        classified = [c for c in facts.get_all("Classifier") or [] if c.startswith("License ::")]
        free = acceptable(stated) or any(
            re.search(r"Apache|BSD|MIT|Mozilla|Python Software Foundation", c) for c in classified
        )
        if not free and not re.match(r"(Apache|BSD|MIT)", facts.get("License") or ""):
            wrong.append(f"package {facts['Name']}: {stated or classified or facts.get('License') or 'none stated'}")
    return wrong


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def main() -> int:
    wrong = crates() + packages()
    for line in wrong:
        sys.stderr.write(f"licence to be looked at: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
