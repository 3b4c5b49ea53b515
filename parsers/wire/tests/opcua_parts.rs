//! The tables behind the OPC UA dissector, held against simple models of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::HashMap;

use common::Dice;
use wire::limits::Limits;
use wire::opcua::calls::Calls;
use wire::opcua::channels::Channels;
use wire::opcua::chunks::{Added, Chunks};
use wire::opcua::codes::{Mode, attribute, is_bad, policy_name};
use wire::opcua::monitored::Monitored;

#[test]
fn calls_keep_their_order_and_their_keys() {
    let (mut calls, mut model, mut dice) = (Calls::default(), Vec::new(), Dice(5));
    for _ in 0..50_000 {
        let key = (dice.below(2) == 1, dice.below(3) as u32, dice.below(20) as u32);
        match dice.below(4) {
            0 | 1 if !model.contains(&key) => {
                let mut call = calls.fresh();
                assert!(call.items.list.is_empty() && call.info.is_empty(), "given back clean");
                call.key = key;
                call.request_id = key.2;
                call.info.push_str("said");
                calls.keep(call);
                model.push(key);
            }
            2 => {
                let have = calls.take(key).map(|call| call.key);
                let want = model.iter().position(|k| *k == key).map(|at| model.remove(at));
                assert_eq!(have, want);
            }
            3 => {
                let have = calls.take_oldest();
                assert_eq!(have.as_ref().map(|call| call.key), (!model.is_empty()).then(|| model.remove(0)));
                have.into_iter().for_each(|call| calls.recycle(call));
            }
            _ => {}
        }
        assert_eq!(calls.is_empty(), model.is_empty());
    }
    // Picking walks once from the oldest to the newest.
    let (mut cursor, mut picked) = (None, Vec::new());
    while let Some(call) = calls.take_next(&mut cursor, |call| call.request_id % 2 == 0) {
        picked.push(call.key);
    }
    assert_eq!(picked, model.iter().copied().filter(|k| k.2 % 2 == 0).collect::<Vec<_>>());
}

#[test]
fn pending_calls_are_bounded() {
    let (mut calls, limits) = (Calls::default(), Limits { pending_requests: 3, ..Limits::default() });
    for request in 0..3 {
        assert!(!calls.full(&limits));
        let mut call = calls.fresh();
        call.key = (false, 1, request);
        calls.keep(call);
    }
    assert!(calls.full(&limits));
    // Not even a limit of nothing makes an endless loop: an empty table is never full.
    assert!(!Calls::default().full(&Limits { pending_requests: 0, pending_bytes: 0, ..Limits::default() }));
}

#[test]
fn monitored_items_forget_the_oldest() {
    let mut items = Monitored::default();
    for handle in 0..5_u32 {
        items.learn((1, handle), &format!("n{handle}"), 3);
        items.identify((1, handle), 100 + handle);
    }
    let known: Vec<Option<&str>> = (0..5).map(|handle| items.node((1, handle))).collect();
    assert_eq!(known, [None, None, Some("n2"), Some("n3"), Some("n4")]);
    let known: Vec<Option<&str>> = (0..5).map(|handle| items.identified((1, 100 + handle))).collect();
    assert_eq!(known, [None, None, Some("n2"), Some("n3"), Some("n4")]);
    assert_eq!(items.node((2, 3)), None, "another subscription");
    items.rename((1, 103), 9);
    assert_eq!((items.node((1, 3)), items.node((1, 9))), (None, Some("n3")));
    items.rename((1, 104), 9);
    assert_eq!((items.node((1, 4)), items.node((1, 9))), (Some("n4"), Some("n3")), "a handle that is taken stays");
    items.learn((1, 9), "new", 3);
    assert_eq!(items.node((1, 9)), Some("new"));
    let mut none = Monitored::default();
    none.learn((1, 1), "n", 0);
    assert_eq!(none.node((1, 1)), None);
}

#[test]
fn monitored_items_against_a_map() {
    let (mut items, mut model, mut dice) = (Monitored::default(), HashMap::new(), Dice(6));
    for round in 0..20_000 {
        let key = (dice.below(4) as u32, dice.below(200) as u32);
        let node = format!("n{round}");
        items.learn(key, &node, 1_000);
        model.insert(key, node);
        let key = (dice.below(4) as u32, dice.below(200) as u32);
        assert_eq!(items.node(key), model.get(&key).map(String::as_str));
    }
}

#[test]
fn chunks_come_out_whole() {
    let (mut chunks, limits) = (Chunks::default(), Limits { message_bytes: 100, chunks: 3, ..Limits::default() });
    let key = (0, 1, 7);
    assert_eq!(chunks.add(key, b"ab", &limits), Added::Kept);
    assert_eq!(chunks.add((1, 1, 7), b"xy", &limits), Added::Kept);
    assert_eq!(chunks.add(key, b"cd", &limits), Added::Kept);
    assert_eq!(chunks.finish(key), Some((b"abcd".to_vec(), true)));
    assert_eq!(chunks.finish(key), None);
    assert_eq!(chunks.add(key, &[0; 98], &limits), Added::Kept);
    assert_eq!(chunks.add(key, &[0; 1], &limits), Added::TooLong);
    assert_eq!(chunks.add(key, &[0; 1], &limits), Added::Dropped);
    let (body, whole) = chunks.finish(key).unwrap();
    assert!(body.len() == 64 && !whole);
    for _ in 0..3 {
        assert_eq!(chunks.add(key, b"", &limits), Added::Kept);
    }
    assert_eq!(chunks.add(key, b"", &limits), Added::TooLong, "too many");
    chunks.lose(1);
    assert_eq!(chunks.finish((1, 1, 7)), Some((b"xy".to_vec(), false)));
}

#[test]
fn channels_are_bounded_and_learn() {
    let mut channels = Channels::default();
    for id in 0..10 {
        channels.with(id, 3, |c| c.learn(b"Basic256Sha256", 100));
    }
    assert!(channels.get(6).is_none() && channels.get(7).is_some() && channels.get(9).is_some());
    let mode = |channels: &Channels| channels.get(9).unwrap().mode;
    channels.with(9, 3, |c| c.see(true));
    assert_eq!((mode(&channels), channels.get(9).unwrap().stripped()), (Mode::Sign, 32));
    channels.with(9, 3, |c| c.learn(b"Basic256Sha256", 100));
    assert_eq!(mode(&channels), Mode::Sign, "renewed, not forgotten");
    channels.with(9, 3, |c| c.see(false));
    assert!(mode(&channels) == Mode::SignAndEncrypt && channels.encrypted());
    channels.with(9, 3, |c| c.learn(b"None", 100));
    assert!(mode(&channels) == Mode::None && !channels.encrypted());
    channels.with(9, 3, |c| c.see(false));
    assert_eq!(mode(&channels), Mode::None);
}

#[test]
fn names_of_codes() {
    assert_eq!((attribute(13), attribute(1), attribute(27)), ("Value", "NodeId", "AccessLevelEx"));
    assert_eq!((attribute(0), attribute(28), attribute(u32::MAX)), ("", "", ""));
    assert_eq!(policy_name(b"http://opcfoundation.org/UA/SecurityPolicy#Basic256"), b"Basic256");
    assert_eq!(policy_name(b""), b"");
    assert!(is_bad(0x8034_0000) && !is_bad(0x4095_0000) && !is_bad(0) && !is_bad(0xC000_0000));
}
