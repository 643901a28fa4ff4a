import type { ComponentChildren } from "preact";
import { RunningContext, useJob } from "./use-job.ts";

/** Holds the live view's job above the page's views, so that it goes on while another one is looked at. */
export function HoldsJob({ children }: { children: ComponentChildren }) {
  return <RunningContext.Provider value={useJob()}>{children}</RunningContext.Provider>;
}
