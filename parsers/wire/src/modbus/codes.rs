//! Codes of Modbus by number. Clauses are those of the Modbus Application Protocol Specification V1.1b3.

use crate::behaviour::Access;

/// The exception bit of a response's function code (clause 7).
pub const EXCEPTION: u8 = 0x80;
/// Function 8 (clause 6.8.1): restart communications option.
const RESTART_COMMUNICATIONS: u16 = 1;
/// Function 8 (clause 6.8.1): force listen only mode.
const FORCE_LISTEN_ONLY: u16 = 4;
/// Function 43, MEI type of the CANopen general reference (clause 6.20).
pub const MEI_CANOPEN: u16 = 13;
/// Function 43, MEI type of read device identification (clause 6.21).
pub const MEI_DEVICE_IDENTIFICATION: u16 = 14;

/// What a function works on (clause 4.3: the four primary tables, and files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Nothing that has an address.
    None,
    /// Single bits, read and write.
    Coil,
    /// Single bits, read only.
    DiscreteInput,
    /// 16-bit words, read and write.
    HoldingRegister,
    /// 16-bit words, read only.
    InputRegister,
    /// Records of a file.
    FileRecord,
}

impl Table {
    /// The name in behaviours and tags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Coil => "coil",
            Self::DiscreteInput => "discrete_input",
            Self::HoldingRegister => "holding_register",
            Self::InputRegister => "input_register",
            Self::FileRecord => "file_record",
        }
    }
}

/// Where a function code stands in the standard (clause 5, figure 9 and annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Defined by the standard.
    Public,
    /// For whoever wants it: 65 to 72, 100 to 110.
    UserDefined,
    /// In use by companies for legacy products, not for public use (annex A).
    Reserved,
    /// Public range, not assigned.
    Unassigned,
    /// Function code 0 (clause 4.1).
    Invalid,
}

/// A function of the protocol.
#[derive(Debug)]
pub struct Function {
    /// Its name in rows and behaviours.
    pub name: &'static str,
    /// What it does to the server.
    pub access: Access,
    /// What it works on.
    pub table: Table,
    /// Where its code stands in the standard.
    pub standing: Standing,
}

const fn public(name: &'static str, access: Access, table: Table) -> Function {
    Function { name, access, table, standing: Standing::Public }
}

/// A function whose meaning is not known may do anything: a conduit that allows reading only does not
/// allow it, so its access is `control`.
const fn other(name: &'static str, standing: Standing) -> Function {
    Function { name, access: Access::Control, table: Table::None, standing }
}

static CANOPEN: Function = other("canopen_general_reference", Standing::Public);
static DEVICE_IDENTIFICATION: Function = public("read_device_identification", Access::Read, Table::None);
static UNKNOWN_MEI: Function = other("encapsulated_interface_transport", Standing::Public);
static DIAGNOSTIC_COMMAND: Function = public("diagnostics", Access::Control, Table::None);

/// The function of a code and, for functions 8 and 43, sub-function.
#[must_use]
pub fn function(code: u8, sub_function: Option<u16>) -> &'static Function {
    match (code, sub_function) {
        (8, Some(RESTART_COMMUNICATIONS | FORCE_LISTEN_ONLY)) => &DIAGNOSTIC_COMMAND,
        (43, Some(MEI_DEVICE_IDENTIFICATION)) => &DEVICE_IDENTIFICATION,
        (43, Some(MEI_CANOPEN)) => &CANOPEN,
        (43, Some(_)) => &UNKNOWN_MEI,
        _ => FUNCTIONS.get(usize::from(code & !EXCEPTION)).unwrap_or(&UNKNOWN_MEI),
    }
}

/// By function code; clause beside each public one.
#[rustfmt::skip]
static FUNCTIONS: [Function; 128] = [
    other("invalid_0", Standing::Invalid), // 0: 4.1, "function code 0 is not valid"
    public("read_coils", Access::Read, Table::Coil), // 1: 6.1
    public("read_discrete_inputs", Access::Read, Table::DiscreteInput), // 2: 6.2
    public("read_holding_registers", Access::Read, Table::HoldingRegister), // 3: 6.3
    public("read_input_registers", Access::Read, Table::InputRegister), // 4: 6.4
    public("write_single_coil", Access::Write, Table::Coil), // 5: 6.5
    public("write_single_register", Access::Write, Table::HoldingRegister), // 6: 6.6
    public("read_exception_status", Access::Read, Table::None), // 7: 6.7
    public("diagnostics", Access::Read, Table::None), // 8: 6.8
    other("reserved_9", Standing::Reserved),
    other("reserved_10", Standing::Reserved),
    public("get_comm_event_counter", Access::Read, Table::None), // 11: 6.9
    public("get_comm_event_log", Access::Read, Table::None), // 12: 6.10
    other("reserved_13", Standing::Reserved),
    other("reserved_14", Standing::Reserved),
    public("write_multiple_coils", Access::Write, Table::Coil), // 15: 6.11
    public("write_multiple_registers", Access::Write, Table::HoldingRegister), // 16: 6.12
    public("report_server_id", Access::Read, Table::None), // 17: 6.13
    other("unassigned_18", Standing::Unassigned),
    other("unassigned_19", Standing::Unassigned),
    public("read_file_record", Access::Read, Table::FileRecord), // 20: 6.14
    public("write_file_record", Access::Write, Table::FileRecord), // 21: 6.15
    public("mask_write_register", Access::Write, Table::HoldingRegister), // 22: 6.16
    public("read_write_multiple_registers", Access::Write, Table::HoldingRegister), // 23: 6.17
    public("read_fifo_queue", Access::Read, Table::HoldingRegister), // 24: 6.18
    other("unassigned_25", Standing::Unassigned),
    other("unassigned_26", Standing::Unassigned),
    other("unassigned_27", Standing::Unassigned),
    other("unassigned_28", Standing::Unassigned),
    other("unassigned_29", Standing::Unassigned),
    other("unassigned_30", Standing::Unassigned),
    other("unassigned_31", Standing::Unassigned),
    other("unassigned_32", Standing::Unassigned),
    other("unassigned_33", Standing::Unassigned),
    other("unassigned_34", Standing::Unassigned),
    other("unassigned_35", Standing::Unassigned),
    other("unassigned_36", Standing::Unassigned),
    other("unassigned_37", Standing::Unassigned),
    other("unassigned_38", Standing::Unassigned),
    other("unassigned_39", Standing::Unassigned),
    other("unassigned_40", Standing::Unassigned),
    other("reserved_41", Standing::Reserved),
    other("reserved_42", Standing::Reserved),
    public("encapsulated_interface_transport", Access::Read, Table::None), // 43: 6.19
    other("unassigned_44", Standing::Unassigned),
    other("unassigned_45", Standing::Unassigned),
    other("unassigned_46", Standing::Unassigned),
    other("unassigned_47", Standing::Unassigned),
    other("unassigned_48", Standing::Unassigned),
    other("unassigned_49", Standing::Unassigned),
    other("unassigned_50", Standing::Unassigned),
    other("unassigned_51", Standing::Unassigned),
    other("unassigned_52", Standing::Unassigned),
    other("unassigned_53", Standing::Unassigned),
    other("unassigned_54", Standing::Unassigned),
    other("unassigned_55", Standing::Unassigned),
    other("unassigned_56", Standing::Unassigned),
    other("unassigned_57", Standing::Unassigned),
    other("unassigned_58", Standing::Unassigned),
    other("unassigned_59", Standing::Unassigned),
    other("unassigned_60", Standing::Unassigned),
    other("unassigned_61", Standing::Unassigned),
    other("unassigned_62", Standing::Unassigned),
    other("unassigned_63", Standing::Unassigned),
    other("unassigned_64", Standing::Unassigned),
    other("user_defined_65", Standing::UserDefined),
    other("user_defined_66", Standing::UserDefined),
    other("user_defined_67", Standing::UserDefined),
    other("user_defined_68", Standing::UserDefined),
    other("user_defined_69", Standing::UserDefined),
    other("user_defined_70", Standing::UserDefined),
    other("user_defined_71", Standing::UserDefined),
    other("user_defined_72", Standing::UserDefined),
    other("unassigned_73", Standing::Unassigned),
    other("unassigned_74", Standing::Unassigned),
    other("unassigned_75", Standing::Unassigned),
    other("unassigned_76", Standing::Unassigned),
    other("unassigned_77", Standing::Unassigned),
    other("unassigned_78", Standing::Unassigned),
    other("unassigned_79", Standing::Unassigned),
    other("unassigned_80", Standing::Unassigned),
    other("unassigned_81", Standing::Unassigned),
    other("unassigned_82", Standing::Unassigned),
    other("unassigned_83", Standing::Unassigned),
    other("unassigned_84", Standing::Unassigned),
    other("unassigned_85", Standing::Unassigned),
    other("unassigned_86", Standing::Unassigned),
    other("unassigned_87", Standing::Unassigned),
    other("unassigned_88", Standing::Unassigned),
    other("unassigned_89", Standing::Unassigned),
    other("reserved_90", Standing::Reserved),
    other("reserved_91", Standing::Reserved),
    other("unassigned_92", Standing::Unassigned),
    other("unassigned_93", Standing::Unassigned),
    other("unassigned_94", Standing::Unassigned),
    other("unassigned_95", Standing::Unassigned),
    other("unassigned_96", Standing::Unassigned),
    other("unassigned_97", Standing::Unassigned),
    other("unassigned_98", Standing::Unassigned),
    other("unassigned_99", Standing::Unassigned),
    other("user_defined_100", Standing::UserDefined),
    other("user_defined_101", Standing::UserDefined),
    other("user_defined_102", Standing::UserDefined),
    other("user_defined_103", Standing::UserDefined),
    other("user_defined_104", Standing::UserDefined),
    other("user_defined_105", Standing::UserDefined),
    other("user_defined_106", Standing::UserDefined),
    other("user_defined_107", Standing::UserDefined),
    other("user_defined_108", Standing::UserDefined),
    other("user_defined_109", Standing::UserDefined),
    other("user_defined_110", Standing::UserDefined),
    other("unassigned_111", Standing::Unassigned),
    other("unassigned_112", Standing::Unassigned),
    other("unassigned_113", Standing::Unassigned),
    other("unassigned_114", Standing::Unassigned),
    other("unassigned_115", Standing::Unassigned),
    other("unassigned_116", Standing::Unassigned),
    other("unassigned_117", Standing::Unassigned),
    other("unassigned_118", Standing::Unassigned),
    other("unassigned_119", Standing::Unassigned),
    other("unassigned_120", Standing::Unassigned),
    other("unassigned_121", Standing::Unassigned),
    other("unassigned_122", Standing::Unassigned),
    other("unassigned_123", Standing::Unassigned),
    other("unassigned_124", Standing::Unassigned),
    other("reserved_125", Standing::Reserved),
    other("reserved_126", Standing::Reserved),
    other("reserved_127", Standing::Reserved),
];
