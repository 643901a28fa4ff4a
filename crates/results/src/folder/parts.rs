//! How the facts are cut into parts.

/// Cuts facts into parts of consecutive facts: how many each part holds.
///
/// A part ends where one more fact would cost more than `most_cost` or be more than `most_facts`; it holds at least
/// one, whatever that costs.
///
/// # Units
/// Those of `costs`, for instance estimated seconds.
#[must_use]
pub fn cut_into_parts(costs: &[f64], most_cost: f64, most_facts: usize) -> Vec<usize> {
    let mut parts: Vec<usize> = Vec::new();
    let mut cost_so_far = 0.0;
    for &cost in costs {
        match parts.last_mut() {
            Some(facts) if *facts < most_facts && cost_so_far + cost <= most_cost => {
                *facts += 1;
                cost_so_far += cost;
            }
            _ => {
                parts.push(1);
                cost_so_far = cost;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_at_either_bound() {
        assert_eq!(cut_into_parts(&[1.0, 2.0, 1.0, 3.0, 1.0], 3.0, 10), [2, 1, 1, 1]);
        assert_eq!(cut_into_parts(&[1.0; 7], 100.0, 3), [3, 3, 1]);
    }

    #[test]
    fn every_fact_is_in_a_part() {
        assert_eq!(cut_into_parts(&[9.0, 9.0], 3.0, 10), [1, 1]);
        assert_eq!(cut_into_parts(&[f64::NAN, f64::INFINITY, 1.0], 3.0, 10), [1, 1, 1]);
        assert_eq!(cut_into_parts(&[1.0, 1.0], 3.0, 0), [1, 1]);
        assert!(cut_into_parts(&[], 3.0, 10).is_empty());
    }
}
