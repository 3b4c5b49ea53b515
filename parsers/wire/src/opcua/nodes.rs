//! Node ids and the other built-in types that name things (Part 6 §5.2.2.9 to §5.2.2.15).

use super::read::{Read, Reader, Reason};
use super::text::Out;

/// What identifies a node within its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identifier<'a> {
    /// A number.
    Numeric(u32),
    /// A text.
    String(&'a [u8]),
    /// A Guid as on the wire.
    Guid(&'a [u8]),
    /// Opaque bytes.
    Opaque(&'a [u8]),
}

/// A NodeId or ExpandedNodeId.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId<'a> {
    /// Namespace index.
    pub namespace: u16,
    /// Identifier.
    pub id: Identifier<'a>,
    /// ExpandedNodeId: namespace URI in place of the index; empty: none.
    pub uri: &'a [u8],
    /// ExpandedNodeId: index of the server; 0: this one.
    pub server: u32,
}

impl<'a> NodeId<'a> {
    /// The null node id.
    pub const NULL: Self = Self { namespace: 0, id: Identifier::Numeric(0), uri: &[], server: 0 };

    /// The identifier of a node of the standard's namespace; 0 for any other.
    #[must_use]
    pub fn standard(&self) -> u32 {
        match self.id {
            Identifier::Numeric(id) if self.namespace == 0 && self.uri.is_empty() => id,
            _ => 0,
        }
    }

    /// Writes `i=2258`, `ns=2;i=1234`, `ns=2;s=Name`, `ns=1;g=…`, `ns=1;b=…` (Part 6 §5.3.1.10).
    pub fn write(&self, out: &mut Out<'_>) {
        if self.server != 0 {
            out.str("svr=");
            out.unsigned(u64::from(self.server));
            out.str(";");
        }
        if !self.uri.is_empty() {
            out.str("nsu=");
            out.utf8(self.uri);
            out.str(";");
        } else if self.namespace != 0 {
            out.str("ns=");
            out.unsigned(u64::from(self.namespace));
            out.str(";");
        }
        match self.id {
            Identifier::Numeric(id) => {
                out.str("i=");
                out.unsigned(u64::from(id));
            }
            Identifier::String(text) => {
                out.str("s=");
                out.utf8(text);
            }
            Identifier::Guid(bytes) => {
                out.str("g=");
                write_guid(bytes, out);
            }
            Identifier::Opaque(bytes) => {
                out.str("b=");
                out.hex(bytes);
            }
        }
    }
}

/// §5.2.2.9: encoding byte, then
/// ```text
/// 0 two byte     id u8                    (namespace 0)
/// 1 four byte    namespace u8, id u16
/// 2 numeric      namespace u16, id u32
/// 3 string       namespace u16, String
/// 4 guid         namespace u16, 16 bytes
/// 5 opaque       namespace u16, ByteString
/// ```
/// and for expanded ids 0x80: namespace URI follows, 0x40: server index follows.
#[inline]
pub fn node_id<'a>(r: &mut Reader<'a>) -> Read<NodeId<'a>> {
    let encoding = r.u8()?;
    let mut node = NodeId::NULL;
    match encoding & 0x3F {
        0 => node.id = Identifier::Numeric(u32::from(r.u8()?)),
        1 => {
            node.namespace = u16::from(r.u8()?);
            node.id = Identifier::Numeric(u32::from(r.u16()?));
        }
        2 => {
            node.namespace = r.u16()?;
            node.id = Identifier::Numeric(r.u32()?);
        }
        3 => {
            node.namespace = r.u16()?;
            node.id = Identifier::String(r.string("node id")?);
        }
        4 => {
            node.namespace = r.u16()?;
            node.id = Identifier::Guid(r.take(16, "node id")?);
        }
        5 => {
            node.namespace = r.u16()?;
            node.id = Identifier::Opaque(r.string("node id")?);
        }
        _ => return Err(r.wrong("node id", Reason::Code)),
    }
    if encoding & 0x80 != 0 {
        node.uri = r.string("namespace uri")?;
    }
    if encoding & 0x40 != 0 {
        node.server = r.u32()?;
    }
    Ok(node)
}

/// A QualifiedName (§5.2.2.13): namespace index and name.
#[inline]
pub fn qualified_name<'a>(r: &mut Reader<'a>) -> Read<(u16, &'a [u8])> {
    Ok((r.u16()?, r.string("qualified name")?))
}

/// A LocalizedText (§5.2.2.14): mask, locale (1), text (2). Gives the text.
pub fn localized_text<'a>(r: &mut Reader<'a>) -> Read<&'a [u8]> {
    let mask = r.u8()?;
    if mask & 1 != 0 {
        r.string("locale")?;
    }
    if mask & 2 != 0 { r.string("localized text") } else { Ok(&[]) }
}

/// An ExtensionObject (§5.2.2.15): type id, encoding 0 none, 1 ByteString, 2 XmlElement.
pub fn extension_object<'a>(r: &mut Reader<'a>) -> Read<(NodeId<'a>, &'a [u8])> {
    let kind = node_id(r)?;
    match r.u8()? {
        0 => Ok((kind, &[])),
        1 | 2 => Ok((kind, r.string("extension object")?)),
        _ => Err(r.wrong("extension object", Reason::Code)),
    }
}

/// Reads over a DiagnosticInfo (§5.2.2.12); what is nested in it is a loop here, bounded by `nesting`.
pub fn skip_diagnostic(r: &mut Reader<'_>) -> Read<()> {
    let mut levels = r.levels();
    loop {
        let mask = r.u8()?;
        for bit in [1, 2, 4, 8] {
            if mask & bit != 0 {
                r.i32()?;
            }
        }
        if mask & 0x10 != 0 {
            r.string("diagnostic info")?;
        }
        if mask & 0x20 != 0 {
            r.u32()?;
        }
        if mask & 0x40 == 0 {
            return Ok(());
        }
        levels = levels.checked_sub(1).ok_or_else(|| r.wrong("diagnostic info", Reason::Depth))?;
    }
}

/// Reads over an array of DiagnosticInfo, as responses end with.
pub fn skip_diagnostics(r: &mut Reader<'_>) -> Read<()> {
    for _ in 0..r.count(1, "diagnostic infos")? {
        skip_diagnostic(r)?;
    }
    Ok(())
}

/// Reads over an array of String.
pub fn skip_strings(r: &mut Reader<'_>) -> Read<()> {
    for _ in 0..r.count(4, "strings")? {
        r.string("string")?;
    }
    Ok(())
}

/// Writes a Guid (§5.2.2.6): the first three groups are little endian on the wire.
pub fn write_guid(bytes: &[u8], out: &mut Out<'_>) {
    let &[a, b, c, d, e, f, g, h, ref rest @ ..] = bytes else { return };
    out.hex(&[d, c, b, a]);
    out.str("-");
    out.hex(&[f, e]);
    out.str("-");
    out.hex(&[h, g]);
    out.str("-");
    out.hex(rest.get(..2).unwrap_or_default());
    out.str("-");
    out.hex(rest.get(2..).unwrap_or_default());
}
