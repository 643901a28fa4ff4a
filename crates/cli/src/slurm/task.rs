//! What Slurm says of the job that this process is.

use causal_trace_results::SlurmTask;

use super::Lookup;
use crate::args::Shard;

/// Which job this process is; `None` outside Slurm.
pub(crate) fn slurm_task(variable: Lookup<'_>) -> Option<SlurmTask> {
    Some(SlurmTask {
        job: variable("SLURM_JOB_ID")?,
        array_job: variable("SLURM_ARRAY_JOB_ID"),
        array_task: variable("SLURM_ARRAY_TASK_ID"),
        restarts: variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0),
    })
}

/// Which share of the work the task of an array does: tasks from `MIN` to `MAX` in steps are numbered from 0.
///
/// # Errors
/// When the task's number does not tell, as in `--array=1,2,7`.
pub(crate) fn shard_of_array(variable: Lookup<'_>) -> Result<Option<Shard>, String> {
    let Some(text) = variable("SLURM_ARRAY_TASK_ID") else { return Ok(None) };
    let number = |name: &str| variable(&format!("SLURM_ARRAY_TASK_{name}"))?.parse::<usize>().ok();
    let shard = || {
        let (task, count, least) = (number("ID")?, number("COUNT")?, number("MIN").unwrap_or(0));
        let step = number("STEP").unwrap_or(1).max(1);
        let (place, rest) = (task.checked_sub(least)? / step, (task - least) % step);
        let is_even = number("MAX").is_none_or(|most| most.checked_sub(least) == Some((count - 1) * step));
        (rest == 0 && place < count && is_even).then_some(Shard { index: place, count })
    };
    shard().map(Some).ok_or_else(|| {
        format!(
            "SLURM_ARRAY_TASK_ID is {text}, and which share of the work that is does not follow from the array's \
             numbers: submit --array=0-7 or the like, or give --shard I/N or --shard any"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> Result<Option<Shard>, String> {
        shard_of_array(&|name| {
            let (_, value) =
                variables.iter().find(|(known, _)| name.strip_prefix("SLURM_ARRAY_TASK_") == Some(known))?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn a_task_is_numbered_within_its_array() {
        let found = |variables| shard(variables).unwrap().map(|Shard { index, count }| (index, count));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("ID", "3"), ("COUNT", "8")]), Some((3, 8)));
        let from_one = [("ID", "8"), ("COUNT", "8"), ("MIN", "1"), ("MAX", "8"), ("STEP", "1")];
        assert_eq!(found(&from_one), Some((7, 8)));
        let in_steps = [("ID", "14"), ("COUNT", "4"), ("MIN", "10"), ("MAX", "16"), ("STEP", "2")];
        assert_eq!(found(&in_steps), Some((2, 4)));
    }

    #[test]
    fn an_array_with_gaps_is_refused() {
        let gaps = [("ID", "7"), ("COUNT", "3"), ("MIN", "1"), ("MAX", "7"), ("STEP", "1")];
        assert!(shard(&gaps).unwrap_err().contains("--shard any"));
        let first = [("ID", "1"), ("COUNT", "3"), ("MIN", "1"), ("MAX", "7"), ("STEP", "1")];
        assert!(shard(&first).is_err(), "every task of it is refused");
        for wrong in ["", "x", "-1", "9"] {
            assert!(shard(&[("ID", wrong), ("COUNT", "8")]).is_err(), "{wrong}");
        }
        assert!(shard(&[("ID", "0")]).is_err());
    }
}
