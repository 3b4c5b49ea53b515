//! Every limit of the packet path by name: what bounds memory, and what happens beyond it.

/// Defines [`Limits`] with names, defaults and meanings in one place.
macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident = $default:expr;)*) => {
        /// The limits of one engine. Each has a default, a meaning and a counter of its own name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $($(#[doc = $doc])* pub $name: u64,)* }

        impl Default for Limits {
            fn default() -> Self { Self { $($name: $default,)* } }
        }

        impl Limits {
            /// Name, value and meaning of every limit, in order.
            #[must_use]
            pub fn list(&self) -> Vec<(&'static str, u64, &'static str)> {
                vec![$((stringify!($name), self.$name, concat!($($doc),*)),)*]
            }

            /// Sets a limit by name.
            ///
            /// # Errors
            /// Gives the names that exist when `name` is none of them.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), Vec<&'static str>> {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return Err(vec![$(stringify!($name)),*]),
                }
                Ok(())
            }
        }
    };
}

limits! {
    // --- flows and reassembly
    /// Flows kept at once; beyond it the longest idle one is ended, closed ones first, then half-open ones.
    flows = 200_000;
    /// Seconds after which an idle TCP flow is ended.
    tcp_idle_seconds = 3_600;
    /// Seconds of silence after which a TCP flow that was closed or reset is ended.
    tcp_closed_seconds = 60;
    /// Seconds after which an idle UDP or other flow is ended.
    udp_idle_seconds = 180;
    /// Seconds after which a TCP flow that never carried data is ended.
    half_open_seconds = 60;
    /// Out-of-order bytes kept for one direction of a TCP flow; beyond it the gap is declared.
    reassembly_flow_bytes = 1_048_576;
    /// Out-of-order segments kept for one direction of a TCP flow; beyond it the gap is declared.
    reassembly_flow_segments = 512;
    /// Out-of-order bytes kept for all flows of a worker; beyond it gaps are declared at once.
    reassembly_bytes = 67_108_864;
    /// Declared holes remembered of one direction of a TCP flow, in case their bytes come after all.
    late_holes = 16;
    /// Bytes of one direction of a TCP flow that are kept while the receiver has not acknowledged them, to tell a
    /// retransmission from another reading; those further back are not compared.
    compare_bytes = 4_096;
    /// Senders in one direction of a TCP flow whose contradicting streams are each read; beyond it only the bytes
    /// that came first are.
    stream_legs = 4;
    /// IP datagrams under reassembly; beyond it the oldest is dropped.
    fragment_datagrams = 4_096;
    /// Bytes of IP fragments kept; beyond it the oldest datagram is dropped.
    fragment_bytes = 16_777_216;
    /// Seconds an IP datagram may wait for its fragments.
    fragment_seconds = 30;
    /// Tunnel headers taken off one packet.
    tunnel_depth = 4;
    /// Microseconds within which an identical IP packet is a duplicate of the mirror port.
    duplicate_microseconds = 2_000;
    /// Bytes kept of a stream's start while its protocol is not yet known.
    probe_bytes = 4_096;
    // --- dissection
    /// Bytes kept of one incomplete message; beyond it the message is reported and skipped.
    message_bytes = 1_048_576;
    /// Requests of one flow that wait for their response; beyond it the oldest is unanswered.
    pending_requests = 1_024;
    /// Seconds after which a request is unanswered.
    response_seconds = 10;
    /// Items (points, node values, topic filters) kept of one message; the rest is counted.
    items = 4_096;
    /// Bytes kept of one text (topic, node id, string value, file name).
    text_bytes = 1_024;
    /// Bytes kept of an MQTT payload; the SHA-256 is of the whole.
    payload_bytes = 4_096;
    /// MQTT topic aliases kept of one direction of a flow; beyond it new ones stay unresolved.
    topic_aliases = 1_024;
    /// Bytes of an MQTT payload that are searched for values.
    value_bytes = 262_144;
    /// Tags (registers, coils, points, nodes, JSON paths, metrics) of one flow whose last value is remembered to
    /// tell changes; beyond it further ones are not followed, or those not seen for longest are forgotten.
    tags_per_flow = 65_536;
    /// Nesting of OPC UA variants, extension objects and JSON values.
    nesting = 32;
    /// Pairs of DNP3 stations remembered in one flow; beyond it the oldest is forgotten.
    link_pairs = 256;
    /// Bytes of the requests of one OPC UA flow that wait for their response; beyond it the oldest is unanswered.
    pending_bytes = 4_194_304;
    /// Secure channels remembered of one OPC UA flow; beyond it the oldest is forgotten.
    channels = 16;
    /// OPC UA messages of one flow whose final chunk has not come; beyond it the oldest is dropped.
    chunked_messages = 32;
    /// Chunks of one OPC UA message; beyond it the message is reported and its values are skipped.
    chunks = 4_096;
    /// Read requests of one OPC UA flow that are remembered, so that polls are read once; later ones take the places.
    read_templates = 32;
    /// Monitored items of one OPC UA flow whose node ids are remembered; beyond it the oldest is forgotten.
    monitored_items = 16_384;
    /// Bytes of an HTTP body of JSON that is read for values; a longer one is not.
    http_json_bytes = 65_536;
    /// Values read of one HTTP body; the rest is passed over.
    http_values = 512;
    /// Tags of HTTP bodies, of all servers of a worker, whose last value is remembered to tell changes; beyond it
    /// those not seen for longest are forgotten.
    http_tags = 65_536;
    /// Bytes below which a nameless HTTP body that holds no model gives no row in `files`.
    file_bytes = 4_096;
    /// Bytes of files that are handed out with a window, and of each at most; 0: none are kept, only their hashes.
    kept_file_bytes = 0;
    // --- windows
    /// Distinct behaviours of a window and worker; beyond it new ones are counted, not kept. Half is the most for two
    /// hosts, and a quarter is left to writes and commands.
    behaviours = 200_000;
    /// Rows of a window and worker after which it is handed over in parts.
    window_rows = 262_144;
    /// Bytes of a window and worker after which it is handed over in parts.
    window_bytes = 67_108_864;
    /// Bytes of windows that wait for the detectors while interfaces are listened to; beyond it packets wait in the
    /// kernel's ring.
    waiting_bytes = 268_435_456;
    /// Anomaly rows of one kind that a flow may write in a window; the rest is counted.
    anomalies_per_flow = 64;
}
