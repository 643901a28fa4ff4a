//! The results folder, from outside: what is written is read again, and what is damaged is told.
#![expect(clippy::unwrap_used, reason = "the functions that tests share are not seen as tests")]

mod audit;
mod common;
mod damage;
mod foreign;
mod interrupted;
mod merging;
mod metrics;
mod python;
mod round_trip;
mod sharing;
