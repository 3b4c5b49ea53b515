#!/usr/bin/env bash
# The demonstration: a fresh store, two captures, the summaries, the alerts, what to try next, and the console until
# Ctrl-C. DEMO_SERVE=0: without the console. DEMO_PORT: where it listens.
set -euo pipefail
driftspan=$1 store=$2
rm -rf "$store" "$store-console" "$store-evidence"
printf '\n== driftspan replay pcaps/demo.pcap --store %s\n' "$store"
"$driftspan" replay pcaps/demo.pcap --store "$store" --case demo --format table
printf '\n== driftspan replay pcaps/model_swap.pcap --config pcaps/plant.toml --evidence --store %s\n' "$store"
"$driftspan" replay pcaps/model_swap.pcap --config pcaps/plant.toml --evidence --store "$store" --case model-swap --format table
printf '\n== driftspan alerts --store %s\n' "$store"
"$driftspan" alerts --store "$store" --format table
cat <<EOF

The store is the directory $store. Try next:
  $driftspan show ID --store $store            (an id from the table above)
  $driftspan assets --store $store
  $driftspan flows --store $store --where "app = ''"
  $driftspan query "SELECT ts, src_ip, dst_ip, function, address, values FROM modbus WHERE function LIKE 'write%' ORDER BY ts" --store $store
  $driftspan query "SELECT ts, topic, payload FROM mqtt WHERE packet_type = 3 ORDER BY ts LIMIT 5" --store $store
  $driftspan incidents --store $store
  $driftspan replay YOUR.pcap --store site
  $driftspan serve --store $store --config pcaps/plant.toml        (the console again)
EOF
[ "${DEMO_SERVE:-1}" = 1 ] || exit 0
printf '\n== The console: its address and the password for the first login come below. Ctrl-C ends it.\n\n'
exec "$driftspan" serve --store "$store" --config pcaps/plant.toml --port "${DEMO_PORT:-8642}"
