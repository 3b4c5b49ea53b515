//! The facts of an X.509 certificate that a row shows.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::fingerprint::hex;
use super::shake::cut;
use crate::dissect::Nanos;

/// Facts of one certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub not_before: Nanos,
    pub not_after: Nanos,
    pub self_signed: bool,
    pub sha256: String,
    pub serial: String,
    /// Names and addresses that it is for besides its subject, `,` between.
    pub names: String,
    pub key: String,
    pub signature: String,
}

impl Certificate {
    /// Reads a certificate (RFC 5280 section 4.1), keeping at most `text_bytes` of each text.
    pub fn read(der: &[u8], text_bytes: u64) -> Result<Self, String> {
        let (_, cert) = X509Certificate::from_der(der).map_err(|e| e.to_string())?;
        let nanos = |seconds: i64| seconds.saturating_mul(1_000_000_000);
        Ok(Self {
            subject: cut(cert.subject().to_string(), text_bytes),
            issuer: cut(cert.issuer().to_string(), text_bytes),
            // "99991231235959Z" (no expiry, RFC 5280 section 4.1.2.5) saturates at the year 2262.
            not_before: nanos(cert.validity().not_before.timestamp()),
            not_after: nanos(cert.validity().not_after.timestamp()),
            self_signed: cert.subject().as_raw() == cert.issuer().as_raw(),
            sha256: hex(&Sha256::digest(der)),
            serial: cut(hex(cert.raw_serial()), text_bytes),
            names: cut(names(&cert, text_bytes), text_bytes),
            key: key(&cert),
            signature: signature(&cert),
        })
    }
}

/// The subject's alternative names (RFC 5280 section 4.2.1.6): hosts, addresses, URIs.
fn names(cert: &X509Certificate<'_>, text_bytes: u64) -> String {
    let mut out = String::new();
    let Ok(Some(found)) = cert.subject_alternative_name() else { return out };
    for name in &found.value.general_names {
        if out.len() as u64 > text_bytes {
            break;
        }
        let start = out.len();
        // Writing to a string cannot fail.
        let _ = match name {
            GeneralName::DNSName(text) | GeneralName::URI(text) | GeneralName::RFC822Name(text) => {
                write!(out, ",{text}")
            }
            GeneralName::IPAddress([a, b, c, d]) => write!(out, ",{a}.{b}.{c}.{d}"),
            GeneralName::IPAddress(bytes) => match <[u8; 16]>::try_from(*bytes) {
                Ok(v6) => write!(out, ",{}", std::net::Ipv6Addr::from(v6)),
                Err(_) => Ok(()),
            },
            _ => Ok(()),
        };
        if start == 0 && out.starts_with(',') {
            out.remove(0);
        }
    }
    out
}

/// The public key's kind and size: `RSA 2048`, `EC 256`.
fn key(cert: &X509Certificate<'_>) -> String {
    match cert.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(key)) => format!("EC {}", key.key_size()),
        Ok(PublicKey::DSA(_)) => "DSA".into(),
        _ => cert.public_key().algorithm.algorithm.to_id_string(),
    }
}

/// The signature algorithm's name; its number where it has none.
fn signature(cert: &X509Certificate<'_>) -> String {
    let oid = &cert.signature_algorithm.algorithm;
    let known = x509_parser::objects::oid2sn(oid, x509_parser::objects::oid_registry());
    known.map_or_else(|_| oid.to_id_string(), str::to_owned)
}
