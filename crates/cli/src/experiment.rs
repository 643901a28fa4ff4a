//! Experiments as data: what a TOML file asks for, its sweeps, its figures and findings, its page.
//!
//! `docs/experiments.md` is the format. [`Experiment`] is a file as it stands; [`Job`] are its sweeps on a model;
//! `analysis` makes figures and tables of their results, `number` the numbers by which claims are judged (`verdict`),
//! and `page` the `README.md` that holds all of it.

mod analysis;
mod estimate;
mod facts;
mod file;
mod job;
mod library;
mod number;
mod options;
mod outcome;
mod page;
mod prefix;
mod resample;
mod section;
mod source;
mod verdict;

pub(crate) use estimate::Estimator;
pub(crate) use file::Experiment;
pub(crate) use job::{Asked, Job, Models};
pub(crate) use library::{Entry, all, open, text_of};
pub(crate) use outcome::Done;
pub(crate) use page::Page;
