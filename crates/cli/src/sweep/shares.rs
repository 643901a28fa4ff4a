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

/// The parts of a share of the work.
pub(crate) fn share(costs: &[f64], Shard { index, count }: Shard) -> Vec<usize> {
    shares(costs, count).swap_remove(index)
}

/// The parts of every share: each part, the costliest first, goes to the share that has least.
pub(crate) fn shares(costs: &[f64], count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    let mut loads = vec![(0.0, 0); count];
    let mut shares = vec![Vec::new(); count];
    for part in order {
        let least =
            (0..count).min_by(|&a, &b| loads[a].partial_cmp(&loads[b]).unwrap_or(std::cmp::Ordering::Equal));
        let least = least.unwrap_or_default();
        loads[least].0 += costs[part];
        // Parts without cost are shared out by their number.
        loads[least].1 += 1;
        shares[least].push(part);
    }
    shares.iter_mut().for_each(|parts| parts.sort_unstable());
    shares
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use causal_trace_core::{Precision, RoleConvention};
    use causal_trace_results::Target;

    use super::*;
    use crate::args::MethodArgs;
    use crate::fact_file::{Choice, FactFile};
    use crate::memory::Budget;
    use crate::models::{Given, NamedModel};
    use crate::printer::Printer;
    use crate::sweep::{Request, Sweep};

    /// What the parts of a sweep cost.
    fn costs(model: &str, facts: Option<&Path>) -> Vec<f64> {
        let printer = Printer::new(true);
        let model = NamedModel::open(
            Given { model, revision: None, budget: Budget::new(None, 1) },
            Precision::F32,
            &printer,
        )
        .unwrap();
        let facts = FactFile::open(facts, &printer).unwrap();
        let (chosen, identity) = facts.choose(&Choice::All).unwrap();
        let request = Request {
            model_identity: model.identity().unwrap(),
            model: &model,
            facts,
            chosen,
            identity,
            method: MethodArgs::default(),
            target: Target::Predicted,
            roles: RoleConvention::Rome,
            out: "nowhere".into(),
        };
        Sweep::new(request, &printer).unwrap().parts.iter().map(|part| part.cost).collect()
    }

    /// The largest share's cost over the mean; every part is in one share.
    fn imbalance(costs: &[f64], count: usize) -> f64 {
        let shares = shares(costs, count);
        let mut all = shares.concat();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..costs.len()));
        let load = |parts: &Vec<usize>| parts.iter().map(|&part| costs[part]).sum();
        let largest = shares.iter().map(load).fold(0.0, f64::max);
        largest / (costs.iter().sum::<f64>() / count as f64)
    }

    fn is_balanced(what: &str, costs: &[f64]) {
        let [two, eight, many] = [2, 8, 32].map(|count| imbalance(costs, count));
        println!(
            "{what}: {} parts; the largest of 2 shards costs {two:.4} times the mean, of 8 {eight:.4}, of 32 {many:.4}",
            costs.len()
        );
        assert!(two <= 1.01 && eight <= 1.05, "{what}");
    }

    #[test]
    fn eight_shards_of_the_embedded_facts_are_even() {
        is_balanced("the embedded facts", &costs("demo", None));
    }

    #[test]
    fn eight_shards_of_romes_facts_are_even() {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let (model, facts) = (shared.join("golden/gpt2/model"), shared.join("data/known_1000.json"));
        if !model.is_dir() || !facts.is_file() {
            println!("skipped: no ../shared beside the repository, with ROME's facts");
            return;
        }
        is_balanced("known_1000.json", &costs(model.to_str().unwrap(), Some(&facts)));
    }

    #[test]
    fn shares_of_uneven_parts_are_even() {
        let costs: Vec<f64> = (0..100).map(|part| f64::from(part * part % 37)).collect();
        assert!(imbalance(&costs, 8) <= 1.05);
    }

    #[test]
    fn parts_follow_from_the_costs_alone() {
        assert_eq!(cut(&[]), [0; 0]);
        assert_eq!(cut(&[1.0; 10]), [4, 4, 2]);
        assert_eq!(cut(&[1.0; 5120])[..3], [16, 16, 16]);
        assert_eq!(cut(&[MOST_OPERATIONS; 3]), [1, 1, 1], "large facts are parts of their own");
        assert_eq!(cut(&[1.0, 1.0, 30.0, 1.0, 1.0, 1.0, 1.0, 1.0]), [2, 1, 4, 1], "no part is much larger");
        assert_eq!(cut(&[0.0; 6]), [4, 2]);
    }

    #[test]
    fn any_parts_are_all_parts() {
        for n_parts in [0, 1, 7] {
            let mut parts = from_anywhere(n_parts);
            parts.sort_unstable();
            assert_eq!(parts, Vec::from_iter(0..n_parts));
        }
    }

    #[test]
    fn parts_without_cost_are_shared_out_too() {
        let shares: Vec<Vec<usize>> =
            (0..2).map(|index| share(&[0.0, 0.0, 0.0, 0.0], Shard { index, count: 2 })).collect();
        assert_eq!(shares, [[0, 2], [1, 3]]);
        assert_eq!(share(&[1.0], Shard { index: 1, count: 2 }), [0; 0]);
    }
}
