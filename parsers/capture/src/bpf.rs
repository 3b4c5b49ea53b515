//! Filters of classic BPF over packets of captures, as libpcap compiles them ("The BSD Packet Filter", McCanne and
//! Jacobson, 1993; the instructions of `pcap/bpf.h`).
//!
//! A program is checked once, as the kernel does: jumps go forward and stay inside, so that every run ends.

/// Code, jump if true, jump if false, constant.
pub type Instruction = (u16, u8, u8, u32);

/// Instructions of a program; the kernel's limit.
pub const MOST: usize = 4096;
const MEMORY: usize = 16;

// Classes, the lowest three bits of the code.
const LD: u16 = 0x00;
const LDX: u16 = 0x01;
const ST: u16 = 0x02;
const STX: u16 = 0x03;
const ALU: u16 = 0x04;
const JMP: u16 = 0x05;
const RET: u16 = 0x06;
const MISC: u16 = 0x07;

const SIZE: u16 = 0x18;
const WORD: u16 = 0x00;
const HALF: u16 = 0x08;
const BYTE: u16 = 0x10;

const MODE: u16 = 0xe0;
const IMM: u16 = 0x00;
const ABS: u16 = 0x20;
const IND: u16 = 0x40;
const MEM: u16 = 0x60;
const LEN: u16 = 0x80;
const MSH: u16 = 0xa0;

const OPERATION: u16 = 0xf0;
const FROM_X: u16 = 0x08;
const DIV: u16 = 0x30;
const MOD: u16 = 0x90;
const RETURN: u16 = 0x18;
const RETURN_A: u16 = 0x10;
const TXA: u16 = 0x80;

/// A program that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// Checks a program.
    ///
    /// # Errors
    /// Says which instruction is none, or leads out of the program.
    pub fn new(code: Vec<Instruction>) -> Result<Self, String> {
        if code.is_empty() || code.len() > MOST {
            return Err(format!("a filter has 1 to {MOST} instructions, not {}", code.len()));
        }
        if code.last().is_none_or(|last| last.0 & 7 != RET) {
            return Err("a filter must end with a return".into());
        }
        for (at, &(op, yes, no, k)) in code.iter().enumerate() {
            if !sound(op, k) {
                return Err(format!("instruction {at} of the filter ({op:#x}, {k:#x}) is none that is known"));
            }
            let left = code.len() - at - 1;
            let jump = match op & OPERATION {
                _ if op & 7 != JMP => 0,
                0 => k as usize,
                _ => usize::from(yes.max(no)),
            };
            if op & 7 != RET && jump >= left {
                return Err(format!("instruction {at} of the filter leads out of it"));
            }
        }
        Ok(Self(code))
    }

    /// Whether the packet is wanted. `length`: on the wire.
    #[must_use]
    pub fn wants(&self, data: &[u8], length: u32) -> bool {
        self.run(data, length).unwrap_or(0) != 0
    }

    /// What the program returns; `None`: it looked beyond the packet, or divided by zero, which both mean no.
    fn run(&self, data: &[u8], length: u32) -> Option<u32> {
        let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; MEMORY], 0_usize);
        loop {
            let &(op, yes, no, k) = self.0.get(at)?;
            at += 1;
            let cell = (k as usize) % MEMORY;
            let operand = if op & FROM_X != 0 { x } else { k };
            match op & 7 {
                LD => {
                    a = match op & MODE {
                        IMM => k,
                        ABS => load(data, k, op)?,
                        IND => load(data, x.checked_add(k)?, op)?,
                        MEM => *memory.get(cell)?,
                        _ => length,
                    }
                }
                LDX => {
                    x = match op & MODE {
                        IMM => k,
                        MEM => *memory.get(cell)?,
                        // The length of an IP header: 4 * ([k] & 0xf).
                        MSH => u32::from(data.get(k as usize)? & 0xf) << 2,
                        _ => length,
                    }
                }
                ST => *memory.get_mut(cell)? = a,
                STX => *memory.get_mut(cell)? = x,
                ALU => a = computed(op & OPERATION, a, operand)?,
                JMP => at += jumped(op & OPERATION, a, operand, (yes, no, k)),
                RET => return Some(if op & RETURN == RETURN_A { a } else { k }),
                _ if op & TXA != 0 => a = x,
                _ => x = a,
            }
        }
    }
}

fn sound(op: u16, k: u32) -> bool {
    let sized = matches!(op & SIZE, WORD | HALF | BYTE);
    match op & 7 {
        LD => sized && (op & MODE != MEM || (k as usize) < MEMORY) && matches!(op & MODE, IMM | ABS | IND | MEM | LEN),
        LDX => (op & MODE != MEM || (k as usize) < MEMORY) && matches!(op & MODE, IMM | MEM | LEN | MSH),
        ST | STX => (k as usize) < MEMORY,
        ALU => op & OPERATION <= 0xa0 && !(matches!(op & OPERATION, DIV | MOD) && op & FROM_X == 0 && k == 0),
        JMP => op & OPERATION <= 0x40,
        RET | MISC => true,
        _ => false,
    }
}

#[inline]
fn load(data: &[u8], at: u32, op: u16) -> Option<u32> {
    let rest = data.get(at as usize..)?;
    match op & SIZE {
        WORD => rest.first_chunk().map(|b| u32::from_be_bytes(*b)),
        HALF => rest.first_chunk().map(|b| u32::from(u16::from_be_bytes(*b))),
        _ => rest.first().map(|&b| u32::from(b)),
    }
}

fn computed(operation: u16, a: u32, b: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        DIV => a.checked_div(b)?,
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a.checked_shl(b).unwrap_or(0),
        0x70 => a.checked_shr(b).unwrap_or(0),
        0x80 => a.wrapping_neg(),
        MOD => a.checked_rem(b)?,
        _ => a ^ b,
    })
}

fn jumped(operation: u16, a: u32, b: u32, (yes, no, k): (u8, u8, u32)) -> usize {
    let holds = match operation {
        0x00 => return k as usize,
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        _ => a & b != 0,
    };
    usize::from(if holds { yes } else { no })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    // `tcpdump -d "udp port 53"` on raw IP, shortened to IPv4 without fragments.
    const UDP_53: [Instruction; 11] = [
        (0x30, 0, 0, 0),
        (0x54, 0, 0, 0xf0),
        (0x15, 0, 7, 0x40),
        (0x30, 0, 0, 9),
        (0x15, 0, 5, 17),
        (0xb1, 0, 0, 0),
        (0x48, 0, 0, 0),
        (0x15, 2, 0, 53),
        (0x48, 0, 0, 2),
        (0x15, 0, 0, 53),
        (0x06, 0, 0, 262_144),
    ];

    fn datagram(protocol: u8, port: u16) -> Vec<u8> {
        let mut data = vec![0; 28];
        (data[0], data[9]) = (0x45, protocol);
        data[22..24].copy_from_slice(&port.to_be_bytes());
        data
    }

    #[test]
    fn runs_what_libpcap_compiles() {
        let mut code = UDP_53.to_vec();
        code[9] = (0x15, 0, 1, 53);
        code[2].2 = 8;
        code[4].2 = 6;
        code.push((0x06, 0, 0, 0));
        let program = Program::new(code).unwrap();
        assert!(program.wants(&datagram(17, 53), 28));
        assert!(!program.wants(&datagram(17, 54), 28));
        assert!(!program.wants(&datagram(6, 53), 28));
        assert!(!program.wants(&datagram(17, 53)[..20], 28), "the port is not there");
        assert!(!program.wants(&[], 0));
    }

    #[test]
    fn refuses_what_would_not_end_or_leads_out() {
        for code in [
            vec![],
            vec![(0x00, 0, 0, 1)],
            vec![(0x05, 0, 0, 1), (0x06, 0, 0, 0)],
            vec![(0x15, 0, 9, 1), (0x06, 0, 0, 0)],
            vec![(0x05, 0, 0, u32::MAX), (0x06, 0, 0, 0)],
            vec![(0x02, 0, 0, 16), (0x06, 0, 0, 0)],
            vec![(0x34, 0, 0, 0), (0x06, 0, 0, 0)],
            vec![(0x06, 0, 0, 0); MOST + 1],
        ] {
            assert!(Program::new(code.clone()).is_err(), "{code:?}");
        }
    }

    #[test]
    fn computes_as_the_kernel_does() {
        let result = |op: u16, a: u32, b: u32| {
            let code = vec![(0x00, 0, 0, a), (0x01, 0, 0, b), (op | FROM_X | ALU, 0, 0, 0), (0x16, 0, 0, 0)];
            Program::new(code).unwrap().run(&[], 0)
        };
        assert_eq!(result(0x60, 1, 40), Some(0));
        assert_eq!(result(DIV, 7, 0), None);
        assert_eq!(result(MOD, 7, 4), Some(3));
        assert_eq!(result(0x10, 1, 2), Some(u32::MAX));
        assert_eq!(result(0xa0, 6, 3), Some(5));
    }
}
