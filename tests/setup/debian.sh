#!/usr/bin/env bash
# Programs that the tests and `show` use: installed through apt as root, named otherwise.
set -u
declare -A package=([tshark]=tshark [tcpdump]=tcpdump [ip]=iproute2)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "not installed: ${missing[*]} (as root: apt-get install ${missing[*]}); without them some tests skip and 'driftspan show' dissects no packets" >&2
