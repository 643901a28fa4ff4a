// What every part of the page shares.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Folder, Report } from "./data.ts";
import type { Source } from "./source.ts";
import { writeView, type View } from "./state.ts";
import type { Change } from "./use-view.ts";

export interface Explorer {
  source: Source;
  report: Report;
  view: View;
  /** Changes parts of the view and the address with it. */
  change: Change;
  /** Asks for the report again, after something was saved. */
  reload: () => Promise<void>;
}

export const ExplorerContext = createContext<Explorer | null>(null);

export function useExplorer(): Explorer {
  const explorer = useContext(ExplorerContext);
  if (!explorer) throw new Error("a part of the page stands outside of it");
  return explorer;
}

/** The folder of a name and its place; the first where there is none of that name. */
export function findFolder(report: Report, name: string): { folder: Folder; index: number } | null {
  const index = Math.max(report.folders.findIndex((folder) => folder.name === name), 0);
  const folder = report.folders[index];
  return folder ? { folder, index } : null;
}

/** An address on this page: the view with some parts changed. */
export function addressOf(view: View, patch: Partial<View>): string {
  return writeView({ ...view, ...patch }) || "#overview";
}
