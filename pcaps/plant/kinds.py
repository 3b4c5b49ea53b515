"""Kinds of alert that labels may name, by detector: what a sensor that watches such a plant should be able to say.

The list follows techniques, not what the sensor says today: a kind without a detector shows as missed in
`make evaluate`.
"""

_OF = {
    "artefacts": "unknown revoked rollback changed dangerous_pickle contradiction not_inspectable",
    "assets": "new changed vanished",
    "availability": "flood exception_storm unresponsive restarts",
    "baseline": "new_behaviour traffic slow_drift",
    "boundary": "internet it_ot conduit push_only unknown_zone",
    "boundary_shape": "dual_homed shared_vlan drift",
    "cleartext": "protocol login credentials opcua_none opcua_weak opcua_signed tls",
    "commands": "restart stop mode_change disable_unsolicited file_transfer broadcast_write direct_operate brute_force "
    "new_function range unanswered two_masters outside_window order",
    "credentials": "cleartext default shared old_certificate privileged_session guessing anonymous",
    "encryption": "downgrade certificate changed_certificate",
    "exfiltration": "new_destination volume model_file subscription dns_tunnel icmp_tunnel query_volume",
    "feeds": "open altered new_source",
    "inference": "disagreement unlogged unseen",
    "lateral": "new_admin_edge fan_out chain relay beacon file_transfer",
    "mirror": "loss dropped duplicates truncated oversized one_sided silent vlan_lost clock",
    "models": "candidate inputs_unseen",
    "new_writer": "write control",
    "parser_anomaly": "malformed evasion failure unsolicited reserved_code wrong_port",
    "period": "missing late doubled",
    "scan": "addresses ports controllers units functions points broadcast browse wildcard integrity_poll",
    "spoofing": "arp_move arp_storm many_addresses two_publishers two_answers takeover sequence",
    "values": "range frozen step replay",
}

KINDS = frozenset(f"{detector}.{what}" for detector, kinds in _OF.items() for what in kinds.split())
