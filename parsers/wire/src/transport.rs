//! Transport headers: TCP, UDP, ICMP. Bytes in, values out.

/// A TCP header's facts and where its payload starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub from: u16,
    /// Destination port.
    pub to: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32).
    pub flags: u8,
    /// Length of the header.
    pub header: usize,
    /// Where urgent data end, counted from the segment's first byte; 0: there are none.
    pub urgent: u16,
}

/// FIN flag.
pub const FIN: u8 = 1;
/// SYN flag.
pub const SYN: u8 = 2;
/// RST flag.
pub const RST: u8 = 4;
/// ACK flag.
pub const ACK: u8 = 16;
/// URG flag.
pub const URG: u8 = 32;

impl Tcp {
    /// Reads a TCP header (RFC 9293, 3.1); `None`: shorter than it says it is.
    ///
    /// ```text
    ///  0      2      4        8        12      13     14      16        18     20
    ///  | from |  to  |  seq   |  ack   | off4  | flags| window| checksum| urg  | options…
    /// ```
    #[must_use]
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let h = bytes.first_chunk::<20>()?;
        let header = usize::from(h[12] >> 4) * 4;
        (header >= 20 && header <= bytes.len()).then_some(Self {
            from: u16::from_be_bytes([h[0], h[1]]),
            to: u16::from_be_bytes([h[2], h[3]]),
            seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
            ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
            flags: h[13],
            header,
            urgent: if h[13] & URG == 0 { 0 } else { u16::from_be_bytes([h[18], h[19]]) },
        })
    }
}

/// Reads a UDP header (RFC 768): ports and the payload, cut at the length it states.
///
/// ```text
///  0      2      4        6          8
///  | from |  to  | length | checksum | payload…
/// ```
#[must_use]
#[inline]
pub fn udp(bytes: &[u8]) -> Option<(u16, u16, &[u8])> {
    let (h, rest) = bytes.split_first_chunk::<8>()?;
    let stated = usize::from(u16::from_be_bytes([h[4], h[5]]));
    // 0: a jumbogram (RFC 2675) or a packet caught before checksum offload filled it in.
    let length = if stated < 8 { rest.len() } else { (stated - 8).min(rest.len()) };
    Some((u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]), rest.get(..length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_needs_the_header_it_promises() {
        let mut h = [0u8; 24];
        h[12] = 0x60;
        h[13] = SYN | ACK;
        assert_eq!(Tcp::read(&h).map(|t| (t.header, t.flags)), Some((24, 18)));
        assert_eq!(Tcp::read(&h[..23]), None);
        h[12] = 0x40;
        assert_eq!(Tcp::read(&h), None);
    }

    #[test]
    fn udp_is_cut_at_its_length() {
        assert_eq!(udp(&[0, 1, 0, 2, 0, 9, 0, 0, 7, 8]), Some((1, 2, &[7u8][..])));
        assert_eq!(udp(&[0, 1, 0, 2, 0, 0, 0, 0, 7, 8]), Some((1, 2, &[7u8, 8][..])));
        assert_eq!(udp(&[0; 7]), None);
    }
}
