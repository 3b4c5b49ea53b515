//! The OPC UA dissector: exact rows for each service, the battery, chunk games, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod opcua_build;

use common::{Run, battery};
use opcua_build::*;
use wire::dissect::{Dir, Probe};
use wire::opcua::probe;

#[test]
fn rows_of_an_everyday_session() {
    let want = [
        "opcua request_frame=1 response_frame=0 request_type_id=0 response_type_id=0 message_type=HEL channel_id=0 \
         request_id=0 service_id=0 service= security_policy= security_mode= identity_token= status=null \
         items.node_id=[] items.attribute=[] items.value=[] items.status=[] items.source_time=[] \
         info=opc.tcp://plc:4840/ latency_us=null",
        "opcua request_frame=0 response_frame=2 request_type_id=0 response_type_id=0 message_type=ACK channel_id=0 \
         request_id=0 service_id=0 service= security_policy= security_mode= identity_token= status=null \
         items.node_id=[] items.attribute=[] items.value=[] items.status=[] items.source_time=[] info= latency_us=null",
        "opcua request_frame=3 response_frame=4 request_type_id=446 response_type_id=449 message_type=OPN \
         channel_id=16909060 request_id=1 service_id=446 service=OpenSecureChannel security_policy=None \
         security_mode=none identity_token= status=0 items.node_id=[] items.attribute=[] items.value=[] \
         items.status=[] items.source_time=[] info=issue lifetime_ms=3600000 latency_us=1000",
        "opcua request_frame=5 response_frame=6 request_type_id=631 response_type_id=634 message_type=MSG \
         channel_id=16909060 request_id=2 service_id=631 service=Read security_policy=None security_mode=none \
         identity_token= status=0 items.node_id=[ns=2;i=1234 ns=2;s=Temp] items.attribute=[Value Value] \
         items.value=[21.5 7] items.status=[0 2150891520] items.source_time=[1767225600000000000 0] info= \
         latency_us=1000",
    ];
    let have: Vec<String> = rows(&everyday()).into_iter().filter(|l| l.starts_with("opcua")).collect();
    assert_eq!(have, want.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")));
}

#[test]
fn battery_of_an_everyday_session() {
    battery(&make, &everyday());
}

#[test]
fn probes() {
    assert_eq!(probe(&hello(), 1, 2), Probe::Client);
    assert_eq!(probe(&acknowledge(), 1, 2), Probe::Server);
    assert_eq!(probe(&open_request(), 1, 2), Probe::Client);
    assert_eq!(probe(&open_response(), 1, 2), Probe::Server);
    assert_eq!(probe(&msg(2, &read_request()), 1, 2), Probe::Client);
    assert_eq!(probe(&msg(2, &read_response()), 1, 2), Probe::Server);
    assert_eq!(probe(&chunk("MSG", 'F', 2, &B::new().raw(&[9; 64])), 1, 2), Probe::Either);
    assert_eq!(probe(b"MSGF\x40\0", 1, 2), Probe::Unsure);
    assert_eq!(probe(b"MS", 1, 2), Probe::Unsure);
    assert_eq!(probe(b"MSX", 1, 2), Probe::No);
    assert_eq!(probe(b"MSGF\x40\0\0\x7F", 1, 2), Probe::No);
    assert_eq!(probe(b"HELO mail.example\r\n", 1, 2), Probe::No);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n", 1, 2), Probe::No);
}

#[test]
fn write_keeps_value_and_result() {
    let request = B::request(673).u32(1).id(2, 5).u32(13).null().u8(1).u8(11).f64(80.25);
    let response = B::response(676, 0).u32(1).u32(0).null();
    assert_eq!(
        call(&request, &response),
        "service=Write status=0 items.node_id=[ns=2;i=5] items.attribute=[Value] items.value=[80.25] \
         items.status=[0] info="
    );
}

#[test]
fn call_keeps_arguments() {
    let inputs = B::new().u32(2).u8(6).u32(3).u8(12).s("on");
    let request = B::request(712).u32(1).id(2, 1).id(2, 2).then(inputs);
    let response = B::response(715, 0).u32(1).u32(0).null().null().u32(1).u8(1).u8(1).null();
    assert_eq!(
        call(&request, &response),
        "service=Call status=0 items.node_id=[ns=2;i=1/ns=2;i=2] items.attribute=[] items.value=[[3,on] -> [true]] \
         items.status=[0] info="
    );
}

#[test]
fn publish_resolves_client_handles() {
    let item = read_value(B::new().name(2, "Temp")).u32(2).u32(103).f64(500.0).no_ext().u32(1).u8(1);
    let create = B::request(751).u32(12).u32(2).u32(1).then(item);
    let created = B::response(754, 0).u32(1).u32(0).u32(1).f64(500.0).u32(1).no_ext().null();
    let changes = B::new().u32(2).u32(103).then(double(22.0)).u32(104).then(double(-0.5)).null();
    let publish = B::response(829, 0).u32(12).null().u8(0).u32(5).i64(NEW_YEAR).u32(1).ext(811, changes).null().null();
    let mut script = everyday();
    script.push((Dir::ToServer, msg(3, &create)));
    script.push((Dir::ToClient, msg(3, &created)));
    assert_eq!(
        fields(&script, ITEMS),
        "service=CreateMonitoredItems status=0 items.node_id=[ns=2;s=Temp] items.attribute=[Value] \
         items.value=[handle:103 sampling_ms:500] items.status=[0] info=subscription=12"
    );
    script.push((Dir::ToServer, msg(4, &B::request(826).u32(1).u32(12).u32(4))));
    script.push((Dir::ToClient, msg(4, &publish)));
    assert_eq!(
        fields(&script, ITEMS),
        "service=Publish status=0 items.node_id=[ns=2;s=Temp handle:104] items.attribute=[Value Value] \
         items.value=[22 -0.5] items.status=[0 0] info=subscription=12 sequence=5"
    );
    battery(&make, &script);
}

#[test]
fn sessions_keep_no_secret() {
    let client = B::new().s("urn:client").s("urn:product").u8(2).s("HMI").u32(1).null().null().null();
    let create = B::request(461).then(client).null().s("opc.tcp://plc:4840/").s("session 1").null().null();
    let create = create.f64(1e6).u32(0);
    let created = B::response(464, 0).id(1, 1).name(1, "a secret token").f64(1e6).null().null();
    let created = created.null().null().null().null().u32(0);
    assert_eq!(
        call(&create, &created),
        "service=CreateSession status=0 items.node_id=[] items.attribute=[] items.value=[] items.status=[] \
         info=endpoint=opc.tcp://plc:4840/ client_uri=urn:client client_name=HMI session=session 1"
    );
    let token = B::new().s("policy").s("operator").s("hunter2").null();
    let activate = B::request(467).null().null().null().null().ext(324, token).null().null();
    let activated = B::response(470, 0x8020_0000).null().null().null();
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, &activate)));
    script.push((Dir::ToClient, msg(9, &activated)));
    assert_eq!(
        fields(&script, &["service", "identity_token", "status", "info"]),
        "service=ActivateSession identity_token=username status=2149580800 info=user_name_seen password_in_clear"
    );
    let all = rows(&script).join("\n");
    assert!(!all.contains("hunter2") && !all.contains("secret") && !all.contains("operator"), "{all}");
    // An account that servers are shipped with is told as such, unless something protects the password.
    for (algorithm, info) in [
        (B::new().null(), "user_name_seen password_in_clear password_default"),
        (B::new().s("rsa-oaep"), "user_name_seen password_encrypted"),
    ] {
        let token = B::new().s("policy").s("sysadmin").s("demo").then(algorithm);
        let activate = B::request(467).null().null().null().null().ext(324, token).null().null();
        let mut script = everyday();
        script.push((Dir::ToServer, msg(9, &activate)));
        script.push((Dir::ToClient, msg(9, &activated)));
        assert_eq!(fields(&script, &["info"]), format!("info={info}"));
    }
}

#[test]
fn faults_and_unanswered_requests() {
    assert_eq!(
        call(&read_request(), &B::response(397, 0x8025_0000)),
        "service=Read status=2149908480 items.node_id=[ns=2;i=1234 ns=2;s=Temp] items.attribute=[Value Value] \
         items.value=[ ] items.status=[2149908480 2149908480] info="
    );
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in everyday().iter().enumerate().take(5) {
        run.feed(packet, *dir, bytes);
    }
    run.feed(5, Dir::ToServer, &msg(3, &B::request(826).null()));
    let before = run.rows.opcua.len();
    run.tick(6, 5);
    assert_eq!(run.rows.opcua.len(), before, "given up too early");
    run.tick(6, 60);
    assert_eq!(run.rows.opcua.len(), before + 1, "the Read is unanswered, the Publish waits on");
    run.end(7);
    assert_eq!(run.rows.opcua.len(), before + 2);
    let lines = run.lines(&["ts"]);
    let unanswered = lines.iter().find(|l| l.contains("service=Read")).unwrap();
    assert!(unanswered.contains("response_frame=0") && unanswered.contains("items.status=[2148139008 2148139008]"));
}

#[test]
fn chunks_are_put_together() {
    let body = read_request().0;
    let mut script = everyday();
    let mut parts: Vec<Vec<u8>> = body.chunks(10).map(|part| chunk("MSG", 'C', 9, &B(part.to_vec()))).collect();
    let last = parts.len() - 1;
    parts[last][3] = b'F';
    // Chunks of another request may stand between them.
    parts.insert(2, msg(8, &read_request()));
    script.extend(parts.into_iter().map(|part| (Dir::ToServer, part)));
    script.push((Dir::ToClient, msg(9, &read_response())));
    assert_eq!(
        fields(&script[..script.len()], &["request_id", "service", "items.node_id"]),
        "request_id=8 service=Read items.node_id=[ns=2;i=1234 ns=2;s=Temp]",
    );
    let joined = rows(&script).into_iter().find(|l| l.contains("request_id=9")).unwrap();
    assert!(joined.contains("items.value=[21.5 7]"), "{joined}");
    battery(&make, &script);
}

#[test]
fn encrypted_bodies_are_marked() {
    let head = B::new().u32(0).s(&format!("{POLICY}Basic256Sha256")).s("certificate").s("thumb").raw(&[0xA5; 64]);
    let back = B::new().u32(CHANNEL).s(&format!("{POLICY}Basic256Sha256")).s("certificate").s("thumb").raw(&[0x5A; 64]);
    let script = vec![
        (Dir::ToServer, hello()),
        (Dir::ToClient, acknowledge()),
        (Dir::ToServer, message("OPN", 'F', &head)),
        (Dir::ToClient, message("OPN", 'F', &back)),
        (Dir::ToServer, chunk("MSG", 'F', 9, &B::new().raw(&[0xC3; 64]))),
    ];
    assert_eq!(
        fields(&script, &["message_type", "request_frame", "security_policy", "security_mode", "request_id"]),
        "message_type=MSG request_frame=5 security_policy=Basic256Sha256 security_mode=sign_and_encrypt request_id=0"
    );
    let mut run = Run::new(make());
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    assert_eq!(run.rows.opcua.len(), 4);
    battery(&make, &script);
}

#[test]
fn signed_bodies_are_read() {
    let mut script = everyday();
    script[2].1 =
        message("OPN", 'F', &B::new().u32(0).s(&format!("{POLICY}Basic256Sha256")).s("c").s("t").raw(&[9; 64]));
    script[3].1 =
        message("OPN", 'F', &B::new().u32(CHANNEL).s(&format!("{POLICY}Basic256Sha256")).s("c").s("t").raw(&[9; 64]));
    script[4].1 = msg(2, &read_request().raw(&[7; 32]));
    script[5].1 = msg(2, &read_response().raw(&[7; 32]));
    assert_eq!(
        fields(&script, &["security_policy", "security_mode", "items.value"]),
        "security_policy=Basic256Sha256 security_mode=sign items.value=[21.5 7]"
    );
    assert!(!rows(&script).iter().any(|l| l.starts_with("anomalies")));
}
