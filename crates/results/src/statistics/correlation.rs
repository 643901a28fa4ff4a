//! How closely two series of numbers follow each other.

/// Pearson's correlation of the pairs at the same places: between −1 and 1. Pairs with a number that is not finite are
/// left out.
///
/// # Errors
/// `None` for fewer than three pairs, or where one of the two series does not vary.
#[must_use]
pub fn pearson(first: &[f64], second: &[f64]) -> Option<f64> {
    let (first, second) = finite_pairs(first, second);
    of_pairs(&first, &second)
}

/// Spearman's correlation: Pearson's of the ranks, equal numbers sharing the middle one of their ranks.
///
/// # Errors
/// As [`pearson`].
#[must_use]
pub fn spearman(first: &[f64], second: &[f64]) -> Option<f64> {
    let (first, second) = finite_pairs(first, second);
    of_pairs(&middle_ranks(&first), &middle_ranks(&second))
}

fn finite_pairs(first: &[f64], second: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let pairs = first.iter().copied().zip(second.iter().copied());
    pairs.filter(|(one, other)| one.is_finite() && other.is_finite()).unzip()
}

fn of_pairs(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() < 3 {
        return None;
    }
    let (first, second) = (centred(first), centred(second));
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let spread = product(&first, &first).sqrt() * product(&second, &second).sqrt();
    // Rounding may carry the quotient a little beyond 1.
    (spread > 0.0).then(|| (product(&first, &second) / spread).clamp(-1.0, 1.0))
}

/// The differences to the mean: exactly 0 where all are equal, which their rounded mean need not be.
fn centred(values: &[f64]) -> Vec<f64> {
    if values.iter().all(|value| *value == values[0]) {
        return vec![0.0; values.len()];
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

/// The ranks from 1; equal values share the mean of theirs.
fn middle_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equals in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let middle = before as f64 + (equals.len() as f64 + 1.0) / 2.0;
        for &place in equals {
            ranks[place] = middle;
        }
        before += equals.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f64 = f64::NAN;

    fn close(found: Option<f64>, expected: f64) {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}, expected {expected}");
    }

    #[test]
    fn straight_lines_correlate_fully() {
        close(pearson(&[1.0, 2.0, 4.0], &[10.0, 20.0, 40.0]), 1.0);
        close(pearson(&[1.0, 2.0, 4.0], &[-1.0, -2.0, -4.0]), -1.0);
        close(spearman(&[1.0, 2.0, 4.0], &[1.0, 8.0, 64.0]), 1.0);
    }

    #[test]
    fn numbers_worked_out_by_hand() {
        // Around the means 2 and 3: products −1·−1 + 0·2 + 1·−1 = 0.
        close(pearson(&[1.0, 2.0, 3.0], &[2.0, 5.0, 2.0]), 0.0);
        // Around 2.5 and 2.5: 1.5·0.5 + 0.5·1.5 + 0.5·0.5 + 1.5·1.5 − … = 4 of 5.
        close(pearson(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 3.0, 4.0]), 0.8);
        // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / √(4.5 · 5).
        close(spearman(&[1.0, 7.0, 7.0, 9.0], &[0.0, 1.0, 2.0, 3.0]), 4.5 / 22.5f64.sqrt());
    }

    #[test]
    fn too_little_to_tell_is_nothing() {
        assert_eq!(pearson(&[1.0, 2.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]), None);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(pearson(&[1.0, NONE, 2.0], &[1.0, 3.0, 2.0]), None, "two pairs are left");
        close(pearson(&[1.0, 2.0, NONE, 4.0], &[1.0, 2.0, 3.0, 4.0]), 1.0);
    }

    #[test]
    fn order_of_the_pairs_and_scale_do_not_matter() {
        let (first, second) = ([3.0, 1.0, 2.0, 7.0, 5.0], [1.0, 4.0, 1.0, 5.0, 9.0]);
        let mut reversed = (first, second);
        reversed.0.reverse();
        reversed.1.reverse();
        close(pearson(&reversed.0, &reversed.1), pearson(&first, &second).unwrap());
        close(spearman(&reversed.0, &reversed.1), spearman(&first, &second).unwrap());
        close(pearson(&first.map(|x| 1e-9 * x), &second), pearson(&first, &second).unwrap());
    }
}
