//! The HTTP/1.1 upgrade in front of the frames (RFC 6455, 4). Only what it decides is read: no header is kept,
//! they carry tokens and cookies.

/// Bytes of a request's or response's head; a longer one is not followed.
const HEAD: usize = 16_384;

/// What stands at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A request that asks for MQTT over WebSocket; bytes of the head.
    Asks(usize),
    /// The response that grants it.
    Grants(usize),
    /// Another request or response.
    Other(usize),
    /// The head is not whole yet.
    Short,
    /// No HTTP.
    No,
}

/// Reads a head.
#[must_use]
pub fn head(bytes: &[u8]) -> Head {
    head_from(bytes, 0)
}

/// Reads a head of which the first `searched` bytes are known not to hold its end.
#[must_use]
pub fn head_from(bytes: &[u8], searched: usize) -> Head {
    let starts = |word: &[u8]| bytes.iter().zip(word).all(|(a, b)| a == b);
    let (request, response) = (starts(b"GET /"), starts(b"HTTP/1."));
    if bytes.is_empty() || !(request || response) {
        return Head::No;
    }
    let from = searched.saturating_sub(3);
    let unknown = bytes.get(from..HEAD.min(bytes.len())).unwrap_or_default();
    let Some(end) = memchr::memmem::find(unknown, b"\r\n\r\n") else {
        return if bytes.len() < HEAD { Head::Short } else { Head::No };
    };
    let end = from + end + 4;
    let head = bytes.get(..end).unwrap_or_default();
    let mqtt = value(head, b"sec-websocket-protocol").is_some_and(|names| has(names, b"mqtt"));
    let upgrade = value(head, b"upgrade").is_some_and(|names| has(names, b"websocket"));
    match request {
        true if mqtt && upgrade => Head::Asks(end),
        // A server may leave the protocol out of its answer: the request has said it.
        false if upgrade && head.get(8..12) == Some(b" 101") => Head::Grants(end),
        _ => Head::Other(end),
    }
}

/// Whether a granting response names MQTT itself.
#[must_use]
pub fn names_mqtt(head: &[u8]) -> bool {
    value(head, b"sec-websocket-protocol").is_some_and(|names| has(names, b"mqtt"))
}

/// A header's value, its name in any case.
fn value<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&b| b == b'\n').skip(1).find_map(|line| {
        let (key, rest) = line.split_at_checked(name.len())?;
        key.eq_ignore_ascii_case(name).then_some(rest.strip_prefix(b":")?)
    })
}

/// Whether a list begins a member with a word: `mqtt` also stands for `mqttv3.1`.
fn has(list: &[u8], word: &[u8]) -> bool {
    list.split(|&b| b == b',')
        .any(|member| member.trim_ascii().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let ask =
            b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUPGRADE: WebSocket\r\nSec-WebSocket-Protocol: foo, mqttv3.1\r\n\r\n";
        assert_eq!(head(ask), Head::Asks(ask.len()));
        assert_eq!(head(&ask[..40]), Head::Short);
        assert_eq!(head(b"GE"), Head::Short);
        assert_eq!(head(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest"), Head::Other(27));
        assert_eq!(head(b"POST / HTTP/1.1\r\n\r\n"), Head::No);
        let grant = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nsec-websocket-protocol:mqtt\r\n\r\n";
        assert_eq!(head(grant), Head::Grants(grant.len()));
        assert!(names_mqtt(grant));
        assert_eq!(head(b"HTTP/1.1 401 No\r\nUpgrade: websocket\r\n\r\n"), Head::Other(39));
        assert_eq!(head(&[b"GET /".to_vec(), vec![b'a'; HEAD]].concat()), Head::No);
    }
}
