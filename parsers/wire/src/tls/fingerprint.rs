//! Fingerprints of hellos: JA3 and JA4 of the client's, JA4S of the server's. GREASE is left out everywhere.

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::codes::{self, extension};
use super::hello::{ClientHello, ServerHello};

/// JA3: MD5 of `version,ciphers,extensions,groups,point formats`, each list in decimal with `-` between.
pub(super) fn ja3(hello: &ClientHello) -> String {
    let mut text = hello.version.to_string();
    for list in [&hello.ciphers, &hello.extensions, &hello.groups] {
        text.push(',');
        join(&mut text, '-', list.iter().filter(|&&v| !codes::grease(v)), |out, v| write!(out, "{v}"));
    }
    text.push(',');
    join(&mut text, '-', hello.formats.iter(), |out, v| write!(out, "{v}"));
    hex(&Md5::digest(text.as_bytes()))
}

/// JA4: `t13d1516h2_8daaf6152771_b186095e22b6`; `transport` is `t` for TCP, `d` for DTLS.
pub(super) fn ja4(hello: &ClientHello, transport: char) -> String {
    let mut ciphers: Vec<u16> = hello.ciphers.iter().copied().filter(|&v| !codes::grease(v)).collect();
    let mut extensions: Vec<u16> = hello.extensions.iter().copied().filter(|&v| !codes::grease(v)).collect();
    let sni = if extensions.contains(&extension::SERVER_NAME) { 'd' } else { 'i' };
    let counts = (ciphers.len().min(99), extensions.len().min(99));
    let [first, last] = ends(hello.alpn.first().map_or(&[], Vec::as_slice));
    ciphers.sort_unstable();
    // Server name and ALPN say where a client goes, not what it is.
    extensions.retain(|&e| e != extension::SERVER_NAME && e != extension::ALPN);
    extensions.sort_unstable();
    let offered = hex_list(&ciphers);
    let mut rest = hex_list(&extensions);
    if !rest.is_empty() && hello.signatures.iter().any(|&s| !codes::grease(s)) {
        rest.push('_');
        join(&mut rest, ',', hello.signatures.iter().filter(|&&v| !codes::grease(v)), |out, v| write!(out, "{v:04x}"));
    }
    let version = version(hello.newest());
    format!("{transport}{version}{sni}{:02}{:02}{first}{last}_{}_{}", counts.0, counts.1, short(&offered), short(&rest))
}

/// JA4S: `t120300_c030_4e8089608790`; extensions in the order of the wire.
pub(super) fn ja4s(hello: &ServerHello, transport: char) -> String {
    let [first, last] = ends(hello.alpn.as_deref().unwrap_or_default());
    let version = version(hello.version);
    let extensions = hex_list(&hello.extensions);
    let count = hello.extensions.len().min(99);
    format!("{transport}{version}{count:02}{first}{last}_{:04x}_{}", hello.cipher, short(&extensions))
}

fn version(number: u16) -> &'static str {
    match number {
        0x0002 => "s2",
        0x0300 => "s3",
        0x0301 => "10",
        0x0302 => "11",
        0x0303 => "12",
        0x0304 => "13",
        0xFEFF => "d1",
        0xFEFD => "d2",
        0xFEFC => "d3",
        _ => "00",
    }
}

/// First and last character of an ALPN value; of its hexadecimal form where either is not alphanumeric.
fn ends(alpn: &[u8]) -> [char; 2] {
    let (Some(&first), Some(&last)) = (alpn.first(), alpn.last()) else { return ['0', '0'] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)];
    }
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    [digit(first >> 4), digit(last & 0x0F)]
}

fn hex_list(values: &[u16]) -> String {
    let mut out = String::with_capacity(values.len() * 5);
    join(&mut out, ',', values.iter(), |out, v| write!(out, "{v:04x}"));
    out
}

fn join<T>(
    out: &mut String,
    between: char,
    values: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T) -> std::fmt::Result,
) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            out.push(between);
        }
        // Writing to a string cannot fail.
        let _ = write(out, value);
    }
}

/// The first twelve digits of the SHA-256; zeros for an empty list.
fn short(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".into();
    }
    let mut out = hex(&Sha256::digest(text.as_bytes()));
    out.truncate(12);
    out
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for b in bytes {
        let _ = write!(out, "{b:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a current browser, as services that echo them publish both lists and fingerprints.
    fn browser() -> ClientHello {
        ClientHello {
            version: 0x0303,
            ciphers: vec![
                0x1A1A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C,
                0x009D, 0x002F, 0x0035,
            ],
            extensions: vec![
                0x2A2A, 0x002D, 0x0033, 0x0010, 0xFE0D, 0x0017, 0x44CD, 0x0000, 0x000B, 0x000A, 0x002B, 0xFF01, 0x0023,
                0x0012, 0x0005, 0x000D, 0x001B, 0x3A3A,
            ],
            versions: vec![0x6A6A, 0x0304, 0x0303],
            groups: vec![0x4A4A, 4588, 29, 23, 24],
            formats: vec![0],
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            sni: Some("tls.example".into()),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            ..ClientHello::default()
        }
    }

    #[test]
    fn fingerprints_of_a_browser() {
        assert_eq!(ja3(&browser()), "98487aa16281980e7d1120d399efb6a4");
        assert_eq!(ja4(&browser(), 't'), "t13d1516h2_8daaf6152771_d8a2da3f94cd");
    }

    #[test]
    fn alpn_ends_as_the_specification_gives_them() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "00"),
            (b"h", "hh"),
            (b"http/1.1", "h1"),
            (&[0xAB], "ab"),
            (&[0xAB, 0xCD], "ad"),
            (&[0x30, 0xAB], "3b"),
            (&[0x30, 0x31, 0xAB, 0xCD], "3d"),
            (&[0x30, 0xAB, 0xCD, 0x31], "01"),
        ];
        for (alpn, want) in cases {
            assert_eq!(ends(alpn).iter().collect::<String>(), want, "{alpn:?}");
        }
    }

    #[test]
    fn nothing_offered_is_zeros() {
        let hello = ClientHello { version: 0x0301, ..ClientHello::default() };
        assert_eq!(ja4(&hello, 't'), "t10i000000_000000000000_000000000000");
    }

    #[test]
    fn counts_stop_at_99() {
        let hello = ClientHello { version: 0x0303, ciphers: (1..=300).collect(), ..ClientHello::default() };
        assert!(ja4(&hello, 'd').starts_with("d12i990000_"));
    }
}
