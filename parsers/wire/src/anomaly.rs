//! The closed list of oddities. Parsing goes on after each; the row says what was seen.

macro_rules! anomalies {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// A kind of oddity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = $doc])* $name,)* }
        impl Kind {
            /// Every kind there is.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];
            /// The kind's name in the `anomalies` table.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Kind::$name => $text,)* } }
            /// What the kind means.
            #[must_use]
            pub fn meaning(self) -> &'static str { match self { $(Kind::$name => concat!($($doc),*),)* } }
        }
    };
}

impl Kind {
    /// Whether it means bytes that no sound device sends, as against holes and limits of our own.
    #[must_use]
    pub fn broken(self) -> bool {
        matches!(self, Self::Malformed | Self::Crc | Self::Truncated | Self::TrailingBytes | Self::BadLength)
    }
}

anomalies! {
    // --- any protocol
    /// A message that contradicts its own standard; `detail` names field and offset.
    Malformed = "malformed",
    /// Bytes were skipped until the next plausible start of a message.
    Resynchronised = "resynchronised",
    /// Bytes of the stream were never captured.
    Gap = "gap",
    /// A message larger than the limit `message_bytes` was skipped.
    MessageTooLong = "message_too_long",
    /// A message ended with bytes that belong to no field.
    TrailingBytes = "trailing_bytes",
    /// A message was cut by the end of its datagram, its flow or the capture's snap length.
    Truncated = "truncated",
    /// More items than the limit `items` in one message.
    TooManyItems = "too_many_items",
    /// A response without a request.
    UnsolicitedResponse = "unsolicited_response",
    /// The table of waiting requests was full.
    PendingFull = "pending_full",
    /// A code that the standard reserves or does not know.
    UnknownCode = "unknown_code",
    /// The first bytes on a protocol's own port are neither that protocol nor another that is known.
    UnexpectedProtocol = "unexpected_protocol",
    /// A dissector of this program failed on the flow, whose rest is not dissected; `detail` names the place.
    DissectorFailed = "dissector_failed",
    // --- IP and TCP
    /// IP fragments that overlap; the bytes seen first were kept.
    FragmentOverlap = "fragment_overlap",
    /// An IP datagram whose fragments never all came.
    FragmentIncomplete = "fragment_incomplete",
    /// TCP segments that put different bytes at one place of a stream; the bytes seen first were kept.
    OverlapConflict = "overlap_conflict",
    /// A TCP stream can be read two ways; `detail` tells what the other reading says.
    AmbiguousStream = "ambiguous_stream",
    /// A packet with a wrong checksum from a host whose others were right: its receiver drops it, so it is no part of
    /// the stream.
    BadChecksum = "bad_checksum",
    /// TCP bytes that the receiver cannot have taken where they stand: far outside its window, before the stream's
    /// start, or behind a hole that it never acknowledged. They are no part of the stream.
    OutOfWindow = "out_of_window",
    /// A TCP connection goes on behind a FIN or RST that its ends cannot have seen.
    DataAfterEnd = "data_after_end",
    /// A TCP segment with urgent data: whether a receiver takes that byte as part of the stream is its own affair.
    UrgentData = "urgent_data",
    /// A SYN inside an open connection.
    SynInside = "syn_inside",
    /// Lengths in headers that exceed the packet.
    BadLength = "bad_length",
    // --- Modbus
    // --- DNP3
    /// A DNP3 block whose CRC is wrong.
    Crc = "crc",
    /// A DNP3 transport segment out of sequence; the fragment that it breaks is lost.
    TransportSequence = "transport_sequence",
    /// A DNP3 operate without its select, or with other objects or another sequence than it.
    SelectMismatch = "select_mismatch",
    // --- OPC UA
    /// The sender gave a chunked OPC UA message up.
    ChunkAbort = "chunk_abort",
    /// Too many unfinished chunked OPC UA messages: the oldest was dropped.
    ChunksFull = "chunks_full",
    /// More nodes than the limit `tags_per_flow`: values of further ones are not followed.
    TagsFull = "tags_full",
    // --- MQTT
    /// An MQTT packet that this side of a session never sends.
    WrongDirection = "wrong_direction",
    /// An MQTT CONNECT inside a session.
    SecondConnect = "second_connect",
    /// An MQTT topic alias that was not seen to be set.
    UnknownAlias = "unknown_alias",
    /// A compressed message, which is not read.
    Compressed = "compressed",
    /// A Sparkplug sequence number that does not follow the one before: a message was lost, or made up.
    SequenceGap = "sequence_gap",
    /// User name and password of MQTT's CONNECT are those that a vendor ships: `shipped`.
    DefaultCredentials = "default_credentials",
    // --- TLS
}
