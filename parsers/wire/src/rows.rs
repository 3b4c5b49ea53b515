//! All tables of a window. Each protocol defines its own table beside its dissector.

use hashbrown::HashMap;

use crate::columns::{Finished, Flag, Frames, Ip, Name, Num, Opt, Text, Time};
use crate::limits::Limits;
pub use crate::tag_rows::{TagValueRow, TagValueRows};

/// The tables that dissectors and the flow layer fill.
#[derive(Debug, Default)]
pub struct Rows {
    /// Modbus transactions.
    pub modbus: crate::modbus::rows::ModbusRows,
    /// DNP3 fragments and link frames.
    pub dnp3: crate::dnp3::rows::Dnp3Rows,
    /// OPC UA service calls and transport messages.
    pub opcua: crate::opcua::rows::OpcuaRows,
    /// MQTT control packets.
    pub mqtt: crate::mqtt::rows::MqttRows,
    /// TLS handshakes.
    pub tls: crate::tls::rows::TlsRows,
    /// Flows.
    pub flows: FlowRows,
    /// What packets say about hosts.
    pub sightings: SightingRows,
    /// Values that changed.
    pub tag_values: TagValueRows,
    /// Files that passed.
    pub files: crate::files::FileRows,
    /// Oddities.
    pub anomalies: AnomalyRows,
    /// Occurrences of oddities beyond the limit a flow.
    pub anomalies_unwritten: u64,
    /// Occurrences of oddities that mean broken bytes.
    pub malformed: u64,
    /// HTTP bodies that were too long to be read for values, and those that held too many.
    pub http_over: [u64; 2],
    /// Files given up because too many were under way.
    pub files_cut: u64,
    /// Whole files by their SHA-256, where they are to be handed out.
    pub kept_files: Vec<([u8; 32], Vec<u8>)>,
    /// Those that were too large together.
    pub kept_files_over: u64,
    written: HashMap<(u32, &'static str), u32, crate::seed::Seeded>,
}

impl Rows {
    /// Writes an oddity, at most `anomalies_per_flow` of a kind in a window; the rest is counted.
    pub fn anomaly(&mut self, row: AnomalyRow<'_>, kind: crate::anomaly::Kind, limits: &Limits) {
        self.malformed += u64::from(kind.broken());
        let seen = self.written.entry((row.flow.0, kind.name())).or_default();
        if u64::from(*seen) >= limits.anomalies_per_flow {
            self.anomalies_unwritten += 1;
            return;
        }
        *seen += 1;
        self.anomalies.push(row);
    }

    /// Takes a whole file that is to be handed out.
    pub fn keep_file(&mut self, sha256: [u8; 32], bytes: Option<Vec<u8>>, limits: &Limits) {
        let held: usize = self.kept_files.iter().map(|(_, bytes)| bytes.len()).sum();
        match bytes.filter(|bytes| (held + bytes.len()) as u64 <= limits.kept_file_bytes) {
            Some(bytes) => self.kept_files.push((sha256, bytes)),
            None => self.kept_files_over += 1,
        }
    }

    /// Rows held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modbus.len()
            + self.dnp3.len()
            + self.opcua.len()
            + self.mqtt.len()
            + self.tls.len()
            + self.flows.len()
            + self.sightings.len()
            + self.tag_values.len()
            + self.files.len()
            + self.anomalies.len()
    }

    /// Whether no table holds a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.modbus.bytes()
            + self.dnp3.bytes()
            + self.opcua.bytes()
            + self.mqtt.bytes()
            + self.tls.bytes()
            + self.flows.bytes()
            + self.sightings.bytes()
            + self.tag_values.bytes()
            + self.files.bytes()
            + self.anomalies.bytes()
    }

    /// Takes away rows that a dissector which failed had begun.
    pub fn mend(&mut self) {
        self.modbus.mend();
        self.dnp3.mend();
        self.opcua.mend();
        self.mqtt.mend();
        self.tls.mend();
        self.flows.mend();
        self.sightings.mend();
        self.files.mend();
        self.anomalies.mend();
    }

    /// Takes all tables out.
    pub fn take(&mut self) -> Vec<Finished> {
        self.written.clear();
        vec![
            self.modbus.take(),
            self.dnp3.take(),
            self.opcua.take(),
            self.mqtt.take(),
            self.tls.take(),
            self.flows.take(),
            self.sightings.take(),
            self.tag_values.take(),
            self.files.take(),
            self.anomalies.take(),
        ]
    }
}

crate::table! {
    /// One row an oddity.
    AnomalyRows / AnomalyRow "anomalies" flow {
        /// The packet.
        frame: Frames,
        /// Protocol whose reader saw it.
        protocol: Name,
        /// Kind, from the closed list.
        kind: Name,
        /// Field, offset, reason.
        detail: Text,
    }
}

crate::table! {
    /// One row a flow and state: written when it is new, at most once a minute while it lives, and at its end.
    FlowRows / FlowRow "flows" flow {
        /// First packet.
        frame: Frames,
        /// Time of the first packet.
        first_ts: Time,
        /// Time of the last packet.
        last_ts: Time,
        /// IP protocol: `tcp udp icmp …`.
        transport: Name,
        /// `attempt established closing closed reset rejected active`.
        state: Name,
        /// Application protocol by content; empty: not recognised.
        app: Name,
        /// Service by port, where the content says nothing.
        service: Name,
        /// Packets from the client.
        packets_out: Num<u64>,
        /// Bytes from the client (IP length).
        bytes_out: Num<u64>,
        /// Packets from the server.
        packets_in: Num<u64>,
        /// Bytes from the server (IP length).
        bytes_in: Num<u64>,
        /// Whether the payload is encrypted; absent: not known.
        encrypted: Opt<u8>,
        /// Whether the first packet seen was not the flow's first.
        midstream: Flag,
        /// Holes in the TCP streams.
        gaps: Num<u32>,
        /// Bytes missing in the holes.
        gap_bytes: Num<u64>,
        /// Segments whose bytes were all seen before.
        retransmissions: Num<u32>,
        /// What in-clear credentials were seen: `http_basic ftp_user …`; empty: none.
        credentials: Name,
        /// What the application layer says in one line: HTTP method, host, path, status; SSH banner.
        info: Text,
        /// MAC address of the client's side, as seen here.
        src_mac: Text,
        /// MAC address of the server's side, as seen here.
        dst_mac: Text,
    }
}

crate::table! {
    /// What a capture or interface shows of its own health: one row a window and VLAN.
    MirrorRows / MirrorRow "mirror" standalone {
        /// First packet; 0: there was none.
        frame: Frames,
        /// VLAN id, 0: untagged.
        vlan: Num<u16>,
        /// Time of the latest packet.
        last_ts: Time,
        /// Packets.
        packets: Num<u64>,
        /// Bytes of them on the wire.
        bytes: Num<u64>,
        /// Packets of which not all bytes were captured.
        cut_packets: Num<u64>,
        /// Packets longer than any that Ethernet carries: put together by a network card.
        oversized: Num<u64>,
        /// Copies that the mirror made.
        duplicates: Num<u64>,
        /// Packets older than one before them.
        backward: Num<u64>,
        /// By how much at most, nanoseconds.
        backward_ns: Num<u64>,
        /// Payload seen of TCP flows, bytes.
        tcp_bytes: Num<u64>,
        /// Bytes of TCP flows that were acknowledged or passed over and never seen.
        unseen_bytes: Num<u64>,
        /// TCP flows with enough packets to have shown both sides.
        tcp_flows: Num<u64>,
        /// Those of which one side was never seen.
        one_sided: Num<u64>,
        /// Packets that found no room in the kernel's ring.
        dropped: Num<u64>,
        /// How far this machine's clock was set meanwhile, nanoseconds.
        clock_step_ns: Num<i64>,
    }
}

crate::table! {
    /// What a packet says about a host: its hardware address, its name, its maker.
    SightingRows / SightingRow "sightings" standalone {
        /// The packet.
        frame: Frames,
        /// The host's address.
        ip: Ip,
        /// The host's hardware address on this link, `aa:bb:cc:dd:ee:ff`; empty: not known.
        mac: Text,
        /// VLAN id, 0: untagged.
        vlan: Num<u16>,
        /// Where it was read: `arp dhcp modbus dnp3 opcua …`.
        source: Name,
        /// What was read: `address hostname vendor model firmware serial role`.
        field: Name,
        /// Its value.
        value: Text,
    }
}
