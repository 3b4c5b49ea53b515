//! Names and passwords that devices and programs are shipped with. Compared where they stand in a packet; neither the
//! name nor the password leaves this file.

use base64::Engine as _;

/// Bytes of a name or password that are compared; longer ones are no vendor's.
pub const LONGEST: usize = 64;

/// Pairs of name and password as their vendors' manuals, or advisories about them, print them. Names are compared
/// without regard to case; where a device asks for no name it is empty.
const SHIPPED: &[(&str, &[&str])] = &[
    ("", &["OTTER", "TAIL", "EDITH", "100"]), // relays of SEL: levels ACC, 2AC, CAL; panels of Siemens
    ("acc", &["OTTER"]),
    ("2ac", &["TAIL"]),
    ("adm", &["adm"]),
    (
        "admin",
        &[
            "",
            "admin",
            "1234",
            "12345",
            "123456",
            "password",
            "private",
            "public",
            "default",
            "moxa",
            "wago",
            "westermo",
            "hivemq",
            "superuser",
            "changeme",
            "admin123",
        ],
    ),
    ("administrator", &["", "1", "100", "administrator", "admin", "ml1400", "password", "remote0004"]),
    ("appadmin", &["demo"]),
    ("appuser", &["demo"]),
    ("autcse", &["RybQRceeSd"]), // ftp of Modicon Quantum: ICSA-12-018-01
    ("aut_cse", &["cQdd9debez"]),
    ("default", &["default", ""]),
    ("engineer", &["engineer"]),
    ("fdrusers", &["sresurdf"]),
    ("ftpuser", &["password", "ftpuser"]),
    ("fwupgrade", &["blackbox"]),
    ("guest", &["", "guest"]),
    ("loader", &["fwdownload"]),
    ("login", &["access"]),
    ("nic2212", &["poiuypoiuy"]),
    ("nimrohs2212", &["qwertyqwerty"]),
    ("nip2212", &["fcsdfcsd"]),
    ("noe77111_v500", &["RcSyyebczS"]),
    ("ntpupdate", &["ntpupdate"]),
    ("operator", &["operator"]),
    ("pcfactory", &["pcfactory"]),
    ("pi", &["raspberry"]),
    ("root", &["", "root", "admin", "wago", "toor", "password", "default", "dbps", "secret", "public"]),
    ("service", &["service"]),
    ("supervisor", &["supervisor"]),
    ("sysadmin", &["demo", "sysadmin"]),
    ("sysdiag", &["factorycast@schneider"]),
    ("target", &["RcSyyebczS"]),
    ("tenant@thingsboard.org", &["tenant"]),
    ("test", &["test", "testingpw"]),
    ("tomcat", &["tomcat"]),
    ("user", &["user", "USER", "public", "user00", "password"]),
    ("webguest", &["1"]),
    ("webserver", &["webpages"]),
    ("wincc", &["2WSXcder"]),
    ("winccadmin", &["2WSXcde."]),
    ("winccconnect", &["2WSXcder"]),
];

/// Whether a vendor ships something with this name and password.
#[must_use]
pub fn shipped(name: &[u8], password: &[u8]) -> bool {
    if name.len() > LONGEST || password.len() > LONGEST || (name.is_empty() && password.is_empty()) {
        return false;
    }
    let known = SHIPPED.iter().filter(|(n, _)| n.as_bytes().eq_ignore_ascii_case(name));
    known.flat_map(|(_, passwords)| passwords.iter()).any(|p| p.as_bytes() == password)
}

/// The same of the token of HTTP's scheme Basic (RFC 7617): base64 of `name:password`.
#[must_use]
pub fn shipped_basic(token: &[u8]) -> bool {
    let mut plain = [0; 2 * LONGEST + 4];
    let Ok(length) = base64::engine::general_purpose::STANDARD.decode_slice(token, &mut plain) else { return false };
    let plain = plain.get(..length).unwrap_or_default();
    let Some(colon) = memchr::memchr(b':', plain) else { return false };
    shipped(plain.get(..colon).unwrap_or_default(), plain.get(colon + 1..).unwrap_or_default())
}
