//! Capture files: any bytes are read to an end, or refused with a sentence.

use std::io::{Seek as _, Write as _};
use std::path::PathBuf;

use ::capture::{Merge, PACKET_BYTES};

/// A file in memory: readers take paths, and a disk would be what is measured.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

thread_local! {
    static FILE: std::cell::RefCell<tempfile::NamedTempFile> =
        std::cell::RefCell::new(tempfile::NamedTempFile::new_in(place()).expect("a file for captures"));
}

pub fn capture(input: &[u8]) {
    FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).expect("an empty file");
        file.rewind().expect("its start");
        file.write_all(input).expect("the capture");
        read(&file.path().to_path_buf());
    });
}

fn read(path: &PathBuf) {
    let mut merge = match Merge::open(std::slice::from_ref(path)) {
        Ok(merge) => merge,
        Err(error) => {
            assert!(error.to_string().contains(' '), "a sentence for the user");
            return;
        }
    };
    let mut number = 0;
    while let Some(packet) = merge.next() {
        number += 1;
        assert_eq!(packet.frame.number(), number, "frames are numbered as they stand");
        assert!(packet.data.len() <= PACKET_BYTES);
    }
    assert!(merge.facts().len() == 1 && merge.warnings().iter().all(|warning| !warning.is_empty()));
}
