//! Which instructions the matrix products use.

use std::fmt;
use std::sync::OnceLock;

/// The environment variable that forces other instructions than the best.
const VARIABLE: &str = "CAUSAL_TRACE_ISA";

/// Sets of instructions, each with all that the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every processor of this architecture has.
    Portable,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with products of bfloat16 pairs.
    Avx512Bf16,
    /// AMX: products of bfloat16 tiles.
    Amx,
}

/// Why the instructions that were asked for cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsaError {
    /// Not a name.
    #[error(
        "{VARIABLE} is \"{value}\"; expected one of {names}, or the variable unset for the best that this \
         processor has",
        names = names(Isa::Amx)
    )]
    Unknown {
        /// The value found.
        value: String,
    },
    /// A name, but not for this processor.
    #[error("{VARIABLE} is \"{asked}\", which this processor or system lacks; it has {has}", has = names(*best))]
    Lacking {
        /// What was asked for.
        asked: Isa,
        /// The best that there is.
        best: Isa,
    },
}

impl Isa {
    /// All, from the plainest to the most able.
    pub const ALL: [Isa; 5] = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16, Isa::Amx];

    /// The best that this processor and system have. Detected once.
    #[must_use]
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(detected)
    }

    /// What `CAUSAL_TRACE_ISA` asks for, or the best. Read once.
    ///
    /// # Errors
    /// When the variable holds no name, or one that this processor lacks.
    pub fn chosen() -> Result<Isa, IsaError> {
        static CHOSEN: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        CHOSEN.get_or_init(|| from_variable(std::env::var_os(VARIABLE).as_deref(), Isa::best())).clone()
    }

    /// What kernels use: as [`Isa::chosen`], and the best where that is an error.
    #[must_use]
    pub fn current() -> Isa {
        Isa::chosen().unwrap_or_else(|_| Isa::best())
    }

    /// The name that `CAUSAL_TRACE_ISA` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Bf16 => "avx512-bf16",
            Isa::Amx => "amx",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names up to `last`, for messages.
fn names(last: Isa) -> String {
    let names: Vec<&str> = Isa::ALL.into_iter().filter(|&isa| isa <= last).map(Isa::name).collect();
    names.join(", ")
}

/// An empty value counts as none.
fn from_variable(value: Option<&std::ffi::OsStr>, best: Isa) -> Result<Isa, IsaError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(best) };
    let asked = Isa::ALL.into_iter().find(|isa| value == isa.name());
    match asked {
        None => Err(IsaError::Unknown { value: value.to_string_lossy().into_owned() }),
        Some(asked) if asked > best => Err(IsaError::Lacking { asked, best }),
        Some(asked) => Ok(asked),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Isa {
    Isa::Portable
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Isa {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx2") && has!("fma")) {
        Isa::Portable
    } else if !(has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")) {
        Isa::Avx2
    } else if !has!("avx512bf16") {
        Isa::Avx512
    } else if !has_amx() {
        Isa::Avx512Bf16
    } else {
        Isa::Amx
    }
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn has_amx() -> bool {
    false
}

/// Whether the processor has tiles and their bfloat16 products, the system keeps them across switches of threads,
/// and lets this process use them.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn has_amx() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

    const OSXSAVE: u32 = 1 << 27;
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    const TILE_CONFIG: u64 = 1 << 17;
    const TILE_DATA: u64 = 1 << 18;

    /// # Safety
    /// The processor and system have OSXSAVE.
    #[target_feature(enable = "xsave")]
    #[expect(unsafe_code, reason = "reads a register that has no safe interface")]
    unsafe fn kept_by_the_system() -> u64 {
        // SAFETY: the caller has checked OSXSAVE, and register 0 exists where it is set.
        unsafe { _xgetbv(0) }
    }

    let leaf_1 = __cpuid(1);
    if leaf_1.ecx & OSXSAVE == 0 || __cpuid(0).eax < 7 {
        return false;
    }
    let features = __cpuid_count(7, 0).edx;
    if features & AMX_BF16 == 0 || features & AMX_TILE == 0 {
        return false;
    }
    #[expect(unsafe_code, reason = "reads a register that has no safe interface")]
    // SAFETY: OSXSAVE was checked above.
    let kept = unsafe { kept_by_the_system() };
    kept & TILE_CONFIG != 0 && kept & TILE_DATA != 0 && may_use_tiles()
}

/// Asks Linux for the use of tile registers, for this process and all its threads.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn may_use_tiles() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let result: i64;
    #[expect(unsafe_code, reason = "a system call that the standard library does not have")]
    // SAFETY: this call takes two numbers and touches no memory of this process; the kernel changes rax, rcx
    // and r11 only.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str, best: Isa) -> Result<Isa, IsaError> {
        from_variable(Some(value.as_ref()), best)
    }

    #[test]
    fn a_name_chooses_what_the_processor_has() {
        for isa in Isa::ALL {
            assert_eq!(asked(isa.name(), Isa::Amx), Ok(isa));
        }
        assert_eq!(asked("portable", Isa::Portable), Ok(Isa::Portable));
        assert_eq!(asked("", Isa::Avx2), Ok(Isa::Avx2));
        assert_eq!(from_variable(None, Isa::Avx512), Ok(Isa::Avx512));
    }

    #[test]
    fn other_values_are_errors_that_say_what_to_do() {
        let unknown = asked("AVX", Isa::Avx2).unwrap_err().to_string();
        assert!(unknown.contains("\"AVX\"") && unknown.contains("avx512-bf16, amx"), "{unknown}");
        let lacking = asked("amx", Isa::Avx2).unwrap_err();
        assert_eq!(lacking, IsaError::Lacking { asked: Isa::Amx, best: Isa::Avx2 });
        assert!(lacking.to_string().ends_with("it has portable, avx2"), "{lacking}");
    }
}
