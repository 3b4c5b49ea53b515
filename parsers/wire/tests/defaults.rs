//! Accounts that are shipped.

use wire::defaults::{LONGEST, shipped, shipped_basic};

#[test]
fn pairs_are_told_whole() {
    assert!(shipped(b"admin", b"admin") && shipped(b"ADMIN", b"1234") && shipped(b"admin", b""));
    assert!(!shipped(b"admin", b"ADMIN"), "passwords have their case");
    assert!(!shipped(b"admin", b"adm") && !shipped(b"root", b"factorycast@schneider") && !shipped(b"bob", b"bob"));
    assert!(!shipped(b"", b"") && shipped(b"", b"OTTER"));
    assert!(!shipped(&[b'a'; LONGEST + 1], b"") && !shipped(b"admin", &[b'a'; 100_000]));
}

#[test]
fn basic_is_read_in_place() {
    assert!(shipped_basic(b"YWRtaW46cGFzc3dvcmQ="), "admin:password");
    assert!(shipped_basic(b"dXNlcjp1c2Vy"), "user:user");
    for other in [&b""[..], b"YWRtaW4=", b"%%%", b"YWRtaW46b3RoZXI=", &[b'A'; 10_000]] {
        assert!(!shipped_basic(other), "{other:?}");
    }
}
