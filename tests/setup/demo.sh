#!/usr/bin/env bash
# The demonstration: a fresh store, one capture, the summary, the worst alerts, and what to try next.
set -euo pipefail
driftspan=$1 store=$2
rm -rf "$store"
printf '\n== driftspan replay pcaps/demo.pcap --store %s\n' "$store"
"$driftspan" replay pcaps/demo.pcap --store "$store" --case demo --format table
printf '\n== driftspan alerts --store %s\n' "$store"
"$driftspan" alerts --store "$store" --format table
cat <<EOF

The store is the directory $store. Try next:
  $driftspan show ID --store $store            (an id from the table above)
  $driftspan assets --store $store
  $driftspan flows --store $store --where "app = ''"
  $driftspan query "SELECT ts, src_ip, dst_ip, function, address, values FROM modbus WHERE function LIKE 'write%' ORDER BY ts" --store $store
  $driftspan query "SELECT ts, topic, payload FROM mqtt WHERE packet_type = 3 ORDER BY ts LIMIT 5" --store $store
  $driftspan replay YOUR.pcap --store site
EOF
