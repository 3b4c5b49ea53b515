//! What an input may cost.

use std::alloc::System;
use std::time::Instant;

use cap::Cap;

/// Bytes that may be taken while an input is worked on, with the limits of [`super::script::limits`]: those together are
/// some 2 MiB, tables of a window and a capture reader's buffers come on top.
pub const PEAK: usize = 48 << 20;
/// CPU seconds that 64 KiB may take.
const SECONDS: f64 = 1.0;

#[global_allocator]
pub static HEAP: Cap<System> = Cap::new(System, usize::MAX);

thread_local! {
    static BEGAN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    static ON_THE_WIRE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes went over the wire: a script may say more than it is long (a packet for every byte).
pub fn on_the_wire(bytes: usize) {
    ON_THE_WIRE.set(ON_THE_WIRE.get() + bytes);
}

/// Seconds that this thread has run, as the kernel's scheduler accounts them.
pub fn cpu() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
    nanoseconds.unwrap_or(0) as f64 / 1e9
}

/// A panic needs memory to tell of itself.
fn freed_by_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _ = HEAP.set_limit(usize::MAX);
            before(info);
        }));
    });
}

/// Looks between the steps of an input whether it holds too much.
pub fn look() {
    let held = HEAP.allocated().saturating_sub(BEGAN.get());
    assert!(held <= PEAK, "{held} bytes are held");
}

/// Runs `f`, which works on so many bytes. An allocation far beyond [`PEAK`] fails, which ends the process where it grew.
pub fn metered(bytes: usize, f: impl FnOnce()) {
    freed_by_panics();
    BEGAN.set(HEAP.allocated());
    let _ = HEAP.set_limit(HEAP.allocated() + 2 * PEAK);
    let (begun, before) = (Instant::now(), cpu());
    ON_THE_WIRE.set(0);
    f();
    look();
    let bytes = bytes.max(ON_THE_WIRE.get());
    let _ = HEAP.set_limit(usize::MAX);
    let may = SECONDS * (bytes as f64 / 65_536.0).max(1.0);
    if begun.elapsed().as_secs_f64() > may {
        // Others use the machine too: only this thread's own time counts.
        let took = cpu() - before;
        assert!(took <= may, "{bytes} bytes took {took:.2} s of CPU time, more than {may:.1}");
    }
}
