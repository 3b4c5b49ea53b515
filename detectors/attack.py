"""Technique ids and the matrices they belong to.

ATT&CK for ICS v19 (28 April 2026) turned techniques into sub-techniques with new ids. Rules and
dashboards elsewhere still say T0855, so both ways are kept: alerts carry the new id and the version.
"""

from __future__ import annotations

ATTACK_VERSION = "ATT&CK for ICS v19"
ATLAS_VERSION = "ATLAS 5.6.0"

# Revoked id: its successor.
SUCCESSOR = {
    "T0803": "T1691.001",  # Block Command Message
    "T0804": "T1691.002",  # Block Reporting Message
    "T0805": "T1695.001",  # Block Serial COM
    "T0812": "T1694.001",  # Default Credentials
    "T0839": "T1693.002",  # Module Firmware
    "T0855": "T1692.001",  # Unauthorized Command Message
    "T0856": "T1692.002",  # Spoof Reporting Message
    "T0857": "T1693.001",  # System Firmware
    "T0891": "T1694.002",  # Hardcoded Credentials
}
PREDECESSOR = {new: old for old, new in SUCCESSOR.items()}

# The names of the techniques the catalogue uses, for people who do not know the ids by heart.
NAMES = {
    "T0801": "Monitor Process State",
    "T0806": "Brute Force I/O",
    "T0814": "Denial of Service",
    "T0816": "Device Restart/Shutdown",
    "T0838": "Modify Alarm Settings",
    "T0843": "Program Download",
    "T0845": "Program Upload",
    "T0846.002": "Remote System Discovery: Broadcast Discovery",
    "T0858": "Change Operating Mode",
    "T0867": "Lateral Tool Transfer",
    "T0868": "Detect Operating Mode",
    "T0878": "Alarm Suppression",
    "T0889": "Modify Program",
    "T1693.001": "Modify Firmware: System Firmware",
    "T0802": "Automated Collection",
    "T0822": "External Remote Services",
    "T0830": "Adversary-in-the-Middle",
    "T0831": "Manipulation of Control",
    "T0836": "Modify Parameter",
    "T0846": "Remote System Discovery",
    "T0846.001": "Remote System Discovery: Port Scan",
    "T0848": "Rogue Master",
    "T0861": "Point & Tag Identification",
    "T0866": "Exploitation of Remote Services",
    "T0869": "Standard Application Layer Protocol",
    "T0883": "Internet Accessible Device",
    "T0885": "Commonly Used Port",
    "T0886": "Remote Services",
    "T0888": "Remote System Information Discovery",
    "T1691.001": "Block Command Message",
    "T1691.002": "Block Reporting Message",
    "T1692.001": "Unauthorized Command Message",
    "T1692.002": "Spoof Reporting Message",
    "T1694.001": "Default Credentials",
    "T1694.002": "Hardcoded Credentials",
    "T0842": "Network Sniffing",
    "T0859": "Valid Accounts",
    "T0882": "Theft of Operational Information",
    "T0884": "Connection Proxy",
    "AML.T0024.002": "Extract AI Model",
    "AML.T0025": "Exfiltration via Cyber Means",
    "AML.T0035": "AI Artifact Collection",
    "AML.T0006": "Active Scanning",
    "AML.T0029": "Denial of AI Service",
    "AML.T0020": "Poison Training Data",
    "AML.T0043": "Craft Adversarial Data",
    "T0849": "Masquerading",
    "T0863": "User Execution",
    "AML.T0010": "AI Supply Chain Compromise",
    "AML.T0010.003": "AI Supply Chain Compromise: Model",
    "AML.T0011.000": "User Execution: Unsafe AI Artifacts",
    "AML.T0018": "Manipulate AI Model",
    "AML.T0031": "Erode AI Model Integrity",
    "AML.T0059": "Erode Dataset Integrity",
    "AML.T0040": "AI Model Inference API Access",
}


def current(technique: str) -> str:
    """The id of today for one that may be old."""
    return SUCCESSOR.get(technique, technique)


def aliases(technique: str) -> tuple[str, ...]:
    """The id and the one it replaced, for tools that know only one of the two."""
    return (technique, PREDECESSOR[technique]) if technique in PREDECESSOR else (technique,)
