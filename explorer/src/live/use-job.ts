import { createContext } from "preact";
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JobRequest, Saved } from "../live.ts";
import { cancelJob, follow, startJob } from "./ask.ts";
import { after, isOver, newJob, type Job } from "./job.ts";

export interface Running {
  job: Job | null;
  /** What the job was asked. */
  request: JobRequest | null;
  /** Whether a job was asked for and has not begun to answer. */
  isSent: boolean;
  /** Why the server took no job. */
  problem: string;
  /** Where the job's numbers were saved; null where they are not. */
  saved: Saved | null;
  run: (request: JobRequest) => void;
  cancel: () => void;
  keepSaved: (saved: Saved) => void;
}

export const RunningContext = createContext<Running | null>(null);

export function useRunning(): Running {
  const running = useContext(RunningContext);
  if (!running) throw new Error("the live view stands outside of the page");
  return running;
}

/** One job at a time: another one, or leaving the page, cancels it. */
export function useJob(): Running {
  const [job, setJob] = useState<Job | null>(null);
  const [request, setRequest] = useState<JobRequest | null>(null);
  const [saved, setSaved] = useState<Saved | null>(null);
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
    setRequest(request);
    setSaved(null);
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
  return useMemo(
    () => ({ job, request, isSent, problem, saved, run, cancel, keepSaved: setSaved }),
    [job, request, isSent, problem, saved, run, cancel],
  );
}
