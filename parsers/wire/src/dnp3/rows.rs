//! The `dnp3` table.

use std::marker::PhantomData;

use super::codes;
use super::fragment::Fragment;
use super::header::push_object;
use super::link::Header;
use crate::columns::{Flag, Frames, List, Name, Num, Opt, Texts, Times};
use crate::dissect::Cx;

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
        /// Status of each command or file operation; 255: none.
        points_status: List<u8> as "points.status",
        /// Text of each point: a command's terms, an octet string, an attribute, a file.
        points_text: Texts as "points.text",
    }
}

/// Writes the row of a link frame that carries no fragment.
pub(super) fn link_row(cx: &mut Cx<'_>, h: Header) {
    cx.rows.dnp3.push(Dnp3Row { function: codes::link_name(h.primary(), h.function()), ..empty(cx, h) });
}

/// Writes the row of a fragment.
pub(super) fn fragment_row(cx: &mut Cx<'_>, h: Header, transport_seq: u8, f: &Fragment, name: &mut String) {
    let row = Dnp3Row {
        transport_seq,
        app_function: Some(f.function),
        function: codes::function_name(f.function),
        app_seq: f.sequence(),
        fir: f.is_first(),
        fin: f.is_final(),
        con: f.asks_confirmation(),
        uns: f.is_unsolicited(),
        iin: f.iin,
        points_group: &f.points.group,
        points_variation: &f.points.variation,
        points_index: &f.points.index,
        points_value: &f.points.value,
        points_flags: &f.points.flags,
        points_time: &f.points.time,
        points_status: &f.points.status,
        ..empty(cx, h)
    };
    let table = &mut cx.rows.dnp3;
    for &(group, variation) in &f.objects {
        name.clear();
        push_object(name, group, variation);
        table.objects.item(name);
    }
    if f.points.texts.is_empty() {
        table.points_text.blanks(f.points.len());
    } else {
        for point in 0..f.points.len() {
            table.points_text.item(f.points.text(point));
        }
    }
    table.push(row);
}

fn empty<'a>(cx: &Cx<'_>, h: Header) -> Dnp3Row<'a> {
    Dnp3Row {
        ts: cx.ts,
        flow: cx.flow,
        borrow: PhantomData,
        frame: cx.frame,
        link_src: h.src,
        link_dst: h.dst,
        link_function: h.function(),
        from_master: h.is_from_master(),
        transport_seq: 0,
        app_function: None,
        function: "",
        app_seq: 0,
        fir: false,
        fin: false,
        con: false,
        uns: false,
        iin: None,
        objects: &[],
        points_group: &[],
        points_variation: &[],
        points_index: &[],
        points_value: &[],
        points_flags: &[],
        points_time: &[],
        points_status: &[],
        points_text: &[],
    }
}
