//! What the row of each service says, and which values and facts come of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod opcua_build;

use common::{Piece, battery};
use opcua_build::*;
use wire::dissect::Dir;
use wire::opcua::services::{SERVICES, Side, lookup};

fn ok(id: u16) -> B {
    B::response(id, 0)
}

/// `items.node_id | items.value | items.status | info` of a call.
fn items(request: &B, response: &B) -> String {
    let mut script = everyday();
    script.push((Dir::ToServer, msg(9, request)));
    script.push((Dir::ToClient, msg(9, response)));
    assert_eq!(anomalies(&script), Vec::<String>::new(), "read to its end");
    let cells = fields(&script, &["items.node_id", "items.value", "items.status", "info"]);
    let strip = |cell: &str| cell.split_once('=').unwrap().1.to_owned();
    let parts: Vec<String> = cells
        .replacen(" items.value=", "\nv=", 1)
        .replacen(" items.status=", "\ns=", 1)
        .replacen(" info=", "\ni=", 1)
        .lines()
        .map(strip)
        .collect();
    parts.join(" | ")
}

#[test]
fn every_service_is_known_by_both_ids() {
    for service in SERVICES {
        assert_eq!(lookup(service.request), Some(Side::Request(service)), "{}", service.name);
        assert_eq!(lookup(service.response), Some(Side::Response(service)), "{}", service.name);
    }
    assert_eq!(lookup(397), Some(Side::Fault));
    for id in [0, 1, 396, 398, 632, 1_023, 1_024, 12_210, u32::MAX] {
        assert_eq!(lookup(id), None, "{id}");
    }
    assert!(SERVICES.windows(2).all(|pair| pair[0].request < pair[1].request));
}

#[test]
fn browse_and_its_kin() {
    let description = B::new().id(0, 85).u32(0).id(0, 33).u8(1).u32(0).u32(63);
    let browse = B::request(527).id(0, 0).i64(0).u32(0).u32(100).u32(1).then(description);
    let reference = B::new().id(0, 35).u8(1).id(2, 7).u16(2).s("Line").u8(2).s("Line 1").u32(1).id(0, 61);
    let result = B::new().u32(0).s("more").u32(1).then(reference);
    let browsed = ok(530).u32(1).then(result.clone()).null();
    assert_eq!(items(&browse, &browsed), "[i=85] | [[ns=2;i=7 Line]] | [0] | ");
    let next = B::request(533).u8(0).u32(1).s("more");
    assert_eq!(items(&next, &ok(536).u32(1).then(result).null()), "[] | [[ns=2;i=7 Line]] | [0] | ");
    let path = B::new().u32(2).id(0, 33).u8(0).u8(1).u16(2).s("Line").id(0, 33).u8(0).u8(1).u16(0).s("Temp");
    let translate = B::request(554).u32(1).id(0, 85).then(path);
    let translated = ok(557).u32(1).u32(0).u32(1).id(2, 9).u32(u32::MAX).null();
    assert_eq!(items(&translate, &translated), "[i=85] | [/2:Line/Temp -> [ns=2;i=9]] | [0] | ");
    let register = B::request(560).u32(1).name(2, "Temp");
    assert_eq!(items(&register, &ok(563).u32(1).id(2, 100)), "[ns=2;s=Temp] | [ns=2;i=100] | [0] | ");
    assert_eq!(items(&B::request(566).u32(1).id(2, 100), &ok(569)), "[ns=2;i=100] | [] | [0] | ");
}

#[test]
fn node_management() {
    let add = B::new().id(0, 85).id(0, 35).id(2, 0).u16(2).s("Backdoor").u32(1).no_ext().id(0, 61);
    let added = ok(491).u32(1).u32(0).id(2, 77).null();
    assert_eq!(items(&B::request(488).u32(1).then(add), &added), "[i=85] | [Backdoor -> ns=2;i=77] | [0] | ");
    let reference = B::new().id(2, 1).id(0, 35).u8(1).null().id(2, 2).u32(1);
    let results = |id| ok(id).u32(1).u32(0x801F_0000).null();
    assert_eq!(items(&B::request(494).u32(1).then(reference), &results(497)), "[ns=2;i=1] | [] | [2149515264] | ");
    assert_eq!(items(&B::request(500).u32(1).id(2, 1).u8(1), &results(503)), "[ns=2;i=1] | [] | [2149515264] | ");
    let unreference = B::new().id(2, 1).id(0, 35).u8(1).id(2, 2).u8(1);
    assert_eq!(items(&B::request(506).u32(1).then(unreference), &results(509)), "[ns=2;i=1] | [] | [2149515264] | ");
}

#[test]
fn history() {
    let details = B::new().u8(0).i64(NEW_YEAR).i64(NEW_YEAR).u32(100).u8(0);
    let node = B::new().name(2, "Temp").null().u16(0).null().null();
    let read = B::request(664).ext(649, details).u32(0).u8(0).u32(1).then(node);
    let data = B::new().u32(2).then(double(1.5)).then(double(2.5));
    let answer = ok(667).u32(1).u32(0).null().ext(658, data).null();
    assert_eq!(items(&read, &answer), "[ns=2;s=Temp] | [[1.5,2.5]] | [0] | ");
    let update = B::new().name(2, "Temp").u32(1).u32(1).then(double(9.0));
    let answer = ok(703).u32(1).u32(0).null().null().null();
    assert_eq!(items(&B::request(700).u32(1).ext(682, update), &answer), "[ns=2;s=Temp] | [[9]] | [0] | ");
    let delete = B::new().name(2, "Temp").u8(0).i64(0).i64(NEW_YEAR);
    let answer = ok(703).u32(1).u32(0).null().null().null();
    assert_eq!(items(&B::request(700).u32(1).ext(691, delete), &answer), "[ns=2;s=Temp] | [] | [0] | ");
}

fn item(node: B, handle: u32) -> B {
    read_value(node).u32(2).u32(handle).f64(500.0).no_ext().u32(1).u8(1)
}

fn monitored() -> Vec<Piece> {
    let create = B::request(751).u32(12).u32(2).u32(2);
    let create = create.then(item(B::new().name(2, "Temp"), 103)).then(item(B::new().name(2, "Gone"), 104));
    let created = ok(754).u32(2).u32(0).u32(1).f64(500.0).u32(1).no_ext();
    let created = created.u32(0x8034_0000).u32(0).f64(0.0).u32(0).no_ext().null();
    let mut script = everyday();
    script.push((Dir::ToServer, msg(3, &create)));
    script.push((Dir::ToClient, msg(3, &created)));
    script
}

fn notify(sequence: u32, kind: u16, body: B) -> B {
    ok(829).u32(12).u32(1).u32(sequence).u8(0).u32(sequence).i64(NEW_YEAR).u32(1).ext(kind, body).u32(1).u32(0).null()
}

fn last(script: &[Piece]) -> String {
    assert_eq!(anomalies(script), Vec::<String>::new());
    fields(script, &["service", "items.node_id", "items.attribute", "items.value", "items.status", "info"])
}

#[test]
fn monitored_items_and_subscriptions() {
    let create = B::request(787).f64(500.0).u32(100).u32(10).u32(0).u8(0).u8(0);
    let created = ok(790).u32(12).f64(500.0).u32(100).u32(10);
    assert_eq!(items(&create, &created), "[] | [] | [] | publishing_ms=500 disabled subscription=12");
    let modify = B::request(793).u32(12).f64(250.0).u32(100).u32(10).u32(0).u8(0);
    assert_eq!(
        items(&modify, &ok(796).f64(250.0).u32(100).u32(10)),
        "[] | [] | [] | subscription=12 publishing_ms=250"
    );
    let set = B::request(799).u8(0).u32(1).u32(12);
    assert_eq!(items(&set, &ok(802).u32(1).u32(0).null()), "[] | [subscription:12] | [0] | disabled");
    let transfer = B::request(841).u32(1).u32(12).u8(1);
    assert_eq!(items(&transfer, &ok(844).u32(1).u32(0).null().null()), "[] | [subscription:12] | [0] | ");
    let delete = B::request(847).u32(1).u32(12);
    assert_eq!(items(&delete, &ok(850).u32(1).u32(0).null()), "[] | [subscription:12] | [0] | ");
    let trigger = B::request(775).u32(12).u32(1).u32(1).u32(2).null();
    assert_eq!(items(&trigger, &ok(778).u32(1).u32(0).null().null().null()), "[] | [] | [] | subscription=12");
    let mode = B::request(769).u32(12).u32(0).u32(1).u32(7);
    assert_eq!(items(&mode, &ok(772).u32(1).u32(0).null()), "[item:7] | [] | [0] | subscription=12 mode=disabled");
    assert_eq!(items(&B::request(479).u32(7), &ok(482).u32(1)), "[] | [] | [] | ");
}

#[test]
fn items_keep_their_node_through_a_new_handle() {
    let mut script = monitored();
    let modify = B::request(763).u32(12).u32(2).u32(1).u32(1).u32(203).f64(50.0).no_ext().u32(1).u8(1);
    let modified = ok(766).u32(1).u32(0).f64(50.0).u32(1).no_ext().null();
    script.push((Dir::ToServer, msg(4, &modify)));
    script.push((Dir::ToClient, msg(4, &modified)));
    assert_eq!(
        last(&script),
        "service=ModifyMonitoredItems items.node_id=[ns=2;s=Temp] items.attribute=[Value] \
         items.value=[handle:203 sampling_ms:50] items.status=[0] info=subscription=12"
    );
    let change = B::new().u32(2).u32(203).then(double(1.0)).u32(103).then(double(2.0)).null();
    script.push((Dir::ToServer, msg(5, &B::request(826).null())));
    script.push((Dir::ToClient, msg(5, &notify(1, 811, change))));
    assert_eq!(
        last(&script),
        "service=Publish items.node_id=[ns=2;s=Temp handle:103] items.attribute=[Value Value] items.value=[1 2] \
         items.status=[0 0] info=subscription=12 sequence=1"
    );
    script.push((Dir::ToServer, msg(6, &B::request(781).u32(12).u32(1).u32(1))));
    script.push((Dir::ToClient, msg(6, &ok(784).u32(1).u32(0).null())));
    assert_eq!(
        last(&script),
        "service=DeleteMonitoredItems items.node_id=[ns=2;s=Temp] items.attribute=[] items.value=[] items.status=[0] \
         info=subscription=12"
    );
    battery(&make, &script);
}

#[test]
fn events_and_status_changes() {
    let mut script = monitored();
    let event = B::new().u32(1).u32(103).u32(2).u8(12).s("Overheat").u8(5).u16(700);
    script.push((Dir::ToServer, msg(4, &B::request(826).null())));
    script.push((Dir::ToClient, msg(4, &notify(1, 916, event))));
    assert_eq!(
        last(&script),
        "service=Publish items.node_id=[ns=2;s=Temp] items.attribute=[EventNotifier] items.value=[[Overheat,700]] \
         items.status=[0] info=subscription=12 sequence=1"
    );
    script.push((Dir::ToServer, msg(5, &B::request(826).null())));
    script.push((Dir::ToClient, msg(5, &notify(2, 820, B::new().u32(0x800A_0000).u8(0)))));
    assert_eq!(
        last(&script),
        "service=Publish items.node_id=[] items.attribute=[] items.value=[subscription status] \
         items.status=[2148139008] info=subscription=12 sequence=2"
    );
    let again = ok(835).u32(1).i64(NEW_YEAR).u32(1).ext(811, B::new().u32(1).u32(103).then(double(3.0)).null());
    script.push((Dir::ToServer, msg(6, &B::request(832).u32(12).u32(1))));
    script.push((Dir::ToClient, msg(6, &again)));
    assert!(
        last(&script)
            .starts_with("service=Republish items.node_id=[ns=2;s=Temp] items.attribute=[Value] items.value=[3]")
    );
    battery(&make, &script);
}

fn server(name: &str) -> B {
    B::new().s("urn:plc").s("urn:maker:plc").u8(2).s(name).u32(0).null().null().u32(1).s("opc.tcp://plc:4840/")
}

fn endpoint(policy: &str, mode: u32) -> B {
    let tokens = B::new().u32(2).s("0").u32(0).null().null().null().s("1").u32(1).null().null().null();
    let head = B::new().s("opc.tcp://plc:4840/").then(server("PLC 7")).null().u32(mode);
    head.s(&format!("{POLICY}{policy}")).then(tokens).s("binary").u8(0)
}

#[test]
fn discovery() {
    let find = B::request(422).s("opc.tcp://plc:4840/").null().null();
    assert_eq!(
        items(&find, &ok(425).u32(1).then(server("PLC 7"))),
        "[] | [] | [] | endpoint=opc.tcp://plc:4840/ server_uri=urn:plc server_name=PLC 7 url=opc.tcp://plc:4840/"
    );
    let get = B::request(428).s("opc.tcp://plc:4840/").null().null();
    let got = ok(431).u32(2).then(endpoint("None", 1)).then(endpoint("Basic256Sha256", 3));
    assert_eq!(
        items(&get, &got),
        "[ ] | [opc.tcp://plc:4840/ None none anonymous username opc.tcp://plc:4840/ Basic256Sha256 sign_and_encrypt \
         anonymous username] | [0 0] | endpoint=opc.tcp://plc:4840/ server_uri=urn:plc server_name=PLC 7"
    );
    let registered = B::new()
        .s("urn:plc")
        .s("urn:maker:plc")
        .u32(1)
        .u8(2)
        .s("PLC 7")
        .u32(0)
        .null()
        .u32(1)
        .s("opc.tcp://plc/")
        .null()
        .u8(1);
    let said =
        "[] | [] | [] | server_uri=urn:plc product_uri=urn:maker:plc server_name=PLC 7 url=opc.tcp://plc/ online";
    assert_eq!(items(&B::request(437).then(registered.clone()), &ok(440)), said);
    let request = B::new().id(0, 12211).raw(&B::request(0).0[4..]).then(registered).u32(1).no_ext();
    assert_eq!(items(&request, &ok(12212).null().null()), said);
}

#[test]
fn what_a_server_says_of_itself() {
    let mut script = everyday();
    let find = B::request(422).s("opc.tcp://plc:4840/").null().null();
    script.push((Dir::ToServer, msg(3, &find)));
    script.push((Dir::ToClient, msg(3, &ok(425).u32(1).then(server("PLC 7")))));
    // Another discovery answer lists two servers: they may run anywhere.
    script.push((Dir::ToServer, msg(4, &find)));
    script.push((Dir::ToClient, msg(4, &ok(425).u32(2).then(server("A")).then(server("B")))));
    let info = B::new().s("urn:maker:plc").s("Maker").s("PLC 7 Pro").s("2.4.1").s("99").i64(0);
    let status = B::new().i64(0).i64(0).u32(0).then(info.clone()).u32(0).u8(0);
    for (request, node, id, body) in [(5, 2260, 340, info), (6, 2256, 864, status)] {
        script.push((
            Dir::ToServer,
            msg(request, &B::request(631).f64(0.0).u32(0).u32(1).then(read_value(B::new().id(0, node)))),
        ));
        script.push((Dir::ToClient, msg(request, &ok(634).u32(1).u8(1).u8(22).ext(id, body).null())));
    }
    script
        .push((Dir::ToServer, msg(7, &B::request(631).f64(0.0).u32(0).u32(1).then(read_value(B::new().id(0, 2264))))));
    script.push((Dir::ToClient, msg(7, &ok(634).u32(1).u8(1).u8(12).s("2.5.0").null())));
    let mut run = run(&script);
    let sightings = table(&mut run, "sightings");
    let said: Vec<&str> = sightings.iter().map(|l| l.split("source=").nth(1).unwrap()).collect();
    assert_eq!(
        said,
        [
            "opcua field=vendor value=urn:maker:plc",
            "opcua field=model value=PLC 7",
            "opcua field=vendor value=Maker",
            "opcua field=model value=PLC 7 Pro",
            "opcua field=firmware value=2.4.1",
            "opcua field=firmware value=2.5.0",
        ]
    );
}

fn read_one(request: u32, value: &B) -> Vec<Piece> {
    let ask = B::request(631).f64(0.0).u32(0).u32(1).then(read_value(B::new().name(2, "Temp")));
    vec![(Dir::ToServer, msg(request, &ask)), (Dir::ToClient, msg(request, &ok(634).u32(1).then(value.clone()).null()))]
}

fn write_one(request: u32, value: f64, status: u32) -> Vec<Piece> {
    let ask = B::request(673).u32(1).name(2, "Temp").u32(13).null().u8(1).u8(11).f64(value);
    vec![(Dir::ToServer, msg(request, &ask)), (Dir::ToClient, msg(request, &ok(676).u32(1).u32(status).null()))]
}

#[test]
fn values_that_change_become_tags() {
    let mut script = monitored();
    script.extend(read_one(10, &double(20.0)));
    script.extend(read_one(11, &double(20.0)));
    script.extend(read_one(12, &double(20.5)));
    script.extend(write_one(13, 70.0, 0x803B_0000));
    script.extend(write_one(14, 80.0, 0));
    // Bad quality without a value; a text; the same value published that is known already.
    script.extend(read_one(15, &B::new().u8(2).u32(0x8034_0000)));
    script.extend(read_one(16, &B::new().u8(3).u8(12).s("open").u32(0x4095_0000)));
    let change = |v: f64| B::new().u32(1).u32(103).then(double(v)).null();
    script.push((Dir::ToClient, msg(17, &notify(1, 811, change(21.0)))));
    script.push((Dir::ToClient, msg(18, &notify(2, 811, change(21.0)))));
    let mut run = run(&script);
    let tags = table(&mut run, "tag_values");
    let want = [
        "frame=6 source=opcua tag=ns=2;i=1234 value=21.5 text= quality=good",
        "frame=6 source=opcua tag=ns=2;s=Temp value=7 text= quality=bad BadNodeIdUnknown",
        "frame=10 source=opcua tag=ns=2;s=Temp value=20 text= quality=good",
        "frame=14 source=opcua tag=ns=2;s=Temp value=20.5 text= quality=good",
        "frame=18 source=opcua tag=ns=2;s=Temp value=80 text= quality=good",
        "frame=20 source=opcua tag=ns=2;s=Temp value=null text= quality=bad BadNodeIdUnknown",
        "frame=22 source=opcua tag=ns=2;s=Temp value=null text=open quality=uncertain UncertainSubNormal",
        "frame=23 source=opcua tag=ns=2;s=Temp value=21 text= quality=good",
    ];
    assert_eq!(tags, want.map(|line| format!("tag_values {line}")));
    battery(&make, &script);
}

#[test]
fn index_ranges_are_tags_of_their_own() {
    let ask = B::request(631).f64(0.0).u32(0).u32(1).name(2, "Levels").u32(13).s("0:1").u16(0).null();
    let tell = ok(634).u32(1).u8(1).u8(0x86).u32(2).u32(1).u32(2).null();
    assert_eq!(items(&ask, &tell), "[ns=2;s=Levels[0:1]] | [[1,2]] | [0] | ");
}

#[test]
fn behaviours_are_few() {
    let mut script = monitored();
    for request in 10..20 {
        script.extend(read_one(request, &double(f64::from(request))));
    }
    script.extend(write_one(20, 1.0, 0x803B_0000));
    let call = B::request(712).u32(1).id(2, 1).id(2, 2).null();
    script.push((Dir::ToServer, msg(21, &call)));
    script.push((Dir::ToClient, msg(21, &B::response(397, 0x8075_0000))));
    let get = B::request(428).s("opc.tcp://plc:4840/").null().null();
    script.push((Dir::ToServer, msg(22, &get)));
    script.push((Dir::ToClient, msg(22, &ok(431).u32(2).then(endpoint("None", 1)).then(endpoint("None", 1)))));
    let mut run = run(&script);
    let pick = ["operation", "access", "object", "count", "errors", "answered"];
    let all = run.behaviours.take();
    let skip: Vec<&str> = all.columns.iter().map(|(n, _)| *n).filter(|n| !pick.contains(n)).collect();
    assert_eq!(
        all.lines(&skip),
        [
            "behaviours operation=Hello access=session object= count=1 errors=0 answered=0",
            "behaviours operation=OpenSecureChannel access=session object= count=1 errors=0 answered=1",
            "behaviours operation=Read access=read object=ns=2;i=1234+1 count=1 errors=0 answered=1",
            "behaviours operation=CreateMonitoredItems access=read object=ns=2;s=Temp+1 count=1 errors=0 answered=1",
            "behaviours operation=Read access=read object=ns=2;s=Temp count=10 errors=0 answered=10",
            "behaviours operation=Write access=write object=ns=2;s=Temp count=1 errors=1 answered=1",
            "behaviours operation=Call access=control object=ns=2;i=2 count=1 errors=1 answered=1",
            "behaviours operation=GetEndpoints access=read object= count=1 errors=0 answered=1",
        ]
    );
}

#[test]
fn queries() {
    let path = B::new().u32(1).id(0, 33).u8(0).u8(1).u16(2).s("Temp");
    let ask = B::request(615)
        .u8(0)
        .u8(0)
        .i64(0)
        .u32(0)
        .u32(1)
        .id(2, 58)
        .u8(1)
        .u32(1)
        .then(path)
        .u32(13)
        .null()
        .u32(1)
        .u32(14)
        .u32(1)
        .ext(592, B::new().u32(0))
        .u32(10)
        .u32(0);
    let set = |node: u16| B::new().id(2, node).id(2, 58).u32(1).then(B::new().u8(11).f64(1.5));
    let tell = ok(618).u32(2).then(set(7)).then(set(8)).null().u32(1).u32(0).u32(1).u32(0).null().null().null().null();
    assert_eq!(items(&ask, &tell), "[ns=2;i=58 ns=2;i=7 ns=2;i=8] | [[/2:Temp] [1.5] [1.5]] | [0 0 0] | ");
    let next = B::request(621).u8(0).s("more");
    assert_eq!(items(&next, &ok(624).u32(1).then(set(9)).null()), "[ns=2;i=9] | [[1.5]] | [0] | ");
}

#[test]
fn servers_on_the_network() {
    let ask = B::request(12_208).u32(0).u32(0).null();
    let tell = ok(12_209).i64(0).u32(1).u32(1).s("plc").s("opc.tcp://plc:4840").u32(1).s("DA");
    let got = fields(&[(Dir::ToServer, msg(1, &ask)), (Dir::ToClient, msg(1, &tell))], &["service", "info"]);
    assert!(got.contains("FindServersOnNetwork") && got.contains("opc.tcp://plc:4840"), "{got}");
}
