//! Memory for what is packed.

use rayon::prelude::*;

/// From so many bytes on, memory is asked for in huge pages: some of these.
const LARGE: usize = 8 << 20;

/// A buffer with the same value everywhere, set by all threads of the current pool, and in huge pages where it is large:
/// the first touch of so many small ones takes longer than what is then written there.
pub(super) fn fresh<T: Copy + Send + Sync>(value: T, len: usize) -> Vec<T> {
    let mut buffer = Vec::with_capacity(len);
    if len * size_of::<T>() >= LARGE {
        ask_for_huge_pages(&buffer);
    }
    rayon::iter::repeat_n(value, len).collect_into_vec(&mut buffer);
    buffer
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a system call that the standard library does not have")]
fn ask_for_huge_pages<T>(buffer: &Vec<T>) {
    const PAGE: usize = 4096;
    let start = buffer.as_ptr().addr().next_multiple_of(PAGE);
    let end = (buffer.as_ptr().addr() + buffer.capacity() * size_of::<T>()) / PAGE * PAGE;
    if start < end {
        // SAFETY: these whole pages lie within one live allocation. The advice changes neither what they hold nor how
        // they may be used; where the system does not follow it, nothing is lost, so what it returns does not matter.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: &Vec<T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_buffers_hold_the_value() {
        for len in [0, 1, 1000, LARGE / 8 + 3] {
            let buffer = fresh(7u64, len);
            assert!(buffer.len() == len && buffer.iter().all(|&value| value == 7));
        }
    }
}
