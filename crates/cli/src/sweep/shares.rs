//! How the work is cut into parts, and the parts are shared out.

use causal_trace_results::cut_into_parts;

use crate::args::Shard;

/// A part takes about a minute on a processor that does this many operations a second: few of today's do less.
pub(super) const MOST_OPERATIONS: f64 = 60.0 * 2e10;
/// Facts of a part, and of parts that are traced together: so many rows in one product are enough, and so few are lost
/// when the power fails.
pub(super) const MOST_FACTS: usize = 16;
/// A part of fewer would be a small file.
const LEAST_FACTS: usize = 4;
/// About so many parts can be shared out evenly among the workers that a sweep of small facts may have.
const MANY_PARTS: usize = 256;
/// No part of several facts costs more than so many times the mean.
const MOST_UNEVEN: f64 = 1.5;

/// How many facts each part holds. It follows from the facts and settings alone, however many workers there are.
pub(super) fn cut(costs: &[f64]) -> Vec<usize> {
    let most_facts = (costs.len() / MANY_PARTS).clamp(LEAST_FACTS, MOST_FACTS);
    let mean = costs.iter().sum::<f64>() / costs.len().max(1) as f64;
    cut_into_parts(costs, MOST_OPERATIONS.min(MOST_UNEVEN * mean * most_facts as f64), most_facts)
}

/// All parts, from one of them on that is another for every process: so workers that take any part do not all ask for
/// the same.
pub(super) fn from_anywhere(n_parts: usize) -> Vec<usize> {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    let first = (random % n_parts.max(1) as u64) as usize;
    (first..n_parts).chain(0..first).collect()
}

/// The parts of a share of the work: each part, the costliest first, goes to the share that has least.
pub(crate) fn share(costs: &[f64], shard: Shard) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    let mut loads = vec![(0.0, 0); shard.count];
    let mut mine = Vec::new();
    for part in order {
        let least = (0..shard.count)
            .min_by(|&a, &b| loads[a].partial_cmp(&loads[b]).unwrap_or(std::cmp::Ordering::Equal));
        let least = least.unwrap_or_default();
        loads[least].0 += costs[part];
        // Parts without cost are shared out by their number.
        loads[least].1 += 1;
        if least == shard.index {
            mine.push(part);
        }
    }
    mine.sort_unstable();
    mine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_one_share_and_shares_are_even() {
        let costs: Vec<f64> = (0..100).map(|part| f64::from(part * part % 37)).collect();
        let shares: Vec<Vec<usize>> = (0..8).map(|index| share(&costs, Shard { index, count: 8 })).collect();
        let mut all = shares.concat();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..100));
        let loads: Vec<f64> =
            shares.iter().map(|parts| parts.iter().map(|&part| costs[part]).sum()).collect();
        let (largest, mean) = (loads.iter().copied().fold(0.0, f64::max), costs.iter().sum::<f64>() / 8.0);
        assert!(largest <= 1.05 * mean, "{loads:?}");
    }

    #[test]
    fn parts_without_cost_are_shared_out_too() {
        let shares: Vec<Vec<usize>> =
            (0..2).map(|index| share(&[0.0, 0.0, 0.0, 0.0], Shard { index, count: 2 })).collect();
        assert_eq!(shares, [[0, 2], [1, 3]]);
        assert_eq!(share(&[1.0], Shard { index: 1, count: 2 }), [0; 0]);
    }
}
