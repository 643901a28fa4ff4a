//! `cargo xtask static`: the program as one file that needs no library of the system.

use std::{env, fs};

use crate::apt;
use crate::process::{answer, cargo, program, step, target_folder};

/// Builds it, makes sure that it loads nothing, and traces a fact with it.
pub(crate) fn build() -> Result<(), String> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    step("target", program("rustup").args(["target", "add", &target]))?;
    // Dependencies with parts in C are compiled by it; the linker that rustc brings does the rest.
    if answer(program("musl-gcc").arg("--version")).is_err()
        && let Err(message) = apt::install("musl-tools")
    {
        println!("musl-gcc is not here and musl-tools cannot be installed ({message}); trying without");
    }
    step("build", cargo().args(["build", "--release", "--locked", "--target", &target]))?;
    let built = target_folder().join(&target).join("release").join("causal-trace");
    let bytes = fs::read(&built).map_err(|error| format!("cannot read {}: {error}", built.display()))?;
    match asks_for_loader(&bytes) {
        Some(false) => {}
        Some(true) => return Err(format!("{} asks for a loader: it is not static", built.display())),
        None => return Err(format!("{} is not a 64-bit Linux program", built.display())),
    }
    step(
        "trace",
        program(&built).env("CAUSAL_TRACE_CONFIG", "").args(["--quiet", "trace", "--samples", "1"]),
    )?;
    println!("\n{}: {:.1} MB, loads no library", built.display(), bytes.len() as f64 / 1e6);
    Ok(())
}

/// Whether a 64-bit little-endian ELF file names a dynamic loader (a program header of type `PT_INTERP`).
fn asks_for_loader(elf: &[u8]) -> Option<bool> {
    const INTERPRETER: u32 = 3;
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let number = |at: usize, len: usize| {
        let bytes = elf.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte)))
    };
    let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    for index in 0..count {
        let header = usize::try_from(table + index * size).ok()?;
        if number(header, 4)? == u64::from(INTERPRETER) {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_whether_a_loader_is_asked_for() {
        let with = |kind: u8| {
            let mut elf = vec![0; 64 + 56];
            elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
            (elf[0x20], elf[0x36], elf[0x38]) = (64, 56, 1);
            elf[64] = kind;
            elf
        };
        assert_eq!(asks_for_loader(&with(3)), Some(true));
        assert_eq!(asks_for_loader(&with(1)), Some(false));
        assert_eq!(asks_for_loader(&with(3)[..80]), Some(true));
        assert_eq!(asks_for_loader(&with(3)[..64]), None);
        assert_eq!(asks_for_loader(b"#!/bin/sh"), None);
    }

    /// What cargo builds here is dynamic, but for a target like musl's.
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    #[test]
    fn this_test_asks_for_one() {
        let own = fs::read(env::current_exe().unwrap()).unwrap();
        assert_eq!(asks_for_loader(&own), Some(true));
    }
}
