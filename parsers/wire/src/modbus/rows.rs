//! The `modbus` table.

use crate::columns::{Frames, List, Name, Num, Opt};

crate::table! {
    /// One row a transaction.
    ModbusRows / ModbusRow "modbus" flow {
        /// Packet that completed the request; none: not seen.
        request_frame: Frames,
        /// Packet that completed the response; none: not seen.
        response_frame: Frames,
        /// Transaction identifier of the MBAP header.
        transaction_id: Num<u16>,
        /// Unit identifier.
        unit_id: Num<u8>,
        /// Function code without the exception bit.
        function_code: Num<u8>,
        /// The function's name.
        function: Name,
        /// First address (as on the wire, from 0); first object of 43/14, first record of 20 and 21.
        address: Opt<u16>,
        /// Number of coils, inputs or registers.
        quantity: Opt<u16>,
        /// Function 23: first address written.
        write_address: Opt<u16>,
        /// Function 23: registers written.
        write_quantity: Opt<u16>,
        /// Values read or written: registers, or 0 and 1 for coils and inputs; of function 22 the and and or masks;
        /// of function 23 the `write_quantity` written ones, then those read (of other functions: words, or bytes).
        values: List<u16>,
        /// Sub-function of functions 8 and 43 (MEI type); file number of functions 20 and 21.
        sub_function: Opt<u16>,
        /// Exception code; absent: none.
        exception_code: Opt<u8>,
        /// `ok exception unanswered unsolicited`.
        status: Name,
        /// Microseconds from request to response.
        latency_us: Opt<u32>,
    }
}
