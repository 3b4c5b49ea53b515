//! Names of what must not be kept: the values under them are passed over, whatever their type.

/// A name with one of these in it, `_` and `-` left out, is a secret's; by their first letter.
const WITHIN: &[(u8, &[&[u8]])] = &[
    (b'p', &[b"password", b"passwd", b"passphrase", b"passcode", b"pwd", b"privatekey"]),
    (b't', &[b"token"]),
    (b's', &[b"secret", b"sessionid"]),
    (b'a', &[b"apikey", b"accesskey", b"authorization"]),
    (b'c', &[b"credential", b"cookie"]),
    (b'b', &[b"bearer"]),
    (b'j', &[b"jwt"]),
];

/// The words of [`WITHIN`] that begin with a byte, in either case.
static BY_BYTE: [&[&[u8]]; 256] = {
    let mut words: [&[&[u8]]; 256] = [&[]; 256];
    let mut at = 0;
    while at < WITHIN.len() {
        let (first, of) = WITHIN[at];
        words[first as usize] = of;
        words[first.to_ascii_uppercase() as usize] = of;
        at += 1;
    }
    words
};

/// Names that are a secret's only as a whole: they are parts of too many others (`spinning`, `author`).
const WHOLE: &[&[u8]] = &[b"pass", b"pin", b"auth", b"psk", b"otp"];
/// Places that one sends credentials to.
const PLACES: &[&[u8]] = &[b"login", b"signin", b"logon", b"oauth", b"oauth2"];

/// Whether a name is a secret's.
#[must_use]
pub fn names(name: &[u8]) -> bool {
    if WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole)) {
        return true;
    }
    name.iter().enumerate().any(|(at, &byte)| {
        let rest = name.get(at + 1..).unwrap_or_default();
        BY_BYTE[usize::from(byte)].iter().any(|word| starts(rest, word.get(1..).unwrap_or_default()))
    })
}

/// Whether a text begins with a word, passing over what joins the words of a name.
fn starts(text: &[u8], word: &[u8]) -> bool {
    let mut letters = text.iter().filter(|b| !matches!(b, b'_' | b'-' | b' '));
    word.iter().all(|wanted| letters.next().is_some_and(|b| b.eq_ignore_ascii_case(wanted)))
}

/// Whether one of the keys behind `base` in a path, or the last level in front of it, names a secret.
#[must_use]
pub fn hides(path: &str, base: usize) -> bool {
    let (front, keys) = path.as_bytes().split_at(base.min(path.len()));
    names(front.rsplit(|&b| b == b'/').next().unwrap_or_default()) || keys.split(divides).any(names)
}

fn divides(byte: &u8) -> bool {
    matches!(byte, b'.' | b'#' | b'/' | b'[' | b']')
}

/// Whether credentials are the business of this path of a URL.
#[must_use]
pub fn place(path: &str) -> bool {
    let level = |level: &str| {
        let level = level.as_bytes();
        names(level) || PLACES.iter().any(|place| level.eq_ignore_ascii_case(place))
    };
    path.split(['/', ':', '.']).any(level)
}

/// What may be kept of a text: a URL loses its query, in which tokens travel; `None`: it is a secret by its own look (a
/// signed token, the value of an authorization, a private key, a URL with a password).
#[must_use]
pub fn kept(text: &str) -> Option<&str> {
    let start = text.as_bytes();
    let scheme = |word: &[u8]| start.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let signed = start.starts_with(b"eyJ") && start.iter().filter(|&&b| b == b'.').count() >= 2;
    if signed || scheme(b"bearer ") || scheme(b"basic ") || text.contains("PRIVATE KEY-----") {
        return None;
    }
    let host = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    if host.is_some_and(|host| host.contains('@')) {
        return None;
    }
    if host.is_none() && !text.starts_with('/') {
        return Some(text);
    }
    text.split('?').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_secrets_by_their_look() {
        for text in ["eyJhbGciOi.eyJzdWIi.c2ln", "Bearer abc", "basic dTpw", "mqtt://u:p@broker/x"] {
            assert_eq!(kept(text), None, "{text}");
        }
        assert_eq!(kept("-----BEGIN EC PRIVATE KEY-----\nMHc="), None);
        assert_eq!(kept("https://r/x?token=t"), Some("https://r/x"));
        assert_eq!(kept("/x?sig=t"), Some("/x"));
        for text in ["auto", "ok?", "basically", "", "2026-01-01T00:00:00Z", "opc.tcp://plc:4840"] {
            assert_eq!(kept(text), Some(text));
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in ["password", "userPassword", "API-Key", "x_api_key", "accessToken", "set_cookie", "PIN", "auth"] {
            assert!(names(name.as_bytes()), "{name}");
        }
        for name in ["spinning", "author", "passes", "temperature", "key", "", "sessions", "compass", "t", "opinion"] {
            assert!(!names(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_secret_hides_all_that_stands_under_it() {
        let hidden = |path: &str| hides(path, path.find('#').unwrap_or(path.len()));
        assert!(
            hidden("p/1#credentials.user") && hidden("p/1#a.tokens[0]") && hidden("p/token") && hidden("p/token#a")
        );
        assert!(!hidden("tokens/1#a.b") && !hidden("p/1#a.b[0].c") && !hidden(""));
        assert!(place("/api/login") && place("/oauth/v2") && place("/users/1/password/reset") && !place("/tags/wear"));
    }
}
