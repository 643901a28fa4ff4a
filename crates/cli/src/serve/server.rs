//! Connections: so many at a time, each within its time, until the end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;

/// Most connections at a time; others wait to be accepted. A process may often have 1,024 files open.
const MAX_CONNECTIONS: usize = 512;
/// How long the first lines of a request may take, and a connection may be idle.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may read nothing of what it asked for: one that never does would keep its connection for good.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);
/// How long connections may take to end when the server ends.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait when the system does not give a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers requests until `ending` is true, and then those that are being answered.
pub(super) async fn serve(listener: TcpListener, router: Router, mut ending: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = end(&mut ending) => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let answering = answer(stream, router.clone(), ending.clone());
                tokio::spawn(async move {
                    answering.await;
                    drop(place);
                });
            }
            // Too many files are open, or the client has gone: neither is the end.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    // All places are free when all connections have ended.
    let _ = tokio::time::timeout(END_PATIENCE, places.acquire_many(MAX_CONNECTIONS as u32)).await;
}

/// Waits until the server is to end.
pub(super) async fn end(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|&ending| ending).await;
}

/// Answers the requests of a connection.
async fn answer(stream: TcpStream, router: Router, mut ending: watch::Receiver<bool>) {
    // Events are small, and are not to wait for more.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_PATIENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // A client that breaks off is none of the server's troubles.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = end(&mut ending) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
