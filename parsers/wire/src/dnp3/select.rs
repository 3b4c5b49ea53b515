//! Select before operate (IEEE 1815-2012 clause 4.4.3): the OPERATE that follows a SELECT carries the next
//! sequence number and the same objects, octet by octet, and no other request stands between them. An
//! outstation refuses any other; a sensor tells it.

use super::codes::function;

/// Octets of a selection that are kept; a larger one is not compared.
const KEPT: usize = 4_096;

/// What a master selected last.
#[derive(Debug, Default)]
pub struct Selection {
    objects: Vec<u8>,
    sequence: u8,
    frame: u64,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was heard of the master since the flow, or a hole in it, began: a select may have been missed.
    #[default]
    Deaf,
    /// Nothing is selected.
    Idle,
    /// The objects are selected.
    Selected,
    /// They are operated; the operate may be repeated.
    Operated,
    /// Too much is selected to be kept.
    Large,
}

impl Selection {
    /// Hears a request; what is wrong with it, if it is an operate without its select.
    pub fn hear(&mut self, code: u8, sequence: u8, objects: &[u8], frame: u64) -> Option<String> {
        match code {
            function::SELECT => {
                self.objects.clear();
                self.state = if objects.len() <= KEPT { State::Selected } else { State::Large };
                if self.state == State::Selected {
                    self.objects.extend_from_slice(objects);
                }
                (self.sequence, self.frame) = (sequence, frame);
                None
            }
            function::OPERATE => {
                let wrong = self.compare(sequence, objects);
                let kept = wrong.is_none() && matches!(self.state, State::Selected | State::Operated);
                self.state = if kept { State::Operated } else { State::Idle };
                wrong
            }
            function::CONFIRM => None,
            _ => {
                self.state = State::Idle;
                None
            }
        }
    }

    fn compare(&self, sequence: u8, objects: &[u8]) -> Option<String> {
        let due = (self.sequence + 1) & 0x0F;
        match self.state {
            State::Deaf => None,
            State::Idle => Some("operate without a select".into()),
            State::Operated if sequence == due && objects == self.objects => None,
            State::Operated => Some("operate without a select".into()),
            _ if sequence != due => Some(format!(
                "operate with sequence {sequence} where the select of frame {} asks for {due}",
                self.frame
            )),
            State::Selected if objects != self.objects => {
                Some(format!("operate with other objects than the select of frame {}", self.frame))
            }
            State::Selected | State::Large => None,
        }
    }

    /// Requests may have been missed.
    pub fn lose(&mut self) {
        self.state = State::Deaf;
    }

    /// Whether a request was heard since the last hole.
    pub fn is_heard(&self) -> bool {
        self.state != State::Deaf
    }
}
