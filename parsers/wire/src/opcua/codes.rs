//! Names of attributes, security policies and modes, and the encoding ids of structures inside bodies.

/// Attribute names by id, from 1 (Part 6 annex A.1).
static ATTRIBUTES: &[&str] = &[
    "NodeId",
    "NodeClass",
    "BrowseName",
    "DisplayName",
    "Description",
    "WriteMask",
    "UserWriteMask",
    "IsAbstract",
    "Symmetric",
    "InverseName",
    "ContainsNoLoops",
    "EventNotifier",
    "Value",
    "DataType",
    "ValueRank",
    "ArrayDimensions",
    "AccessLevel",
    "UserAccessLevel",
    "MinimumSamplingInterval",
    "Historizing",
    "Executable",
    "UserExecutable",
    "DataTypeDefinition",
    "RolePermissions",
    "UserRolePermissions",
    "AccessRestrictions",
    "AccessLevelEx",
];

/// The attribute that holds a variable's value.
pub const VALUE: u32 = 13;
/// The attribute that tells of events.
pub const EVENT_NOTIFIER: u32 = 12;

/// An attribute's name; empty: the standard has none.
#[must_use]
#[inline]
pub fn attribute(id: u32) -> &'static str {
    usize::try_from(id).ok().and_then(|id| ATTRIBUTES.get(id.checked_sub(1)?)).copied().unwrap_or_default()
}

pub use super::status::status_name;

/// A security policy: last part of its URI and the length of the signature of symmetric messages.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// Last part of the URI.
    pub name: &'static str,
    /// Bytes of a symmetric signature: HMAC-SHA1 20, HMAC-SHA256 32 (Part 7 §6.6).
    pub signature: usize,
}

/// The policies of Part 7. ECC policies are of version 1.05.
pub static POLICIES: &[Policy] = &[
    Policy { name: "None", signature: 0 },
    Policy { name: "Basic128Rsa15", signature: 20 },
    Policy { name: "Basic256", signature: 20 },
    Policy { name: "Basic256Sha256", signature: 32 },
    Policy { name: "Aes128_Sha256_RsaOaep", signature: 32 },
    Policy { name: "Aes256_Sha256_RsaPss", signature: 32 },
    Policy { name: "ECC_nistP256", signature: 32 },
    Policy { name: "ECC_nistP384", signature: 48 },
    Policy { name: "ECC_brainpoolP256r1", signature: 32 },
    Policy { name: "ECC_brainpoolP384r1", signature: 48 },
    Policy { name: "ECC_curve25519", signature: 16 },
    Policy { name: "ECC_curve448", signature: 16 },
];

/// The last part of a policy's URI: `http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256`.
#[must_use]
pub fn policy_name(uri: &[u8]) -> &[u8] {
    uri.rsplit(|&b| b == b'#' || b == b'/').next().unwrap_or_default()
}

/// The policy of that name.
#[must_use]
pub fn policy(name: &[u8]) -> Option<&'static Policy> {
    POLICIES.iter().find(|p| p.name.as_bytes() == name)
}

/// How messages of a channel are protected (Part 4 §7.20, MessageSecurityMode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Not known yet.
    #[default]
    Unknown,
    /// Neither signed nor encrypted.
    None,
    /// Signed: bodies are readable.
    Sign,
    /// Signed and encrypted: bodies are not readable.
    SignAndEncrypt,
}

impl Mode {
    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::None => "none",
            Self::Sign => "sign",
            Self::SignAndEncrypt => "sign_and_encrypt",
        }
    }

    /// The mode of an enumeration value, as in OpenSecureChannel and in endpoint descriptions.
    #[must_use]
    pub fn from_wire(value: u32) -> Self {
        match value {
            1 => Self::None,
            2 => Self::Sign,
            3 => Self::SignAndEncrypt,
            _ => Self::Unknown,
        }
    }
}

/// Whether a status code is Bad (Part 4 §7.39: severity in the two highest bits).
#[must_use]
pub fn is_bad(status: u32) -> bool {
    status >> 30 == 2
}

/// BadTimeout: stands for the status of items that no answer was seen for.
pub const UNANSWERED: u32 = 0x800A_0000;

/// Identity token's name by the encoding id of its structure (Part 4 §7.41).
#[must_use]
pub fn identity_token(id: u32) -> &'static str {
    match id {
        321 => "anonymous",
        324 => "username",
        327 => "certificate",
        940 => "issued",
        _ => "",
    }
}

/// UserNameIdentityToken.
pub const USER_NAME_TOKEN: u32 = 324;
/// HistoryData.
pub const HISTORY_DATA: u32 = 658;
/// HistoryModifiedData.
pub const HISTORY_MODIFIED: u32 = 11_227;
/// UpdateDataDetails.
pub const UPDATE_DATA: u32 = 682;
/// DataChangeNotification.
pub const DATA_CHANGE: u32 = 811;
/// EventNotificationList.
pub const EVENTS: u32 = 916;
/// StatusChangeNotification.
pub const STATUS_CHANGE: u32 = 820;
