#!/usr/bin/env bash
# What is in a build, as CycloneDX (JSON): Python packages of the environment, Rust crates, npm packages of the console.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=${1:-.venv} out=${2:-sbom}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
mkdir -p "$out"
python3 -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet cyclonedx-bom
"$tools/venv/bin/cyclonedx-py" environment --output-reproducible --pyproject pyproject.toml --of JSON -o "$out/python.cdx.json" "$venv/bin/python"
if ! command -v cargo-cyclonedx >/dev/null; then
  cargo install --quiet --locked --root "$tools" cargo-cyclonedx
  PATH="$tools/bin:$PATH"
fi
(cd parsers && cargo cyclonedx --quiet --format json --manifest-path binding/Cargo.toml --override-filename rust.cdx)
mv parsers/binding/rust.cdx.json "$out/rust.cdx.json"
find parsers -name 'rust.cdx.json' -not -path '*/target/*' -delete
if command -v npm >/dev/null; then
  (cd sensor/console/web && npm sbom --package-lock-only --omit=dev --sbom-format cyclonedx) >"$out/npm.cdx.json"
fi
ls -1 "$out"
