//! Protocols told by name only: what a flow speaks, its one-line summary, whether credentials pass in clear.
//! Content decides; a port only tips the scale where content is weak. No name is better than a wrong one.

mod ber;
mod data;
pub mod hosts;
mod lan;
mod login;
mod ot;
mod ports;
pub(crate) mod reader;
mod resolve;
mod session;
mod start;
mod talk;
mod text;
mod web;

use crate::dissect::Probe;
pub use ports::service;
use start::Start;
pub use talk::Talk;

/// A protocol told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The protocol's name, as in the column `app` of `flows`.
    pub app: &'static str,
    /// Which end the sender of the bytes is: `Client`, `Server` or `Either`.
    pub sender: Probe,
}

/// Tells a protocol and the sender's part in it; `None`: these bytes are not of it.
type Recognise = fn(&Start<'_>) -> Option<Probe>;

/// Over TCP, the strictest first.
const STREAM: &[(&str, Recognise)] = &[
    ("http", text::http),
    ("http2", text::http2),
    ("rtsp", text::rtsp),
    ("sip", text::sip),
    ("ssh", text::ssh),
    ("vnc", text::vnc),
    ("ftp", text::ftp),
    ("smtp", text::smtp),
    ("pop3", text::pop3),
    ("imap", text::imap),
    ("telnet", text::telnet),
    ("redis", text::redis),
    ("amqp", text::amqp),
    ("rdp", ot::rdp),
    ("s7comm", ot::s7comm),
    ("s7comm_plus", ot::s7comm_plus),
    ("mms", ot::mms),
    ("cotp", ot::cotp),
    ("smb", lan::smb),
    ("ldap", lan::ldap),
    ("dcerpc", lan::dcerpc),
    ("dns", lan::dns_stream),
    ("rpc", lan::rpc),
    ("kerberos", lan::kerberos),
    ("bgp", lan::bgp),
    ("enip", ot::enip),
    ("knx", ot::knx),
    ("c1222", ot::c1222),
    ("iec104", ot::iec104),
    ("omron_fins", ot::fins_stream),
    ("hart_ip", ot::hart_ip),
    ("ads", ot::ads_stream),
    ("melsec", ot::melsec),
    ("codesys", ot::codesys_stream),
    ("ge_srtp", ot::ge_srtp),
    ("postgres", data::postgres),
    ("mysql", data::mysql),
    ("mssql", data::mssql),
    ("oracle", data::oracle),
    ("kafka", data::kafka),
    ("x11", data::x11),
    ("teamviewer", data::teamviewer),
    ("syslog", text::syslog),
];

/// Over UDP, the strictest first.
const DATAGRAM: &[(&str, Recognise)] = &[
    ("ssdp", text::ssdp),
    ("sip", text::sip),
    ("syslog", text::syslog),
    ("dhcp", lan::dhcp),
    ("dhcpv6", lan::dhcpv6),
    ("mdns", lan::mdns),
    ("llmnr", lan::llmnr),
    ("nbns", lan::nbns),
    ("dns", lan::dns),
    ("netbios_datagram", lan::netbios_datagram),
    ("snmp", lan::snmp),
    ("ldap", lan::ldap),
    ("tftp", lan::tftp),
    ("bacnet", ot::bacnet),
    ("knx", ot::knx),
    ("rpc", lan::rpc),
    ("kerberos", lan::kerberos),
    ("c1222", ot::c1222),
    ("enip", ot::enip),
    ("cip_io", ot::cip_io),
    ("hart_ip", ot::hart_ip),
    ("omron_fins", ot::fins_datagram),
    ("melsec", ot::melsec),
    ("profinet_cm", ot::profinet_cm),
    ("ads", ot::ads_datagram),
    ("codesys", ot::codesys_datagram),
    ("stun", data::stun),
    ("quic", data::quic),
    ("isakmp", data::isakmp),
    ("wireguard", data::wireguard),
    ("radius", lan::radius),
    ("coap", data::coap),
    ("ptp", lan::ptp),
    ("ntp", lan::ntp),
];

/// Looks at the first bytes of a direction, or at a datagram.
#[must_use]
pub fn identify(bytes: &[u8], from: u16, to: u16, datagram: bool) -> Option<Named> {
    let start = Start { bytes, from, to };
    let table = if datagram { DATAGRAM } else { STREAM };
    table.iter().find_map(|&(app, recognise)| recognise(&start).map(|sender| Named { app, sender }))
}
