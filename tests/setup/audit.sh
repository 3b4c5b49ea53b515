#!/usr/bin/env bash
# Known faults of the versions that are pinned. Their data bases are on the Internet; which of them was not reached is said,
# and then nothing is known: status 1.
set -uo pipefail
cd "$(dirname "$0")/../.."
status=0
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
unknown() { echo "audit-deps: $1: its data base was not reached, so nothing is known" >&2; status=1; }

python3 -m venv "$tools/venv" && "$tools/venv/bin/pip" install --quiet pip-audit
"$tools/venv/bin/pip-audit" --requirement constraints.txt --no-deps --disable-pip --progress-spinner off >"$tools/python" 2>&1
if grep -q "could not be audited" "$tools/python" || ! grep -q "nown vulnerabilit" "$tools/python"; then unknown "pip-audit"
elif grep -q "^No known" "$tools/python"; then echo "Python: nothing known"
else cat "$tools/python"; status=1; fi

if ! command -v cargo-audit >/dev/null; then
  cargo install --quiet --locked --root "$tools" cargo-audit >/dev/null 2>&1 && PATH="$tools/bin:$PATH"
fi
if command -v cargo-audit >/dev/null && (cd parsers && cargo audit) >"$tools/rust" 2>&1; then echo "Rust: nothing known"
elif grep -q "^Crate:" "$tools/rust" 2>/dev/null; then cat "$tools/rust"; status=1
else unknown "cargo-audit"; fi

if command -v npm >/dev/null; then
  (cd sensor/console/web && npm audit --omit=dev) >"$tools/npm" 2>&1 && echo "npm: $(tail -1 "$tools/npm")" ||
    { grep -q "severity" "$tools/npm" && { cat "$tools/npm"; status=1; } || unknown "npm audit"; }
fi
exit $status
