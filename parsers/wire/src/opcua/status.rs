//! Names of status codes (Part 6 annex A.2) that values and services commonly carry, in the order of codes.

static NAMES: &[(u16, &str)] = &[
    (0x0000, "Good"),
    (0x002D, "GoodSubscriptionTransferred"),
    (0x002E, "GoodCompletesAsynchronously"),
    (0x002F, "GoodOverload"),
    (0x0030, "GoodClamped"),
    (0x0096, "GoodLocalOverride"),
    (0x00A2, "GoodEntryInserted"),
    (0x00A3, "GoodEntryReplaced"),
    (0x00A5, "GoodNoData"),
    (0x00A6, "GoodMoreData"),
    (0x408F, "UncertainNoCommunicationLastUsableValue"),
    (0x4090, "UncertainLastUsableValue"),
    (0x4091, "UncertainSubstituteValue"),
    (0x4092, "UncertainInitialValue"),
    (0x4093, "UncertainSensorNotAccurate"),
    (0x4094, "UncertainEngineeringUnitsExceeded"),
    (0x4095, "UncertainSubNormal"),
    (0x8001, "BadUnexpectedError"),
    (0x8002, "BadInternalError"),
    (0x8003, "BadOutOfMemory"),
    (0x8004, "BadResourceUnavailable"),
    (0x8005, "BadCommunicationError"),
    (0x8006, "BadEncodingError"),
    (0x8007, "BadDecodingError"),
    (0x8008, "BadEncodingLimitsExceeded"),
    (0x8009, "BadUnknownResponse"),
    (0x800A, "BadTimeout"),
    (0x800B, "BadServiceUnsupported"),
    (0x800C, "BadShutdown"),
    (0x800D, "BadServerNotConnected"),
    (0x800E, "BadServerHalted"),
    (0x800F, "BadNothingToDo"),
    (0x8010, "BadTooManyOperations"),
    (0x8012, "BadCertificateInvalid"),
    (0x8013, "BadSecurityChecksFailed"),
    (0x801A, "BadCertificateUntrusted"),
    (0x801F, "BadUserAccessDenied"),
    (0x8020, "BadIdentityTokenInvalid"),
    (0x8021, "BadIdentityTokenRejected"),
    (0x8022, "BadSecureChannelIdInvalid"),
    (0x8025, "BadSessionIdInvalid"),
    (0x8026, "BadSessionClosed"),
    (0x8027, "BadSessionNotActivated"),
    (0x8028, "BadSubscriptionIdInvalid"),
    (0x8030, "BadNoCommunication"),
    (0x8031, "BadWaitingForInitialData"),
    (0x8033, "BadNodeIdInvalid"),
    (0x8034, "BadNodeIdUnknown"),
    (0x8035, "BadAttributeIdInvalid"),
    (0x8036, "BadIndexRangeInvalid"),
    (0x8037, "BadIndexRangeNoData"),
    (0x803A, "BadNotReadable"),
    (0x803B, "BadNotWritable"),
    (0x803C, "BadOutOfRange"),
    (0x803D, "BadNotSupported"),
    (0x803E, "BadNotFound"),
    (0x8042, "BadMonitoredItemIdInvalid"),
    (0x8074, "BadTypeMismatch"),
    (0x8075, "BadMethodInvalid"),
    (0x8076, "BadArgumentsMissing"),
    (0x8089, "BadConfigurationError"),
    (0x808A, "BadNotConnected"),
    (0x808B, "BadDeviceFailure"),
    (0x808C, "BadSensorFailure"),
    (0x808D, "BadOutOfService"),
    (0x80AB, "BadInvalidArgument"),
];

/// The name of a status code; empty: not in the table.
#[must_use]
pub fn status_name(status: u32) -> &'static str {
    let code = u16::try_from(status >> 16).unwrap_or(0);
    NAMES
        .binary_search_by_key(&code, |(known, _)| *known)
        .ok()
        .and_then(|at| NAMES.get(at))
        .map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_found() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(status_name(0x8034_0000), "BadNodeIdUnknown");
        assert_eq!(status_name(0x4095_0400), "UncertainSubNormal");
        assert_eq!(status_name(0x87FF_0000), "");
    }
}
