//! Chunk games, limits, holes, flows picked up in the middle, and bytes that lie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod opcua_build;

use common::{Dice, Piece, Run, battery};
use opcua_build::*;
use wire::dissect::Dir;

const REQUEST: &[&str] = &["message_type", "request_id", "service", "items.value"];

fn parts(request: u32, body: &B, size: usize) -> Vec<Piece> {
    let mut parts: Vec<Vec<u8>> = body.0.chunks(size).map(|p| chunk("MSG", 'C', request, &B(p.to_vec()))).collect();
    parts.last_mut().unwrap()[3] = b'F';
    parts.into_iter().map(|p| (Dir::ToServer, p)).collect()
}

fn limited(script: &[Piece], set: &[(&str, u64)]) -> Run {
    let mut run = Run::new(make());
    for (name, value) in set {
        run.limits.set(name, *value).unwrap();
    }
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    run
}

fn kinds(run: &mut Run) -> (Vec<String>, Vec<String>) {
    let tables = run.rows.take();
    let lines =
        |name: &str| tables.iter().filter(|t| t.name == name).flat_map(|t| t.lines(&["ts"])).collect::<Vec<_>>();
    let kind = |l: &String| l.split("kind=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (lines("opcua"), lines("anomalies").iter().map(kind).collect())
}

#[test]
fn aborted_messages() {
    let mut script = everyday();
    let reason = B::new().u32(0x8008_0000).s("too large");
    // A request is given up by its sender: no call, but it is said.
    script.extend(parts(9, &read_request(), 20).into_iter().take(2));
    script.push((Dir::ToServer, chunk("MSG", 'A', 9, &reason)));
    // A response is given up: the call failed.
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToClient, chunk("MSG", 'C', 10, &B(read_response().0[..30].to_vec()))));
    script.push((Dir::ToClient, chunk("MSG", 'A', 10, &reason)));
    assert_eq!(anomalies(&script), ["chunk_abort", "chunk_abort"]);
    assert_eq!(
        fields(&script, &["request_id", "response_frame", "service", "status", "info"]),
        "request_id=10 response_frame=0 service=Read status=2148007936 info=aborted=too large"
    );
    let (rows, _) = kinds(&mut run(&script));
    assert_eq!(rows.len(), 5, "no row for the request that never was");
    battery(&make, &script);
}

#[test]
fn endless_chunks_end() {
    let mut script = everyday();
    let start = parts(9, &read_request(), 60).remove(0);
    script.push(start);
    script.extend((0..500).map(|_| (Dir::ToServer, chunk("MSG", 'C', 9, &B(vec![0; 1_000])))));
    script.push((Dir::ToServer, chunk("MSG", 'F', 9, &B(vec![0; 1_000]))));
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToClient, msg(10, &read_response())));
    for limit in [("message_bytes", 100_000), ("chunks", 100)] {
        let (rows, anomalies) = kinds(&mut limited(&script, &[limit]));
        assert_eq!(anomalies, ["message_too_long"], "{limit:?}: said once");
        assert!(
            rows.iter().any(|l| l.contains("request_id=9") && l.contains("service=Read")),
            "{limit:?}: still a call"
        );
        assert!(rows.iter().any(|l| l.contains("request_id=10") && l.contains("items.value=[21.5 7]")), "{limit:?}");
    }
}

#[test]
fn unfinished_messages_are_bounded() {
    let mut script = everyday();
    script.extend((100..200).map(|request| parts(request, &read_request(), 60).remove(0)));
    let (_, anomalies) = kinds(&mut limited(&script, &[("chunked_messages", 4)]));
    assert_eq!(anomalies.len(), 64, "one a displaced message, up to the limit of anomalies");
    assert!(anomalies.iter().all(|kind| kind == "chunks_full"));
    // Their bytes together stay below the limit of one message.
    let mut script = everyday();
    for request in 100..120 {
        script.push(parts(request, &read_request(), 60).remove(0));
        script.push((Dir::ToServer, chunk("MSG", 'C', request, &B(vec![0; 10_000]))));
    }
    let (_, anomalies) = kinds(&mut limited(&script, &[("message_bytes", 50_000)]));
    assert!(anomalies.len() >= 15 && anomalies.iter().all(|kind| kind == "message_too_long"), "{anomalies:?}");
}

#[test]
fn a_hole_in_chunks_keeps_the_call() {
    let mut run = run(&everyday());
    let pieces = parts(9, &read_request(), 40);
    run.feed(10, Dir::ToServer, &pieces[0].1);
    run.gap(11, Dir::ToServer, pieces[1].1.len() as u64);
    run.feed(12, Dir::ToServer, &pieces[2].1);
    run.feed(13, Dir::ToClient, &msg(9, &read_response()));
    let (rows, _) = kinds(&mut run);
    let row = rows.iter().find(|l| l.contains("request_id=9")).unwrap();
    assert!(row.contains("service=Read") && row.contains("items.value=[21.5 7]"), "{row}");
}

#[test]
fn limits_hold() {
    let mut script = everyday();
    let many =
        (0..100_u16).fold(B::request(631).f64(0.0).u32(0).u32(100), |b, n| b.then(read_value(B::new().id(2, n))));
    let values = (0..100).fold(B::response(634, 0).u32(100), |b, _| b.u8(1).u8(3).u8(7)).null();
    script.push((Dir::ToServer, msg(9, &many)));
    script.push((Dir::ToClient, msg(9, &values)));
    let (rows, anomalies) = kinds(&mut limited(&script, &[("items", 10)]));
    assert_eq!(anomalies, ["too_many_items"]);
    assert!(rows.last().unwrap().contains("items.status=[0 0 0 0 0 0 0 0 0 0] "), "{}", rows.last().unwrap());

    let mut script = everyday();
    script.extend((100..110).map(|request| (Dir::ToServer, msg(request, &read_request()))));
    for limit in [("pending_requests", 4), ("pending_bytes", 2_000)] {
        let (rows, anomalies) = kinds(&mut limited(&script, &[limit]));
        assert!(anomalies.len() >= 4 && anomalies.iter().all(|kind| kind == "pending_full"), "{limit:?} {anomalies:?}");
        assert_eq!(rows.len(), 14, "given up, not forgotten");
    }

    let mut tags = limited(&everyday(), &[("tags_per_flow", 1)]);
    assert_eq!(tags.rows.tag_values.len(), 1);
    assert_eq!(kinds(&mut tags).1, ["tags_full"]);

    for set in [("read_templates", 0), ("channels", 0), ("monitored_items", 0), ("text_bytes", 0), ("nesting", 0)] {
        let (rows, _) = kinds(&mut limited(&everyday(), &[set]));
        assert!(rows.len() >= 3, "{set:?}");
    }
}

#[test]
fn too_long_messages_are_searched_through() {
    let mut script = everyday();
    let mut long = msg(9, &B(vec![b'M'; 3_000]));
    // A message that looks real inside, on a channel that is not.
    long[100..124].copy_from_slice(&[&b"MSGF\x18\0\0\0\x09\x09\x09\x09"[..], &[0; 12]].concat());
    script.push((Dir::ToServer, long));
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToClient, msg(10, &read_response())));
    let (rows, anomalies) = kinds(&mut limited(&script, &[("message_bytes", 2_000)]));
    assert_eq!(anomalies, ["message_too_long", "resynchronised"]);
    assert!(rows.last().unwrap().contains("request_id=10") && rows.len() == 5, "{rows:?}");
}

#[test]
fn garbage_between_messages_is_stepped_over_once() {
    let mut script = everyday();
    let mut dice = Dice(7);
    script.push((Dir::ToServer, [b"\xFFMSGF\xFF\xFF\xFF\x7FMSGCOPNF".to_vec(), dice.bytes(5_000)].concat()));
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToClient, msg(10, &read_response())));
    assert_eq!(anomalies(&script), ["malformed", "resynchronised"]);
    assert_eq!(fields(&script, REQUEST), "message_type=MSG request_id=10 service=Read items.value=[21.5 7]");
    common::splits(&make, &script, &common::lines(&make, &script, |_, n| n));
}

#[test]
fn sizes_beyond_the_agreed_buffers_are_not_waited_for() {
    let mut script = everyday();
    let mut lie = msg(9, &read_request());
    lie[4..8].copy_from_slice(&900_000_u32.to_le_bytes());
    script.push((Dir::ToServer, lie));
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToClient, msg(10, &read_response())));
    assert_eq!(anomalies(&script), ["malformed", "resynchronised"]);
    assert_eq!(fields(&script, REQUEST), "message_type=MSG request_id=10 service=Read items.value=[21.5 7]");
}

#[test]
fn holes_inside_a_message() {
    let whole = msg(9, &read_request());
    for cut in 1..whole.len() {
        let mut run = run(&everyday());
        run.feed(10, Dir::ToServer, &whole[..cut]);
        let rest = (whole.len() - cut) as u64;
        // What comes behind the hole is the end of the same message, then the next one.
        let missing = rest / 2;
        run.gap(11, Dir::ToServer, missing);
        run.feed(12, Dir::ToServer, &whole[cut + missing as usize..]);
        run.feed(13, Dir::ToServer, &msg(10, &read_request()));
        run.feed(14, Dir::ToClient, &msg(10, &read_response()));
        let (rows, anomalies) = kinds(&mut run);
        assert!(rows.last().unwrap().contains("request_id=10"), "cut at {cut}");
        assert_eq!(anomalies, ["resynchronised"], "cut at {cut}");
    }
}

#[test]
fn another_channel_after_a_hole() {
    let mut run = run(&everyday());
    run.gap(10, Dir::ToServer, 0);
    run.gap(10, Dir::ToClient, 0);
    let moved = |bytes: Vec<u8>| [&bytes[..8], &[9, 9, 9, 9], &bytes[12..]].concat();
    let two = [moved(msg(10, &read_request())), moved(msg(11, &read_request()))].concat();
    run.feed(11, Dir::ToServer, &[&[b'M', b'S', 0, 0][..], &two].concat());
    run.feed(12, Dir::ToClient, &moved(msg(10, &read_response())));
    let (rows, anomalies) = kinds(&mut run);
    assert!(rows.last().unwrap().contains("request_id=10") && rows.last().unwrap().contains("items.value=[21.5 7]"));
    assert_eq!(anomalies, ["resynchronised", "resynchronised"]);
}

#[test]
fn flows_picked_up_in_the_middle() {
    let script = [(Dir::ToServer, msg(10, &read_request())), (Dir::ToClient, msg(10, &read_response()))];
    let security = ["security_policy", "security_mode", "items.value"];
    assert_eq!(fields(&script, &security), "security_policy=None security_mode=none items.value=[21.5 7]");
    let sign = |body: B| body.raw(&[0xEE; 32]);
    let script = [(Dir::ToServer, msg(10, &sign(read_request()))), (Dir::ToClient, msg(10, &sign(read_response())))];
    assert_eq!(fields(&script, &security), "security_policy= security_mode=sign items.value=[21.5 7]");
    assert_eq!(anomalies(&script), Vec::<String>::new());
    let script = [(Dir::ToServer, msg(10, &B(vec![0xEE; 64]))), (Dir::ToClient, msg(10, &B(vec![0xDD; 64])))];
    assert_eq!(fields(&script, &security), "security_policy= security_mode=sign_and_encrypt items.value=[]");
    assert_eq!(anomalies(&script), Vec::<String>::new());
    // In the middle of a message: the next one counts.
    let script =
        [(Dir::ToServer, [&msg(9, &read_request())[30..], &msg(10, &read_request())].concat()), script_answer()];
    assert_eq!(fields(&script, &security), "security_policy=None security_mode=none items.value=[21.5 7]");
    assert_eq!(anomalies(&script), ["resynchronised"]);
    // A response without its request has a row of its own; nothing is said when the request may have gone before.
    let script = [script_answer()];
    assert_eq!(
        fields(&script, &["request_frame", "response_frame", "service", "items.node_id", "items.value"]),
        "request_frame=0 response_frame=1 service=Read items.node_id=[ ] items.value=[21.5 7]"
    );
    assert_eq!(anomalies(&script), Vec::<String>::new());
}

fn script_answer() -> Piece {
    (Dir::ToClient, msg(10, &read_response()))
}

#[test]
fn unsolicited_and_repeated() {
    let mut script = everyday();
    script.push(script_answer());
    assert_eq!(anomalies(&script), ["unsolicited_response"]);
    // The same request id twice: the first is given up.
    let mut script = everyday();
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push((Dir::ToServer, msg(10, &read_request())));
    script.push(script_answer());
    let (rows, _) = kinds(&mut run(&script));
    assert_eq!(rows.len(), 6);
}

#[test]
fn never_this_protocol() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"MSGX....", b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0A"] {
        let mut run = Run::new(make());
        run.feed(0, Dir::ToServer, bytes);
        assert!(!run.mine, "{bytes:?}");
        assert!(run.rows.is_empty());
    }
    // What was this protocol once stays it.
    let mut run = run(&everyday());
    run.feed(10, Dir::ToServer, b"GET / HTTP/1.1\r\n\r\n");
    assert!(run.mine);
}

#[test]
fn unknown_services_keep_their_ids() {
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &B::request(60_000))));
    script.push((Dir::ToClient, msg(9, &B::response(60_003, 0))));
    assert_eq!(
        fields(&script, &["request_type_id", "response_type_id", "service_id", "service"]),
        "request_type_id=60000 response_type_id=60003 service_id=0 service="
    );
    // Bodies of the test stack are not read, their service is known.
    script.push((Dir::ToServer, msg(10, &B::request(410).raw(&[9; 30]))));
    script.push((Dir::ToClient, msg(10, &B::response(413, 0x8010_0000).raw(&[9; 30]))));
    assert_eq!(
        fields(&script, &["service_id", "service", "status"]),
        "service_id=410 service=TestStack status=2148532224"
    );
    assert_eq!(anomalies(&script), Vec::<String>::new());
}

#[test]
fn malformed_bodies_keep_the_call() {
    let mut script = everyday();
    let bad = B::request(631).f64(0.0).u32(0).u32(2).then(read_value(B::new().id(2, 1))).raw(&[77; 40]);
    script.push((Dir::ToServer, msg(9, &bad)));
    script.push((Dir::ToClient, msg(9, &read_response())));
    assert_eq!(anomalies(&script), ["malformed"]);
    assert!(fields(&script, REQUEST).contains("request_id=9 service=Read items.value=[21.5 7]"));
    // A response that ends early: what was not seen does not read as Good.
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &read_request())));
    script.push((Dir::ToClient, msg(9, &B::response(634, 0).u32(2).then(double(21.5)).u8(0x3F).u8(63))));
    assert_eq!(anomalies(&script), ["malformed"]);
    assert_eq!(fields(&script, &["items.value", "items.status"]), "items.value=[21.5 ] items.status=[0 2148139008]");
    let tags = table(&mut run(&script), "tag_values");
    assert!(!tags.iter().any(|l| l.contains("BadTimeout")), "{tags:?}");
    // The answer to another question.
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &B::request(673).u32(1).id(2, 5).u32(13).null().u8(1).u8(3).u8(1))));
    script.push((Dir::ToClient, msg(9, &read_response())));
    assert_eq!(anomalies(&script), ["malformed"]);
    assert_eq!(
        fields(&script, &["service", "response_type_id", "items.value", "items.status"]),
        "service=Write response_type_id=634 items.value=[1] items.status=[2148139008]"
    );
    // A service that fails as a whole, in a response of its own.
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &read_request())));
    script.push((Dir::ToClient, msg(9, &B::response(634, 0x8010_0000).null().null())));
    assert_eq!(fields(&script, &["status", "items.status"]), "status=2148532224 items.status=[2148532224 2148532224]");
    // Bytes behind the last field.
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &read_request().raw(b"hidden"))));
    assert_eq!(anomalies(&script), ["trailing_bytes"]);
    // Deep nesting in a value.
    let deep = B::response(634, 0).u32(1).u8(1).raw(&[0x98, 1, 0, 0, 0].repeat(10_000)).u8(0).null();
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &read_request())));
    script.push((Dir::ToClient, msg(9, &deep)));
    assert_eq!(anomalies(&script), ["malformed"]);
}

#[test]
fn error_and_reverse_hello() {
    let reverse = message("RHE", 'F', &B::new().s("urn:plc").s("opc.tcp://plc:4840/"));
    let error = message("ERR", 'F', &B::new().u32(0x807D_0000).s("url invalid"));
    let script = vec![(Dir::ToClient, reverse), (Dir::ToServer, hello()), (Dir::ToClient, error)];
    let (rows, anomalies) = kinds(&mut run(&script));
    assert_eq!(anomalies, Vec::<String>::new());
    assert!(
        rows[0].contains("response_frame=1")
            && rows[0].contains("message_type=RHE")
            && rows[0].contains("info=urn:plc opc.tcp")
    );
    assert!(
        rows[2].contains("response_frame=3")
            && rows[2].contains("status=2155675648")
            && rows[2].contains("info=url invalid")
    );
    battery(&make, &script);
    let mut script = everyday();
    script.push((Dir::ToServer, chunk("CLO", 'F', 99, &B::request(452))));
    assert_eq!(
        fields(&script, &["message_type", "request_frame", "request_type_id", "service"]),
        "message_type=CLO request_frame=7 request_type_id=452 service=CloseSecureChannel"
    );
    assert_eq!(anomalies_of(&script), 0);
}

fn anomalies_of(script: &[Piece]) -> usize {
    anomalies(script).len()
}

#[test]
fn repeated_polls_are_read_alike() {
    let mut script = everyday();
    for request in 10..20 {
        script.push((Dir::ToServer, msg(request, &read_request())));
        script.push((Dir::ToClient, msg(request, &read_response())));
    }
    let with = kinds(&mut limited(&script, &[])).0;
    let without = kinds(&mut limited(&script, &[("read_templates", 0)])).0;
    assert_eq!(with, without);
    assert!(with.iter().filter(|l| l.contains("items.node_id=[ns=2;i=1234 ns=2;s=Temp]")).count() == 11);
}

#[test]
fn small_messages_do_not_make_large_rows() {
    let name = "n".repeat(1_000);
    let item = read_value(B::new().name(2, &name)).u32(2).u32(103).f64(500.0).no_ext().u32(1).u8(1);
    let mut script = everyday();
    script.push((Dir::ToServer, msg(3, &B::request(751).u32(12).u32(2).u32(1).then(item))));
    let changes = (0..20_000).fold(B::new().u32(20_000), |b, _| b.u32(103).u8(0)).null();
    let publish = B::response(829, 0).u32(12).null().u8(0).u32(5).i64(0).u32(1).ext(811, changes).null().null();
    script.push((Dir::ToClient, msg(4, &publish)));
    let run = limited(&script, &[("items", 100)]);
    assert!(run.rows.bytes() < 200_000, "{} bytes", run.rows.bytes());
}

#[test]
fn work_grows_with_the_bytes() {
    let fill = |pattern: &[u8], n: usize| pattern.iter().copied().cycle().take(n).collect::<Vec<u8>>();
    let patterns: [&[u8]; 5] =
        [b"MSGF", b"MSGF\x20\0\0\0", b"MSGC\0\0\x01\0\x09\x09\x09\x09", b"OPNF\xFF\xFF\0\0\0\0\0\0\x01\0\0\0", b"\xFF"];
    for pattern in patterns {
        let mut times = Vec::new();
        for n in [500_000, 2_000_000] {
            let mut run = run(&everyday());
            run.gap(9, Dir::ToServer, 0);
            let bytes = fill(pattern, n);
            let start = std::time::Instant::now();
            for (packet, part) in bytes.chunks(1_400).enumerate() {
                run.feed(10 + packet, Dir::ToServer, part);
            }
            times.push(start.elapsed().as_secs_f64());
        }
        // Four times the bytes: quadratic work would be sixteen times as much.
        assert!(times[1] < 10.0 * times[0] + 0.5, "{pattern:?} {times:?}");
    }
}

#[test]
fn clear_text_under_a_policy_is_read() {
    let mut script = everyday();
    script[2].1 = open(0, "Basic256Sha256", 1, &B::request(446).u32(0).u32(0).u32(1).null().u32(3_600_000));
    let (rows, _) = kinds(&mut run(&script));
    assert!(rows[2].contains("request_type_id=446") && rows[2].contains("request_id=1 "), "{}", rows[2]);
    let mut script = everyday();
    script[2].1 = message(
        "OPN",
        'F',
        &B::new().u32(0).null().null().null().u32(1).u32(1).then(B::request(446).u32(0).u32(0).u32(1).null().u32(1)),
    );
    let (rows, _) = kinds(&mut run(&script));
    assert!(rows[2].contains("request_type_id=446") && rows[3].contains("request_id=2 "), "{}", rows[2]);
}
