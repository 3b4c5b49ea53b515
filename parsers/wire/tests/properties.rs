//! What must hold for any input of a kind: reassembly gives the stream however it is cut, and the number of workers
//! changes no row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scenario;

use proptest::prelude::*;
use scenario::{Conversation, run_with, settings};
use wire::dissect::Frame;
use wire::limits::Limits;
use wire::tcp::{Event, Half, Segment, Tally};

/// A stream, and segments that together bring all of it: cut anywhere, some twice, some overlapping, moved by a few places.
fn segmentation() -> impl Strategy<Value = (Vec<u8>, Vec<(usize, usize)>)> {
    let stream = prop::collection::vec(any::<u8>(), 1..400);
    let cuts = prop::collection::vec((1..40usize, 0..6usize, any::<bool>(), 0..4usize), 400);
    (stream, cuts).prop_map(|(stream, cuts)| {
        let (mut at, mut pieces) = (0, vec![]);
        for (place, (length, before, twice, late)) in cuts.into_iter().enumerate() {
            if at >= stream.len() {
                break;
            }
            // It may repeat what came before it.
            let (from, to) = (at - before.min(at), (at + length).min(stream.len()));
            let copies = 1 + usize::from(twice);
            pieces.extend(std::iter::repeat_n((place + late, (from, to)), copies));
            at = to;
        }
        pieces.sort_by_key(|(place, _)| *place);
        (stream, pieces.into_iter().map(|(_, piece)| piece).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_gives_the_stream((stream, pieces) in segmentation(), start in any::<u32>(), acks in any::<bool>()) {
        let (mut half, mut held, mut tally, limits) = (Half::default(), 0, Tally::default(), Limits::default());
        half.start(start);
        let mut got = vec![];
        let mut sink = |event: Event<'_>| match event {
            Event::Data(bytes, ..) => got.extend_from_slice(bytes),
            other => panic!("{other:?}"),
        };
        for (n, (from, to)) in pieces.into_iter().enumerate() {
            let ts = n as i64 * 1_000;
            let bytes = &stream[from..to];
            let seq = start.wrapping_add(from as u32);
            let segment = Segment { seq, bytes, missing: 0, ts, frame: Frame(n as u64), from: [0; 6] };
            half.segment(segment, &mut held, &limits, &mut tally, &mut sink);
            if acks {
                let next = half.next().unwrap();
                half.acknowledged(next, ts, &mut held, &limits, &mut tally, &mut sink);
            }
        }
        prop_assert_eq!(got, stream);
        prop_assert_eq!((tally.gaps, tally.conflicts, tally.outside, held), (0, 0, 0, 0));
    }

    #[test]
    fn any_number_of_workers_gives_the_same_rows(
        said in prop::collection::vec((0..6u8, any::<bool>(), 0..6usize, any::<u16>(), 0..3_000i64), 1..60),
        workers in 2..5usize,
    ) {
        let mut talks: Vec<Conversation> = (0..6).map(|host| {
            let mut talk = Conversation::new([10, 0, 0, 1 + host % 2], 40_000 + u16::from(host), [10, 0, 1, host], 502);
            talk.open();
            talk
        }).collect();
        let mut clock = 0;
        for (host, client, kind, value, passed) in said {
            let talk = &mut talks[usize::from(host)];
            clock += passed * 1_000_000;
            talk.clock = talk.clock.max(1_760_000_000_000_000_000 + clock);
            let [high, low] = value.to_be_bytes();
            match kind {
                0 => talk.seq[usize::from(!client)] += u32::from(value % 40), // lost
                1 => talk.client(&[high, low]),
                2 => talk.close(),
                _ => {
                    let pdu = [0, low, 0, 0, 0, 6, 1, if kind == 3 { 3 } else { 6 }, 0, 1, high, 1];
                    if client { talk.client(&pdu) } else { talk.server(&pdu) }
                }
            }
        }
        let mut packets: Vec<_> = talks.into_iter().flat_map(|talk| talk.packets).collect();
        packets.sort();
        let rows = |workers| {
            let mut lines = run_with(&packets, wire::pipeline::Settings { workers, ..settings() }).lines;
            lines.sort();
            lines
        };
        prop_assert_eq!(rows(1), rows(workers));
    }
}
