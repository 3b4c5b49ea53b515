//! The facts of an X.509 certificate that a row shows.

use x509_parser::prelude::{FromDer as _, X509Certificate};

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
}

impl Certificate {
    /// Reads a certificate (RFC 5280 section 4.1), keeping at most `text_bytes` of each name.
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
        })
    }
}
