//! Values as text, written into a buffer that the dissector reuses, cut at a limit.

/// Writes into `text` until `limit` bytes are added; the rest is dropped, `…` marks the cut.
#[derive(Debug)]
pub struct Out<'o> {
    text: &'o mut String,
    end: usize,
    cut: bool,
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl<'o> Out<'o> {
    /// A writer of at most `limit` bytes.
    pub fn new(text: &'o mut String, limit: u64) -> Self {
        let end = text.len().saturating_add(usize::try_from(limit).unwrap_or(usize::MAX));
        Self { text, end, cut: false }
    }

    /// Whether the limit is reached: what follows is not written.
    #[must_use]
    pub fn full(&self) -> bool {
        self.cut
    }

    /// Where the next text will stand.
    #[must_use]
    pub fn written(&self) -> usize {
        self.text.len()
    }

    /// What was written since.
    #[must_use]
    pub fn since(&self, start: usize) -> &str {
        self.text.get(start..).unwrap_or_default()
    }

    /// Adds a text, cut at a character's border.
    #[inline]
    pub fn str(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let room = self.end.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return;
        }
        let edge = (0..=room).rev().find(|&n| text.is_char_boundary(n)).unwrap_or(0);
        self.text.push_str(text.get(..edge).unwrap_or_default());
        self.text.push('…');
        self.cut = true;
    }

    /// Adds bytes that should be UTF-8; what is not becomes U+FFFD.
    #[inline]
    pub fn utf8(&mut self, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.str(text);
        }
        for chunk in bytes.utf8_chunks() {
            self.str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.str("\u{FFFD}");
            }
            if self.cut {
                return;
            }
        }
    }

    /// Adds a whole number.
    #[inline]
    pub fn unsigned(&mut self, value: u64) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut rest = value;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
            at -= 1;
            if rest == 0 {
                break;
            }
        }
        self.ascii(digits.get(at..).unwrap_or_default());
    }

    /// Adds a whole number with its sign.
    pub fn signed(&mut self, value: i64) {
        if value < 0 {
            self.str("-");
        }
        self.unsigned(value.unsigned_abs());
    }

    /// Adds the shortest decimal that reads back as the same Double; whole numbers without `.0`.
    pub fn double(&mut self, value: f64) {
        let mut buffer = zmij::Buffer::new();
        let text = if value.is_finite() { buffer.format_finite(value) } else { not_finite(value) };
        self.str(text.strip_suffix(".0").unwrap_or(text));
    }

    /// Adds the shortest decimal that reads back as the same Float.
    pub fn float(&mut self, value: f32) {
        let mut buffer = zmij::Buffer::new();
        let text = if value.is_finite() { buffer.format_finite(value) } else { not_finite(f64::from(value)) };
        self.str(text.strip_suffix(".0").unwrap_or(text));
    }

    /// Adds bytes as hexadecimal digits.
    pub fn hex(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.ascii(&[digit(byte >> 4), digit(byte & 15)]);
            if self.cut {
                return;
            }
        }
    }

    /// Adds `0x` and eight digits.
    pub fn code(&mut self, code: u32) {
        self.str("0x");
        self.hex(&code.to_be_bytes());
    }

    /// Adds an instant as `2026-11-23T08:15:00Z`, with as many decimals as it has (§5.2.2.5).
    pub fn time(&mut self, ticks: i64) {
        let since = ticks.saturating_sub(EPOCH_TICKS);
        let (seconds, fraction) = (since.div_euclid(10_000_000), since.rem_euclid(10_000_000));
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        self.signed(year);
        for (mark, value) in
            [("-", month), ("-", day), ("T", second / 3_600), (":", second / 60 % 60), (":", second % 60)]
        {
            self.str(mark);
            self.padded(value, 2);
        }
        if fraction != 0 {
            self.str(".");
            self.padded(fraction, 7);
        }
        self.str("Z");
    }

    fn padded(&mut self, value: i64, width: u32) {
        let mut place = 10_i64.pow(width.saturating_sub(1));
        while place > 0 {
            self.ascii(&[b'0' + (value / place % 10) as u8]);
            place /= 10;
        }
    }

    fn ascii(&mut self, digits: &[u8]) {
        self.str(std::str::from_utf8(digits).unwrap_or_default());
    }
}

fn digit(nibble: u8) -> u8 {
    DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?')
}

fn not_finite(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN",
        (_, true) => "inf",
        _ => "-inf",
    }
}

/// 100 ns ticks from 1601-01-01 to 1970-01-01.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// A DateTime (§5.2.2.5: 100 ns since 1601-01-01 UTC) as nanoseconds since the epoch. 0 and instants that
/// nanoseconds cannot hold ("never", year 9999) become 0: none.
#[must_use]
#[inline]
pub fn nanos(ticks: i64) -> i64 {
    if ticks <= 0 {
        return 0;
    }
    ticks.checked_sub(EPOCH_TICKS).and_then(|t| t.checked_mul(100)).unwrap_or(0)
}

/// Year, month, day of a day count since the epoch (Howard Hinnant's civil_from_days).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
