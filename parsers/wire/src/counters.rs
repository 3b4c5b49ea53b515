//! What is counted, by name. Every drop, eviction and oddity of the packet path has a counter here.

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $field:ident = $name:literal,)*) => {
        /// Counts of one window, or of a worker's share of it.
        #[derive(Debug, Default, Clone, PartialEq, Eq)]
        pub struct Counters { $($(#[doc = $doc])* pub $field: u64,)* }
        impl Counters {
            /// Adds another worker's counts.
            pub fn add(&mut self, other: &Self) { $(self.$field += other.$field;)* }
            /// Name and value of each.
            #[must_use]
            pub fn list(&self) -> Vec<(&'static str, u64)> { vec![$(($name, self.$field),)*] }
        }
    };
}

counters! {
    /// Packets read.
    packets = "packets",
    /// Bytes of the packets on the wire.
    bytes = "bytes",
    /// Packets shorter than they were on the wire.
    cut_packets = "cut_packets",
    /// Flows begun.
    flows = "flows",
    /// Modbus rows.
    modbus = "messages.modbus",
    /// DNP3 rows.
    dnp3 = "messages.dnp3",
    /// OPC UA rows.
    opcua = "messages.opcua",
    /// MQTT rows.
    mqtt = "messages.mqtt",
    /// TLS rows.
    tls = "messages.tls",
    /// Anomaly rows of kind `malformed`, `crc`, `truncated` and their like.
    malformed = "malformed",
    /// Anomalies counted but not written.
    anomalies_unwritten = "anomalies_unwritten",
    /// Holes in TCP streams.
    gaps = "gaps",
    /// Bytes missing in them.
    gap_bytes = "gap_bytes",
    /// TCP segments that brought nothing new.
    retransmissions = "retransmissions",
    /// Segments that came out of order.
    out_of_order = "out_of_order",
    /// Packets recognised as copies made by the mirror port.
    duplicates = "duplicates",
    /// IP fragments taken in.
    fragments = "fragments",
    /// Packets of a link type that is not read.
    unknown_link = "unknown_link",
    /// Packets whose headers contradict themselves.
    bad_packets = "bad_packets",
    /// Packets that are neither IP nor ARP.
    not_ip = "not_ip",
    /// Packets older than the window they came in.
    late_packets = "late_packets",
    /// Packets that found no room in the kernel's ring.
    dropped_kernel = "dropped.kernel",
    /// Packets of a ring that could not be read: the kernel's account of them led out of their block.
    dropped_damaged = "dropped.damaged",
    /// Packets that the kernel put into the rings, by its own count.
    kernel_received = "kernel.received",
    /// Times that a ring was full.
    kernel_freezes = "kernel.freezes",
    /// Milliseconds that packets were left to the ring because of the limit `waiting_bytes`.
    held_up_ms = "capture.held_up_ms",
    /// Flows ended by the limit `flows`.
    dropped_flows = "dropped.flows",
    /// Out-of-order segments given up by the limits on reassembly.
    dropped_segments = "dropped.reassembly",
    /// Contradicting streams that were not read by the limit `stream_legs`.
    dropped_legs = "dropped.stream_legs",
    /// Bytes that came for a hole after it was declared.
    late_bytes = "late_bytes",
    /// Segments that contradict bytes seen before at their place.
    conflicts = "conflicts",
    /// TCP segments that the receiver cannot have taken where they stand.
    outside = "out_of_window",
    /// Bytes seen again that could not be compared with what came first, by the limit `compare_bytes`.
    uncompared = "dropped.compare_bytes",
    /// Packets not taken because their checksum is wrong, and others of their sender were right.
    bad_checksums = "bad_checksums",
    /// Packets taken although their checksum is wrong: their sender leaves it to its network card, or the capture was
    /// rewritten.
    unchecked = "checksums_offloaded",
    /// IP datagrams given up by the limits on fragments.
    dropped_fragments = "dropped.fragments",
    /// Behaviours not kept by the limit `behaviours`.
    dropped_behaviours = "dropped.behaviours",
    /// Files given up, or not followed, because too many were under way in a flow.
    dropped_files = "dropped.files",
    /// Files that were to be handed out and were not, by the limit `kept_file_bytes`.
    dropped_kept_files = "dropped.kept_file_bytes",
    /// HTTP bodies of JSON that were not read by the limit `http_json_bytes`.
    dropped_http_bodies = "dropped.http_json_bytes",
    /// HTTP bodies of JSON not all of whose values were read, by the limit `http_values`.
    dropped_http_values = "dropped.http_values",
    /// Dissectors whose flow was closed to them after they failed.
    panics = "panics",
}
