//! The explorer's server: `causal-trace serve`.
//!
//! - `server` takes connections, `guard` refuses what this server's own page would not ask, `routes` answers;
//! - `folders` are the results that are shown;
//! - `live` traces what is typed.
//!
//! All runs in one thread, but for reading, the model's answers to what is typed, and the traces. What is asked and
//! answered is written down in `explorer/src/live.ts` and `explorer/src/source.ts`.

mod address;
mod body;
mod folders;
mod gate;
mod guard;
mod live;
mod problem;
mod routes;
mod server;
mod token;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::args::ServeArgs;
use crate::printer::Printer;
use crate::sweep::Interrupt;
use crate::usage::Usage;
use address::Address;
use folders::Folders;
use gate::Gate;
use guard::Guard;
use live::{Jobs, Saves, Tracer, Worker, describe};
use problem::Problem;
use routes::{Explorer, router};
use token::Token;

/// Prompts that are answered at a time, and that wait.
const QUESTIONS: usize = 2;
const WAITING_QUESTIONS: usize = 1024;
/// Threads for what takes a while.
const BLOCKING_THREADS: usize = 8;
/// How long these may take when the program ends.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// Serves until Ctrl-C.
pub(crate) fn run(args: &ServeArgs, printer: &Printer) -> Result<()> {
    // What can be found wrong at once, before the model is opened.
    let folders = Arc::new(Folders::open(&args.results)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .context("cannot start the server")?;
    let _inside = runtime.enter();
    let listener = address::listen(&args.host, args.port)?;
    let address = Address::new(listener.local_addr().context("cannot listen")?, &args.host);
    let token = (args.token || !address.is_loopback()).then(|| Token::new(address.port())).transpose()?;
    if args.open && token.is_some() {
        let problem = "--open would give the address, with the secret in it, to another program as an argument, which \
                       everybody on this machine can read: leave it out, and open the printed address by hand";
        return Err(Usage(problem.to_owned()).into());
    }
    let tracer = Arc::new(Tracer::open(args, printer)?);
    let saves = (!args.no_save).then(|| Arc::new(Saves::new(args.save.clone())));
    let jobs = Arc::new(Jobs::new()?);

    let url = format!("{}/{}", address.origin(), token.as_ref().map_or(String::new(), Token::query));
    let (end, ending) = watch::channel(false);
    let interrupted = end.clone();
    Interrupt::listen(move || {
        interrupted.send_replace(true);
    })?;
    let worker = Worker::start(Arc::clone(&jobs), Arc::clone(&tracer))?;
    let explorer = Explorer {
        folders: Arc::clone(&folders),
        live: serde_json::to_vec(&describe(&tracer, saves.as_ref().map(|saves| saves.root())))?,
        tracer,
        jobs: Arc::clone(&jobs),
        saves,
        questions: Gate::new(QUESTIONS, WAITING_QUESTIONS),
    };
    announce(&url, &address, args, printer);
    let reading = runtime.spawn_blocking(move || folders.read());
    let router = router(explorer, Guard { address, token });
    let read = runtime.block_on(async {
        let (mut told, mut interrupted) = (ending.clone(), ending.clone());
        let read = async {
            let read = tokio::select! {
                read = reading => read.unwrap_or_else(|fault| Err(fault.into())),
                () = server::end(&mut interrupted) => Ok(()),
            };
            // Without its folders the page shows nothing.
            if read.is_err() {
                end.send_replace(true);
            }
            read
        };
        let closed = async {
            server::end(&mut told).await;
            // Streams of events end with their jobs.
            jobs.close();
        };
        let ((), (), read) = tokio::join!(server::serve(listener, router, ending), closed, read);
        read
    });
    worker.wait();
    drop(_inside);
    runtime.shutdown_timeout(END_PATIENCE);
    read
}

/// Says where the page is.
fn announce(url: &str, address: &Address, args: &ServeArgs, printer: &Printer) {
    printer.result(url);
    if address.is_everywhere() {
        printer.note("from another machine, put an address of this one in the place of its own");
    }
    printer.note("Ctrl-C ends the server");
    if args.open
        && let Err(error) = open::that_detached(url)
    {
        printer.note(&format!("cannot open a browser ({error}): open the address by hand"));
    }
}
