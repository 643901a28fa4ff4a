//! AMX for processors without it: the instructions that [`amx`](super::amx) uses, executed in software.
//!
//! A processor without AMX answers each of them with an illegal-instruction signal. The handler here decodes the
//! instruction, does what Intel's manual says to tiles that it keeps for the thread, and moves on to the next. So
//! tests run the very instructions of the kernel. Any other illegal instruction ends the process as before.

#![expect(
    unsafe_code,
    reason = "a signal handler that reads and writes registers and memory of the code it stopped"
)]

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::Once;

/// 16 rows of 16 float32, or of 16 pairs of bfloat16 (the even element in the lower half), as bits.
pub(super) type Bits = [[u32; 16]; 16];

/// TDPBF16PS as the manual has it: for each element of `sums`, one sum over the even and one over the odd elements
/// of the pairs by fused multiply-adds, then the two together, then onto the element. Denormals are 0 throughout.
pub(super) fn add_products(sums: &mut Bits, a: &Bits, b: &Bits) {
    for (sums, a) in sums.iter_mut().zip(a) {
        for (column, sum) in sums.iter_mut().enumerate() {
            let mut halves = [0.0_f32; 2];
            for (a, b) in a.iter().zip(b) {
                let b = b[column];
                for (half, shift) in halves.iter_mut().zip([16, 0]) {
                    let [a, b] = [a, &b].map(|pair| flushed(f32::from_bits((pair << shift) & 0xffff_0000)));
                    *half = flushed(a.mul_add(b, *half));
                }
            }
            let both = flushed(halves[0] + halves[1]);
            *sum = flushed(flushed(f32::from_bits(*sum)) + both).to_bits();
        }
    }
}

fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0.0_f32.copysign(x) } else { x }
}

struct Tiles {
    configured: bool,
    tiles: [Bits; 8],
}

thread_local! {
    static TILES: UnsafeCell<Tiles> =
        const { UnsafeCell::new(Tiles { configured: false, tiles: [[[0; 16]; 16]; 8] }) };
}

/// From now on this process executes AMX instructions in software.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: an all-zero sigaction is valid; the handler has the signature that SA_SIGINFO asks for.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGILL, &raw const action, std::ptr::null_mut())
        };
        assert_eq!(result, 0, "the handler is installed");
    });
}

extern "C" fn handler(signal: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes the state of the stopped thread, which is this one. It stopped at an instruction
    // outside this module, so nothing else uses this thread's tiles. An instruction that is not AMX's is left to
    // the default action, which it meets when it is executed again.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let done = TILES.with(|tiles| execute(registers, &mut *tiles.get()));
        if done.is_none() {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// Executes one instruction and moves past it; None when it is not one of AMX's that the kernel uses.
///
/// # Safety
/// The registers are those of a thread stopped at an instruction whose operands are live.
unsafe fn execute(registers: &mut [i64; 23], tiles: &mut Tiles) -> Option<()> {
    let start = registers[libc::REG_RIP as usize] as *const u8;
    // SAFETY: reads the instruction's bytes one by one, none beyond its end.
    let byte = |index: usize| unsafe { start.add(index).read() };
    // VEX with three bytes, map 0F38, W = 0, 128 bits.
    if byte(0) != 0xc4 || byte(1) & 0x1f != 2 || byte(2) & 0x84 != 0 {
        return None;
    }
    let (prefix, opcode, mod_rm) = (byte(2) & 3, byte(3), byte(4));
    let (mode, reg, rm) = (mod_rm >> 6, usize::from(mod_rm >> 3 & 7), mod_rm & 7);
    let third = usize::from(!(byte(2) >> 3) & 0xf);
    let mut length = 5;
    if mode == 3 {
        match (prefix, opcode) {
            (0, 0x49) if mod_rm == 0xc0 => *tiles = Tiles { configured: false, tiles: [[[0; 16]; 16]; 8] },
            (3, 0x49) if tiles.configured && rm == 0 => tiles.tiles[reg] = [[0; 16]; 16],
            (2, 0x5c) if tiles.configured && third < 8 => {
                let (a, b) = (tiles.tiles[usize::from(rm)], tiles.tiles[third]);
                add_products(&mut tiles.tiles[reg], &a, &b);
            }
            _ => return None,
        }
    } else {
        // Registers are numbered by three bits here and one, inverted, in the prefix.
        let register =
            |low: u8, inverted: u8| registers[GENERAL[usize::from(low & 7 | (!inverted & 1) << 3)]];
        let (base, index) = if rm == 4 {
            let sib = byte(5);
            length += 1;
            let index = register(sib >> 3, byte(1) >> 6) << (sib >> 6);
            (register(sib, byte(1) >> 5), index)
        } else {
            (register(rm, byte(1) >> 5), 0)
        };
        let displacement = match mode {
            1 => i64::from(byte(length) as i8),
            2 => i64::from(i32::from_le_bytes([0, 1, 2, 3].map(|index| byte(length + index)))),
            // Without a base there would be a displacement; the kernel has no such operands.
            _ if rm == 5 || (rm == 4 && byte(5) & 7 == 5) => return None,
            _ => 0,
        };
        length += [0, 1, 4][usize::from(mode)];
        let address = base + displacement;
        let row = |row: usize| (address + index * row as i64) as *mut [u32; 16];
        // SAFETY: the operand that the stopped code would have accessed.
        unsafe {
            match (prefix, opcode) {
                (0, 0x49) if reg == 0 => {
                    let config = (address as *const [u8; 64]).read();
                    let expected = std::array::from_fn(|index| match index {
                        0 => 1,
                        16..32 => [64, 0][index % 2],
                        48..56 => 16,
                        _ => 0,
                    });
                    if config != expected {
                        return None;
                    }
                    *tiles = Tiles { configured: true, tiles: [[[0; 16]; 16]; 8] };
                }
                (3, 0x4b) if tiles.configured && rm == 4 => {
                    tiles.tiles[reg] = std::array::from_fn(|index| row(index).read_unaligned());
                }
                (2, 0x4b) if tiles.configured && rm == 4 => {
                    (0..16).for_each(|index| row(index).write_unaligned(tiles.tiles[reg][index]));
                }
                _ => return None,
            }
        }
    }
    registers[libc::REG_RIP as usize] += length as i64;
    Some(())
}

/// Where the system keeps the general registers, by their numbers in instructions.
const GENERAL: [usize; 16] = [
    libc::REG_RAX as usize,
    libc::REG_RCX as usize,
    libc::REG_RDX as usize,
    libc::REG_RBX as usize,
    libc::REG_RSP as usize,
    libc::REG_RBP as usize,
    libc::REG_RSI as usize,
    libc::REG_RDI as usize,
    libc::REG_R8 as usize,
    libc::REG_R9 as usize,
    libc::REG_R10 as usize,
    libc::REG_R11 as usize,
    libc::REG_R12 as usize,
    libc::REG_R13 as usize,
    libc::REG_R14 as usize,
    libc::REG_R15 as usize,
];

#[test]
fn other_illegal_instructions_still_end_the_process() {
    install();
    // SAFETY: the child calls nothing but the system and never returns; the alarm ends it should it go on forever.
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::alarm(10);
            std::arch::asm!("ud2");
            libc::_exit(0);
        }
        assert!(child > 0, "a child process");
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        status
    };
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGILL, "status {status}");
}
