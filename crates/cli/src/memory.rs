//! Amounts of memory: as typed, as free, as used.

/// Where the system does not tell what is free.
const UNKNOWN_BUDGET: usize = 2 << 30;

/// Bytes as in `1000000`, `500M` or `4G`; the letters stand for powers of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    let wrong = || "expected bytes above 0, as in 500M or 4G".to_owned();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1usize << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let number: usize = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|&bytes| bytes > 0).ok_or_else(wrong)
}

/// Half of the free memory, of the machine or of the container, whichever has less.
pub(crate) fn default_budget() -> usize {
    let machine = status_kilobytes("/proc/meminfo", "MemAvailable:").map(|kilobytes| kilobytes * 1024);
    machine.into_iter().chain(free_in_container()).min().map_or(UNKNOWN_BUDGET, |bytes| bytes / 2)
}

/// What the control group leaves, where it sets a limit (version 2, then version 1).
fn free_in_container() -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let pairs = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ];
    pairs.iter().find_map(|(limit, used)| Some(read(limit)?.saturating_sub(read(used)?)))
}

/// The most memory that this process has held, where the system tells.
pub(crate) fn peak_bytes() -> Option<usize> {
    status_kilobytes("/proc/self/status", "VmHWM:").map(|kilobytes| kilobytes * 1024)
}

fn status_kilobytes(path: &str, field: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        assert_eq!(parse_bytes("1"), Ok(1));
        assert_eq!(parse_bytes("4G"), Ok(4 << 30));
        assert_eq!(parse_bytes("500m"), Ok(500 << 20));
        assert_eq!(parse_bytes("3KiB"), Ok(3072));
        for wrong in ["", "0", "G", "-1", "1.5G", "4X", "99999999999999999999", "9999999999999T"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong} was accepted");
        }
    }
}
