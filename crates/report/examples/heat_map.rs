//! Draws made-up maps: `cargo run --release -p causal-trace-report --example heat_map -- DIR`.

#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

#[path = "../tests/report/common.rs"]
mod common;

use std::path::PathBuf;
use std::{env, error, fs};

use causal_trace_core::{Component, Direction};
use causal_trace_report::{ColorDepth, PRINT_DPI, terminal_map};

fn main() -> Result<(), Box<dyn error::Error>> {
    let dir = PathBuf::from(env::args().nth(1).ok_or("give a folder to write to")?);
    fs::create_dir_all(&dir)?;
    for component in Component::ALL {
        let needle = common::map(component, &common::SPACE_NEEDLE, 0..4, 48);
        let mut noise = common::map(component, &common::SPACE_NEEDLE, 0..4, 12);
        noise.direction = Direction::Noise;
        noise.values.iter_mut().for_each(|value| *value = noise.clean + noise.corrupted - *value);
        let maps = [
            ("needle", needle),
            ("short", common::map(component, &common::SHORT, 0..2, 12)),
            ("long", common::map(component, &common::long(), common::LONG_SUBJECT, 28)),
            ("noise", noise),
        ];
        for (name, map) in maps {
            let path = dir.join(format!("{name}{}", component.file_suffix()));
            fs::write(path.with_extension("svg"), map.svg()?)?;
            fs::write(path.with_extension("pdf"), map.pdf()?)?;
            fs::write(path.with_extension("png"), map.png(PRINT_DPI)?)?;
            for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::None] {
                println!("{}", terminal_map(&map, depth, 80)?);
            }
        }
    }
    Ok(())
}
