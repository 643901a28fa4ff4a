import { useEffect, useState } from "preact/hooks";
import type { Report } from "./data.ts";
import type { Source } from "./source.ts";

export function Page({ source }: { source: Source }) {
  const [report, setReport] = useState<Report | null>(null);
  useEffect(() => void source.report().then(setReport), [source]);
  return <main>{report?.folders.map((folder) => <h1 key={folder.name}>{folder.name}</h1>)}</main>;
}
