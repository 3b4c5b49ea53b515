//! The `dnp3` table.

use crate::columns::{Flag, Frames, List, Name, Num, Opt, Texts, Times};

crate::table! {
    /// One row an application fragment, or a link frame that carries none.
    Dnp3Rows / Dnp3Row "dnp3" flow {
        /// Packet that completed it.
        frame: Frames,
        /// Link source address.
        link_src: Num<u16>,
        /// Link destination address.
        link_dst: Num<u16>,
        /// Link function code.
        link_function: Num<u8>,
        /// Whether the sender is the master (link DIR bit).
        from_master: Flag,
        /// Transport sequence number of the last segment.
        transport_seq: Num<u8>,
        /// Application function code; absent: link frame only.
        app_function: Opt<u8>,
        /// Name of the application function, or of the link function.
        function: Name,
        /// Application sequence number.
        app_seq: Num<u8>,
        /// First fragment.
        fir: Flag,
        /// Final fragment.
        fin: Flag,
        /// Confirmation asked.
        con: Flag,
        /// Unsolicited.
        uns: Flag,
        /// Internal indications, first octet (IIN1) in the high byte.
        iin: Opt<u16>,
        /// Object headers, `group:variation`.
        objects: Texts,
        /// Object group of each point.
        points_group: List<u8> as "points.group",
        /// Variation of each point.
        points_variation: List<u8> as "points.variation",
        /// Index of each point.
        points_index: List<u32> as "points.index",
        /// Value of each point.
        points_value: List<f64> as "points.value",
        /// Flags (quality) of each point.
        points_flags: List<u8> as "points.flags",
        /// Time stamp of each point, nanoseconds since the epoch; 0: none.
        points_time: Times as "points.time",
    }
}
