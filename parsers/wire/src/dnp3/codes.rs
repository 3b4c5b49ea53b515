//! Names of codes (IEEE 1815-2012). What is reserved has no name and stays a number.

use crate::behaviour::Access;

/// Application function codes that the decoder tells apart (clause 4.4).
pub mod function {
    pub const CONFIRM: u8 = 0;
    pub const READ: u8 = 1;
    pub const SELECT: u8 = 3;
    pub const OPERATE: u8 = 4;
    pub const AUTHENTICATE_REQUEST: u8 = 32;
    pub const RESPONSE: u8 = 129;
    pub const UNSOLICITED: u8 = 130;
    pub const AUTHENTICATE_RESPONSE: u8 = 131;
}

/// Name of a function code that nothing defines.
pub const UNKNOWN: &str = "unknown";

/// Names of the requests by code, from 0.
const REQUESTS: [&str; 34] = [
    "confirm",
    "read",
    "write",
    "select",
    "operate",
    "direct_operate",
    "direct_operate_no_ack",
    "immediate_freeze",
    "immediate_freeze_no_ack",
    "freeze_clear",
    "freeze_clear_no_ack",
    "freeze_at_time",
    "freeze_at_time_no_ack",
    "cold_restart",
    "warm_restart",
    "initialize_data",
    "initialize_application",
    "start_application",
    "stop_application",
    "save_configuration",
    "enable_unsolicited",
    "disable_unsolicited",
    "assign_class",
    "delay_measure",
    "record_current_time",
    "open_file",
    "close_file",
    "delete_file",
    "get_file_info",
    "authenticate_file",
    "abort_file",
    "activate_config",
    "authenticate_request",
    "authenticate_request_no_ack",
];

/// Name of an application function code (Table 4-4).
pub fn function_name(code: u8) -> &'static str {
    match code {
        function::RESPONSE => "response",
        function::UNSOLICITED => "unsolicited_response",
        function::AUTHENTICATE_RESPONSE => "authenticate_response",
        _ => REQUESTS.get(usize::from(code)).copied().unwrap_or(UNKNOWN),
    }
}

/// What a request does to the outstation.
pub fn access(code: u8) -> Access {
    match code {
        1 | 28 => Access::Read,
        2 | 7..=12 | 22 | 25..=27 | 30 => Access::Write,
        3..=6 | 13..=21 | 31 => Access::Control,
        130 => Access::Report,
        _ => Access::Session,
    }
}

/// Whether the outstation answers: confirmations and the "no acknowledgement" functions stay unanswered.
pub fn is_answered(code: u8) -> bool {
    !matches!(code, 0 | 6 | 8 | 10 | 12 | 33)
}

/// Whether a code is an outstation's: its fragment carries internal indications.
pub fn is_response(code: u8) -> bool {
    matches!(code, function::RESPONSE | function::UNSOLICITED | function::AUTHENTICATE_RESPONSE)
}

/// Whether the object headers of a request carry no objects: they only name points (clause 4.4 and 4.2.2.7).
pub fn only_names_points(code: u8) -> bool {
    matches!(code, function::READ | 7..=10 | 20..=22)
}

/// Name of a link function code (Tables 9-2 and 9-3).
pub fn link_name(primary: bool, code: u8) -> &'static str {
    match (primary, code) {
        (true, 0) => "reset_link",
        (true, 1) => "reset_user_process",
        (true, 2) => "test_link",
        (true, 3) => "confirmed_user_data",
        (true, 4) => "unconfirmed_user_data",
        (true, 9) => "request_link_status",
        (false, 0) => "ack",
        (false, 1) => "nack",
        (false, 11) => "link_status",
        (false, 14) => "link_not_functioning",
        (false, 15) => "link_not_supported",
        _ => UNKNOWN,
    }
}

/// Addresses 0xFFFD to 0xFFFF are broadcasts (Table 9-1): nobody answers.
pub fn is_broadcast(address: u16) -> bool {
    address >= 0xFFFD
}

/// Bits of the second octet of the internal indications that refuse the request: function code not
/// supported, object unknown, parameter error, already executing (Table 4-5).
pub const REFUSED: u16 = 0b0001_0111;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_standard_has_a_name() {
        let named: Vec<u8> = (0..=255).filter(|&c| function_name(c) != UNKNOWN).collect();
        let standard: Vec<u8> = (0..=33).chain(129..=131).collect();
        assert_eq!(named, standard);
        assert_eq!((function_name(13), function_name(33)), ("cold_restart", "authenticate_request_no_ack"));
    }

    #[test]
    fn accesses() {
        let of = |access_wanted| (0..=255).filter(|&c| access(c) == access_wanted).collect::<Vec<u8>>();
        assert_eq!(of(Access::Read), [1, 28]);
        assert_eq!(of(Access::Write), [2, 7, 8, 9, 10, 11, 12, 22, 25, 26, 27, 30]);
        assert_eq!(of(Access::Control), [3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19, 20, 21, 31]);
        assert_eq!(of(Access::Report), [130]);
    }
}
