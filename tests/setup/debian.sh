#!/usr/bin/env bash
# Programs that the tests and `show` use, or with the word `plant` those of the plant, with `screenshots` one that makes
# pictures small: installed through apt as root, named otherwise. The plant starts its servers itself, in its own namespaces; the machine's own stay off.
set -u
PATH=$PATH:/usr/sbin:/sbin
declare -A package=([tshark]=tshark [tcpdump]=tcpdump [ip]=iproute2 [chromium]=chromium)
if [ "${1:-}" = plant ]; then
    package+=([nft]=nftables [ethtool]=ethtool [mosquitto]=mosquitto [sshd]=openssh-server [ssh]=openssh-client [smbd]=samba
        [smbclient]=smbclient [dnsmasq]=dnsmasq-base [chronyd]=chrony [vsftpd]=vsftpd [xrdp]=xrdp)
fi
[ "${1:-}" = screenshots ] && package+=([pngquant]=pngquant)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
    fi
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "not installed: ${missing[*]} (as root: apt-get install ${missing[*]}); without them some tests skip and 'driftspan show' dissects no packets" >&2
