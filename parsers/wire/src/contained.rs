//! What a panic of ours may take with it: the flow it was in, or the packet, and nothing else.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}
static ONCE: Once = Once::new();

/// Has panics inside [`contained`] said to whoever called it, and to nobody else: their text may quote what was on the
/// wire, and has no place on a terminal or in a log. All others go on as they did. A program does it once, at its start.
pub fn quiet() {
    ONCE.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            if INSIDE.get() {
                PLACE.with_borrow_mut(|place| *place = info.location().map(place_of).unwrap_or_default());
            } else {
                others(info);
            }
        }));
    });
}

/// Runs `f`; a panic inside is an error that names its place in the code: file and line, without folders of the machine
/// that it was built on.
#[inline]
pub fn contained<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    let before = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(f));
    INSIDE.set(before);
    done.map_err(|_| PLACE.take())
}

fn place_of(location: &Location<'_>) -> String {
    let mut names: Vec<&str> = location.file().rsplit(['/', '\\']).take(2).collect();
    names.reverse();
    format!("{}:{}", names.join("/"), location.line())
}
