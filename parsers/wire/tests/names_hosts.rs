//! Facts about hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Dice, START};
use wire::dissect::Frame;
use wire::names::hosts;
use wire::rows::Rows;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

/// The rows as `field=value ip mac`.
fn told(read: impl FnOnce(&mut Rows)) -> Vec<String> {
    let mut rows = Rows::default();
    read(&mut rows);
    let table = rows.sightings.take();
    let column = |name: &str, row: usize| table.columns.iter().find(|(n, _)| *n == name).unwrap().1.show(row);
    (0..table.len())
        .map(|row| {
            assert_eq!((column("frame", row), column("vlan", row)), ("9".into(), "3".into()));
            let [source, field, value, ip, mac] = ["source", "field", "value", "ip", "mac"].map(|n| column(n, row));
            format!("{source} {field}={value} {ip} {mac}")
        })
        .collect()
}

fn arp(op: u8, sender: [u8; 4], target: [u8; 4], from: [u8; 6]) -> Vec<String> {
    let packet = [&[0, 1, 8, 0, 6, 4, 0, op][..], &MAC, &sender, &[0; 6], &target].concat();
    told(|rows| hosts::arp(rows, START, Frame::new(0, 9), 3, from, &packet))
}

#[test]
fn arp_ties_addresses() {
    let ours = "::ffff:10.0.0.7 02:00:00:00:00:07";
    assert_eq!(arp(1, [10, 0, 0, 7], [10, 0, 0, 1], MAC), [format!("arp address=request for 10.0.0.1 {ours}")]);
    assert_eq!(arp(2, [10, 0, 0, 7], [10, 0, 0, 1], MAC), [format!("arp address=reply {ours}")]);
    assert_eq!(arp(1, [10, 0, 0, 7], [10, 0, 0, 7], MAC), [format!("arp address=gratuitous request {ours}")]);
    assert_eq!(
        arp(2, [10, 0, 0, 7], [10, 0, 0, 1], [6; 6]),
        [format!("arp address=reply via 06:06:06:06:06:06 {ours}")]
    );
    assert!(arp(1, [0; 4], [10, 0, 0, 1], MAC).is_empty(), "a probe claims nothing");
}

fn dhcp(op: u8, yours: [u8; 4], options: &[u8]) -> Vec<String> {
    let fixed = [&[op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0][..], &yours, &[0; 8], &MAC, &[0; 202]].concat();
    let packet = [&fixed[..], &[0x63, 0x82, 0x53, 0x63], options, &[255]].concat();
    told(|rows| hosts::dhcp(rows, START, Frame::new(0, 9), 3, &packet))
}

#[test]
fn dhcp_names_clients_and_servers() {
    let request = b"\x35\x01\x03\x0c\x05plc-7\x3c\x08SIMATIC \x32\x04\x0a\x00\x00\x07";
    assert_eq!(
        dhcp(1, [0; 4], request),
        [
            "dhcp hostname=plc-7 ::ffff:10.0.0.7 02:00:00:00:00:07",
            "dhcp vendor=SIMATIC ::ffff:10.0.0.7 02:00:00:00:00:07"
        ]
    );
    assert_eq!(
        dhcp(2, [10, 0, 0, 7], b"\x35\x01\x05\x36\x04\x0a\x00\x00\x01"),
        ["dhcp address=ack ::ffff:10.0.0.7 02:00:00:00:00:07", "dhcp role=dhcp_server ::ffff:10.0.0.1 "]
    );
    assert_eq!(dhcp(1, [0; 4], b"\x35\x01\x01\x0c\x01a"), ["dhcp hostname=a :: 02:00:00:00:00:07"]);
    assert!(dhcp(1, [0; 4], b"\x0c\xff").is_empty(), "an option longer than the datagram");
}

fn element(kind: u16, value: &[u8]) -> Vec<u8> {
    let head = kind << 9 | u16::try_from(value.len()).unwrap();
    [&head.to_be_bytes()[..], value].concat()
}

#[test]
fn lldp_names_neighbours() {
    let packet = [
        element(1, &[4, 2, 0, 0, 0, 0, 8]),
        element(2, b"\x07port-001"),
        element(3, &[0, 20]),
        element(5, b"switch-1"),
        element(6, b"SCALANCE X208"),
        element(7, &[0, 0x14, 0, 0x04]),
        element(8, &[5, 1, 10, 0, 0, 8, 2, 0, 0, 0, 1, 0]),
        element(0, &[]),
        element(5, b"behind the end"),
    ];
    let rows = told(|rows| hosts::lldp(rows, START, Frame::new(0, 9), 3, MAC, &packet.concat()));
    let host = "::ffff:10.0.0.8 02:00:00:00:00:08";
    assert_eq!(
        rows,
        ["hostname=switch-1", "model=SCALANCE X208", "role=switch", "address=lldp"].map(|v| format!("lldp {v} {host}"))
    );
}

fn block(option: u8, suboption: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 2).unwrap();
    let mut out = [&[option, suboption][..], &length.to_be_bytes(), &[0, 0], value].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn dcp(id: u16, service: u8, kind: u8, blocks: &[Vec<u8>]) -> Vec<String> {
    let blocks = blocks.concat();
    let length = u16::try_from(blocks.len()).unwrap().to_be_bytes();
    let packet = [&id.to_be_bytes()[..], &[service, kind, 0, 0, 0, 1, 0, 0], &length, &blocks, &[0; 20]].concat();
    told(|rows| hosts::profinet_dcp(rows, START, Frame::new(0, 9), 3, MAC, &packet))
}

#[test]
fn profinet_names_stations_and_tells_who_sets_them() {
    let blocks = [
        block(2, 1, b"S7-1500"),
        block(2, 2, b"plc-7"),
        block(2, 3, &[0, 0x2A, 1, 0x0E]),
        block(2, 4, &[2, 0]),
        block(1, 2, &[10, 0, 0, 7, 255, 255, 255, 0, 10, 0, 0, 1]),
    ];
    let host = "::ffff:10.0.0.7 02:00:00:00:00:07";
    let values =
        ["address=dcp", "model=S7-1500", "hostname=plc-7", "vendor=0x002a", "device_id=0x010e", "role=io_controller"];
    assert_eq!(dcp(0xFEFF, 5, 1, &blocks), values.map(|v| format!("profinet {v} {host}")));
    assert_eq!(dcp(0xFEFD, 4, 0, &[block(2, 2, b"evil")]), ["profinet dcp_set=name evil :: 02:00:00:00:00:07"]);
    assert!(dcp(0xFEFE, 5, 0, &blocks).is_empty(), "a request tells nothing of the sender");
    assert!(dcp(0x8000, 5, 1, &blocks).is_empty(), "cyclic data");
}

const IP: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 7];

fn says(app: &'static str, datagram: &[u8]) -> Vec<String> {
    let rows = told(|rows| hosts::told(rows, START, Frame::new(0, 9), 3, IP, app, datagram));
    rows.iter().map(|r| r.trim_end().replace(" ::ffff:10.0.0.7", "")).collect()
}

/// An answer to List Identity, up to the device's name.
fn identity() -> Vec<u8> {
    let device =
        [&[1, 0, 14, 0, 0x5D, 0, 20, 11, 0, 0][..], &0x00C0_FFEE_u32.to_le_bytes(), &[8], b"1769-L33", &[3]].concat();
    let item = [&[1, 0][..], &[0; 16], &device].concat();
    let size = u16::try_from(item.len()).unwrap().to_le_bytes();
    let data = [&[1, 0, 0x0C, 0][..], &size, &item].concat();
    let length = u16::try_from(data.len()).unwrap().to_le_bytes();
    [&[0x63, 0][..], &length, &[0; 20], &data].concat()
}

fn mdns_answer() -> Vec<u8> {
    let head = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let record = b"\x05plc-7\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x09";
    let again = b"\xc0\x0c\0\x1c\x80\x01\0\0\0\x78\0\x10\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x09";
    [&head[..], record, again].concat()
}

#[test]
fn devices_that_say_what_they_are() {
    assert_eq!(
        says("enip", &identity()),
        [
            "vendor=CIP vendor 1",
            "model=1769-L33",
            "device_id=type 14 code 93",
            "firmware=20.011",
            "serial=00c0ffee",
            "role=plc"
        ]
        .map(|v| format!("enip {v}"))
    );
    let i_am = [
        0x81, 0x0B, 0, 24, 1, 0x20, 0xFF, 0xFF, 0, 0xFF, 0x10, 0, 0xC4, 2, 0, 4, 0xD2, 0x22, 5, 0xC4, 0x91, 0, 0x21, 24,
    ];
    assert_eq!(says("bacnet", &i_am), ["bacnet device_id=device 1234", "bacnet vendor=BACnet vendor 24"]);
    let mut routed = i_am;
    routed[5] |= 8;
    assert!(says("bacnet", &routed).is_empty());
}

#[test]
fn hosts_that_say_their_names() {
    let registers = |suffix: &[u8], group: u8| {
        let label = [&[32], &b"FAEMEDDHCACACACACACACACACACACA"[..], suffix, &[0]].concat();
        let head = [0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1];
        let record = [0xC0, 12, 0, 32, 0, 1, 0, 4, 0x93, 0xE0, 0, 6, group, 0, 10, 0, 0, 7];
        [&head[..], &label, &[0, 32, 0, 1], &record].concat()
    };
    assert_eq!(says("nbns", &registers(b"AA", 0)), ["nbns hostname=PLC7"]);
    assert!(says("nbns", &registers(b"BN", 0)).is_empty(), "a browser's name");
    assert!(says("nbns", &registers(b"AA", 0x80)).is_empty(), "a group's name");
    let rows = told(|rows| hosts::told(rows, START, Frame::new(0, 9), 3, IP, "mdns", &mdns_answer()));
    assert_eq!(rows, ["mdns hostname=plc-7.local ::ffff:10.0.0.9 ", "mdns hostname=plc-7.local fe80::9 "]);
    let mut circle = mdns_answer();
    let at = circle.iter().position(|&b| b == 0xC0).unwrap();
    circle[at + 1] = u8::try_from(at).unwrap();
    assert_eq!(says("mdns", &circle).len(), 1, "a pointer to itself ends the message");
}

#[test]
fn nothing_panics() {
    let mut dice = Dice(11);
    let mut rows = Rows::default();
    for _ in 0..100_000 {
        let n = dice.below(300);
        let mut bytes = dice.bytes(n);
        if let (true, Some(head)) = (n > 240, bytes.get_mut(..3)) {
            head.copy_from_slice(&[1, 1, 6]);
            bytes[236..240].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        } else if let Some(head) = bytes.get_mut(..2) {
            head.copy_from_slice(&[0xFE, 0xFF]);
        }
        let (ts, frame) = (START, Frame::new(0, 1));
        hosts::arp(&mut rows, ts, frame, 0, MAC, &bytes);
        hosts::dhcp(&mut rows, ts, frame, 0, &bytes);
        hosts::lldp(&mut rows, ts, frame, 0, MAC, &bytes);
        hosts::profinet_dcp(&mut rows, ts, frame, 0, MAC, &bytes);
        for (app, mut sample) in
            [("enip", identity()), ("mdns", mdns_answer()), ("bacnet", bytes.clone()), ("nbns", bytes)]
        {
            for _ in 0..3 {
                let place = dice.below(sample.len());
                if let Some(byte) = sample.get_mut(place) {
                    *byte = dice.next() as u8;
                }
            }
            hosts::told(&mut rows, ts, frame, 0, IP, app, &sample);
        }
        if rows.sightings.len() > 10_000 {
            rows.sightings.take();
        }
    }
}
