//! What the server answers: the page, its data, and the live view.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Router, middleware};
use causal_trace_report::page::{LICENSES, SCRIPT, STYLE, served_page};

use super::Problem;
use super::body::{self, MAX_BODY};
use super::folders::Folders;
use super::gate::Gate;
use super::guard::{Guard, guard};
use super::live::{JobRequest, Jobs, Saves, TokensRequest, Tracer, follow};
use super::problem::{json, json_bytes};

/// All that answers are made of.
pub(super) struct Explorer {
    pub(super) folders: Arc<Folders>,
    pub(super) tracer: Arc<Tracer>,
    pub(super) jobs: Arc<Jobs>,
    /// None where nothing may be saved.
    pub(super) saves: Option<Arc<Saves>>,
    /// What the live view is told at first, in JSON.
    pub(super) live: Vec<u8>,
    /// The model's answers to prompts that are typed, and the preparation of traces.
    pub(super) questions: Gate,
}

type Answer = Result<Response, Problem>;

pub(super) fn router(explorer: Explorer, who: Guard) -> Router {
    Router::new()
        .route("/", get(|| async { content("text/html; charset=utf-8", served_page()) }))
        .route("/explorer.js", get(|| async { content("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/explorer.css", get(|| async { content("text/css; charset=utf-8", STYLE) }))
        .route("/explorer-licenses.txt", get(|| async { content("text/plain; charset=utf-8", LICENSES) }))
        // Browsers ask for it unasked.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/api/report", get(report))
        .route("/api/folders/{folder}/chunks/{part}", get(chunk))
        .route("/api/live", get(live))
        .route("/api/tokens", post(tokens))
        .route("/api/jobs", post(start))
        .route("/api/jobs/{job}", delete(cancel))
        // A question about the stream is not somebody who listens to it.
        .route("/api/jobs/{job}/events", get(events).head(not_this_method))
        .route("/api/jobs/{job}/save", post(save))
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(not_this_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(explorer))
        .layer(middleware::from_fn_with_state(Arc::new(who), guard))
}

fn content(kind: &'static str, text: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn report(State(explorer): State<Arc<Explorer>>) -> Answer {
    Ok(json_bytes(explorer.folders.report().await?))
}

async fn chunk(
    State(explorer): State<Arc<Explorer>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Answer {
    let Path((folder, part)) = path.map_err(unknown)?;
    Ok(content("application/octet-stream", explorer.folders.chunk(&folder, &part).await?))
}

async fn live(State(explorer): State<Arc<Explorer>>) -> Response {
    json_bytes(explorer.live.clone())
}

async fn tokens(State(explorer): State<Arc<Explorer>>, request: Request) -> Answer {
    let asked: TokensRequest = body::read(request).await?;
    let tracer = Arc::clone(&explorer.tracer);
    Ok(json(&explorer.questions.pass(move || asked.answer(&tracer)).await?))
}

async fn start(State(explorer): State<Arc<Explorer>>, request: Request) -> Answer {
    let asked: JobRequest = body::read(request).await?;
    // Before the work of finding out what is asked.
    explorer.jobs.check_place()?;
    let (tracer, jobs) = (Arc::clone(&explorer.tracer), Arc::clone(&explorer.jobs));
    Ok(json(&explorer.questions.pass(move || asked.start(&tracer, &jobs)).await?))
}

async fn events(State(explorer): State<Arc<Explorer>>, path: Result<Path<String>, PathRejection>) -> Answer {
    let job = explorer.jobs.find(&path.map_err(unknown)?)?;
    Ok(follow(job, Arc::clone(&explorer.jobs)))
}

async fn cancel(
    State(explorer): State<Arc<Explorer>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let job = explorer.jobs.find(&path.map_err(unknown)?)?;
    explorer.jobs.cancel(&job);
    Ok(StatusCode::NO_CONTENT)
}

async fn save(State(explorer): State<Arc<Explorer>>, path: Result<Path<String>, PathRejection>) -> Answer {
    let job = explorer.jobs.find(&path.map_err(unknown)?)?;
    let saves = explorer.saves.clone();
    let saves = saves.ok_or_else(|| Problem::not_found("this server was started with --no-save"))?;
    let (tracer, folders) = (Arc::clone(&explorer.tracer), Arc::clone(&explorer.folders));
    Ok(json(&explorer.questions.pass(move || saves.save(&job, &tracer, &folders)).await?))
}

async fn not_this_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
}

fn unknown(_: PathRejection) -> Problem {
    Problem::not_found("there is nothing at this address")
}
