//! Reassembly of one direction: what must hold whatever segments come.

use wire::dissect::{Frame, Nanos};
use wire::tcp::{Event, Half, Segment, Tally};

use super::script;

/// ```text
///  0 what: 0 a SYN, 1 an acknowledgement, 2 time passes, 3 the end, else a segment | 1 place from the start, little endian
///  3 length (for a segment), or seconds / 8 | 4 bytes
/// ```
pub fn reassembly(mut input: &[u8]) {
    let (limits, mut held, mut tally) = (script::limits(), 0u64, Tally::default());
    let (mut half, mut now): (Half, Nanos) = (Half::default(), 0);
    let start = 0xFFFF_F000u32; // numbers wrap within the input
    let mut given = 0u64;
    while let Some((&[what, low, high, length], rest)) = input.split_first_chunk::<4>() {
        input = rest;
        now += 1_000_000;
        let at = start.wrapping_add(u32::from(u16::from_le_bytes([low, high])));
        let at = if what & 0x80 == 0 { at } else { at.wrapping_add(1 << 25) };
        let (before, moved) = (half.next(), tally.gaps);
        let mut out = 0u64;
        let mut sink = |event: Event<'_>| match event {
            Event::Data(bytes, ..) => out += bytes.len() as u64,
            Event::Gap(missing) => out += missing,
            Event::Late(..) | Event::Conflict { .. } | Event::Outside(..) => {}
        };
        match what & 7 {
            0 => half.start(at),
            1 => half.acknowledged(at, now, &mut held, &limits, &mut tally, &mut sink),
            2 => {
                now += i64::from(length) << 27;
                half.settle(now, &mut held, &limits, &mut tally, &mut sink);
            }
            3 => half.flush(&mut held, &limits, &mut tally, &mut sink),
            _ => {
                let (bytes, rest) = input.split_at(usize::from(length).min(input.len()));
                input = rest;
                let missing = u32::from(what & 0x40 != 0) * 7;
                let from = [what >> 3 & 3; 6];
                if bytes.is_empty() && missing == 0 {
                    continue; // the flow layer hands up no segment without a byte
                }
                let segment = Segment { seq: at, bytes, missing, ts: now, frame: Frame(1), from };
                half.segment(segment, &mut held, &limits, &mut tally, &mut sink);
            }
        }
        if let (Some(before), Some(after)) = (before, half.next())
            && (after.wrapping_sub(before) < 1 << 24 || tally.gaps == moved)
        {
            assert_eq!(
                u64::from(after.wrapping_sub(before)),
                out,
                "bytes given out are not those that the stream went on by"
            );
        }
        given += out;
        // The segment that reaches a limit is kept once more: with it the hole is given up.
        assert!(held <= limits.reassembly_flow_bytes + 512, "held {held} bytes");
    }
    half.flush(&mut held, &limits, &mut tally, &mut |_| {});
    assert_eq!(held, 0, "bytes held after the end, {given} given out");
}
