//! What the flow layer itself writes: the `flows` table and a behaviour for each kind of session.

use crate::app::App;
use crate::behaviour::{Access, Behaviour, Key};
use crate::flow::{Flow, State};
use crate::lane::Output;
use crate::limits::Limits;
use crate::names;
use crate::rows::FlowRow;

/// A behaviour for flows whose protocol has no dissector of its own: who opens what to whom.
pub fn session(out: &mut Output, flow: &Flow, limits: &Limits) {
    let base = &flow.base;
    if matches!(flow.app, App::Dissected(..)) || base.state == State::Attempt {
        return;
    }
    let name = match flow.app.name() {
        "" => names::service(base.ends.server_port, base.key.protocol == 17),
        name => name,
    };
    let behaviour = Behaviour {
        protocol: if name.is_empty() { transport(base.key.protocol) } else { name },
        unit: Key::None,
        operation: "connect",
        access: Access::Session,
        object: Key::None,
        bytes: base.bytes.iter().sum(),
        latency_us: None,
        error: base.state == State::Rejected,
    };
    out.behaviours.add(base.first.0, base.first.1, &base.ends, &behaviour, limits);
}

/// Names of IP protocols (IANA Assigned Internet Protocol Numbers).
#[must_use]
pub fn transport(protocol: u8) -> &'static str {
    match protocol {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmp6",
        89 => "ospf",
        112 => "vrrp",
        132 => "sctp",
        _ => "other",
    }
}

/// Writes the flow's row as it stands.
pub fn flow_row(out: &mut Output, flow: &mut Flow) {
    let slot = out.slot(&mut flow.base);
    let base = &flow.base;
    let client = base.client.min(1);
    let server = 1 - client;
    let mut texts = [[0; 17]; 2];
    let [first, second] = &mut texts;
    let mac = |side: usize, text| if base.has_mac { names::hosts::mac_text(base.macs[side], text) } else { "" };
    let (info, credentials) = match &flow.app {
        App::Named(talk, _) => (talk.info(), talk.credentials()),
        _ => ("", ""),
    };
    out.rows.flows.push(FlowRow {
        ts: base.last,
        flow: slot,
        borrow: std::marker::PhantomData,
        frame: base.first.1,
        first_ts: base.first.0,
        last_ts: base.last,
        transport: transport(base.key.protocol),
        state: base.state.name(),
        app: flow.app.name(),
        service: names::service(base.ends.server_port, base.key.protocol == 17),
        packets_out: base.packets[client],
        bytes_out: base.bytes[client],
        packets_in: base.packets[server],
        bytes_in: base.bytes[server],
        encrypted: flow.app.encrypted().map(u8::from),
        midstream: base.midstream,
        gaps: flow.tally.gaps,
        gap_bytes: flow.tally.gap_bytes,
        retransmissions: flow.tally.retransmissions,
        credentials,
        info,
        src_mac: mac(client, first),
        dst_mac: mac(server, second),
    });
}
