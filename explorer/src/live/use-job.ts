import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { JobRequest } from "../live.ts";
import { cancelJob, follow, startJob } from "./ask.ts";
import { after, isOver, newJob, type Job } from "./job.ts";

export interface Running {
  job: Job | null;
  /** Whether a job was asked for and has not begun to answer. */
  isSent: boolean;
  /** Why the server took no job. */
  problem: string;
  run: (request: JobRequest) => void;
  cancel: () => void;
}

/** One job at a time: another one, or leaving the view, cancels it. */
export function useJob(): Running {
  const [job, setJob] = useState<Job | null>(null);
  const [isSent, setSent] = useState(false);
  const [problem, setProblem] = useState("");
  const leave = useRef(() => undefined as void);

  const run = useCallback((request: JobRequest) => {
    leave.current();
    let isLeft = false;
    leave.current = () => {
      isLeft = true;
    };
    setJob(null);
    setProblem("");
    setSent(true);
    startJob(request).then((started) => {
      if (isLeft) return cancelJob(started.job);
      setSent(false);
      let current = newJob(started, performance.now());
      setJob(current);
      const stop = follow(started.job, (events) => {
        current = after(current, events, performance.now());
        setJob(current);
      });
      leave.current = () => {
        stop();
        if (!isOver(current)) cancelJob(started.job);
      };
    }).catch((error: unknown) => {
      if (isLeft) return;
      setSent(false);
      setProblem(error instanceof Error ? error.message : String(error));
    });
  }, []);

  const cancel = useCallback(() => {
    if (job && !isOver(job)) cancelJob(job.id);
  }, [job]);

  useEffect(() => () => leave.current(), []);
  return { job, isSent, problem, run, cancel };
}
