//! What Slurm has given to this job. A node has more, and not every cluster keeps jobs from taking it.

use super::Lookup;

/// Of the memory, so much is left for what is not counted.
const SPARE: usize = 10;

/// The processors of this task.
pub(crate) fn cpus(variable: Lookup<'_>) -> Option<usize> {
    let number = |name: &str| variable(name)?.parse().ok().filter(|&number: &usize| number > 0);
    // Without --cpus-per-task, a batch script has all that its job has on the node.
    number("SLURM_CPUS_PER_TASK").or_else(|| number("SLURM_CPUS_ON_NODE"))
}

/// The bytes that this job may take, where they are limited.
pub(crate) fn memory(variable: Lookup<'_>) -> Option<usize> {
    // In mebibytes; 0 is all that the node has.
    let number = |name: &str| variable(name)?.parse::<usize>().ok();
    let per_cpu = || number("SLURM_MEM_PER_CPU")?.checked_mul(cpus(variable)?);
    let mebibytes = number("SLURM_MEM_PER_NODE").or_else(per_cpu).filter(|&number| number > 0)?;
    mebibytes.checked_mul(1 << 20).map(|bytes| bytes - bytes / SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(variables: &[(&str, &str)]) -> (Option<usize>, Option<usize>) {
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        };
        (cpus(&lookup), memory(&lookup))
    }

    #[test]
    fn what_a_job_was_given_is_read() {
        assert_eq!(given(&[]), (None, None));
        assert_eq!(given(&[("SLURM_CPUS_ON_NODE", "8")]), (Some(8), None));
        let task = [("SLURM_CPUS_ON_NODE", "8"), ("SLURM_CPUS_PER_TASK", "4"), ("SLURM_MEM_PER_CPU", "1000")];
        assert_eq!(given(&task), (Some(4), Some(3600 << 20)));
        assert_eq!(given(&[("SLURM_MEM_PER_NODE", "10")]), (None, Some(9 << 20)));
        assert_eq!(given(&[("SLURM_MEM_PER_NODE", "0")]), (None, None), "all of the node's");
        for odd in ["", "x", "-1", "99999999999999999999", "18446744073709551615"] {
            assert_eq!(given(&[("SLURM_MEM_PER_NODE", odd)]).1, None, "{odd}");
        }
    }
}
