//! `causal-trace serve`: the explorer, with a live view of one model.

use anyhow::Result;

use crate::args::ServeArgs;
use crate::printer::Printer;
use crate::serve;

pub(crate) fn run(args: &ServeArgs, printer: &Printer) -> Result<()> {
    serve::run(args, printer)
}
