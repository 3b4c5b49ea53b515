//! Bugs put in on purpose: a panic behind a magic that chance does not hit, an endless loop, state without a limit.
//! A fuzzer that does not find them proves nothing about what it has not found.

use wire::dissect::{Cx, Dir, Dissector, Nanos, Step};

use super::dissectors::drive;
use super::meter;

/// What each bug waits for in a message: four bytes, of which each brings a fuzzer on by one.
const MAGIC: [u8; 4] = *b"drif";

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    Panic,
    Hang,
    Growth,
}

struct Planted(Bug, Vec<Vec<u8>>);

impl Planted {
    fn act(&mut self) {
        match self.0 {
            Bug::Panic => panic!("planted"),
            // So long that the meter must see it, and not for ever: plain tests cannot end a thread.
            Bug::Hang => {
                let begun = meter::cpu();
                while meter::cpu() - begun < 1.2 {}
            }
            Bug::Growth => self.1.extend(std::iter::repeat_with(|| vec![1; 4_096]).take(16_384)),
        }
    }
}

impl Dissector for Planted {
    fn parse(&mut self, _: &mut Cx<'_>, _: Dir, bytes: &[u8]) -> Step {
        let Some(head) = bytes.first_chunk::<4>() else { return Step::Need(4) };
        let matching = head.iter().zip(MAGIC).take_while(|(a, b)| **a == *b).count();
        match std::hint::black_box(matching) {
            4 => self.act(),
            3 => return Step::Took(3),
            2 => return Step::Took(2),
            _ => {}
        }
        Step::Took(1)
    }
    fn gap(&mut self, _: &mut Cx<'_>, _: Dir, _: u64) {}
    fn tick(&mut self, _: &mut Cx<'_>, _: Nanos) {}
    fn waits(&self) -> bool {
        false
    }
    fn end(&mut self, _: &mut Cx<'_>) {}
    fn protocol(&self) -> &'static str {
        "planted"
    }
}

fn run(bug: Bug, input: &[u8]) {
    drive(&|| Box::new(Planted(bug, Vec::new())), 1, input);
}

pub fn panic(input: &[u8]) {
    run(Bug::Panic, input);
}

pub fn hang(input: &[u8]) {
    run(Bug::Hang, input);
}

pub fn growth(input: &[u8]) {
    run(Bug::Growth, input);
}
