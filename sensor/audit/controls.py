"""Names of the controls that findings speak of: IEC 62443-3-3:2013 system requirements, NIST SP 800-53 controls as
SP 800-82r3 overlays them."""

from __future__ import annotations

SR = {
    "SR 1.1": "Human user identification and authentication",
    "SR 1.2": "Software process and device identification and authentication",
    "SR 1.5": "Authenticator management",
    "SR 1.7": "Strength of password-based authentication",
    "SR 1.8": "Public key infrastructure certificates",
    "SR 1.9": "Strength of public key authentication",
    "SR 1.10": "Authenticator feedback",
    "SR 1.11": "Unsuccessful login attempts",
    "SR 1.13": "Access via untrusted networks",
    "SR 2.1": "Authorization enforcement",
    "SR 2.4": "Mobile code",
    "SR 2.8": "Auditable events",
    "SR 2.10": "Response to audit processing failures",
    "SR 2.12": "Non-repudiation",
    "SR 3.1": "Communication integrity",
    "SR 3.2": "Malicious code protection",
    "SR 3.4": "Software and information integrity",
    "SR 3.5": "Input validation",
    "SR 3.8": "Session integrity",
    "SR 4.1": "Information confidentiality",
    "SR 4.3": "Use of cryptography",
    "SR 5.1": "Network segmentation",
    "SR 5.2": "Zone boundary protection",
    "SR 6.1": "Audit log accessibility",
    "SR 6.2": "Continuous monitoring",
    "SR 7.1": "Denial of service protection",
    "SR 7.6": "Network and security configuration settings",
    "SR 7.7": "Least functionality",
    "SR 7.8": "Control system component inventory",
}
NIST = {
    "AC-2": "Account management",
    "AC-3": "Access enforcement",
    "AC-4": "Information flow enforcement",
    "AC-6": "Least privilege",
    "AC-7": "Unsuccessful logon attempts",
    "AC-17": "Remote access",
    "AU-6": "Audit record review, analysis, and reporting",
    "AU-9": "Protection of audit information",
    "AU-10": "Non-repudiation",
    "AU-12": "Audit record generation",
    "CA-3": "Information exchange",
    "CA-7": "Continuous monitoring",
    "CA-9": "Internal system connections",
    "CM-2": "Baseline configuration",
    "CM-3": "Configuration change control",
    "CM-5": "Access restrictions for change",
    "CM-6": "Configuration settings",
    "CM-7": "Least functionality",
    "CM-8": "System component inventory",
    "IA-2": "Identification and authentication (organizational users)",
    "IA-3": "Device identification and authentication",
    "IA-5": "Authenticator management",
    "RA-5": "Vulnerability monitoring and scanning",
    "SC-5": "Denial-of-service protection",
    "SC-7": "Boundary protection",
    "SC-8": "Transmission confidentiality and integrity",
    "SC-12": "Cryptographic key establishment and management",
    "SC-13": "Cryptographic protection",
    "SC-17": "Public key infrastructure certificates",
    "SC-23": "Session authenticity",
    "SI-3": "Malicious code protection",
    "SI-4": "System monitoring",
    "SI-7": "Software, firmware, and information integrity",
    "SI-10": "Information input validation",
    "SR-3": "Supply chain controls and processes",
    "SR-4": "Provenance",
    "SR-11": "Component authenticity",
}


def named(control: str) -> str:
    """`IEC 62443-3-3 SR 5.1` or `NIST SP 800-82r3 AC-4` with its name; as it is where that is not known."""
    for standard, names in (("IEC 62443-3-3 ", SR), ("NIST SP 800-82r3 ", NIST)):
        key = control.removeprefix(standard)
        if key != control and key in names:
            return f"{control}, {names[key]}"
    return control
